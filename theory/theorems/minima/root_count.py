r"""How many nontrivial stationary points the potential has: at most two if the eigenvalues of A are not too far apart.

Setting: D = N - 1 hidden layers, z = (kappa A + lambda I)^{-1} g, S = |z|^2, F = lambda^{D+1} S^D; the nontrivial stationary
    points are the roots of F(lambda) = Gamma. h = ln F as a function of ln lambda. m_0 <= m_1 bound the eigenvalues of A
    that g sees: m_0 P <= P A P <= m_1 P for an orthogonal projection P with P A = A P, P g = g. R = m_1 / m_0.
Hypotheses: D > 1, kappa, lambda > 0, A positive semidefinite, g != 0, and
    \[ R + \frac1R < \frac{14 D^2 - 2}{D^2 - 1} . \]
Conclusion: Wherever h' = 0 also h'' < 0: every critical point of F is a strict maximum. F vanishes at 0 and at infinity, and
    between two maxima lies a minimum, so that F has exactly one critical point and F = Gamma has no root, a double one or
    two: at most one nonzero local minimum of psi. With one hidden layer h' > 0: at most one root, for any A. The bound on R
    is sharp: for D = 2, 3, 4, 6, 20 there are two eigenvalues within 2 percent above it and Gamma with four roots, and
    within 1/1000 above it a critical point with h'' > 0.
Form: Implication, with a sharp constant; exact instances.
Scope of proof: h'' < 0 at all input widths and every real D > 1; the discriminant step for all real numbers; four changes of
    the sign of Gamma - F at rational points for D = 2, 3, 4, 6, 20. That one critical point follows from h'' < 0 is calculus
    in words, not in the certificate.
Why: With p = lambda (kappa A + lambda)^{-1}, h' = 0 says that the mean of p is m = (D+1)/(2D), and h'' < 0 that its variance
    is below m (1-m)/3. By Bhatia and Davis the variance is at most (p_max - m)(m - p_min); what is left is a quadratic in
    lambda, of which the discriminant has the sign of (D^2-1)(m_0^2 + m_1^2) - (14 D^2 - 2) m_0 m_1.
Sharpness: Above the threshold the quadratic is negative somewhere, and the two-eigenvalue instances with z = (t, 1) and
    lambda = 1 realise it.
Source: arXiv:2202.04777 has the equation; the count and its threshold are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, Rational, Symbol, Trace

from theory.certificates import Step, prove, vanishes
from theory.expressions import Congruence, inner, known, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.potential import KAPPA, LAMBDA
from theory.theorems.minima.scalar_equation_claims import D, bent, slope_expression
from theory.theorems.minima.setting import Width
from theory.theorems.minima.stationary_energy import Root

NAME = "minima.root_count"
LOW, HIGH = Symbol("m0"), Symbol("m1")


def threshold(low: Any = LOW, high: Any = HIGH, factor: Any = 1) -> Expr:
    """(14 D^2 - 2) m_0 m_1 - (D^2 - 1)(m_0^2 + m_1^2), positive below the threshold."""
    return factor * (14 * D**2 - 2) * low * high - (D**2 - 1) * (low**2 + high**2)


def quadratic_form(low: Any, high: Any) -> Expr:
    """(D-1)(2D-1) lambda^2 - (D^2-1)(c_0 + c_1) lambda + (D+1)(2D+1) c_0 c_1."""
    return (D - 1) * (2 * D - 1) * LAMBDA**2 - (D**2 - 1) * (low + high) * LAMBDA + (D + 1) * (2 * D + 1) * low * high


def discriminant_step(low: Any, high: Any, room: Expr, scale: Any = 1) -> Step:
    """The quadratic is positive: 4 (D-1)(2D-1) times it is a square plus (D^2 - 1) times the room."""
    lead = 4 * known(D - 1) * (2 * known(D - 1) + 1)
    square = (2 * (D - 1) * (2 * D - 1) * LAMBDA - (D**2 - 1) * (low + high)) ** 2
    by = square + known(D - 1) * (known(D - 1) + 2) * scale * known(room)
    return prove(">", quadratic_form(low, high), by, times=lead)


class Curve:
    """The curve h = ln F at symbolic D, with the eigenvalues that g sees between m_0 and m_1."""

    def __init__(self, size: Width = "d0") -> None:
        self.r = Root(1, size)
        self.p = self.r.p

    @cached_property
    def z2(self) -> MatrixSymbol:
        return self.p.vector("z2")

    @cached_property
    def second(self) -> Expr:
        """(kappa A + lambda I) z'' + 2 z', which vanishes."""
        return self.p.M * self.z2 + 2 * self.p.z1

    @cached_property
    def bounds(self) -> tuple[Expr, Expr]:
        """P A P - m_0 P >= 0 and m_1 P - P A P >= 0."""
        P, A = self.r.P, self.p.A
        return P * A * P - LOW * P, HIGH * P - P * A * P

    @property
    def variables(self) -> tuple[Any, ...]:
        p = self.p
        return (p.A, p.g, p.z, p.z1, self.z2, self.r.P, KAPPA, LAMBDA, D, LOW, HIGH)

    @property
    def given(self) -> tuple[Condition, ...]:
        p, P = self.p, self.r.P
        equations = (equal(p.resolvent), equal(p.derived), equal(self.second))
        sees = (equal(P * P - P), equal(self.r.commuting), equal(P * p.g - p.g), *map(at_least, self.bounds))
        numbers = (greater(D - 1), greater(p.S), greater(LOW), greater(HIGH - LOW))
        return (*p.positive, *numbers, *equations, *sees)

    # -- the support ----------------------------------------------------------------------------------------------------------

    def inside_steps(self) -> list[Step]:
        """z = P z and z' = P z'."""
        p, r, u = self.p, self.r, self.p.z1
        d, der = r.outside(u), known(p.derived)
        image = der - r.P * der - known(r.outside(p.z)) + KAPPA * known(r.commuting) * u
        by = known(KAPPA) * Trace(Congruence(known(p.A), d)) - inner(d, image)
        return [r.inside_step(), vanishes(d, by, times=known(LAMBDA))]

    def _between(self, x: Expr, which: int) -> tuple[Expr, Expr]:
        """|x|_A^2 - m_0 |x|^2 (0) or m_1 |x|^2 - |x|_A^2 (1), and how it is visible, for x = P x."""
        A, r = self.p.A, self.r
        sign, bound = (1, LOW) if which == 0 else (-1, HIGH)
        d = known(r.outside(x))
        value = sign * (inner(x, A * x) - bound * norm2(x))
        moved = sign * (inner(d, A * x) + inner(r.P * x, A * d) - bound * inner(x, d))
        return value, Trace(Congruence(known(self.bounds[which]), x)) + moved

    def variance_steps(self) -> list[Step]:
        """Bhatia and Davis: -(|z|^2 + (2 lambda + c_0 + c_1) z.z' + (lambda + c_0)(lambda + c_1)|z'|^2) >= 0, c_i = kappa m_i.

        (m_1 - m_0) times it is |a|^2 in m_1 - A plus |b|^2 in A - m_0, a = z + (lambda + c_0) z', b = z + (lambda + c_1) z'.
        """
        p, r, u = self.p, self.r, self.p.z1
        ends = [p.z + (LAMBDA + KAPPA * m) * u for m in (LOW, HIGH)]
        steps: list[Step] = []
        for x, m in zip(ends, (LOW, HIGH), strict=True):
            steps.append(prove("==", r.outside(x), known(r.outside(p.z)) + (LAMBDA + KAPPA * m) * known(r.outside(u))))
        (up, up_by), (low, low_by) = self._between(ends[0], 1), self._between(ends[1], 0)
        steps += [prove(">=", up, up_by), prove(">=", low, low_by)]
        zeros = -(HIGH - LOW) * inner(known(p.derived), ends[0] + ends[1])
        by = known(up) + known(low) + zeros
        return [*steps, prove(">=", self.spread, by, times=known(HIGH - LOW))]

    @cached_property
    def spread(self) -> Expr:
        p, (low, high) = self.p, (KAPPA * LOW, KAPPA * HIGH)
        cross = (2 * LAMBDA + low + high) * inner(p.z, p.z1)
        return -p.S - cross - (LAMBDA + low) * (LAMBDA + high) * norm2(p.z1)

    # -- the second derivative ------------------------------------------------------------------------------------------------

    def last_step(self) -> Step:
        """-S^2 h'' D L = S^2 q + 6 D^2 lambda^2 S (spread) + zeros, with L = (lambda + c_0)(lambda + c_1)."""
        p, (low, high) = self.p, (KAPPA * LOW, KAPPA * HIGH)
        W, L, wide = LAMBDA * inner(p.z, p.z1), (LAMBDA + low) * (LAMBDA + high), 2 * LAMBDA + low + high
        flat = L * (2 * D * W - (2 * D + 1) * p.S) + 3 * D * LAMBDA * wide * p.S
        third = inner(self.z2, known(p.derived)) - inner(p.z1, known(self.second))
        form = known(p.S) ** 2 * known(quadratic_form(low, high))
        by = form + 6 * D**2 * known(LAMBDA) ** 2 * known(p.S) * known(self.spread)
        zeros = known(slope_expression(p)) * flat - 2 * D**2 * LAMBDA**2 * p.S * L * third
        times = (known(D - 1) + 1) * (known(LAMBDA) + known(KAPPA) * known(LOW))
        return prove(">", -bent(p), by + zeros, times=times * (known(LAMBDA) + known(KAPPA) * known(HIGH)))


