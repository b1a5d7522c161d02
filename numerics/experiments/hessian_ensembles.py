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
from numerics.experiments.hessian_networks import vector
from numerics.noise_drift import Noise, Valley, split
from numerics.statistics import LEVEL, Comparison, Estimate, compared, extrapolated

# What the extrapolation leaves open, as a share of the whole motion; how far descent without noise goes down.
LEFT, SETTLED = 1e-3, 10.0
# The learning rate of descent without noise.
RATE = 0.05


@dataclass(frozen=True)
class Value:
    """An observable of a batch of layers (numpy arrays), its value at the start and the prediction for its mean at the end."""

    name: str
    of: Callable[[Sequence[Array]], Array]
    first: float
    predicted: float


@dataclass(frozen=True)
class Case:
    """An ensemble that starts at `start`, on the valley, and what is seen of it: after `settle` noiseless steps."""

    start: tuple[Array, ...]
    X: Array
    run: Run
    values: tuple[Value, ...]
    settle: int = 0

    def check(self, rate: float, size: int, seed: Sequence[int], on: Backend | None = None) -> tuple[list[Comparison], Figures]:
        """The extrapolated means beside the predictions.

        The figures show how the bias falls when the rate is halved: by 2 where the extrapolated mean is the prediction, so that
        this ratio needs no test of its own.
        """
        coarse, fine = (
            self.means(replace(self.run, rate=rate / k, size=size, seed=[*seed, k]), on or backend()) for k in (1, 2)
        )
        found, figures = [], dict[str, float | int | str]()
        for value, one, two in zip(self.values, coarse, fine, strict=True):
            allowance = LEFT * abs(value.predicted - value.first)
            found.append(compared(value.name, extrapolated(one, two), value.predicted, allowance=allowance))
            bias = [m.mean - value.predicted for m in (one, two)]
            figures |= found[-1].figures()
            figures |= {f"{value.name}, bias at {rate}": bias[0], f"{value.name}, bias ratio": bias[0] / bias[1]}
        return found, figures

    def means(self, run: Run, on: Backend) -> list[Estimate]:
        batch = simulated(self.start, self.X, run, on=on)
        if self.settle:
            batch = settled(batch, self.X, product(self.start) @ self.X, rate=RATE, steps=self.settle, on=on)
        layers = [on.numpy(W) for W in batch]
        return [Estimate.of(value.of(layers)) for value in self.values]


def limit_flow(start: Sequence[Array], X: Array, noise: Noise, scale: float, time: float) -> list[Array]:
    """The layers at the slow time `time` under the drift, for noise that does not diffuse along the valley."""

    def speed(_: float, x: Array) -> Array:
        net = Valley.of(split(start, x), X)
        return np.asarray(scale * net.basis @ net.velocity(net.in_eigenbasis(noise)))

    return split(start, solve_ivp(speed, (0.0, time), vector(start), "DOP853", rtol=1e-7, atol=1e-9).y[:, -1])


def trace(layers: Sequence[Array], X: Array) -> float:
    return float(hessian_traces([W[None] for W in layers], X)[0])


def settling(least: float) -> int:
    """The steps of descent after which a mode with this eigenvalue of H has fallen by exp(-SETTLED)."""
    return int(SETTLED / (RATE * least))


def slowest(layers: Sequence[Array], X: Array) -> float:
    """The least nonzero eigenvalue of H."""
    net = Valley.of(layers, X)
    return float(net.values[net.rank - 1])


def trace_case(name: str, start: Sequence[Array], X: Array, run: Run) -> Case:
    """The trace at the limit of gradient flow, for label noise."""
    end = limit_flow(start, X, run.noise, run.scale, run.time)
    least = min(slowest(start, X), slowest(end, X))
    value = Value(name, lambda batch: hessian_traces(batch, X), trace(start, X), trace(end, X))
    return Case(tuple(start), X, run, (value,), settling(0.7 * least))


def checked(
    cases: Sequence[Case], rng: np.random.Generator, rate: float, size: int, on: Backend | None = None
) -> tuple[Figures, bool]:
    """All cases, with seeds of their own."""
    figures: Figures = {}
    accepted = True
    for case in cases:
        found, shown = case.check(rate, size, rng.integers(0, 2**32, 2).tolist(), on)
        figures |= shown
        accepted &= all(c.accepted for c in found)
    return {**figures, "level": LEVEL}, accepted


def fastest(thorough: bool) -> tuple[Backend, dict[str, Any]]:
    """The device of a run: the GPU, where there is one, for the long ensembles."""
    where = device() if thorough else backend()
    return where, {"computed with": where.describe()}
