r"""The predictor at the critical decay: a jump to (1 - 1/D) g / (kappa a) for isotropic data, none with one hidden layer."""

from __future__ import annotations

from math import log

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.minimum import StationaryPoint, minimise
from numerics.minimum_moments import Moments
from theory.scalar_equation import Kind

RELATIVE = 1e-8


def jump(hidden: int) -> float:
    """|v| kappa a / |g| at the critical decay."""
    return 1 - 1 / hidden


def _isotropic(rng: np.random.Generator, features: int) -> tuple[Moments, float]:
    a, g = float(np.exp(rng.normal())), rng.normal(size=features)
    return Moments.from_moments(a * np.eye(features), g, 2 * float(g @ g) / a), a


def at_critical(rng: np.random.Generator, hidden: int) -> float:
    """The relative difference of the nonzero minimum's predictor from the predicted one, at Gamma_c."""
    moments, a = _isotropic(rng, 3)
    widths, noise = (3, *[2] * hidden, 1), float(rng.random())
    kappa = (1 + noise / 2) ** hidden
    probe = minimise(moments, widths, decay=1.0, noise=noise)
    decay = float(np.exp(probe.log_critical_decay_product / (hidden + 1)))
    found = minimise(moments, widths, decay=decay, noise=noise)
    point: StationaryPoint = next(x for x in found.stationary[1:] if x.kind is Kind.MINIMUM)
    expected = jump(hidden) * moments.cross / (kappa * a)
    return float(np.linalg.norm(found.predictor_at(point) - expected) / np.linalg.norm(expected))


def one_hidden_layer(rng: np.random.Generator, gap: float) -> float:
    """b over Gamma (G - Gamma) / (2 kappa g.A g) at Gamma = G (1 - gap), less 1: it vanishes with the gap."""
    x, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    moments = Moments.from_data(x, y)
    g, second = moments.cross, moments.second
    product = float(g @ g) * (1 - gap)
    found = minimise(moments, (2, 3, 1), decay=[product, 1.0], noise=0.5)
    kappa = 1 + 0.5 / 3
    return abs(found.energy * 2 * kappa * float(g @ second @ g) / (product * float(g @ g) * gap) - 1)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    number = 200 if thorough else 10
    jumps = [at_critical(rng, hidden) for hidden in (2, 3, 4, 7) * number]
    gaps = [(gap, one_hidden_layer(rng, gap)) for gap in (1e-2, 1e-4, 1e-6) for _ in range(number)]
    order = max(log(off / gap) for gap, off in gaps)
    figures: Figures = {
        "instances": len(jumps) + len(gaps),
        "largest relative difference of the jump": max(jumps),
        "largest deviation at gap 1e-6": max(off for gap, off in gaps if gap == 1e-6),
    }
    return figures, max(jumps) <= RELATIVE and order <= log(20)


EXPERIMENT = Experiment("minima", "B15", "jump", "jumps within 1e-8; with one hidden layer b linear in G - Gamma", measure)
