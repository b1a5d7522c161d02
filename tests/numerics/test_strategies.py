"""The strategies keep their promises on every example, and shrink to values that a person reads."""

from fractions import Fraction
from itertools import pairwise

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from numerics import strategies as s
from numerics.evidence import holds
from theory.algebras.rational import matrix
from theory.errors import InvalidInput

FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
QUIET = settings(max_examples=300, deadline=None, derandomize=True, database=None)
SIZES = st.integers(1, 4)


def block(m: s.ExactMoments) -> fmpq_mat:
    """[[A, g], [g^T, Y]]."""
    rows = [[*a, *g] for a, g in zip(m.A, m.g, strict=True)]
    return matrix([*rows, [*(g[0] for g in m.g), m.Y]])


@FEW
@given(s.widths(), s.widths(3, largest=2, output=1))
def test_widths_are_positive_and_end_as_asked(some, other):
    assert 2 <= len(some) <= 5 and all(1 <= d <= 4 for d in some)
    assert len(other) == 4 and other[-1] == 1 and max(other) <= 2


@FEW
@given(SIZES.flatmap(s.orthogonal))
def test_orthogonal_matrices_are_orthogonal(q):
    assert s.times(q, s.transpose(q)) == s.identity(len(q)) == s.times(s.transpose(q), q)


@FEW
@given(SIZES.flatmap(s.psd), st.data())
def test_semidefinite_matrices_are_semidefinite_of_the_rank_asked_for(a, data):
    assert holds(">=", matrix(a))
    assert matrix(data.draw(s.psd(4, rank=2))).rank() <= 2


@FEW
@given(SIZES.flatmap(s.moments), s.moments(3, samples=1))
def test_moments_are_consistent(m, thin):
    assert holds(">=", block(m))
    assert matrix(thin.A).rank() <= 1


@FEW
@given(st.tuples(SIZES, SIZES).flatmap(lambda d: st.tuples(st.just(d), st.integers(0, min(d)))), st.data())
def test_rank_is_exact(case, data):
    (rows, cols), rank = case
    assert matrix(data.draw(s.of_rank(rows, cols, rank))).rank() == rank


@FEW
@given(s.widths(3, largest=3).flatmap(lambda d: st.tuples(st.just(d), s.balanced(d))))
def test_balanced_layers_are_balanced(case):
    shape, layers = case
    assert [(len(w), len(w[0])) for w in layers] == list(zip(shape[1:], shape[:-1], strict=True))
    for left, right in pairwise(layers):
        assert s.times(s.transpose(right), right) == s.times(left, s.transpose(left))


@FEW
@given(s.symmetric(3), s.networks((2, 3, 1)))
def test_symmetric_matrices_and_networks_have_their_shapes(a, layers):
    assert a == s.transpose(a)
    assert [(len(w), len(w[0])) for w in layers] == [(3, 2), (1, 3)]


def test_examples_shrink_to_zeros_ones_and_the_identity():
    assert find(s.orthogonal(2), lambda q: True, settings=QUIET) == s.identity(2)
    assert find(s.matrices(1, 2), lambda a: a[0][1] != 0, settings=QUIET) == ((0, 1),)
    assert find(s.numbers(), lambda x: x < 0, settings=QUIET) == -1
    assert find(s.balanced((1, 1)), lambda w: any(w[0][0]), settings=QUIET) == (((Fraction(1),),),)
    m = find(s.moments(1), lambda m: m.g[0][0] != 0, settings=QUIET)
    assert (m.A, m.g, m.Y) == (((Fraction(1, 2),),), ((Fraction(1, 2),),), Fraction(1, 2))


def test_every_orthogonal_matrix_with_a_negative_determinant_is_within_reach():
    reflection = lambda q: q[0][0] * q[1][1] < q[0][1] * q[1][0] and 0 < abs(q[0][0]) < 1  # noqa: E731
    q = find(s.orthogonal(2), reflection, settings=settings(QUIET, phases=[Phase.generate]))
    assert matrix(q).det() == fmpq(-1)


@pytest.mark.parametrize("make", [lambda: s.widths(0), lambda: s.matrices(0, 1), lambda: s.widths(largest=0)])
def test_impossible_sizes_are_refused(make):
    with pytest.raises(InvalidInput):
        make()


def test_an_impossible_rank_is_refused():
    with pytest.raises(InvalidInput, match="rank"):
        find(s.of_rank(2, 2, 3), lambda a: True, settings=QUIET)
