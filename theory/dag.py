r"""The expression DAG: hash-consed terms with checked shapes, and gradients by reverse mode.

A `Node` is a scalar (shape `()`) or a matrix (shape `(rows, cols)`, each an `int` or the name of a symbolic dimension). Equal
terms are the same object, so shared subterms (the product of a network, its gradients) exist once. Transposes are pushed to the
leaves, linear combinations are n-ary with rational coefficients, products are n-ary with their scalars in front.

>>> W, v = var("W", ("d1", "d0")), var("v", ("d0", 1))
>>> f = tr(mul(T(v), T(W), W, v))
>>> gradient(f, W) is lin((2, mul(W, v, T(v))))
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import prod
from typing import Any
from weakref import WeakValueDictionary

from theory.errors import DeeplinError

Dim = int | str
Shape = tuple[Dim, ...]
SCALAR: Shape = ()


class ShapeError(DeeplinError, ValueError):
    """Terms whose shapes do not fit."""


class Node:
    """One term: an operation, its arguments (terms), its data (names, numbers) and its shape. Made by the functions below.

    `mark` is a digest of the structure: commutative operations order their arguments by it, in the same way in every process.
    """

    __slots__ = ("__weakref__", "args", "data", "mark", "op", "shape")
    op: str
    args: tuple[Node, ...]
    data: tuple[Any, ...]
    shape: Shape
    mark: bytes

    def __repr__(self) -> str:
        inner = ", ".join([*map(str, self.data), *map(repr, self.args)])
        return str(self.data[0]) if self.op in ("var", "num") else f"{self.op}({inner})"

    def __reduce__(self) -> tuple[object, ...]:
        return _make, (self.op, self.args, self.data, self.shape)


_TABLE: WeakValueDictionary[tuple[object, ...], Node] = WeakValueDictionary()


def _make(op: str, args: tuple[Node, ...], data: tuple[Any, ...], shape: Shape) -> Node:
    key = (op, args, data, shape)
    node = _TABLE.get(key)
    if node is None:
        node = Node()
        node.op, node.args, node.data, node.shape = key
        text = f"{op} {data} {shape} {[x.mark for x in args]}"
        node.mark = blake2b(text.encode(), digest_size=12).digest()
        _TABLE[key] = node
    return node


def _mark(x: Node) -> bytes:
    return x.mark


def _require(fits: bool, why: str) -> None:
    if not fits:
        raise ShapeError(why)


def var(name: str, shape: Shape = SCALAR, *, symmetric: bool = False) -> Node:
    """A variable; `symmetric` says that it equals its transpose."""
    _require(not symmetric or shape[:1] == shape[1:], f"{name}: a symmetric variable must be square, got shape {shape}")
    return _make("var", (), (name, symmetric), shape)


def num(value: int | Fraction) -> Node:
    return _make("num", (), (Fraction(value),), SCALAR)


def eye(n: Dim) -> Node:
    return _make("eye", (), (), (n, n))


def zero(shape: Shape) -> Node:
    return _make("zero", (), (), shape) if shape else num(0)


def const(rows: Sequence[Sequence[int | Fraction]]) -> Node:
    """A matrix of given rationals."""
    table = tuple(tuple(Fraction(x) for x in row) for row in rows)
    _require(bool(table) and len({len(r) for r in table}) == 1 and bool(table[0]), "a constant matrix must be a table")
    return _make("const", (), (table,), (len(table), len(table[0])))


def known(x: Node) -> Node:
    """x, cited as the left-hand side of a known fact, from which it takes its sign; only evidence cites facts."""
    return _make("known", (x,), (), x.shape)


def lin(*parts: tuple[int | Fraction, Node]) -> Node:
    """The linear combination sum c_i x_i of terms of one shape."""
    shapes = {x.shape for _, x in parts}
    _require(len(shapes) == 1, f"summands differ in shape: {sorted(map(str, shapes))}")
    total: dict[Node, Fraction] = {}
    for c, x in _flattened(parts):
        total[x] = total.get(x, Fraction(0)) + c
    kept = [(total[x], x) for x in sorted(total, key=_mark) if total[x]]
    if not kept:
        return zero(shapes.pop())
    if len(kept) == 1 and kept[0][0] == 1:
        return kept[0][1]
    if all(x.op == "num" for _, x in kept):
        return num(sum(c * _value(x) for c, x in kept))
    return _make("lin", tuple(x for _, x in kept), tuple(c for c, _ in kept), shapes.pop())


def _flattened(parts: Iterable[tuple[int | Fraction, Node]]) -> Iterator[tuple[Fraction, Node]]:
    for c, x in parts:
        if x.op == "lin":
            yield from ((Fraction(c) * d, y) for d, y in coefficients(x))
        elif x.op == "num":
            yield Fraction(c) * _value(x), num(1)
        elif x.op != "zero":
            yield Fraction(c), x


def coefficients(x: Node) -> Iterator[tuple[Fraction, Node]]:
    """The (coefficient, term) pairs of a linear combination."""
    return zip(x.data, x.args, strict=True)


def _value(x: Node) -> Fraction:
    return Fraction(x.data[0])


def add(*terms: Node) -> Node:
    return lin(*((1, x) for x in terms))


def sub(x: Node, y: Node) -> Node:
    return lin((1, x), (-1, y))


def mul(*factors: Node) -> Node:
    """The product in order; scalars may stand anywhere and scale it."""
    flat = [y for x in factors for y in _factors(x)]
    scalars = [x for x in flat if not x.shape]
    matrices = [x for x in flat if x.shape]
    for a, b in pairwise(matrices):
        _require(a.shape[1] == b.shape[0], f"factors do not fit: {a.shape} times {b.shape}")
    shape = (matrices[0].shape[0], matrices[-1].shape[1]) if matrices else SCALAR
    return _product(scalars, matrices, shape)


def _product(scalars: list[Node], matrices: list[Node], shape: Shape) -> Node:
    c = prod((_value(x) for x in scalars if x.op == "num"), start=Fraction(1))
    if not c or any(x.op == "zero" for x in matrices):
        return zero(shape)
    matrices = [x for x in matrices if x.op != "eye"] or matrices[:1]
    factors = tuple(sorted(_powers([x for x in scalars if x.op != "num"]), key=_mark)) + tuple(matrices)
    core = num(1) if not factors else factors[0] if len(factors) == 1 else _make("mul", factors, (), shape)
    return core if c == 1 else lin((c, core))


def _multiple(x: Node) -> bool:
    """Whether the term is a number times one other term."""
    return x.op == "lin" and len(x.args) == 1


def _factors(x: Node) -> Iterator[Node]:
    """The factors of a product, the number in front of a term among them."""
    if _multiple(x):
        yield num(x.data[0])
    core = x.args[0] if _multiple(x) else x
    yield from core.args if core.op == "mul" else (core,)


def _powers(scalars: list[Node]) -> Iterator[Node]:
    """Equal scalar factors collected into powers."""
    exponents: dict[Node, int] = {}
    for x in scalars:
        base, k = (x.args[0], x.data[0]) if x.op == "pow" else (x, 1)
        exponents[base] = exponents.get(base, 0) + k
    return (x if k == 1 else _make("pow", (x,), (k,), SCALAR) for x, k in exponents.items())


def power(x: Node, k: int) -> Node:
    """x^k for a scalar or a square matrix and an integer k >= 0."""
    _require(k >= 0 and x.shape[:1] == x.shape[1:], f"a power needs a scalar or a square matrix, got shape {x.shape}")
    if x.shape:
        return mul(*[x] * k) if k else eye(x.shape[0])
    if x.op == "num" or k == 0:
        return num(_value(x) ** k if k else 1)
    if _multiple(x):
        return lin((x.data[0] ** k, power(x.args[0], k)))
    base, exponent = (x.args[0], k * x.data[0]) if x.op == "pow" else (x, k)
    return base if exponent == 1 else _make("pow", (base,), (exponent,), SCALAR)


def T(x: Node) -> Node:
    """The transpose, pushed to the leaves."""
    if not x.shape or x.op in ("eye", "diag") or (x.op == "var" and x.data[1]):
        return x
    if x.op == "T":
        return x.args[0]
    if x.op == "lin":
        return lin(*((c, T(y)) for c, y in coefficients(x)))
    if x.op == "mul":
        return mul(*(T(y) for y in reversed(x.args)))
    shape = (x.shape[1], x.shape[0])
    if x.op == "const":
        return const(list(zip(*x.data[0], strict=True)))
    return zero(shape) if x.op == "zero" else _make("T", (x,), (), shape)


def tr(x: Node) -> Node:
    _require(len(x.shape) == 2 and x.shape[0] == x.shape[1], f"a trace needs a square matrix, got shape {x.shape}")
    return num(0) if x.op == "zero" else _make("tr", (x,), (), SCALAR)


def diag(x: Node) -> Node:
    """The diagonal part of a square matrix, as a diagonal matrix."""
    _require(len(x.shape) == 2 and x.shape[0] == x.shape[1], f"a diagonal part needs a square matrix, got shape {x.shape}")
    return x if x.op in ("diag", "eye", "zero") else _make("diag", (x,), (), x.shape)


def entry(x: Node, i: int, j: int) -> Node:
    """The entry in row i and column j, counted from 0."""
    _require(len(x.shape) == 2, f"an entry needs a matrix, got shape {x.shape}")
    for k, n in zip((i, j), x.shape, strict=True):
        _require(isinstance(n, int) and 0 <= k < n, f"entry ({i}, {j}) of a matrix of shape {x.shape}")
    return _make("entry", (x,), (i, j), SCALAR)


def conj(m: Node, x: Node) -> Node:
    """x^T m x (for a scalar m: m x^T x, or m x^2): kept as one term because its sign is that of m."""
    _require(not m.shape or (bool(x.shape) and m.shape == (x.shape[0], x.shape[0])), f"x^T m x: {m.shape} and {x.shape}")
    return _make("conj", (m, x), (), (x.shape[1], x.shape[1]) if x.shape else SCALAR)


def square(x: Node) -> Node:
    """|x|_F^2, of a scalar x^2, as a term that is visibly nonnegative."""
    return power(x, 2) if not x.shape else tr(conj(num(1), x))


def grad(f: Node, by: Node) -> Node:
    """The gradient of a scalar by a variable, as a term: algebras see `gradient(f, by)`, the kernel differentiates itself."""
    _require(f.shape == SCALAR and by.op == "var" and not by.data[1], "a gradient is of a scalar, by a variable, not symmetric")
    return _make("grad", (f, by), (), by.shape)


def expect(x: Node, noise: Node, moments: Sequence[Node]) -> Node:
    """The mean of x over independent entries of the variable `noise` with the given moments of orders 0, 1, 2, ..."""
    _require(noise.op == "var" and not any(m.shape for m in moments), "a mean is over a variable, with scalar moments")
    return _make("expect", (x, noise, *moments), (), x.shape)


def topological(roots: Iterable[Node]) -> list[Node]:
    """All terms below the roots, arguments before the terms that use them."""
    seen: dict[Node, None] = {}
    stack = [(x, False) for x in roots]
    while stack:
        x, done = stack.pop()
        if done:
            seen[x] = None
        elif x not in seen:
            stack.append((x, True))
            stack.extend((y, False) for y in x.args if y not in seen)
    return list(seen)


def variables(roots: Iterable[Node]) -> list[Node]:
    return [x for x in topological(roots) if x.op == "var"]


def rebuilt(x: Node, args: Sequence[Node]) -> Node:
    """The same operation on other arguments, through the checking constructors."""
    makers: dict[str, Any] = {"mul": mul, "T": T, "tr": tr, "diag": diag, "conj": conj, "grad": grad, "known": known}
    if x.op == "lin":
        return lin(*zip(x.data, args, strict=True))
    if x.op == "pow":
        return power(args[0], x.data[0])
    if x.op == "entry":
        return entry(args[0], *x.data)
    if x.op == "expect":
        return expect(args[0], args[1], args[2:])
    return makers[x.op](*args) if x.op in makers else x


def substitute(roots: Sequence[Node], change: dict[Node, Node]) -> list[Node]:
    """The roots with some terms replaced (all at once)."""
    new: dict[Node, Node] = {}
    for x in topological(roots):
        new[x] = change[x] if x in change else rebuilt(x, [new[y] for y in x.args])
    return [new[x] for x in roots]


@lru_cache(maxsize=4096)
def resolved(x: Node) -> Node:
    """The term with every `grad` replaced by the reverse-mode gradient, `conj` written out and `known` forgotten."""
    new: dict[Node, Node] = {}
    for y in topological([x]):
        args = [new[z] for z in y.args]
        if y.op == "grad":
            new[y] = gradient(args[0], args[1])
        elif y.op == "conj":
            new[y] = mul(T(args[1]), args[0], args[1])
        elif y.op == "known":
            new[y] = args[0]
        else:
            new[y] = rebuilt(y, args)
    return new[x]


def gradient(f: Node, by: Node) -> Node:
    r"""The gradient of a scalar term by a variable: one sweep from the output to the leaves.

    The adjoint of a node x is \(\partial f/\partial x\), of the shape of x; the adjoint of a factor M_j of a product
    \(M_1 \cdots M_k\) with adjoint G is \((M_1\cdots M_{j-1})^T G (M_{j+1}\cdots M_k)^T\).
    """
    f = resolved(f)
    order = topological([f])
    below = _depends_on(order, by)
    parts: dict[Node, list[Node]] = {f: [num(1)]}
    for x in reversed(order):
        if x not in below or x not in parts:
            continue
        adjoint = add(*parts[x])
        if x is by:
            return adjoint
        for y, g in [_under_mean(x, by, adjoint)] if x.op == "expect" else _adjoints(x, adjoint):
            if y in below:
                parts.setdefault(y, []).append(g)
    return zero(by.shape)


def _depends_on(order: list[Node], by: Node) -> set[Node]:
    below = {by}
    for x in order:
        if any(y in below for y in x.args):
            below.add(x)
    return below


def _adjoints(x: Node, g: Node) -> Iterator[tuple[Node, Node]]:
    """What a node with adjoint g adds to the adjoint of each argument."""
    if x.op == "lin":
        yield from ((y, lin((c, g))) for c, y in coefficients(x))
    elif x.op == "mul":
        yield from _factor_adjoints(x, g)
    elif x.op == "pow":
        k = x.data[0]
        yield x.args[0], lin((k, mul(power(x.args[0], k - 1), g)))
    elif x.op == "T":
        yield x.args[0], T(g)
    elif x.op == "tr":
        yield x.args[0], mul(g, eye(x.args[0].shape[0]))
    elif x.op == "diag":
        yield x.args[0], diag(g)
    elif x.op == "entry":
        (rows, cols), place = x.args[0].shape, x.data
        yield x.args[0], mul(g, const([[int((i, j) == place) for j in range(int(cols))] for i in range(int(rows))]))


def _factor_adjoints(x: Node, g: Node) -> Iterator[tuple[Node, Node]]:
    scalars = [y for y in x.args if not y.shape]
    matrices = [y for y in x.args if y.shape]
    for i, y in enumerate(scalars):
        others = scalars[:i] + scalars[i + 1 :]
        yield y, mul(*others, tr(mul(T(g), *matrices))) if matrices else mul(*others, g)
    for i, y in enumerate(matrices):
        yield y, mul(*scalars, *(T(z) for z in reversed(matrices[:i])), g, *(T(z) for z in reversed(matrices[i + 1 :])))


def _under_mean(x: Node, by: Node, g: Node) -> tuple[Node, Node]:
    """Means and derivatives commute, unless the derivative is by the noise or the moments."""
    body, noise, *moments = x.args
    fits = x.shape == SCALAR and by is not noise and not any(by in topological([m]) for m in moments)
    _require(fits, "the gradient of a mean is by a variable that is neither its noise nor in its moments, of a scalar mean")
    return by, mul(g, expect(gradient(body, by), noise, moments))
