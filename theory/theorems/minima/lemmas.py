r"""Fragments of proof that the theorems about global minimisers share.

The product of a network is peeled from the output: u_k = W_N ... W_{k+1} is a row of length d_k (u_0 = P), and with M_k = W_k
B_{k-1} W_k^T the noise of layer k adds s_k u_k diag(M_k) u_k^T to the second moment. Two lemmas, one layer at a time:

    path:   d_k u_k diag(M_k) u_k^T >= u_k M_k u_k^T, hence E f^2 >= kappa |v|_A^2 with v = P^T;
    norm:   |u_k|^2 |W_k|^2 >= |u_k W_k|^2, hence |v|^2 <= prod_i |W_i|^2.

At given sizes the path lemma is a sum over pairs of neurons. At all widths a row u is written e^T diag(X) with a vector e of
signs, which says nothing about u (take e = (1, ..., 1) and the entries of u on the diagonal of X) and lets the noise be
written in words: diag(e e^T) = I, and the width is |e|^2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from sympy import Expr, Identity, ImmutableMatrix, Integer, MatrixSymbol, Mul, Symbol, Trace

from theory import dag
from theory.certificates import Step, prove, split, vanishes
from theory.dag import Node
from theory.expressions import Congruence, DiagonalPart, Square, known, lower, norm2, quadratic
from theory.statement import Condition, equal
from theory.theorems.minima.setting import Setting


@dataclass(frozen=True)
class Network:
    """A setting with what its proofs need: the signs e_k and spreads X_k of the rows u_k where the widths are symbols."""

    setting: Setting

    @property
    def words(self) -> bool:
        """Whether the noise is written in words, with sign vectors: at symbolic widths."""
        return bool(self.noise) and any(isinstance(d, str) for d in self.setting.widths)

    @property
    def hidden(self) -> range:
        return range(1, self.setting.depth)

    @cached_property
    def noise(self) -> dict[int, Any]:
        """The variances s_k of the layers that have noise."""
        return {k: s for k, s in zip(self.hidden, self.setting.noise, strict=True) if s != 0}

    def sign(self, k: int) -> MatrixSymbol:
        return MatrixSymbol(f"e{k}", self.setting.dim(k), 1)

    def spread(self, k: int) -> MatrixSymbol:
        return MatrixSymbol(f"X{k}", self.setting.dim(k), self.setting.dim(k))

    def width(self, k: int) -> Any:
        """d_k as a scalar: the number, or |e_k|^2."""
        return norm2(self.sign(k)) if self.words else self.setting.dim(k)

    @cached_property
    def kappa(self) -> Any:
        return Symbol("kappa") if self.words else self.setting.kappa

    @cached_property
    def variables(self) -> tuple[Any, ...]:
        more = [v for k in self.noise for v in (self.sign(k), self.spread(k))]
        return (*self.setting.variables, *more, self.kappa) if self.words else self.setting.variables

    def unit(self, k: int) -> Expr:
        """diag(e_k e_k^T) - I = 0: the entries of e_k are signs."""
        return DiagonalPart(self.sign(k) * self.sign(k).T) - Identity(self.setting.dim(k))

    def row(self, k: int) -> Expr:
        """u_k = W_N ... W_{k+1}; u_0 = P."""
        return self.setting.heads[k]

    def spread_row(self, k: int) -> Expr:
        return self.sign(k).T * DiagonalPart(self.spread(k))

    @cached_property
    def kappa_gap(self) -> Any:
        """kappa prod d_i - prod (d_i + s_i) = 0."""
        pairs = [(self.width(k), s) for k, s in self.noise.items()]
        return self.kappa * Mul(*(d for d, _ in pairs)) - Mul(*(d + s for d, s in pairs))

    @property
    def signs_given(self) -> tuple[Condition, ...]:
        return (*(equal(self.unit(k)) for k in self.noise), equal(self.kappa_gap)) if self.words else ()

    def positive_steps(self) -> list[Step]:
        """The widths |e_k|^2 = tr(I) and kappa are positive."""
        if not self.words:
            return []
        widths = [
            prove(">", self.width(k), Trace(Identity(self.setting.dim(k))) + Trace(known(self.unit(k)))) for k in self.noise
        ]
        by = Mul(*(known(self.width(k)) + known(s) for k, s in self.noise.items())) + known(self.kappa_gap)
        return [*widths, prove(">", self.kappa, by, times=self.widths_known)]

    @property
    def given(self) -> tuple[Condition, ...]:
        rows = [equal(self.row(k) - self.spread_row(k)) for k in self.noise] if self.words else []
        return (*self.setting.hypotheses, *self.signs_given, *rows)

    @cached_property
    def kappa_known(self) -> Any:
        """kappa, visibly positive."""
        if self.words:
            return known(self.kappa)
        return Mul(*(1 + known(s) / self.setting.dim(k) for k, s in self.noise.items()))

    # -- the path lemma -------------------------------------------------------------------------------------------------

    def moment(self, k: int) -> Expr:
        """B_k, visibly positive semidefinite."""
        out = known(self.setting.A)
        for W, s in zip(self.setting.layers[:k], self.setting.noise[:k], strict=True):
            M = W * out * W.T
            out = M + known(s) * DiagonalPart(M) if s != 0 else M
        return out

    @property
    def moment_known(self) -> Expr:
        """E f^2, visibly nonnegative."""
        return Trace(Congruence(self.moment(self.setting.depth - 1), self.setting.layers[-1].T))

    def hidden_moment(self, k: int) -> Expr:
        """M_k = W_k B_{k-1} W_k^T."""
        W = self.setting.layers[k - 1]
        return W * self.setting.carried[k - 1] * W.T

    def spread_gap(self, k: int) -> Expr:
        """d_k u_k diag(M_k) u_k^T - u_k M_k u_k^T >= 0."""
        u, M = self.row(k), self.hidden_moment(k)
        return self.width(k) * Trace(u * DiagonalPart(M) * u.T) - Trace(u * M * u.T)

    def spread_step(self, k: int) -> Step:
        return self._spread_in_words(k) if self.words else prove(">=", self.spread_gap(k), self._spread_pairs(k))

    def _spread_pairs(self, k: int) -> Expr:
        """sum over pairs of neurons of |u_i m_i - u_j m_j|^2 in B_{k-1}, m_i the rows of W_k; 0 if there is one."""
        d = int(self.setting.widths[k])
        E = [ImmutableMatrix(d, d, lambda a, b, i=i: int(a == b == i)) for i in range(d)]
        carried = [self.row(k) * E[i] * self.setting.layers[k - 1] for i in range(d)]
        B = self.moment(k - 1)
        return sum((Trace(Congruence(B, (x - y).T)) for x, y in combinations(carried, 2)), Integer(0))

    def balancing(self, k: int) -> Expr:
        """(d_k I - e e^T) diag(X) W_k: zero iff the parts of u_k W_k carried by the neurons of layer k agree."""
        e, D = self.sign(k), DiagonalPart(self.spread(k))
        return self.width(k) * D * self.setting.layers[k - 1] - e * e.T * D * self.setting.layers[k - 1]

    def spread_square(self, k: int) -> Expr:
        return Trace(Congruence(self.moment(k - 1), self.balancing(k).T))

    def spread_correction(self, k: int) -> Expr:
        """d_k (spread gap) - (spread square): zero by the facts about e_k and X_k."""
        u, r, M, d = self.row(k), self.spread_row(k), self.hidden_moment(k), self.width(k)
        D, unit, off = DiagonalPart(self.spread(k)), known(self.unit(k)), known(u - r)
        moved = [Trace(off * m * u.T) + Trace(r * m * off.T) for m in (DiagonalPart(M), M)]
        return d**2 * Trace(M * D * D * unit) + d * (d * moved[0] - moved[1])

    def _spread_in_words(self, k: int) -> Step:
        by = self.spread_square(k) + self.spread_correction(k)
        return prove(">=", self.spread_gap(k), by, times=known(self.width(k)))

    @cached_property
    def path(self) -> Expr:
        """E f^2 - kappa |v|_A^2 >= 0."""
        return self.setting.second_moment - self.kappa * quadratic(self.setting.A, self.setting.product.T)

    def path_weights(self) -> dict[int, Any]:
        """prod d_i (E f^2 - kappa |v|_A^2) = sum_k weight_k (spread gap of k), over the layers with noise."""
        s, d = self.noise, {k: self._width_known(k) for k in self.noise}
        below = {k: Mul(*(d[j] for j in s if j < k)) for k in s}
        above = {k: Mul(*(d[j] + known(s[j]) for j in s if j > k)) for k in s}
        return {k: below[k] * above[k] * known(s[k]) for k in s}

    @property
    def kappa_zero(self) -> Any:
        """What is added to that sum where kappa is a variable: a visible zero."""
        return -quadratic(self.setting.A, self.setting.product.T) * known(self.kappa_gap) if self.words else Integer(0)

    def _width_known(self, k: int) -> Any:
        return known(self.width(k)) if self.words else self.width(k)

    @property
    def widths_known(self) -> Any:
        """The product of the widths of the layers with noise, visibly positive."""
        return Mul(*(self._width_known(k) for k in self.noise))

    def path_steps(self) -> list[Step]:
        """The path lemma, as the fact `path >= 0` (without noise: an identity)."""
        if not self.noise:
            return [prove("==", self.path, 0)]
        by = sum(c * known(self.spread_gap(k)) for k, c in self.path_weights().items()) + self.kappa_zero
        return [*self.positive_steps(), *map(self.spread_step, self.noise), prove(">=", self.path, by, times=self.widths_known)]

    # -- the norm lemma -------------------------------------------------------------------------------------------------

    def norm_gap(self, k: int) -> Expr:
        """|u_k|^2 |W_k|^2 - |u_k W_k|^2 >= 0."""
        return norm2(self.row(k)) * norm2(self.setting.layers[k - 1]) - norm2(self.row(k - 1))

    def alignment(self, k: int) -> Expr:
        """|u_k|^2 W_k - u_k^T u_k W_k: zero iff every row of W_k is a multiple of u_{k-1}, by the entry of u_k."""
        u, W = self.row(k), self.setting.layers[k - 1]
        return norm2(u) * W - u.T * u * W

    def norm_step(self, k: int) -> Step:
        u, W, p = self.row(k), self.setting.layers[k - 1], self.norm_gap(k)
        by = Trace(known(u) * u.T) * norm2(W) - Trace(known(u) * W * W.T * u.T)
        positive = [prove(">=", p, Square(self.alignment(k)), times=known(norm2(u)))]
        return split(">=", p, on=norm2(u), positive=positive, otherwise=[vanishes(u, known(-norm2(u))), prove(">=", p, by)])

    @cached_property
    def norm(self) -> Expr:
        """prod_i |W_i|^2 - |v|^2 >= 0."""
        return Mul(*map(norm2, self.setting.layers)) - norm2(self.setting.product)

    def norm_by(self) -> Expr:
        below = {k: Mul(*(Square(W) for W in self.setting.layers[: k - 1])) for k in self.hidden}
        return sum(below[k] * known(self.norm_gap(k)) for k in self.hidden)

    def norm_steps(self) -> list[Step]:
        return [*map(self.norm_step, self.hidden), prove(">=", self.norm, self.norm_by())]


def mean_gap(x: Sequence[Any]) -> Any:
    """(x_1 + ... + x_n)^n - n^n x_1 ... x_n, visibly nonnegative if the x_i are, for n <= 4."""
    pairs = list(combinations(x, 2))
    if len(x) < 3:
        return sum(((a - b) ** 2 for a, b in pairs), Integer(0))
    if len(x) == 3:
        a, b, c = x
        return sum(x) * sum((p - q) ** 2 for p, q in pairs) / 2 + 3 * (a * (b - c) ** 2 + b * (c - a) ** 2 + c * (a - b) ** 2)
    (a, b, c, d), (u, v) = x, (x[0] + x[1], x[2] + x[3])
    top = (u - v) ** 2 * ((u + v) ** 2 + 4 * u * v)
    return top + 16 * ((a - b) ** 2 * v**2 + 4 * a * b * (c - d) ** 2)


def mean_cofactor(total: Any, p: Any, n: int) -> Any:
    """(t^n - (n p)^n) / (t - n p)."""
    return sum((total ** (n - 1 - i) * (n * p) ** i for i in range(n)), Integer(0))


def moved(term: Any, change: Mapping[Any, Any], sizes: Mapping[str, int] | None = None) -> tuple[Node, Node]:
    """(new, difference): the term with variables replaced by values, and term - new as a visible zero.

    The difference cites `variable - value == 0` for each replaced variable, telescoping through every product.
    """
    nodes = {lower(x, sizes): (lower(y, sizes), lower(x - y, sizes)) for x, y in change.items()}
    done: dict[Node, tuple[Node, Node]] = {}
    root = dag.resolved(lower(term, sizes))
    for x in dag.topological([root]):
        done[x] = _moved(x, nodes, done)
    return done[root]


def _moved(x: Node, nodes: Mapping[Node, tuple[Node, Node]], done: Mapping[Node, tuple[Node, Node]]) -> tuple[Node, Node]:
    if x in nodes:
        value, fact = nodes[x]
        return value, dag.known(fact)
    parts = [done[y] for y in x.args]
    new = dag.rebuilt(x, [y for y, _ in parts])
    if all(d.op == "zero" or (d.op == "num" and d.data[0] == 0) for _, d in parts):
        return new, dag.zero(x.shape)
    if x.op == "mul":
        return new, _telescoped(list(x.args), parts, x.shape)
    if x.op == "pow":
        (y, d), n = parts[0], int(str(x.data[0]))
        return new, dag.mul(d, dag.add(*(dag.mul(dag.power(x.args[0], i), dag.power(y, n - 1 - i)) for i in range(n))))
    return new, dag.rebuilt(x, [d for _, d in parts])  # linear: lin, T, tr, diag


def _telescoped(old: list[Node], parts: list[tuple[Node, Node]], shape: Any) -> Node:
    new = [y for y, _ in parts]
    terms = [dag.mul(*new[:j], d, *old[j + 1 :]) for j, (_, d) in enumerate(parts)]
    return dag.add(*(t for t in terms)) if terms else dag.zero(shape)
