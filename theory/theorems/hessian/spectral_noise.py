r"""Noise that is a function of the Hessian slides down a spectral potential: the trace, log pdet, Tr H^2, ...

Setting: the valley M of global minimisers of the squared loss, H = Hess L = J^T J there with eigenvalues lambda_k; grad_M, the
gradient along M; c > 0.

Hypotheses: a regular point of M (rank J constant on M nearby); Sigma = c phi(H) with phi(0) = 0, so that Sigma lives on range
H.

Conclusion:
\[ \tfrac12 d^2\Phi[\Sigma] = -\tfrac c4\, \nabla_M \sum_{\lambda_k > 0} \psi(\lambda_k) , \qquad \psi'(\lambda) =
   \phi(\lambda)/\lambda : \]
Sigma = c H: -(c/4) grad_M Tr H; Sigma = c P_N: -(c/4) grad_M log pdet H; Sigma = c H^2: -(c/8) grad_M Tr H^2; Sigma = c e_k
e_k^T for a simple eigenvalue: -(c/4) grad_M log lambda_k. Hence along the effective flow (`hessian.effective_flow`) the
potential decreases: d/dt sum psi = -(c/4) |grad_M sum psi|^2.

Form: identities; put together in words.

Scope of proof: all widths, depths 2 and 3, in the steps that need the network: nabla^3 L vanishes on three tangent vectors,
and for an eigenvector e along any curve in M (its first derivative e' a variable, lambda' that of the eigenvalue) lambda'
|e|^2 = D^3 L[e, e, v]. With the drift -1/2 P_T nabla^3 L[S], H S + S H = Sigma (`hessian.flow_limit`) and an orthonormal
eigenbasis with derivatives along the curve, which are used as known, this is the identity for every phi: an argument in words
(repeated eigenvalues by continuity). In full, from the equations of Phi: two scalars, phi =
lambda, 1, lambda^2. From the drift, with S checked: the net f = (w v_1, w v_2), whose H has two eigenvalues, for phi =
lambda, 1, lambda^2. Other networks: an experiment.

Why: S = phi(H) H^+ / 2 commutes with H, and <e_k, (d_v H) e_k> is the derivative of lambda_k.

Sharpness: Sigma must be a function of H: for Sigma = c e_1 e_1^T, which commutes with H and lives on range H, the trace goes up
(`hessian.misaligned_noise`). On range H: noise along M adds -1/2 H^+ nabla^3 L[Sigma_TT]; on the valley.

Source: the trace and the determinant are the subject of arXiv:1910.00195; the general form and the proof are our own, on the
formula of arXiv:2110.06914.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from theory import terms
from theory.certificates import Step
from theory.statement import Statement
from theory.terms import Term, fact, step
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.hessian import one_one_two as net3
from theory.theorems.hessian.coordinates import NORMAL, PAIR, TANGENT, W1, W2, T, Y, combined, dot, entries, matmul, scalars
from theory.theorems.hessian.flow_limit import A, B, Jets, cubic
from theory.theorems.hessian.misaligned_noise import falsehoods
from theory.theorems.hessian.setting import Network, is_zero, positive, statement, total, widths_of

NAME = "hessian.spectral_noise"
SOURCE = "arXiv:1910.00195, arXiv:2110.06914"
C, ROOT = scalars("c s")


# -- all widths ---------------------------------------------------------------------------------------------------------


def tangent_block(depth: int) -> Claim:
    """D^3 L[V, V, U] = 0 where J V = J U = 0."""
    net = Network(widths_of(depth))
    U, V = net.letters("U"), net.letters("V")
    claimed = net.along(net.curvature(net.loss, V), U)
    both = tuple(x + y for x, y in zip(U, V, strict=True))
    mixed = net.second(both) - net.second(U) - net.second(V)
    by = terms.dot(fact(net.J(U)), net.second(V) * net.X) + terms.dot(fact(net.J(V)), mixed * net.X)
    by = by + terms.dot(fact(net.slope), cubic(V, U))
    variables = (*net.W, *net.data, *U, *V)
    given = map(is_zero, (net.slope, net.J(U), net.J(V)))
    s = statement(f"{NAME}.tangent_block", variables, [is_zero(claimed)], given)
    return Claim(s, (step("==", claimed, by),), *ones(net, variables, "UV"))


def ones(net: Network, variables: Sequence[Term], letters: str) -> tuple[dict[str, Any], dict[str, int]]:
    """A witness at widths 1: the layers, the label, the eigenvalue and these letters are 0, all else 1."""
    names = [str(x.node.data[0]) for x in variables]
    point: dict[str, Any] = {n: [[int(n[0] not in f"WY{letters}")]] for n in names} | {n: 0 for n in names if n[0] == "l"}
    return point, {str(d): 1 for d in (*net.widths, net.samples)}


def eigenvalue(depth: int) -> Claim:
    """H e = l e, and along a curve with velocity V (d_V H) e + H e' = l' e + l e': then l' |e|^2 = D^3 L[e, e, V]."""
    net, (size, rate) = Network(widths_of(depth)), scalars("l l1")
    V, e, e1 = (net.letters(x) for x in ("V", "E", "F"))
    moved = net.gradient(net.along(net.along(net.loss, e), V))
    eigen = tuple(h - size * x for h, x in zip(net.hessian(e), e, strict=True))
    derived = tuple(m + h - rate * x - size * z for m, h, x, z in zip(moved, net.hessian(e1), e, e1, strict=True))
    claimed = net.along(net.curvature(net.loss, e), V) - rate * total(terms.dot(x, x) for x in e)
    by = total(terms.dot(x, fact(z)) - terms.dot(y, fact(h)) for x, y, z, h in zip(e, e1, derived, eigen, strict=True))
    variables = (*net.W, *net.data, *V, *e, *e1, size, rate)
    s = statement(f"{NAME}.eigenvalue", variables, [is_zero(claimed)], map(is_zero, (*eigen, *derived)))
    return Claim(s, (step("==", claimed, by),), *ones(net, variables, "VF"))


# -- two scalars, from the equations of Phi -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Noise along v = s g, so that Sigma = s^2 g g^T = c phi(H): `link` says it; `power` and `slope` give the potential:
    4 T^power b + c t <t, slope> is zero."""

    name: str
    link: Term
    power: int
    slope: tuple[Term, ...]
    noise: Any

    @property
    def jets(self) -> Jets:
        return Jets(v=tuple(ROOT * g for g in NORMAL))

    @property
    def claimed(self) -> tuple[Term, ...]:
        along = dot(TANGENT, self.slope)
        return tuple(4 * T**self.power * b + C * t * along for b, t in zip(B, TANGENT, strict=True))

    def statement(self) -> Statement:
        given = (*map(is_zero, (*self.jets.zeros, self.link)), positive(T))
        return statement(f"{NAME}.two_scalars.{self.name}", (W1, W2, Y, C, ROOT, *A, *B), map(is_zero, self.claimed), given)

    def steps(self) -> Iterator[Step]:
        """T^4 b = -1/2 t (w_2^2 - w_1^2) s^2 T^3."""
        f = self.jets
        yield from (*f.slope_steps(), *f.bend_steps())
        for x, bend, t in zip(self.claimed, f.bends(), TANGENT, strict=True):
            left = 2 * T**4 * t * (W2**2 - W1**2) * fact(self.link)
            yield step("==", x, 4 * T**self.power * fact(bend) - left, fact(T) ** 4)

    def claim(self) -> Claim:
        point = {"w1": 1, "w2": 2, "y": 2, "c": self.noise, "s": 1, "a1": 0, "a2": 0, "b1": "3/10", "b2": "-3/5"}
        return Claim(self.statement(), tuple(self.steps()), point)


