"""Conjectures about the Hessian of the squared loss on its valley of zero loss (arXiv:1910.00195)."""

from __future__ import annotations

from itertools import product

from conjecture_corpus import false, layers, true
from sympy import MatrixSymbol, Rational, symbols

from theory import dag
from theory.expressions import Mean, gradient, inner, lower, norm2
from theory.predicates.orthogonal import Orthogonal
from theory.statement import at_least, equal, greater

w1, w2, w3, y, x, q, z, w, eta, r, v1, v2, v3, mu, noise, s = symbols("w1 w2 w3 y x q z w eta r v1 v2 v3 mu noise s")
a1, a2, a3, b1, b2, b3 = symbols("a1 a2 a3 b1 b2 b3")
d0, d1, d2, n = symbols("d0 d1 d2 n")
p1, p2 = MatrixSymbol("p1", n, 1), MatrixSymbol("p2", n, 1)
W1, W2 = layers(n, n, n)
Q = MatrixSymbol("Q", n, n)
PAIR = (w1 * w2 * x - y) ** 2 / 2
U2, Z2 = MatrixSymbol("U", 2, 1), MatrixSymbol("Z", 2, 1)
RES = w1 * w2 - y
CUBE = w1 * w2 * w3
TRACE3 = (w2 * w3) ** 2 + (w1 * w3) ** 2 + (w1 * w2) ** 2
# The Hessian of (w1 w2 w3 - y)^2 / 2.
GRAD3 = (w2 * w3, w1 * w3, w1 * w2)
MIXED3 = {(0, 1): w3, (0, 2): w2, (1, 2): w1}


def entry(i: int, j: int) -> object:
    mixed = MIXED3.get((min(i, j), max(i, j)), 0)
    return GRAD3[i] * GRAD3[j] + (CUBE - y) * mixed


def hessian3() -> dag.Node:
    """The matrix of the entries above."""
    unit = lambda i, j: dag.const([[int((i, j) == (k, m)) for m in range(3)] for k in range(3)])  # noqa: E731
    return dag.add(*(dag.mul(lower(entry(i, j)), unit(i, j)) for i, j in product(range(3), repeat=2)))


# The trace of the Hessian of diagonal 2 x 2 networks of depth 3 with inputs X = I on their valley.
DIAGONAL = 2 * (a2**2 * a3**2 + b2**2 * b3**2) + (a3**2 + b3**2) * (a1**2 + b1**2) + 2 * (a1**2 * a2**2 + b1**2 * b2**2)
ONE_STEP = (w1 - eta * (RES - noise) * w2) ** 2 + (w2 - eta * (RES - noise) * w1) ** 2

