"""Random aligned networks for the experiments: bases, cores, and data that share the outer bases or do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Aligned:
    """Layers Q_i Sigma_i Q_{i-1}^T and data X, Y."""

    bases: tuple[Array, ...]
    layers: tuple[Array, ...]
    X: Array
    Y: Array

    def core(self, i: int, W: Array) -> Array:
        """Q_i^T W Q_{i-1} for a matrix of the shape of layer i."""
        return np.asarray(self.bases[i].T @ W @ self.bases[i - 1])

    def mode_values(self) -> list[Array]:
        return [np.diag(self.core(i, W)).copy() for i, W in enumerate(self.layers, 1)]


def orthogonal(rng: np.random.Generator, n: int) -> Array:
    return np.asarray(np.linalg.qr(rng.normal(size=(n, n)))[0])


def rectangle(values: Array, rows: int, cols: int) -> Array:
    """The rect-diagonal matrix with these values."""
    out = np.zeros((rows, cols))
    np.fill_diagonal(out, values[: min(rows, cols)])
    return out


def aligned(rng: np.random.Generator, widths: tuple[int, ...], *, degenerate: bool = True, shared: bool = True) -> Aligned:
    """A random aligned network; singular values may repeat or vanish, and `shared` data are diagonal in the outer bases."""
    Q = tuple(orthogonal(rng, d) for d in widths)
    size = max(widths)

    def draw() -> Array:
        special = degenerate and rng.random() < 0.5
        return np.asarray(rng.choice([-1.0, 0.0, 0.5, 0.5, 2.0], size) if special else rng.normal(size=size))

    layers = tuple(Q[i + 1] @ rectangle(draw(), widths[i + 1], widths[i]) @ Q[i].T for i in range(len(widths) - 1))
    if not shared:
        return Aligned(Q, layers, rng.normal(size=(widths[0], size + 1)), rng.normal(size=(widths[-1], size + 1)))
    R = orthogonal(rng, size)
    X, Y = (Q[i] @ rectangle(draw(), widths[i], size) @ R for i in (0, -1))
    return Aligned(Q, layers, X, Y)


def random_widths(rng: np.random.Generator, depth: int, most: int) -> tuple[int, ...]:
    return tuple(int(d) for d in rng.integers(1, most + 1, depth + 1))


def off_diagonal(a: Array) -> float:
    """The norm of what is off the diagonal."""
    return float(np.linalg.norm(a - rectangle(np.diag(a), *a.shape)))
