"""Random networks for the experiments about the Hessian: Gaussian layers, data, and targets that the layers fit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from numerics.dynamics import product
from numerics.hessian import Array


def gaussian(rng: np.random.Generator, widths: Sequence[int]) -> list[Array]:
    """Layers with entries of variance 1/d_{i-1}: products stay of order 1."""
    return [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(widths)]


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
