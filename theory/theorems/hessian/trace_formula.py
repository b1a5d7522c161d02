r"""The trace of the Hessian, for all layers: its Gauss-Newton part alone.

Setting: \(L(W) = \tfrac12 |P X - Y|_F^2\) with \(P = W_N \cdots W_1\), H its Hessian in all layers, J the Jacobian of P X.

Hypotheses: none; the residual is arbitrary.

Conclusion:
\[ \operatorname{Tr} H = \operatorname{Tr} J^T J = \sum_{i=1}^N |W_N \cdots W_{i+1}|_F^2\, |W_{i-1} \cdots W_1 X|_F^2 . \]
In a single layer i, \(H[V_i, V_i] = |W_{N:i+1} V_i W_{i-1:1} X|^2\); along a direction \(u v^T\) of rank one this is
\(|W_{N:i+1} u|^2\, |v^T W_{i-1:1} X|^2\). For N = 2 and X = I: \(d_0 |W_2|^2 + d_2 |W_1|^2\).

Form: identity for all W.

Scope of proof: all widths for the curvature in one layer and along rank one, depths 2 to 5. The trace itself, the sum over all
coordinates of second derivatives, at widths (2,2,2), (1,3,2), (2,1,2), (1,2,2,1), (2,1,2,1) and for scalar nets of depth 2 to
5: a sum over a basis needs given widths. At all widths it follows from rank one: sum over u = e_a and v = e_b.

Why: P is affine in each layer, so the second derivative within a layer does not see the residual.

Sharpness: a determinant or a largest eigenvalue is not that of J^T J off the valley (x = 1, y = 0, w = (1, 1): det H = -3, the
largest eigenvalue 3 instead of 2). The layers must be free: with W_2 = W_1 = w the residual enters.

Source: own derivation, for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sympy import Rational, Symbol

from theory import dag
from theory.expressions import gradient
from theory.statement import Statement, equal
from theory.terms import Term
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian import setting
from theory.theorems.hessian.setting import SOURCE, Network, grad, identities, is_zero, letter, norm2, total, widths_of

NAME = "hessian.trace_formula"
SIZED: tuple[tuple[tuple[int, ...], int], ...] = (
    *(((2, 2, 2), 2), ((1, 3, 2), 2), ((2, 1, 2), 1), ((1, 2, 2, 1), 2), ((2, 1, 2, 1), 1)),
    *(((1,) * (depth + 1), 1) for depth in range(2, 6)),
)


def variables(net: Network) -> tuple[Term, ...]:
    return (*net.W, *net.data)


def alone(net: Network, i: int, V: Term) -> tuple[Term, ...]:
    """The direction that moves layer i alone."""
    return tuple(V if j == i else setting.zero(W) for j, W in enumerate(net.W, 1))


def one_layer(depth: int) -> Claim:
    net = Network(widths_of(depth))
    gaps = [
        net.curvature(net.loss, alone(net, i, V)) - norm2(net.head(i) * V * net.tail(i - 1)) for i, V in enumerate(net.V, 1)
    ]
    return identities(f"{NAME}.one_layer", (*variables(net), *net.V), gaps)


def rank_one(depth: int) -> Claim:
    """H[u v^T, u v^T] = |A_i u|^2 |v^T B_{i-1}|^2 in each layer."""
    net = Network(widths_of(depth))
    u = [letter(f"u{i}", d, 1) for i, d in enumerate(net.widths)]
    v = [letter(f"v{i}", d, 1) for i, d in enumerate(net.widths)]
    gaps = [
        net.curvature(net.loss, alone(net, i, u[i] * v[i - 1].T))
        - norm2(net.head(i) * u[i]) * norm2(v[i - 1].T * net.tail(i - 1))
        for i in net.index
    ]
    return identities(f"{NAME}.rank_one", (*variables(net), *u[1:], *v[:-1]), gaps)


def laplacian(f: Term, W: Sequence[Term]) -> Term:
    """The sum over all entries of the second derivatives, each taken by the kernel."""
    return total(second(f, x, place, x, place) for x in W for place in places(x))


def places(x: Term) -> list[tuple[int, int]]:
    rows, cols = x.node.shape
    return [(i, j) for i in range(int(rows)) for j in range(int(cols))]


def second(f: Term, x: Term, place: tuple[int, int], y: Term, other: tuple[int, int]) -> Term:
    """d^2 f / dx_place dy_other."""
    first = Term(dag.entry(grad(f, x).node, *place))
    return Term(dag.entry(grad(first, y).node, *other))


def by_coordinates(widths: tuple[int, ...], samples: int) -> Claim:
    net = Network(widths, samples)
    return identities(f"{NAME}.coordinates", variables(net), [laplacian(net.loss, net.W) - net.trace])


def two_layers() -> Claim:
    """N = 2, X = I at all widths: the formula written out."""
    net = Network(widths_of(2), white=True)
    d0, d2 = (setting.number(net.widths[i]) for i in (0, 2))
    return identities(f"{NAME}.two_layers", net.W, [net.trace - d0 * norm2(net.W[1]) - d2 * norm2(net.W[0])])


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (one_layer, rank_one) for n in range(2, 6))
    yield from (by_coordinates(*sized) for sized in SIZED)
    yield two_layers()


POINT = {"W1": [[1]], "W2": [[1]], "X": [[1]], "Y": [[0]]}


def determinants() -> Statement:
    """det H = det J^T J = 0 for the scalar net of depth two."""
    net = Network((1, 1, 1), 1)
    (a, b), at = net.W, (0, 0)
    h = [[second(net.loss, x, at, y, at) for y in (a, b)] for x in (a, b)]
    gap = h[0][0] * h[1][1] - h[0][1] * h[1][0]
    return setting.statement(f"{NAME}: det H = det J^T J", variables(net), [is_zero(gap)])


def largest() -> Statement:
    """H[V, V] <= Tr(J^T J) |V|^2 for one output and one datum, where Tr J^T J is the largest eigenvalue of J^T J."""
    net = Network((1, 1, 1), 1)
    gap = net.trace * total(norm2(V) for V in net.V) - net.curvature(net.loss)
    return setting.statement(f"{NAME}: the largest eigenvalue", (*variables(net), *net.V), [setting.nonnegative(gap)])


def shared() -> Statement:
    """f = w^2 x: Tr H = L'' against J^2 = (2 w x)^2."""
    w, x, y = map(Symbol, "wxy")
    bend = gradient(gradient(Rational(1, 2) * (w**2 * x - y) ** 2, w), w)
    return Statement(f"{NAME}: shared layers", (w, x, y), then=(equal(bend, 4 * w**2 * x**2),))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("the trace, not the determinant", determinants(), POINT)
    yield Counterexample("the trace, not the largest eigenvalue", largest(), {**POINT, "V1": [[1]], "V2": [[1]]})
    yield Counterexample("every layer is a variable of its own", shared(), {"w": 1, "x": 1, "y": 0})


def variants() -> Iterator[Statement]:
    net = Network((2, 2, 1), 2)
    exact = laplacian(net.loss, net.W)
    W1, W2 = net.W
    wrong: dict[str, Any] = {
        "without the number of outputs": Network((2, 1, 2), 1),
        "half": exact - net.trace / 2,
        "the product of all": exact - norm2(W2) * norm2(net.X) * norm2(W1 * net.X),
        "the data left out": exact - norm2(W2) - norm2(W1),
        "heads only": exact - norm2(W2) * norm2(net.X),
        "the other order of the norms": exact - norm2(W1) * norm2(net.X) - norm2(W2 * W1 * net.X),
        "the residual as well": exact - net.trace - norm2(net.residual),
        "the norm of the product": exact - norm2(W2) * norm2(net.X) - norm2(W2 * W1 * net.X),
        "off by a millionth": exact - net.trace * Rational(999999, 1000000),
    }
    other = wrong.pop("without the number of outputs")
    short = norm2(other.W[1]) * norm2(other.X) + norm2(other.W[0] * other.X)
    gap = laplacian(other.loss, other.W) - short
    yield setting.statement(f"{NAME}: without the number of outputs", variables(other), [is_zero(gap)])
    yield from (setting.statement(f"{NAME}: {words}", variables(net), [is_zero(x)]) for words, x in wrong.items())
    yield from (determinants(), largest(), shared())


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    """The curvature in each layer alone, of which the trace is the sum over all coordinates."""
    net = Network(widths, 3)
    gaps = [
        net.curvature(net.loss, alone(net, i, V)) - norm2(net.head(i) * V * net.tail(i - 1)) for i, V in enumerate(net.V, 1)
    ]
    return net, setting.statement(f"{NAME}.one_layer", (*variables(net), *net.V), map(is_zero, gaps))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, directions and data."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw, net.Y, *net.V))


THEOREM = Theorem(
    name=NAME,
    sheet="H2",
    title="Trace of the Hessian, everywhere",
    form="identity",
    source=f"own derivation, for the valley of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 1, 2)),
    supported_at=((16, 20, 12), (8, 10, 6, 7)),
)
