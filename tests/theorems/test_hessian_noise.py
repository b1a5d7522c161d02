"""Noise on the valley: claims, sharpness, false variants, and the numbers of the exact examples by other means."""

from __future__ import annotations

import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from numerics.draws import Degenerate, ExactDraw
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.rational import Rational
from theory.certificates import at_point
from theory.provers import Budget
from theory.provers.points import counterexample
from theory.provers.proof import prove
from theory.statement import Lowered
from theory.theorem import Theorem
from theory.theorems.hessian import (
    effective_flow,
    flow_limit,
    isotropic_noise,
    misaligned_noise,
    one_step_expectation,
    scalar_chain,
    spectral_noise,
    stationary_fluctuation,
    two_scalars,
)

MODULES = (
    flow_limit,
    spectral_noise,
    effective_flow,
    two_scalars,
    scalar_chain,
    isotropic_noise,
    misaligned_noise,
    one_step_expectation,
    stationary_fluctuation,
)
THEOREMS = [m.THEOREM for m in MODULES]
each_theorem = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.sheet)
# Claims at all widths, and at given sizes or about scalars.
SCOPES = {
    "H4": (2, 3),
    "H5": (4, 6),
    "H6": (4, 3),
    "H8": (1, 8),
    "H9": (0, 19),
    "H12": (0, 3),
    "H13": (0, 12),
    "H14": (0, 4),
    "H17": (1, 1),
}


def accepts(s: Lowered, point: Mapping[str, Any], claim: str) -> bool:
    try:
        return kernel.check(at_point(s, point, claim)).claim == claim
    except kernel.Rejected:
        return False


@each_theorem
def test_every_claim_is_proved_with_a_witness_at_its_scope_in_time(theorem: Theorem) -> None:
    start, counts = time.process_time(), [0, 0]
    for claim in theorem.claims():
        proof = prove(claim.statement, claim.steps, witness=claim.witness, at=claim.at)
        assert proof.proved, proof
        counts[not proof.statement.dims] += 1
    assert tuple(counts) == SCOPES[theorem.sheet]
    assert time.process_time() - start < 5


@each_theorem
def test_every_hypothesis_is_needed(theorem: Theorem) -> None:
    for example in theorem.sharpness():
        assert accepts(example.statement.lowered(), example.point, "refuted"), example.drops


