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

from sympy import Expr, Identity, MatrixSymbol, Trace, symbols

from theory.certificates import prove
from theory.expressions import DiagonalPart, Square, SymmetricSymbol, inner, known, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.terms import diagonal_part, fact, step, term, trace
from theory.theorem import Claim
from theory.theorems.minima.origin_claims import layers_point
from theory.theorems.minima.setting import Setting, widths_of

KAPPA, LAMBDA, U, C1, C2 = symbols("kappa lambda u gamma1 gamma2")


class Neuron:
    """A neuron that is zero, at the unit vector e of the hidden layer: W_2 e = 0 and e^T W_1 = 0; then it becomes (w, u)."""

    def __init__(self) -> None:
        self.s = Setting(widths_of(2))
        d0, d1 = self.s.dim(0), self.s.dim(1)
        self.e, self.w = MatrixSymbol("e", d1, 1), MatrixSymbol("w", 1, d0)
        e, (V, W) = self.e, self.s.layers
        self.unit, self.length = DiagonalPart(e * e.T) - e * e.T, Trace(e.T * e) - 1
        self.output, self.input = Trace(W * e), e.T * V

    @property
    def given(self) -> tuple[Condition, ...]:
        return tuple(map(equal, (self.unit, self.length, self.output, self.input)))

    def change(self) -> Expr:
        """L after less L before."""
        V, W = self.s.layers
        return self.s.loss.xreplace({V: V + self.e * self.w, W: W + U * self.e.T}) - self.s.loss

    def added(self) -> Expr:
        """gamma_1 |w|^2 + gamma_2 u^2 - 2 u w . r + (1 + s) u^2 |w|_A^2."""
        (c1, c2), w, r = self.s.decay, self.w.T, self.s.g - self.s.A * self.s.product.T
        return c1 * norm2(w) + c2 * U**2 - 2 * U * inner(w, r) + (1 + self.s.noise[0]) * U**2 * quadratic(self.s.A, w)

    def zeros(self) -> Any:
        """Their difference, with a hypothesis in every term."""
        (c1, c2), w, g, A = map(term, self.s.decay), term(self.w), term(self.s.g), term(self.s.A)
        P, none, one, a, z = term(self.s.product), *map(fact, (self.unit, self.length, self.output, self.input))
        off = a * w + term(U) * z + term(U) * one * w
        square = trace(off * A * (2 * P + 2 * term(U) * w + off).T) - 2 * trace(off * g)
        penalty = c1 * (2 * trace(z * w.T) + one * trace(w * w.T)) + c2 * (2 * term(U) * a + term(U) ** 2 * one)
        return square + penalty + self.s.noise[0] * self._spread(none, one, a, z)

    def _spread(self, none: Any, one: Any, a: Any, z: Any) -> Any:
        """tr(diag(M') Q') - tr(diag(M) Q) - u^2 |w|_A^2 with M = W_1 A W_1^T, Q = W_2^T W_2."""
        (V, W), e, w, A, u = map(term, self.s.layers), term(self.e), term(self.w), term(self.s.A), term(U)
        Q, y, M = W.T * W, w * A * V.T, (V + e * w) * A * (V + e * w).T
        D, D1, c = diagonal_part(e * y), diagonal_part(M), trace(w * A * w.T)
        inner_ = a * trace(D * W.T * e.T) + trace(D * Q * none) - trace(diagonal_part(none * e * y) * Q) - one * trace(D * Q)
        cross = a * trace(e * e.T * D1) + trace(e * W * none * D1) - trace(D1 * none * e * W) - one * trace(D1 * e * W)
        more = z + one * w
        last = trace(M * none) + trace(more * A * (2 * w + more).T)
        return 2 * inner_ + c * (trace(none * Q) + a**2) + 2 * u * cross + u**2 * last


def added(name: str) -> Claim:
    """What a neuron that was zero adds to the loss."""
    f = Neuron()
    law = f.change() - f.added()
    statement = Statement(f"{name}.added", (*f.s.variables, f.e, f.w, U), f.given, (equal(law),))
    point = {**layers_point(2, (2, 2, 1), 1), "W1": [[1, 2], [0, 0]], "W2": [[1, 0]], "e": [[0], [1]], "w": [[1, 1]], "u": 1}
    return Claim(statement, (step("==", law, f.zeros()),), point, {"d0": 2, "d1": 2})


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
    return [added(name), residual(name)]
