r"""The landscape of a deep linear network with one output: every level that theory predicts, and where it changes.

Setting: the noise-averaged loss with positive decays gamma_i, D hidden layers, noise factor kappa. Levels are E[y^2] at zero
and, for every root lambda of :math:`\lambda^{D+1}S^D = \Gamma`, E[y^2] + psi: local minima of psi are local minima of the loss,
its maxima are saddles of it. Where a hidden layer has noise, the networks of fewer active neurons (the others exactly zero)
have stationary points of their own, with a larger kappa, which are never local minima. With one hidden layer k of d active
neurons have Morse index d - k: they minimise the loss of their network, and a zero neuron (w, u) adds
:math:`\gamma_1|w|^2 + \gamma_2 u^2 - 2u\,w\cdot(g - Av)`, with :math:`|g - Av|^2 > \Gamma` one negative direction. Without
noise, and with one hidden layer, these are all levels; with noise and more hidden layers that is a conjecture.
Source: arXiv:2202.04777; the classification is derived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import product
from math import inf, isinf, log, prod, sqrt

from numerics.minimum import Minimum, Moments, StationaryPoint, minimise
from numerics.scopes import Status, status
from numerics.thresholds import Thresholds, thresholds
from theory.errors import InvalidInput
from theory.scalar_equation import Kind, Verdict

# Sub-networks beyond this number are not listed.
MOST_SUBNETWORKS = 1000


class LevelKind(Enum):
    """What the stationary points of a level are."""

    GLOBAL = "global minimum"
    LOCAL = "local minimum"
    BARRIER = "barrier"
    SADDLE = "saddle"
    DEGENERATE = "degenerate"


@dataclass(frozen=True)
class Level:
    """Stationary points of one loss: `excess` = loss - E[y^2], `lam` (inf at zero) and the common layer `energy`.

    `active` are the numbers of active neurons in each hidden layer, `index` the number of negative eigenvalues of the Hessian
    (None where theory gives none), and `sheet` the theorem of the family `minima` that says so.
    """

    kind: LevelKind
    loss: float
    excess: float
    energy: float
    lam: float
    active: tuple[int, ...]
    index: int | None
    sheet: str

    @property
    def status(self) -> Status:
        """The kernel proves that a sub-network of two hidden layers or more is a saddle at small widths only."""
        small_widths = self.kind is LevelKind.SADDLE and len(self.active) > 1
        return Status.DERIVED if small_widths else status(self.sheet, len(self.active) + 1)


@dataclass(frozen=True)
class Uniqueness:
    """`ratio` R of the largest to the least eigenvalue that E[xy] sees; below `bound` psi has at most one nonzero minimum.

    The bound: R + 1/R < (14 D^2 - 2)/(D^2 - 1) for D >= 2 hidden layers; inf below that.
    """

    ratio: float
    bound: float

    @property
    def holds(self) -> bool:
        """Whether at most one nonzero local minimum of psi is certain, at every decay."""
        return self.ratio < self.bound


@dataclass(frozen=True, eq=False)
class Landscape:
    """What theory predicts: the `minimum`, the `levels` (least loss first), the `thresholds` and the `uniqueness`.

    `omitted` counts sub-networks that are not listed; `complete` says whether the levels are proved to be all.
    """

    minimum: Minimum
    levels: tuple[Level, ...]
    omitted: int
    thresholds: Thresholds
    uniqueness: Uniqueness

    @property
    def noisy(self) -> bool:
        return any(self.minimum.noise)

    @property
    def complete(self) -> bool:
        """Whether there is no other level: proved without noise and with one hidden layer at most, else a conjecture."""
        return self.minimum.depth <= 2 or not self.noisy

    @property
    def log_decay_product(self) -> float:
        return float(sum(log(gamma) for gamma in self.minimum.decay))

    @cached_property
    def barrier(self) -> float | None:
        """The loss that every path from zero to the global minimum must reach (two hidden layers or more); None if none.

        On a path b(theta) goes from 0 to the energy of the minimum, and L(theta) >= E[y^2] + psi(b(theta)).
        """
        tops = [p for p in self.minimum.stationary if p.kind is Kind.MAXIMUM and p.energy < self.minimum.energy]
        return max((p.loss for p in tops), default=None)

    def critical_decays(self, depths: Sequence[int]) -> tuple[Thresholds, ...]:
        """The thresholds of the networks `at_depth`."""
        return tuple(self._thresholds(depth) for depth in depths)

    def _thresholds(self, depth: int) -> Thresholds:
        widths, noise = self.at_depth(depth)
        return thresholds(self.minimum.moments, depth, prod(1 + s / d for s, d in zip(noise, widths[1:-1], strict=True)))

    def at_depth(self, depth: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Widths and noise of a network of another depth, whose hidden layers repeat the last of this one, or omit layers."""
        widths, noise = self.minimum.widths[1:-1] or (1,), self.minimum.noise or (0.0,)
        layers = [min(k, len(widths) - 1) for k in range(depth - 1)]
        return (self.minimum.widths[0], *(widths[k] for k in layers), 1), tuple(noise[k] for k in layers)


