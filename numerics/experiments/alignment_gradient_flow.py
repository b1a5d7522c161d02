"""INV-8: shifted-balanced networks stay aligned under gradient flow while their bases rotate; others do not."""

from __future__ import annotations

import numpy as np

from numerics.alignment import commutator_residual
from numerics.dynamics import Array, flowed, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.aligned import orthogonal

STAYS, TURNS, LOST = 1e-9, 0.1, 0.1
TIMES = (0.5, 1.0, 2.0)


def shifted(rng: np.random.Generator, n: int, depth: int) -> list[Array]:
    """Square layers with W_{i+1}^T W_{i+1} - W_i W_i^T = c_i I, c_i >= 0."""
    Q = [orthogonal(rng, n) for _ in range(depth + 1)]
    squares, layers = rng.uniform(0.2, 1.5, n), []
    for i in range(depth):
        layers.append(Q[i + 1] @ np.diag(np.sqrt(squares)) @ Q[i].T)
        squares = squares + rng.uniform(0, 0.5)
    return layers


def turning(before: Array, after: Array) -> float:
    """|sin| of the angle between the leading left singular vectors."""
    u, v = (np.linalg.svd(W)[0][:, 0] for W in (before, after))
    return float(np.sqrt(max(0.0, 1 - float(u @ v) ** 2)))


def one(rng: np.random.Generator) -> tuple[float, float]:
    n, depth = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    layers = shifted(rng, n, depth)
    path = flowed(layers, squared_slope(rng.normal(size=(n, n + 1)), rng.normal(size=(n, n + 1))), TIMES)
    return max(map(commutator_residual, path)), turning(layers[0], path[-1][0])


def lost() -> float:
    """The commutator at time 3/2 from an aligned start that is not shifted-balanced: S = [[2,1],[1,2]], C = diag(1,3)."""
    S, C = np.array([[2.0, 1], [1, 2]]), np.diag([1.0, 3])
    start = [np.diag([1.0, 2]), np.diag([1.5, 0.5])]
    W, V = flowed(start, lambda P: P @ S - C, (1.5,))[0]
    A, B = W @ W.T, V.T @ V
    return float(np.linalg.norm(A @ B - B @ A))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    found = [one(rng) for _ in range(60 if thorough else 6)]
    worst, turn, away = max(r for r, _ in found), max(t for _, t in found), lost()
    figures: Figures = {
        "flows": len(found),
        "largest residual": worst,
        "largest turn": turn,
        "commutator of the counterexample": away,
    }
    return figures, worst <= STAYS and turn >= TURNS and away >= LOST


EXPERIMENT = Experiment(
    "alignment",
    "INV-8",
    "flow",
    "commutators <= 1e-9 over factor norms while bases turn (sine >= 0.1); the counterexample leaves",
    measure,
)
