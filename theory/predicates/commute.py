"""Commuting matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.statement import Condition, equal


@dataclass(frozen=True)
class Commute:
    """A B = B A."""

    left: Any
    right: Any

    def conditions(self) -> tuple[Condition, ...]:
        return (equal(self.left * self.right, self.right * self.left),)
