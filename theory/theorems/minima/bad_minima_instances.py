r"""The instances of `minima.bad_minima` (arXiv:2202.04777): two nonzero local minima that are not global, at all widths."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Identity, Integer, MatrixSymbol, Mul, Poly, Rational, Symbol, div

from theory.certificates import Step, prove
from theory.expressions import Square, inner, known, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.aligned import Aligned
from theory.theorems.minima.envelope import Envelope
from theory.theorems.minima.exact_points import point
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.potential import B, positive_on
from theory.theorems.minima.setting import Setting
from theory.theorems.minima.weighted_means import means_gap

NAME = "minima.bad_minima"
TAU = Symbol("tau")


# -- (i) one input: zero is the global minimum, and there is another ---------------------------------------------------------

DECAY_I, PLACE = Rational(128, 81), Rational(3, 4)


def instance_i(n: Network, place: Any = PLACE) -> tuple[Any, ...]:
    """kappa A = 1, g = 2, Gamma = 128/81, v = (2/3) tau^3 with tau >= place."""
    s = n.setting
    facts = (n.kappa * s.A - Identity(1), s.g - 2 * Identity(1), s.decay_product - DECAY_I)
    where = 3 * s.product - 2 * TAU**3 * Identity(1)
    return (*map(equal, facts), equal(where), at_least(TAU - place))


def above_zero() -> Claim:
    """L >= Y + 4/9 wherever v >= 9/32, at all hidden widths with noise."""
    n = Network(Setting((1, "d1", "d2", 1)))
    s = n.setting
    excess = s.loss - s.Y - Rational(4, 9)
    moment, data, decay, where = (c.expression for c in instance_i(n)[:4])
    statement = Statement(f"{NAME}.above_zero", (*n.variables, TAU), (*n.given, *instance_i(n)), (at_least(excess),))
    strong, gap = _strong(n), s.penalty - Rational(8, 3) * TAU**2
    # Gamma |v|^2 = (128/81)(4/9) tau^6 = (8/9)^3 tau^6
    third = Rational(1, 3)
    length = norm2(s.product) - Rational(4, 9) * TAU**6
    seen = third * inner(known(where).T, s.product.T) + Rational(2, 9) * TAU**3 * inner(Identity(1), known(where))
    energies = sum(known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True))
    eight = Rational(8, 3) * known(TAU) ** 2
    ladder = energies**2 + energies * eight + eight**2
    cube = known(strong) + 27 * norm2(s.product) * known(decay) + 27 * DECAY_I * known(length)
    tau = prove(">", TAU, known(TAU - PLACE) + PLACE)
    quartic = TAU**4 + 2 * TAU**3 + 3 * TAU**2 - 2 * TAU - 1
    near = _from_place(quartic)
    fit = inner(known(data), s.product.T)
    first = inner(known(moment), s.product.T * s.product)
    # kappa |v|_A^2 = |v|^2 + first, v . g = 2 v + fit, 3 v = 2 tau^3 + where
    rest = first - 2 * fit + known(length) - Rational(4, 3) * inner(Identity(1), known(where))
    by = known(n.path) + known(gap) + Rational(4, 9) * (TAU - 1) ** 2 * known(quartic) + rest
    steps = (
        *n.path_steps(),
        *n.norm_steps(),
        _strong_step(n),
        tau,
        prove("==", length, seen),
        prove(">=", gap, cube, times=ladder),
        prove(">", quartic, near),
        prove(">=", excess, by),
    )
    at = {"d1": 1, "d2": 1}
    values = {"W1": [[Rational(2, 3)]], "W2": [[1]], "W3": [[1]], "gamma1": DECAY_I, "gamma2": 1, "gamma3": 1, "tau": 1}
    values |= {"s1": 1, "s2": 1, "A": [[Rational(1, 4)]], "g": [[2]], "Y": 9}
    return Claim(statement, steps, point(n, values, at), at)


def _strong(n: Network) -> Expr:
    s, N = n.setting, n.setting.depth
    return s.penalty**N - N**N * s.decay_product * norm2(s.product)


def _strong_step(n: Network) -> Step:
    s, N = n.setting, n.setting.depth
    energies = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    return prove(">=", _strong(n), means_gap(energies) + N**N * Mul(*map(known, s.decay)) * known(n.norm))


def _from_place(p: Expr) -> Expr:
    """A polynomial in tau, expanded at tau = 3/4, where all its coefficients are positive."""
    x = Symbol("x")
    return sum((c * known(TAU - PLACE) ** k for (k,), c in Poly(p.subs(TAU, x + PLACE), x).terms()), Integer(0))


def value_above_zero() -> Claim:
    """alpha = 1, G = 4, b = 8/9, Gamma = 128/81, D = 2: L = Y + 4/9 at aligned points of any widths, and v = g/3."""
    p = Aligned(3)
    numbers = (p.alpha - 1, p.G - 4, B - Rational(8, 9), p.s.decay_product - DECAY_I)
    excess = p.loss - p.s.Y - Rational(4, 9)
    shrunk = 3 * p.C - 1
    given = (*p.given, *map(equal, numbers))
    statement = Statement(f"{NAME}.value_above_zero", p.variables, given, (equal(excess), equal(shrunk)))
    alpha, length, energy, decay = map(known, numbers)
    weight = p.alpha * B**2 + p.s.decay_product - Rational(64, 27)
    at_weight = alpha * B**2 + energy * (B + Rational(8, 9)) + decay
    goal = B * (2 * p.weight - p.G * B) - Rational(4, 9) * p.weight
    # at the numbers: (8/9)(2 (64/27) - 4 (8/9)) = (4/9)(64/27)
    zeros = (2 * B - Rational(4, 9)) * known(weight) - length * B**2
    zeros += energy * (Rational(128, 27) - 4 * (B + Rational(8, 9)))
    lead = Rational(64, 27)
    steps = (
        *p.steps(),
        prove("==", weight, at_weight),
        prove("==", goal, zeros),
        prove("==", excess, known(p.law) + known(goal), times=p.weight_known),
        prove("==", shrunk, (3 * known(p.shrinkage) - 3 * p.C * known(weight) + 3 * energy * (B + Rational(8, 9))), times=lead),
    )
    a = Rational(1) / Rational(3, 2) ** 2
    witness = p.point(b=Rational(8, 9), decay=DECAY_I, a=a)
    return Claim(statement, steps, witness, p.at)


# -- (ii) two eigenvalues: the nonzero minimum with the larger b is not global ----------------------------------------

LAMBDA_0 = Integer(2)
TILT, WIDE = Rational(7, 2), Integer(100)
LENGTH = 1 / (1 + LAMBDA_0) ** 2 + TILT**2 / (WIDE + LAMBDA_0) ** 2
DECAY_II, ENERGY = LAMBDA_0**3 * LENGTH**2, LAMBDA_0 * LENGTH
LEVEL = 2 * ENERGY - 1 / (1 + LAMBDA_0) - TILT**2 / (WIDE + LAMBDA_0)
LOW, HIGH = Rational(1, 8), Rational(3, 10)
LOWER = Rational(1, 21)


def level(b: Any) -> Any:
    """psi(b) at D = 2, kappa A = diag(1, 100), g = (1, 7/2), Gamma = F(2)."""
    return 2 * b - b**2 / (b**2 + DECAY_II) - TILT**2 * b**2 / (WIDE * b**2 + DECAY_II)


class Tilted:
    """The instance at all widths: orthonormal p, r with kappa A = p p^T + 100 r r^T and g = p + (7/2) r."""

    def __init__(self, *widths: Any) -> None:
        self.e = Envelope(Network(Setting(widths or ("d0", "d1", "d2", 1))))
        s = self.e.network.setting
        self.p, self.r = (MatrixSymbol(name, s.dim(0), 1) for name in "pr")
        p, r = self.p, self.r
        self.units = (norm2(p) - 1, norm2(r) - 1, inner(p, r))
        self.moment = self.e.network.kappa * s.A - p * p.T - WIDE * r * r.T
        self.data = s.g - p - TILT * r
        self.decay = s.decay_product - DECAY_II

    @property
    def variables(self) -> tuple[Any, ...]:
        return (*self.e.variables, self.p, self.r)

    @property
    def given(self) -> tuple[Any, ...]:
        return (*self.e.given, *map(equal, (*self.units, self.moment, self.data, self.decay)))

    def coordinate(self, which: int) -> tuple[Expr, Expr]:
        """(c b^2 + Gamma) x.z - (coordinate of g) for x = p, r, and how it is visibly zero."""
        x, y, b, z = (self.p, self.r)[which], (self.r, self.p)[which], self.e.b, self.e.z
        c, d, size, other = ((1, WIDE, 1, TILT), (WIDE, 1, TILT, 1))[which]
        unit, mixed = known(self.units[which]), known(self.units[2])
        term = (c * b**2 + DECAY_II) * inner(x, z) - size
        zeros = inner(x, known(self.e.equation)) - b**2 * inner(x, known(self.moment) * z) - known(self.decay) * inner(x, z)
        zeros += -(b**2) * (c * unit * inner(x, z) + d * mixed * inner(y, z)) + size * unit + other * mixed
        return term, zeros + inner(x, known(self.data))


def tilted(name: str, t: Tilted, interval: bool = True) -> Statement:
    """L >= Y + psi(b_0) wherever 1/8 <= b <= 3/10."""
    s, b = t.e.network.setting, t.e.b
    inside = (at_least(b - LOW), at_least(HIGH - b)) if interval else ()
    return Statement(f"{NAME}.{name}", t.variables, (*t.given, *inside), (at_least(s.loss - s.Y - LEVEL),))


def second_minimum() -> Claim:
    """At all widths with noise; the witness is the bad minimum itself."""
    t = Tilted()
    e, s, b = t.e, t.e.network.setting, t.e.b
    (first, first_by), (second, second_by) = t.coordinate(0), t.coordinate(1)
    one, two = b**2 + DECAY_II, WIDE * b**2 + DECAY_II
    numerator = (2 * b - LEVEL) * one * two - b**2 * two - TILT**2 * b**2 * one
    rest, remainder = div(Poly(numerator, b), Poly((b - ENERGY) ** 2, b))
    if not remainder.is_zero:
        raise ValueError("b_0 is not a stationary point of psi")
    cofactor = rest.as_expr()
    zeros = one * two * inner(known(t.data), e.z) + two * known(first) + TILT * one * known(second)
    by = one * two * known(e.value) + (b - ENERGY) ** 2 * known(cofactor) - b**2 * zeros
    steps = (
        *e.lemma_steps(),
        prove(">", b, known(b - LOW) + LOW),
        *e.positive_steps(),
        prove("==", first, first_by),
        prove("==", second, second_by),
        *positive_on(cofactor, b, LOW, HIGH),
        prove(">=", s.loss - s.Y - LEVEL, by, times=one * two),
    )
    at = {"d0": 2, "d1": 1, "d2": 1}
    return Claim(tilted("second_minimum", t), steps, point(e.network, tilted_point(ENERGY, 1), at), at)


def tilted_point(b: Any, noise: Any = 0) -> dict[str, Any]:
    """The aligned point of energy b at widths (2, 1, 1, 1): W_2 = W_3 = 1, gamma_2 = gamma_3 = b, W_1 = b^2 z^T."""
    z = [1 / (b**2 + DECAY_II), TILT / (WIDE * b**2 + DECAY_II)]
    kappa = Rational(1 + noise) ** 2
    values: dict[str, Any] = {"W1": [[b**2 * x for x in z]], "W2": [[1]], "W3": [[1]], "z": [[x] for x in z], "b": b}
    values |= {"gamma1": DECAY_II / b**2, "gamma2": b, "gamma3": b, "s1": noise, "s2": noise, "Y": 99}
    moments = {"A": [[1 / kappa, 0], [0, WIDE / kappa]], "g": [[1], [TILT]]}
    return {**values, **moments, "p": [[1], [0]], "r": [[0], [1]]}


def levels() -> Claim:
    """psi(1/21) < psi(b_0) < 0: the global minimum is elsewhere, and below Y."""
    facts = (-LEVEL, LEVEL - level(LOWER), ENERGY - LOW, HIGH - ENERGY)
    s = Statement(f"{NAME}.levels", (B,), (), tuple(map(greater, facts)))
    return Claim(s, tuple(prove(">", x, x) for x in facts))


