r"""One hidden layer: the threshold |g|^2 = gamma_1 gamma_2, the scalar equation, all minimisers, and how noise scales them.

Setting: f(x) = W_2 W_1 x with d_1 hidden neurons, noise of variance s; kappa = 1 + s / d_1, Gamma = gamma_1 gamma_2,
v = (W_2 W_1)^T.

Hypotheses: gamma_1, gamma_2 > 0, s >= 0, A positive semidefinite; consistent moments A p = g where uniqueness is claimed.

Conclusion:
\[ |g|^2 \le \Gamma \implies L \ge Y, \text{ with equality only at } 0; \qquad
   |g|^2 > \Gamma \implies L(\theta) < Y \text{ at } W_2 = t |g|^2 r^T,\ W_1 = t \gamma_2 r g^T \]
for any r != 0 and t = q / (q + K), q = |r|^2 gamma_2 |g|^2 (|g|^2
- Gamma), K = gamma_2^2 |g|^4 |g|_A^2 (|r|^4 + s sum r_j^4). With (kappa beta A + Gamma) z = g the left side of the scalar
equation \(\Gamma |z|^2 = 1\) strictly decreases in beta >= 0, so that beta is unique; at the root \(L^* - Y = \beta - \beta
g\cdot z = -\kappa \beta^2 |z|_A^2\). Minimisers: L = L^*, beta > 0 force \(\gamma_2 |W_2|^2 = \beta\), \(v = \beta z\),
\(|W_2|^2 W_1 = W_2^T v^T\), and for s > 0 \(d_1\, diag(W_2^T W_2) = |W_2|^2 I\). Noise law: \(v(s) = v(0)/\kappa\),
\(\beta(s) = \beta(0)/\kappa\), \(Y - L^*(s) = (Y - L^*(0))/\kappa\).

Form: If and only if; strict monotonicity; identity.

Scope of proof: All widths, with noise.

Why: gamma_1 (L - Y) = gamma_1 E f^2 + |gamma_1 W_1 - W_2^T g^T|^2 + (Gamma - |g|^2) |W_2|^2. With x = beta_1 z_1 - beta_2
z_2, (Gamma/2) (beta_2 - beta_1) (|z_1|^2 - |z_2|^2) = kappa |x|_A^2 + (Gamma/2) (beta_1 + beta_2) |z_1 - z_2|^2.

Sharpness: Above the threshold L < Y; without consistent moments (A = 0) neither 0 nor beta is unique; a negative
beta is a second root.

Source: arXiv:2202.04777 (the case of one hidden layer); monotonicity, converse and noise law are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, MatrixSymbol, Mul, Rational, Symbol, Trace

from theory import dag
from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, DiagonalPart, Square, inner, known, lower, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Draw, Instance, Theorem
from theory.theorems.minima.bounds import TwoLayers
from theory.theorems.minima.equality import Equality
from theory.theorems.minima.exact_points import point
from theory.theorems.minima.lemmas import Network, moved
from theory.theorems.minima.one_hidden_layer_limits import counterexamples, false_twins
from theory.theorems.minima.scalar_root import Roots, seminorm_step
from theory.theorems.minima.setting import Setting, widths_of

NAME = "minima.one_hidden_layer"
AT = {"d0": 2, "d1": 2}
POINT: dict[str, Any] = {"A": [["2/3", 0], [0, "4/3"]], "g": [["6/5"], ["12/5"]], "Y": 9, "gamma1": 1, "gamma2": 1, "s1": 1}
LAYERS: dict[str, Any] = {"W1": [[1, 2], [0, 1]], "W2": [[1, -1]]}


@dataclass(frozen=True)
class Threshold:
    """The loss in squares: gamma_1 (L - Y) = gamma_1 E f^2 + |x|^2 + (Gamma - |g|^2) |W_2|^2, x = gamma_1 W_1 - W_2^T g^T."""

    network: Network

    @property
    def s(self) -> Setting:
        return self.network.setting

    @cached_property
    def gap(self) -> Expr:
        """Gamma - |g|^2."""
        return self.s.decay_product - norm2(self.s.g)

    @cached_property
    def excess(self) -> Expr:
        return self.s.loss - self.s.Y

    @cached_property
    def x(self) -> Expr:
        W, U = self.s.layers
        return self.s.decay[0] * W - U.T * self.s.g.T

    @property
    def data(self) -> Expr:
        return known(self.s.decay[0]) * self.network.moment_known

    def bound_step(self) -> Step:
        by = self.data + Square(self.x) + known(self.gap) * Square(self.s.layers[1])
        return prove(">=", self.excess, by, times=known(self.s.decay[0]))

    def second_zero(self) -> Step:
        """W_2 = 0 from L = Y: at once below the threshold, and at the threshold by |g|_A > 0."""
        U = self.s.layers[1]
        zero = self.s.decay[0] * known(self.excess)
        below = [vanishes(U, self.data + Square(self.x) - zero, times=known(self.gap))]
        return split("==", U, on=self.gap, positive=below, otherwise=self._at_threshold())

    def _at_threshold(self) -> list[Step]:
        s, (W, U) = self.s, self.s.layers
        c, g, x = known(s.decay[0]), s.g, known(self.x)
        length = prove(">", norm2(g), Mul(*map(known, s.decay)) + known(-self.gap))
        noise = known(s.noise[0]) * Trace(Congruence(DiagonalPart(W * known(s.A) * W.T), U.T))
        rest = c * Square(self.x) + c * known(self.gap) * Square(U) - c**2 * known(self.excess) + c**2 * noise
        moved_ = U * x * s.A * (s.decay[0] * s.product).T + norm2(U) * g.T * s.A * x.T * U.T
        short = vanishes(norm2(U), rest + Trace(moved_), times=known(quadratic(s.A, g)))
        # gamma_1 P = |W_2|^2 g^T + W_2 x, and gamma_1^2 |P|_A^2 is at most gamma_1^2 E f^2
        return [length, seminorm_step(s.A, g, g), short, vanishes(U, -known(norm2(U)))]

    def first_zero(self) -> Step:
        (W, U), s = self.s.layers, self.s
        by = self.network.moment_known + known(s.decay[1]) * Square(U) - 2 * Trace(known(U) * W * s.g) - known(self.excess)
        return vanishes(W, by, times=known(s.decay[0]))


def _threshold() -> Threshold:
    return Threshold(Network(Setting(widths_of(2))))


def trivial() -> list[Claim]:
    """|g|^2 <= Gamma: L >= Y, and with consistent moments L = Y only at 0."""
    t = _threshold()
    s, p = t.s, MatrixSymbol("p", t.s.dim(0), 1)
    low = (*s.hypotheses, at_least(t.gap))
    bound = Statement(f"{NAME}.trivial", s.variables, low, (at_least(t.excess),))
    consistent = equal(s.A * p - s.g)
    only = Statement(
        f"{NAME}.trivial.unique", (*s.variables, p), (*low, consistent, equal(t.excess)), tuple(map(equal, s.layers))
    )
    middle = vanishes(t.x, t.data + known(t.gap) * Square(s.layers[1]) - s.decay[0] * known(t.excess))
    small = {**POINT, "A": [[1, 0], [0, 1]], "g": [["3/5"], ["4/5"]]}
    zero = {"W1": [[0, 0], [0, 0]], "W2": [[0, 0]], "p": [["3/5"], ["4/5"]]}
    return [
        Claim(bound, (t.bound_step(),), {**LAYERS, **small}, AT),
        Claim(only, (middle, t.second_zero(), t.first_zero()), {**small, **zero}, AT),
    ]


def gain() -> Claim:
    """|g|^2 > Gamma: an explicit point with L < Y, along any r != 0."""
    t = _threshold()
    s, (W, U), r, step = t.s, t.s.layers, MatrixSymbol("r", t.s.dim(1), 1), Symbol("t")
    G, over, A = norm2(s.g), -t.gap, s.A
    at = {U: step * G * r.T, W: step * s.decay[1] * r * s.g.T}
    q = norm2(r) * s.decay[1] * G * over
    spread = Trace(r.T * DiagonalPart(r * r.T) * r)
    K = s.decay[1] ** 2 * G**2 * quadratic(A, s.g) * (norm2(r) ** 2 + s.noise[0] * spread)
    cubic = known(s.noise[0]) * Trace(Congruence(DiagonalPart(Congruence(1, r.T)), r))
    size = known(s.decay[1]) ** 2 * known(G) ** 2 * Trace(Congruence(known(A), s.g)) * (Square(r) ** 2 + cubic)
    line = step * (q + K) - q
    room = q - step**2 * K
    cubes = known(q) * (known(q) ** 2 + known(q) * known(K) + known(K) ** 2)
    difference = moved(s.loss, at)[1]
    steps = (
        prove(">", G, known(over) + Mul(*map(known, s.decay))),
        prove(">", q, known(norm2(r)) * known(s.decay[1]) * known(G) * known(over)),
        prove(">=", K, size),
        prove(">", step, known(q) + known(line), times=known(q) + known(K)),
        prove(">", room, cubes - K * known(line) * (step * (q + K) + q), times=(known(q) + known(K)) ** 2),
        prove(">", s.Y - s.loss, dag.sub(lower(known(step) ** 2 * known(room)), difference)),
    )  # fmt: skip
    given = (*s.hypotheses, greater(over), greater(norm2(r)), *(equal(x, y) for x, y in at.items()), equal(line))
    statement = Statement(f"{NAME}.gain", (*s.variables, r, step), given, (greater(s.Y - s.loss),))
    # d_0 = d_1 = 1, A = 1, |g|^2 = 4, Gamma = 1, s = 0: q = 12, K = 64, t = 3/19
    values = {"A": [[1]], "g": [[2]], "Y": 4, "gamma1": 1, "gamma2": 1, "s1": 0, "r": [[1]], "t": "3/19"}
    return Claim(statement, steps, {**values, "W1": [["6/19"]], "W2": [["12/19"]]}, {"d0": 1, "d1": 1})


def scalar_equation() -> list[Claim]:
    """Strictly decreasing left side; one root; the value at the root; the noise law."""
    return [f(Roots()) for f in (_decreasing, _unique, _value, _noise_law)]


def _decreasing(r: Roots) -> Claim:
    given = (*r.given, at_least(r.first), greater(r.second - r.first), greater(quadratic(r.A, r.z2)))
    statement = Statement(f"{NAME}.decreasing", r.variables, given, (greater(norm2(r.z1) - norm2(r.z2)),))
    values = {"A": [[1]], "c": 1, "kappa": 1, "g": [[6]], "beta1": 1, "beta2": 2, "z1": [[3]], "z2": [[2]]}
    return Claim(statement, tuple(r.decreasing_steps()), values, {"d0": 1})


def _unique(r: Roots) -> Claim:
    given = (*r.given, *r.units, at_least(r.first), at_least(r.second), equal(r.consistent))
    statement = Statement(f"{NAME}.unique", (*r.variables, r.p), given, (equal(r.first - r.second), equal(r.z1 - r.z2)))
    values = {"A": [[1]], "c": 1, "kappa": 1, "g": [[3]], "beta1": 2, "beta2": 2, "z1": [[1]], "z2": [[1]], "p": [[3]]}
    return Claim(statement, tuple(r.unique_steps()), values, {"d0": 1})


def _value(r: Roots) -> Claim:
    """beta - beta g.z = -kappa beta^2 |z|_A^2."""
    term = r.first - r.first * inner(r.g, r.z1) + r.kappa * r.first**2 * quadratic(r.A, r.z1)
    by = -r.first * known(r.unit(r.z1)) + r.first * inner(r.z1, known(r.equation(r.first, r.z1)))
    statement = Statement(f"{NAME}.value", r.variables, (*r.given, *r.units), (equal(term),))
    values = {"A": [[1]], "c": 1, "kappa": 1, "g": [[3]], "beta1": 2, "beta2": 2, "z1": [[1]], "z2": [[1]]}
    return Claim(statement, (prove("==", term, by),), values, {"d0": 1})


def _noise_law(r: Roots) -> Claim:
    """kappa beta_1 solves the equation without noise: beta_2 = kappa beta_1 and v_2 = kappa v_1, and the gains likewise."""
    kappa = Symbol("kappa")
    quiet = Roots(kappa=1, first=kappa * r.first)
    predictor = quiet.second * quiet.z2 - quiet.first * quiet.z1
    gains = [b - b * inner(r.g, z) for b, z in ((quiet.second, r.z2), (r.first, r.z1))]
    law = gains[0] - kappa * gains[1]
    off, turn = known(quiet.first - quiet.second), known(quiet.z1 - quiet.z2)
    # the gain is (1 - g.z) beta, so that both differences are linear in those of beta and z
    steps = (
        prove(">=", quiet.first, known(kappa) * known(r.first)),
        *quiet.unique_steps(),
        prove("==", predictor, -off * r.z2 - quiet.first * turn),
        prove("==", law, -off * (1 - inner(r.g, r.z2)) + quiet.first * inner(r.g, turn)),
    )
    given = (*quiet.given, greater(kappa), *quiet.units, at_least(r.first), at_least(r.second), equal(quiet.consistent))
    statement = Statement(
        f"{NAME}.noise_law", (*r.variables, r.p), given, (equal(quiet.first - quiet.second), equal(predictor), equal(law))
    )
    values = {"A": [[1]], "c": 1, "kappa": 2, "g": [[3]], "beta1": 1, "beta2": 2, "z1": [[1]], "z2": [[1]], "p": [[3]]}
    return Claim(statement, steps, values, {"d0": 1})


@dataclass(frozen=True)
class Minimisers:
    """L = L^* with beta > 0, reduced to the equality of the envelope at b = beta."""

    network: Network

    @cached_property
    def t(self) -> TwoLayers:
        return TwoLayers(self.network)

    @cached_property
    def q(self) -> Equality:
        return Equality(self.network)

    @property
    def given(self) -> tuple[Condition, ...]:
        return (*self.t.given, greater(self.t.beta), equal(self.q.consistent), equal(self.t.value))

    def root_steps(self) -> list[Step]:
        """gamma_2 |W_2|^2 = beta."""
        t, e, s = self.t, self.q.e, self.network.setting
        A, z, gap = known(s.A), t.z, e.b - t.beta
        length = prove(">", norm2(z), 1 + known(t.unit), times=e.decay_known)
        gain = self.network.kappa_known * known(t.beta) * Trace(Congruence(A, z)) + e.decay_known * known(norm2(z))
        fit = prove(">", inner(z, s.g), gain - Trace(z.T * known(t.equation)))
        dead = self.network.kappa_known * known(quadratic(s.A, z))
        zero = e.excess_known() + t.beta * known(t.unit) - t.beta * Trace(z.T * known(t.equation)) - known(t.value)
        otherwise = [*e.trivial_steps(), vanishes(t.beta, zero, times=dead), prove("==", gap, known(e.b) - known(t.beta))]
        root = split("==", gap, on=e.b, positive=self._positive(), otherwise=otherwise)
        return [*e.lemma_steps(), length, fit, seminorm_step(s.A, z, s.g), root]

    def _positive(self) -> list[Step]:
        t, e, s, b = self.t, self.q.e, self.network.setting, known(self.q.e.b)
        A, off, gap = known(s.A), e.v - e.b * t.z, e.b - t.beta
        pieces = b * known(self.network.path) + e.decay_known * known(self.network.norm)
        zeros = (
            (t.beta - e.b) * e.b * known(t.unit)
            + e.b * Trace((2 * e.v - t.beta * t.z).T * known(t.equation))
            - b * known(t.value)
        )
        data = self.network.kappa_known * b * Trace(Congruence(A, e.v - t.beta * t.z))
        turned = Trace(known(off).T * s.A * (e.v - t.beta * t.z)) + gap * Trace(t.z.T * s.A * known(off))
        by = pieces + e.decay_known * Square(off) + zeros + self.network.kappa * b * turned
        first = vanishes(off, pieces + data + zeros, times=e.decay_known)
        return [first, vanishes(gap, by, times=self.network.kappa_known * b * known(quadratic(s.A, t.z)))]

    def reduction_steps(self) -> list[Step]:
        """What `Equality` assumes, at b = beta."""
        t, e, s = self.t, self.q.e, self.network.setting
        gap, g, z = known(e.b - t.beta), s.g, t.z
        equation = known(t.equation) + self.network.kappa * gap * s.A * z
        value = known(t.value) - gap * (1 - inner(g, z))
        gain = self.network.kappa_known * known(t.beta) * Trace(Congruence(known(s.A), z)) + 1 + known(t.unit)
        never = Trace(known(g).T * g) + gain - Trace(z.T * known(t.equation)) - Trace(z.T * known(g))
        otherwise = [vanishes(g, known(-norm2(g))), prove(">", norm2(g), never)]
        return [
            prove(">", e.b, known(t.beta) + gap),
            prove("==", e.equation, equation),
            prove("==", e.value, value),
            split(">", norm2(g), on=norm2(g), positive=[], otherwise=otherwise),
        ]


def minimisers(noise: bool) -> Claim:
    """All minimisers above the threshold; with noise also equal magnitudes."""
    m = Minimisers(Network(Setting(widths_of(2))))
    t, q = m.t, m.q
    given = (*m.given, *(map(greater, q.network.noise.values()) if noise else ()))
    predictor = q.e.v - t.beta * t.z
    then = [q.e.b - t.beta, predictor, q.network.alignment(1), *([q.magnitude(1)] if noise else [])]
    same = prove("==", predictor, known(q.e.remainder) + known(q.e.b - t.beta) * t.z)
    steps = (*m.root_steps(), *m.reduction_steps(), *q.steps(), same, *(q.magnitude_steps() if noise else ()))
    statement = Statement(
        f"{NAME}.minimisers.{'noisy' if noise else 'any'}", (*t.variables, q.p), given, tuple(map(equal, then))
    )
    # kappa A = diag(1, 2), Gamma = 1, beta = 1: W_2 = (1, -1), W_1 = r w^T with 2 w = z = (3/5, 4/5)
    layers = {"W1": [["3/10", "2/5"], ["-3/10", "-2/5"]], "W2": [[1, -1]], "gamma1": 2, "gamma2": "1/2"}
    values = {**POINT, **layers, "z": [["3/5"], ["4/5"]], "beta": 1, "p": [["9/5"], ["9/5"]]}
    return Claim(statement, steps, point(t.network, values, AT), AT)


def claims() -> list[Claim]:
    """The threshold, the scalar equation, the minimisers, the noise law."""
    return [*trivial(), gain(), *scalar_equation(), minimisers(False), minimisers(True)]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """L >= L^* at random parameters of a problem whose root is drawn: beta, z, A, gamma_2; then gamma_1 and g."""
    t = TwoLayers(Network(Setting(tuple(widths))))
    s, values = t.network.setting, t.network.setting.draw(draw)
    values |= {"A": draw.psd(int(widths[0])), "z": draw.matrix(int(widths[0]), 1), "beta": draw.nonnegative()}
    values["gamma1"] = draw.solve(s.decay[1] * norm2(t.z), Rational(1), values)
    values["g"] = draw.value(t.equation + s.g, values)
    name = f"{NAME}.widths_" + "_".join(map(str, widths))
    return Instance(Statement(name, t.variables, t.given, (at_least(t.value),)), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B6",
    title="One hidden layer: threshold, unique root, all minimisers, noise law",
    form="if and only if; monotonicity; identity",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=lambda: counterexamples(NAME),
    variants=lambda: [c.statement for c in false_twins(NAME)],
    sample=sample,
    certified_at=((2, 2, 1), (1, 3, 1), (3, 2, 1), (4, 3, 1)),
    supported_at=((8, 8, 1), (20, 30, 1)),
    note="At |g|^2 = gamma_1 gamma_2 the origin is the only minimiser; equal magnitudes need noise.",
)
