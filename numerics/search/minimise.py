r"""Stage 4: quasi-Newton descents of one conclusion, for smooth margins with curved valleys, where least squares creep.

The objective is the value of the conclusion (of a matrix its smallest eigenvalue) plus \(\rho\) times the squares of what the
hypotheses lack; where it ends is moved onto the hypotheses. Conclusions that are equations are left to the other stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numerics.search.descent import H, eigenvalues, starts
from numerics.search.problem import Floats, Problem
from numerics.search.volume import LAWS
from theory.provers.api import Clock

ITERATIONS, WEIGHTS = 200, (1.0, 1e3)


class Violated(Exception):
    """The objective has reached a violation; carries the point."""


def minimised(problem: Problem, clock: Clock, rng: np.random.Generator) -> Iterator[Floats]:
    """Suspicious points at the ends of descents, until the time is over."""
    goals = [k for k, (relation, _) in enumerate(problem.then) if relation != "=="]
    while goals and problem.n and clock.left > 0:
        for law in LAWS:
            for u in starts(problem, rng, law):
                if clock.left <= 0:
                    return
                end = _descent(problem, u, int(rng.choice(goals)), float(rng.choice(WEIGHTS)), clock)
                yield from problem.suspects(problem.moved(end[None]))


def _descent(problem: Problem, u: Floats, goal: int, weight: float, clock: Clock) -> Floats:
    """The end of one descent, or the first point on its way that seems to be a violation."""
    from scipy.optimize import minimize  # which takes longer to import than most searches last

    def value_and_slope(at: Floats) -> tuple[float, Floats]:
        size = H * np.maximum(1.0, np.abs(at))
        points = np.concatenate([at[None], at + np.diag(size), at - np.diag(size)])
        values = np.nan_to_num(objective(problem, points, goal, weight), nan=1e300, posinf=1e300, neginf=-1e300)
        if clock.left <= 0 or (values[0] < 0 and problem.suspects(problem.moved(at[None]))):
            raise Violated(at)
        return float(values[0]), (values[1 : len(at) + 1] - values[len(at) + 1 :]) / (2 * size)

    with np.errstate(all="ignore"):
        try:
            found: Any = minimize(value_and_slope, u, jac=True, method="BFGS", options={"maxiter": ITERATIONS})
        except Violated as end:
            return np.asarray(end.args[0])
    return np.asarray(found.x)


def objective(problem: Problem, u: Floats, goal: int, weight: float) -> Floats:
    """The conclusion and what the hypotheses lack, of shape (batch,)."""
    values = problem.values(u, [x for _, x in problem.conditions])
    m, g = len(problem.reduced.zeros), len(problem.reduced.given)
    with np.errstate(all="ignore"):
        squares = [(x.reshape(len(u), -1) ** 2).sum(1) for x in values[:m]]
        squares += [(np.minimum(0.0, eigenvalues(x)) ** 2).sum(1) for x in values[m : m + g]]
        penalty = np.sum([np.zeros(len(u)), *squares], axis=0)
        return np.asarray(eigenvalues(values[m + g + goal])[:, 0] + weight * penalty)
