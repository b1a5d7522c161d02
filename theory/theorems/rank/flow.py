r"""Gradient flow keeps the rank of every junction; balanced layers keep the rank of the product.

Setting: layers W_1, ..., W_N with \(dW_i/dt = -G_i\) for the loss 1/2 |P X - Y|^2 (the flow exists for all t >= 0);
\(M_i = [W_i, W_{i+1}^T]\), \(D_i = W_{i+1}^T W_{i+1} - W_i W_i^T\), K_i as in `rank.junction`.

Hypotheses: one speed for all layers; none on widths, data or layers. For the last part D_i = 0 at the start.

Conclusion: (a) D_i is constant. (b) rank M_i(t) = rank M_i(0) for all t. (c) If all junctions are balanced with layers of
rank r, rank W_i(t) = rank P_t = r for all finite t. (d) rank P_t is constant off a discrete set of times. For a step of
descent \[ D_i^+ = D_i + \eta^2 \bigl(W_i K_i^T K_i W_i^T - W_{i+1}^T K_i K_i^T W_{i+1}\bigr). \]

Form: invariants; identity.

Scope of proof: (a), the flow of M_i and the identity for a step at all widths, depths 2 to 5. (b) \(M_i' = -M_i A_i\) with
A_i symmetric of trace zero: Q^T M_i = 0 gives Q^T M_i' = 0 (all widths), and the derivative of every determinant that
Liouville's formula gives is zero: det M_i for square M_i, det M_i^T M_i for tall ones, at given sizes; that the kernel then
stays, forwards and backwards, is the uniqueness of solutions, in words. (c) balanced gives \(P^T P = (W_1^T W_1)^N\) (all
widths, depths 2 to 5), P q = 0 gives W_1 q = 0 (depths 2 to 4), and neighbouring layers have the same left kernels. (d) is
the analyticity of the flow and is not in the kernel. From w_1 = -w_2, y = 1 the flow stays on that line, and \((w^2)' \le
-2 w^2\): its limit is the saddle at zero.

Why: M_i(t) = M_i(0) Phi(t) with Phi' = -Phi A_i, so Phi is invertible.

Sharpness: without balance the rank of the product can grow, (1, 0) with y = 1; a step of descent can lower it, (1, 1) with
y = 1/2 and eta = 2; two speeds break (a). Full rank at all times does not give a limit of full rank: w_1 = -w_2.

Source: balanced layers as in arXiv:1810.02032; own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from theory import dag
from theory.certificates import prove
from theory.statement import Condition
from theory.terms import Term, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.networks import (
    ETA,
    Network,
    conditions,
    entry,
    equals,
    identity,
    implied,
    matrix,
    names,
    number,
    radical,
    says,
    scalar,
    table,
    widths_of,
    zeros,
)
from theory.theorems.rank.setting import minor

NAME = "rank.flow"


def imbalance(net: Network, i: int, layers: Sequence[Term] | None = None) -> Term:
    """D_i = W_{i+1}^T W_{i+1} - W_i W_i^T."""
    W, V = net.junction(i, layers)
    return V * V.T - W * W.T


def rate(net: Network, i: int, speeds: tuple[int, int] = (1, 1)) -> Term:
    """dD_i/dt where the layers i and i + 1 move with these speeds against their gradients."""
    W, V = net.layers[i - 1], net.layers[i]
    w, v = -net.gradient(i) * number(speeds[0]), -net.gradient(i + 1) * number(speeds[1])
    return v.T * V + V.T * v - w * W.T - W * w.T


def conserved(depth: int) -> Claim:
    net = Network(widths_of(depth))
    return identity(f"{NAME}.conserved_{depth}", net.variables, [rate(net, i) for i in net.hidden])


def motion(net: Network, i: int) -> tuple[Term, Term]:
    """M_i' + M_i A_i, A_i = [[0, K_i^T], [K_i, 0]], block by block."""
    W, V = net.junction(i)
    return -net.gradient(i) + V * net.K(i), -net.gradient(i + 1).T + W * net.K(i).T


def moving(depth: int) -> Claim:
    net = Network(widths_of(depth))
    return identity(f"{NAME}.motion_{depth}", net.variables, [x for i in net.hidden for x in motion(net, i)])


