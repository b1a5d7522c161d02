r"""The noise-averaged loss, from the definition.

Setting: a linear network with independent multiplicative noise of mean 1 and variance $s_i$ on hidden layer $i$, squared
error, weight decay. Result: the loss as a polynomial in the weights, in the path form
$\mathbb{E}[f^2] = \sum_S (\prod_{i \in S} s_i) Q_S$. Source: arXiv:2202.04777 (recursion and path form derived here).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import sympy as sp

from theory.derivations import minima
from theory.derivations import network as nets
from theory.derivations.exact import vanishes
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Option, Recipe, Step, equation
from theory.derivations.network import Network, Y

_SQUARE, _MEAN, _PENALTY, _LOSS = sp.symbols("E_2 E_1 R L")


def path_terms(net: Network, square: sp.Expr) -> Iterator[Let]:
    r"""$Q_S$ for every set $S$ of noisy layers: the coefficient of $\prod_{i \in S} s_i$ in $\mathbb{E}[f^2]$."""
    poly = sp.Poly(square, *net.noise) if net.noise else None
    for chosen in _subsets(net):
        name = "".join(str(place) for place, bit in enumerate(chosen, 1) if bit) or "0"
        coefficient = poly.coeff_monomial(chosen) if poly else square
        yield Let(sp.Symbol(f"Q_{name}"), _tidy(net, coefficient))


def _subsets(net: Network) -> list[tuple[int, ...]]:
    """Indicators of the sets of noisy layers, small sets first."""
    return sorted(itertools.product((0, 1), repeat=len(net.noise)), key=lambda bits: (sum(bits), [-bit for bit in bits]))


def _tidy(net: Network, expression: sp.Expr) -> sp.Expr:
    moments = sorted(net.second.free_symbols, key=str)
    return sp.collect(sp.expand(expression), moments, func=sp.factor)


def arguments(net: Network) -> tuple[Argument, ...]:
    """The loss as a function of the weights, the data moments, the decays and the noise variances."""
    rows = [sp.Tuple(*(sp.Tuple(*layer.row(j)) for j in range(layer.rows))) for layer in net.layers]
    weights = [Argument(f"W_{i}", row, f"rows of layer {i}") for i, row in enumerate(rows, 1)]
    moments = sp.Tuple(*(net.second[j, k] for j in range(net.widths[0]) for k in range(j, net.widths[0])))
    noise = [Argument("s", sp.Tuple(*net.noise), "noise variances of the hidden layers")] if net.noise else []
    return (
        *weights,
        Argument("A", moments, "$\\mathbb{E}[xx^T]$, upper triangle row by row"),
        Argument("g", sp.Tuple(*net.cross), "$\\mathbb{E}[xy]$"),
        Argument("Y", Y, "$\\mathbb{E}[y^2]$"),
        Argument("gamma", sp.Tuple(*net.decay), "weight decays"),
        *noise,
    )


def loss_formula(net: Network) -> Formula:
    """The loss through its path terms, each derived by expectation."""
    prediction = nets.output(net)
    terms = tuple(path_terms(net, nets.expectation(net, sp.expand(prediction**2))))
    chosen = _subsets(net)
    square = sum(
        sp.prod(s**bit for s, bit in zip(net.noise, bits, strict=True)) * term.symbol
        for bits, term in zip(chosen, terms, strict=True)
    )
    mean = sp.collect(nets.expectation(net, sp.expand(prediction * net.y)), list(net.cross))
    body = (*terms, Let(_SQUARE, square), Let(_MEAN, mean), Let(_PENALTY, nets.penalty(net)))
    return Formula("loss", arguments(net), body, (Let(_LOSS, _SQUARE - 2 * _MEAN + Y + _PENALTY),))


def _same_as_recursion(formula: Formula, net: Network) -> bool:
    square = nets.moment_matrices(net)[-1][0]
    closed = square - 2 * (nets.mean_predictor(net) * net.cross)[0] + Y + nets.penalty(net)
    return vanishes(formula.expanded(formula["L"]) - closed)


def enumerated_loss(net: Network, weights: Sequence[sp.Rational]) -> tuple[sp.Rational, dict[sp.Symbol, sp.Rational]]:
    r"""The loss at rational weights by running over every dropout mask and data point, with the moments that it has.

    The noise of hidden layer $i$ is $0$ or $i + 1$ with probabilities $i/(i+1)$ and $1/(i+1)$: mean 1, variance $s_i = i$.
    Two data points carry weights $1/3$ and $2/3$. No expectation is simplified, no moment is used.
    """
    size = net.widths[0]
    points = [[sp.Rational(k + 2, j + 1) * (-1) ** (j * k) for k in range(size + 1)] for j in range(2)]
    chances = (sp.Rational(1, 3), sp.Rational(2, 3))
    where = dict(zip(net.weights, weights, strict=True)) | {decay: sp.Rational(1, i + 1) for i, decay in enumerate(net.decay)}
    prediction = nets.output(net).xreplace(where)
    total = sp.Integer(0)
    for masks, probability in _masks(net):
        at_mask = prediction.xreplace(masks)
        for chance, (*x, y) in zip(chances, points, strict=True):
            total += probability * chance * (at_mask.xreplace(dict(zip(net.x, x, strict=True))) - y) ** 2
    moments = _sample_moments(net, points, chances)
    noise = {s: sp.Integer(i) for i, s in enumerate(net.noise, 1)}
    return total + nets.penalty(net).xreplace(where), where | moments | noise


def _masks(net: Network) -> Iterator[tuple[dict[sp.Symbol, sp.Rational], sp.Rational]]:
    entries = [(mask, i) for i, layer in enumerate(net.masks, 1) for mask in layer]
    for bits in itertools.product((0, 1), repeat=len(entries)):
        values = {mask: sp.Integer(bit * (i + 1)) for (mask, i), bit in zip(entries, bits, strict=True)}
        yield values, sp.prod([sp.Rational(1 if bit else i, i + 1) for (_, i), bit in zip(entries, bits, strict=True)])


def _sample_moments(
    net: Network, points: Sequence[Sequence[sp.Rational]], chances: Sequence[sp.Rational]
) -> dict[sp.Symbol, sp.Rational]:
    size = net.widths[0]
    mean = [
        [sum(p * v[j] * v[k] for p, v in zip(chances, points, strict=True)) for k in range(size + 1)] for j in range(size + 1)
    ]
    moments = {net.second[j, k]: mean[j][k] for j in range(size) for k in range(j, size)}
    return moments | {net.cross[k]: mean[k][size] for k in range(size)} | {Y: mean[size][size]}


def _same_as_enumeration(formula: Formula, net: Network) -> bool:
    weights = [sp.Rational((-1) ** place * (place + 2), 1 + place % 3) for place in range(len(net.weights))]
    value, where = enumerated_loss(net, weights)
    return vanishes(formula.expanded(formula["L"]).xreplace(where) - value)


def _noisy(layer: int, net: Network) -> sp.ImmutableDenseMatrix:
    """What the noise of a hidden layer does to a symmetric matrix of symbols."""
    size = net.widths[layer]
    entries = sp.Matrix(size, size, lambda j, k: sp.Symbol(f"m__{layer}_{min(j, k) + 1}{max(j, k) + 1}"))
    return sp.ImmutableDenseMatrix(nets.with_noise(entries, net.noise[layer - 1]).applyfunc(sp.factor))


def _steps(net: Network, formula: Formula) -> tuple[Step, ...]:
    f, v = sp.symbols("f v")
    hidden = [equation(sp.Symbol(f"B_{i}"), _noisy(i, net)) for i in range(1, net.depth)]
    return (
        Step(
            "The prediction",
            equation(f, nets.output(net)),
            "$f = W_N \\epsilon_{N-1} \\dots \\epsilon_1 W_1 x$, one term for each path.",
        ),
        Step(
            "Average the prediction squared",
            sp.Tuple(
                equation(_SQUARE, formula["E_2"]),
                *(equation(line.symbol, line.value) for line in formula.lets if line.symbol.name[0] == "Q"),
            ),
            "Expand $f^2$ and replace each monomial by its moments: $\\mathbb{E}[\\epsilon] = 1$, "
            "$\\mathbb{E}[\\epsilon^2] = 1 + s_i$, $\\mathbb{E}[x_j x_k] = A_{jk}$. The coefficient of $\\prod_{i \\in S} s_i$ "
            "is the path term $Q_S$ of the paths that share their nodes on the layers in $S$.",
        ),
        Step(
            "The same by a recursion over the layers",
            sp.Tuple(*hidden),
            "$B_0 = A$, $M_i = W_i B_{i-1} W_i^T$, $B_i = M_i + s_i \\operatorname{diag}(M_i)$: noise adds to the "
            "diagonal only, because the "
            "neurons are independent. The last $M_N$ is $\\mathbb{E}[f^2]$; the check below compares the two as polynomials.",
        ),
        Step(
            "The cross term sees no noise",
            sp.Tuple(equation(_MEAN, formula["E_1"]), equation(v, nets.mean_predictor(net).T)),
            "$f$ is linear in each mask, so $\\mathbb{E}[f y] = v \\cdot g$ with $v = W_1^T \\dots W_N^T$.",
        ),
        Step(
            "The loss",
            equation(_LOSS, formula["L"]),
            "$L = \\mathbb{E}[(f - y)^2] + \\sum_i \\gamma_i |W_i|^2$; $R$ is the penalty.",
        ),
    )


def notation(net: Network) -> tuple[tuple[sp.Basic, str], ...]:
    """Rows of the symbol table for the entries of a network."""
    rows = [(net.layers[0][0], "entries of the layers: layer above, row and column below"), (Y, "$\\mathbb{E}[y^2]$")]
    rows += [(net.second[0], "entries of $A = \\mathbb{E}[xx^T]$"), (net.cross[0], "entries of $g = \\mathbb{E}[xy]$")]
    rows += [(net.decay[0], "weight decay of layer 1")] + [(s, "noise variance of hidden layer 1") for s in net.noise[:1]]
    return tuple(rows)


def make(depth: int | None = None, widths: tuple[int, ...] | None = None) -> Derivation:
    """The loss at these widths (default: widths 2 with scalar output)."""
    net = nets.network(nets.valid_widths(widths, depth, (2, 2)))
    formula = loss_formula(net)
    checks = [
        Check("equal to the recursion over the layers, as polynomials", lambda result: _same_as_recursion(result, net)),
        Check(
            "equal to the average over all dropout masks and data points, in fractions",
            lambda result: _same_as_enumeration(result, net),
        ),
    ]
    return Derivation(
        name="minima.loss",
        title=f"The noise-averaged loss at widths {net.widths}",
        setting=f"A linear network of depth {net.depth} with noise on the hidden neurons, independent of each other and of the "
        f"data, of mean 1 and variance $s_i$ on layer $i$; squared error; weight decay. Source: {minima.SOURCE}.",
        notation=notation(net),
        steps=_steps(net, formula),
        result=formula,
        checks=tuple(checks),
        source=minima.SOURCE,
    )


RECIPE = Recipe(
    "minima.loss",
    "noise-averaged loss from the definition of the network",
    (Option("depth", "2", "1 to 4"), Option("widths", "(2, 2, 1)", "(d_0, ..., d_N), d_N = 1, product at most 12")),
    make,
)
