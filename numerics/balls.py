r"""The ball algebra: rigorous enclosures of real values, with three-valued answers.

A scalar is a ball `flint.arb`, a matrix `flint.arb_mat`; a point may be rational or itself made of balls. Inexact balls are
never compared with `==`: an answer is YES or NO where the balls decide it, else UNKNOWN; `decide` asks again with more bits.

>>> from theory.dag import lin, mul, num, var
>>> x = var("x")
>>> decide(">", lin((2, num(1)), (-1, mul(x, x))), {"x": "1.4142135623730950488"})
<Truth.YES: 'yes'>
>>> decide("==", lin((1, x), (-1, num(1))), {"x": 1}), decide(">=", x, {"x": arb(0, 1e-3)})
(<Truth.YES: 'yes'>, <Truth.UNKNOWN: 'unknown'>)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from theory.algebra import evaluate
from theory.algebras.rational import rational
from theory.dag import Node, Shape, T
from theory.errors import InvalidInput

START_BITS, MOST_BITS = 128, 1024


class Truth(Enum):
    """What balls can say."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Balls:
    """Evaluates a DAG in balls, at the working precision of `flint.ctx`; constants are rational balls, never floats."""

    def variable(self, name: str, shape: Shape, symmetric: bool) -> Any:
        raise InvalidInput("point", name, "a value for every variable")

    def num(self, c: Fraction) -> arb:
        return arb(fmpq(c.numerator, c.denominator))

    def eye(self, n: Any) -> arb_mat:
        return arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])

    def zero(self, shape: Shape) -> Any:
        return arb_mat(*shape) if shape else arb(0)

    def const(self, rows: tuple[tuple[Fraction, ...], ...]) -> arb_mat:
        return arb_mat([[self.num(x) for x in row] for row in rows])

    def lin(self, parts: list[tuple[Fraction, Any]], shape: Shape) -> Any:
        total = self.zero(shape)
        for c, x in parts:
            total = total + x * self.num(c)
        return total

    def mul(self, scalars: list[Any], matrices: list[Any]) -> Any:
        out = matrices[0] if matrices else arb(1)
        for x in [*matrices[1:], *scalars]:
            out = out * x
        return out

    def power(self, x: arb, k: int) -> arb:
        return x**k

    def T(self, x: arb_mat) -> arb_mat:
        return x.transpose()

    def tr(self, x: arb_mat, n: Any) -> arb:
        return sum((x[i, i] for i in range(n)), arb(0))

    def diag(self, x: arb_mat) -> arb_mat:
        n = x.nrows()
        return arb_mat(n, n, [x[i, i] if i == j else 0 for i in range(n) for j in range(n)])

    def entry(self, x: arb_mat, i: int, j: int) -> arb:
        return x[i, j]

    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any:
        raise InvalidInput("mean", noise, "no mean over noise in balls: take the mean as a polynomial first")


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic with so many bits inside the block."""
    with ctx.workprec(bits):
        yield


def ball(x: Any) -> Any:
    """A ball or a matrix of balls from exact numbers (int, Fraction, text, flint), tables of them, or balls; not from floats.

    >>> ball("1/3").contains(fmpq(1, 3)), ball([["1/2", 1]]).ncols()
    (True, 2)
    """
    if isinstance(x, arb | arb_mat):
        return x
    if isinstance(x, fmpq_mat):
        return arb_mat([[arb(y) for y in row] for row in x.table()])
    if isinstance(x, Sequence) and not isinstance(x, str):
        return arb_mat([[ball(y) for y in row] for row in x])
    return arb(rational(x))


def enclose(outputs: Sequence[Node], point: Mapping[str, Any], bits: int = START_BITS) -> list[Any]:
    """Balls that contain the values of the outputs at the point."""
    with precision(bits):
        return evaluate(outputs, Balls(), {name: ball(x) for name, x in point.items()})


def decide(relation: str, term: Node, point: Mapping[str, Any], most_bits: int = MOST_BITS) -> Truth:
    """Whether `term relation 0` holds at the point, asked with more and more bits; a matrix `>=` 0 is semidefinite."""
    bits, answer = START_BITS, Truth.UNKNOWN
    while answer is Truth.UNKNOWN and bits <= most_bits:
        value = enclose([term], point, bits)[0]
        with precision(bits):
            answer = holds(relation, value, symmetric=not term.shape or T(term) is term)
        bits *= 2
    return answer


def holds(relation: str, value: Any, *, symmetric: bool = False) -> Truth:
    """Whether a ball is ==, >= or > 0; for a matrix of balls: zero, symmetric semidefinite, definite.

    `symmetric` says that the matrix which the balls enclose is known to be symmetric; balls alone show that only if exact.
    """
    entries = value.entries() if isinstance(value, arb_mat) else [value]
    if relation == "==":
        return every(_is_zero(x) for x in entries)
    if not isinstance(value, arb_mat):
        return _compared(value.is_zero() or value >= 0 if relation == ">=" else value > 0, value < 0, relation, value)
    mirrored = Truth.YES if symmetric else every(_is_zero(x) for x in (value - value.transpose()).entries())
    return every([mirrored, _definite([list(row) for row in value.table()], relation == ">")])


def _compared(yes: Any, negative: Any, relation: str, x: arb) -> Truth:
    no = negative or (relation == ">" and x.is_zero())
    return Truth.YES if yes else Truth.NO if no else Truth.UNKNOWN


def _is_zero(x: arb) -> Truth:
    return Truth.YES if x.is_zero() else Truth.UNKNOWN if x.contains(0) else Truth.NO


def every(answers: Iterable[Truth]) -> Truth:
    """NO if one is, YES if all are."""
    found = set(answers)
    return Truth.NO if Truth.NO in found else Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.YES


def _definite(rows: list[list[arb]], strict: bool) -> Truth:
    """Elimination on a symmetric matrix: positive pivots as long as the balls show them."""
    while rows:
        (pivot, *row), *below = rows
        if pivot < 0 or (pivot.is_zero() and (strict or any(_is_zero(x) is Truth.NO for x in row))):
            return Truth.NO
        if not pivot > 0 and not (pivot.is_zero() and all(x.is_zero() for x in row)):
            return Truth.UNKNOWN
        rows = [[x - r[0] * y / pivot if pivot > 0 else x for x, y in zip(r[1:], row, strict=True)] for r in below]
    return Truth.YES


