"""Networks for the experiments about the Hessian: drawn at random with targets that they fit; limits of gradient flow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from numerics.dynamics import product
from numerics.hessian import Array, jacobian
from numerics.noise_drift import Valley, split

RELATIVE, ABSOLUTE = 3e-13, 1e-14
# The slowest normal mode decays by exp(-FALL).
FALL = 45.0


def gaussian(rng: np.random.Generator, widths: Sequence[int]) -> list[Array]:
    """Layers with entries of variance 1/d_{i-1}: products stay of order 1."""
    return [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(widths)]


def near_identity(rng: np.random.Generator, widths: Sequence[int]) -> list[Array]:
    """The same, plus the identity: products are seldom close to singular."""
    return [W + np.eye(*W.shape) for W in gaussian(rng, widths)]


def data(rng: np.random.Generator, features: int, samples: int) -> Array:
    """Inputs, samples as columns; the identity where samples is 0."""
    return rng.standard_normal((features, samples)) if samples else np.eye(features)


def beside(rng: np.random.Generator, layers: Sequence[Array], X: Array, size: float) -> Array:
    """Targets P X + R with R X^T = 0 and entries of R of the given size: a global minimum with a residual."""
    fitted = np.asarray(product(layers) @ X)
    R = size * rng.standard_normal(fitted.shape)
    return np.asarray(fitted + R - R @ np.linalg.pinv(X) @ X)


def low_rank(rng: np.random.Generator, rows: int, cols: int, rank: int) -> Array:
    """A matrix of this rank with small integers as entries, or of a smaller rank."""
    left, right = rng.integers(-2, 3, (rows, rank)), rng.integers(-2, 3, (rank, cols))
    return np.asarray(left @ right, dtype=np.float64)


def tame_network(rng: np.random.Generator, widths: Sequence[int], largest: float = 3.0) -> tuple[list[Array], Array]:
    """A network on identity inputs whose Hessian has eigenvalues between a tenth of `largest` and `largest`."""
    while True:
        layers, X = near_identity(rng, widths), data(rng, widths[0], 0)
        net = Valley.of(layers, X)
        if net.values[net.rank - 1] > net.values[0] / 10:
            scale = (largest / net.values[0]) ** (1 / (2 * len(layers) - 2))
            return [np.asarray(scale * W) for W in layers], X


def covariance(rng: np.random.Generator, net: Valley, kind: str) -> Array:
    """Sigma in the eigenbasis of H: H itself, its projection, a normal matrix that does not commute with H, or any matrix."""
    p, r = len(net.values), net.rank
    if kind in ("label", "isotropic normal"):
        return net.in_eigenbasis(kind)
    B = rng.normal(size=(p, 3)) / np.sqrt(3)
    if kind == "normal":
        B[r:] = 0
    return np.asarray(B @ B.T)


def limits(points: Array, layers: Sequence[Array], X: Array, Y: Array, slowest: float) -> Array:
    """The limits of gradient flow from the rows of `points` (vectors of parameters), all integrated together."""
    shapes = [W.shape for W in layers]
    sizes = np.cumsum([W.size for W in layers])[:-1]

    def speed(_: float, y: Array) -> Array:
        parts = np.split(y.reshape(points.shape), sizes, axis=1)
        W = [x.reshape(-1, *s) for x, s in zip(parts, shapes, strict=True)]
        below, above = [np.broadcast_to(X, (len(points), *X.shape))], [np.eye(shapes[-1][0])]
        for V in W:
            below.append(V @ below[-1])
        for V in W[:0:-1]:
            above.append(above[-1] @ V)
        E = below[-1] - Y
        G = [a.mT @ E @ b.mT for a, b in zip(above[::-1], below[:-1], strict=True)]
        return -np.concatenate([g.reshape(len(points), -1) for g in G], axis=1).ravel()

    end = solve_ivp(speed, (0.0, FALL / slowest), points.ravel(), "DOP853", rtol=RELATIVE, atol=ABSOLUTE)
    return np.asarray(end.y[:, -1].reshape(points.shape))


def vector(layers: Sequence[Array]) -> Array:
    return np.concatenate([W.ravel() for W in layers])


def onto_valley(x: Array, layers: Sequence[Array], X: Array, Y: Array) -> Array:
    """The nearby point of the valley by Gauss-Newton steps: a retraction, of second order."""
    for _ in range(6):
        W = split(layers, x)
        x = x - np.linalg.lstsq(jacobian(W, X), (product(W) @ X - Y).ravel(), rcond=1e-10)[0]
    return x
