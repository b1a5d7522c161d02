r"""Which noise stochastic gradient descent has: its covariance Sigma for label noise, minibatches, and plain SGD.

Setting: \(L = \tfrac12 |P X - Y|_F^2\) with Hessian H and Jacobian J of P X; Sigma[V, V] is the mean square of the noise of
the gradient in the direction V. Label noise: Y + D in place of Y, the entries of D independent, of mean 0 and variance s.
Minibatch: B of the n samples with replacement, loss 1/(2B) of their squared errors.

Hypotheses: (a), (b) independent labels, fresh at every step; P X = Y where Sigma is compared with H. (c) P X = Y, no label
noise.

Conclusion:
(a) The noise of the gradient is -J^T D, so Sigma = s J^T J for all W, and Sigma = s H on the valley; with the loss 1/(2n),
whose Hessian is H/n, Sigma = (s/n)(H/n); a batch of B with fresh label noise: Sigma = (s/B)(H/n).
(b) Labels with covariance C: Sigma = J^T C J. With K = J J^T and Q K + K Q = C the matrix S = J^T Q J solves H S + S H =
Sigma, and tr(S J^T dJ) = tr(Q K dJ J^T), minus which is the drift along v with dJ the change of J; for C = s I it is (s/4) d
Tr H. If J is onto, Sigma = c H only for C = c I.
(c) Without label noise every minibatch gradient vanishes on P X = Y, whatever the weights of the samples: no motion.

Form: identities; on the valley where H enters.

Scope of proof: all widths, depths 2 to 4, for the noise of the gradient, -J^T D, and for (c); all sizes for the equations of
(b).
Means over the noise need given sizes: of <Q, D>^2 for outputs up to 3 x 3, which with the former is Sigma = s J^T J at all
hidden widths; of the derivatives themselves at widths (1,1,1), (2,1,2), (1,2,2), (1,1,1,2); batches of 1 and 2 out of 2
samples at widths (1,1,1), (1,2,1), (1,1,2).

Why: the residual is linear in the labels, and the mean of <Q, D>^2 is s |Q|^2.

Sharpness: off the valley Sigma = s J^T J is not s H; noise on one output alone is not a multiple of H; nor is the noise of
plain SGD where the residual is not zero; with interpolation and no label noise the trace does not decrease.

Source: own derivation and classical; for the noise of arXiv:1910.00195.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

from theory import dag
from theory.statement import Statement
from theory.terms import Term, dot, fact, term, trace
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.training import Terms
from theory.theorems.hessian import setting
from theory.theorems.hessian.setting import (
    SOURCE,
    Network,
    eye,
    identities,
    is_zero,
    letter,
    mean,
    norm2,
    scalar,
    total,
    vanish,
    widths_of,
)

NAME = "hessian.noise_covariance"
S = scalar("s")
SIZED: tuple[tuple[tuple[int, ...], int], ...] = (((1, 1, 1), 2), ((2, 1, 2), 1), ((1, 2, 2), 1), ((1, 1, 1, 2), 1))


def variables(net: Network) -> tuple[Term, ...]:
    return (*net.W, *net.V, *net.data)


def noisy(net: Network, noise: Term) -> Term:
    """The loss with the labels Y + D."""
    return norm2(net.residual - noise) / 2


def ones(depth: int, **more: Any) -> dict[str, Any]:
    """A point of the valley at widths 1 with one sample."""
    return {**{f"{c}{i}": [[1]] for c in "WV" for i in range(1, depth + 1)}, "X": [[1]], "Y": [[1]], **more}


def sizes(depth: int) -> dict[str, int]:
    return {**{f"d{i}": 1 for i in range(depth + 1)}, "n": 1}


def gradient_noise(depth: int) -> Claim:
    """DL_D[V] = DL[V] - <D, J V> for all W."""
    net = Network(widths_of(depth))
    D = net.output("D")
    gap = net.along(noisy(net, D)) - net.along(net.loss) + dot(D, net.J())
    layers = [g + h for g, h in zip(net.gradient(noisy(net, D)), net.JT(D - net.residual), strict=True)]
    return identities(f"{NAME}.gradient_noise", (*variables(net), D), [gap, *layers])


def second_moment(net: Network, D: Term, loss: Term) -> Term:
    """The mean of (DL[V])^2 over the labels."""
    return mean(net.along(loss) * net.along(loss), D, 1, 0, S)


def wick(rows: int, cols: int) -> Claim:
    """The mean of (f - <D, Q>)^2 is f^2 + s |Q|^2: with `gradient_noise`, Sigma = s J^T J for all networks with this output."""
    Q, D, f = letter("Q", rows, cols), letter("D", rows, cols), scalar("f")
    x = f - dot(D, Q)
    return identities(f"{NAME}.wick", (Q, D, f, S), [mean(x, D, 1, 0, S) - f, mean(x * x, D, 1, 0, S) - f * f - S * norm2(Q)])


def everywhere(widths: tuple[int, ...], samples: int) -> Claim:
    """Mean DL[V], variance s |J V|^2, at all W."""
    net = Network(widths, samples)
    D, f = net.output("D"), net.along(net.loss)
    gaps = [mean(net.along(noisy(net, D)), D, 1, 0, S) - f, second_moment(net, D, noisy(net, D)) - f * f - S * norm2(net.J())]
    return identities(f"{NAME}.everywhere", (*variables(net), D, S), gaps)


def on_the_valley(widths: tuple[int, ...], n: int) -> Claim:
    """Sigma[V, V] = s H[V, V]; with 1/(2n), Sigma = (s/n) times the Hessian of that loss."""
    net = Network(widths, n)
    D, f = net.output("D"), net.along(net.loss)
    gap = second_moment(net, D, noisy(net, D)) - S * net.curvature(net.loss)
    scaled = second_moment(net, D, noisy(net, D) / n) - S / n * net.curvature(net.loss / n)
    by = f * dot(fact(net.residual), net.J()) - S * dot(fact(net.residual) * net.X.T, net.second())
    given = [is_zero(net.residual)]
    s = setting.statement(f"{NAME}.on_the_valley", (*variables(net), D, S), map(is_zero, [gap, scaled]), given)
    return Claim(s, (vanish(gap, by), vanish(scaled, by / n**2)), valley(net, D=table(net.output("D"), 0), s=1))


def table(x: Term, value: int) -> list[list[int]]:
    rows, cols = x.node.shape
    return [[value] * int(cols) for _ in range(int(rows))]


def valley(net: Network, **more: Any) -> dict[str, Any]:
    """All layers, directions and inputs one, Y = P X."""
    width = 1
    for d in net.widths[:-1]:
        width *= int(d)
    names = {setting.name(x): table(x, 1) for x in (*net.W, *net.V, net.X)}
    return {**names, "Y": table(net.Y, width), **more}


def batches(samples: int, size: int) -> list[tuple[int, ...]]:
    """All draws of `size` samples with replacement."""
    return list(product(range(samples), repeat=size))


def chosen(batch: Sequence[int], samples: int) -> Term:
    """The matrix that picks these columns."""
    return Term(dag.const([[int(i == j) for j in batch] for i in range(samples)]))


def minibatch(widths: tuple[int, ...], size: int, rate: Fraction | None = None) -> Claim:
    """The mean over batches and labels of the squared derivative is (s/B)(H/n)[V, V] on the valley."""
    net = Network(widths, 2)
    n, D = 2, letter("D", widths[-1], size)
    count = Fraction(1, n**size)
    moment, by = term(0), term(0)
    for batch in batches(n, size):
        pick = chosen(batch, n)
        loss = norm2(net.residual * pick - D) / (2 * size)
        moment = moment + count * second_moment(net, D, loss)
        slope = dot(net.residual * pick, net.J() * pick) / size
        by = by + count * slope * dot(fact(net.residual) * pick, net.J() * pick) / size
    rate = Fraction(1, size) if rate is None else rate
    gap = moment - rate * S * net.curvature(net.loss / n)
    by = by - rate * S * dot(fact(net.residual) * net.X.T, net.second()) / n
    given = [is_zero(net.residual)]
    s = setting.statement(f"{NAME}.minibatch", (*variables(net), D, S), [is_zero(gap)], given)
    return Claim(s, (vanish(gap, by),), valley(net, D=table(D, 0), s=1))


def covariance(widths: tuple[int, ...]) -> Claim:
    """Labels R e, e of unit variance: Sigma[V, V] = <J V, R R^T J V> about the mean."""
    net = Network(widths, 1)
    D, R, f = net.output("D"), letter("R", widths[-1], widths[-1]), net.along(net.loss)
    slope = net.along(noisy(net, R * D))
    gap = mean(slope * slope, D, 1, 0, 1) - f * f - norm2(R.T * net.J())
    return identities(f"{NAME}.covariance", (*variables(net), D, R), [gap])


# -- the Lyapunov equation, for any J ------------------------------------------------------------------------------------


def lyapunov(swap: bool = False) -> Claim:
    """Q K + K Q = C gives H S + S H = J^T C J and tr(S J^T dJ) = tr(Q K dJ J^T) for S = J^T Q J."""
    J, dJ = letter("J", "m", "p"), letter("dJ", "m", "p")
    Q, C = (Term(dag.var(x, ("m", "m"), symmetric=True)) for x in "QC")
    K, H, given = J * J.T, J.T * J, Q * (J * J.T) + (J * J.T) * Q - C
    X = J.T * Q * J
    gaps = [H * X + X * H - J.T * C * J, trace(X * J.T * dJ) - trace((K * Q if swap else Q * K) * dJ * J.T)]
    s = setting.statement(f"{NAME}.lyapunov", (J, dJ, Q, C), map(is_zero, gaps), [is_zero(given)])
    point = {"J": [[1]], "dJ": [[1]], "Q": [[1]], "C": [[2]]}
    return Claim(s, (vanish(gaps[0], J.T * fact(given) * J), vanish(gaps[1])), point, {"m": 1, "p": 1})


def white_labels() -> Claim:
    """C = s I: with K R = I and Q = (s/2) R the drift is (s/4) d Tr J J^T."""
    J, dJ, R = letter("J", "m", "p"), letter("dJ", "m", "p"), Term(dag.var("R", ("m", "m"), symmetric=True))
    K, inverse = J * J.T, R * (J * J.T) - eye("m")
    change = dot(setting.grad(norm2(J), J), dJ)
    gap = S / 2 * trace(R * K * dJ * J.T) - S / 4 * change
    s = setting.statement(f"{NAME}.white_labels", (J, dJ, R, S), [is_zero(gap)], [is_zero(inverse)])
    point = {"J": [[1]], "dJ": [[1]], "R": [[1]], "s": 1}
    return Claim(s, (vanish(gap, S / 2 * trace(fact(inverse) * dJ * J.T)),), point, {"m": 1, "p": 1})


def only_white() -> Claim:
    """J onto and J^T C J = c J^T J give C = c I."""
    J, R, C, c = letter("J", "m", "p"), letter("R", "p", "m"), Term(dag.var("C", ("m", "m"), symmetric=True)), scalar("c")
    onto, equal = J * R - eye("m"), J.T * C * J - c * J.T * J
    gap = C - c * eye("m")
    one = fact(onto)
    by = R.T * fact(equal) * R - one.T * (C - c * eye("m")) * J * R - (C - c * eye("m")) * one
    s = setting.statement(f"{NAME}.only_white", (J, R, C, c), [is_zero(gap)], map(is_zero, [onto, equal]))
    return Claim(s, (vanish(gap, by),), {"J": [[1]], "R": [[1]], "C": [[2]], "c": 2}, {"m": 1, "p": 1})


def interpolation(depth: int) -> Claim:
    """1/2 |(P X - Y) S|^2 has no gradient on P X = Y, for every choice S (n x B) of samples and weights."""
    net = Network(widths_of(depth))
    pick = letter("S", "n", "B")
    gaps = net.gradient(norm2(net.residual * pick) / 2)
    known = net.JT(fact(net.residual) * pick * pick.T)
    s = setting.statement(f"{NAME}.interpolation", (*net.W, *net.data, pick), map(is_zero, gaps), [is_zero(net.residual)])
    point = {k: v for k, v in ones(depth, S=[[1]]).items() if k[0] != "V"}
    return Claim(s, tuple(map(vanish, gaps, known)), point, {**sizes(depth), "B": 1})


def claims() -> Iterator[Claim]:
    yield from (f(n) for f in (gradient_noise, interpolation) for n in range(2, 5))
    yield from (wick(*s) for s in ((1, 1), (2, 2), (3, 3)))
    yield from (f(*s) for f in (everywhere, on_the_valley) for s in SIZED)
    yield from (minibatch(widths, size) for widths in ((1, 1, 1), (1, 2, 1), (1, 1, 2)) for size in (1, 2))
    yield from (covariance((1, 1, 2)), covariance((2, 1, 2)), lyapunov(), white_labels(), only_white())


# -- limits --------------------------------------------------------------------------------------------------------------


def off_the_valley() -> Statement:
    net = Network((1, 1, 1), 1)
    gap = S * norm2(net.J()) - S * net.curvature(net.loss)
    return setting.statement(f"{NAME}: s J^T J = s H off the valley", (*variables(net), S), [is_zero(gap)])


def proportional(net: Network, sigma: Any, given: Sequence[Any], words: str) -> Statement:
    """Sigma[V, V] H[U, U] = Sigma[U, U] H[V, V]."""
    U = net.letters("U")
    gap = sigma(net.V) * net.curvature(net.loss, U) - sigma(U) * net.curvature(net.loss)
    return setting.statement(f"{NAME}: {words}", (*variables(net), *U), [is_zero(gap)], given)


def plain() -> Statement:
    """Sigma of single samples, (1/n) sum g_i g_i^T, at a minimum with a residual."""
    net = Network((1, 1, 2), 2)
    parts = [norm2(net.residual * chosen([i], 2)) / 2 for i in range(2)]
    return proportional(
        net,
        lambda V: total(net.along(f, V) * net.along(f, V) for f in parts) / 2,
        [is_zero(net.slope)],
        "the noise of plain SGD is a multiple of H",
    )


def one_output() -> Statement:
    """Labels of which the second output alone is noisy."""
    net, second = Network((1, 1, 2), 1), Term(dag.const([[0, 1]]))
    given = [is_zero(net.residual)]
    return proportional(net, lambda V: norm2(second * net.J(V)), given, "noise on one output is a multiple of H")


def decreasing() -> Statement:
    """One step of SGD without label noise decreases the trace, at a point of the valley that is not balanced."""
    net = Network((1, 1, 1), 1)
    moved = [w - g for w, g in zip(net.W, net.gradient(net.loss), strict=True)]
    after = (moved[1] * net.X) * (moved[1] * net.X).T + (moved[0] * net.X) * (moved[0] * net.X).T
    given = [is_zero(net.residual), setting.positive(norm2(net.imbalance(1)))]
    gap = net.trace - trace(after)
    return setting.statement(f"{NAME}: SGD decreases the trace", (*net.W, *net.data), [setting.positive(gap)], given)


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("P X = Y, for Sigma = s H", off_the_valley(), {**ones(2, s=1), "Y": [[0]], "V2": [[-1]]})
    net = {"W1": [[1]], "W2": [[1], [0]], "V1": [[0]], "V2": [[0], [1]], "U1": [[1]], "U2": [[0], [0]]}
    yield Counterexample("label noise, not the residual, is the noise", plain(), {**net, "X": [[1, 1]], "Y": [[1, 1], [1, -1]]})
    yield Counterexample("equal noise on all outputs (C = s I)", one_output(), {**net, "X": [[1]], "Y": [[1], [0]]})
    still = {"W1": [[1]], "W2": [[2]], "X": [[1]], "Y": [[2]]}
    yield Counterexample("label noise, for a decreasing trace", decreasing(), still)


def variants() -> Iterator[Statement]:
    net = Network((1, 2, 1), 2)
    D = net.output("D")
    names = (*variables(net), D, S)
    exact, given = second_moment(net, D, noisy(net, D)), [is_zero(net.residual)]
    bend = net.curvature(net.loss)
    wrong = {
        "half the variance": exact - S / 2 * bend,
        "the variance squared": exact - S * S * bend,
        "no label noise": exact,
        "the Hessian squared": exact - S * bend * bend,
        "loss 1/(2n) with the same constant": second_moment(net, D, noisy(net, D) / 2) - S * net.curvature(net.loss / 2),
        "the identity": exact - S * total(map(norm2, net.V)),
    }
    yield from (setting.statement(f"{NAME}: {words}", names, [is_zero(x)], given) for words, x in wrong.items())
    for rate, words in ((Fraction(1), "the batch size left out"), (Fraction(1, 4), "the batch size squared")):
        s = minibatch((1, 1, 1), 2, rate).statement
        yield Terms(f"{NAME}: {words}", s.variables, s.given, s.then)
    s = lyapunov(swap=True).statement
    yield Terms(f"{NAME}: K Q in place of Q K", s.variables, s.given, s.then, {"m": 2, "p": 2})
    yield from (off_the_valley(), plain(), one_output(), decreasing())


@cache
def _sized(widths: tuple[int, ...]) -> tuple[Network, Statement]:
    net = Network(widths, 3)
    D = net.output("D")
    gap = net.along(noisy(net, D)) - net.along(net.loss) + dot(D, net.J())
    return net, setting.statement(f"{NAME}.gradient_noise", (*variables(net), D), [is_zero(gap)])


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random layers, directions, data and label noise."""
    net, s = _sized(tuple(widths))
    return Instance(s, net.draw(draw, net.Y, net.output("D"), *net.V))


NOTE = (
    "That SGD decreases the trace of the Hessian needs fresh label noise, or a residual: on an interpolating valley plain "
    "minibatch SGD has Sigma = 0 and does not move (w = (1, 2), x = 1, y = 2). It needs Sigma to be a multiple of H as "
    "well: noise on one output, or the residual noise of plain SGD, is none."
)

THEOREM = Theorem(
    name=NAME,
    sheet="H7",
    title="The covariance of the gradient noise",
    form="identity",
    source=f"own derivation and classical; for the noise of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (2, 2, 1, 2)),
    supported_at=((16, 20, 12), (8, 10, 6, 7)),
    note=NOTE,
)
