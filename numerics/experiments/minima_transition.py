r"""Just below the critical decay product the minimum is not at zero, just above it is."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from theory.scalar_equation import Verdict

FRACTIONS = (1e-6, 1e-3, 0.3)


def at(p: Problem, product: float) -> Verdict:
    """The verdict when the decays are scaled to this product."""
    factor = (product / prod(p.decay)) ** (1 / len(p.decay))
    return replace(p, decay=tuple(factor * x for x in p.decay)).minimum().verdict


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    checks = wrong = 0
    for hidden in (1, 2, 3, 4) * (500 if thorough else 25):
        p = problem(rng, hidden)
        critical = p.minimum().critical_decay_product
        for f in FRACTIONS:
            checks += 2
            wrong += at(p, critical * (1 - f)) is not Verdict.NONTRIVIAL
            wrong += at(p, critical * (1 + f)) is not Verdict.TRIVIAL
    return {"checks": checks, "wrong verdicts": wrong}, wrong == 0


EXPERIMENT = Experiment("minima", "B14", "threshold", "verdicts at (1 -+ f) of the critical decay product, f >= 1e-6", measure)
