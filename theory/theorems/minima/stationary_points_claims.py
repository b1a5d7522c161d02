r"""The proofs of `minima.stationary_points` (arXiv:2202.04777) with noise: one hidden layer, and dead neurons."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import Expr, Identity, ImmutableMatrix, MatrixSymbol, Symbol, Trace, symbols

from theory import dag
from theory.certificates import Step, prove, vanishes
from theory.dag import Node
from theory.expressions import (
    Congruence,
    DiagonalPart,
    Square,
    SymmetricSymbol,
    gradient,
    inner,
    known,
    lower,
    norm2,
    quadratic,
)
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim
from theory.theorems.minima.lemmas import Network, moved
from theory.theorems.minima.potential import picked
from theory.theorems.minima.scalar_root import seminorm_step
from theory.theorems.minima.setting import Setting, widths_of
from theory.theorems.minima.stationary_points_silent import HALF, NAME, euler, gradients, stationary, thin

TAU = Symbol("tau")


# -- one hidden layer with noise --------------------------------------------------------------------------------------------

S, C1, C2, X, Y_, K = symbols("s gamma1 gamma2 x y k")
D0 = Symbol("d0")
A, P = SymmetricSymbol("A", D0), MatrixSymbol("p", D0, 1)
G, R, U, V, LEFT, RIGHT = (MatrixSymbol(name, D0, 1) for name in ("g", "r", "w", "u", "a", "c"))


def neuron_equations() -> Claim:
    """Half the gradient: s diag(U^T U) W A + gamma_1 W - U^T r^T and s U diag(W A W^T) + gamma_2 U - (W r)^T, r = g - A v."""
    s = Setting(widths_of(2))
    W, top = s.layers
    rest = s.g - s.A * s.product.T
    one = s.noise[0] * DiagonalPart(top.T * top) * W * s.A + s.decay[0] * W - top.T * rest.T
    two = s.noise[0] * top * DiagonalPart(W * s.A * W.T) + s.decay[1] * top - rest.T * W.T
    then = [HALF * g - x for g, x in zip(gradients(s), (one, two), strict=True)]
    statement = Statement(f"{NAME}.neuron_equations", s.variables, (), tuple(map(equal, then)))
    return Claim(statement, tuple(prove("==", x, 0 * x) for x in then))


def of_row(x: Any, w: Expr, r: Expr = R) -> Expr:
    """s x^2 A w + gamma_1 w - x r: the equation of the row w of a neuron with output weight x."""
    return S * x**2 * A * w + C1 * w - x * r


def of_output(x: Any, w: Expr, r: Expr = R) -> Expr:
    """gamma_2 x + s x |w|_A^2 - w . r."""
    return C2 * x + S * x * quadratic(A, w) - inner(w, r)


def _unit(a: Expr) -> Expr:
    return C1 * norm2(a) - C2


def _neuron(x: Any, w: Expr, a: Expr) -> list[Step]:
    """w = x a: (s x^2 A + gamma_1) a = r and gamma_1 |a|^2 = gamma_2."""
    off = known(w - x * a)
    row = known(of_row(x, w)) - S * x**2 * A * off - C1 * off
    unit = inner(w, known(of_row(x, w))) - x * known(of_output(x, w)) - C1 * inner(off, w + x * a)
    direction = S * x**2 * A * a + C1 * a - R
    return [prove("==", direction, row, times=known(x)), prove("==", _unit(a), unit, times=known(x) ** 2)]


def two_neurons() -> Claim:
    """Two active neurons (x, w), (y, u) with outputs x, y > 0 are equal, for s > 0 and consistent moments."""
    s, steps = two_neurons_statement(f"{NAME}.two_neurons"), [*_neuron(X, U, LEFT), *_neuron(Y_, V, RIGHT)]
    turn, first, second = LEFT - RIGHT, S * X**2, S * Y_**2
    x = first * LEFT - second * RIGHT
    one, two = (known(S * t**2 * A * a + C1 * a - R) for t, a in ((X, LEFT), (Y_, RIGHT)))
    cross, units = inner(x, one) - inner(x, two), known(_unit(LEFT)) - known(_unit(RIGHT))
    visible = known(S) * (known(X) ** 2 + known(Y_) ** 2) / 2
    by = Trace(Congruence(known(A), x)) - cross + (first - second) / 2 * units
    length = prove(">", norm2(RIGHT), known(C2) + known(_unit(RIGHT)), times=known(C1))
    fit = known(S) * known(Y_) ** 2 * Trace(Congruence(known(A), RIGHT)) + known(C1) * known(norm2(RIGHT)) - inner(RIGHT, two)
    gap, d = X**2 - Y_**2, known(turn)
    # (first - second) c = x - first d, and |x|_A^2 = x . (one - two) - gamma_1 x . d
    moved_ = first * (Trace(d.T * A * x) + Trace((x - first * turn).T * A * d))
    none = cross - C1 * inner(x, d) - moved_
    steps += [
        vanishes(turn, by, times=known(C1) * visible),
        length,
        prove(">", inner(RIGHT, R), fit),
        seminorm_step(A, RIGHT, R),
        vanishes(gap, -none, times=known(S) ** 2 * known(quadratic(A, RIGHT))),
        prove("==", X - Y_, known(gap), times=known(X) + known(Y_)),
        prove("==", U - V, known(U - X * LEFT) - known(V - Y_ * RIGHT) + X * d + known(X - Y_) * RIGHT),
    ]
    numbers = {"A": 1, "p": 2, "r": 2, "w": 1, "u": 1, "a": 1, "c": 1}
    point = {k: [[v]] for k, v in numbers.items()} | {"s": 1, "gamma1": 1, "gamma2": 1, "x": 1, "y": 1}
    return Claim(s, tuple(steps), point, {"d0": 1})


def two_neurons_statement(name: str, drop: tuple[Expr, ...] = (), then: tuple[Expr, ...] = (X - Y_, U - V)) -> Statement:
    zeros = (A * P - R, of_row(X, U), of_output(X, U), of_row(Y_, V), of_output(Y_, V), U - X * LEFT, V - Y_ * RIGHT)
    given = (*map(greater, (S, C1, C2, X, Y_)), at_least(A), *map(equal, zeros))
    kept = tuple(c for c in given if c.expression not in drop)
    return Statement(name, (A, P, R, U, V, LEFT, RIGHT, S, C1, C2, X, Y_), kept, tuple(map(equal, then)))


def active_statement(name: str, then: tuple[Condition, ...]) -> Statement:
    """k equal active neurons (x, w), so that v = k x w."""
    rest = G - K * X * A * U
    zeros = (A * P - G, of_row(X, U, rest), of_output(X, U, rest), U - X * LEFT)
    given = (*map(greater, (C1, C2, X, K)), at_least(S), at_least(A), *map(equal, zeros))
    return Statement(name, (A, P, G, U, LEFT, S, C1, C2, X, K), given, then)


def active() -> Claim:
    """k equal active neurons: x^2 solves the scalar equation of width k, and |g|^2 > gamma_1 gamma_2."""
    rest = G - K * X * A * U
    beta = (S + K) * X**2
    equation = beta * A * LEFT + C1 * LEFT - G
    room = norm2(G) - C1 * C2
    off = known(U - X * LEFT)
    row = known(of_row(X, U, rest)) - beta * A * off - C1 * off
    unit = inner(U, known(of_row(X, U, rest))) - X * known(of_output(X, U, rest)) - C1 * inner(off, U + X * LEFT)
    b = (known(S) + known(K)) * known(X) ** 2
    image, rho = beta * A * LEFT + C1 * LEFT, known(equation)
    inside = b**2 * Square(A * LEFT) + 2 * b * known(C1) * known(quadratic(A, LEFT)) + C1 * known(_unit(LEFT))
    steps = (
        prove("==", equation, row, times=known(X)),
        prove("==", _unit(LEFT), unit, times=known(X) ** 2),
        prove(">", norm2(LEFT), known(C2) + known(_unit(LEFT)), times=known(C1)),
        prove(">", inner(LEFT, G), b * Trace(Congruence(known(A), LEFT)) + known(C1) * known(norm2(LEFT)) - inner(LEFT, rho)),
        seminorm_step(A, LEFT, G),
        prove(">", room, inside - inner(rho, image) - inner(G, rho)),
    )
    s = active_statement(f"{NAME}.active", (equal(equation), equal(_unit(LEFT)), greater(room)))
    point = {"A": [[1]], "p": [[4]], "g": [[4]], "w": [[1]], "a": [[1]], "s": 1, "gamma1": 1, "gamma2": 1, "x": 1, "k": 2}
    return Claim(s, steps, point, {"d0": 1})


def half_dead() -> Claim:
    """A neuron without output weight has no row either, and conversely."""
    given = (*map(greater, (C1, C2)), equal(of_row(X, U)), equal(of_output(X, U)))
    variables = (A, R, U, S, C1, C2, X)
    one = Statement(f"{NAME}.half_dead", variables, (*given, equal(X)), (equal(U),))
    zeros = known(of_row(X, U)) - known(X) * (S * X * A * U - R)
    point = {"A": [[1]], "r": [[2]], "w": [[0]], "s": 1, "gamma1": 1, "gamma2": 1, "x": 0}
    return Claim(one, (prove("==", U, zeros, times=known(C1)),), point, {"d0": 1})


# -- dead neurons -----------------------------------------------------------------------------------------------------------


def level(depth: int) -> Claim:
    """At a stationary point that is not zero, with consistent moments: |v|_A > 0."""
    s = Setting(widths_of(depth))
    p = MatrixSymbol("p", s.dim(0), 1)
    v, source = s.product.T, s.A * MatrixSymbol("p", s.dim(0), 1) - s.g
    given = (*s.hypotheses, *stationary(s), equal(source), greater(norm2(s.layers[-1])))
    by = Network(s).moment_known + known(s.decay[-1]) * known(norm2(s.layers[-1])) - euler(s, depth)
    statement = Statement(f"{NAME}.level{depth}", (*s.variables, p), given, (greater(quadratic(s.A, v)),))
    steps = (prove(">", inner(v, s.g), by), seminorm_step(s.A, v, s.g))
    return Claim(statement, steps, picked(statement, thin(s)), {f"d{i}": 1 for i in range(depth)})


def carried_orders() -> Claim:
    """Depth 3: M_2 >= (W_2 W_1) A (W_2 W_1)^T and S_1 >= (W_3 W_2)^T (W_3 W_2): noise only adds."""
    s = Setting(widths_of(3))
    W1, W2, W3 = s.layers
    s1, s2 = s.noise
    one = W2 * s.carried[1] * W2.T - W2 * W1 * s.A * W1.T * W2.T
    two = W2.T * (W3.T * W3 + s2 * DiagonalPart(W3.T * W3)) * W2 - W2.T * W3.T * W3 * W2
    by_one = known(s1) * W2 * DiagonalPart(Congruence(known(s.A), W1.T)) * W2.T
    by_two = known(s2) * W2.T * DiagonalPart(W3.T * W3) * W2
    given = (at_least(s1), at_least(s2), at_least(s.A))
    statement = Statement(f"{NAME}.noise_adds", (*s.layers, s.A, s1, s2), given, (at_least(one), at_least(two)))
    return Claim(statement, (prove(">=", one, by_one), prove(">=", two, by_two)), _order_point(), {"d0": 1, "d1": 1, "d2": 1})


def _order_point() -> dict[str, Any]:
    return {"W1": [[1]], "W2": [[1]], "W3": [[1]], "A": [[1]], "s1": 1, "s2": 1}


def _basis(n: int, i: int, j: int) -> ImmutableMatrix:
    return ImmutableMatrix(n, n, lambda a, b: int((int(a), int(b)) == (i, j)))


class Split:
    """Layer i of a sized network with noise: neuron 0 split into the last neuron, which is dead; W -> W + tau Z."""

    def __init__(self, widths: tuple[int, ...], i: int) -> None:
        self.s, self.i, self.d = Setting(widths), i, widths[i]

    @property
    def alive(self) -> ImmutableMatrix:
        """I - e_m e_m^T."""
        return ImmutableMatrix(self.d, self.d, lambda a, b: int(int(a) == int(b) < self.d - 1))

    @property
    def dead(self) -> tuple[Expr, Expr]:
        """W_i - D W_i and W_{i+1} - W_{i+1} D, which vanish."""
        W, top = self.s.layers[self.i - 1 : self.i + 1]
        return W - self.alive * W, top - top * self.alive

    def moved_loss(self) -> Node:
        """L(theta + tau Z)."""
        W, top = self.s.layers[self.i - 1 : self.i + 1]
        E = dag.const(_basis(self.d, self.d - 1, 0).tolist())
        w, u, t = lower(W), lower(top), lower(TAU)
        change = {w: dag.add(w, dag.mul(t, E, w)), u: dag.add(u, dag.mul(t, u, dag.T(E)))}
        return dag.substitute([lower(self.s.loss)], change)[0]

    def backward(self) -> Expr:
        """S_i: the derivative of E f^2 by M_i without the noise of layer i."""
        s = self.s
        out: Expr = Identity(1)
        for k in range(s.depth, self.i, -1):
            W = s.layers[k - 1]
            inner_ = out if k == s.depth else out + s.noise[k - 1] * DiagonalPart(out)
            out = W.T * inner_ * W
        return out

    def size(self) -> Node:
        """(S_i)_00 (M_i)_00."""
        W = self.s.layers[self.i - 1]
        M = W * self.s.carried[self.i - 1] * W.T
        return dag.mul(dag.entry(lower(self.backward()), 0, 0), dag.entry(lower(M), 0, 0))

    def change(self, quadratic_factor: int = 2) -> Node:
        """L(theta + tau Z) - L + 2 tau^2 s_i S_00 M_00 - tau^4 (1 + s_i) S_00 M_00."""
        s, t, size = self.s.noise[self.i - 1], lower(TAU), self.size()
        down = dag.lin((quadratic_factor, dag.mul(dag.power(t, 2), lower(s), size)))
        up = dag.mul(dag.power(t, 4), lower(1 + s), size)
        return dag.add(self.moved_loss(), dag.lin((-1, lower(self.s.loss))), down, dag.lin((-1, up)))

    def neuron(self, cite: bool) -> Node:
        """tau^2 times Euler's identity of neuron 0 in both layers."""
        W, top = self.s.layers[self.i - 1 : self.i + 1]
        below, above = (known(x) if cite else x for x in (gradient(self.s.loss, W), gradient(self.s.loss, top)))
        both = dag.add(dag.entry(lower(below * W.T), 0, 0), dag.entry(lower(top.T * above), 0, 0))
        return dag.lin((Fraction(1, 2), dag.mul(dag.power(lower(TAU), 2), both)))


