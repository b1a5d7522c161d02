"""Verdicts and reports: frozen values that print as a table and serialise to the schema `schemas/verify.schema.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Grade(StrEnum):
    """What a verdict means. The order is that of strength."""

    PROVED = "PROVED"
    CERTIFIED = "CERTIFIED"
    SUPPORTED = "SUPPORTED"
    UNDECIDED = "UNDECIDED"
    VACUOUS = "VACUOUS"
    REFUTED = "REFUTED"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]

    def reaches(self, required: Grade) -> bool:
        order = list(Grade)
        return order.index(self) <= order.index(required)


_MEANINGS = {
    Grade.PROVED: "the kernel accepted a certificate in this run",
    Grade.CERTIFIED: "holds on instances in exact or ball arithmetic",
    Grade.SUPPORTED: "no violation in float trials",
    Grade.UNDECIDED: "nothing was shown within the budget",
    Grade.VACUOUS: "the hypotheses contradict each other",
    Grade.REFUTED: "an exact point satisfies the hypotheses and violates the conclusion",
}


@dataclass(frozen=True)
class Result:
    """The verdict on one theorem. `evidence` holds JSON-ready records, each with `kind` and `seconds`."""

    name: str
    sheet: str
    title: str
    grade: Grade
    scope: str
    seconds: float
    evidence: tuple[dict[str, Any], ...] = field(default_factory=tuple)

    def count(self, kind: str) -> int:
        return sum(e["kind"] == kind for e in self.evidence)


@dataclass(frozen=True)
class Report:
    """The verdicts of one run. `missing` names the theorems that an interruption left without a verdict."""

    results: tuple[Result, ...]
    seed: int
    seconds: float
    environment: dict[str, str]
    missing: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        return {"format": "deeplin verify", "version": 1, **asdict(self)}

    def exit_code(self, required: Grade) -> int:
        """0 all reached the required grade, 1 refuted, 3 vacuous, 4 undecided or below, 130 interrupted."""
        grades = [r.grade for r in self.results]
        if Grade.REFUTED in grades:
            return 1
        if self.missing:
            return 130
        if Grade.VACUOUS in grades:
            return 3
        return 0 if all(g.reaches(required) for g in grades) else 4


def worst(grades: Sequence[Grade]) -> Grade:
    """The grade of a theorem with several claims: that of the weakest."""
    return max(grades, key=list(Grade).index)
