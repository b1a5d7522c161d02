"""The theorems B9, B12, B13 and B14 of the family `minima`: proofs, witnesses, limits, false variants, random instances."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import evidence
from theory import kernel
from theory.certificates import EvidenceError, Step, at_point, derivation
from theory.statement import conditions
from theory.theorem import Claim, Counterexample
from theory.theorems.minima import closed_form, origin, scalar_equation, transition
from theory.theorems.minima.several_roots import SECOND

MODULES = {"B9": scalar_equation, "B12": closed_form, "B13": origin, "B14": transition}
each_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())

# What must be proved: (claims at all widths, claims about all real numbers).
SCOPES = {"B9": (20, 3), "B12": (3, 31), "B13": (26, 0), "B14": (29, 8)}


@cache
def claims(sheet: str) -> tuple[Claim, ...]:
    return tuple(MODULES[sheet].THEOREM.claims())


def refutations(sheet: str) -> list[Counterexample]:
    return [*MODULES[sheet].sharpness(), *MODULES[sheet].refutations()]


def certificate(claim: Claim) -> dict[str, Any]:
    assert claim.steps is not None
    return derivation(claim.statement.lowered(), claim.steps, sizes=claim.statement.sizes)


def _cases(make: Any) -> Any:
    found = [(sheet, k, x) for sheet in MODULES for k, x in enumerate(make(sheet))]
    return pytest.mark.parametrize("x", [x for _, _, x in found], ids=[f"{s}-{x.statement.name}-{k}" for s, k, x in found])


@_cases(claims)
def test_the_kernel_accepts_every_claim_within_its_time(x: Claim) -> None:
    start = time.perf_counter()
    judgement = kernel.check(certificate(x))
    assert (judgement.claim, judgement.name) == ("proved", x.statement.name)
    assert time.perf_counter() - start < 3


@_cases(claims)
def test_every_hypothesis_has_an_exact_witness(x: Claim) -> None:
    if not x.statement.given:
        assert x.witness is None
        return
    assert x.witness is not None
    at = at_point(x.statement.lowered(x.at), x.witness, "satisfiable")
    assert kernel.check(at).claim == "satisfiable"


@_cases(claims)
def test_a_conclusion_shifted_by_a_little_is_not_proved(x: Claim) -> None:
    """The same evidence does not prove the scalar conclusions with a small number subtracted."""
    epsilon, then = sympy.Rational(1, 10**6), conditions(x.statement.then)
    scalars = [k for k, c in enumerate(then) if not isinstance(c.expression, sympy.MatrixExpr)]
    for k in scalars:
        shifted = [replace(c, expression=c.expression - epsilon) if i == k else c for i, c in enumerate(then)]
        with pytest.raises((kernel.Rejected, EvidenceError)):
            kernel.check(certificate(replace(x, statement=replace(x.statement, then=tuple(shifted)))))


@_cases(claims)
def test_no_step_is_idle_in_its_sign(x: Claim) -> None:
    """The negative of a fact is never proved by the negative evidence."""
    assert x.steps is not None
    last = x.steps[-1]
    if last.relation == "==" or last.rule != "sign":
        return
    wrong = Step(last.relation, -1 * last.term, -1 * last.by, last.times)
    with pytest.raises((kernel.Rejected, EvidenceError)):
        kernel.check(certificate(replace(x, steps=(*x.steps[:-1], wrong))))


@_cases(refutations)
def test_limits_and_false_variants_are_refuted(x: Counterexample) -> None:
    assert kernel.check(at_point(x.statement.lowered(), x.point, "refuted")).claim == "refuted"


@each_module
def test_each_theorem_is_complete(module: ModuleType) -> None:
    t = module.THEOREM
    assert len(t.variants()) >= 8 and len(t.sharpness()) >= 3
    assert [s.name for s in t.variants()] == [c.statement.name for c in module.refutations()]
    names = [c.statement.name for c in t.claims()]
    assert len(set(names)) == len(names)
    text = module.__doc__ or ""
    heads = ("Setting", "Hypotheses", "Conclusion", "Form", "Scope of proof", "Why", "Sharpness", "Source")
    assert [text.index(f"\n{h}:") for h in heads] == sorted(text.index(f"\n{h}:") for h in heads)


@pytest.mark.parametrize("sheet", MODULES)
def test_scopes(sheet: str) -> None:
    scopes = [c.statement.lowered().scope for c in claims(sheet)]
    assert (sum(s.startswith("all widths") for s in scopes), scopes.count("all real numbers")) == SCOPES[sheet]
    assert sum(SCOPES[sheet]) == len(scopes)


@each_module
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**9), which=st.integers(0, 9))
def test_random_exact_instances_hold(module: ModuleType, seed: int, which: int) -> None:
    """At random rational points the hypotheses hold (or the sampler is at fault) and so do the conclusions."""
    t = module.THEOREM
    found = evidence.certify(t, t.certified_at[which % len(t.certified_at)], 1, seed=seed)
    assert (found.grade, found.instances) == ("CERTIFIED", 1)


@each_module
def test_instances_at_the_sizes_of_the_theorem(module: ModuleType) -> None:
    t = module.THEOREM
    assert {evidence.certify(t, w, 3, seed=5).grade for w in t.certified_at} == {"CERTIFIED"}
    found = [evidence.support(t, w, 64, seed=5) for w in t.supported_at]
    assert {f.grade for f in found} == {"SUPPORTED"} and sum(f.instances for f in found) > 0


def test_the_four_roots_are_where_they_are_said_to_be() -> None:
    """psi at the roots of the instance A = diag(1, 100), g = (1, 7/2), Gamma = 1/10, by an independent root finder."""
    x, b = sympy.symbols("x b")
    length = (x + 100) ** 2 + SECOND * (x + 1) ** 2
    polynomial = sympy.Poly(((x + 1) * (x + 100)) ** 4 - 10 * x**3 * length**2, x)
    psi = 2 * b - b**2 / (b**2 + sympy.Rational(1, 10)) - SECOND * b**2 / (100 * b**2 + sympy.Rational(1, 10))
    roots = [sympy.sqrt(sympy.Rational(1, 10) / r) for r in sympy.real_roots(polynomial) if r > 0]
    values = [(float(r.evalf(15)), float(psi.subs(b, r.evalf(30)))) for r in roots]
    expected = [(0.226236, -0.00622926), (0.129511, -0.000223944), (0.0477613, -0.0119455), (0.00860843, 0.00802479)]
    assert len(values) == 4
    for (r, v), (s, w) in zip(values, expected, strict=True):
        assert abs(r - s) < 1e-6 and abs(v - w) < 1e-7


def test_the_values_of_the_transition_at_named_points() -> None:
    """psi(8) = -16/3 at G = Gamma = 1, alpha = 1/32, D = 2: the loss at the exact counterexample, computed by hand."""
    point = transition.sharpness()[0].point
    w1, w2, w3 = (Fraction(str(point[f"W{i}"][0][0])) for i in (1, 2, 3))
    v = w1 * w2 * w3
    decay = sum(Fraction(str(point[f"gamma{i}"])) * w**2 for i, w in ((1, w1), (2, w2), (3, w3)))
    assert Fraction(1, 32) * v**2 - 2 * v + decay == Fraction(-16, 3)
