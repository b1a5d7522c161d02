"""The stages in turn, over the charts of a statement at given sizes: what they suspect is lifted, confirmed and shrunk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from numerics.margins import margins
from numerics.search.algebraic import algebraic
from numerics.search.boundary import boundaries
from numerics.search.descent import descent
from numerics.search.grid import grid
from numerics.search.lift import exactly, lift
from numerics.search.minimise import minimised
from numerics.search.problem import Floats, Problem, Values
from numerics.search.reduction import reductions
from numerics.search.shrink import shrunk
from numerics.search.unknown import decided
from numerics.search.volume import volume
from theory.certificates import Json
from theory.provers.api import Budget, Clock
from theory.statement import Lowered

Stage = Callable[[Problem, Clock, np.random.Generator], Iterator[Floats]]
# Each stage and its share of the time.
STAGES: tuple[tuple[str, Stage, float], ...] = (
    ("grid", grid, 0.35),
    ("volume", volume, 0.2),
    ("descent", descent, 0.25),
    ("minimise", minimised, 0.2),
)
# What a stage needs to be worth its start, in seconds of the search.
LEAST = {"minimise": 2.0}
# Suspicious points that are lifted in one stage: after so many failures others are looked for.
LIFTS = 40


@dataclass(frozen=True)
class Event:
    """`kind` is "refuted" or "satisfiable"; "exact" when a point is about to be shrunk and given to the kernel; "suspect" with
    a point in floats; "seen" if an exact point satisfies the hypotheses, as rational arithmetic has it; "stage" with a detail.

    An exact point comes with its certificate; one in a number field (`AlgebraicPoint.json`) has none and stands in `point`.
    """

    kind: str
    detail: str
    certificate: Json | None = None
    point: Json | None = None


def search(s: Lowered, seconds: float, seed: int = 0, violate: bool = True) -> Iterator[Event]:
    """Events as they happen; the search ends with the first counterexample (or, not `violate`, with the first witness).

    At the end it says whether an exact point that satisfies the hypotheses was seen on the way.
    """
    start = time.monotonic()
    problems = [Problem(r, violate) for r in reductions(s)]
    if violate:
        problems += [Problem(reductions(b)[0], of=s) for b in boundaries(s)]
    rng = np.random.default_rng([seed, 7])
    for event in _events(problems, seconds, rng):
        yield replace(event, detail=f"{event.detail}, {time.monotonic() - start:.2f} s")
        if event.kind in ("refuted", "satisfiable"):
            return
    if s.given:
        yield from satisfying(problems, rng)
    yield Event("stage", f"grid, random points and descents in {time.monotonic() - start:.1f} s")


def _events(problems: Sequence[Problem], seconds: float, rng: np.random.Generator) -> Iterator[Event]:
    """What the stages find, each with its share of the time."""
    for problem in problems:
        for v in decided(problem):
            if exactly(problem, v):
                yield from _finished(problem, v, Budget(seconds).clock(), "one unknown")
    for name, stage, share in (x for x in STAGES if seconds >= LEAST.get(x[0], 0.0)):
        for problem in problems:
            clock = Budget(seconds * share / len(problems)).clock()
            for tried, u in enumerate(stage(problem, clock, rng)):
                yield from _lifted(problem, u, clock, rng, name, tried)
                if tried >= LIFTS or clock.left <= 0:
                    break


def _lifted(
    problem: Problem, u: Floats, clock: Clock, rng: np.random.Generator, name: str, tried: int
) -> Iterator[Event]:
    """What becomes of a suspicious point: exact, irrational, or a suspicion."""
    exact = lift(problem, u, _at_most(clock, 2.0), rng)
    if exact is not None:
        yield from _finished(problem, exact, clock, name)
    irrational = algebraic(problem, u, _at_most(clock, 1.0), rng) if problem.reduced.zeros and tried < 4 else None
    if irrational is not None:
        yield Event("refuted" if problem.violate else "satisfiable", name, None, irrational.json())
    if problem.then and tried < 4 and beyond_rounding(problem, u):
        yield Event("suspect", name, None, {k: np.round(x[0], 12).tolist() for k, x in floats(problem, u).items()})


def satisfying(problems: Sequence[Problem], rng: np.random.Generator) -> Iterator[Event]:
    """An exact point that satisfies the hypotheses, where the stages have seen one in floats."""
    for problem in problems:
        if problem.then and problem.anchor is not None:
            found = lift(Problem(problem.reduced, violate=False), problem.anchor, Budget(1.0).clock(), rng)
            if found is not None:
                yield Event("seen", "an exact point satisfies the hypotheses")
                return


def _at_most(clock: Clock, seconds: float) -> Clock:
    """A part of the time that is left; a little in any case, so that what was found last has its chance."""
    return Budget(min(seconds, max(clock.left, 0.2))).clock()


def _finished(problem: Problem, u: Values, clock: Clock, name: str) -> Iterator[Event]:
    """The certificate of the shrunk point."""
    yield Event("exact", name)
    small = shrunk(problem, u, Budget(2.0).clock())
    found = problem.certificate(small) or problem.certificate(u)
    if found is not None:
        yield Event(found["claim"], name, found)


def beyond_rounding(problem: Problem, u: Floats) -> bool:
    """Whether a conclusion is violated by more than rounding errors can do."""
    return bool(margins(problem.then, problem.environment(u[None]), 1).violated[0])


def floats(problem: Problem, u: Floats) -> dict[str, Floats]:
    """All variables at a point, in a batch of one."""
    names, terms = zip(*problem.reduced.assigned, strict=True) if problem.reduced.assigned else ((), ())
    values = problem.values(u[None], terms)
    return problem.environment(u[None]) | {str(v.data[0]): x for v, x in zip(names, values, strict=True)}
