"""Where the description of all minimisers ends: exact counterexamples, and false twins, each with a point."""

from __future__ import annotations

from typing import Any

from sympy import ImmutableMatrix, Trace

from theory.expressions import gradient, norm2
from theory.statement import Condition, Statement, at_least, equal
from theory.theorem import Counterexample
from theory.theorems.minima.equality import Equality
from theory.theorems.minima.exact_points import without
from theory.theorems.minima.families import Family
from theory.theorems.minima.global_minimum_limits import DEEP, ONE, PAIR
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.setting import Setting

# how the minimisers of `global_minimum_limits` are members of the family
PAIR_FAMILY: dict[str, Any] = {**PAIR, "r1": [[1], [1]], "c2": 1, "w": [[1]], "z": [[2]], "b": 1, "kappa": "3/2"}
DEEP_FAMILY: dict[str, Any] = {**DEEP, "r1": [[1]], "r2": [[1]], "c2": 2, "c3": 4, "w": [[2]], "z": [[1]], "b": 4, "kappa": 1}
HALVES: dict[str, Any] = {"A": [["1/2"]], "g": [["3/2"]], "Y": 9, "z": [[1]], "b": 1, "kappa": 1, "c2": 1, "c3": 1, "w": [[1]]}
UNEQUAL: dict[str, Any] = {"W1": [["3/5"], ["4/5"]], "W2": [["3/5", "4/5"]], "gamma1": 1, "gamma2": 1}
CORNER: dict[str, Any] = {"r1": [["1/5"], ["7/5"]], "W1": [["1/5"], ["7/5"]], "W2": [["1/5", "7/5"]]}


def _family(*widths: int) -> Family:
    return Family(Setting(widths))


def _pair(*widths: int) -> Equality:
    return Equality(Network(Setting(widths)))


def _magnitudes(name: str, what: str, q: Equality, dropped: list[Any], point: dict[str, Any]) -> Counterexample:
    """Equal magnitudes in one hidden layer, without some hypotheses."""
    statement = Statement(name, (*q.e.variables, q.p), without(q.noisy_given, *dropped), (equal(q.magnitude(1)),))
    return Counterexample(what, statement, point)


def counterexamples(name: str) -> list[Counterexample]:
    """One for each hypothesis that is needed."""
    line, plane, f = _pair(1, 2, 1), _pair(2, 2, 1), _family(1, 2, 1)
    free = {**UNEQUAL, "A": [[1]], "g": [[2]], "Y": 4, "s1": 0, "z": [[1]], "p": [[2]]}
    vector = {"W1": [[0, "3/5"], [0, "4/5"]], "g": [[0], [1]], "z": [[0], [1]], "p": [[0], [0]]}
    inconsistent = {**UNEQUAL, **vector, "A": [[1, 0], [0, 0]], "Y": 1, "s1": 1}
    zero = {
        "W1": [[0], [0]],
        "W2": [[1, 0]],
        "gamma1": 1,
        "gamma2": 1,
        "A": [[1]],
        "g": [[0]],
        "Y": 1,
        "s1": 1,
        "z": [[0]],
        "p": [[0]],
    }
    any_vector = Statement(f"{name}.any_vector", f.variables, without(f.given, f.unit(1)), tuple(map(equal, f.conclusions)))
    unbalanced = Statement(
        f"{name}.any_scale", f.variables, without(f.given, f.energy(2) - f.b), tuple(map(equal, f.conclusions))
    )
    scaled = {"W1": [["1/2"], ["1/2"]], "W2": [[2, 2]], "w": [["1/2"]], "c2": 2, "gamma1": 2, "gamma2": 1, "g": [[6]], "Y": 99}
    return [
        _magnitudes(f"{name}.no_noise", "s_i > 0", line, [line.network.setting.noise[0]], free),
        _magnitudes(f"{name}.inconsistent", "consistent moments: A p = g", plane, [plane.consistent], inconsistent),
        _magnitudes(f"{name}.no_signal", "g != 0", line, [norm2(line.network.setting.g)], zero),
        Counterexample("r of signs where there is noise", any_vector, {**PAIR_FAMILY, **CORNER}),
        Counterexample("one energy for all layers", unbalanced, {**PAIR_FAMILY, **scaled}),
    ]


# -- false twins -----------------------------------------------------------------------------------------------------------


