r"""Means over dropout masks: the mean network keeps its rank, the mean objective prefers low rank.

Setting: masks with independent entries that are 1 with probability p and else 0. Two layers W_1 (d_1 x d_0), W_2 (d_2 x
d_1) with the neurons \(w_{1,j}^T\) (rows of W_1) and \(w_{2,j}\) (columns of W_2), D = diag(z) between them, P = W_2 W_1.

Hypotheses: 0 < p <= 1; independent masks.

Conclusion: (a) \(E[(W_N \circ Z_N) \cdots (W_1 \circ Z_1)] = p^N P\) and \(E[W_N D_{N-1} \cdots D_1 W_1] = p^{N-1} P\): the
rank of the mean is that of P. (b) \[ E |W_2 D W_1 X / p - Y|^2 = |P X - Y|^2 + \frac{1-p}{p} \sum_j |w_{2,j}|^2 |w_{1,j}^T
X|^2. \] (c) \(d_1 \sum_j |w_{2,j}|^2 |w_{1,j}|^2 \ge \|P\|_*^2\), with equality for a suitable factorisation. (d) With c =
(1-p)/(p d_1): a matrix P* of rank at most d_1 is the product of a global minimiser for X = I if Y - P* = c S O with |O| <=
1 and S = <O, P*> = ||P*||_*, so that its singular values are max(y_i - c S, 0). For Y = diag(1, 1/4), d_1 = 2, p = 1/3 the
only minimising product is diag(1/2, 0), of rank 1, while the noiseless one is Y, of rank 2.

Form: identities; inequality; exact minimum.

Scope of proof: (a) and (b) with the mean taken by the kernel, at the sizes in the claims. (c) for every contraction O, that
<O, P>^2 is at most the left-hand side (the nuclear norm is the largest such value): d_1 = 1 to 4, other widths free;
equality for d_1 = 2 and rank <= 2, all widths. (d) that no product has less than |Y - P*|^2 + c S^2, d_1 = 1 to 3, all
other widths (by (c) P* has this value; if its rank is above d_1 it is no product: Y = I_2, d_1 = 1, c = 1, P* = I_2 / 3);
the example at its sizes, with uniqueness.

Why: a mask has the second moments p^2 + p (1 - p) on the diagonal. Cauchy-Schwarz for each neuron, then over the neurons.

Sharpness: the rank of the mean is not the mean rank; entries that share one mask value; O must be a contraction.

Source: arXiv:1806.09777 (b, c); own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from theory import dag
from theory.certificates import Step
from theory.statement import Condition
from theory.terms import Term, diagonal_part, dot, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.networks import (
    chain,
    congruence,
    entry,
    equals,
    eye,
    identity,
    matrix,
    names,
    norm2,
    number,
    radical,
    says,
    scalar,
    square,
    table,
)
from theory.theorems.rank.setting import SOURCE, layers, slots, total, total_of

NAME = "rank.mask_means"
P, C, S = scalar("p"), scalar("c"), scalar("S")


def mean(body: Term, masks: Sequence[Term], p: Term = P) -> Term:
    """The mean over independent entries, 1 with probability p and else 0, of all these masks: every moment is p."""
    for Z in masks:
        body = Term(dag.expect(body.node, Z.node, [dag.num(1), p.node, p.node]))
    return body


def unit(rows: int, cols: int, i: int, j: int) -> Term:
    return table([[int((a, b) == (i, j)) for b in range(cols)] for a in range(rows)])


def entrywise(W: Term, Z: Term) -> Term:
    """W o Z."""
    m, n = (int(d) for d in W.node.shape)
    return total_of(entry(W, i, j) * entry(Z, i, j) * unit(m, n, i, j) for i in range(m) for j in range(n))


def diagonal(z: Term) -> Term:
    """diag(z) of a column."""
    n = int(z.node.shape[0])
    return total_of(entry(z, j, 0) * unit(n, n, j, j) for j in range(n))


def connections(widths: Sequence[int]) -> Claim:
    """DropConnect: E of the product of the masked layers."""
    W, Z = layers(widths, "W"), layers(widths, "Z")
    body = chain([entrywise(w, z) for w, z in zip(reversed(W), reversed(Z), strict=True)])
    p = mean(body, Z) - P ** len(W) * chain(W[::-1])
    return identity(f"{NAME}.dropconnect_{_label(widths)}", (*W, *Z, P), [p])


def _label(widths: Sequence[int]) -> str:
    return "x".join(map(str, widths))


def neurons(widths: Sequence[int]) -> Claim:
    """Dropout: E of the product with masked hidden neurons."""
    W, z = layers(widths, "W"), [matrix(f"z{i}", d, 1) for i, d in enumerate(widths[1:-1], 1)]
    factors = [W[0]]
    for k, V in enumerate(W[1:]):
        factors += [diagonal(z[k]), V]
    p = mean(chain(factors[::-1]), z) - P ** len(z) * chain(W[::-1])
    return identity(f"{NAME}.dropout_{_label(widths)}", (*W, *z, P), [p])


def penalty(W: Term, V: Term, X: Term) -> Term:
    """sum_j |w_{2,j}|^2 |w_{1,j}^T X|^2."""
    return trace(diagonal_part(V.T * V) * W * X * X.T * W.T)


def objective(widths: tuple[int, int, int], samples: int) -> Claim:
    """(b), times p^2."""
    (W, V), z = layers(widths, "W"), matrix("z", widths[1], 1)
    X, Y = matrix("X", widths[0], samples), matrix("Y", widths[2], samples)
    left = mean(norm2(V * diagonal(z) * W * X - P * Y), [z])
    right = P**2 * norm2(V * W * X - Y) + P * (1 - P) * penalty(W, V, X)
    return identity(f"{NAME}.objective_{_label(widths)}_{samples}", (W, V, z, X, Y, P), [left - right])


# -- the nuclear norm ---------------------------------------------------------------------------------------------------


class Neurons:
    """k neurons (v_j, w_j), P = sum_j v_j w_j^T, and a matrix O with |O| <= 1; the outer widths are symbols."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.v = [matrix(f"v{j}", "d2", 1) for j in range(1, k + 1)]
        self.w = [matrix(f"w{j}", "d0", 1) for j in range(1, k + 1)]
        self.O, self.target, self.best = (matrix(x, "d2", "d0") for x in ("O", "Y", "B"))
        self.product = total_of(v * w.T for v, w in zip(self.v, self.w, strict=True))
        self.variables = (*self.v, *self.w, self.O)
        self.contraction = eye("d0") - self.O.T * self.O
        self.part = [trace(v.T * self.O * w) for v, w in zip(self.v, self.w, strict=True)]

    @property
    def size(self) -> Term:
        """sum_j |v_j|^2 |w_j|^2."""
        return total(norm2(v) * norm2(w) for v, w in zip(self.v, self.w, strict=True))

    @property
    def gap(self) -> Term:
        """k sum_j |v_j|^2 |w_j|^2 - <O, P>^2."""
        return self.k * self.size - dot(self.O, self.product) ** 2

    def steps(self) -> list[Step]:
        """Each neuron by |O w| <= |w| and Lagrange's identity, then the neurons together."""
        out, each = [], []
        for v, w, a in zip(self.v, self.w, self.part, strict=True):
            image, p = self.O * w, norm2(v) * norm2(w) - a**2
            by = square(v) * trace(congruence(fact(self.contraction), w)) + square(v * image.T - image * v.T) / 2
            out.append(Step(">=", p.node, by.node))
            each.append(fact(p))
        pairs = [(a - b) ** 2 for i, a in enumerate(self.part) for b in self.part[:i]]
        out.append(Step(">=", self.gap.node, (self.k * total(each) + total(pairs)).node))
        return out

    def witness(self) -> dict[str, Any]:
        return {str(x.node.data[0]): [[1], [0]] for x in (*self.v, *self.w)} | {"O": [[1, 0], [0, 1]]}


