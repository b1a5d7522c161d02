r"""Spectrum and rank of the Hessian on the valley, from the small matrix J J^T.

Setting: \(L = \tfrac12 |P X - Y|_F^2\), \(A_i = W_N \cdots W_{i+1}\), \(B_i = W_i \cdots W_1 X\), J the Jacobian of P X; H the
Hessian in all layers (p x p), J J^T acting on matrices Q of the shape of Y.

Hypotheses: \((P X - Y) X^T = 0\), for instance on the valley P X = Y. No hypothesis on ranks.

Conclusion: the nonzero spectrum of H is that of \(J J^T Q = \sum_i A_i A_i^T Q B_{i-1}^T B_{i-1}\):
H V = l V gives J J^T (J V) = l J V, l |V|^2 = |J V|^2, and J J^T Q = l Q gives H (J^T Q) = l J^T Q, |J^T Q|^2 = l |Q|^2.
For N = 2 and X = I the eigenvalues of J J^T are a_i + b_j, with a_i those of W_1^T W_1 and b_j those of W_2 W_2^T: the
eigenvectors are u v^T, and det(t - J J^T) = det(chi(t - W_2 W_2^T)) with chi the characteristic polynomial of W_1^T W_1.
One output and one datum: J J^T is the number Tr H, so Tr H = pdet H = the largest eigenvalue. Moreover
\[ \operatorname{rank} H = \sum_i (c_i - c_{i-1})\, q_i, \]
where c_i = rank A_i, c_0 = 0 and q_i = rank B_{i-1}:
u v^T is in the range of J if u is in that of A_i and v in that of B_{i-1}^T, for some i, and it is in the kernel of J^T if
A_k^T u = 0 and B_k v = 0 for some k. The ranges of A_i grow and those of B_{i-1}^T shrink with i, so bases adapted to both make
u v^T a basis of which each member is in the one or in the other, and the first kind is counted by the formula.

Form: identities of matrices; rank formula, its count in words.

Scope of proof: all widths, depths 2 to 4, for the two directions of the spectrum, range and kernel; all widths at depth 2 for
u v^T; the characteristic polynomial where W_1^T W_1 and W_2 W_2^T are 2 x 2 or 1 x 1. The count of the basis is an argument in
words; the experiment compares the formula with exact ranks.

Why: on F = 0, H = J^T J, and J^T J and J J^T share their nonzero spectrum.

Sharpness: F = 0 is needed (scalar, w = (1, 1), y = 0: H has the eigenvalue -1 with J V = 0). The rank is not constant on every
valley, and pdet jumps where it drops: y = 0 at w = (0, 0) has H = 0.

Source: own derivation, for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

from theory import dag
from theory.certificates import Step
from theory.dag import Dim, Node
from theory.statement import Statement
from theory.terms import Term, dot, fact, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.hessian import gauss_newton, setting
from theory.theorems.hessian.setting import (
    SOURCE,
    Network,
    eye,
    identities,
    is_zero,
    letter,
    norm2,
    scalar,
    total,
    vanish,
    widths_of,
)

NAME = "hessian.spectrum"
LAMBDA = scalar("lam")


def kronecker(depth: int) -> Claim:
    """<Q, J V> = <J^T Q, V>, and J J^T by its Kronecker structure is J after J^T."""
    net = Network(widths_of(depth))
    Q = net.output("Q")
    adjoint = dot(Q, net.J()) - total(dot(g, v) for g, v in zip(net.JT(Q), net.V, strict=True))
    return identities(f"{NAME}.kronecker", (*net.W, *net.V, net.X, Q), [adjoint, net.J(net.JT(Q)) - net.JJT(Q)])


def exact(net: Network) -> tuple[list[Term], list[Step]]:
    """H V - J^T J V layer by layer, and the steps that they vanish where F = 0 is given."""
    gaps = [h - g for h, g in zip(net.hessian(), net.JT(net.J()), strict=True)]
    return gaps, [vanish(gap, gauss_newton.mixed(net, i)) for i, gap in enumerate(gaps, 1)]


def eigen(net: Network) -> list[Term]:
    """H V - l V."""
    return [h - LAMBDA * v for h, v in zip(net.hessian(), net.V, strict=True)]


def witness(depth: int) -> dict[str, Any]:
    """All ones at widths 1: J J^T = N, and H V = N V for V = (1, ..., 1)."""
    return {**{f"{c}{i}": [[1]] for c in "WV" for i in range(1, depth + 1)}, "X": [[1]], "Y": [[1]], "lam": depth}


def sizes(depth: int) -> dict[str, int]:
    return {**{f"d{i}": 1 for i in range(depth + 1)}, "n": 1}


def down(depth: int) -> Claim:
    """An eigenvector V of H gives the eigenvector J V of J J^T."""
    net = Network(widths_of(depth))
    (gaps, steps), wrong = exact(net), eigen(net)
    known = [fact(e) - fact(g) for e, g in zip(wrong, gaps, strict=True)]
    then = [net.JJT(net.J()) - LAMBDA * net.J(), LAMBDA * total(map(norm2, net.V)) - norm2(net.J())]
    steps += [vanish(then[0], total(net.head(i) * known[i - 1] * net.tail(i - 1) for i in net.index))]
    steps += [vanish(then[1], -total(dot(v, k) for v, k in zip(net.V, known, strict=True)))]
    given = map(is_zero, [net.slope, *wrong])
    s = setting.statement(f"{NAME}.down", (*net.W, *net.V, *net.data, LAMBDA), map(is_zero, then), given)
    return Claim(s, tuple(steps), witness(depth), sizes(depth))


def up(depth: int) -> Claim:
    """An eigenvector Q of J J^T gives the eigenvector V = J^T Q of H."""
    net = Network(widths_of(depth))
    Q, (gaps, steps) = net.output("Q"), exact(net)
    lifted = [v - g for v, g in zip(net.V, net.JT(Q), strict=True)]
    wrong = net.JJT(Q) - LAMBDA * Q
    inside = total(net.head(i) * fact(lifted[i - 1]) * net.tail(i - 1) for i in net.index) + fact(wrong)
    back = net.JT(inside)
    then = eigen(net)
    parts = zip(then, gaps, back, lifted, strict=True)
    steps += [vanish(e, fact(g) + b - LAMBDA * fact(x)) for e, g, b, x in parts]
    length = total(map(norm2, net.JT(Q))) - LAMBDA * norm2(Q)
    steps += [vanish(length, dot(Q, fact(wrong)))]
    given = map(is_zero, [net.slope, *lifted, wrong])
    s = setting.statement(f"{NAME}.up", (*net.W, *net.V, *net.data, Q, LAMBDA), map(is_zero, [*then, length]), given)
    return Claim(s, tuple(steps), {**witness(depth), "Q": [[1]]}, sizes(depth))


def sums(weight: int = 1) -> tuple[Network, Statement, Step]:
    """W_1^T W_1 v = a v and W_2 W_2^T u = b u: J J^T (u v^T) = (a + b) u v^T."""
    net = Network(widths_of(2), white=True)
    (W1, W2), (a, b) = net.W, (scalar("a"), scalar("b"))
    u, v = letter("u", net.widths[2], 1), letter("v", net.widths[0], 1)
    low, high = W1.T * W1 * v - a * v, W2 * W2.T * u - b * u
    gap = net.JJT(u * v.T) - (a + weight * b) * u * v.T
    s = setting.statement(f"{NAME}.sums", (*net.W, u, v, a, b), [is_zero(gap)], map(is_zero, [low, high]))
    return net, s, vanish(gap, fact(high) * v.T + u * fact(low).T)


def eigenvalue_sums() -> Claim:
    _, s, proof = sums()
    point = {"W1": [[1]], "W2": [[2]], "u": [[1]], "v": [[1]], "a": 1, "b": 4}
    return Claim(s, (proof,), point, dict.fromkeys(("d0", "d1", "d2"), 1))


def kronecker_sum(a: Node, b: Node) -> list[list[Node]]:
    """The entries of Q -> b Q + Q a on row-major vec, for symmetric a and b of given sizes."""
    at = list(product(range(int(b.shape[0])), range(int(a.shape[0]))))
    return [[dag.add(dag.num(0), *_cell(a, b, x, y)) for y in at] for x in at]


def _cell(a: Node, b: Node, x: tuple[int, int], y: tuple[int, int]) -> list[Node]:
    return [dag.entry(b, x[0], y[0])] * (x[1] == y[1]) + [dag.entry(a, y[1], x[1])] * (x[0] == y[0])


def determinant(rows: Sequence[Sequence[Node]]) -> Node:
    """By Laplace along the first row."""
    if not rows:
        return dag.num(1)
    minors = ([[*r[:j], *r[j + 1 :]] for r in rows[1:]] for j in range(len(rows)))
    parts = (dag.mul(x, determinant(m)) for x, m in zip(rows[0], minors, strict=True))
    return dag.lin(*(((-1) ** j, x) for j, x in enumerate(parts)))


def characteristic(left: int, right: int) -> tuple[Term, Term, Term]:
    """(a, b, det(t - K) - det(chi_a(t - b))) for symmetric a of size `left` and b of size `right`, K = b x I + I x a."""
    a, b = (Term(dag.var(x, (n, n), symmetric=True)) for x, n in (("A", left), ("B", right)))
    K = kronecker_sum(a.node, b.node)
    shifted = [[dag.sub(LAMBDA.node if i == j else dag.num(0), x) for j, x in enumerate(row)] for i, row in enumerate(K)]
    rest = LAMBDA * eye(right) - b
    chi = rest - _entry(a, 0, 0) * eye(right) if left == 1 else _quadratic(a, rest, right)
    entries = [[dag.entry(chi.node, i, j) for j in range(right)] for i in range(right)]
    return a, b, Term(determinant(shifted)) - Term(determinant(entries))


def _entry(x: Term, i: int, j: int) -> Term:
    return Term(dag.entry(x.node, i, j))


def _quadratic(a: Term, x: Term, n: Dim) -> Term:
    """x^2 - (tr a) x + det a."""
    det = _entry(a, 0, 0) * _entry(a, 1, 1) - _entry(a, 0, 1) * _entry(a, 0, 1)
    return x * x - trace(a) * x + det * eye(n)


def characteristic_polynomial(left: int, right: int) -> Claim:
    a, b, gap = characteristic(left, right)
    return identities(f"{NAME}.characteristic_polynomial", (a, b, LAMBDA), [gap])


def one_datum(depth: int) -> Claim:
    """One output, one datum: J J^T Q = (Tr H) Q."""
    net = Network((*widths_of(depth)[:-1], 1), 1)
    Q = net.output("Q")
    return identities(f"{NAME}.one_datum", (*net.W, net.X, Q), [net.JJT(Q) - net.trace * Q])


def reached(depth: int) -> Iterator[Claim]:
    """(A_i x)(B_{i-1}^T y)^T is J of the direction V_i = x y^T in layer i."""
    net = Network(widths_of(depth))
    for i, V in enumerate(net.V, 1):
        x, y = letter("x", net.widths[i], 1), letter("y", net.widths[i - 1], 1)
        only = [V if j == i else setting.zero(W) for j, W in enumerate(net.W, 1)]
        gap = net.J(only) - (net.head(i) * x) * (net.tail(i - 1).T * y).T
        proof = vanish(gap, net.head(i) * fact(V - x * y.T) * net.tail(i - 1))
        s = setting.statement(f"{NAME}.range", (*net.W, V, net.X, x, y), [is_zero(gap)], [is_zero(V - x * y.T)])
        ones = {**{f"W{j}": [[1]] for j in net.index}, f"V{i}": [[1]], "X": [[1]], "x": [[1]], "y": [[1]]}
        yield Claim(s, (proof,), ones, sizes(depth))


def missed(depth: int, k: int, late: int = 0) -> Claim:
    """A_k^T u = 0 and B_k v = 0 give J^T (u v^T) = 0; with `late` > 0, the false claim for B_{k + late}."""
    net = Network(widths_of(depth))
    u, v = letter("u", net.widths[-1], 1), letter("v", net.n, 1)
    above, below = net.head(k).T * u, net.tail(k + late) * v
    steps = []
    for i, g in enumerate(net.JT(u * v.T), 1):
        known = (net.between(k, i).T * fact(above) * (net.tail(i - 1) * v).T if i <= k else
                 net.head(i).T * u * (net.between(i - 1, k) * fact(net.tail(k) * v)).T)  # fmt: skip
        steps.append(vanish(g, known))
    then, given = map(is_zero, net.JT(u * v.T)), map(is_zero, [above, below] if k else [below])
    s = setting.statement(f"{NAME}.kernel", (*net.W, net.X, u, v), then, given)
    ones = {**{f"W{i}": [[0]] for i in net.index}, "X": [[0]], "u": [[1]], "v": [[1]]}
    return Claim(s, tuple(steps), ones, sizes(depth))


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (kronecker, down, up, one_datum) for n in range(2, 5))
    yield from (claim for n in range(2, 5) for claim in reached(n))
    yield from (missed(n, k) for n in range(2, 5) for k in range(n))
    yield eigenvalue_sums()
    yield from (characteristic_polynomial(*s) for s in ((1, 1), (1, 2), (2, 1), (2, 2)))


def off_the_valley() -> Statement:
    net = Network((1, 1, 1), 1)
    gap = LAMBDA * total(map(norm2, net.V)) - norm2(net.J())
    s = f"{NAME}: eigenvalues off the valley"
    return setting.statement(s, (*net.W, *net.V, *net.data, LAMBDA), [is_zero(gap)], map(is_zero, eigen(net)))


def regular() -> Statement:
    """J is not zero anywhere on the valley."""
    net = Network((1, 1, 1), 1)
    given = [is_zero(net.residual), setting.positive(norm2(net.X))]
    return setting.statement(f"{NAME}: the rank is constant", (*net.W, *net.data), [setting.positive(net.trace)], given)


def sharpness() -> Iterator[Counterexample]:
    saddle = {"W1": [[1]], "W2": [[1]], "V1": [[1]], "V2": [[-1]], "X": [[1]], "Y": [[0]], "lam": -1}
    yield Counterexample("(P X - Y) X^T = 0", off_the_valley(), saddle)
    origin = {"W1": [[0]], "W2": [[0]], "X": [[1]], "Y": [[0]]}
    yield Counterexample("the rank of H is constant (pdet jumps where it drops)", regular(), origin)


def variants() -> Iterator[Statement]:
    net = Network((2, 2, 2), 2)
    Q, (W1, W2), X = net.output("Q"), net.W, net.X
    wrong = {
        "the layers transposed": W2.T * W2 * Q * X.T * X + Q * X.T * W1 * W1.T * X,
        "the first layer left out": Q * X.T * W1.T * W1 * X,
        "the data left out": W2 * W2.T * Q + Q * X.T * W1.T * W1 * X,
        "the order of the layers": W1 * W1.T * Q * X.T * X + Q * X.T * W2.T * W2 * X,
    }
    names = (*net.W, X, Q)
    for words, x in wrong.items():
        yield setting.statement(f"{NAME}: {words}", names, [is_zero(net.J(net.JT(Q)) - x)])
    yield _weighted(2)
    yield _weighted(-1)
    yield _weighted(0)
    a, b, gap = characteristic(2, 2)
    yield setting.statement(f"{NAME}: det without a cross term", (a, b, LAMBDA), [is_zero(gap + LAMBDA * trace(a))])
    yield Terms(f"{NAME}: a kernel that starts too late", *_fields(missed(2, 0, 1).statement), {**sizes(2), "d1": 2})
    wide = Network((1, 2, 2), 1)
    R = wide.output("Q")
    yield setting.statement(f"{NAME}: two outputs, one datum", (*wide.W, wide.X, R), [is_zero(wide.JJT(R) - wide.trace * R)])
    yield off_the_valley()
    yield regular()


def _weighted(weight: int) -> Statement:
    _, s, _ = sums(weight)
    return Terms(f"{NAME}: eigenvalues a + {weight} b", *_fields(s), dict.fromkeys(("d0", "d1", "d2"), 2))


def _fields(s: Statement) -> tuple[Any, Any, Any]:
    return s.variables, s.given, s.then


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, 3)
    Q = net.output("Q")
    bend = net.curvature(net.loss) - norm2(net.J())
    then = [is_zero(bend), is_zero(net.J(net.JT(Q)) - net.JJT(Q))]
    return net, setting.statement(f"{NAME}.valley", (*net.W, *net.V, *net.data, Q), then, [is_zero(net.residual)])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers and data, Y = P X: a point of the valley; H and J J^T there."""
    net, s = _sized(tuple(widths))
    values = net.draw(draw, *net.V, net.output("Q"))
    return Instance(s, values | {"Y": draw.value(net.fitted.node, values)})


THEOREM = Theorem(
    name=NAME,
    sheet="H3",
    title="Spectrum and rank of the Hessian on the valley",
    form="identity; rank formula, its count in words",
    source=f"own derivation, for the valley of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 1, 2)),
    supported_at=((16, 20, 12), (8, 10, 6, 7)),
)
