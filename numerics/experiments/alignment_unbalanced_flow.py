r"""DYN-6: the closed form of the product at depth 2 beside integration, with the conserved difference of squares."""

from __future__ import annotations

import numpy as np

from numerics.dynamics import mode_flow, unbalanced_product
from numerics.experiments import Experiment, Figures

SAME, TIMES = 1e-9, np.linspace(0.3, 5.0, 5)


def difference(rng: np.random.Generator) -> tuple[float, float]:
    """Of the products, and of the conserved quantity."""
    (x, y), s, c = rng.normal(size=2), float(rng.uniform(0.3, 2)), float(rng.normal())
    path = mode_flow((x, y), s, c, TIMES)
    closed = [unbalanced_product(float(t), (float(x), float(y)), s, c) for t in TIMES]
    kept = path[:, 1] ** 2 - path[:, 0] ** 2 - (y * y - x * x)
    return float(np.abs(path.prod(axis=1) - closed).max()), float(np.abs(kept).max())


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    found = [difference(rng) for _ in range(400 if thorough else 40)]
    worst, kept = (max(x) for x in zip(*found, strict=True))
    return {"flows": len(found), "largest difference": worst, "largest change of the imbalance": kept}, max(worst, kept) <= SAME


EXPERIMENT = Experiment(
    "alignment", "DYN-6", "flow", "products within 1e-9 of DOP853 at relative tolerance 1e-11, any signs", measure
)