def nuclear(k: int) -> Claim:
    """<O, P>^2 <= k sum_j |v_j|^2 |w_j|^2 for every contraction O."""
    n = Neurons(k)
    s = statement(f"{NAME}.nuclear_{k}", n.variables, [n.gap], at_least=[n.contraction])
    return Claim(s, tuple(n.steps()), n.witness(), {"d0": 2, "d2": 2})


def statement(
    name: str, variables: Sequence[Term], then: Sequence[Term], zeros: Sequence[Term] = (), at_least: Sequence[Term] = ()
) -> Terms:
    """The statement that the terms `then` are nonnegative."""
    given = [Condition("==", x.node) for x in zeros] + [Condition(">=", x.node) for x in at_least]
    return Terms(name, names(variables), tuple(given), tuple(Condition(">=", x.node) for x in then))


def attained() -> Claim:
    """d_1 = 2, P = s^2 u v^T + t^2 x y^T: an equalised factorisation with 2 sum |v_j|^2 |w_j|^2 = (s^2 + t^2)^2."""
    s, t = scalar("s"), scalar("t")
    u, x = matrix("u", "d2", 1), matrix("x", "d2", 1)
    v, y = matrix("v", "d0", 1), matrix("y", "d0", 1)
    zeros = [norm2(u) - 1, norm2(x) - 1, trace(u.T * x), norm2(v) - 1, norm2(y) - 1, trace(v.T * y)]
    whole, size, by = s**2 + t**2, number(0), number(0)
    out, low = [s * u + t * x, s * u - t * x], [(s * v + t * y) / 2, (s * v - t * y) / 2]
    a, b, ab, c, d, cd = map(fact, zeros)
    for j, sign in enumerate((1, -1)):
        above = s**2 * a + t**2 * b + 2 * sign * s * t * ab
        below = s**2 * c + t**2 * d + 2 * sign * s * t * cd
        size = size + norm2(out[j]) * norm2(low[j])
        by = by + 2 * above * norm2(low[j]) + whole * below / 2
    P0 = out[0] * low[0].T + out[1] * low[1].T
    same = P0 - s**2 * u * v.T - t**2 * x * y.T
    name, variables = f"{NAME}.attained_2", (s, t, u, x, v, y)
    found = says(name, variables, [same, 2 * size - whole**2], zeros)
    first, second = [[1], [0]], [[0], [1]]
    point = {"s": 1, "t": 2, "u": first, "x": second, "v": first, "y": second}
    steps = (Step("==", same.node, dag.zero(same.node.shape)), equals(2 * size - whole**2, by))
    return Claim(found, steps, point, {"d0": 2, "d2": 2})


