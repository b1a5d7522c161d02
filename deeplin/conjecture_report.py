"""Verdicts on conjectures as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deeplin.conjecture import Sharp, Trial, Verdict
from deeplin.report import Grade
from theory.algebraic_point import AlgebraicPoint


def report(v: Verdict) -> str:
    """What a person reads: the verdict and its scope, the point, which hypotheses matter, and what was tried."""
    return "\n".join(_lines(v))


def _lines(v: Verdict) -> Iterator[str]:
    yield f"{v.name}: {v.grade}{_where(v)}, {v.seconds:.1f} s"
    if v.grade is Grade.REFUTED and v.point is not None:
        yield from (f"  {line}" for line in point_lines(v.point, v.root))
    if v.also:
        yield f"  proved nevertheless at: {'; '.join(v.also)}"
    if v.grade is Grade.PROVED and v.witness is not None:
        yield "  not vacuous, for example at:"
        yield from (f"    {line}" for line in point_lines(v.witness, v.witness_root))
    if v.suspect is not None:
        yield "  a violation in floats that no exact point confirms:"
        yield from (f"    {line}" for line in point_lines(v.suspect))
    yield from (f"  {line}" for s in v.sharpness for line in _sharp(s))
    if v.grade is Grade.UNDECIDED:
        yield "  tried:"
        yield from (f"    {line}" for line in _tried(v.trials))
    if v.missing:
        yield f"  {v.missing}"


def _tried(trials: Sequence[Trial]) -> Iterator[str]:
    """A line for each kind of search at each size: how it ended, in the order of the ends."""
    for kind, scope in dict.fromkeys((t.kind, t.scope) for t in trials):
        mine = [t for t in trials if (t.kind, t.scope) == (kind, scope) and t.status != "does not apply"]
        ends = dict.fromkeys(f"{t.detail.split(':')[0]}: {t.status}" if ":" in t.detail else t.status for t in mine)
        yield f"{kind} at {scope}, {sum(t.seconds for t in mine):.1f} s: {'; '.join(ends) or 'no prover applies'}"


def _where(v: Verdict) -> str:
    words = {Grade.PROVED: "for", Grade.REFUTED: "by an exact point at", Grade.VACUOUS: "hypotheses contradict each other for"}
    return f" {words[v.grade]} {v.scope}" if v.grade in words else " (neither proved nor refuted within the budget)"


def _sharp(s: Sharp) -> Iterator[str]:
    yield f"{s.change}: {s.status}{f' ({s.scope})' if s.scope else ''}"
    if s.point is not None:
        yield from (f"  {line}" for line in point_lines(s.point, s.root))


def point_lines(point: dict[str, Any], root: dict[str, Any] | None = None) -> Iterator[str]:
    """`W1 = [1 0; 1/2 1]`, a line for each variable; an irrational point in one line."""
    if root is not None:
        yield f"{AlgebraicPoint.read({'root': root, 'point': point})} (decided by exact arithmetic in Q(a))"
        return
    for name, value in point.items():
        rows = "; ".join(" ".join(map(str, row)) for row in value) if isinstance(value, list) else value
        yield f"{name} = [{rows}]" if isinstance(value, list) else f"{name} = {rows}"
