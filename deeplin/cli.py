"""The command line: `deeplin COMMAND ...`. Each command is a module of `deeplin.commands`, imported when it is called.

Exit codes: 0 every statement reached its required grade; 1 something was refuted; 2 usage or internal error; 3 vacuous;
4 undecided or below the required grade; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "verify": "prove, certify and test theorems; print an honest table",
    "check": "check conjectures: proved, refuted by an exact point, vacuous, or open",
    "new": "write a commented template of a conjecture",
    "list": "the theorems, with their sheet ids and forms",
    "show": "one theorem as a reader of the paper wants it: statement, proofs, sharpness, false twins",
    "derive": "derive a closed form step by step with SymPy",
    "replay": "re-check certificates with nothing but the kernel",
    "rank": "the rank of the product of given layers: for generic noise, and what training cannot beat",
    "hessian": "how flat a trained network lies on its valley, and where gradient noise drives it",
    "minimum": "the exact global minimum of a deep linear network on a CSV file",
    "landscape": "every level of its loss, the decays at which it changes, and whether given weights fall to zero",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = _parser(arguments).parse_args(arguments)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        print("deeplin: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        if not _for_the_user(error):
            raise
        print(f"deeplin {args.command}: {error}", file=sys.stderr)
        return 2


def _for_the_user(error: Exception) -> bool:
    from theory.errors import DeeplinError

    return isinstance(error, DeeplinError | OSError)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; only the module of the command that is called is imported, so that `replay` stays on the standard library."""
    parser = argparse.ArgumentParser(prog="deeplin", description="A theorem verifier for deep linear networks.")
    parser.add_argument("--version", action="version", version=f"deeplin {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((a for a in arguments if not a.startswith("-")), None)
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == chosen:
            module = importlib.import_module(f"deeplin.commands.{name}")
            module.configure(sub)
            sub.set_defaults(run=module.run)
    return parser


def _version() -> str:
    from deeplin import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
