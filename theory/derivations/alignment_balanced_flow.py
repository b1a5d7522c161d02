r"""The balanced gradient flow of one mode in closed form.

Setting: an aligned network of depth $N$ under gradient flow, all layers with the same value $b$ in the mode, $a = b^N$.
Result: $a(t)$ at depths 1 and 2; from depth 3 on the time as a function of the layer value, in elementary functions. Source:
arXiv:2003.06340 (setting); the sigmoid of depth 2 is that of arXiv:1312.6120.
"""

from __future__ import annotations

import sympy as sp

from theory.derivations import alignment
from theory.derivations.alignment import SOURCE, a, a0, b, b0, c, s, t
from theory.derivations.exact import vanishes
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Option, Recipe, Step, equation

TARGET = sp.Symbol("c", positive=True)
TIME = sp.Symbol("t", real=True)
K, U, U0 = sp.symbols("k u u_0", positive=True)
E = sp.Symbol("E", positive=True)
DIGITS = 50


# -- depths 1 and 2 -----------------------------------------------------------------------------------------------------


def product_speed(depth: int) -> sp.Expr:
    r"""$\dot a$ in terms of $a$, for depths 1 and 2.

    >>> product_speed(2)
    -2*a*(a*s - c)
    """
    rate = sp.expand(depth * b ** (depth - 1) * alignment.balanced_speed(depth))
    return sp.factor(rate.subs(b, a) if depth == 1 else sp.expand(rate).subs(b, sp.sqrt(a)))


def exponent(depth: int) -> sp.Expr:
    """The rate of the quantity that decays exponentially: c - s a (depth 1), (c - s a)/a (depth 2)."""
    decaying = (c - s * a) / a ** (depth - 1)
    return sp.cancel(sp.diff(decaying, a) * product_speed(depth) / decaying)


def solution(depth: int) -> sp.Expr:
    """a(t), from (c - s a)/a^{N-1} = (c - s a_0)/a_0^{N-1} e^{rate t}."""
    start = (c - s * a0) / a0 ** (depth - 1)
    (value,) = sp.solve(c - s * a - start * E * a ** (depth - 1), a)
    above, below = (sp.collect(sp.expand(part), E) for part in sp.fraction(sp.cancel(value)))
    sign = -1 if above.could_extract_minus_sign() else 1
    fraction = sp.collect(sp.expand(sign * above), E) / sp.collect(sp.expand(sign * below), E)
    return fraction.subs(E, sp.exp(exponent(depth) * t))


def _explicit(depth: int) -> Formula:
    arguments = (
        Argument("t", t, "time"),
        Argument("a_0", a0, "the product at time 0" + (", positive" if depth == 2 else "")),
        Argument("s", s, "eigenvalue of $S$, positive"),
        Argument("c", c, "target of the mode" + (", not zero" if depth == 2 else "")),
    )
    return Formula("product", arguments, (), (Let(a, solution(depth)),))


def _solves(formula: Formula, depth: int) -> bool:
    """The solution put into its differential equation, the exponential being a symbol with its own derivative."""
    value, rate = formula["a"], exponent(depth)
    left = sp.diff(value, t) - product_speed(depth).subs(a, value)
    return vanishes(left.subs(sp.exp(rate * t), E))


def _starts(formula: Formula) -> bool:
    return vanishes(formula["a"].subs(t, 0) - a0)


def _converges(formula: Formula) -> bool:
    """To c/s, at rational data with c > 0."""
    values = {s: sp.Rational(2, 3), c: sp.Rational(5, 7), a0: sp.Rational(1, 9)}
    return bool(sp.limit(formula["a"].subs(values), t, sp.oo) == values[c] / values[s])


# -- from depth 3 on ----------------------------------------------------------------------------------------------------


