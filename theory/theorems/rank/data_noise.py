r"""Noise in the inputs, the labels or the choice of the minibatch cannot beat the junction bound.

Setting: layers W_1, ..., W_N, data that change at every step: X_t, Y_t are any matrices (inputs with noise, labels with
noise, minibatches). A step may also be taken along \(\sum_b z_b G^{(b)}\), any combination of the gradients of several
batches, of which the Gaussian noise with the covariance of the minibatch gradients is a case.

Hypotheses: N >= 2; noise enters through the data or the weights z_b only.

Conclusion: \[ \operatorname{rank} P_t \le \min_i \operatorname{rank} M_i(0), \qquad M_i = [W_i, W_{i+1}^T], \] for every
law of the noise and any number of steps. If a junction is balanced, \(W_i W_i^T = W_{i+1}^T W_{i+1}\), then rank M_i = rank
W_i, so the product stays at rank at most rank W_i.

Form: invariant; inequality for all parameters.

Scope of proof: the left kernel of M_i through two steps with different data, and through a step along a combination of the
gradients of two batches, at all widths, depths 2 to 4; induction over the steps gives any number. Balanced junctions: Q^T
W_i = 0 gives W_{i+1} Q = 0, all widths (the converse is in `rank.flow`). Layers that vanish stay at zero, all widths,
depths 2 to 5. W_1 = W_2 = diag(1, 0): det P = 0 after a step on any two samples, and after two steps on one sample each.

Why: every step is M_i^+ = M_i S_i, whatever the data; a combination has K_i = sum_b z_b K_i^(b).

Sharpness: noise added to the gradients or weights is not of this form: W = 0 is left at once. Depth 1 has no junction.
Without balance rank M_i can be twice the rank of the product.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory.terms import Term, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.networks import (
    ETA,
    Network,
    chain,
    entry,
    eye,
    identity,
    implied,
    matrix,
    norm2,
    number,
    radical,
    says,
    scalar,
    table,
    widths_of,
    zeros,
)
from theory.theorems.rank.setting import minor

NAME = "rank.data_noise"
ZETA = scalar("zeta")


def other_data(net: Network) -> tuple[Term, Term]:
    """Xb, Yb: another batch, with another number of samples."""
    m = "m" if isinstance(net.samples, str) else net.samples
    return matrix("Xb", net.widths[0], m), matrix("Yb", net.widths[-1], m)


def batch_loss(net: Network, X: Term, Y: Term) -> Term:
    return norm2(net.product * X - Y) / 2


def slope_at(net: Network, layers: Sequence[Term], X: Term, Y: Term) -> Term:
    return (net.between(net.depth, 0, layers) * X - Y) * X.T


def along(net: Network, i: int, slope: Term, layers: Sequence[Term]) -> tuple[Term, Term, Term]:
    """K_i and the gradients W_{i+1}^T K_i, K_i W_i^T at any layers."""
    above, below = net.between(net.depth, i + 1, layers), net.between(i - 1, 0, layers)
    K = above.T * slope * below.T
    return K, layers[i].T * K, K * layers[i - 1].T


def two_steps(depth: int, i: int) -> Claim:
    """Q^T M_i = 0 after a step on (X, Y) and a step of another size on (Xb, Yb).

    The layers after the first step are V_1, ..., V_N with V_j = W_j - eta G_j as hypotheses for j = i, i + 1 (the others may be
    anything, which is more than is needed); the gradients of the second step are those of the loss at V.
    """
    net = Network(widths_of(depth))
    d = net.widths
    V = tuple(matrix(f"V{j}", d[j], d[j - 1]) for j in range(1, depth + 1))
    Xb, Yb = other_data(net)
    Q = matrix("Q", d[i], "k")
    first = net.step()
    moved = [V[j] - first[j] for j in (i - 1, i)]
    left = [Q.T * x for x in net.junction(i)]
    K, again = net.K(i), along(net, i, slope_at(net, V, Xb, Yb), V)
    low, high = (fact(x) for x in left)
    middle = (Q.T * V[i - 1], Q.T * V[i].T)
    by_middle = (Q.T * fact(moved[0]) + low - ETA * high * K, (fact(moved[1]) * Q).T + high - ETA * low * K.T)
    after = (Q.T * (V[i - 1] - ZETA * again[1]), Q.T * (V[i] - ZETA * again[2]).T)
    by_after = (fact(middle[0]) - ZETA * fact(middle[1]) * again[0], fact(middle[1]) - ZETA * fact(middle[0]) * again[0].T)
    then = [*zip(middle, by_middle, strict=True), *zip(after, by_after, strict=True)]
    variables = (*net.variables, *V, Xb, Yb, ETA, ZETA, Q)
    sizes = net.ones() | {"k": 1, "m": 1}
    witness = zeros(variables, sizes) | {"Q": [[1], [0]], "eta": 1, "zeta": 1}
    return implied(f"{NAME}.two_steps_{depth}_{i}", variables, [*left, *moved], then, witness, sizes)


def combined(depth: int, i: int) -> Claim:
    """Q^T M_i = 0 after a step along a G + b G', the gradients of two batches with any weights."""
    net = Network(widths_of(depth))
    Xb, Yb = other_data(net)
    Q, a, b = matrix("Q", net.widths[i], "k"), scalar("a"), scalar("b")
    after = net.step(a * net.loss + b * batch_loss(net, Xb, Yb))
    left = [Q.T * x for x in net.junction(i)]
    K = net.K(i, a * net.slope + b * slope_at(net, net.layers, Xb, Yb))
    low, high = map(fact, left)
    new = [Q.T * x for x in net.junction(i, after)]
    then = list(zip(new, (low - ETA * high * K, high - ETA * low * K.T), strict=True))
    variables, sizes = (*net.variables, Xb, Yb, ETA, a, b, Q), net.ones() | {"k": 1, "m": 1}
    witness = zeros(variables, sizes) | {"Q": [[1], [0]], "eta": 1, "a": 1, "b": -1}
    return implied(f"{NAME}.batches_{depth}_{i}", variables, left, then, witness, sizes)


