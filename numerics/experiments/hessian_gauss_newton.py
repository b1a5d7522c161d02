r"""H1 at real sizes: the Hessian by complex steps beside J^T J, at global minima with a residual, and elsewhere."""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import beside, data, gaussian
from numerics.hessian import hessian_matrix, jacobian

EXACT, FAR = 1e-12, 1e-3
SIZES = (((4, 5, 3), 7), ((3, 4, 4, 2), 6), ((10, 11, 12, 10), 14))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    worst, off, parameters = 0.0, np.inf, 0
    for widths, samples in SIZES * (5 if thorough else 1):
        layers, X = gaussian(rng, widths), data(rng, widths[0], samples)
        J = jacobian(layers, X)
        H = hessian_matrix(layers, X, beside(rng, layers, X, 3.0))
        away = hessian_matrix(layers, X, rng.standard_normal((widths[-1], samples)))
        scale, parameters = float(np.linalg.norm(J.T @ J)), max(parameters, len(H))
        worst = max(worst, float(np.linalg.norm(H - J.T @ J)) / scale)
        off = min(off, float(np.linalg.norm(away - J.T @ J)) / scale)
    figures: Figures = {"parameters": parameters, "largest error at minima": worst, "least difference elsewhere": float(off)}
    return figures, worst <= EXACT and off >= FAR


DETAIL = "|H - J^T J| / |J^T J| below 1e-12 at minima with a residual, above 1e-3 at other targets"
EXPERIMENT = Experiment("hessian", "H1", "Hessian by complex steps", DETAIL, measure)
