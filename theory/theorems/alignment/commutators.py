r"""Any number of layers is aligned if and only if N(N-1)/2 commutators vanish.

Setting: layers W_1, ..., W_N of shapes d_i x d_{i-1}, B_i = W_{i+1}^T W_{i+1}, M_{ij} = W_i ... W_{j+1} (W_i ... W_{j+1})^T.

Hypotheses: none; any depth, widths and ranks, repeated and zero singular values included.

Conclusion:
\[ (W_1, \dots, W_N) \text{ weakly aligned} \iff [B_i, M_{ij}] = 0 \quad \text{for all } 0 \le j < i < N. \]

Form: iff, all real matrices.

Scope of proof: aligned => all commutators vanish: depths 3 and 4 at all widths, for cores that carry diagonal matrices to
diagonal ones (as cores with at most one entry in each row and column do); literal cores at equal widths, depths 2 to 5;
rect-diagonal cores are such at given sizes. The converse in the steps of its induction, each at all widths: a joint
eigenvector of the M_{ij} (j < i) that is determined by its eigenvalues is one of B_i; W_{i+1} carries joint eigenvectors to
such, orthogonal ones to orthogonal ones; a rotation R inside the classes of equal singular values is carried along, Q D P^T =
(Q R) D (P R)^T. The construction itself is `numerics.alignment`.

Why: induct on i. The joint eigenspaces of the M_{ij} are the classes of chains with the same start and the same singular
values; B_i preserves each class: diagonalise it there and carry the rotation back along the chain, on which the layers are
isometries up to a factor.

Sharpness: the commutators of layers that are not neighbours are needed.

Source: own derivation; the property is that of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, symbols

from theory.certificates import prove, vanishes
from theory.expressions import DiagonalPart, Square, inner, known, norm2
from theory.predicates.commute import Commute
from theory.predicates.diagonal import Diagonal
from theory.predicates.orthogonal import Orthogonal
from theory.statement import Condition, Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.rewriting import Rule, both, rule, vanishing
from theory.theorems.alignment.setting import (
    Width,
    aligned_sample,
    bases_of,
    commutator,
    dim,
    incoming,
    layers_of,
    literal_cores,
    outgoing,
    table,
    unit,
    vertices,
    widths_of,
)

NAME = "alignment.commutators"


def commutators(W: Sequence[Any]) -> list[Expr]:
    """[B_i, M_ij] for 0 <= j < i < N."""
    return [commutator(outgoing(W, i), incoming(W, i, j)) for i, j in vertices(W)]


# -- aligned layers commute ---------------------------------------------------------------------------------------------


def frames(W: Sequence[Any], S: Sequence[Any], Q: Sequence[Any]) -> tuple[list[Condition], list[Rule]]:
    """Orthogonal bases and W_i = Q_i S_i Q_{i-1}^T, as hypotheses and as rules."""
    values = [b * s * a.T for a, b, s in zip(Q[:-1], Q[1:], S, strict=True)]
    rules = [r for w, e in zip(W, values, strict=True) for r in both((w,), e, w - e)]
    rules += [rule((q.T, q), Identity(q.shape[0]), unit(q)) for q in Q]
    given = [c for q in Q for c in Orthogonal(q).conditions()]
    return given + [equal(w, e) for w, e in zip(W, values, strict=True)], rules


def _diagonals(S: Sequence[Any]) -> tuple[list[Diagonal], list[Rule]]:
    """S_{i+1}^T S_{i+1}, and S_i X S_i^T for what the earlier cores made, are diagonal."""
    patterns = [(s.T, s) for s in S[1:]]
    for j in range(len(S) - 1):
        carried: tuple[Any, ...] = ()
        for s in S[j:-1]:
            patterns.append((s, *carried, s.T))
            carried = (DiagonalPart(_times(patterns[-1])),)
    values = {p: DiagonalPart(_times(p)) for p in patterns}
    rules = [rule(p, D, _times(p) - D) for p, D in values.items()]
    return [Diagonal(_times(p)) for p in values], rules


def _times(factors: Sequence[Any]) -> Expr:
    out = factors[0]
    for f in factors[1:]:
        out = out * f
    return out


def forward(depth: int) -> Claim:
    """Cores that carry diagonal matrices to diagonal ones: every commutator vanishes, at all widths."""
    widths = widths_of(depth)
    W, S, Q = layers_of(widths), layers_of(widths, "S"), bases_of(widths)
    (framed, first), (diagonal, second) = frames(W, S, Q), _diagonals(S)
    steps = tuple(vanishing(p, first + second) for p in commutators(W))
    s = Statement(f"{NAME}.forward_{depth}", (*W, *S, *Q), (*framed, *diagonal), tuple(map(equal, commutators(W))))
    return Claim(s, steps, _identities(widths, 2), dict.fromkeys(map(str, widths), 2))


def literal(depth: int) -> Claim:
    """Diagonal cores of equal width n in any orthogonal bases: every commutator vanishes, for all n."""
    widths = ("n",) * (depth + 1)
    X, W, Q = layers_of(widths, "X"), layers_of(widths), bases_of(widths)
    given, rules = frames(W, [DiagonalPart(x) for x in X], Q)
    steps = tuple(vanishing(p, rules) for p in commutators(W))
    s = Statement(f"{NAME}.literal_{depth}", (*W, *X, *Q), tuple(given), tuple(map(equal, commutators(W))))
    point = _identities(widths, 2) | {x.name: table(2, 2) for x in X}
    return Claim(s, steps, {k: v for k, v in point.items() if k[0] != "S"}, {"n": 2})


def _identities(widths: Sequence[Width], n: int) -> dict[str, Any]:
    names = [f"{c}{i}" for c in "WSQ" for i in range(len(widths)) if i or c == "Q"]
    return {name: table(n, n) for name in names}


def rect_diagonal(rows: int, cols: int) -> Claim:
    """S X S^T and S^T Y S are diagonal for rect-diagonal S and diagonal X, Y: an identity."""
    (S,) = literal_cores((cols, rows))
    x, y = (MatrixSymbol(name, n, n) for name, n in (("X", cols), ("Y", rows)))
    parts = [S * DiagonalPart(x) * S.T, S.T * DiagonalPart(y) * S]
    then = [p - DiagonalPart(p) for p in parts]
    s = Statement(f"{NAME}.rect_diagonal", (MatrixSymbol("X1", rows, rows), x, y), (), tuple(map(equal, then)))
    return Claim(s, tuple(prove("==", p, 0 * p) for p in then))


# -- layers that commute are aligned ------------------------------------------------------------------------------------


def eigenvector() -> Claim:
    """M q = lambda q and M' q = mu q determine q: what commutes with both has q as an eigenvector."""
    n, (a, b) = dim("n"), symbols("lambda mu")
    W, M, M2, R, R2 = (MatrixSymbol(name, n, n) for name in ("W", "M", "M2", "R", "R2"))
    q, one, B = MatrixSymbol("q", n, 1), Identity(n), W.T * W
    eigen, eigen2 = M * q - a * q, M2 * q - b * q
    simple = R * (M - a * one) + R2 * (M2 - b * one) - one + q * q.T
    then = B * q - q * q.T * B * q
    given = (Commute(B, M), Commute(B, M2), *map(equal, (eigen, eigen2, simple)))
    commuting = R * known(B * M - M * B) * q + R2 * known(B * M2 - M2 * B) * q
    by = -known(simple) * B * q - commuting + R * B * known(eigen) + R2 * B * known(eigen2)
    s = Statement(f"{NAME}.eigenvector", (W, M, M2, R, R2, q, a, b), given, (equal(then),))
    zero = {"M": table(2, 2), "R": [[0, 0], [0, 0]], "lambda": 1, "q": [[1], [0]], "W": table(2, 2)}
    return Claim(
        s, (prove("==", then, by),), zero | {"M2": [[1, 0], [0, 2]], "R2": table(2, 2, lambda i, j: i * j), "mu": 1}, {"n": 2}
    )


