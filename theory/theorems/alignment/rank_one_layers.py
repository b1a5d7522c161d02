r"""Layers of rank one whose product is not zero are aligned if and only if neighbouring singular vectors are parallel.

Setting: W_i = u_i v_i^T (the singular value is |u_i||v_i|), P = W_N ... W_1, c_i = (v_{i+1}, u_i).

Hypotheses: P != 0.

Conclusion: \[ \text{weakly aligned} \iff c_i^2 = |u_i|^2 |v_{i+1}|^2 \quad (i = 1, \dots, N-1), \]
that is |(v_{i+1}, u_i)| = 1 for the unit singular vectors.

Form: iff.

Scope of proof: with "weakly aligned" as the vanishing of all commutators (ALN-2), both directions at all widths, depths 2 to 4.

Why: |[B_i, A_i]|^2 = 2 |v_i|^4 |u_{i+1}|^4 c_i^2 (|u_i|^2 |v_{i+1}|^2 - c_i^2), and P != 0 makes the factors before the bracket
positive.

Sharpness: P != 0 is needed: W_1 = e_1 e_1^T and W_2 = e_2 e_2^T are aligned with c_1 = 0.

Source: own derivation; rank-one layers as in arXiv:1810.02032 and arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sympy import Expr, MatrixSymbol, Mul, Rational

from theory.certificates import Step, prove, vanishes
from theory.expressions import Square, inner, known, norm2
from theory.statement import Statement, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.commutators import commutators
from theory.theorems.alignment.setting import composed, dim, vertices, widths_of

NAME = "alignment.rank_one_layers"


class RankOne:
    """Layers u_i v_i^T, at symbolic or given widths."""

    def __init__(self, widths: Sequence[Any]) -> None:
        self.depth = len(widths) - 1
        self.u = [MatrixSymbol(f"u{i}", dim(widths[i]), 1) for i in range(1, self.depth + 1)]
        self.v = [MatrixSymbol(f"v{i}", dim(widths[i - 1]), 1) for i in range(1, self.depth + 1)]
        self.W = [a * b.T for a, b in zip(self.u, self.v, strict=True)]

    @property
    def variables(self) -> tuple[Any, ...]:
        return (*self.u, *self.v)

    @property
    def hidden(self) -> range:
        return range(1, self.depth)

    def c(self, i: int) -> Expr:
        """(v_{i+1}, u_i)."""
        return inner(self.v[i], self.u[i - 1])

    def defect(self, i: int) -> Expr:
        """|u_i|^2 |v_{i+1}|^2 - c_i^2."""
        return norm2(self.u[i - 1]) * norm2(self.v[i]) - self.c(i) ** 2

    def area(self, i: int) -> Expr:
        """u_i v_{i+1}^T - v_{i+1} u_i^T."""
        return self.u[i - 1] * self.v[i].T - self.v[i] * self.u[i - 1].T

    @cached_property
    def size(self) -> Expr:
        """|P|^2 = |u_N|^2 |v_1|^2 prod c_i^2."""
        return norm2(composed(self.W))

    # -- aligned => parallel --------------------------------------------------------------------------------------------

    def positive(self) -> Iterator[Step]:
        """c_i^2, |u_i|^2 and |v_i|^2 are positive, because |P|^2 is."""
        first, last, links = self.v[0], self.u[-1], Mul(*(self.c(j) ** 2 for j in self.hidden))
        for i in self.hidden:
            others = Mul(Square(last), Square(first), *(self.c(j) ** 2 for j in self.hidden if j != i))
            yield prove(">", self.c(i) ** 2, known(self.size), others)
        yield prove(">", norm2(last), known(self.size), Square(first) * links)
        yield prove(">", norm2(first), known(self.size), Square(last) * links)
        for i in self.hidden:
            u, v, half = self.u[i - 1], self.v[i], Rational(1, 2) * Square(self.area(i))
            yield prove(">", norm2(u), known(self.c(i) ** 2) + half, Square(v))
            yield prove(">", norm2(v), known(self.c(i) ** 2) + half, Square(u))

    def parallel(self, i: int) -> Step:
        """The norm of [B_i, A_i] is a positive multiple of the defect."""
        p = commutators(self.W)[vertices(self.W).index((i, i - 1))]
        lengths = known(norm2(self.v[i - 1])) ** 2 * known(norm2(self.u[i])) ** 2
        return prove("==", self.defect(i), inner(known(p), p), 2 * lengths * known(self.c(i) ** 2))

    # -- parallel => aligned --------------------------------------------------------------------------------------------

    def line(self, i: int) -> Step:
        """The defect is zero: u_i v_{i+1}^T is symmetric."""
        return vanishes(self.area(i), -2 * known(self.defect(i)))

    def commuting(self, i: int, j: int) -> Step:
        """[B_i, M_ij] = -|u_{i+1}|^2 |v_{j+1}|^2 prod_{j<l<i} c_l^2 c_i (u_i v_{i+1}^T - v_{i+1} u_i^T)."""
        scale = Mul(norm2(self.u[i]), norm2(self.v[j]), *(self.c(k) ** 2 for k in range(j + 1, i)), self.c(i))
        return prove("==", commutators(self.W)[vertices(self.W).index((i, j))], -scale * known(self.area(i)))


def forward(depth: int) -> Claim:
    """P != 0 and commuting: every defect is zero."""
    net = RankOne(widths_of(depth))
    given = (greater(net.size), *map(equal, commutators(net.W)))
    steps = (*net.positive(), *map(net.parallel, net.hidden))
    s = Statement(f"{NAME}.forward_{depth}", net.variables, given, tuple(equal(net.defect(i)) for i in net.hidden))
    return Claim(s, steps, _first(net), _twos(depth))


def backward(depth: int) -> Claim:
    """Every defect zero: commuting, P = 0 or not."""
    net = RankOne(widths_of(depth))
    steps = (*map(net.line, net.hidden), *(net.commuting(i, j) for i, j in vertices(net.W)))
    given = tuple(equal(net.defect(i)) for i in net.hidden)
    s = Statement(f"{NAME}.backward_{depth}", net.variables, given, tuple(map(equal, commutators(net.W))))
    return Claim(s, steps, _first(net), _twos(depth))


def _first(net: RankOne) -> dict[str, Any]:
    """All vectors e_1."""
    return {x.name: [[1], [0]] for x in net.variables}


def _twos(depth: int) -> dict[str, int]:
    return {f"d{i}": 2 for i in range(depth + 1)}


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(forward, (2, 3, 4))
    yield from map(backward, (2, 3, 4))


def sharpness() -> Iterator[Counterexample]:
    s, first = forward(2).statement, _first(RankOne(widths_of(2)))
    crossed = first | {"u2": [[0], [1]], "v2": [[0], [1]]}
    yield Counterexample("P != 0", replace(s, given=s.given[1:], sizes=_twos(2)), crossed)
    yield Counterexample("aligned", replace(s, given=s.given[:1], sizes=_twos(2)), first | {"v2": [[1], [1]]})
    b, deep = backward(3).statement, _first(RankOne(widths_of(3)))
    yield Counterexample("every hidden vertex", replace(b, given=b.given[:1], sizes=_twos(3)), deep | {"v3": [[1], [1]]})


def variants() -> Iterator[Statement]:
    s, net = forward(2).statement, RankOne(widths_of(2))
    yield replace(s, name="P may vanish", given=s.given[1:])
    yield replace(s, name="not aligned", given=s.given[:1])
    yield replace(s, name="length", then=(equal(net.c(1), norm2(net.u[0])),))
    yield replace(s, name="orthogonal", then=(equal(net.c(1)),))
    b = backward(2).statement
    yield replace(b, name="no hypothesis", given=())
    yield replace(b, name="crossed", then=(equal(net.u[1] * net.v[0].T, net.u[0] * net.v[1].T),), sizes=_twos(2))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """v_{i+1} a random multiple of u_i."""
    net = RankOne(widths)
    values = {x.name: draw.matrix(int(x.shape[0]), 1) for x in net.variables}
    for u, v in zip(net.u[:-1], net.v[1:], strict=True):
        x = MatrixSymbol("x", 1, 1)
        values[v.name] = draw.value(u * x, {u.name: values[u.name], "x": draw.matrix(1, 1)})
    given = tuple(equal(net.area(i)) for i in net.hidden)
    return Instance(Statement(f"{NAME}.sample", net.variables, given, tuple(map(equal, commutators(net.W)))), values)


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-7",
    title="Rank-one layers with a nonzero product are aligned iff neighbouring singular vectors are parallel",
    form="iff",
    source="own derivation; rank-one layers as in arXiv:1810.02032 and arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 3, 2)),
    supported_at=((4, 8, 4), (6, 6, 6, 6)),
    note="Without P != 0, rank-one layers can be aligned with orthogonal neighbouring singular vectors.",
)
