"""A derivation as LaTeX, as Unicode for a terminal, or as Python that runs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import sympy as sp
from sympy.printing.latex import LatexPrinter, multiline_latex
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm
from sympy.printing.pycode import PythonCodePrinter

from theory.derivations.model import Argument, Derivation, Formula, Guard, Let, Step, equation
from theory.derivations.text import plain
from theory.errors import InvalidInput

WIDTH = 100
COLUMNS = WIDTH - 6
_LONG, _LONG_SOURCE = 8, 240


def render(derivation: Derivation, form: str = "pretty") -> str:
    """The derivation in one of `FORMATS`.

    >>> from theory.derivations import derive
    >>> namespace = {}
    >>> exec(render(derive("minima.critical_decay", depth=2), "python"), namespace)
    >>> namespace["critical_decay"](a=1, G=4, kappa=1)
    (4, 0)
    """
    if form not in FORMATS:
        raise InvalidInput("format", repr(form), f"one of {', '.join(FORMATS)}")
    return FORMATS[form](derivation)


# -- Unicode ----------------------------------------------------------------------------------------------------------


def pretty(derivation: Derivation) -> str:
    """Setting, notation, numbered steps and the result, in Unicode for a terminal."""
    return "\n".join(_pretty_lines(derivation)).rstrip() + "\n"


def _pretty_lines(derivation: Derivation) -> Iterator[str]:
    head = f"{derivation.name}: {plain(derivation.title)}"
    yield from (head, "=" * len(head), "", _wrap(derivation.setting, 0), "")
    names = [sp.pretty(symbol, use_unicode=True) for symbol, _ in derivation.notation]
    width = max(map(len, names), default=0)
    for name, (_, meaning) in zip(names, derivation.notation, strict=True):
        yield textwrap.fill(
            f"{name:<{width}}  {plain(meaning)}", WIDTH, initial_indent="  ", subsequent_indent=" " * (width + 4)
        )
    yield ""
    for number, step in enumerate(derivation.steps, 1):
        yield from _pretty_step(number, step)
    yield from _pretty_result(derivation)


def _pretty_step(number: int, step: Step) -> Iterator[str]:
    yield f"{number}. {plain(step.title)}"
    if step.reason:
        yield _wrap(step.reason, 3)
    yield ""
    for formula in _formulas(step.expression):
        yield _display(formula)


def _pretty_result(derivation: Derivation) -> Iterator[str]:
    result = derivation.result
    head = f"Result: {result.name}({', '.join(item.name for item in result.arguments)})"
    yield from (head, "-" * len(head), "")
    shown, body = _unshown(derivation)
    if shown:
        yield f"    with {', '.join(sp.pretty(symbol) for symbol in shown)} as above\n"
    for line in body:
        if isinstance(line, Guard):
            names = [*(sp.pretty(out.symbol) for out in result.outputs), *map(str, dict.fromkeys(line.fallback))]
            yield _wrap(f"Unless {sp.pretty(line.condition)}, {line.reason} and {' = '.join(names)}. Otherwise", 4) + "\n"
        else:
            yield _display(equation(line.symbol, line.value))
    for output in (out for out in result.outputs if out.symbol not in shown):
        yield _display(equation(output.symbol, output.value))


def _unshown(derivation: Derivation) -> tuple[list[sp.Symbol], list[Let | Guard]]:
    """Lets of the result (and matrices) that a step has displayed already, and the lines that are left to show."""
    seen = {formula for step in derivation.steps for formula in _formulas(step.expression)}
    lines = [*derivation.result.lets, *(out for out in derivation.result.outputs if isinstance(out.value, sp.MatrixBase))]
    known = {line.symbol for line in lines if equation(line.symbol, line.value) in seen}
    known |= {out.symbol for out in derivation.result.outputs if out.symbol == out.value}
    rest = [line for line in derivation.result.body if isinstance(line, Guard) or line.symbol not in known]
    return sorted(known, key=str), rest


def _display(formula: sp.Basic) -> str:
    rows = [_rows(part) for part in _unfolded(formula, lambda part: _width(_picture(part)) <= COLUMNS)]
    return textwrap.indent("\n\n".join(rows), "      ") + "\n"


def _rows(formula: sp.Basic) -> str:
    """One pretty formula; a sum too wide for the line is broken between its terms."""
    if _width(_picture(formula)) <= COLUMNS or not isinstance(formula, sp.Equality) or not formula.rhs.is_Add:
        return str(_picture(formula))
    rows, pending = list[prettyForm](), prettyForm(*_picture(formula.lhs).right(" ="))
    for place, term in enumerate(formula.rhs.as_ordered_terms()):
        piece = _signed(term, first=not place)
        if place and _width(pending) + _width(piece) > COLUMNS:
            rows.append(pending)
            pending = prettyForm("   ")
        pending = prettyForm(*pending.right(piece))
    return "\n".join(str(row) for row in [*rows, pending])


def _signed(term: sp.Expr, first: bool) -> prettyForm:
    negative = bool(term.could_extract_minus_sign())
    sign = (" -" if negative else " ") if first else (" - " if negative else " + ")
    return prettyForm(*_picture(-term if negative else term).left(sign))


def _picture(expression: sp.Basic) -> prettyForm:
    """SymPy's two-dimensional form, with its baseline, so that pieces can be set side by side."""
    before = pretty_use_unicode(True)
    try:
        return PrettyPrinter({"use_unicode": True, "wrap_line": False, "mat_symbol_style": "plain"})._print(expression)
    finally:
        pretty_use_unicode(before)


