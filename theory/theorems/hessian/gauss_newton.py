r"""The Gauss-Newton matrix is the Hessian wherever the residual is orthogonal to the data, also where it is not zero.

Setting: \(L(W) = \tfrac12 |P X - Y|_F^2\), \(P = W_N \cdots W_1\), \(E = P X - Y\), \(F = E X^T\); J is the Jacobian of the
fitted values P X and H the Hessian of L in all layers.

Hypotheses: for the first conclusion none; for the others F = 0, as at every global minimum where the hidden layers are no
bottleneck (their widths at least the rank of the best linear fit). The residual E itself need not vanish.

Conclusion: for every direction V
\[ H[V, V] = |J V|^2 + \langle F, d^2 P[V, V] \rangle, \qquad F = 0 \implies H[V, V] = |J V|^2, \quad H V = J^T J V. \]

Form: identity for all W; identity on F = 0.

Scope of proof: all widths, depths 2 to 5 (the operator H V: depths 2 to 4).

Why: the second derivative of P X sits in the Hessian only beside the residual, as <E, d^2 P[V, V] X> = <F, d^2 P[V, V]>.

Sharpness: F = 0 is needed: x = 1, y = 0, w = (1, 1) has H = [[1, 2], [2, 1]], indefinite, and J^T J = [[1, 1], [1, 1]]. A
global minimum is not enough: widths (2, 1, 2), X = I, Y = diag(2, 1) at P = diag(2, 0), the best fit of rank 1.

Source: own derivation, for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory import dag
from theory.statement import Statement
from theory.terms import Term, dot, fact, step, term
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian import setting
from theory.theorems.hessian.setting import (
    SOURCE,
    Network,
    identities,
    is_zero,
    letter,
    nonnegative,
    norm2,
    total,
    vanish,
    widths_of,
)

NAME = "hessian.gauss_newton"


def defect(net: Network, factor: Any = 1) -> Term:
    """H[V, V] - |J V|^2 - <F, d^2 P[V, V]>."""
    return net.curvature(net.loss) - norm2(net.J()) - term(factor) * dot(net.slope, net.second())


def variables(net: Network) -> tuple[Term, ...]:
    return (*net.W, *net.V, *net.data)


def witness(depth: int) -> dict[str, Any]:
    """A minimum with a residual: widths 1, X = (1, 0), Y = (1, 5), all weights 1; the direction is not zero."""
    letters = {f"{c}{i}": [[1]] for c in "WV" for i in range(1, depth + 1)}
    return {**letters, "X": [[1, 0]], "Y": [[1, 5]]}


def sizes(depth: int) -> dict[str, int]:
    return {**{f"d{i}": 1 for i in range(depth + 1)}, "n": 2}


def everywhere(depth: int) -> Claim:
    net = Network(widths_of(depth))
    return identities(f"{NAME}.everywhere", variables(net), [defect(net)])


def where_slope_is_zero(depth: int) -> Claim:
    net = Network(widths_of(depth))
    gap = net.curvature(net.loss) - norm2(net.J())
    s = setting.statement(f"{NAME}.where_F_is_zero", variables(net), [is_zero(gap)], [is_zero(net.slope)])
    return Claim(s, (vanish(gap, dot(fact(net.slope), net.second())),), witness(depth), sizes(depth))


def mixed(net: Network, i: int) -> Term:
    """What F adds to H V in layer i: the derivative by W_i of <F, dP[V]> with F held fixed, as a visible zero."""
    held = letter("M", net.widths[-1], net.widths[0])
    pairing = total(dot(held, net.head(j) * net.V[j - 1] * net.between(j - 1, 0)) for j in net.index)
    derived = dag.gradient(pairing.node, net.W[i - 1].node)
    return Term(dag.substitute([derived], {held.node: dag.known(net.slope.node)})[0])


def operator(depth: int) -> Claim:
    net = Network(widths_of(depth))
    gaps = [h - g for h, g in zip(net.hessian(), net.JT(net.J()), strict=True)]
    s = setting.statement(f"{NAME}.operator", variables(net), map(is_zero, gaps), [is_zero(net.slope)])
    steps = tuple(vanish(gap, mixed(net, i)) for i, gap in enumerate(gaps, 1))
    return Claim(s, steps, witness(depth), sizes(depth))


def convex(depth: int) -> Claim:
    """Where F = 0 no direction curves down."""
    net = Network(widths_of(depth))
    bend = net.curvature(net.loss)
    s = setting.statement(f"{NAME}.convex", variables(net), [nonnegative(bend)], [is_zero(net.slope)])
    by = setting.square(net.J()) + dot(fact(net.slope), net.second())
    return Claim(s, (step(">=", bend, by),), witness(depth), sizes(depth))


def claims() -> Iterator[Claim]:
    yield from map(everywhere, range(2, 6))
    yield from map(where_slope_is_zero, range(2, 6))
    yield from map(operator, range(2, 5))
    yield from map(convex, (2, 3))


SADDLE = {"W1": [[1]], "W2": [[1]], "V1": [[1]], "V2": [[-1]], "X": [[1]], "Y": [[0]]}


def off_the_valley() -> Statement:
    net = Network((1, 1, 1), 1)
    gap = net.curvature(net.loss) - norm2(net.J())
    return setting.statement(f"{NAME}: H = J^T J where F is not zero", variables(net), [is_zero(gap)])


def convex_everywhere() -> Statement:
    net = Network((1, 1, 1), 1)
    return setting.statement(f"{NAME}: no direction curves down", variables(net), [nonnegative(net.curvature(net.loss))])


def stationary() -> Statement:
    """H = J^T J where the gradient of the loss vanishes, behind a bottleneck."""
    net = Network((2, 1, 2), 2)
    gap = net.curvature(net.loss) - norm2(net.J())
    given = map(is_zero, net.gradient(net.loss))
    return setting.statement(f"{NAME}: H = J^T J at stationary points", variables(net), [is_zero(gap)], given)


# A global minimum: P = diag(2, 0) is the best approximation of Y of rank 1. H[V, V] = 3 and |J V|^2 = 5.
BOTTLENECK = {"W1": [[1, 0]], "W2": [[2], [0]], "V1": [[0, 1]], "V2": [[0], [1]], "X": [[1, 0], [0, 1]], "Y": [[2, 0], [0, 1]]}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("E X^T = 0", off_the_valley(), SADDLE)
    yield Counterexample("E X^T = 0, also at a global minimum (behind a bottleneck)", stationary(), BOTTLENECK)
    yield Counterexample("E X^T = 0, for H >= 0", convex_everywhere(), SADDLE)


def variants() -> Iterator[Statement]:
    net = Network((2, 2, 1), 2)
    bend, flat = net.curvature(net.loss), norm2(net.J())
    wrong = {
        "half of d^2 P": defect(net, 1) + dot(net.slope, net.second()) / 2,
        "the opposite sign of d^2 P": defect(net, -1),
        "without d^2 P": bend - flat,
        "twice the Gauss-Newton matrix": bend - 2 * flat - dot(net.slope, net.second()),
        "layers do not interact": bend - total(norm2(net.head(i) * net.V[i - 1] * net.tail(i - 1)) for i in net.index)
        - dot(net.slope, net.second()),
        "the residual squared": bend - flat - norm2(net.slope) * dot(net.slope, net.second()),
    }  # fmt: skip
    yield from (setting.statement(f"{NAME}: {words}", variables(net), [is_zero(x)]) for words, x in wrong.items())
    given = [is_zero(net.slope)]
    yield setting.statement(f"{NAME}: half of it where F is zero", variables(net), [is_zero(2 * bend - flat)], given)
    yield setting.statement(f"{NAME}: definite where F is zero", variables(net), [setting.positive(bend)], given)
    yield off_the_valley()
    yield stationary()
    yield convex_everywhere()


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, 3)
    return net, setting.statement(f"{NAME}.everywhere", variables(net), [is_zero(defect(net))])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, directions and data."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw, net.Y, *net.V))


THEOREM = Theorem(
    name=NAME,
    sheet="H1",
    title="Gauss-Newton is exact where the residual is orthogonal to the data",
    form="identity",
    source=f"own derivation, for the valley of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 1, 2)),
    supported_at=((16, 20, 12), (20, 60, 16), (8, 10, 6, 7)),
)
