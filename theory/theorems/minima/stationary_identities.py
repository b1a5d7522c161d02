r"""Identities at every stationary point: equal layer energies, balanced neurons, the value of the loss.

Setting: the loss L of a deep linear network with weight decay and stochastic hidden neurons (see `noise_averaged_loss`).

Hypotheses: grad L = 0. No sign of the decays, the variances or A is assumed, and no consistency of the moments.

Conclusion: with N layers and f the output,
\[ \gamma_i |W_i|_F^2 = v \cdot g - E f^2 \ \text{ for every layer}, \qquad L = Y + (N-2)\, v \cdot g - (N-1)\, E f^2, \]
\[ \gamma_i |\mathrm{row}_j W_i|^2 = \gamma_{i+1} |\mathrm{col}_j W_{i+1}|^2 \ \text{ for every hidden neuron } j, \]
and \(\gamma_i W_i W_i^T = \gamma_{i+1} W_{i+1}^T W_{i+1}\) where layer i has no noise.

Form: identities, with the gradients as cofactors: they hold to the precision to which the point is stationary.

Scope of proof: all widths, depths 2 to 5. Neuron by neuron at widths (1,1,1), (2,2,1), (1,2,2,1).

Why: by Euler <W_i, grad_i L>/2 = E f^2 - v.g + gamma_i |W_i|^2. Scaling a neuron up in one layer and down in the next, or
rotating a layer without noise, does not change the data term, which drops out of grad_i L W_i^T - W_{i+1}^T grad_{i+1} L.

Sharpness: both gradients are needed for a neuron. With noise the matrix identity fails at A = -1, s = 1, W_1 = (1,-1),
W_2 = (1,1); for A >= 0 no counterexample is known here.

Source: arXiv:2202.04777 for one hidden layer; own derivation for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sympy import Expr, Identity, Integer, MatAdd, MatrixSymbol, Mul, Rational, Symbol, Trace, ZeroMatrix
from sympy.matrices.expressions.matexpr import MatrixElement

from theory.certificates import Step, prove
from theory.expressions import DiagonalPart, gradient, inner, known, norm2
from theory.statement import Condition, Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.setting import Setting, Width, chain, widths_of

NAME = "minima.stationary_identities"
HALF = Rational(1, 2)


def gradients(net: Setting) -> list[Expr]:
    """dL/dW_1, ..., dL/dW_N."""
    return [gradient(net.loss, W) for W in net.layers]


def stationary(net: Setting) -> tuple[Condition, ...]:
    return tuple(map(equal, gradients(net)))


def layer_defect(net: Setting, i: int) -> Expr:
    """gamma_i |W_i|^2 - (v.g - E f^2)."""
    return net.decay[i - 1] * norm2(net.layers[i - 1]) - net.fit + net.second_moment


def value_defect(net: Setting) -> Expr:
    """L - Y - (N - 2) v.g + (N - 1) E f^2."""
    N = net.depth
    return net.loss - net.Y - (N - 2) * net.fit + (N - 1) * net.second_moment


def balance_defect(net: Setting, i: int) -> Expr:
    """gamma_i W_i W_i^T - gamma_{i+1} W_{i+1}^T W_{i+1}."""
    below, above = net.layers[i - 1 : i + 1]
    return net.decay[i - 1] * below * below.T - net.decay[i] * above.T * above


def _rotation(net: Setting, i: int, G: Sequence[Expr]) -> Expr:
    """(G_i W_i^T - W_{i+1}^T G_{i+1}) / 2: the derivative of the loss along W_i -> T W_i, W_{i+1} -> W_{i+1} T^-1."""
    below, above = net.layers[i - 1 : i + 1]
    return MatAdd(chain(HALF, G[i - 1], below.T), chain(-HALF, above.T, G[i]))


def _scaling(net: Setting, i: int, G: Sequence[Expr]) -> Expr:
    """<W_i, G_i> / 2."""
    return HALF * Trace(chain(net.layers[i - 1].T, G[i - 1]))


# -- claims -------------------------------------------------------------------------------------------------------------


def anywhere(net: Setting) -> Statement:
    """The identities at any point, the gradients written out."""
    G = gradients(net)
    layers = [equal(layer_defect(net, i), _scaling(net, i, G)) for i in range(1, net.depth + 1)]
    defects = [MatAdd(balance_defect(net, i), chain(-1, _rotation(net, i, G))) for i in range(1, net.depth)]
    return Statement(f"{NAME}.anywhere", net.variables, then=(*layers, *(equal(DiagonalPart(x)) for x in defects)))


def euler(depth: int) -> Claim:
    net = Setting(widths_of(depth))
    s = anywhere(net)
    zeros = [0] * depth + [ZeroMatrix(net.dim(i), net.dim(i)) for i in range(1, depth)]
    return Claim(s, tuple(Step("==", c.expression, zero) for c, zero in zip(s.then, zeros, strict=True)))


def energies(depth: int) -> Claim:
    """Every layer has the energy v.g - E f^2, which gives the value of the loss."""
    net = Setting(widths_of(depth))
    scalings = [_scaling(net, i, list(map(known, gradients(net)))) for i in range(1, depth + 1)]
    terms = [*(layer_defect(net, i) for i in range(1, depth + 1)), value_defect(net)]
    steps = tuple(prove("==", x, by) for x, by in zip(terms, [*scalings, sum(scalings)], strict=True))
    s = Statement(NAME, net.variables, stationary(net), tuple(map(equal, terms)))
    return Claim(s, steps, _thin(depth), _ones(depth))


def neurons(depth: int) -> Claim:
    """The diagonal of gamma_i W_i W_i^T is that of gamma_{i+1} W_{i+1}^T W_{i+1}."""
    net = Setting(widths_of(depth))
    G = list(map(known, gradients(net)))
    terms = [DiagonalPart(balance_defect(net, i)) for i in range(1, depth)]
    steps = tuple(prove("==", x, DiagonalPart(_rotation(net, i, G))) for i, x in enumerate(terms, 1))
    s = Statement(f"{NAME}.neurons", net.variables, stationary(net), tuple(map(equal, terms)))
    return Claim(s, steps, _thin(depth), _ones(depth))


def balance(depth: int, i: int) -> Claim:
    """gamma_i W_i W_i^T = gamma_{i+1} W_{i+1}^T W_{i+1} where s_i = 0; the other layers may be noisy."""
    net = Setting(widths_of(depth), silent=(i,))
    term = balance_defect(net, i)
    step = prove("==", term, _rotation(net, i, list(map(known, gradients(net)))))
    s = Statement(f"{NAME}.balance", net.variables, stationary(net), (equal(term),))
    return Claim(s, (step,), _thin(depth, silent=(i,)), _ones(depth))


def neuron_by_neuron(widths: tuple[Width, ...], witness: dict[str, Any]) -> Claim:
    """gamma_i |row_j W_i|^2 = gamma_{i+1} |col_j W_{i+1}|^2 for each neuron j, at given widths."""
    net = Setting(widths)
    G, places = gradients(net), [(i, j) for i in range(1, net.depth) for j in range(int(widths[i]))]
    terms = [_row_energy(net, i, j) - _column_energy(net, i, j) for i, j in places]
    cited = [MatrixElement(_rotation(net, i, list(map(known, G))), j, j) for i, j in places]
    steps = tuple(prove("==", x, by) for x, by in zip(terms, cited, strict=True))
    s = Statement(f"{NAME}.neuron_by_neuron", net.variables, stationary(net), tuple(map(equal, terms)))
    return Claim(s, steps, witness)


def _row_energy(net: Setting, i: int, j: int) -> Expr:
    W = net.layers[i - 1]
    return net.decay[i - 1] * sum(W[j, k] ** 2 for k in range(int(W.shape[1])))


def _column_energy(net: Setting, i: int, j: int) -> Expr:
    W = net.layers[i]
    return net.decay[i] * sum(W[k, j] ** 2 for k in range(int(W.shape[0])))


# -- stationary points --------------------------------------------------------------------------------------------------


def _ones(depth: int) -> dict[str, int]:
    return {f"d{i}": 1 for i in range(depth)}


def _thin(depth: int, silent: tuple[int, ...] = ()) -> dict[str, Any]:
    """A stationary point with all widths 1: W_1 = 2, gamma_1 = 1/4, all else 1, E f^2 = 1 and v.g = 2."""
    net = Setting((1,) * (depth + 1), silent=silent)
    noisy = [s for s in net.noise if s != 0]
    values: dict[str, Any] = {W.name: [[2 if i == 0 else 1]] for i, W in enumerate(net.layers)}
    values |= {c.name: "1/4" if i == 0 else 1 for i, c in enumerate(net.decay)} | {s.name: 1 for s in noisy}
    return values | {"A": [[f"1/{4 * 2 ** len(noisy)}"]], "g": [[1]], "Y": 4}


# Exact stationary points with noise: decays of both layers different; two equal neurons; two hidden layers of two.
SCALAR = {"W1": [[2]], "W2": [[1]], "A": [["1/2"]], "g": [[4]], "Y": 40, "gamma1": 1, "gamma2": 4, "s1": 1}
PAIR = {"W1": [[1, 0], [1, 0]], "W2": [[1, 1]], "A": [[1, 0], [0, 1]], "g": [[4], [0]], "Y": 16}
PAIR |= {"gamma1": 1, "gamma2": 1, "s1": 1}
DEEP = {"W1": [[1], [1]], "W2": [[1, 1], [1, 1]], "W3": [[1, 1]], "A": [[1]], "g": [["19/2"]], "Y": 100}
DEEP |= {"gamma1": 1, "gamma2": "1/2", "gamma3": 1, "s1": 1, "s2": 1}
# Not balanced: A < 0 and two neurons that cancel each other in the mean.
CANCELLING = {"W1": [[1], [-1]], "W2": [[1, 1]], "A": [[-1]], "g": [[0]], "Y": 1, "gamma1": 1, "gamma2": 1, "s1": 1}


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (euler, energies, neurons) for n in range(2, 6))
    yield from (balance(n, i) for n in range(2, 6) for i in range(1, n))
    points = (((1, 1, 1), SCALAR), ((2, 2, 1), PAIR), ((1, 2, 2, 1), DEEP))
    yield from (neuron_by_neuron(widths, point) for widths, point in points)


def _said(net: Setting, words: str, *then: Expr, given: Sequence[Condition] | None = None) -> Statement:
    name = f"{NAME}: {words}" if words else NAME
    return Statement(name, net.variables, tuple(stationary(net) if given is None else given), tuple(map(equal, then)))


def sharpness() -> Iterator[Counterexample]:
    net, pair = Setting((1, 1, 1)), Setting((1, 2, 1))
    first, last = stationary(net)
    flat = {"W1": [[1]], "W2": [[1]], "A": [[1]], "Y": 4, "gamma1": 1, "gamma2": 1, "s1": 0}
    energy, neuron = layer_defect(net, 1), balance_defect(net, 1)
    yield Counterexample("grad L = 0", _said(net, "", energy, given=()), flat | {"g": [[1]]})
    for words, term, given, c in (("itself", energy, last, "gamma1"), ("above", neuron, first, "gamma2")):
        point = flat | {"g": [[2]], c: 2}
        yield Counterexample(f"the gradient of the layer {words}", _said(net, "", term, given=(given,)), point)
    yield Counterexample("no noise, for the matrix identity", _said(pair, "", balance_defect(pair, 1)), CANCELLING)


def variants() -> Iterator[Statement]:
    net, deep, square, pair = Setting((1, 1, 1)), Setting((1, 1, 1, 1)), Setting((2, 2, 1)), Setting((1, 2, 1))
    (W, U), energy = net.layers, net.decay[0] * norm2(net.layers[0])
    yield _said(net, "equal norms", norm2(W) - norm2(U))
    yield _said(net, "decays exchanged", net.decay[1] * norm2(W) - net.decay[0] * norm2(U))
    yield _said(net, "no second moment", energy - net.fit)
    yield _said(net, "the second moment added", energy - net.fit - net.second_moment)
    yield _said(net, "twice the energy", energy - 2 * (net.fit - net.second_moment))
    yield _said(net, "kappa counted twice", energy - net.fit + net.kappa * net.second_moment)
    yield _said(net, "one layer too many in the value", value_defect(net) - net.fit + net.second_moment)
    yield _said(deep, "the value at depth 2", deep.loss - deep.Y + deep.second_moment)
    yield _said(deep, "the value with the wrong sign", deep.loss - deep.Y + deep.fit + 2 * deep.second_moment)
    rows = [DiagonalPart(c * V.T * V) for c, V in zip(square.decay, square.layers, strict=True)]
    yield _said(square, "columns for rows", rows[0] - rows[1])
    below, above = square.layers
    c1, c2 = square.decay
    yield _said(square, "twice a neuron", DiagonalPart(2 * c1 * below * below.T - c2 * above.T * above))
    yield _said(pair, "the matrix identity with noise", balance_defect(pair, 1))
    yield _said(net, "one gradient for both layers", layer_defect(net, 1), given=stationary(net)[1:])
    yield _said(net, "the whole of Euler's sum", layer_defect(net, 1) - inner(W, gradients(net)[0]), given=())


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A nonzero stationary point of any size, and the identities there; or the identities with gradients at any point."""
    net = Setting(tuple(widths))
    if draw.integer(0, 1):
        return Instance(anywhere(net), net.draw(draw))
    then = [*(layer_defect(net, i) for i in range(1, net.depth + 1)), value_defect(net)]
    diagonals = [DiagonalPart(balance_defect(net, i)) for i in range(1, net.depth)]
    return Instance(_said(net, "", *then, *diagonals), family(draw, net))


