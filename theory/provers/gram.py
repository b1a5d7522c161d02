r"""Sums of squares: p = sum_b <G_b, Z_b> + sum_f c_f q_f with Gram matrices G_b >= 0, found by an SDP and made exact.

A block is a list of elements z_i and the values of their products v_ij (the value of z_i^T m z_j for a visibly nonnegative
m), so that polynomials in the entries and words are treated alike. The floats are rounded to rationals, projected onto the
solutions of the linear equations over Q, and G = L D L^T is computed exactly; where G is singular, its kernel is guessed
from the floats, the block is written on the complement, and the program is solved again. Nothing here is trusted: the
squares are given to the kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from flint import fmpq_mat

from theory import dag
from theory.dag import Node
from theory.provers.api import Clock, NotFound
from theory.provers.linear import combined, exact, fraction, pivots, rational
from theory.provers.process import Worker

Row = dict[Any, Any]
SOLVER = Worker("numerics.semidefinite")
DENOMINATORS = (1, 2, 12, 60, 1000, 10**6, 10**9, 10**12)
MANY = 60
Vector = list[Fraction]


@dataclass(frozen=True)
class Block:
    """Elements, the values of their products, and the term of the square of an element; `strict`: a positive multiplier."""

    elements: tuple[Node, ...]
    products: tuple[tuple[Row, ...], ...]
    square: Callable[[Node], Node]
    strict: bool = False

    @property
    def size(self) -> int:
        return len(self.elements)

    def column(self, i: int, j: int) -> Row:
        """The value that the unknown G_ij = G_ji multiplies."""
        both = [self.products[i][j]] if i == j else [self.products[i][j], self.products[j][i]]
        return combined(both, dict.fromkeys(range(len(both)), Fraction(1)))

    def keys(self, clock: Clock) -> Iterator[Any]:
        """The monomials of each column."""
        for i in range(self.size):
            clock.tick("pruning the squares")
            for j in range(i, self.size):
                yield from self.products[i][j].keys() | self.products[j][i].keys()

    def on(self, basis: Sequence[Vector], clock: Clock) -> Block:
        """The block with the elements sum_i b_i z_i for the vectors b of the basis."""
        elements = tuple(
            dag.lin((0, self.elements[0]), *((c, z) for c, z in zip(b, self.elements, strict=True) if c)) for b in basis
        )
        parts = [{i: c for i, c in enumerate(b) if c} for b in basis]
        rows = []
        for a in parts:
            clock.tick("reducing the squares")
            rows.append(tuple(self._paired(a, b) for b in parts))
        return Block(elements, tuple(rows), self.square, self.strict)

    def _paired(self, a: dict[int, Fraction], b: dict[int, Fraction]) -> Row:
        """The value of the product of two combinations of elements."""
        weights = dict(enumerate(x * y for x, y in product(a.values(), b.values())))
        return combined([self.products[i][j] for i, j in product(a, b)], weights)

    def without(self, gone: set[int]) -> Block:
        keep = [i for i in range(self.size) if i not in gone]
        products = tuple(tuple(self.products[i][j] for j in keep) for i in keep)
        return Block(tuple(self.elements[i] for i in keep), products, self.square, self.strict)


@dataclass(frozen=True)
class Program:
    """The target, the blocks, and the terms (with values) that may be added with any coefficient."""

    target: Row
    blocks: tuple[Block, ...]
    free: tuple[tuple[Node, Row], ...] = ()

    def pruned(self, clock: Clock) -> Program:
        """Elements whose square has a monomial that nothing else has are left out, until there is none."""
        blocks = list(self.blocks)
        fixed = Counter(k for part in (self.target, self.target, *(v for _, v in self.free)) for k in part)
        while True:
            counts = fixed + Counter(k for b in blocks for k in b.keys(clock))
            gone = [{i for i in range(b.size) if any(counts[k] == 1 for k in b.products[i][i])} for b in blocks]
            if not any(gone):
                return Program(self.target, tuple(b for b in blocks if b.size), self.free)
            blocks = [b.without(g) if g else b for b, g in zip(blocks, gone, strict=True)]

    @property
    def columns(self) -> list[Row]:
        return [v for _, v in self.free] + [
            b.column(i, j) for b in self.blocks for i in range(b.size) for j in range(i, b.size)
        ]


def sum_of_squares(program: Program, strict: bool, clock: Clock) -> Node:
    """A visibly nonnegative (`strict`: positive) term equal to the target; raises `NotFound`."""
    program = program.pruned(clock)
    for _ in range(4):
        columns = program.columns
        if not any(b.size for b in program.blocks) or not set(program.target) <= {k for c in columns for k in c}:
            raise NotFound("the target has a monomial that no square has")
        answer = SOLVER.ask(_question(program, columns, clock), clock)
        if "least" not in answer or answer["least"] < -1e-4:
            raise NotFound(f"no sum of squares with blocks of {[b.size for b in program.blocks]}")
        term = rounded(program, columns, answer, strict, clock)
        if term is not None:
            return term
        smaller = reduced(program, answer, clock)
        if smaller is None:
            break
        program = smaller.pruned(clock)
    raise NotFound(f"the Gram matrices could not be made exact (blocks of {[b.size for b in program.blocks]})")


def _question(program: Program, columns: list[Row], clock: Clock) -> Any:
    keys = {k: i for i, k in enumerate(dict.fromkeys(k for c in (*columns, program.target) for k in c))}
    entries = [[keys[k], j, float(rational(x))] for j, c in enumerate(columns) for k, x in c.items()]
    right = [float(rational(program.target.get(k, 0))) for k in keys]
    sizes = [b.size for b in program.blocks]
    return {
        "blocks": sizes,
        "free": len(program.free),
        "rows": len(keys),
        "entries": entries,
        "right": right,
        "seconds": 0.8 * clock.left,  # it ends by itself: to kill it costs the next question a start
    }


# -- from floats to rationals -------------------------------------------------------------------------------------------


def rounded(program: Program, columns: list[Row], answer: Any, strict: bool, clock: Clock) -> Node | None:
    """The certificate from the first rounding whose projection is positive semidefinite."""
    floats = list(answer["free"])
    for m in answer["matrices"]:
        floats += [m[i][j] for i in range(len(m)) for j in range(i, len(m))]
    project = _projection(columns, program.target)
    for d in DENOMINATORS:
        clock.tick("rounding")
        alike = d < 10**9 or len(floats) > MANY  # sums of many fractions of different denominators are long
        x = project([Fraction(round(f * d), d) if alike else Fraction(f).limit_denominator(d) for f in floats])
        term = None if x is None else _term(program, x, strict, clock)
        if term is not None:
            return term
    return None


def _projection(columns: list[Row], target: Row) -> Callable[[Vector], Vector | None]:
    """The orthogonal projection onto the solutions of sum_j x_j column_j = target."""
    keys = list(dict.fromkeys(k for c in (*columns, target) for k in c))
    rows: dict[Any, dict[int, Any]] = {k: {} for k in keys}
    for j, c in enumerate(columns):
        for k, x in c.items():
            rows[k][j] = rational(x)
    chosen = [keys[i] for i in pivots([rows[k] for k in keys], range(len(columns)))]
    dot: Any = lambda a, b: sum((x * b[j] for j, x in a.items() if j in b), Fraction(0))  # noqa: E731
    n = len(chosen)
    normal = fmpq_mat(n, n, [exact(dot(rows[a], rows[b])) for a in chosen for b in chosen])

    def project(x: Vector) -> Vector | None:
        gap = [rational(target.get(k, 0)) - sum((c * x[j] for j, c in rows[k].items()), Fraction(0)) for k in chosen]
        y = [fraction(v) for v in normal.solve(fmpq_mat(n, 1, [exact(g) for g in gap])).entries()] if n else []
        out = list(x)
        for k, c in zip(chosen, y, strict=True):
            for j, a in rows[k].items():
                out[j] += c * a
        wanted = {k: rational(v) for k, v in target.items() if v}
        return out if combined(columns, {j: c for j, c in enumerate(out) if c}) == wanted else None

    return project


def _term(program: Program, x: Vector, strict: bool, clock: Clock) -> Node | None:
    at, parts = len(program.free), [(c, q) for c, (q, _) in zip(x, program.free, strict=False) if c]
    positive = False
    for b in program.blocks:
        gram = [[Fraction(0)] * b.size for _ in range(b.size)]
        for i in range(b.size):
            for j in range(i, b.size):
                gram[i][j] = gram[j][i] = x[at]
                at += 1
        squares = ldl(gram, clock)
        if squares is None:
            return None
        positive |= b.strict and bool(squares)
        parts += [
            (d, b.square(dag.lin((0, b.elements[0]), *((c, z) for c, z in zip(v, b.elements, strict=True) if c))))
            for d, v in squares
        ]
    if strict and not positive:
        return None
    return dag.lin(*parts) if parts else None


def ldl(a: list[list[Fraction]], clock: Clock | None = None) -> list[tuple[Fraction, Vector]] | None:
    """(d, v) with a = sum d v v^T and d > 0, or None if a is not positive semidefinite."""
    n, rest, out = len(a), [list(map(exact, r)) for r in a], []
    for k in range(n):
        if clock is not None:
            clock.tick("factoring")
        d = rest[k][k]
        if d < 0 or (d == 0 and any(x != 0 for x in rest[k][k:])):
            return None
        if d != 0:
            v = [rest[k][j] / d if j >= k else exact(0) for j in range(n)]
            out.append((fraction(d), list(map(fraction, v))))
            for i in (i for i in range(k + 1, n) if v[i] != 0):
                by = d * v[i]
                rest[i][k:] = [x - by * y for x, y in zip(rest[i][k:], v[k:], strict=True)]
    return out


# -- singular Gram matrices ---------------------------------------------------------------------------------------------


def reduced(program: Program, answer: Any, clock: Clock) -> Program | None:
    """The program on the complement of the guessed kernels of the Gram matrices; None if there is no kernel."""
    scale = max((v for values in answer["values"] for v in values), default=1.0)
    blocks, changed = [], False
    for b, values, vectors in zip(program.blocks, answer["values"], answer["vectors"], strict=True):
        kernel = [v for w, v in zip(values, vectors, strict=True) if w < 1e-5 * max(scale, 1.0)]
        if kernel:
            changed = True
            basis = _complement(_rationalised(kernel), b.size)
            blocks += [b.on(basis, clock)] if basis else []
        else:
            blocks.append(b)
    return Program(program.target, tuple(blocks), program.free) if changed else None


def _rationalised(vectors: list[list[float]]) -> list[Vector]:
    """Simple rational vectors that nearly span the same space: reduced echelon form, then rounding."""
    rows, done = [list(v) for v in vectors], 0
    free = list(range(len(rows[0])))
    while done < len(rows):
        size, i, j = max((abs(rows[i][j]), i, j) for i in range(done, len(rows)) for j in free)
        if size < 1e-6:
            break
        rows[done], rows[i] = rows[i], rows[done]
        rows[done] = [x / rows[done][j] for x in rows[done]]
        for k in range(len(rows)):
            if k != done:
                rows[k] = [x - rows[k][j] * y for x, y in zip(rows[k], rows[done], strict=True)]
        free.remove(j)
        done += 1
    return [[Fraction(x).limit_denominator(24) for x in row] for row in rows[:done]]


def _complement(vectors: list[Vector], n: int) -> list[Vector]:
    """A basis of the vectors orthogonal to the given ones."""
    table, rank = fmpq_mat(len(vectors), n, [exact(x) for v in vectors for x in v]).rref()
    heads = [next(j for j in range(n) if table[i, j] != 0) for i in range(rank)]
    basis = []
    for j in (j for j in range(n) if j not in heads):
        v = [Fraction(int(i == j)) for i in range(n)]
        for i, h in enumerate(heads):
            v[h] = -fraction(table[i, j])
        basis.append(v)
    return basis
