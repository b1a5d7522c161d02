"""The theorems B1, B2, B3 and B7 of the family `minima`: proofs, witnesses, limits, false variants, and naive evaluations."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.draws import ExactDraw
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.rational import Rational, matrix, rational
from theory.certificates import at_point, derivation
from theory.dag import topological
from theory.errors import InvalidInput
from theory.expressions import lower
from theory.statement import Lowered
from theory.theorem import Claim, Theorem
from theory.theorems.minima import means, noise_averaged_loss, norm_lemma, path_lemma, stationary_identities
from theory.theorems.minima.setting import Setting

THEOREMS = [m.THEOREM for m in (noise_averaged_loss, path_lemma, norm_lemma, stationary_identities)]
each_theorem = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.sheet)

# The depths at which each family of claims is proved at all widths.
AT_ALL_WIDTHS = {
    "minima.noise_averaged_loss.path_form": {2, 3, 4, 5},
    "minima.noise_averaged_loss.flips": {2, 3, 4, 5},
    "minima.noise_averaged_loss.rotations": {2, 3, 4, 5},
    "minima.path_lemma.all_widths": {2, 3, 4, 5},
    "minima.norm_lemma": {2, 3, 4},
    "minima.norm_lemma.product": {2, 3, 4, 5},
    "minima.norm_lemma.rank_one": {2, 3, 4, 5},
    "minima.norm_lemma.equality": {2, 3, 4},
    "minima.norm_lemma.attained": {2, 3, 4},
    "minima.stationary_identities": {2, 3, 4, 5},
    "minima.stationary_identities.anywhere": {2, 3, 4, 5},
    "minima.stationary_identities.neurons": {2, 3, 4, 5},
    "minima.stationary_identities.balance": {2, 3, 4, 5},
}
# The layers' shapes at which the others are proved.
AT_WIDTHS = {
    "minima.noise_averaged_loss.mean": {(2, 2, 1), (2, 3, 1), (2, 2, 2, 1), (1, 2, 2, 2, 1)},
    "minima.noise_averaged_loss.nodes": {(2, 2, 1), (2, 3, 1), (2, 2, 2, 1), (1, 2, 2, 2, 1)},
    "minima.noise_averaged_loss.exchanges": {(2, 2, 1), (2, 3, 1), (2, 2, 2, 1)},
    "minima.path_lemma": {(2, 2, 1), (2, 3, 1), (2, 2, 2, 1), (2, 3, 2, 1), (1, 2, 1, 2, 1), (1, 2, 2, 2, 1)},
    "minima.path_lemma.equality": {(2, 2, 1), (2, 3, 1), (1, 2, 2, 1)},
    "minima.path_lemma.equality_if": {(2, 2, 1), (2, 3, 1), (1, 2, 2, 1)},
    "minima.norm_lemma.lagrange": {(2, 2, 1), (3, 2, 1), (2, 3, 1)},
    "minima.stationary_identities.neuron_by_neuron": {(1, 1, 1), (2, 2, 1), (1, 2, 2, 1)},
}
SCALAR_CLAIMS = {"minima.norm_lemma.means": {2, 3, 4}, "minima.norm_lemma.cubes": {3}, "minima.norm_lemma.fourths": {4}}


@cache
def claims(sheet: str) -> tuple[Claim, ...]:
    return tuple(next(t for t in THEOREMS if t.sheet == sheet).claims())


def layers_of(s: Lowered) -> tuple[int, ...]:
    shapes = [v.shape for v in s.variables if str(v.data[0]).startswith("W")]
    return (int(shapes[0][1]), *(int(r) for r, _ in shapes))


def accepts(s: Lowered, point: Any, claim: str) -> bool:
    try:
        return kernel.check(at_point(s, point, claim)).claim == claim
    except kernel.Rejected:
        return False


@each_theorem
def test_the_kernel_accepts_every_claim_at_its_scope_in_time(theorem: Theorem) -> None:
    start = time.process_time()
    found: dict[str, set[Any]] = {}
    for claim in theorem.claims():
        began = time.process_time()
        s = claim.statement.lowered()
        judgement = kernel.check(derivation(s, claim.steps or ()))
        assert judgement.claim == "proved"
        assert time.process_time() - began < 2, s.name
        letters = [v for v in s.variables if v.shape]
        scope: Any = judgement.scope.count("=any") if s.dims else layers_of(s) if letters else len(s.variables)
        found.setdefault(s.name, set()).add(scope)
    everything = AT_ALL_WIDTHS | AT_WIDTHS | SCALAR_CLAIMS
    assert found == {name: scopes for name, scopes in everything.items() if name.startswith(theorem.name)}
    assert time.process_time() - start < 15


@each_theorem
def test_every_claim_with_hypotheses_has_a_witness(theorem: Theorem) -> None:
    for claim in claims(theorem.sheet):
        if claim.statement.given:
            assert claim.witness is not None, claim.statement.name
            assert accepts(claim.statement.lowered(claim.at), claim.witness, "satisfiable"), claim.statement.name


@each_theorem
def test_every_hypothesis_is_needed(theorem: Theorem) -> None:
    examples = theorem.sharpness()
    assert len(examples) >= 2
    for example in examples:
        assert accepts(example.statement.lowered(), example.point, "refuted"), example.drops


def test_witnesses_are_stationary_points_that_are_not_zero() -> None:
    for claim in claims("B7"):
        assert all(x != [[0]] for name, x in (claim.witness or {}).items() if name.startswith("W"))


# -- false variants -----------------------------------------------------------------------------------------------------

GRID: dict[str, tuple[Any, ...]] = {"gamma": (1, "1/4", 4, 0), "p": (1, 2, 4, "1/2"), "s": (1, 0, 2, -1), "Y": (1, 0)}
SUPPLIED = [
    {"W1": [[2]], "W2": [[1]], "A": [[1]], "g": [[4]], "Y": 20, "gamma1": 1, "gamma2": 4, "s1": 0},
    stationary_identities.SCALAR,
    stationary_identities.PAIR,
    stationary_identities.CANCELLING,
    *({"W1": [[1]], "W2": [[1]], "A": [[1]], "g": [[2]], "Y": 4, "gamma1": c, "gamma2": 1, "s1": 0} for c in (1, 2)),
    *(c.point for c in noise_averaged_loss.sharpness()),
    {"W1": [[2], [1]], "W2": [[1, 2]], "A": [[1]], "s1": 1},
]


def holds(relation: str, x: Any) -> bool:
    """A condition on exact values."""
    if relation == "==":
        return not (any(x.entries()) if hasattr(x, "nrows") else x)
    if not hasattr(x, "nrows"):
        return bool(x > 0 if relation == ">" else x >= 0)
    minors = (c for k in range(1, x.nrows() + 1) for c in combinations(range(x.nrows()), k))
    dets = [matrix([[x[i, j] for j in c] for i in c]).det() for c in minors]
    return x == x.transpose() and all(d > 0 if relation == ">" else d >= 0 for d in dets)


def exactly(s: Lowered, point: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the hypotheses and the conclusions hold at a point."""
    exact_value = lambda v: v if hasattr(v, "nrows") else matrix(v) if isinstance(v, list) else rational(v)  # noqa: E731
    values = {k: exact_value(v) for k, v in point.items()}
    conditions = s.given + s.then
    at = evaluate([x for _, x in conditions], Rational(), values)
    held = [holds(r, x) for (r, _), x in zip(conditions, at, strict=True)]
    return all(held[: len(s.given)]), all(held[len(s.given) :])


