r"""Path lemma: noise in the hidden neurons costs at least the factor kappa.

Setting: the second moment E f^2 of a deep linear network with stochastic hidden neurons (see `noise_averaged_loss`), v = P^T
its mean predictor, v_J the part of v that the paths through the nodes J carry, |z|_A^2 = z^T A z.

Hypotheses: s_i >= 0, A positive semidefinite.

Conclusion:
\[ E f^2 - \kappa |v|_A^2 = \sum_{S \ne \emptyset} \Big(\prod_{i \in S} \frac{s_i}{d_i}\Big) \sum_{J < J'} |v_J - v_{J'}|_A^2
   \;\ge\; 0, \qquad \kappa = \prod_i \Big(1 + \frac{s_i}{d_i}\Big), \]
with equality, where all s_i > 0, if and only if all v_J on each S agree in the seminorm of A.

Form: inequality for all weights, with explicit squares; equality case: iff.

Scope of proof: the squares at hidden widths (2), (3), (2,2), (3,2), (2,1,2), (2,2,2), with a variance for each layer; the
equality case at hidden widths (2), (3), (2,2). The inequality at all widths, depths 2 to 5, with d_i written as |e_i|^2.

Why: |sum_j v_j|^2 <= d sum_j |v_j|^2 in each layer. At all widths put e_i = (1, ..., 1), so that diag(u_i e_i^T) e_i = u_i for
u_i^T = W_N ... W_{i+1}; with Z = W_i^T diag(u_i e_i^T) the squares are |e_i|^2 Z - Z e_i e_i^T, from the output to the input.
Any e_i with entries +1 or -1 on the neurons with u_i != 0 will do: only active neurons count.

Sharpness: s_i >= 0 and A >= 0 are needed, and e_i must be +1 or -1 wherever u_i is not 0.

Source: own derivation, for the network of arXiv:2202.04777.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, MatrixSymbol, Mul, Rational, Trace

from theory.certificates import Step, prove, vanishes
from theory.expressions import Congruence, DiagonalPart, known, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.paths import Layers, differences, layer_sets, variance
from theory.theorems.minima.setting import Setting, Width, chain, widths_of

NAME = "minima.path_lemma"
HIDDEN = ((2,), (3,), (2, 2), (3, 2), (2, 1, 2), (2, 2, 2))
EQUALITY = ((2, 2, 1), (2, 3, 1), (1, 2, 2, 1))


def _variables(net: Setting) -> tuple[Any, ...]:
    return *net.layers, net.A, *net.noise


def _signs(net: Setting) -> tuple[Condition, ...]:
    return *map(at_least, net.noise), at_least(net.A)


def _predictor_energy(net: Setting) -> Expr:
    """|v|_A^2."""
    return quadratic(net.A, net.product.T)


def slack(net: Setting, kappa: Expr) -> Expr:
    """E f^2 - kappa |v|_A^2."""
    return net.second_moment - kappa * _predictor_energy(net)


# -- given sizes: explicit squares --------------------------------------------------------------------------------------


def _nonempty(net: Setting) -> list[Layers]:
    return [S for S in layer_sets(net) if S]


def _weight(net: Setting, S: Layers) -> Expr:
    """prod_{i in S} s_i / d_i, citing s_i >= 0."""
    return Mul(*(known(net.noise[i - 1]) * Rational(1, int(net.widths[i])) for i in S))


def _squares(net: Setting) -> Expr:
    """The sum over S and J < J', citing that A is positive semidefinite."""
    A = known(net.A)
    return sum(_weight(net, S) * Trace(Congruence(A, x.T)) for S in _nonempty(net) for x in differences(net, S))


def inequality(net: Setting) -> Statement:
    return Statement(NAME, _variables(net), _signs(net), (at_least(slack(net, net.kappa)),))


def at_widths(widths: tuple[Width, ...]) -> Claim:
    net = Setting(widths)
    return Claim(inequality(net), (prove(">=", slack(net, net.kappa), _squares(net)),), _ones(net))


def _ones(net: Setting) -> dict[str, Any]:
    """All entries of the layers 1, A the identity, all variances 1."""
    table = {W.name: [[1] * int(W.shape[1])] * int(W.shape[0]) for W in net.layers}
    d = int(net.widths[0])
    return table | {"A": [[int(i == j) for j in range(d)] for i in range(d)]} | {s.name: 1 for s in net.noise}


# -- equality -----------------------------------------------------------------------------------------------------------


def _energies(net: Setting) -> list[Expr]:
    """|v_J - v_J'|_A^2 for all S and J < J'."""
    return [_energy(net, x) for S in _nonempty(net) for x in differences(net, S)]


def _energy(net: Setting, x: Expr) -> Expr:
    """|x|_A^2 of a row."""
    return Trace(chain(x, net.A, x.T))


