"""Ten conjectures whose simplest violation is known: it comes out, at the smallest size, with zeros and ones where possible."""

import pytest
from sympy import Determinant, MatrixSymbol, Rational, symbols

from deeplin.conjecture import check
from theory.statement import Statement, at_least, equal, greater

x, y, n, m, k = symbols("x y n m k")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
C = MatrixSymbol("C", 2, 2)
W1, W2 = MatrixSymbol("W1", m, n), MatrixSymbol("W2", k, m)

UNITS = ([[1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]])

# The statement, and its simplest violations: several where they differ by a symmetry of the statement.
MINIMAL = {
    "a sign": (Statement("", (x,), (), (at_least(x),)), [{"x": -1}]),
    "a product": (Statement("", (x, y), (), (equal(x * y),)), [{"x": 1, "y": 1}]),
    "commuting": (
        Statement("", (A, B), (), (equal(A * B, B * A),)),
        [{"A": a, "B": b} for a in UNITS for b in UNITS],  # those of them that commute are no violations
    ),
    "a bound": (Statement("", (x,), (), (at_least(2, x**2),)), [{"x": 2}, {"x": -2}]),
    "a half": (Statement("", (x, y), (equal(x + y, 1),), (at_least(Rational(1, 8), x * y),)), [{"x": "1/2", "y": "1/2"}]),
    "a determinant": (
        Statement("", (C,), (), (equal(Determinant(C)),)),
        [{"C": [[1, 0], [0, 1]]}, {"C": [[0, 1], [1, 0]]}],
    ),
    "a third": (Statement("", (x,), (equal(3 * x, 1),), (equal(x),)), [{"x": "1/3"}]),
    "two branches": (Statement("", (x, y), (equal(x**2, y**2),), (at_least(x * y),)), [{"x": 1, "y": -1}, {"x": -1, "y": 1}]),
    "zero itself": (Statement("", (x, y), (), (greater(x**2 + y**2, Rational(1, 100)),)), [{"x": 0, "y": 0}]),
    "a network": (Statement("", (W1, W2), (), (equal(W2 * W1),)), [{"W1": [[1]], "W2": [[1]]}]),
}


def shrinks(name):
    statement, expected = MINIMAL[name]
    return check(statement, budget=120).point in expected


@pytest.mark.parametrize("name", ["commuting", "a half", "a network"])
def test_counterexamples_come_out_minimal(name):
    assert shrinks(name)


@pytest.mark.thorough
@pytest.mark.parametrize("name", MINIMAL)
def test_every_counterexample_comes_out_minimal(name):
    assert shrinks(name)
