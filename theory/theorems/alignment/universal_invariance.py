r"""The condition on the data under which every aligned network stays aligned in its bases.

Setting: fixed orthogonal bases Q_0, ..., Q_N, coordinates in them: layers are rect-diagonal cores \(\Sigma_i\) (d_i x
d_{i-1}), the data enter by \(\hat S = Q_0^T X X^T Q_0\) and \(\hat C = Q_N^T Y X^T Q_0\); m is the least width, \(\eta \ne
0\).

Hypotheses: none beyond the setting.

Conclusion: one step of gradient descent keeps every layer rect-diagonal, for all rect-diagonal \(\Sigma_1, \dots, \Sigma_N\),
if and only if
\[ \hat C_{pq} = 0 \;\text{ and }\; \hat S_{pq} = 0 \quad \text{for all } p \ne q \text{ with } \min(p, q) \le m . \] Two
points decide: all singular values 1, and the same with the first layer doubled. So 'for all' may be an open set, or these
two.

Form: iff, at each of the 117 width tuples with widths at most 3 and depth at most 3.

Scope of proof: those 117 tuples, both directions. The change to coordinates is the theorem on fixed bases, at all widths.

Why: the gradients of the first and of the last layer are Pi S - C row by row, with Pi the product of the singular values.

Sharpness: with a bottleneck nothing is asked of the directions beyond it: S = 2 (+) [[1,1],[1,3]], C = 5 (+) [[1,2],[3,4]] at
hidden width 1 although [C^T C, S] is not 0. A single network may stay aligned whatever the data (zero, critical and rank-one
ones do).

Source: arXiv:2003.06340 (form and proof: own).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import combinations, product
from typing import Any

from theory.certificates import Step, prove
from theory.dag import Node, T, add, const, entry, known, lin, mul, power, sub, var, zero
from theory.statement import Statement, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.universal_invariance"
RATE = var("eta")
Pair = tuple[int, int]


@dataclass(frozen=True)
class Coordinates:
    """A network in the coordinates of its bases, with the moments of the data there; pairs (p, q) are counted from 0."""

    widths: tuple[int, ...]

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    @property
    def label(self) -> str:
        """The widths, for the names of statements."""
        return "x".join(map(str, self.widths))

    @property
    def least(self) -> int:
        return min(self.widths)

    @cached_property
    def S(self) -> Node:
        return var("S", (self.widths[0], self.widths[0]), symmetric=True)

    @cached_property
    def C(self) -> Node:
        return var("C", (self.widths[-1], self.widths[0]))

    @cached_property
    def values(self) -> tuple[tuple[Node, ...], ...]:
        """The singular values of the layers, as variables."""
        return tuple(tuple(var(f"z{i}{p + 1}") for p in range(min(pair))) for i, pair in enumerate(self._pairs, 1))

    @property
    def _pairs(self) -> list[Pair]:
        return list(zip(self.widths, self.widths[1:], strict=False))

    def cores(self, values: Sequence[Sequence[Any]]) -> tuple[Node, ...]:
        """The rect-diagonal layers with these values (terms or numbers)."""
        return tuple(_rect(rows, cols, v) for (cols, rows), v in zip(self._pairs, values, strict=True))

    def ones(self, first: int = 1) -> tuple[Node, ...]:
        """All singular values 1, those of the first layer `first`."""
        return self.cores([[first if i == 0 else 1] * min(pair) for i, pair in enumerate(self._pairs)])

    def gradient(self, i: int, layers: Sequence[Node]) -> Node:
        """(W_N ... W_{i+1})^T (P S - C) (W_{i-1} ... W_1)^T."""
        slope = sub(mul(*reversed(layers), self.S), self.C)
        return mul(*map(T, layers[i:]), slope, *map(T, layers[: i - 1]))

    def off(self, i: int, layers: Sequence[Node]) -> Node:
        """What layer i has off its diagonal after one step: minus eta times that part of the gradient."""
        return mul(RATE, _off_diagonal(self.gradient(i, layers)))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The (p, q) with p != q and min(p, q) <= m, as entries of C."""
        entries = product(range(self.widths[-1]), range(self.widths[0]))
        return tuple((p, q) for p, q in entries if p != q and min(p, q) < self.least)

    @cached_property
    def moments(self) -> tuple[Node, ...]:
        """The entries that have to vanish."""
        n = self.widths[0]
        symmetric = [entry(self.S, p, q) for p in range(n) for q in range(p + 1, n) if p < self.least]
        return (*symmetric, *(entry(self.C, p, q) for p, q in self.pairs))


def _rect(rows: int, cols: int, values: Sequence[Any]) -> Node:
    slots = [_place(rows, cols, p, p) for p in range(min(rows, cols))]
    return add(*(mul(v, E) if isinstance(v, Node) else lin((v, E)) for v, E in zip(values, slots, strict=True)))


