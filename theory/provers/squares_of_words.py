"""The sums of squares of a statement in words: the elements are halves of the words of the conclusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from theory import dag
from theory.dag import Node
from theory.provers.api import ZERO, Clock, DoesNotApply, Goal
from theory.provers.gram import Block, Program
from theory.provers.values import degree
from theory.provers.words import Products
from theory.statement import Lowered

LARGEST = 24


def program_in_words(s: Lowered, goal: Goal, clock: Clock, linked: bool = False) -> Program:
    """The program: blocks for 1, for each scalar hypothesis and for each matrix hypothesis.

    `linked`: the elements are also halves of the words that hypotheses connect with those of the conclusion.
    """
    made = InWords(s, goal, clock, linked)
    blocks = list(made.blocks())
    if max((b.size for b in blocks), default=0) > LARGEST:
        raise DoesNotApply("too many words")
    return Program(made.target, tuple(blocks), tuple(made.ideal()))


class InWords:
    def __init__(self, s: Lowered, goal: Goal, clock: Clock, linked: bool) -> None:
        self.s, (_, self.p), self.clock = s, goal, clock
        self.products = Products(s, clock)
        self.words = self.products.words
        self.target = self.words.value(self.p)
        self.signed = [(r, h) for r, h in s.given if r != "==" and not h.shape][:5]
        keys = dict.fromkeys([*self.target, *(self.linked() if linked else ())])
        self.halves = list(dict.fromkeys(z for key in keys for z in self.split(key)))
        if linked and len(self.halves) > LARGEST:
            raise DoesNotApply("too many words")

    def linked(self) -> Iterator[Any]:
        """The monomials of the multiples of scalar hypotheses, signed or zero, that have a monomial of the target."""
        about = replace(self.s, given=tuple(("==", h) for _, h in self.s.given if not h.shape))
        found = next(Products(about, self.clock).rounds(self.target, self.p.shape, degree(self.target)), {})
        yield from (key for value in found.values() for key in value)

    def split(self, key: Any) -> Iterator[Node]:
        """The elements z, z' of which the monomial can be the product tr(z^T z'), z z' or z^T z'."""
        atoms, word = key
        counts = Counter(atoms)
        even = [self.words.scalar(a) for a, k in counts.items() for _ in range(k // 2)]
        scale = dag.mul(dag.num(1), *even)
        if self.p.shape:
            yield from (dag.mul(scale, z) for z in self.cuts(word, self.p.shape[0]))
            return
        yield scale
        for a in (a for a, k in counts.items() if k % 2 and a[0] == ""):
            for turned in self.words.turns(a[1]):
                yield from (dag.mul(scale, z) for z in self.cuts(turned, self.words.kernel.dims(turned[0])[0]))

    def cuts(self, word: Any, end: Any) -> Iterator[Node]:
        """The halves x^T and y of word = x y, and of word = x m y for a letter m that may be a known psd matrix."""
        n = len(word)
        if not n:
            yield dag.eye(end)
            return
        for left, right in ((n // 2, n // 2), (n // 2, n // 2 + n % 2), ((n - 1) // 2, n - (n - 1) // 2)):
            x, y = word[:left], word[right:]
            yield dag.T(dag.mul(*map(self.words.letter, x))) if x else dag.eye(self.words.kernel.dims(word[0])[0])
            yield dag.mul(*map(self.words.letter, y)) if y else dag.eye(end)

    def blocks(self) -> Iterator[Block]:
        yield from self.weighted(dag.num(1), None, strict=False)
        if not self.p.shape:
            yield self.block([dag.num(1)], dag.num(1), None, strict=True)
        for r, h in self.signed:
            yield from self.weighted(dag.known(h), h, strict=False)
            if r == ">" and not self.p.shape:
                yield self.block([dag.num(1)], dag.known(h), h, strict=True)
        for r, h in self.s.given:
            if r != "==" and h.shape and h is not self.p:
                yield from self.congruences(h)

    def weighted(self, fact: Node, weight: Node | None, strict: bool) -> Iterator[Block]:
        """Squares of elements of one shape, times a scalar fact."""
        for shape in dict.fromkeys(z.shape for z in self.halves):
            chosen = [z for z in self.halves if z.shape == shape]
            if not self.p.shape or (shape and shape[1] == self.p.shape[1]):
                yield self.block(chosen, fact, weight, strict)

    def block(self, elements: list[Node], fact: Node, weight: Node | None, strict: bool) -> Block:
        scale = [] if weight is None else [weight]
        rows = self.table(lambda a, b: dag.mul(*scale, self.paired(a, None, b)), elements)
        return Block(tuple(elements), rows, lambda z: dag.mul(fact, self.squared(dag.num(1), z)), strict)

    def congruences(self, h: Node) -> Iterator[Block]:
        for cols in dict.fromkeys(z.shape[1] for z in self.halves if z.shape and z.shape[0] == h.shape[0]):
            chosen = [z for z in self.halves if z.shape == (h.shape[0], cols)]
            if not self.p.shape or cols == self.p.shape[1]:
                rows = self.table(lambda a, b, h=h: self.paired(a, h, b), chosen)  # type: ignore[misc]
                square: Any = lambda z, h=h: self.squared(dag.known(h), z)  # noqa: E731
                yield Block(tuple(chosen), rows, square)

    def table(self, product: Callable[[Node, Node], Node], elements: list[Node]) -> tuple[tuple[Any, ...], ...]:
        """The values of the products of the elements."""
        rows = []
        for a in elements:
            self.clock.tick("multiplying words")
            rows.append(tuple(self.words.value(product(a, b)) for b in elements))
        return tuple(rows)

    def paired(self, a: Node, m: Node | None, b: Node) -> Node:
        if not a.shape:
            return dag.mul(a, b)
        inner = dag.mul(dag.T(a), *([] if m is None else [m]), b)
        return inner if self.p.shape else dag.tr(inner)

    def squared(self, m: Node, z: Node) -> Node:
        if not z.shape:
            return dag.power(z, 2)
        return dag.conj(m, z) if self.p.shape else dag.tr(dag.conj(m, z))

    def ideal(self) -> Iterator[tuple[Node, Any]]:
        """The products of equality hypotheses that are connected with the target."""
        if not self.products.zeros or self.p is ZERO:
            return
        spread = max(h.spread for h in self.products.zeros)
        found: dict[Node, Any] = {}
        for count, round_ in enumerate(self.products.rounds(self.target, self.p.shape, degree(self.target) + spread)):
            found = round_
            if count or len(found) > 150:
                break
        yield from ((self.products.cited(x), v) for x, v in found.items())
