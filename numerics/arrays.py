r"""The array algebra: a DAG becomes the lines of a batched kernel (written by `numerics.code`, run by `numerics.kernels`).

Scalars are one number an instance, matrices one table. A name with a prime, `p5'`, is the transpose of `p5`: transposes cost
no line. Shared subterms are formed once, products are parenthesised by their cost with known products reused, traces of
products are sums of entrywise products. Constants are the rationals of the DAG, rounded once to the precision.

The same generator, with squared constants and fed with squared variables, propagates a squared magnitude
\(m^2\): sums \(\sum c^2 m^2\), products of \(m^2\). It is the mean square of the value if all its terms had random signs, the
scale by which a residual is judged (`numerics.margins`).

>>> from theory.dag import T, mul, tr, var
>>> W = var("W", (2, 3))
>>> tape, names = recorded([tr(mul(W, T(W)))], "float64", squared=False)
>>> names, tape.lines
(['i1'], [Line(target='i1', op='inner', args=('a0', 'a0'), shape=())])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from numerics.rounding import rounded
from theory.algebra import evaluate
from theory.dag import Node, Shape
from theory.errors import InvalidInput

Names = tuple[str, ...]


# Values are numbered operation by operation, so that the name of a sum of matrices (s1, s2, ...)
# hardly depends on how products were formed: the factors of a first evaluation then fit the second; any factors are right.
LETTERS = {"sum": "z", "times": "x", "matmul": "p", "inner": "i", "trace": "r", "mask": "d", "entry": "e"}


class Line(NamedTuple):
    """`target` is the value of an operation:

    `sum`: each argument is (number, scalar or "", value), one summand; `times`: scalars; `matmul`; `inner`: the sum of the
    products of the entries; `trace`; `mask`: a matrix and what its entries are multiplied by; `entry`: a matrix, two indices.
    """

    target: str
    op: str
    args: tuple[Any, ...]
    shape: Shape


class _Value(NamedTuple):
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


def recorded(outputs: Sequence[Node], precision: str, squared: bool) -> tuple[Tape, list[str]]:
    """The tape of the outputs, and their names; products that several of them contain are formed for all."""
    first = Tape(precision, squared)
    for x in evaluate(outputs, first):
        first.name(x)
    tape = Tape(precision, squared, first.counted(), first.common_factors())
    return tape, [tape.name(x) for x in evaluate(outputs, tape)]


def _parts(word: Names) -> set[Names]:
    """The products of at least two factors within a product."""
    return {word[i:j] for i in range(len(word)) for j in range(i + 2, len(word) + 1)}


class Tape:
    """An algebra whose values are names on the tape of lines that it writes. `squared`: for squared magnitudes.

    `uses` says how many of the products that will be wanted contain a given one, `factors` which sums only ever meet one
    number: these are held multiplied by it. `recorded` finds out both by a first evaluation.
    """

    def __init__(
        self,
        precision: str,
        squared: bool,
        uses: Counter[Names] | None = None,
        factors: Mapping[str, Fraction] | None = None,
    ) -> None:
        self.precision, self.squared = precision, squared
        self.uses, self.factors = uses or Counter[Names](), factors or {}
        self.met: dict[str, list[Fraction]] = {}
        self.wanted: set[Names] = set()
        self.lines: list[Line] = []
        self.inputs: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self.symmetric: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._shapes: dict[str, Shape] = {}
        self._targets: dict[Any, str] = {}
        self._products: dict[Names, str] = {}
        self._sums: dict[frozenset[_Term], str] = {}

    # -- names ----------------------------------------------------------------------------------------------------------

    def emit(self, op: str, args: tuple[Any, ...], shape: Shape, name: str = "") -> str:
        """A name for the value: of a new line, or of the line that has it already (and is held with the same factor)."""
        key = (op, args, self.factors.get(name, 1))
        if key not in self._targets:
            self._counts[op] += 1
            target = self._targets[key] = name or f"{LETTERS[op]}{self._counts[op]}"
            self.lines.append(Line(target, op, args, shape))
            self._shapes[target] = shape
        return self._targets[key]

    def constant(self, value: Any, shape: Shape, symmetric: bool = False) -> str:
        key = (str(value), shape)
        if key not in self._targets:
            name = self._targets[key] = f"k{len(self.constants)}"
            self.constants[name], self._shapes[name] = value, shape
            self.symmetric |= {name} if symmetric else set()
        return self._targets[key]

    def shape(self, name: str) -> Shape:
        return self._shapes[name[:-1]][::-1] if name.endswith("'") else self._shapes[name]

    def number(self, c: Fraction) -> float:
        return rounded(c * c if self.squared else c, self.precision)

    def name(self, x: _Value) -> str:
        """The name of the value itself, its product formed."""
        if not x.matrices:
            return self.scale(x.scalars)
        part = self._summand(Fraction(1), x.scalars, x.matrices)
        return part[2] if part[:2] == (1.0, "") else self.emit("sum", (part,), self.shape(part[2]))

    def scale(self, scalars: Names) -> str:
        out = scalars[0]
        for s in scalars[1:]:
            out = self.emit("times", (out, s), ())
        return out

    def flip(self, name: str) -> str:
        """The name of the transpose."""
        if name in self.symmetric:
            return name
        return name[:-1] if name.endswith("'") else f"{name}'"

    # -- products -------------------------------------------------------------------------------------------------------

    def product(self, names: Names) -> str:
        """The matrix product of the names, in the cheapest order given what is known and what is still wanted."""
        word = self._canonical(names)
        if len(names) > 1 and word not in self.wanted:
            self.wanted.add(word)
            self.uses.subtract({self._canonical(part) for part in _parts(word)})
        return self._formed(names)

    def _formed(self, names: Names) -> str:
        if len(names) == 1:
            return names[0]
        if self._known(names):
            return self._reused(names)
        left, right = self._split(names, {})
        shape: Shape = (self._rows(names), self._cols(names))
        self._products[names] = self.emit("matmul", (self._formed(left), self._formed(right)), shape)
        return self._products[names]

    def _rows(self, names: Names) -> int:
        return int(self.shape(names[0])[0])

    def _cols(self, names: Names) -> int:
        return int(self.shape(names[-1])[1])

    def _mirrored(self, names: Names) -> Names:
        return tuple(self.flip(x) for x in reversed(names))

    def _canonical(self, names: Names) -> Names:
        return min(names, self._mirrored(names))

    def counted(self) -> Counter[Names]:
        """How many of the products that were wanted contain a product, up to transposition."""
        return Counter(x for w in self.wanted for x in {self._canonical(part) for part in _parts(w)})

    def _known(self, names: Names) -> bool:
        return names in self._products or self._mirrored(names) in self._products

    def _reused(self, names: Names) -> str:
        return self._products[names] if names in self._products else self.flip(self._products[self._mirrored(names)])

    def _cost(self, names: Names, memo: dict[Names, float]) -> float:
        """Multiplications to form a product; what others want too is paid for in shares."""
        if len(names) == 1 or self._known(names):
            return 0
        if names not in memo:
            left, right = self._split(names, memo)
            cost = self._joined((left, right), memo) + self._rows(names) * self._cols(left) * self._cols(names)
            memo[names] = cost / max(1, 1 + self.uses[self._canonical(names)])
        return memo[names]

    def _joined(self, cut: tuple[Names, Names], memo: dict[Names, float]) -> float:
        left, right = cut
        return self._cost(left, memo) + (0 if right in (left, self._mirrored(left)) else self._cost(right, memo))

    def _split(self, names: Names, memo: dict[Names, float]) -> tuple[Names, Names]:
        cuts = [(names[:k], names[k:]) for k in range(1, len(names))]
        ends = self._rows(names) * self._cols(names)
        return min(cuts, key=lambda cut: self._joined(cut, memo) + ends * self._cols(cut[0]))

    # -- sums -----------------------------------------------------------------------------------------------------------

    def total(self, terms: list[_Term], shape: Shape) -> str:
        """The sum of the terms, with common first and last factors of products bracketed out."""
        for end in (0, -1) if shape else ():
            terms = [x for group in _grouped(terms, end) for x in self._bracketed(group)]
        c, known = self._known_sum(terms)
        if known and c == 1:
            return known
        self._counts["total"] += 1
        name = f"{'s' if shape else 'c'}{self._counts['total']}"
        if known:
            return self._sum([(c, (), (known,))], shape, name)
        self._sums[frozenset(terms)] = name = self._sum(terms, shape, name)
        return name

    def _sum(self, terms: list[_Term], shape: Shape, name: str) -> str:
        """The line of a sum, times the factor that it is held with; a product that is all of it is that sum."""
        factor = self.factors.get(name, Fraction(1))
        parts = tuple(self._summand(factor * c, s, names) for c, s, names in sorted(terms, key=lambda x: x[1:]))
        alone = shape and factor == 1 and len(parts) == 1 and parts[0][:2] == (1.0, "")
        alone = alone and bare(parts[0][2]) not in self.factors  # what is held with a factor is not itself
        return parts[0][2] if alone else self.emit("sum", parts, shape, name)

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
        self._shapes["?"] = shape
        apart = sum(self._cost(names, {}) for *_, names in group)
        if len(group) == 1 or sum(self._cost(x, {}) for x in (*middles, (*before, "?", *after))) >= apart:
            return group
        scale, alike = max(abs(c) for c, *_ in group), len({s for _, s, _ in group}) == 1
        rest = [(c / scale, () if alike else s, middle) for (c, s, _), middle in zip(group, middles, strict=True)]
        c, known = self._known_sum(rest)
        return [(scale * c, group[0][1] if alike else (), (*before, known or self.total(rest, shape), *after))]

    def _summand(self, c: Fraction, scalars: Names, names: Names) -> tuple[float, str, str]:
        """One summand; the coefficient meets the scalars before it meets the entries of a matrix."""
        number = self.number(c / self._held(names, c))
        if not (names and scalars):
            return number, "", self.product(names) if names else self.scale(scalars)
        s, matrix = self.scale(scalars), self.product(names)
        return 1.0, s if number == 1 else self.emit("sum", ((number, "", s),), ()), matrix

    def _held(self, names: Names, c: Fraction) -> Fraction:
        """The factors that the factors of a product are held with; notes that they meet the number c."""
        sums = [bare(x) for x in names if x[0] == "s"]
        for s in sums:
            self.met.setdefault(s, []).append(c if sums.count(s) == 1 else Fraction(1))
        return prod((self.factors.get(s, Fraction(1)) for s in sums), start=Fraction(1))

    def common_factors(self) -> dict[str, Fraction]:
        """The sums that are met at least twice, always with one number (which costs a pass over each product)."""
        alike = {s: numbers[0] for s, numbers in self.met.items() if len(numbers) > 1 and len(set(numbers)) == 1}
        return {s: c for s, c in alike.items() if abs(c) != 1}

    # -- the algebra ----------------------------------------------------------------------------------------------------

    def variable(self, name: str, shape: Shape, symmetric: bool) -> _Value:
        argument = self.inputs.setdefault(name, f"a{len(self.inputs)}")
        self._shapes[argument] = shape
        self.symmetric |= {argument} if symmetric else set()
        return self._whole(argument)

    def _whole(self, name: str) -> _Value:
        return _Value((), (name,)) if self.shape(name) else _Value((name,))

    def num(self, c: Fraction) -> _Value:
        return self._whole(self.constant(self.number(c), ()))

    def eye(self, n: Any) -> _Value:
        return self._whole(self.constant([[float(i == j) for j in range(n)] for i in range(n)], (n, n), symmetric=True))

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
        """By repeated squaring: a library's power of arrays is many times slower than products."""
        if k == 0:
            return self.num(Fraction(1))
        half = self.power(x, k // 2) if k > 1 else None
        square = self.scale((self.name(half),) * 2) if half else self.name(x)
        return self._whole(self.scale((square, self.name(x))) if half and k % 2 else square)

    def T(self, x: _Value) -> _Value:
        return _Value(x.scalars, self._mirrored(x.matrices))

    def tr(self, x: _Value, n: Any) -> _Value:
        return _Value((*x.scalars, self._trace(x.matrices)))

    def _trace(self, names: Names) -> str:
        """tr(X Y) = sum of X * Y^T, cut where the two halves are cheapest."""
        held = self.number(1 / self._held(names, Fraction(1)))
        value = self._inner(names) if len(names) > 1 else self.emit("trace", names, ())
        return value if held == 1 else self.emit("sum", ((held, "", value),), ())

    def _inner(self, names: Names) -> str:
        memo: dict[Names, float] = {}
        cuts = [(names[:k], names[k:]) for k in range(1, len(names))]
        left, right = min(cuts, key=lambda cut: self._joined(cut, memo) + self._rows(cut[0]) * self._cols(cut[0]))
        return self.emit("inner", (self.product(left), self.flip(self.product(right))), ())

    def diag(self, x: _Value) -> _Value:
        matrix = self.name(x)
        mask = self.eye(self.shape(matrix)[0]).matrices[0]
        return self._whole(self.emit("mask", (matrix, mask), self.shape(matrix)))

    def entry(self, x: _Value, i: int, j: int) -> _Value:
        name = self.name(x)
        return self._whole(self.emit("entry", (name[:-1], j, i) if name.endswith("'") else (name, i, j), ()))

    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any:
        raise InvalidInput("mean", noise, "no mean over noise in a batch of floats: take the mean as a polynomial first")

    def needed(self, outputs: Sequence[str]) -> list[Line]:
        """The lines on which the outputs depend."""
        wanted, kept = {bare(x) for x in outputs}, list[Line]()
        for line in reversed(self.lines):
            if line.target in wanted:
                wanted |= set(operands(line))
                kept.append(line)
        return kept[::-1]


def bare(name: str) -> str:
    """The name without its prime."""
    return name.rstrip("'")


def operands(line: Line) -> list[str]:
    """The names that a line reads, without their primes."""
    match line.op:
        case "sum":
            return [bare(x) for _, s, value in line.args for x in (s, value) if x]
        case "entry":
            return [line.args[0]]
        case _:
            return [bare(x) for x in line.args]
