r"""The noise-averaged loss of a deep linear network with one output, and its gradient.

.. math:: L = U^T B_D U - 2 v\cdot g + E[y^2] + \sum_i \gamma_i |W_i|_F^2,\quad
   B_0 = A,\quad M_i = W_i B_{i-1} W_i^T,\quad B_i = M_i + \sigma_i^2\,\mathrm{diag}(M_i),

with :math:`U^T = W_N` and v the mean predictor :math:`W_1^T\cdots W_N^T`. Source: arXiv:2202.04777.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.minimum_moments import Array, Moments
from theory.errors import InvalidInput


def check_layers(layers: Sequence[Array], features: int) -> tuple[int, ...]:
    """The widths (d_0, ..., d_N = 1) of `layers`, or `InvalidInput` where the shapes do not chain."""
    shapes = [layer.shape for layer in layers]
    widths = (features, *(shape[0] for shape in shapes))
    if not shapes or shapes != list(zip(widths[1:], widths[:-1], strict=True)):
        raise InvalidInput("layers", shapes, f"shapes that chain from {features} features")
    if widths[-1] != 1:
        raise InvalidInput("layers", shapes, "one output")
    return widths


def per_layer(argument: str, value: float | Sequence[float], count: int) -> tuple[float, ...]:
    """`count` finite numbers >= 0: one number for every layer, or one each.

    >>> per_layer("decay", 0.5, 2), per_layer("noise", [0, 1], 2)
    ((0.5, 0.5), (0.0, 1.0))
    """
    given = np.asarray(value)
    try:
        many = np.broadcast_to(given.astype(np.float64), (count,))
    except (TypeError, ValueError):
        many = np.array([np.nan])
    # One entry for several layers is a slip, not a scalar; and a scalar must be valid even with no layer to act on.
    fits = given.ndim == 0 or given.shape == (count,)
    if not fits or not np.all(np.isfinite(many) & (many >= 0)) or (given.ndim == 0 and not 0 <= float(given) < np.inf):
        raise InvalidInput(argument, value, f"one finite number >= 0, or {count} of them")
    return tuple(many.tolist())


def noise_averaged_loss(
    layers: Sequence[Array],
    moments: Moments,
    *,
    decay: float | Sequence[float] = 0.0,
    noise: float | Sequence[float] = 0.0,
) -> float:
    """L at `layers` (W_1 acts first, W_N of shape (1, d_{N-1})); `decay` per layer, `noise` variances per hidden layer.

    >>> moments = Moments.from_moments([[1]], [1], 1)
    >>> noise_averaged_loss([np.ones((2, 1)), np.ones((1, 2))], moments, decay=0.5, noise=1.0)
    5.0
    """
    check_layers(layers, moments.features)
    gammas = per_layer("decay", decay, len(layers))
    variances = per_layer("noise", noise, len(layers) - 1)
    return loss_and_gradient(layers, moments, gammas, variances)[0]


def noise_averaged_gradient(
    layers: Sequence[Array],
    moments: Moments,
    *,
    decay: float | Sequence[float] = 0.0,
    noise: float | Sequence[float] = 0.0,
) -> list[Array]:
    """The gradient of `noise_averaged_loss` with respect to each layer, same shapes as `layers`."""
    check_layers(layers, moments.features)
    gammas = per_layer("decay", decay, len(layers))
    variances = per_layer("noise", noise, len(layers) - 1)
    return loss_and_gradient(layers, moments, gammas, variances)[1]


def loss_and_gradient(
    layers: Sequence[Array], moments: Moments, decay: Sequence[float], noise: Sequence[float]
) -> tuple[float, list[Array]]:
    """Loss and gradient at once, for arguments already checked: one forward and one backward pass."""
    before, means = _forward(layers, moments, (*noise, 0.0))
    power, signal = float(before[-1][0, 0]), float(means[-1][0])
    penalty = sum(gamma * float(np.vdot(w, w)) for gamma, w in zip(decay, layers, strict=True))
    outer, row = np.ones((1, 1)), np.ones(1)
    gradient: list[Array] = []
    for k in range(len(layers) - 1, -1, -1):
        w, back = layers[k], layers[k].T @ outer
        gradient.append(2 * (back.T @ before[k] - np.outer(row, means[k]) + decay[k] * w))
        outer, row = back @ w, w.T @ row
        if k:
            _scale_diagonal(outer, 1 + noise[k - 1])
    return power - 2 * signal + moments.target + penalty, gradient[::-1]


def _forward(layers: Sequence[Array], moments: Moments, noise: Sequence[float]) -> tuple[list[Array], list[Array]]:
    """B_0, ..., B_N and W_i ... W_1 g for i = 0, ..., N."""
    before, means = [moments.second], [moments.cross]
    for w, variance in zip(layers, noise, strict=True):
        power = w @ before[-1] @ w.T
        _scale_diagonal(power, 1 + variance)
        before.append(power)
        means.append(w @ means[-1])
    return before, means


def _scale_diagonal(square: Array, factor: float) -> None:
    """Multiplies the diagonal in place: a fresh matrix product is contiguous, so the strided view writes through."""
    square.reshape(-1)[:: square.shape[0] + 1] *= factor