def carried() -> Claim:
    """W carries a joint eigenvector q of W^T W and M to one of W M W^T, and (W p, W q) = beta (p, q) for any p."""
    m, n = dim("d1"), dim("d0")
    W, M, (a, b) = MatrixSymbol("W", m, n), MatrixSymbol("M", n, n), symbols("lambda beta")
    p, q = MatrixSymbol("p", n, 1), MatrixSymbol("q", n, 1)
    eigen, square = M * q - a * q, W.T * W * q - b * q
    then = [W * M * W.T * W * q - a * b * W * q, norm2(W * q) - b * norm2(q), inner(W * p, W * q) - b * inner(p, q)]
    by = [W * M * known(square) + b * W * known(eigen), inner(q, known(square)), inner(p, known(square))]
    s = Statement(f"{NAME}.carried", (W, M, p, q, a, b), tuple(map(equal, (eigen, square))), tuple(map(equal, then)))
    point = {"W": [[1, 0], [0, 2]], "M": [[3, 0], [0, 5]], "q": [[1], [0]], "p": [[0], [1]], "lambda": 3, "beta": 1}
    return Claim(s, tuple(prove("==", x, y) for x, y in zip(then, by, strict=True)), point, {"d0": 2, "d1": 2})


def rotated() -> Claim:
    """R orthogonal, R D^2 = D^2 R, D = F^2 >= 0 diagonal: Q D P^T = (Q R) D (P R)^T, singular values zero allowed."""
    n = dim("n")
    Q, P = MatrixSymbol("Q", dim("d1"), n), MatrixSymbol("P", dim("d0"), n)
    R, F = MatrixSymbol("R", n, n), DiagonalPart(MatrixSymbol("Y", n, n))
    D = F * F
    square, frame = R * D * D - D * D * R, R * R.T - Identity(n)
    Z = R * D - D * R
    then = Q * D * P.T - Q * R * D * R.T * P.T
    s = Statement(f"{NAME}.rotated", (Q, P, R, F.args[0]), (*Orthogonal(R).conditions(), equal(square)), (equal(then),))
    steps = (
        vanishes(F * Z, Square(Z * F) - inner(Z, known(square))),
        vanishes(Z * F, Square(F * Z) - inner(Z, known(square))),
        vanishes(Z, inner(known(F * Z), F * R) - inner(known(Z * F), R * F)),
        prove("==", then, -Q * D * known(frame) * P.T - Q * known(Z) * R.T * P.T),
    )
    point = {"Q": table(2, 2), "P": table(2, 2), "R": [["3/5", "-4/5"], ["4/5", "3/5"]], "Y": table(2, 2)}
    return Claim(s, steps, point, {"n": 2, "d0": 2, "d1": 2})


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(forward, (3, 4))
    yield from map(literal, range(2, 6))
    yield from (rect_diagonal(*size) for size in ((1, 2), (2, 1), (2, 3), (3, 2), (3, 3)))
    yield from (eigenvector(), carried(), rotated())


