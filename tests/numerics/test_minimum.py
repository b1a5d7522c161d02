"""The global-minimum solver against exact arithmetic, brute-force averages, gradients and every degenerate case."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import inf, prod
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.minimum import Minimum, Moments, minimise, noise_averaged_gradient, noise_averaged_loss
from numerics.minimum_equation import FloatEquation
from theory.errors import InvalidInput
from theory.scalar_equation import LAMBDA, Kind, Verdict, exact_minimum, noise_factor
from theory.scalar_roots import evaluate, positive_roots

F = Fraction
PITFALL = Moments.from_moments(np.diag([1.0, 100.0]), [1.0, 3.5], 2.0)


def random_moments(rng: np.random.Generator, features: int, samples: int | None = None) -> Moments:
    """Moments of random data, hence consistent; singular where there are fewer samples than features."""
    x = rng.normal(size=(samples or features + 3, features)) * 3.0 ** rng.normal(size=features)
    return Moments.from_data(x, x @ rng.normal(size=features) + rng.normal(size=len(x)))


def nonzero(minimum: Minimum):
    """The roots in order of increasing lambda, as the exact solver lists them."""
    return [point for point in minimum.stationary if point.lam < inf][::-1]


def agree(exact, minimum: Minimum, tolerance: float) -> None:
    """Same verdict, same number and kinds of stationary points, close lambda and values."""
    points = nonzero(minimum)
    assert minimum.verdict is exact.verdict
    assert [point.kind for point in points] == [point.kind for point in exact.stationary]
    for point, truth in zip(points, exact.stationary, strict=True):
        assert point.lam == pytest.approx(float(truth.lam), rel=tolerance)
        assert abs(point.excess - float(truth.value)) <= tolerance * (1 + abs(float(truth.value)))


# Agreement with the exact route


@pytest.mark.parametrize(
    ("second", "cross", "hidden", "decay", "excess", "energy"),
    [
        ([[1]], [3], 1, [1, 1], -4, 2),
        ([[1]], [4], 1, [1, 4], -4, 4),
        ([[1]], [2.5], 2, [1, 1, 0.25], -3, 1),
        ([[1]], [2.5], 3, [1, 1, 1, 0.25], -2, 1),
        ([[1, 0], [0, 2]], [1.2, 2.4], 1, [1, 1], -41 / 25, 1),
        ([[1, 0], [0, 2]], [1.25, 0], 2, [0.25] * 3, -0.75, 0.25),
    ],
)
def test_rational_instances(second, cross, hidden, decay, excess, energy):
    found = minimise(Moments.from_moments(second, cross, 40), (len(cross), *[1] * hidden, 1), decay=decay)
    assert found.loss == pytest.approx(40 + excess, abs=1e-13) and found.energy == pytest.approx(energy, rel=1e-13)
    assert found.verdict is Verdict.NONTRIVIAL and found.attained


def test_the_minimum_among_four_roots_is_not_the_one_of_largest_energy():
    found = minimise(PITFALL, (2, 1, 1, 1), decay=[1, 1, 0.1])
    assert [point.energy for point in nonzero(found)] == pytest.approx([0.226236, 0.129511, 0.0477613, 0.00860843], rel=1e-5)
    assert found.energy == pytest.approx(0.0477613, rel=1e-5) and found.loss == pytest.approx(2 - 0.0119455, rel=1e-6)
    assert [round(point.loss - 2, 6) for point in found.local_minima] == [-0.011945, -0.006229, 0.0]


def rotated_instance(rng: Random):
    """Rational A (sometimes singular) in a random rational frame, g in its range, q, decays, widths, noise."""
    size, hidden = rng.randint(1, 4), rng.randint(1, 4)
    values = [F(10) ** rng.randint(-1, 2) * rng.randint(1, 9) for _ in range(size)]
    values[0] *= rng.random() > 0.3
    frame = [[F(i == j) for j in range(size)] for i in range(size)]
    for i in range(size - 1):
        t = F(rng.randint(-3, 3), rng.randint(1, 3))
        c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        for row in frame:
            row[i], row[i + 1] = c * row[i] - s * row[i + 1], s * row[i] + c * row[i + 1]
    seen = [F(rng.randint(-20, 20), rng.randint(1, 5)) if value else F(0) for value in values]
    second = [[sum(u[k] * values[k] * v[k] for k in range(size)) for v in frame] for u in frame]
    cross = [sum(u[k] * seen[k] for k in range(size)) for u in frame]
    explained = sum(s * s / value for s, value in zip(seen, values, strict=True) if value)
    decay = [F(rng.randint(1, 20), 10) * F(10) ** rng.randint(-1, 1) for _ in range(hidden + 1)]
    widths, noise = [rng.randint(1, 3) for _ in range(hidden)], [F(rng.randint(0, 3), 2) for _ in range(hidden)]
    return second, cross, explained, decay, widths, noise


@pytest.mark.parametrize("seed", range(5))
def test_exact_and_float_routes_agree(seed):
    rng = Random(seed)
    for _ in range(80):
        second, cross, explained, decay, widths, noise = rotated_instance(rng)
        kappa = noise_factor(widths, noise)
        exact = exact_minimum(second, cross, depth=len(decay), decay_product=prod(decay), noise_factor=kappa)
        moments = Moments.from_moments(np.array(second, float), np.array(cross, float), float(explained) + 1)
        found = minimise(moments, (len(cross), *widths, 1), decay=[float(x) for x in decay], noise=[float(x) for x in noise])
        agree(exact, found, 1e-9)
        assert found.critical_decay_product == pytest.approx(float(exact.critical_decay_product), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_routes_agree_where_there_are_many_roots(seed):
    """Spread eigenvalues with balanced weights, Gamma between two turning values of F: four roots and more."""
    rng, counts = Random(seed), []
    for _ in range(40):
        hidden, values = rng.randint(2, 4), [F(1)]
        for _ in range(rng.randint(1, 3)):
            values.append(values[-1] * rng.randint(20, 400))
        power = (hidden - 1) / (2 * hidden)
        cross = [F(round(1000 * float(a) ** power * rng.uniform(0.6, 1.6)), 1000) for a in values]
        second = [[a * (i == j) for j in range(len(values))] for i, a in enumerate(values)]
        decay = between_turning_values(second, cross, hidden, rng)
        exact = exact_minimum(second, cross, depth=hidden + 1, decay_product=decay)
        moments = Moments.from_moments(np.array(second, float), np.array(cross, float), 20.0 * len(values))
        agree(exact, minimise(moments, (len(values), *[1] * hidden, 1), decay=[1.0] * hidden + [float(decay)]), 1e-10)
        counts.append(len(exact.stationary))
    assert sum(count >= 4 for count in counts) >= 10


def between_turning_values(second, cross, hidden: int, rng: Random) -> Fraction:
    eq = exact_minimum(second, cross, depth=hidden + 1, decay_product=1).equation
    m, delta = eq.slope, eq.denominator
    turning = (hidden + 1) * m * delta + hidden * LAMBDA * (m.derivative() * delta - 2 * m * delta.derivative())
    top, bottom = LAMBDA ** (hidden + 1) * m**hidden, delta ** (2 * hidden)
    values = [float(evaluate(top, x) / evaluate(bottom, x)) for x, _ in positive_roots(turning)]
    low, high = sorted(rng.sample(values, 2)) if len(values) > 1 else (0.0, values[0])
    return F(low + (high - low) * rng.choice([0.5, 0.1, 1e-3, 1e-7])).limit_denominator(10**14)


# The noise-averaged loss


def test_loss_is_the_average_over_dropout_masks():
    """Enumerates every mask of Bernoulli dropout (kept with probability q_i, scaled by 1/q_i: variance (1-q_i)/q_i)."""
    rng = np.random.default_rng(0)
    widths, keep = (2, 3, 2, 1), (0.5, 0.8)
    layers = [rng.normal(size=pair) for pair in zip(widths[1:], widths[:-1], strict=True)]
    x, y = rng.normal(size=(5, 2)), rng.normal(size=5)
    total = 0.0
    for mask in product([0, 1], repeat=5):
        first, second = np.array(mask[:3]), np.array(mask[3:])
        chance = np.prod(np.where(first, keep[0], 1 - keep[0])) * np.prod(np.where(second, keep[1], 1 - keep[1]))
        hidden = (layers[1] @ ((layers[0] @ x.T) * (first / keep[0])[:, None])) * (second / keep[1])[:, None]
        total += chance * np.mean((layers[2] @ hidden - y) ** 2)
    penalty = sum(c * np.sum(w**2) for c, w in zip((0.1, 0.2, 0.3), layers, strict=True))
    noise = [(1 - q) / q for q in keep]
    moments = Moments.from_data(x, y)
    assert noise_averaged_loss(layers, moments, decay=(0.1, 0.2, 0.3), noise=noise) == pytest.approx(total + penalty, rel=1e-13)


@pytest.mark.parametrize("widths", [(3, 1), (2, 3, 1), (3, 2, 4, 1), (2, 1, 3, 2, 1)])
def test_gradient_matches_central_differences(widths):
    rng = np.random.default_rng(len(widths))
    moments = random_moments(rng, widths[0])
    layers = [rng.normal(size=pair) for pair in zip(widths[1:], widths[:-1], strict=True)]
    options = {"decay": rng.uniform(0, 1, len(layers)), "noise": rng.uniform(0, 1, len(layers) - 1)}
    step = [rng.normal(size=w.shape) for w in layers]

    def along(t: float) -> float:
        return noise_averaged_loss([w + t * s for w, s in zip(layers, step, strict=True)], moments, **options)

    slope = sum(np.vdot(g, s) for g, s in zip(noise_averaged_gradient(layers, moments, **options), step, strict=True))
    estimate = (8 * (along(1e-3) - along(-1e-3)) - (along(2e-3) - along(-2e-3))) / 12e-3
    assert estimate == pytest.approx(slope, rel=1e-8, abs=1e-8)


def test_loss_rejects_layers_that_do_not_chain():
    for layers in ([], [np.ones((2, 3)), np.ones((1, 2))], [np.ones((2, 2)), np.ones((1, 3))], [np.ones((2, 2))]):
        with pytest.raises(InvalidInput) as caught:
            noise_averaged_loss(layers, PITFALL)
        assert caught.value.argument == "layers"


# Weights


@pytest.mark.parametrize("widths", [(3, 1), (3, 4, 1), (3, 2, 5, 1), (3, 1, 4, 2, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_weights_attain_every_stationary_value(widths, seed):
    rng = np.random.default_rng(seed)
    moments, decay = random_moments(rng, 3), rng.uniform(0.005, 0.05, len(widths) - 1)
    noise = rng.uniform(0, 1, len(widths) - 2)
    found = minimise(moments, widths, decay=decay, noise=noise)
    signs = [rng.choice([-1.0, 1.0], d) for d in widths[1:-1]]
    scale = max(1.0, moments.target)
    for point in found.stationary:
        layers = found.weights(signs, at=point)
        assert abs(noise_averaged_loss(layers, moments, decay=decay, noise=noise) - point.loss) <= 1e-10 * scale
        gradient = noise_averaged_gradient(layers, moments, decay=decay, noise=noise)
        assert max(np.abs(g).max() for g in gradient) <= 1e-8 * scale
        assert [c * np.sum(w**2) for c, w in zip(decay, layers, strict=True)] == pytest.approx([point.energy] * len(decay))
    mean = found.weights()[0]
    for layer in found.weights()[1:]:
        mean = layer @ mean
    assert mean[0] == pytest.approx(found.predictor, abs=1e-12) and found.verdict is Verdict.NONTRIVIAL
    assert found.layer_energies == pytest.approx([found.energy] * len(decay))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.floats(-3, 1))
def test_no_weights_are_below_the_minimum(seed, hidden, log_scale):
    rng = np.random.default_rng(seed)
    widths = (int(rng.integers(1, 4)), *rng.integers(1, 4, hidden), 1)
    moments = random_moments(rng, widths[0], int(rng.integers(1, 5)))
    decay, noise = 10 ** rng.uniform(-3, 0, hidden + 1), rng.choice([0.0, 0.3, 1.0], hidden)
    found = minimise(moments, widths, decay=decay, noise=noise)
    near = [w + 10**log_scale * rng.normal(size=w.shape) for w in found.weights()]
    assert noise_averaged_loss(near, moments, decay=decay, noise=noise) >= found.loss - 1e-10 * max(1, moments.target)


def test_patterns_are_signs_with_noise_and_any_direction_without():
    moments = Moments.from_moments([[1]], [2], 4)
    tilted = np.array([0.6, 0.8]) * np.sqrt(2)
    quiet, noisy = (minimise(moments, (1, 2, 1), decay=1.0, noise=s) for s in (0.0, 1.0))
    layers = quiet.weights([tilted])
    assert layers[0][:, 0] == pytest.approx([0.6, 0.8])
    assert noise_averaged_loss(layers, moments, decay=1.0) == pytest.approx(quiet.loss) == pytest.approx(3)
    assert noise_averaged_loss(layers, moments, decay=1.0, noise=1.0) == pytest.approx(4 - 288 / 625)
    assert noisy.loss == pytest.approx(4 - 2 / 3)
    for pattern in ([tilted], [np.ones(3)], [], [[2.0, 0.0]]):
        with pytest.raises(InvalidInput, match="signs"):
            noisy.weights(pattern)


def test_width_one_layers():
    """d_i = 1: the sphere of a pattern is the two signs, with noise or without."""
    found = minimise(PITFALL, (2, 1, 1, 1), decay=[1, 1, 0.1])
    flipped = found.weights([[-1.0], [1.0]])
    assert noise_averaged_loss(flipped, PITFALL, decay=[1, 1, 0.1]) == pytest.approx(found.loss)
    with pytest.raises(InvalidInput, match="signs"):
        found.weights([[0.5], [1.0]])


# Degenerate data and parameters


def test_singular_moments_from_data_equal_the_reduced_problem():
    rng = np.random.default_rng(3)
    base, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    mix = np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    wide = minimise(Moments.from_data(base @ mix, y), (5, 3, 2, 1), decay=1e-3, noise=0.5)
    thin = minimise(Moments.from_data(base, y), (2, 3, 2, 1), decay=1e-3, noise=0.5)
    assert wide.loss == pytest.approx(thin.loss, rel=1e-12) and wide.moments.eigenvalues.size == 2
    assert wide.predictor == pytest.approx(thin.predictor @ mix, rel=1e-9)


def test_singular_moments_given_as_such():
    a = np.outer([0.6, 0.8], [0.6, 0.8])
    found = minimise(Moments.from_moments(a, [1.5, 2.0], 7), (2, 1, 1, 1), decay=[1, 1, 0.25])
    assert found.loss == pytest.approx(4) and found.moments.eigenvalues.size == 1


def test_one_sample():
    found = minimise(Moments.from_data([[3.0, 4.0]], [5.0]), (2, 2, 1), decay=0.01, noise=0.5)
    assert found.verdict is Verdict.NONTRIVIAL and found.predictor[0] / found.predictor[1] == pytest.approx(0.75)


@pytest.mark.parametrize("hidden", [0, 1, 3])
@pytest.mark.parametrize("decay", [0.5, 0.0])
def test_no_correlation_means_zero(hidden, decay):
    found = minimise(Moments.from_moments(np.eye(2), [0, 0], 3), (2, *[2] * hidden, 1), decay=decay)
    assert found.verdict is Verdict.TRIVIAL and found.loss == 3 and found.attained and found.critical_decay_product == 0
    assert all(not w.any() for w in found.weights())


def test_inputs_that_are_all_zero():
    found = minimise(Moments.from_data(np.zeros((4, 2)), np.arange(4.0)), (2, 2, 1), decay=0.5)
    assert found.verdict is Verdict.TRIVIAL and found.moments.eigenvalues.size == 0


@pytest.mark.parametrize("seed", range(5))
def test_depth_one_is_ridge_regression(seed):
    rng = np.random.default_rng(seed)
    moments = random_moments(rng, 4, 3 if seed % 2 else 9)
    found = minimise(moments, (4, 1), decay=0.3)
    ridge = np.linalg.solve(moments.second + 0.3 * np.eye(4), moments.cross)
    assert found.predictor == pytest.approx(ridge, rel=1e-10) and found.weights()[0][0] == pytest.approx(ridge, rel=1e-10)
    assert found.loss == pytest.approx(moments.target - moments.cross @ ridge, rel=1e-12)
    assert found.critical_decay == inf and [point.kind for point in found.stationary] == [Kind.MINIMUM]


def test_depth_one_without_decay_is_least_squares():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    found = minimise(Moments.from_data(x, y), (3, 1), decay=0.0)
    assert found.attained and found.weights()[0][0] == pytest.approx(np.linalg.lstsq(x, y)[0], rel=1e-10)


@pytest.mark.parametrize("decay", [[0, 1], [1, 0], [0, 1, 1], [0, 0, 1]])
def test_some_zero_decay_is_not_attained(decay):
    """The infimum is E[y^2] - q/kappa; tiny positive decays in place of the zeros approach it from above."""
    moments, widths = Moments.from_moments([[1]], [1], 2), (1, *[2] * (len(decay) - 1), 1)
    found = minimise(moments, widths, decay=decay, noise=1.0)
    assert not found.attained and found.loss == pytest.approx(2 - 1.5 ** (1 - len(decay)))
    with pytest.raises(InvalidInput, match="decay"):
        found.weights()
    losses = [minimise(moments, widths, decay=np.maximum(decay, tiny), noise=1.0).loss for tiny in (1e-4, 1e-8, 1e-12, 1e-16)]
    assert losses == sorted(losses, reverse=True) and losses[-1] > found.loss
    assert losses[-1] == pytest.approx(found.loss, abs=1e-3)


def test_all_zero_decay_is_attained():
    moments = random_moments(np.random.default_rng(0), 3)
    found = minimise(moments, (3, 2, 4, 1), decay=0.0, noise=[0.5, 2.0])
    layers = found.weights()
    assert found.attained and noise_averaged_loss(layers, moments, noise=[0.5, 2.0]) == pytest.approx(found.loss, rel=1e-12)
    assert max(np.abs(g).max() for g in noise_averaged_gradient(layers, moments, noise=[0.5, 2.0])) < 1e-12
    assert np.ptp(found.layer_norms) < 1e-12 and found.layer_energies == (0, 0, 0)


@pytest.mark.parametrize(
    ("decay", "kind"),
    [
        ([0, 0, 0], Kind.SADDLE),
        ([1, 0, 0], Kind.SADDLE),
        ([1, 0, 1], Kind.MINIMUM),
        ([0, 1], Kind.SADDLE),
        ([1, 1, 1], Kind.MINIMUM),
    ],
)
def test_kind_of_the_origin(decay, kind):
    found = minimise(Moments.from_moments([[1]], [1], 1), (1, *[1] * (len(decay) - 1), 1), decay=decay)
    assert found.stationary[0].lam == inf and found.stationary[0].kind is kind


def test_the_origin_below_and_above_the_threshold_of_one_hidden_layer():
    moments = Moments.from_moments([[1]], [2], 4)
    below, above = (minimise(moments, (1, 3, 1), decay=c) for c in (1.9, 2.0))
    assert [point.kind for point in below.stationary] == [Kind.SADDLE, Kind.MINIMUM] and len(below.local_minima) == 1
    assert [point.kind for point in above.stationary] == [Kind.MINIMUM] and above.verdict is Verdict.TRIVIAL


# The transition


@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
@pytest.mark.parametrize("gap", [1e-6, 1e-3, 0.3])
def test_verdict_changes_at_the_critical_decay(hidden, gap):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        moments, widths = random_moments(rng, 3), (3, *rng.integers(1, 4, hidden), 1)
        noise = rng.choice([0.0, 0.3, 1.0], hidden)
        critical = minimise(moments, widths, decay=1.0, noise=noise).critical_decay
        assert minimise(moments, widths, decay=critical * (1 - gap), noise=noise).verdict is Verdict.NONTRIVIAL
        assert minimise(moments, widths, decay=critical * (1 + gap), noise=noise).verdict is Verdict.TRIVIAL


def test_ties_at_the_critical_decay():
    """D = 2, A = 1, g = 2: zero and (1, 1, 1) are both global minima, exactly representable."""
    found = minimise(Moments.from_moments([[1]], [2], 4), (1, 1, 1, 1), decay=1.0)
    assert found.verdict is Verdict.TIED and found.trivial and found.loss == pytest.approx(4, abs=1e-14)
    assert [abs(w).item() for w in found.weights()] == pytest.approx([1, 1, 1])
    assert {round(point.loss, 12) for point in found.local_minima} == {4.0}


@pytest.mark.parametrize("hidden", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("norm", [5.0, 0.3, 1e8])
def test_ties_within_rounding(hidden, norm):
    """Isotropic: Gamma_c = G^D (D-1)^(D-1) / (D^(2D) (kappa a)^(D-1)), rounded to a float; at (1 +- 1e-12) times it no tie."""
    a, noise, widths = 1.5, [0.5] + [0.0] * (hidden - 1), (2, *[2] * hidden, 1)
    critical = norm**hidden * (hidden - 1) ** (hidden - 1) / (hidden ** (2 * hidden) * (1.25 * a) ** (hidden - 1))
    moments = Moments.from_moments(a * np.eye(2), np.sqrt(norm) * np.array([0.6, 0.8]), norm)

    def at(factor: float) -> Minimum:
        return minimise(moments, widths, decay=[critical * factor] + [1.0] * hidden, noise=noise)

    assert at(1.0).critical_decay_product == pytest.approx(critical, rel=1e-13)
    assert [at(factor).verdict for factor in (1 - 1e-12, 1, 1 + 1e-12)] == [Verdict.NONTRIVIAL, Verdict.TIED, Verdict.TRIVIAL]
    assert at(1.0).predictor == pytest.approx((1 - 1 / hidden) * moments.cross / (1.25 * a), rel=1e-6)


@pytest.mark.parametrize("gap", [1e-4, 1e-6, 1e-8, 1e-10])
def test_near_the_threshold_of_one_hidden_layer(gap):
    """b ~ Gamma (G - Gamma)/(2 kappa g^T A g), L* - E[y^2] ~ -(G - Gamma)^2/(4 kappa g^T A g), relative error O(gap).

    Rounding Gamma itself changes G - Gamma by one part in gap / 1e-16.
    """
    a, g, kappa = np.diag([1.0, 7.0]), np.array([2.0, 1.0]), 1.25
    decay = 5 * (1 - gap)
    found = minimise(Moments.from_moments(a, g, 10), (2, 2, 1), decay=[decay, 1.0], noise=0.5)
    (point,) = nonzero(found)
    excess, power = 5 - decay, g @ a @ g
    assert found.verdict is Verdict.NONTRIVIAL
    assert point.energy == pytest.approx(decay * excess / (2 * kappa * power), rel=10 * gap + 1e-15 / gap)
    assert point.excess == pytest.approx(-(excess**2) / (4 * kappa * power), rel=10 * gap + 1e-15 / gap)


def test_double_root_at_the_saddle_node():
    """D = 2, A = g = 1: at Gamma = 27/256 a double root at lambda = 3, known to the root of the rounding error only."""
    moments = Moments.from_moments([[1]], [1], 1)

    def roots(decay: float):
        return nonzero(minimise(moments, (1, 1, 1, 1), decay=[1, 1, decay]))

    (point,) = roots(27 / 256)
    assert point.kind is Kind.DEGENERATE and point.lam == pytest.approx(3, rel=1e-6)
    assert point.excess == pytest.approx(1 / 8, abs=1e-14)
    assert not roots(27 / 256 * (1 + 1e-9))
    low, high = roots(27 / 256 * (1 - 1e-9))
    assert low.kind is Kind.MINIMUM and high.kind is Kind.MAXIMUM and low.lam < 3 < high.lam


def test_noise_law_of_one_hidden_layer():
    """v(noise) = v(0)/kappa and the gain over zero shrinks by kappa."""
    moments = random_moments(np.random.default_rng(4), 3)
    quiet, noisy = (minimise(moments, (3, 4, 1), decay=0.02, noise=s) for s in (0.0, 2.0))
    assert noisy.predictor == pytest.approx(quiet.predictor / 1.5, rel=1e-12)
    assert moments.target - noisy.loss == pytest.approx((moments.target - quiet.loss) / 1.5, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 4), st.floats(1, 5), st.floats(1, 5))
def test_the_minimum_grows_with_decay_and_noise(seed, hidden, more_decay, more_noise):
    rng = np.random.default_rng(seed)
    moments, widths = random_moments(rng, 2), (2, *rng.integers(1, 4, hidden), 1)
    decay, noise = 10 ** rng.uniform(-3, 0, hidden + 1), rng.uniform(0, 1, hidden)
    base = minimise(moments, widths, decay=decay, noise=noise)
    tolerance = 1e-12 * max(1.0, moments.target)
    assert minimise(moments, widths, decay=decay * more_decay, noise=noise).loss >= base.loss - tolerance
    assert minimise(moments, widths, decay=decay, noise=noise * more_noise).loss >= base.loss - tolerance
    bound = moments.explained / (max(hidden, 1) * base.noise_factor)
    assert hidden == 0 or base.energy <= bound * (1 + 1e-9)


def test_heterogeneous_noise_enters_by_the_noise_factor_alone():
    moments = random_moments(np.random.default_rng(5), 2)
    mixed = minimise(moments, (2, 2, 4, 1), decay=0.01, noise=[1.0, 0.0])
    other = minimise(moments, (2, 4, 2, 1), decay=0.01, noise=[2.0, 0.0])
    assert mixed.noise_factor == other.noise_factor == 1.5 and mixed.loss == pytest.approx(other.loss, rel=1e-14)


# Extremes


def test_a_decay_product_that_underflows():
    """Sixty layers with decay 1e-8: Gamma = 1e-480 is no float, its logarithm is."""
    moments, widths = Moments.from_moments([[1]], [1], 1), (1, *[3] * 59, 1)
    found = minimise(moments, widths, decay=1e-8, noise=0.01)
    layers = found.weights()
    assert found.verdict is Verdict.NONTRIVIAL
    assert noise_averaged_loss(layers, moments, decay=1e-8, noise=0.01) == pytest.approx(found.loss, rel=1e-12)
    assert max(np.abs(g).max() for g in noise_averaged_gradient(layers, moments, decay=1e-8, noise=0.01)) < 1e-10
    assert all(np.isfinite([point.lam, point.energy, point.loss]).all() for point in nonzero(found))


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_units_of_the_features_do_not_matter(scale):
    """x -> s x with first-layer decay times s^2 is the same problem."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    plain = minimise(Moments.from_data(x, y), (3, 2, 2, 1), decay=[0.01, 0.01, 0.01], noise=0.5)
    scaled = minimise(Moments.from_data(x * scale, y), (3, 2, 2, 1), decay=[0.01 * scale**2, 0.01, 0.01], noise=0.5)
    assert scaled.loss == pytest.approx(plain.loss, rel=1e-11) and scaled.energy == pytest.approx(plain.energy, rel=1e-9)


