r"""CON-8: weakly aligned pairs of lower Toeplitz layers 2 x 2, Y = X, after some projected steps; circulant pairs as a control.

Random aligned starts (b = 0, or e = 0, or a e + b c = 0) leave alignment on random data; the same number of circulant starts
stays. It supports that alignment is lost, and proves nothing.
"""

from __future__ import annotations

import numpy as np

from numerics.alignment import commutator_residual
from numerics.dynamics import Array, gradients, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.subspaces import Space, space
from theory.subspaces import circulant, lower_toeplitz

STEPS, LOST, KEPT = 5, 1e-9, 1e-13


def starts(rng: np.random.Generator) -> tuple[Array, Array]:
    """Coordinates (a, b), (c, e) with b e (a e + b c) = 0."""
    a, b, c, e = rng.normal(size=4)
    kind = int(rng.integers(3))
    b, e = (0.0, e) if kind == 0 else (b, 0.0) if kind == 1 else (b, -b * c / a)
    return np.array([a, b]), np.array([c, e])


def residual(pair: list[Array], s: Space, X: Array) -> float:
    """The largest residual of alignment in the steps."""
    slope, rate, found = squared_slope(X, X), 0.1 / float(np.linalg.norm(X, 2)) ** 2, 0.0
    for _ in range(STEPS):
        pair = [s.projected_step(W, G, rate) for W, G in zip(pair, gradients(pair, slope), strict=True)]
        found = max(found, commutator_residual(pair))
    return found


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 3000 if thorough else 200
    padded, circle = space(lower_toeplitz(2)), space(circulant(2))
    lost = [residual([padded.element(x) for x in starts(rng)], padded, rng.normal(size=(2, 3))) for _ in range(count)]
    kept = [
        residual([circle.element(x) for x in rng.normal(size=(2, 2))], circle, rng.normal(size=(2, 3))) for _ in range(count)
    ]
    figures: Figures = {"pairs": count, "least residual, zero padding": min(lost), "largest residual, circle": max(kept)}
    return figures, min(lost) > LOST and max(kept) < KEPT


EXPERIMENT = Experiment(
    "alignment",
    "CON-8",
    "five projected steps",
    "residual of alignment above 1e-9 with zero padding, below 1e-13 on a circle",
    measure,
)
