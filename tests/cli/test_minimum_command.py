"""`deeplin minimum`: its answers, its JSON schema, its files and its refusals."""

from __future__ import annotations

import argparse
import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from deeplin.commands import minimum
from numerics.minimum import Moments, minimise, noise_averaged_loss
from theory.errors import InvalidInput

HEADER = "a,b,y\n"
ROWS = ["1,2,2.5", "-1,0.5,-1", "0.25,-2,0.125", "3,1,4", "-2,-1,-3.5"]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(HEADER + "\n".join(ROWS) + "\n")
    return path


@pytest.fixture
def invoke(capsys):
    parser = argparse.ArgumentParser(prog="deeplin minimum")
    minimum.configure(parser)

    def call(*arguments: object) -> str:
        assert minimum.run(parser.parse_args([str(argument) for argument in arguments])) == 0
        out = capsys.readouterr()
        assert out.err == ""
        return out.out

    return call


def arrays():
    table = np.array([[float(cell) for cell in row.split(",")] for row in ROWS])
    return table[:, :2], table[:, 2]


SCHEMA = json.loads(files("deeplin").joinpath("schemas/minimum.schema.json").read_text())


def report(text: str):
    parsed = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    jsonschema.Draft202012Validator(SCHEMA).validate(parsed)
    return parsed


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("widths", ["", "3", "3,2", "1,1,1"])
@pytest.mark.parametrize("decay", ["0.01", "50", "0"])
def test_json_agrees_with_the_solver(data, invoke, widths, decay):
    noise = "0.5" if widths else "0"
    parsed = report(invoke(data, "--target", "y", "--widths", widths, "--decay", decay, "--noise", noise, "--json"))
    hidden = [int(w) for w in widths.split(",") if w]
    found = minimise(Moments.from_data(*arrays()), (2, *hidden, 1), decay=float(decay), noise=float(noise))
    assert parsed["loss"] == found.loss and parsed["verdict"] == found.verdict.name.lower()
    assert parsed["network"]["widths"] == [2, *hidden, 1] and parsed["network"]["noise_factor"] == found.noise_factor
    assert parsed["data"]["features"] == ["a", "b"] and parsed["data"]["samples"] == 5 and parsed["exact"] is None
    assert parsed["predictor"] == found.predictor.tolist() and len(parsed["stationary"]) == len(found.stationary)


def test_infimum_that_is_not_attained(data, invoke, tmp_path):
    arguments = (data, "--target", "y", "--widths", "2", "--decay", "0,1")
    parsed = report(invoke(*arguments, "--json"))
    assert parsed["attained"] is False and parsed["layer_energies"] is None
    assert "infimum" in invoke(*arguments)
    with pytest.raises(InvalidInput, match="decay"):
        invoke(*arguments, "--weights", tmp_path / "w.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv"]


def test_same_call_same_json(data, invoke):
    arguments = (data, "--target", "y", "--widths", "3,2", "--decay", "0.01", "--json", "--exact", "--standardize")
    assert invoke(*arguments) == invoke(*arguments)


@pytest.mark.parametrize("widths", ["", "3", "2,2"])
@pytest.mark.parametrize("standardize", [[], ["--standardize"]])
def test_exact_encloses_the_float_answer(data, invoke, widths, standardize):
    noise = "0.3" if widths else "0"
    arguments = ("--widths", widths, "--decay", "0.02", "--noise", noise, "--json", "--exact", *standardize)
    parsed = report(invoke(data, "--target", "y", *arguments))
    exact = parsed["exact"]
    middle = float(exact["loss"].strip("[").split(" ")[0])
    assert middle == pytest.approx(parsed["loss"], rel=1e-13) and exact["verdict"] == parsed["verdict"]
    kinds = [point["kind"] for point in parsed["stationary"] if point["lambda"] is not None]
    assert [point["kind"] for point in exact["stationary"]] == (kinds[::-1] if widths else [])


def test_standardizing_centres_and_scales(data, invoke):
    x, y = arrays()
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    parsed = report(invoke(data, "--target", "y", "--widths", "2", "--decay", "0.02", "--standardize", "--json"))
    assert parsed["loss"] == pytest.approx(minimise(Moments.from_data(x, y), (2, 2, 1), decay=0.02).loss, rel=1e-13)
    assert parsed["data"]["target_second_moment"] == pytest.approx(1)


def test_text_output(data, invoke):
    text = invoke(data, "--target", "y", "--widths", "3,2", "--decay", "0.01", "--exact")
    assert text.startswith("nontrivial: every global minimum is nonzero")
    for words in ("loss", "critical decay", "layer energies", "local minima", "zero", "exact", "+/-"):
        assert words in text
    assert invoke(data, "--target", "y", "--widths", "3,2", "--decay", "50").startswith("trivial")
    assert "critical decay  none" in invoke(data, "--target", "y", "--widths", "", "--decay", "1")


