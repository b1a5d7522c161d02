r"""R5: the second moment of det(A + sZ) by Monte Carlo for normal entries and for signs, and enumerations over finite sets.

z is the difference to the expansion in standard errors. Enumerated: the share of singular matrices of signs and of 0/1
entries, and P(rank < r*) for entries uniform on a set, beside the bound N r*/|S|.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product
from math import factorial

import numpy as np
from numpy.typing import NDArray

from numerics.experiments import Experiment, Figures

Array = NDArray[np.float64]
MOST_Z = 5.0
SINGULAR = {((-1, 1), 2): Fraction(1, 2), ((-1, 1), 3): Fraction(5, 8), ((0, 1), 2): Fraction(5, 8)}
# P(rank P < min d) with entries uniform on 0..size-1 and an offset: widths, size, offset on the diagonal.
BOUNDS = {
    ((2, 2), 5, 0): Fraction(113, 625),
    ((2, 2), 5, -1): Fraction(99, 625),
    ((1, 1, 1, 1), 9, -4): Fraction(217, 729),
}


def second_moment(A: Array, s: float) -> float:
    """sum_k s^(2(d-k)) (d-k)! e_k(A A^T), by the eigenvalues of A A^T."""
    d = len(A)
    lam = np.linalg.eigvalsh(A @ A.T)
    e = [sum(float(np.prod(c)) for c in combinations(lam, k)) for k in range(d + 1)]
    return float(sum(s ** (2 * (d - k)) * factorial(d - k) * e[k] for k in range(d + 1)))


def score(rng: np.random.Generator, d: int, signs: bool, count: int) -> float:
    """|z| of the sample mean of det(A + s Z)^2."""
    A, s = rng.normal(size=(d, d)), float(rng.uniform(0.5, 1.5))
    Z = rng.choice((-1.0, 1.0), (count, d, d)) if signs else rng.normal(size=(count, d, d))
    sample = np.linalg.det(A + s * Z) ** 2
    return float(abs(sample.mean() - second_moment(A, s)) / (sample.std(ddof=1) / np.sqrt(count)))


def singular(values: Sequence[int], d: int, offset: int = 0) -> Fraction:
    """The share of d x d matrices with these entries, plus a multiple of I, whose determinant is 0: all of them counted."""
    tables = np.array(list(product(values, repeat=d * d)), dtype=float).reshape(-1, d, d) + offset * np.eye(d)
    zero = np.rint(np.linalg.det(tables)) == 0
    return Fraction(int(zero.sum()), len(tables))


def deficient(widths: Sequence[int], size: int, offset: int) -> Fraction:
    """P(rank P < min d): one layer d x d, or numbers."""
    if len(widths) == 2:
        return singular(range(size), widths[0], offset)
    draws = np.array(list(product(range(size), repeat=len(widths) - 1))) + offset
    return Fraction(int((draws.prod(axis=1) == 0).sum()), len(draws))


def bound(widths: Sequence[int], size: int) -> Fraction:
    """N r*/|S|."""
    return Fraction((len(widths) - 1) * min(widths), size)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count, sizes = (1_000_000, (1, 2, 3, 4, 5)) if thorough else (60_000, (1, 2, 3))
    worst = {name: max(score(rng, d, name == "signs", count) for d in sizes) for name in ("normal", "signs")}
    shares = all(singular(values, d) == share for (values, d), share in SINGULAR.items())
    bounded = all(deficient(d, size, a) == share <= bound(d, size) for (d, size, a), share in BOUNDS.items())
    figures: Figures = {f"largest |z|, {name}": z for name, z in worst.items()}
    figures |= {"shares as stated": int(shares), "bounds as stated": int(bounded)}
    return figures, max(worst.values()) < MOST_Z and shares and bounded


EXPERIMENT = Experiment("rank", "R5", "Monte Carlo", "z of the second moment below 5; enumerated shares as stated", measure)
