r"""Inequalities by sums of squares: p = sum w_k s_k^2 + sum (squares) g_j + sum q_i h_i, also p = (positive number) + ... .

In words (at every size) the squares are |s|_F^2, tr(s^T m s) and, for matrices, s^T m s, where s runs through halves of the
words of p; at given sizes the squares are of polynomials in the entries. The hypotheses g_j >= 0 are multiplied by squares
and by each other. Where that fails the conclusion is multiplied by hypotheses `> 0` (`theory.provers.sparse_squares`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, combinations_with_replacement
from typing import Any

from theory import dag
from theory.certificates import prove, split
from theory.dag import Node
from theory.provers.api import ZERO, Clock, DoesNotApply, Evidence, Goal, NotFound, Prover
from theory.provers.entries import Exponents, shifted, total_degree
from theory.provers.gram import Block, Program, sum_of_squares
from theory.provers.sparse_squares import Facts, Sparsely, multipliers
from theory.provers.squares_of_words import program_in_words
from theory.provers.words import cited
from theory.statement import Lowered

LARGEST, SMALL, MOST_UNKNOWNS = 40, 100, 6


def find(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    if goal[0] == "==":
        raise DoesNotApply("the conclusion is an equality")
    try:
        return search(s, goal, clock)
    except NotFound as end:
        with suppress(NotFound, DoesNotApply):
            return away_from_the_origin(s, goal, clock)
        raise end


def search(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    """The first program that has a solution."""
    ends: list[Exception] = []
    for program, multiplier in programs(s, goal, clock):
        try:
            by = sum_of_squares(program, goal[0] == ">", clock)
            return Evidence((prove(*goal, by, multiplier),), f"blocks of {[b.size for b in program.blocks]}")
        except NotFound as end:
            ends.append(end)
    if not ends:
        raise DoesNotApply("neither in words nor in the entries is there a small program")
    raise NotFound("; ".join(dict.fromkeys(map(str, ends))))


def away_from_the_origin(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    """|x|^2 p is a sum of squares, and p is one where -|x|^2 >= 0.

    Homogeneous conclusions need it: (1 + |x|^2) p is a sum of squares only if its part of least degree, p, is one.
    """
    if s.dims or goal[1].shape or goal[0] == ">":
        raise DoesNotApply("the conclusion is strict, or not about numbers")
    facts = Facts(s, goal, clock)
    if not facts.target or not all(map(sum, facts.target)) or len(facts.used) > MOST_UNKNOWNS:
        raise DoesNotApply("the conclusion is not zero at the origin, or has many unknowns")
    norm = dag.add(*(dag.power(facts.entries.unknown(i), 2) for i in facts.used))
    program = Sparsely(facts).program(facts.product([facts.target, facts.entries.sparse(norm)[0]]))
    by = sum_of_squares(program, False, clock)
    there = search(replace(s, given=(*s.given, (">=", dag.lin((-1, norm))))), goal, clock)
    step = split(*goal, norm, [prove(*goal, by, dag.known(norm))], there.steps)
    return Evidence((step,), f"blocks of {[b.size for b in program.blocks]}, away from the origin")


def programs(s: Lowered, goal: Goal, clock: Clock) -> Iterator[tuple[Program, Node | None]]:
    """The programs to try, with multipliers: in words, in the entries, then in words of multiples of the conclusion."""
    with suppress(DoesNotApply):  # matrices of numbers, entries and means have no words
        yield program_in_words(s, goal, clock), None
    if not s.dims and not goal[1].shape:
        with suppress(DoesNotApply):
            yield from programs_in_entries(Commutative(s, goal, clock))
    yield from multiplied_words(s, goal, clock)


def programs_in_entries(made: Commutative) -> Iterator[tuple[Program, Node | None]]:
    """Those with few monomials, with all monomials at growing degree, times 1 + |x|^2, and larger ones of the first kind."""
    sparse, target = Sparsely(made), made.target
    yield from sparse.programs(target, most=SMALL)
    for half in dict.fromkeys((made.least, made.least + bool(made.s.given))):
        program = made.program(half)
        if program is not None and sparse.new(program):
            yield program, None
    if target and len(made.used) <= 4:
        multiplier = made.multiply()
        program = made.program(made.least)
        if program is not None:
            yield program, multiplier
    yield from sparse.programs(target)


def multiplied_words(s: Lowered, goal: Goal, clock: Clock) -> Iterator[tuple[Program, Node | None]]:
    """The programs in words of t p, where t is a product of at most two scalar hypotheses > 0."""
    for factors in multipliers(s) if any(v.shape for v in s.variables) and goal[1] is not ZERO else ():
        with suppress(DoesNotApply):
            yield program_in_words(s, (goal[0], dag.mul(*factors, goal[1])), clock, linked=True), cited(factors)


class Commutative(Facts):
    """The program in the entries, squares of polynomials of degree at most `half`."""

    def __init__(self, s: Lowered, goal: Goal, clock: Clock) -> None:
        super().__init__(s, goal, clock)
        self.least = max(1, -(-total_degree(self.target) // 2))

    def multiply(self) -> Node:
        """Multiplies the target by 1 + |x|^2, which is returned."""
        n = len(self.entries.places)
        squares = [dag.power(self.entries.unknown(i), 2) for i in self.used]
        ones = [tuple(2 * int(i == j) for j in range(n)) for i in self.used]
        self.target = times(self.target, dict.fromkeys([(0,) * n, *ones], 1))
        self.least += 1
        return dag.add(dag.num(1), *squares)

    def monomials(self, most: int) -> list[Exponents]:
        """The monomials of degree at most `most` in the unknowns that occur."""
        out = []
        for d in range(most + 1):
            for chosen in combinations_with_replacement(self.used, d):
                out.append(tuple(chosen.count(i) for i in range(len(self.entries.places))))
                if len(out) > 4 * LARGEST:
                    raise DoesNotApply("too many monomials")
        return out

    def program(self, half: int) -> Program | None:
        try:
            blocks, free = [b for b in self.blocks(half) if b.size], tuple(self.ideal(2 * half))
        except DoesNotApply:
            return None
        program = Program(self.target, tuple(blocks), free).pruned(self.clock)
        return program if max((b.size for b in program.blocks), default=0) <= LARGEST else None

    def blocks(self, half: int) -> Iterator[Block]:
        one = {(0,) * len(self.entries.places): 1}
        yield self.block(one, half, lambda z: dag.square(z), strict=False)
        yield Block((dag.num(1),), ((one,),), lambda z: dag.power(z, 2), strict=True)
        for factors in [c for k in (1, 2) for c in combinations(self.signed, k)]:
            fact, value = dag.mul(*(dag.known(h) for _, h, _ in factors)), one
            for _, _, g in factors:
                value = times(value, g)
            rest = (2 * half - total_degree(value)) // 2
            strict = all(r == ">" for r, _, _ in factors)
            weighted: Any = lambda z, fact=fact: dag.mul(fact, dag.power(z, 2))  # noqa: E731
            if rest >= 0:
                yield self.block(value, rest if len(factors) == 1 else 0, weighted, strict=False)
                if strict:
                    yield Block((dag.num(1),), ((value,),), weighted, strict=True)
        for h, table in self.matrices:
            yield self.congruences(h, table, half)

    def block(self, weight: Any, half: int, square: Any, strict: bool) -> Block:
        self.clock.tick("multiplying squares")
        basis = self.monomials(half)
        rows = tuple(tuple(shifted(weight, tuple(map(int.__add__, a, b))) for b in basis) for a in basis)
        return Block(tuple(map(self.entries.monomial, basis)), rows, square, strict)

    def congruences(self, h: Node, table: Sequence[Any], half: int) -> Block:
        """x^T h x for a matrix hypothesis h and columns x of monomials."""
        n = int(h.shape[0])
        rest = (2 * half - max(map(total_degree, table))) // 2
        basis = [(m, i) for m in self.monomials(rest) for i in range(n)] if rest >= 0 else []
        unit: Any = lambda i: dag.const([[int(k == i)] for k in range(n)])  # noqa: E731
        elements = tuple(dag.mul(self.entries.monomial(m), unit(i)) for m, i in basis)
        value: Any = lambda a, b: shifted(table[a[1] * n + b[1]], tuple(map(int.__add__, a[0], b[0])))  # noqa: E731
        return Block(
            elements, tuple(tuple(value(a, b) for b in basis) for a in basis), lambda z: dag.tr(dag.conj(dag.known(h), z))
        )

    def ideal(self, most: int) -> Iterator[tuple[Node, Any]]:
        """The multiples of the equality hypotheses up to a degree."""
        for x, p in self.zeros:
            self.clock.tick("multiplying hypotheses")
            for m in self.monomials(most - total_degree(p)) if most >= total_degree(p) else ():
                yield dag.mul(x, self.entries.monomial(m)), shifted(p, m)


def times(p: Any, q: Any) -> Any:
    out: dict[Any, Any] = {}
    for a, c in p.items():
        for m, d in shifted(q, a).items():
            out[m] = out.get(m, 0) + c * d
    return {m: c for m, c in out.items() if c}


PROVER = Prover("positivity", 40, find)
