r"""H4: the drift of gradient noise beside second differences of the integrated limit of gradient flow.

1/2 d^2 Phi[Sigma] is the mean over the columns s of a root of Sigma of (Phi(x + h s) + Phi(x - h s) - 2 Phi(x)) / 2 h^2, where
Phi(x) = x on the valley; its error is of order h^2. Noises: H, the projection on its range, a normal covariance that does not
commute with H, and one with mixed and tangent parts, whose drift has a normal part (the curvature of the valley).
"""

from __future__ import annotations

import numpy as np

from numerics.dynamics import Array, product
from numerics.experiments import Experiment, Figures
from numerics.experiments.hessian_networks import covariance, limits, tame_network, vector
from numerics.noise_drift import Valley

NETS, MORE = ((1, 1, 2), (2, 2, 2)), ((2, 2, 1, 2), (1, 2, 3))
KINDS = ("label", "isotropic normal", "normal", "any")
H, ACCEPTED = 2e-3, 1e-4


def differences(net: Valley, sigma: Array) -> Array:
    """1/2 d^2 Phi[Sigma] in the eigenbasis of H."""
    weights, Q = np.linalg.eigh(sigma)
    kept = weights > 1e-12 * weights[-1]
    x, steps = vector(net.layers), H * (net.basis @ (Q * np.sqrt(np.maximum(weights, 0))))[:, kept].T
    Y = product(net.layers) @ net.X
    ends = limits(np.concatenate([x + steps, x - steps]), net.layers, net.X, Y, float(net.values[net.rank - 1]))
    return np.asarray(net.basis.T @ (ends - x).sum(axis=0) / (2 * H**2))


def error(net: Valley, sigma: Array) -> float:
    found, predicted = differences(net, sigma), net.velocity(sigma)
    return float(np.linalg.norm(found - predicted) / np.linalg.norm(predicted))


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    worst = dict.fromkeys(KINDS, 0.0)
    for widths in (*NETS, *(MORE if thorough else ())):
        net = Valley.of(*tame_network(rng, widths))
        for kind in KINDS:
            worst[kind] = max(worst[kind], error(net, covariance(rng, net, kind)))
    figures: Figures = {f"largest relative error, {kind}": x for kind, x in worst.items()}
    return figures, max(worst.values()) <= ACCEPTED


EXPERIMENT = Experiment(
    "hessian", "H4", "integrated flow", "the drift within 1e-4 of second differences of the limit of the flow", measure
)