def drawn(theorem: Theorem, count: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for k in range(50 if theorem.sample else 0):
        try:
            assert theorem.sample is not None
            found.append(theorem.sample(ExactDraw(k), theorem.certified_at[0]).values)
        except Degenerate:
            continue
        if len(found) == count:
            break
    return found


def refuted(s: Lowered, points: list[Mapping[str, Any]]) -> bool:
    names = {str(v.data[0]) for v in s.variables}
    fitting = ({n: p[n] for n in names} for p in points if names <= set(p))
    return any(accepts(s, p, "refuted") for p in fitting) or bool(counterexample(s, Budget(seconds=10)).found)


@each_theorem
def test_every_false_variant_is_refuted_and_not_proved(theorem: Theorem) -> None:
    points = [*(c.point for c in theorem.sharpness()), *drawn(theorem, 4)]
    variants = list(theorem.variants())
    assert len({v.name for v in variants}) == len(variants) >= 4
    for v in variants:
        assert refuted(v.lowered(), points), v.name


def test_there_are_fifty_false_variants() -> None:
    assert sum(len(list(t.variants())) for t in THEOREMS) >= 50


# -- by other means -----------------------------------------------------------------------------------------------------

F = st.fractions(min_value=-3, max_value=3, max_denominator=4)
POSITIVE = st.fractions(min_value=Fraction(1, 4), max_value=3, max_denominator=4)
few = settings(max_examples=20, deadline=None, derandomize=True)


@few
@given(st.lists(F, min_size=2, max_size=5), F, F, F)
def test_a_step_of_a_chain_by_hand(w: list[Fraction], y: Fraction, delta: Fraction, eta: Fraction) -> None:
    """Gradients of the loss by differences of step 1: exact, since the loss is quadratic in every single weight."""

    def loss(x: list[Fraction]) -> Fraction:
        p = Fraction(1)
        for a in x:
            p *= a
        return (p - y - delta) ** 2 / 2

    def slope(i: int) -> Fraction:
        up, down = ([*w[:i], w[i] + s, *w[i + 1 :]] for s in (1, -1))
        return (loss(up) - loss(down)) / 2

    after = [a - eta * slope(i) for i, a in enumerate(w)]
    p = Fraction(1)
    for a in w:
        p *= a
    for i in range(len(w)):
        for j in range(i):
            others = Fraction(1)
            for k, a in enumerate(w):
                others *= a if k not in (i, j) else 1
            shrunk = (w[i] ** 2 - w[j] ** 2) * (1 - (eta * (p - y - delta) * others) ** 2)
            assert after[i] ** 2 - after[j] ** 2 == shrunk


@few
@given(POSITIVE, POSITIVE, st.fractions(min_value=0, max_value=4, max_denominator=8))
def test_the_trace_at_the_limit_goes_down_exactly_up_to_two(w1: Fraction, w2: Fraction, push: Fraction) -> None:
    """Tr^2 = D^2 + 4 y^2 with D^+ = D (1 - push)."""
    D = w2**2 - w1**2
    assume(D != 0)
    before, after = D**2, (D * (1 - push)) ** 2
    assert (after <= before) == (push <= 2) and (after < before) == (0 < push < 2)


def test_the_velocities_of_the_small_network_by_sympy() -> None:
    """-(c/4) times the gradient on the curve, by differentiating Tr H and log pdet H along it: cases c H and c P_N."""
    w, Y, c = sympy.symbols("w Y c", positive=True)
    metric = 1 + (Y / w**2) ** 2  # |d(w, Y/w, 0)/dw|^2
    trace, logdet = 2 * w**2 + Y**2 / w**2, sympy.log(w**4 + Y**2)
    aligned = -c / 2 * w * (2 * w**4 - Y**2) / (w**4 + Y**2)
    isotropic = -c * w**7 / (w**4 + Y**2) ** 2
    assert sympy.simplify(aligned + c / 4 * sympy.diff(trace, w) / metric) == 0
    assert sympy.simplify(isotropic + c / 4 * sympy.diff(logdet, w) / metric) == 0
    at = {Y: 1, w: sympy.Rational(1, 2), c: 1}
    rates = [(f * sympy.diff(g, w)).subs(at) for f in (aligned, isotropic) for g in (trace, logdet)]
    assert rates == [sympy.Rational(-49, 17), sympy.Rational(28, 289), sympy.Rational(28, 289), sympy.Rational(-16, 4913)]


def test_the_points_of_the_small_network_are_these_numbers() -> None:
    for name, rates in {"aligned": ("-49/17", "28/289"), "isotropic_normal": ("28/289", "-16/4913")}.items():
        assert (misaligned_noise.POINTS[name]["a"], misaligned_noise.POINTS[name]["b"]) == rates


def test_the_second_derivative_of_the_limit_by_sympy() -> None:
    """Phi = sqrt((r -+ D) / 2), r = sqrt(D^2 + 4 y^2), differentiated twice at w = (1, 2), y = 2 along v = (1, 3)."""
    w1, w2, e = sympy.symbols("w1 w2 e")
    D = w2**2 - w1**2
    r = sympy.sqrt(D**2 + 16)
    point = {w1: 1 + e, w2: 2 + 3 * e}
    limits = [sympy.sqrt((r - s * D) / 2).subs(point) for s in (1, -1)]
    bends = [sympy.nsimplify(sympy.diff(x, e, 2).subs(e, 0) / 2) for x in limits]
    assert bends == [sympy.Rational(str(flow_limit.POINT[k])) for k in ("b1", "b2")]


def test_the_trace_goes_from_25_to_97_and_from_5_to_505() -> None:
    point = {k: Rational().num(Fraction(x)) for k, x in two_scalars.LARGE_STEP.items()}
    before, after = evaluate([two_scalars.D.node, two_scalars.imbalance(two_scalars.stepped()).node], Rational(), point)
    assert (before, after) == (3, -9) and before**2 + 16 == 25 and after**2 + 16 == 97
    s, eta = Fraction(1), Fraction(1, 10)
    moved = [((1 - eta * d * 2) ** 2 + (2 - eta * d) ** 2, (2 - eta * d) ** 2 - (1 - eta * d * 2) ** 2) for d in (s, -s)]
    assert [sum(x) / 2 for x in zip(*moved, strict=True)] == [Fraction(505, 100), 3 * (1 - Fraction(1, 100))]


def test_isotropic_noise_increases_the_trace_by_sympy() -> None:
    """(c/2)(F'/g)' for F = Tr and log pdet, and the Laplacian of F(Phi)."""
    x, y, c = sympy.symbols("x y c", positive=True)
    g = 2 * y * sympy.cosh(2 * x)
    rates = [sympy.simplify(c / 2 * sympy.diff(sympy.diff(f, x) / g, x)) for f in (g, sympy.log(g))]
    C = sympy.cosh(2 * x)
    claimed = [2 * c / C**2, c / y * (2 - C**2) / C**3]
    assert all(abs(complex((a - b).subs({x: 0.3, y: 1.7, c: 0.9}))) < 1e-12 for a, b in zip(rates, claimed, strict=True))
    w1, w2 = sympy.symbols("w1 w2")
    T = sympy.sqrt((w2**2 - w1**2) ** 2 + 4)
    laplacian = sum(sympy.diff(T, v, 2) for v in (w1, w2)).subs({w1: 1, w2: 1})
    assert laplacian / 2 == 2


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m not in (scalar_chain, stationary_fluctuation)], ids=lambda m: m.THEOREM.sheet
)
def test_the_words_of_the_paper_need_a_hypothesis(module: Any) -> None:
    assert len(module.THEOREM.note) > 100
