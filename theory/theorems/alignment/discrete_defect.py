r"""How one step of gradient descent changes the imbalance of neighbouring layers.

Setting: layers W_1, ..., W_N, any differentiable loss of their product, G_i its gradient by W_i, imbalance
\(D_i = W_{i+1}^T W_{i+1} - W_i W_i^T\), one step \(W_i^+ = W_i - \eta G_i\) of any size.

Hypotheses: none on widths, data, layers (aligned or not) or step size.

Conclusion:
\[ D_i^+ - D_i = \eta^2 \, (G_{i+1}^T G_{i+1} - G_i G_i^T), \]
exactly: the imbalance that gradient flow conserves moves only at second order in the step. Its trace is
\(|W_{i+1}^+|^2 - |W_i^+|^2 - (|W_{i+1}|^2 - |W_i|^2) = \eta^2 (|G_{i+1}|^2 - |G_i|^2)\).

Form: identity.

Scope of proof: all widths, depths 2 to 5, for the squared loss with data and for any loss (<M, P> with a variable M).

Why: the terms of first order cancel by the coupling \(W_{i+1}^T G_{i+1} = G_i W_i^T\).

Sharpness: one common step size for the layers is needed.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sympy import Expr, Rational, Symbol, Trace

from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.setting import widths_of
from theory.theorems.alignment.training import ETA, Training, identity

NAME = "alignment.discrete_defect"


def defect(net: Training, i: int, factor: Any = ETA**2) -> Expr:
    """D_i^+ - D_i - eta^2 (G_{i+1}^T G_{i+1} - G_i G_i^T)."""
    G, H = net.gradient(i), net.gradient(i + 1)
    return net.imbalance(i, net.step()) - net.imbalance(i) - factor * (H.T * H - G * G.T)


def squared(depth: int) -> Claim:
    net = Training(widths_of(depth))
    terms = [defect(net, i) for i in net.hidden]
    return identity(f"{NAME}.squared_loss", (*net.variables, ETA), [*map(net.trained, [*terms, *map(Trace, terms)])])


def general(depth: int) -> Claim:
    net = Training(widths_of(depth))
    terms = [net.trained(defect(net, i), net.any_loss) for i in net.hidden]
    return identity(f"{NAME}.any_loss", (*net.layers, net.slope, ETA), terms)


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (squared, general) for n in range(2, 6))


def two_rates() -> Statement:
    """The second layer moves with another step size; its own size stands in the defect."""
    net, other = Training((1, 1, 1), 1), Symbol("zeta")
    (W, V), G, H = net.layers, net.gradient(1), net.gradient(2)
    after = net.imbalance(1, (W - ETA * G, V - other * H))
    then = equal(net.trained(after - net.imbalance(1) - other**2 * H.T * H + ETA**2 * G * G.T))
    return Statement(f"{NAME}: two step sizes", (*net.variables, ETA, other), then=(then,))


def sharpness() -> Iterator[Counterexample]:
    point = {"W1": [[1]], "W2": [[1]], "X": [[1]], "Y": [[0]], "eta": 0, "zeta": 1}
    yield Counterexample("one step size for all layers", two_rates(), point)


def variants() -> Iterator[Statement]:
    net = Training((2, 2, 2), 2)
    G, H = net.gradient(1), net.gradient(2)
    moved = net.imbalance(1, net.step()) - net.imbalance(1)
    wrong = {
        "first order in the step": defect(net, 1, ETA),
        "half the defect": defect(net, 1, ETA**2 * Rational(1, 2)),
        "off by a millionth": defect(net, 1, ETA**2 * Rational(999999, 1000000)),
        "the opposite sign": defect(net, 1, -(ETA**2)),
        "conserved by descent": moved,
        "transposes exchanged": moved - ETA**2 * (H * H.T - G.T * G),
        "the sum of squares": moved - ETA**2 * (H.T * H + G * G.T),
        "the upper layer only": moved - ETA**2 * H.T * H,
    }
    names = (*net.variables, ETA)
    yield from (Statement(f"{NAME}: {words}", names, then=(equal(net.trained(x)),)) for words, x in wrong.items())
    yield two_rates()


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Training, Statement]:
    net = Training(widths, 3)
    then = tuple(equal(net.trained(defect(net, i))) for i in net.hidden)
    return net, Statement(f"{NAME}.squared_loss", (*net.variables, ETA), then=then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, data and step size."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw) | {"eta": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="DYN-3",
    title="Exact discrete balancedness defect",
    form="identity",
    source="own derivation, in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 4, 2), (2, 3, 1, 3, 2)),
    supported_at=((20, 30, 10), (12, 20, 8, 15), (8, 10, 6, 12, 9, 7)),
)
