r"""R3: the interval formula for all sub-products, by singular values at widths 20 to 60, and modulo a prime at small widths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Count, depths, noisy, offsets, predicted, shapes, sub_products
from numerics.generic_rank import generic_rank

LOW_RANKS = (0, 0, 1, 2, 5, 60)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count, several = Count(), 0
    for depth in depths(rng, 400 if thorough else 50, 1, 5):
        A = offsets(rng, shapes(rng, depth, 20, 60))
        most = (min(x.shape) for x in A.layers)
        ranks = [min(int(rng.choice(LOW_RANKS)), d) for d in most]
        count.add(sub_products(noisy(rng, A, ranks)), predicted(A, ranks))
    for depth in depths(rng, 3000 if thorough else 200, 1, 5):
        small = [rng.integers(-1, 2, (m, n)) for n, m in _pairs(shapes(rng, depth, 1, 5))]
        found = generic_rank(small, [int(rng.choice((0, 0, 1, 2))) for _ in small], seed=int(rng.integers(2**32)))
        several += found.reason is not None and found.reason.first < found.reason.last
    figures: Figures = {"ranks": count.compared, "not clear": count.unclear, "wrong": count.wrong}
    return {**figures, "several layers bind": several}, count.passed


def _pairs(widths: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(pairwise(widths))


EXPERIMENT = Experiment(
    "rank", "R3", "singular values", "no clear rank is not the formula; <= 10% unclear; exact routes agree", measure
)