def promising(s: Lowered, point: dict[str, Any]) -> bool:
    """A cheap test before the kernel's; a mean over noise has no value at a point."""
    averaged = any(x.op == "expect" for x in topological([x for _, x in s.then]))
    return averaged or exactly(s, point) == (True, False)


def three_layers() -> dict[str, Any]:
    """A stationary point of depth 3, all widths 1."""
    found = (c for c in claims("B7") if c.statement.name == stationary_identities.NAME and len(c.at or {}) == 3)
    return dict(next(found).witness or {})


def candidates(s: Lowered, tries: int = 1500) -> Iterator[dict[str, Any]]:
    """The supplied points, then small numbers at random."""
    shapes, chance = {str(v.data[0]): v.shape for v in s.variables}, random.Random(0)
    yield from (p for p in [*SUPPLIED, three_layers()] if shapes == {name: shape_of(x) for name, x in p.items()})
    for _ in range(tries):
        yield {str(v.data[0]): small(v, chance) for v in s.variables}


def shape_of(x: Any) -> tuple[int, ...]:
    return (len(x), len(x[0])) if isinstance(x, list) else ()


def small(v: Any, chance: random.Random) -> Any:
    name = str(v.data[0])
    if not v.shape:
        return chance.choice(GRID.get(name.rstrip("0123456789"), (1, 0, 2)))
    rows = [[chance.choice((1, 0, 2, -1)) for _ in range(v.shape[1])] for _ in range(v.shape[0])]
    return [[rows[min(i, j)][max(i, j)] for j in range(len(rows))] for i in range(len(rows))] if v.data[1] else rows


