r"""The exact rank of the gradient of a layer under noise on the labels, on the inputs, or on both.

Setting: layers \(W_1, ..., W_N\), data X, Y of n samples; \(H = W_{N:i+1}\), \(B = W_{i-1:1}\); \(G_i = H^T (PX - Y) X^T
B^T\).

Hypotheses: the layers are fixed; noise with an absolutely continuous law on (a) Y, (b) X, (c) both, jointly.

Conclusion: almost surely
(a) \(\mathrm{rank}\, G_i = \min(\mathrm{rank}\, H, \mathrm{rank}(BX))\);
(b) \(\mathrm{rank}\, G_i = \min(\mathrm{rank}[H^T P, H^T Y], n, \mathrm{rank}\, B)\);
(c) \(\mathrm{rank}\, G_i = \min(\mathrm{rank}\, H, n, \mathrm{rank}\, B)\).

Form: generic equalities.

Scope of proof: at all widths, N = 1 to 3 and every layer: "at most" in (a), (b), (c), and "at least" in (a) and (c), where
for every data set there are labels (labels and inputs) with \(C G_i E = I_r\). "At least" in (b): generic at given sizes,
layers of rank 1 and 2, aligned and not; larger minors vanish identically there; at all sizes it rests on words and on the
experiment. The gradients are taken by the kernel.

Why: (a) with labels \(Y = PX - B_1 D\) the residual is any matrix. (b) \(G_i = (H^T P X - H^T Y) X^T B^T = [H^T P, -H^T
Y]\,(X; I)\, X^T B^T\).

Sharpness: with noise on the inputs alone, Y = 0 and P = 0 give \(G_i = 0\), so (c) is false for it; with noise on the labels,
H = 0 (or BX = 0) gives 0.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from theory.algebras.rational import matrix as exact
from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import Network, eye, implied, matrix, norm2, says, square, table, widths_of
from theory.theorems.rank.setting import (
    SOURCE,
    Table,
    at_least,
    at_most,
    composed,
    given_positive,
    leading,
    positive,
    slots,
)  # fmt: skip

NAME = "rank.noisy_gradient"


@dataclass(frozen=True)
class Layer:
    """Layer i of a network whose labels are Y + Z."""

    net: Network
    i: int

    @property
    def noise(self) -> Term:
        return matrix("Z", self.net.widths[-1], self.net.samples)

    @property
    def head(self) -> Term:
        """H = W_N ... W_{i+1}."""
        return self.net.between(self.net.depth, self.i)

    @property
    def tail(self) -> Term:
        """B = W_{i-1} ... W_1."""
        return self.net.between(self.i - 1, 0)

    @cached_property
    def residual(self) -> Term:
        return self.net.product * self.net.X - self.net.Y - self.noise

    @property
    def gradient(self) -> Term:
        return self.net.gradient(self.i, norm2(self.residual) / 2)

    @property
    def variables(self) -> tuple[Term, ...]:
        return *self.net.variables, self.noise

    @property
    def label(self) -> str:
        return f"layer {self.i} of {self.net.depth}"

    @property
    def sizes(self) -> dict[str, int]:
        return {str(d): 2 for d in self.net.widths} | {"n": 2, "r": 1}

    def witness(self, **more: Table) -> dict[str, Any]:
        """Identity layers and inputs, labels such that the residual is diag(1, 0)."""
        layers = {str(W.node.data[0]): slots(2, 2) for W in self.net.layers}
        return layers | {"X": slots(2, 2), "Y": [[0, 1], [0, 1]], "Z": [[0, -1], [0, 0]]} | more

    def implied(self, name: str, extra: Sequence[Term], given: Sequence[Term], goal: Term, by: Term, **more: Table) -> Claim:
        at = self.witness(**more)
        return implied(f"{NAME}.{name}: {self.label}", (*self.variables, *extra), given, [(goal, by)], at, self.sizes)

    @property
    def frames(self) -> tuple[Term, Term, Term, Term]:
        """C, B1, D, E."""
        d = self.net.widths
        return matrix("C", "r", d[self.i]), matrix("B1", d[-1], "r"), matrix("D", "r", "n"), matrix("E", d[self.i - 1], "r")

    # -- at least -------------------------------------------------------------------------------------------------------

    def by_labels(self) -> Claim:
        """C H^T B1 = I, D (X^T B^T) E = I and labels with the residual B1 D: C G E = I."""
        H, back = self.head, self.net.X.T * self.tail.T
        C, B1, D, E = self.frames
        upper, lower, chosen = C * H.T * B1 - eye("r"), D * back * E - eye("r"), self.residual - B1 * D
        by = C * H.T * fact(chosen) * back * E + C * H.T * B1 * fact(lower) + fact(upper)
        more = {"C": [[1, 0]], "B1": [[1], [0]], "D": [[1, 0]], "E": [[1], [0]]}
        goal, given = C * self.gradient * E - eye("r"), (upper, lower, chosen)
        return self.implied("labels.at_least", (C, B1, D, E), given, goal, by, **more)

    def by_both(self) -> Claim:
        """C H^T B1 = I, D D2 = I, F B^T E = I; inputs with X^T = D2 F, labels with the residual B1 D: C G E = I."""
        d, H, X, B = self.net.widths, self.head, self.net.X, self.tail
        C, B1, D, E = self.frames
        D2, F = matrix("D2", "n", "r"), matrix("F", "r", d[0])
        upper, middle, lower = C * H.T * B1 - eye("r"), D * D2 - eye("r"), F * B.T * E - eye("r")
        inputs, labels = X.T - D2 * F, self.residual - B1 * D
        first = C * H.T * fact(labels) * X.T * B.T * E + C * H.T * B1 * D * fact(inputs) * B.T * E
        by = first + C * H.T * B1 * D * D2 * fact(lower) + C * H.T * B1 * fact(middle) + fact(upper)
        one = {"C": [[1, 0]], "B1": [[1], [0]], "D": [[1, 0]], "E": [[1], [0]], "D2": [[1], [0]], "F": [[1, 0]]}
        more = {**one, "X": [[1, 0], [0, 0]], "Y": [[0, 0], [0, 1]], "Z": [[0, 0], [0, -1]]}
        goal, given = C * self.gradient * E - eye("r"), (upper, middle, lower, inputs, labels)
        return self.implied("both.at_least", (C, B1, D, E, D2, F), given, goal, by, **more)

    # -- at most --------------------------------------------------------------------------------------------------------

    def bounds(self) -> Iterator[Claim]:
        """H^T, X^T B^T, B^T or [H^T P, H^T (Y + Z)] through r columns: so is the gradient."""
        d, H, B, X = self.net.widths, self.head, self.tail, self.net.X
        L, R = matrix("L", d[self.i], "r"), matrix("R", "r", d[-1])
        zero, rest = H.T - L * R, self.residual * X.T * B.T
        one = {"Y": slots(2, 2), "Z": [[0, 0], [0, 0]], "L": [[1], [0]], "R": [[1, 0]]}
        dead = {f"W{self.net.depth}": [[1, 0], [0, 0]]}
        if self.i < self.net.depth:
            yield self.implied("at_most.head", (L, R), [zero], self.gradient - L * (R * rest), fact(zero) * rest, **dead, **one)
        R1, R2 = matrix("R1", "r", d[0]), matrix("R2", "r", "n")
        zeros = H.T * self.net.product - L * R1, H.T * (self.net.Y + self.noise) - L * R2
        by = (fact(zeros[0]) * X - fact(zeros[1])) * X.T * B.T
        goal = self.gradient - L * ((R1 * X - R2) * X.T * B.T)
        flat = {f"W{self.net.depth}": [[1, 0], [0, 0]], "Y": [[1, 0], [0, 0]], "Z": [[0, 0], [0, 0]], "L": [[1], [0]]}
        yield self.implied("inputs.at_most", (L, R1, R2), zeros, goal, by, **flat, R1=[[1, 0]], R2=[[1, 0]])
        L, R = matrix("L", "n", "r"), matrix("R", "r", d[self.i - 1])
        zero, head = X.T * B.T - L * R, H.T * self.residual
        dead = {"X": [[1, 0], [0, 0]], "L": [[1], [0]], "R": [[1, 0]]}
        yield self.implied("at_most.tail", (L, R), [zero], self.gradient - (head * L) * R, head * fact(zero), **dead)


# -- noise on the inputs, at given sizes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Given layers and labels, n columns of inputs that are noise; the rank of the gradient of layer i."""

    layers: tuple[Table, ...]
    labels: Table
    i: int

    @property
    def widths(self) -> tuple[int, ...]:
        return (len(self.layers[0][0]), *map(len, self.layers))

    @property
    def rank(self) -> int:
        """min(rank[H^T P, H^T Y], n, rank B)."""
        W = [exact(A) for A in self.layers]
        head, tail, P = self._exact(W, self.i), self._exact(W[: self.i - 1], 0), self._exact(W, 0)
        seen = ((head.transpose() * x).table() for x in (P, exact(self.labels)))
        left = [[*a, *b] for a, b in zip(*seen, strict=True)]
        return int(min(exact(left).rank(), len(self.labels[0]), tail.rank()))

    def _exact(self, W: Sequence[Any], start: int) -> Any:
        """The product of the layers above junction `start`."""
        out = exact(slots(self.widths[start], self.widths[start]))
        for A in W[start:]:
            out = A * out
        return out

    @property
    def inputs(self) -> Term:
        return matrix("X", self.widths[0], len(self.labels[0]))

    @property
    def gradient(self) -> Term:
        W, X = [table(A) for A in self.layers], self.inputs
        head = composed(W, self.i + 1) if self.i < len(W) else eye(self.widths[-1])
        tail = composed(W, 1, self.i - 1) if self.i > 1 else eye(self.widths[0])
        return head.T * (composed(W) * X - table(self.labels)) * X.T * tail.T

    def claims(self) -> Iterator[Claim | Generic]:
        name = f"layer {self.i}, layers {list(self.layers)}, labels {self.labels}"
        shape, r = (self.widths[self.i], self.widths[self.i - 1]), self.rank
        if r:
            G, draw = matrix("G", *shape), Random(name).randint
            X = [[draw(1, 9) for _ in self.labels[0]] for _ in range(self.widths[0])]
            yield at_least(f"{NAME}.inputs.rank_{r}: {name}", (self.inputs,), G, r, {"X": X}, [(G, self.gradient)])
        if r < min(shape):
            yield at_most(f"{NAME}.inputs.no_more_than_{r}: {name}", (self.inputs,), self.gradient, r)


