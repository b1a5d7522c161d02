"""Weights from files: NumPy archives with arrays W1, W2, ..., or torch state dicts of linear layers without bias.

Neither is trusted: nothing is unpickled but tensors.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from numerics.minimum_moments import Array, as_floats
from theory.errors import InvalidInput

FORMATS = "an .npz file with arrays W1, W2, ... (W1 acts first), or a torch state dict (.pt, .pth) of layers without bias"


def read_weights(path: Path) -> list[Array]:
    """The layers of a file, W_1 first, each finite and with two dimensions; `InvalidInput` names what is wrong."""
    if path.suffix not in (".npz", ".pt", ".pth"):
        raise InvalidInput("--weights", str(path), FORMATS)
    try:
        named = _archive(path) if path.suffix == ".npz" else _state_dict(path)
    except OSError as error:
        raise InvalidInput("--weights", str(path), f"a readable file ({error.strerror or error})") from None
    if not named:
        raise InvalidInput("--weights", f"{path}, which is empty", FORMATS)
    return [as_floats(f"{path}, {name}", array, 2) for name, array in named.items()]


def _archive(path: Path) -> dict[str, Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise InvalidInput("--weights", f"{path}, which holds one array without a name", FORMATS)
        with loaded as stored:
            names = [f"W{k}" for k in range(1, len(stored.files) + 1)]
            unknown = sorted(set(stored.files) - set(names))
            if unknown:
                raise InvalidInput("--weights", f"the arrays {', '.join(sorted(stored.files))} in {path}", FORMATS)
            return {name: _real(path, name, stored[name]) for name in names}
    except (ValueError, BadZipFile, EOFError, AttributeError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("--weights", f"{path}, which NumPy cannot read ({error})", FORMATS) from None


def _real(path: Path, name: str, array: Any) -> Any:
    if array.dtype.kind not in "fiu":
        raise InvalidInput("--weights", f"{name} of type {array.dtype} in {path}", "real numbers")
    return array


def _state_dict(path: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError:
        raise InvalidInput("--weights", str(path), "the extra `torch` to read a state dict, or an .npz file") from None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput("--weights", f"{path}, which torch does not load as weights only ({reason})", FORMATS) from None
    if not isinstance(state, dict):
        raise InvalidInput("--weights", f"{path}, which holds a {type(state).__name__}", FORMATS)
    return {name: _tensor(path, name, value, torch) for name, value in state.items()}


def _tensor(path: Path, name: str, value: Any, torch: Any) -> Any:
    """A weight as an array: the order of a state dict is that of the layers."""
    if not isinstance(value, torch.Tensor) or not str(name).endswith("weight"):
        raise InvalidInput("--weights", f"the key {name!r} in {path}", FORMATS)
    if not value.is_floating_point():
        raise InvalidInput("--weights", f"{name} of type {value.dtype} in {path}", "real numbers")
    return value.to(torch.float64).numpy()
