"""The derived flows of alignment: checks that pass, checks that notice a wrong result, options, formats."""

from __future__ import annotations

import dataclasses
import functools
import re

import pytest
import sympy as sp

from theory.derivations import Derivation, Formula, Let, derive, recipes, render
from theory.derivations.alignment import flow, matrix_loss, mode_loss, values
from theory.derivations.alignment_balanced_flow import hypergeometric
from theory.errors import InvalidInput

CASES = [
    *(("alignment.balanced_flow", depth) for depth in range(1, 7)),
    *(("alignment.zero_target_flow", depth) for depth in (2, 3, 5)),
    ("alignment.unbalanced_flow", 0),
]
each = pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{n.split('.')[1]}-{d}" for n, d in CASES])


@functools.cache
def made(case: int) -> Derivation:
    name, depth = CASES[case]
    return derive(name, **({"depth": depth} if depth else {}))


@each
def test_every_check_holds(case: int) -> None:
    checks = made(case).check()
    assert len(checks) >= 2 and all(holds for _, holds in checks), checks


def spoiled(formula: Formula) -> Formula:
    """The output multiplied by 1 + 10^-9."""
    (out,) = formula.outputs
    return dataclasses.replace(formula, outputs=(Let(out.symbol, out.value * (1 + sp.Rational(1, 10**9))),))


@each
def test_the_checks_notice_a_wrong_result(case: int) -> None:
    derivation = made(case)
    wrong = dataclasses.replace(derivation, result=spoiled(derivation.result))
    assert not all(holds for _, holds in wrong.check())


def test_the_checks_notice_a_wrong_rate() -> None:
    fast = lambda e: e.replace(sp.exp, lambda x: sp.exp(2 * x))  # noqa: E731
    for name, depth in (("alignment.balanced_flow", 2), ("alignment.unbalanced_flow", 0)):
        derivation = derive(name, **({"depth": depth} if depth else {}))
        body = tuple(Let(x.symbol, fast(x.value)) for x in derivation.result.lets)
        outputs = tuple(Let(x.symbol, fast(x.value)) for x in derivation.result.outputs)
        wrong = dataclasses.replace(derivation, result=dataclasses.replace(derivation.result, body=body, outputs=outputs))
        assert not all(holds for _, holds in wrong.check()), name


@each
def test_every_format_renders_and_python_runs(case: int) -> None:
    derivation = made(case)
    text = render(derivation, "pretty")
    assert derivation.name in text and "\\" not in text
    assert render(derivation, "latex")
    compile(render(derivation, "python"), derivation.name, "exec")


def test_recipes_are_found() -> None:
    assert {name for name, _ in CASES} <= set(recipes())


@pytest.mark.parametrize(
    ("name", "depth", "message"),
    [("alignment.balanced_flow", 0, "1 to 6"), ("alignment.balanced_flow", 7, "1 to 6"),
     ("alignment.zero_target_flow", 1, "2 to 6"),
     ("alignment.balanced_flow", True, "1 to 6")],
)  # fmt: skip
def test_bad_depths_are_named(name: str, depth: int, message: str) -> None:
    with pytest.raises(
        InvalidInput, match=re.escape(f"depth: got {depth}, expected a number of weight matrices from {message}")
    ):
        derive(name, depth=depth)


def test_flows_are_minus_the_gradient_by_differences() -> None:
    for depth in range(1, 5):
        sigma, point = values(depth), [sp.Rational(k + 2, 3) for k in range(depth)]
        data = {sp.Symbol("s", positive=True): sp.Rational(3, 2), sp.Symbol("c", real=True): sp.Rational(-5, 7)}
        at = dict(zip(sigma, point, strict=True))
        for i, rate in enumerate(flow(depth).values()):
            products = [sp.prod(x + h * (j == i) for j, x in enumerate(point)) for h in (1, -1)]
            ends = [mode_loss(x).subs(data) for x in products]
            assert rate.subs(at).subs(data) == -(ends[0] - ends[1]) / 2


def test_the_loss_of_two_modes_separates() -> None:
    for depth in range(1, 5):
        whole, parts = matrix_loss(depth)
        assert sp.expand(whole - parts) == 0


def test_depth_four_is_the_inverse_hyperbolic_tangent() -> None:
    """F = -1/(2 c b^2) + sqrt(s)/(2 c^{3/2}) artanh(sqrt(s/c) b^2), against the derived time and the hypergeometric form."""
    derivation = derive("alignment.balanced_flow", depth=4)
    b, s, c = sp.Rational(3, 5), sp.Rational(2, 3), sp.Rational(5, 7)
    F = lambda x: -1 / (2 * c * x**2) + sp.sqrt(s) / (2 * c ** sp.Rational(3, 2)) * sp.atanh(sp.sqrt(s / c) * x**2)  # noqa: E731
    start = sp.Rational(1, 3)
    (found,) = derivation.result.evaluate(b=b, b_0=start, s=s, c=c)
    series = hypergeometric(4, b, s, c) - hypergeometric(4, start, s, c)
    assert abs(sp.N(found - (F(b) - F(start)), 40)) < sp.Rational(1, 10**38)
    assert abs(sp.N(series, 40) - sp.N(F(b) - F(start), 40)) < sp.Rational(1, 10**36)
