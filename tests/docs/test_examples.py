"""The examples run, and the code blocks of the documentation too."""

import re
import runpy
from pathlib import Path

import pytest

from deeplin import cli

ROOT = Path(__file__).parents[2]


def test_write_a_statement(capsys):
    runpy.run_path(str(ROOT / "examples" / "write_a_statement.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "coupling: proved (all widths at depth 3)" in said
    assert "W1" in said


@pytest.mark.parametrize("page", ["docs/statements.md", "docs/property_tests.md", "docs/conjectures.md", "README.md"])
def test_code_blocks_of_the_documentation_run(page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})


def test_the_documented_statement_is_proved():
    from deeplin import prove

    block = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "statements.md").read_text(), re.DOTALL).group(1)
    names: dict = {}
    exec(compile(block, "statements.md", "exec"), names)
    assert prove(names["balance"]).proved


def test_what_the_readme_says_the_example_prints(capsys):
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    exec(compile(block, "README.md", "exec"), {})
    promised = [line[2:] for line in block.splitlines() if line.startswith("# ")]
    assert capsys.readouterr().out.splitlines() == promised


def test_what_the_readme_says_a_check_prints(tmp_path, monkeypatch, capsys):
    text = (ROOT / "README.md").read_text()
    block = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "Conjecture(" in b)
    promised = re.search(r"\$ deeplin check balance.py\n(.*?)```", text, re.DOTALL).group(1)
    (tmp_path / "balance.py").write_text(block)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "balance.py", "--no-store"]) == 1
    said = capsys.readouterr().out
    for line in (f"flow keeps the difference: PROVED for {ALL}", "a step keeps balance: REFUTED by an exact point"):
        assert line in said and line in promised


ALL = "all widths at depth 2"


def test_the_list_of_theorems_is_up_to_date():
    page = runpy.run_path(str(ROOT / "docs" / "make_theorems.py"))
    assert page["PAGE"].read_text() == page["text"]()