def _place(rows: int, cols: int, p: int, q: int) -> Node:
    """e_p e_q^T."""
    return const([[int((i, j) == (p, q)) for j in range(cols)] for i in range(rows)])


def _placed(x: Node, p: int, q: int) -> Node:
    """x e_p e_q^T of the shape of the matrix x."""
    rows, cols = map(int, x.shape)
    return mul(_place(rows, rows, p, p), x, _place(cols, cols, q, q))


def _off_diagonal(x: Node) -> Node:
    return sub(x, add(*(_placed(x, p, p) for p in range(min(map(int, x.shape))))))


def _at(x: Node, p: int, q: int) -> Node:
    """The entry of a known zero."""
    return entry(known(x), p, q)


# -- sufficient ---------------------------------------------------------------------------------------------------------


def sufficient(widths: tuple[int, ...]) -> Claim:
    """If the entries vanish, every layer stays rect-diagonal, whatever the singular values."""
    f = Coordinates(widths)
    terms = [f.off(i, f.cores(f.values)) for i in range(1, f.depth + 1)]
    variables = (f.S, f.C, *(v for row in f.values for v in row), RATE)
    s = Statement(f"{NAME}.sufficient.{f.label}", variables, tuple(map(equal, f.moments)), tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", x, _by_moments(f, i)) for i, x in enumerate(terms, 1)), zeros(s.variables))


def _by_moments(f: Coordinates, i: int) -> Node:
    """The same term with the moments replaced by their entries that are known to vanish."""
    layers, (a, b) = f.cores(f.values), (f.widths[-1], f.widths[0])
    cross = [mul(known(entry(f.C, p, q)), _place(a, b, p, q)) for p, q in f.pairs]
    n = f.widths[0]
    inner = [(p, q) for p, q in product(range(n), repeat=2) if p != q and min(p, q) < f.least]
    second = [mul(known(entry(f.S, min(p, q), max(p, q))), _place(n, n, p, q)) for p, q in inner]
    slope = sub(mul(*reversed(layers), add(zero((n, n)), *second)), add(zero((a, b)), *cross))
    whole = mul(*map(T, layers[i:]), slope, *map(T, layers[: i - 1]))
    return mul(RATE, _off_diagonal(whole)) if whole.op != "zero" else zero((f.widths[i], f.widths[i - 1]))


# -- necessary ----------------------------------------------------------------------------------------------------------


def necessary(widths: tuple[int, ...]) -> Claim:
    """If two networks stay rect-diagonal, with all singular values 1 and with the first layer doubled, the entries vanish."""
    f = Coordinates(widths)
    ends = sorted({1, f.depth})
    facts = {(i, k): f.off(i, f.ones(k)) for i in ends for k in (1, 2)}
    given = (*(equal(x) for x in facts.values() if x.op != "zero"), greater(power(RATE, 2)))
    s = Statement(f"{NAME}.necessary.{f.label}", (f.S, f.C, RATE), given, tuple(map(equal, f.moments)))
    return Claim(s, tuple(_steps(f, facts)), zeros(s.variables) | {"eta": 1})


def _steps(f: Coordinates, facts: dict[Pair, Node]) -> Iterator[Step]:
    """eta S_pq and eta C_pq as differences of the off-diagonal parts: of the first layer, beyond the bottleneck of the last."""
    square = known(power(RATE, 2))
    n = f.widths[0]
    for p, q in [pair for pair in combinations(range(n), 2) if pair[0] < f.least]:
        by = sub(_at(facts[1, 2], p, q), _at(facts[1, 1], p, q))
        yield prove("==", entry(f.S, p, q), mul(RATE, by), square)
    for p, q in f.pairs:
        if p < f.least:
            by = sub(_at(facts[1, 2], p, q), lin((2, _at(facts[1, 1], p, q))))
        else:
            by = lin((-1, _at(facts[f.depth, 1], p, q)))
        yield prove("==", entry(f.C, p, q), mul(RATE, by), square)


def zeros(variables: Sequence[Node]) -> dict[str, Any]:
    """All variables zero: a point at which the entries vanish."""
    return {str(v.data[0]): [[0] * int(v.shape[1]) for _ in range(int(v.shape[0]))] if v.shape else 0 for v in variables}


# -- the theorem --------------------------------------------------------------------------------------------------------


def tuples(most: int = 3, depth: int = 3) -> list[tuple[int, ...]]:
    """All width tuples up to a width and a depth: 117 by default."""
    return [w for n in range(1, depth + 1) for w in product(range(1, most + 1), repeat=n + 1)]


def claims() -> Iterator[Claim]:
    """Both directions wherever something has to vanish; elsewhere every network stays, whatever the data."""
    for w in tuples():
        yield sufficient(w)
        if Coordinates(w).moments:
            yield necessary(w)


def _one_network(widths: tuple[int, ...], values: Sequence[Sequence[int]], name: str) -> Statement:
    """The condition, from one network that stays rect-diagonal."""
    f = Coordinates(widths)
    layers = f.cores(values)
    given = [equal(x) for i in range(1, f.depth + 1) if (x := f.off(i, layers)).op != "zero"]
    return Statement(f"{NAME}: {name}", (f.S, f.C, RATE), (*given, greater(RATE)), tuple(map(equal, f.moments)))


MIXED = {"S": [[2, 1], [1, 1]], "C": [[1, 0], [0, 3]], "eta": 1}


def _all_diagonal() -> Statement:
    """With a bottleneck: that the data must be diagonal beyond it too."""
    f = Coordinates((3, 1, 3))
    stays = [equal(x) for i in (1, 2) for k in (1, 2) if (x := f.off(i, f.ones(k))).op != "zero"]
    then = tuple(equal(entry(x, 1, 2)) for x in (f.S, f.C))
    return Statement(f"{NAME}: beyond the bottleneck", (f.S, f.C, RATE), (*stays, greater(RATE)), then)


BOTTLENECK = {"S": [[2, 0, 0], [0, 1, 1], [0, 1, 3]], "C": [[5, 0, 0], [0, 1, 2], [0, 3, 4]], "eta": 1}


def sharpness() -> Iterator[Counterexample]:
    zero_network = _one_network((2, 2, 2), [[0, 0], [0, 0]], "the zero network stays")
    yield Counterexample("every aligned network, not one", zero_network, MIXED)
    aligned = _one_network((2, 2, 2), [[1, 1], [1, 1]], "one network stays")
    yield Counterexample(
        "networks with two different products", aligned, {"S": [[2, 1], [1, 1]], "C": [[0, 1], [1, 0]], "eta": 1}
    )
    yield Counterexample("min(p, q) <= m", _all_diagonal(), BOTTLENECK)
    still = necessary((2, 2, 2)).statement
    kept = tuple(c for c in still.given if c.relation == "==")
    yield Counterexample("eta != 0", replace(still, given=kept), MIXED | {"eta": 0})


def _without(widths: tuple[int, ...], drop: int) -> Statement:
    """Sufficiency without one of the entries."""
    s = sufficient(widths).statement
    return replace(s, name=f"{NAME}: one entry may be arbitrary", given=s.given[:drop] + s.given[drop + 1 :])


def variants() -> Iterator[Statement]:
    yield from (_without((2, 2, 2), k) for k in range(3))
    yield from (_without((3, 1, 2), k) for k in range(5))
    yield _all_diagonal()
    yield _one_network((2, 2, 2), [[0, 0], [0, 0]], "the zero network stays")
    yield _one_network((2, 2, 2), [[1, 1], [1, 1]], "one network stays")
    f = Coordinates((2, 2))
    terms = (equal(f.S), equal(entry(f.C, 0, 0)))
    yield replace(necessary((2, 2)).statement, name=f"{NAME}: the data vanish", then=terms)


@cache
def _sized(widths: tuple[int, ...]) -> Statement:
    f = Coordinates(widths)
    layers = f.cores(f.values)
    then = tuple(equal(x) for i in range(1, f.depth + 1) if (x := f.off(i, layers)).op != "zero")
    variables = (f.S, f.C, *(v for row in f.values for v in row), RATE)
    return Statement(f"{NAME}.sufficient", variables, tuple(map(equal, f.moments)), then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random singular values, and data that are diagonal as far as the least width."""
    f, s = Coordinates(tuple(widths)), _sized(tuple(widths))
    m, n, d = f.least, f.widths[0], f.widths[-1]
    env = {"A": draw.psd(n), "B": draw.matrix(d, n)}
    A, B = var("A", (n, n), symmetric=True), var("B", (d, n))
    values = {str(v.data[0]): draw.scalar() for row in f.values for v in row}
    return Instance(s, values | {"S": draw.value(_kept(A, m), env), "C": draw.value(_kept(B, m), env), "eta": draw.scalar()})


def _kept(x: Node, m: int) -> Node:
    """x without the entries p != q with min(p, q) <= m."""
    rows, cols = map(int, x.shape)
    entries = [(p, q) for p, q in product(range(rows), range(cols)) if p == q or min(p, q) >= m]
    return add(*(_placed(x, p, q) for p, q in entries))


THEOREM = Theorem(
    name=NAME,
    sheet="INV-2",
    title="Invariance for all singular values: condition on the data",
    form="iff",
    source=f"{SOURCE} (form and proof: own)",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((4, 4), (4, 3, 4), (2, 4, 3, 4)),
    supported_at=((8, 6), (6, 5, 6), (5, 6, 4, 5)),
    note=(
        "'Necessary and sufficient for invariance' needs universality in the singular values, or a trajectory whose modes move "
        "(alignment.moving_modes); for one single network the condition is not necessary: the zero network stays for all data."
    ),
)
