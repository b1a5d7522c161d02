"""`deeplin landscape`: every level of the loss that theory predicts on a CSV file, and whether given weights collapse."""

from __future__ import annotations

import argparse
import json
import sys
from math import isinf, prod
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from deeplin.problem import Json, finite, floats, network_report, read
from deeplin.problem import configure as configure_problem
from deeplin.weights import read_weights
from numerics.basin import SHEETS, Basin, basin
from numerics.landscape import Landscape, Level, LevelKind, landscape
from numerics.scopes import PROVED_DEPTHS, Status, status
from numerics.thresholds import Thresholds
from theory.errors import InvalidInput

SCHEMA = "deeplin.landscape"
VERSION = 1
LINES = 10
WIDTH = 100
DEEPEST = 8

DESCRIPTION = """\
Every level of the loss of a deep linear network with one output, weight decay and stochastic neurons that theory predicts,
without training: global and local minima, barrier, saddles; the decays at which zero becomes a global minimum, at which the
other minima vanish, and beyond which zero is the only stationary point. Each line names the theorem that says so (see
`deeplin list minima`) and whether it is proved, derived by the argument that the kernel proves for fewer layers or small
widths, or a conjecture.

With --weights: whether gradient flow from these weights is proved to fall to zero, and how fast.
"""

