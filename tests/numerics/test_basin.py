"""Basins: the edges of the proven sets in exact arithmetic, the bounds along flows, plain answers and refusals."""

from fractions import Fraction
from math import inf, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.basin import Basin, Proof, basin
from numerics.experiments import experiment
from numerics.experiments import minima_basins as flows
from numerics.experiments.problems import Problem
from numerics.minimum import Moments, minimise, noise_averaged_loss
from theory.errors import InvalidInput

SIMPLE = Moments.from_moments([[1]], [2], 4)
small = st.integers(-40, 40).map(lambda k: Fraction(k, 32))
decays = st.integers(1, 24).map(lambda k: Fraction(k, 8))


def chain(*values):
    """One neuron in every layer."""
    return [np.array([[float(x)]]) for x in values]


# -- the edges, in rational arithmetic ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(small, min_size=3, max_size=5), st.lists(decays, min_size=5, max_size=5), st.integers(1, 20))
def test_the_ball_is_where_it_is_exactly(weights, gammas, signal):
    """|theta|^2 < N (m/|g|)^{2/(D-1)}, raised to the power D - 1."""
    n, gammas, g = len(weights), gammas[: len(weights)], Fraction(signal, 8)
    moments = Moments.from_moments([[1]], [float(g)], float(g) ** 2 + 1)
    found = basin(chain(*weights), moments, [float(c) for c in gammas])
    left, right = sum(w * w for w in weights) ** (n - 2) * g * g, n ** (n - 2) * min(gammas) ** 2
    if found.proof is Proof.BALL:
        assert left < right
    if left < right * Fraction(999, 1000):
        assert found.proof is Proof.BALL and found.rate == 4 * float(min(gammas))


@settings(max_examples=60, deadline=None)
@given(st.lists(small, min_size=3, max_size=4), st.lists(decays, min_size=4, max_size=4), st.integers(1, 20))
def test_the_level_set_is_where_it_is_exactly(weights, gammas, signal):
    n, gammas, g = len(weights), gammas[: len(weights)], Fraction(signal, 8)
    moments = Moments.from_moments([[1]], [float(g)], float(g) ** 2 + 1)
    found = basin(chain(*weights), moments, [float(c) for c in gammas])
    v, wall = prod(weights), prod(gammas) / g**n
    excess = v * v - 2 * v * g + sum(c * w * w for c, w in zip(gammas, weights, strict=True))
    part, height = abs(v) ** (n - 2) / wall, max(excess, 0) ** (n - 2) / (((n - 2) * g) ** (n - 2) * wall)
    if found.proof is Proof.LEVEL_SET:
        assert part < 1 and height < 1 and excess > 0 and found.rate > 0
    assert found.excess == pytest.approx(float(excess), abs=1e-12)
    if max(part, height) < Fraction(99, 100):
        assert found.proof in (Proof.BALL, Proof.LEVEL_SET)


def test_named_starts():
    """Decays 1, A = 1, g = 2: rho_0 = 3/4, t_0 = 1/8, and all weights 1 is a minimum."""
    assert basin(chain(0.49, 0.49, 0.49), SIMPLE, 1.0).proof is Proof.BALL
    assert basin(chain(0.51, 0.51, 0.51), SIMPLE, 1.0).proof is Proof.NONE
    assert basin(chain(1, 1, 1), SIMPLE, 1.0).collapses is None
    skew = basin(chain(0.2, 0.2, 0.9), SIMPLE, [1, 1, 0.1])
    assert skew.proof is Proof.NONE
    assert basin(chain(0.0, 0.0, 1.0), Moments.from_moments([[1]], [1], 1), [4, 4, 0.5]).proof is Proof.LEVEL_SET


