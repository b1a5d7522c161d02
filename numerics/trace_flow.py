r"""The flow along the valley that the trace of the Hessian drives: W' = -(c/4) P_T grad Tr H.

Layers W_i (d_i, d_{i-1}), W_1 acts first, X (d_0, n) with samples as columns, c the variance of the label noise of full-batch
descent on \(\tfrac12 |P X - Y|_F^2\), time t = steps x rate^2. P_T projects on the directions that keep P X:
P_T G = G - J^T Z, with Z from J J^T Z = J G.

Source: own derivation; the limit of label noise: arXiv:2110.06914; for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.integrate import solve_ivp

from numerics.hessian import Array, heads, jacobian, tails
from numerics.noise_drift import split

RELATIVE, ABSOLUTE = 1e-11, 1e-13


def trace_gradient(layers: Sequence[Array], X: Array) -> list[Array]:
    """grad Tr H, layer by layer, at any layers.

    >>> [G.item() for G in trace_gradient([np.array([[1.0]]), np.array([[3.0]])], np.eye(1))]
    [2.0, 6.0]
    """
    A, B = heads(layers), tails(layers, X)
    a, b = [float((x * x).sum()) for x in A], [float((x * x).sum()) for x in B]
    N, out = len(layers), []
    for k in range(1, N + 1):
        G, between = np.zeros_like(layers[k - 1]), np.eye(layers[k - 1].shape[1])
        for i in range(k - 1, 0, -1):  # between = W_{k-1} ... W_{i+1}
            G += 2 * b[i - 1] * A[k].T @ A[i] @ between.T
            between = between @ layers[i - 1]
        between = np.eye(layers[k - 1].shape[0])
        for i in range(k + 1, N + 1):  # between = W_{i-1} ... W_{k+1}
            G += 2 * a[i] * between.T @ B[i - 1] @ B[k - 1].T
            between = layers[i - 1] @ between
        out.append(G)
    return out


def trace_velocity(layers: Sequence[Array], X: Array, c: float = 1.0) -> list[Array]:
    """-(c/4) P_T grad Tr H."""
    G, J = trace_gradient(layers, X), jacobian(layers, X)
    flat = np.concatenate([g.ravel() for g in G])
    tangent = flat - np.linalg.pinv(J, rcond=1e-12) @ (J @ flat)
    return split(layers, -c / 4 * tangent)


def flattened(
    layers: Sequence[Array], X: Array, times: Sequence[float], c: float = 1.0, method: str = "DOP853"
) -> list[list[Array]]:
    """The layers at these times under the flow from time 0, by a method of scipy's `solve_ivp` (LSODA for long times)."""

    def speed(_: float, y: Array) -> Array:
        return np.concatenate([v.ravel() for v in trace_velocity(split(layers, y), X, c)])

    start = np.concatenate([W.ravel() for W in layers])
    end = solve_ivp(speed, (0.0, max(times)), start, method, t_eval=list(times), rtol=RELATIVE, atol=ABSOLUTE)
    return [split(layers, y) for y in end.y.T]
