"""The list that is read from source says what the theorems say, and does not wait for SymPy."""

import subprocess
import sys

import pytest

from theory.catalogue import FIELDS, _Constants, chosen, entries
from theory.errors import InvalidInput
from theory.theorem import theorems


def test_it_says_what_the_theorems_say():
    assert [[getattr(e, f) for f in FIELDS] for e in entries()] == [
        [getattr(t, f) for f in FIELDS] for t in theorems().values()
    ]


@pytest.mark.parametrize("command", ["list", "list minima", "list --json"])
def test_sympy_and_numpy_are_not_imported(command):
    code = f"import sys, deeplin.cli as c; c.main({command.split()!r});"
    code += "assert not {'sympy', 'numpy', 'flint'} & set(sys.modules), set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_one_theorem_does_not_import_the_others():
    code = "import sys; from theory.theorem import named; assert named('rank.flow').sheet;"
    code += "found = [m for m in sys.modules if hasattr(sys.modules[m], 'THEOREM')]; assert len(found) <= 3, found"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_answered_with_close_ones():
    with pytest.raises(InvalidInput, match=r"minima\.norm_lemma"):
        chosen(["minima.norm_lema"], entries())


def test_a_text_that_is_computed_is_refused():
    with pytest.raises(ValueError, match="not a constant"):
        _Constants("TITLE = make()")._named("TITLE")
    with pytest.raises(ValueError, match="TITLE is not"):
        _Constants("x = 1")._named("TITLE")