def optimal(k: int) -> Claim:
    """(d): Y - B = c S O, S = <O, B>: |P - Y|^2 + c k sum |v_j|^2 |w_j|^2 >= |B - Y|^2 + c S^2."""
    n = Neurons(k)
    first, second = n.target - n.best - C * S * n.O, dot(n.O, n.best) - S
    goal = norm2(n.product - n.target) + C * n.k * n.size - norm2(n.best - n.target) - C * S**2
    moved, t = n.product - n.best, dot(n.O, n.product)
    zero = 2 * C * S * fact(second) - 2 * dot(moved, fact(first))
    by = square(moved) + fact(C) * (t - S) ** 2 + fact(C) * fact(n.gap) + zero
    variables = (*n.variables, n.target, n.best, C, S)
    s = statement(f"{NAME}.optimal_{k}", variables, [goal], [first, second], [n.contraction, C])
    point = n.witness() | {"B": slots(2, 2), "Y": [[3, 0], [0, 3]], "c": 1, "S": 2}
    return Claim(s, (*n.steps(), Step(">=", goal.node, by.node)), point, {"d0": 2, "d2": 2})


# -- the example: Y = diag(1, 1/4), d_1 = 2, p = 1/3 --------------------------------------------------------------------


class Example:
    """E |3 W_2 D W_1 - Y|^2 with the mean taken by the kernel; its minimum is 9/16, at P = diag(1/2, 0)."""

    def __init__(self) -> None:
        self.W, self.V = layers((2, 2, 2), "W")
        self.z = matrix("z", 2, 1)
        self.Y, self.O = table([[1, 0], [0, Fraction(1, 4)]]), table([[1, 0], [0, Fraction(1, 2)]])
        self.best = table([[Fraction(1, 2), 0], [0, 0]])
        body = norm2(3 * self.V * diagonal(self.z) * self.W - self.Y)
        self.value = mean(body, [self.z], number(Fraction(1, 3)))
        self.excess = self.value - number(Fraction(9, 16))
        self.product = self.V * self.W

    def part(self, j: int) -> Term:
        """<O, v_j w_j^T>."""
        return entry(self.V, 0, j) * entry(self.W, j, 0) + entry(self.V, 1, j) * entry(self.W, j, 1) / 2

    def spare(self, j: int) -> Term:
        """|v_j|^2 |w_j|^2 - <O, v_j w_j^T>^2 as a sum of squares."""
        (a, b), (x, y) = ([entry(self.V, i, j) for i in (0, 1)], [entry(self.W, j, i) for i in (0, 1)])
        return (a * y - b * x / 2) ** 2 + 3 * (b * x) ** 2 / 4 + 3 * (b * y) ** 2 / 4

    @property
    def rest(self) -> Term:
        """The excess less |P - P*|^2, a sum of squares."""
        a, b = self.part(0), self.part(1)
        return 2 * (self.spare(0) + self.spare(1)) + (a - b) ** 2 + (a + b - number(Fraction(1, 2))) ** 2


