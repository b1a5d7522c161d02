"""Points in a number field: every decision exact, and none from a value that merely looks like zero."""

from fractions import Fraction

import pytest
from flint import fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, MatrixSymbol, Rational, Symbol, Trace, sqrt

from theory.algebraic_point import AlgebraicPoint, refutes, satisfies
from theory.errors import InvalidInput
from theory.expressions import SymmetricSymbol, gradient, norm2
from theory.statement import Statement, at_least, equal, greater

x, y = Symbol("x"), Symbol("y")
SQRT2 = [-2, 0, 1]


def at_root(*values, polynomial=SQRT2, index=0, names=("x", "y")):
    return AlgebraicPoint.of(polynomial, index, dict(zip(names, values, strict=False)))


def single(condition):
    return Statement("one", (x,), given=(condition,)).lowered()


@pytest.mark.parametrize("low,high", [(Rational(14142135623730950, 10**16), Rational(14142135623730951, 10**16))])
def test_a_number_that_looks_equal_is_not(low, high):
    assert satisfies(single(greater(x, low)), at_root([0, 1]))
    assert satisfies(single(greater(high, x)), at_root([0, 1]))
    assert not satisfies(single(equal(x, low)), at_root([0, 1]))
    assert not satisfies(single(at_least(low, x)), at_root([0, 1]))


def test_zero_is_decided_by_division():
    assert satisfies(single(equal(x**4 - 4)), at_root([0, 1]))
    assert satisfies(single(at_least(x**4 - 4)), at_root([0, 1]))
    assert not satisfies(single(greater(x**4 - 4)), at_root([0, 1]))


def test_the_index_chooses_the_root():
    quartic = [1, 0, -10, 0, 1]  # positive roots sqrt(3) -+ sqrt(2)
    small, large = (at_root([0, 1], polynomial=quartic, index=k) for k in (0, 1))
    below = single(greater(1, x))
    assert satisfies(below, small) and not satisfies(below, large)
    with pytest.raises(InvalidInput, match="index"):
        at_root([0, 1], polynomial=quartic, index=2)


def test_a_reducible_polynomial_is_refused():
    with pytest.raises(InvalidInput, match="irreducible"):
        at_root([0, 1], polynomial=[-4, 0, 0, 0, 1])
    with pytest.raises(InvalidInput, match="irreducible"):
        at_root([0, 1], polynomial=[4, 0, -4, 0, 1])  # a square


def test_gradients_and_matrices():
    W, A = MatrixSymbol("W", 1, 2), SymmetricSymbol("A", 2)
    critical = Statement("critical", (W,), given=(equal(gradient((norm2(W) - 2) ** 2, W)), greater(norm2(W))), then=(
        equal(norm2(W), 3),)).lowered()  # fmt: skip
    root = AlgebraicPoint.of(SQRT2, 0, {"W": [[[0, 1], 0]]})
    assert refutes(critical, root)
    singular = [[[0, 1], 2], [2, [0, 2]]]  # a * 2a = 4
    psd, definite = (Statement("order", (A,), given=(make(A),)).lowered() for make in (at_least, greater))
    singular_point = AlgebraicPoint.of(SQRT2, 0, {"A": singular})
    assert satisfies(psd, singular_point) and not satisfies(definite, singular_point)
    indefinite = AlgebraicPoint.of(SQRT2, 0, {"A": [[[0, 1], 2], [2, [Fraction(-1, 10**9), 2]]]})
    assert not satisfies(psd, indefinite)


def test_refuting_needs_the_hypotheses():
    s = Statement("both", (x, y), given=(equal(x * x, 2), greater(x), equal(y, 1)), then=(greater(y, x),)).lowered()
    assert refutes(s, at_root([0, 1], 1))
    assert not refutes(s, at_root([0, -1], 1))
    assert not refutes(s, at_root([0, 1], 2))


def test_shapes_and_symmetry_are_checked():
    W, A = MatrixSymbol("W", 1, 2), SymmetricSymbol("A", 2)
    s = Statement("shapes", (W, A), then=(equal(Trace(W * A * W.T)),)).lowered()
    good = {"W": [[[0, 1], 1]], "A": [[1, 0], [0, 1]]}
    assert refutes(s, AlgebraicPoint.of(SQRT2, 0, good))
    for bad in ({"W": [[1]]}, {"W": [0, 1]}, {"A": [[1, 2], [3, 1]]}, {"A": None}):
        with pytest.raises(InvalidInput):
            refutes(s, AlgebraicPoint.of(SQRT2, 0, good | bad))
    with pytest.raises(InvalidInput, match="A"):
        refutes(s, AlgebraicPoint.of(SQRT2, 0, {"W": good["W"]}))


def test_a_record_comes_back_and_a_malformed_one_is_refused():
    point = at_root([Fraction(1, 2), 3], [[1, [0, 1]]])
    assert AlgebraicPoint.read(point.json()) == point
    for record in ({}, {"root": [], "point": {}}, {"root": {"polynomial": "x", "index": 0}, "point": {}}, None):
        with pytest.raises(InvalidInput):
            AlgebraicPoint.read(record)


def test_the_interval_isolates():
    point = AlgebraicPoint.of([1, -3, 0, 1], 1, {"x": [0, 1]})
    low, high = point.between
    value = lambda t: t**3 - 3 * t + 1  # noqa: E731
    assert low < high and value(low) * value(high) < 0
    assert "between" in str(point)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=4, max_size=4), st.integers(-9, 9), st.integers(-9, 9))
def test_signs_agree_with_radicals(c, p, q):
    """(c0 + c1 r)(c2 + c3 r) + p + q r with r = sqrt(2), decided by SymPy's radicals."""
    statement = Statement("sign", (x, y), given=(greater(x * y + p + q),)).lowered()
    r = sqrt(2)
    exact = ((Integer(c[0]) + c[1] * r) * (c[2] + c[3] * r) + p + q).expand()
    assert satisfies(statement, at_root(c[:2], c[2:])) == bool(exact > 0)
    assert isinstance(at_root(c[:2]).values["x"], fmpq_poly)
