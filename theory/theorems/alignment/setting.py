r"""The setting of the family `alignment` (arXiv:2003.06340): layers W_1, ..., W_N of shapes d_i x d_{i-1}, W_1 acts first.

A_i = W_i W_i^T and B_i = W_{i+1}^T W_{i+1} are the two matrices at the hidden vertex i, D_i = B_i - A_i their imbalance;
M_{ij} = W_i ... W_{j+1} (W_i ... W_{j+1})^T is what the layers j+1, ..., i make there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Identity, ImmutableMatrix, Integer, MatrixSymbol, Symbol

from theory.expressions import DiagonalPart
from theory.predicates.orthogonal import Orthogonal
from theory.statement import equal
from theory.theorem import Draw

Width = int | str


def widths_of(depth: int, name: str = "d") -> tuple[Width, ...]:
    """The symbolic widths (d0, ..., dN)."""
    return tuple(f"{name}{i}" for i in range(depth + 1))


def dim(d: Width) -> Any:
    """A width as SymPy sees it."""
    return Integer(d) if isinstance(d, int) else Symbol(d)


def layers_of(widths: Sequence[Width], name: str = "W") -> tuple[MatrixSymbol, ...]:
    """W_1, ..., W_N (or cores, gradients, ... of the same shapes, by another name)."""
    return tuple(MatrixSymbol(f"{name}{i}", dim(widths[i]), dim(widths[i - 1])) for i in range(1, len(widths)))


def bases_of(widths: Sequence[Width], name: str = "Q") -> tuple[MatrixSymbol, ...]:
    """Q_0, ..., Q_N, square."""
    return tuple(MatrixSymbol(f"{name}{i}", dim(d), dim(d)) for i, d in enumerate(widths))


def composed(layers: Sequence[Any]) -> Expr:
    """The last layer times ... times the first."""
    out = layers[-1]
    for W in reversed(layers[:-1]):
        out = out * W
    return out


def commutator(a: Any, b: Any) -> Expr:
    """[a, b] = a b - b a."""
    return a * b - b * a


def incoming(layers: Sequence[Any], i: int, j: int) -> Expr:
    """M_ij at vertex i, for 0 <= j < i."""
    W = composed(layers[j:i])
    return W * W.T


def outgoing(layers: Sequence[Any], i: int) -> Expr:
    """B_i = W_{i+1}^T W_{i+1} at vertex i < N."""
    return layers[i].T * layers[i]


def imbalance(layers: Sequence[Any], i: int) -> Expr:
    """D_i = B_i - A_i."""
    return outgoing(layers, i) - incoming(layers, i, i - 1)


def vertices(layers: Sequence[Any]) -> list[tuple[int, int]]:
    """All (i, j) with 0 <= j < i < N: the places of the commutators [B_i, M_ij]."""
    return [(i, j) for i in range(1, len(layers)) for j in range(i)]


def unit(Q: Any) -> Expr:
    """Q^T Q - I."""
    return Q.T * Q - Identity(Q.shape[1])


def table(rows: int, cols: int, entry: Any = lambda i, j: int(i == j)) -> list[list[Any]]:
    """A table of numbers, by default with ones on the diagonal: for witnesses."""
    return [[entry(i, j) for j in range(cols)] for i in range(rows)]


def slots(rows: Width, cols: Width) -> ImmutableMatrix:
    """The rect-diagonal matrix of ones."""
    return ImmutableMatrix(int(rows), int(cols), lambda i, j: int(i == j))


def literal_cores(widths: Sequence[Width]) -> list[Expr]:
    """diag(X_i) J_i: every rect-diagonal core of these (given) widths, X_i square variables."""
    X = MatrixSymbol
    return [DiagonalPart(X(f"X{i}", dim(d), dim(d))) * slots(d, widths[i - 1]) for i, d in enumerate(widths) if i]


def orthogonal(draw: Draw, n: int) -> Any:
    """A random orthogonal matrix (I + K)^{-1} (I - K) with K skew (Cayley): rational where the draw is exact."""
    M = MatrixSymbol("M", n, n)
    env = {"M": draw.matrix(n, n)}
    return draw.solve(Identity(n) + M - M.T, Identity(n) - M + M.T, env)


def aligned_sample(draw: Draw, widths: Sequence[int]) -> tuple[tuple[Any, ...], tuple[Any, ...], dict[str, Any]]:
    """(variables, hypotheses, values) of literally aligned layers W_i = Q_i diag(X_i) J_i Q_{i-1}^T, bases orthogonal."""
    W, Q = layers_of(widths), bases_of(widths)
    values = {q.name: orthogonal(draw, int(q.shape[0])) for q in Q}
    values |= {f"X{i}": draw.matrix(d, d) for i, d in enumerate(widths) if i}
    whole = [b * S * a.T for a, b, S in zip(Q[:-1], Q[1:], literal_cores(widths), strict=True)]
    values |= {w.name: draw.value(e, values) for w, e in zip(W, whole, strict=True)}
    X = tuple(MatrixSymbol(f"X{i}", d, d) for i, d in enumerate(widths) if i)
    given = (*(c for q in Q for c in Orthogonal(q).conditions()), *(equal(w, e) for w, e in zip(W, whole, strict=True)))
    return (*W, *Q, *X), given, values
