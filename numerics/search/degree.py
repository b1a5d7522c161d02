"""Which coordinates enter the equality hypotheses linearly, together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from numerics.search.charts import Block, Entries
from theory.algebra import evaluate
from theory.algebras.polynomial import Polynomial
from theory.dag import Node, Shape, variables
from theory.provers.api import DoesNotApply
from theory.provers.size import require_small

MONOMIALS = 4000


class Degree:
    """Evaluates a DAG to a bound for the degree in some of the variables."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    def variable(self, name: str, shape: Shape, symmetric: bool) -> int:
        return int(name in self.names)

    def num(self, c: Any) -> int:
        return 0

    eye = zero = const = num

    def lin(self, parts: list[tuple[Fraction, int]], shape: Shape) -> int:
        return max((d for _, d in parts), default=0)

    def mul(self, scalars: list[int], matrices: list[int]) -> int:
        return sum(scalars) + sum(matrices)

    def power(self, x: int, k: int) -> int:
        return x * k

    def T(self, x: int, *_: Any) -> int:
        return x

    tr = diag = entry = T

    def expect(self, x: int, noise: Node, moments: list[int]) -> int:
        return x + sum(moments)


def degree(terms: Sequence[Node], names: Collection[str]) -> int:
    """A bound for the degree of the terms in these variables together."""
    algebra: Any = Degree(names)
    return max(evaluate(terms, algebra), default=0)


def linear_blocks(blocks: Sequence[Block], plain: Sequence[bool], zeros: Sequence[Node], slices: Sequence[slice]) -> list[int]:
    """The coordinates of variables in which the terms are jointly linear, the last declared first."""
    chosen: list[str] = []
    out: list[int] = []
    used = {str(v.data[0]) for v in variables(zeros)}
    for block, free, at in reversed(list(zip(blocks, plain, slices, strict=True))):
        name = str(block.variable.data[0]) if isinstance(block, Entries) else ""
        if free and name in used and degree(zeros, [*chosen, name]) <= 1:
            chosen.append(name)
            out += range(at.start, at.stop)
    return out


def linear_entries(blocks: Sequence[Block], plain: Sequence[bool], zeros: Sequence[Node]) -> list[int] | None:
    """The coordinates in which the terms are jointly linear, entry by entry; None if they are too large to be expanded.

    Whole variables come first, then single entries, those declared last before the others.
    """
    try:
        require_small(zeros, MONOMIALS)
    except DoesNotApply:
        return None
    algebra = Polynomial.of(variables(zeros))
    table = [p for x in evaluate(zeros, algebra) for p in _flat(x)]
    supports = [m for p in table for m in p.to_dict()]
    index = {p: i for i, p in enumerate(algebra.places)}
    chosen: list[int] = []
    out: list[int] = []
    for group in _groups(blocks, plain):
        trial = [index[p] for p, _ in group if p in index]
        if trial and all(sum(m[i] for i in (*chosen, *trial)) <= 1 for m in supports):
            chosen += [i for i in trial if i not in chosen]
            out += [k for p, k in group if p in index and k not in out]
    return out


def _groups(blocks: Sequence[Block], plain: Sequence[bool]) -> list[list[tuple[Any, int]]]:
    """Whole variables, then single entries: pairs of place and coordinate."""
    start, whole = 0, list[list[tuple[Any, int]]]()
    for block, free in zip(blocks, plain, strict=True):
        if isinstance(block, Entries) and free:
            whole.insert(0, [(p, start + k) for k, p in enumerate(block.free)])
        start += block.size
    return [*whole, *([pair] for group in whole for pair in group)]


def _flat(x: Any) -> list[Any]:
    return [p for row in x for p in row] if isinstance(x, list) else [x]
