"""What alignment is, and that it exists: claims, sharpness and false variants of the first part of the family `alignment`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from theory import kernel
from theory.certificates import at_point, derivation, statement
from theory.errors import InvalidInput
from theory.predicates.alignment import LiterallyAligned, SortedAligned, StronglyAligned, WeaklyAligned
from theory.statement import Statement, equal
from theory.theorem import Theorem, theorems
from theory.theorems.alignment.setting import bases_of, layers_of, table

NAMES = (
    "two_layers", "commutators", "sorted_or_literal", "literal_or_weak", "balanced_layers", "rank_one_layers",
    "bounded_imbalance", "factorisation", "least_squares",
)  # fmt: skip
POINTS = json.loads((Path(__file__).parent / "alignment_structure_points.json").read_text())


def theorem(name: str) -> Theorem:
    return theorems()[f"alignment.{name}"]


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_accepts_every_claim_and_its_witness(name: str) -> None:
    for claim in theorem(name).claims():
        s = claim.statement.lowered()
        assert claim.steps is not None
        kernel.check(derivation(s, claim.steps, sizes=claim.statement.sizes), statement(s)[0])
        if s.given:
            kernel.check(at_point(claim.statement.lowered(claim.at), claim.witness or {}, "satisfiable"))


@pytest.mark.parametrize("name", NAMES)
def test_every_needed_hypothesis_has_an_exact_counterexample(name: str) -> None:
    examples = theorem(name).sharpness()
    assert len(examples) >= 2
    for example in examples:
        kernel.check(at_point(example.statement.lowered(), example.point, "refuted"))


def sizes(s: Statement, point: Mapping[str, Any]) -> dict[str, int]:
    """The widths at which a point is given."""
    found: dict[str, int] = {}
    for v in s.lowered().variables:
        for d, n in zip(v.shape, (len(point[str(v.data[0])]), len(point[str(v.data[0])][0])) if v.shape else (), strict=True):
            found |= {d: n} if isinstance(d, str) else {}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_false_variants_are_refuted_at_exact_points(name: str) -> None:
    variants = theorem(name).variants()
    assert len(variants) >= 4
    for s in variants:
        point = POINTS[name][s.name]
        kernel.check(at_point(s.lowered(sizes(s, point)), point, "refuted"))


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_with_a_step_left_out_or_a_sign_turned_is_rejected(name: str) -> None:
    claim = next(c for c in theorem(name).claims() if c.statement.lowered().given)
    s = claim.statement.lowered()
    with pytest.raises(kernel.Rejected):
        kernel.check(derivation(s, (claim.steps or ())[:-1], sizes=claim.statement.sizes))


def test_the_notions_are_distinct_predicates() -> None:
    widths = (2, 2, 2)
    W, S, Q = layers_of(widths), layers_of(widths, "S"), bases_of(widths)
    at = {q.name: table(2, 2) for q in Q}

    def holds(notion: Any, first: Any, second: Any) -> bool:
        values = at | {"W1": first, "W2": second, "S1": first, "S2": second}
        s = Statement("notion", (*W, *S, *Q), (), (notion(W, Q, S),)).lowered()
        try:
            kernel.check(at_point(s, values, "refuted"))
        except kernel.Rejected:
            return True
        return False

    swap, big, small = [[0, 1], [1, 0]], [[2, 0], [0, 1]], [[1, 0], [0, 2]]
    notions = (WeaklyAligned, LiterallyAligned, SortedAligned)
    assert [holds(n, big, big) for n in notions] == [True, True, True]
    assert [holds(n, big, small) for n in notions] == [True, True, False]
    assert [holds(n, big, swap) for n in notions] == [True, False, False]
    assert [holds(n, big, [[1, 1], [0, 1]]) for n in notions] == [False, False, False]


def test_strong_alignment_shares_the_bases_of_all_moments() -> None:
    first, second, core, other, Q = (layers_of((2, 2), name) for name in ("V", "W", "S", "R", "Q"))
    bases = bases_of((2, 2))
    del Q
    strong = StronglyAligned((first, second), bases, (core, other)).conditions()
    assert len(strong) == 2 * 2 + 2 + 2 * 2  # orthogonality once, then layer and core at each moment
    with pytest.raises(InvalidInput, match="cores"):
        StronglyAligned((first, second), bases, (core,)).conditions()


def test_predicates_say_what_does_not_fit() -> None:
    W, S, Q = layers_of((2, 2)), layers_of((2, 2), "S"), bases_of((2, 2))
    with pytest.raises(InvalidInput, match="bases and cores"):
        WeaklyAligned(W, Q[:1], S).conditions()
    wide = layers_of(("a", "b"), "S")
    with pytest.raises(InvalidInput, match="core of given size"):
        LiterallyAligned(layers_of(("a", "b")), bases_of(("a", "b")), wide).conditions()
    assert equal(W[0], Q[1] * S[0] * Q[0].T) in LiterallyAligned(W, Q, S).conditions()
