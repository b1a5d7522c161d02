"""Rewriting with known equalities: what a product becomes, and the visible zero by which it changed.

A rule replaces neighbouring factors `pattern` by `value` because `fact`, the term pattern - value, is known to be zero. The
change is recorded as a sum of products each of which cites a fact, so that it is itself evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory import dag
from theory.certificates import Step, prove, vanishes
from theory.dag import Node
from theory.expressions import lower

LIMIT = 10_000


@dataclass(frozen=True)
class Rule:
    """pattern[0] pattern[1] ... = value, with the zero pattern - value as evidence."""

    pattern: tuple[Node, ...]
    value: Node
    zero: Node


def rule(pattern: Sequence[Any], value: Any, fact: Any, sizes: Mapping[str, int] | None = None) -> Rule:
    """The rule for a known `fact` (stated or derived as == 0) that equals the product of the pattern minus value."""
    return Rule(tuple(lower(x, sizes) for x in pattern), lower(value, sizes), dag.known(lower(fact, sizes)))


def both(pattern: Sequence[Any], value: Any, fact: Any, sizes: Mapping[str, int] | None = None) -> tuple[Rule, Rule]:
    """The rule, and its transpose."""
    one = rule(pattern, value, fact, sizes)
    return one, Rule(tuple(dag.T(x) for x in reversed(one.pattern)), dag.T(one.value), dag.T(one.zero))


def rewritten(term: Any, rules: Sequence[Rule], sizes: Mapping[str, int] | None = None) -> tuple[Node, Node]:
    """(new, difference) with term = new + difference, the difference a visible zero."""
    done: dict[Node, tuple[Node, Node]] = {}
    root = dag.resolved(lower(term, sizes))
    for x in dag.topological([root]):
        parts = [done[y] for y in x.args]
        letter = x.op in ("var", "T") and bool(x.shape)
        done[x] = _product(x, parts, rules) if x.op == "mul" or letter else _linear(x, parts)
        if x.op == "tr":
            done[x] = _trace(*parts[0], rules)
    return done[root]


def _linear(x: Node, parts: Sequence[tuple[Node, Node]]) -> tuple[Node, Node]:
    if x.op not in ("lin", "tr", "diag", "entry"):
        return x, dag.zero(x.shape)
    return dag.rebuilt(x, [y for y, _ in parts]), dag.rebuilt(x, [d for _, d in parts])


def _product(x: Node, parts: Sequence[tuple[Node, Node]], rules: Sequence[Rule]) -> tuple[Node, Node]:
    """Scalar factors telescope; the matrix factors, letters or diagonal parts, are rewritten as one word."""
    factors = x.args if x.op == "mul" else (x,)
    scalars = [(y, part) for y, part in zip(x.args, parts, strict=True) if not y.shape] if x.op == "mul" else []
    word, change = _word(tuple(y for y in factors if y.shape), rules) if x.shape else (dag.num(1), dag.num(0))
    done, total = [y for y, _ in scalars], dag.mul(*(y for y, _ in scalars), change) if x.shape else change
    for i, (_, (new, difference)) in enumerate(scalars):
        total = dag.add(total, dag.mul(*done[:i], difference, *(y for y, _ in scalars[i + 1 :]), word))
        done[i] = new
    return dag.mul(*done, word), total


def _trace(inside: Node, difference: Node, rules: Sequence[Rule]) -> tuple[Node, Node]:
    """The trace of a rewritten matrix: its words are rotated until rules fit."""
    new: list[Node] = []
    change = [dag.tr(difference)]
    for c, x in dag.coefficients(inside) if inside.op == "lin" else [(Fraction(1), inside)]:
        scalars, factors = _parted(x)
        turns = (dag.mul(*factors[i:], *factors[:i]) for i in range(len(factors)))
        turned = next((y for y in turns if _match(y, rules)), None)
        value, zero = (dag.tr(dag.mul(*factors)), dag.num(0)) if turned is None else _trace(*_word((turned,), rules), rules)
        new, change = [*new, dag.lin((c, dag.mul(*scalars, value)))], [*change, dag.lin((c, dag.mul(*scalars, zero)))]
    return dag.add(dag.num(0), *new), dag.add(*change)


def _parted(x: Node) -> tuple[list[Node], list[Node]]:
    """The scalar factors and the matrix factors of a product."""
    factors = x.args if x.op == "mul" else (x,)
    return [y for y in factors if not y.shape], [y for y in factors if y.shape]


def _word(factors: tuple[Node, ...], rules: Sequence[Rule]) -> tuple[Node, Node]:
    """A product of matrices rewritten until no rule fits."""
    start = dag.mul(*factors)
    finished, change = [dag.zero(start.shape)], [dag.zero(start.shape)]
    todo = [start]
    for _ in range(LIMIT):
        if not todo:
            return dag.add(*finished), dag.add(*change)
        x = todo.pop()
        found = _match(x, rules)
        if found is None:
            finished.append(x)
            continue
        left, r, right = found
        change.append(dag.mul(*left, r.zero, *right))
        new = _expanded_product([*left, expanded(r.value), *right])
        todo += [dag.lin((c, y)) for c, y in dag.coefficients(new)] if new.op == "lin" else [new] if new.op != "zero" else []
    raise ArithmeticError("the rules do not come to an end")


def _match(x: Node, rules: Sequence[Rule]) -> tuple[tuple[Node, ...], Rule, tuple[Node, ...]] | None:
    scale: tuple[Node, ...] = ()
    if x.op == "lin":
        scale, x = (dag.num(x.data[0]),), x.args[0]
    factors = x.args if x.op == "mul" else (x,)
    for r in rules:
        n = len(r.pattern)
        for i in range(len(factors) - n + 1):
            if all(a is b for a, b in zip(factors[i : i + n], r.pattern, strict=True)):
                return (*scale, *factors[:i]), r, factors[i + n :]
    return None


def vanishing(term: Any, rules: Sequence[Rule], times: Any = None, sizes: Mapping[str, int] | None = None) -> Step:
    """The step term == 0 (or times * term == 0) for a term that the rules rewrite to zero."""
    whole = lower(term, sizes) if times is None else dag.mul(lower(times, sizes), lower(term, sizes))
    return prove("==", term, rewritten(whole, rules)[1], times)


def vanishing_square(term: Any, rules: Sequence[Rule], sizes: Mapping[str, int] | None = None) -> Step:
    """The step term == 0 for a term whose squared norm the rules rewrite to zero."""
    x = dag.resolved(lower(term, sizes))
    square = dag.tr(dag.mul(dag.T(x), x)) if x.shape else dag.power(x, 2)
    return vanishes(term, rewritten(expanded(dag.lin((-1, square))), rules)[1])


def expanded(x: Node) -> Node:
    """Products of sums written as sums of products, so that rules can meet inside."""
    new: dict[Node, Node] = {}
    for y in dag.topological([x]):
        args = [new[z] for z in y.args]
        new[y] = _expanded_product(args) if y.op == "mul" else dag.rebuilt(y, args)
        if y.op in ("tr", "diag") and new[y].args[0].op == "lin":
            make = dag.tr if y.op == "tr" else dag.diag
            new[y] = dag.lin(*((c, make(z)) for c, z in dag.coefficients(new[y].args[0])))
    return new[x]


def _expanded_product(factors: Sequence[Node]) -> Node:
    sums: list[tuple[Any, list[Node]]] = [(1, [])]
    for f in factors:
        parts = list(dag.coefficients(f)) if f.op == "lin" else [(1, f)]
        sums = [(c * d, [*fs, y]) for c, fs in sums for d, y in parts]
    return dag.lin(*((c, dag.mul(*fs)) for c, fs in sums))
