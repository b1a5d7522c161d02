r"""The largest root of $\alpha b^D - c\, b^{(D-1)/2} + \Gamma$ in radicals, for $D = 1, 2, 3$, derived and not looked up.

Each answer is a sequence of lets that are rational, pure roots, or a third of an angle, so that `exact.vanishes` can put
the root back into its equation without choosing branches. Source: classical (Ferrari, Cardano, Viète).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import sympy as sp

from theory.derivations.exact import root, vanishes
from theory.derivations.minima import ALPHA, GAMMA, C, G, b, z
from theory.derivations.model import Let, Step, equation

_Q, _R, _U, _DELTA, _ROOT, _P, _T, _RHO, _W = sp.symbols("q r u Delta delta p t rho w", positive=True)
_M = sp.Symbol("m", real=True)


@dataclass(frozen=True, slots=True)
class Root:
    """A root with the lets that lead to it (the last one is the root itself) and the steps that found it."""

    lets: tuple[Let, ...]
    steps: tuple[Step, ...]


def linear(polynomial: sp.Expr) -> Root:
    """The root of a polynomial that is linear in ``b``."""
    (energy,) = sp.solve(polynomial, b)
    return Root((Let(b, energy),), (Step("Solve", equation(b, energy), "Linear in $b$; positive exactly when $G > \\Gamma$."),))


@functools.cache
def ferrari(polynomial: sp.Expr) -> Root:
    r"""The largest root of $\alpha z^4 - c z + \Gamma$: two squares, a resolvent cubic, Cardano for it, two quadratics."""
    monic = z**4 - _Q * z + _R
    scale = {_Q: C / ALPHA, _R: GAMMA / ALPHA}
    _require(ALPHA * monic.subs(scale) - polynomial)
    square = sp.expand((z**2 + _U) ** 2 - monic)
    resolvent = sp.expand(-sp.discriminant(square, z))
    lets = _cardano(resolvent)
    rest = sp.factor(square.subs(_U, _T**2 / 2).subs(_R, _completed(resolvent)))
    half = z**2 + _T**2 / 2 - _T * (z + _Q / (2 * _T**2))
    _require(rest - (_T * (z + _Q / (2 * _T**2))) ** 2)
    inner, largest = _larger(half)
    delta = sp.factor(lets[0].value.subs(scale).subs(C**4, (G * GAMMA) ** 2))
    lets = (*(Let(s, e) for s, e in scale.items()), *lets, Let(_T, root(2 * _U)), Let(_W, inner), Let(z, largest), Let(b, z**2))
    steps = (
        Step(
            "Divide by the leading coefficient",
            sp.Tuple(equation(monic, sp.Integer(0)), *(equation(s, e) for s, e in scale.items())),
            "",
        ),
        Step(
            "Make it a difference of squares",
            equation(monic, sp.Add((z**2 + _U) ** 2, sp.Mul(-1, sp.collect(square, z), evaluate=False), evaluate=False)),
            "For every $u$. The bracket that is subtracted is a square in $z$ when its discriminant vanishes.",
        ),
        Step("The resolvent cubic", equation(resolvent, sp.Integer(0)), "It has one real root when the quartic has two."),
        Step(
            "Cardano for the resolvent",
            sp.Tuple(*(equation(let.symbol, let.value) for let in reversed(lets[2:6])), equation(_DELTA, delta)),
            "With $u = p + r/(3p)$ the resolvent is a quadratic in $p^3$. $\\Delta > 0$ where the quartic has two "
            "roots, hence for "
            "$\\Gamma < \\Gamma_c = G^2 / (16 \\alpha)$, so every root taken is real.",
        ),
        Step(
            "Split the quartic",
            equation(monic, half * half.subs(_T, -_T)),
            "With $t = \\sqrt{2u}$. The second factor has no real root for $t > 0$, $q > 0$.",
        ),
        Step(
            "The larger root", sp.Tuple(equation(_W, inner), equation(z, largest)), "The other sign of $w$ gives the barrier."
        ),
    )
    return Root(lets, steps)


def _cardano(resolvent: sp.Expr) -> tuple[Let, ...]:
    r"""The lets up to $u$: the substitution $u = p + r/(3p)$ leaves a quadratic in $p^3$."""
    substituted = sp.fraction(sp.together(resolvent.subs(_U, _P + _R / (3 * _P))))[0]
    cube = sp.Symbol("X", positive=True)
    quadratic = sp.Poly(sp.expand(substituted), _P)
    if any(power % 3 for (power,) in quadratic.monoms()):
        raise ArithmeticError("the substitution does not reduce the resolvent to a quadratic in the cube")
    second, first, constant = (quadratic.coeff_monomial(_P**k) for k in (6, 3, 0))
    middle, delta = sp.cancel(-first / (2 * second)), sp.expand(sp.cancel((first**2 - 4 * second * constant) / (4 * second**2)))
    _require((second * cube**2 + first * cube + constant).subs(cube, middle + _W), (_W, _W**2 - delta))
    return (Let(_DELTA, delta), Let(_ROOT, sp.sqrt(_DELTA)), Let(_P, sp.cbrt(middle + _ROOT)), Let(_U, _P + _R / (3 * _P)))


def _completed(resolvent: sp.Expr) -> sp.Expr:
    """``r`` from the resolvent, in terms of ``t`` with ``2 u = t^2``: the condition that the bracket is a square."""
    (value,) = sp.solve(resolvent.subs(_U, _T**2 / 2), _R)
    return value


def _larger(quadratic: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The square root of the discriminant and the larger zero of a monic quadratic in ``z``."""
    discriminant = sp.expand(sp.discriminant(quadratic, z))
    largest = (-sp.Poly(quadratic, z).coeff_monomial(z) + _W) / 2
    _require(quadratic.subs(z, largest), (_W, _W**2 - discriminant))
    return sp.sqrt(discriminant), largest


