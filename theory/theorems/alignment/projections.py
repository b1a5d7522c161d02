r"""Layers in a linear subspace at symbolic size: a basis of matrices, its Gram matrix, its projection.

W = sum theta_j E_j with E_1, ..., E_r of one shape; `Basis` has the expressions that the theorems on projected descent share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, MatrixSymbol, Symbol, symbols

from theory.expressions import inner, known
from theory.statement import Condition, equal
from theory.theorems.alignment.setting import Width, dim


@dataclass(frozen=True)
class Basis:
    """E_1, ..., E_r (variables) of shape rows x cols, and coordinates; `mark` distinguishes the layers."""

    size: int
    rows: Width = "m"
    cols: Width = "n"
    mark: str = ""

    @cached_property
    def E(self) -> tuple[MatrixSymbol, ...]:
        return tuple(MatrixSymbol(f"E{self.mark}{j}", dim(self.rows), dim(self.cols)) for j in range(1, self.size + 1))

    @cached_property
    def theta(self) -> tuple[Symbol, ...]:
        return tuple(symbols(f"theta{self.mark}1:{self.size + 1}"))

    def element(self, coordinates: Sequence[Any]) -> Expr:
        """sum c_j E_j."""
        out = coordinates[0] * self.E[0]
        for c, E in zip(coordinates[1:], self.E[1:], strict=True):
            out = out + c * E
        return out

    @cached_property
    def layer(self) -> Expr:
        return self.element(self.theta)

    def readings(self, x: Expr) -> list[Expr]:
        """<E_j, x>."""
        return [inner(E, x) for E in self.E]

    def folded(self, x: Expr) -> Expr:
        """sum <E_j, x> E_j: the projection if Gamma = I."""
        return self.element(self.readings(x))

    def gram(self, i: int, j: int) -> Expr:
        """Gamma_ij, written with i <= j."""
        a, b = sorted((i, j))
        return inner(self.E[a], self.E[b])

    def scaled(self, c: Any = 1) -> dict[tuple[int, int], Expr]:
        """Gamma_ij - c delta_ij for i <= j."""
        pairs = ((i, j) for i in range(self.size) for j in range(i, self.size))
        return {(i, j): self.gram(i, j) - c * int(i == j) for i, j in pairs}

    def orthonormal(self, c: Any = 1) -> tuple[Condition, ...]:
        """Gamma = c I."""
        return tuple(map(equal, self.scaled(c).values()))

    def zero(self, i: int, j: int, c: Any = 1) -> Expr:
        """The known zero Gamma_ij - c delta_ij."""
        return known(self.scaled(c)[min(i, j), max(i, j)])

    # -- the inverse of the Gram matrix ---------------------------------------------------------------------------------

    @cached_property
    def R(self) -> list[list[Symbol]]:
        """The entries of Gamma^{-1}, symmetric variables r_ij."""
        return [[Symbol(f"r{min(i, j) + 1}{max(i, j) + 1}") for j in range(self.size)] for i in range(self.size)]

    @property
    def entries_of_R(self) -> tuple[Symbol, ...]:
        return tuple(self.R[i][j] for i in range(self.size) for j in range(i, self.size))

    def inverse(self, i: int, j: int) -> Expr:
        """(Gamma R - I)_ij."""
        return sum(self.gram(i, k) * self.R[k][j] for k in range(self.size)) - int(i == j)

    def invertible(self) -> tuple[Condition, ...]:
        """Gamma R = I."""
        return tuple(equal(self.inverse(i, j)) for i in range(self.size) for j in range(self.size))

    def projection(self, x: Expr) -> Expr:
        """sum_ij R_ij <E_j, x> E_i."""
        read = self.readings(x)
        return self.element([sum(self.R[i][j] * read[j] for j in range(self.size)) for i in range(self.size)])
