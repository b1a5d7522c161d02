r"""H5: the drift of Sigma = phi(H) beside the slope of sum psi(lambda) along the valley, psi' = phi / lambda.

The slope in a random tangent direction is a central difference along the valley (points are put back by Gauss-Newton steps);
the drift has no normal part.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from numerics.dynamics import Array, product
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import data, near_identity, onto_valley, vector
from numerics.noise_drift import Valley, split

NETS = ((2, 2, 2), (1, 2, 3), (3, 2, 3), (2, 3, 1, 2), (2, 2, 2, 2))
H, ACCEPTED = 1e-4, 1e-6
Function = Callable[[Array], Array]
# phi and psi.
POTENTIALS: dict[str, tuple[Function, Function]] = {
    "lambda": (lambda x: x, lambda x: x),
    "1": (np.ones_like, np.log),
    "lambda^2": (lambda x: x**2, lambda x: x**2 / 2),
    "sqrt lambda": (np.sqrt, lambda x: 2 * np.sqrt(x)),
}


def slope(net: Valley, v: Array, psi: Function) -> float:
    """The derivative of sum psi(lambda) in the tangent direction v."""
    x, Y = vector(net.layers), product(net.layers) @ net.X
    ends = (onto_valley(x + s * H * v, net.layers, net.X, Y) for s in (1, -1))
    up, down = (Valley.of(split(net.layers, end), net.X) for end in ends)
    return float(psi(up.values[: net.rank]).sum() - psi(down.values[: net.rank]).sum()) / (2 * H)


def one(rng: np.random.Generator, net: Valley, name: str) -> float:
    """|drift . v + 1/4 slope| over the size of the drift, for a random tangent unit vector v; and the normal part."""
    phi, psi = POTENTIALS[name]
    b, r = net.velocity(net.in_eigenbasis(phi)), net.rank
    t = rng.normal(size=len(b) - r)
    v = net.basis[:, r:] @ t / np.linalg.norm(t)
    along = float(b[r:] @ t / np.linalg.norm(t))
    return max(abs(along + slope(net, v, psi) / 4), float(np.linalg.norm(b[:r]))) / float(np.linalg.norm(b))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    worst, count = dict.fromkeys(POTENTIALS, 0.0), 25 if thorough else 5
    for k in range(count):
        widths = NETS[k % len(NETS)]
        net = Valley.of(near_identity(rng, widths), data(rng, widths[0], 3 * (k % 2)))
        for name in POTENTIALS:
            worst[name] = max(worst[name], one(rng, net, name))
    figures: Figures = {f"largest relative error, phi = {name}": x for name, x in worst.items()}
    return {"networks": count, **figures}, max(worst.values()) <= ACCEPTED


EXPERIMENT = Experiment(
    "hessian", "H5", "random networks", "drift and slope of the potential agree to 1e-6 of the drift", measure
)
