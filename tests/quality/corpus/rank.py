"""Conjectures about rank: of products and sums, after one step of gradient descent, under noise, masks (arXiv:1807.08140)."""

from __future__ import annotations

from itertools import combinations

from conjecture_corpus import false, layers, true
from sympy import Determinant, Identity, MatrixSymbol, Rational, symbols

from theory.expressions import Mean, gradient, norm2
from theory.predicates.rank_at_most import RankAtMost
from theory.statement import at_least, equal, greater

d0, d1, d2 = symbols("d0 d1 d2")
eta, s, x1, x2, y, e = symbols("eta s x1 x2 y e")
W1, W2 = layers(d0, d1, d2)
C = MatrixSymbol("C", d2, d0)
F = W2 * W1 - C
S1, S2 = layers(2, 2, 2)
A, B, Z = (MatrixSymbol(name, 2, 2) for name in "ABZ")
a3, b3, c3, e3 = (MatrixSymbol(name, 3, 1) for name in "abce")
u, v, h, r = (MatrixSymbol(name, 2, 1) for name in "uvhr")
R1, R2 = layers(2, 3, 2)
N1, N2 = layers(2, 1, 2)
M = MatrixSymbol("M", 3, 3)


def minors(first: MatrixSymbol, second: MatrixSymbol) -> list[object]:
    """The products of the minors of W2 (2 x 3) and W1 (3 x 2) with the same hidden neurons."""
    two = lambda X, rows, cols: X[rows[0], cols[0]] * X[rows[1], cols[1]] - X[rows[0], cols[1]] * X[rows[1], cols[0]]  # noqa: E731
    return [two(second, (0, 1), k) * two(first, k, (0, 1)) for k in combinations(range(3), 2)]


# One step on |W2 W1 - I|^2 / 2 with rate 1.
G = S2 * S1 - Identity(2)
STEP1, STEP2 = S1 - S2.T * G, S2 - G * S1.T
RES = x1 * x2 - y
# One step from layers u h^T and r u^T, on |P - A|^2 / 2: both keep the hidden direction u.
P0 = r * u.T * u * h.T - A
KEPT1, KEPT2 = u * h.T - eta * u * r.T * P0, r * u.T - eta * P0 * h * u.T

