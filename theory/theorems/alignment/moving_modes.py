r"""A trajectory that stays aligned in fixed bases, and whose modes move, forces the condition on the data.

Setting: coordinates in fixed orthogonal bases as in `alignment.universal_invariance`: rect-diagonal layers, moments \(\hat S,
\hat C\), m the least width, \(\pi_p\) the product of the singular values of mode p.

Hypotheses: the trajectory (of gradient descent or flow) is rect-diagonal at all times, so that the gradients are; every mode
p <= m has two times at which its singular values are not zero and \(\pi_p\) differs.

Conclusion: \(\hat C_{pq} = \hat S_{pq} = 0\) for all \(p \ne q\) with \(\min(p, q) \le m\). (Conversely the condition is
sufficient for every aligned start: `alignment.universal_invariance`, `alignment.fixed_bases`.)

Form: implication; with its converse an iff.

Scope of proof: all widths at most 3 at depths 1 and 2, and seven tuples at depth 3; all singular values at the two times are
variables.

Why: the gradients of the first layer say \(\pi_p \hat S_{pq} = \hat C_{pq}\) at two values of \(\pi_p\).

Sharpness: 'some start stays aligned' is empty: with S = [[2,1],[1,1]], C = diag(1,3) (no common bases: [C^T C, S] != 0) the
zero network and every rank-one network stay aligned for ever, and so does every aligned global minimum.

Source: arXiv:2003.06340 (form and proof: own).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from theory.certificates import Step, prove
from theory.dag import Node, T, const, entry, eye, known, mul, num, power, sub, tr, var
from theory.statement import Condition, Statement, equal, greater
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.training import SOURCE, after_step, misalignment
from theory.theorems.alignment.universal_invariance import RATE, Coordinates, tuples, zeros

NAME = "alignment.moving_modes"
DEEP = ((2, 2, 2, 2), (3, 3, 3, 3), (3, 2, 2, 3), (2, 3, 1, 2), (1, 2, 3, 2), (3, 1, 1, 3), (2, 3, 2, 3))


class Motion:
    """A network at two times, with the off-diagonal parts of the gradients of its first and of its last layer."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        self.f = Coordinates(widths)
        self.times = self.f.values, tuple(tuple(var("y" + str(v)[1:]) for v in row) for row in self.f.values)
        cores = [(k, self.f.cores(z)) for k, z in enumerate(self.times)]
        self.facts = {(i, k): self.f.off(i, layers) for i in sorted({1, self.f.depth}) for k, layers in cores}

    def whole(self, p: int, k: int) -> Node:
        """pi_p at time k."""
        return mul(*(row[p] for row in self.times[k]))

    def others(self, p: int, k: int) -> Node:
        """The singular values of mode p but that of the first layer."""
        return mul(num(1), *(row[p] for row in self.times[k][1:]))

    def moving(self, p: int) -> tuple[Node, Node, Node]:
        """pi_p^2, its value at the other time, and the square of the difference: all to be positive."""
        a, b = self.whole(p, 0), self.whole(p, 1)
        return power(a, 2), power(b, 2), power(sub(a, b), 2)

    @property
    def still(self) -> tuple[Condition, ...]:
        """The trajectory stays rect-diagonal."""
        return (*(equal(x) for x in self.facts.values() if x.op != "zero"), greater(power(RATE, 2)))

    @property
    def given(self) -> tuple[Condition, ...]:
        return (*self.still, *(greater(x) for p in range(self.f.least) for x in self.moving(p)))

    @property
    def variables(self) -> tuple[Node, ...]:
        return (self.f.S, self.f.C, *(v for z in self.times for row in z for v in row), RATE)

    def statement(self) -> Statement:
        return Statement(f"{NAME}.necessary.{self.f.label}", self.variables, self.given, tuple(map(equal, self.f.moments)))

    # -- proof ----------------------------------------------------------------------------------------------------------

    def pair(self, p: int, q: int, scales: tuple[Node, Node]) -> tuple[Node, Node]:
        """(by, times) of a combination of the two gradients of the first layer, at (p, q)."""
        a, b = self.others(p, 0), self.others(p, 1)
        known_at = [entry(known(self.facts[1, k]), p, q) for k in (0, 1)]
        first, second = mul(b, scales[0], known_at[0]), mul(a, scales[1], known_at[1])
        front = mul(self.whole(p, 0), self.whole(p, 1), sub(self.whole(p, 0), self.whole(p, 1)))
        by = mul(RATE, front, self.times[0][0][p], self.times[1][0][p], sub(first, second))
        return by, mul(known(power(RATE, 2)), *map(known, self.moving(p)))

    def second_moment(self, p: int, q: int) -> Step:
        return prove("==", entry(self.f.S, p, q), *self.pair(p, q, (num(1), num(1))))

    def cross_moment(self, p: int, q: int) -> Step:
        x = entry(self.f.C, p, q)
        if p < self.f.least:
            return prove("==", x, *self.pair(p, q, (self.whole(p, 1), self.whole(p, 0))))
        last = entry(known(self.facts[self.f.depth, 0]), p, q)
        by = mul(num(-1), RATE, self.whole(q, 0), self.times[0][-1][q], last)
        return prove("==", x, by, mul(known(power(RATE, 2)), known(power(self.whole(q, 0), 2))))

    def steps(self) -> Iterator[Step]:
        n, m = self.f.widths[0], self.f.least
        yield from (self.second_moment(p, q) for p in range(min(m, n)) for q in range(p + 1, n))
        yield from (self.cross_moment(p, q) for p, q in self.f.pairs)

    def witness(self) -> dict[str, Any]:
        """All singular values 1 at first and 2 later, no data."""
        values = {str(v): k + 1 for k, z in enumerate(self.times) for row in z for v in row}
        return values | zeros((self.f.S, self.f.C)) | {"eta": 1}