E1, E2, ONE, ZERO = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 0], [0, 1]], [[0, 0], [0, 0]]
CASES = (
    Case((E1,), [[0, 0], [0, 1]], 1),
    Case((E1,), [[1, 1], [0, 0]], 1),
    Case((ZERO,), [[1, 2], [2, 4]], 1),
    Case((ZERO,), [[0, 0], [0, 0]], 1),
    Case((ONE,), [[1], [2]], 1),
    Case((E1, ONE), [[0, 0], [0, 1]], 1),
    Case((E1, ONE), [[0, 0], [0, 1]], 2),
    Case((E1, E1), [[0, 1], [1, 0]], 1),
    Case((E1, E2), [[0, 1], [1, 0]], 1),
    Case(([[1, 0, 0], [0, 0, 0]], [[1, 1], [0, 1], [0, 0]]), [[0, 0], [1, 0], [0, 1]], 1),
    Case((ONE, E1, ONE), [[1, 0], [0, 1]], 2),
)


def layers_of_depth() -> Iterator[Layer]:
    for N in (1, 2, 3):
        yield from (Layer(Network(widths_of(N)), i) for i in range(1, N + 1))


def claims() -> Iterator[Claim | Generic]:
    for layer in layers_of_depth():
        yield layer.by_labels()
        yield layer.by_both()
        yield from layer.bounds()
    for case in CASES:
        yield from case.claims()


