r"""The gradients of neighbouring layers are coupled.

Setting: layers W_1, ..., W_N with product P, any differentiable loss of P, G_i its gradient by W_i.

Hypotheses: the loss depends on the layers through their product only. None on widths, data or layers.

Conclusion:
\[ W_{i+1}^T G_{i+1} = G_i W_i^T, \qquad G_i = (W_N \cdots W_{i+1})^T M (W_{i-1} \cdots W_1)^T, \]
where M is the gradient by the product: \(M = (P X - Y) X^T\) for the loss \(\tfrac12 |P X - Y|_F^2\). Hence
\(W_i G_i^T + G_i W_i^T\) and \(W_{i+1}^T G_{i+1} + G_{i+1}^T W_{i+1}\) are one matrix.

Form: identity.

Scope of proof: all widths, depths 2 to 5 (the form of the gradient also at depth 1); the kernel differentiates the loss
itself. For any other loss the gradients are those of <M, P> with a variable M, by the chain rule.

Why: both sides are (W_N ... W_{i+1})^T M (W_i ... W_1)^T.

Sharpness: a penalty on one layer breaks it.

Source: arXiv:2003.06340 (setting); own derivation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from sympy import Expr, Rational

from theory.expressions import norm2
from theory.statement import Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.setting import widths_of
from theory.theorems.alignment.training import SOURCE, Training, identity

NAME = "alignment.coupling"


def coupled(net: Training, i: int) -> Expr:
    """W_{i+1}^T G_{i+1} - G_i W_i^T."""
    return net.layers[i].T * net.gradient(i + 1) - net.gradient(i) * net.layers[i - 1].T


def doubled(net: Training, i: int) -> Expr:
    """The difference of the two forms of H_i, the symmetric matrix that drives both A_i and B_i."""
    W, V = net.layers[i - 1 : i + 1]
    G, H = net.gradient(i), net.gradient(i + 1)
    return W * G.T + G * W.T - V.T * H - H.T * V


def gradients(depth: int) -> Claim:
    """G_i = (W_N ... W_{i+1})^T M (W_{i-1} ... W_1)^T for the squared loss."""
    net = Training(widths_of(depth))
    slope = net.product * net.S - net.C
    terms = [net.trained(net.gradient(i) - net.back(i, slope)) for i in range(1, depth + 1)]
    return identity(f"{NAME}.gradient", net.variables, terms)


def squared(depth: int) -> Claim:
    net = Training(widths_of(depth))
    terms = [net.trained(f(net, i)) for i in net.hidden for f in (coupled, doubled)]
    return identity(f"{NAME}.squared_loss", net.variables, terms)


def general(depth: int) -> Claim:
    """Any loss: its gradient by the product is a variable."""
    net = Training(widths_of(depth))
    terms = [f(net, i) for i in net.hidden for f in (coupled, doubled)]
    terms += [net.gradient(i) - net.back(i, net.slope) for i in range(1, depth + 1)]
    return identity(f"{NAME}.any_loss", (*net.layers, net.slope), [net.trained(x, net.any_loss) for x in terms])


def claims() -> Iterator[Claim]:
    yield from (gradients(n) for n in range(1, 6))
    yield from (f(n) for f in (squared, general) for n in range(2, 6))


def penalised() -> Statement:
    net = Training((1, 1, 1), 1)
    loss = net.loss + Rational(1, 2) * norm2(net.layers[0])
    return Statement(f"{NAME}: a penalty on the first layer", net.variables, then=(equal(net.trained(coupled(net, 1), loss)),))


def sharpness() -> Iterator[Counterexample]:
    point = {"W1": [[1]], "W2": [[0]], "X": [[0]], "Y": [[0]]}
    yield Counterexample("the loss depends on the product only", penalised(), point)


def variants() -> Iterator[Statement]:
    net, deep = Training((2, 2, 2), 2), Training((1, 1, 1, 1), 1)
    W, V = net.layers
    G, H = net.gradient(1), net.gradient(2)
    wrong = {
        "no transpose on the left": V * H - G * W.T,
        "no transpose on the right": V.T * H - G * W,
        "gradients exchanged": V.T * G - H * W.T,
        "the factors exchanged": H * V.T - W.T * G,
        "with the opposite sign": V.T * H + G * W.T,
        "a coefficient off by a millionth": V.T * H - Rational(1000001, 1000000) * G * W.T,
        "symmetric": V.T * H - H.T * V,
        "gradients alike": H - G.T,
    }
    yield from (Statement(f"{NAME}: {words}", net.variables, then=(equal(net.trained(x)),)) for words, x in wrong.items())
    skipped = deep.layers[2].T * deep.gradient(3) - deep.gradient(1) * deep.layers[1].T
    yield Statement(f"{NAME}: layers that are not neighbours", deep.variables, then=(equal(deep.trained(skipped)),))
    yield penalised()


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Training, Statement]:
    net = Training(widths, 3)
    then = tuple(equal(net.trained(coupled(net, i))) for i in net.hidden)
    return net, Statement(f"{NAME}.squared_loss", net.variables, then=then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers and data."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw))


THEOREM = Theorem(
    name=NAME,
    sheet="INV-0",
    title="Coupling of the gradients",
    form="identity",
    source=f"{SOURCE} (setting); own derivation",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 1, 4, 2), (2, 3, 1, 3, 2)),
    supported_at=((20, 30, 10), (12, 20, 8, 15), (8, 10, 6, 12, 9, 7)),
)
