"""Exact points of the family `minima`: parameters at given sizes, completed by what the statements derive from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq_mat

from theory import dag
from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix, rational
from theory.certificates import Step, prove
from theory.expressions import lower
from theory.statement import Condition, Statement, equal
from theory.theorem import Claim
from theory.theorems.minima.lemmas import Network, moved

Sizes = Mapping[str, int]


def value(expression: Any, env: Mapping[str, Any], at: Sizes | None = None) -> Any:
    """The exact value of an expression at a point."""
    return evaluate([lower(expression, at)], Rational(), env)[0]


def point(network: Network, values: Mapping[str, Any], at: Sizes | None = None) -> dict[str, Any]:
    """The values (matrices as rows) as exact numbers, with kappa, the signs e_k = (1, ..., 1) and the spreads X_k."""
    env = {name: matrix(x) if isinstance(x, Sequence) and not isinstance(x, str) else rational(x) for name, x in values.items()}
    if not network.words:
        return env
    kappa = rational(1)
    for k, s in network.noise.items():
        u = value(network.row(k), env, at)
        d = u.ncols()
        env[f"e{k}"] = matrix([[1]] * d)
        env[f"X{k}"] = fmpq_mat(d, d, [u[0, i] if i == j else 0 for i in range(d) for j in range(d)])
        kappa *= 1 + env[s.name] / d
    return env | {"kappa": kappa}


def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Exact numbers as rows of text: as points are written in certificates."""
    return {name: _rows(x) if isinstance(x, fmpq_mat) else str(x) for name, x in values.items()}


def _rows(x: fmpq_mat) -> list[list[str]]:
    return [[str(x[i, j]) for j in range(x.ncols())] for i in range(x.nrows())]


def at_values(term: Any, values: Mapping[Any, Any], relation: str = "==") -> Step:
    """The term has the sign that its number has, once the variables have their values."""
    new, difference = moved(term, values)
    return prove(relation, term, difference if relation == "==" else dag.add(new, difference))


def attained(name: str, network: Network, values: Mapping[Any, Any], term: Any) -> Claim:
    """The term is zero at the given values of the variables; the other variables, of which it is free, are 9 in the witness."""
    statement = Statement(name, network.variables, tuple(equal(x, y) for x, y in values.items()), (equal(term),))
    witness = {x.name: y.tolist() if hasattr(y, "tolist") else y for x, y in values.items()}
    free = {x.name: 9 for x in network.variables if x not in values}
    return Claim(statement, (at_values(term, values),), {**free, **witness})


def without(given: Sequence[Condition], *dropped: Any) -> tuple[Condition, ...]:
    """The hypotheses without those about the given expressions."""
    return tuple(c for c in given if not any(c.expression == x for x in dropped))


def specialised(steps: Sequence[Step], change: Mapping[Any, Any]) -> tuple[Step, ...]:
    """The steps with variables replaced by values."""
    nodes = {lower(x): lower(y) for x, y in change.items()}

    def new(e: Any) -> Any:
        return None if e is None else dag.substitute([lower(e)], nodes)[0]

    def one(s: Step) -> Step:
        cases = None if s.cases is None else (specialised(s.cases[0], change), specialised(s.cases[1], change))
        return Step(s.relation, new(s.term), new(s.by), new(s.times), s.rule, cases)

    return tuple(map(one, steps))
