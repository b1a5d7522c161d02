r"""The constructive bases of aligned layers: chains of unit vectors that the layers carry to one another.

Vertex by vertex: the classes are the chains with the same start and the same singular values so far. Layer W restricted to a
class has a singular value decomposition; its right vectors rotate the class, at all earlier vertices alike (there the layers
are isometries up to a factor), its left vectors continue the chains. What no chain reaches starts new ones. For aligned
layers this is exact, repeated and zero singular values included; for other layers it gives some orthogonal bases, whose cores
show by how much they fail.

Source: own derivation; alignment as in arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from theory.alignment_barcodes import Interval, slots

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chain:
    """A unit vector at each vertex start, ..., end; layer i carries one to the next times `values[i - start - 1]`."""

    start: int
    values: tuple[float, ...]
    vectors: tuple[Array, ...]

    @property
    def end(self) -> int:
        return self.start + len(self.values)

    @property
    def interval(self) -> Interval:
        return self.start, self.end

    def value(self, layer: int) -> float:
        """The singular value in layer 1, ..., N; 0 outside of the chain."""
        return self.values[layer - self.start - 1] if self.start < layer <= self.end else 0.0

    def at(self, vertex: int) -> Array:
        return self.vectors[vertex - self.start]


@dataclass(frozen=True, eq=False)
class _Class:
    """Chains with the same start and the same singular values so far; `frames` has their vectors as columns, by vertex."""

    start: int
    values: tuple[float, ...]
    frames: tuple[Array, ...]

    def chains(self) -> Iterator[Chain]:
        for c in range(self.frames[-1].shape[1]):
            yield Chain(self.start, self.values, tuple(F[:, c] for F in self.frames))


def spectral_norm(W: Array) -> float:
    return float(np.linalg.norm(W, 2))


def chains(layers: Sequence[Array], merge: float) -> list[Chain]:
    """The chains of layers of norm at most 1; singular values closer than `merge` are one, and those below it are zero."""
    done: list[Chain] = []
    alive = [_Class(0, (), (np.eye(layers[0].shape[1]),))]
    for vertex, W in enumerate(layers, 1):
        pieces = [piece for c in alive for piece in _continued(c, W, merge)]
        ended, going = ([p for p, v in pieces if (v > 0) is moves] for moves in (False, True))
        done += [chain for p in ended for chain in p.chains()]
        alive, dropped = _orthonormal(going, W.shape[0], vertex)
        done += dropped
    return done + [chain for c in alive for chain in c.chains()]


def _continued(c: _Class, W: Array, step: float) -> Iterator[tuple[_Class, float]]:
    """The class split by the singular values of W on it: (part, value), the value 0 where the chains end."""
    image = W @ c.frames[-1]
    left, s, right = np.linalg.svd(image, full_matrices=image.shape[0] < image.shape[1])
    s = np.concatenate([s, np.zeros(image.shape[1] - len(s))])
    rotated = [F @ right.T for F in c.frames]
    for first, last in _groups(s, step):
        group, value = slice(first, last), float(s[first:last].mean())
        frames = tuple(F[:, group] for F in rotated)
        if s[first] <= step:
            yield _Class(c.start, c.values, frames), 0.0
        else:
            yield _Class(c.start, (*c.values, value), (*frames, left[:, group])), value


def _groups(s: Array, step: float) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring values (nonincreasing) no further than `step` apart; those up to `step` are a run."""
    n = len(s)
    zero = int(np.count_nonzero(s > step))
    cuts = [0, *(i for i in range(1, zero) if s[i - 1] - s[i] > step), *([zero] if 0 < zero < n else []), n]
    return pairwise(cuts)


def _orthonormal(going: list[_Class], width: int, vertex: int) -> tuple[list[_Class], list[Chain]]:
    """The new vectors made orthonormal (they are, up to rounding, if the layers are aligned) and completed by new chains.

    Vectors that depend on those of larger singular values end their chains one vertex earlier: this does not happen in
    aligned layers.
    """
    kept, dropped = _separated(sorted(going, key=lambda c: -c.values[-1]), width)
    basis = np.hstack([np.zeros((width, 0)), *(c.frames[-1] for c in kept)])
    left, _, right = np.linalg.svd(basis, full_matrices=True)
    n = basis.shape[1]
    nearest, rest = left[:, :n] @ right, left[:, n:]
    sizes = [c.frames[-1].shape[1] for c in kept]
    cuts = [0, *accumulate(sizes)]
    alive = [
        _Class(c.start, c.values, (*c.frames[:-1], nearest[:, a:b])) for c, a, b in zip(kept, cuts, cuts[1:], strict=False)
    ]
    return alive + ([_Class(vertex, (), (rest,))] if rest.shape[1] else []), dropped