def family(draw: Draw, net: Setting) -> dict[str, Any]:
    r"""A random stationary point with sign vectors r_i: W_1 = r_1 w^T, W_i = b_i r_i r_{i-1}^T, W_N = b_N r_{N-1}^T.

    Then v = c w with c = b_2 ... b_N d_1 ... d_{N-1}, and E f^2 = kappa |v|_A^2. All layers have the energy t d_1 c^2 |w|^2 if
    gamma_1 = t c^2 and gamma_i d_i d_{i-1} b_i^2 = t d_1 c^2 |w|^2; the point is stationary if g = kappa A v + t d_1 v.
    """
    values = _family_parameters(draw, net)
    points = {str(v): draw.value(e, values) for v, e in _family(net).items()}
    return points | {x: values[x] for x in ("A", "Y", *map(str, net.noise))}


def _family_parameters(draw: Draw, net: Setting) -> dict[str, Any]:
    N, d = net.depth, [int(x) for x in net.widths]
    signs = {f"r{i}": draw.sign(d[i], 1) for i in range(1, N)}
    numbers = {f"b{i}": draw.positive() for i in range(2, N + 1)} | {"t": draw.positive()}
    noise = {s.name: draw.nonnegative() for s in net.noise}
    return signs | numbers | noise | {"w": draw.matrix(d[0], 1), "A": draw.psd(d[0]), "Y": draw.positive()}


