r"""The layers of a minimiser, and the exact test that a formula for them is stationary for the loss of the network.

Setting: isotropic data, $W_i = \omega_i r_i r_{i-1}^T$ for $i \ge 2$ and $W_1 = \omega_1 r_1 g^T$ with sign vectors $r_i$
(arbitrary vectors of norm $\sqrt{d_i}$ where layer $i$ has no noise). Source: arXiv:2202.04777.
"""

from __future__ import annotations

import sympy as sp

from theory.derivations import minima
from theory.derivations import network as nets
from theory.derivations.exact import Relation, relation_of, root, vanishes
from theory.derivations.minima import ALPHA, GAMMA, LAMBDA, A, G, K, b
from theory.derivations.model import Formula, Let

SHRINK = sp.Symbol("h", positive=True)
_NAMED = (GAMMA, K, ALPHA, LAMBDA, SHRINK)


def widths_symbols(hidden: int) -> tuple[sp.Symbol, ...]:
    """``d_1, ..., d_D``."""
    return tuple(sp.symbols(f"d_1:{hidden + 1}", positive=True))


def decay_symbols(hidden: int) -> tuple[sp.Symbol, ...]:
    """``gamma_1, ..., gamma_N``."""
    return tuple(sp.symbols(f"gamma_1:{hidden + 2}", positive=True))


def noise_symbols(hidden: int) -> tuple[sp.Symbol, ...]:
    """``s_1, ..., s_D``."""
    return tuple(sp.symbols(f"s_1:{hidden + 1}", nonnegative=True))


def scale_symbols(hidden: int) -> tuple[sp.Symbol, ...]:
    """``omega_1, ..., omega_N``."""
    return tuple(sp.symbols(f"omega_1:{hidden + 2}", positive=True))


def layer_lets(hidden: int) -> tuple[Let, ...]:
    r"""$\omega_N, \dots, \omega_2$ from equal energies $\gamma_i |W_i|^2 = b$, then $\omega_1$ from the product $v = h g$.

    >>> layer_lets(1)[0].value
    sqrt(b/(d_1*gamma_2))
    """
    widths, decay = (*widths_symbols(hidden), sp.Integer(1)), decay_symbols(hidden)
    omega = scale_symbols(hidden)
    square, lets = sp.Symbol("x", positive=True), []
    for i in range(hidden, 0, -1):
        (value,) = sp.solve(decay[i] * widths[i - 1] * widths[i] * square - b, square)
        lets.append(Let(omega[i], root(value)))
    (first,) = sp.solve(square * sp.prod(omega[1:]) * sp.prod(widths) - SHRINK, square)
    return (*lets, Let(omega[0], first))


def is_stationary(formula: Formula, widths: tuple[int, ...]) -> bool:
    r"""Whether the layers of a formula make the gradient zero, the loss $Y + \psi$ and the energy $\gamma_1 |W_1|^2 = b$.

    At all data, decays and noise variances at once: the energy $b$ stays a symbol, $G$ is what makes $\psi'(b) = 0$, and the
    rest is polynomial arithmetic on the loss of the network of these widths.
    """
    net, hidden = nets.network(widths, diagonal=True), len(widths) - 2
    sizes = {symbol: sp.Integer(width) for symbol, width in zip(widths_symbols(hidden), widths[1:-1], strict=True)}
    lets = [Let(let.symbol, let.value.xreplace(sizes)) for let in formula.lets]
    values = _layer_values(net, formula)
    entries = [sp.diff(nets.loss(net), w).xreplace(values) for w in net.weights]
    gap = nets.loss(net).xreplace(values) - nets.Y - formula["psi"]
    energy = net.decay[0] * sum(w**2 for w in net.layers[0]).xreplace(values) - formula["b"]
    rules = [(symbol, _resolve(rule, net, lets)) for symbol, rule in _relations(net, lets)]
    # Neurons of a layer are alike, so most entries coincide.
    return all(vanishes(entry, rules) for entry in {_resolve(entry, net, lets) for entry in (*entries, gap, energy)})


def _relations(net: nets.Network, lets: list[Let]) -> list[Relation]:
    roots = [relation_of(let) for let in lets if let.symbol.name.startswith("omega_") and let.symbol.name != "omega_1"]
    if net.depth == 1:
        return []
    (norm,) = sp.solve(sp.diff(minima.psi(net.depth - 1), b), G)
    first, *others = net.cross
    return [(first, first**2 + sum(h**2 for h in others) - norm), *roots]


def _layer_values(net: nets.Network, formula: Formula) -> dict[sp.Symbol, sp.Expr]:
    scales = [formula[f"omega_{i}"] for i in range(1, net.depth + 1)]
    above = {w: scale for scale, layer in zip(scales[1:], net.layers[1:], strict=True) for w in layer}
    bottom = net.layers[0]
    return above | {bottom[j, k]: scales[0] * net.cross[k] for j in range(bottom.rows) for k in range(bottom.cols)}


def _resolve(expression: sp.Expr, net: nets.Network, lets: list[Let]) -> sp.Expr:
    """In terms of the entries of ``g``, the energy, the decays and the upper layers."""
    named = expression.xreplace(dict.fromkeys(net.second.diagonal(), A))
    for let in reversed(lets):
        if let.symbol in _NAMED or let.symbol.name == "omega_1":
            named = named.xreplace({let.symbol: let.value})
    return named.subs(G, sum(h**2 for h in net.cross))
