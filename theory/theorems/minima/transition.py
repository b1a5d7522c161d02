r"""The transition: for which weight decay the origin is the global minimum (arXiv:2202.04777).

Setting. D = N - 1 hidden layers, Gamma = gamma_1 ... gamma_N, G = |g|^2, alpha = kappa a for isotropic data A = a I.
Hypotheses. gamma_i, a, kappa > 0, variances s_i >= 0; for general A: A positive semidefinite, z = (kappa A + lambda I)^{-1} g.
Conclusion. With
    \[ \Gamma_c = \frac{(D-1)^{D-1} G^D}{D^{2D} \alpha^{D-1}} \]
    (D = 1: Gamma_c = G): if Gamma >= Gamma_c then L >= Y for all parameters, and if Gamma < Gamma_c then L < Y at an aligned point
    of layer energy \(b_c = (D-1) G / (D^2\alpha)\), where L = Y if Gamma = Gamma_c. For general A: \(D b \ge T \iff D^D\Gamma \ge
    \lambda T^D\), so that \(\Gamma_c = D^{-D}\sup_\lambda \lambda T^D\); \(\Gamma_c(\kappa) = \kappa^{-(D-1)}\Gamma_c(1)\);
    Gamma_c is at least the isotropic value at the largest eigenvalue of A, and at D = 2 at most \((g^T A^{-1/2} g)^2 / (16\kappa)\).
Form. Equivalence, for isotropic data; inequalities and an identity in general.
Scope of proof. All widths, with noise. L >= Y: D = 1, 2, 3. L < Y and the tie: D = 1, ..., 4. Potential: D <= 6.
Why. (alpha |v|^2 + R)^{2D} >= 4^D G^D |v|^{2D} from R^{D+1} >= (D+1)^{D+1} Gamma |v|^2 (norm lemma, means) and a weighted inequality of
    the means, whose difference is a square times a positive polynomial. The threshold is the discriminant of
    D alpha b^D - G b^{D-1} + D Gamma.
Sharpness. D = 2: |g|^2 > Gamma is not sufficient for L < Y (G = alpha = 1, Gamma = 1/8), nor necessary (G = Gamma = 1,
    alpha = 1/32). Dropping kappa is wrong: kappa = 4, a = 1, G = 4, Gamma = 1/2.
Source. arXiv:2202.04777 has the phenomenon; the thresholds are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Identity, Integer, Mul, Rational, Symbol, Trace, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, SymmetricSymbol, inner, known, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.aligned import Aligned
from theory.theorems.minima.lemmas import Network, mean_gap
from theory.theorems.minima.origin import norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, Potential, picked
from theory.theorems.minima.setting import Setting, widths_of

NAME = "minima.transition"
A_SCALAR, ALPHA, G, BETA = symbols("a alpha G beta")


def discriminant(hidden: int, alpha: Any, size: Any, decay: Any) -> Expr:
    """D^{2D} alpha^{D-1} Gamma - (D-1)^{D-1} G^D, of the sign of Gamma - Gamma_c."""
    return hidden ** (2 * hidden) * alpha ** (hidden - 1) * decay - max(hidden - 1, 1) ** (hidden - 1) * size**hidden


# -- L >= Y for all parameters ------------------------------------------------------------------------------------------


def trivial(net: Network, name: str) -> Claim:
    """Gamma >= Gamma_c implies L >= Y."""
    return Claim(_trivial(net, name, _room(net)), tuple(_trivial_steps(net)))


def _room(net: Network) -> Expr:
    s = net.setting
    return discriminant(s.depth - 1, net.kappa * A_SCALAR, norm_of_g(s), s.decay_product)


def _trivial(net: Network, name: str, room: Expr, isotropic: bool = True) -> Statement:
    s = net.setting
    off = (equal(s.A - A_SCALAR * s.identity),) if isotropic else ()
    given = (*net.given, greater(A_SCALAR), *off, at_least(room))
    return Statement(f"{NAME}.{name}", (*net.variables, A_SCALAR), given, (at_least(s.loss - s.Y),))


def _trivial_steps(net: Network) -> list[Step]:
    s, n = net.setting, net.setting.depth
    off, energy = s.A - A_SCALAR * s.identity, _energy(net)
    mean = s.penalty**n - n**n * Mul(s.decay_product, *map(norm2, s.layers))
    energies = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    first = [*net.path_steps(), *net.norm_steps(), prove(">=", mean, mean_gap(energies)), schwarz_step(s)]
    zero = known(s.product.T)
    none = net.moment_known + sum(energies) - 2 * Trace(zero.T * s.g)
    dead = vanishes(s.product.T, known(-energy) + sum(energies), times=net.kappa_known * known(A_SCALAR))
    gap = energy - 2 * s.fit
    alive = [*_power_steps(net, mean), prove(">=", s.loss - s.Y, known(net.path) + known(gap) + _off(net, off))]
    cases = split(">=", s.loss - s.Y, on=energy, positive=alive, otherwise=[dead, prove(">=", s.loss - s.Y, none)])
    return [*first, cases]


def _energy(net: Network) -> Expr:
    """alpha |v|^2 + R."""
    return net.kappa * A_SCALAR * norm2(net.setting.product) + net.setting.penalty


def _off(net: Network, off: Expr) -> Expr:
    v = net.setting.product.T
    return net.kappa * Trace(v.T * known(off) * v)


def _power_steps(net: Network, mean: Expr) -> list[Step]:
    """(alpha |v|^2 + R)^{2D} >= (4 G |v|^2)^D, hence alpha |v|^2 + R >= 2 v . g, where alpha |v|^2 + R > 0 is known."""
    s, D, energy = net.setting, net.setting.depth - 1, _energy(net)
    V, f, top = norm2(s.product), s.fit, energy**2
    flat = 4 * norm_of_g(s) * V
    power, wide, up, gap = top**D - flat**D, top - flat, energy + 2 * f, energy - 2 * f
    seen = 4 * Square(s.g) * Square(s.product)
    roots = sum((known(energy) ** (2 * (D - 1 - j)) * seen**j for j in range(D)), Integer(0))
    squared = energy**2 - 4 * f**2
    return [
        prove(">=", power, _weighted(net, mean)),
        prove(">=", wide, known(power), times=roots),
        prove(">=", squared, known(wide) + 4 * known(schwarz_gap(s))),
        split(
            ">=",
            gap,
            on=up,
            positive=[prove(">=", gap, known(squared), times=known(up))],
            otherwise=[prove(">=", gap, 2 * known(energy) + known(-up))],
        ),
    ]


def _weighted(net: Network, mean: Expr) -> Expr:
    r"""(x + r)^{2D} - (4 G |v|^2)^D with x = alpha |v|^2, r = R, from C x^{D-1} r^{D+1} with C = (2D)^{2D} / ((D-1)^{D-1} (D+1)^{D+1})."""
    s, D = net.setting, net.setting.depth - 1
    V = Square(s.product)
    x = net.kappa_known * known(A_SCALAR) * V
    r = sum(known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True))
    constant = Rational((2 * D) ** (2 * D), max(D - 1, 1) ** (D - 1) * (D + 1) ** (D + 1))
    decay = (D + 1) ** (D + 1) * Mul(*map(known, s.decay))
    lower = constant * x ** (D - 1) * (known(mean) + decay * known(net.norm))
    return _means(D, x, r) + lower + Rational(4**D, max(D - 1, 1) ** (D - 1)) * V**D * known(_room(net))


def _means(D: int, x: Expr, r: Expr) -> Expr:
    """(x + r)^{2D} - C x^{D-1} r^{D+1}, a square times a polynomial with positive coefficients, for D = 1, 2, 3."""
    if D == 1:
        return x**2 + 2 * x * r
    if D == 2:
        return (x - r / 3) ** 2 * (x**2 + Rational(14, 3) * x * r + 9 * r**2)
    return (x - r / 2) ** 2 * (x + 4 * r) * ((x + r) ** 3 + Rational(27, 4) * x * r**2)


# -- aligned points -----------------------------------------------------------------------------------------------------


def family(depth: int) -> Claim:
    """(alpha b^D + Gamma)(L - Y) = b (D (alpha b^D + Gamma) - G b^{D-1}) at aligned points of energy b."""
    p = Aligned(depth)
    s = Statement(f"{NAME}.family{depth}", p.variables, p.given, (equal(p.law),))
    return Claim(s, tuple(p.steps()))


def claims() -> list[Claim]:
    quiet = [trivial(Network(Setting(widths_of(n), noisy=False)), f"trivial{n}_without_noise") for n in (2, 3, 4)]
    noisy = [trivial(Network(Setting(widths_of(n))), f"trivial{n}") for n in (2, 3, 4)]
    return [*quiet, *noisy, *map(family, (2, 3, 4, 5))]
