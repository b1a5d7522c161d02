"""Random SymPy expressions in all algebras, against a naive evaluator that shares no code with them.

The naive evaluator works on the SymPy expressions themselves, in nilpotent numbers over the fractions: a number is a dict from
sets of infinitesimals to coefficients, where the square of an infinitesimal is zero, so that a gradient (also of a gradient) is
read off exactly. The same fuzz must notice each of many bugs planted in the lowering, in the gradients and in the algebras.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise, permutations
from typing import Any

import numpy as np
import pytest
import sympy
from flint import fmpq_mat
from sympy import Determinant, MatAdd, MatMul, MatrixSymbol, Rational, Symbol, Trace, Transpose
from sympy.matrices.expressions.matexpr import MatrixElement

from numerics import arrays, balls, code, kernels
from numerics.backends import backend
from theory import dag, expressions
from theory.algebra import evaluate
from theory.algebras import free, polynomial, rational
from theory.expressions import Congruence, DiagonalPart, Gradient, PartialDerivative, Square, SymmetricSymbol

# -- the naive evaluator ------------------------------------------------------------------------------------------------

Number = dict[frozenset[int], Fraction]
TAGS = count()


def plain(c: Any) -> Number:
    return {frozenset(): Fraction(c)}


def plus(x: Number, y: Number) -> Number:
    return {k: x.get(k, Fraction(0)) + y.get(k, Fraction(0)) for k in {*x, *y}}


def times(x: Number, y: Number) -> Number:
    out: Number = {}
    for a, c in x.items():
        for b, d in y.items():
            if not a & b:
                out[a | b] = out.get(a | b, Fraction(0)) + c * d
    return out


def total(numbers: Any) -> Number:
    out = plain(0)
    for x in numbers:
        out = plus(out, x)
    return out


def product(a: Any, b: Any) -> Any:
    """Of numbers, of a number and a table, or of tables."""
    if isinstance(a, dict) and isinstance(b, dict):
        return times(a, b)
    if isinstance(a, dict) or isinstance(b, dict):
        number, table = (a, b) if isinstance(a, dict) else (b, a)
        return [[times(number, x) for x in row] for row in table]
    return [[total(times(row[k], b[k][j]) for k in range(len(b))) for j in range(len(b[0]))] for row in a]


def summed(a: Any, b: Any) -> Any:
    return plus(a, b) if isinstance(a, dict) else [list(map(plus, r, s)) for r, s in zip(a, b, strict=True)]


def unit(n: int) -> Any:
    return [[plain(int(i == j)) for j in range(n)] for i in range(n)]


def folded(items: list[Any], operation: Callable[[Any, Any], Any]) -> Any:
    out = items[0]
    for x in items[1:]:
        out = operation(out, x)
    return out


@dataclass
class Naive:
    sizes: dict[str, int]
    env: dict[str, Any]

    def size(self, d: Any) -> int:
        return self.sizes[d.name] if isinstance(d, Symbol) else int(d)

    def of(self, e: Any) -> Any:
        if isinstance(e, sympy.Rational):
            return plain(Fraction(int(e.p), int(e.q)))
        if isinstance(e, sympy.ImmutableDenseMatrix):
            return [[plain(Fraction(int(x.p), int(x.q))) for x in e.row(i)] for i in range(e.shape[0])]
        if isinstance(e, MatrixSymbol | Symbol):
            return self.env[e.name]
        return getattr(self, "of_" + type(e).__name__)(*e.args)

    def of_Add(self, *xs: Any) -> Any:
        return folded([self.of(x) for x in xs], summed)

    def of_Mul(self, *xs: Any) -> Any:
        return folded([self.of(x) for x in xs], product)

    of_MatAdd, of_MatMul = of_Add, of_Mul

    def of_Pow(self, x: Any, k: Any) -> Any:
        value = self.of(x)
        start = plain(1) if isinstance(value, dict) else unit(len(value))
        return folded([start] + [value] * int(k), product)

    of_MatPow = of_Pow

    def of_Transpose(self, x: Any) -> Any:
        return [list(row) for row in zip(*self.of(x), strict=True)]

    def of_Trace(self, x: Any) -> Any:
        return total(row[i] for i, row in enumerate(self.of(x)))

    def of_Identity(self, n: Any) -> Any:
        return unit(self.size(n))

    def of_ZeroMatrix(self, m: Any, n: Any) -> Any:
        return [[plain(0)] * self.size(n) for _ in range(self.size(m))]

    def of_MatrixElement(self, x: Any, i: Any, j: Any) -> Any:
        return self.of(x)[int(i)][int(j)]

    def of_Determinant(self, x: Any) -> Any:
        table = self.of(x)
        if len(table) == 1:
            return table[0][0]
        minors = [Naive({}, {"m": [r[:j] + r[j + 1 :] for r in table[1:]]}) for j in range(len(table))]
        symbol = MatrixSymbol("m", len(table) - 1, len(table) - 1)
        return total(times(times(plain((-1) ** j), table[0][j]), m.of_Determinant(symbol)) for j, m in enumerate(minors))

    def of_DiagonalPart(self, x: Any) -> Any:
        return [[y if i == j else plain(0) for j, y in enumerate(row)] for i, row in enumerate(self.of(x))]

    def of_Congruence(self, m: Any, x: Any) -> Any:
        return product(product(self.of_Transpose(x), self.of(m)), self.of(x))

    def of_Square(self, x: Any) -> Any:
        return total(times(y, y) for row in self.of(x) for y in row)

    def of_PartialDerivative(self, f: Any, by: Any) -> Any:
        tag = frozenset([next(TAGS)])
        return self.slope(f, by, plus(self.env[by.name], {tag: Fraction(1)}), tag)

    def of_Gradient(self, f: Any, by: Any) -> Any:
        table = self.env[by.name]
        return [[self.entry(f, by, i, j) for j in range(len(table[0]))] for i in range(len(table))]

    def entry(self, f: Any, by: Any, i: int, j: int) -> Number:
        tag, table = frozenset([next(TAGS)]), [list(row) for row in self.env[by.name]]
        table[i][j] = plus(table[i][j], {tag: Fraction(1)})
        return self.slope(f, by, table, tag)

    def slope(self, f: Any, by: Any, moved: Any, tag: frozenset[int]) -> Number:
        value = Naive(self.sizes, {**self.env, by.name: moved}).of(f)
        return {k - tag: c for k, c in value.items() if k & tag} or plain(0)

    def value(self, e: Any) -> Any:
        """Fractions."""
        x, real = self.of(e), lambda y: y.get(frozenset(), Fraction(0))
        return real(x) if isinstance(x, dict) else [[real(y) for y in row] for row in x]


def test_the_naive_evaluator_differentiates_twice():
    x = Symbol("x")
    twice = PartialDerivative(PartialDerivative(x**4, x), x)
    assert Naive({}, {"x": plain(3)}).value(twice) == 4 * 3 * 9


# -- random expressions -------------------------------------------------------------------------------------------------

SCALARS = (Symbol("a"), Symbol("b"))


class Maker:
    """Random expressions: with `places` at given sizes, else at symbolic ones, with only what makes sense at every size."""

    def __init__(self, seed: str, places: bool) -> None:
        self.random, self.places = random.Random(seed), places
        self.sizes = {"m": self.random.choice((1, 2, 2, 3)), "n": self.random.choice((1, 2, 2, 4))}
        m, n = (sympy.Integer(self.sizes[d]) if places else Symbol(d) for d in "mn")
        self.dims = (m, n, sympy.Integer(1))
        pairs = [(f"{i}{j}", p, q) for i, p in enumerate(self.dims) for j, q in enumerate(self.dims)]
        self.matrices = tuple(MatrixSymbol("X" + name, p, q) for name, p, q in pairs)
        self.squares = (SymmetricSymbol("S", m), SymmetricSymbol("R", n))
        self.variables = (*SCALARS, *self.matrices, *self.squares)

    def size(self, d: Any) -> int:
        return self.sizes[d.name] if isinstance(d, Symbol) else int(d)

    def number(self) -> Any:
        return Rational(self.random.choice((-2, -1, 1, 2, 3)), self.random.choice((1, 1, 2, 3)))

    def matrix(self, p: Any, q: Any, depth: int) -> Any:
        if depth <= 0:
            leaves = [x for x in (*self.matrices, *self.squares, *(x.T for x in self.matrices)) if x.shape == (p, q)]
            return self.random.choice(leaves)
        return getattr(self, self.random.choice(self.matrix_kinds(p, q)))(p, q, depth - 1)

    def matrix_kinds(self, p: Any, q: Any) -> list[str]:
        square = ["identity", "diagonal", "matrix_power", "congruence"] if p == q else ["zeros"]
        return ["total", "product", "product", "transpose", "scaled", "slope", "slope", *square, *["table"] * self.places]

    def total(self, p: Any, q: Any, depth: int) -> Any:
        return self.matrix(p, q, depth) + self.number() * self.matrix(p, q, depth)

    def product(self, p: Any, q: Any, depth: int) -> Any:
        between = [self.random.choice(self.dims) for _ in range(self.random.randint(1, 2))]
        ends = [p, *between, q]
        return MatMul(*(self.matrix(a, b, depth - 1) for a, b in pairwise(ends)))

    def transpose(self, p: Any, q: Any, depth: int) -> Any:
        return Transpose(self.matrix(q, p, depth))

    def scaled(self, p: Any, q: Any, depth: int) -> Any:
        return MatMul(self.scalar(depth - 1), self.matrix(p, q, depth))

    def identity(self, p: Any, q: Any, depth: int) -> Any:
        return sympy.Identity(p) + self.number() * self.matrix(p, q, depth)

    def zeros(self, p: Any, q: Any, depth: int) -> Any:
        return sympy.ZeroMatrix(p, q) + self.matrix(p, q, depth)

    def diagonal(self, p: Any, q: Any, depth: int) -> Any:
        return DiagonalPart(self.matrix(p, q, depth))

    def matrix_power(self, p: Any, q: Any, depth: int) -> Any:
        return self.matrix(p, q, depth - 1) ** self.random.randint(2, 3)

    def congruence(self, p: Any, q: Any, depth: int) -> Any:
        r = self.random.choice(self.dims)
        return Congruence(self.matrix(r, r, depth - 1), self.matrix(r, p, depth - 1))

    def slope(self, p: Any, q: Any, depth: int) -> Any:
        """The gradient of something in which the variable occurs."""
        by = next(x for x in self.matrices if x.shape == (p, q))
        r, s = self.random.choice(self.dims), self.random.choice(self.dims)
        inside = MatMul(self.matrix(r, p, depth - 1), by, self.matrix(q, s, depth - 1))
        f = self.random.choice(
            [Square(inside), Trace(MatMul(self.matrix(s, r, depth - 1), inside)), self.through(inside, r, s)]
        )
        return Gradient(self.random.choice([f, f**2, f * self.scalar(depth), f + self.scalar(depth + 1)]), by)

    def through(self, inside: Any, r: Any, s: Any) -> Any:
        """A scalar that sees the matrix through a diagonal part, a transpose or an entry."""
        gram = MatMul(inside, self.matrix(r, s, 0).T)
        place = [MatrixElement(inside, self.random.randrange(self.size(r)), self.random.randrange(self.size(s)))] * self.places
        other = self.matrix(r, r, 0)
        return self.random.choice([Trace(MatMul(DiagonalPart(gram), other)), Trace(MatMul(Transpose(gram), other)), *place])

    def table(self, p: Any, q: Any, depth: int) -> Any:
        rows, cols = self.size(p), self.size(q)
        constant = sympy.ImmutableDenseMatrix(rows, cols, lambda i, j: self.number())
        return MatAdd(self.matrix(p, q, depth), constant)

    def scalar(self, depth: int) -> Any:
        if depth <= 0:
            return self.random.choice(SCALARS)
        kinds = ["trace", "trace", "trace", "added", "times", "power", "partial", "square"]
        return getattr(self, self.random.choice(kinds + ["entry", "determinant"] * self.places))(depth - 1)

    def trace(self, depth: int) -> Any:
        p = self.random.choice(self.dims)
        return Trace(self.product(p, p, depth))

    def added(self, depth: int) -> Any:
        return self.scalar(depth) + self.number() * self.scalar(depth - 1) + self.number()

    def times(self, depth: int) -> Any:
        return self.number() * self.scalar(depth) * self.scalar(depth - 1)

    def power(self, depth: int) -> Any:
        return self.scalar(depth - 1) ** self.random.randint(2, 3)

    def partial(self, depth: int) -> Any:
        return PartialDerivative(self.scalar(depth), self.random.choice(SCALARS))

    def square(self, depth: int) -> Any:
        return Square(self.matrix(self.random.choice(self.dims), self.random.choice(self.dims), depth))

    def entry(self, depth: int) -> Any:
        p, q = self.random.choice(self.dims), self.random.choice(self.dims)
        i, j = (self.random.randrange(self.size(d)) for d in (p, q))
        return MatrixElement(self.matrix(p, q, depth), i, j)

    def determinant(self, depth: int) -> Any:
        p = self.random.choice([d for d in self.dims if self.size(d) < 4])
        return Determinant(self.matrix(p, p, min(depth, 1)))

    def point(self) -> dict[str, Any]:
        """Dyadic numbers, so that floats hold the same point."""
        draw = lambda: Fraction(self.random.randint(-4, 4), self.random.choice((1, 1, 2)))  # noqa: E731
        values: dict[str, Any] = {x.name: draw() for x in SCALARS}
        for x in (*self.matrices, *self.squares):
            rows, cols = map(self.size, x.shape)
            values[x.name] = [[draw() for _ in range(cols)] for _ in range(rows)]
        for x in self.squares:
            table = values[x.name]
            values[x.name] = [[table[min(i, j)][max(i, j)] for j in range(len(table))] for i in range(len(table))]
        return values


# -- the algebras -------------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One expression, its sizes, a point, and what the naive evaluator says there."""

    expression: Any
    maker: Maker
    point: dict[str, Any]
    expected: Any


