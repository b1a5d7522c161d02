"""The generic rank of a noisy product: two routes agree, the bounds on the error are honest, bad input is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import generic_rank as module
from numerics.generic_rank import Disagreement, generic_rank, numerical_rank
from theory.errors import InvalidInput
from theory.intervals import binding, intervals, ranks

E1, E2, ONE = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 0], [0, 1]]


def invertible(draw: Random, n: int) -> fmpq_mat:
    while True:
        g = fmpq_mat(n, n, [draw.randint(-2, 2) for _ in range(n * n)])
        if g.rank() == n:
            return g


def structured(draw: Random, depth: int, most: int) -> tuple[list[fmpq_mat], list[int]]:
    """A_k = g_k D_k g_{k-1}^{-1} with random partial permutations D_k, and ranks of noise."""
    d = [draw.randint(1, most) for _ in range(depth + 1)]
    g = [invertible(draw, n) for n in d]
    out = []
    for k in range(1, depth + 1):
        rows, cols = draw.sample(range(d[k]), d[k]), draw.sample(range(d[k - 1]), d[k - 1])
        ones = list(zip(rows, cols, strict=False))[: draw.randint(0, min(d[k], d[k - 1]))]
        D = fmpq_mat(d[k], d[k - 1], [int((i, j) in ones) for i in range(d[k]) for j in range(d[k - 1])])
        out.append(g[k] * D * g[k - 1].inv())
    return out, [draw.choice([0, 0, 0, 1, 1, 2, 7]) for _ in range(depth)]


def both_routes(trials: int, seed: int) -> tuple[int, int]:
    """How many sub-products were compared, and how often an interval of several layers binds strictly."""
    draw, compared, several = Random(seed), 0, 0
    for _ in range(trials):
        A, noise = structured(draw, draw.randint(1, 5), 7)
        found = generic_rank(A, noise, sub_products=True)
        compared += len(found.products)
        several += found.reason is not None and found.reason.first < found.reason.last
        widths = [A[0].ncols(), *(x.nrows() for x in A)]
        naive = min(widths + [x.rank() + s for x, s in zip(A, noise, strict=True)])
        assert found.rank <= naive
    return compared, several


def test_evaluation_and_intervals_agree() -> None:
    compared, several = both_routes(150, 1)
    assert compared > 600 and several >= 3


@pytest.mark.thorough
def test_evaluation_and_intervals_agree_often() -> None:
    compared, several = both_routes(3000, 2)
    assert compared > 12000 and several > 50


def test_a_wrong_formula_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the intervals of several layers, and without the junctions."""
    for kept in (lambda x: x.first >= x.last, lambda x: x.first <= x.last):
        with monkeypatch.context() as m:
            m.setattr(module, "binding", lambda *a, kept=kept: min(filter(kept, intervals(*a)), key=lambda x: x.value))
            with pytest.raises(Disagreement, match="by intervals"):
                generic_rank([E1, E2], [0, 0])
                generic_rank([[[1, 1]]], [7])
                generic_rank([ONE, [[1, 1]], [[1], [1]]], [0, 3, 3], sub_products=True)
                both_routes(100, 3)


def exhaustive_tables() -> Any:
    """All tables of ranks and noises for depth <= 3, widths <= 2: ranks between Frobenius' and Sylvester's bounds."""
    for depth in (1, 2, 3):
        for d in product((1, 2), repeat=depth + 1):
            places = sorted(((a, b) for a in range(1, depth + 1) for b in range(a, depth + 1)), key=lambda x: x[1] - x[0])
            for values in product((0, 1, 2), repeat=len(places)):
                rho = dict(zip(places, values, strict=True))
                if all(0 <= rho[a, b] <= min(d[a - 1 : b + 1]) and monotone(rho, a, b) for a, b in places):
                    yield d, rho


def monotone(rho: dict[tuple[int, int], int], a: int, b: int) -> bool:
    return a == b or rho[a, b] <= min(rho[a + 1, b], rho[a, b - 1])


def test_the_recursion_of_the_formula_over_all_small_tables() -> None:
    """One more term in layer k: rho_ij -> min(rho_ij + 1, rho_{i,k-1}, rho_{k+1,j}); without noise rho_ij itself."""
    count = 0
    for d, rho in exhaustive_tables():
        depth = len(d) - 1
        parts = {(i, j): [(x.rank, x.first - 1, x.last) for x in intervals(d, rho, (0,) * depth, i, j)] for i, j in rho}
        least = {
            (s, i, j): min(r + sum(s[a:b]) for r, a, b in found)
            for s in product((0, 1, 2), repeat=depth)
            for (i, j), found in parts.items()
        }
        least |= {(s, k + 1, k): d[k] for s in product((0, 1), repeat=depth) for k in range(depth + 1)}
        for s in product((0, 1), repeat=depth):
            for k, (i, j) in product(range(1, depth + 1), rho):
                more = tuple(x + (m == k) for m, x in enumerate(s, 1))
                sides = [least[s, i, k - 1], least[s, k + 1, j]] if i <= k <= j else []
                assert least[more, i, j] == min([least[s, i, j] + bool(sides), *sides])
                count += 1
        assert all(least[(0,) * depth, i, j] == rho[i, j] for i, j in rho)
        assert binding(d, rho, (1,) * depth).value == least[(1,) * depth, 1, depth]
    assert count > 10_000


