"""Inequalities in one unknown: complete, exact, and never wrong."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from sympy import MatrixSymbol, Rational, Symbol, Trace, symbols

from theory.provers import Budget, Status, univariate
from theory.provers.one_unknown import problems, simplest
from theory.provers.points import counterexample
from theory.statement import Condition, Statement, at_least, equal, greater

t = Symbol("t")
EPS = Rational(1, 10**6)


def outcome(then: Condition, *given: Condition) -> univariate.Evidence:
    return univariate.PROVER(Statement("one unknown", (t,), given, (then,)).lowered(), Budget(20))


TRUE = [
    (at_least((t**2 - 2) ** 2 * (t**2 + 1)),),
    (at_least((t**3 - 2) ** 2 * (t + 1)), at_least(t + 1)),
    (greater((t**2 - 2) ** 2), greater(3 * t - 4), greater(7 - 5 * t)),
    (at_least(t**3 - 3 * t + 2), at_least(t + 2)),
    (greater(t * (1 - t)), greater(t), greater(1 - t)),
    (greater(1000 * (t**2 - 2) ** 2 + EPS),),
    (at_least(t**12 - 12 * t + 11),),
    (at_least(-(t**5)), at_least(-t)),
    (at_least(t**2 - 4), at_least(t - 2), at_least(2 - t)),
    (greater(t - 9), greater(t - 2), greater(1 - t)),
    (at_least(Rational(3, 2) - t), at_least(2 - t**2)),
    (greater(t + 7), equal(t**2 + 1)),
]
FALSE = [
    (greater((t**2 - 2) ** 2),),
    (at_least((t**2 - 2) ** 2 - Rational(1, 10**12)),),
    (at_least(t**3 - 3 * t + 2), at_least(t + 2 + EPS)),
    (greater(t * (1 - t)), greater(t), at_least(1 - t)),
    (at_least(Rational(7, 5) - t), at_least(2 - t**2)),
    (at_least(t - 2), at_least(t - 2 + EPS)),
    (greater(t - 2), at_least(t - 2), at_least(2 - t)),
    (at_least(-1 + 0 * t),),
]


@pytest.mark.parametrize("case", TRUE, ids=str)
def test_true(case: tuple[Condition, ...]) -> None:
    assert outcome(*case).status is Status.FOUND


@pytest.mark.parametrize("case", FALSE, ids=str)
def test_false_ones_come_with_the_place_where_they_fail(case: tuple[Condition, ...]) -> None:
    out = outcome(*case)
    assert out.status is Status.NOT_FOUND and "it fails at" in out.detail


@pytest.mark.parametrize("seed", range(30))
def test_every_random_inequality_is_proved_or_refuted(seed: int) -> None:
    """Completeness on an interval, half-line or the line; strict with a double irrational root is the only exception."""
    rng = random.Random(seed)
    p = sum(rng.randint(-4, 4) * t**i for i in range(5)) ** rng.choice((1, 2)) * (t**2 - rng.randint(2, 5)) ** rng.choice(
        (0, 2)
    )
    p += rng.choice((0, 0, 1, EPS))
    given = rng.sample([at_least(t + 2), greater(3 - t), at_least(t)], rng.randint(0, 2))
    s = Statement("random", (t,), tuple(given), (at_least(p),)).lowered()
    proved, refuted = (f(s, Budget(20)).found for f in (univariate.PROVER, counterexample))
    assert (proved is None) != (refuted is None)


def test_an_unknown_may_be_a_trace() -> None:
    A = MatrixSymbol("A", Symbol("n"), Symbol("n"))
    s = Statement("trace", (A,), (), (greater(Trace(A) ** 2 - Trace(A) + 1),))
    assert univariate.PROVER(s.lowered()).found


def test_several_unknowns_are_not_for_it() -> None:
    x, y = symbols("x y")
    s = Statement("two", (x, y), (), (at_least(x**2 + y**2),))
    assert univariate.PROVER(s.lowered()).status is Status.DOES_NOT_APPLY


def test_the_violating_point_is_exact_and_simple() -> None:
    s = Statement("dip", (t,), (), (at_least((t**2 - 2) ** 2 - Rational(1, 10**12)),)).lowered()
    x = problems(s, s.then[0])[0].violating_point()
    assert x is not None and (x**2 - 2) ** 2 < Fraction(1, 10**12)


def test_the_simplest_rational_lies_strictly_between() -> None:
    rng = random.Random(0)
    for _ in range(300):
        low = Fraction(rng.randint(-50, 50), rng.randint(1, 30))
        high = low + Fraction(1, rng.randint(1, 500))
        x = simplest(low, high)
        assert low < x < high
        assert not any(
            low < Fraction(p, q) < high for q in range(1, x.denominator) for p in range(int(low * q) - 1, int(high * q) + 2)
        )
