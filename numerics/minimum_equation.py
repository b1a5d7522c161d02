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
from itertools import pairwise
from math import inf, log

import numpy as np

from numerics.minimum_moments import EPSILON, Array
from theory.scalar_equation import Kind

SMALLEST_RADIUS = 1e-8
PEAK_TOLERANCE = 1e-14
# Relative widening of brackets whose ends are exact bounds up to rounding.
MARGIN = 1e-9
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

    def rounding(self, reach: float) -> float:
        """A bound on the rounding error of h wherever |x| and |x - ln c_k| are at most `reach`."""
        size = float(np.abs(self.log_weight).max()) + 4 * reach + 2
        return 8 * EPSILON * (self.hidden * size + abs(self.log_decay))

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
        r"""Roots left and right of the box lie beyond those of the asymptotes :math:`S \le S(0)`, :math:`S \le G/\lambda^2`."""
        d = self.hidden
        low, high = self._box(log((d + 1) / (d - 1)))
        log_slope = float(np.logaddexp.reduce(self.log_weight - 2 * self.log_curvature))
        log_norm = float(np.logaddexp.reduce(self.log_weight))
        far_left = min((self.log_decay - d * log_slope) / (d + 1), low)
        far_right = max((d * log_norm - self.log_decay) / (d - 1), high)
        x, sign = self._samples(low, high)
        left, right = far_left - MARGIN * (1 + abs(far_left)), far_right + MARGIN * (1 + abs(far_right))
        return self._crossings([left, *x.tolist(), right], [-1.0, *sign.tolist(), -1.0])

    def _samples(self, low: float, high: float) -> tuple[Array, Array]:
        """Points of [low, high] and the signs of h (0 within rounding); between neighbours at most one simple root.

        Points where h exceeds the rounding by less than twice are left out: a plateau of h at that height would alternate
        between zero and not zero, a merged pair at each turn.
        """
        slack = self.rounding(max(abs(low), abs(high)) + high - low + 2)
        centre, radius = _partition(low, high)
        edges, merged = [np.array([low, high])], centre[:0]
        while centre.size:
            h, slope = np.abs(self.residual(centre))
            monotone = slope > self.hidden * radius + 64 * EPSILON * self.hidden
            empty = h > slope * radius + self.hidden * radius**2 / 2 + slack
            edges += [centre[empty], centre[monotone] - radius, centre[monotone] + radius]
            unclear = centre[~(empty | monotone)]
            if radius <= SMALLEST_RADIUS:
                merged = unclear
                break
            radius /= 2
            centre = np.concatenate([unclear - radius, unclear + radius])
        return self._signs(np.concatenate(edges), merged, slack)

    def _signs(self, x: Array, merged: Array, slack: float) -> tuple[Array, Array]:
        h, _ = self.residual(x)
        sure = (np.abs(h) <= slack) | (np.abs(h) > 2 * slack)
        x, sign = np.concatenate([x, merged]), np.concatenate([np.sign(h) * (np.abs(h) > slack), 0 * merged])
        kept = np.concatenate([sure, merged == merged])
        x, sign = x[kept], sign[kept]
        order = np.argsort(x, kind="stable")
        return x[order], sign[order]

    def _crossings(self, x: list[float], sign: list[float]) -> list[tuple[float, Kind]]:
        """A root between neighbours of opposite sign; a merged pair where h only touches zero."""
        clear = [k for k, s in enumerate(sign) if s]
        found = []
        for left, right in pairwise(clear):
            if sign[left] != sign[right]:
                # In the tails h is almost linear, so that Newton's method is best started from their far ends.
                start = x[left] if left == 0 else x[right] if right == len(x) - 1 else (x[left] + x[right]) / 2
                root = newton(self._signed(sign[right]), x[left], x[right], start, self.hidden)
                found.append((root, Kind.MINIMUM if sign[right] > 0 else Kind.MAXIMUM))
            elif right - left > 1:
                between = np.array(x[left + 1 : right])
                found.append((float(between[np.argmin(np.abs(self.residual(between)[0]))]), Kind.DEGENERATE))
        return found

    def _signed(self, sign: float) -> Callable[[float], tuple[float, float]]:
        def increasing(x: float) -> tuple[float, float]:
            h, slope = self.residual(np.array([x]))
            return sign * float(h[0]), sign * float(slope[0])

        return increasing

    def _one_hidden_layer(self) -> list[tuple[float, Kind]]:
        r"""The only root, if :math:`|g|^2 > \Gamma`: between the isotropic solutions for the least and largest c_k.

        Near the threshold lambda is huge, yet its logarithm is as well determined as the excess of |g|^2 over Gamma is.
        """
        excess = float(np.logaddexp.reduce(self.log_weight)) - self.log_decay
        if excess <= 8 * EPSILON * (1 + abs(self.log_decay)):
            return []
        reach = log(np.expm1(excess / 2))
        low, high = (edge - reach for edge in self._box(0.0))
        return [(newton(self._signed(1.0), low - MARGIN, high + MARGIN, (low + high) / 2, 1.0), Kind.MINIMUM)]


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


def newton(function: Callable[[float], tuple[float, float]], low: float, high: float, start: float, bend: float) -> float:
    """The root in [low, high] of an increasing function, given with its slope.

    Newton's method, halving where a step leaves the bracket. `bend` bounds the second derivative: a step whose square
    times it cannot matter is the last.

    >>> round(newton(lambda x: (x * x - 2, 2 * x), 0.0, 2.0, 1.0, 2.0), 12)
    1.414213562373
    """
    x = start
    for _ in range(200):
        value, slope = function(x)
        low, high = (x, high) if value < 0 else (low, x)
        following = x - value / slope if slope > 0 else inf
        inside = low <= following <= high
        following = following if inside else (low + high) / 2
        step, x = abs(following - x), following
        if step <= 2 * EPSILON * abs(x) or (inside and bend * step**2 <= EPSILON * slope):
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
