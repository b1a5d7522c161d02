r"""An initialisation with a density already has the largest rank, and gradient descent keeps it without any noise.

Setting: layers \(W_1, ..., W_N\), \(N \ge 2\), gradient descent on the squared loss with data (or minibatches) X_t, Y_t, rates
\(\eta_t\) and, from depth 3 on, dropout masks; \(r^* = \min_i d_i\), \(F = (PX - Y)X^T\), \(C = YX^T\), \(S = XX^T\).

Hypotheses: W(0) has a law that is absolutely continuous; data, rates and masks do not depend on it; and \(N \ge 3\), or N =
2 without masks and rank X_t = d_0 whenever \(\eta_t \ne 0\) (or fixed data and rates with \(|\eta_t| \sigma_j(C) \ne 1\)).

Conclusion: almost surely rank P_t = \(r^*\) for all t.

Form: generic; the induction over the steps in words.

Scope of proof: at all widths: the gradient has no terms below degree N - 1 in W, N = 2 to 4, so that for \(N \ge 3\) the
step is the identity up to higher order at 0; at N = 2 the linear part is \([I, \eta C^T; \eta C, I]\), whose determinant is
\(\det(I - \eta^2 C^T C)\) (sizes up to 2 x 2), and the part of degree 3 maps (B, C) to \((C^TCB S, CBSB^T)\). Generic at
given sizes: N = 2, 3 and 4, one and two steps with changing data, singular data, and masks. In words: that the lowest (or
highest) part of a minor of P_t is made of these parts of the steps, at any depth and for any number of steps, and that a
polynomial that is not zero vanishes on a null set only (`rank.zero_one_law`).

Why: the minors of P_t are polynomials in W(0); the part of lowest degree (or of highest) of the leading one is that of a
product of generic matrices.

Sharpness: N = 1: X = I and \(\eta = 1\) send every W to Y. Labels or rates that depend on W(0), and W(0) = 0. Whether the
condition on the data at N = 2 is needed is not known: no random case without it had a lower rank.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import (
    ETA,
    Network,
    Width,
    entry,
    eye,
    identity,
    implied,
    matrix,
    names,
    norm2,
    number,
    says,
    scalar,
    square,
    table,
    widths_of,
)  # fmt: skip
from theory.theorems.rank.setting import (
    SOURCE,
    Table,
    composed,
    determinant,
    given_positive,
    layers,
    leading,
    positive,
)  # fmt: skip

NAME = "rank.generic_initialisation"
t = scalar("t")


# -- near zero ----------------------------------------------------------------------------------------------------------


def gradients(depth: int) -> Claim:
    """G_i = H^T P S B^T - H^T C B^T, of degrees 2 N - 1 and N - 1 in the layers; the kernel takes the gradient."""
    net = Network(widths_of(depth))
    terms = []
    for i in range(1, depth + 1):
        H, B = net.between(depth, i).T, net.between(i - 1, 0).T
        terms.append(net.gradient(i) - H * net.product * net.X * net.X.T * B + H * net.Y * net.X.T * B)
    return identity(f"{NAME}.degrees_{depth}", net.variables, terms)


def near_zero(depth: int) -> Claim:
    """The step from t V is t V_i + eta t^(N-1) H^T C B^T - eta t^(2N-1) H^T P S B^T, with H, P, B those of V."""
    net = Network(widths_of(depth))
    V, scaled = net.layers, tuple(t * W for W in net.layers)
    slope = (composed(scaled) * net.X - net.Y) * net.X.T
    terms = []
    for i in range(1, depth + 1):
        H, B = net.between(depth, i).T, net.between(i - 1, 0).T
        after = scaled[i - 1] - ETA * net.between(depth, i, scaled).T * slope * net.between(i - 1, 0, scaled).T
        low, high = H * net.Y * net.X.T * B, H * net.product * net.X * net.X.T * B
        terms.append(after - t * V[i - 1] - ETA * t ** (depth - 1) * low + ETA * t ** (2 * depth - 1) * high)
    return identity(f"{NAME}.near_zero_{depth}", (*net.variables, ETA, t), terms)


def linear_part(rows: int, cols: int) -> Claim:
    """det [I, eta C^T; eta C, I] = det(I - eta^2 C^T C), C of shape rows x cols."""
    C = matrix("C", rows, cols)
    n = rows + cols

    def at(i: int, j: int) -> Any:
        if i < cols <= j:
            return ETA * entry(C, j - cols, i)
        return ETA * entry(C, i - cols, j) if j < cols <= i else number(int(i == j))

    block = determinant([[at(i, j) for j in range(n)] for i in range(n)])
    gram = eye(cols) - ETA**2 * C.T * C
    return identity(f"{NAME}.linear_part_{rows}x{cols}", (C, ETA), [block - leading(gram, cols)])


def top_part() -> Claim:
    """W_1 = J B, W_2 = C J^T with J^T J = I: W_2^T W_2 W_1 S = J (C^T C B S) and W_2 W_1 S W_1^T = (C B S B^T) J^T."""
    W1, W2 = matrix("W1", "d1", "d0"), matrix("W2", "d2", "d1")
    J, B, C, X = matrix("J", "d1", "r"), matrix("B", "r", "d0"), matrix("C", "d2", "r"), matrix("X", "d0", "n")
    S = X * X.T
    unit, first, second = J.T * J - eye("r"), W1 - J * B, W2 - C * J.T
    goals = [W2.T * W2 * W1 * S - J * C.T * C * B * S, W2 * W1 * S * W1.T - C * B * S * B.T * J.T]
    product = fact(second) * W1 + C * J.T * fact(first) + C * fact(unit) * B  # W_2 W_1 - C B
    by = [
        fact(second).T * W2 * W1 * S + J * C.T * product * S,
        product * S * W1.T + C * B * S * fact(first).T,
    ]
    point: dict[str, Any] = {"W1": [[1, 2], [0, 0]], "W2": [[3, 0], [1, 0]], "J": [[1], [0]], "B": [[1, 2]]}
    point |= {"C": [[3], [1]], "X": [[1], [1]]}
    sizes = {"d0": 2, "d1": 2, "d2": 2, "r": 1, "n": 1}
    goals_by = list(zip(goals, by, strict=True))
    return implied(f"{NAME}.top_part", (W1, W2, J, B, C, X), [unit, first, second], goals_by, point, sizes)


# -- at given sizes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """The data, the rate and the hidden neurons that live in one step; all of them without a mask."""

    X: Table
    Y: Table
    rate: int = 1
    masks: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Run:
    """Steps of gradient descent from layers that are variables, every intermediate result named."""

    widths: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def label(self) -> str:
        masked = ", masks" if any(s.masks for s in self.steps) else ""
        return f"widths {self.widths}, {len(self.steps)} step{'s' * (len(self.steps) > 1)}{masked}"

    def mask(self, step: Step, i: int) -> Term:
        """D_i of a step; the identity at the ends."""
        if not step.masks or i in (0, len(self.widths) - 1):
            return eye(self.widths[i])
        live = step.masks[i - 1]
        return table([[int(a == b) * live[a] for b in range(len(live))] for a in range(len(live))])

    def through(self, W: Sequence[Term], step: Step, i: int, j: int) -> Term:
        """W_i D_{i-1} ... D_{j+1} W_{j+1} in this step."""
        out = eye(self.widths[j])
        for k in range(j + 1, i + 1):
            out = W[k - 1] * self.mask(step, k - 1) * out if k > j + 1 else W[k - 1]
        return out

    @cached_property
    def defined(self) -> list[tuple[Term, Term]]:
        """The gradient by the product, then the layers, of each step; the product at the end."""
        N, d, out = len(self.widths) - 1, self.widths, []
        W = layers(d, "W")
        for s, step in enumerate(self.steps, 1):
            F = matrix(f"F{s}", d[-1], d[0])
            out.append((F, (self.through(W, step, N, 0) * table(step.X) - table(step.Y)) * table(step.X).T))
            new = [matrix(f"W{i}at{s}", d[i], d[i - 1]) for i in range(1, N + 1)]
            for i in range(1, N + 1):
                H = self.through(W, step, N, i) * self.mask(step, i) if i < N else eye(d[N])
                B = self.mask(step, i - 1) * self.through(W, step, i - 1, 0) if i > 1 else eye(d[0])
                out.append((new[i - 1], W[i - 1] - step.rate * H.T * F * B.T))
            W = tuple(new)
        return [*out, (matrix("P", d[-1], d[0]), composed(W))]

    def claim(self) -> Generic:
        """The leading minor of size min d_i of P after the steps."""
        W, (P, _) = layers(self.widths, "W"), self.defined[-1]
        point = {f"W{k}": [[(i + 1) * (j + 2) % 5 - k % 3 + 2 * (i == j) for j in range(self.widths[k - 1])]
                           for i in range(self.widths[k])] for k in range(1, len(self.widths))}  # fmt: skip
        minor = leading(P, min(self.widths))
        defined = tuple((v.node, e.node) for v, e in self.defined)
        return Generic(f"{NAME}.generic: {self.label}", names(W), minor.node, point, defined)


ONE, E1, ZERO = [[1, 0], [0, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]
RUNS = (
    Run((2, 2, 2), (Step(ONE, E1), Step([[1, 1], [0, 1]], ZERO))),
    Run((2, 3, 2), (Step(ONE, ZERO, 2), Step(ONE, [[0, 1], [1, 0]], -1))),
    Run((2, 2, 2), (Step(E1, E1),)),  # singular data at the rate 1 / sigma
    Run((1, 2, 1, 2), (Step([[1, 2]], [[0, 1], [1, 0]]), Step([[1]], [[1], [0]]))),
    Run((2, 2, 2, 2), (Step(E1, ZERO), Step(ONE, E1))),
    Run((2, 3, 3, 2), (Step(ONE, E1, 1, ((1, 0, 1), (1, 1, 0))), Step([[1], [1]], [[2], [0]], 1, ((0, 1, 0), (1, 0, 1))))),
    Run((2, 2, 2, 2, 2), (Step(ONE, E1),)),
)


def claims() -> Iterator[Claim | Generic]:
    yield from map(gradients, range(2, 5))
    yield from map(near_zero, range(2, 5))
    yield from (linear_part(*shape) for shape in ((1, 1), (1, 2), (2, 1), (2, 2)))
    yield top_part()
    yield from (run.claim() for run in RUNS)


# -- limits -------------------------------------------------------------------------------------------------------------


def stays(name: str, widths: Sequence[Width], *given: Term) -> Statement:
    """P^+ is not zero if no layer is, at widths 1, one sample, rate 1."""
    net = Network(tuple(widths), 1)
    after = composed(net.step(rate=number(1)))
    return positive(f"{NAME}: {name}", net.variables, [square(after)], given_positive(*given))


def sharpness() -> Iterator[Counterexample]:
    ones = {"W1": [[1]], "W2": [[1]], "X": [[1]]}
    layered = [norm2(matrix(x, 1, 1)) for x in ("W1", "W2")]
    alone = stays("depth 1", (1, 1), layered[0], norm2(matrix("X", 1, 1)))
    yield Counterexample("depth 2 or more: at depth 1 every W goes to Y", alone, {"W1": [[1]], "X": [[1]], "Y": [[0]]})
    chosen = stays("labels that depend on the layers", (1, 1, 1), *layered, norm2(matrix("X", 1, 1)))
    yield Counterexample("data that do not depend on W(0)", chosen, {**ones, "Y": [[0]]})
    start = stays("any start", (1, 1, 1), *(norm2(matrix(x, 1, 1)) for x in ("X", "Y")))
    yield Counterexample("an initialisation with a density", start, {**ones, "W1": [[0]], "W2": [[0]], "Y": [[1]]})


def variants() -> Iterator[Statement]:
    yield from (e.statement for e in sharpness())
    s = near_zero(2).statement
    net = Network(widths_of(2))
    V1, V2 = net.layers
    C, S = net.Y * net.X.T, net.X * net.X.T
    after = t * V1 - ETA * t * V2.T * (t**2 * V2 * V1 * S - C)
    wrong = {
        "the step is the identity at first order, also at depth 2": after - t * V1 + ETA * t**3 * V2.T * V2 * V1 * S,
        "the sign of C": after - t * V1 + ETA * t * V2.T * C + ETA * t**3 * V2.T * V2 * V1 * S,
        "the degree of the last part": after - t * V1 - ETA * t * V2.T * C + ETA * t**2 * V2.T * V2 * V1 * S,
    }
    sizes = net.ones()
    for name, goal in wrong.items():
        yield replace(says(f"{NAME}: {name}", map(Term, s.variables), [goal]), sizes=sizes)
    C2 = matrix("C", 2, 2)
    block = linear_part(2, 2).statement.then[0].expression
    plus = leading(eye(2) + ETA**2 * C2.T * C2, 2) - leading(eye(2) - ETA**2 * C2.T * C2, 2)
    yield says(f"{NAME}: the linear part is never singular", (C2, ETA), [Term(block) - plus])
    top = top_part().statement
    yield replace(top, name=f"{NAME}: any frame", given=top.given[1:], sizes=sizes | {"r": 1})
    yield replace(top, name=f"{NAME}: any second layer", given=top.given[:2], sizes=sizes | {"r": 1})


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The step from t V at any layers, data, rate and t."""
    depth = len(widths) - 1
    net = Network(tuple(widths), 2)
    sizes = {f"d{i}": d for i, d in enumerate(widths)} | {"n": 2}
    s = replace(near_zero(depth).statement, name=f"{NAME}: sampled", sizes=sizes)
    return Instance(s, net.draw(draw) | {"eta": draw.scalar(), "t": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="R12",
    title="An initialisation with a density has the largest rank at all steps, without noise",
    form="generic; the induction over the steps in words",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (2, 3, 1), (1, 2, 2, 1)),
    supported_at=((8, 6, 7), (5, 9, 8, 6)),
    note=(
        "Noise is not needed for full rank: from a random initialisation gradient descent of depth 2 or more has it at every "
        "step. At depth 1 it may not: X = I and rate 1 send every W to Y."
    ),
)
