r"""The proofs of `minima.closed_form` (arXiv:2202.04777): the reduction, the minimum of psi, the loss at D = 1."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Identity, Integer, Poly, Rational, Symbol, Trace, binomial, symbols

from theory.certificates import Step, prove
from theory.expressions import Square, inner, known, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.exact_points import point
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, Potential, picked
from theory.theorems.minima.radicals import radical_claims
from theory.theorems.minima.setting import Setting, widths_of

NAME = "minima.closed_form"
HIDDEN = (1, 2, 3, 4, 5)
ALPHA, G, C, R, S = symbols("alpha G c r S")
BETA, P, Q = symbols("beta p q")
A_SCALAR = Symbol("a")
SIGNS = (greater(ALPHA), greater(GAMMA))


def equation(hidden: int, r: Any = R) -> Expr:
    """f(r) = alpha r^{2D} - c r^{D-1} + Gamma."""
    return ALPHA * r ** (2 * hidden) - C * r ** (hidden - 1) + GAMMA


# -- from the scalar equation to f --------------------------------------------------------------------------------------


def isotropic() -> Claim:
    """A = a I: (alpha + lambda)^2 S = G and (alpha + lambda) T = G, at all widths."""
    p = Potential(1)
    m, off = KAPPA * A_SCALAR + LAMBDA, p.A - A_SCALAR * Identity(p.dim)
    parallel = m * p.z - p.g
    then = (equal(m**2 * p.S - p.G), equal(m * p.T - p.G))
    s = Statement(f"{NAME}.isotropic", (p.A, p.g, p.z, KAPPA, LAMBDA, A_SCALAR), (equal(p.resolvent), equal(off)), then)
    steps = (
        prove("==", parallel, known(p.resolvent) - KAPPA * known(off) * p.z),
        prove("==", m**2 * p.S - p.G, inner(m * p.z + p.g, known(parallel))),
        prove("==", m * p.T - p.G, inner(p.g, known(parallel))),
    )
    witness = {"A": [[2, 0], [0, 2]], "g": [[3], [6]], "z": [[1], [2]], "kappa": 1, "lambda": 1, "a": 2}
    return Claim(s, steps, witness, {"d0": 2})


def reduction_given(n: int) -> tuple[Any, ...]:
    """c^2 = G Gamma, lambda b^D = Gamma, S (alpha + lambda)^2 = G, with b = r^2."""
    facts = (C**2 - G * GAMMA, LAMBDA * R ** (2 * n) - GAMMA, S * (ALPHA + LAMBDA) ** 2 - G)
    return (*SIGNS, greater(C), greater(R), greater(LAMBDA), at_least(S), *map(equal, facts))


def _squares(n: int) -> tuple[Expr, Expr]:
    """c r^{D-1} - X, and the zeros of (alpha + lambda)^2 r^{4D} (lambda S - r^2) = r^2 (c^2 r^{2D-2} - X^2) + zeros."""
    power = R ** (2 * n)
    zeros = power**2 * LAMBDA * known(S * (ALPHA + LAMBDA) ** 2 - G) + G * power * known(LAMBDA * power - GAMMA)
    return C * R ** (n - 1) - (ALPHA + LAMBDA) * power, zeros - power * known(C**2 - G * GAMMA)


def reduction(n: int) -> Claim:
    """f(r) = 0 implies lambda S = b and F = Gamma."""
    root, tie = equation(n), LAMBDA * R ** (2 * n) - GAMMA
    level = LAMBDA ** (n + 1) * S**n - GAMMA
    zeros = _squares(n)[1]
    plus = C * R ** (n - 1) + (ALPHA + LAMBDA) * R ** (2 * n)
    by = zeros - R**2 * plus * (known(root) + known(tie))
    powers = sum(((LAMBDA * S) ** j * R ** (2 * (n - 1 - j)) for j in range(n)), Integer(0))
    steps = (
        prove("==", LAMBDA * S - R**2, by, times=(known(ALPHA) + known(LAMBDA)) ** 2 * known(R) ** (4 * n)),
        prove("==", level, LAMBDA * powers * known(LAMBDA * S - R**2) + known(tie)),
    )
    variables = (ALPHA, GAMMA, G, C, R, LAMBDA, S)
    s = Statement(
        f"{NAME}.reduction{n}", variables, (*reduction_given(n), equal(root)), (equal(LAMBDA * S - R**2), equal(level))
    )
    return Claim(s, steps, picked(s, unit_point(n)))


def unit_point(n: int) -> dict[str, Any]:
    """alpha = Gamma = r = 1: c = 2, G = 4, lambda = S = 1."""
    point = {"alpha": 1, "Gamma": 1, "r": 1, "b": 1, "c": 2, "G": 4, "lambda": 1, "S": 1}
    return {**point, "p": n - 2, "q": n * 2 - Rational(2**n * 4, 2**n + 1), "beta": 2, "x": 2}


def converse(n: int) -> Claim:
    """F = Gamma implies f(r) = 0."""
    root, tie = equation(n), LAMBDA * R ** (2 * n) - GAMMA
    level, x = LAMBDA ** (n + 1) * S**n - GAMMA, LAMBDA * S - R**2
    gap, zeros = _squares(n)
    powers = sum(((known(LAMBDA) * known(S)) ** j * known(R) ** (2 * (n - 1 - j)) for j in range(n)), Integer(0))
    plus = known(C) * known(R) ** (n - 1) + (known(ALPHA) + known(LAMBDA)) * known(R) ** (2 * n)
    steps = (
        prove("==", x, known(level) - known(tie), times=known(LAMBDA) * powers),
        prove("==", gap, (ALPHA + LAMBDA) ** 2 * R ** (4 * n) * known(x) - zeros, times=known(R) ** 2 * plus),
        prove("==", root, -known(gap) - known(tie)),
    )
    variables = (ALPHA, GAMMA, G, C, R, LAMBDA, S)
    s = Statement(f"{NAME}.converse{n}", variables, (*reduction_given(n), equal(level)), (equal(root),))
    return Claim(s, steps, picked(s, unit_point(n)))


# -- the largest root, and the minimum of psi ---------------------------------------------------------------------------


def largest(n: int) -> Claim:
    """f(r) = 0 and f'(r) >= 0 imply f(x) > 0 for x > r: Taylor's coefficients of f at r are nonnegative."""
    x, root, slope = Symbol("x"), equation(n), _steepness(n)
    given = (*SIGNS, greater(C), greater(R), greater(x - R), equal(root), at_least(slope))
    s = Statement(f"{NAME}.largest{n}", (ALPHA, GAMMA, C, R, x), given, (greater(equation(n, x)),))
    by = known(root) + sum((known(x - R) ** k * _taylor(n, k) for k in range(1, 2 * n + 1)), Integer(0))
    point = {**unit_point(n), "alpha": 2, "c": 3, "x": 2}
    return Claim(s, (prove(">", equation(n, x), by),), picked(s, point))


def _steepness(n: int) -> Expr:
    """f'(r) r^{2-D} = 2 D alpha r^{D+1} - (D - 1) c."""
    return 2 * n * ALPHA * R ** (n + 1) - (n - 1) * C


