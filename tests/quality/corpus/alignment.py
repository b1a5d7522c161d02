"""Conjectures about alignment: balance, aligned layers, one step of gradient descent, gradient flow (arXiv:2003.06340)."""

from __future__ import annotations

from typing import Any

from conjecture_corpus import false, layers, true
from sympy import Identity, MatrixSymbol, Rational, Trace, symbols

from theory.expressions import DiagonalPart, SymmetricSymbol, gradient, inner, norm2
from theory.predicates.balanced import Balanced
from theory.predicates.commute import Commute
from theory.predicates.critical import Critical
from theory.predicates.diagonal import Diagonal
from theory.predicates.orthogonal import Orthogonal
from theory.statement import at_least, equal, greater

d0, d1, d2, d3 = symbols("d0 d1 d2 d3")
eta, y, x1, x2, decay = symbols("eta y x1 x2 decay")
W1, W2 = layers(d0, d1, d2)
V1, V2, V3 = layers(d0, d1, d2, d3)
C = MatrixSymbol("C", d2, d0)


def moved(f: MatrixSymbol, s: MatrixSymbol, target: MatrixSymbol) -> tuple[Any, Any]:
    """Both layers after one step on |W2 W1 - target|^2 / 2, with its gradient written out."""
    F = s * f - target
    return f - eta * s.T * F, s - eta * F * f.T


FREE = norm2(W2 * W1 - C) / 2
PLUS = moved(W1, W2, C)
F2 = W2 * W1 - C
S1, S2 = layers(2, 2, 2)
T2 = MatrixSymbol("C", 2, 2)
SYM = SymmetricSymbol("A", 2)
B2 = SymmetricSymbol("B", 2)
SPLUS = moved(S1, S2, T2)
RES = x1 * x2 - y
X1, X2 = x1 - eta * RES * x2, x2 - eta * RES * x1
L1, L2 = layers(2, 1, 2)
LC = MatrixSymbol("C", 2, 2)
LPLUS = moved(L1, L2, LC)

