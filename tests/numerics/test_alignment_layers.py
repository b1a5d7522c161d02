"""`numerics.alignment`: which notions hold, bases and cores, residuals against factor norms, trajectories, bad input."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.alignment import NOTIONS, Alignment, StrongAlignment, alignment, commutator_residual, horn_gap, strong_alignment
from numerics.alignment_minimum import balanced_minimum, least_squares_minimum, loss
from numerics.experiments.alignment_problems import aligned_layers, gaussian_layers, orthogonal, random_widths
from theory.errors import InvalidInput

EYE = np.eye(2)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def defect(layers: Any, found: Alignment) -> float:
    frames = [float(np.linalg.norm(Q.T @ Q - np.eye(len(Q)))) for Q in found.bases]
    pairs = zip(layers, found.cores, pairwise(found.bases), strict=True)
    return max(*frames, *(float(np.linalg.norm(b @ S @ a.T - W)) for W, S, (a, b) in pairs))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(NOTIONS))
def test_aligned_layers_are_recognised_with_bases(seed: int, notion: Any) -> None:
    layers = aligned_layers(rng(seed), random_widths(rng(seed), 1 + seed % 5, 6), notion)
    found = alignment(layers, notion)
    assert found.aligned is True
    assert defect(layers, found) < 1e-11 and found.residual < 1e-13
    for S in found.cores:
        big = np.abs(S) > 1e-9 * max(1.0, float(np.abs(S).max()))
        assert big.sum(0).max() <= 1 and big.sum(1).max() <= 1
        if notion != "weak":
            assert not np.any(big & ~np.eye(*S.shape, dtype=bool))
        if notion == "sorted":
            d = np.diagonal(S)
            assert np.all(d >= -1e-9) and np.all(np.diff(d) <= 1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_gaussian_layers_are_not_aligned(seed: int) -> None:
    found = alignment(gaussian_layers(rng(seed), [3, 3, 3]))
    assert dict(found.holds) == {"weak": False, "literal": False, "sorted": False}
    for Q in found.bases:
        assert np.allclose(Q.T @ Q, np.eye(len(Q)))


def test_the_notions_differ() -> None:
    unsorted = alignment([np.diag([2.0, 1]), np.diag([1.0, 2])], "sorted")
    assert unsorted.holds == {"weak": True, "literal": True, "sorted": False}
    assert unsorted.horn > 0.1 and unsorted.aligned is False
    weak = alignment([[[1.0], [0.0]], [[0.0, 1.0]]], "literal")
    assert weak.holds == {"weak": True, "literal": False, "sorted": False}
    assert weak.distances["weak"] == 0 and weak.distances["literal"] >= 0.5
    assert "weak: yes" in str(weak) and "literal: no" in str(weak)


def test_commutators_of_layers_that_are_not_neighbours_count() -> None:
    layers = [np.diag([1.0, 2]), EYE, np.array([[1.0, 0], [1, 1]])]
    assert alignment(layers[:2]).aligned and alignment(layers[1:]).aligned
    assert alignment(layers).aligned is False


def test_a_product_that_is_exactly_zero_leaves_no_noise() -> None:
    """Dividing by the norm of the product instead of its factors' norms would report a residual of order 1."""
    R, Q = orthogonal(rng(1), 4), orthogonal(rng(2), 4)
    layers = [R @ np.diag([1.0, 1, 0, 0]) @ Q, Q @ np.diag([0.0, 0, 1, 1]) @ R.T]
    product = layers[1] @ layers[0]
    assert 0 < np.linalg.norm(product) < 1e-14
    found = alignment(layers)
    assert found.residual < 1e-14 and found.aligned


def test_repeated_and_zero_singular_values() -> None:
    Q = [orthogonal(rng(k), 5) for k in range(4)]
    values = [[2.0, 2, 2, 0, 0], [1, 1, 1, 1, 0], [3, 1, 1, 0, 5]]
    layers = [Q[i + 1] @ np.diag(v) @ Q[i].T for i, v in enumerate(values)]
    found = alignment(layers, "literal")
    assert found.aligned and defect(layers, found) < 1e-13
    zero = alignment([np.zeros((3, 2)), np.ones((1, 3))], "sorted")
    assert zero.aligned and zero.residual == 0


def test_perturbed_layers_are_aligned_at_their_tolerance_only() -> None:
    layers = aligned_layers(rng(4), (4, 4, 4, 4), "sorted")
    moved = [W + 1e-6 * rng(5).standard_normal(W.shape) for W in layers]
    assert alignment(moved).aligned is False
    near = alignment(moved, "weak", tolerance=1e-3)
    assert near.aligned and 1e-9 < near.distances["weak"] < 1e-3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(NOTIONS), st.floats(-9, -1))
def test_layers_within_the_tolerance_of_aligned_ones_are_never_refused(seed: int, notion: Any, power: float) -> None:
    size = 10.0**power
    moved = []
    for W in aligned_layers(rng(seed), random_widths(rng(seed), 1 + seed % 5, 5), notion):
        E = rng(seed + 1).standard_normal(W.shape)
        moved.append(W + E / np.linalg.norm(E) * size * np.linalg.norm(W, 2))
    assert alignment(moved, notion, tolerance=1.0001 * size / (1 - size)).aligned is not False


def test_singular_values_that_nearly_coincide() -> None:
    """Between a tie and a gap: the bases are chosen so that the layers are met as closely as possible."""
    Q = [orthogonal(rng(k), 3) for k in range(3)]
    for gap in (0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3):
        layers = [Q[1] @ np.diag([1 + gap, 1, 1 - gap]) @ Q[0].T, Q[2] @ np.diag([3.0, 2, 1]) @ Q[1].T]
        assert alignment(layers, "sorted", 1e-6).aligned is True, gap


