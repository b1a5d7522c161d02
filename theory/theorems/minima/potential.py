r"""The one-dimensional potential of the family `minima` (arXiv:2202.04777), without divisions.

With D = N - 1 hidden layers, z = (kappa A + lambda I)^{-1} g, S = |z|^2, T = g . z and b^D lambda = Gamma (b > 0) the
potential is psi = D b - T. Inverses are variables with equations: (kappa A + lambda I) z = g, and
(kappa A + lambda I) z' + z = 0 for z' = dz/dlambda.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Expr, Identity, Integer, MatrixSymbol, Rational, Symbol, symbols

from theory.certificates import Step, prove, split
from theory.expressions import Square, SymmetricSymbol, inner, known, norm2
from theory.statement import Condition, Statement, at_least, greater
from theory.theorem import Draw
from theory.theorems.minima.setting import Width

KAPPA, LAMBDA, GAMMA, B, SLOPE = symbols("kappa lambda Gamma b b1")


@dataclass(frozen=True)
class Potential:
    """The variables of psi at D = `hidden` hidden layers and input dimension `size` (a number or a name)."""

    hidden: int
    size: Width = "d0"

    @cached_property
    def dim(self) -> Any:
        return Integer(self.size) if isinstance(self.size, int) else Symbol(self.size)

    def vector(self, name: str) -> MatrixSymbol:
        return MatrixSymbol(name, self.dim, 1)

    @cached_property
    def A(self) -> SymmetricSymbol:
        return SymmetricSymbol("A", self.dim)

    @cached_property
    def g(self) -> MatrixSymbol:
        return self.vector("g")

    @cached_property
    def z(self) -> MatrixSymbol:
        return self.vector("z")

    @cached_property
    def z1(self) -> MatrixSymbol:
        """dz/dlambda."""
        return self.vector("z1")

    @cached_property
    def M(self) -> Expr:
        """kappa A + lambda I."""
        return KAPPA * self.A + LAMBDA * Identity(self.dim)

    @cached_property
    def resolvent(self) -> Expr:
        """(kappa A + lambda I) z - g, which vanishes."""
        return self.M * self.z - self.g

    @cached_property
    def derived(self) -> Expr:
        """(kappa A + lambda I) z' + z, which vanishes."""
        return self.M * self.z1 + self.z

    @cached_property
    def S(self) -> Expr:
        return norm2(self.z)

    @cached_property
    def T(self) -> Expr:
        return inner(self.g, self.z)

    @cached_property
    def G(self) -> Expr:
        return norm2(self.g)

    @cached_property
    def x(self) -> Expr:
        """lambda S, which equals b exactly where psi is stationary."""
        return LAMBDA * self.S

    @cached_property
    def F(self) -> Expr:
        """lambda^{D+1} S^D."""
        return LAMBDA ** (self.hidden + 1) * self.S**self.hidden

    @property
    def psi(self) -> Expr:
        return self.hidden * B - self.T

    @cached_property
    def tie(self) -> Expr:
        """b^D lambda - Gamma, which vanishes: what makes b and lambda two names of one parameter."""
        return B**self.hidden * LAMBDA - GAMMA

    @cached_property
    def moving(self) -> Expr:
        """d(b^D lambda)/dlambda, which vanishes: the equation of b1 = db/dlambda."""
        D = self.hidden
        return D * B ** (D - 1) * LAMBDA * SLOPE + B**D

    @cached_property
    def psi1(self) -> Expr:
        """dpsi/dlambda = D b1 - g . z'."""
        return self.hidden * SLOPE - inner(self.g, self.z1)

    @cached_property
    def cofactor(self) -> Expr:
        """The Q > 0 of x^D - b^D = (x - b) Q."""
        return sum((self.x**j * B ** (self.hidden - 1 - j) for j in range(self.hidden)), Integer(0))

    @cached_property
    def visible_cofactor(self) -> Expr:
        parts = ((known(LAMBDA) * Square(self.z)) ** j * known(B) ** (self.hidden - 1 - j) for j in range(self.hidden))
        return sum(parts, Integer(0))

    @property
    def positive(self) -> tuple[Condition, ...]:
        return greater(KAPPA), greater(LAMBDA), at_least(self.A)

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Random moments A = X^T X and g = X^T y, decays kappa and lambda, and the solution z."""
        n = int(self.dim)
        X, y = MatrixSymbol("X", n + 1, n), MatrixSymbol("y", n + 1, 1)
        data = {"X": draw.matrix(n + 1, n), "y": draw.matrix(n + 1, 1)}
        out = {"A": draw.value(X.T * X, data), "g": draw.value(X.T * y, data)}
        out |= {"kappa": draw.positive(), "lambda": draw.positive()}
        return {**out, "z": draw.solve(self.M, self.g, out)}


def positive_on(p: Expr, x: Symbol, low: Any, high: Any, facts: tuple[Expr, Expr] | None = None, depth: int = 12) -> list[Step]:
    r"""Steps for p(x) > 0 on low <= x <= high: Bernstein coefficients, halving the interval until they are positive.

    p = m + sum_k (beta_k - m) C(n, k) (x - low)^k (high - x)^{n-k} / (high - low)^n, because the Bernstein basis sums to 1.
    Raises `ValueError` if the halving does not end.
    """
    left, right = facts or (x - low, high - x)
    beta = bernstein(p, x, low, high)
    least, n = min(beta), len(beta) - 1
    if least > 0:
        scale = (sympy.Rational(high) - low) ** n
        parts = [
            (c - least) * sympy.binomial(n, k) / scale * known(left) ** k * known(right) ** (n - k) for k, c in enumerate(beta)
        ]
        return [prove(">", p, sum(parts, least))]
    if depth == 0:
        raise ValueError(f"{p} was not shown to be positive on [{low}, {high}]")
    middle = (sympy.Rational(low) + high) / 2
    upper = positive_on(p, x, middle, high, (x - middle, right), depth - 1)
    lower = positive_on(p, x, low, middle, (left, middle - x), depth - 1)
    return [split(">", p, on=x - middle, positive=upper, otherwise=lower)]


def bernstein(p: Expr, x: Symbol, low: Any, high: Any) -> list[Rational]:
    """The Bernstein coefficients of a rational polynomial on [low, high]."""
    shifted = sympy.Poly(p.subs(x, low + (sympy.Rational(high) - low) * x), x)
    a: Sequence[Any] = shifted.all_coeffs()[::-1]
    n = len(a) - 1
    return [sum(sympy.binomial(k, i) / sympy.binomial(n, i) * a[i] for i in range(k + 1)) for k in range(n + 1)]


def picked(statement: Statement, point: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the variables of a statement, out of a larger table."""
    return {name: point[name] for name in (str(v.name) for v in statement.variables)}
