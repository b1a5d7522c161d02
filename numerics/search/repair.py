r"""Newton and rational repair: exact points on equality hypotheses that are not linear in any coordinates.

As many coordinates as the variety has dimensions are fixed at simple rationals near the suspicious point; Newton's method gives
the others to a hundred digits, and what is recognised as rational is checked exactly. A single equation of degree two is met
by the line through a rational point of it in a rational direction: the second point of meeting is rational too.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from numerics.search.problem import Floats, Problem, Values, fraction
from numerics.search.simplest import simplest, simplicity
from theory.provers.api import Clock

TRIES, BATCH, BITS, ROUNDS = 12, 128, 330, 40
# A rational is recognised if its digits are far fewer than those that Newton's method gave.
LARGEST, LIKELY = 10**12, 3000
SIMPLE = (0, 0, 0, 1, 1, -1, -1, 2, -2, 3, -3, 4, -4, 5, 0.5, -0.5, 0.6, 0.8, -0.6, -0.8, 1.5, -1.5)
DENOMINATORS = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 13)


def repaired(problem: Problem, u: Floats, clock: Clock, rng: np.random.Generator) -> Values | None:
    """An exact good point near u; None if none was found."""
    from numerics.search.lift import exactly

    for v in candidates(problem, u, clock, rng):
        if exactly(problem, v):
            return v
    return None


def candidates(problem: Problem, u: Floats, clock: Clock, rng: np.random.Generator) -> Iterator[Values]:
    """Exact points on the equality hypotheses near u, as far as they are rational."""
    u = problem.newton(u[None], list(range(problem.n)), 20)[0]
    yield from secants(problem, u)
    for k in range(TRIES):
        if clock.left <= 0:
            return
        loose = determined(problem, u, rng, greedy=k == 0)
        for start in nearby(problem, u, loose, 10.0 ** rng.uniform(-2.5, 0.5), rng):
            exact = refined(problem, start, loose)
            if exact is not None:
                yield exact


def nearby(problem: Problem, u: Floats, loose: list[int], size: float, rng: np.random.Generator) -> list[Floats]:
    """Points whose fixed coordinates are simple rationals near u, if the loose ones look like simple rationals as well."""
    fixed = [i for i in range(problem.n) if i not in loose]
    count = problem.fitting(BATCH)
    starts = np.tile(u, (count, 1))
    q = rng.choice(DENOMINATORS, (count, len(fixed)))
    around = u[fixed] + size * np.maximum(1.0, np.abs(u[fixed])) * rng.uniform(-1, 1, (count, len(fixed)))
    starts[:, fixed] = np.round(around * q) / q
    return completed(problem, starts, loose)


def completed(problem: Problem, starts: Floats, loose: list[int]) -> list[Floats]:
    """The points with their loose coordinates by Newton's method, if these then look like simple rationals."""
    found = problem.newton(starts, loose, 20)
    m = problem.measures(found)
    good = (m.residual <= 1e-8) & (m.slack >= -1e-8) & (m.strict >= -1e-8) & m.finite
    good &= problem.violating(m)
    return [x for x in found[good] if all(is_simple(float(x[i])) for i in loose)]


def is_simple(x: float) -> bool:
    return abs(x) < 1e9 and abs(float(Fraction(x).limit_denominator(LIKELY)) - x) < 1e-11 * max(1.0, abs(x))


def secants(problem: Problem, u: Floats) -> Iterator[Values]:
    """Where the lines from rational points of one quadric, in rational directions towards u, meet it again."""
    j = problem.jacobian(u[None], list(range(problem.n)))[0]
    if np.linalg.matrix_rank(j, 1e-6 * max(1.0, float(np.abs(j).max(initial=0.0)))) != 1:
        return
    for anchor in problem.zeros[:4]:
        base = [Fraction(float(x)) for x in anchor]
        for tolerance in (0.5, 0.2, 0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-6):
            way = [simplest(float(x), tolerance) for x in u - anchor]
            t = second_zero(problem, base, way)
            if t is not None:
                yield [b + t * w for b, w in zip(base, way, strict=True)]


