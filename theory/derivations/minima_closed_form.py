r"""The global minimiser in closed form, for isotropic data.

Setting: depth $N = D + 1$, $A = aI$. Result: the layer energy $b$ in radicals (depth 2, 3, 4; depth 1 is ridge regression),
the layers and $L^* - Y$; from depth 5 on a proof that radicals do not suffice in general. Source: arXiv:2202.04777
(closed forms derived here).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp

from theory.derivations import layers, minima, radicals
from theory.derivations import network as nets
from theory.derivations.closed_form_limits import no_closed_form
from theory.derivations.exact import largest_root, root, tower, vanishes
from theory.derivations.layers import SHRINK
from theory.derivations.minima import ALPHA, GAMMA, LAMBDA, PSI, A, C, G, K, b, stationary_polynomial, z
from theory.derivations.minima_critical_decay import GAMMA_C, critical_decay, is_negative_somewhere
from theory.derivations.model import Argument, Check, Derivation, Formula, Guard, Let, Option, Recipe, Step, equation
from theory.errors import InvalidInput

_SOLVE: Mapping[int, Callable[[sp.Expr], radicals.Root]] = {1: radicals.linear, 2: radicals.ferrari, 3: radicals.viete}
_CHECKED_AT = {0: (2, 1), 1: (2, 2, 1), 2: (2, 2, 2, 1), 3: (1, 2, 1, 2, 1)}


def minimiser(hidden: int) -> Formula:
    """The minimiser as a function of the data, the decays, the noise variances and the hidden widths."""
    d, decay, noise = layers.widths_symbols(hidden), layers.decay_symbols(hidden), layers.noise_symbols(hidden)
    body: tuple[Let | Guard, ...] = (
        Let(GAMMA, sp.prod(decay)),
        Let(K, sp.prod([1 + s / width for s, width in zip(noise, d, strict=True)])),
        Let(ALPHA, K * A),
        Let(GAMMA_C, critical_decay(hidden)),
        Guard(sp.Lt(GAMMA, GAMMA_C), (sp.Integer(0),) * (hidden + 3), "the origin is a global minimum"),
        Let(C, root(G * GAMMA)),
        *_SOLVE[hidden](stationary_polynomial(hidden)).lets,
        Let(LAMBDA, GAMMA / b**hidden),
        Let(SHRINK, 1 / (ALPHA + LAMBDA)),
        *layers.layer_lets(hidden),
    )
    outputs = (Let(b, b), Let(PSI, hidden * b - G * SHRINK), *(Let(scale, scale) for scale in layers.scale_symbols(hidden)))
    return Formula("minimiser", _arguments(hidden), body, outputs)


def ridge() -> Formula:
    """Depth 1: the gradient is linear in the weights."""
    net = nets.network((1, 1))
    weight, decay = net.layers[0][0], net.decay[0]
    (solution,) = sp.solve(sp.diff(nets.loss(net), weight), weight)
    shrink = sp.cancel(solution / net.cross[0]).subs(net.second[0], A)
    (scale,) = layers.scale_symbols(0)
    outputs = (Let(b, decay * G * SHRINK**2), Let(PSI, -G * SHRINK), Let(scale, SHRINK))
    return Formula("minimiser", _arguments(0), (Let(SHRINK, shrink),), outputs)


def _arguments(hidden: int) -> tuple[Argument, ...]:
    known = (
        Argument("a", A, "$A = aI$"),
        Argument("G", G, "$|g|^2$"),
        Argument("gamma", sp.Tuple(*layers.decay_symbols(hidden)), "weight decays"),
    )
    noise = Argument("s", sp.Tuple(*layers.noise_symbols(hidden)), "noise variances of the hidden layers")
    widths = Argument("d", sp.Tuple(*layers.widths_symbols(hidden)), "widths of the hidden layers")
    return (*known, noise, widths) if hidden else known


# -- checks -----------------------------------------------------------------------------------------------------------


def _solves(formula: Formula, hidden: int) -> bool:
    """The energy put back into psi', modulo the relations that define its radicals."""
    symbols = [let.symbol for let in formula.lets]
    lets = formula.lets[symbols.index(C) : symbols.index(b) + 1]
    return vanishes(sp.diff(minima.psi(hidden), b), tower(lets))


