"""`deeplin check`: is a conjecture proved, refuted, vacuous or open?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from deeplin.commands.verify import write
from deeplin.conjecture import Verdict, check
from deeplin.conjecture_file import conjectures
from deeplin.conjecture_store import default_store
from deeplin.report import Grade
from theory.errors import InvalidInput


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="FILE.py[::NAME]", help="a Python file with conjectures; it is executed")
    parser.add_argument("--budget", type=seconds, default=60.0, metavar="SECONDS", help="for each conjecture (default 60)")
    parser.add_argument("--widths", type=widths, action="append", default=[], metavar="D0,D1,...", help="sizes to try instead")
    parser.add_argument("--sharpness", action="store_true", help="drop each hypothesis in turn; try strict for non-strict")
    parser.add_argument("--json", action="store_true", help="print one JSON object, of deeplin/schemas/check.schema.json")
    parser.add_argument("--seed", type=int, default=0, help="seed of the searches (default 0)")
    parser.add_argument("--require", type=grade, default=Grade.PROVED, metavar="GRADE", help="PROVED (default) or UNDECIDED")
    parser.add_argument("--certificates", type=Path, metavar="DIR", help="write every certificate below DIR")
    parser.add_argument("--store", type=Path, metavar="FILE", help="where counterexamples are kept (default: user's cache)")
    parser.add_argument("--no-store", action="store_true", help="neither read nor keep counterexamples")


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected seconds > 0")
    return value


def widths(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(p.isdigit() and int(p) >= 1 for p in parts):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected integers >= 1 with commas, as 2,2,1")
    return tuple(map(int, parts))


def grade(text: str) -> Grade:
    if text.upper() not in (Grade.PROVED, Grade.UNDECIDED):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected PROVED or UNDECIDED")
    return Grade(text.upper())


def run(args: argparse.Namespace) -> int:
    if args.certificates and args.certificates.exists() and not args.certificates.is_dir():
        raise InvalidInput("--certificates", args.certificates, "a directory, or a path where one can be made")
    store = None if args.no_store else args.store or default_store()
    verdicts: list[Verdict] = []
    for c in conjectures(args.target, args.widths):
        with status(c.name) as watch:
            options: dict[str, Any] = {"budget": args.budget, "seed": args.seed, "sharpness": args.sharpness}
            verdicts.append(check(c, store=store, watch=watch, **options))
        keep(args.certificates, verdicts[-1])
        if not args.json:
            print(verdicts[-1], flush=True)
        if verdicts[-1].interrupted:
            print("deeplin check: interrupted; this is what was found", file=sys.stderr)
            break
    if args.json:
        print(json.dumps({"format": "deeplin check", "version": 1, "verdicts": [v.json() for v in verdicts]}, indent=1))
    return exit_code(verdicts, args.require)


def exit_code(verdicts: list[Verdict], required: Grade) -> int:
    """1 refuted, 130 interrupted, 3 vacuous, 4 undecided where a proof is required, else 0."""
    grades = [v.grade for v in verdicts]
    if Grade.REFUTED in grades:
        return 1
    if any(v.interrupted for v in verdicts):
        return 130
    if Grade.VACUOUS in grades:
        return 3
    return 0 if all(g.reaches(required) for g in grades) else 4


def keep(directory: Path | None, v: Verdict) -> None:
    """Writes the certificates of a verdict and of its sharpness."""
    if directory is None:
        return
    slug = "".join(x if x.isalnum() else "-" for x in v.name)[:60]
    sharp = [s.certificate for s in v.sharpness if s.certificate is not None]
    for k, certificate in enumerate((*v.certificates, *sharp)):
        write(directory / slug / f"{k:02d}-{certificate['claim']}.json", certificate)


@contextmanager
def status(name: str) -> Iterator[Any]:
    """What is being done, on stderr."""
    with Console(stderr=True).status(name) as line:
        yield lambda doing: line.update(f"{name}: {doing}")
