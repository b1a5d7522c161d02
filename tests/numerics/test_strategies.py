"""The strategies keep their promises on every example, and shrink to values that a person reads."""

from fractions import Fraction
from functools import reduce
from itertools import pairwise

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from numerics import strategies as s
from numerics.evidence import holds
from theory.algebras.rational import matrix
from theory.errors import InvalidInput

FEW = settings(max_examples=15, deadline=None, derandomize=True, database=None)
QUIET = settings(max_examples=100, deadline=None, derandomize=True, database=None)
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


@FEW
@given(s.widths(3, largest=3).flatmap(lambda d: st.tuples(st.just(d), s.aligned(d), s.aligned(d, ordered=True))))
def test_aligned_layers_have_their_bases_and_cores(case):
    shape, plain, ordered = case
    for a in (plain, ordered):
        assert [(len(w), len(w[0])) for w in a.layers] == list(zip(shape[1:], shape[:-1], strict=True))
        assert all(s.times(q, s.transpose(q)) == s.identity(len(q)) for q in a.bases)
        for w, core, q, p in zip(a.layers, a.cores, a.bases[1:], a.bases[:-1], strict=True):
            assert w == s.times(s.times(q, core), s.transpose(p))
            assert not any(x for i, row in enumerate(core) for j, x in enumerate(row) if i != j)
    for core in ordered.cores:
        diagonal = [core[i][i] for i in range(min(len(core), len(core[0])))]
        assert diagonal == sorted(diagonal, reverse=True) and diagonal[-1] >= 0


@FEW
@given(SIZES.flatmap(lambda n: s.commuting(n, 3)))
def test_commuting_matrices_are_symmetric_and_commute(family):
    for a, b in pairwise(family):
        assert a == s.transpose(a) and s.times(a, b) == s.times(b, a)


def gradients(c: s.CriticalPoint) -> list[fmpq_mat]:
    """W_{N:i+1}^T (P X - Y) X^T W_{i-1:1}^T for each layer."""
    layers, x, y = [matrix(w) for w in c.layers], matrix(c.X), matrix(c.Y)
    chain = lambda some, n: reduce(lambda p, w: w * p, some, matrix(s.identity(n)))  # noqa: E731
    force = (chain(layers, x.nrows()) * x - y) * x.transpose()
    after = [chain(layers[i + 1 :], layers[i].nrows()) for i in range(len(layers))]
    before = [chain(layers[:i], x.nrows()) for i in range(len(layers))]
    return [a.transpose() * force * b.transpose() for a, b in zip(after, before, strict=True)]


@FEW
@given(s.widths(largest=3).flatmap(lambda d: st.one_of(s.critical(d), s.critical(d, rank=1))))
def test_critical_points_have_no_gradient(c):
    assert not any(any(any(row) for row in g.table()) for g in gradients(c))


def test_critical_points_that_are_no_minima_are_within_reach_and_shrink():
    """Also the strategy's own residual, not only zero: P X differs from Y although X is invertible."""
    found = find(s.critical((1, 1, 1)), lambda c: s.times(s.times(c.layers[1], c.layers[0]), c.X) != c.Y, settings=QUIET)
    assert (found.layers, found.X) == ((((0,),),) * 2, ((1,),)) and abs(found.Y[0][0]) == 1


def test_structured_examples_shrink():
    plain = find(s.aligned((1, 2)), lambda a: any(x for row in a.layers[0] for x in row), settings=QUIET)
    assert plain.layers == (((1,), (0,)),) and plain.bases == (s.identity(1), s.identity(2))
    assert find(s.commuting(1), lambda m: m[0][0][0] < 0, settings=QUIET) == (((-1,),), ((0,),))
    assert find(s.critical((1, 1)), lambda c: True, settings=QUIET) == s.CriticalPoint((((0,),),), ((1,),), ((0,),))


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


@pytest.mark.parametrize("make", [lambda: s.of_rank(2, 2, 3), lambda: s.critical((2, 2, 2), rank=-1)])
def test_an_impossible_rank_is_refused(make):
    with pytest.raises(InvalidInput, match="rank"):
        find(make(), lambda a: True, settings=QUIET)