def left_kernel(depth: int, i: int) -> Claim:
    """Q^T M_i = 0 gives Q^T M_i' = 0."""
    net = Network(widths_of(depth))
    Q = matrix("Q", net.widths[i], "k")
    left = [Q.T * x for x in net.junction(i)]
    low, high = map(fact, left)
    new = (Q.T * net.gradient(i), (net.gradient(i + 1) * Q).T)
    variables, sizes = (*net.variables, Q), net.ones() | {"k": 1}
    then = list(zip(new, (high * net.K(i), low * net.K(i).T), strict=True))
    return implied(f"{NAME}.left_kernel_{depth}_{i}", variables, left, then, zeros(variables, sizes) | {"Q": [[1], [0]]}, sizes)


def blocks(below: int, above: int, low: Term, high: Term) -> Term:
    """[low, high] as one matrix."""
    n = below + above
    first = table([[int(i == j) for j in range(n)] for i in range(below)])
    last = table([[int(i + below == j) for j in range(n)] for i in range(above)])
    return low * first + high * last


def velocity(below: int, above: int, rows: int) -> tuple[Term, Term, tuple[Term, ...]]:
    """M = [W, V] and M' = -M A for a general K of size above x below."""
    W, V, K = matrix("W", rows, below), matrix("V", rows, above), matrix("K", above, below)
    return blocks(below, above, W, V), blocks(below, above, -V * K, -W * K.T), (W, V, K)


def turned(M: Term, speed: Term) -> Term:
    """d/dt det M along M' = speed: row by row."""
    n = int(M.node.shape[0])
    parts = []
    for i in range(n):
        keep = table([[int(j == k and k != i) for k in range(n)] for j in range(n)])
        take = table([[int(j == k == i) for k in range(n)] for j in range(n)])
        parts.append(minor(keep * M + take * speed, range(n), range(n)).node)
    return Term(dag.add(*parts))


def determinant(below: int, above: int) -> Claim:
    """(det M)' = 0 for square M."""
    M, speed, variables = velocity(below, above, below + above)
    return identity(f"{NAME}.determinant_{below}_{above}", variables, [turned(M, speed)])


def gram(below: int, above: int, rows: int) -> Claim:
    """(det M^T M)' = 0 for tall M."""
    M, speed, variables = velocity(below, above, rows)
    return identity(f"{NAME}.gram_{below}_{above}_{rows}", variables, [turned(M.T * M, M.T * speed + speed.T * M)])


def unbalancing(net: Network, i: int, coefficient: int = 1) -> Term:
    """D_i^+ - D_i - eta^2 (W_i K^T K W_i^T - W_{i+1}^T K K^T W_{i+1})."""
    (W, V), K = net.junction(i), net.K(i)
    growth = W * K.T * K * W.T - V * K * K.T * V.T
    return imbalance(net, i, net.step()) - imbalance(net, i) - ETA * ETA * growth * number(coefficient)


def one_step(depth: int) -> Claim:
    net = Network(widths_of(depth))
    return identity(f"{NAME}.step_{depth}", (*net.variables, ETA), [unbalancing(net, i) for i in net.hidden])


# -- balanced layers ----------------------------------------------------------------------------------------------------


def powers(net: Network) -> tuple[Term, Term]:
    """P^T P - (W_1^T W_1)^N and why it vanishes: W_{j+1}^T W_{j+1} is replaced by W_j W_j^T, one junction after the other."""
    first, n = net.layers[0].T * net.layers[0], net.depth
    return net.product.T * net.product - first**n, sum_of([_descended(net, j, n) for j in range(n - 1, 0, -1)])


def _descended(net: Network, j: int, k: int) -> Term:
    """What replaces (W_{j+1} W_{j+1}^T)^{m} by (W_j W_j^T ...) between W_j ... W_1: m = k - j factors of W_{j+1}^T W_{j+1}."""
    below, W, V = net.between(j, 0), net.layers[j - 1], net.layers[j]
    high, low, count = V.T * V, W * W.T, k - j
    D = fact(imbalance(net, j))
    parts = [high**a * D * low ** (count - 1 - a) for a in range(count)]
    return below.T * sum_of(parts) * below


def sum_of(parts: Sequence[Term]) -> Term:
    return Term(dag.add(*(x.node for x in parts)))


