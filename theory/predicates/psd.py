"""Positive semidefinite and definite matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.statement import Condition, at_least, greater


@dataclass(frozen=True)
class Psd:
    """A is symmetric positive semidefinite (`strict`: definite)."""

    matrix: Any
    strict: bool = False

    def conditions(self) -> tuple[Condition, ...]:
        return (greater(self.matrix) if self.strict else at_least(self.matrix),)
