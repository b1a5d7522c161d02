r"""R12: gradient descent from random layers modulo a prime: changing data and rates, dropout masks; depth 1 fails."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from flint import nmod_mat

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Modular, shapes

STEPS = 3


def trained(rng: np.random.Generator, depth: int, masked: bool) -> bool:
    """Whether the product of random layers has the rank min d after each of three steps."""
    m, d = Modular.of(rng), shapes(rng, depth, 1, 4)
    W, full = [m.random(b, a) for a, b in pairwise(d)], True
    for _ in range(STEPS):
        n = d[0] + int(rng.integers(0, 2)) if depth == 2 else int(rng.integers(1, 4))
        X = m.random(d[0], n) if depth == 2 else m.small(d[0], n, -1, 1)
        Y, rate = m.small(d[-1], n, -1, 1), int(rng.integers(-2, 3))
        live = [m.draw.choices((0, 1), k=k) for k in d[1:-1]] if masked else []
        W = stepped(m, W, X, Y, rate, live)
        full &= m.product(W, d[0]).rank() == min(d)
    return full


def stepped(m: Modular, W: list[nmod_mat], X: nmod_mat, Y: nmod_mat, rate: int, live: list[list[int]]) -> list[nmod_mat]:
    """One step with masks on the hidden neurons: D_i is put into the layers on both sides, and taken out of the gradient."""
    if not live:
        return m.stepped(W, X, Y, rate)
    sizes = [W[0].ncols(), *(x.nrows() for x in W)]
    masks = [[1] * sizes[0], *live, [1] * sizes[-1]]
    D = [nmod_mat(len(x), len(x), [int(i == j) * y for i, y in enumerate(x) for j in range(len(x))], m.p) for x in masks]
    inside = [D[i + 1] * x * D[i] for i, x in enumerate(W)]  # D is idempotent: the same network, the same gradients
    masked = (D[i + 1] * G * D[i] for i, G in enumerate(m.gradients(inside, X, Y)))
    return [x - G * (rate % m.p) for x, G in zip(W, masked, strict=True)]


def single(rng: np.random.Generator) -> bool:
    """Depth 1, X = I, rate 1: whether the rank survives; it is that of Y, which is 1."""
    m, n = Modular.of(rng), 3
    eye = m.product([], n)
    (W,) = m.stepped([m.random(n, n)], eye, m.small(n, 1) * m.small(1, n), 1)
    return bool(W.rank() == n)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 1000 if thorough else 100
    kinds = {"depth 2": (2, False), "depth 3": (3, False), "depth 4": (4, False), "depth 3, masks": (3, True)}
    lost = {name: sum(not trained(rng, *kind) for _ in range(count)) for name, kind in kinds.items()}
    alone = sum(single(rng) for _ in range(20))
    figures: Figures = {f"lost rank, {name}": x for name, x in lost.items()}
    return {**figures, "networks of each kind": count, "depth 1 of full rank": alone}, not any(lost.values()) and not alone


EXPERIMENT = Experiment("rank", "R12", "modulo a prime", "no network of depth >= 2 loses rank; all of depth 1 do", measure)
