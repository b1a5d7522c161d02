r"""When the origin stops being the global minimum, for isotropic data.

Setting: depth $N = D + 1 \ge 2$, $A = aI$, $G = |g|^2$, $\Gamma = \gamma_1 \dots \gamma_N$. Result:
$\Gamma_c = \sup_{\lambda > 0} \lambda T(\lambda)^D / D^D$ in closed form. Source: arXiv:2202.04777.
"""

from __future__ import annotations

import functools

import sympy as sp

from theory.derivations import minima
from theory.derivations.exact import positive_roots, vanishes
from theory.derivations.minima import ALPHA, GAMMA, LAMBDA, A, G, K, b
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Option, Recipe, Step, equation

GAMMA_C, LAMBDA_C, B_C = sp.symbols("Gamma_c lamda_c b_c", positive=True)
_H, _T = sp.Symbol("h"), sp.Symbol("T")


def height(hidden: int) -> sp.Expr:
    r"""$h(\lambda) = \lambda T^D / D^D$ with $T = G / (\alpha + \lambda)$.

    >>> height(1)
    G*lamda/(alpha + lamda)
    """
    return LAMBDA * (G / (ALPHA + LAMBDA)) ** hidden / sp.Integer(hidden) ** hidden


@functools.cache
def critical_point(hidden: int) -> sp.Expr:
    r"""The only zero of $h'$ on $\lambda > 0$, for $D \ge 2$.

    >>> critical_point(3)
    alpha/2
    """
    numerator = sp.fraction(sp.factor(sp.diff(height(hidden), LAMBDA)))[0]
    (factor,) = [part for part, _ in sp.factor_list(numerator)[1] if part.has(LAMBDA)]
    (root,) = sp.solve(factor, LAMBDA)
    return root


@functools.cache
def critical_decay(hidden: int) -> sp.Expr:
    r"""$\Gamma_c$ in terms of $G$ and $\alpha = \kappa a$.

    >>> critical_decay(1), critical_decay(2)
    (G, G**2/(16*alpha))
    """
    if hidden == 1:
        return sp.limit(height(1), LAMBDA, sp.oo)
    return sp.factor(height(hidden).subs(LAMBDA, critical_point(hidden)))


def cofactor(hidden: int, value: sp.Expr) -> sp.Poly:
    r"""$R$ in $\Gamma_c D^D (\alpha + \lambda)^D - G^D \lambda = (\lambda - \lambda_c)^2 R(\lambda)$; at $D = 1$ the left side.

    Raises ``ValueError`` when the division leaves a remainder: the value is then no double contact.
    """
    gap = sp.Poly(value * hidden**hidden * (ALPHA + LAMBDA) ** hidden - G**hidden * LAMBDA, LAMBDA)
    if hidden == 1:
        return gap
    quotient, remainder = gap.div(sp.Poly((LAMBDA - critical_point(hidden)) ** 2, LAMBDA))
    if not vanishes(remainder.as_expr()):
        raise ValueError(f"{value} is not a double value of lambda T^D / D^D")
    return quotient


def _is_supremum(formula: Formula, hidden: int) -> bool:
    try:
        quotient = cofactor(hidden, formula["Gamma_c"])
    except ValueError:
        return False
    # Nonnegative coefficients, not all zero: h < Gamma_c but at the contact point, so the contact is the supremum.
    signs = [sp.cancel(item) for item in quotient.all_coeffs()]
    return all(item.is_nonnegative for item in signs) and any(item.is_positive for item in signs)


def _separates(formula: Formula, hidden: int) -> bool:
    """At rational data psi is negative somewhere for a decay 1e-9 below the critical one and nowhere 1e-9 above."""
    shift = sp.Rational(1, 10**9)
    for area, square, noise in ((1, 4, 1), (3, 5, sp.Rational(3, 2)), (sp.Rational(1, 7), 2, 2)):
        critical = formula.evaluate(a=area, G=square, kappa=noise)[0]
        below, above = ({ALPHA: noise * area, G: square, GAMMA: critical * factor} for factor in (1 - shift, 1 + shift))
        if not is_negative_somewhere(hidden, below) or is_negative_somewhere(hidden, above):
            return False
    return True


def _jump(hidden: int) -> sp.Expr:
    if hidden == 1:
        return sp.Integer(0)
    return sp.factor((G / (ALPHA + LAMBDA) / hidden).subs(LAMBDA, critical_point(hidden)))


def _touches_zero(formula: Formula, hidden: int) -> bool:
    r"""$\psi$ and $\psi'$ vanish at $b_c$ and $\Gamma_c$, and $\Gamma_c = \lambda_c b_c^D$ where $\lambda_c$ is finite."""
    decay, energy = formula["Gamma_c"], formula["b_c"]
    psi = minima.psi(hidden).subs(GAMMA, decay)
    touching = all(vanishes(sp.cancel(item.subs(b, energy))) for item in (psi, sp.diff(psi, b)))
    return touching and (hidden == 1 or vanishes(decay - formula["lamda_c"] * energy**hidden))


