"""The step size and the rate that are guaranteed for an initialisation and data; constrained layers in floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from numerics.alignment_convergence import Hypothesis, Mode, NotGuaranteed, learning_rate_bound
from numerics.dynamics import descended, product, squared_slope
from numerics.experiments import (
    alignment_circulant_layers,
    alignment_network_rate,
    alignment_one_mode,
    alignment_toeplitz_flow,
)
from numerics.experiments.alignment_problems import orthogonal
from numerics.subspaces import Space, space
from theory import subspaces
from theory.errors import InvalidInput


def autoencoder(scale: float = 0.5, depth: int = 3) -> tuple[list[Any], Any]:
    X = np.random.default_rng(0).normal(size=(3, 9))
    return [scale * np.eye(3)] * depth, X


def test_the_example_of_the_autoencoder() -> None:
    """Y = X, all layers alpha I: eta = 1 / (N lambda_max), rho = 1 - alpha^(2N-2) lambda_min / lambda_max."""
    layers, X = autoencoder()
    values = np.linalg.eigvalsh(X @ X.T)
    bound = learning_rate_bound(layers, X, X)
    assert bound.guaranteed and len(bound.modes) == 3
    assert bound.learning_rate == pytest.approx(1 / (3 * values[-1]))
    assert bound.rate == pytest.approx(1 - 0.5**4 * values[0] / values[-1])
    assert bound.rate_at(bound.learning_rate / 2) == pytest.approx((1 + bound.rate) / 2)


def test_training_keeps_the_promise_and_a_much_larger_step_does_not() -> None:
    layers, X = autoencoder()
    bound = learning_rate_bound(layers, X, X).require()
    slope = squared_slope(X, X)
    start = float(np.sum((product(layers) @ X - X) ** 2))
    for t in range(1, 60):
        layers = descended(layers, slope, bound.learning_rate)
        assert np.sum((product(layers) @ X - X) ** 2) <= bound.rate ** (2 * t) * start * (1 + 1e-9)
    wild = autoencoder()[0]
    for _ in range(500):
        wild = descended(wild, slope, 3 * bound.learning_rate)
    assert np.sum((product(wild) @ X - X) ** 2) > bound.rate**1000 * start


def test_torch_layers_in_random_bases() -> None:
    rng = np.random.default_rng(1)
    Q = [orthogonal(rng, d) for d in (3, 4, 2)]
    core = lambda v, r, c: np.eye(r, c) * np.pad(v, (0, r - len(v)))[:, None]  # noqa: E731
    layers = [Q[1] @ core([1.0, 0.5], 4, 3) @ Q[0].T, Q[2] @ core([0.5, 1.0], 2, 4) @ Q[1].T]
    X = Q[0] @ np.diag([1.0, 2.0, 0.5])
    Y = Q[2] @ core([2.0, 3.0], 2, 3) @ Q[0].T @ np.linalg.inv(X @ X.T) @ X
    bound = learning_rate_bound([torch.tensor(W) for W in layers], torch.tensor(X), torch.tensor(Y))
    assert bound.guaranteed
    expected = [Mode((1.0, 0.5), 1.0, 2.0), Mode((0.5, 1.0), 4.0, 3.0)]
    assert bound.learning_rate == pytest.approx(min(m.learning_rate for m in expected))
    assert "rho" in str(bound)


@pytest.mark.parametrize(
    ("layers", "X", "Y", "failures"),
    [
        ([np.eye(2)] * 2, [[1, 1], [0, 1]], [[1, 0], [-3, 3]], {Hypothesis.DATA}),
        ([[[1.0, 0.5], [0, 1]]] * 2, np.diag([1, 2]), np.diag([1, 1]), {Hypothesis.ALIGNED}),
        ([[[1.0]], [[-1.0]]], [[1]], [[1]], {Hypothesis.SIGN}),
        ([np.zeros((2, 2))] * 2, np.eye(2), np.eye(2), {Hypothesis.PRODUCT}),
        ([[[1.0, 0]], [[1.0], [0]]], np.eye(2), np.eye(2), {Hypothesis.PRODUCT}),
        ([np.eye(2)] * 2, np.eye(2), np.diag([1, 0]), {Hypothesis.TARGET}),
    ],
)
def test_the_result_says_which_hypothesis_fails(layers: Any, X: Any, Y: Any, failures: set[Hypothesis]) -> None:
    bound = learning_rate_bound(layers, X, Y)
    assert failures == set(bound.failures) and bound.learning_rate is None and bound.rate is None
    assert "no guarantee" in str(bound)
    with pytest.raises(NotGuaranteed):
        bound.rate_at(0.1)


def test_idle_modes_and_directions_without_data_do_no_harm() -> None:
    idle = learning_rate_bound([np.diag([1.0, 0.0])] * 2, np.eye(2), np.diag([1.0, 0.0]))
    unseen = learning_rate_bound([np.eye(2)] * 2, np.diag([1.0, 0.0]), np.diag([1.0, 0.0]))
    assert idle.guaranteed and unseen.guaranteed and len(idle.modes) == len(unseen.modes) == 1
    nothing = learning_rate_bound([np.zeros((1, 1))] * 2, [[1.0]], [[0.0]])
    assert nothing.guaranteed and nothing.rate == 0.0


def test_least_squares_needs_no_alignment() -> None:
    rng = np.random.default_rng(2)
    X, Y, W = rng.normal(size=(3, 7)), rng.normal(size=(2, 7)), rng.normal(size=(2, 3))
    values = np.linalg.eigvalsh(X @ X.T)
    bound = learning_rate_bound([W], X, Y)
    assert (bound.learning_rate, bound.rate) == pytest.approx((1 / values[-1], 1 - values[0] / values[-1]))


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="X: got an array of shape"):
        learning_rate_bound([np.eye(2)], np.eye(3), np.eye(2))
    with pytest.raises(InvalidInput, match="Y: got 3 columns"):
        learning_rate_bound([np.eye(2)], np.eye(2), np.ones((2, 3)))
    with pytest.raises(InvalidInput, match="real matrix"):
        learning_rate_bound([np.eye(1)], [["a"]], [[1.0]])
    with pytest.raises(InvalidInput, match="learning_rate"):
        learning_rate_bound([np.eye(1)] * 2, [[1.0]], [[1.0]]).rate_at(5.0)


EXPERIMENTS = [alignment_one_mode, alignment_network_rate, alignment_circulant_layers, alignment_toeplitz_flow]


@pytest.mark.parametrize("module", EXPERIMENTS, ids=lambda m: m.EXPERIMENT.sheet)
def test_experiments_pass(module: Any) -> None:
    found = module.EXPERIMENT.run(seed=3)
    assert found.passed, found.figures


def test_the_experiment_fails_for_a_larger_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    smaller = alignment_one_mode.bound
    monkeypatch.setattr(alignment_one_mode, "bound", lambda *given: 1.3 * smaller(*given))
    assert not alignment_one_mode.EXPERIMENT.run(seed=3).passed


def test_the_experiment_fails_for_a_better_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mode, "factor", lambda self, rate: 1 - 1.5 * rate * self.depth * self.s)
    assert not alignment_network_rate.EXPERIMENT.run(seed=3).passed


def test_the_circulant_experiment_fails_without_the_conjugate_or_without_matched_phases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = alignment_circulant_layers
    with monkeypatch.context() as m:
        spectrum = module.fourier
        m.setattr(module, "fourier", lambda W: spectrum(W) * 1.001)
        assert not module.EXPERIMENT.run(seed=3).passed
    with monkeypatch.context() as m:
        m.setattr(
            module, "matched", lambda rng, c, depth: [module.layer(np.fft.fft(rng.normal(size=len(c)))) for _ in range(depth)]
        )
        assert not module.EXPERIMENT.run(seed=3).passed


def test_the_toeplitz_experiment_fails_for_layers_that_stay_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment_toeplitz_flow, "starts", lambda rng: (np.zeros(2), np.zeros(2)))
    assert not alignment_toeplitz_flow.EXPERIMENT.run(seed=3).passed


# -- subspaces in floats ------------------------------------------------------------------------------------------------

NAMED = [
    subspaces.circulant(4), subspaces.circulant_2d(2, 3), subspaces.skew_circulant(3), subspaces.lower_toeplitz(4),
    subspaces.toeplitz(3), subspaces.banded_toeplitz(4), subspaces.symmetric_toeplitz(4), subspaces.hankel(3),
    subspaces.block((1, 2)), subspaces.full(2, 3), subspaces.mask([[1, 0], [1, 1]]),
]  # fmt: skip


@pytest.mark.parametrize("named", NAMED, ids=lambda s: s.name)
def test_float_and_exact_projections_agree(named: subspaces.Subspace) -> None:
    rng, s = np.random.default_rng(0), space(named)
    x = rng.integers(-5, 6, named.shape)
    assert s.projection(x) == pytest.approx(np.array(named.projection(x.tolist()), dtype=float))
    assert s.element(s.coordinates(x)) == pytest.approx(s.projection(x))
    assert np.einsum("iab,jab->ij", s.orthonormal, s.orthonormal) == pytest.approx(np.eye(s.dim))
    assert s.contains(s.projection(x)) and (s.scale is None) == (named.scale is None)


def random_space(rng: np.random.Generator) -> Space:
    return space(list(rng.normal(size=(3, 4, 2))))


def test_descent_on_coordinates_by_autograd_is_projected_descent() -> None:
    rng = np.random.default_rng(4)
    for s in (random_space(rng), space(subspaces.circulant(4)), space(subspaces.lower_toeplitz(3))):
        basis, shape = torch.tensor(s.orthonormal), s.basis.shape[1:]
        theta = torch.tensor(rng.normal(size=s.dim), requires_grad=True)
        data = torch.tensor(rng.normal(size=(shape[1], 5)))
        W = torch.tensordot(theta, basis, dims=1)
        W.retain_grad()
        torch.sum(torch.nn.functional.softplus(W @ data)).backward()
        assert theta.grad is not None and W.grad is not None
        moved = torch.tensordot(theta - 0.1 * theta.grad, basis, dims=1).detach().numpy()
        assert moved == pytest.approx(s.projected_step(W.detach().numpy(), W.grad.numpy(), 0.1), abs=1e-12)


def test_raw_steps_are_projected_steps_only_for_filters_on_a_circle() -> None:
    rng = np.random.default_rng(5)
    circle, padded = space(subspaces.circulant(4)), space(subspaces.lower_toeplitz(4))
    for s, same in ((circle, True), (padded, False)):
        W, G = s.element(rng.normal(size=s.dim)), rng.normal(size=(4, 4))
        assert np.allclose(s.raw_step(W, G, 0.1), s.projected_step(W, G, 0.4)) == same


def test_a_space_needs_independent_matrices() -> None:
    for bad, words in (([[[1.0]], [[2.0]]], "independent"), ([[[1.0]], [[1.0, 2.0]]], "one shape"), ([[[np.nan]]], "finite")):
        with pytest.raises(InvalidInput, match=words):
            space(bad)
