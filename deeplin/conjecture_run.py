"""The search of a verdict: one process refutes, one proves, each through the sizes from the smallest up, in growing rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from deeplin.conjecture import Conjecture, Sharp, Trial, Verdict
from deeplin.conjecture_alter import alterations
from deeplin.conjecture_state import State
from deeplin.conjecture_store import keep, stored, tried
from deeplin.conjecture_work import Process, Task
from deeplin.report import Grade
from deeplin.verify import environment
from theory.statement import Statement

Watch = Callable[[str], None]
# Seconds for one size in each round; the last of them is repeated until the budget is spent.
REFUTE, PROVE = (0.8, 3.0, 8.0, 20.0), (2.0, 6.0, 20.0)
LEAST_SHARP = 2.0


def run(conjecture: Conjecture, budget: float, seed: int, sharpness: bool, store: Path | None, watch: Watch) -> Verdict:
    """The verdict within the budget."""
    start = time.monotonic()
    statements = list(conjecture.statements())
    name = statements[0].name
    known = [] if store is None else stored(store, name)
    verdict = search(name, statements, budget, seed, watch, known)
    if store is not None and verdict.point is not None:
        keep(store, name, {"point": verdict.point} | ({"root": verdict.root} if verdict.root else {}))
    if sharpness and verdict.grade in (Grade.PROVED, Grade.UNDECIDED) and not verdict.interrupted:
        verdict = sharpened(verdict, statements, start + budget, watch)
    return replace(verdict, budget=budget, environment=environment(), seconds=time.monotonic() - start)


def search(
    name: str, statements: Sequence[Statement], budget: float, seed: int, watch: Watch, known: Sequence[Any] = ()
) -> Verdict:
    """The verdict on a statement at several sizes. Ctrl-C ends the search, and what was found is kept."""
    state = State(name, [s.lowered() for s in statements], time.monotonic() + budget, seed)
    lanes: list[Lane] = []
    try:
        _retry(state, known)
        if not state.done:
            lanes = [Lane(refutations(state), state, watch), Lane(proofs(state), state, watch)]
            while not state.done and (moving := [lane for lane in lanes if lane.advance()]):
                wait([p.connection for lane in moving if (p := lane.process) and p.alive], timeout=0.05)
    except KeyboardInterrupt:
        state.interrupted = True
    finally:
        for lane in lanes:
            lane.stop()
    return state.verdict()


def _retry(state: State, known: Sequence[Any]) -> None:
    for record in known:
        for k, s in enumerate(state.statements):
            found, certificate = (False, None) if s.dims else tried(s, record)
            if found:
                state.trials.append(Trial("stored", s.scope, "found", "a counterexample of an earlier run", 0.0))
                state.refuted(k, certificate, None if certificate else record)
                return


class Lane:
    """A process at work on a supply of tasks."""

    def __init__(self, tasks: Iterator[Task], state: State, watch: Watch) -> None:
        self.tasks, self.state, self.watch = tasks, state, watch
        self.process: Process | None = None
        self.busy = False

    def advance(self) -> bool:
        """Hears the process out, or gives it the next task; whether there is anything left to do."""
        if not self.busy and not self._begun():
            return False
        assert self.process is not None
        for message in self.process.heard():
            self.state.learn(self.process.task, message)
        if self.process.over or time.monotonic() > self.state.deadline:
            self._ended(self.process.over or "out of time")
        return True

    def _begun(self) -> bool:
        task = next(self.tasks, None)
        if task is None:
            return False
        if self.process is None or not self.process.alive:
            self.process = Process()
        self.watch(f"{task.kind} at {task.statement.scope}")
        self.process.give(task)
        self.busy = True
        return True

    def _ended(self, how: str) -> None:
        assert self.process is not None
        self.state.ended(self.process.task, how, self.process.seconds)
        self.busy = False

    def stop(self) -> None:
        if self.process is not None:
            if self.busy:
                self._ended("stopped")
            self.process.kill()


def refutations(state: State) -> Iterator[Task]:
    """Each size that is still open, for longer in each round; the size at hand is left as soon as it is decided."""
    for k in range(1000):
        share = REFUTE[min(k, len(REFUTE) - 1)]
        sized = [i for i, s in enumerate(state.statements) if not s.dims and state.open(i)]
        if not sized:
            return
        for i in sized:
            if state.open(i) and state.left > 0:
                yield Task("refute", i, state.statements[i], min(share, state.left), state.seed + k)
        if state.left <= 0:
            return


def proofs(state: State) -> Iterator[Task]:
    """All widths first, then the sizes; witnesses of what is proved, contradictions where no point satisfies the hypotheses."""
    for k, share in enumerate(PROVE):
        for i, s in enumerate(state.statements):
            if state.left > 0 and state.open(i) and (k == 0 or i in state.unfinished):
                state.unfinished.discard(i)
                yield Task("prove", i, s, min(share, state.left), state.seed)
            if state.left > 0:
                yield from witnesses(state, i, share)
        for i, s in enumerate(state.statements):
            if state.left > 0 and state.doubtful(i, unsearched=k > 0):
                yield Task("contradiction", i, s, min(share, state.left), state.seed)


def witnesses(state: State, i: int, share: float) -> Iterator[Task]:
    """Searches for a point that satisfies the hypotheses of what was proved, if it is not known."""
    for j in state.sizes_of(i):
        if i in state.proofs and not state.witnessed(i) and state.left > 0:
            yield Task("witness", j, state.statements[j], min(2 * share, state.left), state.seed)


def sharpened(verdict: Verdict, statements: Sequence[Statement], deadline: float, watch: Watch) -> Verdict:
    """The verdict with what becomes of the statement without each of its hypotheses, and with strict inequalities."""
    changed = alterations(statements)
    out: list[Sharp] = []
    for k, (change, altered) in enumerate(changed):
        share = (deadline - time.monotonic()) / (len(changed) - k)
        watch(change)
        if share < LEAST_SHARP:
            out.append(Sharp(change, "unknown", "no time was left"))
            continue
        found = search(change, altered, share, verdict.seed, watch)
        out.append(_sharp(change, found))
        if found.interrupted:
            return replace(verdict, sharpness=tuple(out), missing=found.missing, interrupted=True)
    return replace(verdict, sharpness=tuple(out))


def _sharp(change: str, found: Verdict) -> Sharp:
    certificate = found.certificates[0] if found.certificates else None
    if found.grade is Grade.REFUTED:
        return Sharp(change, "needed", found.scope, found.point, found.root, certificate)
    if found.grade is Grade.PROVED:
        return Sharp(change, "redundant", found.scope, certificate=certificate)
    return Sharp(change, "unknown")
