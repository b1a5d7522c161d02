"""A network problem from the command line: the data of a CSV file, and the widths, decays and noise of a network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from numerics.minimum import Minimum, Moments, minimise
from numerics.table import Table, parse_number, read_table
from theory.errors import InvalidInput

Json = dict[str, Any]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that say what the data and the network are."""
    add = parser.add_argument
    add("data", metavar="DATA.csv", help="a header, then one sample a line; numbers only, in UTF-8, separated by commas")
    add("--target", required=True, metavar="COLUMN", help="the column to predict")
    add("--features", metavar="COLUMNS", help="the columns to predict from, separated by commas (default: all others)")
    add("--widths", required=True, metavar="LIST", help="hidden widths, e.g. 8,8; '' for none, which is ridge regression")
    add("--decay", required=True, metavar="LIST", help="weight decay >= 0: one number, or one for each weight matrix")
    add("--noise", default="0", metavar="LIST", help="VARIANCE (not standard deviation) of the factor that multiplies each "
        "hidden neuron: one number >= 0, or one for each hidden layer; dropout of rate p is p/(1-p) (default: 0)")  # fmt: skip
    add("--standardize", action="store_true", help="centre features and target and divide each by its standard deviation "
        "(1/n); losses are then fractions of the target's variance")  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """The arguments, read and checked: features and target as a table, its moments, and the network."""

    path: str
    features: Table
    target: Table
    standardize: bool
    moments: Moments
    widths: tuple[int, ...]
    decay: tuple[Fraction, ...]
    noise: tuple[Fraction, ...]

    def minimum(self) -> Minimum:
        """The solver's answer, in floats."""
        return minimise(self.moments, self.widths, decay=floats(self.decay), noise=floats(self.noise))

    def data_report(self) -> Json:
        """The data as both JSON schemas have it."""
        return {
            "path": self.path,
            "samples": self.features.samples,
            "features": list(self.features.names),
            "target": self.target.names[0],
            "standardized": self.standardize,
            "target_second_moment": self.moments.target,
            "explained_second_moment": self.moments.explained,
        }


def network_report(minimum: Minimum) -> Json:
    """The network as both JSON schemas have it."""
    return {
        "widths": list(minimum.widths),
        "decay": list(minimum.decay),
        "noise_variance": list(minimum.noise),
        "noise_factor": minimum.noise_factor,
    }


def finite(number: float) -> float | None:
    """The number where JSON can hold it."""
    return number if isfinite(number) else None


def read(args: argparse.Namespace) -> Problem:
    """The problem of the arguments, or `InvalidInput` that names the argument or the place in the file."""
    features, target = _columns(args)
    hidden = _integers("--widths", args.widths)
    decay = _per_layer("--decay", args.decay, len(hidden) + 1)
    noise = _per_layer("--noise", args.noise, len(hidden))
    x, y = (table.standardized() if args.standardize else table for table in (features, target))
    moments = Moments.from_data(x.values, y.values[:, 0])
    return Problem(args.data, features, target, args.standardize, moments, (len(x.names), *hidden, 1), decay, noise)


def _columns(args: argparse.Namespace) -> tuple[Table, Table]:
    chosen = None if args.features is None else [name.strip() for name in args.features.split(",")]
    if chosen is not None and len(chosen) >= len({*chosen, args.target}):
        raise InvalidInput("--features", args.features, f"distinct columns other than the target {args.target!r}")
    table = read_table(args.data, None if chosen is None else [*chosen, args.target])
    if args.target not in table.names:
        raise InvalidInput("--target", repr(args.target), f"one of the columns {', '.join(table.names)}")
    names = [name for name in table.names if name != args.target]
    if not names:
        raise InvalidInput("--features", "no column", f"at least one column beside the target {args.target!r}")
    return table.select(names), table.select([args.target])


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if text.strip() else []


def _integers(argument: str, text: str) -> tuple[int, ...]:
    parts = _parts(text)
    if not all(part.isascii() and part.isdigit() and len(part) < 10 and int(part) > 0 for part in parts):
        raise InvalidInput(argument, repr(text), "whole numbers >= 1 separated by commas, or '' for no hidden layer")
    return tuple(int(part) for part in parts)


def _per_layer(argument: str, text: str, count: int) -> tuple[Fraction, ...]:
    numbers = [Fraction(part) for part in _parts(text) if parse_number(argument, part) >= 0]
    many = numbers * count if len(numbers) == 1 else numbers
    if len(numbers) != len(_parts(text)) or not numbers or len(many) != count:
        raise InvalidInput(argument, repr(text), f"one number >= 0, or {count} separated by commas")
    return tuple(many)


def floats(numbers: Sequence[Fraction]) -> list[float]:
    return [float(number) for number in numbers]
