"""Flows and data of alignment: closed forms beside integration and derived formulas, the data criterion, experiments."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.data_alignment import data_alignment
from numerics.dynamics import (
    descended,
    flowed,
    gradients,
    layer_value,
    mode_flow,
    potential,
    product,
    squared_slope,
    unbalanced_product,
)
from numerics.experiments import (
    Experiment,
    aligned,
    alignment_balanced_flow,
    alignment_data,
    alignment_fixed_bases,
    alignment_generic_data,
    alignment_gradient_flow,
    alignment_mode_dynamics,
    alignment_rank_one,
    alignment_unbalanced_flow,
)
from theory.derivations import derive, render
from theory.errors import InvalidInput

MODULES = (
    alignment_fixed_bases, alignment_data, alignment_rank_one, alignment_gradient_flow, alignment_generic_data,
    alignment_mode_dynamics, alignment_balanced_flow, alignment_unbalanced_flow,
)  # fmt: skip


@cache
def compiled(name: str, **options: int) -> Callable[..., Any]:
    derivation, namespace = derive(name, **options), dict[str, Any]()
    exec(render(derivation, "python"), namespace)
    return namespace[derivation.result.name]  # type: ignore[no-any-return]


# -- closed forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", range(1, 7))
@pytest.mark.parametrize("start", [0.4, 1.7])
def test_layer_values_agree_with_integration(depth: int, start: float) -> None:
    times = np.linspace(0.2, 4, 6)
    path = mode_flow([start] * depth, 1.3, 0.9, times)
    closed = np.array([layer_value(t, start, 1.3, 0.9, depth) for t in times])
    assert np.abs(path - closed[:, None]).max() < 1e-9


@pytest.mark.parametrize("depth", range(2, 7))
def test_decay_without_a_target(depth: int) -> None:
    times = np.linspace(0.2, 4, 6)
    path = mode_flow([1.2] * depth, 0.7, 0.0, times)[:, 0]
    closed = [layer_value(t, 1.2, 0.7, 0.0, depth) for t in times]
    derived = [compiled("alignment.zero_target_flow", depth=depth)(t=t, b_0=1.2, s=0.7) for t in times]
    assert path == pytest.approx(closed, abs=1e-9) and closed == pytest.approx(derived, rel=1e-14)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("c", [1.1, -0.6])
def test_the_derived_product_agrees_with_integration(depth: int, c: float) -> None:
    times = np.linspace(0.2, 4, 6)
    path = mode_flow([0.6] * depth, 1.3, c, times).prod(axis=1)
    derived = [compiled("alignment.balanced_flow", depth=depth)(t=t, a_0=0.6**depth, s=1.3, c=c) for t in times]
    closed = [layer_value(t, 0.6, 1.3, c, depth) ** depth for t in times]
    assert path == pytest.approx(derived, abs=1e-9) and closed == pytest.approx(derived, abs=1e-13)


@pytest.mark.parametrize("depth", [3, 4, 5, 6])
@pytest.mark.parametrize("start", [0.4, 1.9])
def test_the_derived_time_gives_the_layer_value_back(depth: int, start: float) -> None:
    """t -> b by integration -> t(b) by the derived formula -> b again: layer values are compared, not times."""
    s, c = 1.3, 0.9
    for t, b in zip((0.1, 0.5, 1.5), mode_flow([start] * depth, s, c, (0.1, 0.5, 1.5))[:, 0], strict=True):
        elapsed = compiled("alignment.balanced_flow", depth=depth)(b=b, b_0=start, s=s, c=c)
        assert layer_value(elapsed, start, s, c, depth) == pytest.approx(b, abs=1e-12)
        assert layer_value(t, start, s, c, depth) == pytest.approx(b, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(1e-4, 0.7), st.integers(3, 6))
def test_the_potential_is_an_antiderivative(u: float, gap: float, depth: int) -> None:
    for at in (u, 1 + gap):
        h = 1e-5 * min(at, abs(1 - at))
        slope = (potential(at + h, depth) - potential(at - h, depth)) / (2 * h)
        assert slope * at ** (depth - 1) * (1 - at**depth) == pytest.approx(1, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 2), st.floats(0.1, 2), st.floats(0.2, 2), st.floats(-1.5, 1.5), st.booleans())
def test_unbalanced_products_agree_with_integration(x: float, gap: float, s: float, c: float, flip: bool) -> None:
    y = (abs(x) + gap) * (-1 if flip else 1)
    times = np.linspace(0.3, 3, 4)
    path = mode_flow((x, y), s, c, times).prod(axis=1)
    closed = [unbalanced_product(float(t), (x, y), s, c) for t in times]
    derived = [compiled("alignment.unbalanced_flow")(t=float(t), sigma=(x, y), s=s, c=c) for t in times]
    assert path == pytest.approx(closed, abs=1e-8) and closed == pytest.approx(derived, abs=1e-9)


def test_layer_values_reach_their_targets_and_stay() -> None:
    for depth in range(1, 7):
        assert layer_value(0.0, 0.7, 1.0, 2.0, depth) == pytest.approx(0.7)
        assert layer_value(1e3, 0.7, 1.0, 2.0, depth) == pytest.approx(2 ** (1 / depth))
        assert layer_value(1.0, 2 ** (1 / depth), 1.0, 2.0, depth) == pytest.approx(2 ** (1 / depth))
    assert layer_value(400.0, 1.0, 1.0, -1.0, 2) < 1e-100


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((-1, 1, 1, 1, 3), "time"), ((1, 0, 1, 1, 3), "start"), ((1, 1, 0, 1, 3), "s"), ((1, 1, 1, -1, 3), "c"),
     ((1, 1, 1, 1, 0), "depth"),
     ((math.nan, 1, 1, 1, 2), "time"), ((1, 1, 1, math.nan, 2), "c")],
)  # fmt: skip
def test_bad_modes_are_named(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{name}: got"):
        layer_value(*arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="values"):
        unbalanced_product(1.0, (1.0, -1.0), 1.0, 1.0)
    with pytest.raises(InvalidInput, match="times"):
        mode_flow([1.0], 1.0, 1.0, [2.0, 1.0])


# -- networks -----------------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(3)
    layers = [rng.normal(size=s) for s in ((3, 2), (4, 3), (2, 4))]
    X, Y = rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    value = lambda W: 0.5 * float(((product(W) @ X - Y) ** 2).sum())  # noqa: E731
    for i, G in enumerate(gradients(layers, squared_slope(X, Y))):
        direction = rng.normal(size=G.shape)
        ends = [value([W + h * direction if j == i else W for j, W in enumerate(layers)]) for h in (1e-5, -1e-5)]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float((G * direction).sum()), rel=1e-7)


def test_flow_conserves_the_imbalance_and_descent_does_not() -> None:
    rng = np.random.default_rng(4)
    layers, slope = [rng.normal(size=(3, 3)) for _ in range(2)], squared_slope(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))
    D = lambda W: W[1].T @ W[1] - W[0] @ W[0].T  # noqa: E731
    assert np.abs(D(flowed(layers, slope, (0.7,))[0]) - D(layers)).max() < 1e-9
    assert np.abs(D(descended(layers, slope, 0.05)) - D(layers)).max() > 1e-3


# -- data ---------------------------------------------------------------------------------------------------------------


def test_data_that_share_bases_are_recognised_with_their_bases() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        net = aligned.aligned(rng, aligned.random_widths(rng, 1, 5))
        found = data_alignment(net.X, net.Y)
        assert found.aligned and found.distance < 1e-12
        assert np.allclose(found.U.T @ found.U, np.eye(len(found.U))) and np.allclose(found.V.T @ found.V, np.eye(len(found.V)))
        assert aligned.off_diagonal(found.U.T @ net.Y @ net.X.T @ found.V) < 1e-11
        assert (found.cross >= -1e-12).all()


@pytest.mark.parametrize(
    ("X", "Y", "answer"),
    [
        ([[1, 1], [0, 1]], [[1, 0], [-3, 3]], False),
        ([[1, 0], [0, 2]], [[3, 0], [0, 1]], True),
        ([[1, 2]], [[3, 4]], True),
        ([[1], [2]], [[5], [7]], True),
        ([[1, 0], [0, 2]], [[1, 1]], False),
        ([[0, 0]], [[1, 2]], True),
        ([[Fraction(1, 3), 0], [0, Fraction(1, 3)]], [[1, 7], [2, 5]], True),
    ],
)
def test_exact_answers(X: Any, Y: Any, answer: bool) -> None:
    found = data_alignment(X, Y)
    assert found.exact and found.aligned is answer
    assert ("exactly" in str(found)) and str(found).startswith("yes" if answer else "no")
    floats = data_alignment(np.array(X, dtype=float), np.array(Y, dtype=float))
    assert not floats.exact and floats.aligned is answer


def test_a_perturbation_is_judged_by_the_tolerance() -> None:
    X, Y = np.diag([1.0, 2.0]), np.array([[3.0, 1e-6], [0.0, 1.0]])
    assert data_alignment(X, Y).aligned is False
    assert data_alignment(X, Y, tolerance=1e-4).aligned is True
    assert data_alignment(X, Y, tolerance=1e-7).aligned is None
    assert "undecided" in str(data_alignment(X, Y, tolerance=1e-7))


def test_torch_data_are_read() -> None:
    torch = pytest.importorskip("torch")
    found = data_alignment(torch.eye(2, dtype=torch.float32, requires_grad=True), torch.ones(2, 2))
    assert found.aligned and found.tolerance > 1e-5


@pytest.mark.parametrize(
    ("X", "Y", "tolerance", "name"),
    [([[1]], [[1, 2]], None, "Y"), ([1, 2], [[1, 2]], None, "X"), ([[math.nan]], [[1.0]], None, "X"),
     ([["a"]], [[1]], None, "X"),
     ([[1]], [[1]], 2.0, "tolerance"), (np.zeros((0, 2)), np.zeros((1, 2)), None, "X")],
)  # fmt: skip
def test_bad_data_are_named(X: Any, Y: Any, tolerance: float | None, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{name}: got"):
        data_alignment(X, Y, tolerance)


# -- experiments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("experiment", [m.EXPERIMENT for m in MODULES], ids=lambda e: e.sheet)
def test_an_experiment_passes_and_repeats_itself(experiment: Experiment) -> None:
    outcome = experiment.run(1)
    assert outcome.passed, outcome.figures
    assert outcome.theorem.startswith("alignment.") and experiment.sheet not in outcome.theorem


def shifted(module: Any, name: str, change: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    right = getattr(module, name)
    return lambda patch: patch.setattr(module, name, lambda *a, **k: change(right(*a, **k)))


def disturbed(net: aligned.Aligned) -> aligned.Aligned:
    noise = 1e-5 * np.arange(net.Y.size).reshape(net.Y.shape) ** 2
    return aligned.Aligned(net.bases, net.layers, net.X, net.Y + noise)


def unbalanced(layers: list[Any]) -> list[Any]:
    return [layers[0] @ np.diag(1 + 0.1 * np.arange(len(layers[0]))), *layers[1:]]


WRONG = [
    (alignment_fixed_bases, shifted(alignment_fixed_bases, "gradients", lambda G: [g + 1e-6 for g in G])),
    (alignment_data, shifted(alignment_data, "aligned", disturbed)),
    (alignment_rank_one, shifted(alignment_rank_one, "descended", lambda W: [w + 1e-6 for w in W])),
    (alignment_gradient_flow, shifted(alignment_gradient_flow, "shifted", unbalanced)),
    (alignment_generic_data, shifted(alignment_generic_data, "squared_slope", lambda f: lambda P: 0 * f(P))),
    (alignment_mode_dynamics, shifted(alignment_mode_dynamics, "stepped", lambda v: [1.000001 * x for x in v])),
    (alignment_balanced_flow, shifted(alignment_balanced_flow, "layer_value", lambda b: b * (1 + 1e-7))),
    (alignment_unbalanced_flow, shifted(alignment_unbalanced_flow, "unbalanced_product", lambda a: a + 1e-7)),
]  # fmt: skip


@pytest.mark.parametrize(("module", "wrong"), WRONG, ids=[m.EXPERIMENT.sheet for m, _ in WRONG])
def test_an_experiment_fails_with_a_wrong_formula(module: Any, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch)
    assert not module.EXPERIMENT.run(1).passed