def inner(depth: int, u: sp.Expr) -> sp.Expr:
    r"""$\int_0^u v\,dv/(1 - v^N) = -\tfrac1N \sum_\zeta \zeta^2 \ln(1 - u/\zeta)$ over the N-th roots of unity, in real form.

    >>> inner(4, U)
    -log(u + 1)/4 + log(u**2 + 1)/4 - log(Abs(u - 1))/4
    """
    total = -sp.log(sp.Abs(1 - u)) / depth - (sp.log(1 + u) / depth if depth % 2 == 0 else 0)
    for j in range(1, (depth - 1) // 2 + 1):
        angle = 2 * sp.pi * sp.Rational(j, depth)
        size = 1 - 2 * u * sp.cos(angle) + u**2
        turn = sp.atan2(u * sp.sin(angle), 1 - u * sp.cos(angle))
        total += -sp.cos(2 * angle) * sp.log(size) / depth + 2 * sp.sin(2 * angle) * turn / depth
    return total


def potential(depth: int, u: sp.Expr) -> sp.Expr:
    r"""$\int du / (u^{N-1} (1 - u^N)) = -u^{2-N}/(N-2) + \int u\,du/(1 - u^N)$."""
    return -(u ** (2 - depth)) / (depth - 2) + inner(depth, u)


def _implicit(depth: int) -> Formula:
    arguments = (
        Argument("b", b, "the layer value, positive"),
        Argument("b_0", b0, "the layer value at time 0, positive, on the same side of the target"),
        Argument("s", s, "eigenvalue of $S$, positive"),
        Argument("c", TARGET, "target of the mode, positive"),
    )
    body = (Let(K, (s / TARGET) ** sp.Rational(1, depth)), Let(U, K * b), Let(U0, K * b0))
    scale = K ** (depth - 2) / TARGET
    return Formula("time", arguments, body, (Let(TIME, scale * (potential(depth, U) - potential(depth, U0))),))


_DATA = (
    {b: "1/5", b0: "1/9", s: "2/3", TARGET: "5/7"},
    {b: "3/4", b0: "1/2", s: "1", TARGET: "1"},
    {b: "7/5", b0: "2", s: "3/2", TARGET: "4/3"},
)


def _rate_is_reciprocal(formula: Formula, depth: int) -> bool:
    """dt/db = 1/(b^{N-1} (c - s b^N)) to 50 digits, below and above the target: Abs and atan2 differentiated exactly."""
    value = formula.expanded(formula["t"]).replace(sp.Abs, lambda x: x)
    slope = sp.diff(value, b) * alignment.balanced_speed(depth).subs(c, TARGET)
    return all(_close(slope.subs({k: sp.Rational(v) for k, v in data.items()}), sp.Integer(1)) for data in _DATA)


def hypergeometric(depth: int, value: sp.Expr, rate: sp.Expr, target: sp.Expr) -> sp.Expr:
    r"""$F(b) = -\tfrac{b^{2-N}}{(N-2)c}\,{}_2F_1(1, -\tfrac{N-2}{N}; \tfrac2N; \tfrac sc b^N)$."""
    low, high = -sp.Rational(depth - 2, depth), sp.Rational(2, depth)
    return -(value ** (2 - depth)) / ((depth - 2) * target) * sp.hyper((1, low), (high,), rate * value**depth / target)


def _is_hypergeometric(formula: Formula, depth: int) -> bool:
    """The same time by the hypergeometric form, to 50 digits, below the target."""
    for data in _DATA[:2]:
        v = {k: sp.Rational(x) for k, x in data.items()}
        other = hypergeometric(depth, v[b], v[s], v[TARGET]) - hypergeometric(depth, v[b0], v[s], v[TARGET])
        (found,) = formula.evaluate(b=v[b], b_0=v[b0], s=v[s], c=v[TARGET])
        if not _close(found, other):
            return False
    return True


def _residues(depth: int) -> bool:
    r"""The residue of $u/(1 - u^N)$ at each root of unity $\zeta$ is $-\zeta^2/N$; there is no polynomial part."""
    zeta = sp.Symbol("zeta")
    residue = U / sp.diff(1 - U**depth, U)
    return vanishes(residue.subs(U, zeta) + zeta**2 / depth, [(zeta, zeta**depth - 1)])


def _close(left: sp.Expr, right: sp.Expr) -> bool:
    return bool(abs(sp.N(left, DIGITS + 10) - sp.N(right, DIGITS + 10)) < sp.Rational(1, 10**DIGITS))


# -- the derivation -----------------------------------------------------------------------------------------------------


def _common(depth: int) -> tuple[Step, ...]:
    return (
        *alignment.mode_steps(depth),
        Step(
            "Equal values stay equal",
            equation(sp.Derivative(b, t), alignment.balanced_speed(depth)),
            "With all $\\sigma_i = b$ the right-hand sides coincide.",
        ),
    )


def _explicit_steps(depth: int) -> tuple[Step, ...]:
    decaying = (c - s * a) / a ** (depth - 1)
    return (
        *_common(depth),
        Step("The product", equation(sp.Derivative(a, t), product_speed(depth)), "$a = b^N$."),
        Step(
            "What decays exponentially",
            equation(sp.Derivative(decaying, t) / decaying, exponent(depth)),
            "The quantity and its logarithmic derivative along the flow, a constant.",
        ),
        Step("Solve for the product", equation(a, solution(depth)), "The equation is linear in $a$."),
    )


def _implicit_steps(depth: int) -> tuple[Step, ...]:
    integrand = sp.apart(1 / (U ** (depth - 1) * (1 - U**depth)), U, full=False)
    return (
        *_common(depth),
        Step(
            "Scale", sp.Tuple(equation(K, (s / TARGET) ** sp.Rational(1, depth)), equation(U, K * b)), "The target is $u = 1$."
        ),
        Step(
            "Separate",
            equation(sp.Derivative(TIME, U) * TARGET / K ** (depth - 2), integrand),
            "$dt = db / (b^{N-1} (c - s b^N))$, in partial fractions.",
        ),
        Step(
            "Integrate",
            equation(sp.Function("Phi")(U), potential(depth, U)),
            "$v/(1 - v^N)$ has the residue $-\\zeta^2/N$ at each $N$-th root of unity $\\zeta$; conjugate roots are paired.",
        ),
    )


def make(depth: int | None = None) -> Derivation:
    """The balanced flow at ``depth`` 1 to 6."""
    n = alignment.checked_depth(2 if depth is None else depth, 1, 6)
    explicit = n <= 2
    return Derivation(
        name="alignment.balanced_flow",
        title=f"Balanced gradient flow of one mode at depth {n}",
        setting=f"An aligned linear network of depth {n} under gradient flow, equal layer values. Source: {SOURCE}.",
        notation=alignment.notation("s", "c", "t", "a" if explicit else "b"),
        steps=_explicit_steps(n) if explicit else _implicit_steps(n),
        result=_explicit(n) if explicit else _implicit(n),
        checks=_explicit_checks(n) if explicit else _implicit_checks(n),
        source=SOURCE,
    )


def _explicit_checks(depth: int) -> tuple[Check, ...]:
    return (
        _separated(depth),
        Check("it solves the differential equation, as an identity", lambda formula: _solves(formula, depth)),
        Check("it starts at a_0", _starts),
        Check("it converges to c/s for c > 0", _converges),
    )


def _separated(depth: int) -> Check:
    return Check("the loss of two modes is the sum of theirs", lambda formula: vanishes(sp.Add(*_signed(depth))))


def _signed(depth: int) -> tuple[sp.Expr, sp.Expr]:
    whole, parts = alignment.matrix_loss(depth)
    return whole, -parts


def _implicit_checks(depth: int) -> tuple[Check, ...]:
    return (
        _separated(depth),
        Check("its derivative by the layer value is the reciprocal speed, 50 digits", lambda f: _rate_is_reciprocal(f, depth)),
        Check("it agrees with the hypergeometric form, 50 digits", lambda f: _is_hypergeometric(f, depth)),
        Check("the residues at the roots of unity are exact", lambda f: _residues(depth)),
    )


RECIPE = Recipe(
    "alignment.balanced_flow",
    "balanced gradient flow of one mode: a(t), or the time as a function of the layer value",
    (Option("depth", "2", "1 to 6; from 3 on implicit"),),
    make,
)
