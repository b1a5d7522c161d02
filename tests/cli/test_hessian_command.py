"""`deeplin hessian`: its figures, its JSON schema, and its refusals."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from deeplin.cli import main
from numerics.hessian import hessian_matrix

SCHEMA = json.loads(files("deeplin").joinpath("schemas/hessian.schema.json").read_text())


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    def save(layers: list[Any], X: Any, Y: Any) -> tuple[str, str]:
        weights, data = tmp_path / "weights.npz", tmp_path / "data.npz"
        np.savez(weights, **{f"W{i}": np.array(W) for i, W in enumerate(layers, 1)})
        np.savez(data, X=np.array(X), Y=np.array(Y))
        return str(weights), str(data)

    return save


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["hessian", *arguments, "--json"]) == 0
    parsed = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    jsonschema.Draft202012Validator(SCHEMA).validate(parsed)
    return dict(parsed)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_two_scalars(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """w = (1, 2): Tr H = pdet = 5, least 4; under label noise d Tr = -c D^2/Tr = -9/5."""
    found = report(capsys, *saved([[[1.0]], [[2.0]]], [[1.0]], [[2.0]]))
    assert (found["trace"], found["rank"], found["parameters"], found["loss"]) == (5, 1, 2, 0)
    assert found["least_trace"] == found["least_sharpness"] == pytest.approx(4)
    assert found["log_pseudo_determinant"] == pytest.approx(np.log(5)) and found["eigenvalues"] == [5]
    label, normal, isotropic = found["drift"]
    assert (label["noise"], label["diffuses"], isotropic["diffuses"]) == ("label", False, True)
    assert label["trace_rate"] == pytest.approx(-9 / 5) and label["log_pseudo_determinant_rate"] == pytest.approx(-9 / 25)
    assert normal["trace_rate"] == pytest.approx(-9 / 25) and isotropic["trace_rate"] > 0
    assert found["missing"] == []


def test_a_network_with_a_residual(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    layers, X = [rng.standard_normal((3, 2)), rng.standard_normal((2, 3))], rng.standard_normal((2, 6))
    R = rng.standard_normal((2, 6))
    Y = layers[1] @ layers[0] @ X + R - R @ np.linalg.pinv(X) @ X
    found = report(capsys, *saved(layers, X, Y))
    values = np.linalg.eigvalsh(hessian_matrix(layers, X, Y))[::-1]
    assert found["widths"] == [2, 3, 2] and found["samples"] == 6 and found["rank"] == 4
    assert np.allclose(found["eigenvalues"], values[:4]) and found["trace"] == pytest.approx(values.sum())
    assert found["loss"] > 0.1 and found["least_trace"] < found["trace"]
    assert found["least_sharpness"] is None and "least sharpness" in found["missing"][0]
    assert found["drift"][0]["trace_rate"] < 0


def test_what_is_not_known_says_why(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """At the origin of the scalar net the rank of H drops; a bottleneck has no formula for the least trace."""
    origin = report(capsys, *saved([[[0.0]], [[0.0]]], [[1.0]], [[0.0]]))
    assert origin["drift"] == [] and any("regular" in why for why in origin["missing"])
    layers = [np.array([[1.0, 0.0]]), np.array([[1.0], [0.0]])]
    bottleneck = report(capsys, *saved(layers, np.eye(2), np.diag([1.0, 0.5])), "--tolerance", "0.9")
    assert bottleneck["least_trace"] is None and any("hidden widths" in why for why in bottleneck["missing"])


def test_many_parameters_have_no_drift(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    layers = [np.eye(20), np.eye(20)]
    found = report(capsys, *saved(layers, np.eye(20), np.eye(20)))
    assert found["drift"] == [] and any("800 parameters" in why for why in found["missing"])
    assert found["trace"] == found["least_trace"] == pytest.approx(800) and found["rank"] == 400


def test_the_text_has_the_figures(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hessian", *saved([[[1.0]], [[2.0]]], [[1.0]], [[2.0]])]) == 0
    out = capsys.readouterr().out
    lines = ("1-1-1: 2 parameters", "trace      5  least 4 (1.25 times)", "rank       1", "log pdet   1.609437912", "-1.8")
    assert all(words in out for words in lines)


def test_a_batch_is_refused(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hessian", *saved([np.ones((3, 1, 1))] * 2, np.eye(1), np.ones((3, 1, 1)))]) == 2
    assert "one network" in capsys.readouterr().err


def test_refusals_name_the_file(saved: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    weights, data = saved([[[1.0]], [[2.0]]], [[1.0]], [[5.0]])
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    for arguments, words in (
        ((weights, data), "do not fit"),
        ((data, data), "W1, W2"),
        ((weights, weights), "the arrays X and Y"),
        ((str(tmp_path / "none.npz"), data), "none.npz"),
        ((str(text), data), "numpy.savez"),
    ):
        assert main(["hessian", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("deeplin hessian: ") and words in error
