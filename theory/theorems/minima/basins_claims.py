r"""The proofs of `minima.basins` (arXiv:2202.04777) about the ball |theta|^2 < rho_0, and with one hidden layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from sympy import Expr, Identity, Integer, Mul, Rational, Trace, symbols

from theory import dag
from theory.certificates import Step, prove, split
from theory.expressions import Square, gradient, known, lower, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.lemmas import Network, moved
from theory.theorems.minima.means import root_factor
from theory.theorems.minima.origin_claims import layers_point, norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.setting import Setting, chain, widths_of
from theory.theorems.minima.weighted_means import means_gap

NAME = "minima.basins"
M, SHARE, SPEED, ODDS, ODDS_SPEED = symbols("m y y1 z z1")
H, WALL, R, U, BETA, MU, TAU, CURVATURE = symbols("h t r u beta mu tau a")


def size(s: Setting) -> Expr:
    """rho = |theta|^2."""
    return sum(map(norm2, s.layers))


def pull(s: Setting) -> Expr:
    """<theta, grad L> = -rho'/2 along the flow."""
    return sum(Trace(chain(W.T, gradient(s.loss, W))) for W in s.layers)


def euler(s: Setting) -> Expr:
    """<theta, grad L> less 2N E f^2 - 2N v . g + 2R, which vanishes."""
    return pull(s) - 2 * s.depth * s.second_moment + 2 * s.depth * s.fit - 2 * s.penalty


@dataclass(frozen=True)
class Basin:
    """The steps that the claims about a network share."""

    s: Setting

    @property
    def n(self) -> int:
        return self.s.depth

    @cached_property
    def net(self) -> Network:
        return Network(self.s)

    @cached_property
    def moment(self) -> Expr:
        """E f^2, visibly nonnegative."""
        return self.net.moment_known

    @cached_property
    def norms(self) -> tuple[Step, ...]:
        """The norm lemma: `norm` >= 0."""
        return tuple(self.net.norm_steps())

    @cached_property
    def norm(self) -> Expr:
        """prod |W_i|^2 - |v|^2."""
        return self.net.norm

    @cached_property
    def visible_size(self) -> Expr:
        return sum(map(Square, self.s.layers))

    @property
    def least(self) -> tuple[Condition, ...]:
        """0 < m <= gamma_i."""
        return (greater(M), *(at_least(c - M) for c in self.s.decay))

    def spare(self) -> Expr:
        """R - m rho, visibly nonnegative."""
        return sum(known(c - M) * Square(W) for c, W in zip(self.s.decay, self.s.layers, strict=True))

    def below(self, bound: Any, visible: Any, wide: Any, times: Any = None) -> tuple[Expr, list[Step]]:
        """bound >= f (a multiple of v . g) from bound^2 >= f^2, shown by `wide`, and bound >= 0, which is visible."""
        f = self.n * self.s.fit if bound.has(SHARE) else self.s.fit
        square, up, gap = bound**2 - f**2, bound + f, bound - f
        positive = [prove(">=", gap, known(square), times=known(up))]
        cases = split(">=", gap, on=up, positive=positive, otherwise=[prove(">=", gap, 2 * visible + known(-up))])
        return gap, [prove(">=", square, wide, times=times), cases]

    # -- the ball ---------------------------------------------------------------------------------------------------------

    @cached_property
    def share(self) -> Expr:
        """N^{N-2} m^2 y^2 - G rho^{N-2}, which vanishes: y = (rho / rho_0)^{(N-2)/2}."""
        return self.n ** (self.n - 2) * M**2 * SHARE**2 - norm_of_g(self.s) * size(self.s) ** (self.n - 2)

    @cached_property
    def inward(self) -> Expr:
        """<theta, grad L> - 2 m (1 - y) rho."""
        return pull(self.s) - 2 * M * (1 - SHARE) * size(self.s)

    @property
    def in_ball(self) -> tuple[Condition, ...]:
        return (*self.s.hypotheses, *self.least, at_least(SHARE), equal(self.share))

    @cached_property
    def inward_steps(self) -> tuple[Step, ...]:
        """N v . g <= m y rho, by the norm lemma and the inequality of the means for the |W_i|^2."""
        s, n, rho = self.s, self.n, size(self.s)
        mean = rho**n - n**n * Mul(*map(norm2, s.layers))
        wide = rho**2 * known(self.share) + Square(s.g) * (known(mean) + n**n * known(self.norm))
        wide += n**n * known(schwarz_gap(s))
        visible = known(M) * known(SHARE) * self.visible_size
        gap, steps = self.below(M * SHARE * rho, visible, wide, n ** (n - 2))
        total = known(euler(s)) + 2 * n * self.moment + 2 * known(gap) + 2 * self.spare()
        start = [prove("==", euler(s), 0), *self.norms, prove(">=", mean, means_gap(list(map(Square, s.layers))))]
        return (*start, schwarz_step(s), *steps, prove(">=", self.inward, total))

    # -- the level set ----------------------------------------------------------------------------------------------------

    @cached_property
    def length(self) -> Expr:
        """h^2 - G, which vanishes: h = |g|."""
        return H**2 - norm_of_g(self.s)

    @cached_property
    def radius(self) -> Expr:
        """Gamma - h^N t^{N-2}, which vanishes: t = t_0."""
        return self.s.decay_product - H**self.n * WALL ** (self.n - 2)

    @property
    def wall(self) -> tuple[Condition, ...]:
        return (*self.s.hypotheses, greater(H), equal(self.length), greater(WALL), equal(self.radius))

    @cached_property
    def mean(self) -> Expr:
        """R^N - N^N Gamma prod |W_i|^2 >= 0."""
        return self.s.penalty**self.n - self.n**self.n * Mul(self.s.decay_product, *map(norm2, self.s.layers))

    @cached_property
    def powers(self) -> Expr:
        """R^N - N^N Gamma |v|^2 >= 0, with its sign."""
        return known(self.mean) + self.n**self.n * Mul(*map(known, self.s.decay)) * known(self.norm)

    @cached_property
    def energies(self) -> list[Expr]:
        return [known(c) * Square(W) for c, W in zip(self.s.decay, self.s.layers, strict=True)]

    def mean_steps(self) -> list[Step]:
        return [*self.norms, prove(">=", self.mean, means_gap(self.energies))]


