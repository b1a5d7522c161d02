"""ALN-6: layers with D_i = c_i I, made by a positive square root of A_i + c_i I, are aligned with sorted singular values."""

from __future__ import annotations

import numpy as np

from numerics.alignment import alignment, commutator_residual, horn_gap
from numerics.alignment_bases import Array
from numerics.experiments import Experiment, Figures
from numerics.experiments.alignment_problems import orthogonal

RESIDUAL = 1e-11


def shifted(rng: np.random.Generator) -> list[Array]:
    """W_{i+1} = R (W_i W_i^T + c_i I)^{1/2} with R orthogonal and c_i no less than minus the least eigenvalue."""
    n, depth = int(rng.integers(1, 7)), int(rng.integers(2, 6))
    layers = [orthogonal(rng, n) * rng.choice([0.0, 1.0, 1.0, 2.0], n) @ orthogonal(rng, n)]
    for _ in range(depth - 1):
        values, Q = np.linalg.eigh(layers[-1] @ layers[-1].T)
        c = float(rng.choice([0.0, 1.0, -values[0]]))
        layers.append(orthogonal(rng, n) @ (Q * np.sqrt(np.maximum(values + c, 0.0))) @ Q.T)
    return layers


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    nets = [shifted(rng) for _ in range(1000 if thorough else 100)]
    residual, gap = max(map(commutator_residual, nets)), max(map(horn_gap, nets))
    answers = [alignment(layers, "sorted", 1e-6).aligned for layers in nets]
    figures: Figures = {
        "largest commutator": residual,
        "largest Horn gap": gap,
        "not sorted": sum(a is not True for a in answers),
    }
    return figures, residual <= RESIDUAL and abs(gap) <= RESIDUAL and all(a is True for a in answers)


EXPERIMENT = Experiment(
    "alignment", "ALN-6", "shifted-balanced layers", "commutators and Horn gaps below 1e-11; sorted", measure
)
