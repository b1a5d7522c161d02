"""The SymPy vocabulary, its lowering, and the traps of SymPy that the design steps around."""

import pytest
import sympy
from sympy import Determinant, Identity, Implies, MatrixSymbol, Rational, Symbol, Trace, symbols

from theory import dag
from theory.algebra import evaluate
from theory.algebras.rational import Rational as Exact
from theory.algebras.rational import matrix
from theory.dag import ShapeError
from theory.errors import InvalidInput
from theory.expressions import (
    Congruence,
    DiagonalPart,
    Square,
    SymmetricSymbol,
    gradient,
    inner,
    known,
    lower,
    norm2,
    quadratic,
)
from theory.statement import Statement, at_least, conditions, equal, greater

n, m = symbols("n m")
A, B = MatrixSymbol("A", n, m), MatrixSymbol("B", m, n)
S = SymmetricSymbol("S", n)
x, y = symbols("x y")


def value(e, sizes=None, **env):
    return evaluate([lower(e, sizes)], Exact(), env)[0]


def test_scalars_and_matrices():
    assert lower(2 * x * y - x / 3) is dag.lin((2, dag.mul(dag.var("x"), dag.var("y"))), (Rational(-1, 3), dag.var("x")))
    assert lower(A * B + Identity(n)).shape == ("n", "n")
    assert lower(A * B, {"n": 2, "m": 3}).shape == (2, 2)
    assert lower(S.T) is lower(S)
    assert lower(norm2(A)) is dag.tr(dag.mul(dag.T(lower(A)), lower(A)))
    assert lower(quadratic(S, A)) is dag.tr(dag.mul(dag.T(lower(A)), lower(S), lower(A)))
    assert lower(inner(A, B.T)).op == "tr"
    assert lower(known(x)).op == "known"
    assert lower(Square(A)) is dag.square(lower(A))
    assert lower(Congruence(S, A)).shape == ("m", "m")
    assert lower(DiagonalPart(A * B)).op == "diag"


def test_values_at_a_point():
    at = {"n": 2, "m": 2}
    M = matrix([[1, 2], [3, 5]])
    assert value(Determinant(MatrixSymbol("M", 2, 2)), M=M) == -1
    assert value(Trace(S**2), {"n": 2}, S=matrix([[1, 2], [2, 0]])) == 9
    assert value(A[0, 1] * 2, at, A=M) == 4
    assert value(A * sympy.ImmutableMatrix([[1, 0], [0, 2]]), at, A=M) == matrix([[1, 4], [3, 10]])


@pytest.mark.parametrize("wrong", [1 / x, x ** Symbol("k"), sympy.sqrt(x), sympy.Float(0.5) * x, sympy.sin(x), A.T * S.I * A])
def test_what_the_vocabulary_lacks_is_refused(wrong):
    with pytest.raises(InvalidInput):
        lower(wrong)


@pytest.mark.parametrize("wrong", [lambda: A * MatrixSymbol("C", n, m), lambda: Trace(A), lambda: A**2])
def test_shapes_that_sympy_lets_pass_are_refused(wrong):
    with pytest.raises((ShapeError, sympy.matrices.exceptions.NonSquareMatrixError)):
        lower(wrong())


def test_trap_matrix_calculus_is_silently_wrong_so_gradients_are_ours():
    C = MatrixSymbol("C", n, n)
    D = MatrixSymbol("D", n, n)
    f = Trace(C.T * C) + Trace(C * D)
    assert f.diff(C) != 2 * C + D.T  # SymPy's answer
    assert dag.resolved(lower(gradient(f, C))) is lower(2 * C + D.T)


def test_trap_a_false_implication_is_true_as_a_python_bool():
    assert bool(Implies(x > 0, x > 1))  # so no SymPy Boolean is used in an `if`
    with pytest.raises(InvalidInput):
        conditions([Implies(x > 0, x > 1)])


def test_trap_traces_do_not_compare_equal():
    assert Trace(A * B) != Trace(B * A)
    from theory.algebras.free import Free

    difference = lower(Trace(A * B) - Trace(B * A))
    assert evaluate([difference], Free.of(dag.variables([difference]))) == [{}]


def test_trap_cancel_drops_side_conditions():
    assert sympy.cancel((x**2 - 1) / (x - 1)) == x + 1  # also where x = 1
    with pytest.raises(InvalidInput):
        lower((x**2 - 1) / (x - 1))



def test_conditions_of_sympy_relations():
    assert [c.relation for c in conditions([x >= 1, x > y, x <= y, sympy.Eq(x, y), equal(A), at_least(S), greater(x)])] == [
        ">=", ">", ">=", "==", "==", ">=", ">",
    ]  # fmt: skip
    with pytest.raises(InvalidInput):
        conditions([True])


def test_a_statement_checks_its_variables():
    with pytest.raises(InvalidInput, match="undeclared variable y"):
        Statement("s", (x,), then=(greater(x + y),)).lowered()
    with pytest.raises(InvalidInput, match="symbols"):
        Statement("s", (x + y,), then=(greater(x + y),)).lowered()
    with pytest.raises(ShapeError):
        Statement("s", (A, B), then=(equal(A * B - B * A),)).lowered()