def test_reasons() -> None:
    assert str(generic_rank([E1, E2], [0, 0])).endswith(
        "rank 0: the product of the layers 1..2 has rank 0 without noise, and there is no noise in them"
    )
    middle = generic_rank([E1, ONE, E2], [0, 1, 0])
    assert (middle.rank, str(middle.reason)) == (1, "layer 1 has rank 1 without noise, and there is no noise in it")
    run = generic_rank([[[1, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 1]]], [0, 1])
    assert run.reason is not None and (run.rank, run.reason.first, run.reason.last) == (1, 1, 2)
    assert "their noise has ranks 0, 1" in str(run)
    assert str(generic_rank([E1, E2], ["full", "full"])) == "generic rank 2: the width d_0 is 2"


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_noise_with_a_full_mask_is_full_noise(seed: int) -> None:
    A, _ = structured(Random(seed), 3, 4)
    masks = [np.ones((x.nrows(), x.ncols()), dtype=int) for x in A]
    masked, full = generic_rank(A, masks, seed=seed), generic_rank(A, ["full"] * 3)
    assert masked.reason is None and masked.error < 1e-12
    assert masked.rank == full.rank == min(A[0].ncols(), *(x.nrows() for x in A))
    assert generic_rank(A, [x * 0 for x in masks]).rank == generic_rank(A, [0] * 3).rank


def test_a_mask_gives_the_term_rank() -> None:
    """Zero layer, noise in two rows of one column: rank 1; on the diagonal: rank 2."""
    zero = [[0, 0], [0, 0]]
    assert generic_rank([zero], [[[1, 0], [1, 0]]]).rank == 1
    assert generic_rank([zero], [[[1, 0], [0, 1]]]).rank == 2
    assert "too small with probability" in str(generic_rank([zero], [[[1, 0], [0, 1]]]))


def test_numbers_are_taken_exactly() -> None:
    tiny = np.array([[1.0, 0.0], [0.0, 5e-324]])
    assert generic_rank([tiny], [None]).rank == 2
    third = [[Fraction(1, 3), 1], [1, 3]]
    assert generic_rank([third], [0]).rank == 1
    assert generic_rank([[[1 / 3, 1.0], [1.0, 3.0]]], [0]).rank == 2
    assert generic_rank([np.array([[1, 2], [2, 4]], dtype=np.int32)], [0]).rank == 1
    assert generic_rank([[["1/3", "1"], [1, 3]]], [0]).rank == 1
    longer = np.array([[1, 1], [1, 1]], dtype=np.longdouble)
    longer[1, 1] += np.finfo(np.longdouble).eps
    assert generic_rank([longer], [0]).rank == 2


def test_a_multiple_of_one_prime_is_not_taken_for_zero() -> None:
    """2^61 - 1 divides the offset, but the prime is drawn; the formula is exact in any case."""
    p = 2**61 - 1
    assert generic_rank([[[p]]], [[[0]]]).rank == 1
    assert generic_rank([[[p, 0], [0, 1]]], [None]).rank == 2


def test_the_error_grows_with_the_degree_and_falls_with_trials() -> None:
    mask = [[1, 1], [1, 1]]
    one, two = (generic_rank([E1] * n, [mask] * n).error for n in (1, 2))
    assert 0 < one < two < 1e-14
    assert generic_rank([E1], [mask], trials=3).error == pytest.approx(one**3)
    assert generic_rank([E1], [None]).error < generic_rank([E1], [1]).error


def test_sub_products_and_seeds() -> None:
    A, noise = structured(Random(5), 4, 5)
    found = generic_rank(A, noise, sub_products=True, seed=3)
    assert len(found.products) == 10
    assert found.products[1, 4].rank == found.rank == generic_rank(A, noise).rank
    assert {k: v.rank for k, v in generic_rank(A, [0] * 4, sub_products=True).products.items()} == ranks(A)
    assert generic_rank(A, noise, sub_products=True, seed=3) == found


@pytest.mark.parametrize(
    ("layers", "noise", "argument"),
    [
        ([], [], "noise"),
        ([E1], [0, 0], "noise"),
        ([E1, [[1, 2, 3]]], [0, 0], r"layers\[1\]"),
        ([[[1, float("nan")]]], [0], r"layers\[0\]"),
        ([[[1, None]]], [0], r"layers\[0\]"),
        ([[1, 2]], [0], r"layers\[0\]"),
        ([[]], [0], r"layers\[0\]"),
        ([E1], [-1], r"noise\[0\]"),
        ([E1], ["half"], r"noise\[0\]"),
        ([E1], [True], r"noise\[0\]"),
        ([E1], [[[1, 1]]], r"noise\[0\]"),
        ([E1], [[[1, 2], [0, 0]]], r"noise\[0\]"),
        ([E1], [0.5], r"noise\[0\]"),
        ([[[1, 2], [3]]], [0], r"layers\[0\]"),
        ([fmpq_mat(0, 2)], [0], r"layers\[0\]"),
        ([E1], [[[1], [0, 0]]], r"noise\[0\]"),
        ([E1], [[[float("nan"), 1], [0, 0]]], r"noise\[0\]"),
    ],
)
def test_bad_input_is_named(layers: Any, noise: Any, argument: str) -> None:
    with pytest.raises(InvalidInput, match=argument):
        generic_rank(layers, noise)


def test_bad_numbers_of_trials_and_gaps() -> None:
    with pytest.raises(InvalidInput, match="trials"):
        generic_rank([E1], [0], trials=0)
    with pytest.raises(InvalidInput, match="trials"):
        generic_rank([E1], [0], trials=1.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="cut"):
        numerical_rank(np.eye(2), cut=1e-3)


def test_numerical_rank_says_where_it_is_not_clear() -> None:
    batch = np.stack([np.diag([1.0, 1.0]), np.diag([1.0, 1e-9]), np.zeros((2, 2)), np.full((2, 2), np.inf)])
    found, clear = numerical_rank(batch)
    assert found[:3].tolist() == [2, 2, 0] and clear.tolist() == [True, False, True, False]
