r"""The training of a linear network in the family `alignment` (arXiv:2003.06340): data, loss, gradients, one step.

Layers W_1, ..., W_N of shapes d_i x d_{i-1} with product P = W_N ... W_1; data X (d_0 x n), Y (d_N x n);

    L = 1/2 |P X - Y|_F^2,   S = X X^T,   C = Y X^T,   M = P S - C   (the gradient of the loss by P).

For any other differentiable loss of the product M is any matrix: `slope` makes it a variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Identity, MatrixSymbol, Rational, Symbol

from theory import dag
from theory.certificates import Step, prove
from theory.dag import Node
from theory.errors import InvalidInput
from theory.expressions import inner, lower, norm2
from theory.provers.points import at_sizes
from theory.statement import Lowered, Statement, equal
from theory.theorem import Claim, Draw
from theory.theorems.alignment import setting
from theory.theorems.alignment.setting import Width, composed, layers_of

SOURCE = "arXiv:2003.06340"
ETA = Symbol("eta")


@dataclass(frozen=True)
class Training:
    """The variables and expressions of a network of the given widths (numbers or names) on `samples` data points."""

    widths: tuple[Width, ...]
    samples: Width = "n"

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise InvalidInput("widths", self.widths, "at least two widths")

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    @property
    def hidden(self) -> range:
        """The hidden vertices 1, ..., N-1."""
        return range(1, self.depth)

    def dim(self, i: int) -> Any:
        return setting.dim(self.widths[i])

    @cached_property
    def layers(self) -> tuple[MatrixSymbol, ...]:
        """W_1, ..., W_N."""
        return layers_of(self.widths)

    @cached_property
    def X(self) -> MatrixSymbol:
        return MatrixSymbol("X", self.dim(0), setting.dim(self.samples))

    @cached_property
    def Y(self) -> MatrixSymbol:
        return MatrixSymbol("Y", self.dim(self.depth), setting.dim(self.samples))

    @property
    def S(self) -> Expr:
        return self.X * self.X.T

    @property
    def C(self) -> Expr:
        return self.Y * self.X.T

    @cached_property
    def slope(self) -> MatrixSymbol:
        """M, the gradient of any loss by the product, as a variable of its own."""
        return MatrixSymbol("M", self.dim(self.depth), self.dim(0))

    @property
    def variables(self) -> tuple[MatrixSymbol, ...]:
        """Layers and data."""
        return (*self.layers, self.X, self.Y)

    def between(self, i: int, j: int, layers: Sequence[Any] | None = None) -> Any:
        """W_i ... W_{j+1}, the map from vertex j to vertex i (the identity if i = j); of other layers where given."""
        W = self.layers if layers is None else layers
        return composed(W[j:i]) if i > j else Identity(self.dim(i))

    @cached_property
    def product(self) -> Expr:
        """P = W_N ... W_1."""
        return self.between(self.depth, 0)

    @cached_property
    def loss(self) -> Expr:
        return Rational(1, 2) * norm2(self.product * self.X - self.Y)

    @cached_property
    def any_loss(self) -> Expr:
        """<M, P>: its gradients by the layers are those of any loss with the gradient M by the product."""
        return inner(self.slope, self.product)

    def gradient(self, i: int) -> MatrixSymbol:
        """G_i, a name of the gradient by W_i: `trained` puts the gradient of a loss in its place."""
        return self.gradients[i - 1]

    @cached_property
    def gradients(self) -> tuple[MatrixSymbol, ...]:
        """G_1, ..., G_N."""
        return layers_of(self.widths, "G")

    def trained(self, expression: Any, loss: Expr | None = None) -> Node:
        """The term with the gradients of the loss in the place of their names; the kernel differentiates the loss itself."""
        f = lower(self.loss if loss is None else loss)
        names = {lower(G): dag.grad(f, lower(W)) for G, W in zip(self.gradients, self.layers, strict=True)}
        return dag.substitute([lower(expression)], names)[0]

    def back(self, i: int, slope: Any, layers: Sequence[Any] | None = None) -> Any:
        """(W_N ... W_{i+1})^T M (W_{i-1} ... W_1)^T: the gradient by W_i where M is the gradient by the product."""
        return self.between(self.depth, i, layers).T * slope * self.between(i - 1, 0, layers).T

    def imbalance(self, i: int, layers: Sequence[Any] | None = None) -> Expr:
        """D_i = W_{i+1}^T W_{i+1} - W_i W_i^T."""
        return setting.imbalance(self.layers if layers is None else layers, i)

    def step(self, rate: Any = ETA) -> tuple[Expr, ...]:
        """The layers after one step of gradient descent."""
        return tuple(W - rate * G for W, G in zip(self.layers, self.gradients, strict=True))

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Random layers and data."""
        return {v.name: draw.matrix(int(v.shape[0]), int(v.shape[1])) for v in self.variables}


class Terms(Statement):
    """A statement some of whose expressions are terms: their symbolic dimensions become numbers as well."""

    def lowered(self, sizes: Mapping[str, int] | None = None) -> Lowered:
        return at_sizes(super().lowered(), {**self.sizes, **(sizes or {})})


def after_step(layers: Sequence[Node], S: Node, C: Node, rate: Node) -> tuple[Node, ...]:
    """Layers (as terms) after one step of gradient descent on data with these moments."""
    slope, n = dag.sub(dag.mul(*reversed(layers), S), C), len(layers)
    back = [dag.mul(*map(dag.T, layers[i + 1 :]), slope, *map(dag.T, layers[:i])) for i in range(n)]
    return tuple(dag.sub(W, dag.mul(rate, G)) for W, G in zip(layers, back, strict=True))


def misalignment(layers: Sequence[Node]) -> Node:
    """[W_2^T W_2, W_1 W_1^T] of two layers (as terms)."""
    W, V = layers
    above, below = dag.mul(dag.T(V), V), dag.mul(W, dag.T(W))
    return dag.sub(dag.mul(above, below), dag.mul(below, above))


def diagonal(values: Sequence[Node]) -> Node:
    """The diagonal matrix of these scalars."""
    n = len(values)
    slots = (dag.const([[int(i == j == p) for j in range(n)] for i in range(n)]) for p in range(n))
    return dag.add(*(dag.mul(x, E) for x, E in zip(values, slots, strict=True)))


def zero(term: Any) -> Step:
    """The step that the term vanishes as it stands."""
    return prove("==", term, dag.zero(lower(term).shape))


def identity(name: str, variables: Sequence[Any], terms: Sequence[Any]) -> Claim:
    """The claim that the terms vanish as they stand."""
    return Claim(Statement(name, tuple(variables), then=tuple(map(equal, terms))), tuple(map(zero, terms)))
