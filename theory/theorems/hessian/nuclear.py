r"""The nuclear norm in words that hold at all sizes, and what it says about factors Y = A B.

A polar decomposition names it: Y = M K with K = L^T L, M^T M K = K and M M^T + Q Q^T = I. Every Y has one: for Y = U S V^T take
K = V S V^T, M = U V^T, Q = I - U U^T. Then |Y|_* = tr K =: s.

    A B = Y  =>  |A|^2 |B|^2 >= s^2,   with equality iff |B|^2 A^T A = |A|^2 B B^T.

The bound: s = <A^T M, B> <= |A^T M| |B| <= |A| |B|. Equality makes A^T Q zero and A^T M a multiple of B. For the converse,
r = |A| |B| gives two positive semidefinite roots of one matrix, r B^T B and |B|^2 K; they agree, and so do their traces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from theory import dag
from theory.certificates import Step, split
from theory.dag import Dim
from theory.statement import Condition
from theory.terms import Term, dot, fact, step, trace
from theory.theorems.hessian.setting import eye, is_zero, letter, norm2, square, vanish


def nothing(x: Term, by: Term, times: Any = None) -> Step:
    """The step x == 0 because -times * |x|^2 = by >= 0."""
    return Step("==", x.node, by.node, None if times is None else times.node, rule="radical")


def cauchy(x: Term, y: Term) -> Term:
    """|x|^2 |y|^2 - <x, y>^2."""
    return norm2(x) * norm2(y) - dot(x, y) ** 2


def cauchy_step(x: Term, y: Term) -> Step:
    """The step that it is nonnegative: |y|^2 times it is | |y|^2 x - <x, y> y |^2, and where y = 0 it is zero."""
    gap, zero = cauchy(x, y), fact(y)
    trivial = norm2(x) * trace(zero.T * y) - dot(x, zero) * dot(x, y)
    positive = [step(">=", gap, square(norm2(y) * x - dot(x, y) * y), fact(norm2(y)))]
    return split(">=", gap.node, norm2(y).node, positive, [nothing(y, fact(-norm2(y))), step(">=", gap, trivial)])


@dataclass(frozen=True)
class Polar:
    """The polar decomposition of the matrix Y (m x n) and the steps about its factors."""

    Y: Term

    @property
    def shape(self) -> tuple[Dim, Dim]:
        m, n = self.Y.node.shape
        return m, n

    @cached_property
    def M(self) -> Term:
        return letter("M", *self.shape)

    @cached_property
    def K(self) -> Term:
        n = self.shape[1]
        return Term(dag.var("K", (n, n), symmetric=True))

    @cached_property
    def L(self) -> Term:
        return letter("L", self.shape[1], self.shape[1])

    @cached_property
    def Q(self) -> Term:
        return letter("Q", self.shape[0], self.shape[0])

    @property
    def variables(self) -> tuple[Term, ...]:
        return self.M, self.K, self.L, self.Q

    @property
    def equations(self) -> tuple[Term, Term, Term, Term]:
        """Y - M K, M^T M K - K, K - L^T L, I - M M^T - Q Q^T."""
        M, K, L, Q = self.variables
        return self.Y - M * K, M.T * M * K - K, K - L.T * L, eye(self.shape[0]) - M * M.T - Q * Q.T

    @property
    def given(self) -> list[Condition]:
        return list(map(is_zero, self.equations))

    @property
    def s(self) -> Term:
        """The nuclear norm."""
        return trace(self.K)

    @cached_property
    def known(self) -> tuple[Term, ...]:
        return tuple(map(fact, self.equations))

    def witness(self, value: int = 1) -> dict[str, Any]:
        """For Y = (value) of size 1 x 1."""
        return {"M": [[1]], "K": [[value]], "L": [[1]], "Q": [[0]]}


@dataclass(frozen=True)
class Factors:
    """A B = Y: `product` is A B - Y as a visible zero. A and B are terms of any form."""

    polar: Polar
    A: Term
    B: Term
    product: Term

    @cached_property
    def low(self) -> Term:
        """A^T M."""
        return self.A.T * self.polar.M

    @cached_property
    def pairing(self) -> Term:
        """<A^T M, B>, which is s."""
        return dot(self.low, self.B)

    @cached_property
    def shift(self) -> Term:
        """<A^T M, B> - s, a visible zero."""
        M, (decomposed, projected, _, _) = self.polar.M, self.polar.known
        return trace(M.T * self.product) + trace(M.T * decomposed) + trace(projected)

    @cached_property
    def cauchy(self) -> Term:
        """|A^T M|^2 |B|^2 - <A^T M, B>^2."""
        return cauchy(self.low, self.B)

    @cached_property
    def bound(self) -> Term:
        """|A|^2 |B|^2 - s^2."""
        return norm2(self.A) * norm2(self.B) - self.polar.s**2

    @cached_property
    def parallel(self) -> Term:
        """|B|^2 A^T M - <A^T M, B> B."""
        return norm2(self.B) * self.low - self.pairing * self.B

    @cached_property
    def outside(self) -> Term:
        """Q^T A."""
        return self.polar.Q.T * self.A

    @cached_property
    def rest(self) -> Term:
        """bound - (cauchy + |B|^2 |Q^T A|^2), a visible zero."""
        return norm2(self.B) * trace(self.A.T * self.polar.known[3] * self.A) + self.shift * (self.pairing + self.polar.s)

    def bound_steps(self) -> list[Step]:
        """`bound` >= 0."""
        whole = fact(self.cauchy) + square(self.B) * square(self.outside) + self.rest
        return [cauchy_step(self.low, self.B), step(">=", self.bound, whole)]

    def nonzero_steps(self) -> list[Step]:
        """|B|^2 > 0 and |A|^2 > 0, from s > 0 and the bound."""
        whole = fact(self.bound) + fact(self.polar.s) ** 2
        return [step(">", norm2(self.B), whole, square(self.A)), step(">", norm2(self.A), whole, square(self.B))]

    @cached_property
    def proportion(self) -> Term:
        """|B|^2 A^T A - |A|^2 B B^T."""
        return norm2(self.B) * self.A.T * self.A - norm2(self.A) * self.B * self.B.T

    def equality_steps(self) -> list[Step]:
        """`proportion` == 0, from `bound` == 0 and |B|^2 > 0."""
        B, A, size = self.B, self.A, fact(norm2(self.B))
        outside = nothing(self.outside, fact(self.cauchy) + self.rest - fact(self.bound), size)
        spare = size * (size * square(self.outside) + self.rest - fact(self.bound))
        parallel = nothing(self.parallel, spare)
        f, g, sigma = fact(self.parallel), fact(self.outside), self.pairing
        inside = f * (f.T + sigma * B.T) + sigma * B * f.T + self.shift * (sigma + self.polar.s) * B * B.T
        across = norm2(B) ** 2 * (A.T * self.polar.known[3] * A + g.T * self.outside) + inside - fact(self.bound) * B * B.T
        return [outside, parallel, vanish(self.proportion, across, size)]

    # -- the converse ---------------------------------------------------------------------------------------------------

    def roots(self, r: Term) -> Term:
        """r B^T B - |B|^2 K."""
        return r * self.B.T * self.B - norm2(self.B) * self.polar.K

    def attained_steps(self, r: Term) -> list[Step]:
        """r == s, from `proportion` == 0, r^2 = |A|^2 |B|^2, r > 0 and |B|^2 > 0."""
        B, E, size, (_, _, square_root, _) = self.B, self.roots(r), fact(norm2(self.B)), self.polar.known
        L, gap = self.polar.L, self.gap(r)
        both = trace(gap * E) - norm2(B) * trace(E * square_root * E)
        here = nothing(B * E, size * square(L * E) - both, fact(r))
        there = nothing(L * E, fact(r) * square(B * E) - both, size)
        lifted = r * trace(B.T * fact(B * E)) - norm2(B) * (trace(L.T * fact(L * E)) + trace(E * square_root))
        same = nothing(E, -lifted)
        return [here, there, same, vanish(r - self.polar.s, trace(fact(E)), size)]

    def gap(self, r: Term) -> Term:
        """(r B^T B)^2 - (|B|^2 K)^2, a visible zero."""
        B, A, K, M = self.B, self.A, self.polar.K, self.polar.M
        decomposed, projected, _, _ = self.polar.known
        inside = B.T * B
        first = fact(r**2 - norm2(A) * norm2(B)) * inside * inside - norm2(B) * B.T * fact(self.proportion) * B
        Y, Z, size = self.polar.Y, A * B, norm2(B) ** 2
        fitted = Z.T * self.product + self.product.T * Y
        polar = decomposed.T * Y + K * M.T * decomposed + K * projected
        return first + size * (fitted + polar)


def product(x: Iterable[Term]) -> Term:
    return Term(dag.mul(*(t.node for t in x)))
