"""The provers: they find certificates, cheapest first. A new prover is a new file with a constant `PROVER`.

They are outside the trusted base: what they find counts when `theory.kernel` has accepted it.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from theory.provers.api import Budget, Outcome, Prover, Status
from theory.provers.proof import Proof, contradictory, prove, prove_at_small_widths

__all__ = ["Budget", "Outcome", "Proof", "Prover", "Status", "contradictory", "prove", "prove_at_small_widths", "provers"]


@cache
def provers() -> tuple[Prover, ...]:
    """All provers, cheapest first.

    >>> [p.name for p in provers()]
    ['identity', 'words', 'univariate', 'cofactors', 'positivity']
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return tuple(sorted((vars(m)["PROVER"] for m in modules if "PROVER" in vars(m)), key=lambda p: (p.cost, p.name)))
