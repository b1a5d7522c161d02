"""R19: the dimension of the admissible slopes, and which layers admit a slope that is not zero, by exact linear algebra."""

from __future__ import annotations

import numpy as np
from flint import fmpq_mat, fmpz_mat

from numerics.experiments import Experiment, Figures

Layers = list[fmpz_mat]


def random_layers(rng: np.random.Generator) -> Layers:
    """Depth up to 5, widths up to 4, layers g D h with D a partial permutation, so that ranks and kernels meet in all ways."""
    d = [int(x) for x in rng.integers(1, 5, int(rng.integers(2, 7)))]
    frames = [unimodular(rng, n) for n in d]
    return [frames[i] * partial(rng, d[i], d[i - 1]) * inverse(frames[i - 1]) for i in range(1, len(d))]


def unimodular(rng: np.random.Generator, n: int) -> fmpz_mat:
    """A product of a lower and an upper unitriangular matrix: its inverse has integer entries."""
    low, high = (np.tril(rng.integers(-1, 2, (n, n)), -1) + np.eye(n, dtype=int) for _ in range(2))
    return fmpz_mat((low @ high.T).tolist())


def inverse(x: fmpz_mat) -> fmpz_mat:
    return fmpq_mat(x).inv().numer_denom()[0]


def partial(rng: np.random.Generator, rows: int, cols: int) -> fmpz_mat:
    k, D = min(rows, cols), np.zeros((rows, cols), dtype=int)
    D[rng.permutation(rows)[:k], rng.permutation(cols)[:k]] = rng.random(k) < rng.choice([0.5, 0.8, 1.0])
    return fmpz_mat(D.tolist())


def eye(n: int) -> fmpz_mat:
    return fmpz_mat(np.eye(n, dtype=int).tolist())


def sides(layers: Layers) -> list[tuple[fmpz_mat, fmpz_mat]]:
    """(W_N ... W_{i+1}, W_{i-1} ... W_1) for i = 1, ..., N."""
    above, below = [eye(layers[-1].nrows())], [eye(layers[0].ncols())]
    for W, V in zip(layers[:-1], reversed(layers[1:]), strict=True):
        below.append(W * below[-1])
        above.append(above[-1] * V)
    return list(zip(reversed(above), below, strict=True))


def dimension(layers: Layers) -> int:
    """The dimension of {Gamma : above_i^T Gamma below_i^T = 0 for all i}, by the rank of the linear system."""
    m, n = layers[-1].nrows(), layers[0].ncols()
    rows = []
    for above, below in sides(layers):
        for j in range(above.ncols()):
            for k in range(below.nrows()):
                rows.append([int(above[p, j]) * int(below[k, q]) for p in range(m) for q in range(n)])
    return int(m * n - fmpz_mat(rows).rank())


def formula(layers: Layers) -> int:
    """d_N d_0 - sum_i (c_i - c_{i-1}) r_i."""
    c = [0, *(above.rank() for above, _ in sides(layers))]
    r = [below.rank() for _, below in sides(layers)]
    return int(layers[-1].nrows() * layers[0].ncols() - sum((c[i + 1] - c[i]) * x for i, x in enumerate(r)))


def full(layers: Layers) -> bool:
    """Condition (ii): above of rank d_N and below of rank d_0 at some i."""
    m, n = layers[-1].nrows(), layers[0].ncols()
    return any(a.rank() == m and b.rank() == n for a, b in sides(layers))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    cases = [random_layers(rng) for _ in range(1500 if thorough else 150)]
    found = [(dimension(x), formula(x), full(x)) for x in cases]
    wrong = sum(a != b for a, b, _ in found)
    mismatches = sum((a == 0) != c for a, _, c in found)
    nonzero = sum(a > 0 for a, _, _ in found)
    figures: Figures = {"cases": len(found), "wrong dimension": wrong, "wrong condition": mismatches, "with a slope": nonzero}
    return figures, wrong == mismatches == 0 and 0 < nonzero < len(found)


EXPERIMENT = Experiment("rank", "R19", "exact linear algebra", "dimension and condition, on structured layers", measure)