def simpler_points(problem: Problem, u: Values, rng: np.random.Generator) -> Iterator[Values]:
    """Points on the equality hypotheses with simpler numbers than u in some places; those easiest to write first."""
    at, count = np.array([float(x) for x in u]), problem.fitting(BATCH)
    for k in range(4):
        loose = determined(problem, at, rng, greedy=k == 0)
        fixed = [i for i in range(problem.n) if i not in loose]
        if not fixed:
            return
        starts = np.tile(at, (count, 1))
        change = rng.random((count, len(fixed))) < rng.uniform(0.2, 1.0, (count, 1))
        starts[:, fixed] = np.where(change, rng.choice(SIMPLE, change.shape), starts[:, fixed])
        anywhere = 2 * rng.standard_normal((count, len(loose)))
        starts[:, loose] = np.where(rng.random((count, 1)) < 0.5, starts[:, loose], anywhere)
        for start in sorted(completed(problem, starts, loose), key=weight):
            if weight(start) < sum(map(simplicity, u)):
                exact = refined(problem, start, loose)
                if exact is not None:
                    yield exact


def weight(x: Floats) -> int:
    """How hard the point is to write, judged in floats."""
    return sum(simplicity(Fraction(float(y)).limit_denominator(LIKELY)) for y in x)


def second_zero(problem: Problem, base: Values, way: Values) -> Fraction | None:
    """The t != 0 with all residuals zero at base + t way, if they are of degree two in t."""
    at: list[list[Fraction]] = []
    for t in range(4):
        values = problem.exact_residuals([b + t * w for b, w in zip(base, way, strict=True)])
        at.append([fraction(x) for x in values])
    found: set[Fraction] = set()
    for zero, one, two, three in zip(*at, strict=True):
        b = (two - 2 * one) / 2
        a = one - b
        if zero or three != 3 * a + 9 * b:
            return None
        if a or b:
            found.add(-a / b if b else Fraction(0))
    return found.pop() if len(found) == 1 and found != {Fraction(0)} else None


def determined(problem: Problem, u: Floats, rng: np.random.Generator, greedy: bool) -> list[int]:
    """As many coordinates as the equations determine, found by pivoting in a random order (`greedy`: the last ones)."""
    j = problem.jacobian(u[None], list(range(problem.n)))[0]
    rank = int(np.linalg.matrix_rank(j, 1e-6 * max(1.0, float(np.abs(j).max(initial=0.0)))))
    order = list(reversed(range(problem.n))) if greedy else [int(i) for i in rng.permutation(problem.n)]
    loose: list[int] = []
    basis = np.zeros((0, len(j)))
    for i in order:
        rest = j[:, i] - basis.T @ (basis @ j[:, i])
        size = float(np.linalg.norm(rest))
        if len(loose) < rank and size > 1e-4 * max(1.0, float(np.linalg.norm(j[:, i]))):
            loose.append(i)
            basis = np.concatenate([basis, rest[None] / size])
    return loose


def refined(problem: Problem, u: Floats, at: list[int]) -> Values | None:
    """The loose coordinates to many digits by the chord method, and the point if all of them are recognised as rational."""
    digits = digits_of(problem, u, at)
    if digits is None:
        return None
    out = list(digits)
    for i in at:
        near = out[i].limit_denominator(LARGEST)
        if abs(near - out[i]) > Fraction(1, 10**60) or abs(near.numerator) > LARGEST:
            return None
        out[i] = near
    return out


def digits_of(problem: Problem, u: Floats, at: list[int]) -> Values | None:
    """The point with its loose coordinates to about a hundred digits; None if the method does not converge."""
    inverse = np.linalg.pinv(problem.jacobian(u[None], at)[0], 1e-7) if at else np.zeros((0, 0))
    rows = [[Fraction(float(x)) for x in row] for row in inverse]
    v = [simplest(float(x), 1e-13) if i not in at else Fraction(float(x)) for i, x in enumerate(u)]
    last = Fraction(1)
    for _ in range(ROUNDS):
        r = [fraction(x) for x in problem.exact_residuals(v)]
        size = max(map(abs, r), default=Fraction(0))
        if size < Fraction(1, 10**85):
            return v
        if size > last:
            return None
        last = size
        for i, row in zip(at, rows, strict=True):
            v[i] = rounded(v[i] - sum((a * b for a, b in zip(row, r, strict=True)), Fraction(0)))
    return None


def rounded(x: Fraction) -> Fraction:
    return Fraction(round(x * (1 << BITS)), 1 << BITS)
