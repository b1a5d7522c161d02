r"""The one-dimensional equation of the global minimum (arXiv:2202.04777).

Setting. D = N - 1 >= 1 hidden layers, A = E[x x^T], g = E[x y], kappa > 0 the noise factor, Gamma the product of the weight
    decays. For lambda > 0: z = (kappa A + lambda I)^{-1} g, S = |z|^2, T = g . z, F = lambda^{D+1} S^D. The potential is
    psi = D b - T with b > 0, b^D lambda = Gamma.
Hypotheses. A positive semidefinite, lambda, b, kappa > 0; for the bounds g = A h (consistent moments) and q = h^T A h.
Conclusion.
    \[ T' = -S, \qquad F(\lambda) - \Gamma = \lambda^2 \psi'(\lambda) \sum_{j<D} (\lambda S)^j b^{D-1-j}, \]
    so that \(\operatorname{sign}\psi' = \operatorname{sign}(F - \Gamma)\), and \(\psi' = 0 \iff F = \Gamma \iff b = \lambda S\). There
    \[ \lambda^{D-1}\Gamma \le G^D, \qquad \Gamma (4\kappa)^D \le \lambda q^D, \]
    and \(h = \ln F\) as a function of \(\ln\lambda\) has \(1 - D < h' < D + 1\) and \(-D/2 \le h'' \le D\).
Form. Identity; equivalence; inequalities; an exact instance with several roots.
Scope of proof. All widths, D = 1, 2, 3, 4; the bounds on h' and h'' at all widths and all D > 0.
Why. b' = -b / (D lambda) and T' = -S give lambda psi' = lambda S - b, and x^D - b^D = (x - b)(...). For the box:
    G - lambda^2 S = kappa^2 |A z|^2 + 2 kappa lambda |z|_A^2 and q - 4 kappa lambda S = |2 kappa z - h|_A^2. For h'':
    Cauchy-Schwarz and lambda |z'|^2 <= -z . z'.
Sharpness. A local minimum of psi need not be global: A = diag(1, 100), g = (1, 7/2), D = 2. The bounds need A >= 0 and g = A h;
    the equivalence needs b > 0 for even D.
Source. arXiv:2202.04777 has the equation for b; this form, its bounds and the instance are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Symbol, Trace

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, inner, known, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, SLOPE, B, Potential, picked
from theory.theorems.minima.several_roots import four_roots, largest_is_global, largest_root, wrong_root

NAME = "minima.scalar_equation"
HIDDEN = (1, 2, 3, 4)
D = Symbol("D")
ONE: dict[str, Any] = {"A": [[1]], "g": [[2]], "z": [[1]], "z1": [[Rational(-1, 2)]], "kappa": 1, "lambda": 1}


def _variables(p: Potential, *more: Any) -> tuple[Any, ...]:
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
        f"{NAME}.derivative", _variables(p, p.z1), (equal(p.resolvent), equal(p.derived)), (equal(inner(p.g, p.z1) + p.S),)
    )
    return Claim(s, (_slope_of_T(p),), picked(s, ONE), {"d0": 1})


def difference() -> Claim:
    """T(lambda) - T(mu) = (mu - lambda) z(lambda) . z(mu): the slope is -S without any limit in the hypotheses."""
    p, mu = Potential(1), Symbol("mu")
    y = p.vector("y")
    other = p.M * y + (mu - LAMBDA) * y - p.g
    then = equal(inner(p.g, p.z) - inner(p.g, y) - (mu - LAMBDA) * inner(p.z, y))
    s = Statement(f"{NAME}.difference", _variables(p, mu, y), (equal(p.resolvent), equal(other)), (then,))
    by = inner(y, known(p.resolvent)) - inner(p.z, known(other))
    return Claim(
        s, (prove("==", then.expression, by),), picked(s, {**ONE, "mu": 3, "y": [[Rational(1, 2)]], "lambda": 1}), {"d0": 1}
    )


def _given(p: Potential) -> tuple[Any, ...]:
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
    s = Statement(f"{NAME}.sign{hidden}", _variables(p, p.z1, GAMMA, B, SLOPE), _given(p), (equal(law), greater(p.cofactor)))
    by = known(p.tie) - LAMBDA * p.cofactor * known(LAMBDA * p.psi1 - p.x + B)
    steps = [*_slope_of_psi(p), prove("==", law, by), prove(">", p.cofactor, p.visible_cofactor)]
    # At a point that is not stationary: lambda = 1, S = 1, b = 2.
    return Claim(s, tuple(steps), picked(s, {**ONE, "Gamma": 2**hidden, "b": 2, "b1": Rational(-2, hidden)}), {"d0": 1})


def stationary(hidden: int) -> Claim:
    """psi' = 0 implies F = Gamma, b = lambda S and psi = D lambda S - T."""
    p = Potential(hidden)
    then = (equal(p.F - GAMMA), equal(p.x - B), equal(p.psi - hidden * p.x + p.T))
    s = Statement(f"{NAME}.stationary{hidden}", _variables(p, p.z1, GAMMA, B, SLOPE), (*_given(p), equal(p.psi1)), then)
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
        _variables(p, p.z1, GAMMA, B, SLOPE),
        (*_given(p), equal(root)),
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
    s = _box(p, f"{NAME}.box{hidden}", GAMMA * (4 * KAPPA) ** hidden)
    return Claim(s, _box_steps(p), picked(s, {**ONE, "h": [[2]], "Gamma": 1}), {"d0": 1})


