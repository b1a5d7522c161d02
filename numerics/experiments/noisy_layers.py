r"""Layers of known rank with noise, in floats and modulo a prime, for the experiments of the family `rank`.

The offsets are \(A_k = g_k D_k g_{k-1}^T\) with orthogonal g and partial permutations D: the ranks of all sub-products are
those of products of partial permutations, exactly. Noise is scaled so that the layers have norms of order 1. """

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
from flint import nmod_mat
from numpy.typing import NDArray

from numerics.experiments.aligned import orthogonal
from numerics.generic_rank import numerical_rank, random_prime
from theory.intervals import binding

Array = NDArray[np.float64]
Place = tuple[int, int]


def places(depth: int) -> list[Place]:
    """All (i, j) with 1 <= i <= j <= N."""
    return [(i, j) for i in range(1, depth + 1) for j in range(i, depth + 1)]


def sub_products(layers: Sequence[Array]) -> dict[Place, Array]:
    """W_j ... W_i for all i <= j; layers may have batch axes."""
    out: dict[Place, Array] = {}
    for i, j in places(len(layers)):
        out[i, j] = layers[j - 1] if i == j else np.asarray(layers[j - 1] @ out[i, j - 1])
    return out


@dataclass(frozen=True, eq=False)
class Offsets:
    """Layers without noise, and the exact ranks of their sub-products."""

    widths: tuple[int, ...]
    layers: list[Array]
    ranks: dict[Place, int]


def offsets(rng: np.random.Generator, widths: Sequence[int]) -> Offsets:
    """Random partial permutations of random ranks, in random orthonormal bases."""
    g = [orthogonal(rng, d) for d in widths]
    D = [permuted(rng, m, n) for n, m in pairwise(widths)]
    ranks = {at: int(P.sum()) for at, P in sub_products(D).items()}
    return Offsets(tuple(widths), [g[k + 1] @ x @ g[k].T for k, x in enumerate(D)], ranks)


def permuted(rng: np.random.Generator, rows: int, cols: int) -> Array:
    """A partial permutation of a random rank, mostly large."""
    least = min(rows, cols)
    r = least if rng.random() < 0.3 else int(rng.integers(0, least + 1))
    out = np.zeros((rows, cols))
    out[rng.permutation(rows)[:r], rng.permutation(cols)[:r]] = 1
    return out


def noise(rng: np.random.Generator, rows: int, cols: int, rank: int, size: float = 1.0) -> Array:
    """Noise of that rank (in every entry, if it is the largest), of norm about `size`."""
    if rank >= min(rows, cols):
        return np.asarray(rng.normal(size=(rows, cols)) * size / np.sqrt(rows + cols))
    return np.asarray(rng.normal(size=(rows, rank)) @ rng.normal(size=(rank, cols)) * size / np.sqrt(rows * cols))


def noisy(rng: np.random.Generator, A: Offsets, ranks: Sequence[int], size: float = 1.0) -> list[Array]:
    return [x + noise(rng, x.shape[0], x.shape[1], s, size) for x, s in zip(A.layers, ranks, strict=True)]


def predicted(A: Offsets, ranks: Sequence[int]) -> dict[Place, int]:
    """The ranks of all sub-products by the interval formula."""
    return {(i, j): binding(A.widths, A.ranks, ranks, i, j).value for i, j in places(len(A.layers))}


@dataclass
class Count:
    """How many ranks were compared, how many were not clear, and how many were wrong."""

    compared: int = 0
    unclear: int = 0
    wrong: int = 0

    def add(self, found: Mapping[Place, Array], expected: Mapping[Place, int]) -> None:
        for at, P in found.items():
            rank, clear = numerical_rank(P, scale=1.0)
            self.compared += int(np.size(rank))
            self.unclear += int((~clear).sum())
            self.wrong += int((clear & (rank != expected[at])).sum())

    @property
    def passed(self) -> bool:
        """No clear rank is wrong, and at most one in ten is not clear."""
        return self.compared > 0 and not self.wrong and 10 * self.unclear <= self.compared


# -- modulo a prime -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Modular:
    """Matrices modulo a random prime: a rank there is at most the rank, and less with negligible probability."""

    draw: Random
    p: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> Modular:
        draw = Random(int(rng.integers(2**62)))
        return cls(draw, random_prime(draw))

    def random(self, rows: int, cols: int) -> nmod_mat:
        return nmod_mat(rows, cols, [self.draw.randrange(self.p) for _ in range(rows * cols)], self.p)

    def small(self, rows: int, cols: int, least: int = -2, most: int = 2) -> nmod_mat:
        """Small integers, so that ranks drop now and then."""
        return nmod_mat(rows, cols, [self.draw.randint(least, most) % self.p for _ in range(rows * cols)], self.p)

    def of_rank(self, rows: int, cols: int, rank: int) -> nmod_mat:
        """A random matrix of at most that rank; small factors make coincidences likely."""
        if not rank:
            return nmod_mat(rows, cols, [0] * (rows * cols), self.p)
        return self.small(rows, rank) * self.small(rank, cols)

    def beside(self, *parts: nmod_mat) -> nmod_mat:
        """Matrices side by side."""
        rows = [[x for part in parts for x in part.table()[i]] for i in range(parts[0].nrows())]
        return nmod_mat(len(rows), len(rows[0]), [int(x) for row in rows for x in row], self.p)

    def product(self, layers: Sequence[nmod_mat], size: int) -> nmod_mat:
        """The last layer times ... times the first; the identity of that size if there are none."""
        out = nmod_mat(size, size, [int(i == j) for i in range(size) for j in range(size)], self.p)
        for W in layers:
            out = W * out
        return out

    def gradients(self, layers: Sequence[nmod_mat], X: nmod_mat, Y: nmod_mat) -> list[nmod_mat]:
        """The gradients of the squared loss by the layers."""
        d, N = [layers[0].ncols(), *(W.nrows() for W in layers)], len(layers)
        F = (self.product(layers, d[0]) * X - Y) * X.transpose()
        heads = [self.product(layers[i:], d[i]) for i in range(1, N + 1)]
        tails = [self.product(layers[:i], d[0]) for i in range(N)]
        return [H.transpose() * F * B.transpose() for H, B in zip(heads, tails, strict=True)]

    def stepped(self, layers: Sequence[nmod_mat], X: nmod_mat, Y: nmod_mat, rate: int) -> list[nmod_mat]:
        """The layers after one step at an integer rate."""
        c = rate % self.p
        return [W - G * c for W, G in zip(layers, self.gradients(layers, X, Y), strict=True)]


def shapes(rng: np.random.Generator, depth: int, low: int, high: int) -> tuple[int, ...]:
    """Random widths."""
    return tuple(int(d) for d in rng.integers(low, high + 1, depth + 1))


def depths(rng: np.random.Generator, count: int, low: int, high: int) -> Iterator[int]:
    yield from (int(N) for N in rng.integers(low, high + 1, count))
