"""The exact minimum over Q: hand-checked rational instances, ties, degenerate data, and independent recomputation."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import pytest
import sympy
from flint import arb, ctx, fmpq, fmpq_mat, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.scalar_equation import (
    LAMBDA,
    Kind,
    ScalarEquation,
    Verdict,
    exact_minimum,
    noise_factor,
    solve,
    transfer_function,
)
from theory.scalar_moments import exact_moments
from theory.scalar_roots import PositiveRoot, compare, evaluate, fraction, positive_roots, rational

F = Fraction
small = st.fractions(min_value=-3, max_value=3, max_denominator=4)
weight = st.fractions(min_value=F(1, 9), max_value=20, max_denominator=9)


def holds(ball: arb, exact: Fraction) -> bool:
    """Whether a ball holds a rational (converted at a precision far beyond the ball's)."""
    with ctx.workprec(2000):
        return bool(ball.contains(rational("exact", exact)))


def equation(curvature: list[Fraction], square: list[Fraction], hidden: int, decay: object) -> ScalarEquation:
    """T = sum of square / (curvature + lambda), straight from partial fractions."""
    bottoms = [fmpq_poly([rational("c", c), 1]) for c in curvature]
    bottom = fmpq_poly([1])
    for factor in bottoms:
        bottom *= factor
    top = fmpq_poly([0])
    for w, factor in zip(square, bottoms, strict=True):
        top += rational("w", w) * (bottom // factor)
    return ScalarEquation(top, bottom, hidden, rational("decay", decay))


@pytest.mark.parametrize(
    ("second", "cross", "depth", "decay", "value", "energy"),
    [
        ([[1]], [3], 2, 1, -4, 2),
        ([[1]], [4], 2, 4, -4, 4),
        ([[1]], [F(5, 2)], 3, F(1, 4), -3, 1),
        ([[1]], [F(5, 2)], 4, F(1, 4), -2, 1),
        ([[1, 0], [0, 2]], [F(6, 5), F(12, 5)], 2, 1, F(-41, 25), 1),
        ([[1, 0], [0, 2]], [F(5, 4), 0], 3, F(1, 64), F(-3, 4), F(1, 4)),
        ([[F(1, 32)]], [1], 3, 1, F(-16, 3), None),
    ],
)
def test_rational_instances(second, cross, depth, decay, value, energy):
    least = exact_minimum(second, cross, depth=depth, decay_product=decay)
    if energy is None:  # only an upper bound is known by hand: psi(8)
        assert least.verdict is Verdict.NONTRIVIAL and least.value <= rational("value", value)
        return
    assert least.verdict is Verdict.NONTRIVIAL and least.equals(value)
    assert not least.equals(value + F(1, 10**40))
    assert holds(least.stationary[least.minimisers[0]].energy, F(energy))


def test_upper_bound_by_the_largest_eigenvalue_would_be_false():
    """A = diag(1, 2), g = (5/4, 0), uniform decay 1/4, width 1: b_* = 1 solves it, although |g|/a_max = 5/8."""
    least = exact_minimum([[1, 0], [0, 2]], [F(5, 4), 0], depth=3, decay_product=F(1, 64))
    energy = least.stationary[least.minimisers[0]].energy
    assert (4 * energy).contains(1) and F(5, 8) < 1 <= F(5, 4)


def test_four_roots_and_the_minimum_is_not_the_one_of_largest_energy():
    least = exact_minimum([[1, 0], [0, 100]], [1, F(7, 2)], depth=3, decay_product=F(1, 10))
    energies = [float(point.energy) for point in least.stationary]
    values = [float(point.value) for point in least.stationary]
    assert energies == pytest.approx([0.226236, 0.129511, 0.0477613, 0.00860843], rel=1e-5)
    assert values == pytest.approx([-0.00622926, -0.000223944, -0.0119455, 0.00802479], rel=1e-5)
    assert [point.kind for point in least.stationary] == [Kind.MINIMUM, Kind.MAXIMUM] * 2
    assert least.minimisers == (2,) and least.verdict is Verdict.NONTRIVIAL


@pytest.mark.parametrize("hidden", [2, 3, 4, 5])
def test_tie_at_the_critical_decay(hidden):
    """Isotropic: Gamma_c = G^D (D-1)^(D-1) / (D^(2D) (kappa a)^(D-1)); there zero and a nonzero family are both global."""
    a, g, kappa = F(3, 2), [F(1), F(2)], F(5, 4)
    critical = F(5) ** hidden * F(hidden - 1) ** (hidden - 1) / (F(hidden) ** (2 * hidden) * (kappa * a) ** (hidden - 1))
    second = [[a, 0], [0, a]]

    def at(decay: Fraction) -> Verdict:
        return exact_minimum(second, g, depth=hidden + 1, decay_product=decay, noise_factor=kappa).verdict

    least = exact_minimum(second, g, depth=hidden + 1, decay_product=critical, noise_factor=kappa)
    assert least.verdict is Verdict.TIED and least.zero_is_global and least.equals(0) and len(least.minimisers) == 1
    assert holds(least.critical_decay_product, critical)
    assert at(critical * (1 - F(1, 10**30))) is Verdict.NONTRIVIAL
    assert at(critical * (1 + F(1, 10**30))) is Verdict.TRIVIAL


def test_one_hidden_layer_at_the_threshold_has_zero_alone():
    for decay, verdict in [(9, Verdict.TRIVIAL), (9 - F(1, 10**30), Verdict.NONTRIVIAL), (9 + F(1, 10**30), Verdict.TRIVIAL)]:
        least = exact_minimum([[1]], [3], depth=2, decay_product=decay)
        assert least.verdict is verdict and least.critical_decay_product == 9
        assert len(least.stationary) == (verdict is Verdict.NONTRIVIAL)


def test_two_nonzero_minima_that_tie_exactly():
    """Three weights are fixed by three linear conditions: slope zero at b = 1/2 and b = 1/10, and equal values there."""
    curvature, first, second = [F(1), F(10), F(1000)], F(1, 2), F(1, 10)
    curvature, weights = _tied_weights(curvature, first, second)
    least = solve(equation(curvature, weights, 2, 1))
    assert least.verdict is Verdict.NONTRIVIAL and len(least.minimisers) == 2
    energies = sorted(float(least.stationary[k].energy) for k in least.minimisers)
    assert energies == pytest.approx(sorted([float(first), float(second)]), rel=1e-12)
    tilted = solve(equation(curvature, [weights[0] + F(1, 10**60), *weights[1:]], 2, 1))
    assert len(tilted.minimisers) == 1


def _tied_weights(curvature, first, second):
    """For psi(b) = 2b - sum w b^2/(c b^2 + 1): w with psi'(first) = psi'(second) = 0 and psi(first) = psi(second)."""

    def slope(b):
        return [2 * b / (c * b * b + 1) ** 2 for c in curvature]

    def value(b):
        return [b * b / (c * b * b + 1) for c in curvature]

    rows = [slope(first), slope(second), [x - y for x, y in zip(value(first), value(second), strict=True)]]
    right = [F(2), F(2), 2 * (first - second)]
    solution = sympy.Matrix(rows).LUsolve(sympy.Matrix(right))
    return curvature, [F(int(w.p), int(w.q)) for w in solution]


def test_double_root_at_the_saddle_node():
    """D = 2, A = g = 1: Gamma_sn = 27/256, where lambda = 3 is a double root and zero stays the global minimum."""
    least = exact_minimum([[1]], [1], depth=3, decay_product=F(27, 256))
    (point,) = least.stationary
    assert point.multiplicity == 2 and point.kind is Kind.DEGENERATE and point.lam.contains(3)
    assert holds(least.equation.saddle_node_product(), F(27, 256))
    assert least.verdict is Verdict.TRIVIAL
    assert not exact_minimum([[1]], [1], depth=3, decay_product=F(27, 256) + F(1, 10**30)).stationary
    assert len(exact_minimum([[1]], [1], depth=3, decay_product=F(27, 256) - F(1, 10**30)).stationary) == 2


def test_squared_signal_above_the_decay_product_is_neither_sufficient_nor_necessary():
    assert exact_minimum([[1]], [1], depth=3, decay_product=F(1, 8)).verdict is Verdict.TRIVIAL
    assert exact_minimum([[F(1, 32)]], [1], depth=3, decay_product=1).verdict is Verdict.NONTRIVIAL


def test_noise_factor_matters():
    kappa = noise_factor((1, 1), (1, 1))
    assert exact_minimum([[1]], [2], depth=3, decay_product=F(1, 2), noise_factor=kappa).verdict is Verdict.TRIVIAL
    assert exact_minimum([[1]], [2], depth=3, decay_product=F(1, 2)).verdict is Verdict.NONTRIVIAL


@pytest.mark.parametrize(("hidden", "coefficients"), [(5, [2, 0, -6, 0, 0, 1]), (4, [2, 0, 0, -6, 0, 0, 0, 0, 1])])
def test_energy_without_radicals(hidden, coefficients):
    """al b^D - c b^((D-1)/2) + Gamma = 0 (in z = sqrt b for even D); these have Galois groups S5 and S8."""
    least = exact_minimum([[1, 0], [0, 1]], [3, 3], depth=hidden + 1, decay_product=2)
    energy = least.stationary[least.minimisers[0]].energy
    variable = energy if hidden % 2 else energy.sqrt()
    assert least.verdict is Verdict.NONTRIVIAL
    assert evaluate(fmpq_poly(coefficients), variable).contains(0)
    assert not evaluate(fmpq_poly(coefficients), variable + fmpq(1, 10**9)).contains(0)


def test_depth_one_is_ridge_regression():
    least = exact_minimum([[2, 1], [1, 2]], [1, 3], depth=1, decay_product=F(1, 2))
    ridge = sympy.Matrix([[F(5, 2), 1], [1, F(5, 2)]]).inv()
    g = sympy.Matrix([1, 3])
    assert least.equals(-(g.T * ridge * g)[0]) and not least.equals(0)
    assert least.stationary == () and least.critical_decay_product is None and least.verdict is Verdict.NONTRIVIAL


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_no_correlation_means_zero(depth):
    least = exact_minimum([[1, 0], [0, 0]], [0, 0], depth=depth, decay_product=F(1, 7))
    assert least.verdict is Verdict.TRIVIAL and least.equals(0) and not least.stationary


def test_singular_moments_equal_the_reduced_problem():
    direction = [F(3, 5), F(4, 5)]
    second = [[x * y for y in direction] for x in direction]
    cross = [F(5, 2) * x for x in direction]
    least = exact_minimum(second, cross, depth=3, decay_product=F(1, 4))
    assert least.equals(-3) and least.equation.denominator.degree() == 1


@pytest.mark.parametrize(
    ("second", "cross", "argument"),
    [
        ([[1, 0], [0, 0]], [1, 1], "cross_moment"),
        ([[1, 2], [2, 1]], [1, 1], "second_moment"),
        ([[1, 2], [0, 1]], [1, 1], "second_moment"),
        ([[1]], [1, 1], "second_moment"),
        ([], [], "second_moment"),
        ([["x"]], [1], "second_moment"),
        ([[1]], [float("nan")], "cross_moment"),
    ],
)
def test_bad_moments_are_named(second, cross, argument):
    with pytest.raises(InvalidInput) as caught:
        exact_minimum(second, cross, depth=2, decay_product=1)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"depth": 0, "decay_product": 1}, "depth"),
        ({"depth": 2, "decay_product": 0}, "decay_product"),
        ({"depth": 2, "decay_product": -1}, "decay_product"),
        ({"depth": 2, "decay_product": 1, "noise_factor": F(1, 2)}, "noise_factor"),
        ({"depth": 1, "decay_product": 1, "noise_factor": 2}, "noise_factor"),
        ({"depth": 2, "decay_product": 1, "scale": [0]}, "scale"),
        ({"depth": 2, "decay_product": 1, "target_scale": 0}, "target_scale"),
    ],
)
def test_bad_options_are_named(options, argument):
    with pytest.raises(InvalidInput) as caught:
        exact_minimum([[1]], [1], **options)
    assert caught.value.argument == argument


