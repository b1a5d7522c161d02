"""Sums of squares: in the entries and in words, with hypotheses, tight ones included; outcomes of the solver are kept apart."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest
from sympy import Identity, MatrixSymbol, Rational, Symbol, Trace, symbols

from theory.expressions import SymmetricSymbol, inner, norm2, quadratic
from theory.provers import Budget, Status, contradictory, gram, positivity
from theory.provers.api import Crashed, DoesNotApply, TimeUp
from theory.provers.process import Worker
from theory.statement import Condition, Statement, at_least, equal, greater

pytest.importorskip("clarabel")
x, y, z, n, m = symbols("x y z n m")
W, V, A = MatrixSymbol("W", n, m), MatrixSymbol("V", n, m), SymmetricSymbol("A", n)
MOTZKIN = x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 + 1
EPS = Rational(1, 10**6)
PLANE: tuple[Symbol, ...] = (x, y)
TRUE: list[tuple[tuple, Condition, tuple[Condition, ...]]] = [
    (PLANE, at_least(x**4 + y**4 - 2 * x**2 * y**2), ()),
    (PLANE, greater(x**2 - x * y + y**2 + 1), ()),
    (PLANE, at_least(MOTZKIN * (x**2 + y**2)), ()),
    (PLANE, at_least(MOTZKIN), ()),
    (PLANE, greater(x * y + x), (greater(x), greater(y))),
    (PLANE, at_least(1 - x * y), (equal(x**2 + y**2, 2),)),
    ((x, y, z), at_least(x**3 + y**3 + z**3 - 3 * x * y * z), (at_least(x), at_least(y), at_least(z))),
    ((W, V), at_least(norm2(W) + norm2(V) - 2 * inner(W, V)), ()),
    ((W, V, A), at_least(quadratic(A, W) + quadratic(A, V) - 2 * Trace(W.T * A * V)), (at_least(A),)),
    ((W, V), at_least(W.T * W + V.T * V - W.T * V - V.T * W), ()),
    ((W, V, x), at_least(x * norm2(W) + x * norm2(V) + 2 * x * inner(W, V)), (at_least(x),)),
    ((W,), at_least(Trace(W.T * W * W.T * W) - 2 * norm2(W) + Trace(Identity(m))), ()),
]
FALSE = [
    (PLANE, at_least(x**4 + y**4 - (2 + EPS) * x**2 * y**2), ()),
    (PLANE, greater(x**4 + y**4 - 2 * x**2 * y**2), ()),
    (PLANE, at_least(MOTZKIN - EPS), ()),
    (PLANE, at_least(Rational(1, 2) - x**2 - y**2), (at_least(1 - x**2 - y**2),)),
    ((W, V), at_least(norm2(W) + norm2(V) - (2 + EPS) * inner(W, V)), ()),
    ((W, V, x), at_least(x * norm2(W) + x * norm2(V) + 2 * x * inner(W, V)), ()),
]


def search(case: tuple) -> Status:
    variables, then, given = case
    return positivity.PROVER(Statement("squares", variables, given, (then,)).lowered(), Budget(10)).status


@pytest.mark.parametrize("case", TRUE, ids=lambda c: str(c[1].expression)[:40])
def test_true(case: tuple) -> None:
    assert search(case) is Status.FOUND


@pytest.mark.parametrize("case", FALSE, ids=lambda c: str(c[1].expression)[:40])
def test_false(case: tuple) -> None:
    assert search(case) in (Status.NOT_FOUND, Status.DOES_NOT_APPLY)


def test_cauchy_schwarz_at_given_sizes() -> None:
    s = Statement("Cauchy-Schwarz", (W, V), (), (at_least(norm2(W) * norm2(V) - inner(W, V) ** 2),))
    assert positivity.PROVER(s.lowered({"n": 3, "m": 1}), Budget(20)).found


CONTRADICTIONS = [
    (at_least(x - 1), at_least(-x)),
    (equal(x**2 + y**2, -1),),
    (equal(x * y, 1), equal(x)),
    (at_least(x - y), at_least(y - x - 1)),
    (greater(x * y), greater(-x), greater(y)),
]


@pytest.mark.parametrize("given", CONTRADICTIONS, ids=str)
def test_contradictions_among_hypotheses(given: tuple[Condition, ...]) -> None:
    assert contradictory(Statement("vacuous", PLANE, given, (equal(x),)).lowered(), Budget(5))[-1].found


@pytest.mark.parametrize("k", range(len(CONTRADICTIONS)))
def test_without_one_hypothesis_there_is_no_contradiction(k: int) -> None:
    given = CONTRADICTIONS[k][1:]
    assert not contradictory(Statement("not vacuous", PLANE, given, (equal(x),)).lowered(), Budget(5))[-1].found


def test_ldl_is_exact() -> None:
    rows = [
        [Fraction(4), Fraction(2), Fraction(0)],
        [Fraction(2), Fraction(1), Fraction(0)],
        [Fraction(0), Fraction(0), Fraction(3)],
    ]
    parts = gram.ldl(rows)
    assert parts is not None
    assert [[sum(d * v[i] * v[j] for d, v in parts) for j in range(3)] for i in range(3)] == rows
    assert gram.ldl([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(5)]]) is None
    assert gram.ldl([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(3)]]) is None


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Worker:
    (tmp_path / "solver_for_test.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Worker("solver_for_test")


def test_a_solver_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = program(tmp_path, monkeypatch, 'import time\nprint("{}", flush=True)\ninput()\ntime.sleep(1000)')
    with pytest.raises(TimeUp, match="no answer"):
        worker.ask({}, Budget(1.0).clock())
    assert worker.process is None


def test_a_solver_that_dies_has_crashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = program(tmp_path, monkeypatch, 'import os\nprint("{}", flush=True)\ninput()\nos.abort()')
    with pytest.raises(Crashed, match="died"):
        worker.ask({}, Budget(5.0).clock())


def test_a_solver_that_is_not_installed_does_not_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = program(tmp_path, monkeypatch, 'print(\'{"missing": "it"}\', flush=True)')
    with pytest.raises(DoesNotApply, match="it is not installed"):
        worker.ask({}, Budget(5.0).clock())


def test_the_ends_of_a_search_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    s = Statement("squares", PLANE, (), (at_least(x**2 + y**2 - 2 * x * y),)).lowered()
    for end, status in ((TimeUp, Status.TIMED_OUT), (Crashed, Status.CRASHED), (DoesNotApply, Status.DOES_NOT_APPLY)):

        def fail(*_: object, end: type = end) -> None:
            raise end("as told")

        monkeypatch.setattr(gram.SOLVER, "ask", fail)
        out = positivity.PROVER(s)
        assert (out.status, out.found, out.detail) == (status, None, "as told")


@pytest.mark.skipif(sys.platform != "linux", reason="a memory limit that counts is set on Linux")
def test_a_solver_has_a_memory_limit() -> None:
    s = Statement("squares", PLANE, (), (at_least(x**2 + y**2 - 2 * x * y),)).lowered()
    gram.SOLVER.kill()
    out = positivity.PROVER(s, Budget(10, memory=1 << 26))
    gram.SOLVER.kill()
    assert out.status is Status.CRASHED
