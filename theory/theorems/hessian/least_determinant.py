r"""The least determinant of the Hessian on the valley of two layers with one or two inputs and as many outputs.

Setting: P = W_2 W_1 with X = I, widths (d, d_1, d); K = J J^T acts on d x d matrices, K Q = W_2 W_2^T Q + Q W_1^T W_1, and
where it is invertible det K = pdet H, the product of the nonzero eigenvalues of H. s_1, ..., s_d are the singular values of P.

Hypotheses: d_0 = d_2 = d <= d_1; P invertible for the equality case.

Conclusion:
\[ \det J J^T \ge \prod_{a, b = 1}^d (s_a + s_b), \qquad \text{with equality iff } W_2^T W_2 = W_1 W_1^T . \]
For d = 1: |W_1|^2 + |W_2|^2 >= 2 |y|. For d = 2, with the nuclear norm s = s_1 + s_2 and delta = |det P| = s_1 s_2, the
product is \(4 \delta s^2\). Example: P = diag(1, 4) at balanced layers has det K = 2 * 8 * 5 * 5 = 400.

Form: inequality; equality iff; for d = 1, 2.

Scope of proof: d = 1, all hidden widths; d = 2 with hidden widths 2 and 3 for the inequality, 2 for the equality case. Larger
d: not proved here, an experiment up to d = 6. In words: for d = 1, that the equality |W_1 - W_2^T| |W_1 + W_2^T| = 0 says
W_2^T W_2 = W_1 W_1^T, and that every P has the numbers s and delta.

Why: for 2 x 2 matrices with traces a, b and determinants f^2, g^2 of W_1^T W_1 and W_2 W_2^T
\[ \det K = (f^2 - g^2)^2 + (a + b)(a g^2 + b f^2)
 = 4 \delta s^2 + (f^2 - g^2)^2 + a b (f - g)^2 + (a g - b f)^2 + 4 f g (a b - s^2) + 4 s^2 (f g - \delta), \]
with a b = |W_1|^2 |W_2|^2 >= s^2 and f g >= delta (Cauchy-Binet).

Sharpness: d_0 = d_2 is needed: on widths (1,1,2) pdet = w_1^4 + |w_2|^2 w_1^2 has no minimum on the valley, and balanced
layers do not minimise it. Where P is singular both sides can vanish at layers that are not balanced. X = I is needed.

Source: own derivation, for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Any

from theory import dag
from theory.certificates import Step, split
from theory.statement import Condition, Statement
from theory.terms import Term, fact, step, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.setting import table
from theory.theorems.hessian import setting
from theory.theorems.hessian.flattest_claims import Valley
from theory.theorems.hessian.nuclear import nothing
from theory.theorems.hessian.setting import SOURCE, Network, is_zero, nonnegative, norm2, positive, scalar, square, vanish
from theory.theorems.hessian.spectrum import determinant, kronecker_sum

NAME = "hessian.least_determinant"
F, G, DELTA = scalar("f"), scalar("g"), scalar("delta")


def entry(x: Term, i: int, j: int) -> Term:
    return Term(dag.entry(x.node, i, j))


def det2(x: Term) -> Term:
    """The determinant of a 2 x 2 matrix."""
    return entry(x, 0, 0) * entry(x, 1, 1) - entry(x, 0, 1) * entry(x, 1, 0)


def big(net: Network) -> Term:
    """det J J^T in coordinates."""
    W1, W2 = net.W
    return Term(determinant(kronecker_sum((W1.T * W1).node, (W2 * W2.T).node)))


# -- d = 1 ---------------------------------------------------------------------------------------------------------------


def one() -> Claim:
    """Widths (1, d1, 1): J J^T = |W_1|^2 + |W_2|^2, with (J J^T)^2 >= 4 y^2, and equality iff W_2^T = W_1 or W_2^T = -W_1."""
    net = Network((1, "d1", 1), white=True)
    W1, W2 = net.W
    Q, value, gap = net.output("Q"), norm2(W1) + norm2(W2), (norm2(W1) + norm2(W2)) ** 2 - 4 * norm2(net.fitted)
    spread = norm2(W1 - W2.T) * norm2(W1 + W2.T)
    visible = square(W1 - W2.T) * square(W1 + W2.T)
    steps = (
        vanish(net.JJT(Q) - value * Q),
        vanish(gap - spread),
        step(">=", gap, visible + fact(gap - spread)),
    )
    then = [is_zero(net.JJT(Q) - value * Q), is_zero(gap - spread), nonnegative(gap)]
    return Claim(setting.statement(f"{NAME}.one", (W1, W2, Q), then), steps)


# -- d = 2 ---------------------------------------------------------------------------------------------------------------


def formula() -> Claim:
    """det(b x I + I x a) = (det a - det b)^2 + (tr a + tr b)(tr a det b + tr b det a) for symmetric 2 x 2 matrices."""
    a, b = (Term(dag.var(x, (2, 2), symmetric=True)) for x in "AB")
    K = Term(determinant(kronecker_sum(a.node, b.node)))
    gap = K - (det2(a) - det2(b)) ** 2 - (trace(a) + trace(b)) * (trace(a) * det2(b) + trace(b) * det2(a))
    return setting.identities(f"{NAME}.formula", (a, b), [gap])


class Pair:
    """Widths (2, k, 2) on the valley P = Y; f, g >= 0 are roots of det W_1^T W_1 and det W_2 W_2^T, delta = |det Y|."""

    def __init__(self, hidden: int) -> None:
        self.net = Network((2, hidden, 2), white=True)
        self.valley = Valley(self.net)
        self.factors = self.valley.factors[0]
        W1, W2 = self.net.W
        self.low, self.high = W1.T * W1, W2 * W2.T
        self.a, self.b = norm2(W1), norm2(W2)
        self.roots = [F**2 - det2(self.low), G**2 - det2(self.high), DELTA**2 - det2(self.net.fitted) ** 2]
        self.s = self.valley.polar.s

    @property
    def variables(self) -> tuple[Term, ...]:
        return (*self.net.W, self.net.Y, *self.valley.polar.variables, F, G, DELTA)

    @property
    def given(self) -> list[Condition]:
        return [*self.valley.given, *map(is_zero, self.roots), *map(nonnegative, (F, G, DELTA))]

    @property
    def gap(self) -> Term:
        """det K - 4 delta s^2."""
        return big(self.net) - 4 * DELTA * self.s**2

    def minors(self) -> Term:
        """f^2 g^2 - delta^2 in squares, by Cauchy and Binet; visible zeros for the roots."""
        W1, W2 = self.net.W
        pairs = list(combinations(range(int(self.net.widths[1])), 2))
        m = [entry(W1, i, 0) * entry(W1, j, 1) - entry(W1, i, 1) * entry(W1, j, 0) for i, j in pairs]
        n = [entry(W2, 0, i) * entry(W2, 1, j) - entry(W2, 0, j) * entry(W2, 1, i) for i, j in pairs]
        squares = [(m[i] * n[j] - m[j] * n[i]) ** 2 for i, j in combinations(range(len(m)), 2)]
        low, high, whole = map(fact, self.roots)
        zeros = low * G**2 + det2(self.low) * high - whole
        return setting.total([Term(dag.num(0)), *squares]) + zeros

    def cover_steps(self) -> list[Step]:
        """f g - delta >= 0."""
        gap, both = F * G - DELTA, F * G + DELTA
        otherwise = 2 * fact(F) * fact(G) + fact(-both)
        return [split(">=", gap.node, both.node, [step(">=", gap, self.minors(), fact(both))], [step(">=", gap, otherwise)])]

    def parts(self) -> list[Term]:
        """det K - 4 delta s^2 in five nonnegative parts (and zeros)."""
        a, b = square(self.net.W[0]), square(self.net.W[1])
        return [
            (F**2 - G**2) ** 2,
            a * b * (F - G) ** 2,
            (a * G - b * F) ** 2,
            4 * fact(F) * fact(G) * fact(self.factors.bound),
            4 * self.s**2 * fact(F * G - DELTA),
        ]

    def zeros(self) -> Term:
        """What the names f and g add."""
        low, high, _ = map(fact, self.roots)
        a, b, f2, g2 = self.a, self.b, det2(self.low), det2(self.high)
        first = -(low - high) * (F**2 - G**2 + f2 - g2)
        return first - (a + b) * (a * high + b * low)

    def bound_steps(self) -> list[Step]:
        whole = setting.total(self.parts()) + self.zeros()
        return [*self.factors.bound_steps(), *self.cover_steps(), step(">=", self.gap, whole)]

    def witness(self) -> dict[str, Any]:
        """P = I."""
        k = int(self.net.widths[1])
        unit, zero = [[1, 0], [0, 1]], [[0, 0], [0, 0]]
        layers = {"W1": table(k, 2), "W2": table(2, k)}
        return {**layers, "Y": unit, "M": unit, "K": unit, "L": unit, "Q": zero, "f": 1, "g": 1, "delta": 1}


def two(hidden: int) -> Claim:
    p = Pair(hidden)
    s = setting.statement(f"{NAME}.two", p.variables, [nonnegative(p.gap)], p.given)
    return Claim(s, tuple(p.bound_steps()), p.witness())


def only_balanced() -> Claim:
    """d = 2 = d_1, P invertible: equality makes the layers balanced."""
    p = Pair(2)
    W1, f = p.net.W[0], p.factors
    parts, zero = p.parts(), p.zeros() - fact(p.gap)
    steps = [*p.bound_steps(), *f.nonzero_steps()]
    steps += [step(">", F * G, fact(DELTA) + fact(F * G - DELTA))]
    size = fact(p.a) * fact(p.b)

    def others(k: int) -> Term:
        return setting.total(x for i, x in enumerate(parts) if i != k) + zero

    steps += [nothing(F - G, others(1), size), nothing(p.a * G - p.b * F, others(2))]
    below = step(">=", -f.bound, others(3), 4 * fact(F * G))
    steps += [below, nothing(f.bound, fact(f.bound) * fact(-f.bound)), *f.equality_steps()]
    steps += [step(">", F**2, fact(F * G) + F * fact(F - G))]
    steps += [vanish(p.a - p.b, F * fact(p.a * G - p.b * F) + p.a * F * fact(F - G), fact(F**2))]
    balance = p.net.imbalance(1)
    steps += [vanish(balance, fact(f.proportion) - fact(p.a - p.b) * W1 * W1.T, fact(p.a))]
    given = [*p.given, positive(DELTA), positive(p.s), is_zero(p.gap)]
    s = setting.statement(f"{NAME}.only_balanced", p.variables, [is_zero(balance)], given)
    return Claim(s, tuple(steps), p.witness())


def if_balanced() -> Claim:
    """d = 2 = d_1, P invertible: balanced layers have det K = 4 delta s^2."""
    p = Pair(2)
    (W1, W2), f, D = p.net.W, p.factors, p.net.imbalance(1)
    d = fact(D)
    steps = [*f.bound_steps(), *f.nonzero_steps(), vanish(p.a - p.b, -trace(d))]
    up, low = W2.T * W2, W1 * W1.T
    drop = entry(d, 0, 0) * entry(up, 1, 1) + entry(low, 0, 0) * entry(d, 1, 1)
    drop = drop - entry(d, 0, 1) * (entry(up, 1, 0)) - entry(low, 0, 1) * entry(d, 1, 0)
    first, second, whole = map(fact, p.roots)
    steps += [vanish(F**2 - G**2, first - second - drop)]
    sums = F + G
    equal = [vanish(F - G, fact(F**2 - G**2), fact(sums))]
    steps += [vanish(f.proportion, p.a * d + fact(p.a - p.b) * W1 * W1.T)]
    r = p.a
    steps += [vanish(r**2 - p.a * p.b, p.a * fact(p.a - p.b)), *f.attained_steps(r)]
    steps += [vanish(f.bound, -p.a * fact(p.a - p.b) + fact(r - p.s) * (r + p.s))]
    product_zero = first * G**2 + det2(p.low) * second - whole
    both = F * G + DELTA
    steps += [
        step(">", both, fact(DELTA) + fact(F) * fact(G)),
        vanish(F * G - DELTA, product_zero, fact(both)),
        step(">", F * G, fact(DELTA) + fact(F * G - DELTA)),
        split("==", (F - G).node, sums.node, equal, [nothing(F - G, _cancelled(F, G))]),
    ]
    parts = [
        fact(F - G) * (F - G) * sums**2,
        p.a * p.b * fact(F - G) * (F - G),
        (p.a * G - p.b * F) * (fact(p.a - p.b) * G - p.b * fact(F - G)),
        4 * F * G * fact(f.bound),
        4 * p.s**2 * fact(F * G - DELTA),
    ]
    steps += [vanish(p.gap, setting.total(parts) + p.zeros())]
    given = [*p.given, positive(DELTA), positive(p.s), is_zero(D)]
    s = setting.statement(f"{NAME}.if_balanced", p.variables, [is_zero(p.gap)], given)
    return Claim(s, tuple(steps), p.witness())


def _cancelled(x: Term, y: Term) -> Term:
    """-(x - y)^2 where -(x + y) >= 0 and x y > 0, x, y >= 0: it is (x + y)(-(x + y)) + 4 x y, shown nonnegative."""
    return (fact(x) + fact(y)) * fact(-(x + y)) + 4 * fact(x * y)


def claims() -> Iterator[Claim]:
    yield from (one(), formula(), two(2), two(3), only_balanced(), if_balanced())


# -- limits --------------------------------------------------------------------------------------------------------------


def unequal() -> Statement:
    """Balanced layers have the least pdet among layers of the same product at widths (1, 1, 2)."""
    net, other = (Network((1, 1, 2), white=True, prime=x) for x in ("", "p"))
    given = [is_zero(net.fitted - other.fitted), is_zero(net.imbalance(1)), positive(norm2(net.fitted))]
    then = [nonnegative(big(other) - big(net))]
    return setting.statement(f"{NAME}: d_0 differs from d_2", (*net.W, *other.W), then, given)


def singular() -> Statement:
    """Equality makes the layers balanced, also where P is singular."""
    p = Pair(2)
    given = [*p.given, is_zero(p.gap)]
    return setting.statement(f"{NAME}: P is singular", p.variables, [is_zero(p.net.imbalance(1))], given)


def other_data() -> Statement:
    net = Network((1, 1, 1), 1)
    gap = norm2(net.W[1] * net.X) + norm2(net.W[0] * net.X) - 2 * trace(net.W[1] * net.W[0])
    return setting.statement(f"{NAME}: X is not I", (*net.W, net.X), [nonnegative(gap)])


def sharpness() -> Iterator[Counterexample]:
    at = {"W1": [[1]], "W2": [[1], [0]], "W1p": [["1/2"]], "W2p": [[2], [0]]}
    yield Counterexample("d_0 = d_2", unequal(), at)
    low, high, zero = [[1, 0], [0, 0]], [[2, 0], [0, 0]], [[0, 0], [0, 0]]
    polar = {"Y": high, "M": [[1, 0], [0, 1]], "K": high, "L": [[1, 0], [1, 0]], "Q": zero, "f": 0, "g": 0, "delta": 0}
    yield Counterexample("P invertible, for the equality case", singular(), {"W1": low, "W2": high, **polar})
    yield Counterexample("X = I", other_data(), {"W1": [[1]], "W2": [[1]], "X": [["1/2"]]})


def variants() -> Iterator[Statement]:
    net = Network((1, 2, 1), white=True)
    (W1, W2), y2 = net.W, norm2(net.fitted)
    value = norm2(W1) + norm2(W2)
    wrong = {
        "the constant 5 at d = 1": value**2 - 5 * y2,
        "off by a millionth at d = 1": value**2 - y2 * 4 - y2 / 1_000_000,
        "y in place of |y|, squared": value**2 - 4 * value * trace(net.fitted) - y2,
    }
    for words, x in wrong.items():
        yield setting.statement(f"{NAME}: {words}", (W1, W2), [nonnegative(x)])
    pair = Network((2, 2, 2), white=True)
    K, P = big(pair), det2(pair.fitted)
    both = {
        "16 det P^2 is 17": K - 17 * P**2,
        "det J J^T = det P^2": K - P**2,
        "strict": K - 16 * P**2,
    }
    for words, x in both.items():
        then = positive(x) if words == "strict" else is_zero(x) if "=" in words else nonnegative(x)
        yield setting.statement(f"{NAME}: {words}", pair.W, [then], [positive(P**2)])
    a, b = (Term(dag.var(x, (2, 2), symmetric=True)) for x in "AB")
    K = Term(determinant(kronecker_sum(a.node, b.node)))
    across, both_traces = trace(a) * det2(b) + trace(b) * det2(a), trace(a) + trace(b)
    for words, gap in (
        ("the difference of the determinants", K - (det2(a) - det2(b)) ** 2),
        ("the sum of the determinants", K - (det2(a) + det2(b)) ** 2 - both_traces * across),
        ("the traces exchanged", K - (det2(a) - det2(b)) ** 2 - both_traces * (trace(a) * det2(a) + trace(b) * det2(b))),
    ):
        yield setting.statement(f"{NAME}: {words}", (a, b), [is_zero(gap)])
    yield from (unequal(), singular(), other_data())


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, white=True)
    gap = big(net) - 16 * det2(net.fitted) ** 2
    return net, setting.statement(f"{NAME}.at_least_sixteen", net.W, [nonnegative(gap)])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers of widths (2, k, 2): det J J^T >= 16 det P^2, which follows as s^2 >= 4 delta."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw))


NOTE = (
    'Where "isotropic noise in the non-degenerate subspace of the Hessian decreases its determinant", the least determinant is '
    "at balanced layers if d_0 = d_2 = 1 or 2 and P is invertible (X = I). With d_0 != d_2 there may be no end: on widths (1, "
    "1, 2) pdet = w^4 + |y|^2 tends to |y|^2 as w tends to 0 and does not attain it."
)

THEOREM = Theorem(
    name=NAME,
    sheet="H16",
    title="The least determinant of two layers with one or two inputs and as many outputs",
    form="inequality; equality iff; for d = 1, 2",
    source=f"own derivation, for the valley of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (2, 3, 2)),
    supported_at=((2, 2, 2), (2, 5, 2)),
    note=NOTE,
)
