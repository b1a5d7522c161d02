"""Inequalities that need a multiplier or a cofactor of higher degree, and false twins, each refuted by an exact point."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from sympy import MatrixSymbol, Rational, Trace, symbols

from theory import dag, kernel
from theory.certificates import at_point
from theory.expressions import SymmetricSymbol, inner, lower, norm2
from theory.provers import Budget, Status, positivity
from theory.provers.api import TimeUp
from theory.provers.gram import ldl
from theory.provers.sparse_squares import Facts, Polytope, Sparsely, multipliers
from theory.statement import Condition, Statement, at_least, equal, greater

pytest.importorskip("clarabel")
n, m = symbols("n m")
a, c, g, gu, gw, u, w, x, y, z, w1, w2, w3, v1, v2, v3 = symbols("a c g gu gw u w x y z w1 w2 w3 v1 v2 v3")
U, V = MatrixSymbol("U", n, m), MatrixSymbol("V", n, m)
MORE = Rational(1001, 1000)
POSITIVE = (greater(gu), greater(gw))
BALANCED, BELOW, BARELY = equal(c**2, gu * gw), at_least(gu * gw, g**2), at_least(MORE * gu * gw, g**2)
PAIR = gu * u**2 + gw * w**2
WELL = a * (u * w) ** 2 - 2 * g * u * w + PAIR
G = (w2 * w3, w1 * w3, w1 * w2)
TRACE = sum(p**2 for p in G)
ALONG = sum(p * v for p, v in zip(G, (v1, v2, v3), strict=True)) ** 2
UNIT, LONGER = equal(v1**2 + v2**2 + v3**2, 1), equal(v1**2 + v2**2 + v3**2, MORE**2)
NORMS = gu * norm2(U) + gw * norm2(V)
LAYERS, CUBE = (w1, w2, w3, y), equal(w1 * w2 * w3, y**3)
SCALARS, WELLS, VALLEY = (u, w, c, gu, gw), (u, w, a, g, gu, gw), (w1, w2, w3, v1, v2, v3)
FORM = x * a**2 + 2 * y * a * c + z * c**2
Given = tuple[Condition, ...]
TRUE: list[tuple[str, tuple, Given, Condition]] = [
    ("pair", SCALARS, (*POSITIVE, BALANCED), at_least(PAIR, 2 * c * u * w)),
    ("pair, one weight known positive", SCALARS, (greater(gw), BALANCED), at_least(PAIR, 2 * c * u * w)),
    ("well", WELLS, (at_least(a), *POSITIVE, BELOW), at_least(WELL)),
    ("well, strict", WELLS, (at_least(a), *POSITIVE, BELOW, greater(a)), greater(WELL + a)),
    ("unit vector", VALLEY, (UNIT,), at_least(TRACE, ALONG)),
    ("form", (x, y, z, a, c), (greater(x), at_least(x * z, y**2)), at_least(FORM)),
    ("product of multipliers", (x, y, z), (greater(x), greater(y), greater(x * y * z)), greater(z)),
    ("means of three products", LAYERS, (CUBE,), at_least(TRACE, 3 * y**4)),
    ("pair, all widths", (U, V, c, gu, gw), (*POSITIVE, BALANCED), at_least(NORMS, 2 * c * inner(U, V))),
    (
        "pair of matrices, all widths",
        (U, V, c, gu, gw),
        (*POSITIVE, at_least(gu * gw, c**2)),
        at_least(gu * U.T * U + gw * V.T * V - c * U.T * V - c * V.T * U),
    ),
]
ONES = {"u": 1, "w": 1, "c": 1, "g": 1, "gu": 1, "gw": 1, "a": 0}
ZEROS = dict.fromkeys(("u", "w", "c", "g", "w1", "w2", "w3", "v2", "v3"), 0) | {"a": 1, "gu": 1, "gw": 1, "v1": 1}
NEGATIVE = {**ONES, "gu": -1, "gw": -1}
FLAT = {"w1": 0, "w2": 1, "w3": 1, "v1": 1, "v2": 0, "v3": 0}
EQUAL = {"w1": 1, "w2": 1, "w3": 1, "y": 1}
MATRICES = {"U": [[1]], "V": [[1]]}
FALSE: list[tuple[str, tuple, Given, Condition, Mapping[str, Any]]] = [
    ("constant", SCALARS, (*POSITIVE, BALANCED), at_least(PAIR, 2 * MORE * c * u * w), ONES),
    ("no signs", SCALARS, (BALANCED,), at_least(PAIR, 2 * c * u * w), NEGATIVE),
    ("strict", SCALARS, (*POSITIVE, BALANCED), greater(PAIR, 2 * c * u * w), ONES),
    ("signs not strict", SCALARS, (at_least(gu), BALANCED), at_least(PAIR, 2 * c * u * w), {**ONES, "gu": 0, "gw": -1, "c": 0}),
    ("well, constant", WELLS, (at_least(a), *POSITIVE, BARELY), at_least(WELL), {**ONES, "g": "4001/4000"}),
    ("well, no signs", WELLS, (at_least(a), BELOW), at_least(WELL), NEGATIVE),
    ("well, no sign of a", WELLS, (*POSITIVE, BELOW), at_least(WELL), {**ONES, "a": -1}),
    ("well, strict", WELLS, (at_least(a), *POSITIVE, BELOW), greater(WELL), ZEROS),
    ("unit vector, constant", VALLEY, (UNIT,), at_least(TRACE, MORE * ALONG), FLAT),
    ("unit vector, longer", VALLEY, (LONGER,), at_least(TRACE, ALONG), {**FLAT, "v1": "1001/1000"}),
    ("any vector", VALLEY, (), at_least(TRACE, ALONG), {**FLAT, "v1": 2}),
    ("unit vector, strict", VALLEY, (UNIT,), greater(TRACE, ALONG), ZEROS),
    ("form", (x, y, z, a, c), (at_least(x), at_least(x * z, y**2)), at_least(FORM), {"x": 0, "y": 0, "z": -1, "a": 0, "c": 1}),
    ("means, constant", LAYERS, (CUBE,), at_least(TRACE, 3 * MORE * y**4), EQUAL),
    ("means, no hypothesis", LAYERS, (), at_least(TRACE, 3 * y**4), {**EQUAL, "w1": 0}),
    ("means, strict", LAYERS, (CUBE,), greater(TRACE, 3 * y**4), EQUAL),
    ("half of a product", (x, y, z), (greater(x), greater(x * y * z)), greater(z), {"x": 1, "y": -1, "z": -1}),
    (
        "all widths, constant",
        (U, V, c, gu, gw),
        (*POSITIVE, BALANCED),
        at_least(NORMS, 2 * MORE * c * inner(U, V)),
        {**ONES, **MATRICES},
    ),
    ("all widths, no signs", (U, V, c, gu, gw), (BALANCED,), at_least(NORMS, 2 * c * inner(U, V)), {**NEGATIVE, **MATRICES}),
    ("all widths, strict", (U, V, c, gu, gw), (*POSITIVE, BALANCED), greater(NORMS, 2 * c * inner(U, V)), {**ONES, **MATRICES}),
]


def stated(name: str, variables: tuple, given: Given, then: Condition) -> Statement:
    return Statement(name, variables, given, (then,))


@pytest.mark.parametrize("case", TRUE, ids=lambda c: c[0])
def test_true(case: Any) -> None:
    found = positivity.PROVER(stated(*case).lowered(), Budget(20)).found
    assert found is not None
    assert kernel.check(found).claim == "proved"


@pytest.mark.parametrize("case", FALSE, ids=lambda c: c[0])
def test_false(case: Any) -> None:
    s = stated(*case[:4])
    assert positivity.PROVER(s.lowered(), Budget(4)).status in (Status.NOT_FOUND, Status.TIMED_OUT)


@pytest.mark.parametrize("case", FALSE, ids=lambda c: c[0])
def test_an_exact_point_refutes_it(case: Any) -> None:
    s = stated(*case[:4]).lowered()
    s = stated(*case[:4]).lowered(dict.fromkeys(s.dims, 1))
    point = {str(v.data[0]): case[4][str(v.data[0])] for v in s.variables}
    assert kernel.check(at_point(s, point, "refuted")).claim == "refuted"


@pytest.mark.parametrize("size", [1, 2])
def test_matrix_hypotheses_of_a_given_size(size: int) -> None:
    """gu times the difference is (gu x - c y)^2 P^T A P, where A >= 0 is a weight of each size, 1 x 1 too."""
    S = SymmetricSymbol("A", n)
    P = MatrixSymbol("P", n, 1)
    claim = at_least(gu * Trace(P.T * S * P) * x**2 + gw * Trace(P.T * S * P) * y**2, 2 * c * x * y * Trace(P.T * S * P))
    s = stated("weighted by a matrix", (S, P, x, y, c, gu, gw), (at_least(S), *POSITIVE, BALANCED), claim)
    assert positivity.PROVER(s.lowered({"n": size}), Budget(20)).found


def test_multipliers_are_products_of_positive_scalars() -> None:
    s = stated("signs", (x, y, z), (greater(x), at_least(y), greater(z)), at_least(x)).lowered()
    first, _, third = s.variables
    assert multipliers(s) == [(), (first,), (third,), (first, first), (first, third), (third, third)]


def test_the_polytope_bounds_the_squares() -> None:
    clock = Budget().clock()
    square = {(4, 0), (2, 2), (0, 4)}
    assert Polytope(square, (0, 1)).halves({(0, 0): 1}, clock) == [(0, 2), (1, 1), (2, 0)]
    assert Polytope(square, (0, 1)).halves({(1, 1): 1}, clock) == [(0, 1), (1, 0)]
    assert Polytope(square, (0, 1)).halves({(2, 1): 1}, clock) == []


def test_squares_that_cannot_take_part_are_left_out() -> None:
    s = stated("Motzkin", (x, y), (), at_least(x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 + 1)).lowered()
    facts = Facts(s, s.then[0], Budget().clock())
    (program, _), *_ = Sparsely(facts).programs(facts.target)
    assert set(program.blocks[0].elements) == set(map(lower, (1, x * y, x * y**2, x**2 * y)))


def test_few_monomials_take_part() -> None:
    s = stated(*TRUE[0]).lowered()
    facts = Facts(s, s.then[0], Budget().clock())
    (program, t), *_ = [p for p in Sparsely(facts).programs(facts.target) if p[1] is not None]
    assert t is dag.known(s.given[0][1])
    assert [b.size for b in program.blocks] == [2, 1]
    assert [str(x) for x in program.blocks[0].elements] == ["mul(c, w)", "mul(gu, u)"]
    assert len(program.free) == 1


def test_factoring_keeps_the_time() -> None:
    clock = Budget(seconds=0.05).clock()
    time.sleep(0.06)
    with pytest.raises(TimeUp):
        ldl([[1]], clock)
