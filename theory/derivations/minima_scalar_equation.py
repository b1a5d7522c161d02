r"""From the loss to one equation in one unknown.

Setting: depth $N = D + 1 \ge 2$, data with $k$ distinct eigenvalues $a_1, \dots, a_k$ on the support of $g$. Result: nonzero
stationary points of the reduced problem are the roots $\lambda > 0$ of $F(\lambda) = \lambda^{D+1} S(\lambda)^D = \Gamma$, with
$S = g^T (\kappa A + \lambda)^{-2} g$. Source: arXiv:2202.04777 (this reduction derived here).
"""

from __future__ import annotations

import functools

import sympy as sp

from theory.derivations import minima
from theory.derivations import network as nets
from theory.derivations.exact import positive_roots, vanishes
from theory.derivations.minima import GAMMA, LAMBDA, PSI, K, b
from theory.derivations.model import Argument, Check, Derivation, Formula, Let, Option, Recipe, Step, equation
from theory.derivations.network import Y
from theory.errors import InvalidInput

S, T, F = sp.symbols("S T F")
GAP = sp.Symbol("L") - Y
_Data = tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]


def spectral_data(count: int) -> _Data:
    """Eigenvalues ``a_k > 0`` and coordinates ``g_k`` of the data.

    >>> spectral_data(2)
    ((a_1, a_2), (g_1, g_2))
    """
    return sp.symbols(f"a_1:{count + 1}", positive=True), sp.symbols(f"g_1:{count + 1}", real=True)


@functools.cache
def reduced_gap(hidden: int, count: int, energies: tuple[sp.Symbol, ...], v: tuple[sp.Symbol, ...]) -> sp.Expr:
    r"""$L - Y$ of a network of hidden width 1 in terms of its product $v$ and the energies $e_i = \gamma_i w_i^2$, $i \ge 2$.

    The weights of the layers above the first are eliminated through the energies; $\kappa = \prod (1 + s_i)$.
    """
    net = nets.network((count, *(1,) * (hidden + 1)), diagonal=True)
    above = [layer[0] for layer in net.layers[1:]]
    scale = sp.prod(above)
    loss = nets.loss(net).subs({w: v[k] / scale for k, w in enumerate(net.layers[0])}, simultaneous=True)
    squares = {w: sp.sqrt(e / decay) for w, e, decay in zip(above, energies, net.decay[1:], strict=True)}
    positive = {e: sp.Symbol(e.name, positive=True) for e in energies}
    gap = sp.expand((loss - Y).subs(squares).subs(positive))
    return _named(gap.subs({new: old for old, new in positive.items()}), net, v)


def _named(gap: sp.Expr, net: nets.Network, v: tuple[sp.Symbol, ...]) -> sp.Expr:
    r"""The same with $\kappa$ and $\Gamma$ for the products that occur, checked by putting the products back."""
    data, factor = spectral_data(len(v)), sp.prod([1 + s for s in net.noise])
    quadratic = sum(a * x**2 for a, x in zip(data[0], v, strict=True))
    cross = sum(g * x for g, x in zip(data[1], v, strict=True))
    same = dict(zip(net.second.diagonal(), data[0], strict=True))
    rest = sp.expand(gap.subs(same) - factor * quadratic + 2 * cross)
    named = K * quadratic - 2 * cross + rest.subs(net.decay[0], GAMMA / sp.prod(net.decay[1:]))
    if not vanishes(named.subs({K: factor, GAMMA: sp.prod(net.decay)}) - gap.subs(same)) or named.has(*net.noise, *net.decay):
        raise ArithmeticError("the loss of a network of width 1 is not a function of kappa and Gamma")
    return sp.Add(K * quadratic, -2 * cross, *_collected(rest.subs(net.decay[0], GAMMA / sp.prod(net.decay[1:])), v))


def _collected(rest: sp.Expr, v: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, ...]:
    poly = sp.Poly(rest, *v)
    ridge = sp.factor(poly.coeff_monomial(v[0] ** 2))
    return ridge * sum(x**2 for x in v), poly.coeff_monomial(1)


