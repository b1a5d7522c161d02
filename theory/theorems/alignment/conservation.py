r"""Gradient flow conserves the imbalance of neighbouring layers.

Setting: layers W_1, ..., W_N under gradient flow \(dW_i/dt = -G_i\) of any differentiable loss of their product.

Hypotheses: none on widths, data or layers.

Conclusion: with \(D_i = W_{i+1}^T W_{i+1} - W_i W_i^T\)
\[ \frac{dD_i}{dt} = 0, \qquad \text{and} \quad \frac{dD_i}{dt} = -2 \gamma D_i \] where the penalty \(\tfrac{\gamma}{2}
\sum_i |W_i|_F^2\) is added to the loss. The loss itself decreases: dL/dt = -sum_i |G_i|^2.

Form: identity (the derivative of D_i along the flow, as a polynomial in the layers).

Scope of proof: all widths, depths 2 to 5, for the squared loss with data and for any loss (<M, P> with a variable M).

Why: \(W_{i+1}^T G_{i+1} = G_i W_i^T\).

Sharpness: the time derivative needs one speed for all layers; a penalty on one layer alone breaks it.

Source: classical; in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from theory.dag import Node
from theory.expressions import norm2
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.setting import widths_of
from theory.theorems.alignment.training import Training, identity

NAME = "alignment.conservation"
GAMMA = Symbol("gamma")


def rate(net: Training, i: int, speeds: tuple[Any, Any] = (1, 1)) -> Expr:
    """dD_i/dt where layer i and layer i + 1 move with these speeds against their gradients."""
    (W, V), (a, b) = net.layers[i - 1 : i + 1], speeds
    w, v = -Integer(a) * net.gradient(i), -Integer(b) * net.gradient(i + 1)
    return v.T * V + V.T * v - w * W.T - W * w.T


def decayed(net: Training, i: int, factor: Any = 2) -> Node:
    """dD_i/dt + 2 gamma D_i under weight decay."""
    penalty = GAMMA * Rational(1, 2) * sum(map(norm2, net.layers))
    return net.trained(rate(net, i) + factor * GAMMA * net.imbalance(i), net.loss + penalty)


def squared(depth: int) -> Claim:
    net = Training(widths_of(depth))
    return identity(f"{NAME}.squared_loss", net.variables, [net.trained(rate(net, i)) for i in net.hidden])


def general(depth: int) -> Claim:
    net = Training(widths_of(depth))
    return identity(f"{NAME}.any_loss", (*net.layers, net.slope), [net.trained(rate(net, i), net.any_loss) for i in net.hidden])


def penalised(depth: int) -> Claim:
    net = Training(widths_of(depth))
    return identity(f"{NAME}.weight_decay", (*net.variables, GAMMA), [decayed(net, i) for i in net.hidden])


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (squared, general, penalised) for n in range(2, 6))


def _one_penalty() -> Statement:
    net = Training((1, 1, 1), 1)
    loss = net.loss + Rational(1, 2) * norm2(net.layers[0])
    return Statement(f"{NAME}: a penalty on the first layer", net.variables, then=(equal(net.trained(rate(net, 1), loss)),))


def _two_speeds() -> Statement:
    net = Training((1, 1, 1), 1)
    return Statement(f"{NAME}: two speeds", net.variables, then=(equal(net.trained(rate(net, 1, (1, 2)))),))


def sharpness() -> Iterator[Counterexample]:
    ones = {"W1": [[1]], "W2": [[1]], "X": [[1]], "Y": [[0]]}
    yield Counterexample("the loss depends on the product only", _one_penalty(), ones)
    yield Counterexample("all layers move with one speed", _two_speeds(), ones)


def variants() -> Iterator[Statement]:
    net = Training((2, 2, 2), 2)
    (W, V), G, H = net.layers, net.gradient(1), net.gradient(2)
    wrong = {
        "the sum instead of the difference": H.T * V + V.T * H + G * W.T + W * G.T,
        "the other Gram matrices": H * V.T + V * H.T - G.T * W - W.T * G,
        "the upper Gram matrix": H.T * V + V.T * H,
        "the difference of the layers": H - G.T,
        "the antisymmetric part": V.T * H - H.T * V,
    }
    yield from (Statement(f"{NAME}: {words}", net.variables, then=(equal(net.trained(x)),)) for words, x in wrong.items())
    names = (*net.variables, GAMMA)
    for factor in (0, 1, -2, Rational(2000001, 1000000)):
        yield Statement(f"{NAME}: decay rate {factor}", names, then=(equal(decayed(net, 1, factor)),))
    yield _one_penalty()
    yield _two_speeds()


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Training, Statement]:
    net = Training(widths, 3)
    then = tuple(equal(net.trained(rate(net, i))) for i in net.hidden)
    return net, Statement(f"{NAME}.squared_loss", net.variables, then=then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers and data."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw))


THEOREM = Theorem(
    name=NAME,
    sheet="DYN-4",
    title="Conservation law of gradient flow",
    form="identity",
    source="classical; in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 4, 2), (2, 3, 1, 3, 2)),
    supported_at=((20, 30, 10), (12, 20, 8, 15), (8, 10, 6, 12, 9, 7)),
)
