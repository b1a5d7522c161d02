r"""Every root of the scalar equation :math:`\lambda^{D+1} S(\lambda)^D = \Gamma` in floats, none missed.

With :math:`x = \ln\lambda`, :math:`p_k = \lambda/(c_k + \lambda)`, :math:`c_k = \kappa a_k` and m the mean of p under
weights :math:`g_k^2 p_k^2`, the function :math:`h = \ln F - \ln\Gamma` has :math:`h' = D + 1 - 2Dm` and
:math:`|h''| \le D`. An interval of radius r about x holds no root if :math:`|h| > |h'|r + Dr^2/2` and at most one if
:math:`|h'| > Dr`; others are halved. Left and right of :math:`\ln c_k + \ln\frac{D+1}{D-1}` (least and largest c_k) h
is monotone, so all turning happens in a box whose length is the logarithm of the condition number. Bounds are used with
a slack for rounding. Source: arXiv:2202.04777 for the equation; the bounds are derived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, log

import numpy as np

from numerics.minimum_moments import EPSILON, Array
from theory.scalar_equation import Kind

SMALLEST_RADIUS = 1e-8
PEAK_TOLERANCE = 1e-14
# Half-width below which first-order bounds start to bite; wider first intervals are only halved again.
FIRST_RADIUS = 0.5


@dataclass(frozen=True, eq=False)
class FloatEquation:
    """The scalar equation of `hidden` = D >= 1 layers.

    `log_curvature` (m,) = ln c_k, `log_weight` (m,) = ln g_k^2, `log_decay` = ln Gamma: logarithms, because a product of
    many small decays underflows.
    """

    log_curvature: Array
    log_weight: Array
    hidden: int
    log_decay: float

    def residual(self, x: Array) -> tuple[Array, Array]:
        """h and h' at each x (n,)."""
        d = self.hidden
        gap = self.log_curvature - x[:, None]
        log_p = -np.logaddexp(0.0, gap)
        log_sum, mean = _weighted(self.log_weight + 2 * log_p, np.exp(log_p))
        return (1 - d) * x + d * log_sum - self.log_decay, d + 1 - 2 * d * mean

    def rounding(self, x: Array) -> Array:
        """A bound on the rounding error of h at each x."""
        size = np.abs(self.log_weight).max() + 2 * np.maximum(self.log_curvature.max() - x, 0) + 2 * np.abs(x) + 2
        return np.asarray(8 * EPSILON * (self.hidden * size + abs(self.log_decay)))

    def threshold(self, x: Array) -> tuple[Array, Array]:
        r""":math:`\ln(\lambda T^D/D^D)`, whose supremum is the critical decay product, and its slope."""
        d = self.hidden
        log_p = -np.logaddexp(0.0, self.log_curvature - x[:, None])
        log_sum, mean = _weighted(self.log_weight + log_p, np.exp(log_p))
        return (1 - d) * x + d * (log_sum - log(d)), 1 - d * mean

    def log_critical(self) -> float:
        r""":math:`\ln\Gamma_c`; the maximiser solves mean p = 1/D, hence lies in :math:`c/(D-1)` (least, largest c)."""
        if self.hidden == 1:
            return float(np.logaddexp.reduce(self.log_weight))
        shift = -log(self.hidden - 1)
        return maximum(self.threshold, *self._box(shift), self.hidden / 4)

    def _box(self, shift: float) -> tuple[float, float]:
        return float(self.log_curvature.min()) + shift, float(self.log_curvature.max()) + shift

    def roots(self) -> list[tuple[float, Kind]]:
        """All roots x = ln lambda in increasing order, each with what psi does there."""
        return self._one_hidden_layer() if self.hidden == 1 else self._subdivision()

    def _subdivision(self) -> list[tuple[float, Kind]]:
        d, shift = self.hidden, log((self.hidden + 1) / (self.hidden - 1))
        low, high = self._box(shift)
        log_norm = float(np.logaddexp.reduce(self.log_weight))
        log_explained = float(np.logaddexp.reduce(self.log_weight - self.log_curvature))
        far_left = min(self.log_decay + d * (log(4.0) - log_explained), low) - 1
        far_right = max((d * log_norm - self.log_decay) / (d - 1), high) + 1
        x, sign = self._samples(low, high)
        x, sign = np.concatenate([[far_left], x, [far_right]]), np.concatenate([[-1], sign, [-1]])
        return self._crossings(x, sign)

    def _samples(self, low: float, high: float) -> tuple[Array, Array]:
        """Points of [low, high] and the signs of h (0 within rounding); between neighbours at most one simple root."""
        centre, radius = _partition(low, high)
        points, signs = [np.array([low, high])], [self._signs(np.array([low, high]))]
        while centre.size:
            h, slope = self.residual(centre)
            empty = np.abs(h) > np.abs(slope) * radius + self.hidden * radius**2 / 2 + self.rounding(centre)
            monotone = ~empty & (np.abs(slope) > self.hidden * radius + 64 * EPSILON * self.hidden)
            unclear = ~empty & ~monotone
            ends = np.concatenate([centre[~empty] - radius, centre[~empty] + radius])
            points += [centre[empty], ends]
            signs += [np.sign(h[empty]), self._signs(ends)]
            if radius <= SMALLEST_RADIUS:
                points.append(centre[unclear])
                signs.append(np.zeros(int(unclear.sum())))
                break
            radius /= 2
            centre = np.concatenate([centre[unclear] - radius, centre[unclear] + radius])
        x, sign = np.concatenate(points), np.concatenate(signs)
        order = np.argsort(x, kind="stable")
        return x[order], sign[order]

    def _signs(self, x: Array) -> Array:
        h, _ = self.residual(x)
        return np.where(np.abs(h) <= self.rounding(x), 0.0, np.sign(h))

    def _crossings(self, x: Array, sign: Array) -> list[tuple[float, Kind]]:
        """A root between neighbours of opposite sign; a merged pair where h only touches zero."""
        clear = np.flatnonzero(sign)
        left, right = clear[:-1], clear[1:]
        turns = sign[left] != sign[right]
        rising = sign[right[turns]]
        simple = newton(lambda t, s: _times(self.residual(t), s), x[left[turns]], x[right[turns]], rising, self.hidden)
        found = [(root, Kind.MINIMUM if up > 0 else Kind.MAXIMUM) for root, up in zip(simple.tolist(), rising, strict=True)]
        touches = ~turns & (right - left > 1)
        for first, last in zip(left[touches].tolist(), right[touches].tolist(), strict=True):
            between = x[first + 1 : last]
            found.append((float(between[np.argmin(np.abs(self.residual(between)[0]))]), Kind.DEGENERATE))
        return sorted(found, key=lambda pair: pair[0])

    def _one_hidden_layer(self) -> list[tuple[float, Kind]]:
        r"""The only root, if :math:`|g|^2 > \Gamma`: between the isotropic solutions for the least and largest c_k.

        Near the threshold lambda is infinite: there :math:`y = 1/\lambda` solves a concave equation that stays accurate.
        """
        excess = float(np.logaddexp.reduce(self.log_weight)) - self.log_decay
        if excess <= 8 * EPSILON * (1 + abs(self.log_decay)):
            return []
        reach = log(np.expm1(excess / 2))
        low, high = (edge - reach for edge in self._box(0.0))
        one = np.ones(1)
        if excess < 0.5:
            inverse = newton(self._secular, one * exp(-high) * (1 - 1e-12), one * exp(-low) * (1 + 1e-12), one, inf)
            return [(-log(inverse[0]), Kind.MINIMUM)]
        root = newton(lambda t, _: self.residual(t), one * (low - 1e-9), one * (high + 1e-9), one, 1.0)
        return [(float(root[0]), Kind.MINIMUM)]

    def _secular(self, point: Array, _: Array) -> tuple[Array, Array]:
        r""":math:`(\sum_k \frac{g_k^2}{\Gamma}(1 + c_ky)^{-2})^{-1/2} - 1` and its slope, accurate near y = 0."""
        weight, step = np.exp(self.log_weight - self.log_decay), np.exp(self.log_curvature) * point[0]
        total = float(np.sum(weight / (1 + step) ** 2))
        excess = float(np.expm1(np.logaddexp.reduce(self.log_weight) - self.log_decay))
        change = excess - float(np.sum(weight * step * (2 + step) / (1 + step) ** 2))
        slope = float(np.sum(weight * np.exp(self.log_curvature) / (1 + step) ** 3)) * total**-1.5
        value = float(np.expm1(-np.log1p(change) / 2)) if change > -0.5 else total**-0.5 - 1
        return np.array([value]), np.array([slope])


