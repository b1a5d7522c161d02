"""`deeplin minimum`: the global minimum of a deep linear network on the data of a CSV file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import isfinite, prod
from pathlib import Path

import numpy as np
from flint import ctx
from rich.console import Console
from rich.table import Table as Grid

from deeplin.problem import Problem, finite, network_report, read
from deeplin.problem import configure as configure_problem
from numerics.minimum import Minimum, StationaryPoint
from theory.errors import InvalidInput
from theory.scalar_equation import ExactMinimum, exact_minimum, noise_factor
from theory.scalar_moments import ExactMoments, exact_moments
from theory.scalar_roots import START_BITS

SCHEMA = "deeplin.minimum"
VERSION = 1
# Isolating the roots of a polynomial of this degree takes some twenty seconds; twice the degree, minutes.
LARGEST_EXACT_DEGREE = 200
LARGEST_WEIGHT_COUNT = 10**8
DIGITS = 20

DESCRIPTION = """\
The global minimum of a deep linear network with one output, weight decay and stochastic neurons, without training: its
loss, whether it is zero (trivial), the decay at which it becomes so, and every local minimum that competes with it.

The loss is E (y - W_N ... W_1 x)^2 + sum_i decay_i |W_i|^2, averaged over the samples and over independent noise that
multiplies each hidden neuron (mean 1). Moments are means over samples; there is no intercept and no scaling unless
--standardize.
"""

EPILOG = """\
example: deeplin minimum diabetes.csv --target progression --widths 8,8 --decay 0.01 --noise 0.5 --standardize
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `deeplin minimum`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    configure_problem(parser)
    add = parser.add_argument
    add("--exact", action="store_true", help="also decide everything over the rationals, from the decimals as written")
    add("--weights", type=Path, metavar="OUT.npz", help="write minimising weights as arrays W1, W2, ... (W1 acts first)")
    add("--force", action="store_true", help="let --weights overwrite a file")
    add("--json", action="store_true", help="print one JSON object (schema: deeplin/schemas/minimum.schema.json)")


def run(args: argparse.Namespace) -> int:
    """Solves and prints; 0 on success. Bad data or arguments raise `InvalidInput`."""
    problem = read(args)
    if args.weights is not None:
        _require_writable(args.weights, args.force)
        _require_moderate(problem.widths)
    minimum = problem.minimum()
    exact = _exact(problem) if args.exact else None
    weights = minimum.weights() if args.weights is not None else []
    report = _report(problem, minimum, exact)
    if args.weights is not None:
        _write_weights(args.weights, weights, args.force)
    if args.json:
        print(json.dumps(report, indent=2, allow_nan=False))
    else:
        _print(minimum, exact, args.weights)
    return 0


def _exact(problem: Problem) -> tuple[ExactMoments, ExactMinimum]:
    depth, features = len(problem.decay), len(problem.features.names)
    degree = max(2 * (depth - 1) * features, features)
    if degree > LARGEST_EXACT_DEGREE:
        expected = f"2 x hidden layers x features <= {LARGEST_EXACT_DEGREE}; choose fewer --features"
        raise InvalidInput("--exact", f"a polynomial of degree {degree}", expected)
    if not all(problem.decay):
        raise InvalidInput("--exact", "a decay of 0", "positive decays: without decay there is no equation to solve")
    targets = [row[0] for row in problem.target.rationals()]
    moments = exact_moments(problem.features.rationals(), targets, standardize=problem.standardize)
    kappa = noise_factor(problem.widths[1:-1], problem.noise)
    scale = {"scale": moments.scale, "target_scale": moments.target_scale}
    product = prod(problem.decay, start=Fraction(1))
    return moments, exact_minimum(
        moments.second, moments.cross, depth=depth, decay_product=product, noise_factor=kappa, **scale
    )


def _report(problem: Problem, minimum: Minimum, exact: tuple[ExactMoments, ExactMinimum] | None) -> dict[str, object]:
    """The JSON object of the schema: every number finite, null where there is none."""
    best = minimum.attained
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "data": problem.data_report(),
        "network": network_report(minimum),
        "verdict": minimum.verdict.name.lower(),
        "attained": minimum.attained,
        "loss": minimum.loss,
        "critical_decay_product": finite(minimum.critical_decay_product),
        "critical_decay": finite(minimum.critical_decay),
        "layer_energies": list(minimum.layer_energies) if best else None,
        "layer_squared_norms": list(minimum.layer_norms) if best else None,
        "predictor": minimum.predictor.tolist(),
        "stationary": [_point_report(point) for point in minimum.stationary],
        "exact": None if exact is None else _exact_report(*exact),
    }


