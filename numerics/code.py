r"""The source of a batched kernel: lines of a tape (`numerics.arrays`) over an array library, in place.

Every array that is formed lives in a workspace: a place is taken when a value is formed and given back after its last use, so
that a chunk of the batch stays in cache and nothing is allocated while it runs. Each matrix is held as it is or transposed,
whichever makes more entrywise operations run along memory (for a product the choice is free). Outputs are formed where they
are wanted.

The batch axis is the first one, or (for small matrices, where a library's product of tiny matrices is slow) the last one:
then each entry is an array over the batch, and a product of matrices is a sum of columns times rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any

from numerics.arrays import Line, Tape, bare, operands
from theory.dag import Shape


@dataclass(frozen=True)
class Dialect:
    """How a library is spoken to; `{out}` is where a result goes."""

    call: str = "xp.{function}({arguments}, out={out})"
    copy: str = "{out}[...] = {value}"
    inner: str = "xp.vecdot({0}.reshape(len({0}), -1), {1}.reshape(len({1}), -1), out={out})"


NUMPY = Dialect()
TORCH = Dialect(inner=NUMPY.inner.replace("xp.", "xp.linalg."))
# Any library of the array API standard: results are new arrays.
STANDARD = Dialect("{out} = xp.{function}({arguments})", "{out} = {value}", "{out} = xp.sum({} * {}, axis=(-2, -1))")


@dataclass(frozen=True)
class Layout:
    """Where the batch axis is, as texts with places for names."""

    last: bool
    flipped: str
    spread: str
    entry: str


BATCH_FIRST = Layout(last=False, flipped="{}.mT", spread="{}[:, None, None]", entry="{}[:, {}, {}]")
BATCH_LAST = Layout(last=True, flipped="{}.swapaxes(0, 1)", spread="{}", entry="{}[{}, {}]")


def column_product(xp: Any, a: Any, b: Any, out: Any, scratch: Any) -> None:
    """The matrix product of arrays (rows, cols, batch), as a sum of columns times rows."""
    xp.multiply(a[:, 0, None], b[None, 0], out=out)
    for k in range(1, a.shape[1]):
        xp.multiply(a[:, k, None], b[None, k], out=scratch)
        xp.add(out, scratch, out=out)


def orientations(tape: Tape, lines: Sequence[Line], outputs: Sequence[str]) -> dict[str, bool]:
    """Which values are held transposed, so that few entrywise operations (the largest first) mix directions.

    A greedy spanning forest of parities: inputs and outputs lie as they are, values that meet entrywise lie alike.
    """
    parent: dict[str, tuple[str, bool]] = {}

    def root(x: str) -> tuple[str, bool]:
        turned = False
        while x in parent:
            x, more = parent[x]
            turned ^= more
        return x, turned

    for _, x, y, turned in sorted(_meetings(tape, lines, outputs), key=lambda m: -m[0]):
        (a, p), (b, q) = root(x), root(y)
        if a != b:
            a, b = (b, a) if a == FIXED else (a, b)
            parent[a] = (b, p ^ q ^ turned)
    return {line.target: root(line.target)[1] for line in lines}


FIXED = "as it is"


def _meetings(tape: Tape, lines: Sequence[Line], outputs: Sequence[str]) -> Iterator[tuple[int, str, str, bool]]:
    """(size, value, value, whether one is wanted transposed) for each entrywise meeting of matrices."""
    inputs = {x for x in (*tape.inputs.values(), *tape.constants) if x not in tape.symmetric}
    yield from ((1 << 60, x, FIXED, False) for x in sorted(inputs))
    for x in outputs:
        if tape.shape(x):
            yield prod(map(int, tape.shape(x))), bare(x), FIXED, x != bare(x)
    for line in lines:
        size = prod(map(int, tape.shape(line.args[0]))) if line.op == "inner" else prod(map(int, line.shape))
        met = [x for *_, x in line.args if tape.shape(x)] if line.op == "sum" and line.shape else []
        met = [*line.args] if line.op == "inner" else [line.target, *met] if met else []
        met = [x for x in met if bare(x) not in tape.symmetric]
        yield from ((size, bare(x), bare(y), (x != bare(x)) ^ (y != bare(y))) for x, y in pairwise(met))


@dataclass
class Code:
    """A kernel's text: `kernel(xp, columns, *inputs, *constants, *outs, *places)`, and what it needs.

    `places` are the shapes of the workspace; `outs` those of the outputs (in the layout), which the kernel fills or, for the
    standard dialect, returns.
    """

    tape: Tape
    outputs: Sequence[str]
    dialect: Dialect
    layout: Layout
    places: list[Shape] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.tape.needed(self.outputs)
        self.turned = orientations(self.tape, self.lines, self.outputs)
        self._free: dict[Shape, list[str]] = {}
        self._at: dict[str, str] = {}
        self._body: list[str] = []
        self.text = self._written()

    @property
    def floats(self) -> int:
        """Floats an instance that the kernel touches while a chunk runs."""
        inputs = sum(prod(map(int, self.tape.shape(a))) for a in self.tape.inputs.values())
        return inputs + sum(prod(map(int, shape)) for shape in (*self.places, *map(self.tape.shape, self.outputs)))

    # -- places ---------------------------------------------------------------------------------------------------------

    def _take(self, shape: Shape) -> str:
        free = self._free.setdefault(shape, [])
        if free:
            return free.pop()
        self.places.append(shape)
        return f"b{len(self.places) - 1}"

    def _give(self, place: str) -> None:
        if place.startswith("b"):
            self._free[self.places[int(place[1:])]].append(place)

    def _shape(self, name: str) -> Shape:
        """The shape in which a value is held."""
        shape = self.tape.shape(bare(name))
        return shape[::-1] if self.turned.get(bare(name)) else shape

    def _view(self, name: str, flip: bool = False) -> str:
        """The text of a value (`flip`: of its transpose)."""
        plain = bare(name)
        where = self._at.get(plain, plain)
        turned = (name != plain) ^ self.turned.get(plain, False) ^ flip
        return self.layout.flipped.format(where) if turned and plain not in self.tape.symmetric else where

    # -- lines ----------------------------------------------------------------------------------------------------------

    def _written(self) -> str:
        last = {x: i for i, line in enumerate(self.lines) for x in operands(line)}
        direct = self._direct()
        kept = {bare(x) for x in self.outputs}
        for i, line in enumerate(self.lines):
            ending = [x for x in dict.fromkeys(operands(line)) if last[x] == i and x in self._at and x not in kept]
            taken = self._in_place(line, ending) if line.target not in direct else ""
            out = direct.get(line.target) or taken or self._take(self._shape(line.target))
            getattr(self, f"_{line.op}")(line, out)
            for x in ending:
                place = self._at.pop(x)
                if place != taken:
                    self._give(place)
            self._at[line.target] = out
        for k, x in enumerate(self.outputs):
            if direct.get(bare(x)) != f"o{k}":
                self._body.append(self.dialect.copy.format(out=f"o{k}", value=self._view(x)))
        outs, places = [f"o{k}" for k in range(len(self.outputs))], [f"b{k}" for k in range(len(self.places))]
        names = ["xp", "columns", *self.tape.inputs.values(), *self.tape.constants, *outs, *places]
        body = "\n".join(f"    {x}" for x in (*self._body, f"return [{', '.join(outs)}]"))
        return f"def kernel({', '.join(names)}):\n{body}\n"

    def _direct(self) -> dict[str, str]:
        """The values that are formed where an output is wanted: those that lie as the output does."""
        formed = {line.target for line in self.lines}
        pairs = [(bare(x), f"o{k}", (x != bare(x)) == self.turned.get(bare(x), False)) for k, x in enumerate(self.outputs)]
        return dict(reversed([(x, out) for x, out, alike in pairs if x in formed and alike]))

    def _in_place(self, line: Line, ending: Sequence[str]) -> str:
        """The place of an operand that a sum may overwrite: read once, in the first operation, as it lies."""
        if line.op != "sum":
            return ""
        terms = self._ordered(line)
        first = terms[: 1 if self._scaled(terms[0]) or terms[0][0] < 0 else 2]
        reads = operands(line)
        for _, _, x in first:
            fits = (
                bare(x) in ending and reads.count(bare(x)) == 1 and self._view(x, self.turned[line.target]) == self._at[bare(x)]
            )
            if fits and self._at[bare(x)].startswith("b") and self.tape.shape(x) == line.shape:
                return self._at[bare(x)]
        return ""

    def _do(self, function: str, out: str, *arguments: str) -> None:
        self._body.append(self.dialect.call.format(function=function, arguments=", ".join(arguments), out=out))

    def _matmul(self, line: Line, out: str) -> None:
        a, b = line.args
        turned = self.turned[line.target]
        left, right = (self._view(b, True), self._view(a, True)) if turned else (self._view(a), self._view(b))
        if not self.layout.last:
            return self._do("matmul", out, left, right)
        scratch = self._take(self._shape(line.target))
        self._body.append(f"columns(xp, {left}, {right}, {out}, {scratch})")
        return self._give(scratch)

    def _times(self, line: Line, out: str) -> None:
        self._do("multiply", out, *map(self._view, line.args))

    def _mask(self, line: Line, out: str) -> None:
        self._do("multiply", out, *(self._view(x, self.turned[line.target]) for x in line.args))

    def _trace(self, line: Line, out: str) -> None:
        at, n = self._view(bare(line.args[0])), int(self.tape.shape(line.args[0])[0])
        diagonal = [self.layout.entry.format(at, i, i) for i in range(n)]
        self._body.append(self.dialect.copy.format(out=out, value=" + ".join(diagonal)))

    def _entry(self, line: Line, out: str) -> None:
        name, i, j = line.args
        i, j = (j, i) if self.turned.get(name) else (i, j)
        value = self.layout.entry.format(self._at.get(name, name), i, j)
        self._body.append(self.dialect.copy.format(out=out, value=value))

    def _inner(self, line: Line, out: str) -> None:
        a, b = line.args
        flip = self._view(a) != self._at.get(bare(a), bare(a))
        left, right = self._view(a, flip), self._view(b, flip)
        if not self.layout.last:
            return self._body.append(self.dialect.inner.format(left, right, out=out))
        shape = self.tape.shape(a)[::-1] if flip else self.tape.shape(a)
        scratch = self._take(shape)
        self._do("multiply", scratch, left, right)
        self._body.append(f"xp.sum({scratch}, axis=(0, 1), out={out})")
        return self._give(scratch)

    # -- sums -----------------------------------------------------------------------------------------------------------

    def _scaled(self, summand: Any) -> bool:
        c, s, _ = summand
        return bool(s) or c not in (1, -1)

    def _ordered(self, line: Line) -> list[Any]:
        """The summands with factors first, then those that are added, then those that are subtracted."""
        return sorted(line.args, key=lambda t: (not self._scaled(t), t[0] < 0))

    def _sum(self, line: Line, out: str) -> None:
        terms = self._ordered(line)
        factor = abs(terms[0][0])
        if len(terms) > 1 and factor != 1 and not any(s or abs(c) != factor for c, s, _ in terms):
            terms = sorted(((c / factor, s, x) for c, s, x in terms), key=lambda t: t[0] < 0)
            self._added(line, terms, out)
            return self._do("multiply", out, out, repr(factor))
        return self._added(line, terms, out)

    def _added(self, line: Line, terms: list[Any], out: str) -> None:
        view: Any = lambda x: self._view(x, self.turned[line.target])  # noqa: E731
        (c, s, x), *rest = terms
        if rest and not self._scaled(terms[0]):
            d, _, y = rest.pop(0)
            if c > 0:
                self._do("add" if d > 0 else "subtract", out, view(x), view(y))
            else:
                self._do("negative", out, view(x))
                self._do("subtract", out, out, view(y))
        else:
            self._product(out, c, s, view(x), bool(line.shape))
        for d, t, y in rest:
            if not self._scaled((d, t, y)):
                self._do("add" if d > 0 else "subtract", out, out, view(y))
                continue
            scratch = self._take(self._shape(line.target))
            self._product(scratch, d, t, view(y), bool(line.shape))
            self._do("add", out, out, scratch)
            self._give(scratch)

    def _product(self, out: str, c: float, s: str, value: str, matrix: bool) -> None:
        """A number or a scalar times a value."""
        if not s and c == 1:
            self._body.append(self.dialect.copy.format(out=out, value=value))
        elif not s and c == -1:
            self._do("negative", out, value)
        else:
            factor = repr(c).replace("inf", "xp.inf") if not s else self._view(s)
            self._do("multiply", out, value, self.layout.spread.format(factor) if s and matrix else factor)
