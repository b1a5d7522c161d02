"""Mutants are other statements, well-shaped, each once; and they say what they changed."""

from itertools import islice

import pytest
from sympy import Identity, MatrixSymbol, Symbol, symbols

from theory import dag
from theory.expressions import gradient, norm2
from theory.mutation import OPERATORS, mutants, sites, spread
from theory.predicates.orthogonal import Orthogonal
from theory.predicates.rank_at_most import RankAtMost
from theory.provers.points import counterexample
from theory.statement import Statement, at_least, equal, greater

SHAPED = ("transpose", "swap")
n, m, k = symbols("n m k")
x, y, c = symbols("x y c")
A, B, Q = (MatrixSymbol(name, n, n) for name in "ABQ")


def found(*args):
    return list(mutants(Statement("s", *args).lowered()))


def changes(*args):
    return [m.change for m in found(*args)]


def test_every_mutant_is_another_statement_and_each_is_there_once():
    s = Statement(
        "s", (A, B, x), (greater(x), equal(A * B, B * A)), (at_least(x * norm2(A * B), 3), equal(A * B * A, A * A * B))
    )
    lowered = s.lowered()
    keys = [(m.statement.given, m.statement.then) for m in mutants(lowered)]
    assert len(set(keys)) == len(keys) > 10 and (lowered.given, lowered.then) not in keys


def test_operators_on_an_inequality_go_where_more_is_claimed():
    got = changes((x, y), (greater(y),), (at_least(2 * x**2 - 3 * y + 1),))
    assert "conclusion 1: > for >=" in got and "hypothesis 1 dropped" in got
    assert "conclusion 1: coefficient 1 for 2" in got and "conclusion 1: coefficient -4 for -3" in got
    assert "conclusion 1: coefficient -2 for -3" not in got and "hypothesis 1: >= for >" not in got
    assert "hypothesis 1: >= for >" in changes((x, y), (greater(y),), (greater(2 * x**2 + y),))


def test_transposes_and_swaps_act_at_given_sizes():
    W, V = MatrixSymbol("W", m, n), MatrixSymbol("V", k, m)
    got = [m for m in found((W, V), (equal(W * W.T, Identity(m)),), (equal(V * W * W.T, V),)) if m.operator in SHAPED]
    assert {m.operator for m in got} == {"transpose", "swap"} and all(m.statement.dims == () for m in got)
    assert not [m for m in found((W, V), (), (equal(V * W * W.T, V),)) if m.operator == "swap"], "a renaming"
    square = MatrixSymbol("V", 2, 3)
    assert not [
        m for m in found((square,), (), (equal(square * square.T, Identity(2)),)) if m.operator in ("transpose", "swap")
    ]


def test_both_equations_of_an_orthogonal_matrix_go_together():
    dropped = [m for m in found((Q, A, x), (Orthogonal(Q), greater(x)), (equal(Q * A, A),)) if m.operator == "drop"]
    assert [(m.change, len(m.statement.given)) for m in dropped] == [
        ("hypotheses 1 and 2 dropped", 1),
        ("hypothesis 3 dropped", 2),
    ]


def test_the_rank_of_a_factorisation_grows_by_one():
    M, L, R = MatrixSymbol("M", 3, 3), MatrixSymbol("L", 3, 1), MatrixSymbol("R", 1, 3)
    (mutant,) = [m for m in found((M, L, R), (RankAtMost(M, L, R),), (equal(M * M, M),)) if m.operator == "rank"]
    assert mutant.change == "hypothesis 1: rank 2 for 1"
    assert [v.shape for v in mutant.statement.variables] == [(3, 3), (3, 2), (2, 3)]


def test_one_gradient_changes_at_a_time():
    """The same change in both gradients would be the theorem for another loss."""
    W, V, D = MatrixSymbol("W", m, n), MatrixSymbol("V", k, m), MatrixSymbol("D", k, n)
    loss = norm2(V * W - D)
    s = Statement("balance", (W, V, D), then=(equal(V.T * gradient(loss, V), gradient(loss, W) * W.T),)).lowered()
    under = [mutant for mutant in mutants(s) if "in the gradient by" in mutant.change]
    assert {"W", "V"} == {mutant.change.rsplit(" ", 1)[1] for mutant in under}
    coefficient = next(mutant for mutant in under if mutant.operator == "coefficient")
    assert counterexample(coefficient.statement).found


def test_decay_can_be_dropped():
    W, V, lam = MatrixSymbol("W", 1, 1), MatrixSymbol("V", 1, 1), Symbol("lam")
    loss = norm2(V * W) + lam * norm2(W) + lam * norm2(V)
    s = Statement("s", (W, V, lam), then=(equal(gradient(loss, W), 2 * V.T * V * W + 2 * lam * W),)).lowered()
    assert any(mutant.operator == "summand" and "gradient" in mutant.change for mutant in mutants(s))


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_spread_takes_the_operators_in_turn(count):
    s = Statement("s", (A, B, x), (greater(x),), (equal(A * B + x * A, B * A + 2 * x * A - A), greater(x**2 + 1))).lowered()
    chosen = [mutant.operator for _, mutant in islice(spread(sites(s)), count)]
    assert len(chosen) == count
    kinds = {mutant.operator for mutant in mutants(s)}
    assert len(set(chosen)) == min(count, len(kinds)) and set(chosen) <= set(OPERATORS)


def test_equations_are_dropped_before_inequalities():
    given = (greater(x), at_least(y), equal(x * y, c), equal(c, 2))
    s = Statement("s", (x, y, c), given, (equal(x * y, 2),)).lowered()
    dropped = [mutant.change for _, mutant in spread(sites(s)) if mutant.operator == "drop"]
    assert sorted(dropped[:2]) == ["hypothesis 3 dropped", "hypothesis 4 dropped"] and len(dropped) == 4


def test_operators_begin_at_different_places():
    s = Statement("s", (A, B), (), tuple(equal(A**k + k * B * A, B * A) for k in range(2, 9))).lowered()
    first = [mutant.change for _, mutant in islice(spread(sites(s)), 5)]
    assert len({change.split(":")[0] for change in first if change.startswith("conclusion")}) >= 3


def test_mutants_of_true_statements_die():
    """A statement that is sharp in all of its parts: every mutant has a counterexample."""
    s = Statement("s", (A, B), (), (equal((A * B).T * 2, 2 * B.T * A.T),)).lowered()
    assert all(counterexample(mutant.statement).found for mutant in mutants(s))
    assert dag.sub(s.then[0][1], s.then[0][1]) is dag.zero(s.then[0][1].shape)
