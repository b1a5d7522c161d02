r"""Whether given rational layers are aligned: exact answers for the notions weak, literal and sorted.

Weak: all commutators \([B_i, M_{ij}]\) vanish. Literal: weak, and the chains fit the slots (`theory.alignment_barcodes`).
Sorted: weak, and at every vertex B_i and each M_{ij} are ordered alike, that is
\[ (B_i \otimes I - I \otimes B_i)(M_{ij} \otimes I - I \otimes M_{ij}) \succeq 0 : \]
then the singular values of every product are the products of the singular values in their order.

Source: own derivation; the notions are those of arXiv:2003.06340.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq_mat

from theory.algebras.rational import matrix
from theory.alignment_barcodes import Barcode, barcode, literal
from theory.errors import InvalidInput

NOTIONS = ("weak", "literal", "sorted", "strong")


@dataclass(frozen=True)
class ExactAlignment:
    """The notions that hold, the commutators [B_i, M_ij] that do not vanish, and the barcode (of aligned layers)."""

    weak: bool
    literal: bool
    sorted: bool
    defects: tuple[tuple[int, int], ...]
    bars: Barcode | None


def exact_alignment(layers: Sequence[Any]) -> ExactAlignment:
    """The exact answer for rational layers W_1, ..., W_N, given as tables or flint matrices.

    >>> exact_alignment([[[2, 0], [0, 1]], [[1, 0], [0, 2]]])
    ExactAlignment(weak=True, literal=True, sorted=False, defects=(), bars={(0, 2): 2})
    """
    W = [x if isinstance(x, fmpq_mat) else matrix(x) for x in layers]
    widths = _widths(W)
    at = {(i, j): (W[i].transpose() * W[i], _gram(W[j:i])) for i in range(1, len(W)) for j in range(i)}
    defects = tuple(place for place, (B, M) in at.items() if B * M != M * B)
    if defects:
        return ExactAlignment(False, False, False, defects, None)
    bars = barcode(lambda p, q: _product(W[p:q]).rank(), widths)
    return ExactAlignment(True, literal(bars, widths), all(alike(B, M) for B, M in at.values()), (), bars)


def _widths(W: Sequence[fmpq_mat]) -> tuple[int, ...]:
    if not W:
        raise InvalidInput("layers", list(W), "at least one layer")
    for i, (a, b) in enumerate(itertools.pairwise(W), 1):
        if a.nrows() != b.ncols():
            raise InvalidInput(f"layer {i + 1}", (b.nrows(), b.ncols()), f"{a.nrows()} columns, as many as layer {i} has rows")
    return (W[0].ncols(), *(x.nrows() for x in W))


def _product(W: Sequence[fmpq_mat]) -> fmpq_mat:
    out = W[0]
    for x in W[1:]:
        out = x * out
    return out


def _gram(W: Sequence[fmpq_mat]) -> fmpq_mat:
    P = _product(W)
    return P * P.transpose()


def alike(A: fmpq_mat, B: fmpq_mat) -> bool:
    """Whether commuting symmetric A and B have a common eigenbasis in which both sets of eigenvalues are nonincreasing."""
    K = _difference(A) * _difference(B)
    return _semidefinite([[Fraction(str(x)) for x in row] for row in K.table()])


def _difference(A: fmpq_mat) -> fmpq_mat:
    """A (x) I - I (x) A: on u (x) v for eigenvectors u and v, the difference of their eigenvalues."""
    n = A.nrows()

    def entry(r: int, s: int) -> Any:
        return A[r // n, s // n] * (r % n == s % n) - A[r % n, s % n] * (r // n == s // n)

    return fmpq_mat(n * n, n * n, [entry(r, s) for r in range(n * n) for s in range(n * n)])


def _semidefinite(rows: list[list[Fraction]]) -> bool:
    """Whether a symmetric table is positive semidefinite, by elimination."""
    while rows:
        (pivot, *row), *below = rows
        if pivot < 0 or (not pivot and any(row)):
            return False
        rows = [[x - r[0] * y / pivot if r[0] else x for x, y in zip(r[1:], row, strict=True)] for r in below]
    return True
