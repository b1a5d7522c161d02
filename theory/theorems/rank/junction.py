r"""One step of gradient descent multiplies each hidden junction from the right: its column space never grows.

Setting: layers W_1, ..., W_N, data X, Y, loss 1/2 |P X - Y|^2, F = (P X - Y) X^T. The junction of the hidden layer i is
\(M_i = [W_i, W_{i+1}^T]\), a d_i x (d_{i-1} + d_{i+1}) matrix; \(K_i = (W_N \cdots W_{i+2})^T F (W_{i-1} \cdots W_1)^T\).

Hypotheses: N >= 2; all layers take one step W_i^+ = W_i - eta G_i at once. None on widths, data, step size or layers.

Conclusion: \[ M_i^+ = M_i S_i, \qquad S_i = \begin{pmatrix} I & -\eta K_i^T \\ -\eta K_i & I \end{pmatrix}, \qquad
\det S_i = \det(I - \eta^2 K_i^T K_i). \]
Hence the left kernel of M_i never shrinks, for any sequence of data, minibatches, labels and step sizes, and
\[ \operatorname{rank} P_t \le \min\bigl(r^*, \min_i \operatorname{rank} M_i(0), \operatorname{rank} [W_1(0)^T, X_{0..t-1}],
\operatorname{rank} [W_N(0), Y_{0..t-1}]\bigr). \]
Where \(I - \eta^2 K_i^T K_i\) is invertible, \(M_i = M_i^+ S_i^{-1}\): the rank of M_i stays.

Form: identity; invariant.

Scope of proof: the identity, the left kernels, the column spaces (M_i = U [A, B], U with r columns, gives M_i^+ = U [A',
B'], and the product is then one with r columns) and the ends of the network at all widths, depths 2 to 5 (the ends also at
depth 1); that the minors of order r + 1 of a product with r columns vanish at given sizes; the inverse of S_i at all
widths; det S_i for K_i of size 1x1 to 1x3, 2x2.

Why: G_i = W_{i+1}^T K_i and G_{i+1} = K_i W_i^T.

Sharpness: the bound is on M_i, not on P: P = 0 with W_1 = diag(1, 0), W_2 = diag(0, 1) has rank 2 after one step; depth 1
has no junction; noise that is added to the gradient breaks it; the rank of P, and that of M_i at eta K_i = 1, can fall.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.networks import (
    ETA,
    Network,
    Width,
    entry,
    eye,
    identity,
    implied,
    matrix,
    number,
    says,
    table,
    widths_of,
    zeros,
)
from theory.theorems.rank.setting import minor, minors  # fmt: skip

NAME = "rank.junction"


# -- the identity and its consequences ----------------------------------------------------------------------------------


def step_defect(net: Network, i: int, rate: Term = ETA) -> tuple[Term, Term]:
    """M_i^+ - M_i S_i, block by block."""
    (W, V), (after, above) = net.junction(i), net.junction(i, net.step())
    return after - (W - rate * V * net.K(i)), above - (V - rate * W * net.K(i).T)


def stepped(depth: int) -> Claim:
    net = Network(widths_of(depth))
    terms = [x for i in net.hidden for x in step_defect(net, i)]
    return identity(f"{NAME}.identity_{depth}", (*net.variables, ETA), terms)


def _by(net: Network, i: int, left: tuple[Term, Term]) -> tuple[Term, Term]:
    """Q^T M_i^+ as a combination of the known zeros Q^T M_i = (Q^T W_i, Q^T W_{i+1}^T)."""
    W, V = map(fact, left)
    return W - ETA * V * net.K(i), V - ETA * W * net.K(i).T


def left_kernel(depth: int, i: int) -> Claim:
    """Q^T M_i = 0 gives Q^T M_i^+ = 0: the columns of Q are any number of vectors of the left kernel."""
    net = Network(widths_of(depth))
    Q = matrix("Q", net.widths[i], "k")
    before, after = ([Q.T * x for x in net.junction(i, W)] for W in (None, net.step()))
    variables, sizes = (*net.variables, ETA, Q), net.ones() | {"k": 1}
    then = list(zip(after, _by(net, i, (before[0], before[1])), strict=True))
    witness = zeros(variables, sizes) | {"Q": [[1], [0]], "eta": 1}
    return implied(f"{NAME}.left_kernel_{depth}_{i}", variables, before, then, witness, sizes)


def ends(depth: int) -> Claim:
    """W_1 q = 0 and X^T q = 0 stay; so do W_N^T p = 0 and Y^T p = 0 (p, q with any number of columns)."""
    net = Network(widths_of(depth))
    q, p = matrix("q", net.widths[0], "k"), matrix("p", net.widths[-1], "l")
    (first, last), (start, end) = (net.layers[0], net.layers[-1]), (net.step()[0], net.step()[-1])
    at_input, unseen, at_output, untaught = first * q, net.X.T * q, last.T * p, net.Y.T * p
    error = net.product * net.X - net.Y
    # p^T (P X - Y) = 0, for P = W_N (...)
    rest = net.between(depth - 1, 0)
    silent = rest.T * fact(at_output) if depth > 1 else fact(at_output)
    by_input = fact(at_input) - ETA * net.above(1).T * error * fact(unseen)
    by_output = fact(at_output) - ETA * rest * net.X * (net.X.T * silent - fact(untaught))
    variables, sizes = (*net.variables, ETA, q, p), net.ones() | {"k": 1, "l": 1}
    then = [(start * q, by_input), (end.T * p, by_output)]
    witness = zeros(variables, sizes) | {"q": [[1], [0]], "p": [[1], [0]], "eta": 1}
    return implied(f"{NAME}.ends_{depth}", variables, [at_input, unseen, at_output, untaught], then, witness, sizes)


def factored(net: Network, i: int, rank: Width = "r") -> Claim:
    """M_i = U [A, B] with r columns in U gives M_i^+ = U [A', B']."""
    U, A, B = _factors(net, i, rank)
    (W, V), (below, above), K = net.junction(i), net.junction(i, net.step()), net.K(i)
    first, second = W - U * A, V - U * B
    then = [
        (below - U * (A - ETA * B * K), fact(first) - ETA * fact(second) * K),
        (above - U * (B - ETA * A * K.T), fact(second) - ETA * fact(first) * K.T),
    ]
    variables, sizes = (*net.variables, ETA, U, A, B), net.ones() | {"r": 1}
    witness = zeros(variables, sizes) | {"eta": 1}
    return implied(f"{NAME}.factored_{net.depth}_{i}", variables, [first, second], then, witness, sizes)


def _factors(net: Network, i: int, rank: Width) -> tuple[Term, Term, Term]:
    """U, A, B of shapes d_i x r, r x d_{i-1}, r x d_{i+1}."""
    d = net.widths
    return matrix("U", d[i], rank), matrix("A", rank, d[i - 1]), matrix("B", rank, d[i + 1])


def narrow(net: Network, i: int) -> Claim:
    """M_i = U [A, B] with r columns in U: the product of the layers is one with r columns."""
    U, A, B = _factors(net, i, "r")
    W, V = net.junction(i)
    first, second = W - U * A, V - U * B
    left, right = net.between(net.depth, i + 1), net.between(i - 1, 0)
    p = net.product - (left * B.T) * (U.T * U * A * right)
    variables, sizes = (*net.layers, U, A, B), dict.fromkeys(map(str, net.widths), 2) | {"r": 1}
    by = left * (fact(second).T * W + B.T * U.T * fact(first)) * right
    return implied(f"{NAME}.narrow_{net.depth}_{i}", variables, [first, second], [(p, by)], zeros(variables, sizes), sizes)


def few_columns(rows: int, rank: int, cols: int) -> Claim:
    """The minors of order rank + 1 of a product with `rank` columns in its first factor vanish."""
    left, right = matrix("L", rows, rank), matrix("R", rank, cols)
    return identity(f"{NAME}.minors_{rows}_{rank}_{cols}", (left, right), minors(left * right, rank + 1))


# -- the matrix S -------------------------------------------------------------------------------------------------------


def joined(below: int, above: int, K: Term, rate: Term = ETA) -> Term:
    """S = [[I, -eta K^T], [-eta K, I]] for K of size above x below."""
    n = below + above
    first = table([[int(i == j) for j in range(below)] for i in range(n)])
    last = table([[int(i == j + below) for j in range(above)] for i in range(n)])
    return eye(n) - rate * (first * K.T * last.T + last * K * first.T)


def determinant(below: int, above: int) -> Claim:
    """det S = det(I - eta^2 K^T K)."""
    K, n = matrix("K", above, below), below + above
    whole = minor(joined(below, above, K), range(n), range(n))
    part = minor(eye(below) - ETA * ETA * K.T * K, range(below), range(below))
    return identity(f"{NAME}.determinant_{above}x{below}", (K, ETA), [whole - part])


def restored() -> Claim:
    """With R (I - eta^2 K^T K) = I on both sides, M^+ = M S gives M = M^+ S^{-1}, so that the ranks agree."""
    W, V, K = matrix("W", "h", "a"), matrix("V", "h", "b"), matrix("K", "b", "a")
    R = matrix("R", "a", "a")
    after, above = W - ETA * V * K, V - ETA * W * K.T
    core = eye("a") - ETA * ETA * K.T * K
    right, left = core * R - eye("a"), R * core - eye("a")
    back_W = after * R + ETA * above * K * R - W
    back_V = above + ETA * (after + ETA * above * K) * R * K.T - V
    variables, sizes = (W, V, K, R, ETA), {"h": 2, "a": 1, "b": 1}
    then = [(back_W, W * fact(right)), (back_V, ETA * W * fact(right) * K.T)]
    witness = zeros(variables, sizes) | {"R": [[1]]}
    return implied(f"{NAME}.restored", variables, [right, left], then, witness, sizes)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(stepped, range(2, 6))
    yield from (left_kernel(n, i) for n in range(2, 6) for i in range(1, n))
    yield from map(ends, range(1, 6))
    yield from (f(Network(widths_of(n)), i) for f in (factored, narrow) for n in range(2, 6) for i in range(1, n))
    yield from (few_columns(*sizes) for sizes in ((2, 1, 2), (3, 1, 3), (3, 2, 3), (4, 3, 4)))
    yield from (determinant(*sizes) for sizes in ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2)))
    yield restored()


def product_stays(widths: tuple[Width, ...], words: str) -> Terms:
    """The false statement that a product that vanishes stays zero."""
    net = Network(widths, widths[0])
    return says(f"{NAME}: {words}", (*net.variables, ETA), [net.between(net.depth, 0, net.step())], [net.product])


def kernel_of(net: Network, i: int, after: Sequence[Term], extra: Sequence[Term] = (), words: str = "") -> Terms:
    """Q^T M_i = 0 gives Q^T M_i^+ = 0 for other layers after the step."""
    Q = matrix("Q", net.widths[i], 1)
    before, new = ([Q.T * x for x in net.junction(i, W)] for W in (None, after))
    return says(f"{NAME}: {words}", (*net.variables, ETA, Q, *extra), new, before)


def sharpness() -> Iterator[Counterexample]:
    first, second, one = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 0], [0, 1]]
    point = {"W1": first, "W2": second, "X": one, "Y": one, "eta": 1}
    yield Counterexample("the bound is on M_i, not on P", product_stays((2, 2, 2), "the rank of P stays"), point)
    point = {"W1": [[0]], "X": [[1]], "Y": [[1]], "eta": 1}
    yield Counterexample("N >= 2 (a junction)", product_stays((1, 1), "depth 1"), point)
    net, N1, N2 = Network((1, 1, 1), 1), matrix("N1", 1, 1), matrix("N2", 1, 1)
    noisy = [W - ETA * (G + N) for W, G, N in zip(net.layers, map(net.gradient, (1, 2)), (N1, N2), strict=True)]
    silent = zeros(net.variables, {})
    s = kernel_of(net, 1, noisy, (N1, N2), "noise added to the gradients")
    yield Counterexample("gradients without additive noise", s, silent | {"Q": [[1]], "N1": [[1]], "N2": [[1]], "eta": 1})
    yield Counterexample("eta K_i has no singular value 1", _backwards(), {
        "W1": [[1]], "W2": [[1]], "X": [[1]], "Y": [[Fraction(1, 2)]], "eta": 2, "Q": [[1]]})  # fmt: skip


def _backwards() -> Terms:
    """The left kernel after the step lies in the left kernel before."""
    net, Q = Network((1, 1, 1), 1), matrix("Q", 1, 1)
    before, after = ([Q.T * x for x in net.junction(1, W)] for W in (None, net.step()))
    return says(f"{NAME}: the left kernel cannot grow", (*net.variables, ETA, Q), before, after)


def variants() -> Iterator[Terms]:
    net = Network((1, 2, 2), 1)
    (W, V), K = net.junction(1), net.K(1)
    after, above = net.junction(1, net.step())
    wrong = {
        "the sign of S": after - W - ETA * V * K,
        "K transposed at the wrong block": after - W + ETA * W * K.T * K,
        "S from the left": above - V + ETA * V * K * K.T,
        "no step size": after - W + V * K,
        "a coefficient off by a millionth": above - V + number(Fraction(1000001, 1000000)) * ETA * W * K.T,
        "the junction stays": after - W,
    }
    yield from (says(f"{NAME}: {words}", (*net.variables, ETA), [x]) for words, x in wrong.items())
    small = matrix("K", 1, 1)
    k, S = entry(small, 0, 0), minor(joined(1, 1, small), (0, 1), (0, 1))
    yield says(f"{NAME}: det S with a plus", (small, ETA), [S - 1 - ETA * ETA * k * k])
    yield says(f"{NAME}: det S of first order", (small, ETA), [S - 1 + ETA * k])
    q = matrix("q", 1, 1)
    before, new = ([x * q for x in net.junction(1, U)[:1]] for U in (None, net.step()))
    yield says(f"{NAME}: the right kernel of the first block", (*net.variables, ETA, q), new, before)
    yield product_stays((2, 2, 2), "the rank of P stays")
    yield product_stays((1, 2, 1), "a scalar product stays")
    one = Network((1, 1, 1), 1)
    low = matrix("q", 1, 1)
    seen = [W[0] * low for W in (one.step(), one.layers)]
    yield says(f"{NAME}: the input end without the data", (*one.variables, ETA, low), seen[:1], seen[1:])
    yield _backwards()


@cache
def _sized(widths: tuple[int, ...], rank: int) -> tuple[Network, Terms]:
    net = Network(widths, 3)
    s = factored(net, 1, rank).statement
    assert isinstance(s, Terms)
    return net, s


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers and data; the first junction is U [A, B] of random rank."""
    rank = draw.integer(1, widths[1])
    net, s = _sized(tuple(widths), rank)
    U, A, B = _factors(net, 1, rank)
    values = net.draw(draw) | {"eta": draw.scalar()}
    values |= {str(v.node.data[0]): draw.matrix(*map(int, v.node.shape)) for v in (U, A, B)}
    values |= {"W1": draw.value((U * A).node, values), "W2": draw.value((B.T * U.T).node, values)}
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="R7",
    title="Junction identity: no data and no step size raise the rank of [W_i, W_{i+1}^T]",
    form="identity; invariant",
    source="arXiv:1807.08140 (setting); own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 4, 2), (2, 3, 1, 3, 2)),
    supported_at=((16, 24, 12), (10, 16, 8, 12)),
    note="Training alone can raise the rank of the product (from 0 to 2 in one step with W_1 = diag(1, 0), W_2 = diag(0, 1), "
    "X = Y = I, eta = 1) and can lower it (w = (1, 1), x = 1, y = 1/2, eta = 2 arrives at 0); what it cannot raise is "
    "the rank of [W_i, W_{i+1}^T].",
)
