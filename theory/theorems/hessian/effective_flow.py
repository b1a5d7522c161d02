r"""The slow motion along the valley: in what sense stochastic gradient descent decreases the trace of the Hessian.

Setting: theta^+ = theta - eta (grad L + xi), E xi = 0, Cov xi = Sigma(theta); slow time t = k eta^2 after k steps;
Phi(theta), the limit of gradient flow from theta; M, the valley of global minimisers.

Hypotheses: M regular near the path (rank J constant); Sigma continuous, with moments bounded, and supported on range H; start
in the attraction basin of M; up to the time at which a compact regular part of M is left; eta -> 0.

Conclusion: Phi(theta_k) with k = t / eta^2 converges in law to the solution of
\[ \dot\theta = \tfrac12 d^2\Phi[\Sigma(\theta)] ; \qquad \Sigma = c H: \quad \dot\theta = -\tfrac c4 \nabla_M \mathrm{Tr} H,
\quad \tfrac{d}{dt} \mathrm{Tr} H = -\tfrac 4c |\dot\theta|^2 \le 0 , \] with equality only where the velocity is zero.
Full-batch label noise of variance sigma^2 has c = sigma^2.

Form: limit in law.

Scope of proof: the limit theorem is cited, not proved. Its exact core: for label noise on two scalars and on chains of 3 and 4
scalars, from the valley, the mean change of the conserved D is eta^2 times the velocity of the limit flow, without remainder,
and the second moment of the change is eta^4 times a function of the weights: over t / eta^2 steps the fluctuations vanish
with eta^2. That the trace decreases along the limit flow: all widths, depths 2 and 3. The limit itself: ensembles at two step
sizes, extrapolated to eta = 0 and compared with the flow (experiment).

Why: fast relaxation across the valley averages the noise; along it only the second-order effect d^2 Phi survives.

Sharpness: noise along the valley moves D by order eta; without noise nothing moves, so that interpolation without label noise
keeps the trace.

Source: the limit theorem for such systems is due to Katzenberger (1991), used for label noise by Li, Wang and Arora
(arXiv:2110.06914) and Blanc et al. (arXiv:1904.09080); the claim that it makes precise is that of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from theory.certificates import vanishes
from theory.dag import Dim
from theory.statement import Statement
from theory.terms import Term, dot, fact, step, term
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import NORMAL, TANGENT, W1, W2, D, Y, product, scalars
from theory.theorems.hessian.scalar_chain import ETA, NOISE, VARIANCE, Chain
from theory.theorems.hessian.setting import (
    Network,
    eye,
    is_zero,
    letter,
    mean,
    nonnegative,
    norm2,
    positive,
    square,
    statement,
    total,
    widths_of,
)

NAME = "hessian.effective_flow"
C, THIRD, FOURTH, ALPHA, BETA = scalars("c m3 m4 alpha beta")
MOMENTS = (1, 0, VARIANCE, THIRD, FOURTH)


# -- the step, from the valley ------------------------------------------------------------------------------------------


def change(f: Chain, power: int) -> Term:
    """E (D_12^+ - D_12)^power."""
    return mean((f.D(0, 1, f.after) - f.D(0, 1)) ** power, NOISE, *MOMENTS)


def moments(depth: int) -> Claim:
    """The change is -eta^2 r^2 p_12^2 D_12, where r = delta on the valley."""
    f = Chain(depth)
    scale, off = (ETA * f.others(0, 1)) ** 2 * f.D(0, 1), product(f.w) - Y
    first, second = change(f, 1) + scale * VARIANCE, change(f, 2) - scale**2 * FOURTH
    # E r^4 = m4 - 4 m3 f + 6 m2 f^2 + f^4 with f = p - y.
    rest = off**3 + 6 * VARIANCE * off - 4 * THIRD
    steps = (step("==", first, -scale * off * fact(off)), step("==", second, scale**2 * rest * fact(off)))
    variables = (*f.w, Y, NOISE, ETA, VARIANCE, THIRD, FOURTH)
    point = {str(x.node.data[0]): 1 for x in variables} | {"delta": 0, "m3": 0}
    s = statement(f"{NAME}.moments", variables, map(is_zero, (first, second)), [is_zero(off)])
    return Claim(s, steps, point)


# -- the limit flow -----------------------------------------------------------------------------------------------------


class Flow:
    """A velocity V with J V = 0 and 4 V + c grad Tr H = J^T Q: it is -(c/4) grad_M Tr H."""

    def __init__(self, widths: Sequence[Dim], samples: Dim = "n") -> None:
        self.net = net = Network(tuple(widths), samples)
        self.Q = letter("Q", net.widths[-1], net.n)
        pairs = zip(net.V, net.gradient(net.trace), net.JT(self.Q), strict=True)
        self.normal = [4 * v + C * g - q for v, g, q in pairs]
        self.speed = total(norm2(v) for v in net.V)
        self.rate = net.along(net.trace)
        self.variables = (*net.W, net.X, *net.V, self.Q, C)

    @property
    def tangent(self) -> Term:
        return self.net.J()

    def law(self, factor: int = 4) -> Term:
        """c d/dt Tr H + 4 |V|^2."""
        return C * self.rate + factor * self.speed

    def statement(self) -> Statement:
        given = (*map(is_zero, (self.tangent, *self.normal)), positive(C))
        return statement(f"{NAME}.descends", self.variables, (is_zero(self.law()), nonnegative(-self.rate)), given)

    def by(self) -> Term:
        """<V, 4 V + c grad Tr H - J^T Q> + <Q, J V>."""
        pairs = zip(self.net.V, self.normal, strict=True)
        return total(dot(v, fact(x)) for v, x in pairs) + dot(self.Q, fact(self.tangent))

    def point(self) -> dict[str, Any]:
        """All layers 1: a minimum of the trace on the valley."""
        still = {str(v.node.data[0]): [[0]] for v in self.net.V}
        return {str(x.node.data[0]): [[1]] for x in self.variables} | still | {"Q": [[2 * self.net.depth - 2]], "c": 1}

    def squares(self) -> list[Term]:
        """|V_i|^2, visibly nonnegative."""
        return [square(v) for v in self.net.V]

    def sizes(self) -> dict[str, int]:
        return {str(d): 1 for d in (*self.net.widths, self.net.n)}


def descends(depth: int) -> Claim:
    f = Flow(widths_of(depth))
    steps = (step("==", f.law(), f.by()), step(">=", -f.rate, 4 * total(f.squares()) - fact(f.law()), fact(C)))
    return Claim(f.statement(), steps, f.point(), f.sizes())


def stands_still(depth: int) -> Claim:
    """Where the trace does not change, V = 0."""
    f = Flow(widths_of(depth))
    s, steps = f.statement(), [step("==", f.law(), f.by())]
    for i, v in enumerate(f.net.V):
        others = (4 * x for j, x in enumerate(f.squares()) if j != i)
        by = total([*others, C * fact(f.rate), -fact(f.law())])
        steps.append(vanishes(v.node, by.node, term(4).node))
    given, then = (*s.given, is_zero(f.rate)), tuple(map(is_zero, f.net.V))
    return Claim(replace(s, name=f"{NAME}.stands_still", given=given, then=then), tuple(steps), f.point(), f.sizes())


def claims() -> Iterator[Claim]:
    yield from map(moments, (2, 3, 4))
    for depth in (2, 3):
        yield descends(depth)
        yield stands_still(depth)


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def any_direction() -> Statement:
    """A step eta (alpha g + beta t) from the valley changes D by -eta^2 alpha^2 D."""
    moved = [w - ETA * (ALPHA * g + BETA * t) for w, g, t in zip((W1, W2), NORMAL, TANGENT, strict=True)]
    changed = moved[1] ** 2 - moved[0] ** 2 - D * (1 - (ETA * ALPHA) ** 2)
    return statement(f"{NAME}: noise along the valley", (W1, W2, ETA, ALPHA, BETA), [is_zero(changed)])


def without_noise() -> Statement:
    """The mean of D > 0 decreases, with or without noise."""
    f = Chain(2)
    given = [is_zero(product(f.w) - Y), positive(ETA**2), nonnegative(VARIANCE), positive(f.D(0, 1))]
    variables = (*f.w, Y, NOISE, ETA, VARIANCE, THIRD, FOURTH)
    return statement(f"{NAME}: without noise", variables, [positive(-change(f, 1))], given)


STILL = {"w1": 2, "w2": 1, "y": 2, "delta": 0, "eta": 1, "s": 0, "m3": 0, "m4": 0}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("Sigma on range H", any_direction(), {"w1": 1, "w2": 1, "eta": 1, "alpha": 0, "beta": 1})
    yield Counterexample("noise: interpolation alone keeps the trace", without_noise(), STILL)


def uphill() -> Statement:
    """4 V = c grad Tr H + J^T Q: the trace decreases."""
    f = Flow((1, 1, 1), 1)
    s = f.statement()
    turned = [is_zero(4 * v - C * g - q) for v, g, q in zip(f.net.V, f.net.gradient(f.net.trace), f.net.JT(f.Q), strict=True)]
    return replace(s, name=f"{NAME}: uphill", given=(s.given[0], *turned, s.given[-1]), then=s.then[1:])


def variants() -> Iterator[Statement]:
    yield any_direction()
    yield without_noise()
    yield uphill()
    f = Chain(2)
    s, scale = moments(2).statement, ETA**2 * f.D(0, 1)
    wrong = {
        "D is a martingale": change(f, 1),
        "half the mean": change(f, 1) + scale * VARIANCE / 2,
        "the second moment by the variance": change(f, 2) - scale**2 * VARIANCE**2,
        "the second moment of order eta^2": change(f, 2) - scale * f.D(0, 1) * FOURTH,
    }
    yield from (replace(s, name=f"{NAME}: {words}", then=(is_zero(x),)) for words, x in wrong.items())
    flow = Flow((1, 1, 1), 1)
    yield replace(flow.statement(), name=f"{NAME}: half the rate", then=(is_zero(flow.law(2)),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """One output and one datum, where J J^T is the trace itself: Q = c J grad Tr H / Tr H."""
    f = Flow(widths, 1)
    net, slope = f.net, f.net.gradient(f.net.trace)
    env = net.draw(draw) | {"c": draw.positive()}
    env["Q"] = draw.solve((net.trace * eye(1)).node, (C * net.J(slope)).node, env)
    for v, g, q in zip(net.V, slope, net.JT(f.Q), strict=True):
        env[str(v.node.data[0])] = draw.value(((q - C * g) / 4).node, env)
    return Instance(f.statement(), env)


THEOREM = Theorem(
    name=NAME,
    sheet="H6",
    title="The slow motion along the valley: the exact core of the limit",
    form="limit in law, cited; its exact core: identities, inequality",
    source="arXiv:1910.00195, arXiv:2110.06914, arXiv:1904.09080",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 1), (2, 3, 2, 1)),
    supported_at=((4, 6, 5, 1),),
    note=(
        '"SGD on average decreases the trace of the Hessian" is true for Sigma = c H on a regular valley, in the '
        "limit eta -> 0 with t = k eta^2, for the trace at the limit of gradient flow. It fails for interpolation "
        "without label noise (at w = (1, 2), data (1, 2), nothing moves), for some noise that is not a function of H "
        "(hessian.misaligned_noise), for the iterate itself (hessian.one_step_expectation), for large eta "
        "(hessian.two_scalars) and with noise along the valley (hessian.isotropic_noise). Flat minima need not be balanced: "
        "that holds, on X = I, of some points of least sharpness, and at depth 2 with as many outputs as inputs for the "
        "trace and, if P is invertible, the determinant (proved for one or two outputs). Otherwise not: for W_2 W_1 = e_1 "
        "at widths (1, 1, 4) the balanced network has trace 5, and one with W_1^2 = 9/16 has "
        "145/36 (hessian.flattest)."
    ),
)
