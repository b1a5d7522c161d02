r"""Radicals for the roots of f(r) = alpha r^{2D} - c r^{D-1} + Gamma, as memberships in the equations of the radicals.

A radical is a variable with an equation: s > 0 with s^2 = 2 y is the square root of 2 y. Nothing is divided by.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, Rational, symbols

from theory.certificates import Step, prove
from theory.expressions import known
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.potential import GAMMA, B

NAME = "minima.closed_form"
ALPHA, G, C, R, X = symbols("alpha G c r x")
Y, SQRT, REST = symbols("y s t")
SIGNS = (greater(ALPHA), greater(GAMMA), greater(C))


def linear() -> Claim:
    """D = 1: u (s + d) a = sqrt(gamma_1 / gamma_2) |g| - gamma_1 for u = b / (gamma_2 d) is kappa a b = c - Gamma."""
    a, d, u, m, ratio, kappa, variance, g1, g2 = symbols("a d u m ratio kappa s1 gamma1 gamma2")
    facts = {
        "ratio": ratio**2 * g2 - g1,
        "size": m**2 - G,
        "noise": kappa * d - d - variance,
        "energy": B - g2 * d * u,
        "root": u * (variance + d) * a - ratio * m + g1,
        "c": C - g2 * ratio * m,
        "Gamma": GAMMA - g1 * g2,
    }
    given = (greater(g1), greater(g2), *map(equal, facts.values()))
    one, two = kappa * a * B - C + GAMMA, C**2 - G * GAMMA
    first = kappa * a * known(facts["energy"]) + g2 * u * a * known(facts["noise"]) + g2 * known(facts["root"])
    second = (C + g2 * ratio * m) * known(facts["c"]) + g2 * (G * known(facts["ratio"]) + g2 * ratio**2 * known(facts["size"]))
    steps = (
        prove("==", one, first - known(facts["c"]) + known(facts["Gamma"])),
        prove("==", two, second - G * known(facts["Gamma"])),
    )
    s = Statement(
        f"{NAME}.linear", (a, d, u, m, ratio, kappa, variance, g1, g2, G, C, B, GAMMA), given, (equal(one), equal(two))
    )
    point = {
        "a": 1,
        "d": 2,
        "u": 1,
        "m": Rational(7, 2),
        "ratio": 2,
        "kappa": Rational(3, 2),
        "s1": 1,
        "gamma1": 4,
        "gamma2": 1,
    }
    return Claim(s, steps, {**point, "G": Rational(49, 4), "b": 2, "c": 7, "Gamma": 4})


# -- D = 2: Ferrari -----------------------------------------------------------------------------------------------------

RESOLVENT = 8 * ALPHA**2 * Y**3 - 8 * ALPHA * GAMMA * Y - C**2
ROOT_OF_Y = SQRT**2 - 2 * Y
ROOT_OF_REST = ALPHA * SQRT * REST**2 - 2 * C + ALPHA * SQRT**3
FERRARI = (
    *SIGNS,
    greater(SQRT),
    at_least(REST),
    equal(RESOLVENT),
    equal(ROOT_OF_Y),
    equal(ROOT_OF_REST),
    equal(2 * R - SQRT - REST),
)


def quartic(x: Any = R) -> Expr:
    return ALPHA * x**4 - C * x + GAMMA


def _halves(x: Any) -> tuple[Expr, Expr]:
    """4 alpha s^2 f(x) = minus * plus + zeros, where minus = 2 alpha s (x - r)(x - r') and plus has no positive root."""
    even = 2 * ALPHA * SQRT * x**2 + ALPHA * SQRT**3
    return even - 2 * ALPHA * SQRT**2 * x - C, even + 2 * ALPHA * SQRT**2 * x + C


def _zeros() -> Expr:
    """4 alpha s^2 f - minus * plus = 4 alpha Gamma s^2 + c^2 - alpha^2 s^6, which vanishes by the resolvent and s^2 = 2 y."""
    other = ALPHA**2 * (SQRT**4 + 2 * SQRT**2 * Y + 4 * Y**2) - 4 * ALPHA * GAMMA
    return -known(RESOLVENT) - other * known(ROOT_OF_Y)


def _minus(x: Any, square: Expr) -> Expr:
    """`minus` at x, where (2 x - s)^2 - t^2 is written as `square`."""
    return ALPHA * SQRT / 2 * square + known(ROOT_OF_REST) / 2


def ferrari() -> Claim:
    """r = (s + t) / 2 is a root of alpha r^4 - c r + Gamma."""
    s = Statement(f"{NAME}.ferrari", (ALPHA, GAMMA, C, R, Y, SQRT, REST), FERRARI, (equal(quartic()),))
    minus = _minus(R, known(2 * R - SQRT - REST) * (2 * R - SQRT + REST))
    step = prove("==", quartic(), minus * _halves(R)[1] + _zeros(), times=4 * known(ALPHA) * known(SQRT) ** 2)
    return Claim(s, (step,), ferrari_point())


def ferrari_largest() -> Claim:
    """f(x) > 0 for x > r: no real root is larger than (s + t) / 2."""
    s = Statement(
        f"{NAME}.ferrari_largest", (ALPHA, GAMMA, C, R, Y, SQRT, REST, X), (*FERRARI, greater(X - R)), (greater(quartic(X)),)
    )
    above, link, a, root = known(X - R), known(2 * R - SQRT - REST), known(ALPHA), known(SQRT)
    positive = prove(">", X, above + known(SQRT) / 2 + known(REST) / 2 + link / 2)
    # 2 x - s = 2 (x - r) + t + (2 r - s - t).
    gap = 4 * above**2 + 4 * above * known(REST)
    minus, plus = _halves(X)
    left = prove(
        ">",
        minus,
        a * root / 2 * gap + ALPHA * SQRT / 2 * link * (4 * X - 2 * SQRT - (2 * R - SQRT - REST)) + known(ROOT_OF_REST) / 2,
    )
    right = prove(">", plus, 2 * a * root * known(X) ** 2 + a * root**3 + 2 * a * root**2 * known(X) + known(C))
    step = prove(">", quartic(X), known(minus) * known(plus) + _zeros(), times=4 * a * root**2)
    return Claim(s, (positive, left, right, step), {**ferrari_point(), "x": 5})


def ferrari_point() -> dict[str, Any]:
    return {"alpha": 1, "s": 2, "t": 1, "r": Rational(3, 2), "y": 2, "c": 5, "Gamma": Rational(39, 16)}


def cardano() -> Claim:
    """y = u + v, 16 alpha^2 u^3 = c^2 + w, 16 alpha^2 v^3 = c^2 - w, 27 w^2 = 27 c^4 - 256 alpha Gamma^3."""
    u, v, w = symbols("u v w")
    first, second = 16 * ALPHA**2 * u**3 - C**2 - w, 16 * ALPHA**2 * v**3 - C**2 + w
    third, total = 27 * w**2 - 27 * C**4 + 256 * ALPHA * GAMMA**3, Y - u - v
    x = 3 * ALPHA * u * v
    cube = 27 * (known(first) * 16 * ALPHA**2 * v**3 + (C**2 + w) * known(second)) - known(third)
    times = 256 * known(ALPHA) * ((x + GAMMA / 2) ** 2 + Rational(3, 4) * known(GAMMA) ** 2)
    product = prove("==", x - GAMMA, cube, times=times)
    by = known(first) / 2 + known(second) / 2 + 8 * ALPHA * (u + v) * known(x - GAMMA)
    by += known(total) * (8 * ALPHA**2 * (Y**2 + Y * (u + v) + (u + v) ** 2) - 8 * ALPHA * GAMMA)
    s = Statement(
        f"{NAME}.cardano",
        (ALPHA, GAMMA, C, Y, u, v, w),
        (*SIGNS, *map(equal, (first, second, third, total))),
        (equal(RESOLVENT),),
    )
    point = {"alpha": 1, "Gamma": 3, "c": 4, "y": 2, "u": 1, "v": 1, "w": 0}
    return Claim(s, (product, prove("==", RESOLVENT, by)), point)


# -- D = 3: the cosine of a third of an angle ---------------------------------------------------------------------------


def cosine() -> Claim:
    """b = rho k, k = cos(theta), m = cos(3 theta) = -3 Gamma / (c rho), 3 alpha rho^2 = 4 c; largest if k >= 1/2."""
    rho, k, sine, m = symbols("rho k sine m")
    circle, triple = k**2 + sine**2 - 1, m - k**3 + 3 * k * sine**2
    size, angle, form = 3 * ALPHA * rho**2 - 4 * C, m * C * rho + 3 * GAMMA, B - rho * k
    given = (*SIGNS, greater(rho), at_least(2 * k - 1), *map(equal, (circle, triple, size, angle, form)))
    cubic, steep = ALPHA * B**3 - C * B + GAMMA, 6 * ALPHA * B**2 - 2 * C
    quadruple = prove("==", 4 * k**3 - 3 * k - m, 3 * k * known(circle) - known(triple))
    by = known(form) * (ALPHA * (B**2 + B * rho * k + (rho * k) ** 2) - C) + rho * k**3 * known(size) / 3
    by += C * rho * known(quadruple.term) / 3 + known(angle) / 3
    slope = (
        known(form) * 6 * ALPHA * (B + rho * k)
        + 2 * k**2 * known(size)
        + 2 * known(C) * known(2 * k - 1) * (known(2 * k - 1) + 2)
    )
    s = Statement(f"{NAME}.cosine", (ALPHA, GAMMA, C, B, rho, k, sine, m), given, (equal(cubic), at_least(steep)))
    steps: tuple[Step, ...] = (quadruple, prove("==", cubic, by), prove(">=", steep, slope))
    return Claim(s, steps, _cosine_point())


def _cosine_point() -> dict[str, Any]:
    """cos = 3/5, sin = 4/5: cos 3 theta = -117/125; rho = 2, alpha = 1, c = 3, Gamma = 234/125, b = 6/5."""
    k, sine = Rational(3, 5), Rational(4, 5)
    point = {"k": k, "sine": sine, "m": k**3 - 3 * k * sine**2, "rho": 2, "alpha": 1, "c": 3}
    return {**point, "Gamma": Rational(234, 125), "b": Rational(6, 5)}


# -- D = 4, 5: roots that are no radicals -------------------------------------------------------------------------------


def unsolvable(hidden: int) -> Claim:
    """alpha = 1, c = 6, Gamma = 2: f changes sign on [low, 2], and there c r^{D-1} (= E at a root) > D Gamma, so psi(b) < 0.

    The Galois groups of b^5 - 6 b^2 + 2 (D = 5, x = b) and r^8 - 6 r^3 + 2 (D = 4, x = r) are symmetric, so that these global
    minima are no radicals: that part is not a matter for the kernel.
    """
    low, power, degree = (Rational(3, 2), 2, 5) if hidden == 5 else (Rational(6, 5), 3, 8)
    root = X**degree - 6 * X**power + 2
    ends, deep = (greater(-root.subs(X, low)), greater(root.subs(X, 2))), 6 * X**power - 2 * hidden
    by = (
        6 * sum((known(X - low) * low**i * known(X) ** (power - 1 - i) for i in range(power)), Integer(0))
        + 6 * low**power
        - 2 * hidden
    )
    s = Statement(f"{NAME}.unsolvable{hidden}", (X,), (greater(X), at_least(X - low)), (*ends, greater(deep)))
    steps = [prove(">", c.expression, c.expression) for c in ends]
    return Claim(s, (*steps, prove(">", deep, by)), {"x": 2})


def radical_claims() -> list[Claim]:
    return [linear(), ferrari(), ferrari_largest(), cardano(), cosine(), unsolvable(4), unsolvable(5)]
