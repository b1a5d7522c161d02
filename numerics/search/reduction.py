"""What the hypotheses say outright, used before anything is searched: variables that are defined by others are eliminated,
orthonormal, semidefinite, balanced and unit ones get a chart, entries that are fixed are fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from numerics.search.charts import Block, Chain, Entries, Gram, Orthonormal, Unit
from theory import dag
from theory.algebras.polynomial import places
from theory.dag import Node, T, coefficients, resolved, substitute, variables
from theory.provers.entries import Entries as Polynomials
from theory.provers.entries import Sparse, assembled
from theory.provers.linear import fraction
from theory.statement import Lowered

Conditions = list[tuple[str, Node]]


@dataclass(frozen=True)
class Reduced:
    """A statement in fewer variables: `assigned` gives the others as terms in them, `blocks` make them from coordinates.

    `zeros` are the equality hypotheses that are left over, as terms; `given` all other hypotheses, `then` the conclusions.
    """

    statement: Lowered
    blocks: tuple[Block, ...]
    assigned: tuple[tuple[Node, Node], ...]
    zeros: tuple[Node, ...]
    given: tuple[tuple[str, Node], ...]
    then: tuple[tuple[str, Node], ...]


def reductions(s: Lowered) -> list[Reduced]:
    """The statement in the charts that its hypotheses suggest; where there are some, also without them."""
    special, plain = _Reduction(s, charts=True).done(), _Reduction(s, charts=False).done()
    return [special] if special.blocks == plain.blocks else [special, plain]


class _Reduction:
    def __init__(self, s: Lowered, charts: bool) -> None:
        self.s = s
        averaged = without_means(s)
        self.given = [(r, averaged.get(x, resolved(x))) for r, x in s.given]
        self.then = [(r, averaged.get(x, resolved(x))) for r, x in s.then]
        self.bound = {y.args[1] for x in averaged for y in dag.topological([x]) if y.op == "expect"}
        self.blocks: dict[Node, Block] = {}
        self.made: set[Node] = set()  # the variables that a chart makes
        self.assigned: dict[Node, Node] = {}
        if charts:
            self._charts()
        self._assign()
        self._fix()

    def done(self) -> Reduced:
        zeros = tuple(x for r, x in self.given if r == "==" and x is not dag.num(0))
        rest = tuple((r, x) for r, x in self.given if r != "==")
        return Reduced(self.s, tuple(self._blocks()), tuple(self.assigned.items()), zeros, rest, tuple(self.then))

    def _blocks(self) -> Iterator[Block]:
        signs = {x for r, x in self.given if r != "==" and x.op == "var" and not x.shape}
        for v in self.s.variables:
            if v in self.blocks:
                yield self.blocks[v]
            elif v in self.bound:
                yield Entries(v, dict.fromkeys(places(v), Fraction(0)))
            elif v not in self.assigned and v not in self.made:
                yield Entries(v, positive=v in signs)

    # -- charts ---------------------------------------------------------------------------------------------------------

    def _charts(self) -> None:
        for relation, x in self.given:
            if relation != "==" and x.op == "var" and x.shape and x not in self.made:
                self._chart(Gram(x), x)
        self._balanced()
        for relation, x in self.given:
            block = orthonormal(x) or unit(x) if relation == "==" else None
            if block is not None and block.variable not in self.made:
                self._chart(block, block.variable)
        known = {b.variable for b in self.blocks.values() if isinstance(b, Orthonormal | Unit)}
        self.given = [(r, x) for r, x in self.given if not (r == "==" and self._satisfied(x, known))]

    def _satisfied(self, x: Node, known: set[Node]) -> bool:
        block, pair = orthonormal(x) or unit(x), neighbours(x)
        if block is not None and block.variable in known:
            mine, (rows, cols) = self.blocks[block.variable], block.variable.shape
            return mine == block or (type(mine) is type(block) and rows == cols)
        chains = [b.layers for b in self.blocks.values() if isinstance(b, Chain)]
        return pair is not None and any(pair in list(pairwise(c)) for c in chains)

    def _chart(self, block: Block, *made: Node) -> None:
        self.blocks[made[0]] = block
        self.made |= set(made)

    def _balanced(self) -> None:
        pairs = dict(p for p in (neighbours(x) for r, x in self.given if r == "==") if p)
        firsts = [a for a in pairs if a not in pairs.values()]
        for a in firsts:
            chain = [a]
            while chain[-1] in pairs and pairs[chain[-1]] not in chain:
                chain.append(pairs[chain[-1]])
            if not self.made & set(chain) and not any(W.data[1] for W in chain):
                self._chart(Chain(tuple(chain)), *chain)

    # -- definitions ----------------------------------------------------------------------------------------------------

    def _assign(self) -> None:
        """Variables that stand alone in an equality are eliminated, the last declared first."""
        while (found := self._definition()) is not None:
            k, v, value = found
            rest = self.given[:k] + self.given[k + 1 :]
            roots = [*self.assigned.values(), *(x for _, x in rest), *(x for _, x in self.then)]
            new = iter(substitute(roots, {v: value}))
            self.assigned = {w: next(new) for w in self.assigned} | {v: value}
            self.given = [(r, next(new)) for r, _ in rest]
            self.then = [(r, next(new)) for r, _ in self.then]

    def _definition(self) -> tuple[int, Node, Node] | None:
        signs = {x for r, x in self.given if r != "==" and x.op == "var"}
        for k, (relation, x) in enumerate(self.given):
            found = [] if relation != "==" else [p for p in definitions(x) if p[0] not in self.made | signs]
            for v in reversed(self.s.variables):
                for w, value in found:
                    if v is w and (not v.data[1] or T(value) is value):
                        return k, v, value
        return None

    def _fix(self) -> None:
        """Entries that an equality fixes."""
        fixed: dict[Node, dict[object, Fraction]] = {}
        kept: Conditions = []
        for relation, x in self.given:
            at = entry_fixed(x) if relation == "==" else None
            if at is None or at[0] in self.made or (at[1] in fixed.get(at[0], {})):
                kept.append((relation, x))
            else:
                fixed.setdefault(at[0], {})[at[1]] = at[2]
        self.given = kept
        self.blocks |= {v: Entries(v, at) for v, at in fixed.items()}


def without_means(s: Lowered) -> dict[Node, Node]:
    """The conditions in which means over noise occur, as polynomials in the entries."""
    found = [x for _, x in (*s.given, *s.then) if any(y.op == "expect" for y in dag.topological([resolved(x)]))]
    if not found:
        return {}
    entries = Polynomials(s)
    term: Callable[[Sparse], Node] = lambda p: dag.lin(  # noqa: E731
        (0, dag.num(1)), *((fraction(c), entries.monomial(m)) for m, c in p.items())
    )
    return {x: assembled([term(p) for p in entries.sparse(x)], x) for x in found}


def _parts(x: Node) -> list[tuple[Fraction, Node]]:
    return list(coefficients(x)) if x.op == "lin" else [(Fraction(1), x)]


def _grams(x: Node) -> tuple[Node, bool] | None:
    """(Q, False) of Q^T Q, (Q, True) of Q Q^T, for a variable Q that is not symmetric."""
    if x.op != "mul" or len(x.args) != 2:
        return None
    a, b = x.args
    if T(a) is not b or a is b or "var" not in (a.op, b.op):
        return None
    return (b, False) if b.op == "var" else (a, True)


def orthonormal(x: Node) -> Orthonormal | None:
    """The chart of c (Q^T Q - I) or c (Q Q^T - I)."""
    parts = _parts(x)
    if len(parts) != 2 or parts[0][0] != -parts[1][0]:
        return None
    eyes = [y for _, y in parts if y.op == "eye"]
    grams = [g for g in (_grams(y) for _, y in parts) if g]
    if len(eyes) != 1 or len(grams) != 1:
        return None
    v, turned = grams[0]
    tall = int(v.shape[0]) >= int(v.shape[1])
    return Orthonormal(v, turned) if tall != turned or v.shape[0] == v.shape[1] else None


def unit(x: Node) -> Unit | None:
    """The chart of c (|v|^2 - 1)."""
    parts = _parts(x)
    ones = [c for c, y in parts if y is dag.num(1)]
    traces = [(c, y.args[0]) for c, y in parts if y.op == "tr"]
    if len(parts) != 2 or not ones or not traces or ones[0] != -traces[0][0]:
        return None
    gram = _grams(traces[0][1])
    return None if gram is None else Unit(gram[0])


def neighbours(x: Node) -> tuple[Node, Node] | None:
    """(W, V) of c (W W^T - V^T V)."""
    parts = _parts(x)
    if len(parts) != 2 or parts[0][0] != -parts[1][0]:
        return None
    grams = [_grams(y) for _, y in parts]
    if None in grams:
        return None
    rows, cols = [g[0] for g in grams if g and g[1]], [g[0] for g in grams if g and not g[1]]
    return (rows[0], cols[0]) if len(rows) == len(cols) == 1 and rows[0] is not cols[0] else None


def definitions(x: Node) -> Iterator[tuple[Node, Node]]:
    """Each (v, value) with x == 0 <=> v = value, for a variable v that occurs once, alone."""
    parts = _parts(x)
    for k, (c, y) in enumerate(parts):
        v = T(y) if y.op == "T" else y
        others = parts[:k] + parts[k + 1 :]
        if v.op == "var" and v not in variables([z for _, z in others]):
            value = dag.lin(*((-d / c, z) for d, z in others)) if others else dag.zero(y.shape)
            yield v, T(value) if y.op == "T" else value


def entry_fixed(x: Node) -> tuple[Node, tuple[object, ...], Fraction] | None:
    """(variable, place, number) of an equality that fixes one entry."""
    parts = _parts(x)
    numbers: Sequence[Fraction] = [c for c, y in parts if y is dag.num(1)]
    entries = [(c, y) for c, y in parts if y.op == "entry" and y.args[0].op == "var"]
    if len(entries) != 1 or len(parts) != 1 + len(numbers):
        return None
    (c, y), (i, j) = entries[0], entries[0][1].data
    v = y.args[0]
    place = (str(v.data[0]), min(i, j), max(i, j)) if v.data[1] else (str(v.data[0]), i, j)
    return v, place, -sum(numbers, Fraction(0)) / c
