r"""Dropout in the training step: the junction space can double in a step, is capped by the live neurons, and grows by chance
only.

Setting: a network with masks D_i = diag(z_i) on its hidden layers, forwards and backwards (the masks of one step are
anything: 0 and 1 in dropout); \(M_i = [W_i, W_{i+1}^T]\), K_i as in `rank.junction` with the masks of the other layers
inside.

Hypotheses: one step of gradient descent of the masked loss, on any data; the samples of a step share its masks. Masks of
each sample give more: M_i^+ lies in the span of M_i and all D M_i, and from rank one two samples can reach rank 3 in one
step.

Conclusion: \[ M_i^+ = M_i - \eta D_i M_i \begin{pmatrix} 0 & K_i^T \\ K_i & 0 \end{pmatrix}. \] Hence rank M_i(t) is at
most 2^t rank M_i(0), and at most the number of rows of M_i(0) that are not zero; so is rank P_t. From rank one, N = 2,
\(W_1 = u a^T\), \(W_2 = b u^T\) with k >= 1 entries of u not zero, i.i.d. Bernoulli(p) masks, a, b not zero, d_0, d_2 >= 2,
X of full row rank, \(\eta \ne 0\) and labels with a density: the ranks of M and P are 2 after one step with probability 1 -
p^k - (1-p)^k, and 1 through all of t steps with probability (p^k + (1-p)^k)^t. A step of descent of the mean objective
(`rank.mask_means`) has its columns in span(u, u^3) (entrywise): it raises the rank only if |u_j| is not constant on the
support of u.

Form: invariant; exact probabilities.

Scope of proof: the identity, the doubling and the rows that stay zero at all widths, depths 2 to 5. Rank one: M^+ in
span(u, D u) is the doubling; the minors of [u, D u], u_i u_j (z_j - z_i), and of [u, u^3] for up to 4 neurons; det P^+ as
the product of three determinants at widths (2, 2, 2), (2, 3, 2), K any matrix; that a mask which is constant on the support
keeps rank one, all widths; the probability of such a mask for k = 1 to 6, for two steps k = 1 to 3, the means taken by the
kernel. The step of the mean objective at all widths. Labels with a density make K generic where X has full row rank: the
determinants do not vanish (Generic).

Why: G_i = D_i W_{i+1}^T K_i and G_{i+1}^T = D_i W_i K_i^T.

Sharpness: a mask can raise the rank (the left kernel of M_i is not kept); a mask that is constant on the support does not;
a dead row must be zero in both blocks.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

from theory.statement import Condition
from theory.terms import Term, diagonal_part, dot, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.mask_means import P, diagonal, mean, penalty
from theory.theorems.rank.networks import (
    ETA,
    Network,
    Width,
    chain,
    entry,
    identity,
    implied,
    matrix,
    names,
    norm2,
    number,
    says,
    scalar,
    table,
    widths_of,
    zeros,
)
from theory.theorems.rank.setting import SOURCE, determinant, minor, total

NAME = "rank.masked_step"
C = scalar("c")


def step_defect(net: Network, i: int) -> tuple[Term, Term]:
    """M_i^+ - M_i + eta D_i M_i [[0, K^T], [K, 0]], block by block."""
    (W, V), (after, above) = net.junction(i), net.junction(i, net.step())
    D, K = net.mask(i), net.K(i)
    return after - W + ETA * D * V * K, above - V + ETA * D * W * K.T


def stepped(depth: int) -> Claim:
    net = Network(widths_of(depth), masked=True)
    terms = [x for i in net.hidden for x in step_defect(net, i)]
    return identity(f"{NAME}.identity_{depth}", (*net.variables, ETA), terms)


def doubled(net: Network, i: int, rank: Width = "r") -> Claim:
    """M_i = U [A, B] gives M_i^+ = [U, D U] [[A, B], [-eta B K, -eta A K^T]]: twice as many columns."""
    d = net.widths
    U, A, B = matrix("U", d[i], rank), matrix("A", rank, d[i - 1]), matrix("B", rank, d[i + 1])
    (W, V), (after, above), K, D = net.junction(i), net.junction(i, net.step()), net.K(i), net.mask(i)
    first, second = W - U * A, V - U * B
    then = [
        (after - U * A + ETA * D * U * B * K, fact(first) - ETA * D * fact(second) * K),
        (above - U * B + ETA * D * U * A * K.T, fact(second) - ETA * D * fact(first) * K.T),
    ]
    variables, sizes = (*net.variables, ETA, U, A, B), net.ones() | {"r": 1}
    return implied(f"{NAME}.doubled_{net.depth}_{i}", variables, [first, second], then, zeros(variables, sizes), sizes)


def dead_rows(depth: int, i: int) -> Claim:
    """diag(e) M_i = 0 stays: rows of M_i that are zero."""
    net = Network(widths_of(depth), masked=True)
    e = matrix("E", net.widths[i], net.widths[i])
    E, D, K = diagonal_part(e), net.mask(i), net.K(i)
    (W, V), (after, above) = net.junction(i), net.junction(i, net.step())
    low, high = E * W, E * V
    then = [
        (E * after, fact(low) - ETA * D * fact(high) * K),
        (E * above, fact(high) - ETA * D * fact(low) * K.T),
    ]
    variables, sizes = (*net.variables, ETA, e), net.ones()
    witness = zeros(variables, sizes) | {"E": [[0, 0], [0, 1]], "eta": 1}
    return implied(f"{NAME}.dead_rows_{depth}_{i}", variables, [low, high], then, witness, sizes)


# -- rank one -----------------------------------------------------------------------------------------------------------


def pair(n: int, cube: bool = False) -> Claim:
    """The minors of [u, D u] are u_i u_j (z_j - z_i), those of [u, u^3] are u_i u_j (u_j^2 - u_i^2)."""
    u, z = matrix("u", n, 1), matrix("z", n, 1)
    x, y = ([entry(v, j, 0) for j in range(n)] for v in (u, z))
    factor = [a * a for a in x] if cube else y
    columns = [[x[j], factor[j] * x[j]] for j in range(n)]
    pairs = list(combinations(range(n), 2))
    terms = [determinant([columns[i], columns[j]]) - x[i] * x[j] * (factor[j] - factor[i]) for i, j in pairs]
    return identity(f"{NAME}.{'cube' if cube else 'mask'}_minors_{n}", (u,) if cube else (u, z), terms)


def after_mask(n: int) -> tuple[Term, Term, tuple[Term, ...]]:
    """P^+ from W_1 = u a^T, W_2 = b u^T for any K, and the product of three determinants that is its determinant."""
    u, z, a, b, K = matrix("u", n, 1), matrix("z", n, 1), matrix("a", 2, 1), matrix("b", 2, 1), matrix("K", 2, 2)
    D = diagonal(z)
    above, below = b * u.T - ETA * K * a * u.T * D, u * a.T - ETA * D * u * b.T * K
    gram = norm2(u) * norm2(D * u) - dot(u, D * u) ** 2
    return minor(above * below, (0, 1), (0, 1)), ETA**2 * beside(b, K * a) * gram * beside(a, K.T * b), (u, z, a, b, K, ETA)


def beside(x: Term, y: Term) -> Term:
    """det [x, y] of two columns of length 2."""
    return entry(x, 0, 0) * entry(y, 1, 0) - entry(x, 1, 0) * entry(y, 0, 0)


def determinants(n: int) -> Claim:
    left, right, variables = after_mask(n)
    u, z = variables[:2]
    # the Gram determinant of u and D u: it vanishes exactly if the mask is constant on the support
    gram = norm2(u) * norm2(diagonal(z) * u) - dot(u, diagonal(z) * u) ** 2
    x, y = ([entry(v, j, 0) for j in range(n)] for v in (u, z))
    squares = total((x[i] * x[j] * (y[i] - y[j])) ** 2 for i, j in combinations(range(n), 2))
    return identity(f"{NAME}.determinants_{n}", variables, [left - right, gram - squares])


def generic_slope() -> Generic:
    """The two determinants with K, for a = (1, 2), b = (3, 1), do not vanish for generic K."""
    K, a, b = matrix("K", 2, 2), table([[1], [2]]), table([[3], [1]])
    return Generic(f"{NAME}.generic_slope", names((K,)), (beside(b, K * a) * beside(a, K.T * b)).node, {"K": [[1, 0], [0, 1]]})


def some_slope() -> Claim:
    """For any a, b the slope K = J b a^T + b (J a)^T, J a quarter turn, gives both determinants, |a|^2 |b|^2 up to the sign."""
    a, b, J = matrix("a", 2, 1), matrix("b", 2, 1), table([[0, -1], [1, 0]])
    K = J * b * a.T + b * (J * a).T
    size = norm2(a) * norm2(b)
    return identity(f"{NAME}.some_slope", (a, b), [beside(b, K * a) - size, beside(a, K.T * b) - size])


def constant_mask() -> Claim:
    """D u = s u, W_1 = u a^T, W_2 = b u^T: M^+ = u [a - eta s K^T b, b - eta s K a]^T."""
    net = Network(("d0", "d1", "d2"), masked=True)
    u, a, b, s = matrix("u", "d1", 1), matrix("a", "d0", 1), matrix("b", "d2", 1), scalar("s")
    (W, V), (after, above), K, D = net.junction(1), net.junction(1, net.step()), net.K(1), net.mask(1)
    first, second, even = W - u * a.T, V - u * b.T, D * u - s * u
    then = [
        (after - u * (a - ETA * s * K.T * b).T, fact(first) - ETA * (D * fact(second) + fact(even) * b.T) * K),
        (above - u * (b - ETA * s * K * a).T, fact(second) - ETA * (D * fact(first) + fact(even) * a.T) * K.T),
    ]
    variables, sizes = (*net.variables, ETA, u, a, b, s), net.ones()
    return implied(f"{NAME}.constant_mask", variables, [first, second, even], then, zeros(variables, sizes), sizes)


def constant(z: Term) -> Term:
    """1 if all entries of a mask are 1 or all are 0, else 0."""
    bits = [entry(z, j, 0) for j in range(int(z.node.shape[0]))]
    return chain(bits) + chain([1 - x for x in bits])


def unchanged(k: int, steps: int) -> Claim:
    """The probability that the masks of all steps are constant on k neurons."""
    z = [matrix(f"z{t}", k, 1) for t in range(1, steps + 1)]
    found = mean(chain([constant(x) for x in z]), z)
    return identity(f"{NAME}.probability_{k}_{steps}", (*z, P), [found - (P**k + (1 - P) ** k) ** steps])


def mean_step() -> Claim:
    """Q^T u = 0 and Q^T u^3 = 0 stay in a step of the mean objective from W_1 = u a^T, W_2 = b u^T."""
    net = Network(("d0", "d1", "d2"))
    W, V = net.layers
    u, a, b, Q = matrix("u", "d1", 1), matrix("a", "d0", 1), matrix("b", "d2", 1), matrix("Q", "d1", "k")
    loss = norm2(net.product * net.X - net.Y) + C * penalty(W, V, net.X)
    first, second, line = W - u * a.T, V - b * u.T, diagonal_part(u * u.T)
    flat, cubed = Q.T * u, Q.T * line * u
    E, S = 2 * net.slope, net.X * net.X.T
    k1, k2, on_u, on_cube = map(fact, (first, second, flat, cubed))
    above = diagonal_part(V.T * k2 + k2.T * b * u.T)  # diag(W_2^T W_2) less |b|^2 diag(u u^T)
    below = diagonal_part(W * S * k1.T + k1 * S * a * u.T)
    left = Q.T * (k2.T * E) + on_u * b.T * E + 2 * C * (Q.T * above * W + norm2(b) * (Q.T * line * k1 + on_cube * a.T)) * S
    size = dot(a, S * a)
    right = E * (k1.T * Q + a * on_u.T) + 2 * C * (V * below * Q + size * (k2 * line * Q + b * on_cube.T))
    after = net.step(loss)
    then = [(Q.T * after[0], Q.T * k1 + on_u * a.T - ETA * left), (after[1] * Q, k2 * Q + b * on_u.T - ETA * right)]
    variables, sizes = (*net.variables, ETA, C, u, a, b, Q), net.ones() | {"k": 1}
    witness = zeros(variables, sizes) | {"Q": [[1], [0]], "eta": 1}
    return implied(f"{NAME}.mean_step", variables, [first, second, flat, cubed], then, witness, sizes)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim | Generic]:
    yield from map(stepped, range(2, 6))
    yield from (doubled(Network(widths_of(n), masked=True), i) for n in range(2, 6) for i in range(1, n))
    yield from (dead_rows(n, i) for n in range(2, 6) for i in range(1, n))
    yield from (pair(n, cube) for n in (2, 3, 4) for cube in (False, True))
    yield from map(determinants, (2, 3))
    yield some_slope()
    yield generic_slope()
    yield constant_mask()
    yield from (unchanged(k, 1) for k in range(1, 7))
    yield from (unchanged(k, 2) for k in range(1, 4))
    yield mean_step()


def kernel_kept() -> Terms:
    """Q^T M = 0 stays in a step with a mask."""
    net, Q = Network((1, 2, 1), 1, masked=True), matrix("Q", 2, 1)
    before, after = ([Q.T * x for x in net.junction(1, W)] for W in (None, net.step()))
    return says(f"{NAME}: the left kernel stays under masks", (*net.variables, ETA, Q), after, before)


def half_dead() -> Terms:
    """A row of W_1 that is zero stays zero."""
    net, e = Network((1, 2, 1), 1, masked=True), matrix("E", 2, 2)
    E = diagonal_part(e)
    after = E * net.step()[0]
    return says(f"{NAME}: a row of one block", (*net.variables, ETA, e), [after], [E * net.layers[0]])


def always_two(words: str, masked: bool) -> Terms:
    """det P^+ is not zero: for every mask on a support of two, or for every K."""
    left, _, (u, z, a, b, K, eta) = after_mask(2)
    x, y = (entry(u, j, 0) for j in (0, 1))
    held = [x**2, y**2, eta**2]
    held += [norm2(a), norm2(b)] + ([beside(b, K * a) ** 2, beside(a, K.T * b) ** 2] if masked else [norm2(K)])
    given = tuple(Condition(">", h.node) for h in held)
    return Terms(f"{NAME}: {words}", names((u, z, a, b, K, eta)), given, (Condition(">", (left**2).node),))


def sharpness() -> Iterator[Counterexample]:
    point = {"W1": [[1], [1]], "W2": [[1, 1]], "Z1": [[1, 0], [0, 0]], "X": [[1]], "Y": [[0]], "Q": [[1], [-1]], "eta": 1}
    yield Counterexample("no mask (the junction bound of plain descent)", kernel_kept(), point)
    point = {"W1": [[0], [0]], "W2": [[1, 1]], "Z1": [[1, 0], [0, 1]], "X": [[1]], "Y": [[1]], "E": [[1, 0], [0, 1]], "eta": 1}
    yield Counterexample("the row is zero in both blocks", half_dead(), point)
    one = {"u": [[1], [1]], "a": [[1], [2]], "b": [[3], [1]], "K": [[1, 0], [0, 1]], "eta": 1}
    yield Counterexample("a mask that is not constant on the support", always_two("every mask raises the rank", True),
                         one | {"z": [[1], [1]]})  # fmt: skip
    parallel = one | {"z": [[1], [0]], "K": [[1, 0], [0, 0]], "a": [[1], [0]], "b": [[1], [0]]}
    yield Counterexample("labels with a density (a generic K)", always_two("every K raises the rank", False), parallel)


def variants() -> Iterator[Terms]:
    yield from (kernel_kept(), half_dead())
    yield always_two("every mask raises the rank", True)
    yield always_two("every K raises the rank", False)
    net = Network((1, 2, 1), 1, masked=True)
    (W, V), (after, above), K = net.junction(1), net.junction(1, net.step()), net.K(1)
    D, variables = net.mask(1), (*net.variables, ETA)
    wrong = {
        "the step without its mask": after - W + ETA * V * K,
        "the mask squared": above - V + ETA * D * D * W * K.T,
        "the mask on the other block": after - D * (W - ETA * V * K),
        "the sign of the step": above - V - ETA * D * W * K.T,
    }
    yield from (says(f"{NAME}: {words}", variables, [x]) for words, x in wrong.items())
    z = matrix("z", 2, 1)
    probabilities = {"p^k": P**2, "p^(k+1) + (1-p)^(k+1)": P**3 + (1 - P) ** 3, "1 - p^k": 1 - P**2, "one half": number(1) / 2}
    yield from (says(f"{NAME}: the probability {w}", (z, P), [mean(constant(z), [z]) - x]) for w, x in probabilities.items())
    u = matrix("u", 2, 1)
    x, y = (entry(u, j, 0) for j in (0, 1))
    yield says(f"{NAME}: the square instead of the cube", (u,), [determinant([[x, x**2], [y, y**2]]) - x * y * (y**2 - x**2)])
    left, right, used = after_mask(2)
    yield says(f"{NAME}: the determinant without the step size", used, [ETA**2 * left - right])


@cache
def _sized(widths: tuple[int, ...], rank: int) -> tuple[Network, Terms]:
    net = Network(widths, 3, masked=True)
    s = doubled(net, 1, rank).statement
    assert isinstance(s, Terms)
    return net, s


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random masks and data; the first junction is U [A, B] of random rank."""
    rank = draw.integer(1, widths[1])
    net, s = _sized(tuple(widths), rank)
    values = net.draw(draw) | {"eta": draw.scalar()}
    values |= {"U": draw.matrix(widths[1], rank), "A": draw.matrix(rank, widths[0]), "B": draw.matrix(rank, widths[2])}
    U, A, B = matrix("U", widths[1], rank), matrix("A", rank, widths[0]), matrix("B", rank, widths[2])
    return Instance(s, values | {"W1": draw.value((U * A).node, values), "W2": draw.value((B.T * U.T).node, values)})


THEOREM = Theorem(
    name=NAME,
    sheet="R17",
    title="Dropout in the training step: growth law and exact probabilities of the rank",
    form="invariant; exact probabilities",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 2, 4, 2)),
    supported_at=((16, 24, 12), (10, 16, 8, 12)),
    note="Training with dropout can raise the rank, never almost surely in one step: from rank one with k live neurons "
    "and one mask for all samples the rank is 2 after a step with probability 1 - p^k - (1-p)^k. It is never above the "
    "number of neurons that were live at the start.",
)
