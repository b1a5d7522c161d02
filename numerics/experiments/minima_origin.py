r"""The Hessian at zero by differences of the gradient, beside its spectrum in closed form.

With a hidden layer the gradient vanishes at zero, so that a step of 1e-8 leaves neither truncation nor cancellation; without
one the loss is quadratic and any step is exact.
"""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.minima_minimisers import hessian
from numerics.experiments.problems import Problem, problem
from numerics.minimum_moments import Array

RELATIVE, STEP = 1e-12, 1e-8


def predicted(p: Problem) -> Array:
    """All eigenvalues, in increasing order."""
    sizes = [r * c for c, r in zip(p.widths[:-1], p.widths[1:], strict=True)]
    if p.hidden == 0:
        return np.asarray(np.linalg.eigvalsh(2 * (p.moments.second + p.decay[0] * np.eye(sizes[0]))), dtype=np.float64)
    if p.hidden > 1:
        return np.sort(np.repeat(2 * np.array(p.decay), sizes))
    (first, last), width = p.decay, p.widths[1]
    root = np.sqrt((last - first) ** 2 + 4 * float(p.moments.cross @ p.moments.cross))
    return np.sort([*[first + last - root, first + last + root] * width, *[2 * first] * (width * (p.widths[0] - 1))])


def difference(p: Problem) -> float:
    """The largest difference of eigenvalues over the largest eigenvalue."""
    zeros = [np.zeros((r, c)) for c, r in zip(p.widths[:-1], p.widths[1:], strict=True)]
    claimed = predicted(p)
    measured = np.linalg.eigvalsh(hessian(p, zeros, STEP if p.hidden else 1.0))
    return float(np.abs(measured - claimed).max() / np.abs(claimed).max())


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    nets = [problem(rng, hidden, largest=5) for hidden in (0, 1, 2, 3) * (100 if thorough else 8)]
    worst = max(map(difference, nets))
    return {"networks": len(nets), "largest relative difference": worst}, worst <= RELATIVE


EXPERIMENT = Experiment("minima", "B13", "spectrum", "eigenvalues of the Hessian at zero within 1e-12 relative", measure)
