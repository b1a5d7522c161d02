"""Conclusions of the alignment theorems by direct exact computation at random rational parameters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise, product
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Matrix, Rational, groebner, symbols

from numerics.alignment_minimum import least_squares_minimum
from theory.alignment import exact_alignment

few = settings(max_examples=25, deadline=None, derandomize=True)
FRACTIONS = st.builds(fmpq, st.integers(-6, 6), st.integers(1, 4))
POSITIVE = st.builds(fmpq, st.integers(1, 8), st.integers(1, 5))
NONZERO = FRACTIONS.filter(bool)


def identity(n: int) -> fmpq_mat:
    return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def rectangular(rows: int, columns: int, values: Sequence[Any]) -> fmpq_mat:
    """The values at (0, 0), (1, 1), ..., as far as they fit."""
    out = fmpq_mat(rows, columns)
    for p, x in zip(range(min(rows, columns)), values, strict=False):
        out[p, p] = x
    return out


def part(A: fmpq_mat, columns: range) -> fmpq_mat:
    return fmpq_mat(A.nrows(), len(columns), [A[i, j] for i in range(A.nrows()) for j in columns])


def norm2(A: fmpq_mat) -> fmpq:
    return sum((x * x for x in A.entries()), fmpq(0))


def times(layers: Sequence[fmpq_mat]) -> fmpq_mat:
    return reduce(lambda P, W: W * P, layers)


def loss(layers: Sequence[fmpq_mat], X: fmpq_mat, Y: fmpq_mat) -> fmpq:
    return norm2(times(layers) * X - Y) / 2


def gradient(layers: Sequence[fmpq_mat], i: int, X: fmpq_mat, Y: fmpq_mat) -> fmpq_mat:
    """By central differences, exact since the loss is quadratic in each entry."""
    W = layers[i]
    out = fmpq_mat(W.nrows(), W.ncols())

    def moved(p: int, q: int, by: int) -> fmpq:
        V = fmpq_mat(W)
        V[p, q] += by
        return loss([*layers[:i], V, *layers[i + 1 :]], X, Y)

    for p, q in product(range(W.nrows()), range(W.ncols())):
        out[p, q] = (moved(p, q, 1) - moved(p, q, -1)) / 2
    return out


def step(layers: Sequence[fmpq_mat], X: fmpq_mat, Y: fmpq_mat, rate: fmpq) -> list[fmpq_mat]:
    return [W - rate * gradient(layers, i, X, Y) for i, W in enumerate(layers)]


def matrices(rows: int, columns: int, entries: st.SearchStrategy[Any] = FRACTIONS) -> st.SearchStrategy[fmpq_mat]:
    size = rows * columns
    return st.lists(entries, min_size=size, max_size=size).map(lambda x: fmpq_mat(rows, columns, x))


@st.composite
def rotations(draw: st.DrawFn, n: int) -> fmpq_mat:
    """Cayley's (I - K)(I + K)^{-1}, with columns permuted."""
    K = fmpq_mat(n, n)
    for i in range(n):
        for j in range(i):
            K[i, j] = draw(st.builds(fmpq, st.integers(-2, 2), st.integers(1, 2)))
            K[j, i] = -K[i, j]
    Q = (identity(n) - K) * (identity(n) + K).inv()
    order = draw(st.permutations(range(n)))
    return fmpq_mat(n, n, [Q[i, j] for i in range(n) for j in order])


# -- sorted or literal --------------------------------------------------------------------------------------------------


@st.composite
def sorted_pairs(draw: st.DrawFn) -> tuple[int, list[list[fmpq]], list[fmpq_mat]]:
    n = draw(st.integers(2, 4))
    values = st.lists(st.builds(fmpq, st.integers(0, 6), st.integers(1, 3)), min_size=n, max_size=n)
    return n, [sorted(draw(values), reverse=True) for _ in range(2)], [draw(rotations(n)) for _ in range(3)]


def in_bases(bases: Sequence[fmpq_mat], cores: Sequence[fmpq_mat]) -> list[fmpq_mat]:
    return [Q * D * R.transpose() for D, (R, Q) in zip(cores, pairwise(bases), strict=True)]


