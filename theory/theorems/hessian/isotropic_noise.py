r"""Isotropic noise on the whole space: for two scalars it increases the trace, and near balance the determinant.

Setting: noise covariance Sigma = c I on all parameters (also along the valley M), regular M. Two scalars: loss 1/2 (w_1 w_2 -
y)^2, y > 0, on the valley w = sqrt(y) (e^{-x}, e^x); T = Tr H = pdet H = w_1^2 + w_2^2 = 2 y cosh 2x = g, the metric of the
coordinate x; D = w_2^2 - w_1^2 = 2 y sinh 2x.

Hypotheses: w_1 w_2 = y != 0, c > 0.

Conclusion: a function F on M has the mean rate (used as known)
\(\tfrac c2 \mathrm{Lap}_M F - \tfrac c4 \langle \nabla_M \log \mathrm{pdet} H, \nabla_M F \rangle\), and for two scalars
\[ \tfrac c2 (F'/g)' \; ; \qquad \text{of Tr: } \frac{8 c y^2}{T^2} = \frac{2 c}{\cosh^2 2x} > 0 \text{ everywhere}; \qquad
   \text{of log pdet: } \frac{c\,(16 y^2 - 2 T^2)}{T^3} = \frac cy\, \frac{2 - \cosh^2 2x}{\cosh^3 2x} , \]
positive where T^2 < 8 y^2. The invariant density is flat in x: there is no stationary law.

Form: identities and strict inequalities.

Scope of proof: two scalars, all real values. The mean rate of F is c/2 times the Laplacian of F(Phi(w)), where Phi, the limit
of gradient flow, has x(Phi(w)) with 2 y sinh 2x = D(w) for every w nearby: the claims differentiate T^2 = D^2 + 4 y^2 and 2 y
sinh 2x = D twice. F is any function, by its derivatives F', F''. The coordinate u = e^{2x} > 0 has T = y (u + 1/u). The
formula of the first line for other valleys is not proved here, nor the invariance of the density dx, under which (c/2)(F'/g)'
is symmetric. The experiment compares an ensemble of two scalars with the backward equation.

Why: noise along the valley diffuses, with T convex along it; the drift of the normal noise alone is too weak.

Sharpness: at w = (1, 1), y = 1 the trace has the mean rate 2 c and log pdet the mean rate c: "isotropic noise decreases the
determinant" and "noise decreases the trace" both need noise confined to range H. Away from balance, at w = (1, 3), log pdet
decreases.

Source: own derivation, in the setting of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from theory.certificates import Step
from theory.statement import Condition, Statement
from theory.terms import Term, fact, step
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import W1, W2, Coordinates, D, T, Y, dot, numbered, scalars
from theory.theorems.hessian.setting import is_zero, nonnegative, positive, statement, total

NAME = "hessian.isotropic_noise"
C, RATE, LOG, F1, F2, MEAN, U, INVERSE = scalars("c a b f1 f2 m u i")
# First and second derivatives by w_1 and by w_2 of the trace and of the coordinate x at the limit of gradient flow.
P, PP, X, XX = numbered("p", 2), numbered("q", 2), numbered("x", 2), numbered("z", 2)
PLANE = Coordinates((W1, W2), D)
FIT = W1 * W2 - Y
SLOPE = PLANE.gradient(D)
BEND = [PLANE.gradient(s)[k] for k, s in enumerate(SLOPE)]


def trace_jets() -> tuple[list[Term], list[Term]]:
    """T^2 = D^2 + 4 y^2, differentiated once and twice by each variable."""
    once = [T * p - D * d for p, d in zip(P, SLOPE, strict=True)]
    twice = [p**2 + T * q - d**2 - D * e for p, q, d, e in zip(P, PP, SLOPE, BEND, strict=True)]
    return once, twice


def coordinate_jets() -> tuple[list[Term], list[Term]]:
    """2 y sinh 2x = D, where 2 y cosh 2x is the trace at the limit, differentiated once and twice."""
    once = [2 * T * x - d for x, d in zip(X, SLOPE, strict=True)]
    twice = [2 * p * x + 2 * T * z - e for p, x, z, e in zip(P, X, XX, BEND, strict=True)]
    return once, twice


# The mean rates a of the trace, b of its logarithm, m of F: c/2 times the Laplacian; T^2 (log T)'' = T T'' - T'^2.
MEANS = {
    "trace": RATE - C * total(PP) / 2,
    "log": T**2 * LOG - C * (T * total(PP) - dot(P, P)) / 2,
    "any": MEAN - C * (F2 * dot(X, X) + F1 * total(XX)) / 2,
}
LAWS = {
    "trace": T**2 * RATE - 8 * C * Y**2,
    "log": T**3 * LOG - C * (16 * Y**2 - 2 * T**2),
    # (F' / g)' = F'' / g - F' g' / g^2 with g = T and g' = 2 D.
    "any": 2 * T**2 * MEAN - C * (T * F2 - 2 * D * F1),
}
VARIABLES = (W1, W2, Y, C, *P, *PP, RATE, LOG)
POINT = {"w1": 1, "w2": 1, "y": 1, "c": 1, "p1": 0, "p2": 0, "q1": 2, "q2": 2, "a": 2, "b": 1}


def gradient_square() -> Step:
    """T^2 |grad T|^2 - 4 T D^2 = 0, as |grad D|^2 = 4 T."""
    once, _ = trace_jets()
    squares = (T * p + D * d for p, d in zip(P, SLOPE, strict=True))
    return step("==", SQUARE, total(fact(x) * y for x, y in zip(once, squares, strict=True)))


SQUARE = T**2 * dot(P, P) - 4 * T * D**2


def given() -> tuple[Condition, ...]:
    once, twice = trace_jets()
    return (
        is_zero(FIT),
        *map(is_zero, (*once, *twice, MEANS["trace"], MEANS["log"])),
        positive(T),
        positive(Y**2),
        positive(C),
    )


def rates() -> Claim:
    """T^3 Lap T = 4 T (T^2 - D^2) = 16 T y^2; then the two rates, and the first is positive."""
    _, twice = trace_jets()
    size, square, means = fact(T), fact(SQUARE), {k: fact(x) for k, x in MEANS.items() if k != "any"}
    bends = T**2 * total(map(fact, twice)) - square
    off = 4 * (W1 * W2 + Y) * fact(FIT)  # T^2 - D^2 - 4 y^2
    trace = T**3 * means["trace"] + C * (bends + 4 * T * off) / 2
    log = T**3 * means["log"] + C * T * (bends + 8 * T * off - square) / 2
    steps = (
        gradient_square(),
        step("==", LAWS["trace"], trace, size),
        step("==", LAWS["log"], log, size**2),
        step(">", RATE, fact(LAWS["trace"]) + 8 * fact(C) * fact(Y**2), size**2),
    )
    then = (is_zero(LAWS["trace"]), is_zero(LAWS["log"]), positive(RATE))
    return Claim(statement(f"{NAME}.rates", VARIABLES, then, given()), steps, POINT)


def generator() -> Claim:
    """The mean rate of any function of x is (c / 2) (F' / g)' with g = T and g' = 2 D."""
    (p1, _), (x1, x2) = trace_jets(), coordinate_jets()
    unit, cross = T * dot(X, X) - 1, 2 * T**2 * dot(P, X) - 4 * T * D
    by_unit = total(fact(z) * (2 * T * x + d) for z, x, d in zip(x1, X, SLOPE, strict=True))
    by_cross = total(fact(p) * 2 * T * x + D * d * fact(z) for p, z, x, d in zip(p1, x1, X, SLOPE, strict=True))
    law = 2 * T**3 * fact(MEANS["any"]) + C * F2 * T**2 * fact(unit) + C * F1 * (T**2 * total(map(fact, x2)) - fact(cross)) / 2
    steps = (
        step("==", unit, by_unit, 4 * fact(T)),
        step("==", cross, by_cross),
        step("==", LAWS["any"], law, fact(T)),
    )
    point = {"w1": 1, "w2": 1, "c": 1, "f1": 1, "f2": 1, "m": "1/4", "p1": 0, "p2": 0}
    point |= {"x1": "-1/2", "x2": "1/2", "z1": "-1/2", "z2": "1/2"}
    return Claim(any_function(), steps, point)


def any_function() -> Statement:
    (p1, _), (x1, x2) = trace_jets(), coordinate_jets()
    variables = (W1, W2, C, F1, F2, MEAN, *P, *X, *XX)
    hypotheses = (*map(is_zero, (*p1, *x1, *x2, MEANS["any"])), positive(T))
    return statement(f"{NAME}.generator", variables, [is_zero(LAWS["any"])], hypotheses)


def hyperbolic() -> Claim:
    """With w_1^2 = y / u, w_2^2 = y u: T = y (u + 1/u), D = y (u - 1/u), and (u + 1/u)^2 a = 8 c."""
    both, inverse = (W1**2 - Y * INVERSE, W2**2 - Y * U), U * INVERSE - 1
    law, claimed = LAWS["trace"], (U + INVERSE) ** 2 * RATE - 8 * C
    T_, D_ = T - Y * (U + INVERSE), D - Y * (U - INVERSE)
    steps = (
        step("==", T_, fact(both[0]) + fact(both[1])),
        step("==", D_, fact(both[1]) - fact(both[0])),
        step("==", claimed, fact(law) - RATE * (T + Y * (U + INVERSE)) * fact(T_), fact(Y**2)),
    )
    zeros = (*both, inverse, law)
    s = statement(
        f"{NAME}.hyperbolic",
        (W1, W2, Y, C, U, INVERSE, RATE),
        map(is_zero, (T_, D_, claimed)),
        [*map(is_zero, zeros), positive(Y**2)],
    )
    return Claim(s, steps, {"w1": 1, "w2": 1, "y": 1, "c": 1, "u": 1, "i": 1, "a": 2})


def claims() -> Iterator[Claim]:
    yield rates()
    yield generator()
    yield hyperbolic()


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def words(text: str, then: Condition) -> Statement:
    return statement(f"{NAME}: {text}", VARIABLES, [then], given())


# At w = (1, 3) the trace is 10 and log pdet decreases.
UNBALANCED = {"w1": 1, "w2": 3, "y": 3, "c": 1, "p1": "-8/5", "p2": "24/5", "q1": "-182/125", "q2": "362/125"}
UNBALANCED |= {"a": "18/25", "b": "-7/125"}


def sharpness() -> Iterator[Counterexample]:
    confined = "noise confined to range H"
    yield Counterexample(confined, words("isotropic noise decreases the trace", nonnegative(-RATE)), POINT)
    yield Counterexample(confined, words("isotropic noise decreases the determinant", nonnegative(-LOG)), POINT)
    yield Counterexample("near balance", words("isotropic noise increases the determinant", nonnegative(LOG)), UNBALANCED)


def variants() -> Iterator[Statement]:
    yield from (c.statement for c in sharpness())
    wrong = {
        "half the rate of the trace": T**2 * RATE - 4 * C * Y**2,
        "y for y^2": T**2 * RATE - 8 * C * Y,
        "the rate of log pdet is that of the trace over it": T * LOG - RATE,
        "the other sign": T**3 * LOG + C * (16 * Y**2 - 2 * T**2),
    }
    yield from (words(text, is_zero(x)) for text, x in wrong.items())
    s = any_function()
    forms = {
        "without the drift of the metric": 2 * T**2 * MEAN - C * T * F2,
        "the Laplacian of the valley alone": 2 * T**2 * MEAN - C * (T * F2 - D * F1),
        "twice the diffusion": T**2 * MEAN - C * (T * F2 - 2 * D * F1),
    }
    yield from (replace(s, name=f"{NAME}: {text}", then=(is_zero(x),)) for text, x in forms.items())


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random weights; the derivatives solve their equations."""
    env = {str(x.node.data[0]): draw.scalar() for x in (W1, W2, F1, F2)} | {"c": draw.positive()}
    env["y"] = draw.value((W1 * W2).node, env)
    size = T.node
    for k in (0, 1):
        d, e = SLOPE[k], BEND[k]
        env[f"p{k + 1}"] = draw.solve(size, (D * d).node, env)
        env[f"q{k + 1}"] = draw.solve(size, (d**2 + D * e - P[k] ** 2).node, env)
        env[f"x{k + 1}"] = draw.solve((2 * T).node, d.node, env)
        env[f"z{k + 1}"] = draw.solve((2 * T).node, (e - 2 * P[k] * X[k]).node, env)
    for name, kind in (("a", "trace"), ("m", "any")):
        env[name] = draw.value((-MEANS[kind]).node, env | {name: 0 * env["w1"]})
    env["b"] = draw.solve((T**2).node, (C * (T * total(PP) - dot(P, P)) / 2).node, env)
    once, twice = zip(trace_jets(), coordinate_jets(), strict=True)
    zeros = (*once[0], *once[1], *twice[0], *twice[1], *MEANS.values())
    s = statement(f"{NAME}.instance", (*VARIABLES, F1, F2, MEAN, *X, *XX), map(is_zero, LAWS.values()), map(is_zero, zeros))
    return Instance(s, env)


THEOREM = Theorem(
    name=NAME,
    sheet="H12",
    title="Isotropic noise on the whole space increases the trace: two scalars",
    form="identities and strict inequalities",
    source="own derivation, in the setting of arXiv:1910.00195",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1),),
    note=(
        'That "isotropic noise in the non-degenerate subspace of the Hessian decreases its determinant" needs that subspace: '
        "isotropic noise on the whole space has, for two scalars at w = (1, 1), y = 1, the mean rate +2 c of Tr H (positive "
        "everywhere) and +c of log pdet H."
    ),
)
