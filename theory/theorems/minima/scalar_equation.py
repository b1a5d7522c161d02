r"""The one-dimensional equation of the global minimum (arXiv:2202.04777).

Setting: D = N - 1 >= 1 hidden layers, A = E[x x^T], g = E[x y], kappa > 0 the noise factor, Gamma the product of the weight
    decays. For lambda > 0: z = (kappa A + lambda I)^{-1} g, S = |z|^2, T = g . z, F = lambda^{D+1} S^D. The potential is
    psi = D b - T with b > 0, b^D lambda = Gamma.
Hypotheses: A positive semidefinite, lambda, b, kappa > 0; for the bounds g = A h (consistent moments) and q = h^T A h.
Conclusion:
    \[ T' = -S, \qquad F(\lambda) - \Gamma = \lambda^2 \psi'(\lambda) \sum_{j<D} (\lambda S)^j b^{D-1-j}, \]
    so that \(\operatorname{sign}\psi' = \operatorname{sign}(F - \Gamma)\), and
    \(\psi' = 0 \iff F = \Gamma \iff b = \lambda S\). There
    \[ \lambda^{D-1}\Gamma \le G^D, \qquad \Gamma (4\kappa)^D \le \lambda q^D, \]
    and \(h = \ln F\) as a function of \(\ln\lambda\) has \(1 - D < h' < D + 1\) and \(-D/2 \le h'' \le D\).
Form: Identity; equivalence; inequalities; an exact instance with several roots.
Scope of proof: All widths, D = 1, 2, 3, 4; the bounds on h' and h'' at all widths and all D > 0.
Why: b' = -b / (D lambda) and T' = -S give lambda psi' = lambda S - b, and x^D - b^D = (x - b)(...). For the box:
    G - lambda^2 S = kappa^2 |A z|^2 + 2 kappa lambda |z|_A^2 and q - 4 kappa lambda S = |2 kappa z - h|_A^2. For h'':
    Cauchy-Schwarz and lambda |z'|^2 <= -z . z'.
Sharpness: A local minimum of psi need not be global: A = diag(1, 100), g = (1, 7/2), D = 2. The bounds need A >= 0 and g = A h;
    the equivalence needs b > 0 for even D.
Source: arXiv:2202.04777 has the equation for b; this form, its bounds and the instance are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Integer, Rational, Symbol

from theory.expressions import inner, norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, SLOPE, B, Potential, picked
from theory.theorems.minima.scalar_equation_claims import (
    HIDDEN,
    NAME,
    D,
    bent,
    box,
    box_statement,
    converse,
    curvature,
    derivative,
    difference,
    path,
    sign,
    slope,
    slope_expression,
    smooth,
    stationary,
    variables,
)
from theory.theorems.minima.several_roots import four_roots, largest_is_global, largest_root, wrong_root

# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> list[Claim]:
    by_depth = [f(n) for n in HIDDEN for f in (sign, stationary, converse, box)]
    return [derivative(), difference(), *by_depth, slope(), curvature(), wrong_root(), four_roots(), largest_root()]


def _point(lam: Any, g: Any = 1, a: Any = 1, kappa: Any = 1, **more: Any) -> dict[str, Any]:
    """The scalar instance A = a, with z, its derivatives and h = g / a where a is not 0."""
    m = sympy.Rational(kappa) * a + lam
    z, h = g / m, Rational(g) / a if a else 0
    values = {"A": a, "g": g, "z": z, "z1": -z / m, "z2": 2 * z / m**2, "h": h}
    return {name: [[x]] for name, x in values.items()} | {"kappa": kappa, "lambda": lam, "D": 2, **more}


def sharpness() -> list[Counterexample]:
    one, flat = Potential(1, 1), Potential(2, 1)
    bound = GAMMA * 4 * KAPPA
    no_order = box_statement(one, f"{NAME}.without_order", bound, drop="A")
    no_source = box_statement(one, f"{NAME}.without_consistency", bound, drop="h")
    given = tuple(c for c in path(flat) if c != greater(B))
    signed = Statement(
        f"{NAME}.without_sign",
        variables(flat, flat.z1, GAMMA, B, SLOPE),
        (*given, equal(flat.F - GAMMA)),
        (equal(flat.x - B),),
    )
    strict = (*one.positive, greater(one.S), equal(one.resolvent), equal(one.derived))
    slope_only = Statement(
        f"{NAME}.slope_without_consistency",
        variables(one, one.z1, D),
        strict,
        (greater(slope_expression(one) - (1 - D) * one.S),),
    )
    found = [
        ("A >= 0", no_order, _point(2, 1, -1, Gamma=4)),
        ("g = A h", no_source, _point(1, 1, 0, Gamma=1)),
        ("b > 0", signed, _point(1, 2, Gamma=1, b=-1, b1=Rational(1, 2))),
        ("g = A h", slope_only, _point(1, 1, 0)),
    ]
    return [largest_is_global(), *(Counterexample(drops, s, picked(s, point)) for drops, s, point in found)]


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in [*_false_equations(), *_false_bounds()]]


def _false_equations() -> list[tuple[str, Statement, dict[str, Any]]]:
    p, mu = Potential(2, 1), Symbol("mu")
    slope_of_T, y, root = inner(p.g, p.z1), p.vector("y"), p.F - GAMMA
    flat = (*path(p), equal(p.psi1))
    v1, v2 = variables(p, p.z1), variables(p, p.z1, GAMMA, B, SLOPE)
    equations = (equal(p.resolvent), equal(p.derived))
    moving = _point(2, 3, Gamma=2, b=1, b1=Rational(-1, 4))
    still = _point(2, 3, Gamma=8, b=2, b1=Rational(-1, 2))
    two = (
        greater(mu),
        equal(p.resolvent),
        equal(p.M * y + (mu - LAMBDA) * y - p.g),
        equal(root),
        equal(mu**3 * norm2(y) ** 2 - GAMMA),
    )
    law = p.F - GAMMA - LAMBDA * p.psi1 * p.cofactor
    table = [
        ("T' = S", v1, equations, equal(slope_of_T - p.S), _point(1, 2)),
        ("T' = -kappa S", v1, equations, equal(slope_of_T + KAPPA * p.S), _point(1, 3, kappa=2)),
        ("lambda for lambda^2", v2, path(p), equal(law), moving),
        ("sign flipped", v2, (*path(p), greater(p.psi1)), greater(GAMMA - p.F), moving),
        ("lambda^D for lambda^{D+1}", v2, flat, equal(LAMBDA**2 * p.S**2 - GAMMA), still),
        ("b = S", v2, flat, equal(p.S - B), still),
        ("one root", variables(p, mu, y, GAMMA), (greater(LAMBDA), *two), equal(LAMBDA - mu), _two_roots()),
    ]
    return [
        (text, Statement(f"{NAME}.false_equation{k}", v, given, (then,)), point)
        for k, (text, v, given, then, point) in enumerate(table)
    ]


def _two_roots() -> dict[str, Any]:
    """A = 1, g = 15: F(14) = F(7/8) = 2744 for D = 2."""
    return {**_point(14, 15), "mu": Rational(7, 8), "y": [[8]], "Gamma": 2744}


def _false_bounds() -> list[tuple[str, Statement, dict[str, Any]]]:
    p, q = Potential(1, 1), Potential(1, 2)
    tight = _point(Rational(1, 4), Rational(1, 2), kappa=Rational(1, 4), Gamma=Rational(1, 16))
    h = p.vector("h")
    strict = Statement(f"{NAME}.false_strict_box", *_box_parts(p), (greater(LAMBDA * quadratic(p.A, h) - 4 * KAPPA * GAMMA),))
    steep = Statement(f"{NAME}.false_slope", variables(p, p.z1, D), smooth(p), (at_least(slope_expression(p) - (2 - D) * p.S),))
    second = p.M * p.vector("z2") + 2 * p.z1
    curve = Statement(
        f"{NAME}.false_curvature",
        variables(p, p.z1, p.vector("z2"), D),
        (*smooth(p), equal(second)),
        (at_least(bent(p) + D * p.S**2 / 4),),
    )
    second = q.M * q.vector("z2") + 2 * q.z1
    concave = Statement(
        f"{NAME}.false_concave", variables(q, q.z1, q.vector("z2"), D), (*smooth(q), equal(second)), (at_least(-bent(q)),)
    )
    return [
        ("kappa dropped", box_statement(p, f"{NAME}.false_box_without_noise", 4 * GAMMA), tight),
        ("5 for 4", box_statement(p, f"{NAME}.false_box_constant", 5 * KAPPA * GAMMA), tight),
        ("strict", strict, tight),
        ("2 - D for 1 - D", steep, _point(9, 10)),
        ("-D/4 for -D/2", curve, _point(1, 2)),
        ("ln F concave", concave, _spread()),
    ]


def _box_parts(p: Potential) -> tuple[Any, Any]:
    s = box_statement(p, "", Integer(0))
    return s.variables, s.given


def _spread() -> dict[str, Any]:
    """kappa A = diag(1, 100), lambda = 10, z = (1, 1)."""
    vectors = {"g": [[11], [110]], "z": [[1], [1]], "z1": [[Rational(-1, 11)], [Rational(-1, 110)]]}
    z2 = [[Rational(2, 121)], [Rational(2, 12100)]]
    return {"A": [[1, 0], [0, 100]], **vectors, "z2": z2, "kappa": 1, "lambda": 10, "D": 2}


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A root at random moments: Gamma and b are computed from lambda. Depth and input width are those of `widths`."""
    p = Potential(len(widths) - 2, int(widths[0]))
    h, values = p.vector("h"), p.draw(draw)
    values["h"] = draw.matrix(int(widths[0]), 1)
    values["g"] = draw.value(p.A * h, values)
    values["z"] = draw.solve(p.M, p.g, values)
    values["z1"] = draw.solve(p.M, -p.z, values)
    values |= {"Gamma": draw.value(p.F, values), "b": draw.value(p.x, values)}
    n = p.hidden
    given = (*p.positive, equal(p.A * h - p.g), equal(p.resolvent), equal(p.derived), equal(p.F - GAMMA))
    steep = (n + 1) * p.S + 2 * n * LAMBDA * inner(p.z, p.z1)
    bounds = (at_least(steep - (1 - n) * p.S), at_least((n + 1) * p.S - steep))
    then = (equal(p.tie), equal(inner(p.g, p.z1) + p.S), *box_statement(p, "", GAMMA * (4 * KAPPA) ** n).then, *bounds)
    return Instance(Statement(f"{NAME}.root", variables(p, p.z1, h, GAMMA, B), given, then), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B9",
    title="The stationary points of the potential are the roots of F(lambda) = Gamma",
    form="identity, equivalence and inequalities",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((1, 2, 1), (3, 2, 2, 1), (5, 3, 3, 3, 1)),
    supported_at=((8, 4, 1), (16, 4, 4, 1), (32, 4, 4, 4, 1)),
)
