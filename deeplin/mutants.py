"""Mutation scores: how many false twins of a theorem the software tells from the theorem.

Each mutant (`theory.mutation`) of a theorem's claims is killed by an exact point that violates it (REFUTED) or by a
contradiction among its hypotheses (VACUOUS). A survivor is PROVED, and then true: it is equivalent to the claim or shows that
the claim can be sharpened; or UNDECIDED: not found within the budget. The score counts the mutants that are not proved true.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from deeplin.executor import Executor, Serial
from deeplin.report import Grade
from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix, rational
from theory.certificates import Json, Step
from theory.errors import DeeplinError
from theory.expressions import lower
from theory.mutation import Mutant, sites, spread
from theory.provers.api import Budget, TimeUp
from theory.provers.points import at_sizes, counterexample, sized, small_sizes
from theory.provers.proof import by_search, by_steps, contradictory
from theory.statement import Lowered
from theory.theorem import Claim, Theorem, named

COUNT, SECONDS, REQUIRED = 8, 6.0, 0.9


@dataclass(frozen=True)
class Judged:
    """A mutant and what became of it: `detail` says how, `point` is the exact violation, by variable."""

    theorem: str
    claim: str
    operator: str
    change: str
    grade: str
    detail: str
    seconds: float
    point: Json | None = None

    @property
    def killed(self) -> bool:
        return self.grade in (Grade.REFUTED, Grade.VACUOUS)


@dataclass(frozen=True)
class Task:
    """Some mutants of one theorem, by their places in `chosen`."""

    theorem: str
    count: int
    index: int
    seconds: float


def statements(theorem: Theorem) -> list[Claim]:
    """The claims that state something about all points; what holds almost surely is shown at one point and has no twins."""
    return [claim for claim in theorem.claims() if isinstance(claim, Claim)]


def chosen(theorem: Theorem, count: int) -> list[tuple[Claim, Mutant]]:
    """`count` mutants of the theorem: operators in turn, over all of its claims."""
    places = [(claim, site) for claim in statements(theorem) for site in sites(claim.statement.lowered())]
    claims = {id(site): claim for claim, site in places}
    return [(claims[id(site)], m) for site, m in spread([site for _, site in places], count)]


def run_task(task: Task) -> Judged:
    """The verdict on one mutant; safe to run in another process."""
    theorem = named(task.theorem)
    claim, mutant = _chosen(task.theorem, task.count)[task.index]
    start = time.monotonic()
    try:
        with alarm(2 * task.seconds):
            grade, detail, point = judge(mutant.statement, claim, known_points(task.theorem), task.seconds)
    except TimeUp as end:
        grade, detail, point = Grade.UNDECIDED, str(end), None
    seconds = time.monotonic() - start
    return Judged(theorem.name, claim.statement.name, mutant.operator, mutant.change, str(grade), detail, seconds, point)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `TimeUp` in the main thread after so many CPU seconds: building the polynomials of a large claim has no clock."""

    def ring(*_: object) -> None:
        raise TimeUp(f"no verdict within {seconds:g} s")

    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@cache
def _chosen(theorem: str, count: int) -> list[tuple[Claim, Mutant]]:
    return chosen(named(theorem), count)


def score(
    selected: Sequence[Theorem],
    count: int = COUNT,
    seconds: float = SECONDS,
    executor: Executor | None = None,
    watch: Callable[[int, int, str], None] | None = None,
) -> list[Judged]:
    """`count` mutants of each theorem, judged within `seconds` each."""
    tasks = [Task(t.name, count, i, seconds) for t in selected for i in range(len(_chosen(t.name, count)))]
    out: dict[int, Judged] = {}
    for i, judged in (executor or Serial()).run(run_task, tasks):
        out[i] = judged
        if watch:
            watch(len(out), len(tasks), judged.theorem)
    return [out[i] for i in sorted(out)]


# -- one mutant ---------------------------------------------------------------------------------------------------------


def judge(s: Lowered, claim: Claim, points: Sequence[Mapping[str, Any]], seconds: float) -> tuple[Grade, str, Json | None]:
    """The grade, how it was reached, and the violation if there is one."""
    for detail, found in _tried(s, points):
        if found is not None:
            return Grade.REFUTED, detail, found["evidence"]["point"]
    if claim.steps is not None and _by_own_steps(s, claim):
        return Grade.PROVED, "by the steps of the claim's own proof", None
    brief = Budget(seconds / 10)
    if s.given and contradictory(s, brief)[-1].found:
        return Grade.VACUOUS, "the hypotheses contradict each other", None
    proof = by_search(s, brief)
    if proof[-1].found:
        return Grade.PROVED, f"found by the provers: {proof[-2].prover}, {proof[-1].detail}", None
    for detail, found in _searched(s, seconds):
        if found is not None:
            return Grade.REFUTED, detail, found["evidence"]["point"]
    return Grade.UNDECIDED, f"no point and no proof within {seconds:g} s", None


