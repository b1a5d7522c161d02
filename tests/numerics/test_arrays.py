"""Generated kernels: right values in both layouts and on every library, judged by the propagated scale."""

import pickle
import subprocess
import sys
from fractions import Fraction
from itertools import product
from math import inf

import numpy as np
import pytest
from sympy import MatrixSymbol, Trace

from numerics import kernels
from numerics.backends import available, backend
from numerics.draws import FloatDraw
from numerics.kernels import Kernel, compiled
from numerics.margins import TAU, margins
from numerics.rounding import rounded
from theory import dag
from theory.algebra import evaluate
from theory.dag import T, const, diag, entry, expect, eye, lin, mul, num, power, sub, tr, var, zero
from theory.errors import InvalidInput
from theory.expressions import SymmetricSymbol, gradient, lower
from theory.theorem import theorems

W, V, S, a = var("W", (3, 2)), var("V", (2, 3)), var("S", (3, 3), symmetric=True), var("a")
LAYOUTS = pytest.mark.parametrize("small", [0, 9], ids=["batch first", "batch last"])
TORCH = pytest.mark.skipif("torch" not in available(), reason="torch is not installed")


def point(batch=7, seed=0):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=(batch, 3, 3))
    env = {"W": rng.normal(size=(batch, 3, 2)), "V": rng.normal(size=(batch, 2, 3)), "a": rng.normal(size=batch)}
    return env | {"S": s + s.mT}


# -- values -------------------------------------------------------------------------------------------------------------


