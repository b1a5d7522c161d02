"""Every experiment passes, repeats itself, and fails when the formula that it tests is changed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from numerics.experiments import experiment, experiment_of, experiments
from numerics.experiments import minima_bad_minima as bad_minima
from numerics.experiments import minima_closed_form as closed_form
from numerics.experiments import minima_energy_bounds as energy_bounds
from numerics.experiments import minima_flow_laws as flow_laws
from numerics.experiments import minima_global_minimum as global_minimum
from numerics.experiments import minima_jump as jump
from numerics.experiments import minima_loss as loss
from numerics.experiments import minima_minimisers as minimisers
from numerics.experiments import minima_only_zero as only_zero
from numerics.experiments import minima_origin as origin
from numerics.experiments import minima_prediction_variance as prediction_variance
from numerics.experiments import minima_root_count as root_count
from numerics.experiments import minima_scalar_equation as scalar_equation
from numerics.experiments import minima_stationary_points as stationary_points
from numerics.experiments import minima_transition as transition
from numerics.minimum import Minimum
from numerics.minimum_loss import noise_averaged_loss
from theory.errors import InvalidInput
from theory.theorem import theorems


def test_the_registry_has_one_experiment_for_each_sheet():
    from theory.theorem import theorems

    sheets = (1, 4, 5, *range(8, 21))
    assert [name for name in experiments() if name.startswith("minima")] == [f"minima.B{k}" for k in sheets]
    assert set(experiments()) <= {f"{t.family}.{t.sheet}" for t in theorems().values()}


@pytest.mark.parametrize("name", experiments())
def test_an_experiment_passes_and_its_outcome_is_json(name):
    outcome = experiment(name).run(seed=1)
    assert outcome.passed, outcome.figures
    assert json.loads(json.dumps(outcome.json(), allow_nan=False))["seed"] == 1


def test_the_same_seed_gives_the_same_figures():
    first, again, other = (experiment("minima.B13").run(seed).figures for seed in (3, 3, 4))
    assert first == again != other


def test_experiments_are_found_by_theorem():
    for theorem in theorems().values():
        found = experiment_of(theorem)
        assert (found is not None) == (f"{theorem.family}.{theorem.sheet}" in experiments())
        assert found is None or experiment(theorem.name) is found


def test_an_unknown_experiment_is_an_error():
    with pytest.raises(InvalidInput, match="B99"):
        experiment("minima.B99")


# -- with a wrong formula ------------------------------------------------------------------------------------------------


def wrong_loss(patch):
    doubled = lambda layers, moments, noise: noise_averaged_loss(layers, moments, noise=2 * np.asarray(noise))  # noqa: E731
    patch.setattr(loss, "noise_averaged_loss", doubled)


def wrong_bound(patch):
    right = global_minimum.psi
    patch.setattr(global_minimum, "psi", lambda p, b: right(p, b) + 1e-4 * p.scale)


def wrong_weights(patch):
    right = Minimum.weights
    patch.setattr(Minimum, "weights", lambda self: [1.001 * w for w in right(self)])


def wrong_nullity(patch):
    patch.setattr(minimisers, "nullity", lambda p: 0)


def wrong_root(patch):
    right = scalar_equation.minimise
    more = lambda *a, decay, noise: right(*a, decay=[1.001 * decay[0], *decay[1:]], noise=noise)  # noqa: E731
    patch.setattr(scalar_equation, "minimise", more)


def wrong_radicals(patch):
    right = closed_form.minimise
    patch.setattr(closed_form, "minimise", lambda *a, decay, noise: right(*a, decay=decay, noise=0.0))


def wrong_spectrum(patch):
    right = origin.predicted
    patch.setattr(origin, "predicted", lambda p: right(p) * (1 + 1e-9))


def wrong_threshold(patch):
    right = transition.at
    patch.setattr(transition, "at", lambda p, product: right(p, product * (1 + 1e-4)))


def wrong_levels(patch):
    right = stationary_points.levels
    patch.setattr(stationary_points, "levels", lambda p: [x + 1e-4 * p.scale for x in right(p)])


def wrong_ratio(patch):
    right = root_count.largest_ratio
    patch.setattr(root_count, "largest_ratio", lambda hidden, factor: right(hidden, factor**30 if factor < 1 else 0.99))


def wrong_curvature(patch):
    right = bad_minima.instance
    patch.setattr(bad_minima, "instance", lambda rng: replace(right(rng), decay=(0.9, 0.9, 0.9)))


def wrong_jump(patch):
    patch.setattr(jump, "jump", lambda hidden: 1 - 1 / hidden**1.001)


def wrong_bounds(patch):
    right = energy_bounds.Problem.kappa.fget
    patch.setattr(energy_bounds.Problem, "kappa", property(lambda p: right(p) * 1.2))


def wrong_collapse(patch):
    right = only_zero.threshold
    patch.setattr(only_zero, "threshold", lambda p: right(p) / 40)


def wrong_rate(patch):
    patch.setattr(flow_laws, "RATE", 4.01)


def wrong_variance(patch):
    patch.setattr(prediction_variance, "variance", lambda kappa, mean: kappa * mean**2)


WRONG = [("B1", wrong_loss), ("B4", wrong_bound), ("B4", wrong_weights), ("B5", wrong_nullity), ("B9", wrong_root)]
WRONG += [("B8", wrong_levels), ("B10", wrong_ratio), ("B11", wrong_curvature), ("B15", wrong_jump), ("B16", wrong_bounds)]
WRONG += [("B17", wrong_collapse), ("B19", wrong_rate), ("B20", wrong_variance)]
WRONG += [("B12", wrong_radicals), ("B13", wrong_spectrum), ("B14", wrong_threshold)]


@pytest.mark.parametrize(("sheet", "wrong"), WRONG, ids=[w.__name__ for _, w in WRONG])
def test_an_experiment_fails_with_a_wrong_formula(sheet, wrong, monkeypatch):
    wrong(monkeypatch)
    assert not experiment(f"minima.{sheet}").run(seed=1).passed


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["minima.B13", "minima.B9", "minima.B14"])
def test_a_thorough_run_passes(name):
    outcome = experiment(name).run(thorough=True)
    assert outcome.passed, outcome.figures
