"""ALN-1: the commutator of two layers, relative to the norms of its factors, on aligned and on Gaussian layers."""

from __future__ import annotations

import numpy as np

from numerics.alignment import commutator_residual
from numerics.experiments import Experiment, Figures
from numerics.experiments.alignment_problems import aligned_layers, gaussian_layers, random_widths

ALIGNED, MEDIAN, LEAST = 1e-12, 0.1, 1e-6


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 2000 if thorough else 200
    aligned = max(commutator_residual(aligned_layers(rng, random_widths(rng, 2, 8), "weak")) for _ in range(runs))
    generic = [commutator_residual(gaussian_layers(rng, [int(d) for d in rng.integers(2, 9, 3)])) for _ in range(runs)]
    figures: Figures = {
        "largest, aligned": aligned,
        "median, Gaussian": float(np.median(generic)),
        "least, Gaussian": min(generic),
    }
    return figures, aligned <= ALIGNED and float(np.median(generic)) >= MEDIAN and min(generic) >= LEAST


EXPERIMENT = Experiment(
    "alignment", "ALN-1", "commutator residual", "aligned layers below 1e-12, Gaussian ones 0.1 in the median", measure
)
