r"""CON-5: circulant networks on random data: aligned at every step, frequencies decouple, matched phases keep the bases.

One projected step is compared with \(z_i^+ = z_i - \eta \overline{\prod_{j \ne i} z_j} (\pi s - c)\), frequency by frequency.
For the last part phases with \(\sum_i \arg z_i = \arg c\) are taken, and the phases before and after the step compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.alignment import commutator_residual
from numerics.dynamics import Array, gradients, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.subspaces import space
from theory.subspaces import circulant

SAME, TURN = 1e-12, 1e-9  # phases of small eigenvalues are ill-conditioned
Complex = NDArray[np.complex128]


def fourier(W: Array) -> Complex:
    """The eigenvalues of a circulant matrix, and the diagonal of any matrix, in the unitary Fourier basis."""
    F = np.fft.fft(np.eye(len(W))) / np.sqrt(len(W))
    return np.asarray(np.diag(F @ W @ F.conj().T))


def layer(z: Complex) -> Array:
    """The real circulant matrix with these eigenvalues (of a real filter)."""
    filter_ = np.fft.ifft(z).real
    return np.asarray([[filter_[(i - j) % len(z)] for j in range(len(z))] for i in range(len(z))])


def matched(rng: np.random.Generator, c: Complex, depth: int) -> list[Array]:
    """Layers with random moduli (of real filters) and the phases of c in the first, none in the others."""
    moduli = [np.abs(np.fft.fft(rng.normal(size=len(c)))) for _ in range(depth)]
    return [layer(m * (c / np.abs(c) if i == 0 else 1)) for i, m in enumerate(moduli)]


def trial(rng: np.random.Generator) -> tuple[float, float, float]:
    """(residual of alignment after five steps, error of the decoupled step, change of matched phases)."""
    k, depth, n = int(rng.integers(2, 8)), int(rng.integers(2, 6)), 5
    X, Y, s = rng.normal(size=(k, n)), rng.normal(size=(k, n)), space(circulant(k))
    layers, slope = [s.element(rng.normal(size=k) / k) for _ in range(depth)], squared_slope(X, Y)
    rate = 0.1 / float(np.linalg.norm(X, 2)) ** 2

    def step(W: list[Array]) -> list[Array]:
        return [s.projected_step(w, g, rate) for w, g in zip(W, gradients(W, slope), strict=True)]

    z, data = np.array([fourier(w) for w in layers]), (fourier(X @ X.T).real, fourier(Y @ X.T))
    other = np.array([np.prod(np.delete(z, i, axis=0), axis=0) for i in range(depth)])
    claimed = z - rate * other.conj() * (np.prod(z, axis=0) * data[0] - data[1])
    error = float(np.abs(np.array([fourier(w) for w in step(layers)]) - claimed).max()) / (1 + float(np.abs(claimed).max()))
    for _ in range(5):
        layers = step(layers)
    start = matched(rng, data[1], depth)
    phases = [np.array([fourier(w) for w in W]) for W in (start, step(start))]
    turned = np.abs((phases[1] * phases[0].conj()).imag) / (1 + np.abs(phases[0]) ** 2)
    return commutator_residual(layers), error, float(turned.max())


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    count = 1000 if thorough else 100
    residual, error, turned = (max(x) for x in zip(*(trial(rng) for _ in range(count)), strict=True))
    figures: Figures = {
        "networks": count,
        "commutator": residual,
        "error of the decoupled step": error,
        "turn of phases": turned,
    }
    return figures, max(residual, error) <= SAME and turned <= TURN


EXPERIMENT = Experiment(
    "alignment",
    "CON-5",
    "circulant networks, any data",
    "relative residuals and errors at most 1e-12, phase changes 1e-9",
    measure,
)
