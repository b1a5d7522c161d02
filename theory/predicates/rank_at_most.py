"""Bounded rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.errors import InvalidInput
from theory.statement import Condition, equal


@dataclass(frozen=True)
class RankAtMost:
    """rank A <= r, as a factorisation A = left right with r inner columns; the statement declares both factors.

    Among the hypotheses this loses nothing; among the conclusions the factors must be given, as expressions.
    """

    matrix: Any
    left: Any
    right: Any

    def conditions(self) -> tuple[Condition, ...]:
        fits = (self.left.shape[0], self.right.shape[1]) == self.matrix.shape and self.left.shape[1] == self.right.shape[0]
        if not fits:
            raise InvalidInput(
                "factors", (self.left.shape, self.right.shape), f"factors of a matrix of shape {self.matrix.shape}"
            )
        return (equal(self.matrix, self.left * self.right),)
