r"""The noisy linear network written out in entries, and its loss by taking expectations.

Setting: $f = W_N \epsilon_{N-1} W_{N-1} \dots \epsilon_1 W_1 x$ with diagonal noise matrices $\epsilon_i$ whose entries are
independent, of mean 1 and variance $s_i$, and independent of the data. Only the second moments $A = \mathbb{E}[xx^T]$,
$g = \mathbb{E}[xy]$, $Y = \mathbb{E}[y^2]$ enter. Everything here is a polynomial. Source: arXiv:2202.04777.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from theory.errors import InvalidInput

Y = sp.Symbol("Y", positive=True)
MAX_PATHS, MAX_WIDTH = 12, 4


@dataclass(frozen=True, slots=True)
class Network:
    r"""Symbols of a network of these widths: layers $W_1, \dots, W_N$, data moments, decays, noise variances and masks."""

    widths: tuple[int, ...]
    layers: tuple[sp.ImmutableDenseMatrix, ...]
    second: sp.ImmutableDenseMatrix
    cross: sp.ImmutableDenseMatrix
    decay: tuple[sp.Symbol, ...]
    noise: tuple[sp.Symbol, ...]
    masks: tuple[tuple[sp.Symbol, ...], ...]
    x: sp.ImmutableDenseMatrix
    y: sp.Symbol

    @property
    def depth(self) -> int:
        """The number of weight matrices."""
        return len(self.layers)

    @property
    def weights(self) -> tuple[sp.Symbol, ...]:
        """All entries of all layers, row by row."""
        return tuple(entry for layer in self.layers for entry in layer)


@functools.cache
def network(widths: tuple[int, ...], diagonal: bool = False) -> Network:
    r"""The network of these widths; with ``diagonal``, in coordinates of $x$ in which $A$ is diagonal.

    >>> network((2, 1)).layers[0]
    Matrix([[w__1_11, w__1_12]])
    """
    size, depth = widths[0], len(widths) - 1
    shapes = list(zip(widths[1:], widths, strict=False))
    return Network(
        widths=widths,
        layers=tuple(_matrix(f"w__{i}_", *shape) for i, shape in enumerate(shapes, 1)),
        second=sp.ImmutableDenseMatrix(size, size, functools.partial(_moment, diagonal)),
        cross=sp.ImmutableDenseMatrix([sp.Symbol(f"g_{k + 1}", real=True) for k in range(size)]),
        decay=sp.symbols(f"gamma_1:{depth + 1}", positive=True),
        noise=sp.symbols(f"s_1:{depth}", nonnegative=True),
        masks=tuple(sp.symbols(f"epsilon__{i}_1:{width + 1}") for i, width in enumerate(widths[1:-1], 1)),
        x=sp.ImmutableDenseMatrix([sp.Symbol(f"x_{k + 1}") for k in range(size)]),
        y=sp.Symbol("y"),
    )


def _matrix(stem: str, rows: int, columns: int) -> sp.ImmutableDenseMatrix:
    return sp.ImmutableDenseMatrix(rows, columns, lambda j, k: sp.Symbol(f"{stem}{j + 1}{k + 1}", real=True))


def _moment(diagonal: bool, j: int, k: int) -> sp.Expr:
    if diagonal:
        return sp.Symbol(f"a_{j + 1}", nonnegative=True) if j == k else sp.Integer(0)
    return sp.Symbol(f"A_{min(j, k) + 1}{max(j, k) + 1}", real=True)


def output(net: Network) -> sp.Expr:
    r"""The prediction $f(x, \epsilon)$, expanded.

    >>> output(network((1, 2, 1)))
    epsilon__1_1*w__1_11*w__2_11*x_1 + epsilon__1_2*w__1_21*w__2_12*x_1
    """
    signal: sp.MatrixBase = net.x
    for layer, mask in zip(net.layers, (*net.masks, (sp.Integer(1),)), strict=True):
        signal = sp.diag(*mask) * layer * signal
    return sp.expand(signal[0])


def expectation(net: Network, polynomial: sp.Expr) -> sp.Expr:
    r"""$\mathbb{E}$ of a polynomial of degree at most 2 in each mask, and of degree 2 in $(x, y)$, term by term.

    Independence turns a monomial into the product of its moments: 1 and $1 + s_i$ for a mask, an entry of $A$, $g$ or
    $Y$ for the data.
    """
    masks = [mask for layer in net.masks for mask in layer]
    noise = [variance for variance, layer in zip(net.noise, net.masks, strict=True) for _ in layer]
    poly = sp.Poly(polynomial, *masks, *net.x, net.y)
    total = sp.Integer(0)
    for powers, coefficient in poly.terms():
        square = [1 + s for s, power in zip(noise, powers, strict=False) if power == 2]
        total += coefficient * sp.prod(square) * _data_moment(net, powers[len(masks) :])
    return sp.expand(total)


def _data_moment(net: Network, powers: Sequence[int]) -> sp.Expr:
    places = [place for place, power in enumerate(powers) for _ in range(power)]
    size = net.widths[0]
    match places:
        case [j, k] if k < size:
            return net.second[j, k]
        case [j, _] if j < size:
            return net.cross[j]
        case [_, _]:
            return Y
    raise InvalidInput("polynomial", places, "terms of degree 2 in the data")


def mean_predictor(net: Network) -> sp.ImmutableDenseMatrix:
    r"""$v^T = W_N \dots W_1$ as a row: the prediction without noise.

    >>> mean_predictor(network((1, 2, 1)))
    Matrix([[w__1_11*w__2_11 + w__1_21*w__2_12]])
    """
    product: sp.MatrixBase = sp.eye(net.widths[0])
    for layer in net.layers:
        product = layer * product
    return sp.ImmutableDenseMatrix(product)


def penalty(net: Network) -> sp.Expr:
    r"""$\sum_i \gamma_i |W_i|_F^2$.

    >>> penalty(network((1, 1)))
    gamma_1*w__1_11**2
    """
    return sum((decay * sum(w**2 for w in layer) for decay, layer in zip(net.decay, net.layers, strict=True)), sp.Integer(0))


@functools.cache
def loss(net: Network) -> sp.Expr:
    r"""$L = \mathbb{E}[(f - y)^2] + \sum_i \gamma_i |W_i|_F^2$, expanded, from the definition.

    >>> loss(network((1, 1)))
    A_11*w__1_11**2 + Y - 2*g_1*w__1_11 + gamma_1*w__1_11**2
    """
    return sp.expand(expectation(net, sp.expand((output(net) - net.y) ** 2)) + penalty(net))


def moment_matrices(net: Network) -> tuple[sp.ImmutableDenseMatrix, ...]:
    r"""$B_0, \dots, B_N$: $B_0 = A$, $M_i = W_i B_{i-1} W_i^T$, $B_i = M_i + s_i \operatorname{diag}(M_i)$, $s_N = 0$.

    $B_i$ is the second moment of the signal after layer $i$ and its noise; $B_N = \mathbb{E}[f^2]$.
    """
    matrices: list[sp.MatrixBase] = [net.second]
    for layer, variance in zip(net.layers, (*net.noise, sp.Integer(0)), strict=True):
        matrices.append(with_noise(layer * matrices[-1] * layer.T, variance))
    return tuple(sp.ImmutableDenseMatrix(matrix) for matrix in matrices)


def with_noise(matrix: sp.MatrixBase, variance: sp.Expr) -> sp.MatrixBase:
    r"""$M + s \operatorname{diag}(M)$.

    >>> with_noise(sp.ones(2, 2), sp.Integer(3))
    Matrix([
    [4, 1],
    [1, 4]])
    """
    return matrix + variance * sp.diag(*matrix.diagonal())


def valid_widths(widths: object, depth: object, default: tuple[int, ...]) -> tuple[int, ...]:
    """Widths ``(d_0, ..., d_{N-1}, 1)`` small enough to write out, completed from ``depth`` by ``default``.

    >>> valid_widths(None, 3, (2, 2))
    (2, 2, 2, 1)
    """
    if widths is None:
        return _default_widths(depth, default)
    if not isinstance(widths, (tuple, list)) or not _small(widths):
        raise InvalidInput(
            "widths", widths, f"(d_0, ..., d_N) with d_N = 1, each at most {MAX_WIDTH}, product at most {MAX_PATHS}"
        )
    if depth is not None and depth != len(widths) - 1:
        raise InvalidInput("depth", depth, f"{len(widths) - 1}, the number of weight matrices of widths {tuple(widths)}")
    return tuple(widths)


def _small(widths: Sequence[object]) -> bool:
    numbers = [d for d in widths if isinstance(d, int) and not isinstance(d, bool) and 1 <= d <= MAX_WIDTH]
    return len(numbers) == len(widths) >= 2 and numbers[-1] == 1 and math.prod(numbers) <= MAX_PATHS


def _default_widths(depth: object, default: tuple[int, ...]) -> tuple[int, ...]:
    wanted = len(default) if depth is None else depth
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= 4:
        raise InvalidInput("depth", depth, "a number of weight matrices from 1 to 4")
    return (*default[:wanted], *(2,) * (wanted - len(default)), 1)
