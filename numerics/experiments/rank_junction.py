"""R7: descent on fresh data at every step stays in the column space of each junction; noise on the gradient leaves it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.dynamics import Array, descended, product, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.junctions import cut_rank

RANK, STAYS, LEAVES, CUT = 5, 1e-12, 1e-6, 1e-10


def junctions(layers: list[Array]) -> list[Array]:
    """M_i = [W_i, W_{i+1}^T]."""
    return [np.hstack([W, V.T]) for W, V in pairwise(layers)]


def start(rng: np.random.Generator, widths: list[int]) -> list[Array]:
    """Every junction of rank RANK: W_i = U_i S_i U_{i-1}^T with orthonormal columns in each U_i."""
    U = [np.linalg.qr(rng.standard_normal((d, RANK)))[0] for d in widths]
    return [b @ rng.standard_normal((RANK, RANK)) @ a.T / 2 for a, b in pairwise(U)]


def outside(before: list[Array], after: list[Array]) -> float:
    """The largest |(I - projection on col M_i(0)) M_i(t)| / |M_i(t)|."""
    worst = 0.0
    for M, N in zip(before, after, strict=True):
        U, s, _ = np.linalg.svd(M, full_matrices=False)
        basis = U[:, s > CUT * s[0]]
        worst = max(worst, float(np.linalg.norm(N - basis @ (basis.T @ N)) / np.linalg.norm(N)))
    return worst


def trained(rng: np.random.Generator, layers: list[Array], steps: int, noise: float) -> list[Array]:
    """Steps on fresh inputs and labels, with noise of this size added to the gradients."""
    inputs, outputs = layers[0].shape[1], layers[-1].shape[0]
    for _ in range(steps):
        X, Y = rng.standard_normal((inputs, 8)), rng.standard_normal((outputs, 8))
        layers = descended(layers, squared_slope(X, Y), 1e-4)
        layers = [W + noise * rng.standard_normal(W.shape) for W in layers]
    return layers


def one(rng: np.random.Generator, depth: int, steps: int) -> tuple[float, float, int, float]:
    """(outside, relative movement, rank of the product, outside with noise on the gradients)."""
    layers = start(rng, [int(d) for d in rng.integers(30, 61, depth + 1)])
    after, before = trained(rng, layers, steps, 0.0), junctions(layers)
    moved = max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(after, layers, strict=True))
    noisy = trained(rng, layers, 2, 1e-4)
    return outside(before, junctions(after)), moved, cut_rank(product(after), CUT), outside(before, junctions(noisy))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 10 if thorough else 1
    found = [one(rng, depth, 400) for depth in (2, 3, 4) for _ in range(runs)]
    worst, moved = max(x[0] for x in found), min(x[1] for x in found)
    rank, noisy = max(x[2] for x in found), min(x[3] for x in found)
    figures: Figures = {"runs": len(found), "outside": worst, "least movement": moved, "rank": rank, "with noise": noisy}
    # comparisons with NaN are false: a run that diverges does not pass
    return figures, worst <= STAYS and moved >= 0.05 and rank == RANK and noisy >= LEAVES


EXPERIMENT = Experiment(
    "rank", "R7", "training", "400 steps at widths 30 to 60: within 1e-12 of the column space, which noise leaves", measure
)
