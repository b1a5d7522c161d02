r"""H15 at real sizes: the largest eigenvalue at random points of the valley and at balanced layers, beside the least one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.dynamics import product
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import gaussian
from numerics.flattest import flattest, least_sharpness, least_trace
from numerics.hessian import hessian_spectrum, hessian_trace

ATTAINED = 1e-11


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    above, built, apart = np.inf, 0.0, 0.0
    for _ in range(300 if thorough else 60):
        depth = int(rng.integers(2, 5))
        layers = gaussian(rng, tuple(int(d) for d in rng.integers(2, 6, depth + 1)))
        above = min(above, float(hessian_spectrum(layers).sharpness) / least_sharpness(product(layers), None, depth) - 1)
    for widths in ((10, 12, 8), (8, 8, 9, 10), (5, 6, 5, 6, 5)):
        P = product(gaussian(rng, widths))
        found = flattest(P, None, widths, by="sharpness", seed=int(rng.integers(1 << 30)))
        built = max(built, abs(float(hessian_spectrum(found.layers, Y=P).sharpness) / found.value - 1))
        built = max(built, *(float(np.abs(b.T @ b - a @ a.T).max()) for a, b in pairwise(found.layers)))
        apart = max(apart, hessian_trace(found.layers) / least_trace(P, None, len(widths) - 1) - 1)
    figures: Figures = {
        "least at random points, relative to the least, minus 1": float(above),
        "largest error at balanced layers": built,
        "largest trace at balanced layers, relative to the least, minus 1": apart,
    }
    return figures, above >= 0 and built <= ATTAINED and apart > 1e-3


DETAIL = "no point is below the least value, balanced layers attain it to 1e-11, and their trace is not the least"
EXPERIMENT = Experiment("hessian", "H15", "spectra", DETAIL, measure)
