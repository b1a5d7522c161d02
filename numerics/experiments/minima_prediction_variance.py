r"""The variance of the prediction at the minimiser by Monte Carlo, and its limits in width and depth.

Width: d Var tends to D s (v_inf . x)^2 when all layers have width d. Depth: with widths D and decays c / D it tends to
(e^s - 1) e^{-2s} (x . A^+ g)^2, which is not 0; with decays bounded below the minimiser is 0 from some depth on.
"""

from __future__ import annotations

from math import exp

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.minima_loss import gaussian
from numerics.experiments.minima_minimisers import nontrivial
from numerics.experiments.problems import Problem
from numerics.minimum import minimise
from numerics.minimum_moments import Array, Moments
from theory.scalar_equation import Verdict

MOST_Z, WIDE, DEEP = 5.0, 1e-3, 0.03


def variance(kappa: float, mean: float) -> float:
    """(kappa - 1)(v . x)^2."""
    return (kappa - 1) * mean**2


def estimate(rng: np.random.Generator, p: Problem, layers: list[Array], x: Array) -> tuple[float, float]:
    """The variance of f(x) over the noise, and its standard error."""
    count = 100_000
    signal = np.broadcast_to(x, (count, x.size))
    for w, s in zip(layers[:-1], p.noise, strict=True):
        signal = signal @ w.T * gaussian(rng, s, (count, len(w)))
    f = (signal @ layers[-1].T)[:, 0]
    squares = (f - f.mean()) ** 2
    return float(squares.mean()), float(squares.std() / np.sqrt(count))


def monte_carlo(rng: np.random.Generator, hidden: int) -> float:
    """z of the closed form."""
    p = nontrivial(rng, hidden, noisy=True)
    found, x = p.minimum(), rng.normal(size=p.widths[0])
    mean, error = estimate(rng, p, found.weights(), x)
    return abs(mean - variance(p.kappa, float(found.predictor @ x))) / error


def _moments() -> Moments:
    return Moments.from_moments([[1.0, 0.0], [0.0, 2.0]], [1.2, 2.4], 5.0)


def wide(hidden: int, width: int) -> float:
    """d Var over its limit, less 1."""
    moments, x, noise = _moments(), np.array([1.0, -0.5]), 0.7
    silent = minimise(moments, (2, *[1] * hidden, 1), decay=0.1)
    found = minimise(moments, (2, *[width] * hidden, 1), decay=0.1, noise=noise)
    limit = hidden * noise * float(silent.predictor @ x) ** 2
    return width * variance(found.noise_factor, float(found.predictor @ x)) / limit - 1


def deep(depth: int) -> float:
    """Var over its limit, less 1, with widths D and decays 1 / (4 D), variances 1."""
    moments, x = _moments(), np.array([1.0, -0.5])
    found = minimise(moments, (2, *[depth] * depth, 1), decay=0.25 / depth, noise=1.0)
    target = float(x @ np.array([1.2, 1.2]))
    return variance(found.noise_factor, float(found.predictor @ x)) / ((exp(1) - 1) * exp(-2) * target**2) - 1


def collapsed(depth: int) -> bool:
    """Whether the minimiser is 0 with decays 1/10 at this depth."""
    return minimise(_moments(), (2, *[3] * depth, 1), decay=0.1, noise=0.5).verdict is Verdict.TRIVIAL


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    worst = max(monte_carlo(rng, hidden) for hidden in (1, 2, 3) * (20 if thorough else 2))
    far = max(abs(wide(hidden, 10**5)) for hidden in (1, 2, 3))
    figures: Figures = {
        "largest |z|": worst,
        "largest distance from the limit at width 1e5": far,
        "distance from the limit at depth 300": abs(deep(300)),
        "0 at depth 60 with decays 1/10": int(collapsed(60)),
    }
    return figures, worst < MOST_Z and far <= WIDE and abs(deep(300)) <= DEEP and collapsed(60) and not collapsed(2)


EXPERIMENT = Experiment("minima", "B20", "Monte Carlo", "|z| < 5; limits in width within 1e-3, in depth within 3%", measure)