def test_the_least_decay_decides():
    start = chain(0.3, 0.3, 0.3)
    assert basin(start, SIMPLE, [1, 1, 1]).proof is Proof.BALL
    assert basin(start, SIMPLE, [2, 2, 0.5]).radius == pytest.approx(3 / 16)
    assert basin(start, SIMPLE, [1, 1, 0]).proof is Proof.NONE


def test_one_hidden_layer():
    below, above = basin(chain(5, -7), SIMPLE, [2.1, 2.0]), basin(chain(0.1, -0.1), SIMPLE, [2.0, 1.9])
    assert below.proof is Proof.ONE_HIDDEN_LAYER and above.proof is Proof.NONE
    least = np.linalg.eigvalsh(2 * np.array([[2.1, -2], [-2, 2.0]]))[0]
    assert below.rate == pytest.approx(2 * least, rel=1e-12)
    assert above.radius is above.wall is above.barrier is None
    tie = basin(chain(1, 1), SIMPLE, [2.0, 2.0])
    assert tie.proof is Proof.NONE, "at |g|^2 = Gamma floats do not decide"


def test_large_decays_leave_only_zero():
    """Beyond Gamma_all = 27/16: from anywhere, without a rate."""
    found = basin(chain(9, 9, 9), SIMPLE, 1.7 ** (1 / 3))
    assert found.proof is Proof.EVERYWHERE and found.rate is None and found.bound(1.0) == inf and found.collapses
    assert basin(chain(9, 9, 9), SIMPLE, 1.68 ** (1 / 3)).proof is Proof.NONE


def test_noise_counts_where_it_should():
    wide = [np.full((2, 1), 1.0), np.full((2, 2), 1.0), np.full((1, 2), 1.0)]
    assert basin(wide, SIMPLE, 1.0).proof is Proof.NONE
    assert basin(wide, SIMPLE, 1.0, noise=2.0).proof is Proof.EVERYWHERE, "noise lowers the critical decay"


def test_a_start_below_the_loss_of_zero_does_not_fall_to_zero():
    minimum = minimise(SIMPLE, (1, 2, 2, 1), decay=0.5)
    found = basin(minimum.weights(), SIMPLE, 0.5)
    assert found.proof is Proof.BELOW_ZERO and found.collapses is False and found.rate is None
    assert found.excess == pytest.approx(minimum.loss - 4)
    assert basin(chain(1, 1, 1), SIMPLE, 0.0).proof is Proof.BELOW_ZERO


def test_no_signal_and_no_hidden_layer():
    silent = Moments.from_moments([[1]], [0], 4)
    for layers in (chain(3), chain(3, 2), chain(3, 2, 1)):
        found = basin(layers, silent, 0.5)
        assert found.proof is Proof.NO_SIGNAL and found.rate == 2.0
    assert basin(chain(0.1), SIMPLE, 0.5).proof is Proof.RIDGE and basin(chain(0.1), SIMPLE, 0.5).collapses is False


def test_zero_itself_is_in_the_ball():
    found = basin(chain(0, 0, 0), SIMPLE, 1.0)
    assert found.proof is Proof.BALL and found.bound(0.0) == 0.0


# -- bounds along flows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", flows.KINDS)
def test_bounds_start_at_the_norm_and_fall(kind):
    make, proofs = flows.KINDS[kind]
    rng = np.random.default_rng(11)
    for _ in range(5):
        at = flows.found(make(rng))
        assert at.proof in proofs and at.rate is not None
        assert at.bound(0.0) == pytest.approx(at.squared_norm)
        falls = [at.bound(t) for t in (0, 1, 2, 50 / at.rate)]
        assert falls == sorted(falls, reverse=True) and falls[-1] < at.squared_norm * 1e-6


def test_the_ball_bound_is_attained():
    """One neuron a layer, A near 0, equal weights: the norm lemma and the inequality of the means are equalities."""
    a = 1e-9
    p = Problem(Moments.from_moments([[a]], [1], 1 / a), (1, 1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0))
    start = p, chain(0.9, 0.9, 0.9)
    at = flows.found(start)
    times, sizes = flows.flow(start, at)
    early = sizes > 1e-6
    assert sizes[early] == pytest.approx([at.bound(t) for t in times[early]], rel=1e-5)


