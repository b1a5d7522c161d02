r"""The array algebra: a DAG becomes the source of a batched kernel (compiled and run by `numerics.kernels`).

Scalars are arrays of shape (batch,), matrices (batch, rows, cols). The source is straight-line Python over an array namespace
(array-api-compat): shared subterms once, products parenthesised by their cost with known products reused, traces of products
as sums of entrywise products, dead arrays deleted. Constants are the rationals of the DAG, rounded once to the precision.

The same generator, with squared constants and fed with squared variables, propagates a squared magnitude
\(m^2\): sums \(\sum c^2 m^2\), products of \(m^2\). It is the mean square of the value if all its terms had random signs, the
scale by which a residual is judged (`numerics.margins`).

>>> from theory.algebra import evaluate
>>> from theory.dag import T, mul, tr, var
>>> W = var("W", (2, 3))
>>> source = Source("float64", squared=False)
>>> print(source.written([source.name(x) for x in evaluate([tr(mul(W, T(W)))], source)])[0], end="")
def kernel(xp, columns, a0):
    t1 = xp.sum(a0 * a0, axis=(-2, -1))
    return [t1]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, prod
from typing import Any

import numpy as np

from theory.dag import Node, Shape
from theory.errors import InvalidInput

Names = tuple[str, ...]


def rounded(c: Fraction, precision: str = "float64") -> float:
    """The number of that precision nearest to c (ties to even), infinite where it overflows.

    >>> rounded(Fraction(1, 3)) == 1 / 3, rounded(Fraction(1, 3), "float32") == float(np.float32(1 / 3))
    (True, True)
    """
    try:
        near = float(c)
    except OverflowError:
        return inf if c > 0 else -inf
    if precision == "float64" or not np.isfinite(near):
        return near
    return _rounded_twice(c, near)


def _rounded_twice(c: Fraction, near: float) -> float:
    """float32 of a float64 may land on the wrong side of a midpoint: the neighbours are compared exactly."""
    with np.errstate(over="ignore", under="ignore"):
        middle = np.float32(near)
        around = [middle, *(np.nextafter(middle, np.float32(side)) for side in (-inf, inf))]
    finite = [float(x) for x in around if np.isfinite(x)]
    return min(finite, key=lambda x: abs(Fraction(x) - c)) if np.isfinite(middle) else float(middle)


@dataclass(frozen=True)
class _Value:
    """A product not yet formed: names of scalars and of matrices. A scalar has one name and no matrices."""

    scalars: Names
    matrices: Names = ()


_Term = tuple[Fraction, Names, Names]  # a coefficient, scalars, matrices: one summand


def _grouped(terms: list[_Term], end: int) -> list[list[_Term]]:
    """Products of two or more matrices together that share their first (0) or last (-1) factor."""
    groups: dict[Any, list[_Term]] = {}
    for i, x in enumerate(terms):
        groups.setdefault(x[2][end] if len(x[2]) > 1 else i, []).append(x)
    return list(groups.values())


def _shared(products: list[Names]) -> tuple[Names, Names]:
    """The longest common beginning and end that leave each product a middle."""
    room = min(map(len, products)) - 1
    before = next((k for k in range(room) if len({x[k] for x in products}) > 1), room)
    after = next((k for k in range(room - before) if len({x[-1 - k] for x in products}) > 1), room - before)
    first = products[0]
    return first[:before], first[len(first) - after :]


@dataclass(frozen=True)
class Layout:
    """Where the batch axis is, as texts with places for names."""

    scaled: str
    flipped: str
    matmul: str
    trace: str
    total: str
    entry: str


BATCH_FIRST = Layout(
    scaled="{}[..., None, None] * {}",
    flipped="{}.mT",
    matmul="xp.matmul({}, {})",
    trace="xp.linalg.trace({})",
    total="xp.sum({} * {}, axis=(-2, -1))",
    entry="{}[..., {}, {}]",
)
# For small matrices: the entries outside, so that every operation runs over the batch. `columns` is `column_product`.
BATCH_LAST = Layout(
    scaled="{} * {}",
    flipped="{}.swapaxes(0, 1)",
    matmul="columns({}, {})",
    trace="xp.linalg.trace({}.T)",
    total="xp.sum({} * {}, axis=(0, 1))",
    entry="{}[{}, {}]",
)


def column_product(a: Any, b: Any) -> Any:
    """The matrix product of arrays (rows, cols, batch), as a sum of columns times rows."""
    out = a[:, 0, None] * b[None, 0]
    for k in range(1, a.shape[1]):
        out += a[:, k, None] * b[None, k]
    return out


class _Line:
    __slots__ = ("target", "text", "uses")

    def __init__(self, target: str, text: str, uses: Names) -> None:
        self.target, self.text, self.uses = target, text, uses


class Source:
    """An algebra whose values are names in the source that it writes. `squared`: for squared magnitudes."""

    def __init__(self, precision: str, squared: bool, layout: Layout = BATCH_FIRST) -> None:
        self.precision, self.squared, self.layout = precision, squared, layout
        self.shapes: dict[str, Shape] = {}
        self.lines: list[_Line] = []
        self.inputs: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self._texts: dict[Any, str] = {}
        self._products: dict[Names, str] = {}
        self._flipped: dict[str, str] = {}
        self._sums: dict[frozenset[_Term], str] = {}

    # -- names ----------------------------------------------------------------------------------------------------------

    def emit(self, text: str, shape: Shape, *uses: str) -> str:
        """A name for the text: a new line, or the line that has it already."""
        if text not in self._texts:
            target = self._texts[text] = f"t{len(self.lines)}"
            self.lines.append(_Line(target, text, uses))
            self.shapes[target] = shape
        return self._texts[text]

    def constant(self, value: Any, shape: Shape) -> str:
        key = (str(value), shape)
        if key not in self._texts:
            name = self._texts[key] = f"k{len(self.constants)}"
            self.constants[name], self.shapes[name] = value, shape
        return self._texts[key]

    def number(self, c: Fraction) -> float:
        return rounded(c * c if self.squared else c, self.precision)

    def name(self, x: _Value) -> str:
        """The name of the value itself, its product formed."""
        if not x.matrices:
            return self.scale(x.scalars)
        matrix = self.product(x.matrices)
        if not x.scalars:
            return matrix
        s = self.scale(x.scalars)
        return self.emit(self.layout.scaled.format(s, matrix), self.shapes[matrix], s, matrix)

    def scale(self, scalars: Names) -> str:
        out = scalars[0]
        for s in scalars[1:]:
            out = self.emit(f"{out} * {s}", (), out, s)
        return out

    def flip(self, name: str) -> str:
        if name not in self._flipped:
            out = self.emit(self.layout.flipped.format(name), self.shapes[name][::-1], name)
            self._flipped |= {name: out, out: name}
        return self._flipped[name]

    # -- products -------------------------------------------------------------------------------------------------------

    def product(self, names: Names) -> str:
        """The matrix product of the names, in the cheapest order given what is known."""
        if len(names) == 1:
            return names[0]
        if self._known(names):
            return self._reused(names)
        left, right = self._split(names, {})
        a, b = self.product(left), self.product(right)
        shape: Shape = (self._rows(names), self._cols(names))
        self._products[names] = self.emit(self.layout.matmul.format(a, b), shape, a, b)
        return self._products[names]

    def _rows(self, names: Names) -> int:
        return int(self.shapes[names[0]][0])

    def _cols(self, names: Names) -> int:
        return int(self.shapes[names[-1]][1])

    def _mirrored(self, names: Names) -> Names:
        return tuple(self._flipped.get(x, "") for x in reversed(names))

    def _known(self, names: Names) -> bool:
        return names in self._products or self._mirrored(names) in self._products

    def _reused(self, names: Names) -> str:
        return self._products[names] if names in self._products else self.flip(self._products[self._mirrored(names)])

    def _cost(self, names: Names, memo: dict[Names, int]) -> int:
        if len(names) == 1 or self._known(names):
            return 0
        if names not in memo:
            left, right = self._split(names, memo)
            memo[names] = self._joined((left, right), memo) + self._rows(names) * self._cols(left) * self._cols(names)
        return memo[names]

    def _joined(self, cut: tuple[Names, Names], memo: dict[Names, int]) -> int:
        return self._cost(cut[0], memo) + self._cost(cut[1], memo)

    def _split(self, names: Names, memo: dict[Names, int]) -> tuple[Names, Names]:
        cuts = [(names[:k], names[k:]) for k in range(1, len(names))]
        ends = self._rows(names) * self._cols(names)
        return min(cuts, key=lambda cut: self._joined(cut, memo) + ends * self._cols(cut[0]))

    # -- sums -----------------------------------------------------------------------------------------------------------

    def total(self, terms: list[_Term], shape: Shape) -> str:
        """The sum of the terms, with common first and last factors of products bracketed out."""
        for end in (0, -1) if shape else ():
            terms = [x for group in _grouped(terms, end) for x in self._bracketed(group)]
        c, known = self._known_sum(terms)
        if known:
            return known if c == 1 else self.emit(self._text(c, (), (known,))[0], shape, known)
        texts = [self._text(*x) for x in sorted(terms, key=lambda x: x[1:])]
        name = self.emit(" + ".join(text for text, _ in texts), shape, *(y for _, uses in texts for y in uses))
        self._sums[frozenset(terms)] = name
        return name

    def _known_sum(self, terms: list[_Term]) -> tuple[Fraction, str]:
        """A coefficient and the name of a sum, or of the transpose of a sum, that was formed before; else no name."""
        largest = max(abs(c) for c, *_ in terms)
        for scale in (Fraction(1), largest, -largest):
            parts = [(c / scale, s, names) for c, s, names in terms]
            mirrored = frozenset((c, s, self._mirrored(names)) for c, s, names in parts)
            if frozenset(parts) in self._sums:
                return scale, self._sums[frozenset(parts)]
            if mirrored in self._sums and terms[0][2]:
                return scale, self.flip(self._sums[mirrored])
        return Fraction(1), ""

    def _bracketed(self, group: list[_Term]) -> list[_Term]:
        """The terms as one product of what they share and a sum, if that costs less than their products."""
        before, after = _shared([names for *_, names in group])
        middles = [names[len(before) : len(names) - len(after)] for *_, names in group]
        shape: Shape = (self._rows(middles[0]), self._cols(middles[0]))
        self.shapes["?"] = shape
        apart = sum(self._cost(names, {}) for *_, names in group)
        if len(group) == 1 or sum(self._cost(x, {}) for x in (*middles, (*before, "?", *after))) >= apart:
            return group
        scale, alike = max(abs(c) for c, *_ in group), len({s for _, s, _ in group}) == 1
        rest = [(c / scale, () if alike else s, middle) for (c, s, _), middle in zip(group, middles, strict=True)]
        c, known = self._known_sum(rest)
        return [(scale * c, group[0][1] if alike else (), (*before, known or self.total(rest, shape), *after))]

    def _text(self, c: Fraction, scalars: Names, names: Names) -> tuple[str, Names]:
        """The text of one term; the coefficient meets the scalars before it meets the entries of a matrix."""
        factor = "" if self.number(c) == 1 else f"{self.number(c)!r} * ".replace("inf", "xp.inf")
        if not (names and scalars):
            name = self.name(_Value(scalars, names))
            return f"{factor}{name}", (name,)
        s, matrix = self.scale(scalars), self.product(names)
        scaled = self.emit(f"{factor}{s}", (), s) if factor else s
        return self.layout.scaled.format(scaled, matrix), (scaled, matrix)

    # -- the algebra ----------------------------------------------------------------------------------------------------

    def variable(self, name: str, shape: Shape, symmetric: bool) -> _Value:
        argument = self.inputs.setdefault(name, f"a{len(self.inputs)}")
        self.shapes[argument] = shape
        if symmetric:
            self._flipped[argument] = argument
        return self._whole(argument)

    def _whole(self, name: str) -> _Value:
        return _Value((), (name,)) if self.shapes[name] else _Value((name,))

    def num(self, c: Fraction) -> _Value:
        return self._whole(self.constant(self.number(c), ()))

    def eye(self, n: Any) -> _Value:
        return self._whole(self.constant([[float(i == j) for j in range(n)] for i in range(n)], (n, n)))

    def zero(self, shape: Shape) -> _Value:
        return self._whole(self.constant([[0.0] * int(shape[1])] * int(shape[0]), shape) if shape else self.constant(0.0, ()))

    def const(self, rows: tuple[tuple[Fraction, ...], ...]) -> _Value:
        return self._whole(self.constant([[self.number(x) for x in row] for row in rows], (len(rows), len(rows[0]))))

    def lin(self, parts: list[tuple[Fraction, Any]], shape: Shape) -> _Value:
        return self._whole(self.total([(c, x.scalars, x.matrices) for c, x in parts], shape))

    def mul(self, scalars: list[_Value], matrices: list[_Value]) -> _Value:
        names = tuple(self.name(s) for s in scalars) + tuple(y for m in matrices for y in m.scalars)
        return _Value(names, tuple(y for m in matrices for y in m.matrices))

    def power(self, x: _Value, k: int) -> _Value:
        return self._whole(self.emit(f"{self.name(x)}**{k}", (), self.name(x)))

    def T(self, x: _Value) -> _Value:
        return _Value(x.scalars, tuple(self.flip(y) for y in reversed(x.matrices)))

    def tr(self, x: _Value, n: Any) -> _Value:
        return _Value((*x.scalars, self._trace(x.matrices)))

    def _trace(self, names: Names) -> str:
        """tr(X Y) = sum of X * Y^T, cut where the two halves are cheapest."""
        if len(names) == 1:
            return self.emit(self.layout.trace.format(names[0]), (), names[0])
        memo: dict[Names, int] = {}
        cuts = [(names[:k], names[k:]) for k in range(1, len(names))]
        left, right = min(cuts, key=lambda cut: self._joined(cut, memo) + self._rows(cut[0]) * self._cols(cut[0]))
        a, b = self.product(left), self.flip(self.product(right))
        return self.emit(self.layout.total.format(a, b), (), a, b)

    def diag(self, x: _Value) -> _Value:
        matrix = self.name(x)
        mask = self.eye(self.shapes[matrix][0]).matrices[0]
        return self._whole(self.emit(f"{matrix} * {mask}", self.shapes[matrix], matrix, mask))

    def entry(self, x: _Value, i: int, j: int) -> _Value:
        return self._whole(self.emit(self.layout.entry.format(self.name(x), i, j), (), self.name(x)))

    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any:
        raise InvalidInput("mean", noise, "no mean over noise in a batch of floats: take the mean as a polynomial first")

    # -- the text -------------------------------------------------------------------------------------------------------

    def written(self, outputs: Sequence[str]) -> tuple[str, int]:
        """The source, and the largest number of floats an instance that are alive at one time."""
        kept, lines = set(outputs), list(self._needed(outputs))
        size = {line.target: self._size(line) for line in lines}
        last = {x: i for i, line in enumerate(lines) for x in line.uses}
        alive = sum(prod(map(int, self.shapes[a])) for a in self.inputs.values())
        text, most = [f"def kernel({', '.join(['xp', 'columns', *self.inputs.values(), *self.constants])}):"], alive
        for i, line in enumerate(lines):
            text.append(f"    {line.target} = {line.text}")
            alive += size[line.target]
            most = max(most, alive)
            dead = [x for x in dict.fromkeys(line.uses) if last[x] == i and x in size and x not in kept]
            text += [f"    del {', '.join(dead)}"] if dead else []
            alive -= sum(size[x] for x in dead)
        return "\n".join([*text, f"    return [{', '.join(outputs)}]", ""]), most

    def _needed(self, outputs: Sequence[str]) -> Iterator[_Line]:
        wanted = set(outputs)
        for line in reversed(self.lines):
            wanted |= set(line.uses) if line.target in wanted else set()
        return (line for line in self.lines if line.target in wanted)

    def _size(self, line: _Line) -> int:
        return 0 if line.text == self.layout.flipped.format(*line.uses) else prod(map(int, self.shapes[line.target]))
