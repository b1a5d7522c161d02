r"""One step of a constrained layer: the data for which it keeps its bases are an affine space of known codimension.

Setting: layer i lies in a linear subspace S_i and, with the chosen orthogonal bases, in \(D = \{Q_i \,\mathrm{diag}\,
Q_{i-1}^T\}\); \(L = W_{N:i+1}\), \(R = W_{i-1:1} X\); one projected step, \(\eta \ne 0\).

Hypotheses: \(L B R = 0\) for B in S_i only if B = 0 (L with a left inverse and R with a right inverse suffice).

Conclusion: the Y for which the layer stays in D are an affine subspace of codimension \(\dim S_i - \dim (S_i \cap D)\). So
either S_i lies in D, and alignment is trivial for all Y, or almost every Y breaks it in the first step.

Form: exact codimension.

Scope of proof: \(\langle B, G_i \rangle = \langle L B R, PX - Y \rangle\) at all widths, depth 2 and 3; injectivity from
one-sided inverses, and with it the independence of two conditions, at all widths; that the step stays in D if and only if
\(\langle B, G\rangle = 0\) for the part of a basis outside D: 14 subspaces, in the coordinates of the bases.

Why: the conditions are affine in Y, with linear parts \(L B R\), independent by the hypothesis.

Sharpness: if L loses a direction, an element of S_i is invisible. For layers with repeated singular values the statement is
about the chosen bases only. S_i = all matrices breaks alignment as well: k^2 - k conditions.

Source: announced in arXiv:2003.06340 ('sufficiently large data set'); form and proof are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import Identity, MatrixSymbol, symbols

from theory import dag
from theory import subspaces as spaces
from theory.certificates import prove
from theory.expressions import inner, known, norm2
from theory.statement import Statement, equal, greater
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.setting import dim, table, widths_of
from theory.theorems.alignment.training import SOURCE, Training, identity

NAME = "alignment.constrained_step"
SPACES: list[Subspace] = [
    spaces.full(2, 2), spaces.full(3, 3), spaces.toeplitz(3), spaces.lower_toeplitz(3), spaces.banded_toeplitz(3),
    spaces.circulant(3), spaces.circulant(4), spaces.skew_circulant(3), spaces.diagonal(3), spaces.quaternions(),
    spaces.symmetric(3), spaces.symmetric_toeplitz(3), spaces.lower_triangular(3), spaces.block((1, 2)),
]  # fmt: skip


def adjoint(depth: int, i: int) -> Claim:
    """<B, G_i> = <W_{N:i+1} B W_{i-1:1} X, P X - Y>."""
    net = Training(widths_of(depth))
    B = MatrixSymbol("B", net.dim(i), net.dim(i - 1))
    image = net.between(depth, i) * B * net.between(i - 1, 0) * net.X
    term = net.trained(inner(B, net.gradient(i)) - inner(image, net.product * net.X - net.Y))
    return identity(f"{NAME}.adjoint_{depth}_{i}", (*net.variables, B), [term])


def injective() -> Claim:
    """K L = I, R J = I and L B R = 0: B = 0."""
    m, n = dim("d1"), dim("d0")
    B, L, K = MatrixSymbol("B", m, n), MatrixSymbol("L", dim("d2"), m), MatrixSymbol("K", m, dim("d2"))
    R, J = MatrixSymbol("R", n, dim("n")), MatrixSymbol("J", dim("n"), n)
    left, right, none = K * L - Identity(m), R * J - Identity(n), L * B * R
    by = K * known(none) * J - known(left) * B * R * J - B * known(right)
    s = Statement(f"{NAME}.injective", (B, L, K, R, J), tuple(map(equal, (left, right, none))), (equal(B),))
    point = {"B": [[0, 0], [0, 0]]} | {x: table(2, 2) for x in "LKRJ"}
    return Claim(s, (prove("==", B, by),), point, {"d0": 2, "d1": 2, "d2": 2, "n": 2})


def independent() -> Claim:
    """B_1, B_2 orthogonal and not 0: x_1 L B_1 R + x_2 L B_2 R = 0 only if x = 0."""
    m, n = dim("d1"), dim("d0")
    B = [MatrixSymbol(f"B{i}", m, n) for i in (1, 2)]
    L, K = MatrixSymbol("L", dim("d2"), m), MatrixSymbol("K", m, dim("d2"))
    R, J = MatrixSymbol("R", n, dim("n")), MatrixSymbol("J", dim("n"), n)
    x = symbols("x1 x2")
    left, right, cross = K * L - Identity(m), R * J - Identity(n), inner(*B)
    whole = x[0] * B[0] + x[1] * B[1]
    none = L * whole * R
    by = K * known(none) * J - known(left) * whole * R * J - whole * known(right)
    given = (*map(equal, (left, right, none, cross)), *(greater(norm2(M)) for M in B))
    zero = known(whole)
    steps = [prove("==", whole, by)]
    steps += [prove("==", x[i], inner(B[i], zero) - x[1 - i] * known(cross), times=known(norm2(B[i]))) for i in (0, 1)]
    s = Statement(f"{NAME}.independent", (*B, L, K, R, J, *x), given, tuple(map(equal, x)))
    point = {"B1": table(2, 2), "B2": [[0, 1], [-1, 0]], "x1": 0, "x2": 0} | {k: table(2, 2) for k in "LKRJ"}
    return Claim(s, tuple(steps), point, {"d0": 2, "d1": 2, "d2": 2, "n": 2})


def outside(space: Subspace) -> list[dag.Node]:
    """The basis of the part of the subspace that is orthogonal to the diagonal matrices in it."""
    off = [E for E in space.basis if any(x for i, row in enumerate(E) for j, x in enumerate(row) if i != j)]
    if any(E[i][i] for E in off for i in range(min(space.shape))):
        raise ValueError(f"{space.name}: a pattern that ties diagonal entries to others")
    return [dag.const(E) for E in off]


def stays(space: Subspace) -> Iterator[Claim]:
    """Proj G is diagonal if and only if <B, G> = 0 for the B outside."""
    rows, cols = space.shape
    G, B = dag.var("G", (rows, cols)), outside(space)
    moved = space.projected(G)
    readings = [dag.tr(dag.mul(dag.T(E), G)) for E in B]
    off = dag.sub(moved, dag.diag(moved))
    parts = (
        dag.mul(dag.num(1 / spaces.inner(E.data[0], E.data[0])), dag.known(x), E) for E, x in zip(B, readings, strict=True)
    )
    rest = dag.add(dag.zero((rows, cols)), *parts)
    point = {"G": table(rows, cols)}
    s = Statement(f"{NAME}.stays_if: {space.name}", (G,), tuple(map(equal, readings)), (equal(off),))
    yield Claim(s, (prove("==", off, rest),), point)
    if B:
        back = tuple(prove("==", x, dag.tr(dag.mul(dag.T(E), dag.known(off)))) for E, x in zip(B, readings, strict=True))
        yield Claim(Statement(f"{NAME}.only_if: {space.name}", (G,), (equal(off),), tuple(map(equal, readings))), back, point)


def codimension(space: Subspace) -> int:
    """dim S - dim (S cap D), D the diagonal matrices."""
    return space.dim - spaces.intersection_dim(space, spaces.diagonal(*space.shape))


def claims() -> Iterator[Claim]:
    yield from (adjoint(depth, i) for depth in (2, 3) for i in range(1, depth + 1))
    yield from (injective(), independent())
    for space in SPACES:
        yield from stays(space)


ONES = {"d0": 1, "d1": 2, "d2": 1, "n": 1}


def sharpness() -> Iterator[Counterexample]:
    s = injective().statement
    at = {"B": [[0], [1]], "L": [[1, 0]], "K": [[1], [0]], "R": [[1]], "J": [[1]]}
    yield Counterexample("L with a left inverse", replace(s, given=s.given[1:], sizes=ONES), at)
    at = {"B": [[1]], "L": [[1]], "K": [[1]], "R": [[0]], "J": [[1]]}
    yield Counterexample("R with a right inverse", replace(s, given=(s.given[0], s.given[2]), sizes=dict.fromkeys(ONES, 1)), at)
    free = next(stays(spaces.circulant(3))).statement
    shift = {"G": [[0, 0, 1], [1, 0, 0], [0, 1, 0]]}
    yield Counterexample("the conditions on Y", replace(free, name=f"{NAME}: any data", given=()), shift)


def variants() -> Iterator[Statement]:
    for space in (spaces.full(2, 2), spaces.circulant(3), spaces.lower_toeplitz(3), spaces.symmetric(3)):
        first, second = stays(space)
        s = first.statement
        yield replace(s, name=f"{NAME}: one condition less: {space.name}", given=s.given[1:])
        yield replace(
            second.statement, name=f"{NAME}: the gradient itself: {space.name}", then=(equal(dag.var("G", space.shape)),)
        )
    s = independent().statement
    yield replace(s, name=f"{NAME}: dependent", given=(*s.given[:3], *s.given[4:]), sizes=dict.fromkeys(ONES, 1))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """<B, G_i> = <L B R, P X - Y> for random networks."""
    net = Training(tuple(widths), 3)
    B = MatrixSymbol("B", net.dim(1), net.dim(0))
    image = net.between(net.depth, 1) * B * net.X
    term = net.trained(inner(B, net.gradient(1)) - inner(image, net.product * net.X - net.Y))
    s = Statement(f"{NAME}.sample", (*net.variables, B), (), (equal(term),))
    return Instance(s, net.draw(draw) | {"B": draw.matrix(int(net.widths[1]), int(net.widths[0]))})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-3",
    title="One constrained step keeps the bases for data of exact codimension",
    form="exact codimension",
    source=f"announced in {SOURCE} ('sufficiently large data set'); form and proof: own",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 3, 2)),
    supported_at=((6, 8, 5), (5, 6, 4, 5)),
    note=(
        "'With enough data alignment is impossible under layer constraints': almost every Y breaks it for every "
        "constraint that is not diagonal in the bases, and without constraints as well; the bases are those chosen, "
        "unique only for simple nonzero singular values."
    ),
)