@LAYOUTS
def test_every_operation_has_its_value(small, monkeypatch):
    monkeypatch.setattr(kernels, "SMALL", small)
    v = point()
    w, u, s, c = v["W"], v["V"], v["S"], v["a"]
    outputs = {
        mul(W, V, S): w @ u @ s,
        mul(a, T(V), T(W)): c[:, None, None] * (u.mT @ w.mT),
        tr(mul(W, V, S)): np.trace(w @ u @ s, axis1=1, axis2=2),
        tr(S): np.trace(s, axis1=1, axis2=2),
        diag(mul(W, V)): (w @ u) * np.eye(3),
        entry(mul(W, V), 1, 2): (w @ u)[:, 1, 2],
        lin((Fraction(1, 3), S), (-2, mul(W, V)), (1, eye(3))): s / 3 - 2 * w @ u + np.eye(3),
        lin((2, power(a, 3)), (Fraction(-1, 7), num(1))): 2 * c**3 - 1 / 7,
        mul(const([[1, Fraction(1, 2)]]), V): np.array([[1, 0.5]]) @ u,
        zero((2, 1)): np.zeros((7, 2, 1)),
        eye(2): np.broadcast_to(np.eye(2), (7, 2, 2)),
        num(Fraction(5, 2)): np.full(7, 2.5),
    }
    run = Kernel(tuple(outputs), backend())
    for got, expected in zip(run(v), outputs.values(), strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("batch", [1, 15, 16, 17, 4097])
def test_chunks_do_not_show(batch):
    v = point(batch)
    run = Kernel((mul(W, V, S), tr(mul(W, V))), backend())
    whole, one = run(v), [run({k: x[[-1]] for k, x in v.items()})]
    assert np.array_equal(whole[0][-1], one[0][0][0]) and whole[1].shape == (batch,)


def test_shared_products_are_formed_once_and_in_a_cheap_order():
    column, row = var("c", (8, 1)), var("r", (1, 8))
    big = var("B", (8, 8))
    source = compiled((mul(big, big, column), tr(mul(big, big, column, row)))).source
    assert source.count("matmul") == 2  # B (B c), used again in the trace, which is a sum of products
    assert "matmul(a0, a0" not in source


def test_sums_run_along_memory():
    """A step down a gradient that is formed as a transposed product: the product is turned, the sum is not."""
    big = {name: var(name, (8, 8)) for name in "WAB"}
    step = sub(big["W"], T(mul(big["A"], big["B"])))
    source = compiled((step, T(mul(step, big["A"])))).source
    sums = [line for line in source.splitlines() if "add" in line or "subtract" in line]
    assert sums and not any(".mT" in line for line in sums)
    assert "[...]" not in source  # both outputs are formed where they are wanted


def test_a_value_may_be_wanted_in_both_directions_and_twice():
    v, product = point(20), mul(W, V)
    run = Kernel((product, T(product), product, W, T(W)), backend())
    expected = v["W"] @ v["V"]
    for got, want in zip(run(v), (expected, expected.mT, expected, v["W"], v["W"].mT), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13)


FACTORS = tuple(map(Fraction, ("2", "-1", "1", "-2", "1/2")))


def grown(rng, pool, scalars):
    """The pools of square matrices and of scalars with one more term, by a random operation."""
    x, y = (pool[rng.integers(len(pool))] for _ in "xy")
    c, d = (FACTORS[rng.integers(5)] for _ in "cd")
    k, s = rng.integers(9), scalars[rng.integers(len(scalars))]
    square = [
        lambda: lin((c, x), (d, y)),
        lambda: mul(x, y),
        lambda: T(x),
        lambda: mul(s, x),
        lambda: diag(x),
        lambda: lin((c, mul(x, y))),
        lambda: lin((c, mul(x, y)), (d, mul(x, T(y)))),
    ]
    number = [lambda: tr(mul(x, y)), lambda: lin((c, s), (d, entry(x, 0, 1)))]
    return ([*pool, square[k]()], scalars) if k < 7 else (pool, [*scalars, number[k - 7]()])


def random_terms(rng):
    """Terms built from W, V, S, a by random operations: places are taken and given back in many orders, factors move."""
    pool, scalars = [mul(W, V), S, T(mul(W, V)), eye(3), sub(mul(W, V), S)], [a, num(2)]
    for _ in range(12):
        pool, scalars = grown(rng, pool, scalars)
    loss = tr(mul(pool[-1], pool[-2]))
    return [*pool[3:], *scalars[1:], loss, dag.gradient(loss, W)]


class Plain:
    """Every operation as numpy has it, on the whole batch."""

    def __init__(self, values):
        self.values, self.batch = values, len(values["a"])

    def variable(self, name, shape, symmetric):
        return self.values[name]

    def num(self, c):
        return np.full(self.batch, float(c))

    def eye(self, n):
        return np.broadcast_to(np.eye(n), (self.batch, n, n))

    def zero(self, shape):
        return np.zeros((self.batch, *shape))

    def const(self, rows):
        return np.broadcast_to([[float(x) for x in row] for row in rows], (self.batch, len(rows), len(rows[0])))

    def lin(self, parts, shape):
        return sum(float(c) * x for c, x in parts)

    def mul(self, scalars, matrices):
        out = np.ones(self.batch)
        for s in scalars:
            out = out * s
        whole = matrices[0] if matrices else None
        for m in matrices[1:]:
            whole = whole @ m
        return out if whole is None else out[:, None, None] * whole

    def power(self, x, k):
        return x**k

    def T(self, x):
        return x.mT

    def tr(self, x, n):
        return np.trace(x, axis1=1, axis2=2)

    def diag(self, x):
        return x * np.eye(3)

    def entry(self, x, i, j):
        return x[:, i, j]


# Among them those at which a kernel once read what it had overwritten, or scaled a scalar that no product rescales.
SEEDS = (*range(20), 153, 158, 594)


@pytest.mark.parametrize("name", ["numpy", "torch", "strict"])
@LAYOUTS
def test_random_programs_agree_with_plain_numpy(small, name, monkeypatch):
    monkeypatch.setattr(kernels, "SMALL", small)
    v, where = point(5, seed=0), on(name, "float64")
    for seed in SEEDS if name == "numpy" else SEEDS[::6]:
        terms = random_terms(np.random.default_rng(seed))
        run = Kernel(tuple(terms), where)
        for got, want, size in zip(run(v), evaluate(terms, Plain(v)), run.magnitudes(v), strict=True):
            error = np.abs(where.numpy(got) - want)
            assert (error <= 1e-10 * np.abs(want).max() + 1e-11 * where.numpy(size)).all(), (seed, error.max())


@pytest.mark.parametrize("batch", [50_000])
def test_the_chunk_is_settled_by_measuring_and_changes_no_value(batch):
    v = {k: np.random.default_rng(1).normal(size=(batch, *s)) for k, s in {"W": (6, 6), "V": (6, 6)}.items()}
    A, B = var("W", (6, 6)), var("V", (6, 6))
    run = Kernel((mul(A, B, A), sub(mul(A, T(B)), B)), backend())
    first, second = run(v), run(v)
    assert run._values.settled
    assert all(np.array_equal(x, y) for x, y in zip(first, second, strict=True))


def test_kernels_do_not_disturb_each_other():
    """The workspace is shared, results are not."""
    v = point(30)
    one, other = Kernel((mul(W, V, S),), backend()), Kernel((mul(S, W, V),), backend())
    (x,) = one(v)
    kept = x.copy()
    other(v)
    assert np.array_equal(x, kept)
    assert not any(np.shares_memory(x, y) for y in v.values())


def test_common_factors_are_bracketed_and_transposes_are_shared():
    A, C = SymmetricSymbol("A", 6), MatrixSymbol("C", 6, 6)
    X, Y = MatrixSymbol("X", 6, 6), MatrixSymbol("Y", 6, 6)
    loss = Trace(Y * X * A * X.T * Y.T) - 2 * Trace(C * X.T * Y.T)
    run = compiled((lower(loss), lower(gradient(loss, X)), lower(gradient(loss, Y))))
    assert run.source.count("matmul") == 4  # Y X, Y X A, and one for each gradient


@pytest.mark.parametrize("a, b, c, d", list(product((1, -2, 2), (1, Fraction(1, 2)), (1, -2, 2), (1, Fraction(1, 2)))))
def test_multiples_of_one_sum_keep_their_numbers(a, b, c, d):
    """One of the sums is the other times a number, and that number is taken into the sum for all that use it."""
    x, y, e = var("X", (3, 3)), var("Y", (3, 3)), var("e")
    u, v, w = (var(name, (3, 3)) for name in "UVW")
    env = {name: FloatDraw(ord(name), 4).matrix(3, 3) for name in "UVWXY"} | {"e": FloatDraw(0, 4).scalar()}
    residual = env["V"] @ env["W"] - env["Y"]
    times = [lin((k, mul(v, w)), (-k, y)) for k in (b, d)]
    (out,) = compiled((lin((a, mul(e, u, times[0], x)), (c, mul(e, v, times[1], x))),))(env)
    right = env["e"][:, None, None] * (float(a * b) * env["U"] + float(c * d) * env["V"]) @ residual @ env["X"]
    np.testing.assert_allclose(out, right, atol=1e-12)


def test_kernels_are_cached_and_terms_travel():
    f = tr(mul(W, V))
    assert compiled((f,)) is compiled((pickle.loads(pickle.dumps(f)),))


@pytest.mark.parametrize(
    ("term", "env", "message"),
    [
        (a, {}, "a value for every variable"),
        (W, {"W": np.zeros((4, 2, 3))}, "W: got shape"),
        (lin((1, a), (1, var("b"))), {"a": np.zeros(2), "b": np.zeros(3)}, "one batch size"),
        (var("M", ("n", "n")), {"M": np.zeros((1, 2, 2))}, "given sizes"),
        (expect(a, var("e"), [num(1)]), {"a": np.zeros(2), "e": np.zeros(2)}, "mean"),
    ],
)
def test_bad_environments_are_refused(term, env, message):
    with pytest.raises(InvalidInput, match=message):
        compiled((term,))(env)


# -- numbers ------------------------------------------------------------------------------------------------------------


def test_constants_are_rounded_once():
    # 1 + 2^-24 + 2^-60 lies just above a midpoint of float32, but float64 puts it on the midpoint.
    c = 1 + Fraction(1, 2**24) + Fraction(1, 2**60)
    assert rounded(c, "float32") == 1 + 2.0**-23 != float(np.float32(float(c)))
    assert rounded(Fraction(1, 10)) == 0.1 and rounded(Fraction(10**400)) == inf and rounded(-Fraction(10**400)) == -inf
    assert rounded(Fraction(10**39), "float32") == inf


def test_float32_is_float32():
    (x,) = compiled((lin((Fraction(1, 3), a)),), backend("numpy", "float32"))({"a": np.ones(3)})
    assert x.dtype == np.float32 and x[0] == np.float32(1 / 3)


def on(name, precision):
    """The backend, or a skipped test where the library or the device is missing."""
    try:
        return backend(name, precision)
    except InvalidInput as why:
        return pytest.skip(str(why))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["torch", "cuda", "strict"])
