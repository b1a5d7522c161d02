r"""Lower bounds L >= L* by one number L*, for all parameters, where the scalar equation is solved by hand.

Two layers, any A: if (kappa beta A + Gamma I) z = g and Gamma |z|^2 = 1 then, with b = gamma_2 |W_2|^2,

    b (L - Y - beta + beta g.z) = b (E f^2 - kappa |v|_A^2) + Gamma (|W_1|^2 |W_2|^2 - |v|^2)
        + kappa b |v - beta z|_A^2 + Gamma |v - b z|^2.

Isotropic moments, kappa A = alpha I, D hidden layers: if q > 0, Gamma q^{D-1} |g|^2 = (alpha q^D + Gamma)^2 and
tau = alpha q^D - (D-1) Gamma >= 0 then Gamma (L - Y) + q tau >= 0, from the envelope and

    q^{D-1} (alpha b^D + Gamma) (D Gamma b + q tau) - b^D (alpha q^D + Gamma)^2 = Gamma (b - q)^2 p_D(b),
    p_1 = alpha,   p_2 = 2 alpha q b + tau,   p_3 = 3 alpha q^2 b^2 + (3 Gamma + 2 tau) b + q tau.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, MatrixSymbol, Symbol, Trace

from theory.certificates import Step, prove, split
from theory.expressions import Congruence, Square, inner, known, norm2
from theory.statement import Condition, at_least, equal, greater
from theory.theorems.minima.envelope import Envelope
from theory.theorems.minima.lemmas import Network

BETA, ALPHA, Q = Symbol("beta"), Symbol("alpha"), Symbol("q")


@dataclass(frozen=True)
class TwoLayers:
    """Two layers: `beta` is a variable, or a given value with `equation` and `unit` proved beforehand."""

    network: Network
    beta: Any = BETA

    @cached_property
    def envelope(self) -> Envelope:
        return Envelope(self.network)

    @cached_property
    def z(self) -> MatrixSymbol:
        return MatrixSymbol("z", self.network.setting.dim(0), 1)

    @cached_property
    def equation(self) -> Expr:
        """(kappa beta A + Gamma I) z - g."""
        s = self.network.setting
        return self.network.kappa * self.beta * s.A * self.z + s.decay_product * self.z - s.g

    @cached_property
    def unit(self) -> Expr:
        """Gamma |z|^2 - 1: the derivative of psi vanishes."""
        return self.network.setting.decay_product * norm2(self.z) - 1

    @property
    def variables(self) -> tuple[Any, ...]:
        return (*self.network.variables, self.z, self.beta)

    @property
    def given(self) -> tuple[Condition, ...]:
        return (*self.network.given, equal(self.equation), equal(self.unit))

    @cached_property
    def value(self) -> Expr:
        """L - L* = L - Y - beta + beta g.z."""
        s = self.network.setting
        return s.loss - s.Y - self.beta + self.beta * inner(s.g, self.z)

    def by(self, b: Any) -> Expr:
        """b (L - L*) in visibly nonnegative parts."""
        e, A = self.envelope, known(self.network.setting.A)
        squares = self.network.kappa_known * b * Trace(Congruence(A, e.v - self.beta * self.z))
        squares += e.decay_known * Square(e.v - e.b * self.z)
        zeros = (self.beta - e.b) * e.b * known(self.unit) + e.b * Trace(
            (2 * e.v - self.beta * self.z).T * known(self.equation)
        )
        return b * known(self.network.path) + e.decay_known * known(self.network.norm) + squares + zeros

    def at_zero(self) -> Expr:
        """L - L* where P = 0 is known."""
        A, beta = known(self.network.setting.A), self.beta
        gain = self.network.kappa_known * beta**2 * Trace(Congruence(A, self.z))
        return self.envelope.excess_known() + gain + beta * known(self.unit) - beta * Trace(self.z.T * known(self.equation))

    def steps(self) -> list[Step]:
        e = self.envelope
        positive = [prove(">=", self.value, self.by(known(e.b)), times=known(e.b))]
        otherwise = [*e.trivial_steps(), prove(">=", self.value, self.at_zero())]
        return [*e.lemma_steps(), split(">=", self.value, on=e.b, positive=positive, otherwise=otherwise)]


@dataclass(frozen=True)
class Isotropic:
    """kappa A = alpha I: `alpha` and q are variables, or given values with `root` and `tau` proved beforehand."""

    network: Network
    alpha: Any = ALPHA
    q: Any = Q

    @cached_property
    def envelope(self) -> Envelope:
        return Envelope(self.network, mean=True)

    @property
    def D(self) -> int:
        return self.envelope.D

    @cached_property
    def spherical(self) -> Expr:
        """kappa A - alpha I."""
        return self.network.kappa * self.network.setting.A - self.alpha * self.network.setting.identity

    @cached_property
    def root(self) -> Expr:
        """Gamma q^{D-1} |g|^2 - (alpha q^D + Gamma)^2."""
        s = self.network.setting
        return s.decay_product * self.q ** (self.D - 1) * norm2(s.g) - (self.alpha * self.q**self.D + s.decay_product) ** 2

    @cached_property
    def tau(self) -> Expr:
        """alpha q^D - (D-1) Gamma; the minimum of psi is -q tau / Gamma."""
        return self.alpha * self.q**self.D - (self.D - 1) * self.network.setting.decay_product

    @property
    def variables(self) -> tuple[Any, ...]:
        return (*self.network.variables, self.alpha, self.q)

    @property
    def given(self) -> tuple[Condition, ...]:
        signs = (greater(self.alpha), greater(self.q), at_least(self.tau))
        return (*self.network.given, equal(self.spherical), equal(self.root), *signs)

    @cached_property
    def value(self) -> Expr:
        """Gamma (L - L*) = Gamma (L - Y) + q tau."""
        s = self.network.setting
        return s.decay_product * (s.loss - s.Y) + self.q * self.tau

    def factor(self, b: Any) -> Any:
        """p_D(b), visibly nonnegative."""
        alpha, q, tau, decay = known(self.alpha), known(self.q), known(self.tau), self.envelope.decay_known
        if self.D == 1:
            return alpha
        if self.D == 2:
            return 2 * alpha * q * b + tau
        return 3 * alpha * q**2 * b**2 + (3 * decay + 2 * tau) * b + q * tau

    def by(self, b: Any) -> Expr:
        """b^D (alpha b^D + Gamma) q^{D-1} (Gamma (L - Y) + q tau) in visibly nonnegative parts."""
        e, s = self.envelope, self.network.setting
        rho, lead, decay = b**self.D, known(self.q) ** (self.D - 1), e.decay_known
        shifted = known(self.alpha) * rho + decay
        plain = self.alpha * e.beta + s.decay_product
        square = Square(plain * e.v - e.beta * s.g)
        anisotropy = e.beta * plain * Trace(s.product * known(self.spherical) * s.product.T)
        data = lead * decay * (shifted * e.layer_terms(rho) + square + anisotropy)
        return data + rho * (b - self.q) ** 2 * decay * self.factor(b) - e.beta**2 * known(self.root)

    def steps(self) -> list[Step]:
        e, b = self.envelope, known(self.envelope.b)
        times = b**self.D * (known(self.alpha) * b**self.D + e.decay_known) * known(self.q) ** (self.D - 1)
        at_zero = e.decay_known * e.excess_known() + known(self.q) * known(self.tau)
        positive = [prove(">=", self.value, self.by(b), times=times)]
        otherwise = [*e.trivial_steps(), prove(">=", self.value, at_zero)]
        return [*e.lemma_steps(), split(">=", self.value, on=e.b, positive=positive, otherwise=otherwise)]
