"""Batched samplers: what they promise holds to rounding, and their laws are those that their docstrings name."""

import time
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from numerics import sampling
from theory.errors import InvalidInput

N = 20_000


def close(x, y, tolerance=1e-12):
    assert np.abs(x - y).max() <= tolerance * max(1.0, np.abs(x).max())


def normal(samples, seed_level=1e-4):
    return stats.kstest(samples, "norm").pvalue > seed_level


# -- what holds in every instance ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 3, 2), (4, 2, 3, 5), (3, 3, 3, 3), (5, 1, 4)])
def test_balanced_and_aligned_layers(widths):
    for left, right in pairwise(sampling.balanced(widths, 200, seed=1)):
        close(right.mT @ right, left @ left.mT)
    layers = sampling.aligned(widths, 200, seed=1)
    for left, right in pairwise(layers):
        a, b = left @ left.mT, right.mT @ right
        close(a @ b, b @ a, 1e-10)
    assert [x.shape for x in layers] == [(200, r, c) for c, r in pairwise(widths)]
    loose = [np.abs(r.mT @ r - w @ w.mT).max((1, 2)).min() for w, r in pairwise(layers)]
    assert min(loose) > 1e-9  # aligned, and not balanced


@pytest.mark.parametrize("n", [1, 2, 3, 6, 12])
def test_orthogonal_matrices(n):
    q = sampling.orthogonal(n, 500, seed=2)
    close(q.mT @ q, np.eye(n))


@pytest.mark.parametrize(("rows", "cols", "rank"), [(3, 4, 2), (2, 2, 0), (5, 3, 3), (1, 6, 1)])
def test_rank(rows, cols, rank):
    a = sampling.of_rank(rows, cols, rank, 300, seed=3)
    assert (np.linalg.matrix_rank(a, rtol=1e-10) == rank).all()


@pytest.mark.parametrize(
    ("widths", "modes"), [((2, 2, 2), 1), ((3, 2, 4), 1), ((3, 4, 3, 3), 2), ((2, 3, 2), 2), ((2, 2, 2), 0)]
)
def test_critical_points(widths, modes):
    found = sampling.critical(widths, modes, 200, seed=4)
    total = found.layers[0]
    for w in found.layers[1:]:
        total = w @ total
    residual = total - found.A
    for i in range(len(found.layers)):
        above, below = np.eye(widths[-1]), np.eye(widths[0])
        for w in found.layers[:i:-1]:
            above = above @ w
        for w in found.layers[:i]:
            below = w @ below
        close(above.mT @ residual @ below.mT, 0.0, 1e-11)
    assert (np.linalg.matrix_rank(total, rtol=1e-9) == modes).all()
    fitted = np.abs(residual).max((1, 2)) < 1e-9
    assert fitted.all() if modes == min(widths[0], widths[-1]) else not fitted.any()


def test_moments_are_those_of_data():
    m = sampling.moments(3, 5, 400, seed=5)
    whole = np.block([[m.A, m.g], [m.g.mT, m.Y[:, None, None]]])
    assert np.linalg.eigvalsh(whole).min() > -1e-12
    assert (np.linalg.matrix_rank(sampling.moments(4, 2, 50).A, rtol=1e-10) == 2).all()


# -- laws ---------------------------------------------------------------------------------------------------------------


def test_gaussian_layers_have_their_law():
    first, second = sampling.gaussian((2, 3, 1), N, seed=6)
    for w in (first, second):
        assert normal((w * w.shape[2] ** 0.5).ravel()[: 3 * N])
    assert abs(np.corrcoef(first[:, 0, 0], first[:, 2, 1])[0, 1]) < 5 * N**-0.5


def test_orthogonal_matrices_are_haar():
    """An entry of a Haar matrix has x^2 ~ Beta(1/2, (n-1)/2), all signs alike; the law is invariant under a fixed rotation."""
    n = 3
    q = sampling.orthogonal(n, N, seed=7)
    turn = sampling.orthogonal(n, 1, seed=8)[0]
    for x in (q, turn @ q, q @ turn):
        for i, j in ((0, 0), (2, 1), (1, 2)):
            assert stats.kstest(x[:, i, j] ** 2, stats.beta(0.5, (n - 1) / 2).cdf).pvalue > 1e-4
            assert abs(np.sign(x[:, i, j]).mean()) < 5 * N**-0.5
    assert abs(np.linalg.det(q).mean()) < 5 * N**-0.5


def test_the_haar_test_can_fail():
    """LAPACK's QR without the sign correction is not Haar."""
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((N, 3, 3)))[0]
    assert abs(np.sign(q[:, 0, 0]).mean()) > 0.5


def test_singular_values_of_balanced_layers_are_half_normal():
    (w, _) = sampling.balanced((2, 3, 2), N, seed=9)
    s = np.linalg.svd(w, compute_uv=False)
    assert stats.kstest(s.ravel(), stats.halfnorm.cdf).pvalue > 1e-4


def test_matrices_of_given_rank_have_unit_variance():
    a = sampling.of_rank(3, 4, 2, N, seed=10)
    assert abs(a.var() - 1) < 0.02 and abs(a.mean()) < 0.01


def test_moments_have_their_means():
    m = sampling.moments(2, 3, N, seed=11)
    close(m.A.mean(0), np.eye(2), 0.05)
    close(m.g.mean(0), np.zeros((2, 1)), 0.05)
    assert abs(m.Y.mean() - 1) < 0.05


# -- behaviour ----------------------------------------------------------------------------------------------------------


def test_the_seed_decides():
    a, b, c = (sampling.balanced((2, 2, 2), 5, seed=s) for s in (0, 0, 1))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True)) and not np.array_equal(a[0], c[0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: sampling.gaussian((2,), 3),
        lambda: sampling.gaussian((2, 0), 3),
        lambda: sampling.gaussian((2, 2), 0),
        lambda: sampling.of_rank(2, 2, 3, 1),
        lambda: sampling.critical((2, 2, 2), 3, 1),
        lambda: sampling.critical((2, 2), 1, 1),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(InvalidInput):
        call()


def test_gaussian_layers_at_volume():
    """A tenth of what `benchmarks/kernels.py` measures, so that a busy machine does not fail the test."""
    start = time.process_time()
    sampling.gaussian((4, 4, 4), 200_000)
    assert 200_000 / (time.process_time() - start) > 1e5