# -- limits -------------------------------------------------------------------------------------------------------------

W1, W2, X, Y = matrix("W1", 2, 2), matrix("W2", 2, 2), matrix("X", 2, 2), matrix("Y", 2, 2)


def gradient_at(net: Network, i: int) -> Term:
    return square(net.gradient(i))


def not_zero(name: str, *given: Term, net: Network | None = None, i: int = 1) -> Statement:
    """The gradient of layer i is not zero."""
    of = net or Network((2, 2), 2)
    return positive(f"{NAME}: {name}", of.variables, [gradient_at(of, i)], given_positive(*given))


def inputs_only() -> Statement:
    return not_zero("inputs of full rank are enough", leading(X, 2) ** 2)


def labels_only() -> Statement:
    two = Network((2, 2, 2), 2)
    return not_zero("residual and inputs are enough", leading(X, 2) ** 2, square(two.product * two.X - two.Y), net=two)


def dead_inputs() -> Statement:
    return not_zero("any inputs", norm2(X), norm2(W1 * X - Y))


def sharpness() -> Iterator[Counterexample]:
    one, zero = slots(2, 2), [[0, 0], [0, 0]]
    yield Counterexample("noise on the inputs: [H^T P, H^T Y] is not zero", inputs_only(), {"W1": zero, "X": one, "Y": zero})
    at = {"W1": one, "W2": zero, "X": one, "Y": one}
    yield Counterexample("noise on the labels: H is not zero", labels_only(), at)
    yield Counterexample("B X is not orthogonal to the residual", dead_inputs(), {"W1": zero, "X": [[1, 0], [0, 0]], "Y": E2})