def _separated(going: list[_Class], width: int) -> tuple[list[_Class], list[Chain]]:
    """The chains whose new vectors are far from the span of those before them, and the others, ended one vertex earlier."""
    together = np.hstack([np.zeros((width, 0)), *(c.frames[-1] for c in going)])
    if together.shape[1] <= width and np.allclose(together.T @ together, np.eye(together.shape[1]), atol=0.1 / width):
        return going, []
    kept, dropped, basis = [], [], np.zeros((width, 0))
    for c in going:
        basis, good, lost = _independent(c.frames[-1], basis)
        kept += [_Class(c.start, c.values, tuple(F[:, good] for F in c.frames))] if good else []
        dropped += list(_Class(c.start, c.values[:-1], tuple(F[:, lost] for F in c.frames[:-1])).chains())
    return kept, dropped


def _independent(F: Array, basis: Array) -> tuple[Array, list[int], list[int]]:
    """The orthonormal basis grown by the columns of F that are far from its span, those columns, and the others."""
    good: list[int] = []
    for c in range(F.shape[1]):
        x = F[:, c]
        for _ in range(2):  # projecting twice removes what rounding left
            x = x - basis @ (basis.T @ x)
        length = float(np.linalg.norm(x))
        if length > 0.5 and basis.shape[1] < len(x):
            basis, good = np.column_stack([basis, x / length]), [*good, c]
    return basis, good, [c for c in range(F.shape[1]) if c not in good]


# -- orders of the chains -----------------------------------------------------------------------------------------------


Places = list[list[int]]  # for each vertex, the chains in the order of the columns of its basis


def by_size(found: Sequence[Chain], depth: int, tie: float) -> Places:
    """At each vertex the chains by nonincreasing singular values; ties (up to `tie`) are broken alike everywhere."""

    def compare(a: int, b: int) -> int:
        low, high = max(found[a].start, found[b].start), min(found[a].end, found[b].end)
        for layer in range(max(low, 1), min(high + 1, depth) + 1):
            difference = found[a].value(layer) - found[b].value(layer)
            if abs(difference) > tie:
                return -1 if difference > 0 else 1
        return a - b

    through = [[k for k, c in enumerate(found) if c.start <= v <= c.end] for v in range(depth + 1)]
    return [sorted(ks, key=cmp_to_key(compare)) for ks in through]


def by_slot(found: Sequence[Chain], widths: Sequence[int]) -> Places | None:
    """An order that gives each chain one slot throughout, if there is one. Raises `TimeoutError` if the search is too long."""
    order = sorted(range(len(found)), key=lambda k: [-v for v in found[k].values])
    found_slots = slots([found[k].interval for k in order], widths)
    if found_slots is None:
        return None
    slot = dict(zip(order, found_slots, strict=True))
    return [sorted((k for k in order if found[k].start <= v <= found[k].end), key=slot.__getitem__) for v in range(len(widths))]


def bases(found: Sequence[Chain], places: Places) -> tuple[Array, ...]:
    """Q_0, ..., Q_N with the vectors of the chains as columns."""
    return tuple(np.column_stack([found[k].at(v) for k in ks]) for v, ks in enumerate(places))


def cores(layers: Sequence[Array], Q: Sequence[Array]) -> tuple[Array, ...]:
    """Q_i^T W_i Q_{i-1}."""
    return tuple(b.T @ W @ a for W, (a, b) in zip(layers, pairwise(Q), strict=True))


def chain_pattern(found: Sequence[Chain], places: Places) -> list[Array]:
    """For each layer, 1 where a chain goes from a column of one basis to a row of the next."""
    return [np.equal.outer(np.array(after), np.array(before)).astype(float) for before, after in pairwise(places)]
