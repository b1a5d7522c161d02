r"""The closed form of the global minimum beside training, its gradient, and the pointwise bound at random weights.

No start (random ones and one near the formula) may end lower by 1e-10 of max(1, E[y^2]), and the start near the formula must
come back to it; the gradient vanishes at the formula's weights; and \(L(\theta) \ge E[y^2] + \psi(b(\theta))\) at random
weights, some of them close to the formula's, where the bound is tight, with
\(b(\theta) = (\gamma_N\prod_{i\ge2}\gamma_i|W_i|^2|W_N|^2)^{1/D}\).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.minimum_loss import loss_and_gradient, noise_averaged_gradient
from numerics.minimum_moments import Array
from numerics.training import train

VALUE, GRADIENT, BOUND = 1e-10, 1e-8, 1e-12


def psi(p: Problem, b: float) -> float:
    """D b - b^D g^T (kappa b^D A + Gamma)^{-1} g."""
    power, d = b**p.hidden, p.hidden
    system = p.kappa * power * p.moments.second + prod(p.decay) * np.eye(p.moments.features)
    return d * b - power * float(p.moments.cross @ np.linalg.solve(system, p.moments.cross))


def slack(p: Problem, layers: Sequence[Array]) -> float:
    """L - E[y^2] - psi(b), relative to the size of the terms of L."""
    loss, _ = loss_and_gradient(layers, p.moments, p.decay, p.noise)
    energies = [gamma * float(np.sum(w * w)) for gamma, w in zip(p.decay[1:], layers[1:], strict=True)]
    bound = p.moments.target + psi(p, prod(energies) ** (1 / p.hidden))
    fit = float((np.linalg.multi_dot(layers[::-1]) @ p.moments.cross)[0])
    return (loss - bound) / (loss + 4 * abs(fit) + abs(bound))


def trained(rng: np.random.Generator, p: Problem, starts: int) -> tuple[float, float, float]:
    """How much lower the best start ends, how far the near one ends, and the gradient at the formula, all relative."""
    found = p.minimum()
    layers = found.weights()
    seed = int(rng.integers(1 << 30))
    result = train(p.moments, p.widths, decay=p.decay, noise=p.noise, starts=starts, near=layers, seed=seed)
    gradient = noise_averaged_gradient(layers, p.moments, decay=p.decay, noise=p.noise)
    steepest = max(float(np.abs(g).max()) for g in gradient)
    return (found.loss - result.best_loss) / p.scale, abs(result.losses[-1] - found.loss) / p.scale, steepest / p.scale


def _moved(layers: Sequence[Array], steps: Sequence[Array]) -> list[Array]:
    return [w + x for w, x in zip(layers, steps, strict=True)]


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    more = 20 if thorough else 1
    runs = [trained(rng, problem(rng, hidden), starts=4) for hidden in (1, 1, 1, 2, 2, 2, 3, 3) * more]
    lower, off, steepest = (max(column) for column in zip(*runs, strict=True))
    slacks = []
    for hidden in (1, 2, 3, 4) * (4 * more):
        p = problem(rng, hidden, largest=40, decay=(0.003, 0.3))
        best = p.minimum().weights()
        slacks += [slack(p, p.weights(rng, size)) for size in np.exp(rng.uniform(-2, 1, 120))]
        slacks += [slack(p, _moved(best, p.weights(rng, size))) for size in (1e-4, 1e-3, 1e-2) * 10]
    figures: Figures = {
        "instances": len(runs),
        "largest descent below the formula": lower,
        "largest distance of the near start": off,
        "largest gradient at the formula": steepest,
        "random weights": len(slacks),
        "least relative slack": min(slacks),
    }
    return figures, lower <= VALUE and off <= 1e-8 and steepest <= GRADIENT and min(slacks) >= -BOUND


EXPERIMENT = Experiment(
    "minima", "B4", "training", "no start 1e-10 below the formula, near start within 1e-8, gradient 1e-8, bound -1e-12", measure
)
