r"""Bounds on the layer energy of every stationary point, and sharper ones for global minimisers (arXiv:2202.04777).

Setting: D >= 2 hidden layers, A = E[x x^T], g = E[x y], G = |g|^2, kappa the noise factor, Gamma the product of the decays, b =
    gamma_i |W_i|^2 the energy of every layer. A root is b > 0 with z = (kappa A + lambda I)^{-1} g, b = lambda |z|^2, b^D
    lambda = Gamma; v = z is the mean predictor and psi = D b - g . z the loss less E[y^2].
Hypotheses: A positive semidefinite, kappa > 0; consistent moments A p = g, q = p . A p <= E[y^2]; m > 0 at most each
    eigenvalue of A that g sees: P A P >= m P for an orthogonal projection P with P A = A P, P g = g.
Conclusion: At every root
    \[ \Gamma < G\, b^{D-1}, \qquad 4\kappa b \le q, \qquad \kappa^2 m^2 b^{D+1} < \Gamma G, \]
    and where psi <= 0 (at every nonzero global minimum) also \(D^2\Gamma \le G b^{D-1}\) and \(D^2\kappa b \le (D-1) q\).
    For equal widths d, decays gamma and variances s, with \(b = \gamma d^2 b_*^2\) and r = |g|:
    \(\gamma \le r (d b_*)^{D-1}\) and \(m\, d (d + s)^D b_*^{D+1} \le r\). Small decay: \(b^{D+1} = \Gamma |v|^2\) and
    \(m |\kappa v - p| \le \lambda |v|\). Monotone: psi(b) does not decrease with kappa or Gamma.
Form: Inequalities, strict where written so; an identity.
Scope of proof: All input widths; D = 2, 3, 4 (the bounds by q and the limit at every D).
Why: G - lambda^2 |z|^2 = kappa^2 |A z|^2 + 2 kappa lambda |z|_A^2, q - 4 kappa lambda |z|^2 = |2 kappa z - p|_A^2, |A z| >= m
    |z| on the support. With D b <= T: G - D^2 lambda^2 |z|^2 = |g - D lambda z|^2 + 2 D lambda (T - D b), and the square
    |(D-1) p - D kappa z|_A^2 for the other.
Sharpness: 4 kappa b = q at A = a I, lambda = kappa a. The upper bound with the LARGEST eigenvalue is false: D = 2, decays 1/4,
    A = diag(1, 2), g = (5/4, 0) has b_* = 1 > 5/8 = |g| / 2. The bounds for minimisers are equalities where A = a I and psi =
    0, and fail at a root with psi > 0. Without A p = g the lower bound is not strict and the one by q fails.
Source: arXiv:2202.04777 has bounds of this type; these forms are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, Rational, Symbol, Trace, symbols

from theory.certificates import prove
from theory.expressions import Congruence, Square, inner, known, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, picked
from theory.theorems.minima.stationary_energy import Root, root_point

NAME = "minima.energy_bounds"
HIDDEN = (2, 3, 4)
WIDTH, NOISE, DECAY, SIZE, LENGTH = symbols("d s gamma bstar r")
AT = {"d0": 1}


def lower_bound(r: Root) -> Expr:
    """G b^{D-1} - Gamma."""
    return r.p.G * B ** (r.hidden - 1) - GAMMA


def least_eigenvalue_bound(r: Root, m: Any = None) -> Expr:
    """Gamma G - kappa^2 m^2 b^{D+1}."""
    return GAMMA * r.p.G - KAPPA**2 * (r.m if m is None else m) ** 2 * B ** (r.hidden + 1)


def minimiser_bounds(r: Root) -> tuple[Expr, Expr]:
    """G b^{D-1} - D^2 Gamma and (D - 1) q - D^2 kappa b."""
    D = r.hidden
    return r.p.G * B ** (D - 1) - D**2 * GAMMA, (D - 1) * r.q - D**2 * KAPPA * B


# -- every root ---------------------------------------------------------------------------------------------------------


def lower(hidden: int) -> Claim:
    """Gamma < G b^{D-1}."""
    r = Root(hidden)
    p = r.p
    gap = p.G - LAMBDA**2 * p.S
    inside = KAPPA**2 * Square(p.A * p.z) + 2 * known(KAPPA) * known(LAMBDA) * known(r.curve) + r.norm_zeros
    by = known(B) ** (hidden - 1) * (known(gap) + LAMBDA * known(r.energy)) + known(p.tie)
    s = Statement(
        f"{NAME}.lower{hidden}", (*r.variables, r.source), (*r.given, equal(r.consistent)), (greater(lower_bound(r)),)
    )
    steps = (*r.positive_steps(), prove(">", gap, inside), prove(">", lower_bound(r), by))
    return Claim(s, steps, picked(s, root_point(hidden, 1, 2)), AT)


def upper() -> Claim:
    """4 kappa b <= q, at every D."""
    r = Root(2)
    p = r.p
    s = Statement(f"{NAME}.upper", (*r.variables, r.source), (*r.given, equal(r.consistent)), (at_least(r.q - 4 * KAPPA * B),))
    shifted = Trace(Congruence(known(p.A), 2 * KAPPA * p.z - r.source))
    zeros = inner(p.z, known(r.consistent)) - inner(p.z, known(p.resolvent)) + known(r.energy)
    return Claim(s, (prove(">=", r.q - 4 * KAPPA * B, shifted + 4 * KAPPA * zeros),), picked(s, root_point(2, 1, 2)), AT)


def least_eigenvalue(hidden: int) -> Claim:
    """kappa^2 m^2 b^{D+1} < Gamma G."""
    r = Root(hidden)
    p, m = r.p, r.m
    s = Statement(
        f"{NAME}.least_eigenvalue{hidden}",
        (*r.variables, r.P, m),
        (*r.given, *r.supported),
        (greater(least_eigenvalue_bound(r)),),
    )
    gap = p.G - KAPPA**2 * m**2 * p.S
    high = norm2(p.A * p.z) - m**2 * p.S
    inside = known(KAPPA) ** 2 * known(high) + 2 * known(KAPPA) * known(LAMBDA) * r.curve_known
    inside += known(LAMBDA) ** 2 * known(p.S) + r.norm_zeros
    by = known(B) ** hidden * known(LAMBDA) * known(gap)
    zeros = -p.G * known(p.tie) + KAPPA**2 * m**2 * B**hidden * known(r.energy)
    steps = (r.positive_steps()[0], r.inside_step(), *r.spectral_steps(p.z), prove(">", gap, inside))
    return Claim(
        s, (*steps, prove(">", least_eigenvalue_bound(r), by + zeros)), picked(s, root_point(hidden, 1, 2)), AT
    )


# -- global minimisers --------------------------------------------------------------------------------------------------


def minimiser(hidden: int) -> Claim:
    """psi <= 0 implies D^2 Gamma <= G b^{D-1} and D^2 kappa b <= (D - 1) q."""
    r, D = Root(hidden), hidden
    p, (first, second) = r.p, minimiser_bounds(r)
    given = (*r.given, equal(r.consistent), at_least(-p.psi))
    s = Statement(f"{NAME}.minimiser{D}", (*r.variables, r.source), given, (at_least(first), at_least(second)))
    low, size = p.T - D * p.x, p.G - D**2 * LAMBDA**2 * p.S
    # z.g in M: kappa T = kappa^2 |z|_A^2 + kappa lambda |z|^2
    level = known(r.consistent), known(p.resolvent)
    square = Trace(Congruence(known(p.A), (D - 1) * r.source - D * KAPPA * p.z))
    zeros = 2 * D * (D - 1) * KAPPA * inner(p.z, level[0]) - D**2 * KAPPA * inner(p.z, level[1])
    wide = (D - 1) ** 2 * r.q - D**2 * (D - 1) * KAPPA * p.x
    gain = D * (D - 2) * known(KAPPA) * known(low)
    steps = (
        prove(">=", low, known(-p.psi) - D * known(r.energy)),
        prove(">=", size, Square(p.g - D * LAMBDA * p.z) + 2 * D * known(LAMBDA) * known(low)),
        prove(">=", first, known(B) ** (D - 1) * (known(size) + D**2 * LAMBDA * known(r.energy)) + D**2 * known(p.tie)),
        prove(">=", wide, square + gain + zeros),
        prove(">=", second, known(wide) + D**2 * (D - 1) * KAPPA * known(r.energy), times=Rational(D - 1)),
    )
    return Claim(s, steps, picked(s, root_point(D, Rational(1, D**2), 2)), AT)


# -- equal widths, decays and variances -----------------------------------------------------------------------------------


def uniform(hidden: int) -> Claim:
    """gamma <= r (d b_*)^{D-1} and m d (d + s)^D b_*^{D+1} <= r, from the bounds above with b = gamma d^2 b_*^2."""
    m, kappa = Symbol("m"), KAPPA
    s = uniform_statement(hidden, f"{NAME}.uniform{hidden}")
    first, second = (c.expression for c in s.then)
    lower_given, upper_given, factor = (c.expression for c in s.given[-3:])
    x, y = LENGTH * (WIDTH * SIZE) ** (hidden - 1), kappa * m * (WIDTH * SIZE) ** (hidden + 1)
    x_known = known(LENGTH) * (known(WIDTH) * known(SIZE)) ** (hidden - 1)
    y_known = known(kappa) * known(m) * (known(WIDTH) * known(SIZE)) ** (hidden + 1)
    steps = (
        prove(">=", x**2 - DECAY**2, known(lower_given), times=known(DECAY) ** (hidden - 1)),
        prove(">=", first, known(x**2 - DECAY**2), times=x_known + known(DECAY)),
        prove(">=", LENGTH**2 - y**2, known(upper_given), times=known(DECAY) ** (hidden + 1)),
        prove(">=", LENGTH - y, known(LENGTH**2 - y**2), times=known(LENGTH) + y_known),
        prove(">=", second, known(LENGTH - y) + m * WIDTH * SIZE ** (hidden + 1) * known(factor)),
    )
    point = {"d": 1, "s": 0, "gamma": Rational(1, 4), "kappa": 1, "m": 1, "r": Rational(5, 4), "bstar": 1}
    return Claim(s, steps, point)


def uniform_statement(D: int, name: str, m: Any = None) -> Statement:
    """The bounds at b = gamma d^2 b_*^2, Gamma = gamma^{D+1}, kappa d^D = (d + s)^D as hypotheses; m as a number or symbol."""
    energy, decay, own = DECAY * WIDTH**2 * SIZE**2, DECAY ** (D + 1), Symbol("m")
    m = own if m is None else m
    positive = (*map(greater, (WIDTH, DECAY, SIZE, LENGTH, KAPPA, own)), at_least(NOISE))
    below, above = LENGTH**2 * energy ** (D - 1) - decay, decay * LENGTH**2 - (KAPPA * own) ** 2 * energy ** (D + 1)
    bounds = (at_least(below), at_least(above))
    factor = equal(KAPPA * WIDTH**D - (WIDTH + NOISE) ** D)
    then = (
        at_least(LENGTH * (WIDTH * SIZE) ** (D - 1) - DECAY),
        at_least(LENGTH - m * WIDTH * (WIDTH + NOISE) ** D * SIZE ** (D + 1)),
    )
    return Statement(name, (WIDTH, NOISE, DECAY, SIZE, LENGTH, KAPPA, own), (*positive, *bounds, factor), then)


# -- limits -------------------------------------------------------------------------------------------------------------


def small_decay(hidden: int) -> Claim:
    """b^{D+1} = Gamma |v|^2 and m |kappa v - p| <= lambda |v|, for p on the support."""
    r = Root(hidden)
    p, m = r.p, r.m
    rest, seen = r.source - KAPPA * p.z, equal(r.outside(r.source))
    law, near = B ** (hidden + 1) - GAMMA * p.S, LAMBDA**2 * p.S - m**2 * norm2(rest)
    given = (*r.given, *r.supported, equal(r.consistent), seen)
    s = Statement(
        f"{NAME}.small_decay{hidden}", (*r.variables, r.P, m, r.source), given, (equal(law), at_least(near))
    )
    off = known(r.consistent) - known(p.resolvent)  # A (p - kappa z) - lambda z
    high = norm2(p.A * rest) - m**2 * norm2(rest)
    inside = known(r.outside(r.source)) - KAPPA * known(r.outside(p.z))
    steps = (
        prove("==", law, p.S * known(p.tie) - B**hidden * known(r.energy)),
        r.inside_step(),
        prove("==", r.outside(rest), inside),
        *r.spectral_steps(rest),
        prove(">=", near, known(high) - inner(off, p.A * rest) - LAMBDA * inner(p.z, off)),
    )
    return Claim(s, steps, picked(s, root_point(hidden, 1, 2)), AT)


def monotone() -> Claim:
    """psi at one b does not decrease with kappa and Gamma: b^D g . z does not increase."""
    r, (k, c, beta) = Root(2), symbols("kappa2 Gamma2 beta")
    p = r.p
    y = p.vector("y")
    one, two = KAPPA * beta * p.A * p.z + GAMMA * p.z - p.g, k * beta * p.A * y + c * y - p.g
    more, decay = k - KAPPA, c - GAMMA
    given = (greater(KAPPA), greater(GAMMA), at_least(beta), at_least(p.A), equal(one), equal(two))
    then = inner(p.g, p.z) - inner(p.g, y)
    x, A = p.z - y, known(p.A)
    inside = known(KAPPA) * known(beta) * Trace(Congruence(A, x)) + known(GAMMA) * Square(x)
    inside += known(more) * known(beta) * Trace(Congruence(A, y)) + known(decay) * Square(y)
    # z.g - y.g = |x|^2 in M_1 + |y|^2 in M_2 - M_1 where M_1 z = g = M_2 y.
    zeros = -inner(p.z, known(one)) + 2 * inner(y, known(one)) - inner(y, known(two))
    s = Statement(
        f"{NAME}.monotone",
        (p.A, p.g, p.z, y, KAPPA, GAMMA, k, c, beta),
        (*given, at_least(more), at_least(decay)),
        (at_least(then),),
    )
    point = {"A": [[1]], "g": [[6]], "z": [[3]], "y": [[2]], "kappa": 1, "Gamma": 1, "kappa2": 2, "Gamma2": 1, "beta": 1}
    return Claim(s, (prove(">=", then, inside + zeros),), point, AT)


def claims() -> list[Claim]:
    by_depth = [f(n) for n in HIDDEN for f in (lower, least_eigenvalue, minimiser, uniform, small_decay)]
    return [*by_depth, upper(), monotone()]


# -- limits of the statements ---------------------------------------------------------------------------------------------

Row = tuple[str, Statement, dict[str, Any]]


def _of_root(name: str, *then: Condition, drop: str = "", more: Sequence[Condition] = (), hidden: int = 2) -> Statement:
    """A statement about a root with one input, without the hypothesis named `drop`."""
    r = Root(hidden, 1)
    named = {"A": r.p.A, "b": r.energy, "p": r.consistent}
    given = tuple(c for c in (*r.given, equal(r.consistent)) if not drop or c.expression != named[drop])
    return Statement(f"{NAME}.{name}", (*r.variables, r.source), (*given, *more), then)


def _largest_eigenvalue() -> Row:
    """D = 2, A = diag(1, 2), g = (5/4, 0), Gamma = 1/64: b = 1/4 is the global minimum, psi = -3/4."""
    r, top = Root(2, 2), Symbol("a")
    below = at_least(top * Identity(2) - r.p.A)
    s = Statement(
        f"{NAME}.largest_eigenvalue",
        (*r.variables, top),
        (*r.given, greater(top), below),
        (greater(least_eigenvalue_bound(r, top)),),
    )
    quarter = Rational(1, 4)
    point = {"A": [[1, 0], [0, 2]], "g": [[5 * quarter], [0]], "z": [[1], [0]], "kappa": 1, "lambda": quarter, "b": quarter}
    return "the least eigenvalue: not the largest", s, {**point, "Gamma": Rational(1, 64), "a": 2}


def _refuted(rows: Sequence[Row]) -> list[Counterexample]:
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in rows]


def sharpness() -> list[Counterexample]:
    r = Root(2, 1)
    first = minimiser_bounds(r)[0]
    flat = {**root_point(2, 1, 1, 0), "p": [[0]]}
    barrier = root_point(2, 3, 2)  # A = 1, g = 2, lambda = 3: psi = 1/2
    by_q = r.q - 4 * KAPPA * B
    return _refuted(
        [
            _largest_eigenvalue(),
            ("A p = g, for a strict lower bound", _of_root("flat", greater(lower_bound(r)), drop="p"), flat),
            ("A p = g, for the bound by q", _of_root("without_source", at_least(by_q), drop="p"), flat),
            ("A positive semidefinite", _of_root("without_order", at_least(by_q), drop="A"), root_point(2, 2, 1, -1)),
            ("psi <= 0", _of_root("barrier", at_least(first)), barrier),
            ("psi <= 0, for the bound by q", _of_root("barrier3", at_least(minimiser_bounds(Root(3, 1))[1]), hidden=3),
             root_point(3, 1, 2)),
            ("b = lambda |z|^2", _of_root("any_energy", at_least(by_q), drop="b"), {**root_point(2, 1, 2), "b": 2, "Gamma": 4}),
        ]
    )  # fmt: skip


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    r = Root(2, 1)
    below = (at_least(-r.p.psi),)
    first, second = minimiser_bounds(r)
    tight, deep, loud = root_point(2, 1, 2), root_point(2, Rational(1, 4), 5), root_point(2, 2, 4, 1, 2)
    quarter = {"d": 2, "s": 0, "gamma": Rational(1, 4), "kappa": 1, "m": 1, "r": Rational(5, 4), "bstar": Rational(1, 2)}
    low, twice = root_point(2, Rational(1, 9), 1), 2 * Symbol("m")
    rows: list[Row] = [
        ("strict", _of_root("false_strict", greater(r.q - 4 * KAPPA * B)), tight),
        ("5 for 4", _of_root("false_constant", at_least(r.q - 5 * KAPPA * B)), tight),
        ("kappa^2 for kappa", _of_root("false_noise", at_least(r.q - 4 * KAPPA**2 * B)), loud),
        ("2 Gamma at every root", _of_root("false_lower", at_least(r.p.G * B - 2 * GAMMA)), root_point(2, 9, 2)),
        ("D^2 + 1 for D^2", _of_root("false_minimiser", at_least(first - GAMMA), more=below), tight),
        ("D^2 + 1 for D^2 in the bound by q", _of_root("false_gain", at_least(second - KAPPA * B), more=below), tight),
        ("b^D for b^{D+1}", _of_root("false_power", greater(GAMMA * r.p.G - KAPPA**2 * B**2)), low),
        ("b^{D+1} = Gamma |v|", _of_root("false_limit", equal(B**3 - GAMMA * r.p.T)), deep),
        ("d for d^2", _uniform_twin("false_width"), quarter),
        ("twice the least eigenvalue", uniform_statement(2, f"{NAME}.false_uniform", twice), {**quarter, "d": 1, "bstar": 1}),
    ]  # fmt: skip
    return _refuted(rows)


def _uniform_twin(name: str) -> Statement:
    """gamma d <= r b_* (d b_*)^{D-1} at D = 2: one width too many."""
    s = uniform_statement(2, f"{NAME}.{name}")
    return Statement(s.name, s.variables, s.given, (at_least(LENGTH * SIZE - DECAY * WIDTH * 2),))


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A random root with A = m I + X^T X (P = I), b and Gamma computed from lambda: every bound, in one statement."""
    r = Root(len(widths) - 2, int(widths[0]))
    p, n = r.p, int(widths[0])
    X, w = MatrixSymbol("X", n, n), {"X": draw.matrix(n, n), "m": draw.positive(), "p": draw.matrix(n, 1)}
    values = {"A": draw.value(r.m * Identity(n) + X.T * X, w), "p": w["p"], "m": w["m"]}
    values |= {"g": draw.value(p.A * r.source, values), "kappa": draw.positive(), "lambda": draw.positive()}
    values["z"] = draw.solve(p.M, p.g, values)
    values["b"] = draw.value(p.x, values)
    values["Gamma"] = draw.value(B**r.hidden * LAMBDA, values)
    given = (*p.positive, at_least(B), equal(p.resolvent), equal(r.energy), equal(p.tie), equal(r.consistent))
    near = LAMBDA**2 * p.S - r.m**2 * norm2(r.source - KAPPA * p.z)
    then = (at_least(lower_bound(r)), at_least(r.q - 4 * KAPPA * B), at_least(least_eigenvalue_bound(r)), at_least(near))
    law = equal(B ** (r.hidden + 1) - GAMMA * p.S)
    variables = (*r.variables, r.source, r.m)
    return Instance(Statement(f"{NAME}.root", variables, (*given, at_least(p.A - r.m * Identity(n))), (*then, law)), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B16",
    title="Bounds on the layer energy of stationary points and of global minimisers",
    form="inequalities, identity",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 2, 1), (3, 2, 2, 2, 1), (4, 2, 2, 2, 2, 1)),
    supported_at=((8, 4, 4, 1), (16, 4, 4, 4, 1), (32, 4, 4, 4, 4, 1)),
    note=(
        "The upper bound needs the least eigenvalue of A that E[xy] sees; with the largest it is false: D = 2, all decays 1/4, "
        "widths 1, A = diag(1, 2), g = (5/4, 0) has b_* = 1 although |g| / a_max = 5/8."
    ),
)
