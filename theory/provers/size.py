"""An upper bound for the work of expanding a term in its entries, found before the work is begun."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from theory.algebra import evaluate
from theory.dag import Node, Shape
from theory.provers.api import DoesNotApply

LIMIT = 300_000


class Terms:
    """Evaluates a DAG to an upper bound for the number of monomials of an entry."""

    def variable(self, name: str, shape: Shape, symmetric: bool) -> int:
        return 1

    def num(self, c: Fraction) -> int:
        return 1

    def eye(self, n: Any) -> int:
        return 1

    def zero(self, shape: Shape) -> int:
        return 0

    def const(self, rows: Any) -> int:
        return 1

    def lin(self, parts: list[tuple[Fraction, int]], shape: Shape) -> int:
        return sum(x for _, x in parts)

    def mul(self, scalars: list[int], matrices: list[int]) -> int:
        out = 1
        for x in scalars + matrices:
            out *= x
        return out

    def power(self, x: int, k: int) -> int:
        return int(x**k) if k < 64 else 1 << 64

    def T(self, x: int) -> int:
        return x

    def tr(self, x: int, n: Any) -> int:
        return x * int(n)

    def diag(self, x: int) -> int:
        return x

    def entry(self, x: int, i: int, j: int) -> int:
        return x

    def expect(self, x: int, noise: Node, moments: list[int]) -> int:
        return x * max([1, *moments]) ** 2


def require_small(terms: Iterable[Node], limit: int = LIMIT) -> None:
    """Raises `DoesNotApply` where the expansion may have more than `limit` monomials in an entry."""
    for x in terms:
        bound = evaluate([x], Terms())[0] * _inner(x)
        if bound > limit:
            raise DoesNotApply(f"the expansion in the entries may have {bound} monomials, more than {limit}")


def _inner(x: Node) -> int:
    return 1
