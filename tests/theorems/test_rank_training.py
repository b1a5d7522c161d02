"""Training and the rank of the product: claims, witnesses, limits, false variants, and evaluations in plain fractions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplin.verify import generic_record
from numerics.draws import ExactDraw
from numerics.evidence import certify
from theory import kernel
from theory.certificates import at_point, derivation, statement
from theory.theorem import Claim, Generic, Theorem
from theory.theorems.rank import (
    critical_points,
    data_noise,
    dead_neurons,
    dropout_masks,
    flow,
    junction,
    mask_means,
    masked_step,
    saddles,
    term_rank,
)

MODULES = (
    *(junction, data_noise, flow, dropout_masks, term_rank),
    *(mask_means, masked_step, dead_neurons, critical_points, saddles),
)
THEOREMS = [m.THEOREM for m in MODULES]
POINTS = json.loads((Path(__file__).parent / "rank_training_points.json").read_text())
each = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.sheet)
# (claims at all widths, at given sizes, generic)
COUNTS = {
    "R7": (40, 10, 0), "R8": (17, 2, 0), "R13": (30, 8, 0), "R14": (1, 17, 4), "R15": (1, 12, 0), "R16": (8, 14, 0),
    "R17": (26, 18, 1), "R18": (10, 4, 0), "R19": (55, 0, 0), "R20": (24, 1, 0),
}  # fmt: skip


@cache
def claims(sheet: str) -> tuple[Claim | Generic, ...]:
    return tuple(next(t for t in THEOREMS if t.sheet == sheet).claims())


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
    assert len(theorem.sharpness()) >= 4 and theorem.note
    for example in theorem.sharpness():
        kernel.check(at_point(example.statement.lowered(), example.point, "refuted"))


@each
def test_false_variants_are_refuted_at_exact_points(theorem: Theorem) -> None:
    variants = theorem.variants()
    assert len(variants) >= 10 and len({v.name for v in variants}) == len(variants)
    for s in variants:
        kernel.check(at_point(s.lowered(), POINTS[theorem.name][s.name], "refuted"))


def test_there_are_more_than_a_hundred_false_variants() -> None:
    assert sum(len(t.variants()) for t in THEOREMS) > 100


@each
def test_a_claim_needs_its_steps(theorem: Theorem) -> None:
    last = [c for c in claims(theorem.sheet) if isinstance(c, Claim)][-1]
    with pytest.raises(kernel.Rejected):
        kernel.check(derivation(last.statement.lowered(), ()))


@each
def test_samples_are_instances_of_the_theorem(theorem: Theorem) -> None:
    assert theorem.sample is not None
    instance = theorem.sample(ExactDraw(1), theorem.certified_at[0])
    s = instance.statement.lowered()
    if s.given:
        kernel.check(at_point(s, instance.values, "satisfiable"))
    assert certify(theorem, theorem.certified_at[-1], 3, seed=5).grade == "CERTIFIED"


# -- exact figures of the examples, without the library -----------------------------------------------------------------

Table = list[list[Fraction]]


def table(rows: Sequence[Sequence[Any]]) -> Table:
    return [[Fraction(x) for x in row] for row in rows]


def dot(*factors: Table) -> Table:
    out = factors[0]
    for b in factors[1:]:
        out = [[sum((x * y for x, y in zip(r, c, strict=True)), Fraction(0)) for c in zip(*b, strict=True)] for r in out]
    return out


def t(a: Table) -> Table:
    return [list(c) for c in zip(*a, strict=True)]


def less(a: Table, b: Table, scale: Any = 1) -> Table:
    return [[x - scale * y for x, y in zip(r, q, strict=True)] for r, q in zip(a, b, strict=True)]


def rank(a: Table) -> int:
    rows, r = [list(x) for x in a], 0
    for j in range(len(rows[0])):
        i = next((k for k in range(r, len(rows)) if rows[k][j]), None)
        if i is None:
            continue
        rows[r], rows[i] = rows[i], rows[r]
        for k in range(r + 1, len(rows)):
            f = rows[k][j] / rows[r][j]
            rows[k] = [x - f * y for x, y in zip(rows[k], rows[r], strict=True)]
        r += 1
    return r


def stepped(layers: list[Table], X: Table, Y: Table, rate: Any) -> list[Table]:
    """One step of gradient descent of the squared loss, gradients from the closed form."""
    whole = dot(*reversed(layers))
    F = dot(less(dot(whole, X), Y), t(X))
    return [less(W, gradient(layers, F, i), rate) for i, W in enumerate(layers)]


def gradient(layers: list[Table], F: Table, i: int) -> Table:
    """W_{i+1}^T ... W_N^T F W_1^T ... W_{i-1}^T."""
    return dot(*(t(V) for V in layers[i + 1 :]), F, *(t(V) for V in layers[:i]))


def beside(a: Table, b: Table) -> Table:
    return [r + q for r, q in zip(a, b, strict=True)]


ONE = table([[1, 0], [0, 1]])


def test_training_alone_can_raise_and_lower_the_rank() -> None:
    layers = [table([[1, 0], [0, 0]]), table([[0, 0], [0, 1]])]
    assert rank(dot(layers[1], layers[0])) == 0 and stepped(layers, ONE, ONE, 1) == [ONE, ONE]
    half = stepped([table([[1]]), table([[1]])], table([[1]]), table([["1/2"]]), 2)
    assert half == [[[0]], [[0]]]


small = st.integers(-2, 2)


def matrices(rows: int, cols: int) -> Any:
    return st.lists(st.lists(small.map(Fraction), min_size=cols, max_size=cols), min_size=rows, max_size=rows)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(matrices(3, 1), matrices(1, 3), matrices(1, 3), matrices(3, 2), matrices(2, 3), matrices(2, 3))
def test_the_junction_space_never_grows(u: Table, a: Table, b: Table, V: Table, X: Table, Y: Table) -> None:
    """Depth 3 with a first junction of rank at most one: the product keeps rank at most one on changing data."""
    layers = [dot(u, a), dot(t(b), t(u)), t(V)]
    before = rank(beside(layers[0], t(layers[1])))
    for data in (X, [[x + 1 for x in row] for row in X]):
        layers = stepped(layers, t(data), t(dot(Y, table([[1, 0], [0, 1], [1, 1]]))), Fraction(1, 3))
        assert rank(beside(layers[0], t(layers[1]))) <= before
        assert rank(dot(*reversed(layers))) <= before


@settings(max_examples=40, deadline=None, derandomize=True)
@given(matrices(2, 4), matrices(4, 2))
def test_masks_generic_values_and_the_matroid_bound_agree(V: Table, W: Table) -> None:
    def between(values: Sequence[Any]) -> int:
        return rank(dot(V, [[Fraction(values[i]) * x for x in row] for i, row in enumerate(W)]))

    masks = list(product((0, 1), repeat=4))
    best = max(map(between, masks))
    assert best == max(between((2, 3, 5, 7)), between((1, 4, 9, 25)))
    assert best == min(side(V, W, A) for A in masks)


def side(V: Table, W: Table, A: Sequence[int]) -> int:
    """rank V[:, A] + rank W[A^c, :]."""
    left = rank([[x * a for x, a in zip(row, A, strict=True)] for row in V])
    return left + rank([[x * (1 - a) for x in row] for row, a in zip(W, A, strict=True)])


def test_ranks_of_masked_ones() -> None:
    found = [rank(table([m[:2], m[2:]])) for m in product((0, 1), repeat=4)]
    assert [found.count(r) for r in range(3)] == [1, 9, 6]


def expected(W: Table, V: Table, p: Fraction, Y: Table) -> Fraction:
    """E |V D W / p - Y|^2 by enumeration."""
    total = Fraction(0)
    for bits in product((0, 1), repeat=len(W)):
        weight = Fraction(1)
        for bit in bits:
            weight *= p if bit else 1 - p
        masked = [[Fraction(bit) / p * x for x in row] for bit, row in zip(bits, W, strict=True)]
        total += weight * sum(x * x for row in less(dot(V, masked), Y) for x in row)
    return total


def test_the_mean_objective_prefers_rank_one() -> None:
    Y, third, half = table([[1, 0], [0, "1/4"]]), Fraction(1, 3), Fraction(1, 2)
    assert expected(table([[half, 0], [half, 0]]), table([[half, half], [0, 0]]), third, Y) == Fraction(9, 16)
    assert expected(ONE, Y, third, Y) > Fraction(9, 16)
    assert expected(table([[half, 0], [half, "1/8"]]), table([[half, half], ["1/8", 0]]), third, Y) > Fraction(9, 16)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(matrices(2, 2), matrices(2, 2))
def test_no_layers_are_below_the_minimum(W: Table, V: Table) -> None:
    Y = table([[1, 0], [0, "1/4"]])
    assert expected(dot(table([["1/2", 0], [0, "1/2"]]), W), V, Fraction(1, 3), Y) >= Fraction(9, 16)


def masked_step(u: Table, a: Table, b: Table, bits: Sequence[int], Y: Table) -> Table:
    """P^+ of dropout from W_1 = u a^T, W_2 = b u^T with X = I, rate 1/7."""
    W, V = dot(u, t(a)), dot(b, t(u))
    D = [[Fraction(bits[i] * (i == j)) for j in range(len(bits))] for i in range(len(bits))]
    F = less(dot(V, D, W), Y)
    G, H = dot(D, t(V), F), dot(F, t(W), D)
    return dot(less(V, H, Fraction(1, 7)), less(W, G, Fraction(1, 7)))


@pytest.mark.parametrize(("u", "live", "hits"), [([1, 2, 3], 3, 6), ([1, 2, 1, -1, 3], 5, 30), ([1, 0, 2, 1, 0], 3, 24)])
def test_masks_that_raise_the_rank_are_counted(u: list[int], live: int, hits: int) -> None:
    column, a, b, Y = table([[x] for x in u]), table([[1], [2]]), table([[3], [1]]), table([[1, -1], [2, 5]])
    found = sum(rank(masked_step(column, a, b, bits, Y)) == 2 for bits in product((0, 1), repeat=len(u)))
    assert found == hits == 2 ** len(u) - 2 * 2 ** (len(u) - live)


def test_dead_neurons_stay_at_zero_bit_by_bit() -> None:
    rng = np.random.default_rng(3)
    W, V = np.array([[1.0, 2.0], [0, 0]]), np.array([[1.0, 0], [3, 0]])
    for _ in range(200):
        D, X, Y = np.diag(rng.integers(0, 2, 2)), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
        F = (V @ D @ W @ X - Y) @ X.T / 500
        W, V = W - D @ V.T @ F, V - F @ W.T @ D
    assert np.isfinite(W).all() and not W[1].any() and not V[:, 1].any() and np.linalg.matrix_rank(V @ W) == 1


def ranks_along(layers: list[Table]) -> tuple[list[int], list[int]]:
    """c_i = rank W_N ... W_{i+1} and r_i = rank W_{i-1} ... W_1, for i = 1 .. N, with the identities at the ends."""
    n = len(layers)
    size = (len(layers[-1]), len(layers[0][0]))
    above = [rank(dot(*reversed(layers[i:]))) if i < n else size[0] for i in range(1, n + 1)]
    below = [rank(dot(*reversed(layers[: i - 1]))) if i > 1 else size[1] for i in range(1, n + 1)]
    return above, below


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data(), st.lists(st.integers(1, 3), min_size=3, max_size=5))
def test_the_two_rank_conditions_are_equivalent(data: st.DataObject, widths: list[int]) -> None:
    layers = [data.draw(matrices(d, c)) for c, d in pairwise(widths)]
    c, r = ranks_along(layers)
    n = len(layers)
    somewhere = any(c[i] == widths[-1] and r[i] == widths[0] for i in range(n))
    blocked = any(c[j - 1] < widths[-1] and r[j] < widths[0] for j in range(1, n))
    assert somewhere is not blocked


def quartic(s: Fraction, sigma: Fraction, x: Fraction) -> Fraction:
    """The loss along the turn for P = diag(s, 0), A = diag(s, sigma), computed from the matrices."""
    turn = table([[0, -1], [1, 0]])
    moved = less(ONE, turn, -x)
    P = dot(moved, table([[s, 0], [0, 0]]), t(moved))
    return sum((e * e for row in less(P, table([[s, 0], [0, sigma]])) for e in row), Fraction(0)) / 2


@settings(max_examples=40, deadline=None, derandomize=True)
@given(*[st.fractions(0, 3, max_denominator=4)] * 3)
def test_the_loss_along_a_turn_is_the_quartic(s: Fraction, sigma: Fraction, x: Fraction) -> None:
    change = quartic(s, sigma, x) - quartic(s, sigma, Fraction(0))
    assert change == -s * (sigma - s) * x**2 + s**2 * x**4 / 2


def test_points_are_those_of_the_variants() -> None:
    mine: Mapping[str, Any] = {t.name: {v.name for v in t.variants()} for t in THEOREMS}
    assert {name: set(points) for name, points in POINTS.items()} == mine
