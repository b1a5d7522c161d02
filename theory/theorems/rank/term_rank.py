r"""DropConnect on one matrix: the largest rank over masks is the term rank.

Setting: a matrix W, a mask Z of the same shape, W o Z their entrywise product. The term rank of W is the size of a largest
set of entries that are not zero, no two in one row or column: of a maximum matching of its support.

Hypotheses: none.

Conclusion: \[ \max_{Z \in \{0,1\}^{m \times n}} \operatorname{rank}(W \circ Z) = \operatorname{termrank} W. \]
So DropConnect with 0 < p < 1 raises the rank with positive probability exactly if the term rank exceeds the rank of W, and
never almost surely: the mask of ones and the mask of zeros have positive probability. For W the 2 x 2 matrix of ones and p
= 1/2 the ranks 0, 1, 2 have the probabilities 1/16, 9/16, 6/16.

Form: identity; exact probabilities.

Scope of proof: that the mask of a matching gives plus or minus the product of its entries, and that every masked
determinant vanishes if all such products do: sizes 1 to 4 (masks are any matrices). The bound by a cover with rows and
columns at all widths, for layers that vanish off the cover; that a 2 x 2 matrix without a matching has a cover by one line.
That a cover of the size of the matching exists in general is König's theorem: not in the kernel, but checked by exhausting
all supports with at most ten cells. The probabilities for general p, with the mean taken by the kernel.

Why: keep the matched entries only. Each term of a determinant is a matching.

Sharpness: a matrix without a matching, diag(1, 0), stays of rank 1 under every mask; not every mask raises the rank.

Source: own derivation, in the setting of arXiv:1807.08140; term rank and König's theorem are classical.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from theory import dag
from theory.statement import Condition
from theory.terms import Term, diagonal_part, fact, term
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.rank.dropout_masks import some_product
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
    scalar,
    zeros,
)
from theory.theorems.rank.setting import SOURCE, determinant, entries, signs, total

NAME = "rank.term_rank"
P = scalar("p")


def masked(W: Term, Z: Term) -> list[list[Term]]:
    """The entries of W o Z."""
    return [[x * y for x, y in zip(r, q, strict=True)] for r, q in zip(entries(W), entries(Z), strict=True)]


def matched(W: Term, p: Sequence[int]) -> Term:
    """The product of the entries of a permutation."""
    return chain([entry(W, i, j) for i, j in enumerate(p)])


def square(n: int) -> tuple[Term, Term]:
    return matrix("W", n, n), matrix("Z", n, n)


def matching(n: int) -> Claim:
    """The mask of a permutation leaves sign times the product of its entries."""
    W, _ = square(n)
    terms = []
    for sign, p in signs(n):
        kept = [[entry(W, i, j) * int(p[i] == j) for j in range(n)] for i in range(n)]
        terms.append(determinant(kept) - sign * matched(W, p))
    return identity(f"{NAME}.matching_{n}", (W,), terms)


def no_matching(n: int) -> Claim:
    """If the product of every permutation vanishes, so does det (W o Z) for every Z."""
    W, Z = square(n)
    by = total(sign * fact(matched(W, p)) * matched(Z, p) for sign, p in signs(n))
    given = [matched(W, p) for _, p in signs(n)]
    return implied(f"{NAME}.no_matching_{n}", (W, Z), given, [(determinant(masked(W, Z)), by)], zeros((W, Z), {}))


def cover() -> Claim:
    """(I - R) A (I - C) = 0: A = R A + (I - R) A C, at most #R + #C independent columns for masks R, C."""
    A, R, C = matrix("A", "m", "n"), matrix("R", "m", "m"), matrix("C", "n", "n")
    r, c = diagonal_part(R), diagonal_part(C)
    off = (eye("m") - r) * A * (eye("n") - c)
    p = A - r * A - (eye("m") - r) * A * c
    sizes = {"m": 2, "n": 2}
    return implied(f"{NAME}.cover", (A, R, C), [off], [(p, fact(off))], zeros((A, R, C), sizes), sizes)


def cover_exists() -> Claim:
    """2 x 2 without a matching: some row or column covers the support (the product over all four covers vanishes)."""
    W = matrix("W", 2, 2)
    (a, b), (c, d) = entries(W)
    pairs = {a * d: (a, d), b * c: (b, c)}
    left = [[c, d], [a, b], [b, d], [a, c]]  # without the first row, the second row, the first column, the second column
    p = chain([total(x**2 for x in f) for f in left])
    return implied(f"{NAME}.cover_exists", (W,), list(pairs), [(p, some_product(left, pairs))], zeros((W,), {}))


def mean(body: Term, Z: Term) -> Term:
    """The mean over independent entries of Z that are 1 with probability p and else 0: every moment is p."""
    return Term(dag.expect(body.node, Z.node, [dag.num(1), P.node, P.node, P.node, P.node]))


def none_left(Z: Term) -> Term:
    """1 where the mask is zero, else 0."""
    return chain([1 - x for row in entries(Z) for x in row])


def probabilities() -> Claim:
    """2 x 2 ones: P(rank 2) = 2 p^2 (1 - p^2), P(rank 0) = (1 - p)^4, and what is left for rank 1."""
    Z = matrix("Z", 2, 2)
    full, none = determinant(entries(Z)) ** 2, none_left(Z)
    two, zero = 2 * P**2 * (1 - P**2), (1 - P) ** 4
    terms = [mean(full, Z) - two, mean(none, Z) - zero, mean(1 - full - none, Z) - (1 - two - zero)]
    return identity(f"{NAME}.probabilities", (Z, P), terms)


