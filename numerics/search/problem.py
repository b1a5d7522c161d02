"""A statement at given sizes as a search problem over real coordinates: floats in batches, and exact points for the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from numerics.evidence import exact_values, holds
from numerics.kernels import compiled
from numerics.search.charts import Entries
from numerics.search.degree import linear_blocks, linear_entries
from numerics.search.reduction import Reduced
from numerics.search.simplest import simplicity
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.rational import Rational
from theory.certificates import Json, at_point
from theory.dag import Node, topological
from theory.statement import Lowered

Floats = NDArray[np.float64]
Values = list[Fraction]
# Operations that one batch may cost, so that the clock is looked at often.
WORK = 2e8
# Residuals below this (relative to 1 + |x|^2) count as zero in floats; whatever they suggest is confirmed exactly.
CLOSE = 1e-9


@dataclass(frozen=True)
class Measures:
    """Of each point of a batch: the largest |residual| of the equality hypotheses; how far the inequalities hold (negative:
    fail; a strict one must be positive); by how much each conclusion is violated, and whether all values are finite."""

    residual: Floats
    slack: Floats
    strict: Floats
    violation: Floats
    finite: NDArray[np.bool_]

    def feasible(self, tolerance: float = CLOSE) -> NDArray[np.bool_]:
        return self.finite & (self.residual <= tolerance) & (self.slack >= -tolerance) & (self.strict > tolerance)


class Problem:
    """A reduced statement; `violate=False` asks for any point that satisfies the hypotheses.

    The points that are found are judged exactly by the statement `of`, where it is another one.
    """

    def __init__(self, reduced: Reduced, violate: bool = True, of: Lowered | None = None) -> None:
        self.reduced, self.violate = reduced, violate
        self.statement = of or reduced.statement
        self.then = reduced.then if violate else ()
        ends = np.cumsum([0, *(b.size for b in reduced.blocks)])
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(ends)]
        self.n = int(ends[-1])
        self.conditions = [*(("==", x) for x in reduced.zeros), *reduced.given, *self.then]
        self.anchor: Floats | None = None  # a point that satisfies the hypotheses, in floats
        self.zeros: list[Floats] = []  # points of a grid that satisfy the equality hypotheses

    @cached_property
    def work(self) -> float:
        """About how many operations moving one point onto the equality hypotheses and judging it takes."""
        judge = 20 + sum(map(_operations, topological([x for _, x in self.conditions])))
        m, n = sum(map(_entries, self.reduced.zeros)), self.n if self.curved else len(self.linear)
        return judge * (1 + 2 * n) * (6 if self.curved else 1) + 20 * m * n * min(m, n)

    def fitting(self, most: int) -> int:
        """The number of points of a batch, at most `most`."""
        return max(4, min(most, int(WORK / self.work)))

    # -- floats ---------------------------------------------------------------------------------------------------------

    def environment(self, u: Floats) -> dict[str, Floats]:
        """The variables that the blocks make, of shape (batch, *shape)."""
        out: dict[str, Floats] = {}
        with np.errstate(all="ignore"):
            for block, at in zip(self.reduced.blocks, self.slices, strict=True):
                out |= block.floats(u[:, at])
        return out

    def values(self, u: Floats, terms: Sequence[Node]) -> list[Floats]:
        """The terms at each point."""
        found = compiled(tuple(terms))(self.environment(u)) if terms else []
        return [np.broadcast_to(x, (len(u), *x.shape[1:])) for x in found]

    def residuals(self, u: Floats) -> Floats:
        """The entries of the equality hypotheses, of shape (batch, number)."""
        found = self.values(u, self.reduced.zeros)
        return np.concatenate([np.zeros((len(u), 0)), *(x.reshape(len(u), -1) for x in found)], axis=1)

    def measures(self, u: Floats) -> Measures:
        values = self.values(u, [x for _, x in self.conditions])
        m, g = len(self.reduced.zeros), len(self.reduced.given)
        finite = np.ones(len(u), dtype=bool)
        for x in values:
            finite &= np.isfinite(x).reshape(len(u), -1).all(1)
        with np.errstate(all="ignore"):
            values = [np.where(np.isfinite(x), x, 0.0) for x in values]
        parts = [np.abs(x).reshape(len(u), -1).max(1) for x in values[:m]]
        residual = np.max([np.zeros(len(u)), *parts], axis=0)
        slacks = [(r, least(x)) for (r, _), x in zip(self.reduced.given, values[m : m + g], strict=True)]
        slack = np.min([np.full(len(u), np.inf), *(x for r, x in slacks if r == ">=")], axis=0)
        strict = np.min([np.full(len(u), np.inf), *(x for r, x in slacks if r == ">")], axis=0)
        violations = [violated(r, x) for (r, _), x in zip(self.then, values[m + g :], strict=True)]
        violation = np.stack(violations, axis=1) if violations else np.zeros((len(u), 0))
        return Measures(residual, slack, strict, violation, finite)

    def suspects(self, u: Floats, most: int = 8) -> list[Floats]:
        """The first points that seem to satisfy the hypotheses and to violate a conclusion."""
        found = self.measures(u)
        feasible = found.feasible()
        if len(self.zeros) < 8 and self.reduced.zeros:
            self.zeros += [u[i].copy() for i in np.flatnonzero(found.finite & (found.residual < 1e-12))[:4]]
        if self.anchor is None and feasible.any():
            self.anchor = u[int(np.argmax(feasible))].copy()
        bad = feasible & self.violating(found)
        return [u[i].copy() for i in np.flatnonzero(bad)[:most]]

    def violating(self, found: Measures) -> NDArray[np.bool_]:
        """Where a conclusion seems to be violated, if any is asked to be; a strict inequality is, if its value is 0."""
        if not self.then:
            return np.ones(len(found.finite), dtype=bool)
        enough = CLOSE if self.reduced.zeros else 1e-13
        least_needed = np.array([-1e-12 if r == ">" else enough for r, _ in self.then])
        return np.asarray((found.violation >= least_needed).any(1))

    @cached_property
    def linear(self) -> list[int]:
        """Coordinates in which the equality hypotheses are jointly linear."""
        zeros, plain = self.reduced.zeros, [isinstance(b, Entries) and b.plain for b in self.reduced.blocks]
        if not zeros:
            return []
        chosen = linear_entries(self.reduced.blocks, plain, zeros)
        return linear_blocks(self.reduced.blocks, plain, zeros, self.slices) if chosen is None else chosen

    def moved(self, u: Floats) -> Floats:
        """The points moved onto the equality hypotheses: by their linear coordinates, else by Newton's method."""
        u = self.projected(u)
        return self.newton(u, list(range(self.n)), 6) if self.curved else u

    @cached_property
    def curved(self) -> bool:
        """Whether equality hypotheses are left over that linear coordinates do not solve."""
        probe = self.residuals(self.projected(np.random.default_rng(0).standard_normal((16, self.n))))
        with np.errstate(all="ignore"):
            return bool(self.reduced.zeros) and not (np.abs(probe).max(1) < CLOSE).mean() > 0.2

    def newton(self, u: Floats, at: list[int], steps: int) -> Floats:
        """Newton's method on some of the coordinates, by the least step."""
        for _ in range(steps if at else 0):
            r = self.residuals(u)
            good = np.asarray(np.isfinite(r).all(1))
            if not good.any() or np.abs(r[good]).max(initial=0.0) < 1e-14:
                break
            j = self.jacobian(u, at)
            good &= np.isfinite(j).all((1, 2))
            j, r = np.where(good[:, None, None], j, 0.0), np.where(good[:, None], r, 0.0)
            u = u.copy()
            u[:, at] -= np.einsum("bij,bj->bi", np.linalg.pinv(j, 1e-7), r)
        return u

    def jacobian(self, u: Floats, at: list[int]) -> Floats:
        """The derivatives of the equality hypotheses by some coordinates, of shape (batch, number, coordinates)."""
        h = 1e-6 * np.maximum(1.0, np.abs(u[:, at]))
        shift = np.zeros((len(u), len(at), self.n))
        shift[:, np.arange(len(at)), at] = h
        both = np.concatenate([u[:, None] + shift, u[:, None] - shift], axis=1)
        values = self.residuals(both.reshape(-1, self.n)).reshape(len(u), 2, len(at), -1)
        with np.errstate(all="ignore"):
            return np.asarray(((values[:, 0] - values[:, 1]) / (2 * h[:, :, None])).mT)

    def projected(self, u: Floats) -> Floats:
        """The points moved onto the equality hypotheses by the least change of the linear coordinates, where they can."""
        at = self.linear
        if not at or not len(u):
            return u
        base = u.copy()
        base[:, at] = 0
        copies = np.repeat(base[:, None, :], len(at) + 1, axis=1)
        copies[:, np.arange(1, len(at) + 1), at] = 1
        values = self.residuals(copies.reshape(-1, self.n)).reshape(len(u), len(at) + 1, -1)
        constant, slopes = values[:, 0], (values[:, 1:] - values[:, :1]).mT
        with np.errstate(all="ignore"):
            good = np.asarray(np.isfinite(slopes).all((1, 2)) & np.isfinite(constant).all(1))
            slopes, constant = np.where(good[:, None, None], slopes, 0), np.where(good[:, None], constant, 0)
            miss = constant + np.einsum("bij,bj->bi", slopes, u[:, at])
            step = np.einsum("bij,bj->bi", np.linalg.pinv(slopes, 1e-10), miss)
        out = u.copy()
        out[:, at] -= step
        return out

    # -- exact ----------------------------------------------------------------------------------------------------------

    def core(self, u: Sequence[Fraction]) -> dict[str, Any]:
        """The variables that the blocks make, exactly."""
        numbers = [fmpq(x.numerator, x.denominator) for x in u]
        out: dict[str, Any] = {}
        for block, at in zip(self.reduced.blocks, self.slices, strict=True):
            out |= block.exact(numbers[at])
        return out

    def point(self, u: Sequence[Fraction]) -> dict[str, Any]:
        """All variables of the statement, exactly."""
        env = self.core(u)
        names = [str(v.data[0]) for v, _ in self.reduced.assigned]
        env |= dict(zip(names, evaluate([x for _, x in self.reduced.assigned], Rational(), env), strict=True))
        return {str(v.data[0]): env[str(v.data[0])] for v in self.statement.variables}

    def good(self, point: Mapping[str, Any]) -> bool:
        """Whether the exact point satisfies the hypotheses and (if one is wanted) violates a conclusion."""
        s = self.statement
        given = exact_values([x for _, x in s.given], point)
        if not all(holds(r, x) for (r, _), x in zip(s.given, given, strict=True)):
            return False
        then = exact_values([x for _, x in s.then], point) if self.violate else []
        return not self.violate or not all(holds(r, x) for (r, _), x in zip(s.then, then, strict=True))

    def certificate(self, u: Sequence[Fraction]) -> Json | None:
        """The certificate of the point, if the kernel accepts it."""
        return confirmed(self.statement, self.point(u), "refuted" if self.violate else "satisfiable")

    def exact_residuals(self, u: Sequence[Fraction]) -> list[fmpq]:
        values = evaluate(self.reduced.zeros, Rational(), self.core(u))
        return [x for v in values for x in (v.entries() if isinstance(v, fmpq_mat) else [v])]

    def settled(self, u: Values) -> Values | None:
        """The point with some of its linear coordinates solved for, so that the equality hypotheses hold as far as these reach.

        The coordinates that are hardest to write are solved for first, the others stay; None if there is no solution.
        """
        if not self.linear:
            return u
        at = sorted(self.linear, key=lambda i: -simplicity(u[i]))
        base = [Fraction(0) if i in at else x for i, x in enumerate(u)]
        constant = self.exact_residuals(base)
        columns = [self.exact_residuals([*base[:i], Fraction(1), *base[i + 1 :]]) for i in at]
        rows = [[*(c[k] - constant[k] for c in columns), -constant[k]] for k in range(len(constant))]
        x = _solution(rows, [u[i] for i in at])
        if x is None:
            return None
        new = dict(zip(at, x, strict=True))
        return [new.get(i, v) for i, v in enumerate(u)]


