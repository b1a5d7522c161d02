r"""Literal and weak alignment of two layers differ by a rank condition.

Setting: layers W_1 (d_1 x d_0), W_2 (d_2 x d_1); literal alignment: orthogonal bases with cores Q_i^T W_i Q_{i-1}
rect-diagonal; weak: cores with at most one entry in each row and column.

Hypotheses: none.

Conclusion:
\[ \text{literally aligned} \iff [W_1 W_1^T, W_2^T W_2] = 0 \text{ and } \mathrm{rank}[W_1 \,|\, W_2^T] \le \max(d_0, d_2), \]
where for commuting layers the rank is rank W_1 + rank W_2 - rank W_2 W_1.

Form: iff.

Scope of proof: literally aligned => all minors of [W_1 | W_2^T] of size max(d_0, d_2) + 1 vanish, at six triples of widths up
to (2, 3, 2). For d_0 = d_2 = 1 and every d_1: the commutator is (w, v)(w v^T - v w^T) with w = W_1, v = W_2^T, literal
alignment <=> w v^T = v w^T. The combinatorial rest (which intervals can share the slots of a narrow vertex) is decided
exactly over all barcodes of small widths by an experiment, not by the kernel; it is also the source of the answer for more
than two layers.

Why: in a literally aligned pair the vectors of Q_1 beyond max(d_0, d_2) are killed by W_1^T and by W_2. Conversely the
decomposition into chains of length <= 2 has enough slots.

Sharpness: the rank condition is needed: W_1 = (1, 0)^T, W_2 = (0, 1).

Source: own derivation; alignment as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sympy import Determinant, Expr, ImmutableMatrix, MatrixSymbol, Symbol

from theory.certificates import prove
from theory.expressions import inner, known, norm2
from theory.predicates.commute import Commute
from theory.statement import Statement, equal, greater
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.setting import bases_of, commutator, dim, literal_cores

NAME = "alignment.literal_or_weak"
SIZES = ((1, 2, 1), (1, 3, 1), (2, 3, 1), (1, 3, 2), (2, 3, 2), (1, 4, 1))


# -- the rank condition -------------------------------------------------------------------------------------------------


def columns(places: tuple[int, ...], n: int) -> ImmutableMatrix:
    """The columns `places` of the identity of size n."""
    return ImmutableMatrix(n, len(places), lambda i, j: int(i == places[j]))


def minors(first: Expr, second: Expr, size: int) -> Iterator[Expr]:
    """The minors of [W_1 | W_2^T] of that size."""
    rows, left, right = (int(n) for n in (first.shape[0], first.shape[1], second.shape[0]))
    width = left + right
    joined = first * ImmutableMatrix(left, width, lambda i, j: int(i == j))
    joined = joined + second.T * ImmutableMatrix(right, width, lambda i, j: int(i + left == j))
    for r in combinations(range(rows), size):
        for c in combinations(range(width), size):
            yield Determinant(columns(r, rows).T * joined * columns(c, width))


def rank(widths: tuple[int, int, int]) -> Claim:
    """W_i = Q_i diag(X_i) J_i Q_{i-1}^T: the minors vanish identically, whatever the bases."""
    Q, (S1, S2) = bases_of(widths), literal_cores(widths)
    then = [*minors(Q[1] * S1 * Q[0].T, Q[2] * S2 * Q[1].T, max(widths[0], widths[2]) + 1)]
    X = (MatrixSymbol(f"X{i}", widths[i], widths[i]) for i in (1, 2))
    s = Statement(f"{NAME}.rank", (*Q, *X), (), tuple(map(equal, then)))
    return Claim(s, tuple(prove("==", p, 0) for p in then))


# -- one input, one output ----------------------------------------------------------------------------------------------


def _vectors() -> tuple[MatrixSymbol, MatrixSymbol, MatrixSymbol]:
    n = dim("d1")
    return MatrixSymbol("w", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("q", n, 1)


def area(w: Expr, v: Expr) -> Expr:
    """w v^T - v w^T: zero iff w and v are parallel."""
    return w * v.T - v * w.T


def factorised() -> Claim:
    """[w w^T, v v^T] = (w, v) (w v^T - v w^T): weakly aligned iff orthogonal or parallel."""
    w, v, _ = _vectors()
    p = commutator(w * w.T, v * v.T) - inner(w, v) * area(w, v)
    return Claim(Statement(f"{NAME}.factorised", (w, v), (), (equal(p),)), (prove("==", p, 0 * p),))


def on_a_line() -> Claim:
    """Literally aligned: w = a q and v = b q, hence parallel, and commuting."""
    w, v, q = _vectors()
    a, b = Symbol("a"), Symbol("b")
    first, second = w - a * q, v - b * q
    p, c = area(w, v), commutator(w * w.T, v * v.T)
    by = known(first) * v.T + a * q * known(second).T - v * known(first).T - known(second) * a * q.T
    s = Statement(f"{NAME}.on_a_line", (w, v, q, a, b), tuple(map(equal, (first, second))), (equal(p), equal(c)))
    steps = (prove("==", p, by), prove("==", c, inner(w, v) * known(p)))
    return Claim(s, steps, {"w": [[2], [0]], "v": [[3], [0]], "q": [[1], [0]], "a": 2, "b": 3}, {"d1": 2})


def parallel() -> Claim:
    """Parallel, w = a q with |q| = 1 and a > 0: v = (q, v) q, so that the pair is literally aligned."""
    w, v, q = _vectors()
    a = Symbol("a")
    first, length, p = w - a * q, norm2(q) - 1, area(w, v)
    then = v - q * q.T * v
    # 0 = (w v^T - v w^T) q = a (q v^T q - v |q|^2) + ...
    by = known(first) * v.T * q - v * known(first).T * q - known(p) * q - a * known(length) * v
    given = (greater(a), equal(first), equal(length), equal(p))
    s = Statement(f"{NAME}.parallel", (w, v, q, a), given, (equal(then),))
    return Claim(s, (prove("==", then, by, known(a)),), {"w": [[2], [0]], "v": [[3], [0]], "q": [[1], [0]], "a": 2}, {"d1": 2})


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(rank, SIZES)
    yield from (factorised(), on_a_line(), parallel())


def weak_is_literal() -> Statement:
    """False: commuting layers of widths (1, 2, 1) are parallel."""
    w, v = MatrixSymbol("w", 2, 1), MatrixSymbol("v", 2, 1)
    return Statement(f"{NAME}.weak_is_literal", (w, v), (Commute(w * w.T, v * v.T),), (equal(area(w, v)),))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("rank [W_1 | W_2^T] <= max(d_0, d_2)", weak_is_literal(), {"w": [[1], [0]], "v": [[0], [1]]})
    s = parallel().statement
    sized = Statement(s.name, s.variables, (s.given[1], s.given[2], s.given[3]), s.then, {"d1": 2})
    zero = {"w": [[0], [0]], "v": [[0], [1]], "q": [[1], [0]], "a": 0}
    yield Counterexample("W_1 not zero (q is then any unit vector)", sized, zero)


def variants() -> Iterator[Statement]:
    w, v = MatrixSymbol("w", 2, 1), MatrixSymbol("v", 2, 1)
    W, V = MatrixSymbol("W1", 3, 2), MatrixSymbol("W2", 2, 3)
    aligned = Commute(W * W.T, V.T * V)
    yield weak_is_literal()
    yield Statement("weak is orthogonal", (w, v), (Commute(w * w.T, v * v.T),), (equal(inner(w, v)),))
    yield Statement("rank alone", (W, V), tuple(map(equal, minors(W, V, 3))), (aligned,))
    yield Statement("smaller minors", (w, v), (equal(area(w, v)),), tuple(map(equal, minors(w, v.T, 1))))
    yield Statement("rank bound min", (W, V), tuple(map(equal, minors(W, V, 3))), tuple(map(equal, minors(W, V, 2))))


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-4",
    title="Literal alignment of two layers is weak alignment and a rank condition",
    form="iff",
    source="own derivation; alignment as in arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    note=(
        "Where a hidden layer is wider than both of its neighbours, commuting layers need not have rect-diagonal cores: "
        "W_1 = (1, 0)^T, W_2 = (0, 1). For max(d_0, d_2) > 1 the converse is not proved by the kernel: it is combinatorial, "
        "and counted out exactly over all barcodes with widths up to 5; so is the agreement of the notions elsewhere."
    ),
)
