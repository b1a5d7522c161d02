r"""H13: three noises on f = (w v_1, w v_2) beside the closed forms of dw/dt.

From w = 3/5, target (1, 0): label noise (A: Sigma = c H), the sampling of the two data points (1, (1, 1)) and (1, (1, -1))
with batch size 1 (B: Sigma = z^2 w^2 e_1 e_1^T, here with targets (1, +-z), z^2 = c), and isotropic noise on the range of H
(C). Of each, the trace at the limit of gradient flow, extrapolated to eta = 0; under A it falls, under B and C it rises. Of A
and C also log pdet, which does the reverse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.integrate import solve_ivp

from numerics.backends import Array
from numerics.dynamics import product
from numerics.ensembles import Run, settled
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_ensembles import SETTLED, Case, Observable, checked, fastest

C, W0, RATE = 0.25, 0.6, 0.05
START = (np.array([[W0]]), np.array([[1 / W0], [0.0]]))
Speed = Callable[[float], float]
# dw/dt at Y = 1.
SPEEDS: dict[str, Speed] = {
    "A": lambda w: -C / 2 * w * (2 * w**4 - 1) / (w**4 + 1),
    "B": lambda w: -C / 2 * w**5 / (w**4 + 1),
    "C": lambda w: -C * w**7 / (w**4 + 1) ** 2,
}
RUNS = {
    "A": Run(rate=1.0, time=1.0, size=1, scale=C),
    "B": Run(rate=1.0, time=1.0, size=1, scale=C, covariance=np.diag([0.0, 1.0]), signs=True),
    "C": Run(rate=1.0, time=1.0, size=1, scale=C, noise="isotropic normal"),
}
VALUES: dict[str, Callable[[Array], Array]] = {
    "Tr H": lambda w: 2 * w**2 + 1 / w**2,
    "log pdet H": lambda w: np.log(w**4 + 1),
}
# In which direction each value goes.
MOVES = {("A", "Tr H"): -1, ("A", "log pdet H"): 1, ("B", "Tr H"): 1, ("C", "Tr H"): 1, ("C", "log pdet H"): -1}


def at_limit(value: Callable[[Array], Array]) -> Observable:
    """A function of w at the limit, by descent without noise (the least eigenvalue w^2 stays above 1/10)."""
    Y, steps = product(START), int(SETTLED / (RATE * 0.1))
    return lambda W: value(settled(W, np.eye(1), Y, rate=RATE, steps=steps)[0][:, 0, 0])


def case(kind: str, name: str, time: float) -> Case:
    end = solve_ivp(lambda _, w: SPEEDS[kind](w), (0.0, time), [W0], "DOP853", rtol=1e-10, atol=1e-12).y[0, -1]
    value, run = VALUES[name], replace(RUNS[kind], time=time)
    return Case(f"{kind}: {name}", START, np.eye(1), run, at_limit(value), float(value(np.array(W0))), float(value(end)))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    times = {"A": 2.0, "B": 6.0, "C": 12.0} if thorough else {"A": 0.6, "B": 1.0, "C": 1.0}
    rate, size = (0.02, 1500) if thorough else (0.05, 400)
    where, shown = fastest(thorough)
    kinds = [(k, n) for k in SPEEDS for n in VALUES if (k, n) in MOVES and (thorough or n == "Tr H")]
    tests = [case(kind, name, times[kind]) for kind, name in kinds]
    figures, accepted = checked(tests, rng, rate, size, where)
    moved = (float(figures[c.name]) - c.first for c in tests)
    directed = all((x > 0) == (MOVES[k] > 0) for x, k in zip(moved, kinds, strict=True))
    return {**figures, **shown}, accepted and directed


EXPERIMENT = Experiment(
    "hessian", "H13", "ensembles", "extrapolated means within 4 standard errors + 1e-3 of the motion; directions", measure
)