def _width(picture: prettyForm) -> int:
    return int(picture.width())


def _unfolded(formula: sp.Basic, fits: Callable[[sp.Basic], bool]) -> list[sp.Basic]:
    """A matrix equation that does not fit, entry by entry; anything else as it is."""
    if fits(formula) or not isinstance(formula, sp.Equality) or not isinstance(formula.rhs, sp.MatrixBase):
        return [formula]
    base, matrix = sp.IndexedBase(formula.lhs), formula.rhs
    places = [(j, k) for j in range(matrix.rows) for k in range(matrix.cols)]
    return [equation(base[j + 1, k + 1], matrix[j, k]) for j, k in places]


def _wrap(text: str, indent: int) -> str:
    pad = " " * indent
    return "\n".join(textwrap.fill(line, WIDTH, initial_indent=pad, subsequent_indent=pad) for line in plain(text).split("\n"))


def _formulas(expression: sp.Basic | None) -> tuple[sp.Basic, ...]:
    if expression is None:
        return ()
    return tuple(expression) if isinstance(expression, sp.Tuple) else (expression,)


# -- LaTeX ------------------------------------------------------------------------------------------------------------


def latex(derivation: Derivation) -> str:
    """A fragment for a document with ``amsmath``: paragraphs, an enumeration of steps, displays."""
    return "\n".join(_latex_lines(derivation)) + "\n"


def _latex_lines(derivation: Derivation) -> Iterator[str]:
    yield f"% {derivation.name}; source: {derivation.source}; needs amsmath"
    yield f"\\paragraph{{{derivation.title}.}}"
    yield _quoted(derivation.setting.replace("\n", "\n\n"))
    yield from ("", "\\begin{itemize}")
    for symbol, meaning in derivation.notation:
        yield f"  \\item ${_tex(symbol)}$: {_quoted(meaning)}"
    yield from ("\\end{itemize}", "\\begin{enumerate}")
    for step in derivation.steps:
        yield f"  \\item \\textbf{{{step.title}.}} {_quoted(step.reason)}".rstrip()
        yield from _latex_display([row for formula in _formulas(step.expression) for row in _tex_rows(formula)])
    yield from ("\\end{enumerate}", "\\paragraph{Result.}")
    yield from _latex_result(derivation)


def _quoted(text: str) -> str:
    """Backquoted names in typewriter."""
    return re.sub(r"`([^`]*)`", lambda match: f"\\texttt{{{match[1].replace('_', chr(92) + '_')}}}", text)


def _latex_result(derivation: Derivation) -> Iterator[str]:
    result, pending = derivation.result, list[str]()
    shown, body = _unshown(derivation)
    if shown:
        yield f"With {', '.join(f'${_tex(symbol)}$' for symbol in shown)} as above,"
    for line in body:
        if isinstance(line, Let):
            pending += _tex_rows(equation(line.symbol, line.value))
            continue
        yield from _latex_display(pending)
        pending = []
        names = [*(_tex(out.symbol) for out in result.outputs), *map(_tex, dict.fromkeys(line.fallback))]
        yield f"Unless ${_tex(line.condition)}$, {line.reason} and ${' = '.join(names)}$. Otherwise"
    yield from _latex_display(pending)
    outputs = [out for out in result.outputs if out.symbol not in shown]
    yield from _latex_display([row for out in outputs for row in _tex_rows(equation(out.symbol, out.value))])


def _latex_display(lines: list[str]) -> Iterator[str]:
    if lines:
        yield "  \\begin{align*}"
        yield " \\\\\n".join(f"    {line}" for line in lines)
        yield "  \\end{align*}"


