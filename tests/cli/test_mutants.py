"""`deeplin verify --mutants`: kill scores, survivors with their reasons, JSON of a schema, exit codes."""

import json
from itertools import islice
from pathlib import Path

import jsonschema
import pytest
from flint import fmpq
from sympy import MatrixSymbol, symbols

from deeplin import cli, mutant_points, mutants
from deeplin.commands import verify as command
from deeplin.report import Grade
from theory import kernel
from theory.certificates import at_point
from theory.expressions import SymmetricSymbol, norm2
from theory.mutation import mutants as of_statement
from theory.provers.points import at_sizes
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
    assert record["total"]["scored"] == 3 == len(record["mutants"]) - record["total"]["true"]
    assert record["theorems"].keys() == {"alignment.toeplitz_rigidity"}
    assert code == (0 if record["total"]["rate"] >= 0.9 else 4)
    for mutant in record["mutants"]:
        assert (mutant["point"] is not None) is (mutant["grade"] == "REFUTED")
        assert (mutant["certificate"] is not None) is (mutant["grade"] in ("PROVED", "VACUOUS"))


def test_points_of_killed_mutants_are_counterexamples():
    """Judged again from the report alone: the point satisfies the mutant's hypotheses and violates it."""
    theorem = theorems()["alignment.toeplitz_rigidity"]
    for claim, mutant in islice(mutants.twins(theorem), 3):
        grade, _, found = mutants.judge(mutant.statement, claim, mutant_points.known_points(theorem.name), 4.0)
        assert grade is Grade.REFUTED
        point = found["evidence"]["point"]
        sized = at_sizes(mutant.statement, mutant_points.sizes_of(mutant.statement, point))
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
    assert lines[0] == "t.a: 2 of 2 killed (1 vacuous), 1 true and set aside"
    assert "true, no twin" in lines[1] and "the claim holds without it" in lines[1]
    assert lines[2] == "t.b: 0 of 1 killed" and lines[-1].startswith("2 theorems: 2 of 3 killed")


def test_the_next_mutant_takes_the_place_of_a_true_one():
    """Both coefficients of a term that is zero can change: the twins of the other conclusion are scored instead."""
    found = mutants.score([theorems()["alignment.literal_or_weak"]], 5, 4.0)
    true = [j for j in found if j.true]
    assert true and len(found) - len(true) == 5 and len({(j.claim, j.change) for j in found}) == len(found)
    for j in true:
        kernel.check(j.certificate, j.certificate["statement"])


def test_a_theorem_without_more_mutants_is_scored_on_those_it_has():
    theorem = theorems()["alignment.toeplitz_rigidity"]
    few = list(islice(mutants.twins(theorem), 2))
    tasks = [mutants.Task(theorem.name, i, 1.0) for i in range(2)]
    assert mutants._instead(tasks[:1], tasks) == [mutants.Task(theorem.name, 2, 1.0)] and len(few) == 2
    everything = len(list(mutants.twins(theorem)))
    assert mutants._instead(tasks, [mutants.Task(theorem.name, i, 1.0) for i in range(everything)]) == []


def test_points_give_sizes_or_do_not_fit():
    s = Statement("s", (A, MatrixSymbol("C", n, 1)), (), (equal(A * MatrixSymbol("C", n, 1)),)).lowered()
    assert mutant_points.sizes_of(s, {"A": [[1, 2], [3, 4]], "C": [[1], [2]], "other": 5}) == {"n": 2}
    assert mutant_points.sizes_of(s, {"A": [[1]], "C": [[1], [2]]}) is None
    assert mutant_points.sizes_of(s, {"A": [[1]]}) is None and mutant_points.sizes_of(s, {"A": 1, "C": [[1]]}) is None


def test_points_next_to_a_known_one_change_one_entry_and_stay_symmetric():
    S = SymmetricSymbol("S", 2)
    s = Statement("s", (S, x), (), (equal(S),)).lowered()
    point = {"S": [[1, 2], [2, 3]], "x": "1/2"}
    next_to = [(p["S"], p["x"]) for p in mutant_points.neighbours(s, [point, {"S": [[1, 2]], "x": 0}])]
    assert len(next_to) == 10 and (point["S"], fmpq(3, 2)) in next_to
    assert all(a == point["S"] or (a == a.transpose() and b == "1/2") for a, b in next_to)


def test_a_dropped_equation_is_refuted_next_to_a_known_point():
    """A P = A without P A = A, where the known point has both."""
    P = MatrixSymbol("P", 2, 2)
    D = MatrixSymbol("D", 2, 2)
    s = Statement("s", (D, P), (equal(D * P, D),), (equal(P * D, D),)).lowered()
    known = {"D": [[1, 0], [0, 0]], "P": [[1, 0], [0, 0]]}
    assert any(mutant_points.confirmed_at(s, p) for p in mutant_points.neighbours(s, [known]))


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_wrong_number_is_a_usage_error(value, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["verify", "--mutants", value])
    assert end.value.code == 2 and "integer >= 1" in capsys.readouterr().err
