r"""Stage 3: Levenberg-Marquardt on the hypotheses and the violation margin, a batch of starts at once.

The residuals are the equality hypotheses, what inequality hypotheses lack, and what the conclusion lacks to be violated by
\(\delta\): a zero is a counterexample. Derivatives are central differences through the batched kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numerics.search.problem import CLOSE, Floats, Problem
from numerics.search.volume import LAWS, draw
from theory.provers.api import Clock

STARTS, ITERATIONS, H = 24, 40, 1e-6
MARGINS = (1.0, 0.1, 0.01, 1e-3, 1e-5, 1e-7)


def descent(problem: Problem, clock: Clock, rng: np.random.Generator) -> Iterator[Floats]:
    """Suspicious points at the ends of descents, until the time is over."""
    if not problem.n:
        return
    while clock.left > 0:
        for law in LAWS:
            yield from descents(problem, clock, starts(problem, rng, law), rng)
            if clock.left <= 0:
                return


def starts(problem: Problem, rng: np.random.Generator, law: str) -> Floats:
    """Of a few hundred draws, those that lack least, and some at random."""
    count = max(2, problem.fitting(32 * STARTS) // 32)
    u = problem.moved(draw(problem, rng, problem.fitting(32 * STARTS), law))
    goal, margin = targets(problem, len(u), rng)
    cost = (lack(problem, u, goal, margin) ** 2).sum(1)
    cost = np.where(np.isfinite(cost), cost, np.inf)
    best = np.argsort(cost)[: count - count // 3]
    return np.concatenate([u[best], u[rng.integers(0, len(u), count // 3)]])


def targets(problem: Problem, batch: int, rng: np.random.Generator) -> tuple[Any, Floats]:
    """For each start the conclusion to violate, and by how much."""
    goal = rng.integers(0, max(len(problem.then), 1), batch)
    return goal, np.asarray(rng.choice(MARGINS, batch))


def descents(problem: Problem, clock: Clock, u: Floats, rng: np.random.Generator) -> Iterator[Floats]:
    goal, margin = targets(problem, len(u), rng)
    damping = np.full(len(u), 1e-2)
    r = lack(problem, u, goal, margin)
    for _ in range(ITERATIONS):
        if clock.left <= 0:
            return
        jacobian = derivative(problem, u, goal, margin)
        trial = u - step(jacobian, r, damping)
        new = lack(problem, trial, goal, margin)
        with np.errstate(all="ignore"):
            better = np.isfinite(new).all(1) & ((new**2).sum(1) < (r**2).sum(1))
        u, r = np.where(better[:, None], trial, u), np.where(better[:, None], new, r)
        damping = np.clip(np.where(better, damping / 4, damping * 5), 1e-12, 1e12)
        done = (r**2).sum(1) < CLOSE**2 / 100
        if done.any():
            yield from problem.suspects(u[done])
            if done.all():
                return
    yield from problem.suspects(problem.moved(u))  # where the margin was too much, what is left may do


def lack(problem: Problem, u: Floats, goal: Any, margin: Floats) -> Floats:
    """What each point lacks to be a counterexample: residuals of shape (batch, number)."""
    values = problem.values(u, [x for _, x in problem.conditions])
    m, g = len(problem.reduced.zeros), len(problem.reduced.given)
    parts = [x.reshape(len(u), -1) for x in values[:m]]
    for (relation, _), x in zip(problem.reduced.given, values[m : m + g], strict=True):
        if x.ndim == 3:
            parts.append((x - x.mT).reshape(len(u), -1))
        parts.append(np.maximum(0.0, (margin[:, None] / 10 if relation == ">" else 0.0) - eigenvalues(x)))
    if problem.then:
        pairs = zip(problem.then, values[m + g :], strict=True)
        short = np.stack([shortfall(r, x, margin) for (r, _), x in pairs], axis=1)
        parts.append(short[np.arange(len(u)), goal][:, None])
    return np.concatenate([np.zeros((len(u), 1)), *parts], axis=1)


def shortfall(relation: str, x: Floats, margin: Floats) -> Floats:
    """What a conclusion lacks to be violated by the margin, in units of it; a strict one: to be violated at all."""
    if relation == "==":
        return np.asarray(np.maximum(0.0, 1 - np.sqrt((x.reshape(len(x), -1) ** 2).sum(1)) / margin))
    smallest = eigenvalues(x)[:, 0]
    return np.asarray(np.maximum(0.0, smallest / margin + 1 if relation == ">=" else smallest))


def eigenvalues(x: Floats) -> Floats:
    """Of shape (batch, n), ascending; of a number itself."""
    if x.ndim == 1:
        return x[:, None]
    finite = np.asarray(np.isfinite(x).all((1, 2)))
    x = np.where(finite[:, None, None], x, 0.0)
    return np.where(finite[:, None], np.linalg.eigvalsh((x + x.mT) / 2), np.nan)


def derivative(problem: Problem, u: Floats, goal: Any, margin: Floats) -> Floats:
    """The Jacobian of `lack`, of shape (batch, number, coordinates)."""
    size = H * np.maximum(1.0, np.abs(u))
    shift = size[:, None, :] * np.eye(problem.n)[None]
    both = np.concatenate([u[:, None, :] + shift, u[:, None, :] - shift], axis=1).reshape(-1, problem.n)
    copies = 2 * problem.n
    values = lack(problem, both, np.repeat(goal, copies), np.repeat(margin, copies))
    values = values.reshape(len(u), 2, problem.n, -1)
    with np.errstate(all="ignore"):
        return ((values[:, 0] - values[:, 1]) / (2 * size[:, :, None])).mT


def step(jacobian: Floats, r: Floats, damping: Floats) -> Floats:
    """The damped Gauss-Newton step."""
    j = np.where(np.isfinite(jacobian), jacobian, 0.0)
    normal = j.mT @ j
    diagonal = np.einsum("bii->bi", normal)
    weight = damping[:, None] * (diagonal + 1e-3 * diagonal.max(1, keepdims=True) + 1e-12)
    normal = normal + weight[:, :, None] * np.eye(j.shape[2])
    with np.errstate(all="ignore"):
        return np.asarray(np.linalg.solve(normal, j.mT @ np.where(np.isfinite(r), r, 0.0)[:, :, None])[:, :, 0])
