r"""Depth 5 and beyond: the equation of the minimiser, and instances of it that radicals cannot solve.

Setting: as in `minima.closed_form`. The instance $\alpha = 1$, $\Gamma = 2$, $c = 6$ ($G = 18$) is a global minimum away
from the origin, and its Galois group is not solvable. Source: arXiv:2202.04777 (the obstruction derived here).
"""

from __future__ import annotations

import sympy as sp

from theory.derivations import minima
from theory.derivations.exact import largest_root, root, vanishes
from theory.derivations.minima import ALPHA, GAMMA, A, C, G, K, b, stationary_polynomial, z
from theory.derivations.minima_critical_decay import critical_decay
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Step, equation
from theory.derivations.unsolvable import Obstruction, is_eisenstein, obstruction

INSTANCE = {ALPHA: sp.Integer(1), GAMMA: sp.Integer(2), C: sp.Integer(6), G: sp.Integer(18)}
_RESIDUAL = sp.Symbol("residual")


def instance(hidden: int) -> sp.Poly:
    r"""The stationary polynomial at $\alpha = 1$, $\Gamma = 2$, $c = 6$.

    >>> instance(5).as_expr()
    b**5 - 6*b**2 + 2
    """
    return sp.Poly(stationary_polynomial(hidden).subs(INSTANCE), b if hidden % 2 else z)


def no_closed_form(hidden: int) -> Derivation:
    """The equation at this depth with the proof that radicals do not solve it in general.

    >>> no_closed_form(5).check()[0][1]
    True
    """
    polynomial, evidence = instance(hidden), obstruction(instance(hidden))
    if evidence is None or not is_eisenstein(polynomial, 2):
        raise ArithmeticError(f"no proof found that {polynomial} is not solvable")
    return Derivation(
        name="minima.closed_form",
        title=f"No closed form in radicals at depth {hidden + 1} in general",
        setting=minima.setting(hidden)
        + f"\nThe minimiser at depth {hidden + 1} is NOT solvable in radicals in general. What holds instead is an "
        "equation for "
        "the energy $b$, to be solved numerically for its largest root.",
        notation=minima.notation("G", "kappa", "alpha", "Gamma", "b", "psi", "c"),
        steps=_steps(hidden, polynomial, evidence),
        result=_residual(hidden),
        checks=(
            Check("the polynomial divides the numerator of psi'", lambda formula: _divides(formula, hidden)),
            Check(
                "the instance is a global minimum away from the origin, exactly", lambda formula: _is_minimum(formula, hidden)
            ),
            Check("the instance is irreducible over the rationals, by factorisation", lambda _: polynomial.is_irreducible),
        ),
        source=minima.SOURCE,
    )


def _residual(hidden: int) -> Formula:
    """The polynomial as a function; the energy of the minimiser is its largest zero."""
    arguments = (
        Argument("b", b, "the layer energy: the minimiser has the largest zero"),
        Argument("a", A, "$A = aI$"),
        Argument("G", G, "$|g|^2$"),
        Argument("kappa", K, "noise factor $\\kappa$"),
        Argument("Gamma", GAMMA, "product of the decays"),
    )
    body = (Let(ALPHA, K * A), Let(C, root(G * GAMMA)), *((Let(z, sp.sqrt(b)),) if hidden % 2 == 0 else ()))
    return Formula("residual", arguments, body, (Let(_RESIDUAL, stationary_polynomial(hidden)),))


def _divides(formula: Formula, hidden: int) -> bool:
    unknown = b if hidden % 2 else z
    slope = sp.diff(minima.psi(hidden), b).subs(b, unknown if hidden % 2 else z**2).subs(G, C**2 / GAMMA)
    return vanishes(slope, [(unknown, formula["residual"])])


def _is_minimum(formula: Formula, hidden: int) -> bool:
    """The largest root is a zero of the residual and the decay is below the critical one, compared as fractions."""
    found = largest_root(instance(hidden))
    energy = found if hidden % 2 else found**2
    value = formula.evaluate(b=energy, a=1, G=18, kappa=1, Gamma=2)[0]
    return bool(abs(sp.N(value, 60)) < sp.Rational(1, 10**40)) and bool(critical_decay(hidden).subs(INSTANCE) > 2)


def _steps(hidden: int, polynomial: sp.Poly, evidence: Obstruction) -> tuple[Step, ...]:
    unknown = "b" if hidden % 2 else "z = \\sqrt{b}"
    return (
        Step(
            "The stationary equation",
            equation(stationary_polynomial(hidden), sp.Integer(0)),
            f"With $c = \\sqrt{{G\\Gamma}}$ and the unknown ${unknown}$; the largest root is the minimum.",
        ),
        Step(
            "An instance",
            equation(polynomial.as_expr(), sp.Integer(0)),
            "$\\alpha = 1$, $\\Gamma = 2$, $c = 6$ ($G = 18$). Here "
            f"$\\Gamma < \\Gamma_c = {sp.latex(critical_decay(hidden).subs(INSTANCE))}$, so its "
            "largest root is a global minimum away from the origin.",
        ),
        Step("Irreducible", None, "Eisenstein's criterion at 2, so the Galois group moves every root to every other."),
        Step("Primitive", None, _primitive_text(evidence)),
        Step(
            "It contains the alternating group",
            None,
            f"Modulo {evidence.short[0]} the factors have degrees {_listed(evidence.short[1])}; a power of that "
            "permutation is a single cycle of a "
            "prime length to which Jordan's theorem applies. So the group contains the alternating group on "
            f"{evidence.degree} letters, which is "
            "not solvable: no formula in radicals covers this instance.",
        ),
    )


def _primitive_text(evidence: Obstruction) -> str:
    if evidence.primitive is None:
        return f"The degree {evidence.degree} is prime, so a transitive group is primitive."
    prime, lengths = evidence.primitive
    return (
        f"Modulo {prime} the factors have degrees {_listed(lengths)}: by Dedekind's theorem the group has such a "
        "permutation, a power of which is "
        f"one cycle of a prime length above half the degree {evidence.degree}, and a transitive group with such a "
        "cycle is primitive."
    )


def _listed(lengths: tuple[int, ...]) -> str:
    return ", ".join(map(str, lengths))
