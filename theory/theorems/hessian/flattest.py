r"""The flattest points of the valley: the least trace of the Hessian, and that nothing else is stationary.

Setting: \(L = \tfrac12 |P X - Y|_F^2\) on the valley P X = Y, \(A_i = W_N \cdots W_{i+1}\), \(B_i = W_i \cdots W_1 X\),
\(\operatorname{Tr} H = \sum_i |A_i|^2 |B_{i-1}|^2\), \(D_i = W_{i+1}^T W_{i+1} - W_i W_i^T\), s = |Y|_* the nuclear norm.

Hypotheses: (a) none. (b) P X = Y; attained if the hidden widths are at least rank Y; Y != 0 for the equality case. (c) P X = Y,
Y != 0 and P_T grad Tr H = 0, in the form grad Tr H = J^T Z for some Z.

Conclusion:
(a) Along \(V = -\tfrac c4 P_T \nabla \operatorname{Tr} H = -\tfrac c4 (\nabla \operatorname{Tr} H - J^T Z)\), for every depth
and data,
\[ D_i' = c \,( |A_{i+1}|^2 B_i B_i^T - |B_{i-1}|^2 A_i^T A_i ). \]
(b) \(\min_{P X = Y} \operatorname{Tr} H = N (d_N |X|^2)^{1/N} s^{2 - 2/N}\). Equality iff |B_i|^2 A_i^T A_i = |A_i|^2 B_i
B_i^T for all hidden i and the N summands of Tr H agree. An explicit flattest point is Y = U S V^T, \(W_1 = a_1 Q_1 S^{1/2}
V^T X^+\), \(W_i = a_i Q_i Q_{i-1}^T\), \(W_N = a_N U S^{1/2} Q_{N-1}^T\).
Three balanced layers (X = I) are flattest only if W_1 W_1^T is a multiple of a projection.
(c) Such a point is a GLOBAL minimum of Tr H on the valley: there are no spurious ones, whatever the hidden widths of the
rivals.

Form: identity for all W; inequality, attained; iff; global minimum.

Scope of proof: all widths, depths 2 to 4. s is the trace of K in a polar decomposition Y = M K of Y, which every Y has. The
norms r_i = |A_i| |B_i| are named by r_i^2. The explicit point is checked for any frames U, V, Q_i and numbers a_i of
product 1 with which the N summands are equal; that there are such numbers and frames is an argument in words
(`numerics.flattest` computes them).

Why: s <= |A_i| |B_i| for every cut i, and the inequality of the means for the summands, whose product is d_N |X|^2 times that
of all |A_i|^2 |B_i|^2. The multiplier Z drops out of D_i'; so at a stationary point A_i^T A_i is proportional to B_i B_i^T,
with a factor that makes neighbouring summands equal, and both inequalities are equalities.

Sharpness: balanced layers are NOT the flattest in general: N = 2 with d_0 != d_2, widths (1,1,4): 5 against 145/36; N = 3, P
= diag(64, 1): 1317 against 40838057/32805. Points of the valley that are not stationary are no minima. The theorem is about
the trace, not about the largest eigenvalue or the determinant.

Source: own derivation; the least value in the form of a nuclear norm is in arXiv:2306.13239; for the valley of
arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sympy import Rational

from theory.statement import Statement
from theory.terms import Term, trace
from theory.theorem import Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian import flattest_claims, flattest_points, setting
from theory.theorems.hessian.flattest_claims import NAME, C, Valley, forces, push
from theory.theorems.hessian.setting import SOURCE, Network, is_zero, nonnegative, norm2, positive

MILLION = 1_000_000


def balanced_is_flattest(widths: tuple[int, ...]) -> Statement:
    """Balanced layers have the least trace among layers of the same product (X = I)."""
    net, other = (Network(widths, white=True, prime=p) for p in ("", "p"))
    given = [is_zero(net.fitted - other.fitted), *(is_zero(net.imbalance(i)) for i in net.hidden)]
    then = [nonnegative(other.trace - net.trace)]
    return setting.statement(f"{NAME}: balanced layers are the flattest, widths {widths}", (*net.W, *other.W), then, given)


def rounded_root() -> Statement:
    """The bound with any K such that Y = M K, M a contraction."""
    v = Valley(Network((1, 1, 1), 1))
    decomposed, _, root, contraction = v.polar.equations
    given = [is_zero(v.net.residual), *map(is_zero, (decomposed, root, contraction))]
    return setting.statement(f"{NAME}: K is not the root of Y^T Y", v.variables, [nonnegative(v.excess)], given)


def off_the_valley() -> Statement:
    v = Valley(Network((1, 1, 1), 1))
    return setting.statement(f"{NAME}: the bound off the valley", v.variables, [nonnegative(v.excess)], v.polar.given)


def any_point() -> Statement:
    v = Valley(Network((1, 1, 1), 1))
    return setting.statement(f"{NAME}: every point of the valley is flattest", v.variables, [is_zero(v.excess)], v.given)


def sharpness() -> Iterator[Counterexample]:
    rest = [[0], [0], [0]]
    at = {"W1": [[1]], "W2": [[1], *rest], "W1p": [["3/4"]], "W2p": [["4/3"], *rest]}
    yield Counterexample("d_0 = d_2, for balanced layers to be flattest (N = 2)", balanced_is_flattest((1, 1, 4)), at)
    balanced = {f"W{i}": [[4, 0], [0, 1]] for i in (1, 2, 3)}
    outer, middle = [["40/9", 0], [0, "5/9"]], [["81/25", 0], [0, "81/25"]]
    better = {"W1p": outer, "W2p": middle, "W3p": outer}
    yield Counterexample(
        "P a multiple of a partial isometry, for balanced layers to be flattest (N = 3)",
        balanced_is_flattest((2, 2, 2, 2)),
        {**balanced, **better},
    )
    one = {"W1": [[1]], "W2": [[1]], "X": [[1]], "Y": [[1]], "Q": [[0]]}
    slack = {"M": [[Rational(4, 5)]], "Q": [[Rational(3, 5)]], "K": [["25/16"]], "L": [["5/4"]], "Y": [["5/4"]]}
    yield Counterexample("tr K is the nuclear norm of Y (M^T M K = K)", rounded_root(), {**one, **slack, "W2": [["5/4"]]})
    unit = {**one, "M": [[1]], "K": [[1]], "L": [[1]]}
    yield Counterexample("P X = Y", off_the_valley(), {**unit, "W1": [[0]], "W2": [[0]]})
    yield Counterexample("P_T grad Tr H = 0", any_point(), {**unit, "W1": [["1/2"]], "W2": [[2]]})


def variants() -> Iterator[Statement]:
    yield from _velocities()
    yield from _bounds()
    yield from (balanced_is_flattest((1, 1, 4)), balanced_is_flattest((2, 2, 2, 2)))
    yield from (rounded_root(), off_the_valley(), any_point())


def _velocities() -> Iterator[Statement]:
    net = Network((2, 1, 2, 1), 1)
    Z = net.output("Z")
    rate = net.drift(1, [-C / 4 * f for f in forces(net, Z)])
    above, below, out = norm2(net.head(2)), norm2(net.tail(0)), net.head(1).T * net.head(1)
    into = net.tail(1) * net.tail(1).T
    wrong: dict[str, Term] = {
        "the norms exchanged": rate - C * (below * into - above * out),
        "without the norms": rate - C * (into - out),
        "the opposite sign": rate + C * push(net, 1),
        "half the rate": rate - C / 2 * push(net, 1),
        "conserved, as under gradient flow": rate,
        "neighbours instead of heads and tails": rate - C * (net.W[0] * net.W[0].T - net.W[1].T * net.W[1]),
        "off by a millionth": rate - Rational(MILLION + 1, MILLION) * C * push(net, 1),
    }
    names = (*net.W, net.X, Z, C)
    yield from (setting.statement(f"{NAME}: {words}", names, [is_zero(x)]) for words, x in wrong.items())


def _bounds() -> Iterator[Statement]:
    """Where |Y|_* = |Y| (one output or one datum) the bound for two layers is (Tr H)^2 >= 4 d_2 |X|^2 |P X|^2."""
    line, wide = Network((1, 1, 1), 1), Network((2, 1, 1), 1)
    value = norm2(line.X) * norm2(line.fitted)
    wrong = {
        "without |X|": line.trace**2 - 4 * norm2(line.fitted),
        "5 in place of 4": line.trace**2 - 5 * value,
        "off by a millionth": line.trace**2 - Rational(4 * MILLION + 1, MILLION) * value,
        "|Y| in place of its square": line.trace**2 - 4 * norm2(line.X) * trace(line.fitted),
    }
    names = (*line.W, line.X)
    yield from (setting.statement(f"{NAME}: the bound, {words}", names, [nonnegative(x)]) for words, x in wrong.items())
    given = [positive(norm2(line.X))]
    yield setting.statement(f"{NAME}: the bound is strict", names, [positive(line.trace**2 - 4 * value)], given)
    swapped = wide.trace**2 - 8 * norm2(wide.X) * norm2(wide.fitted)
    yield setting.statement(f"{NAME}: d_0 in place of d_N", (*wide.W, wide.X), [nonnegative(swapped)])
    deep = Network((1, 1, 1, 1), 1)
    gap = deep.trace**3 - 27 * norm2(deep.X) * norm2(deep.fitted)
    yield setting.statement(f"{NAME}: the power of two layers for three", (*deep.W, deep.X), [nonnegative(gap)])


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, 3)
    Z = net.output("Z")
    V = [-C / 4 * f for f in forces(net, Z)]
    then = [is_zero(net.drift(i, V) - C * push(net, i)) for i in net.hidden]
    return net, setting.statement(f"{NAME}.velocity", (*net.W, net.X, Z, C), then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, data and multiplier: the identity of (a)."""
    net, s = _sized(tuple(widths))
    values: dict[str, Any] = net.draw(draw, net.output("Z"))
    return Instance(s, values | {"c": draw.scalar()})


NOTE = (
    "The points of least trace, to which decreasing the trace leads, need not be balanced. They are for two layers with d_0 = "
    "d_2 and X = I. In general the flattest points are those where A_i^T A_i is proportional to B_i B_i^T with equal summands, "
    "and balanced layers can be beaten: widths (1, 1, 4), P = e_1: 5 at balanced layers, 145/36 at (3/4, 4/3 e_1), the least "
    "is 4. What does hold: the trace has no spurious stationary points on the valley."
)

THEOREM = Theorem(
    name=NAME,
    sheet="H11",
    title="The flattest points of the valley, and no spurious ones",
    form="identity; inequality, attained; global minimum",
    source=f"own derivation; least value: arXiv:2306.13239; for the valley of {SOURCE}",
    claims=lambda: (*flattest_claims.claims(), *flattest_points.claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 1, 2)),
    supported_at=((10, 12, 11), (12, 10, 11, 10), (10, 11, 12, 10, 11)),
    note=NOTE,
)

