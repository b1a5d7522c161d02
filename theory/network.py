r"""The vocabulary of a deep linear network, for statements: layers, product, loss, gradients, one step, balance, alignment.

`network(widths)` has layers \(W_1, \dots, W_N\) of shapes \(d_i \times d_{i-1}\) (W_1 acts first), the product
\(P = W_N \cdots W_1\) and the loss \(\tfrac12 |P - Y|_F^2\); with `samples`, \(\tfrac12 |P X - Y|_F^2\) on data X. A width is a
number or the name of a dimension.

>>> net = network(("d0", "d1", "d2"))
>>> net.product
W2*W1
>>> [str(v) for v in net.variables]
['W1', 'W2', 'Y']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from sympy import Expr, Integer, MatrixSymbol, Rational, Symbol

from theory.errors import InvalidInput
from theory.expressions import gradient, norm2
from theory.predicates.alignment import LiterallyAligned
from theory.predicates.balanced import Balanced
from theory.predicates.critical import Critical
from theory.predicates.flow import along_flow

Width = int | str


def _dim(d: Width) -> Any:
    return Integer(d) if isinstance(d, int) else Symbol(d)


def network(widths: Sequence[Width], samples: Width | None = None, decay: Any = 0) -> Network:
    """The network of widths (d_0, ..., d_N); `decay` adds decay/2 times the squared norms of the layers to the loss."""
    fits = len(widths) >= 2 and all(isinstance(d, str) or (type(d) is int and d >= 1) for d in widths)
    if not fits:
        raise InvalidInput("widths", widths, "at least two widths, each an integer >= 1 or the name of a dimension")
    return Network(tuple(widths), samples, decay)


@dataclass(frozen=True)
class Network:
    """The symbols and expressions of a network. Made by `network`."""

    widths: tuple[Width, ...]
    samples: Width | None = None
    decay: Any = 0

    @property
    def depth(self) -> int:
        """The number of layers."""
        return len(self.widths) - 1

    @cached_property
    def layers(self) -> tuple[MatrixSymbol, ...]:
        """W_1, ..., W_N."""
        pairs = enumerate(pairwise(self.widths), 1)
        return tuple(MatrixSymbol(f"W{i}", _dim(rows), _dim(cols)) for i, (cols, rows) in pairs)

    @cached_property
    def data(self) -> MatrixSymbol | None:
        """X, of shape d_0 x samples; None without samples."""
        return None if self.samples is None else MatrixSymbol("X", _dim(self.widths[0]), _dim(self.samples))

    @cached_property
    def target(self) -> MatrixSymbol:
        """Y, of the shape of the product (times the data)."""
        cols = self.widths[0] if self.samples is None else self.samples
        return MatrixSymbol("Y", _dim(self.widths[-1]), _dim(cols))

    @property
    def variables(self) -> tuple[Any, ...]:
        """Layers, data and target, and the decay if it is a symbol."""
        decay = (self.decay,) if isinstance(self.decay, Symbol) else ()
        return (*self.layers, *filter(None, [self.data]), self.target, *decay)

    @cached_property
    def product(self) -> Expr:
        """P = W_N ... W_1."""
        out = self.layers[-1]
        for W in reversed(self.layers[:-1]):
            out = out * W
        return out

    @cached_property
    def loss(self) -> Expr:
        fit = norm2((self.product if self.data is None else self.product * self.data) - self.target) / 2
        return fit if self.decay == 0 else fit + self.decay * sum((norm2(W) for W in self.layers), Integer(0)) * Rational(1, 2)

    def gradient(self, i: int) -> Expr:
        """The gradient of the loss by layer i = 1, ..., N."""
        if not 1 <= i <= self.depth:
            raise InvalidInput("i", i, f"a layer from 1 to {self.depth}")
        return gradient(self.loss, self.layers[i - 1])

    def step(self, eta: Any) -> tuple[Expr, ...]:
        """The layers after one step of gradient descent with learning rate eta."""
        return tuple(W - eta * gradient(self.loss, W) for W in self.layers)

    def along_flow(self, quantity: Any) -> Any:
        """The derivative of a quantity in time, along gradient flow."""
        return along_flow(quantity, self.loss, self.layers)

    def balanced(self, layers: Sequence[Any] | None = None) -> Balanced:
        """W_i W_i^T = W_{i+1}^T W_{i+1}; of other layers (after a step) if they are given."""
        return Balanced(tuple(layers or self.layers))

    def critical(self) -> Critical:
        """All gradients are zero."""
        return Critical(self.loss, self.layers)

    @cached_property
    def bases(self) -> tuple[MatrixSymbol, ...]:
        """Q_0, ..., Q_N, square: variables of the alignment."""
        return tuple(MatrixSymbol(f"Q{i}", _dim(d), _dim(d)) for i, d in enumerate(self.widths))

    @cached_property
    def cores(self) -> tuple[MatrixSymbol, ...]:
        """S_1, ..., S_N, of the shapes of the layers: variables of the alignment."""
        return tuple(MatrixSymbol(f"S{i}", *W.shape) for i, W in enumerate(self.layers, 1))

    def aligned(self) -> LiterallyAligned:
        """W_i = Q_i S_i Q_{i-1}^T with orthogonal bases and rect-diagonal cores, which the statement declares as variables."""
        return LiterallyAligned(self.layers, self.bases, self.cores)