def test_eigenvalues_over_twelve_orders_of_magnitude():
    """Data keeps what the square of the data would lose; the exact route referees."""
    scale = [1.0, 1e-3, 1e-6]
    x = np.diag(scale)
    moments = Moments.from_data(x, [1.0, 1.0, 1.0])
    second = [[F(s) ** 2 / 3 * (i == j) for j in range(3)] for i, s in enumerate(scale)]
    exact = exact_minimum(second, [F(s) / 3 for s in scale], depth=3, decay_product=F(1e-10))
    agree(exact, minimise(moments, (3, 1, 1, 1), decay=[1, 1, 1e-10]), 1e-9)


def test_roots_of_a_thousand_directions():
    rng = np.random.default_rng(7)
    equation = FloatEquation(rng.uniform(-6, 6, 1000), rng.uniform(-12, 2, 1000), 3, -2.0)
    roots = np.array([x for x, _ in equation.roots()])
    grid = np.linspace(-40, 40, 2001)
    changes = np.flatnonzero(np.diff(np.sign(equation.residual(grid)[0])))
    assert len(roots) == len(changes) and np.all((grid[changes] <= roots) & (roots <= grid[changes + 1]))


# Arguments


@pytest.mark.parametrize(
    ("widths", "options", "argument"),
    [
        ((3, 2, 1), {"decay": 1.0}, "widths"),
        ((2, 2, 2), {"decay": 1.0}, "widths"),
        ((2, 0, 1), {"decay": 1.0}, "widths"),
        ((2, 1.5, 1), {"decay": 1.0}, "widths"),
        ((2,), {"decay": 1.0}, "widths"),
        ((2, 2, 1), {"decay": -1.0}, "decay"),
        ((2, 2, 1), {"decay": [1.0]}, "decay"),
        ((2, 2, 1), {"decay": [1.0, float("nan")]}, "decay"),
        ((2, 2, 1), {"decay": "a"}, "decay"),
        ((2, 2, 1), {"decay": 1.0, "noise": [0.1, 0.1]}, "noise"),
        ((2, 2, 1), {"decay": 1.0, "noise": -0.1}, "noise"),
        ((2, 1), {"decay": 1.0, "noise": inf}, "noise"),
    ],
)
def test_bad_arguments_are_named(widths, options, argument):
    with pytest.raises(InvalidInput) as caught:
        minimise(PITFALL, widths, **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("second", "cross", "target", "argument"),
    [
        ([[1, 0], [0, 0]], [0, 1], 9, "cross"),
        ([[1, 0], [0, 1]], [1, 1], 1, "second, cross, target"),
        ([[1, 2], [2, 1]], [0, 0], 1, "second, cross, target"),
        ([[1, 2], [0, 1]], [0, 0], 1, "second"),
        ([[-1]], [0], 1, "second"),
        ([[1]], [1, 2], 1, "second"),
        ([[np.inf]], [1], 1, "second"),
        ([["x"]], [1], 1, "second"),
        ([1], [1], 1, "second"),
        (np.outer([1, 1e-3], [1, 1e-3]), [0, 1e-3], 9, "second, cross, target"),
    ],
)
def test_inconsistent_moments_are_named(second, cross, target, argument):
    with pytest.raises(InvalidInput) as caught:
        Moments.from_moments(second, cross, target)
    assert caught.value.argument == argument


