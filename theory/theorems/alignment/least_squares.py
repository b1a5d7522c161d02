r"""The squared loss of a deep linear network has a minimum, and when it is the unconstrained one.

Setting: L = |P X - Y|^2 / 2 with P = W_N ... W_1 of rank <= m = min d_i, X (d_0 x n), Y (d_N x n); T = Y X^+, F = T X = Y X^+
X, with singular values sigma_1 >= sigma_2 >= ...

Hypotheses: none.

Conclusion:
\[ \min L = \tfrac12 |Y - Y X^+ X|^2 + \tfrac12 \sum_{k > m} \sigma_k(Y X^+ X)^2, \qquad
   \min L = \text{the least-squares optimum} \iff m \ge \mathrm{rank}(Y X^T). \]

Form: identity and iff.

Scope of proof: all widths. T is any matrix with T X X^T = Y X^T; a matrix of rank <= m is A C with A^T A = I; the singular
value decomposition enters as F F^T = U_1 H_1 U_1^T + U_2 H_2 U_2^T with orthonormal [U_1 U_2], H_1 = t I + E_1^T E_1 (the
first m squared singular values are at least t) and H_2 = t I - E_2^T E_2 = G G^T (the others lie between 0 and t), so that tr
H_2 = sum_{k > m} sigma_k^2 (for d_N > m; else there is no rest). Steps: the split of the loss; the bound of Eckart and Young;
that it is attained at U_1 U_1^T T; both directions of the iff, for rank(Y X^T) <= m as a factorisation.

Why: |F - A C|^2 = |F|^2 - |A^T F|^2 + |C - A^T F|^2, and tr H_1 - |A^T F|^2 is a sum of squares.

Sharpness: each of T X X^T = Y X^T, A^T A = I, orthonormal U_1 and U_2, and the order of the singular values is needed.

Source: own derivation (Eckart and Young), for the existence statement of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, Rational, Symbol, Trace

from theory import dag
from theory.certificates import Step, prove, vanishes
from theory.expressions import Square, inner, known, lower, norm2
from theory.statement import Condition, Statement, at_least, equal
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.rewriting import Rule, both, expanded, rewritten, rule
from theory.theorems.alignment.setting import table, unit

NAME = "alignment.least_squares"
LEVEL = Symbol("t")


class Data:
    """The variables of the problem: outputs o, inputs i, samples n, rank m, the other singular values r."""

    def __init__(self) -> None:
        o, i, n, m, r = (Symbol(name) for name in "oinmr")
        self.X, self.Y, self.T = MatrixSymbol("X", i, n), MatrixSymbol("Y", o, n), MatrixSymbol("T", o, i)
        self.A, self.C = MatrixSymbol("A", o, m), MatrixSymbol("C", m, i)
        self.U, self.V = MatrixSymbol("U1", o, m), MatrixSymbol("U2", o, r)
        self.E, self.H, self.G = MatrixSymbol("E1", m, m), MatrixSymbol("E2", r, r), MatrixSymbol("G", r, r)
        self.F = self.T * self.X

    @cached_property
    def normal(self) -> Expr:
        """T X X^T - Y X^T: zero."""
        return self.T * self.X * self.X.T - self.Y * self.X.T

    @property
    def top(self) -> Expr:
        """H_1."""
        return LEVEL * Identity(self.E.shape[0]) + self.E.T * self.E

    @property
    def rest(self) -> Expr:
        """H_2 = G G^T."""
        return self.G * self.G.T

    @cached_property
    def level(self) -> Expr:
        """H_2 - (t I - E_2^T E_2): zero."""
        return self.rest - LEVEL * Identity(self.H.shape[0]) + self.H.T * self.H

    @cached_property
    def spectrum(self) -> Expr:
        """F F^T - U_1 H_1 U_1^T - U_2 H_2 U_2^T: zero."""
        return self.F * self.F.T - self.U * self.top * self.U.T - self.V * self.rest * self.V.T

    @property
    def frames(self) -> list[Expr]:
        """U_1^T U_1 - I, U_2^T U_2 - I, U_1^T U_2: zero."""
        return [unit(self.U), unit(self.V), self.U.T * self.V]

    @property
    def given(self) -> tuple[Condition, ...]:
        return (*map(equal, (self.normal, *self.frames, self.level, self.spectrum)), at_least(LEVEL))

    @property
    def variables(self) -> tuple[Any, ...]:
        return (self.X, self.Y, self.T, self.U, self.V, self.E, self.H, self.G, LEVEL)

    @property
    def rules(self) -> list[Rule]:
        """The frames, and F F^T."""
        U, V = self.U, self.V
        spectrum = self.U * self.top * self.U.T + self.V * self.rest * self.V.T
        return [
            rule((U.T, U), Identity(U.shape[1]), self.frames[0]),
            rule((V.T, V), Identity(V.shape[1]), self.frames[1]),
            *both((U.T, V), 0 * U.T * V, self.frames[2]),
            rule((self.T, self.X, self.X.T, self.T.T), spectrum, self.spectrum),
        ]

    def error(self, P: Expr) -> Expr:
        """|P X - Y|^2, twice the loss."""
        return norm2(P * self.X - self.Y)

    def split(self, P: Expr) -> Step:
        """|P X - Y|^2 = |T X - Y|^2 + |P X - F|^2."""
        p = self.error(P) - self.error(self.T) - norm2(P * self.X - self.F)
        return prove("==", p, 2 * inner(P - self.T, known(self.normal)))


# -- the minimum --------------------------------------------------------------------------------------------------------


def split() -> Claim:
    """The loss of any matrix: least squares plus the distance from F."""
    d = Data()
    P = MatrixSymbol("P", *d.T.shape)
    step = d.split(P)
    s = Statement(f"{NAME}.split", (d.X, d.Y, d.T, P), (equal(d.normal),), (equal(step.term),))
    point = {"X": [[1]], "Y": [[2], [0]], "T": [[2], [0]], "P": [[0], [0]]}
    return Claim(s, (step,), point, {"o": 2, "i": 1, "n": 1})


def bound() -> Claim:
    """|A C X - Y|^2 >= |T X - Y|^2 + tr H_2 for A^T A = I: no matrix of rank <= m is better."""
    d = Data()
    A, W = d.A, d.C * d.X
    then = d.error(A * d.C) - d.error(d.T) - Trace(d.rest)
    ky_fan = Trace(d.top) - norm2(A.T * d.F)
    closer = norm2(A * W - d.F) - Square(W - A.T * d.F) - norm2(d.F) + norm2(A.T * d.F)
    total = norm2(d.F) - Trace(d.top) - Trace(d.rest)
    split, ky = d.split(A * d.C), known(ky_fan)
    steps = (
        split,
        _ky_fan(d, ky_fan),
        prove("==", closer, inner(W * W.T, known(unit(A)))),
        prove("==", total, _reduced(total, d.rules)),
        prove(">=", then, known(split.term) + known(closer) + Square(W - A.T * d.F) + ky + known(total)),
    )
    s = Statement(f"{NAME}.bound", (*d.variables, A, d.C), (*d.given, equal(unit(A))), (at_least(then),))
    return Claim(s, steps, _point() | {"A": [[0], [1]], "C": [[1, 1]]}, _sizes())


def _reduced(term: Any, rules: list[Rule]) -> dag.Node:
    return rewritten(expanded(dag.resolved(lower(term))), rules)[1]


def _ky_fan(d: Data, goal: Expr) -> Step:
    """tr H_1 - |A^T F|^2 = |(I - A A^T) U_1 E_1^T|^2 + |A^T U_2 E_2^T|^2 + t |(I - U_1 U_1^T - U_2 U_2^T) A|^2 >= 0."""
    A, U, V = d.A, d.U, d.V
    squares = [U * d.E.T - A * A.T * U * d.E.T, A.T * V * d.H.T, A - U * U.T * A - V * V.T * A]
    weights = [1, 1, known(LEVEL)]
    visible = sum(c * Square(x) for c, x in zip(weights, squares, strict=True))
    lower_half = LEVEL * Identity(d.H.shape[0]) - d.H.T * d.H
    rules = [*d.rules, rule((A.T, A), Identity(A.shape[1]), unit(A)), rule((d.G, d.G.T), lower_half, d.level)]
    rest = goal - norm2(squares[0]) - norm2(squares[1]) - LEVEL * norm2(squares[2])
    return prove(">=", goal, dag.add(lower(visible), _reduced(rest, rules)))


def attained() -> Claim:
    """P = U_1 U_1^T T, of rank <= m: |P X - Y|^2 = |T X - Y|^2 + tr H_2."""
    d = Data()
    P = d.U * d.U.T * d.T
    then, distance = d.error(P) - d.error(d.T) - Trace(d.rest), norm2(P * d.X - d.F) - Trace(d.rest)
    steps = (d.split(P), prove("==", distance, _reduced(distance, d.rules)),
             prove("==", then, known(d.split(P).term) + known(distance)))  # fmt: skip
    return Claim(Statement(f"{NAME}.attained", d.variables, d.given, (equal(then),)), steps, _point(), _sizes())


def _point() -> dict[str, Any]:
    """X = Y = T = I, m = 1, t = 1."""
    one, zero = [[1]], [[0]]
    given = {name: table(2, 2) for name in "XYT"} | {"U1": [[1], [0]], "U2": [[0], [1]]}
    return given | {"E1": zero, "E2": zero, "G": one, "t": 1}


def _sizes() -> dict[str, int]:
    return {"o": 2, "i": 2, "n": 2, "m": 1, "r": 1}


# -- when it is the unconstrained minimum -------------------------------------------------------------------------------


def no_rest() -> Claim:
    """tr H_2 = 0: F = U_1 U_1^T F, and Y X^T = U_1 (U_1^T Y X^T) has rank <= m."""
    d = Data()
    U, missing = d.U, d.F - d.U * d.U.T * d.F
    then = d.Y * d.X.T - U * U.T * d.Y * d.X.T
    rules = [*d.rules, rule((d.G,), 0 * d.G, d.G)]
    square = _reduced(-norm2(missing), rules)
    outer = known(missing) * d.X.T - known(d.normal) + U * U.T * known(d.normal)
    steps = (vanishes(d.G, -known(Trace(d.rest))), vanishes(missing, square), prove("==", then, outer))
    s = Statement(f"{NAME}.no_rest", d.variables, (*d.given, equal(Trace(d.rest))), (equal(then),))
    point = _point() | {"Y": [[2, 0], [0, 0]], "T": [[2, 0], [0, 0]], "E1": [[2]], "E2": [[0]], "G": [[0]], "t": 0}
    return Claim(s, steps, point, _sizes())


def low_rank() -> Claim:
    """Y X^T = A C' and T = Y X^T K (as for T = Y X^+): P = A A^T T attains the least-squares optimum."""
    d = Data()
    A, K = d.A, MatrixSymbol("K", d.X.shape[0], d.X.shape[0])
    C = MatrixSymbol("C1", A.shape[1], d.X.shape[0])
    low, solution = d.Y * d.X.T - A * C, d.T - d.Y * d.X.T * K
    P = A * A.T * d.T
    same, then = P - d.T, d.error(P) - d.error(d.T)
    half = known(solution) + known(low) * K  # T = A C' K + half
    steps = (
        prove("==", same, A * A.T * half + A * known(unit(A)) * C * K - half),
        prove("==", then, inner(known(same) * d.X, P * d.X - d.Y) + inner(d.T * d.X - d.Y, known(same) * d.X)),
    )
    given = tuple(map(equal, (d.normal, low, solution, unit(A))))
    s = Statement(f"{NAME}.low_rank", (d.X, d.Y, d.T, A, C, K), given, (equal(then),))
    point = {"X": table(2, 2), "Y": [[2, 0], [0, 0]], "T": [[2, 0], [0, 0]], "A": [[1], [0]], "C1": [[2, 0]], "K": table(2, 2)}
    return Claim(s, steps, point, _sizes())


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (split(), bound(), attained(), no_rest(), low_rank())


