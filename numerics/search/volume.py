"""Stage 2: batches of random floats under several laws, for violations that fill some volume."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numerics.search.problem import Floats, Problem
from theory.provers.api import Clock

BATCH = 4096
LAWS = ("normal", "heavy tails", "small integers", "sparse", "nearly equal", "near a feasible point")


def volume(problem: Problem, clock: Clock, rng: np.random.Generator) -> Iterator[Floats]:
    """Suspicious points among random ones, until the time is over."""
    if not problem.n:
        return
    batch = problem.fitting(BATCH if not problem.linear else 512)
    while clock.left > 0:
        for law in LAWS:
            if clock.left <= 0:
                return
            yield from problem.suspects(problem.moved(draw(problem, rng, batch, law)))


def draw(problem: Problem, rng: np.random.Generator, batch: int, law: str) -> Floats:
    """A batch of points under one of the laws."""
    shape = (batch, problem.n)
    normal = rng.standard_normal(shape)
    if law == "heavy tails":
        return np.asarray(normal * np.exp(2 * rng.standard_normal(shape)))
    if law == "small integers":
        return np.asarray(rng.integers(-3, 4, shape) / rng.choice([1, 1, 1, 2, 3], shape))
    if law == "sparse":
        return np.asarray(normal * 2 * (rng.random(shape) < rng.uniform(0.2, 0.8, (batch, 1))))
    if law == "nearly equal":
        return np.asarray(rng.standard_normal((batch, 1)) * rng.choice([-1, 1], shape) + 0.1 * normal)
    if law == "near a feasible point" and problem.anchor is not None:
        return np.asarray(problem.anchor + normal * 10.0 ** rng.uniform(-3, 0.5, (batch, 1)))
    return normal
