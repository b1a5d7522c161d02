"""The DAG: hash-consing, canonical forms, shapes, gradients."""

import pickle
import subprocess
import sys

import pytest

from theory.algebra import evaluate
from theory.algebras.polynomial import Polynomial
from theory.dag import (
    SCALAR,
    ShapeError,
    T,
    add,
    conj,
    const,
    diag,
    entry,
    expect,
    eye,
    grad,
    gradient,
    lin,
    mul,
    num,
    power,
    square,
    sub,
    substitute,
    tr,
    var,
    zero,
)

W = var("W", ("m", "n"))
V = var("V", ("n", "m"))
A = var("A", ("n", "n"), symmetric=True)
x, y = var("x"), var("y")


def test_equal_terms_are_one_object():
    assert mul(W, V) is mul(W, V)
    assert add(x, y) is add(y, x)
    assert mul(x, y) is mul(y, x)
    assert mul(W, V) is not mul(V, W)


def test_transposes_go_to_the_leaves():
    assert T(mul(W, A, V)) is mul(T(V), A, T(W))
    assert T(T(W)) is W
    assert T(A) is A
    assert T(const([[1, 2]])) is const([[1], [2]])
    assert T(diag(mul(W, V))) is diag(mul(W, V))


def test_linear_combinations_are_flat_and_cancel():
    assert lin((2, lin((3, x), (1, y))), (-6, x)) is lin((2, y))
    assert sub(x, x) is num(0)
    assert sub(W, W) is zero(W.shape)
    assert add(num(2), num(3)) is num(5)


def test_products_collect_numbers_powers_and_identities():
    assert mul(lin((2, x)), lin((3, x))) is lin((6, power(x, 2)))
    assert mul(eye("m"), W) is W
    assert mul(W, zero(V.shape)) is zero(("m", "m"))
    assert power(lin((2, x)), 3) is lin((8, power(x, 3)))
    assert power(A, 2) is mul(A, A)
    assert power(A, 0) is eye("n")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mul(W, W),
        lambda: add(W, V),
        lambda: tr(W),
        lambda: diag(W),
        lambda: power(W, 2),
        lambda: entry(W, 0, 0),
        lambda: entry(const([[1]]), 0, 1),
        lambda: conj(A, W),
        lambda: var("S", (2, 3), symmetric=True),
        lambda: const([[1, 2], [3]]),
        lambda: grad(x, A),
        lambda: grad(W, W),
        lambda: expect(x, num(1), [num(1)]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ShapeError):
        wrong()


def test_gradient_of_the_sum_of_traces_that_sympy_gets_wrong():
    B = var("B", ("n", "m"))
    f = add(tr(mul(T(W), W)), tr(mul(W, B)))
    assert gradient(f, W) is add(lin((2, W)), T(B))


def test_gradient_counts_every_path():
    f = mul(tr(mul(W, V)), tr(mul(W, V)))
    assert gradient(f, W) is lin((2, mul(tr(mul(W, V)), T(V))))
    assert gradient(power(x, 3), x) is lin((3, power(x, 2)))
    assert gradient(mul(x, tr(A)), x) is tr(A)
    assert gradient(x, y) is num(0)


def test_gradient_through_mean_entry_and_diagonal():
    u, s = var("u", (2, 1)), var("s")
    eps = var("eps", (2, 1))
    f = square(tr(mul(T(u), diag(mul(eps, T(eps))), u)))
    mean = expect(f, eps, [num(1), num(0), s, num(0), num(3), num(0), num(1), num(0), num(1)])
    P = Polynomial.of([u, s])
    noisy = Polynomial.of([u, s, eps])
    expected = evaluate([grad(mean, u)], noisy)[0]
    direct = evaluate([mean], noisy)[0]
    assert [e[0] for e in expected] == [direct.derivative(i) for i in (0, 1)]
    assert P is not None
    assert gradient(entry(u, 1, 0), u) is const([[0], [1]])


def test_nested_gradients_give_the_hessian():
    f = power(tr(mul(T(W), W)), 2)
    h = grad(tr(mul(T(grad(f, W)), W)), W)
    flat = evaluate([substitute([h], {W: var("W", (1, 2))})[0]], Polynomial.of([var("W", (1, 2))]))[0]
    (a, b) = evaluate([var("W", (1, 2))], Polynomial.of([var("W", (1, 2))]))[0][0]
    assert flat == [[16 * a * (a**2 + b**2), 16 * b * (a**2 + b**2)]]


def test_gradient_by_the_noise_or_of_a_matrix_mean_is_refused():
    eps, s = var("eps", (1, 1)), var("s")
    mean = expect(tr(eps), eps, [num(1), s])
    with pytest.raises(ShapeError):
        gradient(mean, eps)
    with pytest.raises(ShapeError):
        gradient(mean, s)


def test_nodes_pickle_to_themselves():
    f = add(tr(mul(T(W), W)), x)
    assert pickle.loads(pickle.dumps(f)) is f


def test_the_order_of_terms_is_the_same_in_every_process():
    code = "from theory.dag import *; W=var('W',('m','n')); print(add(tr(mul(T(W),W)), var('x'), mul(var('y'), var('x'))))"
    run = {"capture_output": True, "text": True, "check": True}
    seen = {subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": str(k)}, **run).stdout for k in range(3)}
    assert len(seen) == 1


def test_substitution_is_simultaneous():
    a, b = substitute([x, y], {x: y, y: x})
    assert (a, b) == (y, x)
    assert SCALAR == ()