def _tried(s: Lowered, points: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Json | None]]:
    """Known points of the theorem, and random ones."""
    yield from (("a known point of the theorem", _confirmed(s, p)) for p in points)
    yield from (("a random point", _confirmed(s, p)) for p in random_points(s, 16))


def _by_own_steps(s: Lowered, claim: Claim) -> bool:
    """Whether the steps of the claim's proof show the mutant too, at its sizes."""
    of = claim.statement.lowered()
    sizes = {d: 2 for d in of.dims if d not in s.dims}
    return by_steps(s, [_sized(x, {**claim.statement.sizes, **sizes}) for x in claim.steps or ()], sizes)[-1].found is not None


def _sized(step: Step, sizes: Mapping[str, int]) -> Step:
    """The step with numbers for symbolic dimensions."""
    term, by = (sized(lower(x, sizes), sizes) for x in (step.term, step.by))
    times = None if step.times is None else sized(lower(step.times, sizes), sizes)
    if step.cases is None:
        return replace(step, term=term, by=by, times=times)
    positive, otherwise = (tuple(_sized(x, sizes) for x in part) for part in step.cases)
    return replace(step, term=term, by=by, times=times, cases=(positive, otherwise))


def _searched(s: Lowered, seconds: float) -> Iterator[tuple[str, Json | None]]:
    """The grid, and the staged search at some small sizes; also where an inequality among the hypotheses is an equation."""
    yield "the grid", counterexample(s, Budget(seconds / 4)).found
    sizes = list(islice(small_sizes(s.dims), 4)) if s.dims else [{}]
    bounds = [i for i, (relation, _) in enumerate(s.given) if relation == ">="] if s.then[0][0] == ">" else []
    places = [(at_sizes(s, at), None) for at in sizes] + [(at_sizes(s, sizes[0]), i) for i in bounds]
    for at, bound in places:
        found = _found(at, bound, seconds / 2 / len(places))
        if found is not None:
            yield "the search", found


def _found(s: Lowered, bound: int | None, seconds: float) -> Json | None:
    """The first counterexample of the staged search, with one inequality read as an equation."""
    from numerics.search.problem import confirmed
    from numerics.search.search import search

    given = tuple(("==" if i == bound else r, x) for i, (r, x) in enumerate(s.given))
    for event in search(replace(s, given=given), seconds):
        if event.kind == "refuted" and event.certificate is not None:
            return confirmed(s, event.certificate["evidence"]["point"], "refuted")
    return None


def _confirmed(s: Lowered, point: Mapping[str, Any]) -> Json | None:
    """The certificate that the point violates the statement, at the sizes of the point."""
    from numerics.evidence import holds
    from numerics.search.problem import confirmed
    from numerics.search.reduction import without_means

    sizes = sizes_of(s, point)
    if sizes is None:
        return None
    at = at_sizes(s, sizes)
    env = {str(v.data[0]): _value(point[str(v.data[0])]) for v in at.variables}
    mean = without_means(at)
    try:
        values = evaluate([mean.get(x, x) for _, x in (*at.given, *at.then)], Rational(), env)
    except (DeeplinError, ZeroDivisionError, ValueError):
        return None
    true = [holds(r, x) for (r, _), x in zip((*at.given, *at.then), values, strict=True)]
    if not all(true[: len(at.given)]) or all(true[len(at.given) :]):
        return None
    return confirmed(at, {name: point[name] for name in env}, "refuted")


def _value(x: Any) -> Any:
    if hasattr(x, "nrows"):
        return x
    return matrix(x) if isinstance(x, Sequence) and not isinstance(x, str) else rational(x)


def sizes_of(s: Lowered, point: Mapping[str, Any]) -> dict[str, int] | None:
    """The sizes at which the point gives a value of the right shape to every variable; None if there are none."""
    sizes: dict[str, int] = {}
    for v in s.variables:
        x = point.get(str(v.data[0]))
        if x is None:
            return None
        value = _value(x)
        shape = (value.nrows(), value.ncols()) if hasattr(value, "nrows") else ()
        if len(shape) != len(v.shape):
            return None
        for d, n in zip(v.shape, shape, strict=True):
            if (sizes.setdefault(d, n) if isinstance(d, str) else d) != n:
                return None
        if v.shape and v.data[1] and value != value.transpose():
            return None
    return sizes


