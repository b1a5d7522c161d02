r"""The rank of a noisy product by intervals of layers, from ranks alone.

Layers W_k = A_k + U_k V_k^T, k = 1..N, of shapes d_k x d_{k-1}, U_k and V_k generic with s_k columns. Then rank W_j ... W_i is

    min over intervals [a, b] in [i, j] of ( rank(A_b ... A_a) + s_a + ... + s_b ),

where the empty interval at the junction k in {i-1, ..., j} contributes the width d_k. Noise in every entry of a layer is
noise of rank s_k = min(d_k, d_{k-1}): more does not help. Own derivation, in the setting of arXiv:1807.08140.

>>> from theory.algebras.rational import matrix
>>> layers = [matrix([[1, 0], [0, 0]]), matrix([[0, 0], [0, 1]])]
>>> bound = binding((2, 2, 2), ranks(layers), (0, 0))
>>> bound.value, str(bound)
(0, 'the product of the layers 1..2 has rank 0 without noise, and there is no noise in them')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flint import fmpq_mat

Ranks = Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class Interval:
    """Layers first..last, the rank of their product without noise and the ranks of their noise; a junction if first > last.

    The empty interval at junction k has first = k + 1, last = k, and its `rank` is the width d_k.
    """

    first: int
    last: int
    rank: int
    noise: tuple[int, ...] = ()

    @property
    def value(self) -> int:
        """The bound that the interval sets."""
        return self.rank + sum(self.noise)

    def __str__(self) -> str:
        if self.first > self.last:
            return f"the width d_{self.last} is {self.rank}"
        one = self.first == self.last
        what = f"layer {self.first}" if one else f"the product of the layers {self.first}..{self.last}"
        noise = f"its noise has rank {self.noise[0]}" if one else f"their noise has ranks {', '.join(map(str, self.noise))}"
        return f"{what} has rank {self.rank} without noise, and {noise if any(self.noise) else self._quiet(one)}"

    @staticmethod
    def _quiet(one: bool) -> str:
        return f"there is no noise in {'it' if one else 'them'}"


def ranks(layers: Sequence[fmpq_mat]) -> dict[tuple[int, int], int]:
    """rank(A_b ... A_a) for all 1 <= a <= b <= N, exactly."""
    found = {}
    for a in range(1, len(layers) + 1):
        product = layers[a - 1]
        for b in range(a, len(layers) + 1):
            product = product if b == a else layers[b - 1] * product
            found[a, b] = product.rank()
    return found


def intervals(widths: Sequence[int], ranks: Ranks, noise: Sequence[int], i: int = 1, j: int | None = None) -> list[Interval]:
    """All intervals in [i, j], the junctions first, then the shorter ones before the longer."""
    last = len(widths) - 1 if j is None else j
    junctions = [Interval(k + 1, k, widths[k]) for k in range(i - 1, last + 1)]
    pairs = sorted(((a, b) for a in range(i, last + 1) for b in range(a, last + 1)), key=lambda x: x[1] - x[0])
    return junctions + [Interval(a, b, ranks[a, b], tuple(noise[a - 1 : b])) for a, b in pairs]


def binding(widths: Sequence[int], ranks: Ranks, noise: Sequence[int], i: int = 1, j: int | None = None) -> Interval:
    """The first interval in [i, j] whose value is least: its value is the rank of W_j ... W_i for generic noise."""
    return min(intervals(widths, ranks, noise, i, j), key=lambda x: x.value)
