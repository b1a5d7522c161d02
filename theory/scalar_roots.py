"""Positive roots of rational polynomials, and exact decisions about the numbers that they define.

A real algebraic number is kept as *the k-th positive root of p*; its digits are balls (intervals that provably hold
it), refined on demand. Whether a second polynomial vanishes there is decided by a greatest common divisor, so every
sign below is exact, zero included. The arithmetic is python-flint's (Arb for balls).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from flint import arb, arb_poly, ctx, fmpq, fmpq_mat, fmpq_poly, fmpz_poly

from theory.errors import InvalidInput

START_BITS = 128
# Ties between values are decided algebraically once balls of this many bits still overlap.
TIE_BITS = 1024


def rational(argument: str, value: object) -> fmpq:
    """`value` as an exact rational: an int, a Fraction, a SymPy or flint rational, or the exact value of a float.

    >>> rational("decay", Fraction(1, 10)), rational("decay", 0.5)
    (1/10, 1/2)
    """
    expected = "a rational number (int, Fraction, SymPy Rational, fmpq, or a finite float)"
    try:
        exact = Fraction(value) if isinstance(value, float) else value
        return fmpq(int(exact.numerator), int(exact.denominator))  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError, OverflowError):
        pass
    try:
        return fmpq(int(value.p), int(value.q))  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        raise InvalidInput(argument, repr(value), expected) from None


def fraction(value: fmpq) -> Fraction:
    """The same rational as a standard `Fraction`."""
    return Fraction(int(value.p), int(value.q))


def evaluate(polynomial: fmpq_poly, point: arb) -> arb:
    """A ball that holds `polynomial(x)` for every x in the ball `point`."""
    return arb_poly(polynomial)(point)


def positive_roots(polynomial: fmpq_poly, bits: int = START_BITS) -> list[tuple[arb, int]]:
    """All positive real roots in increasing order, each a ball of about `bits` bits with its multiplicity.

    The zero polynomial has no isolated root: an error.

    >>> [(int(multiplicity), float(root)) for root, multiplicity in positive_roots(fmpq_poly([-2, 0, 1]))]
    [(1, 1.4142135623730951)]
    """
    if polynomial == 0:
        raise InvalidInput("polynomial", 0, "a nonzero polynomial")
    return list(_positive_roots(tuple(int(c) for c in polynomial.numer().coeffs()), bits))


@lru_cache(maxsize=256)
def _positive_roots(coefficients: tuple[int, ...], bits: int) -> tuple[tuple[arb, int], ...]:
    """The roots, at twice the precision for as long as two balls touch."""
    found = [pair for pair in _real_roots(fmpz_poly(list(coefficients)), bits) if pair[0] > 0]
    if all(left[0] < right[0] for left, right in pairwise(found)):
        return tuple(found)
    return _positive_roots(coefficients, 2 * bits)


def _real_roots(polynomial: fmpz_poly, bits: int) -> list[tuple[arb, int]]:
    with ctx.workprec(bits):
        found = [(c.real, int(m)) for c, m in polynomial.complex_roots() if c.imag == 0]
        return sorted(found, key=lambda pair: pair[0].mid())


@dataclass(frozen=True)
class PositiveRoot:
    """The `index`-th positive root (from 0, increasing) of the squarefree `polynomial`: one algebraic number.

    >>> root = PositiveRoot(fmpq_poly([-2, 0, 1]), 0)                     # the square root of 2
    >>> root.sign(fmpq_poly([-4, 0, 0, 0, 1])), root.sign(fmpq_poly([-3, 2]))     # x^4 - 4 and 2 x - 3
    (0, -1)
    """

    polynomial: fmpq_poly
    index: int

    def ball(self, bits: int = START_BITS) -> arb:
        """A ball of about `bits` bits that holds the number."""
        return positive_roots(self.polynomial, bits)[self.index][0]

    def sign(self, other: fmpq_poly) -> int:
        """The exact sign (-1, 0, 1) of the polynomial `other` at this number.

        `other` vanishes here iff gcd(p, other) does. As p = gcd * cofactor is squarefree, exactly one of the two
        factors is zero at the root, so refining balls separates the cases in finitely many steps.
        """
        common = self.polynomial.gcd(other)
        cofactor = self.polynomial // common
        bits = START_BITS
        while True:
            with ctx.workprec(bits):
                x = self.ball(bits)
                if not evaluate(cofactor, x).contains(0):
                    return 0
                if not evaluate(common, x).contains(0):
                    return self._sign_of_nonzero(other, bits)
            bits *= 2

    def _sign_of_nonzero(self, other: fmpq_poly, bits: int) -> int:
        while True:
            with ctx.workprec(bits):
                value = evaluate(other, self.ball(bits))
                if not value.contains(0):
                    return 1 if value > 0 else -1
            bits *= 2

    def quotient(self, top: fmpq_poly, bottom: fmpq_poly, bits: int = START_BITS) -> arb:
        """A ball for top/bottom at this number (bottom must not vanish here)."""
        with ctx.workprec(bits):
            x = self.ball(bits)
            return evaluate(top, x) / evaluate(bottom, x)


def compare(first: PositiveRoot, second: PositiveRoot, top: fmpq_poly, bottom: fmpq_poly) -> int:
    """The exact sign of r(first) - r(second) for r = top/bottom at two roots of one squarefree polynomial p.

    Balls decide when they separate. Otherwise r acts by multiplication on Q[x]/(p); both values are eigenvalues, that
    is roots of its characteristic polynomial, and they are equal iff they are the same root of it.
    """
    bits = START_BITS
    while bits <= TIE_BITS:
        left, right = first.quotient(top, bottom, bits), second.quotient(top, bottom, bits)
        if not left.overlaps(right):
            return 1 if left > right else -1
        bits *= 2
    values = characteristic_polynomial(first.polynomial, top, bottom)
    return _position(first, top, bottom, values) - _position(second, top, bottom, values)


def characteristic_polynomial(modulus: fmpq_poly, top: fmpq_poly, bottom: fmpq_poly) -> fmpq_poly:
    """The squarefree polynomial whose roots are the values of top/bottom at the complex roots of `modulus`.

    >>> characteristic_polynomial(fmpq_poly([-2, 0, 1]), fmpq_poly([0, 1]), fmpq_poly([2]))      # sqrt(2) / 2
    x^2 + (-1/2)
    """
    unit, inverse, _ = bottom.xgcd(modulus)
    element = (top * inverse / unit[0]) % modulus
    size = modulus.degree()
    images = [(element * fmpq_poly([0] * j + [1])) % modulus for j in range(size)]
    full = fmpq_mat(size, size, [image[k] for image in images for k in range(size)]).charpoly()
    squarefree = full // full.gcd(full.derivative())
    return squarefree / squarefree[squarefree.degree()]


def _position(root: PositiveRoot, top: fmpq_poly, bottom: fmpq_poly, values: fmpq_poly) -> int:
    bits = TIE_BITS
    while True:
        value = root.quotient(top, bottom, bits)
        hits = [k for k, (ball, _) in enumerate(_real_roots(values.numer(), bits)) if ball.overlaps(value)]
        if len(hits) == 1:
            return hits[0]
        bits *= 2
