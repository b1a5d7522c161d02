"""The transition of a deep linear network on real data: theory beside training, decay by decay.

scikit-learn's diabetes data go into a CSV file, which is read back and standardized. At decays around the critical one the
global minimum is computed and networks of two and three weight matrices are trained: by L-BFGS from several starts, and by
gradient descent from one small start. With two matrices the predictor v shrinks to zero continuously; with three it jumps, and
the small start, in the ball that is proved to fall to zero, ends there although the global minimum is elsewhere.

    python examples/transition.py [--data diabetes.csv]      (needs scikit-learn)
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_diabetes

from numerics.basin import basin
from numerics.minimum import Moments, minimise, noise_averaged_gradient
from numerics.table import read_table
from numerics.training import train

HIDDEN = {2: (4,), 3: (4, 4)}
FRACTIONS = (0.3, 0.7, 0.95, 1.05, 1.3)
STARTS, STEPS, RATE = 6, 1500, 0.04


class Row(NamedTuple):
    """Theory and training at one depth and decay: losses, norms of the predictor, and what becomes of the small start."""

    matrices: int
    fraction: float
    loss: float
    trained_loss: float
    v: float
    trained_v: float
    small_v: float
    small_start: str


def write_csv(path: Path) -> None:
    """Ten features and the target `progression`."""
    data = load_diabetes()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "progression"])
        writer.writerows([*map(float, x), float(y)] for x, y in zip(data.data, data.target, strict=True))


def read_moments(path: Path) -> Moments:
    table = read_table(path).standardized()
    return Moments.from_data(table.values[:, :-1], table.values[:, -1])


def small_start(widths: Sequence[int], moments: Moments, decay: float) -> list[np.ndarray]:
    """Random weights at nine tenths of the radius of the ball; of norm 1/10 with one hidden layer, which has no ball."""
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(rows, columns)) for columns, rows in pairwise(widths)]
    size = np.sqrt(sum(np.vdot(w, w) for w in layers))
    radius = basin(layers, moments, decay).radius
    return [(0.9 * radius**0.5 if radius else 0.1) / size * w for w in layers]


def descended(layers: list[np.ndarray], moments: Moments, decay: float) -> list[np.ndarray]:
    for _ in range(STEPS):
        gradient = noise_averaged_gradient(layers, moments, decay=decay)
        layers = [w - RATE * g for w, g in zip(layers, gradient, strict=True)]
    return layers


def norm(layers: Sequence[np.ndarray]) -> float:
    """The norm of the predictor W_N ... W_1."""
    return float(np.linalg.norm(np.linalg.multi_dot(layers[::-1])))


def compare(moments: Moments, matrices: int, fraction: float) -> Row:
    """Theory and training at a fraction of the critical decay."""
    widths = (moments.features, *HIDDEN[matrices], 1)
    decay = fraction * minimise(moments, widths, decay=1.0).critical_decay
    found = minimise(moments, widths, decay=decay)
    trained = train(moments, widths, decay=decay, starts=STARTS)
    small = small_start(widths, moments, decay)
    v, answer = float(np.linalg.norm(found.predictor)), basin(small, moments, decay).proof.value
    small_v = norm(descended(small, moments, decay))
    return Row(matrices, fraction, found.loss, trained.best_loss, v, norm(trained.best), small_v, answer)


def main(arguments: list[str] | None = None) -> list[Row]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="where to leave the CSV file (default: nowhere)")
    args = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        path = args.data or Path(folder) / "diabetes.csv"
        write_csv(path)
        moments = read_moments(path)
    rows = [compare(moments, matrices, fraction) for matrices in HIDDEN for fraction in FRACTIONS]
    print("matrices  decay/critical  loss: theory  trained   |v|: theory  trained  small start  proved of the small start")
    for x in rows:
        losses = f"{x.loss:12.6f} {x.trained_loss:8.6f}"
        print(f"{x.matrices:8} {x.fraction:15.2f} {losses} {x.v:12.4f} {x.trained_v:8.4f} {x.small_v:12.4f}  {x.small_start}")
    return rows


if __name__ == "__main__":
    main()
