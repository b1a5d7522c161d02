"""The statistical tests: their false-alarm rate at a true statement, their power at a false one."""

from __future__ import annotations

from math import exp, inf

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from numerics.ensembles import Run, simulated
from numerics.experiments.hessian_effective_flow import C, pair
from numerics.experiments.hessian_ensembles import Case
from numerics.statistics import LEVEL, Comparison, Estimate, compared, extrapolated
from theory.errors import InvalidInput

SEEDS = 200
START = (np.array([[1.0]]), np.array([[2.0]]))


def test_an_estimate_is_the_mean_with_its_standard_error() -> None:
    e = Estimate.of([1.0, 2.0, 3.0, 4.0])
    assert (e.mean, e.size) == (2.5, 4) and e.error == pytest.approx(np.sqrt(5 / 3) / 2)


@pytest.mark.parametrize("samples", [[1.0], [], [[1.0, 2.0]], [1.0, inf], [1.0, float("nan")]])
def test_an_estimate_needs_finite_samples(samples: list[float]) -> None:
    with pytest.raises(InvalidInput, match="samples"):
        Estimate.of(samples)


def test_extrapolation_removes_a_linear_bias_and_adds_the_errors() -> None:
    e = extrapolated(Estimate(3.4, 0.3, 100), Estimate(3.2, 0.2, 50))
    assert e.mean == pytest.approx(3.0) and e.error == pytest.approx(0.5) and e.size == 50


def test_a_comparison_shows_how_far_beyond_the_allowance_it_is() -> None:
    estimate = Estimate(1.0, 0.1, 400)
    inside, beyond, below = (compared("x", estimate, p, allowance=0.2) for p in (1.15, 0.5, 1.5))
    assert (inside.z, inside.p_value, inside.accepted) == (0.0, 1.0, True)
    assert beyond.z == pytest.approx(3.0) and below.z == pytest.approx(-3.0) and beyond.accepted
    assert beyond.p_value == pytest.approx(0.0027, rel=1e-3) and not compared("x", estimate, 0.5, level=0.05).accepted
    assert compared("x", Estimate(1.0, 0.0, 4), 1.0).accepted and not compared("x", Estimate(1.0, 0.0, 4), 1.1).accepted
    assert set(inside.figures()) == {
        f"x{s}" for s in ("", ", standard error", ", predicted", ", runs", ", z", ", p-value of a two-sided z-test")
    }


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 1.0}, {"allowance": -1.0}, {"allowance": inf}])
def test_a_comparison_refuses_nonsense(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        compared("x", Estimate(1.0, 0.1, 4), 1.0, **wrong)


# -- a statement that is exactly true at every step size ----------------------------------------------------------------------


def one_step(seed: int, scale: float = 1.0, level: float = LEVEL) -> Comparison:
    """E (D^+ - D) / eta^2 = -c D in one step from the valley, at eta and eta / 2, extrapolated; c times `scale`."""
    means = []
    for k, rate in enumerate((0.2, 0.1)):
        run = Run(rate=rate, time=rate**2, size=20_000, scale=C, seed=[2019, seed, k])
        a, b = simulated(START, np.eye(1), run)
        means.append(Estimate.of((b**2 - a**2 - 3)[:, 0, 0] / rate**2))
    return compared("rate of D", extrapolated(*means), -3 * C * scale, level=level)


def test_the_false_alarm_rate_of_a_true_statement_is_the_level() -> None:
    """None rejected at the level in use (6e-5); at the level 5% as many as 5% allows; p-values uniform."""
    found = [one_step(seed) for seed in range(SEEDS)]
    rejected = sum(c.p_value < 0.05 for c in found)
    print(f"rejected at 5%: {rejected} of {SEEDS}; at {LEVEL:.2g}: {sum(not c.accepted for c in found)} of {SEEDS}")
    assert all(c.accepted for c in found)
    assert binomtest(rejected, SEEDS, 0.05).pvalue > 0.01
    assert kstest([c.p_value for c in found], "uniform").pvalue > 0.01


@pytest.mark.parametrize("scale", [0.8, 1.2])
def test_a_rate_wrong_by_a_fifth_is_rejected(scale: float) -> None:
    found = [one_step(seed, scale) for seed in range(20)]
    rejected, least = sum(not c.accepted for c in found), min(abs(c.z) for c in found)
    print(f"rejected with a rate times {scale}: {rejected} of 20, least |z| {least:.1f}")
    assert rejected == 20


# -- ensembles along the limit flow -------------------------------------------------------------------------------------------


def wrong(case: Case, found: Comparison, scale: float) -> Comparison:
    """The same estimate beside D(0) exp(-scale c t): the drift constant is wrong by that factor."""
    end = case.values[0].first * exp(-C * scale * case.run.time)
    return compared("D", found.estimate, end, allowance=found.allowance)


def test_a_few_ensembles_agree_with_the_limit_flow_and_reject_a_wrong_one() -> None:
    case = pair(0.5)
    for seed in range(4):
        (found,), _ = case.check(0.05, 400, [seed])
        assert found.accepted, found
        assert not any(wrong(case, found, scale).accepted for scale in (0.8, 1.2))


@pytest.mark.thorough
def test_a_hundred_ensembles_of_the_limit_flow() -> None:
    """The whole test as the experiment uses it: extrapolation, allowance and level."""
    case = pair(1.0)
    found = [case.check(0.04, 400, [seed])[0][0] for seed in range(100)]
    alarms, loose = sum(not c.accepted for c in found), sum(abs(c.z) > 1.96 for c in found)
    print(f"false alarms: {alarms} of 100, |z| > 1.96: {loose} of 100")
    assert alarms == 0 and binomtest(loose, 100, 0.05, "greater").pvalue > 0.01
    for scale in (0.8, 1.2):
        others = [wrong(case, c, scale) for c in found]
        rejected, least = sum(not c.accepted for c in others), min(abs(c.z) for c in others)
        print(f"drift constant times {scale}: rejected {rejected} of 100, least |z| {least:.1f}")
        assert rejected == 100
