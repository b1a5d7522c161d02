r"""The claims about the flattest points of the valley: velocity of the imbalance, lower bound, equality, stationary points.

t_i = |A_i|^2 |B_{i-1}|^2 are the summands of Tr H, and q_i = |A_i|^2 |B_i|^2 for the hidden i, so that

    t_1 ... t_N = d_N |X|^2 q_1 ... q_{N-1},   q_i >= s^2,   s = |Y|_* .
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from theory import dag
from theory.certificates import Step, split
from theory.statement import Condition
from theory.theorem import Claim
from theory.theorems.alignment.rewriting import Rule, rewritten, rule
from theory.theorems.hessian import setting
from theory.theorems.hessian.nuclear import Factors, Polar, nothing, product
from theory.theorems.hessian.setting import (
    Network,
    eye,
    identities,
    is_zero,
    letter,
    nonnegative,
    norm2,
    number,
    positive,
    scalar,
    square,
    total,
    vanish,
    widths_of,
)
from theory.theorems.minima import means
from theory.theorems.minima.terms import Term, dot, fact, step, term, trace

NAME = "hessian.flattest"
C, P, T = scalar("c"), scalar("p"), scalar("T")


def ones(net: Network, **more: Any) -> dict[str, Any]:
    """All layers, X and Y one at widths 1 (one sample)."""
    return {**{setting.name(x): [[1]] for x in (*net.W, net.X, net.Y)}, **more}


def sizes(net: Network) -> dict[str, int]:
    return {str(d): 1 for d in (*net.widths, net.samples)}


# -- the velocity of the imbalance ---------------------------------------------------------------------------------------


def push(net: Network, i: int) -> Term:
    """|A_{i+1}|^2 B_i B_i^T - |B_{i-1}|^2 A_i^T A_i."""
    above = number(net.widths[-1]) if i + 1 == net.depth else norm2(net.head(i + 1))
    return above * net.tail(i) * net.tail(i).T - norm2(net.tail(i - 1)) * net.head(i).T * net.head(i)


def forces(net: Network, Z: Term) -> list[Term]:
    """grad Tr H - J^T Z, layer by layer: zero at the stationary points of Tr H on the valley, with multiplier Z."""
    return [g - z for g, z in zip(net.gradient(net.trace), net.JT(Z), strict=True)]


def velocity(depth: int) -> Claim:
    """V = -(c/4)(grad Tr H - J^T Z) moves D_i by c times `push`, whatever Z."""
    net = Network(widths_of(depth))
    Z = net.output("Z")
    V = [-C / 4 * f for f in forces(net, Z)]
    return identities(f"{NAME}.velocity", (*net.W, net.X, Z, C), [net.drift(i, V) - C * push(net, i) for i in net.hidden])


def projection(depth: int) -> Claim:
    """With J J^T Z = J grad Tr H, V is tangent, c D Tr H[U] = -4 <V, U> + c <Z, J U>, and Tr H falls along V."""
    net = Network(widths_of(depth))
    Z, slopes, U = net.output("Z"), net.gradient(net.trace), net.letters("U")
    V = [-C / 4 * f for f in forces(net, Z)]
    equation = net.JJT(Z) - net.J(slopes)
    across = C * total(map(dot, slopes, U)) + 4 * total(map(dot, V, U)) - C * dot(Z, net.J(U))
    fall = -total(map(dot, slopes, V))
    steps = (
        vanish(net.J(V), C / 4 * fact(equation)),
        vanish(across),
        step(">=", fall, 4 * total(map(square, V)) - C * dot(Z, fact(net.J(V))), fact(C)),
    )
    then = [is_zero(net.J(V)), is_zero(across), nonnegative(fall)]
    s = setting.statement(f"{NAME}.projection", (*net.W, *U, net.X, Z, C), then, [positive(C), is_zero(equation)])
    values = {**ones(net, Z=[[2 * depth - 2]], c=1), **{setting.name(u): [[1]] for u in U}}
    values.pop("Y")
    return Claim(s, steps, values, sizes(net))


# -- the lower bound -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Valley:
    """A network on P X = Y, with the polar decomposition of Y."""

    net: Network

    @cached_property
    def polar(self) -> Polar:
        return Polar(self.net.Y)

    @cached_property
    def factors(self) -> list[Factors]:
        """Y = A_i B_i for the hidden i."""
        known = fact(self.net.residual)
        return [Factors(self.polar, self.net.head(i), self.net.tail(i), known) for i in self.net.hidden]

    @property
    def variables(self) -> tuple[Term, ...]:
        return (*self.net.W, *self.net.data, *self.polar.variables)

    @property
    def given(self) -> list[Condition]:
        return [is_zero(self.net.residual), *self.polar.given]

    @cached_property
    def t(self) -> list[Term]:
        return [self.net.summand(i) for i in self.net.index]

    @cached_property
    def visible(self) -> list[Term]:
        """The t_i, visibly nonnegative."""
        net = self.net
        heads = [*(square(net.head(i)) for i in net.hidden), number(net.widths[-1])]
        return [a * square(net.tail(i)) for i, a in enumerate(heads)]

    @cached_property
    def q(self) -> list[Term]:
        return [norm2(f.A) * norm2(f.B) for f in self.factors]

    @property
    def base(self) -> Term:
        """d_N |X|^2, visibly nonnegative."""
        return number(self.net.widths[-1]) * square(self.net.X)

    @cached_property
    def least(self) -> Term:
        """d_N |X|^2 s^(2N-2): the N-th power of the least T."""
        return number(self.net.widths[-1]) * norm2(self.net.X) * self.polar.s ** (2 * self.net.depth - 2)

    @cached_property
    def excess(self) -> Term:
        """(Tr H)^N - N^N d_N |X|^2 s^(2N-2)."""
        return self.net.trace**self.net.depth - term(self.net.depth**self.net.depth) * self.least

    def means_by(self) -> Term:
        """(sum t)^N - N^N prod t in squares."""
        return term(means.squares(self.visible))

    def products_by(self, order: Sequence[int] | None = None) -> list[Term]:
        """N^N d_N |X|^2 (prod q - s^(2N-2)) in N - 1 nonnegative parts."""
        s2, seen, out = self.polar.s**2, list[Term](), list[Term]()
        order = list(order or range(len(self.q)))
        for place, k in enumerate(order):
            later = [square(self.factors[j].A) * square(self.factors[j].B) for j in order[place + 1 :]]
            out.append(product([self.base, *seen, fact(self.factors[k].bound), *later]) * self.net.depth**self.net.depth)
            seen.append(s2)
        return out

    def bound_steps(self) -> list[Step]:
        steps = [x for f in self.factors for x in f.bound_steps()]
        return [*steps, step(">=", self.excess, total([self.means_by(), *self.products_by()]))]

    def witness(self, **more: Any) -> dict[str, Any]:
        return {**ones(self.net), **self.polar.witness(), **more}


def lower_bound(depth: int) -> Claim:
    """(Tr H)^N >= N^N d_N |X|^2 s^(2N-2), and Tr H >= N p for every p with p^N = d_N |X|^2 s^(2N-2)."""
    v = Valley(Network(widths_of(depth)))
    N, root, gap = depth, P**depth - v.least, v.net.trace - depth * P
    least, above = total(v.visible), fact(v.net.trace)
    cofactor = total(above ** (N - 1 - k) * (N * fact(P)) ** k for k in range(N))
    nonneg = step(">=", v.net.trace, least)
    steps = [*v.bound_steps(), nonneg]
    roots = step(">=", gap, fact(v.excess) - N**N * fact(root), cofactor)
    steps += [split(">=", gap.node, P.node, [roots], [step(">=", gap, above + N * fact(-P))])]
    then, given = [nonnegative(v.excess), nonnegative(gap)], [*v.given, is_zero(root)]
    s = setting.statement(f"{NAME}.lower_bound", (*v.variables, P), then, given)
    return Claim(s, tuple(steps), v.witness(p=1), sizes(v.net))


# -- equality ------------------------------------------------------------------------------------------------------------


def equality(depth: int) -> Claim:
    """Equality gives |B_i|^2 A_i^T A_i = |A_i|^2 B_i B_i^T and equal summands (depth 2 and 3)."""
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
    visible = v.visible
    steps, half = [step(">", v.net.trace, _trace_by(v))], fact(v.net.trace) / 2
    pairs = ((0, 1), (1, 2))
    return [*steps, *(nothing(t[i] - t[j], _regrouped(visible, i, j) + parts - fact(v.excess), half) for i, j in pairs)]


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


# -- the explicit flattest point -----------------------------------------------------------------------------------------


def attained(depth: int) -> Claim:
    r"""Y = U R^2 V^T and W_1 = a_1 Q_1 R V^T G, W_i = a_i Q_i Q_{i-1}^T, W_N = a_N U R Q_{N-1}^T: P X = Y and Tr H = N T.

    U, V, Q_i have orthonormal columns, V^T G X = V^T, prod a_i = 1, and each summand is T: with tr R^2 = s these are
    T = s |X|^2 (a_2 ... a_N)^2, T = s^2 (prod_{j != i} a_j)^2 and T = s d_N (a_1 ... a_{N-1})^2.
    """
    net = Network(widths_of(depth))
    a = [scalar(f"a{i}") for i in net.index]
    frames, R, G, rules, given = _frames(net)
    U, V, Q = frames[0], frames[1], frames[2:]
    last = a[-1] * U * R * Q[-1].T
    inner = [a[i] * Q[i] * Q[i - 1].T for i in range(1, depth - 1)]
    layers = [a[0] * Q[0] * R * V.T * G, *inner, last]
    change = {W.node: x.node for W, x in zip(net.W, layers, strict=True)}

    def placed(x: Term) -> Term:
        return Term(dag.substitute([x.node], change)[0])

    s, X2, d = trace(R * R), norm2(net.X), number(net.widths[-1])
    shares = _shares(a, s, X2, d)
    facts = [product(a) - 1, *(x - T for x in shares)]
    fit, whole = placed(net.fitted) - U * R * R * V.T, placed(net.trace) - depth * T
    steps = [vanish(fit, _difference(placed(net.fitted), rules) + fact(facts[0]) * U * R * R * V.T)]
    steps += [vanish(whole, _difference(placed(net.trace), rules) + total(map(fact, facts[1:])))]
    s_ = setting.statement(
        f"{NAME}.attained", (*frames, R, G, net.X, T, *a), map(is_zero, (fit, whole)), [*given, *map(is_zero, facts)]
    )
    names = {setting.name(x): [[1]] for x in (*frames, R, G, net.X)}
    return Claim(s_, tuple(steps), {**names, "T": 1, **{f"a{i}": 1 for i in net.index}}, {**sizes(net), "r": 1})


def _frames(net: Network) -> tuple[list[Term], Term, Term, list[Rule], list[Condition]]:
    """U, V, Q_1, ..., Q_{N-1}; R; G; the rules and the hypotheses about them."""
    U, V = letter("U", net.widths[-1], "r"), letter("V", net.n, "r")
    frames = [U, V, *(letter(f"Q{i}", net.widths[i], "r") for i in net.hidden)]
    R, G = Term(dag.var("R", ("r", "r"), symmetric=True)), letter("G", net.n, net.widths[0])
    units = [x.T * x - eye("r") for x in frames]
    inverse = V.T * G * net.X - V.T
    rules = [rule([x.T.node, x.node], dag.eye("r"), u.node) for x, u in zip(frames, units, strict=True)]
    rules.append(rule([V.T.node, G.node, net.X.node], V.T.node, inverse.node))
    turned = rule([net.X.T.node, G.T.node, V.node], V.node, inverse.T.node)
    rules.append(Rule(turned.pattern, turned.value, dag.T(rules[-1].zero)))
    return frames, R, G, rules, list(map(is_zero, [*units, inverse]))


def _shares(a: Sequence[Term], s: Term, X2: Term, d: Term) -> list[Term]:
    """The summands of Tr H at the explicit point."""
    without = [product(x for j, x in enumerate(a) if j != i) ** 2 for i in range(len(a))]
    return [s * X2 * without[0], *(s * s * x for x in without[1:-1]), s * d * without[-1]]


def _difference(x: Term, rules: Sequence[Rule]) -> Term:
    return Term(rewritten(x.node, rules)[1])


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
    for x, f, q in zip(r, v.factors, roots, strict=True):
        steps += [step(">", x, fact(q) + fact(norm2(f.A)) * fact(norm2(f.B)), fact(x)), *f.attained_steps(x)]
        steps += [vanish(f.bound, fact(x - v.polar.s) * (x + v.polar.s) - fact(q))]
    steps += [vanish(v.excess, _excess_by(v))]
    return Z, r, steps, given, {f"r{i}": 1 for i in net.hidden}


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
    """Three balanced layers that are flattest (X = I): |B_1|^2 G^2 = |A_1|^2 G for G = W_1 W_1^T, a multiple of a projection."""
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
    yield from (f(n) for f in (velocity, projection, lower_bound, attained, stationary, global_minimum) for n in (2, 3, 4))
    yield from map(equality, (2, 3))
    yield balanced()