def case(seed: str, places: bool) -> Case:
    maker = Maker(seed, places)
    p, q = (maker.random.choice(maker.dims) for _ in range(2))
    expression = maker.matrix(p, q, 3) if maker.random.random() < 0.7 else maker.scalar(4)
    point = maker.point()
    lifted = {k: [[plain(x) for x in row] for row in v] if isinstance(v, list) else plain(v) for k, v in point.items()}
    return Case(expression, maker, point, Naive(maker.sizes, lifted).value(expression))


def table(x: Any) -> Any:
    """An exact value as fractions."""
    if isinstance(x, fmpq_mat):
        return [[Fraction(str(y)) for y in row] for row in x.table()]
    return [[Fraction(str(y)) for y in row] for row in x] if isinstance(x, list) else Fraction(str(x))


def exact(point: dict[str, Any]) -> dict[str, Any]:
    return {k: rational.matrix(v) if isinstance(v, list) else rational.rational(v) for k, v in point.items()}


def in_rational(c: Case) -> bool:
    node = expressions.lower(c.expression, c.maker.sizes)
    return bool(table(evaluate([node], rational.Rational(), exact(c.point))[0]) == c.expected)


def in_polynomial(c: Case) -> bool:
    """As a polynomial in some of the variables, the others at their values; then evaluated at theirs too."""
    node = expressions.lower(c.expression, c.maker.sizes)
    used = dag.variables([dag.resolved(node)])
    few = [v for v in used if len(polynomial.places(v)) <= 3]
    algebra = polynomial.Polynomial.of(random.Random(str(c.expression)).sample(few, min(1, len(few))))
    held = {str(v.data[0]) for v in used} - {p[0] for p in algebra.places}
    env = {k: algebra.const(v) if isinstance(v, list) else algebra.num(v) for k, v in c.point.items() if k in held}
    place = [c.point[p[0]] if len(p) == 1 else c.point[p[0]][p[1]][p[2]] for p in algebra.places] or [Fraction(0)]
    at = lambda f: f(*map(rational.rational, place))  # noqa: E731
    value = evaluate([node], algebra, env)[0]
    return bool(table([[at(f) for f in row] for row in value] if isinstance(value, list) else at(value)) == c.expected)


