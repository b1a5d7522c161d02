r"""Every matrix that a network can be is the product of balanced, hence aligned, layers.

Setting: widths d_0, ..., d_N, m = min d_i; any loss l(W_N ... W_1).

Hypotheses: P = U R^N V^T with U (d_N x m) and V (d_0 x m) of orthonormal columns, R diagonal: the singular value
decomposition of a matrix of rank <= m, R the N-th root of its singular values.

Conclusion: with any hidden Q_i (d_i x m) of orthonormal columns, Q_0 = V, Q_N = U, the layers W_i = Q_i R Q_{i-1}^T satisfy
W_N ... W_1 = P and D_i = 0. Hence a minimiser of the loss over {rank <= m}, if there is one, is attained at a sorted,
balanced network. Conversely every network has rank <= m.

Form: existence. No condition on the widths.

Scope of proof: product, balancedness and all commutators at all widths, depths 2 to 5. That the rank is at most m: all minors
of size m + 1 vanish, at widths (2,1,2), (3,1,2), (2,1,1,2), (3,2,3). The singular value decomposition itself is used as
known.

Why: Q_i^T Q_i = I.

Sharpness: the hidden Q_i need orthonormal columns, for the product and for balancedness.

Source: own derivation, for the existence statement of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

from sympy import Determinant, Expr, Identity, MatrixSymbol, Symbol

from theory.certificates import prove
from theory.expressions import DiagonalPart
from theory.predicates.balanced import Balanced
from theory.predicates.orthogonal import Orthogonal
from theory.statement import Condition, Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.commutators import commutators
from theory.theorems.alignment.literal_or_weak import columns
from theory.theorems.alignment.rewriting import rule, vanishing
from theory.theorems.alignment.setting import composed, dim, layers_of, orthogonal, slots, table, unit, widths_of

NAME = "alignment.factorisation"


def thin_bases(depth: int) -> list[MatrixSymbol]:
    """Q_0, ..., Q_N of shapes d_i x m."""
    return [MatrixSymbol(f"Q{i}", dim(d), Symbol("m")) for i, d in enumerate(widths_of(depth))]


def factors(Q: Sequence[Any], R: Any) -> list[Expr]:
    """W_i = Q_i R Q_{i-1}^T."""
    return [b * R * a.T for a, b in pairwise(Q)]


def factorised(depth: int) -> Claim:
    """The product is U R^N V^T, neighbouring layers are balanced, all commutators vanish: at all widths."""
    Q, X = thin_bases(depth), MatrixSymbol("X", Symbol("m"), Symbol("m"))
    R = DiagonalPart(X)
    W = factors(Q, R)
    rules = [rule((q.T, q), Identity(q.shape[1]), unit(q)) for q in Q]
    then = [composed(W) - Q[-1] * R**depth * Q[0].T, *(c.expression for c in Balanced(tuple(W)).conditions()), *commutators(W)]
    given = tuple(equal(unit(q)) for q in Q)
    s = Statement(f"{NAME}.factorised_{depth}", (*Q, X), given, tuple(map(equal, then)))
    point = {q.name: table(2, 1) for q in Q} | {"X": [[2]]}
    return Claim(s, tuple(vanishing(p, rules) for p in then), point, {"m": 1} | {f"d{i}": 2 for i in range(depth + 1)})


def bottleneck(widths: tuple[int, ...]) -> Claim:
    """The minors of size m + 1 of the product vanish identically."""
    W, m = layers_of(widths), min(widths)
    P = composed(W)
    rows, cols = (tuple(combinations(range(d), m + 1)) for d in (widths[-1], widths[0]))
    then = [Determinant(columns(r, widths[-1]).T * P * columns(c, widths[0])) for r in rows for c in cols]
    s = Statement(f"{NAME}.bottleneck", W, (), tuple(map(equal, then)))
    return Claim(s, tuple(prove("==", p, 0) for p in then))


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(factorised, range(2, 6))
    yield from map(bottleneck, ((2, 1, 2), (3, 1, 2), (2, 1, 1, 2), (3, 2, 3)))


def _loose(index: int, then: slice) -> Statement:
    """Two layers of width 2, m = 1, without the orthonormality of Q_index; only some of the conclusions."""
    s = factorised(2).statement
    given = tuple(c for i, c in enumerate(s.given) if i != index)
    return replace(s, given=given, then=s.then[then], sizes={"m": 1, "d0": 2, "d1": 2, "d2": 2})


def sharpness() -> Iterator[Counterexample]:
    point = {f"Q{i}": [[1], [0]] for i in range(3)} | {"X": [[1]]}
    yield Counterexample("Q_1^T Q_1 = I, for the product", _loose(1, slice(1)), point | {"Q1": [[1], [1]]})
    yield Counterexample("V^T V = I, for balancedness", _loose(0, slice(1, 2)), point | {"Q0": [[2], [0]]})
    yield Counterexample("U^T U = I, for balancedness", _loose(2, slice(1, 2)), point | {"Q2": [[2], [0]]})
    tall = Statement(f"{NAME}.tall", layers_of((2, 2, 2)), (), (equal(Determinant(composed(layers_of((2, 2, 2))))),))
    yield Counterexample("a vertex of width m", tall, {"W1": table(2, 2), "W2": table(2, 2)})


def variants() -> Iterator[Statement]:
    s = factorised(2).statement
    (Q0, Q1, Q2, X) = s.variables
    R = DiagonalPart(X)
    W = tuple(factors((Q0, Q1, Q2), R))
    yield replace(s, name="no orthonormality", given=())
    yield replace(s, name="wrong power", then=(equal(composed(W), Q2 * R * Q0.T),))
    yield replace(s, name="projection", then=(equal(Q1 * Q1.T, Identity(dim("d1"))),))
    yield Statement("any factorisation is balanced", layers_of(("n",) * 3), (), (Balanced(layers_of(("n",) * 3)),))
    yield Statement("same sizes", layers_of((2, 2, 2)), (), (equal(Determinant(composed(layers_of((2, 2, 2))))),))


def balanced_sample(draw: Draw, widths: Sequence[int]) -> tuple[tuple[Any, ...], tuple[Condition, ...], dict[str, Any]]:
    """(variables, hypotheses, values) of layers W_i = Q_i R Q_{i-1}^T, Q_i the first m columns of orthogonal matrices."""
    m, W = min(widths), layers_of(widths)
    Q, X = [MatrixSymbol(f"Q{i}", d, m) for i, d in enumerate(widths)], MatrixSymbol("X", m, m)
    values = {"X": draw.matrix(m, m)}
    for q, d in zip(Q, widths, strict=True):
        full = {"F": orthogonal(draw, d)}
        values[q.name] = draw.value(MatrixSymbol("F", d, d) * slots(d, m), full)
    whole = factors(Q, DiagonalPart(X))
    values |= {w.name: draw.value(e, values) for w, e in zip(W, whole, strict=True)}
    given = (*(Orthogonal(q).conditions()[0] for q in Q), *(equal(w, e) for w, e in zip(W, whole, strict=True)))
    return (*W, *Q, X), given, values


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    variables, given, values = balanced_sample(draw, widths)
    depth = len(widths) - 1
    W, Q, X = variables[:depth], variables[depth:-1], variables[-1]
    P = Q[-1] * DiagonalPart(X) ** depth * Q[0].T
    return Instance(Statement(f"{NAME}.sample", variables, given, (equal(composed(W), P), Balanced(W))), values)


THEOREM = Theorem(
    name=NAME,
    sheet="EX-1",
    title="A minimiser over the matrices of rank <= m is attained at an aligned, balanced network",
    form="existence",
    source="own derivation, for the existence statement of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 2, 2, 3)),
    supported_at=((8, 4, 8), (6, 8, 5, 7)),
    note="The existence of a minimiser over {rank <= m} is a hypothesis: a loss without one has none among networks.",
)
