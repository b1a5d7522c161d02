"""Terms of the DAG with operators: for long evidence, whose matrix algebra SymPy would simplify again at every operation.

>>> from sympy import MatrixSymbol
>>> W = MatrixSymbol("W", 2, 3)
>>> (term(W).T * W - W.T * term(W)).node
zero()
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from sympy import Basic

from theory import dag
from theory.certificates import Step
from theory.dag import Node
from theory.expressions import lower


class Term:
    """A term; the other side of an operator may be a SymPy expression or a number."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    @property
    def T(self) -> Term:
        return Term(dag.T(self.node))

    def __add__(self, other: Any) -> Term:
        return Term(dag.add(self.node, term(other).node))

    def __radd__(self, other: Any) -> Term:
        return self if isinstance(other, int) and other == 0 else term(other) + self

    def __sub__(self, other: Any) -> Term:
        return Term(dag.sub(self.node, term(other).node))

    def __rsub__(self, other: Any) -> Term:
        return term(other) - self

    def __mul__(self, other: Any) -> Term:
        return Term(dag.mul(self.node, term(other).node))

    def __rmul__(self, other: Any) -> Term:
        return term(other) * self

    def __neg__(self) -> Term:
        return Term(dag.lin((-1, self.node)))

    def __truediv__(self, other: int) -> Term:
        return Term(dag.lin((Fraction(1, other), self.node)))

    def __pow__(self, k: int) -> Term:
        return Term(dag.power(self.node, k))


@lru_cache(maxsize=4096)
def _lowered(expression: Basic) -> Node:
    return lower(expression)


def term(x: Any) -> Term:
    """A SymPy expression, a number or a node as a term."""
    if isinstance(x, Term):
        return x
    return Term(x if isinstance(x, Node) else _lowered(x) if isinstance(x, Basic) else lower(x))


def fact(x: Any) -> Term:
    """x, cited as a known fact."""
    return Term(dag.known(term(x).node))


def trace(x: Any) -> Term:
    return Term(dag.tr(term(x).node))


def diagonal_part(x: Any) -> Term:
    return Term(dag.diag(term(x).node))


def dot(x: Any, y: Any) -> Term:
    """<x, y> = tr(x^T y)."""
    return trace(term(x).T * y)


def step(relation: str, what: Any, by: Any, times: Any = None) -> Step:
    """`theory.certificates.prove` for terms."""
    return Step(relation, term(what).node, term(by).node, None if times is None else term(times).node)
