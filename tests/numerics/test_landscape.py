"""The landscape: levels and Morse indices against numerical Hessians, thresholds against exact ones, uniqueness, barriers."""

from fractions import Fraction
from math import isinf, prod, sqrt

import numpy as np
import pytest
from scipy.optimize import minimize

from numerics.experiments.minima_minimisers import hessian
from numerics.experiments.problems import Problem, problem
from numerics.landscape import LevelKind, landscape, uniqueness
from numerics.minimum import Moments, minimise, noise_averaged_gradient, noise_averaged_loss
from numerics.scopes import PROVED_DEPTHS
from numerics.thresholds import thresholds
from theory.errors import InvalidInput
from theory.scalar_equation import ScalarEquation, Verdict, transfer_function
from theory.theorem import theorems

RNG = np.random.default_rng
SIMPLE = Moments.from_moments([[1]], [2], 4)


def of(p: Problem):
    return landscape(p.moments, p.widths, decay=p.decay, noise=p.noise)


def weights_at(p, level):
    """Weights of a level: the network of the active neurons, the other neurons zero."""
    if isinf(level.lam):
        return [np.zeros((r, c)) for c, r in zip(p.widths[:-1], p.widths[1:], strict=True)]
    small = minimise(p.moments, (p.widths[0], *level.active, 1), decay=p.decay, noise=p.noise)
    point = min(small.stationary, key=lambda q: abs(q.excess - level.excess) + abs(q.energy - level.energy))
    layers = small.weights(at=point)
    out = [np.zeros((r, c)) for c, r in zip(p.widths[:-1], p.widths[1:], strict=True)]
    for big, part in zip(out, layers, strict=True):
        big[: part.shape[0], : part.shape[1]] = part
    return out


def spectrum(p, level, step=1e-5):
    return np.linalg.eigvalsh(hessian(p, weights_at(p, level), step))


def levels(hidden, noisy, count, seed, **more):
    """Random problems with their landscapes, zero not at a threshold."""
    rng, out = RNG(seed), []
    while len(out) < count:
        p = problem(rng, hidden, largest=3, noisy=noisy, **more)
        found = of(p)
        limits = found.thresholds
        clear = all(abs(found.log_decay_product - x) > 0.1 for x in (limits.log_critical, limits.log_saddle_node))
        if np.linalg.norm(p.moments.cross) > 0.3 and clear:
            out.append((p, found))
    return out


