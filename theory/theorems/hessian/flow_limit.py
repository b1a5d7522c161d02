r"""The limit of gradient flow and its second derivative: where small noise pushes along the valley.

Setting: Phi(theta) = the limit of gradient flow from theta, near the valley M of global minimisers of L; H = Hess L = J^T J on
M; P_T and P_N project on ker J and on range H; \(\nabla^3 L[S]_a = \sum_{bc} \partial_a \partial_b \partial_c L\, S_{bc}\);
\(\mathcal{L}_H S = H S + S H\) on matrices that live on range H; \(\Sigma = \Sigma_{NN} + \Sigma_{NT} + \Sigma_{TN} +
\Sigma_{TT}\) a covariance.

Hypotheses: the point lies on M, and is regular: rank J is constant on M nearby.

Conclusion: \(d\Phi = P_T\) and
\[ \tfrac12 d^2 \Phi[\Sigma] = -\tfrac12 P_T \nabla^3 L[\mathcal{L}_H^{-1} \Sigma_{NN}] - P_T \nabla^3 L[H^+ \Sigma_{NT}]
   - \tfrac12 H^+ \nabla^3 L[\Sigma_{TT}] , \]
where for tangent v: \(D^3 L[u, u, v] = 2 \langle J u, (d_v J) u \rangle\). Hence E Phi(theta - eta xi) = theta +
(eta^2 / 2) d^2 Phi[Sigma] + O(eta^3) for bounded xi with mean 0 and covariance Sigma.

Form: identity for two scalars; in general cited.

Scope of proof: two scalars (w_1, w_2), all real values: Phi(w) = u is given by u_1 u_2 = y and u_2^2 - u_1^2 = w_2^2 - w_1^2
(which gradient flow conserves), the root \(u_1^2 + u_2^2 = \sqrt{D^2 + 4 y^2}\) by its square; the jets a = dPhi[v] and b = 1/2
d^2 Phi[v, v] by differentiating these equations. Every Sigma is a sum of v v^T. The third derivative in a tangent direction:
all widths, depths 2 and 3. Other networks: an experiment differentiates the integrated flow by differences. The expansion in
eta is Taylor's, in words.

Why: dPhi(x) grad L(x) = 0 for all x; differentiated twice in a normal direction at a zero of grad L it gives
d^2 Phi[HS + SH] = -P_T nabla^3 L[S].

Sharpness: off the valley the formula fails.

Source: the second derivative of the limit map is due to Li, Wang and Arora (arXiv:2110.06914), for the noise of
arXiv:1910.00195; the proof here is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory import terms
from theory.certificates import Step
from theory.statement import Statement
from theory.terms import Term, fact, step, term
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import (
    NORMAL,
    PAIR,
    TANGENT,
    W1,
    W2,
    D,
    T,
    Vector,
    Y,
    dot,
    numbered,
    outer,
    scalars,
)
from theory.theorems.hessian.setting import Network, identities, is_zero, statement, widths_of

NAME = "hessian.flow_limit"
SOURCE = "arXiv:1910.00195, arXiv:2110.06914"
V, A, B = numbered("v", 2), numbered("a", 2), numbered("b", 2)
U = scalars("u1 u2")


# -- the jets of Phi for two scalars ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Jets:
    """Phi(w + e v) = u + e a + e^2 b + ...: the coefficients of u_1 u_2 = y and of u_2^2 - u_1^2 = w_2^2 - w_1^2."""

    u: Vector = (W1, W2)
    v: Vector = V

    @property
    def first(self) -> tuple[Term, Term]:
        (u1, u2), (v1, v2), (a1, a2) = self.u, self.v, A
        return a1 * u2 + a2 * u1, u2 * a2 - u1 * a1 - W2 * v2 + W1 * v1

    @property
    def second(self) -> tuple[Term, Term]:
        (u1, u2), (v1, v2), (a1, a2), (b1, b2) = self.u, self.v, A, B
        return b1 * u2 + b2 * u1 + a1 * a2, 2 * u2 * b2 - 2 * u1 * b1 + a2**2 - a1**2 - v2**2 + v1**2

    @property
    def zeros(self) -> tuple[Term, ...]:
        return (*self.first, *self.second)

    @property
    def slopes(self) -> tuple[Term, ...]:
        """T a - t <t, v>: zero because dPhi = P_T."""
        return tuple(T * a - t * dot(TANGENT, self.v) for a, t in zip(A, TANGENT, strict=True))

    def slope_steps(self) -> Iterator[Step]:
        one, two = map(fact, self.first)
        yield step("==", self.slopes[0], W2 * one - W1 * two)
        yield step("==", self.slopes[1], W1 * one + W2 * two)

    def bends(self) -> tuple[Term, ...]:
        """T^4 b - T^4 (1/2 d^2 Phi[v v^T] by the formula)."""
        return tuple(T**4 * b - f for b, f in zip(B, formula(self.v), strict=True))

    def bend_steps(self) -> Iterator[Step]:
        """T a_i = t_i beta turns the products of first derivatives into numbers; the rest is linear in b."""
        (e1, e2), (one, two), beta = map(fact, self.slopes), map(fact, self.second), dot(TANGENT, self.v)
        a1, a2 = (T * a for a in A)
        mixed = e1 * a2 - W1 * beta * e2  # T^2 a_1 a_2 + w_1 w_2 beta^2
        squares = e2 * (a2 + W2 * beta) - e1 * (a1 - W1 * beta)  # T^2 (a_2^2 - a_1^2) - (w_2^2 - w_1^2) beta^2
        for i, (p, q) in enumerate(((W2, -W1), (W1, W2))):
            by = T**2 * (p * one + q * two / 2) - p * mixed - q * squares / 2
            yield step("==", self.bends()[i], T * by)


def formula(v: Vector, lyapunov: Any = 1, mixed: Any = 1, curved: Any = 1) -> list[Term]:
    """T^4 times the drift of Sigma = v v^T: with G = g g^T and M = t t^T = T P_T its three terms are
    -1/4 M nabla^3 L[G Sigma G], -M nabla^3 L[G Sigma M] and -1/2 G nabla^3 L[M Sigma M]. Other factors are false."""
    alpha, beta = dot(NORMAL, v), dot(TANGENT, v)
    onto = [(TANGENT, NORMAL, NORMAL), (TANGENT, NORMAL, TANGENT), (NORMAL, TANGENT, TANGENT)]
    along, cross, normal = ([a * dot(x, PAIR.third(outer(p, q))) for a in x] for x, p, q in onto)
    weights = (term(lyapunov) * alpha**2 / 4, term(mixed) * alpha * beta, term(curved) * beta**2 / 2)
    return [-dot(weights, part) for part in zip(along, cross, normal, strict=True)]


def jets() -> Statement:
    f = Jets()
    return statement(
        f"{NAME}.two_scalars", (W1, W2, Y, *V, *A, *B), map(is_zero, (*f.slopes, *f.bends())), map(is_zero, f.zeros)
    )


def two_scalars() -> Claim:
    f = Jets()
    return Claim(jets(), (*f.slope_steps(), *f.bend_steps()), POINT)


# On the valley y = 2 at w = (1, 2), for v = (1, 3).
POINT = {"w1": 1, "w2": 2, "y": 2, "v1": 1, "v2": 3, "a1": -1, "a2": 2, "b1": "3/10", "b2": "7/5"}


# -- the equations of the limit -----------------------------------------------------------------------------------------


def conserved() -> Claim:
    """Gradient flow conserves w_2^2 - w_1^2."""
    g1, g2 = PAIR.gradient(PAIR.loss)
    return identities(f"{NAME}.conserved", (W1, W2, Y), [W2 * g2 - W1 * g1])


def root() -> Claim:
    """u_1^2 + u_2^2 = r >= 0 with r^2 = D^2 + 4 y^2: then 2 u_1^2 = r - D and 2 u_2^2 = r + D."""
    (u1, u2), r = U, scalars("r")[0]
    limit = (u1 * u2 - Y, u2**2 - u1**2 - D, u1**2 + u2**2 - r)
    square, low, high = r**2 - D**2 - 4 * Y**2, 2 * u1**2 - r + D, 2 * u2**2 - r - D
    given = [fact(x) for x in limit]
    steps = (
        step("==", square, 4 * given[0] * (u1 * u2 + Y) + given[1] * (u2**2 - u1**2 + D) - given[2] * (u1**2 + u2**2 + r)),
        step("==", low, given[2] - given[1]),
        step("==", high, given[2] + given[1]),
    )
    s = statement(f"{NAME}.root", (W1, W2, Y, *U, r), map(is_zero, (square, low, high)), map(is_zero, limit))
    return Claim(s, steps, {"w1": 1, "w2": 2, "y": 2, "u1": 1, "u2": 2, "r": 5})


# -- the third derivative at all widths ---------------------------------------------------------------------------------


def third_derivative(depth: int) -> Claim:
    """D^3 L[U, U, V] = 2 <J U, d^2 P[U, V] X> where J V = 0 and (P X - Y) X^T = 0."""
    net = Network(widths_of(depth))
    U, V = net.letters("U"), net.letters("V")
    both = tuple(x + y for x, y in zip(U, V, strict=True))
    mixed = (net.second(both) - net.second(U) - net.second(V)) / 2
    tangent, claimed = net.J(V), net.along(net.curvature(net.loss, U), V) - 2 * terms.dot(net.J(U), mixed * net.X)
    by = terms.dot(fact(tangent), net.second(U) * net.X) + terms.dot(fact(net.slope), cubic(U, V))
    variables = (*net.W, *net.data, *U, *V)
    s = statement(f"{NAME}.third_derivative", variables, [is_zero(claimed)], map(is_zero, (net.slope, tangent)))
    values = {"U": 1, "W": 0, "V": 0, "X": 1, "Y": 0}
    point = {str(x.node.data[0]): [[values[str(x.node.data[0])[0]]]] for x in variables}
    return Claim(s, (step("==", claimed, by),), point, {str(d): 1 for d in (*net.widths, net.samples)})


def cubic(U: Sequence[Term], V: Sequence[Term]) -> Term:
    """d^3 P[U, U, V]: zero at depth 2."""
    if len(U) == 2:
        return 0 * U[1] * U[0]
    (u1, u2, u3), (v1, v2, v3) = U, V
    return 2 * (v3 * u2 * u1 + u3 * v2 * u1 + u3 * u2 * v1)


def claims() -> Iterator[Claim]:
    yield conserved()
    yield root()
    yield two_scalars()
    yield from map(third_derivative, (2, 3))


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def anywhere() -> Statement:
    """The formula at w, but with the jets of Phi at a point off the valley, whose limit is u."""
    f, (u1, u2) = Jets(U), U
    given = [u1 * u2 - Y, u2**2 - u1**2 - D, *f.zeros]
    return statement(f"{NAME}: off the valley", (W1, W2, Y, *U, *V, *A, *B), map(is_zero, f.bends()), map(is_zero, given))


# u = (1, 2) is the limit of w = (1/4, 7/4) on y = 2; v = (0, 1).
OFF = {"w1": "1/4", "w2": "7/4", "y": 2, "u1": 1, "u2": 2, "v1": 0, "v2": 1}
OFF |= {"a1": "-7/20", "a2": "7/10", "b1": "139/4000", "b2": "351/2000"}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("the point lies on the valley", anywhere(), OFF)


def variants() -> Iterator[Statement]:
    yield anywhere()
    wrong: dict[str, dict[str, Any]] = {
        "without the inverse of S -> H S + S H": {"lyapunov": 4},
        "twice the normal noise": {"lyapunov": 2},
        "normal noise does not push": {"lyapunov": 0},
        "without the mixed blocks": {"mixed": 0},
        "half the mixed blocks": {"mixed": Fraction(1, 2)},
        "without the curvature of the valley": {"curved": 0},
        "twice the curvature": {"curved": 2},
        "the other sign": {"lyapunov": -1, "mixed": -1, "curved": -1},
        "off by a millionth": {"lyapunov": 1 + Fraction(1, 10**6)},
    }
    s = jets()
    for words, factors in wrong.items():
        off = [T**4 * b - f for b, f in zip(B, formula(V, **factors), strict=True)]
        yield statement(f"{NAME}: {words}", map(Term, s.variables), map(is_zero, off), map(is_zero, Jets().zeros))
    given = map(is_zero, Jets().zeros)
    yield statement(f"{NAME}: dPhi is the identity", map(Term, s.variables), [is_zero(A[0] - V[0])], given)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random w and v; a and b solve the equations of the jets."""
    env = {x: draw.scalar() for x in ("w1", "w2", "v1", "v2")}
    env["y"] = draw.value((W1 * W2).node, env)
    f = Jets()
    for letters, (one, two) in ((A, f.first), (B, f.second)):
        known = env | {str(x.node.data[0]): 0 * env["w1"] for x in letters}
        scale = 1 if letters is A else 2
        p, q = one, two / scale  # with the letters at 0: what is left of the two equations
        env |= {
            "a1" if letters is A else "b1": draw.solve(T.node, (W1 * q - W2 * p).node, known),
            "a2" if letters is A else "b2": draw.solve(T.node, (-W1 * p - W2 * q).node, known),
        }
    return Instance(jets(), env)


THEOREM = Theorem(
    name=NAME,
    sheet="H4",
    title="The second derivative of the limit of gradient flow on the valley, in full for two scalars",
    form="identity for two scalars; in general cited",
    source=SOURCE,
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1),),
    note=(
        "What small noise does on average is the drift 1/2 d^2 Phi[Sigma] of the limit of gradient flow: it depends on "
        "the whole noise covariance Sigma, in units of the slow time t = k eta^2, and needs a regular point of the "
        "valley; off the valley (from (1/4, 7/4) to (1, 2) on w_1 w_2 = 2) the formula is wrong."
    ),
)
