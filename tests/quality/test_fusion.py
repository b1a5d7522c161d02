"""Semantic fusion: pairs of statements of known truth, combined so that the truth of the whole is known.

By conjunction: hypotheses and conclusions together, variables renamed apart; the whole is true if both parts are, false if
one is not (the hypotheses of the other can be met). By substitution, as in the fusion of SMT formulas: a scalar x of the first
part is replaced by z - y with a fresh z and a scalar y of the second, which is a change of variables and alters no truth.
"""

import random
from itertools import product

import pytest
from conjecture_corpus import corpus

from numerics.search.search import search
from theory import dag, kernel
from theory.certificates import at_point, statement
from theory.provers.api import Budget
from theory.provers.points import at_sizes
from theory.provers.proof import by_search
from theory.statement import Lowered

FRESH = dag.var("fresh")
# Parts with few entries, so that a pair is judged within a second.
MOST_ENTRIES, MOST_DEGREE = 6, 8


def entries(s):
    return sum(v.shape[0] * v.shape[1] if v.shape else 1 for v in s.variables)


def parts():
    """The small statements of the corpus, all symbolic dimensions 1, that are decided by their points or their proofs."""
    out = {True: [], False: []}
    for case in corpus().values():
        lowered = case.statement.lowered(case.at)
        s = at_sizes(lowered, dict.fromkeys(lowered.dims, 1))
        mean = any(y.op == "expect" for y in dag.topological([x for _, x in (*s.given, *s.then)]))
        if entries(s) <= MOST_ENTRIES and not mean and (case.truth or (case.point is not None and not lowered.dims)):
            out[case.truth].append((s, case.point))
    return out


PARTS = parts()


def renamed(s, suffix):
    change = {v: dag.var(f"{v.data[0]}_{suffix}", v.shape, symmetric=v.data[1]) for v in s.variables}
    return changed(s, change, tuple(change.values()))


def changed(s, change, variables):
    terms = iter(dag.substitute([x for _, x in (*s.given, *s.then)], change))
    given, then = (tuple((r, next(terms)) for r, _ in conditions) for conditions in (s.given, s.then))
    return Lowered(s.name, s.dims, variables, given, then)


def conjunction(left, right):
    return Lowered(
        f"{left.name} and {right.name}", (), left.variables + right.variables, left.given + right.given, left.then + right.then
    )


def scalars(s):
    bound = {y.args[1] for y in dag.topological([x for _, x in (*s.given, *s.then)]) if y.op in ("grad", "expect")}
    return [v for v in s.variables if not v.shape and v not in bound]


def fused(left, right, rng):
    """The pair with a scalar x of the left part replaced by fresh - y; None without such scalars."""
    if not scalars(left) or not scalars(right):
        return None
    x, y = rng.choice(scalars(left)), rng.choice(scalars(right))
    variables = tuple(FRESH if v is x else v for v in left.variables)
    return conjunction(changed(left, {x: dag.sub(FRESH, y)}, variables), right)


def pairs():
    """All pairs of parts, by conjunction and by substitution: (whole, truth)."""
    rng = random.Random(7)
    for (a, b), (i, j) in product(product(PARTS, PARTS), product(range(100), range(100))):
        if i < len(PARTS[a]) and j < len(PARTS[b]):
            left, right = renamed(PARTS[a][i][0], "l"), renamed(PARTS[b][j][0], "r")
            yield conjunction(left, right), a and b
            whole = fused(left, right, rng)
            if whole is not None:
                yield whole, a and b


WHOLE = list(pairs())


def wrong(whole, truth, seconds):
    """A verdict against the truth; certificates are what the kernel accepted."""
    return refuted(whole, seconds) if truth else by_search(whole, Budget(seconds))[-1].found is not None


def refuted(whole, seconds):
    return any(event.kind == "refuted" for event in search(whole, seconds))


def chosen(count):
    rng = random.Random(11)
    true, false = ([w for w, t in WHOLE if t is truth] for truth in (True, False))
    return [(rng.choice(true), True) for _ in range(count // 3)] + [
        (rng.choice(false), False) for _ in range(count - count // 3)
    ]


def test_there_are_enough_pairs_of_each_kind():
    assert len(WHOLE) >= 500 and sum(t for _, t in WHOLE) >= 100
    assert len(PARTS[True]) >= 8 and len(PARTS[False]) >= 8


def test_a_pair_with_a_false_part_has_the_violation_of_that_part():
    """The known violation of the false part beside a witness of the true one violates the whole: fusion keeps truth."""
    for s, point in PARTS[False][:4]:
        other, witness = next((t, p) for t, p in PARTS[False] if t is not s)
        whole = conjunction(renamed(s, "l"), renamed(other, "r"))
        joined = {f"{k}_l": v for k, v in point.items()} | {f"{k}_r": v for k, v in witness.items()}
        kernel.check(at_point(whole, joined, "refuted"), statement(whole)[0])


def test_a_sample_of_pairs_gets_no_wrong_verdict():
    assert not [whole.name for whole, truth in chosen(4) if wrong(whole, truth, 0.3)]


@pytest.mark.thorough
def test_five_hundred_pairs_get_no_wrong_verdict():
    assert not [whole.name for whole, truth in chosen(540) if wrong(whole, truth, 0.8)]


@pytest.mark.thorough
def test_pairs_are_decided_often_enough_for_the_test_to_mean_something():
    """A true pair is proved, a false one refuted, in a good share of cases: the engines are not silent on fused statements."""
    decided = 0
    for whole, truth in chosen(60):
        decided += by_search(whole, Budget(2.0))[-1].found is not None if truth else refuted(whole, 2.0)
    assert decided >= 30
