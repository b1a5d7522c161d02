"""Diagonal matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.expressions import DiagonalPart
from theory.statement import Condition, equal


@dataclass(frozen=True)
class Diagonal:
    """A square matrix equals its diagonal part."""

    matrix: Any

    def conditions(self) -> tuple[Condition, ...]:
        return (equal(self.matrix, DiagonalPart(self.matrix)),)
