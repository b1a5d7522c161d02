r"""The balanced gradient flow of a mode without a target: algebraic decay.

Setting: as in `alignment.balanced_flow` with $c = 0$, depth $N \ge 2$. Result: $b(t)$. Source: arXiv:2003.06340 (setting).
"""

from __future__ import annotations

import sympy as sp

from theory.derivations import alignment
from theory.derivations.alignment import SOURCE, b, b0, c, s, t
from theory.derivations.exact import vanishes
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Option, Recipe, Step, equation

Y = sp.Symbol("y", positive=True)


def growth(depth: int) -> sp.Expr:
    r"""The derivative of $y = b^{-(2N-2)}$ along the flow, a constant.

    >>> growth(3)
    4*s
    """
    return sp.cancel(sp.diff(b ** (2 - 2 * depth), b) * alignment.balanced_speed(depth).subs(c, 0))


def value(depth: int) -> Formula:
    """b(t)."""
    inverse = b0 ** (2 - 2 * depth) + growth(depth) * t
    arguments = (
        Argument("t", t, "time"),
        Argument("b_0", b0, "the layer value at time 0"),
        Argument("s", s, "eigenvalue of $S$"),
    )
    return Formula("layer_value", arguments, (Let(Y, inverse),), (Let(b, Y ** sp.Rational(-1, 2 * depth - 2)),))


def _solves(formula: Formula, depth: int) -> bool:
    """The logarithmic derivative is the speed over b; only integer powers of y remain."""
    rate = sp.diff(formula["y"], t) * sp.diff(formula["b"], Y) / formula["b"]
    speed = alignment.balanced_speed(depth).subs(c, 0) / b
    return vanishes(sp.powsimp(rate - speed.subs(b, formula["b"])))


def _starts(formula: Formula, depth: int) -> bool:
    return vanishes(sp.powdenest(formula.expanded(formula["b"]).subs(t, 0), force=True) - b0)


def make(depth: int | None = None) -> Derivation:
    """The flow without a target at ``depth`` 2 to 6."""
    n = alignment.checked_depth(3 if depth is None else depth, 2, 6)
    formula = value(n)
    steps = (
        *alignment.mode_steps(n),
        Step("Equal values, no target", equation(sp.Derivative(b, t), alignment.balanced_speed(n).subs(c, 0)), "$c = 0$."),
        Step("A power that grows linearly", equation(sp.Derivative(b ** (2 - 2 * n), t), growth(n)), "$y = b^{-(2N-2)}$."),
    )
    checks = (
        Check("it solves the differential equation", lambda f: _solves(f, n)),
        Check("it starts at b_0", lambda f: _starts(f, n)),
    )
    title = f"Balanced gradient flow without a target at depth {n}"
    setting = f"An aligned linear network of depth {n} under gradient flow, equal layer values, $c = 0$. Source: {SOURCE}."
    names = alignment.notation("s", "t", "b")
    return Derivation("alignment.zero_target_flow", title, setting, names, steps, formula, checks, SOURCE)


RECIPE = Recipe(
    "alignment.zero_target_flow",
    "balanced gradient flow of a mode without a target: algebraic decay",
    (Option("depth", "3", "2 to 6"),),
    make,
)
