"""The example that trains networks on real data on both sides of the transition."""

import runpy
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
EXAMPLE = Path(__file__).parents[2] / "examples" / "transition.py"


def test_training_meets_theory_on_both_sides_of_the_transition(tmp_path, capsys):
    rows = runpy.run_path(str(EXAMPLE))["main"](["--data", str(tmp_path / "diabetes.csv")])
    assert (tmp_path / "diabetes.csv").read_text().startswith("age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,progression\n")
    assert capsys.readouterr().out.count("\n") == len(rows) + 1 == 11
    for row in rows:
        assert row.trained_loss == pytest.approx(row.loss, rel=1e-6)
        assert row.trained_v == pytest.approx(row.v, abs=2e-3)
        assert (row.v == 0) == (row.fraction > 1)
    two, three = ([row for row in rows if row.matrices == n] for n in (2, 3))
    assert 0 < two[2].v < 0.1 * two[0].v and three[2].v > 0.4 * three[0].v, "continuous with two matrices, a jump with three"
    assert all("in the ball" in row.small_start and row.small_v < 1e-6 for row in three), "a bad minimum at zero"
    assert [row.small_v == pytest.approx(row.v, abs=2e-3) for row in two] == [True] * 5
    assert {row.small_start for row in two[:3]} == {"not covered by a proof"}
