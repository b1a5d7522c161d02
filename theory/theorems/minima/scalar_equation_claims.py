r"""The proofs of `minima.scalar_equation` (arXiv:2202.04777): derivatives, the equation, its roots, the shape of ln F."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, Rational, Symbol, Trace

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, inner, known, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, SLOPE, B, Potential, picked

NAME = "minima.scalar_equation"
HIDDEN = (1, 2, 3, 4)
D = Symbol("D")
ONE: dict[str, Any] = {"A": [[1]], "g": [[2]], "z": [[1]], "z1": [[Rational(-1, 2)]], "kappa": 1, "lambda": 1}


def variables(p: Potential, *more: Any) -> tuple[Any, ...]:
    return (p.A, p.g, p.z, KAPPA, LAMBDA, *more)


# -- derivatives and the equation ---------------------------------------------------------------------------------------


def _slope_of_T(p: Potential) -> Step:
    """g . z' + S = z'^T (g - M z) + z^T (M z' + z)."""
    by = inner(p.z, known(p.derived)) - inner(p.z1, known(p.resolvent))
    return prove("==", inner(p.g, p.z1) + p.S, by)


def derivative() -> Claim:
    """T' = -S."""
    p = Potential(1)
    s = Statement(
        f"{NAME}.derivative", variables(p, p.z1), (equal(p.resolvent), equal(p.derived)), (equal(inner(p.g, p.z1) + p.S),)
    )
    return Claim(s, (_slope_of_T(p),), picked(s, ONE), {"d0": 1})


def difference() -> Claim:
    """T(lambda) - T(mu) = (mu - lambda) z(lambda) . z(mu): the slope is -S without any limit in the hypotheses."""
    p, mu = Potential(1), Symbol("mu")
    y = p.vector("y")
    other = p.M * y + (mu - LAMBDA) * y - p.g
    then = equal(inner(p.g, p.z) - inner(p.g, y) - (mu - LAMBDA) * inner(p.z, y))
    s = Statement(f"{NAME}.difference", variables(p, mu, y), (equal(p.resolvent), equal(other)), (then,))
    by = inner(y, known(p.resolvent)) - inner(p.z, known(other))
    return Claim(
        s, (prove("==", then.expression, by),), picked(s, {**ONE, "mu": 3, "y": [[Rational(1, 2)]], "lambda": 1}), {"d0": 1}
    )


def path(p: Potential) -> tuple[Any, ...]:
    return (greater(LAMBDA), greater(B), equal(p.resolvent), equal(p.derived), equal(p.tie), equal(p.moving))


def _slope_of_psi(p: Potential) -> list[Step]:
    """lambda psi' = lambda S - b, from b' = -b / (D lambda) and T' = -S."""
    first = LAMBDA * p.hidden * SLOPE + B
    steps = [prove("==", first, known(p.moving), times=None if p.hidden == 1 else known(B) ** (p.hidden - 1)), _slope_of_T(p)]
    by = known(first) - LAMBDA * known(steps[1].term)
    return [*steps, prove("==", LAMBDA * p.psi1 - p.x + B, by)]


def sign(hidden: int) -> Claim:
    """F - Gamma = lambda^2 psi' Q with Q > 0."""
    p = Potential(hidden)
    law = p.F - GAMMA - LAMBDA**2 * p.psi1 * p.cofactor
    s = Statement(f"{NAME}.sign{hidden}", variables(p, p.z1, GAMMA, B, SLOPE), path(p), (equal(law), greater(p.cofactor)))
    by = known(p.tie) - LAMBDA * p.cofactor * known(LAMBDA * p.psi1 - p.x + B)
    steps = [*_slope_of_psi(p), prove("==", law, by), prove(">", p.cofactor, p.visible_cofactor)]
    # At a point that is not stationary: lambda = 1, S = 1, b = 2.
    return Claim(s, tuple(steps), picked(s, {**ONE, "Gamma": 2**hidden, "b": 2, "b1": Rational(-2, hidden)}), {"d0": 1})


def stationary(hidden: int) -> Claim:
    """psi' = 0 implies F = Gamma, b = lambda S and psi = D lambda S - T."""
    p = Potential(hidden)
    then = (equal(p.F - GAMMA), equal(p.x - B), equal(p.psi - hidden * p.x + p.T))
    s = Statement(f"{NAME}.stationary{hidden}", variables(p, p.z1, GAMMA, B, SLOPE), (*path(p), equal(p.psi1)), then)
    at = prove("==", p.x - B, LAMBDA * known(p.psi1) - known(LAMBDA * p.psi1 - p.x + B))
    root = prove("==", p.F - GAMMA, known(p.tie) + LAMBDA * p.cofactor * known(p.x - B))
    value = prove("==", then[2].expression, -hidden * known(p.x - B))
    return Claim(s, (*_slope_of_psi(p), at, root, value), picked(s, _root_point(hidden)), {"d0": 1})


def converse(hidden: int) -> Claim:
    """F = Gamma implies b = lambda S and psi' = 0."""
    p = Potential(hidden)
    root = p.F - GAMMA
    s = Statement(
        f"{NAME}.converse{hidden}",
        variables(p, p.z1, GAMMA, B, SLOPE),
        (*path(p), equal(root)),
        (equal(p.x - B), equal(p.psi1)),
    )
    at = prove("==", p.x - B, known(root) - known(p.tie), times=known(LAMBDA) * p.visible_cofactor)
    flat = prove("==", p.psi1, known(LAMBDA * p.psi1 - p.x + B) + known(p.x - B), times=known(LAMBDA))
    return Claim(s, (*_slope_of_psi(p), at, flat), picked(s, _root_point(hidden)), {"d0": 1})


def _root_point(hidden: int) -> dict[str, Any]:
    return {**ONE, "Gamma": 1, "b": 1, "b1": Rational(-1, hidden)}


# -- where the roots are ------------------------------------------------------------------------------------------------


def box(hidden: int) -> Claim:
    """lambda^{D-1} Gamma <= G^D and Gamma (4 kappa)^D <= lambda q^D at every root."""
    p = Potential(hidden)
    s = box_statement(p, f"{NAME}.box{hidden}", GAMMA * (4 * KAPPA) ** hidden)
    return Claim(s, _box_steps(p), picked(s, {**ONE, "h": [[2]], "Gamma": 1}), {"d0": 1})


def box_statement(p: Potential, name: str, scaled: Expr, drop: str = "") -> Statement:
    h = p.vector("h")
    given = [greater(KAPPA), greater(LAMBDA), equal(p.resolvent), equal(p.F - GAMMA)]
    given += [at_least(p.A)] * (drop != "A") + [equal(p.A * h - p.g)] * (drop != "h")
    then = (
        at_least(p.G**p.hidden - LAMBDA ** (p.hidden - 1) * GAMMA),
        at_least(LAMBDA * quadratic(p.A, h) ** p.hidden - scaled),
    )
    return Statement(name, variables(p, h, GAMMA), tuple(given), then)


def _box_steps(p: Potential) -> tuple[Step, ...]:
    n, h, root, source = p.hidden, p.vector("h"), p.F - GAMMA, p.A * p.vector("h") - p.g
    q, small = quadratic(p.A, h), LAMBDA**2 * p.S
    squares = KAPPA**2 * Square(p.A * p.z) + 2 * known(KAPPA) * known(LAMBDA) * Trace(Congruence(known(p.A), p.z))
    first = prove(">=", p.G - small, squares + inner(-p.M * p.z - p.g, known(p.resolvent)))
    shifted = Trace(Congruence(known(p.A), 2 * KAPPA * p.z - h))
    # z . A h replaced by z . g, and g by (kappa A + lambda) z.
    zeros = 4 * KAPPA * inner(p.z, known(source)) - 4 * KAPPA * inner(p.z, known(p.resolvent))
    second = prove(">=", q - 4 * KAPPA * p.x, shifted + zeros)
    upper = sum((Square(p.g) ** j * (known(LAMBDA) ** 2 * Square(p.z)) ** (n - 1 - j) for j in range(n)), Integer(0))
    heavy = Trace(Congruence(known(p.A), h))
    other = sum((heavy**j * (4 * known(KAPPA) * known(LAMBDA) * Square(p.z)) ** (n - 1 - j) for j in range(n)), Integer(0))
    one = p.G**n - LAMBDA ** (n - 1) * GAMMA
    two = LAMBDA * q**n - GAMMA * (4 * KAPPA) ** n
    return (
        first,
        second,
        prove(">=", one, known(p.G - small) * upper + LAMBDA ** (n - 1) * known(root)),
        prove(">=", two, known(LAMBDA) * known(q - 4 * KAPPA * p.x) * other + (4 * KAPPA) ** n * known(root)),
    )


# -- the slope and the curvature of ln F --------------------------------------------------------------------------------


def slope_expression(p: Potential) -> Expr:
    """S h' where h = ln F as a function of ln lambda: (D + 1) S + 2 D lambda z . z'."""
    return (D + 1) * p.S + 2 * D * LAMBDA * inner(p.z, p.z1)


def slope() -> Claim:
    """1 - D < h' < D + 1, for g = A h, g != 0."""
    p = Potential(1)
    h = p.vector("h")
    given = (*p.positive, greater(D), greater(p.S), equal(p.resolvent), equal(p.derived), equal(p.A * h - p.g))
    then = (greater(slope_expression(p) - (1 - D) * p.S), greater((D + 1) * p.S - slope_expression(p)))
    s = Statement(f"{NAME}.slope", variables(p, p.z1, h, D), given, then)
    return Claim(s, tuple(_slope_steps(p)), picked(s, {**ONE, "h": [[2]], "D": 2}), {"d0": 1})


def _slope_steps(p: Potential) -> list[Step]:
    """With m = -lambda z . z' / S: 0 < m because z = -M z' != 0; m < 1 because m = 1 forces A z' = 0, A z = 0 and g . z = 0."""
    zz, (positive, below) = inner(p.z, p.z1), (_m_positive(p), _m_below_one(p))
    first = prove(">", slope_expression(p) - (1 - D) * p.S, 2 * known(D) * known(p.S + LAMBDA * zz))
    second = prove(">", (D + 1) * p.S - slope_expression(p), 2 * known(D) * known(LAMBDA) * known(-zz))
    return [positive, below, first, second]


def _m_positive(p: Potential) -> Step:
    """-z . z' > 0: otherwise z'^T M z' <= 0, so that z' = 0 and z = -M z' = 0."""
    zz, u = inner(p.z, p.z1), p.z1
    curve = known(KAPPA) * Trace(Congruence(known(p.A), u))
    none = vanishes(u, known(zz) + curve - inner(u, known(p.derived)), times=known(LAMBDA))
    absurd = inner(p.z, p.M * known(u)) - inner(p.z, known(u)) - inner(p.z, known(p.derived))
    return split(">", -zz, on=-zz, positive=[], otherwise=[none, prove(">", -zz, known(p.S) + absurd)])


def _m_below_one(p: Potential) -> Step:
    """S + lambda z . z' = kappa^2 |A z'|^2 + kappa lambda |z'|_A^2 > 0: or else A z' = 0, A z = 0, lambda S = 0."""
    u, h, source = p.z1, p.vector("h"), p.A * p.vector("h") - p.g
    middle = p.S + LAMBDA * inner(p.z, u)
    curve = known(KAPPA) * known(LAMBDA) * Trace(Congruence(known(p.A), u))
    rest = inner(p.z, known(p.derived)) - KAPPA * inner(p.A * u, known(p.derived))
    none = vanishes(p.A * u, known(-middle) + curve + rest, times=known(KAPPA) ** 2)
    still = prove("==", p.A * p.z, p.A * known(p.derived) - p.M * known(p.A * u))
    lost = inner(p.z, known(p.resolvent)) + inner(h, known(p.A * p.z))
    lost += -inner(p.z, known(source)) - KAPPA * inner(p.z, known(p.A * p.z))  # lambda S
    flat = inner(p.z, known(p.derived)) - KAPPA * inner(p.z, known(p.A * u))  # S + lambda z . z'
    absurd = prove(">", middle, known(LAMBDA) * known(p.S) - lost + flat)
    return split(">", middle, on=middle, positive=[], otherwise=[none, still, absurd])


def bent(p: Potential) -> Expr:
    """S^2 h'': D (lambda S S' + lambda^2 S S'' - lambda^2 S'^2), with S' = 2 z . z' and S'' = 2 |z'|^2 + 2 z . z''."""
    s1, s2 = 2 * inner(p.z, p.z1), 2 * norm2(p.z1) + 2 * inner(p.z, p.vector("z2"))
    return D * (LAMBDA * s1 * p.S + LAMBDA**2 * s2 * p.S - LAMBDA**2 * s1**2)


def smooth(p: Potential) -> tuple[Condition, ...]:
    return (*p.positive, greater(D), greater(p.S), equal(p.resolvent), equal(p.derived))


def curvature() -> Claim:
    """-D/2 <= h'' <= D, where S^2 h'' = D (lambda S S' + lambda^2 S S'' - lambda^2 S'^2)."""
    p = Potential(1)
    z2 = p.vector("z2")
    second = p.M * z2 + 2 * p.z1
    curve = bent(p)
    given = (*smooth(p), equal(second))
    then = (at_least(curve + D * p.S**2 / 2), at_least(D * p.S**2 - curve))
    s = Statement(f"{NAME}.curvature", variables(p, p.z1, z2, D), given, then)
    return Claim(s, _curvature_steps(p, second, then), picked(s, {**ONE, "z2": [[Rational(1, 2)]], "D": 2}), {"d0": 1})


def _curvature_steps(p: Potential, second: Expr, then: tuple[Condition, ...]) -> tuple[Step, ...]:
    """With m = p_1 / S and Var p = p_2 / S - m^2: 0 <= Var p (Cauchy-Schwarz) and p_2 <= p_1."""
    u, zz = p.z1, inner(p.z, p.z1)
    p1, p2 = -LAMBDA * zz, LAMBDA**2 * norm2(u)
    third = inner(p.vector("z2"), known(p.derived)) - inner(u, known(second))  # z . z'' - 2 |z'|^2
    spread, order = norm2(u) * p.S - zz**2, p1 - p2
    by_order = known(LAMBDA) * known(KAPPA) * Trace(Congruence(known(p.A), u)) - LAMBDA * inner(u, known(p.derived))
    low = known(D) * (2 * (p.S / 2 - p1) ** 2 + 6 * known(LAMBDA) ** 2 * known(spread)) + 2 * D * LAMBDA**2 * p.S * third
    high = known(D) * (6 * known(p.S) * known(order) + (p.S - 2 * p1) ** 2) - 2 * D * LAMBDA**2 * p.S * third
    return (
        prove(">=", spread, Square(p.S * u - zz * p.z), times=known(p.S)),
        prove(">=", order, by_order),
        prove(">=", then[0].expression, low),
        prove(">=", then[1].expression, high),
    )
