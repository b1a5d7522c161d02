"""The closed form in radicals that is derived symbolically, evaluated, beside the numeric solver (isotropic data)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from numerics.experiments import Experiment, Figures
from numerics.minimum import minimise
from numerics.minimum_moments import Moments
from theory.derivations import Formula, derive

RELATIVE = 1e-9


def _exact(x: Fraction) -> sympy.Rational:
    return sympy.Rational(x.numerator, x.denominator)


def compare(rng: np.random.Generator, formula: Formula, hidden: int) -> tuple[float, bool]:
    """The relative difference of the energies and excess losses, and whether the minimum is not at zero."""
    numbers = [Fraction(int(p), int(q)) for p, q in rng.integers(1, 16, (2 * hidden + 3, 2))]
    (a, norm), decay, noise = numbers[:2], [x / 8 for x in numbers[2 : hidden + 3]], numbers[hidden + 3 :]
    widths = tuple(int(d) for d in rng.integers(1, 4, hidden))
    given: dict[str, Any] = {"a": _exact(a), "G": _exact(norm), "d": widths}
    given |= {"gamma": tuple(map(_exact, decay)), "s": tuple(map(_exact, noise))}
    known = {x.name for x in formula.arguments}
    energy, excess = (float(sympy.N(x, 30)) for x in formula.evaluate(**{k: x for k, x in given.items() if k in known})[:2])
    moments = Moments.from_moments([[float(a)]], [float(norm) ** 0.5], float(norm / a))
    found = minimise(moments, (1, *widths, 1), decay=[float(x) for x in decay], noise=[float(x) for x in noise])
    value = found.loss - moments.target
    scale = max(1.0, moments.target)
    if abs(value) < 1e-6 * scale:  # near a tie the two families have equal losses
        return abs(excess - value) / scale, False
    return max(abs(energy - found.energy) / max(1.0, found.energy), abs(excess - value) / scale), energy > 0


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    figures, passed = Figures(), True
    for hidden in (1, 2, 3):
        formula = derive("minima.closed_form", depth=hidden + 1).result
        runs = [compare(rng, formula, hidden) for _ in range(300 if thorough else 5)]
        worst, nonzero = max(off for off, _ in runs), sum(away for _, away in runs)
        figures |= {f"largest difference, {hidden} hidden": worst, f"nonzero minima, {hidden} hidden": nonzero}
        passed &= worst <= RELATIVE and nonzero > 0
    return figures, passed


EXPERIMENT = Experiment("minima", "B12", "radicals against solver", "energy and excess loss within 1e-9", measure)
