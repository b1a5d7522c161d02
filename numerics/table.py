"""Numeric tables from CSV files: a header, then one sample a line, every doubtful cell an error that names its place.

Cells are separated by commas and may be quoted (RFC 4180); the file is UTF-8, with or without a byte order mark. Blank
lines are skipped. Numbers are decimal (`1`, `-2.5`, `1e-3`), kept as text too, so that exact work can use the decimals.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from pathlib import Path

import numpy as np

from numerics.minimum_moments import Array
from theory.errors import InvalidInput

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
# A longer cell is no number, and would turn exact arithmetic into a way to use up the memory.
LONGEST_NUMBER = 400
LARGEST_EXPONENT = 400


@dataclass(frozen=True, eq=False)
class Table:
    """Named numeric columns: `values` (n, k) in floats, `cells` the same numbers as they were written."""

    names: tuple[str, ...]
    values: Array
    cells: tuple[tuple[str, ...], ...]

    @property
    def samples(self) -> int:
        """The number of rows n >= 1."""
        return len(self.cells)

    def column(self, name: str) -> int:
        """The position of a column, or `InvalidInput` that lists the columns."""
        if name not in self.names:
            raise InvalidInput("column", repr(name), f"one of {', '.join(self.names)}")
        return self.names.index(name)

    def select(self, names: Sequence[str]) -> Table:
        """The table of these columns, in this order."""
        kept = [self.column(name) for name in names]
        return Table(tuple(names), self.values[:, kept], tuple(tuple(row[k] for k in kept) for row in self.cells))

    def rationals(self) -> list[list[Fraction]]:
        """Every cell as the exact decimal that it is."""
        return [[Fraction(cell) for cell in row] for row in self.cells]

    def standardized(self) -> Table:
        """Each column less its mean, over its standard deviation (population, 1/n); `cells` stay as they were.

        A constant column cannot be scaled: `InvalidInput` names it.
        """
        constant = [name for name, column in zip(self.names, self.values.T, strict=True) if np.ptp(column) == 0]
        if constant:
            raise InvalidInput("column", f"constant {', '.join(constant)}", "columns that vary, to standardize them")
        centred = self.values - self.values.mean(axis=0)
        return Table(self.names, centred / np.sqrt(np.mean(centred**2, axis=0)), self.cells)


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> Table:
    """Reads `path`; with `columns`, only these are read as numbers and the rest may hold anything.

    Raises `InvalidInput` that names line and column for: a file that is absent, empty or not UTF-8; a header that
    repeats or omits a name; no samples; a row with too few or too many cells; a cell that is missing, not a number or not
    finite.
    """
    rows = _rows(Path(path))
    _, header = next(rows, (0, []))
    names = _names(path, header)
    wanted = range(len(names)) if columns is None else [_find(path, names, column) for column in columns]
    cells, values = [], []
    for line, row in rows:
        if len(row) != len(names):
            raise InvalidInput(f"{path}, line {line}", f"{len(row)} cells", f"{len(names)} cells, one for each column")
        cells.append(tuple(row[k].strip() for k in wanted))
        values.append([parse_number(f"{path}, line {line}, column {names[k]}", row[k]) for k in wanted])
    if not cells:
        raise InvalidInput(str(path), "a header alone", "at least one line of numbers below the header")
    return Table(tuple(names[k] for k in wanted), np.array(values, dtype=np.float64), tuple(cells))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its last line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if any(cell.strip() for cell in row) or len(row) > 1:
                    yield reader.line_num, row
    except OSError as error:
        raise InvalidInput("data", str(path), f"a readable file ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidInput("data", str(path), "a CSV file in UTF-8") from None
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num}", str(error), "comma-separated cells") from None


def _names(path: str | Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    if not names:
        raise InvalidInput(str(path), "an empty file", "a header line and at least one line of numbers")
    if "" in names:
        raise InvalidInput(f"{path}, header", f"no name for column {names.index('') + 1}", "a name for every column")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidInput(f"{path}, header", f"{', '.join(repeated)} more than once", "distinct column names")
    return names


def _find(path: str | Path, names: list[str], column: str) -> int:
    if column in names:
        return names.index(column)
    hint = " (cells are separated by commas)" if len(names) == 1 and any(mark in names[0] for mark in ";\t|") else ""
    raise InvalidInput("column", repr(column), f"one of the columns of {path}: {', '.join(names)}{hint}")


def parse_number(place: str, cell: str) -> float:
    """The finite decimal number that `cell` is, or `InvalidInput` that names its `place`; `Fraction(cell)` is then safe.

    >>> parse_number("line 2", " -2.5e1 ")
    -25.0
    """
    text = cell.strip()
    if text.lower() in MISSING:
        raise InvalidInput(place, f"a missing value ({cell!r})", "a number")
    try:
        # Python reads 1_000 and digits of other scripts as numbers; a data file that has them is more likely damaged.
        value = float(text) if text.isascii() and "_" not in text and len(text) <= LONGEST_NUMBER else None
    except ValueError:
        value = None
    if value is None:
        raise InvalidInput(place, repr(cell[:40]), "a number")
    if not isfinite(value) or abs(int(text.lower().partition("e")[2] or 0)) > LARGEST_EXPONENT:
        raise InvalidInput(place, text, "a finite number")
    return value