@each_theorem
def test_every_false_variant_is_refuted_at_an_exact_point(theorem: Theorem) -> None:
    variants = theorem.variants()
    assert len(variants) >= 8 and len({v.name for v in variants}) == len(variants)
    for variant in variants:
        s = variant.lowered()
        assert any(accepts(s, point, "refuted") for point in candidates(s) if promising(s, point)), variant.name


# -- samples ------------------------------------------------------------------------------------------------------------


@each_theorem
def test_samples_satisfy_hypotheses_and_conclusions_exactly(theorem: Theorem) -> None:
    assert theorem.sample is not None
    for widths, seed in product(theorem.certified_at, range(4)):
        instance = theorem.sample(ExactDraw(seed), widths)
        assert exactly(instance.statement.lowered(), dict(instance.values)) == (True, True)


def test_a_mean_of_more_numbers_has_no_squares() -> None:
    with pytest.raises(InvalidInput, match="one to four numbers"):
        means.squares([Fraction(1)] * 5)


# -- naive evaluations in fractions -------------------------------------------------------------------------------------

numbers = st.fractions(-3, 3, max_denominator=3)
nonnegative = st.fractions(0, 3, max_denominator=3)
Matrix = list[list[Fraction]]


def matrices(rows: int, cols: int) -> st.SearchStrategy[Matrix]:
    return st.lists(st.lists(numbers, min_size=cols, max_size=cols), min_size=rows, max_size=rows)


@st.composite
def networks(draw: st.DrawFn, most: int = 2) -> tuple[Setting, dict[str, Any]]:
    """Layers of widths at most 2 (3 if there are two layers), decays, variances, and two data points."""
    depth = draw(st.integers(2, 3))
    widths = (*(draw(st.integers(1, most if depth > 2 else 3)) for _ in range(depth)), 1)
    net = Setting(widths)
    env: dict[str, Any] = {W.name: draw(matrices(int(W.shape[0]), int(W.shape[1]))) for W in net.layers}
    env |= {str(c): draw(nonnegative) for c in (*net.decay, *net.noise)}
    return net, env | {"points": [(draw(matrices(widths[0], 1)), draw(numbers)) for _ in range(2)]}


def times(*factors: Matrix) -> Matrix:
    out, *rest = factors
    for m in rest:
        columns = list(zip(*m, strict=True))
        out = [[sum((x * y for x, y in zip(row, col, strict=True)), Fraction(0)) for col in columns] for row in out]
    return out