def _taylor(n: int, k: int) -> Expr:
    """f^{(k)}(r) / k!: C(2D, k) >= C(D-1, k) 2D / (D-1), and what is left is a multiple of f'(r)."""
    share = Rational(binomial(n - 1, k), n - 1) if n > 1 else Rational(0)
    rest = (binomial(2 * n, k) - 2 * n * share) * known(ALPHA) * known(R) ** (2 * n - k)
    return rest + (share * known(R) ** (n - 1 - k) * known(_steepness(n)) if share else 0)


def weight(n: int, b: Any = B) -> Expr:
    """E = alpha b^D + Gamma."""
    return ALPHA * b**n + GAMMA


def weight_known(n: int, b: Any = B) -> Expr:
    return known(ALPHA) * known(b) ** n + known(GAMMA)


def value(n: int, b: Any, psi: Any) -> Expr:
    """E psi - D b E + b^D G, which vanishes where psi = psi(b)."""
    return weight(n, b) * psi - n * b * weight(n, b) + b**n * G


def squared(n: int) -> Expr:
    """E^2 - G Gamma b^{D-1}, which vanishes where psi is stationary."""
    return weight(n) ** 2 - G * GAMMA * B ** (n - 1)


def _value_step(n: int) -> Step:
    """At a stationary b: Gamma psi(b) = (D - 1) Gamma b - alpha b^{D+1} = -b (E - D Gamma)."""
    by = GAMMA * known(value(n, B, P)) + B * known(squared(n))
    return prove("==", GAMMA * P - (n - 1) * GAMMA * B + ALPHA * B ** (n + 1), by, times=weight_known(n))