@functools.cache
def least_product(hidden: int, count: int) -> tuple[sp.Expr, sp.Expr]:
    r"""The first coordinate of the best $v$ at energy $b$, and $\psi(b)$, by solving the linear stationarity equations."""
    _, g = spectral_data(count)
    v, energies = _unknowns(hidden, count)
    gap = reduced_gap(hidden, count, energies, v).subs(dict.fromkeys(energies, b))
    solution = sp.solve([sp.diff(gap, x) for x in v], v, dict=True)[0]
    terms = [sp.cancel(g[k] * solution[v[k]]) for k in range(count)]
    psi = hidden * b - sum(sp.factor(term) for term in terms)
    if not vanishes(gap.subs(solution) - psi):
        raise ArithmeticError("completing the square failed")
    return sp.factor(solution[v[0]]), psi


def _unknowns(hidden: int, count: int) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]:
    return sp.symbols(f"v_1:{count + 1}", real=True), sp.symbols(f"e_2:{hidden + 2}")


def equation_formula(hidden: int, count: int) -> Formula:
    r"""$S, T, F$ and, at the decay $\Gamma = F(\lambda)$ of which $\lambda$ is a root, the energy $b$ and $\psi(b)$."""
    a, g = spectral_data(count)
    _, psi = least_product(hidden, count)
    total = sp.expand(hidden * b - psi)
    ridge = sum(sp.factor(term.subs(GAMMA, LAMBDA * b**hidden)) for term in sp.Add.make_args(total))
    body = (Let(T, ridge), Let(S, -sum(sp.factor(sp.diff(term, LAMBDA)) for term in sp.Add.make_args(ridge))))
    outputs = (Let(F, LAMBDA ** (hidden + 1) * S**hidden), Let(b, LAMBDA * S), Let(PSI, hidden * LAMBDA * S - T))
    arguments = (
        Argument("lamda", LAMBDA, "a positive number"),
        Argument("a", sp.Tuple(*a), "eigenvalues of $A$"),
        Argument("g", sp.Tuple(*g), "coordinates of $g$"),
        Argument("kappa", K, "noise factor $\\kappa$"),
    )
    return Formula("scalar_equation", arguments, body, outputs)


def _divides(formula: Formula, hidden: int, count: int) -> bool:
    r"""With $\Gamma = \lambda b^D$: $b^D (F - \Gamma)$ has the factor $b - \lambda S$, and $\psi' = D (1 - \lambda S / b)$."""
    _, psi = least_product(hidden, count)
    slope = sp.diff(psi, b).subs(GAMMA, LAMBDA * b**hidden)
    decay, energy = formula.expanded(formula["F"]), formula.expanded(formula["b"])
    same = vanishes(slope - hidden * (1 - energy / b))
    return same and vanishes(decay - LAMBDA * energy**hidden)


def _value(formula: Formula, hidden: int, count: int) -> bool:
    r"""At $b = \lambda S$ and $\Gamma = F$ the reduced value is $D \lambda S - T$."""
    _, psi = least_product(hidden, count)
    energy = formula.expanded(formula["b"])
    value = psi.subs(GAMMA, LAMBDA * b**hidden).subs(b, energy)
    return vanishes(value - formula.expanded(formula["psi"]))


def _same_count(formula: Formula, hidden: int, count: int) -> bool:
    """At rational data, as many positive zeros of ``psi'`` as of ``F - Gamma``, by Sturm sequences."""
    a, g = spectral_data(count)
    _, psi = least_product(hidden, count)
    expanded = formula.expanded(formula["F"])
    for decay in (sp.Rational(1, 10), sp.Rational(3, 2), sp.Integer(40)):
        data = {K: sp.Rational(3, 2), GAMMA: decay}
        data |= {x: sp.Integer(20**k) for k, x in enumerate(a)} | {x: sp.Integer(1 + 2 * k) for k, x in enumerate(g)}
        slope, level = (sp.fraction(sp.together(e.xreplace(data)))[0] for e in (sp.diff(psi, b), expanded - GAMMA))
        if positive_roots(sp.Poly(slope, b)) != positive_roots(sp.Poly(level, LAMBDA)):
            return False
    return True


