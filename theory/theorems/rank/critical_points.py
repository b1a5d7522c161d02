r"""When a critical point must be a global minimum: an exact rank condition on its layers.

Setting: a differentiable loss l of the product P = W_N ... W_1, L(W) = l(P), Gamma = grad l(P). W is critical if
\(G_i = (W_N \cdots W_{i+1})^T \Gamma (W_{i-1} \cdots W_1)^T = 0\) for all i.

Hypotheses: W is critical; for "global minimum" also that l is convex. Nothing on data, widths or singular values.

Conclusion: for given layers these are equivalent: (i) for every l for which W is critical, Gamma = 0, so that P minimises l
if l is convex; (ii) for some i, \(\operatorname{rank} W_N \cdots W_{i+1} = d_N\) and \(\operatorname{rank} W_{i-1} \cdots
W_1 = d_0\); (iii) for no hidden j are \(W_N \cdots W_{j+1}\) of rank below d_N and \(W_j \cdots W_1\) of rank below d_0.
The space of the Gamma that are admissible has the dimension \(d_N d_0 - \sum_{i=1}^N (c_i - c_{i-1}) r_i\), \(c_i =
\operatorname{rank} W_N \cdots W_{i+1}\), c_0 = 0, \(r_i = \operatorname{rank} W_{i-1} \cdots W_1\). Corollary: rank P =
min(d_0, d_N) suffices.

Form: iff.

Scope of proof: (ii) gives Gamma = 0, with one-sided inverses as the ranks, and the corollary: all widths, depths 1 to 5,
every i; for the squared loss with data that P is then a global minimum, depths 1 to 4. If (iii) fails at j, Gamma = q p^T
with vectors of the two kernels is admissible, and W is critical for the squared loss with X = I, Y = P - q p^T and not a
minimum: all widths, depths 2 to 5, every j. That (ii) and (iii) are equivalent is the monotonicity of ranks along the
network (enumerated), and the dimension is computed exactly on structured layers; neither is in the kernel.

Why: one-sided inverses cancel both factors; kernels of both sides leave room for q p^T.

Sharpness: "rank P = r*" with a bottleneck, d = (2, 1, 2); a loss that is not convex; a point that is not critical.

Source: arXiv:1707.02444, arXiv:1910.01671, arXiv:1712.01473 and arXiv:1605.07110 (sufficient parts); own derivation of the
iff.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory.certificates import Step
from theory.statement import Condition
from theory.terms import Term, dot, fact
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.networks import (
    Network,
    equals,
    eye,
    implied,
    matrix,
    names,
    norm2,
    says,
    scalar,
    square,
    widths_of,
    zeros,
)

NAME = "rank.critical_points"


class Sides:
    """The layers above and below layer i, one-sided inverses of their products, and a slope Gamma."""

    def __init__(self, net: Network, i: int) -> None:
        d = net.widths
        self.net, self.i = net, i
        self.above, self.below = net.between(net.depth, i), net.between(i - 1, 0)
        self.R, self.L = matrix("R", d[i], d[-1]), matrix("L", d[0], d[i - 1])
        self.gamma = matrix("Gamma", d[-1], d[0])
        self.onto = self.above * self.R - eye(d[-1])
        self.into = self.L * self.below - eye(d[0])

    def cancelled(self, gradient: Term, slope: Term) -> Term:
        """The slope, from the gradient (of this slope) and the inverses, all of which are known."""
        undone = fact(self.onto).T * slope * (self.L * self.below).T + slope * fact(self.into).T
        return self.R.T * fact(gradient) * self.L.T - undone

    def witness(self, at: dict[str, int]) -> dict[str, Any]:
        """Layers that are the identity, with the identity as inverses."""
        one = [[1, 0], [0, 1]]
        return zeros(self.net.variables, at) | {str(x.node.data[0]): one for x in (*self.net.layers, self.R, self.L)}


def slope_loss(net: Network, gamma: Term) -> Term:
    """<Gamma, P>: its gradients are those of any loss with the slope Gamma at P."""
    return dot(gamma, net.product)


def full(depth: int, i: int) -> Claim:
    """(ii) at i and G_i = 0 give Gamma = 0."""
    net = Network(widths_of(depth))
    s = Sides(net, i)
    G = net.gradient(i, slope_loss(net, s.gamma))
    sizes = {str(d): 2 for d in net.widths}
    witness = {k: x for k, x in s.witness(net.ones()).items() if k not in ("X", "Y")} | {"Gamma": [[0, 0], [0, 0]]}
    variables = (*net.layers, s.gamma, s.R, s.L)
    given, then = [s.onto, s.into, G], [(s.gamma, s.cancelled(G, s.gamma))]
    return implied(f"{NAME}.full_{depth}_{i}", variables, given, then, witness, sizes)


def corollary(depth: int, wide: bool) -> Claim:
    """P R = I (rank P = d_N) and G_1 = 0, or L P = I (rank P = d_0) and G_N = 0, give Gamma = 0."""
    net = Network(widths_of(depth))
    d, gamma = net.widths, matrix("Gamma", net.widths[-1], net.widths[0])
    loss, one = slope_loss(net, gamma), [[1, 0], [0, 1]]
    if wide:
        R, G = matrix("R", d[0], d[-1]), net.gradient(1, loss)
        given = [net.product * R - eye(d[-1]), G]
        by = (net.layers[0] * R).T * fact(G) - fact(given[0]).T * gamma
    else:
        R, G = matrix("L", d[0], d[-1]), net.gradient(depth, loss)
        given = [R * net.product - eye(d[0]), G]
        by = fact(G) * (R * net.layers[-1]).T - gamma * fact(given[0]).T
    witness: dict[str, Any] = {str(x.node.data[0]): one for x in (*net.layers, R)}
    name = f"{NAME}.rank_{'d_N' if wide else 'd_0'}_{depth}"
    sizes = {str(x): 2 for x in d}
    return implied(name, (*net.layers, gamma, R), given, [(gamma, by)], witness | {"Gamma": [[0, 0], [0, 0]]}, sizes)


def best(depth: int, i: int) -> Claim:
    """The squared loss: (ii) at i and G_i = 0, then |B X - Y|^2 >= |P X - Y|^2 for every matrix B."""
    net = Network(widths_of(depth))
    s, B = Sides(net, i), matrix("B", net.widths[-1], net.widths[0])
    G, F = net.gradient(i), net.slope
    goal = norm2(B * net.X - net.Y) - norm2(net.product * net.X - net.Y)
    by = square((B - net.product) * net.X) + 2 * dot(B - net.product, fact(F))
    steps = (equals(F, s.cancelled(G, F)), Step(">=", goal.node, by.node))
    given = tuple(Condition("==", x.node) for x in (s.onto, s.into, G))
    variables = (*net.variables, s.R, s.L, B)
    found = Terms(f"{NAME}.best_{depth}_{i}", names(variables), given, (Condition(">=", goal.node),))
    witness = s.witness(net.ones()) | {"B": [[0, 0], [0, 0]], "X": [[1], [2]], "Y": [[1], [2]]}
    return Claim(found, steps, witness, net.ones())


# -- where the condition fails ------------------------------------------------------------------------------------------


class Kernels:
    """q with q^T W_N ... W_{j+1} = 0 and p with W_j ... W_1 p = 0."""

    def __init__(self, net: Network, j: int) -> None:
        self.net, self.j = net, j
        self.q, self.p = matrix("q", net.widths[-1], 1), matrix("p", net.widths[0], 1)
        self.left, self.right = self.q.T * net.between(net.depth, j), net.between(j, 0) * self.p
        self.gamma = self.q * self.p.T

    def gradient(self, i: int) -> Term:
        """The gradient of <q p^T, P> by W_i: a product with one of the two known zeros."""
        net, j, above, below = self.net, self.j, self.net.between(self.net.depth, i), self.net.between(i - 1, 0)
        if i <= j:
            return net.between(j, i).T * fact(self.left).T * self.p.T * below.T
        return above.T * self.q * fact(self.right).T * net.between(i - 1, j).T


def admissible(depth: int, j: int) -> Claim:
    """Gamma = q p^T makes every gradient vanish."""
    net = Network(widths_of(depth))
    k = Kernels(net, j)
    every = [net.gradient(i, slope_loss(net, k.gamma)) for i in range(1, depth + 1)]
    sizes = {str(d): 2 for d in net.widths}
    witness = zeros((*net.layers, k.q, k.p), sizes) | {"q": [[1], [0]], "p": [[0], [1]]}
    then = [(G, k.gradient(i)) for i, G in enumerate(every, 1)]
    return implied(f"{NAME}.admissible_{depth}_{j}", (*net.layers, k.q, k.p), [k.left, k.right], then, witness, sizes)


def not_minimal(depth: int, j: int) -> Claim:
    """Squared loss, X = I, Y = P - q p^T, p, q not zero: critical, and Y itself is better than P."""
    net = Network(widths_of(depth))
    k, Y = Kernels(net, j), matrix("T", net.widths[-1], net.widths[0])
    told = net.product - Y - k.gamma
    loss = norm2(net.product - Y) / 2
    every = [net.gradient(i, loss) for i in range(1, depth + 1)]
    steps = []
    for i, G in enumerate(every, 1):
        above, below = net.between(depth, i), net.between(i - 1, 0)
        steps.append(equals(G, k.gradient(i) + above.T * fact(told) * below.T))
    goal = norm2(net.product - Y)
    cross = dot(fact(told), told + 2 * k.gamma)
    steps.append(Step(">", goal.node, (fact(norm2(k.q)) * fact(norm2(k.p)) + cross).node))
    zero = tuple(Condition("==", x.node) for x in (k.left, k.right, told))
    positive = tuple(Condition(">", norm2(x).node) for x in (k.q, k.p))
    then = (*(Condition("==", G.node) for G in every), Condition(">", goal.node))
    variables = (*net.layers, Y, k.q, k.p)
    sizes = {str(d): 2 for d in net.widths}
    witness = zeros(variables, sizes) | {"q": [[1], [0]], "p": [[0], [1]], "T": [[0, -1], [0, 0]]}
    found = Terms(f"{NAME}.not_minimal_{depth}_{j}", names(variables), (*zero, *positive), then)
    return Claim(found, tuple(steps), witness, sizes)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (full(n, i) for n in range(1, 6) for i in range(1, n + 1))
    yield from (corollary(n, wide) for n in range(1, 6) for wide in (False, True))
    yield from (best(n, i) for n in range(1, 5) for i in range(1, n + 1))
    yield from (f(n, j) for f in (admissible, not_minimal) for n in range(2, 6) for j in range(1, n))


def critical(net: Network, words: str, given: Sequence[Condition], then: Sequence[Condition], extra: Sequence[Term]) -> Terms:
    """A statement about critical points of the squared loss with X = I."""
    Y = matrix("Y", net.widths[-1], net.widths[0])
    every = [net.gradient(i, norm2(net.product - Y) / 2) for i in range(1, net.depth + 1)]
    zero = tuple(Condition("==", G.node) for G in every)
    return Terms(f"{NAME}: {words}", names((*net.layers, Y, *extra)), (*zero, *given), tuple(then))


def bottleneck(words: str = "rank P = r* with a bottleneck", widths: tuple[int, ...] = (2, 1, 2)) -> Terms:
    """P != 0 at a critical point: no matrix has a smaller loss."""
    net, B = Network(widths), matrix("B", widths[-1], widths[0])
    Y = matrix("Y", widths[-1], widths[0])
    better = norm2(B - Y) - norm2(net.product - Y)
    return critical(net, words, [Condition(">", norm2(net.product).node)], [Condition(">=", better.node)], [B])


def scalar_loss(words: str, value: Any, slope: Any) -> Terms:
    """w_2 w_1 != 0 and l'(P) w = 0: l(b) >= l(P) for every b."""
    w, v, b = scalar("w1"), scalar("w2"), scalar("b")
    p = v * w
    given = (Condition("==", (slope(p) * v).node), Condition("==", (w * slope(p)).node), Condition(">", (p**2).node))
    return Terms(f"{NAME}: {words}", names((w, v, b)), given, (Condition(">=", (value(b) - value(p)).node),))


