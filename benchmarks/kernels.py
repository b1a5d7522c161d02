"""Generated kernels beside two alternatives: a numpy loop over the instances, and batched numpy written by hand.

The outputs, at depth 3 and widths (n, n, n, n): the loss tr((P A - 2 C) P^T), its three gradients, one gradient step for each
layer and two balancedness residuals after the step. Instances a second, best of a few runs; that the three agree is checked.

    python benchmarks/kernels.py --sizes 2 4 8 16
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sympy import MatrixSymbol, Rational, Trace

from numerics.backends import backend
from numerics.kernels import compiled
from theory.dag import Node
from theory.expressions import SymmetricSymbol, gradient, lower

ETA = Rational(1, 10)
Values = dict[str, Any]


def outputs(n: int) -> tuple[Node, ...]:
    """Loss, gradients, steps and residuals as terms."""
    W = [MatrixSymbol(f"W{i}", n, n) for i in (1, 2, 3)]
    A, C = SymmetricSymbol("A", n), MatrixSymbol("C", n, n)
    P = W[2] * W[1] * W[0]
    loss = Trace(P * A * P.T) - 2 * Trace(C * P.T)
    gradients = [gradient(loss, w) for w in W]
    steps = [w - ETA * g for w, g in zip(W, gradients, strict=True)]
    residuals = [steps[i + 1].T * steps[i + 1] - steps[i] * steps[i].T for i in (0, 1)]
    return tuple(lower(x) for x in (loss, *gradients, *steps, *residuals))


def by_hand(v: Values) -> list[Any]:
    """The same in batched numpy, shared products named."""
    W1, W2, W3, A, C = (v[k] for k in ("W1", "W2", "W3", "A", "C"))
    P21 = W2 @ W1
    P = W3 @ P21
    PA = P @ A
    D = 2 * (PA - C)
    R = W3.mT @ D
    g = [W2.mT @ R, R @ W1.mT, D @ P21.mT]
    loss = np.sum((PA - 2 * C) * P, axis=(-2, -1))
    S = [w - 0.1 * x for w, x in zip((W1, W2, W3), g, strict=True)]
    return [loss, *g, *S, S[1].mT @ S[1] - S[0] @ S[0].mT, S[2].mT @ S[2] - S[1] @ S[1].mT]


def loop(v: Values) -> list[Any]:
    """The same, one instance after another."""
    rows = [by_hand({k: x[i] for k, x in v.items()}) for i in range(len(v["A"]))]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def rate(work: Callable[[], Any], instances: int, repeats: int) -> float:
    """Instances a second, the best of the repeats."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return instances / min(times)


def measure(n: int, batch: int, name: str, precision: str) -> list[str]:
    """One row of the table."""
    rng = np.random.default_rng(n)
    v: Values = {k: rng.normal(size=(batch, n, n)) for k in ("W1", "W2", "W3", "A", "C")}
    v["A"] = v["A"] + v["A"].mT
    kernel, few = compiled(outputs(n), backend(name, precision)), {k: x[:2000] for k, x in v.items()}
    where = kernel.backend
    on = {k: where.array(x) for k, x in v.items()}
    for x, y in zip(kernel(few), by_hand(few), strict=True):
        np.testing.assert_allclose(where.numpy(x), y, rtol=1e-9 if precision == "float64" else 0.1, atol=1e-8 * 10**n)
    rates = rate(lambda: loop(few), 2000, 2), rate(lambda: by_hand(v), batch, 3), rate(lambda: kernel(on), batch, 5)
    magnitudes = rate(lambda: kernel.magnitudes(on), batch, 3)
    return [str(n), f"{batch:,}", *(f"{x:,.0f}" for x in (*rates, magnitudes)), str(kernel.chunk)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 4, 8, 16])
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--precision", default="float64")
    args = parser.parse_args()
    table = Table("n", "batch", "loop", "by hand", "generated", "magnitudes", "chunk", title="instances a second")
    for n in args.sizes:
        table.add_row(*measure(n, 100_000 if n < 16 else 10_000, args.backend, args.precision))
    Console().print(table, backend(args.backend, args.precision).describe())


if __name__ == "__main__":
    main()
