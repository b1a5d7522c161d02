r"""In aligned bases a network is a set of independent scalar networks, one for each mode.

Setting: as in `alignment.fixed_bases`: layers with singular values \(\sigma_{i,p}\) in bases that diagonalise the data;
\(s_p, c_p\) the diagonals of the data in these bases, m the least width, \(\pi_p = \prod_i \sigma_{i,p}\), \(r_p = s_p \pi_p
- c_p\).

Hypotheses: the bases are shared with the data; any signs, any step size.

Conclusion: one step of gradient descent is
\[ \sigma_{i,p}^+ = \sigma_{i,p} - \eta \Big( \prod_{j \ne i} \sigma_{j,p} \Big) r_p \quad (p \le m), \qquad \sigma_{i,p}^+ =
\sigma_{i,p} \quad (p > m), \] and with \(Q S = C\) (a least-squares solution) and \(s_p q_p = c_p\) the excess loss is
\[ \tfrac12 |P X - Y|^2 - \tfrac12 |Q X - Y|^2 = \tfrac12 |(P - Q) X|^2 = \tfrac12 \sum_p s_p (\pi_p - q_p)^2 . \]

Form: identity.

Scope of proof: the dynamics of m shared modes at all widths, depths 1 to 5; with the frozen values beyond m entry by entry at
eight width tuples; the excess loss at all widths, its sum over the modes at four width tuples.

Why: inner bases cancel; a mode beyond a narrow vertex meets a zero in every product that contains that vertex.

Sharpness: with c_p != 0 beyond the bottleneck the excess over the unconstrained optimum has a further term; unmatched bases
couple modes (`alignment.fixed_bases`).

Source: arXiv:2003.06340; closed form of the excess: own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache

from theory.certificates import prove
from theory.dag import Node, T, add, const, entry, known, lin, mul, num, power, sub, tr, var
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.frames import Frames, ones, witness
from theory.theorems.alignment.setting import widths_of
from theory.theorems.alignment.training import SOURCE, Terms, zero
from theory.theorems.alignment.universal_invariance import Coordinates

NAME = "alignment.mode_dynamics"
RATE = var("eta")
SIZES = ((2, 2), (3, 2), (2, 1, 2), (2, 3, 2), (3, 2, 3), (3, 1, 2), (2, 2, 2, 2), (3, 2, 3, 3))
EXCESS = ((2, 2), (3, 2, 2), (2, 3, 2), (2, 2, 2, 2))


# -- all widths ---------------------------------------------------------------------------------------------------------


def together(f: Frames, i: int) -> Node:
    """W_i - eta G_i - U_i (Z_i - eta (prod_{j != i} Z_j)(s prod_j Z_j - c)) U_{i-1}^T, the Z_j diagonal."""
    others = [Z for j, Z in enumerate(f.Z, 1) if j != i]
    residual = sub(mul(f.s, *f.Z), f.c)
    moved = sub(f.W[i - 1], mul(RATE, f.gradient(i)))
    return sub(moved, f.layer(i, sub(f.Z[i - 1], mul(RATE, mul(*others, residual)))))


def modes(depth: int) -> Claim:
    f = Frames(widths_of(depth), full=True)
    terms = [together(f, i) for i in range(1, depth + 1)]
    s = Terms(f"{NAME}.modes", (*f.variables, RATE), f.given, tuple(map(equal, terms)))
    return Claim(s, tuple(map(f.follows, terms)), witness(f) | {"eta": 1}, ones((*f.widths, "n", "m")))


def excess() -> Claim:
    """|P X - Y|^2 - |Q X - Y|^2 = |(P - Q) X|^2 where Q X X^T = Y X^T: any P, all widths."""
    P, Q, X, Y = (var(x, s) for x, s in (("P", ("dN", "d0")), ("Q", ("dN", "d0")), ("X", ("d0", "n")), ("Y", ("dN", "n"))))
    normal = sub(mul(Q, X, T(X)), mul(Y, T(X)))
    term = sub(sub(_norm2(sub(mul(P, X), Y)), _norm2(sub(mul(Q, X), Y))), _norm2(mul(sub(P, Q), X)))
    s = Terms(f"{NAME}.excess", (P, Q, X, Y), (equal(normal),), (equal(term),))
    point = {name: [[1]] for name in ("P", "Q", "X", "Y")}
    by = lin((2, tr(mul(known(normal), T(sub(P, Q))))))
    return Claim(s, (prove("==", term, by),), point, {"d0": 1, "dN": 1, "n": 1})


def _norm2(x: Node) -> Node:
    return tr(mul(x, T(x)))


# -- entry by entry -----------------------------------------------------------------------------------------------------


class Modes(Coordinates):
    """Coordinates in which the moments are rect-diagonal too."""

    @property
    def second(self) -> tuple[Node, ...]:
        return tuple(var(f"s{p + 1}") for p in range(self.widths[0]))

    @property
    def cross(self) -> tuple[Node, ...]:
        return tuple(var(f"c{p + 1}") for p in range(min(self.widths[0], self.widths[-1])))

    @property
    def variables(self) -> tuple[Node, ...]:
        return (*(v for row in self.values for v in row), *self.second, *self.cross)

    def moved(self, i: int) -> Node:
        """W_i - eta G_i."""
        n, layers = self.widths[0], self.cores(self.values)
        slope = sub(mul(*reversed(layers), _rect(n, n, self.second)), _rect(self.widths[-1], n, self.cross))
        return sub(layers[i - 1], mul(RATE, *map(T, layers[i:]), slope, *map(T, layers[: i - 1])))

    def product(self, p: int, without: int = 0) -> Node:
        return mul(num(1), *(row[p] for j, row in enumerate(self.values, 1) if j != without))

    def new(self, i: int, p: int) -> Node:
        """sigma_{i,p} after the step."""
        x = self.values[i - 1][p]
        if p >= self.least:
            return x
        residual = sub(mul(self.second[p], self.product(p)), self.cross[p])
        return sub(x, mul(RATE, self.product(p, i), residual))

    def gap(self, i: int) -> Node:
        core = _rect(self.widths[i], self.widths[i - 1], [self.new(i, p) for p in range(len(self.values[i - 1]))])
        return sub(self.moved(i), core)


def _rect(rows: int, cols: int, values: Sequence[Node]) -> Node:
    slots = ([[int(i == j == p) for j in range(cols)] for i in range(rows)] for p in range(min(rows, cols)))
    return add(*(mul(v, const(E)) for v, E in zip(values, slots, strict=False)))


def at_widths(widths: tuple[int, ...]) -> Claim:
    f = Modes(widths)
    terms = [f.gap(i) for i in range(1, f.depth + 1)]
    return Claim(_descent(f), tuple(map(zero, terms)))


def _descent(f: Modes) -> Statement:
    then = tuple(equal(f.gap(i)) for i in range(1, f.depth + 1))
    return Statement(f"{NAME}.descent.{f.label}", (*f.variables, RATE), then=then)


def excess_of(f: Modes, beyond: bool = False) -> tuple[tuple[Node, ...], Node, Node]:
    """(s_p q_p - c_p for all p, tr (P - Q) S (P - Q)^T minus its sum, the multiple of the known zeros): in the coordinates."""
    n, k = f.widths[0], len(f.cross)
    q = [var(f"q{p + 1}") for p in range(k)]
    zeros = tuple(sub(mul(f.second[p], q[p]), f.cross[p]) for p in range(k))
    P, Q = mul(*reversed(f.cores(f.values))), _rect(f.widths[-1], n, q)
    S, C = _rect(n, n, f.second), _rect(f.widths[-1], n, f.cross)
    value: Callable[[Node], Node] = lambda A: sub(tr(mul(A, S, T(A))), lin((2, tr(mul(C, T(A))))))  # noqa: E731
    last = f.least if beyond else k
    pi = [f.product(p) if p < f.least else num(0) for p in range(k)]
    total = add(num(0), *(mul(f.second[p], power(sub(pi[p], q[p]), 2)) for p in range(last)))
    by = add(num(0), *(lin((2, mul(known(zeros[p]), sub(pi[p], q[p])))) for p in range(k)))
    return zeros, sub(sub(value(P), value(Q)), total), by


def excess_at(widths: tuple[int, ...]) -> Claim:
    f = Modes(widths)
    zeros, term, by = excess_of(f)
    names = (*f.variables, *(var(f"q{p + 1}") for p in range(len(f.cross))))
    s = Statement(f"{NAME}.excess_of_modes.{f.label}", names, tuple(map(equal, zeros)), (equal(term),))
    return Claim(s, (prove("==", term, by),), {str(v.data[0]): 1 for v in names})


def claims() -> Iterator[Claim]:
    yield from map(modes, range(1, 6))
    yield excess()
    yield from map(at_widths, SIZES)
    yield from map(excess_at, EXCESS)


# -- sharpness ----------------------------------------------------------------------------------------------------------


def beyond_bottleneck() -> Statement:
    """The excess over the unconstrained optimum as a sum over the first m modes alone."""
    f = Modes((2, 1, 2))
    zeros, term, _ = excess_of(f, beyond=True)
    names = (*f.variables, var("q1"), var("q2"))
    return Statement(f"{NAME}: targets beyond the bottleneck", names, tuple(map(equal, zeros)), (equal(term),))


def sharpness() -> Iterator[Counterexample]:
    values = {"z11": 1, "z21": 1, "s1": 1, "s2": 1, "c1": 1, "c2": 1, "q1": 1, "q2": 1}
    yield Counterexample("c_p = 0 beyond the bottleneck", beyond_bottleneck(), values)


def variants() -> Iterator[Statement]:
    yield beyond_bottleneck()
    f, g = Modes((1, 1, 1)), Modes((2, 1, 2))
    (x,), (y,) = f.values
    s, c = f.second[0], f.cross[0]
    step = entry(f.moved(1), 0, 0)
    wrong = {
        "the own value in the factor": sub(step, sub(x, mul(RATE, x, sub(mul(s, x, y), c)))),
        "no factor": sub(step, sub(x, mul(RATE, sub(mul(s, x, y), c)))),
        "the target added": sub(step, sub(x, mul(RATE, y, add(mul(s, x, y), c)))),
        "uphill": sub(step, add(x, mul(RATE, y, sub(mul(s, x, y), c)))),
        "a step off by a millionth": sub(step, sub(x, lin((Fraction(1000001, 1000000), mul(RATE, y, sub(mul(s, x, y), c)))))),
        "layers alike": sub(sub(step, x), sub(entry(f.moved(2), 0, 0), y)),
    }
    names = (*f.variables, RATE)
    yield from (Statement(f"{NAME}: {words}", names, then=(equal(t),)) for words, t in wrong.items())
    frozen = sub(g.moved(1), g.cores(g.values)[0])
    yield Statement(f"{NAME}: all values are frozen", (*g.variables, RATE), then=(equal(frozen),))


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Modes, Statement]:
    f = Modes(widths)
    return f, _descent(f)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random singular values and data."""
    f, s = _sized(tuple(widths))
    values = {str(v): draw.scalar() for v in f.variables} | {str(v): draw.nonnegative() for v in f.second}
    return Instance(s, values | {"eta": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="DYN-1",
    title="Aligned dynamics: one scalar network a mode",
    form="identity",
    source=f"{SOURCE}; excess loss: own",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((4, 4), (4, 3, 4), (2, 4, 3, 4)),
    supported_at=((8, 6), (6, 5, 6), (5, 6, 4, 5)),
)
