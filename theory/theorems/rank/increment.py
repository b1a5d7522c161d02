r"""One step of gradient descent raises the rank of the product by at most N n.

Setting: layers \(W_1, ..., W_N\), data X, Y of n samples, squared loss, \(F = (PX - Y)X^T\), one step at the rate \(\eta\) on
all layers at once.

Hypotheses: none.

Conclusion: \(\mathrm{rank}\, P^+ \le \mathrm{rank}\, P + \sum_i \mathrm{rank}\, G_i \le \mathrm{rank}\, P + N \min(n,
\mathrm{rank}\, F)\).

Form: inequality, from an identity.

Scope of proof: all widths, N = 1 to 4: \(P^+ - P\) is a sum of N products with n inner columns; with rank F columns where F =
L R is given, N = 1 to 3. The gradients are taken by the kernel.

Why: \(P^+ - P = -\eta \sum_i W^+_{N:i+1} G_i W_{i-1:1}\), one layer replaced at a time, and \(G_i = (W_{N:i+1}^T E)(X^T
W_{i-1:1}^T)\).

Sharpness: the factor N is needed: at depth 2, with one sample, the rank goes from 0 to 2. A step that is no gradient on n
samples (noise on the layers) is not bounded by n.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.rank.networks import ETA, Network, identity, implied, matrix, number, says, widths_of
from theory.theorems.rank.setting import SOURCE, composed, leading, slots, total_of

NAME = "rank.increment"
Widths = Sequence[int | str]


def change(net: Network, left: Term, right: Term) -> Term:
    """P^+ - P + eta sum_i (W^+_{N:i+1} W_{N:i+1}^T left) (right W_{i-1:1}^T W_{i-1:1})."""
    after, N, W = net.step(), net.depth, net.layers
    parts = []
    for i in range(1, N + 1):
        above, below = net.between(N, i), net.between(i - 1, 0)
        parts.append((net.between(N, i, after) * above.T * left) * (right * below.T * below))
    return composed(after) - composed(W) + ETA * total_of(parts)


def by_samples(widths: Widths, samples: int | str = "n") -> Claim:
    """The inner columns are the n samples: E times X^T."""
    net = Network(tuple(widths), samples)
    residual = net.product * net.X - net.Y
    return identity(f"{NAME}.samples_{net.depth}", (*net.variables, ETA), [change(net, residual, net.X.T)])


def by_rank(depth: int) -> Claim:
    """If F = L R with r columns, they are those of L."""
    net = Network(widths_of(depth))
    L, R = matrix("L", net.widths[-1], "r"), matrix("R", "r", net.widths[0])
    zero, after = net.slope - L * R, net.step()
    parts = []
    for i in range(1, depth + 1):
        above, below = net.between(depth, i), net.between(i - 1, 0)
        parts.append(net.between(depth, i, after) * above.T * fact(zero) * below.T * below)
    by = (number(-1) * ETA) * total_of(parts)
    point = {f"W{k}": slots(2, 2) for k in range(1, depth + 1)} | {"X": [[1], [0]], "Y": [[0], [0]], "eta": 1}
    point |= {"L": [[1], [0]], "R": [[1, 0]]}
    sizes = net.ones() | {"r": 1}
    return implied(f"{NAME}.rank_of_F_{depth}", (*net.variables, ETA, L, R), [zero], [(change(net, L, R), by)], point, sizes)


def claims() -> Iterator[Claim]:
    yield from (by_samples(widths_of(N)) for N in range(1, 5))
    yield from map(by_rank, range(1, 4))


# -- limits -------------------------------------------------------------------------------------------------------------


def gains(samples: int, name: str) -> Statement:
    """From P = 0 at widths (2, 2, 2): det P^+ = 0, one is the largest rank after a step on these samples."""
    net = Network((2, 2, 2), samples)
    return says(f"{NAME}: {name}", (*net.variables, ETA), [leading(composed(net.step()), 2)], [net.product])


def any_step() -> Statement:
    """A step Z that is no gradient raises the rank of P = 0 by one at most."""
    W, Z = matrix("W1", 2, 2), matrix("Z", 2, 2)
    return says(f"{NAME}: any step", (W, Z), [leading(W - Z, 2)], [W])


POINT = {"W1": [[1, 0], [0, 0]], "W2": [[0, 0], [0, 1]], "X": [[1], [1]], "Y": [[1], [1]], "eta": 1}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("N n, not n: at depth 2 one sample adds two", gains(1, "one sample adds one"), POINT)
    yield Counterexample("a gradient on n samples", any_step(), {"W1": [[0, 0], [0, 0]], "Z": slots(2, 2)})


def variants() -> Iterator[Statement]:
    yield from (gains(1, "one sample adds one"), any_step())
    net = Network(("d0", "d1", "d2"))
    sizes, variables = net.ones(), (*net.variables, ETA)
    W, after, F = net.layers, net.step(), net.slope
    full = composed(after) - composed(W)
    G1, G2 = net.gradient(1), net.gradient(2)
    wrong = {
        "first order only": full + ETA * (W[1] * G1 + G2 * W[0]),
        "old layers on both sides": full + ETA * (W[1] * W[1].T * F + F * W[0].T * W[0]),
        "the sign of the step": full - ETA * (after[1] * G1 + G2 * W[0]),
        "one layer only": full + ETA * (after[1] * G1),
        "new layers on both sides": full + ETA * (after[1] * G1 + G2 * after[0]),
        "the product stays": full,
    }
    for name, goal in wrong.items():
        yield replace(says(f"{NAME}: {name}", variables, [goal]), sizes=sizes)
    s = by_rank(2).statement
    yield replace(s, name=f"{NAME}: L R is not F", given=(), sizes=sizes | {"r": 1})


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Any layers, data and rate; two samples."""
    s = replace(by_samples(widths, 2).statement, name=f"{NAME}: sampled")
    return Instance(s, Network(tuple(widths), 2).draw(draw) | {"eta": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="R11",
    title="One step of gradient descent raises the rank of the product by at most N n",
    form="inequality, identity",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (2, 3, 2), (2, 2, 3, 1)),
    supported_at=((20, 30, 10), (12, 16, 9, 10)),
    note="'A minibatch of n samples adds at most n to the rank' is true of a layer, not of the product: depth 2 can gain 2 n.",
)
