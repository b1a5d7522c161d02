"""Counterexamples that were found, kept in a JSON file and tried first the next time. What is read is data: each is checked."""

from __future__ import annotations

import json
import os
from pathlib import Path

from theory.algebraic_point import AlgebraicPoint, refutes
from theory.certificates import Json, at_point
from theory.errors import DeeplinError, InvalidInput
from theory.kernel import Rejected, check
from theory.statement import Lowered

FORMAT, MOST = "deeplin counterexamples", 8


def default_store() -> Path:
    """In the user's cache directory."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "deeplin" / "counterexamples.json"


def stored(path: Path, name: str) -> list[Json]:
    """The points that were found for a conjecture of this name, the last one first."""
    found = _read(path)["points"].get(name, [])
    return [p for p in found if isinstance(p, dict)] if isinstance(found, list) else []


def keep(path: Path, name: str, point: Json) -> None:
    """Adds a point (`{"point": ...}`, with "root" where it is irrational); the file is replaced as a whole."""
    record = _read(path)
    others = [p for p in record["points"].get(name, []) if p != point]
    record["points"][name] = [point, *others][:MOST]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(record, indent=1))
    part.replace(path)


def _read(path: Path) -> Json:
    empty: Json = {"format": FORMAT, "version": 1, "points": {}}
    if not path.exists():
        return empty
    try:
        record = json.loads(path.read_text())
    except (ValueError, RecursionError):
        raise InvalidInput("store", path, "a file of counterexamples that deeplin wrote, or none") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT or not isinstance(record.get("points"), dict):
        raise InvalidInput("store", path, "a file of counterexamples that deeplin wrote, or none")
    return record


def tried(s: Lowered, record: Json) -> tuple[bool, Json | None]:
    """Whether a stored point refutes the statement, and its certificate if it is rational."""
    try:
        if "root" in record:
            return refutes(s, AlgebraicPoint.read(record)), None
        certificate = at_point(s, record["point"], "refuted")
        check(certificate, certificate["statement"])
    except (Rejected, DeeplinError, ValueError, KeyError, TypeError, AttributeError):
        return False, None
    return True, certificate
