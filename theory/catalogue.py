"""The theorems by what their modules say, without running them: a list of names must not wait for SymPy.

A theorem module ends in `THEOREM = Theorem(name=..., sheet=..., title=..., form=..., source=..., ...)`, whose texts are
constants, or names of constants of the module or of a module that it imports from. They are read from the source.

>>> [e.name for e in entries() if e.sheet == "B3"]
['minima.norm_lemma']
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeVar

from theory.errors import InvalidInput

FIELDS = ("name", "sheet", "title", "form", "source")
HOME = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """What a list shows of a theorem, and the module that has the rest."""

    name: str
    sheet: str
    title: str
    form: str
    source: str
    module: str

    @property
    def family(self) -> str:
        return self.name.split(".")[0]


@cache
def entries() -> tuple[Entry, ...]:
    """All theorems in the order of `theory.theorem.theorems`; raises `ValueError` where a text is not a constant."""
    found = [_entry(path) for path in sorted(HOME.joinpath("theorems").rglob("*.py"))]
    return tuple(sorted((e for e in found if e), key=lambda e: (e.family, numbered(e.sheet))))


Named = TypeVar("Named", bound="Name")


class Name(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...


def chosen(names: Sequence[str], known: Sequence[Named]) -> list[Named]:
    """Those with these names or of these families; all of them if no name is given. An unknown name is `InvalidInput`."""
    words = [*(x.name for x in known), *dict.fromkeys(x.family for x in known)]
    for name in names:
        if name not in words:
            close = get_close_matches(name, words, n=3, cutoff=0.4)
            raise InvalidInput("name", name, f"a theorem or a family{': ' + ', '.join(close) if close else ''}")
    return [x for x in known if not names or x.name in names or x.family in names]


def numbered(sheet: str) -> tuple[str, int]:
    """A sheet id as a key that sorts B2 before B10."""
    digits = "".join(c for c in sheet if c.isdigit())
    return sheet.rstrip("0123456789"), int(digits or 0)


def _entry(path: Path) -> Entry | None:
    text = path.read_text(encoding="utf-8")
    if "\nTHEOREM = Theorem(" not in text:
        return None
    call = ast.parse(text[text.index("\nTHEOREM = Theorem(") :]).body[0].value  # type: ignore[attr-defined]
    given = {k.arg: k.value for k in call.keywords if k.arg in FIELDS}
    constants = _Constants(text)
    module = ".".join(path.relative_to(HOME.parent).with_suffix("").parts)
    return Entry(**{name: constants.value(given[name]) for name in FIELDS}, module=module)


class _Constants:
    """The texts that names stand for in a module, found when they are asked for."""

    def __init__(self, source: str) -> None:
        self.source = source

    def value(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name):
                return self._named(name)
            case ast.JoinedStr(values=parts):
                return "".join(self.value(p.value if isinstance(p, ast.FormattedValue) else p) for p in parts)
            case _:
                raise ValueError(f"{ast.unparse(node)} is not a constant text")

    def _named(self, name: str) -> str:
        for line in self.source.splitlines():
            if line.startswith(f"{name} = "):
                return self.value(ast.parse(line).body[0].value)  # type: ignore[attr-defined]
        for module, names in self._imports():
            if name in names:
                return _Constants(_source(module))._named(name)
        raise ValueError(f"{name} is not a constant text of the module")

    def _imports(self) -> Iterator[tuple[str, list[str]]]:
        head = self.source[: self.source.index("\n\n\n")] if "\n\n\n" in self.source else self.source
        for node in ast.parse(head).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node.module, [alias.name for alias in node.names]


def _source(module: str) -> str:
    spec: Any = find_spec(module)
    return Path(spec.origin).read_text(encoding="utf-8")
