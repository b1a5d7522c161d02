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
NAMES = ("numpy", "torch", "cuda")
UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}
# What the live arrays of a kernel may occupy: measured best at about twice the L2 cache of one
# core (arrays die young); on a GPU, a share of its memory.
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
        return import_module("array_api_compat.numpy" if self.name == "numpy" else "array_api_compat.torch")

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
        return self.namespace.asarray(value, dtype=self.dtype, device=self.device)

    def empty(self, shape: tuple[int, ...]) -> Array:
        return self.namespace.empty(shape, dtype=self.dtype, device=self.device)

    def numpy(self, array: Array) -> Any:
        """The array as a numpy array on the host."""
        return array if self.name == "numpy" else array.cpu().numpy()

    def describe(self) -> str:
        """Library, version, device and precision, for reports.

        >>> backend("numpy", "float32").describe().split()[0::3]
        ['numpy', 'float32']
        """
        library = "numpy" if self.name == "numpy" else "torch"
        return f"{library} {version(library)} {self._hardware()} {self.precision}"

    def _hardware(self) -> str:
        return import_module("torch").cuda.get_device_name().replace(" ", "-") if self.device == "cuda" else "cpu"


def available() -> tuple[str, ...]:
    """The names that `backend` may be asked for: what is installed. Whether a GPU answers is known only on asking."""
    return NAMES if find_spec("torch") else NAMES[:1]


@cache
def backend(name: str = "numpy", precision: str = "float64") -> Backend:
    """The backend of that name; `InvalidInput` where the name is unknown, not installed, or has no device."""
    if precision not in UNIT_ROUNDOFF:
        raise InvalidInput("precision", precision, f"one of {', '.join(UNIT_ROUNDOFF)}")
    if name not in available():
        raise InvalidInput("backend", name, f"one of {', '.join(available())}")
    if name != "numpy":
        _prepare_torch(name)
    return Backend(name, "cuda" if name == "cuda" else "cpu", precision)


def _prepare_torch(name: str) -> None:
    torch = import_module("torch")
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidInput("backend", name, "a machine with a CUDA device")
    set_precision: Callable[[str], None] = torch.set_float32_matmul_precision
    set_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
