r"""Evidence from instances: exact (CERTIFIED) and in batches of floats (SUPPORTED).

Both draw instances from the sampler of a theorem, which satisfies the hypotheses by construction, and check hypotheses and
conclusions at each. A violation counts as REFUTED only at an exact point that the kernel has accepted; a violation seen in
floats is repeated exactly (`numerics.draws.ReplayedDraw`), which confirms or dismisses it. What neither settles is UNDECIDED,
with the suspicious point. No number of instances proves anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from numerics.backends import Backend, backend
from numerics.draws import Degenerate, ExactDraw, FloatDraw, ReplayedDraw
from numerics.margins import TAU, Margins, margins
from theory import kernel
from theory.algebra import evaluate
from theory.algebras.polynomial import Polynomial
from theory.algebras.rational import Rational, rational
from theory.certificates import Json, at_point, number
from theory.dag import Node, topological
from theory.errors import DeeplinError, InvalidInput
from theory.statement import Lowered
from theory.theorem import Draw, Instance, Theorem

# Instances that are drawn and judged together, at most, on a CPU and on a GPU; and the bytes that they may take.
BATCH, MEMORY = {"cpu": 4096, "cuda": 1 << 18}, 1 << 30
# Arrays alive at once in the size of all variables, and in that of all conditions: values, squares, magnitudes, margins.
COPIES = (5, 8)
# Fresh draws that may follow degenerate ones before the sampler is blamed; violations that are repeated exactly.
PATIENCE, REPLAYS = 100, 20
# Coarse roundings give points that a person can read; the last is the float instance itself.
REPLAY_BITS = (1, 3, 6, 12, 60)


class SamplerError(DeeplinError, RuntimeError):
    """A sampler made an instance that violates the theorem's own hypotheses, or none at all."""


@dataclass(frozen=True)
class Certified:
    """Exact evidence at some widths. `grade` is CERTIFIED, REFUTED or UNDECIDED; `point` and `certificate` show a violation."""

    theorem: str
    widths: tuple[int, ...]
    grade: str
    instances: int
    degenerate: int
    seed: int
    law: str
    detail: str = ""
    point: Json | None = None
    certificate: Json | None = None

    def json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True)
class Supported:
    """Float evidence at some widths. `grade` is SUPPORTED, REFUTED or UNDECIDED.

    `instances` are those that decided something, `inconclusive` the others; `worst` is the largest violation in units of the
    unit roundoff times the propagated magnitude (up to `tolerance` it is rounding), `slack` the least value of an inequality
    over that magnitude. `dismissed` float violations held when repeated exactly.
    """

    theorem: str
    widths: tuple[int, ...]
    grade: str
    instances: int
    inconclusive: int
    dismissed: int
    seed: int
    law: str
    precision: str
    worst: float
    slack: float | None
    tolerance: float = TAU
    detail: str = ""
    point: Json | None = None
    certificate: Json | None = None

    @property
    def bound(self) -> str:
        """What so many instances without a violation say (the rule of three)."""
        return f"density of violations < {3 / max(self.instances, 1):.2g} at 95% under that law"

    def json(self) -> Json:
        return {**asdict(self), "bound": self.bound if self.grade == "SUPPORTED" else None}


# -- exact --------------------------------------------------------------------------------------------------------------


def holds(relation: str, value: Any) -> bool:
    """Whether an exact value is ==, >= or > 0; for a matrix: is zero, symmetric semidefinite, definite.

    >>> holds(">=", fmpq_mat([[1, 1], [1, 1]])), holds(">", fmpq_mat([[1, 1], [1, 1]])), holds("==", fmpq(0))
    (True, False, True)
    """
    if not isinstance(value, fmpq_mat):
        x = rational(value)
        return bool(x == 0 if relation == "==" else x >= 0 if relation == ">=" else x > 0)
    if relation == "==":
        return bool(value == fmpq_mat(value.nrows(), value.ncols()))
    return value == value.transpose() and _definite(value.table(), relation == ">")


def _definite(rows: list[list[fmpq]], strict: bool) -> bool:
    """Whether a symmetric table is positive (semi)definite, by elimination."""
    while rows:
        (pivot, *row), *below = rows
        if pivot < 0 or (pivot == 0 and (strict or any(row))):
            return False
        rows = [[x - (r[0] * y / pivot if r[0] else 0) for x, y in zip(r[1:], row, strict=True)] for r in below]
    return True


