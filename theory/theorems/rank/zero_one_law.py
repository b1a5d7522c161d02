r"""Gaussian noise of any covariance: full rank with probability 0 or 1, decided by one point of its support.

Setting: layers \(W_i = A_i + Z_i\), \(i = 1..N\); \(r^* = \min_i d_i\). The support of a Gaussian Z is an affine space V of
any dimension, \(Z = B_0 + \sum_m c_m B_m\) with independent standard normal \(c_m\): the covariance may be singular.

Hypotheses: Z is Gaussian and independent of the offset A.

Conclusion: \(P(\mathrm{rank}\, P = r^*)\) is 0 or 1; it is 1 if and only if some point of V gives the rank \(r^*\).

Form: equivalence; its measure theory in words.

Scope of proof: that a polynomial of degree D in one unknown with D + 1 zeros is zero, D = 1, 2, 3: along every line through
a point where the minor is not zero it vanishes at finitely many points only. That it then vanishes on a null set only (any
degree, Fubini over the lines) is in words, and so is the equivalence; the rest are its two cases. Probability 1: for noise
on the diagonal there is for every offset a point with determinant 1 (2 x 2); generic at larger sizes, with supports of
dimension 1 to 3. Probability 0: the determinant vanishes on the whole support, for skew-symmetric noise (3 x 3) and for z
(1, ..., 1; ...; 1, ..., 1); for noise with the covariance of a minibatch gradient at \(W_1 = W_2 = \mathrm{diag}(1, 0)\),
any samples, a row of W_1 and a column of W_2 stay zero.

Why: a minor restricted to V is a polynomial in the coordinates c: it is zero, or not zero off a null set.

Sharpness: noise of rank-deficient support, "Gaussian" alone is not enough; a law on a union of two spaces has probabilities
between 0 and 1; an offset that depends on the noise.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from theory.certificates import Step, prove
from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import (
    Network,
    conditions,
    entry,
    identity,
    matrix,
    number,
    says,
    scalar,
    table,
)  # fmt: skip
from theory.theorems.rank.setting import (
    SOURCE,
    Table,
    at_least,
    composed,
    determinant,
    given_positive,
    layers,
    leading,
    positive,
    slots,
    total,
    total_of,
)  # fmt: skip

NAME = "rank.zero_one_law"


# -- one unknown --------------------------------------------------------------------------------------------------------


def power(t: Term, k: int) -> Term:
    return t**k if k else number(1)


def zeros(degree: int) -> Claim:
    """c_0 + c_1 t + ... + c_D t^D = 0 at D + 1 points, z prod (t_i - t_j) = 1: all coefficients are zero."""
    c = [scalar(f"c{k}") for k in range(degree + 1)]
    t, z = [scalar(f"t{k}") for k in range(degree + 1)], scalar("z")
    values = [total(x * power(p, k) for k, x in enumerate(c)) for p in t]
    apart = z * vandermonde(t) - 1
    steps = tuple(_coefficient(k, c, t, z, values, apart) for k in range(degree + 1))
    s = says(f"{NAME}.zeros_{degree}", (*c, *t, z), c, [*values, apart])
    product: Any = 1
    for i, j in combinations(range(degree + 1), 2):
        product *= j - i
    point = {x.node.data[0]: 0 for x in c} | {f"t{k}": k for k in range(degree + 1)} | {"z": f"1/{product}"}
    return Claim(s, steps, {str(k): v for k, v in point.items()})


def vandermonde(t: Sequence[Term]) -> Term:
    """prod_{i<j} (t_j - t_i)."""
    out = number(1)
    for p, q in combinations(t, 2):
        out = out * (q - p)
    return out


def _coefficient(k: int, c: Sequence[Term], t: Sequence[Term], z: Term, values: Sequence[Term], apart: Term) -> Step:
    """c_k = z sum_i cofactor_ik value_i - c_k (z V - 1), by the cofactors of the matrix (t_i^k)."""
    n = len(t)
    parts = []
    for i in range(n):
        rows = [[power(t[a], b) for b in range(n) if b != k] for a in range(n) if a != i]
        parts.append((-1) ** (i + k) * z * determinant(rows) * fact(values[i]))
    return prove("==", c[k].node, (total(parts) - c[k] * fact(apart)).node)


# -- supports -----------------------------------------------------------------------------------------------------------


def diagonal() -> Claim:
    """For every A there are c with det(A + diag(c)) = 1: c_1 = 1 - a_11, c_2 = 1 + a_12 a_21 - a_22."""
    A, c = matrix("A", 2, 2), [scalar("c1"), scalar("c2")]
    W = A + c[0] * table([[1, 0], [0, 0]]) + c[1] * table([[0, 0], [0, 1]])
    first = c[0] + entry(A, 0, 0) - 1
    second = c[1] + entry(A, 1, 1) - 1 - entry(A, 0, 1) * entry(A, 1, 0)
    goal = leading(W, 2) - 1
    by = fact(first) * (entry(A, 1, 1) + c[1]) + fact(second)
    s = says(f"{NAME}.diagonal_noise", (A, *c), [goal], [first, second])
    return Claim(s, (prove("==", goal.node, by.node),), {"A": [[1, 2], [3, 4]], "c1": 0, "c2": 3})


def skew() -> Claim:
    """det of a skew-symmetric 3 x 3 matrix is 0, also in the form Z - Z^T."""
    Z = matrix("Z", 3, 3)
    return identity(f"{NAME}.skew_noise", (Z,), [leading(Z - Z.T, 3)])


def one_number(n: int) -> Claim:
    """All entries the same: every minor of size 2 is 0."""
    w = scalar("w")
    return identity(f"{NAME}.one_number_{n}", (w,), [leading(w * table([[1] * n] * n), 2)])


def minibatch() -> Claim:
    """Noise sum_b z_b G^(b) over two samples at W_1 = W_2 = diag(1, 0): a row of W_1^+ and a column of W_2^+ stay zero."""
    net, z = Network((2, 2, 2), 2), [scalar("z1"), scalar("z2")]
    W, kept, second = net.layers, table([[1, 0], [0, 0]]), table([[0, 1]])
    weights = total_of(w * table([[int(i == j == b) for j in range(2)] for i in range(2)]) for b, w in enumerate(z))
    slope = (net.product * net.X - net.Y) * weights * net.X.T
    after = (W[0] - W[1].T * slope, W[1] - slope * W[0].T)
    zeros = [V - kept for V in W]
    goals = [second * V for V in (after[0], after[1].T)]
    one, two = (second * fact(zeros[0]), second * fact(zeros[1]).T)
    s = says(f"{NAME}.minibatch_covariance", (*net.variables, *z), goals, zeros)
    point = {"W1": [[1, 0], [0, 0]], "W2": [[1, 0], [0, 0]], "X": [[1, 2], [0, 1]], "Y": [[0, 1], [1, 1]], "z1": 1, "z2": -1}
    steps = (prove("==", goals[0].node, (one - two * slope).node), prove("==", goals[1].node, (two - one * slope.T).node))
    return Claim(s, steps, point)


def supported(
    name: str, offsets: Sequence[Table], directions: Sequence[Sequence[Table]], rank: int, at: Sequence[int]
) -> Generic:
    """W_k = A_k + sum_m c_m B_mk: the rank of the product, generic in c."""
    c = [scalar(f"c{m}") for m in range(1, len(directions) + 1)]
    widths = (len(offsets[0][0]), *map(len, offsets))
    W = layers(widths, "W")
    sums = (total_of([table(A), *(x * table(B[k]) for x, B in zip(c, directions, strict=True))]) for k, A in enumerate(offsets))
    P = matrix("P", widths[-1], widths[0])
    defined = [*zip(W, sums, strict=True), (P, composed(W))]
    return at_least(f"{NAME}.generic: {name}", c, P, rank, {f"c{m}": x for m, x in enumerate(at, 1)}, defined)


def generic() -> Iterator[Generic]:
    zero, one = [[0] * 3] * 3, slots(3, 3)
    cycle = [[int((i + 1) % 3 == j) for j in range(3)] for i in range(3)]
    corner = [[int(i == j == 2) for j in range(3)] for i in range(3)]
    yield supported("one direction, the identity", [zero, zero], [[one, one]], 3, (1,))
    yield supported("two directions", [one, zero], [[zero, cycle], [corner, one]], 3, (1, 1))
    yield supported("a corner that an offset lacks", [[[1, 0, 0], [0, 1, 0], [0, 0, 0]]], [[corner]], 3, (1,))
    wide = [[1, 0, 0, 1], [0, 1, 0, 0]]
    yield supported("three directions, widths (3, 4, 2)", [[[0] * 3] * 4, [[0] * 4] * 2],
                    [[slots(4, 3), wide], [[[1] * 3] * 4, slots(2, 4)], [[[0] * 3] * 4, wide]], 2, (1, 2, 1))  # fmt: skip


def claims() -> Iterator[Claim | Generic]:
    yield from map(zeros, (1, 2, 3))
    yield diagonal()
    yield skew()
    yield from map(one_number, (2, 3))
    yield minibatch()
    yield from generic()


# -- limits -------------------------------------------------------------------------------------------------------------

x, y, w = scalar("x"), scalar("y"), scalar("w")
A, Z = matrix("A", 2, 2), matrix("Z", 2, 2)


def any_covariance() -> Statement:
    all_ones = w * table([[1, 1], [1, 1]])
    return positive(f"{NAME}: any Gaussian noise", (w,), [leading(all_ones, 2) ** 2], given_positive(w**2))


def two_spaces() -> Statement:
    """On the two axes, away from 0, x is not zero: true on one of them, false on the other."""
    given = (*conditions([x * y]), *given_positive(x**2 + y**2))
    return positive(f"{NAME}: a law on two lines", (x, y), [x**2], given)


def dependent() -> Statement:
    given = given_positive(leading(Z, 2) ** 2)
    return positive(f"{NAME}: the offset may depend on the noise", (A, Z), [leading(A + Z, 2) ** 2], given)


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("a point of full rank in the support", any_covariance(), {"w": 1})
    yield Counterexample("an affine space as support: on two lines the law is not 0 or 1", two_spaces(), {"x": 0, "y": 1})
    yield Counterexample("an offset that is independent of the noise", dependent(), {"A": [[-1, 0], [0, -1]], "Z": slots(2, 2)})


def variants() -> Iterator[Statement]:
    yield from (e.statement for e in sharpness())
    s = zeros(2).statement
    yield replace(s, name=f"{NAME}: two zeros of a quadratic", given=s.given[1:])
    yield replace(s, name=f"{NAME}: three zeros, not distinct", given=s.given[:3])
    d = diagonal().statement
    yield replace(d, name=f"{NAME}: one diagonal entry chosen", given=d.given[:1])
    goal, first = Term(d.then[0].expression), Term(d.given[0].expression)
    second = scalar("c2") + entry(A, 1, 1) - 1 + entry(A, 0, 1) * entry(A, 1, 0)
    yield says(f"{NAME}: the wrong choice of the second entry", map(Term, d.variables), [goal], [first, second])
    four = matrix("Z", 4, 4)
    yield says(f"{NAME}: skew noise of even size", (four,), [leading(four - four.T, 4)])
    yield says(f"{NAME}: symmetric noise", (Z,), [leading(Z + Z.T, 2)])
    m = minibatch().statement
    yield replace(m, name=f"{NAME}: a minibatch covariance at any layers", given=m.given[:1])
    line = zeros(1).statement
    yield replace(line, name=f"{NAME}: one zero of a line", given=line.given[1:])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Offsets for which the choice on the diagonal gives determinant 1."""
    values = {"A": draw.matrix(2, 2)}
    values["c1"] = draw.value((1 - entry(A, 0, 0)).node, values)
    values["c2"] = draw.value((1 + entry(A, 0, 1) * entry(A, 1, 0) - entry(A, 1, 1)).node, values)
    return Instance(replace(diagonal().statement, name=f"{NAME}: sampled"), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R2",
    title="Gaussian noise of any covariance: full rank with probability 0 or 1",
    form="equivalence; its measure theory in words",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2),),
    supported_at=((2, 2),),
    note=(
        "'Gaussian noise makes the product of full rank' needs a point of that rank in its support: skew-symmetric 3 x 3 "
        "noise, z [[1, 1], [1, 1]], and noise with the covariance of minibatch gradients at W_1 = W_2 = diag(1, 0) never do."
    ),
)
