"""Predicates: their algebraic encoding at exact points where they hold and where they do not."""

from __future__ import annotations

from typing import Any

import pytest
from sympy import Matrix, MatrixSymbol, symbols

from theory import kernel
from theory.algebra import evaluate
from theory.algebras.rational import Rational as Rational_
from theory.algebras.rational import matrix
from theory.certificates import at_point
from theory.errors import InvalidInput
from theory.expressions import DiagonalPart, SymmetricSymbol, lower, norm2
from theory.predicates import predicates
from theory.predicates.alignment import LiterallyAligned, SortedAligned, StronglyAligned, WeaklyAligned
from theory.predicates.balanced import Balanced
from theory.predicates.commute import Commute
from theory.predicates.critical import Critical
from theory.predicates.diagonal import Diagonal
from theory.predicates.flow import Conserved, along
from theory.predicates.orthogonal import Orthogonal
from theory.predicates.psd import Psd
from theory.predicates.rank_at_least import RankAtLeast, RankExactly
from theory.predicates.rank_at_most import RankAtMost
from theory.provers import prove
from theory.statement import Statement, equal

A, B, S = MatrixSymbol("A", 2, 2), MatrixSymbol("B", 2, 2), SymmetricSymbol("S", 2)
U, W = MatrixSymbol("U", 3, 2), MatrixSymbol("W", 1, 2)
left, right = MatrixSymbol("left", 2, 1), MatrixSymbol("right", 1, 2)
rows, columns = MatrixSymbol("rows", 1, 2), MatrixSymbol("columns", 2, 1)
c1, c2 = symbols("c1 c2")
TURN = [["3/5", "4/5"], ["-4/5", "3/5"]]
P, Q, R = (MatrixSymbol(name, 2, 2) for name in "PQR")
EYE, SWAP, SMALL = [[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 0], [0, 2]]
FRAMES = {"P": EYE, "Q": EYE}
CASES: list[tuple[Any, tuple[Any, ...], dict[str, Any], dict[str, Any]]] = [
    (Orthogonal(A), (A,), {"A": TURN}, {"A": [["3/5", "4/5"], ["-4/5", "3/4"]]}),
    (Orthogonal(U), (U,), {"U": [*TURN, [0, 0]]}, {"U": [*TURN, [1, 0]]}),
    (Psd(S), (S,), {"S": [[1, 1], [1, 1]]}, {"S": [[1, 2], [2, 1]]}),
    (Psd(S, strict=True), (S,), {"S": [[2, 1], [1, 1]]}, {"S": [[1, 1], [1, 1]]}),
    (Psd(A), (A,), {"A": [[1, 0], [0, 0]]}, {"A": [[1, 1], [-1, 1]]}),
    (Diagonal(A), (A,), {"A": [[1, 0], [0, 2]]}, {"A": [[1, 0], [1, 2]]}),
    (Balanced((A, W)), (A, W), {"A": [[1, 0], [0, 0]], "W": [[1, 0]]}, {"A": [[1, 0], [0, 0]], "W": [[0, 1]]}),
    (
        Balanced((A, W), (c1, c2)),
        (A, W, c1, c2),
        {"A": [[2, 0], [0, 0]], "W": [[1, 0]], "c1": 1, "c2": 4},
        {"A": [[2, 0], [0, 0]], "W": [[1, 0]], "c1": 4, "c2": 1},
    ),
    (Critical(norm2(A - B), (A,)), (A, B), {"A": TURN, "B": TURN}, {"A": TURN, "B": [[0, 0], [0, 0]]}),
    (Commute(A, B), (A, B), {"A": TURN, "B": [[1, 2], [-2, 1]]}, {"A": [[1, 0], [0, 2]], "B": TURN}),
    (
        RankAtMost(A, left, right),
        (A, left, right),
        {"A": [[2, 4], [1, 2]], "left": [[2], [1]], "right": [[1, 2]]},
        {"A": [[2, 4], [1, 3]], "left": [[2], [1]], "right": [[1, 2]]},
    ),
    (
        RankAtLeast(A, rows, columns),
        (A, rows, columns),
        {"A": [[2, 4], [1, 2]], "rows": [[1, 0]], "columns": [["1/2"], [0]]},
        {"A": [[0, 0], [0, 0]], "rows": [[1, 0]], "columns": [["1/2"], [0]]},
    ),
    (
        RankExactly(A, left, right, rows, columns),
        (A, left, right, rows, columns),
        {"A": [[2, 4], [1, 2]], "left": [[2], [1]], "right": [[1, 2]], "rows": [[1, 0]], "columns": [["1/2"], [0]]},
        {"A": [[2, 4], [1, 3]], "left": [[2], [1]], "right": [[1, 2]], "rows": [[1, 0]], "columns": [["1/2"], [0]]},
    ),
    (
        Conserved(norm2(A), norm2(A - B) / 2, (A,)),
        (A, B),
        {"A": TURN, "B": TURN},
        {"A": TURN, "B": EYE},
    ),
    (
        WeaklyAligned((A,), (P, Q), (B,)),
        (A, B, P, Q),
        {"A": SWAP, "B": SWAP, **FRAMES},
        {"A": TURN, "B": TURN, **FRAMES},
    ),
    (
        LiterallyAligned((A,), (P, Q), (B,)),
        (A, B, P, Q),
        {"A": TURN, "B": EYE, "P": EYE, "Q": TURN},
        {"A": SWAP, "B": SWAP, **FRAMES},
    ),
    (
        SortedAligned((A,), (P, Q), (B,)),
        (A, B, P, Q),
        {"A": EYE, "B": EYE, **FRAMES},
        {"A": SMALL, "B": SMALL, **FRAMES},
    ),
    (
        StronglyAligned(((A,), (R,)), (P, Q), ((A,), (B,))),
        (A, B, R, P, Q),
        {"A": EYE, "R": SMALL, "B": SMALL, **FRAMES},
        {"A": EYE, "R": SWAP, "B": EYE, **FRAMES},
    ),
]