@cache
def basin(depth: int) -> Basin:
    """Of a network of symbolic widths."""
    return Basin(Setting(widths_of(depth)))


def said(s: Setting, name: str, more: Sequence[Any], given: Iterable[Any], then: Iterable[Any]) -> Statement:
    return Statement(f"{NAME}.{name}{s.depth}", (*s.variables, *more), tuple(given), tuple(then))


def claim(statement: Statement, steps: Iterable[Step], at: Mapping[str, Any], widths: Sequence[int]) -> Claim:
    return Claim(statement, tuple(steps), at, {f"d{i}": d for i, d in enumerate(widths[:-1])})


def point(depth: int, **more: Any) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Layers of two and one neurons, of small entries; decays 1, 2, ..."""
    widths = (2, 2, *[1] * (depth - 1))
    return {**layers_point(depth, widths, Rational(1, 10)), **more}, widths


def line(depth: int, size: Any, **more: Any) -> tuple[dict[str, Any], tuple[int, ...]]:
    """One neuron in every layer, all weights and decays equal."""
    widths = (1,) * (depth + 1)
    layers = {f"W{i}": [[size]] for i in range(1, depth + 1)} | {f"gamma{i}": 1 for i in range(1, depth + 1)}
    return {**layers, "A": [[1]], "g": [[1]], "Y": 1, **{f"s{i}": i for i in range(1, depth)}, **more}, widths


# -- claims ---------------------------------------------------------------------------------------------------------------


def inward(depth: int) -> Claim:
    """<theta, grad L> >= 2 m (1 - y) rho."""
    b = basin(depth)
    at = line(depth, Rational(1, 2), m=1, y=Rational(1, 2 ** (depth - 2)))
    return claim(said(b.s, "inward", (M, SHARE), b.in_ball, (at_least(b.inward),)), b.inward_steps, *at)


def room(s: Setting) -> Expr:
    """N^{N-2} m^2 - G rho^{N-2}: positive inside the ball |theta|^2 < rho_0."""
    return s.depth ** (s.depth - 2) * M**2 - norm_of_g(s) * size(s) ** (s.depth - 2)


def ball(depth: int) -> Claim:
    """|theta|^2 < rho_0: y < 1, and |theta|^2 decreases strictly."""
    b = basin(depth)
    given = (*b.in_ball, greater(size(b.s)), greater(room(b.s)))
    weight = depth ** (depth - 2) * known(M) ** 2 * (1 + known(SHARE))
    less = prove(">", 1 - SHARE, known(room(b.s)) - known(b.share), times=weight)
    down = prove(">", pull(b.s), known(b.inward) + 2 * known(M) * known(1 - SHARE) * known(size(b.s)))
    at = line(depth, Rational(1, 2), m=1, y=Rational(1, 2 ** (depth - 2)))
    then = (greater(1 - SHARE), greater(pull(b.s)))
    return claim(said(b.s, "ball", (M, SHARE), given, then), [*b.inward_steps, less, down], *at)


def rate(depth: int) -> Claim:
    """z = y / (1 - y) has z' <= -2 (N - 2) m z along the flow: z e^{2 (N - 2) m t} does not increase."""
    b, n = basin(depth), depth
    s, rho, flow, (moving, odds, turning) = b.s, size(b.s), -2 * pull(b.s), _derivatives(b)
    linear, slow = 2 * SPEED * rho - (n - 2) * SHARE * flow, -SPEED - 2 * (n - 2) * M * SHARE * (1 - SHARE)
    weight = n ** (n - 2) * known(M) ** 2 * known(SHARE)
    last = known(slow) - known(turning) - 2 * (n - 2) * M * (1 - SHARE) * known(odds)
    steps = [
        *b.inward_steps,
        prove("==", linear, rho * known(moving) - (n - 2) * flow * known(b.share), times=weight),
        prove(">=", slow, -known(linear) + 2 * (n - 2) * known(SHARE) * known(b.inward), times=2 * known(rho)),
        prove(">=", decline(s), last, times=known(1 - SHARE) ** 2),
    ]
    return claim(rate_statement(b), steps, *moving_point(depth))


