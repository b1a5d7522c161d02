r"""Noise that is not a multiple of the Hessian: the trace goes up while the determinant goes down, and the reverse.

Setting: f = (w v_1, w v_2) with target (Y, 0), on the valley v = (Y / w, 0). H has the eigenvalues lambda_1 = w^2 (vector e_1 =
(0, 0, 1)) and lambda_2 = w^2 + Y^2 / w^2, so \(\mathrm{Tr} H = 2 w^2 + Y^2 / w^2\) and pdet H = w^4 + Y^2.

Hypotheses: w != 0, c > 0; noise covariance Sigma supported on range H, as below.

Conclusion: the effective velocity of w along the valley is
1. for Sigma = c H: \(-\tfrac c2 \, w (2 w^4 - Y^2) / (w^4 + Y^2)\);
2. for Sigma = c e_1 e_1^T: \(-\tfrac c2 \, w^3 / (w^4 + Y^2)\);
3. for Sigma = c P_N: \(-c\, w^7 / (w^4 + Y^2)^2\);
4. and 0 for the mixed part e_1 n^T + n e_1^T of any Sigma.

So where 2 w^4 < Y^2: isotropic noise on the normal space (3) decreases the determinant and increases the trace; noise in
proportion to H (1) decreases the trace and increases the determinant. Sampling of the two data points (1, (Y, z)) and
(1, (Y, -z)), one a step, has Sigma = z^2 w^2 e_1 e_1^T: plain stochastic gradient descent increases the trace there; so does
label noise on the second output only.

Form: identities and strict inequalities.

Scope of proof: all real values. The velocity is -1/2 P_T nabla^3 L[S] where Sigma = H S + S H (`hessian.flow_limit`); S is
checked.

Why: e_1 sees lambda_1 = w^2 alone, which a smaller w decreases, while lambda_2 grows.

Sharpness: at Y = 1, w = 1/2: (1) Tr' = -49 c / 17, (log pdet)' = 28 c / 289; (2) Tr' = 14 c / 17; (3) Tr' = 28 c / 289,
(log pdet)' = -16 c / 4913.

Source: own derivation, in the setting of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from theory.certificates import Step
from theory.statement import Statement
from theory.terms import Term, fact, step
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import Matrix, combined, entries, matmul, outer, scalars, times
from theory.theorems.hessian.one_one_two import (
    EE,
    FIT,
    HIGH,
    LOW,
    MIXED,
    NET,
    NN,
    SIZE,
    TANGENT,
    V1,
    V2,
    VALLEY,
    C,
    W,
    Y,
    pdet_slope,
    trace_slope,
    turning,
)
from theory.theorems.hessian.setting import is_zero, nonnegative, positive, statement

NAME = "hessian.misaligned_noise"
# The velocity of w, and the rates of the trace and of log pdet.
SPEED, TRACE, LOGDET, Z = scalars("u a b z")
NET_VARIABLES = (W, V1, V2, Y, C)
NORM = W**4 + Y**2


@dataclass(frozen=True)
class Noise:
    """`scale` S = (c / 2)(p e_1 e_1^T + q n n^T) and `scale` Sigma = c `covariance`.

    `local` and `law` are the velocity u, as zeros in (w, v_1) and in (w, Y): `shared` times `local` is `part` of the equation
    of u, and `law` is w^`power` `local` plus `cofactor` (Y^2 - w^2 v_1^2).
    """

    name: str
    scale: Term
    p: Any
    q: Any
    covariance: Matrix
    local: Term
    law: Term
    shared: Term
    part: int
    power: int
    cofactor: Term

    @property
    def S(self) -> Matrix:
        """2 scale S / c."""
        return combined((self.p, EE), (self.q, NN))

    @property
    def velocity(self) -> Term:
        """u = -1/2 w <t, nabla^3 L[S]> / lambda_2, with the denominators multiplied out."""
        return 4 * self.scale * HIGH * SPEED + C * W * turning(self.S)

    def steps(self) -> tuple[Step, Step]:
        """First in w and v_1, a power of lambda_2 = w^2 + v_1^2 > 0 divided out; then with w^2 v_1^2 = Y^2."""
        lifted = W**self.power * fact(self.local) - self.cofactor * (W * V1 + Y) * fact(FIT)
        return step("==", self.local, fact(self.velocity) / self.part, self.shared), step("==", self.law, lifted)


ALIGNED = Noise(
    name="aligned",
    scale=HIGH,
    p=HIGH,
    q=1,
    covariance=combined((HIGH, NET.hessian)),
    local=2 * HIGH * SPEED + C * W * (2 * LOW - V1**2),
    law=2 * NORM * SPEED + C * W * (2 * W**4 - Y**2),
    shared=SIZE,
    part=2,
    power=2,
    cofactor=2 * SPEED - C * W,
)
ONE = Noise(
    name="one_direction",
    scale=LOW,
    p=1,
    q=0,
    covariance=combined((LOW, EE)),
    local=2 * HIGH * SPEED + C * W,
    law=2 * NORM * SPEED + C * W**3,
    shared=fact(LOW),
    part=2,
    power=2,
    cofactor=2 * SPEED,
)
ISOTROPIC = Noise(
    name="isotropic_normal",
    scale=LOW * HIGH**2,
    p=HIGH**2,
    q=LOW,
    covariance=combined((LOW * HIGH**2, EE), (LOW * HIGH, NN)),
    local=HIGH**2 * SPEED + C * W**3,
    law=NORM**2 * SPEED + C * W**7,
    shared=fact(LOW) * SIZE,
    part=4,
    power=4,
    cofactor=(NORM + LOW * HIGH) * SPEED,
)
NOISES = (ALIGNED, ONE, ISOTROPIC)


# -- the velocities -----------------------------------------------------------------------------------------------------


def lyapunov(noise: Noise) -> Claim:
    """H S + S H = Sigma and S t = 0; found by the provers."""
    H, S = NET.hessian, noise.S
    both = combined((1, matmul(H, S)), (1, matmul(S, H)), (-2, noise.covariance))
    zeros = [*entries(both), *times(S, TANGENT)]
    s = statement(f"{NAME}.{noise.name}.covariance", NET_VARIABLES[:-1], map(is_zero, zeros), VALLEY[:2])
    return Claim(s, None, {"w": 1, "v1": 2, "v2": 0, "Y": 2})


def velocity(noise: Noise) -> Claim:
    return Claim(moving(noise), noise.steps(), {k: x for k, x in POINTS[noise.name].items() if k not in ("a", "b")})


def moving(noise: Noise) -> Statement:
    given, then = (*VALLEY, is_zero(noise.velocity)), map(is_zero, (noise.local, noise.law))
    return statement(f"{NAME}.{noise.name}.velocity", (*NET_VARIABLES, SPEED), then, given)


def mixed() -> Claim:
    """<t, nabla^3 L[e_1 n^T + n e_1^T]> = 0; found by the provers."""
    s = statement(f"{NAME}.mixed", NET_VARIABLES[:-1], [is_zero(turning(MIXED))], VALLEY[:2])
    return Claim(s, None, {"w": 1, "v1": 2, "v2": 0, "Y": 2})


def sampling() -> Claim:
    """The gradients at the labels (Y, z) and (Y, -z): their mean is that of L, their covariance z^2 w^2 e_1 e_1^T."""
    losses = [(FIT**2 + (W * V2 - sign * Z) ** 2) / 2 for sign in (1, -1)]
    g, h = (NET.gradient(f) for f in losses)
    second = combined((1, outer(g, g)), (1, outer(h, h)), (-2 * Z**2 * LOW, EE))
    mean = [a + b - 2 * d for a, b, d in zip(g, h, NET.gradient(NET.loss), strict=True)]
    s = statement(f"{NAME}.sampling", (W, V1, V2, Y, Z), map(is_zero, (*mean, *entries(second))), VALLEY[:2])
    return Claim(s, None, {"w": 1, "v1": 2, "v2": 0, "Y": 2, "z": 1})


# -- the rates of the trace and of the determinant ----------------------------------------------------------------------

# w Tr' = <t, grad Tr H> u and lambda_2 (log pdet)' = 4 w u.
RATES = (W * TRACE - (4 * LOW - 2 * V1**2) * SPEED, HIGH * LOGDET - 4 * W * SPEED)
GAP = V1**2 - 2 * LOW


def slopes() -> Claim:
    """<t, grad Tr H> = 4 w^2 - 2 v_1^2 and <t, grad pdet H> = 4 w^4; found by the provers."""
    zeros = (trace_slope() - 4 * LOW + 2 * V1**2, pdet_slope() - 4 * W**4)
    s = statement(f"{NAME}.slopes", NET_VARIABLES[:-1], map(is_zero, zeros), VALLEY[:2])
    return Claim(s, None, {"w": 1, "v1": 2, "v2": 0, "Y": 2})


def signs(noise: Noise, then: Sequence[Term], evidence: Sequence[tuple[Term, Term]]) -> Claim:
    """Signs of rates where 2 w^4 < Y^2; the evidence is (by, times)."""
    given = (*VALLEY, is_zero(noise.velocity), *map(is_zero, RATES), positive(GAP), positive(C))
    s = statement(f"{NAME}.{noise.name}.signs", (*NET_VARIABLES, SPEED, TRACE, LOGDET), map(positive, then), given)
    steps = (noise.steps()[0], *(step(">", x, by, q) for x, (by, q) in zip(then, evidence, strict=True)))
    return Claim(s, steps, POINTS[noise.name])


# At Y = 1, w = 1/2, c = 1.
HERE = {"w": "1/2", "v1": 2, "v2": 0, "Y": 1, "c": 1}
POINTS = {
    "aligned": HERE | {"u": "7/34", "a": "-49/17", "b": "28/289"},
    "one_direction": HERE | {"u": "-1/17", "a": "14/17", "b": "-8/289"},
    "isotropic_normal": HERE | {"u": "-2/289", "a": "28/289", "b": "-16/4913"},
}


def all_signs() -> Iterator[Claim]:
    (ra, rb), c, w2, gap, slope = map(fact, RATES), fact(C), fact(LOW), fact(GAP), 4 * LOW - 2 * V1**2
    local = fact(ISOTROPIC.local)
    up = W * HIGH**2 * ra + slope * W * local + 2 * c * w2**2 * gap
    down = 4 * c * w2**2 - HIGH**2 * rb - 4 * W * local
    yield signs(ISOTROPIC, (TRACE, -LOGDET), ((up, w2 * SIZE**2), (down, SIZE**3)))
    local = fact(ALIGNED.local)
    down = 2 * c * w2 * gap**2 - 2 * HIGH * W * ra - W * slope * local
    up = 4 * c * w2 * gap + 2 * HIGH * rb + 4 * W * local
    yield signs(ALIGNED, (-TRACE, LOGDET), ((down, 2 * w2 * SIZE), (up, 2 * SIZE**2)))
    local = fact(ONE.local)
    up = 2 * HIGH * W * ra + W * slope * local + 2 * c * w2 * gap
    yield signs(ONE, (TRACE,), ((up, 2 * w2 * SIZE),))


def claims() -> Iterator[Claim]:
    for noise in NOISES:
        yield lyapunov(noise)
        yield velocity(noise)
    yield mixed()
    yield slopes()
    yield sampling()
    yield from all_signs()


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def always(noise: Noise, words: str, then: Term) -> Statement:
    """A sign of a rate, at every point of the valley."""
    given = (*VALLEY, is_zero(noise.velocity), *map(is_zero, RATES), positive(C))
    return statement(f"{NAME}: {words}", (*NET_VARIABLES, SPEED, TRACE, LOGDET), [nonnegative(then)], given)


def falsehoods() -> list[tuple[str, Statement, dict[str, Any]]]:
    """(the hypothesis that is dropped, what the words say without it, a point)."""
    table = (
        ("Sigma = c H for the trace", ISOTROPIC, "isotropic normal noise decreases the trace", -TRACE),
        ("Sigma = c P_N for the determinant", ALIGNED, "noise in proportion to H decreases the determinant", -LOGDET),
        ("labels of all outputs are noisy", ONE, "any noise on range H decreases the trace", -TRACE),
    )
    return [(drops, always(noise, words, x), POINTS[noise.name]) for drops, noise, words, x in table]


def sharpness() -> Iterator[Counterexample]:
    yield from (Counterexample(*x) for x in falsehoods())


def variants() -> Iterator[Statement]:
    yield from (s for _, s, _ in falsehoods())
    wrong = {
        "twice the aligned velocity": (ALIGNED, NORM * SPEED + C * W * (2 * W**4 - Y**2)),
        "least trace at w^4 = Y^2": (ALIGNED, 2 * NORM * SPEED + C * W * (W**4 - Y**2)),
        "w^5 for w^7": (ISOTROPIC, NORM**2 * SPEED + C * W**5),
        "half the isotropic velocity": (ISOTROPIC, 2 * NORM**2 * SPEED + C * W**7),
        "w^4 + Y^2 without its square": (ISOTROPIC, NORM * SPEED + C * W**7),
        "one direction does not push": (ONE, SPEED),
        "one direction with w": (ONE, 2 * NORM * SPEED + C * W),
    }
    for words, (noise, x) in wrong.items():
        yield replace(moving(noise), name=f"{NAME}: {words}", then=(is_zero(x),))
    g = NET.gradient((FIT**2 + (W * V2 - Z) ** 2) / 2)
    zeros = combined((1, outer(g, g)), (-(Z**2), NET.hessian))
    yield statement(f"{NAME}: sampling noise is a multiple of H", (W, V1, V2, Y, Z), map(is_zero, entries(zeros)), VALLEY[:2])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A random point of the valley, with the velocity under noise in proportion to H."""
    env = {"w": draw.positive(), "v1": draw.scalar(), "c": draw.positive()}
    env |= {"v2": 0 * env["w"], "Y": draw.value((W * V1).node, env)}
    noise = (ALIGNED, ONE, ISOTROPIC)[draw.integer(0, 2)]
    env["u"] = draw.solve((4 * noise.scale * HIGH).node, (-C * W * turning(noise.S)).node, env)
    return Instance(moving(noise), env)


THEOREM = Theorem(
    name=NAME,
    sheet="H13",
    title="Misaligned noise: trace and determinant move in opposite directions",
    form="identities and strict inequalities",
    source="own derivation, in the setting of arXiv:1910.00195",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 2),),
    supported_at=((1, 1, 2),),
    note=(
        'That "SGD on average decreases the trace of the Hessian" is not so for every noise, and that "isotropic noise in the '
        'non-degenerate subspace of the Hessian decreases its determinant" does not carry over to the trace: for f = (w v_1, w '
        "v_2), target (1, 0), at w = 1/2, isotropic normal noise has Tr' = +28 c/289 and (log pdet)' = -16 c/4913, noise in "
        "proportion to H has Tr' = -49 c/17 and (log pdet)' = +28 c/289, and sampling of the data (1, (1, 1)), (1, (1, -1)) "
        "without any label noise has Tr' > 0."
    ),
)
