r"""Roots of the scalar equation with the eigenvalues that g sees (arXiv:2202.04777), without divisions.

A root is lambda > 0 and b > 0 with z = (kappa A + lambda I)^{-1} g, b = lambda |z|^2 and b^D lambda = Gamma. The eigenvalues
of A on the support of g are bounded through an orthogonal projection P with P A = A P and P g = g: P A P >= m P says that
they are at least m, where A itself may be singular or larger elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, MatrixSymbol, Rational, Symbol, Trace

from theory.certificates import Step, prove, vanishes
from theory.expressions import Congruence, Square, SymmetricSymbol, inner, known, norm2, quadratic
from theory.statement import Condition, at_least, equal, greater
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, Potential
from theory.theorems.minima.scalar_root import seminorm_step
from theory.theorems.minima.setting import Width


@dataclass(frozen=True)
class Root:
    """A root at D = `hidden` hidden layers and input dimension `size`."""

    hidden: int
    size: Width = "d0"

    @cached_property
    def p(self) -> Potential:
        return Potential(self.hidden, self.size)

    @cached_property
    def source(self) -> MatrixSymbol:
        """p with A p = g: consistent moments; q = p . A p."""
        return self.p.vector("p")

    @cached_property
    def P(self) -> SymmetricSymbol:
        return SymmetricSymbol("P", self.p.dim)

    m = Symbol("m")

    @property
    def variables(self) -> tuple[Any, ...]:
        return (self.p.A, self.p.g, self.p.z, KAPPA, LAMBDA, B, GAMMA)

    @cached_property
    def energy(self) -> Expr:
        """lambda |z|^2 - b, which vanishes."""
        return self.p.x - B

    @property
    def given(self) -> tuple[Condition, ...]:
        p = self.p
        return (*p.positive, greater(B), equal(p.resolvent), equal(self.energy), equal(p.tie))

    @cached_property
    def consistent(self) -> Expr:
        return self.p.A * self.source - self.p.g

    @cached_property
    def q(self) -> Expr:
        return quadratic(self.p.A, self.source)

    # -- positivity ---------------------------------------------------------------------------------------------------------

    @cached_property
    def curve(self) -> Expr:
        """|z|_A^2."""
        return quadratic(self.p.A, self.p.z)

    @property
    def curve_known(self) -> Expr:
        return Trace(Congruence(known(self.p.A), self.p.z))

    def positive_steps(self) -> list[Step]:
        """|z|^2 > 0, z . g > 0 and, for consistent moments, |z|_A^2 > 0."""
        p = self.p
        length = prove(">", p.S, known(B) + known(self.energy), times=known(LAMBDA))
        level = known(KAPPA) * self.curve_known + known(LAMBDA) * known(p.S) - inner(p.z, known(p.resolvent))
        return [length, prove(">", inner(p.z, p.g), level), seminorm_step(p.A, p.z, p.g)]

    # -- the support of g ----------------------------------------------------------------------------------------------------

    @cached_property
    def commuting(self) -> Expr:
        return self.P * self.p.A - self.p.A * self.P

    @cached_property
    def least(self) -> Expr:
        """P A P - m P >= 0."""
        return self.P * self.p.A * self.P - self.m * self.P

    @property
    def supported(self) -> tuple[Condition, ...]:
        P = self.P
        sees = (equal(P * P - P), equal(self.commuting), equal(P * self.p.g - self.p.g))
        return (greater(self.m), *sees, at_least(self.least))

    def outside(self, x: Expr) -> Expr:
        """x - P x, which vanishes for x on the support."""
        return x - self.P * x

    def inside_step(self) -> Step:
        """z = P z: (kappa A + lambda I)(z - P z) = g - P g = 0."""
        p, d, rho = self.p, self.outside(self.p.z), known(self.p.resolvent)
        seen = known(self.P * p.g - p.g)
        image = rho - self.P * rho - seen + KAPPA * known(self.commuting) * p.z
        by = known(KAPPA) * Trace(Congruence(known(p.A), d)) - inner(d, image)
        return vanishes(d, by, times=known(LAMBDA))

    def spectral_steps(self, x: Expr) -> list[Step]:
        """|x|_A^2 >= m |x|^2 and |A x|^2 >= m^2 |x|^2, where x = P x is known."""
        A, d, m = self.p.A, known(self.outside(x)), self.m
        low, high = quadratic(A, x) - m * norm2(x), norm2(A * x) - m**2 * norm2(x)
        moved = inner(d, A * x) + inner(self.P * x, A * d) - m * inner(x, d)
        return [
            prove(">=", low, Trace(Congruence(known(self.least), x)) + moved),
            prove(">=", high, Square(A * x - m * x) + 2 * known(m) * known(low)),
        ]

    # -- two identities of G --------------------------------------------------------------------------------------------------

    @property
    def norm_zeros(self) -> Expr:
        """G - |(kappa A + lambda I) z|^2, a visible zero."""
        return -inner(known(self.p.resolvent), self.p.M * self.p.z) - inner(self.p.g, known(self.p.resolvent))


def root_point(hidden: int, lam: Any, g: Any, a: Any = 1, kappa: Any = 1, **more: Any) -> dict[str, Any]:
    """The root at lambda of the scalar instance A = a, with b, Gamma, p = g / a, P = 1 and m = a."""
    m = Rational(kappa) * a + lam
    z = Rational(g) / m
    b = lam * z**2
    values = {"A": [[a]], "g": [[g]], "z": [[z]], "p": [[Rational(g) / a if a else 0]], "P": [[1]]}
    return {**values, "kappa": kappa, "lambda": lam, "b": b, "Gamma": lam * b**hidden, "m": a, **more}
