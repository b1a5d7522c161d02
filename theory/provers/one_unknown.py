"""Statements about one unknown scalar: their polynomials over Q, and the exact decision by isolating all real roots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import fmpq_poly

from theory import dag
from theory.dag import Node
from theory.provers.api import DoesNotApply, Goal
from theory.provers.entries import Entries
from theory.provers.linear import exact, fraction
from theory.provers.values import Words
from theory.statement import Lowered

Constraint = tuple[str, Node, Any]
_Sparse = dict[tuple[Node, ...], Any]  # monomials as tuples of unknowns


@dataclass(frozen=True)
class Problem:
    """The unknown, the conclusion and the hypotheses that are about it, with their polynomials."""

    unknown: Node
    goal: Constraint
    given: tuple[Constraint, ...]

    def violation(self) -> str | None:
        """Where the conclusion fails, in words; None if it holds. Exact: signs are constant between the roots."""
        point = self.violating_point()
        if point is not None:
            return f"at {self.unknown} = {point}"
        polynomials = [q for _, _, q in (self.goal, *self.given) if q.degree() > 0]
        _, _, p = self.goal
        if self.goal[0] == ">" and p.degree() > 0:
            for f in _irreducible(p):
                if f.degree() > 1 and any(self._given_near(x, f, polynomials) for x in _real_roots(f)):
                    return f"at an irrational root of {f}"
        return None

    def violating_point(self) -> Fraction | None:
        """A rational point that satisfies the hypotheses on the unknown and violates the conclusion."""
        for x in sorted(self.samples(), key=lambda x: (x.denominator, abs(x), x < 0)):
            if all(_holds(r, q(exact(x))) for r, _, q in self.given) and not _holds(self.goal[0], self.goal[2](exact(x))):
                return x
        return None

    def samples(self) -> list[Fraction]:
        """A rational point in each interval between the real roots of all polynomials, and the rational roots."""
        factors = {str(f): f for _, _, q in (self.goal, *self.given) if q.degree() > 0 for f in _irreducible(q)}
        rational = {-fraction(f[0]) / fraction(f[1]) for f in factors.values() if f.degree() == 1}
        return sorted(rational | set(_between([x for f in factors.values() for x in _real_roots(f)])))

    def _given_near(self, x: Any, f: Any, polynomials: Sequence[Any]) -> bool:
        """Whether the hypotheses hold at the root x of the irreducible f."""
        return all(_holds_at(r, q, x, f) for r, _, q in self.given)


def _holds(relation: str, value: Any) -> bool:
    return bool(value == 0 if relation == "==" else value > 0 if relation == ">" else value >= 0)


def _holds_at(relation: str, q: Any, x: Any, f: Any) -> bool:
    if (q % f).degree() < 0:
        return relation != ">"
    if relation == "==":
        return False
    low, high = _isolated(f, x, q)
    return bool(q(exact((low + high) / 2)) > 0)


def _irreducible(p: Any) -> list[Any]:
    return [fmpq_poly(f) for f, _ in p.numer().factor()[1]]


def _real_roots(f: Any) -> list[tuple[Fraction, Fraction]]:
    """Disjoint rational intervals that hold one real root each."""
    out = []
    for root, _ in f.numer().complex_roots():
        if root.imag == 0:
            out.append(_enclosure(root.real))
    return out


def _enclosure(x: Any) -> tuple[Fraction, Fraction]:
    return _dyadic(x.lower()), _dyadic(x.upper())


def _dyadic(x: Any) -> Fraction:
    m, e = x.mid().man_exp()
    return Fraction(int(m)) * Fraction(2) ** int(e)


def _between(roots: Sequence[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """A simple rational below, between and above the intervals."""
    if not roots:
        return [Fraction(0)]
    ordered = sorted(roots)
    inner = [simplest(a[1], b[0]) for a, b in pairwise(ordered) if a[1] < b[0]]
    return [Fraction(ordered[0][0] // 1 - 1), *inner, Fraction(ordered[-1][1] // 1 + 2)]


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational strictly between that has the least denominator (and is nearest to 0 among these).

    >>> simplest(Fraction(1, 3), Fraction(1, 2)), simplest(Fraction(-1), Fraction(1))
    (Fraction(2, 5), Fraction(0, 1))
    """
    if low < 0 < high:
        return Fraction(0)
    if high <= 0:
        return -simplest(-high, -low)
    whole = low // 1
    if whole + 1 < high:
        return Fraction(whole + 1)
    rest = low - whole
    if not rest:
        return whole + 1 / Fraction(1 / (high - whole) // 1 + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / rest)


def _isolated(f: Any, x: tuple[Fraction, Fraction], q: Any) -> tuple[Fraction, Fraction]:
    """The interval of the root narrowed by bisection until q has no root in it."""
    low, high = x
    while any(a <= high and low <= b for g in _irreducible(q) for a, b in _real_roots(g)):
        middle = (low + high) / 2
        below = f(exact(low)) * f(exact(middle)) <= 0
        low, high = (low, middle) if below else (middle, high)
    return low, high


def taylor(p: Any, at: Fraction, direction: int) -> list[Fraction]:
    """The coefficients of p(at + direction * u) in u."""
    return [fraction(c) for c in p(fmpq_poly([exact(at), direction])).coeffs()]


def problems(s: Lowered, goal: Goal) -> list[Problem]:
    """The statement as one about a single unknown: that of the conclusion; if it has none, each of the hypotheses."""
    if goal[1].shape:
        raise DoesNotApply("the conclusion is about a matrix")
    scalars = [(r, h) for r, h in s.given if not h.shape]
    (_, p, value), *given = _in_words(s, goal, scalars) if s.dims or not _has_entries(s) else _in_entries(s, goal, scalars)
    unknowns = _unknowns(value)
    if len(unknowns) > 1:
        raise DoesNotApply(f"the conclusion is about {len(unknowns)} unknowns")
    single = [a for _, _, v in given if len(_unknowns(v)) == 1 for a in _unknowns(v)]
    return [_problem(x, (goal[0], p, value), given) for x in unknowns or dict.fromkeys(single) or [dag.num(0)]]


def _problem(unknown: Node, goal: tuple[str, Node, _Sparse], given: Sequence[tuple[str, Node, _Sparse]]) -> Problem:
    about = [(r, h, _polynomial(v)) for r, h, v in given if set(_unknowns(v)) <= {unknown}]
    return Problem(unknown, (goal[0], goal[1], _polynomial(goal[2])), tuple(about))


def _unknowns(value: _Sparse) -> list[Node]:
    return list(dict.fromkeys(x for m in value for x in m))


def _has_entries(s: Lowered) -> bool:
    ops = {x.op for x in dag.topological([x for _, x in (*s.given, *s.then)])}
    return bool(ops & {"entry", "const", "expect"})


def _in_words(s: Lowered, goal: Goal, given: Sequence[Goal]) -> list[tuple[str, Node, _Sparse]]:
    words = Words(s.variables)
    value: Any = lambda x: {tuple(map(words.scalar, atoms)): c for (atoms, _), c in words.value(x).items()}  # noqa: E731
    return [(r, x, value(x)) for r, x in (goal, *given)]


def _in_entries(s: Lowered, goal: Goal, given: Sequence[Goal]) -> list[tuple[str, Node, _Sparse]]:
    entries = Entries(s)
    letters: Any = lambda m: tuple(entries.unknown(i) for i, k in enumerate(m) for _ in range(k))  # noqa: E731
    return [(r, x, {letters(m): c for m, c in entries.sparse(x)[0].items()}) for r, x in (goal, *given)]


def _polynomial(value: _Sparse) -> Any:
    """The polynomial in the only unknown of the value."""
    coefficients = {len(m): c for m, c in value.items()}
    return fmpq_poly([exact(coefficients.get(i, 0)) for i in range(max(coefficients, default=0) + 1)])