def test_noise_factor_rejects_bad_noise():
    for noise in [(1,), (-1, 0)]:
        with pytest.raises(InvalidInput):
            noise_factor((1, 2), noise)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.data())
def test_transfer_function_is_the_resolvent(size, data):
    """Against a direct rational linear solve at three values of lambda, with scales and noise."""
    factor = [[data.draw(small) for _ in range(size)] for _ in range(data.draw(st.integers(1, size)))]
    picks = [data.draw(small) for _ in factor]
    second = [[sum(row[i] * row[j] for row in factor) for j in range(size)] for i in range(size)]
    cross = [sum(p * row[i] for p, row in zip(picks, factor, strict=True)) for i in range(size)]
    root, kappa = [data.draw(weight) for _ in range(size)], data.draw(st.fractions(1, 3, max_denominator=3))
    top, bottom = transfer_function(second, cross, noise_factor=kappa, scale=[r * r for r in root])
    for lam in (F(1, 3), F(2), F(11)):
        shifted = [[kappa * second[i][j] / (root[i] * root[j]) + lam * (i == j) for j in range(size)] for i in range(size)]
        g = fmpq_mat(size, 1, [rational("g", cross[i] / root[i]) for i in range(size)])
        m = fmpq_mat(size, size, [rational("m", entry) for row in shifted for entry in row])
        x = rational("lam", lam)
        assert top(x) / bottom(x) == (g.transpose() * m.solve(g))[0, 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(weight, weight), min_size=1, max_size=3), st.integers(1, 4), weight)
