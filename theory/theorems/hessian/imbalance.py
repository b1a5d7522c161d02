r"""Two layers of any widths: what label noise does to the imbalance, step by step and in the limit flow.

Setting: \(L = \tfrac12 |W_2 W_1 X - Y|^2\), \(D = W_2^T W_2 - W_1 W_1^T\), one step of size eta on labels Y + R with residual
E = P X - Y - R and F = E X^T; the limit flow is \(V = -\tfrac c4 P_T \nabla \operatorname{Tr} H\), P_T the projection on the
tangent space of the valley. From (b) on X = I, so \(\operatorname{Tr} H = d_2 |W_1|^2 + d_0 |W_2|^2\).

Hypotheses: (a) none. (b) P = Y before the step; R independent of mean 0 and variance s. (c) Z with
\(W_2 W_2^T Z + Z W_1^T W_1 = 2 (d_0 + d_2) P\), which exists where J is onto. (d) moreover d_0 = d_2 = d.

Conclusion:
(a) \(D^+ = D + \eta^2 (W_1 F^T F W_1^T - W_2^T F F^T W_2)\), for every residual and every step.
(b) \(E[D^+] = D + \eta^2 s\, (d_2 W_1 W_1^T - d_0 W_2^T W_2)\); with d_0 = d_2 = d this is \((1 - d \eta^2 s) D\).
(c) \(V_1 = -\tfrac c4 (2 d_2 W_1 - W_2^T Z)\), \(V_2 = -\tfrac c4 (2 d_0 W_2 - Z W_1^T)\): V is tangent, c <grad Tr H, U> =
-4 <V, U> for every tangent U, c d/dt Tr H = -4 |V|^2, and \(D' = c\,(d_2 W_1 W_1^T - d_0 W_2^T W_2)\).
(d) \(D' = -c d D\), so \(D(t) = e^{-cdt} D(0)\). Where D = 0, for any d_0 and d_2, Tr H = (d_0 + d_2) Tr K with K = W_1^T W_1,
K^2 = P^T P: (d_0 + d_2) |P|_*, which for P != 0 is the least value 2 (d_0 d_2)^{1/2} |P|_* iff d_0 = d_2.

Form: identities; exact conditional mean; exact solution of the limit flow.

Scope of proof: all widths for (a), (c), (d) and for (b) before the mean; the mean at widths (1,1,1), (1,2,1), (1,1,2), (2,1,2),
(2,2,2), its two quadratic moments for R up to 3 x 3. In words: the solution of D' = -c d D, and that Tr K is the nuclear norm.

Why: the gradient of <Z, P> is (W_2^T Z, Z W_1^T), which conserves D, so the multiplier Z drops out of D'.

Sharpness: for d_0 != d_2 balanced weights are not stationary: widths (1,1,2) at w_1^2 = |w_2|^2 have D' = c w_1^2. (b) needs
X = I and a point of the valley.

Source: own derivation, for the noise of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from typing import Any

from sympy import Rational

from theory.dag import Dim
from theory.statement import Statement
from theory.terms import Term, dot, fact, step, term, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian import setting
from theory.theorems.hessian.setting import (
    SOURCE,
    Network,
    eye,
    identities,
    is_zero,
    letter,
    mean,
    norm2,
    number,
    positive,
    scalar,
    square,
    total,
    vanish,
    widths_of,
)

NAME = "hessian.imbalance"
ETA, S, C = scalar("eta"), scalar("s"), scalar("c")
GENERAL = widths_of(2)
EQUAL: tuple[Dim, ...] = ("d0", "d1", "d0")
MEANS: tuple[tuple[int, ...], ...] = ((1, 1, 1), (1, 2, 1), (1, 1, 2), (2, 1, 2), (2, 2, 2))


def moved(net: Network, R: Term) -> Term:
    """D^+ - D after one step on the labels Y + R."""
    loss = norm2(net.residual - R) / 2
    after = [w - ETA * g for w, g in zip(net.W, net.gradient(loss), strict=True)]
    return net.imbalance(1, after) - net.imbalance(1)


def swing(net: Network, F: Term) -> Term:
    """W_1 F^T F W_1^T - W_2^T F F^T W_2."""
    W1, W2 = net.W
    return W1 * F.T * F * W1.T - W2.T * F * F.T * W2


def any_step() -> Claim:
    net = Network(GENERAL)
    R = net.output("R")
    gap = moved(net, R) - ETA * ETA * swing(net, (net.residual - R) * net.X.T)
    return identities(f"{NAME}.any_step", (*net.W, *net.data, R, ETA), [gap])


def from_the_valley() -> Claim:
    """X = I, P = Y: D^+ - D = eta^2 (W_1 R^T R W_1^T - W_2^T R R^T W_2)."""
    net = Network(GENERAL, white=True)
    R, E, (W1, W2) = net.output("R"), net.residual, net.W
    gap = moved(net, R) - ETA * ETA * swing(net, R)
    low, high = fact(E).T * (E - R) - R.T * fact(E), fact(E) * (E - R).T - R * fact(E).T
    by = ETA * ETA * (W1 * low * W1.T - W2.T * high * W2)
    s = setting.statement(f"{NAME}.from_the_valley", (*net.W, net.Y, R, ETA), [is_zero(gap)], [is_zero(E)])
    return Claim(s, (vanish(gap, by),), point(GENERAL, "Y", R=[[1]], eta=1), dict.fromkeys(("d0", "d1", "d2"), 1))


def point(widths: Sequence[Dim], *names: str, **more: Any) -> dict[str, Any]:
    """All entries of the layers one; Y = P."""
    d = [int(x) if isinstance(x, int) else 1 for x in widths]
    layers = {f"W{i}": [[1] * d[i - 1]] * d[i] for i in range(1, len(d))}
    fitted = {"Y": [[prod(d[1:-1])] * d[0]] * d[-1]}
    return {**layers, **{k: fitted[k] for k in names}, **more}


def target(net: Network, a: Any = 1, b: Any = 1) -> Term:
    """a d_2 W_1 W_1^T - b d_0 W_2^T W_2."""
    W1, W2 = net.W
    return term(a) * number(net.widths[2]) * W1 * W1.T - term(b) * number(net.widths[0]) * W2.T * W2


def expected(net: Network) -> Term:
    """E[D^+] - D."""
    R = net.output("R")
    return mean(moved(net, R), R, 1, 0, S)


def conditional_mean(widths: tuple[int, ...]) -> Claim:
    net = Network(widths, white=True)
    (W1, W2), E = net.W, net.residual
    gap = expected(net) - ETA * ETA * S * target(net)
    by = ETA * ETA * (W1 * fact(E).T * E * W1.T - W2.T * fact(E) * E.T * W2)
    names = (*net.W, net.Y, net.output("R"), ETA, S)
    s = setting.statement(f"{NAME}.conditional_mean", names, [is_zero(gap)], [is_zero(E)])
    still = [[0] * widths[0]] * widths[2]
    return Claim(s, (vanish(gap, by),), point(widths, "Y", R=still, eta=1, s=1))


def quadratic_moments(rows: int, cols: int) -> Claim:
    """E[R^T R] = s d_2 I and E[R R^T] = s d_0 I."""
    R = letter("R", rows, cols)
    gaps = [mean(R.T * R, R, 1, 0, S) - rows * S * eye(cols), mean(R * R.T, R, 1, 0, S) - cols * S * eye(rows)]
    return identities(f"{NAME}.quadratic_moments", (R, S), gaps)


# -- the limit flow ------------------------------------------------------------------------------------------------------


def multiplier(net: Network, Z: Term) -> Term:
    """W_2 W_2^T Z + Z W_1^T W_1 - 2 (d_0 + d_2) P."""
    W1, W2 = net.W
    return W2 * W2.T * Z + Z * W1.T * W1 - 2 * (number(net.widths[0]) + number(net.widths[2])) * W2 * W1


def velocity(net: Network, Z: Term) -> tuple[Term, Term]:
    W1, W2 = net.W
    d0, d2 = number(net.widths[0]), number(net.widths[2])
    return -C / 4 * (2 * d2 * W1 - W2.T * Z), -C / 4 * (2 * d0 * W2 - Z * W1.T)


def flow() -> Claim:
    """V is tangent and -(c/4) times the projected gradient of the trace; what it does to D and to Tr H."""
    net = Network(GENERAL, white=True)
    Z, U, W = net.output("Z"), net.letters("U"), net.W
    V, known = velocity(net, Z), fact(multiplier(net, Z))
    slopes = net.gradient(net.trace)
    across = C * total(map(dot, slopes, U)) + 4 * total(map(dot, V, U)) - C * dot(Z, net.J(U))
    tangent, falling = net.J(V), C * net.along(net.trace, V) + 4 * total(map(norm2, V))
    steps = (
        vanish(tangent, C / 4 * known),
        vanish(across),
        vanish(falling, C * dot(Z, fact(tangent))),
        step(">=", -net.along(net.trace, V), total(map(square, V)) * 4 - fact(falling), fact(C)),
        vanish(net.drift(1, V) - C * target(net)),
    )
    then = [is_zero(Term(s.term)) if s.relation == "==" else setting.nonnegative(Term(s.term)) for s in steps]
    given = [positive(C), is_zero(multiplier(net, Z))]
    s = setting.statement(f"{NAME}.flow", (*W, *U, Z, C), then, given)
    values = {"W1": [[1]], "W2": [[1]], "U1": [[1]], "U2": [[1]], "Z": [[2]], "c": 1}
    return Claim(s, steps, values, dict.fromkeys(("d0", "d1", "d2"), 1))


def decay() -> Claim:
    """d_0 = d_2: D' = -c d D along V, whatever Z; one step decays D by (1 - d eta^2 s) in the mean."""
    net = Network(EQUAL, white=True)
    Z = net.output("Z")
    d = number("d0")
    gaps = [net.drift(1, velocity(net, Z)) + C * d * net.imbalance(1), target(net) + d * net.imbalance(1)]
    return identities(f"{NAME}.decay", (*net.W, Z, C), gaps)