def _derivatives(b: Basin) -> tuple[Expr, Expr, Expr]:
    """What vanishes for y' along the flow, for z = y / (1 - y) and for z'."""
    n, rho = b.n, size(b.s)
    moving = 2 * n ** (n - 2) * M**2 * SHARE * SPEED + 2 * (n - 2) * norm_of_g(b.s) * rho ** (n - 3) * pull(b.s)
    return moving, ODDS * (1 - SHARE) - SHARE, ODDS_SPEED * (1 - SHARE) ** 2 - SPEED


def rate_statement(b: Basin) -> Statement:
    given = (*b.in_ball, greater(size(b.s)), greater(SHARE), greater(1 - SHARE), *map(equal, _derivatives(b)))
    return said(b.s, "rate", (M, SHARE, SPEED, ODDS, ODDS_SPEED), given, (at_least(decline(b.s)),))


def decline(s: Setting, factor: int = 1) -> Expr:
    """-z' - 2 (N - 2) m z."""
    return -ODDS_SPEED - factor * 2 * (s.depth - 2) * M * ODDS


def moving_point(depth: int) -> tuple[dict[str, Any], tuple[int, ...]]:
    """All weights x = 1/2, decays 1, g = A = 1 and no noise: y = x^{N-2}, y' = (N - 2) x^{N-3} x' with x' = -dL/dW_i."""
    x, n = Rational(1, 2), depth
    speed = -(n - 2) * x ** (n - 3) * 2 * (x ** (2 * n - 1) - x ** (n - 1) + x)
    y = x ** (n - 2)
    silent = {f"s{i}": 0 for i in range(1, depth)}
    return line(depth, x, m=1, y=y, y1=speed, z=y / (1 - y), z1=speed / (1 - y) ** 2, **silent)


