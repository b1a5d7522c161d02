"""The experiments about the Hessian on the valley pass, and fail where a formula is changed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from numerics.experiments import (
    hessian_flattest,
    hessian_gauss_newton,
    hessian_imbalance,
    hessian_least_determinant,
    hessian_least_sharpness,
    hessian_noise_covariance,
    hessian_spectrum,
    hessian_trace_formula,
)

MODULES = (
    hessian_gauss_newton,
    hessian_trace_formula,
    hessian_spectrum,
    hessian_noise_covariance,
    hessian_imbalance,
    hessian_flattest,
    hessian_least_sharpness,
    hessian_least_determinant,
)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.EXPERIMENT.sheet)
def test_experiments_pass(module: ModuleType) -> None:
    outcome = module.EXPERIMENT.run(seed=3)
    assert outcome.passed, outcome.figures
    assert outcome.theorem.startswith("hessian.") and outcome.sheet not in outcome.theorem


def scaled(module: ModuleType, name: str, factor: float) -> Any:
    """The function of that name, its value times a factor."""
    right = getattr(module, name)
    return lambda *args, **named: right(*args, **named) * factor


@pytest.mark.parametrize(
    ("module", "name", "factor"),
    [
        (hessian_gauss_newton, "jacobian", 1 + 1e-9),
        (hessian_trace_formula, "hessian_trace", 1 + 1e-9),
        (hessian_spectrum, "hessian_rank", 2),
        (hessian_noise_covariance, "predicted", 0.8),
        (hessian_imbalance, "decayed", 1 + 1e-5),
        (hessian_imbalance, "least_trace", 1 + 1e-5),
        (hessian_flattest, "least_trace", 1 + 1e-5),
        (hessian_flattest, "least_trace", 1 - 1e-5),
        (hessian_least_sharpness, "least_sharpness", 1.2),
        (hessian_least_determinant, "least", 1 + 1e-6),
    ],
)
def test_they_fail_for_other_formulas(module: ModuleType, name: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, name, scaled(module, name, factor))
    if module is hessian_flattest:
        monkeypatch.setattr(module, "STARTS", hessian_flattest.STARTS[2:])
    assert not module.measure(np.random.default_rng(0), False)[1]


def test_balanced_layers_are_not_the_flattest(monkeypatch: pytest.MonkeyPatch) -> None:
    """H15 would not notice a construction by the trace if it did not look at the balance."""
    right = hessian_least_sharpness.flattest
    monkeypatch.setattr(hessian_least_sharpness, "flattest", lambda *a, by, **k: right(*a, by="trace", **k))
    assert not hessian_least_sharpness.measure(np.random.default_rng(0), False)[1]


def test_the_noise_of_a_batch_is_accepted_by_its_test() -> None:
    """The level allows one rejection in 10,000 runs of a true statement; a constant 20% off is never accepted."""
    outcomes = [hessian_noise_covariance.measure(np.random.default_rng(seed), False)[1] for seed in range(8)]
    assert all(outcomes)
