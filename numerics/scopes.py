"""For which depths the kernel proves what the landscape cites: beyond them the same derivation holds, in words."""

from __future__ import annotations

from enum import Enum
from math import inf


class Status(Enum):
    """How certain a statement is."""

    PROVED = "proved"
    DERIVED = "derived"
    CONJECTURE = "conjecture"


# The largest number of weight matrices at which the claims of a theorem of the family `minima` are proved.
PROVED_DEPTHS: dict[str, float] = {
    "B4": 4,
    "B5": 4,
    "B8": 4,
    "B10": inf,
    "B11": 4,
    "B13": 5,
    "B14": 5,
    "B17": 4,
    "B18": 5,
}


def status(sheet: str, depth: int) -> Status:
    """Whether the theorem with this sheet id is proved for networks of `depth` weight matrices.

    >>> status("B14", 3).value, status("B14", 8).value
    ('proved', 'derived')
    """
    return Status.PROVED if depth <= PROVED_DEPTHS[sheet] else Status.DERIVED