@pytest.mark.parametrize(("hidden", "noisy"), [(0, False), (1, True), (1, False), (2, True), (2, False), (3, True)])
def test_every_level_is_stationary_and_has_its_loss(hidden, noisy):
    for p, found in levels(hidden, noisy, 5, 10 * hidden + noisy):
        assert list(found.levels) == sorted(found.levels, key=lambda level: level.excess)
        for level in found.levels[:: max(1, len(found.levels) // 8)]:
            layers = weights_at(p, level)
            assert noise_averaged_loss(layers, p.moments, decay=p.decay, noise=p.noise) == pytest.approx(level.loss, rel=1e-9)
            slope = noise_averaged_gradient(layers, p.moments, decay=p.decay, noise=p.noise)
            assert max(np.abs(g).max() for g in slope) < 1e-7 * p.scale
            assert level.active == tuple(int(np.any(w, axis=1).sum()) for w in layers[:-1])


@pytest.mark.parametrize("noisy", [True, False])
def test_morse_indices_of_one_hidden_layer(noisy):
    indices = set()
    for p, found in levels(1, noisy, 12, 5 + noisy, decay=(0.05, 1.0)):
        for level in found.levels:
            values = spectrum(p, level)
            assert int(np.sum(values < -1e-6 * np.abs(values).max())) == level.index, (p.widths, level)
            indices.add(level.index)
    assert indices >= ({0, 1, 2, 3} if noisy else {0, 1})


@pytest.mark.parametrize("noisy", [True, False])
def test_minima_and_saddles_of_two_hidden_layers(noisy):
    kinds = set()
    for p, found in levels(2, noisy, 8, 20 + noisy, decay=(0.02, 0.5)):
        for level in found.levels[:6] + found.levels[-3:]:
            values = spectrum(p, level)
            least = values[0] / np.abs(values).max()
            kinds.add(level.kind)
            if level.kind in (LevelKind.GLOBAL, LevelKind.LOCAL):
                assert least > -1e-6 and level.index == 0
            else:
                assert least < -1e-6 and level.index is None
    assert kinds >= {LevelKind.GLOBAL, LevelKind.LOCAL, LevelKind.BARRIER} | ({LevelKind.SADDLE} if noisy else set())


def test_subnetworks_have_the_noise_factor_of_their_size():
    found = landscape(SIMPLE, (1, 3, 1), decay=0.5, noise=1.0)
    assert [(x.active, x.index, x.kind.value) for x in found.levels] == [
        ((3,), 0, "global minimum"),
        ((2,), 1, "saddle"),
        ((1,), 2, "saddle"),
        ((0,), 3, "saddle"),
    ]
    # (|g| - sqrt Gamma)^2 / kappa with |g| = 2, Gamma = 1/4, kappa = 1 + 1/k
    assert [x.excess for x in found.levels] == pytest.approx([-2.25 * 3 / 4, -2.25 * 2 / 3, -2.25 / 2, 0])


def test_without_noise_fewer_neurons_are_no_new_levels():
    for widths in ((1, 3, 1), (1, 3, 2, 1)):
        assert all(x.active in ((0,) * len(x.active), widths[1:-1]) for x in landscape(SIMPLE, widths, decay=0.5).levels)
    mixed = landscape(SIMPLE, (1, 3, 2, 1), decay=0.5, noise=[0.0, 1.0])
    assert {x.active for x in mixed.levels} == {(0, 0), (3, 1), (3, 2)}


def test_too_many_subnetworks_are_counted_and_not_listed():
    found = landscape(SIMPLE, (1, 40, 40, 1), decay=0.5, noise=0.3)
    assert found.omitted == 1599 and {x.active for x in found.levels} == {(40, 40), (0, 0)}


def test_what_is_a_conjecture():
    assert not landscape(SIMPLE, (1, 2, 2, 1), decay=0.5, noise=0.5).complete
    assert not landscape(SIMPLE, (1, 2, 2, 1), decay=0.5, noise=[0, 0.5]).complete
    assert landscape(SIMPLE, (1, 2, 2, 1), decay=0.5).complete
    assert landscape(SIMPLE, (1, 2, 1), decay=0.5, noise=0.5).complete


@pytest.mark.thorough
@pytest.mark.parametrize("sheet", PROVED_DEPTHS)
def test_proved_depths_are_those_of_the_claims(sheet):
    (theorem,) = (t for t in theorems().values() if (t.family, t.sheet) == ("minima", sheet))
    scopes = {claim.statement.lowered().scope for claim in theorem.claims()}
    if isinf(PROVED_DEPTHS[sheet]):
        assert not any("depth" in scope for scope in scopes), "about the scalar equation, at any depth"
    else:
        wide = [scope for scope in scopes if scope.startswith("all widths")]
        assert max(depth_of(scope) for scope in wide) == PROVED_DEPTHS[sheet]


def depth_of(scope):
    """Of "all widths at depth 2" and of "all widths (d0, d1, 1)": two layers."""
    return int(scope.split()[-1]) if "depth" in scope else scope.count(",")


def test_four_roots_a_bad_minimum_that_is_not_zero():
    moments = Moments.from_moments([[1, 0], [0, 100]], [1, 3.5], 10)
    found = landscape(moments, (2, 2, 2, 1), decay=[1, 1, 0.1])
    assert [x.kind for x in found.levels] == [
        LevelKind.GLOBAL,
        LevelKind.LOCAL,
        LevelKind.BARRIER,
        LevelKind.LOCAL,
        LevelKind.BARRIER,
    ]
    assert [x.excess for x in found.levels] == pytest.approx([-0.0119455, -0.00622926, -0.000223944, 0, 0.00802479], rel=1e-4)
    assert not found.uniqueness.holds and found.barrier == pytest.approx(10.00802479)


def test_ties_and_trivial_networks():
    tied = landscape(SIMPLE, (1, 1, 1, 1), decay=1.0)
    assert [x.kind.value for x in tied.levels] == ["global minimum", "global minimum", "barrier"]
    assert landscape(SIMPLE, (1, 1, 1, 1), decay=1.1).levels[0].energy == 0
    assert [x.kind for x in landscape(SIMPLE, (1, 1, 1, 1), decay=2).levels] == [LevelKind.GLOBAL]
    silent = landscape(Moments.from_moments([[1]], [0], 4), (1, 2, 2, 1), decay=0.1)
    assert len(silent.levels) == 1 and silent.thresholds.products == (0, 0, 0)
    ridge = landscape(SIMPLE, (1, 1), decay=1.0)
    assert [x.excess for x in ridge.levels] == [-2.0] and ridge.thresholds.products[0] == np.inf


def test_no_decay_is_refused():
    with pytest.raises(InvalidInput, match="decay"):
        landscape(SIMPLE, (1, 2, 1), decay=[0, 1])


# -- thresholds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
def test_thresholds_against_exact_ones(hidden):
    rng = RNG(hidden)
    for _ in range(6):
        d = int(rng.integers(1, 4))
        x, y = rng.integers(-4, 5, (d + 2, d)), rng.integers(-4, 5, d + 2)
        a, g = (x.T @ x).tolist(), (x.T @ y).tolist()
        kappa = Fraction(int(rng.integers(2, 5)), 2)
        if not any(g):
            continue
        equation = ScalarEquation(*transfer_function(a, g, noise_factor=kappa), hidden, Fraction(1))
        moments = Moments.from_moments(a, g, float(y @ y))
        found = thresholds(moments, hidden + 1, float(kappa)).products
        exact = equation.critical_decay_product(), equation.saddle_node_product()
        assert found[:2] == pytest.approx([float(x) for x in exact], rel=1e-9)


def test_only_zero_threshold_is_the_supremum():
    for p, found in levels(2, None, 4, 1) + levels(4, None, 4, 2):
        a, g, n = p.kappa * p.moments.second, p.moments.cross, p.hidden + 1

        def gain(v, a=a, g=g, n=n):
            beta = float(v @ g - v @ a @ v)
            return n * np.log(beta) - np.log(float(v @ v)) if beta > 0 else -1e9

        ridge = np.linalg.pinv(a) @ g
        best = max(-minimize(lambda v: -gain(v), s * ridge, method="Nelder-Mead", tol=1e-10).fun for s in (0.1, 0.3, 0.5))
        assert best == pytest.approx(found.thresholds.log_only_zero, abs=1e-6)


def test_thresholds_of_isotropic_data_in_closed_form():
    for hidden in (2, 3, 5):
        n, a, square = hidden + 1, 0.7, 2.5
        moments = Moments.from_moments(a * np.eye(2), [sqrt(square), 0], 9)
        found = thresholds(moments, n, 1.3).products
        top = square**hidden / (1.3 * a) ** (hidden - 1)
        critical = top * (hidden - 1) ** (hidden - 1) / hidden ** (2 * hidden)
        node = top * n**n * (hidden - 1) ** (hidden - 1) / (2 * hidden) ** (2 * hidden)
        assert found == pytest.approx((critical, node, node), rel=1e-12)


@pytest.mark.parametrize("hidden", [1, 2, 3])
def test_verdicts_on_both_sides_of_each_threshold(hidden):
    for p, found in levels(hidden, None, 6, 40 + hidden):
        critical, node, _ = found.thresholds.products

        def at(product, p=p):
            factor = (product / prod(p.decay)) ** (1 / (p.hidden + 1))
            return landscape(p.moments, p.widths, decay=[factor * c for c in p.decay], noise=p.noise)

        assert at(critical * 0.999).minimum.verdict is Verdict.NONTRIVIAL
        assert at(critical * 1.001).minimum.verdict is Verdict.TRIVIAL
        assert any(x.energy for x in at(node * 0.999).levels)
        assert not any(x.energy for x in at(node * 1.001).levels)


def test_other_depths_repeat_the_last_hidden_layer():
    found = landscape(SIMPLE, (1, 3, 2, 1), decay=0.1, noise=[0.5, 1.0])
    assert found.at_depth(2) == ((1, 3, 1), (0.5,)) and found.at_depth(5)[0] == (1, 3, 2, 2, 2, 1)
    decays = {t.depth: t.decays[0] for t in found.critical_decays([1, 3])}
    assert decays == {1: np.inf, 3: pytest.approx(found.minimum.critical_decay)}


# -- uniqueness -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "bound"), [(2, 9 + 4 * sqrt(5)), (3, 15.4349), (1000, 7 + 4 * sqrt(3))])
def test_the_bound_on_the_ratio(hidden, bound):
    assert uniqueness(SIMPLE, hidden + 1).bound == pytest.approx(bound, rel=1e-4)


def test_below_the_bound_there_is_one_nonzero_minimum_and_above_there_may_be_two():
    rng, bound = RNG(7), uniqueness(SIMPLE, 3).bound
    for _ in range(60):
        a = np.sort(rng.uniform(1, 0.999 * bound, 3))
        moments = Moments.from_moments(np.diag(a), rng.normal(size=3), 100)
        assert uniqueness(moments, 3).holds
        node = thresholds(moments, 3).products[1]
        found = landscape(moments, (3, 1, 1, 1), decay=(node * rng.uniform(0.2, 1)) ** (1 / 3))
        assert sum(x.energy > 0 for x in found.levels) <= 2
    wide = Moments.from_moments(np.diag([1, 100]), [1, 3.5], 10)
    assert sum(x.energy > 0 for x in landscape(wide, (2, 1, 1, 1), decay=[1, 1, 0.1]).levels) == 4


# -- the barrier ----------------------------------------------------------------------------------------------------------


def test_every_path_from_zero_to_the_minimum_reaches_the_barrier():
    rng, seen = RNG(3), 0
    for p, found in levels(2, None, 8, 3):
        if found.barrier is None:
            continue
        seen += 1
        end, bend = found.minimum.weights(), p.weights(rng, 0.3)

        def loss(t, p=p, end=end, bend=bend):
            layers = [t * w + t * (1 - t) * x for w, x in zip(end, bend, strict=True)]
            return noise_averaged_loss(layers, p.moments, decay=p.decay, noise=p.noise)

        straight = max(loss(t) for t in np.linspace(0, 1, 301))
        assert straight >= found.barrier - 1e-4 * p.scale
        assert found.barrier > p.moments.target
    assert seen >= 4
