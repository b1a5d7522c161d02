r"""Noise with a density in every layer: the product and all sub-products have the largest rank that the widths allow.

Setting: layers \(W_i = A_i + Z_i\) of shapes \(d_i \times d_{i-1}\), \(i = 1..N\). The offsets \(A_i\) are anything that is
fixed before the noise is drawn: zero, a trained layer, the layer \(W_i - \eta G_i\) after a step on any data at any rate.

Hypotheses: given the past, the noise \(Z = (Z_1, ..., Z_N)\) has a law that is absolutely continuous, jointly in all entries.

Conclusion: almost surely \(\mathrm{rank}(W_j \cdots W_i) = \min(d_{i-1}, ..., d_j)\) for all \(1 \le i \le j \le N\), hence at
all of countably many steps at once. The size of the noise does not matter.

Form: generic; identity for all offsets.

Scope of proof: for N = 1 to 4 at all widths, that for every offset there is a noise for which the sub-products are the
products of any given layers \(J_i\), the same for all sub-products; with rect-diagonal \(J_i\) their leading minors of the
largest size are 1 (widths up to 3, N <= 3); that larger minors vanish where a narrow layer stands between (widths up to 3).
Generic: at larger widths with offsets of rank 0 and 1, all sub-products at once. That a polynomial that is not zero vanishes
on a null set only is measure theory and is not formalised; its core is in `rank.zero_one_law`.

Why: the leading minor of size \(\min(d_{i-1}, ..., d_j)\) is a polynomial in Z; at \(Z_k = J_k - A_k\) it is 1, whatever A.

Sharpness: noise on which the offset depends (\(A = -Z\)), a layer without noise, a law that is atomless but has no density
(\(Z = z\,\mathbf 1 \mathbf 1^T\)), and all times of a continuous path instead of countably many, each with an exact point.
The rank is \(\min d_k\), which may be less than \(\min(d_0, d_N)\).

Source: own derivation; the topic is that of the abstract of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import Width, entry, implied, matrix, names, norm2, number, says, scalar, table, widths_of
from theory.theorems.rank.setting import (
    SOURCE,
    at_most,
    changed,
    cites,
    composed,
    given_positive,
    layers,
    leading,
    minor,
    positive,
    slots,
    telescoped,
)  # fmt: skip

NAME = "rank.full_noise"
SMALL = ((1, 1), (3, 3), (2, 3), (2, 1, 2), (2, 3, 2), (3, 2, 3), (3, 3, 3), (2, 2, 2, 2), (1, 3, 2, 3))
WIDE = ((2, 3, 1), (3, 2, 4, 3), (4, 3, 5, 4))


def pairs(depth: int) -> list[tuple[int, int]]:
    """All (i, j) with 1 <= i <= j <= N: the sub-products."""
    return [(i, j) for i in range(1, depth + 1) for j in range(i, depth + 1)]


def noisy(widths: Sequence[Width]) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]]:
    """A, Z and W = A + Z."""
    A, Z = layers(widths, "A"), layers(widths, "Z")
    return A, Z, tuple(a + z for a, z in zip(A, Z, strict=True))


def chosen(d: Sequence[Width]) -> Claim:
    """Z_k + A_k = J_k makes every sub-product W_j ... W_i that of J: whatever A."""
    depth = len(d) - 1
    A, Z, W = noisy(d)
    J = layers(d, "J")
    zeros = [w - x for w, x in zip(W, J, strict=True)]
    then = []
    for i, j in pairs(depth):
        ours, theirs, known = W[i - 1 : j], J[i - 1 : j], zeros[i - 1 : j]
        then.append((composed(ours) - composed(theirs), telescoped(ours, theirs, known)))
    point = {f"{x}{k}": [[c + k, 0], [1, c]] for k in range(1, depth + 1) for x, c in (("A", 1), ("Z", 2))}
    point |= {f"J{k}": [[3 + 2 * k, 0], [2, 3]] for k in range(1, depth + 1)}
    return implied(f"{NAME}.chosen_{depth}", (*A, *Z, *J), zeros, then, point, {x: 2 for x in d if isinstance(x, str)})


def leading_one(widths: Sequence[int]) -> Claim:
    """Z_k = I - A_k (rect-diagonal): every sub-product has the leading minor 1 of size min(d_{i-1}, ..., d_j)."""
    A, Z, W = noisy(widths)
    J = [slots(widths[k], widths[k - 1]) for k in range(1, len(widths))]
    zeros = [w - table(x) for w, x in zip(W, J, strict=True)]
    steps, then = [], []
    for i, j in pairs(len(J)):
        r, ones = min(widths[i - 1 : j + 1]), slots(widths[j], widths[i - 1])
        ones = [[int(a == b < r) for b in range(len(ones[0]))] for a in range(len(ones))]
        P, constants = composed(W, i, j), [table(x) for x in J[i - 1 : j]]
        difference = P - table(ones)
        steps.append(cites(difference, telescoped(W[i - 1 : j], constants, zeros[i - 1 : j])))
        then.append(leading(P, r) - 1)
        steps.append(cites(then[-1], changed(P, ones, fact(difference), range(r), range(r))))
    s = says(f"{NAME}.leading_minor_1: widths {tuple(widths)}", (*A, *Z), then, zeros)
    point = {f"A{k}": _ones(x) for k, x in enumerate(J, 1)} | {f"Z{k}": _minus(x) for k, x in enumerate(J, 1)}
    return Claim(s, tuple(steps), point)


def _ones(x: list[list[int]]) -> list[list[int]]:
    return [[1] * len(row) for row in x]


def _minus(x: list[list[int]]) -> list[list[int]]:
    return [[c - 1 for c in row] for row in x]


def narrow(widths: Sequence[int]) -> Claim:
    """No larger rank: the minors of size min(d) + 1 vanish, whatever offsets and noise."""
    W = layers(widths, "W")
    return at_most(f"{NAME}.no_more: widths {tuple(widths)}", W, composed(W), min(widths))


def offset(rows: int, cols: int, k: int) -> list[list[int]]:
    """An offset of rank one, zero for every third layer."""
    return [[(k % 3) * (i + k) * (-1) ** j for j in range(cols)] for i in range(rows)]


def at_once(widths: Sequence[int]) -> Generic:
    """With offsets of rank at most one: the product of the leading minors of all sub-products is not zero."""
    depth = len(widths) - 1
    Z, shapes = layers(widths, "Z"), [(widths[k], widths[k - 1]) for k in range(1, depth + 1)]
    W = layers(widths, "W")
    defined = [(W[k - 1], Z[k - 1] + table(offset(*shapes[k - 1], k))) for k in range(1, depth + 1)]
    polynomials: list[Term] = []
    for i, j in pairs(depth):
        M = matrix(f"M{i}{j}", widths[j], widths[i - 1])
        q, r = scalar(f"q{i}{j}"), min(widths[i - 1 : j + 1])
        before = M if j == i else matrix(f"M{i}{j - 1}", widths[j - 1], widths[i - 1])
        defined += [(M, W[i - 1] if j == i else W[j - 1] * before), (q, leading(M, r))]
        polynomials.append(q)
    product: Any = number(1)
    for q in polynomials:
        product = product * q
    point = {
        f"Z{k}": [[int(a == b) - x for b, x in enumerate(row)] for a, row in enumerate(offset(*shapes[k - 1], k))]
        for k in range(1, depth + 1)
    }
    name = f"{NAME}.all_sub_products: widths {tuple(widths)}"
    return Generic(name, names(Z), product.node, point, tuple((v.node, e.node) for v, e in defined))


def claims() -> Iterator[Claim | Generic]:
    yield from (chosen(widths_of(depth)) for depth in range(1, 5))
    yield from map(leading_one, SMALL)
    yield from map(narrow, ((2, 1, 2), (3, 2, 3), (3, 1, 2), (2, 3, 1, 2), (2, 1, 2, 2)))
    yield from map(at_once, WIDE)


# -- limits -------------------------------------------------------------------------------------------------------------

A1, Z1, Z2 = matrix("A1", 2, 2), matrix("Z1", 2, 2), matrix("Z2", 2, 2)
w, t = scalar("w"), scalar("t")
ALL_ONES = w * table([[1, 1], [1, 1]])


def squared(x: Term, r: int = 2) -> Term:
    return leading(x, r) ** 2


def dependent() -> Statement:
    return positive(f"{NAME}: the offset may depend on the noise", (A1, Z1), [squared(A1 + Z1)], given_positive(squared(Z1)))


def one_quiet() -> Statement:
    return positive(f"{NAME}: noise in the second layer only", (A1, Z2), [squared(Z2 * A1)], given_positive(squared(Z2)))


def atomless() -> Statement:
    return positive(f"{NAME}: an atomless law", (w,), [squared(ALL_ONES)], given_positive(w**2))


def always() -> Statement:
    between = given_positive(t, 1 - t)
    return positive(f"{NAME}: at all times of a path", (t,), [(1 - 2 * t) ** 2], between)


def outer_widths() -> Statement:
    """The rank is min(d_0, d_N), not the least of all widths: false at (2, 1, 2)."""
    W = layers((2, 1, 2), "W")
    return positive(f"{NAME}: the rank is that of the outer widths", W, [squared(composed(W))], given_positive(*map(norm2, W)))


def sharpness() -> Iterator[Counterexample]:
    one = slots(2, 2)
    yield Counterexample("the offset is fixed before the noise", dependent(), {"A1": [[-1, 0], [0, -1]], "Z1": one})
    yield Counterexample("noise in every layer", one_quiet(), {"A1": [[0, 0], [0, 0]], "Z2": one})
    yield Counterexample("a density, not only no atoms", atomless(), {"w": 1})
    yield Counterexample("countably many times", always(), {"t": "1/2"})
    yield Counterexample("the least of all widths", outer_widths(), {"W1": [[1, 0]], "W2": [[1], [0]]})


def variants() -> Iterator[Statement]:
    yield from (dependent(), one_quiet(), atomless(), always(), outer_widths())
    s = leading_one((2, 2)).statement
    A, Z = (Term(v) for v in s.variables)
    yield replace(s, name=f"{NAME}: the minor is 1 for any noise", given=())
    yield says(f"{NAME}: the wrong minor", (A, Z), [minor(A + Z, [0, 1], [1, 0]) - 1], [A + Z - table(slots(2, 2))])
    yield says(f"{NAME}: the noise is the offset plus I", (A, Z), [leading(A + Z, 2) - 1], [Z - A - table(slots(2, 2))])
    two = chosen((2, 2, 2)).statement
    B1, B2, Y1, Y2, J1, J2 = variables = [Term(v) for v in two.variables]
    given = [B1 + Y1 - J1, B2 + Y2 - J2]
    yield says(f"{NAME}: the layers in the wrong order", variables, [(B1 + Y1) * (B2 + Y2) - J2 * J1], given)
    yield replace(two, name=f"{NAME}: one layer chosen", given=two.given[:1])
    yield says(f"{NAME}: no rank at all", (Z1,), [entry(Z1, 0, 0) * entry(Z1, 1, 1) - entry(Z1, 0, 1) * entry(Z1, 1, 0)])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The noise I - A for random offsets."""
    s = replace(leading_one(widths).statement, name=f"{NAME}: sampled")
    values: dict[str, Any] = {}
    for k in range(1, len(widths)):
        shape = widths[k], widths[k - 1]
        values[f"A{k}"] = draw.matrix(*shape)
        values[f"Z{k}"] = draw.value((table(slots(*shape)) - matrix(f"A{k}", *shape)).node, values)
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="R1",
    title="Noise with a density in every layer: all sub-products have the largest rank that the widths allow",
    form="generic, identity",
    source=f"own derivation; the topic is that of the abstract of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (2, 3, 2), (2, 2, 3, 2)),
    supported_at=((4, 3, 4), (3, 5, 4, 4)),
    note=(
        "'Noise in the gradient makes the product of full rank' needs noise with a joint density in every layer (or the exact "
        "conditions of rank.low_rank_noise and rank.noise_in_some_layers), drawn after the offset: it fails for A = -Z, and "
        "for atomless noise without a density, z [[1, 1], [1, 1]]. 'Full rank' is the least of all widths, at (2, 1, 2) less "
        "than min(d_0, d_N); and it is almost sure at countably many times: a path from 1 to -1 in one dimension crosses 0."
    ),
)
