r"""Matrices with common singular bases: a finite test.

Setting: a linear space T of m x n matrices; T is contained in \(\{Q D V^T : D \text{ rect-diagonal}\}\) for some orthogonal
Q, V.

Hypotheses: none; rectangular matrices, repeated and zero singular values included.

Conclusion: this holds if and only if \(A^T B\) and \(A B^T\) are symmetric for all A, B in a basis of T.

Form: iff, a finite test on a basis.

Scope of proof: necessary at all widths for equal widths, and at 1 x 2, 2 x 1, 2 x 3, 3 x 2, 3 x 3; the test on a basis at all
widths for dimensions 2 and 3. Sufficient in its steps, each at all widths: the matrices \(A^T B\) commute with each other; on
a joint eigenvector v of \(A^T A, A^T B, B^T B\) with \(A v \ne 0\), \(B v\) is a multiple of \(A v\); orthogonal eigenvectors
go to orthogonal vectors. That commuting symmetric matrices have a joint orthonormal eigenbasis is used as known.

Why: on a joint eigenspace all of T are multiples of one isometry.

Sharpness: each of the two conditions is needed: one row of two has \(A B^T\) symmetric, and no common bases.

Source: classical; own proof. Subspaces of layers as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, symbols

from theory.certificates import prove, vanishes
from theory.expressions import DiagonalPart, inner, known, norm2
from theory.statement import Condition, Statement, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.rewriting import both, rule, vanishing
from theory.theorems.alignment.setting import dim, literal_cores, orthogonal, table, unit
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.simultaneous_svd"


def tests(A: Any, B: Any) -> tuple[Expr, Expr]:
    """A^T B - B^T A and A B^T - B A^T."""
    return A.T * B - B.T * A, A * B.T - B * A.T


def symmetric(A: Any, B: Any) -> tuple[Condition, ...]:
    return tuple(map(equal, tests(A, B)))


def forward() -> Claim:
    """A = Q D V^T, B = Q E V^T with square diagonal D, E: both tests hold, at all widths."""
    n = dim("n")
    A, B, Q, V, X, Y = (MatrixSymbol(k, n, n) for k in "ABQVXY")
    values = [(A, Q * DiagonalPart(X) * V.T), (B, Q * DiagonalPart(Y) * V.T)]
    rules = [r for w, e in values for r in both((w,), e, w - e)]
    rules += [rule((q.T, q), Identity(n), unit(q)) for q in (Q, V)]
    given = (*(equal(unit(q)) for q in (Q, V)), *(equal(w - e) for w, e in values))
    s = Statement(f"{NAME}.forward", (A, B, Q, V, X, Y), given, symmetric(A, B))
    return Claim(s, tuple(vanishing(p, rules) for p in tests(A, B)), {k: table(2, 2) for k in "ABQVXY"}, {"n": 2})


def cores(rows: int, cols: int) -> Claim:
    """Rect-diagonal D, E: D^T E and D E^T are symmetric."""
    (D,) = literal_cores((cols, rows))
    E = D.xreplace({MatrixSymbol("X1", rows, rows): MatrixSymbol("X2", rows, rows)})
    names = (MatrixSymbol("X1", rows, rows), MatrixSymbol("X2", rows, rows))
    s = Statement(f"{NAME}.cores_{rows}x{cols}", names, (), symmetric(D, E))
    return Claim(s, tuple(prove("==", p, 0 * p) for p in tests(D, E)))


def on_basis(r: int) -> Claim:
    """The tests on all pairs of E_1, ..., E_r: they hold for all combinations."""
    E = [MatrixSymbol(f"E{i}", dim("m"), dim("n")) for i in range(1, r + 1)]
    a, b = symbols(f"a1:{r + 1}"), symbols(f"b1:{r + 1}")
    given = tuple(c for i in range(r) for j in range(i + 1, r) for c in symmetric(E[i], E[j]))
    A, B = (sum((c * M for c, M in zip(x[1:], E[1:], strict=True)), start=x[0] * E[0]) for x in (a, b))
    steps = []
    for k, p in enumerate(tests(A, B)):
        by = sum(
            ((a[i] * b[j] - a[j] * b[i]) * known(tests(E[i], E[j])[k]) for i in range(r) for j in range(i + 1, r)), start=0 * p
        )
        steps.append(prove("==", p, by))
    s = Statement(f"{NAME}.on_basis_{r}", (*E, *a, *b), given, symmetric(A, B))
    units = {M.name: table(r, r, lambda x, y, i=i: int(x == y == i)) for i, M in enumerate(E)}
    return Claim(s, tuple(steps), units | {str(x): 1 for x in (*a, *b)}, {"m": r, "n": r})


def commuting() -> Claim:
    """[A^T A, B^T B] = 0, and A^T A B^T B = (A^T B)^2."""
    A, B = (MatrixSymbol(k, dim("m"), dim("n")) for k in "AB")
    one, two = (known(t) for t in tests(A, B))
    square = A.T * A * B.T * B - A.T * B * A.T * B
    commutator = A.T * A * B.T * B - B.T * B * A.T * A
    steps = (
        prove("==", square, A.T * two * B),
        # (A^T B)^2 - (B^T A)^2, and (B^T A)^2 - B^T B A^T A
        prove("==", commutator, A.T * two * B + A.T * B * one + one * B.T * A + B.T * two * A),
    )
    s = Statement(f"{NAME}.commuting", (A, B), symmetric(A, B), (equal(square), equal(commutator)))
    return Claim(s, steps, {"A": table(2, 2), "B": [[1, 0], [0, 2]]}, {"m": 2, "n": 2})


def all_commuting() -> Claim:
    """A, B, C, D in T: A^T B and C^T D commute."""
    M = {k: MatrixSymbol(k, dim("m"), dim("n")) for k in "ABCD"}
    names = "ABCD"
    pairs = [(x, y) for i, x in enumerate(names) for y in names[i + 1 :]]
    given = tuple(c for x, y in pairs for c in symmetric(M[x], M[y]))
    A, B, C, D = M.values()

    def left(x: str, y: str) -> Expr:
        """The known zero x^T y - y^T x."""
        return known(tests(M[x], M[y])[0])

    def right(x: str, y: str) -> Expr:
        """The known zero x y^T - y x^T."""
        return known(tests(M[x], M[y])[1])

    p = A.T * B * C.T * D - C.T * D * A.T * B
    # A'BC'D = A'CB'D = C'AB'D = C'BA'D = C'B D'A ... = C'D B'A = C'D A'B
    by = A.T * right("B", "C") * D + left("A", "C") * B.T * D + C.T * right("A", "B") * D
    by += C.T * B * left("A", "D") + C.T * right("B", "D") * A - C.T * D * left("A", "B")
    s = Statement(f"{NAME}.all_commuting", tuple(M.values()), given, (equal(p),))
    return Claim(s, (prove("==", p, by),), {k: table(2, 2) for k in names}, {"m": 2, "n": 2})


def proportional() -> Claim:
    """A^T A v = a v, A^T B v = b v, B^T B v = c v, v != 0: a B v = b A v; and |A v|^2 = a |v|^2, (A u, A v) = a (u, v)."""
    m, n = dim("m"), dim("n")
    A, B = (MatrixSymbol(k, m, n) for k in "AB")
    u, v = (MatrixSymbol(k, n, 1) for k in "uv")
    a, b, c = symbols("a b c")
    eigen = [A.T * A * v - a * v, A.T * B * v - b * v, B.T * B * v - c * v]
    E, F, G = map(known, eigen)
    _, two = (known(t) for t in tests(A, B))
    one = known(tests(A, B)[0])
    gap = a * c - b**2
    whole = a * B * v - b * A * v
    square = A.T * A * B.T * B - A.T * B * A.T * B
    # (A^T A B^T B - (A^T B)^2) v = (a c - b^2) v up to known zeros; its inner product with v
    changed = A.T * A * G + c * E - A.T * B * F - b * F
    steps = (
        prove("==", square, A.T * two * B),
        prove("==", gap, inner(v, known(square) * v) - inner(v, changed), times=known(norm2(v))),
        vanishes(whole, -_norm(a, b, v, (E, F, G), one, known(gap))),
        prove("==", inner(A * u, A * v) - a * inner(u, v), inner(u, E)),
    )
    given = (*symmetric(A, B), *map(equal, eigen), greater(norm2(v)))
    then = (equal(whole), equal(inner(A * u, A * v) - a * inner(u, v)))
    s = Statement(f"{NAME}.proportional", (A, B, u, v, a, b, c), given, then)
    point = {"A": table(2, 2), "B": [[2, 0], [0, 1]], "u": [[0], [1]], "v": [[1], [0]], "a": 1, "b": 2, "c": 4}
    return Claim(s, steps, point, {"m": 2, "n": 2})


def _norm(a: Any, b: Any, v: Any, zeros: tuple[Any, Any, Any], one: Any, gap: Any) -> Expr:
    """|a B v - b A v|^2 = a^2 c |v|^2 - 2 a b^2 |v|^2 + b^2 a |v|^2 = a (a c - b^2) |v|^2 up to known zeros."""
    E, F, G = zeros
    return a**2 * inner(v, G) - 2 * a * b * inner(v, F) + b**2 * inner(v, E) + a * gap * norm2(v)


def claims() -> Iterator[Claim]:
    yield forward()
    yield from (cores(*size) for size in ((1, 2), (2, 1), (2, 3), (3, 2), (3, 3)))
    yield from map(on_basis, (2, 3))
    yield from (commuting(), all_commuting(), proportional())


def _half(k: int) -> Statement:
    """One of the tests gives the other."""
    A, B = (MatrixSymbol(x, 1, 2) if k else MatrixSymbol(x, 2, 1) for x in "AB")
    tested = symmetric(A, B)
    return Statement(f"{NAME}: test {k} alone", (A, B), (tested[k],), (tested[1 - k],))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("A^T B symmetric", _half(1), {"A": [[1, 0]], "B": [[0, 1]]})
    yield Counterexample("A B^T symmetric", _half(0), {"A": [[1], [0]], "B": [[0], [1]]})
    s = commuting().statement
    at = {"A": [[1, 0], [0, 0]], "B": [[1, 1], [0, 0]]}
    yield Counterexample("the tests, for the squares", replace(s, given=s.given[1:], sizes={"m": 2, "n": 2}), at)
    p = proportional().statement
    point = {"A": [[1, 0], [0, 0]], "B": [[0, 0], [1, 0]], "u": [[0], [0]], "v": [[1], [0]], "a": 1, "b": 0, "c": 1}
    yield Counterexample(
        "A B^T symmetric, for eigenvectors", replace(p, given=(p.given[0], *p.given[2:]), sizes={"m": 2, "n": 2}), point
    )


def variants() -> Iterator[Statement]:
    A, B = (MatrixSymbol(k, 2, 2) for k in "AB")
    yield from (_half(k) for k in (0, 1))
    yield Statement(f"{NAME}: the matrices commute", (A, B), symmetric(A, B), (equal(A * B - B * A),))
    yield Statement(f"{NAME}: the products vanish", (A, B), symmetric(A, B), (equal(A.T * B),))
    yield Statement(f"{NAME}: symmetric matrices", (A, B), symmetric(A, B), (equal(A - A.T),))
    yield Statement(f"{NAME}: wrong transposes", (A, B), symmetric(A, B), (equal(A * B - B.T * A.T),))
    yield Statement(f"{NAME}: any matrices", (A, B), (), symmetric(A, B))
    yield Statement(f"{NAME}: proportional", (A, B), symmetric(A, B), (equal(A[0, 0] * B[1, 1] - A[1, 1] * B[0, 0]),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Two matrices with common singular bases."""
    m, n = widths
    A, B = (MatrixSymbol(k, m, n) for k in "AB")
    (D,) = literal_cores((n, m))
    X, Y = MatrixSymbol("X1", m, m), MatrixSymbol("X2", m, m)
    values: dict[str, Any] = {"Q": orthogonal(draw, m), "V": orthogonal(draw, n)}
    values |= {k: draw.matrix(m, m) for k in ("X1", "X2")}
    Q, V = MatrixSymbol("Q", m, m), MatrixSymbol("V", n, n)
    values |= {k: draw.value(Q * core * V.T, values) for k, core in (("A", D), ("B", D.xreplace({X: Y})))}
    return Instance(Statement(f"{NAME}.sample", (A, B), (), symmetric(A, B)), {k: values[k] for k in "AB"})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-1",
    title="Common singular bases of a space of matrices: a finite test",
    form="iff",
    source=f"classical, own proof; subspaces of layers as in {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (2, 3), (3, 2)),
    supported_at=((4, 6), (10, 10)),
)
