r"""How many negative directions a neuron that is zero adds, with one hidden layer (arXiv:2202.04777).

Setting: N = 2, a neuron (w, u) beside a network with mean predictor v: it adds

    gamma_1 |w|^2 + gamma_2 u^2 - 2 u w . r + (1 + s) u^2 |w|_A^2,     r = g - A v.

At a nonzero stationary point, (kappa A + lambda) v = g with lambda^2 |v|^2 = Gamma, and |r|^2 > Gamma where kappa > 1. The
quadratic part is then negative at (w, u) = (r, gamma_1), and positive on the hyperplane u = 0: one negative direction for
each such neuron, and none that mixes it with the others. The active neurons minimise the loss of their own network. So k of d
active neurons have Morse index d - k.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Identity, ImmutableMatrix, MatrixSymbol, symbols

from theory.certificates import prove
from theory.expressions import Square, SymmetricSymbol, inner, known, norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.setting import Setting

KAPPA, LAMBDA, U, C1, C2 = symbols("kappa lambda u gamma1 gamma2")


def added(name: str, widths: tuple[int, int, int]) -> Claim:
    """What the last neuron adds to the loss of the others, at given widths."""
    s, last = Setting(widths), widths[1] - 1
    (V, W), (c1, c2) = s.layers, s.decay
    keep = ImmutableMatrix(widths[1], widths[1], lambda i, j: int(i == j != last))
    w, u = ImmutableMatrix(1, widths[1], lambda _, j: int(j == last)) * V, W[0, last]
    others = s.loss.xreplace({V: keep * V, W: W * keep})
    r = s.g - s.A * (W * keep * V).T
    alone = c1 * norm2(w.T) + c2 * u**2 - 2 * u * inner(w.T, r) + (1 + s.noise[0]) * u**2 * quadratic(s.A, w.T)
    law = s.loss - others - alone
    return Claim(Statement(f"{name}.added", s.variables, (), (equal(law),)), (prove("==", law, 0),))


def residual(name: str) -> Claim:
    """|g - A v|^2 > Gamma at a nonzero stationary point with noise, and the quadratic part is negative at (r, gamma_1)."""
    d0 = symbols("d0")
    A, g, v = SymmetricSymbol("A", d0), MatrixSymbol("g", d0, 1), MatrixSymbol("v", d0, 1)
    ridge, root, room = (KAPPA * A + LAMBDA * Identity(d0)) * v - g, LAMBDA**2 * norm2(v) - C1 * C2, KAPPA - 1
    r, energy = g - A * v, quadratic(A, v)
    more = norm2(r) - C1 * C2
    off = known(ridge)
    by = 2 * known(LAMBDA) * known(room) * known(energy) + known(room) ** 2 * Square(A * v) + known(root)
    by += -inner(off, 2 * (room * A * v + LAMBDA * v)) + inner(off, off)
    part = quadratic_part(r, C1, r)
    given = (greater(C1), greater(C2), greater(LAMBDA), greater(room), at_least(A), greater(energy), equal(ridge), equal(root))
    steps = (prove(">", more, by), prove(">", -part, known(C1) * known(more)))
    statement = Statement(f"{name}.residual", (A, g, v, KAPPA, LAMBDA, C1, C2), given, (greater(more), greater(-part)))
    point: dict[str, Any] = {"A": [[1]], "v": [[1]], "g": [[3]], "kappa": 2, "lambda": 1, "gamma1": 1, "gamma2": 1}
    return Claim(statement, steps, point, {"d0": 1})


def quadratic_part(w: Expr, u: Expr, r: Expr) -> Expr:
    """gamma_1 |w|^2 + gamma_2 u^2 - 2 u w . r."""
    return C1 * norm2(w) + C2 * u**2 - 2 * u * inner(w, r)


def claims(name: str) -> list[Claim]:
    return [added(name, (1, 2, 1)), added(name, (2, 3, 1)), residual(name)]
