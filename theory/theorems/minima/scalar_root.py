r"""The scalar equation of one hidden layer: (kappa beta A + c) z = g, c |z|^2 = 1, with two candidates (beta_i, z_i).

With x = beta_1 z_1 - beta_2 z_2

    (c/2) (beta_2 - beta_1) (|z_1|^2 - |z_2|^2) = kappa |x|_A^2 + (c/2) (beta_1 + beta_2) |z_1 - z_2|^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, MatrixSymbol, Symbol, Trace

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, SymmetricSymbol, inner, known, norm2, quadratic
from theory.statement import Condition, at_least, equal, greater


def seminorm_step(A: Any, z: Any, g: Any) -> Step:
    """|z|_A > 0 from z.g > 0 and A p = g: with l = |p|_A^2 + 1, l^2 |z|_A^2 = |2 (z.g) p - l z|_A^2 + 4 (z.g)^2."""
    p = MatrixSymbol("p", *A.shape[:1], 1)
    fit, length = norm2(g) if z == g else inner(z, g), quadratic(A, p) + 1
    square = Trace(Congruence(known(A), 2 * fit * p - length * z))
    by = square + 4 * known(fit) ** 2 + 4 * fit * length * Trace(z.T * known(A * p - g))
    return prove(">", quadratic(A, z), by, times=(Trace(Congruence(known(A), p)) + 1) ** 2)


KAPPA, FIRST = Symbol("kappa"), Symbol("beta1")


@dataclass(frozen=True)
class Roots:
    """Two solutions; `first` is beta_1, or what takes its place."""

    kappa: Any = KAPPA
    first: Any = FIRST

    second = Symbol("beta2")
    c = Symbol("c")
    A = SymmetricSymbol("A", Symbol("d0"))
    g, z1, z2, p = (MatrixSymbol(name, Symbol("d0"), 1) for name in ("g", "z1", "z2", "p"))

    @property
    def variables(self) -> tuple[Any, ...]:
        return (self.A, self.g, self.c, KAPPA, FIRST, self.second, self.z1, self.z2)

    def equation(self, beta: Any, z: Any) -> Expr:
        return self.kappa * beta * self.A * z + self.c * z - self.g

    def unit(self, z: Any) -> Expr:
        return self.c * norm2(z) - 1

    @cached_property
    def consistent(self) -> Expr:
        return self.A * self.p - self.g

    @property
    def equations(self) -> tuple[Expr, Expr]:
        return self.equation(self.first, self.z1), self.equation(self.second, self.z2)

    @property
    def given(self) -> tuple[Condition, ...]:
        kappa = (greater(self.kappa),) if self.kappa != 1 else ()
        return (greater(self.c), *kappa, at_least(self.A), *map(equal, self.equations))

    @property
    def units(self) -> tuple[Condition, Condition]:
        return equal(self.unit(self.z1)), equal(self.unit(self.z2))

    @cached_property
    def x(self) -> Expr:
        return self.first * self.z1 - self.second * self.z2

    @cached_property
    def turn(self) -> Expr:
        return self.z1 - self.z2

    @property
    def kappa_known(self) -> Any:
        return known(self.kappa) if self.kappa != 1 else self.kappa

    @property
    def cross(self) -> Expr:
        """x.(E_1 - E_2), a visible zero."""
        one, two = map(known, self.equations)
        return inner(self.x, one) - inner(self.x, two)

    @property
    def data(self) -> Expr:
        return self.kappa_known * Trace(Congruence(known(self.A), self.x))

    @property
    def turned(self) -> Expr:
        """|x|_A^2 - (beta_1 - beta_2)^2 |z_2|_A^2, a visible zero where z_1 = z_2 is known."""
        d, rest = known(self.turn), (self.first - self.second) * self.z2
        return self.first * (Trace(d.T * self.A * self.x) + Trace(rest.T * self.A * d))

    def decreasing_steps(self) -> list[Step]:
        """|z_1|^2 > |z_2|^2 from beta_2 > beta_1 >= 0, |z_2|_A > 0."""
        ahead, c, target = self.second - self.first, known(self.c), norm2(self.z1) - norm2(self.z2)
        second = prove(">", self.second, known(ahead) + known(self.first))
        times = c * known(ahead) / 2
        apart = self.data + c / 2 * (known(self.first) + known(self.second)) * known(norm2(self.turn)) - self.cross
        length = self.kappa_known * known(ahead) ** 2 * known(quadratic(self.A, self.z2)) + self.kappa * self.turned
        same = length + self.c / 2 * (self.first + self.second) * Trace(known(self.turn).T * self.turn) - self.cross
        otherwise = [vanishes(self.turn, known(-norm2(self.turn))), prove(">", target, same, times=times)]
        on = norm2(self.turn)
        return [second, split(">", target, on=on, positive=[prove(">", target, apart, times=times)], otherwise=otherwise)]

    @property
    def _units_zero(self) -> Expr:
        """(beta_2 - beta_1) (c |z_1|^2 - c |z_2|^2) / 2, a visible zero."""
        return (self.second - self.first) / 2 * (known(self.unit(self.z1)) - known(self.unit(self.z2)))

    def unique_steps(self) -> list[Step]:
        """beta_1 = beta_2 and z_1 = z_2 from c |z_i|^2 = 1, beta_i >= 0 and consistent moments."""
        total, gap, c = self.first + self.second, self.first - self.second, known(self.c)
        gain = self.kappa_known * known(self.second) * Trace(Congruence(known(self.A), self.z2)) + c * known(norm2(self.z2))
        fit = prove(">", inner(self.z2, self.g), gain - inner(self.z2, known(self.equations[1])))
        length = prove(">", norm2(self.z2), 1 + known(self.unit(self.z2)), times=c)
        zero = (
            total * self.c / 2 * Trace(known(self.turn).T * self.turn)
            - self.cross
            - self._units_zero
            + self.kappa * self.turned
        )
        positive = [
            vanishes(self.turn, self.data - self.cross - self._units_zero, times=c * known(total) / 2),
            vanishes(gap, zero, times=self.kappa_known * known(quadratic(self.A, self.z2))),
        ]
        otherwise = [
            vanishes(total, (known(self.first) + known(self.second)) * known(-total)),
            vanishes(gap, 4 * known(self.first) * known(self.second) - known(total) * total),
        ]
        root = split("==", gap, on=total, positive=positive, otherwise=otherwise)
        return [length, fit, seminorm_step(self.A, self.z2, self.g), root, self._same_step()]

    def _same_step(self) -> Step:
        d, (one, two) = self.turn, map(known, self.equations)
        data = self.kappa_known * known(self.first) * Trace(Congruence(known(self.A), d))
        zeros = inner(d, one) - inner(d, two) - self.kappa * known(self.first - self.second) * Trace(d.T * self.A * self.z2)
        return vanishes(d, data - zeros, times=known(self.c))
