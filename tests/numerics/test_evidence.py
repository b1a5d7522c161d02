"""Evidence: what is true is certified and supported, what is false is refuted by an exact point, and the rest is undecided."""

import json
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from sympy import Identity, MatrixSymbol, Rational, Symbol, Trace

from numerics import evidence
from numerics.draws import Degenerate, ExactDraw, FloatDraw
from numerics.evidence import SamplerError, certify, exact_values, holds, support
from theory import kernel
from theory.dag import entry, expect, lin, mul, num, var
from theory.errors import InvalidInput
from theory.expressions import DiagonalPart, norm2
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Instance, Theorem, theorems

x, y = Symbol("x"), Symbol("y")
SAMPLED = [t for t in theorems().values() if t.sample and t.certified_at]
A, B = MatrixSymbol("A", 2, 2), MatrixSymbol("B", 2, 2)


def theorem(statement, values, name="test.theorem"):
    """A theorem about one statement; `values(draw)` draws the variables."""
    plain = {"sheet": "T1", "title": "", "form": "", "source": "", "claims": tuple, "sharpness": tuple, "variants": tuple}
    return Theorem(name, sample=lambda draw, widths: Instance(statement, values(draw)), **plain)


def scalars(*then, given=()):
    return theorem(Statement("s", (x, y), given, then), lambda d: {"x": d.scalar(), "y": d.scalar()})


def matrices(*then):
    return theorem(Statement("m", (A, B), (), then), lambda d: {"A": d.matrix(2, 2), "B": d.matrix(2, 2)})