def _weighted(log_terms: Array, values: Array) -> tuple[Array, Array]:
    """ln of the sum of exp(log_terms) along the last axis, and the mean of `values` under those terms as weights."""
    top = log_terms.max(axis=1, keepdims=True)
    terms = np.exp(log_terms - top)
    total = terms.sum(axis=1)
    return top[:, 0] + np.log(total), (terms * values).sum(axis=1) / total


def _partition(low: float, high: float) -> tuple[Array, float]:
    """Centres and the common half-width of intervals that cover [low, high]."""
    count = max(1, int(np.ceil((high - low) / (2 * FIRST_RADIUS))))
    radius = (high - low) / (2 * count)
    return low + radius * (2 * np.arange(count, dtype=np.float64) + 1), radius


def _times(pair: tuple[Array, Array], sign: Array) -> tuple[Array, Array]:
    return sign * pair[0], sign * pair[1]


def newton(
    function: Callable[[Array, Array], tuple[Array, Array]], low: Array, high: Array, sign: Array, bend: float
) -> Array:
    """The root in each [low, high] of value(x, sign), increasing, given with its slope, all brackets at once.

    Newton's method, halving where a step leaves the bracket. `bend` bounds the second derivative (inf if no bound is
    known): a step whose square times it cannot matter is the last.

    >>> newton(lambda x, _: (x * x - 2, 2 * x), np.array([0.0]), np.array([2.0]), np.ones(1), 2.0).round(12).tolist()
    [1.414213562373]
    """
    x = (low + high) / 2
    for _ in range(200 if x.size else 0):
        value, slope = function(x, sign)
        low, high = np.where(value < 0, x, low), np.where(value < 0, high, x)
        following = x - value / np.where(slope > 0, slope, np.nan)
        inside = (low <= following) & (following <= high)
        following = np.where(inside, following, (low + high) / 2)
        step, x = np.abs(following - x), following
        last = inside & (bend * step**2 <= EPSILON * slope * np.maximum(1, np.abs(x))) if bend < inf else False
        if np.all(last | (step <= 2 * EPSILON * np.abs(x))):
            break
    return x


def maximum(function: Callable[[Array], tuple[Array, Array]], low: float, high: float, curvature: float) -> float:
    """The largest value on [low, high] of a function with |second derivative| <= curvature, by branch and bound.

    >>> round(maximum(lambda x: (np.sin(3 * x) - x, 3 * np.cos(3 * x) - 1), -4.0, 4.0, 9.0), 12)
    4.721279440588
    """
    (centre, radius), best = _partition(low, high), -np.inf
    while centre.size:
        value, slope = function(centre)
        best = max(best, float(value.max()))
        reach = value + np.abs(slope) * radius + curvature * radius**2 / 2
        centre = centre[reach > best + PEAK_TOLERANCE * (1 + abs(best))]
        radius /= 2
        centre = np.concatenate([centre - radius, centre + radius])
    return best
