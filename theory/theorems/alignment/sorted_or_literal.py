r"""Sorted alignment is more than literal alignment: a product of sorted layers is large.

Setting: square layers W_i = Q_i D_i Q_{i-1}^T of width n, Q_i orthogonal, D_i diagonal; sorted: the entries of each D_i are
nonnegative and nonincreasing.

Hypotheses: sorted alignment.

Conclusion: two sorted layers have \[ n |W_2 W_1|_F^2 \ge |W_1|_F^2 |W_2|_F^2. \]

Form: inequality for sorted layers, with an exact literally aligned pair that violates it.

Scope of proof: |W_2 W_1|^2 = tr(D_1^2 D_2^2) and |W_i|^2 = tr(D_i^2) at all n; the inequality between the entries for n = 2,
3, 4; the whole at n = 2. Sorted alignment implies weak alignment in the same bases: at widths (2, 3, 2).

Why: Chebyshev: n sum a_p c_p - sum a_p sum c_p = sum_{p<q} (a_p - a_q)(c_p - c_q).

Sharpness: W_1 = diag(2, 1), W_2 = diag(1, 2) are literally aligned, and 2 * 8 < 5 * 5 (nor is |W_2 W_1|^2 = 8 equal to
sum_k sigma_k(W_1)^2 sigma_k(W_2)^2 = 17): no bases sort both.

Source: own derivation; alignment as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

from sympy import Expr, MatrixSymbol, Rational, Trace, symbols

from theory import dag
from theory.certificates import prove
from theory.expressions import DiagonalPart, known, lower, norm2
from theory.predicates.alignment import SortedAligned, WeaklyAligned
from theory.statement import Condition, Statement, at_least, equal
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.commutators import frames
from theory.theorems.alignment.rewriting import Rule, rewritten, vanishing
from theory.theorems.alignment.setting import Width, bases_of, layers_of, table

NAME = "alignment.sorted_or_literal"


def _pair(n: Width) -> tuple[list[Any], list[Any], list[Any], list[Condition], list[Rule]]:
    """Layers, diagonals, variables, hypotheses and rules of two literally aligned layers of width n."""
    widths = (n,) * 3
    W, X, Q = layers_of(widths), layers_of(widths, "X"), bases_of(widths)
    D = [DiagonalPart(x) for x in X]
    given, rules = frames(W, D, Q)
    return list(W), D, [*W, *X, *Q], given, rules


def lengths() -> Claim:
    """|W_2 W_1|^2 = tr(D_1^2 D_2^2), |W_i|^2 = tr(D_i^2), for all n."""
    (W1, W2), (D1, D2), variables, given, rules = _pair("n")
    then = [norm2(W2 * W1) - Trace(D1 * D1 * D2 * D2), norm2(W1) - Trace(D1 * D1), norm2(W2) - Trace(D2 * D2)]
    s = Statement(f"{NAME}.lengths", tuple(variables), tuple(given), tuple(map(equal, then)))
    return Claim(s, tuple(vanishing(p, rules) for p in then), _identity_point(2), {"n": 2})


def _identity_point(n: int) -> dict[str, Any]:
    return {name: table(n, n) for name in ("W1", "W2", "X1", "X2", "Q0", "Q1", "Q2")}


def chebyshev(n: int) -> Claim:
    """n sum a_p^2 c_p^2 >= sum a_p^2 sum c_p^2 for nonnegative nonincreasing a and c."""
    a, c = symbols(f"a1:{n + 1}"), symbols(f"c1:{n + 1}")
    gap = n * sum(x**2 * y**2 for x, y in zip(a, c, strict=True)) - sum(x**2 for x in a) * sum(y**2 for y in c)
    s = Statement(f"{NAME}.chebyshev", (*a, *c), (*_nonincreasing(a), *_nonincreasing(c)), (at_least(gap),))
    by = sum(_drop(a, p, q) * _drop(c, p, q) for p, q in combinations(range(n), 2))
    return Claim(s, (prove(">=", gap, by),), {x.name: 1 for x in (*a, *c)})


def _nonincreasing(a: tuple[Any, ...]) -> Iterator[Condition]:
    yield from (at_least(x, y) for x, y in pairwise(a))
    yield at_least(a[-1])


def _drop(a: tuple[Any, ...], p: int, q: int) -> Expr:
    """a_p^2 - a_q^2 = (a_p - a_q)(a_p + a_q), visibly nonnegative."""
    steps = [known(x - y) for x, y in pairwise(a)]
    low = sum(steps[q:], known(a[-1]))
    difference = sum(steps[p + 1 : q], steps[p])
    return difference * (difference + 2 * low)


def whole() -> Claim:
    """2 |W_2 W_1|^2 >= |W_1|^2 |W_2|^2 for sorted layers of width 2."""
    (W1, W2), D, variables, given, rules = _pair(2)
    entries = [tuple(d.args[0][p, p] for p in range(2)) for d in D]
    gap = 2 * norm2(W2 * W1) - norm2(W1) * norm2(W2)
    lead = _drop(entries[0], 0, 1) * _drop(entries[1], 0, 1)
    order = (c for e in entries for c in _nonincreasing(e))
    s = Statement(f"{NAME}.whole", tuple(variables), (*given, *order), (at_least(gap),))
    step = prove(">=", gap, dag.add(lower(lead), rewritten(gap, rules)[1]))
    return Claim(s, (step,), _identity_point(2))


def hierarchy(widths: tuple[int, ...]) -> Claim:
    """Sorted alignment implies weak alignment in the same bases (and literal alignment by definition)."""
    W, S, Q = layers_of(widths), layers_of(widths, "S"), bases_of(widths)
    given, then = SortedAligned(W, Q, S), WeaklyAligned(W, Q, S)
    facts = {c.expression for c in given.conditions()}
    products = [c.expression for c in then.conditions() if c.expression not in facts]
    steps = tuple(prove("==", p, _citing(p)) for p in products)
    names = [(x.name, x.shape) for x in (*W, *S, *Q)]
    point = {name: table(int(shape[0]), int(shape[1])) for name, shape in names}
    return Claim(Statement(f"{NAME}.hierarchy", (*W, *S, *Q), (given,), (then,)), steps, point)


def _citing(product: Expr) -> Expr:
    """The product of two entries of one row or column, one of which is known to be zero."""
    first, second = product.args
    return known(first) * second if first.args[1] != first.args[2] else first * known(second)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield lengths()
    yield from map(chebyshev, (2, 3, 4))
    yield whole()
    yield hierarchy((2, 3, 2))


def literal_only() -> Counterexample:
    """W_1 = diag(2, 1), W_2 = diag(1, 2): literally aligned, not sorted."""
    s = whole().statement
    one, two = [[2, 0], [0, 1]], [[1, 0], [0, 2]]
    point = {**_identity_point(2), "W1": one, "X1": one, "W2": two, "X2": two}
    return Counterexample("sorted singular values", replace(s, given=s.given[:-4]), point)


def sharpness() -> Iterator[Counterexample]:
    yield literal_only()
    c = chebyshev(2).statement
    signs = replace(c, given=(c.given[0], c.given[2]))
    yield Counterexample("nonnegative singular values", signs, {"a1": 1, "a2": -2, "c1": 2, "c2": 1})


def variants() -> Iterator[Statement]:
    """False: without the order; the inequality reversed; a larger constant; an equality; unaligned layers."""
    c, n = chebyshev(2).statement, 2
    gap = c.then[0].expression
    W1, W2 = (MatrixSymbol(name, n, n) for name in ("W1", "W2"))
    yield replace(c, name="unsorted", given=())
    yield replace(c, name="reversed", then=(at_least(-gap),))
    yield replace(c, name="equality", then=(equal(gap),))
    yield replace(c, name="constant 1/2", then=(at_least(gap - Rational(1, 2)),))
    yield Statement("unaligned", (W1, W2), (), (at_least(2 * norm2(W2 * W1) - norm2(W1) * norm2(W2)),))
    yield literal_only().statement


THEOREM = Theorem(
    name=NAME,
    sheet="ALN-3",
    title="Literally aligned layers need not be aligned with sorted singular values",
    form="counterexample, with the inequality that it violates",
    source="own derivation; alignment as in arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    note="Whether 'aligned' includes a common order of the singular values decides many statements: a user chooses.",
)
