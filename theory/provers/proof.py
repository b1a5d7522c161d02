"""The whole of a proof: the conclusions one by one, joined in one derivation, and a witness of the hypotheses.

>>> from sympy import Symbol
>>> from theory.statement import Statement, at_least
>>> x = Symbol("x")
>>> proof = prove(Statement("example", (x,), given=(at_least(x),), then=(at_least(x**3 - 3*x + 2),)))
>>> proof.proved, proof.scope
(True, 'all real numbers')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from theory import kernel
from theory.certificates import EvidenceError, Json, Step, at_point, derivation
from theory.provers import points
from theory.provers.api import ZERO, Budget, Outcome, Prover, Status, certified
from theory.statement import Lowered, Statement


@dataclass(frozen=True)
class Proof:
    """What was found about a statement; certificates are there only if the kernel accepted them in this run.

    `certificate` is of the claim "proved", `witness` of "satisfiable" (at given sizes), `contradiction` of "contradictory".
    """

    statement: Lowered
    certificate: Json | None
    witness: Json | None
    contradiction: Json | None
    outcomes: tuple[Outcome, ...]

    @property
    def proved(self) -> bool:
        """Whether the statement is proved and not vacuous."""
        return self.certificate is not None and (self.witness is not None or not self.statement.given)

    @property
    def vacuous(self) -> bool:
        return self.contradiction is not None

    @property
    def scope(self) -> str:
        return self.statement.scope

    def __str__(self) -> str:
        word = "vacuous" if self.vacuous else "proved" if self.proved else "not proved"
        return "\n".join([f"{self.statement.name}: {word} ({self.scope})", *(f"  {o}" for o in self.outcomes)])


def prove(
    statement: Statement | Lowered,
    steps: Sequence[Step] | None = None,
    budget: Budget | None = None,
    *,
    witness: Mapping[str, Any] | None = None,
    at: Mapping[str, int] | None = None,
    use: Sequence[Prover] | None = None,
) -> Proof:
    """A proof by the given steps, or by the provers within the budget (of each prover for each conclusion).

    The `witness` is a point that satisfies the hypotheses, at the sizes `at`; without it one is searched. Of a statement whose
    hypotheses have no witness within the budget, a contradiction is searched. `use` restricts the provers.
    """
    s, budget = statement if isinstance(statement, Lowered) else statement.lowered(), budget or Budget()
    sizes = statement.sizes if isinstance(statement, Statement) else {}
    done = by_steps(s, steps, sizes) if steps is not None else by_search(s, budget, use)
    certificate = done[-1].found if done else None
    satisfied = _witness(statement, budget, witness, at) if s.given else None
    outcomes = done if satisfied is None else (*done, satisfied)
    contradiction = None
    if satisfied is not None and not satisfied.found:
        against = contradictory(s, budget, use)
        outcomes, contradiction = (*outcomes, *against), against[-1].found
    return Proof(s, certificate, satisfied.found if satisfied else None, contradiction, outcomes)


def prove_at_small_widths(
    statement: Statement | Lowered, budget: Budget | None = None, widths: Sequence[int] = (1, 2)
) -> tuple[Proof, ...]:
    """What can be proved of a statement with symbolic dimensions where all of them are 1, all are 2: each with its own scope.

    proofs = (prove(_sized(statement, dict.fromkeys(lowered.dims, n)), budget=budget) for n in widths if lowered.dims)
    """
    lowered = statement if isinstance(statement, Lowered) else statement.lowered()
    proofs = (prove(_sized(statement, dict.fromkeys(lowered.dims, n)), None, budget) for n in (widths if lowered.dims else ()))
    return tuple(p for p in proofs if p.proved)


def by_steps(s: Lowered, steps: Sequence[Step], sizes: Mapping[str, int]) -> tuple[Outcome, ...]:
    """The derivation from explicit steps."""
    try:
        certificate = derivation(s, steps, sizes=sizes)
        kernel.check(certificate, certificate["statement"])
    except (kernel.Rejected, EvidenceError) as why:
        return (Outcome("steps", Status.NOT_FOUND, str(why)),)
    return (Outcome("steps", Status.FOUND, f"{len(steps)} steps", certificate, tuple(steps)),)


def by_search(s: Lowered, budget: Budget, use: Sequence[Prover] | None = None) -> tuple[Outcome, ...]:
    """The outcomes of the searches; the last one carries the certificate of all conclusions, if all were found.

    What has been proved is a hypothesis for the conclusions after it.
    """
    given = s.given
    steps: list[Step] = []
    outcomes: list[Outcome] = []
    for goal in s.then:
        tried = _first(replace(s, given=given, then=(goal,)), budget, "proved", use)
        outcomes += tried
        if not tried[-1].found:
            return tuple(outcomes)
        given, steps = (*given, goal), [*steps, *tried[-1].steps]
    return (*outcomes, certified(s, Outcome("joined", Status.FOUND, f"{len(steps)} steps", None, tuple(steps)), "proved"))


def contradictory(s: Lowered, budget: Budget, use: Sequence[Prover] | None = None) -> tuple[Outcome, ...]:
    """The searches for a contradiction among the hypotheses; the last one carries its certificate, if found."""
    return tuple(_first(replace(s, then=((">", ZERO),)), budget, "contradictory", use, of=s))


def _first(s: Lowered, budget: Budget, claim: str, use: Sequence[Prover] | None, of: Lowered | None = None) -> list[Outcome]:
    from theory.provers import provers

    outcomes: list[Outcome] = []
    for prover in provers() if use is None else use:
        out = prover.attempt(s, budget, claim)
        if out.found and of is not None:
            out = certified(of, replace(out, found=None), claim)
        outcomes.append(out)
        if out.found:
            break
    return outcomes or [Outcome("none", Status.NOT_FOUND, "no prover was asked")]


def _witness(
    statement: Statement | Lowered, budget: Budget, point: Mapping[str, Any] | None, at: Mapping[str, int] | None
) -> Outcome:
    sized = _sized(statement, at or {})
    if point is None:
        return points.witness(sized, budget)
    try:
        certificate = at_point(sized, point, "satisfiable")
        kernel.check(certificate, certificate["statement"])
    except kernel.Rejected as why:
        return Outcome("points", Status.NOT_FOUND, f"the given point is not a witness: {why}")
    return Outcome("points", Status.FOUND, "the given point", certificate)


def _sized(statement: Statement | Lowered, at: Mapping[str, int]) -> Lowered:
    return points.at_sizes(statement, at) if isinstance(statement, Lowered) else statement.lowered(at)
