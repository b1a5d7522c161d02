r"""H2 at real sizes: the trace of the Hessian by complex steps beside its formula, at random layers and targets."""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import data, gaussian
from numerics.hessian import hessian_matrix, hessian_trace

EXACT = 1e-12
SIZES = (((4, 5, 3), 7), ((3, 4, 4, 2), 6), ((9, 10, 8, 9), 14), ((2, 3, 2, 3, 2, 2), 4))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    worst, gap = 0.0, np.inf
    for widths, samples in SIZES * (5 if thorough else 1):
        layers, X = gaussian(rng, widths), data(rng, widths[0], samples)
        H = hessian_matrix(layers, X, 3 * rng.standard_normal((widths[-1], samples)))
        trace, values = float(np.trace(H)), np.linalg.eigvalsh(H)
        worst = max(worst, abs(hessian_trace(layers, X) / trace - 1))
        gap = min(gap, float(-values[0] / values[-1]))
    figures: Figures = {"largest error": worst, "most negative eigenvalue, relative": float(gap)}
    return figures, worst <= EXACT and gap > 0


DETAIL = "relative error of the formula below 1e-12 at points where H is indefinite"
EXPERIMENT = Experiment("hessian", "H2", "Hessian by complex steps", DETAIL, measure)
