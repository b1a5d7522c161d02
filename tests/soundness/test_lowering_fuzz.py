"""Random SymPy expressions in all algebras, against a naive evaluator that shares no code with them.

The naive evaluator works on the SymPy expressions themselves, in nilpotent numbers over the fractions: a number is a dict from sets
of infinitesimals to coefficients, where the square of an infinitesimal is zero, so that a gradient (also of a gradient) is read off
exactly. The same fuzz must notice each of many bugs planted in the lowering, in the gradients and in the algebras.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, permutations
from typing import Any

import numpy as np
import pytest
import sympy
from flint import fmpq, fmpq_mat
from sympy import Determinant, MatMul, MatrixSymbol, Rational, Symbol, Trace
from sympy.matrices.expressions.matexpr import MatrixElement

from numerics import arrays, balls, kernels
from numerics.backends import backend
from theory import dag, expressions, kernel
from theory.algebra import evaluate
from theory.algebras import free, polynomial, rational
from theory.expressions import Congruence, DiagonalPart, Gradient, PartialDerivative, Square, SymmetricSymbol

# -- the naive evaluator ------------------------------------------------------------------------------------------------

Number = dict[frozenset[int], Fraction]
TAGS = count()


def plain(c: Any) -> Number:
    return {frozenset(): Fraction(c)}


def plus(x: Number, y: Number) -> Number:
    return {k: x.get(k, Fraction(0)) + y.get(k, Fraction(0)) for k in {*x, *y}}


def times(x: Number, y: Number) -> Number:
    out: Number = {}
    for a, c in x.items():
        for b, d in y.items():
            if not a & b:
                out[a | b] = out.get(a | b, Fraction(0)) + c * d
    return out


def total(numbers: Any) -> Number:
    out = plain(0)
    for x in numbers:
        out = plus(out, x)
    return out


def product(a: Any, b: Any) -> Any:
    """Of numbers, of a number and a table, or of tables."""
    if isinstance(a, dict) and isinstance(b, dict):
        return times(a, b)
    if isinstance(a, dict) or isinstance(b, dict):
        number, table = (a, b) if isinstance(a, dict) else (b, a)
        return [[times(number, x) for x in row] for row in table]
    return [[total(times(row[k], b[k][j]) for k in range(len(b))) for j in range(len(b[0]))] for row in a]


def summed(a: Any, b: Any) -> Any:
    return plus(a, b) if isinstance(a, dict) else [[plus(x, y) for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]


def unit(n: int) -> Any:
    return [[plain(int(i == j)) for j in range(n)] for i in range(n)]


def folded(items: list[Any], operation: Callable[[Any, Any], Any]) -> Any:
    out = items[0]
    for x in items[1:]:
        out = operation(out, x)
    return out


@dataclass
class Naive:
    sizes: dict[str, int]
    env: dict[str, Any]

    def size(self, d: Any) -> int:
        return self.sizes[d.name] if isinstance(d, Symbol) else int(d)

    def of(self, e: Any) -> Any:
        if isinstance(e, sympy.Rational):
            return plain(Fraction(int(e.p), int(e.q)))
        if isinstance(e, sympy.ImmutableDenseMatrix):
            return [[plain(Fraction(int(x.p), int(x.q))) for x in e.row(i)] for i in range(e.shape[0])]
        if isinstance(e, MatrixSymbol | Symbol):
            return self.env[e.name]
        return getattr(self, "of_" + type(e).__name__)(*e.args)

    def of_Add(self, *xs: Any) -> Any:
        return folded([self.of(x) for x in xs], summed)

    def of_Mul(self, *xs: Any) -> Any:
        return folded([self.of(x) for x in xs], product)

    of_MatAdd, of_MatMul = of_Add, of_Mul

    def of_Pow(self, x: Any, k: Any) -> Any:
        value = self.of(x)
        start = plain(1) if isinstance(value, dict) else unit(len(value))
        return folded([start] + [value] * int(k), product)

    of_MatPow = of_Pow

    def of_Transpose(self, x: Any) -> Any:
        return [list(row) for row in zip(*self.of(x), strict=True)]

    def of_Trace(self, x: Any) -> Any:
        return total(row[i] for i, row in enumerate(self.of(x)))

    def of_Identity(self, n: Any) -> Any:
        return unit(self.size(n))

    def of_ZeroMatrix(self, m: Any, n: Any) -> Any:
        return [[plain(0)] * self.size(n) for _ in range(self.size(m))]

    def of_MatrixElement(self, x: Any, i: Any, j: Any) -> Any:
        return self.of(x)[int(i)][int(j)]

    def of_Determinant(self, x: Any) -> Any:
        table = self.of(x)
        if len(table) == 1:
            return table[0][0]
        minors = [Naive({}, {"m": [r[:j] + r[j + 1 :] for r in table[1:]]}) for j in range(len(table))]
        symbol = MatrixSymbol("m", len(table) - 1, len(table) - 1)
        return total(times(times(plain((-1) ** j), table[0][j]), m.of_Determinant(symbol)) for j, m in enumerate(minors))

    def of_DiagonalPart(self, x: Any) -> Any:
        return [[y if i == j else plain(0) for j, y in enumerate(row)] for i, row in enumerate(self.of(x))]

    def of_Congruence(self, m: Any, x: Any) -> Any:
        return product(product(self.of_Transpose(x), self.of(m)), self.of(x))

    def of_Square(self, x: Any) -> Any:
        return total(times(y, y) for row in self.of(x) for y in row)

    def of_PartialDerivative(self, f: Any, by: Any) -> Any:
        tag = frozenset([next(TAGS)])
        return self.slope(f, by, plus(self.env[by.name], {tag: Fraction(1)}), tag)

    def of_Gradient(self, f: Any, by: Any) -> Any:
        table = self.env[by.name]
        return [[self.entry(f, by, i, j) for j in range(len(table[0]))] for i in range(len(table))]

    def entry(self, f: Any, by: Any, i: int, j: int) -> Number:
        tag, table = frozenset([next(TAGS)]), [list(row) for row in self.env[by.name]]
        table[i][j] = plus(table[i][j], {tag: Fraction(1)})
        return self.slope(f, by, table, tag)

    def slope(self, f: Any, by: Any, moved: Any, tag: frozenset[int]) -> Number:
        value = Naive(self.sizes, {**self.env, by.name: moved}).of(f)
        return {k - tag: c for k, c in value.items() if k & tag} or plain(0)

    def value(self, e: Any) -> Any:
        """Fractions."""
        x = self.of(e)
        return x.get(frozenset(), Fraction(0)) if isinstance(x, dict) else [[y.get(frozenset(), Fraction(0)) for y in r] for r in x]


def test_the_naive_evaluator_differentiates_twice():
    x = Symbol("x")
    twice = PartialDerivative(PartialDerivative(x**4, x), x)
    assert Naive({}, {"x": plain(3)}).value(twice) == 4 * 3 * 9


# -- random expressions -------------------------------------------------------------------------------------------------

DIMS = (Symbol("m"), Symbol("n"), sympy.Integer(1))
SCALARS = (Symbol("a"), Symbol("b"))
SQUARES = (SymmetricSymbol("S", DIMS[0]), SymmetricSymbol("R", DIMS[1]))
MATRICES = tuple(MatrixSymbol(f"{x}{i}{j}", p, q) for x in "XY" for i, p in enumerate(DIMS) for j, q in enumerate(DIMS))


class Maker:
    """Random expressions; without `places` only what makes sense at every size."""

    def __init__(self, seed: str, places: bool) -> None:
        self.random, self.places = random.Random(seed), places
        self.sizes = {"m": self.random.randint(1, 3), "n": self.random.randint(1, 4)}

    def size(self, d: Any) -> int:
        return self.sizes.get(str(d), 1)

    def number(self) -> Any:
        return Rational(self.random.choice((-2, -1, 1, 2, 3)), self.random.choice((1, 1, 2, 3)))

    def matrix(self, p: Any, q: Any, depth: int) -> Any:
        if depth <= 0:
            return self.random.choice([x for x in (*MATRICES, *SQUARES) if x.shape == (p, q)])
        return getattr(self, self.random.choice(self.matrix_kinds(p, q)))(p, q, depth - 1)

    def matrix_kinds(self, p: Any, q: Any) -> list[str]:
        square = ["identity", "diagonal", "matrix_power", "congruence"] if p == q else ["zeros"]
        return ["total", "product", "product", "transpose", "scaled", "slope", *square, *(["table"] if self.places else [])]

    def total(self, p: Any, q: Any, depth: int) -> Any:
        return self.matrix(p, q, depth) + self.number() * self.matrix(p, q, depth)

    def product(self, p: Any, q: Any, depth: int) -> Any:
        between = [self.random.choice(DIMS) for _ in range(self.random.randint(1, 2))]
        ends = [p, *between, q]
        return MatMul(*(self.matrix(a, b, depth - 1) for a, b in zip(ends, ends[1:], strict=False)))

    def transpose(self, p: Any, q: Any, depth: int) -> Any:
        return self.matrix(q, p, depth).T

    def scaled(self, p: Any, q: Any, depth: int) -> Any:
        return MatMul(self.scalar(depth - 1), self.matrix(p, q, depth))

    def identity(self, p: Any, q: Any, depth: int) -> Any:
        return sympy.Identity(p) + self.number() * self.matrix(p, q, depth)

    def zeros(self, p: Any, q: Any, depth: int) -> Any:
        return sympy.ZeroMatrix(p, q) + self.matrix(p, q, depth)

    def diagonal(self, p: Any, q: Any, depth: int) -> Any:
        return DiagonalPart(self.matrix(p, q, depth))

    def matrix_power(self, p: Any, q: Any, depth: int) -> Any:
        return self.matrix(p, q, depth - 1) ** self.random.randint(2, 3)

    def congruence(self, p: Any, q: Any, depth: int) -> Any:
        r = self.random.choice(DIMS)
        return Congruence(self.matrix(r, r, depth - 1), self.matrix(r, p, depth - 1))

    def slope(self, p: Any, q: Any, depth: int) -> Any:
        return Gradient(self.scalar(depth), self.random.choice([x for x in MATRICES if x.shape == (p, q)]))

    def table(self, p: Any, q: Any, depth: int) -> Any:
        rows, cols = self.size(p), self.size(q)
        constant = sympy.ImmutableDenseMatrix(rows, cols, lambda i, j: self.number())
        return self.matrix(p, q, depth) + _Reshaped(constant, p, q)

    def scalar(self, depth: int) -> Any:
        if depth <= 0:
            return self.random.choice(SCALARS)
        kinds = ["trace", "trace", "added", "times", "power", "partial", "square", *(["entry", "determinant"] if self.places else [])]
        return getattr(self, self.random.choice(kinds))(depth - 1)

    def trace(self, depth: int) -> Any:
        p = self.random.choice(DIMS)
        return Trace(self.product(p, p, depth))

    def added(self, depth: int) -> Any:
        return self.scalar(depth) + self.number() * self.scalar(depth - 1) + self.number()

    def times(self, depth: int) -> Any:
        return self.number() * self.scalar(depth) * self.scalar(depth - 1)

    def power(self, depth: int) -> Any:
        return self.scalar(depth - 1) ** self.random.randint(2, 3)

    def partial(self, depth: int) -> Any:
        return PartialDerivative(self.scalar(depth), self.random.choice(SCALARS))

    def square(self, depth: int) -> Any:
        return Square(self.matrix(self.random.choice(DIMS), self.random.choice(DIMS), depth))

    def entry(self, depth: int) -> Any:
        p, q = self.random.choice(DIMS), self.random.choice(DIMS)
        i, j = (self.random.randrange(self.size(d)) for d in (p, q))
        return MatrixElement(self.matrix(p, q, depth), i, j)

    def determinant(self, depth: int) -> Any:
        p = self.random.choice([d for d in DIMS if self.size(d) < 4])
        return Determinant(self.matrix(p, p, min(depth, 1)))

    def point(self) -> dict[str, Any]:
        """Dyadic numbers, so that floats hold the same point."""
        draw = lambda: Fraction(self.random.randint(-4, 4), self.random.choice((1, 1, 2)))  # noqa: E731
        values: dict[str, Any] = {x.name: draw() for x in SCALARS}
        for x in (*MATRICES, *SQUARES):
            rows, cols = map(self.size, x.shape)
            values[x.name] = [[draw() for _ in range(cols)] for _ in range(rows)]
        for x in SQUARES:
            table = values[x.name]
            values[x.name] = [[table[min(i, j)][max(i, j)] for j in range(len(table))] for i in range(len(table))]
        return values


def _Reshaped(constant: Any, p: Any, q: Any) -> Any:
    """A table of numbers where the expression around it has symbolic sizes."""
    return _Table(constant, p, q)


class _Table(sympy.MatrixExpr):
    @property
    def shape(self) -> Any:
        return self.args[1:]
