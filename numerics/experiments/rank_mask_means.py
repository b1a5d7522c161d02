"""R16: d_1 sum_j |w_2j|^2 |w_1j|^2 against the squared nuclear norm, and the mean loss against sampled masks."""

from __future__ import annotations

import numpy as np

from numerics.dynamics import Array
from numerics.experiments import Experiment, Figures

SAME = 1e-11


def size(V: Array, W: Array) -> float:
    """d_1 sum_j |w_2j|^2 |w_1j|^2."""
    return float(len(W) * ((V**2).sum(0) * (W**2).sum(1)).sum())


def nuclear(P: Array) -> float:
    return float(np.linalg.svd(P, compute_uv=False).sum())


def equalised(P: Array, n: int) -> tuple[Array, Array]:
    """P = V W with n hidden neurons of equal size: the columns of a Hadamard matrix of size n mix the singular components."""
    U, s, T = np.linalg.svd(P, full_matrices=False)
    H = np.ones((1, 1))
    while len(H) < n:
        H = np.block([[H, H], [H, -H]])
    H = H[: len(s)] / np.sqrt(n)
    return (U * np.sqrt(s)) @ H, H.T @ (np.sqrt(s)[:, None] * T)


def mean_loss(V: Array, W: Array, X: Array, Y: Array, p: float) -> float:
    """The mean of |W_2 D W_1 X / p - Y|^2 in closed form."""
    penalty = ((V**2).sum(0) * ((W @ X) ** 2).sum(1)).sum()
    return float(((V @ W @ X - Y) ** 2).sum() + (1 - p) / p * penalty)


def enumerated(V: Array, W: Array, X: Array, Y: Array, p: float) -> float:
    """The same mean over all 2^d_1 masks."""
    n = len(W)
    masks = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    weights = p ** masks.sum(1) * (1 - p) ** (n - masks.sum(1))
    out = np.einsum("ij,bj,jk->bik", V, masks / p, W @ X) - Y
    return float((weights * (out**2).sum((1, 2))).sum())


def one(rng: np.random.Generator, n: int) -> tuple[float, float, float]:
    """Relative (slack of the bound, gap of the equalised factors, difference of the means)."""
    V, W, X, Y = (rng.standard_normal(s) for s in ((6, n), (n, 5), (5, 7), (6, 7)))
    P = V @ W if n >= 5 else rng.standard_normal((6, 1)) @ rng.standard_normal((1, 5))
    whole = nuclear(V @ W) ** 2
    low, high = equalised(P, 8)
    gap = abs(size(low, high) / nuclear(P) ** 2 - 1) + float(np.abs(low @ high - P).max())
    p = float(rng.uniform(0.2, 0.9))
    means = mean_loss(V, W, X, Y, p), enumerated(V, W, X, Y, p)
    return size(V, W) / whole - 1, gap, abs(means[0] / means[1] - 1)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    found = [one(rng, n) for n in range(1, 9) for _ in range(100 if thorough else 5)]
    slack, gap, difference = min(x[0] for x in found), max(x[1] for x in found), max(x[2] for x in found)
    figures: Figures = {"factorisations": len(found), "least slack": slack, "equalised": gap, "means": difference}
    return figures, slack >= -SAME and gap <= SAME and difference <= SAME


DETAIL = "slack >= -1e-11, reached within 1e-11 by equalised factors; the mean loss over all masks"
EXPERIMENT = Experiment("rank", "R16", "inequality and means", DETAIL, measure)
