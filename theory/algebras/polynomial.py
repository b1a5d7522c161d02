"""Polynomials in the entries at given sizes: scalars are `flint.fmpq_mpoly`, matrices lists of rows of them.

>>> from theory.algebra import evaluate
>>> from theory.dag import T, mul, sub, tr, var
>>> W, v = var("W", (1, 2)), var("v", (2, 1))
>>> P = Polynomial.of([W, v])
>>> evaluate([tr(mul(W, v))], P)
[W_0_0*v_0_0 + W_0_1*v_1_0]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from theory.algebras.rational import rational
from theory.dag import Node, Shape
from theory.errors import InvalidInput

Place = tuple[str, int, int] | tuple[str]


def places(v: Node) -> list[Place]:
    """The independent entries of a variable: (name,) of a scalar, (name, i, j) of a matrix, i <= j if it is symmetric."""
    name = str(v.data[0])
    if not v.shape:
        return [(name,)]
    rows, cols = int(v.shape[0]), int(v.shape[1])
    return [(name, i, j) for i in range(rows) for j in range(cols) if i <= j or not v.data[1]]


class Polynomial:
    """Evaluates a DAG to polynomials over Q in the entries of its variables."""

    def __init__(self, order: list[Place]) -> None:
        self.places = order
        names = ["_".join(map(str, p)) for p in order] or ["unit"]
        self.context = fmpq_mpoly_ctx.get(names, Ordering.degrevlex)
        self.generator = dict(zip(order, self.context.gens(), strict=False))

    @classmethod
    def of(cls, variables: Iterable[Node]) -> Polynomial:
        return cls([p for v in variables for p in places(v)])

    def variable(self, name: str, shape: Shape, symmetric: bool) -> Any:
        if not shape:
            return self.generator[(name,)]
        place: Callable[[int, int], Place] = lambda i, j: (name, min(i, j), max(i, j)) if symmetric else (name, i, j)  # noqa: E731
        return [[self.generator[place(i, j)] for j in range(int(shape[1]))] for i in range(int(shape[0]))]

    def num(self, c: Fraction) -> Any:
        return self.context.constant(rational(c))

    def eye(self, n: Any) -> Any:
        return [[self.num(Fraction(i == j)) for j in range(n)] for i in range(n)]

    def zero(self, shape: Shape) -> Any:
        return [[self.num(Fraction(0))] * int(shape[1]) for _ in range(int(shape[0]))] if shape else self.num(Fraction(0))

    def const(self, rows: Any) -> Any:
        return [[self.num(x) for x in row] for row in rows]

    def lin(self, parts: list[tuple[Fraction, Any]], shape: Shape) -> Any:
        pairs = [(rational(c), x) for c, x in parts]
        if not shape:
            return sum((x * c for c, x in pairs), self.num(Fraction(0)))
        return [[sum(t, self.num(Fraction(0))) for t in zip(*([x * c for x in m[i]] for c, m in pairs), strict=True)]
                for i in range(int(shape[0]))]  # fmt: skip

    def mul(self, scalars: list[Any], matrices: list[Any]) -> Any:
        scale = self.num(Fraction(1))
        for s in scalars:
            scale = scale * s
        if not matrices:
            return scale
        out = matrices[0]
        for m in matrices[1:]:
            out = self._product(out, m)
        return [[x * scale for x in row] for row in out] if scalars else out

    def _product(self, a: Any, b: Any) -> Any:
        columns = list(zip(*b, strict=True))
        return [[sum((x * y for x, y in zip(row, col, strict=True)), self.num(Fraction(0))) for col in columns] for row in a]

    def power(self, x: Any, k: int) -> Any:
        return x**k

    def T(self, x: Any) -> Any:
        return [list(row) for row in zip(*x, strict=True)]

    def tr(self, x: Any, n: Any) -> Any:
        return sum((x[i][i] for i in range(n)), self.num(Fraction(0)))

    def diag(self, x: Any) -> Any:
        return [[y if i == j else self.num(Fraction(0)) for j, y in enumerate(row)] for i, row in enumerate(x)]

    def entry(self, x: Any, i: int, j: int) -> Any:
        return x[i][j]

    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any:
        """Each power k of an entry of the noise replaced by its moment of order k."""
        spots = [i for i, p in enumerate(self.places) if p[0] == noise.data[0]]
        if isinstance(x, list):
            return [[self._mean(y, spots, moments) for y in row] for row in x]
        return self._mean(x, spots, moments)

    def _mean(self, p: Any, spots: list[int], moments: list[Any]) -> Any:
        total = self.num(Fraction(0))
        for powers, c in p.to_dict().items():
            rest = tuple(0 if i in spots else k for i, k in enumerate(powers))
            term = self.context.from_dict({rest: c})
            for i in (i for i in spots if powers[i]):
                if powers[i] >= len(moments):
                    raise InvalidInput("moments", f"{len(moments) - 1} orders", f"order {powers[i]} too, which occurs")
                term = term * moments[powers[i]]
            total = total + term
        return total