@pytest.mark.parametrize(("offset", "accepted"), [(1e-16, True), (1e-9, True), (3e-6, False), (0.1, False)])
def test_null_directions_carry_rounding_only(offset, accepted):
    """A = u u^T and g = u + offset * n, n orthogonal to u: more than rounding in the null direction is inconsistent."""
    u, n = np.array([0.6, 0.8]), np.array([-0.8, 0.6])
    if accepted:
        moments = Moments.from_moments(np.outer(u, u), u + offset * n, 1.5)
        assert moments.explained == pytest.approx(1, rel=1e-12)
    else:
        with pytest.raises(InvalidInput, match="consistent"):
            Moments.from_moments(np.outer(u, u), u + offset * n, 1.5)


def test_consistency_is_judged_against_scale():
    """Exactly explained targets sit on the boundary; units must not turn rounding into an error."""
    rng = np.random.default_rng(8)
    for scale in (1e-12, 1.0, 1e12):
        x = rng.normal(size=(6, 4)) * [1, scale, 1, 1]
        y = x @ np.array([1, 1 / scale, 0, 2])
        joint = np.column_stack([x, y])
        power = joint.T @ joint / 6
        moments = Moments.from_moments(power[:4, :4], power[:4, 4], power[4, 4])
        assert moments.features == 4


@pytest.mark.parametrize(
    ("inputs", "target"),
    [(np.zeros((0, 2)), []), (np.ones((2, 1)), [1]), (np.ones((2, 0)), [1, 2]), ([[np.nan]], [1]), ([[1e200]], [1])],
)
def test_bad_data_is_rejected(inputs, target):
    with pytest.raises(InvalidInput):
        Moments.from_data(inputs, target)
