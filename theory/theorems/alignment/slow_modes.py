r"""Modes that do not converge linearly: a product of the wrong sign, zeros, a target zero.

Setting: one mode, numbers \(\sigma_1, \dots, \sigma_N\) with product \(\pi\), data s, c, one step of gradient descent.

Hypotheses: none beyond the setting; each conclusion names its own.

Conclusion: each hypothesis of the linear rate is needed.
(a) N = 2, \(\sigma_1 + \sigma_2 = 0\): it stays so, for every step; the product stays \(\le 0\), so it never reaches a target
> 0.
(b) N >= 3 with two zeros (N = 2: both zero): no number moves, whatever the data.
(c) c = 0, N = 2, equal numbers, \(\eta s \pi \le 1/4\): \(\pi^+ > (1 - 2 \eta s \pi) \pi\) and \(1/\pi < 1/\pi^+ - 2\eta
s\), \(1/\pi^+ < 1/\pi + 4 \eta s\): \(\pi(t)\) falls like 1/t, so no linear rate holds.

Form: counterexamples, with the inequalities behind them.

Scope of proof: (a) for all numbers; (b) N = 2 to 5; (c) for all numbers, in products without quotients.

Why: (a) the step multiplies \(\sigma_1 + \sigma_2\) by \(1 + \eta (c - s\pi)\); (c) \(\pi^+ = \pi (1 - \eta s \pi)^2\).

Sharpness: (c) needs c = 0: with c > 0 there is a linear rate; (b) needs two zeros: one zero moves.

Source: own derivation, for the network of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import Mul, Rational, symbols

from theory.certificates import prove
from theory.expressions import known
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.modes import ETA, C, S, stepped
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.slow_modes"
X, Y = PAIR = symbols("x y")
P = symbols("p")
AFTER = stepped(PAIR, C - S * X * Y)


def opposite() -> Claim:
    """x + y = 0: it stays so, and the product is at most 0."""
    total = sum(AFTER)
    by = known(X + Y) * (1 + ETA * (C - S * X * Y))
    s = Statement(f"{NAME}.opposite", (*PAIR, S, C, ETA), (equal(X + Y),), (equal(total), at_least(-Mul(*AFTER))))
    u, v = AFTER
    steps = (prove("==", total, by), prove(">=", -u * v, u**2 - u * known(total)))
    return Claim(s, steps, {"x": 1, "y": -1, "s": 1, "c": 1, "eta": "1/10"})


def stuck(depth: int) -> Claim:
    """sigma_1 = sigma_2 = 0: nothing moves."""
    sigma = symbols(f"sigma1:{depth + 1}")
    moves = [y - x for x, y in zip(sigma, stepped(sigma, C - S * Mul(*sigma)), strict=True)]
    swap = {sigma[0]: known(sigma[0]), sigma[1]: known(sigma[1])}
    zeros = tuple(map(equal, sigma[:2]))
    s = Statement(f"{NAME}.stuck_{depth}", (*sigma, S, C, ETA), zeros, tuple(map(equal, moves)))
    point = {str(v): int(i > 1) for i, v in enumerate(sigma)} | {"s": 1, "c": 1, "eta": 1}
    return Claim(s, tuple(prove("==", m, m.xreplace(swap)) for m in moves), point)


def sublinear() -> Claim:
    """c = 0, equal numbers, p = pi > 0, 4 eta s p <= 1: p+ = p (1 - eta s p)^2 falls like 1/t."""
    v, p = ETA * S, known(P)
    after = P * (1 - v * P) ** 2
    h, g = known(ETA) * known(S), known(1 - 4 * v * P)
    x = h * p
    slow = after - (1 - 2 * v * P) * P
    least = after * (1 + 4 * v * P) - P
    most = P - after * (1 + 2 * v * P)
    steps = (
        prove(">", slow, x**2 * p),
        prove(">", least, p * x * (Rational(1, 4) + Rational(7, 4) * g + 4 * x**2)),
        prove(">", most, p * x**2 * (Rational(5, 2) + Rational(1, 2) * g)),
    )
    given = (greater(P), greater(S), greater(ETA), at_least(1 - 4 * v * P))
    s = Statement(f"{NAME}.sublinear", (P, S, ETA), given, tuple(map(greater, (slow, least, most))))
    return Claim(s, steps, {"p": "1/4", "s": 1, "eta": "1/10"})


def claims() -> Iterator[Claim]:
    yield opposite()
    yield from map(stuck, range(2, 6))
    yield sublinear()


def _rate() -> Statement:
    """That p falls by a factor 9/10 or less when eta s = 1, however small p is."""
    after = P * (1 - ETA * S * P) ** 2
    given = (greater(P), greater(S), greater(ETA), at_least(1 - 4 * ETA * S * P))
    return Statement(f"{NAME}: a linear rate", (P, S, ETA), given, (at_least(P * (1 - ETA * S * Rational(1, 10)), after),))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("a positive target, for a linear rate", _rate(), {"p": "1/100", "s": 1, "eta": 1})
    one = stuck(2).statement
    free = replace(one, name=f"{NAME}: one zero", given=one.given[:1])
    yield Counterexample("two zeros", free, {"sigma1": 0, "sigma2": 1, "s": 1, "c": 1, "eta": 1})
    o = opposite().statement
    yield Counterexample(
        "opposite numbers", replace(o, name=f"{NAME}: any numbers", given=()), {"x": 1, "y": 1, "s": 1, "c": 1, "eta": 1}
    )


def variants() -> Iterator[Statement]:
    s, o = sublinear().statement, opposite().statement
    after = P * (1 - ETA * S * P) ** 2
    yield _rate()
    yield replace(s, name=f"{NAME}: falls like 1/(3t)", then=(at_least(P, after * (1 + 3 * ETA * S * P)),))
    yield replace(s, name=f"{NAME}: falls like 1/t", then=(at_least(after * (1 + ETA * S * P), P),))
    yield replace(s, name=f"{NAME}: does not fall", then=(equal(after, P),))
    yield replace(o, name=f"{NAME}: a saddle attracts everything", given=())
    yield replace(o, name=f"{NAME}: the numbers stay", then=(equal(AFTER[0], X),))
    yield replace(o, name=f"{NAME}: equal numbers", given=(equal(X - Y),))
    yield replace(stuck(3).statement, name=f"{NAME}: one zero of three", given=(equal(symbols("sigma1")),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Opposite numbers, any data and any step."""
    values = {name: draw.scalar() for name in ("x", "s", "c", "eta")}
    return Instance(opposite().statement, values | {"y": draw.value(-X, values)})


THEOREM = Theorem(
    name=NAME,
    sheet="CONV-4",
    title="Modes without a linear rate: wrong signs, zeros, a target zero",
    form="counterexamples, with the inequalities behind them",
    source=f"own derivation, for the network of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1),),
    supported_at=((1, 1, 1),),
    note="'Explicit learning rate, linear convergence': for c = 0 and depth >= 2 it is sublinear, whatever the step.",
)
