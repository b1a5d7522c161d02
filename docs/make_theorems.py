"""Writes docs/theorems.md, the list of all theorems, from the theorems themselves: python docs/make_theorems.py"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from theory.theorem import Theorem, theorems

PAGE = Path(__file__).with_name("theorems.md")


def row(t: Theorem) -> str:
    return f"| `{t.name}` | {t.sheet} | {t.title} | {t.form} | {t.note.replace('|', chr(92) + '|')} |"


def text() -> str:
    """The page as it should be."""
    lines = ["# The theorems", "", "`deeplin show NAME` has statement, proofs, counterexamples and false variants of each."]
    header = ["", "| theorem | id | says | form | where the words of the paper need more |", "|---|---|---|---|---|"]
    for family, found in groupby(theorems().values(), key=lambda t: t.family):
        lines += ["", f"## {family}", *header]
        lines += [row(t) for t in found]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text())
