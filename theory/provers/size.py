"""An upper bound for the work of expanding a term in its entries, found before the work is begun."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from typing import Any

from theory.algebra import evaluate
from theory.dag import Node, Shape
from theory.provers.api import DoesNotApply

LIMIT = 200_000
Bound = tuple[int, int, int]  # monomials of an entry, rows, columns


class Terms:
    """Evaluates a DAG to an upper bound for the number of monomials of an entry, with the shape."""

    def variable(self, name: str, shape: Shape, symmetric: bool) -> Bound:
        return (1, *map(int, shape)) if shape else (1, 1, 1)  # type: ignore[return-value]

    def num(self, c: Fraction) -> Bound:
        return 1, 1, 1

    def eye(self, n: Any) -> Bound:
        return 1, n, n

    def zero(self, shape: Shape) -> Bound:
        return (0, *map(int, shape)) if shape else (0, 1, 1)  # type: ignore[return-value]

    def const(self, rows: Any) -> Bound:
        return 1, len(rows), len(rows[0])

    def lin(self, parts: list[tuple[Fraction, Bound]], shape: Shape) -> Bound:
        return sum(x[0] for _, x in parts), *parts[0][1][1:]

    def mul(self, scalars: list[Bound], matrices: list[Bound]) -> Bound:
        terms = prod(x[0] for x in scalars + matrices) * prod(x[1] for x in matrices[1:])
        return (terms, matrices[0][1], matrices[-1][2]) if matrices else (terms, 1, 1)

    def power(self, x: Bound, k: int) -> Bound:
        return x[0] ** min(k, 64), 1, 1

    def T(self, x: Bound) -> Bound:
        return x[0], x[2], x[1]

    def tr(self, x: Bound, n: Any) -> Bound:
        return x[0] * n, 1, 1

    def diag(self, x: Bound) -> Bound:
        return x

    def entry(self, x: Bound, i: int, j: int) -> Bound:
        return x[0], 1, 1

    def expect(self, x: Bound, noise: Node, moments: list[Bound]) -> Bound:
        return x[0] * max([1, *(m[0] for m in moments)]) ** 2, x[1], x[2]


def require_small(terms: Iterable[Node], limit: int = LIMIT) -> None:
    """Raises `DoesNotApply` where the expansion may have more than `limit` monomials."""
    for x in terms:
        bound, rows, cols = evaluate([x], Terms())[0]
        if bound * rows * cols > limit:
            raise DoesNotApply(f"the expansion in the entries may have {bound * rows * cols} monomials, more than {limit}")
