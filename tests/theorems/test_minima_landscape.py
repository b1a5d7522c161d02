"""B8, B10, B11, B15, B16, B17, B19, B20: proofs, witnesses, limits, false variants, instances, and naive evaluations."""

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
from theory.terms import term
from theory.theorem import Claim, Counterexample
from theory.theorems.minima import (
    bad_minima,
    bad_minima_instances,
    energy_bounds,
    flow_laws,
    jump,
    only_zero,
    prediction_variance,
    root_count,
    stationary_points,
)

MODULES: dict[str, ModuleType] = {
    "B8": stationary_points,
    "B10": root_count,
    "B11": bad_minima,
    "B15": jump,
    "B16": energy_bounds,
    "B17": only_zero,
    "B19": flow_laws,
    "B20": prediction_variance,
}
each_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())

# What must be proved: (claims at all widths, claims at given widths, claims about all real numbers).
SCOPES = {"B8": (16, 6, 0), "B10": (2, 0, 7), "B11": (8, 0, 1), "B15": (6, 0, 5), "B16": (14, 0, 3), "B17": (16, 0, 4)}
SCOPES |= {"B19": (18, 3, 0), "B20": (12, 3, 8)}


@cache
def claims(sheet: str) -> tuple[Claim, ...]:
    return tuple(MODULES[sheet].THEOREM.claims())


@cache
def limits(sheet: str) -> tuple[tuple[Counterexample, ...], tuple[Counterexample, ...]]:
    """The sharpness table and the false variants."""
    return tuple(MODULES[sheet].THEOREM.sharpness()), tuple(MODULES[sheet].refutations())


def certificate(claim: Claim) -> dict[str, Any]:
    assert claim.steps is not None
    return derivation(claim.statement.lowered(), claim.steps, sizes=claim.statement.sizes)


@pytest.mark.parametrize("sheet", MODULES)
def test_the_kernel_accepts_every_claim_at_its_scope_with_a_witness(sheet: str) -> None:
    start = time.process_time()
    scopes = []
    for claim in claims(sheet):
        judgement = kernel.check(certificate(claim))
        assert (judgement.claim, judgement.name) == ("proved", claim.statement.name)
        scopes.append(claim.statement.lowered().scope)
        if not claim.statement.given:
            assert claim.witness is None
            continue
        assert claim.witness is not None
        at = at_point(claim.statement.lowered(claim.at), claim.witness, "satisfiable")
        assert kernel.check(at).claim == "satisfiable"
    words, numbers = sum(s.startswith("all widths") for s in scopes), scopes.count("all real numbers")
    assert (words, len(scopes) - words - numbers, numbers) == SCOPES[sheet]
    assert len({c.statement.name for c in claims(sheet)}) == len(scopes)
    assert time.process_time() - start < 8


@pytest.mark.parametrize("sheet", MODULES)
def test_no_proof_shows_more_than_it_says(sheet: str) -> None:
    """The evidence cut short proves nothing, and none of it proves a scalar conclusion with a small number subtracted."""
    for claim in claims(sheet)[::3]:
        if len(claim.steps or ()) > 1:
            cut = Claim(claim.statement, (claim.steps or ())[:-1])
            with pytest.raises((kernel.Rejected, EvidenceError)):
                kernel.check(certificate(cut))
        last = (claim.steps or ())[-1]
        if last.rule == "sign" and last.relation != "==":
            wrong = Step(last.relation, (-term(last.term)).node, (-term(last.by)).node, last.times)
            with pytest.raises((kernel.Rejected, EvidenceError)):
                kernel.check(certificate(Claim(claim.statement, (*(claim.steps or ())[:-1], wrong))))


@pytest.mark.parametrize("sheet", MODULES)
def test_a_shifted_conclusion_is_not_proved(sheet: str) -> None:
    epsilon = sympy.Rational(1, 10**6)
    for claim in claims(sheet)[::4]:
        then = conditions(claim.statement.then)
        k = next((k for k, c in enumerate(then) if isinstance(c.expression, sympy.Expr)
                  and not isinstance(c.expression, sympy.MatrixExpr)), None)  # fmt: skip
        if k is None:
            continue
        shifted = tuple(replace(c, expression=c.expression - epsilon) if i == k else c for i, c in enumerate(then))
        with pytest.raises((kernel.Rejected, EvidenceError)):
            kernel.check(certificate(replace(claim, statement=replace(claim.statement, then=shifted))))


@pytest.mark.parametrize("sheet", MODULES)
def test_limits_and_false_variants_are_refuted(sheet: str) -> None:
    sharp, false = limits(sheet)
    assert len(sharp) >= 4 and len(false) >= 8
    examples = [*sharp, *false]
    for x in examples:
        assert kernel.check(at_point(x.statement.lowered(), x.point, "refuted")).claim == "refuted", x.drops
    assert len({x.statement.name for x in examples}) == len(examples)


@each_module
def test_each_theorem_is_documented(module: ModuleType) -> None:
    heads = ("Setting", "Hypotheses", "Conclusion", "Form", "Scope of proof", "Why", "Sharpness", "Source")
    places = [(module.__doc__ or "").index(f"\n{h}:") for h in heads]
    assert places == sorted(places)


@each_module
def test_instances_at_the_sizes_of_the_theorem(module: ModuleType) -> None:
    t = module.THEOREM
    assert {evidence.certify(t, w, 1, seed=7).grade for w in t.certified_at[-1:]} == {"CERTIFIED"}
    found = [evidence.support(t, t.supported_at[0], 64, seed=7)]
    assert {f.grade for f in found} == {"SUPPORTED"} and min(f.instances for f in found) > 0


