r"""The network with one input, one hidden neuron and two outputs: the smallest one whose Hessian has two eigenvalues.

f = (w v_1, w v_2) with target (Y, 0): the valley is w v_1 = Y, v_2 = 0, a curve with tangent t = (w, -v_1, 0). There H has the
eigenvalues \(\lambda_1 = w^2\), with e_1 = (0, 0, 1), and \(\lambda_2 = w^2 + v_1^2\), with n = (v_1, w, 0), |n|^2 =
lambda_2; pdet H = lambda_1 lambda_2 = w^4 + Y^2.

Noise that lives on range H is Sigma = H S + S H with S = p e_1 e_1^T + q n n^T (and mixed parts), and drives
\(-\tfrac12 P_T \nabla^3 L[S]\).
"""

from __future__ import annotations

from theory.statement import Condition
from theory.terms import Term, fact, term
from theory.theorems.hessian.coordinates import ZERO, Coordinates, Matrix, combined, dot, outer, scalars
from theory.theorems.hessian.setting import is_zero, positive

W, V1, V2, Y, C = scalars("w v1 v2 Y c")
NET = Coordinates((W, V1, V2), ((W * V1 - Y) ** 2 + (W * V2) ** 2) / 2)
TANGENT = (W, -V1, ZERO)
E1, N = (ZERO, ZERO, term(1)), (V1, W, ZERO)
LOW, HIGH = W**2, W**2 + V1**2
FIT = W * V1 - Y
VALLEY: tuple[Condition, ...] = (is_zero(V2), is_zero(FIT), positive(LOW))
EE, NN = outer(E1, E1), outer(N, N)
MIXED = combined((1, outer(E1, N)), (1, outer(N, E1)))
# lambda_2, visibly positive.
SIZE = fact(LOW) + V1**2


def turning(S: Matrix) -> Term:
    """<t, nabla^3 L[S]>."""
    return dot(TANGENT, NET.third(S))


def trace_slope() -> Term:
    """<t, grad Tr H>."""
    return NET.along(NET.hessian[0][0] + NET.hessian[1][1] + NET.hessian[2][2], TANGENT)


def square_slope() -> Term:
    """<t, grad Tr H^2>."""
    return NET.along(sum((x**2 for row in NET.hessian for x in row), ZERO), TANGENT)


def pdet_slope() -> Term:
    """<t, grad pdet H>: on the valley H has rank 2, so pdet H is the sum of the principal 2 x 2 minors."""
    H = NET.hessian
    minors = (H[i][i] * H[j][j] - H[i][j] ** 2 for i, j in ((0, 1), (0, 2), (1, 2)))
    return NET.along(sum(minors, ZERO), TANGENT)
