r"""The generic rank of a noisy product W_N ... W_1: by evaluation modulo a prime, and by the interval formula with its reason.

Layers A_1, ..., A_N (W_1 acts first) are taken exactly: integers, fractions, texts "p/q", floats as the dyadic rationals that
they are. The noise of a layer is `None` (or 0), `"full"` (every entry), an integer s (U V^T with s columns), or a mask, a
table of 0 and 1 of the layer's shape, for noise in the entries marked 1. "Generic" means almost surely under every law of the
noise (of U and V) that is absolutely continuous.

Evaluation: all unknowns are replaced by random integers below a random prime p with 2^60 < p < 2^61, and the rank is computed
modulo p. A minor that is not zero there is not the zero polynomial, so the rank found is never too large. It is too small
only if every minor of the generic rank r vanishes: its coefficients are integers (after clearing denominators), so one of
them is not divisible by p except for at most B/60 primes, B the bits of a bound on it; else at most deg/p of the points are
zeros (Schwartz-Zippel). `error` is the sum of both, a bound on the chance that a trial misses, to the power of the number of
trials.

>>> found = generic_rank([[[1, 0], [0, 0]], [[0, 0], [0, 1]]], [None, 1])
>>> found.rank, found.error < 1e-15
(1, True)
>>> print(found)
generic rank 1: layer 1 has rank 1 without noise, and there is no noise in it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import lcm, lgamma, log, log2
from random import Random
from typing import Any

import numpy as np
from flint import fmpq_mat, fmpz, nmod_mat
from numpy.typing import NDArray

from theory.algebras.rational import matrix
from theory.errors import DeeplinError, InvalidInput
from theory.intervals import Interval, binding, ranks

Array = NDArray[np.float64]
BITS = 60
PRIMES = 2e16  # fewer than the primes between 2^60 and 2^61
CUT, NONE_WITHIN = 1e-10, (1e-13, 1e-8)


class Disagreement(DeeplinError, ArithmeticError):
    """Evaluation and interval formula give different ranks."""


@dataclass(frozen=True)
class GenericRank:
    """The generic rank of W_j ... W_i and why it is not larger.

    `rank` is certain from below; the chance that it is too small is at most `error` if `reason` is None. `reason` is the
    interval of layers that binds, where the noise has no masks; then both routes agree. `products` holds the ranks of all
    sub-products (i, j) where they were asked for.
    """

    rank: int
    trials: int
    error: float
    reason: Interval | None
    products: dict[tuple[int, int], GenericRank] = field(default_factory=dict)

    def __str__(self) -> str:
        why = f"evaluated {self.trials} times, too small with probability at most {self.error:.1e}"
        return f"generic rank {self.rank}: {self.reason or why}"


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer with integer entries, and where its noise is: rank s, or a mask."""

    offset: fmpq_mat
    noise: int
    mask: tuple[tuple[bool, ...], ...] | None

    @property
    def degree(self) -> int:
        """In the unknowns: U V^T is quadratic."""
        return 1 if self.mask else 2 * bool(self.noise)

    @property
    def size(self) -> int:
        """A bound on the sum of the absolute values of the coefficients of an entry."""
        entries = [abs(int(x.p)) for x in self.offset.entries()]
        return max(1, max(entries) + (1 if self.mask else self.noise))

    def at(self, draw: Random, p: int) -> nmod_mat:
        """The layer modulo p at a random point."""
        rows, cols = self.offset.nrows(), self.offset.ncols()
        fixed = nmod_mat(rows, cols, [int(x.p) % p for x in self.offset.entries()], p)
        if self.mask:
            places = [x for row in self.mask for x in row]
            return fixed + nmod_mat(rows, cols, [draw.randrange(p) if x else 0 for x in places], p)
        if not self.noise:
            return fixed
        U, V = (nmod_mat(*shape, [draw.randrange(p) for _ in range(shape[0] * shape[1])], p)
                for shape in ((rows, self.noise), (self.noise, cols)))  # fmt: skip
        return fixed + U * V