TRUE = {
    "a square": scalars(at_least((x - y) ** 2)),
    "a strict sum": scalars(greater(x**2 + y**2 + 1)),
    "a trace": matrices(equal(Trace(A * B), Trace(B * A))),
    "a gram matrix": matrices(at_least(A.T * A)),
    "a definite one": matrices(greater(A.T * A + Rational(1, 9) * B * B.T + Identity(2))),
}
FALSE = {
    "a coefficient wrong by a millionth": matrices(equal(Trace(A * B), Rational(1000001, 1000000) * Trace(B * A))),
    "a product that commutes": matrices(equal(A * B, B * A)),
    "a matrix that is not symmetric": matrices(at_least(A.T * A + B)),
    "a rare violation": scalars(at_least(6 - x - y)),
    "a strict one that is not": scalars(greater((x - y) ** 2 - Rational(1, 10))),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_certified_and_supported(name):
    exact, floats = certify(TRUE[name], (2,), 40, seed=1), support(TRUE[name], (2,), 5000, seed=1)
    assert (exact.grade, exact.instances, exact.point) == ("CERTIFIED", 40, None)
    assert (floats.grade, floats.instances + floats.inconclusive) == ("SUPPORTED", 5000)
    assert floats.inconclusive <= 5 and floats.worst <= floats.tolerance
    assert floats.bound.startswith("density of violations < 0.0006")


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_is_refuted_by_a_point_that_the_kernel_accepts(name):
    found = support(FALSE[name], (2,), 1_000_000, seed=1)
    assert found.grade == "REFUTED"
    assert kernel.check(found.certificate).claim == "refuted"
    assert found.worst > found.tolerance
    json.dumps(found.json(), allow_nan=False)


def test_an_exact_violation_is_refuted():
    found = certify(FALSE["a product that commutes"], (2,), 20)
    assert found.grade == "REFUTED" and kernel.check(found.certificate).claim == "refuted"
    assert found.instances >= 1 and set(found.point) == {"A", "B"}


def test_refutations_in_floats_are_rounded_to_readable_points():
    found = support(FALSE["a product that commutes"], (2,), 10)
    assert all(Fraction(str(v)).denominator <= 2 for table in found.point.values() for row in table for v in row)


def test_the_same_seed_gives_the_same_record():
    for name in ("a trace", "a gram matrix"):
        assert support(TRUE[name], (2,), 3000, seed=5).json() == support(TRUE[name], (2,), 3000, seed=5).json()
        assert certify(TRUE[name], (2,), 9, seed=5) == certify(TRUE[name], (2,), 9, seed=5)
    worst = {support(TRUE["a trace"], (2,), 3000, seed=s).worst for s in (5, 6)}
    assert len(worst) == 2


def test_a_sampler_that_violates_the_hypotheses_is_an_error_exactly_and_inconclusive_in_floats():
    wrong = scalars(at_least(x**2), given=(at_least(-1 - x**2),))
    with pytest.raises(SamplerError, match="instance 0"):
        certify(wrong, (1,), 5)
    found = support(wrong, (1,), 100)
    assert (found.grade, found.instances, found.inconclusive) == ("UNDECIDED", 0, 100)


def test_a_violation_outside_the_hypotheses_does_not_count():
    sometimes = scalars(greater(x), given=(greater(x),))
    found = support(sometimes, (1,), 1000)
    assert found.grade == "SUPPORTED" and 300 < found.inconclusive < 700


def test_values_that_overflow_are_inconclusive():
    blown = theorem(Statement("s", (x,), (), (at_least(x**2),)), lambda d: {"x": d.value(x * 10**200, {"x": d.positive()})})
    found = support(blown, (1,), 100)
    assert (found.grade, found.instances, found.inconclusive) == ("UNDECIDED", 0, 100)


def test_a_float_violation_that_holds_exactly_is_dismissed(monkeypatch):
    monkeypatch.setattr(evidence, "REPLAY_BITS", (60,))
    z = Symbol("z")
    # z = (x + 2^60) - 2^60 is x exactly, and has lost x in floats.
    shift = lambda d, v: d.value(z - 2**60, {"z": d.value(x + 2**60, v)})  # noqa: E731
    lost = theorem(
        Statement("lost", (x, z), (), (equal(x, z),)), lambda d: (lambda v: {"x": v["x"], "z": shift(d, v)})({"x": d.scalar()})
    )
    assert certify(lost, (1,), 20).grade == "CERTIFIED"
    found = support(lost, (1,), 10)
    assert found.dismissed == 10 and found.grade == "UNDECIDED" and found.instances == 0
    many = support(lost, (1,), 1000)
    assert many.grade == "UNDECIDED" and "violations in a batch" in many.detail


def test_a_float_violation_without_an_exact_point_is_undecided_with_the_suspicious_point():
    def values(d):
        return {"x": d.scalar() + 1 if isinstance(d, FloatDraw) else fmpq(0)}

    found = support(theorem(Statement("s", (x,), (greater(x**2),), (at_least(x),)), values), (1,), 1000)
    assert found.grade == "UNDECIDED" and "no exact point" in found.detail
    assert Fraction(str(found.point["x"])) < 0


def test_a_point_that_the_kernel_rejects_is_undecided(monkeypatch):
    def refuse(certificate):
        raise kernel.Rejected("too large")

    monkeypatch.setattr(kernel, "check", refuse)
    found = certify(FALSE["a product that commutes"], (2,), 20)
    assert found.grade == "UNDECIDED" and "too large" in found.detail and found.certificate is None


def test_degenerate_draws_are_taken_again_and_counted():
    s = Statement("s", (x, y), (equal(x * y - 1),), (greater(x**2),))
    solved = theorem(s, lambda d: (lambda v: {"x": v, "y": d.solve(x, y, {"x": v, "y": fmpq(1)})})(d.scalar()))
    found = certify(solved, (1,), 60)
    assert found.grade == "CERTIFIED" and found.degenerate > 0

    def never(draw):
        raise Degenerate("no solution")

    with pytest.raises(SamplerError, match="degenerate"):
        certify(theorem(s, never), (1,), 1)


@pytest.mark.parametrize("count", [0, -3])
def test_counts_are_positive(count):
    for run in (certify, support):
        with pytest.raises(InvalidInput, match="count"):
            run(TRUE["a trace"], (2,), count)


def test_a_theorem_without_a_sampler_is_refused():
    bare = replace(TRUE["a trace"], sample=None)
    for run in (certify, support):
        with pytest.raises(InvalidInput, match="sampler"):
            run(bare, (2,), 1)


def test_means_are_exact_at_a_point():
    e, w = var("e", (2, 1)), var("w", (1, 2))
    f = expect(mul(entry(mul(w, e), 0, 0), entry(mul(w, e), 0, 0)), e, [num(1), num(1), lin((1, num(1)), (1, var("s")))])
    values = {"w": fmpq_mat([[1, 2]]), "s": fmpq(1, 2), "e": fmpq_mat([[0], [0]])}
    assert exact_values([f], values) == [9 + fmpq(5, 2)]  # (1 + 2)^2 + s (1 + 4)
    with pytest.raises(InvalidInput, match="noise only"):
        exact_values([f, entry(e, 0, 0)], values)


@pytest.mark.parametrize(
    ("table", "semidefinite", "definite"),
    [
        ([[1, 1], [1, 1]], True, False),
        ([[0, 1], [1, 5]], False, False),
        ([[0, 0], [0, 2]], True, False),
        ([[2, 1], [1, 1]], True, True),
        ([[1, 2], [2, 1]], False, False),
        ([[1, 1], [0, 1]], False, False),
    ],
)
def test_exact_semidefiniteness(table, semidefinite, definite):
    a = fmpq_mat(table)
    assert (holds(">=", a), holds(">", a)) == (semidefinite, definite)
    assert holds("==", a - a) and not holds("==", a)


def test_elimination_agrees_with_eigenvalues():
    d = ExactDraw(3)
    for k in range(60):
        a = d.psd(4) - (d.psd(4, rank=1) if k % 2 else fmpq_mat(4, 4))
        least = np.linalg.eigvalsh(np.array([[float(v) for v in row] for row in a.tolist()], dtype=float))[0]
        if abs(least) > 1e-9:
            assert holds(">=", a) == holds(">", a) == bool(least > 0)


@pytest.mark.parametrize("found", SAMPLED, ids=[t.name for t in SAMPLED])
def test_the_theorems_are_certified_and_supported_at_their_smallest_sizes(found):
    assert certify(found, found.certified_at[0], 3, seed=1).grade == "CERTIFIED"
    for widths in found.supported_at[:1]:  # not all have instances in floats
        assert support(found, widths, 200, seed=1).grade == "SUPPORTED"


def test_norms_and_diagonal_parts_are_understood():
    same = matrices(equal(norm2(A), Trace(A * A.T)), equal(Trace(DiagonalPart(A)), Trace(A)))
    assert support(same, (2,), 50).grade == "SUPPORTED"


# -- memory -------------------------------------------------------------------------------------------------------------


def peak(memory, count):
    """The bytes that `support` allocates at its height for 40 x 40 layers."""
    found, widths = theorems()["alignment.discrete_defect"], (40, 40, 40)
    support(found, widths, 1)  # what is compiled and imported does not count
    tracemalloc.start()
    try:
        assert support(found, widths, count, memory=memory).instances == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_batch_stays_under_the_memory_cap():
    cap = 24 << 20
    assert peak(cap, 300) < cap < peak(1 << 30, 300)


def test_a_single_instance_is_drawn_whatever_the_cap():
    assert peak(1, 3) > 1
