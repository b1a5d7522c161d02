r"""Networks in coordinates: the entries of the layers as scalar variables x_1, ..., x_p, with a loss L(x).

The kernel takes all derivatives itself, up to the third: \((\nabla^3 L[S])_a = \sum_{bc} \partial_a\partial_b\partial_c L\,
S_{bc}\).

The pair is the network w_1, w_2 of scalars, the loss 1/2 (w_1 w_2 - y)^2, on its valley w_1 w_2 = y: there J = g = (w_2, w_1),
H = g g^T, T = Tr H = |g|^2 = w_1^2 + w_2^2, and t = (-w_1, w_2) spans the tangent space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from theory.terms import Term, term
from theory.theorems.hessian.setting import grad, scalar, total

Vector = Sequence[Term]
Matrix = Sequence[Sequence[Term]]
ZERO, ONE = term(0), term(1)


def scalars(names: str) -> tuple[Term, ...]:
    """The scalar variables of these names."""
    return tuple(map(scalar, names.split()))


def numbered(name: str, count: int) -> tuple[Term, ...]:
    """The scalar variables name1, name2, ..."""
    return tuple(scalar(f"{name}{i}") for i in range(1, count + 1))


def product(factors: Sequence[Term]) -> Term:
    out = ONE
    for x in factors:
        out = out * x
    return out


def dot(x: Vector, y: Vector) -> Term:
    """<x, y>."""
    return total(a * b for a, b in zip(x, y, strict=True))


def outer(x: Vector, y: Vector) -> list[list[Term]]:
    """x y^T."""
    return [[a * b for b in y] for a in x]


def times(S: Matrix, x: Vector) -> list[Term]:
    """S x."""
    return [dot(row, x) for row in S]


def matmul(S: Matrix, R: Matrix) -> list[list[Term]]:
    """S R."""
    return [[dot(row, col) for col in zip(*R, strict=True)] for row in S]


def combined(*parts: tuple[Any, Matrix]) -> list[list[Term]]:
    """sum_k a_k S_k for (a_k, S_k)."""
    return [[total(term(a) * S[i][j] for a, S in parts) for j in range(len(row))] for i, row in enumerate(parts[0][1])]


def entries(S: Matrix) -> list[Term]:
    return [x for row in S for x in row]


def trace(S: Matrix) -> Term:
    return total(row[i] for i, row in enumerate(S))


@dataclass(frozen=True)
class Coordinates:
    """The variables x and the loss L(x)."""

    x: tuple[Term, ...]
    loss: Term

    def gradient(self, f: Term) -> list[Term]:
        return [grad(f, a) for a in self.x]

    def along(self, f: Term, v: Vector) -> Term:
        """Df[v]."""
        return dot(self.gradient(f), v)

    @property
    def hessian(self) -> list[list[Term]]:
        return [self.gradient(f) for f in self.gradient(self.loss)]

    def third(self, S: Matrix) -> list[Term]:
        """nabla^3 L[S]."""
        H = self.hessian
        parts = [(self.gradient(H[i][j]), S[i][j]) for i in range(len(self.x)) for j in range(len(self.x))]
        return [total(d[a] * s for d, s in parts) for a in range(len(self.x))]

    def step(self, loss: Term, rate: Term) -> list[Term]:
        """The variables after one step of gradient descent on a loss."""
        return [a - rate * d for a, d in zip(self.x, self.gradient(loss), strict=True)]


W1, W2, Y = scalars("w1 w2 y")
PAIR = Coordinates((W1, W2), (W1 * W2 - Y) ** 2 / 2)
NORMAL, TANGENT = (W2, W1), (-W1, W2)
T = W1**2 + W2**2
D = W2**2 - W1**2
