"""EX-2: the minimum of the squared loss is attained at balanced layers, never undercut, and sometimes unconstrained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numerics.alignment import alignment
from numerics.alignment_bases import Array
from numerics.alignment_minimum import balanced_minimum, least_squares_minimum, loss
from numerics.experiments import Experiment, Figures
from numerics.experiments.alignment_problems import gaussian_layers, random_widths

CLOSE = 1e-10


@dataclass(frozen=True, eq=False)
class _Run:
    """Relative differences of losses, whether the iff fails, and whether the layers are balanced and sorted."""

    attained: float
    undercut: float
    mismatch: bool
    tight: bool
    aligned: bool


def run(rng: np.random.Generator) -> _Run:
    widths = random_widths(rng, int(rng.integers(1, 5)), 5)
    n = int(rng.integers(1, 7))
    X = _low_rank(rng, widths[0], n)
    Y = _low_rank(rng, widths[-1], n)
    found, scale = least_squares_minimum(X, Y, widths), max(1.0, float(np.linalg.norm(Y)) ** 2)
    layers = balanced_minimum(X, Y, widths)
    random = min(loss(gaussian_layers(rng, widths), X, Y) for _ in range(10))
    near = min(loss([W + 0.1 * rng.standard_normal(W.shape) for W in layers], X, Y) for _ in range(10))
    tight = min(widths) >= np.linalg.matrix_rank(Y @ X.T, tol=1e-9)
    unconstrained = float(np.linalg.norm(Y - Y @ np.linalg.pinv(X, rcond=1e-10) @ X)) ** 2 / 2
    free = abs(found - unconstrained) <= CLOSE * scale
    aligned = alignment(layers, "sorted", 1e-6).aligned is True
    return _Run(
        abs(loss(layers, X, Y) - found) / scale,
        (found - min(random, near)) / scale,
        bool(tight) is not free,
        bool(tight),
        aligned,
    )


def _low_rank(rng: np.random.Generator, rows: int, cols: int) -> Array:
    rank = int(rng.integers(1, min(rows, cols) + 1))
    return np.asarray(rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, cols)))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = [run(rng) for _ in range(1000 if thorough else 100)]
    attained, undercut = max(r.attained for r in runs), max(r.undercut for r in runs)
    mismatches, tight = sum(r.mismatch for r in runs), sum(r.tight for r in runs)
    unaligned = sum(not r.aligned for r in runs)
    figures: Figures = {"attained within": attained, "largest undercut": undercut, "iff mismatches": mismatches}
    figures |= {"m >= rank": tight, "m < rank": len(runs) - tight, "not sorted and aligned": unaligned}
    good = attained <= CLOSE and undercut <= CLOSE and not mismatches and not unaligned
    return figures, good and 0 < tight < len(runs)


EXPERIMENT = Experiment(
    "alignment",
    "EX-2",
    "minimum of the squared loss",
    "loss and formula within 1e-10 of |Y|^2, no network below it, the iff",
    measure,
)
