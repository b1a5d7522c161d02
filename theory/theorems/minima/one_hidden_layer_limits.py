"""Where the statements about one hidden layer end: exact counterexamples, and false twins, each with a point."""

from __future__ import annotations

from typing import Any

from sympy import MatrixSymbol, Symbol

from theory.expressions import inner, norm2, quadratic
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Counterexample
from theory.theorems.minima.all_minimisers_limits import UNEQUAL
from theory.theorems.minima.bounds import TwoLayers
from theory.theorems.minima.equality import Equality
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.global_minimum_limits import ONE
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.scalar_root import Roots
from theory.theorems.minima.setting import Setting

ROOT: dict[str, Any] = {
    "A": [[1]],
    "c": 1,
    "kappa": 1,
    "g": [[3]],
    "beta1": 2,
    "beta2": 2,
    "z1": [[1]],
    "z2": [[1]],
    "p": [[3]],
}


def _roots(name: str, given: tuple[Any, ...], then: tuple[Condition, ...]) -> Statement:
    """A statement about two roots, at d_0 = 1."""
    r = Roots()
    return Statement(name, (*r.variables, r.p), given, then, {"d0": 1})


def _root_limits(name: str) -> list[Counterexample]:
    r = Roots()
    unique = (*r.given, *r.units, at_least(r.first), at_least(r.second), equal(r.consistent))
    same, down = (equal(r.first - r.second),), (greater(norm2(r.z1) - norm2(r.z2)),)
    ordered = (*r.given, at_least(r.first), greater(r.second - r.first))
    flat = {**ROOT, "A": [[0]], "g": [[1]], "beta1": 0, "beta2": 1}
    return [
        Counterexample(
            "beta >= 0", _roots(f"{name}.any_beta", without(unique, r.first), same), {**ROOT, "beta1": -4, "z1": [[-1]]}
        ),
        Counterexample("A p = g", _roots(f"{name}.any_moments", without(unique, r.consistent), same), flat),
        Counterexample("|z_2|_A > 0", _roots(f"{name}.flat", ordered, down), flat),
    ]


def _threshold(name: str, then: Condition, *given: Condition) -> Statement:
    s = Setting((1, 1, 1))
    return Statement(name, s.variables, (*s.hypotheses, *given), (then,))


def counterexamples(name: str) -> list[Counterexample]:
    """One for each hypothesis that is needed."""
    s, n = Setting((1, 1, 1)), Network(Setting((1, 2, 1)))
    t, q = TwoLayers(n), Equality(n)
    below, excess = at_least(s.decay_product - norm2(s.g)), s.loss - s.Y
    line = {**ONE, "A": [[0]], "g": [[1]]}
    given = (*t.given, greater(t.beta), equal(q.consistent), equal(t.value))
    free = Statement(f"{name}.no_noise", (*t.variables, q.p), given, (equal(q.magnitude(1)),))
    quiet = {**UNEQUAL, "A": [[1]], "g": [[2]], "Y": 4, "s1": 0, "z": [[1]], "beta": 1, "p": [[2]]}
    return [
        Counterexample("|g|^2 <= Gamma", _threshold(f"{name}.above", at_least(excess)), ONE),
        Counterexample("A p = g", _threshold(f"{name}.line", equal(norm2(s.layers[1])), below, equal(excess)), line),
        _small_gain(f"{name}.no_gain", None),
        *_root_limits(name),
        Counterexample("s > 0, for equal magnitudes", free, quiet),
    ]


def _small_gain(name: str, condition: Condition | None) -> Counterexample:
    """The explicit point below Y, without |g|^2 > Gamma: at |g|^2 = Gamma = 1 it is t = 0."""
    s = Setting((1, 1, 1))
    r, t = MatrixSymbol("r", 1, 1), Symbol("t")
    G = norm2(s.g)
    q = norm2(r) * s.decay[1] * G * (G - s.decay_product)
    K = s.decay[1] ** 2 * G**2 * quadratic(s.A, s.g) * norm2(r) ** 2 * (1 + s.noise[0])
    at = (equal(s.layers[1] - t * G * r.T), equal(s.layers[0] - t * s.decay[1] * r * s.g.T), equal(t * (q + K) - q))
    given = (*s.hypotheses, greater(norm2(r)), *at, *([condition] if condition else []))
    point = {**ONE, "g": [[1]], "W1": [[0]], "W2": [[0]], "r": [[1]], "t": 0}
    return Counterexample("|g|^2 > Gamma", Statement(name, (*s.variables, r, t), given, (greater(s.Y - s.loss),)), point)