def equality(widths: tuple[Width, ...]) -> Claim:
    """All s_i > 0 and E f^2 = kappa |v|_A^2: every difference v_J - v_J' has zero energy."""
    net = Setting(widths)
    rest = slack(net, net.kappa)
    given = (*map(greater, net.noise), at_least(net.A), equal(rest))
    steps = [step for S in _nonempty(net) for x in differences(net, S) for step in _no_energy(net, S, x, rest)]
    s = Statement(f"{NAME}.equality", _variables(net), given, tuple(map(equal, _energies(net))))
    return Claim(s, tuple(steps), _ones(net))


def _no_energy(net: Setting, S: Layers, x: Expr, rest: Expr) -> Iterator[Step]:
    """The other squares bound this one from above by 0, so it is 0."""
    q, A = _energy(net, x), known(net.A)
    others = [(R, y) for R in _nonempty(net) for y in differences(net, R) if (R, y) != (S, x)]
    bound = sum((_weight(net, R) * Trace(Congruence(A, y.T)) for R, y in others), -known(rest))
    yield prove(">=", -q, bound, times=_weight(net, S))
    yield prove(">=", q, Trace(Congruence(A, x.T)))
    yield vanishes(q, known(q) * known(-q))


def equality_if(widths: tuple[Width, ...]) -> Claim:
    """Every difference has zero energy: E f^2 = kappa |v|_A^2, whatever the variances."""
    net = Setting(widths)
    pairs = [(S, _energy(net, x)) for S in _nonempty(net) for x in differences(net, S)]
    scales = {S: Mul(*(Rational(1, int(net.widths[i])) for i in S)) for S, _ in pairs}
    by = sum(variance(net, S) * scales[S] * known(q) for S, q in pairs)
    rest = slack(net, net.kappa)
    s = Statement(f"{NAME}.equality_if", _variables(net), tuple(equal(q) for _, q in pairs), (equal(rest),))
    return Claim(s, (prove("==", rest, by),), _ones(net))


# -- all widths ---------------------------------------------------------------------------------------------------------


class _AllWidths:
    """The inequality from the output to the input: F_i = u_i^T B_i u_i, so that F_{N-1} = E f^2 and F_0 = |v|_A^2."""

    def __init__(self, net: Setting) -> None:
        self.net = net
        self.e = [MatrixSymbol(f"e{i}", net.dim(i), 1) for i in range(1, net.depth)]
        self.F = [Trace(u * B * u.T) for u, B in zip(net.heads, net.carried, strict=True)]
        self.turned = [DiagonalPart(e * u) for e, u in zip(self.e, net.heads[1:], strict=True)]
        self.defects = [D * e - u.T for D, e, u in zip(self.turned, self.e, net.heads[1:], strict=True)]
        self.visible = self._visible()

    def _visible(self) -> list[Expr]:
        """B_0, ..., B_{N-1} in a form whose sign can be seen."""
        out: list[Expr] = [known(self.net.A)]
        for W, s in zip(self.net.layers[:-1], self.net.noise, strict=True):
            M = Congruence(out[-1], W.T)
            out.append(M + known(s) * DiagonalPart(M))
        return out

    def moment(self, i: int) -> Expr:
        """M_i."""
        W = self.net.layers[i - 1]
        return W * self.net.carried[i - 1] * W.T

    def gap(self, i: int) -> Expr:
        """|e_i|^2 u_i^T diag(M_i) u_i - F_{i-1}: the inequality of Cauchy and Schwarz in layer i."""
        u = self.net.heads[i]
        return norm2(self.e[i - 1]) * Trace(u * DiagonalPart(self.moment(i)) * u.T) - self.F[i - 1]

    def layer(self, i: int) -> Step:
        """|e|^2 gap = | |e|^2 Z - Z e e^T |_B^2, Z = W_i^T diag(u e^T), up to multiples of diag(u e^T) e - u = 0."""
        e, D, zero, M = self.e[i - 1], self.turned[i - 1], known(self.defects[i - 1]), self.moment(i)
        u, Z, Q, width = self.net.heads[i], self.net.layers[i - 1].T * D, DiagonalPart(M), norm2(e)
        square = Trace(Congruence(self.visible[i - 1], width * Z - Z * e * e.T))
        of_q, of_m = (-Trace(zero.T * K * D * e) - Trace(u * K * zero) for K in (Q, M))
        zeros = width**2 * (Trace(M * D * DiagonalPart(zero * e.T)) + of_q) - width * of_m
        return prove(">=", self.gap(i), square + zeros, times=known(width))

    def widths(self, low: int, high: int, noise: Sequence[Any]) -> Expr:
        """The product over low <= i < high of |e_i|^2 + noise_i."""
        return Mul(*(norm2(self.e[i - 1]) + noise[i - 1] for i in range(low, high)))

    def conclusion(self) -> Expr:
        """prod |e_i|^2 E f^2 - prod (|e_i|^2 + s_i) |v|_A^2."""
        N = self.net.depth
        return self.widths(1, N, [0] * N) * self.F[-1] - self.widths(1, N, self.net.noise) * self.F[0]

    def total(self) -> Step:
        """|e_i|^2 F_i - (|e_i|^2 + s_i) F_{i-1} = s_i gap_i, summed with positive weights."""
        N, s = self.net.depth, [known(x) for x in self.net.noise]
        width = [known(norm2(e)) for e in self.e]
        weight = [Mul(*width[: i - 1], *(a + b for a, b in zip(width[i:], s[i:], strict=True)), s[i - 1]) for i in range(1, N)]
        return prove(">=", self.conclusion(), sum(c * known(self.gap(i)) for i, c in enumerate(weight, 1)))


