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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, zip_longest

from theory import dag
from theory.dag import Node
from theory.errors import DeeplinError
from theory.provers.points import at_sizes
from theory.statement import Lowered

Condition = tuple[str, Node]
Change = tuple[str, str, Node]
OPERATORS = ("drop", "strict", "sign", "coefficient", "exponent", "summand", "transpose", "swap", "rank")


@dataclass(frozen=True)
class Mutant:
    """A changed statement: `operator` is one of OPERATORS, `change` says where it acted."""

    operator: str
    change: str
    statement: Lowered


def mutants(s: Lowered) -> Iterator[Mutant]:
    """The mutants of a statement, operator by operator; each once, the statement itself and trivial ones left out.

    A mutant of a conclusion has no other conclusion.
    """
    square = at_sizes(s, dict.fromkeys(s.dims, 2)) if s.dims else s
    made = (*_hypotheses(s), *_conclusions(s), *_shaped(square), *_swapped(square), *_ranks(s))
    seen = {_key(s), _key(square)} | {_key(replace(t, then=(goal,))) for t in (s, square) for goal in t.then}
    for mutant in made:
        key = _key(mutant.statement)
        if key not in seen and not all(_trivial(goal) for goal in mutant.statement.then):
            seen.add(key)
            yield mutant


def spread(found: list[Mutant], count: int) -> list[Mutant]:
    """`count` of the mutants: the operators in turn, each from its first to its last place in even steps."""
    groups = [[m for m in found if m.operator == operator] for operator in OPERATORS]
    turns = zip_longest(*(_even(group, count) for group in groups if group))
    return [m for turn in turns for m in turn if m is not None][:count]


