r"""Sums of squares of t p with a multiplier t, of few monomials: those that the Newton polytope allows.

`t p = sum w_k s_k^2 + sum (squares) g_j + sum q_i h_i`, where t is a product of hypotheses `> 0`, g_j are hypotheses and
products of two, and the cofactors q_i may be of higher degree than p. A cofactor or a weight takes part only where it is
connected with t p through a monomial; all these monomials together span a polytope, and an element s_k with a weight g is kept
where g s_k^2 lies in it. So that gu u^2 + gw w^2 - 2 c u w >= 0 where c^2 = gu gw, gu > 0 needs the elements gu u and c w only:
gu times it is (gu u - c w)^2 + (gu gw - c^2) w^2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from typing import Any

from theory import dag
from theory.dag import Node, Shape
from theory.provers.api import Clock, DoesNotApply, Goal
from theory.provers.entries import Entries, Exponents, Sparse, entries_of, product_of, quotient, shifted, total_degree
from theory.provers.entries import sparse as as_dict
from theory.provers.gram import Block, Program
from theory.provers.words import cited
from theory.statement import Lowered

MOST_ELEMENTS, MOST_COLUMNS, MOST_VISITED, MOST_FACTS = 60, 700, 5000, 6
Table = Sequence[Sparse]
Multiples = dict[tuple[int, Exponents], Sparse]


class Facts:
    """The polynomials of a statement at given sizes: of the conclusion, of the signed hypotheses and of the known zeros."""

    def __init__(self, s: Lowered, goal: Goal, clock: Clock) -> None:
        self.s, self.goal, self.entries, self.clock = s, goal, Entries(s), clock
        self.target = self.entries.sparse(goal[1])[0]
        self.signed = [(r, h, self.entries.sparse(h)[0]) for r, h in s.given if r != "==" and not h.shape]
        self.matrices = [(h, self.entries.sparse(h)) for r, h in s.given if r != "==" and h.shape]
        pairs = [z for r, h in s.given if r == "==" for z in zip(entries_of(dag.known(h)), self.entries.sparse(h), strict=True)]
        self.zeros = [(x, p) for x, p in pairs if p]
        everything = [self.target, *(p for _, _, p in self.signed), *(p for _, p in self.zeros)]
        everything += [p for _, table in self.matrices for p in table]
        self.used = sorted({i for p in everything for m in p for i, k in enumerate(m) if k})

    def product(self, polynomials: Sequence[Sparse]) -> Sparse:
        """The product of polynomials."""
        context = self.entries.algebra.context
        return as_dict(product_of([context.from_dict(p) for p in polynomials], context.constant(1)))


@dataclass(frozen=True)
class Weight:
    """A visibly nonnegative scalar (shape ()) or matrix, row by row, and the term of z^T m z for a term z."""

    table: Table
    shape: Shape
    square: Callable[[Node], Node]
    strict: bool

    @property
    def size(self) -> int:
        return int(self.shape[0]) if self.shape else 1

    def diagonal(self, i: int) -> Sparse:
        return self.table[i * self.size + i]


def multipliers(s: Lowered) -> list[tuple[Node, ...]]:
    """Products of at most two scalar hypotheses > 0, squares too."""
    positive = [h for r, h in s.given if r == ">" and not h.shape][:MOST_FACTS]
    return [c for k in (0, 1, 2) for c in combinations_with_replacement(positive, k)]


class Sparsely:
    """Makes the programs of multiples of one conclusion."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.clock = facts, facts.clock
        self.weights = list(self._weights())
        self.linking = [p for w in self.weights for p in map(w.diagonal, range(w.size)) if len(p) > 1]
        self.spread = max([0, *(total_degree(h) - min(map(sum, h)) for _, h in facts.zeros)])
        self.seen: set[Any] = set()

    def programs(self, target: Sparse, most: int = MOST_COLUMNS) -> Iterator[tuple[Program, Node | None]]:
        """The programs of t p with t, of at most so many unknowns, that were not given before; none where p is zero."""
        values = {h: p for _, h, p in self.facts.signed}
        for rounds, more in ((1, 0), (2, 0), (3, self.spread)) if target else ():
            for factors in multipliers(self.facts.s):
                value = self.facts.product([target, *(values[h] for h in factors)])
                with suppress(DoesNotApply):
                    program = self.program(value, rounds, more, most)
                    if program.blocks and self.new(program, factors):
                        yield program, cited(factors)

    def new(self, program: Program, factors: tuple[Node, ...] = ()) -> bool:
        """Whether no program of this multiple of the conclusion with these elements was seen before."""
        shape = (factors, len(program.free), *(frozenset(b.elements) for b in program.blocks))
        known = shape in self.seen
        self.seen.add(shape)
        return not known

    def _weights(self) -> Iterator[Weight]:
        one = self.facts.product([])
        yield Weight([one], (), dag.square, strict=False)
        yield Weight([one], (), lambda z: dag.power(z, 2), strict=True)
        for factors in [c for k in (1, 2) for c in combinations(self.facts.signed[:MOST_FACTS], k)]:
            fact = dag.mul(*(dag.known(h) for _, h, _ in factors))
            weighted: Any = lambda z, fact=fact: dag.mul(fact, dag.power(z, 2))  # noqa: E731
            value = self.facts.product([g for _, _, g in factors])
            yield Weight([value], (), weighted, strict=False)
            if all(r == ">" for r, _, _ in factors):
                yield Weight([value], (), weighted, strict=True)
        for h, table in self.facts.matrices:
            yield Weight(table, h.shape, lambda z, h=h: dag.tr(dag.conj(dag.known(h), z)), strict=False)  # type: ignore[misc]

    def program(self, target: Sparse, rounds: int = 1, more: int = 0, most: int = MOST_COLUMNS) -> Program:
        """The program of the monomials that `rounds` of multiplication connect with the target, up to its degree and `more`."""
        degree = total_degree(target) + more
        degree += degree % 2
        monomials, multiples = self.connected(target, rounds, degree, most)
        polytope = Polytope(monomials, self.facts.used)
        blocks = [b for w in self.weights if (b := self.block(w, polytope)).size]
        free = tuple((dag.mul(self.facts.zeros[i][0], self.facts.entries.monomial(q)), p) for (i, q), p in multiples.items())
        program = Program(target, tuple(blocks), free).pruned(self.clock)
        if len(free) + sum(b.size * (b.size + 1) // 2 for b in program.blocks) > most:
            raise DoesNotApply("too many monomials")
        return program

    def connected(self, target: Sparse, rounds: int, degree: int, most: int) -> tuple[set[Exponents], Multiples]:
        """The monomials, and the multiples of known zeros among which they are; at most so many of either."""
        seen, front, multiples = set(target), list(target), Multiples()
        for _ in range(rounds):
            new: dict[Exponents, None] = {}
            for m in front:
                self.clock.tick("multiplying hypotheses")
                found = {(i, q): shifted(h, q) for i, (_, h) in enumerate(self.facts.zeros) for q in _quotients(m, h, degree)}
                multiples |= found
                squares = (shifted(p, q) for p in self.linking for q in _quotients(m, p, degree) if not any(k % 2 for k in q))
                new |= dict.fromkeys(x for p in (*found.values(), *squares) for x in p)
                if max(len(seen), len(new), len(multiples)) > most:
                    raise DoesNotApply("too many monomials")
            front = [m for m in new if m not in seen]
            seen |= set(front)
        return seen, multiples

    def block(self, weight: Weight, polytope: Polytope) -> Block:
        """The squares with this weight that lie in the polytope; of a strict one the weight alone."""
        one = (0,) * len(self.facts.entries.places)
        inside = [(m, i) for i in range(weight.size) for m in polytope.halves(weight.diagonal(i), self.clock)]
        basis = [x for x in inside if x[0] == one] if weight.strict else inside
        if len(basis) > MOST_ELEMENTS:
            raise DoesNotApply("too many monomials")
        value: Any = lambda a, b: shifted(weight.table[a[1] * weight.size + b[1]], tuple(map(int.__add__, a[0], b[0])))  # noqa: E731
        rows = tuple(tuple(value(a, b) for b in basis) for a in basis)
        return Block(tuple(self.element(weight, *x) for x in basis), rows, weight.square, weight.strict)

    def element(self, weight: Weight, m: Exponents, i: int) -> Node:
        monomial = self.facts.entries.monomial(m)
        return dag.mul(monomial, dag.const([[int(k == i)] for k in range(weight.size)])) if weight.shape else monomial


def _quotients(m: Exponents, p: Sparse, most: int) -> Iterator[Exponents]:
    """The q for which m is a monomial of q p, with q p of degree at most `most`."""
    degree = total_degree(p)
    for part in p:
        q = quotient(m, part)
        if q is not None and degree + sum(q) <= most:
            yield q


class Polytope:
    """Bounds in some directions of the polytope that monomials span: each exponent, sums and differences of two, the degree."""

    def __init__(self, monomials: set[Exponents], used: Sequence[int]) -> None:
        self.monomials, self.used, self.places = monomials, used, len(next(iter(monomials)))
        self.pairs = [d for i, j in combinations(used, 2) for d in ({i: 1, j: 1}, {i: 1, j: -1})]
        self.directions: list[Mapping[int, int]] = [*({i: 1} for i in used), dict.fromkeys(used, 1), *self.pairs]
        self.bounds = [_range(d, monomials) for d in self.directions]

    def halves(self, weight: Sparse, clock: Clock) -> list[Exponents]:
        """The monomials m for which weight * m^2 lies within the bounds."""
        if not weight:
            return []
        room = []
        for d, (low, high) in zip(self.directions, self.bounds, strict=True):
            least, largest = _range(d, weight)
            room.append((low - least, high - largest))
        if any(high < low for low, high in room):
            return []
        found: list[dict[int, int]] = [{}]
        for i, (low, high) in zip(self.used, room, strict=False):
            clock.tick("listing monomials")
            found = [{**m, i: k} for m in found for k in range(max(0, -(-low // 2)), high // 2 + 1)]
            found = [m for m in found if 2 * sum(m.values()) <= room[len(self.used)][1]]
            if len(found) > MOST_VISITED:
                raise DoesNotApply("too many monomials")
        fits = [m for m in found if all(a <= 2 * _along(d, m) <= b for d, (a, b) in zip(self.directions, room, strict=True))]
        return sorted((tuple(m.get(i, 0) for i in range(self.places)) for m in fits), key=lambda m: (sum(m), m))


def _along(d: Mapping[int, int], m: Any) -> int:
    return sum(c * int(m[i]) for i, c in d.items())


def _range(d: Mapping[int, int], monomials: Any) -> tuple[int, int]:
    values = [_along(d, m) for m in monomials]
    return min(values), max(values)
