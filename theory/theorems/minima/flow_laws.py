r"""What gradient flow does to the balance of neighbouring layers: neuron by neuron with noise, as matrices without.

Setting: the loss L of a deep linear network with weight decay and stochastic hidden neurons (see `noise_averaged_loss`);
    gradient flow W_i' = V_i, V_i = -dL/dW_i.
Hypotheses: none on signs or moments. For the exponential law equal decays of the two layers; for the matrix law no noise in
    the layer between them.
Conclusion: for every hidden neuron j of layer i
    \[ \frac{d}{dt} \big(|\mathrm{row}_j W_i|^2 - |\mathrm{col}_j W_{i+1}|^2\big)
       = -4 \big(\gamma_i |\mathrm{row}_j W_i|^2 - \gamma_{i+1} |\mathrm{col}_j W_{i+1}|^2\big), \]
    and without noise in layer i the same for the matrices W_i W_i^T and W_{i+1}^T W_{i+1}. With gamma_i = gamma_{i+1} =
    gamma the difference is its initial value times exp(-4 gamma t), and with gamma = 0 it is conserved. Each layer obeys
    \(\frac{d}{dt} |W_i|^2 = 4 (v \cdot g - E f^2 - \gamma_i |W_i|^2)\), and L does not increase.
Form: differential identities; an inequality.
Scope of proof: all widths: neurons with noise at depths 2 to 4, matrices without noise in layer i at depths 2 to 5, layers
    at depths 2 to 4. Neuron by neuron also at widths (1,1,1), (2,2,1), (1,2,2,1). The exponential is a variable E with E' =
    4 gamma E.
Why: scaling a neuron up in one layer and down in the next, or rotating a layer without noise, does not change the data term,
    which drops out of V_i W_i^T - W_{i+1}^T V_{i+1}.
Sharpness: with noise the matrix law fails at W_1 = (1, 0), W_2 = (1, 1); different decays have no exponential law; a decay
    that is not zero destroys conservation.
Source: arXiv:2202.04777 has the model; the laws are derived for this project.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sympy import Expr, MatAdd, MatrixSymbol, Trace, symbols

from theory import dag
from theory.dag import Node
from theory.expressions import DiagonalPart, Square, gradient
from theory.statement import Condition, Statement, at_least, equal
from theory.terms import Term, diagonal_part, dot, fact, step, term
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.minima.exact_points import point, value
from theory.theorems.minima.lemmas import Network
from theory.theorems.minima.potential import picked
from theory.theorems.minima.setting import Setting, Width, chain, widths_of
from theory.theorems.minima.stationary_identities import layer_defect

NAME = "minima.flow_laws"
E, E1, RATE = symbols("E E1 gamma")


def velocity(s: Setting, i: int) -> MatrixSymbol:
    """V_i = W_i' under gradient flow."""
    return MatrixSymbol(f"V{i}", *s.layers[i - 1].shape)


def velocities(s: Setting) -> list[MatrixSymbol]:
    return [velocity(s, i) for i in range(1, s.depth + 1)]


@lru_cache(maxsize=256)
def slope(s: Setting, i: int) -> Expr:
    """dL/dW_i."""
    return gradient(s.loss, s.layers[i - 1])


@lru_cache(maxsize=256)
def off(s: Setting, i: int) -> Expr:
    """V_i + dL/dW_i, which vanishes along the flow."""
    return MatAdd(velocity(s, i), slope(s, i), evaluate=False)


def flow(s: Setting) -> tuple[Condition, ...]:
    return tuple(equal(off(s, i)) for i in range(1, s.depth + 1))


def combined(*terms: tuple[Any, Expr, Expr]) -> Expr:
    """sum of c x y, as it stands."""
    return MatAdd(*(chain(c, x, y) for c, x, y in terms), evaluate=False)


def moving(s: Setting, i: int, scale: Any = 1) -> list[tuple[Any, Expr, Expr]]:
    """The derivative of W_i W_i^T - W_{i+1}^T W_{i+1}."""
    (W, U), (V, X) = s.layers[i - 1 : i + 1], (velocity(s, i), velocity(s, i + 1))
    return [(scale, V, W.T), (scale, W, V.T), (-scale, X.T, U), (-scale, U.T, X)]


def difference(s: Setting, i: int, low: Any = 1, high: Any = 1) -> list[tuple[Any, Expr, Expr]]:
    """low W_i W_i^T - high W_{i+1}^T W_{i+1}."""
    W, U = s.layers[i - 1 : i + 1]
    return [(low, W, W.T), (-high, U.T, U)]


