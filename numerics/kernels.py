r"""Batched kernels: the outputs of a DAG for many instances at once, on any array library.

The source that `numerics.code` writes is compiled once for the outputs and the backend, and run in chunks of the batch whose
live arrays fit the cache of one core (the largest lever on a CPU). How large a chunk is best is measured in the first large
call.

>>> from theory.dag import T, mul, tr, var
>>> W = var("W", (2, 3))
>>> compiled((tr(mul(W, T(W))),))({"W": np.ones((5, 2, 3))})
[array([6., 6., 6., 6., 6.])]
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np

from numerics.arrays import recorded
from numerics.backends import Array, Backend, backend
from numerics.code import BATCH_FIRST, BATCH_LAST, NUMPY, STANDARD, TORCH, Code, column_product
from theory.dag import Node, Shape, resolved, topological, variables
from theory.errors import InvalidInput

SMALLEST_CHUNK, LARGEST_CHUNK = 16, {"cpu": 1 << 14, "cuda": 1 << 24}
# Up to this dimension the batch axis is the last one: `benchmarks/kernels.py` measures both.
SMALL = 4
# Chunks that are tried, in units of what should fit the cache, and by how much one must win to be taken.
TRIALS, GAIN = (0.25, 1.0, 4.0), 1.1
DIALECTS = {"numpy": NUMPY, "torch": TORCH, "cuda": TORCH}


class _Workspace:
    """One flat array on each backend, which all kernels share: it holds what lives while a chunk runs."""

    def __init__(self) -> None:
        self._flat: dict[Backend, Array] = {}

    def views(self, on: Backend, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        """Arrays of these shapes, of no particular content, until the next call."""
        sizes = [-(-prod(shape) // 16) * 16 for shape in shapes]
        if on not in self._flat or self._flat[on].shape[0] < sum(sizes):
            self._flat[on] = on.empty((sum(sizes),))
        views, start = [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            views.append(self._flat[on][start : start + prod(shape)].reshape(shape))
            start += size
        return views


_WORKSPACE = _Workspace()


class _Program:
    """A compiled kernel: its source, the chunk in which it runs, and how arrays enter and leave it."""

    def __init__(self, outputs: Sequence[Node], on: Backend, squared: bool) -> None:
        tape, names = recorded(outputs, on.precision, squared)
        self.device, self.dialect = on, DIALECTS.get(on.name, STANDARD)
        self.layout = BATCH_LAST if self.dialect is not STANDARD and _largest(outputs) <= SMALL else BATCH_FIRST
        code = Code(tape, names, self.dialect, self.layout)
        scope: dict[str, Any] = {}
        exec(
            code.text, scope
        )  # the text has no names but a0, k0, b0, ... and no numbers but floats: nothing of a user's is in it
        self.source, self.function, self.places = code.text, scope["kernel"], code.places
        self.inputs = {name: tape.shape(a) for name, a in tape.inputs.items()}
        self.shapes = tuple(x.shape for x in outputs)
        self.products = [_sides(tape.shape(x.args[0]), x.shape) for x in code.lines if x.op == "matmul"]
        self.constants = [on.array(value) for value in tape.constants.values()]
        most = on.cache_bytes // (code.floats * (8 if on.precision == "float64" else 4) or 1)
        self.chunk = self._bounded(most)
        self.settled = on.device != "cpu"
        self._library = on.namespace if self.dialect is STANDARD else on.library

    def _bounded(self, chunk: float) -> int:
        return max(SMALLEST_CHUNK, min(LARGEST_CHUNK[self.device.device], int(chunk)))

    def _spread(self, constant: Array, n: int) -> Array:
        """The same constant for n instances: a view."""
        array = constant[..., None] if self.layout.last else constant[None, ...]
        return self.device.namespace.broadcast_to(array, self._sized(tuple(constant.shape), n))

    def __call__(self, arrays: Mapping[str, Array], batch: int) -> list[Array]:
        given = [self._enter(arrays[name]) for name in self.inputs]
        outs = [self.device.empty(self._sized(shape, batch)) for shape in self.shapes]
        with np.errstate(all="ignore"):  # overflow shows in the result, which is then inconclusive
            start = self._settle(given, outs, batch)
            self._run(given, outs, start, batch, self.chunk)
        return [self.device.moved(x, -1, 0) if self.layout.last and x.ndim > 1 else x for x in outs]

    def _enter(self, x: Array) -> Array:
        """The whole array in the layout's order of axes: a view."""
        return self.device.moved(x, 0, -1) if self.layout.last and x.ndim > 1 else x

    def _sized(self, shape: Shape, batch: int) -> tuple[int, ...]:
        sides = tuple(map(int, shape))
        return (*sides, batch) if self.layout.last else (batch, *sides)

    def _settle(self, given: list[Array], outs: list[Array], batch: int) -> int:
        """Measures chunks of several sizes on the first instances, once there are enough; where the rest begins."""
        trials = sorted({self._bounded(self.chunk * t) for t in TRIALS})
        if self.settled or batch < 2 * len(trials) * trials[-1]:
            return 0
        start, seconds = 0, dict[int, float]()
        for chunk in (*trials, *trials):
            begin = time.perf_counter()
            self._run(given, outs, start, start + trials[-1], chunk)
            start += trials[-1]
            seconds[chunk] = min(seconds.get(chunk, np.inf), time.perf_counter() - begin)
        best = min(seconds, key=lambda c: seconds[c])
        self.chunk = best if seconds[best] * GAIN < seconds[self.chunk] else self.chunk
        self.settled = True
        return start

    def _run(self, given: list[Array], outs: list[Array], start: int, end: int, chunk: int) -> None:
        """Fills the outputs from `start` to `end`."""
        size = -1
        for first in range(start, end, chunk):
            n = min(chunk, end - first)
            if n != size:
                size, views, constants = n, self._views(n), [self._spread(c, n) for c in self.constants]
            span = slice(first, first + n)
            rows = (..., span) if self.layout.last else (span, ...)
            now = [self._packed(x[rows], place) for x, place in zip(given, views, strict=False)]
            targets = [x[rows] for x in outs]
            parts = self.function(self._library, column_product, *now, *constants, *targets, *views[len(given) :])
            for x, part in zip(outs, parts if self.dialect is STANDARD else (), strict=False):
                x[rows] = part

    def _views(self, n: int) -> list[Array | None]:
        """Places for what enters and for what is formed on the way, of n instances."""
        shapes = [*self.inputs.values(), *self.places]
        if self.dialect is STANDARD:
            return [None] * len(shapes)
        return list(_WORKSPACE.views(self.device, [self._sized(shape, n) for shape in shapes]))

    def _packed(self, x: Array, place: Array | None) -> Array:
        """The chunk of an input; copied where its entries do not lie along the batch, or (batch first) not in one piece."""
        if place is None or self.device.packed(x, self.layout.last):
            return x
        place[...] = x
        return place


