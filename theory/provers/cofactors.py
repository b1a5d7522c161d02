r"""Membership at given sizes: `t p = sum_i c_i m_i h_i` with monomials m_i in the entries, by linear algebra over Q.

As in `theory.provers.words`, only the products m h that are connected with p through their monomials take part, up to a
degree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from theory import dag
from theory.certificates import prove
from theory.dag import Node
from theory.provers.api import Clock, DoesNotApply, Evidence, Goal, NotFound, Prover
from theory.provers.entries import (
    Entries,
    Exponents,
    Sparse,
    assembled,
    entries_of,
    product_of,
    quotient,
    shifted,
    sparse,
    total_degree,
)
from theory.provers.linear import solve
from theory.provers.words import cited, multipliers
from theory.statement import Lowered

ROUNDS, SLACK = 4, 2
Product = tuple[int, Exponents]


class Ideal:
    """The entries of the equality hypotheses, and their multiples that are connected with a target."""

    def __init__(self, s: Lowered, entries: Entries, clock: Clock) -> None:
        self.entries, self.clock = entries, clock
        zeros = [h for r, h in s.given if r == "=="]
        pairs = [pair for h in zeros for pair in zip(entries.sparse(h), entries_of(dag.known(h)), strict=True)]
        self.zeros: list[tuple[Sparse, Node]] = [(p, x) for p, x in pairs if p]

    @property
    def spread(self) -> int:
        """By how much a monomial of a hypothesis can be raised by the others."""
        return max(total_degree(h) - min(map(sum, h)) for h, _ in self.zeros)

    def containing(self, m: Exponents, most: int) -> Iterator[Product]:
        for i, (h, _) in enumerate(self.zeros):
            for part in h:
                q = quotient(m, part)
                if q is not None and total_degree(h) + sum(q) <= most:
                    yield i, q

    def rounds(self, target: Sparse, most: int) -> Iterator[dict[Product, Sparse]]:
        """The multiples found after each round, up to the degree `most`."""
        found: dict[Product, Sparse] = {}
        seen, front = set(target), list(target)
        for _ in range(ROUNDS):
            self.clock.tick("multiplying hypotheses")
            new = dict.fromkeys(x for m in front for x in self.containing(m, most) if x not in found)
            if len(found) + len(new) > self.clock.budget.unknowns:
                return
            values = {(i, q): shifted(self.zeros[i][0], q) for i, q in new}
            found |= values
            front = list(dict.fromkeys(k for v in values.values() for k in v if k not in seen))
            seen |= set(front)
            if not new:
                return
            yield found

    def member(self, target: Sparse) -> tuple[Node | None, int]:
        """The combination that equals the target (None where the target is 0); raises `NotFound`."""
        if not target:
            return None, 0
        tried, least = 0, total_degree(target)
        for most in sorted({least, least + 1, least + SLACK, least + self.spread}):
            for found in self.rounds(target, most):
                self.clock.tick("solving for coefficients")
                tried, products = max(tried, len(found)), sorted(found, key=lambda x: sum(x[1]))
                c = solve([found[x] for x in products], target)
                if c:
                    return dag.lin(*((x, self.term(products[j])) for j, x in c.items())), len(found)
        raise NotFound(f"no combination of at most {tried} multiples of hypotheses, degree at most {most}")

    def term(self, x: Product) -> Node:
        return dag.mul(self.zeros[x[0]][1], self.entries.monomial(x[1]))


def find(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    relation, p = goal
    entries = Entries(s)
    ideal = Ideal(s, entries, clock)
    if relation != "==" or not ideal.zeros:
        raise DoesNotApply("the conclusion is an inequality" if ideal.zeros else "no hypothesis is an equality")
    why: Any = None
    for factors in multipliers(s):
        one = entries.algebra.context.constant(1)
        t = product_of([entries.polynomials(h)[0] for h in factors], one)
        try:
            found = [ideal.member(sparse(t * q)) for q in entries.polynomials(p)]
        except NotFound as end:
            why = end
            continue
        by = assembled([x for x, _ in found], p)
        return Evidence(
            (prove(relation, p, by, cited(factors)),), f"at most {max(n for _, n in found)} multiples of hypotheses"
        )
    raise why


PROVER = Prover("cofactors", 30, find)
