"""Balls enclose, and say unknown where they do not decide."""

from fractions import Fraction

import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.balls import Truth, ball, decide, enclose, every, holds
from theory.dag import T, const, diag, entry, expect, eye, lin, mul, num, power, sub, tr, var, zero
from theory.errors import InvalidInput

x, W, S = var("x"), var("W", (2, 3)), var("S", (2, 2), symmetric=True)
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
WIDE = arb(0, 1)


def test_enclosures_contain_the_exact_value_and_shrink_with_the_bits():
    third = enclose([lin((Fraction(1, 3), x))], {"x": 1}, 200)[0]
    assert third.rad() < 1e-59
    with ctx.workprec(400):
        assert third.contains(fmpq(1, 3)) and not third.contains(fmpq(1, 3) + fmpq(1, 10**40))


def test_every_operation_has_its_value():
    point = {"W": [[1, 2, 3], [4, 5, 6]], "x": Fraction(1, 2)}
    gram = mul(W, T(W))
    outputs = [tr(gram), power(x, 3), entry(W, 1, 2), mul(x, diag(gram)), zero((2, 1)), const([[Fraction(1, 2)]])]
    a, b, c, d, e, f = enclose(outputs, point)
    assert (a.contains(91), b.contains(fmpq(1, 8)), c.contains(6)) == (True,) * 3
    assert d[0, 0].contains(7) and d[0, 1].is_zero() and (e.nrows(), e.ncols()) == (2, 1) and f[0, 0].contains(fmpq(1, 2))
    assert enclose([eye(2), zero(())], {})[0].det().contains(1)


@pytest.mark.parametrize(
    ("relation", "value", "answer"),
    [
        ("==", arb(0), YES),
        ("==", arb(1), NO),
        ("==", WIDE, UNKNOWN),
        (">=", arb(0), YES),
        (">=", WIDE, UNKNOWN),
        (">=", arb(-1), NO),
        (">", arb(0), NO),
        (">", arb(2, 1), YES if arb(2, 1) > 0 else UNKNOWN),
        (">", WIDE, UNKNOWN),
        ("==", arb_mat([[0, 0]]), YES),
        ("==", arb_mat([[arb(0), WIDE]]), UNKNOWN),
        ("==", arb_mat([[arb(2), WIDE]]), NO),
        (">=", arb_mat([[1, 1], [1, 1]]), YES),
        (">", arb_mat([[1, 1], [1, 1]]), NO),
        (">", arb_mat([[2, 1], [1, 1]]), YES),
        (">=", arb_mat([[0, 1], [1, 0]]), NO),
        (">=", arb_mat([[1, 2], [2, 1]]), NO),
        (">=", arb_mat([[1, 1], [0, 1]]), NO),
        (">=", arb_mat([[arb(0), WIDE], [WIDE, arb(1)]]), UNKNOWN),
        (">=", arb_mat([[WIDE, arb(0)], [arb(0), arb(1)]]), UNKNOWN),
    ],
)
def test_answers(relation, value, answer):
    assert holds(relation, value) is answer


def test_a_matrix_that_is_symmetric_by_its_form_needs_no_exact_mirror():
    point = {"W": [["1/3", "1/7", 1], [2, "1/5", "1/3"]]}
    assert decide(">", mul(W, T(W)), point) is YES
    balls = enclose([mul(W, T(W))], point)[0]
    assert holds(">", balls) is UNKNOWN and holds(">", balls, symmetric=True) is YES


def test_more_bits_decide_what_few_bits_do_not():
    tiny = sub(power(x, 2), num(Fraction(10**200 + 1, 10**200)))
    assert decide(">", tiny, {"x": 1}) is NO
    assert decide("==", sub(mul(num(3), x), num(1)), {"x": "1/3"}, most_bits=256) is UNKNOWN
    assert decide(">=", S, {"S": [[1, "1/2"], ["1/2", "1/4"]]}) is YES
    assert decide(">=", S, {"S": [[3, 1], [1, "1/3"]]}) is UNKNOWN  # singular, and 1/3 is no ball's midpoint


def test_points_are_never_floats():
    with pytest.raises(InvalidInput, match="rational"):
        enclose([x], {"x": 0.1})
    assert ball(fmpq_mat([[1, 2]]))[0, 1].contains(2) and ball(arb(3)).contains(3)


def test_what_has_no_value_is_refused():
    with pytest.raises(InvalidInput, match="every variable"):
        enclose([x], {})
    with pytest.raises(InvalidInput, match="mean"):
        enclose([expect(x, var("e"), [num(1), num(1)])], {"x": 1, "e": 1})


def test_every_is_no_if_one_is():
    assert (every([YES, UNKNOWN, NO]), every([YES, UNKNOWN]), every([])) == (NO, UNKNOWN, YES)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.fractions(-3, 3, max_denominator=50), st.integers(0, 5))
def test_polynomials_are_enclosed_and_signs_are_right(value, k):
    p = sub(power(x, k), x)
    exact = value**k - value
    with ctx.workprec(500):
        assert enclose([p], {"x": value})[0].contains(fmpq(exact.numerator, exact.denominator))
    if exact:
        assert decide(">", p, {"x": value}) is (YES if exact > 0 else NO)
