r"""How large a step gradient descent may take from a given initialisation on given data, and how fast it then converges.

`learning_rate_bound(layers, X, Y)` is the guarantee of the theorems `alignment.one_mode` and `alignment.network_rate`: if the
layers are aligned with the data and every mode has a positive target and a positive product, then descent with any step up
to `learning_rate` does not overshoot and \(L(t) - L^* \le \rho^{2t} (L(0) - L^*)\). Where a hypothesis fails, the result says
which. Least squares (one layer) needs none of them.
Source: arXiv:2003.06340 announces linear convergence; the constants are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf, prod
from typing import Any

import numpy as np

from numerics.alignment import checked_layers, checked_tolerance
from numerics.alignment_bases import Array, spectral_norm
from numerics.data_alignment import data_alignment
from theory.errors import DeeplinError, InvalidInput

COMBINATIONS = 4  # random mixtures of the matrices to be diagonalised together; the best is taken


class Hypothesis(Enum):
    """What the guarantee needs; the values are the messages of a failure."""

    DATA = "the data have no common singular bases: X X^T and Y X^T are not diagonal in any U, V"
    ALIGNED = "the layers are not aligned with the data: their singular vectors are not those of the data"
    PRODUCT = "a mode with a target has product zero: it does not move (a zero layer, or more targets than the least width)"
    SIGN = "a mode has a product of the sign opposite to its target"
    TARGET = "a mode has target zero but a nonzero product: the convergence is sublinear for depth >= 2"


class NotGuaranteed(DeeplinError, ValueError):
    """The guarantee does not hold; the text says which hypotheses fail."""


@dataclass(frozen=True)
class Mode:
    """One mode: its singular values in the layers, and its data s and c (of the sign of the target along the layers)."""

    values: tuple[float, ...]
    s: float
    c: float

    @property
    def depth(self) -> int:
        return len(self.values)

    @property
    def product(self) -> float:
        return prod(self.values)

    @property
    def target(self) -> float:
        return self.c / self.s

    @property
    def learning_rate(self) -> float:
        """1 / (N s M^(2N-2)) with M^2 = a^(2/N) + max sigma^2 - min sigma^2 below the target, M = max sigma above."""
        n, squares = self.depth, [x * x for x in self.values]
        below = abs(self.product) <= abs(self.target)
        most = abs(self.target) ** (2 / n) + max(squares) - min(squares) if below else max(squares)
        return float(1 / (n * self.s * most ** (n - 1)))

    def factor(self, learning_rate: float) -> float:
        """1 - eta N s min(pi, a)^(2 - 2/N): by this |a - pi| shrinks in a step, at least."""
        least = min(abs(self.product), abs(self.target))
        return float(1 - learning_rate * self.depth * self.s * least ** (2 - 2 / self.depth))


@dataclass(frozen=True)
class RateBound:
    """The guarantee, or why there is none.

    `learning_rate` is the largest step that it covers (None where it fails), `rate` the factor rho for that step; `modes`
    are the active modes; `misalignment` is the largest relative residual of the bases found, `tolerance` what was allowed.
    """

    learning_rate: float | None
    rate: float | None
    failures: tuple[Hypothesis, ...]
    modes: tuple[Mode, ...]
    misalignment: float
    tolerance: float

    @property
    def guaranteed(self) -> bool:
        return not self.failures

    def rate_at(self, learning_rate: float) -> float:
        """rho for a smaller step. Raises `NotGuaranteed`, and `InvalidInput` for a step that is not covered.

        >>> bound = learning_rate_bound([[[1.0]], [[1.0]]], [[1.0]], [[1.0]])
        >>> bound.rate_at(0.25)
        0.5
        """
        self.require()
        most = self.learning_rate or 0.0
        if not 0 < learning_rate <= most:
            raise InvalidInput("learning_rate", learning_rate, f"a step in (0, {most:.6g}]")
        return max((m.factor(learning_rate) for m in self.modes), default=0.0)

    def require(self) -> RateBound:
        """The bound itself; raises `NotGuaranteed` where a hypothesis fails."""
        if self.failures:
            raise NotGuaranteed("; ".join(f.value for f in self.failures))
        return self

    def __str__(self) -> str:
        if self.failures:
            return "no guarantee: " + "; ".join(f.value for f in self.failures)
        return f"learning rate up to {self.learning_rate:.6g}, loss falls by rho^2 a step, rho = {self.rate:.6g}"


def learning_rate_bound(layers: Sequence[Any], X: Any, Y: Any, tolerance: float | None = None) -> RateBound:
    r"""The largest step with a guaranteed linear rate for \(\frac12|W_N\cdots W_1 X - Y|^2\) from these layers, and the rate.

    `layers` are W_1, ..., W_N (numpy, torch, lists), W_i of shape (d_i, d_{i-1}); X is (d_0, n), Y is (d_N, n): a sample is a
    column. `tolerance` bounds the misalignment, relative to the norms of layers and data; by default it follows the precision.
    Raises `InvalidInput` for shapes that do not fit or values that are not finite.

    >>> print(learning_rate_bound([[[0.5, 0], [0, 0.5]]] * 2, [[2.0, 0], [0, 1.0]], [[2.0, 0], [0, 1.0]]))
    learning rate up to 0.125, loss falls by rho^2 a step, rho = 0.9375
    >>> learning_rate_bound([[[1.0]], [[-1.0]]], [[1.0]], [[1.0]]).failures[0].name
    'SIGN'
    """
    W, eps = checked_layers(layers)
    allowed = checked_tolerance(tolerance, eps)
    x, y = _data("X", X, W[0].shape[1]), _data("Y", Y, W[-1].shape[0])
    if x.shape[1] != y.shape[1]:
        raise InvalidInput("Y", f"{y.shape[1]} columns", f"{x.shape[1]}, one for each column of X")
    S, C = x @ x.T, y @ x.T
    if len(W) == 1:
        return _regression(S, allowed)
    found = min((_Basis(W, S, C, V, allowed) for V in _joint_bases(W, S, C)), key=lambda b: max(b.data, b.layers))
    return _judged(found, data_alignment(x, y, allowed).distance)


def _data(name: str, values: Any, rows: int) -> Array:
    raw = np.asarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values)
    try:
        out = raw.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(name, values, "a real matrix") from None
    if out.ndim != 2 or out.shape[0] != rows or not out.size or not np.isfinite(out).all():
        raise InvalidInput(name, f"an array of shape {out.shape}", f"a finite matrix with {rows} rows, one column a sample")
    return out


# -- bases --------------------------------------------------------------------------------------------------------------


def _joint_bases(W: Sequence[Array], S: Array, C: Array) -> Iterator[Array]:
    """Eigenbases of mixtures of what must be diagonal at the input: S, C^T C, C^T P and the Gram matrices of W_i ... W_1."""
    parts, product = [S, C.T @ C], np.eye(len(S))
    for layer in W:
        product = layer @ product
        parts.append(product.T @ product)
    cross = C.T @ product
    parts = [p / (spectral_norm(p) or 1.0) for p in (*parts, cross + cross.T)]
    for seed in range(COMBINATIONS):
        weights = np.random.default_rng(seed).uniform(0.5, 1.5, len(parts))
        yield np.linalg.eigh(sum(w * p for w, p in zip(weights, parts, strict=True)))[1]


class _Basis:
    """The modes in a basis V of the input, and how far layers and data are from diagonal in the bases that V generates."""

    def __init__(self, W: Sequence[Array], S: Array, C: Array, V: Array, tolerance: float) -> None:
        self.tolerance, self.scale = tolerance, (spectral_norm(S) or 1.0, spectral_norm(C) or 1.0)
        self.second, self.V = np.einsum("ip,ij,jp->p", V, S, V), V
        gram = V.T @ C.T @ C @ V
        apart = [self._off(V.T @ S @ V) / self.scale[0], self._off(gram) / self.scale[1] ** 2]
        self.data, self.layers = max(apart), 0.0
        self.modes = [self._mode(W, C, V[:, p], float(self.second[p])) for p in range(V.shape[1])]

    @staticmethod
    def _off(a: Array) -> float:
        return float(np.linalg.norm(a - np.diag(np.diag(a))))

    def _mode(self, W: Sequence[Array], C: Array, v: Array, s: float) -> Mode:
        """The chain v, W_1 v, W_2 W_1 v, ...: its lengths, and the target along its end."""
        values: list[float] = []
        q = v
        for layer in W:
            norm = spectral_norm(layer) or 1.0
            image = layer @ q
            size = float(np.linalg.norm(image))
            self.layers = max(self.layers, float(np.linalg.norm(layer.T @ image - size**2 * q)) / norm**2)
            if size <= self.tolerance * norm:
                return Mode((*values, *[0.0] * (len(W) - len(values))), s, float(np.linalg.norm(C @ v)))
            values, q = [*values, size], image / size
        c = float(q @ C @ v)
        self.layers = max(self.layers, float(np.linalg.norm(C @ v - c * q)) / self.scale[1])
        return Mode(tuple(values), s, c)

    def targeted(self, m: Mode) -> bool:
        return abs(m.c) > self.tolerance * self.scale[1]

    def seen(self, m: Mode) -> bool:
        return m.s > self.tolerance * self.scale[0]


def _regression(S: Array, tolerance: float) -> RateBound:
    """One layer: least squares, without hypotheses; every eigenvalue s > 0 is a mode with the factor 1 - eta s."""
    values = np.linalg.eigvalsh(S)
    modes = tuple(Mode((1.0,), float(s), float(s)) for s in values if s > tolerance * values[-1])
    return _guarantee(modes, 0.0, tolerance)


def _guarantee(modes: tuple[Mode, ...], misalignment: float, tolerance: float) -> RateBound:
    rate = min((m.learning_rate for m in modes), default=inf)
    return RateBound(rate, max((m.factor(rate) for m in modes), default=0.0), (), modes, misalignment, tolerance)


def _judged(found: _Basis, apart: float) -> RateBound:
    """Active modes, failures, bound and rate. Modes without data (s = 0), or with target and product zero, do not move."""
    worst = max(apart, found.data, found.layers)
    if worst > found.tolerance:
        why = Hypothesis.DATA if apart > found.tolerance else Hypothesis.ALIGNED
        return RateBound(None, None, (why,), (), worst, found.tolerance)
    seen = [m for m in found.modes if found.seen(m)]
    active = tuple(m for m in seen if found.targeted(m) and m.product)
    failures = {
        Hypothesis.PRODUCT: any(found.targeted(m) and not m.product for m in seen),
        Hypothesis.SIGN: any(m.c < 0 for m in active),
        Hypothesis.TARGET: any(not found.targeted(m) and m.product for m in seen),
    }
    failed = tuple(h for h, fails in failures.items() if fails)
    if failed:
        return RateBound(None, None, failed, active, worst, found.tolerance)
    return _guarantee(active, worst, found.tolerance)
