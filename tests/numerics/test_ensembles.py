"""Ensembles: one step by hand, the covariance of the noise, both array libraries, seeds and refusals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from numerics.backends import available, backend
from numerics.dynamics import gradients, product, squared_slope
from numerics.ensembles import Ensemble, Run, device, flowed, hessian_traces, named, settled, simulated, step_kernel
from numerics.ensembles import exactly as exact
from numerics.hessian import jacobian
from numerics.noise_drift import Valley
from theory.errors import InvalidInput


def network(*widths: int, samples: int = 3) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(sum(widths))
    return [rng.normal(size=(b, a)) for a, b in pairwise(widths)], rng.normal(size=(widths[0], samples))


@pytest.mark.parametrize("name", available()[:2])
@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 3, 2), (1, 4, 2, 3)])
def test_a_step_is_descent_on_the_labels_of_each_run(widths: tuple[int, ...], name: str) -> None:
    layers, X = network(*widths)
    on, rng = backend(name), np.random.default_rng(0)
    batch = [np.stack([W, 2 * W]) for W in layers]
    Z = rng.normal(size=(2, widths[-1], 3))
    shapes = tuple(W.shape for W in layers)
    found = step_kernel(shapes, exact(X), 0.1, on)({**named([on.array(W) for W in batch]), "Z": on.array(Z)})
    for k in (0, 1):
        G = gradients([W[k] for W in batch], squared_slope(X, Z[k]))
        for W, g, after in zip(batch, G, found, strict=True):
            assert np.allclose(on.numpy(after)[k], W[k] - 0.1 * g)


@pytest.mark.parametrize("noise", ["label", "isotropic normal", "isotropic"])
@pytest.mark.parametrize("signs", [False, True])
def test_one_step_has_the_covariance_of_its_noise(noise: str, signs: bool) -> None:
    """Of 40000 steps from the valley, entry by entry within five standard errors (at most 1/100 of the largest)."""
    layers, X = network(2, 3, 1, samples=2)
    run = Run(rate=0.1, time=0.01, size=40_000, noise=noise, scale=0.5, signs=signs, seed=1)
    moved = [np.asarray(W - V) / 0.1 for W, V in zip(simulated(layers, X, run), layers, strict=True)]
    xi = np.concatenate([m.reshape(run.size, -1) for m in moved], axis=1)
    net = Valley.of(layers, X)
    expected = 0.5 * net.basis @ net.in_eigenbasis(noise) @ net.basis.T
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)) + expected**2)
    assert np.all(np.abs(xi.T @ xi / run.size - expected) <= 5 * size / 200 + 1e-12)
    assert np.all(np.abs(xi.mean(axis=0)) <= 5 * np.sqrt(np.diag(expected)) / 200 + 1e-12)


def test_label_noise_takes_a_covariance_of_the_outputs() -> None:
    layers, X = [np.array([[0.5]]), np.array([[2.0], [0.0]])], np.eye(1)
    run = Run(rate=0.1, time=0.01, size=100, covariance=np.diag([0.0, 4.0]), signs=True)
    first, second = simulated(layers, X, run)
    assert np.all(first == 0.5) and np.all(second[:, 0] == 2.0)
    assert sorted(set(np.round(second[:, 1, 0], 12))) == [-0.1, 0.1]


def test_normal_noise_is_the_projection_of_white_noise() -> None:
    layers, X = network(2, 2, 2, samples=2)
    net = Ensemble.of(layers, X, None, backend())
    J, V = jacobian(layers, X), [np.random.default_rng(3).normal(size=(5, *W.shape)) for W in layers]
    flat = np.concatenate([v.reshape(5, -1) for v in V], axis=1)
    from numerics.ensembles import NetworkTerms, compiled

    kernel = compiled(NetworkTerms(net.shapes, exact(net.X)).pushed(), net.on)
    batch = [np.broadcast_to(W, (5, *W.shape)) for W in layers]
    Q = net.solved(kernel(named(batch) | named(V, "V"))).reshape(5, -1)
    assert np.allclose(Q @ J, flat @ np.linalg.pinv(J) @ J)


def test_seeds_repeat_and_differ() -> None:
    layers, X = network(1, 2, 1)
    ends = [simulated(layers, X, Run(rate=0.05, time=0.1, size=7, scale=0.1, seed=s))[0] for s in (1, 1, 2)]
    assert np.array_equal(ends[0], ends[1]) and not np.array_equal(ends[0], ends[2])


def test_blocks_of_random_numbers_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, X = network(1, 2, 1)
    run = Run(rate=0.05, time=0.1, size=7, scale=0.1)
    whole = simulated(layers, X, run)[0]
    monkeypatch.setattr("numerics.ensembles.BLOCK", 64)
    assert np.array_equal(whole, simulated(layers, X, run)[0])


@pytest.mark.skipif("torch" not in available(), reason="needs PyTorch")
@pytest.mark.parametrize("noise", ["label", "isotropic normal", "isotropic"])
def test_torch_runs_the_same_law(noise: str) -> None:
    """Other random numbers, the same mean of D within five standard errors."""
    start, on = [np.array([[1.0]]), np.array([[2.0]])], backend("torch")
    run = Run(rate=0.1, time=0.5, size=2000, noise=noise, scale=0.1)
    D = []
    for where in (on, backend()):
        a, b = (where.numpy(W) for W in simulated(start, np.eye(1), run, on=where))
        D.append((b**2 - a**2)[:, 0, 0])
    error = np.hypot(*(x.std() / np.sqrt(run.size) for x in D))
    assert abs(D[0].mean() - D[1].mean()) < 5 * error


def test_the_device_is_a_backend() -> None:
    assert device() in [backend(name) for name in available() if name != "cuda" or device().device == "cuda"]


def test_settling_reaches_the_valley_and_traces_are_those_of_the_hessian() -> None:
    layers, X = network(2, 2, 2, samples=2)
    Y = product(layers) @ X
    rng = np.random.default_rng(0)
    batch = [W + 0.01 * rng.normal(size=(6, *W.shape)) for W in layers]
    ends = settled(batch, X, Y, rate=0.05, steps=2000)
    for k in range(6):
        W = [x[k] for x in ends]
        assert np.abs(product(W) @ X - Y).max() < 1e-6
        assert hessian_traces(ends, X)[k] == pytest.approx(np.sum(jacobian(W, X) ** 2))


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("rate", {"rate": 0.0}),
        ("time", {"time": -1.0}),
        ("size", {"size": 0}),
        ("size", {"size": 2.5}),
        ("noise", {"noise": "pink"}),
        ("scale", {"scale": np.nan}),
        ("covariance", {"covariance": np.eye(2)}),
        ("covariance", {"covariance": -np.eye(1)}),
    ],
)
def test_nonsense_is_refused(argument: str, values: dict[str, Any]) -> None:
    layers, X = network(1, 2, 1)
    with pytest.raises(InvalidInput, match=f"^{argument}"):
        simulated(layers, X, Run(**({"rate": 0.1, "time": 0.1, "size": 3} | values)))


def test_labels_of_another_shape_are_refused() -> None:
    layers, X = network(1, 2, 1)
    with pytest.raises(InvalidInput, match=r"^Y"):
        simulated(layers, X, Run(rate=0.1, time=0.1, size=3), Y=np.zeros((2, 2)))


def test_normal_noise_needs_a_jacobian_that_is_onto() -> None:
    """Two equal samples: J J^T is singular, and Q of J J^T Q = J V would be rounding."""
    with pytest.raises(InvalidInput, match="J is onto"):
        simulated([np.eye(1), np.eye(1)], np.ones((1, 2)), Run(rate=0.1, time=0.1, size=2, noise="isotropic normal"))


@pytest.mark.parametrize("name", available()[:2])
def test_gradient_flow_of_a_batch_follows_each_run(name: str) -> None:
    """Against an adaptive integrator, run by run, and by what gradient flow conserves; half the steps, a 16th of the error."""
    layers, X = network(2, 3, 2)
    rng = np.random.default_rng(1)
    batch, Y = [np.stack([W, 0.5 * W, -W]) for W in layers], rng.normal(size=(2, 3))
    on = backend(name)
    ends = {n: [on.numpy(W) for W in flowed(batch, X, Y, time=0.4, steps=n, on=on)] for n in (40, 80)}
    for run in range(3):
        starts = [W[run] for W in batch]
        sizes = np.cumsum([W.size for W in starts])[:-1]

        def slope(_: float, flat: Any, sizes: Any = sizes, starts: Any = starts) -> Any:
            W = [part.reshape(w.shape) for part, w in zip(np.split(flat, sizes), starts, strict=True)]
            E = (W[1] @ W[0] @ X - Y) @ X.T
            return -np.concatenate([(W[1].T @ E).ravel(), (E @ W[0].T).ravel()])

        flat = np.concatenate([w.ravel() for w in starts])
        expected = solve_ivp(slope, (0.0, 0.4), flat, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        errors = [np.abs(np.concatenate([W[run].ravel() for W in ends[n]]) - expected).max() for n in (40, 80)]
        assert errors[1] < 1e-6 and 10 < errors[0] / errors[1] < 24
    before, after = (W[1].mT @ W[1] - W[0] @ W[0].mT for W in (batch, ends[80]))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_flow_needs_a_time_and_steps() -> None:
    layers, X = network(1, 1)
    for time, steps in ((0.0, 3), (np.inf, 3), (1.0, 0)):
        with pytest.raises(InvalidInput):
            flowed([W[None] for W in layers], X, X[:1], time=time, steps=steps)