def law(s: Setting, i: int, rate: Any = 4) -> Expr:
    """(W_i W_i^T - W_{i+1}^T W_{i+1})' + 4 (gamma_i W_i W_i^T - gamma_{i+1} W_{i+1}^T W_{i+1})."""
    return combined(*moving(s, i), *difference(s, i, rate * s.decay[i - 1], rate * s.decay[i]))


def scaled(s: Setting, i: int) -> Expr:
    """The derivative of E (W_i W_i^T - W_{i+1}^T W_{i+1}), with E' = E1."""
    return combined(*difference(s, i, E1, E1), *moving(s, i, E))


def growth(s: Setting, i: int) -> Expr:
    """(|W_i|^2)' - 4 (v . g - E f^2 - gamma_i |W_i|^2)."""
    return 2 * Trace(chain(s.layers[i - 1].T, velocity(s, i))) + 4 * layer_defect(s, i)


def _cited(s: Setting, i: int) -> Term:
    """The derivative of the difference along V + dL/dW, a visible zero."""
    (W, U), (V, X) = map(term, s.layers[i - 1 : i + 1]), (fact(off(s, i)), fact(off(s, i + 1)))
    return V * W.T + W * V.T - X.T * U - U.T * X


# -- claims -------------------------------------------------------------------------------------------------------------


def _statement(s: Setting, name: str, given: Sequence[Condition], then: Sequence[Condition], *more: Any) -> Statement:
    return Statement(f"{NAME}.{name}", (*s.variables, *velocities(s), *more), tuple(given), tuple(then))


