"""Stationary points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.expressions import gradient
from theory.statement import Condition, equal


@dataclass(frozen=True)
class Critical:
    """The gradients of a scalar by all the given variables are zero."""

    loss: Any
    variables: tuple[Any, ...]

    def conditions(self) -> tuple[Condition, ...]:
        return tuple(equal(gradient(self.loss, v)) for v in self.variables)