def minimum() -> Claim:
    e = Example()
    by = square(e.product - e.best) + e.rest
    s = statement(f"{NAME}.minimum", (e.W, e.V, e.z), [e.excess])
    return Claim(s, (Step(">=", e.excess.node, by.node),))


def only_minimum() -> Claim:
    """Where the mean is 9/16 the product is diag(1/2, 0); the witness is a minimiser."""
    e = Example()
    moved = e.product - e.best
    s = says(f"{NAME}.only_minimum", (e.W, e.V, e.z), [moved], [e.excess])
    half = Fraction(1, 2)
    point = {"W1": [[half, 0], [half, 0]], "W2": [[half, half], [0, 0]], "z": [[0], [0]]}
    return Claim(s, (radical(moved, e.rest - fact(e.excess)),), point)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(connections, ((1, 2), (2, 2, 2), (2, 1, 2), (1, 2, 2, 1)))
    yield from map(neurons, ((2, 1, 2), (2, 3, 2), (2, 2, 2, 2), (1, 3, 2, 1)))
    yield from (objective(*at) for at in (((1, 1, 1), 1), ((2, 2, 2), 1), ((2, 3, 1), 1), ((1, 3, 2), 2)))
    yield from map(nuclear, (1, 2, 3, 4))
    yield attained()
    yield from map(optimal, (1, 2, 3))
    yield minimum()
    yield only_minimum()


def best_product(target: Sequence[Sequence[Any]], words: str) -> Terms:
    """The false statement that the minimisers of the example have another product."""
    e = Example()
    return says(f"{NAME}: {words}", (e.W, e.V, e.z), [e.product - table(target)], [e.excess])


def lower_bound(words: str, value: Fraction) -> Terms:
    e = Example()
    return statement(f"{NAME}: {words}", (e.W, e.V, e.z), [e.value - number(value)])


def noiseless() -> Terms:
    """The loss without dropout has the minimum 1/16 of products of rank 1."""
    W, V = layers((2, 2, 2), "W")
    p = norm2(V * W - table([[1, 0], [0, Fraction(1, 4)]])) - number(Fraction(1, 16))
    return statement(f"{NAME}: the noiseless minimum has rank 1", (W, V), [p])


def any_matrix() -> Terms:
    n = Neurons(1)
    return Terms(f"{NAME}: O of any size", names(n.variables), (), (Condition(">=", n.gap.node),), {"d0": 1, "d2": 1})


def shared() -> Terms:
    """One mask value for both layers: E[z W_2 z W_1] = p^2 P."""
    W, V, z = matrix("W1", 1, 1), matrix("W2", 1, 1), matrix("z", 1, 1)
    p = mean(entry(z, 0, 0) ** 2 * V * W, [z]) - P**2 * V * W
    return says(f"{NAME}: one mask for both layers", (W, V, z, P), [p])