def in_balls(c: Case) -> bool:
    node = expressions.lower(c.expression, c.maker.sizes)
    (value,) = balls.enclose([node], c.point, 128)
    entries = value.entries() if isinstance(c.expected, list) else [value]
    numbers = [x for row in c.expected for x in row] if isinstance(c.expected, list) else [c.expected]
    with balls.precision(512):
        inside = all(x.contains(rational.rational(f)) for x, f in zip(entries, numbers, strict=True))
    return inside and all(x.rad() <= 1e-20 * (1 + abs(f)) for x, f in zip(entries, numbers, strict=True))


def in_arrays(c: Case, small: int) -> bool:
    """At the point and at a scaled copy of it, in the layout for small or for large matrices, with RMS magnitudes."""
    node = expressions.lower(c.expression, c.maker.sizes)
    env = {k: np.array([v, v], dtype=float) for k, v in c.point.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "SMALL", small)
        run = kernels.Kernel((node,), backend())
        (values,), (scales,) = run(env), run.magnitudes(env)
    off = np.abs(values - np.array(c.expected, dtype=float))
    return bool(np.all(off <= 1e5 * 2.0**-53 * scales))


def in_free(c: Case) -> bool:
    node = expressions.lower(c.expression)
    value = evaluate([node], free.Free.of([expressions.lower(v) for v in c.maker.variables]))[0]
    return bool(Words(c).at(value, node.shape) == c.expected)


