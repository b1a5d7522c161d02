r"""Stationary points without noise, and the tools of `minima.stationary_points` (arXiv:2202.04777)."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, Mul, Rational, Trace

from theory.certificates import Step, prove, vanishes
from theory.expressions import (
    gradient,
    known,
    norm2,
)
from theory.statement import Condition, Statement, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.potential import picked
from theory.theorems.minima.setting import Setting, Width, widths_of
from theory.theorems.minima.stationary_identities import balance_defect

NAME = "minima.stationary_points"
HALF = Rational(1, 2)


def gradients(s: Setting) -> list[Expr]:
    return [gradient(s.loss, W) for W in s.layers]


def stationary(s: Setting) -> tuple[Condition, ...]:
    return tuple(map(equal, gradients(s)))


def euler(s: Setting, i: int) -> Expr:
    """gamma_i |W_i|^2 - v . g + E f^2, a visible zero."""
    return HALF * Trace(s.layers[i - 1].T * known(gradient(s.loss, s.layers[i - 1])))


# -- no noise: aligned rank one, from a root --------------------------------------------------------------------------------


class Silent:
    """A stationary point without noise and with W_N != 0, or W_N = 0."""

    def __init__(self, depth: int, widths: tuple[Width, ...] | None = None) -> None:
        self.s = Setting(widths or widths_of(depth), noisy=False)
        self.n = Network(self.s)

    @property
    def b(self) -> Expr:
        """gamma_N |W_N|^2."""
        return self.s.decay[-1] * norm2(self.s.layers[-1])

    def energy(self, i: int) -> Expr:
        """gamma_i |W_i|^2 - b."""
        return self.s.decay[i - 1] * norm2(self.s.layers[i - 1]) - self.b

    @property
    def power(self) -> Expr:
        """b^D - gamma_2 ... gamma_N |u_1|^2."""
        s = self.s
        return self.b ** (s.depth - 1) - Mul(*s.decay[1:]) * norm2(self.n.row(1))

    @property
    def equation(self) -> Expr:
        """b^D (v^T A - g^T) + Gamma v^T."""
        s = self.s
        return self.b ** (s.depth - 1) * (s.product * s.A - s.g.T) + s.decay_product * s.product

    @property
    def root(self) -> Expr:
        """b^N - Gamma |v|^2."""
        return self.b**self.s.depth - self.s.decay_product * norm2(self.s.product)

    @property
    def value(self) -> Expr:
        """L - Y - D b + v . g."""
        return self.s.loss - self.s.Y - (self.s.depth - 1) * self.b + self.s.fit

    @property
    def conclusions(self) -> tuple[Expr, ...]:
        aligned = [self.n.alignment(k) for k in range(1, self.s.depth)]
        energies = [self.energy(i) for i in range(1, self.s.depth)]
        return (*aligned, *energies, self.equation, self.root, self.value)

    def steps(self) -> list[Step]:
        s, N = self.s, self.s.depth
        out = [prove("==", self.energy(i), euler(s, i) - euler(s, N)) for i in range(1, N)]
        out += [self._size(i) for i in range(1, N)]
        for k in range(N - 1, 0, -1):
            out += self._layer(k)
        value = sum(euler(s, i) for i in range(1, N + 1)) - (N - 1) * euler(s, N)
        return [*out, *self._scalars(), prove("==", self.value, value)]

    def _size(self, i: int) -> Step:
        """|W_i|^2 > 0."""
        s = self.s
        by = known(s.decay[-1]) * known(norm2(s.layers[-1])) + known(self.energy(i))
        return prove(">", norm2(s.layers[i - 1]), by, times=known(s.decay[i - 1]))

    def _layer(self, k: int) -> list[Step]:
        """Balance at layer k, then |u_k|^2 W_k = u_k^T u_{k-1}, |u_k|^2 |W_k|^2 = |u_{k-1}|^2 > 0."""
        s, n, W = self.s, self.n, self.s.layers
        u, low = n.row(k), balance_defect(s, k)
        below = HALF * known(gradient(s.loss, W[k - 1])) * W[k - 1].T
        steps = [prove("==", low, below - HALF * W[k].T * known(gradient(s.loss, W[k])))]
        left = norm2(u) * Trace(known(low)) - Trace(u * known(low) * u.T)
        if k == s.depth - 1:
            steps.append(vanishes(n.alignment(k), -norm2(u) * left, times=known(s.decay[k - 1])))
        else:
            # |u_{k+1}|^4 W_{k+1}^T W_{k+1} = |u_{k+1}|^2 u_k^T u_k + zeros
            top, off, size = n.row(k + 1), known(n.alignment(k + 1)), norm2(n.row(k + 1))
            moved_ = off.T * (size * W[k]) + u.T * top * off
            zeros = s.decay[k] * (norm2(u) * Trace(moved_) - Trace(u * moved_ * u.T))
            by = -norm2(u) * (size**2 * left + zeros)
            steps.append(vanishes(n.alignment(k), by, times=known(s.decay[k - 1]) * known(size) ** 2))
        steps.append(prove("==", n.norm_gap(k), Trace(W[k - 1].T * known(n.alignment(k)))))
        grown = known(norm2(u)) * known(norm2(W[k - 1])) - known(n.norm_gap(k))
        return [*steps, prove(">", norm2(n.row(k - 1)), grown)]

    def _scalars(self) -> list[Step]:
        s, n, N, b = self.s, self.n, self.s.depth, self.b
        sizes, G = [norm2(W) for W in s.layers], Mul(*s.decay[1:])
        # prod_{i>=2} |W_i|^2 - |u_1|^2 and b^D - prod_{i>=2} gamma_i |W_i|^2
        norms = sum((Mul(*sizes[1 : k - 1]) * known(n.norm_gap(k)) for k in range(2, N)), Integer(0))
        energies = [s.decay[i - 1] * sizes[i - 1] for i in range(2, N + 1)]
        spread = sum(
            (Mul(*energies[: i - 2]) * known(self.energy(i)) * b ** (N - i) for i in range(2, N)), Integer(0)
        )
        row = HALF * n.row(1) * known(gradient(s.loss, s.layers[0]))
        equation = known(self.power) * (s.product * s.A - s.g.T) + G * row
        first, last = known(self.energy(1)), known(n.norm_gap(1))
        root = b * known(self.power) - G * norm2(n.row(1)) * first + s.decay_product * last
        return [
            prove("==", self.power, G * norms - spread),
            prove("==", self.equation, equation),
            prove("==", self.root, root),
        ]


def silent(depth: int) -> Claim:
    """Without noise a stationary point with W_N != 0 is aligned, of rank one, and its b is a root."""
    f = Silent(depth)
    s = f.s
    given = (*s.hypotheses, *stationary(s), greater(norm2(s.layers[-1])))
    statement = Statement(f"{NAME}.silent{depth}", s.variables, given, tuple(map(equal, f.conclusions)))
    at = {f"d{i}": 1 for i in range(depth)}
    return Claim(statement, tuple(f.steps()), picked(statement, thin(s)), at)


def dead_output(depth: int) -> Claim:
    """W_N = 0 at a stationary point: everything is 0, with noise as well."""
    s = Setting(widths_of(depth))
    given = (*s.hypotheses, *stationary(s), equal(s.layers[-1]))
    energies = [s.decay[i - 1] * norm2(s.layers[i - 1]) for i in range(1, depth)]
    steps: list[Step] = []
    for i, e in enumerate(energies, 1):
        zero = euler(s, i) - euler(s, depth) + s.decay[-1] * Trace(s.layers[-1].T * known(s.layers[-1]))
        steps += [prove("==", e, zero), vanishes(s.layers[i - 1], -known(e), times=known(s.decay[i - 1]))]
    statement = Statement(f"{NAME}.dead_output{depth}", s.variables, given, tuple(map(equal, s.layers[:-1])))
    zero_point = {**thin(s), **{W.name: [[0]] for W in s.layers}}
    return Claim(statement, tuple(steps), picked(statement, zero_point), {f"d{i}": 1 for i in range(depth)})


def thin(s: Setting) -> dict[str, Any]:
    """A stationary point with all widths 1: W_1 = 2, gamma_1 = 1/4, all else 1, E f^2 = 1 and v . g = 2."""
    N = s.depth
    values: dict[str, Any] = {f"W{i}": [[2 if i == 1 else 1]] for i in range(1, N + 1)}
    values |= {f"gamma{i}": Rational(1, 4) if i == 1 else 1 for i in range(1, N + 1)} | {f"s{k}": 1 for k in range(1, N)}
    noisy = sum(v != 0 for v in s.noise)
    return {**values, "A": [[Rational(1, 4 * 2**noisy)]], "g": [[1]], "Y": 4, "p": [[4 * 2**noisy]]}
