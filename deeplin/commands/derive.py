"""``deeplin derive``: print a derivation with its steps, and check its result again while doing so."""

from __future__ import annotations

import argparse
import sys

from theory.errors import InvalidInput

EPILOG = """examples:
  deeplin derive --list
  deeplin derive minima.closed_form --depth 3
  deeplin derive minima.loss --widths 2,2,1 --format latex
  deeplin derive minima.scalar_equation --depth 4 --set eigenvalues=3 --format python
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``derive``."""
    parser.description = "Derive a closed form step by step, from the definition of the network, and check it."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", nargs="?", help="the derivation, such as minima.closed_form")
    parser.add_argument("--list", action="store_true", help="list the derivations with their options and stop")
    parser.add_argument("--depth", type=int, help="number of weight matrices")
    parser.add_argument("--widths", help="d_0,d_1,...,d_N with d_N = 1, separated by commas")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="any other option of the derivation")
    parser.add_argument("--format", default="pretty", help="pretty (default), latex or python")
    parser.add_argument("--no-check", action="store_true", help="do not check the result again")


def run(args: argparse.Namespace) -> int:
    """Print the derivation; 0, or 1 when a check of its result fails. Raises `InvalidInput`."""
    # SymPy takes half a second to import, which other subcommands should not pay.
    from theory.derivations import FORMATS, derive, render

    if args.list:
        print(_listing(), end="")
        return 0
    if args.name is None:
        raise InvalidInput("derivation", None, "a name; `deeplin derive --list` shows them")
    if args.format not in FORMATS:
        raise InvalidInput("format", repr(args.format), f"one of {', '.join(FORMATS)}")
    derivation = derive(args.name, **_options(args))
    outcome = () if args.no_check else derivation.check()
    print(render(derivation, args.format), end="")
    sys.stdout.flush()
    return _report(outcome, comment={"latex": "% ", "python": "# "}.get(args.format, ""))


def _options(args: argparse.Namespace) -> dict[str, object]:
    options: dict[str, object] = {"depth": args.depth, "widths": _integers("widths", args.widths) if args.widths else None}
    for item in args.set:
        key, sign, value = item.partition("=")
        if not sign:
            raise InvalidInput("set", repr(item), "OPTION=VALUE")
        numbers = _integers(key, value)
        options[key] = numbers[0] if "," not in value else numbers
    return options


def _integers(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(name, repr(text), "integers separated by commas, such as 2,2,1") from None


def _listing() -> str:
    from theory.derivations import recipes

    lines = []
    for recipe in recipes().values():
        lines += [f"{recipe.name:<28}{recipe.title}"]
        lines += [f"{'':<28}  {option.name} = {option.default} ({option.expected})" for option in recipe.options]
    return "\n".join(lines) + "\n"


def _report(outcome: tuple[tuple[str, bool], ...], comment: str) -> int:
    if outcome and not comment:
        print("\nChecks\n------\n")
    for claim, holds in outcome:
        print(f"{comment}{'ok    ' if holds else 'FAILED'}  {claim}")
    failed = [claim for claim, holds in outcome if not holds]
    if failed:
        print(f"derive: {len(failed)} of {len(outcome)} checks failed: the result above is not to be used", file=sys.stderr)
    return 1 if failed else 0
