r"""CONV-2: matrix gradient descent on aligned networks with the step of `learning_rate_bound`, beside the guaranteed rate.

Rounding excites directions in which descent may be unstable, so that layers are put back to their bases after every step.
"""

from __future__ import annotations

import numpy as np

from numerics.alignment_convergence import learning_rate_bound
from numerics.dynamics import Array, descended, product, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.alignment_problems import orthogonal

EXCESS, STEPS = 1e-12, 40


def rect(values: Array, rows: int, cols: int) -> Array:
    out = np.zeros((rows, cols))
    np.fill_diagonal(out, values[: min(rows, cols)])
    return out


def problem(rng: np.random.Generator) -> tuple[list[Array], list[Array], Array, Array]:
    """(layers, bases, X, Y): modes active up to the least width, idle ones among them, no targets beyond."""
    depth = int(rng.integers(1, 6))
    widths = rng.integers(1, 6, depth + 1)
    m, Q = int(widths.min()), [orthogonal(rng, int(d)) for d in widths]
    idle = rng.random(m) < 0.2 if depth > 1 else np.zeros(m, bool)
    cores = [np.where(idle, 0.0, np.exp(rng.normal(0, 0.4, m))) for _ in range(depth)]
    s = np.exp(rng.normal(0, 0.7, int(widths[0])))
    c = np.zeros(int(min(widths[0], widths[-1])))
    c[:m] = np.where(idle, 0.0, np.exp(rng.normal(0, 0.7, m)))
    X = Q[0] @ np.diag(np.sqrt(s)) @ orthogonal(rng, int(widths[0]))
    Y = Q[-1] @ rect(c, int(widths[-1]), int(widths[0])) @ Q[0].T @ np.linalg.inv(X @ X.T) @ X
    layers = [Q[i + 1] @ rect(v, int(widths[i + 1]), int(widths[i])) @ Q[i].T for i, v in enumerate(cores)]
    return layers, Q, X, Y


def projected(layers: list[Array], Q: list[Array]) -> list[Array]:
    """The layers with what rounding put off the diagonal removed."""
    cores = (Q[i + 1].T @ W @ Q[i] for i, W in enumerate(layers))
    return [Q[i + 1] @ (S * np.eye(*S.shape)) @ Q[i].T for i, S in enumerate(cores)]


def loss(layers: list[Array], X: Array, Y: Array) -> float:
    return float(np.sum((product(layers) @ X - Y) ** 2) / 2)


def excess(rng: np.random.Generator) -> float | None:
    """The largest (L(t) - L* - rho^2t (L(0) - L*)) / L(0); None where no guarantee was given."""
    layers, Q, X, Y = problem(rng)
    bound = learning_rate_bound(layers, X, Y)
    if bound.learning_rate is None or bound.rate is None:
        return None
    if not np.isfinite(bound.learning_rate):
        return 0.0
    least = float(np.sum((Y - Y @ np.linalg.pinv(X) @ X) ** 2) / 2)
    first, worst = loss(layers, X, Y) - least, 0.0
    for t in range(1, STEPS + 1):
        layers = projected(descended(layers, squared_slope(X, Y), bound.learning_rate), Q)
        worst = max(worst, (loss(layers, X, Y) - least - bound.rate ** (2 * t) * first) / (1 + first))
    return worst


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 400 if thorough else 60
    found = [excess(rng) for _ in range(count)]
    given = [x for x in found if x is not None]
    worst = max(given)
    figures: Figures = {"networks": count, "without a guarantee": count - len(given), "largest excess": worst}
    return figures, worst <= EXCESS and len(given) == count


EXPERIMENT = Experiment(
    "alignment", "CONV-2", "aligned networks, 40 steps", "loss above the curve at most 1e-12 of 1 + L(0) - L*", measure
)
