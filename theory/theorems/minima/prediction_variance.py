r"""The variance of the prediction at a global minimum, and when it vanishes.

Setting: a deep linear network with D = N - 1 hidden layers whose neurons are multiplied by independent noise of mean 1 and
    variance s_i; f(x) its output at a fixed input x, v = (W_N ... W_1)^T, kappa = prod_i (1 + s_i / d_i); A p = g and q = p
    . A p <= Y = E[y^2] for consistent moments; G = |g|^2, Gamma the product of the decays.
Hypotheses: for the identity, the layers of a global minimiser: W_1 = r_1 w^T, W_i = c_i r_i r_{i-1}^T, W_N = c_N r_{N-1}^T
    with vectors r_k of signs (`all_minimisers`). For the bounds (kappa A + lambda I) v = g with lambda > 0, kappa >= 1, A >=
    0.
Conclusion:
    \[ \operatorname{Var} f(x) = (\kappa - 1) (v \cdot x)^2, \qquad
       E_x \operatorname{Var} \le \frac{\kappa - 1}{\kappa^2} q \le \frac q4 \le \frac Y4 . \]
    Strong noise, D = 1: \(\kappa^2 \operatorname{Var} = (\kappa - 1)(v_0 \cdot x)^2\) with the predictor v_0 without noise,
    so that \(\kappa \operatorname{Var} \le (v_0 \cdot x)^2\). D >= 2: the minimiser is 0, and so is Var, as soon as
    \[ D^{2D} \kappa^{D-1} \Gamma > (D-1)^{D-1} G q^{D-1}; \]
    then L > Y for every theta != 0. Equal decays gamma: this holds if \(D^2 \kappa \gamma \ge (D-1) q\) and \(D^2 \gamma^2 >
    G\), that is for every D large enough. Wide layers, all d_i = d: \(\kappa\, d \operatorname{Var} \le D s |p|^2 |x|^2\).
    Widths and depth growing together, d_i = D: \(\kappa \ge 1 + s\), and the variance need not vanish.
Form: identity; inequalities; implication.
Scope of proof: all widths: the identity at depths 2, 3 and 4 (as a mean over the noise at widths (2,2,1), (2,3,1),
    (1,2,2,1)), the bounds at every depth, vanishing at depths 3 and 4 for all parameters; equal decays for D = 2, ..., 6,
    wide layers for D = 1, ..., 4. The limits in width and depth themselves are an experiment.
Why: the path lemma is an equality at aligned sign vectors. q - kappa^2 |v|_A^2 = |p - kappa v|_A^2 + 2 kappa lambda |v|^2.
    If L <= Y then kappa |v|_A^2 + R <= 2 v . g, while (v . g)^2 is at most q |v|_A^2 and G |v|^2; the weighted inequality of
    the means.
Sharpness: the threshold is that of isotropic data, where L = Y at the tie. Other vectors than signs have another variance;
    one narrow layer keeps the variance of wide ones; with decays gamma = c / D and widths D it stays above q / 16 at D = 4.
Source: arXiv:2202.04777 (abstract of the first version) has that the variance vanishes; these forms are derived for this
    project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Expr, Integer, MatrixSymbol, Mul, Rational, Symbol, Trace, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, inner, known, norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.families import Family
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.potential import KAPPA, LAMBDA, Potential, picked
from theory.theorems.minima.prediction_variance_claims import (
    NAME,
    aligned_point,
    bounds,
    explained,
    over_noise,
    potential,
    shrunken,
    shrunken_given,
    strong_noise,
    vanishing,
    vanishing_room,
    vanishing_statement,
    variance,
    variance_gap,
    variance_statement,
)
from theory.theorems.minima.setting import Setting

WIDTH, NOISE, DECAY, DATA, G = symbols("d s gamma q G")


# -- depth and width ----------------------------------------------------------------------------------------------------


def deep(hidden: int) -> Claim:
    """Equal decays: D^2 kappa gamma >= (D-1) q and D^2 gamma^2 > G make the room positive: so for every large depth."""
    D = hidden
    s = deep_statement(D, f"deep{D}")
    x, y = D**2 * known(KAPPA) * known(DECAY), (D - 1) * known(DATA)
    ladder = sum((x**j * y ** (D - 2 - j) for j in range(D - 1)), Integer(0))
    wide, strong = (c.expression for c in s.given[-2:])
    by = x ** (D - 1) * known(strong) + known(G) * known(wide) * ladder
    return Claim(s, (prove(">", s.then[0].expression, by),), {"kappa": 1, "gamma": 1, "q": 1, "G": 1})


def deep_statement(D: int, name: str, strong: Any = None) -> Statement:
    room = D ** (2 * D) * KAPPA ** (D - 1) * DECAY ** (D + 1) - (D - 1) ** (D - 1) * G * DATA ** (D - 1)
    given = (greater(KAPPA), greater(DECAY), at_least(DATA), at_least(G), at_least(D**2 * KAPPA * DECAY - (D - 1) * DATA))
    last = greater(D**2 * DECAY**2 - G) if strong is None else strong
    return Statement(f"{NAME}.{name}", (KAPPA, DECAY, DATA, G), (*given, last), (greater(room),))


def _positive_form(e: Expr) -> Expr:
    """A polynomial in d and s with positive coefficients, visibly nonnegative."""
    terms = sympy.Poly(sympy.expand(e), WIDTH, NOISE).terms()
    if any(c < 0 for _, c in terms):
        raise ValueError(f"{e} has a negative coefficient")
    return sum((c * known(WIDTH) ** i * known(NOISE) ** j for (i, j), c in terms), Integer(0))


def wide(hidden: int) -> Claim:
    """kappa d^D = (d + s)^D: D s <= d (kappa - 1) <= D s kappa, hence kappa d Var <= D s |p|^2 |x|^2."""
    D, p, source, consistent = hidden, *potential()
    s = wide_statement(D, f"wide{D}")
    x, factor = _x(p), KAPPA * WIDTH**D - (WIDTH + NOISE) ** D
    below, above = WIDTH * (KAPPA - 1) - D * NOISE, D * NOISE * KAPPA - WIDTH * (KAPPA - 1)
    grown = (WIDTH + NOISE) ** D
    low = _positive_form(WIDTH * (grown - WIDTH**D) - D * NOISE * WIDTH**D) + WIDTH * known(factor)
    high = _positive_form(D * NOISE * grown - WIDTH * (grown - WIDTH**D)) + (D * NOISE - WIDTH) * known(factor)
    rest, mean = source - KAPPA * p.z, inner(p.z, x)
    length, schwarz = norm2(source) - KAPPA**2 * p.S, p.S * norm2(x) - mean**2
    inside = known(LAMBDA) * Square(rest) + 2 * known(KAPPA) * Trace(Congruence(known(p.A), rest))
    zeros = 2 * KAPPA * inner(rest, known(p.resolvent) - known(consistent))
    lead = known(WIDTH) ** D
    kappa = known(KAPPA)
    final = D * known(NOISE) * (known(length) * Square(x) + kappa**2 * known(schwarz)) + kappa * mean**2 * known(above)
    steps = (
        prove(">=", below, low, times=lead),
        prove(">=", above, high, times=lead),
        prove(">=", length, inside + zeros, times=known(LAMBDA)),
        _schwarz(p.z, x),
        prove(">=", s.then[-1].expression, final),
    )
    witness = shrunken(Rational(2) ** D, 1, 3, d=1, s=1, x=[[1]])
    return Claim(s, steps, picked(s, witness), {"d0": 1})


def _x(p: Potential) -> MatrixSymbol:
    return p.vector("x")


def _schwarz(z: Expr, x: Expr) -> Step:
    """|z|^2 |x|^2 - (z . x)^2 >= 0: |x|^2 times it is the square of |x|^2 z - (z . x) x."""
    gap, zero = norm2(z) * norm2(x) - inner(z, x) ** 2, known(x)
    square = prove(">=", gap, Square(norm2(x) * z - inner(z, x) * x), times=known(norm2(x)))
    none = prove(">=", gap, norm2(z) * inner(x, zero) - inner(z, zero) * inner(z, x))
    return split(">=", gap, on=norm2(x), positive=[square], otherwise=[vanishes(x, known(-norm2(x))), none])


def wide_statement(D: int, name: str, rate: Any = None, factor: Any = None) -> Statement:
    p, source, consistent = potential("d0")
    x = _x(p)
    product = KAPPA * WIDTH**D - (WIDTH + NOISE) ** D if factor is None else factor
    below, above = WIDTH * (KAPPA - 1) - D * NOISE, D * NOISE * KAPPA - WIDTH * (KAPPA - 1)
    given = (*p.positive, greater(WIDTH), at_least(NOISE), equal(product), equal(p.resolvent), equal(consistent))
    size = (D * NOISE if rate is None else rate) * norm2(source) * norm2(x)
    then = (at_least(below), at_least(above), at_least(size - KAPPA * WIDTH * (KAPPA - 1) * inner(p.z, x) ** 2))
    return Statement(f"{NAME}.{name}", (p.A, p.g, p.z, source, x, KAPPA, LAMBDA, WIDTH, NOISE), given, then)


def deep_and_wide(hidden: int) -> Claim:
    """d_i = D: kappa D^D = (D + s)^D implies kappa >= 1 + s, so that noise does not average out with depth and width."""
    D = hidden
    factor, gap = KAPPA * D**D - (D + NOISE) ** D, KAPPA - 1 - NOISE
    coefficients = sympy.Poly(sympy.expand((D + NOISE) ** D - D**D * (1 + NOISE)), NOISE).terms()
    by = sum((c * known(NOISE) ** k for (k,), c in coefficients), Integer(0)) + known(factor)
    s = Statement(f"{NAME}.deep_and_wide{D}", (KAPPA, NOISE), (at_least(NOISE), equal(factor)), (at_least(gap),))
    return Claim(s, (prove(">=", gap, by, times=Rational(D**D)),), {"kappa": (1 + Rational(1, D)) ** D, "s": 1})


def claims() -> list[Claim]:
    exact = [*map(variance, (2, 3, 4)), *map(over_noise, ((2, 2, 1), (2, 3, 1), (1, 2, 2, 1)))]
    noise = [bounds(), explained(), strong_noise(), *map(vanishing, (3, 4))]
    return [*exact, *noise, *map(deep, (2, 3, 4, 5, 6)), *map(wide, (1, 2, 3, 4)), *map(deep_and_wide, (2, 3, 10))]


# -- where it ends ------------------------------------------------------------------------------------------------------

Row = tuple[str, Statement, dict[str, Any]]


def _bound(name: str, *then: Any, drop: Sequence[Expr] = ()) -> Statement:
    p, source, consistent = potential(1)
    given = tuple(c for c in shrunken_given(p, consistent) if not any(c.expression == x for x in drop))
    return Statement(f"{NAME}.{name}", (p.A, p.g, p.z, source, KAPPA, LAMBDA), given, tuple(map(at_least, then)))


def _narrow() -> Row:
    """D = 2, d_1 = 100, d_2 = 1, s = 1: kappa = 2.02, and d_1 kappa Var > 2 s |p|^2 |x|^2."""
    other = Symbol("d2")
    s = wide_statement(2, "narrow", factor=KAPPA * WIDTH * other - (WIDTH + NOISE) * (other + NOISE))
    values = shrunken(Rational(202, 100), Rational(1, 100), 2, d=100, s=1, d2=1, x=[[1]])
    narrow = Statement(s.name, (*s.variables, other), s.given, s.then[-1:], {"d0": 1})
    return "all layers wide", narrow, values


def _fading() -> Row:
    """D = 4, widths 4, s = 1, decays gamma = c / D so small that lambda = 1/100: Var > q / 16."""
    p, source, consistent = potential(1)
    factor = KAPPA * 4**4 - (4 + NOISE) ** 4
    given = (*shrunken_given(p, consistent), at_least(NOISE), equal(factor))
    then = at_least(quadratic(p.A, source) - 16 * (KAPPA - 1) * quadratic(p.A, p.z))
    s = Statement(f"{NAME}.fading", (p.A, p.g, p.z, source, KAPPA, LAMBDA, NOISE), given, (then,))
    return "decays bounded below, for depth", s, shrunken(Rational(5, 4) ** 4, Rational(1, 100), 1, s=1)


def _tied(n: Network, **more: Any) -> dict[str, Any]:
    """D = 2, A = 1, g = 2, decays and layers 1: L = Y at the critical decay."""
    s = n.setting
    ones: dict[str, Any] = {W.name: [[1]] for W in s.layers} | {c.name: 1 for c in s.decay}
    return {**ones, "s1": 0, "s2": 0, "A": [[1]], "g": [[2]], "p": [[2]], "Y": 9, **more}


def sharpness() -> list[Counterexample]:
    f, n = Family(Setting((2, 2, 1))), Network(Setting((1, 1, 1, 1)))
    p, source, consistent = potential(1)
    curve, q = quadratic(p.A, p.z), quadratic(p.A, source)
    uneven = variance_statement(f, "uneven", variance_gap(f), drop=[f.unit(1)])
    free = variance_statement(f, "any_layers", variance_gap(f), drop=[f.off(1)])
    long = {"W1": [[2, 4], [1, 2]], "W2": [[2, 1]], "r1": [[2], [1]], "kappa": Rational(6, 5)}
    shape = aligned_point(2)
    rows: list[Row] = [
        ("signs: equal magnitudes", uneven, {**shape, **long}),
        ("aligned layers", free, {**shape, "W1": [[1, 0], [0, 0]]}),
        ("A p = g", _bound("inconsistent", q - KAPPA**2 * curve, drop=[consistent]), shrunken(p=[[0]])),
        ("lambda > 0", _bound("negative_shift", q - KAPPA**2 * curve, drop=[LAMBDA]), shrunken(2, -1)),
        ("a room that is positive", vanishing_statement(n, "tie", at_least(vanishing_room(n))), _tied(n)),
        ("A p = g, for a minimiser at 0", vanishing_statement(n, "no_source", greater(vanishing_room(n)),
         drop=[n.setting.A * MatrixSymbol("p", 1, 1) - n.setting.g]), _tied(n, p=[[0]], g=[[3]])),
        _narrow(),
        _fading(),
    ]  # fmt: skip
    return [Counterexample(drops, s, picked(s, values)) for drops, s, values in rows]


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    f, n, (p, source, _) = Family(Setting((2, 2, 1))), Network(Setting((1, 1, 1, 1))), potential(1)
    curve, q, at = quadratic(p.A, p.z), quadratic(p.A, source), aligned_point(2)
    near = shrunken(2, Rational(1, 100))
    power = vanishing_room(n, kappa=n.kappa**2)
    half = wide_statement(2, "false_width", rate=NOISE)
    wide_point = shrunken(Rational(121, 100), Rational(1, 1000), 2, d=10, s=1, x=[[1]])
    nearly = greater(vanishing_room(n, Rational(15, 16)))
    rows: list[Row] = [
        ("kappa for kappa - 1", variance_statement(f, "false_kappa", variance_gap(f, f.kappa)), at),
        ("s for kappa - 1", variance_statement(f, "false_width_free", variance_gap(f, f.setting.noise[0])), at),
        ("(kappa - 1)^2", variance_statement(f, "false_square", variance_gap(f, (f.kappa - 1) ** 2)), at),
        ("no variance", variance_statement(f, "false_zero", variance_gap(f, Integer(0))), at),
        ("5 for 4", _bound("false_quarter", q - 5 * (KAPPA - 1) * curve), near),
        ("kappa^3 for kappa^2", _bound("false_power", q - KAPPA**3 * curve), near),
        ("15 for 16", vanishing_statement(n, "false_room", nearly), _tied(n)),
        ("kappa^2 for kappa", vanishing_statement(n, "false_noise", greater(power)), _tied(n, s1=1, A=[[HALF]], p=[[4]])),
        ("s for D s", Statement(half.name, half.variables, half.given, half.then[-1:], {"d0": 1}), wide_point),
        ("D gamma^2 > G / 2", deep_statement(2, "false_depth", greater(8 * DECAY**2 - G)), _shallow()),
    ]
    return [Counterexample(drops, s, picked(s, values)) for drops, s, values in rows]


HALF = Rational(1, 2)


def _shallow() -> dict[str, Any]:
    """D = 2: 16 kappa gamma^3 = 16, G q = 7 * 4."""
    return {"kappa": 1, "gamma": 1, "q": 4, "G": 7}


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Aligned layers with random signs and noise of any size: the variance at a random input."""
    f = Family(Setting(tuple(widths)))
    s, n = f.setting, int(widths[0])
    values = {f"s{k}": draw.nonnegative() for k in f.noisy} | {f"c{i}": draw.positive() for i in range(2, f.N + 1)}
    values |= {f"r{k}": draw.sign(int(widths[k]), 1) for k in f.hidden} | {"w": draw.matrix(n, 1), "x": draw.matrix(n, 1)}
    values["kappa"] = draw.solve(Mul(*map(f.n, f.noisy)), Mul(*(f.n(k) + f.s(k) for k in f.noisy)), values)
    values |= {W.name: draw.value(f.layer(i), values) for i, W in enumerate(s.layers, 1)}
    return Instance(variance_statement(f, "sampled", variance_gap(f)), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B20",
    title="The variance of the prediction at a global minimum",
    form="identity; inequalities; implication",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (2, 3, 2, 1), (2, 2, 3, 2, 1)),
    supported_at=((8, 40, 1), (8, 16, 12, 1), (4, 6, 5, 6, 1)),
    note=(
        "'The variance vanishes' needs more words. In the width: every layer must grow (d_1 = 100, d_2 = s = 1 has kappa > 2). "
        "In the depth: because the minimiser is 0 for decays bounded below, where f vanishes too; with widths D and decays "
        "proportional to 1/D it does not vanish (D = 4: Var > q/16). In the noise: for D >= 2 because the minimiser is 0."
    ),
)
