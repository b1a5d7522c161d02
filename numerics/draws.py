r"""Random instances: one sampler, exact or in batches of floats.

`ExactDraw` gives small rationals (`flint.fmpq`, `flint.fmpq_mat`), one instance at a time; `FloatDraw` gives numpy arrays with a
leading batch axis. Both are a `theory.theorem.Draw`, so that the sampler of a theorem is written once. What hypotheses tie
together is never drawn apart: a sampler draws data and computes its moments with `value`, or solves for what an equation fixes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar

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
Result = TypeVar("Result")
# Fresh draws that may follow a degenerate one before the sampler is blamed.
PATIENCE = 100


class Degenerate(DeeplinError, ArithmeticError):
    """A draw on which an equation has no unique solution; another draw is taken instead."""


class ExactDraw:
    """Small rationals from a seed: same seed, same values.

    >>> d = ExactDraw(3)
    >>> d.matrix(1, 2), d.positive(), d.nonnegative()
    ([  1,  0], 2/3, 0)
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


class FloatDraw:
    """Batches of floats from a seed: scalars of shape (batch,), matrices (batch, rows, cols). `integer` is one for the batch.

    `condition` (batch,) is the largest condition number that `solve` met: a rounding error may have grown by that factor.

    >>> d = FloatDraw(0, batch=4)
    >>> d.matrix(2, 3).shape, d.positive().shape, float(d.condition.max())
    ((4, 2, 3), (4,), 1.0)
    """

    law = (
        "entries and scalars standard normal; positive numbers log-normal; nonnegative ones exponential, and 0 with probability "
        "1/4; semidefinite matrices X^T X with X normal of uniform rank"
    )

    def __init__(self, seed: int | tuple[int, ...], batch: int) -> None:
        if batch < 1:
            raise InvalidInput("batch", batch, "a number of instances >= 1")
        self.random, self.batch = np.random.default_rng(seed), batch
        self.condition: Array = np.ones(batch)

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
        x = self.matrix(n if rank is None else rank, n)
        if rank is None:
            x *= np.arange(n)[:, None] < self.random.integers(1, n + 1, (self.batch, 1, 1))
        product = x.mT @ x
        return (product + product.mT) / 2

    def value(self, expression: Any, env: Mapping[str, Any]) -> Any:
        """The values of a SymPy expression or a term."""
        (out,) = compiled((lower(expression),))(self._arrays(env))
        return np.broadcast_to(out, (self.batch, *out.shape[1:])) if len(out) != self.batch else out

    def solve(self, a: Any, b: Any, env: Mapping[str, Any]) -> Any:
        """The solutions x of a x = b, for expressions or values; not finite where a is singular."""
        left, right = (self.value(x, env) if isinstance(x, Basic | Node) else x for x in (a, b))
        with np.errstate(all="ignore"):
            if np.ndim(left) == 1:
                return right / left
            self.condition = np.fmax(self.condition, _condition(left))
            return _solved(left, right)

    def _arrays(self, env: Mapping[str, Any]) -> dict[str, Array]:
        """Numbers that are not arrays stand for the whole batch."""
        return {k: x if isinstance(x, np.ndarray) else np.full(self.batch, float(Fraction(str(x)))) for k, x in env.items()}


def _condition(a: Array) -> Array:
    singular = np.linalg.svd(a, compute_uv=False)
    return np.asarray(singular[..., 0] / singular[..., -1])


def _solved(a: Array, b: Array) -> Array:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:  # one singular matrix fails the batch
        singular = np.linalg.slogdet(a)[0] == 0
        solved = np.linalg.solve(np.where(singular[:, None, None], np.eye(a.shape[-1]), a), b)
        return np.where(singular[:, None, None], np.nan, solved)


def exact_draws(seed: int, index: int) -> ExactDraw:
    """The draw of instance `index`, which does not depend on the instances before it."""
    return ExactDraw(f"{seed} {index}")


_exact: Draw = ExactDraw(0)
_floats: Draw = FloatDraw(0, 1)
