"""A naive second opinion about statements: their terms as tables of exact numbers at one point, at one size.

It shares no code with the kernel and none of its methods: no polynomials and no words, derivatives by dual numbers, means by
enumerating a law with the given moments, positive semidefiniteness by principal minors.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, count, permutations, product
from math import prod
from typing import Any

Json = dict[str, Any]
LEVELS = count()


class Dual:
    """a + b e with e^2 = 0; each derivative has an e of its own, its level, and a and b may hold those of lower levels."""

    def __init__(self, a: Any, b: Any, level: int) -> None:
        self.a, self.b, self.level = a, b, level

    def __add__(self, other: Any) -> Any:
        level = getattr(other, "level", -1)
        if level > self.level:
            return other + self
        return (
            Dual(self.a + other.a, self.b + other.b, level) if level == self.level else Dual(self.a + other, self.b, self.level)
        )

    def __mul__(self, other: Any) -> Any:
        level = getattr(other, "level", -1)
        if level > self.level:
            return other * self
        if level < self.level:
            return Dual(self.a * other, self.b * other, self.level)
        return Dual(self.a * other.a, self.a * other.b + self.b * other.a, level)

    __radd__, __rmul__ = __add__, __mul__


def matmul(a: Any, b: Any) -> Any:
    return [[sum(x * b[k][j] for k, x in enumerate(row)) for j in range(len(b[0]))] for row in a]


def transpose(a: Any) -> Any:
    return [list(column) for column in zip(*a, strict=True)]


def scale(c: Any, a: Any) -> Any:
    return [[c * x for x in row] for row in a] if isinstance(a, list) else c * a


def plus(a: Any, b: Any) -> Any:
    return [[x + y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)] if isinstance(a, list) else a + b


def times(a: Any, b: Any) -> Any:
    if isinstance(a, list) and isinstance(b, list):
        return matmul(a, b)
    return scale(a, b) if isinstance(b, list) else scale(b, a)


def number(c: Any) -> Fraction:
    p, q = (str(c) + "/1").split("/")[:2]
    return Fraction(int(p, 0) if "x" in p else int(p), int(q, 0) if "x" in q else int(q))


def law(moments: list[Any]) -> list[tuple[Any, Any]]:
    """(weight, point)s of a signed law on 0, 1, 2, ... with these moments of orders 0, 1, 2, ...: Lagrange's weights."""
    nodes, out = range(len(moments)), []
    for k in nodes:
        coefficients: list[Fraction] = [Fraction(1)]
        for j in nodes:
            if j != k:
                up, down = [Fraction(0), *coefficients], [*coefficients, Fraction(0)]
                coefficients = [(x - j * y) / Fraction(k - j) for x, y in zip(up, down, strict=True)]
        out.append((sum(c * m for c, m in zip(coefficients, moments, strict=True)), k))
    return out