def cubic() -> Terms:
    return scalar_loss("a loss that is not convex", lambda p: (p - 1) ** 3, lambda p: 3 * (p - 1) ** 2)


def quartic() -> Terms:
    value: Any = lambda p: 3 * p**4 - 4 * p**3 - 12 * p**2  # noqa: E731
    return scalar_loss("a quartic loss", value, lambda p: 12 * p**3 - 12 * p**2 - 24 * p)


def not_critical() -> Terms:
    """Full rank alone: P != 0 minimises the squared loss of a scalar network."""
    w, v, y, b = (scalar(x) for x in ("w1", "w2", "y", "b"))
    p, held = (b - y) ** 2 - (v * w - y) ** 2, (Condition(">", ((v * w) ** 2).node),)
    return Terms(f"{NAME}: full rank alone", names((w, v, y, b)), held, (Condition(">=", p.node),))


def one_gradient() -> Terms:
    """Gamma = 0 from G_1 = 0 alone where W_2 is of full rank below only."""
    net, gamma, L = Network((1, 1, 2)), matrix("Gamma", 2, 1), matrix("L", 1, 1)
    G, into = net.gradient(1, slope_loss(net, gamma)), L * net.layers[0] - eye(1)
    given = tuple(Condition("==", x.node) for x in (G, into))
    return Terms(f"{NAME}: only G_1", names((*net.layers, gamma, L)), given, (Condition("==", gamma.node),))


