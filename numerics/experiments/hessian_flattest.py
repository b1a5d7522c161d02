r"""H11 at real sizes: the least trace, random points of the valley, the explicit point, and the flow from random starts."""

from __future__ import annotations

import numpy as np

from numerics.dynamics import product
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import data, gaussian
from numerics.flattest import flattest, least_trace
from numerics.hessian import hessian_trace
from numerics.trace_flow import flattened

CLOSE, ATTAINED, BELOW = 1e-7, 1e-10, -1e-12
# In units in which the trace falls at the speed of its squared slope over four times its least value.
LONG = 1e3
STARTS = (((2, 2, 2, 2), 5), ((1, 2, 2, 2), 4), ((2, 3, 1), 4))
LONGER = (((3, 4, 3, 4, 2), 6), ((4, 5, 4), 6))
LARGE = (((12, 10, 11, 10), 20), ((10, 10, 10, 10, 10), 0))


def descended(rng: np.random.Generator, widths: tuple[int, ...], samples: int) -> float:
    """The trace at the end of the flow from a random start, relative to the least, minus 1.

    Layers are not close to singular: where a singular value of the product is tiny the flow takes as long.
    """
    layers = [np.eye(*W.shape) + W / 2 for W in gaussian(rng, widths)]
    X = data(rng, widths[0], samples)
    X = X / np.linalg.norm(X)
    least = least_trace(product(layers) @ X, X, len(layers))
    end = flattened(layers, X, (LONG,), 4 / least, method="LSODA")[0]
    return float(hessian_trace(end, X)) / least - 1


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    ends = [descended(rng, *start) for start in (*STARTS * 5, *LONGER) * thorough or STARTS]
    above, built = np.inf, 0.0
    for _ in range(300 if thorough else 60):
        depth = int(rng.integers(2, 5))
        widths, samples = tuple(int(d) for d in rng.integers(1, 6, depth + 1)), int(rng.integers(1, 6))
        layers, X = gaussian(rng, widths), data(rng, widths[0], samples)
        above = min(above, hessian_trace(layers, X) / least_trace(product(layers) @ X, X, depth) - 1)
    for widths, samples in LARGE:
        layers, X = gaussian(rng, widths), data(rng, widths[0], samples)
        found = flattest(product(layers) @ X, X, widths, seed=int(rng.integers(1 << 30)))
        fit = float(np.linalg.norm(product(found.layers) @ X - product(layers) @ X) / np.linalg.norm(product(layers) @ X))
        built = max(built, abs(hessian_trace(found.layers, X) / found.value - 1), fit)
    figures: Figures = {
        "largest trace at the end of the flow, relative to the least, minus 1": max(ends),
        "least trace at random points, the same": float(above),
        "largest error of the explicit point": built,
    }
    return figures, max(map(abs, ends)) <= CLOSE and above >= BELOW and built <= ATTAINED


DETAIL = "the flow ends within 1e-7 of the least trace from every start, no point is below it, the explicit one attains it"
EXPERIMENT = Experiment("hessian", "H11", "flow, construction and random points", DETAIL, measure)