class World:
    """A statement at one size and one point."""

    def __init__(self, statement: Json, sizes: dict[str, int], point: dict[str, Any]) -> None:
        self.statement, self.sizes, self.point = statement, sizes, point

    def size(self, d: Any) -> int:
        return self.sizes[d] if isinstance(d, str) else d

    def entries(self, name: str) -> list[Any]:
        shape = [self.size(d) for d in self.statement["variables"][name]["shape"]]
        places = list(product(*map(range, shape)))
        return [u for u in places if not self.statement["variables"][name]["symmetric"] or list(u) == sorted(u)]

    def with_entry(self, name: str, u: Any, x: Any) -> World:
        """The world in which one entry of a variable (and its mirror image, where symmetric) is x."""
        value = self.point[name]
        if u:
            symmetric = self.statement["variables"][name]["symmetric"]
            hit = {u, u[::-1]} if symmetric else {u}
            value = [[x if (i, j) in hit else y for j, y in enumerate(row)] for i, row in enumerate(value)]
        return World(self.statement, self.sizes, {**self.point, name: value if u else x})

    def term(self, t: int) -> Any:
        op, *args = self.statement["terms"][t]
        return getattr(self, f"op_{op}")(*args)

    def op_var(self, name: str) -> Any:
        return self.point[name]

    def op_num(self, c: Any) -> Any:
        return number(c)

    def op_eye(self, n: Any) -> Any:
        return [[int(i == j) for j in range(self.size(n))] for i in range(self.size(n))]

    def op_const(self, rows: Any) -> Any:
        return [[number(x) for x in row] for row in rows]

    def op_lin(self, parts: Any) -> Any:
        (c, t), *rest = parts
        out = scale(number(c), self.term(t))
        for c, t in rest:
            out = plus(out, scale(number(c), self.term(t)))
        return out

    def op_mul(self, factors: list[int]) -> Any:
        out: Any = 1
        for t in factors:
            out = times(out, self.term(t))
        return out

    def op_pow(self, t: int, k: int) -> Any:
        return prod([self.term(t)] * k)

    def op_T(self, t: int) -> Any:
        return transpose(self.term(t))

    def op_tr(self, t: int) -> Any:
        a = self.term(t)
        return sum(a[i][i] for i in range(len(a)))

    def op_diag(self, t: int) -> Any:
        return [[x if i == j else 0 for j, x in enumerate(row)] for i, row in enumerate(self.term(t))]

    def op_grad(self, t: int, name: str) -> Any:
        def slope(u: Any) -> Any:
            old, level = self.point[name][u[0]][u[1]] if u else self.point[name], next(LEVELS)
            value = self.with_entry(name, u, Dual(old, 1, level)).term(t)
            return value.b if getattr(value, "level", -1) == level else 0

        if not self.statement["variables"][name]["shape"]:
            return slope(())
        n, m = (self.size(d) for d in self.statement["variables"][name]["shape"])
        return [[slope((i, j)) for j in range(m)] for i in range(n)]

    def op_expect(self, t: int, name: str, moments: list[int]) -> Any:
        points = law([self.term(m) for m in moments])
        entries, out = self.entries(name), None
        for choice in product(points, repeat=len(entries)):
            world: World = self
            for u, (_, x) in zip(entries, choice, strict=True):
                world = world.with_entry(name, u, x)
            value = scale(prod(w for w, _ in choice), world.term(t))
            out = value if out is None else plus(out, value)
        return out

    def holds(self, condition: Json) -> bool:
        value, relation = self.term(condition["term"]), condition["relation"]
        table = value if isinstance(value, list) else [[value]]
        if relation == "==":
            return not any(x for row in table for x in row)
        return table == transpose(table) and all(m > 0 if relation == ">" else m >= 0 for m in principal_minors(table))

    def hypotheses_hold(self) -> bool:
        return all(self.holds(c) for c in self.statement["given"])

    def conclusions_hold(self) -> bool:
        return all(self.holds(c) for c in self.statement["then"])


def determinant(a: Any) -> Any:
    """By permutations; the sign counts inversions."""
    total = Fraction(0)
    for p in permutations(range(len(a))):
        inversions = sum(p[i] > p[j] for i, j in combinations(range(len(a)), 2))
        total += (-1) ** inversions * prod(a[i][k] for i, k in enumerate(p))
    return total


def principal_minors(a: Any) -> Iterator[Any]:
    """A symmetric table is positive (semi)definite exactly if all of these are positive (nonnegative)."""
    for k in range(1, len(a) + 1):
        for rows in combinations(range(len(a)), k):
            yield determinant([[a[i][j] for j in rows] for i in rows])


def random_world(statement: Json, rng: random.Random, values: list[Any], largest: int = 3) -> World:
    """Sizes where they are free, and entries from `values`."""
    sizes = {d: n or rng.randint(1, largest) for d, n in statement["dims"].items()}
    world = World(statement, sizes, {})
    for name, v in statement["variables"].items():
        shape = [world.size(d) for d in v["shape"]]
        table: Any = [[rng.choice(values) for _ in range(shape[1])] for _ in range(shape[0])] if shape else rng.choice(values)
        if v["symmetric"]:
            table = [[table[min(i, j)][max(i, j)] for j in range(shape[0])] for i in range(shape[0])]
        world.point[name] = table
    return world


def given_world(statement: Json, point: Json) -> World:
    """The world of a point in a certificate."""
    tables = {name: [[number(x) for x in row] for row in v] if isinstance(v, list) else number(v) for name, v in point.items()}
    return World(statement, statement["dims"], tables)


def believable(certificate: Json, rng: random.Random, trials: int) -> bool:
    """Whether no trial speaks against the claim: random points for proofs, the point itself for points."""
    statement, claim = certificate["statement"], certificate["claim"]
    if claim in ("refuted", "satisfiable"):
        world = given_world(statement, certificate["evidence"]["point"])
        return world.hypotheses_hold() and (claim == "satisfiable" or not world.conclusions_hold())
    grids: list[list[Any]] = [[0, 1], [-1, 0, 1], [-2, -1, 1, 2, Fraction(1, 2)], [0, Fraction(-1, 3), 3]]
    worlds = [random_world(statement, rng, grids[k % len(grids)]) for k in range(trials)]
    satisfied = [w for w in worlds if w.hypotheses_hold()]
    return not satisfied if claim == "contradictory" else all(w.conclusions_hold() for w in satisfied)
