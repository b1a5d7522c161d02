r"""The noise-averaged loss beside its Monte Carlo estimate, for Bernoulli and for Gaussian noise.

The estimate draws a sample and a multiplier of mean 1 and variance s for each hidden neuron, and averages
\((f - y)^2\). z is the difference to the closed form in standard errors; the loss that leaves the noise out must be far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.minimum_loss import noise_averaged_loss
from numerics.minimum_moments import Array, Moments

MOST_Z = 5.0


def bernoulli(rng: np.random.Generator, variance: float, shape: tuple[int, ...]) -> Array:
    """0 with probability p, else 1/(1 - p), where p/(1 - p) is the variance."""
    return np.where(rng.random(shape) * (1 + variance) < 1, 1 + variance, 0.0)


def gaussian(rng: np.random.Generator, variance: float, shape: tuple[int, ...]) -> Array:
    return rng.normal(1, variance**0.5, shape)


LAWS = {"Bernoulli": bernoulli, "Gaussian": gaussian}


Rng = np.random.Generator


def estimate(rng: Rng, p: Problem, x: Array, y: Array, layers: Sequence[Array], law: str) -> tuple[float, float]:
    """Mean and standard error of the squared error over draws of a sample and of the noise."""
    count, draw = 100_000, LAWS[law]
    pick = rng.integers(0, len(y), count)
    signal = x[pick]
    for w, s in zip(layers[:-1], p.noise, strict=True):
        signal = signal @ w.T * draw(rng, s, (count, len(w)))
    errors = ((signal @ layers[-1].T)[:, 0] - y[pick]) ** 2
    return float(errors.mean()), float(errors.std() / np.sqrt(count))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    worst, blind = dict.fromkeys(LAWS, 0.0), np.inf
    for hidden in (1, 2, 3) * (10 if thorough else 1):
        p = problem(rng, hidden, noisy=True)
        x, y = rng.normal(size=(9, p.widths[0])), rng.normal(size=9)
        p = replace(p, moments=Moments.from_data(x, y))
        layers = p.weights(rng, 1.5)
        closed, silent = (noise_averaged_loss(layers, p.moments, noise=s) for s in (p.noise, 0.0))
        for law in worst:
            mean, error = estimate(rng, p, x, y, layers, law)
            worst[law] = max(worst[law], abs(mean - closed) / error)
            blind = min(blind, abs(mean - silent) / error)
    figures: Figures = {f"largest |z|, {law}": z for law, z in worst.items()}
    return {**figures, "least |z| of the loss without noise": float(blind)}, max(worst.values()) < MOST_Z < blind


EXPERIMENT = Experiment("minima", "B1", "Monte Carlo", "z of the closed form below 5, of the noiseless loss above 5", measure)
