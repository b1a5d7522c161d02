r"""Why no formula in radicals exists from depth 5 on: Galois groups, proved from factorisations modulo primes.

Dedekind: if an integer polynomial is squarefree modulo $p$ with factors of degrees $n_1, n_2, \dots$, its Galois group has
an element with cycles of these lengths. Jordan: a primitive group with a transposition, or a $q$-cycle for a prime
$q \le n - 3$, or a 3-cycle, contains the alternating group, which is not solvable for $n \ge 5$.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sympy as sp

PRIMES = tuple(sp.primerange(3, 200))


@dataclass(frozen=True, slots=True)
class Obstruction:
    """Evidence that a Galois group contains the alternating group: two primes with the cycle types that they show.

    ``primitive`` shows a cycle of prime length above half the degree (or is ``None``: the degree is prime), ``short`` an
    element a power of which is a single cycle of a length that Jordan's theorem accepts.
    """

    degree: int
    primitive: tuple[int, tuple[int, ...]] | None
    short: tuple[int, tuple[int, ...]]


def is_eisenstein(polynomial: sp.Poly, prime: int) -> bool:
    """Eisenstein's criterion, which proves irreducibility over the rationals.

    >>> is_eisenstein(sp.Poly(sp.Symbol("x") ** 5 - 6 * sp.Symbol("x") ** 2 + 2), 2)
    True
    """
    lead, *rest = (int(coefficient) for coefficient in polynomial.all_coeffs())
    return lead % prime != 0 and all(c % prime == 0 for c in rest) and rest[-1] % prime**2 != 0


def cycle_type(polynomial: sp.Poly, prime: int) -> tuple[int, ...] | None:
    """Degrees of the factors modulo a prime, largest first; ``None`` where the reduction has a repeated factor.

    >>> cycle_type(sp.Poly(sp.Symbol("x") ** 2 + 1), 3)
    (2,)
    """
    reduced = sp.Poly(polynomial, modulus=prime)
    if reduced.degree() < polynomial.degree():
        return None
    factors = reduced.factor_list()[1]
    if any(power > 1 for _, power in factors):
        return None
    return tuple(sorted((factor.degree() for factor, _ in factors), reverse=True))


def single_cycles(lengths: tuple[int, ...]) -> set[int]:
    """Primes ``q`` such that a power of a permutation with these cycle lengths is one ``q``-cycle.

    >>> single_cycles((5, 3)), single_cycles((4, 1))
    ({3, 5}, set())
    """
    counted = Counter(length for length in lengths if length > 1)
    return {q for q in counted if sp.isprime(q) and sum(length % q == 0 for length in lengths) == 1}


def obstruction(polynomial: sp.Poly) -> Obstruction | None:
    """The first primes that prove the group of an irreducible polynomial to contain the alternating group.

    >>> x = sp.Symbol("x")
    >>> obstruction(sp.Poly(x**5 - 6 * x**2 + 2)).degree
    5
    >>> obstruction(sp.Poly(x**5 - 2)) is None
    True
    """
    degree = polynomial.degree()
    types = [(prime, lengths) for prime in PRIMES if (lengths := cycle_type(polynomial, prime))]
    primitive = next((item for item in types if any(2 * q > degree for q in single_cycles(item[1]))), None)
    short = next((item for item in types if any(q <= max(3, degree - 3) for q in single_cycles(item[1]))), None)
    if short is None or (primitive is None and not sp.isprime(degree)):
        return None
    return Obstruction(degree, None if sp.isprime(degree) else primitive, short)