def is_negative_somewhere(hidden: int, data: dict[sp.Symbol, sp.Expr]) -> bool:
    r"""Whether $\psi < 0$ for some $b > 0$ at rational values of $\alpha$, $G$, $\Gamma$, by Sturm sequences.

    >>> is_negative_somewhere(2, {ALPHA: sp.Integer(1), G: sp.Integer(4), GAMMA: sp.Integer(1)})
    False
    """
    roots = positive_roots(sp.Poly((hidden * (ALPHA * b**hidden + GAMMA) - G * b ** (hidden - 1)).subs(data), b))
    # At depth 2 the polynomial is linear; above, a single (double) root touches zero without going below.
    return roots >= min(hidden, 2)


def _steps(hidden: int) -> tuple[Step, ...]:
    first = Step(
        "The origin loses when $\\psi$ turns negative",
        equation(minima.PSI, hidden * (GAMMA / LAMBDA) ** sp.Rational(1, hidden) - _T),
        "With $b = (\\Gamma/\\lambda)^{1/D}$ the least loss is $Y + \\min(0, \\inf \\psi)$, so it is below $Y$ exactly when "
        "$\\Gamma < h(\\lambda) = \\lambda T(\\lambda)^D / D^D$ for some $\\lambda > 0$.",
    )
    second = Step("The function to maximise", equation(_H, height(hidden)), "$T = G / (\\alpha + \\lambda)$ when $A = aI$.")
    slope = Step("Its derivative", equation(sp.Derivative(_H, LAMBDA), sp.factor(sp.diff(height(hidden), LAMBDA))), "")
    return (first, second, slope, *(_threshold if hidden == 1 else _maximum)(hidden))


def _threshold(hidden: int) -> tuple[Step, ...]:
    reason = "$h$ increases to its supremum, which is not attained: at $\\Gamma = G$ the origin is still the only minimum."
    return (Step("Supremum at infinity", equation(GAMMA_C, critical_decay(hidden)), reason),)


def _maximum(hidden: int) -> tuple[Step, ...]:
    gap = hidden**hidden * GAMMA_C * (ALPHA + LAMBDA) ** hidden - G**hidden * LAMBDA
    quotient = sp.factor(cofactor(hidden, critical_decay(hidden)).as_expr())
    return (
        Step(
            "The only critical point",
            equation(LAMBDA_C, critical_point(hidden)),
            "The only factor of the numerator with $\\lambda$ in it is linear.",
        ),
        Step("The critical decay", equation(GAMMA_C, critical_decay(hidden)), "The value $h(\\lambda_c)$."),
        Step(
            "It is the supremum",
            equation(gap, (LAMBDA - LAMBDA_C) ** 2 * quotient),
            "The difference $\\Gamma_c - h(\\lambda)$, cleared of its positive denominator, is a square times a polynomial "
            "with positive coefficients. So $h \\le \\Gamma_c$ for every $\\lambda > 0$, with equality only at $\\lambda_c$.",
        ),
        Step(
            "The transition is a jump",
            equation(B_C, _jump(hidden)),
            "At $\\Gamma_c$ the origin ties with a minimum whose layer energy is $b_c = T(\\lambda_c)/D > 0$.",
        ),
    )


def make(depth: int = 3) -> Derivation:
    r"""The critical decay at ``depth`` $N = 2, \dots, 8$."""
    hidden = minima.hidden_layers(depth, 2, 8)
    outputs = [Let(GAMMA_C, critical_decay(hidden)), Let(B_C, _jump(hidden))]
    outputs += [Let(LAMBDA_C, critical_point(hidden))] if hidden > 1 else []
    arguments = (Argument("a", A, "$A = aI$"), Argument("G", G, "$|g|^2$"), Argument("kappa", K, "noise factor $\\kappa$"))
    return Derivation(
        name="minima.critical_decay",
        title=f"The critical weight decay at depth {depth}, isotropic data",
        setting=minima.setting(hidden),
        notation=minima.notation("G", "kappa", "alpha", "Gamma", "lamda", "b", "psi"),
        steps=_steps(hidden),
        result=Formula("critical_decay", arguments, (Let(ALPHA, K * A),) if hidden > 1 else (), tuple(outputs)),
        checks=(
            Check("no value of h exceeds it", lambda formula: _is_supremum(formula, hidden)),
            Check("psi and its derivative vanish there", lambda formula: _touches_zero(formula, hidden)),
            Check(
                "Sturm: psi is negative somewhere for a decay 1e-9 below it and nowhere 1e-9 above",
                lambda formula: _separates(formula, hidden),
            ),
        ),
        source=minima.SOURCE,
    )


RECIPE = Recipe(
    "minima.critical_decay", "decay at which the origin becomes the global minimum", (Option("depth", "3", "2 to 8"),), make
)
