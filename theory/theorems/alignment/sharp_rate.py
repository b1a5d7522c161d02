r"""The bound on the step size of a balanced mode is sharp, and so is its rate.

Setting: N equal numbers b > 0, s > 0, target a = q^N (q > 0), one step \(b^+ = b + \eta s (q^N - b^N)\, b^{N-1}\).

Hypotheses: none beyond the setting, \(\eta > 0\).

Conclusion: 'no overshoot, \(b^+ \le q\), for every 0 < b < q' if and only if \(\eta \le 1 / (N s\, q^{2N-2})\). The
multiplier of the step at the minimum is \(1 - \eta N s\, q^{2N-2}\): steps above \(2 / (N s\, q^{2N-2})\) are repelled by it.

Form: iff.

Scope of proof: N = 1 to 5. Necessary: where \(N \eta s q^{2N-2} > 1\) (N >= 2), b = q - t with the t of
\(3 N (N-1) \eta s q^{2N-3} t = N \eta s q^{2N-2} - 1\) overshoots. Repelled: \(|b^+ - q| > |b - q|\) wherever
\(\eta s b^{N-1} \sum_i q^i b^{N-1-i} > 2\), which near b = q is the condition.

Why: \(q - b^+ = (q - b) (1 - \eta s b^{N-1} \sum_i q^i b^{N-1-i})\).

Sharpness: N = 2, s = c = 1, \(\eta = 3/5\): from 9/10 to 5013/5000 > 1.

Source: own derivation, for the network of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from theory.certificates import prove
from theory.expressions import known
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.modes import ETA, Balanced, Q, S
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.sharp_rate"
B, DROP = Balanced.b, Symbol("t")


def multiplier(depth: int) -> Expr:
    """1 - eta N s q^(2N-2)."""
    return 1 - depth * ETA * S * Q ** (2 * depth - 2)


def sufficient(depth: int) -> Claim:
    mode = Balanced(depth, True)
    first = next(iter(mode.inequalities()))
    s = Statement(f"{NAME}.sufficient_{depth}", mode.variables, mode.given, (first.conclusion,))
    return Claim(s, first.steps, mode.witness())


def local(depth: int) -> Claim:
    """q - b+ = (q - b) keep(b), and keep(q) is the multiplier."""
    mode = Balanced(depth, True)
    exact = Q - mode.after - (Q - B) * mode.keep()
    at = mode.keep().xreplace({B: Q}) - multiplier(depth)
    s = Statement(f"{NAME}.multiplier_{depth}", mode.variables, (), (equal(exact), equal(at)))
    return Claim(s, (prove("==", exact, 0), prove("==", at, 0)))


def _bernoulli(q: Any, b: Any, n: int) -> Expr:
    """b^n - q^n + n (q - b) q^(n-1) = (q - b)^2 sum_j (j + 1) q^j b^(n-2-j)."""
    return sum((j + 1) * q**j * b ** (n - 2 - j) for j in range(n - 1))


def necessary(depth: int) -> Claim:
    """A step above the bound overshoots from q - t, for the t that halves the excess."""
    mode, n = Balanced(depth, True), depth
    below = Q - DROP
    rule = 3 * n * (n - 1) * ETA * S * Q ** (2 * n - 3) * DROP - n * ETA * S * Q ** (2 * n - 2) + 1
    after = mode.after.xreplace({B: below})
    s, h, q, t, over, zero = (known(x) for x in (S, ETA, Q, DROP, -multiplier(n), rule))
    # 3 N (N-1) eta s q^(2N-3) (q - t) = (3 N - 4) N eta s q^(2N-2) + 1 at least, so t < q
    scale = 3 * n * (n - 1) * h * s * q ** (2 * n - 3)
    room = prove(">", below, n * (3 * n - 4) * h * s * q ** (2 * n - 2) + 1 - zero, times=scale)
    b = known(below)
    bends = sum(q**i * t**2 * _bernoulli(q, b, 2 * n - 2 - i) for i in range(n))
    keep = -(1 - ETA * S * below ** (n - 1) * sum(Q**i * below ** (n - 1 - i) for i in range(n)))
    gone = prove(">", keep, over * Rational(1, 2) - zero * Rational(1, 2) + h * s * bends)
    small = prove(">", DROP, over + zero, times=scale)
    steps = (small, room, gone, prove(">", after - Q, t * known(keep)))
    given = (*map(greater, (Q, S, ETA)), greater(-multiplier(n)), equal(rule))
    st = Statement(f"{NAME}.necessary_{n}", (Q, S, ETA, DROP), given, (greater(below), greater(DROP), greater(after, Q)))
    eta = Rational(2, n)
    return Claim(st, steps, {"q": 1, "s": 1, "eta": eta, "t": Rational(1, 6 * (n - 1))})


def repelled(depth: int) -> Claim:
    """eta s b^(N-1) sum q^i b^(N-1-i) > 2 and b < q: the step ends farther from q than it began."""
    mode = Balanced(depth, True)
    far = -1 - mode.keep()
    then = mode.after - Q - (Q - B)
    given = (*map(greater, mode.variables), greater(Q - B), greater(far))
    s = Statement(f"{NAME}.repelled_{depth}", mode.variables, given, (greater(then),))
    return Claim(s, (prove(">", then, known(Q - B) * known(far)),), {"b": 1, "q": 2, "s": 1, "eta": 3})


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (sufficient, local, repelled) for n in range(1, 6))
    yield from map(necessary, range(2, 6))


def free(depth: int = 2) -> Statement:
    """No overshoot, whatever the step."""
    s = sufficient(depth).statement
    return replace(s, name=f"{NAME}: any step", given=s.given[:-1])


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("the bound on the step", free(), {"b": "9/10", "q": 1, "s": 1, "eta": "3/5"})
    s = necessary(2).statement
    kept = replace(s, name=f"{NAME}: overshoot below the bound", given=(*s.given[:3], s.given[4]), then=s.then[2:])
    yield Counterexample("a step above the bound", kept, {"q": 1, "s": 1, "eta": "1/2", "t": 0})


def variants() -> Iterator[Statement]:
    mode, n = Balanced(2, True), 2
    s = sufficient(n).statement
    base = s.given[:-1]
    bounds = {
        "a step 1 percent larger": at_least(1 - 2 * ETA * S * Q**2 * Rational(100, 101)),
        "twice the step": at_least(1 - ETA * S * Q**2),
        "the bound at the start": at_least(1 - 2 * ETA * S * B**2),
    }
    yield from (replace(s, name=f"{NAME}: {words}", given=(*base, bound)) for words, bound in bounds.items())
    yield replace(s, name=f"{NAME}: it arrives", then=(equal(mode.after, Q),))
    yield replace(s, name=f"{NAME}: overshoot", then=(greater(mode.after, Q),))
    yield replace(s, name=f"{NAME}: the multiplier everywhere", then=(equal(Q - mode.after, (Q - B) * multiplier(2)),))
    yield replace(s, name=f"{NAME}: at least the multiplier", then=(at_least((Q - B) * multiplier(2), Q - mode.after),))
    yield free(3)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A balanced mode below its target, the step exactly on the bound."""
    n = len(widths) - 1
    mode = Balanced(n, True)
    values = {"b": draw.positive(), "s": draw.positive()}
    values["q"] = draw.value(B + Symbol("t"), values | {"t": draw.nonnegative()})
    values["eta"] = draw.solve(draw.value(n * S * Q ** (2 * n - 2), values), draw.value(Integer(1), values), values)
    s = sufficient(n).statement
    return Instance(replace(s, name=f"{NAME}.sample"), {str(v): values[str(v)] for v in mode.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="CONV-3",
    title="The step size and the rate of a balanced mode are sharp",
    form="iff",
    source=f"own derivation, for the network of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1), (1,) * 5, (1,) * 7),
    supported_at=((1, 1, 1), (1,) * 5, (1,) * 7),
)
