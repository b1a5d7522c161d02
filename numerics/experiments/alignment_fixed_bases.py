r"""INV-1: one step of heavy ball from exactly aligned networks stays in their bases.

One step only, each from a fresh point: the invariant set can be transversally unstable, so that errors of one rounding grow
over a run. Singular values repeat and vanish in half of the networks, widths differ, step sizes and momentum are random.
"""

from __future__ import annotations

import numpy as np

from numerics.dynamics import gradients, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.aligned import Aligned, aligned, off_diagonal, random_widths, rectangle

STAYS, LEAVES = 1e-12, 1e-3


def residual(rng: np.random.Generator, net: Aligned) -> float:
    """What is off the diagonal after one step with aligned momentum, over the size of the factors."""
    rate, memory = (float(x) for x in rng.uniform(-1, 1, 2))
    steps = gradients(net.layers, squared_slope(net.X, net.Y))
    worst = 0.0
    for i, (W, G) in enumerate(zip(net.layers, steps, strict=True), 1):
        velocity = net.bases[i] @ rectangle(rng.normal(size=max(W.shape)), *W.shape) @ net.bases[i - 1].T
        moved = W + memory * velocity - rate * G
        worst = max(worst, off_diagonal(net.core(i, moved)) / _scale(net, i, rate))
    return worst


def _scale(net: Aligned, i: int, rate: float) -> float:
    """1 + the norms of the factors of the gradient."""
    norms = [float(np.linalg.norm(W, 2)) for W in net.layers]
    others = float(np.prod([n for j, n in enumerate(norms, 1) if j != i]))
    x, y = (float(np.linalg.norm(a, 2)) for a in (net.X, net.Y))
    return 1 + norms[i - 1] + abs(rate) * others * (float(np.prod(norms)) * x * x + x * y)


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 2000 if thorough else 200
    widths = [random_widths(rng, int(rng.integers(1, 6)), 6) for _ in range(count)]
    worst = max(residual(rng, aligned(rng, w)) for w in widths)
    other = [residual(rng, aligned(rng, (3, 3, 3), degenerate=False, shared=False)) for _ in range(20)]
    figures: Figures = {"networks": count, "largest residual": worst, "least residual on unshared data": min(other)}
    return figures, worst <= STAYS and min(other) >= LEAVES


EXPERIMENT = Experiment(
    "alignment",
    "INV-1",
    "one step",
    "off-diagonal part over factor norms <= 1e-12; >= 1e-3 on data that do not share the bases",
    measure,
)
