r"""A chain of N scalars: what label noise does to the squares of the weights, exactly.

Setting: loss 1/2 (p - y)^2 with p = w_1 ... w_N; p_i = p / w_i and p_ij = p / (w_i w_j) as products; D_ij = w_i^2 - w_j^2; one
step with the residual r = p - y - delta and learning rate eta; on the valley p = y the Hessian is H = g g^T with g = (p_1, ...,
p_N), Tr H = S = sum p_i^2.

Hypotheses: none for the step. For the drift: on the valley, all w_i != 0 (then y != 0); noise covariance Sigma = c H.

Conclusion:
1. \(D_{ij}^+ = D_{ij} (1 - \eta^2 r^2 p_{ij}^2)\); with label noise of variance sigma^2, from the valley, E D_ij^+ = D_ij (1 -
   eta^2 sigma^2 p_ij^2).
2. The effective flow is \(\dot w_i = \tfrac{c}{2 w_i} (p_i^2 - \sum_k p_k^4 / S) = -\tfrac c4 (P_T \nabla S)_i\), so
   \(\dot D_{ij} = -c\, p_{ij}^2 D_{ij}\): the order of the w_i^2 is kept.
3. With \(S_k = \sum_i w_i^{-k}\): \(\tfrac{d}{dt} \mathrm{Tr} H = -c\, y^4 (S_6 - S_4^2 / S_2) \le 0\), and zero iff all
   |w_i| are equal.

Form: identities; inequality with its equality case.

Scope of proof: N = 2, 3, 4, 5, all real values. The limit of gradient flow is \(\Phi_i^2 = w_i^2 + \tau\) with
\(\prod_i (w_i^2 + \tau) = y^2\); the claims differentiate this along w + e g: tau = tau_1 e + tau_2 e^2 + ..., Phi = w + a e
+ b e^2 + ..., and the drift of Sigma = c g g^T is c b. Larger N: instances (N = 20). The mean of a step: N = 2, 3, 4.

Why: tau_1 = -2 p takes the step back (a = 0), and tau_2 = -sum p_k^4 / S keeps the product; the rate of the trace is a sum of
squares over pairs (Lagrange's identity).

Sharpness: w_i != 0: at w = (0, 1, 1) the equations leave b_1 free. On the valley: from w = (1, 2, 1), y = 0 the mean of a
step is another.

Source: own derivation, in the setting of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

from theory import dag
from theory.certificates import Step, vanishes
from theory.statement import Condition, Statement
from theory.terms import Term, fact, step
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import Coordinates, Y, dot, numbered, product, scalars
from theory.theorems.hessian.setting import identities, is_zero, mean, nonnegative, positive, statement, total

NAME = "hessian.scalar_chain"
ETA, NOISE, VARIANCE, E, TAU1, TAU2 = scalars("eta delta s e tau1 tau2")
DEPTHS = (2, 3, 4, 5)


@dataclass(frozen=True)
class Chain:
    """The chain of N scalars, and the coefficients of its limit under gradient flow."""

    depth: int

    @cached_property
    def w(self) -> tuple[Term, ...]:
        return numbered("w", self.depth)

    @cached_property
    def a(self) -> tuple[Term, ...]:
        return numbered("a", self.depth)

    @cached_property
    def b(self) -> tuple[Term, ...]:
        return numbered("b", self.depth)

    @property
    def index(self) -> range:
        return range(self.depth)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(combinations(self.index, 2))

    def others(self, *left_out: int) -> Term:
        """The product of all but these."""
        return product([x for k, x in enumerate(self.w) if k not in left_out])

    @cached_property
    def g(self) -> list[Term]:
        """p_1, ..., p_N."""
        return [self.others(i) for i in self.index]

    @cached_property
    def net(self) -> Coordinates:
        return Coordinates(self.w, (product(self.w) - Y) ** 2 / 2)

    def power(self, k: int) -> Term:
        """sum_i p_i^k."""
        return total([x**k for x in self.g])

    def D(self, i: int, j: int, w: Sequence[Term] | None = None) -> Term:
        x = self.w if w is None else w
        return x[i] ** 2 - x[j] ** 2

    # -- a step

    @property
    def r(self) -> Term:
        return product(self.w) - Y - NOISE

    @cached_property
    def after(self) -> list[Term]:
        return self.net.step(self.r**2 / 2, ETA)

    def stepped(self, i: int, j: int) -> Term:
        return self.D(i, j, self.after) - self.D(i, j) * (1 - (ETA * self.r * self.others(i, j)) ** 2)

    def averaged(self, i: int, j: int, factor: Any = 1) -> Term:
        shrunk: Term = self.D(i, j) * (1 - factor * VARIANCE * (ETA * self.others(i, j)) ** 2)
        return mean(self.D(i, j, self.after), NOISE, 1, 0, VARIANCE) - shrunk

    # -- the limit of gradient flow along w + e g

    def expanded(self) -> tuple[Term, Term]:
        """The first and second coefficient in e of prod((w_i + e g_i)^2 + tau_1 e + tau_2 e^2)."""
        F = product([(w + E * g) ** 2 + TAU1 * E + TAU2 * E**2 for w, g in zip(self.w, self.g, strict=True)])
        once = dag.gradient(F.node, E.node)
        one, two = dag.substitute([once, dag.gradient(once, E.node)], {E.node: dag.num(0)})
        return Term(one), Term(two) / 2

    @property
    def first(self) -> list[Term]:
        """The first coefficients of Phi_i^2 - (w_i + e g_i)^2 - tau."""
        return [2 * w * a - 2 * w * g - TAU1 for w, a, g in zip(self.w, self.a, self.g, strict=True)]

    @property
    def second(self) -> list[Term]:
        return [2 * w * b + a**2 - g**2 - TAU2 for w, a, b, g in zip(self.w, self.a, self.b, self.g, strict=True)]

    @property
    def taus(self) -> tuple[Term, Term]:
        """tau_1 + 2 p and S tau_2 + sum p_i^4: zeros."""
        return TAU1 + 2 * product(self.w), self.power(2) * TAU2 + self.power(4)

    @property
    def bends(self) -> list[Term]:
        """2 w_i b_i - p_i^2 - tau_2: zeros, as a_i = 0."""
        return [2 * w * b - g**2 - TAU2 for w, b, g in zip(self.w, self.b, self.g, strict=True)]

    @cached_property
    def slope(self) -> list[Term]:
        """The gradient of the trace S."""
        return self.net.gradient(self.power(2))

    @property
    def drifts(self) -> list[Term]:
        """4 S b + S grad S - g <g, grad S>: zeros, as b = -1/4 P_T grad S."""
        S, along = self.power(2), dot(self.g, self.slope)
        return [4 * S * b + S * d - g * along for b, d, g in zip(self.b, self.slope, self.g, strict=True)]

    @property
    def rates(self) -> list[Term]:
        """2 w_i b_i - 2 w_j b_j + p_ij^2 D_ij."""
        w, b = self.w, self.b
        return [2 * w[i] * b[i] - 2 * w[j] * b[j] + self.others(i, j) ** 2 * self.D(i, j) for i, j in self.pairs]

    @property
    def trace_rate(self) -> Term:
        """p^2 S <grad S, b> + S sum p_i^6 - (sum p_i^4)^2, where sum p_i^k = p^k S_k."""
        S = self.power(2)
        return product(self.w) ** 2 * S * dot(self.slope, self.b) + self.gap

    @property
    def gap(self) -> Term:
        """S sum p_i^6 - (sum p_i^4)^2, which is the sum of `squares`."""
        return self.power(2) * self.power(6) - self.power(4) ** 2

    @property
    def squares(self) -> dict[tuple[int, int], Term]:
        g = self.g
        return {(i, j): (g[i] * g[j] * (g[i] ** 2 - g[j] ** 2)) ** 2 for i, j in self.pairs}

    @property
    def variables(self) -> tuple[Term, ...]:
        return (*self.w, *self.a, *self.b, TAU1, TAU2)

    @property
    def given(self) -> tuple[Condition, ...]:
        zeros = (*self.expanded(), *self.first, *self.second)
        return (*map(is_zero, zeros), *(positive(w**2) for w in self.w))


# -- claims -------------------------------------------------------------------------------------------------------------


def one_step(depth: int) -> Claim:
    f = Chain(depth)
    return identities(f"{NAME}.step", (*f.w, Y, NOISE, ETA), [f.stepped(i, j) for i, j in f.pairs])


def averages(f: Chain) -> Statement:
    variables, off = (*f.w, Y, NOISE, ETA, VARIANCE), product(f.w) - Y
    return statement(f"{NAME}.label_noise", variables, [is_zero(f.averaged(i, j)) for i, j in f.pairs], [is_zero(off)])


def label_noise(depth: int) -> Claim:
    """E r^2 = sigma^2 + (p - y)^2, and the last is zero."""
    f = Chain(depth)
    off, s = product(f.w) - Y, averages(f)
    steps = [step("==", f.averaged(i, j), -f.D(i, j) * (ETA * f.others(i, j)) ** 2 * off * fact(off)) for i, j in f.pairs]
    values = {str(x.node.data[0]): 1 for x in (*f.w, Y, ETA, VARIANCE)} | {"delta": 0}
    return Claim(s, tuple(steps), values)


def drift_steps(f: Chain) -> Iterator[Step]:
    """S (tau_1 + 2 p) is the first coefficient; then a = 0, then tau_2, then b."""
    one, two = map(fact, f.expanded())
    yield step("==", f.taus[0], one, _size(f))
    shift, left = fact(f.taus[0]), total(f.others(i, j) ** 2 for i, j in f.pairs)
    yield step("==", f.taus[1], two - left * (2 * product(f.w) + TAU1) * shift)
    for i, (w, a) in enumerate(zip(f.w, f.a, strict=True)):
        yield step("==", a, w * (fact(f.first[i]) + shift) / 2, fact(w**2))
        yield step("==", f.bends[i], fact(f.second[i]) - a * fact(a))


def _size(f: Chain) -> Term:
    """S, visibly positive."""
    return total(product([fact(w**2) for k, w in enumerate(f.w) if k != i]) for i in f.index)


def drift(depth: int) -> Claim:
    f = Chain(depth)
    S, bends, tau2 = f.power(2), [fact(x) for x in f.bends], fact(f.taus[1])
    steps = list(drift_steps(f))
    for w, x, bend in zip(f.w, f.drifts, bends, strict=True):
        steps.append(step("==", x, 2 * w * (S * bend + tau2), fact(w**2)))
    steps += [step("==", x, bends[i] - bends[j]) for x, (i, j) in zip(f.rates, f.pairs, strict=True)]
    moved = (S * g**2 * w * d * bend / 2 for g, w, d, bend in zip(f.g, f.w, f.slope, bends, strict=True))
    steps.append(step("==", f.trace_rate, total(moved) + (S**2 - f.power(4)) * tau2))
    return Claim(flow(f), tuple(steps), balanced(depth))


def flow(f: Chain) -> Statement:
    return statement(f"{NAME}.drift", f.variables, map(is_zero, (*f.drifts, *f.rates, f.trace_rate)), f.given)


def balanced(depth: int) -> dict[str, Any]:
    """w = (1, ..., 1): p_i = 1, tau_1 = -2, tau_2 = -1, a = b = 0."""
    zeros = {f"{x}{i}": 0 for x in "ab" for i in range(1, depth + 1)}
    return {f"w{i}": 1 for i in range(1, depth + 1)} | zeros | {"tau1": -2, "tau2": -1}


def sign(depth: int) -> Claim:
    """S sum p_i^6 - (sum p_i^4)^2 = sum over pairs of (p_i p_j (p_i^2 - p_j^2))^2; zero only if all w_i^2 are equal."""
    f = Chain(depth)
    s = statement(f"{NAME}.sign", f.w, [nonnegative(f.gap)])
    return Claim(s, (step(">=", f.gap, total(f.squares.values())),))


def equality(depth: int) -> Claim:
    """p_i p_j (p_i^2 - p_j^2) = -p_i p_j p_ij^2 D_ij."""
    f = Chain(depth)
    given = (is_zero(f.gap), *(positive(w**2) for w in f.w))
    steps = []
    for i, j in f.pairs:
        scale = product([fact(w**2) if k in (i, j) else fact(w**2) ** 4 for k, w in enumerate(f.w)])
        rest = [x for pair, x in f.squares.items() if pair != (i, j)]
        by = total([-fact(f.gap), *rest])
        steps.append(vanishes(f.D(i, j).node, by.node, scale.node))
    s = statement(f"{NAME}.equality", f.w, [is_zero(f.D(i, j)) for i, j in f.pairs], given)
    return Claim(s, tuple(steps), {f"w{i}": (-1) ** i for i in range(1, depth + 1)})


def claims() -> Iterator[Claim]:
    yield from map(one_step, DEPTHS)
    yield from map(label_noise, DEPTHS[:3])
    yield from map(drift, DEPTHS)
    yield from map(sign, DEPTHS)
    yield from map(equality, DEPTHS)


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def with_zeros() -> Statement:
    """The drift without w_i != 0, at N = 3."""
    f = Chain(3)
    s = flow(f)
    return replace(s, name=f"{NAME}: with a zero", given=s.given[: -f.depth])


def off_the_valley() -> Statement:
    return replace(averages(Chain(3)), name=f"{NAME}: off the valley", given=())


ZERO = {"w1": 0, "w2": 1, "w3": 1, "tau1": 0, "tau2": -1, "a1": 0, "a2": 0, "a3": 0, "b1": 7, "b2": "-1/2", "b3": "-1/2"}
OFF = {"w1": 1, "w2": 2, "w3": 1, "y": 0, "delta": 0, "eta": 1, "s": 1}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("w_i != 0", with_zeros(), ZERO)
    yield Counterexample("on the valley", off_the_valley(), OFF)


def variants() -> Iterator[Statement]:
    yield with_zeros()
    yield off_the_valley()
    f = Chain(3)
    (i, j), push = f.pairs[0], (ETA * f.r) ** 2
    after, D = f.D(i, j, f.after), f.D(i, j)
    wrong = {
        "without p_ij": after - D * (1 - push),
        "p_i for p_ij": after - D * (1 - push * f.g[i] ** 2),
        "p for p_ij": after - D * (1 - push * product(f.w) ** 2),
        "p_ij without its square": after - D * (1 - push * f.others(i, j)),
        "conserved": after - D,
    }
    yield from (statement(f"{NAME}: {words}", (*f.w, Y, NOISE, ETA), [is_zero(x)]) for words, x in wrong.items())
    yield replace(averages(f), name=f"{NAME}: twice the noise", then=(is_zero(f.averaged(0, 1, 2)),))
    s, S = flow(f), f.power(2)
    trace = product(f.w) ** 2 * S * dot(f.slope, f.b)
    drifts = {
        "half the rate": 2 * f.rates[0] - f.others(0, 1) ** 2 * D,
        "not projected": 4 * f.b[0] + f.slope[0],
        "half the drift": 8 * S * f.b[0] + S * f.slope[0] - f.g[0] * dot(f.g, f.slope),
        "the trace without the projection": trace + S * f.power(6),
        "S_4 without its square": trace + S * f.power(6) - f.power(4) * S,
    }
    yield from (replace(s, name=f"{NAME}: {words}", then=(is_zero(x),)) for words, x in drifts.items())
    flat = equality(3).statement
    yield replace(flat, name=f"{NAME}: flattest only at equal weights", then=(is_zero(f.w[0] - f.w[1]),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A step from random weights, and the drift at them; the pairs of neighbours and those with the first weight."""
    f, env = Chain(len(widths) - 1), {}
    env = {str(x.node.data[0]): draw.scalar() for x in (*f.w, Y, NOISE, ETA)}
    env |= {f"a{i + 1}": 0 * env["w1"] for i in f.index}
    env["tau1"] = draw.value((-2 * product(f.w)).node, env)
    env["tau2"] = draw.solve(f.power(2).node, (-f.power(4)).node, env)
    env |= {
        f"b{i + 1}": draw.solve((2 * w).node, (g**2 + TAU2).node, env) for i, (w, g) in enumerate(zip(f.w, f.g, strict=True))
    }
    near = [(i, j) for i, j in f.pairs if i == 0 or j == i + 1]
    then = map(is_zero, (*(f.stepped(i, j) for i, j in near), *f.rates, f.trace_rate))
    s = statement(f"{NAME}.instance", (*f.variables, Y, NOISE, ETA), then, map(is_zero, f.taus))
    return Instance(s, env)


THEOREM = Theorem(
    name=NAME,
    sheet="H9",
    title="Chains of 2 to 5 scalars: imbalances and trace under label noise",
    form="identities; inequality with its equality case",
    source="own derivation, in the setting of arXiv:1910.00195",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1,) * 4, (1,) * 7),
    supported_at=((1,) * 4, (1,) * 21),
)
