"""The bound that training cannot beat, against training."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from numerics.dynamics import descended, product, squared_slope
from numerics.junctions import ADDITIVE, TRAINING, cut_rank, exact_rank, junction_bound
from theory.errors import InvalidInput

WIDTHS = (6, 5, 7, 6)


def low_rank(rng: np.random.Generator, rank: int) -> list[Any]:
    return [rng.normal(size=(b, rank)) @ rng.normal(size=(rank, a)) / 4 for a, b in pairwise(WIDTHS)]


def trained(rng: np.random.Generator, layers: list[Any], how: str, X: Any, Y: Any, steps: int = 6) -> list[Any]:
    """A few steps of the kind of training; in floats."""
    for _ in range(steps):
        A = X + rng.normal(size=X.shape) if how == "input-noise" else X
        B = Y + rng.normal(size=Y.shape) if how == "label-noise" else Y
        pick = rng.integers(0, X.shape[1], 2)
        A, B = (A[:, pick], B[:, pick]) if how == "sgd" else (A, B)
        layers = [(0.9 if how == "weight-decay" else 1) * W for W in layers]
        if how == "dropout":
            layers = masked(rng, layers, A, B)
        else:
            layers = descended(layers, squared_slope(A, B), 0.01)
        if how == "weight-noise":
            layers = [W + 0.1 * rng.normal(size=W.shape) for W in layers]
    return layers


def masked(rng: np.random.Generator, layers: list[Any], X: Any, Y: Any) -> list[Any]:
    D = [np.diag(rng.integers(0, 2, d).astype(float)) for d in WIDTHS[1:-1]]
    W, V, U = layers
    F = (U @ D[1] @ V @ D[0] @ W @ X - Y) @ X.T
    G = [(U @ D[1] @ V @ D[0]).T @ F, (U @ D[1]).T @ F @ (D[0] @ W).T, F @ (D[1] @ V @ D[0] @ W).T]
    return [A - 0.01 * B for A, B in zip(layers, G, strict=True)]


@pytest.mark.parametrize("how", ["gd", "sgd", "label-noise", "input-noise", "weight-decay", "dropout", "weight-noise"])
@pytest.mark.parametrize("rank", [1, 2])
def test_no_training_beats_its_bound(how: str, rank: int) -> None:
    rng = np.random.default_rng([rank, len(how)])
    layers, X, Y = low_rank(rng, rank), rng.normal(size=(6, 8)), rng.normal(size=(6, 8))
    bound = junction_bound(layers, (X, Y), training=how, cut=1e-10)
    after = product(trained(rng, layers, how, X, Y))
    assert cut_rank(after, 1e-9) <= bound.rank and bound.now == rank
    expected = 5 if how in (*ADDITIVE, "dropout") else 2 * rank
    assert bound.rank == expected
    if how in ("label-noise", "input-noise", "weight-noise", "sgd", "gd"):
        assert cut_rank(after, 1e-9) == bound.rank  # the bound is attained here


def test_one_sample_binds_at_the_ends() -> None:
    """Zero first layer and one input: rank 1, whatever the labels; the reason names the inputs."""
    first, second = np.zeros((3, 3)), np.eye(3)
    bound = junction_bound([first, second], (np.ones((3, 1)), np.ones((3, 1))), training=("sgd", "label-noise"))
    assert bound.rank == 1 and [x.kind for x in bound.binding] == ["inputs"]
    free = junction_bound([first, second], (np.ones((3, 1)), np.ones((3, 1))), training="input-noise")
    assert free.rank == 3 and "inputs" not in {x.kind for x in free.limits}


def test_dropout_doubles_up_to_the_live_neurons() -> None:
    u = np.array([[1.0], [2], [3], [0]])
    layers = [u @ np.ones((1, 4)), np.ones((4, 1)) @ u.T]
    found = [junction_bound(layers, training="dropout", steps=t).rank for t in (0, 1, 2, 5)]
    assert found == [1, 2, 3, 3]
    bound = junction_bound(layers, training="dropout")
    assert bound.rank == 3 and "neuron 4 of 4" in str(bound)
    assert junction_bound(layers, training=("gd", "dropconnect"), steps=1).rank == 3


def test_dropconnect_keeps_unused_coordinates() -> None:
    layers = [np.array([[1.0, 1, 0], [1, 1, 0], [1, 1, 0]]), np.ones((3, 3))]
    X = np.array([[1.0, 2], [1, 2], [0, 0]])
    bound = junction_bound(layers, (X, np.ones((3, 2))), training="dropconnect")
    assert bound.rank == 2 and bound.binding[0].kind == "inputs"
    assert junction_bound(layers, (X, np.ones((3, 2))), training="dropout").rank == 1


def test_depth_one_has_no_junction() -> None:
    bound = junction_bound([np.zeros((2, 3))])
    assert bound.rank == 2 and bound.now == 0 and "rank W_1 <= 2" in str(bound)


def test_sentences() -> None:
    layers = [[[1, 0], [0, 0]], [[1, 0], [0, 0]]]
    assert "gradient flow keeps this rank" in str(junction_bound(layers, training="flow"))
    noisy = junction_bound(layers, training=("gd", "gradient-noise"))
    assert noisy.rank == 2 and "almost surely in one step" in str(noisy)


def test_ranks() -> None:
    nearly = np.array([[0.1, 0.3], [0.7, 2.1]])
    assert exact_rank(nearly) == 2 and cut_rank(nearly, 1e-12) == 1
    assert exact_rank(np.zeros((2, 3))) == cut_rank(np.zeros((2, 3)), 0.5) == 0
    assert set(TRAINING) >= {"gd", "sgd", "flow"}


@pytest.mark.parametrize(
    ("layers", "options", "argument"),
    [
        ([], {}, "layers"), ([[1, 2]], {}, r"layers\[0\]"), ([[["a"]]], {}, r"layers\[0\]"), ([[[np.inf]]], {}, r"layers\[0\]"),
        ([[[1, 2]], [[1, 2]]], {}, r"layers\[1\]"), ([[[1]]], {"training": "magic"}, "training"),
        ([[[1]]], {"training": ()}, "training"), ([[[1]]], {"training": ("flow", "sgd")}, "training"),
        ([[[1]]], {"steps": 1.5}, "steps"), ([[[1]]], {"steps": True}, "steps"),
        ([[[1]]], {"cut": 0}, "cut"), ([[[1]]], {"data": ([[1], [2]], [[1]])}, "data"), ([[[1]]], {"data": ([1], [[1]])}, "X"),
    ],
)  # fmt: skip
def test_bad_input(layers: Any, options: Any, argument: str) -> None:
    with pytest.raises(InvalidInput, match=argument):
        junction_bound(layers, **options)