H2 = PAIR.hessian
TRACE = tuple(PAIR.gradient(H2[0][0] + H2[1][1]))
SQUARES = tuple(x / 2 for x in PAIR.gradient(sum((x**2 for x in entries(H2)), 0 * C)))
PAIRS = (
    Pair("trace", ROOT**2 - C, 1, TRACE, 1),
    Pair("log_determinant", T * ROOT**2 - C, 2, TRACE, 5),
    Pair("square", ROOT**2 - C * T, 1, SQUARES, Fraction(1, 5)),
)


# -- two eigenvalues, from the drift ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spectral:
    """`scale` S = (c / 2)(p e_1 e_1^T + q n n^T), `scale` phi(H) = `noise`; `slope` = `scale` <t, grad sum psi>."""

    name: str
    p: Any
    q: Any
    noise: Any
    slope: Term

    def zeros(self) -> list[Term]:
        """<t, nabla^3 L[S]> = (c / 2) <t, grad sum psi>, and H S + S H = c phi(H)."""
        H, S = net3.NET.hessian, combined((self.p, net3.EE), (self.q, net3.NN))
        both = combined((1, matmul(H, S)), (1, matmul(S, H)), (-2, self.noise))
        return [net3.turning(S) - self.slope, *entries(both)]

    def claim(self) -> Claim:
        variables = (net3.W, net3.V1, net3.V2, net3.Y)
        s = statement(f"{NAME}.two_eigenvalues.{self.name}", variables, map(is_zero, self.zeros()), net3.VALLEY[:2])
        return Claim(s, None, {"w": 1, "v1": 2, "v2": 0, "Y": 2})


