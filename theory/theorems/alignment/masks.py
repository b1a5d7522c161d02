r"""Masked layers with common singular bases: the mask is a partial permutation.

Setting: the m x n matrices that vanish outside a given support (a mask); common singular bases as in
`alignment.simultaneous_svd`.

Hypotheses: none.

Conclusion: all matrices with this support have common singular bases if and only if the support has at most one entry in each
row and in each column.

Form: iff.

Scope of proof: all masks of size 2 x 2, 2 x 3, 3 x 2, 3 x 3. Sufficient: every support with one entry in each row or column
(its subsets included). Necessary: with the mask as a matrix of variables, the tests on the pairs \(m_{pq} E_{pq}\) force
\(m_{pq} m_{pr} = 0\) for \(q \ne r\), and the same in columns.

Why: \(E_{pq}^T E_{pr} = E_{qr}\) is not symmetric.

Sharpness: two entries in a row, or in a column, are two matrices without common bases.

Source: own derivation; masks are among the layer constraints of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

from sympy import MatrixSymbol

from theory import dag
from theory import subspaces as spaces
from theory.certificates import prove
from theory.dag import Node
from theory.expressions import lower
from theory.statement import Statement, equal
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.masks"
SIZES = ((2, 2), (2, 3), (3, 2), (3, 3))


def node_tests(A: Node, B: Node) -> tuple[Node, Node]:
    """A^T B - B^T A and A B^T - B A^T."""
    T, mul = dag.T, dag.mul
    return dag.sub(mul(T(A), B), mul(T(B), A)), dag.sub(mul(A, T(B)), mul(B, T(A)))


def common(space: Subspace, name: str) -> Claim:
    """Two general elements of the subspace pass both tests."""
    (A, a), (B, b) = space.general("a"), space.general("b")
    terms = node_tests(A, B)
    s = Statement(name, (*a, *b), (), tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", t, dag.zero(t.shape)) for t in terms))


def supports(rows: int, cols: int) -> Iterator[Subspace]:
    """The masks with one entry in every row (or in every column)."""
    for places in permutations(range(max(rows, cols)), min(rows, cols)):
        chosen = {(i, j) if rows <= cols else (j, i) for i, j in enumerate(places)}
        yield spaces.mask([[(i, j) in chosen for j in range(cols)] for i in range(rows)])


def sufficient(rows: int, cols: int) -> Iterator[Claim]:
    for k, space in enumerate(supports(rows, cols)):
        yield common(space, f"{NAME}.sufficient_{rows}x{cols}_{k}")


def necessary(rows: int, cols: int) -> Claim:
    """The tests on m_pq E_pq and m_pr E_pr (and in columns): the products m_pq m_pr vanish."""
    M = lower(MatrixSymbol("M", rows, cols))
    places = list(product(range(rows), range(cols)))
    pairs = [(p, q) for p, q in combinations(places, 2) if (p[0] == q[0]) != (p[1] == q[1])]
    part = {
        p: dag.mul(dag.entry(M, *p), dag.const([[int((i, j) == p) for j in range(cols)] for i in range(rows)])) for p in places
    }
    facts = {(p, q): node_tests(part[p], part[q])[p[0] != q[0]] for p, q in pairs}
    then = {(p, q): dag.mul(dag.entry(M, *p), dag.entry(M, *q)) for p, q in pairs}
    # A^T B - B^T A = m m' (E_qr - E_rq) in a row, A B^T - B A^T in a column
    at = {(p, q): (p[1], q[1]) if p[0] == q[0] else (p[0], q[0]) for p, q in pairs}
    steps = tuple(prove("==", x, dag.entry(dag.known(facts[k]), *at[k])) for k, x in then.items())
    s = Statement(f"{NAME}.necessary_{rows}x{cols}", (M,), tuple(map(equal, facts.values())), tuple(map(equal, then.values())))
    return Claim(s, steps, {"M": [[int(i == j) for j in range(cols)] for i in range(rows)]})


def claims() -> Iterator[Claim]:
    for size in SIZES:
        yield from sufficient(*size)
        yield necessary(*size)


def mask_statement(support: Sequence[Sequence[int]], words: str) -> Statement:
    return common(spaces.mask(support), f"{NAME}: {words}").statement


def first_and_second(s: Statement) -> dict[str, int]:
    """A the first matrix of the basis, B the second."""
    at = {str(v.data[0]): 0 for v in s.variables}
    return at | {"a1": 1, "b2": 1}


def sharpness() -> Iterator[Counterexample]:
    for support, words in (([[1, 1]], "one entry in each row"), ([[1], [1]], "one entry in each column")):
        s = mask_statement(support, words)
        yield Counterexample(words, s, first_and_second(s))


def variants() -> Iterator[Statement]:
    bad = {
        "full": [[1, 1], [1, 1]], "lower triangular": [[1, 0], [1, 1]], "a row": [[1, 1], [0, 0]], "a column": [[0, 1], [0, 1]],
        "tridiagonal": [[1, 1, 0], [1, 1, 1], [0, 1, 1]], "one entry too many": [[1, 0, 0], [0, 1, 0], [0, 1, 1]],
        "rectangular": [[1, 0, 1], [0, 1, 0]],
    }  # fmt: skip
    yield from (mask_statement(support, words) for words, support in bad.items())


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A random partial permutation of the given size."""
    rows, cols = widths
    order = list(range(cols))
    for i in reversed(range(1, cols)):
        j = draw.integer(0, i)
        order[i], order[j] = order[j], order[i]
    support = [[int(i < cols and order[i] == j and draw.integer(0, 3) > 0) for j in range(cols)] for i in range(rows)]
    support[0] = [int(order[0] == j) for j in range(cols)]
    s = mask_statement(support, "sample")
    return Instance(s, {str(v.data[0]): draw.scalar() for v in s.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-2",
    title="Masked layers have common singular bases iff the mask is a partial permutation",
    form="iff",
    source=f"own derivation; layer constraints as in {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((4, 4), (3, 5)),
    supported_at=((8, 8),),
)