def concave() -> Claim:
    """h' = 0 implies h'' < 0, below the threshold."""
    c = Curve()
    s = concave_statement(c, f"{NAME}.concave", threshold())
    high = prove(">", HIGH, known(HIGH - LOW) + known(LOW))
    steps = [*c.inside_steps(), *c.variance_steps(), high]
    steps += [discriminant_step(KAPPA * LOW, KAPPA * HIGH, threshold(), known(KAPPA) ** 2), c.last_step()]
    # A = 1, D = 2: h' = 0 where p = lambda / (1 + lambda) = 3/4.
    ones = {"A": 1, "g": 4, "z": 1, "z1": Rational(-1, 4), "z2": Rational(1, 8), "P": 1}
    point = {k: [[x]] for k, x in ones.items()} | {"kappa": 1, "lambda": 3, "D": 2, "m0": 1, "m1": 2}
    return Claim(s, tuple(steps), point, {"d0": 1})


def concave_statement(c: Curve, name: str, room: Expr, given: Sequence[Condition] | None = None) -> Statement:
    hypotheses = c.given if given is None else tuple(given)
    flat = equal(slope_expression(c.p))
    return Statement(name, c.variables, (*hypotheses, flat, greater(room)), (greater(-bent(c.p)),))


def discriminant() -> Claim:
    """The quadratic is positive for every lambda below the threshold."""
    given = (greater(D - 1), greater(threshold()))
    s = Statement(f"{NAME}.discriminant", (D, LAMBDA, LOW, HIGH), given, (greater(quadratic_form(LOW, HIGH)),))
    return Claim(s, (discriminant_step(LOW, HIGH, threshold()),), {"D": 2, "lambda": 1, "m0": 1, "m1": 2})


