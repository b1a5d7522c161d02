"""Linear systems over Q with named rows: modulo a prime first, then exactly where that succeeded."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat, nmod_mat

PRIME = (1 << 61) - 1
Row = Mapping[Any, Any]  # sparse: key -> rational


def exact(x: Any) -> fmpq:
    return fmpq(x.numerator, x.denominator) if isinstance(x, int | Fraction) else fmpq(x)


def fraction(x: Any) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def rational(x: Any) -> Fraction:
    """An integer, a fraction or a flint rational as a fraction."""
    return x if isinstance(x, Fraction) else fraction(x) if isinstance(x, fmpq) else Fraction(int(x))


def _residue(x: Any) -> int:
    q = exact(x)
    return int(q.p) * pow(int(q.q), -1, PRIME) % PRIME


def pivots(columns: Sequence[Row], keys: Sequence[Hashable]) -> list[int]:
    """The columns that are independent of those before them, modulo a prime."""
    at = {k: i for i, k in enumerate(keys)}
    table = [[0] * len(columns) for _ in keys]
    for j, column in enumerate(columns):
        for k, x in column.items():
            table[at[k]][j] = _residue(x)
    reduced, rank = nmod_mat(len(keys), len(columns), [x for row in table for x in row], PRIME).rref()
    return [next(j for j in range(len(columns)) if int(reduced[i, j])) for i in range(rank)]


def solve(columns: Sequence[Row], target: Row) -> dict[int, Fraction] | None:
    """Coefficients c with sum_j c_j column_j == target, earlier columns preferred, or None.

    >>> solve([{"x": 1, "y": 1}, {"y": 2}], {"x": 1, "y": 5})
    {0: Fraction(1, 1), 1: Fraction(2, 1)}
    """
    keys = list(dict.fromkeys(k for c in (*columns, target) for k in c))
    if not keys or not target:
        return {}
    chosen = pivots([*columns, target], keys)
    if len(columns) in chosen:
        return None
    basis = [columns[j] for j in chosen]
    rows = pivots([{j: c[k] for j, c in enumerate(basis) if k in c} for k in keys], range(len(basis)))
    square = fmpq_mat(len(rows), len(basis), [exact(c.get(keys[i], 0)) for i in rows for c in basis])
    x = square.solve(fmpq_mat(len(rows), 1, [exact(target.get(keys[i], 0)) for i in rows]))
    found = {j: fraction(x[i, 0]) for i, j in enumerate(chosen) if x[i, 0] != 0}
    return found if combined(columns, found) == {k: rational(v) for k, v in target.items() if v} else None


def combined(columns: Sequence[Row], coefficients: Mapping[int, Fraction]) -> dict[Any, Fraction]:
    """sum_j c_j column_j."""
    total: dict[Any, Fraction] = {}
    for j, c in coefficients.items():
        for k, x in columns[j].items():
            total[k] = total.get(k, Fraction(0)) + c * rational(x)
    return {k: x for k, x in total.items() if x}
