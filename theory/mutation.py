r"""Mutants: false twins of any statement, made by small changes of its terms.

A theorem says more than its twins only if they are false. The operators act on lowered statements, so that it does not matter
how a statement was written. They go in the direction that claims more (a hypothesis less, `>` for `>=` in a conclusion): the
other direction gives what the theorem implies. Where widths are symbols, layers cannot be transposed or swapped; these two
operators then act on the statement with all widths 2.

>>> from theory.dag import T, lin, mul, tr, var
>>> A, x = var("A", (2, 2)), var("x")
>>> s = Lowered("example", (), (A, x), ((">", x),), ((">=", lin((1, tr(mul(T(A), A))), (2, x))),))
>>> [m.change for m in mutants(s)][:3]
['hypothesis 1 dropped', 'conclusion 1: > for >=', 'conclusion 1: direction turned']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, zip_longest

from theory import dag
from theory.dag import Node
from theory.errors import DeeplinError
from theory.provers.points import at_sizes
from theory.statement import Lowered

Condition = tuple[str, Node]
Change = tuple[str, str, Callable[[], Node]]
# Those first that nearly always make a false statement; a hypothesis less is often implied by the others.
OPERATORS = ("coefficient", "transpose", "swap", "sign", "strict", "exponent", "summand", "rank", "drop")


@dataclass(frozen=True)
class Mutant:
    """A changed statement: `operator` is one of OPERATORS, `change` says where it acted."""

    operator: str
    change: str
    statement: Lowered


@dataclass(frozen=True)
class Site:
    """A place where an operator can act on a statement: `make` does it, and raises `ShapeError` where shapes do not fit.

    A `weak` place comes after the others of its operator: without an inequality the points are as many-dimensional as with it.
    """

    operator: str
    change: str
    of: Lowered
    make: Callable[[], Lowered]
    weak: bool = False

    def mutant(self) -> Mutant | None:
        """The mutant; None where shapes do not fit, where it is the statement itself, or where it says nothing."""
        try:
            made = self.make()
        except DeeplinError:
            return None
        same = {_key(self.of)} | {_key(replace(self.of, then=(goal,))) for goal in self.of.then}
        trivial = all(goal[1].op in ("num", "zero") for goal in made.then)
        return None if trivial or _key(made) in same else Mutant(self.operator, self.change, made)


def mutants(s: Lowered) -> Iterator[Mutant]:
    """The mutants of a statement, operator by operator, each once. A mutant of a conclusion has no other conclusion."""
    return (mutant for _, mutant in _distinct(sites(s)))


def sites(s: Lowered) -> list[Site]:
    """Where the operators can act."""
    square = at_sizes(s, dict.fromkeys(s.dims, 2)) if s.dims else s
    return [*_hypotheses(s), *_conclusions(s), *_shaped(square), *_swapped(square), *_ranks(s)]


def spread(found: Sequence[Site]) -> Iterator[tuple[Site, Mutant]]:
    """The mutants at these places: the operators in turn, the places of each in an order that is spread from the start."""
    groups = [[x for x in found if x.operator == operator] for operator in OPERATORS]
    turns = zip_longest(*(_spread_order(group, k) for k, group in enumerate(groups)))
    return _distinct(x for turn in turns for x in turn if x is not None)


def _spread_order(group: Sequence[Site], start: int) -> list[Site]:
    """Every prefix covers the whole group: steps of the golden ratio, for each operator from another place."""
    places = sorted(range(len(group)), key=lambda k: (group[k].weak, (k * 610 + start * 233) % 987))
    return [group[k] for k in places]


def _distinct(found: Iterable[Site]) -> Iterator[tuple[Site, Mutant]]:
    seen: set[object] = set()
    for site in found:
        mutant = site.mutant()
        if mutant is not None and _key(mutant.statement) not in seen:
            seen.add(_key(mutant.statement))
            yield site, mutant


def _key(s: Lowered) -> object:
    return (frozenset(s.given), frozenset(s.then), s.variables)


# -- hypotheses ---------------------------------------------------------------------------------------------------------


def _hypotheses(s: Lowered) -> Iterator[Site]:
    for i, (relation, x) in enumerate(s.given):
        twin = next((j for j, (_, y) in enumerate(s.given) if _turned(x) is not None and y is _turned(x)), None)
        if twin is None:
            yield Site("drop", f"hypothesis {i + 1} dropped", s, partial(_with, s, i, ()), relation != "==")
        elif twin > i:
            both = f"hypotheses {i + 1} and {twin + 1} dropped"
            yield Site(
                "drop", both, s, partial(replace, s, given=tuple(g for k, g in enumerate(s.given) if k not in (i, twin)))
            )
    closed = all(relation != ">" for relation, _ in s.then)  # then >= for > is true by continuity, but at isolated points
    for i, (relation, x) in enumerate(s.given):
        if relation == ">" and not closed:
            yield Site("strict", f"hypothesis {i + 1}: >= for >", s, partial(_with, s, i, ((">=", x),)))


def _turned(x: Node) -> Node | None:
    """Q Q^T - I for Q^T Q - I with a square Q, and back: in finite dimension each implies the other."""
    product = next((y for y in x.args if y.op == "mul"), None) if x.op == "lin" and len(x.args) == 2 else None
    if product is None or not any(y.op == "eye" for y in x.args) or len(product.args) != 2:
        return None
    left, right = product.args
    if left is not dag.T(right) or left.shape[0] != left.shape[1]:
        return None
    return dag.substitute([x], {product: dag.mul(right, left)})[0]


def _with(s: Lowered, i: int, instead: tuple[Condition, ...]) -> Lowered:
    return replace(s, given=(*s.given[:i], *instead, *s.given[i + 1 :]))


def _ranks(s: Lowered) -> Iterator[Site]:
    """X = L R with r inner columns says that X has rank at most r: the same with r + 1."""
    for i, (relation, x) in enumerate(s.given):
        for left, right in _factors(relation, x):
            rows, r, cols = (*left.shape, right.shape[1])
            if isinstance(rows, int) and isinstance(r, int) and isinstance(cols, int) and r < min(rows, cols):
                wide = {left: dag.var(str(left.data[0]), (rows, r + 1)), right: dag.var(str(right.data[0]), (r + 1, cols))}
                yield Site("rank", f"hypothesis {i + 1}: rank {r + 1} for {r}", s, partial(_substituted, s, wide))


def _factors(relation: str, x: Node) -> Iterator[tuple[Node, Node]]:
    """The pairs of variables whose product is a summand of an equation."""
    for y in x.args if relation == "==" and x.op == "lin" else ():
        if y.op == "mul" and len(y.args) == 2 and all(z.op == "var" and z.shape for z in y.args):
            yield y.args[0], y.args[1]


def _substituted(s: Lowered, change: dict[Node, Node]) -> Lowered:
    new = iter(dag.substitute((*s.variables, *(x for _, x in (*s.given, *s.then))), change))
    variables = tuple(next(new) for _ in s.variables)
    given, then = (tuple((r, next(new)) for r, _ in part) for part in (s.given, s.then))
    return replace(s, variables=variables, given=given, then=then)


# -- conclusions --------------------------------------------------------------------------------------------------------


def _conclusions(s: Lowered) -> Iterator[Site]:
    for i, (relation, x) in enumerate(s.then):
        name = f"conclusion {i + 1}"
        if relation == ">=":
            yield Site("strict", f"{name}: > for >=", s, partial(replace, s, then=((">", x),)))
        if relation != "==":
            yield Site("sign", f"{name}: direction turned", s, partial(replace, s, then=((relation, dag.lin((-1, x))),)))
        for operator, text, make in _inside(x) if relation == "==" else _lowered_coefficients(x):
            yield Site(operator, f"{name}: {text}", s, partial(_concluding, s, relation, make))


def _concluding(s: Lowered, relation: str, make: Callable[[], Node]) -> Lowered:
    return replace(s, then=((relation, make()),))


def _inside(root: Node) -> Iterator[Change]:
    """The root with one of its terms changed. What stands under a gradient is changed in that gradient alone: the same change
    of a function in all its gradients is often the theorem for another function. Exponents under a mean stay: that of a higher
    power needs moments that the statement need not have."""
    averaged = set(dag.topological([x.args[0] for x in dag.topological([root]) if x.op == "expect"]))
    for x in _outside_gradients(root):
        for operator, text, make in _under_gradient(x) if x.op == "grad" else _changes(x):
            if operator != "exponent" or x not in averaged:
                yield operator, text, partial(_replaced, root, x, make)


def _replaced(root: Node, x: Node, make: Callable[[], Node]) -> Node:
    return dag.substitute([root], {x: make()})[0]


def _outside_gradients(root: Node) -> list[Node]:
    """The terms that are reached without entering a gradient, those below others first."""
    seen: dict[Node, None] = {}
    stack = [root]
    while stack:
        x = stack.pop()
        if x not in seen:
            seen[x] = None
            stack += [] if x.op == "grad" else x.args
    return list(reversed(seen))


def _under_gradient(x: Node) -> Iterator[Change]:
    f, by = x.args
    for operator, text, make in _inside(f):
        yield operator, f"{text} in the gradient by {by}", lambda make=make: dag.grad(make(), by)  # type: ignore[misc]


def _changes(x: Node) -> Iterator[Change]:
    if x.op == "lin":
        yield from _coefficients(x)
    if x.op == "pow":
        base, k = x.args[0], x.data[0]
        yield "exponent", f"exponent {k + 1} for {k}", partial(dag.power, base, k + 1)


def _coefficients(x: Node) -> Iterator[Change]:
    parts = list(dag.coefficients(x))
    for k, (c, y) in enumerate(parts):
        others, more = parts[:k] + parts[k + 1 :], c + 1 if c != -1 else c - 1
        yield "coefficient", f"coefficient {more} for {c}", partial(dag.lin, *others, (more, y))
        if others:
            yield "sign", f"coefficient {-c} for {c}", partial(dag.lin, *others, (-c, y))
            yield "summand", f"a summand with coefficient {c} dropped", partial(dag.lin, *others)


def _lowered_coefficients(x: Node) -> Iterator[Change]:
    """An inequality with a smaller coefficient, which claims more wherever the term is not negative."""
    parts = list(dag.coefficients(x)) if x.op == "lin" and len(x.args) > 1 else []
    for k, (c, y) in enumerate(parts):
        others = parts[:k] + parts[k + 1 :]
        if c != 1:
            yield "coefficient", f"coefficient {c - 1} for {c}", partial(dag.lin, *others, (c - 1, y))
        if c > 0:
            yield "summand", f"a summand with coefficient {c} dropped", partial(dag.lin, *others)
            yield "sign", f"coefficient {-c} for {c}", partial(dag.lin, *others, (-c, y))


def _shaped(s: Lowered) -> Iterator[Site]:
    """One factor of a product transposed."""
    for i, (relation, root) in enumerate(s.then):
        for x in _outside_gradients(root):
            for k, y in enumerate(x.args) if x.op == "mul" else ():
                if y.shape and y.shape[0] == y.shape[1] and y is not dag.T(y):
                    text = f"conclusion {i + 1}: factor {k + 1} of {len(x.args)} transposed"
                    turned = partial(dag.mul, *x.args[:k], dag.T(y), *x.args[k + 1 :])
                    yield Site("transpose", text, s, partial(_concluding, s, relation, partial(_replaced, root, x, turned)))


def _swapped(s: Lowered) -> Iterator[Site]:
    """Two variables of the same shape swapped in the conclusions."""
    roots = [x for _, x in s.then]
    bound = {x.args[1] for x in dag.topological(roots) if x.op in ("grad", "expect")}
    used = {v for v in dag.variables(roots) if v.shape} - bound
    for v, w in combinations([v for v in s.variables if v in used], 2):
        if v.shape == w.shape and v.data[1] == w.data[1]:
            yield Site("swap", f"{v.data[0]} and {w.data[0]} swapped in the conclusions", s, partial(_swap, s, v, w))


def _swap(s: Lowered, v: Node, w: Node) -> Lowered:
    """With the same hypotheses for both, a swap only renames: then the statement itself is returned, which is no mutant."""
    terms = iter(dag.substitute([x for _, x in (*s.given, *s.then)], {v: w, w: v}))
    given, then = (tuple((r, next(terms)) for r, _ in part) for part in (s.given, s.then))
    return s if frozenset(given) == frozenset(s.given) else replace(s, then=then)
