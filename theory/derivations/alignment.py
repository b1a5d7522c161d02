r"""What the derivations about aligned gradient flow share: symbols, one mode, validation.

In bases that the network shares with the data every mode is a scalar network: singular values $\sigma_1, \dots, \sigma_N$
with product $\pi$, loss $\tfrac12 s \pi^2 - c \pi$ up to a constant. Source: arXiv:2003.06340 (setting; closed forms derived
here).
"""

from __future__ import annotations

import sympy as sp

from theory.derivations.model import Step, equation
from theory.errors import InvalidInput

SOURCE = "arXiv:2003.06340"
s = sp.Symbol("s", positive=True)
c = sp.Symbol("c", real=True)
t = sp.Symbol("t", nonnegative=True)
a, a0 = sp.Symbol("a", real=True), sp.Symbol("a_0", positive=True)
b, b0 = sp.symbols("b b_0", positive=True)
LOSS = sp.Symbol("L")

NOTATION = {
    "s": (s, "eigenvalue of $S = XX^T$ in this mode"),
    "c": (c, "singular value of $C = YX^T$ in this mode"),
    "t": (t, "time"),
    "a": (a, "the product of the layer values, $a = \\pi$"),
    "b": (b, "the common value of the layers, $a = b^N$"),
}


def notation(*names: str) -> tuple[tuple[sp.Basic, str], ...]:
    """Rows of the symbol table."""
    return tuple(NOTATION[name] for name in names)


def checked_depth(depth: object, low: int, high: int) -> int:
    """The depth, or `InvalidInput`.

    >>> checked_depth(3, 1, 6)
    3
    """
    if not isinstance(depth, int) or isinstance(depth, bool) or not low <= depth <= high:
        raise InvalidInput("depth", depth, f"a number of weight matrices from {low} to {high}")
    return depth


def values(depth: int, mode: str = "") -> tuple[sp.Symbol, ...]:
    """The singular values of one mode."""
    return tuple(sp.Symbol(f"sigma_{i}{mode}") for i in range(1, depth + 1))


def matrix_loss(depth: int) -> tuple[sp.Expr, sp.Expr]:
    r"""$\tfrac12 \operatorname{tr} P S P^T - \operatorname{tr} P C^T$ of two aligned modes, and the sum over modes.

    >>> left, right = matrix_loss(3)
    >>> sp.expand(left - right)
    0
    """
    rows = [values(depth, mode) for mode in "pq"]
    second, cross = (sp.diag(*sp.symbols(f"{x}_p {x}_q", real=True)) for x in "sc")
    product = sp.eye(2)
    for layer in zip(*rows, strict=True):
        product = sp.diag(*layer) * product
    whole = sp.Rational(1, 2) * (product * second * product.T).trace() - (product * cross.T).trace()
    return whole, sum(mode_loss(sp.prod(row), second[i, i], cross[i, i]) for i, row in enumerate(rows))


def mode_loss(product: sp.Expr, eigenvalue: sp.Expr = s, target: sp.Expr = c) -> sp.Expr:
    """The loss of one mode, up to a constant."""
    return eigenvalue * product**2 / 2 - target * product


def flow(depth: int) -> dict[sp.Symbol, sp.Expr]:
    r"""$\dot\sigma_i = -\partial L / \partial \sigma_i$ of one mode.

    >>> flow(1)
    {sigma_1: c - s*sigma_1}
    """
    sigma = values(depth)
    return {x: sp.factor(-sp.diff(mode_loss(sp.prod(sigma)), x)) for x in sigma}


def balanced_speed(depth: int) -> sp.Expr:
    r"""$\dot b$ where all values are $b$, and checked to be the same for each layer.

    >>> balanced_speed(2)
    -b*(b**2*s - c)
    """
    (speed,) = {sp.factor(v.subs(dict.fromkeys(values(depth), b))) for v in flow(depth).values()}
    return speed


def mode_steps(depth: int) -> tuple[Step, ...]:
    """From the loss of the network to the flow of one mode."""
    sigma = values(depth)
    rates = [equation(sp.Derivative(x, t), v) for x, v in flow(depth).items()]
    return (
        Step(
            "One mode",
            equation(LOSS, mode_loss(sp.prod(sigma))),
            "In shared bases $P$, $S$ and $C$ are diagonal, so that the loss is a sum over modes; a constant is left out.",
        ),
        Step("Gradient flow", sp.Tuple(*rates), "Every value moves against its partial derivative."),
    )
