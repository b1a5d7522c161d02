r"""The inequality of arithmetic and geometric means, with its squares, for n <= 4 numbers a_i >= 0: (sum a)^n >= n^n prod a.

Written without roots, so that it holds of the layer energies a_i = gamma_i |W_i|^2 as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Mul, Rational

from theory.errors import InvalidInput


def deficit(a: Sequence[Expr]) -> Expr:
    """(sum a)^n - n^n prod a."""
    n = len(a)
    return sum(a) ** n - n**n * Mul(*a)


def squares(a: Sequence[Expr]) -> Expr:
    r"""The deficit as a sum of squares times the a_i (of which the sign must be visible).

    n = 2: (a-b)^2;  n = 3: (a+b+c)/2 sum (a-b)^2 + 3 (a (b-c)^2 + b (c-a)^2 + c (a-b)^2);
    n = 4, with p = a+b and q = c+d: (p-q)^4 + 8 p q (p-q)^2 + 16 (4 a b (c-d)^2 + (a-b)^2 q^2).
    """
    match list(a):
        case [_]:
            return Rational(0)
        case [x, y]:
            return (x - y) ** 2
        case [x, y, z]:
            half = sum(a) * Rational(1, 2) * ((x - y) ** 2 + (y - z) ** 2 + (z - x) ** 2)
            return half + 3 * (x * (y - z) ** 2 + y * (z - x) ** 2 + z * (x - y) ** 2)
        case [x, y, z, w]:
            p, q = x + y, z + w
            outer = (p - q) ** 4 + 8 * p * q * (p - q) ** 2
            return outer + 64 * x * y * (z - w) ** 2 + 16 * (x - y) ** 2 * q**2
    raise InvalidInput("a", a, "one to four numbers")


def root_factor(x: Expr, y: Expr, n: int) -> Expr:
    """sum_k x^k y^(n-1-k), so that (x - y) times it is x^n - y^n."""
    return sum(x**k * y ** (n - 1 - k) for k in range(n))
