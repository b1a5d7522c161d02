"""The corpus of conjectures through `check`, beside Hypothesis alone, z3 alone and batches of random floats alone.

    python benchmarks/conjectures.py [--seconds 10] [--only minima rank.descent] [--json FILE] [--write]

Each engine gets the same seconds for each conjecture. A conjecture is decided when it is refuted or proved; z3 decides a
statement at one size and is believed; Hypothesis and floats can only refute, floats without an exact point. Dimensions that are
symbols are 2 for the three other engines. `--write` puts the tables into RESULTS_conjectures.md beside this file. After Ctrl-C
the report is of what has been done. Exit code 1 if any verdict is wrong.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "quality"))
from conjecture_corpus import Case, corpus

from deeplin.conjecture import check
from numerics.search.reduction import without_means
from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix, rational
from theory.provers.api import DoesNotApply
from theory.provers.entries import Entries
from theory.provers.points import at_sizes
from theory.statement import Lowered

RESULTS = Path(__file__).with_name("RESULTS_conjectures.md")
BATCH = 4096
Found = tuple[str, str]  # the verdict, PROVED, REFUTED or UNDECIDED, and a word on it


@dataclass(frozen=True)
class Row:
    """What one engine said of one conjecture."""

    engine: str
    name: str
    truth: bool
    verdict: str
    detail: str
    seconds: float

    @property
    def decided(self) -> bool:
        return self.verdict in ("PROVED", "REFUTED")

    @property
    def wrong(self) -> bool:
        return self.decided and (self.verdict == "PROVED") != self.truth


def sized(case: Case) -> Lowered:
    """The statement with all symbolic dimensions 2 and means over noise as polynomials."""
    s = case.statement.lowered()
    s = at_sizes(s, dict.fromkeys(s.dims, 2))
    mean = without_means(s)
    given, then = (tuple((r, mean.get(x, x)) for r, x in part) for part in (s.given, s.then))
    return replace(s, given=given, then=then)


# -- engines ------------------------------------------------------------------------------------------------------------


def by_deeplin(case: Case, seconds: float) -> Found:
    verdict = check(case.statement, budget=seconds)
    return str(verdict.grade), verdict.scope if str(verdict.grade) in ("PROVED", "REFUTED") else ""


def by_hypothesis(case: Case, seconds: float) -> Found:
    """`hypothesis.find` on rational entries, again and again with other seeds; hypotheses are filters."""
    import random

    from hypothesis import HealthCheck, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import NoSuchExample, Unsatisfiable

    from numerics import strategies as s

    lowered, end = sized(case), time.monotonic() + seconds
    names = [str(v.data[0]) for v in lowered.variables]
    shapes = [
        (s.numbers() if not v.shape else s.symmetric(v.shape[0]) if v.data[1] else s.matrices(*v.shape))
        for v in lowered.variables
    ]
    quiet = settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))

    def violates(values: Any) -> bool:
        return violated(lowered, dict(zip(names, values, strict=True)))

    for seed in range(1 << 30):
        if time.monotonic() >= end:
            return "UNDECIDED", ""
        try:
            found = find(st.tuples(*shapes), violates, settings=quiet, random=random.Random(seed))
        except (NoSuchExample, Unsatisfiable):
            continue
        return "REFUTED", str(dict(zip(names, found, strict=True)))[:60]
    return "UNDECIDED", ""


def violated(s: Lowered, point: dict[str, Any]) -> bool:
    """Whether the exact point satisfies the hypotheses and violates a conclusion."""
    from numerics.evidence import holds

    env = {name: matrix(x) if isinstance(x, tuple) else rational(x) for name, x in point.items()}
    values = evaluate([x for _, x in (*s.given, *s.then)], Rational(), env)
    true = [holds(r, x) for (r, _), x in zip((*s.given, *s.then), values, strict=True)]
    return all(true[: len(s.given)]) and not all(true[len(s.given) :])


def by_z3(case: Case, seconds: float) -> Found:
    """The hypotheses and the negated conclusions as polynomials in real numbers."""
    import z3

    s = sized(case)
    try:
        entries = Entries(s)
        unknowns = [z3.Real(f"x{i}") for i in range(len(entries.places))]
        given = [formula(z3, r, x, entries, unknowns) for r, x in s.given]
        then = [formula(z3, r, x, entries, unknowns) for r, x in s.then]
    except DoesNotApply as why:
        return "UNDECIDED", str(why)
    solver = z3.SolverFor("QF_NRA")
    solver.set("timeout", int(seconds * 1000))
    solver.add(*given, z3.Not(z3.And(*then)))
    found = str(solver.check())
    return {"unsat": "PROVED", "sat": "REFUTED"}.get(found, "UNDECIDED"), s.scope


def formula(z3: Any, relation: str, x: Any, entries: Any, unknowns: list[Any]) -> Any:
    """The condition; semidefinite matrices by their principal minors, definite ones by the leading ones."""
    values = [polynomial(z3, p, unknowns) for p in entries.polynomials(x)]
    zero = z3.RealVal(0)
    if relation == "==":
        return z3.And(*(v == zero for v in values))
    n = int(x.shape[0]) if x.shape else 1
    rows = [values[i * n : (i + 1) * n] for i in range(n)]
    symmetric = [rows[i][j] == rows[j][i] for i in range(n) for j in range(i)]
    if relation == ">":
        return z3.And(*symmetric, *(determinant([r[:k] for r in rows[:k]]) > zero for k in range(1, n + 1)))
    minors = (k for size in range(1, n + 1) for k in combinations(range(n), size))
    return z3.And(*symmetric, *(determinant([[rows[i][j] for j in k] for i in k]) >= zero for k in minors))


def determinant(rows: list[list[Any]]) -> Any:
    if len(rows) == 1:
        return rows[0][0]
    minor = lambda j: determinant([r[:j] + r[j + 1 :] for r in rows[1:]])  # noqa: E731
    return sum((-1) ** j * rows[0][j] * minor(j) for j in range(len(rows)))


def polynomial(z3: Any, p: Any, unknowns: list[Any]) -> Any:
    total = z3.RealVal(0)
    for powers, c in p.to_dict().items():
        term = z3.Q(int(c.p), int(c.q))
        for x, k in zip(unknowns, powers, strict=True):
            for _ in range(int(k)):
                term = term * x
        total = total + term
    return total


def by_floats(case: Case, seconds: float) -> Found:
    """Standard normal entries in batches of 4096, judged against the rounding error."""
    from numerics.margins import margins

    s, end, rng = sized(case), time.monotonic() + seconds, np.random.default_rng(0)
    while time.monotonic() < end:
        env = {str(v.data[0]): drawn(rng, v) for v in s.variables}
        given, then = margins(s.given, env, BATCH), margins(s.then, env, BATCH)
        if np.any(given.clear & then.violated):
            return "REFUTED", "in floats"
    return "UNDECIDED", ""


def drawn(rng: np.random.Generator, v: Any) -> Any:
    x = rng.standard_normal((BATCH, *map(int, v.shape)))
    return (x + x.mT) / 2 if v.shape and v.data[1] else x


ENGINES: dict[str, Callable[[Case, float], Found]] = {
    "deeplin": by_deeplin,
    "z3": by_z3,
    "Hypothesis": by_hypothesis,
    "floats": by_floats,
}

# -- report -------------------------------------------------------------------------------------------------------------


def rows(cases: list[Case], seconds: float) -> Iterator[Row]:
    for case in cases:
        for engine, run in ENGINES.items():
            start = time.monotonic()
            verdict, detail = run(case, seconds)
            yield Row(engine, case.name, case.truth, verdict, detail, time.monotonic() - start)


def summary(found: list[Row]) -> dict[str, Any]:
    """For each engine: wrong verdicts, false ones refuted, true ones proved, and the median times to do so."""
    out = {}
    for engine in ENGINES:
        mine = [r for r in found if r.engine == engine]
        refuted = [r.seconds for r in mine if not r.truth and r.verdict == "REFUTED"]
        proved = [r.seconds for r in mine if r.truth and r.verdict == "PROVED"]
        out[engine] = {
            "wrong": sum(r.wrong for r in mine),
            "false": sum(not r.truth for r in mine),
            "refuted": len(refuted),
            "median_refuted": statistics.median(refuted) if refuted else None,
            "true": sum(r.truth for r in mine),
            "proved": len(proved),
            "median_proved": statistics.median(proved) if proved else None,
            "slowest": max([*refuted, *proved], default=None),
        }
    return out


def cell(r: Row) -> str:
    return f"{r.verdict.lower() if r.decided else '-'} {r.seconds:.2f} s"


def by_name(found: list[Row]) -> dict[str, dict[str, Row]]:
    """The rows of each conjecture by engine, where every engine has had its turn."""
    out: dict[str, dict[str, Row]] = {}
    for r in found:
        out.setdefault(r.name, {})[r.engine] = r
    return {name: mine for name, mine in out.items() if len(mine) == len(ENGINES)}


def show(found: list[Row]) -> None:
    console, table = Console(width=140), Table(box=None)
    for head in ("conjecture", "truth", *ENGINES):
        table.add_column(head, no_wrap=True)
    for name, mine in by_name(found).items():
        table.add_row(name, str(mine["deeplin"].truth), *(cell(mine[engine]) for engine in ENGINES))
    console.print(table)
    for engine, s in summary(found).items():
        console.print(f"{engine}: " + ", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in s.items()))


def machine() -> str:
    """Processor, cores, load and Python."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else [platform.processor()]
    load = f", load average {os.getloadavg()[1]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def markdown(found: list[Row], seconds: float) -> str:
    """The summary by engine, and what each engine said of each conjecture."""
    heads = ("wrong", "refuted", "of false", "median s", "proved", "of true", "median s")
    keys = ("wrong", "refuted", "false", "median_refuted", "proved", "true", "median_proved")
    lines = [
        "# Conjectures: deeplin beside z3, Hypothesis and random floats",
        "",
        f"{datetime.date.today()}; {seconds:g} s of wall time for each engine and conjecture, one process; {machine()}.",
        "Floats refute without an exact point, z3 is believed; deeplin's verdicts carry certificates that its kernel accepted.",
        "",
        row("engine", *heads),
        row(*["---"] * (len(heads) + 1)),
    ]
    lines += [row(engine, *(number(s[k]) for k in keys)) for engine, s in summary(found).items()]
    lines += ["", row("conjecture", "truth", *ENGINES), row(*["---"] * (len(ENGINES) + 2))]
    for name, mine in by_name(found).items():
        lines.append(row(name, str(mine["deeplin"].truth).lower(), *(cell(mine[engine]) for engine in ENGINES)))
    return "\n".join(lines) + "\n"


def number(x: float | None) -> str:
    return "-" if x is None else f"{x:.2f}" if isinstance(x, float) else str(x)


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each engine and each conjecture")
    parser.add_argument("--only", nargs="*", default=[""], help="parts of names")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help=f"the tables into {RESULTS.name}")
    args = parser.parse_args()
    found: list[Row] = []
    try:
        for r in rows([c for c in corpus().values() if any(part in c.name for part in args.only)], args.seconds):
            found.append(r)
            print(f"{r.engine:10} {r.name:52} {r.verdict:9} {r.seconds:6.2f} s", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    complete = [r for mine in by_name(found).values() for r in mine.values()]
    show(complete)
    if args.json:
        args.json.write_text(json.dumps({"summary": summary(complete), "rows": [asdict(r) for r in complete]}, indent=1))
    if args.write:
        RESULTS.write_text(markdown(complete, args.seconds))
    return int(any(r.wrong for r in complete))


if __name__ == "__main__":
    sys.exit(main())
