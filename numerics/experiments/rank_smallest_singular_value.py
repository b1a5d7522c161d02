r"""R6: how often the smallest singular value of A + sigma Z is at most e, beside the bound, for several A.

The bound is nearly attained at d = 1, A = 0. An excess is reported above 4 standard errors, those of a frequency equal to the
bound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import Experiment, Figures

Array = NDArray[np.float64]
MOST_Z = 4.0
TAILS = (0.05, 0.2, 0.5)


def bound(d: int, e: float, sigma: float) -> float:
    """sqrt(2/pi) d^(3/2) e / sigma."""
    return float(np.sqrt(2 / np.pi) * d**1.5 * e / sigma)


def offsets(d: int) -> dict[str, Array]:
    return {"0": np.zeros((d, d)), "I": np.eye(d), "ones": np.ones((d, d)), "-diag": -np.diag(np.arange(1.0, d + 1))}


def excess(rng: np.random.Generator, A: Array, sigma: float, count: int) -> float:
    """The largest excess of a frequency over its bound, in standard errors, at sizes e where the bound is about `TAILS`."""
    d = len(A)
    least = np.linalg.svd(A + sigma * rng.normal(size=(count, d, d)), compute_uv=False)[:, -1]
    worst = -np.inf
    for e in (1.25 * t * sigma / d**1.5 for t in TAILS):
        above = float((least <= e).mean()) - bound(d, e, sigma)
        worst = max(worst, above / float(np.sqrt(bound(d, e, sigma) / count)))
    return worst


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count, sizes = (200_000, (1, 2, 3, 5, 8)) if thorough else (20_000, (1, 2, 3))
    worst = {d: max(excess(rng, A, sigma, count) for A in offsets(d).values() for sigma in (0.1, 1.0)) for d in sizes}
    figures: Figures = {f"largest excess at d = {d}, in standard errors": x for d, x in worst.items()}
    return {**figures, "samples": count}, max(worst.values()) <= MOST_Z


EXPERIMENT = Experiment("rank", "R6", "Monte Carlo", "no frequency exceeds its bound by 4 standard errors", measure)
