r"""R11: how much a step adds to the rank of the product, modulo a prime: at most the sum of rank G_i, and N min(n, rank F)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Modular, shapes


def bound(depth: int, samples: int, slope: int) -> int:
    """N min(n, rank F)."""
    return depth * min(samples, slope)


def one(rng: np.random.Generator) -> tuple[int, int]:
    """(what is left of the bound, whether it is attained with more than n)."""
    m, N = Modular.of(rng), int(rng.choice((1, 2, 2, 2, 3)))
    d, n = shapes(rng, N, 4, 6), int(rng.integers(1, 3))
    W = [m.of_rank(b, a, int(rng.integers(1, 3))) for a, b in pairwise(d)]
    X, Y = m.random(d[0], n), m.random(d[-1], n)
    before = m.product(W, d[0])
    slope = (before * X - Y) * X.transpose()
    gained = m.product(m.stepped(W, X, Y, 1), d[0]).rank() - before.rank()
    grads = sum(G.rank() for G in m.gradients(W, X, Y))
    left = min(grads, bound(N, n, slope.rank())) - gained
    return left, int(left == 0 and gained > n)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    found = [one(rng) for _ in range(3000 if thorough else 500)]
    least, attained = min(left for left, _ in found), sum(hit for _, hit in found)
    return {"steps": len(found), "least slack": least, "attained beyond n": attained}, least >= 0 and attained > 0


EXPERIMENT = Experiment("rank", "R11", "modulo a prime", "no step gains more than the bound; some gain more than n", measure)
