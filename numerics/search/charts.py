r"""Charts: coordinates for the set that the hypotheses cut out, as far as its form is visible.

Orthonormal columns are a Cayley transform \(Q = (I + K)^{-1}(I - K) D\) (K skew, D signs), semidefinite variables are
\(X^T X\), balanced layers \(W_i = Q_i S Q_{i-1}^T\) with the same numbers on the diagonal of every S, unit vectors are
stereographic, positive numbers |u|; entries that a hypothesis fixes are fixed. Each block of coordinates makes some variables,
from floats (batched) and from rationals (exactly), by the same formula: rational coordinates give rational points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from theory.algebras.polynomial import places
from theory.dag import Node

Floats = NDArray[np.float64]
Numbers = Sequence[fmpq]


@dataclass(frozen=True)
class Entries:
    """A variable by its entries; some are fixed, of a positive or nonnegative number the absolute value is taken."""

    variable: Node
    fixed: Mapping[Any, Fraction] = field(default_factory=dict)
    positive: bool = False

    @property
    def free(self) -> list[Any]:
        return [p for p in places(self.variable) if p not in self.fixed]

    @property
    def size(self) -> int:
        return len(self.free)

    @property
    def plain(self) -> bool:
        """Whether the coordinates enter as they are: only then can an equation be solved for them."""
        return not self.positive

    def floats(self, u: Floats) -> dict[str, Floats]:
        name, shape = str(self.variable.data[0]), self.variable.shape
        if not shape:
            x = u[:, 0] if self.size else np.full(len(u), float(self.fixed[(name,)]))
            return {name: np.abs(x) if self.positive else x}
        out = np.zeros((len(u), *map(int, shape)))
        for place, c in self.fixed.items():
            self._put(out, place, float(c))
        for k, place in enumerate(self.free):
            self._put(out, place, u[:, k])
        return {name: out}

    def _put(self, out: Floats, place: Any, value: Any) -> None:
        _, i, j = place
        out[:, i, j] = value
        if self.variable.data[1]:
            out[:, j, i] = value

    def exact(self, u: Numbers) -> dict[str, Any]:
        name, shape = str(self.variable.data[0]), self.variable.shape
        at: dict[Any, fmpq] = {p: fmpq(c.numerator, c.denominator) for p, c in self.fixed.items()}
        at |= zip(self.free, u, strict=True)
        if not shape:
            return {name: abs(at[(name,)]) if self.positive else at[(name,)]}
        symmetric, (rows, cols) = self.variable.data[1], map(int, shape)
        key: Callable[[int, int], Any] = lambda i, j: (name, *(sorted((i, j)) if symmetric else (i, j)))  # noqa: E731
        return {name: fmpq_mat(rows, cols, [at[key(i, j)] for i in range(rows) for j in range(cols)])}


def cayley_size(n: int) -> int:
    """Coordinates of an orthogonal n x n matrix: those of a skew matrix, and n signs."""
    return n * (n - 1) // 2 + n


def cayley_floats(u: Floats, n: int) -> Floats:
    k = np.zeros((len(u), n, n))
    rows, cols = np.triu_indices(n, 1)
    k[:, rows, cols], k[:, cols, rows] = u[:, : len(rows)], -u[:, : len(rows)]
    signs = np.where(u[:, len(rows) :] < 0, -1.0, 1.0)
    one = np.eye(n)
    return np.asarray(np.linalg.solve(one + k, one - k) * signs[:, None, :])


def cayley_exact(u: Numbers, n: int) -> fmpq_mat:
    k, one = fmpq_mat(n, n), fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    values = iter(u)
    for i in range(n):
        for j in range(i + 1, n):
            k[i, j] = next(values)
            k[j, i] = -k[i, j]
    signs = fmpq_mat(n, n)
    for i, s in enumerate(values):
        signs[i, i] = -1 if s < 0 else 1
    return (one + k).solve(one - k) * signs


@dataclass(frozen=True)
class Orthonormal:
    """A variable with orthonormal columns (or, `turned`, rows)."""

    variable: Node
    turned: bool = False
    plain: bool = False

    @property
    def _shape(self) -> tuple[int, int]:
        rows, cols = map(int, self.variable.shape)
        return (cols, rows) if self.turned else (rows, cols)

    @property
    def size(self) -> int:
        return cayley_size(self._shape[0])

    def floats(self, u: Floats) -> dict[str, Floats]:
        n, cols = self._shape
        q = cayley_floats(u, n)[:, :, :cols]
        return {str(self.variable.data[0]): q.mT if self.turned else q}

    def exact(self, u: Numbers) -> dict[str, Any]:
        n, cols = self._shape
        q = part(cayley_exact(u, n), n, cols)
        return {str(self.variable.data[0]): q.transpose() if self.turned else q}


def part(a: fmpq_mat, rows: int, cols: int) -> fmpq_mat:
    """The upper left rows x cols of a matrix."""
    return fmpq_mat(rows, cols, [a[i, j] for i in range(rows) for j in range(cols)])


@dataclass(frozen=True)
class Gram:
    """A positive semidefinite variable, X^T X."""

    variable: Node
    plain: bool = False

    @property
    def size(self) -> int:
        return int(self.variable.shape[0]) ** 2

    def floats(self, u: Floats) -> dict[str, Floats]:
        n = int(self.variable.shape[0])
        x = u.reshape(-1, n, n)
        a = x.mT @ x
        return {str(self.variable.data[0]): (a + a.mT) / 2}

    def exact(self, u: Numbers) -> dict[str, Any]:
        n = int(self.variable.shape[0])
        x = fmpq_mat(n, n, list(u))
        return {str(self.variable.data[0]): x.transpose() * x}


@dataclass(frozen=True)
class Unit:
    """A variable of Frobenius norm 1: stereographic projection of its entries from the first one."""

    variable: Node
    plain: bool = False

    @property
    def size(self) -> int:
        return prod(int(d) for d in self.variable.shape) - 1 if self.variable.shape else 0

    def floats(self, u: Floats) -> dict[str, Floats]:
        square = (u * u).sum(1, keepdims=True)
        x = np.concatenate([1 - square, 2 * u], axis=1) / (1 + square)
        return {str(self.variable.data[0]): x.reshape(-1, *map(int, self.variable.shape))}

    def exact(self, u: Numbers) -> dict[str, Any]:
        square = sum((x * x for x in u), fmpq(0))
        x = [(1 - square) / (1 + square), *(2 * y / (1 + square) for y in u)]
        return {str(self.variable.data[0]): fmpq_mat(*map(int, self.variable.shape), x)}


@dataclass(frozen=True)
class Chain:
    """Balanced layers, the first acts first."""

    layers: tuple[Node, ...]
    plain: bool = False

    @property
    def widths(self) -> list[int]:
        return [int(self.layers[0].shape[1]), *(int(W.shape[0]) for W in self.layers)]

    @property
    def size(self) -> int:
        return min(self.widths) + sum(map(cayley_size, self.widths))

    def _cut(self) -> Iterator[tuple[int, slice]]:
        """Of each base its width and its coordinates."""
        start = min(self.widths)
        for n in self.widths:
            yield n, slice(start, start := start + cayley_size(n))

    def floats(self, u: Floats) -> dict[str, Floats]:
        m = min(self.widths)
        bases = [cayley_floats(u[:, at], n) for n, at in self._cut()]
        pairs = zip(self.layers, pairwise(bases), strict=True)
        return {str(W.data[0]): (q[:, :, :m] * u[:, None, :m]) @ p[:, :, :m].mT for W, (p, q) in pairs}

    def exact(self, u: Numbers) -> dict[str, Any]:
        m = min(self.widths)
        bases = [part(cayley_exact(u[at], n), n, m) for n, at in self._cut()]
        values = fmpq_mat(m, m, [u[i] if i == j else 0 for i in range(m) for j in range(m)])
        return {str(W.data[0]): q * values * p.transpose() for W, (p, q) in zip(self.layers, pairwise(bases), strict=True)}


Block = Entries | Orthonormal | Gram | Unit | Chain
