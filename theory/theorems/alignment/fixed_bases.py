r"""Alignment in fixed bases is invariant under training, if the data share the bases.

Setting: layers W_1, ..., W_N with \(W_i = U_i \,\mathrm{diag}(z_i)\, U_{i-1}^T\), where the columns of the U_i are mutually
orthogonal and of length 1 or 0: the cores are rect-diagonal, of any signs, zeros allowed. Squared loss on data X, Y; S = X
X^T, C = Y X^T.

Hypotheses: the outer bases diagonalise the data: \(S U_0 = U_0\,\mathrm{diag}(s)\), \(C U_0 = U_N\,\mathrm{diag}(c)\), \(C^T
U_N = U_0\,\mathrm{diag}(c)\) (at depth 1: C = U_1 diag(c) U_0^T). With orthogonal Q_0 = V, Q_N = U and all directions this
is: U^T C V rect-diagonal and V^T S V diagonal. With fewer directions than d_0 and d_N (a bottleneck) only those need to be
shared.

Conclusion: every gradient has the same form in the same bases,
\[ G_i = U_i \,\mathrm{diag}\Big( \big(\textstyle\prod_{j \ne i} z_j\big) \big(s \prod_j z_j - c\big) \Big) U_{i-1}^T , \]
so that every step of gradient descent of any size, of heavy ball, and gradient flow stays in the bases.

Form: invariant (one step; the set is a linear space, so every linear combination of layers and gradients stays in it).

Scope of proof: all widths, square or not, any number of directions, depths 1 to 5; the kernel differentiates the loss itself.

Why: inner bases cancel in every product (U_i^T U_i is diagonal), outer ones are shared with the data, diagonal matrices
commute.

Sharpness: matching is needed. With S = I, C = diag(1, 3), for which suitable bases exist, an aligned network in other bases
loses alignment in one step (commutator -1782/625). The invariant set can be transversally unstable: in floats only one step
from an exactly aligned point means anything.

Source: arXiv:2003.06340 (precise form and proof: own).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

from sympy import Rational, Symbol

from theory.dag import Node, T, add, const, diag, entry, eye, lin, mul, num, sub, var
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.frames import Frames, ones, witness
from theory.theorems.alignment.setting import imbalance, widths_of
from theory.theorems.alignment.training import SOURCE, Terms, Training, after_step, diagonal, misalignment

NAME = "alignment.fixed_bases"
RATE, MEMORY = var("eta"), var("beta")


def gap(f: Frames, i: int) -> Node:
    """G_i - U_i core U_{i-1}^T."""
    return sub(f.gradient(i), f.layer(i, f.core(i)))


def step_gap(f: Frames, i: int) -> Node:
    """W_i - eta G_i minus the aligned layer that it is."""
    moved = lin((1, f.W[i - 1]), (-1, mul(RATE, f.gradient(i))))
    return sub(moved, f.layer(i, sub(f.Z[i - 1], mul(RATE, f.core(i)))))


def invariant(depth: int) -> Claim:
    """Every gradient, and every step of gradient descent, at all widths."""
    f = Frames(widths_of(depth))
    terms = [g(f, i) for i in range(1, depth + 1) for g in (gap, step_gap)]
    s = Terms(f"{NAME}.descent", (*f.variables, RATE), f.given, tuple(map(equal, terms)))
    return Claim(s, tuple(map(f.follows, terms)), witness(f) | {"eta": 1}, ones((*f.widths, "n", "m")))


def heavy_ball(depth: int) -> Claim:
    """W_i + beta R_i - eta G_i, where the velocity R_i is aligned in the same bases."""
    f = Frames(widths_of(depth))
    speed = [f.square(f"V{i}") for i in range(1, depth + 1)]
    terms = []
    for i, V in enumerate(speed, 1):
        moved = add(f.W[i - 1], mul(MEMORY, f.layer(i, diag(V))), mul(num(-1), RATE, f.gradient(i)))
        core = add(f.Z[i - 1], mul(MEMORY, diag(V)), mul(num(-1), RATE, f.core(i)))
        terms.append(sub(moved, f.layer(i, core)))
    s = Terms(f"{NAME}.heavy_ball", (*f.variables, *speed, RATE, MEMORY), f.given, tuple(map(equal, terms)))
    point = witness(f) | {f"V{i}": [[1]] for i in range(1, depth + 1)} | {"eta": 1, "beta": 1}
    return Claim(s, tuple(map(f.follows, terms)), point, ones((*f.widths, "n", "m")))


def claims() -> Iterator[Claim]:
    yield from map(invariant, range(1, 6))
    yield from map(heavy_ball, (1, 2, 3))


# -- sharpness ----------------------------------------------------------------------------------------------------------


ROTATION = const([[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]])


def mismatched() -> Statement:
    """S = I and C = diag(1, 3), layers aligned in the identity and in a rotation R: W_1 = diag(a) R^T, W_2 = R diag(b)."""
    a, b = (tuple(var(f"{x}{p}") for p in (1, 2)) for x in "ab")
    layers = mul(diagonal(a), T(ROTATION)), mul(ROTATION, diagonal(b))
    after = after_step(layers, eye(2), const([[1, 0], [0, 3]]), num(Fraction(1, 10)))
    return Statement(f"{NAME}: bases that do not match", (*a, *b), then=(equal(entry(misalignment(after), 0, 1)),))


MISMATCH = {"a1": 1, "a2": 2, "b1": 2, "b2": 1}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("the network is aligned in bases of the data", mismatched(), MISMATCH)


def variants() -> Iterator[Statement]:
    f = Frames((1, 1, 1), 1, 1)
    core = f.core(1)
    wrong = {
        "without the own modes": mul(f.Z[1], sub(mul(f.Z[1], f.s), f.c)),
        "the target added": mul(f.Z[1], add(mul(f.Z[1], f.Z[0], f.s), f.c)),
        "the factor of the layer itself": mul(f.Z[0], sub(mul(f.Z[1], f.Z[0], f.s), f.c)),
        "the core doubled": lin((2, core)),
        "off by a millionth": lin((Rational(1000001, 1000000), core)),
        "no gradient": lin((0, core)),
        "without the data": mul(f.Z[1], sub(mul(f.Z[1], f.Z[0]), f.c)),
    }
    for words, x in wrong.items():
        then = equal(sub(f.gradient(1), f.layer(1, x)))
        yield Statement(f"{NAME}: {words}", f.variables, f.given, (then,))
    kept = [x for x in f.given if x.expression not in f.orthogonal]
    yield Statement(f"{NAME}: directions of any length", f.variables, tuple(kept), (equal(gap(f, 1)),))
    balanced = Training((1, 1, 1), 1)
    moved = balanced.trained(imbalance(balanced.step(), 1) - imbalance(balanced.layers, 1))
    yield Statement(f"{NAME}: the imbalance is kept too", (*balanced.variables, Symbol("eta")), then=(equal(moved),))


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Frames, Statement]:
    f = Frames(widths, max(widths), max(widths))
    then = tuple(equal(g(f, i)) for i in range(1, f.depth + 1) for g in (gap, step_gap))
    return f, Statement(f"{NAME}.descent", (*f.variables, RATE), f.given, then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random bases, cores and data that share the outer bases; one step from an exactly aligned point."""
    f, s = _sized(tuple(widths))
    return Instance(s, f.draw(draw) | {"eta": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="INV-1",
    title="Alignment in fixed bases is invariant",
    form="invariant, one step",
    source=f"{SOURCE} (precise form and proof: own)",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2), (2, 3, 2), (3, 1, 2, 2)),
    supported_at=((6, 8), (6, 4, 5), (5, 6, 4, 5)),
)
