r"""H10 by integration: the flow that label noise drives on two layers, X = I.

With d_0 = d_2 = d the imbalance is D(0) e^{-cdt}, and the trace falls to 2 d |P|_*; with d_0 != d_2 it falls to
2 (d_0 d_2)^{1/2} |P|_*, at layers that are not balanced.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.dynamics import product
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import gaussian
from numerics.flattest import least_trace
from numerics.hessian import Array, hessian_trace
from numerics.trace_flow import flattened

EXACT, FAR = 1e-7, 1e-2
NOISE = 0.7


def imbalance(layers: list[Array]) -> Array:
    W, V = layers
    return V.T @ V - W @ W.T


def decayed(D: Array, width: int, time: float) -> Array:
    """The imbalance that label noise leaves."""
    return np.asarray(D * np.exp(-NOISE * width * time))


def run(rng: np.random.Generator, widths: tuple[int, int, int], end: float) -> tuple[list[list[Array]], float]:
    """The layers on the way, at a fifth of the time and at its end, and how far their product moved."""
    start = gaussian(rng, widths)
    path = [start, *flattened(start, np.eye(widths[0]), (end / 20, end / 5, end), NOISE)]
    return path, max(float(np.abs(product(W) - product(start)).max()) for W in path)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    law = moved = least = 0.0
    d, end = 8, 5.0
    for _ in range(5 if thorough else 1):
        path, shift = run(rng, (d, 9, d), end)
        D = imbalance(path[0])
        for W, time in zip(path[1:], (end / 20, end / 5, end), strict=True):
            law = max(law, float(np.linalg.norm(imbalance(W) - decayed(D, d, time)) / np.linalg.norm(D)))
        moved, least = max(moved, shift), max(least, hessian_trace(path[-1]) / least_trace(product(path[0]), None, 2) - 1)
    path, shift = run(rng, (5, 7, 3), 4 * end)
    other = hessian_trace(path[-1]) / least_trace(product(path[0]), None, 2) - 1
    left = float(np.linalg.norm(imbalance(path[-1])) / np.linalg.norm(imbalance(path[0])))
    falls = all(hessian_trace(b) < hessian_trace(a) for a, b in pairwise(path))
    figures: Figures = {
        "largest deviation from the exponential law": law,
        "product moved by": max(moved, shift),
        "trace above the least, d_0 = d_2": least,
        "trace above the least, d_0 != d_2": other,
        "imbalance left, d_0 != d_2": left,
    }
    return figures, max(law, moved, shift, abs(least), abs(other)) <= EXACT and left >= FAR and falls


DETAIL = "law of the imbalance, product and final trace within 1e-7; with d_0 != d_2 more than 1e-2 of the imbalance stays"
EXPERIMENT = Experiment("hessian", "H10", "integrated flow", DETAIL, measure)