def generic_rank(
    layers: Sequence[Any], noise: Sequence[Any], *, trials: int = 1, seed: int = 0, sub_products: bool = False
) -> GenericRank:
    """The rank of (A_N + noise_N) ... (A_1 + noise_1) for generic noise, with the interval that binds (if there are no masks).

    Same seed, same points. With `sub_products` the record holds all W_j ... W_i. Raises `InvalidInput` for shapes that do not
    chain, entries that are no finite numbers, a noise of another kind, fewer than one trial.
    """
    made = _layers(layers, noise)
    if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
        raise InvalidInput("trials", trials, "a number of trials >= 1")
    depth, draw = len(made), Random(seed)
    places = [(i, j) for i in range(1, depth + 1) for j in range(i, depth + 1)] if sub_products else [(1, depth)]
    found = _evaluated(made, places, trials, draw)
    bounds = _formula(made, places)
    for place, bound in bounds.items():
        if bound.value != found[place]:
            raise Disagreement(f"layers {place}: rank {found[place]} by evaluation, {bound.value} by intervals: {bound}")
    records = {at: GenericRank(found[at], trials, _error(made, at, trials), bounds.get(at)) for at in places}
    whole = records[1, depth]
    return GenericRank(whole.rank, trials, whole.error, whole.reason, records if sub_products else {})


# -- reading ------------------------------------------------------------------------------------------------------------


def _layers(layers: Sequence[Any], noise: Sequence[Any]) -> list[_Layer]:
    if len(layers) < 1 or len(layers) != len(noise):
        raise InvalidInput("noise", f"{len(noise)} entries for {len(layers)} layers", "one for each of at least one layer")
    offsets = [_exact(f"layers[{k}]", A) for k, A in enumerate(layers)]
    for k, (A, B) in enumerate(pairwise(offsets), 1):
        if B.ncols() != A.nrows():
            raise InvalidInput(f"layers[{k}]", f"{B.nrows()} x {B.ncols()}", f"{A.nrows()} columns")
    return [_Layer(A, *_noise(f"noise[{k}]", z, A)) for k, (A, z) in enumerate(zip(offsets, noise, strict=True))]


def _exact(argument: str, A: Any) -> fmpq_mat:
    """The matrix with its denominators cleared, which changes no generic rank."""
    rows = A.table() if isinstance(A, fmpq_mat) else np.asarray(A, dtype=object).tolist()
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise InvalidInput(argument, A, "a matrix with at least one entry")
    if len({len(row) for row in rows}) > 1:
        raise InvalidInput(argument, A, "rows of the same length")
    table = [[_fraction(argument, x) for x in row] for row in rows]
    common = lcm(*(x.denominator for row in table for x in row))
    return matrix([[x * common for x in row] for row in table])


def _fraction(argument: str, x: Any) -> Fraction:
    try:
        return Fraction(*x.as_integer_ratio()) if isinstance(x, float | np.floating) else Fraction(str(x))
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise InvalidInput(argument, x, "finite numbers as entries") from None


def _noise(argument: str, noise: Any, A: fmpq_mat) -> tuple[int, Any]:
    """(rank, mask); noise in every entry is noise of the largest rank."""
    rows, cols = A.nrows(), A.ncols()
    if noise is None or isinstance(noise, str | int | np.integer):
        s = min(rows, cols) if noise == "full" else 0 if noise is None else noise
        if isinstance(s, str | bool) or s < 0:
            raise InvalidInput(argument, noise, "None, 'full', a rank >= 0 or a mask")
        return min(int(s), rows, cols), None
    mask = np.asarray(noise, dtype=object)
    if mask.shape != (rows, cols) or not np.isin(mask, (0, 1)).all():
        raise InvalidInput(argument, noise, f"a mask of 0 and 1 of shape {(rows, cols)}")
    return 0, tuple(tuple(bool(x) for x in row) for row in mask)


