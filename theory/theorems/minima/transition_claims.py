r"""The proofs of `minima.transition` (arXiv:2202.04777): lower bounds, aligned points, the potential."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Identity, Integer, Mul, Rational, Symbol, Trace, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, SymmetricSymbol, inner, known, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.aligned import Aligned
from theory.theorems.minima.exact_points import point
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.origin_claims import layers_point, norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, Potential, picked
from theory.theorems.minima.setting import Setting, widths_of
from theory.theorems.minima.weighted_means import constant, means_gap, weighted_gap

NAME = "minima.transition"
BOUNDED = (2, 3, 4, 5)
A_SCALAR, ALPHA, G, BETA = symbols("a alpha G beta")


def discriminant(hidden: int, alpha: Any, size: Any, decay: Any) -> Expr:
    """D^{2D} alpha^{D-1} Gamma - (D-1)^{D-1} G^D, of the sign of Gamma - Gamma_c."""
    return hidden ** (2 * hidden) * alpha ** (hidden - 1) * decay - max(hidden - 1, 1) ** (hidden - 1) * size**hidden


# -- L >= Y for all parameters ------------------------------------------------------------------------------------------


def trivial(net: Network, name: str) -> Claim:
    """Gamma >= Gamma_c implies L >= Y."""
    depth = net.setting.depth
    widths, at = (*[2] * depth, 1), {f"d{i}": 2 for i in range(depth)}
    values = {k: x for k, x in layers_point(depth, widths, 1).items() if k[0] != "s" or net.setting.noisy}
    statement = trivial_statement(net, name, _room(net))
    return Claim(statement, tuple(_trivial_steps(net)), picked(statement, point(net, {**values, "a": 1}, at)), at)


def _room(net: Network) -> Expr:
    s = net.setting
    return discriminant(s.depth - 1, net.kappa * A_SCALAR, norm_of_g(s), s.decay_product)


def trivial_statement(net: Network, name: str, room: Expr, isotropic: bool = True) -> Statement:
    s = net.setting
    off = (equal(s.A - A_SCALAR * s.identity),) if isotropic else ()
    given = (*net.given, greater(A_SCALAR), *off, at_least(room))
    return Statement(f"{NAME}.{name}", (*net.variables, A_SCALAR), given, (at_least(s.loss - s.Y),))


def _trivial_steps(net: Network) -> list[Step]:
    s, n = net.setting, net.setting.depth
    off, energy = s.A - A_SCALAR * s.identity, _energy(net)
    mean = s.penalty**n - n**n * Mul(s.decay_product, *map(norm2, s.layers))
    energies = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    first = [*net.path_steps(), *net.norm_steps(), prove(">=", mean, means_gap(energies)), schwarz_step(s)]
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
    """(x + r)^{2D} - (4 G |v|^2)^D, with x = alpha |v|^2 and r = R, from the weighted inequality of the means."""
    s, D = net.setting, net.setting.depth - 1
    V = Square(s.product)
    x = net.kappa_known * known(A_SCALAR) * V
    r = sum(known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True))
    decay = (D + 1) ** (D + 1) * Mul(*map(known, s.decay))
    lower = constant(D - 1, D + 1) * x ** (D - 1) * (known(mean) + decay * known(net.norm))
    return weighted_gap(x, r, D - 1, D + 1) + lower + Rational(4**D, max(D - 1, 1) ** (D - 1)) * V**D * known(_room(net))


# -- aligned points -----------------------------------------------------------------------------------------------------


def family(depth: int) -> Claim:
    """(alpha b^D + Gamma)(L - Y) = b (D (alpha b^D + Gamma) - G b^{D-1}) at aligned points of energy b."""
    p = Aligned(depth)
    s = Statement(f"{NAME}.family{depth}", p.variables, p.given, (equal(p.law),))
    return Claim(s, tuple(p.steps()), p.point(), p.at)


def below(depth: int) -> Claim:
    """Gamma < Gamma_c implies L < Y at an aligned point: at b_c, or (D = 1) at any b with alpha b + Gamma < G."""
    p = Aligned(depth)
    statement = below_statement(p, f"{NAME}.below{depth}", greater(-gap(p)), greater(p.s.Y - p.loss))
    first = [prove(">", p.low, *_contact(p))] if p.D > 1 else []
    last = prove(">", p.s.Y - p.loss, known(B) * known(p.low) - known(p.law), times=p.weight_known)
    place = p.point(decay=critical(p) / 2, a=tie_scale(p)) if p.D > 1 else p.point()
    return Claim(statement, (*p.steps(), *first, last), place, p.at)


def tie(depth: int) -> Claim:
    """Gamma = Gamma_c implies L = Y at the aligned points of energy b_c > 0: two families of global minima."""
    p = Aligned(depth)
    statement = below_statement(p, f"{NAME}.tie{depth}", equal(gap(p)), equal(p.loss - p.s.Y))
    by, times = _contact(p, -1)
    steps = [prove("==", p.low, by, times), prove("==", p.loss - p.s.Y, known(p.law) - B * known(p.low), times=p.weight_known)]
    return Claim(statement, (*p.steps(), *steps), p.point(decay=critical(p), a=tie_scale(p)), p.at)


def gap(p: Aligned) -> Expr:
    return discriminant(p.D, p.alpha, p.G, p.s.decay_product)


def touch(p: Aligned) -> Expr:
    """D^2 alpha b - (D - 1) G, which vanishes at b = b_c."""
    return p.D**2 * p.alpha * B - (p.D - 1) * p.G


def below_statement(p: Aligned, name: str, decay: Condition, conclusion: Condition) -> Statement:
    place = equal(touch(p)) if p.D > 1 else greater(p.low)
    return Statement(name, p.variables, (*p.given, decay, place), (conclusion,))


def _contact(p: Aligned, sign: int = 1) -> tuple[Expr, Expr]:
    """(by, times): D (D^2 alpha)^{D-1} (G b^{D-1} - D (alpha b^D + Gamma)) = -(discriminant) + zeros, at b = b_c."""
    u, v, D = p.D**2 * p.alpha * B, (p.D - 1) * p.G, p.D
    ladder = sum((u**i * v ** (D - 2 - i) for i in range(D - 1)), Integer(0))
    zeros = known(touch(p)) * (p.G * ladder - u ** (D - 1))
    lead = known(-gap(p)) if sign > 0 else -known(gap(p))
    return lead + zeros, D ** (2 * D - 1) * (known(KAPPA) * known(A_SCALAR)) ** (D - 1)


def tie_scale(p: Aligned) -> Any:
    """The a that puts b_c at 1, with G = 4 and the kappa of `Aligned.point`."""
    return Rational((p.D - 1) * 4, p.D**2) / Rational(3, 2) ** p.D


def critical(p: Aligned) -> Any:
    """Gamma_c at that a: alpha = 4 (D - 1) / D^2 and G = 4."""
    return Rational(4 * 1, p.D**2)


# -- the potential ------------------------------------------------------------------------------------------------------


def threshold(hidden: int) -> Claim:
    """Gamma >= Gamma_c implies D alpha beta^D - G beta^{D-1} + D Gamma >= 0, that is psi(beta) >= 0, for all beta >= 0."""
    s = threshold_statement(hidden, f"{NAME}.threshold{hidden}", discriminant(hidden, ALPHA, G, GAMMA))
    room, p, D = discriminant(hidden, ALPHA, G, GAMMA), s.then[0].expression, hidden
    x, y = D**2 * known(ALPHA) * known(BETA), (D - 1) * known(G)
    square = D * (x - y) ** 2 * sum(((j + 1) * x**j * y ** (D - 2 - j) for j in range(D - 1)), Integer(0))
    by = known(ALPHA) * known(BETA) + known(room) if D == 1 else square + D * (D - 1) * known(room)
    times = None if D == 1 else (D - 1) * D ** (2 * D) * known(ALPHA) ** (D - 1)
    return Claim(s, (prove(">=", p, by, times),), {"alpha": 1, "Gamma": 2, "G": 2, "beta": 1})


def threshold_statement(D: int, name: str, room: Expr) -> Statement:
    given = (greater(ALPHA), greater(GAMMA), at_least(G), at_least(BETA), at_least(room))
    then = D * ALPHA * BETA**D - G * BETA ** (D - 1) + D * GAMMA
    return Statement(name, (ALPHA, GAMMA, G, BETA), given, (at_least(then),))


def criterion(hidden: int) -> Claim:
    """D^D Gamma - lambda T^D = lambda (D b - T) Q with Q > 0: psi(b) >= 0 iff D^D Gamma >= lambda T^D."""
    p = Potential(hidden)
    D, T = hidden, p.T
    law = D**D * GAMMA - LAMBDA * T**D - LAMBDA * p.psi * sum(((D * B) ** (D - 1 - j) * T**j for j in range(D)), Integer(0))
    cofactor = sum(((D * B) ** (D - 1 - j) * T**j for j in range(D)), Integer(0))
    visible = sum(((D * known(B)) ** (D - 1 - j) * known(T) ** j for j in range(D)), Integer(0))
    given = (*p.positive, greater(B), equal(p.resolvent), equal(p.tie))
    s = Statement(f"{NAME}.criterion{D}", (p.A, p.g, p.z, KAPPA, LAMBDA, B, GAMMA), given, (equal(law), greater(cofactor)))
    steps = (_level(p), prove("==", law, -(D**D) * known(p.tie)), prove(">", cofactor, visible))
    return Claim(s, steps, {"A": [[1]], "g": [[4]], "z": [[2]], "kappa": 1, "lambda": 1, "b": 2, "Gamma": 2**D}, {"d0": 1})


def _level(p: Potential) -> Step:
    """T = z^T (kappa A + lambda) z >= 0."""
    curve = known(KAPPA) * Trace(Congruence(known(p.A), p.z)) + known(LAMBDA) * Square(p.z)
    return prove(">=", p.T, curve - inner(p.z, known(p.resolvent)))


def scaling(hidden: int) -> Claim:
    """kappa^{D-1} lambda T_kappa(lambda)^D = mu T_1(mu)^D at lambda = kappa mu: Gamma_c(kappa) = kappa^{-(D-1)} Gamma_c(1)."""
    p, mu = Potential(hidden), Symbol("mu")
    y, n = p.vector("y"), hidden
    one, two = KAPPA * (p.A + mu * Identity(p.dim)) * p.z - p.g, (p.A + mu * Identity(p.dim)) * y - p.g
    gap = KAPPA * p.z - y
    at_kappa, at_one = KAPPA * inner(p.g, p.z), inner(p.g, y)
    then = KAPPA ** (n - 1) * (KAPPA * mu) * inner(p.g, p.z) ** n - mu * at_one**n
    ladder = sum((at_kappa**j * at_one ** (n - 1 - j) for j in range(n)), Integer(0))
    steps = (
        vanishes(gap, Trace(Congruence(known(p.A), gap)) - inner(gap, known(one) - known(two)), times=known(mu)),
        prove("==", then, mu * inner(p.g, known(gap)) * ladder),
    )
    given = (greater(KAPPA), greater(mu), at_least(p.A), equal(one), equal(two))
    s = Statement(f"{NAME}.scaling{n}", (p.A, p.g, p.z, y, KAPPA, mu), given, (equal(then),))
    return Claim(s, steps, {"A": [[1]], "g": [[4]], "z": [[1]], "y": [[2]], "kappa": 2, "mu": 1}, {"d0": 1})


def largest_eigenvalue() -> Claim:
    """A <= m I implies lambda T^D (kappa m + lambda)^D >= lambda G^D for D = 1, ..., 4."""
    p, m = Potential(1), Symbol("m")
    rest = m * Identity(p.dim) - p.A
    first = (KAPPA * m + LAMBDA) * p.T - p.G
    then = [LAMBDA * ((KAPPA * m + LAMBDA) * p.T) ** n - LAMBDA * p.G**n for n in (1, 2, 3, 4)]
    inside = KAPPA**2 * (_on(p.A, rest, p.z) + _on(rest, p.A, p.z)) + known(KAPPA) * known(LAMBDA) * known(m) * _form(rest, p.z)
    zeros = m * inner(p.g, known(p.resolvent)) - m * KAPPA * inner(known(p.resolvent), rest * p.z)
    steps = [_level(p), prove(">=", first, inside + zeros, times=known(m))]
    top = (known(KAPPA) * known(m) + known(LAMBDA)) * known(p.T)
    for n, x in zip((1, 2, 3, 4), then, strict=True):
        ladder = sum((top**j * Square(p.g) ** (n - 1 - j) for j in range(n)), Integer(0))
        steps.append(prove(">=", x, known(LAMBDA) * known(first) * ladder))
    given = (*p.positive, greater(m), at_least(rest), equal(p.resolvent))
    s = Statement(f"{NAME}.largest_eigenvalue", (p.A, p.g, p.z, KAPPA, LAMBDA, m), given, tuple(map(at_least, then)))
    return Claim(
        s, tuple(steps), {"A": [[1, 0], [0, 2]], "g": [[2], [3]], "z": [[1], [1]], "kappa": 1, "lambda": 1, "m": 2}, {"d0": 2}
    )


def _form(a: Expr, x: Expr) -> Expr:
    return Trace(Congruence(known(a), x))


def _on(a: Expr, b: Expr, x: Expr) -> Expr:
    """|a x|_b^2."""
    return _form(b, a * x)


def square_root() -> Claim:
    """D = 2: 4 kappa lambda T^2 <= (g^T A^{-1/2} g)^2, with A = C^2, g = C h, kappa = k^2, lambda = r^2: a bound on Gamma_c."""
    p, (k, r) = Potential(2), symbols("k r")
    C, h, y = SymmetricSymbol("C", p.dim), p.vector("h"), p.vector("y")
    N = k**2 * C * C + r**2 * Identity(p.dim)
    facts = {"h": N * y - h, "g": p.g - C * h, "z": p.z - C * y}
    first, x = inner(h, p.g) - 2 * k * r * p.T, (k * C - r * Identity(p.dim)) * y
    wide = inner(h, p.g) ** 2 - 4 * k**2 * r**2 * p.T**2
    rho, ny = known(facts["h"]), N * y
    zeros = -inner(rho, C * ny) - inner(h, C * rho) + 2 * k * r * inner(rho, C * C * y)
    zeros += inner(h, known(facts["g"])) - 2 * k * r * (inner(known(facts["g"]), p.z) + inner(C * h, known(facts["z"])))
    by = known(k) ** 2 * _form(C, C * x) + known(r) ** 2 * _form(C, x) + zeros
    steps = (
        prove(">=", first, by),
        prove(">=", inner(h, p.g), _form(C, h) + inner(h, known(facts["g"]))),
        prove(">=", p.T, known(k) ** 2 * Square(C * C * y) + known(r) ** 2 * Square(C * y) + _level_zeros(p, C, h, y, facts)),
        prove(">=", wide, known(first) * (known(inner(h, p.g)) + 2 * known(k) * known(r) * known(p.T))),
    )
    given = (greater(k), greater(r), at_least(C), *map(equal, facts.values()))
    s = Statement(f"{NAME}.square_root", (C, p.g, p.z, h, y, k, r), given, (at_least(wide),))
    return Claim(s, steps, {"C": [[2]], "g": [[10]], "z": [[2]], "h": [[5]], "y": [[1]], "k": 1, "r": 1}, {"d0": 1})


def _level_zeros(p: Potential, C: Expr, h: Expr, y: Expr, facts: dict[str, Expr]) -> Expr:
    """T - y^T C N C y, with g = C h, z = C y and h = N y."""
    return inner(known(facts["g"]), p.z) + inner(C * h, known(facts["z"])) - inner(C * known(facts["h"]), C * y)


def instances() -> Claim:
    """psi > 0 at G = alpha = 1, Gamma = 1/8 < G, and at kappa = 4, a = 1, G = 4, Gamma = 1/2 < G^2 / (16 a); D = 2."""
    numerator = 2 * ALPHA * BETA**2 - G * BETA + 2 * GAMMA
    one = numerator.subs({ALPHA: 1, G: 1, GAMMA: Rational(1, 8)})
    two = numerator.subs({ALPHA: 4, G: 4, GAMMA: Rational(1, 2)})
    s = Statement(f"{NAME}.instances", (BETA,), (), (greater(one), greater(two)))
    quarter = (BETA - Rational(1, 4)) ** 2
    return Claim(s, (prove(">", one, 2 * quarter + Rational(1, 8)), prove(">", two, 8 * quarter + Rational(1, 2))))


def exact_tie() -> Claim:
    """A = 1, g = 2, gamma = (1, 1, 1), theta = (1, 1, 1), where Gamma = Gamma_c = 1: L = Y, as at 0."""
    s = Setting((1, 1, 1, 1), noisy=False)
    one = Identity(1)
    excess = (s.loss - s.Y).xreplace(
        {**dict.fromkeys((*s.layers, s.A), one), s.g: 2 * one, **dict.fromkeys(s.decay, Integer(1))}
    )
    return Claim(Statement(f"{NAME}.exact_tie", (s.Y,), (), (equal(excess),)), (prove("==", excess, 0),))


# -- all of them --------------------------------------------------------------------------------------------------------


def claims() -> list[Claim]:
    quiet = [trivial(Network(Setting(widths_of(n), noisy=False)), f"trivial{n}_without_noise") for n in BOUNDED]
    noisy = [trivial(Network(Setting(widths_of(n))), f"trivial{n}") for n in BOUNDED]
    points = [*map(family, (2, 3, 4, 5)), *map(below, (2, 3, 4, 5)), *map(tie, (3, 4, 5))]
    scalar = [*map(threshold, range(1, 7)), *map(criterion, (1, 2, 3, 4)), *map(scaling, (1, 2, 3, 4))]
    return [*quiet, *noisy, *points, *scalar, largest_eigenvalue(), square_root(), instances(), exact_tie()]
