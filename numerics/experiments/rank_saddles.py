"""R20: critical points from singular components: the exact negative curvature, and the least eigenvalue of the Hessian."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from numerics.dynamics import Array, gradients
from numerics.experiments import Experiment, Figures

SAME, NEGATIVE = 1e-10, -1e-8


def target(rng: np.random.Generator, m: int, n: int) -> tuple[Array, Array, Array]:
    """U, sigma, V of a target with singular values at least 0.2 apart."""
    k = min(m, n)
    U, V = (np.linalg.qr(rng.standard_normal((d, d)))[0][:, :k] for d in (m, n))
    return U, np.cumsum(rng.uniform(0.2, 0.6, k))[::-1].copy(), V


def critical(
    rng: np.random.Generator, widths: list[int], chosen: NDArray[np.int64]
) -> tuple[list[Array], tuple[Array, Array, Array]]:
    """Layers whose product is the sum of the chosen singular components of a target, in random frames of the hidden layers."""
    U, s, V = target(rng, widths[-1], widths[0])
    k = len(chosen)
    frames = [V[:, chosen].T, *(np.linalg.qr(rng.standard_normal((d, d)))[0][:, :k] for d in widths[1:-1]), U[:, chosen]]
    layers = [frames[1] @ (s[chosen, None] * frames[0])]
    layers += [b @ a.T for a, b in pairwise(frames[1:])]
    return layers, (U, s, V)


def form(layers: list[Array], A: Array, direction: list[Array]) -> float:
    """The Hessian form of 1/2 |P - A|^2, from the coefficients of P(t) up to second order."""
    zero, one, two = layers[0], direction[0], np.zeros_like(layers[0])
    for W, D in zip(layers[1:], direction[1:], strict=True):
        zero, one, two = W @ zero, W @ one + D @ zero, W @ two + D @ one
    return float((one**2).sum() + 2 * ((zero - A) * two).sum())


def turned(layers: list[Array], U: Array, V: Array, i: int, j: int) -> list[Array]:
    """W_N -> Omega W_N, W_1 -> W_1 Omega'^T."""
    left = np.outer(U[:, j], U[:, i]) - np.outer(U[:, i], U[:, j])
    right = np.outer(V[:, j], V[:, i]) - np.outer(V[:, i], V[:, j])
    return [layers[0] @ right.T, *(np.zeros_like(W) for W in layers[1:-1]), left @ layers[-1]]


def least_eigenvalue(layers: list[Array], A: Array) -> float:
    """Of the Hessian, by polarisation; small networks only."""
    sizes = [W.size for W in layers]
    n = sum(sizes)

    def direction(x: Array) -> list[Array]:
        return [part.reshape(W.shape) for part, W in zip(np.split(x, np.cumsum(sizes)[:-1]), layers, strict=True)]

    unit = np.eye(n)
    diagonal = [form(layers, A, direction(e)) for e in unit]
    H = np.diag(diagonal)
    for a in range(n):
        for b in range(a):
            both = form(layers, A, direction(unit[a] + unit[b]))
            H[a, b] = H[b, a] = (both - diagonal[a] - diagonal[b]) / 2
    return float(np.linalg.eigvalsh(H)[0])


def one(rng: np.random.Generator, widths: list[int]) -> tuple[float, float, float]:
    """(gradient, |q + 2 sigma_i (sigma_j - sigma_i)| over |A|^2, the least form): some larger component is left out."""
    k = min(widths)
    chosen = np.sort(rng.permutation(k)[: max(1, k // 2)])
    if (chosen == np.arange(len(chosen))).all():
        chosen = chosen + 1 if chosen[-1] + 1 < min(widths[0], widths[-1]) else chosen[1:]
    layers, (U, s, V) = critical(rng, widths, chosen)
    A = (U * s) @ V.T
    size = float((A**2).sum())
    slope = max(float(np.abs(G).max()) for G in gradients(layers, lambda P: P - A)) / size
    pairs = [(i, j) for i in chosen for j in range(len(s)) if j not in chosen and s[j] > s[i]]
    forms = [form(layers, A, turned(layers, U, V, i, j)) for i, j in pairs]
    gap = max(abs(q + 2 * s[i] * (s[j] - s[i])) / size for q, (i, j) in zip(forms, pairs, strict=True))
    return slope, gap, min(forms)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 50 if thorough else 8
    found = [one(rng, [int(d) for d in rng.integers(4, 31, depth + 1)]) for depth in (2, 3, 4) for _ in range(runs)]
    slope, gap, worst = (float(max(x[k] for x in found)) for k in range(3))
    layers, (U, s, V) = critical(rng, [3, 2, 3], np.array([2]))
    least = least_eigenvalue(layers, (U * s) @ V.T)
    best, (U, s, V) = critical(rng, [3, 2, 3], np.array([0, 1]))
    kept = least_eigenvalue(best, (U * s) @ V.T)
    figures: Figures = {"points": len(found), "gradient": slope, "curvature": gap, "largest least form": worst}
    figures |= {"least eigenvalue": least, "at the minimum": kept}
    return figures, max(slope, gap) <= SAME and worst < NEGATIVE and least < NEGATIVE and kept > -1e-9


EXPERIMENT = Experiment(
    "rank", "R20", "Hessian form", "within 1e-10 |A|^2 of -2 s_i (s_j - s_i), negative; none at the minimum", measure
)
