"""`deeplin landscape`: its answers, its JSON schema, its figures, the weights that it is asked about, and its refusals."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from deeplin import cli
from deeplin.commands import landscape
from deeplin.plots import write_plots
from numerics.basin import basin
from numerics.landscape import landscape as landscape_of
from numerics.minimum import Moments, minimise
from theory.errors import InvalidInput

ROWS = ["1,2,2.5", "-1,0.5,-1", "0.25,-2,0.125", "3,1,4", "-2,-1,-3.5"]
SCHEMA = json.loads(files("deeplin").joinpath("schemas/landscape.schema.json").read_text())
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,y\n" + "\n".join(ROWS) + "\n")
    return path


@pytest.fixture
def invoke(data, capsys):
    parser = argparse.ArgumentParser(prog="deeplin landscape")
    landscape.configure(parser)

    def call(widths: str, decay: str, *more: object) -> str:
        arguments = (data, "--target", "y", "--widths", widths, "--decay", decay, *more)
        assert landscape.run(parser.parse_args([str(argument) for argument in arguments])) == 0
        out = capsys.readouterr()
        assert out.err == ""
        return out.out

    return call


def moments():
    table = np.array([[float(cell) for cell in row.split(",")] for row in ROWS])
    return Moments.from_data(table[:, :2], table[:, 2])


def report(text: str):
    parsed = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    jsonschema.Draft202012Validator(SCHEMA).validate(parsed)
    return parsed


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("widths", "noise"), [("", "0"), ("3", "0.5"), ("3,2", "0"), ("3,2", "0.5,0"), ("1,1,1", "2")])
@pytest.mark.parametrize("decay", ["0.01", "3", "50"])
def test_json_agrees_with_the_functions(invoke, widths, noise, decay):
    parsed = report(invoke(widths, decay, "--noise", noise, "--json"))
    hidden = [int(w) for w in widths.split(",") if w]
    variances = [float(s) for s in noise.split(",")] if "," in noise else float(noise)
    found = landscape_of(moments(), (2, *hidden, 1), decay=float(decay), noise=variances)
    assert [x["loss"] for x in parsed["levels"]] == [x.loss for x in found.levels]
    assert [x["morse_index"] for x in parsed["levels"]] == [x.index for x in found.levels]
    assert parsed["levels"][0]["loss"] == found.minimum.loss and parsed["levels"][0]["kind"] == "global minimum"
    assert parsed["thresholds"]["depth"] == len(hidden) + 1 and parsed["basin"] is None and parsed["plots"] == []
    status = "conjecture" if len(hidden) > 1 and noise != "0" else "proved"
    assert parsed["complete"]["status"] == status
    assert len(parsed["critical_decay_by_depth"]) == landscape.DEEPEST


def test_every_cited_theorem_is_one_of_the_family(invoke):
    from theory.theorem import theorems

    def cited(x):
        if isinstance(x, dict):
            return {x["theorem"]} if isinstance(x.get("theorem"), str) else set().union(*map(cited, x.values()))
        return set().union(*map(cited, x)) if isinstance(x, list) else set()

    sheets = {t.sheet for t in theorems().values() if t.family == "minima"}
    for widths in ("", "3", "3,2"):
        assert cited(report(invoke(widths, "0.01", "--json", "--noise", "0.5" if widths else "0"))) <= sheets


def test_the_functions_are_at_hand():
    from deeplin import Moments, basin, landscape

    simple = Moments.from_moments([[1]], [2], 4)
    assert landscape(simple, (1, 1, 1), decay=1.0).levels[0].excess == -1
    assert basin([np.ones((1, 1))] * 2, simple, decay=1.0).proof.name == "BELOW_ZERO"


def test_same_call_same_json(invoke):
    arguments = ("3,2", "0.01", "--noise", "0.3", "--standardize", "--json")
    assert invoke(*arguments) == invoke(*arguments)


def test_text_says_what_is_proved_and_what_is_a_conjecture(invoke):
    noisy, silent = invoke("3,2", "0.05", "--noise", "0.5"), invoke("3,2", "0.05")
    assert noisy.startswith("nontrivial") and "conjecture with noise" in noisy and "conjecture" not in silent
    for words in ("global minimum", "barrier", "B13, proved", "every path from", "if uniform", "<- this network", "saddle"):
        assert words in noisy
    assert "Hessian" in silent and "saddle" not in silent and "thresholds" in silent
    assert max(map(len, noisy.splitlines())) <= landscape.WIDTH and "…" not in noisy
    ridge = invoke("", "0.05")
    assert "thresholds" not in ridge and "none" in ridge and "these weights" not in ridge


def test_deep_networks_rest_on_derivations(invoke):
    deep = report(invoke("1,1,1,1,1", "0.2", "--json"))
    assert {x["status"] for x in deep["levels"]} == {"derived"} and deep["uniqueness"]["status"] == "proved"
    statuses = [x["critical"]["status"] for x in deep["critical_decay_by_depth"]]
    assert statuses == ["proved"] * 5 + ["derived"] * 3
    noisy = report(invoke("3,2", "0.05", "--json", "--noise", "0.5"))["levels"]
    found = {(x["kind"], x["status"]) for x in noisy}
    assert found == {("saddle", "derived"), *((kind, "proved") for kind in ("barrier", "global minimum", "local minimum"))}
    assert {x["status"] for x in report(invoke("3", "0.05", "--json", "--noise", "0.5"))["levels"]} == {"proved"}
    assert "B5, derived" in invoke("1,1,1,1,1", "0.2") and "B5, proved" in invoke("1,1", "0.2")


def test_many_subnetworks_are_summed_up(invoke):
    text = invoke("6,5", "0.02", "--noise", "0.5")
    assert text.count("saddle ") < landscape.LINES and "saddles of sub-networks" in text


# -- weights --------------------------------------------------------------------------------------------------------------


def layers(size: float):
    return [size * np.ones(shape) for shape in ((3, 2), (2, 3), (1, 2))]


@pytest.mark.parametrize(("size", "answer"), [(1e-3, "ball"), (0.4, "below_zero"), (-0.4, "none")])
def test_basin_of_weights_in_an_archive(invoke, tmp_path, size, answer):
    path = tmp_path / "w.npz"
    np.savez(path, **{f"W{k}": w for k, w in enumerate(layers(size), start=1)})
    parsed = report(invoke("3,2", "0.1", "--weights", path, "--json"))["basin"]
    found = basin(layers(size), moments(), 0.1)
    assert parsed["answer"] == answer == found.proof.name.lower() and parsed["rate"] == found.rate
    assert parsed["falls_to_zero"] is found.collapses and parsed["ball"] == found.radius
    text = invoke("3,2", "0.1", "--weights", path)
    if answer == "none":
        assert "these weights: not covered by a proof" in text and "falls at least" not in text
    elif answer == "ball":
        assert "these weights: falls to zero" in text and "falls at least as e^(-0.4 t)" in text and "B18, proved" in text


def test_minimising_weights_do_not_fall_to_zero(invoke, tmp_path):
    path = tmp_path / "w.npz"
    found = minimise(moments(), (2, 3, 2, 1), decay=0.1)
    np.savez(path, **{f"W{k}": w for k, w in enumerate(found.weights(), start=1)})
    assert "these weights: does not fall to zero" in invoke("3,2", "0.1", "--weights", path)


def test_a_state_dict_of_torch(invoke, tmp_path):
    torch = pytest.importorskip("torch")
    from torch import nn

    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Dropout(), nn.Linear(3, 2, bias=False), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.01)
    for name in ("net.pt", "net.pth"):
        torch.save(net.state_dict(), tmp_path / name)
        parsed = report(invoke("3,2", "0.1", "--weights", tmp_path / name, "--json"))["basin"]
        expected = basin([p.detach().double().numpy() for p in net.parameters()], moments(), 0.1)
        assert parsed["answer"] == "ball" and parsed["squared_norm"] == pytest.approx(expected.squared_norm)


def test_state_dicts_that_are_refused(invoke, tmp_path):
    torch = pytest.importorskip("torch")
    from torch import nn

    bias = nn.Sequential(nn.Linear(2, 1)).state_dict()
    bad = {
        "bias": bias,
        "nested": {"model": bias},
        "integers": {"0.weight": torch.ones(1, 2, dtype=torch.int64)},
        "vector": {"0.weight": torch.ones(2)},
        "nan": {"0.weight": torch.tensor([[1.0, float("nan")]])},
        "empty": {},
        "list": [torch.ones(1, 2)],
    }
    for name, state in bad.items():
        torch.save(state, tmp_path / f"{name}.pt")
        with pytest.raises(InvalidInput, match=name if name not in ("nan", "vector") else "0.weight"):
            invoke("", "0.1", "--weights", tmp_path / f"{name}.pt")
    torch.save(nn.Linear(2, 1), tmp_path / "module.pt")
    with pytest.raises(InvalidInput, match="weights only"):
        invoke("", "0.1", "--weights", tmp_path / "module.pt")
    (tmp_path / "text.pt").write_text("not a checkpoint")
    with pytest.raises(InvalidInput, match=r"text\.pt"):
        invoke("", "0.1", "--weights", tmp_path / "text.pt")


def test_a_state_dict_needs_torch(invoke, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InvalidInput, match="extra `torch`"):
        invoke("", "0.1", "--weights", tmp_path / "w.pt")


class Payload:
    """What an archive must not run."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"W1": np.ones((3, 2)), "W2": np.ones((2, 3))}, "shapes"),
        ({"W1": np.ones((2, 2)), "W2": np.ones((2, 2)), "W3": np.ones((1, 2))}, "shapes"),
        ({"W1": np.ones((3, 2)), "W3": np.ones((1, 3))}, "W1, W3"),
        ({"weights": np.ones((1, 2))}, "weights"),
        ({"W0": np.ones((1, 2))}, "W0"),
        ({"W1": np.ones(2)}, "W1"),
        ({"W1": np.full((1, 2), np.nan)}, "W1"),
        ({"W1": np.full((1, 2), np.inf)}, "W1"),
        ({"W1": np.ones((1, 2), dtype=complex)}, "complex"),
        ({"W1": np.array([["a", "b"]])}, "W1"),
        ({"W1": np.array([[Payload(), 1]], dtype=object)}, "pickle"),
        ({}, "empty"),
    ],
)
def test_archives_that_are_refused(invoke, tmp_path, arrays, words):
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(InvalidInput, match=words):
        invoke("3,2", "0.1", "--weights", tmp_path / "w.npz")


