r"""Random instances: one sampler, exact or in batches of floats.

`ExactDraw` gives small rationals (`flint.fmpq`, `flint.fmpq_mat`), one instance at a time; `FloatDraw` gives numpy arrays with
a leading batch axis; `ReplayedDraw` repeats one instance of such a batch in exact arithmetic. All are a `theory.theorem.Draw`,
so that the sampler of a theorem is written once. What hypotheses tie together is never drawn apart: a sampler draws data and
computes their moments with `value`, or solves for what an equation fixes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray
from sympy import Basic

from numerics.kernels import compiled
from theory.algebra import evaluate
from theory.algebras.rational import Rational, rational
from theory.dag import Node
from theory.errors import DeeplinError, InvalidInput
from theory.expressions import lower
from theory.theorem import Draw

Array = NDArray[np.float64]


class Degenerate(DeeplinError, ArithmeticError):
    """A draw on which an equation has no unique solution; another draw is taken instead."""


class _Exact:
    """What exact draws share: values and solutions over the rationals."""

    def value(self, expression: Any, env: Mapping[str, Any]) -> Any:
        """The exact value of a SymPy expression or a term."""
        return evaluate([lower(expression)], Rational(), env)[0]

    def solve(self, a: Any, b: Any, env: Mapping[str, Any]) -> Any:
        """The solution x of a x = b, for expressions or values; raises `Degenerate` if a is singular."""
        left, right = (self.value(x, env) if isinstance(x, Basic | Node) else x for x in (a, b))
        try:
            return left.solve(right) if isinstance(left, fmpq_mat) else rational(right) / rational(left)
        except ZeroDivisionError:
            raise Degenerate("an equation without a unique solution was drawn") from None


class ExactDraw(_Exact):
    """Small rationals from a seed: same seed, same values.

    >>> d = ExactDraw(3)
    >>> d.matrix(1, 2), d.positive(), d.nonnegative()
    ([-1, -2], 1, 3)
    """

    law = (
        "entries p/q with p uniform on -3..3 and q uniform on {1, 1, 1, 2, 3}; positive numbers p/q with p uniform on 1..4; "
        "nonnegative ones 0 with probability 1/4; semidefinite matrices X^T X with X of uniform rank"
    )

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(f"exact {seed}")

    def integer(self, low: int, high: int) -> int:
        """A uniform integer in low..high, both included."""
        return self.random.randint(low, high)

    def scalar(self) -> fmpq:
        return fmpq(self.integer(-3, 3), self.random.choice((1, 1, 1, 2, 3)))

    def positive(self) -> fmpq:
        return fmpq(self.integer(1, 4), self.random.choice((1, 1, 1, 2, 3)))

    def nonnegative(self) -> fmpq:
        return self.positive() if self.integer(0, 3) else fmpq(0)

    def sign(self, rows: int, cols: int) -> fmpq_mat:
        """A matrix of entries +1 and -1."""
        return fmpq_mat(rows, cols, [self.random.choice((-1, 1)) for _ in range(rows * cols)])

    def matrix(self, rows: int, cols: int) -> fmpq_mat:
        return fmpq_mat(rows, cols, [self.scalar() for _ in range(rows * cols)])

    def psd(self, n: int, rank: int | None = None) -> fmpq_mat:
        """X^T X with X of `rank` rows, of a random number 1..n of rows by default: the rank is at most that."""
        x = self.matrix(self.integer(1, n) if rank is None else rank, n)
        return x.transpose() * x


class FloatDraw:
    """Batches of floats from a seed: scalars of shape (batch,), matrices (batch, rows, cols). `integer` is one for the batch.

    >>> d = FloatDraw(0, batch=4)
    >>> d.matrix(2, 3).shape, d.positive().shape
    ((4, 2, 3), (4,))
    """

    law = (
        "entries and scalars standard normal; positive numbers log-normal; nonnegative ones exponential, and 0 with "
        "probability 1/4; semidefinite matrices X^T X with X normal of uniform rank"
    )

    def __init__(self, seed: Sequence[int] | int, batch: int) -> None:
        if batch < 1:
            raise InvalidInput("batch", batch, "a number of instances >= 1")
        self.random, self.batch = np.random.default_rng(seed), batch

    def integer(self, low: int, high: int) -> int:
        """A uniform integer in low..high, both included, the same for the whole batch."""
        return int(self.random.integers(low, high + 1))

    def scalar(self) -> Array:
        return self.random.standard_normal(self.batch)

    def positive(self) -> Array:
        return np.exp(self.scalar())

    def nonnegative(self) -> Array:
        return self.random.exponential(size=self.batch) * (self.random.random(self.batch) > 0.25)

    def sign(self, rows: int, cols: int) -> Array:
        """Matrices of entries +1 and -1."""
        return self.random.choice(np.array([-1.0, 1.0]), (self.batch, rows, cols))

    def matrix(self, rows: int, cols: int) -> Array:
        return self.random.standard_normal((self.batch, rows, cols))

    def psd(self, n: int, rank: int | None = None) -> Array:
        """X^T X with X of `rank` rows, by default with a rank uniform on 1..n for each instance."""
        x = self.root(n, rank)
        product = x.mT @ x
        return (product + product.mT) / 2

    def root(self, n: int, rank: int | None = None) -> Array:
        """The X of `psd`."""
        x = self.matrix(n if rank is None else rank, n)
        return x if rank else x * (np.arange(n)[:, None] < self.random.integers(1, n + 1, (self.batch, 1, 1)))

    def value(self, expression: Any, env: Mapping[str, Any]) -> Any:
        """The values of a SymPy expression or a term."""
        (out,) = compiled((lower(expression),))({name: self._whole(x) for name, x in env.items()})
        return np.broadcast_to(out, (self.batch, *out.shape[1:]))

    def solve(self, a: Any, b: Any, env: Mapping[str, Any]) -> Any:
        """The solutions x of a x = b, for expressions or values; not finite where a is singular."""
        left, right = (self.value(x, env) if isinstance(x, Basic | Node) else x for x in (a, b))
        with np.errstate(all="ignore"):
            return right / left if np.ndim(left) == 1 else _solved(left, right)

    def _whole(self, x: Any) -> Array:
        """A number that is not an array stands for the whole batch."""
        return x if isinstance(x, np.ndarray) else np.full(self.batch, float(Fraction(str(x))))


def _solved(a: Array, b: Array) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:  # one singular matrix fails the batch
        singular = (np.linalg.slogdet(a)[0] == 0)[:, None, None]
        return np.where(singular, np.nan, np.linalg.solve(np.where(singular, np.eye(a.shape[-1]), a), b))


class ReplayedDraw(_Exact):
    """Instance `index` of a `FloatDraw`, its random numbers rounded to multiples of 2^-bits, its arithmetic exact.

    With 53 bits and more it is the float instance itself, up to the rounding errors of the floats: the instance satisfies its
    hypotheses exactly, so that what looked like a violation is confirmed or dismissed.

    >>> float(ReplayedDraw(5, 3, index=2).scalar()) == float(FloatDraw(5, 3).scalar()[2])
    True
    """

    law = "an instance of a batch of floats, repeated exactly"

    def __init__(self, seed: Sequence[int] | int, batch: int, index: int, bits: int = 60) -> None:
        self.floats, self.index, self.unit = FloatDraw(seed, batch), index, 1 << bits

    def _number(self, x: float, least: int = -(1 << 200)) -> fmpq:
        return fmpq(max(least, round(Fraction(x) * self.unit)), self.unit)

    def _table(self, x: Array) -> fmpq_mat:
        one = x[self.index]
        return fmpq_mat(*one.shape, [self._number(float(y)) for y in one.ravel()])

    def integer(self, low: int, high: int) -> int:
        return self.floats.integer(low, high)

    def scalar(self) -> fmpq:
        return self._number(float(self.floats.scalar()[self.index]))

    def positive(self) -> fmpq:
        return self._number(float(self.floats.positive()[self.index]), least=1)

    def nonnegative(self) -> fmpq:
        return self._number(float(self.floats.nonnegative()[self.index]))

    def sign(self, rows: int, cols: int) -> fmpq_mat:
        return self._table(self.floats.sign(rows, cols))

    def matrix(self, rows: int, cols: int) -> fmpq_mat:
        return self._table(self.floats.matrix(rows, cols))

    def psd(self, n: int, rank: int | None = None) -> fmpq_mat:
        x = self._table(self.floats.root(n, rank))
        return x.transpose() * x


# mypy checks here that each is a Draw.
_CHECKED: tuple[type[Draw], ...] = (ExactDraw, FloatDraw, ReplayedDraw)