# -- two routes ---------------------------------------------------------------------------------------------------------


def _evaluated(layers: Sequence[_Layer], places: Sequence[tuple[int, int]], trials: int, draw: Random) -> dict[Any, int]:
    best = dict.fromkeys(places, 0)
    for _ in range(trials):
        p = random_prime(draw)
        W = [layer.at(draw, p) for layer in layers]
        products: dict[tuple[int, int], nmod_mat] = {}
        for i, j in sorted(places) if len(places) > 1 else [(1, k) for k in range(1, len(W) + 1)]:
            products[i, j] = W[j - 1] if i == j else W[j - 1] * products[i, j - 1]
        for at in places:
            best[at] = max(best[at], products[at].rank())
    return best


def random_prime(draw: Random) -> int:
    """A uniform prime between 2^60 and 2^61: below 2^64, where the test of flint is exact."""
    while True:
        p = (1 << BITS) + 2 * draw.randrange(1 << (BITS - 1)) + 1
        if fmpz(p).is_probable_prime():
            return p


def _formula(layers: Sequence[_Layer], places: Sequence[tuple[int, int]]) -> dict[Any, Interval]:
    """The interval that binds each product; nothing if a layer has a mask."""
    if any(layer.mask for layer in layers):
        return {}
    widths = [layers[0].offset.ncols(), *(layer.offset.nrows() for layer in layers)]
    known = ranks([layer.offset for layer in layers])
    return {(i, j): binding(widths, known, [x.noise for x in layers], i, j) for i, j in places}


def _error(layers: Sequence[_Layer], place: tuple[int, int], trials: int) -> float:
    """A bound on the chance that all trials miss, by the degree and the coefficients of a minor of the largest size."""
    i, j = place
    part = layers[i - 1 : j]
    widths = [part[0].offset.ncols(), *(x.offset.nrows() for x in part)]
    r, degree = min(widths), sum(x.degree for x in part)
    entry = sum(log2(x.size) for x in part) + sum(map(log2, widths[1:-1]))
    bits = r * entry + lgamma(r + 1) / log(2)
    return float((r * degree / 2**BITS + bits / BITS / PRIMES) ** trials)


# -- floats -------------------------------------------------------------------------------------------------------------


def numerical_rank(
    products: Any, *, scale: float = 0.0, cut: float = CUT, none_within: tuple[float, float] = NONE_WITHIN
) -> tuple[Any, Any]:
    """(ranks, clear) of a batch of matrices (..., m, n) by their singular values.

    The rank counts sigma_k > cut sigma_1; it is clear if no sigma_k / sigma_1 lies strictly within the gap and all are finite.
    A matrix is zero if sigma_1 is below the gap times `scale`, the size of the products of the norms of its layers: without a
    scale only an exact zero is. Raises `InvalidInput` for a gap without the cut.

    >>> found, clear = numerical_rank([np.diag([1.0, 1e-3, 1e-17]), np.diag([1.0, 1.0, 1e-9])])
    >>> found.tolist(), clear.tolist()
    ([2, 3], [True, False])
    """
    low, high = none_within
    if not 0 < low <= cut <= high:
        raise InvalidInput("cut", cut, f"a number within the gap {none_within}")
    values = np.asarray(products, dtype=np.float64)
    finite = np.asarray(np.isfinite(values).all(axis=(-2, -1)))
    sigma = np.asarray(np.linalg.svd(np.where(finite[..., None, None], values, 0.0), compute_uv=False))
    top = sigma[..., :1]
    ratio = np.divide(sigma, top, out=np.zeros_like(sigma), where=top > low * scale)
    within = ((ratio > low) & (ratio < high)).any(axis=-1)
    return (ratio > cut).sum(axis=-1), finite & ~within
