r"""Irrational exact points: coordinates in a number field Q(a), for hypotheses that no rational point satisfies near by.

The coordinates that the equations leave free are fixed at simple rationals, Newton's method gives the others to about ninety
digits, and lattice reduction (LLL) recognises one of them as an algebraic number a and all entries as polynomials in a. What is
recognised is a guess; `theory.algebraic_point` decides exactly whether it satisfies the hypotheses and violates the conclusion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq_mat, fmpq_poly, fmpz_mat, fmpz_poly

from numerics.search.problem import Floats, Problem, Values, fraction
from numerics.search.repair import determined, digits_of
from numerics.search.simplest import simplest
from theory.algebraic_point import AlgebraicPoint, refutes, satisfies
from theory.errors import DeeplinError
from theory.provers.api import Clock
from theory.scalar_roots import positive_roots

SCALE, DEGREE, LARGEST, TRIES = 10**72, 4, 10**9, 24


def algebraic(problem: Problem, u: Floats, clock: Clock, rng: np.random.Generator) -> AlgebraicPoint | None:
    """An exact good point with coordinates in a number field near u, if one is recognised."""
    u = problem.newton(u[None], list(range(problem.n)), 20)[0]
    decide = refutes if problem.violate else satisfies
    for loose, digits in completions(problem, u, clock, rng):
        for point in guesses(problem, digits, loose):
            try:
                if decide(problem.statement, point):
                    return point
            except DeeplinError:
                continue
    return None


def completions(
    problem: Problem, u: Floats, clock: Clock, rng: np.random.Generator
) -> Iterator[tuple[list[int], Values]]:
    """Points to many digits whose fixed coordinates are simple, coarse roundings of u first."""
    for k in range(TRIES):
        if clock.left <= 0:
            return
        loose = determined(problem, u, rng, greedy=k % 3 == 0)
        tolerance = 10.0 ** (-k / 6)
        start = u.copy()
        for i in set(range(problem.n)) - set(loose):
            start[i] = float(simplest(float(u[i]), tolerance * max(1.0, abs(float(u[i])))))
        found = problem.newton(start[None], loose, 20)
        m = problem.measures(found)
        near = m.finite & (m.residual <= 1e-8) & (m.slack >= -1e-8) & (m.strict >= -1e-8)
        if (near & problem.violating(m))[0]:
            digits = digits_of(problem, found[0], loose)
            if digits is not None:
                yield loose, digits


def guesses(problem: Problem, digits: Values, loose: Sequence[int]) -> Iterator[AlgebraicPoint]:
    """The point in the field of each loose coordinate in turn."""
    try:
        values = problem.point(digits)
    except ZeroDivisionError:
        return
    tried: set[Any] = set()
    mixed = sum((k * digits[i] for k, i in enumerate(loose, 1)), Fraction(0))  # which seldom lies in a smaller field
    for a in (*(abs(digits[i]) for i in loose), abs(mixed)):
        minimal = minimal_polynomial(a)
        if minimal is None or str(minimal) in tried:
            continue
        tried.add(str(minimal))
        index = nearest_root(minimal, a)
        written = {name: in_field(value, a, minimal.degree()) for name, value in values.items()}
        if index is not None and all(x is not None for x in written.values()):
            coefficients = [fraction(c) for c in fmpq_poly(minimal).coeffs()]
            yield AlgebraicPoint.of(coefficients, index, written)


def minimal_polynomial(a: Fraction) -> fmpz_poly | None:
    """The irreducible polynomial of least degree (2 or more) with small coefficients that a seems to be a root of."""
    for degree in range(2, DEGREE + 1):
        relation = integer_relation([a**k for k in range(degree + 1)])
        if relation is not None and relation[-1]:
            p = fmpz_poly(relation)
            _, factors = p.factor()
            if len(factors) == 1 and factors[0][1] == 1:
                return p
    return None


def nearest_root(p: fmpz_poly, a: Fraction) -> int | None:
    """Which of the positive roots a is."""
    for k, (ball, _) in enumerate(positive_roots(fmpq_poly(p))):
        if abs(Fraction(float(ball)) - a) < Fraction(1, 10**9) * max(Fraction(1), a):
            return k
    return None


def in_field(value: Any, a: Fraction, degree: int) -> Any:
    """A value with its entries as lists of coefficients of polynomials in a; None if one is not recognised."""
    if isinstance(value, fmpq_mat):
        rows = [[_in_field(fraction(x), a, degree) for x in row] for row in value.table()]
        return None if any(x is None for row in rows for x in row) else rows
    return _in_field(fraction(value), a, degree)


def _in_field(x: Fraction, a: Fraction, degree: int) -> list[Fraction] | None:
    near = x.limit_denominator(LARGEST)
    if abs(near - x) * SCALE < 10**12:
        return [near]
    relation = integer_relation([x, *(a**k for k in range(degree))])
    if relation is None or not relation[0]:
        return None
    return [Fraction(-c, relation[0]) for c in relation[1:]]


def integer_relation(numbers: Sequence[Fraction]) -> list[int] | None:
    """Small integers c with sum c_k x_k = 0 to the precision at hand; None if there are none."""
    n = len(numbers)
    rows = [[*(int(i == j) for j in range(n)), round(x * SCALE)] for i, x in enumerate(numbers)]
    reduced = fmpz_mat(n, n + 1, [c for row in rows for c in row]).lll()
    found = [int(reduced[0, j]) for j in range(n + 1)]
    small = max(map(abs, found[:n])) <= LARGEST and abs(found[n]) < 10**12
    return found[:n] if small and any(found[:n]) else None
