"""Exact second moments of rational data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq, fmpq_mat

from theory.errors import InvalidInput
from theory.scalar_roots import rational


@dataclass(frozen=True)
class ExactMoments:
    """E[x x^T], E[x y] and E[y^2] over the rationals, and the squared scales that standardizing would divide by.

    Standard deviations are square roots, so the moments stay unscaled; `scale` (d) and `target_scale` go with them into
    `theory.scalar_equation.exact_minimum`, which needs only their squares.
    """

    second: tuple[tuple[fmpq, ...], ...]
    cross: tuple[fmpq, ...]
    target: fmpq
    scale: tuple[fmpq, ...]
    target_scale: fmpq


def exact_moments(inputs: Sequence[Sequence[object]], target: Sequence[object], *, standardize: bool = False) -> ExactMoments:
    """Means over samples of `inputs` (n rows of d) and `target` (n); centred, with variances as scales, to `standardize`.

    >>> moments = exact_moments([[1], [3]], [2, 4], standardize=True)
    >>> moments.second, moments.cross, moments.scale
    (((1,),), (1,), (1,))
    """
    joint = _joint(inputs, target, standardize)
    size = joint.ncols() - 1
    power = joint.transpose() * joint / joint.nrows()
    rows = tuple(tuple(power[i, j] for j in range(size)) for i in range(size))
    scale = tuple(power[i, i] if standardize else fmpq(1) for i in range(size + 1))
    if any(square == 0 for square in scale):
        raise InvalidInput("inputs, target", "a constant column", "columns that vary, to standardize them")
    return ExactMoments(rows, tuple(power[i, size] for i in range(size)), power[size, size], scale[:-1], scale[-1])


def _joint(inputs: Sequence[Sequence[object]], target: Sequence[object], centre: bool) -> fmpq_mat:
    """The samples of (x, y), one a row, less their mean if `centre`."""
    count = len(inputs)
    size = len(inputs[0]) if count else 0
    if size == 0 or len(target) != count or any(len(row) != size for row in inputs):
        expected = "samples x features, both >= 1, and as many targets"
        raise InvalidInput("inputs", f"{count} rows beside {len(target)} targets", expected)
    entries = [rational("inputs", entry) for row, y in zip(inputs, target, strict=True) for entry in (*row, y)]
    joint = fmpq_mat(count, size + 1, entries)
    return _centred(joint) if centre else joint


def _centred(joint: fmpq_mat) -> fmpq_mat:
    ones = fmpq_mat(joint.nrows(), 1, [1] * joint.nrows())
    return joint - ones * (ones.transpose() * joint) / joint.nrows()
