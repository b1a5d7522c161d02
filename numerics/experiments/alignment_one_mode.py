r"""CONV-1: runs of one mode, N up to 6, half with the step exactly on the bound: overshoot, contractions, directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import Experiment, Figures

Array = NDArray[np.float64]
ROUNDING = 1e-14
STEPS = 60


def others(sigma: Array) -> Array:
    """prod_{j != i} sigma_j, for a batch (N, runs)."""
    return np.stack([np.prod(np.delete(sigma, i, axis=0), axis=0) for i in range(len(sigma))])


def bound(sigma: Array, s: Array, a: Array) -> Array:
    """1 / (N s M^(2N-2))."""
    n, squares = len(sigma), sigma**2
    below = np.prod(sigma, axis=0) <= a
    most = np.where(below, a ** (2 / n) + squares.max(0) - squares.min(0), squares.max(0))
    return np.asarray(1 / (n * s * most ** (n - 1)))


def run(rng: np.random.Generator, depth: int, runs: int) -> Figures:
    """The largest overshoot, excess over both contractions, and relative growth of the bound on the step, in 60 steps."""
    sigma = np.exp(rng.normal(0, 0.6, (depth, runs)))
    s, a = np.exp(rng.normal(0, 1, runs)), np.exp(rng.normal(0, 1, runs))
    rate = bound(sigma, s, a) * np.where(np.arange(runs) % 2, 1.0, rng.uniform(0, 1, runs))
    start, side = np.prod(sigma, axis=0), np.sign(a - np.prod(sigma, axis=0))
    slow = 1 - rate * s * depth * np.minimum(start, a) ** (2 - 2 / depth)
    worst = {"overshoot": 0.0, "contraction": 0.0, "contraction by the slopes": 0.0, "wrong direction": 0.0}
    for _ in range(STEPS):
        slopes, before = others(sigma), side * (a - np.prod(sigma, axis=0))
        moved = sigma + rate * s * (a - np.prod(sigma, axis=0)) * slopes
        after, scale = side * (a - np.prod(moved, axis=0)), a + start
        quick = (1 - rate * s * (slopes**2).sum(0)) * before + np.where(side > 0, 0.0, np.inf)
        found = (-after, after - slow * before, after - quick, (side * (sigma - moved)).max(0))
        for name, x in zip(worst, found, strict=True):
            worst[name] = max(worst[name], float(np.max(x / scale)))
        sigma = moved
    return dict(worst)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 8000 if thorough else 400
    found = [run(rng, depth, runs) for depth in range(1, 7)]
    worst: Figures = {name: max(float(f[name]) for f in found) for name in found[0]}
    return {"runs": 6 * runs, "steps": STEPS, **worst}, all(float(x) <= ROUNDING for x in worst.values())


EXPERIMENT = Experiment(
    "alignment",
    "CONV-1",
    "runs of 60 steps, half on the bound",
    "overshoot and excess over the guaranteed contractions at most 1e-14 of a + pi(0)",
    measure,
)
