r"""Experiments: numeric checks of what a polynomial instance does not show (averages, training, spectra, roots).

One file is one experiment with a module constant `EXPERIMENT`; it is found by being there and belongs to the theorem of its
family and sheet id. An experiment supports a theorem and proves nothing; each fails when the formula is changed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from theory.catalogue import entries, numbered
from theory.errors import InvalidInput
from theory.theorem import Theorem

Figures = dict[str, float | int | str]


@dataclass(frozen=True)
class Outcome:
    """What one run of an experiment found; `figures` are what was measured, JSON-ready."""

    theorem: str
    sheet: str
    kind: str
    passed: bool
    figures: Mapping[str, float | int | str]
    seed: int
    detail: str

    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Experiment:
    """A numeric check of the theorem `family`.`sheet`; `measure(rng, thorough)` gives figures and whether they are as claimed.

    `detail` says what is compared, and by which tolerances.
    """

    family: str
    sheet: str
    kind: str
    detail: str
    measure: Callable[[np.random.Generator, bool], tuple[Figures, bool]]

    def run(self, seed: int = 0, *, thorough: bool = False) -> Outcome:
        """One run: same seed, same figures. `thorough` takes minutes instead of seconds."""
        figures, passed = self.measure(np.random.default_rng([seed, *self.sheet.encode()]), thorough)
        return Outcome(self._theorem(), self.sheet, self.kind, passed, figures, seed, self.detail)

    def _theorem(self) -> str:
        names = [t.name for t in entries() if (t.family, t.sheet) == (self.family, self.sheet)]
        return names[0] if names else f"{self.family}.{self.sheet}"


@cache
def experiments() -> dict[str, Experiment]:
    """All experiments by family and sheet id, as 'minima.B4'."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    found: list[Experiment] = [m.EXPERIMENT for m in modules if hasattr(m, "EXPERIMENT")]
    return {f"{e.family}.{e.sheet}": e for e in sorted(found, key=lambda e: (e.family, numbered(e.sheet)))}


def experiment_of(theorem: Theorem) -> Experiment | None:
    """The experiment of a theorem, if it has one."""
    return experiments().get(f"{theorem.family}.{theorem.sheet}")


def experiment(name: str) -> Experiment:
    """The experiment of that name, 'minima.B4' or the name of its theorem."""
    by_theorem = {t.name: f"{t.family}.{t.sheet}" for t in entries()}
    found = experiments().get(by_theorem.get(name, name))
    if found is None:
        raise InvalidInput("experiment", name, f"one of {', '.join(experiments())}")
    return found
