r"""Networks as terms, for the training theorems of the family `rank`: products, junctions, gradients, one step, masks.

Layers W_1, ..., W_N of shapes d_i x d_{i-1}, data X (d_0 x n), Y (d_N x n), loss 1/2 |P X - Y|_F^2, F = (P X - Y) X^T. With
masks, the activation of the hidden layer i is multiplied by D_i = diag(Z_i), Z_i any square matrix. The junction of the hidden
layer i is M_i = [W_i, W_{i+1}^T], and

    G_i = D_i W_{i+1}^T K_i,   G_{i+1}^T = D_i W_i K_i^T,   K_i = (W_N ... W_{i+2})^T F (W_{i-1} ... W_1)^T

with the masks of the other layers in K_i.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from theory import dag
from theory.certificates import Step
from theory.errors import InvalidInput
from theory.statement import Condition
from theory.terms import Term, diagonal_part, term, trace
from theory.theorem import Claim, Draw
from theory.theorems.alignment.training import Terms

Width = int | str
Known = Sequence[tuple[Term, Any]]


def widths_of(depth: int) -> tuple[Width, ...]:
    """The symbolic widths (d0, ..., dN)."""
    return tuple(f"d{i}" for i in range(depth + 1))


def matrix(name: str, rows: Width, cols: Width) -> Term:
    """A matrix variable."""
    return Term(dag.var(name, (rows, cols)))


def scalar(name: str) -> Term:
    """A scalar variable."""
    return Term(dag.var(name))


def number(c: int | Fraction) -> Term:
    return Term(dag.num(Fraction(c)))


def eye(n: Width) -> Term:
    return Term(dag.eye(n))


def table(rows: Sequence[Sequence[int | Fraction]]) -> Term:
    """A matrix of numbers."""
    return Term(dag.const(rows))


def entry(x: Term, i: int, j: int) -> Term:
    return Term(dag.entry(x.node, i, j))


def norm2(x: Term) -> Term:
    """|x|_F^2 as a trace."""
    return trace(x.T * x)


def square(x: Term) -> Term:
    """|x|_F^2, visibly nonnegative."""
    return Term(dag.square(x.node))


def congruence(m: Term, x: Term) -> Term:
    """x^T m x, visibly of the sign of m."""
    return Term(dag.conj(m.node, x.node))


def chain(factors: Sequence[Term]) -> Term:
    """The product of the factors in this order."""
    return Term(dag.mul(*(x.node for x in factors)))


ETA = scalar("eta")


@dataclass(frozen=True)
class Network:
    """A network of given or symbolic widths on `samples` data points, with or without masks on its hidden layers."""

    widths: tuple[Width, ...]
    samples: Width = "n"
    masked: bool = False

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise InvalidInput("widths", self.widths, "at least two widths")

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    @property
    def hidden(self) -> range:
        """The hidden layers 1, ..., N-1."""
        return range(1, self.depth)

    @cached_property
    def layers(self) -> tuple[Term, ...]:
        d = self.widths
        return tuple(matrix(f"W{i}", d[i], d[i - 1]) for i in range(1, self.depth + 1))

    @cached_property
    def X(self) -> Term:
        return matrix("X", self.widths[0], self.samples)

    @cached_property
    def Y(self) -> Term:
        return matrix("Y", self.widths[-1], self.samples)

    @cached_property
    def masks(self) -> tuple[Term, ...]:
        """Z_1, ..., Z_{N-1}, square; only their diagonals matter."""
        return tuple(matrix(f"Z{i}", self.widths[i], self.widths[i]) for i in self.hidden) if self.masked else ()

    @cached_property
    def variables(self) -> tuple[Term, ...]:
        return (*self.layers, *self.masks, self.X, self.Y)

    def mask(self, i: int) -> Term:
        """D_i; the identity without masks and at the ends."""
        return diagonal_part(self.masks[i - 1]) if self.masked and i in self.hidden else eye(self.widths[i])

    def between(self, i: int, j: int, layers: Sequence[Term] | None = None) -> Term:
        """W_i D_{i-1} W_{i-1} ... D_{j+1} W_{j+1}, the map from layer j to layer i (the identity if i = j)."""
        W = self.layers if layers is None else layers
        pairs = [x for k in range(i, j, -1) for x in (W[k - 1], self.mask(k - 1))]
        return chain(pairs[:-1]) if i > j else eye(self.widths[i])

    @cached_property
    def product(self) -> Term:
        return self.between(self.depth, 0)

    @cached_property
    def slope(self) -> Term:
        """F = (P X - Y) X^T."""
        return (self.product * self.X - self.Y) * self.X.T

    @cached_property
    def loss(self) -> Term:
        return norm2(self.product * self.X - self.Y) / 2

    def above(self, i: int) -> Term:
        """(W_N ... W_{i+1}) D_i: what carries the mask of layer i up to the output."""
        return self.between(self.depth, i) * self.mask(i)

    def below(self, i: int) -> Term:
        """D_i (W_i ... W_1)."""
        return self.mask(i) * self.between(i, 0)

    def K(self, i: int, slope: Term | None = None) -> Term:
        """K_i, of shape d_{i+1} x d_{i-1}; with another gradient by the product where given."""
        return self.above(i + 1).T * (self.slope if slope is None else slope) * self.below(i - 1).T

    def gradient(self, i: int, loss: Term | None = None) -> Term:
        """The gradient by W_i, which the kernel takes itself."""
        return Term(dag.grad((self.loss if loss is None else loss).node, self.layers[i - 1].node))

    def step(self, loss: Term | None = None, rate: Term = ETA) -> tuple[Term, ...]:
        """The layers after one step of gradient descent."""
        return tuple(W - rate * self.gradient(i, loss) for i, W in enumerate(self.layers, 1))

    def junction(self, i: int, layers: Sequence[Term] | None = None) -> tuple[Term, Term]:
        """The two blocks of M_i: W_i and W_{i+1}^T."""
        W = self.layers if layers is None else layers
        return W[i - 1], W[i].T

    def ones(self) -> dict[str, int]:
        """All symbolic widths 2, and one sample: the sizes of most witnesses."""
        named = {d: 2 for d in self.widths if isinstance(d, str)}
        return named | ({self.samples: 1} if isinstance(self.samples, str) else {})

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Random layers, masks and data."""
        return {str(v.node.data[0]): draw.matrix(*map(int, v.node.shape)) for v in self.variables}