def minimum(n: int) -> Claim:
    """A root with E >= D Gamma: psi(b) <= 0 and psi(beta) >= psi(b) for all beta >= 0."""
    s = minimum_statement(n, f"{NAME}.minimum{n}", at_least(Q - P))
    step, excess = _value_step(n), weight(n) - n * GAMMA
    parts = ((j * weight_known(n) + known(excess)) * known(BETA) ** j * known(B) ** (n - 1 - j) for j in range(n))
    gap = known(GAMMA) * (BETA - B) ** 2 * sum(parts, Integer(0))
    zeros = GAMMA * B**n * known(value(n, BETA, Q)) + B * BETA**n * known(squared(n))
    by = gap + zeros - B**n * weight(n, BETA) * known(step.term)
    below = prove(">=", -P, known(B) * known(excess) - known(step.term), times=known(GAMMA))
    steps = (step, prove(">=", Q - P, by, times=known(GAMMA) * known(B) ** n * weight_known(n, BETA)), below)
    return Claim(s, steps, picked(s, _deep(n)))


def minimum_statement(n: int, name: str, conclusion: Any, drop: str = "") -> Statement:
    given = [*SIGNS, greater(B), at_least(BETA), equal(value(n, B, P)), equal(value(n, BETA, Q))]
    given += [equal(squared(n))] * (drop != "root") + [at_least(weight(n) - n * GAMMA)] * (drop != "sign")
    return Statement(name, (ALPHA, GAMMA, G, B, BETA, P, Q), tuple(given), (conclusion, at_least(-P)))


def _deep(n: int, alpha: Any = None, beta: Any = 2, **more: Any) -> dict[str, Any]:
    """b = Gamma = 1 with alpha = D by default: E = D + 1 and G = E^2; psi(b) = D - E."""
    a = n if alpha is None else alpha
    e, g = a + 1, (a + 1) ** 2
    q = n * beta - Rational(beta**n * g) / (a * beta**n + 1)
    return {"alpha": a, "Gamma": 1, "G": g, "b": 1, "beta": beta, "p": n - e, "q": q, **more}


def otherwise(n: int) -> Claim:
    """A root with 2 D Gamma / (D + 1) <= E <= D Gamma (a local minimum with psi(b) >= 0): Gamma >= Gamma_c, hence psi >= 0."""
    e, low, high = weight(n), (n + 1) * weight(n) - 2 * n * GAMMA, n * GAMMA - weight(n)
    given = (*SIGNS, greater(B), equal(squared(n)), at_least(low), at_least(high))
    then = n ** (2 * n) * ALPHA ** (n - 1) * GAMMA - (n - 1) ** (n - 1) * G**n
    s = Statement(f"{NAME}.otherwise{n}", (ALPHA, GAMMA, G, B), given, (at_least(then),))
    times = known(GAMMA) ** n * known(B) ** (n * (n - 1))
    target = GAMMA * B ** (n - 1) * G
    # (G Gamma b^{D-1})^D is E^{2D}; then a polynomial in E and Gamma is left.
    swapped = sum((e ** (2 * j) * target ** (n - 1 - j) for j in range(n)), Integer(0)) * known(squared(n))
    step = prove(">=", then, _by_parts(n, low, high) + (n - 1) ** (n - 1) * swapped, times=times)
    return Claim(s, (step,), picked(s, _deep(n, Rational(n - 1) - Rational(1, 4))))