class Words:
    """The value of a normal form of the free algebra at a point: sums of products of traces and words."""

    def __init__(self, c: Case) -> None:
        self.case, self.naive = c, Naive(c.maker.sizes, {})
        self.env = {k: [[plain(x) for x in r] for r in v] if isinstance(v, list) else plain(v) for k, v in c.point.items()}

    def at(self, value: Any, shape: Any) -> Any:
        rows, cols = ([self.case.maker.sizes.get(str(d), 1) for d in shape]) if shape else (1, 1)
        out = [[plain(0)] * cols for _ in range(rows)]
        for (monomial, word), c in value.items():
            scalar = folded([plain(c), *map(self.atom, monomial)], times)
            out = summed(out, product(scalar, unit(rows) if word is None else self.word(word, rows)))
        numbers = [[x.get(frozenset(), Fraction(0)) for x in row] for row in out]
        return numbers if shape else numbers[0][0]

    def word(self, word: Any, rows: int) -> Any:
        return folded([unit(rows), *map(self.letter, word)], product)

    def letter(self, letter: Any) -> Any:
        if letter[0] == "":
            inner = folded([*map(self.letter, letter[1])], product)
            return [[x if i == j else plain(0) for j, x in enumerate(row)] for i, row in enumerate(inner)]
        matrix = self.env[letter[0]]
        return [list(row) for row in zip(*matrix, strict=True)] if letter[1] else matrix

    def atom(self, atom: Any) -> Number:
        if atom[0] == " dim":
            return plain(self.case.maker.sizes[atom[1]])
        if atom[0] == "":
            return total(row[i] for i, row in enumerate(folded([*map(self.letter, atom[1])], product)))
        return self.env[atom[0]]


