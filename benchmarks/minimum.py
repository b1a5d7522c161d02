"""The closed form against training: time at equal loss, on scikit-learn's diabetes data (standardized).

For each network: the median time of `minimise`, the time of L-BFGS from 20 random starts on the same loss, their ratio, and how
far the best of the starts (and of one more near the formula) ends from the closed form, relative to max(1, E[y^2]).

    python benchmarks/minimum.py --starts 20 --decay 0.01 --noise 0.5
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_diabetes

from numerics.minimum import Moments, minimise
from numerics.training import train

NETWORKS = ((8,), (32,), (8, 8), (32, 32), (8, 8, 8), (16, 16, 16), (8, 8, 8, 8))
TOLERANCE = 1e-10
Result = TypeVar("Result")


def diabetes() -> Moments:
    """The moments of the ten features and the target, each centred and scaled."""
    x, y = load_diabetes(return_X_y=True, scaled=False)
    return Moments.from_data((x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std())


def timed(work: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """The median time of `work` in seconds, and what it returned."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def measure(moments: Moments, hidden: tuple[int, ...], args: argparse.Namespace) -> tuple[list[str], float, float]:
    """One row of the table, the ratio of times, and the relative excess of the best start over the closed form."""
    widths, options = (moments.features, *hidden, 1), {"decay": args.decay, "noise": args.noise}
    solve, found = timed(lambda: minimise(moments, widths, **options), args.repeats)
    search, result = timed(lambda: train(moments, widths, starts=args.starts, seed=args.seed, **options), 1)
    near = train(moments, widths, starts=0, near=found.weights(), seed=args.seed, **options)
    scale = max(1.0, moments.target)
    excess = (min(result.best_loss, near.best_loss) - found.loss) / scale
    reached = sum(loss <= found.loss + 1e-9 * scale for loss in result.losses)
    name, ratio = ",".join(map(str, hidden)), search / solve
    figures = [f"{found.loss:.9f}", f"{solve * 1e3:.3f} ms", f"{search:.2f} s", f"{ratio:,.0f}", f"{excess:+.1e}"]
    return [name, *figures, f"{reached}/{args.starts}"], ratio, excess


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=20, help="random starts of training (default: 20)")
    parser.add_argument("--decay", type=float, default=0.01, help="weight decay of every layer (default: 0.01)")
    parser.add_argument("--noise", type=float, default=0.5, help="noise variance of every hidden layer (default: 0.5)")
    parser.add_argument("--repeats", type=int, default=300, help="runs of the solver, the median counts (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the starts (default: 0)")
    return parser.parse_args()


def main() -> int:
    """Prints the table; 1 if training ever ended below the closed form."""
    args, moments = parse(), diabetes()
    table = Table("widths", "loss", "closed form", f"{args.starts} starts", "ratio", "best - closed form", "reached")
    rows = [measure(moments, hidden, args) for hidden in NETWORKS]
    for cells, _, _ in rows:
        table.add_row(*cells)
    console = Console(file=sys.stdout, width=110)
    console.print(table)
    lowest = min(excess for _, _, excess in rows)
    beaten = lowest < -TOLERANCE
    ratio = float(np.exp(np.mean([np.log(ratio) for _, ratio, _ in rows])))
    console.print(f"geometric mean of the ratios: {ratio:,.0f}; least: {min(ratio for _, ratio, _ in rows):,.0f}")
    console.print(f"closed form beaten beyond {TOLERANCE:g} relative: {'YES' if beaten else 'never'} (lowest {lowest:+.1e})")
    return int(beaten)


if __name__ == "__main__":
    sys.exit(main())
