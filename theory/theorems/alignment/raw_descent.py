r"""When descent on raw coordinates is projected descent with another step size: if and only if the Gram matrix is c I.

Setting: linearly independent matrices E_1, ..., E_r with Gram matrix \(\Gamma\); raw descent moves W by
\(-\eta \sum_j \langle E_j, G\rangle E_j\), projected descent with the step \(c \eta\) by \(-c \eta \,\mathrm{Proj}\, G\).

Hypotheses: linear independence (\(\Gamma R = I\) for some R).

Conclusion: the two agree for every G if and only if \(\Gamma = c I\). In one dimension: circulant filters of length k have
\(\Gamma = k I\) (raw filter descent is projected descent with k times the step), lower-triangular Toeplitz filters have
\(\Gamma = \mathrm{diag}(k, k-1, \dots, 1)\), no multiple of I for k >= 2.

Form: iff.

Scope of proof: all widths, r = 1 to 3; the r matrices G = E_k decide. Gram matrices: k = 2 to 6 for circulant, skew-circulant
and lower Toeplitz layers, 2 x 2 and 2 x 3 tori, complex numbers and quaternions.

Why: at G = E_k the difference is \(\sum_j (\Gamma_{jk} - c\,\delta_{jk}) E_j\).

Sharpness: linear independence is needed; lower Toeplitz 2 x 2, W = I, G = [[1,0],[1,0]], eta = 1/10: raw
[[9/10,0],[-1/10,9/10]], projected [[19/20,0],[-1/10,19/20]].

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr, Symbol

from theory import dag
from theory import subspaces as spaces
from theory.certificates import Step, prove
from theory.expressions import inner, known
from theory.statement import Statement, equal
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.preconditioned_descent import gradient_of
from theory.theorems.alignment.projections import Basis
from theory.theorems.alignment.setting import table
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.raw_descent"
SCALE = Symbol("c")


def sufficient(r: int) -> Claim:
    """Gamma = c I: <E_k, c G - sum <E_j, G> E_j> = 0, so the sum is c Proj G."""
    b = Basis(r)
    G = gradient_of(b)
    rest = [inner(E, SCALE * G - b.folded(G)) for E in b.E]
    z = b.readings(G)
    steps = (prove("==", x, -sum(b.zero(k, j, SCALE) * z[j] for j in range(r))) for k, x in enumerate(rest))
    s = Statement(f"{NAME}.sufficient_{r}", (*b.E, G, SCALE), b.orthonormal(SCALE), tuple(map(equal, rest)))
    point = {E.name: [[2 * int(i == j) for i in range(r)]] for j, E in enumerate(b.E)}
    return Claim(s, tuple(steps), point | {"G": table(1, r, lambda i, j: j), "c": 4}, {"m": 1, "n": r})


def difference(b: Basis, k: int) -> Expr:
    """sum_j <E_j, E_k> E_j - c E_k: raw minus projected descent at G = E_k."""
    return b.element([b.gram(j, k) - SCALE * int(j == k) for j in range(b.size)])


def necessary(r: int) -> Claim:
    """The difference vanishes at G = E_1, ..., E_r: Gamma = c I."""
    b = Basis(r)
    given = (*b.invertible(), *(equal(difference(b, k)) for k in range(r)))
    s = Statement(f"{NAME}.necessary_{r}", (*b.E, *b.entries_of_R, SCALE), given, b.orthonormal(SCALE))
    point = {E.name: [[2 * int(i == j) for i in range(r)]] for j, E in enumerate(b.E)} | {"c": 4}
    point |= {b.R[i][j].name: "1/4" if i == j else 0 for i in range(r) for j in range(i, r)}
    return Claim(s, tuple(_steps(b)), point, {"m": 1, "n": r})


def _steps(b: Basis) -> Iterator[Step]:
    """x = R Gamma x, where Gamma x = (<E_i, difference>)_i and Gamma R = I (R Gamma is its transpose)."""
    r = range(b.size)
    for (i, k), x in b.scaled(SCALE).items():
        column = [b.gram(j, k) - SCALE * int(j == k) for j in r]
        applied = sum(b.R[i][j] * inner(b.E[j], known(difference(b, k))) for j in r)
        yield prove("==", x, applied - sum(known(b.inverse(j, i)) * column[j] for j in r))


SCALED = [
    *((f(k), k) for f in (spaces.circulant, spaces.skew_circulant) for k in range(2, 7)),
    (spaces.circulant_2d(2, 2), 4), (spaces.circulant_2d(2, 3), 6), (spaces.complex_numbers(), 2), (spaces.quaternions(), 4),
]  # fmt: skip


def length(space: Subspace, weights: Sequence[int]) -> Claim:
    """|W|^2 = sum_j weight_j theta_j^2: the Gram matrix is diagonal with these weights."""
    W, theta = space.general("theta")
    total = dag.add(*(dag.lin((n, dag.power(t, 2))) for n, t in zip(weights, theta, strict=True)))
    rest = dag.sub(dag.tr(dag.mul(dag.T(W), W)), total)
    s = Statement(f"{NAME}.gram: {space.name}", theta, (), (equal(rest),))
    return Claim(s, (prove("==", rest, 0),))


def claims() -> Iterator[Claim]:
    yield from (f(r) for f in (sufficient, necessary) for r in range(1, 4))
    yield from (length(space, [k] * space.dim) for space, k in SCALED)
    yield from (length(spaces.lower_toeplitz(k), range(k, 0, -1)) for k in range(2, 7))


def toeplitz_step() -> Statement:
    """That raw and projected descent agree for lower Toeplitz layers, at the step 1/10 and c = 1."""
    space = spaces.lower_toeplitz(2)
    G = dag.var("G", (2, 2))
    read = [dag.tr(dag.mul(dag.T(dag.const(E)), G)) for E in space.basis]
    return Statement(f"{NAME}: lower Toeplitz", (G,), (), (equal(dag.sub(space.element(read), space.projected(G))),))


def _of_gram(space: Subspace) -> Statement:
    """|W|^2 = c |theta|^2 for some one c: at the c of the first matrix."""
    W, theta = space.general("theta")
    total = dag.lin(*((space.gram[0][0], dag.power(t, 2)) for t in theta))
    return Statement(f"{NAME}: {space.name}", theta, (), (equal(dag.sub(dag.tr(dag.mul(dag.T(W), W)), total)),))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("Gamma = c I", toeplitz_step(), {"G": [[1, 0], [1, 0]]})
    b = Basis(2, 1, 1)
    s = Statement(
        f"{NAME}: dependent matrices", (*b.E, SCALE), tuple(equal(difference(b, k)) for k in range(2)), b.orthonormal(SCALE)
    )
    yield Counterexample("linear independence", s, {"E1": [[1]], "E2": [[1]], "c": 2})


def variants() -> Iterator[Statement]:
    yield toeplitz_step()
    yield from (_of_gram(f(3)) for f in (spaces.lower_toeplitz, spaces.toeplitz, spaces.hankel, spaces.symmetric_toeplitz))
    yield _of_gram(spaces.symmetric_circulant(4))
    yield length(spaces.circulant(3), [1] * 3).statement
    b = Basis(2, 1, 2)
    G = gradient_of(b)
    rest = inner(b.E[0], SCALE * G - b.folded(G))
    yield Statement(f"{NAME}: orthogonal matrices", (*b.E, G, SCALE), (equal(b.gram(0, 1)), equal(b.gram(0, 0), SCALE)),
                    (equal(inner(b.E[1], SCALE * G - b.folded(G))),))  # fmt: skip
    yield Statement(f"{NAME}: any c", (*b.E, G, SCALE), b.orthonormal(), (equal(rest),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """|W|^2 = k |theta|^2 for circulant layers of the given size."""
    claim = length(spaces.circulant(widths[0]), [widths[0]] * widths[0])
    return Instance(claim.statement, {str(v.data[0]): draw.scalar() for v in claim.statement.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="PROJ-3",
    title="Descent on raw coordinates is projected descent iff the Gram matrix is c I",
    form="iff",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((7, 7), (12, 12)),
    supported_at=((16, 16),),
    note="'Gradient descent is projected descent' holds for filters on a circle (k times the step), not for zero padding.",
)
