r"""Ensembles of stochastic gradient descent: one batched kernel a step for all runs, on a CPU or a GPU.

The loss is 1/2 |P X - Y|^2 for layers W_1, ..., W_N with product P; all runs start at the same layers, on the valley unless Y
is given. One step of learning rate eta is theta^+ = theta - eta (grad L + xi), and t = k eta^2 is the slow time of k steps.
The noise xi has mean 0 and, on the valley, the covariance `scale` times

- "label": J^T C J, from fresh noise with covariance C on each column of the labels (C = I: it is the Hessian H);
- "isotropic normal": the projection on the range of H; J must be onto (`InvalidInput` if it is not at the start);
- "isotropic": the identity on all parameters.

>>> W = simulated([np.array([[1.0]]), np.array([[2.0]])], np.eye(1), Run(rate=0.1, time=0.5, size=100))
>>> [w.shape for w in W]
[(100, 1, 1), (100, 1, 1)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numerics.backends import Array, Backend, backend
from numerics.hessian import hessian_rank
from numerics.kernels import Kernel, compiled
from numerics.noise_drift import checked
from theory import dag
from theory.dag import Node
from theory.errors import InvalidInput

NOISES = ("label", "isotropic normal", "isotropic")
# Random numbers are drawn for as many steps at once as fit in this many.
BLOCK = 1 << 20


@dataclass(frozen=True)
class Run:
    """An ensemble of `size` runs with learning rate `rate` up to the slow time `time`: round(time / rate^2) steps.

    `covariance` is C, d_N x d_N, of label noise (the identity by default). The noise is normal; with `signs` its independent
    parts are +1 or -1 with equal probability.
    """

    rate: float
    time: float
    size: int
    noise: str = "label"
    scale: float = 1.0
    covariance: ArrayLike | None = None
    signs: bool = False
    seed: int | Sequence[int] = 0

    def __post_init__(self) -> None:
        if not isinstance(self.size, (int, np.integer)):
            raise InvalidInput("size", self.size, "an integer > 0")
        for name, value in (("rate", self.rate), ("time", self.time), ("size", self.size)):
            if not (np.isfinite(value) and value > 0):
                raise InvalidInput(name, value, "a finite number > 0")
        if self.noise not in NOISES:
            raise InvalidInput("noise", self.noise, f"one of {', '.join(NOISES)}")
        if not (np.isfinite(self.scale) and self.scale >= 0):
            raise InvalidInput("scale", self.scale, "a finite number >= 0")

    @property
    def steps(self) -> int:
        return max(1, round(self.time / self.rate**2))

    def root(self, outputs: int) -> NDArray[np.float64]:
        """A matrix S with S S^T = scale C."""
        C = np.eye(outputs) if self.covariance is None else np.asarray(self.covariance, dtype=np.float64)
        if C.shape != (outputs, outputs):
            raise InvalidInput("covariance", f"shape {C.shape}", f"a matrix of shape {(outputs, outputs)}")
        values, Q = np.linalg.eigh(C)
        if np.abs(C - C.T).max() > 1e-12 * np.abs(C).max() or values[0] < -1e-12 * np.abs(C).max():
            raise InvalidInput("covariance", "a matrix that is no covariance", "a symmetric positive semidefinite matrix")
        return np.asarray(np.sqrt(self.scale) * Q * np.sqrt(np.maximum(values, 0)))


def device() -> Backend:
    """The GPU where there is one, else numpy."""
    try:
        return backend("cuda")
    except InvalidInput:
        return backend()


def simulated(
    layers: Sequence[ArrayLike], X: ArrayLike, run: Run, *, Y: ArrayLike | None = None, on: Backend | None = None
) -> list[Array]:
    """The layers of all runs after the last step, each of shape (size, d_i, d_{i-1}), on the backend (numpy by default)."""
    net = Ensemble.of(layers, X, Y, on or backend())
    return net.run(run)


def settled(
    batch: Sequence[Array], X: ArrayLike, Y: ArrayLike, *, rate: float, steps: int, on: Backend | None = None
) -> list[Array]:
    """The layers of a batch after so many steps of descent without noise: near the limits of gradient flow for small rates."""
    where = on or backend()
    inputs, labels = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    shapes = tuple(tuple(map(int, W.shape[1:])) for W in batch)
    kernel = step_kernel(shapes, exactly(inputs), rate, where)
    targets = where.namespace.broadcast_to(where.array(labels), (int(batch[0].shape[0]), *labels.shape))
    W = [where.array(w) for w in batch]
    for _ in range(steps):
        W = kernel(named(W) | {"Z": targets})
    return W


def flowed(
    batch: Sequence[Array], X: ArrayLike, Y: ArrayLike, *, time: float, steps: int, on: Backend | None = None
) -> list[Array]:
    """The layers of a batch after gradient flow for that time: the classical Runge-Kutta rule, four kernels a step for all.

    >>> (W,) = flowed([np.ones((3, 1, 1))], np.eye(1), np.zeros((1, 1)), time=1.0, steps=20)      # W' = -W
    >>> bool(np.allclose(W, np.exp(-1.0), rtol=1e-6))
    True
    """
    where = on or backend()
    inputs, labels = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    if not (np.isfinite(time) and time > 0) or steps < 1:
        raise InvalidInput("time, steps", (time, steps), "a finite time > 0 and at least one step")
    shapes, h = tuple(tuple(map(int, W.shape[1:])) for W in batch), time / steps
    kernel = compiled(NetworkTerms(shapes, exactly(inputs)).gradients(), where)
    targets = where.namespace.broadcast_to(where.array(labels), (int(batch[0].shape[0]), *labels.shape))
    W = [where.array(w) for w in batch]

    def moved(slopes: Sequence[Array], length: float) -> list[Array]:
        return [w - length * g for w, g in zip(W, slopes, strict=True)]

    for _ in range(steps):
        slopes = [kernel(named(W) | {"Z": targets})]
        for length in (h / 2, h / 2, h):
            slopes.append(kernel(named(moved(slopes[-1], length)) | {"Z": targets}))
        mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(*slopes, strict=True)]
        W = moved(mean, h)
    return W


def hessian_traces(batch: Sequence[Array], X: ArrayLike, on: Backend | None = None) -> NDArray[np.float64]:
    """sum_i |W_N ... W_{i+1}|^2 |W_{i-1} ... W_1 X|^2 of each run: Tr H, and Tr J^T J off the valley too."""
    where, net = (
        on or backend(),
        NetworkTerms(tuple(tuple(map(int, W.shape[1:])) for W in batch), exactly(np.asarray(X, dtype=np.float64))),
    )
    total = dag.add(*(dag.mul(square(net.head(i)), square(net.tail(i - 1))) for i in net.index))
    return np.asarray(where.numpy(compiled((total,), where)(named(batch))[0]))


# -- terms and kernels --------------------------------------------------------------------------------------------------

Table = tuple[tuple[Fraction, ...], ...]


def exactly(A: NDArray[np.float64]) -> Table:
    """A matrix of floats as exact numbers, for a constant of a kernel."""
    return tuple(tuple(map(Fraction, row)) for row in A.tolist())


def named(batch: Sequence[Array], name: str = "W") -> dict[str, Array]:
    return {f"{name}{i}": W for i, W in enumerate(batch, 1)}


def square(x: Node) -> Node:
    return dag.tr(dag.mul(dag.T(x), x))


class NetworkTerms:
    """The network of layers of these shapes on given inputs, as terms; the labels are a variable Z."""

    def __init__(self, shapes: tuple[tuple[int, ...], ...], X: Table) -> None:
        self.W = [dag.var(f"W{i}", shape) for i, shape in enumerate(shapes, 1)]
        self.X, self.outputs = dag.const(X), shapes[-1][0]
        self.index = range(1, len(shapes) + 1)

    def head(self, i: int) -> Node:
        """W_N ... W_{i+1}."""
        return dag.mul(dag.eye(self.outputs), *reversed(self.W[i:]))

    def tail(self, i: int) -> Node:
        """W_i ... W_1 X."""
        return dag.mul(*reversed(self.W[:i]), self.X)

    def gradients(self) -> tuple[Node, ...]:
        """Of 1/2 |P X - Z|^2 by each layer."""
        fitted = self.tail(len(self.W))
        loss = dag.lin((Fraction(1, 2), square(dag.sub(fitted, dag.var("Z", fitted.shape)))))
        return tuple(dag.gradient(loss, W) for W in self.W)

    def step(self, rate: float) -> tuple[Node, ...]:
        """The layers after a step on the labels Z."""
        return tuple(dag.sub(W, dag.lin((Fraction(rate), g))) for W, g in zip(self.W, self.gradients(), strict=True))

    def pushed(self) -> tuple[Node, ...]:
        """J V for V = V1, ..., VN, and the factors A_i A_i^T and B_{i-1}^T B_{i-1} of J J^T."""
        V = [dag.var(f"V{i}", W.shape) for i, W in enumerate(self.W, 1)]
        JV = dag.add(*(dag.mul(self.head(i), V[i - 1], self.tail(i - 1)) for i in self.index))
        above = (dag.mul(self.head(i), dag.T(self.head(i))) for i in self.index)
        below = (dag.mul(dag.T(self.tail(i - 1)), self.tail(i - 1)) for i in self.index)
        return (JV, *above, *below)


@cache
def step_kernel(shapes: tuple[tuple[int, ...], ...], X: Table, rate: float, on: Backend) -> Kernel:
    return compiled(NetworkTerms(shapes, X).step(rate), on)


# -- ensembles ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ensemble:
    """The start of all runs, and where they run."""

    layers: tuple[NDArray[np.float64], ...]
    X: NDArray[np.float64]
    Y: NDArray[np.float64]
    on: Backend

    @classmethod
    def of(cls, layers: Sequence[ArrayLike], X: ArrayLike, Y: ArrayLike | None, on: Backend) -> Ensemble:
        W, data = checked(layers, X)
        fitted = data
        for w in W:
            fitted = w @ fitted
        labels = fitted if Y is None else np.asarray(Y, dtype=np.float64)
        if labels.shape != fitted.shape or not np.isfinite(labels).all():
            raise InvalidInput("Y", f"shape {labels.shape}", f"a finite matrix of shape {fitted.shape}")
        return cls(W, data, labels, on)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(W.shape for W in self.layers)

    def run(self, run: Run) -> list[Array]:
        """All steps."""
        kernel = step_kernel(self.shapes, exactly(self.X), run.rate, self.on)
        xp, Y = self.on.namespace, self.on.array(self.Y)
        W = [xp.broadcast_to(self.on.array(w), (run.size, *w.shape)) for w in self.layers]
        labels = xp.broadcast_to(Y, (run.size, *self.Y.shape))
        if run.noise == "isotropic":
            size = run.rate * run.scale**0.5
            for z in self.normal(run, self.shapes):
                W = [w - size * v for w, v in zip(kernel(named(W) | {"Z": labels}), z, strict=True)]
            return W
        if run.noise == "isotropic normal":
            self._require_onto()
        for noise in self.labels(run):
            W = kernel(named(W) | {"Z": Y + noise(W)})
        return W

    def _require_onto(self) -> None:
        rank = int(hessian_rank(self.layers, self.X))
        if rank < self.Y.size:
            raise InvalidInput("noise", f"'isotropic normal' where J has rank {rank}", f"rank {self.Y.size}: J is onto")

    def labels(self, run: Run) -> Iterator[Callable[[list[Array]], Array]]:
        """The noise of the labels of each step, as a function of the layers."""
        if run.noise == "label":
            root = self.on.array(run.root(len(self.Y)))
            for (z,) in self.normal(run, (self.Y.shape,)):
                yield self._constant(root @ z)
            return
        kernel, size = compiled(NetworkTerms(self.shapes, exactly(self.X)).pushed(), self.on), run.scale**0.5
        for z in self.normal(run, self.shapes):
            yield self._normal(kernel, [size * v for v in z])

    def _constant(self, value: Array) -> Callable[[list[Array]], Array]:
        return lambda W: value

    def _normal(self, kernel: Kernel, V: list[Array]) -> Callable[[list[Array]], Array]:
        return lambda W: self.solved(kernel(named(W) | named(V, "V")))

    def solved(self, parts: list[Array]) -> Array:
        """Q with J J^T Q = J V, so that J^T Q is the normal part of V."""
        JV, n = parts[0], len(self.layers)
        grams = zip(parts[1 : n + 1], parts[n + 1 :], strict=True)
        K = sum(a[:, :, None, :, None] * b[:, None, :, None, :] for a, b in grams)
        size, m = JV.shape[0], self.Y.size
        found = self.on.namespace.linalg.solve(K.reshape((size, m, m)), JV.reshape((size, m, 1)))
        return found.reshape(JV.shape)

    def normal(self, run: Run, shapes: Sequence[tuple[int, ...]]) -> Iterator[list[Array]]:
        """Standard normal arrays (size, *shape) for each step (or their signs), drawn for many steps at once."""
        counts = [int(np.prod(shape)) for shape in shapes]
        block = max(1, BLOCK // (run.size * sum(counts)))
        draw, at = self._drawing(run.seed), np.cumsum([0, *counts]).tolist()
        for start in range(0, run.steps, block):
            drawn = draw((min(block, run.steps - start), run.size, sum(counts)))
            for row in drawn:
                parts = [row[:, i:j].reshape((run.size, *s)) for i, j, s in zip(at[:-1], at[1:], shapes, strict=True)]
                yield [self.on.namespace.sign(z) for z in parts] if run.signs else parts

    def _drawing(self, seed: int | Sequence[int]) -> Callable[[tuple[int, ...]], Any]:
        """A seeded generator on the device."""
        if self.on.name == "numpy":
            rng = np.random.default_rng(seed)
            return lambda shape: rng.standard_normal(shape, dtype=self.on.dtype)
        torch = import_module("torch")
        state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator(device=self.on.device).manual_seed(state)
        return lambda shape: torch.randn(shape, generator=generator, dtype=self.on.dtype, device=self.on.device)
