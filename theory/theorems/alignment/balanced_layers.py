r"""Balanced layers are aligned.

Setting: layers W_1, ..., W_N, imbalance D_i = W_{i+1}^T W_{i+1} - W_i W_i^T at the hidden vertex i.

Hypotheses: D_i = c_i I for some real numbers c_i ("shifted-balanced"; c_i = 0: balanced).

Conclusion: all commutators [B_i, M_ij] vanish, hence the layers are aligned; with sorted singular values, because
sigma_{i+1,p}^2 = sigma_{i,p}^2 + c_i in a common basis. Balanced layers share their nonzero singular values.

Form: implication; the converse is false.

Scope of proof: the commutators at all widths, depths 2 to 5. The common order, the shift of eigenvalues and the equal power
sums tr (W_i W_i^T)^k, k <= 5, at all widths. That a commuting family is weakly aligned is ALN-2.

Why: [B_i, M_ij] = W_i [B_{i-1}, M_{i-1,j}] W_i^T + [D_i, M_ij], induct on i.

Sharpness: D_i must be a multiple of I; W_1 = (1), W_2 = (2) are aligned, not balanced.

Source: own derivation; balancedness as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, Symbol, Trace, symbols

from theory.certificates import Step, prove
from theory.expressions import inner, known, norm2
from theory.predicates.balanced import Balanced
from theory.predicates.commute import Commute
from theory.statement import Statement, at_least, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.commutators import commutators
from theory.theorems.alignment.setting import (
    commutator,
    dim,
    imbalance,
    incoming,
    layers_of,
    outgoing,
    table,
    vertices,
    widths_of,
)

NAME = "alignment.balanced_layers"


def shift(W: Sequence[Any], i: int) -> Expr:
    """D_i - c_i I."""
    return imbalance(W, i) - Symbol(f"c{i}") * Identity(W[i].shape[1])


def shifted(depth: int) -> Claim:
    """D_i = c_i I at every hidden vertex: every commutator vanishes, at all widths."""
    W, c = layers_of(widths_of(depth)), symbols(f"c1:{depth}")
    given = tuple(equal(shift(W, i)) for i in range(1, depth))
    steps = tuple(_induction(W, i, j) for i, j in vertices(W))
    s = Statement(f"{NAME}.shifted_{depth}", (*W, *c), given, tuple(map(equal, commutators(W))))
    point = {w.name: table(2, 2) for w in W} | {x.name: 0 for x in c}
    return Claim(s, steps, point, {f"d{i}": 2 for i in range(depth + 1)})


def _induction(W: Sequence[Any], i: int, j: int) -> Step:
    """[B_i, M_ij], from [B_{i-1}, M_{i-1,j}] = 0 (nothing where j = i - 1) and D_i - c_i I = 0."""
    M, zero = incoming(W, i, j), known(shift(W, i))
    by = zero * M - M * zero
    if j < i - 1:
        V = W[i - 1]
        by = by + V * known(commutator(outgoing(W, i - 1), incoming(W, i - 1, j))) * V.T
    return prove("==", commutator(outgoing(W, i), M), by)


def common_order() -> Claim:
    """Unit eigenvectors p, q of A to lambda >= mu: B p = (lambda + c) p and |W_2 p|^2 >= |W_2 q|^2."""
    W, (a, b, c) = layers_of(widths_of(2)), symbols("lambda mu c1")
    p, q = (MatrixSymbol(name, dim("d1"), 1) for name in "pq")
    A = W[0] * W[0].T
    first, second, one, two, zero = A * p - a * p, A * q - b * q, norm2(p) - 1, norm2(q) - 1, shift(W, 1)
    moved = outgoing(W, 1) * p - (a + c) * p
    gap = norm2(W[1] * p) - norm2(W[1] * q)
    high = inner(p, known(zero) * p) + inner(p, known(first)) + (a + c) * known(one)
    low = inner(q, known(zero) * q) + inner(q, known(second)) + (b + c) * known(two)
    given = (*map(equal, (zero, first, second, one, two)), at_least(a, b))
    s = Statement(f"{NAME}.common_order", (*W, p, q, a, b, c), given, (equal(moved), at_least(gap)))
    steps = (prove("==", moved, known(zero) * p + known(first)), prove(">=", gap, known(a - b) + high - low))
    point = {"W1": [[2, 0], [0, 1]], "W2": [[2, 0], [0, 1]], "p": [[1], [0]], "q": [[0], [1]], "lambda": 4, "mu": 1, "c1": 0}
    return Claim(s, steps, point, {f"d{i}": 2 for i in range(3)})


def power_sums(most: int = 5) -> Claim:
    """Balanced: tr (W_2 W_2^T)^k = tr (W_1 W_1^T)^k, so that the nonzero singular values agree."""
    W = layers_of(widths_of(2))
    A, B, C = W[0] * W[0].T, outgoing(W, 1), W[1] * W[1].T
    zero = known(B - A)
    then = [Trace(C**k) - Trace(A**k) for k in range(1, most + 1)]
    telescoped = [sum(Trace(_power(B, i, A, k - 1 - i, zero)) for i in range(k)) for k in range(1, most + 1)]
    s = Statement(f"{NAME}.power_sums", W, (Balanced(W),), tuple(map(equal, then)))
    steps = [prove("==", B - A, -known(A - B))]
    steps += [prove("==", p, by) for p, by in zip(then, telescoped, strict=True)]
    return Claim(s, tuple(steps), {"W1": table(2, 2), "W2": table(2, 2)}, {f"d{i}": 2 for i in range(3)})


def _power(B: Expr, i: int, A: Expr, j: int, zero: Expr) -> Expr:
    """B^i zero A^j."""
    out = zero
    for _ in range(i):
        out = B * out
    for _ in range(j):
        out = out * A
    return out


def same_commutator() -> Claim:
    """[A_i, D_i] = [A_i, B_i]: that D_i commutes with A_i says no more than alignment does."""
    W = layers_of(widths_of(2))
    A, D = incoming(W, 1, 0), imbalance(W, 1)
    p = commutator(A, D) - commutator(A, outgoing(W, 1))
    return Claim(Statement(f"{NAME}.same_commutator", W, (), (equal(p),)), (prove("==", p, 0 * p),))


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(shifted, range(2, 6))
    yield from (common_order(), power_sums(), same_commutator())


def converse() -> Statement:
    """False: aligned layers are balanced, even up to a shift."""
    W = layers_of(("n",) * 3)
    return Statement(f"{NAME}.converse", W, tuple(map(equal, commutators(W))), (Balanced(W),))


def sharpness() -> Iterator[Counterexample]:
    W = layers_of((2, 2, 2))
    diagonal = tuple(equal(imbalance(W, 1)[i, j]) for i, j in ((0, 1), (1, 0)))
    loose = Statement(f"{NAME}.diagonal_imbalance", W, diagonal, tuple(map(equal, commutators(W))))
    # A = [[1, 1], [1, 2]] and B = A + diag(1, -1)
    point = {"W1": [[1, 0], [1, 1]], "W2": [[1, 1], [1, 0]]}
    yield Counterexample("D_i a multiple of I (a diagonal D_i is not enough)", loose, point)
    three = shifted(3).statement
    sizes = {f"d{i}": 2 for i in range(4)}
    layers = {"W1": [[1, 0], [0, 2]], "W2": [[1, 0], [0, 2]], "W3": [[1, 1], [0, 1]]}
    yield Counterexample("every hidden vertex", replace(three, given=three.given[:1], sizes=sizes), layers | {"c1": 0, "c2": 0})
    yield Counterexample("the converse fails", replace(converse(), sizes={"n": 1}), {"W1": [[1]], "W2": [[2]]})


def variants() -> Iterator[Statement]:
    W, V = layers_of(("n",) * 3), layers_of(("n",) * 4)
    aligned = tuple(map(equal, commutators(W)))
    yield converse()
    yield Statement("one vertex", V, (equal(imbalance(V, 1)),), tuple(map(equal, commutators(V))))
    yield Statement("wrong sign", W, (equal(W[1] * W[1].T, W[0].T * W[0]),), aligned)
    yield Statement("equal layers", W, (Balanced(W),), (equal(W[1].T, W[0]),))
    yield Statement("layers commute", W, (Balanced(W),), (Commute(W[0], W[1]),))
    yield Statement("equal trace", W, (equal(Trace(imbalance(W, 1))),), aligned)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Balanced square layers: W_i = Q_i R Q_{i-1}^T with one diagonal R."""
    from theory.theorems.alignment.factorisation import balanced_sample

    variables, given, values = balanced_sample(draw, widths)
    W = variables[: len(widths) - 1]
    then = (*map(equal, commutators(W)), Balanced(W))
    return Instance(Statement(f"{NAME}.sample", variables, given, then), values)


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-6",
    title="Balanced layers are aligned with sorted singular values",
    form="implication",
    source="own derivation; balancedness and alignment as in arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 2, 3, 2)),
    supported_at=((4, 8, 4), (8, 5, 8, 6)),
)
