r"""The expected trace after one step of stochastic gradient descent goes up: the wrong observable.

Setting: loss 1/2 (w_1 w_2 - y)^2, label noise delta of mean 0 and variance sigma^2, learning rate eta, on the valley w_1 w_2
= y; Tr H(w) = w_1^2 + w_2^2 and D = w_2^2 - w_1^2. With a hidden layer of width d_1: Tr H = |W_1|^2 + |W_2|^2.

Hypotheses: the step starts on the valley; eta, sigma != 0 and w != 0 for the strict inequality.

Conclusion:
\[ E\, \mathrm{Tr} H(w^+) = (1 + \eta^2 \sigma^2)\, \mathrm{Tr} H(w) > \mathrm{Tr} H(w) , \qquad
   E\, D^+ = (1 - \eta^2 \sigma^2) D . \]
The noise pushes the weights up the walls of the valley, where the trace is larger. What decreases on average is the trace at
the limit of gradient flow, \(\sqrt{D^2 + 4 y^2}\), or the trace averaged over the fast relaxation in 1/(eta lambda) steps.

Form: identity and strict inequality.

Scope of proof: scalars, all real values; hidden widths 1, 2, 3.

Why: a step from the valley adds eta delta (w_2, w_1), which is orthogonal to (w_1, w_2) only if one of them is 0; its square
has the mean eta^2 sigma^2 Tr H, and the mean of delta is 0.

Sharpness: on the valley: from w = (1, 1), y = 0 the expected trace goes down. sigma != 0: without noise nothing moves. At w =
(1, 2), eta = 1/10, sigma = 1 the trace goes from 5 to 5.05, while E D^+ = 3 (1 - 1/100).

Source: own derivation, in the setting of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from theory.statement import Statement
from theory.terms import Term, fact, step, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import PAIR, W1, W2, D, T, Y, scalars
from theory.theorems.hessian.setting import Network, grad, is_zero, letter, mean, norm2, positive, statement

NAME = "hessian.one_step_expectation"
ETA, NOISE, S = scalars("eta delta s")
VARIABLES = (W1, W2, Y, NOISE, ETA, S)
VALLEY = W1 * W2 - Y
POINT = {"w1": 1, "w2": 2, "y": 2, "delta": 0, "eta": "1/10", "s": 1}


def after(x: Term) -> Term:
    """The mean of a function of the layers after a step, given as a function of the pair."""
    return mean(x, NOISE, 1, 0, S)


def stepped() -> tuple[Term, Term]:
    a, b = PAIR.step((W1 * W2 - Y - NOISE) ** 2 / 2, ETA)
    return a, b


def trace_after() -> Term:
    a, b = stepped()
    return after(a**2 + b**2)


def imbalance_after() -> Term:
    a, b = stepped()
    return after(b**2 - a**2)


def growth() -> Claim:
    """E Tr^+ - (1 + eta^2 s) Tr = (w_1 w_2 - y)(...): zero on the valley; and E Tr^+ > Tr."""
    gap, other = trace_after() - (1 + ETA**2 * S) * T, imbalance_after() - (1 - ETA**2 * S) * D
    up, off = trace_after() - T, fact(VALLEY)
    by = ETA**2 * T * VALLEY * off - 4 * ETA * W1 * W2 * off
    given = (is_zero(VALLEY), positive(ETA**2), positive(S), positive(T))
    steps = (
        step("==", gap, by),
        step("==", other, -(ETA**2) * D * VALLEY * off),
        step(">", up, fact(gap) + fact(ETA**2) * fact(S) * fact(T)),
    )
    return Claim(statement(f"{NAME}.growth", VARIABLES, (is_zero(gap), is_zero(other), positive(up)), given), steps, POINT)


class Hidden:
    """Widths (1, d_1, 1), x = 1: the label is Y + delta, both 1 x 1."""

    def __init__(self, width: int) -> None:
        self.net, self.noise = Network((1, width, 1), white=True), letter("delta", 1, 1)
        self.variables = (*self.net.W, self.net.Y, self.noise, ETA, S)
        self.valley = self.net.slope

    @property
    def trace(self) -> Term:
        return norm2(self.net.W[0]) + norm2(self.net.W[1])

    def gap(self) -> Term:
        net, loss = self.net, norm2(self.net.residual - self.noise) / 2
        moved = (W - ETA * grad(loss, W) for W in net.W)
        return mean(sum((norm2(W) for W in moved), 0 * S), self.noise, 1, 0, S) - (1 + ETA**2 * S) * self.trace

    def claim(self) -> Claim:
        off = fact(self.valley)
        by = ETA**2 * self.trace * trace(self.valley.T * off) - 4 * ETA * trace(self.net.fitted.T * off)
        width = int(self.net.widths[1])
        point = {"W1": [[1]] * width, "W2": [[1] * width], "Y": [[width]], "delta": [[0]], "eta": 1, "s": 1}
        return Claim(self.statement(), (step("==", self.gap(), by),), point)

    def statement(self) -> Statement:
        return statement(f"{NAME}.hidden_layer", self.variables, [is_zero(self.gap())], [is_zero(self.valley)])


def claims() -> Iterator[Claim]:
    yield growth()
    yield from (Hidden(width).claim() for width in (1, 2, 3))


def without(words: str, dropped: int) -> Statement:
    """The strict growth without one hypothesis."""
    s = growth().statement
    return replace(s, name=f"{NAME}: {words}", given=(*s.given[:dropped], *s.given[dropped + 1 :]), then=s.then[2:])


def decreases() -> Statement:
    """What the words say: the expected trace decreases."""
    s = growth().statement
    return replace(s, name=f"{NAME}: the expected trace decreases", then=(positive(T - trace_after()),))


OFF = POINT | {"w2": 1, "y": 0}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("on the valley", without("off the valley", 0), OFF)
    yield Counterexample("sigma != 0", without("without noise", 2), POINT | {"s": 0})
    yield Counterexample("the trace at the limit of gradient flow, not at the iterate", decreases(), POINT)


def variants() -> Iterator[Statement]:
    yield without("off the valley", 0)
    yield without("without noise", 2)
    yield decreases()
    s = growth().statement
    gap, other = (c.expression for c in s.then[:2])
    wrong = {
        "the trace stays": trace_after() - T,
        "twice the growth": Term(gap) - ETA**2 * S * T,
        "eta for eta^2": trace_after() - (1 + ETA * S) * T,
        "the imbalance grows": Term(other) - 2 * ETA**2 * S * D,
        "the imbalance stays": imbalance_after() - D,
    }
    yield from (replace(s, name=f"{NAME}: {words}", then=(is_zero(x),)) for words, x in wrong.items())


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, with the label that they fit; the noise is bound by the mean."""
    f = Hidden(int(widths[1]))
    env = f.net.draw(draw)
    env["Y"] = draw.value(f.net.fitted.node, env)
    env |= {"delta": draw.matrix(1, 1), "eta": draw.scalar(), "s": draw.nonnegative()}
    return Instance(f.statement(), env)


THEOREM = Theorem(
    name=NAME,
    sheet="H14",
    title="The expected trace of the Hessian goes up in one step from the valley",
    form="identity and strict inequality",
    source="own derivation, in the setting of arXiv:1910.00195",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1), (1, 2, 1)),
    supported_at=(),
    note=(
        'That "SGD on average decreases the trace of the Hessian" is false of the iterate itself: from w = (1, 2), y = 2 with '
        "eta = 1/10 and label noise of variance 1 its mean goes from 5 to 5.05. It is about the trace at the limit of gradient "
        "flow from the iterate."
    ),
)
