r"""The shape of trained minimisers, and how many directions keep the loss.

With noise the neurons of a hidden layer have equal magnitudes and the Hessian at the formula's weights has no null direction;
without noise it has \(\sum_i (d_i - 1)\).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.minimum_loss import loss_and_gradient
from numerics.minimum_moments import Array
from numerics.training import pack, train, unpack
from theory.scalar_equation import Verdict

STEP, NULL, SPREAD = 1e-5, 1e-6, 1e-4


def hessian(p: Problem, layers: Sequence[Array], step: float = STEP) -> Array:
    """Central differences of the exact gradient."""
    centre = pack(layers)

    def slope(x: Array) -> Array:
        return pack(loss_and_gradient(unpack(x, p.widths), p.moments, p.decay, p.noise)[1])

    columns = np.array([(slope(centre + step * e) - slope(centre - step * e)) / (2 * step) for e in np.eye(centre.size)])
    return np.asarray((columns + columns.T) / 2)


def nullity(p: Problem) -> int:
    """How many Hessian eigenvalues at the formula's weights are below 1e-6 of the largest."""
    values = np.abs(np.linalg.eigvalsh(hessian(p, p.minimum().weights())))
    return int(np.sum(values < NULL * values.max()))


def spread(rng: np.random.Generator, p: Problem) -> tuple[float, float]:
    """Relative spread of the neuron magnitudes at the best trained weights, and how far their loss is from the formula's."""
    found = p.minimum()
    seed = int(rng.integers(1 << 30))
    result = train(p.moments, p.widths, decay=p.decay, noise=p.noise, starts=4, near=found.weights(), seed=seed)
    sizes = [np.linalg.norm(w, axis=1) for w in result.best[:-1]] + [np.abs(result.best[-1][0])]
    return max(float(np.ptp(x) / x.max()) for x in sizes), abs(result.best_loss - found.loss) / p.scale


def nontrivial(rng: np.random.Generator, hidden: int, noisy: bool) -> Problem:
    """A problem whose minimum is clearly not at zero and not nearly flat in a direction."""
    while True:
        p = problem(rng, hidden, largest=3, decay=(0.05, 0.3), noisy=noisy)
        found = p.minimum()
        if found.verdict is Verdict.NONTRIVIAL and found.energy > 0.05 and found.loss < 0.9 * p.moments.target:
            return p


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    depths = (1, 1, 2, 2, 3) * (20 if thorough else 1)
    noisy, silent = ([nontrivial(rng, d, noise) for d in depths] for noise in (True, False))
    spreads, off = zip(*(spread(rng, p) for p in noisy), strict=True)
    expected = [sum(d - 1 for d in p.widths[1:-1]) for p in silent]
    wrong = sum(nullity(p) != 0 for p in noisy) + sum(nullity(p) != n for p, n in zip(silent, expected, strict=True))
    figures: Figures = {
        "instances": 2 * len(depths),
        "largest spread of magnitudes": max(spreads),
        "largest distance of the loss": max(off),
        "wrong nullities": wrong,
        "null directions without noise": sum(expected),
    }
    return figures, max(spreads) <= SPREAD and max(off) <= 1e-9 and wrong == 0 and sum(expected) > 0


EXPERIMENT = Experiment("minima", "B5", "spectrum", "spread <= 1e-4, loss within 1e-9, every nullity as predicted", measure)
