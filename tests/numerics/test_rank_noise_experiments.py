"""The experiments on noise and rank pass, repeat, and fail where what they check is changed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import nmod_mat

from numerics.experiments import (
    noisy_layers,
    rank_discrete_noise,
    rank_full_noise,
    rank_generic_initialisation,
    rank_increment,
    rank_label_noise_step,
    rank_low_rank_noise,
    rank_noise_in_some_layers,
    rank_noisy_gradient,
    rank_smallest_singular_value,
    rank_zero_one_law,
)

MODULES = (
    *(rank_full_noise, rank_zero_one_law, rank_low_rank_noise, rank_noise_in_some_layers, rank_discrete_noise),
    *(rank_smallest_singular_value, rank_noisy_gradient, rank_label_noise_step, rank_increment, rank_generic_initialisation),
)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.EXPERIMENT.sheet)
def test_experiments_pass_and_repeat(module: Any) -> None:
    first = module.EXPERIMENT.run(seed=3)
    assert first.passed, first.figures
    assert first.theorem.startswith("rank.") and first.sheet not in first.theorem
    assert module.EXPERIMENT.run(seed=3) == first


def changes() -> list[tuple[Any, str, Any]]:
    """A module, a function of it, and what stands in its place: each a false formula."""
    gradient, step, low = rank_noisy_gradient.expected, rank_label_noise_step.expected, rank_low_rank_noise.predicted
    run, joined = rank_noise_in_some_layers.expected, rank_increment.bound
    moment, widths = rank_discrete_noise.second_moment, rank_full_noise.expected
    tail = rank_smallest_singular_value.bound
    stepped = rank_generic_initialisation.stepped
    return [
        (rank_full_noise, "expected", lambda d: {at: min(r, d[0], d[-1]) + (at == (1, 2)) for at, r in widths(d).items()}),
        (rank_full_noise, "expected", lambda d: {(i, j): min(d[i - 1], d[j]) for i, j in widths(d)}),
        (rank_low_rank_noise, "predicted", lambda A, s: low(A, [max(k - 1, 0) for k in s])),
        (rank_low_rank_noise, "predicted", naive),
        (rank_noise_in_some_layers, "expected", lambda A, at: min(A.widths)),
        (rank_noise_in_some_layers, "expected", lambda A, at: max(run(A, at), 1)),
        (rank_discrete_noise, "second_moment", lambda A, s: 1.05 * moment(A, s)),
        (rank_discrete_noise, "second_moment", lambda A, s: moment(A, 0.9 * s)),
        (rank_discrete_noise, "bound", lambda d, size: Fraction(min(d), 2 * size)),
        (rank_smallest_singular_value, "bound", lambda d, e, sigma: 0.8 * tail(d, e, sigma)),
        (rank_smallest_singular_value, "bound", lambda d, e, sigma: tail(d, e, 1.0)),
        (rank_noisy_gradient, "expected", lambda kind, h, t, c, j, n: gradient("both", h, t, c, j, n)),
        (rank_noisy_gradient, "expected", lambda kind, h, t, c, j, n: gradient("labels", h, t, c, j, n)),
        (rank_label_noise_step, "expected", lambda d0, d2, r: min(d0, d2)),
        (rank_label_noise_step, "expected", lambda d0, d2, r: max(step(d0, d2, r) - 1, 0)),
        (rank_increment, "bound", lambda N, n, slope: joined(1, n, slope)),
        (rank_generic_initialisation, "stepped", lambda m, W, *rest: [x * 0 for x in stepped(m, W, *rest)]),
        (rank_generic_initialisation, "single", lambda rng: True),
        (rank_zero_one_law, "at", discrete),
    ]


def naive(A: noisy_layers.Offsets, s: list[int]) -> dict[tuple[int, int], int]:
    """min_k (rank A_k + s_k)."""
    places = noisy_layers.places(len(s))
    alone = {k: min(A.ranks[k, k] + s[k - 1], *A.widths[k - 1 : k + 1]) for k in range(1, len(s) + 1)}
    return {(i, j): min(alone[k] for k in range(i, j + 1)) for i, j in places}


def discrete(m: noisy_layers.Modular, base: list[nmod_mat], directions: list[list[nmod_mat]]) -> nmod_mat:
    """Coefficients 0 and 1 instead of generic ones."""
    layers = list(base)
    for direction in directions:
        c = m.draw.randint(0, 1)
        layers = [W + B * c for W, B in zip(layers, direction, strict=True)]
    return m.product(layers, layers[0].ncols())


@pytest.mark.parametrize("change", changes(), ids=lambda c: f"{c[0].EXPERIMENT.sheet} {c[1]}")
def test_they_fail_for_other_formulas(change: tuple[Any, str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, other = change
    monkeypatch.setattr(module, name, other)
    assert not module.measure(np.random.default_rng(0), False)[1]


def alarms(statistic: Any, level: float) -> int:
    """In how many of 100 seeds the statistic is above the level."""
    return sum(statistic(np.random.default_rng([7, seed])) > level for seed in range(100))


def test_the_z_tests_raise_no_false_alarm_and_see_an_error_of_a_fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 seeds each: the second moment of a determinant, the smallest singular value where its bound is nearly attained."""

    def moment(rng: np.random.Generator) -> float:
        return rank_discrete_noise.score(rng, 2, False, 10_000)

    def tail(rng: np.random.Generator) -> float:
        return rank_smallest_singular_value.excess(rng, np.zeros((1, 1)), 1.0, 10_000)

    tests = ((moment, rank_discrete_noise, "second_moment"), (tail, rank_smallest_singular_value, "bound"))
    for statistic, module, name in tests:
        assert alarms(statistic, module.MOST_Z) <= 1
        true = getattr(module, name)
        with monkeypatch.context() as m:
            m.setattr(module, name, lambda *args, true=true: 0.8 * true(*args))
            assert alarms(statistic, module.MOST_Z) >= 90


def test_masked_steps_are_those_of_the_masked_network() -> None:
    """With all neurons alive they are the plain steps; a dead neuron keeps its weights."""
    m = noisy_layers.Modular.of(np.random.default_rng(4))
    W, X, Y = [m.random(3, 2), m.random(2, 3)], m.random(2, 2), m.random(2, 2)
    plain = m.stepped(W, X, Y, 2)
    assert rank_generic_initialisation.stepped(m, W, X, Y, 2, [[1, 1, 1]]) == plain
    masked = rank_generic_initialisation.stepped(m, W, X, Y, 2, [[1, 0, 1]])
    assert masked[0].table()[1] == W[0].table()[1] and masked != plain
    assert [row[1] for row in masked[1].table()] == [row[1] for row in W[1].table()]


def test_ranks_of_offsets_are_exact() -> None:
    A = noisy_layers.offsets(np.random.default_rng(1), (5, 7, 6, 4))
    products = noisy_layers.sub_products(A.layers)
    assert {at: int(np.linalg.matrix_rank(P, tol=1e-9)) for at, P in products.items()} == A.ranks
