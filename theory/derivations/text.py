"""Inline LaTeX of the texts as plain Unicode, for terminals."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sympy.printing.pretty.pretty_symbology import greek_unicode

_SUPER = dict(zip("0123456789+-=()niT*'", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀ*'", strict=True))
_SUB = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_COMMANDS = {
    **{f"\\{name}": sign for name, sign in greek_unicode.items() if name.isalpha()},
    "\\lambda": "λ", "\\varepsilon": "ε", "\\sum": "Σ", "\\prod": "∏", "\\ge": "≥", "\\le": "≤", "\\ne": "≠", "\\cdot": "·",
    "\\dots": "…", "\\infty": "∞", "\\in": "∈", "\\pm": "±", "\\partial": "∂", "\\times": "×", "\\to": "→", "\\iff": "⇔",
    "\\langle": "⟨", "\\rangle": "⟩", "\\,": " ", "\\{": "{", "\\}": "}", "\\|": "‖", "\\arccos": "arccos", "\\cos": "cos",
    "\\sup": "sup", "\\min": "min", "\\inf": "inf", "\\det": "det", "\\quad": "  ", "\\equiv": "≡", "\\bmod": "mod",
    "\\supseteq": "⊇", "\\emptyset": "∅", "\\subset": "⊂", "\\nabla": "∇", "\\odot": "⊙",
}  # fmt: skip
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|(\\[A-Za-z]+|[^\\{}]))")
_GROUP = re.compile(r"\\(sqrt|frac|mathbb|mathrm|operatorname|text)\{([^{}]*)\}(?:\{([^{}]*)\})?")


def plain(text: str) -> str:
    r"""Prose with ``$...$`` as a terminal shows it.

    >>> plain(r"the root $\lambda_1 = \Gamma / b^{D}$ of $\sqrt{x^2}$")
    'the root λ₁ = Γ / b^D of √(x²)'
    """
    return re.sub(r"\$([^$]*)\$", lambda match: _math(match[1]), text)


def _math(source: str) -> str:
    previous = None
    # Innermost braces first, until nothing changes.
    while source != previous:
        previous, source = source, _GROUP.sub(_group, _SCRIPT.sub(_script, source))
    for command in sorted(_COMMANDS, key=len, reverse=True):
        source = source.replace(command, _COMMANDS[command])
    for sign, mark in _MARK.items():
        source = source.replace(mark, sign)
    return source.replace("{", "").replace("}", "")


def _group(match: re.Match[str]) -> str:
    command, first, second = match.groups()
    if command == "sqrt":
        return f"√{_atom(first)}"
    return f"{_atom(first)}/{_atom(second)}" if command == "frac" else first


def _atom(source: str) -> str:
    return source if re.fullmatch(r"\\\w+|\d+|\w", source) else f"({source})"


def _script(match: re.Match[str]) -> str:
    sign, body = match[1], match[2] if match[2] is not None else match[3]
    table: Mapping[str, str] = _SUPER if sign == "^" else _SUB
    if all(letter in table for letter in body):
        return "".join(table[letter] for letter in body)
    # A placeholder keeps a script that Unicode lacks from being matched again.
    return f"{_MARK[sign]}{body if len(body) == 1 or body.startswith(chr(92)) else f'({body})'}"


_MARK = {"^": "\u2303", "_": "\u2304"}