def _family(net: Setting) -> dict[Any, Expr]:
    """The layers, the decays and g in terms of the parameters; no division, so that exact points stay small."""
    N, d = net.depth, [int(x) for x in net.widths]
    t, w, b = Symbol("t"), MatrixSymbol("w", d[0], 1), [Integer(1), *(Symbol(f"b{i}") for i in range(2, N + 1))]
    r = [w, *(MatrixSymbol(f"r{i}", d[i], 1) for i in range(1, N)), Identity(1)]
    c = Mul(*b, *d[1:])
    layers = {W: x * (r[i] * r[i - 1].T) for i, (W, x) in enumerate(zip(net.layers, b, strict=True), 1)}
    energy = [t * d[1] * norm2(w) * Mul(*(y for y in b if y is not x), *d[1:]) ** 2 for x in b]
    decays = {y: e * Rational(1, d[i] * d[i - 1]) for i, (y, e) in enumerate(zip(net.decay, energy, strict=True), 1) if i > 1}
    g = c * (net.kappa * net.A * w + t * d[1] * w)
    return layers | decays | {net.decay[0]: t * c**2, net.g: g}


# -- the theorem --------------------------------------------------------------------------------------------------------

THEOREM = Theorem(
    name=NAME,
    sheet="B7",
    title="Identities at stationary points",
    form="identities at every stationary point",
    source="arXiv:2202.04777 (one hidden layer); own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 1), (3, 4, 2, 1), (2, 3, 2, 3, 1)),
    supported_at=((10, 40, 1), (20, 30, 25, 1), (8, 12, 10, 9, 1)),
)
