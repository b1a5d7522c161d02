"""ALN-4: all barcodes of small widths, exactly: the rank condition for two layers, and where the notions agree."""

from __future__ import annotations

from itertools import product

import numpy as np

from numerics.experiments import Experiment, Figures
from theory.alignment_barcodes import barcodes, hill, literal, two_layer_condition

TWO_LAYERS, PROFILES = 1857, 351


def measure(rng: np.random.Generator, thorough: bool) -> tuple[Figures, bool]:
    del rng, thorough  # the same exhaustive count always
    pairs = [(bars, widths) for widths in product(range(1, 6), repeat=3) for bars in barcodes(widths)]
    wrong = sum(literal(*pair) != two_layer_condition(*pair) for pair in pairs)
    literally = sum(literal(*pair) for pair in pairs)
    profiles = [widths for n in (3, 4, 5) for widths in product(range(1, 4), repeat=n)]
    agree = [all(literal(bars, widths) for bars in barcodes(widths)) for widths in profiles]
    mismatches = sum(a is hill(widths) for a, widths in zip(agree, profiles, strict=True))
    figures: Figures = {
        "barcodes of two layers": len(pairs), "of them literal": literally, "mismatches": wrong,
        "width profiles": len(profiles), "of them with one notion": sum(agree), "mismatched profiles": mismatches,
    }  # fmt: skip
    complete = (len(pairs), len(profiles)) == (TWO_LAYERS, PROFILES) and 0 < literally < len(pairs)
    return figures, complete and not wrong and not mismatches


EXPERIMENT = Experiment(
    "alignment",
    "ALN-4",
    "all barcodes",
    "no mismatch over 1857 barcodes (widths <= 5) and 351 width profiles (widths <= 3)",
    measure,
)
