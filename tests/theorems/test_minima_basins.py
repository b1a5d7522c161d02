"""The theorem about the basins of the origin: proofs, witnesses, limits, false variants, random exact points."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

from theory import kernel
from theory.certificates import EvidenceError, Step, at_point, derivation
from theory.statement import conditions
from theory.theorem import Claim, Counterexample
from theory.theorems.minima import basins, dead_neurons


@cache
def claims() -> tuple[Claim, ...]:
    return tuple(basins.THEOREM.claims())


def certificate(claim: Claim) -> dict[str, Any]:
    assert claim.steps is not None
    return derivation(claim.statement.lowered(), claim.steps, sizes=claim.statement.sizes)


each_claim = pytest.mark.parametrize("x", claims(), ids=lambda c: c.statement.name)


@each_claim
def test_the_kernel_accepts_every_claim_within_its_time(x: Claim) -> None:
    start = time.process_time()
    judgement = kernel.check(certificate(x))
    assert (judgement.claim, judgement.name) == ("proved", x.statement.name)
    assert time.process_time() - start < 3


@each_claim
def test_every_hypothesis_has_an_exact_witness(x: Claim) -> None:
    assert x.witness is not None
    assert kernel.check(at_point(x.statement.lowered(x.at), x.witness, "satisfiable")).claim == "satisfiable"


@each_claim
def test_a_conclusion_shifted_by_a_little_is_not_proved(x: Claim) -> None:
    epsilon, then = Rational(1, 10**6), conditions(x.statement.then)
    scalars = [k for k, c in enumerate(then) if not isinstance(c.expression, sympy.MatrixExpr)]
    for k in scalars:
        shifted = [replace(c, expression=c.expression - epsilon) if i == k else c for i, c in enumerate(then)]
        with pytest.raises((kernel.Rejected, EvidenceError)):
            kernel.check(certificate(replace(x, statement=replace(x.statement, then=tuple(shifted)))))


@each_claim
def test_a_proof_without_one_of_its_steps_is_rejected(x: Claim) -> None:
    steps: tuple[Step, ...] = x.steps or ()
    for k in {0, len(steps) // 2, len(steps) - 1}:
        with pytest.raises((kernel.Rejected, EvidenceError)):
            kernel.check(certificate(replace(x, steps=(*steps[:k], *steps[k + 1 :]))))


@each_claim
def test_every_equation_among_the_hypotheses_is_used(x: Claim) -> None:
    special = [c for c in conditions(x.statement.given) if c.relation == "=="]
    for c in special:
        rest = tuple(d for d in conditions(x.statement.given) if d is not c)
        with pytest.raises((kernel.Rejected, EvidenceError)):
            kernel.check(certificate(replace(x, statement=replace(x.statement, given=rest))))


REFUTED = [*basins.sharpness(), *basins.refutations()]


@pytest.mark.parametrize("x", REFUTED, ids=lambda c: c.drops)
def test_limits_and_false_variants_are_refuted(x: Counterexample) -> None:
    assert kernel.check(at_point(x.statement.lowered(), x.point, "refuted")).claim == "refuted"


def test_the_theorem_is_complete() -> None:
    scopes = [c.statement.lowered().scope for c in claims()]
    assert [sum(x.startswith(s) for x in scopes) for s in ("all widths", "all real", "widths (1, 1, 1, 1)")] == [23, 3, 1]
    assert len(basins.sharpness()) == 9 and len(basins.variants()) == 12


small = st.builds(Rational, st.integers(-6, 6), st.sampled_from([2, 4, 8]))
positive = st.builds(Rational, st.integers(1, 6), st.sampled_from([1, 2, 4]))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(3, 4))
def test_inside_the_ball_and_the_level_set_the_norm_falls(data: st.DataObject, depth: int) -> None:
    """d|theta|^2/dt < 0 at random exact points, with the derivative of SymPy along the line through zero."""
    widths = [data.draw(st.integers(1, 2)) for _ in range(depth)] + [1]
    layers = [sympy.Matrix(r, c, lambda *_: data.draw(small)) for c, r in pairwise(widths)]
    decay = [data.draw(positive) for _ in layers]
    a, g = sympy.eye(widths[0]) * data.draw(positive), sympy.Matrix(widths[0], 1, lambda *_: data.draw(small))
    t, v, signal = sympy.Symbol("t"), sympy.eye(widths[0]), (g.T * g)[0]
    for w in layers:
        v = w * v
    rho = sum((w.T * w).trace() for w in layers)
    penalty = sum(c * (w.T * w).trace() for c, w in zip(decay, layers, strict=True))
    loss = t ** (2 * depth) * (v * a * v.T)[0] - 2 * t**depth * (v * g)[0] + t**2 * penalty
    pull = sympy.diff(loss, t).subs(t, 1)
    if rho and signal * rho ** (depth - 2) < depth ** (depth - 2) * min(decay) ** 2:
        assert pull > 0
    product, power = sympy.prod(decay), depth - 2
    # |v| < t_0 and L - E[y^2] < (N - 2)|g| t_0, without roots: t_0^(N-2) = Gamma/|g|^N.
    near = (v * v.T)[0] ** power * signal**depth < product**2
    height = loss.subs(t, 1)
    low = height <= 0 or height ** (2 * power) * signal ** (depth - power) < power ** (2 * power) * product**2
    if rho and signal and near and low:
        assert pull > 0 and height > 0


# -- neurons that are zero ------------------------------------------------------------------------------------------------

DEAD = {c.statement.name: c for c in dead_neurons.claims("dead")}


def test_what_a_neuron_that_is_zero_adds() -> None:
    for c in dead_neurons.claims("dead"):
        assert kernel.check(certificate(c)).claim == "proved"
        shifted = tuple(replace(x, expression=x.expression - Rational(1, 10**6)) for x in conditions(c.statement.then))
        wrong = replace(c, statement=replace(c.statement, then=shifted))
        with pytest.raises((kernel.Rejected, EvidenceError)):
            kernel.check(certificate(wrong))


def test_without_noise_a_neuron_that_is_zero_adds_no_negative_direction() -> None:
    """kappa = 1: |g - A v|^2 = Gamma exactly."""
    c = DEAD["dead.residual"]
    room = [x for x in conditions(c.statement.given) if str(x.expression) == "kappa - 1"]
    rest = tuple(x for x in conditions(c.statement.given) if x not in room)
    point = {"A": [[1]], "v": [[1]], "g": [[2]], "kappa": 1, "lambda": 1, "gamma1": 1, "gamma2": 1}
    lowered = replace(c.statement, given=rest).lowered({"d0": 1})
    assert len(room) == 1 and kernel.check(at_point(lowered, point, "refuted")).claim == "refuted"
