"""Every root and the minimum by the exact route (over the rationals) beside the certified float route."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from numerics.draws import ExactDraw
from numerics.experiments import Experiment, Figures
from numerics.minimum import Minimum, minimise
from numerics.minimum_moments import Moments
from theory.scalar_equation import ExactMinimum, Verdict, exact_minimum

RELATIVE, GAP = 1e-9, 1e-6


def both(draw: ExactDraw) -> tuple[ExactMinimum, Minimum]:
    """A random rational instance (singular matrices included) solved exactly and in floats."""
    features, samples, depth = draw.integer(1, 4), draw.integer(1, 6), draw.integer(2, 5)
    x, y = draw.matrix(samples, features), draw.matrix(samples, 1)
    stretch = [fmpq(10) ** draw.integer(-1, 1) for _ in range(features)]
    x = fmpq_mat(samples, features, [x[i, j] * stretch[j] for i in range(samples) for j in range(features)])
    a, g, target = x.transpose() * x, x.transpose() * y, (y.transpose() * y)[0, 0]
    gamma, noise = draw.positive() / 10 ** draw.integer(0, 3), draw.nonnegative()
    widths = (features, *(draw.integer(1, 3) for _ in range(depth - 1)), 1)
    kappa = 1 + noise / widths[1]
    cross = [row[0] for row in g.tolist()]
    exact = exact_minimum(a.tolist(), cross, depth=depth, decay_product=gamma, noise_factor=kappa)
    moments = Moments.from_moments(_floats(a), _floats(g)[:, 0], float(Fraction(str(target))))
    decay = [float(Fraction(str(gamma))), *[1.0] * (depth - 1)]
    return exact, minimise(moments, widths, decay=decay, noise=[float(Fraction(str(noise))), *[0.0] * (depth - 2)])


def _floats(a: fmpq_mat) -> Any:
    return np.array([[float(Fraction(str(x))) for x in row] for row in a.tolist()])


def differences(exact: ExactMinimum, found: Minimum) -> tuple[float, bool, bool]:
    """The relative difference of the values, whether the numbers of (distinct) roots differ, whether the verdicts do."""
    scale = max(1.0, found.moments.target)
    value = abs(float(exact.value) - (found.loss - found.moments.target)) / scale
    roots = len(exact.stationary) != len(found.stationary) - 1
    return value, roots, exact.verdict is not found.verdict and abs(float(exact.value)) > GAP * scale


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    seed = int(rng.integers(1 << 30))
    solved = [both(ExactDraw(f"{seed} {i}")) for i in range(5000 if thorough else 150)]
    values, roots, verdicts = zip(*(differences(e, f) for e, f in solved), strict=True)
    figures: Figures = {
        "instances": len(solved),
        "nontrivial": sum(e.verdict is Verdict.NONTRIVIAL for e, _ in solved),
        "with four roots or more": sum(len(e.stationary) >= 4 for e, _ in solved),
        "largest relative difference": max(values),
        "different numbers of roots": sum(roots),
        "different verdicts": sum(verdicts),
    }
    return figures, max(values) <= RELATIVE and not any(roots) and not any(verdicts)


EXPERIMENT = Experiment("minima", "B9", "exact against float", "values within 1e-9, same roots, same verdicts", measure)
