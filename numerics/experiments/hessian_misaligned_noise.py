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
from numerics.ensembles import Run
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_ensembles import Case, Value, checked, fastest, settling

C, W0 = 0.25, 0.6
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
# Whether the values rise.
RISES = {"A": (False, True), "B": (True, False), "C": (True, False)}


def case(kind: str, time: float) -> Case:
    """Descent without noise is long enough while the least eigenvalue w^2 stays above 1/4."""
    end = solve_ivp(lambda _, w: SPEEDS[kind](w), (0.0, time), [W0], "DOP853", rtol=1e-10, atol=1e-12).y[0, -1]
    values = tuple(of_first_weight(f"{kind}: {name}", f, end) for name, f in VALUES.items())
    return Case(START, np.eye(1), replace(RUNS[kind], time=time), values, settling(0.25))


def of_first_weight(name: str, f: Callable[[Array], Array], end: float) -> Value:
    return Value(name, lambda W: f(W[0][:, 0, 0]), *(float(f(np.array(w))) for w in (W0, end)))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    times = {"A": 2.0, "B": 6.0, "C": 8.0} if thorough else {"A": 0.6, "B": 1.0, "C": 1.5}
    rate, size = (0.016, 400) if thorough else (0.04, 250)
    where, shown = fastest(thorough)
    cases = {kind: case(kind, times[kind]) for kind in SPEEDS}
    figures, accepted = checked(list(cases.values()), rng, rate, size, where)
    rises = {kind: tuple(float(figures[v.name]) > v.first for v in c.values) for kind, c in cases.items()}
    return {**figures, **shown}, accepted and all(x == RISES[kind] for kind, x in rises.items())


EXPERIMENT = Experiment(
    "hessian", "H13", "ensembles", "extrapolated means within 4 standard errors + 1e-3 of the motion; directions", measure
)