def _box(p: Potential, name: str, scaled: Expr, drop: str = "") -> Statement:
    h = p.vector("h")
    given = [greater(KAPPA), greater(LAMBDA), equal(p.resolvent), equal(p.F - GAMMA)]
    given += [at_least(p.A)] * (drop != "A") + [equal(p.A * h - p.g)] * (drop != "h")
    then = (
        at_least(p.G**p.hidden - LAMBDA ** (p.hidden - 1) * GAMMA),
        at_least(LAMBDA * quadratic(p.A, h) ** p.hidden - scaled),
    )
    return Statement(name, _variables(p, h, GAMMA), tuple(given), then)


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


def _slope(p: Potential) -> Expr:
    """S h' where h = ln F as a function of ln lambda: (D + 1) S + 2 D lambda z . z'."""
    return (D + 1) * p.S + 2 * D * LAMBDA * inner(p.z, p.z1)


def slope() -> Claim:
    """1 - D < h' < D + 1, for g = A h, g != 0."""
    p = Potential(1)
    h = p.vector("h")
    given = (*p.positive, greater(D), greater(p.S), equal(p.resolvent), equal(p.derived), equal(p.A * h - p.g))
    then = (greater(_slope(p) - (1 - D) * p.S), greater((D + 1) * p.S - _slope(p)))
    s = Statement(f"{NAME}.slope", _variables(p, p.z1, h, D), given, then)
    return Claim(s, tuple(_slope_steps(p)), picked(s, {**ONE, "h": [[2]], "D": 2}), {"d0": 1})


def _slope_steps(p: Potential) -> list[Step]:
    """With m = -lambda z . z' / S: 0 < m because z = -M z' != 0; m < 1 because m = 1 forces A z' = 0, A z = 0 and g . z = 0."""
    zz, (positive, below) = inner(p.z, p.z1), (_m_positive(p), _m_below_one(p))
    first = prove(">", _slope(p) - (1 - D) * p.S, 2 * known(D) * known(p.S + LAMBDA * zz))
    second = prove(">", (D + 1) * p.S - _slope(p), 2 * known(D) * known(LAMBDA) * known(-zz))
    return [positive, below, first, second]


def _m_positive(p: Potential) -> Step:
    """-z . z' > 0: otherwise z'^T M z' <= 0, so that z' = 0 and z = -M z' = 0."""
    zz, u = inner(p.z, p.z1), p.z1
    curve = known(KAPPA) * Trace(Congruence(known(p.A), u))
    none = vanishes(u, known(zz) + curve - inner(u, known(p.derived)), times=known(LAMBDA))
    absurd = inner(p.z, p.M * known(u)) - inner(p.z, known(u)) - inner(p.z, known(p.derived))
    return split(">", -zz, on=-zz, positive=[], otherwise=[none, prove(">", -zz, known(p.S) + absurd)])


def _m_below_one(p: Potential) -> Step:
    """S + lambda z . z' = kappa^2 |A z'|^2 + kappa lambda |z'|_A^2 > 0: otherwise A z' = 0, A z = 0 and lambda S = z . A h = 0."""
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