def _entries(x: Node) -> int:
    return prod(int(d) for d in x.shape)


def _operations(x: Node) -> int:
    return _entries(x) * (sum(int(y.shape[0]) for y in x.args if y.shape) if x.op == "mul" else 2)


def confirmed(s: Any, point: Mapping[str, Any], claim: str) -> Json | None:
    """The certificate of an exact point, if the kernel accepts it."""
    try:
        certificate = at_point(s, point, claim)
        kernel.check(certificate, certificate["statement"])
    except (kernel.Rejected, ValueError):
        return None
    return certificate


def _solution(rows: list[list[fmpq]], near: Values) -> Values | None:
    """A solution of the linear system with augmented rows whose free unknowns are those of `near`."""
    n = len(near)
    if not rows:
        return near
    reduced, rank = fmpq_mat(len(rows), n + 1, [x for row in rows for x in row]).rref()
    pivots = [next(j for j in range(n + 1) if reduced[i, j] != 0) for i in range(rank)]
    if n in pivots:
        return None
    out = list(near)
    for i, j in enumerate(pivots):
        free = (fraction(reduced[i, k]) * near[k] for k in range(j + 1, n) if k not in pivots and reduced[i, k] != 0)
        out[j] = fraction(reduced[i, n]) - sum(free, Fraction(0))
    return out


def fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def least(x: Floats) -> Floats:
    """A number itself; of a symmetric matrix the least eigenvalue, of another one at most minus its asymmetry."""
    if x.ndim == 1:
        return x
    asymmetry = np.abs(x - x.mT).max((1, 2))
    smallest = np.linalg.eigvalsh((x + x.mT) / 2)[:, 0]
    return np.where(asymmetry > 1e-10, np.minimum(smallest, -asymmetry), smallest)


def violated(relation: str, x: Floats) -> Floats:
    """By how much `x relation 0` fails."""
    return np.abs(x).reshape(len(x), -1).max(1) if relation == "==" else -least(x)
