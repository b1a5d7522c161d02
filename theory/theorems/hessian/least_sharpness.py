r"""The least sharpness: how small the largest eigenvalue of the Hessian can be on the valley.

Setting: \(L = \tfrac12 |W_N \cdots W_1 - Y|_F^2\) (X = I) on the valley P = Y; s_1 the largest singular value of Y, H the
Hessian.

Hypotheses: P = Y, X = I; attained if the hidden widths are at least rank Y. Data with X X^T = k I have k times this Hessian.

Conclusion:
\[ \min_{P = Y} \lambda_{\max}(H) = N s_1^{2 - 2/N}, \]
attained by balanced layers, though not by them alone. In detail, for unit vectors u, v and every number l >= 0 with l |V|^2
>= H[V, V] at V = J^T(u v^T): \(l^N \ge N^N (u^T P v)^{2N-2}\). Conversely, where \(|W_i|_{op}^2 \le q\) for all layers,
\(H[V, V] \le N q^{N-1} |V|^2\) for all V; balanced layers with \(W_N W_N^T \le q I\) are such, and \(P P^T = (W_N W_N^T)^N\),
so that q^N = s_1^2 for the least q.

Form: inequality, attained.

Scope of proof: all widths, depths 2 to 4, for the details. The minimum is put together from them in words: u and v are the
first singular vectors of Y, and balanced layers of product Y exist (W_i = Q_i S^{1/N} Q_{i-1}^T with Y = U S V^T).

Why: <u v^T, J J^T u v^T> = sum_i |A_i^T u|^2 |B_{i-1} v|^2, where |A_i^T u| |B_i v| >= u^T P v for each hidden i; the
inequality of the means. For the upper bound |sum_i x_i|^2 <= N sum_i |x_i|^2 with x_i = A_i V_i B_{i-1}.

Sharpness: X = I is needed (x = 1/2), and so is the valley (y = 3 at w = (1, 1)). The points of least sharpness need not be
balanced: W_1 = diag(2, 1/2), W_2 = diag(2, 2).

Source: own derivation; flattest minima in this sense: arXiv:2002.04710; for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Any

from sympy import Rational

from theory import dag
from theory.certificates import Step, split
from theory.statement import Condition, Statement
from theory.terms import Term, dot, fact, step, term, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.rewriting import rewritten, rule
from theory.theorems.hessian import setting
from theory.theorems.hessian.nuclear import cauchy, cauchy_step, product
from theory.theorems.hessian.setting import (
    SOURCE,
    Network,
    eye,
    is_zero,
    letter,
    nonnegative,
    norm2,
    positive,
    scalar,
    square,
    total,
    vanish,
    widths_of,
)
from theory.theorems.minima import means

NAME = "hessian.least_sharpness"
LAMBDA, QUOTA = scalar("lam"), scalar("q")


def vectors(net: Network) -> tuple[Term, Term]:
    """u and v, of the sizes of the output and of the data."""
    return letter("u", net.widths[-1], 1), letter("v", net.n, 1)


def shares(net: Network, u: Term, v: Term) -> list[Term]:
    """|A_i^T u|^2 |B_{i-1} v|^2, visibly nonnegative."""
    return [square(net.head(i).T * u) * square(net.tail(i - 1) * v) for i in net.index]


def pairing(net: Network, u: Term, v: Term) -> Term:
    """u^T P X v."""
    return trace(u.T * net.fitted * v)


# -- the lower bound -----------------------------------------------------------------------------------------------------


def quotient(net: Network) -> tuple[list[Step], Term]:
    """(Steps, excess): (sum of the shares)^N - N^N |u|^2 |v|^2 (u^T P v)^(2N-2) >= 0."""
    u, v = vectors(net)
    N, t, s = net.depth, shares(net, u, v), pairing(net, u, v)
    pairs = [(net.head(i).T * u, net.tail(i) * v) for i in net.hidden]
    ends = square(u) * square(net.X * v)
    parts = []
    for k, (x, y) in enumerate(pairs):
        later = [square(a) * square(b) for a, b in pairs[k + 1 :]]
        parts.append(product([ends, s ** (2 * k), fact(cauchy(x, y)), *later]) * N**N)
    excess = total(t) ** N - N**N * ends * s ** (2 * N - 2)
    steps = [cauchy_step(x, y) for x, y in pairs]
    return [*steps, step(">=", excess, total([term(means.squares(t)), *parts]))], excess


def test_vector(depth: int) -> Claim:
    """The quotient at u v^T alone, for all vectors and any X."""
    net = Network(widths_of(depth))
    steps, excess = quotient(net)
    s = setting.statement(f"{NAME}.test_vector", (*net.W, net.X, *vectors(net)), [nonnegative(excess)])
    return Claim(s, tuple(steps))


def sharp(net: Network) -> tuple[list[Term], list[Condition], Term]:
    """(Variables, hypotheses, H[V, V]) of the bound: V = J^T(u v^T) for unit vectors, l |V|^2 >= H[V, V]."""
    u, v = vectors(net)
    bend = net.curvature(net.loss)
    size = total(map(norm2, net.V))
    lifted = [x - g for x, g in zip(net.V, net.JT(u * v.T), strict=True)]
    units = [norm2(u) - 1, norm2(v) - 1]
    given = [*map(is_zero, [*lifted, *units]), nonnegative(LAMBDA), nonnegative(LAMBDA * size - bend)]
    return [*net.W, *net.V, *net.data, u, v, LAMBDA], given, bend


def lower_bound(depth: int) -> Claim:
    net = Network(widths_of(depth), white=True)
    names, given, bend = sharp(net)
    u, v = vectors(net)
    N, s, JV, size = depth, pairing(net, u, v), net.J(), total(map(norm2, net.V))
    known = [fact(x - g) for x, g in zip(net.V, net.JT(u * v.T), strict=True)]
    unit_u, unit_v = fact(norm2(u) - 1), fact(norm2(v) - 1)
    paired = -total(map(dot, known, net.V))  # <u v^T, J V> - |V|^2
    apart = total(dot(k, x) + dot(g, k) for k, x, g in zip(known, net.V, net.JT(u * v.T), strict=True))
    short = unit_u * norm2(v) + unit_v  # |u v^T|^2 - 1
    below, product_gap = LAMBDA * size - norm2(JV), cauchy(u * v.T, JV)
    steps, excess = quotient(net)
    steps += [
        step(">=", below, fact(LAMBDA * size - bend) + dot(fact(net.residual), net.second())),
        cauchy_step(u * v.T, JV),
    ]
    by = fact(below) + fact(product_gap) - short * norm2(JV) + paired * (dot(u * v.T, JV) + size)
    flat = fact(LAMBDA) + fact(-size)
    over = LAMBDA - size
    steps += [split(">=", over.node, size.node, [step(">=", over, by, fact(size))], [step(">=", over, flat)])]
    rho = total(shares(net, u, v))
    steps += [step(">=", LAMBDA - rho, fact(LAMBDA - size) + apart)]
    cofactor = total(fact(LAMBDA) ** (N - 1 - k) * rho**k for k in range(N))
    power = LAMBDA**N - N**N * s ** (2 * N - 2)
    steps += [step(">=", power, fact(LAMBDA - rho) * cofactor + fact(excess) + N**N * s ** (2 * N - 2) * short)]
    given = [is_zero(net.residual), *given]
    point = {**{f"{c}{i}": [[1]] for c in "WV" for i in net.index}, "Y": [[1]], "u": [[1]], "v": [[1]], "lam": depth}
    statement = setting.statement(f"{NAME}.lower_bound", names, [nonnegative(power)], given)
    return Claim(statement, tuple(steps), point, {f"d{i}": 1 for i in range(depth + 1)})


# -- the upper bound -----------------------------------------------------------------------------------------------------


def room(x: Term) -> Term:
    """q I - x^T x."""
    return QUOTA * eye(x.node.shape[1]) - x.T * x


def turned(x: Term) -> Step:
    """q I - x x^T >= 0 from q I - x^T x >= 0 and q > 0: q times it is its square and a congruence."""
    other = room(x.T)
    parts = dag.add(dag.conj(dag.num(1), other.node), dag.conj(fact(room(x)).node, x.T.node))
    return step(">=", other, Term(parts), fact(QUOTA))


def bounded(net: Network, i: int) -> Term:
    """q^(N-1) |V_i|^2 - |A_i V_i B_{i-1}|^2, visibly: the factors are taken off one by one."""
    x, total_, left = net.V[i - 1], [], net.depth - 1
    for W in net.W[i:]:
        left -= 1
        total_.append(fact(QUOTA) ** left * Term(dag.tr(dag.conj(fact(room(W)).node, x.node))))
        x = W * x
    for W in reversed(net.W[: i - 1]):
        left -= 1
        total_.append(fact(QUOTA) ** left * Term(dag.tr(dag.conj(fact(room(W.T)).node, x.T.node))))
        x = x * W
    return total(total_)


def upper_bound(depth: int) -> Claim:
    """|W_i|^2 <= q for all layers: H[V, V] <= N q^(N-1) |V|^2."""
    net = Network(widths_of(depth), white=True)
    N, bend = depth, net.curvature(net.loss)
    x = [net.head(i) * net.V[i - 1] * net.tail(i - 1) for i in net.index]
    gap = N * QUOTA ** (N - 1) * total(map(norm2, net.V)) - bend
    spread = total(square(a - b) for a, b in combinations(x, 2))
    by = spread + N * total(bounded(net, i) for i in net.index) - dot(fact(net.residual), net.second())
    steps = [*map(turned, net.W), step(">=", gap, by)]
    given = [is_zero(net.residual), positive(QUOTA), *(nonnegative(room(W)) for W in net.W)]
    s = setting.statement(f"{NAME}.upper_bound", (*net.W, *net.V, net.Y, QUOTA), [nonnegative(gap)], given)
    point = {**{f"{c}{i}": [[1]] for c in "WV" for i in net.index}, "Y": [[1]], "q": 1}
    return Claim(s, tuple(steps), point, {f"d{i}": 1 for i in range(depth + 1)})


def balanced(depth: int) -> Claim:
    """Balanced layers with W_N W_N^T <= q I: every layer is so, and P P^T = (W_N W_N^T)^N."""
    net = Network(widths_of(depth), white=True)
    W, D = net.W, [net.imbalance(i) for i in net.hidden]
    rules = [
        rule([W[i - 1].node, W[i - 1].T.node], (W[i].T * W[i]).node, (-D[i - 1]).node) for i in net.hidden
    ]
    power = net.fitted * net.fitted.T - setting.chain([W[-1] * W[-1].T] * depth, net.widths[-1])
    flipped = [vanish(-d, -fact(d)) for d in D]
    steps = [*flipped, vanish(power, Term(rewritten((net.fitted * net.fitted.T).node, rules)[1]))]
    for i in reversed(net.index):
        below = [] if i == depth else [step(">=", room(W[i - 1].T), fact(room(W[i])) + fact(D[i - 1]))]
        steps += [*below, turned(W[i - 1].T)]
    then = [is_zero(power), *(nonnegative(room(x)) for x in W)]
    given = [positive(QUOTA), nonnegative(room(W[-1].T)), *map(is_zero, D)]
    s = setting.statement(f"{NAME}.balanced", (*W, QUOTA), then, given)
    point = {**{f"W{i}": [[1]] for i in net.index}, "q": 1}
    return Claim(s, tuple(steps), point, {f"d{i}": 1 for i in range(depth + 1)})


def white_data(depth: int) -> Claim:
    """X X^T = k I: |J V|^2 is k times that for X = I, at the same layers."""
    net, plain, k = Network(widths_of(depth)), Network(widths_of(depth), white=True), scalar("k")
    frame = net.X * net.X.T - k * eye(net.widths[0])
    gap = norm2(net.J()) - k * norm2(plain.J())
    s = setting.statement(f"{NAME}.white_data", (*net.W, *net.V, net.X, k), [is_zero(gap)], [is_zero(frame)])
    point = {**{f"{c}{i}": [[1]] for c in "WV" for i in net.index}, "X": [[2]], "k": 4}
    sizes = {**{f"d{i}": 1 for i in range(depth + 1)}, "n": 1}
    return Claim(s, (vanish(gap, trace(plain.J() * fact(frame) * plain.J().T)),), point, sizes)


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (test_vector, lower_bound, upper_bound, balanced, white_data) for n in (2, 3, 4))


# -- limits --------------------------------------------------------------------------------------------------------------


def other_data() -> Statement:
    """The bound with u^T P v where X is a number."""
    net = Network((1, 1, 1), 1)
    names, given, _ = sharp(net)
    s = trace(letter("u", 1, 1).T * net.W[1] * net.W[0] * letter("v", 1, 1))
    then = [nonnegative(LAMBDA**2 - 4 * s**2)]
    return setting.statement(f"{NAME}: X is not I", names, then, [is_zero(net.residual), *given])


def bound(factor: Any, power: int, valley: bool, words: str) -> Statement:
    """l^2 >= factor (u^T P v)^power for two layers of width 1."""
    net = Network((1, 1, 1), white=True)
    names, given, _ = sharp(net)
    then = [nonnegative(LAMBDA**2 - factor * pairing(net, *vectors(net)) ** power)]
    return setting.statement(f"{NAME}: {words}", names, then, [*([is_zero(net.residual)] if valley else []), *given])


def only_balanced() -> Statement:
    """|W_i|^2 <= q with q a singular value of P (so that the least sharpness is attained) makes the layers balanced."""
    net = Network((2, 2, 2), white=True)
    u, v = vectors(net)
    attained = [net.fitted * v - QUOTA * u, net.fitted.T * u - QUOTA * v]
    given = [positive(QUOTA), *(nonnegative(room(W)) for W in net.W), *map(is_zero, attained), is_zero(norm2(u) - 1)]
    then = [is_zero(net.imbalance(1))]
    return setting.statement(f"{NAME}: least sharpness only where balanced", (*net.W, u, v, QUOTA), then, given)


def sharpness() -> Iterator[Counterexample]:
    one = {"W1": [[1]], "W2": [[1]], "u": [[1]], "v": [[1]]}
    half = {**one, "X": [["1/2"]], "Y": [["1/2"]], "V1": [["1/2"]], "V2": [["1/2"]], "lam": "1/2"}
    yield Counterexample("X = I", other_data(), half)
    off = {**one, "Y": [[3]], "V1": [[1]], "V2": [[1]], "lam": 0}
    yield Counterexample("P = Y", bound(4, 2, False, "the bound off the valley"), off)
    layers = {"W1": [[2, 0], [0, "1/2"]], "W2": [[2, 0], [0, 2]], "u": [[1], [0]], "v": [[1], [0]], "q": 4}
    yield Counterexample("balanced is sufficient, not necessary", only_balanced(), layers)


def variants() -> Iterator[Statement]:
    for factor in (5, 8, Rational(4_000_001, 1_000_000)):
        yield bound(factor, 2, True, f"the constant {factor}")
    yield bound(4, 4, True, "the power 4")
    yield bound(4, 1, True, "the power 1")
    net = Network((1, 1, 1), white=True)
    given = [is_zero(net.residual), positive(QUOTA), *(nonnegative(room(W)) for W in net.W)]
    size, bend = total(map(norm2, net.V)), net.curvature(net.loss)
    wrong = {
        "q in place of 2 q": QUOTA * size - bend,
        "the power q^2": 2 * QUOTA**2 * size - bend,
        "the power q^0": 2 * size - bend,
        "three halves": Rational(3, 2) * QUOTA * size - bend,
    }
    names = (*net.W, *net.V, net.Y, QUOTA)
    for words, x in wrong.items():
        yield setting.statement(f"{NAME}: the upper bound with {words}", names, [nonnegative(x)], given)
    yield from (other_data(), bound(4, 2, False, "the bound off the valley"), only_balanced())


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, 3)
    return net, setting.statement(f"{NAME}.test_vector", (*net.W, net.X, *vectors(net)), [nonnegative(quotient(net)[1])])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, data and vectors: the quotient at u v^T."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw, *vectors(net)))


NOTE = (
    "Which minima are flat depends on the measure: balanced layers have the least largest eigenvalue (X = I), and others have "
    "it too: W_1 = diag(2, 1/2), W_2 = diag(2, 2). The points of least trace or determinant, to which noise drives, are "
    "other points in general (hessian.flattest)."
)

THEOREM = Theorem(
    name=NAME,
    sheet="H15",
    title="The least sharpness of the valley",
    form="inequality, attained",
    source=f"own derivation; flattest minima: arXiv:2002.04710; for the valley of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 1, 2)),
    supported_at=((16, 20, 12), (8, 10, 6, 7)),
    note=NOTE,
)