def variants() -> Iterator[Statement]:
    yield from (inputs_only(), labels_only(), dead_inputs())
    layer = Layer(Network(widths_of(2)), 1)
    s, sizes = layer.by_labels().statement, layer.sizes
    yield replace(s, name=f"{NAME}: any labels", given=s.given[:2], sizes=sizes)
    yield replace(s, name=f"{NAME}: any head", given=s.given[1:], sizes=sizes)
    yield replace(s, name=f"{NAME}: any inputs below", given=(s.given[0], s.given[2]), sizes=sizes)
    bound = next(iter(layer.bounds())).statement
    yield replace(bound, name=f"{NAME}: the bound without its factors", given=(), sizes=sizes)
    net = layer.net
    good = net.between(2, 1).T * (net.product * net.X - net.Y) * net.X.T
    wrong = {"a factor 2": 2 * good, "labels added": good + 2 * net.between(2, 1).T * net.Y * net.X.T}
    for name, x in wrong.items():
        yield replace(says(f"{NAME}: {name}", net.variables, [net.gradient(1) - x]), sizes=net.ones())
    case = Case((E1,), [[0, 0], [0, 1]], 1)
    yield at_most(f"{NAME}: rank P columns under noise on the inputs", (case.inputs,), case.gradient, 1).statement


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Labels for which the residual is B1 D, r = 1, layer 1: C and E solve their equations."""
    d = tuple(widths)
    layer = Layer(Network(d, 2), 1)
    values = layer.net.draw(draw) | {"B1": draw.matrix(d[-1], 1), "D": draw.matrix(1, 2)}
    column, row = layer.head.T * matrix("B1", d[-1], 1), matrix("D", 1, 2) * layer.net.X.T
    for name, x in (("C", column.T), ("E", row)):
        scaled = draw.solve((x * x.T).node, draw.value(x.node, values), values)
        values[name] = scaled if name == "C" else draw.value(matrix("E", 1, d[0]).T.node, {"E": scaled})
    chosen = layer.net.product * layer.net.X - layer.net.Y - matrix("B1", d[-1], 1) * matrix("D", 1, 2)
    values["Z"] = draw.value(chosen.node, values)
    s = replace(Layer(Network(d), 1).by_labels().statement, name=f"{NAME}: sampled", sizes={"n": 2, "r": 1})
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="R9",
    title="The exact rank of a layer's gradient under noise on labels and inputs",
    form="generic equalities",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (2, 3, 2), (3, 2, 2, 2)),
    supported_at=((20, 25, 18), (12, 10, 14, 9)),
    note=(
        "'Noise on inputs or labels makes the gradient of full rank' holds up to the layers around it: with Y = 0 and P = 0 "
        "noise on the inputs alone gives G = 0, and noise on the labels gives 0 where W_{N:i+1} = 0 or W_{i-1:1} X = 0."
    ),
)
