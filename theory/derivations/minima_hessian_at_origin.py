r"""The spectrum of the Hessian at the origin.

Setting: as in `minima.loss`, in coordinates of the input in which $A$ is diagonal (a rotation of the input changes neither the
penalty nor the spectrum). Result: all eigenvalues with multiplicities; noise never enters. Source: arXiv:2202.04777.
"""

from __future__ import annotations

from collections import Counter

import sympy as sp

from theory.derivations import minima
from theory.derivations import network as nets
from theory.derivations.exact import vanishes
from theory.derivations.minima import GAMMA, G
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Option, Recipe, Step, equation
from theory.derivations.network import Network

MU, SPECTRUM = sp.Symbol("mu"), sp.Symbol("spectrum")


def hessian(net: Network) -> sp.ImmutableDenseMatrix:
    """Second derivatives of the loss at zero, weights ordered layer by layer and row by row.

    >>> hessian(nets.network((1, 1, 1), diagonal=True))
    Matrix([
    [2*gamma_1,    -2*g_1],
    [   -2*g_1, 2*gamma_2]])
    """
    poly = sp.Poly(nets.loss(net), *net.weights)
    unit = sp.eye(len(net.weights))
    # A second derivative at zero is a coefficient of degree 2, doubled on the diagonal.
    pick = lambda j, k: poly.coeff_monomial(tuple(unit.row(j) + unit.row(k))) * (2 if j == k else 1)  # noqa: E731
    return sp.ImmutableDenseMatrix(len(net.weights), len(net.weights), pick)


def factors(net: Network) -> Counter[sp.Expr]:
    r"""Irreducible factors of $\det(\mu - H)$ with multiplicities, block by block."""
    matrix, found = hessian(net), Counter[sp.Expr]()
    for block in matrix.connected_components():
        polynomial = matrix.extract(block, block).charpoly(MU).as_expr()
        for factor, power in sp.factor_list(polynomial, MU)[1]:
            found[_with_norm(net, factor)] += power
    return found


def _with_norm(net: Network, factor: sp.Expr) -> sp.Expr:
    """The norm of ``g`` by name where it occurs: ``g_1^2`` gives way to ``G`` minus the other squares."""
    g = net.cross[0]
    return sp.expand(sp.expand(factor).subs(g**2, G - sum(h**2 for h in net.cross[1:])))


def spectrum(net: Network) -> sp.Tuple:
    """Pairs (eigenvalue, multiplicity), in the order of SymPy's solutions."""
    pairs = [(_tidy(root), power) for factor, power in factors(net).items() for root in sp.solve(factor, MU)]
    return sp.Tuple(*(sp.Tuple(root, power) for root, power in pairs))


def _tidy(root: sp.Expr) -> sp.Expr:
    return root.replace(lambda node: isinstance(node, sp.Add), lambda node: _discriminant(sp.factor_terms(node)))


def _discriminant(node: sp.Expr) -> sp.Expr:
    """A sum that is ``(gamma_1 - gamma_2)^2 + r`` written so; any other sum unchanged."""
    if len(node.free_symbols) != 3 or G not in node.free_symbols:
        return node
    first, second = sorted(node.free_symbols - {G}, key=str)
    rest = sp.expand(node - (first - second) ** 2)
    return (first - second) ** 2 + rest if rest.free_symbols == {G} else node


def _annihilates(formula: Formula, net: Network) -> bool:
    r"""The product of $(\mu - \mu_k)^{m_k}$ is the characteristic polynomial, as polynomials, conjugate roots paired."""
    product = sp.prod([(MU - value) ** power for value, power in formula["spectrum"]])
    norm = sum(h**2 for h in net.cross)
    claimed = sp.expand(sp.expand(product).subs(G, norm))
    matrix = hessian(net)
    return vanishes(
        claimed - sp.prod([matrix.extract(block, block).charpoly(MU).as_expr() for block in matrix.connected_components()])
    )


def _moments(formula: Formula, net: Network) -> bool:
    r"""Power sums: $\sum m_k \mu_k^p = \operatorname{tr} H^p$, $p = 0, \dots, 3$, from the matrix itself."""
    matrix = hessian(net)
    norm = sum(h**2 for h in net.cross)
    return all(
        vanishes(sp.expand(sp.expand(sum(m * mu**p for mu, m in formula["spectrum"])).subs(G, norm)) - (matrix**p).trace())
        for p in range(4)
    )