def beyond() -> Claim:
    """Above the threshold the quadratic is negative at 2 (D-1)(2D-1) lambda = (D^2-1)(m_0 + m_1): the constant is sharp."""
    place = 2 * (2 * D - 1) * LAMBDA - (D + 1) * (LOW + HIGH)
    given = (greater(D - 1), greater(-threshold()), equal(place))
    s = Statement(f"{NAME}.beyond", (D, LAMBDA, LOW, HIGH), given, (greater(-quadratic_form(LOW, HIGH)),))
    by = known(D - 1) * (known(D - 1) + 2) * known(-threshold()) - (D - 1) ** 2 * known(place) ** 2
    step = prove(">", -quadratic_form(LOW, HIGH), by, times=4 * known(D - 1) * (2 * known(D - 1) + 1))
    return Claim(s, (step,), {"D": 2, "lambda": Rational(3 * 31, 6), "m0": 1, "m1": 30})


def one_hidden_layer() -> Claim:
    """D = 1: h' > 0 where A z' != 0: F = lambda^2 S increases, for any A."""
    p = Curve().p
    slope = p.S + LAMBDA * inner(p.z, p.z1)
    moving = norm2(p.A * p.z1)
    given = (*p.positive, equal(p.derived), greater(moving))
    s = Statement(f"{NAME}.one_hidden_layer", (p.A, p.z, p.z1, KAPPA, LAMBDA), given, (greater(slope),))
    curve = known(KAPPA) * known(LAMBDA) * Trace(Congruence(known(p.A), p.z1))
    zeros = inner(p.z, known(p.derived)) - KAPPA * inner(p.A * p.z1, known(p.derived))
    step = prove(">", slope, known(KAPPA) ** 2 * known(moving) + curve + zeros)
    return Claim(s, (step,), {"A": [[1]], "z": [[1]], "z1": [[Rational(-1, 2)]], "kappa": 1, "lambda": 1}, {"d0": 1})


