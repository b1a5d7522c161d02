"""R18: dead neurons under all noise in data and architecture at once: their weights stay 0.0 bit by bit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.dynamics import Array
from numerics.experiments import Experiment, Figures


def gradients(layers: list[Array], masks: list[Array], X: Array, Y: Array) -> list[Array]:
    """Gradients of the loss where masks[i] multiplies the hidden activations i (one mask for all samples)."""
    outputs = [X]
    for W, m in zip(layers[:-1], masks, strict=True):
        outputs.append(m[:, None] * (W @ outputs[-1]))
    error, found = layers[-1] @ outputs[-1] - Y, []
    for i in range(len(layers) - 1, -1, -1):
        found.append(error @ outputs[i].T / X.shape[1])
        if i:
            error = masks[i - 1][:, None] * (layers[i].T @ error)
    return found[::-1]


def trained(rng: np.random.Generator, layers: list[Array], steps: int, noise: float) -> list[Array]:
    """Noisy inputs and labels, dropout, DropConnect, momentum and weight decay; `noise` is added to the weights."""
    speeds = [np.zeros_like(W) for W in layers]
    for _ in range(steps):
        X, Y = rng.standard_normal((layers[0].shape[1], 8)), rng.standard_normal((layers[-1].shape[0], 8))
        weights = [rng.integers(0, 2, W.shape).astype(float) for W in layers]
        masks = [rng.integers(0, 2, len(W)).astype(float) for W in layers[:-1]]
        G = gradients([W * Z for W, Z in zip(layers, weights, strict=True)], masks, X, Y)
        speeds = [0.9 * v - 1e-2 * Z * g for v, Z, g in zip(speeds, weights, G, strict=True)]
        layers = [0.999 * W + v + noise * rng.standard_normal(W.shape) for W, v in zip(layers, speeds, strict=True)]
    return layers


def one(rng: np.random.Generator, depth: int, noise: float) -> tuple[int, float]:
    """(weights of dead neurons that are not 0.0, the largest relative movement of a layer)."""
    widths = [int(d) for d in rng.integers(10, 31, depth + 1)]
    layers = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(widths)]
    dead = [rng.random(d) < 0.3 for d in widths[1:-1]]
    for i, gone in enumerate(dead):
        layers[i][gone], layers[i + 1][:, gone] = 0.0, 0.0
    after = trained(rng, layers, 60, noise)
    revived = sum(int(np.count_nonzero(after[i][g]) + np.count_nonzero(after[i + 1][:, g])) for i, g in enumerate(dead))
    moved = max(float(np.linalg.norm(b - a) / np.linalg.norm(a)) for a, b in zip(layers, after, strict=True))
    return revived, moved


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    found = [one(rng, depth, 0.0) for depth in (2, 3, 4) for _ in range(20 if thorough else 1)]
    revived, moved = sum(x[0] for x in found), min(x[1] for x in found)
    noisy = one(rng, 2, 1e-9)[0]
    figures: Figures = {"runs": len(found), "revived": revived, "least movement": moved, "revived by noise on weights": noisy}
    return figures, revived == 0 and 0.05 <= moved <= 10 and noisy > 0


EXPERIMENT = Experiment("rank", "R18", "training", "no weight of a dead neuron other than 0.0 after 60 steps", measure)
