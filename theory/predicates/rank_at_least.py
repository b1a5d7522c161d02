"""Rank bounded from below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Identity

from theory.errors import InvalidInput
from theory.predicates.rank_at_most import RankAtMost
from theory.statement import Condition, equal


@dataclass(frozen=True)
class RankAtLeast:
    """rank A >= r, as left A right = I of size r; the statement declares both factors.

    Among the hypotheses this loses nothing; among the conclusions the factors must be given, as expressions.
    """

    matrix: Any
    left: Any
    right: Any

    def conditions(self) -> tuple[Condition, ...]:
        (rows, cols), r = self.matrix.shape, self.left.shape[0]
        if (self.left.shape, self.right.shape) != ((r, rows), (cols, r)):
            raise InvalidInput("factors", (self.left.shape, self.right.shape), f"shapes (r, {rows}) and ({cols}, r)")
        return (equal(self.left * self.matrix * self.right, Identity(r)),)


@dataclass(frozen=True)
class RankExactly:
    """rank A = r, as A = left right with r inner columns, and rows A columns = I of size r; the statement declares all four."""

    matrix: Any
    left: Any
    right: Any
    rows: Any
    columns: Any

    def conditions(self) -> tuple[Condition, ...]:
        if self.left.shape[1] != self.rows.shape[0]:
            raise InvalidInput("factors", (self.left.shape, self.rows.shape), "factors of one rank")
        above = RankAtMost(self.matrix, self.left, self.right).conditions()
        return (*above, *RankAtLeast(self.matrix, self.rows, self.columns).conditions())