def test_files_that_are_refused(invoke, tmp_path):
    (tmp_path / "text.npz").write_text("W1")
    np.save(tmp_path / "one.npy", np.ones((1, 2)))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    (tmp_path / "folder.npz").mkdir()
    for name in ("text.npz", "one.npz", "folder.npz", "none.npz", "w.csv", "w"):
        with pytest.raises(InvalidInput, match="--weights"):
            invoke("3,2", "0.1", "--weights", tmp_path / name)


# -- figures --------------------------------------------------------------------------------------------------------------

NAMES = ["phase_diagram.png", "predictor_jump.png", "reduced_loss.png"]


@pytest.mark.parametrize(("widths", "decay"), [("3,2", "0.05"), ("3", "40")])
def test_figures(invoke, tmp_path, widths, decay):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "new" / "figures"
    text = invoke(widths, decay, "--noise", "0.2", "--plot", folder)
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert all(path.read_bytes()[:8] == PNG for path in folder.iterdir()) and text.count("written to") == 3


def test_what_the_figures_show():
    pytest.importorskip("matplotlib")
    from deeplin import plots

    found = landscape_of(moments(), (2, 3, 2, 1), decay=0.05, noise=0.2)
    for draw, words in ((plots.reduced_loss, "barrier"), (plots.phase_diagram, "gamma_c"), (plots.predictor_jump, "3 weight")):
        figure = draw(found)
        (axes,) = figure.axes
        legends = [*figure.legends, *([axes.get_legend()] if axes.get_legend() else [])]
        assert axes.get_xlabel() and axes.get_ylabel() and axes.get_title()
        assert any(words in text.get_text() for legend in legends for text in legend.get_texts())
    curve = plots.psi(found, np.array([x.energy for x in found.levels]))
    full = [k for k, x in enumerate(found.levels) if x.active in ((3, 2), (0, 0))]
    assert curve[full] == pytest.approx([found.levels[k].excess for k in full], abs=1e-12)


def test_figures_that_cannot_be_drawn(invoke, tmp_path, monkeypatch, data):
    pytest.importorskip("matplotlib")
    with pytest.raises(InvalidInput, match="hidden layers"):
        invoke("", "0.1", "--plot", tmp_path)
    with pytest.raises(InvalidInput, match="--plot"):
        invoke("2", "0.1", "--plot", data)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InvalidInput, match="deeplin\\[plot\\]"):
        write_plots(landscape_of(moments(), (2, 2, 1), decay=0.1), tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


# -- refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"--widths": "3,x"}, "--widths"),
        ({"--decay": "-1"}, "--decay"),
        ({"--noise": "1,2,3"}, "--noise"),
        ({"--target": "z"}, "--target"),
    ],
)
def test_bad_arguments_are_named(data, capsys, changes, argument):
    options = {"--target": "y", "--widths": "2,2", "--decay": "0.01", "--noise": "0.1"} | changes
    assert cli.main(["landscape", str(data), *(f"{name}={value}" for name, value in options.items())]) == 2
    assert argument in capsys.readouterr().err


def test_a_decay_of_zero_is_refused(invoke):
    with pytest.raises(InvalidInput, match="decay"):
        invoke("2,2", "0,1,1")