def _is_largest(formula: Formula, hidden: int) -> bool:
    """At rational data the energy agrees to 40 digits with the largest real root, isolated exactly, and there psi < 0."""
    unknown = b if hidden % 2 else z
    for norm, decay, area in (
        (9, sp.Rational(1, 4), 1),
        (12, sp.Rational(1, 3), sp.Rational(2, 5)),
        (8, sp.Rational(1, 50), 3),
    ):
        values = {"a": area, "G": norm, "gamma": (decay, *(1,) * hidden), "s": (1, *(0,) * (hidden - 1)), "d": (2,) * hidden}
        data = {GAMMA: decay, ALPHA: sp.Rational(3, 2) * area, C: sp.sqrt(norm * decay), G: norm}
        found = largest_root(sp.Poly(stationary_polynomial(hidden).subs(data), unknown))
        energy, gap = formula.evaluate(**values)[:2]
        exact = found if hidden % 2 else found**2
        wanted = minima.psi(hidden).subs(data).subs(b, exact)
        if not (_close(energy, exact) and _close(gap, wanted) and sp.N(wanted, 50) < 0):
            return False
    return True


def _switches(formula: Formula, hidden: int) -> bool:
    """Around the critical decay the formula leaves the origin exactly where psi turns negative (Sturm)."""
    for norm, area in ((3, 1), (5, sp.Rational(2, 3))):
        data = {ALPHA: sp.Rational(3, 2) * area, G: sp.Integer(norm)}
        for factor in _FACTORS:
            decay = critical_decay(hidden).subs(data) * factor
            values = {"gamma": (decay, *(1,) * hidden), "s": (1, *(0,) * (hidden - 1)), "d": (2,) * hidden}
            leaves = formula.evaluate(a=area, G=norm, **values)[0] != 0
            if leaves != is_negative_somewhere(hidden, data | {GAMMA: decay}):
                return False
    return True


_FACTORS = (sp.Rational(1, 3), 1 - sp.Rational(1, 10**6), 1 + sp.Rational(1, 10**6), sp.Integer(3))


def _close(left: sp.Expr, right: sp.Expr) -> bool:
    return bool(abs(sp.N(left, 60) - sp.N(right, 60)) < sp.Rational(1, 10**40))


# -- steps ------------------------------------------------------------------------------------------------------------


def _steps(hidden: int, formula: Formula) -> tuple[Step, ...]:
    return (
        *_reduction(hidden),
        *_SOLVE[hidden](stationary_polynomial(hidden)).steps,
        Step("It is a minimum", None, _which_root(hidden)),
        Step(
            "Compare with the origin",
            equation(GAMMA_C, formula["Gamma_c"]),
            "$\\psi < 0$ at this root exactly when $\\Gamma < \\Gamma_c$ (`minima.critical_decay`); otherwise the "
            "origin is a global "
            "minimum and the formula is not used.",
        ),
        Step(
            "The layers",
            sp.Tuple(
                *(
                    equation(let.symbol, let.value)
                    for let in formula.lets
                    if let.symbol in (LAMBDA, SHRINK, *layers.scale_symbols(hidden))
                )
            ),
            "Each layer carries the energy $\\gamma_i |W_i|^2 = b$ and the product is $v = h g$: $W_1 = \\omega_1 r_1 g^T$ and "
            "$W_i = \\omega_i r_i r_{i-1}^T$ for $i \\ge 2$, with $r_N = 1$ and any sign vectors $r_i$ (any vectors with "
            "$|r_i|^2 = d_i$ where layer $i$ has no noise).",
        ),
    )


def _which_root(hidden: int) -> str:
    if hidden == 1:
        return "$\\psi'$ has the sign of this polynomial: negative before its root and positive beyond it."
    return (
        "$\\psi'$ has the sign of this polynomial: negative between its two positive roots and positive beyond the "
        "larger, so the "
        "larger is the only local minimum of $\\psi$ with $b > 0$; the smaller is the barrier between it and the origin."
    )


def _reduction(hidden: int) -> tuple[Step, ...]:
    polynomial, unknown = stationary_polynomial(hidden), "b" if hidden % 2 else "z = \\sqrt{b}"
    slope = sp.factor(sp.diff(minima.psi(hidden), b))
    count = "one positive root at most" if hidden == 1 else "two positive roots at most"
    return (
        Step(
            "The one-dimensional problem",
            equation(PSI, minima.psi(hidden)),
            "`minima.scalar_equation` derives it from the loss.",
        ),
        Step("Its derivative", equation(sp.Derivative(PSI, b), slope), ""),
        Step(
            "The stationary equation",
            equation(polynomial, sp.Integer(0)),
            f"With $c = \\sqrt{{G\\Gamma}}$ the numerator is a difference of squares; this factor, in ${unknown}$, "
            "is the one with "
            f"positive roots ({count}, by Descartes' rule of signs).",
        ),
    )