# -- instances above the threshold ----------------------------------------------------------------------------------------

# D: (t, x) with R + 1/R at most 2 percent, and at most 1/1000, above the threshold; where F is largest on either side of 1.
TILT: dict[int, Any] = {2: Rational(8, 5), 3: Rational(27, 20), 4: Rational(5, 4), 6: Rational(23, 20), 20: Rational(21, 20)}
WIDE: dict[int, Any] = {2: Rational(8, 51), 3: Rational(15, 74), 4: Rational(13, 58), 6: Rational(30, 121), 20: Rational(8, 29)}
NEAR: dict[int, Any] = {
    2: Rational(203, 1299), 3: Rational(49, 243), 4: Rational(53, 237), 6: Rational(25, 101), 20: Rational(39, 142),
}  # fmt: skip
PEAKS: dict[int, tuple[Any, Any]] = {
    2: (Rational(4, 5), Rational(13, 11)),
    3: (Rational(4, 5), Rational(5, 4)),
    4: (Rational(13, 15), Rational(7, 6)),
    6: (Rational(13, 15), Rational(10, 9)),
    20: (Rational(5, 6), Rational(5, 4)),
}


def eigenvalues(hidden: int, x: Any) -> tuple[Any, Any]:
    """c_k = 1/p_k - 1 with p = m + x and m - t^2 x: at lambda = 1 and z = (t, 1) the mean of p is m = (D+1)/(2D)."""
    mean = Rational(hidden + 1, 2 * hidden)
    return 1 / (mean + x) - 1, 1 / (mean - TILT[hidden] ** 2 * x) - 1


def flat_point(hidden: int, x: Any) -> dict[str, Any]:
    """The critical point lambda = 1 of the instance with these eigenvalues (kappa = 1, P = I)."""
    c, t = eigenvalues(hidden, x), (TILT[hidden], Rational(1))
    columns = {"g": [(1 + a) * y for a, y in zip(c, t, strict=True)], "z": t}
    columns |= {"z1": [-y / (1 + a) for a, y in zip(c, t, strict=True)]}
    columns |= {"z2": [2 * y / (1 + a) ** 2 for a, y in zip(c, t, strict=True)]}
    vectors = {k: [[y] for y in col] for k, col in columns.items()}
    matrices = {"A": [[c[0], 0], [0, c[1]]], "P": [[1, 0], [0, 1]]}
    return {**matrices, **vectors, "kappa": 1, "lambda": 1, "D": hidden, "m0": c[0], "m1": c[1]}


