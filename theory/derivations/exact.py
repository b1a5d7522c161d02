"""Zero tests that are proofs: rational functions, and radicals through the relations that define them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import sympy as sp

from theory.derivations.model import Let

Relation = tuple[sp.Symbol, sp.Expr]


def vanishes(expression: sp.Basic, relations: Sequence[Relation] = ()) -> bool:
    r"""Whether an expression is zero modulo relations, by polynomial arithmetic.

    A relation $(t, p)$ says $p(t) = 0$ with $p$ a polynomial in $t$ whose coefficients use only the symbols of the
    relations before it. The numerator is reduced modulo the last relation and each coefficient must vanish modulo the
    others. ``True`` is a proof wherever the denominators are nonzero; ``False`` may also mean that another branch of a
    root is needed.

    >>> x, t = sp.symbols("x t")
    >>> vanishes((t - 1) * (t + 1) - x, [(t, t**2 - 1 - x)])
    True
    >>> vanishes((x**2 - 1) / (x - 1) - x + 1)
    False
    """
    numerator = sp.fraction(sp.together(expression))[0]
    if not relations:
        return _is_zero_polynomial(numerator)
    (symbol, relation), earlier = relations[-1], relations[:-1]
    modulus = sp.Poly(sp.fraction(sp.together(relation))[0], symbol)
    remainder = sp.Poly(numerator, symbol).rem(modulus)
    return all(vanishes(coefficient, earlier) for coefficient in remainder.all_coeffs())


def _is_zero_polynomial(numerator: sp.Expr) -> bool:
    symbols = sorted(numerator.free_symbols, key=str)
    if not symbols:
        return bool(sp.expand(numerator) == 0)
    return bool(sp.Poly(numerator, *symbols).is_zero)


def relation_of(let: Let) -> Relation:
    r"""The polynomial relation behind a let that is rational, a pure $n$-th root, or $\cos(\tfrac1n\arccos m)$.

    >>> x, t = sp.symbols("x t")
    >>> relation_of(Let(t, sp.sqrt(1 + x)))
    (t, t**2 - x - 1)
    >>> relation_of(Let(t, sp.cos(sp.acos(x) / 3)))
    (t, 4*t**3 - 3*t - x)
    """
    # Evaluated first, since a root that is kept whole for print does not multiply out.
    symbol, value = let.symbol, let.value.doit()
    order = math.lcm(*(int(part.exp.q) for part in sp.Mul.make_args(value) if isinstance(part, sp.Pow)))
    if order > 1:
        return symbol, symbol**order - value**order
    factor, core = value.as_coeff_Mul()
    if isinstance(core, sp.cos):
        cosine = core.args[0].atoms(sp.acos).pop()
        return symbol, sp.chebyshevt(sp.cancel(cosine / core.args[0]), symbol / factor) - cosine.args[0]
    return symbol, symbol - value


def root(value: sp.Expr) -> sp.Expr:
    """The square root, kept as one root in print where SymPy would split it.

    >>> x, y = sp.symbols("x y", positive=True)
    >>> root(x / y)
    sqrt(x/y)
    """
    return sp.Pow(value, sp.Rational(1, 2), evaluate=False)


def tower(lets: Iterable[Let]) -> list[Relation]:
    """The relations behind a sequence of lets, in order: what `vanishes` needs."""
    return [relation_of(let) for let in lets]


def positive_roots(polynomial: sp.Poly) -> int:
    """How many positive roots a rational univariate polynomial has, each counted once (Sturm).

    >>> z = sp.Symbol("z")
    >>> positive_roots(sp.Poly((z - 1) ** 2 * (z - 2) * (z + 1) * z, z))
    2
    """
    squarefree = polynomial.sqf_part()
    return int(squarefree.count_roots(0, None)) - int(squarefree.eval(0) == 0)


def largest_root(polynomial: sp.Poly) -> sp.Expr:
    """The largest real root, as an exact algebraic number (isolated, never rounded)."""
    return polynomial.real_roots()[-1]
