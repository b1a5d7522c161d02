r"""Batched kernels: the outputs of a DAG for many instances at once, on any array library.

The source that `numerics.arrays` writes is compiled once for the outputs and the backend, and run in chunks of the batch whose
live arrays fit the cache of one core (the largest lever on a CPU).

>>> from theory.dag import T, mul, tr, var
>>> W = var("W", (2, 3))
>>> compiled((tr(mul(W, T(W))),))({"W": np.ones((5, 2, 3))})
[array([6., 6., 6., 6., 6.])]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from numerics.arrays import BATCH_FIRST, BATCH_LAST, Layout, Source, column_product
from numerics.backends import Array, Backend, backend
from theory.algebra import evaluate
from theory.dag import Node, Shape, resolved, topological, variables
from theory.errors import InvalidInput

SMALLEST_CHUNK, LARGEST_CHUNK = 16, {"cpu": 1 << 14, "cuda": 1 << 24}
# Up to this dimension the batch axis is the last one.
SMALL = 3


@dataclass(frozen=True)
class _Program:
    """A compiled function, its source, the names it wants and the shapes it returns."""

    source: str
    function: Callable[..., list[Array]]
    inputs: tuple[str, ...]
    constants: tuple[Array, ...]
    shapes: tuple[Shape, ...]
    chunk: int
    device: Backend
    layout: Layout

    def __call__(self, arrays: Mapping[str, Array], batch: int) -> list[Array]:
        values = [arrays[name] for name in self.inputs]
        out = [self.device.empty((batch, *map(int, shape))) for shape in self.shapes]
        with np.errstate(all="ignore"):  # overflow shows in the result, which is then inconclusive
            for start in range(0, batch, self.chunk):
                rows = slice(start, start + self.chunk)
                now = [self._in(x[rows]) for x in values]
                parts = self.function(self.device.namespace, column_product, *now, *self.constants)
                for target, part in zip(out, parts, strict=True):
                    target[rows] = self._out(part)
        return out

    def _in(self, x: Array) -> Array:
        return np.ascontiguousarray(np.moveaxis(x, 0, -1)) if self.layout is BATCH_LAST else x

    def _out(self, x: Array) -> Array:
        return np.moveaxis(x, -1, 0) if self.layout is BATCH_LAST and x.ndim else x


def _program(outputs: Sequence[Node], on: Backend, squared: bool) -> _Program:
    layout = BATCH_LAST if on.name == "numpy" and _largest(outputs) <= SMALL else BATCH_FIRST
    source = Source(on.precision, squared, layout)
    names = [source.name(x) for x in evaluate(outputs, source)]
    text, floats = source.written(names)
    scope: dict[str, Any] = {}
    exec(text, scope)  # the text has no names but a0, k0, t0, ... and no numbers but floats: nothing of a user's is in it
    size = floats * (8 if on.precision == "float64" else 4)
    chunk = max(SMALLEST_CHUNK, min(LARGEST_CHUNK[on.device], on.cache_bytes // max(size, 1)))
    constants = tuple(_constant(on, layout, c) for c in source.constants.values())
    shapes = tuple(x.shape for x in outputs)
    return _Program(text, scope["kernel"], tuple(source.inputs), constants, shapes, chunk, on, layout)


def _largest(outputs: Sequence[Node]) -> int:
    return max((d for x in topological([resolved(x) for x in outputs]) for d in x.shape if isinstance(d, int)), default=1)


def _constant(on: Backend, layout: Layout, value: Any) -> Array:
    array = on.array(value)
    return array[..., None] if layout is BATCH_LAST and array.ndim else array


@dataclass(frozen=True)
class Kernel:
    """A batched evaluator: `kernel(env)` is the list of outputs, `kernel.magnitudes(env)` their RMS magnitudes."""

    outputs: tuple[Node, ...]
    backend: Backend

    @cached_property
    def _values(self) -> _Program:
        return _program(self.outputs, self.backend, squared=False)

    @cached_property
    def _squares(self) -> _Program:
        return _program(self.outputs, self.backend, squared=True)

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
    def chunk(self) -> int:
        """The number of instances that are evaluated together."""
        return self._values.chunk

    def __call__(self, env: Mapping[str, Any]) -> list[Array]:
        """The outputs, each of shape (batch, *shape), for variables of shape (batch, *shape)."""
        arrays, batch = self._arrays(env)
        return self._values(arrays, batch)

    def magnitudes(self, env: Mapping[str, Any]) -> list[Array]:
        """The RMS magnitude of each entry of each output: its size if no terms cancelled."""
        arrays, batch = self._arrays(env)
        with np.errstate(all="ignore"):
            squares = self._squares({name: x * x for name, x in arrays.items()}, batch)
            return [x**0.5 for x in squares]

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
