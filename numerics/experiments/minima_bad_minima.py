r"""Hessians at the two nonzero minima and at the barriers of A = diag(1, 100) / kappa, g = (1, 4), D = 2, Gamma = 1/10.

Widths (2, 2, 2, 1), variances 1: both minima are strict, the barriers are saddles, and one minimum is bad.
"""

from __future__ import annotations

from math import prod

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.minima_minimisers import hessian
from numerics.experiments.problems import Problem
from numerics.minimum_moments import Moments
from theory.scalar_equation import Kind

STRICT = 0.01


def instance(rng: np.random.Generator) -> Problem:
    """The decays are random with product 1/10, the data rotated."""
    decays = np.exp(rng.uniform(-0.3, 0.3, 3))
    decays *= (0.1 / prod(decays)) ** (1 / 3)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    kappa = 1.5**2
    moments = Moments.from_moments(turn @ np.diag([1.0, 100.0]) @ turn.T / kappa, turn @ np.array([1.0, 4.0]), 99.0)
    return Problem(moments, (2, 2, 2, 1), tuple(decays.tolist()), (1.0, 1.0))


def curvatures(p: Problem) -> tuple[list[float], list[float]]:
    """The least Hessian eigenvalue at each nonzero minimum, and at each barrier."""
    found = p.minimum()
    least = {point: float(np.linalg.eigvalsh(hessian(p, found.weights(at=point)))[0]) for point in found.stationary[1:]}
    minima = [x for point, x in least.items() if point.kind is Kind.MINIMUM]
    return minima, [x for point, x in least.items() if point.kind is Kind.MAXIMUM]


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    nets = [instance(rng) for _ in range(50 if thorough else 3)]
    found = [curvatures(p) for p in nets]
    minima, barriers = ([x for pair in found for x in pair[k]] for k in (0, 1))
    values = [sorted(point.loss for point in p.minimum().local_minima) for p in nets]
    bad = sum(len(v) > 2 and v[0] < v[1] - 1e-6 < v[2] - 2e-6 for v in values)
    figures: Figures = {
        "networks": len(nets),
        "nonzero minima": len(minima),
        "bad ones below Y": bad,
        "least eigenvalue at a minimum": min(minima, default=0.0),
        "largest least eigenvalue at a barrier": max(barriers, default=0.0),
    }
    two = len(minima) == len(barriers) == 2 * len(nets)
    return figures, two and bad == len(nets) and min(minima) >= STRICT and max(barriers) <= -STRICT


EXPERIMENT = Experiment("minima", "B11", "spectrum", "two strict nonzero minima, one of them bad, and saddles between", measure)