CASES = [
    # -- true ---------------------------------------------------------------------------------------------------------
    # With F = W2 W1 - C both cross terms in eta cancel.
    true(
        "alignment.defect_after_one_step",
        (W1, W2, C, eta),
        equal(
            PLUS[1].T * PLUS[1] - PLUS[0] * PLUS[0].T,
            W2.T * W2 - W1 * W1.T + eta**2 * (W1 * F2.T * F2 * W1.T - W2.T * F2 * F2.T * W2),
        ),
    ),
    # Both sides are V2^T V3^T F V1^T.
    true(
        "alignment.gradients_are_balanced",
        (V1, V2, V3, MatrixSymbol("D", d3, d0)),
        equal(
            V2.T * gradient(norm2(V3 * V2 * V1 - MatrixSymbol("D", d3, d0)), V2),
            gradient(norm2(V3 * V2 * V1 - MatrixSymbol("D", d3, d0)), V1) * V1.T,
        ),
    ),
    # V3^T V3 = V2 V2^T and V2^T V2 = V1 V1^T: P^T P = V1^T V2^T V2 V2^T V2 V1 = V1^T (V1 V1^T)^2 V1.
    true(
        "alignment.balanced_product_is_a_power",
        (V1, V2, V3),
        equal((V3 * V2 * V1).T * V3 * V2 * V1, V1.T * V1 * V1.T * V1 * V1.T * V1),
        (Balanced((V1, V2, V3)),),
    ),
    # W2^T dL/dW2 - dL/dW1 W1^T = decay (W2^T W2 - W1 W1^T).
    true(
        "alignment.stationary_with_decay_is_balanced",
        (W1, W2, C, decay),
        equal(W2.T * W2, W1 * W1.T),
        (greater(decay), *Critical(FREE + decay * (norm2(W1) + norm2(W2)) / 2, (W1, W2)).conditions()),
    ),
    # |P|^2 = tr(W1^T W2^T W2 W1) = tr((W1 W1^T)^2).
    true("alignment.norm_of_a_balanced_product", (W1, W2), equal(norm2(W2 * W1), norm2(W1 * W1.T)), (Balanced((W1, W2)),)),
    # (x1 - eta r x2)^2 - (x2 - eta r x1)^2 = (x1^2 - x2^2)(1 - eta^2 r^2).
    true("alignment.scalar_defect_shrinks", (x1, x2, y, eta), equal(X1**2 - X2**2, (x1**2 - x2**2) * (1 - (eta * RES) ** 2))),
    # Products and sums of diagonal matrices are diagonal.
    true(
        "alignment.diagonal_stays_diagonal",
        (S1, S2, T2, eta),
        [equal(SPLUS[0], DiagonalPart(SPLUS[0])), equal(SPLUS[1], DiagonalPart(SPLUS[1]))],
        (Diagonal(S1), Diagonal(S2), Diagonal(T2)),
    ),
    # The product does not change when the hidden layer is turned, and the step turns with it.
    true(
        "alignment.hidden_rotation",
        (W1, W2, C, MatrixSymbol("Q", d1, d1)),
        equal(norm2(W2 * MatrixSymbol("Q", d1, d1).T * MatrixSymbol("Q", d1, d1) * W1 - C), norm2(W2 * W1 - C)),
        (Orthogonal(MatrixSymbol("Q", d1, d1)),),
    ),
    # Along the flow dP/dt = W2 W2^T R + R W1^T W1 with R = C - P, and tr(R^T dP/dt) = |W2^T R|^2 + |R W1^T|^2.
    true(
        "alignment.loss_falls_along_the_flow",
        (W1, W2, C),
        at_least(inner(C - W2 * W1, W2 * W2.T * (C - W2 * W1) + (C - W2 * W1) * W1.T * W1)),
    ),
    # W = Q1 S Q0^T with orthogonal Q: |W|^2 = |S|^2.
    true(
        "alignment.norm_of_an_aligned_layer",
        (MatrixSymbol("Q0", d0, d0), MatrixSymbol("Q1", d1, d1), MatrixSymbol("S", d1, d0)),
        equal(
            norm2(MatrixSymbol("Q1", d1, d1) * MatrixSymbol("S", d1, d0) * MatrixSymbol("Q0", d0, d0).T),
            norm2(MatrixSymbol("S", d1, d0)),
        ),
        (Orthogonal(MatrixSymbol("Q0", d0, d0)), Orthogonal(MatrixSymbol("Q1", d1, d1))),
    ),
    # -- false --------------------------------------------------------------------------------------------------------
    # The defect gains eta^2 (W1 F^T F W1^T - W2^T F F^T W2), which is not zero for balanced layers of width 2.
    false(
        "alignment.descent_keeps_balance",
        (S1, S2, T2, eta),
        equal(SPLUS[1].T * SPLUS[1], SPLUS[0] * SPLUS[0].T),
        (greater(eta), Balanced((S1, S2))),
        thin="codimension 3, thick there",
        point={"W1": [[1, 0], [0, 0]], "W2": [[1, 0], [0, 0]], "C": [[1, 1], [0, 0]], "eta": 1},
    ),
    # Data that are not aligned with the layers turn a diagonal layer.
    false(
        "alignment.diagonal_for_any_data",
        (S1, S2, SYM, eta),
        equal(
            S1 - eta * S2.T * (S2 * S1 - Identity(2)) * SYM,
            DiagonalPart(S1 - eta * S2.T * (S2 * S1 - Identity(2)) * SYM),
        ),
        (greater(SYM), Diagonal(S1), Diagonal(S2)),
        thin="codimension 4 (the hypotheses are linear), thick there",
        point={"W1": [[0, 0], [0, 0]], "W2": [[1, 0], [0, 1]], "A": [[2, 1], [1, 2]], "eta": 1},
    ),
    # W1 W1^T and W2^T W2 that commute need not do so after a step.
    false(
        "alignment.commuting_stays_commuting",
        (S1, S2, T2, eta),
        equal(SPLUS[0] * SPLUS[0].T * SPLUS[1].T * SPLUS[1], SPLUS[1].T * SPLUS[1] * SPLUS[0] * SPLUS[0].T),
        (Commute(S1 * S1.T, S2.T * S2),),
        thin="codimension 1, thick there",
        point={"W1": [[0, 0], [0, 0]], "W2": [[1, 0], [0, 2]], "C": [[1, 0], [1, 0]], "eta": 1},
    ),
    # Orthogonal layers: P is any rotation, as (3/5, 4/5).
    false(
        "alignment.orthogonal_products_are_simple",
        (S1, S2),
        equal((S2 * S1)[0, 0] * (S2 * S1)[1, 0] * ((S2 * S1)[0, 0] ** 2 - (S2 * S1)[1, 0] ** 2)),
        (Orthogonal(S1), Orthogonal(S2)),
        thin="codimension 6; no violation has entries in {-1, 0, 1}",
        point={"W1": [[1, 0], [0, 1]], "W2": [["3/5", "4/5"], ["-4/5", "3/5"]]},
    ),
    # A transposed factor in the definition of balance.
    false(
        "alignment.balance_with_a_transposed_factor",
        (S1, S2),
        equal((S2 * S1).T * S2 * S1, S1.T * S1 * S1.T * S1),
        (equal(S2.T * S2, S1.T * S1),),
        thin="codimension 3, thick there",
        point={"W1": [[1, 1], [0, 0]], "W2": [[1, 1], [0, 0]]},
    ),
    # A step of 1/10 overshoots where eta (x1^2 + x2^2) > 2 on a balanced network.
    false(
        "alignment.small_steps_descend",
        (x1, x2, y, eta),
        at_least(RES**2, (X1 * X2 - y) ** 2),
        (greater(eta), at_least(Rational(1, 10), eta), at_least(1, y**2)),
        thin="open, about 1e-5: x1^2 + x2^2 > 20, or x1, x2 large of opposite sign",
        point={"x1": 5, "x2": 5, "y": 0, "eta": "1/10"},
    ),
    # Where tr(P^T C) >= |P|^2 the product of scalar layers grows along the flow; matrices may turn instead.
    false(
        "alignment.product_grows_towards_the_target",
        (S1, S2, T2),
        at_least(inner(S2 * S1, (T2 - S2 * S1) * S1.T * S1 + S2 * S2.T * (T2 - S2 * S1))),
        (at_least(inner(S2 * S1, T2), norm2(S2 * S1)),),
        thin="open, about 1e-1",
        point={"W1": [[1, 0], [0, 2]], "W2": [[1, 0], [0, 1]], "C": [[9, 0], [0, -1]]},
    ),
    # The eigenvectors of nearly equal eigenvalues turn freely: A = diag(c + 1/1000, c).
    false(
        "alignment.nearly_commuting_is_nearly_aligned",
        (SYM, B2),
        at_least((norm2(B2)) / 1000, norm2(B2 - DiagonalPart(B2))),
        (
            at_least(SYM[0, 0], SYM[1, 1] + Rational(1, 1000)),
            at_least(9, norm2(SYM)),
            at_least(norm2(SYM) * norm2(B2), 10**6 * norm2(SYM * B2 - B2 * SYM)),
        ),
        thin="open, about 1e-6: A within about 1e-3 of a multiple of the identity",
        point={"A": [["2001/1000", 0], [0, 2]], "B": [[0, 1], [1, 0]]},
    ),
    # The gain of the defect has no sign.
    false(
        "alignment.defect_gains_are_semidefinite",
        (S1, S2, T2, eta),
        at_least(SPLUS[1].T * SPLUS[1] - SPLUS[0] * SPLUS[0].T),
        (Balanced((S1, S2)),),
        thin="codimension 3, thick there",
        point={"W1": [[1, 0], [0, 0]], "W2": [[1, 0], [0, 0]], "C": [[1, 1], [0, 0]], "eta": 1},
    ),
    # Balance with equal norms only: tr(W2^T W2) = tr(W1 W1^T) is weaker than balance.
    false(
        "alignment.equal_norms_bound_the_product",
        (S1, S2),
        at_least(norm2(S2 * S1), norm2(S1) ** 2 / 10),
        (equal(norm2(S1), norm2(S2)), at_least(norm2(S1), 1)),
        thin="codimension 1, a share of about 1e-1 there",
        point={"W1": [[1, 0], [0, 0]], "W2": [[0, 1], [0, 0]]},
    ),
    # A hidden layer of one neuron: the defect is one number, and balance is lost after a step unless |F W1^T| = |F^T W2|.
    false(
        "alignment.one_neuron_stays_balanced",
        (L1, L2, LC, eta),
        equal(norm2(LPLUS[1]), norm2(LPLUS[0])),
        (greater(eta), Balanced((L1, L2)), greater(norm2(L1)), equal(Trace(LC), 0)),
        thin="codimension 2, thick there",
        point={"W1": [[1, 0]], "W2": [[1], [0]], "C": [[0, 1], [0, 0]], "eta": 1},
    ),
]
