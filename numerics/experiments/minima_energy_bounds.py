r"""The bounds on b at every root that the solver finds, and the limit of small decay."""

from __future__ import annotations

from dataclasses import replace
from math import inf, prod

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem

SLACK = 1e-9


def slacks(p: Problem) -> list[float]:
    """Each bound at each root: the larger side over the smaller one, less 1."""
    found, D, Gamma = p.minimum(), p.hidden, prod(p.decay)
    m = p.moments
    G, q = float(m.cross @ m.cross), m.explained
    seen = m.eigenvalues[m.coordinates != 0]
    out = []
    for point in found.stationary[1:]:
        b = point.energy
        out += [G * b ** (D - 1) / Gamma, q / (4 * p.kappa * b), Gamma * G / (p.kappa**2 * seen.min() ** 2 * b ** (D + 1))]
        if point.excess <= 0:
            out += [G * b ** (D - 1) / (D**2 * Gamma), (D - 1) * q / (D**2 * p.kappa * b)]
    return [x - 1 for x in out]


def small_decay(p: Problem, scale: float) -> float:
    """The relative distance of the predictor from A^+ g / kappa when all decays are multiplied by `scale`."""
    found = replace(p, decay=tuple(scale * x for x in p.decay)).minimum()
    m = p.moments
    inverse = np.where(m.coordinates != 0, m.coordinates / np.where(m.eigenvalues > 0, m.eigenvalues, inf), 0)
    limit = m.basis @ inverse / p.kappa
    return float(np.linalg.norm(found.predictor - limit) / np.linalg.norm(limit))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    nets = [problem(rng, hidden, largest=5, decay=(0.005, 0.3)) for hidden in (2, 3, 4) * (2000 if thorough else 60)]
    all_slacks = [x for p in nets for x in slacks(p)]
    near = [small_decay(p, 1e-9) for p in nets[:60]]
    figures: Figures = {
        "networks": len(nets),
        "bounds": len(all_slacks),
        "least relative slack": min(all_slacks),
        "largest distance at small decay": max(near),
    }
    return figures, min(all_slacks) >= -SLACK and max(near) <= 1e-2


EXPERIMENT = Experiment("minima", "B16", "bounds", "every bound at every root (slack -1e-9); the limit of small decay", measure)
