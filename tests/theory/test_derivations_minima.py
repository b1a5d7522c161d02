"""The derived formulas against other roads: the numeric solver, brute force, finite differences, instances worked by hand."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize
from sympy.polys.numberfields.galoisgroups import galois_group

from numerics.minimum import Moments, minimise, noise_averaged_gradient, noise_averaged_loss
from theory.derivations import derive, render
from theory.derivations.closed_form_limits import instance
from theory.derivations.exact import vanishes
from theory.derivations.minima_critical_decay import cofactor, critical_decay
from theory.derivations.network import loss, network
from theory.derivations.unsolvable import cycle_type, is_eisenstein, obstruction


@functools.cache
def compiled(name: str, **options: object) -> Callable[..., tuple]:
    derivation, namespace = derive(name, **options), {}
    exec(render(derivation, "python"), namespace)
    return namespace[derivation.result.name]


def random_problem(
    rng: np.random.Generator, widths: tuple[int, ...]
) -> tuple[Moments, list[np.ndarray], np.ndarray, np.ndarray]:
    data = rng.normal(size=(widths[0] + 2, widths[0] + 1))
    moments = Moments.from_moments(
        *(m / len(data) for m in (data[:, :-1].T @ data[:, :-1], data[:, :-1].T @ data[:, -1], data[:, -1] @ data[:, -1]))
    )
    layers = [rng.normal(size=shape) for shape in zip(widths[1:], widths, strict=False)]
    return moments, layers, rng.uniform(0.1, 2, len(layers)), rng.uniform(0, 2, len(layers) - 1)


def arguments(moments: Moments, layers: list[np.ndarray], decay: np.ndarray, noise: np.ndarray) -> dict[str, object]:
    upper = moments.second[np.triu_indices(moments.features)]
    values = {f"W_{i}": layer for i, layer in enumerate(layers, 1)} | {"A": upper, "g": moments.cross, "Y": moments.target}
    return values | {"gamma": decay} | ({"s": noise} if len(noise) else {})


# -- loss and gradient -------------------------------------------------------------------------------------------------

WIDTHS = [(1, 1), (3, 1), (2, 2, 1), (1, 3, 1), (1, 2, 2, 1), (2, 1, 2, 1), (1, 1, 2, 1, 1)]


@pytest.mark.parametrize("widths", WIDTHS)
def test_loss_and_gradient_agree_with_the_numeric_recursion(widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(widths) * 10 + widths[0])
    for _ in range(5):
        problem = random_problem(rng, widths)
        moments, layers, decay, noise = problem
        options = {"decay": tuple(decay), "noise": tuple(noise) if len(noise) else 0.0}
        values = arguments(*problem)
        assert compiled("minima.loss", widths=widths)(**values) == pytest.approx(
            noise_averaged_loss(layers, moments, **options), rel=1e-11
        )
        found = compiled("minima.gradient", widths=widths)(**values)
        found = (found,) if len(layers) == 1 else found
        for mine, other in zip(found, noise_averaged_gradient(layers, moments, **options), strict=True):
            assert np.array(mine) == pytest.approx(other, rel=1e-9, abs=1e-9)


def test_loss_with_one_shared_mask_would_be_another_number() -> None:
    """Independent neurons: 6 at unit weights, unit data and variance 1; one mask for the whole layer would give 8."""
    one = {"W_1": ((1,), (1,)), "W_2": ((1, 1),), "A": (1,), "g": (0,), "Y": 0, "gamma": (0, 0), "s": (1,)}
    assert compiled("minima.loss", widths=(1, 2, 1))(**one) == 6


def test_loss_is_the_mean_over_sampled_noise() -> None:
    rng, count = np.random.default_rng(5), 200_000
    x, y = np.array([0.7, -0.4]), 0.3
    first, second, noise = rng.normal(size=(2, 2)), rng.normal(size=(1, 2)), 0.5
    masks = 1 + math.sqrt(noise) * rng.normal(size=(count, 2))
    samples = ((masks * (first @ x)) @ second[0] - y) ** 2
    values = {
        "W_1": first,
        "W_2": second,
        "A": (x[0] ** 2, x[0] * x[1], x[1] ** 2),
        "g": x * y,
        "Y": y * y,
        "gamma": (0, 0),
        "s": (noise,),
    }
    error = samples.std() / math.sqrt(count)
    assert abs(compiled("minima.loss", widths=(2, 2, 1))(**values) - samples.mean()) < 5 * error


def test_loss_is_exact_on_fractions() -> None:
    third = Fraction(1, 3)
    values = {
        "W_1": ((third,),),
        "W_2": ((Fraction(2),),),
        "A": (1,),
        "g": (third,),
        "Y": 1,
        "gamma": (third, third),
        "s": (third,),
    }
    # (1 + s) (w u)^2 - 2 g w u + 1 + gamma (w^2 + u^2) by hand.
    wanted = Fraction(4, 3) * Fraction(4, 9) - Fraction(4, 9) + 1 + Fraction(1, 27) + Fraction(4, 3)
    assert compiled("minima.loss", widths=(1, 1, 1))(**values) == wanted


# -- Hessian at the origin ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(2, 1), (2, 2, 1), (3, 1, 1), (1, 3, 1), (2, 2, 1, 1), (1, 2, 2, 1)])
def test_spectrum_agrees_with_differences_of_the_numeric_gradient(widths: tuple[int, ...]) -> None:
    moments, layers, decay, noise = random_problem(np.random.default_rng(sum(widths)), widths)
    shapes, size, step = [layer.shape for layer in layers], sum(layer.size for layer in layers), 1e-4

    def slope(flat: np.ndarray) -> np.ndarray:
        parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        split = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return np.concatenate(
            [g.ravel() for g in noise_averaged_gradient(split, moments, decay=tuple(decay), noise=tuple(noise) or 0.0)]
        )

    matrix = np.array([(slope(step * e) - slope(-step * e)) / (2 * step) for e in np.eye(size)])
    known = {"gamma": decay} | {1: {"a": moments.eigenvalues}, 2: {"G": float(moments.cross @ moments.cross)}}.get(
        len(layers), {}
    )
    pairs = compiled("minima.hessian_at_origin", widths=widths)(**known)
    listed = sorted(value for value, power in pairs for _ in range(power))
    assert listed == pytest.approx(np.linalg.eigvalsh((matrix + matrix.T) / 2).tolist(), abs=1e-6)


@pytest.mark.parametrize("widths", [(2, 3, 1), (3, 2, 1), (2, 2, 2, 1)])
def test_spectrum_has_the_multiplicities_of_the_widths(widths: tuple[int, ...]) -> None:
    pairs = derive("minima.hessian_at_origin", widths=widths).result["spectrum"]
    powers = sorted(power for _, power in pairs)
    if len(widths) == 3:
        assert powers == sorted([widths[1], widths[1], widths[1] * (widths[0] - 1)])
    else:
        assert powers == sorted(a * b for a, b in itertools.pairwise(widths))


# -- the scalar equation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_scalar_equation_holds_at_every_stationary_point_of_the_numeric_solver(depth: int, count: int) -> None:
    rng, seen = np.random.default_rng(depth * 10 + count), 0
    for _ in range(6):
        a, g, noise = rng.uniform(0.2, 3, count), rng.normal(size=count) + 2, rng.uniform(0, 1)
        moments = Moments.from_moments(np.diag(a), g, float(g @ (g / a)) + 1)
        found = minimise(moments, (count, *(2,) * (depth - 1), 1), decay=rng.uniform(0.05, 0.5), noise=noise)
        for point in (p for p in found.stationary if math.isfinite(p.lam)):
            function = compiled("minima.scalar_equation", depth=depth, eigenvalues=count)
            level, energy, psi = function(lamda=point.lam, a=a, g=g, kappa=found.noise_factor)
            assert level == pytest.approx(math.prod(found.decay), rel=1e-7)
            assert (energy, psi) == pytest.approx((point.energy, point.excess), rel=1e-7, abs=1e-9)
            seen += 1
    assert seen >= 6


def test_four_stationary_energies_of_a_spread_spectrum() -> None:
    """diag(1, 100), g = (1, 7/2), Gamma = 1/10, depth 3: two minima and two barriers; the largest energy is not the best."""
    formula = derive("minima.scalar_equation", depth=3, eigenvalues=2).result
    lamda = next(iter(formula["S"].free_symbols & {item.pattern for item in formula.arguments if item.name == "lamda"}))
    values = {"a": (1, 100), "g": (1, sp.Rational(7, 2)), "kappa": 1}
    level, energy, psi = (sp.sympify(item) for item in formula.evaluate(lamda=lamda, **values))
    numerator = sp.Poly(sp.fraction(sp.together(level - sp.Rational(1, 10)))[0], lamda)
    roots = [root for root in numerator.nroots(n=30) if root.is_real and root > 0]
    pairs = sorted(((float(energy.subs(lamda, root)), float(psi.subs(lamda, root))) for root in roots), reverse=True)
    assert [p[0] for p in pairs] == pytest.approx([0.226236, 0.129511, 0.0477613, 0.00860843], rel=1e-5)
    assert [p[1] for p in pairs] == pytest.approx([-0.00622926, -0.000223944, -0.0119455, 0.00802479], rel=1e-5)


# -- closed form -------------------------------------------------------------------------------------------------------


def layers_of(depth: int, widths: tuple[int, ...], g: np.ndarray, scales: tuple[float, ...]) -> list[np.ndarray]:
    first = scales[0] * np.outer(np.ones(widths[1]), g)
    return [first, *(scale * np.ones((widths[i + 2], widths[i + 1])) for i, scale in enumerate(scales[1:]))]


@pytest.mark.parametrize("widths", [(3, 1), (2, 3, 1), (2, 2, 3, 1), (1, 4, 2, 1), (2, 2, 3, 2, 1)])
def test_closed_form_agrees_with_the_numeric_solver(widths: tuple[int, ...]) -> None:
    rng, depth, branches = np.random.default_rng(len(widths)), len(widths) - 1, set()
    for _ in range(25):
        a, g = rng.uniform(0.2, 3), rng.normal(size=widths[0]) * 3
        decay, noise = rng.uniform(0.05, 1.5, depth), rng.uniform(0, 1, depth - 1)
        moments = Moments.from_moments(a * np.eye(widths[0]), g, float(g @ g) / a + 0.5)
        known = {"a": a, "G": float(g @ g), "gamma": tuple(decay)} | (
            {"s": tuple(noise), "d": widths[1:-1]} if depth > 1 else {}
        )
        energy, psi, *scales = compiled("minima.closed_form", depth=depth)(**known)
        options = {"decay": tuple(decay), "noise": tuple(noise) if depth > 1 else 0.0}
        best = minimise(moments, widths, **options)
        assert psi + moments.target == pytest.approx(best.loss, rel=1e-9)
        layers = layers_of(depth, widths, g, tuple(scales))
        assert noise_averaged_loss(layers, moments, **options) == pytest.approx(best.loss, rel=1e-9)
        assert max(abs(part).max() for part in noise_averaged_gradient(layers, moments, **options)) < 1e-7 * (
            1 + moments.target
        )
        branches.add(energy > 0)
    assert branches == ({True} if depth == 1 else {True, False})


@pytest.mark.parametrize("widths", [(1, 2, 1), (1, 2, 2, 1), (1, 2, 1, 2, 1)])
def test_closed_form_is_not_beaten_by_descent_from_many_starts(widths: tuple[int, ...]) -> None:
    depth, rng = len(widths) - 1, np.random.default_rng(len(widths))
    loss_of, slope_of = (compiled(name, widths=widths) for name in ("minima.loss", "minima.gradient"))
    shapes = list(zip(widths[1:], widths, strict=False))
    cuts = np.cumsum([a * b for a, b in shapes])[:-1]
    fixed = {"A": (1.0,), "g": (3.0,), "Y": 9.0, "gamma": (0.4,) * depth, "s": (0.5,) * (depth - 1)}

    def split(flat: np.ndarray) -> dict[str, np.ndarray]:
        return {
            f"W_{i}": part.reshape(shape) for i, (part, shape) in enumerate(zip(np.split(flat, cuts), shapes, strict=True), 1)
        }

    ends = []
    for _ in range(8):
        start = rng.normal(size=sum(a * b for a, b in shapes)) * 1.5
        end = minimize(
            lambda flat: loss_of(**split(flat), **fixed),
            start,
            jac=lambda flat: np.concatenate([np.ravel(part) for part in slope_of(**split(flat), **fixed)]),
            options={"gtol": 1e-7},
        )
        ends.append(end.fun)
    psi = compiled("minima.closed_form", depth=depth)(
        a=1.0, G=9.0, gamma=(0.4,) * depth, s=(0.5,) * (depth - 1), d=widths[1:-1]
    )[1]
    assert min(ends) == pytest.approx(9 + psi, abs=1e-8) and psi < 0


@pytest.mark.parametrize(
    ("decay", "g", "energy", "psi"),
    [
        ((1, 1), 3, 2, -4),
        ((1, 4), 4, 4, -4),
        ((1, 1, sp.Rational(1, 4)), sp.Rational(5, 2), 1, -3),
        ((1, 1, 1, sp.Rational(1, 4)), sp.Rational(5, 2), 1, -2),
    ],
)
def test_instances_worked_by_hand(decay: tuple[sp.Rational, ...], g: sp.Rational, energy: int, psi: int) -> None:
    hidden = len(decay) - 1
    formula = derive("minima.closed_form", depth=len(decay)).result
    found = formula.evaluate(a=1, G=g**2, gamma=decay, s=(0,) * hidden, d=(1,) * hidden)
    assert all(
        abs(sp.N(value, 30) - wanted) < sp.Rational(1, 10**25) for value, wanted in zip(found, (energy, psi), strict=False)
    )


def test_unequal_decays_give_unequal_layers() -> None:
    """gamma = (1, 4), A = 1, g = 4: the minimiser is W_1 = 2, W_2 = 1."""
    _, _, first, second = derive("minima.closed_form", depth=2).result.evaluate(a=1, G=16, gamma=(1, 4), s=(0,), d=(1,))
    assert (first * 4, second) == (2, 1)


def test_depth_two_upper_weight_is_the_known_one() -> None:
    r"""$u^2 = (\sqrt{\gamma_1 / \gamma_2} |g| - \gamma_1) / ((s + d) a)$ for two layers; the root is $c / \gamma_2$."""
    formula = derive("minima.closed_form", depth=2).result
    a, first, second, d, c = sp.symbols("a gamma_1 gamma_2 d_1 c", positive=True)
    s = sp.Symbol("s_1", nonnegative=True)
    known = (c / second - first) / ((s + d) * a)
    kept = [let for let in formula.lets if let.symbol != c]
    found = formula["omega_2"]
    for let in reversed(kept):
        found = found.xreplace({let.symbol: let.value.doit()})
    assert vanishes(found.doit() ** 2 - known)


# -- depth 5 and beyond ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [5, 6, 7, 8])
def test_residual_vanishes_at_the_numeric_minimum(depth: int) -> None:
    best = minimise(Moments.from_moments([[0.5]], [4.0], 40.0), (1, *(1,) * (depth - 1), 1), decay=0.6, noise=0.1)
    function = compiled("minima.closed_form", depth=depth)
    scale = best.energy ** (depth - 1) * best.noise_factor
    known = {"a": 0.5, "G": 16.0, "kappa": best.noise_factor, "Gamma": 0.6**depth}
    assert best.energy > 0 and abs(function(b=best.energy, **known)) < 1e-9 * scale < abs(
        function(b=1.1 * best.energy, **known)
    )


def test_instances_beyond_depth_four() -> None:
    z, b = sp.symbols("z b", positive=True)
    assert instance(4).as_expr() == z**8 - 6 * z**3 + 2 and instance(5).as_expr() == b**5 - 6 * b**2 + 2


@pytest.mark.parametrize("hidden", [4, 5, 6, 7])
def test_obstruction_is_no_artefact_of_sympy(hidden: int) -> None:
    polynomial, evidence = instance(hidden), obstruction(instance(hidden))
    assert evidence is not None and evidence.degree == polynomial.degree() == (2 * hidden if hidden % 2 == 0 else hidden)
    for prime, lengths in filter(None, (evidence.primitive, evidence.short)):
        assert sum(lengths) == evidence.degree and count_roots(polynomial, prime) == lengths.count(1)


def count_roots(polynomial: sp.Poly, prime: int) -> int:
    coefficients = [int(c) for c in polynomial.all_coeffs()]
    return sum(functools.reduce(lambda value, c: (value * x + c) % prime, coefficients, 0) == 0 for x in range(prime))


def test_galois_group_of_the_quintic_is_symmetric() -> None:
    x = sp.Symbol("x")
    group, alternating = galois_group(sp.Poly(x**5 - 6 * x**2 + 2))
    assert group.order() == 120 and not alternating and not group.is_solvable


@pytest.mark.parametrize(
    "text", ["x**5 - 2", "x**5 - 5*x + 12", "x**6 - 2", "x**8 - 2", "x**8 - 12*x**6 + 36*x**4 - 36*x**2 + 9"]
)
def test_solvable_polynomials_show_no_obstruction(text: str) -> None:
    assert obstruction(sp.Poly(sp.sympify(text), sp.Symbol("x"))) is None


def test_three_eigenvalues_are_beyond_radicals_at_depth_two() -> None:
    """kappa A = diag(1, 2, 3), g = (1, 1, 1), Gamma = 1, from the derived equation F(lamda) = Gamma."""
    formula = derive("minima.scalar_equation", depth=2, eigenvalues=3).result
    lamda = sp.Symbol("lamda", positive=True)
    level = formula.evaluate(lamda=lamda, a=(1, 2, 3), g=(1, 1, 1), kappa=1)[0]
    polynomial = sp.Poly(sp.fraction(sp.together(level - 1))[0], lamda)
    assert polynomial.degree() == 6 and polynomial.is_irreducible and obstruction(polynomial) is not None


def test_eisenstein_and_reductions() -> None:
    x = sp.Symbol("x")
    assert not is_eisenstein(sp.Poly(x**2 - 4), 2) and not is_eisenstein(sp.Poly(2 * x**2 - 2), 2)
    assert cycle_type(sp.Poly((x - 1) ** 2 + 7), 7) is None, "a repeated factor says nothing"
    assert cycle_type(sp.Poly(x**2 - 2), 7) == (1, 1)


# -- critical decay ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [3, 4, 5, 6])
def test_critical_decay_agrees_with_the_numeric_solver(depth: int) -> None:
    rng = np.random.default_rng(depth)
    for _ in range(10):
        a, g, noise = rng.uniform(0.2, 3), rng.uniform(0.5, 4), rng.uniform(0, 1)
        best = minimise(Moments.from_moments([[a]], [g], g * g / a + 1), (1, *(2,) * (depth - 1), 1), decay=0.1, noise=noise)
        critical, energy, _ = compiled("minima.critical_decay", depth=depth)(a=a, G=g * g, kappa=best.noise_factor)
        assert critical == pytest.approx(best.critical_decay_product, rel=1e-9)
        grid = np.exp(np.linspace(-12, 12, 20001))
        heights = grid * (g * g / (best.noise_factor * a + grid)) ** (depth - 1) / (depth - 1) ** (depth - 1)
        assert heights.max() <= critical * (1 + 1e-12) and heights.max() == pytest.approx(critical, rel=1e-5)
        at = minimise(
            Moments.from_moments([[a]], [g], g * g / a + 1),
            best.widths,
            decay=(critical * 0.999999) ** (1 / depth),
            noise=noise,
        )
        assert at.energy == pytest.approx(energy, rel=1e-2)


def test_critical_decay_at_depth_two_is_the_norm() -> None:
    formula = derive("minima.critical_decay", depth=2).result
    assert formula.evaluate(a=7, G=5, kappa=3) == (5, 0)


@pytest.mark.parametrize("hidden", [2, 3, 4, 5])
def test_critical_decay_has_the_closed_pattern(hidden: int) -> None:
    square, alpha = sp.symbols("G alpha", positive=True)
    pattern = square**hidden * (hidden - 1) ** (hidden - 1) / (sp.Integer(hidden) ** (2 * hidden) * alpha ** (hidden - 1))
    assert sp.cancel(critical_decay(hidden) - pattern) == 0
    with pytest.raises(ValueError, match="not a double value"):
        cofactor(hidden, 2 * critical_decay(hidden))


def test_noise_makes_the_origin_win_where_it_would_lose() -> None:
    """A = 1, G = 4, widths (1, 1, 1, 1), Gamma = 1/2: below the threshold 1 without noise, above 1/4 with variance 1."""
    formula = derive("minima.closed_form", depth=3).result
    quiet, noisy = (formula.evaluate(a=1, G=4, gamma=(sp.Rational(1, 2), 1, 1), s=(s, s), d=(1, 1)) for s in (0, 1))
    assert sp.N(quiet[1]) < 0 and noisy[0] == 0


def test_expansion_by_moments_matches_a_loss_written_by_hand() -> None:
    net = network((1, 1, 1))
    w, u, (a,), (g,), s = net.layers[0][0], net.layers[1][0], net.second, net.cross, net.noise[0]
    by_hand = (
        (1 + s) * a * w**2 * u**2 - 2 * g * w * u + sp.Symbol("Y", positive=True) + net.decay[0] * w**2 + net.decay[1] * u**2
    )
    assert sp.expand(loss(net) - by_hand) == 0
