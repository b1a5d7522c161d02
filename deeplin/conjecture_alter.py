"""The statements next to a statement: one hypothesis less, strict for non-strict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from theory.statement import Condition, Statement, conditions

LONG = 70


def alterations(statements: Sequence[Statement]) -> list[tuple[str, list[Statement]]]:
    """(what is changed, the statements so changed): the same change at every size."""
    made = [dict(_altered(s)) for s in statements]
    return [(change, [m[change] for m in made if change in m]) for change in (made[0] if made else {})]


def _altered(s: Statement) -> Iterator[tuple[str, Statement]]:
    for k, item in enumerate(s.given):
        yield f"without {shown(item)}", replace(s, given=s.given[:k] + s.given[k + 1 :])
    for k, item in enumerate(s.given):
        if any(c.relation == ">" for c in conditions([item])):
            weak = [Condition(">=", c.expression) if c.relation == ">" else c for c in conditions([item])]
            yield f">= instead of > in {shown(item)}", replace(s, given=(*s.given[:k], *weak, *s.given[k + 1 :]))
    for k, item in enumerate(s.then):
        if any(c.relation == ">=" for c in conditions([item])):
            strict = [Condition(">", c.expression) if c.relation == ">=" else c for c in conditions([item])]
            yield f"> instead of >= in {shown(item)}", replace(s, then=(*s.then[:k], *strict, *s.then[k + 1 :]))


def shown(item: Any) -> str:
    """A hypothesis in a few words."""
    if isinstance(item, Condition):
        text = f"{item.expression} {item.relation} 0"
    elif is_dataclass(item) and not isinstance(item, type):
        values = [(f, getattr(item, f.name)) for f in fields(item)]
        text = f"{type(item).__name__}({', '.join(str(v) for f, v in values if v != f.default)})"
    else:
        text = str(item)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."
