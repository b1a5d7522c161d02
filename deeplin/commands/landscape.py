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
other minima vanish, and beyond which zero is the only stationary point. Each line names the theorem that says so, and whether
it is proved; `deeplin list minima` lists the theorems.

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
        "complete": {"theorem": _complete(found), "status": "proved" if found.complete else "conjecture"},
        "barrier": {"loss": found.barrier, "theorem": "B4", "status": "proved"},
        "thresholds": _threshold_report(found.thresholds),
        "uniqueness": _uniqueness_report(found),
        "critical_decay_by_depth": [_threshold_report(t) for t in found.critical_decays(range(1, max(DEEPEST, depth) + 1))],
        "basin": None if start is None else _basin_report(start),
        "plots": [str(path) for path in plots],
    }


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
        "status": "proved",
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


def _threshold_report(limits: Thresholds) -> Json:
    pairs = zip(THRESHOLDS, limits.products, limits.decays, strict=True)
    named = {
        key: {"product": finite(product), "decay": finite(decay), "theorem": sheet, "status": "proved"}
        for (key, sheet, _), product, decay in pairs
    }
    return {"depth": limits.depth, **named}


def _uniqueness_report(found: Landscape) -> Json:
    unique = found.uniqueness
    return {
        "eigenvalue_ratio": unique.ratio,
        "largest_ratio": finite(unique.bound),
        "one_nonzero_minimum": unique.holds,
        "theorem": "B10",
        "status": "proved",
    }


def _basin_report(start: Basin) -> Json:
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
        "theorem": SHEETS.get(start.proof),
        "status": "none" if start.collapses is None else "proved",
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
        grid.add_row(level.kind.value, f"{level.loss:.10g}", energy, active, index, f"{level.sheet}, proved")
    return grid


def _omitted(found: Landscape) -> str:
    count = found.omitted + len(found.levels) - len(_shown(found))
    return f"... and {count} saddles of sub-networks with neurons that are zero" if count else ""


def _remarks(found: Landscape) -> list[str]:
    unique, lines = found.uniqueness, []
    status = "proved" if found.complete else "a conjecture with noise and two hidden layers or more"
    lines.append(f"no other level  ({_complete(found)}, {status})")
    if found.barrier is not None:
        lines.append(f"barrier         every path from zero to the minimum reaches loss {found.barrier:.12g}  (B4, proved)")
    if isinf(unique.bound):
        return lines
    word = "below" if unique.holds else "not below"
    means = "one nonzero minimum at most, at any decay" if unique.holds else "there may be several nonzero minima"
    lines.append(f"eigenvalues     ratio {unique.ratio:.6g}, {word} {unique.bound:.6g}: {means}  (B10, proved)")
    return lines


def _thresholds(found: Landscape) -> Grid:
    title = f"thresholds: the product of the decays is {prod(found.minimum.decay):.6g}"
    grid = _grid(title, "it is", "product", "if uniform", "theorem")
    rows = zip(THRESHOLDS, found.thresholds.products, found.thresholds.decays, strict=True)
    for (_, sheet, means), product, decay in rows:
        grid.add_row(means, _number(product), _number(decay), f"{sheet}, proved")
    return grid


def _number(x: float) -> str:
    return "none" if isinf(x) else f"{x:.6g}"


def _depths(found: Landscape) -> Grid:
    grid = _grid("uniform decay from which zero is a global minimum (B14, proved)", "weight matrices", "decay")
    for limits in found.critical_decays(range(1, max(DEEPEST, found.minimum.depth) + 1)):
        here = "  <- this network" if limits.depth == found.minimum.depth else ""
        grid.add_row(f"{limits.depth}{here}", _number(limits.decays[0]))
    return grid


def _verdict(start: Basin) -> str:
    answer = {True: "falls to zero", False: "does not fall to zero", None: "not covered by a proof"}[start.collapses]
    lines = [f"[bold]these weights: {answer}[/bold]"]
    if start.collapses is not None:
        sheet = SHEETS.get(start.proof)
        lines.append(f"  {start.proof.value}  ({f'{sheet}, ' if sheet else ''}proved, for gradient flow)")
    if start.rate is not None:
        lines.append(f"  |theta(t)|^2 falls at least as e^(-{start.rate:.6g} t)")
    lines.append(f"  |theta|^2 = {start.squared_norm:.6g}" + _against(start.radius, "the ball has"))
    lines.append(f"  |v| = {start.predictor_norm:.6g}" + _against(start.wall, "the level set has"))
    lines.append(f"  loss less that of zero = {start.excess:.6g}" + _against(start.barrier, "the level set has"))
    return "\n".join(lines)


def _against(limit: float | None, words: str) -> str:
    return "" if limit is None else f"  ({words} < {limit:.6g})"