def moments(points: list[tuple[Matrix, Fraction]]) -> dict[str, Any]:
    """A, g and Y of data points of equal weight."""
    d, n = len(points[0][0]), len(points)
    A = [[sum(x[i][0] * x[j][0] for x, _ in points) / n for j in range(d)] for i in range(d)]
    return {"A": A, "g": [[sum(x[i][0] * y for x, y in points) / n] for i in range(d)], "Y": sum(y * y for _, y in points) / n}


def exact(e: Any, env: dict[str, Any]) -> Any:
    """The expression in exact rationals; a scalar as a Fraction."""
    values = {k: matrix(v) if isinstance(v, list) else Rational().num(Fraction(v)) for k, v in env.items() if k != "points"}
    out = evaluate([lower(e)], Rational(), values)[0]
    return out if hasattr(out, "nrows") else Fraction(str(out))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks(), st.lists(st.sampled_from([Fraction(1, 2), Fraction(1, 3), Fraction(3, 4)]), min_size=2, max_size=2))
def test_the_loss_is_the_mean_over_all_dropout_masks(case: tuple[Setting, dict[str, Any]], rates: list[Fraction]) -> None:
    net, env = case
    dropped = dict(zip(map(str, net.noise), rates, strict=False))
    env |= moments(env["points"]) | {s: p / (1 - p) for s, p in dropped.items()} | {str(c): Fraction(0) for c in net.decay}
    assert exact(net.loss, env) == dropout_loss(net, env, list(dropped.values()))


def dropout_loss(net: Setting, env: dict[str, Any], rates: list[Fraction]) -> Fraction:
    """Every mask (each neuron 0 with chance p, else 1/(1-p)) and every data point."""
    neurons = [p for p, d in zip(rates, net.widths[1:-1], strict=False) for _ in range(int(d))]
    total = Fraction(0)
    for mask in product((0, 1), repeat=len(neurons)):
        chance = prod((1 - p if keep else p for keep, p in zip(mask, neurons, strict=True)), start=Fraction(1))
        scales = iter([keep / (1 - p) for keep, p in zip(mask, neurons, strict=True)])
        factors = [list(scales_of(scales, int(d))) for d in net.widths[1:-1]]
        total += chance * sum((output(net, env, x, factors) - y) ** 2 for x, y in env["points"]) / len(env["points"])
    return total


def scales_of(scales: Iterator[Fraction], d: int) -> Iterator[Fraction]:
    return (next(scales) for _ in range(d))


def output(net: Setting, env: dict[str, Any], x: Matrix, factors: list[list[Fraction]]) -> Fraction:
    out = x
    for W, scale in zip(net.layers, [*factors, [Fraction(1)]], strict=True):
        out = [[c * row[0]] for c, row in zip(scale, times(env[W.name], out), strict=True)]
    return out[0][0]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks())
def test_the_path_lemma_is_a_sum_of_squares_of_paths(case: tuple[Setting, dict[str, Any]]) -> None:
    net, env = case
    env |= moments(env["points"])
    slack = exact(path_lemma.slack(net, net.kappa), env)
    assert slack == naive_squares(net, env) >= 0


def naive_squares(net: Setting, env: dict[str, Any]) -> Fraction:
    hidden, total = [int(d) for d in net.widths[1:-1]], Fraction(0)
    for S in (S for k in range(1, len(hidden) + 1) for S in combinations(range(len(hidden)), k)):
        weight = prod((env[f"s{i + 1}"] / hidden[i] for i in S), start=Fraction(1))
        parts = [part(net, env, dict(zip(S, J, strict=True))) for J in product(*(range(hidden[i]) for i in S))]
        for u, v in combinations(parts, 2):
            z = [[a - b] for a, b in zip(u, v, strict=True)]
            total += weight * times([[x[0] for x in z]], env["A"], z)[0][0]
    return total


