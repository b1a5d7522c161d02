r"""R2: on a random affine space of noise the rank at random points is one number, the largest over many; modulo a prime.

Spaces are spanned by matrices of low rank and small entries, so that some of them hold no point of full rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from flint import nmod_mat

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Modular, shapes

POINTS = 50


def at(m: Modular, base: Sequence[nmod_mat], directions: Sequence[Sequence[nmod_mat]]) -> nmod_mat:
    """The product at a random point of the space."""
    layers = list(base)
    for direction in directions:
        c = m.draw.randrange(m.p)
        layers = [W + B * c for W, B in zip(layers, direction, strict=True)]
    return m.product(layers, layers[0].ncols())


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    differ, full, spaces = 0, 0, 400 if thorough else 60
    for _ in range(spaces):
        m, d = Modular.of(rng), shapes(rng, int(rng.integers(1, 4)), 2, 4)

        def draw(d: tuple[int, ...] = d, m: Modular = m) -> list[nmod_mat]:
            return [m.of_rank(b, a, int(rng.integers(0, 3))) for a, b in pairwise(d)]

        base, directions = draw(), [draw() for _ in range(int(rng.integers(1, 4)))]
        found = {at(m, base, directions).rank() for _ in range(POINTS)}
        differ += len(found) > 1
        full += max(found) == min(d)
    figures: Figures = {"spaces": spaces, "ranks that differ within a space": differ, "of full rank": full}
    return figures, differ == 0 and 0 < full < spaces


EXPERIMENT = Experiment("rank", "R2", "modulo a prime", "one rank at 50 points of each space; some full, some not", measure)
