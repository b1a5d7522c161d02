"""The pytest plugin: what it collects, what a failure says, what it costs a run without conjectures."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import deeplin
from deeplin.conjecture import Conjecture, Verdict
from deeplin.report import Grade
from deeplin.testing import as_python, as_test, assert_holds, failure, reaches
from theory.errors import InvalidInput
from theory.statement import Statement

pytest_plugins = ["pytester"]

INSTALLED = any(e.name == "deeplin" for e in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "deeplin.pytest_plugin")

HEADER = """
from sympy import Matrix, MatrixSymbol, Rational, symbols
from deeplin import Conjecture, Statement, as_test, assert_holds, at_least, equal, greater
x, y = symbols("x y")
"""


def run(pytester, source):
    pytester.makepyfile(HEADER + source)
    return pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", "-v")


def test_conjectures_are_collected_beside_other_tests(pytester):
    source = """
square = as_test(Conjecture(Statement("a square", (x,), (), (at_least(x**2),))), budget=120)
cube = as_test(Statement("a cube", (x,), (), (at_least(x**3),)), grade="REFUTED", budget=120)
not_marked = Conjecture(Statement("a cube", (x,), (), (at_least(x**3),)))
def test_plain():
    pass
"""
    result = run(pytester, source)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*::square PASSED*", "*::cube PASSED*", "*::test_plain PASSED*"])


def test_a_failure_shows_the_verdict_and_a_point_that_can_be_pasted(pytester):
    source = """
statement = Statement("a bound", (x, y), (at_least(x, 2),), (at_least(0, x + y),))
bound = as_test(statement, budget=120)
def test_by_hand():
    assert_holds(statement, budget=120)
"""
    result = run(pytester, source)
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert "PROVED was asked for" in text and "a bound: REFUTED" in text and "conjecture bound" in text
    assert "deeplin/testing.py" not in text, "the failure is in the test, not in here"
    scope: dict = {}
    lines = text.split("the counterexample:")[1].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("from sympy"))
    stop = next(i for i, line in enumerate(lines) if line.startswith("}"))
    exec("\n".join(lines[start : stop + 1]), scope)
    point = scope["point"]
    assert point["x"] >= 2 and point["x"] + point["y"] > 0


def test_an_error_in_a_conjecture_keeps_its_traceback(pytester):
    source = """
wrong = as_test(Statement("an undeclared symbol", (x,), (), (at_least(x + y),)), budget=120)
"""
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*undeclared variable y*"])


def test_the_plugin_imports_nothing_of_deeplin():
    code = "import sys, deeplin.pytest_plugin; print(sorted(m for m in sys.modules if m.split('.')[0] in HEAVY))"
    code = code.replace("HEAVY", "('sympy', 'numpy', 'flint', 'theory', 'numerics', 'hypothesis')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plugin_is_registered():
    project = Path(deeplin.__file__).parents[1] / "pyproject.toml"
    declared = tomllib.loads(project.read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"deeplin": "deeplin.pytest_plugin"}


@pytest.mark.parametrize(
    ("found", "least", "passes"),
    [
        ("PROVED", "PROVED", True),
        ("UNDECIDED", "PROVED", False),
        ("PROVED", "UNDECIDED", True),
        ("REFUTED", "UNDECIDED", False),
        ("VACUOUS", "UNDECIDED", False),
        ("PROVED", "REFUTED", False),
        ("VACUOUS", "VACUOUS", True),
        ("REFUTED", "VACUOUS", False),
    ],
)
def test_grades_are_asked_for_as_the_docstring_says(found, least, passes):
    assert reaches(Grade(found), Grade(least)) is passes


def test_points_become_python():
    scope: dict = {}
    exec(as_python({"W": [["1/2", 0], [-3, "0x10/0x3"]], "x": "-7/5", "n": 4}), scope)
    W = scope["point"]["W"]
    assert W[0, 0] * 2 == 1 and W[1, 1] * 3 == 16 and scope["point"]["x"] * 5 == -7 and scope["point"]["n"] == 4
    root = {"polynomial": [-2, 0, 1], "index": 0, "between": [1, "3/2"]}
    exec(as_python({"x": [1, "1/2"], "W": [[[0, 1], 3]]}, root), scope)
    assert (2 * (scope["point"]["x"] - 1)) ** 2 == 2 and scope["point"]["W"][0, 0] ** 2 == 2 and scope["point"]["x"] > 1
    assert "counterexample" not in failure(Verdict("open", Grade.UNDECIDED), Grade.PROVED)


@pytest.mark.parametrize("grade", ["SUPPORTED", "proved", ""])
def test_other_grades_are_refused(grade):
    with pytest.raises(InvalidInput, match="grade"):
        assert_holds(Conjecture(Statement("nothing", (), (), ())), grade=grade)


def test_only_conjectures_are_marked():
    with pytest.raises(InvalidInput, match="conjecture"):
        as_test("x >= 0")
