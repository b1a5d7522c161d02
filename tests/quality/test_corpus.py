"""The corpus of conjectures: its own truth, and the verdicts of `check` on it."""

import statistics
from collections import Counter

import pytest
from conjecture_corpus import FAMILIES, corpus

from deeplin.conjecture import check
from deeplin.report import Grade
from theory import kernel
from theory.certificates import at_point, statement

CASES = corpus()
# Quick ones of different kinds: a proof at all widths, a chart, a thin variety, an irrational point.
SAMPLE = (
    "alignment.balanced_product_is_a_power",
    "alignment.orthogonal_products_are_simple",
    "hessian.valley_is_definite",
    "hessian.irrational_balance",
)


def wrong(case, grade):
    return grade is (Grade.REFUTED if case.truth else Grade.PROVED) or grade is Grade.VACUOUS


def test_the_corpus_is_large_and_balanced():
    counts = Counter((c.family, c.truth) for c in CASES.values())
    assert all(counts[family, truth] >= 10 for family in FAMILIES for truth in (True, False)), counts


def test_false_cases_are_false():
    """Each has an exact violation that the kernel accepts; without one, only irrational points violate it."""
    without = []
    for case in CASES.values():
        if case.truth:
            assert case.point is None
        elif case.point is None:
            without.append(case.name)
        else:
            lowered = case.statement.lowered(case.at)
            kernel.check(at_point(lowered, case.point, "refuted"), statement(lowered)[0])
    assert without == ["minima.irrational_root", "hessian.irrational_balance"]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_is_decided(name):
    verdict = check(CASES[name].statement, budget=120)
    assert verdict.grade is (Grade.PROVED if CASES[name].truth else Grade.REFUTED), str(verdict)


@pytest.mark.thorough
def test_the_whole_corpus_within_a_minute_each():
    found = {name: check(case.statement, budget=60) for name, case in CASES.items()}
    assert not [name for name, v in found.items() if wrong(CASES[name], v.grade)]
    refuted = [v.seconds for name, v in found.items() if not CASES[name].truth and v.grade is Grade.REFUTED]
    proved = [v.seconds for name, v in found.items() if CASES[name].truth and v.grade is Grade.PROVED]
    assert len(refuted) >= 40 and len(proved) >= 36
    assert statistics.median(refuted) < 2
