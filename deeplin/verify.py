"""`verify`: every claim of a theorem through the kernel, its instances through exact and float arithmetic, its experiments.

The work is cut into tasks, a part of a theorem each, which give evidence records; a theorem's grade is that of its weakest
claim, lowered by any violation that its instances or experiments show.
"""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from deeplin.executor import Executor, Serial
from deeplin.report import Grade, Report, Result, worst
from theory import kernel
from theory.certificates import Json, at_point, statement
from theory.provers.proof import Proof, prove
from theory.theorem import Claim, Generic, Theorem, named, select

CLAIMED = ("proof", "generic")
GENERIC = "generic: off a null set"
Evidence = dict[str, Any]
Files = list[tuple[str, Json]]
Found = Iterator[tuple[Evidence, Files]]


@dataclass(frozen=True)
class Settings:
    """How much to check: instances for each width, and `thorough` for the longer experiments; and where floats are computed.

    `device` and `precision` as in `numerics.backends.chosen`; the arrays of a batch take at most about `memory` bytes.
    """

    seed: int = 0
    certified: int = 8
    supported: int = 2000
    thorough: bool = False
    device: str = "cpu"
    precision: str = "float64"
    memory: int = 1 << 30


@dataclass(frozen=True)
class Task:
    """A part of a theorem: its claims, its sharpness, its experiment, or its instances at one tuple of widths."""

    theorem: str
    part: str
    widths: tuple[int, ...]
    settings: Settings


class Outcome(NamedTuple):
    evidence: list[Evidence]
    certificates: list[tuple[str, Json]]


def tasks_of(theorem: Theorem, settings: Settings) -> list[Task]:
    """The tasks of a theorem, in the order of its evidence."""
    instances = (("certified", theorem.certified_at), ("supported", theorem.supported_at)) if theorem.sample else ()
    sized = [Task(theorem.name, part, tuple(widths), settings) for part, sizes in instances for widths in sizes]
    whole = {part: Task(theorem.name, part, (), settings) for part in ("claims", "sharpness", "experiment")}
    return [whole["claims"], whole["sharpness"], *sized, whole["experiment"]]


def run_task(task: Task) -> Outcome:
    """The evidence of one task; safe to run in another process."""
    theorem = named(task.theorem)
    outcome = Outcome([], [])
    start = time.perf_counter()
    for evidence, certificates in _PARTS[task.part](theorem, task):
        now = time.perf_counter()
        outcome.evidence.append({**evidence, "seconds": now - start})
        outcome.certificates.extend((f"{theorem.name}/{path}", c) for path, c in certificates)
        start = now
    return outcome


# -- parts --------------------------------------------------------------------------------------------------------------


def _claims(theorem: Theorem, task: Task) -> Found:
    for index, claim in enumerate(theorem.claims()):
        path = f"{index:02d}-{_slug(claim.statement.name)}"
        yield _generic(claim, path) if isinstance(claim, Generic) else _claim(claim, path)


def _claim(claim: Claim, path: str) -> tuple[Evidence, Files]:
    proof = proof_of(claim)
    record: Evidence = {"kind": "proof", "statement": claim.statement.name, "scope": proof.scope}
    if proof.certificate is None or not proof.proved:
        grade = Grade.VACUOUS if proof.vacuous else Grade.UNDECIDED
        return {**record, "grade": grade, "why": str(proof)}, []
    record |= {"grade": Grade.PROVED, "digest": kernel.digest(proof.certificate["statement"])}
    record |= {"steps": len(proof.certificate["evidence"]["steps"])}
    record |= {"witness": proof.witness and proof.witness["evidence"]["point"]}
    written = [("proof", proof.certificate), ("witness", proof.witness)]
    return record, [(f"{path}-{kind}.json", c) for kind, c in written if c is not None]


def _generic(claim: Generic, path: str) -> tuple[Evidence, Files]:
    record, certificate = generic_record(claim)
    return record, [(f"{path}-generic.json", certificate)] if certificate else []


def generic_record(claim: Generic) -> tuple[Evidence, Json | None]:
    """The record of a polynomial that is not zero, and the certificate of the point, if the kernel accepts it."""
    lowered = claim.statement.lowered()
    free = replace(lowered, variables=lowered.variables[: len(claim.variables)])
    record: Evidence = {"kind": "generic", "statement": claim.name, "scope": f"{GENERIC} ({free.scope})"}
    try:
        certificate = accepted(at_point(lowered, claim.witness, "satisfiable"), statement(lowered)[0])
    except kernel.Rejected as why:
        return {**record, "grade": Grade.UNDECIDED, "why": f"the point does not show it: {why}"}, None
    shown = {"digest": kernel.digest(certificate["statement"]), "point": certificate["evidence"]["point"]}
    return {**record, "grade": Grade.PROVED, **shown}, certificate


def proof_of(claim: Claim) -> Proof:
    """The proof of a claim, by its own steps or by the provers, with its witness; for exactly the claim's statement."""
    proof = prove(claim.statement, claim.steps, witness=claim.witness, at=claim.at)
    expected = kernel.digest(statement(claim.statement.lowered())[0])
    if proof.certificate is not None and kernel.digest(proof.certificate["statement"]) != expected:
        raise kernel.Rejected("the certificate is for another statement")
    return proof


