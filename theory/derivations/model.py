"""What a derivation is: steps that a reader can follow, a result that can be run, checks that can fail.

Texts are prose with inline ``$...$`` LaTeX; formulas are SymPy. A `Formula` is a straight-line program (lets, guards,
outputs), so that the same value prints as LaTeX, as Unicode and as Python, and evaluates exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import sympy as sp

from theory.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Step:
    """One move: what is obtained, the formula (a SymPy value, a `Tuple` for several lines, or nothing), and why."""

    title: str
    expression: sp.Basic | None
    reason: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a formula: a symbol, or nested tuples of symbols (a vector, the rows of a matrix)."""

    name: str
    pattern: sp.Basic
    meaning: str

    def bind(self, value: object) -> dict[sp.Symbol, sp.Expr]:
        """Match a value against the pattern.

        >>> x, y = sp.symbols("x y")
        >>> Argument("p", sp.Tuple(x, y), "a point").bind((1, 2)) == {x: 1, y: 2}
        True
        """
        return dict(_match(self.name, self.pattern, value))


def _match(name: str, pattern: sp.Basic, value: object) -> Iterator[tuple[sp.Symbol, sp.Expr]]:
    if isinstance(pattern, sp.Symbol):
        yield pattern, sp.sympify(value)
        return
    if not isinstance(value, (tuple, list, sp.Tuple)) or len(value) != len(pattern):
        raise InvalidInput(name, value, f"{len(pattern)} values, as in {pattern}")
    for part, item in zip(pattern, value, strict=True):
        yield from _match(name, part, item)


@dataclass(frozen=True, slots=True)
class Let:
    """``symbol = value``."""

    symbol: sp.Symbol
    value: sp.Basic


@dataclass(frozen=True, slots=True)
class Guard:
    """Where the relation fails, the outputs are the fallback and nothing below is evaluated."""

    condition: sp.core.relational.Relational
    fallback: tuple[sp.Expr, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A result as a function: ``name(arguments) = outputs``, through intermediate lets and guards.

    >>> x, y, r = sp.symbols("x y r")
    >>> norm = Formula("norm", (Argument("p", sp.Tuple(x, y), "a point"),), (Let(r, x**2 + y**2),),
    ...                (Let(sp.Symbol("n"), sp.sqrt(r)),))
    >>> norm.evaluate(p=(1, 1))
    (sqrt(2),)
    """

    name: str
    arguments: tuple[Argument, ...]
    body: tuple[Let | Guard, ...]
    outputs: tuple[Let, ...]

    @property
    def lets(self) -> tuple[Let, ...]:
        """The intermediate definitions, guards left out."""
        return tuple(line for line in self.body if isinstance(line, Let))

    def __getitem__(self, name: str) -> sp.Basic:
        """The right-hand side of the let or output with this name."""
        return next(line.value for line in (*self.outputs, *self.lets) if line.symbol.name == name)

    def expanded(self, value: sp.Basic) -> sp.Basic:
        """A value in terms of the arguments alone (guards assumed)."""
        for line in reversed(self.lets):
            value = value.xreplace({line.symbol: line.value})
        return value

    def evaluate(self, **values: object) -> tuple[sp.Basic, ...]:
        """Exact outputs at exact arguments (radicals stay radicals)."""
        known = self._bind(values)
        for line in self.body:
            if isinstance(line, Let):
                known[line.symbol] = line.value.xreplace(known)
            elif not _decide(line.condition.xreplace(known)):
                return line.fallback
        return tuple(line.value.xreplace(known) for line in self.outputs)

    def _bind(self, values: Mapping[str, object]) -> dict[sp.Basic, sp.Basic]:
        names = [argument.name for argument in self.arguments]
        if sorted(values) != sorted(names):
            raise InvalidInput("arguments", sorted(values), f"exactly {', '.join(names)}")
        return {symbol: value for item in self.arguments for symbol, value in item.bind(values[item.name]).items()}


def _decide(relation: sp.Basic) -> bool:
    # A relation that SymPy leaves symbolic must not silently count as true or as false.
    if relation is sp.true or relation is sp.false:
        return relation is sp.true
    raise InvalidInput("arguments", relation, "numbers for which the relation can be decided")


@dataclass(frozen=True, slots=True)
class Check:
    """An independent test of the result, by another route than the steps."""

    claim: str
    test: Callable[[Formula], bool]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A result with the road to it.

    ``setting`` says what is given, ``notation`` lists symbols with their meaning, ``source`` is a paper. The checks
    receive the result, so that a wrong result put in its place is found out.
    """

    name: str
    title: str
    setting: str
    notation: tuple[tuple[sp.Basic, str], ...]
    steps: tuple[Step, ...]
    result: Formula
    checks: tuple[Check, ...]
    source: str

    def check(self) -> tuple[tuple[str, bool], ...]:
        """Run the checks: ``(claim, holds)`` pairs."""
        return tuple((check.claim, bool(check.test(self.result))) for check in self.checks)


@dataclass(frozen=True, slots=True)
class Option:
    """An integer, or a tuple of integers, that a recipe accepts; ``default`` is what a reader is told."""

    name: str
    default: str
    expected: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a derivation: a module's ``RECIPE``, found by name. ``make`` takes the options as keywords."""

    name: str
    title: str
    options: tuple[Option, ...]
    make: Callable[..., Derivation]


def equation(left: sp.Basic, right: sp.Basic) -> sp.Equality:
    """An equation that SymPy must print and not decide.

    >>> equation(sp.Integer(1), sp.Integer(1))
    Eq(1, 1)
    """
    return sp.Eq(left, right, evaluate=False)
