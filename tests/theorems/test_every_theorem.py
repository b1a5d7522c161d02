"""What the docstring of every theorem says, and a property test of each from its own sampler in exact arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.evidence import certify
from theory.theorem import Theorem, document, theorems

SECTIONS = ("Setting:", "Hypotheses:", "Conclusion:", "Form:", "Scope of proof:", "Why:", "Sharpness:", "Source:")
SAMPLED = [t for t in theorems().values() if t.sample is not None]


@pytest.mark.parametrize("theorem", theorems().values(), ids=lambda t: t.name)
def test_a_theorem_is_documented(theorem: Theorem) -> None:
    text = document(theorem)
    assert [s for s in SECTIONS if s not in text] == []
    assert "arXiv:" in theorem.source


@pytest.mark.parametrize("theorem", SAMPLED, ids=lambda t: t.name)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_theorem_holds_at_any_exact_instance(theorem: Theorem, seed: int) -> None:
    widths = min(theorem.certified_at, key=lambda w: (len(w), sum(w)))
    found = certify(theorem, widths, 1, seed)
    assert found.grade == "CERTIFIED", found
