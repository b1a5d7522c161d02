"""Convergence and layer constraints: claims, witnesses, sharpness, false variants, and naive evaluations in fractions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from numerics.draws import ExactDraw
from theory import kernel
from theory import subspaces as spaces
from theory.certificates import at_point, derivation, statement
from theory.errors import InvalidInput
from theory.statement import Statement
from theory.subspaces import Subspace, separates, table
from theory.theorem import Theorem, theorems
from theory.theorems.alignment import aligned_pairs, constrained_step, one_mode, toeplitz_flow, toeplitz_trajectories

NAMES = (
    "one_mode", "network_rate", "sharp_rate", "slow_modes", "projected_descent", "preconditioned_descent", "raw_descent",
    "simultaneous_svd", "masks", "constrained_step", "aligned_pairs", "circulant_layers", "toeplitz_rigidity",
    "toeplitz_trajectories", "toeplitz_flow",
)  # fmt: skip
POINTS = json.loads((Path(__file__).parent / "alignment_constraint_points.json").read_text())
each = pytest.mark.parametrize("name", NAMES)


def theorem(name: str) -> Theorem:
    return theorems()[f"alignment.{name}"]


@each
def test_the_kernel_accepts_every_claim_and_its_witness_in_time(name: str) -> None:
    start = time.process_time()
    for claim in theorem(name).claims():
        s = claim.statement.lowered()
        assert claim.steps is not None
        kernel.check(derivation(s, claim.steps), statement(s)[0])
        if s.given:
            kernel.check(at_point(claim.statement.lowered(claim.at), claim.witness or {}, "satisfiable"))
    assert time.process_time() - start < 20


@each
def test_every_needed_hypothesis_has_an_exact_counterexample(name: str) -> None:
    examples = theorem(name).sharpness()
    assert len(examples) >= 2
    for example in examples:
        kernel.check(at_point(example.statement.lowered(), example.point, "refuted"))


def sizes(s: Statement, point: Mapping[str, Any]) -> dict[str, int]:
    """The widths at which a point is given."""
    found: dict[str, int] = {}
    for v in s.lowered().variables:
        value = point[str(v.data[0])]
        for d, n in zip(v.shape, (len(value), len(value[0])) if v.shape else (), strict=True):
            found |= {d: n} if isinstance(d, str) else {}
    return found


@each
def test_false_variants_are_refuted_at_exact_points(name: str) -> None:
    variants = theorem(name).variants()
    assert len(variants) >= 4 and len({v.name for v in variants}) == len(variants)
    for s in variants:
        point = POINTS[name][s.name]
        kernel.check(at_point(s.lowered(sizes(s, point)), point, "refuted"))


def test_there_are_more_than_a_hundred_false_variants() -> None:
    assert sum(len(theorem(name).variants()) for name in NAMES) > 100


@each
def test_a_claim_without_its_steps_is_rejected(name: str) -> None:
    for claim in theorem(name).claims():
        with pytest.raises(kernel.Rejected):
            kernel.check(derivation(claim.statement.lowered(), ()))


@each
def test_samples_are_instances_of_the_theorem(name: str) -> None:
    t = theorem(name)
    for widths in t.certified_at:
        instance = t.sample(ExactDraw(1), widths) if t.sample else None
        if instance is not None and len(instance.values) < 30:
            kernel.check(at_point(instance.statement.lowered(), instance.values, "satisfiable"))


# -- one mode -----------------------------------------------------------------------------------------------------------

positive = st.fractions(Fraction(1, 8), 4, max_denominator=8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(positive, min_size=1, max_size=6), positive, positive, st.sampled_from([Fraction(1), Fraction(3, 4)]))
def test_one_mode_in_plain_fractions(sigma: list[Fraction], q: Fraction, s: Fraction, part: Fraction) -> None:
    """No overshoot, contraction, and the hypotheses again after the step, computed without the library."""
    n, a = len(sigma), q ** len(sigma)
    below = prod(sigma) <= a
    most = q * q + max(sigma) ** 2 - min(sigma) ** 2 if below else max(sigma) ** 2
    rate = part / (n * s * most ** (n - 1))
    other = [prod(sigma[:i] + sigma[i + 1 :], start=Fraction(1)) for i in range(n)]
    after = [x + rate * s * (a - prod(sigma)) * y for x, y in zip(sigma, other, strict=True)]
    before, left = a - prod(sigma), a - prod(after)
    assert before * left >= 0 and min(after) > 0
    if below:
        assert abs(left) <= (1 - rate * s * sum(y * y for y in other)) * abs(before)
        assert max(after) ** 2 - min(after) ** 2 <= max(sigma) ** 2 - min(sigma) ** 2
    else:
        assert abs(left) <= (1 - rate * s * n * q ** (2 * n - 2)) * abs(before)
        assert max(after) <= max(sigma)


def test_the_figures_of_an_overshoot() -> None:
    """N = 2, s = c = 1: from 9/10 the step 3/5 arrives at 5013/5000; the step 1/2 does not overshoot."""
    x, step = Fraction(9, 10), Fraction(3, 5)
    assert x + step * (1 - x * x) * x == Fraction(5013, 5000)
    assert x + Fraction(1, 2) * (1 - x * x) * x < 1
    assert {c.statement.name for c in theorem("one_mode").claims()} >= {
        f"{one_mode.NAME}.three_{x}" for x in ("below", "above")
    }


# -- subspaces ----------------------------------------------------------------------------------------------------------

ALL = [
    *aligned_pairs.ALIGNED,
    *aligned_pairs.UNALIGNED,
    spaces.full(2, 3),
    spaces.mask([[1, 0, 1], [0, 1, 1]]),
    spaces.toeplitz(2, 4),
]


@pytest.mark.parametrize("space", ALL, ids=lambda s: s.name)
def test_patterns_have_orthogonal_bases_and_projections(space: Subspace) -> None:
    assert space.is_orthogonal and space.orthogonal().basis == space.basis
    rows, cols = space.shape
    x = table([(3 * i * i - 5 * j + i * j + 1) % 7 for j in range(cols)] for i in range(rows))
    p = space.projection(x)
    assert space.contains(p) and space.projection(p) == p
    rest = table([a - b for a, b in zip(r, q, strict=True)] for r, q in zip(x, p, strict=True))
    assert all(spaces.inner(E, rest) == 0 for E in space.basis)


def test_gram_matrices() -> None:
    assert [spaces.circulant(k).scale for k in (2, 5)] == [2, 5]
    assert [spaces.lower_toeplitz(4).gram[i][i] for i in range(4)] == [4, 3, 2, 1]
    assert spaces.lower_toeplitz(3).scale is None
    skewed = Subspace("skewed", (table([[1, 0]]), table([[1, 1]])))
    assert not skewed.is_orthogonal and skewed.orthogonal().is_orthogonal
    assert skewed.projection([[2, 3]]) == table([[2, 3]])


def test_a_basis_must_be_independent_and_of_one_shape() -> None:
    with pytest.raises(InvalidInput, match="linearly independent"):
        Subspace("twice", (table([[1, 2]]), table([[2, 4]])))
    with pytest.raises(InvalidInput, match="one shape"):
        Subspace("mixed", (table([[1]]), table([[1, 2]])))
    with pytest.raises(InvalidInput, match="a size >= 1"):
        spaces.circulant(0)


def test_how_many_samples_separate_a_subspace() -> None:
    """The least number of samples (generic columns) with which B X = 0 only for B = 0."""
    X = [[1, 1, 1, 2], [2, 5, 3, 1], [3, 2, 7, 1], [5, 3, 2, 9]]
    found = {
        s.name: next(n for n in range(1, 5) if separates(s, identity(s.shape[0]), cut(X, s, n)))
        for s in (
            spaces.full(3, 3), spaces.toeplitz(3), spaces.lower_toeplitz(3), spaces.banded_toeplitz(3), spaces.circulant(3),
            spaces.diagonal(3), spaces.quaternions(), spaces.symmetric(3),
        )
    }  # fmt: skip
    assert list(found.values()) == [3, 2, 1, 1, 1, 1, 1, 3]


def identity(k: int) -> Any:
    return [[int(i == j) for j in range(k)] for i in range(k)]


def cut(X: list[list[int]], s: Subspace, n: int) -> list[list[int]]:
    return [row[:n] for row in X[: s.shape[1]]]


def test_codimensions() -> None:
    assert constrained_step.codimension(spaces.full(3, 3)) == 6
    assert constrained_step.codimension(spaces.circulant(4)) == 3
    assert constrained_step.codimension(spaces.lower_toeplitz(3)) == 2
    assert constrained_step.codimension(spaces.diagonal(3)) == 0
    with pytest.raises(ValueError, match="ties diagonal entries"):
        constrained_step.outside(Subspace("tied", (table([[1, 1], [0, 0]]),)))


# -- two Toeplitz layers ------------------------------------------------------------------------------------------------


def test_exact_witnesses_of_lost_alignment() -> None:
    one, two, band = toeplitz_flow.ONE, toeplitz_flow.TWO, toeplitz_flow.TRIDIAGONAL
    found = [str(one.commutator(v, toeplitz_flow.DATA)) for v in (*toeplitz_flow.WITNESSES, (1, 1, 2, 0), (1, 0, 1, 0))]
    assert found == ["-49/625", "252/625", "-11/1250", "0", "0"]
    assert str(two.commutator((1, 1, 2, 0), toeplitz_flow.DATA)) == "365301/81920000"
    assert str(band.commutator(toeplitz_flow.BAND, toeplitz_flow.BAND_DATA)) == "-305749857/10485760000"


def test_the_resultant_of_an_autoencoder() -> None:
    p, q, r = toeplitz_trajectories.MOMENTS
    assert (toeplitz_trajectories.resultant(q, p + r) + 8 * q * (p**2 + p * r - q**2) ** 2).expand() == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(-3, 3), min_size=8, max_size=8))
def test_lower_toeplitz_layers_with_a_symmetric_test_are_proportional(c: list[int]) -> None:
    a, b = c[:4], c[4:]
    A, B = ([[x[i - j] if i >= j else 0 for j in range(4)] for i in range(4)] for x in (a, b))
    M = [[sum(A[k][i] * B[k][j] for k in range(4)) for j in range(4)] for i in range(4)]
    symmetric = all(M[i][j] == M[j][i] for i in range(4) for j in range(4))
    assert symmetric == all(a[i] * b[j] == a[j] * b[i] for i in range(4) for j in range(4))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.fractions(-2, 2, max_denominator=3), min_size=8, max_size=8), st.fractions(0, 1, max_denominator=10))
def test_projected_descent_is_the_nearest_point(c: list[Fraction], rate: Fraction) -> None:
    """A step on the coordinates of circulant layers is the nearest layer to the free step."""
    space = spaces.circulant(2)
    W, G = spaces.combined(c[:2], space.basis), table([c[2:4], c[4:6]])
    free = table([x - rate * y for x, y in zip(r, g, strict=True)] for r, g in zip(W, G, strict=True))
    step = spaces.combined([t - rate * spaces.inner(E, G) / 2 for t, E in zip(c[:2], space.basis, strict=True)], space.basis)
    other = spaces.combined(c[6:], space.basis)
    assume(other != step)
    assert space.projection(free) == step

    def distance(x: Any) -> Fraction:
        return sum(((a - b) ** 2 for r, q in zip(x, free, strict=True) for a, b in zip(r, q, strict=True)), Fraction(0))

    assert distance(step) < distance(other)
