r"""One mode of an aligned network under gradient descent: the inequalities of its convergence, with their proofs.

A mode is N numbers \(\sigma_1, \dots, \sigma_N > 0\) with product \(\pi\), target \(a = c / s\), one step \(\sigma_i^+ =
\sigma_i + \eta (c - s \pi) \prod_{j \ne i} \sigma_j\). `TwoLayers` and `ThreeLayers` take any numbers, the largest first;
`Balanced` takes N equal numbers b, with the N-th root q of the target as a variable. Below: \(\pi \le a\); above: \(\pi \ge
a\).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from sympy import Expr, Mul, Rational, Symbol, symbols

from theory.certificates import Step, prove
from theory.expressions import known
from theory.statement import Condition, Statement, at_least, greater
from theory.theorem import Claim
from theory.theorems.minima import means

S, C, ETA, Q = symbols("s c eta q")
HALF = Rational(1, 2)


def others(sigma: Sequence[Any], i: int) -> Expr:
    """prod_{j != i} sigma_j."""
    return Mul(*(x for j, x in enumerate(sigma) if j != i))


def stepped(sigma: Sequence[Any], residual: Any, rate: Any = ETA) -> tuple[Expr, ...]:
    """The numbers after one step, residual = c - s pi."""
    return tuple(x + rate * residual * others(sigma, i) for i, x in enumerate(sigma))


def slopes(sigma: Sequence[Any]) -> Expr:
    """sum_i (prod_{j != i} sigma_j)^2."""
    return sum(others(sigma, i) ** 2 for i in range(len(sigma)))


@dataclass(frozen=True)
class Inequality:
    """A conclusion by name and the steps that reach it; earlier ones of its list may be cited."""

    name: str
    conclusion: Condition
    steps: tuple[Step, ...]


def claim(
    name: str, variables: Sequence[Any], given: Sequence[Condition], then: Sequence[Inequality], at: dict[str, Any]
) -> Claim:
    s = Statement(name, tuple(variables), tuple(given), tuple(x.conclusion for x in then))
    return Claim(s, tuple(step for x in then for step in x.steps), at)


def shown(
    name: str, expression: Any, by: Any, times: Any = None, before: Sequence[Step] = (), relation: str = ">="
) -> Inequality:
    """The conclusion expression relation 0, from `by`."""
    return Inequality(name, Condition(relation, expression), (*before, prove(relation, expression, by, times)))


# -- two layers ---------------------------------------------------------------------------------------------------------


class TwoLayers:
    """x >= y > 0; the largest that a step may be: 2 eta s M^2 <= 1."""

    x, y = sigma = symbols("x y")

    def __init__(self, below: bool) -> None:
        self.below = below
        x, y = self.sigma
        self.residual = C - S * x * y
        self.after = stepped(self.sigma, self.residual)
        self.left = C - S * Mul(*self.after)

    def bound(self, sigma: Sequence[Any]) -> Expr:
        """1 - 2 eta s M^2 with M^2 = a + x^2 - y^2 below the target, x^2 above."""
        x, y = sigma
        return 1 - 2 * ETA * (C + S * (x**2 - y**2)) if self.below else 1 - 2 * ETA * S * x**2

    @property
    def variables(self) -> tuple[Symbol, ...]:
        return (*self.sigma, S, C, ETA)

    @property
    def given(self) -> tuple[Condition, ...]:
        x, y = self.sigma
        side = at_least(self.residual if self.below else -self.residual)
        return (greater(y), at_least(x, y), greater(S), greater(C), greater(ETA), side, at_least(self.bound(self.sigma)))

    def inequalities(self) -> Iterator[Inequality]:
        return self._up() if self.below else self._down()

    def _up(self) -> Iterator[Inequality]:
        x, y = self.sigma
        X, Y, s, h, r, d, g = (known(t) for t in (x, y, S, ETA, self.residual, x - y, self.bound(self.sigma)))
        (u, v), rest = self.after, self.left
        large = prove(">", x, d + Y)
        room = r + s * d * (X + Y)  # = c + s (x^2 - y^2) - s x y
        small = g * HALF + h * room  # = 1/2 - eta s x y
        keep = g + h * (Rational(3, 2) * r + s * d * (X + 3 * Y) + r * small)
        yield shown("no overshoot", rest, r * keep, before=[large])
        yield shown("contraction", (1 - ETA * S * slopes(self.sigma)) * self.residual - rest, h**2 * r**2 * s * X * Y)
        second = (1 - 2 * ETA * S * x * y) * self.residual - rest
        yield shown("contraction by the product", second, h**2 * r**2 * s * X * Y + h * s * r * (x - y) ** 2)
        yield shown("the larger number grows", u - x, h * r * Y)
        yield shown("the smaller number grows", v - y, h * r * X)
        tempo = 1 - ETA * self.residual  # eta r <= 1/2
        before = [prove(">=", tempo, HALF + g * HALF + h * s * (X * Y + d * (X + Y)))]
        yield shown("order", u - v, d * known(tempo), before=before)
        gap = h**2 * r**2 * d * (X + Y)
        yield shown("the imbalance shrinks", x**2 - y**2 - (u**2 - v**2), gap)
        yield shown("the bound persists", self.bound(self.after), g + 2 * h * s * gap)

    def _down(self) -> Iterator[Inequality]:
        x, y = self.sigma
        X, Y, s, c, h, r, d, g = (known(t) for t in (x, y, S, C, ETA, -self.residual, x - y, self.bound(self.sigma)))
        (u, v), rest = self.after, self.left
        large = prove(">", x, d + Y)
        small = g * HALF + h * s * X * d  # = 1/2 - eta s x y
        yield shown("no overshoot", -rest, r * (g + h * s * d * (X + Y) + h**2 * r * s * X * Y), before=[large])
        second = -(1 - 2 * ETA * C) * self.residual + rest
        yield shown("contraction", second, h * r * (s * d**2 + r * (Rational(3, 2) + small)))
        yield shown("the larger number falls", x - u, h * r * Y)
        yield shown("the smaller number falls", y - v, h * r * X)
        half = Y * (HALF + g * HALF) + h * X * c  # eta (s x y - c) x <= eta s x^2 y <= y / 2
        yield shown("positive", v, half, relation=">")
        yield shown("order", u - v, d * (1 + h * r))
        sink = known(x - u)
        persist = g + 2 * h * s * sink * (known(x - u) + 2 * known(u))
        largest = prove(">", u, known(u - v) + known(v))
        yield shown("the bound persists", self.bound(self.after), persist, before=[largest])

    def witness(self) -> dict[str, Any]:
        return (
            {"x": 1, "y": "1/2", "s": 1, "c": 1, "eta": "1/4"} if self.below else {"x": 2, "y": 1, "s": 1, "c": 1, "eta": "1/8"}
        )


# -- equal numbers ------------------------------------------------------------------------------------------------------


class Balanced:
    """N equal numbers b; c = s q^N; the step satisfies N eta s M^(2N-2) <= 1 with M = q below the target, b above."""

    b = Symbol("b")

    def __init__(self, depth: int, below: bool) -> None:
        self.depth, self.below = depth, below
        self.residual = S * (Q**depth - self.b**depth)
        self.after = self.b + ETA * self.residual * self.b ** (depth - 1)

    @property
    def variables(self) -> tuple[Symbol, ...]:
        return (self.b, Q, S, ETA)

    def bound(self, most: Any) -> Expr:
        return 1 - self.depth * ETA * S * most ** (2 * self.depth - 2)

    @property
    def given(self) -> tuple[Condition, ...]:
        side = at_least(Q - self.b) if self.below else at_least(self.b - Q)
        return (*map(greater, self.variables), side, at_least(self.bound(Q if self.below else self.b)))

    def keep(self) -> Expr:
        """1 - eta s b^(N-1) sum_i q^i b^(N-1-i): what remains of q - b after a step."""
        return 1 - ETA * S * self.b ** (self.depth - 1) * means.root_factor(Q, self.b, self.depth)

    def inequalities(self) -> Iterator[Inequality]:
        n, (b, q, s, h) = self.depth, (known(v) for v in self.variables)
        most, d = (q, known(Q - self.b)) if self.below else (b, known(self.b - Q))
        least, sign = (b, 1) if self.below else (q, -1)
        # most^(2n-2) - b^(n-1) q^i b^(n-1-i) = most^.. (most^k - least^k), over i
        k = [n - 1 + n - 1 - i if self.below else i for i in range(n)]
        gaps = [most ** (2 * n - 2 - j) * d * means.root_factor(most, least, j) for j in k if j]
        keep = known(self.bound(Q if self.below else self.b)) + h * s * sum(gaps)
        yield shown("no overshoot", sign * (Q - self.after), d * keep)
        r = s * d * means.root_factor(q, b, n)
        yield shown("monotone", sign * (self.after - self.b), h * r * b ** (n - 1))
        yield self._contraction()

    def _contraction(self) -> Inequality:
        """|q^N - b^N| falls by the factor 1 - N eta s min(b, q)^(2N-2)."""
        n, (b, q, s, h) = self.depth, (known(v) for v in self.variables)
        sign, low = (1, self.b) if self.below else (-1, Q)
        before, after = (sign * (Q**n - x**n) for x in (self.b, self.after))
        rate = (1 - n * ETA * S * low ** (2 * n - 2)) * before - after
        d = known(Q - self.b) if self.below else known(self.b - Q)
        r = s * d * means.root_factor(q, b, n)
        moved = h * r * b ** (n - 1)
        if self.below:
            return shown("contraction", rate, sum(comb(n, j) * b ** (n - j) * moved**j for j in range(2, n + 1)))
        up = known(self.after - Q)
        end, root = up + q, means.root_factor
        terms = (b**i * up * root(end, q, n - 1 - i) + q ** (n - 1 - i) * d * root(b, q, i) for i in range(n))
        return shown("contraction", rate, moved * sum(terms) + n * q ** (n - 1) * h * r * d * root(b, q, n - 1))

    def witness(self) -> dict[str, Any]:
        n = self.depth
        b, q = (1, 2) if self.below else (2, 1)
        return {"b": b, "q": q, "s": 1, "eta": Rational(1, n * 2 ** (2 * n - 2))}


# -- three layers -------------------------------------------------------------------------------------------------------


class ThreeLayers:
    """x >= y >= z > 0; c = s q^3; the largest step: 3 eta s M^4 <= 1 with M^2 = q^2 + x^2 - z^2 below the target, x^2 above."""

    x, y, z = sigma = symbols("x y z")

    def __init__(self, below: bool) -> None:
        self.below = below
        self.residual = S * (Q**3 - Mul(*self.sigma))
        self.after = stepped(self.sigma, self.residual)
        self.left = S * (Q**3 - Mul(*self.after))

    def most(self, sigma: Sequence[Any]) -> Expr:
        """M^2."""
        return Q**2 + sigma[0] ** 2 - sigma[2] ** 2 if self.below else sigma[0] ** 2

    def bound(self, sigma: Sequence[Any]) -> Expr:
        return 1 - 3 * ETA * S * self.most(sigma) ** 2

    @property
    def variables(self) -> tuple[Symbol, ...]:
        return (*self.sigma, Q, S, ETA)

    @property
    def given(self) -> tuple[Condition, ...]:
        x, y, z = self.sigma
        gap = Q**3 - x * y * z
        positive = map(greater, (z, Q, S, ETA))
        return (
            *positive,
            at_least(y, z),
            at_least(x, y),
            at_least(gap if self.below else -gap),
            at_least(self.bound(self.sigma)),
        )

    def inequalities(self) -> Iterator[Inequality]:
        return self._up() if self.below else self._down()

    def _ordered(self) -> tuple[Step, ...]:
        """x, y > 0."""
        x, y, z = self.sigma
        return prove(">", y, known(y - z) + known(z)), prove(">", x, known(x - y) + known(y))

    def _room(self) -> tuple[Step, ...]:
        """q >= z; M^2 - z^2, M^2 - y^2, M^2 - x^2 >= 0; m^3 + 2 x^2 y^2 z^2 >= m (x^2 y^2 + y^2 z^2 + z^2 x^2), m = M^2."""
        x, y, z = self.sigma
        X, Y, Z, q, d, e, w = (known(t) for t in (x, y, z, Q, x - y, y - z, Q**3 - x * y * z))
        m, u = self.most(self.sigma), known(Q - z)
        first = prove(">=", Q - z, w + Z * (X * e + Z * (d + e)), times=q**2 + q * Z + Z**2)
        low = [prove(">=", m - t**2, u * (q + Z) + by) for t, by in ((x, 0), (y, d * (X + Y)), (z, (d + e) * (X + Z)))]
        a, b, c = (known(m - t**2) for t in self.sigma)
        cubic = m**3 + 2 * x**2 * y**2 * z**2 - m * slopes(self.sigma)
        return first, *low, prove(">=", cubic, a * b * Z**2 + b * c * X**2 + c * a * Y**2 + a * b * c)

    def _up(self) -> Iterator[Inequality]:
        x, y, z = self.sigma
        X, Y, Z, q, s, h, d, e, w = (known(t) for t in (x, y, z, Q, S, ETA, x - y, y - z, Q**3 - x * y * z))
        m, p, g = self.most(self.sigma), X * Y * Z, known(self.bound(self.sigma))
        rest = self.left
        M = q**2 + (d + e) * (X + Z)
        above = known(m - x**2) + known(m - y**2) + known(m - z**2)  # 3 m - x^2 - y^2 - z^2
        past = prove(">=", m**3 - Q**6, (d + e) * (X + Z) * (M**2 + M * q**2 + q**4))
        over, cubic = known(past.term), known(m**3 + 2 * x**2 * y**2 * z**2 - m * slopes(self.sigma))
        third = g * Rational(1, 3) + Rational(2, 3)  # 1 - eta s m^2
        tame = 1 - ETA**2 * S**2 * m * (Q**3 - x * y * z) * x * y * z
        by = third * (1 + h * s * M**2) + h**2 * s**2 * M * (over + q**3 * w + p**2)
        step = prove(">=", tame, by)
        v = ETA * self.residual
        F = 3 * m**2 - slopes(self.sigma) - v * x * y * z * (x**2 + y**2 + z**2) - v**2 * x**2 * y**2 * z**2
        by = cubic + 2 * over + 2 * w * q**3 + w * p * (g + h * s * M * above + known(tame))
        slack = prove(">=", F, by, times=M)
        before = (*self._ordered(), *self._room(), past, step, slack)
        yield shown("no overshoot", rest, s * w * (g + h * s * known(F)), before=before)
        quicker = (1 - ETA * S * slopes(self.sigma)) * self.residual - rest
        move = h * s * w
        yield shown("contraction", quicker, s * move**2 * p * (X**2 + Y**2 + Z**2) + s * move**3 * p**2)
        for i, name in enumerate("xyz"):
            yield shown(f"{name} grows", self.after[i] - self.sigma[i], move * others((X, Y, Z), i))
        tempo = 1 - ETA * self.residual * x  # eta r x <= eta s q^3 x <= eta s m^2
        mixed = [prove(">=", m - Q * x, HALF * (q - X) ** 2 + HALF * known(m - x**2) + HALF * (d + e) * (X + Z))]
        mixed += [prove(">=", tempo, third + h * s * (M * known(m - Q * x) + q * X * (d + e) * (X + Z) + p * X))]
        U, V, T = self.after
        lower = (known(tempo) + move * (d + e), known(tempo) + move * d)
        yield shown("x stays above y", U - V, d * lower[0], before=mixed)
        yield shown("y stays above z", V - T, e * known(tempo))
        shrink = move**2 * Y**2 * (d + e) * (X + Z)
        yield shown("the imbalance shrinks", x**2 - z**2 - (U**2 - T**2), shrink)
        new = self.most(self.after)
        wide = [prove(">=", new, q**2 + (known(U - V) + known(V - T)) * (X + Z + move * (Y * Z + X * Y)))]
        yield shown("the bound persists", self.bound(self.after), g + 3 * h * s * shrink * (M + known(new)), before=wide)

    def _down(self) -> Iterator[Inequality]:
        x, y, z = self.sigma
        X, Y, Z, q, s, h, d, e, w = (known(t) for t in (x, y, z, Q, S, ETA, x - y, y - z, x * y * z - Q**3))
        p, g, move = X * Y * Z, known(self.bound(self.sigma)), h * s * w
        U, V, T = self.after
        third = g * Rational(1, 3) + Rational(2, 3)  # 1 - eta s x^4
        # x^2 - eta s w p >= 0, for w <= p <= x^3 and eta s x^4 <= 1/3
        cube = prove(">=", x**3 - x * y * z, X * (X * d + Y * d + Y * e))
        D = known(x**3 - x * y * z)
        calm = x**2 - ETA * S * (x * y * z - Q**3) * x * y * z
        square = X**2 * third + h * s * (D * (X**3 + p) + q**3 * p)
        falls = d * (X + Y)
        room = 3 * x**4 - slopes(self.sigma)
        spare = [prove(">=", room, 2 * falls * X**2 + (d + e) * (X + Z) * (X**2 + Y**2))]
        total = g + h * s * (known(room) + move * p * (known(calm) + Y**2 + Z**2))
        before = (*self._ordered(), cube, prove(">=", calm, square), *spare)
        yield shown("no overshoot", -self.left, s * w * total, before=before)
        for i, name in enumerate("xyz"):
            yield shown(f"{name} falls", self.sigma[i] - self.after[i], move * others((X, Y, Z), i))
        big = prove(">=", x**4 - x**2 * y**2, X**2 * falls)
        B = known(big.term)
        last = Z * (third + h * s * B) + h * s * q**3 * X * Y
        yield shown("z stays positive", T, last, before=[big], relation=">")
        yield shown("y stays above z", V - T, e * (1 + move * X))
        yield shown("x stays above y", U - V, d * (1 + move * Z))
        tops = [prove(">", V, known(V - T) + known(T)), prove(">", U, known(U - V) + known(V))]
        gain = 3 * h * s * known(x - U) * (X + known(U)) * (X**2 + known(U) ** 2)
        yield shown("the bound persists", self.bound(self.after), g + gain, before=tops)
        yield self._contraction(move)

    def _contraction(self, move: Expr) -> Inequality:
        """(pi - pi+) / move = y^2 z^2 + x+ x z^2 + x+ y+ x y, of product >= q^12, hence of sum >= 3 q^4."""
        x, y, z = self.sigma
        U, V, T = self.after
        X, Y, Z, q, s = (known(t) for t in (x, y, z, Q, S))
        u, v, t = (known(a) for a in self.after)
        terms = (y**2 * z**2, U * x * z**2, U * V * x * y)
        seen = (Y**2 * Z**2, u * X * Z**2, u * v * X * Y)
        start, end = (known(x * y * z - Q**3), known(U * V * T - Q**3))
        p, r = X * Y * Z, u * v * t
        # x^2 y^3 z^4 x+^2 y+ - p^2 r^2 = p^2 (y z^2 x+^2 y+ - r^2), and y z^2 - y+ z+^2 >= 0
        steps = [prove(">=", U * V * T - Q**3, known(-self.left), times=s)]
        drop = known(y - V) * Z**2 + v * known(z - T) * (Z + t)
        steps += [prove(">=", x**2 * y**2 * z**2 - Q**6, start * (p + q**3))]
        steps += [prove(">=", U**2 * V**2 * T**2 - Q**6, end * (r + q**3))]
        A, E = known(steps[1].term), known(steps[2].term)
        product = Mul(*terms) - Q**12
        steps += [prove(">=", product, p**2 * u**2 * v * drop + A * r**2 + q**6 * E)]
        total = sum(terms)
        cubes = total**3 - 27 * Q**12
        steps += [prove(">=", cubes, means.squares(seen) + 27 * known(product))]
        steps += [prove(">=", total - 3 * Q**4, known(cubes), times=means.root_factor(sum(seen), 3 * q**4, 3))]
        rate = -(1 - 3 * ETA * S * Q**4) * self.residual + self.left
        return shown("contraction", rate, s * move * known(total - 3 * Q**4), before=steps)

    def witness(self) -> dict[str, Any]:
        at = {"x": 1, "y": 1, "z": "1/2", "q": 1, "s": 1, "eta": "1/16"}
        return at if self.below else {"x": 2, "y": 1, "z": 1, "q": 1, "s": 1, "eta": "1/48"}
