"""The search finds, shrinks and never refutes what is true: planted counterexamples, known minima, ill-conditioned floats."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sympy import Determinant, Identity, Integer, MatrixSymbol, Rational, Trace, symbols

from numerics.search import search as module
from numerics.search.charts import Chain, Entries, Gram, Orthonormal, Unit
from numerics.search.problem import Problem
from numerics.search.reduction import reductions
from numerics.search.search import search
from numerics.search.simplest import simplest, simplest_between
from theory import kernel
from theory.algebraic_point import AlgebraicPoint, refutes
from theory.dag import var
from theory.expressions import SymmetricSymbol, gradient, norm2
from theory.predicates.balanced import Balanced
from theory.predicates.critical import Critical
from theory.predicates.orthogonal import Orthogonal
from theory.predicates.rank_at_least import RankExactly
from theory.statement import Lowered, Statement, at_least, equal, greater

x, y, z, t = symbols("x y z t")
A, B, C = (MatrixSymbol(name, 2, 2) for name in "ABC")
U, v, w = MatrixSymbol("U", 3, 2), MatrixSymbol("v", 3, 1), MatrixSymbol("w", 1, 3)
S = SymmetricSymbol("S", 3)


def found(s: Statement | Lowered, seed: int = 0, seconds: float = 4.0) -> Any:
    """The exact counterexample: a point, or None; the kernel has accepted it."""
    lowered = s.lowered() if isinstance(s, Statement) else s
    for e in search(lowered, seconds, seed):
        if e.kind == "refuted" and e.certificate is not None:
            assert kernel.check(e.certificate).claim == "refuted"
            return e.certificate["evidence"]["point"]
        if e.kind == "refuted":
            assert e.point is not None and refutes(lowered, AlgebraicPoint.read(e.point))
            return e.point
    return None


# -- charts -------------------------------------------------------------------------------------------------------------

CHAIN = (var("W1", (2, 3)), var("W2", (2, 2)), var("W3", (1, 2)))
BLOCKS = [
    Entries(var("M", (2, 3)), {("M", 0, 1): Fraction(5)}),
    Entries(var("S", (2, 2), symmetric=True)),
    Entries(var("a"), positive=True),
    Orthonormal(var("U", (3, 2))),
    Orthonormal(var("U", (2, 3)), turned=True),
    Gram(var("S", (3, 3), symmetric=True)),
    Unit(var("v", (3, 1))),
    Chain(CHAIN),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: type(b).__name__)
def test_a_chart_is_the_same_in_floats_and_exactly(block: Any) -> None:
    u = np.random.default_rng(1).integers(-4, 5, (3, block.size)) / 2
    floats = block.floats(u)
    for k, row in enumerate(u):
        exact = block.exact([module_fraction(c) for c in row])
        for name, value in exact.items():
            table = (
                [[float(Fraction(str(c))) for c in r] for r in value.table()] if hasattr(value, "table") else float(str(value))
            )
            assert np.allclose(floats[name][k], table, atol=1e-12)


def module_fraction(c: float) -> Any:
    from flint import fmpq

    return fmpq(*Fraction(c).as_integer_ratio())


ON_A_CHART = [
    Statement("columns", (U,), (Orthogonal(U),)),
    Statement("rows", (w,), (equal(w * w.T, Identity(1)),)),
    Statement("unit", (U,), (equal(norm2(U), 1),)),
    Statement("semidefinite", (S,), (at_least(S),)),
    Statement("balanced", (A, B, C), (Balanced((A, B, C)),)),
    Statement("defined", (A, B, C), (Orthogonal(C), equal(A, C * B * C.T))),
    Statement("rank", (A, v := MatrixSymbol("v", 2, 1), w2 := MatrixSymbol("w", 1, 2)), (equal(A, v * w2),)),
    Statement("entries", (A,), (equal(A[0, 1]), equal(2 * A[1, 0], 1))),
]


@pytest.mark.parametrize("s", ON_A_CHART, ids=lambda s: s.name)
def test_every_exact_point_of_a_chart_satisfies_the_hypotheses(s: Statement) -> None:
    reduced = reductions(s.lowered())[0]
    assert not reduced.zeros
    problem, rng = Problem(reduced, violate=False), np.random.default_rng(3)
    for _ in range(5):
        u = [
            Fraction(int(p), int(q)) for p, q in zip(rng.integers(-3, 4, problem.n), rng.integers(1, 4, problem.n), strict=True)
        ]
        assert problem.certificate(u) is not None


def test_simplest_rationals() -> None:
    assert simplest(0.7071, 1e-3) == Fraction(29, 41) and simplest(0.2, 0.5) == 0
    for p, q in ((1, 3), (-7, 5), (22, 7), (0, 1), (355, 113)):
        c = Fraction(p, q)
        low, high = c - Fraction(1, 10**6), c + Fraction(1, 10**6)
        best = min((Fraction(a, b) for b in range(1, q + 1) for a in (int(c * b), int(c * b) + 1, int(c * b) - 1)
                    if low <= Fraction(a, b) <= high), key=lambda f: f.denominator)  # fmt: skip
        assert simplest_between(low, high) == best


# -- discovery: planted counterexamples, from thick to thin --------------------------------------------------------------

n1, n2 = symbols("n1 n2")
PLANTED = [
    Statement("a half plane", (x, y), (), (at_least(x + y),)),
    Statement("a needle of area 3e-6", (x, y), (), (at_least((x - 3) ** 2 + (y - Rational(1, 3)) ** 2, Rational(1, 10**6)),)),
    Statement("a needle on a circle", (x, y), (equal(x**2 + y**2, 1),), (at_least(Rational(1414213, 10**6), x + y),)),
    Statement("a needle on the line", (x, y), (), (at_least((3 * x - 1) ** 2 * (x**2 + 1), Rational(1, 10**20)),)),
    Statement("codimension 1, cuspidal", (x, y), (equal(x**3, y**2), greater(x, 2)), (at_least(5, y),)),
    Statement("codimension 2", (x, y, z), (equal(x * y, z), equal(x + z, 2 * y)), (at_least(z + 3),)),
    Statement("codimension 3, irrational", (x, y, z), (equal(x**2, 2), equal(y, x * z), equal(z**2, 3)), (at_least(3, x + y),)),
    Statement(
        "orthogonal", (U,), (Orthogonal(U),), (at_least(Integer(1), Trace(U.T * U) / 2 + U[0, 0] * U[1, 1] * U[2, 0] / 100),)
    ),
    Statement("balanced", (A, B), (Balanced((A, B)), greater(norm2(B * A))), (equal(A * B, B * A),)),
    Statement("critical", (A, B, C), (Critical(norm2(B * A - C), (A, B)), greater(norm2(B * A))), (equal(B * A, C),)),
    Statement("equality on a circle", (x, y), (equal(x**2 + y**2, 1),), (greater((5 * x + 12 * y) ** 2),)),
    Statement("equality in a strict inequality", (x, y), (greater(x), greater(y)), (greater(x**3 + y**3 + 1, 3 * x * y),)),
]


def discovered(s: Statement, seeds: range) -> int:
    return sum(found(s, seed) is not None for seed in seeds)


@pytest.mark.parametrize("s", PLANTED, ids=lambda s: s.name)
def test_planted_counterexamples_are_found(s: Statement) -> None:
    assert discovered(s, range(2)) == 2


@pytest.mark.thorough
@pytest.mark.parametrize("s", PLANTED, ids=lambda s: s.name)
def test_planted_counterexamples_are_found_from_19_of_20_seeds(s: Statement) -> None:
    assert discovered(s, range(20)) >= 19


def test_the_rank_may_be_given_exactly() -> None:
    L, R, P, Q = MatrixSymbol("L", 2, 1), MatrixSymbol("R", 1, 2), MatrixSymbol("P", 1, 2), MatrixSymbol("Q", 2, 1)
    s = Statement("rank 1", (A, L, R, P, Q), (RankExactly(A, L, R, P, Q),), (equal(A[0, 0]),))
    assert found(s) is not None


# -- shrinking: what is known to be the simplest --------------------------------------------------------------------------

MINIMAL: list[tuple[Statement, dict[str, Any]]] = [
    (Statement("integers", (x, y), (greater(x, 7),), (at_least(-y),)), {"x": 8, "y": 1}),
    (Statement("zero", (x, y), (), (greater(x**2 + y**2),)), {"x": 0, "y": 0}),
    (Statement("one", (x,), (), (equal(x**3, x**2 + x),)), {"x": 1}),
    (Statement("half", (x,), (greater(x), greater(1, x)), (at_least(x**2, x),)), {"x": "1/2"}),
    (Statement("square", (x, y), (equal(x**3, y**2), greater(x, 2)), (at_least(5, y),)), {"x": 4, "y": 8}),
    (Statement("unit matrix", (A,), (), (equal(A),)), {"A": [[1, 0], [0, 0]]}),
    (Statement("two ones", (A,), (equal(A.T, A),), (at_least(A[0, 0] + A[1, 1] - 2 * A[0, 1] ** 2),)), {"A": [[0, 1], [1, 0]]}),
    (Statement("product", (x, y), (equal(x * y, 6), greater(x, 1)), (at_least(1, y),)), {"x": 2, "y": 3}),
    (Statement("sum", (x, y, z), (equal(x + y + z, 1),), (equal(x * y + y * z + z * x + 2),)), {"x": 1, "y": 0, "z": 0}),
    (Statement("reflection", (A,), (Orthogonal(A),), (equal(Determinant(A), 1),)), {"A": [[-1, 0], [0, 1]]}),
]


@pytest.mark.parametrize(("s", "point"), MINIMAL, ids=lambda p: getattr(p, "name", ""))
def test_counterexamples_are_shrunk_to_the_simplest(s: Statement, point: dict[str, Any]) -> None:
    best = sum(sum(map(weight, flat(c))) for c in point.values())
    for seed in range(2):
        got = found(s, seed)
        assert got is not None and sum(sum(map(weight, flat(c))) for c in got.values()) <= best, got


def flat(value: Any) -> list[Any]:
    return [c for row in value for c in row] if isinstance(value, list) else [value]


def weight(c: Any) -> int:
    p = Fraction(c)
    return abs(p.numerator) + p.denominator - 1


# -- irrational points ----------------------------------------------------------------------------------------------------


def test_an_irrational_point_is_exact() -> None:
    W1, W2 = MatrixSymbol("W1", 1, 1), MatrixSymbol("W2", 1, 1)
    loss = (W2 * W1)[0, 0] ** 2 - 4 * (W2 * W1)[0, 0] + norm2(W1) + norm2(W2)
    s = Statement(
        "saddle", (W1, W2), (equal(gradient(loss, W1)), equal(gradient(loss, W2)), greater(norm2(W1))), (equal(W1, -W2),)
    )
    assert found(s) == {"W1": [[1]], "W2": [[1]]}
    cubic = Statement("root", (x, y), (equal(x**3, 2), equal(y, x**2)), (at_least(Rational(3, 2), y),))
    point = found(cubic)
    assert point["root"]["polynomial"] == [-2, 0, 0, 1] and point["point"] == {"x": [0, 1], "y": [0, 0, 1]}


# -- what is true is never refuted ---------------------------------------------------------------------------------------

BIG = 10**12
ILL = [
    Statement("a square of condition 1e12", (x, y), (), (at_least((BIG * x - y) ** 2 + 0 * x),)),
    Statement("a square written out", (x, y), (), (at_least(BIG**2 * x**2 - 2 * BIG * x * y + y**2),)),
    Statement("differs by 1e-9", (x, y), (equal(x + y, Rational(1, 10**9)),), (greater((x + y) * 10**9),)),
    Statement(
        "nearly equal",
        (x, y),
        (equal((BIG + 1) * x - BIG * y, 1), equal(BIG * x - (BIG - 1) * y, 1)),
        (equal(x, 1 - BIG + BIG),),
    ),
    Statement("a strict square", (x, y), (), (greater((x - y) ** 2 + Rational(1, 10**15)),)),
    Statement("the residual is 1e-9", (x,), (equal(x**2, 2),), (at_least(Rational(141421356238, 10**11), x),)),
    Statement("determinants", (A, B), (), (equal(Determinant(A * B * BIG), BIG**2 * Determinant(A) * Determinant(B)),)),
]


@pytest.mark.parametrize("s", ILL, ids=lambda s: s.name)
def test_ill_conditioned_floats_refute_nothing(s: Statement) -> None:
    assert found(s, seconds=0.6) is None


def test_only_the_kernel_makes_a_refutation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Problem, "good", lambda *_: True)
    monkeypatch.setattr(module, "algebraic", lambda *_: None)
    assert found(Statement("true", (x, y), (), (at_least(x**2 + y**2 - x * y),)), seconds=0.5) is None


def test_the_search_keeps_to_its_time() -> None:
    big = [MatrixSymbol(f"W{i}", 6, 6) for i in (1, 2, 3)]
    P = big[2] * big[1] * big[0]
    s = Statement("large", tuple(big), (Balanced(tuple(big)),), (equal(norm2(P), norm2(P.T)),)).lowered()
    start = time.process_time()
    assert found(s, seconds=0.5) is None and time.process_time() - start < 4


def test_a_matrix_that_is_not_symmetric_is_not_semidefinite_in_floats() -> None:
    plain = Problem(reductions(Statement("s", (A,), (at_least(A), greater(A)), (equal(A),)).lowered())[-1])
    points = np.array([[2.0, 1.0, 1.0, 2.0], [2.0, 1.0, -1.0, 2.0], [1.0, 2.0, 2.0, 1.0], [1.0, 2.0 + 1e-9, 2.0, 1.0]])
    assert list(plain.measures(points).feasible()) == [True, False, False, False]


@pytest.mark.parametrize("s", [ILL[1], ILL[6]], ids=lambda s: s.name)
def test_rounding_is_no_suspicion(s: Statement) -> None:
    assert "suspect" not in {e.kind for e in search(s.lowered(), 0.6)}


def test_a_violation_that_cannot_be_made_exact_is_a_suspicion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Problem, "good", lambda *_: False)
    monkeypatch.setattr(module, "algebraic", lambda *_: None)
    events = list(search(Statement("false", (x, y), (), (at_least(x + y),)).lowered(), 0.4))
    (point,) = [e.point for e in events if e.kind == "suspect"][:1]
    assert point["x"] + point["y"] < 0 and "refuted" not in {e.kind for e in events}
