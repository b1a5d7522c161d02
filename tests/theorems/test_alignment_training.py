"""Invariance (INV) and dynamics (DYN) of the family `alignment`: proofs, limits, false variants, independent evaluations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.draws import Degenerate, ExactDraw
from numerics.evidence import certify
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.polynomial import Polynomial
from theory.algebras.rational import Rational, matrix
from theory.certificates import at_point, derivation
from theory.dag import const, entry, lin, num, var
from theory.provers import Budget
from theory.provers.points import counterexample
from theory.statement import Lowered
from theory.theorem import Claim, Theorem
from theory.theorems.alignment import (
    balanced_descent,
    balanced_flow,
    conservation,
    coupling,
    data_criterion,
    discrete_defect,
    fixed_bases,
    generic_data,
    gradient_flow,
    mode_differences,
    mode_dynamics,
    moving_modes,
    rank_one,
    unbalanced_flow,
    universal_invariance,
)
from theory.theorems.alignment.frames import Frames
from theory.theorems.alignment.training import Training, misalignment

MODULES = (
    *(coupling, fixed_bases, universal_invariance, moving_modes, data_criterion, rank_one, gradient_flow, generic_data),
    *(balanced_descent, mode_dynamics, mode_differences, discrete_defect, conservation, balanced_flow, unbalanced_flow),
)
THEOREMS = [m.THEOREM for m in MODULES]
each_theorem = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.sheet)
sampled = pytest.mark.parametrize("theorem", [t for t in THEOREMS if t.sample], ids=lambda t: t.sheet)

# (claims at all widths, at given sizes, in scalars)
SCOPES = {
    "INV-0": (13, 0, 0), "INV-1": (8, 0, 0), "INV-2": (0, 221, 0), "INV-3": (0, 39, 0), "INV-4": (10, 0, 0),
    "INV-6": (12, 0, 0),
    "INV-8": (5, 0, 0), "INV-9": (2, 0, 1), "INV-10": (1, 0, 2), "DYN-1": (6, 0, 12), "DYN-2": (0, 0, 8), "DYN-3": (8, 0, 0),
    "DYN-4": (12, 0, 0), "DYN-5": (0, 0, 31), "DYN-6": (0, 0, 3),
}  # fmt: skip


@cache
def claims(sheet: str) -> tuple[Claim, ...]:
    return tuple(next(t for t in THEOREMS if t.sheet == sheet).claims())


def scope_of(s: Lowered) -> int:
    return 0 if s.dims else 1 if any(v.shape for v in s.variables) else 2


def accepts(s: Lowered, point: Mapping[str, Any], claim: str) -> bool:
    try:
        return kernel.check(at_point(s, point, claim)).claim == claim
    except kernel.Rejected:
        return False


@each_theorem
def test_the_kernel_accepts_every_claim_at_its_scope_in_time(theorem: Theorem) -> None:
    start, counts = time.process_time(), [0, 0, 0]
    for claim in claims(theorem.sheet):
        s = claim.statement.lowered()
        assert claim.steps is not None
        assert kernel.check(derivation(s, claim.steps)).claim == "proved"
        counts[scope_of(s)] += 1
    assert tuple(counts) == SCOPES[theorem.sheet]
    assert time.process_time() - start < 10


@each_theorem
def test_every_claim_with_hypotheses_has_a_witness(theorem: Theorem) -> None:
    for claim in claims(theorem.sheet):
        if claim.statement.lowered().given:
            assert claim.witness is not None, claim.statement.name
            assert accepts(claim.statement.lowered(claim.at), claim.witness, "satisfiable"), claim.statement.name


@each_theorem
def test_every_hypothesis_is_needed(theorem: Theorem) -> None:
    assert theorem.sharpness()
    for example in theorem.sharpness():
        assert accepts(example.statement.lowered(), example.point, "refuted"), example.drops


# -- false variants -----------------------------------------------------------------------------------------------------

# Where the search would have to expand too much.
SUPPLIED = [{"eta": "1/100"}, {"eta": "1/15"}]


def refuted(s: Lowered, points: Mapping[str, Any]) -> bool:
    known = [points[s.name]] if s.name in points else []
    names = {str(v.data[0]) for v in s.variables}
    known += [p for p in SUPPLIED if set(p) == names]
    return any(accepts(s, p, "refuted") for p in known) or bool(counterexample(s, Budget(seconds=10)).found)


@each_theorem
def test_every_false_variant_is_refuted(theorem: Theorem) -> None:
    points = {c.statement.name: c.point for c in theorem.sharpness()}
    variants = list(theorem.variants())
    assert len(variants) >= 4 and len({v.name for v in variants}) >= 4
    for v in variants:
        assert refuted(v.lowered(), points), v.name


def test_there_are_a_hundred_false_variants() -> None:
    assert sum(len(list(t.variants())) for t in THEOREMS) >= 100


@sampled
def test_instances_hold_exactly_and_a_wrong_conclusion_does_not(theorem: Theorem) -> None:
    widths = theorem.certified_at[-1]
    assert certify(theorem, widths, 3, seed=5).grade == "CERTIFIED"
    s, values = instance(theorem, widths, 1)
    then = tuple(("==", lin((1, x), (1, one(x)))) for r, x in s.then if r == "==")
    wrong = Lowered(s.name, s.dims, s.variables, s.given, then)
    assert not all(not any(flat(v)) for v in evaluate([x for _, x in wrong.then], Rational(), values))


def one(x: Any) -> Any:
    """A matrix of ones of the shape of x (or 1)."""
    return const([[1] * int(x.shape[1]) for _ in range(int(x.shape[0]))]) if x.shape else num(1)


def instance(theorem: Theorem, widths: Any, seed: int) -> tuple[Lowered, Mapping[str, Any]]:
    for k in range(50):
        try:
            assert theorem.sample is not None
            made = theorem.sample(ExactDraw(f"{seed} {k}"), widths)
            return made.statement.lowered(), made.values
        except Degenerate:
            continue
    raise AssertionError("no instance")


def flat(x: Any) -> list[Any]:
    return list(x.entries()) if hasattr(x, "entries") else [x]


# -- the numbers of the exact examples ----------------------------------------------------------------------------------


def exact(x: Any, point: Mapping[str, Any]) -> Fraction:
    value = evaluate([x], Rational(), {k: Rational().num(Fraction(v)) for k, v in point.items()})[0]
    return Fraction(int(value.p), int(value.q))


def test_unmatched_bases_lose_alignment_in_one_step() -> None:
    assert exact(fixed_bases.mismatched().then[0].expression, fixed_bases.MISMATCH) == Fraction(1782, 625)
    now = (fixed_bases.mul(fixed_bases.diagonal([num(1), num(2)]), fixed_bases.T(fixed_bases.ROTATION)),)
    later = fixed_bases.mul(fixed_bases.ROTATION, fixed_bases.diagonal([num(2), num(1)]))
    assert not any(flat(evaluate([misalignment((*now, later))], Rational())[0]))


def test_a_full_rank_first_layer_loses_alignment_in_one_step() -> None:
    assert exact(rank_one.full_rank().then[0].expression, {"a1": 1, "a2": 2, "b": 1}) == Fraction(79, 100)


def test_the_commutator_of_the_balanced_start_is_a_quartic() -> None:
    algebra = Polynomial.of([var("eta")])
    found = evaluate([balanced_descent.lost()], algebra)[0].to_dict()
    assert {k[0]: int(c.p) for k, c in found.items()} == {2: 72, 3: -1662, 4: 5238}


def test_the_117_width_tuples_are_all_there() -> None:
    names = {kind: {c.statement.name.split(".")[-1] for c in claims("INV-2") if kind in c.statement.name} for kind in KINDS}
    tuples = universal_invariance.tuples()
    silent = [w for w in tuples if not universal_invariance.Coordinates(w).moments]
    label = lambda w: "x".join(map(str, w))  # noqa: E731
    assert len(tuples) == len(set(tuples)) == 117 and names["sufficient"] == set(map(label, tuples))
    assert names["necessary"] == set(map(label, tuples)) - set(map(label, silent))
    assert all(w[0] == w[-1] == 1 for w in silent) and len(silent) == 13


KINDS = ("sufficient", "necessary")


def test_necessity_by_rank_agrees_with_the_claims() -> None:
    """Independent of the steps: the off-diagonal coefficients in the singular values span exactly the listed entries."""
    for widths in [(2, 2), (3, 2), (2, 1, 2), (3, 1, 3), (2, 3, 2), (3, 2, 3), (2, 2, 3, 2)]:
        f = universal_invariance.Coordinates(widths)
        variables = [f.S, f.C, *(v for row in f.values for v in row), universal_invariance.RATE]
        algebra = Polynomial.of(variables)
        moments = [i for i, p in enumerate(algebra.places) if p[0] in ("S", "C")]
        rows: dict[Any, dict[int, Fraction]] = {}
        for i in range(1, f.depth + 1):
            value = evaluate([f.off(i, f.cores(f.values))], algebra)[0]
            for r, c in product(range(len(value)), range(len(value[0]))):
                for powers, k in value[r][c].to_dict().items():
                    (at,) = [m for m in moments if powers[m]]
                    rest = tuple(e for j, e in enumerate(powers) if j not in moments)
                    rows.setdefault((i, r, c, rest), {})[at] = Fraction(int(k.p), int(k.q))
        table = np.array([[float(row.get(m, 0)) for m in moments] for row in rows.values()])
        rank = np.linalg.matrix_rank(table) if len(table) else 0
        seen = {algebra.places[m] for row in rows.values() for m in row}
        wanted = {(str(x.args[0].data[0]), *x.data) for x in f.moments}
        assert rank == len(wanted) and seen == {(n, *sorted(p)) if n == "S" else (n, *p) for n, *p in wanted}


# -- independent evaluations --------------------------------------------------------------------------------------------

WIDTHS = st.lists(st.integers(1, 3), min_size=3, max_size=5).map(tuple)


def numbers(seed: int, widths: tuple[int, ...], n: int = 2) -> tuple[list[Any], Any, Any]:
    rng = np.random.default_rng(seed)
    table = lambda r, c: np.array([[Fraction(int(x), 2) for x in row] for row in rng.integers(-4, 5, (r, c))], dtype=object)  # noqa: E731
    layers = [table(r, c) for c, r in pairwise(widths)]
    return layers, table(widths[0], n), table(widths[-1], n)


def loss(layers: list[Any], X: Any, Y: Any) -> Fraction:
    out = X
    for W in layers:
        out = W.dot(out)
    return Fraction(sum(((out - Y) ** 2).ravel().tolist()), 2)


def naive_gradient(layers: list[Any], X: Any, Y: Any) -> list[Any]:
    """Central differences of the loss with step 1: exact because the loss is quadratic in every single entry."""
    out = []
    for i, W in enumerate(layers):
        G = np.zeros(W.shape, dtype=object)
        for at in np.ndindex(W.shape):
            ends = []
            for step in (1, -1):
                moved = W.copy()
                moved[at] += step
                ends.append(loss([*layers[:i], moved, *layers[i + 1 :]], X, Y))
            G[at] = (ends[0] - ends[1]) / 2
        out.append(G)
    return out


@settings(max_examples=25, deadline=None)
@given(WIDTHS, st.integers(0, 10**6))
def test_coupling_defect_and_conservation_by_differences_of_the_loss(widths: tuple[int, ...], seed: int) -> None:
    layers, X, Y = numbers(seed, widths)
    G, eta = naive_gradient(layers, X, Y), Fraction(seed % 7 - 3, 5)
    after = [W - eta * g for W, g in zip(layers, G, strict=True)]
    imbalance = lambda W, i: W[i + 1].T.dot(W[i + 1]) - W[i].dot(W[i].T)  # noqa: E731
    for i in range(len(layers) - 1):
        assert (layers[i + 1].T.dot(G[i + 1]) == G[i].dot(layers[i].T)).all()
        change = imbalance(after, i) - imbalance(layers, i)
        assert (change == eta**2 * (G[i + 1].T.dot(G[i + 1]) - G[i].dot(G[i].T))).all()
        rate = lambda W, V, g, h: -(h.T.dot(V) + V.T.dot(h)) + g.dot(W.T) + W.dot(g.T)  # noqa: E731
        assert not rate(layers[i], layers[i + 1], G[i], G[i + 1]).any()


@settings(max_examples=15, deadline=None)
@given(WIDTHS, st.integers(0, 10**6))
def test_the_gradients_of_the_statements_are_those_of_the_loss(widths: tuple[int, ...], seed: int) -> None:
    layers, X, Y = numbers(seed, widths)
    net = Training(widths, 2)
    names = {v.name: rows for v, rows in zip(net.variables, [*layers, X, Y], strict=True)}
    env = {k: matrix(v.tolist()) for k, v in names.items()}
    for i, G in enumerate(naive_gradient(layers, X, Y), 1):
        found = evaluate([net.trained(net.gradient(i))], Rational(), env)[0]
        assert [Fraction(int(x.p), int(x.q)) for x in found.entries()] == G.ravel().tolist()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=4).map(tuple), st.integers(0, 10**6))
def test_one_step_from_an_exactly_aligned_point_stays_aligned(widths: tuple[int, ...], seed: int) -> None:
    """In fractions, by the naive gradient, in the bases of the instance; the values follow the recursion of the modes."""
    _, values = instance(fixed_bases.THEOREM, widths, seed)
    table = lambda name: np.array([[Fraction(int(x.p), int(x.q)) for x in row] for row in values[name].table()], dtype=object)  # noqa: E731
    layers, X, Y = [table(f"W{i}") for i in range(1, len(widths))], table("X"), table("Y")
    U = [table(f"U{i}") for i in range(len(widths))]
    eta, m = Fraction(1, 3), min(widths)
    G = naive_gradient(layers, X, Y)
    s, c = table("s").diagonal(), (U[-1].T.dot(Y.dot(X.T)).dot(U[0])).diagonal()
    cores = [U[i + 1].T.dot(W).dot(U[i]) for i, W in enumerate(layers)]
    for i, (W, g) in enumerate(zip(layers, G, strict=True)):
        new = U[i + 1].T.dot(W - eta * g).dot(U[i])
        assert all(new[p, q] == 0 for p, q in np.ndindex(new.shape) if p != q)
        for p in range(min(W.shape)):
            sigma = [core[p, p] for core in cores]
            others = np.prod([x for j, x in enumerate(sigma) if j != i] or [Fraction(1)])
            moved = sigma[i] - eta * others * (s[p] * np.prod(sigma) - c[p]) if p < m else sigma[i]
            assert new[p, p] == moved


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6))
def test_the_data_criterion_by_eigenvectors(d0: int, dN: int, n: int, seed: int) -> None:
    """The commutator vanishes iff S keeps every eigenspace of C^T C, in floats with a clear gap between the two cases."""
    rng = np.random.default_rng(seed)
    X, Y = rng.integers(-1, 2, (d0, n)).astype(float), rng.integers(-1, 2, (dN, n)).astype(float)
    S, A = X @ X.T, X @ Y.T @ Y @ X.T
    values, V = np.linalg.eigh(A)
    turned = V.T @ S @ V
    mixed = max((abs(turned[p, q]) for p in range(d0) for q in range(d0) if abs(values[p] - values[q]) > 1e-7), default=0.0)
    assert (np.abs(A @ S - S @ A).max() < 1e-9) == (mixed < 1e-7)


def test_frames_have_the_form_that_they_state() -> None:
    f = Frames((2, 3, 2), 3, 3)
    values = f.draw(ExactDraw(4))
    zeros = evaluate([*f.orthogonal, *f.aligned, *f.shared], Rational(), values)
    assert not any(any(flat(z)) for z in zeros)


def test_alignment_can_be_lost_and_regained_at_one_step_size_only() -> None:
    f = generic_data._small()
    c = f.commutator(var("t"))
    point = {"a1": "16/5", "a2": 3, "b1": 4, "b2": "12/5"}
    assert exact(entry(c, 0, 0), point | {"t": "3/5"}) == 0 == exact(entry(c, 0, 0), point | {"t": "-3/5"})
    assert exact(entry(c, 0, 0), point | {"t": "1/2"}) != 0


def test_notes_say_where_the_abstract_needs_a_hypothesis() -> None:
    assert "zero network" in universal_invariance.THEOREM.note and "move" in moving_modes.THEOREM.note
