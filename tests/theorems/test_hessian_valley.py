"""The Hessian on the valley: claims, limits, false variants, and the formulas by other means, in exact rationals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from itertools import product as choices
from math import prod
from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from theory import kernel
from theory.certificates import EvidenceError, at_point, derivation
from theory.provers import Budget
from theory.provers.points import counterexample
from theory.provers.proof import prove
from theory.statement import Lowered
from theory.theorem import Claim, Theorem
from theory.theorems.hessian import (
    flattest,
    gauss_newton,
    imbalance,
    least_determinant,
    least_sharpness,
    noise_covariance,
    spectrum,
    trace_formula,
)

THEOREMS = [
    m.THEOREM
    for m in (
        gauss_newton,
        trace_formula,
        spectrum,
        noise_covariance,
        imbalance,
        flattest,
        least_sharpness,
        least_determinant,
    )
]
each_theorem = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.sheet)
# Claims at all widths, and at given sizes or about scalars.
SCOPES = {
    "H1": (13, 0), "H2": (9, 9), "H3": (31, 4), "H7": (9, 19),
    "H10": (5, 9), "H11": (25, 0), "H15": (15, 0), "H16": (1, 5),
}  # fmt: skip


@cache
def claims(sheet: str) -> tuple[Claim, ...]:
    return tuple(next(t for t in THEOREMS if t.sheet == sheet).claims())


def claim_named(sheet: str, name: str, depth: int) -> Claim:
    found = [c for c in claims(sheet) if c.statement.name.endswith(f".{name}")]
    return next(c for c in found if {f"W{depth}", f"W{depth + 1}"} & layers_of(c) == {f"W{depth}"})


def layers_of(claim: Claim) -> set[str]:
    return {str(v.data[0]) for v in claim.statement.lowered().variables}


def accepts(s: Lowered, point: Any, claim: str) -> bool:
    try:
        return bool(kernel.check(at_point(s, point, claim)).claim == claim)
    except kernel.Rejected:
        return False


@each_theorem
def test_the_kernel_accepts_every_claim_at_its_scope_in_time(theorem: Theorem) -> None:
    start, scopes = time.process_time(), [0, 0]
    for claim in claims(theorem.sheet):
        proof = prove(claim.statement, claim.steps, witness=claim.witness, at=claim.at)
        assert proof.proved, str(proof)
        scopes[not proof.statement.dims] += 1
    assert tuple(scopes) == SCOPES[theorem.sheet]
    assert time.process_time() - start < 8


@each_theorem
def test_every_hypothesis_is_needed(theorem: Theorem) -> None:
    for example in theorem.sharpness():
        assert accepts(example.statement.lowered(), example.point, "refuted"), example.drops


def test_the_notes_of_the_abstract_have_their_counterexamples() -> None:
    noted = {t.sheet for t in THEOREMS if t.note}
    assert noted == {"H7", "H10", "H11", "H15", "H16"}


# -- false variants -----------------------------------------------------------------------------------------------------

# Where the search for a point would take long: bounds that fail at large or at small weights only.
SCALARS = {"u": [[1]], "v": [[1]]}
SUPPLIED = [
    {"W1": [[2]], "W2": [[2]], "V1": [[2]], "V2": [[2]], "Y": [[4]], "lam": 8, **SCALARS},
    {"W1": [["1/4"]], "W2": [["1/4"]], "V1": [["1/4"]], "V2": [["1/4"]], "Y": [["1/16"]], "lam": "1/8", **SCALARS},
]


def shapes(point: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {k: (len(x), len(x[0])) if isinstance(x, list) else () for k, x in point.items()}


def supplied(theorem: Theorem, s: Lowered) -> Iterator[dict[str, Any]]:
    wanted = {str(v.data[0]): v.shape for v in s.variables}
    yield from (p for p in [*SUPPLIED, *(dict(e.point) for e in theorem.sharpness())] if shapes(p) == wanted)


def refuted(theorem: Theorem, s: Lowered) -> bool:
    if any(accepts(s, point, "refuted") for point in supplied(theorem, s)):
        return True
    found = counterexample(s, Budget(seconds=4.0)).found
    return found is not None and bool(kernel.check(found).claim == "refuted")


@each_theorem
def test_every_false_variant_is_refuted_at_an_exact_point(theorem: Theorem) -> None:
    variants = list(theorem.variants())
    assert len(variants) >= 10 and len({v.name for v in variants}) == len(variants)
    for variant in variants:
        assert refuted(theorem, variant.lowered()), variant.name


def test_there_are_a_hundred_false_variants() -> None:
    assert sum(len(list(t.variants())) for t in THEOREMS) >= 100


def rejected(claim: Claim, instead: Claim) -> bool:
    """Whether the steps of a claim do not prove another one."""
    try:
        kernel.check(derivation(instead.statement.lowered(), claim.steps or ()))
    except (kernel.Rejected, EvidenceError):
        return True
    return False


def test_steps_do_not_prove_the_false_twins() -> None:
    right = noise_covariance.minibatch((1, 1, 1), 2)
    assert rejected(right, noise_covariance.minibatch((1, 1, 1), 2, Fraction(1)))
    assert rejected(right, noise_covariance.minibatch((1, 1, 1), 2, Fraction(1, 4)))
    assert rejected(spectrum.missed(2, 0), spectrum.missed(2, 0, 1))
    assert rejected(noise_covariance.lyapunov(), noise_covariance.lyapunov(swap=True))
    assert not rejected(spectrum.missed(2, 1), spectrum.missed(2, 1))
    for depth in (2, 3):
        stationary = claim_named("H11", "stationary", depth)
        assert not rejected(stationary, stationary)
        for i in range(len(stationary.statement.given)):
            assert rejected(stationary, dropped(stationary, i)), i


def dropped(claim: Claim, i: int) -> Claim:
    """The claim without hypothesis i."""
    s = claim.statement
    given = s.given[:i] + s.given[i + 1 :]
    return Claim(type(s)(s.name, s.variables, given, s.then, s.sizes), claim.steps)


# -- the formulas by other means ----------------------------------------------------------------------------------------

numbers = st.fractions(-3, 3, max_denominator=3)


def matrices(rows: int, cols: int) -> st.SearchStrategy[fmpq_mat]:
    entries = st.lists(numbers, min_size=rows * cols, max_size=rows * cols)
    return entries.map(lambda x: fmpq_mat(rows, cols, [fmpq(c.numerator, c.denominator) for c in x]))


def size2(x: fmpq_mat) -> fmpq:
    return sum((c * c for c in x.entries()), fmpq(0))


def composed(layers: Sequence[fmpq_mat], start: fmpq_mat) -> fmpq_mat:
    for W in layers:
        start = W * start
    return start


def identity(n: int) -> fmpq_mat:
    return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


@st.composite
def networks(draw: st.DrawFn, depths: tuple[int, int] = (2, 3), most: int = 3) -> tuple[list[fmpq_mat], fmpq_mat, fmpq_mat]:
    """Layers, X and Y of random small sizes."""
    widths = [draw(st.integers(1, most)) for _ in range(draw(st.integers(*depths)) + 1)]
    n = draw(st.integers(1, 2))
    layers = [draw(matrices(b, a)) for a, b in pairwise(widths)]
    return layers, draw(matrices(widths[0], n)), draw(matrices(widths[-1], n))


def loss(layers: Sequence[fmpq_mat], X: fmpq_mat, Y: fmpq_mat) -> fmpq:
    return size2(composed(layers, X) - Y) / 2


def moved(layers: Sequence[fmpq_mat], V: Sequence[fmpq_mat], t: Any) -> list[fmpq_mat]:
    return [W + v * fmpq(t) for W, v in zip(layers, V, strict=True)]


def second_derivative(f: Callable[[int], fmpq], degree: int) -> fmpq:
    """f''(0) of a polynomial of this degree, by interpolation at integers."""
    nodes = list(range(-(degree // 2) - 1, degree // 2 + 2))
    table = fmpq_mat(len(nodes), len(nodes), [fmpq(x) ** k for x in nodes for k in range(len(nodes))])
    return 2 * table.solve(fmpq_mat(len(nodes), 1, [f(x) for x in nodes]))[2, 0]


def unit(W: fmpq_mat, i: int, j: int) -> fmpq_mat:
    out = fmpq_mat(W.nrows(), W.ncols())
    out[i, j] = 1
    return out


def heads_and_tails(layers: Sequence[fmpq_mat], X: fmpq_mat) -> tuple[list[fmpq_mat], list[fmpq_mat]]:
    A, B = [identity(layers[-1].nrows())], [X]
    for W in reversed(layers[1:]):
        A.append(A[-1] * W)
    for W in layers[:-1]:
        B.append(W * B[-1])
    return A[::-1], B


def trace_of(layers: Sequence[fmpq_mat], X: fmpq_mat) -> fmpq:
    A, B = heads_and_tails(layers, X)
    return sum((size2(a) * size2(b) for a, b in zip(A, B, strict=True)), fmpq(0))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks())
def test_the_trace_is_the_sum_of_second_differences(case: tuple[list[fmpq_mat], fmpq_mat, fmpq_mat]) -> None:
    """The loss is quadratic in each entry, so that a second difference is the second derivative."""
    layers, X, Y = case
    total = fmpq(0)
    for k, W in enumerate(layers):
        for i, j in choices(range(W.nrows()), range(W.ncols())):
            V = [unit(w, i, j) if at == k else fmpq_mat(w.nrows(), w.ncols()) for at, w in enumerate(layers)]
            total += loss(moved(layers, V, 1), X, Y) + loss(moved(layers, V, -1), X, Y) - 2 * loss(layers, X, Y)
    assert total == trace_of(layers, X)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks(), st.data())
def test_the_hessian_is_gauss_newton_where_the_slope_is_zero(case: Any, data: st.DataObject) -> None:
    layers, X, R = case
    V = [data.draw(matrices(W.nrows(), W.ncols())) for W in layers]
    # two more samples on which the residual is R and -R: (P X - Y) X^T = 0, the residual is not zero
    fitted = composed(layers, X)
    wide = fmpq_mat(X.nrows(), 2 * X.ncols(), [x for row in X.table() for x in row * 2])
    targets = [[*row, *other] for row, other in zip((fitted - R).table(), (fitted + R).table(), strict=True)]
    Y = fmpq_mat(len(targets), len(targets[0]), [x for row in targets for x in row])
    bend = second_derivative(lambda t: loss(moved(layers, V, t), wide, Y), 2 * len(layers))
    A, B = heads_and_tails(layers, wide)
    J = sum((a * v * b for a, v, b in zip(A[1:], V[1:], B[1:], strict=True)), A[0] * V[0] * B[0])
    assert bend == size2(J)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(matrices(2, 2), matrices(2, 2), st.fractions(0, 1, max_denominator=4))
def test_the_mean_imbalance_over_all_signs(W1: fmpq_mat, W2: fmpq_mat, eta: Fraction) -> None:
    """Widths (2, 2, 2): 16 patterns of labels P +- 1, one step: E D^+ = (1 - 2 eta^2) D."""
    rate, total = fmpq(eta.numerator, eta.denominator), fmpq_mat(2, 2)
    for signs in choices((-1, 1), repeat=4):
        R = fmpq_mat(2, 2, list(signs))
        V1, V2 = W1 + W2.transpose() * R * rate, W2 + R * W1.transpose() * rate
        total += V2.transpose() * V2 - V1 * V1.transpose()
    D = W2.transpose() * W2 - W1 * W1.transpose()
    assert total / fmpq(16) == D * (1 - 2 * rate * rate)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(networks((2, 4)))
def test_no_trace_is_below_the_least_one(case: tuple[list[fmpq_mat], fmpq_mat, fmpq_mat]) -> None:
    """|P X|_* >= |P X|_F, with equality for rank one; the bound with the Frobenius norm is rational."""
    layers, X, _ = case
    N, Y2 = len(layers), size2(composed(layers, X))
    assert trace_of(layers, X) ** N >= N**N * layers[-1].nrows() * size2(X) * Y2 ** (N - 1)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(2, 4), st.data())
def test_no_determinant_of_two_layers_is_below_the_least_one(hidden: int, data: st.DataObject) -> None:
    W1, W2 = data.draw(matrices(hidden, 2)), data.draw(matrices(2, hidden))
    P, low, high = W2 * W1, W1.transpose() * W1, W2 * W2.transpose()
    delta = abs(P.det())
    squared_nuclear = size2(P) + 2 * delta
    assert kronecker(low, high).det() >= 4 * delta * squared_nuclear


def kronecker(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Q -> b Q + Q a on row-major vec."""
    n, m = b.nrows(), a.nrows()
    at = list(choices(range(n), range(m)))
    entry = lambda x, y: b[x[0], y[0]] * (x[1] == y[1]) + a[y[1], x[1]] * (x[0] == y[0])  # noqa: E731
    return fmpq_mat(n * m, n * m, [entry(x, y) for x in at for y in at])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks((2, 4)), st.data())
