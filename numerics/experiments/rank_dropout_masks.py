"""R14: the best mask, generic mask values and the matroid bound, by exhaustion in exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from flint import fmpz_mat, nmod_mat

from numerics.experiments import Experiment, Figures

Table = tuple[tuple[int, ...], ...]
PRIME = (1 << 61) - 1


@lru_cache(maxsize=1 << 16)
def rank(rows: Table) -> int:
    return int(fmpz_mat([list(r) for r in rows]).rank())


def scaled(V: Table, t: Sequence[int], W: Table) -> Table:
    """V diag(t) W."""
    cols = range(len(W[0]))
    return tuple(tuple(sum(v * x * w[j] for v, x, w in zip(r, t, W, strict=True)) for j in cols) for r in V)


def best_mask(V: Table, W: Table) -> int:
    return max(rank(scaled(V, t, W)) for t in product((0, 1), repeat=len(W)))


def generic(V: Table, W: Table, rng: np.random.Generator) -> int:
    """The rank at random mask values modulo 2^61 - 1: too small with probability below 2^-57, never too large."""
    t = [int(x) for x in rng.integers(1, PRIME, len(W))]
    rows = scaled(V, t, W)
    return int(nmod_mat(len(rows), len(rows[0]), [x % PRIME for r in rows for x in r], PRIME).rank())


def least_split(V: Table, W: Table) -> int:
    """min over A of rank V[:, A] + rank W[A^c, :]."""
    return min(
        rank(tuple(tuple(x * a for x, a in zip(r, A, strict=True)) for r in V))
        + rank(tuple(tuple(x * (1 - a) for x in r) for a, r in zip(A, W, strict=True)))
        for A in product((0, 1), repeat=len(W))
    )


def tables(rows: int, cols: int) -> Iterator[Table]:
    """All matrices with entries -1, 0, 1 whose first entry that is not zero is 1 (the sign changes no rank)."""
    for entries in product((-1, 0, 1), repeat=rows * cols):
        if next((x for x in entries if x), 1) == 1:
            yield tuple(tuple(entries[i * cols : (i + 1) * cols]) for i in range(rows))


def structured(rng: np.random.Generator) -> tuple[Table, Table]:
    """Layers of low rank with sparse factors, d_1 up to 6."""
    d = [int(x) for x in rng.integers(1, [5, 7, 5])]

    def low(rows: int, cols: int) -> Table:
        r = int(rng.integers(1, min(rows, cols) + 1))
        left, right = (rng.integers(-2, 3, s) * (rng.random(s) < 0.6) for s in ((rows, r), (r, cols)))
        return tuple(tuple(int(x) for x in row) for row in left @ right)

    return low(d[2], d[1]), low(d[1], d[0])


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    whole = [(V, W) for V in tables(2, 2) for W in tables(2, 2)]
    chosen = [structured(rng) for _ in range(2000 if thorough else 150)]
    if thorough:
        whole += [(V, W) for V in tables(2, 3) for W in tables(3, 2)]
    mismatches = raised = 0
    for V, W in whole + chosen:
        found = best_mask(V, W)
        mismatches += not found == generic(V, W, rng) == least_split(V, W)
        raised += found > rank(scaled(V, (1,) * len(W), W))
    counts = {"exhausted": len(whole), "structured": len(chosen)}
    figures: Figures = {**counts, "mismatches": mismatches, "raised by a mask": raised}
    return figures, mismatches == 0 and raised > 0


DETAIL = "best mask, generic mask values and least split: exactly equal on all small layers and on structured ones"
EXPERIMENT = Experiment("rank", "R14", "exhaustion", DETAIL, measure)