CASES = [
    # -- true ---------------------------------------------------------------------------------------------------------
    # d^2 L / dw1^2 = w2^2 x^2, likewise for w2.
    true(
        "hessian.trace_of_two_layers",
        (w1, w2, x, y),
        equal(gradient(gradient(PAIR, w1), w1) + gradient(gradient(PAIR, w2), w2), x**2 * (w1**2 + w2**2)),
    ),
    # The inequality of the means for w2^2 w3^2, w1^2 w3^2, w1^2 w2^2, whose product is q^12.
    true("hessian.least_trace_of_three_layers", (w1, w2, w3, q), at_least(TRACE3, 3 * q**4), (equal(CUBE, q**3),)),
    # (w1 - w2)^2.
    true("hessian.least_trace_of_two_layers", (w1, w2, y), at_least(w1**2 + w2**2, 2 * y), (equal(w1 * w2, y),)),
    # One step: p1 -> p1 - c p2, p2 -> p2 - c p1, so that p1 + p2 is scaled by 1 - c and p1 - p2 by 1 + c.
    true(
        "hessian.invariant_of_vector_layers",
        (p1, p2, r),
        equal(
            norm2(p1 - r * p2 + (p2 - r * p1)) * norm2(p1 - r * p2 - (p2 - r * p1)),
            norm2(p1 + p2) * norm2(p1 - p2) * (1 - r**2) ** 2,
        ),
    ),
    # With s = (eta r)^2 in [0, 2]: D^2 (1 - (1 - s)^2) = D^2 s (2 - s).
    true(
        "hessian.trace_of_the_limit_decreases",
        (w1, w2, y, eta),
        at_least((w1**2 - w2**2) ** 2, ((w1 - eta * RES * w2) ** 2 - (w2 - eta * RES * w1) ** 2) ** 2),
        (at_least(2, (eta * RES) ** 2),),
    ),
    # On the valley the Hessian is the outer product of (w2, w1).
    true(
        "hessian.valley_is_semidefinite",
        (w1, w2, y, v1, v2),
        at_least(w2**2 * v1**2 + 2 * (2 * w1 * w2 - y) * v1 * v2 + w1**2 * v2**2),
        (equal(w1 * w2, y),),
    ),
    # |W1 - W2^T|^2.
    true("hessian.trace_bounds_the_product", (W1, W2), at_least(norm2(W1) + norm2(W2), 2 * inner(W2.T, W1))),
    # |W1 - W2^T Q^T|^2, because |W2^T Q^T| = |W2|.
    true(
        "hessian.trace_bounds_the_turned_product",
        (W1, W2, Q),
        at_least(norm2(W1) + norm2(W2), 2 * inner(W2.T * Q.T, W1)),
        (Orthogonal(Q),),
    ),
    # f = (w v1, w v2) on w z = y: the eigenvalues w^2 and w^2 + z^2 have the product w^4 + y^2.
    true("hessian.determinant_of_the_forked_net", (w, z, y), equal(w**2 * (w**2 + z**2), w**4 + y**2), (equal(w * z, y),)),
    # w1 = mu w2 and w2 = mu w1: w1^2 = mu w1 w2 = w2^2.
    true(
        "hessian.flattest_points_are_balanced",
        (w1, w2, y, mu),
        equal(w1**2, w2**2),
        (equal(w1, mu * w2), equal(w2, mu * w1), equal(w1 * w2, y)),
    ),
    # The trace of the Hessian is at least its value on a unit vector (on the valley: |g|^2 |v|^2 >= (g.v)^2).
    true(
        "hessian.trace_bounds_the_curvature",
        (w1, w2, w3, v1, v2, v3, y),
        at_least(TRACE3, (w2 * w3 * v1 + w1 * w3 * v2 + w1 * w2 * v3) ** 2),
        (equal(CUBE, y), equal(v1**2 + v2**2 + v3**2, 1)),
    ),
    # -- false --------------------------------------------------------------------------------------------------------
    # Off the valley the Hessian has the mixed term w1 w2 - y more: at (1, 1), y = 0 it is [[1, 2], [2, 1]].
    false(
        "hessian.semidefinite_everywhere",
        (w1, w2, y, v1, v2),
        at_least(w2**2 * v1**2 + 2 * (2 * w1 * w2 - y) * v1 * v2 + w1**2 * v2**2),
        thin="open, about 1e-1",
        point={"w1": 1, "w2": 1, "y": 0, "v1": 1, "v2": -1},
    ),
    # One input, two outputs: the trace is |U|^2 + 2 w1^2, least where |U|^2 = 2 w1^2, not where the layers are balanced.
    false(
        "hessian.balanced_is_flattest",
        (w1, U2, w2, Z2),
        at_least(norm2(Z2) + 2 * w2**2, norm2(U2) + 2 * w1**2),
        (equal(w1 * U2, w2 * Z2), equal(w1**2, norm2(U2)), greater(w1), greater(w2)),
        thin="codimension 3, a share of about 1e-1 there",
        point={"w1": 1, "U": [[1], [0]], "w2": "3/4", "Z": [["4/3"], [0]]},
    ),
    # The balanced factorisation diag(4, 1)^3 of diag(64, 1) has trace 1317; diag(8, 1), I, diag(8, 1), scaled, has 1244.9.
    false(
        "hessian.balanced_diagonal_is_flattest",
        (a1, a2, a3, b1, b2, b3),
        at_least(DIAGONAL, 1317),
        (equal(a1 * a2 * a3, 64), equal(b1 * b2 * b3, 1)),
        thin="codimension 2, a share below 1e-6: all of a1, a2, a3 near 4",
        point={"a1": "40/9", "a2": "81/25", "a3": "40/9", "b1": "5/9", "b2": "81/25", "b3": "5/9"},
    ),
    # The mean grows: E S+ = S (1 + eta^2 s) from a point of the valley.
    false(
        "hessian.raw_trace_decreases_in_the_mean",
        (w1, w2, y, eta, noise, s),
        at_least(w1**2 + w2**2, Mean(ONE_STEP, noise, 1, 0, s)),
        (equal(w1 * w2, y), greater(s), greater(eta)),
        thin="codimension 1, all of it",
        point={"w1": 1, "w2": 2, "y": 2, "eta": "1/10", "noise": 0, "s": 1},
    ),
    # A rate of at most 1/10 allows (eta r)^2 > 2 where the residual exceeds 14.
    false(
        "hessian.trace_of_the_limit_always_decreases",
        (w1, w2, y, eta),
        at_least((w1**2 - w2**2) ** 2, ((w1 - eta * RES * w2) ** 2 - (w2 - eta * RES * w1) ** 2) ** 2),
        (greater(eta), at_least(Rational(1, 10), eta), at_least(y, 0)),
        thin="open, about 1e-6: |w1 w2 - y| > 14",
        point={"w1": -4, "w2": 5, "y": 0, "eta": "1/10"},
    ),
    # The sharp constant is 3 * 324^(1/3) = 20.6049..., reached near (6, 3, 1), q = 18^(1/3).
    false(
        "hessian.weighted_trace_with_slack",
        (w1, w2, w3, q),
        at_least((w1 * w2) ** 2 + 9 * (w1 * w3) ** 2 + 36 * (w2 * w3) ** 2, Rational(2061, 100) * q**4),
        (equal(CUBE, q**3), greater(q)),
        thin="codimension 1, share about 1e-4",
        point={"q": "131/50", "w1": Rational(131, 50) ** 3 / 3, "w2": 3, "w3": 1},
    ),
    # Label noise moves the imbalance by d2 w1^2 - d0 |U|^2, which is w1^2 at balanced layers with d0 = 1, d2 = 2.
    false(
        "hessian.balanced_is_at_rest",
        (w1, U2),
        equal(2 * w1**2, norm2(U2)),
        (equal(w1**2, norm2(U2)),),
        thin="codimension 1, all of it but zero",
        point={"w1": 1, "U": [[1], [0]]},
    ),
    # The Hessian on the valley has the kernel (w1, -w2).
    false(
        "hessian.valley_is_definite",
        (w1, w2, y, v1, v2),
        greater((w2 * v1 + w1 * v2) ** 2),
        (equal(w1 * w2, y), greater(y), equal(v1**2 + v2**2, 1)),
        thin="codimension 3: a kernel of unit length",
        point={"w1": "3/5", "w2": "4/5", "y": "12/25", "v1": "3/5", "v2": "-4/5"},
    ),
    # Zero is stationary with a Hessian that is zero, and no minimum.
    false(
        "hessian.second_order_points_of_three_layers",
        (w1, w2, w3, y),
        equal(CUBE, y),
        (*(equal((CUBE - y) * g) for g in GRAD3), at_least(hessian3())),
        thin="codimension 3: only w = 0",
        point={"w1": 0, "w2": 0, "w3": 0, "y": 1},
    ),
    # Isotropic normal noise moves the forked net towards small w, where the trace 2 w^2 + z^2 grows.
    false(
        "hessian.normal_noise_decreases_the_trace",
        (w, z, y),
        at_least(4 * w**8, 2 * y**2 * w**4),
        (equal(w * z, y), greater(w)),
        thin="codimension 1, a share of about 1e-1 there",
        point={"w": 1, "z": 2, "y": 2},
    ),
    # The three factors are 2^(1/3), and the trace is 3 * 2^(4/3) = 7.5595...: only an irrational point satisfies the
    # hypotheses.
    false(
        "hessian.irrational_balance",
        (w1, w2, w3),
        at_least(Rational(15, 2), TRACE3),
        (equal(w1, w2), equal(w2, w3), equal(CUBE, 2)),
        thin="one irrational point",
    ),
]
