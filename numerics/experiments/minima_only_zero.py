r"""Training from random starts above the thresholds: every run ends at zero."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.training import train

VALUE, NORM = 1e-9, 1e-3


def threshold(p: Problem) -> float:
    """G (q / (4 kappa))^{D-1}, above which 0 is the only stationary point."""
    G = float(p.moments.cross @ p.moments.cross)
    return G * (p.moments.explained / (4 * p.kappa)) ** (p.hidden - 1)


def above(p: Problem, factor: float) -> Problem:
    """The problem with its decays scaled to `factor` times the threshold."""
    scale = (factor * threshold(p) / prod(p.decay)) ** (1 / len(p.decay))
    return replace(p, decay=tuple(scale * x for x in p.decay))


def end(rng: np.random.Generator, p: Problem, starts: int) -> tuple[float, float]:
    """How far the losses end from Y, and the size of the best weights, both relative."""
    result = train(p.moments, p.widths, decay=p.decay, noise=p.noise, starts=starts, seed=int(rng.integers(1 << 30)))
    size = max(float(np.abs(w).max()) for w in result.best)
    return max(abs(x - p.moments.target) for x in result.losses) / p.scale, size


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    nets = [above(problem(rng, hidden), 1.05) for hidden in (1, 2, 2, 3) * (100 if thorough else 4)]
    ends = [end(rng, p, starts=4) for p in nets]
    figures: Figures = {
        "networks": len(nets),
        "runs": 4 * len(nets),
        "largest distance of the loss from Y": max(x for x, _ in ends),
        "largest weight at the end": max(x for _, x in ends),
    }
    return figures, max(x for x, _ in ends) <= VALUE and max(x for _, x in ends) <= NORM


EXPERIMENT = Experiment("minima", "B17", "training", "at 1.05 of the threshold every run ends at 0", measure)
