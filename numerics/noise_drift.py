r"""Where gradient noise drives a deep linear network along the valley of global minimisers, in closed form.

Layers W_1, ..., W_N (W_1 acts first) with product P, inputs X (d_0 x n), labels Y, loss L = 1/2 |P X - Y|^2 with its gradient
zero by the product, (P X - Y) X^T = 0: then the Hessian of L is H = J^T J with J the Jacobian of vec(P X), and labels do not
enter. Parameters are the entries of the layers, W_1 first, each layer row by row. Noise with covariance Sigma of one step
theta^+ = theta - eta (grad L + xi) drives, per unit of the slow time t = k eta^2,

    b = -1/2 P_T nabla^3 L[A] - P_T nabla^3 L[H^+ Sigma_NT] - 1/2 H^+ nabla^3 L[Sigma_TT],   H A + A H = Sigma_NN.

If Sigma_TT is not zero the motion is a diffusion on the valley; b is then its mean velocity, and the rates are those of means.

Source: arXiv:2110.06914 for the drift; arXiv:1910.00195 for the question.

>>> found = drift([np.array([[1.0]]), np.array([[2.0]])], np.eye(1), "label")
>>> [round(x, 12) for x in (found.velocity[0].item(), found.velocity[1].item(), found.trace_rate, found.logdet_rate)]
[0.3, -0.6, -1.8, -0.36]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from numerics import hessian
from numerics.hessian import Array, head_and_tail_ranks, hessian_rank, jacobian, require_visible
from theory.errors import InvalidInput

Spectral = Callable[[Array], ArrayLike]
Noise = str | Spectral | ArrayLike
# Noise along the valley below this share of the whole is rounding.
ROUNDING = 1e-12
# The spectral functions phi of Sigma = phi(H), phi(0) = 0, that have names.
NAMED: dict[str, Spectral] = {"label": lambda x: x, "isotropic normal": np.ones_like}


@dataclass(frozen=True)
class Drift:
    """`velocity`, of the shapes of the layers, per unit of slow time; the rates of Tr H and of log pdet H (the product of the
    nonzero eigenvalues of H), whose number is `rank`. `diffuses` says that noise along the valley makes them rates of means."""

    velocity: tuple[Array, ...]
    trace_rate: float
    logdet_rate: float
    rank: int
    diffuses: bool


def drift(layers: Sequence[ArrayLike], X: ArrayLike | None, noise: Noise, scale: float = 1.0) -> Drift:
    """The drift of noise with covariance `scale` times Sigma, where Sigma is

    - "label": H (full-batch label noise of variance `scale`),
    - "isotropic normal": the projection on the range of H,
    - "isotropic": the identity on all parameters,
    - a function phi: phi(H), applied to an array of the nonzero eigenvalues, and zero on the kernel of H,
    - a matrix of all parameters, symmetric and positive semidefinite.

    X = None: X = I. Raises `InvalidInput` for layers that do not chain, numbers that are not finite, a matrix that is no
    covariance, at a point that is not known to be regular (see `check_regular`), and where a nonzero eigenvalue of H is below
    rounding.
    """
    net = Valley.of(layers, X)
    check_regular(net.layers, net.X)
    if not (np.isfinite(scale) and scale >= 0):
        raise InvalidInput("scale", scale, "a finite number >= 0")
    sigma = scale * net.in_eigenbasis(noise)
    return net.drift(sigma)


@dataclass(frozen=True)
class Valley:
    """A network on the valley: its Jacobian J (m x p) and H = sum_k values[k] u_k u_k^T, u_k the columns of `basis`.

    The first `rank` columns span the range of H, the others its kernel (where `values` are 0); `left` has the directions of
    J u_k as its columns, orthonormal, for the first ones.
    """

    layers: tuple[Array, ...]
    X: Array
    J: Array
    left: Array
    basis: Array
    values: Array
    rank: int

    @classmethod
    def of(cls, layers: Sequence[ArrayLike], X: ArrayLike | None) -> Valley:
        W, data = checked(layers, X)
        J = jacobian(W, data)
        left, singular, basis = np.linalg.svd(J, full_matrices=True)
        rank = int(hessian_rank(W, data))
        require_visible(singular**2, np.asarray(rank))
        values = np.zeros(J.shape[1])
        values[:rank] = singular[:rank] ** 2
        return cls(W, data, J, left[:, :rank], basis.T, values, rank)

    # -- derivatives

    def bent(self, v: Array, w: Array) -> Array:
        """d^2 f[v, w], of length m, for vectors of parameters."""
        return (second(self.layers, self.X, v + w) - second(self.layers, self.X, v) - second(self.layers, self.X, w)) / 2

    def third(self, A: Array) -> Array:
        """nabla^3 L[U A U^T] in the eigenbasis U: the sum over parameters b, c of d_a d_b d_c L (U A U^T)_bc, times U^T.

        With A = sum_k a_k q_k q_k^T: sum_k a_k (2 (d_{q_k} J)^T J q_k + J^T d^2 f[q_k, q_k]).
        """
        weights, Q = np.linalg.eigh((A + A.T) / 2)
        total = np.zeros(len(A))
        for a, q in zip(weights, (self.basis @ Q).T, strict=True):
            if a:  # a small weight can belong to a large eigenvalue of H, and count as much
                turned = turned_jacobian(self.layers, self.X, q)
                total += a * (2 * turned.T @ (self.J @ q) + self.J.T @ second(self.layers, self.X, q))
        return np.asarray(self.basis.T @ total)

    # -- noise

    def in_eigenbasis(self, noise: Noise) -> Array:
        """Sigma in the eigenbasis of H."""
        p, r = self.basis.shape[0], self.rank
        if isinstance(noise, str) and noise == "isotropic":
            return np.eye(p)
        if isinstance(noise, str) and noise not in NAMED:
            raise InvalidInput("noise", noise, f"one of {', '.join([*NAMED, 'isotropic'])}, a function or a matrix")
        phi = NAMED[noise] if isinstance(noise, str) else noise
        if not callable(phi):
            return self.basis.T @ covariance(phi, p) @ self.basis
        found = np.asarray(phi(self.values[:r]), dtype=np.float64)
        if found.shape != (r,) or not np.isfinite(found).all() or (found < 0).any():
            raise InvalidInput("noise", found, f"{r} finite values >= 0 of the function at the nonzero eigenvalues")
        return np.diag(np.concatenate([found, np.zeros(p - r)]))

    def drift(self, sigma: Array) -> Drift:
        """The drift of a covariance that is given in the eigenbasis."""
        b, r = self.velocity(sigma), self.rank
        along = sigma[r:, r:]
        trace, logdet = self.rates(self.basis @ b, along)
        shapes = [W.shape for W in self.layers]
        parts = np.split(self.basis @ b, np.cumsum([prod(s) for s in shapes])[:-1])
        velocity = tuple(x.reshape(s) for x, s in zip(parts, shapes, strict=True))
        return Drift(velocity, trace, logdet, r, bool(np.abs(along).max(initial=0.0) > ROUNDING * np.abs(sigma).max()))

    def velocity(self, sigma: Array) -> Array:
        """b in the eigenbasis: the normal block through H A + A H = Sigma, the mixed one through H^+, the tangent one."""
        r, p = self.rank, len(sigma)
        inverse = 1 / self.values[:r]
        normal, cross, tangent = np.zeros((3, p, p))
        normal[:r, :r] = sigma[:r, :r] / (self.values[:r, None] + self.values[:r])
        cross[:r, r:] = inverse[:, None] * sigma[:r, r:]
        tangent[r:, r:] = sigma[r:, r:]
        b = np.zeros(p)
        b[r:] = -(self.third(normal) / 2 + self.third(cross))[r:]
        b[:r] = -inverse * self.third(tangent)[:r] / 2
        return b

    def rates(self, b: Array, along: Array) -> tuple[float, float]:
        """The mean rates of Tr H and log pdet H under the velocity b and the noise `along` the valley (Ito's formula).

        H has the nonzero eigenvalues of K = J J^T. Along a curve in the valley, with R = K^+ and Z the projection on ker K,
        (log pdet K)' = tr(R K') = 2 tr(J^+ J') and (log pdet K)'' = tr(R K'') - tr(R K' R K') + 2 tr(R^2 K' Z K').
        """
        r, left, J1 = self.rank, self.left, turned_jacobian(self.layers, self.X, b)
        R, Z = (left / self.values[:r]) @ left.T, np.eye(len(left)) - left @ left.T
        trace = 2 * float(np.sum(J1 * self.J))
        logdet = 2 * float(np.sum(left * (J1 @ self.basis[:, :r]) / np.sqrt(self.values[:r])))
        weights, Q = np.linalg.eigh((along + along.T) / 2) if along.size else (np.zeros(0), np.zeros((0, 0)))
        for a, v in zip(weights, (self.basis[:, self.rank :] @ Q).T, strict=True):
            dJ = turned_jacobian(self.layers, self.X, v)
            once, twice = symmetric(dJ @ self.J.T), 2 * dJ @ dJ.T + symmetric(bent_jacobian(self.layers, self.X, v) @ self.J.T)
            trace += a / 2 * float(np.trace(twice))
            logdet += (
                a / 2 * float(np.sum(R * twice) - np.sum((R @ once) * (R @ once).T) + 2 * np.trace(R @ R @ once @ Z @ once))
            )
        return float(trace), float(logdet)


def symmetric(A: Array) -> Array:
    """A + A^T."""
    return A + A.T


# -- checks -------------------------------------------------------------------------------------------------------------


def checked(layers: Sequence[ArrayLike], X: ArrayLike | None) -> tuple[tuple[Array, ...], Array]:
    """The layers and inputs as finite float64 matrices that chain: one network."""
    W, data = hessian.checked(layers, X)
    if W[0].ndim != 2:
        raise InvalidInput("layers", f"batch axes {W[0].shape[:-2]}", "one network, without batch axes")
    return tuple(W), data


def covariance(sigma: ArrayLike, p: int) -> Array:
    S = hessian.real("noise", sigma)
    if S.shape != (p, p):
        raise InvalidInput("noise", f"shape {S.shape}", f"a finite matrix of shape {(p, p)}: one row for each parameter")
    size = np.abs(S).max(initial=0.0)
    if np.abs(S - S.T).max(initial=0.0) > 1e-9 * size or np.linalg.eigvalsh(S)[0] < -1e-9 * size:
        raise InvalidInput("noise", "a matrix that is no covariance", "a symmetric positive semidefinite matrix")
    return S


def check_regular(layers: Sequence[Array], X: Array) -> None:
    r"""Raises `InvalidInput` unless rank J is known to be constant on the valley nearby, by one of two sufficient conditions:

    some i has rank W_N ... W_{i+1} = d_N and rank W_{i-1} ... W_1 X = rank X (then J is onto what X can reach), or every
    product W_N ... W_{i+1} and W_i ... W_1 X has the largest rank that its widths allow (then no rank can change).
    """
    widths = [X.shape[0], *(W.shape[0] for W in layers)]
    c, q = head_and_tail_ranks(layers, X)
    heads, tails = [int(x) for x in c[1:]], [int(x) for x in q[:-1]]
    rank = tails[0]
    onto = any(h == widths[-1] and t == rank for h, t in zip(heads, tails, strict=True))
    below = [min(rank, *widths[: i + 1]) for i in range(len(layers))]
    above = [min(widths[i + 1 :]) for i in range(len(layers))]
    if not onto and (tails, heads) != (below, above):
        ranks = f"ranks {heads} of W_N ... W_(i+1) and {tails} of W_(i-1) ... W_1 X"
        raise InvalidInput("layers", ranks, "a regular point of the valley, where the rank of the Hessian is constant nearby")


# -- the fitted values and their derivatives ----------------------------------------------------------------------------


def split(layers: Sequence[Array], v: Array) -> list[Array]:
    """A vector of parameters as layers."""
    parts = np.split(v, np.cumsum([W.size for W in layers])[:-1])
    return [x.reshape(W.shape) for x, W in zip(parts, layers, strict=True)]


def turned_jacobian(layers: Sequence[Array], X: Array, v: Array) -> Array:
    """d_v J."""
    return _jacobians(layers, X, split(layers, v))[1]


def bent_jacobian(layers: Sequence[Array], X: Array, v: Array) -> Array:
    """d_v d_v J."""
    return 2 * _jacobians(layers, X, split(layers, v))[2]


def second(layers: Sequence[Array], X: Array, v: Array) -> Array:
    """d^2 f[v, v] for f = vec(P X)."""
    return np.asarray(2 * _taylor(X, layers, split(layers, v))[-1][2].ravel())


Jet = tuple[Array, Array, Array]


def _taylor(start: Array, layers: Sequence[Array], V: Sequence[Array]) -> list[Jet]:
    """The products of W_i + e V_i up to each layer, by their coefficients of 1, e, e^2; the first acts on `start`."""
    zero = np.zeros_like(start)
    jets: list[Jet] = [(start, zero, zero)]
    for W, v in zip(layers, V, strict=True):
        a, b, c = jets[-1]
        jets.append((W @ a, W @ b + v @ a, W @ c + v @ b))
    return jets


def _jacobians(layers: Sequence[Array], X: Array, V: Sequence[Array]) -> Jet:
    """The coefficients of 1, e, e^2 of J at W + e V: the block of layer i is head kron tail^T."""
    tails = _taylor(X, layers, V)[:-1]
    reverse = _taylor(np.eye(layers[-1].shape[0]), [W.T for W in layers[::-1]], [v.T for v in V[::-1]])
    heads = [(a.T, b.T, c.T) for a, b, c in reverse[:-1][::-1]]
    return tuple(np.hstack([_block(h, t, k) for h, t in zip(heads, tails, strict=True)]) for k in range(3))  # type: ignore[return-value]


def _block(head: Jet, tail: Jet, order: int) -> Array:
    """The coefficient of e^order of head kron tail^T."""
    out = sum(head[i][:, None, :, None] * tail[order - i].T[None, :, None, :] for i in range(order + 1))
    (a, b), (c, d) = head[0].shape, tail[0].shape
    return np.asarray(out).reshape(a * d, b * c)
