r"""Hypothesis strategies for the objects of deep linear networks, for anybody's `@given`.

Matrices are exact: tuples of rows of `Fraction`, with small numerators and denominators; they shrink towards zeros and ones.
Properties hold by construction (an orthogonal matrix is a Cayley transform, moments come from data), so nothing is filtered.

>>> from hypothesis import given
>>> @given(orthogonal(2))
... def test_rows_are_orthonormal(q):
...     assert times(q, transpose(q)) == identity(2)
>>> test_rows_are_orthonormal()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise

from flint import fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from theory.algebras.rational import matrix
from theory.errors import InvalidInput

Table = tuple[tuple[Fraction, ...], ...]


def transpose(a: Table) -> Table:
    return tuple(zip(*a, strict=True))


def times(a: Table, b: Table) -> Table:
    """The matrix product."""
    columns = transpose(b)
    return tuple(tuple(sum((x * y for x, y in zip(row, col, strict=True)), Fraction(0)) for col in columns) for row in a)


def identity(n: int) -> Table:
    return tuple(tuple(Fraction(i == j) for j in range(n)) for i in range(n))


def _table(a: fmpq_mat) -> Table:
    return tuple(tuple(Fraction(str(x)) for x in row) for row in a.table())


def _size(argument: str, n: int) -> int:
    if n < 1:
        raise InvalidInput(argument, n, "an integer >= 1")
    return n


@cache
def numbers(largest: int = 3, denominator: int = 3) -> SearchStrategy[Fraction]:
    """Rationals p/q with |p| <= largest and 1 <= q <= denominator; shrink to 0, then to small positive integers."""
    p = st.integers(0, 2 * largest).map(lambda k: (k + 1) // 2 if k % 2 else -(k // 2))
    return st.builds(Fraction, p, st.integers(1, denominator))


def positive_numbers(largest: int = 4, denominator: int = 3) -> SearchStrategy[Fraction]:
    """Rationals p/q with 1 <= p <= largest; shrink to 1."""
    return st.builds(Fraction, st.integers(1, largest), st.integers(1, denominator))


def widths(depth: int | None = None, largest: int = 4, output: int | None = None) -> SearchStrategy[tuple[int, ...]]:
    """(d_0, ..., d_N) with N = depth (1 to 4 by default) and entries up to `largest`, the last one `output` if it is given."""
    if depth is not None:
        _size("depth", depth)
    size = st.integers(1, _size("largest", largest))
    depths = st.integers(1, 4) if depth is None else st.just(depth)
    last = size if output is None else st.just(output)
    hidden = depths.flatmap(lambda n: st.lists(size, min_size=n, max_size=n))
    return st.builds(lambda first, end: (*first, end), hidden, last)


@cache
def matrices(rows: int, cols: int, entries: SearchStrategy[Fraction] | None = None) -> SearchStrategy[Table]:
    """Matrices with small rational entries."""
    row = st.tuples(*[entries if entries is not None else numbers()] * _size("cols", cols))
    return st.tuples(*[row] * _size("rows", rows))


def networks(shape: Sequence[int]) -> SearchStrategy[tuple[Table, ...]]:
    """Layers (W_1, ..., W_N) of widths (d_0, ..., d_N)."""
    return st.tuples(*(matrices(r, c) for c, r in pairwise(shape)))


@st.composite
def symmetric(draw: DrawFn, n: int) -> Table:
    """Symmetric matrices."""
    a = draw(matrices(n, n))
    return tuple(tuple(a[min(i, j)][max(i, j)] for j in range(n)) for i in range(n))


def psd(n: int, rank: int | None = None) -> SearchStrategy[Table]:
    """Symmetric positive semidefinite matrices X^T X, of rank at most `rank` (n by default); shrink to zero."""
    return matrices(n if rank is None else rank, n).map(lambda x: times(transpose(x), x))


@cache
@st.composite
def orthogonal(draw: DrawFn, n: int) -> Table:
    r"""Rational orthogonal matrices: signs times a Cayley transform \((I - K)(I + K)^{-1}\); shrink to the identity."""
    a = draw(matrices(n, n))
    skew = fmpq_mat(n, n, [_skew(a, i, j) for i in range(n) for j in range(n)])
    one = matrix(identity(n))
    signs = draw(st.tuples(*[st.sampled_from((1, -1))] * n))
    turned = _table((one - skew) * (one + skew).inv())
    return tuple(tuple(s * x for x in row) for s, row in zip(signs, turned, strict=True))


def _skew(a: Table, i: int, j: int) -> object:
    sign = (i < j) - (i > j)
    return matrix([[sign * a[min(i, j)][max(i, j)]]])[0, 0]


@st.composite
def of_rank(draw: DrawFn, rows: int, cols: int, rank: int) -> Table:
    """Matrices of exactly this rank: L [I, 0; 0, 0] R with unit triangular L and R, their rows and columns permuted."""
    if not 0 <= rank <= min(rows, cols):
        raise InvalidInput("rank", rank, f"an integer from 0 to {min(rows, cols)}")
    left, right = draw(_triangular(rows)), draw(_triangular(cols))
    middle = tuple(tuple(Fraction(i == j < rank) for j in range(cols)) for i in range(rows))
    plain = times(times(left, middle), transpose(right))
    p, q = draw(st.permutations(range(rows))), draw(st.permutations(range(cols)))
    return tuple(tuple(plain[i][j] for j in q) for i in p)


@cache
def _triangular(n: int) -> SearchStrategy[Table]:
    below = matrices(n, n, numbers(2, 1))
    return below.map(lambda a: tuple(tuple(a[i][j] if j < i else Fraction(i == j) for j in range(n)) for i in range(n)))


@dataclass(frozen=True)
class ExactMoments:
    """Consistent second moments: A = E[x x^T] (n x n), g = E[x y] (n x 1) and Y = E[y^2]."""

    A: Table
    g: Table
    Y: Fraction


@st.composite
def moments(draw: DrawFn, n: int, samples: int | None = None) -> ExactMoments:
    """Moments of a data set of `samples` points (n + 1 by default; fewer make A singular)."""
    count = n + 1 if samples is None else _size("samples", samples)
    x, y = draw(matrices(count, n)), draw(matrices(count, 1))
    share = Fraction(1, count)
    a, g = (tuple(tuple(share * v for v in row) for row in times(transpose(x), right)) for right in (x, y))
    return ExactMoments(a, g, share * sum((v[0] ** 2 for v in y), Fraction(0)))


@st.composite
def balanced(draw: DrawFn, shape: Sequence[int]) -> tuple[Table, ...]:
    r"""Balanced layers of these widths: \(W_{i+1}^T W_{i+1} = W_i W_i^T\), with \(W_i = Q_i D Q_{i-1}^T\) and rational Q_i.

    D has the same numbers on its diagonal in every layer, as many as the smallest width.
    """
    values = draw(st.tuples(*[numbers()] * min(shape)))
    turns = [draw(orthogonal(n)) for n in shape]
    middle = [_diagonal(values, r, c) for c, r in pairwise(shape)]
    return tuple(times(times(turns[i + 1], d), transpose(turns[i])) for i, d in enumerate(middle))


def _diagonal(values: Sequence[Fraction], rows: int, cols: int) -> Table:
    return tuple(tuple(values[i] if i == j < len(values) else Fraction(0) for j in range(cols)) for i in range(rows))


@dataclass(frozen=True)
class AlignedLayers:
    r"""Layers \(W_i = Q_i S_i Q_{i-1}^T\) with orthogonal bases Q_0, ..., Q_N and cores S_i with entries (p, p) only."""

    layers: tuple[Table, ...]
    bases: tuple[Table, ...]
    cores: tuple[Table, ...]


@st.composite
def aligned(draw: DrawFn, shape: Sequence[int], *, ordered: bool = False) -> AlignedLayers:
    """Aligned layers of these widths; `ordered` makes the cores nonnegative and nonincreasing. Shrink to zero layers."""
    bases = tuple(draw(orthogonal(n)) for n in shape)
    spectra = [draw(st.tuples(*[numbers()] * min(pair))) for pair in pairwise(shape)]
    values = [sorted(map(abs, s), reverse=True) if ordered else s for s in spectra]
    cores = tuple(_diagonal(s, r, c) for s, (c, r) in zip(values, pairwise(shape), strict=True))
    layers = tuple(times(times(bases[i + 1], s), transpose(bases[i])) for i, s in enumerate(cores))
    return AlignedLayers(layers, bases, cores)


@st.composite
def commuting(draw: DrawFn, n: int, count: int = 2) -> tuple[Table, ...]:
    r"""Symmetric matrices that commute, \(Q D_k Q^T\) with one orthogonal Q; eigenvalues may repeat. Shrink to zero."""
    q = draw(orthogonal(n))
    values = [draw(st.tuples(*[numbers()] * n)) for _ in range(_size("count", count))]
    return tuple(times(times(q, _diagonal(v, n, n)), transpose(q)) for v in values)


@dataclass(frozen=True)
class CriticalPoint:
    """Layers and data at which every gradient of |W_N ... W_1 X - Y|^2 / 2 is zero: X (d_0 x n), Y (d_N x n)."""

    layers: tuple[Table, ...]
    X: Table
    Y: Table


@st.composite
def critical(draw: DrawFn, shape: Sequence[int], rank: int | None = None) -> CriticalPoint:
    r"""Critical points of the squared loss, most of them no minima, with layers of rank at most `rank` (any by default).

    The gradient of layer i is \(W_{N:i+1}^T F W_{i-1:1}^T\) with \(F = (PX - Y) X^T\). With F = L R M^T, where the columns of L
    span the kernel of \(W_N^T\) and those of M that of W_1, all of them vanish; X is invertible, and Y follows. One layer has
    F = 0. Shrinks to zero layers with X the identity.
    """
    layers = [draw(_of_rank_at_most(rank, r, c)) for c, r in pairwise(shape)]
    product = layers[0]
    for w in layers[1:]:
        product = times(w, product)
    left, right = kernel_basis(transpose(layers[-1])), kernel_basis(layers[0])
    force = _zero(shape[-1], shape[0])
    if len(layers) > 1 and left and right:
        force = times(times(transpose(left), draw(matrices(len(left), len(right)))), right)
    x = draw(_triangular(shape[0]))
    residual = times(force, _table(matrix(transpose(x)).inv()))
    y = tuple(tuple(a - b for a, b in zip(*rows, strict=True)) for rows in zip(times(product, x), residual, strict=True))
    return CriticalPoint(tuple(layers), x, y)


def _of_rank_at_most(rank: int | None, rows: int, cols: int) -> SearchStrategy[Table]:
    if rank is None or rank >= min(rows, cols):
        return matrices(rows, cols)
    if rank < 0:
        raise InvalidInput("rank", rank, "an integer >= 0")
    if rank == 0:
        return st.just(_zero(rows, cols))
    return st.tuples(matrices(rows, rank), matrices(rank, cols)).map(lambda pair: times(*pair))


def _zero(rows: int, cols: int) -> Table:
    return tuple((Fraction(0),) * cols for _ in range(rows))


def kernel_basis(a: Table) -> Table:
    """Rows that span the x with a x = 0; none if there is only zero.

    >>> [[int(x) for x in row] for row in kernel_basis(((1, 1, 0), (0, 0, 1)))]
    [[-1, 1, 0]]
    """
    reduced, rank = matrix(a).rref()
    n = reduced.ncols()
    pivots = [next(j for j in range(n) if reduced[i, j] != 0) for i in range(rank)]
    return tuple(tuple(_kernel_entry(reduced, pivots, j, k) for k in range(n)) for j in range(n) if j not in pivots)


def _kernel_entry(reduced: fmpq_mat, pivots: Sequence[int], j: int, k: int) -> Fraction:
    """Entry k of the solution whose only nonzero free unknown is number j."""
    if k in pivots:
        return -Fraction(str(reduced[pivots.index(k), j]))
    return Fraction(k == j)