def test_other_libraries_give_the_same_values(name, precision):
    v, f = point(40), (mul(W, V, S), tr(mul(T(W), S, W)), diag(S), entry(S, 0, 1), mul(a, S), eye(2))
    mine, other = compiled(f)(v), compiled(f, on(name, precision))
    for x, y in zip(mine, other(v), strict=True):
        np.testing.assert_allclose(other.backend.numpy(y), x, rtol=0, atol=1e-13 if precision == "float64" else 1e-4)
    assert margins([(">=", mul(W, T(W)))], v, 40, on(name, "float64")).clear.all()


def test_torch_is_imported_only_when_asked_for():
    code = "import sys, numerics.evidence, numerics.backends as b; b.available(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("name", "precision"), [("jax", "float64"), ("numpy", "float16")])
def test_unknown_backends_are_refused(name, precision):
    with pytest.raises(InvalidInput):
        backend(name, precision)


# -- margins ------------------------------------------------------------------------------------------------------------


@LAYOUTS
def test_magnitudes_are_root_mean_squares_under_random_signs(small, monkeypatch):
    """m^2 of a sum of products of distinct variables is the mean of its square over all signs of the variables."""
    monkeypatch.setattr(kernels, "SMALL", small)
    f = lin((Fraction(1, 3), mul(W, V)), (-2, mul(a, S)))
    v = point(1)
    rng = np.random.default_rng(0)
    signs = {k: rng.choice([-1.0, 1.0], (20_000, *x.shape[1:])) for k, x in v.items()}
    signs["S"] = np.triu(signs["S"]) + np.triu(signs["S"], 1).mT
    run = Kernel((f,), backend())
    (values,), (scale,) = run({k: signs[k] * x for k, x in v.items()}), run.magnitudes(v)
    np.testing.assert_allclose(np.sqrt((values**2).mean(0)), scale[0], rtol=0.03)