H3, LOW, HIGH = net3.NET.hessian, net3.LOW, net3.HIGH
NORMAL_SPACE = combined((LOW * HIGH**2, net3.EE), (LOW * HIGH, net3.NN))
SPECTRA = (
    Spectral("trace", HIGH, 1, combined((HIGH, H3)), HIGH * net3.trace_slope()),
    Spectral("log_determinant", HIGH**2, LOW, NORMAL_SPACE, HIGH * net3.pdet_slope()),
    Spectral("square", LOW, 1, matmul(H3, H3), net3.square_slope() / 2),
)


def claims() -> Iterator[Claim]:
    for depth in (2, 3):
        yield tangent_block(depth)
        yield eigenvalue(depth)
    yield from (x.claim() for x in PAIRS)
    yield from (x.claim() for x in SPECTRA)


# -- sharpness and false variants ---------------------------------------------------------------------------------------


def along_the_valley() -> Statement:
    """The drift is tangent, for any noise."""
    given = [*map(is_zero, Jets().zeros), positive(T)]
    return statement(f"{NAME}: noise along the valley", (W1, W2, *Jets().v, *A, *B), [is_zero(dot(NORMAL, B))], given)


BENT = {"w1": 1, "w2": 1, "v1": -1, "v2": 1, "a1": -1, "a2": 1, "b1": "1/2", "b2": "1/2"}


def sharpness() -> Iterator[Counterexample]:
    _, s, point = falsehoods()[2]
    yield Counterexample("Sigma a function of H", replace(s, name=f"{NAME}: any noise that commutes with H"), point)
    yield Counterexample("Sigma on range H", along_the_valley(), BENT)


def variants() -> Iterator[Statement]:
    yield from (c.statement for c in sharpness())
    trace, log, square = PAIRS
    wrong = {
        "c/2 for c/4 of the trace": replace(trace, slope=tuple(2 * x for x in TRACE)),
        "the trace for the log-determinant": replace(log, power=1),
        "the log-determinant for the trace": replace(trace, power=2),
        "c/4 for c/8 of the square": replace(square, slope=tuple(2 * x for x in SQUARES)),
        "uphill": replace(trace, slope=tuple(-x for x in TRACE)),
    }
    yield from (replace(x.statement(), name=f"{NAME}: {words}") for words, x in wrong.items())
    one, two, three = SPECTRA
    others = {
        "two eigenvalues, the sum of squares for the trace": replace(one, slope=HIGH * net3.square_slope()),
        "two eigenvalues, the trace for the log-determinant": replace(two, slope=LOW * HIGH**2 * net3.trace_slope()),
        "two eigenvalues, S and Sigma confused": replace(one, p=LOW, q=1),
        "two eigenvalues, twice the square": replace(three, slope=net3.square_slope()),
    }
    yield from (replace(x.claim().statement, name=f"{NAME}: {words}") for words, x in others.items())


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Noise in proportion to H: a = 0, and b from its equations."""
    env = {"w1": draw.scalar(), "w2": draw.scalar(), "s": draw.scalar()}
    env |= {"a1": 0 * env["w1"], "a2": 0 * env["w1"], "c": draw.value((ROOT**2).node, env)}
    env["y"] = draw.value((W1 * W2).node, env)
    push = (W1**2 - W2**2) * ROOT**2 / 2
    env["b1"] = draw.solve(T.node, (-W1 * push).node, env)
    env["b2"] = draw.solve(T.node, (W2 * push).node, env)
    return Instance(PAIRS[0].statement(), env)


THEOREM = Theorem(
    name=NAME,
    sheet="H5",
    title="Noise that is a function of the Hessian descends a spectral potential: its steps, and two small networks",
    form="identities; put together in words",
    source=SOURCE,
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1),),
    supported_at=((1, 1, 1),),
    note=(
        'That "SGD on average decreases the trace of the Hessian" and that "isotropic noise in the non-degenerate subspace '
        'of the Hessian decreases its determinant" hold for Sigma = c H resp. Sigma = c P_N on a regular valley, where rank '
        "H is constant (the determinant is the product of the nonzero eigenvalues), as eta -> 0 in the slow time "
        "t = k eta^2. Other noise on range H can do the opposite: Sigma = c e_1 e_1^T with H e_1 = lambda_1 e_1 increases "
        "the trace in hessian.misaligned_noise."
    ),
)
