"""Where the bound on the global minimum ends: exact counterexamples, and false twins, each with a point."""

from __future__ import annotations

from typing import Any

from sympy import MatrixSymbol, Rational

from theory.expressions import gradient, inner
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Counterexample
from theory.theorems.minima.bounds import Isotropic
from theory.theorems.minima.envelope import Envelope
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.setting import Setting

# minimisers: one hidden neuron; two of them in one layer, with noise; two hidden layers, b = 1 and b = 4
ONE: dict[str, Any] = {"W1": [[1]], "W2": [[1]], "A": [[1]], "g": [[2]], "Y": 5, "gamma1": 1, "gamma2": 1, "s1": 0}
PAIR: dict[str, Any] = {
    "W1": [[1], [1]], "W2": [[1, 1]], "A": [["2/3"]], "g": [["5/2"]], "Y": 25, "gamma1": "1/2", "gamma2": "1/2", "s1": 1,
}  # fmt: skip
DEEP: dict[str, Any] = {
    "W1": [[2]], "W2": [[2]], "W3": [[4]], "A": [[1]], "g": [["65/4"]], "Y": 999, "gamma1": 1, "gamma2": 1, "gamma3": "1/4",
    "s1": 0, "s2": 0,
}  # fmt: skip


def _envelope(*widths: int) -> Envelope:
    return Envelope(Network(Setting(widths)))


def _dropped(name: str, what: str, expressions: list[Any], point: dict[str, Any]) -> Counterexample:
    """The bound with one hidden neuron, without the hypotheses on the given expressions."""
    e = _envelope(1, 1, 1)
    return Counterexample(
        what, Statement(name, e.variables, without(e.given, *expressions), (at_least(e.value),)), {**ONE, **point}
    )


def _signs(name: str) -> list[Counterexample]:
    s = Setting((1, 1, 1))
    still = {"g": [[0]], "z": [[0]], "W2": [[2]]}
    return [
        _dropped(f"{name}.any_decay", "gamma_i > 0", [s.decay[0]], {**still, "A": [[0]], "gamma1": -1}),
        _dropped(f"{name}.any_moment", "A positive semidefinite", [s.A], {**still, "A": [[-1]]}),
        _dropped(f"{name}.any_variance", "s_i >= 0", [s.noise[0]], {**still, "s1": -2}),
    ]


def _inconsistent(name: str) -> Counterexample:
    """A = diag(1, 0), g = (0, 1), D = 2, along t: L - Y = 3 t^2 - 2 t^3."""
    n = Network(Setting((2, 1, 1, 1)))
    s, p = n.setting, MatrixSymbol("p", 2, 1)
    bound = at_least(n.kappa * (s.loss - s.Y) + inner(s.g, p))
    decays = {"gamma1": 1, "gamma2": 1, "gamma3": 1, "s1": 0, "s2": 0}
    point = {
        "W1": [[0, 3]],
        "W2": [[3]],
        "W3": [[3]],
        "A": [[1, 0], [0, 0]],
        "g": [[0], [1]],
        "Y": 0,
        "p": [[0], [0]],
        **decays,
    }
    return Counterexample(
        "consistent moments: A p = g", Statement(f"{name}.inconsistent", (*n.variables, p), n.given, (bound,)), point
    )


def _unattained(name: str) -> Counterexample:
    """gamma_2 = 0, A = g = 1: L - Y + q = t^2 at W_1 = t, W_2 = 1/t comes below any positive number."""
    s = Setting((1, 1, 1), noisy=False)
    given = (
        *without(s.hypotheses, s.decay[1]),
        at_least(s.decay[1]),
        equal(s.decay[0] - 1),
        equal(s.A - s.identity),
        equal(s.g - s.identity),
    )
    then = at_least(s.loss - s.Y + 1 - Rational(1, 100))
    point = {"W1": [["1/20"]], "W2": [[20]], "A": [[1]], "g": [[1]], "Y": 1, "gamma1": 1, "gamma2": 0}
    return Counterexample(
        "gamma_i > 0, for the minimum to be attained", Statement(f"{name}.zero_decay", s.variables, given, (then,)), point
    )


def _other_root(name: str) -> Counterexample:
    """D = 2: at a root q of the scalar equation with psi(q) > 0 the bound fails at the origin."""
    i = Isotropic(Network(Setting((1, 1, 1, 1))))
    statement = Statement(f"{name}.any_root", i.variables, without(i.given, i.tau), (at_least(i.value),))
    origin = {"W1": [[0]], "W2": [[0]], "W3": [[0]], "gamma1": 1, "gamma2": 1, "gamma3": 1, "s1": 0, "s2": 0}
    moments = {"A": [["1/2"]], "g": [["3/2"]], "Y": 9, "alpha": "1/2", "q": 1}
    return Counterexample("psi(q) <= 0 at the root q", statement, {**origin, **moments})


