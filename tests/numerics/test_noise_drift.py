"""The drift of gradient noise: exact values, differences along the valley, Ito rates, and refusals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy

from numerics.dynamics import product
from numerics.experiments.hessian_networks import limits, onto_valley, tame_network, vector
from numerics.hessian import jacobian
from numerics.noise_drift import Valley, check_regular, drift, second, split, turned_jacobian
from theory.errors import InvalidInput

SMALL = [np.array([[0.5]]), np.array([[2.0], [0.0]])]


def network(seed: int, *widths: int, samples: int = 0) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(seed)
    layers = [rng.normal(size=(b, a)) for a, b in pairwise(widths)]
    return layers, rng.normal(size=(widths[0], samples)) if samples else np.eye(widths[0])


# -- exact values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise", "speed", "trace", "logdet"),
    [
        ("label", 7 / 34, -49 / 17, 28 / 289),
        ("isotropic normal", -2 / 289, 28 / 289, -16 / 4913),
        (np.diag([0.0, 0.0, 1.0]), -1 / 17, 14 / 17, -8 / 289),
    ],
    ids=["label", "normal", "one direction"],
)
def test_the_three_noises_of_the_small_network(noise: Any, speed: float, trace: float, logdet: float) -> None:
    for scale in (1.0, 0.25):
        found = drift(SMALL, np.eye(1), noise, scale)
        assert found.velocity[0].item() == pytest.approx(scale * speed)
        assert found.velocity[1][0, 0] == pytest.approx(-scale * speed / 0.25)
        assert (found.trace_rate, found.logdet_rate) == pytest.approx((scale * trace, scale * logdet))
        assert found.rank == 2 and not found.diffuses


@pytest.mark.parametrize("w", [(1.0, 1.0), (1.0, 3.0), (-0.5, 2.0)])
def test_isotropic_noise_on_two_scalars(w: tuple[float, float]) -> None:
    y, T = w[0] * w[1], w[0] ** 2 + w[1] ** 2
    found = drift([np.array([[x]]) for x in w], np.eye(1), "isotropic")
    assert found.trace_rate == pytest.approx(8 * y**2 / T**2)
    assert found.logdet_rate == pytest.approx((16 * y**2 - 2 * T**2) / T**3)
    assert found.diffuses


def test_a_chain_moves_as_its_formula_says() -> None:
    w = np.array([0.7, -1.3, 0.9, 1.6])
    p = np.prod(w) / w
    expected = (p**2 - (p**4).sum() / (p**2).sum()) / (2 * w)
    found = drift([np.array([[x]]) for x in w], np.eye(1), "label")
    assert [v.item() for v in found.velocity] == pytest.approx(expected)
    y = np.prod(w)
    S = {k: (w ** (-k * 1.0)).sum() for k in (2, 4, 6)}
    assert found.trace_rate == pytest.approx(-(y**4) * (S[6] - S[4] ** 2 / S[2]))


# -- derivatives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(2, 3, 2), (1, 2, 2, 3), (2, 1, 2, 1, 2)])
def test_jacobians_are_those_of_the_fitted_values(widths: tuple[int, ...]) -> None:
    layers, X = network(0, *widths, samples=3)
    x, rng, h = vector(layers), np.random.default_rng(1), 1e-5
    v = rng.normal(size=len(x))
    fitted = lambda z: (product(split(layers, z)) @ X).ravel()  # noqa: E731
    J = jacobian(layers, X)
    assert np.allclose(J @ v, (fitted(x + h * v) - fitted(x - h * v)) / (2 * h), rtol=1e-7, atol=1e-7)
    turned = (jacobian(split(layers, x + h * v), X) - jacobian(split(layers, x - h * v), X)) / (2 * h)
    assert np.allclose(turned_jacobian(layers, X, v), turned, rtol=1e-7, atol=1e-7)
    assert np.allclose(second(layers, X, v), turned @ v, rtol=1e-6, atol=1e-6)


# (2, 1, 2) and (2, 1, 1, 3) fit only labels of rank 1: the Hessian is singular beyond its kernel of symmetries, and regular.
NETS = [((2, 2, 2), 0), ((1, 2, 3), 0), ((2, 3, 1, 2), 4), ((2, 1, 2), 0), ((2, 1, 1, 3), 2), ((3, 2, 2), 2)]


@pytest.mark.parametrize(("widths", "samples"), NETS)
@pytest.mark.parametrize("noise", ["label", "isotropic normal", np.sqrt])
def test_the_rates_are_slopes_along_the_drift(widths: tuple[int, ...], samples: int, noise: Any) -> None:
    layers, X = network(3, *widths, samples=samples)
    found, x, h = drift(layers, X, noise), vector(layers), 1e-5
    v = vector(found.velocity) / np.linalg.norm(vector(found.velocity))
    assert np.linalg.norm(jacobian(layers, X) @ v) < 1e-9
    ends = [Valley.of(split(layers, onto_valley(x + s * h * v, layers, X, product(layers) @ X)), X) for s in (1, -1)]
    assert [e.rank for e in ends] == [found.rank] * 2
    speed = np.linalg.norm(vector(found.velocity))
    trace, logdet = (speed * (f(ends[0].values) - f(ends[1].values)) / (2 * h) for f in (np.sum, log_of(found.rank)))
    assert found.trace_rate == pytest.approx(trace, rel=1e-4, abs=1e-6)
    assert found.logdet_rate == pytest.approx(logdet, rel=1e-4, abs=1e-6)


def log_of(rank: int) -> Any:
    return lambda values: np.log(values[:rank]).sum()


@pytest.mark.parametrize("widths", [(1, 2, 2), (2, 1, 2)])
def test_the_rates_of_means_are_laplacians_of_the_limit(widths: tuple[int, ...]) -> None:
    """Of F(Phi) for F = Tr H and log pdet H: half the second differences along all parameters, Phi by integration.

    At (2, 1, 2) the matrix J J^T is singular, and its kernel turns along the valley.
    """
    net = Valley.of(*tame_network(np.random.default_rng(5), widths))
    sigma, h = net.in_eigenbasis("isotropic"), 2e-3
    found = net.drift(sigma)
    Y = product(net.layers) @ net.X
    x, steps = vector(net.layers), h * net.basis.T
    ends = limits(np.concatenate([x + steps, x - steps]), net.layers, net.X, Y, float(net.values[net.rank - 1]))
    here, there = net.values, [Valley.of(split(net.layers, end), net.X).values for end in ends]
    for f, rate in ((np.sum, found.trace_rate), (log_of(net.rank), found.logdet_rate)):
        assert rate == pytest.approx(sum(f(v) - f(here) for v in there) / (2 * h**2), rel=1e-3, abs=1e-3)


# -- noises -------------------------------------------------------------------------------------------------------------


def test_names_functions_and_matrices_agree() -> None:
    layers, X = network(7, 2, 3, 2)
    H = jacobian(layers, X).T @ jacobian(layers, X)
    projection = np.linalg.pinv(H) @ H
    for same in (("label", lambda x: x, H), ("isotropic normal", np.ones_like, (projection + projection.T) / 2)):
        found = [vector(drift(layers, X, noise).velocity) for noise in same]
        assert np.allclose(found[0], found[1]) and np.allclose(found[0], found[2])
    whole = [vector(drift(layers, X, noise, 2.0).velocity) for noise in ("isotropic", 1.0 * np.eye(len(H)))]
    assert np.allclose(*whole)


def test_the_drift_is_linear_in_the_covariance() -> None:
    layers, X = network(9, 2, 2, 2)
    rng = np.random.default_rng(0)
    A, B = (Z @ Z.T for Z in rng.normal(size=(2, 8, 3)))
    parts = [vector(drift(layers, X, S).velocity) for S in (A, B, A + 2 * B)]
    assert np.allclose(parts[0] + 2 * parts[1], parts[2])


@pytest.mark.parametrize("w", [1e-2, 1e-3, 1e-5])
def test_a_small_eigenvalue_counts(w: float) -> None:
    """The net f = (w v_1, w v_2) at (1, 0): eigenvalues w^2 and w^2 + 1/w^2, log pdet = log(1 + w^4), at every small w."""
    layers = [np.array([[w]]), np.array([[1 / w], [0.0]])]
    for noise, speed in (("label", -w * (2 * w**4 - 1) / (w**4 + 1) / 2), ("isotropic normal", -(w**7) / (w**4 + 1) ** 2)):
        found = drift(layers, np.eye(1), noise)
        assert found.rank == 2
        assert found.velocity[0].item() == pytest.approx(speed, rel=1e-4, abs=1e-25)
        assert found.trace_rate == pytest.approx((4 * w - 2 / w**3) * speed, rel=1e-4, abs=1e-15)
        assert found.logdet_rate == pytest.approx(4 * w**3 / (w**4 + 1) * speed, rel=1e-3, abs=1e-15)


@pytest.mark.parametrize("w", [0.4, 0.9, 1.7])
def test_isotropic_noise_has_the_generator_of_its_theorem(w: float) -> None:
    """1/2 Lap_M F - 1/4 <grad_M log pdet, grad_M F> on the curve (w, 1/w, 0), for F = Tr H and log pdet H."""
    x = sympy.Symbol("x", positive=True)
    metric, logdet = 1 + x**-4, sympy.log(x**4 + 1)
    layers = [np.array([[w]]), np.array([[1 / w], [0.0]])]
    found = drift(layers, np.eye(1), "isotropic")
    for F, rate in ((2 * x**2 + x**-2, found.trace_rate), (logdet, found.logdet_rate)):
        root = sympy.sqrt(metric)
        laplacian = sympy.diff(sympy.diff(F, x) / root, x) / root
        expected = laplacian / 2 - sympy.diff(logdet, x) * sympy.diff(F, x) / metric / 4
        assert rate == pytest.approx(float(expected.subs(x, w)), rel=1e-9)


def test_a_matrix_on_the_range_of_the_hessian_does_not_diffuse() -> None:
    layers, X = network(7, 2, 3, 2)
    J = jacobian(layers, X)
    assert not drift(layers, X, J.T @ J).diffuses and drift(layers, X, np.eye(J.shape[1])).diffuses


# -- refusals -----------------------------------------------------------------------------------------------------------


def test_irregular_points_are_refused() -> None:
    zero = [np.zeros((1, 1))] * 2
    with pytest.raises(InvalidInput, match="regular point"):
        drift(zero, np.eye(1), "label")
    lost = [np.diag([1.0, 0.0]), np.diag([1.0, 0.0])]  # fits a label of rank 1, which nearby weights fit with full rank
    with pytest.raises(InvalidInput, match="regular point"):
        drift(lost, np.eye(2), "label")
    # 0.1 + 0.2 - 0.3 is 5e-17: a product of rank 0, up to rounding.
    cancelled = [np.ones((3, 1)), np.array([[0.1, 0.2, -0.3]]), np.zeros((1, 1))]
    with pytest.raises(InvalidInput, match="regular point"):
        drift(cancelled, np.eye(1), "label")
    check_regular((np.diag([1.0, 0.0]), np.eye(2)), np.eye(2))
    check_regular((np.ones((1, 2)), np.ones((2, 1))), np.eye(2))


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("noise", lambda: drift(SMALL, np.eye(1), "white")),
        ("noise", lambda: drift(SMALL, np.eye(1), np.eye(2))),
        ("noise", lambda: drift(SMALL, np.eye(1), -np.eye(3))),
        ("noise", lambda: drift(SMALL, np.eye(1), np.triu(np.ones((3, 3))))),
        ("noise", lambda: drift(SMALL, np.eye(1), lambda x: -x)),
        ("noise", lambda: drift(SMALL, np.eye(1), lambda x: x * np.nan)),
        ("scale", lambda: drift(SMALL, np.eye(1), "label", -1.0)),
        ("X", lambda: drift(SMALL, np.eye(2), "label")),
        ("layer 1", lambda: drift([1j * np.eye(1)], np.eye(1), "label")),
        ("layers", lambda: drift([np.ones((2, 1, 1))], np.eye(1), "label")),
        ("noise", lambda: drift(SMALL, np.eye(1), [["a"]])),
        ("layers", lambda: drift([], np.eye(1), "label")),
        ("layer 1", lambda: drift([np.array([[np.inf]])], np.eye(1), "label")),
    ],
)
def test_nonsense_is_refused(argument: str, call: Any) -> None:
    with pytest.raises(InvalidInput, match=f"^{argument}"):
        call()
