r"""R4: noise in every entry of a random set of layers, ranks by singular values at widths 8 to 64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Count, Offsets, depths, noisy, offsets, shapes, sub_products
from theory.theorems.rank.noise_in_some_layers import runs


def expected(A: Offsets, at: Sequence[int]) -> int:
    """The least of the widths and of the ranks of the runs without noise."""
    return min([*A.widths, *(A.ranks[a, b] for a, b in runs(len(A.layers), at) if a <= b)])


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count, lost = Count(), 0
    for depth in depths(rng, 1000 if thorough else 150, 1, 5):
        A = offsets(rng, shapes(rng, depth, 8, 64))
        at = [k for k in range(1, depth + 1) if rng.random() < 0.5]
        full = [min(x.shape) if k in at else 0 for k, x in enumerate(A.layers, 1)]
        rank, whole = expected(A, at), (1, depth)
        count.add({whole: sub_products(noisy(rng, A, full))[whole]}, {whole: rank})
        lost += rank < min(A.widths)
    figures: Figures = {"ranks": count.compared, "not clear": count.unclear, "wrong": count.wrong, "below min d": lost}
    return figures, count.passed and lost > 0


EXPERIMENT = Experiment("rank", "R4", "singular values", "no clear rank is not that of the runs; <= 10% unclear", measure)
