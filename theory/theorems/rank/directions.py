r"""Directions of negative curvature of 1/2 |P - A|^2 at critical points: turning two singular components, and bending a hidden
unit.

Along a direction the loss is a polynomial in t. Its coefficients follow from the hypotheses one by one: the steps of the
claims in `rank.saddles`.

Source: own derivation; the directions go back to Baldi and Hornik 1989.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theory.certificates import Step
from theory.terms import Term, dot, fact
from theory.theorem import Claim
from theory.theorems.rank.networks import Network, equals, eye, matrix, norm2, says, scalar

NAME = "rank.saddles"
T, SIGMA, TAU = scalar("t"), scalar("s"), scalar("sigma")


def target(net: Network) -> Term:
    return matrix("A", net.widths[-1], net.widths[0])


def loss(net: Network, layers: Sequence[Term] | None = None) -> Term:
    """1/2 |P - A|^2."""
    return norm2(net.between(net.depth, 0, layers) - target(net)) / 2


class Turn:
    """Singular vectors u, v (value s) of P and x, y (value sigma) of the remainder, and the layers turned by them."""

    def __init__(self, net: Network) -> None:
        d = net.widths
        self.net, self.P, self.A = net, net.product, target(net)
        self.u, self.x = matrix("u", d[-1], 1), matrix("x", d[-1], 1)
        self.v, self.y = matrix("v", d[0], 1), matrix("y", d[0], 1)
        left, right = self.x * self.u.T - self.u * self.x.T, self.y * self.v.T - self.v * self.y.T
        first, last = net.layers[0], net.layers[-1]
        self.layers = (first * (eye(d[0]) + T * right).T, *net.layers[1:-1], (eye(d[-1]) + T * left) * last)
        self.variables = (*net.layers, self.A, self.u, self.v, self.x, self.y, SIGMA, TAU, T)

    @property
    def of_product(self) -> list[Term]:
        """P v = s u, P^T u = s v, P y = 0, P^T x = 0."""
        P, u, v, x, y = self.P, self.u, self.v, self.x, self.y
        return [P * v - SIGMA * u, P.T * u - SIGMA * v, P * y, P.T * x]

    @property
    def of_target(self) -> list[Term]:
        """A v = s u, A y = sigma x."""
        return [self.A * self.v - SIGMA * self.u, self.A * self.y - TAU * self.x]

    @property
    def unit(self) -> list[Term]:
        """|u|, |v|, |x|, |y| = 1, u orthogonal to x, v to y."""
        u, v, x, y = self.u, self.v, self.x, self.y
        return [norm2(u) - 1, norm2(v) - 1, norm2(x) - 1, norm2(y) - 1, dot(u, x), dot(v, y)]

    @property
    def given(self) -> list[Term]:
        return [*self.of_product, *self.of_target, *self.unit]

    @property
    def first(self) -> Term:
        """The part of P(t) of first order, over s."""
        return self.x * self.v.T + self.u * self.y.T

    @property
    def path(self) -> Term:
        """P + t s (x v^T + u y^T) + t^2 s x y^T."""
        return self.P + T * SIGMA * self.first + T**2 * SIGMA * self.x * self.y.T

    @property
    def product(self) -> Term:
        """P(t)."""
        return self.net.between(self.net.depth, 0, self.layers)

    def turned(self) -> tuple[Term, Term]:
        """The product of the turned layers is the path."""
        u, v, x, y = self.u, self.v, self.x, self.y
        on_v, on_u, on_y, on_x = map(fact, self.of_product)
        unit_v, across = fact(self.unit[1]), fact(self.unit[5])
        # Omega P = s x v^T + x (P^T u - s v)^T - u (P^T x)^T, and so on
        low = x * on_u.T - u * on_x.T
        high = on_v * y.T - on_y * v.T
        right = y * v.T - v * y.T
        last = SIGMA * (unit_v * x * y.T - across * x * v.T) + low * right.T
        by = T * (low + high) + T**2 * last
        return self.product - self.path, by

    def change(self, half: int = 2) -> Term:
        """L(t) - L(0) + s (sigma - s) t^2 - s^2 t^4 / 2."""
        after = loss(self.net, self.layers)
        return after - loss(self.net) + SIGMA * (TAU - SIGMA) * T**2 - SIGMA**2 * T**4 / half

    def steps(self) -> list[Step]:
        u, v, x, y, Z = self.u, self.v, self.x, self.y, self.P - self.A
        moved, by = self.turned()
        on_v, _, on_y, _ = map(fact, self.of_product)
        a_v, a_y = map(fact, self.of_target)
        uu, vv, xx, yy, ux, vy = map(fact, self.unit)
        slope = [
            (dot(x, Z * v), dot(x, on_v - a_v)),
            (dot(u, Z * y), dot(u, on_y - a_y) - TAU * ux),
            (dot(x, Z * y) + TAU, dot(x, on_y - a_y) - TAU * xx),
        ]
        one, two, three = (fact(p) for p, _ in slope)
        size = xx * norm2(v) + vv + uu * norm2(y) + yy + 2 * ux * dot(v, y)
        mixed = norm2(x) * vy + ux * norm2(y)
        last = xx * norm2(y) + yy
        S, E = self.path - self.A, fact(moved)
        total = T * SIGMA * (one + two) + T**2 * SIGMA * (SIGMA * size / 2 + three) + T**3 * SIGMA**2 * mixed
        total = total + T**4 * SIGMA**2 * last / 2 + dot(E, S) + dot(E, self.product - self.path) / 2
        return [equals(moved, by), *(equals(p, q) for p, q in slope), equals(self.change(), total)]


class Bend:
    """Two layers C (first) and B, a hidden unit vector z, singular vectors x, y of the remainder with value sigma."""

    def __init__(self, above: bool) -> None:
        self.net = Network(("d0", "d1", "d2"))
        self.C, self.B = self.net.layers
        self.A, self.above = target(self.net), above
        self.x, self.y, self.z = matrix("x", "d2", 1), matrix("y", "d0", 1), matrix("z", "d1", 1)
        self.a, self.b = scalar("a"), scalar("b")
        self.layers = (self.C + T * self.b * self.z * self.y.T, self.B + T * self.a * self.x * self.z.T)
        self.variables = (*self.net.layers, self.A, self.x, self.y, self.z, self.a, self.b, TAU, T)

    @property
    def image(self) -> Term:
        """What is left of z: W_1^T z where W_2 z = 0, or W_2 z where W_1^T z = 0."""
        return self.C.T * self.z if self.above else self.B * self.z

    @property
    def given(self) -> list[Term]:
        """The kernel, the gradient of the other layer, the unit vectors, and x^T (P - A) y = -sigma."""
        Z = self.B * self.C - self.A
        dead = self.B * self.z if self.above else self.C.T * self.z
        slope = Z * self.C.T if self.above else self.B.T * Z
        return [dead, slope, norm2(self.x) - 1, norm2(self.y) - 1, norm2(self.z) - 1, dot(self.x, Z * self.y) + TAU]

    @property
    def idle(self) -> Term:
        """The part of first order that vanishes with the kernel."""
        return self.b * self.B * self.z * self.y.T if self.above else self.a * self.x * (self.C.T * self.z).T

    @property
    def form(self) -> Term:
        """The Hessian form: c^2 |image|^2 - 2 a b sigma."""
        c = self.a if self.above else self.b
        return c**2 * norm2(self.image) - 2 * self.a * self.b * TAU

    @property
    def cubic(self) -> Term:
        a, b, i = self.a, self.b, self.image
        return a**2 * b * dot(i, self.y) if self.above else a * b**2 * dot(i, self.x)

    def change(self) -> Term:
        """L(t) - L(0) - t^2 form / 2 - t^3 cubic - t^4 a^2 b^2 / 2."""
        tail = T**3 * self.cubic + T**4 * (self.a * self.b) ** 2 / 2
        return loss(self.net, self.layers) - loss(self.net) - T**2 * self.form / 2 - tail

    def claim(self) -> Claim:
        dead, slope, xx, yy, zz, value = map(fact, self.given)
        x, y, z, a, b, i, Z = self.x, self.y, self.z, self.a, self.b, self.image, self.B * self.C - self.A
        # P(t) = P + t (line + side) + t^2 F, where the side has the factor that vanishes
        side = b * dead * y.T if self.above else a * x * dead.T
        line = a * x * i.T if self.above else b * i * y.T
        F = a * b * norm2(z) * x * y.T
        aligned = a * dot(x, slope * z) if self.above else b * dot(z, slope * y)
        first = aligned + dot(side, Z)
        length = a**2 * xx * norm2(i) if self.above else b**2 * yy * norm2(i)
        second = length / 2 + dot(side, line) + dot(side, self.idle) / 2
        second = second + a * b * (zz * dot(x, Z * y) + value)
        ends = norm2(z) * xx + zz if self.above else norm2(z) * yy + zz
        third = self.cubic * ends + dot(side, F)
        fourth = (a * b) ** 2 / 2 * (norm2(z) ** 2 * (xx * norm2(y) + yy) + zz * (norm2(z) + 1))
        by = T * first + T**2 * second + T**3 * third + T**4 * fourth
        s = says(f"{NAME}.bend_{'above' if self.above else 'below'}", self.variables, [self.change()], self.given)
        return Claim(s, (equals(self.change(), by),), self.point(), {"d0": 2, "d1": 2, "d2": 2})

    def point(self) -> dict[str, Any]:
        """P = diag(1, 0), A = diag(1, 3)."""
        one, second = [[1, 0], [0, 0]], [[0], [1]]
        at = {"W1": one, "W2": one, "A": [[1, 0], [0, 3]], "x": second, "y": second, "z": second}
        return at | {"a": 1, "b": 1, "sigma": 3, "t": 1}
