r"""R1: ranks of all sub-products of layers with Gaussian noise in every entry, by singular values at widths 4 to 64.

The offsets have random ranks. Noise of size 1 at depth up to 6, of size 1/1000 at depth 1 and 2, where it is visible in floats.
"""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Count, Place, noisy, offsets, places, shapes, sub_products


def expected(widths: tuple[int, ...]) -> dict[Place, int]:
    """min(d_{i-1}, ..., d_j)."""
    return {(i, j): min(widths[i - 1 : j + 1]) for i, j in places(len(widths) - 1)}


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count, repeats = Count(), 256 if thorough else 32
    for high, depth, size in ((12, 6, 1.0), (24, 3, 1.0), (64, 2, 1.0), (16, 2, 1e-3), (64, 1, 1e-3)):
        for _ in range(repeats):
            widths = shapes(rng, depth, 4, high)
            layers = noisy(rng, offsets(rng, widths), widths[1:], size)
            count.add(sub_products(layers), expected(widths))
    figures: Figures = {"ranks": count.compared, "not clear": count.unclear, "wrong": count.wrong}
    return figures, count.passed


EXPERIMENT = Experiment("rank", "R1", "singular values", "no clear rank is not the least width; <= 10% unclear", measure)
