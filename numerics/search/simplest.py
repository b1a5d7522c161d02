"""Simple rationals: the simplest within a tolerance (Stern-Brocot), and those that are simpler than a given one."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The rational with the least denominator (then the least numerator) in [low, high].

    >>> simplest_between(Fraction(314, 100), Fraction(315, 100))
    Fraction(22, 7)
    """
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest_between(-high, -low)
    terms: list[int] = []
    while low.denominator != 1 and low.__floor__() == high.__floor__():
        whole = low.__floor__()
        terms.append(whole)
        low, high = 1 / (high - whole) if high != whole else Fraction(0), 1 / (low - whole)
    out = Fraction(low.__ceil__())
    for whole in reversed(terms):
        out = whole + 1 / out
    return out


def simplest(x: float, tolerance: float) -> Fraction:
    """The simplest rational within the tolerance of a float.

    >>> simplest(0.3334, 0.01), simplest(-2.9, 0.2)
    (Fraction(1, 3), Fraction(-3, 1))
    """
    for q in range(1, 25):  # the same answer, without long fractions, where the tolerance is coarse
        p = ceil((x - tolerance) * q) if x > tolerance else floor((x + tolerance) * q) if x < -tolerance else 0
        if abs(p / q - x) < tolerance * (1 - 1e-9):
            return Fraction(p, q)
    middle, width = Fraction(x), Fraction(tolerance)
    return simplest_between(middle - width, middle + width)


def simplicity(c: Fraction) -> int:
    """0 for 0, 1 for 1, 2 for -1, then growing with numerator and denominator."""
    return 0 if not c else 1 if c == 1 else 2 if c == -1 else abs(c.numerator) + 2 * c.denominator + (c < 0)


def simpler(c: Fraction) -> list[Fraction]:
    """Simpler numbers than c, the simplest first: 0, 1, -1, integers, fractions nearby with smaller denominators."""
    near = {Fraction(0), Fraction(1), Fraction(-1), Fraction(round(c)), Fraction(int(c / 2)), abs(c)}
    near |= {Fraction(int(c) + k) for k in (-1, 0, 1)}
    near |= {c.limit_denominator(d) for d in (2, 3, 4, 5, 8, 16, 50, 200, 1000, 10**5) if d < c.denominator}
    near |= {c - (c > 0) + (c < 0)} if c.denominator == 1 else set()
    return sorted((x for x in near if simplicity(x) < simplicity(c)), key=simplicity)
