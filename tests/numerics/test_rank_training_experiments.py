"""The experiments on training and the rank pass, repeat, and fail where what they check is changed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from numerics.experiments import (
    rank_critical_points,
    rank_data_noise,
    rank_dead_neurons,
    rank_dropout_masks,
    rank_flow,
    rank_junction,
    rank_mask_means,
    rank_masked_step,
    rank_saddles,
    rank_term_rank,
)

MODULES = (
    *(rank_junction, rank_data_noise, rank_flow, rank_dropout_masks, rank_term_rank),
    *(rank_mask_means, rank_masked_step, rank_dead_neurons, rank_critical_points, rank_saddles),
)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.EXPERIMENT.sheet)
def test_experiments_pass_and_repeat(module: Any) -> None:
    first = module.EXPERIMENT.run(seed=3)
    assert first.passed, first.figures
    assert first.theorem.startswith("rank.") and first.sheet not in first.theorem
    assert all(isinstance(x, int | float | str) for x in first.figures.values())
    assert first == module.EXPERIMENT.run(seed=3)


@pytest.mark.thorough
@pytest.mark.parametrize("module", [rank_term_rank, rank_masked_step, rank_critical_points], ids=lambda m: m.EXPERIMENT.sheet)
def test_experiments_pass_thoroughly(module: Any) -> None:
    assert module.EXPERIMENT.run(seed=1, thorough=True).passed


def best(V: Any, W: Any) -> int:
    return max(rank_dropout_masks.rank(rank_dropout_masks.scaled(V, t, W)) for t in ((0,) * len(W), (1,) * len(W)))


WRONG: list[tuple[Any, str, Any]] = [
    # descent with a small term that no gradient has; a momentum that couples neurons
    (rank_junction, "descended", lambda W, slope, rate: [A - rate * (slope_at(W, slope, i) + 1e-3) for i, A in enumerate(W)]),
    (rank_data_noise, "descended", lambda W, slope, rate: [A + 1e-3 * np.eye(*A.shape) for A in W]),
    (rank_data_noise, "descended", lambda W, slope, rate: [A * np.inf for A in W]),
    (rank_flow, "balanced", lambda rng, widths: [rng.standard_normal((b, 2)) @ rng.standard_normal((2, a)) / 3
                                                 for a, b in pairwise(widths)]),
    (rank_flow, "imbalance", lambda W: np.concatenate([(V @ V.T).ravel() for V in W])),
    (rank_dropout_masks, "best_mask", best),
    (rank_dropout_masks, "least_split", lambda V, W: min(len(V), len(W))),
    (rank_dropout_masks, "generic", lambda V, W, rng: rank_dropout_masks.rank(rank_dropout_masks.scaled(V, (1,) * len(W), W))),
    (rank_term_rank, "matching", lambda support: rank_dropout_masks.rank(support)),
    (rank_term_rank, "least_cover", lambda support: sum(any(r) for r in support)),
    (rank_mask_means, "nuclear", lambda P: float(np.linalg.svd(P, compute_uv=False).sum()) * 1.01),
    (rank_mask_means, "mean_loss", lambda V, W, X, Y, p: float(((V @ W @ X - Y) ** 2).sum())),
    (rank_masked_step, "expected", lambda u: 2 ** len(u) - 2),
    (rank_masked_step, "RATE", 0),
    (rank_critical_points, "formula", lambda W: W[-1].nrows() * W[0].ncols() - W[-1].rank() * W[0].rank()),
    (rank_critical_points, "full", lambda W: product_rank(W) == min(W[-1].nrows(), W[0].ncols())),
    (rank_saddles, "form", lambda W, A, D: -1.0),
]  # fmt: skip


def slope_at(layers: list[Any], slope: Any, i: int) -> Any:
    from numerics.dynamics import gradients

    return gradients(layers, slope)[i]


def product_rank(layers: list[Any]) -> int:
    out = layers[0]
    for W in layers[1:]:
        out = W * out
    return int(out.rank())


@pytest.mark.parametrize(("module", "name", "wrong"), WRONG, ids=[f"{m.EXPERIMENT.sheet}-{n}" for m, n, _ in WRONG])
def test_they_fail_for_other_formulas(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, wrong: Any) -> None:
    monkeypatch.setattr(module, name, wrong)
    with np.errstate(all="ignore"):
        assert not module.measure(np.random.default_rng(0), False)[1]


def test_dead_neurons_are_revived_by_gradients_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = rank_dead_neurons.gradients
    monkeypatch.setattr(rank_dead_neurons, "gradients", lambda *a: [G + 1e-12 for G in plain(*a)])
    assert not rank_dead_neurons.measure(np.random.default_rng(0), False)[1]


def test_a_maximum_matching() -> None:
    support = ((1, 0, 0), (1, 0, 0), (0, 1, 1))
    assert rank_term_rank.matching(support) == rank_term_rank.least_cover(support) == 2
