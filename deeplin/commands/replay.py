"""`deeplin replay`: re-checks certificates with nothing but the standard library and the kernel."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deeplin.printing import statement_lines
from theory import kernel

Json = dict[str, Any]
DESCRIPTION = """\
Re-checks certificates with nothing but the kernel, theory/kernel.py: no finder and no library that found them is trusted.
A directory stands for every .json file in it, at any depth.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `deeplin replay`."""
    parser.description = DESCRIPTION
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR", help="certificates, or directories of them")
    parser.add_argument("--show", action="store_true", help="print what each accepted certificate states, in plain text")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """0 if every certificate is accepted, 1 if one is rejected, 2 if there is nothing to check or a file cannot be read."""
    try:
        files = [file for path in args.paths for file in certificates(path)]
        results = [replayed(file, args.show) for file in files]
    except OSError as error:
        print(f"deeplin replay: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    if not files:
        print("deeplin replay: no .json file was found", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"format": "deeplin replay", "version": 1, "results": results}, indent=1))
    else:
        for result in results:
            print("\n".join(lines(result)))
    return int(not all(result["accepted"] for result in results))


def certificates(path: Path) -> Iterator[Path]:
    """The file itself, or the certificates in a directory, sorted."""
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*.json") if file.is_file())
    else:
        yield path


def replayed(file: Path, show: bool) -> Json:
    """The kernel's judgement of a file, or why there is none."""
    with file.open("rb") as stream:
        data = stream.read(kernel.MAX_BYTES + 1)
    try:
        judgement = kernel.check(data)
    except kernel.Rejected as why:
        return {"file": str(file), "accepted": False, "why": str(why)}
    stated = {"statement": list(statement_lines(kernel.read(data)["statement"]))} if show else {}
    return {"file": str(file), "accepted": True, **judgement._asdict(), **stated}


def lines(result: Json) -> Iterator[str]:
    """One line a file, and the statement where it is shown."""
    if not result["accepted"]:
        yield f"rejected  {result['file']}: {result['why']}"
        return
    scope = f" [{result['scope']}]" if result["scope"] else ""
    yield f"accepted  {result['name']}: {result['claim']}{scope} {result['digest'][:12]}  {result['file']}"
    yield from result.get("statement", [])


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="deeplin replay")
    configure(arguments)
    sys.exit(run(arguments.parse_args()))