def test_kinds_values_and_bounds(pairs, hidden, decay):
    """Roots solve the equation, alternate in kind and obey (Gamma/G)^(1/(D-1)) <= b <= q/(4 kappa)."""
    eq = equation([c for c, _ in pairs], [w for _, w in pairs], hidden, decay / 50)
    least = solve(eq)
    energies = [point.energy for point in least.stationary]
    kinds = [point.kind for point in least.stationary if point.kind is not Kind.DEGENERATE]
    assert kinds == ([Kind.MINIMUM, Kind.MAXIMUM] * len(kinds))[: len(kinds)]
    assert hidden == 1 or len(kinds) % 2 == 0
    for point in least.stationary:
        assert evaluate(eq.polynomial, point.lam).contains(0)
        balance = evaluate(LAMBDA**hidden, point.energy) * point.lam
        assert balance.overlaps(type(point.lam)(eq.decay_product))
    explained = eq.numerator(0) / eq.denominator(0)
    assert all(not energy > explained / 4 for energy in energies)
    norm = sum(w for _, w in pairs)
    assert all(not energy ** (hidden - 1) < rational("x", decay / 50 / norm) for energy in energies)
    assert all(not point.value < least.value for point in least.stationary) and not least.value > 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(weight, weight), min_size=2, max_size=3), st.integers(2, 4), weight)