def _point_report(point: StationaryPoint) -> dict[str, object]:
    kind, lam = point.kind.name.lower(), finite(point.lam)
    return {"kind": kind, "lambda": lam, "energy": point.energy, "loss": point.loss, "excess": point.excess}


def _exact_report(moments: ExactMoments, exact: ExactMinimum) -> dict[str, object]:
    critical = exact.critical_decay_product
    with ctx.workprec(START_BITS):
        loss = exact.value + moments.target / moments.target_scale
    return {
        "verdict": exact.verdict.name.lower(),
        "loss": loss.str(DIGITS),
        "excess": exact.value.str(DIGITS),
        "critical_decay_product": None if critical is None else critical.str(DIGITS),
        "minimisers": list(exact.minimisers),
        "stationary": [
            {
                "kind": point.kind.name.lower(),
                "multiplicity": point.multiplicity,
                "lambda": point.lam.str(DIGITS),
                "energy": point.energy.str(DIGITS),
                "excess": point.value.str(DIGITS),
            }
            for point in exact.stationary
        ],
    }


def _print(minimum: Minimum, exact: tuple[ExactMoments, ExactMinimum] | None, weights: Path | None) -> None:
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    say = console.print
    say(f"[bold]{minimum.verdict.name.lower()}[/bold]: {minimum.verdict.value}")
    attained = "" if minimum.attained else "  (an infimum: weights that approach it grow without bound)"
    say(f"loss            {minimum.loss:.12g}{attained}")
    say(f"  at zero       {minimum.moments.target:.12g}")
    say(_critical(minimum))
    if minimum.attained:
        say(f"layer energies  {', '.join(f'{energy:.6g}' for energy in minimum.layer_energies)}  (decay x squared norm)")
    say(_minima(minimum))
    if exact is not None:
        _print_exact(console, *exact)
    if weights is not None:
        say(f"weights         {weights}", markup=False)


def _critical(minimum: Minimum) -> str:
    if not isfinite(minimum.critical_decay):
        return "critical decay  none: without hidden layers no decay makes zero optimal"
    product = f"product of all layers {minimum.critical_decay_product:.6g}"
    return f"critical decay  {minimum.critical_decay:.6g} if uniform ({product}); zero is optimal at or above it"


def _minima(minimum: Minimum) -> Grid:
    grid = Grid(title="local minima", title_justify="left", show_edge=False, pad_edge=False)
    for heading in ("loss", "layer energy", "lambda"):
        grid.add_column(heading, justify="right")
    for point in minimum.local_minima:
        grid.add_row(f"{point.loss:.12g}", f"{point.energy:.6g}", f"{point.lam:.6g}" if point.energy else "zero")
    return grid


def _print_exact(console: Console, moments: ExactMoments, exact: ExactMinimum) -> None:
    report = _exact_report(moments, exact)
    console.print(f"exact           {report['verdict']}, loss {report['loss']}", markup=False, soft_wrap=True)
    if report["critical_decay_product"] is not None:
        console.print(f"  critical      {report['critical_decay_product']} (product)", markup=False, soft_wrap=True)


def _require_moderate(widths: tuple[int, ...]) -> None:
    count = sum(rows * columns for rows, columns in pairwise(widths))
    if count > LARGEST_WEIGHT_COUNT:
        raise InvalidInput("--weights", f"a network of {count} weights", f"at most {LARGEST_WEIGHT_COUNT} to write")


def _require_writable(path: Path, force: bool) -> None:
    try:
        exists = path.exists()
    except OSError as error:
        raise InvalidInput("--weights", str(path), f"a file that can be written ({error.strerror})") from None
    if exists and not force:
        raise InvalidInput("--weights", str(path), "a file that does not exist yet, or --force")
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidInput("--weights", str(path), "a file in a folder that exists")


def _write_weights(path: Path, weights: Sequence[np.ndarray], force: bool) -> None:
    """Writes beside `path`, then renames, so that a reader sees the old file or the whole new one."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **{f"W{k}": layer for k, layer in enumerate(weights, start=1)})
        _require_writable(path, force)
        draft.replace(path)
    except OSError as error:
        raise InvalidInput("--weights", str(path), f"a file that can be written ({error.strerror})") from None
    finally:
        draft.unlink(missing_ok=True)
