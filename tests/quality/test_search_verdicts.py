"""Verdicts on conjectures: proved where, refuted, vacuous, open; which hypotheses matter; nothing hangs, nothing is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sympy import Determinant, Identity, MatrixSymbol, Symbol, symbols

from deeplin import conjecture_run as running
from deeplin import conjecture_work as work
from deeplin.conjecture import Conjecture, Verdict, check
from deeplin.conjecture_state import State
from deeplin.report import Grade
from theory import kernel
from theory.errors import InvalidInput
from theory.expressions import norm2
from theory.network import network
from theory.predicates.flow import Conserved
from theory.predicates.orthogonal import Orthogonal
from theory.statement import Statement, at_least, equal, greater

x, y, n = symbols("x y n")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
M = [Symbol(f"m{i}") for i in range(5)]
# true, and beyond the provers
OPEN = Statement("means", tuple(M), (), (at_least(sum(m**10 for m in M) - 5 * (M[0] * M[1] * M[2] * M[3] * M[4]) ** 2),))


def judged(v: Verdict) -> Verdict:
    """The verdict, once the kernel has accepted all its certificates again."""
    assert all(kernel.check(c) for c in v.certificates)
    return v


def test_proved_for_all_widths_with_a_witness() -> None:
    net = network(("d0", "d1", "d2"))
    s = Statement("conserved", net.variables, (net.balanced(),), (Conserved(norm2(net.layers[0]), net.loss, net.layers),))
    wrong = judged(check(s, budget=20))
    assert wrong.grade is Grade.REFUTED  # the norm itself changes
    kept = norm2(net.layers[0]) - norm2(net.layers[1])
    right = judged(check(Statement("kept", net.variables, (), (equal(net.along_flow(kept)),)), budget=20))
    assert (right.grade, right.scope, right.missing) == (Grade.PROVED, "all widths at depth 2", "")
    balanced = judged(check(Statement("norms", net.variables, (net.balanced(),), (equal(kept),)), budget=20))
    assert balanced.grade is Grade.PROVED and balanced.witness is not None and len(balanced.certificates) == 2


def test_proved_at_the_sizes_and_only_there() -> None:
    s = Statement("turned", (A,), (Orthogonal(A),), (equal(Determinant(A) ** 2, 1),))
    with pytest.raises(InvalidInput, match="determinant"):
        check(s, budget=1)
    family = Conjecture(lambda w: _turned(w[0]), sizes=[(1,), (2,)])
    v = judged(check(family, budget=20))
    assert (v.grade, v.scopes) == (Grade.PROVED, ("Q 1x1", "Q 2x2"))


def _turned(size: int) -> Statement:
    Q = MatrixSymbol("Q", size, size)
    return Statement("turned", (Q,), (equal(Q.T * Q, Identity(size)),), (equal(Determinant(Q) ** 2, 1),))


def test_refuted_at_one_size_proved_at_another() -> None:
    commute = Statement("commute", (A, B), (), (equal(A * B, B * A),))
    v = judged(check(Conjecture(commute, sizes=[{"n": 1}, {"n": 2}]), budget=20))
    assert v.grade is Grade.REFUTED and v.scopes == ("A 2x2, B 2x2",)
    assert set(v.also) <= {"A 1x1, B 1x1"}


def test_vacuous_with_the_contradiction_as_a_certificate() -> None:
    v = judged(check(Statement("nothing", (x, y), (greater(x - y), greater(y - x)), (equal(x),)), budget=20))
    assert v.grade is Grade.VACUOUS and v.certificates[0]["claim"] == "contradictory" and v.witness is None


def test_open_says_what_was_tried_and_keeps_to_the_budget() -> None:
    start = time.monotonic()
    v = check(OPEN, budget=1.5)
    assert v.grade is Grade.UNDECIDED and time.monotonic() - start < 4
    assert {t.kind for t in v.trials} == {"refute", "prove"}
    assert "neither proved nor refuted" in v.missing and "tried:" in str(v)


def test_an_irrational_counterexample() -> None:
    v = check(Statement("root", (x,), (equal(x**2, 2),), (at_least(1, x),)), budget=20)
    assert (v.grade, v.certificates) == (Grade.REFUTED, ()) and v.root is not None and "root of a**2 - 2" in str(v)


def test_which_hypotheses_matter() -> None:
    given = (at_least(x), greater(y), at_least(y + 5))
    v = check(Statement("sharp", (x, y), given, (at_least(x * y),)), budget=40, sharpness=True)
    table = {s.change: s.status for s in v.sharpness}
    assert list(table.values()) == ["needed", "needed", "redundant", "redundant", "needed"]
    assert list(table)[3].startswith(">= instead of >") and list(table)[4].startswith("> instead of >=")
    assert all((s.point is not None) == (s.status == "needed") for s in v.sharpness)


# -- what goes wrong ------------------------------------------------------------------------------------------------------


def with_work(monkeypatch: pytest.MonkeyPatch, messages: Any) -> None:
    monkeypatch.setattr(work, "messages", messages)


def test_a_crash_of_a_search_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(task: work.Task) -> Iterator[work.Message]:
        if task.kind == "refute":
            os._exit(9)
        yield work.Message("outcome", "not found", "nothing")

    with_work(monkeypatch, dies)
    v = check(OPEN, budget=0.4)
    assert v.grade is Grade.UNDECIDED and any("crashed" in t.status and t.kind == "refute" for t in v.trials)


def test_a_search_without_memory_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(task: work.Task) -> Iterator[work.Message]:
        yield work.Message("outcome", "begun", str(len(bytearray(1 << 40))))

    with_work(monkeypatch, greedy)
    v = check(OPEN, budget=0.4)
    assert v.grade is Grade.UNDECIDED and any(t.status == "out of memory" for t in v.trials)


def test_a_search_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(task: work.Task) -> Iterator[work.Message]:
        while True:
            pass
        yield

    with_work(monkeypatch, hangs)
    start = time.monotonic()
    v = check(OPEN, budget=0.5)
    assert v.grade is Grade.UNDECIDED and time.monotonic() - start < 3


def test_what_a_search_claims_is_compared_with_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    other = check(Statement("other", (x,), (), (at_least(x**2),)), budget=20).certificates[0]

    def lies(task: work.Task) -> Iterator[work.Message]:
        yield work.Message("proved", "found", "a certificate of another statement", other)
        root = {"polynomial": [-2, 0, 1], "index": 0}
        yield work.Message("refuted", "", "irrational", None, {"root": root, "point": {"x": [1]}})

    with_work(monkeypatch, lies)
    assert check(Statement("mine", (x,), (), (at_least(x**4),)), budget=0.5).grade is Grade.UNDECIDED


def test_an_interruption_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(lane: running.Lane) -> bool:
        if lane.state.proofs:
            raise KeyboardInterrupt
        return advance(lane)

    advance = running.Lane.advance
    monkeypatch.setattr(running.Lane, "advance", interrupted)
    sizes = [(1,), (2,)]
    v = check(Conjecture(lambda w: _turned(w[0]) if w[0] == 1 else OPEN, sizes=sizes), budget=20)
    assert v.interrupted and "Q 1x1" in [t.scope for t in v.trials if t.kind == "prove" and t.status == "found"]


def test_a_proof_without_a_witness_is_not_proved() -> None:
    s = Statement("s", (x,), (equal(x**2, 2),), (equal(x**4, 4),)).lowered()
    state = State("s", [s], time.monotonic() + 1, 0)
    found = check(Statement("s", (x,), (equal(x**2, 2),), (equal(x**4, 4),)), budget=20)
    assert found.grade is Grade.PROVED and found.witness_root is not None
    state.proofs[0] = found.certificates[0]
    assert state.verdict().grade is Grade.UNDECIDED and "without a witness" in state.verdict().missing


@pytest.mark.parametrize("bad", [3, Conjecture(3), Conjecture(OPEN, sizes=[(2,)])])  # type: ignore[arg-type]
def test_bad_arguments_are_named(bad: Any) -> None:
    with pytest.raises(InvalidInput):
        check(bad, budget=1)
    with pytest.raises(InvalidInput, match="budget"):
        check(OPEN, budget=0)


def test_a_proof_for_all_widths_at_one_depth_says_nothing_about_another() -> None:
    def product(widths: Any) -> Statement:
        net = network(widths)
        claim = equal(net.along_flow(norm2(net.layers[0]) - norm2(net.layers[1])))
        return Statement("kept", net.variables, (), (claim if net.depth == 2 else equal(norm2(net.product), 0),))

    v = judged(check(Conjecture(product, sizes=[("d0", "d1", "d2"), (1, 1, 1, 1)]), budget=20))
    assert v.grade is Grade.REFUTED and v.scopes == ("widths (1, 1, 1, 1)",)
    narrow = judged(check(Conjecture(product, sizes=[("d0", 1, "d2")]), budget=20))
    assert narrow.scopes == ("all widths (d0, 1, d2), where W1 is 1xd0, W2 is d2x1",)