def accepted(certificate: Json, expected: Json) -> Json:
    """The certificate, once the kernel has accepted it for the expected statement."""
    kernel.check(certificate, expected)
    return certificate


def _sharpness(theorem: Theorem, task: Task) -> Found:
    for index, example in enumerate(theorem.sharpness()):
        lowered = example.statement.lowered()
        certificate = accepted(at_point(lowered, example.point, "refuted"), statement(lowered)[0])
        record = {"kind": "sharpness", "drops": example.drops, "statement": example.statement.name, "status": "needed"}
        record |= {"point": certificate["evidence"]["point"], "digest": kernel.digest(certificate["statement"])}
        yield record, [(f"sharp-{index:02d}-refuted.json", certificate)]


def _certified(theorem: Theorem, task: Task) -> Found:
    from numerics.evidence import certify

    found = certify(theorem, task.widths, task.settings.certified, task.settings.seed)
    yield {"kind": "certified", **found.json()}, []


def _supported(theorem: Theorem, task: Task) -> Found:
    from numerics.backends import chosen
    from numerics.evidence import support

    settings = task.settings
    on = chosen(settings.device, settings.precision, settings.supported)
    found = support(theorem, task.widths, settings.supported, settings.seed, on=on, memory=settings.memory)
    yield {"kind": "supported", **found.json()}, []


def _experiment(theorem: Theorem, task: Task) -> Found:
    from numerics.experiments import experiment_of

    experiment = experiment_of(theorem)
    if experiment is not None:
        found = experiment.run(task.settings.seed, thorough=task.settings.thorough)
        grade = Grade.SUPPORTED if found.passed else Grade.UNDECIDED
        yield {**found.json(), "kind": "experiment", "measures": found.kind, "grade": grade}, []


_PARTS: dict[str, Callable[[Theorem, Task], Found]] = {
    "claims": _claims,
    "sharpness": _sharpness,
    "certified": _certified,
    "supported": _supported,
    "experiment": _experiment,
}


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.split(".", 1)[-1]).strip("-")[:60]


# -- grades -------------------------------------------------------------------------------------------------------------


def grade_of(evidence: Sequence[Evidence]) -> Grade:
    """That of the weakest claim; any violation lowers it."""
    graded = [Grade(e["grade"]) for e in evidence if "grade" in e]
    claims = [Grade(e["grade"]) for e in evidence if e["kind"] in CLAIMED]
    failures = [g for g in graded if g in (Grade.REFUTED, Grade.UNDECIDED, Grade.VACUOUS)]
    if failures or not graded:
        return worst(failures or [Grade.UNDECIDED])
    return worst(claims or graded)


def scope_of(evidence: Sequence[Evidence]) -> str:
    """For which sizes the claims are proved, and how many: "all widths at depth 2 (3 claims); widths (2, 2, 1) (1 claim)"."""
    counts = Counter(e["scope"] for e in evidence if e["kind"] in CLAIMED and e["grade"] == Grade.PROVED)
    return "; ".join(f"{scope} ({n} claim{'s' * (n > 1)})" for scope, n in counts.items()) or "none"


def verify(
    *names: str,
    settings: Settings | None = None,
    executor: Executor | None = None,
    watch: Callable[[int, int, str], None] | None = None,
    keep: Callable[[str, Json], None] | None = None,
) -> Report:
    """Verifies theorems (by name or family; all if none is named).

    `watch(done, total, theorem)` is told of progress; `keep(path, certificate)` gets every accepted certificate. An
    interruption ends the run early: the report then names the theorems that are missing.

    >>> report = verify("minima.norm_lemma", settings=Settings(certified=1, supported=10))
    >>> [(r.sheet, str(r.grade)) for r in report.results]
    [('B3', 'PROVED')]
    """
    settings = settings or Settings()
    start = time.perf_counter()
    chosen = select(names)
    tasks = [t for theorem in chosen for t in tasks_of(theorem, settings)]
    outcomes: dict[int, Outcome] = {}
    try:
        for i, outcome in (executor or Serial()).run(run_task, tasks):
            outcomes[i] = outcome
            if watch:
                watch(len(outcomes), len(tasks), tasks[i].theorem)
    except KeyboardInterrupt:
        pass
    if keep:
        for i in sorted(outcomes):
            for path, certificate in outcomes[i].certificates:
                keep(path, certificate)
    results, missing = _results(chosen, tasks, outcomes)
    return Report(tuple(results), settings.seed, time.perf_counter() - start, environment(), tuple(missing))


def _results(chosen: Sequence[Theorem], tasks: Sequence[Task], outcomes: dict[int, Outcome]) -> tuple[list[Result], list[str]]:
    results, missing = [], []
    for theorem in chosen:
        mine = [i for i, t in enumerate(tasks) if t.theorem == theorem.name]
        if not all(i in outcomes for i in mine):
            missing.append(theorem.name)
            continue
        evidence = [e for i in mine for e in outcomes[i].evidence]
        seconds = sum(e["seconds"] for e in evidence)
        verdict = (grade_of(evidence), scope_of(evidence))
        results.append(Result(theorem.name, theorem.sheet, theorem.title, *verdict, seconds, tuple(evidence)))
    return results, missing


def environment() -> dict[str, str]:
    """What the numbers were computed with."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("deeplin", "sympy", "python-flint", "numpy", "scipy", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