@functools.cache
def viete(polynomial: sp.Expr) -> Root:
    r"""The largest root of $\alpha b^3 - c b + \Gamma$ by the cosine of a third, with Cardano's form beside it."""
    cosine, angle = sp.Symbol("C_1", real=True), sp.Symbol("theta", real=True)
    scaled = sp.Poly(polynomial.subs(b, _RHO * cosine), cosine)
    ratio = scaled.coeff_monomial(cosine**3) / scaled.coeff_monomial(cosine)
    triple = sp.Poly(sp.expand_trig(sp.cos(3 * angle)).subs(sp.cos(angle), cosine), cosine)
    wanted = triple.coeff_monomial(cosine**3) / triple.coeff_monomial(cosine)
    (rho,) = sp.solve(sp.cancel(ratio - wanted), _RHO)
    divisor = scaled.coeff_monomial(cosine) / triple.coeff_monomial(cosine)
    value = sp.cancel(-scaled.coeff_monomial(1) / divisor)
    lets = (Let(_RHO, root(sp.cancel(rho**2))), Let(_M, value), Let(cosine, sp.cos(sp.acos(_M) / 3)), Let(b, _RHO * cosine))
    fourth = sp.factor(sp.cancel((value**2).subs(_RHO**2, rho**2) ** 2).subs(C**6, (G * GAMMA) ** 3))
    steps = (
        Step(
            "Three real roots",
            equation(b, _RHO * sp.cos(angle)),
            "Two positive and one negative: the case that real radicals cannot reach in general, and cosines can.",
        ),
        Step(
            "Fit the triple angle",
            sp.Tuple(equation(sp.cos(3 * angle), triple.as_expr().subs(cosine, sp.cos(angle))), equation(_RHO, lets[0].value)),
            "This $\\rho$ makes the first two coefficients of the equation those of the identity.",
        ),
        Step(
            "The angle",
            sp.Tuple(equation(_M, value), equation(_M**4, fourth), equation(b, lets[3].value.subs(cosine, lets[2].value))),
            "The equation reads $\\cos 3\\theta = m$, and $m^4 < 1/4$ for $\\Gamma < \\Gamma_c$. Of the three solutions "
            "$\\theta = \\frac{1}{3} \\arccos m$ has the largest cosine.",
        ),
        _cardano_step(polynomial),
    )
    return Root(lets, steps)


def _cardano_step(polynomial: sp.Expr) -> Step:
    """Cardano's form of the same root: a cube root of a complex number, verified by substitution."""
    p, cube = sp.Symbol("p"), sp.Symbol("X")
    form = p + C / (3 * ALPHA * p)
    numerator = sp.fraction(sp.together(polynomial.subs(b, form)))[0]
    poly = sp.Poly(numerator, p)
    solutions = sp.solve(sum(coefficient * cube ** (power // 3) for (power,), coefficient in poly.terms()), cube)
    for solution in solutions:
        _require(polynomial.subs(b, form), (p, p**3 - solution))
    return Step(
        "Cardano's form",
        sp.Tuple(equation(b, form), equation(p**3, solutions[-1])),
        "The same root in radicals, through a cube root of a complex number: with three real roots there is no way around it.",
    )


def _require(expression: sp.Expr, *relations: tuple[sp.Symbol, sp.Expr]) -> None:
    if not vanishes(expression, relations):
        raise ArithmeticError(f"a step of the derivation does not hold: {expression}")