def balanced() -> Claim:
    """W W^T = V^T V: Q^T W = 0 gives V Q = 0; by the radical rule |V Q|^2 = |W^T Q|^2."""
    W, V, Q = matrix("W1", "d1", "d0"), matrix("W2", "d2", "d1"), matrix("Q", "d1", "k")
    even, left = W * W.T - V.T * V, Q.T * W
    seen = V * Q
    by = trace(Q.T * fact(even) * Q) - trace(fact(left) * left.T)
    s = says(f"{NAME}.balanced", (W, V, Q), [seen], [even, left])
    sizes = {"d0": 2, "d1": 2, "d2": 2, "k": 1}
    point = {"W1": [[1, 0], [0, 0]], "W2": [[0, 0], [1, 0]], "Q": [[0], [1]]}
    return Claim(s, (radical(seen, by),), point, sizes)


def at_rest(depth: int) -> Claim:
    """All layers zero: every gradient vanishes, for any data."""
    net = Network(widths_of(depth))
    gradients = [net.gradient(i) for i in range(1, depth + 1)]
    by = [chain_with(net, i) for i in range(1, depth + 1)]
    then, witness = list(zip(gradients, by, strict=True)), zeros(net.variables, net.ones())
    return implied(f"{NAME}.at_rest_{depth}", net.variables, net.layers, then, witness, net.ones())


def chain_with(net: Network, i: int) -> Term:
    """G_i with one of its factors cited as zero."""
    d, W = net.depth, net.layers
    if i > 1:
        return net.above(i).T * net.slope * (fact(W[i - 2]) * net.between(i - 2, 0)).T
    return (net.between(d, i + 1) * fact(W[i])).T * net.slope


def stuck(steps: int) -> Claim:
    """W_1 = W_2 = diag(1, 0) on samples X, Y (2 x 2): det P = 0 after one step, or after two on fresh data."""
    first = table([[1, 0], [0, 0]])
    variables: list[Term] = []
    W, V = first, first
    for t in range(steps):
        X, Y, rate = matrix(f"X{t}", 2, 1 if steps > 1 else 2), matrix(f"Y{t}", 2, 1 if steps > 1 else 2), scalar(f"eta{t}")
        variables += [X, Y, rate]
        slope = (V * W * X - Y) * X.T
        W, V = W - rate * V.T * slope, V - rate * slope * W.T
    return identity(f"{NAME}.stuck_{steps}", variables, [minor(V * W, (0, 1), (0, 1))])


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (two_steps(n, i) for n in range(2, 5) for i in range(1, n))
    yield from (combined(n, i) for n in range(2, 5) for i in range(1, n))
    yield balanced()
    yield from map(at_rest, range(2, 6))
    yield from map(stuck, (1, 2))


def noisy(words: str, scale: Term) -> Terms:
    """W_1 = W_2 = diag(1, 0): det P = 0 after a step with noise N_1, N_2 added to the gradients."""
    first, X, Y = table([[1, 0], [0, 0]]), matrix("X", 2, 1), matrix("Y", 2, 1)
    N, M = matrix("N1", 2, 2), matrix("N2", 2, 2)
    slope = (first * first * X - Y) * X.T
    W, V = first - ETA * (first * slope + scale * N), first - ETA * (slope * first + scale * M)
    return says(f"{NAME}: {words}", (X, Y, N, M, ETA), [minor(V * W, (0, 1), (0, 1))])


def unbalanced() -> Terms:
    """Q^T W_1 = 0 alone, without balance."""
    net, Q = Network((1, 1, 1), 1), matrix("Q", 1, 1)
    after = Q.T * net.step()[0]
    return says(f"{NAME}: only the left kernel of W_1", (*net.variables, ETA, Q), [after], [Q.T * net.layers[0]])


def depth_one() -> Terms:
    net, q = Network((1, 1), 1), matrix("Q", 1, 1)
    return says(f"{NAME}: depth 1", (*net.variables, ETA, q), [q.T * net.step()[0]], [q.T * net.layers[0]])


