"""R17: masks of one step enumerated exactly, and the growth law of the junction space over several steps modulo a prime."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import numpy as np
from flint import fmpq, fmpq_mat, nmod_mat

from numerics.experiments import Experiment, Figures
from numerics.experiments.rank_dropout_masks import PRIME

U = ((1, 2, 3), (1, 2, 1, -1), (1, 2, -1, 3, 1), (1, 0, 2), (0, 3, 0, 1, 1))


def rows(table: Sequence[Sequence[object]]) -> fmpq_mat:
    entries = [Fraction(str(x)) for r in table for x in r]
    return fmpq_mat(len(table), len(table[0]), [fmpq(x.numerator, x.denominator) for x in entries])


def diagonal(bits: Sequence[int]) -> fmpq_mat:
    return rows([[b * (i == j) for j in range(len(bits))] for i, b in enumerate(bits)])


A, B, Y, RATE = rows([[1], [2]]), rows([[3], [1]]), rows([[1, -1], [2, 5]]), fmpq(1, 7)


def raised(u: Sequence[int]) -> int:
    """How many of the masks give rank 2 after a step of dropout from W_1 = u a^T, W_2 = b u^T, X = I."""
    column = rows([[x] for x in u])
    W, V = column * A.transpose(), B * column.transpose()
    found = 0
    for bits in product((0, 1), repeat=len(u)):
        D = diagonal(bits)
        F = V * D * W - Y
        after = (V - RATE * F * W.transpose() * D) * (W - RATE * D * V.transpose() * F)
        found += after.rank() == 2
    return found


def expected(u: Sequence[int]) -> int:
    """2^d (1 - p^k - (1 - p)^k) at p = 1/2."""
    live = sum(x != 0 for x in u)
    return int(2 ** len(u) * (1 - Fraction(2, 2**live)))


def connected() -> tuple[int, int]:
    """DropConnect from u = (1, 2): how many of the 256 masks on the weights give rank 2, and rank 1."""
    W, V = [[1, 2], [2, 4]], [[3, 6], [1, 2]]
    counts = [0, 0, 0]
    for bits in product((0, 1), repeat=8):
        Z, S = (np.array(bits[:4]).reshape(2, 2), np.array(bits[4:]).reshape(2, 2))
        low, high = rows((Z * np.array(W)).tolist()), rows((S * np.array(V)).tolist())
        F = high * low - Y
        G, H = high.transpose() * F, F * low.transpose()
        first = fmpq_mat(2, 2, [fmpq(W[i][j]) - RATE * int(Z[i, j]) * G[i, j] for i in range(2) for j in range(2)])
        second = fmpq_mat(2, 2, [fmpq(V[i][j]) - RATE * int(S[i, j]) * H[i, j] for i in range(2) for j in range(2)])
        counts[(second * first).rank()] += 1
    return counts[2], counts[1]


def growth(rng: np.random.Generator, steps: int) -> int:
    """How often rank M exceeds min(2^t rank M(0), live rows), modulo a prime, widths (4, 8, 5)."""

    def draw(m: int, n: int) -> nmod_mat:
        return nmod_mat(m, n, [int(x) for x in rng.integers(1, PRIME, m * n)], PRIME)

    live = [int(x) for x in rng.random(8) < 0.8]
    dead = nmod_mat(8, 8, [b * (i == j) for i, b in enumerate(live) for j in range(8)], PRIME)
    base = dead * draw(8, 1)
    W, V, beaten = base * draw(1, 4), draw(5, 1) * base.transpose(), 0
    for t in range(1, steps + 1):
        D = nmod_mat(8, 8, [int(x) * (i == j) for i, x in enumerate(rng.integers(0, 2, 8)) for j in range(8)], PRIME)
        F = (V * D * W * draw(4, 6) - draw(5, 6)) * draw(6, 4)
        W, V = W - D * V.transpose() * F, V - F * W.transpose() * D
        M = nmod_mat(8, 9, [x for i in range(8) for x in (*(W[i, j] for j in range(4)), *(V[j, i] for j in range(5)))], PRIME)
        beaten += M.rank() > min(2**t, sum(live))
    return beaten


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    counts = {f"u = {u}": raised(u) for u in U}
    right = all(raised(u) == expected(u) for u in U)
    two, one = connected()
    beaten = sum(growth(rng, 5) for _ in range(500 if thorough else 40))
    figures: Figures = {**counts, "DropConnect rank 2": two, "DropConnect rank 1": one, "growth law beaten": beaten}
    return figures, right and (two, one) == (198, 58) and beaten == 0


EXPERIMENT = Experiment(
    "rank", "R17", "enumeration", "2^d (1 - 2^(1-k)) masks raise the rank at p = 1/2; DropConnect 198 and 58 of 256", measure
)
