"""`deeplin rank`: its answers, its JSON schema and its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from deeplin.cli import main
from numerics.generic_rank import generic_rank
from numerics.junctions import junction_bound

SCHEMA = json.loads(files("deeplin").joinpath("schemas/rank.schema.json").read_text())
DEAD = [[[1.0, 2.0], [0, 0]], [[1.0, 0], [3, 0]]]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return stored(tmp_path / "w.npz", W1=DEAD[0], W2=DEAD[1])


def stored(path: Path, **arrays: Any) -> Path:
    np.savez(path, **{name: np.asarray(x) for name, x in arrays.items()})
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["rank", *map(str, arguments)])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def report(found: tuple[int, str, str]) -> Any:
    code, out, err = found
    assert code == 0 and err == ""
    parsed = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    jsonschema.Draft202012Validator(SCHEMA).validate(parsed)
    return parsed


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_json_agrees_with_the_functions(weights: Path, call: Any) -> None:
    parsed = report(call(weights, "--noise", "1=full", "--noise", "2=1", "--training", "dropout,label-noise", "--json"))
    found = generic_rank(DEAD, ["full", 1])
    bound = junction_bound(DEAD, training=("dropout", "label-noise"))
    assert parsed["generic"]["rank"] == found.rank == 2 and parsed["generic"]["reason"] == str(found.reason)
    assert parsed["training"]["rank"] == bound.rank == 1 and parsed["now"] == 1 and parsed["widths"] == [2, 2, 2]
    assert parsed["noise"] == ["full", 1] and parsed["training"]["names"] == ["dropout", "label-noise"]
    assert [x["binding"] for x in parsed["training"]["limits"]] == [False, True]


def test_text_says_why(weights: Path, call: Any) -> None:
    code, out, err = call(weights, "--noise", "2=full")
    assert code == 0 and err == ""
    assert "with noise      1, almost surely (layer 2: full)" in out and "there is no noise in it" in out
    assert "[W_1, W_2^T] has rank 1" in out and "neuron 2 of 2" in out


def test_text_with_a_cut_and_without_noise(tmp_path: Path, call: Any) -> None:
    path = stored(tmp_path / "w.npz", W1=np.diag([1.0, 1e-7]), W2=np.diag([1.0, 1e-7]))
    code, out, _ = call(path, "--cut", "1e-6")
    assert code == 0 and "rank now        1 (the widths allow 2), counting singular values above 1e-06 sigma_1" in out
    assert "without noise   2, exactly" in out and "does not grow (it may)" in out
    code, out, err = call(stored(tmp_path / "i.npz", W1=np.array([[2**53 + 1, 1], [2**53, 1]])))
    assert code == 2 and "float64 would round" in err


def test_data_steps_and_a_cut(tmp_path: Path, call: Any) -> None:
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(4, 1)) @ rng.normal(size=(1, 4)), rng.normal(size=(4, 4))]
    path = stored(tmp_path / "w.npz", W1=layers[0], W2=1e-12 * layers[1])
    data = stored(tmp_path / "d.npz", X=np.eye(4)[:, :1], Y=np.eye(4)[:, :1])
    exact = report(call(path, "--data", data, "--json"))
    rough = report(call(path, "--data", data, "--cut", "1e-8", "--json"))
    assert rough["training"]["rank"] == 1 < exact["training"]["rank"]
    assert {x["kind"] for x in rough["training"]["limits"]} >= {"inputs", "labels", "hidden", "widths"}
    doubled = report(call(path, "--cut", "1e-8", "--training", "shared-dropout", "--steps", "1", "--json"))
    assert doubled["training"]["rank"] == 2 and doubled["training"]["steps"] == 1


def test_same_call_same_json(weights: Path, call: Any) -> None:
    assert call(weights, "--json", "--noise", "1=1") == call(weights, "--json", "--noise", "1=1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--noise", "3=full"), "--noise"), (("--noise", "1=-1"), "--noise"), (("--noise", "full"), "--noise"),
        (("--noise", "1=1", "--noise", "1=2"), "each layer once"), (("--training", "magic"), "training"),
        (("--training", ""), "training"), (("--training", "flow,dropout"), "flow"), (("--steps", "-1"), "steps"),
        (("--cut", "2"), "cut"), (("--cut", "nan"), "cut"), (("--data", "/no/such/file.npz"), "--data"),
    ],
)  # fmt: skip
def test_bad_arguments(weights: Path, call: Any, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = call(weights, *arguments)
    assert code == 2 and out == "" and words in err and err.startswith("deeplin rank: ")


def bad_files(tmp_path: Path) -> dict[str, Path]:
    text, single, empty = tmp_path / "t.npz", tmp_path / "one.npy", tmp_path / "empty.npz"
    text.write_text("not a zip file")
    empty.write_bytes(b"")
    np.save(single, np.eye(2))
    return {
        "no such file": tmp_path / "none.npz", "text": text, "one array": single, "empty": empty, "a folder": tmp_path,
        "pickled": stored(tmp_path / "p.npz", W1=np.array([{}], dtype=object)),
        "other names": stored(tmp_path / "n.npz", W1=np.eye(2), V2=np.eye(2)),
        "a gap": stored(tmp_path / "g.npz", W1=np.eye(2), W3=np.eye(2)),
        "shapes": stored(tmp_path / "s.npz", W1=np.eye(2), W2=np.eye(3)),
        "a vector": stored(tmp_path / "v.npz", W1=np.ones(3)),
        "complex": stored(tmp_path / "c.npz", W1=np.eye(2) * 1j),
        "not finite": stored(tmp_path / "f.npz", W1=np.full((2, 2), np.nan)),
    }  # fmt: skip


def test_bad_files(tmp_path: Path, call: Any) -> None:
    for what, path in bad_files(tmp_path).items():
        code, out, err = call(path)
        assert code == 2 and out == "" and err.startswith("deeplin rank: "), what


def test_bad_data(weights: Path, tmp_path: Path, call: Any) -> None:
    for k, arrays in enumerate(({"X": np.eye(3), "Y": np.eye(2)}, {"X": np.eye(2)}, {"X": np.eye(2), "Y": np.ones((2, 3))})):
        code, out, err = call(weights, "--data", stored(tmp_path / f"{k}.npz", **arrays))
        assert code == 2 and out == "" and "data" in err
