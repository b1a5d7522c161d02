"""`deeplin check` and `deeplin new`: what they print, what they return, what they do at the edges."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from deeplin import cli
from deeplin.commands import check as command

SCHEMA = json.loads((Path(command.__file__).parents[1] / "schemas" / "check.schema.json").read_text())
HEAD = """
from sympy import MatrixSymbol, symbols
from deeplin import Conjecture, Statement, at_least, equal, greater
x, y, n = symbols("x y n")
z = symbols("z1:6")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
"""
FILES = {
    "true": 'c = Statement("squares", (x, y), (), (at_least(x**2 + y**2 - 2*x*y),))',
    "false": 'c = Statement("commute", (A, B), (), (equal(A*B, B*A),))',
    "vacuous": 'c = Statement("nothing", (x,), (greater(x), greater(-x)), (equal(x),))',
    # true (means of five squares), and beyond the provers
    "open": 'c = Statement("means", z, (), (at_least(sum(v**10 for v in z) - 5 * (z[0]*z[1]*z[2]*z[3]*z[4])**2),))',
}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(body, head=HEAD):
        path = tmp_path / "mine.py"
        path.write_text(head + body + "\n")
        return str(path)

    return write


def check(capsys, *args):
    code = cli.main(["check", *args])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.mark.parametrize(("body", "code", "says"), [("true", 0, "PROVED"), ("false", 1, "REFUTED"), ("vacuous", 3, "VACUOUS")])
def test_verdict_and_exit_code(file, capsys, body, code, says):
    done, out, _ = check(capsys, file(FILES[body]), "--budget", "20")
    assert (done, says in out) == (code, True)


def test_json_follows_the_schema_and_stands_alone_on_stdout(file, capsys):
    body = "\n".join(f"{name}_one = {FILES[name][4:]}" for name in ("true", "false"))
    body += '\nroot = Statement("root", (x,), (equal(x**2, 2),), (at_least(1, x),))'
    done, out, _ = check(capsys, file(body), "--budget", "20", "--json", "--sharpness")
    report = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    assert done == 1 and [v["grade"] for v in report["verdicts"]] == ["PROVED", "REFUTED", "REFUTED"]
    assert report["verdicts"][2]["root"]["polynomial"] == [-2, 0, 1]
    assert report["verdicts"][0]["sharpness"][0]["status"] == "needed"  # the inequality is not strict


def test_the_schema_wants_a_point_with_every_refutation(file, capsys):
    _, out, _ = check(capsys, file(FILES["false"]), "--budget", "20", "--json")
    report = json.loads(out)
    report["verdicts"][0]["point"] = None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(report)


def test_an_open_conjecture_exits_with_4_unless_that_is_enough(file, capsys):
    path = file(FILES["open"])
    assert check(capsys, path, "--budget", "1")[0] == 4
    done, out, _ = check(capsys, path, "--budget", "1", "--require", "UNDECIDED")
    assert done == 0 and "UNDECIDED" in out and "tried:" in out


def test_one_conjecture_by_name_and_at_given_widths(file, capsys):
    body = FILES["false"] + '\nd = Statement("other", (x,), (), (equal(x),))'
    done, out, _ = check(capsys, file(body) + "::c", "--widths", "1", "--budget", "10")
    assert done == 0 and "A 1x1" in out and "other" not in out
    assert cli.main(["check", file(body) + "::commutes", "--budget", "1"]) == 2
    assert "commute" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("c = (", "line 7"),
        ("c = 1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("x = 1", "no conjecture"),
        ('c = Statement("s", (x,), (), (equal(x, y),))', "undeclared variable y"),
        ('c = Statement("s", (A, B), (), (equal(A * B, MatrixSymbol("C", 2, 3)),))', "differ in shape"),
        ('c = MatrixSymbol("C", 2, 3) * MatrixSymbol("D", 2, 3)', "ShapeError"),
        ('c = Statement("s", (A,), (), (equal(A, A * MatrixSymbol("v", n, 1)),))', "differ in shape"),
        ('c = Statement("s", (x,), (x,), (equal(x),))', "condition"),
        ('c = Statement("s", (x,), (True,), (equal(x),))', "condition"),
        ('c = Statement("s", (x,))', "at least one condition"),
        ('c = Statement("s", (x,), equal(x), (equal(x),))', "tuple"),
        ('c = Statement("s", (x,), (), (equal(1 / x),))', "integer exponents"),
        ('c = Conjecture(Statement("s", (A,), (), (equal(A),)), sizes=[(2, 2)])', "sizes"),
        ('c = Conjecture(lambda w: 3, sizes=[(1, 1)])', "returns a Statement"),
        ("c = Conjecture(lambda w: Statement('s', (x,), (), (equal(x),)))", "width tuples"),
    ],
)
def test_bad_files_are_told_in_a_line_and_exit_with_2(file, capsys, body, says):
    done, out, err = check(capsys, file(body), "--budget", "1")
    assert (done, out) == (2, "") and says in err and len(err.splitlines()) == 1 and "Traceback" not in err


def test_bad_arguments_exit_with_2(file, tmp_path, capsys):
    for args in (("--budget", "0"), ("--widths", "2,a"), ("--require", "SUPPORTED")):
        with pytest.raises(SystemExit) as end:
            cli.main(["check", "x.py", *args])
        assert end.value.code == 2
    assert check(capsys, str(tmp_path / "none.py"))[0] == 2
    (tmp_path / "store.json").write_text('{"format": "else"}')
    done, _, err = check(capsys, file(FILES["true"]), "--store", str(tmp_path / "store.json"))
    assert done == 2 and "store" in err


def test_a_counterexample_is_kept_and_tried_first(file, tmp_path, capsys):
    path, store = file(FILES["false"]), tmp_path / "kept.json"
    check(capsys, path, "--budget", "20", "--store", str(store))
    kept = json.loads(store.read_text())
    assert kept["points"]["commute"][0]["point"]["A"]
    _, out, _ = check(capsys, path, "--budget", "20", "--store", str(store), "--json")
    assert [t["kind"] for t in json.loads(out)["verdicts"][0]["trials"]] == ["stored"]


def test_a_forged_store_refutes_nothing(file, tmp_path, capsys):
    store = tmp_path / "kept.json"
    forged = [{"point": {"x": 1, "y": 1}}, {"point": {"x": "import os", "y": []}}, {"point": 3}, {"root": {}, "point": {}}, 7]
    store.write_text(json.dumps({"format": "deeplin counterexamples", "version": 1, "points": {"squares": forged}}))
    assert check(capsys, file(FILES["true"]), "--store", str(store), "--budget", "20")[0] == 0


def test_certificates_are_replayed(file, tmp_path, capsys):
    body = "\n".join(f"{name}_one = {FILES[name][4:]}" for name in ("true", "false"))
    check(capsys, file(body), "--budget", "20", "--certificates", str(tmp_path / "out"), "--no-store")
    assert len(list((tmp_path / "out").rglob("*.json"))) == 2
    assert cli.main(["replay", str(tmp_path / "out")]) == 0


def test_ctrl_c_keeps_what_was_found(file, tmp_path):
    body = 'first = Statement("first", (x,), (), (at_least(x**2),))\nsecond = ' + FILES["open"][4:]
    args = [sys.executable, "-m", "deeplin.cli", "check", file(body), "--no-store", "--budget", "60"]
    heard = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731  (a shell's background jobs ignore it)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(args, **pipes, start_new_session=True, preexec_fn=heard)
    assert running.stdout is not None and "PROVED" in running.stdout.readline()
    time.sleep(1.5)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130 and "UNDECIDED" in out and "interrupted" in err


def test_new_writes_a_template_that_is_decided(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "balance_is_shared"]) == 0
    assert cli.main(["new", "balance_is_shared"]) == 2
    assert cli.main(["new", "two words"]) == 2
    capsys.readouterr()
    done, out, _ = check(capsys, "balance_is_shared.py", "--budget", "30", "--no-store")
    assert done == 0 and "all widths at depth 2" in out
