"""The experiments on noise fail when the formula that they test is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numerics.experiments import experiment
from numerics.experiments import hessian_effective_flow as effective_flow
from numerics.experiments import hessian_ensembles as ensembles
from numerics.experiments import hessian_flow_limit as flow_limit
from numerics.experiments import hessian_isotropic_noise as isotropic_noise
from numerics.experiments import hessian_misaligned_noise as misaligned_noise
from numerics.experiments import hessian_spectral_noise as spectral_noise
from numerics.experiments import hessian_two_scalars as two_scalars
from numerics.noise_drift import Valley

Patch = pytest.MonkeyPatch


def scaled_drift(patch: Patch) -> None:
    right = Valley.velocity
    patch.setattr(Valley, "velocity", lambda self, sigma: 1.001 * right(self, sigma))


def no_curvature(patch: Patch) -> None:
    """The normal part of the drift left out."""
    right = Valley.velocity
    patch.setattr(Valley, "velocity", lambda self, s: right(self, s) * (np.arange(len(s)) >= self.rank))


def no_mixed_blocks(patch: Patch) -> None:
    right = Valley.velocity

    def wrong(self: Valley, sigma: Any) -> Any:
        inside = np.arange(len(sigma)) < self.rank
        return right(self, np.where(inside[:, None] == inside, sigma, 0))

    patch.setattr(Valley, "velocity", wrong)


def another_potential(patch: Patch) -> None:
    wrong = spectral_noise.POTENTIALS | {"1": (np.ones_like, lambda x: x)}
    patch.setattr(spectral_noise, "POTENTIALS", wrong)


def faster_decay(patch: Patch) -> None:
    """The drift constant of the two scalars wrong by a fifth."""
    right = effective_flow.exp
    patch.setattr(effective_flow, "exp", lambda x: right(1.2 * x))
    patch.setattr(effective_flow, "NETS", ())
    patch.setattr(effective_flow, "SCALARS", [effective_flow.pair])


def faster_chain(patch: Patch) -> None:
    _faster(patch, effective_flow)
    patch.setattr(effective_flow, "NETS", ())
    patch.setattr(effective_flow, "SCALARS", [effective_flow.chain])


def faster_network(patch: Patch) -> None:
    _faster(patch, ensembles)
    patch.setattr(effective_flow, "SCALARS", [])


def _faster(patch: Patch, module: Any) -> None:
    right: Callable[..., Any] = ensembles.limit_flow
    patch.setattr(module, "limit_flow", lambda start, X, noise, scale, time: right(start, X, noise, 1.2 * scale, time))


def unrefined(patch: Patch) -> None:
    right = two_scalars.refined
    patch.setattr(two_scalars, "refined", lambda rate, time: right(0.0, time))


def slower_diffusion(patch: Patch) -> None:
    right = isotropic_noise.backward
    patch.setattr(isotropic_noise, "backward", lambda F, time: right(F, 0.8 * time))


def _speed(kind: str) -> Callable[[Patch], None]:
    def faster(patch: Patch) -> None:
        right = misaligned_noise.SPEEDS[kind]
        patch.setattr(misaligned_noise, "SPEEDS", {kind: lambda w: 1.2 * right(w)})

    faster.__name__ = f"faster_{kind}"
    return faster


WRONG: list[tuple[str, Callable[[Patch], None]]] = [
    ("H4", scaled_drift),
    ("H4", no_curvature),
    ("H4", no_mixed_blocks),
    ("H5", scaled_drift),
    ("H5", another_potential),
    ("H6", faster_decay),
    ("H6", faster_chain),
    ("H6", faster_network),
    ("H8", unrefined),
    ("H12", slower_diffusion),
    *(("H13", _speed(kind)) for kind in "AB"),
]


@pytest.mark.parametrize(("sheet", "wrong"), WRONG, ids=[f"{s}-{w.__name__}" for s, w in WRONG])
def test_an_experiment_fails_with_a_wrong_formula(sheet: str, wrong: Callable[[Patch], None], monkeypatch: Patch) -> None:
    monkeypatch.setattr(flow_limit, "NETS", ((1, 1, 2),))
    wrong(monkeypatch)
    assert not experiment(f"hessian.{sheet}").run(seed=1).passed


@pytest.mark.thorough
def test_a_wrong_speed_under_isotropic_normal_noise_is_seen(monkeypatch: Patch) -> None:
    _speed("C")(monkeypatch)
    assert not experiment("hessian.H13").run(seed=1).passed


@pytest.mark.thorough
@pytest.mark.parametrize("sheet", ["H4", "H5", "H6", "H8", "H12", "H13"])
def test_a_thorough_run_passes(sheet: str) -> None:
    outcome = experiment(f"hessian.{sheet}").run(thorough=True)
    assert outcome.passed, outcome.figures
