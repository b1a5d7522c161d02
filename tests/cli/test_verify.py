"""`deeplin verify`, `list`, `show`: what they print, what they return, what they do at the edges."""

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
from deeplin.commands import verify as command
from deeplin.executor import Pool, Serial, default_executor
from deeplin.report import Grade, Report, Result
from deeplin.verify import Settings, Task, grade_of, run_task, verify
from theory.errors import InvalidInput

SCHEMA = json.loads((Path(command.__file__).parents[1] / "schemas" / "verify.schema.json").read_text())
QUICK = Settings(certified=1, supported=20)
NAME = "minima.norm_lemma"


def deeplin(*args):
    return subprocess.run([sys.executable, "-m", "deeplin.cli", *args], capture_output=True, text=True)


def without_times(report):
    return json.loads(json.dumps(report), object_hook=lambda d: {k: v for k, v in d.items() if k != "seconds"})


def test_json_follows_the_schema_and_stands_alone_on_stdout():
    done = deeplin("verify", NAME, "--json", "--require", "PROVED")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    (result,) = report["results"]
    assert (result["name"], result["sheet"], result["grade"]) == (NAME, "B3", "PROVED")
    assert {e["kind"] for e in result["evidence"]} >= {"proof", "sharpness", "certified", "supported"}


def test_the_schema_rejects_a_proof_without_digest():
    record = {"kind": "proof", "seconds": 0.1, "grade": "PROVED", "statement": "s", "scope": "all widths"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/evidence", "type": "object", "required": [],
                                         "properties": {}, "additionalProperties": True}).validate(record)  # fmt: skip


def test_the_same_seed_gives_the_same_json_in_a_pool_and_in_one_process():
    serial = verify(NAME, settings=QUICK, executor=Serial()).json()
    pool = verify(NAME, settings=QUICK, executor=Pool(2)).json()
    assert without_times(serial) == without_times(pool)


def test_certificates_are_written_and_replayed(tmp_path):
    assert cli.main(["verify", NAME, "--certificates", str(tmp_path), "--jobs", "1"]) == 0
    written = sorted(tmp_path.rglob("*.json"))
    assert len(written) > 5
    assert deeplin("replay", str(tmp_path)).returncode == 0
    written[0].write_text(written[0].read_text().replace('"proved"', '"refuted"'))
    assert deeplin("replay", str(tmp_path)).returncode == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("verify", "minima.norm_lema"), "minima.norm_lemma"),
        (("verify", NAME, "--require", "SURE"), "PROVED"),
        (("verify", NAME, "--jobs", "0"), ">= 1"),
        (("verify", NAME, "--certificates", __file__), "directory"),
        (("show", "minima"), "one theorem"),
        (("show", "nothing"), "expected"),
        (("frobnicate",), "invalid choice"),
    ],
)
def test_bad_input_names_the_argument_and_exits_with_2(args, says, capsys):
    try:
        code = cli.main(args)
    except SystemExit as end:  # what argparse refuses
        code = end.code
    assert code == 2
    assert says in capsys.readouterr().err


def test_bad_input_has_no_traceback():
    done = deeplin("show", "nothing")
    assert done.returncode == 2
    assert "expected" in done.stderr and "Traceback" not in done.stderr


class Interrupted:
    """An executor that is interrupted after some tasks."""

    def __init__(self, after):
        self.after = after

    def run(self, function, tasks):
        for i, task in enumerate(tasks[: self.after]):
            yield i, function(task)
        raise KeyboardInterrupt


def test_an_interruption_keeps_the_verdicts_and_names_what_is_missing():
    report = verify("minima.norm_lemma", "minima.path_lemma", settings=QUICK, executor=Interrupted(3))
    assert set(report.missing) == {"minima.norm_lemma", "minima.path_lemma"}
    assert report.exit_code(Grade.SUPPORTED) == 130


