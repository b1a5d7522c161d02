"""Noise on layers, labels and inputs: claims, generic claims, limits, false variants, and ranks in plain fractions."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from math import factorial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deeplin.verify import generic_record
from numerics.draws import ExactDraw
from numerics.evidence import certify
from theory import kernel
from theory.certificates import at_point, derivation, statement
from theory.intervals import binding
from theory.provers import Budget, Status, prove, provers
from theory.statement import Statement, equal
from theory.theorem import Claim, Generic, Theorem
from theory.theorems.rank import (
    discrete_noise,
    full_noise,
    generic_initialisation,
    increment,
    label_noise_step,
    low_rank_noise,
    noise_in_some_layers,
    noisy_gradient,
    smallest_singular_value,
    zero_one_law,
)

MODULES = (
    *(full_noise, zero_one_law, low_rank_noise, noise_in_some_layers, discrete_noise),
    *(smallest_singular_value, noisy_gradient, label_noise_step, increment, generic_initialisation),
)
THEOREMS = [m.THEOREM for m in MODULES]
POINTS = json.loads((Path(__file__).parent / "rank_noise_points.json").read_text())
each = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.sheet)
# (claims at all widths, at given sizes, generic)
COUNTS = {
    "R1": (4, 14, 3), "R2": (0, 8, 4), "R3": (7, 13, 10), "R4": (54, 0, 5), "R5": (0, 13, 0), "R6": (1, 5, 0),
    "R9": (27, 7, 10), "R10": (5, 7, 7), "R11": (7, 0, 0), "R12": (7, 4, 7),
}  # fmt: skip


@cache
def claims(sheet: str) -> tuple[Claim | Generic, ...]:
    return tuple(next(t for t in THEOREMS if t.sheet == sheet).claims())


def generic() -> list[Generic]:
    return [c for t in THEOREMS for c in claims(t.sheet) if isinstance(c, Generic)]


@each
def test_the_kernel_accepts_every_claim_and_its_witness_in_time(theorem: Theorem) -> None:
    start, counts = time.process_time(), [0, 0, 0]
    for claim in claims(theorem.sheet):
        if isinstance(claim, Generic):
            counts[2] += 1
            assert generic_record(claim)[1] is not None, claim.name
            continue
        s = claim.statement.lowered()
        assert claim.steps is not None
        kernel.check(derivation(s, claim.steps), statement(s)[0])
        if s.given:
            kernel.check(at_point(claim.statement.lowered(claim.at), claim.witness or {}, "satisfiable"))
        counts[0 if s.dims else 1] += 1
    assert tuple(counts) == COUNTS[theorem.sheet]
    assert time.process_time() - start < 10


@each
def test_every_needed_hypothesis_has_an_exact_counterexample(theorem: Theorem) -> None:
    assert len(theorem.sharpness()) >= 2 and theorem.note
    for example in theorem.sharpness():
        kernel.check(at_point(example.statement.lowered(), example.point, "refuted"))


@each
def test_false_variants_are_refuted_at_exact_points(theorem: Theorem) -> None:
    variants = theorem.variants()
    assert len(variants) >= 9 and len({v.name for v in variants}) == len(variants)
    for s in variants:
        kernel.check(at_point(s.lowered(), POINTS[theorem.name][s.name], "refuted"))


def test_there_are_many_false_variants() -> None:
    assert sum(len(t.variants()) for t in THEOREMS) > 100


@each
def test_a_claim_needs_its_steps(theorem: Theorem) -> None:
    """All but those whose conclusion is a hypothesis, as it is for one layer."""
    needless = 0
    for claim in claims(theorem.sheet):
        if isinstance(claim, Claim):
            try:
                kernel.check(derivation(claim.statement.lowered(), ()))
                needless += 1
            except kernel.Rejected:
                continue
    assert needless == int(theorem.sheet == "R1")


@each
def test_samples_are_instances_of_the_theorem(theorem: Theorem) -> None:
    assert theorem.sample is not None
    instance = theorem.sample(ExactDraw(1), theorem.certified_at[0])
    s = instance.statement.lowered()
    if s.given:
        kernel.check(at_point(s, instance.values, "satisfiable"))
    assert certify(theorem, theorem.certified_at[-1], 3, seed=5).grade == "CERTIFIED"


# -- generic claims and their false twins -------------------------------------------------------------------------------


def too_high() -> list[Generic]:
    """The claims that the rank is larger by one: the polynomials are zero, so that no point shows them."""
    found = []
    for case in (*low_rank_noise.CASES, *noisy_gradient.CASES, *label_noise_step.CASES):
        pairs = list(case.claims())
        shown = [c for c in pairs if isinstance(c, Generic)]
        bounds = [c for c in pairs if isinstance(c, Claim)]
        for g, b in product(shown, bounds):
            minors = [c.expression for c in b.statement.then]
            found.append(replace(g, name=f"{g.name}, one more", polynomial=minors[0], defined=()))
    return found


def test_a_rank_that_is_too_high_is_never_shown() -> None:
    """Nor at any other point: the kernel accepted that the polynomials are zero."""
    assert len(too_high()) >= 12
    for twin in too_high():
        assert generic_record(twin)[1] is None


def test_a_generic_claim_holds_at_most_points_but_not_at_all() -> None:
    """At the zero point the polynomials vanish where the offset or the layers do not help."""
    at_zero = 0
    for g in generic():
        zero = {k: [[0] * len(x[0])] * len(x) if isinstance(x, list) else 0 for k, x in g.point.items()}
        at_zero += generic_record(replace(g, point=zero))[1] is None
    assert at_zero >= len(generic()) - 4


def test_no_prover_proves_that_a_generic_minor_never_vanishes() -> None:
    """p^2 > 0 everywhere is false for each of them, and p = 0 too."""
    for g in generic()[3:20:3]:
        s = Statement("zero", g.variables, then=(equal(g.polynomial),))
        if not g.defined:
            assert not prove(s, budget=Budget(0.2)).proved
    small = low_rank_noise.CASES[0]
    variables, W = small.layers
    minor = low_rank_noise.leading(low_rank_noise.composed(W), 1)
    s = Statement("never", tuple(v.node for v in variables), then=(low_rank_noise.given_positive(minor**2)))
    outcomes = [p.attempt(s.lowered(), Budget(0.3)) for p in provers()]
    assert not any(o.found or o.status is Status.CRASHED for o in outcomes)


# -- plain fractions ----------------------------------------------------------------------------------------------------

Rows = list[list[Fraction]]
entries = st.integers(-2, 2).map(Fraction)
randoms = st.integers(0, 2**32).map(Random)  # entries drawn one by one would be shrunk to some that are not generic


def matrices(rows: int, cols: int) -> st.SearchStrategy[Rows]:
    return st.lists(st.lists(entries, min_size=cols, max_size=cols), min_size=rows, max_size=rows)


def noise(draw: Random, rows: int, cols: int, least: int = 10**6, most: int = 10**9) -> Rows:
    return [[Fraction(draw.randint(least, most)) for _ in range(cols)] for _ in range(rows)]


def times(a: Rows, b: Rows) -> Rows:
    return [[sum((x * y for x, y in zip(row, col, strict=True)), Fraction(0)) for col in zip(*b, strict=True)] for row in a]


def flipped(a: Rows) -> Rows:
    return [list(row) for row in zip(*a, strict=True)]


def plus(a: Rows, b: Rows, c: Fraction | int = 1) -> Rows:
    return [[x + c * y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]


def rank(a: Rows) -> int:
    rows, r = [list(row) for row in a], 0
    for col in range(len(a[0])):
        pivot = next((i for i in range(r, len(rows)) if rows[i][col]), None)
        if pivot is None:
            continue
        rows[r], rows[pivot] = rows[pivot], rows[r]
        for i in range(r + 1, len(rows)):
            k = rows[i][col] / rows[r][col]
            rows[i] = [x - k * y for x, y in zip(rows[i], rows[r], strict=True)]
        r += 1
    return r


def chain(layers: Sequence[Rows]) -> Rows:
    out = layers[0]
    for W in layers[1:]:
        out = times(W, out)
    return out


@st.composite
def networks(draw: Any, depth: tuple[int, int] = (1, 3), most: int = 3) -> tuple[list[int], list[Rows]]:
    d = [draw(st.integers(1, most)) for _ in range(draw(st.integers(*depth)) + 1)]
    return d, [draw(matrices(b, a)) for a, b in pairwise(d)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks(), st.data())
def test_no_noise_beats_the_interval_formula(network: tuple[list[int], list[Rows]], data: Any) -> None:
    """The upper bound for any noise; and random noise of large entries attains it."""
    d, A = network
    s = [data.draw(st.integers(0, 2)) for _ in A]
    depth = len(A)
    known = {(a, b): rank(chain(A[a - 1 : b])) for a in range(1, depth + 1) for b in range(a, depth + 1)}
    draw = data.draw(randoms)
    for least, most in ((-1, 1), (10**6, 10**9)):
        W = []
        for x, k, (n, m) in zip(A, s, pairwise(d), strict=True):
            U, V = (noise(draw, size, k, least, most) for size in (m, n))
            W.append(plus(x, times(U, flipped(V))) if k else x)
        for (i, j) in known:
            found, bound = rank(chain(W[i - 1 : j])), binding(d, known, s, i, j).value
            assert found <= bound
            assert found == bound or most == 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks((1, 4)), st.data())
def test_runs_without_noise_bound_the_rank(network: tuple[list[int], list[Rows]], data: Any) -> None:
    d, A = network
    noisy = [k for k in range(1, len(A) + 1) if data.draw(st.booleans())]
    draw = data.draw(randoms)
    W = [noise(draw, len(x), len(x[0])) if k in noisy else x for k, x in enumerate(A, 1)]
    runs = [rank(chain(A[a - 1 : b])) for a, b in noise_in_some_layers.runs(len(A), noisy) if a <= b]
    assert rank(chain(W)) == min([*d, *runs])


def gradient(layers: Sequence[Rows], X: Rows, Y: Rows) -> list[Rows]:
    back = times(plus(times(chain(layers), X), Y, -1), flipped(X))
    out = []
    for i in range(len(layers)):
        G = times(flipped(chain(layers[i + 1 :])), back) if i + 1 < len(layers) else back
        out.append(times(G, flipped(chain(layers[:i]))) if i else G)
    return out


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks(), st.integers(1, 3), st.data())
def test_a_step_adds_at_most_the_ranks_of_the_gradients(network: tuple[list[int], list[Rows]], n: int, data: Any) -> None:
    d, W = network
    X, Y = data.draw(matrices(d[0], n)), data.draw(matrices(d[-1], n))
    G = gradient(W, X, Y)
    after = [plus(w, g, -1) for w, g in zip(W, G, strict=True)]
    slope = rank(times(plus(times(chain(W), X), Y, -1), flipped(X)))
    gained = rank(chain(after)) - rank(chain(W))
    assert gained <= sum(map(rank, G)) <= len(W) * min(n, slope)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks((2, 2)), st.integers(1, 4), st.data())
def test_the_junction_bounds_a_step_of_depth_2(network: tuple[list[int], list[Rows]], n: int, data: Any) -> None:
    d, W = network
    junction = rank([a + b for a, b in zip(W[0], flipped(W[1]), strict=True)])
    X, Y = data.draw(matrices(d[0], n)), noise(data.draw(randoms), d[2], n)
    after = [plus(w, g, -1) for w, g in zip(W, gradient(W, X, Y), strict=True)]
    found, bound = rank(chain(after)), min(d[0], d[2], junction)
    assert found <= bound
    assume(rank(X) == d[0])
    assert found == bound


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(), st.integers(1, 3), st.data())
def test_the_ranks_of_noisy_gradients(network: tuple[list[int], list[Rows]], n: int, data: Any) -> None:
    d, W = network
    plain, draw = (data.draw(matrices(d[0], n)), data.draw(matrices(d[-1], n))), data.draw(randoms)
    X, Y = noise(draw, d[0], n), noise(draw, d[-1], n)
    labels, inputs, both = (gradient(W, *xy) for xy in ((plain[0], Y), (X, plain[1]), (X, Y)))
    for i in range(len(W)):
        H = flipped(chain(W[i + 1 :])) if i + 1 < len(W) else [[Fraction(a == b) for b in range(d[-1])] for a in range(d[-1])]
        B = chain(W[:i]) if i else [[Fraction(a == b) for b in range(d[0])] for a in range(d[0])]
        joined = [a + b for a, b in zip(times(H, chain(W)), times(H, plain[1]), strict=True)]
        assert rank(labels[i]) == min(rank(H), rank(times(B, plain[0])))
        assert rank(inputs[i]) == min(rank(joined), n, rank(B))
        assert rank(both[i]) == min(rank(H), n, rank(B))


def determinant(a: Rows) -> Fraction:
    if not a:
        return Fraction(1)
    return sum(((-1) ** j * x * determinant([r[:j] + r[j + 1 :] for r in a[1:]]) for j, x in enumerate(a[0])), Fraction(0))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(1, 2).flatmap(lambda d: matrices(d, d)), st.fractions(-2, 2, max_denominator=3))
def test_the_second_moment_over_all_signs(A: Rows, s: Fraction) -> None:
    """E det(A + s Z)^2 by enumeration, beside the sum over minors."""
    d = len(A)
    tables = [[list(z[i * d : (i + 1) * d]) for i in range(d)] for z in product((Fraction(-1), Fraction(1)), repeat=d * d)]
    mean = sum((determinant(plus(A, Z, s)) ** 2 for Z in tables), Fraction(0)) / len(tables)
    squares = [Fraction(1), sum((x * x for row in A for x in row), Fraction(0)), determinant(A) ** 2][: d + 1]
    if d == 1:
        squares = [Fraction(1), A[0][0] ** 2]
    assert mean == sum(s ** (2 * (d - k)) * factorial(d - k) * e for k, e in enumerate(squares))


def test_the_rank_may_stay_below_the_junction_bound_at_depth_3() -> None:
    """W_1 = W_3 = 0 at widths 1: all junctions have rank 1, and no labels move anything."""
    W = [[[Fraction(0)]], [[Fraction(1)]], [[Fraction(0)]]]
    for y in range(-3, 4):
        assert gradient(W, [[Fraction(1)]], [[Fraction(y)]]) == [[[Fraction(0)]]] * 3
