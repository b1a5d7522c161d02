"""What a prover is: it looks for the steps of a proof of one conclusion; the kernel decides whether they are one.

A prover is a module of this package with a constant `PROVER`. It is found by being there. Its `find` returns evidence or
raises `NotFound`, `DoesNotApply`, `TimeUp` or `Crashed`: these are different things, and are never merged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from theory import kernel
from theory.certificates import EvidenceError, Json, Step, derivation
from theory.dag import Node, num, topological
from theory.errors import DeeplinError
from theory.statement import Lowered

Goal = tuple[str, Node]
ZERO = num(0)


class Status(Enum):
    """How a search ended."""

    FOUND = "found"
    NOT_FOUND = "not found within the bounds"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    DOES_NOT_APPLY = "does not apply"


class NotFound(DeeplinError):
    """The search ended without evidence; the text says what was tried, and how far."""


class DoesNotApply(DeeplinError):
    """The statement is not of the kind that the prover treats, or an optional solver is not installed."""


class TimeUp(DeeplinError):
    """The budget is spent."""


class Crashed(DeeplinError):
    """A solver in another process died, or answered nonsense."""


_ENDS: dict[type[DeeplinError], Status] = {
    NotFound: Status.NOT_FOUND,
    DoesNotApply: Status.DOES_NOT_APPLY,
    TimeUp: Status.TIMED_OUT,
    Crashed: Status.CRASHED,
}


@dataclass(frozen=True)
class Budget:
    """What one prover may spend on one conclusion: wall time, memory of a solver process, unknowns of a linear system."""

    seconds: float = 10.0
    memory: int = 4 << 30
    unknowns: int = 1500
    seed: int = 0

    def clock(self) -> Clock:
        return Clock(self, time.monotonic() + self.seconds)


@dataclass(frozen=True)
class Clock:
    """A budget that is being spent."""

    budget: Budget
    deadline: float

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    def tick(self, doing: str = "") -> None:
        if self.left <= 0:
            raise TimeUp(f"timed out after {self.budget.seconds:g} s{' while ' + doing if doing else ''}")


@dataclass(frozen=True)
class Outcome:
    """How a search ended: the certificate that the kernel accepted, if any, its steps, and what was tried."""

    prover: str
    status: Status
    detail: str
    found: Json | None = None
    steps: tuple[Step, ...] = field(default=(), repr=False)
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.prover}: {self.status.value} ({self.detail})"


@dataclass(frozen=True)
class Evidence:
    """The steps of a proof of one conclusion, and how they were found."""

    steps: tuple[Step, ...]
    detail: str


@dataclass(frozen=True)
class Prover:
    """A search for a proof of one conclusion; provers are tried in the order of their cost."""

    name: str
    cost: int
    find: Callable[[Lowered, Goal, Clock], Evidence]

    def __call__(self, s: Lowered, budget: Budget | None = None, claim: str = "proved") -> Outcome:
        """A certificate of all conclusions, each found by this prover, or how the search ended."""
        given, seconds = s.given, 0.0
        steps: list[Step] = []
        details: list[str] = []
        for goal in [(">", ZERO)] if claim == "contradictory" else s.then:
            out = self.attempt(replace(s, given=given, then=(goal,)), budget or Budget(), claim)
            seconds += out.seconds
            if not out.found:
                return replace(out, seconds=seconds)
            given, steps, details = (*given, goal), [*steps, *out.steps], [*details, out.detail]
        return certified(s, Outcome(self.name, Status.FOUND, "; ".join(details), None, tuple(steps), seconds), claim)

    def attempt(self, s: Lowered, budget: Budget, claim: str = "proved") -> Outcome:
        """The search for a proof of the only conclusion of s."""
        start, clock = time.monotonic(), budget.clock()
        try:
            goal = (">", ZERO) if claim == "contradictory" else s.then[0]
            evidence = self.find(s, goal, clock)
            out = Outcome(self.name, Status.FOUND, evidence.detail, None, evidence.steps)
            out = certified(s, out, claim)
        except (NotFound, DoesNotApply, TimeUp, Crashed) as end:
            out = Outcome(self.name, _ENDS[type(end)], str(end))
        return replace(out, seconds=time.monotonic() - start)


def certified(s: Lowered, out: Outcome, claim: str) -> Outcome:
    """The outcome with its certificate, if the kernel accepts it; else an outcome that says that it did not."""
    try:
        certificate = derivation(s, out.steps, claim)
        kernel.check(certificate, certificate["statement"])
    except (kernel.Rejected, EvidenceError, RecursionError) as why:
        return replace(out, status=Status.NOT_FOUND, detail=f"the kernel did not accept the evidence: {why}", steps=())
    return replace(out, found=certificate)


def mentions(x: Node, ops: tuple[str, ...]) -> bool:
    """Whether an operation of these kinds occurs in the term."""
    return any(y.op in ops for y in topological([x]))