def _arguments(net: Network) -> tuple[Argument, ...]:
    decay = Argument("gamma", sp.Tuple(*net.decay), "weight decays")
    if net.depth == 1:
        return (Argument("a", sp.Tuple(*net.second.diagonal()), "eigenvalues of $A$"), decay)
    return (Argument("G", G, "$|g|^2$"), decay) if net.depth == 2 else (decay,)


def _conclusion(net: Network) -> Step:
    if net.depth == 1:
        return Step("Every eigenvalue is positive", None, "The loss is strictly convex: ridge regression.")
    if net.depth > 2:
        text = (
            "All eigenvalues are positive, so the origin is a strict local minimum for every $\\gamma > 0$, whatever the data."
        )
        return Step("The origin is a strict local minimum", None, text)
    (pair,) = [factor for factor in factors(net) if sp.degree(factor, MU) == 2]
    return Step(
        "When the origin stops being a minimum",
        equation(sp.Symbol("mu_+") * sp.Symbol("mu_-"), sp.factor(pair.subs(MU, 0).subs(net.decay[0], GAMMA / net.decay[1]))),
        "The two roots of the quadratic factor have this product and the positive sum $2 (\\gamma_1 + \\gamma_2)$, "
        "so the smaller "
        "one is negative exactly when $|g|^2 > \\Gamma$: then the origin is a strict saddle.",
    )


def _compact(matrix: sp.ImmutableDenseMatrix) -> sp.Basic:
    return sp.Function("diag")(*matrix.diagonal()) if matrix.is_diagonal() else matrix


def _steps(net: Network) -> tuple[Step, ...]:
    quadratic = sum(term for term in sp.Add.make_args(nets.loss(net)) if sp.Poly(term, *net.weights).total_degree() in (1, 2))
    polynomial = sp.prod([factor**power for factor, power in factors(net).items()])
    return (
        Step(
            "The loss up to degree 2",
            equation(sp.Symbol("L_2"), sp.collect(quadratic, [*net.decay, *net.cross])),
            "Noise enters only $\\mathbb{E}[f^2]$, of degree $2N$ in the weights; the data term $-2 v \\cdot g$ has "
            "degree $N$.",
        ),
        Step(
            "Second derivatives at 0",
            equation(sp.Symbol("H"), _compact(hessian(net))),
            "Weights ordered layer by layer, row by row.",
        ),
        Step(
            "Characteristic polynomial",
            equation(sp.Symbol("chi"), polynomial),
            "$\\det(\\mu - H)$, one factor for each independent block.",
        ),
        _conclusion(net),
    )


def make(depth: int | None = None, widths: tuple[int, ...] | None = None) -> Derivation:
    """The spectrum at these widths (default: widths 2 with scalar output, depth 2)."""
    net = nets.network(nets.valid_widths(widths, depth, (2, 2)), diagonal=True)
    formula = Formula("hessian_spectrum", _arguments(net), (), (Let(SPECTRUM, spectrum(net)),))
    names = [(w, "entries of the layers: layer above, row and column below") for w in net.weights[:1]]
    names += [(a, "eigenvalues of $A$") for a in net.second.diagonal()[:1]] + [(net.decay[0], "weight decay of layer 1")]
    return Derivation(
        name="minima.hessian_at_origin",
        title=f"The Hessian at the origin, widths {net.widths}",
        setting=f"A linear network of depth {net.depth} with noise and weight decay, written in coordinates of the "
        "input in which "
        f"$A$ is diagonal. The spectrum is a list of (eigenvalue, multiplicity). Source: {minima.SOURCE}.",
        notation=(*names, *minima.notation("G", "Gamma")[: 2 * (net.depth == 2)]),
        steps=_steps(net),
        result=formula,
        checks=(
            Check("their product is the characteristic polynomial, as polynomials", lambda result: _annihilates(result, net)),
            Check("their power sums are the traces of H^0, ..., H^3", lambda result: _moments(result, net)),
        ),
        source=minima.SOURCE,
    )


RECIPE = Recipe(
    "minima.hessian_at_origin",
    "full spectrum of the Hessian at zero weights",
    (Option("depth", "2", "1 to 4"), Option("widths", "(2, 2, 1)", "(d_0, ..., d_N), d_N = 1, product at most 12")),
    make,
)
