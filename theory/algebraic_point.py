r"""Points with coordinates in a number field: counterexamples where every violation is irrational.

A point is one real algebraic number a, the k-th positive root of an irreducible polynomial, and a polynomial in a for each
entry of each variable. Every decision is exact: a value is zero iff its remainder modulo the irreducible polynomial is, and the
sign of one that is not zero is read off a ball around a, refined until it excludes zero. Definiteness is decided by elimination
over the field. The kernel knows rational points only; a verdict that rests on a point of this kind says so.

>>> from sympy import Symbol
>>> from theory.statement import Statement, equal, greater
>>> x = Symbol("x")
>>> s = Statement("no root", (x,), given=(equal(x**2, 2),), then=(greater(1, x),)).lowered()
>>> point = AlgebraicPoint.of([-2, 0, 1], 0, {"x": [0, 1]})
>>> print(point)
x = a, where a = 1.41421356 is the root of a**2 - 2 between 1 and 2
>>> refutes(s, point), refutes(s, AlgebraicPoint.of([-2, 0, 1], 0, {"x": [0, -1]}))
(True, False)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count
from typing import Any

from flint import arb, fmpq, fmpq_poly
from sympy import Poly, Symbol

from theory.certificates import number
from theory.errors import InvalidInput
from theory.provers.entries import Entries
from theory.scalar_roots import PositiveRoot, fraction, positive_roots
from theory.statement import Lowered

Json = dict[str, Any]
Table = list[list[fmpq_poly]]


@dataclass(frozen=True)
class AlgebraicPoint:
    """`root` is the number a; `values` gives for each variable a polynomial in a, or a table of such."""

    root: PositiveRoot
    values: Mapping[str, Any]

    @classmethod
    def of(cls, polynomial: Sequence[Any], index: int, values: Mapping[str, Any]) -> AlgebraicPoint:
        """The point from plain data: `polynomial` by its coefficients from the constant on, irreducible, with more than `index`
        positive roots; each entry of the values a number or a list of coefficients.

        Raises `InvalidInput` if the polynomial is reducible or has no such root, or an entry is no polynomial.
        """
        p = _polynomial("root", list(polynomial))
        _, factors = p.numer().factor()
        if len(factors) != 1 or factors[0][1] != 1 or p.degree() < 1:
            raise InvalidInput("root", list(polynomial), "the coefficients of an irreducible polynomial")
        if not 0 <= index < len(positive_roots(p)):
            raise InvalidInput("index", index, f"a positive root of {list(polynomial)}, counted from 0")
        read = {name: _read(name, value) for name, value in values.items()}
        return cls(PositiveRoot(p, index), {name: _reduced(value, p) for name, value in read.items()})

    @classmethod
    def read(cls, record: Json) -> AlgebraicPoint:
        """From `json()`; what comes from elsewhere is checked, and never trusted to be a counterexample."""
        try:
            return cls.of(record["root"]["polynomial"], record["root"]["index"], record["point"])
        except (KeyError, TypeError, AttributeError):
            raise InvalidInput("point", "a malformed record", "an algebraic point as `json()` writes it") from None

    def json(self) -> Json:
        low, high = map(number, self.between)
        root = {"polynomial": _coefficients(self.root.polynomial), "index": self.root.index, "between": [low, high]}
        return {"root": root, "point": {name: _written(value) for name, value in self.values.items()}}

    @cached_property
    def between(self) -> tuple[Fraction, Fraction]:
        """Simple rationals between which a is the only root of its polynomial."""
        others = [ball for ball, _ in positive_roots(self.root.polynomial)]
        a = others.pop(self.root.index)
        for k in count():
            scaled = a * 2**k
            low, high = Fraction(int(scaled.floor().lower().fmpz()), 2**k), Fraction(int(scaled.ceil().upper().fmpz()), 2**k)
            if low < high and not any(_ball(low) <= x and x <= _ball(high) for x in others):
                return low, high
        raise AssertionError("unreachable: distinct roots are separated")

    def __str__(self) -> str:
        a, (low, high) = Symbol("a"), self.between
        shown = ", ".join(f"{name} = {_shown(value)}" for name, value in self.values.items())
        minimal = Poly([fraction(c) for c in reversed(self.root.polynomial.coeffs())], a).as_expr()
        return f"{shown}, where a = {float(self.root.ball()):.9g} is the root of {minimal} between {low} and {high}"


def satisfies(s: Lowered, point: AlgebraicPoint) -> bool:
    """Whether the point satisfies every hypothesis of the statement (at given sizes)."""
    entries = Entries(s)
    at = _coordinates(s, entries, point)
    return all(_holds(r, x.shape, entries.polynomials(x), at, point.root) for r, x in s.given)


def refutes(s: Lowered, point: AlgebraicPoint) -> bool:
    """Whether the point satisfies every hypothesis and violates a conclusion."""
    entries = Entries(s)
    at = _coordinates(s, entries, point)
    holds = [_holds(r, x.shape, entries.polynomials(x), at, point.root) for r, x in s.then]
    return not all(holds) and satisfies(s, point)


def _coordinates(s: Lowered, entries: Entries, point: AlgebraicPoint) -> list[fmpq_poly]:
    """The point in the order of the entries, its shapes and symmetries checked."""
    tables = {str(v.data[0]): _table(v, point) for v in s.variables}
    return [tables[str(p[0])][p[1] if len(p) > 1 else 0][p[2] if len(p) > 1 else 0] for p in entries.places]


def _table(v: Any, point: AlgebraicPoint) -> Table:
    name, (rows, cols) = str(v.data[0]), v.shape or (1, 1)
    value = point.values.get(name)
    table: Any = value if v.shape else [[value]]
    fits = isinstance(table, list) and len(table) == rows and all(isinstance(r, list) and len(r) == cols for r in table)
    if value is None or not fits or not all(isinstance(x, fmpq_poly) for row in table for x in row):
        raise InvalidInput(name, "no value, or one of another shape", f"a {rows} x {cols} table" if v.shape else "a polynomial")
    if v.data[1] and table != [list(column) for column in zip(*table, strict=True)]:
        raise InvalidInput(name, "a table that is not symmetric", "a symmetric one")
    return list(table)


def _holds(relation: str, shape: Any, polynomials: Sequence[Any], at: Sequence[fmpq_poly], root: PositiveRoot) -> bool:
    values = [_value(p, at, root.polynomial) for p in polynomials]
    if relation == "==":
        return not any(values)
    n = int(shape[0]) if shape else 1
    return _definite([values[i * n : (i + 1) * n] for i in range(n)], relation == ">", root)


def _value(p: Any, at: Sequence[fmpq_poly], modulus: fmpq_poly) -> fmpq_poly:
    """The value of a polynomial at the point, reduced."""
    total = fmpq_poly([0])
    for powers, c in p.to_dict().items():
        term = fmpq_poly([c])
        for x, k in zip(at, powers, strict=True):
            for _ in range(int(k)):
                term = (term * x) % modulus
        total += term
    return total


def _definite(a: Table, strict: bool, root: PositiveRoot) -> bool:
    """Whether a symmetric table is positive semidefinite (`strict`: definite): elimination over the field."""
    while a:
        (pivot, *row), below = a[0], a[1:]
        sign = root.sign(pivot) if pivot else 0
        if sign < 0 or row != [r[0] for r in below] or (not sign and (strict or any(row))):
            return False
        inverse = _inverse(pivot, root.polynomial) if sign else fmpq_poly([0])
        a = [[(x - r[0] * z * inverse) % root.polynomial for x, z in zip(r[1:], row, strict=True)] for r in below]
    return True


def _inverse(x: fmpq_poly, modulus: fmpq_poly) -> fmpq_poly:
    unit, inverse, _ = x.xgcd(modulus)
    return inverse / unit[0]


def _polynomial(argument: str, value: Any) -> fmpq_poly:
    """A number, a list of coefficients from the constant on, or a polynomial."""
    if isinstance(value, fmpq_poly):
        return value
    try:
        parts = [Fraction(str(c)) for c in (value if isinstance(value, list | tuple) else [value])]
        return fmpq_poly([fmpq(c.numerator, c.denominator) for c in parts])
    except (ValueError, ZeroDivisionError):
        raise InvalidInput(argument, value, "a rational number or a list of rational coefficients") from None


def _read(name: str, value: Any) -> Any:
    """A table is a list of rows, each a list of entries; an entry is a number or a list of coefficients."""
    rows = isinstance(value, list | tuple) and value and all(isinstance(row, list | tuple) for row in value)
    return [[_polynomial(name, x) for x in row] for row in value] if rows else _polynomial(name, value)


def _reduced(value: Any, modulus: fmpq_poly) -> Any:
    return [[x % modulus for x in row] for row in value] if isinstance(value, list) else value % modulus


def _coefficients(p: fmpq_poly) -> list[int | str]:
    return [number(fraction(c)) for c in p.coeffs()] or [0]


def _written(value: Any) -> Any:
    return [[_coefficients(x) for x in row] for row in value] if isinstance(value, list) else _coefficients(value)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join("[" + ", ".join(map(_shown, row)) + "]" for row in value) + "]"
    return str(Poly([fraction(c) for c in reversed(value.coeffs())] or [Fraction(0)], Symbol("a")).as_expr())


def _ball(c: Fraction) -> arb:
    return arb(fmpq(c.numerator, c.denominator))
