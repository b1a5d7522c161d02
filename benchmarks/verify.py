"""Where `deeplin verify` spends its time: CPU seconds by family and part, and the dearest tasks, each run once in this process.

    python benchmarks/verify.py [NAME ...] [--top 15] [--profile FILE]

`--profile` writes a cProfile of the same run (for `python -m pstats FILE`), which makes it about twice as slow.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from contextlib import nullcontext
from cProfile import Profile

from rich.console import Console
from rich.table import Table

from deeplin.verify import Settings, Task, run_task, tasks_of
from theory.theorem import select

PARTS = ("claims", "sharpness", "certified", "supported", "experiment")


def seconds(task: Task) -> float:
    """The CPU seconds of one task in this process."""
    start = time.process_time()
    run_task(task)
    return time.process_time() - start


def table(title: str, rows: Iterable[tuple[str, list[float]]]) -> Table:
    out = Table("CPU seconds", *PARTS, "all", title=title, box=None, title_justify="left")
    for name, figures in rows:
        out.add_row(name, *(f"{x:.1f}" for x in [*figures, sum(figures)]))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="theorems or families; all if none is given")
    parser.add_argument("--top", type=int, default=15, help="how many of the dearest tasks to print (default 15)")
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile of the run")
    args = parser.parse_args()
    theorems = select(args.names)
    with Profile() if args.profile else nullcontext() as profile:
        spent = {task: seconds(task) for t in theorems for task in tasks_of(t, Settings())}
    if isinstance(profile, Profile):
        profile.dump_stats(args.profile)
    family = {t.name: t.family for t in theorems}
    console = Console()
    rows = [*dict.fromkeys(family.values()), ""]
    parts = {r: [sum(s for t, s in spent.items() if r in ("", family[t.theorem]) and t.part == p) for p in PARTS] for r in rows}
    console.print(table("by family and part", [(r or "all", parts[r]) for r in rows]))
    for task, s in sorted(spent.items(), key=lambda pair: -pair[1])[: args.top]:
        console.print(f"{s:8.1f}  {task.theorem} {task.part} {task.widths or ''}", highlight=False)


if __name__ == "__main__":
    main()
