r"""The global minimum in radicals, for isotropic data (arXiv:2202.04777).

Setting: A = E[x x^T] = a I, alpha = kappa a, G = |g|^2, D = N - 1 hidden layers, c > 0 with c^2 = G Gamma, and
    psi(b) = D b - b^D G / (alpha b^D + Gamma). Roots are variables: r > 0 with r^2 = b.
Hypotheses: alpha, Gamma > 0.
Conclusion: The stationary points of psi are the roots of
    \[ f(r) = \alpha r^{2D} - c\, r^{D-1} + \Gamma = 0 . \]
    A root with f'(r) >= 0 is the largest one, and \(\min_{\beta \ge 0}\psi(\beta) = \min(0, \psi(b))\) there. In radicals:
    D = 1: \(\alpha b = c - \Gamma\); D = 2 (Ferrari): \(2 r = s + t\) with \(s^2 = 2 y\), \(\alpha s t^2 = 2 c - \alpha s^3\),
    \(8 \alpha^2 y^3 = 8 \alpha\Gamma y + c^2\); D = 3: \(b = \rho \cos\theta\) with \(3 \alpha\rho^2 = 4 c\),
    \(\cos 3\theta = -3\Gamma / (c\rho)\). At D = 1 the bound is one on the loss: \(\alpha (L - Y) \ge -(|g| - \sqrt\Gamma)^2\).
Form: Equivalence; memberships; inequality for all beta, and for all parameters at D = 1.
Scope of proof: Reduction and minimality: D = 1, ..., 5; radicals: D = 1, 2, 3; the loss at D = 1: all widths, with noise.
Why: lambda S = b is (alpha b^D + Gamma)^2 = G Gamma b^{D-1}. With E = alpha b^D + Gamma the gap is a square times a polynomial:
    \[ b\,(\alpha\beta^D + \Gamma)(\psi(\beta) - \psi(b)) = (\beta - b)^2 \sum_{j<D} ((j+1) E - D\Gamma)(\beta/b)^j . \]
Sharpness: The smaller root is a maximum; the largest root is not the minimum if psi(b) > 0; data that are not isotropic fail.
Source: arXiv:2202.04777 has the form of the minimiser; the closed forms are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import ImmutableMatrix, MatrixSymbol, Rational, Symbol, Trace, symbols

from theory.expressions import norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.closed_form_claims import (
    A_SCALAR,
    ALPHA,
    BETA,
    NAME,
    ROOT,
    C,
    G,
    M,
    P,
    Q,
    R,
    S,
    claims,
    equation,
    loss_statement,
    minimum_statement,
    reduction_given,
    squared,
    unit_point,
    value,
    weight,
)
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.potential import GAMMA, LAMBDA, B, picked
from theory.theorems.minima.radicals import FERRARI, REST, SIGNS, SQRT, X, Y, ferrari_point, quartic
from theory.theorems.minima.setting import Setting

REDUCED = (ALPHA, GAMMA, G, C, R, LAMBDA, S)
Row = tuple[str, Statement, dict[str, Any]]


def _refuted(rows: Sequence[Row]) -> list[Counterexample]:
    return [Counterexample(drops, s, picked(s, point)) for drops, s, point in rows]


def _state(name: str, variables: Sequence[Any], given: Sequence[Condition], *then: Condition) -> Statement:
    return Statement(f"{NAME}.{name}", tuple(variables), tuple(given), then)


def _psi(b: Any, alpha: Any, size: Any, hidden: int = 2) -> Any:
    """psi at Gamma = 1."""
    return hidden * b - Rational(b) ** hidden * size / (alpha * Rational(b) ** hidden + 1)


def _minimum_point(alpha: Any, size: Any, b: Any, beta: Any) -> dict[str, Any]:
    values = {"p": _psi(b, alpha, size), "q": _psi(beta, alpha, size)}
    return {"alpha": alpha, "Gamma": 1, "G": size, "b": b, "beta": beta, **values}


def _quiet() -> Network:
    return Network(Setting((1, 1, 1), noisy=False))


def _line(**more: Any) -> dict[str, Any]:
    """D = 1, one neuron: A = 1, g = 2, gamma = (1, 1), W = (1, 1): L - Y = -1 = -(|g| - sqrt(Gamma))^2, the minimum."""
    point = {
        "W1": [[1]],
        "W2": [[1]],
        "A": [[1]],
        "g": [[2]],
        "Y": 4,
        "gamma1": 1,
        "gamma2": 1,
        "s1": 1,
        "a": 1,
        "m": 2,
        "root": 1,
    }
    return {**point, **more}


def sharpness() -> list[Counterexample]:
    half, quarter = Rational(1, 2), Rational(1, 4)
    x = Symbol("x")
    no_sign = minimum_statement(2, f"{NAME}.smaller_root", at_least(Q - P), drop="sign")
    no_root = minimum_statement(2, f"{NAME}.no_root", at_least(Q - P), drop="root")
    signs = (greater(ALPHA), greater(GAMMA), greater(C), greater(R), greater(x - R))
    any_root = _state("any_root", (ALPHA, GAMMA, C, R, x), (*signs, equal(equation(2))), greater(equation(2, x)))
    given = tuple(c for c in reduction_given(2) if c != greater(C))
    either_sign = _state("either_sign", REDUCED, (*given, equal(LAMBDA**3 * S**2 - GAMMA)), equal(equation(2)))
    anisotropic = loss_statement(_quiet(), "anisotropic", isotropic=False)
    positive_value = _state(
        "positive_value",
        (ALPHA, GAMMA, G, B, BETA, P, Q),
        (
            greater(ALPHA),
            greater(GAMMA),
            greater(B),
            at_least(BETA),
            equal(value(2, B, P)),
            equal(value(2, BETA, Q)),
            equal(squared(2)),
        ),
        at_least(Q - P),
    )
    return _refuted(
        [
            ("E >= D Gamma", no_sign, _minimum_point(half, Rational(9, 4), 1, 0)),
            ("f(b) = 0", no_root, _minimum_point(2, 25, 1, Rational(3, 2))),
            ("f'(r) >= 0", any_root, {"alpha": quarter, "Gamma": 1, "c": Rational(5, 4), "r": 1, "x": Rational(11, 10)}),
            ("c > 0", either_sign, {**unit_point(2), "c": -2}),
            ("A = a I", anisotropic, _line(A=[[0]], W1=[[2]], W2=[[2]])),
            ("psi(b) <= 0", positive_value, _minimum_point(Rational(4, 5), Rational(81, 25), 1, 0)),
        ]
    )


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    return _refuted([*_false_equations(), *_false_minima(), *_false_radicals(), *_false_losses()])


def _general() -> dict[str, Any]:
    """D = 2, alpha = 1, Gamma = 4, r = 2: c = 10, G = 25, lambda = 1/4, S = 16."""
    return {"alpha": 1, "Gamma": 4, "r": 2, "c": 10, "G": 25, "lambda": Rational(1, 4), "S": 16}


def _false_equations() -> list[Row]:
    given = (*reduction_given(2), equal(LAMBDA**3 * S**2 - GAMMA))
    wrong = {
        "r^D for r^{D-1}": ALPHA * R**4 - C * R**2 + GAMMA,
        "G for c": ALPHA * R**4 - G * R + GAMMA,
        "r^D for r^{2D}": ALPHA * R**2 - C * R + GAMMA,
        "Gamma^2 for Gamma": ALPHA * R**4 - C * R + GAMMA**2,
        "sign of c": ALPHA * R**4 + C * R - GAMMA,
    }
    return [
        (text, _state(f"false_equation{k}", REDUCED, given, equal(e)), _general()) for k, (text, e) in enumerate(wrong.items())
    ]


def _false_minima() -> list[Row]:
    strict = minimum_statement(2, f"{NAME}.false_strict", greater(Q - P))
    weaker = [at_least(2 * weight(2) - 3 * GAMMA) if c == at_least(weight(2) - 2 * GAMMA) else c for c in strict.given]
    early = _state("false_early", strict.variables, weaker, at_least(Q - P))
    signs = (greater(ALPHA), greater(GAMMA), greater(B), equal(squared(2)), at_least(2 * GAMMA - weight(2)))
    critical = _state("false_critical", (ALPHA, GAMMA, G, B), signs, at_least(16 * ALPHA * GAMMA - G**2))
    negative = _state("false_negative", strict.variables, strict.given, greater(-P))
    low = Rational(1, 100)
    return [
        ("strict inequality", strict, _minimum_point(2, 9, 1, 1)),
        ("3 Gamma / 2 for 2 Gamma", early, _minimum_point(Rational(1, 2), Rational(9, 4), 1, 0)),
        ("any root has Gamma >= Gamma_c", critical, {"alpha": low, "Gamma": 1, "G": (1 + low) ** 2, "b": 1}),
        ("psi(b) < 0", negative, _minimum_point(1, 4, 1, 2)),
    ]


def _false_radicals() -> list[Row]:
    variables = (ALPHA, GAMMA, C, R, Y, SQRT, REST)
    point = ferrari_point()
    other = (*FERRARI[:-1], equal(2 * R - SQRT + REST))
    smaller = _state("false_ferrari", (*variables, X), (*other, greater(X - R)), greater(quartic(X)))
    double = _state("false_ferrari_half", variables, (*FERRARI[:-1], equal(R - SQRT - REST)), equal(quartic()))
    rho, k = Symbol("rho"), Symbol("k")
    given = (*SIGNS, greater(rho), at_least(2 * k - 1), equal(3 * ALPHA * rho**2 - 4 * C), equal(B - rho * k))
    cubic = ALPHA * B**3 - C * B + GAMMA
    angle = _state(
        "false_cosine", (ALPHA, GAMMA, C, B, rho, k), (*given, equal((4 * k**3 - 3 * k) * C * rho + 2 * GAMMA)), equal(cubic)
    )
    third = {"alpha": 1, "c": 3, "rho": 2, "k": Rational(3, 5), "b": Rational(6, 5)}
    linear = _state(
        "false_linear", (ALPHA, GAMMA, G, C, B), (*SIGNS, equal(C**2 - G * GAMMA), equal(ALPHA * B - C + GAMMA)), greater(B)
    )
    return [
        ("s - t for s + t", smaller, {**point, "r": Rational(1, 2), "x": 1}),
        ("r for 2 r", double, {**point, "r": 3}),
        ("-2 Gamma for -3 Gamma", angle, {**third, "Gamma": Rational(351, 125)}),
        ("b > 0 without c > Gamma", linear, {"alpha": 1, "Gamma": 4, "G": 1, "c": 2, "b": -2}),
    ]


def _false_losses() -> list[Row]:
    quiet, noisy = _quiet(), Network(Setting((1, 1, 1)))
    half = loss_statement(quiet, "false_half", gap=(M - ROOT) ** 2 / 2)
    swapped = loss_statement(quiet, "false_product", gap=(M - ROOT**2) ** 2 / 4)
    squared_noise = loss_statement(noisy, "false_noise", alpha=noisy.kappa**2 * A_SCALAR)
    # kappa = 2, gamma = (2, 1/2): the minimum is L - Y = -1/2 at W = (1/2, 1).
    point = _line(gamma1=2, gamma2=Rational(1, 2), W1=[[Rational(1, 2)]])
    return [
        ("half of the gap", half, _line()),
        ("Gamma for its root", swapped, _line()),
        ("kappa^2 for kappa", squared_noise, point),
    ]


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Two layers: the bound on the loss at random isotropic data; deeper: psi(beta) >= psi(b) at a random global minimum b."""
    return _sample_loss(draw, widths) if len(widths) == 3 else _sample_minimum(draw, len(widths) - 2)


