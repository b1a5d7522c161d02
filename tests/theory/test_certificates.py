"""Evidence as JSON: what is written is what the kernel accepts, and nothing is cited that is not known."""

from fractions import Fraction

import pytest
from sympy import Identity, MatrixSymbol, Trace, ZeroMatrix, symbols

from theory import kernel
from theory.certificates import EvidenceError, at_point, derivation, number, prove, split, statement, vanishes
from theory.expressions import Congruence, DiagonalPart, KnownMatrix, Square, SymmetricSymbol, gradient, inner, known, norm2
from theory.statement import Statement, at_least, equal, greater

n, m = symbols("n m")
U, W = MatrixSymbol("U", m, 1), MatrixSymbol("W", m, n)
x, y = symbols("x y")


def accepted(s, steps, **sizes):
    lowered = s.lowered(sizes)
    return kernel.check(derivation(lowered, steps, sizes=sizes), statement(lowered)[0])


def rejected(s, steps, **sizes):
    with pytest.raises(kernel.Rejected) as why:
        accepted(s, steps, **sizes)
    return str(why.value)


GAP = norm2(U) * norm2(W) - norm2(W.T * U)
STEPS = [
    split(
        ">=",
        GAP,
        on=norm2(U),
        positive=[prove(">=", GAP, Square(norm2(U) * W - U * U.T * W), times=known(norm2(U)))],
        otherwise=[
            vanishes(U, known(-norm2(U))),
            prove(">=", GAP, Trace(KnownMatrix(U).T * U) * norm2(W) - Trace(W.T * KnownMatrix(U) * U.T * W)),
        ],
    )
]


@pytest.mark.parametrize("sizes", [{}, {"n": 2, "m": 3}, {"n": 1, "m": 1}])
def test_cauchy_schwarz_at_all_widths_and_at_given_widths(sizes):
    s = Statement("norms", (U, W), then=(at_least(GAP),))
    assert accepted(s, STEPS, **sizes).claim == "proved"
    too_much = Statement("norms.strict", (U, W), then=(greater(GAP),))
    assert "not derived" in rejected(too_much, STEPS, **sizes)
    doubled = Statement("norms.doubled", (U, W), then=(at_least(GAP - norm2(W.T * U)),))
    assert rejected(doubled, STEPS, **sizes)


def test_a_case_does_not_leak():
    s = Statement("leak", (x,), then=(greater(x),))
    leaking = [split(">=", x**2, on=x, positive=[prove(">=", x**2, Square(x))], otherwise=[prove(">=", x**2, Square(x))])]
    assert "not derived" in rejected(s, leaking)
    with pytest.raises(EvidenceError):
        accepted(s, [*leaking, prove(">", x, known(x))])


def test_only_what_is_known_can_be_cited():
    s = Statement("cite", (x, y), given=(greater(x),), then=(greater(x),))
    assert accepted(s, [prove(">", x, known(x))])
    with pytest.raises(EvidenceError, match="neither given nor derived"):
        accepted(s, [prove(">", x, known(y))])


def test_gradients_are_taken_again_by_the_kernel():
    f = inner(U, DiagonalPart(W * W.T) * U)
    s = Statement("euler", (U, W), then=(equal(inner(U, gradient(f, U)), 2 * f), equal(inner(W, gradient(f, W)), 2 * f)))
    for sizes in ({}, {"n": 2, "m": 2}):
        steps = [prove("==", c.expression, 0) for c in s.then]
        assert accepted(s, steps, **sizes)
    wrong = Statement("euler.wrong", (U, W), then=(equal(inner(U, gradient(f, U)), 3 * f),))
    assert rejected(wrong, [prove("==", wrong.then[0].expression, 0)])


def test_entries_zeros_and_constants_are_written():
    A = SymmetricSymbol("A", 2)
    s = Statement("minor", (A,), given=(at_least(A),), then=(at_least(A[0, 0]), equal(A[0, 1], A[1, 0])))
    first, second = (c.expression for c in s.then)
    e = MatrixSymbol("e", 2, 1)
    assert accepted(s, [prove(">=", first, known(A)[0, 0]), prove("==", second, 0)])
    z = Statement("zero", (e,), given=(equal(e),), then=(equal(2 * e, ZeroMatrix(2, 1)),))
    assert accepted(z, [prove("==", 2 * e, 2 * known(e))])


def test_congruences_keep_the_sign_of_their_middle():
    A = SymmetricSymbol("A", m)
    s = Statement("congruence", (A, W), given=(at_least(A),), then=(at_least(Trace(W.T * A * W)),))
    assert accepted(s, [prove(">=", Trace(W.T * A * W), Trace(Congruence(known(A), W)))])
    unsigned = Statement("unsigned", (A, W), then=(at_least(Trace(W.T * A * W)),))
    assert "visibly" in rejected(unsigned, [prove(">=", Trace(W.T * A * W), Trace(Congruence(A, W)))])


def test_points():
    s = Statement("half", (x, U), given=(greater(x),), then=(greater(x, 1), equal(U)))
    point = {"x": Fraction(1, 2), "U": [[0], [3]]}
    lowered = s.lowered({"m": 2})
    assert kernel.check(at_point(lowered, point, "refuted")).claim == "refuted"
    assert kernel.check(at_point(lowered, point, "satisfiable")).claim == "satisfiable"
    with pytest.raises(kernel.Rejected):
        kernel.check(at_point(lowered, {**point, "x": -1}, "satisfiable"))


def test_a_certificate_is_for_one_statement():
    s = Statement("norms", (U, W), then=(at_least(GAP),))
    other = Statement("norms", (U, W), then=(at_least(GAP + norm2(U)),))
    certificate = derivation(s.lowered(), STEPS)
    with pytest.raises(kernel.Rejected, match="another statement"):
        kernel.check(certificate, statement(other.lowered())[0])


@pytest.mark.parametrize("k", [0, 60, 4000, -4000])
def test_numbers_of_any_size(k):
    c = Fraction(1, 3) if k == 0 else Fraction(2 ** abs(k) if k > 0 else -(2 ** abs(k)))
    assert isinstance(number(c), str)
    assert Fraction(*(int(part, 0) for part in str(number(c)).split("/"))) == c
    s = Statement("large", (x,), then=(equal(c * x - x * c),))
    assert accepted(s, [prove("==", s.then[0].expression, 0)])
    point = Statement("point", (x,), given=(equal(x, c),), then=(greater(x, c),))
    assert kernel.check(at_point(point.lowered(), {"x": c}, "refuted")).claim == "refuted"


def test_a_matrix_identity_needs_no_evidence():
    square = W * W.T
    s = Statement("commute", (W,), then=(equal((square + Identity(m)) * square, square * (square + Identity(m))),))
    lowered = s.lowered()
    assert accepted(s, [prove("==", lowered.then[0][1], 0)])
    wrong = Statement("wrong", (U, W), then=(equal(W * W.T * U, U),))
    assert rejected(wrong, [prove("==", wrong.then[0].expression, 0)])
