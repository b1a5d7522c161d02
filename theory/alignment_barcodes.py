r"""Chains of aligned layers as intervals, and whether they fit the slots of a rect-diagonal network.

In aligned bases a network is a sum of chains: a unit vector at vertex p is carried to unit vectors at p+1, ..., q, up to
factors that are not zero, and then to zero. The number m_{pq} of chains on [p, q] follows from ranks,
\[ m_{pq} = r_{pq} - r_{p-1,q} - r_{p,q+1} + r_{p-1,q+1}, \qquad
   r_{pq} = \mathrm{rank}\, W_q \cdots W_{p+1}, \; r_{pp} = d_p . \]
Literal alignment gives every chain one slot, below the least width on its interval, and different slots to chains that meet.

Source: own derivation; the notions are those of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

Interval = tuple[int, int]
Barcode = dict[Interval, int]

BUDGET = 200_000


def barcode(rank: Callable[[int, int], int], widths: Sequence[int]) -> Barcode:
    """The multiplicities m_pq from the ranks rank(p, q) of the products W_q ... W_{p+1}, 0 <= p < q <= N.

    >>> barcode(lambda p, q: 1 if q - p == 1 else 0, (1, 2, 1))
    {(0, 1): 1, (1, 2): 1}
    """
    last = len(widths) - 1

    def r(p: int, q: int) -> int:
        return 0 if p < 0 or q > last else widths[p] if p == q else rank(p, q)

    found = {(p, q): r(p, q) - r(p - 1, q) - r(p, q + 1) + r(p - 1, q + 1) for p in range(last + 1) for q in range(p, last + 1)}
    return {interval: m for interval, m in found.items() if m}


def barcodes(widths: Sequence[int]) -> Iterator[Barcode]:
    """All barcodes of networks with these widths: at every vertex the chains through it are as many as its width.

    >>> len(list(barcodes((1, 2, 1))))
    5
    """
    yield from _grown({(0, 0): widths[0]}, 0, tuple(widths))


def _grown(bars: Barcode, vertex: int, widths: tuple[int, ...]) -> Iterator[Barcode]:
    if vertex == len(widths) - 1:
        yield {interval: m for interval, m in sorted(bars.items()) if m}
        return
    alive = [(p, m) for (p, q), m in bars.items() if q == vertex]
    for kept in product(*(range(m + 1) for _, m in alive)):
        if sum(kept) > widths[vertex + 1]:
            continue
        new = {interval: m for interval, m in bars.items() if interval[1] < vertex}
        for (p, m), k in zip(alive, kept, strict=True):
            new |= {(p, vertex): m - k, (p, vertex + 1): k}
        yield from _grown(new | {(vertex + 1, vertex + 1): widths[vertex + 1] - sum(kept)}, vertex + 1, widths)


def slots(intervals: Sequence[Interval], widths: Sequence[int], budget: int = BUDGET) -> list[int] | None:
    """A slot for every interval, below the least width on it and not shared where intervals meet; None if there is none.

    An exact search (narrow intervals first, lowest free slot first). Raises `TimeoutError` after `budget` choices.

    >>> slots([(0, 1), (1, 2)], (1, 2, 1)), slots([(0, 1), (1, 2)], (1, 2, 2))
    (None, [0, 1])
    """
    caps = [min(widths[p : q + 1]) for p, q in intervals]
    order = sorted(range(len(intervals)), key=lambda b: (intervals[b][0] == intervals[b][1], caps[b], intervals[b]))
    used, place, tried = [0] * len(widths), [-1] * len(intervals), 0
    k = 0
    while 0 <= k < len(order):
        b, (p, q) = order[k], intervals[order[k]]
        if place[b] >= 0:
            _toggle(used, place[b], p, q)
        place[b] = _next_slot(used[p : q + 1], caps[b], max(place[b] + 1, _after_twin(order, k, intervals, place)))
        tried += 1
        if tried > budget + len(order):
            raise TimeoutError(f"no answer after {budget} choices")
        if place[b] >= 0:
            _toggle(used, place[b], p, q)
        k += 1 if place[b] >= 0 else -1
    return place if k == len(order) else None


def _toggle(used: list[int], slot: int, p: int, q: int) -> None:
    for vertex in range(p, q + 1):
        used[vertex] ^= 1 << slot


def _next_slot(used: Sequence[int], cap: int, least: int) -> int:
    """The lowest slot from `least` to below `cap` that is free at all these vertices; -1 if there is none."""
    taken = 0
    for bits in used:
        taken |= bits
    free = ~taken & ((1 << cap) - 1) & ~((1 << least) - 1)
    return (free & -free).bit_length() - 1


def _after_twin(order: Sequence[int], k: int, intervals: Sequence[Interval], place: Sequence[int]) -> int:
    """Equal intervals take their slots in increasing order: they can be exchanged."""
    return place[order[k - 1]] + 1 if k and intervals[order[k - 1]] == intervals[order[k]] else 0


def literal(bars: Barcode, widths: Sequence[int]) -> bool:
    """Whether aligned layers with this barcode are literally aligned in some bases."""
    return slots([interval for interval, m in sorted(bars.items()) for _ in range(m)], widths) is not None


def two_layer_condition(bars: Barcode, widths: Sequence[int]) -> bool:
    """rank W_1 + rank W_2 - rank W_2 W_1 <= max(d_0, d_2)."""
    through = sum(m for (p, q), m in bars.items() if p < q and p <= 1 <= q)
    return through <= max(widths[0], widths[2])


def hill(widths: Sequence[int]) -> bool:
    """Whether some vertex is wider than one before and one after it: there the notions differ."""
    inner = range(1, len(widths) - 1)
    return any(min(widths[:i]) < widths[i] > min(widths[i + 1 :]) for i in inner)