def without_count() -> Terms:
    """sum_j |v_j|^2 |w_j|^2 >= ||P||_*^2 without the number of neurons."""
    n = Neurons(2)
    p = n.size - dot(n.O, n.product) ** 2
    given = (Condition(">=", n.contraction.node),)
    sizes = {"d0": 1, "d2": 1}
    return Terms(f"{NAME}: without the number of neurons", names(n.variables), given, (Condition(">=", p.node),), sizes)


def sharpness() -> Iterator[Counterexample]:
    target = {"W1": slots(2, 2), "W2": [[1, 0], [0, "1/4"]]}
    yield Counterexample("dropout (without it the minimiser has rank 2)", noiseless(), target)
    yield Counterexample("|O| <= 1", any_matrix(), {"v1": [[1]], "w1": [[1]], "O": [[2]]})
    yield Counterexample("independent masks", shared(), {"W1": [[1]], "W2": [[1]], "z": [[0]], "p": "1/2"})
    ones = {x: [[1]] for x in ("v1", "v2", "w1", "w2", "O")}
    yield Counterexample("the number of neurons", without_count(), ones)


def variants() -> Iterator[Terms]:
    yield from (noiseless(), any_matrix(), shared(), without_count())
    half = Fraction(1, 2)
    yield best_product([[1, 0], [0, Fraction(1, 4)]], "the minimiser is Y")
    yield best_product([[half, 0], [0, Fraction(1, 8)]], "the minimiser has rank 2")
    yield lower_bound("the minimum is 9/16 + 1/1000000", Fraction(9, 16) + Fraction(1, 10**6))
    yield lower_bound("the minimum is 5/8", Fraction(5, 8))
    (W, V), z = layers((1, 1, 1), "W"), matrix("z", 1, 1)
    X, Y = matrix("X", 1, 1), matrix("Y", 1, 1)
    left = mean(norm2(V * diagonal(z) * W * X - P * Y), [z])
    wrong = {
        "the mean of the square is the square of the mean": P**2 * norm2(V * W * X - Y),
        "the penalty with p": P**2 * norm2(V * W * X - Y) + P * penalty(W, V, X),
        "the penalty without the data": P**2 * norm2(V * W * X - Y) + P * (1 - P) * penalty(W, V, eye(1)),
    }
    yield from (says(f"{NAME}: {words}", (W, V, z, X, Y, P), [left - x]) for words, x in wrong.items())
    L, Z = layers((1, 1, 1), "W"), layers((1, 1, 1), "Z")
    body = entrywise(L[1], Z[1]) * entrywise(L[0], Z[0])
    yield says(f"{NAME}: DropConnect in two layers to first order", (*L, *Z, P), [mean(body, Z) - P * L[1] * L[0]])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """d_1 neurons, and O an orthogonal matrix (d_0 = d_2)."""
    d, k = widths
    n = Neurons(k)
    M = matrix("M", d, d)
    env = {"M": draw.matrix(d, d)}
    one = eye(d)
    orthogonal = draw.solve((one + M - M.T).node, (one - M + M.T).node, env)
    values = {str(x.node.data[0]): draw.matrix(d, 1) for x in (*n.v, *n.w)} | {"O": orthogonal}
    p = Terms(f"{NAME}.sample", names(n.variables), (), (Condition(">=", n.gap.node),), {"d0": d, "d2": d})
    return Instance(p, values)


THEOREM = Theorem(
    name=NAME,
    sheet="R16",
    title="Means over dropout masks: the mean objective prefers products of low rank",
    form="identities; inequality; exact minimum",
    source=f"arXiv:1806.09777 (objective and nuclear norm); own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (3, 4)),
    supported_at=((16, 8), (24, 3)),
    note="Dropout in expectation lowers the rank: for Y = diag(1, 1/4), two hidden neurons and p = 1/3 the only product that "
    "minimises the mean loss is diag(1/2, 0), of rank 1, where the loss without dropout has the minimiser Y of rank 2. "
    "Masks raise ranks only in single draws.",
)
