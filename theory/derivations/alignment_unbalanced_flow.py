r"""The gradient flow of one mode at depth 2, layers of different value.

Setting: an aligned network of depth 2 under gradient flow, values $x = \sigma_1$, $y = \sigma_2$ with $\Delta = y^2 - x^2 \ne
0$. Result: the product $a(t) = xy$. Source: arXiv:2003.06340 (setting; closed form derived here).
"""

from __future__ import annotations

import sympy as sp

from theory.derivations import alignment
from theory.derivations.alignment import SOURCE, a, c, s, t
from theory.derivations.exact import root, vanishes
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Recipe, Step, equation

X, Y, X0, Y0 = sp.symbols("x y x_0 y_0", real=True)
D = sp.Symbol("Delta", real=True, nonzero=True)
W, W0 = sp.symbols("w w_0", real=True)
HIGH, LOW, R = sp.Symbol("w_1", real=True), sp.Symbol("w_2", real=True), sp.Symbol("R", positive=True)
E = sp.Symbol("E", positive=True)


def speeds() -> tuple[sp.Expr, sp.Expr]:
    """dx/dt and dy/dt."""
    first, second = alignment.values(2)
    rates = alignment.flow(2)
    return rates[first].subs({first: X, second: Y}), rates[second].subs({first: X, second: Y})


def along(f: sp.Expr) -> sp.Expr:
    """The derivative of f(x, y) along the flow."""
    dx, dy = speeds()
    return sp.factor(sp.diff(f, X) * dx + sp.diff(f, Y) * dy)


def ratio_speed() -> sp.Expr:
    """dw/dt of w = (y + x)/(y - x), as a polynomial in w and Delta: a Riccati equation."""
    rate = 2 * W * (c - s * D * (W - 1 / W) / 4)
    return sp.expand(rate)


def roots() -> dict[sp.Symbol, sp.Expr]:
    """The two rest points of w."""
    found = sp.solve(ratio_speed(), W)
    high = next(x for x in found if sp.simplify(x.subs({s: 1, c: 0, D: 2}) - 1) == 0)
    (low,) = [x for x in found if x is not high]
    return {HIGH: high, LOW: low}


def moved() -> sp.Expr:
    """w(t), from (w - w_1)/(w - w_2) = (w_0 - w_1)/(w_0 - w_2) e^{-Rt}, which is linear in w."""
    (value,) = sp.solve((W - HIGH) * (W0 - LOW) - (W0 - HIGH) * E * (W - LOW), W)
    return sp.factor(value).subs(E, sp.exp(-R * t))


def product() -> Formula:
    """a(t)."""
    arguments = (
        Argument("t", t, "time"),
        Argument("sigma", sp.Tuple(X0, Y0), "the two values at time 0, of different size"),
        Argument("s", s, "eigenvalue of $S$, positive"),
        Argument("c", c, "target of the mode"),
    )
    body = (
        Let(D, Y0**2 - X0**2),
        Let(R, root(4 * c**2 + s**2 * D**2)),
        Let(HIGH, (2 * c + R) / (s * D)),
        Let(LOW, (2 * c - R) / (s * D)),
        Let(W0, (Y0 + X0) / (Y0 - X0)),
        Let(W, moved()),
    )
    return Formula("product", arguments, body, (Let(a, D * (W - 1 / W) / 4),))


# -- checks -------------------------------------------------------------------------------------------------------------


def _conserves(formula: Formula) -> bool:
    return vanishes(along(Y**2 - X**2))


def _is_riccati(formula: Formula) -> bool:
    """The derivative of (y + x)/(y - x) along the flow is the quadratic in w."""
    w = (Y + X) / (Y - X)
    return vanishes(along(w) - ratio_speed().subs({W: w, D: Y**2 - X**2}))


def _rests(formula: Formula) -> bool:
    """w_1 and w_2 annihilate the quadratic, modulo the relation of R."""
    relation = [(R, R**2 - 4 * c**2 - s**2 * D**2)]
    return all(vanishes(ratio_speed().subs(W, formula[name]), relation) for name in ("w_1", "w_2"))


def _solves(formula: Formula) -> bool:
    """w(t) put into its equation, the exponential being a symbol, modulo the relation of R."""
    value = formula["w"]
    left = (sp.diff(value, t) - ratio_speed().subs(W, value)).subs(sp.exp(-R * t), E)
    placed = left.subs({HIGH: formula["w_1"], LOW: formula["w_2"]})
    return vanishes(placed, [(R, R**2 - 4 * c**2 - s**2 * D**2)])


def _starts(formula: Formula) -> bool:
    value = formula["a"].subs(W, formula["w"]).subs(t, 0).subs(W0, formula["w_0"]).subs(D, formula["Delta"])
    return vanishes(value - X0 * Y0)


def _product_speed(formula: Formula) -> bool:
    """(da/dt)^2 = (Delta^2 + 4 a^2)(c - s a)^2."""
    return vanishes(along(X * Y) ** 2 - ((Y**2 - X**2) ** 2 + 4 * X**2 * Y**2) * (c - s * X * Y) ** 2)


def make() -> Derivation:
    """The unbalanced flow at depth 2."""
    formula, (dx, dy) = product(), speeds()
    w = (Y + X) / (Y - X)
    steps = (
        *alignment.mode_steps(2),
        Step(
            "Two values",
            sp.Tuple(equation(sp.Derivative(X, t), dx), equation(sp.Derivative(Y, t), dy)),
            "$x = \\sigma_1$, $y = \\sigma_2$.",
        ),
        Step("Conserved", equation(D, Y**2 - X**2), "Both squares grow at the rate $2xy(c - sa)$."),
        Step(
            "The product",
            equation(sp.Derivative(a, t), root(D**2 + 4 * a**2) * (c - s * a)),
            "$x^2 + y^2 = \\sqrt{\\Delta^2 + 4 a^2}$.",
        ),
        Step(
            "The ratio of sum and difference",
            sp.Tuple(equation(W, w), equation(a, D * (W - 1 / W) / 4)),
            "$y + x$ grows at the rate $c - sa$, $y - x$ shrinks at it.",
        ),
        Step("A Riccati equation with constant coefficients", equation(sp.Derivative(W, t), ratio_speed()), ""),
        Step(
            "Its rest points",
            sp.Tuple(equation(R, formula["R"]), equation(HIGH, formula["w_1"]), equation(LOW, formula["w_2"])),
            "$(w - w_1)/(w - w_2)$ decays at the rate $R$.",
        ),
        Step("Solve", equation(W, moved()), "Linear in $w$."),
    )  # fmt: skip
    checks = (
        Check("y^2 - x^2 is conserved", _conserves),
        Check("da/dt squared is (Delta^2 + 4 a^2)(c - s a)^2", _product_speed),
        Check("w solves the Riccati equation along the flow", _is_riccati),
        Check("w_1 and w_2 are its rest points", _rests),
        Check("w(t) solves it, as an identity", _solves),
        Check("a starts at x_0 y_0", _starts),
    )
    title = "Gradient flow of one mode at depth 2, layers of different value"
    setting = f"An aligned linear network of depth 2 under gradient flow, $\\sigma_1^2 \\ne \\sigma_2^2$. Source: {SOURCE}."
    names = (*alignment.notation("s", "c", "t", "a"), (D, "$\\sigma_2^2 - \\sigma_1^2$, conserved"))
    return Derivation("alignment.unbalanced_flow", title, setting, names, steps, formula, checks, SOURCE)


RECIPE = Recipe("alignment.unbalanced_flow", "gradient flow of one mode at depth 2, layers of different value", (), make)
