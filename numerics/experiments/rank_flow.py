"""R13: gradient flow by DOP853: balanced layers keep the rank of the product, others only that of their junctions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.dynamics import Array, flowed, product, squared_slope
from numerics.experiments import Experiment, Figures
from numerics.experiments.rank_junction import junctions
from numerics.junctions import cut_rank

SAME, LOST, CUT = 1e-9, 1e-10, 1e-9
WIDTHS = ((6, 5, 7, 6), (4, 6, 4), (4, 5, 3, 5, 4))


def imbalance(layers: list[Array]) -> Array:
    return np.concatenate([(V.T @ V - W @ W.T).ravel() for W, V in pairwise(layers)])


def balanced(rng: np.random.Generator, widths: tuple[int, ...]) -> list[Array]:
    """W_i = U_i S U_{i-1}^T with two singular values, the same in every layer."""
    U = [np.linalg.qr(rng.standard_normal((d, 2)))[0] for d in widths]
    S = np.diag(rng.uniform(0.5, 1.2, 2))
    return [b @ S @ a.T for a, b in pairwise(U)]


def ratio(P: Array, k: int) -> float:
    """sigma_k / sigma_1."""
    s = np.linalg.svd(P, compute_uv=False)
    return float(s[k - 1] / s[0])


def even(rng: np.random.Generator, widths: tuple[int, ...], time: float) -> tuple[float, float, float]:
    """(drift of the imbalance, sigma_3 / sigma_1, sigma_2 / sigma_1) of the product at the end."""
    layers, X = balanced(rng, widths), rng.standard_normal((widths[0], 8)) / 3
    Y = rng.standard_normal((widths[-1], 8)) / 3
    (after,) = flowed(layers, squared_slope(X, Y), [time])
    drift = float(np.abs(imbalance(after) - imbalance(layers)).max())
    return drift, ratio(product(after), 3), ratio(product(after), 2)


def uneven(rng: np.random.Generator, time: float) -> tuple[int, int]:
    """Rank-one layers without balance: the ranks of the product and of the junction at the end."""
    layers = [np.outer(rng.standard_normal(4), rng.standard_normal(4)) / 2 for _ in range(2)]
    X, Y = rng.standard_normal((4, 6)) / 2, rng.standard_normal((4, 6))
    (after,) = flowed(layers, squared_slope(X, Y), [time])
    return cut_rank(product(after), CUT), cut_rank(junctions(after)[0], CUT)


def saddle(time: float) -> float:
    """|P| at the end of the flow from w = (1, -1), y = 1: its limit is the saddle at zero."""
    one = np.ones((1, 1))
    (after,) = flowed([one, -one], squared_slope(one, one), [time])
    return float(-product(after)[0, 0])


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    runs = 10 if thorough else 1
    found = [even(rng, widths, 5.0) for widths in WIDTHS for _ in range(runs)]
    drift, third, second = max(x[0] for x in found), max(x[1] for x in found), min(x[2] for x in found)
    ranks = {uneven(rng, 1.0) for _ in range(2 * runs)}
    left = saddle(5.0)
    figures: Figures = {"flows": len(found), "drift": drift, "sigma_3": third, "sigma_2": second, "at the saddle": left}
    kept = drift <= SAME and third <= LOST and second >= 1e-3
    return figures, kept and ranks == {(2, 2)} and 0 < left < 1e-3


DETAIL = "drift of the imbalance within 1e-9, sigma_3 / sigma_1 within 1e-10 at time 5; rank 1 to 2 without balance"
EXPERIMENT = Experiment("rank", "R13", "flow", DETAIL, measure)
