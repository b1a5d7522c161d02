"""Figures of a landscape: the reduced loss with its roots, the phases by decay and depth, the jump of the predictor.

They need matplotlib (the extra `plot`). Colours are those of Okabe and Ito, which colour-blind readers tell apart; lines differ
in dashes and marks as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np

from numerics.landscape import Landscape, Level, LevelKind
from numerics.minimum import minimise
from numerics.minimum_moments import Array
from numerics.thresholds import Thresholds
from theory.errors import InvalidInput

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
DEEPEST = 8
POINTS = 400
# Each kind of level: colour, mark, words.
MARKS = {
    LevelKind.GLOBAL: (BLUE, "o", "global minimum"),
    LevelKind.LOCAL: (GREEN, "s", "local minimum"),
    LevelKind.BARRIER: (RED, "^", "barrier (saddle)"),
    LevelKind.SADDLE: (RED, "v", "saddle"),
    LevelKind.DEGENERATE: (ORANGE, "D", "degenerate"),
}


def write_plots(found: Landscape, folder: Path) -> list[Path]:
    """Writes reduced_loss.png, phase_diagram.png and predictor_jump.png into `folder`, which is made where absent.

    Raises `InvalidInput` where matplotlib is absent, for a network without hidden layers, for E[xy] = 0 and for a folder that
    cannot be written.
    """
    if found.minimum.depth < 2 or isinf(found.thresholds.log_critical):
        raise InvalidInput("--plot", "a network without hidden layers, or E[xy] = 0", "a loss with a transition to draw")
    drawn = {"reduced_loss": reduced_loss, "phase_diagram": phase_diagram, "predictor_jump": predictor_jump}
    figures = {f"{name}.png": draw(found) for name, draw in drawn.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(folder / name, dpi=120)
    except OSError as error:
        raise InvalidInput("--plot", str(folder), f"a folder that can be written ({error.strerror})") from None
    return [folder / name for name in figures]


def _axes(title: str, x: str, y: str) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InvalidInput("--plot", "no matplotlib", "the extra `plot`: pip install 'deeplin[plot]'") from None
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


# -- the reduced loss -----------------------------------------------------------------------------------------------------


def reduced_loss(found: Landscape) -> Any:
    """E[y^2] + psi(b) against the layer energy b, with zero and every root; a square-root scale shows barriers near zero."""
    figure, axes = _axes(
        f"Reduced loss, {_network(found)}",
        r"layer energy $b = \gamma_i\,\|W_i\|_F^2$ (units of the loss, square-root scale)",
        "least loss at layer energy $b$ (units of $E[y^2]$)",
    )
    levels = [x for x in found.levels if x.active == found.minimum.widths[1:-1] or isinf(x.lam)]
    reach = max((x.energy for x in levels), default=0.0) or found.minimum.moments.explained / (found.minimum.depth - 1)
    b = np.linspace(0, (1.45 * reach) ** 0.5, POINTS) ** 2
    target = found.minimum.moments.target
    axes.axhline(target, color=GREY, linestyle=":", linewidth=1.2, label="loss of zero, $E[y^2]$")
    axes.plot(b, target + psi(found, b), color="black", linewidth=1.6, label=r"$E[y^2] + \psi(b)$")
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    axes.set_xlim(0, b[-1])
    ticks = _round_ticks(b[-1])
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    _mark_levels(axes, levels)
    axes.margins(y=0.12)
    axes.legend(loc="best", framealpha=0.95)
    return figure


def psi(found: Landscape, b: Array) -> Array:
    """D b - g^T (kappa A + Gamma/b^D)^{-1} g at each b >= 0."""
    minimum, moments = found.minimum, found.minimum.moments
    hidden, curvature = minimum.depth - 1, minimum.noise_factor * moments.eigenvalues
    with np.errstate(divide="ignore", over="ignore"):
        lam = np.exp(found.log_decay_product - hidden * np.log(b))
    return np.asarray(hidden * b - np.sum(moments.coordinates**2 / (curvature + lam[:, None]), axis=1))


def _round_ticks(end: float) -> Array:
    """Round numbers that lie evenly on a square-root scale."""
    unit = 10.0 ** np.floor(np.log10(end))
    ticks = np.array([0, 0.05, 0.2, 0.5, 1, 2, 3, 5, 7, 9]) * unit
    return np.asarray(ticks[ticks <= end])


def _mark_levels(axes: Any, levels: Sequence[Level]) -> None:
    for kind, (colour, mark, words) in MARKS.items():
        at = [x for x in levels if x.kind is kind]
        if at:
            style = {"color": colour, "marker": mark, "linestyle": "none", "markersize": 9, "markeredgecolor": "white"}
            axes.plot([x.energy for x in at], [x.loss for x in at], label=words, clip_on=False, zorder=3, **style)


def _network(found: Landscape) -> str:
    return f"widths {', '.join(map(str, found.minimum.widths))}"


# -- the phases -----------------------------------------------------------------------------------------------------------


def phase_diagram(found: Landscape) -> Any:
    """The three thresholds of a uniform decay at each depth, and the regions between them."""
    figure, axes = _axes(
        "What the minimum is, by depth and decay",
        "number of weight matrices $N$ (hidden layers like the last of this network)",
        r"weight decay $\gamma$ of every layer (log scale)",
    )
    depths = range(2, max(DEEPEST, found.minimum.depth + 1) + 1)
    limits = np.array([t.decays for t in found.critical_decays(depths)])
    here = float(np.exp(found.log_decay_product / found.minimum.depth))
    low, high = min(limits.min(), here) / 3, max(limits.max(), here) * 3
    edges = np.column_stack([np.full(len(limits), low), limits[:, 0], limits[:, 2], np.full(len(limits), high)])
    regions = ((BLUE, "every global minimum is nonzero", ""), (ORANGE, "zero is global; nonzero minima may remain", "//"))
    for k, (colour, words, hatch) in enumerate((*regions, (GREY, "zero is the only stationary point", ".."))):
        style = {"color": colour, "alpha": 0.3, "hatch": hatch, "edgecolor": "white", "width": 0.96, "label": words}
        axes.bar(list(depths), edges[:, k + 1] - edges[:, k], bottom=edges[:, k], **style)
    lines = (
        (r"$\gamma_c$: zero becomes a global minimum", BLUE, "o-"),
        (r"$\gamma_{sn}$: nonzero stationary points exist below", RED, "^--"),
        (r"$\gamma_{all}$: only zero is stationary above", "black", "s:"),
    )
    for column, (words, colour, line) in enumerate(lines):
        style = {"color": colour, "markersize": 5 + 2 * column, "markerfacecolor": "none" if column == 2 else colour}
        axes.plot(list(depths), limits[:, column], line, linewidth=1.3, label=words, **style)
    star = {"color": GREEN, "marker": "*", "markersize": 17, "markeredgecolor": "black", "linestyle": "none"}
    axes.plot([found.minimum.depth], [here], label=_here(found), **star)
    _log_scale(axes.yaxis)
    axes.set(ylim=(low, high), xlim=(depths[0] - 0.5, depths[-1] + 0.5), xticks=list(depths))
    figure.set_size_inches(8, 6.5)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _log_scale(axis: Any) -> None:
    """Plain numbers at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    axis.axes.set_yscale("log")
    axis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(StrMethodFormatter("{x:g}"))


