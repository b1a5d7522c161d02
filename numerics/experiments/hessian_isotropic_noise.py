r"""H12: isotropic noise on two scalars: means of Tr H and log pdet H on the valley beside the backward equation.

u(t, x) = E F(x_t) solves u_t = (c/2)(u_x / g)_x with g = 2 y cosh 2x; from u = F, on a grid by Crank-Nicolson, with the
values at the far ends fixed, where F'/g has levelled out. The ensemble starts at balance, w = (1, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import solve_banded

from numerics.backends import Array
from numerics.ensembles import Run
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_ensembles import Case, Value, checked, fastest

C, Y, START = 0.25, 1.0, 1.0
FAR, CELLS, STEPS = 5.0, 2000, 400
VALUES: dict[str, Callable[[Array], Array]] = {"Tr H": lambda T: T, "log pdet H": np.log}


def backward(F: Callable[[Array], Array], time: float) -> float:
    """E F(g(x_t)) from x = 0, F a function of the trace g."""
    x, h = np.linspace(-FAR, FAR, CELLS + 1, retstep=True)
    flux = C / (2 * h**2) / (2 * Y * np.cosh(2 * (x[:-1] + h / 2)))
    A = np.zeros((3, len(x)))  # the generator by its three diagonals; nothing moves at the ends
    A[0, 2:], A[2, :-2] = flux[1:], flux[:-1]
    A[1, 1:-1] = -flux[1:] - flux[:-1]
    half = time / STEPS / 2
    left = -half * A
    left[1] += 1
    u = np.asarray(F(2 * Y * np.cosh(2 * x)), dtype=np.float64)
    for _ in range(STEPS):
        moved = A[1] * u
        moved[1:-1] += A[0, 2:] * u[2:] + A[2, :-2] * u[:-2]
        u = solve_banded((1, 1), left, u + half * moved)
    return float(u[CELLS // 2])


def at_limit(F: Callable[[Array], Array]) -> Callable[[Sequence[Array]], Array]:
    """F of the trace sqrt(D^2 + 4 y^2) at the limit of gradient flow."""
    return lambda W: F(np.sqrt((W[1] ** 2 - W[0] ** 2)[:, 0, 0] ** 2 + 4 * Y**2))


def case(time: float) -> Case:
    start = (np.array([[START]]), np.array([[START]]))
    values = (Value(name, at_limit(F), float(F(np.array(2 * Y))), backward(F, time)) for name, F in VALUES.items())
    return Case(start, np.eye(1), Run(rate=1.0, time=time, size=1, noise="isotropic", scale=C), tuple(values))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    time, rate, size = (4.0, 0.04, 4000) if thorough else (2.0, 0.1, 8000)
    where, shown = fastest(thorough)
    test = case(time)
    figures, accepted = checked([test], rng, rate, size, where)
    grows = all(float(figures[v.name]) - 4 * float(figures[f"{v.name}, standard error"]) > v.first for v in test.values)
    return {**figures, **shown, "both grow by more than 4 standard errors": str(grows)}, accepted and grows


EXPERIMENT = Experiment(
    "hessian", "H12", "ensembles", "extrapolated means within 4 standard errors + 1e-3 of the motion; both grow", measure
)
