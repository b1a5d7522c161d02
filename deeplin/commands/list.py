"""`deeplin list`: the theorems by family."""

from __future__ import annotations

import argparse
import json

from theory.catalogue import FIELDS, chosen, entries


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="theorems or families; all if none is given")
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def run(args: argparse.Namespace) -> int:
    listed = chosen(args.names, entries())
    if args.json:
        print(json.dumps([{k: getattr(t, k) for k in FIELDS} for t in listed], indent=1))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("theorem", "id", "says", "form", box=None, pad_edge=False)
    for t in listed:
        table.add_row(t.name, t.sheet, t.title, t.form)
    Console().print(table)
    return 0