ALGEBRAS: dict[str, Callable[[Case], bool]] = {
    "rational": in_rational,
    "polynomial": in_polynomial,
    "balls": in_balls,
    "arrays, batch first": lambda c: in_arrays(c, small=0),
    "arrays, batch last": lambda c: in_arrays(c, small=9),
    "free": in_free,
}
COUNT = 200


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [case(f"{places} {i}", places) for i in range(COUNT) for places in (False, True)]


@pytest.mark.parametrize("name", ALGEBRAS)
def test_the_algebra_agrees_with_the_naive_evaluator(cases, name):
    told = [c for c in cases if not (name == "free" and c.maker.places)]
    wrong = [c.expression for c in told if not ALGEBRAS[name](c)]
    assert not wrong


def test_the_expressions_have_every_word_and_nested_gradients(cases):
    words = {type(x).__name__ for c in cases for x in sympy.preorder_traversal(c.expression)}
    assert words >= {"MatMul", "Transpose", "Trace", "MatPow", "Pow", "DiagonalPart", "MatrixElement", "Determinant"}
    assert words >= {"Gradient", "PartialDerivative", "Congruence", "Square", "Identity", "SymmetricSymbol"}
    assert "ImmutableDenseMatrix" in words
    outer = [g for c in cases for g in c.expression.atoms(Gradient, PartialDerivative)]
    inner = [g for g in outer if g.args[0].atoms(Gradient, PartialDerivative)]
    assert len(inner) > 10
    assert sum(bool(np.any(np.array(c.expected, dtype=float))) for c in cases) > 0.5 * len(cases)


