"""Orthogonal matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Identity

from theory.statement import Condition, equal


@dataclass(frozen=True)
class Orthogonal:
    """U^T U = I: orthonormal columns; of a square matrix also U U^T = I.

    The second equation follows from the first in finite dimension only, so that words cannot derive it: both are stated.
    """

    matrix: Any

    def conditions(self) -> tuple[Condition, ...]:
        U = self.matrix
        columns = equal(U.T * U, Identity(U.shape[1]))
        return (columns, equal(U * U.T, Identity(U.shape[0]))) if U.shape[0] == U.shape[1] else (columns,)
