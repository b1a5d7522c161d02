"""`deeplin hessian`: how flat a trained network lies on its valley, how flat it could, and where gradient noise drives it."""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Grid

from numerics.flattest import Flattest, flattest
from numerics.hessian import (
    VALLEY_TOLERANCE,
    Array,
    Spectrum,
    checked,
    checked_targets,
    compressed,
    hessian_spectrum,
    hessian_trace,
    tails,
)
from numerics.noise_drift import Valley, check_regular
from theory.errors import InvalidInput

SCHEMA = "deeplin.hessian"
VERSION = 1
NOISES = ("label", "isotropic normal", "isotropic")
# The drift takes a Jacobian for each parameter: half a minute at this number.
MOST_PARAMETERS = 600

DESCRIPTION = """\
The Hessian of the loss 1/2 |W_N ... W_1 X - Y|^2 (a sum over samples, no 1/n) where (W_N ... W_1 X - Y) X^T = 0: at a global
minimum that no narrow hidden layer keeps from the best linear fit. Its trace and largest eigenvalue beside the least ones that
any such point of these widths has, its rank and log pseudo-determinant (the sum of the logarithms of its nonzero eigenvalues),
and the mean drift of the trace and of the latter that gradient noise of variance 1 causes, per unit of the slow time
t = steps x (learning rate)^2: label noise (covariance H), isotropic noise in the range of H, and isotropic noise.

WEIGHTS.npz has the layers W1, W2, ... (W1 acts first, shape d_i x d_{i-1}); DATA.npz has X (d_0 x n) and Y (d_N x n), samples
as columns. Both are written by numpy.savez.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `deeplin hessian`."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("weights", metavar="WEIGHTS.npz", help="the layers, as arrays W1, W2, ...")
    add("data", metavar="DATA.npz", help="inputs X and targets Y, samples as columns")
    add("--tolerance", type=float, default=VALLEY_TOLERANCE, metavar="T", help="how far the weights may be from a minimum: "
        "|(P X - Y) X^T| relative to |X| (|X| prod |W_i| + |Y|); the spectrum is that of J^T J "
        "(default: %(default)s)")  # fmt: skip
    add("--json", action="store_true", help="print one JSON object (schema: deeplin/schemas/hessian.schema.json)")


def run(args: argparse.Namespace) -> int:
    """Reads, computes and prints; 0 on success. Files that do not fit, and weights off the valley, raise `InvalidInput`."""
    found = examined(_layers(args.weights), *_data(args.data), tolerance=args.tolerance)
    if args.json:
        print(json.dumps(report(found), indent=2, allow_nan=False))
    else:
        _print(found)
    return 0


@dataclass(frozen=True)
class Rates:
    """The mean rates of Tr H and log pdet H under one kind of noise; `diffuses`: the weights also diffuse along the valley."""

    noise: str
    trace_rate: float
    log_pseudo_determinant_rate: float
    diffuses: bool


@dataclass(frozen=True)
class Found:
    """What the command reports; `least` by measure is None where it is not known, and `why` says so."""

    widths: tuple[int, ...]
    samples: int
    loss: float
    trace: float
    spectrum: Spectrum
    least: dict[str, float | None]
    drift: tuple[Rates, ...]
    why: tuple[str, ...]


def examined(layers: list[Array], X: Array, Y: Array, *, tolerance: float = VALLEY_TOLERANCE) -> Found:
    """All figures of the command."""
    W, data = checked(layers, X)
    Z = checked_targets(W, data, Y)
    if W[0].ndim != 2 or Z.ndim != 2:
        raise InvalidInput("layers", [w.shape for w in W], "one network: matrices W1, W2, ..., and matrices X and Y")
    spectrum = hessian_spectrum(W, data, Z, tolerance=tolerance)
    widths = (W[0].shape[1], *(w.shape[0] for w in W))
    loss = 0.5 * float(((tails(W, data)[-1] - Z) ** 2).sum())
    least, reasons = {}, []
    for measure in ("trace", "sharpness"):
        value = _least(Z, data, widths, measure)
        least[measure] = value.value if isinstance(value, Flattest) else None
        reasons += [f"least {measure}: {value}"] * isinstance(value, InvalidInput)
    rates = _rates(W, data, spectrum.parameters)
    reasons += [f"drift: {rates}"] * isinstance(rates, InvalidInput)
    drifts = () if isinstance(rates, InvalidInput) else rates
    return Found(widths, data.shape[1], loss, hessian_trace(W, data), spectrum, least, drifts, tuple(reasons))


def _least(Y: Array, X: Array, widths: tuple[int, ...], measure: str) -> Flattest | InvalidInput:
    try:
        return flattest(Y, X, widths, by=measure)
    except InvalidInput as why:
        return why


def _rates(W: list[Array], X: Array, parameters: int) -> tuple[Rates, ...] | InvalidInput:
    if parameters > MOST_PARAMETERS:
        return InvalidInput("weights", f"{parameters} parameters", f"at most {MOST_PARAMETERS}")
    try:
        check_regular(W, X)
    except InvalidInput as why:
        return why
    net = Valley.of(W, compressed(X))
    found = [(noise, net.drift(net.in_eigenbasis(noise))) for noise in NOISES]
    return tuple(Rates(noise, x.trace_rate, x.logdet_rate, x.diffuses) for noise, x in found)


# -- files ---------------------------------------------------------------------------------------------------------------


def _arrays(path: str) -> dict[str, Array]:
    if not Path(path).is_file():
        raise InvalidInput("file", repr(path), "a file written by numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile):
        raise InvalidInput("file", repr(path), "a file written by numpy.savez, with arrays of numbers") from None


def _layers(path: str) -> list[Array]:
    arrays = _arrays(path)
    wanted = [f"W{i}" for i in range(1, len(arrays) + 1)]
    if not arrays or set(arrays) != set(wanted):
        names = ", ".join(sorted(arrays, key=_numbered)) or "no array"
        raise InvalidInput(path, names, "the arrays W1, W2, ..., WN and no others")
    return [arrays[name] for name in wanted]


def _numbered(name: str) -> tuple[str, int]:
    digits = re.search(r"\d+$", name)
    return name.rstrip("0123456789"), int(digits.group()) if digits else 0


def _data(path: str) -> tuple[Array, Array]:
    arrays = _arrays(path)
    if not {"X", "Y"} <= set(arrays):
        raise InvalidInput(path, ", ".join(sorted(arrays)) or "no array", "the arrays X and Y")
    return arrays["X"], arrays["Y"]


# -- output --------------------------------------------------------------------------------------------------------------


def report(found: Found) -> dict[str, object]:
    """The JSON object of the schema: every number finite, null where there is none."""
    spectrum = found.spectrum
    rank = int(spectrum.rank)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "widths": list(found.widths),
        "samples": found.samples,
        "parameters": spectrum.parameters,
        "loss": found.loss,
        "trace": found.trace,
        "least_trace": found.least["trace"],
        "sharpness": float(spectrum.sharpness),
        "least_sharpness": found.least["sharpness"],
        "rank": rank,
        "log_pseudo_determinant": float(spectrum.log_pseudo_determinant),
        "eigenvalues": spectrum.eigenvalues[:rank].tolist(),
        "drift": [asdict(x) for x in found.drift],
        "missing": list(found.why),
    }


def _print(found: Found) -> None:
    console, spectrum = Console(highlight=False, soft_wrap=True), found.spectrum
    widths = "-".join(map(str, found.widths))
    console.print(f"{widths}: {spectrum.parameters} parameters, {found.samples} samples, loss {found.loss:.6g}")
    for name, value in (("trace", found.trace), ("sharpness", float(spectrum.sharpness))):
        least = found.least[name]
        beside = "" if least is None else f"  least {least:.10g}" + (f" ({value / least:.4g} times)" if least else "")
        console.print(f"{name:<10} {value:.10g}{beside}")
    console.print(f"rank       {int(spectrum.rank)}")
    console.print(f"log pdet   {float(spectrum.log_pseudo_determinant):.10g}")
    if found.drift:
        columns = ("noise of variance 1", "d trace / dt", "d log pdet / dt")
        grid = Grid(*columns, title="mean drift, t = steps x rate^2", title_justify="left")
        for x in found.drift:
            grid.add_row(x.noise, f"{x.trace_rate:.6g}", f"{x.log_pseudo_determinant_rate:.6g}")
        console.print(grid)
    for why in found.why:
        console.print(f"not known: {why}")


