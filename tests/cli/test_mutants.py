"""`deeplin verify --mutants`: kill scores, survivors with their reasons, JSON of a schema, exit codes."""

import json
from pathlib import Path

import jsonschema
import pytest
from sympy import MatrixSymbol, symbols

from deeplin import cli, mutants
from deeplin.commands import verify as command
from deeplin.report import Grade
from theory import kernel
from theory.certificates import at_point
from theory.expressions import norm2
from theory.mutation import mutants as of_statement
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, theorems

SCHEMA = json.loads((Path(command.__file__).parents[1] / "schemas" / "mutants.schema.json").read_text())
x, n = symbols("x n")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)


def judged(grade, **more):
    fields = {"theorem": "t.a", "claim": "t.a.claim", "operator": "drop", "change": "c", "detail": "d", "seconds": 0.0}
    return mutants.Judged(**{**fields, **more}, grade=grade)


def test_json_follows_the_schema(capsys):
    code = cli.main(["verify", "alignment.toeplitz_rigidity", "--mutants", "3", "--json", "--jobs", "1"])
    record = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    assert record["total"]["mutants"] == 3 == len(record["mutants"]) and record["theorems"].keys() == {
        "alignment.toeplitz_rigidity"
    }
    assert code == (0 if record["total"]["rate"] >= 0.9 else 4)
    for mutant in record["mutants"]:
        assert (mutant["point"] is not None) is (mutant["grade"] == "REFUTED")


def test_points_of_killed_mutants_are_counterexamples():
    """Judged again from the report alone: the point satisfies the mutant's hypotheses and violates it."""
    theorem = theorems()["alignment.toeplitz_rigidity"]
    for claim, mutant in mutants.chosen(theorem, 3):
        grade, _, point = mutants.judge(mutant.statement, claim, mutants.known_points(theorem.name), 4.0)
        assert grade is Grade.REFUTED
        sized = mutants.at_sizes(mutant.statement, mutants.sizes_of(mutant.statement, point))
        kernel.check(at_point(sized, point, "refuted"))


def test_a_true_mutant_is_proved_and_a_contradictory_one_is_vacuous():
    s = Statement("s", (x,), (at_least(x, 2), at_least(1, x)), (equal(x),))
    assert mutants.judge(s.lowered(), Claim(s), (), 2.0)[0] is Grade.VACUOUS
    claim = Claim(Statement("s", (A, B), (), (at_least(norm2(A) + norm2(B)),)))
    (turned,) = [m for m in of_statement(claim.statement.lowered()) if m.operator == "swap"] or [None]
    assert turned is None, "a swap that changes nothing is no mutant"
    weaker = Statement("s", (x,), (greater(x),), (at_least(x**2 + x),))
    assert mutants.judge(weaker.lowered(), Claim(weaker), (), 2.0)[0] is Grade.PROVED


def test_only_what_is_not_proved_true_counts():
    found = [judged("REFUTED"), judged("VACUOUS"), judged("PROVED"), judged("UNDECIDED", theorem="t.b")]
    assert mutants.rate(found) == 2 / 3 and mutants.rate([]) == 1 == mutants.rate([judged("PROVED")])
    lines = list(mutants.report(found))
    assert lines[0] == "t.a: 2 of 3 killed (1 vacuous), 1 proved true" and "the claim holds without it" in lines[1]
    assert lines[2] == "t.b: 0 of 1 killed, 0 proved true" and lines[-1].startswith("2 theorems: 2 of 4 killed")


def test_points_give_sizes_or_do_not_fit():
    s = Statement("s", (A, MatrixSymbol("C", n, 1)), (), (equal(A * MatrixSymbol("C", n, 1)),)).lowered()
    assert mutants.sizes_of(s, {"A": [[1, 2], [3, 4]], "C": [[1], [2]], "other": 5}) == {"n": 2}
    assert mutants.sizes_of(s, {"A": [[1]], "C": [[1], [2]]}) is None
    assert mutants.sizes_of(s, {"A": [[1]]}) is None and mutants.sizes_of(s, {"A": 1, "C": [[1]]}) is None


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_wrong_number_is_a_usage_error(value, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["verify", "--mutants", value])
    assert end.value.code == 2 and "integer >= 1" in capsys.readouterr().err
