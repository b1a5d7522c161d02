r"""An instance of the scalar equation with four roots, where the root with the largest b is not the global minimum.

D = 2, kappa = 1, A = diag(1, 100), g = (1, 7/2) (arXiv:2202.04777 has the equation; the instance is derived for this project).
With Gamma = 1/10 the roots are irrational and are separated by signs at rational points. With Gamma = F(2) the root lambda = 2
with the largest b is rational, so that the failure of "the largest b is the global minimum" is an exact point.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Symbol

from theory.certificates import prove
from theory.expressions import inner, known
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample
from theory.theorems.minima.potential import GAMMA, KAPPA, LAMBDA, B, Potential, positive_on

NAME = "minima.scalar_equation"
SECOND = Rational(49, 4)
RATIONAL_ROOT = Integer(2)


def potential_numerator(decay: Any, value: Any) -> tuple[Expr, Expr]:
    """(n, d) with psi - value = n / d, for D = 2, kappa = 1, A = diag(1, 100), g = (1, 7/2)."""
    one, two = B**2 + decay, 100 * B**2 + decay
    return (2 * B - value) * one * two - B**2 * two - SECOND * B**2 * one, one * two


def wrong_root() -> Claim:
    """Gamma = 1/10: psi > -1/100 on [1/10, 1/4], where the two largest roots lie, but psi(1/21) < -1/100."""
    given = (at_least(B - Rational(1, 10)), at_least(Rational(1, 4) - B))
    above = potential_numerator(Rational(1, 10), Rational(-1, 100))[0]
    deep = -above.subs(B, Rational(1, 21))
    s = Statement(f"{NAME}.wrong_root", (B,), given, (greater(above), greater(deep)))
    return Claim(s, (*positive_on(above, B, Rational(1, 10), Rational(1, 4)), prove(">", deep, deep)), {"b": Rational(1, 5)})


def root_numerator(decay: Any) -> Expr:
    """Gamma Delta^4 - lambda^3 (N Delta' - N' Delta)^2, for the same instance: its sign is that of Gamma - F."""
    one, two = (LAMBDA + 1) ** 2, (LAMBDA + 100) ** 2
    return decay * (one * two) ** 2 - LAMBDA**3 * (two + SECOND * one) ** 2


def four_roots() -> Claim:
    """Gamma = 1/10: Gamma - F changes sign at least four times, at rational points with b between them."""
    numerator = root_numerator(Rational(1, 10))
    points, signs = (1, 4, 10, 100, 10000), (1, -1, 1, -1, 1)
    then = [greater(e * numerator.subs(LAMBDA, x)) for x, e in zip(points, signs, strict=True)]
    s = Statement(f"{NAME}.four_roots", (LAMBDA,), (), tuple(then))
    return Claim(s, tuple(prove(">", c.expression, c.expression) for c in then))


def _length(root: Any) -> Any:
    """S at a root."""
    return 1 / (1 + root) ** 2 + SECOND / (100 + root) ** 2


def _decay(root: Any) -> Any:
    """The Gamma that makes lambda = `root` a root."""
    return root**3 * _length(root) ** 2


def largest_root() -> Claim:
    """Gamma = F(2): Gamma > F on 0 < lambda < 2, so that lambda = 2 is the root with the largest b."""
    numerator = root_numerator(_decay(RATIONAL_ROOT))
    rest, remainder = sympy.div(sympy.Poly(numerator, LAMBDA), sympy.Poly(2 - LAMBDA, LAMBDA))
    if not remainder.is_zero:
        raise ValueError("lambda = 2 is not a root")
    cofactor = rest.as_expr()
    given = (greater(LAMBDA), greater(2 - LAMBDA))
    s = Statement(f"{NAME}.largest_root", (LAMBDA,), given, (greater(numerator),))
    steps = positive_on(cofactor, LAMBDA, 0, 2, (LAMBDA, 2 - LAMBDA))
    return Claim(s, (*steps, prove(">", numerator, known(2 - LAMBDA) * known(cofactor))), {"lambda": 1})


def largest_is_global() -> Counterexample:
    """False: a root at which psi has a local minimum (h' > 0) is where psi is least."""
    p, mu, beta = Potential(2, 2), Symbol("mu"), Symbol("beta")
    y = p.vector("y")
    other = p.M * y + (mu - LAMBDA) * y - p.g
    slope = 3 * p.S + 4 * LAMBDA * inner(p.z, p.z1)
    given = (*p.positive, greater(B), greater(beta), greater(mu), equal(p.resolvent), equal(p.derived), equal(other))
    given = (*given, equal(p.tie), equal(beta**2 * mu - GAMMA), equal(p.F - GAMMA), greater(slope))
    variables = (p.A, p.g, p.z, p.z1, y, KAPPA, LAMBDA, mu, B, beta, GAMMA)
    s = Statement(
        f"{NAME}.largest_is_global", variables, given, (at_least(2 * beta - inner(p.g, y) - 2 * B + inner(p.g, p.z)),)
    )
    return Counterexample("a single local minimum", s, _instance(Rational(1, 21)))


def _instance(beta: Any) -> dict[str, Any]:
    root = RATIONAL_ROOT
    a, g, decay = (1, 100), (1, Rational(7, 2)), _decay(root)
    z = [x / (c + root) for c, x in zip(a, g, strict=True)]
    mu = decay / beta**2
    return {
        "A": [[1, 0], [0, 100]],
        "g": [[x] for x in g],
        "z": [[x] for x in z],
        "z1": [[-x / (c + root)] for c, x in zip(a, z, strict=True)],
        "y": [[x / (c + mu)] for c, x in zip(a, g, strict=True)],
        "kappa": 1,
        "lambda": root,
        "mu": mu,
        "b": root * _length(root),
        "beta": beta,
        "Gamma": decay,
    }
