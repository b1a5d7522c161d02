r"""Random instances at volume: batches of networks and data, each by a law that is named here and tested.

Every function takes a seed (or a numpy generator) and the size of the batch, and returns arrays of shape (batch, rows, cols).
What hypotheses tie together is drawn together: a balanced network comes from its singular values and bases, moments come from
data, a critical point from the singular vectors of its target. The batch lies along memory, as small kernels want it.

>>> W1, W2 = balanced((2, 3, 2), batch=4, seed=0)
>>> bool(np.allclose(W2.mT @ W2, W1 @ W1.mT))
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from theory.errors import InvalidInput

Array = NDArray[np.float64]
Seed = int | np.random.Generator


def gaussian(widths: Sequence[int], batch: int, seed: Seed = 0) -> list[Array]:
    r"""Layers with independent entries: \(W_i\) of shape \(d_i \times d_{i-1}\), entries \(N(0, 1/d_{i-1})\)."""
    rng = np.random.default_rng(seed)
    _checked(widths, batch)
    return [_normal(rng, r, c, batch, c**-0.5) for c, r in pairwise(widths)]


def orthogonal(n: int, batch: int, seed: Seed = 0) -> Array:
    """Orthogonal matrices by the Haar law: the Gram-Schmidt bases of matrices with independent standard normal entries."""
    rng = np.random.default_rng(seed)
    _checked((n, n), batch)
    return _out(_orthonormal(rng.standard_normal((n, n, batch))))


def of_rank(rows: int, cols: int, rank: int, batch: int, seed: Seed = 0) -> Array:
    r"""Matrices \(A B / \sqrt{r}\) of rank r (almost surely), A (rows, r) and B (r, cols) standard normal: of variance 1."""
    if not 0 <= rank <= min(rows, cols):
        raise InvalidInput("rank", rank, f"an integer from 0 to {min(rows, cols)}")
    rng = np.random.default_rng(seed)
    _checked((cols, rows), batch)
    left, right = rng.standard_normal((rows, rank, batch)), rng.standard_normal((rank, cols, batch))
    return _out(_product(left, right) / max(rank, 1) ** 0.5)


def aligned(widths: Sequence[int], batch: int, seed: Seed = 0) -> list[Array]:
    r"""Aligned layers \(W_i = Q_i D_i Q_{i-1}^T\): Haar bases, independent half-normal singular values in each layer.

    Neighbouring layers share their singular vectors; every layer has rank min(widths).
    """
    rng, k = np.random.default_rng(seed), _checked(widths, batch)
    return _joined(_bases(rng, widths, batch), [np.abs(rng.standard_normal((k, batch))) for _ in widths[1:]])


def balanced(widths: Sequence[int], batch: int, seed: Seed = 0) -> list[Array]:
    r"""Balanced layers, \(W_{i+1}^T W_{i+1} = W_i W_i^T\): as `aligned`, with the same singular values in every layer."""
    rng, k = np.random.default_rng(seed), _checked(widths, batch)
    return _joined(_bases(rng, widths, batch), [np.abs(rng.standard_normal((k, batch)))] * (len(widths) - 1))


@dataclass(frozen=True)
class CriticalPoints:
    r"""Layers at which \(\frac12|W_N \cdots W_1 - A|_F^2\) is stationary; `modes` of the target A are fitted, the rest off."""

    layers: list[Array]
    A: Array
    modes: int


def critical(widths: Sequence[int], modes: int, batch: int, seed: Seed = 0) -> CriticalPoints:
    r"""Critical points with a given number of fitted modes: \(A = Q_N S Q_0^T\) with Haar bases and half-normal S, the layers
    \(Q_i S_m^{1/N} Q_{i-1}^T\), where \(S_m\) keeps `modes` of the values. Below full rank these are saddles (depth >= 2).
    """
    rng, k = np.random.default_rng(seed), _checked(widths, batch)
    if not 0 <= modes <= k or len(widths) < 3:
        raise InvalidInput("modes", modes, f"an integer from 0 to {k}, for at least two layers")
    values = np.abs(rng.standard_normal((min(widths[0], widths[-1]), batch)))
    bases, root = _bases(rng, widths, batch), values[:k] ** (1 / (len(widths) - 1))
    root[modes:] = 0
    return CriticalPoints(_joined(bases, [root] * (len(widths) - 1)), _joined([bases[0], bases[-1]], [values])[0], modes)


@dataclass(frozen=True)
class Moments:
    """A = E[x x^T] (batch, n, n), g = E[x y] (batch, n, 1), Y = E[y^2] (batch,) of one data set each."""

    A: Array
    g: Array
    Y: Array


def moments(n: int, samples: int, batch: int, seed: Seed = 0) -> Moments:
    """Second moments of `samples` data points with independent standard normal x and y: consistent by construction.

    With fewer samples than n + 1 they are singular.
    """
    rng = np.random.default_rng(seed)
    _checked((n, samples), batch)
    x, y = rng.standard_normal((n, samples, batch)), rng.standard_normal((1, samples, batch))
    A, g = (_out(_product(x, z.swapaxes(0, 1)) / samples) for z in (x, y))
    return Moments(A, g, np.mean(y[0] ** 2, axis=0))


# -- entries along the batch --------------------------------------------------------------------------------------------


def _checked(widths: Sequence[int], batch: int) -> int:
    """The least width."""
    if len(widths) < 2 or min(widths) < 1:
        raise InvalidInput("widths", tuple(widths), "at least two integers >= 1")
    if batch < 1:
        raise InvalidInput("batch", batch, "an integer >= 1")
    return min(widths)


def _out(x: Array) -> Array:
    """(rows, cols, batch) as (batch, rows, cols): a view."""
    return np.moveaxis(x, -1, 0)


def _normal(rng: np.random.Generator, rows: int, cols: int, batch: int, scale: float) -> Array:
    x = rng.standard_normal((rows, cols, batch))
    x *= scale
    return _out(x)


def _product(a: Array, b: Array) -> Array:
    out = np.zeros((a.shape[0], b.shape[1], a.shape[2]))
    for k in range(a.shape[1]):
        out += a[:, k, None] * b[None, k]
    return out


def _orthonormal(a: Array) -> Array:
    """Gram-Schmidt on the columns, twice: orthonormal to rounding, with a positive diagonal of R; Haar for normal entries."""
    for k in range(a.shape[1]):
        for _ in range(2 if k else 0):
            a[:, k] -= np.sum(a[:, :k] * np.sum(a[:, :k] * a[:, k, None], axis=0), axis=1)
        a[:, k] /= np.sqrt(np.sum(a[:, k] ** 2, axis=0))
    return a


def _bases(rng: np.random.Generator, widths: Sequence[int], batch: int) -> list[Array]:
    """The first min(widths) columns (of the ends: as many as the ends need) of Haar matrices."""
    k, ends = min(widths), min(widths[0], widths[-1])
    columns = [ends if i in (0, len(widths) - 1) else k for i in range(len(widths))]
    return [_orthonormal(rng.standard_normal((n, c, batch))) for n, c in zip(widths, columns, strict=True)]


def _joined(bases: Sequence[Array], values: Sequence[Array]) -> list[Array]:
    """The layers Q_i D_i Q_{i-1}^T."""
    layers = zip(pairwise(bases), values, strict=True)
    return [_out(_product(q[:, : len(d)] * d, p[:, : len(d)].swapaxes(0, 1))) for (p, q), d in layers]
