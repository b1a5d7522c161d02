"""What is known so far about a statement at several sizes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from deeplin.conjecture import Trial, Verdict
from deeplin.conjecture_work import Message, Task
from deeplin.report import Grade
from theory import kernel
from theory.algebraic_point import AlgebraicPoint, refutes, satisfies
from theory.certificates import Json, statement
from theory.dag import Node
from theory.provers.api import Status
from theory.provers.points import at_sizes
from theory.statement import Lowered


class State:
    """The certificates by the number of their statement; the kernel accepted each in the process that found it."""

    def __init__(self, name: str, statements: Sequence[Lowered], deadline: float, seed: int) -> None:
        self.name, self.statements, self.deadline, self.seed = name, list(statements), deadline, seed
        self.digests = [kernel.digest(statement(s)[0]) for s in self.statements]
        self.instances = [[k for k, t in enumerate(self.statements) if instance(s, t)] for s in self.statements]
        self.proofs: dict[int, Json] = {}
        self.witness_of: dict[int, tuple[Json | None, Json]] = {}
        self.contradictions: dict[int, Json] = {}
        self.counterexample: tuple[int, Json | None, Json] | None = None
        self.suspect: Json | None = None
        self.seen: set[int] = set()  # where the hypotheses are known to be satisfiable, without a certificate so far
        self.searched: set[int] = set()
        self.unfinished: set[int] = set()  # where more time may help a prover
        self.trials: list[Trial] = []
        self.last: dict[Task, Message] = {}
        self.interrupted = False

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    # -- what is asked --------------------------------------------------------------------------------------------------

    def sizes_of(self, i: int) -> list[int]:
        """Where to look for a witness of statement i: at its size; for symbolic widths, at its instances."""
        return self.instances[i] if self.statements[i].dims else [i]

    def witnessed(self, i: int) -> bool:
        return not self.statements[i].given or any(k in self.witness_of for k in self.sizes_of(i))

    def open(self, i: int) -> bool:
        return i not in self.proofs and i not in self.contradictions and not self._covered(i, self.proofs)

    def _covered(self, i: int, among: Iterable[int]) -> bool:
        """Whether statement i is an instance of one of those."""
        return any(i in self.instances[k] for k in among)

    def doubtful(self, i: int, unsearched: bool) -> bool:
        """Whether no point is known that satisfies the hypotheses, at a size that was searched (or `unsearched` as well)."""
        at = set(self.sizes_of(i))
        if self.seen & at or not (unsearched or self.searched & at):
            return False
        return bool(self.statements[i].given) and i not in self.contradictions and not self.witnessed(i)

    def settled(self, i: int) -> bool:
        return i in self.contradictions or (i in self.proofs and self.witnessed(i))

    @property
    def done(self) -> bool:
        if self.counterexample is not None or self.left <= 0:
            return True
        settled = [i for i in range(len(self.statements)) if self.settled(i)]
        return all(i in settled or self._covered(i, settled) for i in range(len(self.statements)))

    # -- what is told ---------------------------------------------------------------------------------------------------

    def learn(self, task: Task, m: Message) -> None:
        """Takes in a message; a certificate only if it is one of the statement of the task."""
        i = task.index
        if m.kind in ("stage", "refuted", "proved", "satisfiable", "contradictory"):
            self.last[task] = m
        if m.kind == "outcome":
            self.trials.append(Trial(task.kind, task.statement.scope, m.status, m.detail, m.seconds))
            if m.status in (Status.TIMED_OUT.value, Status.CRASHED.value):
                self.unfinished.add(task.index)
        elif m.kind == "suspect":
            self.suspect = self.suspect or m.point
        elif m.kind == "seen":
            self.seen.add(i)
        elif m.kind == "refuted":
            self.refuted(i, m.certificate, m.point)
        elif m.kind == "satisfiable":
            self._satisfied(i, m.certificate, m.point)
        elif m.kind in ("proved", "contradictory") and self._accepted(i, m.certificate):
            assert m.certificate is not None
            (self.proofs if m.kind == "proved" else self.contradictions)[i] = m.certificate

    def refuted(self, i: int, certificate: Json | None, point: Json | None) -> None:
        if self._accepted(i, certificate) and certificate is not None:
            self.counterexample = (i, certificate, {"point": certificate["evidence"]["point"]})
        elif certificate is None and point is not None and refutes(self.statements[i], AlgebraicPoint.read(point)):
            self.counterexample = (i, None, point)

    def _satisfied(self, i: int, certificate: Json | None, point: Json | None) -> None:
        if self._accepted(i, certificate) and certificate is not None:
            self.witness_of[i] = certificate, {"point": certificate["evidence"]["point"]}
        elif certificate is None and point is not None and satisfies(self.statements[i], AlgebraicPoint.read(point)):
            self.witness_of.setdefault(i, (None, point))

    def _accepted(self, i: int, certificate: Json | None) -> bool:
        """Whether this is a certificate of exactly statement i; the kernel has accepted it in the process that found it."""
        return certificate is not None and kernel.digest(certificate["statement"]) == self.digests[i]

    def ended(self, task: Task, how: str, seconds: float) -> None:
        """One line about a search that has ended."""
        last = self.last.pop(task, None)
        found = last is not None and last.kind != "stage"
        if task.kind in ("refute", "witness"):
            self.searched.add(task.index)
        elif how == "done" and not found:
            return  # its outcomes have said it
        elif not found:
            self.unfinished.add(task.index)
        status = "found" if found else "not found" if how == "done" else how
        self.trials.append(Trial(task.kind, task.statement.scope, status, last.detail if last else "", seconds))

    # -- what follows ---------------------------------------------------------------------------------------------------

    def verdict(self) -> Verdict:
        proved = [i for i in self.proofs if self.witnessed(i)]
        scopes = self._scopes(proved)
        if self.counterexample is not None:
            i, certificate, record = self.counterexample
            found = Verdict(self.name, Grade.REFUTED, self._scopes([i]), record["point"], root=record.get("root"), also=scopes)
            return self._with(found, [certificate])
        if proved:
            k = next((k for k in self.sizes_of(proved[0]) if k in self.witness_of), None)
            certificate, record = self.witness_of[k] if k is not None else (None, {})
            found = Verdict(self.name, Grade.PROVED, scopes, witness=record.get("point"), witness_root=record.get("root"))
            return self._with(found, [*(self.proofs[i] for i in proved), certificate])
        if self._vacuous():
            found = Verdict(self.name, Grade.VACUOUS, self._scopes(list(self.contradictions)))
            return self._with(found, list(self.contradictions.values()))
        return self._with(Verdict(self.name, Grade.UNDECIDED, suspect=self.suspect), [])

    def _with(self, found: Verdict, certificates: Sequence[Json | None]) -> Verdict:
        kept = tuple(c for c in certificates if c is not None)
        more: dict[str, Any] = {"missing": self._missing(), "interrupted": self.interrupted, "trials": tuple(self.trials)}
        return replace(found, certificates=kept, seed=self.seed, **more)

    def _vacuous(self) -> bool:
        """Contradictory at all widths, or at every size that was tried."""
        sized = [i for i, s in enumerate(self.statements) if not s.dims]
        return all(i in self.contradictions or self._covered(i, self.contradictions) for i in sized)

    def _scopes(self, found: Sequence[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(scope_of(self.statements[i]) for i in sorted(found)))

    def _missing(self) -> str:
        if self.interrupted:
            return "interrupted: the search was not finished"
        if self.counterexample is not None:
            return ""
        waiting = [s.scope for i, s in enumerate(self.statements) if not self.settled(i) and self.open(i)]
        proved = [self.statements[i].scope for i in self.proofs if not self.witnessed(i)]
        texts = (("neither proved nor refuted at", waiting), ("a proof without a witness of the hypotheses at", proved))
        return "; ".join(f"{text}: {'; '.join(scopes)}" for text, scopes in texts if scopes)


def scope_of(s: Lowered) -> str:
    """For which sizes; beside symbolic widths also which dimensions are numbers (a column's 1 aside)."""
    fixed = [v for v in s.variables if s.dims and any(type(d) is int and (d > 1 or _is_layer(v)) for d in v.shape)]
    shapes = ", ".join(f"{v.data[0]} is {v.shape[0]}x{v.shape[1]}" for v in fixed)
    return f"{s.scope}, where {shapes}" if shapes else s.scope


def _is_layer(v: Node) -> bool:
    name = str(v.data[0])
    return name[:1] == "W" and name[1:].isdigit()


def instance(general: Lowered, special: Lowered) -> bool:
    """Whether the second statement is the first one with numbers in the place of its symbolic dimensions."""
    if not general.dims or special.dims or len(general.variables) != len(special.variables):
        return False
    pairs = [p for v, w in zip(general.variables, special.variables, strict=True) for p in zip(v.shape, w.shape, strict=False)]
    at = {str(d): int(n) for d, n in pairs if isinstance(d, str)}
    return at_sizes(general, at) == replace(special, name=general.name)
