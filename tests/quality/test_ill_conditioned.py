"""Ill-conditioned floats: nothing is refuted without an exact point, and nothing true is refuted at all.

Condition numbers are about 1e12 and residuals near 1e-9 of the size of the terms, so that floats alone would see violations.
"""

import pytest
from sympy import ImmutableMatrix, MatrixSymbol, Rational, symbols

from numerics.search.search import search
from theory import kernel
from theory.expressions import norm2, quadratic
from theory.statement import Statement, at_least, equal, greater

BIG, TINY = 10**6, Rational(1, 10**9)
x, y, z, w = symbols("x y z w")


def hilbert(n):
    return ImmutableMatrix(n, n, lambda i, j: Rational(1, i + j + 1))


def vector(n):
    return MatrixSymbol("v", n, 1)


# True statements that floats of double precision see violated, or cannot tell from violated ones.
TRUE = {
    "a square of large terms": ((x, y), (), at_least((BIG * x + y) ** 2 - BIG**2 * x**2 - 2 * BIG * x * y)),
    "a square that cancels": ((x, y), (), equal((BIG * x + y) ** 2 - BIG**2 * x**2 - 2 * BIG * x * y, y**2)),
    "a fourth power": ((x, y), (), equal((BIG * x + y) ** 4 - ((BIG * x + y) ** 2 - y**2 + y**2) ** 2)),
    "a Hilbert matrix of condition 1e12": ((vector(9),), (), at_least(quadratic(hilbert(9), vector(9)))),
    "nearly parallel lines": (
        (x, y),
        (equal(BIG * x + (BIG + 1) * y, BIG), equal((BIG - 1) * x + BIG * y, BIG - 1)),
        at_least(x, 1 - TINY),
    ),
    "a small gap": ((x, y), (at_least(x, y + TINY),), greater((BIG * x) ** 3, (BIG * y) ** 3)),
    "a long chain": (
        (x, y, z, w),
        (equal(y, BIG * x), equal(z, BIG * y), equal(BIG**2 * w, z)),
        equal(w, x),
    ),
    "a bound that is met": ((x, y), (equal(x * y, 1),), at_least(BIG**2 * x**2 + y**2, 2 * BIG)),
}

# False by about 1e-9 of the size of the terms.
FALSE = {
    "a square with slack": ((x, y), (), at_least(TINY**2 * BIG**2 + (BIG * x - y) ** 2, 2 * TINY**2 * BIG**2)),
    "nearly parallel lines": (
        (x, y),
        (equal(BIG * x + (BIG + 1) * y, BIG), equal((BIG - 1) * x + BIG * y, BIG - 1)),
        greater(x, 1),
    ),
    "a small gap": ((x, y), (at_least(x, y),), greater((BIG * x) ** 3 + TINY, (BIG * y) ** 3 + TINY)),
    "a norm": ((vector(3),), (at_least(TINY, norm2(vector(3))),), at_least(TINY / 2, norm2(vector(3)))),
}


def refuted(table, name, seconds, seed=0):
    """The certificate of a refutation, which the kernel is asked for again."""
    variables, given, then = table[name]
    events = search(Statement(name, variables, given, (then,)).lowered(), seconds, seed)
    certificate = next((e.certificate for e in events if e.kind == "refuted"), None)
    if certificate is not None:
        kernel.check(certificate, certificate["statement"])
    return certificate


@pytest.mark.parametrize("name", ["a square of large terms", "nearly parallel lines", "a small gap"])
def test_true_statements_are_not_refuted(name):
    assert refuted(TRUE, name, 0.6) is None


@pytest.mark.thorough
@pytest.mark.parametrize("name", TRUE)
def test_no_true_statement_is_refuted_from_any_seed(name):
    assert all(refuted(TRUE, name, 6.0, seed) is None for seed in range(5))


@pytest.mark.parametrize("name", FALSE)
def test_false_statements_are_refuted_by_exact_points_only(name):
    assert refuted(FALSE, name, 60.0) is not None
