"""The spectrum of the Hessian against the Hessian itself, flattest points, and refusals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplin import flattest as exported
from numerics.flattest import flattest, least_sharpness, least_trace
from numerics.hessian import (
    Array,
    hessian_matrix,
    hessian_rank,
    hessian_spectrum,
    hessian_trace,
    jacobian,
    log_pseudo_determinant,
    pseudo_determinant,
)
from numerics.trace_flow import trace_gradient, trace_velocity
from theory.errors import InvalidInput


def random_layers(rng: np.random.Generator, widths: tuple[int, ...], batch: tuple[int, ...] = ()) -> list[Array]:
    return [rng.standard_normal((*batch, b, a)) for a, b in pairwise(widths)]


def fitted(layers: list[Any], X: Any) -> Array:
    out = X
    for W in layers:
        out = W @ out
    return np.asarray(out)


CASES = [((2, 3, 2), 4), ((3, 2, 2, 4), 5), ((3, 4, 3), 0), ((1, 1, 1), 1), ((2, 2, 3, 2, 2), 2), ((4, 1, 3), 9), ((5, 2), 3)]


@pytest.mark.parametrize(("widths", "samples"), CASES)
def test_the_spectrum_is_that_of_the_hessian(widths: tuple[int, ...], samples: int) -> None:
    rng = np.random.default_rng(1)
    layers = random_layers(rng, widths)
    X = rng.standard_normal((widths[0], samples)) if samples else None
    data = np.eye(widths[0]) if X is None else X
    H = hessian_matrix(layers, X, fitted(layers, data))
    values = np.linalg.eigvalsh(H)[::-1]
    found = hessian_spectrum(layers, X, fitted(layers, data))
    rank = int(found.rank)
    assert rank == int((values > 1e-9 * values[0]).sum()) and found.parameters == len(H)
    assert np.allclose(found.eigenvalues[:rank], values[:rank], rtol=1e-9, atol=1e-13 * values[0])
    assert not found.eigenvalues[rank:].any()
    assert float(found.trace) == pytest.approx(np.trace(H)) == pytest.approx(hessian_trace(layers, X))
    assert float(found.sharpness) == pytest.approx(values[0])
    assert log_pseudo_determinant(layers, X) == pytest.approx(np.log(values[:rank]).sum(), abs=1e-8)
    assert pseudo_determinant(layers, X) == pytest.approx(np.prod(values[:rank]), rel=1e-8)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_rank_formula_is_the_rank(widths: list[int], samples: int, seed: int) -> None:
    """Small integers and layers of rank one, so that ranks drop."""
    rng = np.random.default_rng(seed)
    layers = [np.outer(rng.integers(-1, 2, b), rng.integers(-1, 2, a)) * 1.0 for a, b in pairwise(widths)]
    layers[0] = rng.integers(-1, 2, layers[0].shape).astype(float)
    X = rng.integers(-1, 2, (widths[0], samples)).astype(float)
    H = hessian_matrix(layers, X, fitted(layers, X))
    assert int(hessian_rank(layers, X)) == np.linalg.matrix_rank(H, tol=1e-9)


def test_batches_are_loops() -> None:
    rng = np.random.default_rng(2)
    layers, X = random_layers(rng, (3, 4, 2), (5,)), rng.standard_normal((5, 3, 6))
    layers[0][2] = layers[1][2, 1] = 0
    found, ranks = hessian_spectrum(layers, X), hessian_rank(layers, X)
    for i in range(5):
        one = hessian_spectrum([W[i] for W in layers], X[i])
        assert int(one.rank) == ranks[i] == found.rank[i]
        assert np.allclose(one.eigenvalues, found.eigenvalues[i], atol=1e-12)
        assert hessian_trace([W[i] for W in layers], X[i]) == pytest.approx(hessian_trace(layers, X)[i])
        assert float(one.log_pseudo_determinant) == pytest.approx(found.log_pseudo_determinant[i])
    shared = hessian_spectrum(layers)  # one X = I for all
    assert shared.eigenvalues.shape == (5, 6) and shared.rank[2] < shared.rank[0]


def test_a_residual_at_a_minimum_is_no_obstacle() -> None:
    rng = np.random.default_rng(3)
    layers, X = random_layers(rng, (2, 3, 2)), rng.standard_normal((2, 7))
    R = rng.standard_normal((2, 7))
    Y = fitted(layers, X) + R - R @ np.linalg.pinv(X) @ X
    H = np.linalg.eigvalsh(hessian_matrix(layers, X, Y))[::-1]
    assert np.allclose(hessian_spectrum(layers, X, Y).eigenvalues, H[:4], rtol=1e-10)


def test_white_data_of_two_layers_is_no_special_case() -> None:
    rng = np.random.default_rng(4)
    layers, frame = random_layers(rng, (3, 4, 2)), 2 * np.linalg.qr(rng.standard_normal((5, 3)))[0].T
    near = frame * (1 + 1e-9 * rng.standard_normal(frame.shape))  # takes the other way
    assert np.allclose(hessian_spectrum(layers, frame).eigenvalues, hessian_spectrum(layers, near).eigenvalues, rtol=1e-7)


def test_degenerate_points() -> None:
    zero = [np.zeros((2, 3)), np.zeros((2, 2))]
    found = hessian_spectrum(zero, None, np.zeros((2, 3)))
    assert int(found.rank) == 0 and float(found.log_pseudo_determinant) == 0 and float(found.pseudo_determinant) == 1
    assert hessian_trace(zero) == 0 and int(hessian_rank([np.eye(2), np.eye(2)], np.zeros((2, 3)))) == 0
    repeated = hessian_spectrum([np.eye(3), np.eye(3), np.eye(3)])
    assert np.allclose(repeated.eigenvalues, 3) and int(repeated.rank) == 9
    tiny = hessian_spectrum([np.diag([1e-6, 1.0]), np.diag([1.0, 1e-6])])
    assert int(tiny.rank) == 4 and float(tiny.eigenvalues[-1]) == pytest.approx(2e-12, rel=1e-6)


class Tensor:
    """What a layer of another library offers."""

    def __init__(self, value: Array) -> None:
        self.value = value

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> Array:
        return self.value


def test_a_tensor_is_an_array() -> None:
    assert hessian_trace([Tensor(np.ones((1, 1))), Tensor(2 * np.ones((1, 1)))]) == 5


# -- flattest points ----------------------------------------------------------------------------------------------------


WIDE = [((3, 4, 2), 5), ((2, 3, 3, 4), 3), ((4, 3, 3, 3, 2), 0), ((3, 2), 4), ((1, 1, 1), 1)]


@pytest.mark.parametrize(("widths", "samples"), WIDE)
@pytest.mark.parametrize("by", ["trace", "sharpness"])
def test_the_flattest_point_attains_its_value(widths: tuple[int, ...], samples: int, by: str) -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((widths[0], samples)) if samples else np.eye(widths[0])
    X = X if by == "trace" else np.linalg.qr(rng.standard_normal((widths[0] + 2, widths[0])))[0].T * 1.5
    layers = random_layers(rng, widths)
    Y = fitted(layers, X)
    found = flattest(Y, X, widths, by=by, seed=0)
    assert [W.shape for W in found.layers] == [W.shape for W in layers]
    assert np.allclose(fitted(list(found.layers), X), Y) and found.residual < 1e-10
    spectrum = hessian_spectrum(found.layers, X, Y)
    assert float(spectrum.trace if by == "trace" else spectrum.sharpness) == pytest.approx(found.value)
    theirs = hessian_spectrum(layers, X)
    assert float(theirs.trace if by == "trace" else theirs.sharpness) >= found.value * (1 - 1e-12)


def test_the_point_of_least_trace_is_stationary_on_the_valley() -> None:
    rng = np.random.default_rng(6)
    X, widths = rng.standard_normal((3, 5)), (3, 4, 3, 2)
    found = flattest(rng.standard_normal((2, 5)), X, widths, seed=1)
    scale = sum(float((G**2).sum()) for G in trace_gradient(found.layers, X)) ** 0.5
    assert all(np.abs(V).max() < 1e-12 * scale for V in trace_velocity(found.layers, X))
    other = random_layers(rng, widths)
    assert any(np.abs(V).max() > 1e-3 for V in trace_velocity(other, X))


def test_the_gradient_of_the_trace_by_differences() -> None:
    rng = np.random.default_rng(7)
    layers, X = random_layers(rng, (2, 3, 2, 4)), rng.standard_normal((2, 3))
    V, h = random_layers(rng, (2, 3, 2, 4)), 1e-5
    slope = sum(float((g * v).sum()) for g, v in zip(trace_gradient(layers, X), V, strict=True))
    ends = [hessian_trace([W + s * h * v for W, v in zip(layers, V, strict=True)], X) for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope, rel=1e-7)


def test_targets_that_cannot_be_fitted_are_projected() -> None:
    X, Y = np.array([[1.0, 1.0]]), np.array([[0.0, 2.0]])
    found = flattest(Y, X, (1, 2, 1))
    assert found.residual == pytest.approx(2**0.5) and found.value == pytest.approx(least_trace([[1.0, 1.0]], X, 2))
    assert np.allclose(fitted(list(found.layers), X), [[1.0, 1.0]])
    flat = hessian_spectrum(found.layers, X, Y)  # a minimum with a residual
    assert float(flat.trace) == pytest.approx(found.value)


def test_zero_targets_have_zero_layers() -> None:
    found = flattest(np.zeros((2, 3)), np.zeros((2, 3)), (2, 2, 2))
    assert found.value == found.rank == 0 and not any(W.any() for W in found.layers)
    assert exported is flattest


def test_known_values() -> None:
    tall = [[1.0], [0.0], [0.0], [0.0]]
    assert flattest(tall, None, (1, 1, 4)).value == pytest.approx(4)
    deep = np.diag([64.0, 1.0])
    assert least_trace(deep, None, 3) == pytest.approx(1244.59, abs=5e-3) and least_trace(deep, None, 3) < 40838057 / 32805
    assert least_sharpness(deep, None, 3) == pytest.approx(3 * 64 ** (4 / 3))


# -- refusals -----------------------------------------------------------------------------------------------------------

ONE, PAIR = np.eye(1), [np.eye(2), np.eye(2)]


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: hessian_trace([]), "layers"),
        (lambda: hessian_trace([np.ones((2, 3)), np.ones((1, 3))]), "layer 2"),
        (lambda: hessian_trace([np.array([[np.nan]])]), "layer 1.*finite"),
        (lambda: hessian_trace([np.ones(3)]), "layer 1"),
        (lambda: hessian_trace([np.array([["a"]])]), "layer 1"),
        (lambda: hessian_trace(PAIR, np.ones((3, 2))), "samples are columns"),
        (lambda: hessian_trace([np.ones((2, 1, 1)), np.ones((3, 1, 1))]), "batch axes"),
        (lambda: hessian_spectrum(PAIR, None, np.ones((3, 2))), "Y"),
        (lambda: hessian_trace([[[1.0], [2.0, 3.0]]]), "layer 1.*lengths"),
        (lambda: hessian_spectrum(PAIR, None, 2 * np.eye(2)), "targets that the layers do not fit"),
        (lambda: hessian_spectrum(PAIR, None, np.full((2, 2), np.inf)), "Y.*finite"),
        (lambda: hessian_spectrum(PAIR, None, np.eye(2), tolerance=-1), "tolerance"),
        (lambda: hessian_rank(PAIR, rank_tolerance=0), "rank_tolerance"),
        (lambda: hessian_matrix([np.ones((2, 1, 1))], ONE, ONE), "batch"),
        (lambda: flattest(ONE, ONE, (1, 1), by="volume"), "by"),
        (lambda: flattest(np.eye(2), None, (2, 1, 2)), "rank of the fitted"),
        (lambda: flattest(ONE, None, (1, 0, 1)), "widths"),
        (lambda: flattest(np.eye(2), None, (2, 2, 3)), "widths"),
        (lambda: flattest(np.ones((1, 3)), np.ones((1, 2)), (1, 1)), "X, Y"),
        (lambda: flattest(np.ones((1, 2)), np.array([[1.0, 0.0], [0.0, 2.0]]), (2, 1, 1), by="sharpness"), "k I"),
        (lambda: flattest(np.array([[np.nan]]), None, (1, 1)), "Y.*finite"),
        (lambda: flattest(ONE, [[np.inf]], (1, 1)), "X.*finite"),
        (lambda: least_trace(ONE, None, 0), "depth"),
        (lambda: least_sharpness(ONE, None, -2), "depth"),
    ],
)
def test_bad_input_is_named(call: Any, names: str) -> None:
    with pytest.raises(InvalidInput, match=names):
        call()


def test_eigenvalues_below_rounding_are_not_reported() -> None:
    """Singular values 1, 1e-9 in three layers: one eigenvalue of H is 3e-36, beside a largest of 3."""
    layers = [np.diag([1.0, 1e-9])] * 3
    with pytest.raises(InvalidInput, match=r"rank_tolerance.*lost in rounding"):
        hessian_spectrum(layers)
    coarse = hessian_spectrum(layers, rank_tolerance=1e-8)
    assert int(coarse.rank) == 3 and np.allclose(coarse.eigenvalues[:3], [3, 1, 1])


def test_a_global_minimum_behind_a_bottleneck_is_refused() -> None:
    """Widths (2, 1, 2), targets diag(2, 1): P = diag(2, 0) fits best, and H is not J^T J there."""
    layers, Y = [np.array([[1.0, 0.0]]), np.array([[2.0], [0.0]])], np.diag([2.0, 1.0])
    J, H = jacobian(layers, np.eye(2)), hessian_matrix(layers, np.eye(2), Y)
    assert np.linalg.eigvalsh(H)[0] > -1e-12 and np.abs(H - J.T @ J).max() == pytest.approx(1)
    with pytest.raises(InvalidInput, match="where H = J"):
        hessian_spectrum(layers, None, Y)


def test_the_tolerance_decides_what_is_on_the_valley() -> None:
    layers, Y = [np.eye(2), np.eye(2)], np.eye(2) + 1e-6
    with pytest.raises(InvalidInput, match="at most 1e-08"):
        hessian_spectrum(layers, None, Y)
    assert int(hessian_spectrum(layers, None, Y, tolerance=1e-5).rank) == 4
