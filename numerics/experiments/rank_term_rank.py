"""R15: the best DropConnect mask against a maximum matching and against the least cover, on all small supports."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.rank_dropout_masks import Table, rank


def matching(support: Table) -> int:
    """The size of a maximum matching of rows and columns, by augmenting paths."""
    partner: dict[int, int] = {}

    def augment(i: int, seen: set[int]) -> bool:
        for j, used in enumerate(support[i]):
            if used and j not in seen:
                seen.add(j)
                if j not in partner or augment(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return sum(augment(i, set()) for i in range(len(support)))


def least_cover(support: Table) -> int:
    """The least number of rows and columns that cover the support."""
    best = len(support)
    for rows in product((0, 1), repeat=len(support)):
        used = {j for i, r in enumerate(support) if not rows[i] for j, x in enumerate(r) if x}
        best = min(best, sum(rows) + len(used))
    return best


def best_mask(W: Table) -> int:
    """The largest rank over all masks of the entries that are not zero."""
    places = [(i, j) for i, r in enumerate(W) for j, x in enumerate(r) if x]
    best = 0
    for bits in product((0, 1), repeat=len(places)):
        kept = {p for p, b in zip(places, bits, strict=True) if b}
        best = max(best, rank(tuple(tuple(x if (i, j) in kept else 0 for j, x in enumerate(r)) for i, r in enumerate(W))))
        if best == min(len(W), len(W[0])):
            break
    return best


def supports(thorough: bool) -> Iterator[Table]:
    """All supports of small sizes with at most ten cells."""
    for m, n in ((1, 3), (2, 2), (2, 3), (3, 2), *(((3, 3), (2, 5)) if thorough else ())):
        for bits in product((0, 1), repeat=m * n):
            yield tuple(tuple(bits[i * n : (i + 1) * n]) for i in range(m))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = mismatches = raised = 0
    for support in supports(thorough):
        for fill in ("ones", "random"):
            values = rng.integers(1, 4, (len(support), len(support[0]))) if fill == "random" else np.ones((9, 9), int)
            W = tuple(tuple(int(x * values[i, j]) for j, x in enumerate(r)) for i, r in enumerate(support))
            found = best_mask(W)
            mismatches += not found == matching(support) == least_cover(support)
            raised, count = raised + (found > rank(W)), count + 1
    return {"matrices": count, "mismatches": mismatches, "raised by a mask": raised}, mismatches == 0 and raised > 0


EXPERIMENT = Experiment("rank", "R15", "exhaustion", "best mask, maximum matching and least cover, exactly equal", measure)
