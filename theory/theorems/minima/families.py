r"""The families of global minimisers: aligned layers of rank one, along vectors r_k of signs where there is noise.

    W_N = c_N r_{N-1}^T,   W_i = c_i r_i r_{i-1}^T (2 <= i < N),   W_1 = r_1 w^T,   |r_k|^2 = d_k,
    gamma_i |W_i|^2 = b for all i,   C w = b^D z with C = prod c_i prod d_k,   (kappa b^D A + Gamma I) z = g.

A layer with noise has signs, diag(r_k r_k^T) = I; without noise r_k is any vector (d_k stands for |r_k|^2). The second
moments forward and backward stay of the form q (r r^T + s I); the gradient is then a multiple of sigma = E f^2 - v.g + b, and
b^D sigma = 0 follows from the equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from sympy import Expr, Identity, Integer, MatrixSymbol, Mul, Symbol

from theory.certificates import Step
from theory.expressions import DiagonalPart, gradient, inner, norm2, quadratic
from theory.statement import Condition, equal, greater
from theory.terms import Term, diagonal_part, dot, fact, step, term, trace
from theory.theorems.minima.setting import Setting


@dataclass(frozen=True)
class Family:
    """A point of the family in a setting."""

    setting: Setting

    @property
    def N(self) -> int:
        return self.setting.depth

    @property
    def D(self) -> int:
        return self.setting.depth - 1

    @property
    def hidden(self) -> range:
        return range(1, self.N)

    def r(self, k: int) -> MatrixSymbol:
        return MatrixSymbol(f"r{k}", self.setting.dim(k), 1)

    def n(self, k: int) -> Any:
        """d_k = |r_k|^2, and d_N = 1."""
        return norm2(self.r(k)) if k < self.N else Integer(1)

    def s(self, k: int) -> Any:
        return self.setting.noise[k - 1] if k < self.N else Integer(0)

    def c(self, i: int) -> Symbol:
        return Symbol(f"c{i}")

    @cached_property
    def w(self) -> MatrixSymbol:
        return MatrixSymbol("w", self.setting.dim(0), 1)

    @cached_property
    def z(self) -> MatrixSymbol:
        return MatrixSymbol("z", self.setting.dim(0), 1)

    @cached_property
    def b(self) -> Symbol:
        return Symbol("b")

    @cached_property
    def noisy(self) -> tuple[int, ...]:
        return tuple(k for k in self.hidden if self.s(k) != 0)

    @cached_property
    def kappa(self) -> Any:
        return Symbol("kappa") if self.noisy else Integer(1)

    @cached_property
    def C(self) -> Any:
        """v = C w."""
        return Mul(*(self.c(i) for i in range(2, self.N + 1)), *(self.n(k) for k in self.hidden))

    def layer(self, i: int) -> Expr:
        """The value of W_i."""
        left = self.r(i) if i < self.N else None
        right = self.r(i - 1).T if i > 1 else self.w.T
        scaled = self.c(i) * right if i > 1 else right
        return left * scaled if left is not None else scaled

    def off(self, i: int) -> Expr:
        """W_i minus its value."""
        return self.setting.layers[i - 1] - self.layer(i)

    def energy(self, i: int) -> Any:
        """gamma_i |W_i|^2 at the family."""
        c2 = self.c(i) ** 2 * self.n(i - 1) if i > 1 else norm2(self.w)
        return self.setting.decay[i - 1] * c2 * self.n(i)

    @cached_property
    def kappa_gap(self) -> Any:
        return self.kappa * Mul(*map(self.n, self.noisy)) - Mul(*(self.n(k) + self.s(k) for k in self.noisy))

    @cached_property
    def predictor(self) -> Expr:
        """C w - b^D z."""
        return self.C * self.w - self.b**self.D * self.z

    @cached_property
    def equation(self) -> Expr:
        s = self.setting
        return self.kappa * self.b**self.D * s.A * self.z + s.decay_product * self.z - s.g

    def unit(self, k: int) -> Expr:
        """diag(r_k r_k^T) - I."""
        return DiagonalPart(self.r(k) * self.r(k).T) - Identity(self.setting.dim(k))

    @property
    def variables(self) -> tuple[Any, ...]:
        scales = [self.c(i) for i in range(2, self.N + 1)]
        return (
            *self.setting.variables,
            *map(self.r, self.hidden),
            *scales,
            self.w,
            self.z,
            self.b,
            *([self.kappa] if self.noisy else []),
        )

    @property
    def given(self) -> tuple[Condition, ...]:
        layers = [equal(self.off(i)) for i in range(1, self.N + 1)]
        scales = [equal(self.energy(i) - self.b) for i in range(1, self.N + 1)]
        signs = [equal(self.unit(k)) for k in self.noisy]
        positive = [
            *(greater(self.c(i)) for i in range(2, self.N + 1)),
            *(greater(self.n(k)) for k in self.hidden),
            greater(self.b),
        ]
        kappa = [equal(self.kappa_gap)] if self.noisy else []
        return (
            *self.setting.hypotheses,
            *layers,
            *scales,
            *signs,
            *positive,
            *kappa,
            equal(self.predictor),
            equal(self.equation),
        )

    # -- second moments, forward and backward ------------------------------------------------------------------------------

    def q(self, k: int) -> Any:
        """B_k = q_k (r_k r_k^T + s_k I)."""
        steps = (self.c(j) ** 2 * self.n(j - 1) * (self.n(j - 1) + self.s(j - 1)) for j in range(2, k + 1))
        return Mul(quadratic(self.setting.A, self.w), *steps)

    def t(self, k: int) -> Any:
        """The derivative of E f^2 by M_k is t_k (r_k r_k^T + s_k I)."""
        steps = (self.n(j) * (self.n(j) + self.s(j)) for j in range(k + 1, self.N))
        return Mul(*(self.c(j) ** 2 for j in range(max(k, 1) + 1, self.N + 1)), *steps)

    def rank_one(self, scale: Any, k: int) -> Expr:
        """scale (r_k r_k^T + s_k I)."""
        out = scale * self.r(k) * self.r(k).T
        return out + scale * self.s(k) * Identity(self.setting.dim(k)) if self.s(k) != 0 else out

    def forward_gap(self, k: int) -> Expr:
        """B_k minus its value (B_0 = A has none)."""
        return self.setting.carried[k] - self.rank_one(self.q(k), k)

    def backward(self, k: int) -> Expr:
        """The derivative of E f^2 by M_k: S_k + s_k diag(S_k), S_{k-1} = W_k^T (..) W_k."""
        S = self.setting.layers[k].T * (self.backward(k + 1) if k + 1 < self.N else Identity(1)) * self.setting.layers[k]
        return S + self.s(k) * DiagonalPart(S) if self.s(k) != 0 else S

    def backward_gap(self, k: int) -> Expr:
        return self.backward(k) - self.rank_one(self.t(k), k)

    def _spread(self, difference: Term, scale: Any, k: int) -> Term:
        """What M -> M + s diag(M) makes of a known difference."""
        s = self.s(k)
        return difference + s * diagonal_part(difference) + s * scale * fact(self.unit(k)) if s != 0 else difference

    def forward_step(self, k: int) -> Step:
        W, V, E, B = term(self.setting.layers[k - 1]), term(self.layer(k)), fact(self.off(k)), term(self.setting.carried[k - 1])
        difference = E * B * W.T
        if k > 1:
            B0 = self.rank_one(self.q(k - 1), k - 1)
            difference += V * fact(self.forward_gap(k - 1)) * W.T + V * B0 * E.T
        else:
            difference += V * B * E.T
        return step("==", self.forward_gap(k), self._spread(difference, self.q(k), k))

    def backward_step(self, k: int) -> Step:
        W, V, E = term(self.setting.layers[k]), term(self.layer(k + 1)), fact(self.off(k + 1))
        if k + 1 < self.N:
            S, S0 = self.backward(k + 1), self.rank_one(self.t(k + 1), k + 1)
            difference = E.T * S * W + V.T * fact(self.backward_gap(k + 1)) * W + V.T * S0 * E
        else:
            difference = E.T * W + V.T * E
        return step("==", self.backward_gap(k), self._spread(difference, self.t(k), k))

    # -- rows and columns of products --------------------------------------------------------------------------------------

    def a(self, k: int) -> Any:
        """u_k = a_k r_k^T."""
        return Mul(*(self.c(i) for i in range(k + 1, self.N + 1)), *(self.n(j) for j in range(k + 1, self.N)))

    def head_gap(self, k: int) -> Expr:
        """u_k minus its value; u_0 = P = C w^T."""
        return self.setting.heads[k] - (self.a(k) * self.r(k).T if k else self.C * self.w.T)

    def head_step(self, k: int) -> Step:
        """u_k = u_{k+1} W_{k+1}."""
        if k == self.N - 1:
            return step("==", self.head_gap(k), fact(self.off(self.N)))
        by = fact(self.head_gap(k + 1)) * self.setting.layers[k] + self.a(k + 1) * self.r(k + 1).T * fact(self.off(k + 1))
        return step("==", self.head_gap(k), by)

    def tail(self, k: int) -> Expr:
        """W_{k-1} ... W_1 (k >= 2)."""
        out = self.setting.layers[k - 2]
        for W in reversed(self.setting.layers[: k - 2]):
            out = out * W
        return out

    def h(self, k: int) -> Any:
        """W_{k-1} ... W_1 = h_k r_{k-1} w^T."""
        return Mul(*(self.c(i) for i in range(2, k)), *(self.n(j) for j in range(1, k - 1)))

    def tail_gap(self, k: int) -> Expr:
        return self.tail(k) - self.h(k) * self.r(k - 1) * self.w.T

    def tail_step(self, k: int) -> Step:
        """W_{k-1} (W_{k-2} ... W_1)."""
        if k == 2:
            return step("==", self.tail_gap(2), fact(self.off(1)))
        by = fact(self.off(k - 1)) * self.tail(k - 1) + self.layer(k - 1) * fact(self.tail_gap(k - 1))
        return step("==", self.tail_gap(k), by)

    # -- the scalar equation and the conclusions ---------------------------------------------------------------------------

    @cached_property
    def sigma(self) -> Any:
        """E f^2 - v.g + b at the family."""
        return self.t(0) * quadratic(self.setting.A, self.w) - self.C * inner(self.w, self.setting.g) + self.b

    def powers(self, first: int) -> Expr:
        """prod_{i >= first} gamma_i |W_i|^2 - b^{...}, a visible zero."""
        span = range(first, self.N + 1)
        parts = (
            Mul(*(self.energy(i) for i in span if i < j)) * fact(self.energy(j) - self.b) * self.b ** (self.N - j) for j in span
        )
        return sum(parts, Integer(0))

    @property
    def kappa_zero(self) -> Any:
        """t_0 - kappa C^2, a visible zero: t_0 = prod c^2 prod d (d + s)."""
        if not self.noisy:
            return Integer(0)
        squares = Mul(*(self.c(i) ** 2 for i in range(2, self.N + 1)), *(self.n(k) for k in self.hidden))
        return -squares * Mul(*(self.n(k) for k in self.hidden if k not in self.noisy)) * fact(self.kappa_gap)

    def sigma_step(self) -> Step:
        s, beta, v = self.setting, self.b**self.D, self.C * self.w
        shifted = self.kappa * beta * s.A * fact(self.predictor) + s.decay_product * fact(self.predictor)
        zeros = beta * quadratic(s.A, self.w) * self.kappa_zero - self.powers(1)
        by = zeros + dot(v, shifted) + beta * dot(v, fact(self.equation))
        return step("==", self.sigma, by, times=fact(self.b) ** self.D)

    def energy_step(self, i: int) -> Step:
        """gamma_i |W_i|^2 = b."""
        W, V, E = term(self.setting.layers[i - 1]), term(self.layer(i)), fact(self.off(i))
        by = self.setting.decay[i - 1] * (trace(E.T * W) + trace(V.T * E)) + fact(self.energy(i) - self.b)
        return step("==", self.energy_gap(i), by)

    def energy_gap(self, i: int) -> Expr:
        return self.setting.decay[i - 1] * norm2(self.setting.layers[i - 1]) - self.b

    @cached_property
    def moment_gap(self) -> Expr:
        """E f^2 minus its value."""
        return self.setting.second_moment - self.t(0) * quadratic(self.setting.A, self.w)

    def moment_step(self) -> Step:
        W, V, E, k = term(self.setting.layers[-1]), term(self.layer(self.N)), fact(self.off(self.N)), self.N - 1
        B0 = self.rank_one(self.q(k), k)
        by = trace(E * self.setting.carried[k] * W.T) + trace(V * fact(self.forward_gap(k)) * W.T) + trace(V * B0 * E.T)
        return step("==", self.moment_gap, by)

    @cached_property
    def value(self) -> Expr:
        """L - Y - D b + b^D g.z."""
        s = self.setting
        return s.loss - s.Y - self.D * self.b + self.b**self.D * inner(s.g, self.z)

    @cached_property
    def predicted(self) -> Expr:
        """P^T - b^D z: the mean predictor."""
        return self.setting.product.T - self.b**self.D * self.z

    @cached_property
    def tight(self) -> Expr:
        """E f^2 - kappa |v|_A^2."""
        return self.setting.second_moment - self.kappa * quadratic(self.setting.A, self.setting.product.T)

    @cached_property
    def energy_value(self) -> Expr:
        """L - Y - D b + v.g."""
        return self.setting.loss - self.setting.Y - self.D * self.b + self.setting.fit

    def predictor_steps(self) -> list[Step]:
        s, off, v = self.setting, fact(self.head_gap(0)), self.C * self.w
        cross = trace(off * s.A * s.product.T) + trace(v.T * s.A * off.T)
        tight = fact(self.moment_gap) + quadratic(s.A, self.w) * self.kappa_zero - self.kappa * cross
        return [
            step("==", self.predicted, off.T + fact(self.predictor)),
            step("==", self.tight, tight),
            step("==", self.energy_value, fact(self.value) + dot(s.g, fact(self.predicted))),
        ]

    @property
    def conclusions(self) -> tuple[Expr, ...]:
        """The value in two forms, v = b^D z, no slack in the path lemma, and a vanishing gradient."""
        gradients = map(self.gradient, range(1, self.N + 1))
        return (self.value, self.energy_value, self.predicted, self.tight, *gradients)

    def value_step(self) -> Step:
        g = self.setting.g
        energies = sum(fact(self.energy_gap(i)) for i in range(1, self.N + 1))
        by = (
            fact(self.moment_gap)
            - 2 * trace(fact(self.head_gap(0)) * g)
            + energies
            + fact(self.sigma)
            - dot(g, fact(self.predictor))
        )
        return step("==", self.value, by)

    def gradient(self, k: int) -> Expr:
        return gradient(self.setting.loss, self.setting.layers[k - 1])

    def gradient_step(self, k: int) -> Step:
        half = self._gradient_moved(k) * 2
        scale = self.n(k) * self.n(k - 1) * self.c(k) if k > 1 else self.n(1) * self.b**self.D
        widths = prod((fact(self.n(j)) for j in (k, k - 1) if 0 < j < self.N), start=term(1))
        times = widths * (fact(self.c(k)) if k > 1 else fact(self.b) ** self.D)
        return step("==", self.gradient(k), scale * half + 2 * self._gradient_at_family(k), times=times)

    def _gradient_moved(self, k: int) -> Expr:
        """Half the gradient by W_k minus its value at the family, a visible zero."""
        s, W, V, E = self.setting, term(self.setting.layers[k - 1]), term(self.layer(k)), fact(self.off(k))
        B = term(s.carried[k - 1])
        moved, S0 = E * B, V
        if k < self.N:
            S0 = self.rank_one(self.t(k), k)
            moved = fact(self.backward_gap(k)) * W * B + S0 * E * B
            S0 = S0 * V
        moved = moved + S0 * fact(self.forward_gap(k - 1)) if k > 1 else moved
        return moved - self._cross_moved(k) + s.decay[k - 1] * E

    def _cross_moved(self, k: int) -> Expr:
        """u_k^T (W_{k-1} ... W_1 g)^T minus its value (u_N = 1)."""
        g, low = self.setting.g, self.tail(k) if k > 1 else None
        below = g.T * low.T if low is not None else g.T
        first = fact(self.head_gap(k)).T * below if k < self.N else None
        if k == 1:
            return first
        second = g.T * fact(self.tail_gap(k)).T
        return first + self.a(k) * self.r(k) * second if k < self.N else second

    def _gradient_at_family(self, k: int) -> Expr:
        """The rest, with its multiplier: sigma r_k r_{k-1}^T, or the equation of z for the first layer."""
        if k > 1:
            tail = (fact(self.sigma) + fact(self.energy(k) - self.b)) * self.r(k - 1).T
            return self.r(k) * tail if k < self.N else tail
        s, r, beta = self.setting, self.r(1), self.b**self.D
        M, E = fact(self.predictor), fact(self.equation)
        data = beta * self.C * r * (E.T + self.kappa * M.T * s.A) + s.decay_product * self.C * r * M.T
        scale = beta * self.kappa_zero * r * self.w.T * s.A if self.noisy else None
        decay = -s.decay[0] * self.n(1) * self.powers(2) * r * self.w.T
        return data + decay + scale if scale is not None else data + decay

    def steps(self) -> list[Step]:
        forward = [*map(self.forward_step, self.hidden), *map(self.backward_step, reversed(self.hidden))]
        rows = [*map(self.head_step, reversed(range(self.N))), *map(self.tail_step, range(2, self.N + 1))]
        scalars = [self.sigma_step(), *map(self.energy_step, range(1, self.N + 1)), self.moment_step(), self.value_step()]
        return [*forward, *rows, *scalars, *self.predictor_steps(), *map(self.gradient_step, range(1, self.N + 1))]