def four_roots(hidden: int) -> Claim:
    """Gamma = F(1) (1 + 10^{-5}): Gamma - F changes its sign four times on the positive axis."""
    n, c, t = hidden, eigenvalues(hidden, WIDE[hidden]), (TILT[hidden], Rational(1))
    length = sum(y**2 for y in t)

    def over(lam: Any) -> Any:
        """F(lambda) / Gamma - 1."""
        size = sum(((1 + a) * y / (lam + a)) ** 2 for a, y in zip(c, t, strict=True))
        return lam ** (n + 1) * (size / length) ** n / (1 + Rational(1, 10**5)) - 1

    first, last = PEAKS[n]
    places = ((Rational(1, 10), -1), (first, 1), (Rational(1), -1), (last, 1), (Rational(10), -1))
    then = [greater(sign * over(lam)) for lam, sign in places]
    ratio = c[1] / c[0] + c[0] / c[1]
    limit = Rational(14 * n**2 - 2, n**2 - 1)
    then += [greater(ratio - limit), greater(limit * Rational(51, 50) - ratio)]
    s = Statement(f"{NAME}.four_roots{n}", (LAMBDA,), (), tuple(then))
    return Claim(s, tuple(prove(">", x.expression, x.expression) for x in then))


def claims() -> list[Claim]:
    return [discriminant(), concave(), beyond(), one_hidden_layer(), *map(four_roots, WIDE)]


def sharpness() -> list[Counterexample]:
    c = Curve(2)
    rows = [("R + 1/R below the threshold", n, concave_statement(c, f"{NAME}.above{n}", threshold(factor=Rational(1001, 1000))))
            for n in NEAR]  # fmt: skip
    found = [Counterexample(f"{drops} (D = {n})", s, flat_point(n, NEAR[n])) for drops, n, s in rows]
    moving = Statement(f"{NAME}.convex", c.variables, (*c.given, greater(threshold())), (greater(-bent(c.p)),))
    wide = flat_point(2, WIDE[2]) | {"A": [[1, 0], [0, 17]], "m0": 1, "m1": 17}
    return [*found, Counterexample("h' = 0", moving, _resolved(wide, 4, (Rational(1), Rational(1)))), _outside(c)]


def _resolved(point: dict[str, Any], lam: Any, z: Sequence[Any]) -> dict[str, Any]:
    """z, z', z'' and g at another lambda for a diagonal A."""
    m = [point["A"][k][k] + lam for k in range(2)]
    columns = {"g": [x * y for x, y in zip(m, z, strict=True)], "z": z, "z1": [-y / x for x, y in zip(m, z, strict=True)]}
    columns |= {"z2": [2 * y / x**2 for x, y in zip(m, z, strict=True)]}
    return {**point, **{k: [[y] for y in col] for k, col in columns.items()}, "lambda": lam}


