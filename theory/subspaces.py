r"""Linear subspaces of matrices over the rationals: what a layer that is constrained (convolution, mask, block) may be.

A `Subspace` is spanned by linearly independent matrices E_1, ..., E_r. Its Gram matrix is \(\Gamma_{ij} = \langle E_i,
E_j\rangle\); the orthogonal projection of G is \(\sum_{ij} (\Gamma^{-1})_{ij} \langle E_j, G\rangle E_i\). The named
subspaces are patterns: each entry is a label or its negative, equal labels are tied, so that their bases are orthogonal.

>>> circulant(3).gram == ((3, 0, 0), (0, 3, 0), (0, 0, 3))
True
>>> circulant(3).scale, lower_toeplitz(2).scale
(Fraction(3, 1), None)
>>> lower_toeplitz(2).projection(((1, 7), (5, 2)))
((Fraction(3, 2), Fraction(0, 1)), (Fraction(5, 1), Fraction(3, 2)))
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import fmpq, fmpq_mat

from theory import dag
from theory.dag import Node
from theory.errors import InvalidInput

Table = tuple[tuple[Fraction, ...], ...]
Label = Callable[[int, int], tuple[Hashable, int] | None]


def table(rows: Iterable[Iterable[Any]]) -> Table:
    """Rows of rationals."""
    return tuple(tuple(Fraction(x) for x in row) for row in rows)


def inner(x: Table, y: Table) -> Fraction:
    """<x, y> = tr(x^T y)."""
    return sum((a * b for r, q in zip(x, y, strict=True) for a, b in zip(r, q, strict=True)), Fraction(0))


def combined(coefficients: Sequence[Any], basis: Sequence[Table]) -> Table:
    """sum c_j E_j."""
    rows, cols = len(basis[0]), len(basis[0][0])
    at: Any = lambda i, j: sum((c * E[i][j] for c, E in zip(coefficients, basis, strict=True)), Fraction(0))  # noqa: E731
    return table([at(i, j) for j in range(cols)] for i in range(rows))


@dataclass(frozen=True)
class Subspace:
    """The span of linearly independent matrices of one shape. Raises `InvalidInput` if they are not."""

    name: str
    basis: tuple[Table, ...]

    def __post_init__(self) -> None:
        shapes = {(len(E), len(row)) for E in self.basis for row in E}
        if len(shapes) != 1:
            raise InvalidInput("basis", shapes, "at least one matrix, all of one shape")
        if _matrix(self.gram).rank() < len(self.basis):
            raise InvalidInput("basis", self.name, "linearly independent matrices")

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.basis[0]), len(self.basis[0][0])

    @property
    def dim(self) -> int:
        return len(self.basis)

    @cached_property
    def gram(self) -> Table:
        """Gamma_ij = <E_i, E_j>."""
        return table([inner(x, y) for y in self.basis] for x in self.basis)

    @property
    def is_orthogonal(self) -> bool:
        return all(not x for i, row in enumerate(self.gram) for j, x in enumerate(row) if i != j)

    @property
    def scale(self) -> Fraction | None:
        """The c with Gamma = c I (then descent on raw coordinates is projected descent with the step c eta), or None."""
        c = self.gram[0][0]
        return c if self.is_orthogonal and all(row[i] == c for i, row in enumerate(self.gram)) else None

    def coordinates(self, x: Table) -> tuple[Fraction, ...]:
        """The theta with sum theta_j E_j the orthogonal projection of x."""
        right = fmpq_mat(self.dim, 1, [_fmpq(inner(E, x)) for E in self.basis])
        found = _matrix(self.gram).solve(right)
        return tuple(Fraction(str(found[i, 0])) for i in range(self.dim))

    def projection(self, x: Any) -> Table:
        """The orthogonal projection of a matrix of rationals."""
        return combined(self.coordinates(table(x)), self.basis)

    def contains(self, x: Any) -> bool:
        return self.projection(x) == table(x)

    def orthogonal(self) -> Subspace:
        """The same subspace with an orthogonal basis (Gram and Schmidt over the rationals)."""
        basis: list[Table] = []
        for E in self.basis:
            parts = [-inner(F, E) / inner(F, F) for F in basis]
            basis.append(combined([1, *parts], [E, *basis]))
        return Subspace(self.name, tuple(basis))

    # -- as terms -------------------------------------------------------------------------------------------------------

    def element(self, coordinates: Sequence[Node]) -> Node:
        """sum theta_j E_j as a term."""
        return dag.add(*(dag.mul(c, dag.const(E)) for c, E in zip(coordinates, self.basis, strict=True)))

    def general(self, name: str) -> tuple[Node, tuple[Node, ...]]:
        """(W, its coordinates): the general element with coordinates name1, name2, ..."""
        coordinates = tuple(dag.var(f"{name}{j}") for j in range(1, self.dim + 1))
        return self.element(coordinates), coordinates

    def projected(self, x: Node) -> Node:
        """The orthogonal projection of a term (a basis that is orthogonal is needed)."""
        if not self.is_orthogonal:
            return self.orthogonal().projected(x)
        parts = ((dag.const(E), inner(E, E)) for E in self.basis)
        return dag.add(*(dag.mul(dag.num(1 / n), dag.tr(dag.mul(dag.T(E), x)), E) for E, n in parts))


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def _matrix(x: Table) -> fmpq_mat:
    return fmpq_mat(len(x), len(x[0]), [_fmpq(c) for row in x for c in row])


def intersection_dim(a: Subspace, b: Subspace) -> int:
    """dim (a cap b), from the rank of both bases together."""
    flat = [[_fmpq(c) for row in E for c in row] for E in (*a.basis, *b.basis)]
    return a.dim + b.dim - int(fmpq_mat(len(flat), len(flat[0]), [c for row in flat for c in row]).rank())


def separates(space: Subspace, left: Any, right: Any) -> bool:
    """Whether L B R = 0 for B in the subspace only if B = 0."""
    L, R = _matrix(table(left)), _matrix(table(right))
    images = [L * _matrix(E) * R for E in space.basis]
    entries = [x for m in images for x in m.entries()]
    return int(fmpq_mat(space.dim, len(entries) // space.dim, entries).rank()) == space.dim


# -- patterns -----------------------------------------------------------------------------------------------------------


def patterned(name: str, rows: int, cols: int, label: Label) -> Subspace:
    """Entry (i, j) is sign * (the number of its label), or 0 where `label(i, j)` is None; labels in order, column by column."""
    for argument, n in (("rows", rows), ("cols", cols)):
        if n < 1:
            raise InvalidInput(argument, n, "a size >= 1")
    cells = {(i, j): label(i, j) for j in range(cols) for i in range(rows)}
    kinds = list(dict.fromkeys(c[0] for c in cells.values() if c is not None))
    entry: Any = lambda kind, i, j: cell[1] if (cell := cells[i, j]) and cell[0] == kind else 0  # noqa: E731
    basis = (table([entry(kind, i, j) for j in range(cols)] for i in range(rows)) for kind in kinds)
    return Subspace(name, tuple(basis))


def full(rows: int, cols: int) -> Subspace:
    return patterned(f"full {rows}x{cols}", rows, cols, lambda i, j: ((i, j), 1))


def mask(support: Sequence[Sequence[Any]]) -> Subspace:
    """Matrices that vanish where the table `support` does."""
    rows, cols = len(support), len(support[0])
    return patterned(f"mask {rows}x{cols}", rows, cols, lambda i, j: ((i, j), 1) if support[i][j] else None)


def lower_triangular(k: int) -> Subspace:
    return patterned(f"lower triangular {k}", k, k, lambda i, j: ((i, j), 1) if i >= j else None)


def diagonal(rows: int, cols: int | None = None) -> Subspace:
    """Only entries (p, p)."""
    return patterned(f"diagonal {rows}", rows, cols or rows, lambda i, j: (i, 1) if i == j else None)


def permuted_diagonal(k: int) -> Subspace:
    """Only entries (p + 1 mod k, p)."""
    return patterned(f"permuted diagonal {k}", k, k, lambda i, j: (j, 1) if i == (j + 1) % k else None)


def symmetric(k: int) -> Subspace:
    return patterned(f"symmetric {k}", k, k, lambda i, j: ((min(i, j), max(i, j)), 1))


def skew(k: int) -> Subspace:
    return patterned(f"skew {k}", k, k, lambda i, j: ((min(i, j), max(i, j)), 1 if i > j else -1) if i != j else None)


def toeplitz(rows: int, cols: int | None = None) -> Subspace:
    return patterned(f"Toeplitz {rows}", rows, cols or rows, lambda i, j: (i - j, 1))


def lower_toeplitz(k: int) -> Subspace:
    """A causal convolution with zero padding."""
    return patterned(f"lower Toeplitz {k}", k, k, lambda i, j: (i - j, 1) if i >= j else None)


def banded_toeplitz(k: int, width: int = 1) -> Subspace:
    """A convolution with zero padding, its filter of 2 * width + 1 numbers."""
    return patterned(f"banded Toeplitz {k}", k, k, lambda i, j: (i - j, 1) if abs(i - j) <= width else None)


def symmetric_toeplitz(k: int, width: int | None = None) -> Subspace:
    """Entry |i - j|, zero beyond `width` where given (1: tridiagonal)."""
    most, words = (k, "symmetric") if width is None else (width, f"symmetric {width}-banded")
    return patterned(f"{words} Toeplitz {k}", k, k, lambda i, j: (abs(i - j), 1) if abs(i - j) <= most else None)


def hankel(rows: int, cols: int | None = None) -> Subspace:
    return patterned(f"Hankel {rows}", rows, cols or rows, lambda i, j: (i + j, 1))


def circulant(k: int) -> Subspace:
    """A convolution on a circle."""
    return patterned(f"circulant {k}", k, k, lambda i, j: ((i - j) % k, 1))


def symmetric_circulant(k: int) -> Subspace:
    return patterned(f"symmetric circulant {k}", k, k, lambda i, j: (min((i - j) % k, (j - i) % k), 1))


def skew_circulant(k: int) -> Subspace:
    """What goes around the circle comes back with the opposite sign."""
    return patterned(f"skew-circulant {k}", k, k, lambda i, j: ((i - j) % k, 1 if i >= j else -1))


def circulant_2d(k: int, m: int) -> Subspace:
    """A convolution on a k x m torus."""
    shift: Any = lambda i, j: ((i // m - j // m) % k, (i % m - j % m) % m)  # noqa: E731
    return patterned(f"2-D circulant {k}x{m}", k * m, k * m, lambda i, j: (shift(i, j), 1))


def block_circulant(k: int, channels: int) -> Subspace:
    """A convolution on a circle with several channels."""
    c = channels
    return patterned(
        f"block circulant {k}, {c} channels", k * c, k * c, lambda i, j: (((i // c - j // c) % k, i % c, j % c), 1)
    )


def block(sizes: Sequence[int]) -> Subspace:
    """Block diagonal matrices with full blocks of these sizes."""
    at = [b for b, n in enumerate(sizes) for _ in range(n)]
    return patterned(f"blocks {tuple(sizes)}", len(at), len(at), lambda i, j: ((i, j), 1) if at[i] == at[j] else None)


def complex_numbers() -> Subspace:
    """a I + b J, the complex numbers as 2 x 2 matrices."""
    return patterned("complex", 2, 2, lambda i, j: (i != j, -1 if j > i else 1))


QUATERNION = ((0, -1, -2, -3), (1, 0, -3, 2), (2, 3, 0, -1), (3, -2, 1, 0))


def quaternions() -> Subspace:
    """Left multiplication by quaternions as 4 x 4 matrices."""
    return patterned("quaternion", 4, 4, lambda i, j: (abs(QUATERNION[i][j]), -1 if QUATERNION[i][j] < 0 else 1))
