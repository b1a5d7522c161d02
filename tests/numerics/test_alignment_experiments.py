"""The experiments of the first part of the family `alignment` pass, and fail where what they check is changed."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.experiments import (
    alignment_balanced,
    alignment_bounded_imbalance,
    alignment_commutators,
    alignment_least_squares,
    alignment_literal_or_weak,
    alignment_two_layers,
)

EXPERIMENTS = [
    m.EXPERIMENT
    for m in (
        alignment_two_layers, alignment_commutators, alignment_literal_or_weak, alignment_balanced, alignment_bounded_imbalance,
        alignment_least_squares,
    )
]  # fmt: skip


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.sheet)
def test_experiments_pass_and_repeat(experiment: object) -> None:
    first = experiment.run(seed=3)  # type: ignore[attr-defined]
    assert first.passed, first.figures
    assert first.theorem.startswith("alignment.") and first.sheet not in first.theorem


def fails(module: object) -> bool:
    return not module.measure(np.random.default_rng(0), False)[1]  # type: ignore[attr-defined]


def test_they_fail_for_other_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as m:
        m.setattr(alignment_literal_or_weak, "two_layer_condition", lambda bars, widths: True)
        assert fails(alignment_literal_or_weak)
    with monkeypatch.context() as m:
        m.setattr(alignment_literal_or_weak, "hill", lambda widths: max(widths) > widths[0])
        assert fails(alignment_literal_or_weak)
    with monkeypatch.context() as m:
        ratios = alignment_bounded_imbalance.ratios
        m.setattr(alignment_bounded_imbalance, "ratios", lambda A, B: 1.2 * ratios(A, B))
        assert fails(alignment_bounded_imbalance)
    with monkeypatch.context() as m:
        least = alignment_least_squares.least_squares_minimum
        m.setattr(alignment_least_squares, "least_squares_minimum", lambda X, Y, w: 0.999 * least(X, Y, w))
        assert fails(alignment_least_squares)
    with monkeypatch.context() as m:
        m.setattr(alignment_two_layers, "aligned_layers", lambda rng, widths, notion: [rng.standard_normal((3, 3))] * 2)
        assert fails(alignment_two_layers)
