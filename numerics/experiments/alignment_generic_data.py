"""INV-9: one step on generic targets destroys the alignment of square networks of depth 2, and (numerics only) 3 and 4."""

from __future__ import annotations

import numpy as np

from numerics.alignment import commutator_residual
from numerics.dynamics import Array, descended, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.aligned import orthogonal

LOST, STARTS = 1e-8, ("generic", "balanced", "identity", "equal")


def values(rng: np.random.Generator, start: str, shared: Array) -> Array:
    """The singular values of one layer; `shared` are those of a balanced start."""
    if start == "balanced":
        return shared
    fresh = rng.uniform(0.5, 2, len(shared))
    return fresh if start == "generic" else np.full(len(shared), 1.0 if start == "identity" else fresh[0])


def residual(rng: np.random.Generator, depth: int, start: str) -> float:
    """The commutator after one step of size up to 1/2, from diagonal cores of the given kind in random bases."""
    k = int(rng.integers(2, 6))
    Q = [orthogonal(rng, k) for _ in range(depth + 1)]
    shared = rng.uniform(0.5, 2, k)
    layers = [Q[i + 1] @ np.diag(values(rng, start, shared)) @ Q[i].T for i in range(depth)]
    X, Y = rng.normal(size=(k, k + 1)), rng.normal(size=(k, k + 1))
    return commutator_residual(descended(layers, squared_slope(X, Y), float(rng.uniform(0.1, 0.5))))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 500 if thorough else 50
    least = {d: min(residual(rng, d, s) for s in STARTS for _ in range(count)) for d in (2, 3, 4)}
    figures: Figures = {"draws": count * len(STARTS) * 3, **{f"least residual at depth {d}": x for d, x in least.items()}}
    return figures, min(least.values()) >= LOST


EXPERIMENT = Experiment(
    "alignment", "INV-9", "one step", "least commutator over factor norms >= 1e-8; depths 3 and 4 have no proof", measure
)