# -- statements ---------------------------------------------------------------------------------------------------------


def conditions(terms: Iterable[Term], relation: str = "==") -> tuple[Condition, ...]:
    return tuple(Condition(relation, x.node) for x in terms)


def names(variables: Iterable[Term]) -> tuple[Any, ...]:
    return tuple(v.node for v in variables)


def says(name: str, variables: Iterable[Term], then: Iterable[Term], given: Iterable[Term] = ()) -> Terms:
    """The statement that the terms `then` vanish where the terms `given` do."""
    return Terms(name, names(variables), conditions(given), conditions(then))


def zero(x: Term) -> Step:
    return Step("==", x.node, dag.zero(x.node.shape))


def equals(x: Any, by: Any, times: Any = None) -> Step:
    """x is zero because times x = by, a sum of products with known zeros."""
    return Step("==", term(x).node, term(by).node, None if times is None else term(times).node)


def radical(x: Term, by: Any, times: Any = None) -> Step:
    """x is zero because -times |x|^2 = by >= 0."""
    return Step("==", x.node, term(by).node, None if times is None else term(times).node, rule="radical")


def identity(name: str, variables: Iterable[Term], terms: Sequence[Term]) -> Claim:
    """The claim that the terms vanish as they stand."""
    return Claim(says(name, variables, terms), tuple(map(zero, terms)))


def implied(
    name: str,
    variables: Iterable[Term],
    given: Sequence[Term],
    then: Known,
    witness: Mapping[str, Any],
    at: Mapping[str, int] | None = None,
) -> Claim:
    """The claim that each term of `then` vanishes, being equal to what stands beside it: a sum of products with known zeros."""
    s = says(name, variables, [x for x, _ in then], given)
    return Claim(s, tuple(equals(x, by) for x, by in then), dict(witness), dict(at or {}))


def zeros(variables: Iterable[Term], at: Mapping[str, int]) -> dict[str, Any]:
    """All variables zero, at these sizes: a witness to start from."""
    size: Any = lambda d: at.get(d, d)  # noqa: E731
    out: dict[str, Any] = {}
    for v in variables:
        shape = tuple(int(size(d)) for d in v.node.shape)
        out[str(v.node.data[0])] = [[0] * shape[1] for _ in range(shape[0])] if shape else 0
    return out


