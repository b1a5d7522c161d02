"""B4, B5, B6: every claim is accepted, every counterexample and false twin is refuted, and naive exact arithmetic agrees."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.draws import Degenerate, ExactDraw
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.rational import Rational
from theory.certificates import at_point, derivation
from theory.theorems.minima import (
    all_minimisers,
    all_minimisers_limits,
    global_minimum,
    global_minimum_limits,
    one_hidden_layer,
    one_hidden_layer_limits,
)

MODULES = (global_minimum, all_minimisers, one_hidden_layer)
LIMITS = (global_minimum_limits, all_minimisers_limits, one_hidden_layer_limits)
CLAIMS = [c for m in MODULES for c in m.THEOREM.claims()]
SHARP = [c for m in MODULES for c in m.THEOREM.sharpness()]
TWINS = [c for m, limits in zip(MODULES, LIMITS, strict=True) for c in limits.false_twins(m.NAME)]


def named(c):
    return c.statement.name


@pytest.mark.parametrize("claim", CLAIMS, ids=named)
def test_the_kernel_accepts_the_claim(claim):
    started = time.process_time()
    lowered = claim.statement.lowered()
    judgement = kernel.check(derivation(lowered, claim.steps))
    assert judgement.claim == "proved" and judgement.name == claim.statement.name
    assert judgement.scope == ", ".join(f"{d}=any" for d in lowered.dims)
    assert time.process_time() - started < 3


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.statement.given], ids=named)
def test_the_witness_satisfies_the_hypotheses(claim):
    assert kernel.check(at_point(claim.statement.lowered(claim.at), claim.witness, "satisfiable")).claim == "satisfiable"


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.steps and c.statement.given], ids=named)
def test_a_proof_cut_short_is_rejected(claim):
    certificate = derivation(claim.statement.lowered(), claim.steps[: -1 if len(claim.steps) > 1 else 0])
    with pytest.raises(kernel.Rejected, match="not derived"):
        kernel.check(certificate)


@pytest.mark.parametrize("case", [*SHARP, *TWINS], ids=named)
def test_the_point_refutes_the_statement(case):
    assert kernel.check(at_point(case.statement.lowered(), case.point, "refuted")).claim == "refuted"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.NAME)
def test_the_theorem_is_complete(module):
    t = module.THEOREM
    assert len(t.variants()) >= 8 and len({s.name for s in t.variants()}) == len(t.variants())
    claims = [named(c) for c in CLAIMS if named(c).startswith(f"{t.name}.")]
    assert len(set(claims)) == len(claims) >= 9
    assert len(t.sharpness()) >= 5


HOLDS = {"==": lambda x: not any(_entries(x)), ">=": lambda x: _entries(x)[0] >= 0, ">": lambda x: _entries(x)[0] > 0}


def _entries(x):
    return [x[i, j] for i in range(x.nrows()) for j in range(x.ncols())] if hasattr(x, "nrows") else [x]


@pytest.mark.parametrize(("module", "widths"), [(m, w) for m in MODULES for w in m.THEOREM.certified_at], ids=str)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_exact_samples_satisfy_hypotheses_and_conclusions(module, widths, seed):
    try:
        instance = module.THEOREM.sample(ExactDraw(seed), widths)
    except Degenerate:
        return
    lowered = instance.statement.lowered()
    for relation, term in (*lowered.given, *lowered.then):
        if relation == "==" or not term.shape:
            (value,) = evaluate([term], Rational(), instance.values)
            assert HOLDS[relation](value), (relation, term)


# -- naive exact arithmetic: no DAG, sums over neurons, one input ----------------------------------------------------------


def loss(layers, a, g, y, decays, noise):
    """The noise-averaged loss for d_0 = 1: the second moments of the hidden layers neuron by neuron."""
    moment, mean = [[a]], [Fraction(1)]
    for k, layer in enumerate(layers):
        mean = [sum(w * m for w, m in zip(row, mean, strict=True)) for row in layer]
        moment = [
            [sum(p * q * moment[i][j] for (i, p), (j, q) in product(enumerate(r), enumerate(s))) for s in layer] for r in layer
        ]
        for j in range(len(layer) if k < len(noise) else 0):
            moment[j][j] *= 1 + noise[k]
    penalty = sum(c * sum(w * w for row in layer for w in row) for c, layer in zip(decays, layers, strict=True))
    return moment[0][0] - 2 * mean[0] * g + y + penalty


fractions = st.fractions(-3, 3, max_denominator=4)
positive = st.fractions(Fraction(1, 4), 3, max_denominator=4)
nonnegative = st.fractions(0, 3, max_denominator=4)


@st.composite
def networks(draw, hidden):
    """Layers of a network with one input, its moments (a, g), decays and noise."""
    widths = (1, *hidden, 1)
    layers = [[[draw(fractions) for _ in range(n)] for _ in range(m)] for n, m in pairwise(widths)]
    return layers, draw(nonnegative), draw(fractions), [draw(positive) for _ in layers], [draw(nonnegative) for _ in hidden]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([(1,), (2,), (3,), (2, 2), (1, 3), (2, 1, 2)]).flatmap(networks))
def test_the_loss_is_above_its_envelope(network):
    layers, a, g, decays, noise = network
    kappa, decay = Fraction(1), Fraction(1)
    for s, layer in zip(noise, layers, strict=False):
        kappa *= 1 + s / len(layer)
    for c in decays:
        decay *= c
    energies = [c * sum(w * w for row in layer for w in row) for c, layer in zip(decays[1:], layers[1:], strict=True)]
    b = sum(energies) / len(energies)
    rho = b ** len(energies)
    assert loss(layers, a, g, 0, decays, noise) >= sum(energies) - rho * g * g / (kappa * rho * a + decay)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(1,), (2,), (3,), (2, 2), (1, 3)]), positive, positive, positive, nonnegative, st.data())
def test_the_family_is_stationary_and_has_the_value_psi(hidden, b, z, a, s, data):
    D, noise = len(hidden), [s] * len(hidden)
    signs = [[data.draw(st.sampled_from([-1, 1])) for _ in range(d)] for d in hidden]
    scales = [data.draw(positive) for _ in hidden]
    C, kappa = Fraction(1), Fraction(1)
    for c, d in zip(scales, hidden, strict=True):
        C, kappa = C * c * d, kappa * (1 + s / d)
    w = b**D * z / C
    outer = [[[c * x * y for y in r] for x in q] for c, r, q in zip(scales, signs, [*signs[1:], [1]], strict=True)]
    layers = [[[r * w] for r in signs[0]], *outer]
    decays = [b / sum(x * x for row in layer for x in row) for layer in layers]
    decay = Fraction(1)
    for c in decays:
        decay *= c
    g = (kappa * b**D * a + decay) * z
    assert loss(layers, a, g, 0, decays, noise) == D * b - b**D * g * z
    for layer in layers:
        for row in layer:
            for j in range(len(row)):
                assert _slope(lambda: loss(layers, a, g, 0, decays, noise), row, j) == 0


def _slope(f, row, j):
    """The derivative by one entry, in which f is a quadratic polynomial: half the difference at distance one."""
    kept, values = row[j], []
    for step in (1, -1):
        row[j] = kept + step
        values.append(f())
    row[j] = kept
    return (values[0] - values[1]) / 2


@settings(max_examples=60, deadline=None)
@given(networks((2,)), fractions, fractions)
def test_the_threshold_of_one_hidden_layer(network, r0, r1):
    layers, a, g, decays, noise = network
    decay, length = decays[0] * decays[1], r0 * r0 + r1 * r1
    if g * g <= decay:
        assert loss(layers, a, g, 0, decays, noise) >= 0
    elif length:
        q = length * decays[1] * g * g * (g * g - decay)
        t = q / (q + decays[1] ** 2 * g**4 * a * g * g * (length**2 + noise[0] * (r0**4 + r1**4)))
        point = [[[t * decays[1] * r * g] for r in (r0, r1)], [[t * g * g * r for r in (r0, r1)]]]
        assert loss(point, a, g, 0, decays, noise) < 0
