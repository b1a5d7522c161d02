r"""Paths through hidden neurons: the parts of the mean predictor v = P^T that single neurons carry.

For a set S of hidden layers and one node j_i in each layer i of S, v_J is the part of v carried by the paths through these
nodes: v = sum_J v_J. With |z|_A^2 = z^T A z, Q_S = sum_J |v_J|_A^2 is the noise-free second moment with B_i = diag(M_i) on S.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from sympy import Expr, ImmutableDenseMatrix, MatAdd, Mul, Trace

from theory.expressions import DiagonalPart
from theory.theorems.minima.setting import Setting, chain

Layers = tuple[int, ...]


def layer_sets(net: Setting) -> Iterator[Layers]:
    """All sets of hidden layers, the empty one first."""
    hidden = range(1, net.depth)
    return (S for size in range(net.depth) for S in combinations(hidden, size))


def variance(net: Setting, S: Layers) -> Expr:
    """The product of s_i over i in S."""
    return Mul(*(net.noise[i - 1] for i in S))


def path_energy(net: Setting, S: Layers) -> Expr:
    """Q_S, written with diagonal parts: at all widths."""
    B: Expr = net.A
    for i, W in enumerate(net.layers[:-1], 1):
        M = W * B * W.T
        B = DiagonalPart(M) if i in S else M
    return Trace(net.layers[-1] * B * net.layers[-1].T)


def path_form(net: Setting) -> Expr:
    """The sum over S of (prod_{i in S} s_i) Q_S."""
    return sum(variance(net, S) * path_energy(net, S) for S in layer_sets(net))


def nodes(net: Setting, S: Layers) -> list[Layers]:
    """The tuples J of nodes on S, counted from 0; the hidden widths must be numbers."""
    return list(product(*(range(int(net.widths[i])) for i in S)))


def carried_by(net: Setting, S: Layers, J: Layers) -> Expr:
    """v_J^T, a row: the product of the layers with e_j e_j^T between the layers i and i + 1 for each i in S."""
    at = dict(zip(S, J, strict=True))
    factors: list[Expr] = []
    for i, W in enumerate(net.layers, 1):
        factors.append(W)
        if i in at:
            factors.append(_node(int(net.widths[i]), at[i]))
    return chain(*reversed(factors))


def _node(d: int, j: int) -> ImmutableDenseMatrix:
    return ImmutableDenseMatrix(d, d, lambda r, c: int(r == c == j))


def differences(net: Setting, S: Layers) -> list[Expr]:
    """The rows v_J^T - v_J'^T over the unordered pairs of nodes on S."""
    rows = [carried_by(net, S, J) for J in nodes(net, S)]
    return [MatAdd(x, chain(-1, y)) for x, y in combinations(rows, 2)]