def test_the_conjecture_is_nowhere_claimed() -> None:
    t = stationary_points.THEOREM
    assert "CONJECTURE" in t.note and "CONJECTURE" in (stationary_points.__doc__ or "")
    assert not [c for c in claims("B8") if "minim" in c.statement.name.split(".")[-1]]


# -- naive evaluations ---------------------------------------------------------------------------------------------------

positive = st.fractions(Fraction(1, 9), 9, max_denominator=9)


def thin_loss(layers: list[Fraction], a: Fraction, g: Fraction, decays: list[Fraction], noise: list[Fraction]) -> Fraction:
    """L - Y for widths 1."""
    v, kappa = Fraction(1), Fraction(1)
    for w in layers:
        v *= w
    for s in noise:
        kappa *= 1 + s
    return kappa * a * v**2 - 2 * g * v + sum((c * w**2 for c, w in zip(decays, layers, strict=True)), Fraction(0))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), positive, positive, positive, st.fractions(1, 4, max_denominator=4))
def test_the_bounds_at_a_root_with_one_input(D: int, lam: Fraction, g: Fraction, a: Fraction, kappa: Fraction) -> None:
    z = g / (kappa * a + lam)
    b, q = lam * z**2, g**2 / a
    gamma = lam * b**D
    assert gamma < g**2 * b ** (D - 1) and 4 * kappa * b <= q and (kappa * a) ** 2 * b ** (D + 1) < gamma * g**2
    assert b ** (D + 1) == gamma * z**2
    if D * b <= g * z:
        assert D**2 * gamma <= g**2 * b ** (D - 1) and D**2 * kappa * b <= (D - 1) * q


@settings(max_examples=40, deadline=None)
@given(st.lists(positive, min_size=3, max_size=5), positive, positive, st.data())
def test_no_point_below_zero_is_near_it(layers: list[Fraction], a: Fraction, g: Fraction, data: st.DataObject) -> None:
    N = len(layers)
    decays = [data.draw(positive) for _ in layers]
    noise = [data.draw(st.fractions(0, 3, max_denominator=3)) for _ in layers[1:]]
    v, gamma = Fraction(1), Fraction(1)
    for w, c in zip(layers, decays, strict=True):
        v, gamma = v * w, gamma * c
    if thin_loss(layers, a, g, decays, noise) <= 0:
        assert N ** (2 * N) * gamma**2 <= 4**N * g ** (2 * N) * v ** (2 * (N - 2))


def test_the_bad_minimum_of_one_input_by_hand() -> None:
    """A = 1, g = 2, W = (2/3, 1, 1), decays 2, 8/9, 8/9: L - Y = 4/9, and all nearby points are above it."""
    layers, decays = [Fraction(2, 3), Fraction(1), Fraction(1)], [Fraction(2), Fraction(8, 9), Fraction(8, 9)]
    here = thin_loss(layers, Fraction(1), Fraction(2), decays, [Fraction(0)] * 2)
    assert here == Fraction(4, 9) > 0
    assert decays[0] * decays[1] * decays[2] == Fraction(128, 81)
    for step in (Fraction(1, 10), Fraction(-1, 10)):
        for k in range(3):
            moved = [w + step * (i == k) for i, w in enumerate(layers)]
            assert thin_loss(moved, Fraction(1), Fraction(2), decays, [Fraction(0)] * 2) > here


def test_the_second_minimum_is_bad_and_below_zero() -> None:
    level = bad_minima_instances.level
    assert level(bad_minima_instances.ENERGY) == bad_minima_instances.LEVEL
    assert level(bad_minima_instances.LOWER) < bad_minima_instances.LEVEL < 0


@pytest.mark.parametrize("hidden", root_count.NEAR)
def test_the_instances_are_just_above_the_threshold(hidden: int) -> None:
    limit = sympy.Rational(14 * hidden**2 - 2, hidden**2 - 1)
    for table, factor in ((root_count.NEAR, sympy.Rational(1001, 1000)), (root_count.WIDE, sympy.Rational(51, 50))):
        low, high = root_count.eigenvalues(hidden, table[hidden])
        assert limit < high / low + low / high < factor * limit


def test_the_fold_of_two_hidden_layers_by_hand() -> None:
    """A = g = 1, W = (1/4, 1, 1), decays 3, 3/16, 3/16: every derivative of the loss vanishes, Gamma = 27/256."""
    layers, decays = [Fraction(1, 4), Fraction(1), Fraction(1)], [Fraction(3), Fraction(3, 16), Fraction(3, 16)]
    assert decays[0] * decays[1] * decays[2] == Fraction(27, 256)
    for k in range(3):
        at = [thin_loss([w + s * (i == k) for i, w in enumerate(layers)], Fraction(1), Fraction(1), decays, [Fraction(0)] * 2)
              for s in (1, -1)]  # fmt: skip
        assert at[0] == at[1]


def test_a_start_below_zero_never_reaches_zero() -> None:
    """The instance of the note: D = 2, A = 1, g = 5/2, decays 1, 1, 1/4, W = (1, 1, 2) has L - Y = -3."""
    F = Fraction
    decays = [F(1), F(1), F(1, 4)]
    assert thin_loss([F(1), F(1), F(2)], F(1), F(5, 2), decays, [F(0), F(0)]) == -3
