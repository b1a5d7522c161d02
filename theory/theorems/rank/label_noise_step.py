r"""Depth 2: the exact rank of the product after one step with noise on the labels.

Setting: N = 2, data X of shape \(d_0 \times n\), labels Y, \(F = (PX - Y) X^T\), one step at the rate \(\eta\) on both layers;
\(M = [W_1, W_2^T]\) of shape \(d_1 \times (d_0 + d_2)\).

Hypotheses: rank X = d_0; the labels have a law that is absolutely continuous given the layers and the inputs; \(\eta \ne 0\).

Conclusion: almost surely \(\mathrm{rank}\, P^+ = \min(d_0, d_2, \mathrm{rank}\, M)\). As rank M does not grow, with fresh
independent noise at every step the same value persists.

Form: generic equality.

Scope of proof: at all widths, "at most" (through the columns of M, and for any data and rate); that labels exist for which
\(-\eta F\) is any given matrix O; that with \(O^T O = I\) then \(O^T P^+ = (W_1 + W_2^T O)^T (W_1 + W_2^T O)\), and with
\(O O^T = I\) the transposed form. At sizes 1 to 3, the mean of \(\det(A + B D)^2\) over diagonal signs D is the sum of the
squares of the determinants with columns taken from A or B, one or the other at each place. Generic at given sizes, with
layers of rank 0 and 1, aligned, orthogonal and with \(W_2 = W_1^T\). In words: that for generic O some mixed choice has
\(\min(d_0, d_2, \mathrm{rank}\, M)\) independent columns, and null sets (`rank.zero_one_law`).

Why: \(P^+ = [-\eta F, I]\, M^T M\, [I; -\eta F]\) and F is any matrix. Averaging over the signs of the columns of O, some
sign has a minor of \(W_1 + W_2^T O\) of size \(\min(d_0, \mathrm{rank}\, M)\) that is not zero if some mixed choice has.

Sharpness: with X = 0 nothing moves; at depth 3 nothing moves at \(W_1 = 0 = W_3\), whatever \(W_2\) and the labels; labels of
a special form keep P = 0; the rate is not zero.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from random import Random

from theory import dag
from theory.algebras.rational import matrix as exact
from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import (
    ETA,
    Network,
    entry,
    eye,
    identity,
    implied,
    matrix,
    norm2,
    number,
    says,
    scalar,
    square,
    table,
)  # fmt: skip
from theory.theorems.rank.setting import (
    SOURCE,
    Table,
    at_least,
    at_most,
    composed,
    determinant,
    given_positive,
    positive,
    slots,
    total,
)  # fmt: skip

NAME = "rank.label_noise_step"
E1, E2, ONE, ZERO = [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[1, 0], [0, 1]], [[0, 0], [0, 0]]
NET = Network(("d0", "d1", "d2"))
W1, W2 = NET.layers
O = matrix("O", "d2", "d0")  # noqa: E741
ALL = (*NET.variables, ETA)


# -- all widths ---------------------------------------------------------------------------------------------------------


def upper() -> Claim:
    """[W_1, W_2^T] = Q [R_1, R_2] with r columns: P^+ = (R_2^T - eta F R_1^T) Q^T Q (R_1 - eta R_2 F)."""
    Q, R1, R2 = matrix("Q", "d1", "r"), matrix("R1", "r", "d0"), matrix("R2", "r", "d2")
    first, second = W1 - Q * R1, W2.T - Q * R2
    left, right = R2.T - ETA * NET.slope * R1.T, R1 - ETA * R2 * NET.slope
    goal = composed(NET.step()) - (left * Q.T) * (Q * right)
    # W_1^+ = Q right + k and W_2^+ = left Q^T + l with k = first - eta second F, l = second^T - eta F first^T
    k = fact(first) - ETA * fact(second) * NET.slope
    after = W2 - ETA * NET.slope * W1.T
    by = after * k + (fact(second).T - ETA * NET.slope * fact(first).T) * Q * right
    one = [[1, 0], [0, 0]]
    point = {"W1": one, "W2": one, "X": [[1], [1]], "Y": [[0], [2]], "eta": 1, "Q": [[1], [0]], "R1": [[1, 0]], "R2": [[1, 0]]}
    return implied(f"{NAME}.at_most", (*ALL, Q, R1, R2), [first, second], [(goal, by)], point, NET.ones() | {"r": 1})


def reached() -> Claim:
    """X R = I, h eta = 1 and labels Y = P X + h O R^T: -eta F = O, any matrix."""
    R, h = matrix("R", "n", "d0"), scalar("h")
    right, one = NET.X * R - eye("d0"), h * ETA - 1
    labels = NET.Y - NET.product * NET.X - h * O * R.T
    goal = ETA * NET.slope + O
    by = number(-1) * ETA * fact(labels) * NET.X.T - ETA * h * O * fact(right).T - fact(one) * O
    point = {"W1": slots(2, 2), "W2": slots(2, 2), "X": slots(2, 2), "Y": [[2, 1], [0, 2]], "eta": 1}
    point |= {"R": slots(2, 2), "h": 1, "O": [[1, 1], [0, 1]]}
    sizes = NET.ones() | {"n": 2}
    return implied(f"{NAME}.labels", (*ALL, R, h, O), [right, one, labels], [(goal, by)], point, sizes)


def frames() -> Iterator[Claim]:
    """-eta F = O with orthonormal columns: O^T P^+ = (W_1 + W_2^T O)^T (W_1 + W_2^T O); with orthonormal rows, P^+ O^T."""
    moved = ETA * NET.slope + O
    A, B = W1 + W2.T * O, W2 + O * W1.T
    after = composed(NET.step())
    change = (W2 - ETA * NET.slope * W1.T) * W2.T * fact(moved) + fact(moved) * W1.T * A
    point = {"W1": slots(2, 2), "W2": slots(2, 2), "X": slots(2, 2), "Y": [[2, 0], [0, 2]], "eta": 1, "O": slots(2, 2)}
    sizes, cols, rows = NET.ones() | {"n": 2}, O.T * O - eye("d0"), O * O.T - eye("d2")
    made = (
        ("columns", cols, O.T * after - A.T * A, fact(cols) * W1.T * A - O.T * change),
        ("rows", rows, after * O.T - B * B.T, B * W2.T * fact(rows) - change * O.T),
    )
    for name, unit, goal, by in made:
        yield implied(f"{NAME}.orthonormal_{name}", (*ALL, O), [moved, unit], [(goal, by)], point, sizes)


def stuck() -> Claim:
    """Depth 3, W_1 = 0 and W_3 = 0: P^+ = 0 for all data and rates, although [W_1, W_2^T] and [W_2, W_3^T] are not 0."""
    net = Network(("d0", "d1", "d2", "d3"))
    first, second, third = net.layers
    after = net.step()
    moved = fact(first) - ETA * second.T * fact(third).T * net.slope
    point = {"W1": ZERO, "W2": ONE, "W3": ZERO, "X": [[1], [2]], "Y": [[3], [1]], "eta": 1}
    goal = (composed(after), after[2] * after[1] * moved)
    return implied(f"{NAME}.depth_3", (*net.variables, ETA), [first, third], [goal], point, net.ones())


# -- the mean over signs ------------------------------------------------------------------------------------------------


def mixed(k: int, weight: int = 1) -> Claim:
    """E det(A + B D)^2 over diagonal signs D = sum over choices of det[columns of A or B]^2."""
    A, B, e = matrix("A", k, k), matrix("B", k, k), matrix("e", k, 1)
    rows = [[entry(A, i, j) + entry(B, i, j) * entry(e, j, 0) for j in range(k)] for i in range(k)]
    moments = [dag.num(c) for c in (1, 0, 1)]
    mean = Term(dag.expect((determinant(rows) ** 2).node, e.node, moments))
    choices = (
        determinant([[entry(B if choice[j] else A, i, j) for j in range(k)] for i in range(k)]) ** 2
        for choice in product((0, 1), repeat=k)
    )
    return identity(f"{NAME}.signs_{k}", (A, B, e), [mean - weight * total(choices)])


# -- given sizes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Given layers and inputs, rate 1; the labels are noise."""

    first: Table
    second: Table
    inputs: Table

    @property
    def widths(self) -> tuple[int, int, int]:
        return len(self.first[0]), len(self.first), len(self.second)

    @property
    def rank(self) -> int:
        """min(d_0, d_2, rank [W_1, W_2^T])."""
        junction = [[*a, *(row[i] for row in self.second)] for i, a in enumerate(self.first)]
        return int(min(self.widths[0], self.widths[2], exact(junction).rank()))

    def after(self, Y: Term, slope: Term | None = None) -> Term:
        V, U, X = table(self.first), table(self.second), table(self.inputs)
        F = (U * V * X - Y) * X.T if slope is None else slope
        return (U - F * V.T) * (V - U.T * F)

    def claims(self) -> Iterator[Claim | Generic]:
        d0, _, d2 = self.widths
        name = f"W1 {self.first}, W2 {self.second}, X {self.inputs}"
        Y, F, P, r = matrix("Y", d2, len(self.inputs[0])), matrix("F", d2, d0), matrix("P", d2, d0), self.rank
        slope = (table(self.second) * table(self.first) * table(self.inputs) - Y) * table(self.inputs).T
        if r:
            draw = Random(name).randint
            point = {"Y": [[draw(-9, 9) for _ in self.inputs[0]] for _ in range(d2)]}
            yield at_least(f"{NAME}.rank_{r}: {name}", (Y,), P, r, point, [(F, slope), (P, self.after(Y, F))])
        if r < min(d0, d2):
            yield at_most(f"{NAME}.no_more_than_{r}: {name}", (Y,), self.after(Y), r)


