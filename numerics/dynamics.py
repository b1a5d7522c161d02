r"""Gradient descent and gradient flow of deep linear networks in floats, and the closed forms of aligned modes.

Layers W_1, ..., W_N (W_1 acts first), data X, Y, loss 1/2 |P X - Y|_F^2. Flows are integrated by scipy's DOP853. In one mode
of an aligned network, with all layers equal to b and \(\dot b = b^{N-1}(c - s b^N)\), `layer_value` gives b(t) without
integration; from depth 3 on it inverts the time t(b), which is ill-conditioned near the target: compare layer values, never
times.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import atan2, cos, exp, inf, log, log1p, pi, prod, sin

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from theory.errors import InvalidInput

Array = NDArray[np.float64]
Slope = Callable[[Array], Array]
RELATIVE, ABSOLUTE = 1e-11, 1e-13


# -- networks -----------------------------------------------------------------------------------------------------------


def product(layers: Sequence[Array]) -> Array:
    """W_N ... W_1."""
    out = layers[0]
    for W in layers[1:]:
        out = W @ out
    return out


def squared_slope(X: Array, Y: Array) -> Slope:
    """The gradient of the squared loss by the product: P -> (P X - Y) X^T."""
    return lambda P: np.asarray((P @ X - Y) @ X.T)


def gradients(layers: Sequence[Array], slope: Slope) -> list[Array]:
    """(W_N ... W_{i+1})^T M (W_{i-1} ... W_1)^T for every layer, M the slope at the product."""
    below, above = [np.eye(layers[0].shape[1])], [np.eye(layers[-1].shape[0])]
    for W, V in zip(layers[:-1], reversed(layers[1:]), strict=True):
        below.append(W @ below[-1])
        above.append(above[-1] @ V)
    M = slope(product(layers))
    return [a.T @ M @ b.T for a, b in zip(reversed(above), below, strict=True)]


def descended(layers: Sequence[Array], slope: Slope, rate: float) -> list[Array]:
    """The layers after one step of gradient descent."""
    return [W - rate * G for W, G in zip(layers, gradients(layers, slope), strict=True)]


def flowed(layers: Sequence[Array], slope: Slope, times: Sequence[float] | Array) -> list[list[Array]]:
    """The layers at these times under gradient flow from time 0."""
    shapes = [W.shape for W in layers]

    def speed(_: float, y: Array) -> Array:
        return -_packed(gradients(_unpacked(y, shapes), slope))

    return [_unpacked(y, shapes) for y in _integrated(speed, _packed(layers), times)]


def _packed(layers: Sequence[Array]) -> Array:
    return np.concatenate([W.ravel() for W in layers])


def _unpacked(y: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    parts = np.split(y, np.cumsum([prod(s) for s in shapes])[:-1])
    return [part.reshape(s) for part, s in zip(parts, shapes, strict=True)]


def _integrated(speed: Callable[[float, Array], Array], start: Array, times: Sequence[float] | Array) -> Array:
    moments = np.asarray(times, dtype=np.float64)
    if moments.ndim != 1 or not len(moments) or not np.isfinite(moments).all() or (np.diff(moments, prepend=0.0) < 0).any():
        raise InvalidInput("times", times, "increasing finite times >= 0")
    found = solve_ivp(speed, (0.0, float(moments[-1])), start, "DOP853", moments, rtol=RELATIVE, atol=ABSOLUTE)
    if not found.success:
        raise InvalidInput("start", start, f"a flow that can be integrated: {found.message}")
    return np.asarray(found.y.T)


# -- one mode -----------------------------------------------------------------------------------------------------------


def mode_flow(values: Sequence[float], s: float, c: float, times: Sequence[float] | Array) -> Array:
    """The singular values of one mode at these times under gradient flow, of shape (len(times), N), by integration."""

    def speed(_: float, x: Array) -> Array:
        others = np.array([np.prod(np.delete(x, i)) for i in range(len(x))])
        return np.asarray((c - s * np.prod(x)) * others)

    return _integrated(speed, np.asarray(values, dtype=np.float64), times)


def layer_value(time: float, start: float, s: float, c: float, depth: int) -> float:
    """b(t) of a balanced mode in closed form: start > 0, s > 0, c >= 0 (c of any sign at depths 1 and 2).

    >>> layer_value(0.0, 0.5, 1.0, 2.0, 4)
    0.5
    >>> round(layer_value(50.0, 0.5, 1.0, 16.0, 4), 6)
    2.0
    """
    _check_mode(time, start, s, c, depth)
    if depth == 1:
        return c / s + (start - c / s) * exp(-s * time)
    if c == 0:
        n = 2 * depth - 2
        return float((start**-n + n * s * time) ** (-1 / n))
    if depth == 2:
        return float(np.sqrt(_sigmoid(time, start**2, s, c)))
    return _inverted(time, start, s, c, depth)


def _check_mode(time: float, start: float, s: float, c: float, depth: int) -> None:
    if depth < 1:
        raise InvalidInput("depth", depth, "a number of layers >= 1")
    if not 0 <= time < inf:
        raise InvalidInput("time", time, "a finite time >= 0")
    if not 0 < start < inf:
        raise InvalidInput("start", start, "a positive layer value")
    if not 0 < s < inf:
        raise InvalidInput("s", s, "a positive number")
    if not np.isfinite(c) or (c < 0 and depth > 2):
        raise InvalidInput("c", c, "a finite number, >= 0 from depth 3 on")


def _sigmoid(time: float, a0: float, s: float, c: float) -> float:
    """c a_0 / (s a_0 + (c - s a_0) e^{-2ct}), written so that nothing overflows for c < 0."""
    if c > 0:
        return c * a0 / (s * a0 + (c - s * a0) * exp(-2 * c * time))
    decay = exp(2 * c * time)
    return c * a0 * decay / (s * a0 * decay + (c - s * a0))


def _inverted(time: float, start: float, s: float, c: float, depth: int) -> float:
    """The layer value between start and target at which the elapsed time is `time`, the target scaled to 1."""
    target = (c / s) ** (1 / depth)
    u0, unit = start / target, target ** (2 - depth) / c
    near = 1 - 2**-52 if u0 < 1 else 1 + 2**-51

    def elapsed(u: float) -> float:
        return float(unit * (potential(u, depth) - potential(u0, depth)) - time)

    if abs(u0 - 1) <= 2**-50 or elapsed(near) <= 0:
        return target if time else start
    return target * float(brentq(elapsed, *sorted((u0, near)), xtol=1e-15, rtol=8.9e-16)) if time else start


def potential(u: float, depth: int) -> float:
    r"""An antiderivative of 1/(u^{N-1}(1 - u^N)) on each side of 1, for N = depth >= 3, in elementary functions.

    -u^{2-N}/(N-2) - 1/N sum of zeta^2 ln(1 - u/zeta) over the N-th roots of unity. (It is a hypergeometric function, but
    scipy 1.17 evaluates 2F1(1, 4/3; 7/3; x) wrongly for x in (0.99, 1).)
    """
    total = -(u ** (2 - depth)) / (depth - 2) - log(abs(1 - u)) / depth
    if depth % 2 == 0:
        total -= log1p(u) / depth
    for j in range(1, (depth - 1) // 2 + 1):
        angle = 2 * pi * j / depth
        turn = atan2(u * sin(angle), 1 - u * cos(angle))
        size = log((1 - u * cos(angle)) ** 2 + (u * sin(angle)) ** 2)
        total += (2 * sin(2 * angle) * turn - cos(2 * angle) * size) / depth
    return total


def unbalanced_product(time: float, values: tuple[float, float], s: float, c: float) -> float:
    """The product of the two values of a mode at depth 2, in closed form; the values differ in size, s > 0.

    >>> round(unbalanced_product(0.0, (1.0, 3.0), 1.0, 2.0), 12)
    3.0
    """
    x, y = values
    delta = y * y - x * x
    if delta == 0 or not np.isfinite(delta):
        raise InvalidInput("values", values, "two finite values of different size")
    _check_mode(time, 1.0, s, c, 2)
    root = np.sqrt(4 * c * c + (s * delta) ** 2)
    high, low, w, decay = (2 * c + root) / (s * delta), (2 * c - root) / (s * delta), (y + x) / (y - x), exp(-root * time)
    moved = (high * (w - low) - low * (w - high) * decay) / ((w - low) - (w - high) * decay)
    return float(delta * (moved - 1 / moved) / 4)
