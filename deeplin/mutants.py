"""Mutation scores: how many false twins of a theorem the software tells from the theorem.

Each mutant (`theory.mutation`) of a theorem's claims is killed by an exact point that violates it (REFUTED) or by a
contradiction among its hypotheses (VACUOUS). One that is PROVED is true, hence no false twin: it is equivalent to the claim or
shows that the claim can be sharpened; it is set aside with its certificate, and the next mutant takes its place. What is
UNDECIDED counts as a survivor. The score is the share of killed mutants among those that are not set aside.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from deeplin.executor import Executor, Serial
from deeplin.mutant_points import confirmed_at, known_points, neighbours, random_points, statements
from deeplin.report import Grade
from theory.certificates import Json, Step
from theory.errors import DeeplinError, InvalidInput
from theory.expressions import lower
from theory.mutation import Mutant, sites, spread
from theory.provers.api import Budget, DoesNotApply, TimeUp
from theory.provers.points import at_sizes, counterexample, sized, small_sizes
from theory.provers.proof import by_search, by_steps, contradictory
from theory.statement import Lowered
from theory.theorem import Claim, Theorem, named

COUNT, SECONDS, REQUIRED = 8, 6.0, 0.9
NEIGHBOURS = 200


@dataclass(frozen=True)
class Judged:
    """A mutant and what became of it.

    `detail` says how; `point` is the exact violation, by variable, and `certificate` the proof that it is true or vacuous.
    """

    theorem: str
    claim: str
    operator: str
    change: str
    grade: str
    detail: str
    seconds: float
    point: Json | None = None
    certificate: Json | None = None

    @property
    def killed(self) -> bool:
        return self.grade in (Grade.REFUTED, Grade.VACUOUS)

    @property
    def true(self) -> bool:
        return self.grade == Grade.PROVED


@dataclass(frozen=True)
class Task:
    """A mutant of a theorem, by its place in `twins`."""

    theorem: str
    index: int
    seconds: float


def twins(theorem: Theorem) -> Iterator[tuple[Claim, Mutant]]:
    """The mutants of the theorem: operators in turn, over all of its claims."""
    places = [(claim, site) for claim in statements(theorem) for site in sites(claim.statement.lowered())]
    claims = {id(site): claim for claim, site in places}
    return ((claims[id(site)], m) for site, m in spread([site for _, site in places]))


def run_task(task: Task) -> Judged:
    """The verdict on one mutant; safe to run in another process."""
    (claim, mutant), start = _twin(task.theorem, task.index), time.monotonic()
    try:
        with alarm(task.seconds):
            grade, detail, found = judge(mutant.statement, claim, known_points(task.theorem), task.seconds)
    except DeeplinError as end:  # above all `TimeUp`
        grade, detail, found = Grade.UNDECIDED, str(end), None
    seconds = time.monotonic() - start
    point, proof = (found["evidence"]["point"], None) if found and grade is Grade.REFUTED else (None, found)
    return Judged(
        task.theorem, claim.statement.name, mutant.operator, mutant.change, str(grade), detail, seconds, point, proof
    )


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `TimeUp` in the main thread after so many CPU seconds: building the polynomials of a large claim has no clock.

    It rings again, for a prover that takes the first ring for the end of its own time.
    """

    def ring(*_: object) -> None:
        raise TimeUp(f"no verdict within {seconds:g} s")

    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds / 4)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@cache
def _made(theorem: str) -> tuple[list[tuple[Claim, Mutant]], Iterator[tuple[Claim, Mutant]]]:
    return [], twins(named(theorem))


def _exists(theorem: str, index: int) -> bool:
    made, others = _made(theorem)
    made += islice(others, max(0, index + 1 - len(made)))
    return index < len(made)


def _twin(theorem: str, index: int) -> tuple[Claim, Mutant]:
    if not _exists(theorem, index):
        raise InvalidInput("index", index, f"the place of a mutant of {theorem}")
    return _made(theorem)[0][index]


def score(
    selected: Sequence[Theorem],
    count: int = COUNT,
    seconds: float = SECONDS,
    executor: Executor | None = None,
    watch: Callable[[int, int, str], None] | None = None,
) -> list[Judged]:
    """Mutants of each theorem, judged within `seconds` each, until `count` are not proved true or there are no more."""
    tasks = [Task(t.name, i, seconds) for t in selected for i in range(count) if _exists(t.name, i)]
    total, out = len(tasks), dict[Task, Judged]()
    while tasks:
        for i, judged in (executor or Serial()).run(run_task, tasks):
            out[tasks[i]] = judged
            if watch:
                watch(len(out), total, judged.theorem)
        tasks = _instead([task for task in tasks if out[task].true], out)
        total += len(tasks)
    order = {t.name: i for i, t in enumerate(selected)}
    return [out[task] for task in sorted(out, key=lambda task: (order[task.theorem], task.index))]


def _instead(true: Sequence[Task], judged: Collection[Task]) -> list[Task]:
    """The next mutants of the same theorems, one for each that is true."""
    after = Counter(task.theorem for task in judged)
    out = []
    for task in true:
        if _exists(task.theorem, after[task.theorem]):
            out.append(replace(task, index=after[task.theorem]))
            after[task.theorem] += 1
    return out


# -- one mutant ---------------------------------------------------------------------------------------------------------


