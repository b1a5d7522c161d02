r"""Constrained pairs of layers that are always aligned: a finite test, and its table.

Setting: W_1 in a linear subspace S_1, W_2 in S_2; weak alignment of the pair is \([W_2^T W_2, W_1 W_1^T] = 0\)
(`alignment.two_layers`).

Hypotheses: none.

Conclusion: every pair is weakly aligned if and only if \([E^T F + F^T E, A B^T + B A^T] = 0\) for all pairs A, B of a basis
of S_1 and E, F of a basis of S_2. With S_1 = S_2 always aligned are: diagonal, permuted diagonal, circulant, 2-D circulant,
skew-circulant, symmetric circulant, symmetric tridiagonal Toeplitz, symmetric Toeplitz 2 x 2, complex, quaternion. Not
always: full, lower triangular, symmetric, skew (k = 3), Toeplitz, tridiagonal Toeplitz, lower Toeplitz, symmetric Toeplitz (k
= 3), Hankel, circulant with 2 channels. Common singular bases of all layers (`alignment.simultaneous_svd`), hence fixed ones
for every data set, have: diagonal, permuted diagonal, symmetric circulant, circulant 2 x 2, symmetric tridiagonal Toeplitz,
symmetric Toeplitz 2 x 2; not: circulant k >= 3, skew-circulant, complex, quaternion.

Form: iff, a finite exact test; a table.

Scope of proof: the test at all widths for dimensions 1 and 2; the table at the sizes named in each statement, k up to 6 for
one dimension; its negative half by exact pairs.

Why: the commutator is bilinear in the two quadratic maps \(W_2 \mapsto W_2^T W_2\), \(W_1 \mapsto W_1 W_1^T\): polarise.

Sharpness: every negative entry of the table has an exact pair.

Source: own derivation; layer constraints as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from sympy import Expr, MatrixSymbol, Rational, symbols

from theory import dag
from theory import subspaces as spaces
from theory.algebra import evaluate
from theory.algebras.rational import Rational as Exact
from theory.certificates import prove
from theory.dag import Node
from theory.expressions import known
from theory.statement import Statement, equal
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.masks import common, node_tests
from theory.theorems.alignment.setting import commutator, dim, table
from theory.theorems.alignment.training import SOURCE, misalignment

NAME = "alignment.aligned_pairs"

ALIGNED: list[Subspace] = [
    *(spaces.diagonal(k) for k in (2, 3, 4)), *(spaces.permuted_diagonal(k) for k in (2, 3, 4)),
    *(spaces.circulant(k) for k in (2, 3, 4, 5, 6)), spaces.circulant_2d(2, 2), spaces.circulant_2d(2, 3),
    *(spaces.skew_circulant(k) for k in (2, 3, 4, 5)), *(spaces.symmetric_circulant(k) for k in (3, 4, 5, 6)),
    *(spaces.symmetric_toeplitz(k, 1) for k in (2, 3, 4, 5, 6)), spaces.complex_numbers(), spaces.quaternions(),
]  # fmt: skip
UNALIGNED: list[Subspace] = [
    spaces.full(2, 2), spaces.full(3, 3), spaces.lower_triangular(2), spaces.symmetric(2), spaces.skew(3), spaces.toeplitz(2),
    spaces.toeplitz(3), spaces.banded_toeplitz(3), *(spaces.lower_toeplitz(k) for k in (2, 3, 4)), spaces.symmetric_toeplitz(3),
    spaces.hankel(2), spaces.hankel(3), spaces.block_circulant(2, 2), spaces.block((1, 2)),
]  # fmt: skip
COMMON: list[Subspace] = [
    *(spaces.diagonal(k) for k in (2, 3, 4)), *(spaces.permuted_diagonal(k) for k in (2, 3, 4)), spaces.circulant(2),
    *(spaces.symmetric_circulant(k) for k in (3, 4, 5, 6)), *(spaces.symmetric_toeplitz(k, 1) for k in (2, 3, 4, 5, 6)),
]  # fmt: skip
NOT_COMMON: list[Subspace] = [
    *(spaces.circulant(k) for k in (3, 4, 5)), *(spaces.skew_circulant(k) for k in (2, 3, 4)), spaces.complex_numbers(),
    spaces.quaternions(),
]  # fmt: skip


# -- the test -----------------------------------------------------------------------------------------------------------


def _polar(E: Any, F: Any, A: Any, B: Any) -> Expr:
    """[E^T F + F^T E, A B^T + B A^T]."""
    return commutator(E.T * F + F.T * E, A * B.T + B * A.T)


def _family(name: str, r: int, rows: str, cols: str) -> list[MatrixSymbol]:
    return [MatrixSymbol(f"{name}{i}", dim(rows), dim(cols)) for i in range(1, r + 1)]


def _mix(c: Sequence[Any], M: Sequence[Any]) -> Expr:
    out = c[0] * M[0]
    for x, y in zip(c[1:], M[1:], strict=True):
        out = out + x * y
    return out


def _pairs(r: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(r) for j in range(i, r)]


def sufficient(r: int) -> Claim:
    """The test on a basis: all combinations are aligned."""
    A, E = _family("A", r, "d1", "d0"), _family("E", r, "d2", "d1")
    a, e = symbols(f"a1:{r + 1}"), symbols(f"e1:{r + 1}")
    W1, W2 = _mix(a, A), _mix(e, E)
    facts = {(p, q): _polar(E[p[0]], E[p[1]], A[q[0]], A[q[1]]) for p in _pairs(r) for q in _pairs(r)}
    weight: Any = lambda c, p: c[p[0]] * c[p[1]] * (Rational(1, 2) if p[0] == p[1] else 1)  # noqa: E731
    rest = commutator(W2.T * W2, W1 * W1.T)
    by = sum((weight(e, p) * weight(a, q) * known(f) for (p, q), f in facts.items()), start=0 * rest)
    s = Statement(f"{NAME}.sufficient_{r}", (*A, *E, *a, *e), tuple(map(equal, facts.values())), (equal(rest),))
    point = {M.name: table(2, 2, lambda i, j, k=k: int(i == j == k)) for F in (A, E) for k, M in enumerate(F)}
    return Claim(s, (prove("==", rest, by),), point | {str(x): 1 for x in (*a, *e)}, {"d0": 2, "d1": 2, "d2": 2})


def necessary() -> Claim:
    """The pairs of A, B, A + B and E, F, E + F are aligned: the test of A, B with E, F."""
    (A, B), (E, F) = _family("A", 2, "d1", "d0"), _family("E", 2, "d2", "d1")
    pair = {(i, j): commutator(w.T * w, v * v.T) for i, w in enumerate((E, F, E + F)) for j, v in enumerate((A, B, A + B))}
    sign = (-1, -1, 1)
    rest = _polar(E, F, A, B)
    by = sum((sign[i] * sign[j] * known(x) for (i, j), x in pair.items()), start=0 * rest)
    s = Statement(f"{NAME}.necessary", (A, B, E, F), tuple(map(equal, pair.values())), (equal(rest),))
    point = {M.name: table(2, 2) for M in (A, B, E, F)}
    return Claim(s, (prove("==", rest, by),), point, {"d0": 2, "d1": 2, "d2": 2})


# -- the table ----------------------------------------------------------------------------------------------------------


def _pair(space: Subspace) -> tuple[tuple[Node, ...], Node]:
    """(coordinates, [W_2^T W_2, W_1 W_1^T]) of two general layers."""
    (W1, a), (W2, b) = space.general("a"), space.general("b")
    return (*a, *b), misalignment((W1, W2))


def always(space: Subspace) -> Claim:
    names, rest = _pair(space)
    s = Statement(f"{NAME}.always: {space.name}", names, (), (equal(rest),))
    return Claim(s, (prove("==", rest, dag.zero(rest.shape)),))


def claims() -> Iterator[Claim]:
    yield from map(sufficient, (1, 2))
    yield necessary()
    yield from map(always, ALIGNED)
    yield from (common(space, f"{NAME}.common bases: {space.name}") for space in COMMON)


def _first(names: Sequence[Node], rest: Sequence[Node]) -> dict[str, int] | None:
    """The first point, with at most two coordinates 1 in each layer, at which a term does not vanish."""
    n = len(names) // 2
    chosen = [tuple(int(k in (i, j)) for k in range(n)) for i in range(n) for j in range(i, n)]
    for c in product(chosen, repeat=2):
        point = {str(v.data[0]): x for v, x in zip(names, (*c[0], *c[1]), strict=True)}
        env = {k: Exact().num(Fraction(x)) for k, x in point.items()}
        if any(any(m.entries()) for m in evaluate(list(rest), Exact(), env)):
            return point
    return None


def sharpness() -> Iterator[Counterexample]:
    """One exact pair for each negative entry."""
    for space in UNALIGNED:
        names, rest = _pair(space)
        s = Statement(f"{NAME}.always: {space.name}", names, (), (equal(rest),))
        yield Counterexample(f"not always aligned: {space.name}", s, _first(names, [rest]) or {})
    for space in NOT_COMMON:
        (A, a), (B, b) = space.general("a"), space.general("b")
        tests = node_tests(A, B)
        s = Statement(f"{NAME}.common bases: {space.name}", (*a, *b), (), tuple(map(equal, tests)))
        yield Counterexample(f"no common bases: {space.name}", s, _first((*a, *b), tests) or {})


def variants() -> Iterator[Statement]:
    """False: the negative entries of the table as theorems."""
    yield from (c.statement for c in sharpness())


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Two random circulant layers of the given size."""
    s = always(spaces.circulant(widths[0])).statement
    return Instance(s, {str(v.data[0]): draw.scalar() for v in s.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-4",
    title="Constrained pairs of layers that are always aligned: test and table",
    form="iff, a finite exact test",
    source=f"own derivation; layer constraints as in {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((7, 7), (8, 8)),
    supported_at=((9, 9),),
    note=(
        "'Alignment is impossible for constrained layers' is false for the constraints of the first list: for "
        "single-channel circular convolutions every network is weakly aligned (alignment.circulant_layers)."
    ),
)