def _tex_rows(formula: sp.Basic) -> list[str]:
    return [_tex_line(part) for part in _unfolded(formula, lambda part: len(_tex(part)) <= _LONG_SOURCE)]


def _tex_line(formula: sp.Basic) -> str:
    if not isinstance(formula, sp.core.relational.Relational):
        return f"& {_tex(formula)}"
    if isinstance(formula.rhs, sp.Add) and (len(formula.rhs.args) > _LONG or len(_tex(formula.rhs)) > _LONG_SOURCE):
        # One environment for the whole step, so only the rows of SymPy's own are kept.
        rows = multiline_latex(
            formula.lhs,
            formula.rhs,
            terms_per_line=2 if len(_tex(formula.rhs)) < 100 * len(formula.rhs.args) else 1,
            environment="align*",
        )
        return "\n".join(rows.splitlines()[1:-1]).strip()
    sign = {"==": "=", "<": "<", ">": ">", "<=": "\\le", ">=": "\\ge", "!=": "\\ne"}[formula.rel_op]
    return f"{_tex(formula.lhs)} &{sign} {_tex(formula.rhs)}"


class _Latex(LatexPrinter):  # type: ignore[misc]
    def _print_Tuple(self, value: sp.Tuple) -> str:
        return f"\\left({', '.join(self._print(item) for item in value)}\\right)"


def _tex(expression: sp.Basic) -> str:
    return str(_Latex({"mat_delim": "("}).doprint(expression))


# -- Python -----------------------------------------------------------------------------------------------------------


class _Python(PythonCodePrinter):  # type: ignore[misc]
    """Plain ``math``; symbols such as ``w__1_12`` become ``w1_12``, matrices tuples of rows."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False, "strict": True})

    def _print_Symbol(self, symbol: sp.Symbol) -> str:
        return str(super()._print_Symbol(sp.Symbol(symbol.name.replace("__", ""))))

    def _print_Tuple(self, value: sp.Tuple) -> str:
        items = [self._print(item) for item in value]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"

    def _print_MatrixBase(self, value: sp.MatrixBase) -> str:
        return self._print_Tuple(sp.Tuple(*(sp.Tuple(*value.row(i)) for i in range(value.rows))))

    _print_ImmutableDenseMatrix = _print_MatrixBase


def python(derivation: Derivation) -> str:
    """A module with one function, on floats (or on fractions where no root is taken); it needs only ``math``."""
    result, printer = derivation.result, _Python()
    body = list(_python_body(result, printer))
    names = sorted(printer.module_imports.get("math", ()))
    yielded = [f'"""{_escape(derivation.title)} ({derivation.name}).\n\nSource: {derivation.source}\n"""\n']
    yielded += [f"from math import {', '.join(names)}\n\n"] if names else [""]
    signature = f"def {result.name}({', '.join(item.name for item in result.arguments)}):"
    return "\n".join([*yielded, signature, *_python_docstring(derivation), *body]) + "\n"


def _python_docstring(derivation: Derivation) -> Iterator[str]:
    outputs = [output.symbol for output in derivation.result.outputs]
    yield f'    """Return {", ".join(symbol.name for symbol in outputs)}.\n'
    rows = [(item.name, item.meaning) for item in derivation.result.arguments]
    rows += [(symbol.name, meaning) for symbol, meaning in derivation.notation if symbol in outputs]
    for name, meaning in rows:
        yield textwrap.fill(f"{name}: {_escape(meaning)}", 110, initial_indent=" " * 4, subsequent_indent=" " * 8)
    yield '    """'


def _python_body(result: Formula, printer: _Python) -> Iterator[str]:
    for item in result.arguments:
        if isinstance(item.pattern, sp.Tuple):
            yield f"    {_targets(item, printer)} = {item.name}"
    for line in result.body:
        if isinstance(line, Let):
            yield f"    {printer.doprint(line.symbol)} = {printer.doprint(line.value)}"
        else:
            yield f"    if not {printer.doprint(line.condition)}:  # {_escape(line.reason)}"
            yield f"        return {_returned(line.fallback, printer)}"
    yield f"    return {_returned([output.value for output in result.outputs], printer)}"


def _targets(item: Argument, printer: _Python) -> str:
    # The outermost parentheses are not needed in an assignment.
    return re.sub(r"^\((.*)\)$", r"\1", printer.doprint(item.pattern))


def _returned(values: Sequence[sp.Basic], printer: _Python) -> str:
    return ", ".join(str(printer.doprint(value)) for value in values)


def _escape(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace('"', "'").replace("\n", " ")


FORMATS: Mapping[str, Callable[[Derivation], str]] = MappingProxyType({"pretty": pretty, "latex": latex, "python": python})
