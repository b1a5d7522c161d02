r"""DYN-1: the recursion of the modes beside one step of matrix gradient descent, from exactly aligned networks."""

from __future__ import annotations

import numpy as np

from numerics.dynamics import Array, descended, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.aligned import Aligned, aligned, random_widths, rectangle

SAME = 1e-12


def stepped(values: list[Array], s: Array, c: Array, m: int, rate: float) -> list[Array]:
    """The modes up to the least width m after one step; the others do not move."""
    table = np.array([v[:m] for v in values])
    others = np.array([np.prod(np.delete(table, i, axis=0), axis=0) for i in range(len(table))])
    moved = table - rate * others * (s[:m] * np.prod(table, axis=0) - c[:m])
    return [np.concatenate([new, old[m:]]) for new, old in zip(moved, values, strict=True)]


def difference(rng: np.random.Generator, net: Aligned) -> float:
    rate, m = float(rng.uniform(-0.5, 0.5)), min(len(Q) for Q in net.bases)
    V, U = net.bases[0], net.bases[-1]
    s, c = np.diag(V.T @ net.X @ net.X.T @ V), np.diag(U.T @ net.Y @ net.X.T @ V)
    after = descended(net.layers, squared_slope(net.X, net.Y), rate)
    claimed = stepped(net.mode_values(), s, c, m, rate)
    size = 1 + max(float(np.linalg.norm(W)) for W in after)
    pairs = zip(after, claimed, strict=True)
    return max(float(np.linalg.norm(net.core(i, W) - rectangle(v, *W.shape))) for i, (W, v) in enumerate(pairs, 1)) / size


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 2000 if thorough else 200
    worst = max(difference(rng, aligned(rng, random_widths(rng, int(rng.integers(1, 6)), 6))) for _ in range(count))
    return {"networks": count, "largest difference": worst}, worst <= SAME


EXPERIMENT = Experiment(
    "alignment", "DYN-1", "one step", "singular values after one step within 1e-12 of the layer norms", measure
)
