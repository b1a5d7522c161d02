r"""Bounded imbalance and a large spectral gap make neighbouring top singular vectors nearly parallel.

Setting: layers W_1 (d_1 x d_0), W_2 (d_2 x d_1), A = W_1 W_1^T, B = W_2^T W_2, D = B - A; u the top left singular vector of
W_1 (A u = alpha u, alpha = sigma_1(W_1)^2), v the top right singular vector of W_2 (B v = beta v, beta = sigma_1(W_2)^2),
both of length 1; beta_2 = sigma_2(W_2)^2 (0 if there is one singular value only).

Hypotheses: A <= alpha I; B <= beta_2 I + (beta - beta_2) v v^T; low I <= D <= high I (the extreme eigenvalues of D).

Conclusion: \[ (\beta - \beta_2) (1 - (u, v)^2) \le \mathrm{high} - \mathrm{low}. \]

Form: inequality for all parameters.

Scope of proof: all widths.

Why: alpha + low <= u^T B u <= beta_2 + (beta - beta_2)(u, v)^2, and beta = v^T B v <= alpha + high (Weyl).

Sharpness: u must be the top singular vector of W_1, v that of W_2, and low, high bounds of D.

Source: own derivation; the bounded imbalance is that of arXiv:1810.02032 and arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, Trace, symbols

from theory.certificates import prove
from theory.expressions import Congruence, Square, inner, known, norm2
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.setting import imbalance, incoming, layers_of, outgoing, widths_of

NAME = "alignment.bounded_imbalance"
ALPHA, BETA, SECOND, LOW, HIGH = symbols("alpha beta beta2 low high")


class Pair:
    """Two layers with their top singular vectors and the bounds."""

    def __init__(self, widths: Sequence[Any]) -> None:
        self.W = layers_of(widths)
        n = self.W[0].shape[0]
        self.u, self.v, self.one = MatrixSymbol("u", n, 1), MatrixSymbol("v", n, 1), Identity(n)
        self.A, self.B, self.D = incoming(self.W, 1, 0), outgoing(self.W, 1), imbalance(self.W, 1)

    @property
    def zeros(self) -> list[Expr]:
        """A u - alpha u, B v - beta v, |u|^2 - 1, |v|^2 - 1."""
        return [self.A * self.u - ALPHA * self.u, self.B * self.v - BETA * self.v, norm2(self.u) - 1, norm2(self.v) - 1]

    @property
    def bounds(self) -> list[Expr]:
        """Positive semidefinite: alpha - A, beta_2 + (beta - beta_2) v v^T - B, D - low, high - D."""
        top = SECOND * self.one + (BETA - SECOND) * self.v * self.v.T
        return [ALPHA * self.one - self.A, top - self.B, self.D - LOW * self.one, HIGH * self.one - self.D]

    @property
    def given(self) -> tuple[Condition, ...]:
        return (*map(equal, self.zeros), *map(at_least, self.bounds))

    @property
    def variables(self) -> tuple[Any, ...]:
        return (*self.W, self.u, self.v, ALPHA, BETA, SECOND, LOW, HIGH)

    @property
    def gap(self) -> Expr:
        """high - low - (beta - beta_2)(1 - (u, v)^2)."""
        return HIGH - LOW - (BETA - SECOND) * (1 - inner(self.u, self.v) ** 2)

    @property
    def by(self) -> Expr:
        """The four bounds along u and v, up to multiples of the zeros."""
        u, v = self.u, self.v
        on_u, on_v, unit_u, unit_v = map(known, self.zeros)
        first, top, low, high = map(known, self.bounds)
        seen = sum(Trace(Congruence(m, x)) for m, x in ((first, v), (top, u), (low, u), (high, v)))
        corrections = inner(v, on_v) + inner(u, on_u)
        return seen + corrections + (BETA - HIGH - ALPHA) * unit_v + (ALPHA + LOW - SECOND) * unit_u


def inequality() -> Claim:
    pair = Pair(widths_of(2))
    s = Statement(f"{NAME}.inequality", pair.variables, pair.given, (at_least(pair.gap),))
    return Claim(s, (prove(">=", pair.gap, pair.by),), _point(), {f"d{i}": 2 for i in range(3)})


def _point() -> dict[str, Any]:
    """A = diag(4, 1), B = diag(9, 4)."""
    vectors = {"u": [[1], [0]], "v": [[1], [0]], "alpha": 4, "beta": 9, "beta2": 4, "low": 3, "high": 5}
    return {"W1": [[2, 0], [0, 1]], "W2": [[3, 0], [0, 2]], **vectors}


def balanced() -> Claim:
    """No imbalance (high = low) and a gap: (u, v)^2 = 1, the top singular vectors are parallel."""
    pair = Pair(widths_of(2))
    spread, cosine = BETA - SECOND, inner(pair.u, pair.v)
    unit_u, unit_v = map(known, pair.zeros[2:])
    p = 1 - cosine**2
    steps = (
        prove(">=", pair.gap, pair.by),
        prove(">=", p, Square(pair.u - cosine * pair.v) - unit_u - cosine**2 * unit_v),
        prove(">=", -p, known(pair.gap) - known(HIGH - LOW), known(spread)),
    )
    given = (*pair.given, equal(HIGH, LOW), greater(spread))
    s = Statement(f"{NAME}.balanced", pair.variables, given, (at_least(p), at_least(-p)))
    point = {**_point(), "W2": [[2, 0], [0, 1]], "beta": 4, "beta2": 1, "low": 0, "high": 0}
    return Claim(s, steps, point, {f"d{i}": 2 for i in range(3)})


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield inequality()
    yield balanced()


def _without(index: int) -> Statement:
    s = inequality().statement
    return replace(s, given=s.given[:index] + s.given[index + 1 :], sizes={f"d{i}": 2 for i in range(3)})


def sharpness() -> Iterator[Counterexample]:
    """One hypothesis dropped: u or v is not a top singular vector, or a bound of D is none."""
    at, second = _point(), [[0], [1]]
    yield Counterexample("A <= alpha I (u the top vector)", _without(4), at | {"u": second, "alpha": 1})
    isotropic = {"u": second, "W1": [[1, 0], [0, 1]], "alpha": 1, "beta2": 0, "low": 3, "high": 8}
    yield Counterexample("beta_2 the second eigenvalue of B", _without(5), at | isotropic)
    yield Counterexample("low <= D", _without(6), at | {"low": 10})
    yield Counterexample("D <= high", _without(7), at | {"high": -10})
    equal_layers = {"W1": [[3, 0], [0, 2]], "u": second, "alpha": 9, "low": 0, "high": 0}
    yield Counterexample("A u = alpha u", _without(0), at | equal_layers)


def variants() -> Iterator[Statement]:
    s, pair = inequality().statement, Pair(widths_of(2))
    spread, cosine = BETA - SECOND, inner(pair.u, pair.v)
    yield replace(s, name="without the top bound", given=s.given[:4] + s.given[5:])
    yield replace(s, name="half", then=(at_least((HIGH - LOW) / 2 - spread * (1 - cosine**2)),))
    yield replace(s, name="first power", then=(at_least(HIGH - LOW - spread * (1 - cosine)),))
    yield replace(s, name="only high", then=(at_least(HIGH - spread * (1 - cosine**2)),))
    yield replace(s, name="gap beta", then=(at_least(HIGH - LOW - BETA * (1 - cosine**2)),))


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-8",
    title="Bounded imbalance with a spectral gap: the top singular vectors are nearly parallel",
    form="inequality",
    source="own derivation; bounded imbalance as in arXiv:1810.02032 and arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
)