def _sides(left: Shape, product: Shape) -> tuple[int, int, int]:
    return int(left[0]), int(left[1]), int(product[1])


def _largest(outputs: Sequence[Node]) -> int:
    return max((d for x in topological([resolved(x) for x in outputs]) for d in x.shape if isinstance(d, int)), default=1)


@dataclass(frozen=True)
class Kernel:
    """A batched evaluator: `kernel(env)` is the list of outputs, `kernel.magnitudes(env)` their RMS magnitudes."""

    outputs: tuple[Node, ...]
    backend: Backend

    @cached_property
    def _values(self) -> _Program:
        return _Program(self.outputs, self.backend, squared=False)

    @cached_property
    def _squares(self) -> _Program:
        return _Program(self.outputs, self.backend, squared=True)

    @cached_property
    def _variables(self) -> dict[str, Shape]:
        found = {str(v.data[0]): v.shape for v in variables([resolved(x) for x in self.outputs])}
        for name, shape in found.items():
            if not all(isinstance(d, int) for d in shape):
                raise InvalidInput("shape", f"{name} {shape}", "given sizes: a batch of floats has no symbolic dimension")
        return found

    @property
    def source(self) -> str:
        return self._values.source

    @property
    def products(self) -> list[tuple[int, int, int]]:
        """The matrix products that it forms, a x b times b x c each."""
        return self._values.products

    @property
    def chunk(self) -> int:
        """The number of instances that are evaluated together."""
        return self._values.chunk

    def __call__(self, env: Mapping[str, Any]) -> list[Array]:
        """The outputs, each of shape (batch, *shape), for variables of shape (batch, *shape).

        The batch axis of a small output may be the last one in memory.
        """
        arrays, batch = self._arrays(env)
        return self._values(arrays, batch)

    def magnitudes(self, env: Mapping[str, Any]) -> list[Array]:
        """The RMS magnitude of each entry of each output: its size if no terms cancelled."""
        arrays, batch = self._arrays(env)
        with np.errstate(all="ignore"):
            squares = self._squares({name: x * x for name, x in arrays.items()}, batch)
            return [x**0.5 for x in squares]

    def bounds(self, env: Mapping[str, Any], tolerance: float) -> list[Array]:
        """What rounding can do to each entry of each output: `tolerance` unit roundoffs of its RMS magnitude."""
        return [tolerance * self.backend.unit_roundoff * x for x in self.magnitudes(env)]

    def _arrays(self, env: Mapping[str, Any]) -> tuple[dict[str, Array], int]:
        missing = sorted(set(self._variables) - set(env))
        if missing:
            raise InvalidInput("environment", f"none for {', '.join(missing)}", "a value for every variable")
        arrays = {name: self.backend.array(env[name]) for name in self._variables}
        for name, shape in self._variables.items():
            if tuple(arrays[name].shape[1:]) != shape or arrays[name].ndim != len(shape) + 1:
                raise InvalidInput(name, f"shape {tuple(arrays[name].shape)}", f"(batch, *{shape})")
        sizes = {int(x.shape[0]) for x in arrays.values()} or {1}
        if len(sizes) > 1:
            raise InvalidInput("environment", f"batches of {sorted(sizes)}", "one batch size")
        return arrays, sizes.pop()


@lru_cache(maxsize=512)
def compiled(outputs: tuple[Node, ...], on: Backend | None = None) -> Kernel:
    """The kernel of the outputs on a backend (numpy in float64 by default), compiled at its first use and kept."""
    return Kernel(outputs, on or backend())