def test_ctrl_c_ends_the_pool_at_once_and_prints_what_there_is():
    command = [sys.executable, "-m", "deeplin.cli", "verify", "--jobs", "2", "--json"]
    heard = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731  (a shell's background jobs ignore it)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    run = subprocess.Popen(command, **pipes, start_new_session=True, preexec_fn=heard)
    time.sleep(6)
    os.killpg(run.pid, signal.SIGINT)
    start = time.monotonic()
    try:
        out, err = run.communicate(timeout=60)
    finally:
        run.kill()
    assert time.monotonic() - start < 10
    assert run.returncode == 130
    assert "Traceback" not in err
    if out:  # the interruption may come before the first task
        report = json.loads(out)
        assert report["missing"]
        assert not {r["name"] for r in report["results"]} & set(report["missing"])


def result(grade):
    return Result("minima.x", "B0", "x", grade, "none", 0.0)


@pytest.mark.parametrize(
    ("grades", "required", "code"),
    [
        ([Grade.PROVED], Grade.PROVED, 0),
        ([Grade.PROVED, Grade.SUPPORTED], Grade.SUPPORTED, 0),
        ([Grade.PROVED, Grade.SUPPORTED], Grade.PROVED, 4),
        ([Grade.UNDECIDED], Grade.SUPPORTED, 4),
        ([Grade.UNDECIDED], Grade.UNDECIDED, 0),
        ([Grade.VACUOUS], Grade.SUPPORTED, 3),
        ([Grade.VACUOUS, Grade.REFUTED], Grade.SUPPORTED, 1),
    ],
)
def test_exit_codes(grades, required, code):
    assert Report(tuple(map(result, grades)), 0, 0.0, {}).exit_code(required) == code


def test_the_grade_is_that_of_the_weakest_claim():
    proved, lost = {"kind": "proof", "grade": "PROVED"}, {"kind": "proof", "grade": "UNDECIDED"}
    assert grade_of([proved, {"kind": "supported", "grade": "SUPPORTED"}]) is Grade.PROVED
    assert grade_of([proved, lost]) is Grade.UNDECIDED
    assert grade_of([proved, {"kind": "supported", "grade": "UNDECIDED"}]) is Grade.UNDECIDED
    assert grade_of([proved, {"kind": "certified", "grade": "REFUTED"}]) is Grade.REFUTED
    assert grade_of([{"kind": "supported", "grade": "SUPPORTED"}]) is Grade.SUPPORTED
    assert grade_of([]) is Grade.UNDECIDED


def test_a_claim_that_the_kernel_rejects_is_not_proved(monkeypatch):
    from dataclasses import replace

    from deeplin import verify as module
    from theory.theorem import theorems

    theorem = theorems()[NAME]
    false = theorem.variants()[0]
    wrong = replace(theorem, claims=lambda: [replace(c, statement=false) for c in theorem.claims() if c.steps][:1])
    monkeypatch.setattr(module, "named", {NAME: wrong}.get)
    record = run_task(Task(NAME, "claims", (), QUICK)).evidence[0]
    assert record["grade"] == Grade.UNDECIDED
    assert record["why"]


def test_list_and_show(capsys):
    listed = json.loads(deeplin("list", "--json").stdout)
    assert {"name", "sheet", "title", "form", "source"} == set(listed[0])
    assert [t["sheet"] for t in listed if t["name"] == NAME] == ["B3"]
    assert cli.main(["show", NAME]) == 0
    shown = capsys.readouterr().out
    assert "What the kernel accepted just now" in shown
    assert "2202.04777" in shown
    assert cli.main(["show", NAME, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["claims"][0]["verdict"] == "proved"


def test_default_executor():
    assert isinstance(default_executor(1), Serial)
    assert isinstance(default_executor(2), Pool)
    with pytest.raises(InvalidInput):
        verify("minima.nothing")
    assert cli.main(["list"]) == 0


# -- where floats are computed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--memory", "3XB"], "512MiB"),
        (["--memory", "0"], "512MiB"),
        (["--instances", "0"], "an integer >= 1"),
        (["--dtype", "float16"], "float32"),
        (["--device", "tpu"], "cuda"),
    ],
)
def test_bad_devices_and_sizes_are_refused(args, says, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["verify", NAME, *args])
    assert stop.value.code == 2 and says in capsys.readouterr().err


def test_a_device_that_is_not_there_is_said_before_the_work_begins(monkeypatch, capsys):
    def missing(*args):
        raise InvalidInput("backend", "cuda", "a machine with a CUDA device")

    monkeypatch.setattr(command, "chosen", missing)
    assert cli.main(["verify", NAME, "--device", "cuda"]) == 2
    assert "CUDA" in capsys.readouterr().err


def test_floats_are_computed_where_and_as_was_asked():
    (result,) = verify(NAME, settings=Settings(certified=1, supported=20, precision="float32", memory=1 << 20)).results
    found = [e for e in result.evidence if e["kind"] == "supported"]
    assert found and all("float32" in e["precision"] and e["grade"] == "SUPPORTED" for e in found)
