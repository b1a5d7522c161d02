"""Exact points: found, simple, accepted by the kernel; and `prove` as a whole."""

from __future__ import annotations

from fractions import Fraction

import pytest
from sympy import Identity, MatrixSymbol, Rational, Symbol, symbols

from theory import kernel
from theory.certificates import prove as step
from theory.certificates import statement as written
from theory.expressions import SymmetricSymbol, gradient, norm2
from theory.provers import Budget, Status, prove, prove_at_small_widths, provers
from theory.provers.points import at_sizes, counterexample, definite, witness
from theory.statement import Statement, at_least, equal, greater
from theory.theorems.minima.setting import Setting

x, y, n = symbols("x y n")
A, B, S = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n), SymmetricSymbol("S", n)


def test_a_stationary_point_of_a_noisy_network_is_found() -> None:
    s = Setting((2, 2, 1))
    given = (*(equal(gradient(s.loss, W)) for W in s.layers), *s.hypotheses, greater(norm2(s.layers[0])))
    out = witness(Statement("stationary", s.variables, given).lowered(), Budget(20))
    assert out.found and kernel.check(out.found).claim == "satisfiable"


def test_widths_are_chosen_where_they_are_symbolic() -> None:
    out = counterexample(Statement("commute", (A, B), (), (equal(A * B, B * A),)).lowered())
    assert out.found and kernel.check(out.found).claim == "refuted"
    assert out.found["statement"]["variables"]["A"]["shape"] == [2, 2]


def test_points_are_shrunk() -> None:
    out = counterexample(Statement("square", (x, y), (greater(x - 7),), (at_least(-y),)).lowered())
    assert out.found and out.found["evidence"]["point"] == {"x": 8, "y": 1}


def test_nothing_is_found_where_nothing_is() -> None:
    true = Statement("true", (x, y), (), (at_least(x**2 + y**2),)).lowered()
    assert counterexample(true, Budget(2)).status is Status.NOT_FOUND
    empty = Statement("empty", (x,), (equal(x**2, 2),), ()).lowered()
    assert witness(empty, Budget(2)).status is Status.NOT_FOUND
    assert counterexample(true, Budget(0.0)).status is Status.TIMED_OUT


def test_the_statement_at_sizes_is_the_one_that_was_written() -> None:
    s = Statement("sizes", (A, S), (at_least(S),), (equal(A.T * S * A, Identity(n)),))
    assert at_sizes(s.lowered(), {"n": 2}) == s.lowered({"n": 2})


@pytest.mark.parametrize("seed", range(20))
def test_definite_agrees_with_the_kernel(seed: int) -> None:
    from random import Random

    rng = Random(seed)
    rows = [[Fraction(rng.randint(-2, 2)) for _ in range(3)] for _ in range(rng.randint(1, 4))]
    psd = [[sum((r[i] * r[j] for r in rows), Fraction(0)) for j in range(3)] for i in range(3)]
    indefinite = [[c - Fraction(i == j) for j, c in enumerate(row)] for i, row in enumerate(psd)]
    known = kernel.Algebra({})
    for table in (psd, indefinite):
        for strict in (False, True):
            assert definite(table, strict) == known.definite([list(r) for r in table], strict)


# -- the whole ----------------------------------------------------------------------------------------------------------


def test_conclusions_are_joined_and_the_first_helps_the_second() -> None:
    given = (at_least(x), equal(y**2, x))
    s = Statement("two", (x, y), given, (at_least(x**3 - 3 * x + 2), equal(y**4, x**2)))
    proof = prove(s)
    assert proof.proved and kernel.check(proof.certificate, written(s.lowered())[0]).claim == "proved"
    assert {o.prover for o in proof.outcomes if o.found} >= {"univariate", "joined", "points"}


def test_no_witness_no_proof() -> None:
    s = Statement("needs an irrational", (x,), (equal(x**2, 2),), (equal(x**4, 4),))
    proof = prove(s, budget=Budget(1))
    assert proof.certificate and not proof.proved and not proof.vacuous


def test_a_proof_at_small_widths_says_its_widths() -> None:
    s = Statement("right inverse", (A,), (equal(A.T * A, Identity(n)),), (equal(A * A.T, Identity(n)),))
    assert not prove(s, budget=Budget(2)).proved
    assert [p.scope for p in prove_at_small_widths(s)] == ["A 1x1", "A 2x2"]


def test_contradictory_hypotheses_are_vacuous() -> None:
    proof = prove(Statement("vacuous", (x,), (greater(x), greater(-x)), (equal(x),)), budget=Budget(1))
    assert proof.vacuous and not proof.proved
    assert kernel.check(proof.contradiction).claim == "contradictory"


def test_explicit_steps_and_witnesses_are_checked() -> None:
    s = Statement("given", (x,), (greater(x),), (greater(2 * x),))
    from theory.expressions import known

    right, wrong = step(">", 2 * x, 2 * known(x)), step(">", 2 * x, 3 * known(x))
    assert prove(s, [right], witness={"x": Rational(1, 2)}).proved
    assert not prove(s, [wrong], witness={"x": 1}).proved
    assert not prove(s, [right], witness={"x": 0}).proved


def test_provers_are_found_cheapest_first() -> None:
    costs = [p.cost for p in provers()]
    assert costs == sorted(costs) and len({p.name for p in provers()}) == len(costs) >= 5


def test_an_outcome_reads_as_a_sentence() -> None:
    s = Statement("not found", (Symbol("t"),), (), (equal(Symbol("t")),)).lowered()
    assert "not found within the bounds (" in str(provers()[0](s))
