r"""Theorems: families of statements with their proofs, their limits and their false twins.

A theorem is one file under `theory/theorems/`, with the docstring skeleton Setting, Hypotheses, Conclusion, Form, Scope of
proof, Why, Sharpness, Source, and a module constant `THEOREM`. It is found by being there.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from theory import dag
from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix
from theory.catalogue import chosen, entries, numbered
from theory.certificates import Step
from theory.dag import Node
from theory.errors import InvalidInput
from theory.expressions import lower
from theory.statement import Statement, equal, greater


@dataclass(frozen=True)
class Claim:
    """One statement of a theorem, at one size or at all widths, with the steps of its proof.

    Without steps the provers look for them. `witness` is a point that satisfies the hypotheses at the sizes `at` (needed where
    the statement is about all widths); without it the grid is searched. A statement without hypotheses needs none.
    """

    statement: Statement
    steps: tuple[Step, ...] | None = None
    witness: Mapping[str, Any] | None = None
    at: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Generic:
    """A scalar polynomial in the variables that is not the zero polynomial: it does not vanish at the exact `point`.

    The zeros of such a polynomial are a null set, so what holds wherever it does not vanish holds almost surely under every
    absolutely continuous law of the variables. `defined` names polynomials in the variables, (name, expression) in an order
    in which each uses earlier names only: a product, the layers after a step. The kernel checks that the point satisfies
    `statement`: the definitions, and polynomial^2 > 0. Raises `InvalidInput` if the polynomial is a matrix, or a name is used
    before it is defined.
    """

    name: str
    variables: tuple[Any, ...]
    polynomial: Any
    point: Mapping[str, Any]
    defined: Sequence[tuple[Any, Any]] = ()

    @property
    def statement(self) -> Statement:
        """What the point satisfies; nothing follows from it at any other point."""
        p = lower(self.polynomial)
        if p.shape:
            raise InvalidInput("polynomial", f"a matrix of shape {p.shape}", "a scalar")
        pairs = self._definitions()
        given = (*(equal(dag.sub(v, e)) for v, e in pairs), greater(dag.power(p, 2)))
        return Statement(self.name, (*self.variables, *(v for v, _ in pairs)), given)

    @property
    def witness(self) -> Mapping[str, Any]:
        """The point, and the values of what is defined there."""
        values = {k: matrix(x) if isinstance(x, Sequence) and not isinstance(x, str) else x for k, x in self.point.items()}
        for v, e in self._definitions():
            values[str(v.data[0])] = evaluate([e], Rational(), values)[0]
        return values

    def _definitions(self) -> list[tuple[Node, Node]]:
        pairs = [(lower(v), lower(e)) for v, e in self.defined]
        known = set(map(lower, self.variables))
        for v, e in pairs:
            if v.op != "var" or v.data[1] or v in known or not known.issuperset(dag.variables([e])):
                raise InvalidInput("defined", f"{v} = {e}", "a new variable, not symmetric, by a polynomial in earlier ones")
            known.add(v)
        return pairs


@dataclass(frozen=True)
class Counterexample:
    """A statement that drops (or alters) the hypothesis `drops`, and an exact point that violates it."""

    drops: str
    statement: Statement
    point: Mapping[str, Any]


class Draw(Protocol):
    """Random instances, exact (small rationals) or batched floats: the same sampler serves both.

    Values are whatever the numerics use; a sampler combines them through expressions: `value(e, env)` evaluates a SymPy
    expression, `solve(a, b, env)` the solution of a x = b.
    """

    def integer(self, low: int, high: int) -> int: ...
    def scalar(self) -> Any: ...
    def positive(self) -> Any: ...
    def nonnegative(self) -> Any: ...
    def sign(self, rows: int, cols: int) -> Any: ...
    def matrix(self, rows: int, cols: int) -> Any: ...
    def psd(self, n: int, rank: int | None = None) -> Any: ...
    def value(self, expression: Any, env: Mapping[str, Any]) -> Any: ...
    def solve(self, a: Any, b: Any, env: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True)
class Instance:
    """A statement at given sizes and values of its variables that satisfy its hypotheses."""

    statement: Statement
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Theorem:
    """A theorem: `claims()` are what the kernel must accept, `sample(draw, widths)` makes instances at any size.

    `certified_at` and `supported_at` are the widths at which instances are checked exactly and in floats; `sharpness()` are
    exact counterexamples, one for each hypothesis that is needed; `variants()` are false statements that must never be proved.
    `note` says where the words of a paper need a hypothesis that they do not name.
    """

    name: str
    sheet: str
    title: str
    form: str
    source: str
    claims: Callable[[], Sequence[Claim | Generic]]
    sharpness: Callable[[], Sequence[Counterexample]]
    variants: Callable[[], Sequence[Statement]]
    sample: Callable[[Draw, Sequence[int]], Instance] | None = None
    certified_at: Sequence[Sequence[int]] = ()
    supported_at: Sequence[Sequence[int]] = ()
    note: str = ""

    @property
    def family(self) -> str:
        return self.name.split(".")[0]


def _modules() -> Iterator[str]:
    package = importlib.import_module("theory.theorems")
    for found in pkgutil.walk_packages(package.__path__, "theory.theorems."):
        yield found.name


@cache
def theorems() -> dict[str, Theorem]:
    """All theorems by name, in the order of their sheet ids within each family."""
    found = [vars(importlib.import_module(m)).get("THEOREM") for m in _modules()]
    ordered = sorted((t for t in found if t is not None), key=lambda t: (t.family, numbered(t.sheet)))
    return {t.name: t for t in ordered}


def named(name: str) -> Theorem:
    """The theorem of that name; nothing but its module is imported, where the catalogue knows it."""
    return select([name])[0]


def document(theorem: Theorem) -> str:
    """The docstring of the theorem's module: what a reader of the paper is shown."""
    modules = (m for name, m in sys.modules.items() if name.startswith("theory.theorems."))
    return next(m for m in modules if vars(m).get("THEOREM") is theorem).__doc__ or ""


def select(names: Sequence[str]) -> list[Theorem]:
    """The theorems with these names or of these families, whose modules are imported; all of them if no name is given."""
    listed = {word for entry in entries() for word in (entry.name, entry.family)}
    if names and listed.issuperset(names):
        return [vars(importlib.import_module(entry.module))["THEOREM"] for entry in chosen(names, entries())]
    return chosen(names, list(theorems().values()))
