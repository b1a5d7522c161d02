r"""The global minimum of a deep linear network with weight decay and stochastic neurons, in milliseconds.

The loss over all weights reduces to one function of one number. With D hidden layers, noise factor
:math:`\kappa = \prod_i(1 + \sigma_i^2/d_i)`, decay product Gamma, :math:`A = E[xx^T]` and :math:`g = E[xy]`, the
candidates are zero and, for every root lambda of :math:`\lambda^{D+1}S^D = \Gamma`, the network whose mean predictor
is the shrunken ridge solution :math:`v = (\kappa A + \lambda)^{-1}g`, with rank-one aligned layers that all carry the
energy :math:`b = \gamma_i|W_i|_F^2 = \lambda|v|^2`. Source: arXiv:2202.04777; the one-dimensional form is derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, isinf, log, prod

import numpy as np
from numpy.typing import ArrayLike

from numerics.minimum_equation import FloatEquation
from numerics.minimum_loss import noise_averaged_gradient, noise_averaged_loss, per_layer
from numerics.minimum_moments import EPSILON, Array, Moments
from theory.errors import InvalidInput
from theory.scalar_equation import Kind, Verdict

__all__ = [
    "Minimum",
    "Moments",
    "StationaryPoint",
    "minimise",
    "noise_averaged_gradient",
    "noise_averaged_loss",
]

# psi below this multiple of its own terms is rounding: zero and the nonzero family tie.
TIE_TOLERANCE = 64 * EPSILON
LARGEST_LOG = log(np.finfo(np.float64).max)


@dataclass(frozen=True)
class StationaryPoint:
    """A stationary family: `lam` (inf at zero), layer `energy` b, `excess` = loss - E[y^2] and the `loss` itself.

    A nonzero point with `kind` MINIMUM is a local minimum of the loss over all weights; the others are saddles of it.
    """

    kind: Kind
    lam: float
    energy: float
    excess: float
    loss: float


@dataclass(frozen=True, eq=False)
class Minimum:
    """The global minimum that `minimise` found, with everything that competes with it.

    `loss` is the infimum, `attained` whether some weights reach it; `predictor` the mean predictor v (d_0,) and `lam`,
    `energy` its shrinkage and layer energy (of the nonzero family in a tie). `stationary` lists zero (where it is
    stationary) and every root of the scalar equation by decreasing lambda.
    """

    moments: Moments
    widths: tuple[int, ...]
    decay: tuple[float, ...]
    noise: tuple[float, ...]
    noise_factor: float
    verdict: Verdict
    attained: bool
    loss: float
    lam: float
    energy: float
    predictor: Array
    stationary: tuple[StationaryPoint, ...]

    @property
    def depth(self) -> int:
        """The number of weight matrices N."""
        return len(self.widths) - 1

    @property
    def trivial(self) -> bool:
        """Whether zero is a global minimiser (ties included)."""
        return self.verdict is not Verdict.NONTRIVIAL

    @property
    def local_minima(self) -> tuple[StationaryPoint, ...]:
        """The competing local minima, least loss first: zero where it is one, and each nonzero family.

        Complete for depth <= 2 and wherever no layer has noise; with noise at depth >= 3 completeness is conjectured.
        """
        minima = [point for point in self.stationary if point.kind is Kind.MINIMUM]
        return tuple(sorted(minima, key=lambda point: point.excess))

    @cached_property
    def log_critical_decay_product(self) -> float:
        r""":math:`\ln\Gamma_c`: zero is a global minimiser iff the decay product reaches it (inf at depth 1)."""
        equation = _equation(self.moments, self.noise_factor, self.depth - 1, 0.0)
        if equation is None:
            return -inf
        return equation.log_critical() if self.depth > 1 else inf

    @property
    def critical_decay_product(self) -> float:
        """Gamma_c itself."""
        return _exp(self.log_critical_decay_product)

    @property
    def critical_decay(self) -> float:
        """The critical decay if every layer has the same: the depth-th root of Gamma_c."""
        return _exp(self.log_critical_decay_product / self.depth)

    @property
    def layer_norms(self) -> tuple[float, ...]:
        """The squared Frobenius norm of each layer at the minimum: energy / decay (all equal without decay)."""
        self._require_attained()
        return tuple(norm**2 for norm in self._norms(self.energy, self.predictor))

    @property
    def layer_energies(self) -> tuple[float, ...]:
        """decay_i |W_i|^2 at the minimum: one common number, by the scale symmetry between layers."""
        return tuple(gamma * square for gamma, square in zip(self.decay, self.layer_norms, strict=True))

    def predictor_at(self, point: StationaryPoint) -> Array:
        """The mean predictor (kappa A + lam)^{-1} g (d_0,) of a stationary family; zero at lam = inf."""
        return _predictor(self.moments, self.noise_factor, point.lam)

    def weights(self, signs: Sequence[ArrayLike] | None = None, *, at: StationaryPoint | None = None) -> list[Array]:
        """Weights W_1, ..., W_N that attain the minimum, or the stationary point `at`: rank one and aligned.

        `signs` holds r_i (d_i,) for each hidden layer: entries +1 or -1 (all +1 by default), or, where the layer has no
        noise, any vector of squared length d_i. Every global minimiser has this form. `InvalidInput` if the infimum is
        not attained.
        """
        self._require_attained()
        hidden = [_pattern(r, d, s) for r, d, s in zip(self._signs(signs), self.widths[1:-1], self.noise, strict=True)]
        energy = self.energy if at is None else at.energy
        v = self.predictor if at is None else self.predictor_at(at)
        length = float(np.linalg.norm(v))
        start = v / length if length else v
        units = [start, *(r / np.sqrt(r.size) for r in hidden), np.ones(1)]
        norms = self._norms(energy, v)
        return [norm * np.outer(out, into) for norm, into, out in zip(norms, units[:-1], units[1:], strict=True)]

    def _signs(self, signs: Sequence[ArrayLike] | None) -> Sequence[ArrayLike]:
        count = self.depth - 1
        if signs is not None and len(signs) != count:
            raise InvalidInput("signs", f"{len(signs)} vectors", f"one for each of the {count} hidden layers")
        return [np.ones(d) for d in self.widths[1:-1]] if signs is None else signs

    def _norms(self, energy: float, v: Array) -> tuple[float, ...]:
        if all(self.decay):
            return tuple((energy / gamma) ** 0.5 for gamma in self.decay)
        return (float(np.linalg.norm(v)) ** (1 / self.depth),) * self.depth

    def _require_attained(self) -> None:
        if not self.attained:
            expected = "decays all positive or all zero: in between the infimum is approached only by diverging weights"
            raise InvalidInput("decay", self.decay, expected)


def minimise(
    moments: Moments,
    widths: Sequence[int],
    *,
    decay: float | Sequence[float],
    noise: float | Sequence[float] = 0.0,
) -> Minimum:
    r"""The global minimum for `widths` (d_0, ..., d_N = 1), `decay` per layer, `noise` variances per hidden layer.

    Decays may be zero. All zero: the loss E[y^2] - q/kappa is attained by many weights, `weights` returns layers of equal
    norm. Some zero (depth >= 2, E[xy] != 0): the same value is an infimum that no weights attain, `attained` is False.
    Raises `InvalidInput` for widths that do not fit the moments and for negative or non-finite decay and noise.

    >>> found = minimise(Moments.from_moments([[1]], [3], 9), (1, 2, 1), decay=1.0)
    >>> found.verdict.name, round(found.loss, 12), round(found.energy, 12), round(found.critical_decay, 12)
    ('NONTRIVIAL', 5.0, 2.0, 3.0)
    """
    shape = check_widths(widths, moments.features)
    gammas = per_layer("decay", decay, len(shape) - 1)
    variances = per_layer("noise", noise, len(shape) - 2)
    kappa = prod(1 + s / d for s, d in zip(variances, shape[1:-1], strict=True))
    if not all(gammas):
        return _without_decay(moments, shape, gammas, variances, kappa)
    points = _stationary(moments, kappa, gammas)
    best = min(points, key=lambda point: (point.excess, isinf(point.lam)))
    tie = _tie(points, len(shape) - 2, best)
    best = tie or best
    verdict = Verdict.TRIVIAL if isinf(best.lam) else Verdict.TIED if tie else Verdict.NONTRIVIAL
    v = _predictor(moments, kappa, best.lam)
    loss, lam, energy = best.loss, best.lam, best.energy
    return Minimum(moments, shape, gammas, variances, kappa, verdict, True, loss, lam, energy, v, points)


def check_widths(widths: Sequence[int], features: int) -> tuple[int, ...]:
    """`widths` as a tuple (d_0 = features, ..., d_N = 1) of integers >= 1, N >= 1."""
    shape = tuple(widths)
    whole = all(isinstance(width, (int, np.integer)) and width >= 1 for width in shape)
    if len(shape) < 2 or not whole or shape[0] != features or shape[-1] != 1:
        raise InvalidInput("widths", shape, f"integers >= 1 from {features} (the features) to 1 (the output)")
    return tuple(int(width) for width in shape)


def _equation(moments: Moments, kappa: float, hidden: int, log_decay: float) -> FloatEquation | None:
    """The scalar equation on the directions that E[xy] sees; None where it sees none."""
    seen = moments.coordinates != 0
    if not seen.any():
        return None
    log_weight = 2 * np.log(np.abs(moments.coordinates[seen]))
    return FloatEquation(np.log(kappa * moments.eigenvalues[seen]), log_weight, hidden, log_decay)


def _stationary(moments: Moments, kappa: float, decay: tuple[float, ...]) -> tuple[StationaryPoint, ...]:
    hidden, log_decay = len(decay) - 1, sum(log(gamma) for gamma in decay)
    equation = _equation(moments, kappa, hidden, log_decay)
    if hidden == 0 and equation is not None:
        return (_point(moments, kappa, 0, Kind.MINIMUM, log_decay),)
    roots = [] if equation is None else equation.roots()
    saddle = hidden == 1 and bool(roots)
    zero = StationaryPoint(Kind.SADDLE if saddle else Kind.MINIMUM, inf, 0.0, 0.0, moments.target)
    return (zero, *(_point(moments, kappa, hidden, kind, x) for x, kind in reversed(roots)))


def _point(moments: Moments, kappa: float, hidden: int, kind: Kind, x: float) -> StationaryPoint:
    """The stationary point at ln lambda = x: b = lambda S, psi = sum_k g_k^2 ((D-1) lambda - c_k)/(c_k + lambda)^2."""
    curvature, lam = kappa * moments.eigenvalues, exp(min(x, LARGEST_LOG))
    shrunk = moments.coordinates / (curvature + lam)
    with np.errstate(over="ignore"):  # a share of 0 where lambda is beyond every curvature
        share = 1 / (1 + lam / curvature)
    # The root of lambda goes inside the square: at a far barrier lambda is huge and the square of the rest underflows.
    energy = float(np.sum((lam**0.5 * shrunk) ** 2))
    excess = float(np.sum(moments.coordinates * shrunk * (hidden - 1 - hidden * share)))
    return StationaryPoint(kind, lam, energy, excess, moments.target + excess)


def _tie(points: tuple[StationaryPoint, ...], hidden: int, best: StationaryPoint) -> StationaryPoint | None:
    """The nonzero minimum whose psi is zero within rounding, if the best is zero or it; one hidden layer has no ties."""
    rivals = [point for point in points if point.kind is Kind.MINIMUM and not isinf(point.lam)]
    if hidden < 2 or not rivals:
        return None
    rival = min(rivals, key=lambda point: point.excess)
    scale = 2 * hidden * rival.energy + abs(rival.excess)
    return rival if abs(rival.excess) <= TIE_TOLERANCE * scale else None


def _predictor(moments: Moments, kappa: float, lam: float) -> Array:
    return np.asarray(moments.basis @ (moments.coordinates / (kappa * moments.eigenvalues + lam)))


def _without_decay(
    moments: Moments, widths: tuple[int, ...], decay: tuple[float, ...], noise: tuple[float, ...], kappa: float
) -> Minimum:
    """Some decay is zero: the infimum is E[y^2] - q/kappa, attained iff all are zero or E[xy] = 0."""
    blind = not moments.coordinates.any()
    attained = blind or not any(decay)
    loss = moments.target - moments.explained / kappa
    verdict = Verdict.TRIVIAL if blind else Verdict.NONTRIVIAL
    v = _predictor(moments, kappa, 0.0)
    points = _origin(moments.target, decay) if blind or len(decay) > 1 else ()
    return Minimum(moments, widths, decay, noise, kappa, verdict, attained, loss, 0.0, 0.0, v, points)


def _origin(target: float, decay: tuple[float, ...]) -> tuple[StationaryPoint, ...]:
    """Zero is a local minimum iff at least two decays are positive and there are two hidden layers or more."""
    minimum = len(decay) > 2 and sum(gamma > 0 for gamma in decay) >= 2
    return (StationaryPoint(Kind.MINIMUM if minimum else Kind.SADDLE, inf, 0.0, 0.0, target),)


def _pattern(signs: ArrayLike, width: int, variance: float) -> Array:
    pattern = np.array(signs, dtype=np.float64)
    expected = f"{width} entries, each +1 or -1" if variance else f"{width} entries of squared length {width}"
    fits = pattern.shape == (width,) and abs(float(pattern @ pattern) - width) <= 1e-12 * width
    if not fits or (variance and not np.all(np.abs(pattern) == 1)):
        raise InvalidInput("signs", pattern.tolist(), expected)
    return pattern


def _exp(x: float) -> float:
    return exp(x) if x <= LARGEST_LOG else inf