def _steps(hidden: int, count: int, formula: Formula) -> tuple[Step, ...]:
    v, energies = _unknowns(hidden, count)
    first, psi = least_product(hidden, count)
    gap = reduced_gap(hidden, count, energies, v)
    slope = hidden * (1 - LAMBDA * S / b)
    return (
        Step(
            "The loss of aligned layers",
            equation(GAP, gap),
            "At equal row norms the noise costs a factor $\\kappa$ (path lemma: never less), and aligned layers "
            "make the norm of the "
            "product largest, so the best parameters behave like a network of hidden width 1, whose loss is written "
            "here through "
            "$v$ and the energies $e_i = \\gamma_i |W_i|^2$ of the layers above the first.",
        ),
        Step(
            "Equal energies",
            equation(GAP, gap.subs(dict.fromkeys(energies, b))),
            f"At a fixed product $\\prod_i e_i = b^{{{hidden}}}$ the sum is least, $D b = {hidden} b$, when all $e_i = b$."
            if hidden > 1
            else "There is one energy, $e_2 = b$.",
        ),
        Step(
            "The best product",
            equation(v[0], first),
            "A convex quadratic in $v$; its stationarity equations are linear."
            + (" The other coordinates alike." if count > 1 else ""),
        ),
        Step("Put back", equation(PSI, psi), "$\\psi(0) = 0$ is the origin, and $\\min_b \\psi(b) = L^* - Y$."),
        Step(
            "Change the unknown",
            sp.Tuple(equation(LAMBDA, GAMMA / b**hidden), equation(T, formula["T"]), equation(S, formula["S"])),
            "$\\psi = D b - T(\\lambda)$ with $T = g^T (\\kappa A + \\lambda)^{-1} g$, and $S = -T'$.",
        ),
        Step(
            "The derivative",
            equation(sp.Derivative(PSI, b), slope),
            "Chain rule with $d\\lambda/db = -D \\lambda / b$. So $\\psi' = 0$ when $b = \\lambda S$; with "
            "$b^D = \\Gamma/\\lambda$ this is "
            "$F(\\lambda) = \\Gamma$. Both sides are positive, so taking the power $D$ neither adds nor loses a root.",
        ),
        Step(
            "Which roots are minima",
            equation(F, formula["F"]),
            "$\\psi'(b) > 0$ exactly when $F(\\lambda) < \\Gamma$, and $b$ falls as $\\lambda$ grows: where $F$ "
            "crosses $\\Gamma$ upwards, "
            "$\\psi$ has a local minimum; downwards, a local maximum. There can be several minima: compare them, and 0.",
        ),
    )


def make(depth: int = 3, eigenvalues: int = 2) -> Derivation:
    """The reduction at ``depth`` 2 to 5 for data with 1 to 3 eigenvalues."""
    hidden = minima.hidden_layers(depth, 2, 5)
    if eigenvalues not in (1, 2, 3):
        raise InvalidInput("eigenvalues", eigenvalues, "1, 2 or 3")
    formula = equation_formula(hidden, eigenvalues)
    return Derivation(
        name="minima.scalar_equation",
        title=f"One equation in one unknown, depth {depth}, {eigenvalues} eigenvalue(s)",
        setting=minima.setting(hidden, "in coordinates of the input in which $A$ is diagonal"),
        notation=(
            (spectral_data(1)[0][0], "eigenvalues of $A = \\mathbb{E}[xx^T]$"),
            (spectral_data(1)[1][0], "coordinates of $g = \\mathbb{E}[xy]$"),
            *minima.notation("kappa", "Gamma", "lamda", "b", "psi"),
        ),
        steps=_steps(hidden, eigenvalues, formula),
        result=formula,
        checks=(
            Check(
                "F = lamda (lamda S)^D and psi' = D (1 - lamda S / b), as rational functions",
                lambda f: _divides(f, hidden, eigenvalues),
            ),
            Check("psi at b = lamda S, as a rational function", lambda f: _value(f, hidden, eigenvalues)),
            Check("Sturm: F = Gamma has as many roots as psi' at rational data", lambda f: _same_count(f, hidden, eigenvalues)),
        ),
        source=minima.SOURCE,
    )


RECIPE = Recipe(
    "minima.scalar_equation",
    "reduction of the minimisation to one equation in one unknown",
    (Option("depth", "3", "2 to 5"), Option("eigenvalues", "2", "1 to 3")),
    make,
)
