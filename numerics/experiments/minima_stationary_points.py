r"""The values at which training ends beside the predicted ones: Y, and Y + psi at the local minima of psi.

With noise and two hidden layers or more that no local minimum has another value is a conjecture. This samples it; a run that
passes is no proof, and one that fails would be a counterexample to look at.
"""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.training import train

VALUE = 1e-6


def levels(p: Problem) -> list[float]:
    """The predicted values of local minima."""
    return [point.loss for point in p.minimum().local_minima]


def off(rng: np.random.Generator, p: Problem, starts: int) -> float:
    """The largest distance of an end of training from the nearest predicted value, relative."""
    ends = train(p.moments, p.widths, decay=p.decay, noise=p.noise, starts=starts, seed=int(rng.integers(1 << 30))).losses
    known = np.array(levels(p))
    return max(float(np.abs(known - end).min()) / p.scale for end in ends)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    nets = [problem(rng, hidden, largest=3, decay=(0.05, 0.5), noisy=True) for hidden in (2, 2, 3) * (100 if thorough else 2)]
    distances = [off(rng, p, starts=4) for p in nets]
    figures: Figures = {"networks": len(nets), "runs": 4 * len(nets), "largest distance from a predicted value": max(distances)}
    return figures, max(distances) <= VALUE


EXPERIMENT = Experiment("minima", "B8", "training", "every end within 1e-6 of a predicted value (a conjecture)", measure)
