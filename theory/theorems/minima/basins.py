r"""Basins of the origin: from where gradient flow falls to zero for certain, and how fast.

Setting: N = D + 1 layers, scalar output, \(\dot\theta = -\nabla L\), \(\rho = |\theta|^2 = \sum_i |W_i|_F^2\), v = P^T,
    \(R = \sum_i \gamma_i |W_i|_F^2\), \(\Gamma = \prod_i \gamma_i\), G = |g|^2 > 0, m the least of the decays.
Hypotheses: gamma_i > 0, variances s_i >= 0, A positive semidefinite. Parts 1 and 2: N >= 3.
Conclusion: 1. Ball. With \(\rho_0 = N (m/|g|)^{2/(N-2)}\) and \(y = (\rho/\rho_0)^{(N-2)/2}\)
    \[ \dot\rho \le -4 m (1 - y)\, \rho, \]
    so that \(|\theta(0)|^2 < \rho_0\) implies \(\theta(t) \to 0\), \(\rho\) decreasing, and
    \[ \frac{y}{1-y}(t) \le \frac{y}{1-y}(0)\; e^{-2(N-2) m t}. \]
2. Level set. With \(t_0 = (\Gamma/|g|^N)^{1/(N-2)}\) the set {|v| < t_0, L - Y < (N-2)|g| t_0} is forward invariant and
    bounded, 0 is its only stationary point, and with \(r^2 = R/(N |g| t_0) < 1\) there
    \[ \dot\rho \le -4 m (1 - r^{N-2})\, \rho, \qquad L - Y \ge |g| t_0 (N r^2 - 2 r^N). \]
    As L does not increase, r stays below the root of \(N r^2 - 2 r^N = (L(0) - Y)/(|g| t_0)\) in [0, 1): an exponential rate.
3. N = 2, G < Gamma: every flow goes to 0, \(\dot\rho \le -2\mu\rho\) with the least eigenvalue mu > 0 of the Hessian at 0.
Form: Differential inequalities at every point; their integration is Grönwall's.
Scope of proof: All widths, any variances; parts 1 and 2 at N = 3, 4, 5 (the first inequality from N = 2 on).
Why: \(\langle\theta, \nabla L\rangle = 2N E f^2 - 2N v\cdot g + 2R\) by Euler, and |v . g| <= |g||v| is bounded by rho or R,
    through the norm lemma and the inequality of the means. On |v| = t_0 they give L - Y >= (N - 2)|g| t_0, and gradient flow
    cannot climb. (z e^{ct} does not increase where z' <= -c z; a bounded flow of a polynomial converges to a stationary point.)
Sharpness: One neuron a layer, decays and g 1, A = a <= 1/10: all weights 1 + 3a, just outside of the ball, grow. m must be the
    least decay, neither their mean nor the largest. Without |v| < t_0 the level set has other stationary points.
Source: own derivation, in the setting of arXiv:2202.04777, whose remark on initialisation is qualitative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Rational

from theory.expressions import norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima import basins_claims as near
from theory.theorems.minima import basins_level_set as level
from theory.theorems.minima.basins_claims import MU, NAME, SHARE, WALL, Basin, H, M, U
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.origin_claims import norm_of_g
from theory.theorems.minima.potential import picked
from theory.theorems.minima.setting import Setting

Row = tuple[str, Statement, dict[str, Any]]
HALF, QUARTER = Rational(1, 2), Rational(1, 4)


def claims() -> list[Claim]:
    deep = (near.ball, near.rate, level.barrier, level.bounded, level.only_zero, level.descent, level.monotone)
    found = [f(n) for f in deep for n in (3, 4, 5)]
    return [*map(near.inward, (2, 3, 4, 5)), *found, near.one_hidden_layer(), near.escape()]


THREE, TWO = Basin(Setting((1, 1, 1, 1))), Basin(Setting((1, 1, 1)))


def _state(b: Basin, name: str, more: Sequence[Any], given: Sequence[Any], *then: Any) -> Statement:
    return Statement(f"{NAME}.{name}", (*b.s.variables, *more), tuple(given), then)


def _refuted(rows: Sequence[Row]) -> list[Counterexample]:
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in rows]


def _flat(weights: Sequence[Any], decays: Sequence[Any] = (1, 1, 1), a: Any = 0, g: Any = 1, **more: Any) -> dict[str, Any]:
    """One neuron in every layer, without noise."""
    layers = {f"W{i}": [[w]] for i, w in enumerate(weights, 1)} | {f"gamma{i}": c for i, c in enumerate(decays, 1)}
    return {**layers, "A": [[a]], "g": [[g]], "Y": 100, "s1": 0, "s2": 0, "h": g, "t": 1, "m": 1, **more}


def _inward(name: str, given: Sequence[Any], then: Any = None) -> Statement:
    return _state(THREE, name, (M, SHARE), given, at_least(THREE.inward) if then is None else then)


def _ball(name: str, room: Any) -> Statement:
    """The ball in other words."""
    return _inward(name, (*THREE.in_ball, greater(near.size(THREE.s)), room), greater(near.pull(THREE.s)))


def _stationary(name: str, inside: Sequence[Any]) -> Statement:
    true = level.only_zero_statement(THREE)
    return Statement(f"{NAME}.{name}", true.variables, (*without(true.given, WALL - U), *inside), true.then)


def sharpness() -> list[Counterexample]:
    s, wall, v2 = THREE.s, THREE.wall, norm2(THREE.s.product)
    spare, root, room = 2 * TWO.s.decay[0] - MU, equal(near.spectrum(TWO.s)), TWO.s.decay_product - norm_of_g(TWO.s)
    least = _inward("one_decay_less", without(THREE.in_ball, s.decay[2] - M))
    no_order = _inward("without_order", without(THREE.in_ball, s.A))
    outside = _ball("outside", at_least(near.size(s)))
    no_wall = _state(THREE, "without_wall", (H, WALL), wall, at_least(level.height(s)))
    rest = 3 * H * WALL - s.penalty
    no_level = _state(THREE, "without_level", (H, WALL), (*wall, greater(WALL**2 - v2)), greater(rest))
    no_bound = _state(THREE, "without_bound", (H, WALL), (*wall, greater(-level.height(s))), greater(rest))
    large = _state(TWO, "large_signal", (MU,), (*TWO.s.hypotheses, greater(spare), root), greater(MU))
    other = _state(TWO, "other_root", (MU,), (*TWO.s.hypotheses, greater(room), root), at_least(_decay(1)))
    unequal = _flat((HALF,) * 3, (1, 1, Rational(1, 100)), y=HALF)
    return _refuted(
        [
            ("m <= gamma_i for all i", least, unequal),
            ("A >= 0", no_order, _flat((HALF,) * 3, a=-10, y=HALF)),
            ("|theta|^2 < rho_0", outside, _flat((2, 2, 2), a=Rational(1, 100), y=2)),
            ("|v| = t_0 on the barrier", no_wall, _flat((0, 0, 0))),
            ("L - Y < (N - 2) |g| t_0", no_level, _flat((10, 0, 0))),
            ("|v| < t_0", no_bound, _flat((Rational(3, 2),) * 3)),
            ("|v| < t_0 for stationary points", _stationary("everywhere", ()), _one(1, 1, 2)),
            ("G < Gamma", large, _flat((0, 0), g=2, mu=-2)),
            ("mu the least eigenvalue", other, _flat((1, 1), a=QUARTER, g=HALF, mu=3)),
        ]
    )


def _decay(factor: int) -> Expr:
    """<theta, grad L> - factor mu rho with one hidden layer."""
    return near.pull(TWO.s) - factor * MU * near.size(TWO.s)


def _one(tau: Any, a: Any, g: Any) -> dict[str, Any]:
    """All weights tau, decays 1, where a tau^4 - g tau + 1 = 0: stationary; t_0 = 1/g^3."""
    return _flat((tau,) * 3, a=a, g=g, t=Rational(1, g**3), u=tau**3, beta=tau**2)


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    return _refuted([*_false_balls(), *_false_level_sets(), *_false_rates()])


def _false_balls() -> list[Row]:
    s, in_ball = THREE.s, THREE.in_ball
    rho, G = near.size(s), norm_of_g(s)
    decays = [at_least(c - M) for c in s.decay]
    rest = tuple(c for c in in_ball if c not in decays)
    largest = _inward("false_largest", (*rest, *(at_least(M - c) for c in s.decay)))
    mean = _inward("false_mean", (*rest, equal(sum(s.decay) - 3 * M)))
    sixth, five = Rational(1, 6), Rational(5, 4)
    twice = _inward("false_factor", in_ball, at_least(near.pull(s) - 4 * M * (1 - SHARE) * rho))
    return [
        ("twice the inequality", twice, _flat((HALF,) * 3, y=HALF)),
        ("twice rho_0", _ball("false_radius", greater(6 * M**2 - G * rho)), _flat((five,) * 3, a=Rational(1, 100), y=five)),
        ("<= for <", _ball("false_closed", at_least(near.room(s))), _flat((1, 1, 1), y=1)),
        ("the largest decay", largest, _flat((HALF,) * 3, (1, 1, Rational(1, 100)), y=HALF)),
        ("the mean of the decays", mean, _flat((sixth, 5 * sixth, sixth), (2, HALF, HALF), y=HALF)),
    ]


def _false_level_sets() -> list[Row]:
    s, wall, v2 = THREE.s, THREE.wall, norm2(THREE.s.product)
    given = (*wall, equal(v2 - WALL**2))
    higher = _state(THREE, "false_height", (H, WALL), given, at_least(level.height(s, 2)))
    squared = equal(s.decay_product - H**3 * WALL**2)
    power = _state(THREE, "false_power", (H, WALL), (*without(given, THREE.radius), squared), at_least(level.height(s)))
    inside = (*wall, greater(WALL**2 - v2), greater(-level.height(s)))
    smaller = _state(THREE, "false_bound", (H, WALL), inside, greater(2 * H * WALL - s.penalty))
    wider, tau = _stationary("false_wall", (greater(3 * WALL - 2 * U),)), Rational(11, 10)
    skew = _flat((Rational(2, 5), Rational(2, 5), Rational(25, 16)), (1, 1, Rational(1, 16)), t=QUARTER)
    return [
        ("a higher barrier", higher, _flat((1, 1, 1))),
        ("t_0 squared", power, skew),
        ("N - 1 for N", smaller, _flat((Rational(9, 10),) * 3)),
        ("3/2 t_0", wider, _one(tau, (tau - 1) / tau**4, 1)),
    ]


def _false_rates() -> list[Row]:
    s, true = THREE.s, near.rate_statement(THREE)
    faster = Statement(f"{NAME}.false_rate", true.variables, true.given, (at_least(near.decline(s, 2)),))
    down = level.descent_statement(THREE)
    steeper = Statement(f"{NAME}.false_descent", down.variables, down.given, (at_least(level.descending(s, 2)),))
    spare, root, room = 2 * TWO.s.decay[0] - MU, equal(near.spectrum(TWO.s)), TWO.s.decay_product - norm_of_g(TWO.s)
    given = (*TWO.s.hypotheses, greater(room), greater(spare), root)
    twice = _state(TWO, "false_eigenvalue", (MU,), given, at_least(_decay(2)))
    return [
        ("twice the rate", faster, near.moving_point(3)[0]),
        ("twice the descent", steeper, _flat((HALF,) * 3, r=HALF)),
        ("twice the eigenvalue", twice, _flat((1, 1), a=QUARTER, g=HALF, mu=1)),
    ]


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The ball without roots: Euler's identity, N^N (v . g)^2 <= G rho^N, <theta, grad L> >= 2 m rho - 2 N v . g."""
    s = Setting(tuple(widths))
    n, rho, values = s.depth, near.size(s), s.draw(draw) | {"m": draw.positive()}
    values |= {c.name: draw.value(M + c, values) for c in s.decay}
    fit = norm_of_g(s) * rho**n - n**n * s.fit**2
    then = (equal(near.euler(s)), at_least(fit), at_least(near.pull(s) - 2 * M * rho + 2 * n * s.fit))
    least = (at_least(c - M) for c in s.decay)
    return Instance(Statement(f"{NAME}.sampled{n}", (*s.variables, M), (*s.hypotheses, *least), then), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B18",
    title="Basins of the origin: a ball, a level set, one hidden layer",
    form="differential inequalities at every point; their integration is Grönwall's",
    source="own derivation, in the setting of arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (3, 2, 2, 1)),
    supported_at=((16, 16, 1), (16, 12, 12, 1), (8, 8, 8, 8, 1)),
    note=(
        "That initialisations fall to zero is proved inside the ball and the level set only, and usual ones lie outside: their "
        "|theta|^2 is about the sum of the widths. The claim `escape` has starts at 1 + 3a times the radius of the ball, a > 0 "
        "as small as one likes, that never fall to zero."
    ),
)
