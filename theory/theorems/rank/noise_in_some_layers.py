r"""Noise in some layers only: the runs of layers without noise decide.

Setting: layers \(W_1, ..., W_N\); those in a set T are \(A_i + Z_i\) with noise in every entry, the others are fixed. A run
is a maximal interval \([a, b]\) of neighbouring layers outside T; \(r^* = \min_i d_i\).

Hypotheses: given the offsets and the fixed layers, the noise has a law that is absolutely continuous, jointly over T.

Conclusion: almost surely \(\mathrm{rank}\, P = \min\bigl( r^*, \min_{\text{runs}} \mathrm{rank}\, W_{b:a} \bigr)\); hence
rank \(P = r^*\) if and only if every run has rank at least \(r^*\). With noise in the layer k only: \(\min(\mathrm{rank}\,
W_{N:k+1}, \mathrm{rank}\, W_{k-1:1})\).

Form: generic equality, and equivalence for the full rank.

Scope of proof: for every set T at depth 1 to 4, at all widths: at most (P factors through the columns of each run and
through every width), and at least (for every offset there is a noise with \(C P E = I_r\), as soon as each run has the rank
r, shown by C_m W_{b:a} E_m = I_r, and each width by \(C_m E_m = I_r\)). Generic at larger widths. That the noise with \(C P
E = I_r\) makes the rank r almost sure: the minors of \(C P E\) are polynomials in the noise (in words, with
`rank.zero_one_law`).

Why: choose the noise of a layer between two runs as \(E_{m+1} C_m - A\): what leaves one run enters the next.

Sharpness: \(W_1 = 0\) without noise gives P = 0 whatever the noise behind it; \(\mathrm{diag}(1, 0)\) and \(\mathrm{diag}(0,
1)\) side by side without noise kill P although each has rank 1.

Source: own derivation, in the setting of arXiv:1807.08140.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

from theory.statement import Statement
from theory.terms import Term, fact
from theory.theorem import Claim, Counterexample, Draw, Generic, Instance, Theorem
from theory.theorems.rank.networks import Width, eye, implied, matrix, norm2, says, square, table, widths_of
from theory.theorems.rank.setting import (
    SOURCE,
    at_least,
    composed,
    given_positive,
    layers,
    leading,
    positive,
    slots,
)  # fmt: skip

NAME = "rank.noise_in_some_layers"
Run = tuple[int, int]


def runs(depth: int, noisy: Sequence[int]) -> list[Run]:
    """The intervals without noise between noisy layers, and at the ends; (k + 1, k) is the empty one at junction k.

    >>> runs(5, (2, 3))
    [(1, 1), (3, 2), (4, 5)]
    """
    ends = [0, *noisy, depth + 1]
    return [(a + 1, b - 1) for a, b in pairwise(ends)]


@dataclass(frozen=True)
class Pattern:
    """A network of the given widths with noise in the layers `noisy`."""

    widths: tuple[Width, ...]
    noisy: tuple[int, ...]

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    @property
    def runs(self) -> list[Run]:
        return runs(self.depth, self.noisy)

    @cached_property
    def fixed(self) -> tuple[Term, ...]:
        """The layers without noise, and the offsets of the others."""
        return layers(self.widths, "A")

    @cached_property
    def noise(self) -> dict[int, Term]:
        return {k: Z for k, Z in enumerate(layers(self.widths, "Z"), 1) if k in self.noisy}

    @cached_property
    def layers(self) -> tuple[Term, ...]:
        return tuple(A + self.noise[k] if k in self.noisy else A for k, A in enumerate(self.fixed, 1))

    def run(self, m: int) -> Term:
        """The product of the run m."""
        a, b = self.runs[m]
        return composed(self.fixed, a, b) if a <= b else eye(self.widths[b])

    @property
    def label(self) -> str:
        return f"depth {self.depth}, noise in {list(self.noisy)}"

    def sizes(self, r: int) -> dict[str, int]:
        return {str(d): 2 for d in self.widths} | {"r": r}

    # -- at least r -----------------------------------------------------------------------------------------------------

    def at_least(self) -> Claim:
        """C_m (run m) E_m = I_r for every run, and Z_k + A_k = E_{m+1} C_m between them: then C_last P E_first = I_r."""
        count, d = len(self.runs), self.widths
        C = [matrix(f"C{m}", "r", d[b]) for m, (_, b) in enumerate(self.runs)]
        E = [matrix(f"E{m}", d[a - 1], "r") for m, (a, _) in enumerate(self.runs)]
        through = [C[m] * self.run(m) * E[m] - eye("r") for m in range(count)]
        chosen = [self.layers[k - 1] - E[m + 1] * C[m] for m, k in enumerate(self.noisy)]
        goal = C[-1] * composed(self.layers) * E[0] - eye("r")
        variables = (*self.fixed, *self.noise.values(), *C, *E)
        by = self._carried(C, E, through, chosen)
        one = [[1, 0], [0, 0]]
        point: dict[str, Any] = {f"A{k}": slots(2, 2) for k in range(1, self.depth + 1)}
        point |= {f"Z{k}": [[0, 0], [0, -1]] for k in self.noisy}
        point |= {f"{x}{m}": one[:1] if x == "C" else [[1], [0]] for m in range(count) for x in "CE"}
        return implied(f"{NAME}.at_least: {self.label}", variables, [*through, *chosen], [(goal, by)], point, self.sizes(1))

    def _carried(self, C: list[Term], E: list[Term], through: list[Term], chosen: list[Term]) -> Term:
        """C_m (run m) W ... W (run 0) E_0 - I, run by run, made of known zeros."""
        change, below = fact(through[0]), self.run(0) * E[0]
        for m, k in enumerate(self.noisy):
            # C' R' W R ... E_0 - I = C' R' (W - E' C) R ... E_0 + C' R' E' (C R ... E_0 - I) + (C' R' E' - I)
            head = C[m + 1] * self.run(m + 1)
            change = head * fact(chosen[m]) * below + head * E[m + 1] * change + fact(through[m + 1])
            below = self.run(m + 1) * self.layers[k - 1] * below
        return change

    # -- at most r ------------------------------------------------------------------------------------------------------

    def at_most(self, m: int) -> Claim:
        """If the run m is L R with r columns, so is P: (...L)(R ...)."""
        a, b = self.runs[m]
        L, R = matrix("L", self.widths[b], "r"), matrix("R", "r", self.widths[a - 1])
        zero = self.run(m) - L * R
        above = composed(self.layers, b + 1) if b < self.depth else eye(self.widths[-1])
        below = composed(self.layers, 1, a - 1) if a > 1 else eye(self.widths[0])
        goal = composed(self.layers) - (above * L) * (R * below)
        variables = (*self.fixed, *self.noise.values(), L, R)
        point: dict[str, Any] = {f"A{k}": [[1, 2], [0, 0]] for k in range(1, self.depth + 1)}
        point |= {f"Z{k}": [[1, 1], [0, 2]] for k in self.noisy} | {"L": [[1], [0]], "R": [[1, 2]]}
        name = f"{NAME}.at_most, layers {a}..{b}: {self.label}"
        return implied(name, variables, [zero], [(goal, above * fact(zero) * below)], point, self.sizes(1))


def patterns() -> Iterator[Pattern]:
    """Every set of noisy layers at depth 1 to 4."""
    for depth in range(1, 5):
        for size in range(1, depth + 1):
            yield from (Pattern(widths_of(depth), noisy) for noisy in combinations(range(1, depth + 1), size))


# The fixed layers of these have full rank unless they are said to be of less.
SIZED = (
    ((3, 4, 3), (1,), {2: 2}, 2),
    ((3, 4, 3), (2,), {1: 1}, 1),
    ((4, 3, 5, 4), (1, 3), {2: 2}, 2),
    ((4, 5, 3, 4), (2,), {1: 3, 3: 2}, 2),
    ((3, 4, 4, 4, 3), (1, 4), {2: 3, 3: 2}, 2),
)


def generic(widths: tuple[int, ...], noisy: tuple[int, ...], fixed: dict[int, int], rank: int) -> Generic:
    """The rank at these widths with fixed layers of these ranks (rect-diagonal, so that a run has the least of its ranks)."""
    Z = [z for k, z in enumerate(layers(widths, "Z"), 1) if k in noisy]
    shapes = [(widths[k], widths[k - 1]) for k in range(1, len(widths))]
    W = layers(widths, "W")
    values = {k: table([[int(i == j < r) for j in range(n)] for i in range(m)])
              for k, r in fixed.items() for m, n in [shapes[k - 1]]}  # fmt: skip
    noise = iter(Z)
    defined = [(w, values[k] if k in values else next(noise) + table([[1] * n] * m))
               for k, (w, (m, n)) in enumerate(zip(W, shapes, strict=True), 1)]  # fmt: skip
    P = matrix("P", widths[-1], widths[0])
    point = {f"Z{k}": [[int(i == j) - 1 for j in range(shapes[k - 1][1])] for i in range(shapes[k - 1][0])] for k in noisy}
    name = f"{NAME}.generic: widths {widths}, noise in {list(noisy)}, rank {rank}"
    return at_least(name, Z, P, rank, point, [*defined, (P, composed(W))])


def claims() -> Iterator[Claim | Generic]:
    for p in patterns():
        yield p.at_least()
        yield from (p.at_most(m) for m, (a, b) in enumerate(p.runs) if a <= b)
    for case in SIZED:
        yield generic(*case)


# -- limits -------------------------------------------------------------------------------------------------------------

A1, A2, Z1, Z2 = (matrix(x, 2, 2) for x in ("A1", "A2", "Z1", "Z2"))
A3 = matrix("A3", 2, 2)


def behind_zero() -> Statement:
    """Noise of full rank in the second layer makes the product nonzero."""
    return positive(f"{NAME}: noise behind any first layer", (A1, Z2), [square(Z2 * A1)], given_positive(leading(Z2, 2) ** 2))


def single_layers() -> Statement:
    """Each fixed layer is not zero: the product with a noise of full rank in the third is not zero."""
    Z3 = matrix("Z3", 2, 2)
    given = given_positive(norm2(A1), norm2(A2), leading(Z3, 2) ** 2)
    return positive(f"{NAME}: every fixed layer has rank 1", (A1, A2, Z3), [square(Z3 * A2 * A1)], given)


def any_noise() -> Statement:
    given = given_positive(norm2(A1), norm2(A3), norm2(Z2))
    return positive(f"{NAME}: any noise between", (A1, Z2, A3), [square(A3 * Z2 * A1)], given)


def sharpness() -> Iterator[Counterexample]:
    one, zero, e1, e2 = slots(2, 2), [[0, 0], [0, 0]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]
    yield Counterexample("the first layer is not zero", behind_zero(), {"A1": zero, "Z2": one})
    yield Counterexample("runs, not single layers", single_layers(), {"A1": e1, "A2": e2, "Z3": one})
    yield Counterexample("generic noise", any_noise(), {"A1": e1, "Z2": e1, "A3": e2})


def variants() -> Iterator[Statement]:
    yield from (behind_zero(), single_layers(), any_noise())
    s = Pattern(widths_of(2), (2,)).at_least().statement
    sizes = {"d0": 2, "d1": 2, "d2": 2, "r": 1}
    yield replace(s, name=f"{NAME}: the fixed layer may be anything", given=s.given[1:], sizes=sizes)
    yield replace(s, name=f"{NAME}: the noise may be anything", given=s.given[:2], sizes=sizes)
    t = Pattern(widths_of(3), (2,)).at_least().statement
    wide = sizes | {"d3": 2}
    yield replace(t, name=f"{NAME}: only one of two runs has rank r", given=(t.given[0], *t.given[2:]), sizes=wide)
    u = Pattern((2, 2, 2), (2,)).at_most(0).statement
    yield replace(u, name=f"{NAME}: the bound without its factors", given=(), sizes={"r": 1})
    F1, F2, Z, L, R = variables = [Term(v) for v in u.variables]
    W = F2 + Z
    wrong = {"the noise does not matter": W * F1 - F2 * L * R, "factors in the wrong order": W * F1 - L * R * W}
    for name, goal in wrong.items():
        yield replace(says(f"{NAME}: {name}", variables, [goal], [F1 - L * R]), sizes={"r": 1})
    full = given_positive(norm2(A1), leading(Z2, 2) ** 2)
    yield positive(f"{NAME}: full rank behind a fixed layer of rank 1", (A1, Z2), [leading(Z2 * A1, 2) ** 2], full)


def sample(draw: Draw, widths: Sequence[int]) -> Instance:
    """Two noisy layers around a fixed one, r = 1: C_0, E_0, C_2, E_2 unit vectors, C_1 random, C_1 A_2 E_1 = 1."""
    d = tuple(widths)
    values: dict[str, Any] = {f"A{k}": draw.matrix(d[k], d[k - 1]) for k in (1, 2, 3)}
    for m, n in ((0, d[0]), (2, d[3])):
        first = table([[int(j == 0) for j in range(n)]])
        values |= {f"C{m}": draw.value(first.node, {}), f"E{m}": draw.value(first.T.node, {})}
    C, row = draw.matrix(1, d[2]), matrix("C1", 1, d[2]) * matrix("A2", d[2], d[1])
    values["E1"] = draw.value(row.T.node, {**values, "C1": C})
    values["C1"] = draw.solve((row * row.T).node, C, {**values, "C1": C})
    for k, (m, n) in {1: (1, 0), 3: (2, 1)}.items():
        target = matrix(f"E{m}", d[k], 1) * matrix(f"C{n}", 1, d[k - 1])
        values[f"Z{k}"] = draw.value((target - matrix(f"A{k}", d[k], d[k - 1])).node, values)
    return Instance(replace(Pattern(d, (1, 3)).at_least().statement, name=f"{NAME}: sampled", sizes={"r": 1}), values)


THEOREM = Theorem(
    name=NAME,
    sheet="R4",
    title="Noise in some layers only: the least rank of a run of layers without noise",
    form="generic equality, equivalence",
    source=f"own derivation, in the setting of {SOURCE}",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    sample=sample,
    certified_at=((2, 2, 2, 2), (2, 3, 2, 3)),
    supported_at=((6, 5, 7, 6), (16, 20, 12, 18)),
    note=(
        "'Noise makes the product of full rank' needs every run of neighbouring layers without noise to have rank at least "
        "min d_i: with W_1 = 0 and noise in all other layers P = 0, and diag(1, 0), diag(0, 1) without noise next to each "
        "other give P = 0 although each has rank 1."
    ),
)