def landscape(
    moments: Moments, widths: Sequence[int], *, decay: float | Sequence[float], noise: float | Sequence[float] = 0.0
) -> Landscape:
    """Every level that theory predicts for `widths` (d_0, ..., d_N = 1), decays per layer, noise variances per hidden layer.

    Raises `InvalidInput` as `minimise` does, and for a decay of 0: stationary points are then not isolated levels.

    >>> found = landscape(Moments.from_moments([[1]], [2], 4), (1, 2, 2, 1), decay=1.0)
    >>> [(level.kind.value, round(level.excess, 9)) for level in found.levels]
    [('global minimum', 0.0), ('global minimum', 0.0), ('barrier', 0.269768995)]
    """
    minimum = minimise(moments, widths, decay=decay, noise=noise)
    if not all(minimum.decay):
        raise InvalidInput("decay", minimum.decay, "positive decays: without decay stationary points are not isolated levels")
    full = [_level(minimum, point) for point in minimum.stationary]
    active, omitted = _subnetworks(minimum)
    smaller = [level for widths_kept in active for level in _smaller(minimum, widths_kept)]
    levels = tuple(sorted((*full, *smaller), key=lambda level: (level.excess, isinf(level.lam))))
    limits = thresholds(moments, minimum.depth, minimum.noise_factor)
    return Landscape(minimum, levels, omitted, limits, uniqueness(moments, minimum.depth))


def uniqueness(moments: Moments, depth: int) -> Uniqueness:
    """Whether psi is certain to have at most one nonzero local minimum, by the eigenvalues alone.

    >>> found = uniqueness(Moments.from_moments([[1, 0], [0, 17]], [1, 1], 2), 3)
    >>> found.ratio, round(found.bound, 3), found.holds
    (17.0, 17.944, True)
    """
    seen = moments.eigenvalues[moments.coordinates != 0]
    ratio = float(seen.max() / seen.min()) if seen.size else 1.0
    hidden = depth - 1
    if hidden < 2:
        return Uniqueness(ratio, inf)
    half = (7 * hidden**2 - 1) / (hidden**2 - 1)
    return Uniqueness(ratio, half + sqrt(half**2 - 1))


def _level(minimum: Minimum, point: StationaryPoint) -> Level:
    """A level of the whole network."""
    kind, active = _kind(minimum, point), minimum.widths[1:-1]
    figures = (kind, point.loss, point.excess, point.energy, point.lam, active if point.energy else (0,) * len(active))
    if isinf(point.lam):
        return Level(*figures, _index_of_zero(minimum, point), "B13")
    if kind is LevelKind.GLOBAL:
        return Level(*figures, 0, "B5" if minimum.depth > 1 else "B4")
    if kind is LevelKind.LOCAL:
        return Level(*figures, 0, "B11")
    return Level(*figures, None, "B8")


def _kind(minimum: Minimum, point: StationaryPoint) -> LevelKind:
    if isinf(point.lam):
        best = minimum.verdict is not Verdict.NONTRIVIAL
    else:
        best = minimum.verdict is not Verdict.TRIVIAL and point.lam == minimum.lam
    if best:
        return LevelKind.GLOBAL
    kinds = {Kind.MINIMUM: LevelKind.LOCAL, Kind.MAXIMUM: LevelKind.BARRIER, Kind.SADDLE: LevelKind.SADDLE}
    return kinds.get(point.kind, LevelKind.DEGENERATE)


def _index_of_zero(minimum: Minimum, point: StationaryPoint) -> int:
    """With one hidden layer each neuron has one negative eigenvalue where |E[xy]|^2 exceeds the product of the decays."""
    return minimum.widths[1] if point.kind is Kind.SADDLE else 0


def _subnetworks(minimum: Minimum) -> tuple[list[tuple[int, ...]], int]:
    """Numbers of active neurons, not all of them, where a layer has noise; without noise fewer neurons change nothing."""
    hidden = minimum.widths[1:-1]
    counts = [range(1, d + 1) if s else (d,) for d, s in zip(hidden, minimum.noise, strict=True)]
    total = prod(len(c) for c in counts) - 1 if counts else 0
    if total > MOST_SUBNETWORKS:
        return [], total
    return [active for active in product(*counts) if active != hidden], 0


def _smaller(minimum: Minimum, active: tuple[int, ...]) -> Iterator[Level]:
    """The nonzero levels of a network with fewer neurons: saddles, one more negative direction for each neuron that is zero."""
    widths = (minimum.widths[0], *active, 1)
    found = minimise(minimum.moments, widths, decay=minimum.decay, noise=minimum.noise)
    index = minimum.widths[1] - active[0] if minimum.depth == 2 else None
    for point in found.stationary:
        if not isinf(point.lam):
            yield Level(LevelKind.SADDLE, point.loss, point.excess, point.energy, point.lam, active, index, "B8")
