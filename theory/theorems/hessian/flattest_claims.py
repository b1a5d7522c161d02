r"""Claims about the flattest points of the valley: velocity of the imbalance, lower bound, explicit points.

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
from theory.terms import Term, dot, fact, step, term, trace
from theory.theorem import Claim
from theory.theorems.alignment.rewriting import Rule, rewritten, rule
from theory.theorems.hessian import setting
from theory.theorems.hessian.nuclear import Factors, Polar, product
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
    variables, given = (*frames, R, G, net.X, T, *a), [*given, *map(is_zero, facts)]
    statement = setting.statement(f"{NAME}.attained.depth_{depth}", variables, map(is_zero, (fit, whole)), given)
    names = {setting.name(x): [[1]] for x in (*frames, R, G, net.X)}
    return Claim(statement, tuple(steps), {**names, "T": 1, **{f"a{i}": 1 for i in net.index}}, {**sizes(net), "r": 1})


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


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (velocity, projection, lower_bound, attained) for n in (2, 3, 4))
