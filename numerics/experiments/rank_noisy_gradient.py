r"""R9: the ranks of gradients under noise on labels, inputs and both, modulo a prime, and in floats at widths 20 to 40."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from flint import nmod_mat

from numerics.dynamics import gradients, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.noisy_layers import Count, Modular, offsets, shapes

NOISES = ("labels", "inputs", "both")


def expected(kind: str, head: int, tail: int, carried: int, joined: int, samples: int) -> int:
    """The formula; `carried` is rank(B X), `joined` is rank [H^T P, H^T Y]."""
    if kind == "labels":
        return min(head, carried)
    return min(joined if kind == "inputs" else head, samples, tail)


def exact(rng: np.random.Generator, kind: str) -> tuple[int, int]:
    """Layers that differ, and layers compared, of one network of structured layers and data."""
    m, N = Modular.of(rng), int(rng.integers(1, 5))
    d, n = shapes(rng, N, 1, 4), int(rng.integers(1, 5))
    W = [m.of_rank(b, a, int(rng.integers(0, 4))) for a, b in pairwise(d)]
    X, Y = m.of_rank(d[0], n, int(rng.integers(0, 3))), m.of_rank(d[-1], n, int(rng.integers(0, 3)))
    noisy = (X if kind == "labels" else X + m.random(d[0], n), Y if kind == "inputs" else Y + m.random(d[-1], n))
    wrong = 0
    for i, G in enumerate(m.gradients(W, *noisy), 1):
        H, B, P = m.product(W[i:], d[i]).transpose(), m.product(W[: i - 1], d[0]), m.product(W, d[0])
        joined = m.beside(H * P, H * Y)
        wrong += G.rank() != expected(kind, H.rank(), B.rank(), _rank(B * X), joined.rank(), n)
    return wrong, N


def _rank(x: nmod_mat) -> int:
    return int(x.rank())


def in_floats(rng: np.random.Generator, count: Count) -> None:
    """Noise on the labels at large widths: the rank is min(rank H, rank(B X)), X of full rank."""
    A = offsets(rng, shapes(rng, 3, 20, 40))
    n = int(rng.integers(10, 50))
    X, Y = rng.normal(size=(A.widths[0], n)) / n**0.5, rng.normal(size=(A.widths[-1], n)) / n**0.5
    ranks = {**A.ranks, (4, 3): A.widths[3], (1, 0): A.widths[0]}
    for i, G in enumerate(gradients(A.layers, squared_slope(X, Y)), 1):
        tail, head = ranks[1, i - 1], ranks[i + 1, 3]
        count.add({(i, i): G}, {(i, i): expected("labels", head, tail, min(tail, n), head, n)})


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    figures: Figures = {}
    wrong = 0
    for kind in NOISES:
        found = [exact(rng, kind) for _ in range(1300 if thorough else 150)]
        wrong += sum(w for w, _ in found)
        figures[f"layers, {kind}"] = sum(n for _, n in found)
    count = Count()
    for _ in range(160 if thorough else 15):
        in_floats(rng, count)
    figures |= {"wrong": wrong, "ranks in floats": count.compared, "not clear": count.unclear, "wrong in floats": count.wrong}
    return figures, not wrong and count.passed


EXPERIMENT = Experiment("rank", "R9", "modulo a prime", "no rank differs from the formula, exactly and in floats", measure)
