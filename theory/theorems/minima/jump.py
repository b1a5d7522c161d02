r"""The order of the transition: the predictor jumps with two hidden layers or more, and is continuous with one.

Setting: D = N - 1 hidden layers, v = (W_N ... W_1)^T, R = sum_i gamma_i |W_i|^2, G = |g|^2, Gamma = gamma_1 ... gamma_N;
    kappa the noise factor. Isotropic data: A = a I, alpha = kappa a. Energy b = gamma_i |W_i|^2 at a stationary point.
Hypotheses: gamma_i > 0, s_i >= 0, A positive semidefinite.
Conclusion: At every point other than 0 with L <= Y
    \[ N^{2N} \Gamma^2 \le 4^N G^N |v|^{2(N-2)}, \]
    so that for N >= 3 no minimum is near 0, whatever the decays; every nonzero global minimiser has
    \(D^2\Gamma \le G\, b^{D-1}\) and \(D^{2(D+1)} \Gamma^2 \le G^{D+1} |v|^{2(D-1)}\). Isotropic data at the critical decay
    Gamma_c: b = b_c with \(D^2 \alpha b_c = (D-1) G\), and v = (1 - 1/D) g / alpha beside v = 0. One hidden layer, with
    \((\kappa\beta A + \Gamma) z = g\), \(\Gamma |z|^2 = 1\), beta >= 0, A >= m I on the support of g, X >= 0 with
    \((\kappa m X + \Gamma)^2 = \Gamma G\): \(\beta \le X\), which vanishes as Gamma rises to G.
Form: Inequalities; an identity.
Scope of proof: All widths, with noise: the jump at depths 3 and 4, for minimisers at D = 2, 3, 4, at the critical decay for
    D = 2, ..., 6; one hidden layer at all widths. That the minimum near Gamma_c is as computed is an experiment.
Why: L <= Y gives R <= 2 v . g, so that R^2 <= 4 G |v|^2; but R^N >= N^N Gamma |v|^2. With one hidden layer
    |(kappa beta A + Gamma) z| >= (kappa beta m + Gamma) |z|.
Sharpness: One hidden layer has minima with v as small as one likes: A = 1, g = 101/100, decays 1 has v = 1/100, which the
    bound of two hidden layers would forbid. A point with L > Y may be small, and the origin is.
Source: arXiv:2202.04777 has the distinction of one and more hidden layers; the bounds are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Mul, Rational, Symbol, Trace, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, inner, known, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.origin_claims import norm_of_g, schwarz_gap, schwarz_step
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, picked
from theory.theorems.minima.setting import Setting, widths_of
from theory.theorems.minima.stationary_energy import Root, root_point
from theory.theorems.minima.weighted_means import means_gap

NAME = "minima.jump"
ALPHA, G, C, BETA, X = symbols("alpha G C beta X")


# -- every point with L <= Y --------------------------------------------------------------------------------------------


def jump_gap(s: Setting) -> Expr:
    """4^N G^N |v|^{2(N-2)} - N^{2N} Gamma^2."""
    n = s.depth
    return 4**n * norm_of_g(s) ** n * norm2(s.product) ** (n - 2) - n ** (2 * n) * s.decay_product**2


def jump_statement(s: Setting, name: str, gap: Expr, drop: Sequence[Expr] = ()) -> Statement:
    given = (*s.hypotheses, greater(s.penalty), at_least(s.Y - s.loss))
    kept = tuple(c for c in given if not any(c.expression == x for x in drop))
    return Statement(f"{NAME}.{name}", s.variables, kept, (at_least(gap),))


def jump(depth: int) -> Claim:
    """R > 0 and L <= Y imply N^{2N} Gamma^2 <= 4^N G^N |v|^{2(N-2)}."""
    s = Setting(widths_of(depth))
    statement = jump_statement(s, f"depth{depth}", jump_gap(s))
    values = {W.name: [[1]] for W in s.layers} | {c.name: Rational(1, depth) for c in s.decay}
    values |= {v.name: 0 for v in s.noise} | {"A": [[1]], "g": [[1]], "Y": 1}
    return Claim(statement, tuple(_jump_steps(s)), values, {f"d{i}": 1 for i in range(depth)})


def _jump_steps(s: Setting) -> list[Step]:
    net, n, R, f, V = Network(s), s.depth, s.penalty, s.fit, norm2(s.product)
    energies = [known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True)]
    mean = R**n - n**n * Mul(s.decay_product, *map(norm2, s.layers))
    decay = Mul(*map(known, s.decay))
    low, wide, strong = 2 * f - R, 4 * norm_of_g(s) * V - R**2, R**n - n**n * s.decay_product * V
    first = [
        *net.norm_steps(),
        prove(">=", mean, means_gap(energies)),
        schwarz_step(s),
        prove(">=", low, known(s.Y - s.loss) + net.moment_known),
        prove(">=", wide, 4 * known(schwarz_gap(s)) + known(low) * (known(low) + 2 * known(R))),
        prove(">=", strong, known(mean) + n**n * decay * known(net.norm)),
    ]
    return [*first, _conclusion(s, (low, wide, strong), decay)]


def _conclusion(s: Setting, facts: tuple[Expr, Expr, Expr], decay: Expr) -> Step:
    """|v|^4 (4^N G^N |v|^{2(N-2)} - N^{2N} Gamma^2) = ((4 G |v|^2)^N - R^{2N}) + (R^{2N} - N^{2N} Gamma^2 |v|^4)."""
    (low, wide, strong), n, R, V, gap = facts, s.depth, s.penalty, norm2(s.product), jump_gap(s)
    big, seen = 4 * Square(s.g) * Square(s.product), known(R) ** 2
    ladder = sum((big**j * seen ** (n - 1 - j) for j in range(n)), Integer(0))
    by = known(wide) * ladder + known(strong) * (known(R) ** n + n**n * decay * Square(s.product))
    alive = [prove(">=", gap, by, times=known(V) ** 2)]
    zero = known(s.product.T)
    absurd = prove(">", Integer(0), known(low) + known(R) - 2 * inner(zero, s.g))
    dead = [vanishes(s.product.T, known(-V)), absurd, prove(">=", gap, known(Integer(0)), times=known(Integer(0)))]
    return split(">=", gap, on=V, positive=alive, otherwise=dead)


# -- global minimisers --------------------------------------------------------------------------------------------------


def minimiser_gaps(r: Root) -> tuple[Expr, Expr]:
    """G b^{D-1} - D^2 Gamma and G^{D+1} S^{D-1} - D^{2(D+1)} Gamma^2."""
    D, p = r.hidden, r.p
    return p.G * B ** (D - 1) - D**2 * GAMMA, p.G ** (D + 1) * p.S ** (D - 1) - D ** (2 * (D + 1)) * GAMMA**2


def minimiser(hidden: int) -> Claim:
    """At a root with psi <= 0: D^2 Gamma <= G b^{D-1}, and |v|^2 = S is bounded below."""
    r, D = Root(hidden), hidden
    p, (energy, length) = r.p, minimiser_gaps(r)
    s = Statement(f"{NAME}.minimiser{D}", r.variables, (*r.given, at_least(-p.psi)), (at_least(energy), at_least(length)))
    low, size, law = p.T - D * p.x, p.G - D**2 * LAMBDA**2 * p.S, B ** (D + 1) - GAMMA * p.S
    decay = known(LAMBDA) * known(B) ** D - known(p.tie)
    # (G b^{D-1})^{D+1} >= (D^2 Gamma)^{D+1} and b^{D+1} = Gamma S.
    x, y = Square(p.g) * known(B) ** (D - 1), D**2 * known(GAMMA)
    ladder = sum((x**j * y ** (D - j) for j in range(D + 1)), Integer(0))
    power = sum(((B ** (D + 1)) ** j * (GAMMA * p.S) ** (D - 2 - j) for j in range(D - 1)), Integer(0))
    by = known(energy) * ladder - p.G ** (D + 1) * power * known(law)
    steps = (
        prove(">=", low, known(-p.psi) - D * known(r.energy)),
        prove(">=", size, Square(p.g - D * LAMBDA * p.z) + 2 * D * known(LAMBDA) * known(low)),
        prove(">=", energy, known(B) ** (D - 1) * (known(size) + D**2 * LAMBDA * known(r.energy)) + D**2 * known(p.tie)),
        prove("==", law, p.S * known(p.tie) - B**D * known(r.energy)),
        prove(">", GAMMA, decay),
        prove(">=", length, by, times=known(GAMMA) ** (D - 1)),
    )
    return Claim(s, steps, picked(s, root_point(D, Rational(1, D**2), 2)), {"d0": 1})


def critical(hidden: int) -> Claim:
    """Gamma = Gamma_c, D^2 alpha b = (D - 1) G and C (alpha b^D + Gamma) = b^D imply D alpha C = D - 1, for v = C g."""
    s, D = critical_statement(hidden, f"critical{hidden}"), hidden
    place, decay, shrunk = (c.expression for c in s.given[-3:])
    half = ALPHA * B**D - (D - 1) * GAMMA
    u, w = D**2 * ALPHA * B, (D - 1) * G
    ladder = sum((u**j * w ** (D - 1 - j) for j in range(D)), Integer(0))
    lead = D ** (2 * D) * known(ALPHA) ** (D - 1)
    steps = (
        prove("==", half, known(place) * ladder - (D - 1) * known(decay), times=lead),
        prove(
            "==",
            s.then[0].expression,
            D * ALPHA * known(shrunk) - known(half) * (D * ALPHA * C - D) ,
            times=D * known(GAMMA),
        ),
    )
    b, c = Rational(D - 1, D**2), Rational((D - 1) ** (D - 1), D ** (2 * D))
    return Claim(s, steps, {"alpha": 1, "G": 1, "Gamma": c, "b": b, "C": Rational(D - 1, D)})


def critical_statement(D: int, name: str, place: Any = None) -> Statement:
    decay = D ** (2 * D) * ALPHA ** (D - 1) * GAMMA - (D - 1) ** (D - 1) * G**D
    at = D**2 * ALPHA * B - (D - 1) * G if place is None else place
    given = (greater(ALPHA), greater(GAMMA), greater(G), equal(at), equal(decay), equal(C * (ALPHA * B**D + GAMMA) - B**D))
    return Statement(f"{NAME}.{name}", (ALPHA, G, GAMMA, B, C), given, (equal(D * ALPHA * C - (D - 1)),))


# -- one hidden layer ---------------------------------------------------------------------------------------------------


def one_layer_statement(name: str, size: Any = "d0", power: int = 2) -> tuple[Root, Statement]:
    """beta <= X, where (kappa m X + Gamma)^2 = Gamma G, with beta the root of the scalar equation at D = 1."""
    r = Root(1, size)
    p, m = r.p, r.m
    equation, unit = KAPPA * BETA * p.A * p.z + GAMMA * p.z - p.g, GAMMA * p.S - 1
    edge = (KAPPA * m * X + GAMMA) ** power - GAMMA ** (power - 1) * p.G
    given = (greater(KAPPA), greater(GAMMA), at_least(BETA), at_least(X), at_least(p.A), equal(equation), equal(unit))
    variables = (p.A, p.g, p.z, r.P, m, KAPPA, GAMMA, BETA, X)
    return r, Statement(f"{NAME}.{name}", variables, (*given, *r.supported, equal(edge)), (at_least(X - BETA),))


def one_layer() -> Claim:
    """With one hidden layer the root beta vanishes as Gamma rises to G: no jump."""
    r, s = one_layer_statement("one_layer")
    p, m, P = r.p, r.m, r.P
    equation, unit, edge = s.given[5].expression, s.given[6].expression, s.given[-1].expression
    d, seen, rho = p.z - P * p.z, known(P * p.g - p.g), known(equation)
    image = rho - P * rho - seen + KAPPA * BETA * known(r.commuting) * p.z
    inside = vanishes(
        d, known(KAPPA) * known(BETA) * Trace(Congruence(known(p.A), d)) - inner(d, image), times=known(GAMMA)
    )
    low, high = (norm2(p.A * p.z) - m**2 * p.S), inner(p.z, p.A * p.z) - m * p.S
    k = known(KAPPA) * known(BETA)
    # G = |(kappa beta A + Gamma) z|^2 >= (kappa beta m + Gamma)^2 |z|^2
    zeros = -inner(rho, KAPPA * BETA * p.A * p.z + GAMMA * p.z) - inner(p.g, rho)
    wide = p.G - (KAPPA * BETA * m + GAMMA) ** 2 * p.S
    gap = (KAPPA * m * X + GAMMA) ** 2 - (KAPPA * m * BETA + GAMMA) ** 2
    total = known(KAPPA) * known(m) * (known(KAPPA) * known(m) * (known(X) + known(BETA)) + 2 * known(GAMMA))
    steps = (
        inside,
        *r.spectral_steps(p.z),
        prove(">=", wide, k**2 * known(low) + 2 * k * known(GAMMA) * known(high) + zeros),
        prove(">=", gap, known(GAMMA) * known(wide) + known(edge) + (KAPPA * BETA * m + GAMMA) ** 2 * known(unit)),
        prove(">=", X - BETA, known(gap), times=total),
    )
    point = {"A": [[1]], "g": [[2]], "z": [[1]], "P": [[1]], "m": 1, "kappa": 1, "Gamma": 1, "beta": 1, "X": 1}
    return Claim(s, steps, point, {"d0": 1})


def claims() -> list[Claim]:
    at_critical = [critical(n) for n in (2, 3, 4, 5, 6)]
    return [*map(jump, (3, 4)), *map(minimiser, (2, 3, 4)), *at_critical, one_layer()]


# -- where it ends ------------------------------------------------------------------------------------------------------

Row = tuple[str, Statement, dict[str, Any]]


def _line(depth: int, w: Any, g: Any, decay: Any = 1, a: Any = 1, **more: Any) -> dict[str, Any]:
    """Widths 1, all layers w, all decays equal, no noise."""
    out: dict[str, Any] = {f"W{i}": [[w]] for i in range(1, depth + 1)}
    out |= {f"gamma{i}": decay for i in range(1, depth + 1)} | {f"s{i}": 0 for i in range(1, depth)}
    return {**out, "A": [[a]], "g": [[g]], "Y": 1, **more}


# A = 1, g = 101/100, decays 1: the minimiser of one hidden layer has v = 1/100, b = 1/100.
NEAR = {"W1": [[Rational(1, 10)]], "W2": [[Rational(1, 10)]], "A": [[1]], "g": [[Rational(101, 100)]], "Y": 2}
NEAR |= {"gamma1": 1, "gamma2": 1, "s1": 0}


def _rows() -> list[Row]:
    one, two = Setting((1, 1, 1)), Setting((1, 1, 1, 1))
    V, g2 = norm2(one.product), norm_of_g(one)
    shallow = jump_statement(one, "one_hidden_layer", 64 * g2**3 * V - 729 * one.decay_product**2)
    above = jump_statement(two, "any_loss", jump_gap(two), drop=[two.Y - two.loss])
    flat = jump_statement(two, "zero", jump_gap(two), drop=[two.penalty])
    negative = jump_statement(two, "negative_moment", jump_gap(two), drop=[two.A])
    decay = jump_statement(two, "any_decay", jump_gap(two), drop=list(two.decay))
    tiny = Rational(1, 1000)
    return [
        ("two hidden layers", shallow, NEAR),
        ("L <= Y", above, _line(3, tiny, 1)),
        ("theta != 0", flat, _line(3, 0, 1)),
        ("A positive semidefinite", negative, _line(3, Rational(1, 2), 0, a=-1000)),
        ("gamma_i > 0", decay, _line(3, 1, 1, a=0, gamma1=-10, gamma2=1, gamma3=10)),
    ]


def sharpness() -> list[Counterexample]:
    r = Root(2, 1)
    barrier = Statement(f"{NAME}.barrier", r.variables, r.given, (at_least(minimiser_gaps(r)[0]),))
    rows = [*_rows(), ("psi <= 0", barrier, root_point(2, 3, 2))]
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in rows]


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    s, r, below = Setting((1, 1, 1, 1)), Root(2, 1), (at_least(-Root(2, 1).p.psi),)
    V, g2, decay = norm2(s.product), norm_of_g(s), s.decay_product
    energy, length = minimiser_gaps(r)
    small = _line(3, Rational(1, 10), 10, Rational(1, 10), a=0)
    nearly, half = (_line(3, 1, Rational(3, 2) * c, c, a=0) for c in (Integer(1), Rational(1, 2)))  # R = 2 v . g: equality
    rows: list[Row] = [
        ("730 for 729", jump_statement(s, "false_constant", 64 * g2**3 * V - 730 * decay**2), nearly),
        ("|v|^4 for |v|^2", jump_statement(s, "false_power", 64 * g2**3 * V**2 - 729 * decay**2), small),
        ("G^2 for G^3", jump_statement(s, "false_degree", 64 * g2**2 * V - 729 * decay**2), nearly),
        ("Gamma for Gamma^2", jump_statement(s, "false_decay", 64 * g2**3 * V - 729 * decay), half),
        ("5 for D^2 = 4", Statement(f"{NAME}.false_energy", r.variables, (*r.given, *below), (at_least(energy - GAMMA),)),
         root_point(2, 1, 2)),
        ("65 for D^6 = 64", Statement(f"{NAME}.false_length", r.variables, (*r.given, *below), (at_least(length - GAMMA**2),)),
         root_point(2, 1, 2)),
        ("b_c with D for D - 1", critical_statement(2, "false_place", 4 * ALPHA * B - 2 * G),
         {"alpha": 1, "G": 4, "Gamma": 1, "b": 2, "C": Rational(4, 5)}),
        ("a cube for the square", one_layer_statement("false_edge", 1, 3)[1], _edge()),
    ]  # fmt: skip
    return [Counterexample(drops, t, picked(t, point)) for drops, t, point in rows]


def _edge() -> dict[str, Any]:
    """(X + 1)^3 = (beta + 1)^2 = 64: X = 3 and beta = 7."""
    return {"A": [[1]], "g": [[8]], "z": [[1]], "P": [[1]], "m": 1, "kappa": 1, "Gamma": 1, "beta": 7, "X": 3}


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random weights and g = (u + t) v with u |v|^2 = E f^2 + R and t >= 0: then 2 v . g >= E f^2 + R, so that L <= Y."""
    s, values, t, u = Setting(tuple(widths)), Setting(tuple(widths)).draw(draw), Symbol("t"), Symbol("u")
    values |= {"t": draw.nonnegative()}
    values["u"] = draw.solve(norm2(s.product), s.second_moment + s.penalty, values)
    values["g"] = draw.value((u + t) * s.product.T, values)
    del values["t"], values["u"]
    return Instance(jump_statement(s, "sampled", jump_gap(s)), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B15",
    title="The predictor jumps at the critical decay with two hidden layers or more",
    form="inequalities, identity",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 2, 1), (1, 2, 2, 2, 1)),
    supported_at=((16, 12, 10, 1), (12, 10, 9, 8, 1), (8, 8, 8, 8, 8, 1)),
    note="With one hidden layer there is no jump: A = 1, g = 101/100, decays 1 has its minimum at v = 1/100.",
)
