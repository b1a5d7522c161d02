r"""Noise of low rank: the generic rank of every sub-product is a minimum over intervals of layers.

Setting: \(W_k = A_k + U_k V_k^T\), \(U_k\) of shape \(d_k \times s_k\), \(V_k\) of shape \(d_{k-1} \times s_k\), \(k =
1..N\); \(s_k = 0\) is no noise, and noise in every entry counts as \(s_k = \min(d_k, d_{k-1})\).

Hypotheses: given the offsets A, all (U, V) have a law that is absolutely continuous, jointly.

Conclusion: almost surely, for all \(i \le j\),
\[ \mathrm{rank}\, W_{j:i} = \min_{[a,b] \subseteq [i,j]} \bigl( \mathrm{rank}\, A_{b:a} + s_a + \dots + s_b \bigr) , \]
where the empty interval at the junction \(k \in \{i-1, ..., j\}\) contributes \(d_k\). The inequality \(\le\) holds for every
noise.

Form: generic equality; inequality for all noise.

Scope of proof: at all widths, the upper bound (\(W_{b:a}\) as a sum of products with \(\mathrm{rank}\, A_{b:a}\), \(s_a\),
..., \(s_b\) inner columns) for N = 2 to 4, and the lemma: one more term \(L u (R^T v)^T\) raises the rank of L A R by exactly
one if rank L and rank R exceed it, and not at all if one of them does not. The recursion of the minima over intervals is
proved in real numbers. Generic and upper bound at given sizes for ten layers and noises, diag(1, 0) and diag(0, 1) and others,
among them one in which two layers bind together and neither alone. The induction over the terms is in words.

Why: by the lemma one generic rank-one term in layer k changes every \(\rho_{ij} = \mathrm{rank}\, W_{j:i}\) to
\(\min(\rho_{ij} + 1, \rho_{i,k-1}, \rho_{k+1,j})\); without noise \(\rho_{ij}\) is the minimum over intervals, and adding 1
to \(s_k\) changes that minimum in the same way: intervals without k lie in [i, k-1] or [k+1, j].

Sharpness: the naive \(\min_k (\mathrm{rank}\, A_k + s_k)\) is wrong for \(A_1 = \mathrm{diag}(1, 0)\), \(A_2 =
\mathrm{diag}(0, 1)\) without noise: 1 instead of 0. The formula needs generic noise, and in the lemma both L and R.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from theory.algebras.rational import matrix as exact
from theory.certificates import Step, prove, split
from theory.intervals import binding, ranks
from theory.statement import Condition, Statement
from theory.terms import Term, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import (
    Width,
    eye,
    identity,
    implied,
    matrix,
    names,
    norm2,
    number,
    says,
    scalar,
    square,
    table,
    widths_of,
)  # fmt: skip
from theory.theorems.rank.setting import (
    SOURCE,
    Table,
    at_least,
    at_most,
    cites,
    composed,
    determinant,
    entries,
    given_positive,
    layers,
    leading,
    positive,
    total_of,
)  # fmt: skip

NAME = "rank.low_rank_noise"


# -- upper bound --------------------------------------------------------------------------------------------------------


def factors(widths: Sequence[Width], noise: Sequence[Width]) -> tuple[list[Term], list[Term]]:
    """U and V, for layers with noise; noise 0 means none, and is left out by `noisy`."""
    pairs = list(enumerate(noise, 1))
    U = [matrix(f"U{k}", widths[k], s) for k, s in pairs if s != 0]
    V = [matrix(f"V{k}", widths[k - 1], s) for k, s in pairs if s != 0]
    return U, V


def upper(d: Sequence[Width], s: Sequence[Width]) -> Claim:
    """W_N ... W_1 = A_N ... A_1 + sum_k (W_N ... W_{k+1} U_k) (V_k^T A_{k-1} ... A_1), s_k inner columns each."""
    A, (U, V), depth = layers(d, "A"), factors(d, s), len(s)
    W = [a + u * v.T for a, u, v in zip(A, U, V, strict=True)]
    columns = [composed(W, k + 1) * U[k - 1] if k < depth else U[-1] for k in range(1, depth + 1)]
    rows = [V[k - 1].T * composed(A, 1, k - 1) if k > 1 else V[0].T for k in range(1, depth + 1)]
    goal = composed(W) - composed(A) - total_of(x * y for x, y in zip(columns, rows, strict=True))
    return identity(f"{NAME}.upper_bound_{depth}", (*A, *U, *V), [goal])


E1, E2, ONE, NONE = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 0], [0, 1]], [[0, 0], [0, 0]]
BASE: dict[str, Any] = {"L": ONE, "A": E1, "R": ONE}
SIZES = {"m": 2, "k": 2, "l": 2, "n": 2}


# -- the lemma ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lemma:
    """L A R and one more term L u v^T R, at all widths; p and q show that rank L and rank R exceed rank L A R."""

    m: Width = "m"
    k: Width = "k"
    l: Width = "l"  # noqa: E741
    n: Width = "n"

    @cached_property
    def variables(self) -> tuple[Term, ...]:
        """L, A, R."""
        return matrix("L", self.m, self.k), matrix("A", self.k, self.l), matrix("R", self.l, self.n)

    @cached_property
    def vectors(self) -> tuple[Term, ...]:
        """u, v, p, q."""
        shapes = {"u": self.k, "v": self.l, "p": self.m, "q": self.n}
        return tuple(matrix(name, d, 1) for name, d in shapes.items())

    @cached_property
    def C(self) -> Term:
        L, A, R = self.variables
        return L * A * R

    def plus(self, u: Term, v: Term) -> Term:
        """C + L u v^T R."""
        L, _, R = self.variables
        return self.C + L * u * v.T * R

    def raised(self) -> Claim:
        """p^T C = 0, C q = 0: with u = L^T p and v = R q, p^T (C + L u v^T R) q = |L^T p|^2 |R q|^2, while p^T C q = 0."""
        (L, _, R), (_, _, p, q) = self.variables, self.vectors
        left, right = p.T * self.C, self.C * q
        u, v = L.T * p, R * q
        inside, none = trace(p.T * self.plus(u, v) * q), trace(fact(left) * q)
        then = [(inside - norm2(u) * norm2(v), none), (trace(p.T * right), none)]
        point = {**BASE, "p": [[0], [1]], "q": [[0], [1]]}
        return implied(f"{NAME}.lemma.raised", (*self.variables, p, q), [left, right], then, point, SIZES)

    def by_one(self) -> Claim:
        """p^T C = 0, p^T L u = 1: the kernel of C + L u v^T R is the part of the kernel of C on which v^T R vanishes."""
        (L, _, R), (u, v, p, _), z = self.variables, self.vectors, matrix("z", self.n, 1)
        left, one, inside = p.T * self.C, trace(p.T * L * u) - 1, self.plus(u, v) * z
        row = v.T * R * z
        first = p.T * fact(inside) - fact(left) * z - fact(one) * row
        then = [(row, first), (self.C * z, fact(inside) - L * u * fact(row))]
        point = {**BASE, "p": [[0], [1]], "u": [[0], [1]], "v": [[0], [1]], "z": [[0], [0]]}
        return implied(f"{NAME}.lemma.by_one", (*self.variables, u, v, p, z), [left, one, inside], then, point, SIZES)

    def flat(self) -> Iterator[Claim]:
        """If the columns of L (or the rows of R) are among those of C, the new term adds none: C (I + ...), (I + ...) C."""
        (L, _, R), (u, v, _, _) = self.variables, self.vectors
        Y, Z, term = matrix("Y", self.n, self.k), matrix("Z", self.l, self.m), u * v.T
        cols, rows = L - self.C * Y, R - Z * self.C
        after = self.plus(u, v) - self.C * (eye(self.n) + Y * term * R)
        before = self.plus(u, v) - (eye(self.m) + L * term * Z) * self.C
        point = dict.fromkeys("LARYZ", ONE) | {"u": [[1], [2]], "v": [[3], [1]]}
        for X, given, then, by in ((Y, cols, after, fact(cols) * term * R), (Z, rows, before, L * term * fact(rows))):
            variables = (*self.variables, u, v, X)
            at = {str(x.node.data[0]): point[str(x.node.data[0])] for x in variables}
            yield implied(f"{NAME}.lemma.flat: {X.node}", variables, [given], [(then, by)], at, SIZES)


def bordered(n: int) -> Claim:
    """det(C + x y^T) = det C - det [[C, x], [y^T, 0]]: what a new term does to a minor."""
    C, x, y = matrix("C", n, n), matrix("x", n, 1), matrix("y", n, 1)
    rows = [[*row, *extra] for row, extra in zip(entries(C), entries(x), strict=True)]
    border = [*rows, [*entries(y.T)[0], number(0)]]
    return identity(f"{NAME}.bordered_{n}", (C, x, y), [leading(C + x * y.T, n) - leading(C, n) + determinant(border)])


# -- the recursion ------------------------------------------------------------------------------------------------------


def is_least(f: Term, among: Sequence[Term]) -> list[tuple[str, Term]]:
    """f = min(among): it is at most each, and equals one of them."""
    product: Any = number(1)
    for x in among:
        product = product * (f - x)
    return [*((">=", x - f) for x in among), ("==", product)]


def recursion() -> Claim:
    """f = min(c, x, y) and g = min(f + 1, x, y) give g = min(c + 1, x, y), for real numbers.

    c is the least value of the intervals with k, x and y of those on its two sides.
    """
    c, x, y, f, g = (scalar(s) for s in ("c", "x", "y", "f", "g"))
    given = [*is_least(f, (c, x, y)), *is_least(g, (f + 1, x, y))]
    then = is_least(g, (c + 1, x, y))
    sides = [cites(c + 1 - g, fact(f + 1 - g) + fact(c - f), ">=")]
    s = Statement(
        f"{NAME}.recursion", names((c, x, y, f, g)), tuple(Condition(r, t.node) for r, t in given),
        tuple(Condition(r, t.node) for r, t in then),
    )  # fmt: skip
    return Claim(s, (*sides, *_last(c, x, y, f, g)), {"c": 1, "x": 2, "y": 3, "f": 1, "g": 2})


def _last(c: Term, x: Term, y: Term, f: Term, g: Term) -> Iterator[Step]:
    """(g - c - 1)(g - x)(g - y) = 0: where (g - x)(g - y) is not zero, g = f + 1 and f < x, f < y, hence f = c."""
    goal, pair, third = (g - c - 1) * (g - x) * (g - y), (g - x) * (g - y), (f - c) * (f - x) * (f - y)
    first = (g - f - 1) * pair
    yield cites(pair, fact(x - g) * fact(y - g), ">=")
    # g - f - 1 = 0 where the pair is positive; then (f - x)(f - y) = (x - g + 1)(y - g + 1) > 0 and f = c.
    equal = prove("==", (g - f - 1).node, fact(first).node, fact(pair).node)
    away = cites((x - f) * (y - f), (fact(x - g) + 1) * (fact(y - g) + 1) + _moved(x, y, f, g), ">")
    same = prove("==", (f - c).node, fact(third).node, fact((x - f) * (y - f)).node)
    done = cites(goal, (fact(g - f - 1) + fact(f - c)) * pair)
    flat = Step("==", pair.node, (fact(number(0) - pair) * fact(pair)).node, None, rule="radical")
    last = cites(goal, (g - c - 1) * fact(pair))
    yield split("==", goal.node, pair.node, (equal, away, same, done), (flat, last))


def _moved(x: Term, y: Term, f: Term, g: Term) -> Term:
    """(x - f)(y - f) - (x - g + 1)(y - g + 1), a multiple of the known zero g - f - 1."""
    return fact(g - f - 1) * (x - f + y - g + 1)


# -- given sizes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Layers without noise and the ranks of their noise."""

    offsets: tuple[Table, ...]
    noise: tuple[int, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        return (len(self.offsets[0][0]), *(len(A) for A in self.offsets))

    @property
    def rank(self) -> int:
        """What the formula says of the whole product."""
        return binding(self.widths, ranks([exact(A) for A in self.offsets]), self.noise).value

    @property
    def name(self) -> str:
        return f"widths {self.widths}, noise {self.noise}, offsets {list(map(list, self.offsets))}"

    @cached_property
    def layers(self) -> tuple[tuple[Term, ...], list[Term]]:
        """The variables U, V, and W."""
        U, V = factors(self.widths, self.noise)
        pairs = {u.node.data[0][1:]: u * v.T for u, v in zip(U, V, strict=True)}
        W = [table(A) + pairs[str(k)] if str(k) in pairs else table(A) for k, A in enumerate(self.offsets, 1)]
        return (*U, *V), W

    def claims(self) -> Iterator[Claim | Generic]:
        """At least the rank off a null set, at most the rank everywhere."""
        variables, W = self.layers
        product, least = composed(W), min(self.widths[0], self.widths[-1])
        if self.rank:
            named = [(matrix(f"M{k}", *map(int, w.node.shape)), w) for k, w in enumerate(W, 1)]
            P = matrix("P", self.widths[-1], self.widths[0])
            defined = [*named, (P, composed([m for m, _ in named]))]
            yield at_least(f"{NAME}.at_least_{self.rank}: {self.name}", variables, P, self.rank, self.point(), defined)
        if self.rank < least:
            yield at_most(f"{NAME}.at_most_{self.rank}: {self.name}", variables, product, self.rank)

    def point(self) -> dict[str, Any]:
        draw = Random(str(self.noise)).randint
        variables, _ = self.layers
        shapes = {str(x.node.data[0]): tuple(map(int, x.node.shape)) for x in variables}
        return {name: [[draw(-3, 3) for _ in range(n)] for _ in range(m)] for name, (m, n) in shapes.items()}


APART = (E1, E2)
CASES = (
    Case(APART, (1, 0)),
    Case(APART, (0, 1)),
    Case(APART, (1, 1)),
    Case((E1, ONE, E2), (0, 1, 0)),
    Case((E1, E2, ONE), (0, 1, 1)),
    Case((E1, E2, E1), (1, 0, 1)),
    Case((NONE, ONE), (1, 1)),
    Case(([[1, 0, 0], [0, 0, 0]], [[0, 1], [0, 2], [0, 0]]), (1, 0)),
    Case(([[0, 0]], [[1], [1], [0]]), (1, 2)),
    Case(([[1, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 1]]), (0, 1)),  # two layers bind, neither alone
)


def claims() -> Iterator[Claim | Generic]:
    yield from (upper(widths_of(N), [f"s{k}" for k in range(1, N + 1)]) for N in range(2, 5))
    lemma = Lemma()
    yield from (lemma.raised(), lemma.by_one(), *lemma.flat())
    yield from map(bordered, (1, 2, 3))
    yield recursion()
    for case in CASES:
        yield from case.claims()


# -- limits -------------------------------------------------------------------------------------------------------------


def product_of(A: Table, B: Table) -> Term:
    return table(B) * table(A)


def naive() -> Statement:
    """min_k (rank A_k + s_k) without noise: two layers that are not zero have a product that is not zero."""
    A, B = matrix("A1", 2, 2), matrix("A2", 2, 2)
    name = f"{NAME}: rank A_k >= 1 for each k is enough"
    return positive(name, (A, B), [square(B * A)], given_positive(norm2(A), norm2(B)))


def not_generic() -> Statement:
    """The noise of rank one adds one to the rank of diag(1, 0), whatever it is."""
    u, v = matrix("u", 2, 1), matrix("v", 2, 1)
    W = table(E1) + u * v.T
    return positive(f"{NAME}: any noise of rank one", (u, v), [leading(W, 2) ** 2], given_positive(norm2(u), norm2(v)))


def one_sided(left: bool) -> Statement:
    """The lemma with p only (or q only): for u = L^T p (v = R q) and any v (u), C + L u v^T R is not singular."""
    m = Lemma(2, 2, 2, 2)
    (L, _, R), (u, v, p, q) = m.variables, m.vectors
    seen, zero, other, witness = (L.T * p, p.T * m.C, v, p) if left else (R * q, m.C * q, u, q)
    after = m.plus(seen, v) if left else m.plus(u, seen)
    given = (Condition("==", zero.node), *given_positive(norm2(seen), norm2(other), norm2(m.C)))
    name = f"{NAME}: the lemma with {'p' if left else 'q'} only"
    return positive(name, (*m.variables, witness, other), [leading(after, 2) ** 2], given)


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("all intervals, not single layers", naive(), {"A1": E1, "A2": E2})
    yield Counterexample("generic noise", not_generic(), {"u": [[1], [0]], "v": [[1], [0]]})
    at = {"L": ONE, "A": ONE, "R": E1, "p": [[0], [1]], "v": [[0], [1]]}
    yield Counterexample("in the lemma, rank R > rank L A R", one_sided(True), at)
    at = {"L": E1, "A": ONE, "R": ONE, "q": [[0], [1]], "u": [[0], [1]]}
    yield Counterexample("in the lemma, rank L > rank L A R", one_sided(False), at)


def variants() -> Iterator[Statement]:
    yield from (naive(), not_generic(), one_sided(True), one_sided(False))
    A1, A2, U1, U2, V1, V2 = variables = [Term(v) for v in upper((2, 2, 2), (1, 1)).statement.variables]
    W1, W2 = A1 + U1 * V1.T, A2 + U2 * V2.T
    wrong = {
        "without the product of the noises": A2 * A1 + U2 * V2.T * A1 + A2 * U1 * V1.T,
        "noise counted twice": A2 * A1 + W2 * U1 * V1.T + U2 * V2.T * W1,
        "the layers in the wrong order": A1 * A2 + W2 * U1 * V1.T + U2 * V2.T * A1,
        "noise in the first layer only": A2 * A1 + W2 * U1 * V1.T,
    }
    for name, bound in wrong.items():
        yield says(f"{NAME}: {name}", variables, [W2 * W1 - bound])
    one = Lemma().by_one().statement
    yield replace(one, name=f"{NAME}: the lemma without p^T C = 0", given=one.given[1:], sizes=SIZES)
    C, x, y = (Term(v) for v in bordered(2).statement.variables)
    yield says(f"{NAME}: a minor does not change", (C, x, y), [leading(C + x * y.T, 2) - leading(C, 2)])
    t = recursion().statement
    c, x, y, _, g = (Term(v) for v in t.variables)
    stays = tuple(Condition(r, e.node) for r, e in is_least(g, (c, x, y)))
    yield replace(t, name=f"{NAME}: the minimum stays", then=stays)
    yield at_most(f"{NAME}: noise in both layers adds nothing", *_both(), 0).statement
    yield at_most(f"{NAME}: noise in both layers adds one only", *_both(), 1).statement


def _both() -> tuple[tuple[Term, ...], Term]:
    variables, W = Case(APART, (1, 1)).layers
    return variables, composed(W)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The upper bound, with noise of rank 1 and 2 in turn."""
    claim = upper(widths, [1 + k % 2 for k in range(len(widths) - 1)])
    values = {str(v.data[0]): draw.matrix(*map(int, v.shape)) for v in claim.statement.variables}
    return Instance(replace(claim.statement, name=f"{NAME}: sampled"), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R3",
    title="Noise of low rank: the generic rank of a product is a minimum over intervals of layers",
    form="generic equality, inequality",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (3, 2, 3), (2, 1, 3, 2)),
    supported_at=((8, 6, 7), (20, 30, 25)),
    note=(
        "'Noise raises the rank' holds up to the interval of layers that binds, and min_k (rank A_k + s_k) is not the rank: "
        "with A_1 = diag(1, 0), A_2 = diag(0, 1) and no noise each layer has rank 1, and the product is 0."
    ),
)
