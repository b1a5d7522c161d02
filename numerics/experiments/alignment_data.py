"""INV-4: bases are found for data that have them, with repeated and zero singular values too, and for no generic data."""

from __future__ import annotations

import numpy as np

from numerics.data_alignment import DataAlignment, data_alignment
from numerics.experiments import Experiment, Figures
from numerics.experiments.aligned import aligned, random_widths

FOUND, FAR = 1e-12, 1e-6


def shared(rng: np.random.Generator) -> DataAlignment:
    net = aligned(rng, random_widths(rng, 1, 5))
    return data_alignment(net.X, net.Y)


def generic(rng: np.random.Generator) -> DataAlignment:
    d0, dN, n = (int(k) for k in rng.integers(2, 6, 3))
    return data_alignment(rng.normal(size=(d0, n)), rng.normal(size=(dN, n)))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 2000 if thorough else 200
    good, bad = [shared(rng) for _ in range(count)], [generic(rng) for _ in range(count)]
    far, near = max(found.distance for found in good), min(found.residual for found in bad)
    figures: Figures = {"draws": count, "largest distance": far, "least commutator of generic data": near}
    return figures, far <= FOUND and near >= FAR and all(x.aligned for x in good) and not any(x.aligned for x in bad)


EXPERIMENT = Experiment(
    "alignment",
    "INV-4",
    "reconstruction",
    "bases within 1e-12; commutator of generic data >= 1e-6, judged against factor norms",
    measure,
)
