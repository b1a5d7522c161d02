"""Statements of certificates as plain text: what was proved, for a reader who has nothing but the standard library.

A term that several others use is named (`t7 = ...`) if it is long; the others are written where they are used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
SUM, PRODUCT, POWER = 1, 2, 3  # how tightly a text holds together
LONG = 40


def statement_lines(statement: Json) -> Iterator[str]:
    """The variables with their shapes, then the named terms, the hypotheses and the conclusions."""
    yield from (f"  {_declared(name, v)}" for name, v in statement["variables"].items())
    page = _Page(statement["terms"], [c["term"] for c in (*statement["given"], *statement["then"])])
    yield from (f"  where {line}" for line in page.named)
    for heading in ("given", "then"):
        for condition in statement[heading]:
            yield f"  {heading} {page.text(condition['term'])[0]} {condition['relation']} 0"


def _declared(name: str, v: Json) -> str:
    if not v["shape"]:
        return f"{name}: number"
    return f"{name}: {'symmetric ' if v['symmetric'] else ''}{' x '.join(map(str, v['shape']))} matrix"


def references(term: list[Any]) -> list[int]:
    """The terms that a term is made of."""
    op, *args = term
    match op:
        case "lin":
            return [t for _, t in args[0]]
        case "mul":
            return list(args[0])
        case "expect":
            return [args[0], *args[2]]
        case "pow" | "T" | "tr" | "diag" | "grad":
            return [args[0]]
    return []


class _Page:
    """The texts of terms, in the order of the certificate, so that no recursion is needed."""

    def __init__(self, terms: list[Any], roots: list[int]) -> None:
        self.terms, self.texts, self.named = terms, dict[int, tuple[str, int]](), list[str]()
        needed, uses = set(roots), Counter(roots)
        for t in range(len(terms) - 1, -1, -1):
            if t in needed:
                needed.update(references(terms[t]))
                uses.update(references(terms[t]))
        for t in sorted(needed):
            self.texts[t] = self._written(terms[t])
            if len(self.texts[t][0]) > LONG and (uses[t] > 1 or len(self.texts[t][0]) > 4 * LONG) and t not in roots:
                self.named.append(f"t{t} = {self.texts[t][0]}")
                self.texts[t] = f"t{t}", POWER

    def text(self, t: int, tight: int = 0) -> tuple[str, int]:
        """A term, in parentheses if it does not hold together tightly enough."""
        text, hold = self.texts[t]
        return (text, hold) if hold >= tight else (f"({text})", POWER)

    def _written(self, term: list[Any]) -> tuple[str, int]:
        op, *args = term
        match op:
            case "var":
                return args[0], POWER
            case "num":
                return str(args[0]), SUM if str(args[0]).startswith("-") else PRODUCT if "/" in str(args[0]) else POWER
            case "eye":
                return f"I_{args[0]}", POWER
            case "const":
                return "[" + "; ".join(" ".join(map(str, row)) for row in args[0]) + "]", POWER
            case "lin":
                return self._sum(args[0])
            case "mul":
                return " ".join(self.text(t, PRODUCT)[0] for t in args[0]) or "1", PRODUCT if len(args[0]) > 1 else SUM
            case "pow":
                return f"{self.text(args[0], POWER)[0]}^{args[1]}", PRODUCT
            case "T":
                return f"{self.text(args[0], POWER)[0]}^T", PRODUCT
            case "grad":
                return f"d/d{args[1]}({self.text(args[0])[0]})", POWER
            case "expect":
                moments = ", ".join(self.text(t)[0] for t in args[2])
                return f"E_{args[1]}[{self.text(args[0])[0]}; moments {moments}]", POWER
        return f"{op}({self.text(args[0])[0]})", POWER

    def _sum(self, parts: list[Any]) -> tuple[str, int]:
        out = ""
        for c, t in parts:
            minus, size = str(c).startswith("-"), str(c).lstrip("-")
            sign = (" - " if minus else " + ") if out else ("-" if minus else "")
            out += sign + ("" if size == "1" else f"{size} ") + self.text(t, PRODUCT)[0]
        return out, SUM
