r"""Lower-triangular Toeplitz layers have no common singular bases, except multiples of one matrix.

Setting: causal convolutions with zero padding, \(A = \sum_l a_l N^l\), \(B = \sum_l b_l N^l\) of size k x k, N the lower
shift.

Hypotheses: \(A^T B\) is symmetric (a part of the test of `alignment.simultaneous_svd`).

Conclusion: \(a_p b_q = a_q b_p\) for all p, q: A and B are proportional, so every space of such matrices with common singular
bases has dimension at most one.

Form: identity, for every k.

Scope of proof: k = 2 to 8.

Why: with \(m_{pq} = a_p b_q - a_q b_p\), the entry (i, j) of \(A^T B - B^T A\) is \(\sum_{l \ge j} m_{l-i, l-j}\), so that
\(m_{pq} = (A^T B - B^T A)_{k-1-p,\,k-1-q} - (A^T B - B^T A)_{k-p,\,k-q}\), with zero for the index k: linear, nilpotent A
included.

Sharpness: banded Toeplitz matrices that are not triangular can have common bases: symmetric tridiagonal ones.

Source: own derivation; zero-padded convolutions are among the layer constraints of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from theory import dag
from theory import subspaces as spaces
from theory.certificates import prove
from theory.dag import Node
from theory.statement import Statement, equal
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.masks import node_tests
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.toeplitz_rigidity"


def _minors(a: Sequence[Node], b: Sequence[Node]) -> dict[tuple[int, int], Node]:
    """a_p b_q - a_q b_p for p > q."""
    n = len(a)
    pairs = ((p, q) for p in range(n) for q in range(p))
    return {(p, q): dag.sub(dag.mul(a[p], b[q]), dag.mul(a[q], b[p])) for p, q in pairs}


def rigid(k: int) -> Claim:
    """A^T B symmetric: all minors vanish."""
    space = spaces.lower_toeplitz(k)
    (A, a), (B, b) = space.general("a"), space.general("b")
    fact = node_tests(A, B)[0]
    zero = dag.known(fact)

    def place(p: int, q: int) -> Node:
        inner = dag.entry(zero, k - 1 - p, k - 1 - q)
        return dag.sub(inner, dag.entry(zero, k - p, k - q)) if q else inner

    steps = tuple(prove("==", x, place(p, q)) for (p, q), x in _minors(a, b).items())
    s = Statement(f"{NAME}.lower_toeplitz_{k}", (*a, *b), (equal(fact),), tuple(equal(x) for x in _minors(a, b).values()))
    return Claim(s, steps, {str(v.data[0]): 1 for v in (*a, *b)})


def claims() -> Iterator[Claim]:
    yield from map(rigid, range(2, 9))


def of(space: Subspace, words: str, hypothesis: bool = True) -> Statement:
    """That two elements of the subspace that pass both tests are proportional."""
    (A, a), (B, b) = space.general("a"), space.general("b")
    given = tuple(map(equal, node_tests(A, B))) if hypothesis else ()
    return Statement(f"{NAME}: {words}", (*a, *b), given, tuple(equal(x) for x in _minors(a, b).values()))


TRIDIAGONAL = {"a1": 1, "a2": 0, "b1": 0, "b2": 1}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("triangular", of(spaces.symmetric_toeplitz(3, 1), "symmetric tridiagonal Toeplitz"), TRIDIAGONAL)
    free = of(spaces.lower_toeplitz(2), "without a test", hypothesis=False)
    yield Counterexample("A^T B symmetric", free, TRIDIAGONAL)


def variants() -> Iterator[Statement]:
    rigid_not = [
        spaces.symmetric_toeplitz(3, 1),
        spaces.symmetric_toeplitz(2),
        spaces.symmetric_circulant(4),
        spaces.diagonal(2),
    ]
    yield from (of(space, space.name) for space in (*rigid_not, spaces.circulant(2), spaces.toeplitz(2), spaces.symmetric(2)))
    yield of(spaces.lower_toeplitz(3), "without a test", hypothesis=False)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Proportional elements: the hypothesis and the conclusion at large k."""
    k = widths[0]
    s = rigid(k).statement
    values = {f"a{i}": draw.scalar() for i in range(1, k + 1)} | {"t": draw.scalar()}
    multiples = {f"b{i}": draw.value(dag.mul(dag.var("t"), dag.var(f"a{i}")), values) for i in range(1, k + 1)}
    return Instance(s, {n: v for n, v in (values | multiples).items() if n != "t"})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-6",
    title="Lower-triangular Toeplitz layers with common singular bases are proportional",
    form="identity, for every size",
    source=f"own derivation; layer constraints as in {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((5, 5), (10, 10)),
    supported_at=((12, 12),),
)
