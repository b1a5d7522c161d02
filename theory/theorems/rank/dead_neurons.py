r"""A dead neuron stays dead under every noise that acts through data or architecture.

Setting: layers W_1, ..., W_N; E = diag(e) selects hidden neurons of layer i. A step may use any data (input noise, label
noise, minibatches), masks on the hidden layers (dropout) or on the weights (DropConnect), weight decay and momentum.

Hypotheses: at the start the selected rows of W_i and the selected columns of W_{i+1} are zero, and so are those of the
momentum.

Conclusion: \[ E W_i = 0, \quad W_{i+1} E = 0 \] stay true for ever, and so rank P_t is at most the number of other neurons
in that layer. Only noise that is added to weights or gradients, or another start, revives them.

Form: invariant, for all parameters.

Scope of proof: masks, weight decay and momentum in one step at all widths, depths 2 to 5; DropConnect at widths (1, 2, 1),
(2, 2, 2), (1, 2, 2, 1) with the gradient taken by the kernel; det P = 0 after a step from W_1 = [[1, 2], [0, 0]], W_2 =
[[1, 0], [3, 0]] with any mask and data.

Why: the gradient by W_i has the factor (W_{i+1} D_i)^T on its left, that by W_{i+1} the factor (D_i W_i)^T on its right.

Sharpness: both the row and the column must be zero; noise added to the weights, and momentum that is not zero, revive the
neuron.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory.terms import Term, diagonal_part, fact
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.mask_means import diagonal, entrywise
from theory.theorems.rank.networks import (
    ETA,
    Network,
    chain,
    eye,
    identity,
    implied,
    matrix,
    norm2,
    says,
    scalar,
    table,
    widths_of,
    zeros,
)
from theory.theorems.rank.setting import SOURCE, entries, minor, total

NAME = "rank.dead_neurons"
MOMENTUM, DECAY = scalar("mu"), scalar("lam")


class Momentum:
    """A step with momentum and weight decay: B_j^+ = mu B_j - eta G_j, W_j^+ = W_j + B_j^+ - eta lam W_j."""

    def __init__(self, net: Network, i: int) -> None:
        self.net, self.i = net, i
        self.speeds = tuple(matrix(f"B{j}", net.widths[j], net.widths[j - 1]) for j in (i, i + 1))
        self.select = matrix("E", net.widths[i], net.widths[i])
        self.E = diagonal_part(self.select)

    @property
    def variables(self) -> tuple[Term, ...]:
        return (*self.net.variables, *self.speeds, self.select, ETA, MOMENTUM, DECAY)

    @property
    def dead(self) -> list[Term]:
        """E W_i, E W_{i+1}^T, E B_i, E B_{i+1}^T."""
        B, A = self.speeds
        return [self.E * x for x in (*self.net.junction(self.i), B, A.T)]

    @property
    def after(self) -> list[tuple[Term, Term]]:
        """What is dead after the step, and why."""
        (W, V), (B, A), i, net = self.net.junction(self.i), self.speeds, self.i, self.net
        low, high, slow, fast = map(fact, self.dead)
        K, D = net.K(i), net.mask(i)
        speed = [MOMENTUM * B - ETA * net.gradient(i), MOMENTUM * A.T - ETA * net.gradient(i + 1).T]
        why = [MOMENTUM * slow - ETA * D * high * K, MOMENTUM * fast - ETA * D * low * K.T]
        moved = [x + v - ETA * DECAY * x for x, v in zip((W, V), speed, strict=True)]
        moved_why = [x + v - ETA * DECAY * x for x, v in zip((low, high), why, strict=True)]
        return list(zip([self.E * x for x in (*moved, *speed)], (*moved_why, *why), strict=True))


def one_step(depth: int, i: int) -> Claim:
    """Masks on all hidden layers, any data, weight decay and momentum."""
    net = Network(widths_of(depth), masked=True)
    m = Momentum(net, i)
    sizes = net.ones()
    witness = zeros(m.variables, sizes) | {"E": [[0, 0], [0, 1]], "eta": 1}
    return implied(f"{NAME}.step_{depth}_{i}", m.variables, m.dead, m.after, witness, sizes)


def connected(widths: Sequence[int], i: int, neuron: int) -> Claim:
    """DropConnect: a neuron whose row and column are zero has a gradient that is zero there, for any masks on the weights."""
    net = Network(tuple(widths), 1)
    masks = [matrix(f"Z{j}", widths[j], widths[j - 1]) for j in range(1, net.depth + 1)]
    layers = [entrywise(W, Z) for W, Z in zip(net.layers, masks, strict=True)]
    loss = norm2(chain(layers[::-1]) * net.X - net.Y) / 2
    row = [entries(net.layers[i - 1])[neuron], entries(masks[i - 1])[neuron]]
    column = [[r[neuron] for r in entries(x)] for x in (net.layers[i], masks[i])]
    below = chain([*reversed(layers[: i - 1]), net.X]) if i > 1 else net.X
    # the two gradients in terms of the masked layers, then entry by entry
    slope = chain(layers[::-1]) * net.X - net.Y
    back = chain([*(x.T for x in layers[i + 1 :]), slope]) if i + 1 < net.depth else slope
    G, H = net.gradient(i, loss), net.gradient(i + 1, loss)
    then = []
    for k in range(widths[i - 1]):
        by = total(fact(w) * z * entries(back * below.T)[j][k] for j, (w, z) in enumerate(zip(*column, strict=True)))
        then.append((entries(G)[neuron][k], entries(masks[i - 1])[neuron][k] * by))
    for j in range(widths[i + 1]):
        by = total(fact(w) * z * entries(back * below.T)[j][k] for k, (w, z) in enumerate(zip(*row, strict=True)))
        then.append((entries(H)[j][neuron], entries(masks[i])[j][neuron] * by))
    variables = (*net.variables, *masks)
    name = f"{NAME}.dropconnect_{'x'.join(map(str, widths))}_{i}"
    return implied(name, variables, [*row[0], *column[0]], then, zeros(variables, {}))


def example() -> Claim:
    """W_1 = [[1, 2], [0, 0]], W_2 = [[1, 0], [3, 0]]: det P = 0 after a step with any mask on any two samples."""
    W, V, z = table([[1, 2], [0, 0]]), table([[1, 0], [3, 0]]), matrix("z", 2, 1)
    X, Y, D = matrix("X", 2, 2), matrix("Y", 2, 2), diagonal(z)
    slope = (V * D * W * X - Y) * X.T
    after = (V - ETA * slope * (D * W).T) * (W - ETA * (V * D).T * slope)
    return identity(f"{NAME}.example", (z, X, Y, ETA), [minor(after, (0, 1), (0, 1))])


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (one_step(n, i) for n in range(2, 6) for i in range(1, n))
    yield from (connected(*at) for at in (((1, 2, 1), 1, 1), ((2, 2, 2), 1, 0), ((1, 2, 2, 1), 2, 1)))
    yield example()


def without(k: int, words: str) -> Terms:
    """One of E W_i, E W_{i+1}^T, E B_i, E B_{i+1}^T is not zero at the start."""
    m = Momentum(Network((1, 1, 1), 1, masked=True), 1)
    given = [x for j, x in enumerate(m.dead) if j != k]
    return says(f"{NAME}: {words}", m.variables, [x for x, _ in m.after], given)


def additive() -> Terms:
    """Noise added to the weights."""
    net, e, N = Network((1, 1, 1), 1), matrix("E", 1, 1), matrix("N1", 1, 1)
    E = diagonal_part(e)
    after = E * (net.step()[0] + N)
    return says(f"{NAME}: noise added to the weights", (*net.variables, e, N, ETA), [after], [E * x for x in net.junction(1)])


def mixed() -> Terms:
    """A selection that is not diagonal: a combination of neurons that vanishes does not stay zero under masks."""
    net, E = Network((1, 2, 1), 1, masked=True), matrix("E", 2, 2)
    before, after = ([E * x for x in net.junction(1, W)] for W in (None, net.step()))
    return says(f"{NAME}: a combination of neurons", (*net.variables, E, ETA), after, before)


def sharpness() -> Iterator[Counterexample]:
    start: dict[str, Any] = {x: [[0]] for x in ("W1", "W2", "B1", "B2", "Y")}
    start |= {x: [[1]] for x in ("X", "Z1", "E")} | {"eta": 1, "mu": 1, "lam": 0}
    yield Counterexample("the row is zero", without(0, "only the column"), start | {"W1": [[1]]})
    yield Counterexample("the column is zero", without(1, "only the row"), start | {"W2": [[1]]})
    yield Counterexample("momentum starts at zero", without(2, "momentum at the start"), start | {"B1": [[1]]})
    quiet = {x: start[x] for x in ("W1", "W2", "X", "Y", "E", "eta")}
    yield Counterexample("no noise added to the weights", additive(), quiet | {"N1": [[1]]})
    point = {"W1": [[1], [1]], "W2": [[1, 1]], "Z1": [[1, 0], [0, 0]], "X": [[1]], "Y": [[0]], "E": [[1, -1], [0, 0]], "eta": 1}
    yield Counterexample("single neurons, not combinations", mixed(), point)


def variants() -> Iterator[Terms]:
    words = ("only the column", "only the row", "momentum at the start", "momentum of the next layer at the start")
    yield from (without(k, text) for k, text in enumerate(words))
    yield additive()
    yield mixed()
    net = Network((1, 1, 1), 1, masked=True)
    (W, _), D = net.junction(1), net.mask(1)
    yield says(f"{NAME}: a masked neuron is dead", (*net.variables, ETA), [net.step()[0]], [D])
    yield says(f"{NAME}: a neuron without input is dead", (*net.variables, ETA), [net.step()[1]], [W])
    L, V, X, Y = table([[1, 2], [0, 1]]), table([[1, 0], [3, 0]]), matrix("X", 2, 1), matrix("Y", 2, 1)
    slope = (V * L * X - Y) * X.T
    after = (V - ETA * slope * L.T) * (L - ETA * V.T * slope)
    yield says(f"{NAME}: the example with a live row", (X, Y, ETA), [minor(after, (0, 1), (0, 1))])
    yield says(f"{NAME}: every neuron is dead", (W,), [eye(1) * W])


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Momentum, Terms]:
    m = Momentum(Network(widths, 3, masked=True), 1)
    return m, says(f"{NAME}.sample", m.variables, [x for x, _ in m.after], m.dead)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A random set of dead neurons in the first hidden layer, random masks, data, momentum and weight decay."""
    m, s = _sized(tuple(widths))
    values = {str(v.node.data[0]): draw.matrix(*map(int, v.node.shape)) for v in m.variables if v.node.shape}
    values |= {str(v.node.data[0]): draw.scalar() for v in (ETA, MOMENTUM, DECAY)}
    n = widths[1]
    dead = table([[int(i == j) * draw.integer(0, 1) for j in range(n)] for i in range(n)])
    values["E"] = draw.value(dead.node, values)
    live, (W, V), (B, A) = eye(n) - dead, m.net.layers[:2], m.speeds
    for name, x in (("W1", live * W), ("W2", V * live), ("B1", live * B), ("B2", A * live)):
        values[name] = draw.value(x.node, values)
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="R18",
    title="Dead neurons stay dead under all noise in data and architecture",
    form="invariant",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 2, 4, 2)),
    supported_at=((16, 24, 12), (10, 16, 8, 12)),
    note="Noise in the architecture does not make the product of full rank from every start: with d = (2, 2, 2), W_1 = [[1, "
    "2], [0, 0]] and W_2 = [[1, 0], [3, 0]] the second neuron is dead, and no sequence of masks, labels and inputs gets "
    "beyond rank 1.",
)
