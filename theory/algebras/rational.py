"""Exact values at a rational point: matrices are `flint.fmpq_mat`, scalars `flint.fmpq`.

>>> from theory.algebra import evaluate
>>> from theory.dag import T, mul, tr, var
>>> W = var("W", (1, 2))
>>> evaluate([tr(mul(W, T(W)))], Rational(), {"W": matrix([["1/2", 1]])})
[5/4]
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat

from theory.dag import Node, Shape
from theory.errors import InvalidInput


def rational(x: object) -> fmpq:
    """A number given as int, Fraction, text 'p/q' or fmpq; never a float."""
    if isinstance(x, fmpq):
        return x
    if isinstance(x, float):
        raise InvalidInput("number", x, "an exact rational")
    c = Fraction(str(x))
    return fmpq(c.numerator, c.denominator)


def matrix(rows: Sequence[Sequence[object]]) -> fmpq_mat:
    return fmpq_mat(len(rows), len(rows[0]), [rational(x) for row in rows for x in row])


class Rational:
    """Evaluates a DAG at a point; the environment gives every variable."""

    def variable(self, name: str, shape: Shape, symmetric: bool) -> Any:
        raise InvalidInput("point", name, "a value for every variable")

    def num(self, c: Fraction) -> Any:
        return rational(c)

    def eye(self, n: Any) -> Any:
        return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])

    def zero(self, shape: Shape) -> Any:
        return fmpq_mat(*shape) if shape else fmpq(0)

    def const(self, rows: Any) -> Any:
        return matrix(rows)

    def lin(self, parts: list[tuple[Fraction, Any]], shape: Shape) -> Any:
        total = self.zero(shape)
        for c, x in parts:
            total = total + x * rational(c)
        return total

    def mul(self, scalars: list[Any], matrices: list[Any]) -> Any:
        out = matrices[0] if matrices else fmpq(1)
        for x in [*matrices[1:], *scalars]:
            out = out * x
        return out

    def power(self, x: Any, k: int) -> Any:
        return rational(x) ** k

    def T(self, x: Any) -> Any:
        return x.transpose()

    def tr(self, x: Any, n: Any) -> Any:
        return sum((x[i, i] for i in range(n)), fmpq(0))

    def diag(self, x: Any) -> Any:
        n = x.nrows()
        return fmpq_mat(n, n, [x[i, i] if i == j else 0 for i in range(n) for j in range(n)])

    def entry(self, x: Any, i: int, j: int) -> Any:
        return x[i, j]

    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any:
        raise InvalidInput("mean", noise, "no mean over noise at a point: take the mean as a polynomial first")
