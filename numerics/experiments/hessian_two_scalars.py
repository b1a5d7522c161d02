r"""H8: two scalars under label noise at a finite learning rate, and the exact identity of every step.

The mean of D = w_2^2 - w_1^2 is compared, without extrapolation, with D' = -2 c D / (2 - eta sqrt(D^2 + 4 y^2)): the fast
relaxation makes E r^2 = 2 sigma^2 / (2 - eta Tr H) (linearised). What is left is of second order in eta: the square of the
correction over the motion. The flow of eta = 0 must be rejected. At every step |D^+ - D (1 - eta^2 r^2)| is rounding.
"""

from __future__ import annotations

from math import exp

import numpy as np
from scipy.integrate import solve_ivp

from numerics.dynamics import Array
from numerics.ensembles import Run, simulated
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_ensembles import fastest
from numerics.statistics import Estimate, compared

C, Y, START = 1.0, 1.0, (0.5, 2.0)
ROUNDING = 1e-13


def refined(rate: float, time: float) -> float:
    """D at the slow time `time`, with the linearised correction."""
    speed = lambda _, D: -2 * C * D / (2 - rate * np.sqrt(D**2 + 4 * Y**2))  # noqa: E731
    first = START[1] ** 2 - START[0] ** 2
    return float(solve_ivp(speed, (0.0, time), [first], "DOP853", rtol=1e-10, atol=1e-12).y[0, -1])


def step_error(rng: np.random.Generator) -> float:
    """The identity of a step at random layers, relative to the squares in it."""
    w1, w2, delta, rate = rng.normal(size=(4, 1000))
    r = w1 * w2 - Y - delta
    a, b = w1 - rate * r * w2, w2 - rate * r * w1
    gap: Array = (b**2 - a**2) - (w2**2 - w1**2) * (1 - (rate * r) ** 2)
    return float(np.max(np.abs(gap) / (a**2 + b**2 + (w1**2 + w2**2) * (1 + (rate * r) ** 2))))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    rate, size, time = (0.01, 4000, 1.0) if thorough else (0.03, 1000, 1.0)
    where, shown = fastest(thorough)
    start = [np.array([[x]]) for x in START]
    run = Run(rate=rate, time=time, size=size, scale=C, seed=rng.integers(0, 2**32, 2).tolist())
    a, b = (where.numpy(W) for W in simulated(start, np.eye(1), run, on=where))
    found = Estimate.of((b**2 - a**2)[:, 0, 0])
    first = START[1] ** 2 - START[0] ** 2
    predicted, plain = refined(rate, time), first * exp(-C * time)
    left = (plain - predicted) ** 2 / (first - predicted)
    right, wrong = (compared("D", found, x, allowance=left) for x in (predicted, plain))
    error = step_error(rng)
    figures: Figures = {
        **right.figures(),
        "level": right.level,
        "z of the flow of eta = 0": wrong.z,
        "largest step error": error,
    }
    return {**figures, **shown}, right.accepted and not wrong.accepted and error <= ROUNDING


EXPERIMENT = Experiment(
    "hessian", "H8", "ensemble at finite eta", "the refined flow within 4 standard errors; that of eta = 0 rejected", measure
)