def _ridge_steps(formula: Formula) -> tuple[Step, ...]:
    net = nets.network((1, 1))
    weight = net.layers[0][0]
    slope = sp.diff(nets.loss(net), weight)
    return (
        Step(
            "The gradient",
            equation(sp.Derivative(sp.Symbol("L"), weight), slope),
            "One coordinate; with $A = aI$ they are alike. No noise enters.",
        ),
        Step(
            "Solve",
            equation(SHRINK, formula["h"]),
            "Linear, and the loss is strictly convex: $W_1 = h g^T$ is the only minimum.",
        ),
        Step("The value", equation(PSI, formula["psi"]), "$L^* - Y$, always negative unless $g = 0$."),
    )


def _at_widths(formula: Formula, widths: tuple[int, ...]) -> Step:
    sizes = {symbol: sp.Integer(d) for symbol, d in zip(layers.widths_symbols(len(widths) - 2), widths[1:-1], strict=True)}
    lets = [let for let in formula.lets if let.value.free_symbols & set(sizes)]
    return Step(f"At widths {widths}", sp.Tuple(*(equation(let.symbol, let.value.xreplace(sizes)) for let in lets)), "")


# -- the derivation ---------------------------------------------------------------------------------------------------


def make(depth: int | None = None, widths: tuple[int, ...] | None = None) -> Derivation:
    """The closed form at ``depth`` 1 to 4; at 5 to 8 the reason why there is none."""
    hidden = minima.hidden_layers(_depth(depth, widths), 1, 8)
    if hidden > 3:
        return no_closed_form(hidden)
    formula = minimiser(hidden) if hidden else ridge()
    steps = _steps(hidden, formula) if hidden else _ridge_steps(formula)
    names = ("G", "kappa", "alpha", "Gamma", "lamda", "b", "psi", "c") if hidden else ("G", "b", "psi")
    return Derivation(
        name="minima.closed_form",
        title=f"The global minimum in closed form at depth {hidden + 1}, isotropic data",
        setting=minima.setting(hidden),
        notation=(*minima.notation(*names), (SHRINK, "the product of the layers is $v = h g$"), *_scale_names(hidden)),
        steps=(*steps, _at_widths(formula, widths)) if widths and hidden else steps,
        result=formula,
        checks=_checks(hidden),
        source=minima.SOURCE,
    )


def _scale_names(hidden: int) -> tuple[tuple[sp.Basic, str], ...]:
    first, *others = layers.scale_symbols(hidden)
    upper = [(scale, f"$W_{i} = \\omega_{i} r_{i} r_{i - 1}^T$") for i, scale in enumerate(others, 2)]
    return ((first, "$W_1 = \\omega_1 r_1 g^T$, with a sign vector $r_1$" if hidden else "$W_1 = \\omega_1 g^T$"), *upper)


def _depth(depth: object, widths: tuple[int, ...] | None) -> object:
    if widths is None:
        return 3 if depth is None else depth
    sized = isinstance(widths, (tuple, list)) and len(widths) >= 2 and all(isinstance(d, int) and d >= 1 for d in widths)
    if not sized or widths[-1] != 1:
        raise InvalidInput("widths", widths, "(d_0, ..., d_N), positive, with d_N = 1")
    if depth is not None and depth != len(widths) - 1:
        raise InvalidInput("depth", depth, f"{len(widths) - 1}, the number of weight matrices of widths {widths}")
    return len(widths) - 1


def _checks(hidden: int) -> tuple[Check, ...]:
    widths = _CHECKED_AT[hidden]
    gradient = Check(
        f"the layers make the gradient of the loss zero and the loss Y + psi at widths {widths}, as polynomials",
        lambda formula: layers.is_stationary(formula, widths),
    )
    if not hidden:
        return (gradient,)
    return (
        Check("the energy makes psi' zero, modulo the relations of its radicals", lambda formula: _solves(formula, hidden)),
        Check(
            "it leaves the origin exactly where psi turns negative, by Sturm sequences",
            lambda formula: _switches(formula, hidden),
        ),
        Check(
            "it is the largest of the exactly isolated real roots, and psi < 0 there",
            lambda formula: _is_largest(formula, hidden),
        ),
        gradient,
    )


RECIPE = Recipe(
    "minima.closed_form",
    "global minimiser in radicals for isotropic data",
    (Option("depth", "3", "1 to 8; from 5 on: why there is none"), Option("widths", "symbolic", "(d_0, ..., d_N), d_N = 1")),
    make,
)