def random_points(s: Lowered, count: int) -> Iterator[dict[str, Any]]:
    """Small rationals in every variable; where widths are symbolic, at small widths in turn."""
    from numerics.draws import ExactDraw

    draw, sizes = ExactDraw(s.name), [*small_sizes(s.dims)] if s.dims else [{}]
    for k in range(count):
        variables = at_sizes(s, sizes[k % len(sizes)]).variables
        yield {str(v.data[0]): _drawn(draw, v) for v in variables}


def _drawn(draw: Any, v: Any) -> Any:
    if not v.shape:
        return draw.positive() if draw.integer(0, 1) else draw.scalar()
    x = draw.matrix(*v.shape)
    return x.transpose() * x if v.data[1] else x


@cache
def known_points(theorem: str) -> tuple[Mapping[str, Any], ...]:
    """Witnesses, sharp points and exact instances of the theorem: points that satisfy its hypotheses, or nearly all of them."""
    t = named(theorem)
    points = [*(c.witness for c in statements(t) if c.witness is not None), *(e.point for e in t.sharpness()), *_instances(t)]
    return tuple(sorted(points, key=_numbers))


def _numbers(point: Mapping[str, Any]) -> int:
    """How many numbers a point has: small ones are checked first."""
    values = map(_value, point.values())
    return sum(x.nrows() * x.ncols() if hasattr(x, "nrows") else 1 for x in values)


def _instances(theorem: Theorem) -> Iterator[Mapping[str, Any]]:
    from numerics.draws import Degenerate, ExactDraw

    sizes, sample = sorted(theorem.certified_at, key=sum)[:4], theorem.sample
    for seed, widths in islice(((k, w) for k in range(6) for w in sizes), 16):
        if sample is None:
            return
        try:
            yield sample(ExactDraw(seed), widths).values
        except Degenerate:
            continue


# -- report -------------------------------------------------------------------------------------------------------------


def rate(found: Sequence[Judged]) -> float:
    """The share of killed mutants among those that are not proved true; 1 if there are none."""
    open_or_killed = [j for j in found if j.grade != Grade.PROVED]
    return sum(j.killed for j in found) / len(open_or_killed) if open_or_killed else 1.0


def by_theorem(found: Sequence[Judged]) -> dict[str, list[Judged]]:
    return {name: [j for j in found if j.theorem == name] for name in dict.fromkeys(j.theorem for j in found)}


def report(found: Sequence[Judged]) -> Iterator[str]:
    """A line for each theorem and below it its survivors; the total at the end."""
    for name, judged in by_theorem(found).items():
        yield f"{name}: {_counts(judged)}"
        for j in judged:
            if not j.killed:
                yield f"  {j.grade} {j.claim.removeprefix(name + '.')}, {j.change}: {explanation(j)}"
    yield f"{len(by_theorem(found))} theorems: {_counts(found)}, {rate(found):.1%} of those that are not proved true"


def _counts(judged: Sequence[Judged]) -> str:
    vacuous, proved = (sum(j.grade == grade for j in judged) for grade in (Grade.VACUOUS, Grade.PROVED))
    noted = f" ({vacuous} vacuous)" if vacuous else ""
    return f"{sum(j.killed for j in judged)} of {len(judged)} killed{noted}, {proved} proved true"


def explanation(j: Judged) -> str:
    """What a survivor means."""
    if j.grade == Grade.PROVED:
        return f"true, {j.detail}" + ("; the claim holds without it" if j.operator == "drop" else "")
    return j.detail


def record(found: Sequence[Judged]) -> Json:
    """The record of deeplin/schemas/mutants.schema.json: kill scores by theorem, and every mutant."""
    scores = {name: _score(judged) for name, judged in by_theorem(found).items()}
    return {
        "format": "deeplin mutants",
        "version": 1,
        "total": _score(found),
        "theorems": scores,
        "mutants": [asdict(j) for j in found],
    }


def _score(judged: Sequence[Judged]) -> Json:
    proved = sum(j.grade == Grade.PROVED for j in judged)
    return {"mutants": len(judged), "killed": sum(j.killed for j in judged), "proved": proved, "rate": rate(judged)}
