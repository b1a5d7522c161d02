"""Membership in words and in the entries: what must be found, how fast, and what must not be."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from sympy import Identity, MatrixSymbol, Symbol, symbols

from theory.expressions import DiagonalPart, gradient, norm2
from theory.provers import Budget, Status, cofactors, identity, words
from theory.statement import Statement, equal, greater
from theory.theorems.minima.setting import Setting, widths_of


def network(depth: int) -> Statement:
    """critical => balanced for |P X - Y|^2 + lam sum |W_i|^2, all dimensions symbolic."""
    d, n, lam = symbols(f"d0:{depth + 1}"), Symbol("n"), Symbol("lam")
    layers = [MatrixSymbol(f"W{i}", d[i], d[i - 1]) for i in range(1, depth + 1)]
    X, Y, P = MatrixSymbol("X", d[0], n), MatrixSymbol("Y", d[depth], n), layers[0]
    for W in layers[1:]:
        P = W * P
    loss = norm2(P * X - Y) + lam * sum(norm2(W) for W in layers)
    critical = [equal(gradient(loss, W)) for W in layers]
    balanced = [equal(W * W.T, V.T * V) for W, V in pairwise(layers)]
    return Statement(f"critical => balanced {depth}", (*layers, X, Y, lam), (*critical, greater(lam)), tuple(balanced))


def power(depth: int) -> Statement:
    """balanced => P^T P = (W_1^T W_1)^depth."""
    s = network(depth)
    layers = s.variables[:depth]
    P = layers[0]
    for W in layers[1:]:
        P = W * P
    return Statement(f"balanced => power {depth}", layers, s.then, (equal(P.T * P, (layers[0].T * layers[0]) ** depth),))


def energies(depth: int) -> Statement:
    s = Setting(widths_of(depth))
    given = tuple(equal(gradient(s.loss, W)) for W in s.layers)
    pairs = zip(s.decay, s.layers, strict=True)
    return Statement(
        f"energies {depth}", s.variables, given, tuple(equal(c * norm2(W), s.fit - s.second_moment) for c, W in pairs)
    )


def neurons(depth: int) -> Statement:
    s = Setting(widths_of(depth))
    given = tuple(equal(gradient(s.loss, W)) for W in s.layers)
    sides = [(c * W * W.T, b * V.T * V) for c, W, b, V in zip(s.decay, s.layers, s.decay[1:], s.layers[1:], strict=False)]
    return Statement(f"neurons {depth}", s.variables, given, tuple(equal(DiagonalPart(x - y)) for x, y in sides))


@pytest.mark.parametrize("s", [f(d) for f in (network, power, energies, neurons) for d in (2, 3)], ids=lambda s: s.name)
def test_words_find_it_at_every_width(s: Statement) -> None:
    start = time.monotonic()
    out = words.PROVER(s.lowered())
    assert out.status is Status.FOUND, str(out)
    assert time.monotonic() - start < 5, "it takes 0.1 s"


@pytest.mark.parametrize("at", [1, 2])
def test_cofactors_find_it_in_the_entries(at: int) -> None:
    s = network(2)
    out = cofactors.PROVER(s.lowered(dict.fromkeys(("d0", "d1", "d2", "n"), at)))
    assert out.status is Status.FOUND, str(out)


def test_a_fact_of_finite_dimension_is_found_there_and_not_in_words() -> None:
    U = MatrixSymbol("U", Symbol("n"), Symbol("n"))
    one = Identity(Symbol("n"))
    s = Statement("right inverse", (U,), (equal(U.T * U, one),), (equal(U * U.T, one),))
    assert words.PROVER(s.lowered(), Budget(2)).status is Status.NOT_FOUND
    assert cofactors.PROVER(s.lowered({"n": 2})).status is Status.FOUND
    assert cofactors.PROVER(s.lowered()).status is Status.DOES_NOT_APPLY


@pytest.mark.parametrize("prover", [words.PROVER, cofactors.PROVER, identity.PROVER], ids=lambda p: p.name)
def test_without_decay_nothing_is_found(prover: object) -> None:
    s = network(2)
    without = Statement("no decay", s.variables, s.given[:-1], s.then).lowered(dict.fromkeys(("d0", "d1", "d2", "n"), 1))
    assert not prover(without, Budget(2)).found  # type: ignore[operator]


def test_all_conclusions_are_needed() -> None:
    s = power(2)
    W = s.variables[0]
    both = Statement("one true, one false", s.variables, s.given, (*s.then, equal(W.T * W, (W.T * W) ** 2)))
    out = words.PROVER(both.lowered(), Budget(2))
    assert (out.status, out.found) == (Status.NOT_FOUND, None)
