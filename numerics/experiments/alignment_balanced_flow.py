r"""DYN-5: closed forms of the balanced flow beside integration, by layer values (times are ill-conditioned near the target)."""

from __future__ import annotations

import numpy as np

from numerics.dynamics import layer_value, mode_flow
from numerics.experiments import Experiment, Figures

SAME, TIMES = 2e-9, np.linspace(0.3, 6.0, 5)


def difference(rng: np.random.Generator, depth: int, target: bool) -> float:
    """The largest difference of layer values, from starts below and above the target."""
    s, start = rng.uniform(0.3, 2, 2)
    c = float(rng.uniform(0.3, 2)) if target else 0.0
    path = mode_flow([start] * depth, s, c, TIMES)
    return max(float(np.abs(x - layer_value(t, start, s, c, depth)).max()) for t, x in zip(TIMES, path, strict=True))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 50 if thorough else 2
    worst = {f"depth {n}": max(difference(rng, n, True) for _ in range(count)) for n in range(1, 7)}
    free = max(difference(rng, n, False) for n in range(2, 7) for _ in range(count))
    return {"flows": 11 * count, **worst, "no target": free}, max(*worst.values(), free) <= SAME


EXPERIMENT = Experiment("alignment", "DYN-5", "flow", "layer values within 2e-9 of DOP853 at relative tolerance 1e-11", measure)