def part(net: Setting, env: dict[str, Any], nodes: dict[int, int]) -> list[Fraction]:
    """The part of v carried by the paths through these nodes: all paths are enumerated."""
    widths = [int(d) for d in net.widths]
    out = [Fraction(0)] * widths[0]
    for path in product(*(range(d) for d in widths)):
        if all(path[i + 1] == j for i, j in nodes.items()):
            out[path[0]] += prod((env[W.name][path[i + 1]][path[i]] for i, W in enumerate(net.layers)), start=Fraction(1))
    return out


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(), st.lists(nonnegative, min_size=1, max_size=4))
def test_the_norm_lemma_in_powers(case: tuple[Setting, dict[str, Any]], a: list[Fraction]) -> None:
    net, env = case
    norms = [sum(x * x for row in env[W.name] for x in row) for W in net.layers]
    v = times(*(env[W.name] for W in reversed(net.layers)))[0]
    decays = [env[str(c)] for c in net.decay]
    penalty, n = sum(c * x for c, x in zip(decays, norms, strict=True)), net.depth
    assert exact(norm_lemma.slack(net), env) == prod(norms) - sum(x * x for x in v) >= 0
    assert penalty**n >= n**n * prod(decays) * sum(x * x for x in v)
    assert sum(a) ** len(a) - len(a) ** len(a) * prod(a) == means.squares(a) == means.deficit(a) >= 0


@settings(max_examples=15, deadline=None, derandomize=True)
@given(networks())
def test_the_gradient_identities_with_exact_differences(case: tuple[Setting, dict[str, Any]]) -> None:
    net, env = case
    env |= moments(env["points"])
    G = [differences(net, env, W.name) for W in net.layers]
    second, fit = exact(net.second_moment, env), exact(net.fit, env)
    energy = [[env[str(c)] * x * x for row in env[W.name] for x in row] for c, W in zip(net.decay, net.layers, strict=True)]
    for W, g, a in zip(net.layers, G, energy, strict=True):
        scaling = sum(x * y for r, q in zip(env[W.name], g, strict=True) for x, y in zip(r, q, strict=True)) / 2
        assert scaling == second - fit + sum(a)
    for i in range(1, net.depth):
        below, above = env[f"W{i}"], env[f"W{i + 1}"]
        for j in range(int(net.widths[i])):
            up = sum(x * y for x, y in zip(G[i - 1][j], below[j], strict=True))
            turned = up - sum(r[j] * q[j] for r, q in zip(above, G[i], strict=True))
            rows, columns = sum(x * x for x in below[j]), sum(r[j] ** 2 for r in above)
            assert turned / 2 == env[f"gamma{i}"] * rows - env[f"gamma{i + 1}"] * columns


def differences(net: Setting, env: dict[str, Any], name: str) -> Matrix:
    """The gradient by a layer: the loss is quadratic in each entry, so (L(x + 1) - L(x - 1)) / 2 is its derivative."""

    def at(i: int, j: int, by: int) -> Fraction:
        table = [[x + by * ((r, c) == (i, j)) for c, x in enumerate(row)] for r, row in enumerate(env[name])]
        return Fraction(exact(net.loss, env | {name: table}))

    return [[(at(i, j, 1) - at(i, j, -1)) / 2 for j in range(len(row))] for i, row in enumerate(env[name])]


def test_one_number_for_a_whole_layer_gives_eight_and_not_six() -> None:
    net = Setting((1, 2, 1))
    env = {"W1": [[1], [1]], "W2": [[1, 1]], "A": [[1]], "s1": 1}
    one = {name: [[Fraction(x) for x in row] for row in table] for name, table in env.items() if name != "s1"}
    shared = [output(net, one, [[Fraction(1)]], [[eps, eps]]) ** 2 for eps in (Fraction(0), Fraction(2))]
    assert exact(net.second_moment, env) == 6
    assert sum(shared) / 2 == 8
