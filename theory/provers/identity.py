"""Identities: the conclusion is zero as it stands, or its sign is visible as it stands, or it is a hypothesis.

At every size by the normal form in the free *-algebra; at given sizes by polynomials in the entries.
"""

from __future__ import annotations

from theory import dag
from theory.algebra import evaluate
from theory.algebras.polynomial import Polynomial
from theory.certificates import Step, prove
from theory.dag import Node
from theory.errors import InvalidInput
from theory.provers.api import ZERO, Clock, DoesNotApply, Evidence, Goal, NotFound, Outcome, Prover, Status, certified
from theory.provers.size import require_small
from theory.provers.values import Words
from theory.statement import Lowered


def vanishes_everywhere(s: Lowered, x: Node) -> bool:
    """Whether the normal form is zero: in words, or (at given sizes) in the entries."""
    try:
        if not Words(s.variables).value(x):
            return True
        if s.dims:
            return False
    except DoesNotApply:
        if s.dims:
            raise
    require_small([x])
    try:
        value = evaluate([x], Polynomial.of(s.variables))[0]
    except InvalidInput as why:
        raise DoesNotApply(str(why)) from None
    return all(p == 0 for row in value for p in row) if x.shape else bool(value == 0)


def find(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    relation, x = goal
    for r, h in s.given:
        if h is x and (r == relation or relation == ">="):
            return Evidence((prove(relation, x, dag.known(x)),), "the conclusion is a hypothesis")
    if relation != ">" and vanishes_everywhere(s, x):
        return Evidence((prove(relation, x, dag.zero(x.shape)),), "normal form zero")
    if x is ZERO:
        raise DoesNotApply("a contradiction is not an identity")
    if relation != "==" and _visible(s, prove(relation, x, x)):
        return Evidence((prove(relation, x, x),), "the sign is visible")
    raise NotFound("the normal form is not zero, and the sign is not visible as written")


def _visible(s: Lowered, step: Step) -> bool:
    return certified(s, Outcome("identity", Status.FOUND, "", None, (step,)), "proved").found is not None


PROVER = Prover("identity", 0, find)
