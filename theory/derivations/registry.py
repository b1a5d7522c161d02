"""Finding derivations: every module of this package that has a ``RECIPE`` is one, nothing else to edit."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import theory.derivations
from theory.derivations.model import Derivation, Recipe
from theory.errors import InvalidInput


@functools.cache
def recipes() -> Mapping[str, Recipe]:
    """All recipes by name, in alphabetical order.

    >>> "minima.closed_form" in recipes()
    True
    """
    names = [item.name for item in pkgutil.iter_modules(theory.derivations.__path__)]
    modules = [importlib.import_module(f"theory.derivations.{name}") for name in names]
    found = [module.RECIPE for module in modules if hasattr(module, "RECIPE")]
    return MappingProxyType({recipe.name: recipe for recipe in sorted(found, key=lambda item: item.name)})


def derive(name: str, **options: object) -> Derivation:
    """Carry out the derivation with this name; options left out or ``None`` take their defaults.

    Raises `InvalidInput` for an unknown name (with the closest ones), an option that the recipe does not have, or a
    value out of its range.

    >>> derive("minima.critical_decay", depth=3).result["Gamma_c"]
    G**2/(16*alpha)
    """
    recipe = _recipe(name)
    given = {key: value for key, value in options.items() if value is not None}
    known = [option.name for option in recipe.options]
    for key, value in given.items():
        if key not in known:
            raise InvalidInput(key, value, f"no such option; {name} takes {', '.join(known) or 'none'}")
    return recipe.make(**given)


def _recipe(name: str) -> Recipe:
    if name not in recipes():
        close = difflib.get_close_matches(name, recipes(), n=3, cutoff=0.4)
        raise InvalidInput("derivation", repr(name), f"{_choices(close)}one of {', '.join(recipes())}")
    return recipes()[name]


def _choices(close: Sequence[str]) -> str:
    return f"perhaps {' or '.join(close)}; " if close else ""
