"""Exact candidates where a conclusion is about one unknown number: isolation of its real roots finds every violation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from numerics.search.charts import Entries
from numerics.search.problem import Problem, Values
from theory.dag import Node
from theory.provers.api import DoesNotApply
from theory.provers.one_unknown import problems


def decided(problem: Problem) -> Iterator[Values]:
    """Points with that unknown at a violation; all other coordinates 0, or all 1."""
    for goal in problem.statement.then if problem.violate else ():
        try:
            one = problems(problem.statement, goal)[0]
        except DoesNotApply:
            continue
        at, x = _coordinate(problem, one.unknown), one.violating_point()
        if at is None or x is None:
            continue
        for other in (Fraction(0), Fraction(1)):
            trial = problem.settled([x if i == at else other for i in range(problem.n)])
            if trial is not None:
                yield trial


def _coordinate(problem: Problem, unknown: Node) -> int | None:
    """Which coordinate is this number."""
    for block, at in zip(problem.reduced.blocks, problem.slices, strict=True):
        if isinstance(block, Entries) and block.variable is unknown and not unknown.shape and block.size:
            return at.start
    return None
