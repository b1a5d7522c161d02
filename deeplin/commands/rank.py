"""`deeplin rank`: the rank that noise can reach, and the rank that training cannot beat, for given layers."""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.generic_rank import GenericRank, generic_rank
from numerics.junctions import TRAINING, JunctionBound, floats, junction_bound
from theory.errors import InvalidInput

SCHEMA = "deeplin.rank"
VERSION = 1
Array = NDArray[np.float64]

DESCRIPTION = """\
The rank of the product W_N ... W_1 of the layers in a file: now, for generic noise added to some layers, and the bound that
training cannot beat, each with its reason.

Ranks are exact: floats count as the dyadic rationals that they are, so that weights after training mostly have full rank;
--cut counts singular values instead, for the bound on training, which is then a guess: training can make small ones grow.
"""

EPILOG = """\
example: deeplin rank weights.npz --noise 2=full --noise 3=1 --training sgd,label-noise --data data.npz
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `deeplin rank`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("weights", type=Path, metavar="WEIGHTS.npz", help="arrays W1, W2, ... as `deeplin minimum --weights` writes them "
        "(W1 acts first)")  # fmt: skip
    add("--noise", action="append", default=[], metavar="LAYER=full|RANK", help="generic noise added to a layer: in every "
        "entry, or U V^T with RANK columns; once for each layer with noise")  # fmt: skip
    add("--training", default="gd", metavar="NAMES", help="how the layers are trained, separated by commas: "
        f"{', '.join(TRAINING)} (default: gd)")  # fmt: skip
    add("--data", type=Path, metavar="DATA.npz", help="arrays X (d_0 x n) and Y (d_N x n): all samples of training")
    add("--steps", type=int, metavar="T", help="at most so many steps (matters with shared-dropout)")
    add("--cut", type=float, metavar="C", help="in the bound on training, count singular values above C sigma_1")
    add("--json", action="store_true", help="print one JSON object (schema: deeplin/schemas/rank.schema.json)")


def run(args: argparse.Namespace) -> int:
    """Prints both ranks; 0 on success. Bad files or arguments raise `InvalidInput`."""
    layers = _layers(args.weights)
    noise = _noise(args.noise, len(layers))
    data = None if args.data is None else _pair(args.data)
    names = [x.strip() for x in args.training.split(",") if x.strip()]
    bound = junction_bound(layers, data, training=names, steps=args.steps, cut=args.cut)
    found = generic_rank(layers, noise)
    if args.json:
        print(json.dumps(_report(args, layers, noise, found, bound), indent=2, allow_nan=False))
    else:
        _print(noise, found, bound)
    return 0


# -- reading ------------------------------------------------------------------------------------------------------------


def _arrays(argument: str, path: Path) -> dict[str, Array]:
    """The arrays of an .npz file, without pickled objects."""
    try:
        stored = np.load(path, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise InvalidInput(argument, str(path), "an .npz file of named arrays")
        with stored:
            return {name: stored[name] for name in stored.files}
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidInput(argument, str(path), f"an .npz file that can be read ({why})") from None
    except InvalidInput:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise InvalidInput(argument, str(path), "an .npz file of numbers, without pickled objects") from None


def _layers(path: Path) -> list[Array]:
    stored = _arrays("WEIGHTS.npz", path)
    names = [f"W{k}" for k in range(1, len(stored) + 1)]
    if not stored or set(stored) != set(names):
        raise InvalidInput("WEIGHTS.npz", f"arrays {', '.join(sorted(stored)) or 'none'}", "W1, W2, ..., WN and no other")
    return [_numbers(name, stored[name]) for name in names]


def _pair(path: Path) -> tuple[Array, Array]:
    stored = _arrays("--data", path)
    if set(stored) != {"X", "Y"}:
        raise InvalidInput("--data", f"arrays {', '.join(sorted(stored)) or 'none'}", "X and Y and no other")
    return _numbers("X", stored["X"]), _numbers("Y", stored["Y"])


def _numbers(name: str, x: Any) -> Array:
    if x.dtype.kind not in "biuf" or x.ndim != 2 or not x.size:
        raise InvalidInput(name, f"an array of shape {x.shape} and type {x.dtype}", "a matrix of numbers")
    return floats(name, x)


def _noise(parts: Sequence[str], depth: int) -> list[str | int | None]:
    noise: list[str | int | None] = [None] * depth
    for part in parts:
        layer, _, amount = part.partition("=")
        k = int(layer) if layer.strip().isdecimal() else 0
        if not 1 <= k <= depth or not (amount == "full" or amount.isdecimal()):
            raise InvalidInput("--noise", part, f"LAYER=full or LAYER=RANK with a layer from 1 to {depth} and a rank >= 0")
        if noise[k - 1] is not None:
            raise InvalidInput("--noise", part, "each layer once")
        noise[k - 1] = amount if amount == "full" else int(amount)
    return noise


# -- writing ------------------------------------------------------------------------------------------------------------


def _report(
    args: argparse.Namespace, layers: Sequence[Array], noise: Sequence[Any], found: GenericRank, bound: JunctionBound
) -> dict[str, object]:
    """The JSON of the schema: `generic` for the noise, `training` for the bound."""
    reason = found.reason
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "weights": str(args.weights),
        "widths": [layers[0].shape[1], *(W.shape[0] for W in layers)],
        "now": bound.now,
        "noise": [x if x is not None else 0 for x in noise],
        "generic": {"rank": found.rank, "error": found.error, "reason": None if reason is None else str(reason)},
        "training": {
            "names": list(bound.training),
            "steps": bound.steps,
            "cut": args.cut,
            "rank": bound.rank,
            "limits": [{**asdict(x), "binding": x.rank == bound.rank} for x in bound.limits],
        },
    }


def _print(noise: Sequence[Any], found: GenericRank, bound: JunctionBound) -> None:
    where = ", ".join(f"layer {k}: {x if x == 'full' else f'rank {x}'}" for k, x in enumerate(noise, 1) if x)
    counted = "" if bound.cut is None else f", counting singular values above {bound.cut:g} sigma_1"
    lines = [
        f"rank now        {bound.now} (the widths allow {bound.widest}){counted}",
        f"with noise      {found.rank}, almost surely ({where})" if where else f"without noise   {found.rank}, exactly",
        f"  because       {found.reason}",
        f"with training   {bound}",
    ]
    print("\n".join(lines), file=sys.stdout)
