"""Stage 1: the grid {-1, 0, 1}, few nonzero coordinates first, then halves and 2. Small integers are exact in floats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, product

import numpy as np

from numerics.search.problem import Floats, Problem
from theory.provers.api import Clock

BATCH = 2048
# Points that are tried on the coarse grid, and on the finer one; fewer where equations are solved at each.
MOST, MOST_SOLVED = 120_000, 12_000
FINE = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


def grid(problem: Problem, clock: Clock, rng: np.random.Generator) -> Iterator[Floats]:
    """Suspicious points of the grids, the sparse ones first."""
    at = [i for i in range(problem.n) if i not in problem.linear]
    most = MOST_SOLVED if problem.linear else MOST
    for pool in ((1.0, -1.0), FINE):
        points = islice(sparse_first(len(at), pool), most)
        for batch in batches(points, len(at), problem.fitting(BATCH)):
            if clock.left <= 0:
                return
            u = np.zeros((len(batch), problem.n))
            u[:, at] = batch
            yield from problem.suspects(problem.projected(u))
            if problem.linear:  # again with other values where an equation leaves them free
                u[:, problem.linear] = rng.integers(-1, 2, (len(u), len(problem.linear)))
                yield from problem.suspects(problem.projected(u))


def sparse_first(n: int, pool: tuple[float, ...]) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """(places, values) of all points over 0 and the pool, by the number of nonzero coordinates."""
    for k in range(n + 1):
        for places in combinations(range(n), k):
            for values in product(pool, repeat=k):
                yield places, values


def batches(points: Iterator[tuple[tuple[int, ...], tuple[float, ...]]], n: int, size: int) -> Iterator[Floats]:
    while chunk := list(islice(points, size)):
        out = np.zeros((len(chunk), n))
        for row, (places, values) in zip(out, chunk, strict=True):
            row[list(places)] = values
        yield out