def indicator() -> Claim:
    """For entries 0 and 1 the squared determinant is 0 or 1: it is the indicator of rank 2."""
    Z = matrix("Z", 2, 2)
    (a, c), (d, b) = entries(Z)
    bits = {x.node: x**2 - x for x in (a, b, c, d)}

    def idempotent(x: Term, y: Term) -> Term:
        """(x y)^2 - x y from x^2 - x and y^2 - y."""
        return fact(bits[x.node]) * y**2 + x * fact(bits[y.node])

    u, v, det = a * b, c * d, a * b - c * d
    by = idempotent(a, b) * (1 + u - 3 * v) + idempotent(c, d) * (3 * u - 1 - v)
    p = det**2 * (det**2 - 1)
    return implied(f"{NAME}.indicator", (Z,), list(bits.values()), [(p, det * by)], zeros((Z,), {}))


def at_one_half() -> Claim:
    """p = 1/2: 6/16 and 1/16."""
    Z, half = matrix("Z", 2, 2), dag.num(Fraction(1, 2))
    at: list[Term] = []
    for body, value in ((determinant(entries(Z)) ** 2, 6), (none_left(Z), 1)):
        at.append(Term(dag.expect(body.node, Z.node, [dag.num(1), *[half] * 4])) - number(Fraction(value, 16)))
    return identity(f"{NAME}.one_half", (Z,), at)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from map(matching, range(1, 5))
    yield from map(no_matching, range(1, 5))
    yield cover()
    yield cover_exists()
    yield probabilities()
    yield indicator()
    yield at_one_half()


def single() -> Terms:
    """W = diag(1, 0): some mask makes the determinant nonzero."""
    Z = matrix("Z", 2, 2)
    kept = [[entry(Z, 0, 0), term(0)], [term(0), term(0)]]
    return Terms(f"{NAME}: a mask helps diag(1, 0)", (Z.node,), (), (Condition(">", (determinant(kept) ** 2).node),))


def every_mask() -> Terms:
    """A matching makes the determinant nonzero for every mask."""
    W, Z = square(2)
    p, given = determinant(masked(W, Z)) ** 2, matched(W, (0, 1)) ** 2
    return Terms(f"{NAME}: every mask raises the rank", names((W, Z)), (Condition(">", given.node),), (Condition(">", p.node),))


def one_permutation() -> Terms:
    """One product that vanishes makes the masked determinants vanish."""
    W, Z = square(2)
    return says(f"{NAME}: one product vanishes", (W, Z), [determinant(masked(W, Z))], [matched(W, (0, 1))])


def singular() -> Terms:
    """Masks of a singular matrix are singular."""
    W, Z = square(2)
    return says(f"{NAME}: masks of a singular matrix", (W, Z), [determinant(masked(W, Z))], [determinant(entries(W))])


def sharpness() -> Iterator[Counterexample]:
    one = [[1, 1], [1, 1]]
    yield Counterexample("a matching of the support", single(), {"Z": one})
    yield Counterexample("some masks, not all (never almost surely)", every_mask(), {"W": one, "Z": one})
    yield Counterexample("the term rank, not the rank", singular(), {"W": one, "Z": [[1, 0], [0, 1]]})
    yield Counterexample("every permutation", one_permutation(), {"W": [[0, 1], [1, 0]], "Z": one})


def variants() -> Iterator[Terms]:
    yield from (single(), every_mask(), one_permutation(), singular())
    W, Z = square(2)
    p, q = determinant(masked(W, Z)), determinant(entries(W)) * determinant(entries(Z))
    yield says(f"{NAME}: the determinant of an entrywise product", (W, Z), [p - q])
    (A, R, C), s = square_cover()
    yield says(f"{NAME}: a cover by rows alone", (A, R, C), [A - diagonal_part(R) * A], [s])
    body = determinant(entries(Z)) ** 2
    wrong = {"p^2": P**2, "2 p^2": 2 * P**2, "2 p^2 (1 - p)": 2 * P**2 * (1 - P), "p^4": P**4}
    yield from (says(f"{NAME}: the probability {w}", (Z, P), [mean(body, Z) - x]) for w, x in wrong.items())
    sign = [determinant([[entry(W, 0, 0) * 0, entry(W, 0, 1)], [entry(W, 1, 0), term(0)]]) - matched(W, (1, 0))]
    yield says(f"{NAME}: a matching without its sign", (W,), sign)


def square_cover() -> tuple[tuple[Term, Term, Term], Term]:
    A, R, C = (matrix(x, 2, 2) for x in "ARC")
    return (A, R, C), (eye(2) - diagonal_part(R)) * A * (eye(2) - diagonal_part(C))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A matrix of rows and columns: R A + (I - R) A C for random sets R, C."""
    m, n = widths
    A, R, C = matrix("A", m, n), matrix("R", m, m), matrix("C", n, n)
    values = {"A": draw.matrix(m, n)}
    for name, k in (("R", m), ("C", n)):
        bits = [[int(i == j) * draw.integer(0, 1) for j in range(k)] for i in range(k)]
        values[name] = draw.value(Term(dag.const(bits)).node, values)
    r, c = diagonal_part(R), diagonal_part(C)
    whole = r * A + (eye(m) - r) * A * c
    values["A"] = draw.value(whole.node, values)
    off = (eye(m) - r) * A * (eye(n) - c)
    return Instance(says(f"{NAME}.sample", (A, R, C), [A - whole], [off]), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R15",
    title="DropConnect on one matrix: the largest rank over masks is the term rank",
    form="identity; exact probabilities",
    source=f"own derivation, in the setting of {SOURCE}; König's theorem",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((3, 3), (4, 6)),
    supported_at=((20, 30),),
    note="DropConnect can raise the rank of a layer, up to its term rank, but in no step almost surely; diag(1, 0) has term "
    "rank 1 and no mask helps.",
)