def _here(found: Landscape) -> str:
    return "this network" if len(set(found.minimum.decay)) == 1 else "this network (geometric mean of its decays)"


# -- the jump -------------------------------------------------------------------------------------------------------------


def predictor_jump(found: Landscape) -> Any:
    """The norm of the mean predictor at the global minimum, against the decay over its critical value, for several depths."""
    figure, axes = _axes(
        "The mean predictor at the global minimum",
        r"weight decay over its critical value, $\gamma/\gamma_c$ (all layers alike)",
        r"$\|v\|$ over its value without decay",
    )
    depths = sorted({2, 3, found.minimum.depth})
    limits = found.critical_decays(depths)
    end = 1.05 * max(1.3, *(t.decays[1] / t.decays[0] for t in limits))
    styles = zip(limits, (BLUE, RED, GREEN), ("-", "--", "-."), strict=False)
    top = max(_branch(axes, found, end, *style) for style in styles)
    axes.axvline(1, color=GREY, linestyle=":", linewidth=1.2)
    axes.set(xlim=(0, end), ylim=(-0.02 * top, 1.1 * top))
    axes.legend(loc="upper right", framealpha=0.95)
    return figure


def _branch(axes: Any, found: Landscape, end: float, limits: Thresholds, colour: str, dash: str) -> float:
    """The global minimum, the jump at the critical decay, and the minimum that is left beyond it; the greatest |v|."""
    depth = limits.depth
    below = np.linspace(0.02, 1 - 1e-9, POINTS // 3)
    beyond = np.linspace(1, limits.decays[1] / limits.decays[0] * (1 - 1e-6), POINTS // 10)
    left = [_length(found, depth, x * limits.decays[0]) for x in below]
    axes.plot(below, left, dash, color=colour, linewidth=2, label=f"{depth} weight matrices")
    axes.plot([1, 1, end], [left[-1], 0, 0], dash, color=colour, linewidth=2)
    if depth > 2:
        right = [_length(found, depth, x * limits.decays[0]) for x in beyond]
        axes.plot(beyond, right, color=colour, linewidth=1, alpha=0.7, label=f"{depth} weight matrices, local minimum only")
    return max(left)


def _length(found: Landscape, depth: int, decay: float) -> float:
    """|v| at the lowest nonzero local minimum over |v| without decay."""
    widths, noise = found.at_depth(depth)
    minimum = minimise(found.minimum.moments, widths, decay=decay, noise=noise)
    points = [p for p in minimum.local_minima if not isinf(p.lam)]
    free = np.linalg.norm(found.minimum.moments.coordinates / found.minimum.moments.eigenvalues) / minimum.noise_factor
    return float(np.linalg.norm(minimum.predictor_at(points[0])) / free) if points else 0.0