def test_few_roots_for_well_conditioned_moments(pairs, hidden, decay):
    """R + 1/R < (14 D^2 - 2)/(D^2 - 1), R the condition number on the support of g: at most two roots."""
    curvature = [1 + c / 4 for c, _ in pairs]
    ratio = max(curvature) / min(curvature)
    if ratio + 1 / ratio < F(14 * hidden**2 - 2, hidden**2 - 1):
        found = solve(equation(curvature, [w for _, w in pairs], hidden, decay)).stationary
        assert sum(point.multiplicity for point in found) in (0, 2)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 400), st.integers(0, 40))
def test_signs_at_square_roots_are_exact(number, digits):
    """At sqrt(n): the sign of x - f, f the floor of sqrt(n) to so many digits; zero exactly when n is a square."""
    scale = 10**digits
    floor = F(isqrt(number * scale**2), scale)
    root = PositiveRoot(fmpq_poly([-number, 0, 1]), 0)
    exact = isqrt(number) ** 2 == number
    assert root.sign(fmpq_poly([rational("f", -floor), 1])) == (0 if exact else 1)
    assert root.sign(fmpq_poly([-number * 3, 0, 3])) == 0


def test_positive_roots_are_ordered_with_multiplicities():
    polynomial = fmpq_poly([-1, 1]) ** 3 * fmpq_poly([fmpq(-1, 10**20) - 1, 1]) * fmpq_poly([3, 1]) * fmpq_poly([0, 1])
    found = positive_roots(polynomial, 24)
    assert [multiplicity for _, multiplicity in found] == [3, 1] and found[0][0] < found[1][0]
    with pytest.raises(InvalidInput):
        positive_roots(fmpq_poly([0]))


def test_compare_decides_equality_of_values():
    """At both positive roots of x^4 - 5 x^2 + 1, x^2 + 1/x^2 = 5, while x differs."""
    modulus = fmpq_poly([1, 0, -5, 0, 1])
    first, second = PositiveRoot(modulus, 0), PositiveRoot(modulus, 1)
    assert compare(first, second, fmpq_poly([1, 0, 0, 0, 1]), fmpq_poly([0, 0, 1])) == 0
    assert compare(first, second, fmpq_poly([0, 1]), fmpq_poly([1])) < 0
    assert compare(second, first, fmpq_poly([0, 1]), fmpq_poly([1])) > 0


def test_exact_moments_standardize_without_square_roots():
    """Scaling by a variance whose root is rational must agree with scaling the data itself."""
    x, y = [[0, 1], [2, 1], [0, 5], [2, 5]], [1, 2, 5, 8]
    moments = exact_moments(x, y, standardize=True)
    assert [fraction(s) for s in moments.scale] == [1, 4]
    scaled = exact_moments([[a - 1, F(b - 3, 2)] for a, b in x], [value - 4 for value in y])
    left = exact_minimum(moments.second, moments.cross, depth=2, decay_product=F(1, 5), scale=moments.scale)
    right = exact_minimum(scaled.second, scaled.cross, depth=2, decay_product=F(1, 5))
    assert left.equation == right.equation
    halved = exact_minimum(scaled.second, [c / 2 for c in scaled.cross], depth=2, decay_product=F(1, 5))
    quartered = exact_minimum(scaled.second, scaled.cross, depth=2, decay_product=F(1, 5), target_scale=4)
    assert halved.equation == quartered.equation


def test_exact_moments_reject_ragged_and_constant_data():
    for rows, target in [([], []), ([[1], [1, 2]], [1, 2]), ([[1]], [1, 2])]:
        with pytest.raises(InvalidInput):
            exact_moments(rows, target)
    with pytest.raises(InvalidInput, match="constant"):
        exact_moments([[1], [1]], [1, 2], standardize=True)