def test_undecided_is_said() -> None:
    layers = [np.diag([1 + 1e-9, 1.0]), EYE + 1e-2 * np.array([[0.0, 1], [1, 0]])]
    found = alignment(layers, tolerance=1e-10)
    assert found.holds["weak"] is None or found.residual > 4e-10
    assert alignment(layers, tolerance=1e-8).aligned


def test_torch_and_float32() -> None:
    torch = pytest.importorskip("torch")
    layers = aligned_layers(rng(6), (3, 4, 2), "sorted")
    tensors = [torch.tensor(W, dtype=torch.float32, requires_grad=True) for W in layers]
    found = alignment(tensors, "sorted")
    assert found.aligned and 1e-6 < found.tolerance < 1e-4
    assert alignment([torch.tensor(W) for W in layers], "sorted").tolerance < 1e-9


def test_large_networks_take_a_moment_only() -> None:
    layers = aligned_layers(rng(7), (60, 120, 40, 10), "literal")
    assert alignment(layers, "literal").aligned
    assert alignment([W + 1e-3 for W in layers]).aligned is False


# -- trajectories -------------------------------------------------------------------------------------------------------


def moments(seed: int, count: int = 4) -> list[list[Any]]:
    widths = (3, 4, 4, 2)
    Q = [orthogonal(rng(100 * seed + k), d) for k, d in enumerate(widths)]
    draw = rng(seed)
    return [
        [
            Q[i] @ (np.eye(widths[i], widths[i - 1]) * draw.choice([0, 1, 2, -1, 0.5], widths[i - 1])) @ Q[i - 1].T
            for i in (1, 2, 3)
        ]
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(10))
def test_a_trajectory_in_fixed_bases_is_strongly_aligned(seed: int) -> None:
    path = moments(seed)
    found = alignment(path, "strong")
    assert isinstance(found, StrongAlignment) and found.aligned and found.distance < 1e-11
    for layers, parts in zip(path, found.cores, strict=True):
        for W, S, (a, b) in zip(layers, parts, pairwise(found.bases), strict=True):
            assert np.allclose(b @ S @ a.T, W) and np.allclose(S, np.eye(*S.shape) * S)


@pytest.mark.parametrize("seed", range(5))
def test_moments_that_are_aligned_in_different_bases_are_not_strongly_aligned(seed: int) -> None:
    R = orthogonal(rng(seed), 3)
    core = np.diag([3.0, 2, 1])
    path = [[core, core], [R @ core @ R.T, R @ core @ R.T]]
    assert all(alignment(layers, "sorted").aligned for layers in path)
    assert strong_alignment(path).aligned is False


# -- the minimum of the squared loss ------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_balanced_layers_attain_the_minimum_and_nothing_is_below(seed: int) -> None:
    draw = rng(seed)
    widths = random_widths(draw, 1 + seed % 4, 4)
    n = int(draw.integers(1, 6))
    X, Y = draw.standard_normal((widths[0], n)), draw.standard_normal((widths[-1], n))
    least, layers = least_squares_minimum(X, Y, widths), balanced_minimum(X, Y, widths)
    assert abs(loss(layers, X, Y) - least) < 1e-10 * max(1.0, float(np.linalg.norm(Y)) ** 2)
    assert alignment(layers, "sorted", 1e-6).aligned
    for V, W in pairwise(layers):
        assert np.allclose(W.T @ W, V @ V.T, atol=1e-9)
    for step in (1.0, 0.1, 1e-3):
        moved = [W + step * draw.standard_normal(W.shape) for W in layers]
        assert loss(moved, X, Y) > least - 1e-10


def test_the_minimum_is_the_unconstrained_one_iff_the_bottleneck_is_wide_enough() -> None:
    X, Y = np.eye(3), np.diag([3.0, 2, 0])
    assert [round(least_squares_minimum(X, Y, (3, m, 3)), 12) for m in (1, 2, 3)] == [2.0, 0.0, 0.0]


# -- inequalities and residuals -----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_horn_gaps_are_nonnegative(seed: int) -> None:
    layers = gaussian_layers(rng(seed), random_widths(rng(seed), 1 + seed % 4, 4))
    assert horn_gap(layers) >= -1e-12 and commutator_residual(layers) >= 0


# -- bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([EYE, np.ones((1, 3))], "layer 2"),
        ([np.array([[np.nan]])], "not finite"),
        ([np.ones(3)], "a real matrix"),
        ([np.ones((0, 2))], "not empty"),
        ([np.array([["a"]])], "a real matrix"),
        ([np.eye(2) * 1j], "a real matrix"),
    ],
)
def test_layers_that_are_none(layers: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        alignment(layers)


def test_other_bad_input() -> None:
    with pytest.raises(InvalidInput, match="notion"):
        alignment([EYE], "perfect")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="tolerance"):
        alignment([EYE], tolerance=0.0)
    with pytest.raises(InvalidInput, match="at least one moment"):
        strong_alignment([])
    with pytest.raises(InvalidInput, match="same widths"):
        strong_alignment([[EYE], [np.eye(3)]])
    with pytest.raises(InvalidInput, match="widths"):
        least_squares_minimum(EYE, EYE, (2,))
    with pytest.raises(InvalidInput, match="as many columns"):
        balanced_minimum(EYE, np.ones((1, 3)), (2, 1))
    with pytest.raises(InvalidInput, match="finite matrix"):
        balanced_minimum(EYE, np.ones((2, 2)), (3, 2))
