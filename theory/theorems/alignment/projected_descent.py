r"""Gradient descent on the coordinates of an orthonormal basis is projected gradient descent.

Setting: a linear subspace of matrices with a basis E_1, ..., E_r, \(\langle E_i, E_j \rangle = \delta_{ij}\); a layer \(W =
\sum_j \theta_j E_j\); any differentiable loss with the gradient G by W; \(\mathrm{Proj}\, Z = \sum_j \langle E_j, Z \rangle
E_j\).

Hypotheses: the basis is orthonormal.

Conclusion: the step \(\theta^+ = \theta - \eta \nabla_\theta L\) is
\[ W^+ = \mathrm{Proj}(W - \eta G) = W - \eta \,\mathrm{Proj}\, G , \]
and Proj is the orthogonal projection: \(|Z - U|^2 = |Z - \mathrm{Proj}\, Z|^2 + |\mathrm{Proj}\, Z - U|^2\) for all U in the
subspace.

Form: identity.

Scope of proof: all widths, r = 1 to 4; the chain rule also for networks of 2 and 3 layers, each in its own subspace, with the
squared loss and for any loss.

Why: \(\partial L / \partial \theta_j = \langle E_j, G \rangle\), and W is its own projection.

Sharpness: orthogonality and unit length are needed.

Source: announced in arXiv:2003.06340; own proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sympy import Expr, MatrixSymbol

from theory import dag
from theory.certificates import prove
from theory.dag import Node
from theory.expressions import inner, lower, norm2
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.projections import Basis
from theory.theorems.alignment.setting import dim, orthogonal, table, widths_of
from theory.theorems.alignment.training import ETA, SOURCE, Training, identity

NAME = "alignment.projected_descent"


def _gradient_matrix(b: Basis) -> MatrixSymbol:
    return MatrixSymbol("G", dim(b.rows), dim(b.cols))


def chain_rule(depth: int, general: bool) -> Claim:
    """The derivative by theta_j is <E_j, G_i>, every layer in a subspace of dimension 2."""
    net = Training(widths_of(depth))
    bases = [Basis(2, net.widths[i], net.widths[i - 1], f"{i}_") for i in range(1, depth + 1)]
    loss = lower(net.any_loss if general else net.loss)
    inside = {lower(W): lower(b.layer) for W, b in zip(net.layers, bases, strict=True)}
    (whole,) = dag.substitute([loss], inside)
    terms: list[Node] = []
    for W, b in zip(net.layers, bases, strict=True):
        (slope,) = dag.substitute([dag.resolved(dag.grad(loss, lower(W)))], inside)
        for t, E in zip(b.theta, b.E, strict=True):
            terms.append(dag.sub(dag.grad(whole, lower(t)), dag.tr(dag.mul(dag.T(lower(E)), slope))))
    names = [v for b in bases for v in (*b.E, *b.theta)]
    data = (net.slope,) if general else (net.X, net.Y)
    return identity(f"{NAME}.chain_rule_{depth}", (*names, *data), terms)


@cache
def step(r: int) -> Claim:
    """sum (theta_j - eta <E_j, G>) E_j = Proj(W - eta G) = W - eta Proj G."""
    b = Basis(r)
    G = _gradient_matrix(b)
    moved = b.element([t - ETA * x for t, x in zip(b.theta, b.readings(G), strict=True)])
    direct = moved - (b.layer - ETA * b.folded(G))
    projected = moved - b.folded(b.layer - ETA * G)
    zeros = b.element([sum(t * b.zero(i, j) for j, t in enumerate(b.theta)) for i in range(r)])
    s = Statement(f"{NAME}.step_{r}", (*b.E, *b.theta, G, ETA), b.orthonormal(), (equal(direct), equal(projected)))
    return Claim(s, (prove("==", direct, 0 * direct), prove("==", projected, -zeros)), *_point(b))


def nearest(r: int) -> Claim:
    """|Z - U|^2 = |Z - Proj Z|^2 + |Proj Z - U|^2 for U = sum theta_j E_j."""
    b = Basis(r)
    Z, U = _gradient_matrix(b), b.layer
    rest = norm2(Z - U) - norm2(Z - b.folded(Z)) - norm2(b.folded(Z) - U)
    # <Z - Proj Z, Proj Z - U> = sum_ij (theta_j - z_j) (Gamma_ij - delta_ij) z_i
    z = b.readings(Z)
    by = sum(2 * (t - x) * b.zero(i, j) * z[i] for j, (t, x) in enumerate(zip(b.theta, z, strict=True)) for i in range(r))
    s = Statement(f"{NAME}.nearest_{r}", (*b.E, *b.theta, Z), b.orthonormal(), (equal(rest),))
    point, at = _point(b)
    return Claim(s, (prove("==", rest, by),), {k: v for k, v in point.items() if k != "eta"}, at)


def _point(b: Basis) -> tuple[dict[str, Any], dict[str, int]]:
    """Unit matrices of a row."""
    units = {E.name: [[int(i == j) for i in range(b.size)]] for j, E in enumerate(b.E)}
    rest = {str(t): 1 for t in b.theta} | {"G": table(1, b.size, lambda i, j: j), "eta": 1}
    return units | rest, {"m": 1, "n": b.size}


def claims() -> Iterator[Claim]:
    yield from (chain_rule(n, general) for n in (2, 3) for general in (False, True))
    yield from (f(r) for f in (step, nearest) for r in range(1, 5))


def free(given: int, words: str) -> Statement:
    """Two matrices of a row, one hypothesis less."""
    s = step(2).statement
    kept = s.given[:given] + s.given[given + 1 :]
    return replace(s, name=f"{NAME}: {words}", given=kept, sizes={"m": 1, "n": 2})


def sharpness() -> Iterator[Counterexample]:
    base = {"theta1": 1, "theta2": 1, "G": [[0, 0]], "eta": 1}
    yield Counterexample("unit length", free(0, "any length"), base | {"E1": [[2, 0]], "E2": [[0, 1]]})
    at = base | {"E1": [[1, 0]], "E2": [["3/5", "4/5"]]}
    yield Counterexample("orthogonality", free(1, "any angle"), at)


def variants() -> Iterator[Statement]:
    b = replace(Basis(2), rows=1, cols=3)
    G, s = _gradient_matrix(b), step(2).statement
    moved = b.element([t - ETA * x for t, x in zip(b.theta, b.readings(G), strict=True)])
    names = (*b.E, *b.theta, G, ETA)
    wrong: dict[str, Expr] = {
        "without projection": moved - (b.layer - ETA * G),
        "the projection is zero": b.folded(G),
        "the opposite step": moved - (b.layer + ETA * b.folded(G)),
        "half the step": moved - (b.layer - ETA / 2 * b.folded(G)),
        "no step": moved - b.layer,
    }
    yield from (Statement(f"{NAME}: {w}", names, b.orthonormal(), (equal(e),)) for w, e in wrong.items())
    yield from (free(i, w) for i, w in enumerate(("first length", "angle", "second length")))
    yield replace(s, name=f"{NAME}: any basis", given=(), sizes={"m": 1, "n": 2})
    square = norm2(G - b.layer) - norm2(G - b.folded(G))
    yield Statement(f"{NAME}: every element is nearest", (*b.E, *b.theta, G), b.orthonormal(), (equal(square),))
    yield Statement(f"{NAME}: contraction is equality", (*b.E, G), b.orthonormal(), (equal(inner(G, G) - norm2(b.folded(G))),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Two columns of an orthogonal matrix, shaped as matrices: a random orthonormal pair of rows times a unit column."""
    m, n = widths
    b = replace(Basis(2), rows=m, cols=n)
    values: dict[str, Any] = {"U": orthogonal(draw, m), "V": orthogonal(draw, n)}
    U, V = MatrixSymbol("U", m, m), MatrixSymbol("V", n, n)
    for j, E in enumerate(b.E):
        values[E.name] = draw.value(_outer(U, V, j), values)
    values |= {str(t): draw.scalar() for t in b.theta} | {"G": draw.matrix(m, n), "eta": draw.scalar()}
    s = step(2).statement
    return Instance(
        replace(s, name=f"{NAME}.sample", sizes={"m": m, "n": n}), {k: v for k, v in values.items() if k not in "UV"}
    )


def _outer(U: MatrixSymbol, V: MatrixSymbol, j: int) -> Node:
    """u_j v_j^T of the columns."""
    u, v = lower(U), lower(V)
    at = dag.const([[int(i == k == j) for k in range(int(v.shape[0]))] for i in range(int(u.shape[0]))])
    return dag.mul(u, at, dag.T(v))


THEOREM = Theorem(
    name=NAME,
    sheet="PROJ-1",
    title="Descent on orthonormal coordinates is projected descent",
    form="identity",
    source=f"announced in {SOURCE}; own proof",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (3, 2), (2, 3)),
    supported_at=((5, 6), (12, 12)),
    note="'Gradient descent is projected descent' needs an orthonormal basis, or Gamma = c I and the step c eta (PROJ-3).",
)
