"""A strict inequality fails already where its two sides are equal: that is a variety, which no random point hits.

The statement is searched with p = 0 among its hypotheses for each strict conclusion p > 0. Of p = |X|^2, which vanishes to
second order and hides from Newton's method, the equation is X = 0; of a positive combination of squares, that of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from theory.dag import Node, T, coefficients, resolved
from theory.statement import Lowered


def boundaries(s: Lowered) -> Iterator[Lowered]:
    """The statement without conclusions whose hypotheses also say that a strict conclusion is an equality."""
    for relation, x in s.then:
        if relation == ">" and not x.shape:
            yield replace(s, given=(*s.given, *(("==", root) for root in roots(resolved(x)))), then=())


def roots(p: Node) -> list[Node]:
    """Terms whose zeros are those of p: smaller ones where p is visibly a sum of squares."""
    parts = list(coefficients(p)) if p.op == "lin" else [(1, p)]
    squares = [_root(x) for c, x in parts if c > 0]
    return [x for x in squares if x is not None] if len(squares) == len(parts) and None not in squares else [p]


def _root(x: Node) -> Node | None:
    if x.op == "pow" and x.data[0] % 2 == 0:
        return x.args[0]
    if x.op == "tr" and x.args[0].op == "mul" and len(x.args[0].args) == 2 and T(x.args[0].args[0]) is x.args[0].args[1]:
        return x.args[0].args[1]
    return None
