r"""The Hessian of \(L = \tfrac12 |W_N \cdots W_1 X - Y|_F^2\) in all layers, without forming it.

Layers W_i of shape (d_i, d_{i-1}), W_1 acts first; X (d_0, n) and Y (d_N, n) have samples as COLUMNS; X = None means X = I.
There is no 1/n: for the loss 1/(2n) divide the trace and every eigenvalue by n. Layers (and data) may carry leading batch axes.

With heads \(A_i = W_N \cdots W_{i+1}\) and tails \(B_i = W_i \cdots W_1 X\),

    Tr H = sum_i |A_i|^2 |B_{i-1}|^2            for all layers,
    H = J^T J, J = [A_i kron B_{i-1}^T]          on the valley (P X - Y) X^T = 0: there
    rank H = sum_i (c_i - c_{i-1}) q_i,          c_i = rank A_i, c_0 = 0, q_i = rank B_{i-1}.

The valley is the set of all global minima unless a hidden layer is narrower than the rank of the targets that X can fit; a
global minimum of such a network does not lie on it, and its H is not J^T J.

The p x p matrix H is never formed: its nonzero eigenvalues are the squared singular values of J, whose rows are compressed to
the range of X^T; for two layers and X X^T = k I they are k (a + b), a and b the squared singular values of W_1 and W_2.

Source: own derivation, for the valley of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.dynamics import gradients, squared_slope
from theory.errors import InvalidInput

Array = NDArray[np.float64]
# Singular values of a product below this share of the product of its factors' norms count as zero.
RANK_TOLERANCE = 1e-12
# How far the layers may be from a global minimum, relative to the sizes of what is subtracted there.
VALLEY_TOLERANCE = 1e-8
WHITE = 1e-13
EPS = float(np.finfo(np.float64).eps)
STEP = 1e-100


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The nonzero spectrum of H at a point of the valley; every field may have leading batch axes.

    `eigenvalues` descend along the last axis; the first `rank` of them are the nonzero ones, the others are put to zero.
    `parameters` is p, the size of H.
    """

    eigenvalues: Array
    rank: NDArray[np.int64]
    parameters: int

    @property
    def trace(self) -> Array:
        return np.asarray(self.eigenvalues.sum(-1))

    @property
    def sharpness(self) -> Array:
        """The largest eigenvalue."""
        return np.asarray(self.eigenvalues[..., 0])

    @property
    def log_pseudo_determinant(self) -> Array:
        """The sum of the logarithms of the nonzero eigenvalues; 0 where there are none."""
        nonzero = np.arange(self.eigenvalues.shape[-1]) < self.rank[..., None]
        return np.asarray(np.log(np.where(nonzero, self.eigenvalues, 1.0)).sum(-1))

    @property
    def pseudo_determinant(self) -> Array:
        """The product of the nonzero eigenvalues; it may overflow where its logarithm does not."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_pseudo_determinant))


def hessian_trace(layers: Sequence[Any], X: Any = None) -> Any:
    """Tr H at any layers, whether or not they fit; the targets do not enter. A float, or an array over the batch.

    Raises `InvalidInput` for layers or data of shapes that do not fit together, and for entries that are not finite.

    >>> hessian_trace([[[1.0]], [[2.0]]], [[1.0]])
    5.0
    """
    W, data = checked(layers, X)
    A, B = heads(W), tails(W, data)
    return _plain(sum(_norm2(a) * _norm2(b) for a, b in zip(A[1:], B[:-1], strict=True)))


def hessian_spectrum(
    layers: Sequence[Any],
    X: Any = None,
    Y: Any = None,
    *,
    tolerance: float = VALLEY_TOLERANCE,
    rank_tolerance: float = RANK_TOLERANCE,
) -> Spectrum:
    """The nonzero eigenvalues of H on the valley (P X - Y) X^T = 0; with `Y` it is checked that the layers lie there.

    Without `Y` the targets are taken to be P X. With `Y`, |(P X - Y) X^T| may be `tolerance` times |X| (|X| prod |W_i| + |Y|);
    the residual itself need not vanish. Within the tolerance the eigenvalues are those of J^T J, and H differs from it by the
    second derivative of <(P X - Y) X^T, P>: smaller eigenvalues than that are not those of H. The number of nonzero ones is
    that of the rank formula, with ranks of products that leave out singular values below `rank_tolerance` times the product of
    the factors' norms. Raises `InvalidInput` off the valley, where one of these eigenvalues is below rounding, and as
    `hessian_trace` does.

    >>> found = hessian_spectrum([[[1.0], [0.0]], [[2.0, 0.0]]], Y=[[2.0]])
    >>> found.eigenvalues.tolist(), int(found.rank), found.parameters
    ([5.0], 1, 4)
    """
    W, data = checked(layers, X)
    if Y is not None:
        require_valley(W, data, checked_targets(W, data, Y), tolerance)
    values = _eigenvalues(W, data)
    rank = hessian_rank(layers, X, rank_tolerance=rank_tolerance)
    require_visible(values, rank, rank_tolerance)
    kept = np.arange(values.shape[-1]) < rank[..., None]
    return Spectrum(np.where(kept, values, 0.0), rank, sum(w.shape[-1] * w.shape[-2] for w in W))


def hessian_rank(layers: Sequence[Any], X: Any = None, *, rank_tolerance: float = RANK_TOLERANCE) -> NDArray[np.int64]:
    """rank H on the valley, by its formula."""
    c, q = head_and_tail_ranks(*checked(layers, X), rank_tolerance)
    c[0] = np.zeros_like(c[0])
    return np.asarray(sum((c[i] - c[i - 1]) * q[i - 1] for i in range(1, len(c))))


Ranks = list[NDArray[np.int64]]


def head_and_tail_ranks(W: Sequence[Array], data: Array, rank_tolerance: float = RANK_TOLERANCE) -> tuple[Ranks, Ranks]:
    """The ranks of A_0, ..., A_N and of B_0, ..., B_N.

    Singular values below the tolerance times the product of the factors' norms are zero: a product of which only rounding is
    left has rank 0.
    """
    if not 0 < rank_tolerance < 1:
        raise InvalidInput("rank_tolerance", rank_tolerance, "a number between 0 and 1")
    sizes = [_operator(w) for w in W]
    above, below = [1.0 + 0 * _operator(data)], [_operator(data)]
    for w in reversed(sizes):
        above.append(above[-1] * w)
    for w in sizes:
        below.append(below[-1] * w)
    c = [_rank(a, s * rank_tolerance) for a, s in zip(heads(W), reversed(above), strict=True)]
    q = [_rank(b, s * rank_tolerance) for b, s in zip(tails(W, data), below, strict=True)]
    return c, q


def log_pseudo_determinant(layers: Sequence[Any], X: Any = None, Y: Any = None, **tolerances: float) -> Any:
    """The sum of the logarithms of the nonzero eigenvalues of H on the valley; arguments as for `hessian_spectrum`.

    >>> round(float(np.exp(log_pseudo_determinant([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 2.0]]]))), 9)
    400.0
    """
    return _plain(hessian_spectrum(layers, X, Y, **tolerances).log_pseudo_determinant)


def pseudo_determinant(layers: Sequence[Any], X: Any = None, Y: Any = None, **tolerances: float) -> Any:
    """The product of the nonzero eigenvalues of H on the valley; arguments as for `hessian_spectrum`."""
    return _plain(hessian_spectrum(layers, X, Y, **tolerances).pseudo_determinant)


def hessian_matrix(layers: Sequence[Any], X: Any, Y: Any) -> Array:
    """H itself (p x p, layers one after the other, each row by row), at any layers: the slow way, to check the others by.

    Each column is a derivative of the gradient by a complex step, exact to rounding. No batch axes.
    """
    W, data = checked(layers, X)
    if W[0].ndim != 2:
        raise InvalidInput("layers", f"batch axes {W[0].shape[:-2]}", "one network, without batch axes")
    slope, columns = squared_slope(data, checked_targets(W, data, Y)), []
    for i, w in enumerate(W):
        for place in np.ndindex(w.shape):
            moved = w.astype(complex)
            moved[place] += 1j * STEP
            G = gradients([*W[:i], moved, *W[i + 1 :]], slope)
            columns.append(np.concatenate([np.imag(g).ravel() / STEP for g in G]))
    return np.array(columns)


# -- parts ---------------------------------------------------------------------------------------------------------------


def heads(W: Sequence[Array]) -> list[Array]:
    """A_0 = W_N ... W_1, ..., A_{N-1} = W_N, A_N = I."""
    d = W[-1].shape[-2]
    out = [np.broadcast_to(np.eye(d), (*W[0].shape[:-2], d, d))]
    for w in reversed(W):
        out.append(out[-1] @ w)
    return out[::-1]


def tails(W: Sequence[Array], X: Array) -> list[Array]:
    """B_0 = X, B_1 = W_1 X, ..., B_N = P X."""
    out = [X]
    for w in W:
        out.append(w @ out[-1])
    return out


def compressed(X: Array) -> Array:
    """X without its null directions: R with R R^T = X X^T and at most d_0 columns; the nonzero spectra are those of X."""
    if X.shape[-1] <= X.shape[-2]:
        return X
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    return np.asarray(U * s[..., None, :])


def jacobian(W: Sequence[Array], X: Array) -> Array:
    """J = [A_i kron B_{i-1}^T], of shape (d_N n, p): the derivative of the fitted values, row by row."""
    blocks = []
    for a, b in zip(heads(W)[1:], tails(W, X)[:-1], strict=True):
        block = np.einsum("...ab,...cd->...adbc", a, b)
        rows, cols = a.shape[-2] * b.shape[-1], a.shape[-1] * b.shape[-2]
        blocks.append(block.reshape(*block.shape[:-4], rows, cols))
    return np.concatenate(blocks, axis=-1)


def whiteness(X: Array) -> float | None:
    """k where X X^T = k I (for one X, without batch axes), else None."""
    if X.ndim != 2 or X.shape[0] > X.shape[1]:
        return None
    S = X @ X.T
    k = float(np.trace(S)) / len(S)
    return k if np.abs(S - k * np.eye(len(S))).max() <= WHITE * abs(k) else None


def _eigenvalues(W: Sequence[Array], X: Array) -> Array:
    """Those of J J^T, descending, zeros among them."""
    k = whiteness(X)
    if len(W) == 2 and k is not None:
        a, b = _squares(W[0], W[0].shape[-1]), _squares(W[1], W[1].shape[-2])
        sums = k * (b[..., :, None] + a[..., None, :])
        return np.asarray(-np.sort(-sums.reshape(*sums.shape[:-2], -1), axis=-1))
    J = jacobian(W, compressed(X))
    return np.asarray(np.linalg.svd(J, compute_uv=False) ** 2)


def _squares(w: Array, count: int) -> Array:
    """The squared singular values and as many zeros as make them `count`."""
    s = np.linalg.svd(w, compute_uv=False) ** 2
    return np.concatenate([s, np.zeros((*s.shape[:-1], count - s.shape[-1]))], axis=-1)


def _norm2(x: Array) -> Array:
    return np.asarray((x * x).sum((-2, -1)))


def _operator(x: Array) -> Array:
    return np.asarray(np.linalg.norm(x, 2, axis=(-2, -1)))


def _rank(x: Array, least: Array) -> NDArray[np.int64]:
    return np.asarray((np.linalg.svd(x, compute_uv=False) > least[..., None]).sum(-1))


def _plain(x: Any) -> Any:
    return float(x) if np.ndim(x) == 0 else x


# -- checks --------------------------------------------------------------------------------------------------------------


def checked(layers: Sequence[Any], X: Any) -> tuple[list[Array], Array]:
    """Layers and data as float64 arrays that fit together and have one batch shape (X = None: the identity)."""
    W = [real(f"layer {i}", w) for i, w in enumerate(layers, 1)]
    if not W:
        raise InvalidInput("layers", [], "at least one layer")
    for i, (a, b) in enumerate(pairwise(W), 2):
        if a.shape[-2] != b.shape[-1]:
            raise InvalidInput(f"layer {i}", b.shape, f"{a.shape[-2]} columns, as many as layer {i - 1} has rows")
    data = np.eye(W[0].shape[-1]) if X is None else real("X", X)
    if data.shape[-2] != W[0].shape[-1]:
        expected = f"{W[0].shape[-1]} rows, as many as layer 1 has columns; samples are columns"
        raise InvalidInput("X", f"shape {data.shape}", expected)
    batch = {w.shape[:-2] for w in W}
    if len(batch) > 1 or (data.ndim > 2 and data.shape[:-2] not in batch):
        raise InvalidInput("layers", [w.shape for w in W], "the same batch axes for all layers, and for X if it has any")
    return W, data


def checked_targets(W: Sequence[Array], X: Array, Y: Any) -> Array:
    """Y as a float64 array of the shape of P X."""
    Z = real("Y", Y)
    shape = (W[-1].shape[-2], X.shape[-1])
    if Z.shape[-2:] != shape:
        raise InvalidInput("Y", f"shape {Z.shape}", f"shape {shape}: outputs by samples")
    return Z


def require_visible(values: Array, rank: NDArray[np.int64], rank_tolerance: float = RANK_TOLERANCE) -> None:
    """`InvalidInput` if one of the first `rank` of the descending squared singular values is below rounding."""
    kept = np.arange(values.shape[-1]) < rank[..., None]
    if (kept & (values <= (values.shape[-1] * EPS) ** 2 * values[..., :1])).any():
        expected = "a larger one: the rank formula counts eigenvalues that are lost in rounding"
        raise InvalidInput("rank_tolerance", rank_tolerance, expected)


def require_valley(W: Sequence[Array], X: Array, Y: Array, tolerance: float) -> None:
    """`InvalidInput` unless (P X - Y) X^T is zero within the tolerance: only there H is J^T J."""
    if not 0 <= tolerance < 1:
        raise InvalidInput("tolerance", tolerance, "a number between 0 and 1")
    slope = (tails(W, X)[-1] - Y) @ np.swapaxes(X, -1, -2)
    size = _norm2(X) ** 0.5
    scale = size * (size * np.prod([_norm2(w) ** 0.5 for w in W], axis=0) + _norm2(Y) ** 0.5)
    off = np.max(np.divide(_norm2(slope) ** 0.5, scale, out=np.zeros(np.shape(scale)), where=scale > 0))
    if not off <= tolerance:
        expected = f"|(P X - Y) X^T| at most {tolerance:g} of its scale, where H = J^T J; it is {off:.3g}"
        raise InvalidInput("Y", "targets that the layers do not fit as well as a linear map can", expected)


def real(argument: str, value: Any) -> Array:
    """A finite real matrix, or a batch, as float64."""
    try:
        x = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
    except ValueError:
        raise InvalidInput(argument, "rows of different lengths", "a real matrix (or a batch)") from None
    if x.ndim < 2 or not x.size or x.dtype.kind not in "iufb":
        raise InvalidInput(argument, f"an array of shape {x.shape} of {x.dtype}", "a real matrix (or a batch), not empty")
    if not np.isfinite(x).all():
        raise InvalidInput(argument, "a value that is not finite", "finite entries")
    return x.astype(np.float64)