CASES = [
    # -- true ---------------------------------------------------------------------------------------------------------
    # The determinant is multiplicative.
    true("rank.determinant_of_a_product", (A, B), equal(Determinant(B * A), Determinant(B) * Determinant(A))),
    # Determinant(B A) = det B det A = 0.
    true("rank.product_of_a_singular_layer", (A, B), equal(Determinant(B * A)), (equal(Determinant(A)),)),
    # One step is multiplication by S = [[I, -eta F^T], [-eta F, I]] of the stacked layers.
    true(
        "rank.step_mixes_the_stacked_layers",
        (W1, W2, C, eta),
        [
            equal(W1 - eta * gradient(norm2(F) / 2, W1), W1 - eta * W2.T * F),
            equal((W2 - eta * gradient(norm2(F) / 2, W2)).T, W2.T - eta * W1 * F.T),
        ],
    ),
    # Minors of different size are orthogonal, and the permanent of second moments counts the rest.
    true(
        "rank.second_moment_of_a_random_determinant",
        (A, Z, s),
        equal(Mean(Determinant(A + s * Z) ** 2, Z, 1, 0, 1, 0, 1), Determinant(A) ** 2 + s**2 * norm2(A) + 2 * s**4),
    ),
    # A hidden layer of one neuron: the product has rank one.
    true("rank.bottleneck", (N1, N2), equal(Determinant(N2 * N1))),
    # P+ - P telescopes.
    true(
        "rank.increment_of_the_product",
        (W1, W2, C, eta),
        equal(
            (W2 - eta * F * W1.T) * (W1 - eta * W2.T * F) - W2 * W1,
            -eta * (W2 * W2.T * F + F * W1.T * W1) + eta**2 * F * W1.T * W2.T * F,
        ),
    ),
    # Two rank-one terms of 3 x 3 matrices have rank two at most.
    true(
        "rank.two_rank_one_terms",
        (a3, b3, c3, e3),
        equal(Determinant(a3 * b3.T + c3 * e3.T)),
    ),
    # Both layers keep the form u (.)^T and (.) u^T: the product stays of rank one, whatever the target.
    true("rank.common_direction_persists", (u, h, r, A, eta), equal(Determinant(KEPT2 * KEPT1))),
    # Cauchy-Binet.
    true("rank.minors_of_a_product", (R1, R2), equal(Determinant(R2 * R1), sum(minors(R1, R2)))),
    # |W2 W1|^2 <= |W2|^2 |W1|^2.
    true("rank.norm_of_a_product", (W1, W2), at_least(norm2(W2) * norm2(W1), norm2(W2 * W1))),
    # Determinant(A + u v^T) = det A + v^T adj(A) u, and adj(A) = tr(A) - A for 2 x 2.
    true(
        "rank.determinant_after_rank_one_noise",
        (A, u, v),
        equal(Determinant(A + u * v.T), Determinant(A) + (A[0, 0] + A[1, 1]) * (u.T * v)[0, 0] - (v.T * A * u)[0, 0]),
    ),
    # A = h r^T has rank one: its determinant is zero, and so is that of 2 x 2 products of it.
    true("rank.factored_determinant", (A, B, h, r), equal(Determinant(B * A * B)), (RankAtMost(A, h, r.T),)),
    # Semidefinite: Determinant(A + B) - det A - det B is the mixed discriminant, >= 0.
    true(
        "rank.determinant_of_a_semidefinite_sum",
        (h, r, u, v),
        at_least(Determinant(h * h.T + r * r.T + u * u.T + v * v.T), Determinant(h * h.T + r * r.T)),
    ),
    # -- false --------------------------------------------------------------------------------------------------------
    # diag(1, 0) + diag(0, 1).
    false(
        "rank.singular_sums",
        (A, B),
        equal(Determinant(A + B)),
        (equal(Determinant(A)), equal(Determinant(B))),
        thin="codimension 2, thick there",
        point={"A": [[1, 0], [0, 0]], "B": [[0, 0], [0, 1]]},
    ),
    # Descent without noise can raise the rank: layers diag(1, 0) and diag(0, 1) become the identity.
    false(
        "rank.descent_keeps_singular_products",
        (S1, S2),
        equal(Determinant(STEP2 * STEP1)),
        (equal(Determinant(S2 * S1)),),
        thin="codimension 1, thick there",
        point={"W1": [[1, 0], [0, 0]], "W2": [[0, 0], [0, 1]]},
    ),
    # Not even one at a time: from product zero to rank two.
    false(
        "rank.descent_adds_one_to_the_rank",
        (S1, S2),
        equal(Determinant(STEP2 * STEP1)),
        (equal(S2 * S1),),
        thin="codimension 3 (products zero of layers of rank one), thick there",
        point={"W1": [[1, 0], [0, 0]], "W2": [[0, 0], [0, 1]]},
    ),
    # Layers of rank one whose product is zero: v^T of the second meets u of the first at a right angle.
    false(
        "rank.product_of_rank_one_layers",
        (S1, S2),
        greater(norm2(S2 * S1)),
        (equal(Determinant(S1)), equal(Determinant(S2)), at_least(norm2(S1), 1), at_least(norm2(S2), 1)),
        thin="codimension 3, in hypotheses of codimension 2",
        point={"W1": [[1, 0], [0, 0]], "W2": [[0, 0], [0, 1]]},
    ),
    # A shell: the determinant is between 1e-7 and 1e-6 of |M|^3.
    false(
        "rank.regular_matrices_are_well_conditioned",
        (M,),
        at_least(10**12 * Determinant(M) ** 2, norm2(M) ** 3),
        (at_least(10**14 * Determinant(M) ** 2, norm2(M) ** 3), at_least(norm2(M), 1)),
        thin="open, about 1e-6",
        point={"M": [[1, 0, 0], [0, 1, 0], [0, 0, "1/1000000"]]},
    ),
    # The mixed discriminant of semidefinite matrices is not negative: the sign is wrong.
    false(
        "rank.semidefinite_determinants_are_subadditive",
        (h, r, u, v),
        at_least(Determinant(h * h.T + r * r.T), Determinant(h * h.T + r * r.T + u * u.T + v * v.T)),
        thin="open, almost everywhere",
        point={"h": [[1], [0]], "r": [[0], [0]], "u": [[0], [1]], "v": [[0], [0]]},
    ),
    # The last coefficient is d! = 2.
    false(
        "rank.second_moment_with_a_wrong_count",
        (A, Z, s),
        equal(Mean(Determinant(A + s * Z) ** 2, Z, 1, 0, 1, 0, 1), Determinant(A) ** 2 + s**2 * norm2(A) + s**4),
        thin="open, almost everywhere",
        point={"A": [[0, 0], [0, 0]], "Z": [[0, 0], [0, 0]], "s": 1},
    ),
    # A balanced scalar network hits zero in one step where eta (x1 x2 - y) = 1.
    false(
        "rank.balanced_descent_keeps_the_rank",
        (x1, x2, y, eta),
        greater((x1 - eta * RES * x2) ** 2 * (x2 - eta * RES * x1) ** 2),
        (greater(eta), at_least(1, eta), equal(x1, x2), greater(x1), greater(y)),
        thin="codimension 2, in a hypothesis of codimension 1",
        point={"x1": 2, "x2": 2, "y": 2, "eta": "1/2"},
    ),
    # A mask can raise the rank: the three products of minors cancel, one of them alone does not.
    false(
        "rank.masks_cannot_raise_the_rank",
        (R1, R2),
        equal(minors(R1, R2)[0]),
        (equal(Determinant(R2 * R1)),),
        thin="codimension 1, thick there",
        point={"W1": [[1, 0], [0, 1], [1, 0]], "W2": [[1, 0, -1], [0, 1, 0]]},
    ),
    # u and v can lie in the column and row space of A.
    false(
        "rank.rank_one_noise_always_helps",
        (A, u, v),
        greater(Determinant(A + u * v.T) ** 2),
        (
            equal(Determinant(A)),
            at_least(norm2(A), 1),
            at_least(norm2(u), 1),
            at_least(norm2(v), 1),
            at_least((u[0, 0] * v[1, 0]) ** 2, 1),
        ),
        thin="codimension 2, in a hypothesis of codimension 1",
        point={"A": [[0, 1], [0, 0]], "u": [[1], [0]], "v": [[0], [1]]},
    ),
    # Unit vectors may be nearly parallel without being equal or opposite.
    false(
        "rank.nearly_parallel_is_parallel",
        (r, u),
        equal((u.T * r)[0, 0] ** 2, 1),
        (
            equal(norm2(u), 1),
            equal(norm2(r), 1),
            at_least((u.T * r)[0, 0] ** 2, Rational(9999, 10000)),
            greater(norm2(u - r)),
            greater(norm2(u + r)),
        ),
        thin="codimension 2, and a share of about 1e-2 there",
        point={"r": [[1], [0]], "u": [["39999/40001"], ["400/40001"]]},
    ),
    # From singular layers of norm at most 2, a step of rate e gives the first layer a determinant of at most 4 e + O(e^2); that
    # is reached where the layers are orthogonal and as large as allowed.
    false(
        "rank.small_steps_raise_the_rank_less",
        (S1, S2, e),
        at_least(Rational(39, 10) * e, Determinant(S1 - e * S2.T * G)),
        (
            greater(e),
            at_least(Rational(1, 100), e),
            equal(Determinant(S1)),
            equal(Determinant(S2)),
            at_least(4, norm2(S1)),
            at_least(4, norm2(S2)),
        ),
        thin="codimension 2, and a share of about 1e-3 there",
        point={"W1": [[2, 0], [0, 0]], "W2": [[0, 0], [0, 2]], "e": "1/100"},
    ),
]
