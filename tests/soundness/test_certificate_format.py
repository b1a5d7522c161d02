"""The format of certificates: the committed schema, the page that explains it, and the command that replays them."""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import certificate_examples as examples
import jsonschema
import pytest
from certificate_examples import Draft, matrix, sealed

from deeplin.commands import replay
from deeplin.printing import statement_lines
from theory import kernel

ROOT = Path(kernel.__file__).parents[1]
SCHEMA = json.loads((ROOT / "theory/schemas/certificate.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kind", examples.EXAMPLES)
def test_examples_have_the_form(kind: str) -> None:
    VALIDATOR.validate(examples.EXAMPLES[kind]())


def test_the_page_shows_a_certificate_that_is_accepted() -> None:
    page = (ROOT / "docs/certificates.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    VALIDATOR.validate(json.loads(block))
    assert kernel.check(block.encode()).scope == "n=any, m=any"


def changed(path: list[Any], new: Any) -> Any:
    certificate = deepcopy(examples.cases())
    *way, last = path
    holder: Any = certificate
    for k in way:
        holder = holder[k]
    holder[last] = new
    return sealed(certificate)


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["format"], "other"),
        (["version"], 2),
        (["claim"], "believed"),
        (["claim"], "refuted"),
        (["extra"], 1),
        (["evidence"], {}),
        (["evidence"], {"point": {}}),
        (["statement", "name"], 1),
        (["statement", "dims", "n"], 0),
        (["statement", "dims", "n m"], 1),
        (["statement", "variables", "u", "shape"], ["d"]),
        (["statement", "variables", "u", "shape"], ["d", 0]),
        (["statement", "variables", "u", "shape"], [None, None]),
        (["statement", "variables", "u", "symmetric"], 0),
        (["statement", "terms", 0], ["var"]),
        (["statement", "terms", 0], ["var", "u", "u"]),
        (["statement", "terms", 0], ["num", 1.5]),
        (["statement", "terms", 0], ["num", "1.5"]),
        (["statement", "terms", 0], ["lin", []]),
        (["statement", "terms", 0], ["mul", 0]),
        (["statement", "terms", 0], ["inverse", 0]),
        (["statement", "then", 0, "relation"], "<="),
        (["statement", "then", 0, "term"], -1),
        (["evidence", "steps", 0, "rule"], "trust"),
        (["evidence", "steps", 0, "cases"], [[]]),
        (["evidence", "steps", 0, "times"], "0"),
    ],
)
def test_what_the_schema_refuses_the_kernel_refuses_too(path: list[Any], new: Any) -> None:
    certificate = changed(path, new)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(certificate)
    with pytest.raises(kernel.Rejected):
        kernel.check(certificate)


def test_what_the_kernel_accepts_has_the_form() -> None:
    """Random changes of numbers and operations: no certificate that is accepted violates the schema."""
    rng, accepted = random.Random(8), 0
    for _ in range(1500):
        certificate = examples.EXAMPLES[rng.choice(list(examples.EXAMPLES))]()
        term = rng.choice(certificate["statement"]["terms"])
        k = rng.randrange(len(term))
        term[k] = rng.choice([0, 1, "T", "tr", "diag", "1/2", [0], [[1, 0]], [[2, 0], [1, 0]], None, "A", "x"])
        try:
            kernel.check(sealed(certificate))
        except kernel.Rejected:
            continue
        accepted += 1
        VALIDATOR.validate(certificate)
    assert accepted > 10


# --- deeplin replay


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.json").write_text(json.dumps(examples.squares()))
    (tmp_path / "deep/a.json").write_text(json.dumps(examples.witness(), indent=1))
    (tmp_path / "notes.txt").write_text("no certificate")
    return tmp_path


