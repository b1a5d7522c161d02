r"""Inequalities in one unknown: complete for `p >= 0` and `p > 0` with rational coefficients on an interval with rational
ends, a half-line or the line.

Exact root isolation decides. Then a certificate is written: \(p = h^2 r\) with r squarefree; the domain is cut at rational
points by nested splits; on a piece [a, b] the roots of r at the ends come out as factors t - a, b - t, and the rest is
positive, hence (on pieces small enough) a positive combination of the Bernstein products \((t-a)^i (b-t)^{n-i}\), on a
half-line of the powers of t - a. Hypotheses of higher degree are used on pieces where they fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

from flint import fmpq_poly

from theory import dag
from theory.certificates import Step, prove, split, vanishes
from theory.dag import Node
from theory.provers.api import ZERO, Clock, DoesNotApply, Evidence, Goal, NotFound, Prover
from theory.provers.linear import exact, fraction
from theory.provers.one_unknown import Constraint, Problem, problems, taylor
from theory.statement import Lowered

DEPTH = 80


@dataclass(frozen=True)
class End:
    """An end of a piece: its value, the term t - value (or value - t) as a visibly signed one, and whether it is > 0."""

    value: Fraction
    fact: Node
    strict: bool


@dataclass(frozen=True)
class Piece:
    low: End | None = None
    high: End | None = None

    @property
    def width(self) -> Fraction | None:
        return self.high.value - self.low.value if self.low and self.high else None

    def cut(self, depth: int) -> Fraction:
        """Where to cut: in the middle; of a half-line, farther and farther out."""
        if self.low and self.high:
            return (self.low.value + self.high.value) / 2
        return self.low.value + 2**depth if self.low else self.high.value - 2**depth if self.high else Fraction(0)


class Search:
    """The certificate for one problem."""

    def __init__(self, p: Problem, clock: Clock) -> None:
        self.problem, self.clock, self.t = p, clock, p.unknown
        self.pieces = 0

    def domain(self) -> Piece:
        """The piece that the linear hypotheses cut out."""
        piece = Piece()
        for relation, h, q in self.problem.given:
            if q.degree() == 1 and relation != "==":
                c = fraction(q[1])
                end = End(-fraction(q[0]) / c, dag.lin((1 / abs(c), dag.known(h))), relation == ">")
                piece = self.narrowed(piece, end, c > 0)
        return piece

    def narrowed(self, piece: Piece, end: End, low: bool) -> Piece:
        old = piece.low if low else piece.high
        tighter = (
            old is None
            or (end.value != old.value and (end.value > old.value) == low)
            or (end.value == old.value and end.strict)
        )
        if not tighter:
            return piece
        return Piece(end, piece.high) if low else Piece(piece.low, end)

    # -- signs on a piece -----------------------------------------------------------------------------------------------

    def positive(self, s: Any, piece: Piece) -> Node | None:
        """A visibly positive form of a polynomial that is positive on the closed piece, if its coefficients show it."""
        if s.degree() <= 0:
            return dag.num(fraction(s[0])) if s[0] > 0 else None
        if piece.low is None and piece.high is None:
            return None
        if piece.low and piece.high:
            return self._bernstein(s, piece.low, piece.high)
        end = piece.low or piece.high
        assert end is not None
        c = taylor(s, end.value, 1 if piece.low else -1)
        if c[0] <= 0 or min(c) < 0:
            return None
        return dag.lin(*((x, dag.power(end.fact, i)) for i, x in enumerate(c) if x))

    def _bernstein(self, s: Any, low: End, high: End) -> Node | None:
        n, w = s.degree(), high.value - low.value
        q = [c * w**j for j, c in enumerate(taylor(s, low.value, 1))]
        b = [sum((Fraction(comb(i, j), comb(n, j)) * q[j] for j in range(i + 1)), Fraction(0)) for i in range(n + 1)]
        least = min(b)
        if least <= 0:
            return None
        # half of the least coefficient stays a number, so that the form is positive where a product of ends is 0
        parts = [(comb(n, i) * (x - least / 2) / w**n, i) for i, x in enumerate(b)]
        terms = [(c, dag.mul(dag.power(low.fact, i), dag.power(high.fact, n - i))) for c, i in parts]
        return dag.lin((least / 2, dag.num(1)), *terms)

    def signed(self, p: Any, relation: str, piece: Piece) -> Node | None:
        """A visibly signed form of p on the piece."""
        if relation == ">":
            return self.with_ends(p, piece, strict=True)
        if not p:
            return dag.num(0)
        c, factors = p.factor()
        square, rest = fmpq_poly([1]), fmpq_poly([exact(fraction(c))])
        for f, e in factors:
            square, rest = square * f ** (e // 2), rest * f ** (e % 2)
        form = self.with_ends(rest, piece, strict=False)
        return None if form is None else dag.mul(dag.power(self.node(square), 2), form) if square.degree() else form

    def with_ends(self, r: Any, piece: Piece, strict: bool) -> Node | None:
        """r = (t - a)^i (b - t)^j s with s positive on the closed piece."""
        outside: list[Node] = []
        for end, sign in ((piece.low, 1), (piece.high, -1)):
            while end and r.degree() > 0 and r(exact(end.value)) == 0:
                if strict and not end.strict:
                    return None
                r //= fmpq_poly([exact(-sign * end.value), sign])
                outside.append(end.fact)
        s = self.positive(r, piece)
        return None if s is None else dag.mul(*outside, s)

    def node(self, p: Any) -> Node:
        return dag.lin((0, dag.num(1)), *((fraction(c), dag.power(self.t, i)) for i, c in enumerate(p.coeffs()) if c))

    # -- steps ----------------------------------------------------------------------------------------------------------

    def steps(self, piece: Piece, depth: int = 0) -> list[Step]:
        """The steps that prove the conclusion on the piece."""
        self.clock.tick(f"cutting the domain ({self.pieces} pieces)")
        self.pieces += 1
        relation, term, p = self.problem.goal
        if piece.width is not None and piece.width <= 0:
            return self.degenerate(piece)
        form = self.signed(p, relation, piece)
        if form is not None:
            return [prove(relation, term, form)]
        for hypothesis in self.problem.given:
            failed = self.failed(hypothesis, piece)
            if failed:
                return failed
        if depth > DEPTH:
            raise NotFound(f"no certificate after {self.pieces} pieces of the domain")
        return [self.cut(piece, depth)]

    def failed(self, hypothesis: Constraint, piece: Piece) -> list[Step]:
        """The conclusion from a nonlinear hypothesis that visibly fails on the piece; no steps if none does."""
        r, h, q = hypothesis
        for c in (-1, 1) if r == "==" else (-1,):
            form = self.with_ends(c * q, piece, strict=True) if q.degree() > 1 or r == "==" else None
            if form is not None:
                # twice the term, because the term itself is already known, with another sign
                twice = dag.lin((2 * c, h))
                both = dag.lin((1, dag.known(twice)), (-2 * c, dag.known(h)))
                return [prove(">", twice, dag.lin((2, form))), *absurd(*self.problem.goal[:2], both)]
        return []

    def cut(self, piece: Piece, depth: int) -> Step:
        relation, term, _ = self.problem.goal
        c = piece.cut(depth)
        on = dag.lin((1, self.t), (-c, dag.num(1)))
        above = Piece(End(c, dag.known(on), True), piece.high)
        below = Piece(piece.low, End(c, dag.known(dag.lin((-1, on))), False))
        return split(relation, term, on, self.steps(above, depth + 1), self.steps(below, depth + 1))

    def degenerate(self, piece: Piece) -> list[Step]:
        """On an empty piece everything holds, on a point the value decides."""
        assert piece.low and piece.high
        (low, high), (relation, term, _) = (piece.low, piece.high), self.problem.goal
        gap = high.value - low.value
        if gap < 0 or low.strict or high.strict:
            return absurd(relation, term, dag.lin((1, low.fact), (1, high.fact), (-gap, dag.num(1))))
        return [vanishes(on := self.shifted(low.value), dag.mul(low.fact, high.fact)), self.at(low.value, on)]

    def shifted(self, c: Fraction) -> Node:
        return dag.lin((1, self.t), (-c, dag.num(1)))

    def at(self, c: Fraction, on: Node) -> Step:
        relation, term, p = self.problem.goal
        q, value = divmod(p, fmpq_poly([exact(-c), 1]))
        return prove(relation, term, dag.lin((fraction(value[0]), dag.num(1)), (1, dag.mul(dag.known(on), self.node(q)))))


def absurd(relation: str, term: Node, positive: Node) -> list[Step]:
    """Everything follows from a visibly positive form of 0."""
    zero = dag.known(ZERO)
    return [prove(">", ZERO, positive), prove(relation, term, zero, times=zero)]


def find(s: Lowered, goal: Goal, clock: Clock) -> Evidence:
    if goal[0] == "==":
        raise DoesNotApply("the conclusion is an equality")
    wrong = []
    for one in problems(s, goal):
        fails = one.violation()
        if fails is None:
            search = Search(one, clock)
            steps = search.steps(search.domain())
            return Evidence(tuple(steps), f"{search.pieces} pieces of the domain of {one.unknown}")
        wrong.append(fails)
    raise NotFound(f"it fails {', and '.join(wrong)}, as far as the hypotheses on one unknown go")


PROVER = Prover("univariate", 20, find)
