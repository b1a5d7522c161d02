r"""Aligned points: rank-one layers along vectors of signs, with the noise at all widths (arXiv:2202.04777).

W_1 = x e_1 g^T, W_i = w_i e_i e_{i-1}^T for 1 < i < N and W_N = w_N e_{N-1}^T, with diag(e_k e_k^T) = I (signs), n_k = |e_k|^2.
For A = a I, alpha = kappa a, equal energies gamma_i |W_i|^2 = b (i >= 2) and v = C g with C (alpha b^D + Gamma) = b^D,

    (alpha b^D + Gamma) (L - Y) = b (D (alpha b^D + Gamma) - G b^{D-1}),   that is   L - Y = psi(b).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Identity, Integer, MatrixSymbol, Mul, Rational, Symbol, Trace, symbols

from theory.certificates import Step, prove
from theory.expressions import DiagonalPart, known, norm2, quadratic
from theory.statement import Condition, equal, greater
from theory.theorems.minima.setting import Setting, widths_of

A, B, KAPPA, X = symbols("a b kappa x")


@dataclass(frozen=True)
class Aligned:
    """The aligned points of depth N = D + 1 at all widths."""

    depth: int

    @cached_property
    def s(self) -> Setting:
        return Setting(widths_of(self.depth))

    @property
    def D(self) -> int:
        return self.depth - 1

    @cached_property
    def signs(self) -> tuple[MatrixSymbol, ...]:
        return tuple(MatrixSymbol(f"e{k}", self.s.dim(k), 1) for k in range(1, self.depth))

    @cached_property
    def sizes(self) -> tuple[Expr, ...]:
        """n_k = |e_k|^2."""
        return tuple(map(norm2, self.signs))

    @cached_property
    def units(self) -> tuple[Expr, ...]:
        return tuple(DiagonalPart(e * e.T) - Identity(e.shape[0]) for e in self.signs)

    @cached_property
    def factors(self) -> tuple[Symbol, ...]:
        """w_2, ..., w_N."""
        return tuple(symbols(f"w2:{self.depth + 1}"))

    @cached_property
    def layers(self) -> tuple[Expr, ...]:
        ends = [*self.signs, None]
        inner = [w * (e * d.T if e is not None else d.T) for w, e, d in zip(self.factors, ends[1:], self.signs, strict=True)]
        return (X * self.signs[0] * self.s.g.T, *inner)

    @cached_property
    def loss(self) -> Expr:
        return self.s.loss.xreplace(dict(zip(self.s.layers, self.layers, strict=True)))

    @cached_property
    def G(self) -> Expr:
        return norm2(self.s.g)

    @cached_property
    def alpha(self) -> Expr:
        return KAPPA * A

    @cached_property
    def weight(self) -> Expr:
        """alpha b^D + Gamma."""
        return self.alpha * B**self.D + self.s.decay_product

    @property
    def weight_known(self) -> Expr:
        return known(KAPPA) * known(A) * known(B) ** self.D + Mul(*map(known, self.s.decay))

    @cached_property
    def C(self) -> Expr:
        return X * Mul(*self.factors, *self.sizes)

    @cached_property
    def energies(self) -> tuple[Expr, ...]:
        """gamma_i |W_i|^2 for i >= 2."""
        sizes = (*self.sizes, Integer(1))
        return tuple(c * w**2 * m * n for c, w, m, n in zip(self.s.decay[1:], self.factors, sizes, sizes[1:], strict=False))

    @cached_property
    def kappa_gap(self) -> Expr:
        return KAPPA * Mul(*self.sizes) - Mul(*(n + v for n, v in zip(self.sizes, self.s.noise, strict=True)))

    @cached_property
    def shrinkage(self) -> Expr:
        """C (alpha b^D + Gamma) - b^D."""
        return self.C * self.weight - B**self.D

    @cached_property
    def isotropy(self) -> Expr:
        return self.s.A - A * self.s.identity

    @property
    def variables(self) -> tuple[Any, ...]:
        data = (self.s.A, self.s.g, self.s.Y, *self.s.decay, *self.s.noise)
        return (*data, *self.signs, *self.factors, X, A, B, KAPPA)

    @property
    def given(self) -> tuple[Condition, ...]:
        zeros = (*self.units, self.kappa_gap, self.isotropy, self.shrinkage, *(h - B for h in self.energies))
        return (*map(greater, (*self.s.decay, A, B, KAPPA)), *map(equal, zeros))

    @cached_property
    def value(self) -> Expr:
        """L - Y - D b + C G, which vanishes."""
        return self.loss - self.s.Y - self.D * B + self.C * self.G

    @cached_property
    def law(self) -> Expr:
        """(alpha b^D + Gamma)(L - Y) - b (D (alpha b^D + Gamma) - G b^{D-1}), which vanishes."""
        return self.weight * (self.loss - self.s.Y) - B * (self.D * self.weight - self.G * B ** (self.D - 1))

    def steps(self) -> list[Step]:
        """`value` = 0 and `law` = 0."""
        law = self.weight * known(self.value) - self.G * known(self.shrinkage)
        return [prove("==", self.value, self._zeros(), times=known(B) ** self.D), prove("==", self.law, law)]

    def _moment_zeros(self) -> Expr:
        """E f^2 - kappa a C^2 G: e^T diag(e e^T) e = n in each layer, then kappa, then A = a I."""
        clean, rest = X**2 * quadratic(self.s.A, self.s.g), Integer(0)
        for e, n, v, unit, w in zip(self.signs, self.sizes, self.s.noise, self.units, self.factors, strict=True):
            rest = w**2 * (rest * (n**2 + v * n) + (clean + rest) * v * Trace(e.T * known(unit) * e))
            clean = w**2 * clean * (n**2 + v * n)
        scale = X**2 * Mul(*(w**2 for w in self.factors), *self.sizes)
        rest -= scale * known(self.kappa_gap) * quadratic(self.s.A, self.s.g)
        return rest + KAPPA * self.C**2 * Trace(self.s.g.T * known(self.isotropy) * self.s.g)

    def _zeros(self) -> Expr:
        """b^D (L - Y - D b + C G)."""
        energies = B**self.D * sum((known(h - B) for h in self.energies), Integer(0))
        first = self.s.decay[0] * X**2 * self.sizes[0] * self.G
        product = sum(Mul(*self.energies[:j]) * known(h - B) * B ** (self.D - 1 - j) for j, h in enumerate(self.energies))
        return B**self.D * self._moment_zeros() + energies + self.C * self.G * known(self.shrinkage) - first * product

    @property
    def low(self) -> Expr:
        """G b^{D-1} - D (alpha b^D + Gamma), of the sign of -psi(b)."""
        return self.G * B ** (self.D - 1) - self.D * self.weight

    @property
    def at(self) -> dict[str, int]:
        return {f"d{k}": 2 for k in range(self.depth)}

    def point(self, b: Any = 1, decay: Any = None, a: Any = 1) -> dict[str, Any]:
        """All widths 2, g = (2, 0), s_k = 1, w_i = 1, e_k = (1, (-1)^k); gamma_1 from Gamma = `decay` (1 by default)."""
        n, kappa = 2, Rational(3, 2) ** self.D
        others = [Rational(b) / n**2] * (self.D - 1) + [Rational(b) / n]
        product = Rational(1) if decay is None else Rational(decay)
        decays = [product / Mul(*others), *others]
        x = Rational(b) ** self.D / (kappa * a * Rational(b) ** self.D + product) / n**self.D
        out = {"A": [[a, 0], [0, a]], "g": [[2], [0]], "Y": 1, "x": x, "a": a, "b": b, "kappa": kappa}
        out |= {f"gamma{i}": c for i, c in enumerate(decays, 1)} | {f"w{i}": 1 for i in range(2, self.depth + 1)}
        return out | {f"s{k}": 1 for k in range(1, self.depth)} | {f"e{k}": [[1], [(-1) ** k]] for k in range(1, self.depth)}
