r"""Constrained layers in floats: coordinates, projections and descent in a linear subspace of matrices.

A `Space` is what `theory.subspaces` names (`circulant`, `lower_toeplitz`, `mask`, ...) or the span of any arrays: its basis,
Gram matrix \(\Gamma\), an orthonormal basis and the projection. Source: projected descent as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import InvalidInput
from theory.subspaces import Subspace

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Space:
    """The span of linearly independent matrices, `basis` of shape (r, rows, cols). Arrays may carry leading batch axes."""

    basis: Array

    @property
    def dim(self) -> int:
        return len(self.basis)

    @cached_property
    def gram(self) -> Array:
        """Gamma_ij = <E_i, E_j>, of shape (r, r)."""
        return np.asarray(np.einsum("iab,jab->ij", self.basis, self.basis))

    @cached_property
    def orthonormal(self) -> Array:
        """An orthonormal basis, of shape (r, rows, cols): Gamma = L L^T, so L^{-1} applied to the basis."""
        flat = np.linalg.solve(np.linalg.cholesky(self.gram), self.basis.reshape(self.dim, -1))
        return np.asarray(flat.reshape(self.basis.shape), dtype=np.float64)

    @property
    def scale(self) -> float | None:
        """The c with Gamma = c I (descent on raw coordinates is projected descent with the step c eta), or None."""
        c = float(np.trace(self.gram)) / self.dim
        return c if np.allclose(self.gram, c * np.eye(self.dim), rtol=0, atol=1e-12 * c) else None

    def element(self, coordinates: Any) -> Array:
        """sum theta_j E_j; coordinates of shape (..., r)."""
        return np.asarray(np.tensordot(np.asarray(coordinates, dtype=np.float64), self.basis, axes=1), dtype=np.float64)

    def readings(self, x: Any) -> Array:
        """<E_j, x>: the gradient by the coordinates if x is the gradient by the layer."""
        return np.asarray(np.einsum("rab,...ab->...r", self.basis, np.asarray(x, dtype=np.float64)))

    def coordinates(self, x: Any) -> Array:
        """The coordinates of the projection of x: Gamma^{-1} <E, x>."""
        return np.asarray(np.linalg.solve(self.gram, self.readings(x)[..., None])[..., 0], dtype=np.float64)

    def projection(self, x: Any) -> Array:
        """The orthogonal projection of x."""
        read = np.einsum("rab,...ab->...r", self.orthonormal, np.asarray(x, dtype=np.float64))
        return np.asarray(np.tensordot(read, self.orthonormal, axes=1), dtype=np.float64)

    def contains(self, x: Any, tolerance: float = 1e-12) -> bool:
        """Whether x is within a relative distance of the subspace."""
        values = np.asarray(x, dtype=np.float64)
        return bool(np.linalg.norm(values - self.projection(values)) <= tolerance * np.linalg.norm(values))

    def projected_step(self, layer: Any, gradient: Any, rate: float) -> Array:
        """W - eta Proj G."""
        return np.asarray(layer, dtype=np.float64) - rate * self.projection(gradient)

    def raw_step(self, layer: Any, gradient: Any, rate: float) -> Array:
        """Descent on the coordinates of the given basis: W - eta sum <E_j, G> E_j."""
        return np.asarray(layer, dtype=np.float64) - rate * self.element(self.readings(gradient))


def space(source: Subspace | Sequence[Any]) -> Space:
    """The space of a named subspace, or of matrices that span it. Raises `InvalidInput` if they are dependent.

    >>> from theory.subspaces import circulant
    >>> c = space(circulant(3))
    >>> c.scale, c.projection(np.diag([3.0, 0.0, 0.0])).diagonal()
    (3.0, array([1., 1., 1.]))
    """
    tables = source.basis if isinstance(source, Subspace) else source
    try:
        basis = np.array([[[float(x) for x in row] for row in E] for E in tables])
    except (TypeError, ValueError):
        raise InvalidInput("basis", source, "matrices of one shape") from None
    if basis.ndim != 3 or not basis.size or not np.isfinite(basis).all():
        raise InvalidInput("basis", f"an array of shape {basis.shape}", "at least one matrix, finite entries")
    if np.linalg.matrix_rank(basis.reshape(len(basis), -1)) < len(basis):
        raise InvalidInput("basis", f"{len(basis)} matrices", "linearly independent matrices")
    return Space(basis)
