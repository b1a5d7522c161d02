r"""R10: the rank of the product after steps with noise on the labels at depth 2, modulo a prime, also for W_2 = W_1^T."""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Modular, shapes


def expected(d0: int, d2: int, junction: int) -> int:
    """min(d_0, d_2, rank [W_1, W_2^T])."""
    return min(d0, d2, junction)


def one(rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the formula holds after the first and the second step, and whether the rank rose."""
    m, tied = Modular.of(rng), rng.random() < 0.25
    d = shapes(rng, 2, 1, 5)
    d = (d[0], d[1], d[0]) if tied else d
    first = m.of_rank(d[1], d[0], int(rng.integers(0, 4)))
    second = first.transpose() if tied else m.of_rank(d[2], d[1], int(rng.integers(0, 4)))
    n, rate = d[0] + int(rng.integers(0, 3)), int(rng.integers(1, 4))
    layers, want = [first, second], expected(d[0], d[2], m.beside(first, second.transpose()).rank())
    holds = True
    for _ in range(2):
        layers = m.stepped(layers, m.random(d[0], n), m.random(d[2], n), rate)
        holds &= m.product(layers, d[0]).rank() == want
    return holds, (second * first).rank() < want


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    found = [one(rng) for _ in range(3000 if thorough else 300)]
    wrong, rose = sum(not holds for holds, _ in found), sum(up for _, up in found)
    return {"networks": len(found), "wrong": wrong, "rank rose": rose}, not wrong and 4 * rose > len(found)


EXPERIMENT = Experiment("rank", "R10", "modulo a prime", "the rank is as stated after one and two steps; it rose", measure)
