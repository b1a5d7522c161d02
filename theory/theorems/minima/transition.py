r"""The transition: for which weight decay the origin is the global minimum (arXiv:2202.04777).

Setting: D = N - 1 hidden layers, Gamma = gamma_1 ... gamma_N, G = |g|^2, alpha = kappa a for isotropic data A = a I.
Hypotheses: gamma_i, a, kappa > 0, variances s_i >= 0; for general A: A positive semidefinite, z = (kappa A + lambda I)^{-1} g.
Conclusion: With
    \[ \Gamma_c = \frac{(D-1)^{D-1} G^D}{D^{2D} \alpha^{D-1}} \]
    (D = 1: Gamma_c = G): if Gamma >= Gamma_c then L >= Y for all parameters; if Gamma < Gamma_c then L < Y at an aligned point,
    for D >= 2 of layer energy \(b_c = (D-1) G / (D^2\alpha)\), where L = Y if Gamma = Gamma_c. For general A:
    \(D b \ge T \iff D^D\Gamma \ge \lambda T^D\), so that \(\Gamma_c = D^{-D}\sup_\lambda \lambda T^D\);
    \(\Gamma_c(\kappa) = \kappa^{-(D-1)}\Gamma_c(1)\); Gamma_c is at least the isotropic value at the largest eigenvalue of A,
    and at D = 2 at most \((g^T A^{-1/2} g)^2 / (16\kappa)\).
Form: Equivalence, for isotropic data; inequalities and an identity in general.
Scope of proof: All widths, with noise. L >= Y and L < Y: D = 1, ..., 4; the tie: D = 2, 3, 4. Potential: D <= 6.
Why: (alpha |v|^2 + R)^{2D} >= 4^D G^D |v|^{2D} from R^{D+1} >= (D+1)^{D+1} Gamma |v|^2 (norm lemma, means) and a weighted
    inequality of the means, whose difference is a square times a positive polynomial. The threshold is the discriminant of
    D alpha b^D - G b^{D-1} + D Gamma.
Sharpness: D = 2: |g|^2 > Gamma is not sufficient for L < Y (G = alpha = 1, Gamma = 1/8), nor necessary (G = Gamma = 1,
    alpha = 1/32). Dropping kappa is wrong: kappa = 4, a = 1, G = 4, Gamma = 1/2.
Source: arXiv:2202.04777 has the phenomenon; the thresholds are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Identity, Rational, Symbol

from theory.expressions import inner, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.aligned import Aligned
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.origin_claims import norm_of_g
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, Potential, picked
from theory.theorems.minima.setting import Setting
from theory.theorems.minima.transition_claims import (
    A_SCALAR,
    ALPHA,
    BETA,
    NAME,
    G,
    below_statement,
    claims,
    discriminant,
    tie_scale,
    trivial_statement,
)

Row = tuple[str, Statement, dict[str, Any]]


def _refuted(rows: Sequence[Row]) -> list[Counterexample]:
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in rows]


def _quiet(depth: int) -> Network:
    return Network(Setting((1,) * (depth + 1), noisy=False))


def _line(depth: int, g: Any, a: Any, decay: Any, b: Any = 1, kappa: Any = 1, **more: Any) -> dict[str, Any]:
    """One neuron in each layer: W_i = 1, gamma_i = b for i >= 2 and the best W_1; gamma_1 from the product Gamma."""
    D = depth - 1
    first = Rational(b) ** D * g / (kappa * a * Rational(b) ** D + decay)
    decays = {"gamma1": Rational(decay) / Rational(b) ** D} | {f"gamma{i}": b for i in range(2, depth + 1)}
    layers = {"W1": [[first]]} | {f"W{i}": [[1]] for i in range(2, depth + 1)}
    return {**layers, **decays, "A": [[a]], "g": [[g]], "Y": 1, "a": a, "s1": 1, "s2": 1, **more}


def _room(net: Network, alpha: Any = None, decay: Any = 1, D: int | None = None) -> Any:
    """The discriminant with another alpha, a multiple of Gamma, or another D."""
    s = net.setting
    strength = net.kappa * A_SCALAR if alpha is None else alpha
    return discriminant(D or s.depth - 1, strength, norm_of_g(s), decay * s.decay_product)


def sharpness() -> list[Counterexample]:
    net, s = _quiet(3), _quiet(3).setting
    enough = trivial_statement(net, "gamma_at_least_g", s.decay_product - norm_of_g(s))
    uneven = trivial_statement(net, "anisotropic", _room(net), isotropic=False)
    p = Aligned(3)
    below = below_statement(p, f"{NAME}.below_g", greater(p.G - p.s.decay_product), greater(p.s.Y - p.loss))
    sufficient = replace(below, sizes=p.at)
    # g = 1, A = 1/32, gamma = (1/4, 2, 2), W = (16/3, 2, 2): b = 8 and L - Y = psi(8) = -16/3.
    deep = _line(
        3, 1, Rational(1, 32), 1, gamma1=Rational(1, 4), gamma2=2, gamma3=2, W1=[[Rational(16, 3)]], W2=[[2]], W3=[[2]]
    )
    rows: list[Row] = [
        ("Gamma_c for |g|^2: not necessary", enough, deep),
        ("Gamma_c for |g|^2: not sufficient", sufficient, p.point(decay=2, a=tie_scale(p))),
        ("A = a I", uneven, _line(3, 1, 1, 1, A=[[0]], W1=[[2]], W2=[[2]], W3=[[2]])),
        _without_noise_factor(),
        _without_large_decay(),
    ]
    return _refuted(rows)


def _without_noise_factor() -> Row:
    """kappa = 4, a = 1, G = 4, Gamma = 1/2: Gamma < G^2 / (16 a), but 2 (kappa a b^2 + Gamma) > G b at b_c."""
    given = (greater(A_SCALAR), greater(KAPPA), greater(GAMMA), greater(B), greater(G**2 - 16 * A_SCALAR * GAMMA))
    then = greater(G * B - 2 * (KAPPA * A_SCALAR * B**2 + GAMMA))
    variables = (A_SCALAR, KAPPA, GAMMA, G, B)
    s = Statement(f"{NAME}.without_kappa", variables, (*given, equal(4 * KAPPA * A_SCALAR * B - G)), (then,))
    return "kappa", s, {"a": 1, "kappa": 4, "Gamma": Rational(1, 2), "G": 4, "b": Rational(1, 4)}


def _without_large_decay() -> Row:
    """G = alpha = 1, Gamma = 1/8 < G: psi > 0 at b_c, so that |g|^2 > Gamma is not enough at D = 2."""
    given = (greater(ALPHA), greater(GAMMA), greater(G - GAMMA), greater(BETA), equal(4 * ALPHA * BETA - G))
    s = Statement(f"{NAME}.small_decay", (ALPHA, GAMMA, G, BETA), given, (greater(G * BETA - 2 * (ALPHA * BETA**2 + GAMMA)),))
    return "Gamma < Gamma_c", s, {"alpha": 1, "Gamma": Rational(1, 8), "G": 1, "beta": Rational(1, 4)}


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    return _refuted([*_false_bounds(), *_false_points(), *_false_potentials()])


def _false_bounds() -> list[Row]:
    three, four, noisy = _quiet(3), _quiet(4), Network(Setting((1, 1, 1, 1)))
    s, u = three.setting, four.setting
    larger = trivial_statement(three, "false_constant", _room(three, decay=Rational(17, 16)))
    exponent = trivial_statement(three, "false_exponent", 16 * A_SCALAR**2 * s.decay_product - norm_of_g(s) ** 2)
    shallow = trivial_statement(four, "false_depth", _room(four, D=2))
    noise = trivial_statement(noisy, "false_noise", _room(noisy, alpha=noisy.kappa**2 * A_SCALAR))
    weak = trivial_statement(three, "false_strict", _room(three))
    strict = Statement(weak.name, weak.variables, (*weak.given, greater(norm2(s.product))), (greater(s.loss - s.Y),))
    cubic = trivial_statement(four, "false_cubic", 729 * A_SCALAR**2 * u.decay_product - 3 * norm_of_g(u) ** 3)
    return [
        ("17 for 16", larger, _line(3, 2, 1, Rational(16, 17))),
        ("alpha^D for alpha^{D-1}", exponent, _line(3, 4, 4, 1)),
        ("D = 2 for D = 3", shallow, _line(4, 10, 1, 625, b=22)),
        ("kappa^2 for kappa", noise, _line(3, 4, 1, 1, kappa=4)),
        ("L > Y at Gamma = Gamma_c", strict, _line(3, 2, 1, 1)),
        # alpha = 1, G = 9: b_c = 2 and Gamma_c = 4.
        ("3 for 4", cubic, _line(4, 3, 1, Rational(39, 10), b=2)),
    ]


def _false_points() -> list[Row]:
    p = Aligned(3)
    critical = equal(discriminant(p.D, p.alpha, p.G, p.s.decay_product))
    lower = below_statement(p, f"{NAME}.false_tie", critical, greater(p.s.Y - p.loss))
    place = Statement(
        f"{NAME}.false_place", p.variables, (*p.given, critical, equal(2 * p.alpha * B - p.G)), (equal(p.loss - p.s.Y),)
    )
    law = p.weight * (p.loss - p.s.Y) - B * (p.D * p.weight - p.G * B**p.D)
    power = Statement(f"{NAME}.false_law", p.variables, p.given, (equal(law),))
    at_tie = p.point(decay=1, a=tie_scale(p))
    # alpha = 2, G = 4 and b = 1: Gamma_c = 1/2.
    rows = [
        ("L < Y at Gamma_c", lower, at_tie),
        ("2 for 4 in b_c", place, p.point(decay=Rational(1, 2), a=2 * tie_scale(p))),
        ("b^D for b^{D-1}", power, p.point(b=2)),
    ]
    return [(text, replace(s, sizes=p.at), point) for text, s, point in rows]


def _false_potentials() -> list[Row]:
    p, mu, m = Potential(2, 1), Symbol("mu"), Symbol("m")
    y = p.vector("y")
    given = (*p.positive, greater(B), equal(p.resolvent), equal(p.tie))
    variables = (p.A, p.g, p.z, KAPPA, LAMBDA, B, GAMMA)
    loose = Statement(f"{NAME}.false_criterion", variables, (*given, at_least(8 * GAMMA - LAMBDA * p.T**2)), (at_least(p.psi),))
    one, two = KAPPA * (p.A + mu * Identity(p.dim)) * p.z - p.g, (p.A + mu * Identity(p.dim)) * y - p.g
    law = KAPPA**2 * (KAPPA * mu) * inner(p.g, p.z) ** 2 - mu * inner(p.g, y) ** 2
    scaled = Statement(
        f"{NAME}.false_scaling",
        (p.A, p.g, p.z, y, KAPPA, mu),
        (greater(KAPPA), greater(mu), equal(one), equal(two)),
        (equal(law),),
    )
    top = (KAPPA * m + LAMBDA) * p.T - p.G
    smallest = Statement(
        f"{NAME}.false_eigenvalue",
        (p.A, p.g, p.z, KAPPA, LAMBDA, m),
        (*p.positive, greater(m), at_least(p.A - m * Identity(p.dim)), equal(p.resolvent)),
        (at_least(top),),
    )
    plain = {"kappa": 1, "lambda": 1}
    return [
        ("8 for 4", loose, {**plain, "A": [[9]], "g": [[5]], "z": [[Rational(1, 2)]], "b": 1, "Gamma": 1}),
        ("kappa^D for kappa^{D-1}", scaled, {"A": [[1]], "g": [[4]], "z": [[1]], "y": [[2]], "kappa": 2, "mu": 1}),
        ("smallest eigenvalue", smallest, {**plain, "A": [[2]], "g": [[3]], "z": [[1]], "m": 1}),
        _false_root(p),
    ]


def _false_root(p: Potential) -> Row:
    """kappa = lambda = A = 1: 4 T^2 = (g . h)^2."""
    c, h = Symbol("c"), p.vector("h")
    given = (greater(c), greater(LAMBDA), equal(p.g - c * h), equal(c**2 * p.z + LAMBDA * p.z - p.g))
    then = at_least(inner(h, p.g) ** 2 - 5 * LAMBDA * p.T**2)
    s = Statement(f"{NAME}.false_root", (p.g, p.z, h, c, LAMBDA), given, (then,))
    return "5 for 4", s, {"g": [[2]], "z": [[1]], "h": [[2]], "c": 1, "lambda": 1}


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Isotropic data with gamma_1 = G^D + (a positive number), other decays and alpha at least 1, so that Gamma >= Gamma_c.

    Beside L >= Y, the inequality behind it, which needs no hypothesis on Gamma:
    (D-1)^{D-1} (alpha |v|^2 + R)^{2D} >= (2D)^{2D} alpha^{D-1} Gamma |v|^{2D}.
    """
    net = Network(Setting(tuple(widths)))
    s, D, values, u = net.setting, len(widths) - 2, net.setting.draw(draw), Symbol("u")
    values |= {"g": draw.matrix(int(widths[0]), 1), "u": draw.nonnegative()}
    values["a"] = draw.value(1 + u, values)
    values["A"] = draw.value(A_SCALAR * s.identity, values)
    grown = {c.name: draw.value(1 + c, values) for c in s.decay[1:]}
    values |= {**grown, "gamma1": draw.value(norm_of_g(s) ** D + s.decay[0], values)}
    del values["u"]
    V, energy = norm2(s.product), net.kappa * A_SCALAR * norm2(s.product) + s.penalty
    ahead = max(D - 1, 1) ** (D - 1) * energy ** (2 * D)
    inside = ahead - (2 * D) ** (2 * D) * (net.kappa * A_SCALAR) ** (D - 1) * s.decay_product * V**D
    statement = trivial_statement(net, f"sampled{D}", _room(net))
    then = (*statement.then, at_least(inside))
    return Instance(Statement(statement.name, statement.variables, statement.given, then), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B14",
    title="The critical decay at which the origin becomes the global minimum",
    form="equivalence for isotropic data; inequalities and an identity in general",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (2, 2, 2, 1), (2, 2, 2, 2, 1)),
    supported_at=((16, 16, 1), (16, 16, 16, 1), (16, 8, 8, 8, 1), (8, 4, 4, 4, 4, 1)),
)
