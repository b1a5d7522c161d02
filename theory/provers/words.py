r"""Membership in the free *-algebra: `t p = sum_i c_i L_i h_i R_i`, valid at every size.

The products L h R that can take part are found from the monomials of p: a monomial that contains a monomial of h as a
factor gives L and R; the other monomials of L h R are treated in the next round. Every certificate lies in the part that is
so connected with p, hence only the rounds, the degree and the number of products bound the search. The coefficients c_i are
a linear system over Q. `t` is 1 or a product of hypotheses `> 0`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from theory import dag
from theory.certificates import prove
from theory.dag import Node, Shape
from theory.provers.api import Clock, DoesNotApply, Evidence, Goal, NotFound, Prover
from theory.provers.linear import solve
from theory.provers.values import Value, Words, degree, least_degree, without
from theory.statement import Lowered

ROUNDS = 4


@dataclass(frozen=True)
class Hypothesis:
    """A known zero: its term, a placeholder that stands for it, and its normal form."""

    term: Node
    name: Node
    value: Value

    @property
    def spread(self) -> int:
        return degree(self.value) - least_degree(self.value)


class Products:
    """The products L h R that are connected with a target."""

    def __init__(self, s: Lowered, clock: Clock) -> None:
        self.words, self.clock = Words(s.variables), clock
        zeros = [h for r, h in s.given if r == "=="]
        self.zeros = [Hypothesis(h, dag.var(f"known {i}", h.shape), self.words.value(h)) for i, h in enumerate(zeros)]
        self.env = {str(h.name.data[0]): h.value for h in self.zeros}

    def value(self, x: Node) -> Value:
        return self.words.value(x, self.env)

    def cited(self, x: Node) -> Node:
        """The term with the placeholders replaced by the hypotheses that they stand for."""
        return dag.substitute([x], {h.name: dag.known(h.term) for h in self.zeros})[0]

    def containing(self, key: tuple[Any, Any], shape: Shape) -> Iterator[Node]:
        """The products one of whose monomials is the given one, up to its coefficient."""
        for h in self.zeros:
            flat = h.name.shape in ((), (1, 1))
            for part in h.value:
                rest = without(key[0], part[0])
                if rest is not None:
                    yield from self._scaled(key, rest, shape, h) if flat else self._placed(key, rest, shape, h, part[1])

    def _scaled(self, key: Any, rest: Any, shape: Shape, h: Hypothesis) -> Iterator[Node]:
        scalar = dag.tr(h.name) if h.name.shape else h.name
        yield dag.mul(scalar, self.words.monomial((rest, key[1]), shape))

    def _placed(self, key: Any, rest: Any, shape: Shape, h: Hypothesis, part: Any) -> Iterator[Node]:
        w, scalars = self.words, [self.words.scalar(a) for a in rest]
        for word, name in ((part, h.name), (w.kernel.flipped(part), dag.T(h.name))):
            for x in w.inside(key[1], shape, word, name) if key[1] is not None else ():
                yield dag.mul(*scalars, x)
        for atom in dict.fromkeys(a for a in rest if a[0] == ""):
            others = w.monomial((without(rest, (atom,)) or (), key[1]), shape)
            for x in w.around(atom[1], part, h.name):
                yield dag.mul(x, others)

    def rounds(self, target: Value, shape: Shape, most: int) -> Iterator[dict[Node, Value]]:
        """The products found after each round, up to the degree `most`."""
        found: dict[Node, Value] = {}
        seen, front = set(target), list(target)
        for _ in range(ROUNDS):
            new: dict[Node, Value] = {}
            for key in front:
                self.clock.tick("multiplying hypotheses")
                for x in self.containing(key, shape):
                    if x not in found and x not in new and x.shape == shape:
                        new[x] = self.value(x)
            new = {x: v for x, v in new.items() if v and degree(v) <= most}
            found |= new
            front = list(dict.fromkeys(k for v in new.values() for k in v if k not in seen))
            seen |= set(front)
            if new:
                yield found
            if not front or len(found) > self.clock.budget.unknowns:
                return


def multipliers(s: Lowered) -> list[tuple[Node, ...]]:
    """Products of distinct scalar hypotheses > 0: none, each, pairs, all."""
    positive = tuple(h for r, h in s.given if r == ">" and not h.shape)[:6]
    return list(dict.fromkeys([(), *((h,) for h in positive), positive, *combinations(positive, 2)]))


def cited(factors: tuple[Node, ...]) -> Node | None:
    """The product of hypotheses, each cited as known."""
    return dag.mul(*map(dag.known, factors)) if factors else None


def find(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    relation, p = goal
    products = Products(s, clock)
    if not products.zeros:
        raise DoesNotApply("no hypothesis is an equality")
    if relation == ">":
        raise DoesNotApply("the conclusion is a strict inequality")
    tried, spread = 0, max(h.spread for h in products.zeros)
    for t in multipliers(s):
        target = products.value(dag.mul(*t, p))
        for most in sorted({degree(target), degree(target) + spread, degree(target) + 2 * spread}):
            for found in products.rounds(target, p.shape, most):
                clock.tick("solving for coefficients")
                tried = max(tried, len(found))
                by = combination(products, found, target)
                if by is not None:
                    return Evidence((prove(relation, p, by, cited(t)),), f"{len(found)} products of hypotheses, degree {most}")
    raise NotFound(f"no combination of at most {tried} products of hypotheses, {ROUNDS} rounds")


def combination(products: Products, found: dict[Node, Value], target: Value) -> Node | None:
    """The combination of the products that equals the target, simple products preferred."""
    terms = sorted(found, key=lambda x: (degree(found[x]), len(found[x])))
    c = solve([found[x] for x in terms], target)
    return None if c is None else products.cited(dag.lin(*((x, terms[j]) for j, x in c.items()))) if c else None


PROVER = Prover("words", 10, find)
