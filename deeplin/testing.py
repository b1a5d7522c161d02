'''Conjectures as tests: `assert_holds` in any test, `as_test` to let pytest collect a conjecture by itself.

>>> from sympy import Symbol
>>> from deeplin import Conjecture, Statement, at_least
>>> x = Symbol("x")
>>> assert_holds(Conjecture(Statement("squares", (x,), (), (at_least(x**2),))), budget=120).scope
'all real numbers'
>>> try:
...     assert_holds(Conjecture(Statement("cubes", (x,), (), (at_least(x**3),))), budget=120)
... except AssertionError as error:
...     print(str(error).split("the counterexample:")[1].strip())
from sympy import Matrix, Rational
point = {
    "x": -1,
}
'''

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deeplin.conjecture import Conjecture, Verdict, check
from deeplin.report import Grade
from theory.errors import InvalidInput
from theory.statement import Statement


@dataclass(frozen=True)
class ConjectureTest:
    """A conjecture that pytest collects: it passes where `assert_holds(conjecture, grade, **options)` does."""

    conjecture: Conjecture
    grade: Grade
    options: Mapping[str, Any] = field(default_factory=dict)


def as_test(conjecture: Conjecture | Statement, grade: str = "PROVED", **options: Any) -> ConjectureTest:
    """Marks a conjecture as a test: assign the result to any name in a test module. `options` are those of `check`."""
    whole = Conjecture(conjecture) if isinstance(conjecture, Statement) else conjecture
    if not isinstance(whole, Conjecture):
        raise InvalidInput("conjecture", conjecture, "a Conjecture or a Statement")
    return ConjectureTest(whole, required(grade), options)


def assert_holds(conjecture: Conjecture | Statement, grade: str = "PROVED", **options: Any) -> Verdict:
    """The verdict of `check(conjecture, **options)`; raises `AssertionError` with it unless it reaches the grade.

    PROVED, the default, asks for a proof; UNDECIDED for no counterexample within the budget; REFUTED and VACUOUS for just that.
    The text of the error has the counterexample as Python to paste.
    """
    __tracebackhide__ = True
    least = required(grade)
    verdict = check(conjecture, **options)
    if not reaches(verdict.grade, least):
        raise AssertionError(failure(verdict, least))
    return verdict


def required(grade: str) -> Grade:
    if grade not in (Grade.PROVED, Grade.UNDECIDED, Grade.VACUOUS, Grade.REFUTED):
        raise InvalidInput("grade", grade, "PROVED, UNDECIDED, VACUOUS or REFUTED")
    return Grade(grade)


def reaches(found: Grade, least: Grade) -> bool:
    """REFUTED and VACUOUS are asked for as they are, the others as the least that is wanted."""
    return found is least if least in (Grade.VACUOUS, Grade.REFUTED) else found.reaches(least)


def failure(verdict: Verdict, least: Grade) -> str:
    """The verdict, what was asked for, and the counterexample as Python."""
    text = f"{least} was asked for\n{verdict}"
    if verdict.grade is not Grade.REFUTED or verdict.point is None:
        return text
    return f"{text}\nthe counterexample:\n\n{as_python(verdict.point, verdict.root)}"


def as_python(point: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> str:
    """A point as Python source that assigns SymPy numbers and matrices to `point`; with a `root`, polynomials in that number a.

    >>> print(as_python({"W1": [[1, "1/2"]], "x": "-2/3"}))
    from sympy import Matrix, Rational
    point = {
        "W1": Matrix([[1, Rational(1, 2)]]),
        "x": Rational(-2, 3),
    }
    """
    lines = [f'    "{name}": {_source(value)},' for name, value in point.items()]
    head = ["from sympy import Matrix, Rational"] if root is None else _root_lines(root)
    return "\n".join([*head, "point = {", *lines, "}"])


def _root_lines(root: Mapping[str, Any]) -> list[str]:
    """Lines that assign the algebraic number to `a`: the root of its polynomial between two rationals."""
    low, high = map(_source, root["between"])
    coefficients = ", ".join(map(_source, reversed(root["polynomial"])))
    roots = f'Poly([{coefficients}], Symbol("t")).real_roots()'
    return ["from sympy import Matrix, Poly, Rational, Symbol", f"(a,) = [r for r in {roots} if {low} < r < {high}]"]


def _source(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return _number(value)
    if all(isinstance(row, list | tuple) for row in value):
        rows = ", ".join(f"[{', '.join(map(_source, row))}]" for row in value)
        return f"Matrix([{rows}])"
    return " + ".join(f"{_number(c)}*a**{k}" for k, c in enumerate(value) if c != 0) or "0"


def _number(value: Any) -> str:
    numerator, _, denominator = str(value).partition("/")
    return f"Rational({int(numerator, 0)}, {int(denominator, 0)})" if denominator else str(int(numerator, 0))
