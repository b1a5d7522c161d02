r"""When zero is the only stationary point: decay beyond which every gradient flow collapses, wherever it starts.

Setting: the loss L of a deep linear network with weight decay and stochastic hidden neurons (see `noise_averaged_loss`); D =
    N - 1 hidden layers, v = (W_N ... W_1)^T, Gamma = gamma_1 ... gamma_N, G = |g|^2, kappa the noise factor.
Hypotheses: gamma_i > 0, s_i >= 0, A positive semidefinite; consistent moments A p = g, q = p . A p, where q or one hidden layer
    is concerned.
Conclusion: At every stationary point
    \[ \Gamma |v|^2 \le t^N, \qquad 0 \le t = v \cdot g - \kappa |v|_A^2, \]
    and v = 0 only at 0. So 0 is the only stationary point if Gamma |v|^2 > t^N for all v != 0 with t > 0. That holds if
    \(\Gamma (4\kappa)^{D-1} > G q^{D-1}\) for D >= 2, if Gamma >= G for D = 1, and for A = a I, alpha = kappa a, if
    \[ \Gamma > \Gamma_{sn} = \frac{G^D (D+1)^{D+1} (D-1)^{D-1}}{(2D)^{2D} \alpha^{D-1}}. \]
    For A = a I and Gamma <= Gamma_sn the function F of the scalar equation reaches Gamma at lambda (D-1) = alpha (D+1), and is
    below it near 0: there is a root, hence a nonzero stationary point (`all_minimisers` builds it). Every root has equality.
Form: Implications; inequalities for every stationary point; equality at the roots.
Scope of proof: All widths, with noise: depths 2 to 4; by q at depths 3 and 4; isotropic at depths 2, 3 and 4.
Why: gamma_i |W_i|^2 = v . g - E f^2 <= t for every layer, by Euler's identity and the path lemma; Gamma |v|^2 <= prod gamma_i
    |W_i|^2 by the norm lemma. Then q - 4 kappa t = |2 kappa v - p|_A^2, or the weighted inequality of the means of t and
    alpha |v|^2, whose sum is v . g.
Sharpness: At Gamma = Gamma_sn there is a nonzero stationary point: D = 2, A = g = 1, Gamma = 27/256, W = (1/4, 1, 1). Each of
    gamma_i > 0 and A >= 0 is needed, and so is the noise factor: with kappa^2 in its place the threshold is wrong.
Source: arXiv:2202.04777 has that decay makes zero a minimum; the thresholds are derived for this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Expr, Integer, Rational

from theory.expressions import norm2, quadratic
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.only_zero_claims import (
    A_SCALAR,
    NAME,
    attained,
    by_q,
    crossing,
    dead_predictor,
    energy,
    gradients,
    isotropic,
    isotropic_room,
    isotropic_statement,
    one_hidden_layer,
    pinned,
    pinned_gap,
    room_by_q,
    source_of,
    stationary_statement,
    surplus,
)
from theory.theorems.minima.origin_claims import norm_of_g
from theory.theorems.minima.potential import picked
from theory.theorems.minima.setting import Setting
from theory.theorems.minima.stationary_identities import family


def claims() -> list[Claim]:
    every = [f(n) for n in (2, 3, 4) for f in (pinned, dead_predictor)]
    thresholds = [*map(by_q, (3, 4)), one_hidden_layer(), *map(isotropic, (2, 3, 4))]
    return [*every, *thresholds, *map(crossing, (2, 3, 4, 5)), *map(attained, (1, 2, 3, 4))]


# -- where it ends ------------------------------------------------------------------------------------------------------

Row = tuple[str, Statement, dict[str, Any]]


def _line(g: Any, a: Any, *decays: Any, first: Any = 1, **more: Any) -> dict[str, Any]:
    """Widths 1: W_1 = `first`, the other layers 1, no noise; p = g / a."""
    values: dict[str, Any] = {f"W{i}": [[first if i == 1 else 1]] for i in range(1, len(decays) + 1)}
    values |= {f"gamma{i}": c for i, c in enumerate(decays, 1)} | {f"s{i}": 0 for i in range(1, len(decays))}
    source = Rational(g) / a if a else 0
    return {**values, "A": [[a]], "g": [[g]], "p": [[source]], "Y": 40, "a": a, **more}


def _fold(s1: Any = 0) -> dict[str, Any]:
    """D = 2, Gamma = Gamma_sn = 27/256: A = 1 / (1 + s_1), g = 1, W = (1/4, 1, 1), energies 3/16."""
    decay = Rational(3, 16)
    return _line(1, Rational(1, 1 + s1), 3, decay, decay, first=Rational(1, 4), s1=s1)


def _net(*widths: int) -> Network:
    return Network(Setting(widths))


def _by_q(name: str, n: Network, room: Expr, *dropped: Any) -> Statement:
    s, (p, consistent) = n.setting, source_of(n.setting)
    given = (equal(consistent), greater(room))
    full = stationary_statement(n, name, given, tuple(map(equal, s.layers)), p)
    return Statement(full.name, full.variables, without(full.given, *dropped), full.then)


def _one_layer(name: str, n: Network, room: Expr, *dropped: Any) -> Statement:
    s, (p, consistent) = n.setting, source_of(n.setting)
    full = stationary_statement(n, name, (equal(consistent), at_least(room)), tuple(map(equal, s.layers)), p)
    return Statement(full.name, full.variables, without(full.given, *dropped), full.then)


INCONSISTENT: dict[str, Any] = {"W1": [[0, 1]], "W2": [[1]], "W3": [[1]], "A": [[1, 0], [0, 0]], "g": [[0], [1]], "Y": 9}
INCONSISTENT |= {"gamma1": 1, "gamma2": 1, "gamma3": 1, "s1": 0, "s2": 0, "p": [[0], [0]]}


def sharpness() -> list[Counterexample]:
    """Each hypothesis that is needed, with a nonzero stationary point that violates the conclusion without it."""
    three, four, flat, two = _net(1, 1, 1, 1), _net(1, 1, 1, 1, 1), _net(2, 1, 1, 1), _net(2, 1, 1)
    s, t = three.setting, two.setting
    closed = isotropic_statement(three, "at_the_fold", at_least(isotropic_room(three)))
    moving = _by_q("anywhere", three, room_by_q(three), *gradients(s))
    negative = _by_q("negative_decays", four, room_by_q(four), *four.setting.decay)
    rows: list[Row] = [
        ("Gamma > Gamma_sn, strictly", closed, _fold()),
        ("grad L = 0", moving, _line(1, 1, 1, 1, 1)),
        ("gamma_i > 0", negative, _line(1, 2, -1, -1, -1, -1)),
        ("A positive semidefinite", _by_q("negative_moment", three, room_by_q(three), s.A), _line(0, -1, 1, 1, 1)),
        ("A p = g", _by_q("inconsistent", flat, room_by_q(flat), source_of(flat.setting)[1]), INCONSISTENT),
        ("A p = g, for one hidden layer", _one_layer("inconsistent1", two, t.decay_product - norm_of_g(t), source_of(t)[1]),
         INCONSISTENT),
    ]  # fmt: skip
    return [Counterexample(drops, x, picked(x, values)) for drops, x, values in rows]


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    n, m = _net(1, 1, 1, 1), _net(1, 1, 1)
    s, u, V = n.setting, m.setting, norm2(n.setting.product)
    t, loud = surplus(n), surplus(n, n.kappa**2)
    nearly = greater(isotropic_room(n, Rational(26, 27)))
    noise = greater(isotropic_room(n, alpha=n.kappa**2 * A_SCALAR))
    doubled = s.decay_product * 4 * n.kappa**2 - norm_of_g(s) * quadratic(s.A, source_of(s)[0])
    rows: list[Row] = [
        ("26 for 27", isotropic_statement(n, "false_constant", nearly), _fold()),
        ("kappa^2 for kappa", isotropic_statement(n, "false_noise", noise), _fold(1)),
        ("10 for 4", _by_q("false_factor", n, room_by_q(n, 10)), _fold()),
        ("kappa^2 for kappa, by q", _by_q("false_noise_by_q", n, doubled), _fold(3)),
        ("Gamma > G at D = 2", _by_q("false_threshold", n, s.decay_product - norm_of_g(s)), _line(4, 1, 3, 3, 3)),
        ("4 Gamma >= G at D = 1", _one_layer("false_one_layer", m, 4 * u.decay_product - norm_of_g(u)), _line(2, 1, 1, 1)),
        ("kappa^2 in t", stationary_statement(n, "false_pinned_noise", (), (at_least(pinned_gap(n, loud)),)), _fold(1)),
        ("one power more", stationary_statement(n, "false_power", (), (at_least(t**4 - s.decay_product * V),)), _fold()),
        ("strict", stationary_statement(n, "false_strict", (), (greater(pinned_gap(n)),)), _fold()),
        ("twice Gamma", stationary_statement(n, "false_twice", (), (at_least(t**3 - 2 * s.decay_product * V),)), _fold()),
    ]
    return [Counterexample(drops, x, picked(x, values)) for drops, x, values in rows]


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """A nonzero stationary point of any size, with noise: there Gamma |v|^2 = t^N, and t is the energy of every layer."""
    n = Network(Setting(tuple(widths)))
    s, t = n.setting, surplus(n)
    then = (*(equal(t - energy(s, i)) for i in range(1, s.depth + 1)), equal(pinned_gap(n)), at_least(t))
    values = family(draw, s)
    draw.solve(norm2(s.product), Integer(1), values)  # a point with v = 0 would have no decays: drawn again
    return Instance(stationary_statement(n, "sampled", (), then), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B17",
    title="When zero is the only stationary point",
    form="implications; inequalities at every stationary point",
    source="arXiv:2202.04777",
    claims=claims,
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (2, 3, 2, 1)),
    supported_at=((16, 12, 1), (12, 10, 8, 1), (6, 5, 4, 4, 1)),
    note=(
        "'Common initialisations are insufficient' is not about the initialisation here: above the threshold every start flows "
        "to 0, which is then the global minimum, and below the critical decay a start with L < E[y^2] cannot reach 0, as the "
        "loss decreases: D = 2, A = 1, g = 5/2, decays 1, 1, 1/4, W = (1, 1, 2) has L - E[y^2] = -3."
    ),
)