def _bent(p: Potential) -> Expr:
    """S^2 h'': D (lambda S S' + lambda^2 S S'' - lambda^2 S'^2), with S' = 2 z . z' and S'' = 2 |z'|^2 + 2 z . z''."""
    s1, s2 = 2 * inner(p.z, p.z1), 2 * norm2(p.z1) + 2 * inner(p.z, p.vector("z2"))
    return D * (LAMBDA * s1 * p.S + LAMBDA**2 * s2 * p.S - LAMBDA**2 * s1**2)


def _smooth(p: Potential) -> tuple[Condition, ...]:
    return (*p.positive, greater(D), greater(p.S), equal(p.resolvent), equal(p.derived))


def curvature() -> Claim:
    """-D/2 <= h'' <= D, where S^2 h'' = D (lambda S S' + lambda^2 S S'' - lambda^2 S'^2)."""
    p = Potential(1)
    z2 = p.vector("z2")
    second = p.M * z2 + 2 * p.z1
    bent = _bent(p)
    given = (*_smooth(p), equal(second))
    then = (at_least(bent + D * p.S**2 / 2), at_least(D * p.S**2 - bent))
    s = Statement(f"{NAME}.curvature", _variables(p, p.z1, z2, D), given, then)
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
    no_order = _box(one, f"{NAME}.without_order", bound, drop="A")
    no_source = _box(one, f"{NAME}.without_consistency", bound, drop="h")
    given = tuple(c for c in _given(flat) if c != greater(B))
    signed = Statement(
        f"{NAME}.without_sign",
        _variables(flat, flat.z1, GAMMA, B, SLOPE),
        (*given, equal(flat.F - GAMMA)),
        (equal(flat.x - B),),
    )
    strict = (*one.positive, greater(one.S), equal(one.resolvent), equal(one.derived))
    slope_only = Statement(
        f"{NAME}.slope_without_consistency", _variables(one, one.z1, D), strict, (greater(_slope(one) - (1 - D) * one.S),)
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
    path = (*_given(p), equal(p.psi1))
    v1, v2 = _variables(p, p.z1), _variables(p, p.z1, GAMMA, B, SLOPE)
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
        ("lambda for lambda^2", v2, _given(p), equal(law), moving),
        ("sign flipped", v2, (*_given(p), greater(p.psi1)), greater(GAMMA - p.F), moving),
        ("lambda^D for lambda^{D+1}", v2, path, equal(LAMBDA**2 * p.S**2 - GAMMA), still),
        ("b = S", v2, path, equal(p.S - B), still),
        ("one root", _variables(p, mu, y, GAMMA), (greater(LAMBDA), *two), equal(LAMBDA - mu), _two_roots()),
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
    flat = Statement(f"{NAME}.false_slope", _variables(p, p.z1, D), _smooth(p), (at_least(_slope(p) - (2 - D) * p.S),))
    second = p.M * p.vector("z2") + 2 * p.z1
    bent = Statement(
        f"{NAME}.false_curvature",
        _variables(p, p.z1, p.vector("z2"), D),
        (*_smooth(p), equal(second)),
        (at_least(_bent(p) + D * p.S**2 / 4),),
    )
    second = q.M * q.vector("z2") + 2 * q.z1
    concave = Statement(
        f"{NAME}.false_concave", _variables(q, q.z1, q.vector("z2"), D), (*_smooth(q), equal(second)), (at_least(-_bent(q)),)
    )
    return [
        ("kappa dropped", _box(p, f"{NAME}.false_box_without_noise", 4 * GAMMA), tight),
        ("5 for 4", _box(p, f"{NAME}.false_box_constant", 5 * KAPPA * GAMMA), tight),
        ("strict", strict, tight),
        ("2 - D for 1 - D", flat, _point(9, 10)),
        ("-D/4 for -D/2", bent, _point(1, 2)),
        ("ln F concave", concave, _spread()),
    ]


def _box_parts(p: Potential) -> tuple[Any, Any]:
    s = _box(p, "", Integer(0))
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
    then = (equal(p.tie), equal(inner(p.g, p.z1) + p.S), *_box(p, "", GAMMA * (4 * KAPPA) ** n).then, *bounds)
    return Instance(Statement(f"{NAME}.root", _variables(p, p.z1, h, GAMMA, B), given, then), values)


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
