r"""How far noise keeps the weights off the valley at a finite learning rate, in the linearised dynamics.

Setting: near a point of the valley the normal displacement x of stochastic gradient descent follows, to first order, x^+ =
(I - eta H) x - eta xi, Cov xi = Sigma = c H; P is the projection on the range of H. For two scalars H has the one nonzero
eigenvalue T, and the residual is r = f - delta with f^+ = (1 - eta T) f + eta T delta, delta of variance s.

Hypotheses: 2 I - eta H invertible; 0 < eta T < 2.

Conclusion: the stationary covariance, a solution of S = (I - eta H) S (I - eta H) + eta^2 c H on the range of H, is
\[ S = \eta c\, (2 I - \eta H)^{-1} P ; \qquad \text{two scalars: } E r^2 = \frac{2 s}{2 - \eta T} . \]
So at a finite learning rate the imbalance of two scalars decays faster, \(\dot D = -2 c D / (2 - \eta \sqrt{D^2 + 4 y^2})\),
and the bias of an ensemble is of order eta: the extrapolation in eta removes it.

Form: identities.

Scope of proof: S solves the equation: all sizes; that it is the only one on the range of H where all |1 - eta lambda| < 1 is
an argument in words. The mean of r^2 in the linear model: all real values. That the linear model
describes stochastic gradient descent to this order is not proved: an experiment compares an ensemble of two scalars.

Why: S commutes with H; s - (1 - eta h)^2 s = eta h (2 - eta h) s.

Sharpness: Sigma = c H: for Sigma = c P the formula fails at H = 1. eta T > 0: where eta T = 0 nothing relaxes, and any
variance is stationary.

Source: own derivation, in the setting of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from theory import dag
from theory.statement import Statement
from theory.terms import Term, fact, step
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import scalars
from theory.theorems.hessian.setting import eye, is_zero, letter, positive, statement

NAME = "hessian.stationary_fluctuation"
ETA, C, V, S, TRACE = scalars("eta c v s t")


class Linear:
    """H symmetric, R the inverse of 2 I - eta H, P with H P = P H = H; all n x n."""

    def __init__(self, n: int | str = "n") -> None:
        self.n = n
        self.H = Term(dag.var("H", (n, n), symmetric=True))
        self.R, self.P = letter("R", n, n), letter("P", n, n)
        shifted = 2 * eye(n) - ETA * self.H
        self.left, self.right = self.R * shifted - eye(n), shifted * self.R - eye(n)
        self.onto, self.into = self.H * self.P - self.H, self.P * self.H - self.H

    @property
    def zeros(self) -> tuple[Term, ...]:
        return self.left, self.right, self.onto, self.into

    def equation(self, covariance: Term, noise: Term | None = None) -> Term:
        """S - (I - eta H) S (I - eta H) - eta^2 Sigma, with Sigma = c H by default."""
        shrink = eye(self.n) - ETA * self.H
        return covariance - shrink * covariance * shrink - ETA**2 * (C * self.H if noise is None else noise)

    @property
    def covariance(self) -> Term:
        return ETA * C * self.R * self.P

    @property
    def variables(self) -> tuple[Term, ...]:
        return self.H, self.R, self.P, ETA, C

    def statement(self) -> Statement:
        then = [is_zero(self.equation(self.covariance))]
        return statement(f"{NAME}.covariance", self.variables, then, map(is_zero, self.zeros))

    def claim(self) -> Claim:
        """eta (H R - R H) is the difference of the two inverses; the rest is R (2 I - eta H) = I."""
        H, R, P = self.H, self.R, self.P
        left, right, onto, into = map(fact, self.zeros)
        swap = left - right  # eta (H R - R H)
        one = ETA * R * onto + swap * P
        two = ETA * R * into
        three = -ETA * swap * H - ETA * (ETA * H * R) * into
        by = ETA * C * (one + two + three + ETA * left * H)
        point = {"H": [[1]], "R": [[1]], "P": [[1]], "eta": 1, "c": 1}
        return Claim(self.statement(), (step("==", self.equation(self.covariance), by),), point, {"n": 1})


STATIONARY = V - (1 - ETA * TRACE) ** 2 * V - (ETA * TRACE) ** 2 * S
MEAN = (2 - ETA * TRACE) * (V + S) - 2 * S


def residual() -> Claim:
    """v - (1 - h)^2 v - h^2 s = h ((2 - h) v - h s) with h = eta T, and (2 - h)(v + s) - 2 s = (2 - h) v - h s."""
    given = (is_zero(STATIONARY), positive(ETA * TRACE), positive(2 - ETA * TRACE))
    s = statement(f"{NAME}.residual", (ETA, TRACE, V, S), [is_zero(MEAN)], given)
    return Claim(s, (step("==", MEAN, fact(STATIONARY), fact(ETA * TRACE)),), {"eta": 1, "t": 1, "v": 1, "s": 1})


def claims() -> Iterator[Claim]:
    yield Linear().claim()
    yield residual()


def other_noise() -> Statement:
    """The same covariance for Sigma = c P."""
    f = Linear(1)
    return replace(f.statement(), name=f"{NAME}: isotropic normal noise", then=(is_zero(f.equation(f.covariance, C * f.P)),))


def no_relaxation() -> Statement:
    s = residual().statement
    return replace(s, name=f"{NAME}: without relaxation", given=s.given[:1])


HERE = {"H": [["1/2"]], "R": [["2/3"]], "P": [[1]], "eta": 1, "c": 1}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("Sigma = c H", other_noise(), HERE)
    yield Counterexample("eta T > 0", no_relaxation(), {"eta": 1, "t": 0, "v": 1, "s": 1})


def variants() -> Iterator[Statement]:
    yield other_noise()
    yield no_relaxation()
    f, s = Linear(1), Linear(1).statement()
    wrong = {
        "half the covariance": f.equation(f.covariance) - ETA * C * f.R * f.P,
        "the covariance of gradient flow": f.equation(ETA * C * f.P / 2),
        "eta^2 for eta": f.equation(ETA * f.covariance),
    }
    yield from (replace(s, name=f"{NAME}: {words}", then=(is_zero(x),)) for words, x in wrong.items())
    r = residual().statement
    yield replace(r, name=f"{NAME}: the residual of eta = 0", then=(is_zero(V),))
    yield replace(r, name=f"{NAME}: twice the correction", then=(is_zero((1 - ETA * TRACE) * (V + S) - S),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """H = B B^T with the projection on the range of B, of the sizes widths[0] and widths[1]."""
    n, k = int(widths[0]), int(widths[1])
    f, B = Linear(n), letter("B", n, k)
    env: dict[str, Any] = {"B": draw.matrix(n, k), "eta": draw.scalar(), "c": draw.scalar()}
    env["H"] = draw.value((B * B.T).node, env)
    env["R"] = draw.solve((2 * eye(n) - ETA * f.H).node, eye(n).node, env)
    env["G"] = draw.solve((B.T * B).node, B.T.node, env)
    env["P"] = draw.value((B * letter("G", k, n)).node, env)
    return Instance(f.statement(), {name: env[name] for name in ("H", "R", "P", "eta", "c")})


THEOREM = Theorem(
    name=NAME,
    sheet="H17",
    title="The stationary fluctuation across the valley, in the linear model",
    form="identities",
    source="own derivation, in the setting of arXiv:1910.00195",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 1), (3, 2)),
    supported_at=((8, 5),),
)
