r"""The proofs of `minima.basins` about the level set {|v| < t_0, L - Y < (N - 2) |g| t_0} (arXiv:2202.04777)."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Mul, Rational, Trace, symbols

from theory.certificates import Step, prove, vanishes
from theory.expressions import Square, gradient, known, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.basins_claims import (
    BETA,
    NAME,
    WALL,
    Basin,
    H,
    M,
    R,
    U,
    basin,
    claim,
    euler,
    line,
    point,
    pull,
    said,
    size,
)
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.means import root_factor
from theory.theorems.minima.origin_claims import layers_point, norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.setting import Setting, chain


def barrier(depth: int) -> Claim:
    """|v| = t_0 implies L - Y >= (N - 2) |g| t_0: the flow cannot leave {|v| < t_0, L - Y < (N - 2) |g| t_0}."""
    b, n = basin(depth), depth
    s, edge, p = b.s, norm2(b.s.product) - WALL**2, n * H * WALL
    powers, gap = s.penalty**n - p**n, s.penalty - p
    by = b.powers + n**n * (s.decay_product * known(edge) + WALL**2 * known(b.radius))
    shown = known(schwarz_gap(s)) + WALL**2 * known(b.length) - norm_of_g(s) * known(edge)
    fit, steps = b.below(H * WALL, known(H) * known(WALL), shown)
    steps = [
        *b.mean_steps(),
        prove(">=", powers, by),
        prove(">=", gap, known(powers), times=root_factor(sum(b.energies), n * known(H) * known(WALL), n)),
        schwarz_step(s),
        *steps,
        prove(">=", height(s), b.moment + known(gap) + 2 * known(fit)),
    ]
    at = line(depth, 1, h=1, t=1)
    return claim(said(s, "barrier", (H, WALL), (*b.wall, equal(edge)), (at_least(height(s)),)), steps, *at)


def height(s: Setting, factor: int | None = None) -> Expr:
    """L - Y - (N - 2) h t."""
    return s.loss - s.Y - (s.depth - 2 if factor is None else factor) * H * WALL


def bounded(depth: int) -> Claim:
    """|v| < t and L - Y < (N - 2) |g| t imply R < N |g| t, for any t > 0."""
    b = basin(depth)
    s, inside = b.s, WALL**2 - norm2(b.s.product)
    shown = known(schwarz_gap(s)) + WALL**2 * known(b.length) + Square(s.g) * known(inside)
    fit, steps = b.below(H * WALL, known(H) * known(WALL), shown)
    rest = depth * H * WALL - s.penalty
    end = prove(">", rest, known(-height(s)) + b.moment + 2 * known(fit))
    given = (*without(b.wall, b.radius), greater(inside), greater(-height(s)))
    at = line(depth, Rational(1, 4), h=1, t=1)
    return claim(said(s, "bounded", (H, WALL), given, (greater(rest),)), [schwarz_step(s), *steps, end], *at)


def only_zero(depth: int) -> Claim:
    """A stationary point with |v| < t_0 is 0; u = |v|, and beta = v . g - E f^2 is the energy of every layer."""
    b = basin(depth)
    s, energy = b.s, _energy(b)
    grads = [gradient(s.loss, W) for W in s.layers]
    steps = [*b.norms, schwarz_step(s), *_energy_steps(b, grads, energy), *_zero_steps(b, energy)]
    at, widths = point(depth, h=1, t=1, u=0, beta=0, **{f"gamma{i}": 1 for i in range(1, depth + 1)})
    at |= layers_point(depth, widths, 0) | {c: at[c] for c in at if c.startswith("gamma")}
    return claim(only_zero_statement(b), steps, at, widths)


def only_zero_statement(b: Basin) -> Statement:
    s = b.s
    given = (*b.wall, at_least(U), equal(U**2 - norm2(s.product)), greater(WALL - U), equal(_energy(b)))
    stationary = (equal(gradient(s.loss, W)) for W in s.layers)
    return said(s, "only_zero", (H, WALL, U, BETA), (*given, *stationary), map(equal, s.layers))


def _energy(b: Basin) -> Expr:
    """beta - (v . g - E f^2), which vanishes."""
    return BETA - b.s.fit + b.s.second_moment


def _defects(s: Setting) -> list[Expr]:
    """gamma_i |W_i|^2 - beta."""
    return [c * norm2(W) - BETA for c, W in zip(s.decay, s.layers, strict=True)]


def _energy_steps(b: Basin, grads: Sequence[Expr], energy: Expr) -> list[Step]:
    """gamma_i |W_i|^2 = beta for every layer, so that Gamma prod |W_i|^2 = beta^N."""
    s, defects = b.s, _defects(b.s)
    scalings = [Rational(1, 2) * Trace(chain(W.T, known(G))) - known(energy) for W, G in zip(s.layers, grads, strict=True)]
    steps = [prove("==", x, by) for x, by in zip(defects, scalings, strict=True)]
    energies = [c * norm2(W) for c, W in zip(s.decay, s.layers, strict=True)]
    telescope = sum(BETA**i * known(x) * Mul(*energies[i + 1 :]) for i, x in enumerate(defects))
    return [*steps, prove(">=", BETA, b.energies[0] - known(defects[0])), prove("==", BETA**b.n - Mul(*energies), -telescope)]


def _zero_steps(b: Basin, energy: Expr) -> list[Step]:
    """Gamma |v|^2 <= beta^N <= (h |v|)^N = (|v|/t)^{N-2} Gamma |v|^2, so v = 0, beta <= 0 and every layer is 0."""
    s, n, u2 = b.s, b.n, norm2(b.s.product)
    shown = known(schwarz_gap(s)) + u2 * known(b.length) + H**2 * known(U**2 - u2)
    fit, first = b.below(H * U, known(H) * known(U), shown)
    less, powers, room = H * U - BETA, (H * U) ** n - BETA**n, WALL ** (n - 2) - U ** (n - 2)
    product = BETA**n - Mul(*(c * norm2(W) for c, W in zip(s.decay, s.layers, strict=True)))
    by = known(powers) + known(product) + Mul(*map(known, s.decay)) * known(b.norm) + u2 * known(b.radius)
    by -= H**n * WALL ** (n - 2) * known(U**2 - u2)
    smaller = prove(">", room, known(WALL - U) * root_factor(known(WALL), known(U), n - 2))
    ends = zip(s.layers, _defects(s), s.decay, strict=True)
    return [
        *first,
        prove(">=", less, known(fit) + b.moment - known(energy)),
        prove(">=", powers, known(less) * root_factor(known(H) * known(U), known(BETA), n)),
        smaller,
        vanishes(U, by, times=known(H) ** n * known(room)),
        prove(">=", -BETA, known(less) - H * known(U)),
        *(vanishes(W, known(-BETA) - known(x), times=known(c)) for W, x, c in ends),
    ]


def descent(depth: int) -> Claim:
    """R = N |g| t_0 r^2, r <= 1: <theta, grad L> >= 2 m (1 - r^{N-2}) rho and L - Y >= |g| t_0 (N r^2 - 2 r^N)."""
    b, n = basin(depth), depth
    s, even = b.s, _evened(b)
    reach, ht = WALL**2 * R ** (2 * n) - norm2(s.product), known(H) * known(WALL)
    by = b.powers - known(even) * root_factor(s.penalty, n * H * WALL * R**2, n) + n**n * norm2(s.product) * known(b.radius)
    wide = known(H) ** 2 * known(reach) + norm2(s.product) * known(b.length) + known(schwarz_gap(s))
    gap, steps = b.below(H * WALL * R**n, ht * known(R) ** n, wide)
    slope = known(1 - R) * sum((known(R) ** k for k in range(n - 2)), Integer(0))
    down, low = descending(s), rising(s)
    common = b.moment + known(gap)
    steps = [
        prove("==", euler(s), 0),
        *b.mean_steps(),
        prove(">=", reach, by, times=n**n * known(H) ** n * known(WALL) ** (n - 2)),
        schwarz_step(s),
        *steps,
        prove(">=", down, known(euler(s)) + 2 * n * common + 2 * R ** (n - 2) * known(even) + 2 * slope * b.spare()),
        prove(">=", low, b.moment + 2 * known(gap) + known(even)),
    ]
    return claim(descent_statement(b), steps, *line(depth, Rational(1, 2), h=1, t=1, r=Rational(1, 2), m=1))


def descent_statement(b: Basin) -> Statement:
    given = (*b.wall, *b.least, at_least(R), at_least(1 - R), equal(_evened(b)))
    return said(b.s, "descent", (H, WALL, R, M), given, (at_least(descending(b.s)), at_least(rising(b.s))))


def _evened(b: Basin) -> Expr:
    """R - N h t r^2, which vanishes."""
    return b.s.penalty - b.n * H * WALL * R**2


def descending(s: Setting, factor: int = 1) -> Expr:
    return pull(s) - factor * 2 * M * (1 - R ** (s.depth - 2)) * size(s)


def rising(s: Setting) -> Expr:
    return s.loss - s.Y - H * WALL * (s.depth * R**2 - 2 * R**s.depth)


def monotone(n: int) -> Claim:
    """N r^2 - 2 r^N increases on [0, 1]: a bound on the loss bounds r."""
    a, b = symbols("r u")
    x, y, room = known(a), known(b), [known(1 - a), known(1 - b)]

    def rest(i: int, j: int) -> Expr:
        """1 - r^i u^j."""
        return room[0] * sum((x**k for k in range(i)), Integer(0)) + x**i * room[1] * sum((y**k for k in range(j)), Integer(0))

    def pair(k: int) -> Expr:
        """r + u - r^k u^l - r^l u^k with k + l = N - 1."""
        j = n - 1 - k
        return x * rest(j - 1, 0) + y * rest(0, j - 1) if k == 0 else x * rest(k - 1, j) + y * rest(j, k - 1)

    pairs = sum((pair(min(k, n - 1 - k)) for k in range(n)), Integer(0))
    gap = n * (a**2 - b**2) - 2 * (a**n - b**n)
    given = (at_least(a - b), at_least(a), at_least(b), at_least(1 - a), at_least(1 - b))
    statement = Statement(f"{NAME}.monotone{n}", (a, b), given, (at_least(gap),))
    return Claim(statement, (prove(">=", gap, known(a - b) * pairs),), {"r": Rational(1, 2), "u": Rational(1, 3)})