def exact_values(terms: Sequence[Node], values: Mapping[str, Any]) -> list[Any]:
    """The terms at an exact point; means over noise are taken as polynomials in the noise."""
    noise = list(dict.fromkeys(x.args[1] for x in topological(terms) if x.op == "expect"))
    if not noise:
        return evaluate(terms, Rational(), values)
    algebra, names = Polynomial.of(noise), {x.data[0] for x in noise}
    env = {k: _constant(algebra, x) for k, x in values.items() if k not in names}
    return [_value(x) for x in evaluate(terms, algebra, env)]


def _constant(algebra: Polynomial, x: Any) -> Any:
    table = x.table() if isinstance(x, fmpq_mat) else None
    return algebra.num(_fraction(x)) if table is None else [[algebra.num(_fraction(c)) for c in row] for row in table]


def _fraction(x: Any) -> Fraction:
    return Fraction(str(rational(x)))


def _value(x: Any) -> Any:
    if isinstance(x, list):
        return fmpq_mat(len(x), len(x[0]), [_value(y) for row in x for y in row])
    terms = x.to_dict()
    if any(any(powers) for powers in terms):
        raise InvalidInput("mean", x, "noise only inside the mean over it")
    return terms.get((0,) * x.context().nvars(), fmpq(0))


def _truth(s: Lowered, values: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether all hypotheses hold at the point, and all conclusions."""
    parts = [*s.given, *s.then]
    held = [holds(r, x) for (r, _), x in zip(parts, exact_values([x for _, x in parts], values), strict=True)]
    return all(held[: len(s.given)]), all(held[len(s.given) :])


def _sampled(theorem: Theorem, draw: Draw, widths: Sequence[int]) -> Instance:
    if theorem.sample is None:
        raise InvalidInput("theorem", theorem.name, "a theorem with a sampler")
    return theorem.sample(draw, widths)


def _exact_instance(theorem: Theorem, widths: Sequence[int], seed: int, index: int) -> tuple[Instance, int]:
    """Instance `index` of the seed, and the degenerate draws before it."""
    for attempt in range(PATIENCE):
        try:
            return _sampled(theorem, ExactDraw(f"{seed} {index} {attempt}"), widths), attempt
        except Degenerate:
            continue
    raise SamplerError(f"{theorem.name} at widths {tuple(widths)}: {PATIENCE} degenerate draws in a row")


def certify(theorem: Theorem, widths: Sequence[int], count: int, seed: int = 0) -> Certified:
    """Checks `count` random instances at `widths` in exact rational arithmetic; stops at the first violation.

    Raises `SamplerError` if an instance violates the hypotheses, `InvalidInput` if the theorem has no sampler.
    """
    done = Certified(theorem.name, tuple(widths), "CERTIFIED", 0, 0, seed, ExactDraw.law)
    for index in range(_positive("count", count)):
        instance, degenerate = _exact_instance(theorem, widths, seed, index)
        s = instance.statement.lowered()
        given, then = _truth(s, instance.values)
        if not given:
            where = f"{theorem.name} at widths {tuple(widths)}, seed {seed}, instance {index}"
            raise SamplerError(f"{where}: the sampler violates a hypothesis")
        done = replace(done, instances=index + 1, degenerate=done.degenerate + degenerate)
        if not then:
            return replace(done, **_refutation(s, instance.values))
    return done


def _positive(argument: str, value: int) -> int:
    if value < 1:
        raise InvalidInput(argument, value, "an integer >= 1")
    return value


def _refutation(s: Lowered, values: Mapping[str, Any]) -> Json:
    """REFUTED if the kernel accepts the exact point; else UNDECIDED, with the reason."""
    point = {str(v.data[0]): values[str(v.data[0])] for v in s.variables}
    certificate = at_point(s, point, "refuted")
    shown = certificate["evidence"]["point"]
    try:
        kernel.check(certificate)
    except kernel.Rejected as why:
        return {"grade": "UNDECIDED", "detail": f"an exact point that the kernel does not accept: {why}", "point": shown}
    return {"grade": "REFUTED", "detail": "exact point, accepted by the kernel", "point": shown, "certificate": certificate}


# -- floats -------------------------------------------------------------------------------------------------------------


def support(
    theorem: Theorem, widths: Sequence[int], count: int, seed: int = 0, *, on: Backend | None = None, memory: int = MEMORY
) -> Supported:
    """Checks `count` random instances at `widths` in floats, in batches; stops at the first batch with a violation that stands.

    A batch is as large as fits about `memory` bytes, and at least one instance. An instance is inconclusive where a value is no
    finite number, a hypothesis fails beyond rounding, or a strict conclusion is within rounding of equality. Raises
    `InvalidInput` if the theorem has no sampler.
    """
    where = on or backend()
    done = Supported(theorem.name, tuple(widths), "SUPPORTED", 0, 0, 0, seed, FloatDraw.law, where.describe(), 0.0, None)
    batch = _batch(theorem, widths, _positive("count", count), where, _positive("memory", memory))
    for start in range(0, count, batch):
        size = min(batch, count - start)
        done = _after(done, theorem, (seed, start), size, where)
        if done.grade != "SUPPORTED":
            return done
    return done if done.instances else replace(done, grade="UNDECIDED", detail="every instance was inconclusive")


def _batch(theorem: Theorem, widths: Sequence[int], count: int, where: Backend, memory: int) -> int:
    """How many instances fit the memory; found from one instance, where they are large."""
    most = min(count, BATCH[where.device])
    if 8 * 64 * max(widths) ** 2 * most <= memory:
        return most
    instance = _sampled(theorem, FloatDraw((0, 0), 1), widths)
    s = instance.statement.lowered()
    inputs = sum(np.size(x) for x in instance.values.values())
    outputs = sum(prod(map(int, x.shape)) for _, x in (*s.given, *s.then))
    return max(1, min(most, memory // (8 * (COPIES[0] * inputs + COPIES[1] * outputs))))


def _after(done: Supported, theorem: Theorem, seed: tuple[int, int], size: int, where: Backend) -> Supported:
    """The record after one more batch."""
    instance = _sampled(theorem, FloatDraw(seed, size), done.widths)
    s, env = instance.statement.lowered(), instance.values
    given, then = margins(s.given, env, size, where), margins(s.then, env, size, where)
    suspects = np.flatnonzero(given.clear & then.violated)
    for index in suspects[:REPLAYS]:
        found = _replayed(theorem, done.widths, seed, size, int(index))
        if found["grade"] != "dismissed":
            return replace(done, **found, worst=_worst(done, then, given.clear & then.finite))
    if len(suspects) > REPLAYS:
        return replace(done, grade="UNDECIDED", detail=f"{len(suspects)} violations in a batch, those repeated exactly held")
    return _counted(done, given, then, len(suspects))


def _counted(done: Supported, given: Margins, then: Margins, dismissed: int) -> Supported:
    good = given.clear & then.clear
    slack = min([x for x in (done.slack, float(then.slack[good].min(initial=np.inf))) if x is not None])
    return replace(
        done,
        instances=done.instances + int(good.sum()),
        inconclusive=done.inconclusive + int((~good).sum()),
        dismissed=done.dismissed + dismissed,
        worst=_worst(done, then, good),
        slack=None if np.isinf(slack) else slack,
    )


def _worst(done: Supported, then: Margins, among: Any) -> float:
    return max(done.worst, float(then.excess[among].max(initial=0.0)))


def _replayed(theorem: Theorem, widths: Sequence[int], seed: tuple[int, int], size: int, index: int) -> Json:
    """A float violation repeated exactly: refuted, dismissed (it holds exactly), or undecided."""
    for bits in REPLAY_BITS:
        try:
            instance = _sampled(theorem, ReplayedDraw(seed, size, index, bits), widths)
        except Degenerate:
            continue
        s = instance.statement.lowered()
        given, then = _truth(s, instance.values)
        if given and not then:
            return _refutation(s, instance.values)
        if given and bits == REPLAY_BITS[-1]:
            return {"grade": "dismissed"}
    return _suspicion(theorem, widths, seed, size, index)


def _suspicion(theorem: Theorem, widths: Sequence[int], seed: tuple[int, int], size: int, index: int) -> Json:
    instance = _sampled(theorem, FloatDraw(seed, size), widths)
    point = {name: _exactly(np.asarray(x)[index].tolist()) for name, x in instance.values.items()}
    return {"grade": "UNDECIDED", "detail": "a violation in floats that no exact point confirms", "point": point}


def _exactly(x: Any) -> Any:
    return [_exactly(y) for y in x] if isinstance(x, list) else number(Fraction(x)) if np.isfinite(x) else str(x)
