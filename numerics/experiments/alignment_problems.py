"""Random aligned layers for the experiments: orthogonal bases, and cores with repeated and zero singular values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.alignment_bases import Array

VALUES = (0.0, 1.0, 1.0, 2.0)


def orthogonal(rng: np.random.Generator, n: int) -> Array:
    """A random orthogonal matrix (QR of a Gaussian one)."""
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def random_widths(rng: np.random.Generator, depth: int, width: int) -> list[int]:
    return [int(d) for d in rng.integers(1, width + 1, depth + 1)]


def random_core(rng: np.random.Generator, rows: int, cols: int, notion: str) -> Array:
    """A core of the notion: each value is one of 0, 1, 1, 2 or a Gaussian number."""
    m = min(rows, cols)
    values = np.where(rng.random(m) < 0.6, rng.choice(VALUES, m), rng.standard_normal(m))
    S = np.zeros((rows, cols))
    if notion == "weak":
        S[rng.permutation(rows)[:m], rng.permutation(cols)[:m]] = values
    else:
        np.fill_diagonal(S, np.sort(np.abs(values))[::-1] if notion == "sorted" else values)
    return S


def aligned_layers(rng: np.random.Generator, widths: Sequence[int], notion: str) -> list[Array]:
    """W_i = Q_i S_i Q_{i-1}^T with random bases and cores."""
    Q = [orthogonal(rng, d) for d in widths]
    return [Q[i] @ random_core(rng, widths[i], widths[i - 1], notion) @ Q[i - 1].T for i in range(1, len(widths))]


def gaussian_layers(rng: np.random.Generator, widths: Sequence[int]) -> list[Array]:
    return [rng.standard_normal((widths[i], widths[i - 1])) for i in range(1, len(widths))]
