"""The corpus of conjectures: statements whose truth is known, apart from the theorems.

A false case has an exact `point` that the kernel accepts as a counterexample, so that its truth is not a matter of opinion; the
point is for that test alone and no search sees it. Where only irrational points violate a statement, `point` is None and the
comment says why it is false. `thin` says how large the set of violations is: "open" with its share under standard normal
entries, or its codimension in the entries.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from sympy import MatrixSymbol

from theory.statement import Statement

FAMILIES = ("minima", "alignment", "rank", "hessian")


@dataclass(frozen=True)
class Case:
    """A statement, whether it is true, and for a false one how thin the violations are; `point` is one, at the sizes `at`."""

    statement: Statement
    truth: bool
    thin: str = ""
    point: Mapping[str, Any] | None = None
    at: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.statement.name

    @property
    def family(self) -> str:
        return self.name.split(".")[0]


def true(name: str, variables: Sequence[Any], then: Any, given: Sequence[Any] = (), **more: Any) -> Case:
    return Case(Statement(name, tuple(variables), tuple(given), _listed(then)), True, **more)


def false(name: str, variables: Sequence[Any], then: Any, given: Sequence[Any] = (), **more: Any) -> Case:
    return Case(Statement(name, tuple(variables), tuple(given), _listed(then)), False, **more)


def _listed(then: Any) -> tuple[Any, ...]:
    return tuple(then) if isinstance(then, list | tuple) else (then,)


def layers(*widths: Any) -> list[MatrixSymbol]:
    """W1, ..., WN of these widths."""
    return [MatrixSymbol(f"W{i}", rows, cols) for i, (cols, rows) in enumerate(pairwise(widths), 1)]


@cache
def corpus() -> dict[str, Case]:
    """All cases by name, family by family."""
    cases = [case for family in FAMILIES for case in _module(family).CASES]
    assert len({c.name for c in cases}) == len(cases)
    return {c.name: c for c in cases}


def _module(family: str) -> Any:
    path = Path(__file__).parent / "corpus" / f"{family}.py"
    spec = importlib.util.spec_from_file_location(f"corpus_{family}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
