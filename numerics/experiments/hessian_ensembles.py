"""Ensembles of stochastic gradient descent at two step sizes, extrapolated to step size 0 and compared with the limit flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from numerics.backends import Array, Backend, backend
from numerics.dynamics import product
from numerics.ensembles import Run, device, hessian_traces, settled, simulated
from numerics.experiments import Figures
from numerics.experiments.hessian_nets import vector
from numerics.noise_drift import Noise, Valley, split
from numerics.statistics import Comparison, Estimate, compared, extrapolated

# What the extrapolation leaves open, as a share of the whole motion; how far descent without noise goes down.
LEFT, SETTLED = 1e-3, 10.0

Observable = Callable[[Sequence[Array]], Array]


@dataclass(frozen=True)
class Case:
    """An observable of an ensemble, its value at the start and its prediction at the end; `start` lies on the valley."""

    name: str
    start: tuple[Array, ...]
    X: Array
    run: Run
    observable: Observable
    first: float
    predicted: float

    def check(self, rate: float, size: int, seed: Sequence[int], on: Backend | None = None) -> tuple[Comparison, Figures]:
        """The extrapolated mean beside the prediction; the figures show how the bias falls when the rate is halved."""
        where = on or backend()
        means = []
        for k in (1, 2):
            run = replace(self.run, rate=rate / k, size=size, seed=[*seed, k])
            batch = simulated(self.start, self.X, run, on=where)
            means.append(Estimate.of(where.numpy(self.observable([where.numpy(W) for W in batch]))))
        allowance = LEFT * abs(self.predicted - self.first)
        found = compared(self.name, extrapolated(*means), self.predicted, allowance=allowance)
        bias = [m.mean - self.predicted for m in means]
        return found, {
            **found.figures(),
            f"{self.name}, bias at {rate}": bias[0],
            f"{self.name}, bias ratio": bias[0] / bias[1],
        }


def limit_flow(start: Sequence[Array], X: Array, noise: Noise, scale: float, time: float) -> list[Array]:
    """The layers at the slow time `time` under the drift, for noise that does not diffuse along the valley."""

    def speed(_: float, x: Array) -> Array:
        net = Valley.of(split(start, x), X)
        return np.asarray(scale * net.basis @ net.velocity(net.in_eigenbasis(noise)))

    return split(start, solve_ivp(speed, (0.0, time), vector(start), "DOP853", rtol=1e-7, atol=1e-9).y[:, -1])


def trace(layers: Sequence[Array], X: Array) -> float:
    return float(hessian_traces([W[None] for W in layers], X)[0])


def trace_at_limit(start: Sequence[Array], X: Array, slowest: float, rate: float) -> Observable:
    """Tr H after descent without noise, until the slowest mode has fallen by exp(-SETTLED)."""
    Y, steps = product(start) @ X, int(SETTLED / (rate * slowest))
    return lambda batch: hessian_traces(settled(batch, X, Y, rate=rate, steps=steps), X)


def slowest(layers: Sequence[Array], X: Array) -> float:
    """The least nonzero eigenvalue of H."""
    net = Valley.of(layers, X)
    return float(net.values[net.rank - 1])


def trace_case(name: str, start: Sequence[Array], X: Array, run: Run, noise: Noise | None = None, settle: float = 0.05) -> Case:
    """The trace at the limit of gradient flow, for noise that `noise` (that of the run by default) describes to the drift."""
    end = limit_flow(start, X, run.noise if noise is None else noise, run.scale, run.time)
    least = min(slowest(start, X), slowest(end, X))
    observable = trace_at_limit(start, X, 0.7 * least, settle)
    return Case(name, tuple(start), X, run, observable, trace(start, X), trace(end, X))


def checked(
    cases: Sequence[Case], rng: np.random.Generator, rate: float, size: int, on: Backend | None = None
) -> tuple[Figures, bool]:
    """All cases, with seeds of their own."""
    figures: Figures = {}
    accepted = True
    for case in cases:
        found, shown = case.check(rate, size, rng.integers(0, 2**32, 2).tolist(), on)
        figures |= shown
        accepted &= found.accepted
    return {**figures, "level": found.level}, accepted


def fastest(thorough: bool) -> tuple[Backend, dict[str, Any]]:
    """The device of a run: the GPU, where there is one, for the long ensembles."""
    where = device() if thorough else backend()
    return where, {"computed with": where.describe()}
