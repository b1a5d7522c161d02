r"""H6: label-noise descent beside the limit flow, for scalars, chains and networks.

Means of observables of Phi(theta) over independent runs at eta and eta/2, extrapolated linearly to eta = 0. For scalars the
observables are conserved by gradient flow (D = w_2^2 - w_1^2 and w_i^2 - w_j^2), so that no limit is computed; for networks the
trace of the Hessian is taken after descent without noise. Predictions: D(0) exp(-c t); the drift of `numerics.noise_drift`,
integrated. The test: |extrapolated - predicted| beyond 1e-3 of the motion, in standard errors, at most 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp

import numpy as np

from numerics.dynamics import Array
from numerics.ensembles import Run
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_ensembles import Case, Value, checked, fastest, limit_flow, trace_case
from numerics.experiments.hessian_networks import tame_network

C = 0.25
NETS, MORE = ((2, 2, 2),), ((1, 2, 3), (3, 3, 3))


def scalars(*values: float) -> tuple[Array, ...]:
    return tuple(np.array([[x]]) for x in values)


def gap(i: int, j: int, start: Sequence[Array], end: Sequence[Array]) -> Value:
    """w_i^2 - w_j^2."""

    def difference(W: Sequence[Array]) -> Array:
        return np.asarray((W[i - 1] ** 2 - W[j - 1] ** 2)[..., 0, 0])

    return Value(f"D_{i}{j}", difference, *(float(difference(W)) for W in (start, end)))


def pair(time: float) -> Case:
    """D = w_2^2 - w_1^2, which decays at the rate c."""
    start = scalars(0.5, 2.0)
    value = replace(gap(2, 1, start, start), name="D")
    return Case(start, np.eye(1), _run(time), (replace(value, predicted=value.first * exp(-C * time)),))


def chain(time: float) -> Case:
    """Two differences of squares in a chain of three."""
    start = scalars(0.8, 0.9, 1.3)
    end = limit_flow(start, np.eye(1), "label", C, time)
    return Case(start, np.eye(1), _run(time), tuple(gap(i, 1, start, end) for i in (2, 3)))


def _run(time: float) -> Run:
    return Run(rate=1.0, time=time, size=1, scale=C)


# Ensembles whose observables are conserved by gradient flow.
SCALARS = [pair, chain]


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    time, rate, size = (2.0, 0.02, 1500) if thorough else (1.0, 0.05, 400)
    where, shown = fastest(thorough)
    cases = [make(time) for make in SCALARS]
    for widths in (*NETS, *(MORE if thorough else ())):
        cases.append(trace_case(f"Tr H of {widths}", *tame_network(rng, widths), _run(time)))
    figures, accepted = checked(cases, rng, rate, size, where)
    return {**figures, **shown}, accepted


EXPERIMENT = Experiment(
    "hessian", "H6", "ensembles", "extrapolated means within 4 standard errors + 1e-3 of the motion", measure
)