def _outside(c: Curve) -> Counterexample:
    """The bounds must hold for every eigenvalue that g sees: P with P g != g shows one of two."""
    seen = c.r.P * c.p.g - c.p.g
    given = tuple(x for x in c.given if x.expression != seen)
    point = flat_point(2, WIDE[2]) | {"P": [[1, 0], [0, 0]], "m1": 2 * eigenvalues(2, WIDE[2])[0]}
    return Counterexample("P g = g", concave_statement(c, f"{NAME}.unseen", threshold(), given), point)


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    c, far = Curve(2), flat_point(2, WIDE[2])
    other = {"15 for 14": (15 * D**2 - 2), "14 D^2 for 14 D^2 - 2": 14 * D**2 * Rational(51, 50)}
    rows = [(text, threshold() + (top - 14 * D**2 + 2) * LOW * HIGH, far) for text, top in other.items()]
    rows += [
        ("D^2 - 2 for D^2 - 1", threshold() + LOW**2 + HIGH**2, far),
        ("R for R + 1/R", (14 * D**2 - 2) * LOW - (D**2 - 1) * HIGH + LOW * (D**2 - 1) * Rational(1, 4), far),
        ("18 at every D", 18 * LOW * HIGH - (LOW**2 + HIGH**2), flat_point(20, NEAR[20])),
        ("no bound on R", LOW, far),
    ]
    false = (concave_statement(c, f"{NAME}.false{k}", room) for k, (_, room, _) in enumerate(rows))
    found = [Counterexample(text, s, point) for s, (text, _, point) in zip(false, rows, strict=True)]
    return [*found, *_false_quadratics()]


def _false_quadratics() -> list[Counterexample]:
    """At D = 2, m_1 = 18 m_0 the quadratic is negative at lambda = 19/2; at m_1 = 17 m_0 it is small."""
    low, variables = quadratic_form(LOW, HIGH), (D, LAMBDA, LOW, HIGH)
    wide = (greater(D - 1), greater(threshold(factor=Rational(51, 50))))
    above = Statement(f"{NAME}.false_discriminant", variables, wide, (greater(low),))
    less = (greater(D - 1), greater(threshold()))
    smaller = Statement(f"{NAME}.false_quadratic", variables, less, (greater(low - (D + 1) * LOW * HIGH),))
    return [
        Counterexample("a larger threshold", above, {"D": 2, "lambda": Rational(19, 2), "m0": 1, "m1": 18}),
        Counterexample("2 D for 2 D + 1", smaller, {"D": 2, "lambda": 9, "m0": 1, "m1": 17}),
    ]


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A = m_0 (I + X^T X / (1 + |X|^2)) and m_1 = 2 m_0; lambda is drawn, and D is what makes it a critical point."""
    c, n = Curve(int(widths[0])), int(widths[0])
    p, X, t = c.p, MatrixSymbol("X", n, n), Symbol("t")
    values: dict[str, Any] = {"X": draw.matrix(n, n), "m0": draw.positive()}
    values["t"] = draw.solve(1 + norm2(X), LOW, values)
    values["A"] = draw.value(LOW * Identity(n) + t * X.T * X, values)
    values |= {"g": draw.matrix(n, 1), "kappa": draw.positive(), "u": draw.positive()}
    # lambda >= 2 kappa m_0: then p > 1/2 for every eigenvalue, and D = S / (2 m - 1) S > 1.
    values["lambda"] = draw.value(KAPPA * LOW * (2 + Symbol("u")), values)
    values["m1"], values["P"] = draw.value(2 * LOW, values), draw.value(Identity(n), values)
    values["z"] = draw.solve(p.M, p.g, values)
    values["z1"] = draw.solve(p.M, -p.z, values)
    values["z2"] = draw.solve(p.M, -2 * p.z1, values)
    values["D"] = draw.solve(-p.S - 2 * LAMBDA * inner(p.z, p.z1), p.S, values)
    for name in ("X", "t", "u"):
        del values[name]
    return Instance(concave_statement(c, f"{NAME}.sampled", threshold()), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B10",
    title="At most one nonzero local minimum where the eigenvalues are not too far apart",
    form="implication with a sharp constant",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((1, 1, 1), (2, 1, 1), (3, 1, 1)),
    supported_at=((8, 1, 1), (20, 1, 1)),
    note=(
        "Where R + 1/R exceeds (14 D^2 - 2)/(D^2 - 1), R the ratio of the eigenvalues that E[xy] sees, several nonzero local "
        "minima can exist, so that 'zero is the bad minimum' is not all: D = 2, A = diag(1, 100), g = (1, 7/2), Gamma = 1/10."
    ),
)