def split_statement(f: Split, name: str, term: Node, gradient_given: bool = True) -> Statement:
    given = (*map(equal, f.dead), *(stationary(f.s) if gradient_given else ()))
    return Statement(f"{NAME}.{name}", (*f.s.variables, TAU), given, (equal(term),))


def splitting(widths: tuple[int, ...], i: int) -> Claim:
    """L(theta + tau Z) = L - 2 tau^2 s_i S_00 M_00 + tau^4 (1 + s_i) S_00 M_00 at a stationary point with a dead neuron."""
    f = Split(widths, i)
    W, top = f.s.layers[i - 1 : i + 1]
    rest = dag.add(f.change(), dag.lin((-1, f.neuron(False))))
    _, difference = moved(rest, {W: f.alive * W, top: top * f.alive})
    name = f"splitting_{i}_" + "_".join(map(str, widths))
    statement = split_statement(f, name, f.change())
    return Claim(statement, (prove("==", f.change(), dag.add(difference, f.neuron(True))),), one_alive(f.s))


def one_alive(s: Setting, **more: Any) -> dict[str, Any]:
    """Stationary: one neuron of weight 1 in each layer, A = I, decays and variances 1, g = (1 + 2^D, 0, ...)."""
    d = [int(w) for w in s.widths]
    point: dict[str, Any] = {
        W.name: [[int(i == j == 0) for j in range(d[k])] for i in range(d[k + 1])] for k, W in enumerate(s.layers)
    }
    point |= {"A": [[int(i == j) for j in range(d[0])] for i in range(d[0])], "Y": 99, "tau": 1}
    point |= {"g": [[(1 + 2 ** (s.depth - 1)) * int(i == 0)] for i in range(d[0])]}
    return {**point, **{c.name: 1 for c in s.decay}, **{v.name: 1 for v in s.noise if v != 0}, **more}
