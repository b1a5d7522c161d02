r"""Statements: typed variables, hypotheses and conclusions, written in SymPy and lowered to the DAG.

A condition is an expression and a relation to zero: `==`, `>=` or `>`. For a square matrix `>=` means symmetric positive
semidefinite, `>` positive definite. Predicates (`theory.predicates`) are named bundles of conditions.

>>> from sympy import MatrixSymbol, Symbol, Trace
>>> A, B = MatrixSymbol("A", Symbol("n"), Symbol("m")), MatrixSymbol("B", Symbol("m"), Symbol("n"))
>>> s = Statement("trace.cyclic", (A, B), then=(equal(Trace(A * B), Trace(B * A)),))
>>> s.lowered().scope, s.lowered({"n": 2, "m": 3}).scope
('all widths', 'A 2x3, B 3x2')
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise, takewhile
from typing import Any, Protocol

import sympy

from theory import dag
from theory.dag import Node
from theory.errors import InvalidInput
from theory.expressions import lower

RELATIONS = ("==", ">=", ">")


@dataclass(frozen=True)
class Condition:
    """`expression relation 0`."""

    relation: str
    expression: Any


class Predicate(Protocol):
    """A named bundle of conditions: its algebraic encoding."""

    def conditions(self) -> tuple[Condition, ...]: ...


def equal(left: Any, right: Any = None) -> Condition:
    """left == right (or left == 0); scalars or matrices."""
    return Condition("==", left if right is None else left - right)


def at_least(left: Any, right: Any = 0) -> Condition:
    """left >= right; for a square matrix (and right 0): symmetric positive semidefinite."""
    return Condition(">=", left - right if right != 0 else left)


def greater(left: Any, right: Any = 0) -> Condition:
    """left > right; for a square matrix (and right 0): positive definite."""
    return Condition(">", left - right if right != 0 else left)


_RELATIONALS = {sympy.Eq: "==", sympy.Ge: ">=", sympy.Gt: ">"}


def conditions(items: Iterable[Any]) -> tuple[Condition, ...]:
    """Conditions, predicates and SymPy relations (==, >=, <=, >, <) as conditions."""
    return tuple(c for item in items for c in _conditions(item))


def _conditions(item: Any) -> tuple[Condition, ...]:
    if isinstance(item, Condition):
        return (item,)
    if isinstance(item, sympy.core.relational.Relational):
        relation = item.reversed if isinstance(item, sympy.Le | sympy.Lt) else item
        if type(relation) in _RELATIONALS:
            return (Condition(_RELATIONALS[type(relation)], relation.lhs - relation.rhs),)
    if hasattr(item, "conditions"):
        return tuple(item.conditions())
    raise InvalidInput("condition", item, "equal(..), at_least(..), greater(..), a predicate or a SymPy relation")


@dataclass(frozen=True)
class Lowered:
    """A statement on the DAG: what certificates, provers and samplers see. `dims` are the symbolic dimensions."""

    name: str
    dims: tuple[str, ...]
    variables: tuple[Node, ...]
    given: tuple[tuple[str, Node], ...]
    then: tuple[tuple[str, Node], ...]

    @property
    def scope(self) -> str:
        """For which sizes: 'all widths at depth 3', 'all widths (d0, d1, 1)' where some are fixed or equal, 'widths (2, 3, 1)',
        the shapes of matrices, or 'all real numbers'.

        The depth is the number of variables W1, W2, ...; other matrices are named unless their sizes are widths.
        """
        layers = self._layers()
        widths = [layers[0].shape[1], *(W.shape[0] for W in layers)] if layers else []
        if self.dims:
            free = len({d for d in widths if isinstance(d, str)}) == len(widths)
            named = f" at depth {len(layers)}" if free else f" ({', '.join(map(str, widths))})"
            return f"all widths{named}" if layers else "all widths"
        implied = {1, *widths} if layers else set()
        others = [v for v in self.variables if v.shape and v not in layers and not {*v.shape} <= implied]
        shapes = [f"{v.data[0]} {v.shape[0]}x{v.shape[1]}" for v in others]
        return ", ".join([f"widths ({', '.join(map(str, widths))})"] * bool(layers) + shapes) or "all real numbers"

    def _layers(self) -> list[Node]:
        """The variables W1, ..., WN, if their shapes chain."""
        named = {str(v.data[0]): v for v in self.variables if v.shape}
        layers = list(takewhile(lambda v: v is not None, (named.get(f"W{i}") for i in count(1))))
        chained = [v for v in layers if v is not None]
        return chained if all(x.shape[0] == y.shape[1] for x, y in pairwise(chained)) else []


@dataclass(frozen=True)
class Statement:
    """Variables (SymPy symbols and matrix symbols), hypotheses `given` and conclusions `then`, at symbolic or given sizes.

    Raises `InvalidInput` when lowered if an expression has an undeclared variable, and `ShapeError` if shapes do not fit.
    """

    name: str
    variables: tuple[Any, ...]
    given: tuple[Any, ...] = ()
    then: tuple[Any, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    def lowered(self, sizes: Mapping[str, int] | None = None) -> Lowered:
        at = {**self.sizes, **(sizes or {})}
        declared = tuple(lower(v, at) for v in self.variables)
        given, then = ([(c.relation, lower(c.expression, at)) for c in conditions(x)] for x in (self.given, self.then))
        self._check(declared, [x for _, x in given + then])
        dims = sorted({d for v in declared for d in v.shape if isinstance(d, str)})
        return Lowered(self.name, tuple(dims), declared, tuple(given), tuple(then))

    def _check(self, declared: tuple[Node, ...], roots: list[Node]) -> None:
        for v in declared:
            if v.op != "var":
                raise InvalidInput("variables", v, "symbols and matrix symbols")
        for v in dag.variables(roots):
            if v not in declared:
                raise InvalidInput("statement", f"the undeclared variable {v}", f"one of {list(map(str, declared))}")
