r"""The setting of the family `hessian` (arXiv:1910.00195): the squared loss on the valley of its global minima.

Layers W_1, ..., W_N of shapes d_i x d_{i-1}, P = W_N ... W_1, data X (d_0 x n) and Y (d_N x n);

    L = 1/2 |P X - Y|^2  (no 1/n),   E = P X - Y,   F = E X^T,   valley M = {P X = Y}.

With the heads A_i = W_N ... W_{i+1} (A_N = I) and the tails B_i = W_i ... W_1 X (B_0 = X) the Jacobian of the fitted P X is

    J V = sum_i A_i V_i B_{i-1},   (J^T Q)_i = A_i^T Q B_{i-1}^T,   J J^T Q = sum_i A_i A_i^T Q B_{i-1}^T B_{i-1}.

A statement about H, the Hessian of L, is written in directions: H[V, V] and H V are derivatives that the kernel takes itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from theory import dag
from theory.certificates import Step
from theory.dag import Dim, Node
from theory.errors import InvalidInput
from theory.statement import Condition, Statement
from theory.terms import Term, dot, step, term, trace
from theory.theorem import Claim, Draw
from theory.theorems.alignment.training import Terms

SOURCE = "arXiv:1910.00195"
Widths = Sequence[Dim]


def widths_of(depth: int) -> tuple[Dim, ...]:
    """The symbolic widths (d0, ..., dN)."""
    return tuple(f"d{i}" for i in range(depth + 1))


def letter(name: str, rows: Dim, cols: Dim) -> Term:
    """A matrix variable."""
    return Term(dag.var(name, (rows, cols)))


def scalar(name: str) -> Term:
    """A scalar variable."""
    return Term(dag.var(name))


def eye(n: Dim) -> Term:
    return Term(dag.eye(n))


def zero(like: Term) -> Term:
    """The zero of the same shape."""
    return Term(dag.zero(like.node.shape))


def number(n: Dim) -> Term:
    """A width as a number: the trace of the identity."""
    return Term(dag.num(n)) if isinstance(n, int) else trace(eye(n))


def norm2(x: Term) -> Term:
    """|x|^2 = tr(x^T x)."""
    return trace(x.T * x)


def square(x: Any) -> Term:
    """|x|^2, visibly nonnegative."""
    return Term(dag.square(term(x).node))


def chain(factors: Iterable[Term], n: Dim) -> Term:
    """The product of the factors, the identity of size n if there are none."""
    return Term(dag.mul(dag.eye(n), *(x.node for x in factors)))


def grad(f: Term, by: Term) -> Term:
    """The gradient as a term, which the kernel differentiates itself."""
    return Term(dag.grad(f.node, by.node))


def mean(x: Term, noise: Term, *moments: Any) -> Term:
    """The mean over independent entries of the noise with these moments of orders 0, 1, 2, ... (at given sizes)."""
    return Term(dag.expect(x.node, noise.node, [term(m).node for m in moments]))


@dataclass(frozen=True)
class Network:
    """The variables and terms of a network of the given widths (numbers or names) on `samples` data points.

    `white=True` puts X = I (then n = d_0). `prime` marks the names of the layers of a second network on the same data.
    """

    widths: tuple[Dim, ...]
    samples: Dim = "n"
    white: bool = False
    prime: str = ""

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise InvalidInput("widths", self.widths, "at least two widths")

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    @property
    def n(self) -> Dim:
        return self.widths[0] if self.white else self.samples

    @property
    def index(self) -> range:
        """1, ..., N."""
        return range(1, self.depth + 1)

    @property
    def hidden(self) -> range:
        """1, ..., N-1."""
        return range(1, self.depth)

    def letters(self, name: str) -> tuple[Term, ...]:
        """Variables of the shapes of the layers."""
        return tuple(letter(f"{name}{i}{self.prime}", self.widths[i], self.widths[i - 1]) for i in self.index)

    @cached_property
    def W(self) -> tuple[Term, ...]:
        return self.letters("W")

    @cached_property
    def V(self) -> tuple[Term, ...]:
        """A direction in the space of the layers."""
        return self.letters("V")

    @cached_property
    def X(self) -> Term:
        return eye(self.widths[0]) if self.white else letter("X", self.widths[0], self.samples)

    @cached_property
    def Y(self) -> Term:
        return self.output("Y")

    def output(self, name: str) -> Term:
        """A variable of the shape of the fitted values, d_N x n."""
        return letter(name, self.widths[-1], self.n)

    @property
    def data(self) -> tuple[Term, ...]:
        return (self.Y,) if self.white else (self.X, self.Y)

    def between(self, i: int, j: int) -> Term:
        """W_i ... W_{j+1}, the identity if i = j."""
        return chain(reversed(self.W[j:i]), self.widths[i])

    def head(self, i: int) -> Term:
        """A_i = W_N ... W_{i+1}."""
        return self.between(self.depth, i)

    def tail(self, i: int) -> Term:
        """B_i = W_i ... W_1 X."""
        return self.between(i, 0) * self.X

    @cached_property
    def fitted(self) -> Term:
        """P X."""
        return self.tail(self.depth)

    @cached_property
    def residual(self) -> Term:
        """E = P X - Y."""
        return self.fitted - self.Y

    @cached_property
    def slope(self) -> Term:
        """F = E X^T, the gradient of the loss by the product; zero at the global minima of the loss, also where E is not."""
        return self.residual * self.X.T

    @cached_property
    def loss(self) -> Term:
        """L = 1/2 |P X - Y|^2."""
        return norm2(self.residual) / 2

    def gradient(self, f: Term) -> tuple[Term, ...]:
        """The gradients by all layers."""
        return tuple(grad(f, W) for W in self.W)

    def along(self, f: Term, V: Sequence[Term] | None = None) -> Term:
        """Df[V], the derivative of a scalar in a direction."""
        return total(dot(v, g) for v, g in zip(self.V if V is None else V, self.gradient(f), strict=True))

    def curvature(self, f: Term, V: Sequence[Term] | None = None) -> Term:
        """D^2 f[V, V] for a direction V that does not depend on the layers."""
        return self.along(self.along(f, V), V)

    def hessian(self, V: Sequence[Term] | None = None) -> tuple[Term, ...]:
        """H V, layer by layer."""
        return self.gradient(self.along(self.loss, V))

    def J(self, V: Sequence[Term] | None = None) -> Term:
        """J V = sum_i A_i V_i B_{i-1}."""
        V = self.V if V is None else V
        return total(self.head(i) * V[i - 1] * self.tail(i - 1) for i in self.index)

    def JT(self, Q: Term) -> tuple[Term, ...]:
        """J^T Q."""
        return tuple(self.head(i).T * Q * self.tail(i - 1).T for i in self.index)

    def JJT(self, Q: Term) -> Term:
        """J J^T Q, by its Kronecker structure."""
        return total(self.head(i) * self.head(i).T * Q * self.tail(i - 1).T * self.tail(i - 1) for i in self.index)

    def second(self, V: Sequence[Term] | None = None) -> Term:
        """d^2 P[V, V], the second derivative of the product: 2 sum_{i < j} of P with W_i, W_j replaced."""
        V = self.V if V is None else V
        pairs = combinations(self.index, 2)
        return 2 * total(
            self.head(j) * V[j - 1] * self.between(j - 1, i) * V[i - 1] * self.between(i - 1, 0) for i, j in pairs
        )

    def summand(self, i: int) -> Term:
        """|A_i|^2 |B_{i-1}|^2, the share of layer i in the trace of the Hessian."""
        head = number(self.widths[-1]) if i == self.depth else norm2(self.head(i))
        tail = number(self.widths[0]) if i == 1 and self.white else norm2(self.tail(i - 1))
        return head * tail

    @cached_property
    def trace(self) -> Term:
        """Tr H = sum_i |A_i|^2 |B_{i-1}|^2, for all layers."""
        return total(self.summand(i) for i in self.index)

    def imbalance(self, i: int, W: Sequence[Term] | None = None) -> Term:
        """D_i = W_{i+1}^T W_{i+1} - W_i W_i^T."""
        low, high = (self.W if W is None else W)[i - 1 : i + 1]
        return high.T * high - low * low.T

    def drift(self, i: int, V: Sequence[Term]) -> Term:
        """dD_i/dt where the layers move with the velocities V."""
        (low, high), (v, w) = self.W[i - 1 : i + 1], V[i - 1 : i + 1]
        return w.T * high + high.T * w - v * low.T - low * v.T

    def draw(self, draw: Draw, *terms: Term) -> dict[str, Any]:
        """Random values of the layers, of X and of further variables."""
        wanted = (*self.W, *(() if self.white else (self.X,)), *terms)
        return {name(x): draw.matrix(*map(int, x.node.shape)) for x in wanted}


def name(x: Term) -> str:
    """The name of a variable."""
    return str(x.node.data[0])


def total(terms: Iterable[Term]) -> Term:
    """The sum of one term or more."""
    return Term(dag.add(*(x.node for x in terms)))


def is_zero(x: Term) -> Condition:
    return Condition("==", x.node)


def nonnegative(x: Term) -> Condition:
    """x >= 0; for a matrix, positive semidefinite."""
    return Condition(">=", x.node)


def positive(x: Term) -> Condition:
    return Condition(">", x.node)


def statement(
    name: str,
    variables: Iterable[Term],
    then: Iterable[Condition],
    given: Iterable[Condition] = (),
    sizes: Mapping[str, int] | None = None,
) -> Statement:
    """A statement about terms."""
    nodes: tuple[Node, ...] = tuple(dict.fromkeys(x.node for x in variables))
    return Terms(name, nodes, tuple(given), tuple(then), sizes or {})


def vanish(x: Term, by: Term | None = None, times: Any = None) -> Step:
    """The step x == 0: as it stands, or because times * x is the visible zero `by`."""
    return step("==", x, zero(x) if by is None else by, times)


def identities(name: str, variables: Iterable[Term], terms: Sequence[Term]) -> Claim:
    """The claim that the terms vanish as they stand."""
    return Claim(statement(name, variables, map(is_zero, terms)), tuple(map(vanish, terms)))