# -- false twins -----------------------------------------------------------------------------------------------------------


def _of_threshold(name: str) -> list[Counterexample]:
    s = Setting((1, 1, 1))
    G, decay, bound = norm2(s.g), s.decay_product, at_least(s.loss - s.Y)
    kappa = 1 + s.noise[0]
    weak = {**ONE, "A": [["1/100"]]}
    return [
        Counterexample("2 Gamma", _threshold(f"{name}.twice", bound, at_least(2 * decay - G)),
                       {**ONE, "W2": [["3/4"]], "gamma2": 2}),
        Counterexample("kappa Gamma", _threshold(f"{name}.kappa_gamma", bound, at_least(kappa * decay - G)),
                       {**weak, "g": [["4/3"]], "s1": 1, "W1": [["1/2"]], "W2": [["1/2"]]}),
        Counterexample("Gamma^2", _threshold(f"{name}.squared", bound, at_least(decay**2 - G)),
                       {**weak, "W1": [[2]], "gamma2": 3}),
        Counterexample("strict at the origin", _threshold(f"{name}.strict", greater(s.loss - s.Y), at_least(decay - G)),
                       {**ONE, "g": [[1]], "W1": [[0]], "W2": [[0]]}),
        _small_gain(f"{name}.gain_at_threshold", at_least(G - decay)),
    ]  # fmt: skip


def _of_roots(name: str) -> list[Counterexample]:
    r = Roots()
    kappa, v1, v2 = Symbol("kappa"), r.first * r.z1, r.second * r.z2
    quiet = Roots(kappa=1, first=kappa * r.first)
    law = (*quiet.given, greater(kappa), *quiet.units, at_least(r.first), at_least(r.second))
    noisy = {**ROOT, "kappa": 2, "beta1": 1}
    gain = r.first * (1 - inner(r.g, r.z1))
    ordered = (*r.given, at_least(r.first), greater(r.second - r.first), greater(quadratic(r.A, r.z2)))
    apart = {**ROOT, "g": [[6]], "beta1": 1, "z1": [[3]], "z2": [[2]]}
    return [
        Counterexample("kappa^2", _roots(f"{name}.kappa_squared", law, (equal(v2 - kappa**2 * v1),)), noisy),
        Counterexample("kappa", _roots(f"{name}.no_shrinking", law, (equal(v2 - v1),)), noisy),
        Counterexample("1 / kappa", _roots(f"{name}.grows", law, (equal(kappa * v2 - v1),)), noisy),
        Counterexample("kappa in the value", _roots(f"{name}.value_no_kappa", (*r.given, *r.units),
                       (equal(gain + r.first**2 * quadratic(r.A, r.z1)),)),
                       {**ROOT, "kappa": 2, "beta1": 1, "beta2": 1}),
        Counterexample("decreasing", _roots(f"{name}.increasing", ordered, (greater(norm2(r.z2) - norm2(r.z1)),)), apart),
    ]  # fmt: skip


def _of_value(name: str) -> list[Counterexample]:
    t = TwoLayers(Network(Setting((1, 1, 1))))
    at = {**ONE, "z": [[1]], "beta": 1}
    strict = Statement(f"{name}.least_value_strict", t.variables, t.given, (greater(t.value),))
    twice = Statement(f"{name}.least_value_half", t.variables, t.given, (at_least(t.value - t.beta / 2),))
    return [Counterexample("attained", strict, at), Counterexample("beta / 2 more", twice, at)]


def false_twins(name: str) -> list[Counterexample]:
    """False variants, each with a point that refutes it."""
    return [*_of_threshold(name), *_of_roots(name), *_of_value(name)]
