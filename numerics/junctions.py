r"""What training cannot do: bounds on the rank of the product W_N ... W_1 at all later times, with the reason.

Layers W_1, ..., W_N (W_1 acts first), squared loss. The junction of the hidden layer i is M_i = [W_i, W_{i+1}^T]. A step of
gradient descent, on any data and at any rate, is M_i^+ = M_i S_i, so the column space of M_i never grows (`rank.junction`).
That holds with minibatches, noise in inputs and labels, Gaussian noise with the covariance of the minibatch gradients,
weight decay and momentum (from zero), and for gradient flow. A mask on the hidden neurons that all samples of a step share
(shared-dropout) can double rank M_i in a step. Masks of each sample (dropout, as frameworks do it) and masks on the weights
(DropConnect) obey only what is left: neurons without weights in either direction stay dead.
Noise that is added to all weights or gradients, with a density, obeys none of these bounds: the product has the rank that
the widths allow at once.

>>> first = [[1, 2], [2, 4]]
>>> bound = junction_bound([first, first], training="label-noise")
>>> bound.rank, bound.widest
(1, 2)
>>> print(bound)
rank W_2 ... W_1 <= 1 at all times (label-noise); it is 1 now, the widths allow 2
  hidden layer 1: [W_1, W_2^T] has rank 1, and no data, labels or step sizes add a direction to its columns

Sources: arXiv:1807.08140 (the topic); own derivation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from theory.errors import InvalidInput

Array = NDArray[np.float64]

# Training whose steps are M_i^+ = M_i S_i, for every law of the noise; the others weaken the bound.
THROUGH_DATA = ("gd", "sgd", "flow", "label-noise", "input-noise", "batch-noise", "weight-decay", "momentum")
MASKS = ("dropout", "shared-dropout", "dropconnect")
ADDITIVE = ("weight-noise", "gradient-noise")
TRAINING = (*THROUGH_DATA, *MASKS, *ADDITIVE)


@dataclass(frozen=True)
class Limit:
    """One bound on the rank: of which kind, at which layer (None: the network), how large, and why."""

    kind: str
    layer: int | None
    rank: int
    why: str

    def __str__(self) -> str:
        return self.why if self.layer is None else f"{self.kind} layer {self.layer}: {self.why}"


@dataclass(frozen=True)
class JunctionBound:
    """`rank` bounds the rank of the product after any number of steps (`steps` of them where they are given).

    `now` is the rank of the product at the start, `widest` the least width. `limits` are all bounds that apply; `binding` those
    that are attained by the least. With a `cut` the bound is a guess (see `junction_bound`). It prints as sentences.
    """

    rank: int
    now: int
    widest: int
    depth: int
    training: tuple[str, ...]
    steps: int | None
    limits: tuple[Limit, ...]
    cut: float | None = None

    @property
    def binding(self) -> tuple[Limit, ...]:
        return tuple(x for x in self.limits if x.rank == self.rank)

    def __str__(self) -> str:
        when = "at all times" if self.steps is None else f"after {self.steps} step{'s' * (self.steps != 1)}"
        product = "W_1" if self.depth == 1 else f"W_{self.depth} ... W_1"
        head = f"rank {product} <= {self.rank} {when} ({', '.join(self.training)})"
        if self.cut is not None:
            head += f" if what is below {self.cut:g} sigma_1 does not grow (it may)"
        head += f"; it is {self.now} now, the widths allow {self.widest}"
        return "\n".join([head, *(f"  {x}" for x in self.binding)])


def junction_bound(
    layers: Sequence[Any],
    data: tuple[Any, Any] | None = None,
    *,
    training: str | Sequence[str] = "gd",
    steps: int | None = None,
    cut: float | None = None,
) -> JunctionBound:
    """The bound on the rank of the product that this training cannot beat, with what binds.

    `layers` are W_1, ..., W_N; `data` = (X, Y), shapes d_0 x n and d_N x n: all samples that training may draw from (with
    noise where the training says so). `training` is one name of `TRAINING` or several. `steps` bounds the number of steps,
    which matters with shared-dropout alone. Ranks are exact, floats being the dyadic rationals that they are (numbers that
    are no floats, such as 1/3, are refused). With `cut` they count the singular values above cut * sigma_1, and the bound is
    no theorem any more: training can make the small ones grow (W_1 = W_2 = diag(1, 1e-7) reaches the labels I, of rank 2).
    Raises `InvalidInput`.
    """
    W = _layers(layers)
    how = _training(training)
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 0):
        raise InvalidInput("steps", steps, "a number of steps >= 0")
    if cut is not None and not (isinstance(cut, float) and 0 < cut < 1):
        raise InvalidInput("cut", cut, "a number between 0 and 1")
    network = _Network(W, how, steps, cut, None if data is None else _data(data, W))
    limits = tuple(network.limits())
    least = min(x.rank for x in limits)
    return JunctionBound(least, network.rank_now(), min(network.widths), len(W), how, steps, limits, cut)


# -- reading ------------------------------------------------------------------------------------------------------------


def floats(argument: str, x: Any) -> Array:
    """The matrix in float64, if that changes no entry."""
    given = x if hasattr(x, "dtype") else np.asarray(x, dtype=object)
    try:
        if np.iscomplexobj(given):
            raise TypeError("complex numbers")
        out = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(argument, x, "a matrix of numbers") from None
    if out.ndim != 2 or not out.size:
        raise InvalidInput(argument, f"shape {out.shape}", "a matrix with at least one entry")
    if not np.isfinite(out).all():
        raise InvalidInput(argument, "entries that are not finite", "finite numbers")
    if not (np.asarray(given, dtype=object) == out).all():  # Python compares a float with an integer or a fraction exactly
        raise InvalidInput(argument, "entries that float64 would round", "numbers that are floats")
    return out


def _layers(layers: Sequence[Any]) -> list[Array]:
    if not len(layers):
        raise InvalidInput("layers", layers, "at least one matrix")
    W = [floats(f"layers[{k}]", x) for k, x in enumerate(layers)]
    for k, (low, high) in enumerate(pairwise(W), 1):
        if high.shape[1] != low.shape[0]:
            raise InvalidInput(f"layers[{k}]", f"shape {high.shape}", f"{low.shape[0]} columns")
    return W


def _training(training: str | Sequence[str]) -> tuple[str, ...]:
    names = (training,) if isinstance(training, str) else tuple(training)
    for name in names:
        if name not in TRAINING:
            raise InvalidInput("training", name, f"one of {', '.join(TRAINING)}")
    if not names or ("flow" in names and not {*names} <= {"flow", "weight-decay"}):
        raise InvalidInput("training", names, "at least one name; gradient flow goes with weight-decay alone")
    return tuple(dict.fromkeys(names))


def _data(data: tuple[Any, Any], W: Sequence[Array]) -> tuple[Array, Array]:
    if len(data) != 2:
        raise InvalidInput("data", f"{len(data)} arrays", "the pair (X, Y)")
    X, Y = (floats(name, x) for name, x in zip("XY", data, strict=True))
    if X.shape[0] != W[0].shape[1] or Y.shape[0] != W[-1].shape[0] or X.shape[1] != Y.shape[1]:
        expected = f"{W[0].shape[1]} and {W[-1].shape[0]} rows, as many columns of X as of Y"
        raise InvalidInput("data", f"shapes {X.shape} and {Y.shape}", expected)
    return X, Y


def integers(x: Array) -> fmpz_mat:
    """The matrix of dyadic rationals that the floats are, times a power of two that makes them integers."""
    ratios = [float(v).as_integer_ratio() for v in x.ravel()]
    common = max(q for _, q in ratios)  # denominators are powers of two
    return fmpz_mat(*x.shape, [p * (common // q) for p, q in ratios])


def exact_rank(x: Array) -> int:
    """The rank of the matrix of dyadic rationals that the floats are."""
    used = x[x.any(axis=1)][:, x.any(axis=0)]
    return tall_rank(integers(used)) if used.size else 0


def tall_rank(x: fmpz_mat) -> int:
    """The rank: flint is a thousand times faster at full rank where the matrix is tall."""
    return int((x if x.nrows() >= x.ncols() else x.transpose()).rank())


def scaled(x: Array) -> Array:
    """x over its largest entry: of the same rank, without overflow."""
    top = np.abs(x).max()
    return np.asarray(x / top if top else x)


def cut_rank(x: Array, cut: float) -> int:
    """The number of singular values above cut * sigma_1."""
    sigma = np.linalg.svd(scaled(x), compute_uv=False)
    return int((sigma > cut * sigma[0]).sum())


# -- limits -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Network:
    layers: list[Array]
    training: tuple[str, ...]
    steps: int | None
    cut: float | None
    data: tuple[Array, Array] | None

    @property
    def widths(self) -> list[int]:
        return [self.layers[0].shape[1], *(W.shape[0] for W in self.layers)]

    def rank(self, x: Array) -> int:
        return exact_rank(x) if self.cut is None else cut_rank(x, self.cut)

    def rank_now(self) -> int:
        """The rank of the product, multiplied out exactly unless there is a cut."""
        if self.cut is not None:
            out = scaled(self.layers[0])
            for W in self.layers[1:]:
                out = scaled(scaled(W) @ out)
            return self.rank(out)
        whole = integers(self.layers[0])
        for W in self.layers[1:]:
            whole = integers(W) * whole
        return tall_rank(whole)

    def uses(self, *names: str) -> bool:
        return any(x in self.training for x in names)

    def limits(self) -> Iterator[Limit]:
        yield self.narrowest()
        if self.uses(*ADDITIVE):
            return
        for i in range(1, len(self.layers)):
            if not self.uses(*MASKS):
                yield self.junction(i)
            elif self.steps is not None and not self.uses("dropout", "dropconnect"):
                yield self.doubled(i)
            yield from self.dead(i)
        yield from self.ends()

    def narrowest(self) -> Limit:
        k = int(np.argmin(self.widths))
        why = f"the width d_{k} is {self.widths[k]}"
        if self.uses(*ADDITIVE):
            why += "; noise with a density that is added to all layers reaches this rank almost surely in one step"
        return Limit("widths", None, self.widths[k], why)

    def joined(self, i: int) -> Array:
        """M_i."""
        return np.hstack([self.layers[i - 1], self.layers[i].T])

    def junction(self, i: int) -> Limit:
        r = self.rank(self.joined(i))
        kept = "no data, labels or step sizes add a direction to its columns"
        if self.uses("flow"):
            kept = "gradient flow keeps this rank"
        return Limit("hidden", i, r, f"[W_{i}, W_{i + 1}^T] has rank {r}, and {kept}")

    def doubled(self, i: int) -> Limit:
        """Dropout with one mask a step: at most twice the rank."""
        start, steps = self.rank(self.joined(i)), self.steps or 0
        r = min(start << min(steps, 64), self.widths[i])
        why = f"[W_{i}, W_{i + 1}^T] has rank {start}, and one mask a step at most doubles it in each of {steps}"
        return Limit("hidden", i, r, why)

    def dead(self, i: int) -> Iterator[Limit]:
        """The rows of M_i that are zero, if there are any."""
        live = np.asarray(self.joined(i).any(axis=1))
        names = [str(j + 1) for j in np.flatnonzero(~live)]
        if names:
            which = f"neuron{'s' * (len(names) > 1)} {', '.join(names[:8])}{', ...' * (len(names) > 8)}"
            why = f"{which} of {len(live)} without weights in and out, which is for ever (dead)"
            yield Limit("hidden", i, int(live.sum()), why)

    def ends(self) -> Iterator[Limit]:
        """What inputs and labels can teach the two outer layers, where they come without noise of their own."""
        if self.data is None:
            return
        (X, Y), first, last = self.data, self.layers[0], self.layers[-1]
        n = len(self.layers)
        if not self.uses("input-noise"):
            yield self.end("inputs", 1, np.hstack([first.T, X]), "the rows of W_1 and the inputs")
        if not self.uses("label-noise"):
            yield self.end("labels", n, np.hstack([last, Y]), f"the columns of W_{n} and the labels")

    def end(self, kind: str, layer: int, joined: Array, what: str) -> Limit:
        if self.uses("dropconnect"):  # masks on the weights keep single coordinates only
            r = int(np.count_nonzero(joined.any(axis=1)))
            return Limit(kind, layer, r, f"{what} use {r} coordinates of {len(joined)}")
        r = self.rank(joined)
        return Limit(kind, layer, r, f"{what} span {r} dimensions together, which no step leaves")
