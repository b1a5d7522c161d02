r"""Conditions judged in floats: how far each instance is from violating them, in units of what rounding can do.

A residual r with propagated magnitude m (`Kernel.magnitudes`) is rounding if \(|r| \le \tau u m\), u being the unit roundoff
and \(\tau = 10^5\). Worst-case error bounds go blind for deep products; this scale separates true statements (at most about
\(10^3\)) from coefficients wrong by one part in a million (about \(10^8\)) in double precision.

For a matrix, `>=` is about the smallest eigenvalue of its symmetric part, and asymmetry is a violation. What is not finite is
neither a pass nor a violation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.backends import Array, Backend, backend
from numerics.kernels import compiled
from theory.dag import Node

TAU = 1e5
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Margins:
    """Of each instance, arrays of shape (batch,).

    `excess` is the largest violation over u m (0 where there is none), `slack` the least r/m of the inequalities (inf without
    any), `strict` the least r/(u m) of the strict ones; `finite` says that all values were.
    """

    excess: NDArray[np.float64]
    slack: NDArray[np.float64]
    strict: NDArray[np.float64]
    finite: Flags

    @property
    def violated(self) -> Flags:
        """Violated by more than rounding."""
        return self.finite & (self.excess > TAU)

    @property
    def clear(self) -> Flags:
        """Held within rounding, the strict inequalities by more than rounding."""
        return self.finite & (self.excess <= TAU) & (self.strict > TAU)


def margins(conditions: Sequence[tuple[str, Node]], env: Mapping[str, Any], batch: int, on: Backend | None = None) -> Margins:
    """The margins of the conditions (relation, term) for a batch of instances, evaluated on a backend."""
    kernel = compiled(tuple(x for _, x in conditions), on or backend())
    pairs = zip(conditions, kernel(env), kernel.magnitudes(env), strict=True)
    rows = [_row(kernel.backend, relation, r, m) for (relation, _), r, m in pairs]
    return Margins(*(_combined(rows, k, batch, start, worst) for k, (start, worst) in enumerate(_WORST)))


_WORST = ((0.0, np.maximum), (np.inf, np.minimum), (np.inf, np.minimum), (True, np.logical_and))


def _combined(rows: list[tuple[Any, ...]], k: int, batch: int, start: Any, worst: Any) -> Any:
    out = np.full(batch, start)
    for row in rows:
        out = worst(out, row[k])
    return out


def _row(where: Backend, relation: str, r: Array, m: Array) -> tuple[Any, Any, Any, Any]:
    """Excess, slack, strict slack and finiteness of one condition, on the host."""
    residual, scale = where.numpy(r).astype(np.float64), where.numpy(m).astype(np.float64)
    axes = tuple(range(1, residual.ndim))
    finite = np.isfinite(residual).all(axes) & np.isfinite(scale).all(axes)
    residual, scale = (np.where(np.isfinite(x), x, 0.0) for x in (residual, scale))
    none = np.full(len(residual), np.inf)
    if relation == "==":
        return _ratio(np.abs(residual), scale).max(axes, initial=0.0) / where.unit_roundoff, none, none, finite
    least, size, asymmetry = _least(residual, scale)
    relative = np.where(least < 0, -_ratio(-least, size), _ratio(least, size))
    excess = np.maximum(np.maximum(-relative, 0.0), asymmetry) / where.unit_roundoff
    return excess, relative, relative / where.unit_roundoff if relation == ">" else none, finite


def _ratio(x: Any, scale: Any) -> Any:
    """x / scale for x >= 0, where 0/0 is 0: a residual of magnitude zero must vanish."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(x == 0, 0.0, x / scale)


def _least(residual: Any, scale: Any) -> tuple[Any, Any, Any]:
    """A scalar itself; of a matrix the least eigenvalue of its symmetric part; the scale; the relative asymmetry."""
    if residual.ndim == 1:
        return residual, scale, np.zeros(len(residual))
    asymmetry = _ratio(np.abs(residual - residual.mT), scale + scale.mT).max((1, 2))
    eigenvalues = np.linalg.eigvalsh((residual + residual.mT) / 2)
    return eigenvalues[:, 0], np.sqrt((scale**2).sum((1, 2))), asymmetry
