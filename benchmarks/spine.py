"""From the DAG to polynomials, beside SymPy's `expand` and hand-written python-flint; and the replay time of each certificate.

    python benchmarks/spine.py [--widths 2] [--depths 2 3 4] [--skip-replay]

The task: the noise-averaged loss of a scalar-output network as a polynomial in the entries of its layers, moments, decays and
variances. All three must give the same polynomial, or the run stops.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import sympy
from flint import Ordering, fmpq_mpoly_ctx
from rich.console import Console
from rich.table import Table

from deeplin.verify import proof_of
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.polynomial import Polynomial
from theory.dag import variables
from theory.expressions import lower
from theory.theorem import theorems
from theory.theorems.minima.setting import Setting


def best(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The least time of some runs, and what the last one returned."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        out = run()
        times.append(time.perf_counter() - start)
    return min(times), out


def by_dag(setting: Setting) -> dict[tuple[str, ...], Any]:
    root = lower(setting.loss)
    algebra = Polynomial.of(variables([root]))
    names = ["_".join(map(str, p)) for p in algebra.places]
    return named(evaluate([root], algebra)[0].to_dict(), names)


def by_flint(setting: Setting) -> dict[tuple[str, ...], Any]:
    """The recursion written by hand on lists of polynomials."""
    widths = [int(d) for d in setting.widths]
    names = entries(widths)
    x = dict(zip(names, fmpq_mpoly_ctx.get(names, Ordering.degrevlex).gens(), strict=True))
    layers = [[[x[f"W{i}_{r}_{c}"] for c in range(widths[i - 1])] for r in range(widths[i])] for i in range(1, len(widths))]
    total = recursion(x, layers, widths)
    return named(total.to_dict(), names)


def by_sympy(setting: Setting) -> dict[tuple[str, ...], Any]:
    """The same recursion on SymPy symbols, then `expand`."""
    widths = [int(d) for d in setting.widths]
    names = entries(widths)
    x = {n: sympy.Symbol(n) for n in names}
    layers = [[[x[f"W{i}_{r}_{c}"] for c in range(widths[i - 1])] for r in range(widths[i])] for i in range(1, len(widths))]
    expanded = sympy.expand(recursion(x, layers, widths))
    return {tuple(sorted(monomial(t))): t.as_coeff_Mul()[0] for t in sympy.Add.make_args(expanded)}


def recursion(x: dict[str, Any], layers: list[Any], widths: list[int]) -> Any:
    n, d0 = len(widths) - 1, widths[0]
    B = [[x[f"A_{min(i, j)}_{max(i, j)}"] for j in range(d0)] for i in range(d0)]
    v = [[x[f"g_{i}_0"]] for i in range(d0)]
    for i, W in enumerate(layers, 1):
        M = times(times(W, B), [list(c) for c in zip(*W, strict=True)])
        s = x[f"s{i}"] if i < n else 0
        B = [[y + s * y if r == c and i < n else y for c, y in enumerate(row)] for r, row in enumerate(M)]
        v = times(W, v)
    penalty = sum(x[f"gamma{i}"] * y**2 for i, W in enumerate(layers, 1) for row in W for y in row)
    return B[0][0] - 2 * v[0][0] + x["Y"] + penalty


def times(a: list[Any], b: list[Any]) -> list[Any]:
    return [[sum((p * q for p, q in zip(row, col, strict=True)), 0 * row[0]) for col in zip(*b, strict=True)] for row in a]


def entries(widths: list[int]) -> list[str]:
    layers = [f"W{i}_{r}_{c}" for i in range(1, len(widths)) for r in range(widths[i]) for c in range(widths[i - 1])]
    moments = [f"A_{i}_{j}" for i in range(widths[0]) for j in range(i, widths[0])] + [f"g_{i}_0" for i in range(widths[0])]
    n = len(widths) - 1
    return [*layers, *moments, "Y", *(f"gamma{i}" for i in range(1, n + 1)), *(f"s{i}" for i in range(1, n))]


def named(terms: dict[Any, Any], names: list[str]) -> dict[tuple[str, ...], Any]:
    return {tuple(sorted(n for n, k in zip(names, powers, strict=True) for _ in range(k))): c for powers, c in terms.items()}


def monomial(term: Any) -> list[str]:
    return [b.name for b, k in term.as_powers_dict().items() if b.is_Symbol for _ in range(int(k))]


def polynomials(depths: list[int], width: int, console: Console) -> None:
    columns = ("depth", "monomials", "DAG, ms", "flint by hand, ms", "SymPy expand, ms", "expand / DAG", "DAG / flint")
    table = Table(*columns, box=None)
    for depth in depths:
        setting = Setting((*(width,) * depth, 1))
        dag, a = best(lambda s=setting: by_dag(s), 3)  # type: ignore[misc]
        flint, b = best(lambda s=setting: by_flint(s), 3)  # type: ignore[misc]
        expand, c = best(lambda s=setting: by_sympy(s), 1)  # type: ignore[misc]
        if not {k: str(x) for k, x in a.items()} == {k: str(x) for k, x in b.items()} == {k: str(x) for k, x in c.items()}:
            raise SystemExit("the three polynomials differ")
        figures = (f"{1e3 * dag:.2f}", f"{1e3 * flint:.2f}", f"{1e3 * expand:.1f}", f"{expand / dag:.0f}", f"{dag / flint:.1f}")
        table.add_row(str(depth), str(len(a)), *figures)
    console.print(f"the loss at widths {width} (lowering from SymPy included)", table)


def replays(console: Console) -> None:
    table = Table("theorem", "claim", "kB", "build, ms", "replay, ms", box=None)
    total = 0.0
    for theorem in theorems().values():
        for claim in theorem.claims():
            build, proof = best(lambda c=claim: proof_of(c), 1)  # type: ignore[misc]
            data = json.dumps(proof.certificate).encode()
            replay, _ = best(lambda d=data: kernel.check(d), 2)  # type: ignore[misc]
            total += replay
            figures = (f"{len(data) / 1e3:.1f}", f"{1e3 * build:.1f}", f"{1e3 * replay:.1f}")
            table.add_row(theorem.name, claim.statement.name, *figures)
    console.print(table, f"replay of all proofs: {total:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, default=2)
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--skip-replay", action="store_true")
    args = parser.parse_args()
    console = Console()
    polynomials(args.depths, args.widths, console)
    if not args.skip_replay:
        replays(console)


if __name__ == "__main__":
    main()