@few
@given(sorted_pairs())
def test_sorted_layers_have_a_large_product_and_oppositely_sorted_ones_a_small_one(pair: Any) -> None:
    n, (x, y), bases = pair
    W1, W2 = in_bases(bases, [rectangular(n, n, x), rectangular(n, n, y)])
    assert exact_alignment([W1, W2]).sorted
    excess = n * norm2(W2 * W1) - norm2(W1) * norm2(W2)
    both_vary = x[0] != x[-1] and y[0] != y[-1]
    assert excess > 0 if both_vary else excess == 0  # n cannot be less
    V1, V2 = in_bases(bases, [rectangular(n, n, x), rectangular(n, n, y[::-1])])
    against = n * norm2(V2 * V1) - norm2(V1) * norm2(V2)
    assert exact_alignment([V1, V2]).literal
    assert against < 0 if both_vary else against == 0


# -- literal or weak ----------------------------------------------------------------------------------------------------


@st.composite
def integer_layers(draw: st.DrawFn) -> tuple[fmpq_mat, fmpq_mat, str]:
    """Two layers and their cores: none, any chains, the slots of rect-diagonal ones, or chains too far apart for the slots."""
    left, middle, right = draw(st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 2)))
    small = st.integers(-1, 2)
    kind = draw(st.sampled_from(("free", "chains", "slots", "apart")))
    if kind == "free":
        return draw(matrices(middle, left, small)), draw(matrices(right, middle, small)), kind
    if kind == "apart":
        middle, small = max(left, right, middle - 1) + 1, st.integers(1, 2)
    cores = [rectangular(n, middle, draw(st.lists(small, min_size=4, max_size=4))) for n in (left, right)]
    if kind != "slots":
        order = draw(st.permutations(range(middle))) if kind == "chains" else range(middle - 1, -1, -1)
        cores[1] = fmpq_mat(right, middle, [cores[1][i, j] for i in range(right) for j in order])
    Q = draw(rotations(middle))
    scale = int(np.lcm.reduce([int(x.q) for x in Q.entries()]))
    return scale * Q * cores[0].transpose(), scale * cores[1] * Q.transpose(), kind


@settings(few, max_examples=30)
@given(integer_layers())
def test_literal_is_commuting_with_few_directions_in_the_middle(drawn: tuple[fmpq_mat, fmpq_mat, str]) -> None:
    W1, W2, kind = drawn
    assert all(x.q == 1 for W in (W1, W2) for x in W.entries())
    A, B = W1 * W1.transpose(), W2.transpose() * W2
    joined = [[*row, *other] for row, other in zip(W1.table(), W2.transpose().table(), strict=True)]
    rank, most = fmpq_mat(joined).rank(), max(W1.ncols(), W2.nrows())
    found = exact_alignment([W1, W2])
    assert found.weak is (A * B == B * A)
    assert found.literal is (A * B == B * A and rank <= most)
    assert found.weak or kind == "free"
    assert found.literal or kind != "slots"
    assert not found.literal or kind != "apart"
    if found.weak:
        assert rank == W1.rank() + W2.rank() - (W2 * W1).rank()


def test_the_rank_condition_is_not_weaker_by_one() -> None:
    W1, W2 = fmpq_mat([[1], [0]]), fmpq_mat([[0, 1]])
    assert W1.rank() + W2.rank() - (W2 * W1).rank() == 1 + 1
    assert exact_alignment([W1, W2]).weak and not exact_alignment([W1, W2]).literal


# -- bounded imbalance --------------------------------------------------------------------------------------------------


def angle_and_bound(W1: Any, W2: Any) -> tuple[float, float, float]:
    """1 - <u, v>^2, the spread of the imbalance, and the gap."""
    u, v = np.linalg.svd(W1)[0][:, 0], np.linalg.svd(W2)[2][0]
    values = np.append(np.linalg.svd(W2, compute_uv=False), 0.0)
    spread = np.linalg.eigvalsh(W2.T @ W2 - W1 @ W1.T)
    return float(1 - (u @ v) ** 2), float(spread[-1] - spread[0]), float(values[0] ** 2 - values[1] ** 2)


@settings(few, max_examples=30)
@given(st.integers(0, 10**6), st.tuples(*[st.integers(1, 5)] * 3), st.sampled_from((0.01, 0.3, 3.0)))
def test_top_singular_vectors_turn_by_no_more_than_the_imbalance(seed: int, widths: tuple[int, ...], noise: float) -> None:
    rng = np.random.default_rng(seed)
    k0, k1, k2 = widths
    W1 = rng.standard_normal((k1, k0))
    for W2 in (rng.standard_normal((k2, k1)), W1.T + noise * rng.standard_normal((k0, k1))):
        angle, spread, gap = angle_and_bound(W1, W2)
        scale = np.linalg.norm(W1, 2) ** 2 + np.linalg.norm(W2, 2) ** 2
        assert angle * gap <= spread + 1e-13 * scale


