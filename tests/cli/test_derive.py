"""``deeplin derive``: what it prints, how it fails, what it returns."""

from __future__ import annotations

import argparse
import dataclasses
import re

import pytest

import theory.derivations
from deeplin.commands import derive as command
from theory.derivations import Check, Derivation, recipes
from theory.errors import InvalidInput


def run(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="deeplin derive")
    command.configure(parser)
    return command.run(parser.parse_args(words))


def test_list_names_every_derivation_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    printed = capsys.readouterr().out
    assert all(name in printed and recipe.title in printed for name, recipe in recipes().items())
    assert "eigenvalues = 2 (1 to 3)" in printed


def test_pretty_prints_steps_result_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("minima.closed_form", "--depth", "2") == 0
    printed = capsys.readouterr().out
    assert "1. The one-dimensional problem" in printed and "Result: minimiser(a, G, gamma, s, d)" in printed
    assert printed.count("ok    ") == 4 and "FAILED" not in printed


def test_python_output_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("minima.critical_decay", "--depth", "3", "--format", "python") == 0
    namespace: dict[str, object] = {}
    exec(capsys.readouterr().out, namespace)
    assert namespace["critical_decay"](a=1, G=4, kappa=1) == (1, 1, 1)  # type: ignore[operator]


def test_latex_output_keeps_checks_in_comments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("minima.loss", "--widths", "1,2,1", "--format", "latex") == 0
    lines = capsys.readouterr().out.splitlines()
    assert r"\begin{enumerate}" in lines and [line for line in lines if "ok    " in line] == [
        line for line in lines if line.startswith("% ok")
    ]


def test_other_options_go_through_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("minima.scalar_equation", "--set", "eigenvalues=1", "--depth", "2", "--no-check") == 0
    printed = capsys.readouterr().out
    assert "depth 2, 1 eigenvalue(s)" in printed and "ok    " not in printed


def test_depth_five_says_that_radicals_do_not_suffice(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("minima.closed_form", "--depth", "5") == 0
    assert "NOT solvable in radicals in general" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["minima.closd_form"], "perhaps minima.closed_form"),
        ([], "derivation: got None"),
        (["minima.closed_form", "--depth", "9"], "depth: got 9"),
        (["minima.closed_form", "--depth", "-1"], "depth: got -1"),
        (["minima.loss", "--widths", "2,x,1"], "widths: got '2,x,1', expected integers"),
        (["minima.loss", "--widths", "2,2,2"], "widths: got (2, 2, 2)"),
        (["minima.loss", "--set", "eigenvalues"], "set: got 'eigenvalues', expected OPTION=VALUE"),
        (["minima.loss", "--set", "colour=3"], "colour: got 3, expected no such option"),
        (["minima.loss", "--format", "html"], "format: got 'html', expected one of pretty, latex, python"),
    ],
)
def test_bad_input_is_named(words: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        run(*words)


def test_a_failing_check_is_loud(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sound = theory.derivations.derive

    def broken(name: str, **options: object) -> Derivation:
        return dataclasses.replace(sound(name, **options), checks=(Check("one equals two", lambda _: False),))

    monkeypatch.setattr(theory.derivations, "derive", broken)
    assert run("minima.critical_decay") == 1
    captured = capsys.readouterr()
    assert "FAILED  one equals two" in captured.out and "1 of 1 checks failed" in captured.err