def balanced_value() -> Claim:
    """D = 0: K = W_1^T W_1 has K^2 = P^T P, and Tr H = (d_0 + d_2) Tr K."""
    net = Network(GENERAL, white=True)
    W1, D = net.W[0], net.imbalance(1)
    K, P = W1.T * W1, net.fitted
    gaps = [K * K - P.T * P, net.trace - (number("d0") + number("d2")) * trace(K)]
    known = fact(D)
    steps = (vanish(gaps[0], -W1.T * known * W1), vanish(gaps[1], number("d0") * trace(known)))
    s = setting.statement(f"{NAME}.balanced_value", net.W, map(is_zero, gaps), [is_zero(D)])
    return Claim(s, steps, point(GENERAL), dict.fromkeys(("d0", "d1", "d2"), 1))


def claims() -> Iterator[Claim]:
    yield from (any_step(), from_the_valley())
    yield from (quadratic_moments(*s) for s in ((1, 1), (2, 2), (2, 3), (3, 3)))
    yield from map(conditional_mean, MEANS)
    yield from (flow(), decay(), balanced_value())


# -- limits --------------------------------------------------------------------------------------------------------------


def balanced_rests() -> Statement:
    """D = 0 implies D' = 0, at widths (1, 1, 2)."""
    net = Network((1, 1, 2), white=True)
    Z = net.output("Z")
    given = [is_zero(multiplier(net, Z)), is_zero(net.imbalance(1)), positive(C)]
    then = [is_zero(net.drift(1, velocity(net, Z)))]
    return setting.statement(f"{NAME}: balanced layers rest where d0 differs from d2", (*net.W, Z, C), then, given)


