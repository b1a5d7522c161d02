"""Mutation scores of the theorems, and a reason for every mutant that survives (`mutants.json`).

A survivor is PROVED, then true, or UNDECIDED; the table says why in each case. Python keeps the table honest: survivors that it
does not name fail the longer run, and what it calls proved is proved again.
"""

import json
from pathlib import Path

import pytest

from deeplin import mutants
from deeplin.report import Grade
from theory.theorem import select, theorems

TABLE = json.loads((Path(__file__).parent / "mutants.json").read_text())
SURVIVORS = {(s["theorem"], s["claim"], s["change"]): s for s in TABLE["survivors"]}
# Theorems whose mutants are judged in a second or two.
QUICK = ("alignment.toeplitz_rigidity", "alignment.literal_or_weak", "alignment.unbalanced_flow")


def test_the_table_is_large_enough_and_explains_each_survivor():
    scores = TABLE["theorems"].values()
    assert len(scores) >= 30 and all(s["mutants"] >= 8 for s in scores)
    assert sum(s["mutants"] - s["killed"] for s in scores) == len(SURVIVORS) == len(TABLE["survivors"])
    assert sum(s["killed"] for s in scores) >= 0.9 * sum(s["mutants"] - s["proved"] for s in scores)
    assert all(len(s["why"]) > 20 and s["grade"] in ("PROVED", "UNDECIDED") for s in SURVIVORS.values())
    assert set(TABLE["theorems"]) <= set(theorems())


def unexplained(judged):
    return [j for j in judged if not j.killed and (j.theorem, j.claim, j.change) not in SURVIVORS]


@pytest.mark.parametrize("name", QUICK)
def test_a_sample_of_theorems_tells_itself_from_its_mutants(name):
    found = mutants.score(select([name]), 4, 20.0)
    assert not unexplained(found) and mutants.rate(found) >= 0.9
    for j in found:
        expected = SURVIVORS.get((j.theorem, j.claim, j.change))
        assert j.killed is (expected is None) and (expected is None or j.grade == expected["grade"])


@pytest.mark.thorough
def test_every_theorem_of_the_table():
    found = mutants.score(select(list(TABLE["theorems"])), TABLE["count"], 30.0)
    assert mutants.rate(found) >= 0.9 and not unexplained(found)
    assert all(j.grade != Grade.PROVED or SURVIVORS[j.theorem, j.claim, j.change]["why"] for j in found)
