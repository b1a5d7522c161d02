r"""The minimum of the squared loss of a deep linear network, and balanced, aligned layers that attain it.

\[ \min L = \tfrac12 |Y - Y X^+ X|^2 + \tfrac12 \sum_{k > m} \sigma_k(Y X^+ X)^2, \qquad m = \min_i d_i. \]

Source: own derivation (Eckart and Young), for the existence statement of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.alignment_bases import Array
from theory.errors import InvalidInput

RANK = 1e-10


def loss(layers: Sequence[Array], X: Array, Y: Array) -> float:
    """|W_N ... W_1 X - Y|^2 / 2."""
    P = layers[0]
    for W in layers[1:]:
        P = W @ P
    return float(np.linalg.norm(P @ X - Y)) ** 2 / 2


def least_squares_minimum(X: Array, Y: Array, widths: Sequence[int]) -> float:
    """The global minimum of the squared loss over networks of these widths. X is d_0 x n, Y is d_N x n.

    >>> least_squares_minimum(np.eye(2), np.diag([2.0, 1.0]), (2, 1, 2))
    0.5
    """
    _check(X, Y, widths)
    F = Y @ np.linalg.pinv(X, rcond=RANK) @ X
    rest = np.linalg.svd(F, compute_uv=False)[min(widths) :]
    return float(np.linalg.norm(Y - F) ** 2 + rest @ rest) / 2


def balanced_minimum(X: Array, Y: Array, widths: Sequence[int]) -> list[Array]:
    """Balanced layers with sorted singular values at the global minimum.

    >>> [W.tolist() for W in balanced_minimum(np.eye(1), np.array([[4.0]]), (1, 1, 1))]
    [[[2.0]], [[2.0]]]
    """
    _check(X, Y, widths)
    m, depth = min(widths), len(widths) - 1
    T = Y @ np.linalg.pinv(X, rcond=RANK)
    left = np.linalg.svd(T @ X)[0][:, :m]
    U, s, V = np.linalg.svd(left @ left.T @ T)
    s = np.where(s > RANK * max(s[0], 1e-300), s, 0.0)[:m]  # the rank is at most m; roots magnify rounding noise
    frames = [V.T[:, :m], *(np.eye(d, m) for d in widths[1:-1]), U[:, :m]]
    return [(frames[i] * s ** (1 / depth)) @ frames[i - 1].T for i in range(1, depth + 1)]


def _check(X: Array, Y: Array, widths: Sequence[int]) -> None:
    if len(widths) < 2 or min(widths) < 1:
        raise InvalidInput("widths", tuple(widths), "at least two widths >= 1")
    for name, data, d in (("X", X, widths[0]), ("Y", Y, widths[-1])):
        if np.ndim(data) != 2 or data.shape[0] != d or not np.isfinite(data).all():
            raise InvalidInput(name, np.shape(data), f"a finite matrix with {d} rows")
    if X.shape[1] != Y.shape[1]:
        raise InvalidInput("samples", (X.shape[1], Y.shape[1]), "as many columns of X as of Y")
