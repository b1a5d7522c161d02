r"""H7 by simulation: the mean square of the gradient noise of minibatches with fresh labels, in random directions.

Batches of B out of n samples with replacement, loss 1/(2B), labels Y + D, D of variance s (signs): (g - E g)[V]^2 has the mean
(s/B)(H/n)[V, V]. The test must reject a constant that is wrong by a fifth.
"""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import data, gaussian
from numerics.hessian import Array, jacobian
from numerics.statistics import Estimate, compared

LEVEL = 1e-4 / 6
WIDTHS, SAMPLES, VARIANCE = (5, 7, 6, 4), 12, 0.5
Z_BATCHES = (1, 4)


def predicted(J: Array, v: Array, batch: int) -> float:
    """(s/B)(H/n)[v, v], H = J^T J."""
    return float(VARIANCE / batch * np.sum((J @ v) ** 2) / SAMPLES)


def squares(rng: np.random.Generator, J: Array, v: Array, batch: int, runs: int) -> Array:
    """Squared derivatives of the noise along v: residuals are -D on the valley."""
    along = (J @ v).reshape(WIDTHS[-1], SAMPLES)
    pick = rng.integers(0, SAMPLES, (runs, batch))
    signs = rng.choice([-1.0, 1.0], (WIDTHS[-1], runs, batch)) * VARIANCE**0.5
    return np.asarray(np.einsum("drb,drb->r", signs, along[:, pick]) / batch) ** 2


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs, tests, power = 400_000 if thorough else 40_000, [], []
    layers, X = gaussian(rng, WIDTHS), data(rng, WIDTHS[0], SAMPLES)
    J = jacobian(layers, X)
    for batch in Z_BATCHES:
        for _ in range(3):
            v = rng.standard_normal((J.shape[1],))
            x = squares(rng, J, v, batch, runs)
            found, exact = Estimate.of(x), predicted(J, v, batch)
            tests.append(compared(f"batch of {batch}, mean square of the noise", found, exact, level=LEVEL))
            power.append(compared("a constant wrong by a fifth", found, 1.2 * exact))
    worst = max(tests, key=lambda t: abs(t.z))
    least = min(abs(t.z) for t in power)
    figures: Figures = {"directions": len(tests), **worst.figures(), "least |z| if wrong by a fifth": least}
    return figures, all(t.accepted for t in tests) and not any(t.accepted for t in power)


DETAIL = "z-tests of (s/B) H/n in six directions, all accepted (a true one fails once in 10,000 runs); of 1.2 times it, none"
EXPERIMENT = Experiment("hessian", "H7", "Monte Carlo", DETAIL, measure)