@few
@given(st.integers(2, 40), st.floats(0.1, 3.0))
def test_the_bound_on_the_angle_is_nearly_attained(n: int, turn: float) -> None:
    """A = diag(1 + 1/n, 1), B = diag(1, 2): orthogonal vectors, spread 1 + 1/n, gap 1."""
    Q = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    W1, W2 = Q @ np.diag([np.sqrt(1 + 1 / n), 1.0]), np.diag([1.0, np.sqrt(2.0)]) @ Q.T
    angle, spread, gap = angle_and_bound(W1, W2)
    assert angle * gap == pytest.approx(1.0)
    assert angle * gap <= spread < angle * gap * (1 + 2 / n)


# -- least squares ------------------------------------------------------------------------------------------------------


class Problem:
    """X = M B_1^T and Y = A diag(s) B_1^T + Z B_2^T, with orthogonal A and [B_1 B_2]: Y X^+ X has the singular values s."""

    def __init__(self, draw: st.DrawFn) -> None:
        inputs, outputs, samples = (draw(st.integers(1, 3)) for _ in range(3))
        r = draw(st.integers(1, min(inputs, samples)))
        self.m = draw(st.integers(1, min(inputs, outputs)))
        A, B = draw(rotations(outputs)), draw(rotations(samples))
        B1, B2 = part(B, range(r)), part(B, range(r, samples))
        M = draw(matrices(inputs, r).filter(lambda x: x.rank() == r))
        values = draw(st.lists(st.integers(0, 4), min_size=3, max_size=3))
        self.values = sorted((fmpq(x, 2) for x in values), reverse=True)[: min(outputs, r)]
        self.X, self.D, self.A = M * B1.transpose(), rectangular(outputs, r, self.values), A
        self.left = (M.transpose() * M).inv() * M.transpose()
        self.Y = A * self.D * B1.transpose()
        if r < samples:
            self.Y += draw(matrices(outputs, samples - r)) * B2.transpose()
        self.best = A * self.D * self.left  # Y X^+

    def lowest(self, m: int) -> fmpq:
        return loss([self.best], self.X, self.Y) + sum((s * s for s in self.values[m:]), fmpq(0)) / 2


PROBLEMS = st.composite(Problem)()


@few
@given(PROBLEMS, st.data())
def test_the_least_loss_of_rank_m_is_attained_and_not_passed(f: Problem, data: st.DataObject) -> None:
    S, C = f.X * f.X.transpose(), f.Y * f.X.transpose()
    assert f.best * S == C
    lowest, m = f.lowest(f.m), f.m
    factors = [part((f.D * f.left).transpose(), range(f.D.nrows())).transpose(), f.A]
    top = rectangular(m, f.D.nrows(), [1] * m)
    layers = [top * factors[0], f.A * top.transpose()]
    assert layers[0].nrows() == m and loss(layers, f.X, f.Y) == lowest
    for scale in (1, 100):
        other = [W + data.draw(matrices(W.nrows(), W.ncols())) / scale for W in layers]
        assert loss(other, f.X, f.Y) >= lowest
        P = times(other)
        assert loss([P], f.X, f.Y) == loss([f.best], f.X, f.Y) + norm2((P - f.best) * f.X) / 2
    if m <= len(f.values) and f.values[m - 1]:
        assert loss(layers, f.X, f.Y) < f.lowest(m - 1)
    X, Y = (np.array([[float(Fraction(str(x))) for x in row] for row in A.table()]) for A in (f.X, f.Y))
    numeric = least_squares_minimum(X, Y, (X.shape[0], m, Y.shape[0]))
    assert numeric == pytest.approx(float(Fraction(str(lowest))), rel=1e-9, abs=1e-9)


@few
@given(PROBLEMS)
def test_the_least_loss_is_the_unconstrained_one_at_the_rank_of_the_data(f: Problem) -> None:
    rank = (f.Y * f.X.transpose()).rank()
    free = loss([f.best], f.X, f.Y)
    assert [f.lowest(m) == free for m in range(5)] == [m >= rank for m in range(5)]


# -- moving modes -------------------------------------------------------------------------------------------------------


