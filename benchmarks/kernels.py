"""Generated kernels beside what people would write, in one run; `--write` puts the tables into benchmarks/RESULTS.md.

A network of depth 3 and widths (n, n, n, n), for each of: the loss tr(P A P^T) - 2 tr(C P^T) with P = W3 W2 W1; its three
gradients; one gradient step; the balancedness residuals W_{i+1}^T W_{i+1} - W_i W_i^T; the trace of the Hessian at A = I; the
alignment commutators.
Side by side: deeplin on numpy and on torch; batched numpy written by hand; a numpy loop over the instances; torch autograd with
vmap; and the matrix products of the generated kernel alone, on arrays that stay in cache (a bound that nothing can reach).

Times are CPU times of one thread, the best of a few runs after a first one; that all agree is checked on every row.

    python benchmarks/kernels.py --sizes 2 4 8 16 --batches 1000 10000 --write
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from sympy import MatrixSymbol, Rational, Trace  # noqa: E402

from numerics import sampling  # noqa: E402
from numerics.backends import available, backend  # noqa: E402
from numerics.kernels import Kernel  # noqa: E402
from theory.dag import Node  # noqa: E402
from theory.expressions import SymmetricSymbol, gradient, lower, norm2  # noqa: E402

ETA = Rational(1, 10)
SECONDS = 0.12  # a measurement is repeated until it has taken this long
LARGEST = 3e9  # bytes of all arrays of a row; larger rows are left out
RESULTS = Path(__file__).with_name("RESULTS.md")
Values = dict[str, Any]


# -- what is computed ---------------------------------------------------------------------------------------------------


def terms(n: int) -> dict[str, tuple[Node, ...]]:
    """The quantities as terms."""
    W = [MatrixSymbol(f"W{i}", n, n) for i in (1, 2, 3)]
    A, C = SymmetricSymbol("A", n), MatrixSymbol("C", n, n)
    P = W[2] * W[1] * W[0]
    loss = Trace(P * A * P.T) - 2 * Trace(C * P.T)
    gradients = [gradient(loss, w) for w in W]
    pairs = [(W[i + 1].T * W[i + 1], W[i] * W[i].T) for i in (0, 1)]
    found = {
        "loss": [loss],
        "gradients": gradients,
        "step": [w - ETA * g for w, g in zip(W, gradients, strict=True)],
        "balance": [x - y for x, y in pairs],
        "hessian trace": [n * norm2(W[2] * W[1]) + norm2(W[2]) * norm2(W[0]) + n * norm2(W[1] * W[0])],
        "commutators": [x * y - y * x for x, y in pairs],
    }
    return {name: tuple(lower(x) for x in parts) for name, parts in found.items()}


def by_hand(name: str, v: Values) -> list[Any]:
    """The same in batched numpy, shared products named (it also serves one instance)."""
    W1, W2, W3, A, C = (v[k] for k in ("W1", "W2", "W3", "A", "C"))
    if name in ("balance", "commutators"):
        pairs = [(W2.mT @ W2, W1 @ W1.mT), (W3.mT @ W3, W2 @ W2.mT)]
        return [x - y if name == "balance" else (z := x @ y) - z.mT for x, y in pairs]
    P21 = W2 @ W1
    if name == "hessian trace":
        total = lambda x: np.sum(x * x, axis=(-2, -1))  # noqa: E731
        n = W1.shape[-1]
        return [n * total(W3 @ W2) + total(W3) * total(W1) + n * total(P21)]
    P = W3 @ P21
    PA = P @ A
    if name == "loss":
        return [np.sum((PA - 2 * C) * P, axis=(-2, -1))]
    D = 2 * (PA - C)
    R = W3.mT @ D
    g = [W2.mT @ R, R @ W1.mT, D @ P21.mT]
    return g if name == "gradients" else [w - 0.1 * x for w, x in zip((W1, W2, W3), g, strict=True)]


def looped(name: str, v: Values) -> list[Any]:
    """The same, one instance after another."""
    rows = [by_hand(name, {k: x[i] for k, x in v.items()}) for i in range(len(v["A"]))]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def with_vmap(name: str) -> Callable[[Values], list[Any]]:
    """The same by automatic differentiation: `torch.func`."""
    import torch

    def loss(W: Any, A: Any, C: Any) -> Any:
        P = W[2] @ W[1] @ W[0]
        return torch.trace(P @ A @ P.T) - 2 * torch.trace(C @ P.T)

    def one(W1: Any, W2: Any, W3: Any, A: Any, C: Any) -> Any:
        W = (W1, W2, W3)
        pairs = [(W2.T @ W2, W1 @ W1.T), (W3.T @ W3, W2 @ W2.T)]
        if name == "loss":
            return (loss(W, A, C),)
        if name == "hessian trace":
            eye, half = torch.eye(len(A), dtype=A.dtype), torch.zeros_like(A)
            blocks = torch.func.hessian(lambda W: loss(W, eye, half) / 2)(W)
            return (sum(torch.trace(blocks[i][i].reshape(A.numel(), A.numel())) for i in range(3)),)
        if name in ("balance", "commutators"):
            return tuple(x - y if name == "balance" else x @ y - y @ x for x, y in pairs)
        g = torch.func.grad(loss)(W, A, C)
        return g if name == "gradients" else tuple(w - 0.1 * x for w, x in zip(W, g, strict=True))

    batched = torch.func.vmap(one)
    return lambda v: list(batched(*(v[k] for k in ("W1", "W2", "W3", "A", "C"))))


def products_alone(kernel: Kernel) -> tuple[Callable[[], None] | None, int]:
    """The matrix products of the generated kernel on arrays that stay in cache, and how many instances one call stands for."""
    shapes = kernel.products
    if not shapes:
        return None, 0
    chunk = max(16, 200_000 // max(a * b + b * c + a * c for a, b, c in shapes))
    rng = np.random.default_rng(0)
    sets = {
        s: (rng.normal(size=(chunk, s[0], s[1])), rng.normal(size=(chunk, s[1], s[2])), np.empty((chunk, s[0], s[2])))
        for s in shapes
    }

    def run() -> None:
        for s in shapes:
            np.matmul(sets[s][0], sets[s][1], out=sets[s][2])

    return run, chunk


# -- measuring ----------------------------------------------------------------------------------------------------------


def rate(work: Callable[[], Any], instances: int) -> float:
    """Instances a second, the best of the runs after the first."""
    work()
    best, spent = np.inf, 0.0
    while spent < SECONDS or best == np.inf:
        start = time.process_time()
        work()
        seconds = max(time.process_time() - start, 1e-9)
        best, spent = min(best, seconds), spent + seconds
    return instances / best


COLUMNS = ("numpy", "torch", "by hand", "loop", "vmap", "products")


def measure(n: int, batch: int, name: str, outputs: tuple[Node, ...]) -> list[float]:
    """The rates of one row, in the order of `COLUMNS`; nan where there is none."""
    W1, W2, W3, C = (w for w in sampling.gaussian((n,) * 5, batch, seed=n))
    v: Values = {k: np.ascontiguousarray(x) for k, x in {"W1": W1, "W2": W2, "W3": W3, "C": C, "A": C + C.mT}.items()}
    few = {k: x[:300] for k, x in v.items()}
    expected = by_hand(name, few)
    kernel = Kernel(outputs, backend())
    rates = {"numpy": rate(lambda: kernel(v), batch), "by hand": rate(lambda: by_hand(name, v), batch)}
    agree(expected, kernel(few))
    rates["loop"] = rate(lambda: looped(name, few), len(few["A"]))
    agree(expected, looped(name, few))
    if "torch" in available():
        rates |= on_torch(name, outputs, v, few, expected)
    work, count = products_alone(kernel)
    rates |= {"products": rate(work, count)} if work else {}
    return [rates.get(c, np.nan) for c in COLUMNS]


def on_torch(name: str, outputs: tuple[Node, ...], v: Values, few: Values, expected: list[Any]) -> dict[str, float]:
    import torch

    torch.set_num_threads(1)
    kernel, batch, n = Kernel(outputs, backend("torch")), len(v["A"]), v["A"].shape[-1]
    on = {k: kernel.backend.array(x) for k, x in v.items()}
    agree(expected, [kernel.backend.numpy(x) for x in kernel({k: x[:300] for k, x in on.items()})])
    rates = {"torch": rate(lambda: kernel(on), batch)}
    if name != "hessian trace" or n <= 4:  # forms the Hessian
        share = {k: x[: 2000 if name == "hessian trace" else batch] for k, x in on.items()}
        vmapped = with_vmap(name)
        agree(expected, [x.numpy() for x in vmapped({k: x[: len(few["A"])] for k, x in on.items()})])
        rates["vmap"] = rate(lambda: vmapped(share), len(share["A"]))
    return rates


def agree(expected: Sequence[Any], got: Sequence[Any]) -> None:
    for x, y in zip(expected, got, strict=True):
        np.testing.assert_allclose(y, x, rtol=0, atol=1e-9 * max(1.0, float(np.abs(x).max())))


# -- the tables ---------------------------------------------------------------------------------------------------------


def tables(sizes: Sequence[int], batches: Sequence[int]) -> list[tuple[str, ...]]:
    jobs = [(n, b) for n, b in product(sizes, batches) if 14 * 8 * n * n * b <= LARGEST]
    rows = []
    for n, b in track(jobs, "measuring", console=Console(stderr=True), transient=True):
        for name, outputs in terms(n).items():
            rates = dict(zip(COLUMNS, measure(n, b, name, outputs), strict=True))
            best = rates["numpy"]
            ratios = [best / rates[k] for k in ("by hand", "loop", "vmap", "products")]
            rows.append((str(n), f"{b:,}", name, *(_count(rates[c]) for c in COLUMNS), *(_ratio(x) for x in ratios)))
    return rows


HEAD = ("n", "batch", "quantity", *COLUMNS, "/ hand", "/ loop", "/ vmap", "/ products")


def _count(x: float) -> str:
    return "-" if np.isnan(x) else f"{x:,.0f}"


def _ratio(x: float) -> str:
    return "-" if np.isnan(x) else f"{x:.2f}" if x < 10 else f"{x:.0f}"


def samplers() -> list[tuple[str, str]]:
    """Instances a second of each sampler."""
    calls = {
        "gaussian (2, 2, 2)": lambda b: sampling.gaussian((2, 2, 2), b),
        "gaussian (4, 4, 4)": lambda b: sampling.gaussian((4, 4, 4), b),
        "gaussian (4, 4, 4, 4)": lambda b: sampling.gaussian((4, 4, 4, 4), b),
        "orthogonal 3": lambda b: sampling.orthogonal(3, b),
        "rank 2 of 4 x 4": lambda b: sampling.of_rank(4, 4, 2, b),
        "balanced (3, 3, 3)": lambda b: sampling.balanced((3, 3, 3), b),
        "aligned (3, 3, 3)": lambda b: sampling.aligned((3, 3, 3), b),
        "critical (3, 3, 3), 1 mode": lambda b: sampling.critical((3, 3, 3), 1, b),
        "moments 3, 5 points": lambda b: sampling.moments(3, 5, b),
    }
    return [(name, _count(rate(lambda call=call: call(100_000), 100_000))) for name, call in calls.items()]


def machine() -> str:
    cpu = next((x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x), "")
    found = [f"Python {platform.python_version()}", *(backend(x).describe() for x in ("numpy", "torch") if x in available())]
    return f"{platform.system()} {platform.machine()}, {cpu}, one thread, {', '.join(found)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 3, 4, 6, 8, 16, 32, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    args = parser.parse_args()
    rows, laws = tables(args.sizes, args.batches), samplers()
    table = Table(*HEAD, box=None, padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*row)
    Console(width=160).print(table)
    if args.write:
        RESULTS.write_text(markdown(rows, laws))


def markdown(rows: Sequence[tuple[str, ...]], laws: Sequence[tuple[str, str]]) -> str:
    lines = ["# Results", "", f"Measured {date.today()} on {machine()}, by `python benchmarks/kernels.py --write`.", ""]
    lines += ["## Aims", "", *aims(rows), "", CAUSES, "", "## Kernels: instances a second", "", *_table(HEAD, rows), ""]
    lines += ["## Samplers: instances a second", ""]
    return "\n".join([*lines, *_table(("law", "numpy"), laws), ""])


AIMS = (
    ("at least 0.9 of hand-written batched numpy", 0.9, "/ hand", lambda n: True),
    ("faster than it at width <= 4", 1.0, "/ hand", lambda n: n <= 4),
    ("at least 0.6 of the products alone at width >= 16", 0.6, "/ products", lambda n: n >= 16),
    ("at least 20 times the loop over instances at width <= 8", 20.0, "/ loop", lambda n: n <= 8),
)
CAUSES = """Where an aim is missed. Batches of 1,000 at widths 4 to 8: a call costs 75 to 195 microseconds before any work
(checks, views, chunks; measured at a batch of 16), written by hand 16 to 28. Width 8 against the loop: an 8 x 8 product
costs numpy 0.14 microseconds in a batch and 1.3 alone, so that no more than a factor of 10 is there where products are most
of the work; batched numpy written by hand reaches 9 to 25. Width 16 and more against the products alone: those stay in
cache and write no output; the residuals X^T X - Y Y^T are two products and a pass over memory each, and large batches wait
for the memory that outputs are written to. No GPU was at hand: nothing is said about one."""


def aims(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """How many rows reach each aim, and the least ratio."""
    lines = []
    for says, least, column, applies in AIMS:
        at = HEAD.index(column)
        ratios = [float(row[at]) for row in rows if applies(int(row[0])) and row[at] != "-"]
        reached = sum(x >= least for x in ratios)
        lines.append(f"- {says}: {reached} of {len(ratios)} rows; least {min(ratios, default=float('nan')):.2f}")
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


if __name__ == "__main__":
    main()