EPILOG = """\
example: deeplin landscape diabetes.csv --target progression --widths 8,8 --decay 0.1 --standardize --plot figures
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `deeplin landscape`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    configure_problem(parser)
    add = parser.add_argument
    add("--weights", type=Path, metavar="W.npz", help="weights to ask about: arrays W1, W2, ... (W1 acts first), or a torch "
        "state dict (.pt, .pth); the decay of E(y-f)^2 + sum decay |W|^2 is half of torch's weight_decay")  # fmt: skip
    add("--plot", type=Path, metavar="DIR", help="write reduced_loss.png, phase_diagram.png and predictor_jump.png there")
    add("--json", action="store_true", help="print one JSON object (schema: deeplin/schemas/landscape.schema.json)")


def run(args: argparse.Namespace) -> int:
    """Computes and prints; 0 on success. Bad data, arguments or weights raise `InvalidInput`."""
    problem = read(args)
    decay, noise = floats(problem.decay), floats(problem.noise)
    found = landscape(problem.moments, problem.widths, decay=decay, noise=noise)
    start = None if args.weights is None else _basin(args.weights, found)
    plots = [] if args.plot is None else _plots(found, args.plot)
    if args.json:
        print(json.dumps(_report(problem.data_report(), found, start, plots), indent=2, allow_nan=False))
    else:
        _print(found, start, plots)
    return 0


def _basin(path: Path, found: Landscape) -> Basin:
    layers, minimum = read_weights(path), found.minimum
    shapes = list(zip(minimum.widths[1:], minimum.widths[:-1], strict=True))
    if [layer.shape for layer in layers] != shapes:
        got = ", ".join(str(layer.shape) for layer in layers)
        raise InvalidInput("--weights", f"layers of shapes {got}", f"shapes {', '.join(map(str, shapes))}")
    return basin(layers, minimum.moments, minimum.decay, noise=minimum.noise)


def _plots(found: Landscape, folder: Path) -> list[Path]:
    from deeplin.plots import write_plots

    return write_plots(found, folder)


# -- JSON -----------------------------------------------------------------------------------------------------------------


def _report(data: Json, found: Landscape, start: Basin | None, plots: list[Path]) -> Json:
    """The JSON object of the schema: every number finite, null where there is none."""
    depth = found.minimum.depth
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "data": data,
        "network": network_report(found.minimum),
        "verdict": found.minimum.verdict.name.lower(),
        "levels": [_level_report(level) for level in found.levels],
        "omitted_subnetworks": found.omitted,
        "complete": {"theorem": _complete(found), "status": _completeness(found).value},
        "barrier": {"loss": found.barrier, **_cited("B4", depth)},
        "thresholds": _threshold_report(found.thresholds),
        "uniqueness": _uniqueness_report(found),
        "critical_decay_by_depth": [_threshold_report(t) for t in found.critical_decays(range(1, max(DEEPEST, depth) + 1))],
        "basin": None if start is None else _basin_report(start),
        "plots": [str(path) for path in plots],
    }


def _cited(sheet: str, depth: int) -> Json:
    return {"theorem": sheet, "status": status(sheet, depth).value}


def _level_report(level: Level) -> Json:
    return {
        "kind": level.kind.value,
        "loss": level.loss,
        "excess": level.excess,
        "energy": level.energy,
        "lambda": finite(level.lam),
        "active_neurons": list(level.active),
        "morse_index": level.index,
        "theorem": level.sheet,
        "status": level.status.value,
    }


# Each threshold: its key, the theorem that says so, and what it is.
THRESHOLDS = (
    ("critical", "B14", "from it on zero is a global minimum"),
    ("saddle_node", "B17", "below it there are nonzero stationary points"),
    ("only_zero", "B17", "above it only zero is stationary"),
)


def _complete(found: Landscape) -> str:
    """The theorem that there are no other levels; without hidden layers the loss is convex."""
    return "B8" if found.minimum.depth > 1 else "B4"


def _completeness(found: Landscape) -> Status:
    return status(_complete(found), found.minimum.depth) if found.complete else Status.CONJECTURE


def _threshold_report(limits: Thresholds) -> Json:
    pairs = zip(THRESHOLDS, limits.products, limits.decays, strict=True)
    named = {
        key: {"product": finite(product), "decay": finite(decay), **_cited(sheet, limits.depth)}
        for (key, sheet, _), product, decay in pairs
    }
    return {"depth": limits.depth, **named}


def _uniqueness_report(found: Landscape) -> Json:
    unique = found.uniqueness
    return {
        "eigenvalue_ratio": unique.ratio,
        "largest_ratio": finite(unique.bound),
        "one_nonzero_minimum": unique.holds,
        **_cited("B10", found.minimum.depth),
    }


def _basin_report(start: Basin) -> Json:
    sheet = SHEETS.get(start.proof)
    known = status(sheet, start.hidden + 1) if sheet else Status.PROVED
    return {
        "answer": start.proof.name.lower(),
        "falls_to_zero": start.collapses,
        "rate": start.rate,
        "squared_norm": start.squared_norm,
        "ball": start.radius,
        "predictor_norm": start.predictor_norm,
        "wall": start.wall if start.wall is None else finite(start.wall),
        "excess": start.excess,
        "barrier": start.barrier if start.barrier is None else finite(start.barrier),
        "theorem": sheet,
        "status": None if start.collapses is None else known.value,
    }


# -- text -----------------------------------------------------------------------------------------------------------------


def _print(found: Landscape, start: Basin | None, plots: list[Path]) -> None:
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDTH)
    say = console.print
    say(f"[bold]{found.minimum.verdict.name.lower()}[/bold]: {found.minimum.verdict.value}")
    say(_levels(found))
    for line in (_omitted(found), *_remarks(found)):
        if line:
            say(line)
    if found.minimum.depth > 1:
        say(_thresholds(found))
    say(_depths(found))
    if start is not None:
        say(_verdict(start))
    if found.minimum.depth > min(PROVED_DEPTHS.values()) or any(x.status is Status.DERIVED for x in found.levels):
        say("derived: by the argument that the kernel proves for fewer weight matrices, or for small widths")
    for path in plots:
        say(f"written to {path}", markup=False)


def _grid(title: str, *headings: str) -> Grid:
    """A table of numbers between a first and a last column of words."""
    grid = Grid(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for heading in headings:
        grid.add_column(heading, justify="left" if heading in (headings[0], "theorem") else "right", no_wrap=True)
    return grid


def _shown(found: Landscape) -> list[Level]:
    """The levels of the whole network and the lowest sub-networks, as many as fit."""
    whole = [x for x in found.levels if x.kind is not LevelKind.SADDLE or isinf(x.lam)]
    rest = [x for x in found.levels if x not in whole][: max(0, LINES - len(whole))]
    return [x for x in found.levels if x in whole or x in rest]


def _levels(found: Landscape) -> Grid:
    title = "levels of the loss (energy: of every layer; active: neurons; index: of the Hessian)"
    grid = _grid(title, "it is", "loss", "energy", "active", "index", "theorem")
    for level in _shown(found):
        active = ",".join(map(str, level.active)) if level.active else "-"
        index = "-" if level.index is None else str(level.index)
        energy = "zero" if isinf(level.lam) else f"{level.energy:.6g}"
        grid.add_row(level.kind.value, f"{level.loss:.10g}", energy, active, index, f"{level.sheet}, {level.status.value}")
    return grid


def _said(sheet: str, found: Landscape) -> str:
    return f"{sheet}, {status(sheet, found.minimum.depth).value}"


def _omitted(found: Landscape) -> str:
    count = found.omitted + len(found.levels) - len(_shown(found))
    return f"... and {count} saddles of sub-networks with neurons that are zero" if count else ""


def _remarks(found: Landscape) -> list[str]:
    unique, lines = found.uniqueness, []
    doubt = "" if found.complete else " with noise and two hidden layers or more"
    lines.append(f"no other level  ({_complete(found)}, {_completeness(found).value}{doubt})")
    if found.barrier is not None:
        height = f"every path from zero to the minimum reaches loss {found.barrier:.12g}"
        lines.append(f"barrier         {height}  ({_said('B4', found)})")
    if isinf(unique.bound):
        return lines
    word = "below" if unique.holds else "not below"
    means = "at most one nonzero minimum" if unique.holds else "maybe several nonzero minima"
    lines.append(f"eigenvalues     ratio {unique.ratio:.6g}, {word} {unique.bound:.6g}: {means}  ({_said('B10', found)})")
    return lines


def _thresholds(found: Landscape) -> Grid:
    title = f"thresholds: the product of the decays is {prod(found.minimum.decay):.6g}"
    grid = _grid(title, "it is", "product", "if uniform", "theorem")
    rows = zip(THRESHOLDS, found.thresholds.products, found.thresholds.decays, strict=True)
    for (_, sheet, means), product, decay in rows:
        grid.add_row(means, _number(product), _number(decay), _said(sheet, found))
    return grid


def _number(x: float) -> str:
    return "none" if isinf(x) else f"{x:.6g}"


def _depths(found: Landscape) -> Grid:
    known = f"B14: proved up to {PROVED_DEPTHS['B14']}, derived beyond"
    grid = _grid(f"uniform decay from which zero is a global minimum ({known})", "weight matrices", "decay")
    for limits in found.critical_decays(range(1, max(DEEPEST, found.minimum.depth) + 1)):
        here = "  <- this network" if limits.depth == found.minimum.depth else ""
        grid.add_row(f"{limits.depth}{here}", _number(limits.decays[0]))
    return grid


def _verdict(start: Basin) -> str:
    answer = {True: "falls to zero", False: "does not fall to zero", None: "not covered by a proof"}[start.collapses]
    lines = [f"[bold]these weights: {answer}[/bold]"]
    if start.collapses is not None:
        sheet = SHEETS.get(start.proof)
        known = f"{sheet}, {status(sheet, start.hidden + 1).value}, " if sheet else ""
        lines.append(f"  {start.proof.value}  ({known}for gradient flow)")
    if start.rate is not None:
        lines.append(f"  |theta(t)|^2 falls at least as e^(-{start.rate:.6g} t)")
    lines.append(f"  |theta|^2 = {start.squared_norm:.6g}" + _against(start.radius, "the ball has"))
    lines.append(f"  |v| = {start.predictor_norm:.6g}" + _against(start.wall, "the level set has"))
    lines.append(f"  loss less that of zero = {start.excess:.6g}" + _against(start.barrier, "the level set has"))
    return "\n".join(lines)


def _against(limit: float | None, words: str) -> str:
    return "" if limit is None else f"  ({words} < {limit:.6g})"
