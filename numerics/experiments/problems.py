"""Random problems for the experiments: data, widths, decays and noise of a network with scalar output."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, prod

import numpy as np

from numerics.minimum import Minimum, minimise
from numerics.minimum_moments import Array, Moments


@dataclass(frozen=True, eq=False)
class Problem:
    """A network problem: moments, widths, decay of each layer, noise variance of each hidden layer."""

    moments: Moments
    widths: tuple[int, ...]
    decay: tuple[float, ...]
    noise: tuple[float, ...]

    @property
    def hidden(self) -> int:
        return len(self.noise)

    @property
    def kappa(self) -> float:
        """The noise factor."""
        return prod(1 + s / d for s, d in zip(self.noise, self.widths[1:-1], strict=True))

    @property
    def scale(self) -> float:
        return max(1.0, self.moments.target)

    def minimum(self) -> Minimum:
        return minimise(self.moments, self.widths, decay=self.decay, noise=self.noise)

    def weights(self, rng: np.random.Generator, size: float = 1.0) -> list[Array]:
        """Random weights, entries of variance size^2 / fan-in."""
        return [rng.normal(0, size / np.sqrt(c), (r, c)) for c, r in zip(self.widths[:-1], self.widths[1:], strict=True)]


def problem(
    rng: np.random.Generator, hidden: int, largest: int = 4, decay: tuple[float, float] = (0.02, 0.3), noisy: bool | None = None
) -> Problem:
    """A problem with `hidden` layers of widths up to `largest`; about a third of the second-moment matrices are singular.

    Noise variances are 0, 0.3 or 1 (`noisy` True: never 0; False: all 0), decays log-uniform in the given range.
    """
    features = int(rng.integers(1, largest + 1))
    samples = int(rng.integers(1, features + 1)) if rng.random() < 1 / 3 else features + 3
    x = rng.normal(size=(samples, features))
    y = x @ rng.normal(0, 2, features) + 0.3 * rng.normal(size=samples)
    widths = (features, *(int(d) for d in rng.integers(1, largest + 1, hidden)), 1)
    levels = {None: (0.0, 0.3, 1.0), True: (0.3, 1.0), False: (0.0,)}[noisy]
    gammas = np.exp(rng.uniform(log(decay[0]), log(decay[1]), hidden + 1))
    noise = tuple(float(rng.choice(levels)) for _ in range(hidden))
    return Problem(Moments.from_data(x, y), widths, tuple(gammas.tolist()), noise)
