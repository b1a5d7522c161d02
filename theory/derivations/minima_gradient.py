r"""The gradient of the noise-averaged loss.

Setting: as in `minima.loss`. Result: $\partial L / \partial W_i$ entry by entry, differentiated from the loss.
Source: arXiv:2202.04777 (matrix form derived here).
"""

from __future__ import annotations

import sympy as sp

from theory.derivations import minima
from theory.derivations import network as nets
from theory.derivations.exact import vanishes
from theory.derivations.minima_loss import arguments, loss_formula, notation
from theory.derivations.model import Check, Derivation, Formula, Let, Option, Recipe, Step, equation
from theory.derivations.network import Network


def gradient_formula(net: Network) -> Formula:
    """One output a layer: the matrix of partial derivatives, entry by entry."""
    loss = loss_formula(net)
    value = loss.expanded(loss["L"])
    outputs = [Let(sp.Symbol(f"G_{i}"), layer.applyfunc(lambda w: sp.diff(value, w))) for i, layer in enumerate(net.layers, 1)]
    return Formula("gradient", arguments(net), (), tuple(outputs))


def backward_matrices(net: Network) -> list[sp.MatrixBase]:
    r"""$C_1, \dots, C_N$: $C_N = 1$ and $C_{i} = K_i + s_i \operatorname{diag}(K_i)$ with $K_i = W_{i+1}^T C_{i+1} W_{i+1}$."""
    matrices = [sp.eye(1)]
    for layer, variance in zip(reversed(net.layers[1:]), reversed(net.noise), strict=True):
        matrices.insert(0, nets.with_noise(layer.T * matrices[0] * layer, variance))
    return matrices


def matrix_gradient(net: Network, place: int) -> sp.MatrixBase:
    r"""$2 C_i W_i B_{i-1} - 2 p (q g)^T + 2 \gamma_i W_i$, $p^T = W_N \dots W_{i+1}$, $q = W_{i-1} \dots W_1$, $i$ from 1."""
    below, above = sp.eye(net.widths[0]), sp.eye(1)
    for layer in net.layers[: place - 1]:
        below = layer * below
    for layer in reversed(net.layers[place:]):
        above = above * layer
    layer, moments = net.layers[place - 1], nets.moment_matrices(net)[place - 1]
    data = backward_matrices(net)[place - 1] * layer * moments - above.T * (below * net.cross).T
    return 2 * data + 2 * net.decay[place - 1] * layer


def _same_as_matrix_form(formula: Formula, net: Network) -> bool:
    pairs = [(formula[f"G_{i}"], matrix_gradient(net, i)) for i in range(1, net.depth + 1)]
    return all(vanishes(left - right) for one, other in pairs for left, right in zip(one, other, strict=True))


def _directional(formula: Formula, net: Network) -> bool:
    """The derivative of the expanded loss on a line through a rational point, read off as the coefficient of ``t``."""
    t = sp.Symbol("t")
    where = {w: sp.Rational(3 * k % 7 - 3, 2) for k, w in enumerate(net.weights)}
    direction = {w: sp.Integer(5 * k % 9 - 4) for k, w in enumerate(net.weights)}
    line = {w: where[w] + t * direction[w] for w in net.weights}
    slope = sp.Poly(nets.loss(net).xreplace(line), t).coeff_monomial(t)
    entries = [entry.xreplace(where) for i in range(1, net.depth + 1) for entry in formula[f"G_{i}"]]
    return vanishes(slope - sum(entry * direction[w] for entry, w in zip(entries, net.weights, strict=True)))


def _scaling(formula: Formula, net: Network) -> bool:
    r"""$\langle W_i, G_i \rangle = 2 (\mathbb{E}[f^2] - v \cdot g + \gamma_i |W_i|^2)$ for each layer: Euler for scalings."""
    data = nets.moment_matrices(net)[-1][0] - (nets.mean_predictor(net) * net.cross)[0]
    return all(
        vanishes(
            sum(w * entry for w, entry in zip(layer, formula[f"G_{i}"], strict=True))
            - 2 * (data + net.decay[i - 1] * sum(w**2 for w in layer))
        )
        for i, layer in enumerate(net.layers, 1)
    )


def _steps(net: Network, formula: Formula) -> tuple[Step, ...]:
    loss = loss_formula(net)
    kept = tuple(equation(line.symbol, line.value) for line in (*loss.lets, *loss.outputs))
    return (
        Step("The loss", sp.Tuple(*kept), "Averaged over the noise and the data; `minima.loss` derives it."),
        Step(
            "Differentiate by each weight",
            sp.Tuple(*(equation(line.symbol, line.value) for line in formula.outputs)),
            "$G_i = \\partial L / \\partial W_i$, entry by entry. In matrices the same is "
            "$G_i = 2 C_i W_i B_{i-1} - 2 p_i (q_i g)^T + 2 \\gamma_i W_i$, where $B$ runs forward "
            "($B_i = M_i + s_i \\operatorname{diag}(M_i)$, $M_i = W_i B_{i-1} W_i^T$, $B_0 = A$), $C$ runs backward "
            "($C_i = K_i + s_i \\operatorname{diag}(K_i)$, "
            "$K_i = W_{i+1}^T C_{i+1} W_{i+1}$, $C_N = 1$), $p_i^T = W_N \\dots W_{i+1}$ and $q_i = W_{i-1} \\dots W_1$.",
        ),
        Step(
            "Every layer sees the same data term",
            None,
            "Scaling one layer gives "
            "$\\langle W_i, G_i \\rangle = 2 (\\mathbb{E}[f^2] - v \\cdot g + \\gamma_i |W_i|^2)$, so at a "
            "stationary point $\\gamma_i |W_i|^2$ is the same for all layers.",
        ),
    )


def make(depth: int | None = None, widths: tuple[int, ...] | None = None) -> Derivation:
    """The gradient at these widths (default: one input, hidden widths 2)."""
    net = nets.network(nets.valid_widths(widths, depth, (1, 2)))
    formula = gradient_formula(net)
    return Derivation(
        name="minima.gradient",
        title=f"The gradient of the noise-averaged loss at widths {net.widths}",
        setting=f"A linear network of depth {net.depth} with independent multiplicative noise on the hidden neurons and weight "
        f"decay. Source: {minima.SOURCE}.",
        notation=notation(net),
        steps=_steps(net, formula),
        result=formula,
        checks=(
            Check(
                "equal to the forward-backward matrix form, as polynomials", lambda result: _same_as_matrix_form(result, net)
            ),
            Check("equal to the slope of the loss along a line at a rational point", lambda result: _directional(result, net)),
            Check("scaling identity of every layer, as polynomials", lambda result: _scaling(result, net)),
        ),
        source=minima.SOURCE,
    )


RECIPE = Recipe(
    "minima.gradient",
    "gradient of the noise-averaged loss",
    (Option("depth", "2", "1 to 4"), Option("widths", "(1, 2, 1)", "(d_0, ..., d_N), d_N = 1, product at most 12")),
    make,
)