# -- planted bugs -------------------------------------------------------------------------------------------------------

Bug = Callable[[pytest.MonkeyPatch], None]
BUGS: dict[str, tuple[str, Bug]] = {}


def planted(algebra: str) -> Callable[[Bug], Bug]:
    """Registers a bug that the named algebra must show."""

    def register(bug: Bug) -> Bug:
        BUGS[bug.__name__] = (algebra, bug)
        return bug

    return register


def square(x: Any) -> bool:
    return len(x.shape) == 2 and x.shape[0] == x.shape[1]


@planted("rational")
def a_square_transpose_is_dropped(patch):
    right = dag.T
    patch.setattr(dag, "T", lambda x: x if square(x) and x.op == "var" else right(x))


@planted("rational")
def the_transpose_of_a_product_keeps_its_order(patch):
    right = dag.T
    patch.setattr(dag, "T", lambda x: dag.mul(*map(right, x.args)) if x.op == "mul" and all(map(square, x.args)) else right(x))


@planted("rational")
def a_coefficient_is_one_too_large(patch):
    right = dag.lin
    patch.setattr(dag, "lin", lambda *parts: right(*((c + (abs(c) > 1), x) for c, x in parts)))


@planted("rational")
def equal_summands_are_counted_once(patch):
    right = dag.lin
    patch.setattr(dag, "lin", lambda *parts: right(*{x: (c, x) for c, x in parts}.values()))


@planted("rational")
def a_product_is_reversed(patch):
    right = dag.mul
    patch.setattr(dag, "mul", lambda *xs: right(*(reversed(xs) if all(map(square, xs)) else xs)))


@planted("rational")
def a_long_product_is_zero(patch):
    right = dag.mul
    patch.setattr(dag, "mul", lambda *xs: dag.zero(right(*xs).shape) if len(xs) > 3 else right(*xs))


@planted("rational")
def a_scalar_factor_is_lost(patch):
    right = dag._product
    patch.setattr(dag, "_product", lambda scalars, matrices, shape: right(scalars[: 9 - 8 * bool(matrices)], matrices, shape))


@planted("rational")
def exponents_do_not_add(patch):
    patch.setattr(dag, "_powers", lambda scalars: iter(dict.fromkeys(scalars)))


@planted("rational")
def a_power_is_one_too_low(patch):
    right = dag.power
    patch.setattr(dag, "power", lambda x, k: right(x, k - 1 if k > 1 and not x.shape else k))


@planted("rational")
def the_trace_of_the_last_factor(patch):
    right = dag.tr
    patch.setattr(dag, "tr", lambda x: right(x.args[-1] if x.op == "mul" and square(x.args[-1]) else x))


@planted("rational")
def the_diagonal_part_is_dropped(patch):
    patch.setattr(dag, "diag", lambda x: x)


@planted("rational")
def an_entry_is_taken_from_the_transpose(patch):
    right = dag.entry
    patch.setattr(dag, "entry", lambda x, i, j: right(x, j, i) if square(x) else right(x, i, j))


@planted("rational")
def every_square_variable_is_symmetric(patch):
    right = dag.var
    same = lambda shape: shape[:1] == shape[1:] != ()  # noqa: E731
    patch.setattr(dag, "var", lambda name, shape=(), symmetric=False: right(name, shape, symmetric=same(shape)))


@planted("rational")
def the_determinant_has_no_signs(patch):
    def permanent(s: Any, e: Any) -> Any:
        node, n = s.node(e.args[0]), int(s.node(e.args[0]).shape[0])
        rows = permutations(range(n))
        return dag.add(*(dag.mul(*(dag.entry(node, i, j) for i, j in enumerate(p))) for p in rows))

    patch.setitem(expressions._RULES, Determinant, permanent)