def _even(group: list[Mutant], count: int) -> list[Mutant]:
    n = min(count, len(group))
    return [group[i * len(group) // n] for i in range(n)]


def _key(s: Lowered) -> object:
    return (frozenset(s.given), frozenset(s.then), s.variables)


def _trivial(goal: Condition) -> bool:
    """Whether the conclusion is about a number, or says that zero is zero."""
    return goal[1].op in ("num", "zero")


# -- hypotheses ---------------------------------------------------------------------------------------------------------


def _hypotheses(s: Lowered) -> Iterator[Mutant]:
    for i, _ in enumerate(s.given):
        given = (*s.given[:i], *s.given[i + 1 :])
        yield Mutant("drop", f"hypothesis {i + 1} dropped", replace(s, given=given))
    closed = all(relation != ">" for relation, _ in s.then)  # then >= for > is true by continuity, but at isolated points
    for i, (relation, x) in enumerate(s.given):
        if relation == ">" and not closed:
            given = (*s.given[:i], (">=", x), *s.given[i + 1 :])
            yield Mutant("strict", f"hypothesis {i + 1}: >= for >", replace(s, given=given))


def _ranks(s: Lowered) -> Iterator[Mutant]:
    """X = L R with r inner columns says that X has rank at most r: the same with r + 1."""
    for i, (relation, x) in enumerate(s.given):
        for left, right in _factors(relation, x):
            r = left.shape[1]
            if not isinstance(r, int) or not all(isinstance(n, int) and r < n for n in (left.shape[0], right.shape[1])):
                continue
            wide = {left: dag.var(str(left.data[0]), (left.shape[0], r + 1))}
            wide[right] = dag.var(str(right.data[0]), (r + 1, right.shape[1]))
            changed = _substituted(s, wide)
            if changed is not None:
                yield Mutant("rank", f"hypothesis {i + 1}: rank {r + 1} for {r}", changed)


def _factors(relation: str, x: Node) -> Iterator[tuple[Node, Node]]:
    """The pairs of variables whose product is a summand of an equation."""
    for y in x.args if relation == "==" and x.op == "lin" else ():
        if y.op == "mul" and len(y.args) == 2 and all(z.op == "var" and z.shape for z in y.args):
            yield y.args[0], y.args[1]


def _substituted(s: Lowered, change: dict[Node, Node]) -> Lowered | None:
    """The statement with terms replaced; None if the shapes do not fit any more."""
    parts = (*s.variables, *(x for _, x in (*s.given, *s.then)))
    try:
        new = iter(dag.substitute(parts, change))
    except DeeplinError:
        return None
    variables = tuple(next(new) for _ in s.variables)
    given, then = (tuple((r, next(new)) for r, _ in part) for part in (s.given, s.then))
    return replace(s, variables=variables, given=given, then=then)


# -- conclusions --------------------------------------------------------------------------------------------------------


def _conclusions(s: Lowered) -> Iterator[Mutant]:
    for i, (relation, x) in enumerate(s.then):
        name = f"conclusion {i + 1}"
        if relation == ">=":
            yield Mutant("strict", f"{name}: > for >=", replace(s, then=((">", x),)))
        if relation != "==":
            yield Mutant("sign", f"{name}: direction turned", replace(s, then=((relation, dag.lin((-1, x))),)))
        changes = _inside(x) if relation == "==" else _lowered_coefficients(x)
        yield from (Mutant(op, f"{name}: {text}", replace(s, then=((relation, y),))) for op, text, y in changes)


def _inside(root: Node) -> Iterator[Change]:
    """The root with one of its terms changed. What stands under a gradient is changed in that gradient alone: the same change
    of a function in all its gradients is often the theorem for another function."""
    for x in _outside_gradients(root):
        changes = _under_gradient(x) if x.op == "grad" else _changes(x)
        for operator, text, changed in changes:
            made = _replaced(root, x, changed)
            if made is not None:
                yield operator, text, made


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
    for operator, text, changed in _inside(f):
        yield operator, f"{text} in the gradient by {by}", dag.grad(changed, by)


def _changes(x: Node) -> Iterator[Change]:
    if x.op == "lin":
        yield from _coefficients(x)
    if x.op == "pow":
        base, k = x.args[0], x.data[0]
        yield "exponent", f"exponent {k + 1} for {k}", dag.power(base, k + 1)


def _coefficients(x: Node) -> Iterator[Change]:
    parts = list(dag.coefficients(x))
    for k, (c, y) in enumerate(parts):
        others, more = parts[:k] + parts[k + 1 :], c + 1 if c != -1 else c - 1
        yield "coefficient", f"coefficient {more} for {c}", dag.lin(*others, (more, y))
        if others:
            yield "sign", f"coefficient {-c} for {c}", dag.lin(*others, (-c, y))
            yield "summand", f"a summand with coefficient {c} dropped", dag.lin(*others)


def _lowered_coefficients(x: Node) -> Iterator[Change]:
    """An inequality with a smaller coefficient, which claims more wherever the term is not negative."""
    parts = list(dag.coefficients(x)) if x.op == "lin" and len(x.args) > 1 else []
    for k, (c, y) in enumerate(parts):
        others = parts[:k] + parts[k + 1 :]
        if c != 1:
            yield "coefficient", f"coefficient {c - 1} for {c}", dag.lin(*others, (c - 1, y))
        if c > 0:
            yield "summand", f"a summand with coefficient {c} dropped", dag.lin(*others)
            yield "sign", f"coefficient {-c} for {c}", dag.lin(*others, (-c, y))


def _replaced(root: Node, x: Node, by: Node) -> Node | None:
    try:
        return dag.substitute([root], {x: by})[0]
    except DeeplinError:
        return None


def _shaped(s: Lowered) -> Iterator[Mutant]:
    """One factor of a product transposed."""
    for i, (relation, root) in enumerate(s.then):
        for x in dag.topological([root]):
            for k, y in enumerate(x.args) if x.op == "mul" else ():
                if not y.shape or y.shape[0] != y.shape[1] or y is dag.T(y):
                    continue
                made = _replaced(root, x, dag.mul(*x.args[:k], dag.T(y), *x.args[k + 1 :]))
                if made is not None:
                    text = f"conclusion {i + 1}: factor {k + 1} of {len(x.args)} transposed"
                    yield Mutant("transpose", text, replace(s, then=((relation, made),)))


def _swapped(s: Lowered) -> Iterator[Mutant]:
    """Two variables of the same shape swapped in the conclusions."""
    used = dag.variables([x for _, x in s.then])
    bound = {x.args[1] for x in dag.topological([y for _, y in s.then]) if x.op in ("grad", "expect")}
    matrices = [v for v in s.variables if v in used and v.shape and v not in bound]
    for v, w in combinations(matrices, 2):
        if v.shape == w.shape and v.data[1] == w.data[1]:
            terms = dag.substitute([x for _, x in s.then], {v: w, w: v})
            then = tuple((r, y) for (r, _), y in zip(s.then, terms, strict=True))
            yield Mutant("swap", f"{v.data[0]} and {w.data[0]} swapped in the conclusions", replace(s, then=then))
