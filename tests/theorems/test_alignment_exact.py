"""Exact decisions: rational layers and barcodes."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.alignment import alignment
from theory.alignment import alike, exact_alignment
from theory.alignment_barcodes import barcode, barcodes, hill, literal, slots, two_layer_condition
from theory.errors import InvalidInput

IDENTITY = [[1, 0], [0, 1]]


def test_the_counterexamples_that_separate_the_notions() -> None:
    unsorted = exact_alignment([[[2, 0], [0, 1]], [[1, 0], [0, 2]]])
    assert (unsorted.weak, unsorted.literal, unsorted.sorted) == (True, True, False)
    weak = exact_alignment([[[1], [0]], [[0, 1]]])
    assert (weak.weak, weak.literal, weak.sorted) == (True, False, False)
    far = exact_alignment([[[1, 0], [0, 2]], IDENTITY, [[1, 0], [1, 1]]])
    assert not far.weak and far.defects == ((2, 0),)  # the neighbouring commutators vanish
    assert exact_alignment([[["3/5", "4/5"], ["-4/5", "3/5"]]]).sorted


def test_inputs_that_do_not_fit() -> None:
    with pytest.raises(InvalidInput, match="layer 2"):
        exact_alignment([IDENTITY, [[1, 0, 0]]])
    with pytest.raises(InvalidInput, match="at least one layer"):
        exact_alignment([])
    with pytest.raises(InvalidInput, match="exact rational"):
        exact_alignment([[[0.5]]])


def test_alike_is_a_common_order() -> None:
    A, B = fmpq_mat([[2, 0], [0, 1]]), fmpq_mat([[5, 0], [0, 5]])
    assert alike(A, B) and alike(A, A) and not alike(A, fmpq_mat([[1, 0], [0, 2]]))


def test_the_rank_condition_over_all_barcodes_of_two_layers() -> None:
    pairs = [(bars, w) for w in product(range(1, 6), repeat=3) for bars in barcodes(w)]
    assert len(pairs) == 1857
    assert all(literal(*pair) is two_layer_condition(*pair) for pair in pairs)
    assert 0 < sum(literal(*pair) for pair in pairs) < len(pairs)


def test_the_notions_agree_exactly_where_there_is_no_hill() -> None:
    for widths in product(range(1, 4), repeat=4):
        assert all(literal(bars, widths) for bars in barcodes(widths)) is not hill(widths)


def test_barcodes_are_full_and_distinct() -> None:
    widths = (2, 3, 1, 2)
    found = list(barcodes(widths))
    assert len({tuple(sorted(b.items())) for b in found}) == len(found)
    for bars in found:
        assert [sum(m for (p, q), m in bars.items() if p <= v <= q) for v in range(4)] == list(widths)


def test_slots_are_below_the_least_width_and_not_shared() -> None:
    for bars in barcodes((3, 2, 3)):
        intervals = [i for i, m in bars.items() for _ in range(m)]
        place = slots(intervals, (3, 2, 3))
        assert place is not None
        for v, d in enumerate((3, 2, 3)):
            here = [s for s, (p, q) in zip(place, intervals, strict=True) if p <= v <= q]
            assert sorted(here) == list(range(d))


def test_a_search_that_is_too_long_says_so() -> None:
    with pytest.raises(TimeoutError):
        slots([(0, 1)] * 3 + [(1, 2)] * 3, (3, 6, 3), budget=-7)


def test_the_barcode_of_a_product_comes_from_its_ranks() -> None:
    ranks = {(0, 1): 1, (1, 2): 2, (0, 2): 1}
    assert barcode(lambda p, q: ranks[p, q], (2, 2, 2)) == {(0, 0): 1, (0, 2): 1, (1, 2): 1}


@st.composite
def small_layers(draw: st.DrawFn) -> list[list[list[int]]]:
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    entry = st.sampled_from([0, 0, 0, 1, -1, 2])
    return [draw(st.lists(st.lists(entry, min_size=a, max_size=a), min_size=b, max_size=b)) for a, b in pairwise(widths)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(small_layers())
def test_the_numeric_answer_is_the_exact_one(layers: list[list[list[int]]]) -> None:
    exact, found = exact_alignment(layers), alignment([np.array(W, float) for W in layers])
    assert dict(found.holds) == {"weak": exact.weak, "literal": exact.literal, "sorted": exact.sorted}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(small_layers(), st.integers(-2, 3))
def test_permuted_scaled_and_reversed_layers_have_the_same_answer(layers: list[list[list[int]]], scale: int) -> None:
    first = exact_alignment(layers)
    reversed_layers = [[list(row) for row in zip(*W, strict=True)] for W in reversed(layers)]
    backwards = exact_alignment(reversed_layers)
    assert (first.weak, first.literal, first.sorted) == (backwards.weak, backwards.literal, backwards.sorted)
    if scale:
        scaled = exact_alignment([[[scale * x for x in row] for row in layers[0]], *layers[1:]])
        assert (first.weak, first.literal, first.sorted) == (scaled.weak, scaled.literal, scaled.sorted)
