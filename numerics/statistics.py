r"""Statistical checks of means: estimates, extrapolation in the step size, and a test with its level.

An ensemble at the step size eta estimates m(eta) = m + b eta + O(eta^2). `extrapolated` removes the linear part, 2 m(eta/2) -
m(eta), at the price of a larger standard error. `compared` tests the result against a prediction; an accepted comparison
supports the prediction and proves nothing.

>>> rng = np.random.default_rng(0)
>>> coarse, fine = (Estimate.of(1 + bias + rng.normal(size=400)) for bias in (0.2, 0.1))
>>> compared("mean", extrapolated(coarse, fine), 1.0).accepted
True
>>> compared("mean", extrapolated(coarse, fine), 2.0).accepted
False
"""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, hypot, inf, isfinite

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from theory.errors import InvalidInput

# Four standard errors: a true prediction is rejected once in 16,000 times.
LEVEL = 2 * float(norm.sf(4))


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error and the number of independent runs (of the smaller ensemble, where two were combined)."""

    mean: float
    error: float
    size: int

    @classmethod
    def of(cls, samples: ArrayLike) -> Estimate:
        """The mean of independent samples; `InvalidInput` unless they are at least two finite numbers."""
        x = np.asarray(samples, dtype=np.float64)
        if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all():
            raise InvalidInput(
                "samples", f"shape {x.shape}, finite: {np.isfinite(x).all()}", "a list of at least 2 finite numbers"
            )
        return cls(float(x.mean()), float(x.std(ddof=1) / np.sqrt(len(x))), len(x))


def extrapolated(coarse: Estimate, fine: Estimate) -> Estimate:
    """2 fine - coarse: the estimate at step size 0 from independent ensembles at eta and eta / 2."""
    return Estimate(2 * fine.mean - coarse.mean, hypot(2 * fine.error, coarse.error), min(coarse.size, fine.size))


@dataclass(frozen=True)
class Comparison:
    """An estimate beside a prediction.

    The test asks whether the prediction is within `allowance` (what the method itself leaves open) of the mean: `z` is what
    of the difference is beyond it, in standard errors, `p_value` the two-sided probability of a larger |z| under a normal
    law. The prediction is accepted where the p-value is at least `level`, the probability of rejecting a true one.
    """

    estimator: str
    estimate: Estimate
    predicted: float
    allowance: float
    z: float
    p_value: float
    level: float
    test: str = "two-sided z-test"

    @property
    def accepted(self) -> bool:
        return self.p_value >= self.level

    def figures(self) -> dict[str, float | int | str]:
        """What a report shows."""
        name = self.estimator
        return {
            name: self.estimate.mean,
            f"{name}, standard error": self.estimate.error,
            f"{name}, predicted": self.predicted,
            f"{name}, runs": self.estimate.size,
            f"{name}, z": self.z,
            f"{name}, p-value of a {self.test}": self.p_value,
        }


def compared(
    estimator: str, estimate: Estimate, predicted: float, *, allowance: float = 0.0, level: float = LEVEL
) -> Comparison:
    """The test of a prediction; `InvalidInput` for a level outside of (0, 1) or an allowance below 0."""
    if not 0 < level < 1:
        raise InvalidInput("level", level, "a probability between 0 and 1")
    if not (isfinite(allowance) and allowance >= 0):
        raise InvalidInput("allowance", allowance, "a finite number >= 0")
    difference = estimate.mean - predicted
    beyond = max(abs(difference) - allowance, 0.0)
    z = copysign(beyond / estimate.error if estimate.error > 0 else (inf if beyond else 0.0), difference)
    return Comparison(estimator, estimate, predicted, allowance, z, float(2 * norm.sf(abs(z))), level)
