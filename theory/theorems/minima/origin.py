r"""The loss at the origin: gradient, Hessian, and when 0 is a minimum (arXiv:2202.04777).

Setting: N = D + 1 layers, scalar output, P = W_N ... W_1 = v^T, G = |g|^2, Gamma = gamma_1 ... gamma_N,
    R = sum_i gamma_i |W_i|^2.
Hypotheses: gamma_i > 0, variances s_i >= 0, A positive semidefinite; for uniqueness at G = Gamma also g = A h (consistent
    moments).
Conclusion: For N >= 2
    \[ L(t\theta) = Y + t^2 R - 2 t^N v\cdot g + t^{2N} E f^2, \]
    so that the noise never enters the gradient and the Hessian at 0. N = 1: the gradient at 0 is -2 g^T, the Hessian
    2 (A + gamma_1). N = 2: the Hessian H satisfies
    \[ (H - 2\gamma_1)(H^2 - 2(\gamma_1+\gamma_2) H + 4(\gamma_1\gamma_2 - G)) = 0, \]
    with eigenvectors (tau u^T g^T, u), and H = 2 gamma_1 on {W_1 g = 0, W_2 = 0}. If G <= Gamma, 0 is the unique global
    minimum; if G > Gamma, a strict saddle. N >= 3: the Hessian is 2 gamma_i on layer i, and L > Y wherever 0 < R and
    \(4 G R^{N-2} < N^N \Gamma\). N = 3: with one decay zero, 0 still is a local minimum.
Form: Identities; equivalence at N = 2; an explicit neighbourhood at N >= 3.
Scope of proof: All widths, any variances; expansion N = 1, ..., 5; neighbourhood N = 3, 4, 5.
Why: N = 2: gamma_1 (R - 2 v . g) = |gamma_1 W_1 - W_2^T g^T|^2 + (Gamma - G) |W_2|^2. N >= 3: N^N Gamma |v|^2 <= R^N (norm
    lemma and the inequality of the means) and (v . g)^2 <= G |v|^2, hence 4 (v . g)^2 < R^2.
Sharpness: With gamma = (1, 0, 0), W = (t^2, t, t) has L - Y = t^8 - t^4 < 0. Without g = A h, 0 is not the unique minimum at
    G = Gamma. The radius cannot be enlarged: at A = 0, W = (t, t, t) it is where L = Y.
Source: arXiv:2202.04777 has the character of the origin; the spectra, the uniqueness and the neighbourhood are derived for this
    project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Rational

from theory.expressions import gradient, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.origin_claims import (
    MU,
    NAME,
    TAU,
    T,
    claims,
    neighbourhood_statement,
    norm_of_g,
    quadratic_part,
    scaled_loss,
)
from theory.theorems.minima.potential import picked
from theory.theorems.minima.setting import Setting

Row = tuple[str, Statement, dict[str, Any]]


def _refuted(rows: Sequence[Row]) -> list[Counterexample]:
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in rows]


def _state(name: str, s: Setting, given: Sequence[Any], then: Any, *more: Any) -> Statement:
    return Statement(f"{NAME}.{name}", (*s.variables, *more), tuple(given), (then,))


def _line(layers: Sequence[Any], g: Any = 1, a: Any = 0, decays: Sequence[Any] = (1, 1, 1, 1), **more: Any) -> dict[str, Any]:
    """One neuron in every layer, without noise unless said."""
    point = {f"W{i}": [[w]] for i, w in enumerate(layers, 1)} | {f"gamma{i}": c for i, c in enumerate(decays, 1)}
    return {**point, "A": [[a]], "g": [[g]], "Y": 1, "s1": 0, "s2": 0, "s3": 0, **more}


def _setting(depth: int) -> Setting:
    return Setting((1,) * (depth + 1))


def sharpness() -> list[Counterexample]:
    two, three = _setting(2), _setting(3)
    excess, room = two.loss - two.Y, two.decay_product - norm_of_g(two)
    size = sum(map(norm2, three.layers))
    flat = (*map(at_least, (*three.decay, *three.noise)), at_least(three.A), at_least(1 - size))
    no_decay = _state("without_decays", three, flat, at_least(three.loss - three.Y))
    no_bound = _state("without_bound", two, two.hypotheses, at_least(excess))
    no_source = _state("without_consistency", two, (*two.hypotheses, at_least(room), at_least(-excess)), equal(two.layers[0]))
    no_order = _state(
        "without_order", two, (*map(greater, two.decay), at_least(two.noise[0]), at_least(room)), at_least(excess)
    )
    far = _state("far", three, (*three.hypotheses, greater(three.penalty)), greater(three.loss - three.Y))
    quarter, half = Rational(1, 4), Rational(1, 2)
    return _refuted(
        [
            ("gamma > 0", no_decay, _line((quarter, half, half), a=1, decays=(1, 0, 0))),
            ("G <= Gamma", no_bound, _line((1, 1), g=2, a=1)),
            ("g = A h", no_source, _line((1, 1))),
            ("A >= 0", no_order, _line((1, 1), a=-1)),
            ("4 G R^{N-2} < N^N Gamma", far, _line((2, 2, 2), a=0)),
        ]
    )


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    return _refuted([*_false_expansions(), *_false_spectra(), *_false_minima(), *_false_neighbourhoods()])


def _series(s: Setting, noise_order: int, fit: int = 2) -> Expr:
    return scaled_loss(s) - s.Y - T**2 * s.penalty + fit * T**s.depth * s.fit - T**noise_order * s.second_moment


def _false_expansions() -> list[Row]:
    one, three = _setting(1), _setting(3)
    point = _line((1, 1, 1), a=1, t=2)
    loss = (equal(W) for W in one.layers)
    return [
        ("noise in the Hessian", _state("false_order", three, (), equal(_series(three, 2)), T), point),
        ("v . g for 2 v . g", _state("false_fit", three, (), equal(_series(three, 6, 1)), T), point),
        (
            "0 stationary at depth 1",
            _state("false_stationary", one, tuple(loss), equal(gradient(one.loss, one.layers[0]))),
            _line((0,)),
        ),
    ]


def _false_spectra() -> list[Row]:
    two, three = _setting(2), _setting(3)
    (V, U), (c1, c2), G = two.layers, two.decay, norm_of_g(two)
    shape, ratio = V - TAU * U.T * two.g.T, 2 * c2 - MU - 2 * TAU * G
    root = MU**2 - (c1 + c2) * MU + 4 * (c1 * c2 - G)
    grown = MU**2 - 2 * (c1 + c2) * MU + 4 * (c1 * c2 + G)
    then = equal(gradient(quadratic_part(two), V) - MU * V)
    given = (greater(G), equal(shape), equal(ratio))
    half = equal(gradient(quadratic_part(three), three.layers[0]) - three.decay[0] * three.layers[0])
    block = equal(gradient(quadratic_part(two), V) - 2 * c1 * V)
    free = _line((0, 1), mu=2, tau=0)
    return [
        ("sum of decays not doubled", _state("false_trace", two, (*given, equal(root)), then, MU, TAU), free),
        ("sign of G", _state("false_determinant", two, (*given, equal(grown)), then, MU, TAU), _grown()),
        ("gamma_1 for 2 gamma_1", _state("false_block", three, (), half), _line((1, 0, 0))),
        ("2 gamma_1 everywhere at depth 2", _state("false_complement", two, (), block), _line((0, 1))),
    ]


def _grown() -> dict[str, Any]:
    """gamma = (1, 3) and G = 9/25: mu^2 - 8 mu + 12 + 4 G has the root 12/5."""
    g, mu = Rational(3, 5), Rational(12, 5)
    tau = (6 - mu) / (2 * g**2)
    return _line((tau * g, 1), g=g, decays=(1, 3), mu=mu, tau=tau)


def _false_minima() -> list[Row]:
    two = _setting(2)
    excess, G, Gamma = two.loss - two.Y, norm_of_g(two), two.decay_product
    (V, U), c = two.layers, two.decay[0]
    moving = greater(norm2(V) + norm2(U))
    weaker = _state("false_constant", two, (*two.hypotheses, at_least(2 * Gamma - G)), at_least(excess))
    mean = _state("false_mean", two, (*two.hypotheses, at_least(sum(two.decay) - 2 * G)), at_least(excess))
    strict = _state("false_strict", two, (*two.hypotheses, at_least(Gamma - G), moving), greater(excess))
    up = _state("false_direction", two, (*two.hypotheses, greater(G - Gamma), equal(c * V + U.T * two.g.T)), at_least(-excess))
    return [
        ("2 Gamma for Gamma", weaker, _line((Rational(6, 5), 1), g=Rational(7, 5))),
        ("gamma_1 + gamma_2 >= 2 G", mean, _line((2, Rational(1, 8)), g=2, decays=(Rational(1, 16), 8))),
        ("L > Y at G = Gamma", strict, _line((1, 1))),
        ("the other direction", up, _line((-2, 1), g=2)),
    ]


def _false_neighbourhoods() -> list[Row]:
    three, four = _setting(3), _setting(4)
    build, t = neighbourhood_statement, Rational(38, 25)
    tight = _line((Rational(3, 2),) * 3)
    quartic = _line((Rational(283, 200),) * 4)
    return [
        ("28 for 27", build(three, f"{NAME}.false_radius3", 28, 1), _line((t, t, t))),
        ("260 for 256", build(four, f"{NAME}.false_radius4", 260, 2), quartic),
        ("<= for <", build(three, f"{NAME}.false_closed", 27, 1, strict=False), tight),
        ("R^2 for R", build(three, f"{NAME}.false_power", 27, 2), _line((Rational(1, 10),) * 3, g=16)),
    ]


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The expansion, and what the neighbourhood rests on: N^N Gamma (v . g)^2 <= G R^N and L - Y >= R - 2 v . g."""
    s = Setting(tuple(widths))
    n, values = s.depth, s.draw(draw)
    values["t"] = draw.scalar()
    bound = norm_of_g(s) * s.penalty**n - n**n * s.decay_product * s.fit**2
    then = (equal(_series(s, 2 * n)), at_least(bound), at_least(s.loss - s.Y - s.penalty + 2 * s.fit))
    return Instance(Statement(f"{NAME}.sampled{n}", (*s.variables, T), s.hypotheses, then), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B13",
    title="The origin: its Hessian, and when it is a minimum",
    form="identities, equivalence at two layers, explicit neighbourhood from three layers on",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (3, 2, 2, 1), (2, 3, 2, 2, 1)),
    supported_at=((16, 16, 1), (16, 16, 16, 1), (32, 16, 16, 16, 1), (8, 8, 8, 8, 8, 1)),
)
