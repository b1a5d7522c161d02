r"""With generic targets one step destroys the alignment of two fully connected layers.

Setting: two layers aligned at two modes: \(W_1 v_p = a_p h_p\), \(W_1^T h_p = a_p v_p\), \(W_2 h_p = b_p u_p\), \(W_2^T u_p =
b_p h_p\) for p = 1, 2 with orthonormal u, v, h; M the gradient of the loss by the product, one step of size eta.

Hypotheses: \(a_2 \ne 0, b_1 \ne 0\) (as in invertible layers). Nothing else on widths, layers or the other modes.

Conclusion: for targets Y such that \(\eta M = t\, u_1 v_2^T\)
\[ h_1^T [A^+, B^+] h_2 = -t\, a_2 b_1 \big(a_1^2 - a_2^2 + b_2^2 - b_1^2 + t^2 (a_2^2 + b_1^2)\big), \quad A = W_1 W_1^T,\; B
= W_2^T W_2 , \] so if it vanishes at one t != 0 it is not zero at any other t != 0 with another square. Hence the commutator
after one step is not the zero polynomial in M, and it vanishes only on a null set of M. If X X^T is invertible every M
belongs to a Y (Y = P X - M R X with R X X^T = I), and Y -> M is affine and onto: for Lebesgue-almost every Y the network is
not (weakly) aligned after ONE step.

Form: identity; strict inequality; 'almost every' by the zero set of a nonzero polynomial.

Scope of proof: all widths, also rectangular; in particular all k = d_0 = d_1 = d_2 >= 2. Depth 3 and 4: an experiment only.

Why: M = t u_1 v_2^T moves W_1 and W_2 in the plane of two modes; the commutator there is a cubic in t.

Sharpness: a_2, b_1 nonzero; two modes (one mode is always aligned); special data (M = 0) keep alignment.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

from theory.certificates import Step, prove
from theory.dag import Dim, Node, T, add, const, entry, eye, known, lin, mul, power, sub, tr, var, zero
from theory.statement import Condition, Statement, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.frames import Frames
from theory.theorems.alignment.rewriting import Rule, expanded, rewritten, rule
from theory.theorems.alignment.training import Terms, diagonal

NAME = "alignment.generic_data"
TIME, OTHER = var("t"), var("r")


class TwoModes:
    """Two aligned layers, seen at two modes."""

    def __init__(self, widths: Sequence[Dim]) -> None:
        d0, d1, d2 = self.widths = tuple(widths)
        self.W, self.V = var("W1", (d1, d0)), var("W2", (d2, d1))
        self.v, self.h, self.u = ([var(f"{x}{p}", (d, 1)) for p in (1, 2)] for x, d in (("v", d0), ("h", d1), ("u", d2)))
        self.a, self.b = ([var(f"{x}{p}") for p in (1, 2)] for x in "ab")

    @cached_property
    def modes(self) -> tuple[tuple[Node, Node, Node], ...]:
        """(matrix, vector, its image) of each mode."""
        W, V, a, b, v, h, u = self.W, self.V, self.a, self.b, self.v, self.h, self.u
        parts = ((W, v, a, h), (T(W), h, a, v), (V, h, b, u), (T(V), u, b, h))
        return tuple((m, x[p], mul(c[p], y[p])) for m, x, c, y in parts for p in (0, 1))

    @cached_property
    def facts(self) -> tuple[tuple[tuple[Node, Node], Node, Node], ...]:
        """(pattern, value, pattern - value) of all hypotheses that are equalities."""
        out = [((m, x), y) for m, x, y in self.modes]
        for x in (self.v, self.h, self.u):
            out += [((T(x[p]), x[q]), eye(1) if p == q else zero((1, 1))) for p in (0, 1) for q in (0, 1) if p <= q]
        return tuple((pattern, value, sub(mul(*pattern), value)) for pattern, value in out)

    @property
    def given(self) -> tuple[Condition, ...]:
        return tuple(equal(x) for _, _, x in self.facts)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        out = [rule(pattern, value, fact) for pattern, value, fact in self.facts]
        turned = [(tuple(T(x) for x in reversed(r.pattern)), T(r.value), T(r.zero)) for r in out]
        return (*out, *(Rule(*x) for x in turned if x[0] not in [r.pattern for r in out]))

    @property
    def variables(self) -> tuple[Node, ...]:
        return (self.W, self.V, *self.v, *self.h, *self.u, *self.a, *self.b)

    def after(self, t: Node) -> tuple[Node, Node]:
        """The layers after a step with eta M = t u_1 v_2^T."""
        M = mul(t, self.u[0], T(self.v[1]))
        return sub(self.W, mul(T(self.V), M)), sub(self.V, mul(M, T(self.W)))

    def commutator(self, t: Node) -> Node:
        """h_1^T [A^+, B^+] h_2."""
        W, V = self.after(t)
        A, B = mul(W, T(W)), mul(T(V), V)
        return mul(T(self.h[0]), sub(mul(A, B), mul(B, A)), self.h[1])

    def polynomial(self, t: Node) -> Node:
        """-t a_2 b_1 (a_1^2 - a_2^2 + b_2^2 - b_1^2 + t^2 (a_2^2 + b_1^2))."""
        (a1, a2), (b1, b2) = self.a, self.b
        inner = add(
            power(a1, 2), lin((-1, power(a2, 2))), power(b2, 2), lin((-1, power(b1, 2))), mul(power(t, 2), self.stiffness)
        )
        return lin((-1, mul(t, a2, b1, inner)))

    def cubic(self, t: Node, factor: int = 1) -> Node:
        """A multiple of the polynomial, as a matrix of one entry."""
        return lin((factor, mul(self.polynomial(t), eye(1))))

    @property
    def stiffness(self) -> Node:
        return add(power(self.a[1], 2), power(self.b[0], 2))

    def identity(self, t: Node) -> Node:
        return sub(self.commutator(t), self.cubic(t))

    def identity_step(self, t: Node) -> Step:
        return prove("==", self.identity(t), rewritten(expanded(self.identity(t)), self.rules)[1])


def symbolic() -> TwoModes:
    return TwoModes(("d0", "d1", "d2"))


def _witness(extra: dict[str, Any]) -> dict[str, Any]:
    """Diagonal layers at widths 2."""
    basis = {f"{x}{p}": [[int(p == 1)], [int(p == 2)]] for x in "uvh" for p in (1, 2)}
    layers = {"W1": [["16/5", 0], [0, 3]], "W2": [[4, 0], [0, "12/5"]]}
    return basis | layers | {"a1": "16/5", "a2": 3, "b1": 4, "b2": "12/5"} | extra


SIZES = {"d0": 2, "d1": 2, "d2": 2}


def cubic() -> Claim:
    f = symbolic()
    s = Terms(f"{NAME}.cubic", (*f.variables, TIME), f.given, (equal(f.identity(TIME)),))
    return Claim(s, (f.identity_step(TIME),), _witness({"t": 1}), SIZES)


def once() -> Claim:
    """If the cubic vanishes at r, it does not at t: r c(t) = t c(r) - t r a_2 b_1 (a_2^2 + b_1^2)(t^2 - r^2)."""
    f = symbolic()
    gap = lin((1, power(TIME, 2)), (-1, power(OTHER, 2)))
    squares = tuple(power(x, 2) for x in (f.a[1], f.b[0], TIME, OTHER, gap))
    c, z = (f.polynomial(x) for x in (TIME, OTHER))
    both = lin((1, mul(OTHER, c)), (-1, mul(TIME, OTHER, f.a[1], f.b[0], f.stiffness, gap)))
    square = mul(*map(known, squares), power(add(known(squares[0]), known(squares[1])), 2))
    by = add(square, mul(TIME, known(z), both))
    names = (*f.a, *f.b, TIME, OTHER)
    s = Statement(f"{NAME}.once", names, (*map(greater, squares), equal(z)), (greater(power(c, 2)),))
    values = {"a1": "16/5", "a2": 3, "b1": 4, "b2": "12/5", "t": 1, "r": "3/5"}
    return Claim(s, (prove(">", power(c, 2), by, known(squares[3])),), values)


def onto() -> Claim:
    """Every M belongs to targets: (P X - Y) X^T = M for Y = P X - M R X, where R X X^T = I."""
    X, M, P, R = var("X", ("d0", "n")), var("M", ("d2", "d0")), var("P", ("d2", "d0")), var("R", ("d0", "d0"))
    inverse = sub(mul(R, X, T(X)), eye("d0"))
    Y = sub(mul(P, X), mul(M, R, X))
    term = sub(mul(sub(mul(P, X), Y), T(X)), M)
    s = Terms(f"{NAME}.onto", (X, M, P, R), (equal(inverse),), (equal(term),))
    point = {name: [[1]] for name in ("X", "M", "P", "R")}
    return Claim(s, (prove("==", term, mul(M, known(inverse))),), point, {"d0": 1, "d2": 1, "n": 1})


def claims() -> Iterator[Claim]:
    yield cubic()
    yield once()
    yield onto()


# -- sharpness ----------------------------------------------------------------------------------------------------------


def _small() -> TwoModes:
    """The modes at widths 2, in their own coordinates: the layers are the diagonal matrices of the singular values."""
    f = TwoModes((2, 2, 2))
    f.W, f.V = diagonal(f.a), diagonal(f.b)
    f.v = f.h = f.u = [const([[1], [0]]), const([[0], [1]])]
    return f


def _lost(drop: Sequence[int], name: str) -> Statement:
    """That the commutator is not zero at t, without some of the conditions on a_2, b_1, t."""
    f = _small()
    squares = [power(x, 2) for x in (f.a[1], f.b[0], TIME)]
    given = tuple(greater(x) for k, x in enumerate(squares) if k not in drop)
    c = tr(f.commutator(TIME))
    return Statement(f"{NAME}: {name}", (*f.a, *f.b, TIME), given, (greater(power(c, 2)),))


def sharpness() -> Iterator[Counterexample]:
    point = {"a1": 2, "a2": 1, "b1": 1, "b2": 1, "t": 1}
    yield Counterexample("a_2 nonzero", _lost([0], "a mode that vanishes"), point | {"a2": 0})
    yield Counterexample("b_1 nonzero", _lost([1], "the other mode that vanishes"), point | {"b1": 0})
    yield Counterexample("targets that are not fitted", _lost([2], "no gradient"), point | {"t": 0})
    again = {"a1": "16/5", "a2": 3, "b1": 4, "b2": "12/5", "t": "3/5"}
    yield Counterexample("almost every, not every, target", _lost([], "every target"), again)


def variants() -> Iterator[Statement]:
    yield from (c.statement for c in sharpness())
    f = _small()
    names = (*f.a, *f.b, TIME)
    wrong = {
        "the opposite sign": sub(f.commutator(TIME), f.cubic(TIME, -1)),
        "twice the cubic": sub(f.commutator(TIME), f.cubic(TIME, 2)),
        "zero": f.commutator(TIME),
        "linear in t": add(f.commutator(TIME), mul(TIME, f.a[1], f.b[0], eye(1))),
    }
    yield from (Statement(f"{NAME}: {words}", names, then=(equal(x),)) for words, x in wrong.items())
    yield replace(onto().statement, name=f"{NAME}: every M without the inverse", given=())


@cache
def _sized(widths: tuple[int, ...]) -> Statement:
    f = TwoModes(widths)
    return Statement(f"{NAME}.cubic", (*f.variables, TIME), f.given, (equal(f.identity(TIME)),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random orthogonal bases and singular values, so that the layers are aligned; one step in a random direction t."""
    size, s = max(widths), _sized(tuple(widths))
    env = Frames(tuple(widths), 1, size).draw(draw)
    values = {"W1": env["W1"], "W2": env["W2"], "t": draw.scalar()}
    for p in (0, 1):
        unit = const([[int(k == p)] for k in range(size)])
        for x, i in (("v", 0), ("h", 1), ("u", 2)):
            values[f"{x}{p + 1}"] = draw.value(mul(var(f"U{i}", (widths[i], size)), unit), env)
        for x, name in (("a", "Z1"), ("b", "Z2")):
            values[f"{x}{p + 1}"] = draw.value(entry(var(name, (size, size)), p, p), env)
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="INV-9",
    title="Generic targets destroy alignment in one step",
    form="generic (almost every target), each start",
    source="own derivation, in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (3, 3, 3), (2, 4, 3)),
    supported_at=((5, 5, 5), (8, 6, 7)),
    note=(
        "With generic data alignment is lost also without layer constraints; constraints make a difference for structured "
        "data. Proved at depth 2; depths 3 and 4 are supported by an experiment only."
    ),
)
