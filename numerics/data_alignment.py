r"""Whether given data have common singular bases: `data_alignment(X, Y)`.

With S = X X^T and C = Y X^T the question is whether orthogonal U, V exist such that U^T C V is rect-diagonal and V^T S V
diagonal; it is what alignment in fixed bases asks of the data. The answer is yes iff [C^T C, S] = 0. Source: arXiv:2003.06340
(criterion: own).

Integers and fractions are decided exactly. For floats the answer is three-valued: True shows the bases, in which data at a
relative distance `tolerance` (of S against |X|^2, of C against |X||Y|) are diagonal; False means that no such data are; None
that neither was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
from flint import fmpq_mat
from numpy.typing import NDArray

from theory.algebras.rational import matrix
from theory.errors import InvalidInput

Array = NDArray[np.float64]
MERGES = (1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4)
# |[C^T C, S]| of data at relative distance d from aligned ones is at most 6 d (1 + d)^2 |Y|^2 |X|^4.
SLACK = 7.0
WEIGHTS, CLOSE = (0.0, 0.62), 1e-14


@dataclass(frozen=True, eq=False)
class DataAlignment:
    """The answer, and what it rests on.

    `residual` is |[C^T C, S]| / (|Y|^2 |X|^4) in spectral norms; `distance` is how far S and C are from
    diagonal in the bases U, V, relative to |X|^2 and |X||Y|. `exact` says that the answer was decided in rationals.
    """

    aligned: bool | None
    exact: bool
    residual: float
    distance: float
    tolerance: float
    U: Array
    V: Array
    second: Array
    cross: Array

    def __str__(self) -> str:
        word = {True: "yes", False: "no", None: "undecided"}[self.aligned]
        how = "exactly" if self.exact else f"tolerance {self.tolerance:.2g}"
        return f"{word} ({how}; commutator {self.residual:.2g}, distance in the bases found {self.distance:.2g})"


def data_alignment(X: Any, Y: Any, tolerance: float | None = None) -> DataAlignment:
    """Whether data X (d_0 x n), Y (d_N x n), numpy, torch or lists of numbers, have common singular bases.

    `tolerance` is a relative distance, by default eps^(2/3) of the data's precision. Raises `InvalidInput` for shapes that do
    not fit, values that are not finite, or a tolerance outside (0, 1).

    >>> data_alignment([[1, 0], [0, 2]], [[3, 0], [0, 1]]).aligned
    True
    >>> print(data_alignment([[1, 1], [0, 1]], [[1, 0], [-3, 3]]))
    no (exactly; commutator 0.063, distance in the bases found 0.2)
    """
    x, y, allowed = _checked(X, Y, tolerance)
    S, C = x @ x.T, y @ x.T
    scales = (_norm(x) ** 2 or 1.0, _norm(x) * _norm(y) or 1.0)
    residual = _norm(C.T @ C @ S - S @ C.T @ C) / (scales[0] * scales[1] ** 2)
    U, V, distance = min(_bases(S, C, scales), key=lambda found: found[2])
    exact = _decided(X, Y)
    answer = exact if exact is not None else True if distance <= allowed else False if residual > SLACK * allowed else None
    second, cross = np.diag(V.T @ S @ V).copy(), np.diag(U.T @ C @ V).copy()
    return DataAlignment(answer, exact is not None, residual, distance, allowed, U, V, second, cross)


def _norm(a: Array) -> float:
    return float(np.linalg.norm(a, 2))


# -- input --------------------------------------------------------------------------------------------------------------


def _plain(data: Any) -> Any:
    return data.detach().cpu().numpy() if hasattr(data, "detach") else data


def _checked(X: Any, Y: Any, tolerance: float | None) -> tuple[Array, Array, float]:
    out, eps = [], float(np.finfo(np.float64).eps)
    for name, data in (("X", _plain(X)), ("Y", _plain(Y))):
        raw = np.asarray(data)
        try:
            values = raw.astype(np.float64)
        except (TypeError, ValueError):
            raise InvalidInput(name, data, "a real matrix") from None
        if values.ndim != 2 or not values.size or not np.isfinite(values).all():
            raise InvalidInput(name, f"an array of shape {values.shape}", "a real matrix, not empty, with finite entries")
        eps = max(eps, float(np.finfo(raw.dtype).eps) if raw.dtype.kind == "f" else 0.0)
        out.append(values)
    if out[0].shape[1] != out[1].shape[1]:
        raise InvalidInput("Y", f"{out[1].shape[1]} columns", f"{out[0].shape[1]}, one for each column of X")
    if tolerance is not None and not 0 < tolerance < 1:
        raise InvalidInput("tolerance", tolerance, "a number between 0 and 1")
    return out[0], out[1], eps ** (2 / 3) if tolerance is None else tolerance


def _decided(X: Any, Y: Any) -> bool | None:
    """The exact answer for integers and fractions, else None."""
    tables = [np.asarray(_plain(data), dtype=object) for data in (X, Y)]
    if not all(isinstance(v, int | np.integer | Fraction) for t in tables for v in t.ravel()):
        return None
    x, y = (matrix([[v if isinstance(v, Fraction) else int(v) for v in row] for row in t]) for t in tables)
    S, C = x * x.transpose(), y * x.transpose()
    K = C.transpose() * C * S - S * C.transpose() * C
    return bool(fmpq_mat(K.nrows(), K.ncols()) == K)


# -- bases --------------------------------------------------------------------------------------------------------------


def _bases(S: Array, C: Array, scales: tuple[float, float]) -> Iterator[tuple[Array, Array, float]]:
    """(U, V, distance), for several widths of what counts as one eigenvalue and several combinations that separate them."""
    S, C = S / scales[0], C / scales[1]
    for merge, weight in product(MERGES, WEIGHTS):
        U, V = _left(C, _joint(S, C, merge, weight))
        distance = max(_off(V.T @ S @ V), _off(U.T @ C @ V))
        yield U, V, distance
        if distance <= CLOSE:
            return


def _joint(S: Array, C: Array, merge: float, weight: float) -> Array:
    """An eigenbasis of S + weight C^T C that diagonalises C^T C within each eigenspace."""
    values, V = np.linalg.eigh(S + weight * C.T @ C)
    cuts = [0, *(np.nonzero(np.diff(values) > merge)[0] + 1), len(values)]
    for i, j in pairwise(cuts):
        V[:, i:j] = V[:, i:j] @ np.linalg.svd(C @ V[:, i:j])[2].T
    return np.asarray(V)


def _left(C: Array, V: Array) -> tuple[Array, Array]:
    """U with U^T C V nearly rect-diagonal, and V with the directions in which C is large first.

    Householder's QR of C V: small columns are made orthogonal to large ones and not the other way round.
    """
    V = V[:, np.argsort(-np.linalg.norm(C @ V, axis=0))]
    U, R = np.linalg.qr(C @ V, mode="complete")
    count = min(R.shape)
    U[:, :count] *= np.where(np.diag(R) < 0, -1.0, 1.0)
    return U, V


def _off(a: Array) -> float:
    """The norm of what is off the diagonal."""
    return float(np.linalg.norm(a - np.eye(*a.shape) * a))
