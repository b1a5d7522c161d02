r"""Closed forms that SymPy derives, step by step, from the definition of the network.

One module is one derivation: it has a ``RECIPE`` and is found by name. A new derivation is a new file here.

>>> from theory.derivations import derive, render
>>> derivation = derive("minima.critical_decay", depth=2)
>>> all(holds for _, holds in derivation.check())
True
>>> print(derivation.result["Gamma_c"])
G
"""

from __future__ import annotations

from theory.derivations.model import Argument, Check, Derivation, Formula, Guard, Let, Option, Recipe, Step, equation
from theory.derivations.registry import derive, recipes
from theory.derivations.render import FORMATS, render

__all__ = [
    "FORMATS",
    "Argument",
    "Check",
    "Derivation",
    "Formula",
    "Guard",
    "Let",
    "Option",
    "Recipe",
    "Step",
    "derive",
    "equation",
    "recipes",
    "render",
]
