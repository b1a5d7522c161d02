"""Draws keep their laws and repeat from their seeds; a replayed instance is the float instance, exactly."""

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from sympy import MatrixSymbol, Symbol, Trace

from numerics.draws import Degenerate, ExactDraw, FloatDraw, ReplayedDraw
from numerics.evidence import holds
from theory.errors import InvalidInput
from theory.theorems.minima.setting import Setting

NET = Setting((2, 3, 1))
X, B = MatrixSymbol("X", 2, 2), MatrixSymbol("B", 2, 1)


def same(a, b):
    return all(np.array_equal(np.asarray(a[k]), np.asarray(b[k])) if isinstance(a[k], np.ndarray) else a[k] == b[k] for k in a)


@pytest.mark.parametrize("make", [ExactDraw, lambda seed: FloatDraw(seed, 5)])
def test_the_same_seed_gives_the_same_instance(make):
    assert same(NET.draw(make(4)), NET.draw(make(4)))
    assert not same(NET.draw(make(4)), NET.draw(make(5)))


def test_exact_draws_keep_their_laws():
    d = ExactDraw(0)
    scalars = [d.scalar() for _ in range(300)]
    assert {int(x.q) for x in scalars} == {1, 2, 3} and max(scalars) == 3 and min(scalars) == -3
    assert all(d.positive() > 0 for _ in range(100))
    assert 10 < sum(d.nonnegative() == 0 for _ in range(100)) < 45
    assert {d.integer(2, 4) for _ in range(50)} == {2, 3, 4}
    assert {abs(x) for row in d.sign(3, 4).tolist() for x in row} == {1}
    assert {d.psd(3).rank() for _ in range(50)} >= {1, 2, 3}
    assert all(holds(">=", d.psd(3)) and d.psd(3, rank=1).rank() <= 1 for _ in range(20))


def test_float_draws_keep_their_laws():
    d = FloatDraw(0, 20_000)
    assert abs(d.scalar().mean()) < 0.03 and abs(d.matrix(1, 1).std() - 1) < 0.03
    assert (d.positive() > 0).all() and 0.2 < (d.nonnegative() == 0).mean() < 0.3
    assert set(np.unique(d.sign(1, 2))) == {-1.0, 1.0}
    ranks = np.linalg.matrix_rank(d.psd(3), tol=1e-9, hermitian=True)
    assert all(abs((ranks == k).mean() - 1 / 3) < 0.03 for k in (1, 2, 3))
    assert np.linalg.matrix_rank(d.psd(4, rank=2)[:50], tol=1e-9).max() == 2


def test_values_agree_between_exact_and_floats():
    point = {"X": [[1, 2], [3, 5]], "t": Fraction(1, 2)}
    e = Symbol("t") * Trace(X.T * X * X)
    exact = ExactDraw(0).value(e, {"X": fmpq_mat([[1, 2], [3, 5]]), "t": fmpq(1, 2)})
    floats = FloatDraw(0, 3).value(e, {"X": np.array([point["X"]] * 3, dtype=float), "t": 0.5})
    assert floats.tolist() == [float(Fraction(str(exact)))] * 3


def test_solutions_satisfy_their_equations():
    d, f = ExactDraw(1), FloatDraw(1, 50)
    env = {"X": fmpq_mat([[2, 1], [1, 3]]), "B": d.matrix(2, 1)}
    assert env["X"] * d.solve(X, B, env) == env["B"]
    floats = {"X": f.matrix(2, 2), "B": f.matrix(2, 1)}
    np.testing.assert_allclose(floats["X"] @ f.solve(X, B, floats), floats["B"], rtol=1e-9, atol=1e-9)
    assert d.solve(Symbol("a"), Symbol("b"), {"a": fmpq(2), "b": fmpq(1)}) == fmpq(1, 2)
    assert f.solve(Symbol("a"), Symbol("b"), {"a": np.full(50, 2.0), "b": np.ones(50)}).tolist() == [0.5] * 50


def test_singular_equations_are_degenerate_or_not_finite():
    zero = fmpq_mat(2, 2)
    with pytest.raises(Degenerate):
        ExactDraw(0).solve(zero, fmpq_mat(2, 1), {})
    with pytest.raises(Degenerate):
        ExactDraw(0).solve(Symbol("a"), Symbol("b"), {"a": fmpq(0), "b": fmpq(1)})
    a = np.stack([np.eye(2), np.zeros((2, 2))])
    x = FloatDraw(0, 2).solve(a, np.ones((2, 2, 1)), {})
    assert x[0].tolist() == [[1.0], [1.0]] and np.isnan(x[1]).all()


def test_moments_come_from_data_and_are_consistent():
    for seed in range(20):
        v = NET.draw(ExactDraw(seed))
        rows = [[*a, g[0]] for a, g in zip(v["A"].tolist(), v["g"].tolist(), strict=True)]
        assert holds(">=", fmpq_mat([*rows, [*(g[0] for g in v["g"].tolist()), v["Y"]]]))


def test_a_replay_is_the_float_instance_and_coarse_replays_are_readable():
    batch = NET.draw(FloatDraw([7, 1], 9))
    for index in (0, 8):
        exact = NET.draw(ReplayedDraw([7, 1], 9, index))
        for name, value in batch.items():
            mine = exact[name].tolist() if isinstance(exact[name], fmpq_mat) else exact[name]
            np.testing.assert_allclose(np.array(mine, dtype=float), value[index], rtol=1e-12, atol=1e-12)
    coarse = ReplayedDraw([7, 1], 9, 0, bits=1)
    assert all(int(x.q) in (1, 2) for row in coarse.matrix(3, 3).tolist() for x in row)
    assert all(ReplayedDraw(0, 40, i, bits=0).positive() >= 1 for i in range(40))
    assert ReplayedDraw(3, 4, 2).integer(0, 99) == FloatDraw(3, 4).integer(0, 99)
    assert (np.array(ReplayedDraw(3, 4, 2).sign(2, 2).tolist(), dtype=float) == FloatDraw(3, 4).sign(2, 2)[2]).all()
    assert holds(">=", ReplayedDraw(3, 4, 2).psd(3))
    assert ReplayedDraw(3, 4, 2).nonnegative() >= 0


def test_an_empty_batch_is_refused():
    with pytest.raises(InvalidInput, match="batch"):
        FloatDraw(0, 0)
