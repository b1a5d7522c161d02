r"""Two scalar layers: every step of stochastic gradient descent moves the trace of the Hessian in a known direction.

Setting: loss 1/2 (w_1 w_2 - y)^2; one step with the residual r = w_1 w_2 - y - delta, delta any noise of the label, and
learning rate eta. D = w_2^2 - w_1^2; Tr(w) = trace of the Hessian at the limit of gradient flow from w.

Hypotheses: none for the step. Gradient flow from w reaches the valley w_1 w_2 = y for the value of Tr: it fails to where y > 0
and w_1 = -w_2, or y < 0 and w_1 = w_2, whose limit is the saddle 0.

Conclusion: for every noise, in particular every choice of minibatches,
\[ D^+ = D (1 - \eta^2 r^2), \qquad \mathrm{Tr} = \sqrt{D^2 + 4 y^2}. \]
So a step does not increase Tr iff D = 0 or eta^2 r^2 <= 2, and decreases it if D, r != 0 and eta^2 r^2 < 2. With label noise of
variance sigma^2, from the valley: E D^+ = (1 - eta^2 sigma^2) D; effective flow D' = -c D, Tr' = -c D^2 / Tr, down to the
minimum 2 |y|, attained iff |w_1| = |w_2|. With a hidden layer of any width d_1 (one input, one output) the same for
\(q = |w_1 + w_2|^2 |w_1 - w_2|^2\) (W_1 = w_1, W_2 = w_2^T): \(q^+ = q (1 - \eta^2 r^2)^2\) and \(\mathrm{Tr} = \sqrt{q + 4
y^2}\).

Form: identities; equivalence.

Scope of proof: all real values; with a hidden layer, all widths. The square root is the number Tr >= 0 with that square. That
the effective flow has D' = -c D is `hessian.scalar_chain` with N = 2; here its consequence for Tr.

Why: the step multiplies w_1 + w_2 by 1 - eta r and w_1 - w_2 by 1 + eta r; gradient flow conserves D (and q).

Sharpness: eta^2 r^2 <= 2: from w = (1, 2), y = 2, eta = 1, r = 2 the square of Tr goes from 25 to 97. From w = (1, -1), y = 1
the flow goes to the saddle.

Source: own derivation, in the setting of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from theory.certificates import vanishes
from theory.statement import Condition, Statement
from theory.terms import Term, fact, step
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian.coordinates import PAIR, W1, W2, D, T, Y, numbered, scalars, trace
from theory.theorems.hessian.setting import (
    Network,
    identities,
    is_zero,
    mean,
    nonnegative,
    norm2,
    positive,
    statement,
)

NAME = "hessian.two_scalars"
ETA, NOISE, S, C = scalars("eta delta s c")
R = W1 * W2 - Y - NOISE
STEP = (W1, W2, Y, NOISE, ETA)
# The traces before and after a step, and the limit of gradient flow.
P, Q = scalars("p q")
LIMIT = numbered("u", 2)


def stepped() -> tuple[Term, Term]:
    """The layers after a step with the noisy label."""
    a, b = PAIR.step((W1 * W2 - Y - NOISE) ** 2 / 2, ETA)
    return a, b


def imbalance(w: Sequence[Term]) -> Term:
    return w[1] ** 2 - w[0] ** 2


# -- the step -----------------------------------------------------------------------------------------------------------


def one_step() -> Claim:
    """D^+ = D (1 - eta^2 r^2); gradient flow conserves D; T^2 = D^2 + 4 (w_1 w_2)^2, and T = Tr H."""
    g1, g2 = PAIR.gradient(PAIR.loss)
    zeros = [imbalance(stepped()) - D * (1 - (ETA * R) ** 2), W2 * g2 - W1 * g1, T**2 - D**2 - 4 * (W1 * W2) ** 2]
    return identities(f"{NAME}.step", STEP, [*zeros, trace(PAIR.hessian) - T])


class Hidden:
    """One input with x = 1, a hidden layer, one output; q = |w_1 + w_2|^2 |w_1 - w_2|^2. Y is the noisy label of the step."""

    def __init__(self, width: int | str = "d1") -> None:
        self.net = Network((1, width, 1), white=True)
        self.variables = (*self.net.W, self.net.Y, ETA)
        self.r2 = norm2(self.net.residual)

    @property
    def after(self) -> tuple[Term, ...]:
        return tuple(w - ETA * g for w, g in zip(self.net.W, self.net.gradient(self.net.loss), strict=True))

    def q(self, w: Sequence[Term] | None = None) -> Term:
        low, high = self.net.W if w is None else w
        return norm2(low + high.T) * norm2(low - high.T)

    def step(self, factor: Term | None = None) -> Term:
        """q^+ - q (1 - eta^2 r^2)^2, or with another factor."""
        return self.q(self.after) - self.q() * ((1 - ETA**2 * self.r2) ** 2 if factor is None else factor)

    def conserved(self) -> Term:
        """Dq[-grad L]."""
        return self.net.along(self.q(), self.net.gradient(self.net.loss))

    def root(self) -> Term:
        low, high = self.net.W
        return (norm2(low) + norm2(high)) ** 2 - self.q() - 4 * norm2(high * low)


def hidden() -> Claim:
    f = Hidden()
    return identities(f"{NAME}.hidden_layer_of_any_width", f.variables, [f.step(), f.conserved(), f.root()])


# -- the trace before and after a step ----------------------------------------------------------------------------------


TRACES = (P**2 - D**2 - 4 * Y**2, Q**2 - imbalance(stepped()) ** 2 - 4 * Y**2)
ROOM = 2 - (ETA * R) ** 2


def _difference() -> Term:
    """p^2 - q^2 = D^2 eta^2 r^2 (2 - eta^2 r^2), up to the zeros."""
    return fact(TRACES[0]) - fact(TRACES[1])


def monotone(words: str, given: Sequence[Condition], then: Term, by: Term, delta: int) -> Claim:
    """About the traces p before and q after a step: `then` is p - q or q - p; the witness has y = 0, w = (1, 2), eta = 1."""
    relation = ">=" if words == "does_not_increase" else ">"
    after = 3 * abs(1 - (2 - delta) ** 2)
    s = statement(f"{NAME}.{words}", (*STEP, P, Q), [Condition(relation, then.node)], [*map(is_zero, TRACES), *given])
    point = {"w1": 1, "w2": 2, "y": 0, "eta": 1, "delta": delta, "p": 3, "q": after}
    return Claim(s, (step(relation, then, by, fact(P) + fact(Q)),), point)


def traces() -> Iterator[Claim]:
    """The trace does not increase if eta^2 r^2 <= 2; decreases if it is in (0, 2) and D != 0; increases above 2 if D != 0."""
    push, signs, moves = (ETA * R) ** 2, (positive(P), nonnegative(Q)), (positive(D**2), positive((ETA * R) ** 2))
    change = fact(TRACES[0]) - fact(TRACES[1])  # p^2 - q^2 = D^2 eta^2 r^2 (2 - eta^2 r^2) + change
    yield monotone("does_not_increase", (*signs, nonnegative(ROOM)), P - Q, change + D**2 * push * fact(ROOM), 1)
    down = change + fact(D**2) * fact(push) * fact(ROOM)
    yield monotone("decreases", (*signs, *moves, positive(ROOM)), P - Q, down, 1)
    over = fact(push - 2)
    up = fact(D**2) * (over + 2) * over - change
    yield monotone("increases", (*signs, moves[0], positive(push - 2)), Q - P, up, 0)


# -- label noise and the effective flow ---------------------------------------------------------------------------------


def label_noise() -> Claim:
    """E D^+ = (1 - eta^2 sigma^2) D from the valley, for noise of mean 0 and variance s."""
    gap, off = mean(imbalance(stepped()), NOISE, 1, 0, S) - D * (1 - ETA**2 * S), W1 * W2 - Y
    s = statement(f"{NAME}.label_noise", (*STEP, S), [is_zero(gap)], [is_zero(off)])
    return Claim(s, (step("==", gap, -D * ETA**2 * off * fact(off)),), {"w1": 1, "w2": 2, "y": 2, "delta": 0, "eta": 1, "s": 1})


V = numbered("v", 2)
TANGENCY, RATE = W2 * V[0] + W1 * V[1], 2 * W2 * V[1] - 2 * W1 * V[0] + C * D
TRACE_RATE = 2 * W1 * V[0] + 2 * W2 * V[1]


def flow() -> Claim:
    """A tangent velocity with D' = -c D has T Tr' = -c D^2."""
    claimed = T * TRACE_RATE + C * D**2
    s = statement(f"{NAME}.flow", (W1, W2, *V, C), [is_zero(claimed)], [is_zero(TANGENCY), is_zero(RATE)])
    by = 4 * W1 * W2 * fact(TANGENCY) + D * fact(RATE)
    return Claim(s, (step("==", claimed, by),), {"w1": 1, "w2": 2, "v1": "3/10", "v2": "-3/5", "c": 1})


def minimum() -> Claim:
    """T >= 2 |w_1 w_2|."""
    then = (nonnegative(T - 2 * W1 * W2), nonnegative(T + 2 * W1 * W2))
    steps = (step(">=", T - 2 * W1 * W2, (W1 - W2) ** 2), step(">=", T + 2 * W1 * W2, (W1 + W2) ** 2))
    return Claim(statement(f"{NAME}.minimum", (W1, W2), then), steps)


def attained() -> Claim:
    """T^2 = 4 (w_1 w_2)^2 only where w_1^2 = w_2^2."""
    equality = T**2 - 4 * (W1 * W2) ** 2
    s = statement(f"{NAME}.attained", (W1, W2), [is_zero(D)], [is_zero(equality)])
    return Claim(s, (vanishes(D.node, (-fact(equality)).node),), {"w1": 1, "w2": -1})


def claims() -> Iterator[Claim]:
    yield one_step()
    yield hidden()
    yield from traces()
    yield label_noise()
    yield flow()
    yield minimum()
    yield attained()


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def any_step() -> Statement:
    """The square of the trace does not grow, whatever the learning rate."""
    return statement(f"{NAME}: any step", STEP, [nonnegative(D**2 - imbalance(stepped()) ** 2)])


def any_limit() -> Statement:
    """Tr^2 = D^2 + 4 y^2 at every stationary point with the same D."""
    (u, v), (w1, w2) = LIMIT, (W1, W2)
    given = [(u * v - Y) * v, (u * v - Y) * u, v**2 - u**2 - D]
    return statement(
        f"{NAME}: any stationary point", (w1, w2, Y, u, v), [is_zero((u**2 + v**2) ** 2 - D**2 - 4 * Y**2)], map(is_zero, given)
    )


def without(words: str, claim: str, dropped: int) -> Statement:
    """A claim about traces without one of its hypotheses."""
    s = next(c.statement for c in traces() if c.statement.name.endswith(claim))
    return replace(s, name=f"{NAME}: {words}", given=(*s.given[:dropped], *s.given[dropped + 1 :]))


# Traces 25 and 97: w = (1, 2), y = 2, eta = 1, r = 2.
LARGE_STEP = {"w1": 1, "w2": 2, "y": 2, "delta": -2, "eta": 1}
SADDLE = {"w1": 1, "w2": -1, "y": 1, "u1": 0, "u2": 0}
BALANCED = {"w1": 1, "w2": 1, "y": 1, "delta": -1, "eta": 1, "p": 2, "q": 2}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("eta^2 r^2 <= 2", any_step(), LARGE_STEP)
    yield Counterexample("gradient flow reaches the valley", any_limit(), SADDLE)
    yield Counterexample("D != 0 for a strict decrease", without("strict at D = 0", "decreases", 4), BALANCED)


def variants() -> Iterator[Statement]:
    yield any_step()
    yield any_limit()
    yield without("strict at D = 0", "decreases", 4)
    yield without("strict without noise", "decreases", 5)
    after, push = imbalance(stepped()), (ETA * R) ** 2
    wrong = {
        "D is conserved by steps": after - D,
        "eta for eta^2": after - D * (1 - ETA * R**2),
        "the other sign": after - D * (1 + push),
        "a square too many": after - D * (1 - push) ** 2,
        "twice the rate": after - D * (1 - 2 * push),
        "T^2 = D^2 + 2 y^2": T**2 - D**2 - 2 * (W1 * W2) ** 2,
    }
    yield from (statement(f"{NAME}: {words}", STEP, [is_zero(x)]) for words, x in wrong.items())
    f = Hidden(2)
    yield statement(f"{NAME}: hidden layer without the square", f.variables, [is_zero(f.step(1 - ETA**2 * f.r2))])
    claim = label_noise().statement
    half = mean(after, NOISE, 1, 0, S) - D * (1 - ETA**2 * S / 2)
    yield replace(claim, name=f"{NAME}: half the noise", then=(is_zero(half),))
    yield replace(claim, name=f"{NAME}: mean off the valley", given=())
    rate = flow().statement
    yield replace(rate, name=f"{NAME}: half the rate of the trace", then=(is_zero(2 * T * TRACE_RATE + C * D**2),))
    least = attained().statement
    yield replace(least, name=f"{NAME}: flattest only at w_1 = w_2", then=(is_zero(W1 - W2),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A step from random layers; with a hidden layer of width d_1."""
    f = Hidden(int(widths[1]))
    s = statement(f"{NAME}.hidden_layer_of_any_width", f.variables, map(is_zero, (f.step(), f.root())))
    return Instance(s, {**f.net.draw(draw, f.net.Y), "eta": draw.scalar()})


THEOREM = Theorem(
    name=NAME,
    sheet="H8",
    title="Two scalar layers: the imbalance after any stochastic step, and the trace at the limit",
    form="identities; equivalence",
    source="own derivation, in the setting of arXiv:1910.00195",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1), (1, 3, 1)),
    supported_at=((1, 1, 1), (1, 16, 1)),
    note=(
        'That "SGD on average decreases the trace of the Hessian" needs a small learning rate (eta^2 r^2 <= 2), also where '
        "every single step is known: from w = (1, 2) with y = 2, eta = 1, r = 2 the trace at the limit of gradient flow "
        "goes from 5 to sqrt(97)."
    ),
)
