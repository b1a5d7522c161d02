"""R8: noise in labels, inputs and minibatches raises the rank of the product up to the least junction, and no further."""

from __future__ import annotations

import numpy as np

from numerics.dynamics import Array, descended, product
from numerics.experiments import Experiment, Figures
from numerics.experiments.rank_junction import CUT
from numerics.junctions import cut_rank, junction_bound

KINDS = ("label-noise", "input-noise", "sgd", "batch-noise")


def slope(rng: np.random.Generator, kind: str, P: Array, X: Array, Y: Array) -> Array:
    """The gradient by the product that a step of this kind uses."""
    if kind == "label-noise":
        Y = Y + rng.standard_normal(Y.shape)
    if kind == "input-noise":
        X = X + rng.standard_normal(X.shape)
    if kind == "sgd":
        pick = rng.integers(0, X.shape[1], 4)
        X, Y = X[:, pick], Y[:, pick]
    weights = rng.standard_normal(X.shape[1]) if kind == "batch-noise" else np.ones(X.shape[1])
    return np.asarray(((P @ X - Y) * weights) @ X.T / X.shape[1])


def one(rng: np.random.Generator, kind: str, depth: int) -> tuple[int, int, int]:
    """(rank at the start, rank after training, the bound): layers of rank 2 without common spaces."""
    widths = [int(d) for d in rng.integers(20, 41, depth + 1)]
    pairs = [(widths[i], widths[i - 1]) for i in range(1, depth + 1)]
    layers = [rng.standard_normal((m, 2)) @ rng.standard_normal((2, n)) / np.sqrt(m * n) * 3 for m, n in pairs]
    X, Y = rng.standard_normal((widths[0], 60)), rng.standard_normal((widths[-1], 60))
    bound, start = junction_bound(layers, (X, Y), training=kind, cut=CUT), cut_rank(product(layers), CUT)
    for _ in range(6):
        layers = descended(layers, lambda P: slope(rng, kind, P, X, Y), 0.005)
    end = product(layers)
    # a run that diverged counts as one that beat the bound
    return start, cut_rank(end, CUT) if np.isfinite(end).all() else bound.rank + 1, bound.rank


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 20 if thorough else 2
    found = {depth: [one(rng, kind, depth) for kind in KINDS for _ in range(runs)] for depth in (2, 3)}
    every = [x for part in found.values() for x in part]
    beaten, raised = sum(after > bound for _, after, bound in every), sum(after > start for start, after, _ in every)
    attained = sum(after == bound for _, after, bound in found[2])
    figures: Figures = {"runs": len(every), "bound beaten": beaten, "rank raised": raised, "attained at depth 2": attained}
    return figures, beaten == 0 and raised > 0 and attained == len(found[2])


DETAIL = "ranks of products (singular values above 1e-10) after 6 steps: never above the junction bound, at depth 2 equal to it"
EXPERIMENT = Experiment("rank", "R8", "training", DETAIL, measure)
