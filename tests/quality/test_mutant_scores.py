"""Mutation scores of the theorems, and a reason for every mutant that lives (`mutants.json`).

Such a mutant is PROVED, then true and set aside, or UNDECIDED, a survivor; the table says why in each case. Python keeps the
table honest: survivors that it does not name fail the longer run, and what it calls proved is proved again.
"""

import json
from pathlib import Path

import pytest

from deeplin import mutants
from theory import kernel
from theory.theorem import select, theorems

TABLE = json.loads((Path(__file__).parent / "mutants.json").read_text())
LIVING = {(s["theorem"], s["claim"], s["change"]): s for s in TABLE["living"]}
# Theorems whose mutants are judged in a second or two.
QUICK = ("alignment.toeplitz_rigidity", "alignment.literal_or_weak", "alignment.mode_differences")


def test_the_table_is_large_enough_and_explains_what_lives():
    scores = TABLE["theorems"]
    for family in ("minima", "alignment", "rank", "hessian"):
        assert sum(name.startswith(family) for name in scores) >= 7
    assert len(scores) >= 30 and all(s["scored"] >= 8 for s in scores.values())
    assert set(scores) <= set(theorems())
    assert sum(s["killed"] for s in scores.values()) >= 0.9 * sum(s["scored"] for s in scores.values())
    for name, s in scores.items():
        grades = [living["grade"] for living in TABLE["living"] if living["theorem"] == name]
        assert (grades.count("UNDECIDED"), grades.count("PROVED")) == (s["scored"] - s["killed"], s["true"])
    assert all(len(living["why"]) > 20 for living in TABLE["living"])


def check(found):
    """Nearly all are killed; what is called true has a certificate, and each survivor is in the table."""
    assert mutants.rate(found) >= 0.9
    for j in found:
        if j.true:
            kernel.check(j.certificate, j.certificate["statement"])
        assert j.killed or j.true or (j.theorem, j.claim, j.change) in LIVING


@pytest.mark.parametrize("name", QUICK)
def test_a_sample_of_theorems_tells_itself_from_its_mutants(name):
    found = mutants.score(select([name]), 4, 20.0)
    check(found)
    for j in found:
        expected = LIVING.get((j.theorem, j.claim, j.change))
        assert j.killed is (expected is None) and (expected is None or j.grade == expected["grade"])


@pytest.mark.thorough
def test_every_theorem_of_the_table():
    check(mutants.score(select(list(TABLE["theorems"])), TABLE["count"], 30.0))
