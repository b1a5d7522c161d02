"""The bound that training cannot beat, against training."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import nmod_mat

from numerics.dynamics import descended, product, squared_slope
from numerics.junctions import ADDITIVE, MASKS, TRAINING, cut_rank, exact_rank, junction_bound
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
    found = [junction_bound(layers, training="shared-dropout", steps=t).rank for t in (0, 1, 2, 5)]
    assert found == [1, 2, 3, 3]
    bound = junction_bound(layers, training="shared-dropout")
    assert bound.rank == 3 and "neuron 4 of 4" in str(bound)
    assert junction_bound(layers, training=("gd", "dropconnect"), steps=1).rank == 3


def test_masks_of_each_sample_beat_the_doubling() -> None:
    """Two samples with masks (1, 0, 0) and (0, 1, 0) take rank 1 to rank 3 in one step; one shared mask cannot."""
    u, ones = np.array([[1.0], [2], [3]]), np.ones((3, 1))
    W, V, after = u @ ones.T, ones @ u.T, [u @ ones.T, ones @ u.T]
    samples = zip(np.eye(3)[:2], np.array([[1.0, 2, 4], [3, -1, 0]]), np.eye(3)[:2], strict=True)
    for x, y, mask in samples:
        D = np.diag(mask)
        error = (V @ D @ W @ x - y)[:, None]
        after = [after[0] - D @ V.T @ error @ x[None], after[1] - error @ (D @ W @ x)[None]]
    assert exact_rank(product(after)) == 3
    assert junction_bound([W, V], training="dropout", steps=1).rank == 3
    assert junction_bound([W, V], training="shared-dropout", steps=1).rank == 2
    assert junction_bound([W, V], training=("shared-dropout", "dropout"), steps=1).rank == 3


def test_a_cut_is_no_bound_and_says_so() -> None:
    """diag(1, 1e-7) twice: the small singular value grows to the labels, so that two are above the cut."""
    layers = [np.diag([1.0, 1e-7])] * 2
    bound = junction_bound(layers, training="gd", cut=1e-6)
    after = layers
    for _ in range(200):
        after = descended(after, squared_slope(np.eye(2), np.eye(2)), 0.3)
    assert bound.rank == 1 < cut_rank(product(after), 1e-6) == 2
    assert "if what is below 1e-06 sigma_1 does not grow" in str(bound)
    assert "grow" not in str(junction_bound(layers)) and junction_bound(layers).rank == 2


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_a_cut_with_entries_of_any_size(size: float) -> None:
    assert junction_bound([size * np.eye(2)] * 2, cut=1e-6).now == 2


@pytest.mark.parametrize("entry", [2**53 + 1, Fraction(1, 3), np.longdouble(1) / 3, 10**400, 1j])
def test_numbers_that_floats_would_round_are_refused(entry: Any) -> None:
    """[[2^53 + 1, 1], [2^53, 1]] has rank 2, and rank 1 in floats."""
    with pytest.raises(InvalidInput, match=r"layers\[0\]"):
        junction_bound([[[entry, 1], [2**53, 1]], [[0, 0]]])
    assert junction_bound([[[2**53, 1], [Fraction(1, 2), 0.1]], [[0, 0]]]).limits[1].rank == 2


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
        ([[[1]]], {"cut": 0}, "cut"), ([[[1]]], {"cut": "0.1"}, "cut"), ([[[1]]], {"data": ([[1]],)}, "data"),
        ([[[1]]], {"data": ([[1], [2]], [[1]])}, "data"), ([[[1]]], {"data": ([1], [[1]])}, "X"),
    ],
)  # fmt: skip
def test_bad_input(layers: Any, options: Any, argument: str) -> None:
    with pytest.raises(InvalidInput, match=argument):
        junction_bound(layers, **options)


# -- exact training modulo a prime ---------------------------------------------------------------------------------------

PRIME = (1 << 61) - 1
KINDS = ("gd", "sgd", "label-noise", "input-noise", "batch-noise", "weight-decay", "momentum", *MASKS)


class Exact:
    """A network whose entries are residues modulo a prime: ranks without rounding, rates and noise at random."""

    def __init__(self, rng: np.random.Generator, kinds: tuple[str, ...]) -> None:
        self.rng, self.kinds = rng, kinds
        self.widths = [int(d) for d in rng.integers(1, 6, int(rng.integers(2, 5)))]
        self.start = [self.low_rank(b, a) for a, b in pairwise(self.widths)]
        n = int(rng.integers(1, 6))
        self.X, self.Y = (rng.integers(-3, 4, (d, n)) for d in (self.widths[0], self.widths[-1]))
        self.layers = [modular(W) for W in self.start]
        self.speeds = [0 * W for W in self.layers]

    def low_rank(self, rows: int, cols: int) -> Any:
        """Small integers, often of low rank, with rows and columns of zeros."""
        r = 1 + int(self.rng.random() < 0.3)
        out = self.rng.integers(-2, 3, (rows, r)) @ self.rng.integers(-2, 3, (r, cols))
        return out * (self.rng.random((rows, 1)) < 0.9) * (self.rng.random((1, cols)) < 0.9)

    def residues(self, rows: int, cols: int) -> nmod_mat:
        return nmod_mat(rows, cols, [int(x) for x in self.rng.integers(0, PRIME, rows * cols)], PRIME)

    def bits(self, W: nmod_mat, used: bool) -> tuple[nmod_mat, Any]:
        """W with some entries masked, and the mask."""
        keep = self.rng.integers(0, 2, (W.nrows(), W.ncols())) if used else np.ones((W.nrows(), W.ncols()), int)
        return nmod_mat(W.nrows(), W.ncols(), [int(W[i, j]) * int(k) for (i, j), k in np.ndenumerate(keep)], PRIME), keep

    def step(self) -> None:
        X, Y = modular(self.X), modular(self.Y)
        n = X.ncols()
        weights = self.rng.integers(0, 2, n) if "sgd" in self.kinds else self.rng.integers(1, PRIME, n)
        weights = weights if {"sgd", "batch-noise"} & {*self.kinds} else np.ones(n, int)
        D = nmod_mat(n, n, [int(weights[i]) * (i == j) for i in range(n) for j in range(n)], PRIME)
        X = X + self.residues(X.nrows(), n) if "input-noise" in self.kinds else X
        Y = Y + self.residues(Y.nrows(), n) if "label-noise" in self.kinds else Y
        pairs = [self.bits(W, "dropconnect" in self.kinds) for W in self.layers]
        G = self.gradients([W for W, _ in pairs], X, D, Y)
        rate, decay = int(self.rng.integers(1, PRIME)), int(self.rng.integers(1, PRIME)) if "weight-decay" in self.kinds else 1
        mu = int(self.rng.integers(1, PRIME)) if "momentum" in self.kinds else 0
        for k, (W, g, (_, keep)) in enumerate(zip(self.layers, G, pairs, strict=True)):
            g = nmod_mat(g.nrows(), g.ncols(), [int(g[i, j]) * int(b) for (i, j), b in np.ndenumerate(keep)], PRIME)
            self.speeds[k] = mu * self.speeds[k] - rate * g
            self.layers[k] = decay * W + self.speeds[k]


    def gradients(self, W: list[nmod_mat], X: nmod_mat, D: nmod_mat, Y: nmod_mat) -> list[nmod_mat]:
        """With one mask on each hidden layer, or one for each sample."""
        n = X.ncols()
        parts = [D]
        if "dropout" in self.kinds:
            parts = [nmod_mat(n, n, [int(D[i, j]) * (i == k) for i in range(n) for j in range(n)], PRIME) for k in range(n)]
        whole = [0 * V for V in W]
        for part in parts:
            used = bool({"dropout", "shared-dropout"} & {*self.kinds})
            masks = [self.bits(modular(np.eye(d, dtype=int)), used)[0] for d in self.widths[1:-1]]
            whole = [G + g for G, g in zip(whole, backward(W, masks, X, part, Y), strict=True)]
        return whole


def modular(x: Any) -> nmod_mat:
    return nmod_mat(len(x), len(x[0]), [int(v) % PRIME for row in x for v in row], PRIME)


def backward(W: list[nmod_mat], masks: list[nmod_mat], X: nmod_mat, D: nmod_mat, Y: nmod_mat) -> list[nmod_mat]:
    """Gradients of the masked network for the slope (P X - Y) D X^T."""
    seen = [X]
    for V, m in zip(W[:-1], masks, strict=True):
        seen.append(m * (V * seen[-1]))
    error, out = (W[-1] * seen[-1] - Y) * D, []
    for i in range(len(W) - 1, -1, -1):
        out.append(error * seen[i].transpose())
        error = masks[i - 1] * (W[i].transpose() * error) if i else error
    return out[::-1]


@pytest.mark.parametrize("seed", range(8))
def test_no_exact_training_beats_its_bound(seed: int) -> None:
    rng = np.random.default_rng([seed, 77])
    attained = 0
    for _ in range(25):
        kinds = tuple(str(k) for k in rng.choice(KINDS, int(rng.integers(1, 4)), replace=False))
        net = Exact(rng, kinds)
        bound = junction_bound(net.start, (net.X, net.Y), training=kinds)
        early = junction_bound(net.start, (net.X, net.Y), training=kinds, steps=1)
        for t in range(4):
            net.step()
            P = net.layers[0]
            for W in net.layers[1:]:
                P = W * P
            assert P.rank() <= (bound.rank if t else early.rank), (kinds, net.start, str(bound))
        attained += P.rank() == bound.rank
    assert attained >= 12
