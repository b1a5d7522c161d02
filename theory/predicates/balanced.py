"""Balanced layers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from theory.errors import InvalidInput
from theory.statement import Condition, equal


@dataclass(frozen=True)
class Balanced:
    """c_i W_i W_i^T = c_{i+1} W_{i+1}^T W_{i+1} for neighbouring layers; the weights c_i (decays) are 1 unless given."""

    layers: tuple[Any, ...]
    weights: tuple[Any, ...] = ()

    def conditions(self) -> tuple[Condition, ...]:
        c = self.weights or (1,) * len(self.layers)
        if len(c) != len(self.layers):
            raise InvalidInput("weights", self.weights, f"one for each of {len(self.layers)} layers")
        pairs = pairwise(zip(c, self.layers, strict=True))
        return tuple(equal(a * W * W.T, b * V.T * V) for (a, W), (b, V) in pairs)
