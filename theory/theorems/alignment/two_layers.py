r"""Two layers are aligned if and only if their two matrices at the hidden vertex commute.

Setting: layers W_1 (d_1 x d_0) and W_2 (d_2 x d_1), A = W_1 W_1^T and B = W_2^T W_2; weak alignment: there are orthogonal
Q_0, Q_1, Q_2 with cores Q_i^T W_i Q_{i-1} that have at most one entry in each row and in each column.

Hypotheses: none; any widths and ranks, repeated and zero singular values included.

Conclusion:
\[ (W_1, W_2) \text{ weakly aligned} \iff [W_1 W_1^T, W_2^T W_2] = 0. \]

Form: iff, all real matrices.

Scope of proof: aligned => commute, at all widths. The converse in its steps, each at all widths: an eigenvector q of A to a
simple eigenvalue (R (A - lambda) = I - q q^T for some R) is one of B; in a joint eigenbasis Q_1 of A and B, W_1 = Q_1 D V^T
with D^2 = Q_1^T A Q_1, V^T V a diagonal projection, singular values zero allowed (E is the pseudo-inverse of the diagonal D).
For d_1 = 2 the whole converse: the rotation that diagonalises A diagonalises B. That a symmetric matrix has an orthonormal
eigenbasis, and that orthonormal columns can be completed to a basis, is used as known.

Why: both matrices are diagonal in Q_1. Conversely the columns of W_1^T Q_1 and of W_2 Q_1 are mutually orthogonal: normalise.

Sharpness: the commutator must vanish; the eigenvalue must be simple (else another basis of the eigenspace is needed).

Source: own derivation; the property is that of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Identity, MatrixSymbol, Symbol, symbols

from theory import dag
from theory.certificates import prove
from theory.expressions import DiagonalPart, SymmetricSymbol, known, lower
from theory.predicates.commute import Commute
from theory.predicates.diagonal import Diagonal
from theory.predicates.orthogonal import Orthogonal
from theory.statement import Statement, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.rewriting import both, rule, vanishing, vanishing_square
from theory.theorems.alignment.setting import aligned_sample, bases_of, commutator, dim, layers_of, table, unit, widths_of

NAME = "alignment.two_layers"


# -- aligned layers commute ---------------------------------------------------------------------------------------------


def forward() -> Claim:
    """Cores with S_1 S_1^T and S_2^T S_2 diagonal, orthogonal bases: the commutator vanishes, at all widths."""
    widths = widths_of(2)
    (W1, W2), (S1, S2), Q = layers_of(widths), layers_of(widths, "S"), bases_of(widths)
    split = [W1 - Q[1] * S1 * Q[0].T, W2 - Q[2] * S2 * Q[1].T]
    grams = [S1 * S1.T, S2.T * S2]
    given = (*(c for q in Q for c in Orthogonal(q).conditions()), *map(equal, split), *map(Diagonal, grams))
    rules = [*both((W1,), Q[1] * S1 * Q[0].T, split[0]), *both((W2,), Q[2] * S2 * Q[1].T, split[1])]
    rules += [rule((q.T, q), Identity(q.shape[0]), unit(q)) for q in Q]
    rules += [rule(p, DiagonalPart(g), g - DiagonalPart(g)) for p, g in zip(((S1, S1.T), (S2.T, S2)), grams, strict=True)]
    p = commutator(W1 * W1.T, W2.T * W2)
    s = Statement(f"{NAME}.forward", (W1, W2, S1, S2, *Q), given, (equal(p),))
    return Claim(s, (vanishing(p, rules),), _aligned_point(), {"d0": 2, "d1": 3, "d2": 2})


def _aligned_point() -> dict[str, Any]:
    """Identity bases, and cores that move the slots: weakly aligned."""
    one, two = [[1, 0], [0, 0], [0, 2]], [[0, 3, 0], [5, 0, 0]]
    return {"W1": one, "S1": one, "W2": two, "S2": two} | {f"Q{i}": table(d, d) for i, d in enumerate((2, 3, 2))}


def pattern(rows: int, cols: int) -> Claim:
    """At most one entry in each row and column: S X S^T is diagonal for every diagonal X, X = I among them."""
    S, X = MatrixSymbol("S", rows, cols), MatrixSymbol("X", cols, cols)
    zeros = {(i, j, k): S[i, j] * S[k, j] for j in range(cols) for i in range(rows) for k in range(rows) if i != k}
    given = tuple(equal(z) for (i, _, k), z in zeros.items() if i < k)
    p = S * DiagonalPart(X) * S.T
    entries = [
        dag.mul(lower(X[j, j]), dag.known(lower(S[min(i, k), j] * S[max(i, k), j])), _at(rows, i, k)) for i, j, k in zeros
    ]
    s = Statement(f"{NAME}.pattern", (S, X), given, (Diagonal(p),))
    witness = {"S": table(rows, cols), "X": table(cols, cols)}
    return Claim(s, (prove("==", p - DiagonalPart(p), dag.add(*entries)),), witness)


def _at(n: int, i: int, k: int) -> dag.Node:
    return dag.const([[int((a, b) == (i, k)) for b in range(n)] for a in range(n)])


# -- layers that commute are aligned ------------------------------------------------------------------------------------


def eigenvector() -> Claim:
    """A q = lambda q, lambda simple, AB = BA: B q = (q^T B q) q, at all widths."""
    W1, W2 = layers_of(widths_of(2))
    n, t = W1.shape[0], Symbol("lambda")
    q, R = MatrixSymbol("q", n, 1), MatrixSymbol("R", n, n)
    A, B = W1 * W1.T, W2.T * W2
    eigen, simple = A * q - t * q, R * (A - t * Identity(n)) - Identity(n) + q * q.T
    then = B * q - q * q.T * B * q
    s = Statement(f"{NAME}.eigenvector", (W1, W2, q, R, t), (Commute(A, B), equal(eigen), equal(simple)), (equal(then),))
    by = -known(simple) * B * q + R * known(A * B - B * A) * q + R * B * known(eigen)
    return Claim(s, (prove("==", then, by),), _eigen_point(), {"d0": 2, "d1": 2, "d2": 2})


def _eigen_point() -> dict[str, Any]:
    """A = diag(1, 4), B = diag(9, 1), q = e_1."""
    return {"W1": [[1, 0], [0, 2]], "W2": [[3, 0], [0, 1]], "q": [[1], [0]], "R": [[0, 0], [0, "1/3"]], "lambda": 1}


def rotation() -> Claim:
    """d_1 = 2: if (c, s) rotates A, no multiple of I, to diagonal form and A B = B A, then it rotates B to diagonal form."""
    A, B, (c, s) = SymmetricSymbol("A", 2), SymmetricSymbol("B", 2), symbols("c s")
    (x, y), (u, v) = ((m[0, 0] - m[1, 1], 2 * m[0, 1]) for m in (A, B))
    C, S = c**2 - s**2, 2 * c * s
    turned, spread, circle = C * y - S * x, x**2 + y**2, c**2 + s**2 - 1
    commute = lower(A * B - B * A)
    twice = dag.lin((2, dag.entry(dag.known(commute), 0, 1)))  # = x v - y u
    lead = dag.mul(lower(x * C + y * S), twice)
    by = dag.add(lead, dag.mul(lower(v * y + u * x), dag.known(lower(turned))))
    given = (equal(circle), Commute(A, B), equal(turned), greater(spread))
    statement = Statement(f"{NAME}.rotation", (A, B, c, s), given, (equal(C * v - S * u),))
    step = prove("==", C * v - S * u, by, times=known(spread))
    return Claim(statement, (step,), {"A": [[1, 0], [0, 2]], "B": [[3, 0], [0, 5]], "c": 1, "s": 0})


def normalised() -> Claim:
    """In a joint eigenbasis: W_1 = Q D V^T with V^T V a diagonal projection, at all widths; D^2 = Q^T W_1 W_1^T Q."""
    n, m = dim("d1"), dim("d0")
    W, (Q, X, Y) = MatrixSymbol("W1", n, m), (MatrixSymbol(name, n, n) for name in ("Q1", "X", "Y"))
    D, E = DiagonalPart(X), DiagonalPart(Y)
    square, inner, outer = Q.T * W * W.T * Q - D * D, D * E * D - D, E * D * E - E
    rules = [rule((Q.T, W, W.T, Q), D * D, square)]
    rules += [rule(p, D, inner) for p in ((D, E, D), (D, D, E), (E, D, D))]
    rules += [rule(p, E, outer) for p in ((E, D, E), (D, E, E))]
    V = W.T * Q * E
    rest, projection, rebuilt = Q.T * W - D * E * Q.T * W, V.T * V - E * D, W - Q * D * V.T
    by = Q * known(rest) - known(Q * Q.T - Identity(n)) * W
    steps = (vanishing(projection, rules), vanishing_square(rest.T, rules), prove("==", rest, known(rest.T).T))
    given = (*Orthogonal(Q).conditions(), *map(equal, (square, inner, outer)))
    s = Statement(f"{NAME}.normalised", (W, Q, X, Y), given, (equal(rebuilt), equal(projection)))
    point = {"W1": [[2, 0], [0, 0]], "Q1": table(2, 2), "X": [[2, 0], [0, 0]], "Y": [["1/2", 0], [0, 0]]}
    return Claim(s, (*steps, prove("==", rebuilt, by)), point, {"d0": 2, "d1": 2})


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield forward()
    yield from (pattern(*size) for size in ((2, 2), (2, 3), (3, 2), (3, 3)))
    yield from (eigenvector(), rotation(), normalised())


def sharpness() -> Iterator[Counterexample]:
    s = forward().statement
    at = {**_aligned_point(), "W1": [[1, 1], [0, 1], [0, 0]], "S1": [[1, 1], [0, 1], [0, 0]]}
    sizes = {"d0": 2, "d1": 3, "d2": 2}
    last = 2 * len(bases_of(widths_of(2))) + 2  # orthogonality, two layers; then the cores
    yield Counterexample("S_1 S_1^T diagonal", replace(s, given=_without(s.given, last), sizes=sizes), at)
    e, at = eigenvector().statement, _eigen_point()
    square = {f"d{i}": 2 for i in range(3)}
    mixed = at | {"W2": [[1, 1], [0, 0]]}
    yield Counterexample("A B = B A", replace(e, given=e.given[1:], sizes=square), mixed)
    repeated = at | {"W1": table(2, 2), "q": [["3/5"], ["4/5"]]}
    yield Counterexample("lambda simple", replace(e, given=e.given[:2], sizes=square), repeated)
    r = rotation().statement
    yield Counterexample("A no multiple of I", replace(r, given=r.given[:3]),
                         {"A": table(2, 2), "B": [[0, 1], [1, 0]], "c": 1, "s": 0})  # fmt: skip
    yield Counterexample("A B = B A (d_1 = 2)", replace(r, given=(r.given[0], *r.given[2:])),
                         {"A": [[1, 0], [0, 2]], "B": [[0, 1], [1, 0]], "c": 1, "s": 0})  # fmt: skip


def _without(given: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return given[:index] + given[index + 1 :]


def variants() -> Iterator[Statement]:
    """False: the matrices at the outer vertices commute; the products A B vanish; the layers commute; the sum is diagonal."""
    n = dim("n")
    (W1, W2) = (MatrixSymbol(name, n, n) for name in ("W1", "W2"))
    aligned = (Commute(W1 * W1.T, W2.T * W2),)
    yield Statement("no hypothesis", (W1, W2), (), aligned)
    yield Statement("wrong vertex", (W1, W2), aligned, (Commute(W1.T * W1, W2 * W2.T),))
    yield Statement("product zero", (W1, W2), aligned, (equal(W1 * W1.T * W2.T * W2),))
    yield Statement("layers commute", (W1, W2), aligned, (Commute(W1, W2),))
    yield Statement("balanced", (W1, W2), aligned, (equal(W1 * W1.T, W2.T * W2),))
    yield Statement("wrong hypothesis", (W1, W2), (Commute(W1.T * W1, W2.T * W2),), aligned)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Literally aligned layers in random bases."""
    variables, given, values = aligned_sample(draw, widths)
    W1, W2 = variables[:2]
    return Instance(Statement(f"{NAME}.sample", variables, given, (Commute(W1 * W1.T, W2.T * W2),)), values)


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-1",
    title="Two layers are aligned iff their Gram matrices at the hidden vertex commute",
    form="iff",
    source="own derivation; alignment as in arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 4, 3)),
    supported_at=((4, 8, 4), (16, 16, 16)),
    note=(
        "The converse is proved step by step; that commuting symmetric matrices have a common orthonormal eigenbasis, and "
        "that orthonormal columns can be completed to a basis, is used as known. "
        "For unequal widths commuting layers need not be literally aligned (ALN-4)."
    ),
)
