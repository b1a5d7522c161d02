"""Points at which the mutants of a theorem are tried: known ones, those next to them, and random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice, product
from typing import Any

from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix, rational
from theory.certificates import Json
from theory.dag import Node
from theory.errors import DeeplinError
from theory.provers.points import at_sizes, small_sizes
from theory.statement import Lowered
from theory.theorem import Claim, Theorem, named


def statements(theorem: Theorem) -> list[Claim]:
    """The claims that state something about all points; what holds almost surely is shown at one point and has no twins."""
    return [claim for claim in theorem.claims() if isinstance(claim, Claim)]


def confirmed_at(s: Lowered, point: Mapping[str, Any]) -> Json | None:
    """The certificate that the point violates the statement, at the sizes of the point."""
    from numerics.evidence import holds
    from numerics.search.problem import confirmed

    sizes = sizes_of(s, point)
    if sizes is None:
        return None
    try:
        at, terms = _sized(s, tuple(sizes.items()))
        env = {str(v.data[0]): _value(point[str(v.data[0])]) for v in at.variables}
        values = evaluate(terms, Rational(), env)
    except (DeeplinError, ZeroDivisionError, ValueError):
        return None
    true = [holds(r, x) for (r, _), x in zip((*at.given, *at.then), values, strict=True)]
    if not all(true[: len(at.given)]) or all(true[len(at.given) :]):
        return None
    return confirmed(at, {name: point[name] for name in env}, "refuted")


@lru_cache(maxsize=16)
def _sized(s: Lowered, sizes: tuple[tuple[str, int], ...]) -> tuple[Lowered, tuple[Node, ...]]:
    """The statement at given sizes, and its terms with means as polynomials."""
    from numerics.search.reduction import without_means

    at = at_sizes(s, dict(sizes))
    mean = without_means(at)
    return at, tuple(mean.get(x, x) for _, x in (*at.given, *at.then))


def _value(x: Any) -> Any:
    if hasattr(x, "nrows"):
        return x
    return matrix(x) if isinstance(x, Sequence) and not isinstance(x, str) else rational(x)


def sizes_of(s: Lowered, point: Mapping[str, Any]) -> dict[str, int] | None:
    """The sizes at which the point gives a value of the right shape to every variable; None if there are none."""
    sizes: dict[str, int] = {}
    for v in s.variables:
        x = point.get(str(v.data[0]))
        if x is None:
            return None
        value = _value(x)
        shape = (value.nrows(), value.ncols()) if hasattr(value, "nrows") else ()
        if len(shape) != len(v.shape):
            return None
        for d, n in zip(v.shape, shape, strict=True):
            if (sizes.setdefault(d, n) if isinstance(d, str) else d) != n:
                return None
        if v.shape and v.data[1] and value != value.transpose():
            return None
    return sizes


def random_points(s: Lowered, count: int) -> Iterator[dict[str, Any]]:
    """Small rationals in every variable; where widths are symbolic, at small widths in turn."""
    from numerics.draws import ExactDraw

    draw, sizes = ExactDraw(s.name), [*small_sizes(s.dims)] if s.dims else [{}]
    for k in range(count):
        variables = at_sizes(s, sizes[k % len(sizes)]).variables
        yield {str(v.data[0]): _drawn(draw, v) for v in variables}


def _drawn(draw: Any, v: Any) -> Any:
    if not v.shape:
        return draw.positive() if draw.integer(0, 1) else draw.scalar()
    x = draw.matrix(*v.shape)
    return x.transpose() * x if v.data[1] else x


def neighbours(s: Lowered, points: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Known points with 1 added to or taken from one entry: where one hypothesis is dropped, some keep to all the others."""
    for point in (p for p in points if sizes_of(s, p) is not None):
        for v, step in product(s.variables, (1, -1)):
            name, value = str(v.data[0]), _value(point[str(v.data[0])])
            for i, j in product(*map(range, (value.nrows(), value.ncols()))) if v.shape else ((0, 0),):
                yield {**point, name: _moved(value, i, j, step, bool(v.shape and v.data[1]))}


def _moved(value: Any, i: int, j: int, step: int, symmetric: bool) -> Any:
    if not hasattr(value, "nrows"):
        return value + step
    out = matrix(value.tolist())
    for a, b in {(i, j), (j, i)} if symmetric else {(i, j)}:
        out[a, b] += step
    return out


@cache
def known_points(theorem: str) -> tuple[Mapping[str, Any], ...]:
    """Witnesses, sharp points and exact instances of the theorem: points that satisfy its hypotheses, or nearly all of them."""
    t = named(theorem)
    points = [*(c.witness for c in statements(t) if c.witness is not None), *(e.point for e in t.sharpness()), *_instances(t)]
    return tuple(sorted(points, key=_numbers))


def _numbers(point: Mapping[str, Any]) -> int:
    """How many numbers a point has: small ones are checked first."""
    values = map(_value, point.values())
    return sum(x.nrows() * x.ncols() if hasattr(x, "nrows") else 1 for x in values)


def _instances(theorem: Theorem) -> Iterator[Mapping[str, Any]]:
    from numerics.draws import Degenerate, ExactDraw

    sizes, sample = sorted(theorem.certified_at, key=sum)[:4], theorem.sample
    for seed, widths in islice(((k, w) for k in range(6) for w in sizes), 16):
        if sample is None:
            return
        try:
            yield sample(ExactDraw(seed), widths).values
        except Degenerate:
            continue
