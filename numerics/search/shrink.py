"""Shrinking: an exact counterexample made small enough to print. Zeros first, then ones, small integers, small denominators."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, combinations, islice, product
from typing import Any

import numpy as np
from flint import fmpq_mat

from numerics.search.lift import exactly
from numerics.search.problem import Problem, Values, fraction
from numerics.search.repair import simpler_points
from numerics.search.simplest import simpler, simplicity
from theory.provers.api import Clock

Cost = tuple[int, int]
POOL = tuple(map(Fraction, (0, 1, -1, 2, -2)))


def cost(problem: Problem, u: Values) -> Cost:
    """How hard the point is to print: the digits of all entries, then those of the coordinates."""
    try:
        point = problem.point(u)
    except ZeroDivisionError:
        return (1 << 60, 0)
    return sum(simplicity(x) for value in point.values() for x in numbers(value)), sum(map(simplicity, u))


def numbers(value: Any) -> list[Fraction]:
    return [fraction(x) for x in value.entries()] if isinstance(value, fmpq_mat) else [fraction(value)]


def shrunk(problem: Problem, u: Values, clock: Clock) -> Values:
    """A good point that no single change of a coordinate (nor of a pair to small integers) makes simpler."""
    best, least = u, cost(problem, u)
    rng, better = np.random.default_rng(0), True
    while better and clock.left > 0:
        better = False
        for trial in chain(changes(problem, best), simpler_points(problem, best, rng) if problem.curved else ()):
            if clock.left <= 0:
                break
            settled = problem.settled(trial)
            if settled is None or (price := cost(problem, settled)) >= least or not exactly(problem, settled):
                continue
            best, least, better = settled, price, True
            break
    return best


def changes(problem: Problem, u: Values) -> Iterator[Values]:
    """The points with one coordinate simpler, then with two; those that fail in floats are left out."""
    most = problem.fitting(4000)
    singles = [(((i, c),)) for i, x in enumerate(u) for c in simpler(x)]
    yield from likely(problem, u, sorted(singles, key=lambda s: simplicity(s[0][1]) - simplicity(u[s[0][0]])))
    nonzero = [i for i, x in enumerate(u) if x]
    pairs = (
        ((i, a), (j, b))
        for i, j in combinations(nonzero, 2)
        for a, b in product(POOL, repeat=2)
        if simplicity(a) + simplicity(b) < simplicity(u[i]) + simplicity(u[j])
    )
    yield from likely(problem, u, list(islice(pairs, most)))
    moved = (((i, Fraction(0)), (j, c)) for i in nonzero for j in range(len(u)) if j != i for c in POOL[1:])
    yield from likely(problem, u, list(islice(moved, most)))


def likely(problem: Problem, u: Values, moves: list[Any]) -> Iterator[Values]:
    if not moves:
        return
    batch = np.tile(np.array([float(x) for x in u]), (len(moves), 1))
    for row, move in zip(batch, moves, strict=True):
        for i, c in move:
            row[i] = float(c)
    found = problem.measures(problem.projected(batch))
    good = found.finite & (found.residual <= 1e-7) & (found.slack >= -1e-7) & (found.strict >= -1e-7)
    if problem.then:
        good &= (found.violation >= -1e-9).any(1)
    for move, fits in zip(moves, good, strict=True):
        if fits:
            new = list(u)
            for i, c in move:
                new[i] = c
            yield new