def off_the_valley() -> Statement:
    net = Network((1, 1, 1), white=True)
    gap = expected(net) - ETA * ETA * S * target(net)
    names = (*net.W, net.Y, net.output("R"), ETA, S)
    return setting.statement(f"{NAME}: the mean off the valley", names, [is_zero(gap)])


def other_data() -> Statement:
    net = Network((1, 1, 1), 1)
    gap = expected(net) - ETA * ETA * S * target(net)
    names = (*net.W, *net.data, net.output("R"), ETA, S)
    return setting.statement(f"{NAME}: the mean where X is not I", names, [is_zero(gap)], [is_zero(net.residual)])


def sharpness() -> Iterator[Counterexample]:
    at = {"W1": [[1]], "W2": [[1], [0]], "Z": [[3], [0]], "c": 1}
    yield Counterexample("d_0 = d_2, for balanced layers to rest", balanced_rests(), at)
    one = {"W1": [[1]], "W2": [[2]], "R": [[0]], "eta": 1, "s": 1}
    yield Counterexample("P = Y before the step", off_the_valley(), {**one, "Y": [[0]]})
    yield Counterexample("X = I, for the mean", other_data(), {**one, "X": [[2]], "Y": [[4]]})


def variants() -> Iterator[Statement]:
    net = Network((2, 1, 1), white=True)
    names, given = (*net.W, net.Y, net.output("R"), ETA, S), [is_zero(net.residual)]
    wrong = {
        "the widths exchanged": (Rational(1, 2), 2),
        "the widths left out": (1, Rational(1, 2)),
        "half the rate": (Rational(1, 2), Rational(1, 2)),
        "the opposite sign": (-1, -1),
        "the sum": (1, -1),
    }
    for words, weights in wrong.items():
        gap = expected(net) - ETA * ETA * S * target(net, *weights)
        yield setting.statement(f"{NAME}: {words}", names, [is_zero(gap)], given)
    first = expected(net) - ETA * S * target(net)
    yield setting.statement(f"{NAME}: first order in the step", names, [is_zero(first)], given)
    general = Network((2, 2, 2), 1)
    R = general.output("R")
    F = (general.residual - R) * general.X.T
    flipped = moved(general, R) - ETA * ETA * swing(general, F.T)
    yield setting.statement(f"{NAME}: F transposed", (*general.W, *general.data, R, ETA), [is_zero(flipped)])
    plain = Network((2, 1, 2), white=True)
    Z = plain.output("Z")
    given = [positive(C), is_zero(multiplier(plain, Z))]
    for words, x in (("twice the decay", 4), ("half the decay", 1)):
        gap = plain.drift(1, velocity(plain, Z)) + x * C * plain.imbalance(1)
        yield setting.statement(f"{NAME}: {words}", (*plain.W, Z, C), [is_zero(gap)], given)
    strict = setting.positive(-plain.along(plain.trace, velocity(plain, Z)))
    yield setting.statement(f"{NAME}: the trace falls strictly", (*plain.W, Z, C), [strict], given)
    yield from (balanced_rests(), off_the_valley(), other_data())


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, 3)
    R = net.output("R")
    gap = moved(net, R) - ETA * ETA * swing(net, (net.residual - R) * net.X.T)
    return net, setting.statement(f"{NAME}.any_step", (*net.W, *net.data, R, ETA), [is_zero(gap)])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, data, label noise and step size: the identity of (a)."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw, net.Y, net.output("R")) | {"eta": draw.scalar()})


NOTE = (
    "Where SGD decreases the trace it need not balance the layers. It does for two layers if d_0 = d_2 and X = I: then the "
    "limit flow of label noise makes the imbalance decay exactly. With d_0 != d_2 balanced layers move away: widths (1, 1, 2), "
    "w_1 = 1, w_2 = (1, 0) has D = 0 and D' = c."
)

THEOREM = Theorem(
    name=NAME,
    sheet="H10",
    title="Label noise and the imbalance of two layers",
    form="identity; exact conditional mean; exact solution of the limit flow",
    source=f"own derivation, for the noise of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 2)),
    supported_at=((16, 20, 12), (20, 20, 20)),
    note=NOTE,
)
