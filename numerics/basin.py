r"""Will these weights fall to zero under gradient flow? What is proved, and how fast.

Setting: the noise-averaged loss L of a deep linear network with one output and decays gamma_i, :math:`\dot\theta = -\nabla L`,
N layers, D = N - 1 hidden ones, m the least decay, Gamma their product, g = E[xy], v the mean predictor. Proved to fall to zero
are, for :math:`D \ge 2`, the starts in the ball and in the level set

.. math:: |\theta|^2 < \rho_0 = N (m/|g|)^{2/(D-1)};\qquad
   |v| < t_0 = (\Gamma/|g|^N)^{1/(D-1)},\; L - E[y^2] < (D-1)|g|t_0,

for D = 1 and :math:`|g|^2 < \Gamma` all starts; where :math:`\Gamma > \Gamma_{all}` all starts too, without a rate. A start
whose loss is below that of zero never falls to zero. Usual initialisations are in none of these sets when m < |g|.
Source: own derivation, in the setting of arXiv:2202.04777.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import exp, inf, log, prod

import numpy as np
from scipy.optimize import brentq

from numerics.minimum_loss import check_layers, loss_and_gradient, per_layer
from numerics.minimum_moments import Array, Moments, as_floats
from numerics.thresholds import LARGEST_LOG, thresholds
from theory.errors import InvalidInput

# Weights closer than this, relative, to the edge of a set may be outside of it: floats do not decide.
MARGIN = 1e-9


class Proof(Enum):
    """What is proved of the flow from given weights."""

    NO_SIGNAL = "E[xy] = 0: every start falls to zero"
    ONE_HIDDEN_LAYER = "|E[xy]|^2 is below the product of the decays: every start falls to zero"
    BALL = "in the ball around zero that falls to zero"
    LEVEL_SET = "in the level set around zero that falls to zero"
    EVERYWHERE = "the decays are so large that zero is the only stationary point: every start falls to zero"
    RIDGE = "without hidden layers every start goes to the ridge solution, which is not zero"
    BELOW_ZERO = "the loss is below that of zero, and never rises again: it does not fall to zero"
    NONE = "not covered by a proof"


COLLAPSING = frozenset({Proof.NO_SIGNAL, Proof.ONE_HIDDEN_LAYER, Proof.BALL, Proof.LEVEL_SET, Proof.EVERYWHERE})
# The statement of the family `minima` behind each answer; the others follow from the definitions alone.
SHEETS = {Proof.NO_SIGNAL: "B18", Proof.ONE_HIDDEN_LAYER: "B18", Proof.BALL: "B18", Proof.LEVEL_SET: "B18"}
SHEETS |= {Proof.EVERYWHERE: "B17", Proof.RIDGE: "B4"}


@dataclass(frozen=True)
class Basin:
    """What is proved of the gradient flow from given weights, and the figures that decide it.

    `rate` is c > 0 with :math:`|\\theta(t)|^2 \\le C e^{-ct}`, None where no rate is proved; `squared_norm` is |theta|^2 and
    `radius` rho_0; `predictor_norm` is |v| and `wall` t_0; `excess` is L - E[y^2] and `barrier` (D - 1)|g|t_0. `radius`, `wall`
    and `barrier` are None where there is no such set (fewer than two hidden layers).
    """

    proof: Proof
    rate: float | None
    squared_norm: float
    radius: float | None
    predictor_norm: float
    wall: float | None
    excess: float
    barrier: float | None
    hidden: int

    @property
    def collapses(self) -> bool | None:
        """Whether the flow falls to zero; None where nothing is proved."""
        return None if self.proof is Proof.NONE else self.proof in COLLAPSING

    def bound(self, time: float) -> float:
        r"""A proven bound on :math:`|\theta|^2` at a time; inf where no rate is proved.

        In the ball, with :math:`y = (|\theta|^2/\rho_0)^{(D-1)/2}`, y/(1 - y) falls by :math:`e^{-2(D-1)mt}`.
        """
        if self.rate is None:
            return inf
        fallen = self.squared_norm * exp(-self.rate * time)
        if self.proof is not Proof.BALL or self.radius is None:
            return fallen
        power = (self.hidden - 1) / 2
        share = (self.squared_norm / self.radius) ** power
        return float(fallen / (1 - share + share * exp(-power * self.rate * time)) ** (1 / power))


def basin(
    layers: Sequence[Array], moments: Moments, decay: float | Sequence[float], *, noise: float | Sequence[float] = 0.0
) -> Basin:
    """Whether `layers` (W_1 acts first, one output) are in a set that is proved to fall to zero, with the guaranteed rate.

    Rates are those of gradient flow on the loss E(y - f)^2 + sum decay_i |W_i|^2 (torch's `weight_decay` is twice the decay).
    Raises `InvalidInput` for shapes that do not chain, entries that are not finite, negative decay or noise.

    >>> moments = Moments.from_moments([[1]], [2], 4)
    >>> found = basin([np.array([[0.1]])] * 3, moments, decay=1.0)
    >>> found.proof.name, found.collapses, found.rate, found.radius
    ('BALL', True, 4.0, 0.75)
    >>> basin([np.array([[1.0]])] * 3, moments, decay=1.0).proof.value
    'not covered by a proof'
    """
    checked = [as_floats(f"layer {k}", layer, 2) for k, layer in enumerate(layers, start=1)]
    widths = check_layers(checked, moments.features)
    gammas = per_layer("decay", decay, len(checked))
    variances = per_layer("noise", noise, len(checked) - 1)
    kappa = prod(1 + s / d for s, d in zip(variances, widths[1:-1], strict=True))
    return _Start(checked, moments, gammas, variances, kappa).basin()


class _Start:
    """The figures of a start, and the question in which set it is."""

    def __init__(
        self, layers: list[Array], moments: Moments, decay: tuple[float, ...], noise: tuple[float, ...], kappa: float
    ) -> None:
        self.moments, self.decay, self.hidden, self.kappa = moments, decay, len(layers) - 1, kappa
        self.signal, self.least = float(np.linalg.norm(moments.cross)), min(decay)
        v = layers[0]
        with np.errstate(all="ignore"):
            self.squared_norm = sum(float(np.vdot(w, w)) for w in layers)
            for w in layers[1:]:
                v = w @ v
            self.predictor_norm = float(np.linalg.norm(v))
            # Without E[y^2], which would cancel the digits of small weights.
            self.excess = loss_and_gradient(layers, replace(moments, target=0.0), decay, noise)[0]
        if not np.isfinite(self.excess):
            raise InvalidInput("layers", "weights whose loss overflows", "smaller weights")
        self.size = abs(self.excess) + 4 * abs(float((v @ moments.cross)[0]))
        self.log_product = sum(log(c) for c in decay) if all(decay) else -inf
        self.radius, self.wall, self.barrier = self._sets()

    def _sets(self) -> tuple[float | None, float | None, float | None]:
        """rho_0, t_0 and (D - 1)|g|t_0, through logarithms: products of many decays underflow."""
        if self.hidden < 2 or self.signal == 0:
            return None, None, None
        layers, power, log_g = self.hidden + 1, 1 / (self.hidden - 1), log(self.signal)
        wall = _exp(power * (self.log_product - layers * log_g))
        radius = layers * _exp(2 * power * (log(self.least) - log_g)) if self.least else 0.0
        return radius, wall, (self.hidden - 1) * self.signal * wall

    def basin(self) -> Basin:
        proof, rate = self._proof()
        figures = (self.squared_norm, self.radius, self.predictor_norm, self.wall, self.excess, self.barrier)
        return Basin(proof, rate, *figures, self.hidden)

    def _proof(self) -> tuple[Proof, float | None]:
        if self.signal == 0 and self.least > 0:
            return Proof.NO_SIGNAL, 4 * self.least
        if self.hidden == 0:
            return (Proof.RIDGE, None) if self.signal else (Proof.NONE, None)
        if self.hidden == 1 and 2 * log(self.signal or 1) < self.log_product - MARGIN:
            return Proof.ONE_HIDDEN_LAYER, 2 * self._least_eigenvalue()
        if self.radius is not None and self.squared_norm < self.radius * (1 - MARGIN):
            return Proof.BALL, 4 * self.least
        if self._in_level_set():
            return Proof.LEVEL_SET, self._level_rate()
        if self._only_zero():
            return Proof.EVERYWHERE, None
        return (Proof.BELOW_ZERO if self.excess < -MARGIN * self.size else Proof.NONE), None

    def _least_eigenvalue(self) -> float:
        """mu of the Hessian at zero with one hidden layer, without cancellation."""
        (first, last), square = self.decay, self.signal**2
        return 4 * (first * last - square) / (first + last + float(np.hypot(first - last, 2 * self.signal)))

    def _in_level_set(self) -> bool:
        if self.wall is None or self.barrier is None or self.wall == 0:
            return False
        return self.predictor_norm < self.wall * (1 - MARGIN) and self.excess < self.barrier - MARGIN * self.size

    def _level_rate(self) -> float | None:
        r"""4 m (1 - r^{D-1}), r the root of N r^2 - 2 r^N = (L - E[y^2])/(|g| t_0): R stays below N |g| t_0 r^2."""
        layers, height = self.hidden + 1, max(self.excess, 0.0) / (self.signal * (self.wall or 1.0))
        r = float(brentq(lambda x: layers * x**2 - 2 * x**layers - height, 0.0, 1.0, xtol=1e-14))
        rate = 4 * self.least * (1 - min(r * (1 + MARGIN) + MARGIN, 1.0) ** (self.hidden - 1))
        return rate if rate > 0 else None

    def _only_zero(self) -> bool:
        if self.least == 0:
            return False
        last = thresholds(self.moments, self.hidden + 1, self.kappa).log_only_zero
        return self.log_product > last + MARGIN * (1 + abs(last))


def _exp(x: float) -> float:
    return exp(x) if x <= LARGEST_LOG else inf