def _sample_loss(draw: Draw, widths: Sequence[int]) -> Instance:
    """g = t (|f|^2 e - 2 f_1 f), e = (1, 0, ...), is a reflection of norm t |f|^2; gamma_i = p_i^2: no root is taken."""
    net, d = Network(Setting(tuple(widths))), int(widths[0])
    s, e, f, (t, p1, p2) = net.setting, MatrixSymbol("e", d, 1), MatrixSymbol("f", d, 1), symbols("t p1 p2")
    env = {"f": draw.matrix(d, 1)} | {name: draw.positive() for name in ("t", "p1", "p2", "a")}
    env["e"] = draw.value(ImmutableMatrix(d, 1, [1] + [0] * (d - 1)), env)
    made = {"A": A_SCALAR * s.identity, "g": t * norm2(f) * e - 2 * t * Trace(e.T * f) * f, "m": t * norm2(f)}
    made |= {"gamma1": p1**2, "gamma2": p2**2, "root": p1 * p2}
    values = {W.name: draw.matrix(int(W.shape[0]), int(W.shape[1])) for W in s.layers}
    values |= {name: draw.value(x, env) for name, x in made.items()}
    values |= {"a": env["a"], "s1": draw.nonnegative(), "Y": draw.scalar()}
    return Instance(loss_statement(net, "sampled_loss", size=at_least(M)), values)


