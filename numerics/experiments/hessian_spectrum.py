r"""H3: ranks counted exactly over the rationals, and spectra at real sizes, beside their formulas.

Layers of low rank with small integer entries make every rank drop; the exact rank is that of J J^T = sum_i A_i A_i^T kron
B_{i-1}^T B_{i-1} in integers, where no tolerance enters. The other two counts are the formula in floats and, at some of the
points, the eigenvalues of H itself.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from flint import fmpq_mat

from numerics.dynamics import product
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import data, gaussian, low_rank
from numerics.hessian import Array, heads, hessian_matrix, hessian_rank, hessian_spectrum, tails

EXACT = 1e-12
SIZES = (((6, 7, 5), 0), ((4, 5, 4, 3), 6), ((8, 9, 8), 12))


def exact_rank(layers: list[Array], X: Array) -> int:
    pairs = zip(heads(layers)[1:], tails(layers, X)[:-1], strict=True)
    K = np.sum([np.kron(a @ a.T, b.T @ b) for a, b in pairs], axis=0)
    return int(fmpq_mat(*K.shape, [int(x) for x in K.ravel()]).rank())


def deficient(rng: np.random.Generator) -> tuple[list[Array], Array]:
    """Integer layers and inputs of random low ranks, depth 2 to 4."""
    widths = rng.integers(1, 5, rng.integers(3, 6))
    sizes = [(int(b), int(a)) for a, b in pairwise(widths)]
    layers = [low_rank(rng, *size, int(rng.integers(0, min(size) + 1)) or 1) for size in sizes]
    samples = int(rng.integers(1, 4))
    return layers, low_rank(rng, int(widths[0]), samples, int(rng.integers(1, 3)))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs, drops, mismatches, worst = 2000 if thorough else 150, 0, 0, 0.0
    for _ in range(runs):
        layers, X = deficient(rng)
        rank = exact_rank(layers, X)
        mismatches += int(rank != hessian_rank(layers, X))
        drops += int(rank < layers[-1].shape[0] * min(X.shape))
    for widths, samples in SIZES:
        layers, X = gaussian(rng, widths), data(rng, widths[0], samples)
        H = np.linalg.eigvalsh(hessian_matrix(layers, X, product(layers) @ X))[::-1]
        found = hessian_spectrum(layers, X)
        rank, cut = int(found.rank), np.abs(H[int(found.rank) :]).max(initial=0.0)
        worst = max(worst, float(np.abs(H[:rank] - found.eigenvalues[:rank]).max() / H[0]), float(cut / H[0]))
    figures: Figures = {"points": runs, "with a rank that drops": drops, "wrong ranks": mismatches, "largest error": worst}
    return figures, mismatches == 0 and drops > runs // 2 and worst <= EXACT


DETAIL = "no rank differs from the exact one; eigenvalues agree with those of H within 1e-12 of the largest"
EXPERIMENT = Experiment("hessian", "H3", "exact ranks and spectra", DETAIL, measure)
