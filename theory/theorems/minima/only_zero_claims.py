"""The claims of `only_zero`: what every stationary point satisfies, the thresholds, and what lies at them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sympy import Expr, Integer, MatrixSymbol, Mul, Rational, Trace, symbols

from theory.certificates import Step, prove, vanishes
from theory.expressions import Congruence, Square, gradient, inner, known, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.exact_points import point
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.origin_claims import norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.potential import GAMMA, KAPPA, B, picked
from theory.theorems.minima.setting import Setting, widths_of
from theory.theorems.minima.stationary_energy import Root, root_point
from theory.theorems.minima.weighted_means import constant, weighted_gap

NAME = "minima.only_zero"
HALF = Rational(1, 2)
ALPHA, G, A_SCALAR = symbols("alpha G a")


@lru_cache(maxsize=16)
def gradients(s: Setting) -> tuple[Expr, ...]:
    return tuple(gradient(s.loss, W) for W in s.layers)


def energy(s: Setting, i: int) -> Expr:
    """gamma_i |W_i|^2."""
    return s.decay[i - 1] * norm2(s.layers[i - 1])


def surplus(n: Network, kappa: Any = None) -> Expr:
    """t = v . g - kappa |v|_A^2."""
    return n.setting.fit - (n.kappa if kappa is None else kappa) * quadratic(n.setting.A, n.setting.product.T)


def pinned_gap(n: Network, t: Expr | None = None) -> Expr:
    """t^N - Gamma |v|^2."""
    s = n.setting
    return (surplus(n) if t is None else t) ** s.depth - s.decay_product * norm2(s.product)


def source_of(s: Setting) -> tuple[MatrixSymbol, Expr]:
    """p and A p - g."""
    p = MatrixSymbol("p", s.dim(0), 1)
    return p, s.A * p - s.g


# -- every stationary point ---------------------------------------------------------------------------------------------


def _euler(s: Setting, i: int) -> Expr:
    """gamma_i |W_i|^2 - v . g + E f^2, a visible zero."""
    W = s.layers[i - 1]
    return HALF * Trace(W.T * known(gradient(s.loss, W)))


@lru_cache(maxsize=8)
def pinned_steps(n: Network) -> tuple[Step, ...]:
    """t >= gamma_i |W_i|^2 >= 0 and Gamma |v|^2 <= t^N."""
    s, N, t = n.setting, n.setting.depth, surplus(n)
    layers = range(1, N + 1)
    over = [prove(">=", t - energy(s, i), known(n.path) - _euler(s, i)) for i in layers]
    sizes = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    positive = prove(">=", t, known(t - energy(s, 1)) + sizes[0])
    ladder = [known(t) ** (N - i) * known(t - energy(s, i)) * Mul(*sizes[: i - 1]) for i in layers]
    rest = Mul(*map(known, s.decay)) * known(n.norm)
    return (*n.path_steps(), *n.norm_steps(), *over, positive, prove(">=", pinned_gap(n), sum(ladder) + rest))


def collapse_steps(s: Setting, f_zero: Expr) -> list[Step]:
    """W_i = 0 for every i, where v . g is the visible zero `f_zero`: gamma_i |W_i|^2 = v . g - E f^2 <= 0."""
    moment = Network(s).moment_known
    return [
        vanishes(W, moment - f_zero - _euler(s, i), times=known(c))
        for i, (c, W) in enumerate(zip(s.decay, s.layers, strict=True), 1)
    ]


def dead_fit(s: Setting) -> Expr:
    """v . g where v = 0 is known."""
    return inner(known(s.product.T), s.g)


def stationary_statement(n: Network, name: str, more: Sequence[Condition], then: Sequence[Condition], *vs: Any) -> Statement:
    given = (*n.given, *map(equal, gradients(n.setting)), *more)
    return Statement(f"{NAME}.{name}", (*n.variables, *vs), given, tuple(then))


def _at(depth: int) -> dict[str, int]:
    return {f"d{i}": 1 for i in range(depth)}


def _thin(n: Network, zero: bool = False, **more: Any) -> dict[str, Any]:
    """Widths 1: W_1 = 2, gamma_1 = 1/4, all else 1, E f^2 = 1 and v . g = 2; or zero."""
    s, N = n.setting, n.setting.depth
    values: dict[str, Any] = {W.name: [[0 if zero else 2 if i == 0 else 1]] for i, W in enumerate(s.layers)}
    values |= {c.name: Rational(1, 4) if i == 0 and not zero else 1 for i, c in enumerate(s.decay)}
    values |= {f"s{k}": 1 for k in range(1, N)} | {"A": [[Rational(1, 4 * 2 ** (N - 1))]], "g": [[1]], "Y": 40}
    return point(n, {**values, **more}, _at(N))


def pinned(depth: int) -> Claim:
    n = Network(Setting(widths_of(depth)))
    s = stationary_statement(n, f"pinned{depth}", (), (at_least(surplus(n)), at_least(pinned_gap(n))))
    return Claim(s, pinned_steps(n), picked(s, _thin(n)), _at(depth))


def dead_predictor(depth: int) -> Claim:
    """A stationary point with v = 0 is 0."""
    n = Network(Setting(widths_of(depth)))
    net = n.setting
    given = (*net.hypotheses, *map(equal, gradients(net)), equal(net.product.T))
    s = Statement(f"{NAME}.dead_predictor{depth}", net.variables, given, tuple(map(equal, net.layers)))
    return Claim(s, tuple(collapse_steps(net, dead_fit(net))), picked(s, _thin(n, zero=True)), _at(depth))


# -- thresholds ---------------------------------------------------------------------------------------------------------


def room_by_q(n: Network, factor: Any = 4) -> Expr:
    """Gamma (4 kappa)^{D-1} - G q^{D-1}."""
    s, (p, _) = n.setting, source_of(n.setting)
    D = s.depth - 1
    return s.decay_product * (factor * n.kappa) ** (D - 1) - norm_of_g(s) * quadratic(s.A, p) ** (D - 1)


def _fit_steps(n: Network) -> list[Step]:
    """G |v|^2 - t^2 >= 0, from Schwarz and 0 <= t <= v . g."""
    s, t = n.setting, surplus(n)
    energy_known = n.kappa_known * Trace(Congruence(known(s.A), s.product.T))
    wide = norm_of_g(s) * norm2(s.product) - t**2
    return [schwarz_step(s), prove(">=", wide, known(schwarz_gap(s)) + energy_known * (2 * known(t) + energy_known))]


def by_q(depth: int) -> Claim:
    """D >= 2 and Gamma (4 kappa)^{D-1} > G q^{D-1}: every stationary point is 0."""
    n = Network(Setting(widths_of(depth)))
    s, D, t = n.setting, depth - 1, surplus(n)
    p, consistent = source_of(s)
    v, q, room = s.product.T, quadratic(s.A, p), room_by_q(n)
    low = q - 4 * n.kappa * t
    square = Trace(Congruence(known(s.A), 2 * n.kappa * v - p)) + 4 * n.kappa * inner(v, known(consistent))
    wide = norm_of_g(s) * norm2(s.product) - t**2
    q_known, four = Trace(Congruence(known(s.A), p)), 4 * n.kappa_known
    ladder = sum((q_known**j * (four * known(t)) ** (D - 2 - j) for j in range(D - 1)), Integer(0))
    by = four ** (D - 1) * known(pinned_gap(n)) + known(low) * ladder * known(t) ** 2 + q_known ** (D - 1) * known(wide)
    steps = [*pinned_steps(n), *_fit_steps(n), prove(">=", low, square), vanishes(v, by, times=known(room))]
    given = (equal(consistent), greater(room))
    statement = stationary_statement(n, f"by_q{depth}", given, tuple(map(equal, s.layers)), p)
    witness = _thin(n, zero=True, A=[[1]], p=[[1]])
    return Claim(statement, (*steps, *collapse_steps(s, dead_fit(s))), picked(statement, witness), _at(depth))


def one_hidden_layer() -> Claim:
    """D = 1, Gamma >= G: every stationary point is 0."""
    n = Network(Setting(widths_of(2)))
    s, t = n.setting, surplus(n)
    p, consistent = source_of(s)
    v, room, f = s.product.T, s.decay_product - norm_of_g(s), s.fit
    e = quadratic(s.A, v)
    seen, length = n.kappa_known * Trace(Congruence(known(s.A), v)), quadratic(s.A, p) + 1
    small = known(schwarz_gap(s)) + known(pinned_gap(n)) + known(room) * Square(s.product) + 2 * seen * known(t)
    flat = Trace(Congruence(known(s.A), f * p - length * v)) + 2 * f * length * inner(v, known(consistent))
    steps = [
        *pinned_steps(n),
        schwarz_step(s),
        vanishes(e, small, times=n.kappa_known**2),
        vanishes(f, flat - length**2 * known(e), times=Trace(Congruence(known(s.A), p)) + 2),
        *collapse_steps(s, known(f)),
    ]
    given = (equal(consistent), at_least(room))
    statement = stationary_statement(n, "one_hidden_layer", given, tuple(map(equal, s.layers)), p)
    return Claim(statement, tuple(steps), picked(statement, _thin(n, zero=True, A=[[1]], p=[[1]])), _at(2))


def isotropic_room(n: Network, factor: Any = 1, alpha: Any = None) -> Expr:
    """(2D)^{2D} alpha^{D-1} Gamma - (D+1)^{D+1} (D-1)^{D-1} G^D, of the sign of Gamma - Gamma_sn."""
    s, D = n.setting, n.setting.depth - 1
    strength = n.kappa * A_SCALAR if alpha is None else alpha
    top = (D + 1) ** (D + 1) * max(D - 1, 1) ** (D - 1)
    return (2 * D) ** (2 * D) * strength ** (D - 1) * s.decay_product - factor * top * norm_of_g(s) ** D


def isotropic_statement(n: Network, name: str, room: Condition) -> Statement:
    s = n.setting
    given = (greater(A_SCALAR), equal(s.A - A_SCALAR * s.identity), room)
    return stationary_statement(n, name, given, tuple(map(equal, s.layers)), A_SCALAR)


def isotropic(depth: int) -> Claim:
    """A = a I and Gamma > Gamma_sn: every stationary point is 0."""
    n = Network(Setting(widths_of(depth)))
    s, room = n.setting, isotropic_room(n)
    statement = isotropic_statement(n, f"isotropic{depth}", greater(room))
    steps = [*pinned_steps(n), schwarz_step(s), *_means_steps(n), *_small_steps(n, room), *collapse_steps(s, dead_fit(s))]
    witness = _thin(n, zero=True, A=[[1]], a=1, gamma1=9)
    return Claim(statement, tuple(steps), picked(statement, witness), _at(depth))


def _sum(n: Network) -> Expr:
    """t + alpha |v|^2, which is v . g."""
    return surplus(n) + n.kappa * A_SCALAR * norm2(n.setting.product)


def _means_steps(n: Network) -> list[Step]:
    """(G |v|^2)^D >= (t + alpha |v|^2)^{2D} >= C (alpha |v|^2)^{D-1} t^{D+1}."""
    s, D, v, total = n.setting, n.setting.depth - 1, n.setting.product.T, _sum(n)
    off = n.kappa * Trace(v.T * known(s.A - A_SCALAR * s.identity) * v)
    wide = norm_of_g(s) * norm2(s.product) - total**2
    big = Square(s.g) * Square(s.product)
    x = n.kappa_known * known(A_SCALAR) * Square(s.product)
    seen = (known(surplus(n)) + x) ** 2
    power = big**D - total ** (2 * D)
    ladder = sum((big**j * seen ** (D - 1 - j) for j in range(D)), Integer(0))
    return [
        prove(">=", wide, known(schwarz_gap(s)) + off * (2 * s.fit - off)),
        prove(">=", power, known(wide) * ladder),
        prove(">=", total ** (2 * D) - _product(n), weighted_gap(x, known(surplus(n)), D - 1, D + 1)),
    ]


def _product(n: Network) -> Expr:
    D = n.setting.depth - 1
    V = norm2(n.setting.product)
    return constant(D - 1, D + 1) * (n.kappa * A_SCALAR * V) ** (D - 1) * surplus(n) ** (D + 1)


def _small_steps(n: Network, room: Expr) -> list[Step]:
    """|v|^{2D} times the room is at most 0: v = 0."""
    s, D, v, total = n.setting, n.setting.depth - 1, n.setting.product.T, _sum(n)
    V, scale = norm2(s.product), (D + 1) ** (D + 1) * max(D - 1, 1) ** (D - 1)
    power = (Square(s.g) * Square(s.product)) ** D - total ** (2 * D)
    rest = constant(D - 1, D + 1) * (n.kappa_known * known(A_SCALAR) * Square(s.product)) ** (D - 1) * known(pinned_gap(n))
    by = scale * (known(power) + known(total ** (2 * D) - _product(n)) + rest)
    if D == 1:
        return [vanishes(v, by, times=known(room))]
    if D == 2:
        return [vanishes(V, by, times=known(room)), vanishes(v, -known(V))]
    return [vanishes(V**2, by * Square(s.product), times=known(room)), vanishes(V, -known(V**2)), vanishes(v, -known(V))]


# -- below the threshold ------------------------------------------------------------------------------------------------


def crossing(hidden: int) -> Claim:
    """A = a I, Gamma <= Gamma_sn: F >= Gamma at lambda (D-1) = alpha (D+1), with F (alpha + lambda)^{2D} = lambda^{D+1} G^D."""
    D = hidden
    room = (D + 1) ** (D + 1) * (D - 1) ** (D - 1) * G**D - (2 * D) ** (2 * D) * ALPHA ** (D - 1) * GAMMA
    lam = Rational(D + 1, D - 1) * ALPHA
    then = lam ** (D + 1) * G**D - GAMMA * (ALPHA + lam) ** (2 * D)
    s = Statement(f"{NAME}.crossing{D}", (ALPHA, G, GAMMA), (greater(ALPHA), at_least(room)), (at_least(then),))
    step = prove(">=", then, Rational(1, (D - 1) ** (2 * D)) * known(ALPHA) ** (D + 1) * known(room))
    return Claim(s, (step,), {"alpha": 1, "G": 4, "Gamma": 1})


def attained(hidden: int) -> Claim:
    """At every root: Gamma |z|^2 = t^N with t = z . g - kappa |z|_A^2 = b."""
    r = Root(hidden)
    p = r.p
    t = inner(p.z, p.g) - KAPPA * r.curve
    law = GAMMA * p.S - B ** (hidden + 1)
    s = Statement(f"{NAME}.attained{hidden}", r.variables, r.given, (equal(t - B), equal(law)))
    steps = (
        prove("==", t - B, known(r.energy) - inner(p.z, known(p.resolvent))),
        prove("==", law, B**hidden * known(r.energy) - p.S * known(p.tie)),
    )
    return Claim(s, steps, picked(s, root_point(hidden, 1, 2)), {"d0": 1})
