r"""The three decays at which the landscape of a deep linear network with one output changes.

With the product Gamma of the decays, :math:`v_\lambda = (\kappa A + \lambda)^{-1}g`, :math:`T = g\cdot v_\lambda`,
:math:`S = |v_\lambda|^2` and D hidden layers,

.. math:: \Gamma_c = D^{-D}\sup_\lambda \lambda T^D,\qquad \Gamma_{sn} = \sup_\lambda \lambda^{D+1}S^D,\qquad
   \Gamma_{all} = \sup_v \frac{(v\cdot g - \kappa|v|_A^2)^{D+1}}{|v|^2},

:math:`\Gamma_c \le \Gamma_{sn} \le \Gamma_{all}`: zero is a global minimum iff :math:`\Gamma \ge \Gamma_c`; nonzero
stationary points exist if :math:`\Gamma \le \Gamma_{sn}`; none exist if :math:`\Gamma > \Gamma_{all}`. For D = 1 all three
are :math:`|g|^2`; without a hidden layer no decay is large enough (inf). The last supremum is over the curve
:math:`v = (2\kappa A + \mu)^{-1}g`, where its gradient vanishes. Source: own derivation, for the network of arXiv:2202.04777.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np

from numerics.minimum_equation import FloatEquation, maximum
from numerics.minimum_moments import Array, Moments

LARGEST_LOG = log(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Thresholds:
    """Logarithms of the three products of decays, for `depth` weight matrices; -inf where E[xy] = 0, inf at depth 1."""

    depth: int
    log_critical: float
    log_saddle_node: float
    log_only_zero: float

    @property
    def products(self) -> tuple[float, float, float]:
        """Gamma_c, Gamma_sn, Gamma_all."""
        return _exp(self.log_critical), _exp(self.log_saddle_node), _exp(self.log_only_zero)

    @property
    def decays(self) -> tuple[float, float, float]:
        """The decays of layers that all have the same: the roots of order `depth` of the products."""
        logs = (self.log_critical, self.log_saddle_node, self.log_only_zero)
        return _exp(logs[0] / self.depth), _exp(logs[1] / self.depth), _exp(logs[2] / self.depth)


def thresholds(moments: Moments, depth: int, noise_factor: float = 1.0) -> Thresholds:
    """Gamma_c, Gamma_sn and Gamma_all of networks with `depth` weight matrices and the noise factor kappa.

    >>> found = thresholds(Moments.from_moments([[1]], [2], 4), 3)
    >>> [round(x, 12) for x in found.products]
    [1.0, 1.6875, 1.6875]
    """
    seen, hidden = moments.coordinates != 0, depth - 1
    if not seen.any():
        return Thresholds(depth, -inf, -inf, -inf)
    if hidden == 0:
        return Thresholds(depth, inf, inf, inf)
    log_weight = 2 * np.log(np.abs(moments.coordinates[seen]))
    equation = FloatEquation(np.log(noise_factor * moments.eigenvalues[seen]), log_weight, hidden, 0.0)
    critical = equation.log_critical()
    if hidden == 1:
        return Thresholds(depth, critical, critical, critical)
    node, last = _log_saddle_node(equation), _log_only_zero(equation)
    # The suprema are found up to rounding, which must not break their order.
    return Thresholds(depth, critical, max(node, critical), max(last, node, critical))


def _log_saddle_node(equation: FloatEquation) -> float:
    r"""The maximum of :math:`\ln F`, whose turning points have mean p = (D + 1)/(2D)."""
    d = equation.hidden
    low, high = _ends(equation, log((d + 1) / (d - 1)))
    return maximum(equation.residual, low, high, d)


def _log_only_zero(equation: FloatEquation) -> float:
    r"""The maximum over :math:`x = \ln\mu`; at a turning point mu = 2 mean(c)/(D - 1).

    With q = mu/(2c + mu): v . g - kappa|v|_A^2 = sum g^2 q (1 + q)/(2 mu) and |v|^2 = sum g^2 q^2/mu^2.
    """
    d = equation.hidden

    def value(x: Array) -> tuple[Array, Array]:
        gap = log(2) + equation.log_curvature - x[:, None]
        log_q = -np.logaddexp(0.0, gap)
        q = np.exp(log_q)
        top, lift = _mean(equation.log_weight + log_q + np.log1p(q), (1 - q) * (1 + 2 * q) / (1 + q))
        bottom, fall = _mean(equation.log_weight + 2 * log_q, 2 * (1 - q))
        return (d + 1) * (top - x - log(2)) - (bottom - 2 * x), (d + 1) * (lift - 1) - (fall - 2)

    low, high = _ends(equation, log(2 / (d - 1)))
    return maximum(value, low, high, 0.55 * (d + 1) + 1.5)


def _ends(equation: FloatEquation, shift: float) -> tuple[float, float]:
    return float(equation.log_curvature.min()) + shift, float(equation.log_curvature.max()) + shift


def _mean(log_terms: Array, values: Array) -> tuple[Array, Array]:
    """ln of the sum of exp(log_terms) along the last axis, and the mean of `values` under those weights."""
    log_sum = np.logaddexp.reduce(log_terms, axis=1)
    return log_sum, (np.exp(log_terms - log_sum[:, None]) * values).sum(axis=1)


def _exp(x: float) -> float:
    return exp(x) if x <= LARGEST_LOG else inf