def balanced_power(depth: int) -> Claim:
    """Every D_i = 0: P^T P = (W_1^T W_1)^N."""
    net = Network(widths_of(depth))
    sizes = dict.fromkeys(map(str, net.widths), 2)
    witness = {str(W.node.data[0]): [[2, 0], [0, 0]] for W in net.layers}
    given = [imbalance(net, i) for i in net.hidden]
    return implied(f"{NAME}.power_{depth}", net.layers, given, [powers(net)], witness, sizes)


def balanced_kernel(depth: int) -> Claim:
    """Every D_i = 0 and P q = 0: W_1 q = 0, so that rank P = rank W_1."""
    net = Network(widths_of(depth))
    q = matrix("q", net.widths[0], 1)
    W, A = net.layers[0], net.layers[0].T * net.layers[0]
    power, by = powers(net)
    dead, m = net.product * q, depth
    total, steps = trace(q.T * net.product.T * fact(dead)) - trace(q.T * fact(power) * q), [equals(power, by)]
    # q^T A^m q = 0, the square of A^{m/2} q or of W A^{(m-1)/2} q; what vanishes gives the same with m/2, rounded up
    while m > 1:
        even = m % 2 == 0
        low = A ** (m // 2) * q if even else W * A ** (m // 2) * q
        steps.append(radical(low, -total))
        total = trace(q.T * fact(low)) if even else trace(q.T * W.T * fact(low))
        m = (m + 1) // 2
    steps.append(radical(W * q, -total))
    given = [*(imbalance(net, i) for i in net.hidden), dead]
    s = says(f"{NAME}.kernel_{depth}", (*net.layers, q), [W * q], given)
    witness = {str(x.node.data[0]): [[2, 0], [0, 0]] for x in net.layers} | {"q": [[0], [1]]}
    return Claim(s, tuple(steps), witness, dict.fromkeys(map(str, net.widths), 2))


def same_kernels() -> Claim:
    """D = 0: Q^T W_1 = 0 exactly where W_2 Q = 0 (one direction; the other is in `rank.data_noise`)."""
    W, V, Q = matrix("W1", "d1", "d0"), matrix("W2", "d2", "d1"), matrix("Q", "d1", "k")
    even, left, right = V.T * V - W * W.T, V * Q, Q.T * W
    by = trace(Q.T * fact(even) * Q) - trace(left.T * fact(left))
    s = says(f"{NAME}.same_kernels", (W, V, Q), [right], [even, left])
    point = {"W1": [[1, 0], [0, 0]], "W2": [[0, 0], [1, 0]], "Q": [[0], [1]]}
    return Claim(s, (radical(right, by),), point, {"d0": 2, "d1": 2, "d2": 2, "k": 1})


# -- a limit of lower rank ----------------------------------------------------------------------------------------------

w = scalar("w")


def line_gradients() -> tuple[Term, Term]:
    """The gradients at w_1 = w, w_2 = -w for x = y = 1."""
    slope = -w * w - 1
    return -w * slope, slope * w


def line() -> Claim:
    """On the line w_2 = -w_1 the flow stays, and w' = -w (1 + w^2)."""
    first, second = line_gradients()
    return identity(f"{NAME}.line", (w,), [first + second, first - w * (number(1) + w * w)])


def decaying() -> Claim:
    """(w^2)' <= -2 w^2 on the line: w tends to 0, where the product has lost its rank and the gradients vanish."""
    p = -2 * w * w - (-2 * w * line_gradients()[0])
    s = Terms(f"{NAME}.decay", names((w,)), (), conditions([p], ">="))
    return Claim(s, (prove(">=", p.node, (2 * w**4).node),))


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (conserved, moving, one_step, balanced_power) for n in range(2, 6))
    yield from (left_kernel(n, i) for n in range(2, 6) for i in range(1, n))
    yield from (determinant(*sizes) for sizes in ((1, 1), (1, 2), (2, 1), (2, 2)))
    yield from (gram(*sizes) for sizes in ((1, 1, 3), (1, 2, 4)))
    yield from map(balanced_kernel, range(2, 5))
    yield same_kernels()
    yield line()
    yield decaying()


