"""From a suspicious point in floats to an exact one: simplest rationals, coarse to fine, on the equality hypotheses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numerics.search.problem import Floats, Problem, Values
from numerics.search.repair import repaired
from numerics.search.simplest import simplest
from theory.provers.api import Clock

TOLERANCES = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-6, 1e-9, 1e-13)


def lift(problem: Problem, u: Floats, clock: Clock, rng: np.random.Generator) -> Values | None:
    """An exact point near a suspicious one, good beyond doubt (the kernel is asked by the caller); None if none was found."""
    for v in roundings(problem, u):
        if clock.left <= 0:
            return None
        if exactly(problem, v):
            return v
    return repaired(problem, u, clock, rng) if problem.reduced.zeros else None


def roundings(problem: Problem, u: Floats) -> Iterator[Values]:
    """Rational points near u, the simplest first; those that fail in floats are left out."""
    scale = [max(1.0, abs(float(x))) for x in u]
    points = [[simplest(float(x), t * s) for x, s in zip(u, scale, strict=True)] for t in TOLERANCES]
    points = [p for k, p in enumerate(points) if p not in points[:k]]
    if not points:
        return
    floats = problem.projected(np.array([[float(x) for x in p] for p in points]).reshape(len(points), problem.n))
    found = problem.measures(floats)
    likely = found.feasible(1e-7) | ((found.residual <= 1e-7) & (found.slack >= -1e-7) & (found.strict >= -1e-7))
    likely &= problem.violating(found)
    for p, fits in zip(points, likely, strict=True):
        settled = problem.settled(p) if fits else None
        if settled is not None:
            yield settled


def exactly(problem: Problem, v: Values) -> bool:
    try:
        return problem.good(problem.point(v))
    except ZeroDivisionError:
        return False