def _without(claim: Claim, *drop: int) -> Statement:
    given = tuple(c for k, c in enumerate(claim.statement.given) if k not in drop)
    return replace(claim.statement, given=given, sizes=claim.at or {})


def any_rank() -> Statement:
    """False: the bound for matrices of any rank."""
    d = Data()
    P = MatrixSymbol("P", *d.T.shape)
    then = d.error(P) - d.error(d.T) - Trace(d.rest)
    return Statement(f"{NAME}.any_rank", (*d.variables, P), d.given, (at_least(then),), _sizes())


def sharpness() -> Iterator[Counterexample]:
    at = _point()
    one = {"X": [[1]], "Y": [[1], [0]], "T": [[2], [0]], "P": [[0], [0]]}
    yield Counterexample("T X X^T = Y X^T", _without(split(), 0), one)
    yield Counterexample("rank <= m", any_rank(), at | {"P": table(2, 2)})
    wide = {name: [[2, 0], [0, 1]] for name in "YT"}
    yield Counterexample("U_1^T U_1 = I", _without(attained(), 1), at | wide | {"U1": [[2], [0]]})
    swapped = {name: [[1, 0], [0, 2]] for name in "YT"} | {"G": [[2]], "A": [[0], [1]], "C": [[0, 2]]}
    yield Counterexample("the first m singular values are the largest", _without(bound(), 4), at | swapped)
    scaled = {name: [[3, 0], [0, 3]] for name in "YT"}
    yield Counterexample("F F^T = U_1 H_1 U_1^T + U_2 H_2 U_2^T", _without(attained(), 5), at | scaled)
    full = no_rest().statement
    yield Counterexample("m >= rank(Y X^T)", replace(full, given=full.given[:-1], sizes=_sizes()), at)


def variants() -> Iterator[Statement]:
    d, b, a = Data(), bound().statement, attained().statement
    P = MatrixSymbol("P", *d.T.shape)
    yield replace(
        b, name="strictly better", then=(at_least(d.error(d.A * d.C) - d.error(d.T) - 2 * Trace(d.rest)),), sizes=_sizes()
    )
    yield replace(a, name="no rest", then=(equal(d.error(d.U * d.U.T * d.T) - d.error(d.T)),), sizes=_sizes())
    yield Statement("any solution", (d.X, d.Y, d.T, P), (), (at_least(d.error(P) - d.error(d.T)),))
    yield Statement("equality", (d.X, d.Y, d.T, P), (equal(d.normal),), (equal(d.error(P), d.error(d.T)),))
    yield Statement("half", (d.X, d.Y, d.T, P), (equal(d.normal),),
                    (equal(d.error(P) - d.error(d.T) - Rational(1, 2) * norm2(P * d.X - d.F)),))  # fmt: skip


THEOREM = Theorem(
    name=NAME,
    sheet="EX-2",
    title="The squared loss has a minimum; it is the unconstrained one iff m >= rank(Y X^T)",
    form="identity and iff",
    source="own derivation (Eckart and Young), for the existence statement of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
)