def spectrum(s: Setting) -> Expr:
    """mu^2 - 2 (gamma_1 + gamma_2) mu + 4 (Gamma - G), which vanishes."""
    return MU**2 - 2 * sum(s.decay) * MU + 4 * (s.decay_product - norm_of_g(s))


def one_hidden_layer() -> Claim:
    """N = 2, G < Gamma: <theta, grad L> >= mu rho with the least eigenvalue mu > 0 of the Hessian at 0."""
    b = basin(2)
    s, (c, d), (V, W) = b.s, b.s.decay, b.s.layers
    root, room, spare = spectrum(s), s.decay_product - norm_of_g(s), 2 * c - MU
    down = pull(s) - MU * size(s)
    by = spare * known(euler(s)) + 4 * known(spare) * b.moment + Square(spare * V - 2 * W.T * s.g.T)
    steps = [
        prove("==", euler(s), 0),
        prove(">=", down, by + known(root) * norm2(W), times=known(spare)),
        prove(">", MU, 4 * known(room) - known(root), times=known(spare) + 2 * known(d)),
    ]
    given = (*s.hypotheses, greater(room), greater(spare), equal(root))
    at, widths = point(2, gamma1=1, gamma2=1, g=[[Rational(1, 2)], [0]], mu=1)
    return claim(said(s, "one_hidden_layer", (MU,), given, (at_least(down), greater(MU))), steps, at, widths)


def escape() -> Claim:
    """The constant of the ball is sharp: N = 3, one neuron a layer, decays and g 1, A = a <= 1/10, all weights tau = 1 + 3 a.

    The weights stay equal along the flow and grow where dL/dW_i < 0: here, at |theta|^2 = 3 (1 + 3 a)^2, outside of 3 = rho_0.
    """
    s, one = Setting((1, 1, 1, 1), noisy=False), Identity(1)
    values = {**dict.fromkeys(s.layers, TAU * one), s.A: CURVATURE * one, s.g: one, **dict.fromkeys(s.decay, Integer(1))}
    grads = [gradient(s.loss, W)[0, 0] for W in s.layers]
    start, low, high = TAU - 1 - 3 * CURVATURE, Rational(13, 10) - TAU, 3 - TAU**4
    grown = 2 * known(TAU) * known(CURVATURE) * known(high) + 2 * TAU * known(start)
    steps = [
        prove(">", TAU, 1 + 3 * known(CURVATURE) + known(start)),
        prove(">=", low, Rational(3, 10) * known(1 - 10 * CURVATURE) - known(start)),
        prove(">", high, 3 - Rational(13, 10) ** 4 + known(low) * root_factor(Rational(13, 10), known(TAU), 4)),
        *(prove(">", -G, dag.add(lower(grown), moved(-G, values)[1])) for G in grads),
    ]
    given = (*(equal(x - y) for x, y in values.items()), equal(start), greater(CURVATURE), at_least(1 - 10 * CURVATURE))
    given = (*given, at_least(CURVATURE * s.Y - 1))
    at = line(3, Rational(13, 10), A=[["1/10"]], Y=10, tau=Rational(13, 10), a=Rational(1, 10))[0]
    statement = Statement(f"{NAME}.escape", (*s.variables, TAU, CURVATURE), given, tuple(greater(-G) for G in grads))
    return Claim(statement, tuple(steps), {str(v.name): at[v.name] for v in statement.variables})
