"""The frame of the derivations: discovery, exact tests, checks that notice a wrong result, the three formats."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp

import theory.derivations
from theory.derivations import Derivation, Formula, Guard, Let, derive, recipes, render
from theory.derivations.exact import positive_roots, relation_of, root, tower, vanishes
from theory.derivations.text import plain
from theory.errors import InvalidInput

CASES = [
    ("minima.loss", {}),
    ("minima.loss", {"widths": (1, 2, 2, 1)}),
    ("minima.gradient", {}),
    ("minima.gradient", {"widths": (2, 1, 2, 1)}),
    ("minima.hessian_at_origin", {"depth": 1}),
    ("minima.hessian_at_origin", {"depth": 2}),
    ("minima.hessian_at_origin", {"depth": 3}),
    ("minima.scalar_equation", {}),
    ("minima.scalar_equation", {"depth": 4, "eigenvalues": 1}),
    ("minima.critical_decay", {"depth": 2}),
    ("minima.critical_decay", {"depth": 5}),
    *(("minima.closed_form", {"depth": depth}) for depth in (1, 2, 3, 4, 5, 6)),
]
IDS = [f"{name}-{'-'.join(map(str, options.values()))}" for name, options in CASES]


@functools.cache
def made(case: int) -> Derivation:
    name, options = CASES[case]
    return derive(name, **options)


# -- discovery ---------------------------------------------------------------------------------------------------------


def test_every_module_with_a_recipe_is_found() -> None:
    folder = Path(theory.derivations.__file__).parent
    files = {path.stem for family in ("minima", "alignment") for path in folder.glob(f"{family}_*.py")}
    assert {name.replace(".", "_", 1) for name in recipes()} == files


def test_a_new_file_is_a_new_derivation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from theory.derivations.model import Derivation, Formula, Recipe\n"
        "make = lambda: Derivation('flow.new', 'T', 'S', (), (), Formula('f', (), (), ()), (), 'arXiv:0')\n"
        "RECIPE = Recipe('flow.new', 'a new one', (), make)\n"
    )
    (tmp_path / "flow_new.py").write_text(code)
    monkeypatch.setattr(theory.derivations, "__path__", [*theory.derivations.__path__, str(tmp_path)])
    recipes.cache_clear()
    try:
        assert derive("flow.new").title == "T"
    finally:
        recipes.cache_clear()
        sys.modules.pop("theory.derivations.flow_new", None)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("minima.closed", {}, "perhaps minima.closed_form"),
        ("minima.closed_form", {"depth": 0}, "depth: got 0, expected a number of weight matrices from 1 to 8"),
        ("minima.closed_form", {"depth": True}, "depth: got True"),
        ("minima.closed_form", {"depth": 3, "widths": (2, 2, 1)}, "depth: got 3, expected 2"),
        ("minima.closed_form", {"widths": (2, 2)}, "with d_N = 1"),
        ("minima.closed_form", {"widths": 5}, "with d_N = 1"),
        ("minima.closed_form", {"eigenvalues": 2}, "minima.closed_form takes depth, widths"),
        ("minima.critical_decay", {"depth": 1}, "from 2 to 8"),
        ("minima.scalar_equation", {"eigenvalues": 4}, "eigenvalues: got 4, expected 1, 2 or 3"),
        ("minima.loss", {"widths": (2, 2)}, "widths: got"),
        ("minima.loss", {"widths": (4, 4, 1)}, "product at most 12"),
        ("minima.loss", {"depth": 5}, "depth: got 5"),
        ("minima.gradient", {"widths": (2, -2, 1)}, "widths: got"),
    ],
)
def test_bad_options_are_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        derive(name, **options)


def test_inline_mathematics_reads_in_a_terminal() -> None:
    assert plain(r"the $x$ in $\lambda_1^{D+1} \ge \frac{1}{2} \sqrt{ab}$, costs 3") == "the x in λ₁^(D+1) ≥ 1/2 √(ab), costs 3"
    assert plain(r"$\operatorname{diag}(M_i)$ and $W_N$") == "diag(Mᵢ) and W_N"


# -- exact tests -------------------------------------------------------------------------------------------------------


def test_nested_radicals_are_put_back_exactly() -> None:
    x, s, t = sp.symbols("x s t", positive=True)
    lets = (Let(s, root(1 + x)), Let(t, sp.cbrt(2 + s)))
    identity = (t**3 - 2) ** 2 - 1 - x
    assert vanishes(identity, tower(lets))
    assert not vanishes(identity + sp.Rational(1, 10**30), tower(lets))
    assert not vanishes(identity, tower((Let(s, root(1 + 2 * x)), lets[1])))


def test_zero_test_knows_zero_from_small() -> None:
    x = sp.Symbol("x")
    assert vanishes(sp.Integer(0)) and not vanishes(sp.Rational(1, 10**40))
    assert vanishes((x + 1) ** 5 - sum(sp.binomial(5, k) * x**k for k in range(6)))
    with pytest.raises(sp.PolynomialError):
        vanishes(sp.cos(x) ** 2 + sp.sin(x) ** 2 - 1)


def test_split_roots_become_one_relation() -> None:
    x, y, t = sp.symbols("x y t", positive=True)
    symbol, relation = relation_of(Let(t, sp.sqrt(2 * x) / sp.cbrt(y)))
    assert symbol == t and vanishes(relation - (t**6 - 8 * x**3 / y**2))


@pytest.mark.parametrize(("expression", "count"), [("(z-1)**2*(z-3)*(z+5)", 2), ("z**2*(z-1)", 1), ("z**2+1", 0), ("z**3", 0)])
def test_positive_roots_are_counted_once(expression: str, count: int) -> None:
    assert positive_roots(sp.Poly(sp.sympify(expression), sp.Symbol("z"))) == count


def test_a_guard_that_cannot_be_decided_is_an_error() -> None:
    x = sp.Symbol("x")
    argument = theory.derivations.Argument("x", x, "a number")
    formula = Formula("f", (argument,), (Guard(sp.Lt(x, 1), (sp.Integer(0),), "small"),), (Let(x, x),))
    assert formula.evaluate(x=3) == (0,) and formula.evaluate(x=0) == (0,) and formula.evaluate(x=-2) == (-2,)
    with pytest.raises(InvalidInput, match="can be decided"):
        formula.evaluate(x=sp.Symbol("y"))
    with pytest.raises(InvalidInput, match="exactly x"):
        formula.evaluate(y=1)


# -- every derivation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_checks_hold(case: int) -> None:
    outcome = made(case).check()
    assert outcome and all(holds for _, holds in outcome), outcome


def mutants(formula: Formula) -> list[tuple[str, Formula]]:
    """The formula with one let or output scaled; outputs that only name a let are covered by the let."""
    found = []
    for field in ("body", "outputs"):
        lines = getattr(formula, field)
        for place, line in enumerate(lines):
            if isinstance(line, Let) and line.symbol != line.value:
                wrong = dataclasses.replace(line, value=scaled(line.value, line.symbol.name))
                found.append(
                    (line.symbol.name, dataclasses.replace(formula, **{field: (*lines[:place], wrong, *lines[place + 1 :])}))
                )
    return found


def scaled(value: sp.Basic, name: str) -> sp.Basic:
    if name == "residual":  # a multiple has the same zeros
        return value + sp.Rational(1, 1000)
    if isinstance(value, sp.Tuple):
        (first, power), *rest = value
        return sp.Tuple(sp.Tuple(first * sp.Rational(1001, 1000), power), *rest)
    return value * sp.Rational(1001, 1000) if value != 0 else sp.Rational(1, 1000)


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_a_wrong_result_fails_a_check(case: int) -> None:
    derivation = made(case)
    wrong = [(name, formula) for name, formula in mutants(derivation.result) if (IDS[case], name) not in REPEATED]
    survivors = [name for name, formula in wrong if all(check.test(formula) for check in derivation.checks)]
    assert wrong and not survivors


# Depth 2 has these too, from the same code, and they cost a second each at depth 3 and 4.
SHARED = ("Gamma", "kappa", "alpha", "lamda", "h", "omega_2")
REPEATED = {(f"minima.closed_form-{depth}", name) for depth in (3, 4) for name in SHARED}


# -- formats -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_python_runs_and_agrees_with_exact_evaluation(case: int) -> None:
    formula, namespace = made(case).result, {}
    exec(render(made(case), "python"), namespace)
    sample = itertools.cycle([Fraction(3, 2), Fraction(1, 4), Fraction(2), Fraction(1, 3), Fraction(5, 4)])
    values = {item.name: filled(item.pattern, sample) for item in formula.arguments}
    if "G" in values:
        values["G"] = Fraction(40)  # above every threshold: the branch with the radicals
    returned = namespace[formula.name](**values)
    wanted = formula.evaluate(**{name: exact(value) for name, value in values.items()})
    numbers = list(flat(returned))
    assert numbers == pytest.approx([float(sp.N(value, 30)) for value in flat(wanted)], rel=1e-12)
    assert any(numbers)


def filled(pattern: sp.Basic, sample: itertools.cycle[Fraction]) -> object:
    return next(sample) if isinstance(pattern, sp.Symbol) else tuple(filled(part, sample) for part in pattern)


def exact(value: object) -> object:
    return tuple(map(exact, value)) if isinstance(value, tuple) else sp.Rational(value.numerator, value.denominator)


def flat(value: object) -> list[object]:
    if isinstance(value, sp.MatrixBase):
        return list(value)
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, (tuple, sp.Tuple)) else [value]


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_pretty_shows_every_step_in_unicode(case: int) -> None:
    text = render(made(case), "pretty")
    for number, step in enumerate(made(case).steps, 1):
        assert f"{number}. {plain(step.title)}" in text
    assert "$" not in text and "\\" not in text and "{" not in text
    assert max(map(len, text.splitlines())) <= 160


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_latex_is_balanced(case: int) -> None:
    text = re.sub(r"(?m)^%.*$", "", render(made(case), "latex"))
    assert text.count("{") == text.count("}") and text.count("$") % 2 == 0
    assert sorted(re.findall(r"\\begin\{(\S+?)\}", text)) == sorted(re.findall(r"\\end\{(\S+?)\}", text))
    assert len(re.findall(r"\\left", text)) == len(re.findall(r"\\right", text))
    assert text.isascii()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path: Path) -> None:
    body = "\n".join(render(made(case), "latex") for case in range(len(CASES)))
    head = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
    (tmp_path / "all.tex").write_text(head + body + "\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout[-2000:]


def test_unknown_format_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one of pretty, latex, python"):
        render(made(0), "html")
