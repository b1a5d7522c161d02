"""The search of a verdict: refuting and proving in turn, sizes from the smallest up."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from deeplin.conjecture import Conjecture, Trial, Verdict, lowered_statements
from deeplin.report import Grade
from deeplin.verify import environment
from theory.certificates import Json
from theory.provers.api import Budget, Outcome
from theory.provers.points import counterexample
from theory.provers.proof import prove


def run(
    conjecture: Conjecture, budget: float, seed: int, sharpness: bool, store: Path | None, watch: Callable[[str], None]
) -> Verdict:
    """The verdict within the budget."""
    start, trials, proved, certificates = time.monotonic(), list[Trial](), list[str](), list[Json]()
    witness = None
    verdict = Verdict(conjecture.name, Grade.UNDECIDED, seed=seed, budget=budget, environment=environment())
    ready = lowered_statements(conjecture)
    for _, s in ready:
        if not s.dims:
            out = counterexample(s, Budget(budget / len(ready) / 4, seed=seed))
            trials.append(_trial("refute", s.scope, out))
            if out.found:
                point = out.found["evidence"]["point"]
                verdict = Verdict(conjecture.name, Grade.REFUTED, (s.scope,), point, certificates=(out.found,))
                break
        proof = prove(s, budget=Budget(budget / len(ready) / 8, seed=seed))
        trials += [_trial("prove", s.scope, o) for o in proof.outcomes]
        if proof.proved and proof.certificate is not None:
            proved.append(s.scope)
            certificates += [c for c in (proof.certificate, proof.witness) if c]
            witness = proof.witness and proof.witness["evidence"]["point"]
            verdict = Verdict(conjecture.name, Grade.PROVED, tuple(proved), witness=witness, certificates=tuple(certificates))
            if s.dims:
                break
    return Verdict(
        **{**verdict.__dict__, "trials": tuple(trials), "seed": seed, "budget": budget, "seconds": time.monotonic() - start}
    )


def _trial(kind: str, scope: str, o: Outcome) -> Trial:
    return Trial(kind, scope, o.status.value, f"{o.prover}: {o.detail}", o.seconds)
