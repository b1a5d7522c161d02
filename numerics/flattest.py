r"""The flattest points of the valley of \(L = \tfrac12 |W_N \cdots W_1 X - Y|_F^2\), in closed form.

The valley is the set of the layers with \(P X = \hat Y\), where \(\hat Y = Y X^+ X\) (Y itself, if it can be fitted): global
minima, with H = J^T J. With the nuclear norm s of \(\hat Y = U S V^T\) and hidden widths of at least its rank r

    min Tr H = N (d_N |X|^2)^{1/N} s^{2 - 2/N}
        by  W_1 = a_1 Q_1 S^{1/2} V^T X^+,  W_i = a_i Q_i Q_{i-1}^T,  W_N = a_N U S^{1/2} Q_{N-1}^T,

where the Q_i (d_i x r) have orthonormal columns, \(\prod a_i = 1\) and all N summands of Tr H are equal; and for X X^T = k I

    min lambda_max = N k s_1(P)^{2 - 2/N}                  by balanced layers, W_i = Q_i S^{1/N} Q_{i-1}^T.

Samples are columns; there is no 1/n in the loss.

Source: own derivation; the least trace in this form: arXiv:2306.13239; the least largest eigenvalue: arXiv:2002.04710.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from numerics.hessian import Array, real, whiteness
from theory.errors import InvalidInput

MEASURES = ("trace", "sharpness")
# Singular values of the fitted targets below this share of the largest are rounding.
RANK_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Flattest:
    """A flattest point: its `layers`, and the least `value` of the measure `by`, "trace" or "sharpness", over the valley.

    `residual` is |P X - Y|_F there, the least of any layers; `rank` that of P X.
    """

    layers: tuple[Array, ...]
    value: float
    by: str
    residual: float
    rank: int


def flattest(Y: Any, X: Any, widths: Sequence[int], *, by: str = "trace", seed: int | None = None) -> Flattest:
    """A flattest point of the networks of `widths` (d_0, ..., d_N) that fit Y (d_N, n) on X (d_0, n) best; X = None: X = I.

    `by` chooses what is least: the trace of the Hessian, or its largest eigenvalue ("sharpness", for X X^T = k I). The point is
    one of many: `seed` rotates the hidden layers. Raises `InvalidInput` for shapes that do not fit, entries not finite, hidden
    widths below the rank of the fitted targets, and for "sharpness" where X X^T is not k I.

    >>> from numerics.hessian import hessian_trace
    >>> found = flattest([[1.0], [0.0], [0.0], [0.0]], None, (1, 1, 4))
    >>> [round(x, 12) for x in (found.value, hessian_trace(found.layers), found.residual)]
    [4.0, 4.0, 0.0]
    """
    if by not in MEASURES:
        raise InvalidInput("by", by, f"one of {', '.join(MEASURES)}")
    X_, Y_, shape = _problem(Y, X, widths)
    fitted = _fitted(X_, Y_)
    residual = float(np.linalg.norm(fitted - Y_))
    target = fitted if by == "trace" else fitted @ X_.T / _white(X_)
    U, s, V = _factors(target)
    if len(s) > min(shape[1:-1], default=len(s)):
        expected = f"hidden widths of at least {len(s)}, the rank of the fitted targets"
        raise InvalidInput("widths", shape, expected)
    Q = _frames(shape[1:-1], len(s), seed)
    layers = _by_trace(X_, shape, U, s, V, Q) if by == "trace" else _balanced(shape, U, s, V, Q)
    value = least_trace(Y_, X_, len(shape) - 1) if by == "trace" else least_sharpness(Y_, X_, len(shape) - 1)
    return Flattest(tuple(layers), value, by, residual, len(s))


def least_trace(Y: Any, X: Any, depth: int) -> float:
    """The least Tr H over the valley of networks with `depth` layers and hidden widths of at least the rank: a nuclear norm.

    >>> least_trace([[4.0, 0.0], [0.0, 1.0]], None, 2)
    20.0
    """
    X_, Y_, _ = _problem(Y, X, None)
    _require_depth(depth)
    nuclear = float(np.linalg.svd(_fitted(X_, Y_), compute_uv=False).sum())
    return float(depth * (len(Y_) * float((X_ * X_).sum())) ** (1 / depth) * nuclear ** (2 - 2 / depth))


def least_sharpness(Y: Any, X: Any, depth: int) -> float:
    """The least largest eigenvalue of H over the valley, for X X^T = k I.

    >>> least_sharpness([[4.0, 0.0], [0.0, 1.0]], None, 2)
    8.0
    """
    X_, Y_, _ = _problem(Y, X, None)
    _require_depth(depth)
    k = _white(X_)
    return float(depth * k * float(np.linalg.norm(Y_ @ X_.T / k, 2)) ** (2 - 2 / depth))


def _require_depth(depth: int) -> None:
    if not isinstance(depth, (int, np.integer)) or depth < 1:
        raise InvalidInput("depth", depth, "an integer >= 1: the number of layers")


def _problem(Y: Any, X: Any, widths: Sequence[int] | None) -> tuple[Array, Array, tuple[int, ...]]:
    """Data and widths, checked."""
    Y_ = real("Y", Y)
    X_ = np.eye(Y_.shape[-1]) if X is None else real("X", X)
    if Y_.ndim != 2 or X_.ndim != 2 or X_.shape[1] != Y_.shape[1]:
        raise InvalidInput("X, Y", f"shapes {X_.shape} and {Y_.shape}", "two matrices with one column for each sample")
    if widths is None:
        return X_, Y_, ()
    shape = tuple(widths)
    whole = all(isinstance(d, (int, np.integer)) and d >= 1 for d in shape)
    if len(shape) < 2 or not whole or (shape[0], shape[-1]) != (len(X_), len(Y_)):
        raise InvalidInput("widths", shape, f"integers >= 1 from {len(X_)} (rows of X) to {len(Y_)} (rows of Y)")
    return X_, Y_, tuple(map(int, shape))


def _fitted(X: Array, Y: Array) -> Array:
    """Y X^+ X, the targets that a linear map of X can fit."""
    _, s, V = np.linalg.svd(X, full_matrices=False)
    V = V[s > RANK_TOLERANCE * s[0]] if s[0] else V[:0]
    return np.asarray(Y @ V.T @ V)


def _factors(target: Array) -> tuple[Array, Array, Array]:
    """U, s, V of target = U diag(s) V^T, without the zeros."""
    U, s, Vt = np.linalg.svd(target, full_matrices=False)
    kept = s > RANK_TOLERANCE * s[0] if s[0] else s > 0
    return U[:, kept], s[kept], Vt[kept].T


def _white(X: Array) -> float:
    k = whiteness(X)
    if not k:
        expected = "X X^T = k I, k > 0: for other data the least sharpness is not known"
        raise InvalidInput("X", f"a matrix of shape {X.shape}", expected)
    return k


def _frames(hidden: Sequence[int], rank: int, seed: int | None) -> list[Array]:
    """Matrices with orthonormal columns: columns of the identity, or random ones."""
    if seed is None:
        return [np.eye(d, rank) for d in hidden]
    rng = np.random.default_rng(seed)
    return [np.linalg.qr(rng.standard_normal((d, rank)))[0] for d in hidden]


def _by_trace(X: Array, shape: tuple[int, ...], U: Array, s: Array, V: Array, Q: Sequence[Array]) -> list[Array]:
    """The explicit point of least trace; a_i by equal summands."""
    N, total, root = len(shape) - 1, float(s.sum()), np.sqrt(s)
    inverse = V.T @ np.linalg.pinv(X, rcond=RANK_TOLERANCE)
    if N == 1:
        return [U * s @ inverse]
    if not len(s):
        return [np.zeros((b, a)) for a, b in pairwise(shape)]
    base = shape[-1] * float((X * X).sum())
    share = base ** (1 / N) * total ** (2 - 2 / N)  # the common value of the summands
    first, last = float((X * X).sum()) * total / share, shape[-1] * total / share
    a = [first**0.5, *[total / share**0.5] * (N - 2), last**0.5]
    inner = [a[i] * Q[i] @ Q[i - 1].T for i in range(1, N - 1)]
    return [a[0] * (Q[0] * root) @ inverse, *inner, a[-1] * (U * root) @ Q[-1].T]


def _balanced(shape: tuple[int, ...], U: Array, s: Array, V: Array, Q: Sequence[Array]) -> list[Array]:
    """W_i = Q_i S^{1/N} Q_{i-1}^T with Q_0 = V and Q_N = U."""
    frames, root = [V, *Q, U], s ** (1 / (len(shape) - 1))
    return [np.asarray((b * root) @ a.T) for a, b in pairwise(frames)]