def test_features_choose_columns(tmp_path, invoke):
    path = tmp_path / "mixed.csv"
    path.write_text("name,a,b,y\n" + "".join(f"s{k},{row}\n" for k, row in enumerate(ROWS)))
    parsed = report(invoke(path, "--target", "y", "--features", "b, a", "--widths", "2", "--decay", "0.1", "--json"))
    assert parsed["data"]["features"] == ["b", "a"]
    with pytest.raises(InvalidInput, match="line 2, column name"):
        invoke(path, "--target", "y", "--widths", "2", "--decay", "0.1")
    for bad in ("a,y", "a,a", "z"):
        with pytest.raises(InvalidInput):
            invoke(path, "--target", "y", "--features", bad, "--widths", "2", "--decay", "0.1")


def test_weights_attain_the_loss_and_are_not_overwritten(data, invoke, tmp_path):
    out = tmp_path / "w.npz"
    arguments = (data, "--target", "y", "--widths", "3,2", "--decay", "0.01", "--noise", "0.5", "--weights", out)
    parsed = report(invoke(*arguments, "--json"))
    with np.load(out) as stored:
        assert sorted(stored.files) == ["W1", "W2", "W3"]
        layers = [stored[f"W{k}"] for k in (1, 2, 3)]
    assert [w.shape for w in layers] == [(3, 2), (2, 3), (1, 2)]
    assert noise_averaged_loss(layers, Moments.from_data(*arrays()), decay=0.01, noise=0.5) == pytest.approx(parsed["loss"])
    before = out.read_bytes()
    with pytest.raises(InvalidInput, match="--force"):
        invoke(*arguments)
    assert out.read_bytes() == before
    assert str(out) in invoke(*arguments[:6], "0.02", *arguments[7:], "--force")
    assert out.read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "w.npz"]


def test_weights_that_cannot_be_written(data, invoke, tmp_path):
    arguments = (data, "--target", "y", "--widths", "2", "--decay", "0.01", "--force", "--weights")
    for bad in (tmp_path, tmp_path / "none" / "w.npz", data / "w.npz", tmp_path / ("n" * 300)):
        with pytest.raises(InvalidInput, match="--weights"):
            invoke(*arguments, bad)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"--widths": "3,x"}, "--widths"),
        ({"--widths": "0"}, "--widths"),
        ({"--widths": "2.5"}, "--widths"),
        ({"--widths": "-2"}, "--widths"),
        ({"--widths": ",2"}, "--widths"),
        ({"--widths": "9" * 5000}, "--widths"),
        ({"--widths": "99999,99999", "--weights": "huge.npz"}, "--weights"),
        ({"--decay": ""}, "--decay"),
        ({"--decay": "x"}, "--decay"),
        ({"--decay": "-1"}, "--decay"),
        ({"--decay": "1,2,3"}, "--decay"),
        ({"--decay": "nan"}, "--decay"),
        ({"--decay": "1e999999999"}, "--decay"),
        ({"--decay": "1e-999999999"}, "--decay"),
        ({"--noise": "-0.5"}, "--noise"),
        ({"--noise": "1,2"}, "--noise"),
        ({"--target": "z"}, "--target"),
    ],
)
def test_bad_arguments_are_named(data, invoke, changes, argument):
    options = {"--target": "y", "--widths": "2", "--decay": "0.01", "--noise": "0.1"} | changes
    with pytest.raises(InvalidInput) as caught:
        invoke(data, *(f"{name}={value}" for name, value in options.items()))
    assert caught.value.argument == argument


@pytest.mark.parametrize("option", ["--exact", "--standardize"])
def test_impossible_combinations(tmp_path, invoke, option):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"x{k}" for k in range(60)) + ",y\n" + ",".join("1" for _ in range(61)) + "\n")
    with pytest.raises(InvalidInput, match=option if option == "--exact" else "constant"):
        invoke(path, "--target", "y", "--widths", "2,2", "--decay", "0.01", option)


def test_exact_needs_decay(data, invoke):
    with pytest.raises(InvalidInput, match="--exact"):
        invoke(data, "--target", "y", "--widths", "2", "--decay", "0", "--exact")


def test_a_target_alone_has_nothing_to_predict_from(tmp_path, invoke):
    path = tmp_path / "one.csv"
    path.write_text("y\n1\n2\n")
    with pytest.raises(InvalidInput, match="--features"):
        invoke(path, "--target", "y", "--widths", "2", "--decay", "0.01")


def test_one_row_is_enough_without_standardizing(tmp_path, invoke):
    path = tmp_path / "row.csv"
    path.write_text("a,y\n2,3\n")
    parsed = report(invoke(path, "--target", "y", "--widths", "2", "--decay", "0.1", "--exact", "--json"))
    assert parsed["verdict"] == parsed["exact"]["verdict"] == "nontrivial"