def adjacent(*, hypothesis: bool = True) -> Statement:
    """False: of three layers with neighbouring commutators zero, the third commutator is zero."""
    W = layers_of((2, 2, 2, 2))
    neighbours = [commutator(outgoing(W, i), incoming(W, i, i - 1)) for i in (1, 2)]
    far = commutator(outgoing(W, 2), incoming(W, 2, 0))
    return Statement(f"{NAME}.adjacent", W, tuple(map(equal, neighbours)) if hypothesis else (), (equal(far),))


def sharpness() -> Iterator[Counterexample]:
    point = {"W1": [[1, 0], [0, 2]], "W2": table(2, 2), "W3": [[1, 0], [1, 1]]}
    yield Counterexample("commutators of layers that are not neighbours", adjacent(), point)
    r = rotated().statement
    s = replace(r, given=r.given[:-1], sizes={"n": 2, "d0": 2, "d1": 2})
    turned = {"Q": table(2, 2), "P": table(2, 2), "R": [["3/5", "-4/5"], ["4/5", "3/5"]], "Y": [[1, 0], [0, 2]]}
    yield Counterexample("R inside the classes of equal singular values", s, turned)
    e = eigenvector()
    alike = {**(e.witness or {}), "W": [[1, 1], [0, 1]], "M2": table(2, 2), "q": [[1], [0]]}
    yield Counterexample(
        "q determined by its eigenvalues", replace(e.statement, given=e.statement.given[:4], sizes={"n": 2}), alike
    )


def variants() -> Iterator[Statement]:
    W = layers_of(("n",) * 4)
    far, near = commutators(W)[1:2], [commutators(W)[0], commutators(W)[2]]
    yield adjacent()
    yield Statement("no hypothesis", W, (), tuple(map(equal, commutators(W))))
    yield Statement("last commutator", W, (equal(commutators(W)[0]), equal(far[0])), (equal(near[1]),))
    yield Statement("first commutator", W, (equal(far[0]), equal(near[1])), (equal(near[0]),))
    yield Statement("product commutes", W[:2], (equal(commutators(W[:2])[0]),), (Commute(W[1] * W[0], W[0] * W[1]),))
    yield Statement("signs", W[:2], (), (equal(outgoing(W, 1) * incoming(W, 1, 0) + incoming(W, 1, 0) * outgoing(W, 1)),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Literally aligned layers in random bases: all commutators."""
    variables, given, values = aligned_sample(draw, widths)
    W = variables[: len(widths) - 1]
    return Instance(Statement(f"{NAME}.sample", variables, given, tuple(map(equal, commutators(W)))), values)


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-2",
    title="Layers are aligned iff N(N-1)/2 commutators vanish",
    form="iff",
    source="own derivation; alignment as in arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2, 2), (2, 2, 2, 2, 2)),
    supported_at=((4, 8, 4, 6), (6, 6, 6, 6, 6, 6)),
    note=(
        "The converse is proved step by step; that commuting symmetric matrices have a common orthonormal eigenbasis, and "
        "that orthonormal columns can be completed to a basis, is used as known. "
        "The construction is carried out in floats (`numerics.alignment`)."
    ),
)
