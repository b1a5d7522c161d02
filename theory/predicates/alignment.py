r"""Aligned layers, in four notions: literal, weak, sorted, strong.

Layers W_1, ..., W_N of shapes d_i x d_{i-1} with orthogonal bases Q_0, ..., Q_N and cores S_i satisfy W_i = Q_i S_i Q_{i-1}^T.
Literal: every S_i has entries (p, p) only. Weak: at most one in each row and in each column. Sorted: literal, entries >= 0 and
nonincreasing in p. Strong: a trajectory of layers, each moment of it literal in the same bases.

    sorted => literal => weak, and strong => literal at each moment; no converse holds.

Bases and cores are variables that the statement declares. Among the hypotheses this says that the layers are aligned; among the
conclusions the bases and cores must be given, as expressions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from theory.errors import InvalidInput
from theory.predicates.orthogonal import Orthogonal
from theory.statement import Condition, at_least, equal


@dataclass(frozen=True)
class WeaklyAligned:
    """Cores with at most one entry in each row and in each column."""

    layers: tuple[Any, ...]
    bases: tuple[Any, ...]
    cores: tuple[Any, ...]

    def conditions(self) -> tuple[Condition, ...]:
        return (*_decomposed(self.layers, self.bases, self.cores), *(c for S in self.cores for c in _partial_monomial(S)))


@dataclass(frozen=True)
class LiterallyAligned:
    """Cores with entries (p, p) only, of any sign."""

    layers: tuple[Any, ...]
    bases: tuple[Any, ...]
    cores: tuple[Any, ...]

    def conditions(self) -> tuple[Condition, ...]:
        return (*_decomposed(self.layers, self.bases, self.cores), *(c for S in self.cores for c in _rect_diagonal(S)))


@dataclass(frozen=True)
class SortedAligned:
    """Cores with entries (p, p) only, nonnegative and nonincreasing in p."""

    layers: tuple[Any, ...]
    bases: tuple[Any, ...]
    cores: tuple[Any, ...]

    def conditions(self) -> tuple[Condition, ...]:
        literal = LiterallyAligned(self.layers, self.bases, self.cores).conditions()
        return (*literal, *(c for S in self.cores for c in _nonincreasing(S)))


@dataclass(frozen=True)
class StronglyAligned:
    """A trajectory: `moments` are the layers at each moment, `cores` their cores, and the bases are the same throughout."""

    moments: tuple[tuple[Any, ...], ...]
    bases: tuple[Any, ...]
    cores: tuple[tuple[Any, ...], ...]

    def conditions(self) -> tuple[Condition, ...]:
        if len(self.moments) != len(self.cores):
            raise InvalidInput("cores", len(self.cores), f"cores for each of {len(self.moments)} moments")
        parts = (LiterallyAligned(W, self.bases, S) for W, S in zip(self.moments, self.cores, strict=True))
        return tuple(dict.fromkeys(c for part in parts for c in part.conditions()))


def _decomposed(layers: tuple[Any, ...], bases: tuple[Any, ...], cores: tuple[Any, ...]) -> Iterator[Condition]:
    """Orthogonal bases, and W_i = Q_i S_i Q_{i-1}^T."""
    if len(bases) != len(layers) + 1 or len(cores) != len(layers):
        raise InvalidInput("bases and cores", (len(bases), len(cores)), f"{len(layers) + 1} bases and {len(layers)} cores")
    for Q in bases:
        yield from Orthogonal(Q).conditions()
    for W, S, Q, P in zip(layers, cores, bases[1:], bases[:-1], strict=True):
        yield equal(W, Q * S * P.T)


def _places(S: Any) -> list[tuple[int, int]]:
    try:
        rows, cols = (int(d) for d in S.shape)
    except TypeError:
        raise InvalidInput("core", S, "a core of given size") from None
    return [(a, b) for a in range(rows) for b in range(cols)]


def _rect_diagonal(S: Any) -> Iterator[Condition]:
    return (equal(S[a, b]) for a, b in _places(S) if a != b)


def _partial_monomial(S: Any) -> Iterator[Condition]:
    """The product of any two entries of one row or of one column is zero."""
    pairs = combinations(_places(S), 2)
    return (equal(S[a, b] * S[c, d]) for (a, b), (c, d) in pairs if a == c or b == d)


def _nonincreasing(S: Any) -> Iterator[Condition]:
    m = min(int(d) for d in S.shape)
    yield at_least(S[m - 1, m - 1])
    yield from (at_least(S[p, p], S[p + 1, p + 1]) for p in range(m - 1))
