r"""Conjectures: write one, learn within a minute whether it is proved (where), refuted by an exact point, vacuous, or open.

>>> from sympy import MatrixSymbol, Symbol
>>> from deeplin import Statement, equal
>>> n = Symbol("n")
>>> A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
>>> verdict = check(Conjecture(Statement("all matrices commute", (A, B), (), (equal(A * B, B * A),))), budget=20)
>>> str(verdict.grade), verdict.scope, sorted(verdict.point)
('REFUTED', 'A 2x2, B 2x2', ['A', 'B'])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from deeplin.report import Grade
from theory.certificates import Json
from theory.errors import InvalidInput
from theory.provers.points import small_sizes
from theory.statement import Statement

Size = Mapping[str, int] | Sequence[int | str]


@dataclass(frozen=True)
class Conjecture:
    """A statement, or a function from widths to statements, and the sizes at which to try it, smallest first.

    A statement with symbolic dimensions is tried in the free algebra first (for all widths); each of `sizes` names the
    dimensions, `{"n": 2}`, or gives them in their natural order, `(2, 2, 1)` for d0, d1, d2. Without sizes, small ones are
    chosen. A function is called with each tuple of `sizes`; a width in it may be a name, `("d0", "d1", 1)`.
    """

    statement: Statement | Callable[..., Statement]
    sizes: Sequence[Size] = ()

    @property
    def name(self) -> str:
        """The statement's name, or the function's with spaces."""
        if isinstance(self.statement, Statement):
            return self.statement.name
        return getattr(self.statement, "__name__", "conjecture").replace("_", " ")

    def statements(self) -> Iterator[Statement]:
        """The statement at each of the sizes, those with symbolic dimensions first."""
        found = [_with_tuples(s) for s in self._statements()]
        yield from sorted(found, key=lambda s: not s.lowered().dims)

    def _statements(self) -> Iterator[Statement]:
        if not isinstance(self.statement, Statement):
            if not callable(self.statement):
                raise InvalidInput("conjecture", self.statement, "a Statement, or a function from widths to one")
            if not self.sizes:
                raise InvalidInput("sizes", self.sizes, "width tuples to call the function of the conjecture with")
            made = [self._made(size) for size in self.sizes]
            yield from made
            if all(s.lowered().dims for s in made):  # numbers are needed as well, for counterexamples and witnesses
                yield from (replace(s, sizes={**s.sizes, **at}) for s in made for at in small_sizes(s.lowered().dims))
            return
        dims = sorted(_with_tuples(self.statement).lowered().dims, key=natural)
        yield self.statement
        if self.sizes and not dims:
            raise InvalidInput("sizes", self.sizes, f"none: the dimensions of {self.name} are numbers")
        for size in self.sizes or list(small_sizes(dims)) if dims else ():
            yield self._at(dims, size)

    def _made(self, size: Size) -> Statement:
        made = self.statement(size)  # type: ignore[operator]
        if not isinstance(made, Statement):
            raise InvalidInput(self.name, made, "a function that returns a Statement")
        return made

    def _at(self, dims: Sequence[str], size: Size) -> Statement:
        """The statement with numbers in the place of its symbolic dimensions."""
        assert isinstance(self.statement, Statement)
        at: dict[str, Any] = dict(size) if isinstance(size, Mapping) else dict(zip(dims, size, strict=False))
        fits = len(size) == len(dims) and set(at) == set(dims) and all(type(n) is int and n >= 1 for n in at.values())
        if not fits:
            raise InvalidInput("sizes", size, f"integers >= 1 for {', '.join(dims)}")
        return replace(self.statement, sizes={**self.statement.sizes, **at})


def _with_tuples(s: Statement) -> Statement:
    """The statement, if its parts are tuples: one condition without a comma is a common slip."""
    for part in ("variables", "given", "then"):
        if not isinstance(getattr(s, part), tuple | list):
            raise InvalidInput(part, getattr(s, part), "a tuple: with one element, (x,)")
    if not s.then:
        raise InvalidInput("then", s.then, f"a conclusion of {s.name}: at least one condition")
    return s


def natural(name: str) -> list[Any]:
    """A key that sorts d2 before d10."""
    return [(0, int(x), "") if x.isdigit() else (1, 0, x) for x in re.split(r"(\d+)", name) if x]


@dataclass(frozen=True)
class Trial:
    """One thing that was tried: `kind` is refute, prove, witness, contradiction or stored; `status` says how it ended."""

    kind: str
    scope: str
    status: str
    detail: str
    seconds: float


@dataclass(frozen=True)
class Sharp:
    """The statement without (or with an altered) hypothesis or conclusion: needed, redundant or unknown.

    `change` says what was done; needed comes with the exact `point` that violates the altered statement, redundant with the
    scopes at which it is proved.
    """

    change: str
    status: str
    scope: str = ""
    point: Json | None = None
    root: Json | None = None
    certificate: Json | None = None


@dataclass(frozen=True)
class Verdict:
    """What is known about a conjecture. Its certificates were accepted by the kernel in this run.

    `scopes` says where: the sizes at which it is proved, the size of the counterexample, or those at which it is vacuous.
    `point` is the exact counterexample by variable; numbers are integers or text p/q. Where it is irrational, `root` says which
    algebraic number a is, and the entries of the point are lists of coefficients of polynomials in a, from the constant on;
    such a point is decided by exact arithmetic in Q(a), without a certificate. `witness` is a point that satisfies the
    hypotheses of what was proved (irrational with `witness_root`), `suspect` a violation seen in floats that no exact point
    confirms. `also` are the scopes at which a refuted conjecture is proved all the same. `missing` says what an interruption or
    the budget left out.
    """

    name: str
    grade: Grade
    scopes: tuple[str, ...] = ()
    point: Json | None = None
    root: Json | None = None
    witness: Json | None = None
    witness_root: Json | None = None
    suspect: Json | None = None
    also: tuple[str, ...] = ()
    missing: str = ""
    interrupted: bool = False
    certificates: tuple[Json, ...] = ()
    sharpness: tuple[Sharp, ...] = ()
    trials: tuple[Trial, ...] = ()
    seed: int = 0
    budget: float = 60.0
    seconds: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        return "; ".join(self.scopes) or "none"

    def json(self) -> Json:
        """A record that follows deeplin/schemas/check.schema.json."""
        record = asdict(self)
        return {**record, "grade": str(self.grade), "scope": self.scope, "environment": dict(self.environment)}

    def __str__(self) -> str:
        from deeplin.conjecture_report import report

        return report(self)


def check(
    conjecture: Conjecture | Statement,
    *,
    budget: float = 60.0,
    seed: int = 0,
    sharpness: bool = False,
    store: Path | None = None,
    watch: Callable[[str], None] | None = None,
) -> Verdict:
    """Refutes or proves a conjecture within `budget` seconds; the searches run in processes of their own.

    `sharpness` then drops each hypothesis in turn, and tries strict for non-strict. Counterexamples are kept in the file
    `store` and tried first the next time. `watch` is told what is being done. Ctrl-C ends the search, and the verdict keeps
    what was found.
    """
    from deeplin.conjecture_run import run

    if isinstance(conjecture, Statement):
        conjecture = Conjecture(conjecture)
    if not isinstance(conjecture, Conjecture):
        raise InvalidInput("conjecture", conjecture, "a Conjecture or a Statement")
    if not budget > 0:
        raise InvalidInput("budget", budget, "seconds > 0")
    return run(conjecture, budget, seed, sharpness, store, watch or (lambda _: None))

