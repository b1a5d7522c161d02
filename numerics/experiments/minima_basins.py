r"""Gradient flows from random starts inside each basin of the origin, against the proven bounds on \(|\theta(t)|^2\)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np
from scipy.integrate import solve_ivp

from numerics.basin import Basin, Proof, basin
from numerics.experiments import Experiment, Figures
from numerics.experiments.problems import Problem, problem
from numerics.minimum_loss import loss_and_gradient
from numerics.minimum_moments import Array
from numerics.training import pack, unpack

Start = tuple[Problem, list[Array]]
RELATIVE, ABSOLUTE = 1e-9, 1e-12
# What the integrator may add to |theta|^2, relative and as a part of its start.
SLACK, FLOOR, FALLEN = 1e-6, 1e-8, 1e-6
TIMES, LIFETIMES = 40, 12.0


def found(start: Start) -> Basin:
    p, layers = start
    return basin(layers, p.moments, p.decay, noise=p.noise)


def scaled(layers: list[Array], size: float) -> list[Array]:
    return [size * w for w in layers]


def direction(rng: np.random.Generator, p: Problem) -> list[Array]:
    """Random layers of norm 1 in all: normal entries, or aligned rank one along E[xy], where the bounds are nearly attained."""
    layers = p.weights(rng)
    if rng.random() < 0.5:
        units = [p.moments.cross, *(rng.normal(size=d) for d in p.widths[1:-1]), np.ones(1)]
        units = [u / float(np.linalg.norm(u)) for u in units]
        layers = [np.outer(out, into) for into, out in pairwise(units)]
    return scaled(layers, 1 / float(np.linalg.norm(pack(layers))))


def signal(rng: np.random.Generator, hidden: int, decay: tuple[float, float]) -> Problem:
    p = problem(rng, hidden, largest=3, decay=decay)
    return p if np.linalg.norm(p.moments.cross) > 0.1 else signal(rng, hidden, decay)


def in_ball(rng: np.random.Generator) -> Start:
    """|theta|^2 uniform in (0, rho_0)."""
    p = signal(rng, int(rng.integers(2, 5)), (0.1, 0.4))
    layers = direction(rng, p)
    return p, scaled(layers, float(found((p, layers)).radius or 0) ** 0.5 * rng.uniform(0.02, 0.999) ** 0.5)


def in_level_set(rng: np.random.Generator) -> Start:
    """On a ray, up to the end of the level set; the decays differ, so that most such starts are outside of the ball."""
    p = signal(rng, int(rng.integers(2, 5)), (0.05, 1.0))
    layers = [w / gamma**0.5 for w, gamma in zip(direction(rng, p), p.decay, strict=True)]

    def inside(size: float) -> bool:
        at = found((p, scaled(layers, size)))
        return at.predictor_norm < (at.wall or 0) and at.excess < (at.barrier or 0)

    size = 1.0
    while inside(size):
        size *= 2
    while not inside(size):
        size /= 1.2
    return p, scaled(layers, size * rng.uniform(0.8, 1.0))


def with_one_hidden_layer(rng: np.random.Generator) -> Start:
    """Decays of a product 1.02 to 3 times |E[xy]|^2; weights of any size."""
    p = signal(rng, 1, (0.1, 1.0))
    factor = (rng.uniform(1.02, 3) / prod(p.decay)) ** 0.5 * float(np.linalg.norm(p.moments.cross))
    p = replace(p, decay=tuple(factor * c for c in p.decay))
    return p, scaled(direction(rng, p), rng.uniform(0.1, 3))


def flow(start: Start, at: Basin) -> tuple[Array, Array]:
    """Times and |theta|^2 along the flow."""
    p, layers = start
    pace = at.rate / 2 if at.rate and p.hidden == 1 else min(p.decay)

    def speed(_: float, x: Array) -> Array:
        return -pack(loss_and_gradient(unpack(x, p.widths), p.moments, p.decay, p.noise)[1])

    times = np.linspace(0, LIFETIMES / pace, TIMES)
    done = solve_ivp(speed, (0, times[-1]), pack(layers), "LSODA", times, rtol=RELATIVE, atol=ABSOLUTE)
    return times, np.sum(done.y**2, axis=0)


def excess_over_bound(at: Basin, times: Array, sizes: Array) -> float:
    """The largest |theta(t)|^2 over its bound at times t > 0, less what the integrator may add."""
    bounds = np.array([at.bound(t) for t in times[1:]])
    return float(np.max((sizes[1:] - FLOOR * sizes[0]) / np.maximum(bounds, np.finfo(np.float64).tiny)))


KINDS: dict[str, tuple[Callable[[np.random.Generator], Start], frozenset[Proof]]] = {
    "ball": (in_ball, frozenset({Proof.BALL})),
    "level set": (in_level_set, frozenset({Proof.LEVEL_SET, Proof.BALL})),
    "one hidden layer": (with_one_hidden_layer, frozenset({Proof.ONE_HIDDEN_LAYER})),
}


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    figures: Figures = {}
    wrong = 0
    for name, (make, proofs) in KINDS.items():
        starts = [make(rng) for _ in range(200 if thorough else 3)]
        basins = [found(start) for start in starts]
        flows = [flow(start, at) for start, at in zip(starts, basins, strict=True)]
        ratios = [excess_over_bound(at, *run) for at, run in zip(basins, flows, strict=True)]
        fallen = sum(bool(sizes[-1] <= FALLEN * sizes[0]) for _, sizes in flows)
        figures |= {f"{name}: flows": len(starts), f"{name}: fallen to zero": fallen}
        figures[f"{name}: largest part of the bound"] = max(ratios)
        wrong += len(starts) - fallen + sum(r > 1 + SLACK for r in ratios) + sum(at.proof not in proofs for at in basins)
        if name == "level set":
            figures["level set: outside of the ball"] = sum(at.proof is Proof.LEVEL_SET for at in basins)
    return figures, wrong == 0


DETAIL = "LSODA, rtol 1e-9: every start falls to zero, |theta(t)|^2 within its bound (1e-6) throughout"
EXPERIMENT = Experiment("minima", "B18", "flow", DETAIL, measure)
