r"""Gradient flow of one mode at depth 2, balanced or not.

Setting: one mode of an aligned network of depth 2 under gradient flow: x = sigma_1, y = sigma_2, a = x y,
\(\dot x = y (c - s a)\), \(\dot y = x (c - s a)\).

Hypotheses: x and y not both 0; y != x for the Riccati form. No signs.

Conclusion: \(\Delta = y^2 - x^2\) is conserved, \(x^2 + y^2 = \sqrt{\Delta^2 + 4 a^2}\), and
\[ \dot a = \sqrt{\Delta^2 + 4 a^2}\,(c - s a) . \] With \(w = (y + x)/(y - x)\), \(\Delta \ne 0\): \(w - 1/w = 4 a/\Delta\)
and \(\dot w = 2 c w - \tfrac{s \Delta}{2} (w^2 - 1)\), a Riccati equation with constant coefficients, whose solution `deeplin
derive alignment.unbalanced_flow` writes down.

Form: identity.

Scope of proof: all real values.

Why: (x^2 + y^2)^2 = (y^2 - x^2)^2 + 4 x^2 y^2; y + x grows at the rate c - s a, y - x shrinks at it.

Sharpness: the root is the nonnegative one; the signs of x and y do not matter.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import Rational, symbols

from theory.certificates import prove
from theory.expressions import known
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem

NAME = "alignment.unbalanced_flow"
X, Y, S, C, Q, W, W1 = symbols("x y s c q w w1")
A, DELTA, NORM = X * Y, Y**2 - X**2, X**2 + Y**2
PULL = C - S * A
DX, DY = Y * PULL, X * PULL
ROOT = Q**2 - DELTA**2 - 4 * A**2


def conserved() -> Claim:
    term = 2 * Y * DY - 2 * X * DX
    return Claim(Statement(f"{NAME}.conserved", (X, Y, S, C), then=(equal(term),)), (prove("==", term, 0),))


def product_rate() -> Claim:
    """(q + |x|^2 + |y|^2)(q - |x|^2 - |y|^2) = q^2 - Delta^2 - 4 a^2."""
    gap, rate = Q - NORM, DX * Y + X * DY - Q * PULL
    given = (equal(ROOT), at_least(Q), greater(NORM))
    steps = (
        prove("==", gap, known(ROOT), times=known(Q) + known(NORM)),
        prove("==", rate, -known(gap) * PULL),
    )
    s = Statement(f"{NAME}.product", (X, Y, S, C, Q), given, (equal(gap), equal(rate)))
    return Claim(s, steps, {"x": 0, "y": 1, "s": 1, "c": 1, "q": 1})


def riccati() -> Claim:
    """w (y - x) = y + x; its derivative; hence w' = 2 w (c - s a), and 4 a w = Delta (w^2 - 1)."""
    ratio, moves = W * (Y - X) - (Y + X), W1 * (Y - X) + W * (DY - DX) - (DY + DX)
    form, rate = 4 * A * W - DELTA * (W**2 - 1), W1 - 2 * C * W + S * DELTA * (W**2 - 1) / 2
    square = (Y - X) ** 2
    z = known(ratio)
    by_form = 4 * A * (Y - X) * z - DELTA * z * (W * (Y - X) + Y + X)
    by_rate = (Y - X) * (known(moves) - PULL * z) - S * known(form) * square / 2
    steps = (prove("==", form, by_form, times=known(square)), prove("==", rate, by_rate, times=known(square)))
    given = (equal(ratio), equal(moves), greater(square))
    s = Statement(f"{NAME}.riccati", (X, Y, S, C, W, W1), given, (equal(form), equal(rate)))
    return Claim(s, steps, {"x": 0, "y": 1, "s": 1, "c": 1, "w": 1, "w1": 2})


def claims() -> Iterator[Claim]:
    yield conserved()
    yield product_rate()
    yield riccati()


def any_root() -> Statement:
    s = product_rate().statement
    return replace(s, name=f"{NAME}: any root", given=(s.given[0], s.given[2]))


def any_values() -> Statement:
    s = riccati().statement
    return replace(s, name=f"{NAME}: equal values", given=s.given[:2])


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("q >= 0", any_root(), {"x": 0, "y": 1, "s": 1, "c": 1, "q": -1})
    yield Counterexample("y != x", any_values(), {"x": 0, "y": 0, "s": 1, "c": 1, "w": 1, "w1": 0})


def variants() -> Iterator[Statement]:
    yield any_root()
    yield any_values()
    s, r = product_rate().statement, riccati().statement
    rates = {
        "balanced": DX * Y + X * DY - 2 * A * PULL,
        "half the rate": DX * Y + X * DY - Q * PULL / 2,
        "without the target": DX * Y + X * DY + Q * S * A,
        "off by a millionth": DX * Y + X * DY - Rational(1000001, 1000000) * Q * PULL,
    }
    yield from (replace(s, name=f"{NAME}: {words}", then=(equal(x),)) for words, x in rates.items())
    forms = {
        "half the linear term": W1 - C * W + S * DELTA * (W**2 - 1) / 2,
        "twice the square": W1 - 2 * C * W + S * DELTA * (W**2 - 1),
        "w^2 + 1": W1 - 2 * C * W + S * DELTA * (W**2 + 1) / 2,
    }
    yield from (replace(r, name=f"{NAME}: {words}", then=(equal(x),)) for words, x in forms.items())
    total = Statement(f"{NAME}: the norm is conserved", (X, Y, S, C), then=(equal(2 * Y * DY + 2 * X * DX),))
    yield total


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random x, y, s, c with y != x, and the w that belongs to them."""
    env = {"x": draw.scalar(), "h": draw.positive(), "s": draw.nonnegative(), "c": draw.scalar()}
    h = symbols("h")
    env["y"] = draw.value(X + h, env)
    env["w"] = draw.solve(Y - X, Y + X, env)
    env["w1"] = draw.solve(Y - X, (DY + DX) - W * (DY - DX), env)
    s = riccati().statement
    return Instance(s, {str(v): env[str(v)] for v in s.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="DYN-6",
    title="Unbalanced gradient flow at depth 2",
    form="identity",
    source="own derivation, in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1),),
    supported_at=((1, 1, 1),),
)
