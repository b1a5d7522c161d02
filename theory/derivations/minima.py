r"""What the derivations about global minima share: symbols, the one-dimensional problem, validation.

Notation: depth $N = D + 1$; decays $\gamma_1, \dots, \gamma_N$ with product $\Gamma$; hidden widths $d_1, \dots, d_D$ and
noise variances $s_1, \dots, s_D$ with $\kappa = \prod_i (1 + s_i / d_i)$; $A = \mathbb{E}[xx^T]$, $g = \mathbb{E}[xy]$,
$Y = \mathbb{E}[y^2]$. Source: arXiv:2202.04777.
"""

from __future__ import annotations

import functools

import sympy as sp

from theory.errors import InvalidInput

SOURCE = "arXiv:2202.04777"
A, G, K, ALPHA, GAMMA, LAMBDA, C = sp.symbols("a G kappa alpha Gamma lamda c", positive=True)
b, z = sp.symbols("b z", positive=True)
PSI = sp.Symbol("psi", real=True)

_MEANINGS = {
    "G": (G, "$|g|^2$, where $g = \\mathbb{E}[xy]$"),
    "kappa": (K, "$\\prod_i (1 + s_i/d_i)$ over the hidden layers: noise variance over width"),
    "alpha": (ALPHA, "$\\kappa a$"),
    "Gamma": (GAMMA, "$\\gamma_1 \\dots \\gamma_N$, the product of the decays"),
    "lamda": (LAMBDA, "$\\Gamma / b^D$, the ridge that the layers exert on the product, $D = N - 1$"),
    "b": (b, "$\\gamma_i |W_i|^2$, the energy that all layers share at a minimum"),
    "psi": (PSI, "$L - Y$ at the best parameters with layer energy $b$; $\\psi(0) = 0$ is the origin"),
    "c": (C, "$\\sqrt{G \\Gamma}$"),
}


def notation(*names: str) -> tuple[tuple[sp.Basic, str], ...]:
    """Rows of the symbol table.

    >>> notation("alpha")
    ((alpha, '$\\\\kappa a$'),)
    """
    return tuple(_MEANINGS[name] for name in names)


def setting(hidden: int, data: str = "data with $A = aI$") -> str:
    """What is given, in a sentence.

    >>> setting(0)
    'A linear network of depth 1 with scalar output, weight decay, data with $A = aI$. Source: arXiv:2202.04777.'
    """
    noise = ["", "multiplicative noise on its hidden layer, ", f"multiplicative noise on its {hidden} hidden layers, "][
        min(hidden, 2)
    ]
    return f"A linear network of depth {hidden + 1} with scalar output, {noise}weight decay, {data}. Source: {SOURCE}."


def psi(hidden: int) -> sp.Expr:
    r"""$\psi(b) = D b - b^D G / (\alpha b^D + \Gamma)$ for isotropic data.

    >>> psi(1)
    -G*b/(Gamma + alpha*b) + b
    """
    return hidden * b - G * b**hidden / (ALPHA * b**hidden + GAMMA)


def hidden_layers(depth: object, low: int, high: int) -> int:
    """The number of hidden layers of a network of this depth, or `InvalidInput`.

    >>> hidden_layers(3, 2, 5)
    2
    """
    if not isinstance(depth, int) or isinstance(depth, bool) or not low <= depth <= high:
        raise InvalidInput("depth", depth, f"a number of weight matrices from {low} to {high}")
    return depth - 1


@functools.cache
def stationary_polynomial(hidden: int) -> sp.Expr:
    r"""$\alpha b^D - c\,b^{(D-1)/2} + \Gamma$, the factor of the numerator of $\psi'$ with positive roots ($c^2 = G \Gamma$).

    In $z = \sqrt b$ when $D$ is even.

    >>> stationary_polynomial(3)
    Gamma + alpha*b**3 - b*c
    >>> stationary_polynomial(2)
    Gamma + alpha*z**4 - c*z
    """
    slope, unknown = sp.diff(psi(hidden), b).subs(G, C**2 / GAMMA), b if hidden % 2 else z
    numerator = sp.fraction(sp.together(slope.subs(b, unknown if hidden % 2 else z**2)))[0]
    factors = [part for part, _ in sp.factor_list(numerator)[1] if part.has(unknown)]
    # A factor whose coefficients all have one sign has no positive root.
    (factor,) = [part for part in factors if len({c > 0 for c in sp.Poly(part).coeffs()}) == 2]
    return -factor if sp.LC(factor, unknown).could_extract_minus_sign() else factor
