r"""The size of the rank that noise brings: a bound on the smallest singular value.

Setting: A of shape \(d \times d\), Z with independent standard normal entries, \(\sigma > 0\), \(M = A + \sigma Z\).

Hypotheses: none on A.

Conclusion: \(P(\sigma_{\min}(M) \le e) \le \sqrt{2/\pi}\, d^{3/2} e/\sigma\) for all \(e \ge 0\).

Form: inequality for all A; its probability in words, and sampled.

Scope of proof: at all widths, that a unit vector n orthogonal to all columns of M but one, \(n^T M = c\, e_i^T\), gives
\(|Mx|^2 \ge c^2 x_i^2\); in real numbers, d = 1 to 4, that \(d\, |Mx|^2 \ge t^2 |x|^2\) where t is the least of the distances
|c_i|; at d = 2 that the distances times the length of the normal vector are the determinant. That \(n^T m_i\) is normal of
variance \(\sigma^2\) given the other columns, and the union over i, are in words; the bound is checked by simulation.

Why: \(\sigma_{\min} \ge d^{-1/2} \min_i |c_i|\), and a normal number of variance \(\sigma^2\) lies in \([-t, t]\) with
probability at most \(2t/(\sigma \sqrt{2\pi})\).

Sharpness: signs in the place of normal entries give 0 with positive probability; \(\sigma = 0\); in the lemma, n of length 1,
and all the distances, not one.

Source: own derivation; sharper bounds are known as smoothed analysis (Sankar, Spielman, Teng).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from theory.statement import Condition, Statement
from theory.terms import Term, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.rank.networks import entry, identity, matrix, names, norm2, says, scalar, square, table
from theory.theorems.rank.setting import SOURCE, cites, entries, given_positive, leading, positive, slots, total

NAME = "rank.smallest_singular_value"


def distance(d: str | int = "d") -> Claim:
    """n^T n = 1 and n^T M = c e^T: |M x|^2 >= c^2 (e^T x)^2, e any vector."""
    M, n, e, x, c = matrix("M", d, d), matrix("n", d, 1), matrix("e", d, 1), matrix("x", d, 1), scalar("c")
    unit, row = norm2(n) - 1, n.T * M - c * e.T
    seen, part = trace(n.T * M * x), c * trace(e.T * x)
    goal = norm2(M * x) - part**2
    by = square(M * x - seen * n) - seen**2 * fact(unit) + trace(fact(row) * x) * (seen + part)
    given = (Condition("==", unit.node), Condition("==", row.node))
    s = says(f"{NAME}.distance", (M, n, e, x, c), ())
    stated = replace(s, given=given, then=(Condition(">=", goal.node),))
    point = {"M": [[2, 0], [1, 3]], "n": [[1], [0]], "e": [[1], [0]], "x": [[1], [1]], "c": 2}
    return Claim(stated, (cites(goal, by, ">="),), point, {"d": 2})


def least_distance(d: int) -> Claim:
    """c_i^2 x_i^2 <= y and t^2 <= c_i^2 for all i: t^2 |x|^2 <= d y."""
    c, x, y, t = [scalar(f"c{i}") for i in range(d)], [scalar(f"x{i}") for i in range(d)], scalar("y"), scalar("t")
    parts, least = [y - a**2 * b**2 for a, b in zip(c, x, strict=True)], [a**2 - t**2 for a in c]
    goal = d * y - t**2 * total(b**2 for b in x)
    by = total(fact(p) for p in parts) + total(fact(q) * b**2 for q, b in zip(least, x, strict=True))
    given = tuple(Condition(">=", p.node) for p in (*parts, *least))
    stated = Statement(f"{NAME}.least_distance_{d}", names((*c, *x, y, t)), given, (Condition(">=", goal.node),))
    point = {str(v.node.data[0]): 1 for v in (*c, *x, y, t)}
    return Claim(stated, (cites(goal, by, ">="),), point)


def normal_vector() -> Claim:
    """At d = 2, n = (m_22, -m_12) is orthogonal to the second column, and n^T m_1 = det M."""
    M = matrix("M", 2, 2)
    (_, b), (_, d) = entries(M)
    first = d * table([[1], [0]]) - b * table([[0], [1]])
    row = first.T * M
    return identity(f"{NAME}.normal_vector", (M,), [entry(row, 0, 1), entry(row, 0, 0) - leading(M, 2)])


def claims() -> Iterator[Claim]:
    yield distance()
    yield from map(least_distance, range(1, 5))
    yield normal_vector()


# -- limits -------------------------------------------------------------------------------------------------------------


def signs() -> Statement:
    """Noise of mean 0 and variance 1 in every entry makes M nonsingular."""
    Z = matrix("Z", 2, 2)
    given = tuple(Condition("==", (x**2 - 1).node) for row in entries(Z) for x in row)
    return positive(f"{NAME}: noise of signs", (Z,), [leading(Z, 2) ** 2], given)


def any_size() -> Statement:
    A, Z, s = matrix("A", 2, 2), matrix("Z", 2, 2), scalar("s")
    return positive(f"{NAME}: noise of any size", (A, Z, s), [leading(A + s * Z, 2) ** 2], given_positive(leading(Z, 2) ** 2))


def any_length() -> Statement:
    s = distance(2).statement
    return replace(s, name=f"{NAME}: n of any length", given=s.given[1:])


def one_distance() -> Statement:
    """t is the distance of the first column only."""
    s = least_distance(2).statement
    return replace(s, name=f"{NAME}: one distance", given=s.given[:3])


def sharpness() -> Iterator[Counterexample]:
    one = slots(2, 2)
    yield Counterexample("a density: not signs", signs(), {"Z": [[1, 1], [1, 1]]})
    yield Counterexample("sigma is not zero", any_size(), {"A": [[1, 0], [0, 0]], "Z": one, "s": 0})
    at = {"M": one, "n": [[2], [0]], "e": [[1], [0]], "x": [[1], [0]], "c": 2}
    yield Counterexample("n of length 1", any_length(), at)
    yield Counterexample("all distances", one_distance(), {"c0": 1, "c1": 0, "x0": 0, "x1": 1, "y": 0, "t": 1})


def variants() -> Iterator[Statement]:
    yield from (e.statement for e in sharpness())
    s = distance(2).statement
    yield replace(s, name=f"{NAME}: n^T M is anything", given=s.given[:1])
    goal = Term(s.then[0].expression)
    x = matrix("x", 2, 1)
    yield replace(s, name=f"{NAME}: the distance bounds |M x|", then=(Condition(">=", (goal - norm2(x)).node),))
    shorter = norm2(matrix("M", 2, 2) * x) - scalar("c") ** 2 * norm2(x)
    yield replace(s, name=f"{NAME}: |M x| >= |c| |x|", then=(Condition(">=", shorter.node),))
    t = least_distance(2).statement
    last = Term(t.then[0].expression) - scalar("y")
    yield replace(t, name=f"{NAME}: without the factor d", then=(Condition(">=", last.node),))
    yield replace(t, name=f"{NAME}: strictly", then=(Condition(">", t.then[0].expression),))
    Z, k = matrix("Z", 2, 2), scalar("s")
    yield says(f"{NAME}: the Gram matrix scales with s", (Z, k), [(k * Z).T * (k * Z) - k * Z.T * Z])
    A = matrix("A", 2, 2)
    wide = (A + k * Z).T * (A + k * Z) - A.T * A
    yield says(f"{NAME}: the Gram matrices add", (A, Z, k), [wide - k**2 * Z.T * Z])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The first unit vector as n, any M; e is n^T M and c = 1."""
    d = widths[0]
    first = table([[int(i == 0)] for i in range(d)])
    values = {"M": draw.matrix(d, d), "x": draw.matrix(d, 1), "n": draw.value(first.node, {})}
    values["e"] = draw.value((matrix("n", d, 1).T * matrix("M", d, d)).T.node, values)
    values["c"] = draw.value(norm2(matrix("n", d, 1)).node, values)
    return Instance(replace(distance(d).statement, name=f"{NAME}: sampled"), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R6",
    title="The smallest singular value of a noisy matrix: a bound on the chance that it is small",
    form="inequality; its probability in words, and sampled",
    source=f"own derivation, in the setting of {SOURCE}; sharper bounds are known as smoothed analysis",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (4, 4)),
    supported_at=((16, 16),),
    note=(
        "'Full rank' may be invisible in floating point: the singular values that noise brings are no larger than the noise. "
        "With probability 1 - q or more the least one exceeds q sqrt(pi/2) sigma d^(-3/2)."
    ),
)
