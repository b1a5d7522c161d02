"""The exact solver against the certified floats on hard equations: four roots, ties, near-double roots, the threshold."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import exp, log

import numpy as np
import pytest
from flint import fmpq, fmpq_poly

from numerics.minimum import minimise
from numerics.minimum_equation import FloatEquation
from numerics.minimum_moments import Moments
from theory.scalar_equation import ExactMinimum, Kind, ScalarEquation, Verdict, solve

F = Fraction
ALWAYS, FULL = 40, 1000
# Where Gamma lies: between F(1) (0) and the lower maximum beside it (1), or well outside.
SHARES = (0.3, 0.6, 5.0, -5.0)


@dataclass(frozen=True)
class Equation:
    """T = sum of weights / (curvatures + lambda), D = hidden, Gamma = decay; `tolerance` of ln lambda."""

    curvatures: tuple[Fraction, ...]
    weights: tuple[Fraction, ...]
    hidden: int
    decay: Fraction
    tolerance: float = 1e-9

    def size(self, lam: Fraction) -> Fraction:
        """F(lambda) = lambda^{D+1} S^D."""
        s = sum((w / (c + lam) ** 2 for c, w in zip(self.curvatures, self.weights, strict=True)), F(0))
        return lam ** (self.hidden + 1) * s**self.hidden

    @cached_property
    def exactly(self) -> ExactMinimum:
        bottoms = [fmpq_poly([_q(c), 1]) for c in self.curvatures]
        bottom = fmpq_poly([1])
        for b in bottoms:
            bottom *= b
        top = fmpq_poly([0])
        for w, b in zip(self.weights, bottoms, strict=True):
            top += _q(w) * (bottom // b)
        return solve(ScalarEquation(top, bottom, self.hidden, _q(self.decay)))

    def in_floats(self) -> list[tuple[float, Kind]]:
        c, w = (np.log([float(x) for x in xs]) for xs in (self.curvatures, self.weights))
        return FloatEquation(c, w, self.hidden, log(self.decay)).roots()


def _q(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def disagreement(e: Equation) -> str:
    """What differs between the exact roots and the certified floats; empty if nothing does."""
    exact, found = e.exactly, e.in_floats()
    kinds = [p.kind for p in exact.stationary]
    if kinds != [k for _, k in found]:
        return f"{[k.name for k in kinds]} against {[k.name for _, k in found]}"
    gaps = [abs(float(p.lam.log()) - x) for p, (x, _) in zip(exact.stationary, found, strict=True)]
    return f"roots differ by {max(gaps):.1e}" if gaps and max(gaps) > e.tolerance else ""


# -- the four kinds ------------------------------------------------------------------------------------------------------


def threshold(hidden: int) -> Fraction:
    return F(14 * hidden**2 - 2, hidden**2 - 1)


def tilted(rng: random.Random, hidden: int, factor: float) -> Equation:
    """Two eigenvalues with R + 1/R about `factor` times the threshold, and a critical point of F at lambda = 1."""
    m = F(hidden + 1, 2 * hidden)
    k = float(threshold(hidden)) * factor
    ratio = (k + (k * k - 4) ** 0.5) / 2
    # The place on the quadratic in lambda where it is least, at R; then c_0 and c_1 from p = 1/(1 + c) and the mean m.
    lam = (hidden**2 - 1) * (1 + ratio) / (2 * (hidden - 1) * (2 * hidden - 1)) * rng.uniform(0.98, 1.02)
    p = [F(lam / (lam + c)).limit_denominator(10**7) for c in (1.0, ratio)]
    weights = ((m - p[1]) / p[0] ** 2, (p[0] - m) / p[1] ** 2)
    return Equation((1 / p[0] - 1, 1 / p[1] - 1), weights, hidden, F(1))


def window(e: Equation) -> float:
    """How far above F(1) the lower of the two maxima of F is, in logarithms; 0 if 1 is not a local minimum."""
    x = np.linspace(-3, 3, 6001)
    c, w = (np.log([float(y) for y in ys]) for ys in (e.curvatures, e.weights))
    h, _ = FloatEquation(c, w, e.hidden, log(e.size(F(1)))).residual(x)
    return float(min(h[:3000].max(), h[3001:].max()))


def four_roots(rng: random.Random) -> Equation:
    """Gamma between a local minimum of F and the maxima on both sides."""
    while True:
        e = tilted(rng, rng.choice((2, 3, 4)), rng.uniform(1.05, 5))
        width = window(e)
        if width > 1e-9:
            rise = F(1) + F(width * rng.uniform(0.1, 0.9)).limit_denominator(10**14)
            return Equation(e.curvatures, e.weights, e.hidden, e.size(F(1)) * rise)


def near_threshold(rng: random.Random, sign: int, least: float = 1e-4, shares: tuple[float, ...] = SHARES) -> Equation:
    """R just above (sign 1) or just below (-1) the threshold, Gamma within a little of the flat part of F."""
    gap = sign * exp(rng.uniform(log(least), log(100 * least)))
    e = tilted(rng, rng.choice((2, 3, 4)), 1 + gap)
    width = window(e)
    away = width * rng.choice(shares) if width > 1e-12 else rng.choice((1e-4, -1e-4))
    decay = e.size(F(1)) * (1 + F(away).limit_denominator(10**17))
    return Equation(e.curvatures, e.weights, e.hidden, decay, 1e-7)


def above(rng: random.Random) -> Equation:
    return near_threshold(rng, 1)


def below(rng: random.Random) -> Equation:
    return near_threshold(rng, -1)


def plateau(rng: random.Random) -> Equation:
    """R within 10^-6 ... 10^-4 above the threshold: ln F leaves ln Gamma by little more than the rounding of floats."""
    while True:
        e = near_threshold(rng, 1, 1e-6, SHARES[:2])
        if window(e) > 1e-11:
            return Equation(e.curvatures, e.weights, e.hidden, e.decay, 1e-5)


def near_double(rng: random.Random) -> Equation:
    """Isotropic, Gamma within a relative 10^-4 ... 10^-11 of the fold, on either side, or at it."""
    hidden, (a, size) = rng.choice((2, 3, 4, 5)), (F(rng.randint(1, 40), rng.randint(1, 9)) for _ in range(2))
    top = size**hidden * (hidden + 1) ** (hidden + 1) * (hidden - 1) ** (hidden - 1)
    fold = top / ((2 * hidden) ** (2 * hidden) * a ** (hidden - 1))
    off = rng.choice((-1, 1, 0)) * F(1, 10 ** rng.randint(4, 11))
    return Equation((a,), (size,), hidden, fold * (1 + off), 1e-8)


KINDS = {f.__name__: f for f in (four_roots, near_double, above, below, plateau)}


@cache
def sampled(kind: str, count: int) -> tuple[Equation, ...]:
    rng = random.Random(f"{kind} {count}")
    return tuple(KINDS[kind](rng) for _ in range(count))


def wrong(kind: str, count: int) -> list[tuple[Equation, str]]:
    return [(e, what) for e in sampled(kind, count) if (what := disagreement(e))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_hard_equations_agrees(kind: str) -> None:
    assert wrong(kind, ALWAYS) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_hard_equations_agree(kind: str) -> None:
    assert wrong(kind, FULL) == []


def test_the_samples_are_hard() -> None:
    """Each has four roots, or two very near each other; below the threshold never more than two."""
    counts = {k: [sum(p.multiplicity for p in e.exactly.stationary) for e in sampled(k, ALWAYS)] for k in KINDS}
    assert set(counts["four_roots"]) == {4}
    assert set(counts["near_double"]) == {0, 2}
    assert counts["above"].count(4) >= 5 and set(counts["above"]) <= {0, 2, 4}
    assert set(counts["plateau"]) == {4}
    assert counts["below"].count(2) >= 10 and set(counts["below"]) <= {0, 2}


# -- ties ----------------------------------------------------------------------------------------------------------------


def tied(rng: random.Random) -> Equation:
    """Gamma = Gamma_c: psi and its slope vanish at lambda = 1, for one eigenvalue or two."""
    hidden = rng.choice((2, 3, 4))
    scale = F(rng.randint(1, 20), rng.randint(1, 9))
    low, high = F(rng.randint(1, 9), 10), F(rng.randint(11, 60), 10)
    if rng.random() < 0.3:
        low = high = F(1)
    c = (low * (hidden - 1), high * (hidden - 1))
    p = [1 / (1 + x) for x in c]
    weights = (scale * p[1] * (1 - hidden * p[1]), scale * p[0] * (hidden * p[0] - 1)) if low < high else (scale, scale)
    e = Equation(c, weights, hidden, F(1))
    return Equation(c, weights, hidden, e.size(F(1)))


def verdicts(e: Equation) -> tuple[Verdict, Verdict]:
    """The exact verdict, and that of the floats."""
    g = [float(w) ** 0.5 for w in e.weights]
    a = np.diag([float(c) for c in e.curvatures])
    moments = Moments.from_moments(a, g, 2 * sum(x * x / y for x, y in zip(g, a.diagonal(), strict=True)))
    found = minimise(moments, (len(g), *[1] * e.hidden, 1), decay=[float(e.decay), *[1.0] * e.hidden])
    return e.exactly.verdict, found.verdict


def ties(count: int, factor: Callable[[random.Random], Fraction]) -> list[tuple[Verdict, Verdict]]:
    rng = random.Random(f"ties {count}")
    found = [tied(rng) for _ in range(count)]
    return [verdicts(Equation(e.curvatures, e.weights, e.hidden, e.decay * factor(rng))) for e in found]


def _ties_agree(count: int) -> None:
    at = ties(count, lambda rng: F(1))
    assert [pair for pair in at if pair[0] is not pair[1]] == []
    assert at.count((Verdict.TIED, Verdict.TIED)) > count // 2
    near = ties(count, lambda rng: 1 + rng.choice((-1, 1)) * F(1, 10 ** rng.randint(4, 10)))
    assert [pair for pair in near if pair[0] is not pair[1]] == []
    assert {exact for exact, _ in near} >= {Verdict.TRIVIAL, Verdict.NONTRIVIAL}


def test_a_sample_of_ties_agrees() -> None:
    _ties_agree(ALWAYS)


@pytest.mark.thorough
def test_a_thousand_ties_agree() -> None:
    _ties_agree(FULL)
