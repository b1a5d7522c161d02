r"""Within a mode, differences of singular values are multiplied by a factor, and not conserved, by discrete steps.

Setting: one mode of an aligned network of depth N: singular values sigma_1, ..., sigma_N, product pi, r = s pi - c; one step
\(\sigma_i^+ = \sigma_i - \eta r \prod_{j \ne i} \sigma_j\).

Hypotheses: none.

Conclusion: with \(q = \prod_{l \ne i, j} \sigma_l\)
\[ (\sigma_i - \sigma_j)^+ = (1 + \eta r q)(\sigma_i - \sigma_j), \quad (\sigma_i + \sigma_j)^+ = (1 - \eta r q)(\sigma_i +
\sigma_j), \quad (\sigma_i^2 - \sigma_j^2)^+ = (1 - \eta^2 r^2 q^2)(\sigma_i^2 - \sigma_j^2) . \] So equal values stay equal,
opposite values stay opposite, and while \(\eta^2 r^2 q^2 \le 2\) the imbalance does not grow in size.

Form: identity; inequality.

Scope of proof: depths 2 to 6, all real values.

Why: the product without i is q sigma_j.

Sharpness: beyond \(\eta^2 r^2 q^2 = 2\) the imbalance grows; it is conserved by gradient flow only.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, symbols

from theory.certificates import prove
from theory.expressions import Square, known
from theory.statement import Condition, Statement, at_least, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem

NAME = "alignment.mode_differences"
ETA, S, C = symbols("eta s c")


@dataclass(frozen=True)
class Mode:
    """The singular values of one mode, and one step; the pair is the first two."""

    depth: int

    @cached_property
    def values(self) -> tuple[Symbol, ...]:
        return tuple(symbols(f"z1:{self.depth + 1}"))

    @property
    def variables(self) -> tuple[Symbol, ...]:
        return (*self.values, S, C, ETA)

    def product(self, *without: int) -> Expr:
        return prod((x for i, x in enumerate(self.values) if i not in without), start=Integer(1))

    @property
    def residual(self) -> Expr:
        return S * self.product() - C

    def after(self, i: int) -> Expr:
        return self.values[i] - ETA * self.residual * self.product(i)

    @property
    def push(self) -> Expr:
        """eta r q for the pair of the first two."""
        return ETA * self.residual * self.product(0, 1)

    def difference(self, factor: Any = None) -> Expr:
        (x, y), k = self.values[:2], 1 + self.push if factor is None else factor
        return self.after(0) - self.after(1) - k * (x - y)

    def sum(self, factor: Any = None) -> Expr:
        (x, y), k = self.values[:2], 1 - self.push if factor is None else factor
        return self.after(0) + self.after(1) - k * (x + y)

    def imbalance(self, factor: Any = None) -> Expr:
        (x, y), k = self.values[:2], 1 - self.push**2 if factor is None else factor
        return self.after(0) ** 2 - self.after(1) ** 2 - k * (x**2 - y**2)

    @property
    def shrinking(self) -> Expr:
        """(sigma_1^2 - sigma_2^2)^2 minus its value after the step."""
        x, y = self.values[:2]
        return (x**2 - y**2) ** 2 - (self.after(0) ** 2 - self.after(1) ** 2) ** 2


def identities(depth: int) -> Claim:
    f = Mode(depth)
    terms = (f.difference(), f.sum(), f.imbalance())
    s = Statement(f"{NAME}.factors", f.variables, then=tuple(map(equal, terms)))
    return Claim(s, tuple(prove("==", x, 0) for x in terms))


def shrinks(depth: int) -> Claim:
    """1 - (1 - k)^2 = k (2 - k) for k = eta^2 r^2 q^2."""
    f = Mode(depth)
    x, y = f.values[:2]
    bound = 2 - f.push**2
    s = Statement(f"{NAME}.shrinks", f.variables, (at_least(bound),), (at_least(f.shrinking),))
    by = known(bound) * Square(f.push) * Square(x**2 - y**2)
    return Claim(s, (prove(">=", f.shrinking, by),), dict.fromkeys(map(str, f.variables), 0))


def claims() -> Iterator[Claim]:
    yield from map(identities, range(2, 7))
    yield from map(shrinks, range(2, 5))


def _always() -> Statement:
    f = Mode(2)
    return Statement(f"{NAME}: for all steps", f.variables, then=(at_least(f.shrinking),))


def _conserved() -> Statement:
    f = Mode(2)
    return Statement(f"{NAME}: conserved", f.variables, then=(equal(f.imbalance(1)),))


def sharpness() -> Iterator[Counterexample]:
    point = {"z1": 2, "z2": 1, "s": 1, "c": 0}
    yield Counterexample("eta^2 r^2 q^2 <= 2", _always(), point | {"eta": 1})
    yield Counterexample("the factor (gradient flow has none)", _conserved(), point | {"eta": "1/10"})


def _statements(f: Mode, terms: dict[str, Expr]) -> Iterator[Statement]:
    yield from (Statement(f"{NAME}: {words}", f.variables, then=(equal(x),)) for words, x in terms.items())


def variants() -> Iterator[Statement]:
    yield _always()
    yield _conserved()
    f, g = Mode(2), Mode(3)
    yield from _statements(f, {
        "the difference shrinks": f.difference(1 - f.push),
        "the sum grows": f.sum(1 + f.push),
        "first order": f.imbalance(1 - f.push),
        "the square added": f.imbalance(1 + f.push**2),
        "off by a millionth": f.imbalance(1 - Rational(1000001, 1000000) * f.push**2),
    })  # fmt: skip
    yield from _statements(g, {
        "without the other values": g.difference(1 + ETA * g.residual),
        "with all values": g.difference(1 + ETA * g.residual * g.product()),
        "with the target added": g.difference(1 + ETA * (S * g.product() + C) * g.product(0, 1)),
    })  # fmt: skip
    strict: Condition = at_least(-f.shrinking)
    yield Statement(f"{NAME}: the imbalance grows", f.variables, (at_least(2 - f.push**2),), (strict,))


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random values at the depth len(widths) - 1."""
    f = Mode(len(widths) - 1)
    then = tuple(map(equal, (f.difference(), f.sum(), f.imbalance())))
    return Instance(Statement(f"{NAME}.factors", f.variables, then=then), {str(v): draw.scalar() for v in f.variables})


THEOREM = Theorem(
    name=NAME,
    sheet="DYN-2",
    title="Differences within a mode",
    form="identity",
    source="own derivation, in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((1, 1, 1), (1, 1, 1, 1), (1,) * 6),
    supported_at=((1, 1, 1), (1,) * 5, (1,) * 8),
)
