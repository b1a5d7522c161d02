r"""INV-6: one step from rank-one networks under four losses, smooth and partly not convex, keeps the hidden directions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from numerics.alignment import commutator_residual
from numerics.dynamics import Array, descended, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.aligned import random_widths

STAYS, LEAVES = 1e-12, 1e-8
# Derivatives of the loss of one output and target, by the output.
LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "squared": lambda f, y: f - y,
    "softplus": lambda f, y: -y / (1 + np.exp(y * f)),
    "cosine": lambda f, y: np.sin(f - y),
    "saturating": lambda f, y: 2 * (f - y) / (1 + (f - y) ** 2) ** 2,
}


def network(rng: np.random.Generator, widths: tuple[int, ...]) -> tuple[list[Array], list[Array]]:
    """The layers and the hidden unit vectors."""
    u = [v / np.linalg.norm(v) for v in (rng.normal(size=d) for d in widths[1:-1])]
    first, last = np.outer(u[0], rng.normal(size=widths[0])), np.outer(rng.normal(size=widths[-1]), u[-1])
    return [first, *(rng.normal() * np.outer(a, b) for a, b in zip(u[1:], u[:-1], strict=True)), last], u


def turned(layers: list[Array], u: list[Array]) -> float:
    """How far rows and columns of the layers are from the hidden directions, over their norms."""
    left = [W - np.outer(v, v) @ W for W, v in zip(layers[:-1], u, strict=True)]
    right = [W - W @ np.outer(v, v) for W, v in zip(layers[1:], u, strict=True)]
    sizes = [1 + float(np.linalg.norm(W)) for W in (*layers[:-1], *layers[1:])]
    return max(float(np.linalg.norm(r)) / n for r, n in zip((*left, *right), sizes, strict=True))


def one(rng: np.random.Generator, derivative: Callable[[Array, Array], Array]) -> float:
    widths = random_widths(rng, int(rng.integers(2, 6)), 5)
    layers, u = network(rng, widths)
    X, Y = rng.normal(size=(widths[0], 6)), rng.normal(size=(widths[-1], 6))
    after = descended(layers, lambda P: derivative(P @ X, Y) @ X.T, float(rng.uniform(-0.5, 0.5)))
    return max(turned(after, u), commutator_residual(after))


def full_rank(rng: np.random.Generator) -> float:
    """The commutator after one step from an aligned first layer of full rank, one output."""
    W, V = np.diag(rng.uniform(1, 2, 3)), np.array([[1.0, 0, 0]])
    X, Y = rng.normal(size=(3, 6)), rng.normal(size=(1, 6))
    return commutator_residual(descended([W, V], squared_slope(X, Y), 0.1))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 300 if thorough else 30
    worst = {name: max(one(rng, f) for _ in range(count)) for name, f in LOSSES.items()}
    other = min(full_rank(rng) for _ in range(count))
    figures: Figures = {"networks": count * len(LOSSES), **worst, "least residual at full rank": other}
    return figures, max(worst.values()) <= STAYS and other >= LEAVES


EXPERIMENT = Experiment(
    "alignment", "INV-6", "one step", "hidden directions within 1e-12 under every loss; full rank leaves", measure
)
