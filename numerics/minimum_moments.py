"""The second moments that a square loss sees: E[x x^T], E[x y], E[y^2], checked for consistency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import InvalidInput

Array: TypeAlias = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)
# Smallest eigenvalue, after scaling to unit diagonal, below which moments cannot be rounding errors of consistent ones.
CONSISTENCY_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Moments:
    r"""Moments of a regression problem, with the eigen-decomposition of :math:`A = E[xx^T]` on its range.

    `second` is A (d, d), `cross` is g = E[xy] (d,), `target` is E[y^2]. `eigenvalues` (m,) are the positive ones,
    `basis` (d, m) the eigenvectors and `coordinates` (m,) those of g: null directions are dropped here, once, before any
    formula divides by an eigenvalue. Make one with `from_data` or `from_moments`.

    >>> moments = Moments.from_moments([[1, 0], [0, 0]], [3, 0], 9)
    >>> moments.features, moments.eigenvalues.tolist(), abs(moments.coordinates).tolist(), moments.explained
    (2, [1.0], [3.0], 9.0)
    """

    second: Array
    cross: Array
    target: float
    eigenvalues: Array
    basis: Array
    coordinates: Array

    @property
    def features(self) -> int:
        """The input width d."""
        return int(self.cross.shape[0])

    @property
    def explained(self) -> float:
        """q = g^T A^+ g <= E[y^2]: what the best linear predictor explains."""
        return float(np.sum(self.coordinates**2 / self.eigenvalues))

    @classmethod
    def from_data(cls, inputs: ArrayLike, target: ArrayLike) -> Moments:
        """Means over samples: A = X^T X / n, g = X^T y / n, of `inputs` X (n, d) and `target` y (n,); no centring.

        The eigen-decomposition is taken from the singular values of X, which keeps small eigenvalues accurate.
        """
        x, y = as_floats("inputs", inputs, 2), as_floats("target", target, 1)
        if x.shape[0] != y.shape[0] or 0 in x.shape:
            raise InvalidInput("inputs", f"shape {x.shape} beside {y.shape[0]} targets", "samples x features, both >= 1")
        with np.errstate(over="ignore"):
            second, cross, power = x.T @ x / len(y), x.T @ y / len(y), float(y @ y / len(y))
        if not (np.all(np.isfinite(second)) and np.all(np.isfinite(cross)) and np.isfinite(power)):
            raise InvalidInput("inputs", "moments that overflow", "data whose squares are finite; rescale it")
        return cls(second, cross, power, *_singular_spectrum(x, y))

    @classmethod
    def from_moments(cls, second: ArrayLike, cross: ArrayLike, target: float) -> Moments:
        """From given A, g and E[y^2]; `InvalidInput` unless [[A, g], [g^T, E[y^2]]] is PSD up to rounding."""
        a, g, power = as_floats("second", second, 2), as_floats("cross", cross, 1), as_floats("target", target, 0)
        if g.size == 0 or a.shape != (g.size, g.size) or not np.allclose(a, a.T, rtol=1e-12, atol=0):
            raise InvalidInput("second", f"shape {a.shape} beside cross {g.shape}", "a symmetric d x d matrix, d >= 1")
        require_consistent(a, g, float(power))
        return cls(a, g, float(power), *_spectrum(a, g, float(power)))


def as_floats(argument: str, value: ArrayLike, dimensions: int) -> Array:
    """`value` as a finite float64 array of so many `dimensions`, or `InvalidInput` that names the argument."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(argument, repr(value), "real numbers") from None
    if array.ndim != dimensions:
        raise InvalidInput(argument, f"{array.ndim} dimensions", f"{dimensions} dimensions")
    if not np.all(np.isfinite(array)):
        raise InvalidInput(argument, "a value that is not finite", "finite numbers")
    return array


def require_consistent(second: Array, cross: Array, target: float) -> None:
    """Raises unless the moment matrix of (x, y) is PSD up to rounding, judged after scaling it to unit diagonal."""
    joint = np.block([[second, cross[:, None]], [cross[None, :], np.full((1, 1), target)]])
    diagonal = np.diag(joint)
    if np.any(diagonal < 0):
        raise InvalidInput("second", diagonal.tolist(), "second moments >= 0")
    dead = diagonal == 0
    if np.any(joint[dead] != 0):
        raise InvalidInput("cross", cross.tolist(), "consistent moments: a variable that is 0 correlates with nothing")
    unit = joint / np.sqrt(np.outer(*[np.where(dead, 1.0, diagonal)] * 2))
    least = float(np.linalg.eigvalsh(unit)[0])
    if least < -CONSISTENCY_TOLERANCE:
        expected = "consistent moments: [[E[xx^T], E[xy]], [E[xy]^T, E[y^2]]] positive semidefinite"
        raise InvalidInput("second, cross, target", f"a moment matrix with scaled eigenvalue {least:.3g}", expected)


def _spectrum(second: Array, cross: Array, target: float) -> tuple[Array, Array, Array]:
    """Positive eigenvalues, their eigenvectors, and the coordinates of `cross` there."""
    values, vectors = np.linalg.eigh((second + second.T) / 2)
    floor = cross.size * EPSILON * max(values.max(), 0.0)
    keep, seen = values > floor, vectors.T @ cross
    # A null direction may carry at most sqrt(a E[y^2]) of g, where a is the largest eigenvalue that rounds to null.
    if np.sum(seen[~keep] ** 2) > 4 * cross.size * floor * target:
        raise InvalidInput("cross", cross.tolist(), "consistent moments: E[xy] in the range of E[x x^T]")
    return values[keep], vectors[:, keep], seen[keep]


def _singular_spectrum(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """The same from data, by singular values: these see eigenvalues down to the square of the unit roundoff."""
    root = np.sqrt(len(y))
    left, singular, right = np.linalg.svd(x / root, full_matrices=False)
    keep = singular > max(x.shape) * EPSILON * singular.max()
    return singular[keep] ** 2, right[keep].T, singular[keep] * (left[:, keep].T @ y) / root
