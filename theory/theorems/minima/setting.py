r"""The setting of the family `minima` (arXiv:2202.04777): scalar output, weight decay, stochastic hidden neurons.

Layers W_1, ..., W_N with W_i of shape d_i x d_{i-1} and d_N = 1; hidden neuron j of layer i < N is multiplied by an independent
random number of mean 1 and variance s_i >= 0. With A = E[x x^T], g = E[x y], Y = E[y^2] and P = W_N ... W_1 the loss is

    L = E f^2 - 2 P g + Y + sum_i gamma_i |W_i|_F^2,      E f^2 = W_N B_{N-1} W_N^T,
    B_0 = A,   M_i = W_i B_{i-1} W_i^T,   B_i = M_i + s_i diag(M_i).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Identity, Integer, MatMul, MatrixSymbol, Mul, Rational, Symbol, Trace, symbols

from theory.errors import InvalidInput
from theory.expressions import DiagonalPart, SymmetricSymbol, norm2
from theory.statement import Condition, at_least, greater
from theory.theorem import Draw

Width = int | str


def chain(*factors: Expr) -> Expr:
    """The product as it stands: SymPy's canonical form of a deep product costs seconds, and nothing here needs it."""
    return MatMul(*factors, evaluate=False)


def widths_of(depth: int) -> tuple[Width, ...]:
    """The symbolic widths (d0, ..., d_{N-1}, 1) of a network with N = depth layers and scalar output."""
    return (*(f"d{i}" for i in range(depth)), 1)


@dataclass(frozen=True)
class Setting:
    """The variables and expressions of a network of the given widths (numbers or names).

    `noisy=False` puts all s_i = 0; `silent` names single hidden layers i with s_i = 0.
    """

    widths: tuple[Width, ...]
    noisy: bool = True
    silent: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or self.widths[-1] != 1:
            raise InvalidInput("widths", self.widths, "at least two widths, the last of them 1")

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    def dim(self, i: int) -> Any:
        d = self.widths[i]
        return Integer(d) if isinstance(d, int) else Symbol(d)

    @cached_property
    def layers(self) -> tuple[MatrixSymbol, ...]:
        """W_1, ..., W_N."""
        return tuple(MatrixSymbol(f"W{i}", self.dim(i), self.dim(i - 1)) for i in range(1, self.depth + 1))

    @cached_property
    def A(self) -> SymmetricSymbol:
        return SymmetricSymbol("A", self.dim(0))

    @cached_property
    def g(self) -> MatrixSymbol:
        return MatrixSymbol("g", self.dim(0), 1)

    @property
    def Y(self) -> Symbol:
        return Symbol("Y")

    @cached_property
    def decay(self) -> tuple[Symbol, ...]:
        """gamma_1, ..., gamma_N."""
        return tuple(symbols(f"gamma1:{self.depth + 1}"))

    @cached_property
    def noise(self) -> tuple[Any, ...]:
        """The variances s_1, ..., s_{N-1}; zeros where not noisy."""
        quiet = range(1, self.depth) if not self.noisy else self.silent
        return tuple(Integer(0) if i in quiet else Symbol(f"s{i}") for i in range(1, self.depth))

    @cached_property
    def product(self) -> Expr:
        """P = W_N ... W_1, a row."""
        out = self.layers[0]
        for W in self.layers[1:]:
            out = W * out
        return out

    @cached_property
    def heads(self) -> tuple[Expr, ...]:
        """The rows u_0, ..., u_{N-1}, u_i = W_N ... W_{i+1}: what the network does to the output of layer i; u_0 = P."""
        out = [self.layers[-1]]
        for W in reversed(self.layers[:-1]):
            out.append(out[-1] * W)
        return tuple(reversed(out))

    @cached_property
    def carried(self) -> tuple[Expr, ...]:
        """B_0 = A, ..., B_{N-1}: the noise-averaged second moments of the hidden layers."""
        out: list[Expr] = [self.A]
        for W, s in zip(self.layers[:-1], self.noise, strict=True):
            M = W * out[-1] * W.T
            out.append(M + s * DiagonalPart(M) if s != 0 else M)
        return tuple(out)

    @cached_property
    def second_moment(self) -> Expr:
        """E f^2 = W_N B_{N-1} W_N^T."""
        return Trace(self.layers[-1] * self.carried[-1] * self.layers[-1].T)

    @cached_property
    def fit(self) -> Expr:
        """P g = v . g, the covariance of the mean prediction with the target."""
        return Trace(self.product * self.g)

    @cached_property
    def penalty(self) -> Expr:
        """R = sum_i gamma_i |W_i|^2."""
        return sum(c * norm2(W) for c, W in zip(self.decay, self.layers, strict=True))

    @cached_property
    def loss(self) -> Expr:
        return self.second_moment - 2 * self.fit + self.Y + self.penalty

    @property
    def decay_product(self) -> Expr:
        """Gamma = gamma_1 ... gamma_N."""
        return Mul(*self.decay)

    @cached_property
    def kappa(self) -> Expr:
        """kappa = prod_i (1 + s_i / d_i); the hidden widths must be numbers unless there is no noise."""
        return Mul(*(1 + s * Rational(1, int(self.widths[i])) for i, s in enumerate(self.noise, 1) if s != 0))

    @property
    def variables(self) -> tuple[Any, ...]:
        """Layers, moments, decays and (where noisy) variances."""
        return (*self.layers, self.A, self.g, self.Y, *self.decay, *(s for s in self.noise if s != 0))

    @property
    def hypotheses(self) -> tuple[Condition, ...]:
        """gamma_i > 0, s_i >= 0, A positive semidefinite."""
        return (*map(greater, self.decay), *(at_least(s) for s in self.noise if s != 0), at_least(self.A))

    @property
    def identity(self) -> Identity:
        return Identity(self.dim(0))

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Random layers, decays, variances and consistent moments: A = X^T X, g = X^T y, Y = |y|^2."""
        d0 = int(self.widths[0])
        X, y = MatrixSymbol("X", d0 + 1, d0), MatrixSymbol("y", d0 + 1, 1)
        data = {"X": draw.matrix(d0 + 1, d0), "y": draw.matrix(d0 + 1, 1)}
        moments = {"A": X.T * X, "g": X.T * y, "Y": norm2(y)}
        layers = {W.name: draw.matrix(int(W.shape[0]), int(W.shape[1])) for W in self.layers}
        scalars = {c.name: draw.positive() for c in self.decay} | {s.name: draw.nonnegative() for s in self.noise if s != 0}
        return layers | scalars | {name: draw.value(e, data) for name, e in moments.items()}
