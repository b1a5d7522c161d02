r"""Roots just below and just above the threshold of the eigenvalue ratio R.

The two extreme eigenvalues are weighted so that lambda = 1 is a critical point of F where the variance of p is largest, and
Gamma is a little above F(1): with R above the threshold there are four roots, below it at most two, also with more
eigenvalues in between.
"""

from __future__ import annotations

from math import log

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.minimum_equation import FloatEquation


def largest_ratio(hidden: int, factor: float) -> float:
    """R with R + 1/R = factor (14 D^2 - 2) / (D^2 - 1)."""
    k = factor * (14 * hidden**2 - 2) / (hidden**2 - 1)
    return float((k + (k * k - 4) ** 0.5) / 2)


def equation(rng: np.random.Generator, hidden: int, ratio: float, inner: int) -> FloatEquation:
    """Eigenvalues lambda_0 / lambda where the quadratic is least at R, and `inner` light ones between them."""
    place = (hidden**2 - 1) * (1 + ratio) / (2 * (hidden - 1) * (2 * hidden - 1))
    c, mean = np.array([1, ratio]) / place, (hidden + 1) / (2 * hidden)
    p = 1 / (1 + c)
    weights = np.array([(mean - p[1]) / p[0] ** 2, (p[0] - mean) / p[1] ** 2])
    more = np.exp(rng.uniform(log(c[0]), log(c[1]), inner))
    c, weights = np.concatenate([c, more]), np.concatenate([weights, 1e-9 * rng.random(inner)])
    silent = FloatEquation(np.log(c), np.log(weights), hidden, 0.0)
    return FloatEquation(np.log(c), np.log(weights), hidden, float(silent.residual(np.zeros(1))[0][0]) + 2e-7)


def counts(rng: np.random.Generator, factor: float, number: int) -> list[int]:
    """Numbers of roots."""
    found = []
    for hidden in (2, 3, 4, 6, 20) * number:
        e = equation(rng, hidden, largest_ratio(hidden, factor), inner=int(rng.integers(0, 3)))
        found.append(len(e.roots()))
    return found


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    number = 400 if thorough else 10
    below, above = counts(rng, 0.999, number), counts(rng, 1.02, number)
    random = [random_count(rng, 0.999) for _ in range(20 * number)]
    figures: Figures = {
        "instances": len(below) + len(above) + len(random),
        "most roots at 0.999 of the threshold": max(below + random),
        "least roots at 1.02 of the threshold": min(above),
    }
    return figures, max(below + random) <= 2 and min(above) >= 4


def random_count(rng: np.random.Generator, factor: float) -> int:
    """The number of roots of a random equation with eigenvalues within the ratio."""
    hidden, size = int(rng.integers(2, 8)), int(rng.integers(2, 6))
    c = np.concatenate([[0.0, log(largest_ratio(hidden, factor))], rng.random(size) * log(largest_ratio(hidden, factor))])
    weights = rng.normal(0, 2, c.size)
    silent = FloatEquation(c, weights, hidden, 0.0)
    return len(FloatEquation(c, weights, hidden, float(silent.residual(rng.uniform(-1, 4, 1))[0][0])).roots())


EXPERIMENT = Experiment("minima", "B10", "root count", "at most 2 roots at 0.999 of the threshold, 4 at 1.02", measure)