def _sample_minimum(draw: Draw, hidden: int) -> Instance:
    """Gamma = nu b^{2D-1}, alpha = (D - 1 + rho) nu b^{D-1}, G = nu b^D (D + rho)^2 make b the global minimum."""
    n, nu, rho = hidden, Symbol("nu"), Symbol("rho")
    env = {"b": draw.positive(), "nu": draw.positive(), "rho": draw.positive(), "beta": draw.nonnegative()}
    made = {
        "Gamma": nu * B ** (2 * n - 1),
        "alpha": (n - 1 + rho) * nu * B ** (n - 1),
        "G": nu * B**n * (n + rho) ** 2,
        "p": -rho * B,
    }
    values = {name: draw.value(x, env) for name, x in made.items()} | {"b": env["b"], "beta": env["beta"]}
    given = (greater(ALPHA), greater(GAMMA), greater(B), at_least(BETA), equal(squared(n)), equal(value(n, B, P)))
    above = n * BETA * weight(n, BETA) - BETA**n * G - P * weight(n, BETA)
    s = Statement(f"{NAME}.sampled_minimum{n}", (ALPHA, GAMMA, G, B, BETA, P), given, (at_least(above), at_least(-P)))
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="B12",
    title="The global minimum in radicals for isotropic data",
    form="equivalence, memberships and inequalities",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (4, 3, 1), (1, 1, 1, 1), (1, 1, 1, 1, 1)),
    supported_at=((16, 16, 1), (64, 32, 1), (1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1)),
)
