"""ALN-2: bases are constructed for every aligned network, and the numeric answer is the exact one on small integer layers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from numerics.alignment import NOTIONS, Alignment, alignment
from numerics.alignment_bases import Array
from numerics.experiments import Experiment, Figures
from numerics.experiments.alignment_problems import aligned_layers, random_widths
from theory.alignment import exact_alignment

DEFECT = 1e-11


def defect(layers: list[Array], found: Alignment) -> float:
    """How far the bases are from orthogonal, and the layers from Q_i S_i Q_{i-1}^T."""
    frames = [float(np.linalg.norm(Q.T @ Q - np.eye(len(Q)))) for Q in found.bases]
    pairs = zip(layers, found.cores, pairwise(found.bases), strict=True)
    return max(*frames, *(float(np.linalg.norm(b @ S @ a.T - W)) for W, S, (a, b) in pairs))


def constructed(rng: np.random.Generator, runs: int, notion: str) -> tuple[float, int]:
    """The largest defect or distance, and how many networks were not recognised."""
    worst, missed = 0.0, 0
    for _ in range(runs):
        layers = aligned_layers(rng, random_widths(rng, int(rng.integers(1, 6)), 8), notion)
        found = alignment(layers, notion)  # type: ignore[call-overload]
        worst = max(worst, defect(layers, found), found.distances[notion])
        missed += found.aligned is not True
    return worst, missed


def integers(rng: np.random.Generator) -> list[Array]:
    """Sparse layers with entries -1, 0, 1 and widths up to 3: many of them aligned, in one notion or another."""
    widths = random_widths(rng, int(rng.integers(1, 5)), 3)
    return [rng.choice([-1, 0, 0, 0, 1], (widths[i], widths[i - 1])).astype(float) for i in range(1, len(widths))]


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    figures, passed = Figures(), True
    for notion in NOTIONS:
        worst, missed = constructed(rng, 1000 if thorough else 100, notion)
        figures |= {f"largest defect, {notion}": worst, f"not recognised, {notion}": missed}
        passed &= worst <= DEFECT and not missed
    seen, differ = {n: [0, 0] for n in NOTIONS}, 0
    for _ in range(3000 if thorough else 300):
        layers = integers(rng)
        exact, found = exact_alignment([W.astype(int).tolist() for W in layers]), alignment(layers)
        answers = {n: bool(getattr(exact, n)) for n in NOTIONS}
        differ += dict(found.holds) != answers
        for n in NOTIONS:
            seen[n][answers[n]] += 1
    figures |= {"differs from the exact answer": differ} | {f"{n}: yes, no": f"{yes}, {no}" for n, (no, yes) in seen.items()}
    return figures, bool(passed and not differ and all(min(pair) > 0 for pair in seen.values()))


EXPERIMENT = Experiment(
    "alignment",
    "ALN-2",
    "constructed bases",
    "defects below 1e-11; the answers on small integer layers are the exact ones",
    measure,
)
