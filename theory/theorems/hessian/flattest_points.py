r"""Claims about the flattest points of the valley: which points attain the least trace, and that all stationary ones do.

In the words of `flattest_claims`: `excess` = (Tr H)^N - N^N d_N |X|^2 s^(2N-2) vanishes iff all A_i^T A_i are proportional to
B_i B_i^T and all summands t_i agree. At a stationary point of Tr H on the valley the velocity of the imbalance vanishes, which
says both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from theory import dag
from theory.certificates import Step
from theory.statement import Condition
from theory.terms import Term, fact, step, term, trace
from theory.theorem import Claim
from theory.theorems.hessian import setting
from theory.theorems.hessian.flattest_claims import NAME, Valley, forces, push, sizes
from theory.theorems.hessian.nuclear import Factors, nothing, product
from theory.theorems.hessian.setting import (
    Network,
    is_zero,
    nonnegative,
    norm2,
    number,
    positive,
    scalar,
    total,
    vanish,
    widths_of,
)

# -- equality ------------------------------------------------------------------------------------------------------------


def equality(depth: int) -> Claim:
    """Equality gives |B_i|^2 A_i^T A_i = |A_i|^2 B_i B_i^T and equal summands ."""
    v = Valley(Network(widths_of(depth)))
    t, steps = v.t, v.bound_steps()
    for f in v.factors:
        steps += f.nonzero_steps()
    steps += _equal_bounds(v) + _equal_summands(v)
    for f in v.factors:
        steps += f.equality_steps()
    then = [*(is_zero(f.proportion) for f in v.factors), *(is_zero(t[i] - t[i + 1]) for i in range(depth - 1))]
    given = [*v.given, positive(v.polar.s), positive(norm2(v.net.X)), is_zero(v.excess)]
    s = setting.statement(f"{NAME}.equality", v.variables, then, given)
    return Claim(s, tuple(steps), v.witness(), sizes(v.net))


def proportional(depth: int) -> Claim:
    """The converse: |B_i|^2 A_i^T A_i = |A_i|^2 B_i B_i^T and equal summands give equality."""
    v = Valley(Network(widths_of(depth)))
    r, t = [scalar(f"r{i}") for i in v.net.hidden], v.t
    roots = [x**2 - norm2(f.A) * norm2(f.B) for x, f in zip(r, v.factors, strict=True)]
    equal = [*(f.proportion for f in v.factors), *(t[i + 1] - t[i] for i in range(depth - 1))]
    given = [*v.given, positive(v.polar.s), *map(is_zero, [*equal, *roots]), *map(nonnegative, r)]
    steps = [x for f in v.factors for x in (*f.bound_steps(), *f.nonzero_steps())]
    s = setting.statement(f"{NAME}.proportional", (*v.variables, *r), [is_zero(v.excess)], given)
    return Claim(s, (*steps, *_closing(v, r)), v.witness(**{f"r{i}": 1 for i in v.net.hidden}), sizes(v.net))


def _equal_bounds(v: Valley) -> list[Step]:
    """q_i - s^2 == 0: the part of the excess that it makes cannot be positive."""
    N, steps = v.net.depth, []
    for k, f in enumerate(v.factors):
        order = [*(j for j in range(len(v.q)) if j != k), k]
        others = v.products_by(order)[:-1]
        scale = N**N * number(v.net.widths[-1]) * fact(norm2(v.net.X)) * fact(v.polar.s) ** (2 * N - 4)
        below = step(">=", -f.bound, total([v.means_by(), *others]) - fact(v.excess), scale)
        steps += [below, nothing(f.bound, fact(f.bound) * fact(-f.bound))]
    return steps


def _equal_summands(v: Valley) -> list[Step]:
    """t_i - t_{i+1} == 0, from the squares of the inequality of the means."""
    t, parts = v.t, total(v.products_by())
    if len(t) == 2:
        return [nothing(t[0] - t[1], parts - fact(v.excess))]
    visible, steps = v.visible, [step(">", v.net.trace, _trace_by(v))]
    if len(t) == 4:
        return [*steps, *_four_equal(v, parts - fact(v.excess))]
    half = fact(v.net.trace) / 2
    pairs = ((0, 1), (1, 2))
    return [*steps, *(nothing(t[i] - t[j], _regrouped(visible, i, j) + parts - fact(v.excess), half) for i, j in pairs)]


def _four_equal(v: Valley, rest: Term) -> list[Step]:
    """Four summands: the squares are (p - q)^4, 8 p q (p - q)^2, 16 q^2 (a - b)^2, 64 a b (c - d)^2, p = a + b, q = c + d."""
    (a, b, c, d), (x, y, z, w) = v.t, v.visible
    p, q, first = x + y, z + w, fact(norm2(v.factors[0].A)) * fact(norm2(v.net.X))
    gap, pairs, last = a + b - c - d, 16 * (x - y) ** 2 * q**2, 64 * x * y * (z - w) ** 2
    apart = (p - q) ** 4 + 8 * p * q * (p - q) ** 2
    return [
        nothing(gap**2, 8 * p * q * (p - q) ** 2 + pairs + last + rest),
        nothing(gap, -fact(gap**2)),
        step(">", c + d, fact(v.net.trace) / 2 - fact(gap) / 2),
        nothing(a - b, apart + last + rest, 16 * fact(c + d) ** 2),
        step(">", a, first),
        step(">", b, fact(a) - fact(a - b)),
        nothing(c - d, apart + pairs + rest, 64 * fact(a) * fact(b)),
        vanish(b - c, fact(gap) / 2 - fact(a - b) / 2 - fact(c - d) / 2),
    ]


def _regrouped(x: Sequence[Term], i: int, j: int) -> Term:
    """The squares of the means for three numbers but for the one of (x_i - x_j)^2 sum x / 2."""
    a, b, c = x
    pairs = [(p, r) for p, r in ((0, 1), (1, 2), (2, 0)) if {p, r} != {i, j}]
    half = total(x) / 2 * total((x[p] - x[r]) ** 2 for p, r in pairs)
    return half + 3 * (a * (b - c) ** 2 + b * (c - a) ** 2 + c * (a - b) ** 2)


def _trace_by(v: Valley) -> Term:
    """Tr H = t_1 + ... with t_1 = |A_1|^2 |X|^2 > 0."""
    first = fact(norm2(v.factors[0].A)) * fact(norm2(v.net.X))
    return first + total(v.visible[1:])


# -- stationary points ---------------------------------------------------------------------------------------------------


def stationary(depth: int) -> Claim:
    """P_T grad Tr H = 0 and Y != 0: (Tr H)^N = N^N d_N |X|^2 s^(2N-2), the least value."""
    v = Valley(Network(widths_of(depth)))
    Z, r, steps, given, names = _stationary(v)
    s = setting.statement(f"{NAME}.stationary", (*v.variables, Z, *r), [is_zero(v.excess)], given)
    return Claim(s, tuple(steps), v.witness(Z=[[2 * depth - 2]], **names), sizes(v.net))


def _stationary(v: Valley) -> tuple[Term, list[Term], list[Step], list[Condition], dict[str, Any]]:
    """(Z, r, steps to `excess` == 0, hypotheses, witness of r); r_i = |A_i| |B_i| are names of the norms."""
    net = v.net
    Z, r = net.output("Z"), [scalar(f"r{i}") for i in net.hidden]
    still = forces(net, Z)
    roots = [x**2 - q for x, q in zip(r, v.q, strict=True)]
    given = [*v.given, positive(v.polar.s), *map(is_zero, [*still, *roots]), *map(nonnegative, r)]
    steps = [x for f in v.factors for x in f.bound_steps()]
    for f in v.factors:
        steps += f.nonzero_steps()
    whole = Factors(v.polar, net.head(0), net.X, fact(net.residual))
    steps += [*whole.bound_steps(), *whole.nonzero_steps()]
    known = [fact(x) for x in still]
    steps += [vanish(push(net, i), -net.drift(i, known) / 4) for i in net.hidden]
    steps += [vanish(v.t[i] - v.t[i - 1], trace(fact(push(net, i)))) for i in net.hidden]
    for i, f in zip(net.hidden, v.factors, strict=True):
        below = norm2(net.tail(i - 1))
        by = fact(v.t[i] - v.t[i - 1]) * f.B * f.B.T - norm2(f.B) * fact(push(net, i))
        steps += [vanish(f.proportion, by, fact(below))]
    return Z, r, [*steps, *_closing(v, r)], given, {f"r{i}": 1 for i in net.hidden}


def _closing(v: Valley, r: Sequence[Term]) -> list[Step]:
    """`excess` == 0 from proportional A_i^T A_i and B_i B_i^T and equal summands: r_i = s, so q_i = s^2."""
    steps: list[Step] = []
    for x, f in zip(r, v.factors, strict=True):
        root = fact(x**2 - norm2(f.A) * norm2(f.B))
        steps += [step(">", x, root + fact(norm2(f.A)) * fact(norm2(f.B)), fact(x)), *f.attained_steps(x)]
        steps += [vanish(f.bound, fact(x - v.polar.s) * (x + v.polar.s) - root)]
    return [*steps, vanish(v.excess, _excess_by(v))]


def _excess_by(v: Valley) -> Term:
    """(sum t)^N - N^N d |X|^2 s^(2N-2) as a visible zero, from t_{i+1} = t_i and q_i = s^2."""
    N, t = v.net.depth, v.t
    gaps, e = [fact(t[i + 1] - t[i]) for i in range(N - 1)], [Term(dag.num(0))]
    for g in gaps:
        e.append(e[-1] + g)
    first, all_of = t[0], v.net.trace
    powers = total(e[1:]) * total(all_of ** (N - 1 - k) * (N * first) ** k for k in range(N))
    chain = total(first**k * e[k] * product([Term(dag.num(1)), *t[k + 1 :]]) for k in range(1, N))
    bounds = total(
        v.polar.s ** (2 * k) * fact(f.bound) * product([Term(dag.num(1)), *v.q[k + 1 :]]) for k, f in enumerate(v.factors)
    )
    return powers - term(N**N) * (chain - number(v.net.widths[-1]) * norm2(v.net.X) * bounds)


def global_minimum(depth: int) -> Claim:
    """A stationary point is at most as sharp as any point of the valley, also of other hidden widths."""
    v = Valley(Network(widths_of(depth)))
    hidden = [f"e{i}" for i in v.net.hidden]
    other = Network((v.net.widths[0], *hidden, v.net.widths[-1]), "n", prime="p")
    w = Valley(other)
    Z, r, steps, given, names = _stationary(v)
    steps += w.bound_steps()
    here, there = v.net.trace, other.trace
    steps += [step(">=", there, total(w.visible)), step(">", here, _trace_by(v))]
    cofactor = total(fact(there) ** (depth - 1 - k) * fact(here) ** k for k in range(depth))
    steps += [step(">=", there - here, fact(w.excess) - fact(v.excess), cofactor)]
    variables = (*v.variables, *other.W, Z, *r)
    s = setting.statement(f"{NAME}.global_minimum", variables, [nonnegative(there - here)], [*given, is_zero(other.residual)])
    values = {**v.witness(Z=[[2 * depth - 2]], **names), **{setting.name(x): [[1]] for x in other.W}}
    return Claim(s, tuple(steps), values, {**sizes(v.net), **dict.fromkeys(hidden, 1)})


def balanced() -> Claim:
    """Three balanced layers that are flattest (X = I): |B_1|^2 G^2 = |A_1|^2 G for G = W_1 W_1^T: G/q is a projection."""
    net = Network(widths_of(3), white=True)
    G, (_, W2, _) = net.W[0] * net.W[0].T, net.W
    low, high = net.imbalance(1), net.imbalance(2)
    A, B = net.head(1), net.tail(1)
    proportion = norm2(B) * A.T * A - norm2(A) * B * B.T
    gap = norm2(B) * G * G - norm2(A) * G
    inner = W2.T * fact(high) * W2 + fact(low) * W2.T * W2 + G * fact(low)  # A^T A - G^2
    s = setting.statement(f"{NAME}.balanced", net.W, [is_zero(gap)], map(is_zero, [low, high, proportion]))
    ones = {f"W{i}": [[1]] for i in net.index}
    return Claim(s, (vanish(gap, fact(proportion) - norm2(B) * inner),), ones, {f"d{i}": 1 for i in range(4)})


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (equality, proportional, stationary, global_minimum) for n in (2, 3, 4))
    yield balanced()