def arguments(*texts: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    return parser.parse_args([str(x) for x in texts])


def test_replay_accepts_a_directory(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(arguments(folder)) == 0
    digests = [kernel.digest(examples.EXAMPLES[k]()["statement"])[:12] for k in ("squares", "witness")]
    assert capsys.readouterr().out.splitlines() == [
        f"accepted  squares: proved [n=any, m=any] {digests[0]}  {folder / 'b.json'}",
        f"accepted  a rotation: satisfiable [n=2] {digests[1]}  {folder / 'deep' / 'a.json'}",
    ]


def test_replay_rejects_and_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.json").write_text(json.dumps({**examples.squares(), "claim": "contradictory"}))
    assert replay.run(arguments(folder)) == 1
    assert f"rejected  {folder / 'c.json'}: the seal is broken" in capsys.readouterr().out.splitlines()
    assert replay.run(arguments("--json", folder)) == 1
    report = json.loads(capsys.readouterr().out)
    assert [r["accepted"] for r in report["results"]] == [True, False, True]
    assert report["results"][0]["digest"] == kernel.digest(examples.squares()["statement"])


def test_replay_of_nothing_is_an_error_of_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(arguments(folder / "missing.json")) == 2
    assert "missing.json: No such file" in capsys.readouterr().err
    (folder / "empty").mkdir()
    assert replay.run(arguments(folder / "empty")) == 2
    assert "no .json file" in capsys.readouterr().err


@pytest.mark.parametrize("entry", ["deeplin.commands.replay", "deeplin.cli"])
def test_replay_imports_nothing_but_the_standard_library_and_the_kernel(folder: Path, entry: str) -> None:
    code = f"""
import runpy, sys
sys.argv = ["deeplin", *{["replay"] if entry.endswith("cli") else []}, {str(folder)!r}, "--show"]
try:
    runpy.run_module({entry!r}, run_name="__main__")
except SystemExit as stop:
    assert stop.code == 0, stop.code
heavy = {{"sympy", "flint", "numpy", "scipy", "rich", "hypothesis"}} & set(sys.modules)
assert not heavy, heavy
ours = sorted(m for m in sys.modules if m.split(".")[0] in ("theory", "numerics"))
assert ours == ["theory", "theory.kernel"], ours
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "O^T O - I_2 == 0" in done.stdout


def test_show_prints_what_was_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(arguments("--show", folder / "b.json")) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  A: n x m matrix",
        "  B: n x m matrix",
        "  then tr(A^T A) + tr(B^T B) - 2 tr(A^T B) >= 0",
        "  then A A^T + I_n > 0",
    ]
    assert replay.run(arguments("--show", "--json", folder / "b.json")) == 0
    assert "  B: n x m matrix" in json.loads(capsys.readouterr().out)["results"][0]["statement"]


def test_printed_terms_keep_their_structure() -> None:
    """A sum in a product, a power of a power and a negative number are put in parentheses; long shared terms are named."""
    d = Draft("printing", {"n": 2}, A=matrix("n", "n"), S=matrix(2, 2, symmetric=True), x=matrix())
    a, s, x = d.var("A"), d.var("S"), d.var("x")
    total = d.put("lin", [["-1/2", a], [1, s]])
    square = d.put("mul", [total, d.put("T", total)])
    scaled = d.put("mul", [d.put("num", -3), d.put("pow", d.put("pow", x, 2), 3), d.put("num", "1/2")])
    long = d.put("mul", [d.put("tr", square), d.put("tr", square), d.put("tr", square)])
    one, half = d.put("num", 1), d.put("mul", [])
    mean = d.put("expect", d.put("diag", d.put("const", [[1, 0], ["1/2", 2]])), "x", [one, half])
    d.given("==", d.put("lin", [[1, scaled], [-2, long], [1, d.put("pow", long, 2)]]))
    d.given("==", d.put("grad", scaled, "x"))
    d.given("==", mean)
    d.then("==", square)
    assert list(statement_lines(d.statement)) == [
        "  A: n x n matrix",
        "  S: symmetric 2 x 2 matrix",
        "  x: number",
        f"  where t{long} = " + " ".join(["tr((-1/2 A + S) (-1/2 A + S)^T)"] * 3),
        f"  given (-3) (x^2)^3 1/2 - 2 t{long} + t{long}^2 == 0",
        "  given d/dx((-3) (x^2)^3 1/2) == 0",
        "  given E_x[diag([1 0; 1/2 2]); moments 1, 1] == 0",
        "  then (-1/2 A + S) (-1/2 A + S)^T == 0",
    ]
