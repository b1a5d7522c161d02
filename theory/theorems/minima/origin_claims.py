r"""The proofs of `minima.origin` (arXiv:2202.04777): expansion, spectra, uniqueness, the neighbourhood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, MatrixSymbol, Mul, Rational, Trace, symbols

from theory import dag
from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, DiagonalPart, Square, gradient, inner, known, lower, norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.setting import Setting, widths_of
from theory.theorems.minima.weighted_means import means_gap

NAME = "minima.origin"
T, MU, TAU = symbols("t mu tau")


def scaled_loss(s: Setting, t: Any = T) -> Expr:
    """L(t theta)."""
    return s.loss.xreplace({W: t * W for W in s.layers})


def norm_of_g(s: Setting) -> Expr:
    return norm2(s.g)


# -- expansion, gradient, Hessian ---------------------------------------------------------------------------------------


def expansion(depth: int) -> Claim:
    """L(t theta) - Y = t^2 R - 2 t^N v . g + t^{2N} E f^2."""
    s = Setting(widths_of(depth))
    series = s.Y + T**2 * s.penalty - 2 * T**depth * s.fit + T ** (2 * depth) * s.second_moment
    law = scaled_loss(s) - series
    return Claim(Statement(f"{NAME}.expansion{depth}", (*s.variables, T), (), (equal(law),)), (prove("==", law, 0),))


def gradient_at_zero(depth: int) -> Claim:
    """The gradient at 0 is 0, and -2 g^T in W_1 at depth 1."""
    s = Setting(widths_of(depth))
    then = [gradient(s.loss, W) + (2 * s.g.T if depth == 1 else 0 * W) for W in s.layers]
    steps = [prove("==", x, _vanishing(s, W)) for x, W in zip(then, s.layers, strict=True)]
    statement = Statement(f"{NAME}.gradient{depth}", s.variables, tuple(map(equal, s.layers)), tuple(map(equal, then)))
    widths = (*[2] * depth, 1)
    return Claim(statement, tuple(steps), layers_point(depth, widths, 0), {f"d{i}": d for i, d in enumerate(widths[:-1])})


def _vanishing(s: Setting, W: MatrixSymbol) -> dag.Node:
    """The gradient with every layer cited as zero: each term has a layer as a factor (at depth 1: but -2 g^T)."""
    loss = s.loss + 2 * s.fit if s.depth == 1 else s.loss
    change = {lower(V): dag.known(lower(V)) for V in s.layers}
    return dag.substitute([dag.gradient(lower(loss), lower(W))], change)[0]


def quadratic_part(s: Setting) -> Expr:
    """The terms of second order of L at 0."""
    if s.depth == 1:
        return s.second_moment + s.penalty
    return s.penalty - 2 * s.fit if s.depth == 2 else s.penalty


def blocks(depth: int) -> Claim:
    """Depth 1: the Hessian is W -> 2 W (A + gamma_1); depth >= 3: 2 gamma_i on layer i."""
    s, q = (r := Setting(widths_of(depth))), quadratic_part(r)
    image = [2 * W * s.A + 2 * s.decay[0] * W if depth == 1 else 2 * c * W for c, W in zip(s.decay, s.layers, strict=True)]
    then = [gradient(q, W) - x for W, x in zip(s.layers, image, strict=True)]
    return Claim(
        Statement(f"{NAME}.blocks{depth}", s.variables, (), tuple(map(equal, then))), tuple(prove("==", x, 0 * x) for x in then)
    )


def eigenvectors() -> Claim:
    """Depth 2: (tau u^T g^T, u) is an eigenvector for each root mu, with 2 tau G = 2 gamma_2 - mu."""
    s = Setting(widths_of(2))
    (V, U), (c1, c2), G = s.layers, s.decay, norm_of_g(s)
    shape, ratio = V - TAU * U.T * s.g.T, 2 * c2 - MU - 2 * TAU * G
    root = MU**2 - 2 * (c1 + c2) * MU + 4 * (c1 * c2 - G)
    then = [gradient(quadratic_part(s), W) - MU * W for W in s.layers]
    scalar = known(root) - (2 * c1 - MU) * known(ratio)
    steps = (
        prove("==", then[0], 2 * G * (2 * c1 - MU) * known(shape) + scalar * U.T * s.g.T, times=2 * known(G)),
        prove("==", then[1], known(ratio) * U - 2 * (known(shape) * s.g).T),
    )
    given = (greater(G), equal(shape), equal(ratio), equal(root))
    point = {
        **layers_point(2, (2, 2, 1), 0),
        "g": [[2], [0]],
        "W2": [[1, 3]],
        "W1": [[1, 0], [3, 0]],
        "mu": -2,
        "tau": Rational(1, 2),
    }
    point |= {"gamma1": 1, "gamma2": 1}
    return Claim(
        Statement(f"{NAME}.eigenvectors", (*s.variables, MU, TAU), given, tuple(map(equal, then))),
        steps,
        point,
        {"d0": 2, "d1": 2},
    )


def complement() -> Claim:
    """Depth 2: where W_1 g = 0 and W_2 = 0 the Hessian is 2 gamma_1."""
    s = Setting(widths_of(2))
    V, U = s.layers
    then = [gradient(quadratic_part(s), V) - 2 * s.decay[0] * V, gradient(quadratic_part(s), U)]
    steps = (
        prove("==", then[0], -2 * known(U).T * s.g.T),
        prove("==", then[1], 2 * s.decay[1] * known(U) - 2 * known(V * s.g).T),
    )
    point = {**layers_point(2, (2, 2, 1), 0), "g": [[2], [1]], "W1": [[1, -2], [3, -6]]}
    statement = Statement(f"{NAME}.complement", s.variables, (equal(V * s.g), equal(U)), tuple(map(equal, then)))
    return Claim(statement, steps, point, {"d0": 2, "d1": 2})


def characteristic() -> Claim:
    """Depth 2: (H - 2 gamma_1)(H^2 - 2 (gamma_1 + gamma_2) H + 4 (gamma_1 gamma_2 - G)) = 0, so these are all eigenvalues."""
    s = Setting(widths_of(2))
    (c1, c2), start = s.decay, s.layers
    first = tuple(gradient(quadratic_part(s), W) for W in start)
    second, minus = _hessian(s, *_hessian(s, *start)), 4 * (c1 * c2 - norm_of_g(s))
    inside = tuple(x - 2 * (c1 + c2) * y + minus * z for x, y, z in zip(second, _hessian(s, *start), start, strict=True))
    outside = tuple(x - 2 * c1 * y for x, y in zip(_hessian(s, *inside), inside, strict=True))
    then = (*(x - y for x, y in zip(first, _hessian(s, *start), strict=True)), *outside)
    return Claim(
        Statement(f"{NAME}.characteristic", s.variables, (), tuple(map(equal, then))),
        tuple(prove("==", x, 0 * x) for x in then),
    )


def _hessian(s: Setting, X: Expr, u: Expr) -> tuple[Expr, Expr]:
    """H(X, u) = (2 gamma_1 X - 2 u^T g^T, 2 gamma_2 u - 2 (X g)^T)."""
    return 2 * s.decay[0] * X - 2 * u.T * s.g.T, 2 * s.decay[1] * u - 2 * (X * s.g).T


# -- depth 2 ------------------------------------------------------------------------------------------------------------


def _aligned(s: Setting) -> tuple[Expr, Expr]:
    """X = gamma_1 W_1 - W_2^T g^T and D = Gamma - G: gamma_1 (R - 2 v . g) = |X|^2 + D |W_2|^2."""
    V, U = s.layers
    return s.decay[0] * V - U.T * s.g.T, s.decay_product - norm_of_g(s)


def minimum() -> list[Claim]:
    """G <= Gamma: L >= Y; G < Gamma and theta != 0: L > Y."""
    s = Setting(widths_of(2))
    X, room = _aligned(s)
    c, U = s.decay[0], s.layers[1]
    weak, excess = [*s.hypotheses, at_least(room)], s.loss - s.Y
    by = known(c) * Network(s).moment_known + Square(X) + known(room) * Square(U)
    at_zero = Statement(f"{NAME}.minimum", s.variables, tuple(weak), (at_least(excess),))
    return [
        Claim(at_zero, (prove(">=", excess, by, times=known(c)),), layers_point(2, (2, 2, 1), 1), {"d0": 2, "d1": 2}),
        _strict(s, by),
    ]


def _strict(s: Setting, by: Expr) -> Claim:
    X, room = _aligned(s)
    (V, U), c, excess = s.layers, s.decay[0], s.loss - s.Y
    size = norm2(V) + norm2(U)
    weak = prove(">=", excess, by, times=known(c))
    lost = [
        vanishes(U, known(c) * known(-excess) + known(c) * Network(s).moment_known + Square(X), times=known(room)),
        vanishes(
            V,
            known(-excess) + Network(s).moment_known + known(s.decay[1]) * Square(U) - 2 * Trace(known(U) * V * s.g),
            times=known(c),
        ),
        prove(">", excess, known(size) - inner(V, known(V)) - inner(U, known(U)) + _dead(s)),
    ]
    steps = [weak, split(">", excess, on=excess, positive=[], otherwise=lost)]
    given = (*s.hypotheses, greater(room), greater(size))
    return Claim(
        Statement(f"{NAME}.strict", s.variables, given, (greater(excess),)),
        tuple(steps),
        layers_point(2, (2, 2, 1), 1),
        {"d0": 2, "d1": 2},
    )


def _dead(s: Setting) -> Expr:
    """L - Y with every layer cited as zero."""
    return (s.loss - s.Y).xreplace({W: known(W) for W in s.layers})


def unique() -> Claim:
    """G <= Gamma, g = A h != 0: 0 is the only point with L <= Y, also at G = Gamma."""
    s = Setting(widths_of(2))
    h, (X, room) = MatrixSymbol("h", s.dim(0), 1), _aligned(s)
    given = (*s.hypotheses, at_least(room), greater(norm_of_g(s)), equal(s.A * h - s.g), at_least(s.Y - s.loss))
    statement = Statement(f"{NAME}.unique", (*s.variables, h), given, tuple(map(equal, s.layers)))
    point = {**layers_point(2, (2, 2, 1), 0), "h": [[1], [0]], "A": [[1, 1], [1, 2]], "g": [[1], [1]], "gamma1": 2, "gamma2": 1}
    return Claim(statement, tuple(_unique_steps(s, h, X, room)), point, {"d0": 2, "d1": 2})


def _unique_steps(s: Setting, h: MatrixSymbol, X: Expr, room: Expr) -> list[Step]:
    """X = 0 and |v|_A^2 = 0; then |W_2|^4 |g|_A^2 = 0 with |g|_A^2 > 0, so W_2 = 0, and W_1 = 0."""
    (V, U), c, drop, v = s.layers, s.decay[0], s.Y - s.loss, s.product.T
    energy, moment = quadratic(s.A, v), Network(s).moment_known
    noise = Trace(U * known(s.noise[0]) * DiagonalPart(V * known(s.A) * V.T) * U.T)
    small = known(c) * known(drop) + Square(X) + known(room) * Square(U)
    parallel = c * v - norm2(U) * s.g
    carried = norm2(U) ** 2 * quadratic(s.A, s.g)
    none = c**2 * known(energy) - Trace(known(parallel).T * s.A * (c * v + norm2(U) * s.g))
    return [
        vanishes(X, known(c) * known(drop) + known(c) * moment + known(room) * Square(U)),
        prove(">=", -energy, small + known(c) * noise, times=known(c)),
        prove(">=", energy, Trace(Congruence(known(s.A), v))),
        vanishes(energy, known(energy) * known(-energy)),
        prove("==", parallel, known(X).T * U.T),
        prove("==", carried, none),
        *_heavy(s, h),
        prove("==", norm2(U) ** 2, known(carried), times=known(quadratic(s.A, s.g))),
        vanishes(norm2(U), -known(norm2(U) ** 2)),
        vanishes(U, -known(norm2(U))),
        prove("==", V, known(X) + known(U).T * s.g.T, times=known(c)),
    ]


def _heavy(s: Setting, h: MatrixSymbol) -> list[Step]:
    """|g|_A^2 > 0 for g = A h != 0: otherwise |h|_A^2 <= 0, and |h - g|_A^2 < 0."""
    G, e, f, source = norm_of_g(s), quadratic(s.A, s.g), quadratic(s.A, h), s.A * h - s.g
    cross = inner(known(source), s.g)
    light = Trace(Congruence(known(s.A), G * h - f * s.g)) + f**2 * known(-e) + 2 * G * f * cross
    last = Trace(Congruence(known(s.A), h - s.g)) + known(-f) + 2 * known(G) + 2 * cross
    otherwise = [prove(">=", -f, light, times=known(G) ** 2), prove(">", e, last)]
    return [split(">", e, on=e, positive=[], otherwise=otherwise)]


# -- the saddle ---------------------------------------------------------------------------------------------------------


def saddle() -> Claim:
    """G > Gamma, gamma_1 W_1 = W_2^T g^T: L(t theta) < Y for t > 0 with t^2 gamma_1 E f^2 < (G - Gamma) |W_2|^2."""
    s = Setting(widths_of(2))
    U, c, (X, room) = s.layers[1], s.decay[0], _aligned(s)
    near = -room * norm2(U) - T**2 * c * s.second_moment
    given = (*s.hypotheses, greater(T), equal(X), greater(-room), greater(near))
    below = s.Y - scaled_loss(s)
    step = prove(">", below, known(T) ** 2 * (known(near) - inner(known(X), X)), times=known(c))
    point = {**layers_point(2, (2, 2, 1), 1), "g": [[2], [0]], "W2": [[1, 3]], "W1": [[2, 0], [6, 0]], "t": Rational(1, 100)}
    return Claim(Statement(f"{NAME}.saddle", (*s.variables, T), given, (greater(below),)), (step,), point, {"d0": 2, "d1": 2})


# -- depth >= 3 ---------------------------------------------------------------------------------------------------------


def neighbourhood(depth: int) -> Claim:
    """0 < R and 4 G R^{N-2} < N^N Gamma imply L > Y."""
    s = Setting(widths_of(depth))
    statement = neighbourhood_statement(s, f"{NAME}.neighbourhood{depth}", depth**depth, depth - 2)
    widths = (2, 2, *[1] * (depth - 1))
    point = {**layers_point(depth, widths, Rational(1, 10)), "g": [[1], [-2]]}
    return Claim(statement, tuple(_near_steps(s)), point, {f"d{i}": d for i, d in enumerate(widths[:-1])})


def neighbourhood_statement(s: Setting, name: str, constant: Any, power: int, strict: bool = True) -> Statement:
    """0 < R and 4 G R^power < constant Gamma (or <=) imply L > Y."""
    room = constant * s.decay_product - 4 * norm_of_g(s) * s.penalty**power
    inside = greater(room) if strict else at_least(room)
    return Statement(name, s.variables, (*s.hypotheses, greater(s.penalty), inside), (greater(s.loss - s.Y),))


def _near_steps(s: Setting) -> list[Step]:
    net, n, R, f = Network(s), s.depth, s.penalty, s.fit
    share = n**n * Mul(*map(known, s.decay))
    energies = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    mean, schwarz, room = R**n - n**n * Mul(s.decay_product, *map(norm2, s.layers)), schwarz_gap(s), share_room(s)
    inside = (
        known(R) ** 2 * known(room) + 4 * Square(s.g) * (known(mean) + share * known(net.norm)) + 4 * share * known(schwarz)
    )
    wide, up, gap = R**2 - 4 * f**2, R + 2 * f, R - 2 * f
    cases = split(
        ">",
        gap,
        on=up,
        positive=[prove(">", gap, known(wide), times=known(up))],
        otherwise=[prove(">", gap, 2 * known(R) + known(-up))],
    )
    return [
        *net.norm_steps(),
        prove(">=", mean, means_gap(energies)),
        schwarz_step(s),
        prove(">", wide, inside, times=share),
        cases,
        prove(">", s.loss - s.Y, net.moment_known + known(gap)),
    ]


def two_decays(spared: int) -> Claim:
    """N = 3: two positive decays are enough: G |W_k|^2 <= gamma_i gamma_j implies L >= Y, also at gamma_k = 0."""
    s = Setting(widths_of(3))
    net, kept = Network(s), [i for i in range(3) if i != spared]
    (c, d), (V, W) = [s.decay[i] for i in kept], [s.layers[i] for i in kept]
    room, free = c * d - norm_of_g(s) * norm2(s.layers[spared]), s.decay[spared]
    part, f = c * norm2(V) + d * norm2(W), s.fit
    wide, up, gap, schwarz = part**2 - 4 * f**2, part + 2 * f, part - 2 * f, schwarz_gap(s)
    by = (c * norm2(V) - d * norm2(W)) ** 2 + 4 * Square(V) * Square(W) * known(room) + 4 * Square(s.g) * known(net.norm)
    positive = [prove(">=", gap, known(wide), times=known(up))]
    otherwise = [prove(">=", gap, 2 * known(c) * Square(V) + 2 * known(d) * Square(W) + known(-up))]
    steps = [*net.norm_steps(), schwarz_step(s), prove(">=", wide, by + 4 * known(schwarz))]
    steps += [split(">=", gap, on=up, positive=positive, otherwise=otherwise)]
    steps += [prove(">=", s.loss - s.Y, net.moment_known + known(free) * Square(s.layers[spared]) + known(gap))]
    given = (greater(c), greater(d), at_least(free), *map(at_least, s.noise), at_least(s.A), at_least(room))
    point = {**layers_point(3, (2, 3, 4, 1), Rational(1, 10)), f"gamma{spared + 1}": 0}
    statement = Statement(f"{NAME}.two_decays{spared + 1}", s.variables, given, (at_least(s.loss - s.Y),))
    return Claim(statement, tuple(steps), point, {"d0": 2, "d1": 3, "d2": 4})


def share_room(s: Setting) -> Expr:
    """N^N Gamma - 4 G R^{N-2}."""
    return s.depth**s.depth * s.decay_product - 4 * norm_of_g(s) * s.penalty ** (s.depth - 2)


def schwarz_gap(s: Setting) -> Expr:
    """|g|^2 |v|^2 - (v . g)^2."""
    return norm_of_g(s) * norm2(s.product) - s.fit**2


def schwarz_step(s: Setting) -> Step:
    G, v, gap = norm_of_g(s), s.product.T, schwarz_gap(s)
    zero = known(s.g)
    none = inner(zero, s.g) * norm2(s.product) - Trace(s.product * zero) * s.fit
    return split(
        ">=",
        gap,
        on=G,
        positive=[prove(">=", gap, Square(G * v - s.fit * s.g), times=known(G))],
        otherwise=[vanishes(s.g, known(-G)), prove(">=", gap, none)],
    )


def layers_point(depth: int, widths: Sequence[int], size: Any) -> dict[str, Any]:
    """Layers with entries `size` times small integers, A and g consistent, unit decays of product at least G at depth 2."""
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    layers = {
        f"W{i}": [[size * ((a + 2 * b + i) % 3 - 1) for b in range(c)] for a in range(r)] for i, (r, c) in enumerate(shapes, 1)
    }
    moments = {
        "A": [[int(a == b) for b in range(widths[0])] for a in range(widths[0])],
        "g": [[1]] + [[0]] * (widths[0] - 1),
        "Y": 1,
    }
    return layers | moments | {f"gamma{i}": i for i in range(1, depth + 1)} | {f"s{i}": i for i in range(1, depth)}


def claims() -> list[Claim]:
    first = [
        *(expansion(n) for n in range(1, 6)),
        *(gradient_at_zero(n) for n in (1, 2, 3, 4)),
        *(blocks(n) for n in (1, 3, 4, 5)),
    ]
    second = [eigenvectors(), complement(), characteristic(), *minimum(), unique(), saddle()]
    return [*first, *second, *map(two_decays, range(3)), *map(neighbourhood, (3, 4, 5))]
