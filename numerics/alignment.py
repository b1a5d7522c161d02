r"""Whether and how given layers are aligned: `alignment(layers)`.

Notions (a user chooses; sorted => literal => weak): there are orthogonal \(Q_0, \dots, Q_N\) whose cores \(Q_i^T W_i
Q_{i-1}\) have at most one entry in each row and column (weak), have entries (p, p) only (literal), and these nonnegative and
nonincreasing (sorted). A trajectory is strongly aligned if one choice of bases makes all its moments literal.

The answer is three-valued. True: the bases are shown, and a network within the relative distance `tolerance` is exactly
aligned in them. False: no network within that distance is aligned, because a commutator, a product's norm or a rank says so
(ranks count singular values below the tolerance as zero). None: neither could be shown.

Residuals are judged against the norms of the factors: \([B, M]\) against \(|W_{i+1}|_2^2 |W_i|_2^2 \cdots |W_{j+1}|_2^2\).
The norm of a product that is exactly zero is rounding noise, and dividing by it would report order 1 for aligned layers.

Source: own derivation; the notions are those of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import inf, sqrt
from typing import Any, Literal, overload

import numpy as np

from numerics.alignment_bases import Array, Chain, Places, bases, by_size, by_slot, chain_pattern, chains, cores, spectral_norm
from theory.errors import InvalidInput

NOTIONS = ("weak", "literal", "sorted")
MERGES = (1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3)


@dataclass(frozen=True, eq=False)
class Alignment:
    """What is known of given layers.

    `holds[notion]` is True, False or None (undecided at this tolerance); `distances[notion]` bounds the relative distance
    max_i |E_i|_F / |W_i|_2 to an exactly aligned network (inf where no bases were found); `residual` is the largest
    commutator and `horn` the largest gap sum_k prod sigma_k^2 - |product|_F^2, both relative to factor norms. `bases` and
    `cores` are those of the notion that was asked for, or of the strongest weaker one for which there are any.
    """

    notion: str
    tolerance: float
    holds: Mapping[str, bool | None]
    distances: Mapping[str, float]
    residual: float
    horn: float
    bases: tuple[Array, ...]
    cores: tuple[Array, ...]

    @property
    def aligned(self) -> bool | None:
        """The answer for the notion that was asked for."""
        return self.holds[self.notion]

    def __str__(self) -> str:
        words = {True: "yes", False: "no", None: "undecided"}
        lines = [f"{n}: {words[self.holds[n]]} (distance {self.distances[n]:.2g})" for n in self.holds]
        return "\n".join([*lines, f"commutator residual {self.residual:.2g}, tolerance {self.tolerance:.2g}"])


@dataclass(frozen=True, eq=False)
class StrongAlignment:
    """What is known of a trajectory: bases that serve all moments, and `cores[t]` in them."""

    tolerance: float
    aligned: bool | None
    distance: float
    residual: float
    bases: tuple[Array, ...]
    cores: tuple[tuple[Array, ...], ...]


@overload
def alignment(
    layers: Sequence[Any], notion: Literal["weak", "literal", "sorted"] = ..., tolerance: float | None = ...
) -> Alignment: ...
@overload
def alignment(layers: Sequence[Any], notion: Literal["strong"], tolerance: float | None = ...) -> StrongAlignment: ...
def alignment(layers: Sequence[Any], notion: str = "weak", tolerance: float | None = None) -> Alignment | StrongAlignment:
    """Whether the layers W_1, ..., W_N (numpy or torch, W_1 acts first) are aligned, with the bases and cores.

    `tolerance` is a relative distance, by default eps^(2/3) of the layers' precision (4e-11 in float64, 2e-5 in float32).
    With the notion "strong", `layers` is a trajectory: the layers at each moment. Raises `InvalidInput` for layers that do
    not fit together, are not finite, or an unknown notion.

    >>> found = alignment([[[2, 0], [0, 1]], [[1, 0], [0, 2]]], "sorted")
    >>> found.holds
    {'weak': True, 'literal': True, 'sorted': False}
    """
    if notion == "strong":
        return strong_alignment(layers, tolerance)
    if notion not in NOTIONS:
        raise InvalidInput("notion", notion, f"one of {', '.join(NOTIONS)}, strong")
    W, eps = checked_layers(layers)
    allowed = checked_tolerance(tolerance, eps)
    found = _Search(normalised(W), allowed)
    Q = found.shown(notion)
    return Alignment(notion, allowed, found.holds(), found.distances, found.residual, found.horn, Q, cores(W, Q))


def strong_alignment(moments: Sequence[Any], tolerance: float | None = None) -> StrongAlignment:
    """Whether one choice of bases makes the layers rect-diagonal at every moment.

    The bases are those of a generic linear combination of the moments, which is literally aligned if the trajectory is:
    singular values that coincide there do so at every moment.
    """
    if not len(moments):
        raise InvalidInput("trajectory", list(moments), "at least one moment")
    checked = [checked_layers(m) for m in moments]
    shapes = [[W.shape for W in layers] for layers, _ in checked]
    if any(s != shapes[0] for s in shapes):
        raise InvalidInput("trajectory", shapes, "the same widths at every moment")
    allowed = checked_tolerance(tolerance, max(eps for _, eps in checked))
    trajectory = [normalised(layers) for layers, _ in checked]
    mixture, blowup = _mixture(trajectory)
    found = _Search(mixture, min(0.5, allowed * blowup))
    Q = found.shown("literal")
    away = max(_off_diagonal(S) for layers in trajectory for S in cores(layers, Q))
    residual = max(found.residual, _simultaneous(trajectory))
    impossible = _simultaneous(trajectory) > _bound(allowed, 1) or (away > allowed and found.holds()["literal"] is False)
    parts = tuple(cores(layers, Q) for layers, _ in checked)
    return StrongAlignment(allowed, True if away <= allowed else False if impossible else None, away, residual, Q, parts)


# -- input --------------------------------------------------------------------------------------------------------------


def checked_layers(layers: Sequence[Any]) -> tuple[list[Array], float]:
    """The layers as float64 arrays, and the unit roundoff of the coarsest."""
    raw = [np.asarray(W.detach().cpu().numpy() if hasattr(W, "detach") else W) for W in layers]
    if not raw:
        raise InvalidInput("layers", [], "at least one layer")
    for i, W in enumerate(raw, 1):
        if W.ndim != 2 or not W.size or W.dtype.kind not in "iufb":
            raise InvalidInput(f"layer {i}", f"an array of shape {W.shape} of {W.dtype}", "a real matrix, not empty")
        if not np.isfinite(W).all():
            raise InvalidInput(f"layer {i}", "a value that is not finite", "finite entries")
    for i, (a, b) in enumerate(pairwise(raw), 1):
        if a.shape[0] != b.shape[1]:
            raise InvalidInput(f"layer {i + 1}", b.shape, f"{a.shape[0]} columns, as many as layer {i} has rows")
    eps = max(float(np.finfo(W.dtype).eps) if W.dtype.kind == "f" else 0.0 for W in raw)
    return [W.astype(np.float64) for W in raw], max(eps, float(np.finfo(np.float64).eps))


def checked_tolerance(tolerance: float | None, eps: float) -> float:
    if tolerance is not None and not 0 < tolerance < 1:
        raise InvalidInput("tolerance", tolerance, "a number between 0 and 1")
    return eps ** (2 / 3) if tolerance is None else tolerance


# -- residuals without bases --------------------------------------------------------------------------------------------


def commutator_residual(layers: Sequence[Array]) -> float:
    """The largest |[B_i, M_ij]|_F over 0 <= j < i < N, relative to the norms of its factors."""
    W = normalised(layers)
    worst = 0.0
    for i in range(1, len(W)):
        B, P = W[i].T @ W[i], np.eye(W[i].shape[1])
        for j in range(i - 1, -1, -1):
            P = P @ W[j]
            M = P @ P.T
            worst = max(worst, float(np.linalg.norm(B @ M - M @ B)))
    return worst


def horn_gap(layers: Sequence[Array]) -> float:
    """The largest sum_k prod_l sigma_k(W_l)^2 - |W_i ... W_j|_F^2 >= 0 over j < i, relative to the norms of its factors.

    It is 0 for every contiguous product if and only if the layers are aligned with sorted singular values.
    """
    W = normalised(layers)
    m = max(max(x.shape) for x in W)
    sizes = [np.pad(s := np.linalg.svd(x, compute_uv=False), (0, m - len(s))) for x in W]
    worst = 0.0
    for j in range(len(W)):
        P, s = W[j], sizes[j]
        for x, t in zip(W[j + 1 :], sizes[j + 1 :], strict=True):
            P, s = x @ P, s * t
            worst = max(worst, float(s @ s - np.linalg.norm(P) ** 2))
    return worst


def normalised(layers: Sequence[Array]) -> list[Array]:
    """Layers of spectral norm 1 (or 0)."""
    return [W / (spectral_norm(W) or 1.0) for W in layers]


def _bound(tolerance: float, factors: int) -> float:
    """What the commutator of an exactly aligned network can become when its layers move by the tolerance."""
    return 2 * ((1 + tolerance) ** (2 * factors) - 1)


# -- bases --------------------------------------------------------------------------------------------------------------


class _Search:
    """The best bases found for layers, notion by notion, and what excludes a notion."""

    def __init__(self, layers: list[Array], tolerance: float) -> None:
        self.layers, self.tolerance = layers, tolerance
        self.widths = [layers[0].shape[1], *(W.shape[0] for W in layers)]
        self.residual, self.horn = commutator_residual(layers), horn_gap(layers)
        self.found, self.merge = self._best()
        self.slotless: bool | None = False
        self.orders: dict[str, Places | None] = {
            "sorted": by_size(self.found, len(layers), self.merge),
            "literal": self._slots(),
        }
        self.orders["weak"] = self.orders["literal"] or self.orders["sorted"]
        self.distances = {n: self._distance(n) for n in NOTIONS}
        for weak, strong in (("literal", "sorted"), ("weak", "literal")):
            self._inherit(weak, strong)

    def _best(self) -> tuple[list[Chain], float]:
        """The chains with the smallest distance: nearby singular values are one where that is closer."""
        tried = []
        lost = self.residual > _bound(self.tolerance, len(self.layers))
        for merge in (self.tolerance,) if lost else sorted({*MERGES, self.tolerance}):
            found = chains(self.layers, merge)
            tried.append((self._monomial(found), merge, found))
            if tried[-1][0] <= self.tolerance:
                break
        _, merge, found = min(tried, key=lambda t: t[:2])
        return found, merge

    def _monomial(self, found: Sequence[Chain]) -> float:
        """The distance from a network with these chains."""
        places = by_size(found, len(self.layers), 0.0)
        parts = cores(self.layers, bases(found, places))
        return max(float(np.linalg.norm(S * (1 - p))) for S, p in zip(parts, chain_pattern(found, places), strict=True))

    def _slots(self) -> Places | None:
        try:
            places = by_slot(self.found, self.widths)
        except TimeoutError:
            self.slotless = None
            return None
        self.slotless = places is None
        return places

    def _distance(self, notion: str) -> float:
        places = self.orders[notion]
        if notion == "weak":
            return self._monomial(self.found)
        if places is None:
            return inf
        measure = _off_diagonal if notion == "literal" else _off_sorted
        return max(map(measure, cores(self.layers, bases(self.found, places))))

    def _inherit(self, weak: str, strong: str) -> None:
        """Bases of a stronger notion serve a weaker one, where they are closer."""
        if self.distances[strong] < self.distances[weak]:
            self.orders[weak], self.distances[weak] = self.orders[strong], self.distances[strong]

    def holds(self) -> dict[str, bool | None]:
        """Each notion: shown by bases, excluded, or neither."""
        near = {n: self.distances[n] <= self.tolerance for n in NOTIONS}
        weak = True if near["weak"] else False if self.residual > _bound(self.tolerance, len(self.layers)) else None
        gone = weak is False or (weak is True and self.slotless is True)
        literal = True if near["literal"] else False if gone else None
        gone = literal is False or self.horn > self._horn_bound()
        return {"weak": weak, "literal": literal, "sorted": True if near["sorted"] else False if gone else None}

    def _horn_bound(self) -> float:
        """What the gap of an exactly sorted network can become when its layers move by the tolerance."""
        x = (1 + self.tolerance) ** len(self.layers) - 1
        return 2 * x * (2 * sqrt(max(self.widths)) + x)

    def shown(self, notion: str) -> tuple[Array, ...]:
        """Bases for the notion if it holds, else for the strongest weaker one that does, else the best for the notion."""
        weaker = [n for n in NOTIONS[: NOTIONS.index(notion) + 1] if self.distances[n] <= self.tolerance]
        places = self.orders[weaker[-1] if weaker else notion] or self.orders["weak"]
        return bases(self.found, places or [])


def _off_diagonal(S: Array) -> float:
    E = S.copy()
    np.fill_diagonal(E, 0.0)
    return float(np.linalg.norm(E))


def _off_sorted(S: Array) -> float:
    """The distance from the rect-diagonal core with the same entries, nonnegative and in order."""
    E, d = S.copy(), np.diagonal(S)
    np.fill_diagonal(E, d - np.sort(np.abs(d))[::-1])
    return float(np.linalg.norm(E))


# -- trajectories -------------------------------------------------------------------------------------------------------


def _mixture(trajectory: Sequence[Sequence[Array]]) -> tuple[list[Array], float]:
    """A generic linear combination of the moments, of norm 1 layer by layer, and by how much it magnifies errors."""
    weights = np.random.default_rng(20200306).standard_normal((len(trajectory[0]), len(trajectory)))
    columns = zip(*trajectory, strict=True)
    mixed = [np.asarray(sum(c * W for c, W in zip(w, Ws, strict=True))) for w, Ws in zip(weights, columns, strict=True)]
    sizes = [float(np.abs(w).sum()) / (spectral_norm(W) or inf) for w, W in zip(weights, mixed, strict=True)]
    return normalised(mixed), max(1.0, *sizes)


def _simultaneous(trajectory: Sequence[Sequence[Array]]) -> float:
    """The largest antisymmetric part of A^T B and A B^T for one layer of norm 1 at two moments."""
    worst = 0.0
    for first, second in combinations(trajectory, 2):
        for A, B in zip(first, second, strict=True):
            worst = max(worst, *(float(np.linalg.norm(x - x.T)) for x in (A.T @ B, A @ B.T)))
    return worst
