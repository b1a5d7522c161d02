r"""All stationary points: without noise at every depth, with noise for one hidden layer; what a dead neuron means.

Setting: the loss L of a deep linear network with weight decay and stochastic hidden neurons (see `noise_averaged_loss`); D =
    N - 1 hidden layers, u_k = W_N ... W_{k+1}, v = (W_N ... W_1)^T, Gamma = gamma_1 ... gamma_N, b = gamma_N |W_N|^2.
Hypotheses: gamma_i > 0, A positive semidefinite; consistent moments A p = g where noise is concerned.
Conclusion: (a) No noise, any D >= 1: a stationary point with W_N != 0 has
    \[ |u_k|^2 W_k = u_k^T u_{k-1}, \quad \gamma_i |W_i|^2 = b, \quad b^D (A v - g) + \Gamma v = 0, \quad b^N = \Gamma |v|^2,
       \quad L = Y + D b - v \cdot g, \]
    so that it is a rotated member of the families of `all_minimisers`, at lambda = Gamma / b^D with F(lambda) = Gamma; with
    W_N = 0 it is 0. Conversely all these are stationary (`all_minimisers`).
    (b) One hidden layer with noise s > 0: a neuron with output weight 0 has row 0; any two active neurons are equal up to
    the sign of (output weight, row); with k of them (s + k) x^2 takes the place of (s + d_1) x^2 in the scalar equation, the
    active part is the minimiser at width k, and |g|^2 > gamma_1 gamma_2. Each neuron that is zero adds one negative
    direction, so that k of d_1 active neurons have Morse index d_1 - k.
    (c) Noise in layer i: at a stationary point where a neuron of layer i is dead, splitting another neuron j off into it
    along Z gives \(L(\theta + \tau Z) = L - 2 \tau^2 s_i S_{jj} M_{jj} + \tau^4 (1 + s_i) S_{jj} M_{jj}\), with M_jj >= |row
    j|_A^2 and S_jj >= (u_i)_j^2; and |v|_A > 0 unless the point is 0, so that some S_jj M_jj > 0: a strict saddle.
    (d) CONJECTURE, only sampled: with noise and D >= 2 every local minimum has its value in {Y} or Y + psi at local minima
    of psi.
Form: implications; an identity; a conjecture.
Scope of proof: (a) all widths, depths 2, 3 and 4. (b) all input widths, any number of neurons: a claim about any two neurons
    and one about k equal ones; what a neuron that is zero adds, at all widths. (c) widths (2,2,1), (2,3,1), (1,2,2,1),
    (2,2,2,1); |v|_A > 0 at all widths, depths 2 to 4; the orders of M and S at depth 3. (d) is no claim: it is an
    experiment, and nothing here proves it.
Why: (a) gamma_i W_i W_i^T = gamma_{i+1} W_{i+1}^T W_{i+1}, and W_N has rank one. (b) (s x^2 A + gamma_1) a = r with gamma_1
    |a|^2 = gamma_2 has one solution x^2, as for the width-1 problem. (c) v and the penalty change by what Euler's identity
    of the neuron says, and the noise of a pair (c, s) is c^4 + s^4 of that of one.
Sharpness: with noise (a) fails already at width 1; without noise magnitudes are free in (b): (3/5, 4/5); inconsistent
    moments allow (1, 2). Stationary points need not lie below Y: D = 2, A = 1, g = 2, b = 3/4 has L = Y + 1/2.
Source: arXiv:2202.04777 has the minimisers; the classification is derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, MatrixSymbol, Rational, Symbol

from theory.expressions import norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima import dead_neurons
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.families import Family
from theory.theorems.minima.potential import picked
from theory.theorems.minima.setting import Setting
from theory.theorems.minima.stationary_points_claims import (
    C1,
    C2,
    LEFT,
    Y_,
    A,
    K,
    P,
    R,
    S,
    Split,
    U,
    V,
    X,
    active,
    active_statement,
    carried_orders,
    half_dead,
    level,
    neuron_equations,
    one_alive,
    split_statement,
    splitting,
    two_neurons,
    two_neurons_statement,
)
from theory.theorems.minima.stationary_points_silent import NAME, Silent, dead_output, silent, stationary

SPLITS: tuple[tuple[tuple[int, ...], int], ...] = (
    ((2, 2, 1), 1), ((2, 3, 1), 1), ((1, 2, 2, 1), 1), ((1, 2, 2, 1), 2), ((2, 2, 2, 1), 1), ((2, 2, 2, 1), 2),
)  # fmt: skip


def claims() -> list[Claim]:
    aligned = [f(n) for n in (2, 3, 4) for f in (silent, dead_output)]
    one_layer = [neuron_equations(), two_neurons(), active(), half_dead()]
    splits = (splitting(w, i) for w, i in SPLITS)
    return [*aligned, *one_layer, *dead_neurons.claims(NAME), *map(level, (2, 3, 4)), carried_orders(), *splits]


# -- where it ends ------------------------------------------------------------------------------------------------------

Row = tuple[str, Statement, dict[str, Any]]
PAIR: dict[str, Any] = {"A": [[1]], "p": [[1]], "r": [[1]], "a": [[1]], "c": [[1]], "gamma1": 1, "gamma2": 1}
BARRIER: dict[str, Any] = {"W1": [["1/2"]], "W2": [[1]], "W3": [[1]], "A": [[1]], "g": [[2]], "Y": 9, "gamma1": 3}
BARRIER |= {"gamma2": "3/4", "gamma3": "3/4"}
NOISY: dict[str, Any] = {"W1": [[2]], "W2": [[1]], "A": [["1/8"]], "g": [[1]], "Y": 4, "gamma1": "1/4", "gamma2": 1, "s1": 1}
FLAT: dict[str, Any] = {"W1": [[0, 1]], "W2": [[1]], "W3": [[1]], "A": [[1, 0], [0, 0]], "g": [[0], [1]], "Y": 9}
FLAT |= {"gamma1": 1, "gamma2": 1, "gamma3": 1, "s1": 0, "s2": 0, "p": [[0], [0]]}


def _silent(name: str, f: Silent, *then: Expr, given: Sequence[Any] | None = None, s: Setting | None = None) -> Statement:
    s = s or f.s
    hypotheses = (*s.hypotheses, *stationary(s), greater(norm2(s.layers[-1]))) if given is None else tuple(given)
    return Statement(f"{NAME}.{name}", s.variables, hypotheses, tuple(map(equal, then)))


def _refuted(rows: Sequence[Row]) -> list[Counterexample]:
    """The statements about rows of any length are refuted with one input."""
    sized = [(drops, replace(s, sizes={"d0": 1}), values) for drops, s, values in rows]
    return [Counterexample(drops, s, picked(s, values)) for drops, s, values in sized]


def _pair(x: Any, w: Any, y: Any, u: Any, s: Any, **more: Any) -> dict[str, Any]:
    return {**PAIR, "x": x, "w": [[w]], "y": y, "u": [[u]], "s": s, **more}


def sharpness() -> list[Counterexample]:
    f, noisy, flat = Silent(2, (1, 1, 1)), Setting((1, 1, 1)), Setting((2, 1, 1, 1))
    p = MatrixSymbol("p", 2, 1)
    tall = (*flat.hypotheses, *stationary(flat), greater(norm2(flat.layers[-1])))
    level_ = Statement(f"{NAME}.flat", (*flat.variables, p), tall, (greater(quadratic(flat.A, flat.product.T)),))
    alive = Split((2, 2, 1), 1)
    whole = split_statement(alive, "no_dead_neuron", alive.change())
    kept = Statement(whole.name, whole.variables, without(whole.given, *alive.dead), whole.then)
    two = one_alive(alive.s, W1=[[1, 0], [1, 0]], W2=[[1, 1]], g=[[4], [0]])
    third, fourth = Rational(3, 5), Rational(4, 5)
    rows: list[Row] = [
        ("no noise, for (a)", _silent("noisy", f, f.equation, s=noisy), NOISY),
        ("grad L = 0", _silent("anywhere", f, f.root, given=f.s.hypotheses), NOISY | {"W1": [[1]]}),
        ("s > 0", two_neurons_statement(f"{NAME}.no_noise", (S,)), _pair(third, third, fourth, fourth, 0)),
        ("A p = r", two_neurons_statement(f"{NAME}.inconsistent", (A * P - R,)), _pair(1, 1, 2, 2, 1, A=[[0]])),
        ("both neurons active", two_neurons_statement(f"{NAME}.one_dead", (Y_,)), _pair(1, 1, 0, 0, 1, r=[[2]], p=[[2]])),
        ("A p = g, for |v|_A > 0", level_, FLAT),
        ("a dead neuron", kept, two),
    ]
    return _refuted(rows)


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    f, wide, split = Silent(3, (1, 1, 1, 1)), Silent(2, (2, 2, 1)), Split((2, 2, 1), 1)
    s, at = f.s, BARRIER
    b, length = f.b, norm2(f.s.product)
    u, W = wide.n.row(1), wide.s.layers[0]
    below = Statement(f"{NAME}.false_below", s.variables, (*s.hypotheses, *stationary(s)), (at_least(s.Y - s.loss),))
    tilted = {"W1": [[3, 0], [4, 0]], "W2": [[3, 4]], "A": [[1, 0], [0, 1]], "g": [[26], [0]], "Y": 999}
    tilted |= {"gamma1": 1, "gamma2": 1}
    same = _pair(1, 1, 1, 1, 1, r=[[2]], p=[[2]])
    near = {"A": [[1]], "p": [["101/100"]], "g": [["101/100"]], "w": [["1/10"]], "a": [[1]], "x": "1/10", "s": 0, "k": 1}
    near |= {"gamma1": 1, "gamma2": 1}
    deep = {**near, "g": [[4]], "p": [[4]], "w": [[1]], "x": 1, "s": 1, "k": 2}
    rows: list[Row] = [
        ("b^D for b^N", _silent("false_root", f, b**2 - s.decay_product * length), at),
        ("D + 1 for D in the value", _silent("false_value", f, f.value - b), at),
        ("b for b^D", _silent("false_equation", f, b * (s.product * s.A - s.g.T) + s.decay_product * s.product), at),
        ("columns for rows", _silent("false_columns", wide, norm2(u) * W - W * u.T * u), tilted),
        ("never above Y", below, at),
        ("opposite rows", two_neurons_statement(f"{NAME}.false_sign", (), (U + V,)), same),
        ("unequal neurons", two_neurons_statement(f"{NAME}.false_unequal", (), (X - 2 * Y_,)), same),
        ("1 for 2", split_statement(split, "false_split", split.change(1)), one_alive(split.s)),
        ("2 Gamma for Gamma", active_statement(f"{NAME}.false_room", (greater(norm2(_g()) - 2 * C1 * C2),)), near),
        ("k for s + k", active_statement(f"{NAME}.false_width", (equal(K * X**2 * A * LEFT + C1 * LEFT - _g()),)), deep),
    ]
    return _refuted(rows)


def _g() -> MatrixSymbol:
    return MatrixSymbol("g", Symbol("d0"), 1)


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A stationary point without noise of any size, along arbitrary vectors r_k: a rotated member of the families."""
    q = Silent(len(widths) - 1, tuple(widths))
    f, d = Family(q.s), int(widths[0])
    values = {"A": draw.psd(d), "z": draw.matrix(d, 1), "b": draw.positive(), "Y": draw.positive()}
    values |= {f"c{i}": draw.positive() for i in range(2, f.N + 1)}
    values |= {f"r{k}": draw.matrix(int(widths[k]), 1) for k in f.hidden}
    values["scale"] = draw.solve(f.C, f.b**f.D, values)
    values["w"] = draw.value(Symbol("scale") * f.z, values)
    for i, c in enumerate(q.s.decay, 1):
        values[c.name] = draw.solve(f.energy(i) / c, f.b, values)
    values["g"] = draw.value(f.equation + q.s.g, values | {"g": values["z"]})
    values |= {W.name: draw.value(f.layer(i), values) for i, W in enumerate(q.s.layers, 1)}
    return Instance(_silent("sampled", q, *q.conclusions), picked(_silent("", q), values))


THEOREM = Theorem(
    name=NAME,
    sheet="B8",
    title="Classification of the stationary points",
    form="implications; an identity; a conjecture that is only sampled",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (2, 3, 2, 1), (1, 2, 2, 2, 1)),
    supported_at=((12, 16, 1), (10, 8, 6, 1), (4, 4, 4, 4, 1)),
    note=(
        "With noise and two hidden layers or more the list of local minima is a CONJECTURE: the experiment only samples it; "
        "no claim here says it. Without noise, and for one hidden layer, it is proved."
    ),
)