def test_just_outside_of_the_ball_a_flow_may_stay_away():
    a = 1e-3
    p = Problem(Moments.from_moments([[a]], [1], 1 / a), (1, 1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0))
    outside, inside = (p, chain(*[1 + 3 * a] * 3)), (p, chain(*[1 - a] * 3))
    assert flows.found(outside).proof is Proof.NONE and flows.found(inside).proof is Proof.BALL
    assert flows.flow(outside, flows.found(outside))[1][-1] > 3
    assert flows.flow(inside, flows.found(inside))[1][-1] < 1e-6


FALSE_BOUNDS = {
    "ball": lambda self, t, right=Basin.bound: right(self, 1.3 * t),
    "level set": lambda self, t: self.squared_norm * np.exp(-4 * self.rate * t),
    "one hidden layer": lambda self, t: self.squared_norm * np.exp(-1.3 * self.rate * t),
}


@pytest.mark.parametrize("kind", FALSE_BOUNDS)
def test_the_experiment_fails_with_a_bound_that_is_too_small(kind, monkeypatch):
    monkeypatch.setattr(flows, "KINDS", {kind: flows.KINDS[kind]})
    assert experiment("minima.B18").run(seed=1).passed
    monkeypatch.setattr(Basin, "bound", FALSE_BOUNDS[kind])
    assert not experiment("minima.B18").run(seed=1).passed


@pytest.mark.thorough
def test_two_hundred_flows_in_each_basin():
    outcome = experiment("minima.B18").run(thorough=True)
    assert outcome.passed, outcome.figures
    assert outcome.figures["ball: flows"] == outcome.figures["level set: flows"] == 200


# -- refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([np.ones((1, 2))], "chain"),
        ([np.ones((2, 1)), np.ones((1, 3))], "chain"),
        ([np.ones((2, 1))], "one output"),
        ([np.ones(1)], "layer 1"),
        ([np.ones((1, 1)), np.array([[np.nan]])], "layer 2"),
        ([np.array([["a"]])], "layer 1"),
        ([np.full((1, 1), 1e200), np.full((1, 1), 1e200)], "overflow"),
        ([], "chain"),
    ],
)
def test_weights_that_are_refused(layers, words):
    with pytest.raises(InvalidInput, match=words):
        basin(layers, SIMPLE, 1.0)


def test_bad_decay_and_noise_are_refused():
    for more in ({"decay": -1}, {"decay": [1, 1]}, {"decay": 1, "noise": np.nan}):
        with pytest.raises(InvalidInput, match=r"decay|noise"):
            basin(chain(1, 1, 1), SIMPLE, more["decay"], noise=more.get("noise", 0.0))


def test_small_weights_and_decays_keep_their_digits():
    """A level set of size 1e-9, beside a loss of 4."""
    found = basin(chain(1e-6, 1e-6, 2e-4), SIMPLE, [1e-3, 1e-3, 1e-5])
    assert found.proof is Proof.LEVEL_SET and 0 < found.excess < found.barrier < 1e-9
    assert found.excess == pytest.approx(2e-15 + 4e-13 - 8e-16, rel=1e-9)


def test_symmetries_change_nothing():
    rng = np.random.default_rng(4)
    p, layers = flows.in_level_set(rng)
    order = rng.permutation(p.widths[1])
    moved = [-layers[0][order], -layers[1][:, order], *layers[2:]]
    one, other = flows.found((p, layers)), flows.found((p, moved))
    assert one.proof is other.proof and one.rate == pytest.approx(other.rate)
    assert noise_averaged_loss(moved, p.moments, decay=p.decay, noise=p.noise) - p.moments.target == pytest.approx(other.excess)
