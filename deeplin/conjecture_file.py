"""Conjectures from a Python file of the user's, which is executed; what is wrong with it is said in one message."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from deeplin.conjecture import Conjecture
from theory.errors import DeeplinError, InvalidInput
from theory.statement import Statement


class ConjectureError(DeeplinError, ValueError):
    """A file that cannot be read as conjectures."""


def conjectures(target: str, sizes: Sequence[Any] = ()) -> list[Conjecture]:
    """The conjectures of `FILE.py`, or the one of `FILE.py::NAME` (a name in the file, or the conjecture's own).

    With `sizes`, they are tried at these instead of their own.
    """
    file, _, name = target.partition("::")
    found = collected(executed(Path(file)))
    if not found:
        raise ConjectureError(f"{file}: no conjecture: assign a Conjecture(...) or a Statement(...) to a name")
    if name:
        found = {key: c for key, c in found.items() if name in (key, c.name)} or _unknown(file, name, found)
    chosen = [replace(c, sizes=tuple(sizes)) if sizes else c for c in found.values()]
    for c in chosen:
        checked(c)
    return chosen


def _unknown(file: str, name: str, found: dict[str, Conjecture]) -> dict[str, Conjecture]:
    close = get_close_matches(name, [*found, *(c.name for c in found.values())], n=3, cutoff=0.4)
    raise InvalidInput("name", name, f"a conjecture of {file}: {', '.join(close or found)}")


def executed(path: Path) -> ModuleType:
    """The file as a module. Raises `ConjectureError` with the line at which it fails."""
    if not path.is_file():
        raise ConjectureError(f"{path}: no such file")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        raise ConjectureError(f"{path}, line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        raise ConjectureError(f"{path}{where}: {type(error).__name__}: {error}") from None
    finally:
        sys.path.pop(0)
    return module


def collected(module: ModuleType) -> dict[str, Conjecture]:
    """The conjectures and statements of a module by name, in the order of the file; a statement inside of a conjecture once."""
    values = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    found = {name: value for name, value in values.items() if isinstance(value, Conjecture)}
    inside = {id(c.statement) for c in found.values()}
    plain = {n: Conjecture(v) for n, v in values.items() if isinstance(v, Statement) and id(v) not in inside}
    return {name: c for name in values if (c := found.get(name) or plain.get(name)) is not None}


def checked(c: Conjecture) -> None:
    """Lowers every statement: wrong shapes, undeclared variables and what is no condition are found before the search."""
    try:
        for s in c.statements():
            s.lowered()
    except DeeplinError as error:
        raise ConjectureError(f"{c.name}: {error}") from None
    except Exception as error:
        raise ConjectureError(f"{c.name}: {type(error).__name__}: {error}") from None
