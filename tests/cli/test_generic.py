"""Generic claims: a polynomial that is not zero, shown at one exact point, and false ones that no point shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sympy import Determinant, Identity, MatrixSymbol, Trace, symbols

from deeplin import verify as module
from deeplin.commands import replay, show
from deeplin.commands import verify as command
from deeplin.report import Grade, Result
from deeplin.verify import Settings, Task, generic_record, grade_of, run_task, scope_of
from theory import kernel
from theory.certificates import at_point
from theory.errors import InvalidInput
from theory.expressions import SymmetricSymbol
from theory.provers import Budget, prove
from theory.statement import Statement, equal
from theory.theorem import Generic, Theorem, theorems

SCHEMA = json.loads((Path(command.__file__).parents[1] / "schemas" / "verify.schema.json").read_text())
W1, W2 = MatrixSymbol("W1", 2, 3), MatrixSymbol("W2", 1, 2)
Q = MatrixSymbol("Q", 3, 3)
x, y = symbols("x y")
TRUE = Generic("rank.example", (W1, W2), (W2 * W1)[0, 1], {"W1": [[0, 1, 0], [0, 0, 0]], "W2": [[1, 0]]})
ZERO = Generic("rank.zero", (x, y), (x + y) ** 2 - x**2 - 2 * x * y - y**2, {"x": 1, "y": 2})
SINGULAR = Generic("rank.singular", (Q,), Determinant(Q - Q.T), {"Q": [[1, 2, 3], [0, 1, 5], [7, 0, 2]]})
AT_A_ZERO = replace(TRUE, point={"W1": [[0, 1, 0], [0, 0, 0]], "W2": [[0, 1]]})
OF_ANOTHER_SHAPE = replace(TRUE, point={"W1": [[0, 1], [0, 0]], "W2": [[1, 0]]})


def theorem(*claims: Any) -> Theorem:
    some = next(iter(theorems().values()))
    return replace(some, name="rank.example", sheet="R0", claims=lambda: claims, sharpness=tuple, sample=None)


def test_a_point_proves_it_off_a_null_set() -> None:
    record, certificate = generic_record(TRUE)
    assert (record["grade"], record["scope"]) == (Grade.PROVED, "generic: off a null set (widths (3, 2, 1))")
    assert kernel.check(certificate).claim == "satisfiable"


@pytest.mark.parametrize("false", [ZERO, SINGULAR, AT_A_ZERO, OF_ANOTHER_SHAPE], ids=lambda g: g.name)
def test_a_point_that_does_not_show_it_leaves_it_undecided(false: Generic) -> None:
    record, certificate = generic_record(false)
    assert (record["grade"], certificate) == (Grade.UNDECIDED, None)
    assert "hypotheses" in record["why"] or "shape" in record["why"]


@pytest.mark.parametrize("false", [ZERO, SINGULAR], ids=lambda g: g.name)
def test_of_the_zero_polynomial_no_point_shows_it(false: Generic) -> None:
    assert prove(Statement("zero", false.variables, then=(equal(false.polynomial),)), budget=Budget(5.0)).proved


def test_it_says_nothing_at_a_single_point() -> None:
    """Neither that the polynomial is nowhere zero, nor that it is positive."""
    s = TRUE.statement
    assert s.then == ()
    assert not prove(Statement("nowhere", TRUE.variables, then=s.given), budget=Budget(0.5)).proved


def test_variables_must_be_declared_and_the_polynomial_is_a_scalar() -> None:
    with pytest.raises(ValueError, match="undeclared"):
        replace(TRUE, variables=(W1,)).statement.lowered()
    for matrix in (W1, Q - Identity(3)):
        with pytest.raises(InvalidInput, match="scalar"):
            replace(TRUE, variables=(W1, Q), polynomial=matrix).statement.lowered()
    assert generic_record(replace(ZERO, variables=(Q,), polynomial=Trace(Q), point={"Q": [[1, 0, 0]] * 3}))[1]


P = MatrixSymbol("P", 1, 3)
STEPWISE = Generic("rank.steps", (W1, W2), P[0, 1] - x, TRUE.point, ((P, W2 * W1), (x, Trace(P.T * P) - P[0, 1])))


def test_definitions_are_checked_at_the_point() -> None:
    record, certificate = generic_record(STEPWISE)
    assert record["grade"] == Grade.PROVED
    assert (record["point"]["P"], record["point"]["x"]) == ([[0, 1, 0]], 0)
    assert record["scope"] == generic_record(TRUE)[0]["scope"]  # what is defined is not free
    assert certificate is not None and len(certificate["statement"]["given"]) == 3
    lie = {**certificate["evidence"]["point"], "x": 2}
    with pytest.raises(kernel.Rejected):
        kernel.check(at_point(STEPWISE.statement.lowered(), lie, "satisfiable"))
    assert not generic_record(replace(STEPWISE, polynomial=P[0, 0] * x))[1]


def test_definitions_constrain_nothing() -> None:
    """A name is new, not symmetric, and given by earlier ones: else the variables would not be free."""
    S = SymmetricSymbol("S", 3)
    circular = ((x, y), (y, x))
    for defined in (((x, x + 1),), circular, ((W1, W1),), ((W2 * W1, P),), ((S, P.T * P),)):
        with pytest.raises(InvalidInput, match="earlier"):
            _ = replace(STEPWISE, defined=defined, polynomial=W1[0, 0]).statement


def evidence(monkeypatch: pytest.MonkeyPatch, *claims: Any) -> tuple[Any, Any]:
    monkeypatch.setattr(module, "named", lambda name: {"rank.example": theorem(*claims)}[name])
    return run_task(Task("rank.example", "claims", (), Settings()))


def test_it_counts_beside_the_other_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    records, files = evidence(monkeypatch, TRUE, TRUE)
    assert grade_of(records) is Grade.PROVED
    assert scope_of(records) == "generic: off a null set (widths (3, 2, 1)) (2 claims)"
    assert [path for path, _ in files] == ["rank.example/00-example-generic.json", "rank.example/01-example-generic.json"]
    result = Result("rank.example", "R0", "", Grade.PROVED, "", 0.0, tuple(records))
    assert command.row(result)[command.COLUMNS.index("gen")] == "2"
    assert command.row(result)[command.COLUMNS.index("sized")] == "-"


def test_one_that_is_not_shown_lowers_the_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    records, files = evidence(monkeypatch, TRUE, SINGULAR)
    assert grade_of(records) is Grade.UNDECIDED
    assert len(files) == 1


def test_its_records_follow_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    records, _ = evidence(monkeypatch, TRUE, SINGULAR)
    validator = jsonschema.Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": "#/$defs/evidence"})
    for record in json.loads(json.dumps(records)):
        validator.validate(record)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({k: v for k, v in records[0].items() if k != "point"})


def test_it_is_written_shown_and_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, files = evidence(monkeypatch, TRUE)
    command.write(tmp_path / "c.json", files[0][1])
    again = replay.replayed(tmp_path / "c.json", True)
    assert (again["accepted"], again["claim"]) == (True, "satisfiable")
    assert "^2 > 0" in again["statement"][-1]
    shown = [show._claim(c, True) for c in (TRUE, SINGULAR)]
    assert [c["verdict"] for c in shown] == ["proved", "not proved"]
    record = {**dict.fromkeys(("name", "sheet", "form", "source", "document", "note"), ""), "sharpness": [], "variants": []}
    text = show.text({**record, "claims": shown})
    assert "not zero at W1 = [[0, 1, 0], [0, 0, 0]], W2 = [[1, 0]]" in text


def test_claims_of_one_kind_share_a_line() -> None:
    claims = [{"verdict": "proved", "name": f"a.b_{n}_1", "scope": f"all widths at depth {n}"} for n in (2, 3, 4)]
    claims += [{"verdict": "not proved", "name": "a.b_5_1", "scope": "s", "why": "no steps"}]
    claims += [{"verdict": "proved", "name": f"a.c: widths {n}", "scope": f"A {n}x{n}"} for n in (1, 2)]
    found = [(c["verdict"], c["name"], c["scope"]) for c in show._gathered(claims)]
    assert found[0] == ("proved", "a.b: 3 claims", "all widths at depths 2, 3, 4")
    assert found[1] == ("not proved", "a.b_5_1", "s") and len(found) == 4
    assert show._scopes(["A 1x1", "A 2x2"]) == "A 1x1; A 2x2" and show._scopes(list("abcd")) == "4 choices of sizes"