def at_all_widths(depth: int) -> Claim:
    """For e_i with diag(u_i e_i^T) e_i = u_i, as all ones: prod |e_i|^2 E f^2 >= prod (|e_i|^2 + s_i) |v|_A^2."""
    net = Setting(widths_of(depth))
    proof = _AllWidths(net)
    given = (*_signs(net), *map(equal, proof.defects), *(greater(norm2(e)) for e in proof.e))
    s = Statement(f"{NAME}.all_widths", (*_variables(net), *proof.e), given, (at_least(proof.conclusion()),))
    sizes = {f"d{i}": 2 for i in range(depth)}
    witness = _ones(Setting((*[2] * depth, 1))) | {e.name: [[1], [1]] for e in proof.e}
    return Claim(s, (*(proof.layer(i) for i in range(1, depth)), proof.total()), witness, sizes)


# -- the theorem --------------------------------------------------------------------------------------------------------


def claims() -> Iterator[Claim]:
    yield from (at_all_widths(n) for n in range(2, 6))
    yield from (at_widths((1 if len(h) > 2 else 2, *h, 1)) for h in HIDDEN)
    yield from (f(w) for f in (equality, equality_if) for w in EQUALITY)


def sharpness() -> Iterator[Counterexample]:
    net = Setting((1, 2, 1))
    s = inequality(net)
    at = {"W1": [[1], [0]], "W2": [[1, 0]], "A": [[1]], "s1": 1}
    noisy, psd = map(at_least, (*net.noise, net.A))
    yield Counterexample("s_i >= 0", replace(s, given=(psd,)), at | {"s1": -1})
    yield Counterexample("A positive semidefinite", replace(s, given=(noisy,)), at | {"A": [[-1]]})
    proof = _AllWidths(net)
    given = (*s.given, greater(norm2(proof.e[0])))
    free = Statement(f"{NAME}.all_widths", (*s.variables, *proof.e), given, (at_least(proof.conclusion()),))
    one = at | {"W1": [[1], [1]], "W2": [[1, 1]], "e1": [[1], [0]]}
    yield Counterexample("e_i is +1 or -1 on the active neurons", free, one)


def variants() -> Iterator[Statement]:
    net, deep = Setting((1, 2, 1)), Setting((1, 2, 1, 1))
    s1, s2 = deep.noise
    v = _predictor_energy(net)
    factors = {
        "the full variance": 1 + net.noise[0],
        "the square of kappa": net.kappa**2,
        "any larger constant": net.kappa + Rational(1, 1000),
    }
    for words, kappa in factors.items():
        yield replace(inequality(net), name=f"{NAME}: {words}", then=(at_least(slack(net, kappa)),))
    conclusions = {
        "strict": greater(slack(net, net.kappa)),
        "reversed": at_least(-slack(net, net.kappa)),
        "always equal": equal(slack(net, net.kappa)),
        "an upper bound with the full variance": at_least((1 + net.noise[0]) * v - net.second_moment),
        "without the second moments of the data": at_least(net.second_moment - net.kappa * norm2(net.product)),
    }
    for words, then in conclusions.items():
        yield replace(inequality(net), name=f"{NAME}: {words}", then=(then,))
    swapped = (1 + s1) * (1 + s2 / 2)
    yield replace(inequality(deep), name=f"{NAME}: widths exchanged", then=(at_least(slack(deep, swapped)),))
    for words, drop in (("variances of any sign", net.noise[0]), ("any symmetric A", net.A)):
        kept = tuple(c for c in _signs(net) if c.expression != drop)
        yield replace(inequality(net), name=f"{NAME}: {words}", given=kept)
    W, U = net.layers
    given = (*map(greater, net.noise), greater(net.A[0, 0]), equal(slack(net, net.kappa)))
    yield Statement(f"{NAME}: equality makes the rows of W equal", _variables(net), given, (equal(W[0, 0] - W[1, 0]),))
    yield Statement(f"{NAME}: equality makes U constant", _variables(net), given, (equal(U[0, 0] - U[0, 1]),))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """The inequality at random weights, variances and second moments."""
    net = Setting(tuple(widths))
    values = net.draw(draw)
    return Instance(inequality(net), {v.name: values[v.name] for v in _variables(net)})


THEOREM = Theorem(
    name=NAME,
    sheet="B2",
    title="Path lemma",
    form="inequality with squares; equality case: iff",
    source="own derivation, for the network of arXiv:2202.04777",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 1), (3, 4, 2, 1), (2, 3, 2, 3, 1)),
    supported_at=((10, 40, 1), (20, 30, 25, 1), (8, 12, 10, 9, 1)),
)