def test_the_rank_is_counted_by_heads_and_tails(case: tuple[list[fmpq_mat], fmpq_mat, fmpq_mat], data: st.DataObject) -> None:
    layers, X, _ = case
    k = data.draw(st.integers(0, len(layers) - 1))
    layers[k] = layers[k] * data.draw(st.sampled_from((0, 1)))  # a layer that is zero: every rank drops
    A, B = heads_and_tails(layers, X)
    c, q = [0, *(a.rank() for a in A)], [b.rank() for b in B]
    K = fmpq_mat(A[-1].nrows() * X.ncols(), A[-1].nrows() * X.ncols())
    for a, b in zip(A, B, strict=True):
        K += product_of(a * a.transpose(), b.transpose() * b)
    assert K.rank() == sum((c[i + 1] - c[i]) * q[i] for i in range(len(layers)))


def product_of(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """The Kronecker product."""
    n, m = a.nrows(), b.nrows()
    at = list(choices(range(n), range(m)))
    return fmpq_mat(n * m, n * m, [a[x[0], y[0]] * b[x[1], y[1]] for x in at for y in at])


# -- the exact figures --------------------------------------------------------------------------------------------------


def diagonal(*x: Any) -> fmpq_mat:
    values = [fmpq(*map(int, str(c).split("/"))) if "/" in str(c) else fmpq(c) for c in x]
    return fmpq_mat(len(x), len(x), [values[i] if i == j else 0 for i in range(len(x)) for j in range(len(x))])


def test_three_balanced_layers_are_beaten() -> None:
    balanced = [diagonal(4, 1)] * 3
    outer, middle = diagonal("40/9", "5/9"), diagonal("81/25", "81/25")
    assert trace_of(balanced, identity(2)) == 1317
    assert composed([outer, middle, outer], identity(2)) == composed(balanced, identity(2)) == diagonal(64, 1)
    assert trace_of([outer, middle, outer], identity(2)) == fmpq(40838057, 32805)


def test_balanced_layers_are_beaten_on_widths_one_one_four() -> None:
    tall = fmpq_mat(4, 1, [1, 0, 0, 0])
    assert trace_of([identity(1), tall], identity(1)) == 5
    assert trace_of([identity(1) * fmpq(3, 4), tall * fmpq(4, 3)], identity(1)) == fmpq(145, 36)


def test_the_example_of_the_determinant() -> None:
    W = diagonal(1, 2)
    assert kronecker(W * W, W * W).det() == 2 * 8 * 5 * 5 == 400


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(numbers.filter(bool), min_size=1, max_size=5))
def test_the_trace_of_scalar_nets(w: list[Fraction]) -> None:
    layers = [fmpq_mat(1, 1, [fmpq(x.numerator, x.denominator)]) for x in w]
    y = prod(w)
    assume(y)
    assert trace_of(layers, identity(1)) == fmpq(*(y * y * sum(1 / x**2 for x in w)).as_integer_ratio())
