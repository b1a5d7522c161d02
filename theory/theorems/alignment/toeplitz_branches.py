r"""The three branches of weak alignment of two lower-triangular Toeplitz layers 2 x 2, Y = X: where gradient flow rests.

\(W_1 = aI + bN\), \(W_2 = cI + eN\), S = [[p, q], [q, r]], and F the field of the flow, minus the projected gradients. The
pair is weakly aligned where b = 0, e = 0, or ae + bc = 0. Write D for the derivative along F. Certified: a point with \(q
\ne 0\) is stationary if there

* b and its first four derivatives Db, ..., D^4 b vanish, S positive semidefinite (the same for e);
* or ae + bc and its first three derivatives vanish and \(b e \ne 0\). This is stated for b = ua, c = wa, e = -uwa, \(a u w
  \ne 0\), and for a = c = 0; there is no other such point, for c = 0 gives ae = 0.

Why, for b: Db = c g and De = a g with g = q - acq - aep - bcp. If \(c \ne 0\), then g, Dg, D^2 g, D^3 g vanish. So does J =
(c + a^3) Dc, by the conserved norms, with its first two derivatives, and if \(Dc \ne 0\) the last is 12 a^5 (Dc)^2. If c = 0,
either g = 0 and D^3 b = -2aq (Dc)^2, or a = 0 and e = 0. For the third branch: in the time that runs with ac - 1 the ratios
u, w follow a planar field, along which the branch function phi obeys phi = 0 and phi' = 0 only where u^2 = 6, and there
phi'' is not 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise

from sympy import Expr, Integer, Matrix, Poly, diff, div, expand, reduced, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import gradient, known
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample

NAME = "alignment.toeplitz_flow"
LAYERS = A, B, C, E = symbols("a b c e")
MOMENTS = P, Q, R = symbols("p q r")
U, W = symbols("u w")
TRACE, AREA = P + R, P * R - Q**2
Basis = Mapping[int, Expr]


@cache
def field() -> dict[Expr, Expr]:
    """Minus the projected gradients, as polynomials."""
    shift = Matrix([[0, 0], [1, 0]])
    one, two = (x * Matrix.eye(2) + y * shift for x, y in ((A, B), (C, E)))
    M = (two * one - Matrix.eye(2)) * Matrix([[P, Q], [Q, R]])
    G, H = two.T * M, M * one.T
    return {x: expand(-v) for x, v in zip(LAYERS, (G.trace() / 2, G[1, 0], H.trace() / 2, H[1, 0]), strict=True)}


@cache
def _field() -> dict[Expr, Poly]:
    return {x: Poly(v, *LAYERS, *MOMENTS) for x, v in field().items()}


@cache
def along(f: Expr) -> Expr:
    """Df, the derivative along the flow."""
    g = Poly(f, *LAYERS, *MOMENTS)
    return sum((g.diff(x) * v for x, v in _field().items()), g * 0).as_expr()


@cache
def derivatives(f: Expr, count: int) -> tuple[Expr, ...]:
    """Df, ..., D^count f."""
    first = along(f)
    return (first,) if count == 1 else (first, *derivatives(first, count - 1))


# -- b = 0 and e = 0 ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edge:
    """The branch y = 0, where (x, y) is one of the layers and (z, t) the other: Dy = z g, Dt = x g."""

    x: Expr
    y: Expr
    z: Expr
    t: Expr

    @property
    def g(self) -> Expr:
        return expand(Q - self.x * self.z * Q - self.x * self.t * P - self.y * self.z * P)

    def at(self, f: Expr) -> Expr:
        """f where y = 0: the terms without y."""
        return expand(f).as_independent(self.y, as_Add=True)[0]

    def turned(self, f: Basis) -> Basis:
        """D of f[-1] y + f[0] g + f[1] Dg + ..."""
        out = {k: along(v) for k, v in f.items()}
        for k, v in f.items():
            k, v = (k + 1, v) if k >= 0 else (0, v * self.z)
            out[k] = out.get(k, Integer(0)) + expand(v)
        return out

    @cached_property
    def facts(self) -> tuple[Expr, ...]:
        """Dy, ..., D^4 y where y = 0."""
        return tuple(map(self.at, derivatives(self.y, 4)))

    @cached_property
    def jet(self) -> tuple[Expr, ...]:
        """g, Dg, D^2 g, D^3 g where y = 0."""
        return tuple(map(self.at, (self.g, *derivatives(self.g, 3))))

    @cached_property
    def slowness(self) -> tuple[Expr, ...]:
        """Dz, D^2 z, D^3 z where y = 0."""
        return tuple(map(self.at, derivatives(self.z, 3)))

    @cached_property
    def velocity(self) -> tuple[Expr, Expr, Expr]:
        """Dx, Dz, Dt where y = 0."""
        dx, dz, dt = (self.at(field()[v]) for v in (self.x, self.z, self.t))
        return dx, dz, dt

    def cited(self, f: Basis) -> Expr:
        """f where y = 0, with g, Dg, ... cited."""
        return sum((self.at(v) * known(self.jet[k]) for k, v in f.items() if k >= 0), Integer(0))

    @cached_property
    def balance(self) -> tuple[Basis, Basis]:
        """q (Dx + x^2 Dz) and x Dx - z Dz by y, g and Dg."""
        x, y, z, t, F = self.x, self.y, self.z, self.t, field()
        drift = {-1: F[x] * z * P - x * P * F[z], 0: F[x] - x**3 * P - x * z**2 * P, 1: -x}
        return drift, {0: (t * x - y * z) / 2}

    def moving(self) -> Iterator[Step]:
        """z^2 > 0: g and its derivatives vanish, then the velocity."""
        x, z, (dx, dz, dt) = self.x, self.z, self.velocity
        g, g1, g2, g3 = self.jet
        f, (z1, z2, z3) = self.facts, self.slowness
        sums = (0, z1 * known(g), 2 * z1 * known(g1) + z2 * known(g))
        last = 3 * z1 * known(g2) + 3 * z2 * known(g1) + z3 * known(g)
        for term, fact, rest in zip((g, g1, g2, g3), f, (*sums, last), strict=True):
            yield prove("==", term, z * (known(fact) - rest), times=known(z**2))
        yield self.nonzero()
        drift, norms = self.balance
        J = {k: expand(x * drift.get(k, Integer(0)) - Q * norms.get(k, Integer(0))) for k in {*drift, *norms}}
        J1 = self.turned(J)
        yield from self.contradiction(J, J1, self.turned(J1), drift)
        yield prove("==", dx, Q * self.cited(drift) - Q**2 * x**2 * known(dz), times=known(Q**2))
        yield prove("==", dt, x * known(g))

    def nonzero(self) -> Step:
        """x != 0, for g = 0 at x = 0 says q = 0."""
        x, z, t, g = self.x, self.z, self.t, self.jet[0]
        zero = known(x)
        rest = [vanishes(x, known(-(x**2)))]
        rest += [prove(">", x**2, known(Q**2) - Q * known(g) - Q * (z * Q + t * P) * zero + x * zero)]
        return split(">", x**2, x**2, [prove(">", x**2, known(x**2))], rest)

    def contradiction(self, J: Basis, J1: Basis, J2: Basis, drift: Basis) -> Iterator[Step]:
        """Dz = 0: otherwise z + x^3 = 0, then 1 - 3 x^4 = 0 up to a factor, then 12 x^5 (Dz)^2 = 0."""
        x, z, (dx, dz, _), (_, z2, z3) = self.x, self.z, self.velocity, self.slowness
        x2 = self.at(derivatives(x, 2)[1])
        sum0, sum1, sum2 = z + x**3, dz + 3 * x**2 * dx, z2 + 6 * x * dx**2 + 3 * x**2 * x2
        tie, tie1 = dx + x**2 * dz, x2 + 2 * x * dx * dz + x**2 * z2
        flat, end = 1 - 3 * x**4, 12 * x**5 * dz**2
        h = (self.cited(drift), self.cited(self.turned(drift)))
        square, by_q = known(dz**2), known(Q**2)
        steps = [
            prove("==", tie, Q * h[0], times=by_q),
            prove("==", tie1, Q * h[1], times=by_q),
            prove("==", sum0, Q * dz * self.cited(J), times=by_q * square),
            prove("==", sum1, Q * dz * self.cited(J1) - Q**2 * dz * z2 * known(sum0), times=by_q * square),
            prove("==", flat, dz * (known(sum1) - 3 * x**2 * known(tie)), times=square),
        ]
        rest = Q * dz * self.cited(J2) - Q**2 * dz * (z3 * known(sum0) + 2 * z2 * known(sum1))
        steps += [prove("==", sum2, rest, times=by_q * square)]
        # sum2 = flat z2 + 3 x^2 (tie1 - 2 x dx dz) + 6 x dx^2, and dx = tie - x^2 dz
        slope = 6 * x * (dx - x**2 * dz) - 6 * x**3 * dz
        steps += [prove("==", end, known(sum2) - z2 * known(flat) - 3 * x**2 * known(tie1) - slope * known(tie))]
        steps += [prove("==", dz, x * dz * known(end) / 12, times=known(x**2) ** 3 * square)]
        yield split("==", dz, dz**2, steps, [vanishes(dz, known(-(dz**2)))])

    def resting(self) -> Iterator[Step]:
        """z = 0: the cases g != 0 and g = 0."""
        yield vanishes(self.z, known(-(self.z**2)))
        g = self.jet[0]
        yield split("==", self.speed, g**2, [*self.at_origin(), self.total()], [*self.tied(), self.total()])

    @cached_property
    def speed(self) -> Expr:
        return expand(sum(v**2 for v in self.velocity))

    def total(self) -> Step:
        return prove("==", self.speed, sum(v * known(v) for v in self.velocity))

    def at_origin(self) -> Iterator[Step]:
        """z = 0 and g != 0: x = 0 and t = 0."""
        x, z, t, (g, g1, g2, _) = self.x, self.z, self.t, self.jet
        (_, f2, f3, _), (dx, dz, dt), z2 = self.facts, self.velocity, self.slowness[1]
        yield prove("==", dz, g * (known(f2) - g1 * known(z)), times=known(g**2))
        yield prove("==", z2, g * (known(f3) - 2 * g1 * known(dz) - g2 * known(z)), times=known(g**2))
        yield prove(">", TRACE**2, (P - R) ** 2 + 4 * known(AREA) + 4 * known(Q**2))
        slope = expand(x * (TRACE - x * t * Q) / 2)
        core = expand((TRACE / 2 - x * t * Q) * t / 2 - x**3 * Q / 2)
        yield prove("==", slope, known(dz) + self.combined(slope - dz, z))
        rest = self.combined(core * self.g.xreplace({self.y: Integer(0)}) - z2, z, slope)
        yield prove("==", core, g * (known(z2) + rest), times=known(g**2))
        size = known(TRACE**2) / 4 + x**4 * Q**2 / 2
        yield prove("==", x, (TRACE / 2 + x * t * Q) * known(slope) - x**2 * Q * known(core), times=size)
        yield prove("==", t, 4 * TRACE * known(core) + 2 * TRACE * Q * (t**2 + x**2) * known(x), times=known(TRACE**2))
        yield from (prove("==", v, self.combined(v, z, x, t)) for v in (dx, dt))

    def tied(self) -> Iterator[Step]:
        """z = 0 and g = 0: D^3 y = 2 Dz Dg, and Dg = -x q Dz."""
        x, z, (g, _, g2, _), z2 = self.x, self.z, self.jet, self.slowness[1]
        (dx, dz, dt), f3 = self.velocity, self.facts[2]
        yield vanishes(g, known(-(g**2)))
        yield self.nonzero()
        yield prove("==", dt, x * known(g))
        yield prove("==", dx, self.t * known(g) / 2 + self.combined(dx - self.t * g / 2, z))
        rest = -known(dx) * (z * Q + self.t * P) - x * P * known(dt) - z * g * P * known(z)
        by = x * Q * (known(f3) - z2 * known(g) - g2 * known(z) - 2 * dz * rest)
        yield vanishes(dz, by, times=2 * known(x**2) * known(Q**2))

    def combined(self, f: Expr, *zeros: Expr) -> Expr:
        """f as a combination of terms that are known to vanish."""
        factors, rest = reduced(expand(f), list(zeros), self.z, self.x, self.t, P, Q, R)
        assert rest == 0
        return sum((k * known(v) for k, v in zip(factors, zeros, strict=True)), Integer(0))

    def claim(self) -> Claim:
        """Dy = ... = D^4 y = 0 where y = 0: no velocity."""
        velocity = self.velocity
        given = (*map(equal, self.facts), greater(Q**2), at_least(AREA))
        name = f"{NAME}.rest_at_{self.y}_zero"
        s = Statement(name, (self.x, self.z, self.t, *MOMENTS), given, tuple(map(equal, velocity)))
        step = split("==", self.speed, self.z**2, [*self.moving(), self.total()], list(self.resting()))
        parts = [vanishes(v, sum(x**2 for x in velocity if x != v) - known(self.speed)) for v in velocity]
        # a global minimum: W_2 W_1 = I
        return Claim(s, (step, *parts), {str(self.x): 1, str(self.z): 1, str(self.t): 0, "p": 2, "q": 1, "r": 1})


EDGE = Edge(A, B, C, E)
SWAP = {A: C, C: A, B: E, E: B}


def swapped(x: Expr) -> Expr:
    """The layers exchanged: the flow is symmetric, as `chains` certifies."""
    return x.xreplace(SWAP) if isinstance(x, Expr) else x


def renamed(s: Step) -> Step:
    cases = s.cases and (tuple(map(renamed, s.cases[0])), tuple(map(renamed, s.cases[1])))
    return Step(s.relation, swapped(s.term), swapped(s.by), swapped(s.times), s.rule, cases)


def edges() -> Iterator[Claim]:
    """b = 0, and e = 0 by exchange of the layers."""
    claim = EDGE.claim()
    yield claim
    given = (*(equal(swapped(f)) for f in EDGE.facts), greater(Q**2), at_least(AREA))
    names, then = (C, A, B, *MOMENTS), tuple(equal(swapped(v)) for v in EDGE.velocity)
    s = Statement(f"{NAME}.rest_at_{E}_zero", names, given, then)
    yield Claim(s, tuple(map(renamed, claim.steps or ())), {"a": 1, "b": 0, "c": 1, "p": 2, "q": 1, "r": 1})


# -- a e + b c = 0 ------------------------------------------------------------------------------------------------------

TURN = A * E + B * C


@cache
def on_turn(f: Expr) -> Expr:
    return expand(f.xreplace({B: U * A, C: W * A, E: -U * W * A}))


PHI = expand(TRACE * U * (1 - W**2) / 2 + Q * (1 + W**2) * (1 + U**2 / 2))
LEFT = 1 - A**2 * W  # 1 - a c
PLANE = {U: W * (TRACE * U / 2 - Q * U**2 / 2 - Q), W: W**2 * (TRACE - U * Q) / 2 - (TRACE + U * Q) / 2}


@cache
def planar(f: Expr) -> Expr:
    """The derivative in the time that runs with a c - 1."""
    return expand(sum(diff(f, x) * v for x, v in PLANE.items()))


@cache
def inside(f: Expr) -> Expr:
    """The derivative along the flow in the coordinates a, u, w."""
    gens = (A, U, W, *MOMENTS)
    g = Poly(f, *gens)
    turned = sum((g.diff(x) * Poly(v, *gens) for x, v in PLANE.items()), g * 0)
    return (g.diff(A) * Poly(on_turn(field()[A]), *gens) - Poly(LEFT, *gens) * turned).as_expr()


def _quotient(f: Expr, by: Expr) -> Expr:
    found, rest = div(Poly(expand(f), A, U, W, *MOMENTS), Poly(by, A, U, W, *MOMENTS))
    assert rest.is_zero
    return found.as_expr()


def ratios() -> Iterator[Step]:
    """1 - a c != 0: phi and its planar derivatives vanish, u^2 = 6, and a contradiction."""
    f1, f2, f3 = map(on_turn, derivatives(TURN, 3))
    one, two = inside(f1), inside(inside(f1))
    h = _quotient(f2 - one, f1)
    yield prove("==", one, known(f2) - h * known(f1))
    yield prove("==", two, known(f3) - h * known(f2) - _quotient(f3 - h * f2 - two, f1) * known(f1))
    # f1 = k phi, and the planar derivatives are w psi and so on
    k = expand(A**2 * LEFT)
    psi = _quotient(planar(PHI), W)
    chi = _quotient(planar(psi), W)
    a4, l2 = known(A**2) ** 2, known(LEFT**2)
    yield prove("==", PHI, k * known(f1), times=a4 * l2)
    fall = -k * LEFT * W
    yield prove("==", psi, fall * (known(one) - inside(k) * known(PHI)), times=a4 * l2**2 * known(W**2))
    twice = k * LEFT**2 * W**2
    rest = inside(inside(k)) * known(PHI) - (inside(k) * LEFT * W + inside(k * LEFT * W)) * known(psi)
    yield prove("==", chi, twice * (known(two) - rest), times=a4 * l2**3 * known(W**2) ** 2)
    # modulo phi, psi is q^2 (u^2 - 6) up to a factor; modulo u^2 = 6, chi is 192 q^3 up to a factor
    size, square, gap = (U**2 + 2) * (W**2 + 1), known(Q**2), U * (1 - W**2)
    first = _quotient(2 * gap * psi + Q**2 * (U**2 - 6) * size, PHI)
    yield prove("==", U**2 - 6, first * known(PHI) - 2 * gap * known(psi), times=square * size)
    form = U**4 * W**2 - 11 * U**4 - 12 * U**2 * W**2 + 28 * U**2 + 36 * W**2 + 36
    second = _quotient(4 * gap**2 * chi + Q**3 * size * form, PHI)
    end = Q**3 * size * _quotient(form + 192, U**2 - 6) * known(U**2 - 6)
    by = LEFT * Q * (end - second * known(PHI) + 4 * gap**2 * known(chi))
    yield prove("==", LEFT, by, times=192 * square**2 * size)


def turn() -> Claim:
    """b = ua, c = wa, e = -uwa: D(ae + bc) = D^2 = D^3 = 0, so ac = 1, hence no velocity."""
    velocity = [on_turn(v) for v in field().values()]
    given = (*(equal(on_turn(f)) for f in derivatives(TURN, 3)), *(greater(x**2) for x in (A, W, Q)))
    s = Statement(f"{NAME}.rest_at_third_branch", (A, U, W, *MOMENTS), given, tuple(map(equal, velocity)))
    left = expand(LEFT)
    case = [prove(">", LEFT**2, known(LEFT**2)), *ratios()]
    steps = [split("==", LEFT, LEFT**2, case, [vanishes(LEFT, known(-(LEFT**2)))])]
    steps += [prove("==", v, _quotient(v, left) * known(LEFT)) for v in velocity]
    return Claim(s, tuple(steps), {"a": 1, "u": 1, "w": 1, "p": 2, "q": 1, "r": 1})


def corner() -> Claim:
    """a = c = 0 and b != 0: D(ae + bc) = q (b^2 + e^2) / 2, so q = 0."""
    first = expand(derivatives(TURN, 3)[0].xreplace({A: Integer(0), C: Integer(0)}))
    s = Statement(f"{NAME}.third_branch_at_zero", (B, E, *MOMENTS), (equal(first), greater(B**2)), (equal(Q),))
    step = prove("==", Q, 2 * known(first), times=known(B**2) + E**2)
    return Claim(s, (step,), {"b": 1, "e": 1, "p": 1, "q": 0, "r": 1})


def chains() -> Iterator[Claim]:
    """The derivatives D^k f are what they are called: each is the field applied to the gradient of the one before."""
    one, turned = (B, *derivatives(B, 4)), (TURN, *derivatives(TURN, 3))
    for whole, name in ((one, "b"), (tuple(map(swapped, one)), "e"), (turned, "turn")):
        terms = [sum(gradient(x, v) * w for v, w in field().items()) - y for x, y in pairwise(whole)]
        s = Statement(f"{NAME}.derivatives_of_{name}", (*LAYERS, *MOMENTS), (), tuple(map(equal, terms)))
        yield Claim(s, tuple(prove("==", x, 0) for x in terms))


def needed() -> Iterator[Counterexample]:
    """Without q != 0 multiples of I move along b = e = 0; without b != 0 the third branch at a = c = 0 says nothing of q."""
    rest, zero = EDGE.claim().statement, corner().statement
    moving = {"a": 2, "c": 1, "e": 0, "p": 1, "q": 0, "r": 1}
    yield Counterexample("q != 0", replace(rest, given=(*rest.given[:-2], rest.given[-1])), moving)
    still = {"b": 0, "e": 0, "p": 1, "q": 1, "r": 1}
    yield Counterexample("b != 0 on the third branch", replace(zero, given=zero.given[:1]), still)


@cache
def claims() -> tuple[Claim, ...]:
    return (*chains(), *edges(), turn(), corner())