@planted("rational")
def the_adjoint_of_a_factor_is_transposed(patch):
    right = dag._factor_adjoints
    turned = lambda x, g: ((y, dag.T(h) if square(h) else h) for y, h in right(x, g))  # noqa: E731
    patch.setattr(dag, "_factor_adjoints", turned)


@planted("rational")
def only_the_first_factor_is_differentiated(patch):
    right = dag._factor_adjoints
    patch.setattr(dag, "_factor_adjoints", lambda x, g: iter(list(right(x, g))[:1]))


@planted("rational")
def a_gradient_forgets_scalar_factors(patch):
    right = dag._factor_adjoints
    bare = lambda x, g: right(dag._product([], [y for y in x.args if y.shape], x.shape) if x.shape else x, g)  # noqa: E731
    patch.setattr(dag, "_factor_adjoints", bare)


def adjoint(patch: pytest.MonkeyPatch, op: str, wrong: Callable[[Any, Any], Any]) -> None:
    right = dag._adjoints
    patch.setattr(dag, "_adjoints", lambda x, g: iter([(x.args[0], wrong(x, g))]) if x.op == op else right(x, g))


@planted("rational")
def the_adjoint_of_a_transpose_is_not_turned(patch):
    adjoint(patch, "T", lambda x, g: g if square(g) else dag.T(g))


@planted("rational")
def the_adjoint_of_a_power_lacks_its_exponent(patch):
    adjoint(patch, "pow", lambda x, g: dag.mul(g, dag.power(x.args[0], x.data[0] - 1)))


@planted("rational")
def the_adjoint_of_a_diagonal_part_is_full(patch):
    adjoint(patch, "diag", lambda x, g: g)


@planted("rational")
def the_adjoint_of_an_entry_sits_elsewhere(patch):
    corner = lambda x: dag.const([[int(i == j == 0) for j in range(x.shape[1])] for i in range(x.shape[0])])  # noqa: E731
    adjoint(patch, "entry", lambda x, g: dag.mul(g, corner(x.args[0])))


@planted("rational")
def a_sum_is_differentiated_without_coefficients(patch):
    right = dag._adjoints
    patch.setattr(dag, "_adjoints", lambda x, g: ((y, g) for y in x.args) if x.op == "lin" else right(x, g))


@planted("polynomial")
def a_symmetric_variable_has_free_entries(patch):
    right = polynomial.Polynomial.variable
    patch.setattr(polynomial.Polynomial, "variable", lambda self, name, shape, symmetric: right(self, name, shape, False))


@planted("free")
def the_free_algebra_drops_transposes(patch):
    patch.setattr(free.Free, "T", lambda self, x: x)


@planted("balls")
def the_balls_are_floats(patch):
    patch.setattr(balls.Balls, "num", lambda self, c: balls.arb(float(c)))


@planted("arrays, batch first")
def a_bracket_forgets_its_coefficient(patch):
    right = arrays.Tape._bracketed
    bare = lambda self, group: [(Fraction(1), *x[1:]) for x in right(self, group)] if len(group) > 1 else group  # noqa: E731
    patch.setattr(arrays.Tape, "_bracketed", bare)


@planted("arrays, batch first")
def a_known_product_is_not_turned(patch):
    patch.setattr(arrays.Tape, "_mirrored", lambda self, names: tuple(reversed(names)))


@planted("arrays, batch last")
def the_small_layout_does_not_transpose(patch):
    wrong = code.Layout(**{**vars(code.BATCH_LAST), "flipped": "{}.swapaxes(0, 0)"})
    patch.setattr(kernels, "BATCH_LAST", wrong)


@pytest.fixture
def fresh():
    """What remembers results forgets them before and after a planted bug."""
    dag.resolved.cache_clear()
    yield
    dag.resolved.cache_clear()


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(cases, bug, monkeypatch, fresh):
    algebra, plant = BUGS[bug]
    plant(monkeypatch)
    seen = []
    for c in cases:
        if algebra == "free" and c.maker.places:
            continue
        try:
            seen += [] if ALGEBRAS[algebra](c) else [c.expression]
        except (ArithmeticError, LookupError, TypeError, ValueError):
            seen.append(c.expression)
        if seen:
            break
    assert seen
