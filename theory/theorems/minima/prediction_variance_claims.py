r"""The proofs of `minima.prediction_variance` (arXiv:2202.04777): the identity, the bounds, when the minimiser is zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, ImmutableDenseMatrix, Integer, MatrixSymbol, Mul, Rational, Symbol, Trace, symbols

from theory.certificates import Step, prove, split
from theory.expressions import Congruence, DiagonalPart, Mean, Square, inner, known, norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.exact_points import point, specialised
from theory.theorems.minima.families import Family
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.origin_claims import norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, Potential
from theory.theorems.minima.scalar_root import seminorm_step
from theory.theorems.minima.setting import Setting, Width, widths_of
from theory.theorems.minima.weighted_means import constant, means_gap, weighted_gap

NAME = "minima.prediction_variance"


# -- the variance -------------------------------------------------------------------------------------------------------


def _input(s: Setting) -> MatrixSymbol:
    return MatrixSymbol("x", s.dim(0), 1)


def variance_gap(f: Family, factor: Any = None) -> Expr:
    """E f(x)^2 - (v . x)^2 - (kappa - 1)(v . x)^2, with E f(x) = v . x."""
    s, x = f.setting, _input(f.setting)
    mean = Trace(s.product * x)
    return s.second_moment.xreplace({s.A: x * x.T}) - mean**2 - (f.kappa - 1 if factor is None else factor) * mean**2


def variance_statement(f: Family, name: str, gap: Expr, drop: Sequence[Expr] = ()) -> Statement:
    """For layers W_1 = r_1 w^T, W_i = c_i r_i r_{i-1}^T, W_N = c_N r_{N-1}^T with sign vectors r_k."""
    s = f.setting
    shape = (*(equal(f.off(i)) for i in range(1, f.N + 1)), *(equal(f.unit(k)) for k in f.noisy), equal(f.kappa_gap))
    scales = [f.c(i) for i in range(2, f.N + 1)]
    variables = (*s.layers, *(v for v in s.noise if v != 0), *map(f.r, f.hidden), *scales, f.w, f.kappa, _input(s))
    kept = tuple(c for c in shape if not any(c.expression == x for x in drop))
    return Statement(f"{NAME}.{name}", variables, kept, (equal(gap),))


def variance(depth: int) -> Claim:
    """Var f(x) = (kappa - 1)(v . x)^2: no slack in the path lemma, for A = x x^T."""
    f = Family(Setting(widths_of(depth)))
    s, x = variance_statement(f, f"variance{depth}", variance_gap(f)), _input(f.setting)
    steps = [*map(f.forward_step, f.hidden), *map(f.head_step, reversed(range(f.N))), f.moment_step(), f.predictor_steps()[1]]
    return Claim(s, specialised(steps, {f.setting.A: x * x.T}), aligned_point(depth), {f"d{i}": 2 for i in range(depth)})


def aligned_point(depth: int, **more: Any) -> dict[str, Any]:
    """Widths 2, r_k = (1, -1), c_i = 1, w = (1, 2), variances 1, x = (3, 1)."""
    hidden = range(1, depth)
    values: dict[str, Any] = {"W1": [[1, 2], [-1, -2]], f"W{depth}": [[1, -1]], "w": [[1], [2]], "x": [[3], [1]]}
    values |= {f"W{i}": [[1, -1], [-1, 1]] for i in range(2, depth)}
    values |= {f"s{k}": 1 for k in hidden} | {f"r{k}": [[1], [-1]] for k in hidden} | {f"c{i}": 1 for i in range(2, depth + 1)}
    return {**values, "kappa": Rational(3, 2) ** (depth - 1), **more}


def over_noise(widths: tuple[Width, ...]) -> Claim:
    """The mean of f(x)^2 over the noise, neuron by neuron, for r_k = (1, -1, 1, ...) and one input coordinate w . x."""
    s = Setting(widths)
    scales, out = symbols(f"c2:{s.depth + 1}"), Symbol("t")
    noise = [MatrixSymbol(f"eps{k}", s.dim(k), 1) for k in range(1, s.depth)]
    r = [ImmutableDenseMatrix(int(widths[k]), 1, lambda i, _: (-1) ** i) for k in range(1, s.depth)]
    gates = [DiagonalPart(e * ImmutableDenseMatrix(1, int(e.shape[0]), [1] * int(e.shape[0]))) for e in noise]
    for k, gate in enumerate(gates):
        out = out * scales[k] * Trace(r[k].T * gate * r[k])
    second: Expr = out**2
    for e, v in zip(noise, s.noise, strict=True):
        second = Mean(second, e, 1, 1, 1 + v)
    mean = Symbol("t") * Mul(*scales, *(int(w) for w in widths[1:-1]))
    then = second - mean**2 - (s.kappa - 1) * mean**2
    name = f"{NAME}.over_noise_" + "_".join(map(str, widths))
    statement = Statement(name, (Symbol("t"), *scales, *noise, *s.noise), then=(equal(then),))
    return Claim(statement, (prove("==", then, 0),))


# -- bounds -------------------------------------------------------------------------------------------------------------


def potential(size: Width = "d0") -> tuple[Potential, MatrixSymbol, Expr]:
    p = Potential(2, size)
    return p, p.vector("p"), p.A * p.vector("p") - p.g


def shrunken_given(p: Potential, consistent: Expr) -> tuple[Any, ...]:
    """(kappa A + lambda I) z = g, A p = g, kappa >= 1."""
    return (*p.positive, at_least(KAPPA - 1), equal(p.resolvent), equal(consistent))


def bounds() -> Claim:
    """kappa^2 |z|_A^2 <= q, kappa^2 E Var <= (kappa - 1) q and 4 E Var <= q, with E Var = (kappa - 1)|z|_A^2."""
    p, source, consistent = potential()
    q, curve = quadratic(p.A, source), quadratic(p.A, p.z)
    rest, A = source - KAPPA * p.z, known(p.A)
    first = q - KAPPA**2 * curve
    inside = Trace(Congruence(A, rest)) + 2 * known(KAPPA) * known(LAMBDA) * Square(p.z)
    zeros = 2 * KAPPA * inner(p.z, known(consistent)) - 2 * KAPPA * inner(p.z, known(p.resolvent))
    two, three = (KAPPA - 1) * q - KAPPA**2 * (KAPPA - 1) * curve, q - 4 * (KAPPA - 1) * curve
    seen = Trace(Congruence(A, p.z))
    steps = (
        prove(">=", first, inside + zeros),
        prove(">=", two, known(KAPPA - 1) * known(first)),
        prove(">=", three, known(first) + (KAPPA - 2) ** 2 * seen),
    )
    s = Statement(
        f"{NAME}.bounds",
        (p.A, p.g, p.z, source, KAPPA, LAMBDA),
        shrunken_given(p, consistent),
        tuple(map(at_least, (first, two, three))),
    )
    return Claim(s, steps, shrunken(), {"d0": 1})


def shrunken(kappa: Any = 2, lam: Any = 1, g: Any = 3, a: Any = 1, **more: Any) -> dict[str, Any]:
    z = Rational(g) / (Rational(kappa) * a + lam)
    return {"A": [[a]], "g": [[g]], "z": [[z]], "p": [[Rational(g) / a]], "kappa": kappa, "lambda": lam, **more}


def explained() -> Claim:
    """q <= E[y^2]: with data X, y, A = X^T X, g = X^T y, Y = |y|^2 it is |y - X p|^2 >= 0."""
    n, m = symbols("d0 n")
    X, y, p = MatrixSymbol("X", n, m), MatrixSymbol("y", n, 1), MatrixSymbol("p", m, 1)
    source = X.T * X * p - X.T * y
    gap = norm2(y) - norm2(X * p)
    by = Square(y - X * p) - 2 * inner(p, known(source))
    s = Statement(f"{NAME}.explained", (X, y, p), (equal(source),), (at_least(gap),))
    return Claim(s, (prove(">=", gap, by),), {"X": [[1], [1]], "y": [[1], [3]], "p": [[2]]}, {"d0": 2, "n": 1})


# -- strong noise -------------------------------------------------------------------------------------------------------


def strong_noise() -> Claim:
    """D = 1: the solution at noise kappa is that without noise over kappa, and kappa Var <= (v_0 . x)^2."""
    p, x = Potential(1), MatrixSymbol("x", Symbol("d0"), 1)
    beta, bare = symbols("beta beta0")
    v, v0 = p.vector("v"), p.vector("v0")
    equation, plain = KAPPA * beta * p.A * p.z + GAMMA * p.z - p.g, bare * p.A * p.z + GAMMA * p.z - p.g
    given = (greater(KAPPA - 1), equal(equation), equal(bare - KAPPA * beta), equal(v - beta * p.z), equal(v0 - bare * p.z))
    one, two = inner(v, x), inner(v0, x)
    law = KAPPA * one - two
    scaled, falls = KAPPA**2 * (KAPPA - 1) * one**2 - (KAPPA - 1) * two**2, two**2 - KAPPA * (KAPPA - 1) * one**2
    zeros = KAPPA * inner(known(v - beta * p.z), x) - inner(known(v0 - bare * p.z), x)
    kappa = known(KAPPA - 1) + 1
    steps = (
        prove("==", plain, known(equation) + known(bare - KAPPA * beta) * p.A * p.z),
        prove("==", law, zeros - known(bare - KAPPA * beta) * inner(p.z, x)),
        prove("==", scaled, (KAPPA - 1) * known(law) * (KAPPA * one + two)),
        prove(">=", falls, two**2 - known(scaled), times=kappa),
    )
    s = Statement(
        f"{NAME}.strong_noise",
        (p.A, p.g, p.z, v, v0, x, KAPPA, GAMMA, beta, bare),
        given,
        (equal(plain), equal(scaled), at_least(falls)),
    )
    values = {"A": 1, "g": 3, "z": 1, "v": 1, "v0": 2, "x": 5}
    witness = {k: [[y]] for k, y in values.items()} | {"kappa": 2, "Gamma": 1, "beta": 1, "beta0": 2}
    return Claim(s, steps, witness, {"d0": 1})


def vanishing_room(n: Network, factor: Any = 1, kappa: Any = None) -> Expr:
    """D^{2D} kappa^{D-1} Gamma - (D-1)^{D-1} G q^{D-1}."""
    s, D = n.setting, n.setting.depth - 1
    q, noise = quadratic(s.A, MatrixSymbol("p", s.dim(0), 1)), n.kappa if kappa is None else kappa
    return D ** (2 * D) * noise ** (D - 1) * s.decay_product - factor * (D - 1) ** (D - 1) * norm_of_g(s) * q ** (D - 1)


def vanishing_statement(n: Network, name: str, room: Any, drop: Sequence[Expr] = ()) -> Statement:
    """L > Y for theta != 0."""
    s = n.setting
    p = MatrixSymbol("p", s.dim(0), 1)
    given = (*n.given, equal(s.A * p - s.g), greater(s.penalty), room)
    kept = tuple(c for c in given if not any(c.expression == x for x in drop))
    return Statement(f"{NAME}.{name}", (*n.variables, p), kept, (greater(s.loss - s.Y),))


def vanishing(depth: int) -> Claim:
    """Strong noise or decay: the minimiser is 0, and so is the variance."""
    n, at = Network(Setting(widths_of(depth))), {f"d{i}": 1 for i in range(depth)}
    s, excess = n.setting, n.setting.loss - n.setting.Y
    statement = vanishing_statement(n, f"vanishing{depth}", greater(vanishing_room(n)))
    absurd = [*_contradiction(n), prove(">", excess, known(Integer(0)), times=known(Integer(0)))]
    steps = [*n.path_steps(), *n.norm_steps(), schwarz_step(s), _mean(n), split(">", excess, excess, [], absurd)]
    ones: dict[str, Any] = {W.name: [[1]] for W in s.layers} | {c.name: 1 for c in s.decay}
    ones |= {v.name: 1 for v in s.noise} | {"A": [[1]], "g": [[1]], "Y": 9}
    return Claim(statement, tuple(steps), {**point(n, ones, at), "p": [[1]]}, at)


def _energies(s: Setting) -> list[Expr]:
    return [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]


def _mean(n: Network) -> Step:
    """R^N >= N^N Gamma |v|^2."""
    s, N = n.setting, n.setting.depth
    by = means_gap(_energies(s)) + N**N * Mul(*map(known, s.decay)) * known(n.norm)
    return prove(">=", s.penalty**N - N**N * s.decay_product * norm2(s.product), by)


def _contradiction(n: Network) -> list[Step]:
    """From L <= Y: e + R <= 2 f with e = kappa |v|_A^2, f = v . g > 0, f^2 <= q |v|_A^2; then 0 > 0."""
    s, v, p = n.setting, n.setting.product.T, MatrixSymbol("p", n.setting.dim(0), 1)
    curve, q, f, R = quadratic(s.A, v), quadratic(s.A, p), s.fit, s.penalty
    excess, seen = s.loss - s.Y, Trace(Congruence(known(s.A), v))
    low, source = 2 * f - n.kappa * curve - R, known(s.A * p - s.g)
    square = Trace(Congruence(known(s.A), curve * p - f * v)) + 2 * curve * f * inner(v, source)
    return [
        prove(">=", low, known(-excess) + known(n.path)),
        prove(">", inner(v, s.g), (known(low) + n.kappa_known * seen + known(R)) / 2),
        seminorm_step(s.A, v, s.g),
        prove(">=", q * curve - f**2, square, times=known(curve)),
        *_powers(n, low),
    ]


def _powers(n: Network, low: Expr) -> list[Step]:
    s, D, v, p = n.setting, n.setting.depth - 1, n.setting.product.T, MatrixSymbol("p", n.setting.dim(0), 1)
    curve, q, R, G2 = known(quadratic(s.A, v)), Trace(Congruence(known(s.A), p)), known(s.penalty), Square(s.g)
    f, e, V = known(inner(v, s.g)), n.kappa_known * curve, norm2(s.product)
    plain, energy = s.fit, n.kappa * quadratic(s.A, v)
    power = (2 * plain) ** (2 * D) - (energy + s.penalty) ** (2 * D)
    ladder = sum(((2 * f) ** j * (e + R) ** (2 * D - 1 - j) for j in range(2 * D)), Integer(0))
    weighted = (energy + s.penalty) ** (2 * D) - constant(D - 1, D + 1) * energy ** (D - 1) * s.penalty ** (D + 1)
    down = sum(((q * curve) ** j * f ** (2 * (D - 2 - j)) for j in range(D - 1)), Integer(0))
    c, N, decay = constant(D - 1, D + 1), D + 1, Mul(*map(known, s.decay))
    cauchy = known(quadratic(s.A, p) * quadratic(s.A, v) - plain**2)
    fit = (q * curve) ** (D - 1) * known(schwarz_gap(s)) + f**2 * cauchy * down
    mean = known(s.penalty**N - N**N * s.decay_product * V)
    total = Rational(4**D, (D - 1) ** (D - 1)) * f ** (2 * D) * known(vanishing_room(n))
    total += G2 * q ** (D - 1) * (known(power) + known(weighted) + c * e ** (D - 1) * mean)
    total += c * N**N * decay * n.kappa_known ** (D - 1) * fit
    return [
        prove(">=", power, known(low) * ladder),
        prove(">=", weighted, weighted_gap(e, R, D - 1, D + 1)),
        prove(">", Integer(0), total),
    ]


