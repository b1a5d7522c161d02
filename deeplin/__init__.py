"""deeplin: a theorem verifier for deep linear networks, symbolic and numeric at once.

The names below are imported when they are first used, so that `deeplin replay` starts with the standard library alone.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Statement": "theory.statement",
    "equal": "theory.statement",
    "at_least": "theory.statement",
    "greater": "theory.statement",
    "gradient": "theory.expressions",
    "norm2": "theory.expressions",
    "inner": "theory.expressions",
    "quadratic": "theory.expressions",
    "SymmetricSymbol": "theory.expressions",
    "DiagonalPart": "theory.expressions",
    "Mean": "theory.expressions",
    "Square": "theory.expressions",
    "Congruence": "theory.expressions",
    "known": "theory.expressions",
    "network": "theory.network",
    "Balanced": "theory.predicates.balanced",
    "Commute": "theory.predicates.commute",
    "Conserved": "theory.predicates.flow",
    "Critical": "theory.predicates.critical",
    "Diagonal": "theory.predicates.diagonal",
    "LiterallyAligned": "theory.predicates.alignment",
    "Orthogonal": "theory.predicates.orthogonal",
    "Psd": "theory.predicates.psd",
    "RankAtLeast": "theory.predicates.rank_at_least",
    "RankAtMost": "theory.predicates.rank_at_most",
    "RankExactly": "theory.predicates.rank_at_least",
    "along": "theory.predicates.flow",
    "along_flow": "theory.predicates.flow",
    "prove": "theory.provers.proof",
    "counterexample": "theory.provers.points",
    "theorems": "theory.theorem",
    "Theorem": "theory.theorem",
    "alignment": "numerics.alignment",
    "data_alignment": "numerics.data_alignment",
    "learning_rate_bound": "numerics.alignment_convergence",
    "landscape": "numerics.landscape",
    "basin": "numerics.basin",
    "Moments": "numerics.minimum",
    "space": "numerics.subspaces",
    "generic_rank": "numerics.generic_rank",
    "junction_bound": "numerics.junctions",
    "hessian_trace": "numerics.hessian",
    "hessian_spectrum": "numerics.hessian",
    "pseudo_determinant": "numerics.hessian",
    "log_pseudo_determinant": "numerics.hessian",
    "flattest": "numerics.flattest",
    "drift": "numerics.noise_drift",
    "Conjecture": "deeplin.conjecture",
    "Verdict": "deeplin.conjecture",
    "check": "deeplin.conjecture",
    "assert_holds": "deeplin.testing",
    "as_test": "deeplin.testing",
    "verify": "deeplin.verify",
    "Grade": "deeplin.report",
    "Report": "deeplin.report",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deeplin' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