def scalars(words: str, then: str, given: str | None = None) -> Terms:
    """A false statement about the scalar network (w_1, w_2) at x = 1."""
    net = Network((1, 1, 1), 1)
    speed = -net.gradient(2) * net.layers[0] - net.layers[1] * net.gradient(1)
    terms = {"product": net.product, "speed": speed, "after": net.between(2, 0, net.step()), "imbalance": imbalance(net, 1)}
    held = [terms[given]] if given else []
    return says(f"{NAME}: {words}", (*net.variables, ETA), [terms[then]], held)


def falls() -> Terms:
    """Balanced layers after a step with product zero had product zero."""
    net = Network((1, 1, 1), 1)
    given = [net.between(2, 0, net.step()), imbalance(net, 1)]
    return says(f"{NAME}: a step keeps the rank of balanced layers", (*net.variables, ETA), [net.product], given)


def two_speeds() -> Terms:
    net = Network((1, 1, 1), 1)
    return says(f"{NAME}: two speeds", net.variables, [rate(net, 1, (1, 2))])


def bounded_below() -> Terms:
    """On the line w_2 = -w_1: the flow keeps away from zero, (w^2)' >= 0."""
    p = -2 * w * line_gradients()[0]
    return Terms(f"{NAME}: full rank at all times has a limit of full rank", names((w,)), (), (Condition(">=", p.node),))


def sharpness() -> Iterator[Counterexample]:
    one = {"X": [[1]], "eta": 1}
    grows = scalars("the rank of the product stays without balance", "speed", "product")
    yield Counterexample("balance", grows, one | {"W1": [[1]], "W2": [[0]], "Y": [[1]]})
    half = {"X": [[1]], "W1": [[1]], "W2": [[1]], "Y": [["1/2"]], "eta": 2}
    yield Counterexample("flow, not descent", falls(), half)
    yield Counterexample("one speed", two_speeds(), {"X": [[1]], "W1": [[1]], "W2": [[1]], "Y": [[0]]})
    yield Counterexample("finite times: w^2 falls, by the claim `decay` to 0", bounded_below(), {"w": 1})


def variants() -> Iterator[Terms]:
    net = Network((1, 1, 1), 1)
    yield scalars("the rank of the product stays without balance", "speed", "product")
    yield scalars("a step keeps the balance", "after", "imbalance")
    yield falls()
    yield two_speeds()
    yield bounded_below()
    yield says(f"{NAME}: the imbalance of a step to first order", (*net.variables, ETA), [unbalancing(net, 1, 0)])
    yield says(f"{NAME}: the imbalance of a step doubled", (*net.variables, ETA), [unbalancing(net, 1, 2)])
    yield says(f"{NAME}: the imbalance of a step with the other sign", (*net.variables, ETA), [unbalancing(net, 1, -1)])
    M, speed, variables = velocity(1, 1, 2)
    yield says(f"{NAME}: the trace of M stays", variables, [trace(speed)])
    yield says(f"{NAME}: the first column of M stays", variables, [entry(speed, 0, 0)])
    sign = blocks(1, 1, -variables[1] * variables[2], variables[0] * variables[2].T)
    yield says(f"{NAME}: a skew generator keeps the Gram matrix", variables, [M.T * sign + sign.T * M])
    W = [matrix("W1", 1, 1), matrix("W2", 1, 1)]
    P = W[1] * W[0]
    even = W[1].T * W[1] - W[0] * W[0].T
    alone = P.T * P - W[0].T * W[0]
    yield says(f"{NAME}: balanced layers have P^T P = W_1^T W_1", W, [alone], [even])
    yield says(f"{NAME}: the power without balance", W, [P.T * P - (W[0].T * W[0]) ** 2])


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Terms]:
    net = Network(widths, 3)
    terms = [unbalancing(net, i) for i in net.hidden]
    return net, says(f"{NAME}.step", (*net.variables, ETA), terms)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, data and step size: the imbalance after a step."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw) | {"eta": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="R13",
    title="Gradient flow: conservation law, rank of the junctions, rank of balanced products",
    form="invariants; identity",
    source="arXiv:1810.02032 (balance); own derivation, in the setting of arXiv:1807.08140",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 4, 2), (2, 3, 1, 3, 2)),
    supported_at=((16, 24, 12), (10, 16, 8, 12)),
    note="A product of full rank at all times may have a limit of lower rank: from w = (1, -1), y = 1 the flow tends to the "
    "saddle at zero. Balance is needed for the rank of the product to stay: from (1, 0) with y = 1 it grows at once.",
)
