"""Training from many random starts: the slow way to the minimum, kept as a referee for the closed form.

Each start is minimised to convergence by L-BFGS on the noise-averaged loss with its exact gradient. Starts are drawn at
several scales, because small ones fall to zero and large ones reach the nonzero family; one more starts near given
weights, because at depth 3 and more random starts alone can all miss the global minimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from numerics.minimum import check_widths
from numerics.minimum_loss import check_layers, loss_and_gradient, per_layer
from numerics.minimum_moments import Array, Moments
from theory.errors import InvalidInput

SCALES = (0.3, 1.0, 2.0, 4.0)
NEARNESS = 1e-2


@dataclass(frozen=True, eq=False)
class Training:
    """The end `losses` of all starts (the one near given weights last), the best weights, and the evaluations spent."""

    losses: tuple[float, ...]
    best: list[Array]
    evaluations: int

    @property
    def best_loss(self) -> float:
        """The least end loss."""
        return min(self.losses)


def train(
    moments: Moments,
    widths: Sequence[int],
    *,
    decay: float | Sequence[float],
    noise: float | Sequence[float] = 0.0,
    starts: int = 20,
    near: Sequence[Array] | None = None,
    seed: int = 0,
) -> Training:
    """Minimises the noise-averaged loss from `starts` random points and, if given, one near the weights `near`.

    Entries of a layer start as N(0, scale^2 / fan-in) with the scales of `SCALES` in turn. Same seed, same result.

    >>> result = train(Moments.from_moments([[1]], [3], 9), (1, 2, 1), decay=1.0, starts=4)
    >>> round(result.best_loss, 8), len(result.losses)
    (5.0, 4)
    """
    shape = check_widths(widths, moments.features)
    gammas, variances = per_layer("decay", decay, len(shape) - 1), per_layer("noise", noise, len(shape) - 2)
    if starts < 0 or (starts == 0 and near is None):
        raise InvalidInput("starts", starts, "a number of starts >= 1, or weights to start near")
    points = _starts(shape, starts, near, np.random.default_rng(seed))
    ends = [_descend(point, shape, moments, gammas, variances) for point in points]
    losses = tuple(loss for loss, _, _ in ends)
    best = ends[int(np.argmin(losses))][1]
    return Training(losses, unpack(best, shape), sum(count for _, _, count in ends))


def _starts(widths: tuple[int, ...], starts: int, near: Sequence[Array] | None, rng: np.random.Generator) -> list[Array]:
    sizes = list(zip(widths[1:], widths[:-1], strict=True))
    points = [pack([rng.normal(0, SCALES[k % len(SCALES)] / np.sqrt(size[1]), size) for size in sizes]) for k in range(starts)]
    if near is not None:
        if check_layers(near, widths[0]) != widths:
            raise InvalidInput("near", [w.shape for w in near], f"weights of widths {widths}")
        centre = pack(near)
        points.append(centre + NEARNESS * (1 + np.abs(centre)) * rng.normal(size=centre.size))
    return points


def _descend(
    start: Array, widths: tuple[int, ...], moments: Moments, decay: tuple[float, ...], noise: tuple[float, ...]
) -> tuple[float, Array, int]:
    # Dividing by the size of the loss makes the stopping rules of L-BFGS relative ones.
    unit = max(moments.target, np.finfo(np.float64).tiny)

    def objective(point: Array) -> tuple[float, Array]:
        loss, gradient = loss_and_gradient(unpack(point, widths), moments, decay, noise)
        return loss / unit, pack(gradient) / unit

    options = {"maxiter": 20000, "maxfun": 40000, "ftol": 1e-16, "gtol": 1e-11, "maxcor": 20}
    end = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return float(end.fun) * unit, np.asarray(end.x), int(end.nfev)


def pack(layers: Sequence[Array]) -> Array:
    """All entries in one vector, layer after layer."""
    return np.concatenate([layer.ravel() for layer in layers])


def unpack(point: Array, widths: Sequence[int]) -> list[Array]:
    """The inverse of `pack`.

    >>> [layer.shape for layer in unpack(np.zeros(6), (2, 2, 1))]
    [(2, 2), (1, 2)]
    """
    layers, position = [], 0
    for rows, columns in zip(widths[1:], widths[:-1], strict=True):
        layers.append(point[position : position + rows * columns].reshape(rows, columns))
        position += rows * columns
    return layers
