"""Searches in processes of their own: killed when their time is over, bounded in memory, heard while they run."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from theory.certificates import Json
from theory.provers.api import Budget, DoesNotApply, Outcome
from theory.statement import Lowered

MEMORY = 3 << 30
# How long a search may run past its own time before its process is killed.
GRACE, KERNEL = 2.5, 30.0


@dataclass(frozen=True)
class Task:
    """`kind` is refute, prove, witness or contradiction; `index` says of which statement."""

    kind: str
    index: int
    statement: Lowered
    seconds: float
    seed: int


@dataclass(frozen=True)
class Message:
    """What a search says: `kind` is that of a search event, "outcome" with a status, or "end"."""

    kind: str
    status: str = ""
    detail: str = ""
    certificate: Json | None = None
    point: Json | None = None
    seconds: float = 0.0


def messages(task: Task) -> Iterator[Message]:
    """Does the work of a task."""
    yield from {"refute": _refute, "witness": _refute, "prove": _prove, "contradiction": _prove}[task.kind](task)


def _refute(task: Task) -> Iterator[Message]:
    from numerics.search.search import search

    violate = task.kind == "refute"
    try:
        for e in search(task.statement, task.seconds, task.seed, violate):
            yield Message(e.kind, "", e.detail, e.certificate, e.point)
    except DoesNotApply as why:
        yield from _plain(task, str(why))


def _plain(task: Task, why: str) -> Iterator[Message]:
    """The search of `theory.provers.points`, where the statement is too large for the other."""
    from theory.provers.points import counterexample, witness

    find = counterexample if task.kind == "refute" else witness
    out = find(task.statement, Budget(task.seconds, seed=task.seed))
    kind = "refuted" if task.kind == "refute" else "satisfiable"
    yield Message(kind if out.found else "stage", out.status.value, f"{why}; {out.detail}", out.found)


def _prove(task: Task) -> Iterator[Message]:
    from theory.provers.proof import by_search, contradictory

    budget = Budget(task.seconds, MEMORY, seed=task.seed)
    outcomes: tuple[Outcome, ...] = (by_search if task.kind == "prove" else contradictory)(task.statement, budget)
    for o in outcomes:
        yield Message("outcome", o.status.value, f"{o.prover}: {o.detail}", seconds=o.seconds)
    found = outcomes[-1].found if outcomes else None
    if found is not None:
        yield Message(found["claim"], "found", outcomes[-1].prover, found)


class Process:
    """A process that does one task after the other. `heard()` gives what it says; `over` is how the task at hand ended."""

    def __init__(self) -> None:
        for name in ("numerics.search.search", "theory.provers.proof"):  # imported once, here, and not by every child
            import_module(name)
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.connection, theirs = context.Pipe()
        with warnings.catch_warnings():  # Python warns of forks beside threads; the child starts none and can be killed
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process = context.Process(target=_child, args=(theirs,), daemon=True)
            self.process.start()
        theirs.close()
        self.over = "idle"

    def give(self, task: Task) -> None:
        self.task, self.start, self.over = task, time.monotonic(), ""
        steps = 5 if task.kind in ("prove", "contradiction") else 1
        self.deadline = self.start + task.seconds * steps + GRACE
        self.connection.send(task)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def heard(self) -> Iterator[Message]:
        """The messages since the last time; a process that is late or dead is ended."""
        try:
            while not self.over and self.connection.poll():
                message = self.connection.recv()
                if message.kind == "end":
                    self.over = message.status
                elif message.kind == "exact":  # the kernel may take a while over a large statement
                    self.deadline = max(self.deadline, time.monotonic() + KERNEL)
                yield message
        except (EOFError, OSError):
            self.process.join(1)
            self.over = f"crashed (exit status {self.process.exitcode})"
            self.kill()
        if not self.over and time.monotonic() > self.deadline:
            self.over = "timed out"
            self.kill()

    @property
    def alive(self) -> bool:
        return not self.connection.closed

    def kill(self) -> None:
        """Ends the process and what it started."""
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(0.3)
        if self.process.is_alive():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid or 0, signal.SIGKILL)
            self.process.kill()
            self.process.join(1)
        self.connection.close()


def _child(connection: Connection) -> None:
    _prepare()
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_done(connection, task))


def _done(connection: Connection, task: Task) -> Message:
    try:
        for message in messages(task):
            connection.send(message)
    except MemoryError:
        return Message("end", "out of memory")
    except Exception as error:
        return Message("end", f"crashed ({type(error).__name__}: {str(error)[:200]})")
    return Message("end", "done")


def _prepare() -> None:
    """A process group of its own, Ctrl-C left to the parent, bounded memory; an end by SIGTERM ends solvers too."""
    with suppress(OSError):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _ended)
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = _memory_now() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def _ended(*_: Any) -> None:
    import atexit

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # an exit function that is cut short may complain
    atexit._run_exitfuncs()  # solvers run in sessions of their own, and are killed by their exit functions
    os._exit(143)


def _memory_now() -> int:
    with suppress(OSError), open("/proc/self/statm") as f:
        return int(f.read().split()[0]) * resource.getpagesize()
    return 1 << 30
