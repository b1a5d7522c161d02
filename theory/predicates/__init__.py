"""Predicates: named bundles of conditions, each one a file here with one frozen dataclass. A new predicate is a new file.

A predicate stands among the hypotheses or conclusions of a statement and is its algebraic encoding there. Auxiliary
variables are arguments of the predicate; the statement declares them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache


@cache
def predicates() -> dict[str, type]:
    """All predicates by name.

    >>> {"Balanced", "Commute", "Orthogonal"} <= set(predicates())
    True
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    classes = [c for m in modules for _, c in inspect.getmembers(m, inspect.isclass) if c.__module__ == m.__name__]
    return {c.__name__: c for c in classes if hasattr(c, "conditions")}