def _by_parts(n: int, low: Expr, high: Expr) -> Expr:
    """D^{2D} (E - Gamma)^{D-1} Gamma^{D+1} - (D - 1)^{D-1} E^{2D} in `low` and `high`: all coefficients are positive."""
    x, y = symbols("x y")
    e, c = (x + 2 * y) / (n - 1), (x + (n + 1) * y) / (n * (n - 1))
    form = Poly(n ** (2 * n) * (e - c) ** (n - 1) * c ** (n + 1) - (n - 1) ** (n - 1) * e ** (2 * n), x, y)
    return sum(k * known(low) ** i * known(high) ** j for (i, j), k in form.terms())


# -- the loss at D = 1 --------------------------------------------------------------------------------------------------

M, ROOT = symbols("m root")


def loss_statement(
    net: Network, name: str, isotropic: bool = True, gap: Any = None, alpha: Any = None, size: Any = None
) -> Statement:
    """D = 1: alpha (L - Y) + (|g| - sqrt(Gamma))^2 >= 0, with m = |g| > 0 (or the condition `size`) and root = sqrt(Gamma)."""
    s, strength = net.setting, net.kappa * A_SCALAR if alpha is None else alpha
    off = [equal(s.A - A_SCALAR * s.identity)] * isotropic
    roots = (equal(M**2 - norm2(s.g)), equal(ROOT**2 - s.decay_product))
    given = (*net.given, greater(A_SCALAR), size or greater(M), greater(ROOT), *off, *roots)
    then = strength * (s.loss - s.Y) + ((M - ROOT) ** 2 if gap is None else gap)
    return Statement(f"{NAME}.{name}", (*net.variables, A_SCALAR, M, ROOT), given, (at_least(then),))


def loss_at_one(net: Network, name: str = "loss") -> Claim:
    """alpha (L - Y) + (|g| - sqrt(Gamma))^2 >= 0 for all parameters, at D = 1."""
    s, statement = net.setting, loss_statement(net, name)
    off, size, decay = s.A - A_SCALAR * s.identity, M**2 - norm2(s.g), ROOT**2 - s.decay_product
    steps = (*net.path_steps(), *_loss_steps(net, statement.then[0].expression, off, size, decay))
    layers = {"W1": [[1, -1], [2, 0]], "W2": [[1, 3]], "A": [[2, 0], [0, 2]], "g": [[3], [4]], "Y": 13}
    at = {"d0": 2, "d1": 2}
    env = point(net, {**layers, "gamma1": 1, "gamma2": 4, "s1": 1, "a": 2, "m": 5, "root": 2}, at)
    return Claim(statement, steps, picked(statement, env), at)


def _loss_steps(net: Network, then: Expr, off: Expr, size: Expr, decay: Expr) -> list[Step]:
    s, (V, U) = net.setting, net.setting.layers
    alpha, v, c = net.kappa * A_SCALAR, net.setting.product.T, net.setting.decay[0]
    strong = net.kappa_known * known(A_SCALAR)
    gap = M**2 * norm2(V) - norm2(V * s.g)
    cauchy = prove(">=", gap, Square(M**2 * V - V * s.g * s.g.T) + norm2(V * s.g) * known(size), times=known(M) ** 2)
    squares = known(M) ** 2 * known(c) * strong * known(net.path) + known(c) * Square(alpha * M * v - (M - ROOT) * s.g)
    squares += strong * Square(c * V * s.g - M * ROOT * U.T) + strong * known(c) ** 2 * known(gap)
    zeros = M**2 * c * alpha * net.kappa * Trace(v.T * known(off) * v) + c * (M - ROOT) ** 2 * known(size)
    zeros -= alpha * M**2 * norm2(U) * known(decay)
    return [cauchy, prove(">=", then, squares + zeros, times=known(M) ** 2 * known(c))]


def losses() -> list[Claim]:
    quiet = loss_at_one(Network(Setting(widths_of(2), noisy=False)), "loss_without_noise")
    return [quiet, loss_at_one(Network(Setting(widths_of(2))))]


def claims() -> list[Claim]:
    by_depth = [f(n) for n in HIDDEN for f in (reduction, converse, largest, minimum)]
    return [isotropic(), *by_depth, *(otherwise(n) for n in HIDDEN[1:]), *radical_claims(), *losses()]
