r"""Discrete noise: the exact second moment of the determinant, and a bound on the probability of a lower rank.

Setting: (a) A of shape \(d \times d\), s a number, Z with independent entries of mean 0 and variance 1, of any law, such as
\(\pm 1\). (b) Layers \(A_i + Z_i\), the entries of all \(Z_i\) independent and uniform on a finite set S of numbers.

Hypotheses: none on A.

Conclusion: (a) \(E \det(A + sZ)^2 = \sum_{k=0}^d s^{2(d-k)} (d-k)!\, e_k(AA^T) \ge s^{2d} d!\), where \(e_k(AA^T)\) is the
sum of the squares of the minors of A of size k. For \(s \ne 0\) the probability of full rank is thus positive; it need not be
1. (b) \(P(\mathrm{rank}\, P < r^*) \le N r^* / |S|\), \(r^* = \min_i d_i\).

Form: identity; inequality.

Scope of proof: (a) d = 1, 2, 3, the mean taken by the kernel from the moments 1, 0, 1. For signs, \(\det \in \{0, \pm 2\}\)
at d = 2, and \(E \det^2\) gives \(P(\det = 0) = 1/2\) at d = 2; 5/8 at d = 3, where \(\det \in \{0, \pm 4\}\); for 0/1
entries 5/8 at d = 2, where \(\det \in \{0, \pm 1\}\) (that these are the values is proved for signs at d = 2 only). (b)
that a polynomial of degree D in one unknown with D + 1 zeros is zero, D = 1, 2, 3 (`rank.zero_one_law`); the induction over
the unknowns is in words, the bound is enumerated in the experiment.

Why: (a) minors of Z of the same size are orthogonal, of second moment k!. (b) the leading minor of size \(r^*\) has degree \(N
r^*\) and is not zero (Schwartz-Zippel).

Sharpness: almost surely is false: A = 0 and signs give det = 0 with positive probability, and so do 0/1 entries. s = 0;
entries of mean not 0.

Source: own derivation; (b) is classical (Schwartz, Zippel).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import factorial

from theory import dag
from theory.certificates import prove
from theory.statement import Condition, Statement
from theory.terms import Term, fact, term, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.rank.networks import identity, matrix, names, says, scalar
from theory.theorems.rank.setting import (
    SOURCE,
    cites,
    entries,
    leading,
    minors,
    positive,
    slots,
    sum_of_squares,
    total,
)  # fmt: skip

NAME = "rank.discrete_noise"
Moments = Sequence[int | Fraction]
CENTRED: Moments = (1, 0, 1)
SIGNS: Moments = (1, 0, 1, 0, 1)
BITS: Moments = (1, Fraction(1, 2), Fraction(1, 2))
s = scalar("s")


def mean(x: Term, noise: Term, moments: Moments) -> Term:
    """The mean of x over independent entries of the noise with these moments of orders 0, 1, 2, ..."""
    return Term(dag.expect(x.node, noise.node, [dag.num(Fraction(c)) for c in moments]))


def second_moment(d: int, moments: Moments = CENTRED) -> Term:
    """E det(A + s Z)^2 - sum_k s^(2(d-k)) (d-k)! (sum of squared k-minors of A)."""
    A, Z = matrix("A", d, d), matrix("Z", d, d)
    return mean(leading(A + s * Z, d) ** 2, Z, moments) - expansion(A, d)


def expansion(A: Term, d: int) -> Term:
    """sum_k s^(2(d-k)) (d-k)! e_k, with e_0 = 1."""
    parts = (factorial(d - k) * s ** (2 * (d - k)) * (sum_of_squares(A, k) if k else 1) for k in range(d + 1))
    return total(parts)


def exact(d: int) -> Claim:
    return identity(f"{NAME}.second_moment_{d}", (matrix("A", d, d), matrix("Z", d, d), s), [second_moment(d)])


def at_least(d: int) -> Claim:
    """E det(A + s Z)^2 >= d! s^(2d): visible in the expansion."""
    A, Z = matrix("A", d, d), matrix("Z", d, d)
    then = mean(leading(A + s * Z, d) ** 2, Z, CENTRED) - factorial(d) * s ** (2 * d)
    squares = total(
        factorial(d - k) * s ** (2 * (d - k)) * total(m**2 for m in minors(A, k)) for k in range(1, d + 1)
    )
    claim = says(f"{NAME}.at_least_{d}", (A, Z, s), ())
    stated = Statement(claim.name, claim.variables, (), (Condition(">=", then.node),))
    return Claim(stated, (cites(then, squares, ">="),))


def coefficients(d: int) -> Claim:
    """The sums of squared minors of A are e_1, e_d (and e_2 at d = 3) of the eigenvalues of A A^T."""
    A = matrix("A", d, d)
    gram = A * A.T
    terms = [sum_of_squares(A, 1) - trace(gram), sum_of_squares(A, d) - leading(gram, d)]
    if d == 3:
        terms.append(2 * sum_of_squares(A, 2) - trace(gram) ** 2 + trace(gram * gram))
    return identity(f"{NAME}.coefficients_{d}", (A,), terms)


def probability(d: int, moments: Moments, value: int, share: Fraction, name: str) -> Claim:
    """E det(Z)^2 = value^2 share: where det is 0 or +-value, the probability that it is not 0 is the share."""
    Z = matrix("Z", d, d)
    goal = mean(leading(Z, d) ** 2, Z, moments) - term(value**2 * share)
    return identity(f"{NAME}.probability: {name} {d} x {d}", (Z,), [goal])


def two_signs() -> Claim:
    """z_ij^2 = 1 at d = 2: det (det^2 - 4) = 0, by (ad)^2 = 1 and (bc)^2 = 1."""
    Z = matrix("Z", 2, 2)
    (a, b), (c, d) = entries(Z)
    u, v, facts = a * d, b * c, [x**2 - 1 for x in (a, b, c, d)]
    A, B, C, D = map(fact, facts)
    # u^2 - 1 and v^2 - 1 are zero; (u - v)^3 - 4 (u - v) = (u^2 - 1)(u - 3 v) + (v^2 - 1)(3 u - v)
    by = (A * d**2 + D) * (u - 3 * v) + (B * c**2 + C) * (3 * u - v)
    given = tuple(Condition("==", f.node) for f in facts)
    goal = (u - v) ** 3 - 4 * (u - v)
    stated = Statement(f"{NAME}.two_signs", names((Z,)), given, (Condition("==", goal.node),))
    return Claim(stated, (prove("==", goal.node, by.node),), {"Z": [[1, 1], [1, -1]]})


def claims() -> Iterator[Claim]:
    yield from map(exact, (1, 2, 3))
    yield from map(at_least, (1, 2, 3))
    yield from map(coefficients, (1, 2, 3))
    yield two_signs()
    yield probability(2, SIGNS, 2, Fraction(1, 2), "signs")
    yield probability(3, SIGNS, 4, Fraction(3, 8), "signs")
    yield probability(2, BITS, 1, Fraction(3, 8), "0 or 1")


# -- limits -------------------------------------------------------------------------------------------------------------


def never_singular(name: str, value: Callable[[Term], Term]) -> Statement:
    """A matrix whose entries are all roots of `value` has a determinant that is not zero."""
    Z = matrix("Z", 2, 2)
    given = tuple(Condition("==", value(x).node) for row in entries(Z) for x in row)
    return positive(f"{NAME}: {name}", (Z,), [leading(Z, 2) ** 2], given)


def any_size() -> Statement:
    """The mean of det^2 is positive whatever s."""
    A, Z = matrix("A", 2, 2), matrix("Z", 2, 2)
    return positive(f"{NAME}: noise of any size", (A, Z, s), [mean(leading(A + s * Z, 2) ** 2, Z, CENTRED)])


def off_centre(moments: Moments, name: str) -> Statement:
    A, Z = matrix("A", 2, 2), matrix("Z", 2, 2)
    return says(f"{NAME}: {name}", (A, Z, s), [second_moment(2, moments)])


def sharpness() -> Iterator[Counterexample]:
    ones = [[1, 1], [1, 1]]
    signs = never_singular("signs are never singular", lambda x: x**2 - 1)
    yield Counterexample("a positive probability, not 1: signs", signs, {"Z": ones})
    bits = never_singular("0 and 1 are never singular", lambda x: x**2 - x)
    yield Counterexample("a positive probability, not 1: entries 0 and 1", bits, {"Z": ones})
    yield Counterexample("s is not zero", any_size(), {"A": [[0, 0], [0, 0]], "Z": ones, "s": 0})
    zero = {"A": slots(2, 2), "Z": ones, "s": 1}
    yield Counterexample("entries of mean 0", off_centre((1, 1, 2), "entries of mean 1"), zero)


def variants() -> Iterator[Statement]:
    yield from (e.statement for e in sharpness())
    yield off_centre((1, 0, 2), "entries of variance 2")
    A, Z = matrix("A", 2, 2), matrix("Z", 2, 2)
    moment = mean(leading(A + s * Z, 2) ** 2, Z, CENTRED)
    wrong = {
        "without the factorial": moment - s**4 - s**2 * sum_of_squares(A, 1) - sum_of_squares(A, 2),
        "the power s^d": moment - 2 * s**2 - s**2 * sum_of_squares(A, 1) - sum_of_squares(A, 2),
        "without the trace": moment - 2 * s**4 - sum_of_squares(A, 2),
        "the determinant only": moment - sum_of_squares(A, 2),
        "tr A for tr A A^T": moment - 2 * s**4 - s**2 * trace(A) ** 2 - sum_of_squares(A, 2),
    }
    for name, goal in wrong.items():
        yield says(f"{NAME}: {name}", (A, Z, s), [goal])
    three = probability(3, SIGNS, 4, Fraction(1, 2), "signs").statement
    yield replace(three, name=f"{NAME}: half of all sign matrices, also 3 x 3")
    (a, _), (_, d) = entries(Z)
    given = two_signs().statement.given
    yield replace(two_signs().statement, name=f"{NAME}: one entry is no sign", given=given[1:])
    yield says(f"{NAME}: the determinant of signs is +-2", (Z,), [leading(Z, 2) ** 2 - 4], [a**2 - 1, d**2 - 1])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Any A and s at size d."""
    d = widths[0]
    values = {"A": draw.matrix(d, d), "Z": draw.matrix(d, d), "s": draw.scalar()}
    return Instance(replace(exact(d).statement, name=f"{NAME}: sampled"), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R5",
    title="Discrete noise: full rank with positive probability, not almost surely",
    form="identity, inequality",
    source=f"own derivation, in the setting of {SOURCE}; the bound over a finite set is classical",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2),),
    note=(
        "'Noise makes the product of full rank almost surely' is false for discrete noise: a matrix of signs is singular with "
        "probability 1/2 (2 x 2) and 5/8 (3 x 3). With entries uniform on a set of m numbers the chance of a lower rank "
        "is at most N min d_i / m."
    ),
)
