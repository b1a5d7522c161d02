r"""H16 beyond 2 x 2: det J J^T at random layers of widths (d, d_1, d) beside prod (s_a + s_b), d up to 6.

Random, nearly balanced and balanced layers of one product: W_1 = G S^{1/2} V^T, W_2 = U S^{1/2} G^{-1} with G = I + size *
noise, balanced for G = I; where d_1 = d these are all layers of the product.
"""

from __future__ import annotations

import numpy as np

from numerics.experiments import Experiment, Figures
from numerics.hessian import Array, log_pseudo_determinant

EXACT = 1e-10
SCALES = (0.01, 0.1, 0.5)


def least(P: Array) -> Array:
    """log prod_{a, b} (s_a + s_b)."""
    s = np.linalg.svd(P, compute_uv=False)
    return np.asarray(np.log(s[..., :, None] + s[..., None, :]).sum((-2, -1)))


def turned(rng: np.random.Generator, P: Array, size: float) -> list[Array]:
    """Layers of the products P (a batch), balanced for size 0."""
    U, s, Vt = np.linalg.svd(P)
    G = np.eye(P.shape[-1]) + size * rng.standard_normal(P.shape)
    root = np.sqrt(s)
    return [G @ (root[..., None] * Vt), (U * root[..., None, :]) @ np.linalg.inv(G)]


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 2000 if thorough else 200
    balanced, gaps, wide = 0.0, dict.fromkeys(SCALES, np.inf), np.inf
    for d in range(1, 7):
        P = rng.standard_normal((runs, d, d))
        balanced = max(balanced, float(np.abs(log_pseudo_determinant(turned(rng, P, 0.0)) - least(P)).max()))
        for size in SCALES:
            gaps[size] = min(gaps[size], float((log_pseudo_determinant(turned(rng, P, size)) - least(P)).min()))
        layers = [rng.standard_normal((runs, d + 3, d)), rng.standard_normal((runs, d, d + 3))]
        wide = min(wide, float((log_pseudo_determinant(layers) - least(layers[1] @ layers[0])).min()))
    figures: Figures = {
        "layers": 6 * runs * (len(SCALES) + 1),
        "largest |log ratio| at balanced layers": balanced,
        "least log ratio, hidden width d + 3": wide,
        **{f"least log ratio at distance {size}": gap for size, gap in gaps.items()},
    }
    return figures, balanced <= EXACT and wide > 0 and all(gap > -EXACT for gap in gaps.values()) and gaps[0.5] > 0


DETAIL = "log of the ratio: zero to 1e-10 at balanced layers, above -1e-10 near them, positive far from them"
EXPERIMENT = Experiment("hessian", "H16", "random layers", DETAIL, measure)