def rank_grows() -> Terms:
    """W_1 = u a^T and W_2 = b v^T with u, v not parallel: det P = 0 is lost in one step (X = Y = I)."""
    u, v, a, b = (matrix(x, 2, 1) for x in "uvab")
    W, V, one = u * a.T, b * v.T, eye(2)
    slope = V * W - one
    after = (V - ETA * slope * W.T) * (W - ETA * V.T * slope)
    return says(f"{NAME}: rank-one layers without balance", (u, v, a, b, ETA), [minor(after, (0, 1), (0, 1))])


def sharpness() -> Iterator[Counterexample]:
    none: dict[str, Any] = {"X": [[0], [0]], "Y": [[0], [0]], "eta": 1}
    second = [[0, 0], [0, -1]]
    yield Counterexample("no noise added to the gradients", noisy("noise added to the gradients", number(1)),
                         none | {"N1": second, "N2": second})  # fmt: skip
    point = {"W1": [[0]], "W2": [[1]], "X": [[1]], "Y": [[1]], "eta": 1, "Q": [[1]]}
    yield Counterexample("balance (or the left kernel of both blocks)", unbalanced(), point)
    yield Counterexample("N >= 2", depth_one(), {"W1": [[0]], "X": [[1]], "Y": [[1]], "eta": 1, "Q": [[1]]})
    point = {"u": [[1], [0]], "a": [[1], [0]], "v": [[0], [1]], "b": [[0], [1]], "eta": 1}
    yield Counterexample("rank M_i, not the ranks of the layers", rank_grows(), point)


def variants() -> Iterator[Terms]:
    yield noisy("noise added to the gradients", number(1))
    yield noisy("a millionth of the noise", number(1) / 1_000_000)
    yield unbalanced()
    yield depth_one()
    yield rank_grows()
    net, Q = Network((1, 1, 1), 1), matrix("Q", 1, 1)
    yield says(f"{NAME}: the left kernel of W_2^T alone", (*net.variables, ETA, Q), [(net.step()[1] * Q).T],
               [(net.layers[1] * Q).T])  # fmt: skip
    W, V = matrix("W1", 2, 2), matrix("W2", 2, 2)
    P = chain([V, W])
    yield says(f"{NAME}: balanced layers have det P = 0", (W, V), [minor(P, (0, 1), (0, 1))], [W * W.T - V.T * V])
    yield says(f"{NAME}: balanced the other way round", (W, V), [W * W.T - V.T * V], [W.T * W - V * V.T])
    free = says(f"{NAME}: some layers zero", net.variables, [net.gradient(1), net.gradient(2)], [net.layers[0]])
    yield free
    X, Y = matrix("X", 2, 1), matrix("Y", 2, 1)
    first = table([[1, 0], [0, 0]])
    slope = (first * first * X - Y) * X.T
    yield says(f"{NAME}: the first layer stays", (X, Y, ETA), [entry(ETA * first * slope, 0, 0)])


@cache
def _sized(widths: tuple[int, ...], rank: int) -> tuple[Network, tuple[Term, ...], Terms]:
    net = Network(widths, 2)
    Xb, Yb = other_data(net)
    d = net.widths
    U, A, B = matrix("U", d[1], rank), matrix("A", rank, d[0]), matrix("B", rank, d[2])
    a, b = scalar("a"), scalar("b")
    after = net.step(a * net.loss + b * batch_loss(net, Xb, Yb))
    K = net.K(1, a * net.slope + b * slope_at(net, net.layers, Xb, Yb))
    W, V = net.junction(1)
    below, above = net.junction(1, after)
    then = [below - U * (A - ETA * B * K), above - U * (B - ETA * A * K.T)]
    variables = (*net.variables, Xb, Yb, ETA, a, b, U, A, B)
    return net, (Xb, Yb, U, A, B), says(f"{NAME}.sample", variables, then, [W - U * A, V - U * B])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A first junction of random rank, two random batches with random weights."""
    net, extra, s = _sized(tuple(widths), draw.integer(1, widths[1]))
    values = net.draw(draw) | {name: draw.scalar() for name in ("eta", "a", "b")}
    values |= {str(v.node.data[0]): draw.matrix(*map(int, v.node.shape)) for v in extra}
    U, A, B = extra[2:]
    return Instance(s, values | {"W1": draw.value((U * A).node, values), "W2": draw.value((B.T * U.T).node, values)})


THEOREM = Theorem(
    name=NAME,
    sheet="R8",
    title="Input, label and minibatch noise cannot beat the junction bound",
    form="invariant",
    source="arXiv:1807.08140 (the claim that it limits); own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 2, 4, 2)),
    supported_at=((16, 24, 12), (10, 16, 8, 12)),
    note="Input or label noise does not drive the product to full rank: it raises the rank at most to the least rank of the "
    "[W_i, W_{i+1}^T]. From W_1 = W_2 = diag(1, 0) every sequence of noisy inputs and labels keeps the rank at 1, where "
    "2 is possible; from W = 0 nothing moves. Noise with the covariance of the minibatch gradients obeys the same "
    "bound; isotropic noise does not.",
)
