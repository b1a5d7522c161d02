r"""Which data have common singular bases: one commutator decides.

Setting: data X (d_0 x n), Y (d_N x n), S = X X^T, C = Y X^T.

Hypotheses: none.

Conclusion: there are orthogonal U, V with \(U^T C V\) rect-diagonal and \(V^T S V\) diagonal if and only if
\[ [C^T C, S] = 0 . \] Moreover \([C^T C, S] = X [Y^T Y, X^T X] X^T\), so that \([Y^T Y, X^T X] = 0\) suffices, and is
necessary if X has full column rank. Always true: one sample; Y = X; C = q(S) with a polynomial q; S = c I (whitened data,
matrix factorisation). For one output it says that C is zero or an eigenvector of S.

Form: iff.

Scope of proof: all widths. Necessity: as stated (V with V V^T = I, U with any columns). Sufficiency: from a joint orthonormal
eigenbasis V of \(C^T C\) and S, which commuting symmetric matrices have (the spectral theorem, the one fact taken from
outside), the matrix \(U = C V \mathrm{diag}(r)\), r the inverse singular values or 0, is shown to have orthogonal columns of
length 1 or 0 and to diagonalise the data; completing it to an orthogonal matrix changes nothing.

Why: \(C^T C V = C^T U \mathrm{diag}(c) = V \mathrm{diag}(c)^2\), and diagonal matrices commute.

Sharpness: generic data fail (S = [[2,1],[1,1]], C = diag(1,3)); one output is not enough (S = diag(1,2), C = (1,1)).

Source: arXiv:2003.06340 (criterion: own).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from theory.certificates import prove, split, vanishes
from theory.dag import Dim, Node, T, add, diag, eye, known, lin, mul, sub, tr, var
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.rewriting import both, expanded, rewritten, rule
from theory.theorems.alignment.training import SOURCE, Terms, zero

NAME = "alignment.data_criterion"


def bracket(a: Node, b: Node) -> Node:
    return sub(mul(a, b), mul(b, a))


class Data:
    """Data of any shape, and bases with m columns."""

    def __init__(self, d0: Dim = "d0", dN: Dim = "dN", n: Dim = "n", m: Dim = "m") -> None:
        self.shapes = d0, dN, n, m
        self.X, self.Y = var("X", (d0, n)), var("Y", (dN, n))
        self.S, self.C = mul(self.X, T(self.X)), mul(self.Y, T(self.X))
        self.U, self.V = var("U", (dN, m)), var("V", (d0, m))
        self.s, self.c, self.e, self.r = (diag(var(x, (m, m))) for x in "scer")

    def variables(self, *diagonals: Node) -> tuple[Node, ...]:
        return (self.X, self.Y, self.V, *(x.args[0] for x in diagonals))

    @property
    def commutator(self) -> Node:
        return bracket(mul(T(self.C), self.C), self.S)

    @property
    def sizes(self) -> dict[str, int]:
        return {str(d): 1 for d in self.shapes}


def _ones(s: Statement) -> dict[str, Any]:
    return {str(v.data[0]): [[1]] if v.shape else 1 for v in s.variables}


# -- the criterion ------------------------------------------------------------------------------------------------------


def necessary() -> Claim:
    """Common bases make the commutator vanish."""
    f = Data()
    U, V, K = f.U, f.V, f.commutator
    facts = sub(mul(f.S, V), mul(V, f.s)), sub(mul(f.C, V), mul(U, f.c)), sub(mul(T(f.C), U), mul(V, f.c))
    complete = sub(mul(V, T(V)), eye(f.shapes[0]))
    given = (*facts, complete)
    rules = (rule((f.X, T(f.X), V), mul(V, f.s), facts[0]), rule((f.Y, T(f.X), V), mul(U, f.c), facts[1]),
             rule((f.X, T(f.Y), U), mul(V, f.c), facts[2]))  # fmt: skip
    inside = prove("==", mul(K, V), rewritten(expanded(mul(K, V)), rules)[1])
    whole = prove("==", K, sub(mul(known(mul(K, V)), T(V)), mul(K, known(complete))))
    s = Terms(f"{NAME}.necessary", (*f.variables(f.s, f.c), U), tuple(map(equal, given)), (equal(K),))
    return Claim(s, (inside, whole), _ones(s), f.sizes)


def sufficient() -> Claim:
    """From a joint eigenbasis V of C^T C and S: U = C V diag(r), with r the pseudoinverse of c and c^2 the eigenvalues."""
    f = Data()
    V, c, e, r = f.V, f.c, f.e, f.r
    eigen = sub(mul(T(f.C), f.C, V), mul(V, e))
    unit = sub(mul(T(V), V), eye(f.shapes[3]))
    root, inverse, weak = sub(mul(c, c), e), sub(mul(c, r, c), c), sub(mul(r, c, r), r)
    U, rest = mul(f.C, V, r), sub(mul(f.C, V), mul(f.C, V, r, c))
    gram = sub(mul(T(V), T(f.C), f.C, V), e)
    orthogonal, image, back = sub(mul(T(U), U), mul(r, c)), sub(mul(f.C, V), mul(U, c)), sub(mul(T(f.C), U), mul(V, c))
    steps = (
        prove("==", gram, add(mul(T(V), known(eigen)), mul(known(unit), e))),
        prove("==", orthogonal, _gram_part(r, c, known(gram), known(root), known(weak))),
        vanishes(rest, lin((-1, tr(_rest_part(f, known(gram), known(root), known(inverse)))))),
        prove("==", image, known(rest)),
        prove("==", back, add(mul(known(eigen), r), lin((-1, mul(V, known(root), r))), mul(V, known(inverse)))),
    )
    given = tuple(map(equal, (eigen, unit, root, inverse, weak)))
    s = Terms(f"{NAME}.sufficient", f.variables(c, e, r), given, tuple(map(equal, (orthogonal, image, back))))
    return Claim(s, steps, _ones(s), f.sizes)


def _gram_part(r: Node, c: Node, gram: Node, root: Node, weak: Node) -> Node:
    """r (gram + e) r - r c with e = c c - root and r c r = r + weak."""
    return add(mul(r, gram, r), lin((-1, mul(r, root, r))), mul(weak, c))


def _rest_part(f: Data, gram: Node, root: Node, inverse: Node) -> Node:
    """(I - r c)^T (gram + e) (I - r c), where c (I - r c) = -inverse."""
    q = sub(eye(f.shapes[3]), mul(f.r, f.c))
    return add(mul(q, gram, q), lin((-1, mul(q, root, q))), mul(inverse, inverse))


# -- forms and special cases --------------------------------------------------------------------------------------------


def sample_form() -> Claim:
    """[C^T C, S] = X [Y^T Y, X^T X] X^T."""
    f = Data()
    term = sub(f.commutator, mul(f.X, _inner(f), T(f.X)))
    return Claim(Statement(f"{NAME}.sample_form", (f.X, f.Y), then=(equal(term),)), (zero(term),))


def _inner(f: Data) -> Node:
    return bracket(mul(T(f.Y), f.Y), mul(T(f.X), f.X))


def full_column_rank() -> Claim:
    """With a left inverse of X the small commutator vanishes too."""
    f = Data()
    L = var("L", ("n", "d0"))
    left = sub(mul(L, f.X), eye("n"))
    K, k = f.commutator, _inner(f)
    moved = add(mul(known(left), k, T(f.X), T(L)), mul(k, T(known(left))))
    s = Terms(f"{NAME}.full_column_rank", (f.X, f.Y, L), (equal(left), equal(K)), (equal(k),))
    return Claim(s, (prove("==", k, sub(mul(L, known(K), T(L)), moved)),), _ones(s), {"d0": 1, "dN": 1, "n": 1})


def one_sample() -> Claim:
    f = Data(n=1)
    return Claim(Statement(f"{NAME}.one_sample", (f.X, f.Y), then=(equal(f.commutator),)), (zero(f.commutator),))


def autoencoder() -> Claim:
    """Y = X."""
    f = Data(dN="d0")
    same = sub(f.Y, f.X)
    by = rewritten(expanded(f.commutator), both((f.Y,), f.X, same))[1]
    s = Terms(f"{NAME}.autoencoder", (f.X, f.Y), (equal(same),), (equal(f.commutator),))
    return Claim(s, (prove("==", f.commutator, by),), _ones(s), {"d0": 1, "n": 1})


def polynomial() -> Claim:
    """C = q_0 I + q_1 S + q_2 S^2 + q_3 S^3."""
    f = Data()
    q = [var(f"q{k}") for k in range(4)]
    powers = [mul(eye("d0"), *[f.S] * k) for k in range(4)]
    C = add(*(mul(x, p) for x, p in zip(q, powers, strict=True)))
    term = bracket(mul(T(C), C), f.S)
    return Claim(Statement(f"{NAME}.polynomial", (f.X, *q), then=(equal(term),)), (zero(term),))


def whitened() -> Claim:
    """S = a I."""
    f, a = Data(), var("a")
    white = sub(f.S, mul(a, eye("d0")))
    squares = mul(T(f.C), f.C)
    s = Terms(f"{NAME}.whitened", (f.X, f.Y, a), (equal(white),), (equal(f.commutator),))
    return Claim(s, (prove("==", f.commutator, bracket(squares, known(white))),), _ones(s), {"d0": 1, "dN": 1, "n": 1})


class OneOutput:
    """A row C and any symmetric S."""

    def __init__(self, d0: Dim = "d0") -> None:
        self.C, self.S = var("C", (1, d0)), var("S", (d0, d0), symmetric=True)
        self.K = bracket(mul(T(self.C), self.C), self.S)
        self.length = tr(mul(self.C, T(self.C)))
        self.eigen = sub(mul(self.length, self.C, self.S), mul(tr(mul(self.C, self.S, T(self.C))), self.C))


def eigenvector() -> Claim:
    """If the commutator vanishes, |C|^2 C S = (C S C^T) C."""
    f = OneOutput()
    s = Terms(f"{NAME}.one_output_if", (f.C, f.S), (equal(f.K),), (equal(f.eigen),))
    return Claim(s, (prove("==", f.eigen, mul(f.C, known(f.K))),), _ones(s), {"d0": 1})


def from_eigenvector() -> Claim:
    """If C is zero or an eigenvector of S, the commutator vanishes."""
    f = OneOutput()
    z = known(f.eigen)
    positive = prove("==", f.K, sub(mul(T(f.C), z), mul(T(z), f.C)), known(f.length))
    zeros = (vanishes(f.C, known(lin((-1, f.length)))), prove("==", f.K, bracket(mul(T(known(f.C)), f.C), f.S)))
    s = Terms(f"{NAME}.one_output_only_if", (f.C, f.S), (equal(f.eigen),), (equal(f.K),))
    return Claim(s, (split("==", f.K, f.length, (positive,), zeros),), _ones(s), {"d0": 1})


def claims() -> Iterator[Claim]:
    yield necessary()
    yield sufficient()
    yield from (c() for c in (sample_form, full_column_rank, one_sample, autoencoder, polynomial, whitened))
    yield eigenvector()
    yield from_eigenvector()


# -- sharpness ----------------------------------------------------------------------------------------------------------


def always() -> Statement:
    f = Data(2, 2, 2)
    return Statement(f"{NAME}: for all data", (f.X, f.Y), then=(equal(f.commutator),))


def one_output() -> Statement:
    f = OneOutput(2)
    return Statement(f"{NAME}: for one output", (f.C, f.S), then=(equal(f.K),))


def without_rank() -> Statement:
    f = Data(1, 1, 2)
    return Statement(f"{NAME}: the small commutator is necessary", (f.X, f.Y), (equal(f.commutator),), (equal(_inner(f)),))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("the criterion (generic data)", always(), {"X": [[1, 1], [0, 1]], "Y": [[1, 0], [-3, 3]]})
    yield Counterexample("an eigenvector", one_output(), {"C": [[1, 1]], "S": [[1, 0], [0, 2]]})
    yield Counterexample("full column rank", without_rank(), {"X": [[1, 0]], "Y": [[1, 1]]})


def variants() -> Iterator[Statement]:
    yield always()
    yield one_output()
    yield without_rank()
    f = Data(2, 2, 2)
    C, S = f.C, f.S
    wrong = {
        "C itself commutes with S": (bracket(mul(T(C), C), S), bracket(C, S)),
        "the outer Gram matrix": (bracket(mul(T(C), C), S), bracket(mul(C, T(C)), S)),
        "C is symmetric": (bracket(mul(T(C), C), S), sub(C, T(C))),
        "necessary without the transpose": (bracket(mul(C, C), S), bracket(mul(T(C), C), S)),
    }
    for words, (given, then) in wrong.items():
        yield Statement(f"{NAME}: {words}", (f.X, f.Y), (equal(given),), (equal(then),))
    form = sub(f.commutator, mul(f.X, bracket(mul(f.Y, T(f.Y)), mul(T(f.X), f.X)), T(f.X)))
    yield Statement(f"{NAME}: the sample form with Y Y^T", (f.X, f.Y), then=(equal(form),))
    g = OneOutput(2)
    yield Statement(f"{NAME}: every S with one output", (g.C, g.S), (equal(g.eigen),), (equal(g.S),))


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Data, Statement]:
    d0, dN, n = widths
    f = Data(d0, dN, n)
    return f, Statement(f"{NAME}.sample_form", (f.X, f.Y), then=(equal(sub(f.commutator, mul(f.X, _inner(f), T(f.X)))),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The sample form at random data; widths are (d_0, d_N, n)."""
    f, s = _sized(tuple(widths))
    return Instance(s, {str(v.data[0]): draw.matrix(*map(int, v.shape)) for v in (f.X, f.Y)})


THEOREM = Theorem(
    name=NAME,
    sheet="INV-4",
    title="Data criterion for aligned bases",
    form="iff",
    source=f"{SOURCE} (criterion: own)",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2), (3, 2, 4), (4, 1, 2)),
    supported_at=((10, 8, 12), (20, 5, 6)),
)
