"""`deeplin verify`: proves, certifies and tests theorems, and prints an honest table."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as ProgressTask
from rich.table import Table
from rich.text import Text

from deeplin import mutants
from deeplin.executor import default_executor
from deeplin.report import Grade, Report, Result
from deeplin.verify import Settings, verify
from numerics.backends import DEVICES, UNIT_ROUNDOFF, chosen
from theory.errors import InvalidInput
from theory.theorem import select

STYLES = {"PROVED": "bold green", "CERTIFIED": "green", "SUPPORTED": "yellow", "REFUTED": "bold red"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="theorems or families; all if none is given")
    parser.add_argument("--json", action="store_true", help="print one JSON object, of deeplin/schemas/verify.schema.json")
    parser.add_argument("--seed", type=int, default=0, help="seed of all instances (default 0)")
    parser.add_argument("--require", type=grade, default=Grade.SUPPORTED, metavar="GRADE", help="least grade for exit code 0")
    parser.add_argument("--certificates", type=Path, metavar="DIR", help="write every certificate below DIR")
    parser.add_argument("--jobs", type=positive, metavar="N", help="processes (default: one a core)")
    parser.add_argument("--thorough", action="store_true", help="larger samples and longer experiments")
    parser.add_argument("--instances", type=positive, metavar="N", help="float instances at each tuple of widths")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="where floats are computed (cpu: numpy)")
    parser.add_argument("--dtype", choices=tuple(UNIT_ROUNDOFF), default="float64", help="precision of floats")
    parser.add_argument("--memory", type=size, default="1GiB", metavar="SIZE", help="cap on a batch of floats (default 1GiB)")
    parser.add_argument(
        "--mutants",
        type=positive,
        nargs="?",
        const=mutants.COUNT,
        metavar="N",
        help=f"instead: refute N false twins of each theorem (default {mutants.COUNT}); exit code 4 below 90 percent",
    )


def grade(text: str) -> Grade:
    reachable = (Grade.PROVED, Grade.CERTIFIED, Grade.SUPPORTED, Grade.UNDECIDED)
    if text.upper() not in reachable:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected one of {', '.join(reachable)}")
    return Grade(text.upper())


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected an integer >= 1")
    return int(text)


def size(text: str) -> int:
    """Bytes from a text such as 512MiB.

    >>> size("2GiB"), size("1000")
    (2147483648, 1000)
    """
    found = re.fullmatch(r"([0-9]+)(|KiB|MiB|GiB)", text)
    if not found or int(found[1]) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a size such as 512MiB")
    return int(found[1]) << {"": 0, "KiB": 10, "MiB": 20, "GiB": 30}[found[2]]


def settings_of(args: argparse.Namespace) -> Settings:
    where = {"device": args.device, "precision": args.dtype, "memory": args.memory}
    plain = Settings(args.seed, 64, 20000, True, **where) if args.thorough else Settings(args.seed, **where)
    return replace(plain, supported=args.instances or plain.supported)


def run(args: argparse.Namespace) -> int:
    if args.mutants:
        return run_mutants(args)
    settings = settings_of(args)
    chosen(settings.device, settings.precision, settings.supported)  # a device that is not there is said before the work begins
    if args.certificates and args.certificates.exists() and not args.certificates.is_dir():
        raise InvalidInput("--certificates", args.certificates, "a directory, or a path where one can be made")
    with progress() as watch:
        keep = None if args.certificates is None else lambda path, c: write(args.certificates / path, c)
        report = verify(*args.names, settings=settings, executor=default_executor(args.jobs), watch=watch, keep=keep)
    print(json.dumps(report.json(), indent=1)) if args.json else show(report)
    if report.missing:
        print(f"interrupted; no verdict for: {', '.join(report.missing)}", file=sys.stderr)
    return report.exit_code(args.require)


def run_mutants(args: argparse.Namespace) -> int:
    """Kill scores of false twins and the survivors."""
    with progress() as watch:
        found = mutants.score(select(args.names), args.mutants, executor=default_executor(args.jobs), watch=watch)
    if args.json:
        print(json.dumps(mutants.record(found), indent=1))
    else:
        for line in mutants.report(found):
            print(line)
    return 0 if mutants.rate(found) >= mutants.REQUIRED else 4


def write(path: Path, certificate: dict[str, Any]) -> None:
    """The whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(certificate, separators=(",", ":")))
    part.replace(path)


class Rate(ProgressColumn):
    """Tasks a second."""

    def render(self, task: ProgressTask) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


@contextmanager
def progress() -> Iterator[Any]:
    """A progress bar on stderr: what is done, how fast, and the time left."""
    words = TextColumn("{task.description}")
    columns = (words, BarColumn(), MofNCompleteColumn(), Rate(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name)


COLUMNS = ("theorem", "id", "grade", "all", "sized", "real", "gen", "exact", "float", "sharp", "s")


def show(report: Report) -> None:
    """The table, what it counts, and below it what went wrong."""
    console = Console()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for i, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if i < 3 else "right", no_wrap=True)
    for family, results in groupby(report.results, key=lambda r: r.name.split(".")[0]):
        table.add_row(f"[bold]{family}[/]")
        for r in results:
            table.add_row(*row(r))
    console.print(table)
    for line in problems(report):
        console.print(line)
    console.print(LEGEND, style="dim")
    console.print(f"{len(report.results)} theorems in {report.seconds:.1f} s, seed {report.seed}", style="dim")


LEGEND = (
    "Claims that the kernel accepted at all widths, at given sizes, in real numbers, off a null set; instances without a"
    " violation in exact and in float arithmetic; exact counterexamples to the theorem without a hypothesis."
    " `deeplin show NAME` has them all."
)


def problems(report: Report) -> Iterator[str]:
    """What kept a claim, an instance or an experiment from its grade."""
    for r in report.results:
        for e in r.evidence:
            if e.get("grade") in (Grade.UNDECIDED, Grade.REFUTED, Grade.VACUOUS):
                yield f"{r.name} {e['kind']} {e.get('statement', '')}: {e['grade']}: {e.get('why') or e.get('detail', '')}"


def row(r: Result) -> tuple[str, ...]:
    proofs = [e["scope"] for e in r.evidence if e["kind"] == "proof" and e["grade"] == Grade.PROVED]
    wide, real = sum(s.startswith("all widths") for s in proofs), proofs.count("all real numbers")
    counted = [sum(e.get("instances", 0) for e in r.evidence if e["kind"] == kind) for kind in ("certified", "supported")]
    generic = sum(e["kind"] == "generic" and e["grade"] == Grade.PROVED for e in r.evidence)
    counts = [wide, len(proofs) - wide - real, real, generic, *counted, r.count("sharpness")]
    grade = f"[{STYLES.get(r.grade, 'bold')}]{r.grade}[/]"
    return (f"  {r.name.split('.')[1]}", r.sheet, grade, *(str(n or "-") for n in counts), f"{r.seconds:.1f}")