@pytest.mark.parametrize(("predicate", "variables", "holds", "fails"), CASES, ids=lambda x: type(x).__name__)
def test_encoding(predicate: Any, variables: Any, holds: Any, fails: Any) -> None:
    given = Statement("given", variables, given=(predicate,)).lowered()
    assert kernel.check(at_point(given, holds, "satisfiable")).claim == "satisfiable"
    with pytest.raises(kernel.Rejected):
        kernel.check(at_point(given, fails, "satisfiable"))
    then = Statement("then", variables, then=(predicate,)).lowered()
    assert kernel.check(at_point(then, fails, "refuted")).claim == "refuted"


def test_all_are_tested() -> None:
    assert {type(case[0]).__name__ for case in CASES} == set(predicates())


def test_predicates_are_used_in_proofs() -> None:
    n = symbols("n")
    P, Q = MatrixSymbol("P", n, n), MatrixSymbol("Q", n, n)
    s = Statement("products", (P, Q), (Orthogonal(P), Orthogonal(Q)), (Orthogonal(P * Q),))
    assert prove(s).proved
    assert prove(Statement("powers commute", (P, Q), (Commute(P, Q),), (Commute(P, Q**2),))).proved


def test_leibniz_rule_agrees_with_entries() -> None:
    """Along a direction B, against the derivative of the polynomial in t at t = 0."""
    from sympy import Rational, Trace

    f = Trace(A.T * Q * A) * A[0, 1] + 3 * Trace(DiagonalPart(A) * A**3)
    at = {A: Matrix([[1, 2], [3, 4]]), B: Matrix([[0, 1], [Rational(1, 2), -1]]), Q: Matrix([[1, 1], [0, 2]])}
    t = symbols("t")

    def value(x: Any, a: Any) -> Any:
        diagonal = MatrixSymbol("D", 2, 2)
        plain = x.replace(DiagonalPart, lambda m: diagonal if m == A else m).subs(diagonal, Matrix.diag(a[0, 0], a[1, 1]))
        return plain.subs({**at, A: a}).doit()

    found = lower(along(f, {A: B}))
    exact = evaluate([found], Rational_(), {v.name: matrix(at[v].tolist()) for v in at})[0]
    assert exact == value(f, at[A] + t * at[B]).expand().coeff(t, 1)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InvalidInput, match="weights"):
        Balanced((A, B), (c1,)).conditions()
    with pytest.raises(InvalidInput, match="factors"):
        RankAtMost(A, right, left).conditions()
    with pytest.raises(InvalidInput, match="factors"):
        RankAtLeast(A, columns, rows).conditions()
    with pytest.raises(InvalidInput, match="quantity"):
        along(A.inv(), {A: B})
    assert equal(Matrix([[1]])).relation == "=="
