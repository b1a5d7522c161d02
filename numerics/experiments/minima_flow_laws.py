r"""Gradient flow with noise, integrated: neuron by neuron the difference of two layers decays like exp(-4 gamma t)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.minimum_loss import loss_and_gradient
from numerics.minimum_moments import Array
from numerics.training import pack, unpack

RATE, INVARIANT, TIME = 4.0, 1e-7, 1.5


def flow(p: Problem, start: list[Array]) -> list[Array]:
    """The weights after the given time of gradient flow."""

    def speed(_: float, x: Array) -> Array:
        return -pack(loss_and_gradient(unpack(x, p.widths), p.moments, p.decay, p.noise)[1])

    end = solve_ivp(speed, (0, TIME), pack(start), method="LSODA", rtol=1e-10, atol=1e-12)
    return unpack(end.y[:, -1], p.widths)


def differences(layers: list[Array], silent: bool) -> list[Array]:
    """W_i W_i^T - W_{i+1}^T W_{i+1}, whole without noise, its diagonal with noise."""
    whole = [w @ w.T - u.T @ u for w, u in pairwise(layers)]
    return whole if silent else [np.diagonal(x) for x in whole]


def error(rng: np.random.Generator, hidden: int, decay: float, noisy: bool) -> float:
    """The largest deviation from the exponential law, relative to the size of the weights."""
    p = problem(rng, hidden, noisy=noisy)
    p = replace(p, decay=(decay,) * (hidden + 1))
    start = p.weights(rng, 1.0)
    before, after = differences(start, not noisy), differences(flow(p, start), not noisy)
    scale = max(1.0, max(float(np.sum(w**2)) for w in start))
    return max(float(np.abs(y - x * np.exp(-RATE * decay * TIME)).max()) for x, y in zip(before, after, strict=True)) / scale


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    cases = [(hidden, decay, noisy) for hidden in (1, 2, 3) for decay in (0.0, 0.2) for noisy in (True, False)]
    errors = [error(rng, *case) for case in cases * (20 if thorough else 1)]
    return {"flows": len(errors), "largest deviation": max(errors)}, max(errors) <= INVARIANT


EXPERIMENT = Experiment("minima", "B19", "flow", "differences of layers within 1e-7 of the exponential law", measure)
