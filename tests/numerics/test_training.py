"""Training from many starts: it never gets below the closed form, and it gets there."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.minimum import Moments, minimise, noise_averaged_loss
from numerics.training import pack, train, unpack
from theory.errors import InvalidInput


def problem(seed: int):
    """A random consistent problem: depth 1 to 4, a singular second moment every third time, mixed decay and noise."""
    rng = np.random.default_rng(seed)
    hidden, features = seed % 4, int(rng.integers(1, 5))
    x = rng.normal(size=(features - 1 or 1 if seed % 3 == 0 else features + 3, features)) * 3.0 ** rng.normal(size=features)
    moments = Moments.from_data(x, x @ rng.normal(size=features) + rng.normal(size=len(x)))
    options = {"decay": 10 ** rng.uniform(-3, 0, hidden + 1), "noise": rng.choice([0.0, 0.3, 1.0], hidden)}
    return moments, (features, *rng.integers(1, 5, hidden).tolist(), 1), options


@pytest.mark.parametrize("seed", range(24))
def test_no_start_ends_below_the_closed_form_and_the_best_reaches_it(seed):
    moments, widths, options = problem(seed)
    found = minimise(moments, widths, **options)
    result = train(moments, widths, starts=6, near=found.weights(), seed=seed, **options)
    scale = max(1.0, moments.target)
    assert result.best_loss >= found.loss - 1e-10 * scale
    assert result.best_loss <= found.loss + 1e-9 * scale
    assert noise_averaged_loss(result.best, moments, **options) == pytest.approx(result.best_loss, rel=1e-12)


def test_random_starts_end_at_the_listed_local_minima():
    """Four roots: zero, a bad nonzero minimum and the global one all catch some starts, and nothing else does."""
    moments, options = Moments.from_moments(np.diag([1.0, 100.0]), [1.0, 3.5], 2.0), {"decay": [1, 1, 0.1]}
    found = minimise(moments, (2, 1, 1, 1), **options)
    predicted = np.array([point.loss for point in found.local_minima])
    ends = np.array(train(moments, (2, 1, 1, 1), starts=60, **options).losses)
    nearest = np.abs(ends[:, None] - predicted).argmin(axis=1)
    assert np.abs(ends - predicted[nearest]).max() < 1e-7
    assert set(nearest.tolist()) == {0, 1, 2}


def test_training_near_a_bad_minimum_stays_there():
    moments, options = Moments.from_moments(np.diag([1.0, 100.0]), [1.0, 3.5], 2.0), {"decay": [1, 1, 0.1]}
    found = minimise(moments, (2, 1, 1, 1), **options)
    bad = found.local_minima[1]
    result = train(moments, (2, 1, 1, 1), starts=0, near=found.weights(at=bad), **options)
    assert found.loss + 1e-3 < bad.loss < moments.target
    assert result.losses == (pytest.approx(bad.loss, abs=1e-10),)


def test_same_seed_same_result():
    moments, widths, options = problem(2)
    first, second, other = (train(moments, widths, starts=3, seed=s, **options) for s in (5, 5, 6))
    assert first.losses == second.losses and first.evaluations == second.evaluations
    assert not np.array_equal(pack(first.best), pack(other.best))


def test_pack_and_unpack_are_inverse():
    layers = [np.arange(6.0).reshape(3, 2), np.arange(3.0).reshape(1, 3)]
    assert all(np.array_equal(a, b) for a, b in zip(unpack(pack(layers), (2, 3, 1)), layers, strict=True))


@pytest.mark.parametrize(
    ("options", "argument"), [({"starts": 0}, "starts"), ({"starts": -1}, "starts"), ({"near": [np.ones((1, 1))]}, "near")]
)
def test_bad_arguments_are_named(options, argument):
    with pytest.raises(InvalidInput) as caught:
        train(Moments.from_moments([[1]], [1], 1), (1, 2, 1), decay=1.0, **options)
    assert caught.value.argument == argument
