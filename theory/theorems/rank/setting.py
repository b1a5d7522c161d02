r"""Noise and minors in the family `rank` (arXiv:1807.08140): what "for generic noise the rank is r" comes down to.

Layers A_1, ..., A_N of shapes d_i x d_{i-1} with noise: W_i = A_i + Z_i, or W_i = A_i + U_i V_i^T. The rank of a matrix of
polynomials is at least r off a null set if one of its minors of size r is not the zero polynomial, which one point shows; it is
at most r everywhere if the matrix factors through r columns, or all minors of size r + 1 vanish identically.

At all widths, without minors: rank M >= r if C M E = I_r for some matrices C and E (r rows, r columns).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

from theory import dag
from theory.certificates import Step
from theory.statement import Condition, Statement
from theory.terms import Term, fact, term
from theory.theorem import Claim, Generic
from theory.theorems.rank.networks import Width, chain, entry, eye, identity, matrix, names, says, table

Table = Sequence[Sequence[Any]]
SOURCE = "arXiv:1807.08140"


def layers(widths: Sequence[Width], name: str) -> tuple[Term, ...]:
    """One matrix variable a layer: name1, name2, ..."""
    return tuple(matrix(f"{name}{i}", widths[i], widths[i - 1]) for i in range(1, len(widths)))


def composed(factors: Sequence[Term], a: int = 1, b: int | None = None) -> Term:
    """The product of the layers b, ..., a (counted from 1); the empty product (b = a - 1) is the identity."""
    last = len(factors) if b is None else b
    size = factors[a - 1].node.shape[1] if a <= len(factors) else factors[-1].node.shape[0]
    return chain(tuple(reversed(factors[a - 1 : last]))) if a <= last else eye(size)


def slots(rows: int, cols: int) -> list[list[int]]:
    """The rect-diagonal matrix of ones."""
    return [[int(i == j) for j in range(cols)] for i in range(rows)]


def total(terms: Iterable[Any]) -> Term:
    """The sum; the number 0 if there are none."""
    return sum((term(x) for x in terms), term(0))


# -- minors -------------------------------------------------------------------------------------------------------------


def entries(x: Term) -> list[list[Term]]:
    return [[entry(x, i, j) for j in range(int(x.node.shape[1]))] for i in range(int(x.node.shape[0]))]


def signs(n: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The permutations of 0..n-1 with their signs."""
    for p in permutations(range(n)):
        yield (-1) ** sum(p[i] > p[j] for j in range(n) for i in range(j)), p


def determinant(rows: Sequence[Sequence[Any]]) -> Term:
    """The determinant of a square table of scalars, by permutations; 1 for the empty table."""
    parts = ((c, dag.mul(*(term(rows[i][j]).node for i, j in enumerate(p)))) for c, p in signs(len(rows)))
    return Term(dag.lin(*parts))


def minor(x: Term, rows: Sequence[int], cols: Sequence[int]) -> Term:
    """The determinant of the submatrix with these rows and columns."""
    return determinant([[entry(x, i, j) for j in cols] for i in rows])


def leading(x: Term, r: int) -> Term:
    """The minor of the first r rows and columns."""
    return minor(x, range(r), range(r))


def minors(x: Term, r: int) -> list[Term]:
    """All minors of size r."""
    rows, cols = (range(int(n)) for n in x.node.shape)
    return [minor(x, i, j) for i in combinations(rows, r) for j in combinations(cols, r)]


def changed(x: Term, value: Table, zero: Term, rows: Sequence[int], cols: Sequence[int]) -> Term:
    """minor(x) - minor(value) as a sum of products with entries of the known `zero` = x - value."""
    parts = []
    for c, p in signs(len(rows)):
        places = [(rows[i], cols[j]) for i, j in enumerate(p)]
        for k, (i, j) in enumerate(places):
            before = [entry(x, *at) for at in places[:k]]
            after = [term(value[s][t]) for s, t in places[k + 1 :]]
            parts.append(chain([term(c), *before, entry(zero, i, j), *after]))
    return total(parts)


# -- claims -------------------------------------------------------------------------------------------------------------


def at_most(name: str, variables: Iterable[Term], x: Term, r: int) -> Claim:
    """rank x <= r at given sizes: all minors of size r + 1 vanish identically."""
    return identity(name, variables, minors(x, r + 1))


def at_least(
    name: str, variables: Iterable[Term], x: Term, r: int, point: Mapping[str, Any], defined: Sequence[tuple[Term, Term]] = ()
) -> Generic:
    """rank x >= r off a null set: the sum of the squares of its minors of size r is not zero at the point."""
    named = tuple((v.node, e.node) for v, e in defined)
    return Generic(name, names(variables), sum_of_squares(x, r).node, point, named)


def sum_of_squares(x: Term, r: int) -> Term:
    return total(m * m for m in minors(x, r))


def telescoped(new: Sequence[Term], old: Sequence[Term], zeros: Sequence[Term]) -> Term:
    """new_n ... new_1 - old_n ... old_1 where new_k - old_k is the known zeros_k."""
    n = len(new)
    parts = (chain([*reversed(new[k + 1 :]), fact(zeros[k]), *reversed(old[:k])]) for k in range(n))
    return total_of(parts)


def total_of(parts: Iterable[Term]) -> Term:
    """The sum of at least one matrix."""
    first, *rest = parts
    for x in rest:
        first = first + x
    return first


def positive(name: str, variables: Iterable[Term], then: Iterable[Term], given: Iterable[Condition] = ()) -> Statement:
    """The statement that the terms `then` are positive where the conditions hold: mostly a false one."""
    s = says(name, variables, ())
    return type(s)(name, s.variables, tuple(given), tuple(Condition(">", x.node) for x in then))


def given_positive(*terms: Term) -> tuple[Condition, ...]:
    return tuple(Condition(">", x.node) for x in terms)


def cites(x: Term, by: Any, relation: str = "==") -> Step:
    """The step x relation 0, because it equals `by`."""
    return Step(relation, x.node, term(by).node)


def constant(rows: Table) -> Term:
    return table(rows)
