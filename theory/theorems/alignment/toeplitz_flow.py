r"""Two lower-triangular Toeplitz layers 2 x 2, Y = X: constraints destroy weak alignment.

Setting: \(W_1 = aI + bN\), \(W_2 = cI + eN\), projected gradient in orthonormal coordinates, Y = X,
\(S = XX^T = \begin{pmatrix} p & q \\ q & r \end{pmatrix}\) positive semidefinite, not 0.

Hypotheses: none beyond the setting.

Conclusion: the pair is weakly aligned if and only if \(b e (a e + b c) = 0\). Projected gradient
descent leaves alignment from the exact starts below; it can need two steps. If q = 0, multiples of I stay aligned and move.

Projected gradient flow with \(q \ne 0\): a point is stationary if b, or e, vanishes there with its first four time
derivatives, or if \(a e + b c\) does with its first three and \(b e \ne 0\).

Remark, not certified: hence a trajectory of the flow that is weakly aligned on a time interval is constant unless \(q =
0\). For solutions of a polynomial equation are analytic in time, so that one of the three factors vanishes on the interval
(the third where the others have no zeros in a smaller one), with all its derivatives; the point is stationary.

Form: iff for the criterion; impossibility along the flow, point by point; exact witnesses for the loss of alignment.

Scope of proof: the criterion; the conserved quantity \(|W_1|^2 - |W_2|^2\); if q = 0 multiples of I stay multiples of I and
move; what it takes for each of the three factors to stay zero to first order: \(c (a (qc + pe) - q) = 0\) where b = 0, \(a (c
(qa + pb) - q) = 0\) where e = 0, and the equation of the third branch; the stationary
points above (`toeplitz_branches`), with the derivatives they are stated with.

Why: \([W_2^T W_2, W_1 W_1^T] = b e (a e + b c) J\) with J the rotation by a quarter turn.

Sharpness: S = [[2,1],[1,1]], eta = 1/10, (a, b, c, e): (1,0,1,1), (1,1,2,-2), (1,0,2,0) leave alignment in one step,
(1,1,2,0) in the second; 3 x 3 tridiagonal Toeplitz layers leave it too. (1,0,1,0) is a global minimum and stays. Fully
connected gradient flow keeps balanced initialisations aligned for every data set: the constraint is what destroys it.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import symbols

from theory import dag
from theory import subspaces as spaces
from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix, rational
from theory.certificates import prove
from theory.dag import Node
from theory.expressions import lower
from theory.statement import Statement, equal
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment import toeplitz_branches as flow
from theory.theorems.alignment.training import SOURCE, misalignment

NAME = "alignment.toeplitz_flow"
SPACE = spaces.lower_toeplitz(2)
LAYERS = a, b, c, e = tuple(dag.var(x) for x in "abce")
MOMENTS = p, q, r = tuple(dag.var(x) for x in "pqr")
RATE = dag.num(Fraction(1, 10))
Pair = tuple[Node, Node]


def layers() -> Pair:
    return SPACE.element((a, b)), SPACE.element((c, e))


def moments() -> Node:
    """S with the entries p, q, r."""
    units = ([[1, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]])
    return dag.add(*(dag.mul(x, dag.const(E)) for x, E in zip(MOMENTS, units, strict=True)))


def slopes(pair: Pair, S: Node, space: Subspace = SPACE) -> Pair:
    """The projected gradients, Y = X."""
    W, V = pair
    M = dag.mul(dag.sub(dag.mul(V, W), dag.eye(W.shape[0])), S)
    return space.projected(dag.mul(dag.T(V), M)), space.projected(dag.mul(M, dag.T(W)))


def stepped(pair: Pair, S: Node, rate: Node = RATE, space: Subspace = SPACE) -> Pair:
    """One step of projected gradient descent."""
    G, H = slopes(pair, S, space)
    return dag.sub(pair[0], dag.mul(rate, G)), dag.sub(pair[1], dag.mul(rate, H))


def product_form() -> Node:
    """b e (a e + b c)."""
    return dag.mul(b, e, dag.add(dag.mul(a, e), dag.mul(b, c)))


def criterion() -> Claim:
    """The commutator is b e (a e + b c) [[0, 1], [-1, 0]]."""
    rest = dag.sub(misalignment(layers()), dag.mul(product_form(), dag.const([[0, 1], [-1, 0]])))
    s = Statement(f"{NAME}.criterion", LAYERS, (), (equal(rest),))
    return Claim(s, (prove("==", rest, dag.zero(rest.shape)),))


def conserved() -> Claim:
    """<W_1, Proj G_1> = <W_2, Proj G_2>: flow conserves |W_1|^2 - |W_2|^2."""
    pair = layers()
    one, two = (dag.tr(dag.mul(dag.T(W), G)) for W, G in zip(pair, slopes(pair, moments()), strict=True))
    rest = dag.sub(one, two)
    s = Statement(f"{NAME}.conserved", (*LAYERS, *MOMENTS), (), (equal(rest),))
    return Claim(s, (prove("==", rest, 0),))


def multiples() -> Claim:
    """q = 0, b = e = 0: the gradients are multiples of I, c (a c - 1)(p + r) / 2 and a (a c - 1)(p + r) / 2 of it."""
    S = moments()
    S = dag.substitute([S], {q: dag.num(0)})[0]
    pair = dag.mul(a, dag.eye(2)), dag.mul(c, dag.eye(2))
    half = dag.mul(dag.num(Fraction(1, 2)), dag.lin((1, dag.mul(a, c)), (-1, dag.num(1))), dag.add(p, r))
    terms = [dag.sub(G, dag.mul(half, x, dag.eye(2))) for G, x in zip(slopes(pair, S), (c, a), strict=True)]
    s = Statement(f"{NAME}.multiples_of_identity", (a, c, p, r), (), tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", t, dag.zero(t.shape)) for t in terms))


def branches() -> Claim:
    """The derivatives of b where b = 0, of e where e = 0, of a e + b c (a = 1 by scale u = b/a) where it is 0."""
    none = dag.num(0)
    G, H = (dag.entry(x, 1, 0) for x in slopes(layers(), moments()))
    A, B, C, E, P, Q = symbols("a b c e p q")
    first = dag.sub(dag.substitute([G], {b: none})[0], lower(C * (A * (Q * C + P * E) - Q)))
    second = dag.sub(dag.substitute([H], {e: none})[0], lower(A * (C * (Q * A + P * B) - Q)))
    s = Statement(f"{NAME}.branches", (*LAYERS, *MOMENTS), (), (equal(first), equal(second)))
    return Claim(s, tuple(prove("==", x, 0) for x in (first, second)))


def third_branch() -> Claim:
    """b = u a, c = w a, e = -u w a, s = p + r: the derivative of a e + b c by time is
    a^2 (1 - a^2 w) (s u (1 - w^2) / 2 + q (1 + w^2)(1 + u^2 / 2)).
    """
    A, U, W, P, Q, R = symbols("a u w p q r")
    pair = SPACE.element((a, lower(U * A))), SPACE.element((lower(W * A), lower(-U * W * A)))
    G, H = slopes(pair, moments())
    at: Any = lambda m: (dag.entry(m, 0, 0), dag.entry(m, 1, 0))  # noqa: E731
    (da, db), (dc, de) = at(G), at(H)
    turn = dag.add(dag.mul(da, lower(-U * W * A)), dag.mul(a, de), dag.mul(db, lower(W * A)), dag.mul(lower(U * A), dc))
    form = lower((P + R) * U * (1 - W**2) / 2 + Q * (1 + W**2) * (1 + U**2 / 2))
    rest = dag.add(turn, dag.mul(lower(A**2 * (1 - A**2 * W)), form))
    s = Statement(f"{NAME}.third_branch", (a, dag.var("u"), dag.var("w"), *MOMENTS), (), (equal(rest),))
    return Claim(s, (prove("==", rest, 0),))


def field() -> Claim:
    """Minus the projected gradients are the polynomials of the flow."""
    at: Any = lambda m: (dag.entry(m, 0, 0), dag.entry(m, 1, 0))  # noqa: E731
    slope = [x for m in slopes(layers(), moments()) for x in at(m)]
    terms = [dag.add(x, lower(v)) for x, v in zip(slope, flow.field().values(), strict=True)]
    s = Statement(f"{NAME}.field", (*LAYERS, *MOMENTS), (), tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", x, 0) for x in terms))


def claims() -> Iterator[Claim]:
    yield from (criterion(), conserved(), multiples(), branches(), third_branch(), field(), *flow.claims())


# -- descent ------------------------------------------------------------------------------------------------------------

WITNESSES = ((1, 0, 1, 1), (1, 1, 2, -2), (1, 0, 2, 0))
DATA, BAND_DATA = [[2, 1], [1, 1]], [[2, 1, 1], [1, 3, 1], [1, 1, 1]]
BAND = (1, "1/4", "1/4", 2, "1/4", "1/4")


@dataclass(frozen=True)
class Descent:
    """Some steps of size 1/10 of two layers in a subspace, Y = X; the layers after each step are variables of their own."""

    space: Subspace
    steps: int
    words: str

    @cached_property
    def S(self) -> Node:
        return dag.var("S", self.space.shape, symmetric=True)

    @cached_property
    def coordinates(self) -> tuple[Node, ...]:
        """v1, ..., w1, ...: of the first layer, then of the second."""
        return (*self.space.general("v")[1], *self.space.general("w")[1])

    @cached_property
    def pairs(self) -> list[Pair]:
        """The layers at the start, and after each step."""
        start = self.space.general("v")[0], self.space.general("w")[0]
        after = [(dag.var(f"V{k}", self.space.shape), dag.var(f"W{k}", self.space.shape)) for k in range(1, self.steps + 1)]
        return [start, *after]

    def statement(self) -> Statement:
        """Weakly aligned until the last step, hence after it: false."""
        moves = [
            (new, stepped(old, self.S, space=self.space)) for old, new in zip(self.pairs[:-1], self.pairs[1:], strict=True)
        ]
        dynamics = [equal(dag.sub(x, y)) for new, value in moves for x, y in zip(new, value, strict=True)]
        *before, last = [equal(misalignment(pair)) for pair in self.pairs]
        names = (*self.coordinates, *(x for pair in self.pairs[1:] for x in pair), self.S)
        return Statement(f"{NAME}: {self.words}", names, (*dynamics, *before), (last,))

    def point(self, values: Sequence[Any], S: Any) -> dict[str, Any]:
        """The start, and the layers that follow from it."""
        start = {str(v.data[0]): x for v, x in zip(self.coordinates, values, strict=True)} | {"S": S}
        env = {k: rational(x) if k != "S" else matrix(x) for k, x in start.items()}
        for old, new in zip(self.pairs[:-1], self.pairs[1:], strict=True):
            found = evaluate(list(stepped(old, self.S, space=self.space)), Rational(), env)
            env |= {str(v.data[0]): x for v, x in zip(new, found, strict=True)}
        return {**env, **start}

    def commutator(self, values: Sequence[Any], S: Any) -> Any:
        """The entry (0, 1) of [W_2^T W_2, W_1 W_1^T] after the last step."""
        at = self.point(values, S)
        env = {k: matrix(x) if isinstance(x, list) else x if hasattr(x, "nrows") else rational(x) for k, x in at.items()}
        return evaluate([misalignment(self.pairs[-1])], Rational(), env)[0][0, 1]


ONE = Descent(SPACE, 1, "alignment survives one step")
TWO = Descent(SPACE, 2, "alignment survives the second step")
TRIDIAGONAL = Descent(spaces.banded_toeplitz(3), 1, "tridiagonal layers stay aligned")


def sharpness() -> Iterator[Counterexample]:
    for values in WITNESSES:
        yield Counterexample(f"no layer constraint; one step from {values}", ONE.statement(), ONE.point(values, DATA))
    second = TWO.point((1, 1, 2, 0), DATA)
    yield Counterexample("no layer constraint; the second step from (1, 1, 2, 0)", TWO.statement(), second)
    band = TRIDIAGONAL.point(BAND, BAND_DATA)
    yield Counterexample("no layer constraint; tridiagonal 3 x 3", TRIDIAGONAL.statement(), band)
    yield from flow.needed()


def variants() -> Iterator[Statement]:
    yield from (x.statement() for x in (ONE, TWO, TRIDIAGONAL))
    commutator = equal(misalignment(layers()))
    yield Statement(f"{NAME}: always aligned", LAYERS, (), (commutator,))
    yield Statement(f"{NAME}: aligned if parallel", LAYERS, (equal(dag.sub(dag.mul(a, e), dag.mul(b, c))),), (commutator,))
    yield Statement(f"{NAME}: aligned means b e = 0", LAYERS, (commutator,), (equal(dag.mul(b, e)),))
    s = conserved().statement
    W, V = layers()
    G, H = slopes((W, V), moments())
    yield replace(s, name=f"{NAME}: both norms conserved", then=(equal(dag.tr(dag.mul(dag.T(W), G))),))
    yield replace(
        s, name=f"{NAME}: raw norms", then=(equal(dag.sub(dag.mul(a, dag.entry(G, 0, 0)), dag.mul(c, dag.entry(H, 0, 0)))),)
    )


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The conserved quantity for lower Toeplitz layers of the given size."""
    space = spaces.lower_toeplitz(widths[0])
    (W, x), (V, y) = space.general("v"), space.general("w")
    S = dag.var("S", space.shape, symmetric=True)
    one, two = (dag.tr(dag.mul(dag.T(M), G)) for M, G in zip((W, V), slopes((W, V), S, space), strict=True))
    s = Statement(f"{NAME}.sample", (*x, *y, S), (), (equal(dag.sub(one, two)),))
    return Instance(s, {str(v.data[0]): draw.scalar() for v in (*x, *y)} | {"S": draw.psd(widths[0])})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-8",
    title="Lower-triangular Toeplitz layers 2 x 2, Y = X: constraints destroy weak alignment",
    form="iff for the criterion; impossibility along the flow, point by point; exact witnesses",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((3, 3), (5, 5)),
    supported_at=((8, 8),),
    note=(
        "The cleanest true form of 'layer constraints destroy alignment': structured data (Y = X), where fully connected "
        "gradient flow keeps balanced initialisations aligned. Certified: the criterion, exact witnesses for descent, and for "
        "flow with S_12 != 0 that a point is stationary where b or e vanishes with four time derivatives, or a e + b c with "
        "three (b e != 0). A remark: flow is analytic, so no moving trajectory is aligned on an interval. Not "
        "claimed: k >= 3, depth >= 3, all starts of descent."
    ),
)