def sharpness() -> Iterator[Counterexample]:
    point = {"W1": [[0, 1]], "W2": [[0], [1]], "Y": [[2, 0], [0, 1]], "B": [[2, 0], [0, 0]]}
    yield Counterexample("rank P = min(d_0, d_N), not r* (bottleneck)", bottleneck(), point)
    yield Counterexample("l is convex", cubic(), {"w1": 1, "w2": 1, "b": 0})
    yield Counterexample("l is convex (a strict local minimum)", quartic(), {"w1": -1, "w2": 1, "b": 2})
    yield Counterexample("W is critical", not_critical(), {"w1": 1, "w2": 1, "y": 0, "b": 0})
    point = {"W1": [[1]], "W2": [[1], [0]], "Gamma": [[0], [1]], "L": [[1]]}
    yield Counterexample("all gradients vanish", one_gradient(), point)


def variants() -> Iterator[Terms]:
    yield from (bottleneck(), cubic(), quartic(), not_critical(), one_gradient())
    yield bottleneck("rank 1 of 2 without a bottleneck", (2, 2, 2))
    yield bottleneck("rank 1 of 2 at depth 3", (2, 2, 1, 2))
    s = full(2, 1).statement
    for k, words in ((0, "without an inverse above"), (2, "without G_1")):
        given = tuple(c for j, c in enumerate(s.given) if j != k)
        yield Terms(f"{NAME}: {words}", s.variables, given, s.then, {"d0": 1, "d1": 1, "d2": 1})
    net, gamma = Network((1, 1, 1)), matrix("Gamma", 1, 1)
    low = [net.gradient(i, slope_loss(net, gamma)) for i in (1, 2)]
    yield says(f"{NAME}: critical points have slope zero", (*net.layers, gamma), [gamma], low)
    one = Kernels(Network((1, 1, 1)), 1)
    G = one.net.gradient(2, slope_loss(one.net, one.gamma))
    yield says(f"{NAME}: one kernel is enough", (*one.net.layers, one.q, one.p), [G], [one.left])


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Kernels, Terms]:
    net = Network(widths)
    k = Kernels(net, 1)
    every = tuple(Condition("==", net.gradient(i, slope_loss(net, k.gamma)).node) for i in range(1, net.depth + 1))
    given = tuple(Condition("==", x.node) for x in (k.left, k.right))
    return net, k, Terms(f"{NAME}.sample", names((*net.layers, k.q, k.p)), given, every)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Layers with a left kernel vector q above and a right kernel vector p below the first hidden layer."""
    net, k, s = _sized(tuple(widths))
    values = {str(v.node.data[0]): draw.matrix(*map(int, v.node.shape)) for v in (*net.layers, k.q, k.p)}
    first, last = net.layers[0], net.layers[-1]
    drop = norm2(k.q) * eye(widths[-1]) - k.q * k.q.T, norm2(k.p) * eye(widths[0]) - k.p * k.p.T
    values[f"W{net.depth}"] = draw.value((drop[0] * last).node, values)
    values["W1"] = draw.value((first * drop[1]).node, values)
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="R19",
    title="Critical points that must be global minima: an exact rank condition",
    form="iff",
    source="arXiv:1707.02444, arXiv:1910.01671, arXiv:1712.01473 (sufficient parts); own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (3, 2, 3, 2)),
    supported_at=((16, 24, 12), (10, 16, 8, 12)),
    note="'A product of full rank is a global optimum' needs three things: rank P = min(d_0, d_N), not only the largest rank "
    "that a bottleneck allows; a critical point; and a convex loss of the product. With d = (2, 1, 2), X = I, Y = "
    "diag(2, 1), W_1 = [0, 1], W_2 = [0; 1] the product has the largest possible rank 1 at a critical point of loss 2, "
    "where 1/2 is the best.",
)