@st.composite
def moving(draw: st.DrawFn) -> tuple[list[list[fmpq_mat]], fmpq_mat, fmpq_mat]:
    """Rect-diagonal layers at two times whose products differ in every mode, and data of three kinds."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    m = min(widths)
    times_ = [[[draw(NONZERO) for _ in range(3)] for _ in widths[1:]] for _ in range(2)]
    nets = [[rectangular(b, a, x) for (a, b), x in zip(pairwise(widths), values, strict=True)] for values in times_]
    P, R = map(times, nets)
    assume(all(P[p, p] != R[p, p] for p in range(m)))
    kind = draw(st.sampled_from(("free", "fitted", "modes", "modes fitted")))
    sparse = st.sampled_from((0, 0, 1, -2))
    X = draw(matrices(widths[0], widths[0], sparse))
    Y = draw(matrices(widths[-1], widths[0], sparse))
    for A in (X, Y) if "modes" in kind else ():
        for p, q in product(range(A.nrows()), range(A.ncols())):
            A[p, q] = A[p, q] if p == q or min(p, q) >= m else 0
    return nets, X, P * X if "fitted" in kind else Y


def crossed(A: fmpq_mat, m: int) -> bool:
    """Whether an entry off the diagonal, in the first m rows or columns, is not zero."""
    return any(A[p, q] != 0 for p, q in product(range(A.nrows()), range(A.ncols())) if p != q and min(p, q) < m)


@settings(few, max_examples=30)
@given(moving())
def test_two_times_with_moving_modes_see_the_whole_condition_on_the_data(drawn: Any) -> None:
    nets, X, Y = drawn
    m = min(min(W.nrows(), W.ncols()) for W in nets[0])
    leaves = [any(crossed(gradient(net, i, X, Y), 3) for i in range(len(net))) for net in nets]
    assert any(leaves) is (crossed(X * X.transpose(), m) or crossed(Y * X.transpose(), m))
    if times(nets[0]) * X == Y:
        assert not leaves[0]  # one time alone sees nothing


# -- balanced descent ---------------------------------------------------------------------------------------------------


@few
@given(st.builds(fmpq, st.integers(1, 40), st.just(400)))
def test_a_step_from_a_balanced_start_has_this_commutator(rate: fmpq) -> None:
    X, C = fmpq_mat([[1, 1, 0], [1, 0, 1]]), fmpq_mat([[1, 0], [0, 3]])
    S = X * X.transpose()
    Y = C * S.inv() * X
    assert fmpq_mat([[2, 1], [1, 2]]) == S and Y * X.transpose() == C
    W = fmpq_mat([[1, 0], [0, 2]])
    W1, W2 = step([W, W], X, Y, rate)
    A, B = W1 * W1.transpose(), W2.transpose() * W2
    commutator = (B * A - A * B)[0, 1]
    assert commutator == 6 * rate**2 * (873 * rate**2 - 277 * rate + 12)
    assert commutator != 6 * rate**2 * (873 * rate**2 - 277 * rate + 13)
    assert commutator > 0 or rate > fmpq(1, 20)


@few
@given(st.integers(1, 3), st.integers(1, 3), FRACTIONS, st.booleans(), st.data())
def test_tied_layers_stay_tied_exactly_where_the_targets_look_symmetric(
    k: int, hidden: int, rate: fmpq, symmetric: bool, data: st.DataObject
) -> None:
    W, Y = data.draw(matrices(hidden, k)), data.draw(matrices(k, k))
    Y = Y + Y.transpose() if symmetric else Y
    W1, W2 = step([W, W.transpose()], identity(k), Y, rate)
    seen = any((W * (Y - Y.transpose())).entries())
    assert (W2.transpose() == W1) is (not seen or rate == 0)
    if symmetric:
        V1, V2 = step([W1, W2], identity(k), Y, rate)
        assert V1.transpose() == V2


# -- balanced flow ------------------------------------------------------------------------------------------------------

ORDER = 7
Series = list[fmpq]


def multiplied(*factors: Series) -> Series:
    """The product of power series in t, up to t^{ORDER - 1}."""
    one: Series = [fmpq(int(k == 0)) for k in range(ORDER)]
    return reduce(lambda x, y: [sum((x[i] * y[k - i] for i in range(k + 1)), fmpq(0)) for k in range(ORDER)], factors, one)


def exponential(rate: fmpq) -> Series:
    out = [fmpq(1)]
    for k in range(1, ORDER):
        out.append(out[-1] * rate / k)
    return out


def mode_flow(start: fmpq, s: fmpq, c: fmpq, depth: int) -> tuple[list[Series], Series]:
    """The Taylor series of all sigma_i under d sigma_i/dt = (c - s pi) prod_{j != i} sigma_j, and of pi."""
    sigma: list[Series] = [[start] + [fmpq(0)] * (ORDER - 1) for _ in range(depth)]
    for k in range(ORDER - 1):
        whole = [c * (n == 0) - s * x for n, x in enumerate(multiplied(*sigma))]
        speeds = [multiplied(whole, *sigma[:i], *sigma[i + 1 :])[k] for i in range(depth)]
        for x, v in zip(sigma, speeds, strict=True):
            x[k + 1] = v / (k + 1)
    return sigma, multiplied(*sigma)


def affine(constant: fmpq, slope: fmpq) -> Series:
    return [constant, slope] + [fmpq(0)] * (ORDER - 2)


@few
@given(POSITIVE, POSITIVE, NONZERO)
def test_closed_forms_at_depths_one_and_two(b: fmpq, s: fmpq, c: fmpq) -> None:
    (line,), _ = mode_flow(b, s, c, 1)
    assert [x - c / s * (k == 0) for k, x in enumerate(line)] == [(b - c / s) * e for e in exponential(-s)]
    (first, second), a = mode_flow(b, s, c, 2)
    assert first == second

    def below(rate: fmpq) -> Series:
        return [int(k == 0) + (c / (s * b**2) - 1) * e for k, e in enumerate(exponential(rate))]

    def solves(rate: fmpq) -> bool:
        return multiplied(a, below(rate)) == [c / s * (k == 0) for k in range(ORDER)]

    assert solves(-2 * c)
    assert solves(-c) is (s * b**2 == c)  # the exponent is 2c and not c


@few
@given(POSITIVE, POSITIVE, st.integers(2, 5))
def test_closed_form_with_target_zero(b: fmpq, s: fmpq, depth: int) -> None:
    sigma, a = mode_flow(b, s, fmpq(0), depth)
    assert all(x == sigma[0] for x in sigma) and a == multiplied(*[sigma[0]] * depth)
    power = multiplied(*[sigma[0]] * (2 * depth - 2))
    one = [fmpq(int(k == 0)) for k in range(ORDER)]
    assert multiplied(power, affine(b ** (2 - 2 * depth), (2 * depth - 2) * s)) == one
    assert multiplied(power, affine(b ** (2 - 2 * depth), (2 * depth - 1) * s)) != one


def potential(b: Any, s: Any, c: Any, N: int) -> Any:
    top, low = -mpmath.mpf(N - 2) / N, mpmath.mpf(2) / N
    return -(b ** (2 - N)) / ((N - 2) * c) * mpmath.hyp2f1(1, top, low, s / c * b**N)


@settings(few, max_examples=12)
@given(st.integers(3, 6), POSITIVE, POSITIVE, st.integers(1, 8), st.integers(1, 8))
def test_time_as_a_function_of_the_value_from_depth_three(N: int, s: fmpq, c: fmpq, i: int, j: int) -> None:
    assume(i != j)
    with mpmath.workdps(25):
        S, K = (mpmath.mpf(int(x.p)) / int(x.q) for x in (s, c))
        x, y = ((K / S) ** (mpmath.mpf(1) / N) * k / 10 for k in (i, j))
        time = mpmath.quad(lambda b: 1 / (b ** (N - 1) * (K - S * b**N)), mpmath.linspace(x, y, 5))
        found = potential(y, S, K, N) - potential(x, S, K, N)
        assert abs(found - time) < 1e-12 * abs(time)
        assert abs(found - time * (1 + mpmath.mpf(10) ** -6)) > 1e-12 * abs(time)
        if N == 4:
            closed = [-1 / (2 * K * b**2) + mpmath.sqrt(S / K**3) / 2 * mpmath.atanh(mpmath.sqrt(S / K) * b**2) for b in (x, y)]
            assert abs(closed[1] - closed[0] - time) < 1e-12 * abs(time)


# -- Toeplitz trajectories ----------------------------------------------------------------------------------------------


def toeplitz(x: Any, y: Any) -> Matrix:
    return Matrix([[x, 0], [y, x]])


def conditions(w: Sequence[Any], S: Matrix, C: Matrix) -> list[Any]:
    """Both layers stay on their lines at two values of alpha_1 alpha_2: the projected gradients, apart for C and S."""
    W1, W2 = toeplitz(*w[:2]), toeplitz(*w[2:])
    across = [Matrix([[y, 0], [-2 * x, y]]) for x, y in (w[:2], w[2:])]
    parts = [(W2.T * C, W2.T * W2 * W1 * S), (C * W1.T, W2 * W1 * S * W1.T)]
    return [(E.T * G).trace() for E, pair in zip(across, parts, strict=True) for G in pair]


def some_start(S: Matrix, C: Matrix) -> bool:
    """Whether nonzero complex W_1, W_2 satisfy the conditions: Groebner bases in the four charts of a product of lines."""
    x, y = symbols("x y")
    charts = product(((1, x), (0, 1)), ((1, y), (0, 1)))
    systems = ([f for f in conditions((*u, *v), S, C) if f != 0] for u, v in charts)
    return any(not fs or groebner(fs, x, y, order="grevlex").exprs != [1] for fs in systems)


def bad(p: Any, q: Any, r: Any, g: Any, tau: Any, change: int = 0) -> Any:
    """The resultant; `change` alters one coefficient."""
    cubic = g**3 * ((p + r) ** 2 - 8 * q**2) + g**2 * tau * ((12 + change) * p * q - 4 * q * r)
    return cubic + g * tau**2 * (-6 * p**2 + 2 * p * r + 3 * q**2) - 2 * p * q * tau**3


WHOLE = st.integers(-4, 4)


@settings(few, max_examples=12)
@given(st.tuples(*[WHOLE] * 6))
def test_general_data_have_a_start_only_on_the_bad_set(x: tuple[int, ...]) -> None:
    p, q, r, diagonal, corner, g = x
    tau = diagonal + 1
    assume(tau and g)
    S, C = Matrix([[p, q], [q, r]]), Matrix([[diagonal, corner], [g, 1]])
    assert bad(p, q, r, g, tau) == 0 or not some_start(S, C)


@settings(few, max_examples=12)
@given(NONZERO, NONZERO, NONZERO, FRACTIONS, NONZERO)
def test_data_with_a_start_lie_on_the_bad_set(a: fmpq, b: fmpq, g: fmpq, p: fmpq, q: fmpq) -> None:
    """Parallel layers: the conditions are linear in tau and in r."""
    a, b, g, p, q = (Rational(int(x.p), int(x.q)) for x in (a, b, g, p, q))
    tau, r = symbols("tau r")
    S, C = Matrix([[p, q], [q, r]]), Matrix([[tau, 0], [g, 0]])
    data, moments = conditions((a, b, a, b), S, C)[:2]
    slopes = data.expand().coeff(tau), moments.expand().coeff(r)
    assume(all(slopes))
    at = {tau: -data.subs(tau, 0) / slopes[0], r: -moments.subs(r, 0) / slopes[1]}
    S, C = S.subs(at), C.subs(at)
    assume(at[tau] != 0)
    assert all(x == 0 for x in conditions((a, b, a, b), S, C))
    assert bad(p, q, at[r], g, at[tau]) == 0
    assert (bad(p, q, at[r], g, at[tau], change=1) == 0) is (p == 0)
    assert some_start(S, C)


@settings(few, max_examples=12)
@given(matrices(2, 2, st.integers(-2, 2)), st.booleans())
def test_an_autoencoder_has_a_start_exactly_for_uncorrelated_inputs(X: fmpq_mat, diagonal: bool) -> None:
    for i, j in ((0, 1), (1, 0)) if diagonal else ():
        X[i, j] = 0
    assume(any(X.entries()))
    S = Matrix(2, 2, [int(x.p) for x in (X * X.transpose()).entries()])
    assert some_start(S, S) is (S[0, 1] == 0)


def test_the_autoencoder_needs_a_moment_matrix() -> None:
    S = Matrix([[1, 2], [2, 3]])  # p^2 + p r = q^2, not semidefinite
    assert some_start(S, S) and bad(1, 2, 3, 2, 4) == 0


@few
@given(POSITIVE, POSITIVE, NONZERO, NONZERO, FRACTIONS, st.builds(fmpq, st.integers(1, 9), st.just(50)))
def test_multiples_of_the_identity_move_on_their_lines(p: fmpq, r: fmpq, a: fmpq, c: fmpq, q: fmpq, rate: fmpq) -> None:
    assume(a * c != 1)

    def projected(W: fmpq_mat) -> tuple[fmpq, fmpq]:
        return (W[0, 0] + W[1, 1]) / 2, W[1, 0]

    X = fmpq_mat([[p, 0], [q, r]])
    moved = [projected(W) for W in step([a * identity(2), c * identity(2)], X, X, rate)]
    assert all((below == 0) is (q == 0) for _, below in moved)
    assert moved[0][0] != a and moved[1][0] != c