def _moved(s: Setting, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A point at given widths with the velocities there."""
    env = point(Network(s), {**values, **more})
    return env | {f"V{i}": value(-slope(s, i), env) for i in range(1, s.depth + 1)}


def _moving_point(s: Setting, **more: Any) -> dict[str, Any]:
    """Widths 1, all layers 1 but W_1 = 2, decays 1, ..., N, and the velocities there."""
    N, thin = s.depth, Setting((1,) * (s.depth + 1), s.noisy, s.silent)
    values: dict[str, Any] = {f"W{i}": [[2 if i == 1 else 1]] for i in range(1, N + 1)}
    values |= {f"gamma{i}": i for i in range(1, N + 1)} | {f"s{k}": k for k in range(1, N)}
    return _moved(thin, {**values, "A": [[1]], "g": [[3]], "Y": 9}, **more)


def neurons(depth: int) -> Claim:
    """The law of every hidden neuron, with noise."""
    s = Setting(widths_of(depth))
    then = {i: DiagonalPart(law(s, i)) for i in range(1, depth)}
    steps = tuple(step("==", x, diagonal_part(_cited(s, i))) for i, x in then.items())
    statement = _statement(s, f"neurons{depth}", flow(s), [equal(x) for x in then.values()])
    return Claim(statement, steps, picked(statement, _moving_point(s)), {f"d{i}": 1 for i in range(depth)})


def matrices(depth: int, i: int) -> Claim:
    """The law of the matrices at layer i, which has no noise; the others may have."""
    s = Setting(widths_of(depth), silent=(i,))
    statement = _statement(s, f"matrices{depth}_{i}", flow(s), (equal(law(s, i)),))
    done = step("==", law(s, i), _cited(s, i))
    return Claim(statement, (done,), picked(statement, _moving_point(s)), {f"d{k}": 1 for k in range(depth)})


def norms(depth: int) -> Claim:
    """|W_i|^2 changes by 4 (v . g - E f^2 - gamma_i |W_i|^2), and L does not increase."""
    s = Setting(widths_of(depth))
    layers = range(1, depth + 1)
    falls = -sum(Trace(chain(slope(s, i).T, velocity(s, i))) for i in layers)
    steps = [step("==", growth(s, i), 2 * dot(s.layers[i - 1], fact(off(s, i)))) for i in layers]
    squares = sum(term(Square(velocity(s, i))) - dot(fact(off(s, i)), velocity(s, i)) for i in layers)
    then = (*(equal(growth(s, i)) for i in layers), at_least(falls))
    statement = _statement(s, f"norms{depth}", flow(s), then)
    witness = picked(statement, _moving_point(s))
    return Claim(statement, (*steps, step(">=", falls, squares)), witness, {f"d{i}": 1 for i in range(depth)})


def _exponential(depth: int, silent: bool) -> Claim:
    """gamma_i = gamma for all i and E' = 4 gamma E: E times the difference is constant."""
    s = Setting(widths_of(depth), noisy=not silent)
    part: Any = (lambda x: x) if silent else DiagonalPart
    word, rate = "matrices" if silent else "neurons", E1 - 4 * RATE * E
    given = (*flow(s), *(equal(c - RATE) for c in s.decay), equal(rate))
    then, steps = [part(scaled(s, i)) for i in range(1, depth)], []
    for i, x in enumerate(then, 1):
        W, U = map(term, s.layers[i - 1 : i + 1])
        same = fact(s.decay[i - 1] - RATE) * W * W.T - fact(s.decay[i] - RATE) * U.T * U
        zeros = fact(rate) * (W * W.T - U.T * U) + E * _cited(s, i) - 4 * E * same
        steps.append(step("==", x, zeros if silent else diagonal_part(zeros)))
    statement = _statement(s, f"exponential_{word}{depth}", given, [*map(equal, then)], E, E1, RATE)
    decays = {f"gamma{i}": 2 for i in range(1, depth + 1)}
    witness = {**_moving_point(s, **decays), "gamma": 2, "E": 1, "E1": 8}
    return Claim(statement, tuple(steps), picked(statement, witness), {f"d{i}": 1 for i in range(depth)})


def neuron_by_neuron(widths: tuple[Width, ...]) -> Claim:
    """The law of each neuron entry by entry, at given widths with noise."""
    s = Setting(widths)
    places = [(i, j) for i in range(1, s.depth) for j in range(int(widths[i]))]
    then = [_neuron(s, i, j) for i, j in places]
    cited = {i: _cited(s, i).node for i in range(1, s.depth)}
    steps = tuple(step("==", x, dag.entry(cited[i], j, j)) for (i, j), x in zip(places, then, strict=True))
    name = "neuron_by_neuron_" + "_".join(map(str, widths))
    d = [int(x) for x in widths]
    layers = {f"W{i}": [[j - k + 1 for k in range(d[i - 1])] for j in range(d[i])] for i in range(1, s.depth + 1)}
    values = {**layers, **{c.name: 1 for c in s.decay}, **{x.name: 1 for x in s.noise}, "Y": 1}
    moments = {"A": [[int(i == j) for j in range(d[0])] for i in range(d[0])], "g": [[1]] * d[0]}
    statement = _statement(s, name, flow(s), [equal(x) for x in then])
    return Claim(statement, steps, picked(statement, _moved(s, {**values, **moments})))


def _neuron(s: Setting, i: int, j: int) -> Node:
    """The law of neuron j of layer i, in entries."""
    (W, U), (V, X) = map(term, s.layers[i - 1 : i + 1]), map(term, velocities(s)[i - 1 : i + 1])

    def part(w: Term, v: Term, decay: Any, r: int, c: int) -> Term:
        x, y = (Term(dag.entry(m.node, r, c)) for m in (w, v))
        return 2 * x * y + 4 * term(decay) * x**2

    rows = [part(W, V, s.decay[i - 1], j, k) for k in range(int(s.layers[i - 1].shape[1]))]
    columns = [part(U, X, s.decay[i], k, j) for k in range(int(s.layers[i].shape[0]))]
    return term(sum(rows) - sum(columns)).node


def claims() -> Iterator[Claim]:
    yield from (f(n) for n in (2, 3, 4) for f in (neurons, norms))
    yield from (matrices(n, i) for n in (2, 3, 4) for i in range(1, n))
    yield from (_exponential(n, silent) for n in (2, 3, 4) for silent in (False, True))
    yield from map(neuron_by_neuron, ((1, 1, 1), (2, 2, 1), (1, 2, 2, 1)))


# -- where it ends ------------------------------------------------------------------------------------------------------

PAIR: dict[str, Any] = {"W1": [[1], [0]], "W2": [[1, 1]], "A": [[1]], "g": [[0]], "Y": 1, "gamma1": 1, "gamma2": 1, "s1": 1}
ONE: dict[str, Any] = {"W1": [[2]], "W2": [[1]], "A": [[1]], "g": [[3]], "Y": 9, "gamma1": 1, "gamma2": 2, "s1": 1}


def sharpness() -> list[Counterexample]:
    s, two = Setting((1, 1, 1)), Setting((1, 2, 1))
    free = _statement(s, "any_velocity", (), (equal(law(s, 1)),))
    noisy = _statement(two, "noisy_matrices", flow(two), (equal(law(two, 1)),))
    given = (*flow(s), equal(s.decay[0] - RATE), equal(E1 - 4 * RATE * E))
    uneven = _statement(s, "uneven", given, (equal(scaled(s, 1)),), E, E1, RATE)
    kept = _statement(s, "kept", flow(s), (equal(combined(*moving(s, 1))),))
    rows = [
        ("W_i' = -dL/dW_i", free, {**ONE, "V1": [[0]], "V2": [[0]]}),
        ("no noise, for the matrix law", noisy, _moved(two, PAIR)),
        ("equal decays, for the exponential law", uneven, {**_moved(s, ONE), "E": 1, "E1": 4, "gamma": 1}),
        ("gamma = 0, for conservation", kept, _moved(s, ONE)),
    ]
    return [Counterexample(drops, x, picked(x, values)) for drops, x, values in rows]


def _false_columns() -> tuple[str, Statement, dict[str, Any]]:
    """The columns of W_1 against the rows of W_2, at widths (2, 2, 1)."""
    s = Setting((2, 2, 1))
    (W, U), (V, X), (c1, c2) = s.layers, velocities(s), s.decay
    columns = combined((1, V.T, W), (1, W.T, V), (-1, X.T, U), (-1, U.T, X), (4 * c1, W.T, W), (-4 * c2, U.T, U))
    wide = {"W1": [[1, 2], [0, 1]], "W2": [[1, 1]], "A": [[1, 0], [0, 1]], "g": [[1], [0]], "Y": 1}
    wide |= {"gamma1": 1, "gamma2": 1, "s1": 1}
    return "columns for rows", _statement(s, "false_columns", flow(s), (equal(DiagonalPart(columns)),)), _moved(s, wide)


def refutations() -> list[Counterexample]:
    """False variants, each with an exact point that violates it."""
    s, at = Setting((1, 1, 1)), _moved(Setting((1, 1, 1)), ONE)
    c1, c2 = s.decay
    false: dict[str, tuple[str, Expr]] = {
        "2 for 4": ("rate", law(s, 1, 2)),
        "sign flipped": ("sign", law(s, 1, -4)),
        "decays exchanged": ("exchange", combined(*moving(s, 1), *difference(s, 1, 4 * c2, 4 * c1))),
        "sum for difference": ("sum", combined(*moving(s, 1), *difference(s, 1, 4 * c1, -4 * c2))),
        "no second moment": ("norm", growth(s, 1) - 4 * s.second_moment),
        "2 for 4 in the norm": ("norm_rate", growth(s, 1) - 2 * layer_defect(s, 1)),
    }
    rows = [(text, _statement(s, f"false_{name}", flow(s), (equal(x),)), at) for text, (name, x) in false.items()]
    same = (*flow(s), equal(c1 - RATE), equal(c2 - RATE), equal(E1 - 2 * RATE * E))
    slow = _statement(s, "false_exponent", same, (equal(scaled(s, 1)),), E, E1, RATE)
    rises = _statement(s, "false_fall", flow(s), (at_least(Trace(slope(s, 1).T * velocity(s, 1))),))
    rows += [
        _false_columns(),
        ("exp(2 gamma t)", slow, {**_moved(s, ONE, gamma2=1), "E": 1, "E1": 2, "gamma": 1}),
        ("L does not decrease", rises, at),
    ]
    return [Counterexample(drops, x, picked(x, values)) for drops, x, values in rows]


def variants() -> list[Statement]:
    return [c.statement for c in refutations()]


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random weights, moments, decays and noise; the velocities are computed. The neurons of every layer, and every norm."""
    s = Setting(tuple(widths))
    values = s.draw(draw)
    for i in range(1, s.depth + 1):
        values[f"V{i}"] = draw.value(-slope(s, i), values)
    then = [*(DiagonalPart(law(s, i)) for i in range(1, s.depth)), *(growth(s, i) for i in range(1, s.depth + 1))]
    return Instance(_statement(s, "sampled", flow(s), [*map(equal, then)]), values)


THEOREM = Theorem(
    name=NAME,
    sheet="B19",
    title="How gradient flow balances neighbouring layers",
    form="differential identities",
    source="arXiv:2202.04777",
    claims=lambda: tuple(claims()),
    sharpness=sharpness,
    variants=variants,
    sample=sample,
    certified_at=((2, 2, 1), (2, 3, 2, 1)),
    supported_at=((16, 24, 1), (12, 16, 10, 1)),
)

