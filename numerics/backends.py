"""Array libraries and devices by name: where the batched kernels run.

`numpy` is the default; `torch` and `cuda` use PyTorch, which is imported only when one of them is asked for. Arithmetic is in
float64 unless float32 is requested; the shortened float32 products of GPUs (TF32) are switched off, because a residual is
judged by the unit roundoff of the precision that the report names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from theory.errors import InvalidInput

Array = Any
# The strict library does what the array API standard says and no more: what runs on it runs on any such library.
LIBRARIES = {"numpy": "numpy", "torch": "torch", "cuda": "torch", "strict": "array_api_strict"}
NAMESPACES = {"numpy": "array_api_compat.numpy", "torch": "array_api_compat.torch"}
UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}
# What the live arrays of a kernel may occupy: measured best at about twice the L2 cache of one
# core (arrays die young); on a GPU, a share of its memory.
DEVICES = ("cpu", "torch", "cuda", "auto")
# Instances below which a GPU is not asked: a batch must outweigh the start of torch and of the device, seconds in all.
GPU_BATCH = 100_000
CACHE_BYTES = {"cpu": 2 << 20, "cuda": 1 << 30}


@dataclass(frozen=True)
class Backend:
    """An array library, a device ("cpu" or "cuda") and a precision. Made by `backend`."""

    name: str
    device: str
    precision: str

    @property
    def namespace(self) -> Any:
        """The library, as a namespace of the array API standard."""
        return import_module(NAMESPACES.get(LIBRARIES[self.name], LIBRARIES[self.name]))

    @property
    def library(self) -> Any:
        """The library itself, with the options that the standard lacks (results in place)."""
        return import_module(LIBRARIES[self.name])

    def moved(self, array: Array, source: int, target: int) -> Array:
        """The array with one axis moved: a view."""
        return array.movedim(source, target) if LIBRARIES[self.name] == "torch" else np.moveaxis(array, source, target)

    def packed(self, array: Array, last: bool) -> bool:
        """Whether the array lies in one piece; `last`: whether its entries lie along the last axis."""
        strides = array.stride() if LIBRARIES[self.name] == "torch" else tuple(s // array.itemsize for s in array.strides)
        if last:
            return bool(array.ndim < 2 or strides[-1] == 1)
        return bool(array.is_contiguous()) if LIBRARIES[self.name] == "torch" else bool(array.flags.c_contiguous)

    @property
    def dtype(self) -> Any:
        return getattr(self.namespace, self.precision)

    @property
    def unit_roundoff(self) -> float:
        return UNIT_ROUNDOFF[self.precision]

    @property
    def cache_bytes(self) -> int:
        return CACHE_BYTES[self.device]

    def array(self, value: Any) -> Array:
        """The value (numbers, a numpy array or an array of this library) on this device, in this precision."""
        if self.name == "numpy":
            return np.asarray(value, dtype=self.precision)
        return self.namespace.asarray(value, dtype=self.dtype, **self._place)

    def empty(self, shape: tuple[int, ...]) -> Array:
        return self.namespace.empty(shape, dtype=self.dtype, **self._place)

    @property
    def _place(self) -> dict[str, str]:
        return {"device": self.device} if LIBRARIES[self.name] == "torch" else {}

    def numpy(self, array: Array) -> Any:
        """The array as a numpy array on the host."""
        return array.cpu().numpy() if LIBRARIES[self.name] == "torch" else np.asarray(array)

    def describe(self) -> str:
        """Library, version, device and precision, for reports.

        >>> backend("numpy", "float32").describe().split()[0::3]
        ['numpy', 'float32']
        """
        library = LIBRARIES[self.name]
        return f"{library} {version(library)} {self._hardware()} {self.precision}"

    def _hardware(self) -> str:
        return import_module("torch").cuda.get_device_name().replace(" ", "-") if self.device == "cuda" else "cpu"


def available() -> tuple[str, ...]:
    """The names that `backend` may be asked for: what is installed. Whether a GPU answers is known only on asking."""
    return tuple(name for name, library in LIBRARIES.items() if find_spec(library))


@cache
def backend(name: str = "numpy", precision: str = "float64") -> Backend:
    """The backend of that name; `InvalidInput` where the name is unknown, not installed, or has no device."""
    if precision not in UNIT_ROUNDOFF:
        raise InvalidInput("precision", precision, f"one of {', '.join(UNIT_ROUNDOFF)}")
    if name not in available():
        raise InvalidInput("backend", name, f"one of {', '.join(available())}")
    if LIBRARIES[name] == "torch":
        _prepare_torch(name)
    return Backend(name, "cuda" if name == "cuda" else "cpu", precision)


def chosen(device: str = "cpu", precision: str = "float64", batch: int = 0) -> Backend:
    """The backend for a device: "cpu" is numpy, "torch" torch on the CPU, "cuda" a GPU; "auto" is a GPU where there is one and
    the batch is large enough to pay for the way there (torch is not imported for less), else numpy.

    >>> chosen("auto", batch=10).name
    'numpy'
    """
    if device not in DEVICES:
        raise InvalidInput("device", device, f"one of {', '.join(DEVICES)}")
    if device == "auto" and batch >= GPU_BATCH and "cuda" in available():
        try:
            return backend("cuda", precision)
        except InvalidInput:
            return backend("numpy", precision)
    return backend({"cpu": "numpy", "auto": "numpy"}.get(device, device), precision)


def _prepare_torch(name: str) -> None:
    torch = import_module("torch")
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidInput("backend", name, "a machine with a CUDA device")
    set_precision: Callable[[str], None] = torch.set_float32_matmul_precision
    set_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
