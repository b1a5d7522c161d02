"""Exact points: that satisfy the hypotheses (`witness`), or satisfy them and violate a conclusion (`counterexample`).

The entries that occur linearly in the equality hypotheses are solved for; the others run through the grid {-1, 0, 1}, then
halves and small integers, then small rationals. A point counts when the kernel has accepted its certificate.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, product
from typing import Any

from flint import fmpq, fmpq_mat

from theory import dag, kernel
from theory.certificates import at_point
from theory.dag import Node
from theory.provers.api import Budget, Clock, DoesNotApply, NotFound, Outcome, Status, TimeUp
from theory.provers.entries import Entries
from theory.provers.linear import fraction
from theory.provers.one_unknown import problems
from theory.statement import Lowered

Values = list[Fraction]
POOLS: tuple[tuple[Fraction, ...], ...] = tuple(
    tuple(map(Fraction, pool.split()))
    for pool in ("0 1 -1", "0 1 -1 2 -2 1/2 -1/2", "0 1 -1 2 -2 3 -3 1/2 1/3 3/2 -1/3 4 5 7 1/4 9 10 1/10")
)


class Searched:
    """A statement at given sizes as a search problem over the entries."""

    def __init__(self, s: Lowered, violate: bool, clock: Clock) -> None:
        self.s, self.violate, self.clock = s, violate, clock
        self.entries = Entries(s)
        self.n = len(self.entries.places)
        self.given = [(r, x, self.entries.polynomials(x)) for r, x in s.given]
        self.then = [(r, x, self.entries.polynomials(x)) for r, x in s.then]
        self.zeros = [p for r, _, entries in self.given if r == "==" for p in entries if p != 0]
        self.positive = self._signs()
        self.psd = self._squares()
        self.linear = self._linear()
        self.slopes = [[p.derivative(i) for i in self.linear] for p in self.zeros]

    def _signs(self) -> dict[int, str]:
        """The scalar variables that a hypothesis states to be positive or nonnegative."""
        at = {p[0]: i for i, p in enumerate(self.entries.places) if len(p) == 1}
        return {at[x.data[0]]: r for r, x in self.s.given if x.op == "var" and not x.shape and r != "=="}

    def _squares(self) -> list[tuple[Node, bool]]:
        """The symmetric variables that a hypothesis states to be positive (semi)definite."""
        return [(x, r == ">") for r, x in self.s.given if x.op == "var" and x.shape and r != "=="]

    def _linear(self) -> list[int]:
        """Entries in which the equality hypotheses are jointly linear, greedily: later variables (data, targets) first."""
        chosen: list[int] = []
        if not self.zeros:
            return chosen
        supports = [list(p.to_dict()) for p in self.zeros]
        names = list(dict.fromkeys(p[0] for p in reversed(self.entries.places)))
        for name in names:
            block = [i for i, p in enumerate(self.entries.places) if p[0] == name]
            psd = any(v.data[0] == name for v, _ in self.psd)
            trial = [*chosen, *block]
            if not psd and all(sum(m[i] for i in trial) <= 1 for support in supports for m in support):
                chosen = trial
        return [i for i in chosen if any(m[i] for support in supports for m in support)]

    # -- tests ----------------------------------------------------------------------------------------------------------

    def holds(self, relation: str, x: Node, polynomials: Sequence[Any], at: Sequence[Any]) -> bool:
        values = [p(*at) for p in polynomials]
        if relation == "==":
            return not any(values)
        n = int(x.shape[0]) if x.shape else 1
        rows = [[fraction(v) for v in values[i * n : (i + 1) * n]] for i in range(n)]
        return definite(rows, relation == ">")

    def good(self, values: Values) -> bool:
        """Whether the point satisfies the hypotheses and (if one is wanted) is a violation."""
        at = [fmpq(v.numerator, v.denominator) for v in values]
        if not all(self.holds(r, x, p, at) for r, x, p in self.given):
            return False
        return not self.violate or not all(self.holds(r, x, p, at) for r, x, p in self.then)

    def solved(self, values: Values, free: Callable[[], Fraction]) -> Values | None:
        """The point with its linear entries solved from the equality hypotheses; free ones are chosen."""
        if not self.linear:
            return values
        at = [fmpq(v.numerator, v.denominator) for v in values]
        for i in self.linear:
            at[i] = fmpq(0)
        constants = [p(*at) for p in self.zeros]
        slopes = [[self.slopes[k][j](*at) for j in range(len(self.linear))] for k in range(len(self.zeros))]
        table = [[*row, -c] for row, c in zip(slopes, constants, strict=True)]
        x = _solution(table, len(self.linear), free)
        return None if x is None else [x[self.linear.index(i)] if i in self.linear else v for i, v in enumerate(values)]

    # -- candidates -----------------------------------------------------------------------------------------------------

    def grid(self, most: int) -> Iterator[Values]:
        """All points over {0, 1, -1} with few nonzero entries first, while there are not too many."""
        free = [i for i in range(self.n) if i not in self.linear]
        if 3 ** len(free) > most:
            return
        for choice in sorted(product(POOLS[0], repeat=len(free)), key=lambda c: sum(map(abs, c))):
            values = [Fraction(0)] * self.n
            for i, c in zip(free, choice, strict=True):
                values[i] = c
            yield values

    def drawn(self, rng: random.Random) -> Iterator[Values]:
        """Random points: from the coarse pools first, sparse and dense, then from finer ones."""
        for k in range(1 << 62):
            pool = POOLS[0 if k < 400 else (k // 200) % 3]
            zeros = rng.choice((0.0, 0.0, 0.3, 0.6))
            values = [Fraction(0) if rng.random() < zeros else rng.choice(pool) for _ in range(self.n)]
            for i, r in self.positive.items():
                values[i] = abs(values[i]) or Fraction(r == ">") * rng.choice(POOLS[1][5:6] + POOLS[0][1:2])
            yield self._semidefinite(values, rng, pool)

    def _semidefinite(self, values: Values, rng: random.Random, pool: Sequence[Fraction]) -> Values:
        """Symmetric variables that must be psd replaced by x^T x (+ I where definite)."""
        at = {p: i for i, p in enumerate(self.entries.places)}
        for v, strict in self.psd:
            n, name = int(v.shape[0]), str(v.data[0])
            x = [[rng.choice(pool) for _ in range(n)] for _ in range(rng.randint(1, n))]
            for i in range(n):
                for j in range(i, n) if v.data[1] else range(n):
                    values[at[name, i, j]] = sum((row[i] * row[j] for row in x), Fraction(strict and i == j))
        return values

    def search(self) -> Values:
        """The first good point, shrunk; raises `NotFound` or `TimeUp`."""
        rng, tried, start = random.Random(self.clock.budget.seed), 0, time.monotonic()
        draw = lambda: rng.choice(POOLS[0])  # noqa: E731
        for values in self._candidates(rng):
            if tried % 16 == 0:
                self.clock.tick(f"trying points ({tried} tried)")
            tried += 1
            point = self.solved(values, draw)
            if point is not None and self.good(point):
                return self.shrunk(point)
        raise NotFound(f"none of {tried} points in {time.monotonic() - start:.1f} s")

    def _candidates(self, rng: random.Random) -> Iterator[Values]:
        """The exact violation if a conclusion is about one unknown scalar, then the grid, then random points."""
        for i, x in self._decided() if self.violate else ():
            for values in (self.start(), *islice(self.drawn(rng), 50)):
                yield [*values[:i], x, *values[i + 1 :]]
        yield from self.grid(3**8)
        yield from islice(self.drawn(rng), 20_000)

    def start(self) -> Values:
        return [Fraction(0)] * self.n

    def _decided(self) -> Iterator[tuple[int, Fraction]]:
        for goal in self.s.then:
            try:
                one = problems(self.s, goal)[0]
            except DoesNotApply:
                continue
            x = one.violating_point()
            if x is not None and one.unknown.op == "var":
                yield self.entries.places.index((str(one.unknown.data[0]),)), x

    def shrunk(self, point: Values) -> Values:
        """Entries moved to 0, 1, -1 or towards 0 one by one, as long as the point stays good."""
        best, better = point, True
        while better and self.clock.left > 0:
            better = False
            for i in (i for i in range(self.n) if i not in self.linear):
                for c in simpler(best[i]):
                    trial = self.solved([*best[:i], c, *best[i + 1 :]], lambda: Fraction(0))
                    if trial is not None and sum(map(simplicity, trial)) < sum(map(simplicity, best)) and self.good(trial):
                        best, better = trial, True
                        break
        return best

    def point(self, values: Values) -> dict[str, Any]:
        """The values as tables, by variable."""
        at = dict(zip(self.entries.places, values, strict=True))
        return {str(v.data[0]): _table(v, at) for v in self.s.variables}


def definite(a: list[list[Fraction]], strict: bool) -> bool:
    """Whether a matrix is symmetric and positive semidefinite (`strict`: definite), by elimination."""
    if not a:
        return True
    (pivot, *row), column = a[0], [r[0] for r in a[1:]]
    if row != column or pivot < 0 or (not pivot and (strict or any(row))):
        return False
    if not pivot:
        return definite([r[1:] for r in a[1:]], strict)
    return definite(
        [[x - y * z / pivot for x, z in zip(r[1:], row, strict=True)] for r, y in zip(a[1:], column, strict=True)], strict
    )


def simplicity(c: Fraction) -> int:
    """0 for 0, 1 for 1, 2 for -1, then growing with the size of numerator and denominator."""
    return 0 if not c else 1 if c == 1 else 2 if c == -1 else abs(c.numerator) + 2 * c.denominator + (c < 0)


def simpler(c: Fraction) -> list[Fraction]:
    """Simpler numbers near c and 0, the simplest first."""
    near = {Fraction(0), Fraction(1), Fraction(-1), Fraction(round(c)), Fraction(int(c / 2)), c - (c > 0) + (c < 0)}
    return sorted((x for x in near if simplicity(x) < simplicity(c)), key=simplicity)


def _table(v: Node, at: Mapping[Any, Fraction]) -> Any:
    name = str(v.data[0])
    if not v.shape:
        return at[name,]
    rows, cols, symmetric = int(v.shape[0]), int(v.shape[1]), v.data[1]
    key: Any = lambda i, j: (name, min(i, j), max(i, j)) if symmetric else (name, i, j)  # noqa: E731
    return [[at[key(i, j)] for j in range(cols)] for i in range(rows)]


def _solution(table: list[list[Any]], n: int, free: Callable[[], Fraction]) -> Values | None:
    """A solution of the linear system with augmented rows, its free unknowns chosen; None if there is none."""
    reduced, rank = fmpq_mat(len(table), n + 1, [x for row in table for x in row]).rref()
    pivots = [next(j for j in range(n + 1) if reduced[i, j] != 0) for i in range(rank)]
    if n in pivots:
        return None
    x = [free() for _ in range(n)]
    for i, j in enumerate(pivots):
        rest = sum((fraction(reduced[i, k]) * x[k] for k in range(j + 1, n) if reduced[i, k] != 0), Fraction(0))
        x[j] = fraction(reduced[i, n]) - rest
    return x


def _found(s: Lowered, budget: Budget, claim: str) -> Outcome:
    start, clock = time.monotonic(), budget.clock()
    try:
        searched = Searched(s, claim == "refuted", clock)
        certificate = at_point(s, searched.point(searched.search()), claim)
        kernel.check(certificate, certificate["statement"])
        out = Outcome("points", Status.FOUND, str(certificate["evidence"]["point"]), certificate)
    except NotFound as end:
        out = Outcome("points", Status.NOT_FOUND, str(end))
    except TimeUp as end:
        out = Outcome("points", Status.TIMED_OUT, str(end))
    except DoesNotApply as end:
        out = Outcome("points", Status.DOES_NOT_APPLY, str(end))
    except kernel.Rejected as why:
        out = Outcome("points", Status.NOT_FOUND, f"the kernel did not accept the point: {why}")
    return Outcome(out.prover, out.status, out.detail, out.found, (), time.monotonic() - start)


def at_sizes(s: Lowered, sizes: Mapping[str, int]) -> Lowered:
    """The statement with its symbolic dimensions replaced by numbers."""
    new = iter(_at_sizes([*s.variables, *(x for _, x in (*s.given, *s.then))], sizes))
    variables = tuple(next(new) for _ in s.variables)
    given, then = (tuple((r, next(new)) for r, _ in part) for part in (s.given, s.then))
    return Lowered(s.name, tuple(d for d in s.dims if d not in sizes), variables, given, then)


def sized(x: Node, sizes: Mapping[str, int]) -> Node:
    """The term with numbers for symbolic dimensions."""
    return _at_sizes([x], sizes)[0]


def _at_sizes(roots: Sequence[Node], sizes: Mapping[str, int]) -> list[Node]:
    size: Any = lambda d: sizes.get(d, d) if isinstance(d, str) else d  # noqa: E731
    new: dict[Node, Node] = {}
    for x in dag.topological(roots):
        shape: Any = tuple(map(size, x.shape))
        if x.op == "var":
            new[x] = dag.var(str(x.data[0]), shape, symmetric=bool(x.data[1]))
        elif x.op in ("eye", "zero"):
            new[x] = dag.eye(shape[0]) if x.op == "eye" else dag.zero(shape)
        else:
            new[x] = dag.rebuilt(x, [new[y] for y in x.args])
    return [new[x] for x in roots]


def small_sizes(dims: Sequence[str]) -> Iterator[dict[str, int]]:
    """Sizes to try for symbolic dimensions: all 1, all 2, all but one of them 1 or 2, all 3."""
    yield dict.fromkeys(dims, 1)
    yield dict.fromkeys(dims, 2)
    if len(dims) > 1:
        yield from (dict.fromkeys(dims, 1) | {d: 2} for d in dims)
        yield from (dict.fromkeys(dims, 2) | {d: 1} for d in dims)
    yield dict.fromkeys(dims, 3)


def _over_sizes(s: Lowered, budget: Budget, claim: str) -> Outcome:
    if not s.dims:
        return _found(s, budget, claim)
    sizes = list(small_sizes(s.dims))
    start, out = time.monotonic(), Outcome("points", Status.NOT_FOUND, "no sizes")
    for k, at in enumerate(sizes):
        left = budget.seconds - (time.monotonic() - start)
        part = Budget(
            max(left, 0.0) / (len(sizes) - k) * 2 if k < len(sizes) - 1 else left, budget.memory, budget.unknowns, budget.seed
        )
        out = _found(at_sizes(s, at), part, claim)
        if out.found or left <= 0:
            break
    return out


def witness(s: Lowered, budget: Budget | None = None) -> Outcome:
    """A point that satisfies the hypotheses, certified; where widths are symbolic, at some small widths."""
    return _over_sizes(s, budget or Budget(), "satisfiable")


def counterexample(s: Lowered, budget: Budget | None = None) -> Outcome:
    """A certified point that satisfies the hypotheses and violates a conclusion; at small widths where they are symbolic."""
    return _over_sizes(s, budget or Budget(), "refuted")
