r"""Dropout on the forward product: the largest rank over masks is the rank at generic mask values, and a matroid min-max.

Setting: two layers W_1 (d_1 x d_0), W_2 (d_2 x d_1) with a diagonal matrix D between them: a mask (entries 0 and 1,
dropout), or diag(t) with real t (multiplicative noise).

Hypotheses: D is diagonal. None on the layers.

Conclusion: \[ \max_{D \in \{0,1\}^{d_1}} \operatorname{rank} W_2 D W_1 = \operatorname{rank} W_2
\operatorname{diag}(t) W_1\ \text{for generic } t\ =
\min_{A \subseteq [d_1]} \bigl(\operatorname{rank} W_2[:, A] + \operatorname{rank} W_1[A^c, :]\bigr). \]
A mask raises the rank of the product exactly if this value exceeds rank(W_2 W_1); dropout with 0 < p < 1 then meets it with a
probability strictly between 0 and 1 (the mask 0 gives rank 0).

Form: identity for all parameters; generic in t.

Scope of proof: the minors of \(W_2 \operatorname{diag}(t) W_1\) as sums over masks (Cauchy-Binet), and that they vanish for
all t if they do at every mask of that size, at widths up to (3, 4, 3), which is the first equality; the bound by every A at
all widths; that some A attains it where no mask gives rank 1, with outer widths 1 and d_1 = 1 to 3. That some A attains the
minimum in general is Edmonds' theorem on the intersection of two matroids; it is not in the kernel, but enumerated exactly:
all layers with entries -1, 0, 1 at small widths, and structured ones with d_1 <= 6.

Why: each coefficient of a minor, as a polynomial in t, is the minor at a mask. \(W_2 D W_1 = W_2 D_A W_1 + W_2 D_{A^c} W_1\).

Sharpness: W_2 = [1, 1], W_1 = [1; -1] has product 0, the mask (1, 0) gives 1; the mask 0 takes rank 2 from I_2; a matrix
between the layers that is not diagonal is not bounded so.

Source: own derivation, in the setting of arXiv:1807.08140; the min-max is Edmonds' matroid intersection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from theory.statement import Condition
from theory.terms import Term, diagonal_part, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.networks import (
    chain,
    entry,
    eye,
    identity,
    implied,
    matrix,
    names,
    number,
    says,
    table,
    zeros,
)
from theory.theorems.rank.setting import SOURCE, leading, minor, total

NAME = "rank.dropout_masks"
SIZES = ((1, 1, 1), (1, 3, 1), (2, 2, 2), (2, 3, 2), (2, 4, 2), (3, 3, 3), (3, 4, 3))


def layers(widths: Sequence[int | str]) -> tuple[Term, Term]:
    return matrix("W1", widths[1], widths[0]), matrix("W2", widths[2], widths[1])


def masked(W: Term, V: Term, T: Term) -> Term:
    """W_2 diag(T) W_1."""
    return V * diagonal_part(T) * W


def mask(chosen: Sequence[int], n: int) -> Term:
    return table([[int(i == j and i in chosen) for j in range(n)] for i in range(n)])


def monomial(T: Term, chosen: Sequence[int]) -> Term:
    """The product of the chosen t_j."""
    return chain([number(1), *(entry(T, j, j) for j in chosen)])


def cauchy_binet(widths: tuple[int, int, int]) -> Claim:
    """det W_2 diag(t) W_1 = sum over S of t_S det W_2[:, S] det W_1[S, :]."""
    (W, V), n, r = layers(widths), widths[1], widths[0]
    T = matrix("T", n, n)
    parts = (monomial(T, S) * minor(V, range(r), S) * minor(W, S, range(r)) for S in combinations(range(n), r))
    return identity(f"{NAME}.cauchy_binet_{label(widths)}", (W, V, T), [leading(masked(W, V, T), r) - total(parts)])


def label(widths: Sequence[int]) -> str:
    return "x".join(map(str, widths))


def at_masks(widths: tuple[int, int, int]) -> Claim:
    """Minors that vanish at every mask of their size vanish for all t: generic values gain nothing over masks."""
    (W, V), n, r = layers(widths), widths[1], widths[0]
    T, sets = matrix("T", n, n), list(combinations(range(n), r))
    at = [leading(V * mask(S, n) * W, r) for S in sets]
    by = total(monomial(T, S) * fact(x) for S, x in zip(sets, at, strict=True))
    variables = (W, V, T)
    return implied(f"{NAME}.masks_{label(widths)}", variables, at, [(leading(masked(W, V, T), r), by)], zeros(variables, {}))


def bound() -> Claim:
    """W_2 J = U V with a columns in U, (I - J) W_1 = B C with b rows in C: W_2 D W_1 = U (V D W_1) + (W_2 D B) C."""
    (W, V), J, D = layers(("d0", "d1", "d2")), matrix("J", "d1", "d1"), matrix("D", "d1", "d1")
    U, R, B, C = matrix("U", "d2", "a"), matrix("V", "a", "d1"), matrix("B", "d1", "b"), matrix("C", "b", "d0")
    chosen, D = diagonal_part(J), diagonal_part(D)
    first, second = V * chosen - U * R, (eye("d1") - chosen) * W - B * C
    p = V * D * W - U * (R * D * W) - (V * D * B) * C
    variables = (W, V, matrix("J", "d1", "d1"), matrix("D", "d1", "d1"), U, R, B, C)
    sizes = {"d0": 2, "d1": 2, "d2": 2, "a": 1, "b": 1}
    by = fact(first) * D * W + V * D * fact(second)
    return implied(f"{NAME}.bound", variables, [first, second], [(p, by)], zeros(variables, sizes), sizes)


def some_product(factors: Sequence[Sequence[Term]], pairs: Mapping[Term, tuple[Term, Term]]) -> Term:
    """prod_k sum_j x_kj^2 as a sum of multiples of the known products x y: each choice of an x in every factor holds a pair.

    Factors are chosen from one after the other; as soon as both parts of a pair are chosen, its product is cited.
    """

    def chosen(k: int, before: tuple[Term, ...]) -> Term:
        both = next((p for p, (x, y) in pairs.items() if x in before and y in before), None)
        if both is not None:
            rest = list(before)
            for x in pairs[both]:
                rest.remove(x)
            others = [total(x**2 for x in f) for f in factors[k:]]
            return chain([number(1), both, fact(both), *(x**2 for x in rest), *others])
        return total(chosen(k + 1, (*before, x)) for x in factors[k])

    return chosen(0, ())


def split_exists(n: int) -> Claim:
    """Outer widths 1: if every w_2j w_1j vanishes, some A has W_2[:, A] = 0 and W_1[A^c, :] = 0 (the min-max at value 0).

    "Some A" is the product over all A of the squared sizes, which vanishes.
    """
    W, V = layers((1, n, 1))
    low, high = [entry(W, j, 0) for j in range(n)], [entry(V, 0, j) for j in range(n)]
    pairs = {x * y: (x, y) for x, y in zip(low, high, strict=True)}
    factors = [[high[j] if j in A else low[j] for j in range(n)] for k in range(n + 1) for A in combinations(range(n), k)]
    p = chain([total(x**2 for x in f) for f in factors])
    given = list(pairs)
    return implied(f"{NAME}.split_exists_{n}", (W, V), given, [(p, some_product(factors, pairs))], zeros((W, V), {}))


def raised(k: int) -> Generic:
    """W_2 = [I, I], W_1 = [I; -I] of size k: the product is zero, and of rank k at generic mask values."""
    T = matrix("T", 2 * k, 2 * k)
    high = table([[int(j % k == i) for j in range(2 * k)] for i in range(k)])
    low = table([[(1 if i < k else -1) * int(i % k == j) for j in range(k)] for i in range(2 * k)])
    point = {"T": [[int(i == j < k) for j in range(2 * k)] for i in range(2 * k)]}
    return Generic(f"{NAME}.raised_{k}", names((T,)), leading(masked(low, high, T), k).node, point)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim | Generic]:
    yield from map(cauchy_binet, SIZES)
    yield from map(at_masks, SIZES)
    yield bound()
    yield from map(split_exists, (1, 2, 3))
    yield from map(raised, (1, 2, 3, 4))


def helps() -> Terms:
    (W, V), T = layers((1, 2, 1)), matrix("T", 2, 2)
    return says(f"{NAME}: a mask cannot raise the rank", (W, V, T), [masked(W, V, T)], [V * W])


def lowers() -> Terms:
    """W_2 W_1 of full rank stays so under every mask."""
    (W, V), T = layers((2, 2, 2)), matrix("T", 2, 2)
    p, q = leading(V * W, 2), leading(masked(W, V, T), 2)
    return positive(f"{NAME}: a mask cannot lower the rank", (W, V, T), q * q, p * p)


def positive(name: str, variables: Sequence[Term], p: Term, given: Term) -> Terms:
    return Terms(name, names(variables), (Condition(">", given.node),), (Condition(">", p.node),))


def not_diagonal() -> Terms:
    """The split over A and its complement for a matrix between the layers that is not diagonal."""
    (W, V), J, D = layers((1, 2, 1)), matrix("J", 2, 2), matrix("D", 2, 2)
    chosen = diagonal_part(J)
    return says(f"{NAME}: a full matrix between the layers", (W, V, J, D),
                [V * D * W - V * chosen * D * W - V * D * (eye(2) - chosen) * W])  # fmt: skip


def fewer_masks() -> Terms:
    """Minors that vanish at one mask vanish for all t."""
    (W, V), T = layers((2, 3, 2)), matrix("T", 3, 3)
    at = [leading(V * mask(S, 3) * W, 2) for S in ((0, 1), (0, 2))]
    return says(f"{NAME}: not all masks", (W, V, T), [leading(masked(W, V, T), 2)], at)


def sharpness() -> Iterator[Counterexample]:
    one = [[1, 0], [0, 1]]
    first = [[1, 0], [0, 0]]
    yield Counterexample("the mask, not the product, decides", helps(), {"W1": [[1], [-1]], "W2": [[1, 1]], "T": first})
    zero = [[0, 0], [0, 0]]
    yield Counterexample("a good mask (dropout can lower the rank)", lowers(), {"W1": one, "W2": one, "T": zero})
    swap = [[0, 0], [1, 0]]
    yield Counterexample("D is diagonal", not_diagonal(), {"W1": [[1], [0]], "W2": [[0, 1]], "J": first, "D": swap})
    point = {"W1": [[0, 0], [1, 0], [0, 1]], "W2": [[0, 1, 0], [0, 0, 1]], "T": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    yield Counterexample("all masks of the size", fewer_masks(), point)


def variants() -> Iterator[Terms]:
    yield from (helps(), lowers(), not_diagonal(), fewer_masks())
    (W, V), T = layers((2, 2, 2)), matrix("T", 2, 2)
    whole, t = leading(masked(W, V, T), 2), [entry(T, j, j) for j in range(2)]
    det = leading(V, 2) * leading(W, 2)
    wrong = {
        "the determinant without its mask": whole - det,
        "a mask to first order": whole - t[0] * det,
        "squares of the mask": whole - t[0] ** 2 * t[1] ** 2 * det,
        "a coefficient off by a millionth": whole - number(1000001) / 1000000 * t[0] * t[1] * det,
        "the permanent": whole - t[0] * t[1] * leading(W, 2) * permanent(V),
    }
    yield from (says(f"{NAME}: {words}", (W, V, T), [x]) for words, x in wrong.items())
    (W, V), T = layers((2, 3, 2)), matrix("T", 3, 3)
    some = total(monomial(T, S) * minor(V, range(2), S) * minor(W, S, range(2)) for S in ((0, 1), (1, 2)))
    yield says(f"{NAME}: Cauchy-Binet without one set", (W, V, T), [leading(masked(W, V, T), 2) - some])


def permanent(x: Term) -> Term:
    return entry(x, 0, 0) * entry(x, 1, 1) + entry(x, 0, 1) * entry(x, 1, 0)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Layers with W_2 J = U V and (I - J) W_1 = B C for a random set J, at these widths."""
    n, a, b = widths[1], draw.integer(1, widths[1]), draw.integer(1, widths[1])
    split = draw.integer(min(1, n - 1), max(1, n - 1))
    J = [[int(i == j < split) for j in range(n)] for i in range(n)]
    s = bound().statement.lowered({"d0": widths[0], "d1": n, "d2": widths[2], "a": a, "b": b})
    shapes = {str(v.data[0]): (int(v.shape[0]), int(v.shape[1])) for v in s.variables}
    values = {name: draw.matrix(*shape) for name, shape in shapes.items() if name != "J"}
    values["J"] = draw.value(table(J).node, values)
    on, off = table(J), eye(n) - table(J)
    U, R, B, C = (matrix(x, *shapes[x]) for x in "UVBC")
    values["V"] = draw.value((R * on).node, values)
    values["B"] = draw.value((off * B).node, values)
    W, V = layers(tuple(widths))
    low, high = values["W1"], values["W2"]
    values["W2"] = draw.value((U * R + V * off).node, values | {"W2": high})
    values["W1"] = draw.value((B * C + on * W).node, values | {"W1": low})
    return Instance(_lowered(s), values)


def _lowered(s: object) -> Terms:
    from theory.statement import Lowered

    assert isinstance(s, Lowered)
    given, then = (tuple(Condition(r, x) for r, x in part) for part in (s.given, s.then))
    return Terms(s.name, s.variables, given, then)


THEOREM = Theorem(
    name=NAME,
    sheet="R14",
    title="Dropout on the forward product: the largest rank is that of generic mask values, a matroid min-max",
    form="identity; generic in the mask",
    source=f"own derivation, in the setting of {SOURCE}; Edmonds' matroid intersection",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 5, 4)),
    supported_at=((16, 24, 12),),
    note="Dropout can raise the rank of the product (W_2 = [1, 1], W_1 = [1; -1], mask (1, 0): from 0 to 1), but in no step "
    "almost surely: the mask 0 has positive probability. Multiplicative noise with a density does reach the maximum "
    "almost surely.",
)
