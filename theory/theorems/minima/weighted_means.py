r"""The weighted inequality of two means, with its square, and the inequality of n means from it.

For x, r >= 0 and i, j >= 1: (x + r)^{i+j} - C x^i r^j = (j x - i r)^2 q(x, r) with C = (i+j)^{i+j} / (i^i j^j) and a polynomial
q with positive coefficients. With i = 1 it carries the inequality of the means from n - 1 numbers to n.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sympy import Integer, Poly, Rational, div, symbols

from theory.errors import InvalidInput


def constant(i: int, j: int) -> Rational:
    """C = (i + j)^{i+j} / (i^i j^j), with 0^0 = 1."""
    return Rational((i + j) ** (i + j), i**i * j**j)


@cache
def _quotient(i: int, j: int) -> tuple[tuple[tuple[int, int], Rational], ...]:
    x, r = symbols("x r")
    gap = Poly((x + r) ** (i + j) - constant(i, j) * x**i * r**j, x, r)
    q, rest = div(gap, Poly((j * x - i * r) ** 2, x, r))
    if not rest.is_zero or any(c <= 0 for c in q.coeffs()):
        raise InvalidInput("exponents", (i, j), "a square times a polynomial with positive coefficients")
    return tuple(q.terms())


def weighted_gap(x: Any, r: Any, i: int, j: int) -> Any:
    """(x + r)^{i+j} - C x^i r^j, visibly nonnegative if x and r are; i >= 0, j >= 1."""
    if i == 0:
        return sum(((x + r) ** k * r ** (j - 1 - k) for k in range(j)), Integer(0)) * x
    return (j * x - i * r) ** 2 * sum(c * x**a * r**b for (a, b), c in _quotient(i, j))


def means_gap(a: Sequence[Any]) -> Any:
    """(a_1 + ... + a_n)^n - n^n a_1 ... a_n, visibly nonnegative if the a_i are, for any n >= 1."""
    n = len(a)
    if n == 1:
        return Integer(0)
    return weighted_gap(a[0], sum(a[1:]), 1, n - 1) + constant(1, n - 1) * a[0] * means_gap(a[1:])
