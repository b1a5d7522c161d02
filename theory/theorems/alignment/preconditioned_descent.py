r"""Gradient descent on the coordinates of any basis is preconditioned descent on the layer.

Setting: linearly independent matrices E_1, ..., E_r with Gram matrix \(\Gamma\), a layer \(W = \sum_j \theta_j E_j\), any
loss with the gradient G by W.

Hypotheses: none; for the projection a matrix R with \(\Gamma R = I\).

Conclusion: descent on \(\theta\) gives \(W^+ = W - \eta \sum_j \langle E_j, G\rangle E_j\) (in vectors \(B B^T G\)). The
projection is \(\mathrm{Proj}\, G = \sum_{ij} R_{ij} \langle E_j, G\rangle E_i\), so that projected descent is \(\theta^+ =
\theta - \eta\, \Gamma^{-1} \nabla_\theta L\).

Form: identity.

Scope of proof: all widths, r up to 3; the chain rule is that of `alignment.projected_descent`.

Why: \(G - \mathrm{Proj}\, G\) is orthogonal to every E_k because \(\Gamma R = I\), and an element is its own projection.

Sharpness: with R the identity (the raw coordinates) the residual is not orthogonal to the subspace.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, MatrixSymbol

from theory import dag
from theory.certificates import prove
from theory.expressions import inner, known, lower
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.projections import Basis
from theory.theorems.alignment.setting import dim, table
from theory.theorems.alignment.training import ETA, SOURCE

NAME = "alignment.preconditioned_descent"


def gradient_of(b: Basis) -> MatrixSymbol:
    return MatrixSymbol("G", dim(b.rows), dim(b.cols))


def _point(b: Basis) -> tuple[dict[str, Any], dict[str, int]]:
    """Rows 2 e_1, 2 e_2, ..., R = I / 4."""
    rows = {E.name: [[2 * int(i == j) for i in range(b.size)]] for j, E in enumerate(b.E)}
    inverse = {b.R[i][j].name: "1/4" if i == j else 0 for i in range(b.size) for j in range(i, b.size)}
    return rows | inverse | {"G": table(1, b.size, lambda i, j: j + 1)}, {"m": 1, "n": b.size}


def raw(r: int) -> Claim:
    """sum (theta_j - eta <E_j, G>) E_j = W - eta sum <E_j, G> E_j, whatever the basis."""
    b = Basis(r)
    G = gradient_of(b)
    moved = b.element([t - ETA * x for t, x in zip(b.theta, b.readings(G), strict=True)])
    rest = moved - (b.layer - ETA * b.folded(G))
    return Claim(Statement(f"{NAME}.raw_{r}", (*b.E, *b.theta, G, ETA), (), (equal(rest),)), (prove("==", rest, 0 * rest),))


def residuals(b: Basis, G: Expr) -> list[Expr]:
    """<E_k, G - Proj G>."""
    return [inner(E, G - b.projection(G)) for E in b.E]


def projection(r: int) -> Claim:
    """Gamma R = I: G - sum R_ij <E_j, G> E_i is orthogonal to every E_k."""
    b = Basis(r)
    G = gradient_of(b)
    z = b.readings(G)
    steps = [prove("==", x, -sum(known(b.inverse(k, j)) * z[j] for j in range(r))) for k, x in enumerate(residuals(b, G))]
    s = Statement(f"{NAME}.projection_{r}", (*b.E, *b.entries_of_R, G), b.invertible(), tuple(map(equal, residuals(b, G))))
    return Claim(s, tuple(steps), *_point(b))


def projected_step(r: int) -> Claim:
    """theta - eta R <E, G> are the coordinates of Proj(W - eta G)."""
    b = Basis(r)
    G = gradient_of(b)
    read = b.readings(G)
    theta = [t - ETA * sum(b.R[i][j] * read[j] for j in range(r)) for i, t in enumerate(b.theta)]
    gaps = [inner(E, b.layer - ETA * G - b.element(theta)) for E in b.E]
    # <E_k, W - W> cancels; the rest is eta times the residual of the projection
    steps = [prove("==", x, ETA * sum(known(b.inverse(k, j)) * read[j] for j in range(r))) for k, x in enumerate(gaps)]
    s = Statement(
        f"{NAME}.projected_step_{r}", (*b.E, *b.theta, *b.entries_of_R, G, ETA), b.invertible(), tuple(map(equal, gaps))
    )
    point, at = _point(b)
    return Claim(s, tuple(steps), point | {str(t): 1 for t in b.theta} | {"eta": 1}, at)


def claims() -> Iterator[Claim]:
    yield from (f(r) for f in (raw, projection, projected_step) for r in range(1 + (f is raw), 4))


def _orthogonality(words: str, fold: bool) -> Statement:
    """That a residual is orthogonal to one matrix of a row."""
    b = Basis(1, 1, 2)
    G = gradient_of(b)
    x = b.folded(G) if fold else b.projection(G)
    names = (*b.E, G) if fold else (*b.E, *b.entries_of_R, G)
    return Statement(f"{NAME}: {words}", names, (), (equal(inner(b.E[0], G - x)),))


def sharpness() -> Iterator[Counterexample]:
    at = {"E1": [[2, 0]], "G": [[1, 0]]}
    yield Counterexample("Gamma = I, for raw coordinates", _orthogonality("raw coordinates project", True), at)
    yield Counterexample("Gamma R = I", _orthogonality("any R", False), at | {"r11": 1})


def variants() -> Iterator[Statement]:
    b = Basis(2, 1, 2)
    G = gradient_of(b)
    names = (*b.E, *b.entries_of_R, G)
    yield _orthogonality("raw coordinates project", True)
    yield _orthogonality("any R", False)
    one = Basis(1, 1, 2)
    left = equal(G - one.projection(G))
    yield Statement(f"{NAME}: nothing is left", (*one.E, *one.entries_of_R, G), one.invertible(), (left,))
    drop = b.invertible()
    for k in (0, 3):
        s = Statement(f"{NAME}: {'first' if not k else 'last'} equation missing", names, drop[:k] + drop[k + 1 :], ())
        yield replace(s, then=tuple(map(equal, residuals(b, G))))
    yield Statement(f"{NAME}: the projection is the raw step", names, drop, (equal(b.projection(G) - b.folded(G)),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Two random matrices and the inverse of their Gram matrix."""
    m, n = widths
    b = Basis(2, m, n)
    G = gradient_of(b)
    values: dict[str, Any] = {E.name: draw.matrix(m, n) for E in b.E} | {"G": draw.matrix(m, n)}
    unit = [[dag.const([[int((r, c) == (i, j)) for c in range(2)] for r in range(2)]) for j in range(2)] for i in range(2)]
    gram = dag.add(*(dag.mul(lower(b.gram(i, j)), unit[i][j]) for i in range(2) for j in range(2)))
    values["F"] = draw.solve(gram, dag.eye(2), values)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        values[b.R[i][j].name] = draw.value(dag.tr(dag.mul(unit[j][i], dag.var("F", (2, 2)))), values)
    s = Statement(f"{NAME}.sample", (*b.E, *b.entries_of_R, G), b.invertible(), tuple(map(equal, residuals(b, G))))
    return Instance(s, {k: v for k, v in values.items() if k != "F"})


THEOREM = Theorem(
    name=NAME,
    sheet="PROJ-2",
    title="Descent on any basis is preconditioned descent",
    form="identity",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (3, 4)),
    supported_at=((5, 6), (12, 12)),
)
