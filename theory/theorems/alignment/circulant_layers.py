r"""Single-channel circular convolutions are always aligned: an exception to 'layer constraints destroy alignment'.

Setting: layers W_1, ..., W_N in a space S of matrices that commute with each other and with each other's transposes, closed
under products and transposes: circulant (1-D, 2-D), skew-circulant, complex; quaternions, of which \(W W^T\) is a multiple of
I, as well.

Hypotheses: for (b) the squared loss and orthonormal coordinates; for (c) moreover the phases of the layers match those of the
data.

Conclusion: (a) every network in S is weakly aligned, at every time, for every data set, loss and optimiser: \([W_{i+1}^T
W_{i+1}, W_{i:j+1} W_{i:j+1}^T] = 0\) for all \(0 \le j < i < N\).
(b) The projected gradient is the gradient of the projected data: with \(\hat S = \mathrm{Proj}\, XX^T\), \(\hat C =
\mathrm{Proj}\, YX^T\),
\[ \mathrm{Proj}\, G_i = \Bigl(\prod_{j \ne i} W_j\Bigr)^T (P \hat S - \hat C) , \]
so that in the Fourier basis each frequency is a mode of its own, \(z_i^+ = z_i - \eta\, \overline{\prod_{j \ne i} z_j}\, (\pi
s - c)\) with \(s \ge 0\) and c complex, for any data.
(c) If \(z_i = \rho_i u_i\), \(|u_i| = 1\), \(c = \gamma \prod u_i\) with real \(\rho_i, \gamma\), the phases \(u_i\) never
change (the bases are fixed) and \(\rho_i^+ = \rho_i - \eta \prod_{j \ne i} \rho_j\, (s \prod \rho_j - \gamma)\), the dynamics
of one real mode.

Form: identity, invariant.

Scope of proof: (a) at all sizes for layers that commute with each other and with each other's transposes, N = 2 to 5; that
the spaces are such: circulant k = 2 to 6, skew-circulant 2 to 5, tori 2 x 2 and 2 x 3, complex numbers; quaternions N = 2
(`alignment.aligned_pairs`).
(b) N = 2 with any data, circulant k = 2, 3, 4, skew-circulant 2, 3, complex; N = 3 for k = 2, 3.
(c) N = 2 and 3, one frequency. The Fourier transform itself is in floats.

Why: \(W_{i:j} W_{i:j}^T\) and \(W^T W\) are in S, which is commutative; Proj(A Z B) = A Proj(Z) B for A, B in S.

Sharpness: two channels, or zero padding, break it (`alignment.aligned_pairs`); without matching phases the bases move.

Source: own derivation. It contradicts a blanket reading of the abstract of arXiv:2003.06340 on convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import MatrixSymbol

from theory import dag
from theory import subspaces as spaces
from theory.certificates import prove
from theory.dag import Node
from theory.expressions import known, lower
from theory.statement import Statement, equal
from theory.subspaces import Subspace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.commutators import commutators
from theory.theorems.alignment.rewriting import Rule, rule, vanishing
from theory.theorems.alignment.setting import dim, table
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.circulant_layers"
COMMUTATIVE = [
    *(spaces.circulant(k) for k in range(2, 7)), *(spaces.skew_circulant(k) for k in range(2, 6)), spaces.circulant_2d(2, 2),
    spaces.circulant_2d(2, 3), spaces.complex_numbers(),
]  # fmt: skip


# -- (a) always aligned -------------------------------------------------------------------------------------------------


def aligned(depth: int) -> Claim:
    """W_i W_j = W_j W_i and W_i W_j^T = W_j^T W_i for all i, j: every commutator vanishes, at all sizes."""
    n = dim("n")
    W = [MatrixSymbol(f"W{i}", n, n) for i in range(1, depth + 1)]
    plain = {(i, j): W[i] * W[j] - W[j] * W[i] for i in range(depth) for j in range(i)}
    mixed = {(i, j): W[i] * W[j].T - W[j].T * W[i] for i in range(depth) for j in range(depth)}
    rules: list[Rule] = []
    for (i, j), x in plain.items():
        rules.append(rule((W[i], W[j]), W[j] * W[i], x))
        rules.append(Rule((lower(W[i].T), lower(W[j].T)), lower(W[j].T * W[i].T), lower(-known(x).T)))
    rules += [rule((W[i], W[j].T), W[j].T * W[i], x) for (i, j), x in mixed.items()]
    given = tuple(map(equal, (*plain.values(), *mixed.values())))
    terms = commutators(W)
    s = Statement(f"{NAME}.aligned_{depth}", tuple(W), given, tuple(map(equal, terms)))
    point = {M.name: [[1, 2 + k], [2 + k, 1]] for k, M in enumerate(W)}
    return Claim(s, tuple(vanishing(t, rules) for t in terms), point, {"n": 2})


def closed(space: Subspace) -> Claim:
    """Two general elements: A B = B A, A B^T = B^T A, and A B, A^T lie in the subspace."""
    (A, a), (B, b) = space.general("a"), space.general("b")
    AB, BT = dag.mul(A, B), dag.T(B)
    terms = [dag.sub(AB, dag.mul(B, A)), dag.sub(dag.mul(A, BT), dag.mul(BT, A))]
    terms += [dag.sub(AB, space.projected(AB)), dag.sub(BT, space.projected(BT))]
    s = Statement(f"{NAME}.closed: {space.name}", (*a, *b), (), tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", t, dag.zero(t.shape)) for t in terms))


# -- (b) frequencies decouple -------------------------------------------------------------------------------------------


def decoupled(space: Subspace, depth: int) -> Claim:
    """Proj G_i = (prod_{j != i} W_j)^T (P Proj S - Proj C), any S and C."""
    layers, coordinates = zip(*(space.general(f"w{i}_") for i in range(1, depth + 1)), strict=True)
    k = space.shape[0]
    S, C = dag.var("S", (k, k), symmetric=True), dag.var("C", (k, k))
    P = dag.mul(*reversed(layers))
    slope, mode = dag.sub(dag.mul(P, S), C), dag.sub(dag.mul(P, space.projected(S)), space.projected(C))
    terms = []
    for i in range(depth):
        above, below = [dag.T(W) for W in layers[i + 1 :]], [dag.T(W) for W in layers[:i]]
        terms.append(dag.sub(space.projected(dag.mul(*above, slope, *below)), dag.mul(*above, *below, mode)))
    names = (*(v for c in coordinates for v in c), S, C)
    s = Statement(f"{NAME}.decoupled_{depth}: {space.name}", names, (), tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", t, dag.zero(t.shape)) for t in terms))


# -- (c) phases ---------------------------------------------------------------------------------------------------------


def _turn(p: Node, q: Node) -> Node:
    """p + i q as a 2 x 2 matrix."""
    return spaces.complex_numbers().element((p, q))


def phases(depth: int, matched: bool = True) -> Claim:
    """z_i = rho_i u_i, c = gamma prod u: after a step z_i is again a real multiple of u_i, the one of the real mode."""
    names = {x: [dag.var(f"{x}{i}") for i in range(1, depth + 1)] for x in ("p", "q", "rho")}
    s, g, h = (dag.var(x) for x in ("s", "gamma", "eta"))
    u = [_turn(p, q) for p, q in zip(names["p"], names["q"], strict=True)]
    pairs = zip(names["p"], names["q"], strict=True)
    one = [dag.lin((1, dag.power(p, 2)), (1, dag.power(q, 2)), (-1, dag.num(1))) for p, q in pairs]
    rho = names["rho"]
    z = [dag.mul(r, x) for r, x in zip(rho, u, strict=True)]
    slope = dag.sub(dag.mul(s, *z), dag.mul(g, *(u if matched else [dag.eye(2)])))
    terms, steps = [], []
    for i in range(depth):
        others = [j for j in range(depth) if j != i]
        after = dag.sub(z[i], dag.mul(h, *(dag.T(z[j]) for j in others), slope))
        rest = dag.mul(*(rho[j] for j in others))
        real = dag.sub(rho[i], dag.mul(h, rest, dag.sub(dag.mul(s, *rho), g)))
        terms.append(dag.sub(after, dag.mul(real, u[i])))
        # after - real u_i = -eta rest (s prod rho - gamma) (prod_{j != i} |u_j|^2 - 1) u_i
        left: list[Node] = []
        for n, j in enumerate(others):
            norms = (dag.add(one[m], dag.num(1)) for m in others[:n])
            left.append(dag.mul(*norms, dag.known(one[j])))
        change = dag.mul(h, rest, dag.sub(dag.mul(s, *rho), g), dag.add(*left))
        steps.append(prove("==", terms[-1], dag.mul(dag.num(-1), change, u[i])))
    variables = (*names["p"], *names["q"], *rho, s, g, h)
    st = Statement(f"{NAME}.phases_{depth}", variables, tuple(map(equal, one)), tuple(map(equal, terms)))
    point = {str(v.data[0]): 1 for v in variables} | {str(q.data[0]): 0 for q in names["q"]}
    return Claim(st, tuple(steps), point)


def claims() -> Iterator[Claim]:
    yield from map(aligned, range(2, 6))
    yield from map(closed, COMMUTATIVE)
    two = (*map(spaces.circulant, (2, 3, 4)), *map(spaces.skew_circulant, (2, 3)), spaces.complex_numbers())
    yield from (decoupled(space, 2) for space in two)
    yield from (decoupled(spaces.circulant(k), 3) for k in (2, 3))
    yield from map(phases, (2, 3))


# -- limits -------------------------------------------------------------------------------------------------------------


def unmatched() -> Statement:
    """That phases stay, whatever the phase of c."""
    s = phases(2, matched=False).statement
    return replace(s, name=f"{NAME}: any phases")


def sharpness() -> Iterator[Counterexample]:
    at = {"p1": 0, "q1": 1, "p2": 1, "q2": 0, "rho1": 1, "rho2": 1, "s": 1, "gamma": 1, "eta": 1}
    yield Counterexample("matching phases", unmatched(), at)
    s = decoupled(spaces.lower_toeplitz(2), 2).statement
    point = {f"w{i}_{j}": int(j == 1 or i == 2) for i in (1, 2) for j in (1, 2)} | {"S": table(2, 2), "C": [[0, 1], [0, 0]]}
    yield Counterexample("a circle, not zero padding, for the decoupling", s, point)
    a = aligned(2).statement
    free = replace(a, name=f"{NAME}: layers that commute", given=a.given[:1], sizes={"n": 2})
    yield Counterexample("layers commute with transposes", free, {"W1": [[1, 0], [1, 1]], "W2": [[1, 0], [2, 1]]})


def variants() -> Iterator[Statement]:
    s = aligned(2).statement
    W = s.variables
    yield unmatched()
    yield replace(s, name=f"{NAME}: layers that commute", given=s.given[:1], sizes={"n": 2})
    yield Statement(f"{NAME}: no hypothesis", W, (), s.then, {"n": 2})
    yield from (
        closed(space).statement for space in (spaces.lower_toeplitz(2), spaces.toeplitz(2), spaces.block_circulant(2, 2))
    )
    yield from (decoupled(space, 2).statement for space in (spaces.lower_toeplitz(2), spaces.toeplitz(2)))
    yield closed(spaces.quaternions()).statement


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The decoupling of two circulant layers of the given size, any data."""
    k = widths[0]
    s = decoupled(spaces.circulant(k), 2).statement
    values = {str(v.data[0]): draw.scalar() for v in s.variables if not v.shape}
    return Instance(s, values | {"S": draw.psd(k), "C": draw.matrix(k, k)})


THEOREM = Theorem(
    name=NAME,
    sheet="CON-5",
    title="Single-channel circular convolutions are always aligned",
    form="identity, invariant",
    source=f"own derivation; it contradicts a blanket reading of the abstract of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((5, 5),),
    supported_at=((8, 8),),
    note=(
        "'Alignment is impossible for convolutions' needs zero padding, or several channels, or fixed bases with generic "
        "phases: circular convolutions with one channel are weakly aligned for every data set, and with matching phases "
        "in fixed bases."
    ),
)