CASES = (
    Case(E1, E2, ONE),
    Case(E1, E1, ONE),
    Case(E1, [[0, 1], [0, 0]], ONE),
    Case(ZERO, E1, [[1, 0, 2], [1, 1, 0]]),
    Case([[1, 2], [2, 4]], [[1, 2], [2, 4]], ONE),
    Case([[1, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    Case([[1, 0], [0, 0], [0, 0]], [[0, 1, 0]], ONE),
)


def claims() -> Iterator[Claim | Generic]:
    yield upper()
    yield reached()
    yield from frames()
    yield stuck()
    yield from map(mixed, (1, 2, 3))
    for case in CASES:
        yield from case.claims()


# -- limits -------------------------------------------------------------------------------------------------------------


def moved(name: str, *given: Term, depth: int = 2) -> Statement:
    """P^+ is not zero, at widths 1 with one sample, where each M has rank 1 because W_1 (at depth 3, W_2) is not zero."""
    net = Network((1,) * (depth + 1), 1)
    more = given_positive(norm2(net.layers[depth - 2]), *given)
    return positive(f"{NAME}: {name}", (*net.variables, ETA), [square(composed(net.step()))], more)


X1, Y1 = norm2(matrix("X", 1, 1)), norm2(matrix("Y", 1, 1))


def sharpness() -> Iterator[Counterexample]:
    at = {"W1": [[1]], "W2": [[0]], "X": [[1]], "Y": [[0]], "eta": 1}
    yield Counterexample("labels with a density: exact ones leave P = 0", moved("any labels", X1, ETA), at)
    at = {**at, "Y": [[1]]}
    yield Counterexample("rank X = d_0: with X = 0 nothing moves", moved("any inputs", Y1, ETA), {**at, "X": [[0]]})
    yield Counterexample("eta is not zero", moved("any rate", X1, Y1), {**at, "eta": 0})
    deep = {**at, "W1": [[0]], "W2": [[1]], "W3": [[0]]}
    yield Counterexample("depth 2: at depth 3 nothing may move", moved("depth 3", X1, Y1, ETA, depth=3), deep)


def variants() -> Iterator[Statement]:
    yield from (e.statement for e in sharpness())
    second = norm2(matrix("W2", 1, 1))
    yield moved("layers, data and rate that are not zero", second, X1, Y1, ETA)
    s, sizes = frames_of(), NET.ones() | {"n": 2}
    yield replace(s, name=f"{NAME}: any matrix O", given=s.given[:1], sizes=sizes)
    yield replace(s, name=f"{NAME}: any labels for O", given=s.given[1:], sizes=sizes)
    t = reached().statement
    yield replace(t, name=f"{NAME}: inputs without right inverse", given=t.given[1:], sizes=sizes)
    yield replace(upper().statement, name=f"{NAME}: the bound without its factors", given=(), sizes=NET.ones() | {"r": 1})
    yield replace(mixed(2, 2).statement, name=f"{NAME}: the mean over signs, twice")
    yield at_most(f"{NAME}: rank P columns", (matrix("Y", 2, 2),), CASES[0].after(matrix("Y", 2, 2)), 1).statement
    by_slope = says(f"{NAME}: the labels move P by F only", ALL, [composed(NET.step()) - NET.product + ETA * NET.slope])
    yield replace(by_slope, sizes=NET.ones())


def frames_of() -> Statement:
    return next(iter(frames())).statement


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Inputs of d_0 samples, labels that make -eta F any given matrix."""
    d0, d1, d2 = widths
    sizes = {"d0": d0, "d1": d1, "d2": d2, "n": d0}
    values = {"W1": draw.matrix(d1, d0), "W2": draw.matrix(d2, d1), "X": draw.matrix(d0, d0), "O": draw.matrix(d2, d0)}
    values |= {"eta": draw.positive()}
    net, S, h = Network(tuple(widths), d0), matrix("O", d2, d0), scalar("h")
    values["h"] = draw.solve(ETA.node, draw.value(dag.num(1), {}), values)
    values["R"] = draw.solve(net.X.node, draw.value(dag.eye(d0), {}), values)
    values["Y"] = draw.value((net.product * net.X + h * S * matrix("R", d0, d0).T).node, values)
    return Instance(replace(reached().statement, name=f"{NAME}: sampled", sizes=sizes), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R10",
    title="Depth 2: the exact rank of the product after a step with noise on the labels",
    form="generic equality",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (1, 3, 2), (3, 2, 2)),
    supported_at=((8, 6, 7), (10, 20, 15)),
    note=(
        "'Label noise raises the rank of the product' is true up to rank [W_1, W_2^T]: at depth 2 with X of full row rank one "
        "step reaches min(d_0, d_2, rank [W_1, W_2^T]) and no later step more; it does nothing for X = 0, nor at depth 3 with "
        "W_1 = 0 and W_3 = 0."
    ),
)