def test_margins_tell_equalities_inequalities_and_definite_matrices():
    env = {"x": np.array([0.0, 1e-3, -1e-3, np.nan, np.inf]), "y": np.ones(5)}
    x, y = var("x"), var("y")
    r = sub(mul(x, y), num(0))
    assert margins([("==", r)], env, 5).violated.tolist() == [False, True, True, False, False]
    assert margins([(">=", r)], env, 5).violated.tolist() == [False, False, True, False, False]
    assert margins([(">=", r)], env, 5).clear.tolist() == [True, True, False, False, False]
    assert margins([(">", r)], env, 5).clear.tolist() == [False, True, False, False, False]
    assert margins([(">", r)], env, 5).finite.tolist() == [True, True, True, False, False]
    assert margins([], {}, 3).clear.tolist() == [True] * 3


def test_margins_of_matrices():
    M = var("M", (2, 2))
    tables = np.array([[[1, 1], [1, 1]], [[2, 1], [1, 1]], [[1, 2], [2, 1]], [[1, 1], [0, 1]], [[0, 0], [0, 0]]], dtype=float)
    got = margins([(">=", M)], {"M": tables}, 5)
    assert got.violated.tolist() == [False, False, True, True, False]
    assert margins([(">", M)], {"M": tables}, 5).clear.tolist() == [False, True, False, False, False]


def test_an_overflow_is_neither_a_pass_nor_a_violation():
    x = var("x")
    got = margins([(">=", sub(power(x, 4), power(x, 4))), ("==", sub(power(x, 3), power(x, 2)))], {"x": np.array([1e200])}, 1)
    assert not got.clear[0] and not got.violated[0]


def mutants(term):
    """The term with one coefficient wrong by a millionth."""
    parts = list(zip(term.data, term.args, strict=True)) if term.op == "lin" else [(Fraction(1), term)]
    return [lin(*((c * (1 + Fraction(i == j, 10**6)), x) for j, (c, x) in enumerate(parts))) for i in range(len(parts))]


def separation(names, batch=300):
    """The largest excess of the true equalities of the theorems, and all excesses of their mutants."""
    true, false = [], []
    for name in names:
        theorem = theorems()[name]
        for widths in theorem.supported_at:
            instance = theorem.sample(FloatDraw(0, batch), widths)
            for relation, term in instance.statement.lowered().then:
                if relation == "==":
                    true.append(margins([("==", term)], instance.values, batch).excess)
                    false += [margins([("==", m)], instance.values, batch).excess for m in mutants(term)]
    return np.concatenate(true), np.concatenate(false)


def test_the_tolerance_separates_theorems_from_mutants():
    true, false = separation(["minima.noise_averaged_loss", "minima.stationary_identities"])
    assert true.max() < TAU / 10
    assert np.median(false) > 100 * TAU