def _twin(
    f: Family, name: str, then: Condition, point: dict[str, Any], given: tuple[Condition, ...] | None = None
) -> Counterexample:
    return Counterexample(name, Statement(name, f.variables, given or f.given, (then,)), point)


def _of_family(name: str) -> list[Counterexample]:
    f, deep = _family(1, 2, 1), _family(1, 1, 1, 1)
    s = f.setting
    high = {
        "W1": [[1]],
        "W2": [[1]],
        "W3": [[1]],
        "gamma1": 1,
        "gamma2": 1,
        "gamma3": 1,
        "s1": 0,
        "s2": 0,
        "r1": [[1]],
        "r2": [[1]],
    }
    return [
        _twin(f, f"{name}.one_more_b", equal(f.value - f.b), PAIR_FAMILY),
        _twin(f, f"{name}.no_noise_in_moment", equal(s.second_moment - Trace(s.product * s.A * s.product.T)), PAIR_FAMILY),
        _twin(f, f"{name}.gradient_of_fit", equal(gradient(s.fit, s.layers[1])), PAIR_FAMILY),
        _twin(deep, f"{name}.first_power", equal(deep.setting.product.T - deep.b * deep.z), DEEP_FAMILY),
        _twin(deep, f"{name}.below_Y", at_least(deep.setting.Y - deep.setting.loss), {**HALVES, **high}),
    ]


def _of_equations(name: str) -> list[Counterexample]:
    """The family with a wrong equation: no width in the energy, no kappa, no product of scales."""
    f = _family(1, 2, 1)
    s = f.setting
    narrow = equal(s.decay[0] * norm2(f.w) - f.b)
    plain = equal(f.b * s.A * f.z + s.decay_product * f.z - s.g)
    short = equal(f.w - f.b * f.z)
    # gamma_1 = 1, Gamma = 1/2, g = (1 + 1/2) 2; then A z + Gamma z = 4/3 + 1/2; then z = w = 1, g = 1 + 1/4
    return [
        _twin(f, f"{name}.energy_of_one_row", equal(f.gradient(2)), {**PAIR_FAMILY, "gamma1": 1, "g": [[3]]},
              (*without(f.given, f.energy(1) - f.b), narrow)),
        _twin(f, f"{name}.no_kappa", equal(f.value), {**PAIR_FAMILY, "g": [["11/6"]]}, (*without(f.given, f.equation), plain)),
        _twin(f, f"{name}.w_is_bz", equal(f.value), {**PAIR_FAMILY, "z": [[1]], "g": [["5/4"]]},
              (*without(f.given, f.predictor), short)),
    ]  # fmt: skip


def _of_converse(name: str) -> list[Counterexample]:
    """Equal entries for equal magnitudes; stationary for minimal; the energy of the first layer at any b."""
    q = _pair(1, 2, 1)
    s = q.network.setting
    row = s.layers[1] * ImmutableMatrix([1, -1])
    opposite = {**PAIR, "W1": [[1], [-1]], "W2": [[1, -1]], "z": [[2]], "p": [["15/4"]]}
    still = tuple(equal(gradient(s.loss, W)) for W in s.layers)
    active = {"W1": [[1], [0]], "W2": [[1, 0]], "gamma1": 1, "gamma2": 1, "A": [["1/2"]], "g": [[2]], "Y": 9, "s1": 1}
    one = _pair(1, 1, 1)
    t = one.network.setting
    energies = equal(t.decay[0] * norm2(t.layers[0]) - t.decay[1] * norm2(t.layers[1]))
    off = {**ONE, "g": [[3]], "W1": [["3/2"]], "z": [["3/2"]], "Y": 9}
    return [
        Counterexample(
            "equal entries", Statement(f"{name}.equal_entries", (*q.e.variables, q.p), q.noisy_given, (equal(row),)), opposite
        ),
        Counterexample(
            "stationary",
            Statement(f"{name}.stationary", s.variables, (*s.hypotheses, *still), (equal(q.magnitude(1)),)),
            active,
        ),
        Counterexample("any b", Statement(f"{name}.any_b", one.e.variables, one.given, (energies,)), off),
    ]


def false_twins(name: str) -> list[Counterexample]:
    """False variants, each with a point that refutes it."""
    return [*_of_family(name), *_of_equations(name), *_of_converse(name)]