def claims() -> Iterator[Claim]:
    for widths in (*tuples(3, 2), *DEEP):
        motion = Motion(widths)
        if motion.f.moments:
            yield Claim(motion.statement(), tuple(motion.steps()), motion.witness())


# -- sharpness ----------------------------------------------------------------------------------------------------------


def _still_only(name: str) -> Statement:
    """Without the hypothesis that the modes move and do not vanish."""
    motion = Motion((2, 2, 2))
    return replace(motion.statement(), name=f"{NAME}: {name}", given=motion.still)


def _not_moving() -> Statement:
    """Singular values that are not zero, at rest."""
    motion = Motion((2, 2, 2))
    nonzero = [greater(x) for p in (0, 1) for x in motion.moving(p)[:2]]
    return replace(motion.statement(), name=f"{NAME}: modes at rest", given=(*motion.still, *nonzero))


def _one_moves() -> Statement:
    """Three modes, of which the first one moves."""
    motion = Motion((3, 3, 3))
    given = (*motion.still, *(greater(x) for x in motion.moving(0)))
    return replace(motion.statement(), name=f"{NAME}: one mode moves", given=given)


def _point(values: Sequence[int], S: Any, C: Any) -> dict[str, Any]:
    """Mode p has the singular values 1 and values[p], at both times."""
    cores = {f"{time}{i}{p}": v if i == 1 else 1 for time in "zy" for i in (1, 2) for p, v in enumerate(values, 1)}
    return cores | {"S": S, "C": C, "eta": 1}


def rank_one() -> Statement:
    """Weak alignment before and after a step in which the product moves would make the data commute: S, C as above."""
    w, z = var("w", (1, 2)), var("z", (2, 1))
    S, C, first = const([[2, 1], [1, 1]]), const([[1, 0], [0, 3]]), const([[1], [0]])
    layers = mul(first, w), mul(z, T(first))
    after = after_step(layers, S, C, num(1))
    moved = sub(mul(after[1], after[0]), mul(layers[1], layers[0]))
    given = (equal(misalignment(layers)), equal(misalignment(after)), greater(tr(mul(T(moved), moved))))
    squares = mul(T(C), C)
    return Statement(f"{NAME}: rank one", (w, z), given, (equal(sub(mul(squares, S), mul(S, squares))),))


def sharpness() -> Iterator[Counterexample]:
    S, C = [[2, 1], [1, 1]], [[1, 0], [0, 3]]
    zero = {f"{time}{i}{p}": 0 for time in "zy" for i in (1, 2) for p in (1, 2)}
    yield Counterexample("modes that do not vanish", _still_only("the zero network"), zero | {"S": S, "C": C, "eta": 1})
    yield Counterexample("modes that move", _not_moving(), _point((1, 2), S, [[2, 1], [2, 2]]))
    first = {
        f"{time}{i}{p}": (k if i == 1 else 1) * (p == 1) for k, time in ((1, "z"), (2, "y")) for i in (1, 2) for p in (1, 2, 3)
    }
    data = {"S": [[1, 0, 0], [0, 2, 1], [0, 1, 1]], "C": [[1, 0, 0], [0, 1, 0], [0, 0, 3]], "eta": 1}
    yield Counterexample("every mode moves", _one_moves(), first | data)
    yield Counterexample("fixed outer bases", rank_one(), {"w": [[1, 0]], "z": [[1], [0]]})


def variants() -> Iterator[Statement]:
    yield _still_only("some trajectory stays")
    yield _not_moving()
    yield rank_one()
    yield _one_moves()
    motion = Motion((2, 2, 2))
    f = motion.f
    for name, x in (("the diagonal too", entry(f.C, 0, 0)), ("equal spectra", sub(f.S, mul(entry(f.S, 0, 0), eye(2))))):
        yield replace(motion.statement(), name=f"{NAME}: {name}", then=(equal(x),))
    wide = Motion((3, 1, 3))
    beyond = tuple(equal(entry(x, 1, 2)) for x in (wide.f.S, wide.f.C))
    yield replace(wide.statement(), name=f"{NAME}: beyond the bottleneck", then=beyond)
    half = Motion((2, 2))
    first = tuple(equal(x) for (_, k), x in half.facts.items() if k == 0)
    kept = (*first, *half.given[2:])
    yield replace(half.statement(), name=f"{NAME}: rect-diagonal at one time", given=kept)


THEOREM = Theorem(
    name=NAME,
    sheet="INV-3",
    title="Invariance along one trajectory: the modes must move",
    form="implication (iff with its converse)",
    source=f"{SOURCE} (form and proof: own)",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    note=(
        "'Necessary for invariance' needs fixed bases and nonzero modes that move: with S = [[2,1],[1,1]], C = diag(1,3) the "
        "zero network and all rank-one networks stay aligned for ever although no bases suit the data, and so do aligned "
        "global minima."
    ),
)
