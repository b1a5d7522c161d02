r"""Networks of rank one keep their hidden directions, whatever the loss and the data.

Setting: \(W_1 = u_1 w^T\), \(W_i = s_i u_i u_{i-1}^T\) for 1 < i < N, \(W_N = z u_{N-1}^T\) with unit vectors u_i and any w,
z, s_i; any differentiable loss of the product, M its gradient there.

Hypotheses: |u_i| = 1. None on data, loss, widths or step size.

Conclusion: one step of gradient descent keeps the form, with the same \(u_1, \dots, u_{N-1}\):
\[ w^+ = w - \eta \kappa M^T z, \quad s_i^+ = s_i - \eta \tfrac{\kappa}{s_i} z^T M w, \quad z^+ = z - \eta \kappa M w, \qquad
\kappa = \textstyle\prod_{1 < j < N} s_j \] (no division: \(\kappa / s_i\) is the product of the others). All commutators
\([W_{i+1}^T W_{i+1}, W_{i:j+1} W_{i:j+1}^T]\) vanish: the network stays weakly aligned; hidden bases are fixed, the outer
ones move. Products of the form are all \(\kappa z w^T\): with scalar output every linear map, so that a global minimum lies
in the family.

Form: invariant (one step); identity.

Scope of proof: all widths, depths 2 to 5.

Why: every product of layers collapses to one outer product.

Sharpness: rank one (commutator 0 becomes -79/100 in one step from a full-rank first layer); the right basis does move.

Source: arXiv:2003.06340 (one-dimensional outputs, any loss); generalised here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from theory.certificates import Step
from theory.dag import Dim, Node, T, const, entry, eye, lin, mul, num, sub, var
from theory.statement import Condition, Statement, equal
from theory.theorem import Claim, Counterexample, Draw, Instance, Theorem
from theory.theorems.alignment.rewriting import Rule, expanded, rule, vanishing
from theory.theorems.alignment.setting import orthogonal
from theory.theorems.alignment.training import SOURCE, Terms, after_step, diagonal, misalignment

NAME = "alignment.rank_one"
RATE = var("eta")


@dataclass(frozen=True)
class RankOne:
    """The vectors and scales of a network of rank one."""

    widths: tuple[Dim, ...]

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    @cached_property
    def u(self) -> dict[int, Node]:
        """u_1, ..., u_{N-1}."""
        return {i: var(f"u{i}", (self.widths[i], 1)) for i in range(1, self.depth)}

    @cached_property
    def w(self) -> Node:
        return var("w", (self.widths[0], 1))

    @cached_property
    def z(self) -> Node:
        return var("z", (self.widths[-1], 1))

    @cached_property
    def s(self) -> dict[int, Node]:
        return {i: var(f"s{i}") for i in range(2, self.depth)}

    @cached_property
    def M(self) -> Node:
        return var("M", (self.widths[-1], self.widths[0]))

    def scale(self, without: int = 0) -> Node:
        """The product of the s_j, without one of them."""
        return mul(num(1), *(s for j, s in self.s.items() if j != without))

    @cached_property
    def layers(self) -> tuple[Node, ...]:
        return self.form(self.w, self.s, self.z)

    def form(self, w: Node, s: dict[int, Node], z: Node) -> tuple[Node, ...]:
        inner = [mul(s[i], self.u[i], T(self.u[i - 1])) for i in range(2, self.depth)]
        return mul(self.u[1], T(w)), *inner, mul(z, T(self.u[self.depth - 1]))

    @cached_property
    def units(self) -> tuple[Node, ...]:
        return tuple(sub(mul(T(u), u), eye(1)) for u in self.u.values())

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule((T(u), u), eye(1), x) for u, x in zip(self.u.values(), self.units, strict=True))

    @property
    def given(self) -> tuple[Condition, ...]:
        return tuple(map(equal, self.units))

    @property
    def variables(self) -> tuple[Node, ...]:
        return (*self.u.values(), self.w, self.z, *self.s.values(), self.M, RATE)

    def back(self, i: int) -> Node:
        """The gradient by W_i: (W_N ... W_{i+1})^T M (W_{i-1} ... W_1)^T."""
        return mul(*map(T, self.layers[i:]), self.M, *map(T, self.layers[: i - 1]))

    @cached_property
    def after(self) -> tuple[Node, ...]:
        """The form with the new vectors and scales."""
        k, pull = mul(RATE, self.scale()), mul(T(self.z), self.M, self.w)
        s = {i: sub(mul(x, eye(1)), mul(RATE, self.scale(i), pull)) for i, x in self.s.items()}
        inner = [mul(self.u[i], s[i], T(self.u[i - 1])) for i in range(2, self.depth)]
        w, z = sub(self.w, mul(k, T(self.M), self.z)), sub(self.z, mul(k, self.M, self.w))
        return mul(self.u[1], T(w)), *inner, mul(z, T(self.u[self.depth - 1]))

    def kept(self, i: int) -> Node:
        """W_i - eta G_i minus the layer of the same form."""
        return sub(sub(self.layers[i - 1], mul(RATE, self.back(i))), self.after[i - 1])

    def commutators(self) -> Iterator[Node]:
        """[W_{i+1}^T W_{i+1}, W_{i:j+1} W_{i:j+1}^T] for 0 <= j < i < N."""
        for i in range(1, self.depth):
            above = mul(T(self.layers[i]), self.layers[i])
            for j in range(i):
                path = mul(*reversed(self.layers[j:i]))
                below = mul(path, T(path))
                yield sub(mul(above, below), mul(below, above))

    @property
    def reach(self) -> Node:
        """W_N ... W_1 - kappa z w^T."""
        return sub(mul(*reversed(self.layers)), mul(self.scale(), self.z, T(self.w)))

    def follows(self, term: Node) -> Step:
        return vanishing(expanded(term), self.rules)


def _claim(f: RankOne, name: str, terms: Sequence[Node]) -> Claim:
    s = Terms(f"{NAME}.{name}", f.variables, f.given, tuple(map(equal, terms)))
    point = {str(v.data[0]): [[1]] if v.shape else 1 for v in f.variables}
    steps = tuple(Step("==", t, f.follows(t).by) for t in terms)
    return Claim(s, steps, point, {str(d): 1 for d in f.widths})


def claims() -> Iterator[Claim]:
    for depth in range(2, 6):
        f = RankOne(tuple(f"d{i}" for i in range(depth + 1)))
        yield _claim(f, "descent", [f.kept(i) for i in range(1, depth + 1)])
        yield _claim(f, "aligned", list(f.commutators()))
        yield _claim(f, "reach", [f.reach])


# -- sharpness ----------------------------------------------------------------------------------------------------------

DATA = const([[1, 0], [0, 2]]), const([[1, 1]])  # S and C


def full_rank() -> Statement:
    """Aligned layers W_1 = diag(a), W_2 = (b, 0): whether one step of size 1/10 keeps them aligned."""
    a, b = (var("a1"), var("a2")), var("b")
    layers = diagonal(a), mul(b, const([[1, 0]]))
    after = after_step(layers, *DATA, num(Fraction(1, 10)))
    return Statement(f"{NAME}: a first layer of full rank", (*a, b), then=(equal(entry(misalignment(after), 0, 1)),))


def fixed_right() -> Statement:
    """Rank one at widths (2, 1, 1): whether w keeps its direction."""
    w, v = var("w", (1, 2)), var("v", (1, 1))
    after = after_step((w, v), *DATA, num(Fraction(1, 10)))[0]
    area = sub(mul(entry(after, 0, 0), entry(w, 0, 1)), mul(entry(after, 0, 1), entry(w, 0, 0)))
    return Statement(f"{NAME}: the right basis is fixed", (w, v), then=(equal(area),))


def _any_length() -> Statement:
    f = RankOne((1, 1, 1, 1))
    return Statement(f"{NAME}: vectors of any length", f.variables, then=(equal(f.kept(1)),))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("layers of rank one", full_rank(), {"a1": 1, "a2": 2, "b": 1})
    yield Counterexample("moving outer bases", fixed_right(), {"w": [[1, 0]], "v": [[1]]})
    point = {"u1": [[1]], "u2": [[2]], "w": [[1]], "z": [[1]], "s2": 1, "M": [[1]], "eta": 1}
    yield Counterexample("unit vectors", _any_length(), point)


def variants() -> Iterator[Statement]:
    yield full_rank()
    yield fixed_right()
    yield _any_length()
    f, deep = RankOne((2, 1, 1)), RankOne((1, 1, 1, 1))
    step = sub(f.layers[0], mul(RATE, f.back(1)))
    wrong = {
        "w does not move": sub(step, f.layers[0]),
        "w moves the other way": sub(step, mul(f.u[1], T(lin((1, f.w), (1, mul(RATE, T(f.M), f.z)))))),
        "w moves by a millionth more": sub(
            step, mul(f.u[1], T(sub(f.w, lin((Fraction(1000001, 1000000), mul(RATE, T(f.M), f.z))))))
        ),
        "twice the product": sub(mul(*reversed(f.layers)), lin((2, mul(f.z, T(f.w))))),
    }
    yield from (Statement(f"{NAME}: {words}", f.variables, f.given, (equal(x),)) for words, x in wrong.items())
    middle = sub(
        sub(deep.layers[1], mul(RATE, deep.back(2))), mul(sub(deep.s[2], mul(RATE, deep.s[2])), deep.u[2], T(deep.u[1]))
    )
    yield Statement(f"{NAME}: scales move on their own", deep.variables, deep.given, (equal(middle),))
    outer = sub(deep.layers[0], mul(RATE, deep.back(1)))
    unscaled = sub(outer, mul(deep.u[1], T(sub(deep.w, mul(RATE, T(deep.M), deep.z)))))
    yield Statement(f"{NAME}: without the product of the scales", deep.variables, deep.given, (equal(unscaled),))


@cache
def _sized(widths: tuple[int, ...]) -> tuple[RankOne, Statement]:
    f = RankOne(widths)
    then = tuple(equal(f.kept(i)) for i in range(1, f.depth + 1))
    return f, Statement(f"{NAME}.descent", f.variables, f.given, then)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Random vectors, u_i the first column of a random orthogonal matrix; one step with a random M."""
    f, s = _sized(tuple(widths))
    values: dict[str, Any] = {
        str(v.data[0]): draw.matrix(*map(int, v.shape)) if v.shape else draw.scalar() for v in s.variables
    }
    for i, u in f.u.items():
        n = int(u.shape[0])
        first, Q = const([[int(k == 0)] for k in range(n)]), var("Q", (n, n))
        values[f"u{i}"] = draw.value(mul(Q, first), {"Q": orthogonal(draw, n)})
    return Instance(s, values)


THEOREM = Theorem(
    name=NAME,
    sheet="INV-6",
    title="Rank-one networks keep their hidden directions",
    form="invariant, one step; any loss",
    source=f"{SOURCE} (one-dimensional outputs); generalised here",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 3, 2), (3, 2, 2, 1), (2, 3, 1, 2, 2)),
    supported_at=((10, 8, 5), (8, 6, 7, 5), (6, 5, 4, 6, 3)),
)