def counterexamples(name: str) -> list[Counterexample]:
    """One for each hypothesis that is needed."""
    return [*_signs(name), _inconsistent(name), _unattained(name), _other_root(name)]


# -- false twins -----------------------------------------------------------------------------------------------------------


def _twin(
    e: Envelope, name: str, then: Condition, point: dict[str, Any], given: tuple[Condition, ...] | None = None
) -> Counterexample:
    return Counterexample(name, Statement(name, e.variables, given or e.given, (then,)), point)


def _of_one(name: str) -> list[Counterexample]:
    """One hidden neuron: strict, a multiple of b, a sign, no gain."""
    e = _envelope(1, 1, 1)
    s, gz, at = e.network.setting, inner(e.network.setting.g, e.z), {**ONE, "z": [[1]]}
    rest = s.loss - s.Y
    return [
        _twin(e, f"{name}.strict", greater(e.value), at),
        _twin(e, f"{name}.twice_b", at_least(rest - 2 * e.b + e.beta * gz), at),
        _twin(e, f"{name}.gain_added", at_least(rest - e.b - e.beta * gz), at),
        _twin(e, f"{name}.never_below_Y", at_least(rest), at),
        _twin(e, f"{name}.equality", equal(e.value), {**at, "W1": [[0]]}),
    ]


def _of_pair(name: str) -> list[Counterexample]:
    """Two neurons with noise: Gamma without gamma_1, kappa without the width."""
    e = _envelope(1, 2, 1)
    s, n = e.network.setting, e.network
    kept = without(e.given, e.equation)
    short = n.kappa * e.beta * s.A * e.z + s.decay[1] * e.z - s.g
    loud = (1 + s.noise[0]) * e.beta * s.A * e.z + s.decay_product * e.z - s.g
    return [
        _twin(e, f"{name}.one_decay", at_least(e.value), {**PAIR, "z": [["5/3"]]}, (*kept, equal(short))),
        _twin(e, f"{name}.kappa_without_width", at_least(e.value), {**PAIR, "z": [["30/19"]]}, (*kept, equal(loud))),
    ]


def _of_deep(name: str) -> list[Counterexample]:
    """Two hidden layers: b for b^D, the number of layers for D."""
    e = _envelope(1, 1, 1, 1)
    s, at = e.network.setting, {**DEEP, "b": 4, "z": [[1]]}
    gz = inner(s.g, e.z)
    return [
        _twin(e, f"{name}.first_power", at_least(s.loss - s.Y - 2 * e.b + e.b * gz), at),
        _twin(e, f"{name}.three_b", at_least(s.loss - s.Y - 3 * e.b + e.beta * gz), at),
    ]


def _of_closed_form(name: str) -> list[Counterexample]:
    i, s = Isotropic(Network(Setting((1, 1, 1)))), Setting((1, 1, 1))
    free = Statement(f"{name}.no_equation", i.variables, without(i.given, i.root), (at_least(i.value),))
    wrong = equal(s.loss - s.Y - s.fit + s.second_moment)
    still = Statement(
        f"{name}.stationary_value_D", s.variables, (*s.hypotheses, *(equal(gradient(s.loss, W)) for W in s.layers)), (wrong,)
    )
    return [
        Counterexample("the scalar equation", free, {**ONE, "alpha": 1, "q": "1/2"}),
        Counterexample("D for D - 1", still, ONE),
    ]


def _of_ridge(name: str) -> list[Counterexample]:
    s = Setting((1, 1))
    z = MatrixSymbol("z", 1, 1)
    given = (*s.hypotheses, equal(s.A * z + 2 * s.decay[0] * z - s.g))
    ridge = Statement(f"{name}.ridge_two_decays", (*s.variables, z), given, (at_least(s.loss - s.Y + inner(s.g, z)),))
    n, p = Network(Setting((1, 1, 1))), MatrixSymbol("p", 1, 1)
    t = n.setting
    squared = at_least(n.kappa**2 * (t.loss - t.Y) + inner(t.g, p))
    low = Statement(f"{name}.bounded_kappa_squared", (*t.variables, p), (*n.given, equal(t.A * p - t.g)), (squared,))
    return [
        Counterexample("2 gamma for gamma", ridge, {"W1": [[1]], "A": [[1]], "g": [[2]], "Y": 9, "gamma1": 1, "z": [["2/3"]]}),
        Counterexample("kappa^2 for kappa", low, {**ONE, "s1": 1, "gamma1": "1/10", "gamma2": "1/10", "p": [[2]]}),
    ]


def false_twins(name: str) -> list[Counterexample]:
    """False variants, each with a point that refutes it."""
    return [*_of_one(name), *_of_pair(name), *_of_deep(name), *_of_closed_form(name), *_of_ridge(name)]
