"""Rationals as floats of a precision, rounded once."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import numpy as np


def rounded(c: Fraction, precision: str = "float64") -> float:
    """The number of that precision nearest to c (ties to even), infinite where it overflows.

    >>> rounded(Fraction(1, 3)) == 1 / 3, rounded(Fraction(1, 3), "float32") == float(np.float32(1 / 3))
    (True, True)
    """
    try:
        near = float(c)
    except OverflowError:
        return inf if c > 0 else -inf
    if precision == "float64" or not np.isfinite(near):
        return near
    return _rounded_twice(c, near)


def _rounded_twice(c: Fraction, near: float) -> float:
    """float32 of a float64 may land on the wrong side of a midpoint: the neighbours are compared exactly."""
    with np.errstate(over="ignore", under="ignore"):
        middle = np.float32(near)
        around = [middle, *(np.nextafter(middle, np.float32(side)) for side in (-inf, inf))]
    finite = [float(x) for x in around if np.isfinite(x)]
    return min(finite, key=lambda x: abs(Fraction(x) - c)) if np.isfinite(middle) else float(middle)
