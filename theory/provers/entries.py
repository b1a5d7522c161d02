"""Statements at given sizes as polynomials in the entries, and terms made from monomials again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from theory import dag
from theory.algebra import evaluate
from theory.algebras.polynomial import Place, Polynomial
from theory.dag import Node
from theory.errors import InvalidInput
from theory.provers.api import DoesNotApply
from theory.provers.size import require_small
from theory.statement import Lowered

Exponents = tuple[int, ...]
Sparse = dict[Exponents, Any]


class Entries:
    """The polynomials of a statement at given sizes, as dicts from exponents to rationals."""

    def __init__(self, s: Lowered) -> None:
        if s.dims:
            raise DoesNotApply("the widths are symbolic")
        self.variables = {str(v.data[0]): v for v in s.variables}
        self.algebra = Polynomial.of(s.variables)
        self.places: list[Place] = self.algebra.places
        require_small([x for _, x in (*s.given, *s.then)])

    def polynomials(self, x: Node) -> list[Any]:
        """The entries of the term, row by row, as `flint.fmpq_mpoly`."""
        try:
            value = evaluate([x], self.algebra)[0]
        except InvalidInput as why:
            raise DoesNotApply(str(why)) from None
        return [p for row in value for p in row] if x.shape else [value]

    def sparse(self, x: Node) -> list[Sparse]:
        return [sparse(p) for p in self.polynomials(x)]

    def unknown(self, i: int) -> Node:
        """The entry, as a term."""
        name, *at = self.places[i]
        v = self.variables[str(name)]
        return dag.entry(v, *at) if at else v

    def monomial(self, powers: Exponents) -> Node:
        return dag.mul(dag.num(1), *(dag.power(self.unknown(i), k) for i, k in enumerate(powers) if k))


def sparse(p: Any) -> Sparse:
    return {tuple(map(int, m)): c for m, c in p.to_dict().items()}


def entries_of(x: Node) -> Iterator[Node]:
    """The entries of a term, row by row, as terms."""
    if not x.shape:
        yield x
        return
    rows, cols = int(x.shape[0]), int(x.shape[1])
    yield from (dag.entry(x, i, j) for i in range(rows) for j in range(cols))


def assembled(entries: Sequence[Node | None], like: Node) -> Node:
    """The matrix (or scalar) with these entries, row by row; None is a zero."""
    if not like.shape:
        return entries[0] or dag.num(0)
    rows, cols = int(like.shape[0]), int(like.shape[1])
    unit: Any = lambda k: dag.const([[int(i * cols + j == k) for j in range(cols)] for i in range(rows)])  # noqa: E731
    parts = [(1, dag.mul(x, unit(k))) for k, x in enumerate(entries) if x is not None]
    return dag.lin(*parts) if parts else dag.zero(like.shape)


def total_degree(p: Sparse) -> int:
    return max((sum(m) for m in p), default=0)


def shifted(p: Sparse, by: Exponents) -> Sparse:
    return {tuple(map(int.__add__, m, by)): c for m, c in p.items()}


def quotient(m: Exponents, by: Exponents) -> Exponents | None:
    q = tuple(map(int.__sub__, m, by))
    return q if min(q, default=0) >= 0 else None


def product_of(polynomials: Sequence[Any], one: Any) -> Any:
    return prod(polynomials, start=one)
