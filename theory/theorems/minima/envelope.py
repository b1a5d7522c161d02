r"""The lower envelope of the loss: L >= Y + psi(b), psi(b) = D b - b^D g.z(b), with (kappa b^D A + Gamma I) z(b) = g.

D = N - 1 is the number of hidden layers, v = P^T and h_i = gamma_i |W_i|^2. For any b > 0 with b^D >= h_2 ... h_N,

    b^D (L - Y - sum_{i>=2} h_i + b^D g.z) = b^D (E f^2 - kappa |v|_A^2) + h_1 (b^D - h_2 ... h_N)
        + Gamma (prod |W_i|^2 - |v|^2) + (v - b^D z)^T (kappa b^D A + Gamma I) (v - b^D z)

and every summand is nonnegative. Two choices of b have sum_{i>=2} h_i >= D b: the geometric mean (b^D = h_2 ... h_N) and the
arithmetic mean of the energies h_2, ..., h_N; the second is a polynomial in the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, MatrixSymbol, Mul, Rational, Symbol, Trace

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, Square, inner, known, norm2
from theory.statement import Condition, at_least, equal
from theory.theorems.minima.lemmas import Network, mean_cofactor, mean_gap


@dataclass(frozen=True)
class Envelope:
    """A network with a layer energy b: the arithmetic mean, or (`mean=False`) the geometric mean of h_2, ..., h_N."""

    network: Network
    mean: bool = False

    @cached_property
    def D(self) -> int:
        return self.network.setting.depth - 1

    @cached_property
    def energies(self) -> tuple[Expr, ...]:
        """h_2, ..., h_N."""
        s = self.network.setting
        return tuple(c * norm2(W) for c, W in zip(s.decay[1:], s.layers[1:], strict=True))

    @cached_property
    def energies_known(self) -> tuple[Expr, ...]:
        s = self.network.setting
        return tuple(known(c) * Square(W) for c, W in zip(s.decay[1:], s.layers[1:], strict=True))

    @property
    def rooted(self) -> bool:
        """Whether b is a variable with b^D = h_2 ... h_N."""
        return not self.mean and self.D > 1

    @cached_property
    def b(self) -> Any:
        return Symbol("b") if self.rooted else Rational(1, self.D) * sum(self.energies)

    @cached_property
    def b_known(self) -> Any:
        """b, visibly nonnegative."""
        return known(self.b) if self.rooted else Rational(1, self.D) * sum(self.energies_known)

    @cached_property
    def beta(self) -> Any:
        return self.b**self.D

    @cached_property
    def energy_gap(self) -> Any:
        """b^D - h_2 ... h_N: zero, or nonnegative."""
        return self.beta - Mul(*self.energies)

    @property
    def energy_gap_known(self) -> Any:
        if self.rooted:
            return known(self.energy_gap)
        return Rational(1, self.D**self.D) * mean_gap(self.energies_known)

    @cached_property
    def z(self) -> MatrixSymbol:
        return MatrixSymbol("z", self.network.setting.dim(0), 1)

    @cached_property
    def shifted(self) -> Expr:
        """kappa b^D A + Gamma I."""
        s = self.network.setting
        return self.network.kappa * self.beta * s.A + s.decay_product * s.identity

    @cached_property
    def equation(self) -> Expr:
        return self.shifted * self.z - self.network.setting.g

    @cached_property
    def decay_known(self) -> Any:
        """Gamma, visibly positive."""
        return Mul(*map(known, self.network.setting.decay))

    @cached_property
    def v(self) -> Expr:
        return self.network.setting.product.T

    @property
    def variables(self) -> tuple[Any, ...]:
        return (*self.network.variables, self.z, *([self.b] if self.rooted else []))

    @property
    def given(self) -> tuple[Condition, ...]:
        rooted = (at_least(self.b), equal(self.energy_gap)) if self.rooted else ()
        return (*self.network.given, *rooted, equal(self.equation))

    @cached_property
    def value(self) -> Expr:
        """L - Y - psi(b)."""
        s = self.network.setting
        return s.loss - s.Y - self.D * self.b + self.beta * inner(s.g, self.z)

    @cached_property
    def energy_sum_gap(self) -> Expr:
        """h_2 + ... + h_N - D b >= 0."""
        return sum(self.energies) - self.D * self.b

    @property
    def remainder(self) -> Expr:
        """v - b^D z."""
        return self.v - self.beta * self.z

    def shifted_known(self, beta: Any) -> Expr:
        """kappa b^D A + Gamma I, visibly positive definite."""
        s = self.network.setting
        return self.network.kappa_known * beta * known(s.A) + self.decay_known * s.identity

    def layer_terms(self, beta: Any) -> Expr:
        """b^D (path gap) + h_1 (b^D - h_2 ... h_N) + Gamma (norm gap)."""
        s = self.network.setting
        first = known(s.decay[0]) * Square(s.layers[0])
        return beta * known(self.network.path) + first * self.energy_gap_known + self.decay_known * known(self.network.norm)

    def completed_square(self, beta: Any) -> Expr:
        return Trace(Congruence(self.shifted_known(beta), self.remainder))

    @property
    def cross(self) -> Expr:
        """What the square has too much: zero by the equation of z."""
        return Trace((2 * self.beta * self.v - self.beta**2 * self.z).T * known(self.equation))

    def by(self, beta: Any) -> Expr:
        """b^D (L - Y - psi(b)) in visibly nonnegative parts; `beta` is b^D with a visible sign."""
        rest = beta * known(self.energy_sum_gap) if self.rooted else Integer(0)
        return self.layer_terms(beta) + self.completed_square(beta) + rest + self.cross

    def energy_steps(self) -> list[Step]:
        """h_2 + ... + h_N >= D b, where b > 0 is the geometric mean."""
        if not self.rooted:
            return []
        total = sum(self.energies_known)
        by = mean_gap(self.energies_known) - self.D**self.D * known(self.energy_gap)
        return [prove(">=", self.energy_sum_gap, by, times=mean_cofactor(total, known(self.b), self.D))]

    def lemma_steps(self) -> list[Step]:
        return [*self.network.path_steps(), *self.network.norm_steps()]

    def positive_steps(self) -> list[Step]:
        """L - Y - psi(b) >= 0, where b > 0 is known."""
        beta = known(self.b) ** self.D
        return [*self.energy_steps(), prove(">=", self.value, self.by(beta), times=beta)]

    def trivial_steps(self) -> list[Step]:
        """b = 0 and P = 0, where -b >= 0 is known."""
        s = self.network.setting
        zero = vanishes(self.b, self.b_known * known(-self.b))
        if self.rooted:
            c = Mul(*map(known, s.decay[1:]))
            gap = known(self.energy_gap) - known(self.b) * self.b ** (self.D - 1)
            return [zero, vanishes(s.product, c * known(self.network.norm) + norm2(s.layers[0]) * gap, times=c)]
        others = sum(self.energies_known[:-1], Integer(0)) - self.D * known(self.b)
        return [zero, vanishes(s.layers[-1], others, times=known(s.decay[-1])), prove("==", s.product, self.dead)]

    @property
    def dead(self) -> Expr:
        """P, visibly zero because W_N is."""
        out = known(self.network.setting.layers[-1])
        for W in reversed(self.network.setting.layers[:-1]):
            out = out * W
        return out

    @property
    def penalty_known(self) -> Expr:
        s = self.network.setting
        return sum(known(c) * Square(W) for c, W in zip(s.decay, s.layers, strict=True))

    @property
    def dead_fit(self) -> Expr:
        """P g, visibly zero where P = 0 is known."""
        return Trace(known(self.network.setting.product) * self.network.setting.g)

    def excess_known(self) -> Expr:
        """L - Y, visibly nonnegative where P = 0 is known."""
        return self.network.moment_known + self.penalty_known - 2 * self.dead_fit

    def at_zero(self) -> Expr:
        """L - Y - psi(b), visibly nonnegative where b = 0 and P = 0 are known."""
        gz = inner(self.network.setting.g, self.z)
        return self.excess_known() + known(self.b) * (self.b ** (self.D - 1) * gz - self.D)

    def steps(self) -> list[Step]:
        """L - Y - psi(b) >= 0."""
        otherwise = [*self.trivial_steps(), prove(">=", self.value, self.at_zero())]
        return [*self.lemma_steps(), split(">=", self.value, on=self.b, positive=self.positive_steps(), otherwise=otherwise)]