def judge(s: Lowered, claim: Claim, points: Sequence[Mapping[str, Any]], seconds: float) -> tuple[Grade, str, Json | None]:
    """The grade, how it was reached, and the certificate that the kernel accepted."""
    for detail, found in _tried(s, points):
        if found is not None:
            return Grade.REFUTED, detail, found
    own = None if claim.steps is None else _by_own_steps(s, claim)
    if own is not None:
        return Grade.PROVED, "by the steps of the claim's own proof", own
    brief = Budget(seconds / 10)
    against = contradictory(s, brief)[-1].found if s.given else None
    if against is not None:
        return Grade.VACUOUS, "the hypotheses contradict each other", against
    proof = by_search(s, brief)
    if proof[-1].found:
        return Grade.PROVED, f"found by the provers: {proof[-2].prover}, {proof[-1].detail}", proof[-1].found
    for detail, found in _searched(s, points, seconds):
        if found is not None:
            return Grade.REFUTED, detail, found
    return Grade.UNDECIDED, f"no point and no proof within {seconds:g} s", None


def _tried(s: Lowered, points: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Json | None]]:
    """Known points of the theorem, and random ones."""
    yield from (("a known point of the theorem", confirmed_at(s, p)) for p in points)
    yield from (("a random point", confirmed_at(s, p)) for p in random_points(s, 16))


def _by_own_steps(s: Lowered, claim: Claim) -> Json | None:
    """The certificate by the steps of the claim's proof, if they show the mutant too, at its sizes."""
    of = claim.statement.lowered()
    sizes = {d: 2 for d in of.dims if d not in s.dims}
    return by_steps(s, [_sized(x, {**claim.statement.sizes, **sizes}) for x in claim.steps or ()], sizes)[-1].found


def _sized(step: Step, sizes: Mapping[str, int]) -> Step:
    """The step with numbers for symbolic dimensions."""
    term, by = (sized(lower(x, sizes), sizes) for x in (step.term, step.by))
    times = None if step.times is None else sized(lower(step.times, sizes), sizes)
    if step.cases is None:
        return replace(step, term=term, by=by, times=times)
    positive, otherwise = (tuple(_sized(x, sizes) for x in part) for part in step.cases)
    return replace(step, term=term, by=by, times=times, cases=(positive, otherwise))


def _searched(s: Lowered, points: Sequence[Mapping[str, Any]], seconds: float) -> Iterator[tuple[str, Json | None]]:
    """Points next to the known ones, the grid, and the staged search at some small sizes; also where an inequality among the
    hypotheses is an equation."""
    yield from (("a point next to a known one", confirmed_at(s, p)) for p in islice(neighbours(s, points), NEIGHBOURS))
    yield "the grid", counterexample(s, Budget(seconds / 4)).found
    sizes = list(islice(small_sizes(s.dims), 4)) if s.dims else [{}]
    bounds = [i for i, (relation, _) in enumerate(s.given) if relation == ">="] if s.then[0][0] == ">" else []
    places = [(at_sizes(s, at), None) for at in sizes] + [(at_sizes(s, sizes[0]), i) for i in bounds]
    for at, bound in places:
        found = _found(at, bound, seconds / 2 / len(places))
        if found is not None:
            yield "the search", found


def _found(s: Lowered, bound: int | None, seconds: float) -> Json | None:
    """The first counterexample of the staged search, with one inequality read as an equation; none where it does not apply."""
    from numerics.search.problem import confirmed
    from numerics.search.search import search

    given = tuple(("==" if i == bound else r, x) for i, (r, x) in enumerate(s.given))
    try:
        for event in search(replace(s, given=given), seconds):
            if event.kind == "refuted" and event.certificate is not None:
                return confirmed(s, event.certificate["evidence"]["point"], "refuted")
    except DoesNotApply:  # at these sizes the polynomials are too large
        return None
    return None


# -- report -------------------------------------------------------------------------------------------------------------


def rate(found: Sequence[Judged]) -> float:
    """The share of killed mutants among those that are not proved true; 1 if there are none."""
    scored = [j for j in found if not j.true]
    return sum(j.killed for j in scored) / len(scored) if scored else 1.0


def by_theorem(found: Sequence[Judged]) -> dict[str, list[Judged]]:
    return {name: [j for j in found if j.theorem == name] for name in dict.fromkeys(j.theorem for j in found)}


def report(found: Sequence[Judged]) -> Iterator[str]:
    """A line for each theorem and below it its survivors and what was set aside; the total at the end."""
    for name, judged in by_theorem(found).items():
        yield f"{name}: {_counts(judged)}"
        for j in judged:
            if not j.killed:
                word = "true, no twin:" if j.true else f"{j.grade}"
                yield f"  {word} {j.claim.removeprefix(name + '.')}, {j.change}: {explanation(j)}"
    yield f"{len(by_theorem(found))} theorems: {_counts(found)}, {rate(found):.1%}"


def _counts(judged: Sequence[Judged]) -> str:
    s, vacuous = _score(judged), sum(j.grade == Grade.VACUOUS for j in judged)
    noted = f" ({vacuous} vacuous)" if vacuous else ""
    return f"{s['killed']} of {s['scored']} killed{noted}" + (f", {s['true']} true and set aside" if s["true"] else "")


def explanation(j: Judged) -> str:
    """What a mutant that lives means."""
    return j.detail + ("; the claim holds without it" if j.true and j.operator == "drop" else "")


def record(found: Sequence[Judged]) -> Json:
    """The record of deeplin/schemas/mutants.schema.json: kill scores by theorem, and every mutant."""
    return {
        "format": "deeplin mutants",
        "version": 1,
        "total": _score(found),
        "theorems": {name: _score(judged) for name, judged in by_theorem(found).items()},
        "mutants": [asdict(j) for j in found],
    }


def _score(judged: Sequence[Judged]) -> Json:
    true = sum(j.true for j in judged)
    return {"scored": len(judged) - true, "killed": sum(j.killed for j in judged), "true": true, "rate": rate(judged)}
