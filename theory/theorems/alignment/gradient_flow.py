r"""Gradient flow: what it conserves decides alignment, not the data.

Setting: layers W_1, ..., W_N under gradient flow of any differentiable loss of their product; \(A_i = W_i W_i^T\),
\(B_i = W_{i+1}^T W_{i+1}\), \(D_i = B_i - A_i\) (constant in time: `alignment.conservation`).

Hypotheses: as stated below. None on data or loss.

Conclusion:
1. Depth 2: \([A_1, B_1] = [A_1, D_1]\): the network is weakly aligned at a time t iff \(W_1 W_1^T(t)\) commutes with the
   constant D_1. Along the flow \(\tfrac{d}{dt} [A_1, B_1] = [D_1, H]\) with H = G_1 W_1^T + W_1 G_1^T.
2. If \(D_i = c_i I\) for all i, all commutators \([B_i, W_{i:j+1} W_{i:j+1}^T]\) vanish: the network is aligned; and the flow
   conserves D_i = c_i I, so it stays aligned for all times, all data and all losses (its bases rotate).

So under gradient flow no condition on the data is necessary for (weak) alignment.

Form: identities; implication.

Scope of proof: all widths; part 2 at depths 2 to 5.

Why: \(W_{i:j+1} W_{i:j+1}^T\) is a polynomial in A_i, one layer at a time: \(W (W^T W - c)^n W^T = W W^T (W W^T - c)^n\).

Sharpness: D_i must be a multiple of the identity: from W = (diag(1,2), diag(3/2,1/2)) with S = [[2,1],[1,2]], C = diag(1,3)
the commutator has a nonzero time derivative. Discrete steps do not conserve D_i (`alignment.balanced_descent`).

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory.certificates import Step, prove
from theory.dag import Dim, Node, T, add, const, eye, grad, known, lin, mul, num, sub, tr, var
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms

NAME = "alignment.gradient_flow"


class Shifted:
    """A network with W_{i+1}^T W_{i+1} - W_i W_i^T = c_i I at every hidden vertex."""

    def __init__(self, widths: Sequence[Dim]) -> None:
        self.widths, self.depth = tuple(widths), len(widths) - 1
        self.W = [var(f"W{i}", (widths[i], widths[i - 1])) for i in range(1, self.depth + 1)]
        self.c = [var(f"c{i}") for i in range(1, self.depth)]

    def below(self, i: int, j: int) -> Node:
        """W_{i:j+1} W_{i:j+1}^T."""
        path = mul(*reversed(self.W[j:i]))
        return mul(path, T(path))

    def above(self, i: int) -> Node:
        return mul(T(self.W[i]), self.W[i])

    def hypothesis(self, i: int) -> Node:
        return sub(sub(self.above(i), self.below(i, i - 1)), mul(self.c[i - 1], eye(self.widths[i])))

    def factors(self, i: int, j: int) -> list[Node]:
        """What W_{i:j+1} W_{i:j+1}^T is the product of: A_i, A_i - c_{i-1} I, A_i - (c_{i-1} + c_{i-2}) I, ..."""
        sums = [add(num(0), *self.c[k - 1 : i - 1]) for k in range(i, j, -1)]
        return [sub(self.below(i, i - 1), mul(x, eye(self.widths[i]))) for x in sums]

    def power(self, i: int, j: int) -> Node:
        """W_{i:j+1} W_{i:j+1}^T minus that product."""
        return sub(self.below(i, j), mul(*self.factors(i, j)))

    def power_step(self, i: int, j: int) -> Step:
        """From vertex i - 1 to vertex i: prod X_k - prod Y_k telescopes, where X_k - Y_k is minus the hypothesis."""
        W, h = self.W[i - 1], known(self.hypothesis(i - 1))
        X = self.factors(i - 1, j)
        Y = [add(x, self.hypothesis(i - 1)) for x in X]
        moved = [mul(W, *Y[:k], h, *X[k + 1 :], T(W)) for k in range(len(X))]
        by = sub(mul(W, known(self.power(i - 1, j)), T(W)), add(*moved))
        return prove("==", self.power(i, j), by)

    def commutator(self, i: int, j: int) -> Node:
        return sub(mul(self.above(i), self.below(i, j)), mul(self.below(i, j), self.above(i)))

    def commutator_step(self, i: int, j: int) -> Step:
        """B_i = A_i + c_i I commutes with every polynomial in A_i."""
        h, p = known(self.hypothesis(i)), self.below(i, j)
        by = sub(mul(h, p), mul(p, h))
        if j < i - 1:
            A, q = self.below(i, i - 1), known(self.power(i, j))
            by = add(by, sub(mul(A, q), mul(q, A)))
        return prove("==", self.commutator(i, j), by)

    @property
    def vertices(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(1, self.depth) for j in range(i)]

    def steps(self) -> Iterator[Step]:
        for i, j in self.vertices:
            if j < i - 1:
                yield self.power_step(i, j) if j < i - 2 else self._first(i, j)
        yield from (self.commutator_step(i, j) for i, j in self.vertices)

    def _first(self, i: int, j: int) -> Step:
        """W_i A_{i-1} W_i^T = A_i (A_i - c_{i-1} I), by the hypothesis alone."""
        W = self.W[i - 1]
        return prove("==", self.power(i, j), lin((-1, mul(W, known(self.hypothesis(i - 1)), T(W)))))

    def statement(self) -> Statement:
        given = tuple(equal(self.hypothesis(i)) for i in range(1, self.depth))
        return Terms(f"{NAME}.aligned", (*self.W, *self.c), given, tuple(equal(self.commutator(*v)) for v in self.vertices))


def aligned(depth: int) -> Claim:
    f = Shifted([f"d{i}" for i in range(depth + 1)])
    point = {f"W{i}": [[1]] for i in range(1, depth + 1)} | {f"c{i}": 0 for i in range(1, depth)}
    return Claim(f.statement(), tuple(f.steps()), point, {str(d): 1 for d in f.widths})


class TwoLayers:
    """Depth 2 and any loss: its gradient M by the product is a variable."""

    def __init__(self, widths: Sequence[Dim]) -> None:
        d0, d1, d2 = widths
        self.W, self.V, self.M = var("W1", (d1, d0)), var("W2", (d2, d1)), var("M", (d2, d0))
        self.A, self.B = mul(self.W, T(self.W)), mul(T(self.V), self.V)
        self.D = sub(self.B, self.A)
        loss = tr(mul(T(self.M), self.V, self.W))
        self.speed = {W: lin((-1, grad(loss, W))) for W in (self.W, self.V)}

    @property
    def variables(self) -> tuple[Node, ...]:
        return self.W, self.V, self.M

    @property
    def push(self) -> Node:
        """H = G_1 W_1^T + W_1 G_1^T: minus the time derivative of A_1, and of B_1."""
        G = lin((-1, self.speed[self.W]))
        return add(mul(G, T(self.W)), mul(self.W, T(G)))

    def rate(self) -> Node:
        """The time derivative of [A_1, B_1] along the flow."""
        w, v = self.speed[self.W], self.speed[self.V]
        dA, dB = add(mul(w, T(self.W)), mul(self.W, T(w))), add(mul(T(v), self.V), mul(T(self.V), v))
        return add(bracket(dA, self.B), bracket(self.A, dB))

    def terms(self) -> list[Node]:
        return [
            sub(bracket(self.A, self.B), bracket(self.A, self.D)),
            sub(self.rate(), bracket(self.D, self.push)),
        ]


def bracket(a: Node, b: Node) -> Node:
    return sub(mul(a, b), mul(b, a))


def two_layers() -> Claim:
    f = TwoLayers(("d0", "d1", "d2"))
    s = Statement(f"{NAME}.two_layers", f.variables, then=tuple(map(equal, f.terms())))
    return Claim(s, tuple(prove("==", x, lin((0, f.A))) for x in f.terms()))


def claims() -> Iterator[Claim]:
    yield two_layers()
    yield from map(aligned, range(2, 6))


# -- sharpness ----------------------------------------------------------------------------------------------------------


def stays() -> Statement:
    """Alignment at a time makes the commutator stationary, whatever D_1: squared loss, the data fixed."""
    f = TwoLayers((2, 2, 2))
    S, C = const([[2, 1], [1, 2]]), const([[1, 0], [0, 3]])
    f.M = sub(mul(f.V, f.W, S), C)
    f.speed = {f.W: lin((-1, mul(T(f.V), f.M))), f.V: lin((-1, mul(f.M, T(f.W))))}
    return Statement(f"{NAME}: aligned at one time", (f.W, f.V), (equal(bracket(f.A, f.B)),), (equal(f.rate()),))


START = {"W1": [[1, 0], [0, 2]], "W2": [["3/2", 0], [0, "1/2"]]}


def _one_vertex() -> Statement:
    """D_1 = c_1 I alone, at depth 3."""
    f = Shifted((2, 2, 2, 2))
    s = f.statement()
    return Terms(f"{NAME}: one vertex", (*f.W, f.c[0]), s.given[:1], s.then)


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("D_i a multiple of the identity", stays(), START)
    point = {"W3": [[1, 1], [0, 1]], "c1": 0}
    yield Counterexample("at every hidden vertex", _one_vertex(), {"W1": [[1, 0], [0, 2]], "W2": [[1, 0], [0, 2]], **point})


def variants() -> Iterator[Statement]:
    yield stays()
    yield _one_vertex()
    f = TwoLayers((2, 2, 2))
    wrong = {
        "the commutator is conserved": f.rate(),
        "the other sign": add(f.rate(), bracket(f.D, f.push)),
        "twice the rate": sub(f.rate(), lin((2, bracket(f.D, f.push)))),
        "always aligned": bracket(f.A, f.B),
        "the sum instead of the difference": sub(bracket(f.A, f.B), bracket(f.A, add(f.A, lin((2, f.B))))),
        "products commute": sub(mul(f.V, f.W), mul(f.W, f.V)),
    }
    yield from (Statement(f"{NAME}: {words}", f.variables, then=(equal(x),)) for words, x in wrong.items())
    g = Shifted((1, 1, 1, 1))
    equal_layers = sub(g.W[0], g.W[1])
    yield Statement(f"{NAME}: shifted layers are equal", (*g.W, *g.c), g.statement().given, (equal(equal_layers),))


@cache
def _sized(widths: tuple[int, ...]) -> Statement:
    f = TwoLayers(widths)
    return Statement(f"{NAME}.two_layers", f.variables, then=tuple(map(equal, f.terms())))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers of depth 2, and a random gradient by the product."""
    s = _sized(tuple(widths))
    values: dict[str, Any] = {str(v.data[0]): draw.matrix(*map(int, v.shape)) for v in s.variables}
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="INV-8",
    title="Gradient flow: shifted-balanced networks stay aligned for all data",
    form="identities; implication",
    source="own derivation, in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (3, 2, 4), (2, 3, 1)),
    supported_at=((10, 12, 8), (20, 10, 20)),
    note=(
        "No condition on the data is necessary for alignment under gradient flow from a (shifted-)balanced start: the bases "
        "rotate. The paper's 'necessary and sufficient' is about alignment in fixed bases."
    ),
)
