r"""Where the envelope is touched: L = Y + psi(b), b > 0, forces v = b^D z and aligned layers of rank one and of one energy b.

Every part of the sum of nonnegative parts vanishes. With noise and consistent moments A p = g, g != 0, also |v|_A > 0, and
the path lemma of each layer with s_k > 0 is an equality, d_k diag(u_k^T u_k) = |u_k|^2 I: the neurons of the layer are
equally strong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Identity, Integer, MatrixSymbol, Mul, Rational, Trace

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import Congruence, DiagonalPart, Square, inner, known, norm2, quadratic
from theory.statement import Condition, equal, greater
from theory.theorems.minima.envelope import Envelope
from theory.theorems.minima.lemmas import Network, mean_cofactor


@dataclass(frozen=True)
class Equality:
    """A network at which the envelope (with the geometric mean b) is touched; D <= 3."""

    network: Network

    @cached_property
    def e(self) -> Envelope:
        return Envelope(self.network)

    @cached_property
    def p(self) -> MatrixSymbol:
        return MatrixSymbol("p", self.network.setting.dim(0), 1)

    @cached_property
    def consistent(self) -> Expr:
        """A p - g."""
        return self.network.setting.A * self.p - self.network.setting.g

    @property
    def given(self) -> tuple[Condition, ...]:
        return (*self.e.given, greater(self.e.b), equal(self.e.value), greater(norm2(self.network.setting.g)))

    @property
    def noisy_given(self) -> tuple[Condition, ...]:
        return (*self.given, equal(self.consistent), *map(greater, self.network.noise.values()))

    # -- every part is zero ------------------------------------------------------------------------------------------------

    @cached_property
    def beta(self) -> Any:
        return known(self.e.b) ** self.e.D

    @cached_property
    def parts(self) -> dict[str, Any]:
        """The nonnegative parts of b^D (L - Y - psi(b)), and the visible zeros."""
        e, first = self.e, known(self.network.setting.decay[0]) * Square(self.network.setting.layers[0])
        A = known(self.network.setting.A)
        gap = first * e.energy_gap_known if e.rooted else Integer(0)
        return {
            "path": self.beta * known(self.network.path),
            "norm": e.decay_known * known(self.network.norm),
            "data": self.network.kappa_known * self.beta * Trace(Congruence(A, e.remainder)),
            "ridge": e.decay_known * Square(e.remainder),
            "means": self.beta * known(e.energy_sum_gap) if e.rooted else Integer(0),
            "zeros": e.cross + gap - self.beta * known(e.value),
        }

    def others(self, *names: str) -> Any:
        return sum(x for name, x in self.parts.items() if name not in names)

    def part_steps(self) -> list[Step]:
        e, n = self.e, self.network
        steps = [vanishes(n.path, known(n.path) * self.others("path"), times=self.beta)] if n.noise else []
        steps.append(vanishes(n.norm, known(n.norm) * self.others("norm"), times=e.decay_known))
        steps.append(vanishes(e.remainder, self.others("ridge"), times=e.decay_known))
        if e.rooted:
            steps.append(vanishes(e.energy_sum_gap, known(e.energy_sum_gap) * self.others("means"), times=self.beta))
        return steps

    def layer_energy(self, i: int) -> Any:
        """gamma_i |W_i|^2 - b, i >= 2."""
        return self.e.energies[i - 2] - self.e.b

    def energy_steps(self) -> list[Step]:
        """gamma_i |W_i|^2 = b for i >= 2: equality of the means."""
        h, e = self.e.energies, self.e
        if not e.rooted:
            return [prove("==", self.layer_energy(2), 0)]
        pairs = [(h[i], h[j]) for i in range(e.D) for j in range(i)]
        equal_pairs = [vanishes(x - y, *self._pair(x, y)) for x, y in pairs]
        signed = {(x, y): sign for a, b in pairs for (x, y), sign in (((a, b), 1), ((b, a), -1))}
        lesser = {key: sign * known(key[0] - key[1] if sign > 0 else key[1] - key[0]) for key, sign in signed.items()}
        rest = {x: sum(lesser[x, y] for y in h if y != x) + known(e.energy_sum_gap) for x in h}
        return [*equal_pairs, *(prove("==", x - e.b, Rational(1, e.D) * rest[x]) for x in h)]

    def _pair(self, x: Any, y: Any) -> tuple[Any, Any]:
        """-times (x - y)^2 from the equality of the means of two or three energies."""
        e, h, seen = self.e, self.e.energies, dict(zip(self.e.energies, self.e.energies_known, strict=True))
        zero = known(e.energy_sum_gap) * mean_cofactor(sum(h), e.b, e.D) + e.D**e.D * known(e.energy_gap)
        if e.D == 2:
            return -zero, None
        (z,) = (k for k in h if k not in (x, y))
        a, b, c = seen[x], seen[y], seen[z]
        squares = (a + b + c) / 2 * ((a - c) ** 2 + (b - c) ** 2) + 3 * (a * (b - c) ** 2 + b * (c - a) ** 2 + c * (a - b) ** 2)
        return squares - zero + known(e.energy_sum_gap) * (x - y) ** 2 / 2, Rational(3, 2) * known(e.b)

    # -- no layer vanishes, and all are aligned ----------------------------------------------------------------------------

    def nonzero_steps(self) -> list[Step]:
        """z != 0, then every layer is nonzero, and the energy of the first is Gamma b^D |z|^2."""
        e, s = self.e, self.network.setting
        z, g = e.z, s.g
        by = known(norm2(g)) - Trace(g.T * e.shifted * known(z)) + Trace(g.T * known(e.equation)) + Trace(z.T * known(z))
        otherwise = [vanishes(z, known(-norm2(z))), prove(">", norm2(z), by)]
        length = split(">", norm2(z), on=norm2(z), positive=[], otherwise=otherwise)
        upper = [
            prove(">", norm2(W), known(e.b) + known(self.layer_energy(i)), times=known(s.decay[i - 1]))
            for i, W in enumerate(s.layers[1:], 2)
        ]
        above = Mul(*(known(norm2(W)) for W in s.layers[1:]))
        first = prove(">", norm2(s.layers[0]), self.product_norm + self.beta**2 * known(norm2(z)), times=above)
        return [length, *upper, first, self.first_energy_step()]

    @property
    def product_norm(self) -> Expr:
        """prod |W_i|^2 - b^{2D} |z|^2, a visible zero."""
        e = self.e
        return known(self.network.norm) + Trace(known(e.remainder).T * (e.v + e.beta * e.z))

    @cached_property
    def first_energy(self) -> Expr:
        """gamma_1 |W_1|^2 - Gamma b^D |z|^2."""
        s, e = self.network.setting, self.e
        return s.decay[0] * norm2(s.layers[0]) - s.decay_product * e.beta * norm2(e.z)

    def first_energy_step(self) -> Step:
        s, e = self.network.setting, self.e
        gap = s.decay[0] * norm2(s.layers[0]) * known(e.energy_gap) if e.rooted else Integer(0)
        return prove("==", self.first_energy, gap + s.decay_product * self.product_norm, times=self.beta)

    def alignment_steps(self) -> list[Step]:
        """|u_k|^2 W_k = u_k^T u_{k-1}."""
        n, layers = self.network, self.network.setting.layers
        below = {k: Mul(*(known(norm2(W)) for W in layers[: k - 1])) for k in n.hidden}
        steps = []
        for k in n.hidden:
            rest = sum(below[j] * known(n.norm_gap(j)) for j in n.hidden if j != k) - known(n.norm)
            steps.append(vanishes(n.alignment(k), Square(n.row(k)) * rest, times=below[k]))
        return steps

    def steps(self) -> list[Step]:
        lemmas = [*self.e.lemma_steps(), *self.e.energy_steps(), *self.part_steps(), *self.energy_steps()]
        return [*lemmas, *self.nonzero_steps(), *self.alignment_steps()]

    @property
    def conclusions(self) -> tuple[Expr, ...]:
        """v = b^D z, the energies, the alignment."""
        n = self.network
        energies = [self.layer_energy(i) for i in range(2, n.setting.depth + 1)] if self.e.rooted else []
        return (self.e.remainder, *energies, self.first_energy, *map(n.alignment, n.hidden))

    # -- equal magnitudes --------------------------------------------------------------------------------------------------

    def carried(self, k: int) -> Expr:
        """u_k B_k u_k^T > 0."""
        u = self.network.row(k)
        return quadratic(self.network.setting.carried[k], u.T)

    def carried_steps(self) -> list[Step]:
        """|z|_A > 0 by consistent moments, then |v|_A > 0, and the noise of the layers only adds."""
        e, s = self.e, self.network.setting
        A, z, p, zg = s.A, e.z, self.p, inner(e.z, s.g)
        gain = self.network.kappa_known * self.beta * Trace(Congruence(known(A), z)) + e.decay_known * known(norm2(z))
        first = prove(">", zg, gain - Trace(z.T * known(e.equation)))
        length = quadratic(A, p) + 1
        square = Trace(Congruence(known(A), 2 * zg * p - length * z))
        by = square + 4 * known(zg) ** 2 + 4 * zg * length * Trace(z.T * known(self.consistent))
        second = prove(">", quadratic(A, z), by, times=(Trace(Congruence(known(A), p)) + 1) ** 2)
        moved = Trace(known(e.remainder).T * A * (e.v + e.beta * z))
        third = prove(">", self.carried(0), self.beta**2 * known(quadratic(A, z)) + moved)
        return [first, second, third, *map(self._carried_step, self.network.hidden)]

    def _carried_step(self, k: int) -> Step:
        n, s = self.network, self.network.setting
        W = s.layers[k - 1]
        M = W * n.moment(k - 1) * W.T
        more = known(n.noise[k]) * Trace(Congruence(DiagonalPart(M), n.row(k).T)) if k in n.noise else Integer(0)
        return prove(">", self.carried(k), known(self.carried(k - 1)) + more)

    def spread_steps(self) -> list[Step]:
        """Every layer with noise has equality in its path lemma."""
        n, weights = self.network, self.network.path_weights()
        steps = []
        for k, c in weights.items():
            rest = sum(d * known(n.spread_gap(j)) for j, d in weights.items() if j != k)
            zero = n.kappa_zero - n.widths_known * known(n.path)
            steps.append(vanishes(n.spread_gap(k), known(n.spread_gap(k)) * (rest + zero), times=c))
        return steps

    def magnitude(self, k: int) -> Expr:
        """d_k diag(u_k^T u_k) - |u_k|^2 I."""
        u = self.network.row(k)
        return self.network.width(k) * DiagonalPart(u.T * u) - norm2(u) * Identity(self.network.setting.dim(k))

    def strength(self, k: int) -> Expr:
        """|u_k|^2 (d_k I - e e^T) diag(X) W_k - (magnitude) e u_{k-1}: zero by alignment."""
        n = self.network
        return norm2(n.row(k)) * n.balancing(k) - self.magnitude(k) * n.sign(k) * n.row(k - 1)

    def strength_step(self, k: int) -> Step:
        n = self.network
        u, e, D, d, low = n.row(k), n.sign(k), DiagonalPart(n.spread(k)), n.width(k), n.row(k - 1)
        off, unit, aligned = known(u - n.spread_row(k)), known(n.unit(k)), known(n.alignment(k))
        first = d * D * aligned - e * e.T * D * aligned + Trace(off * u.T) * e * low
        spread = D * off.T - D * unit * D * e - DiagonalPart(off.T * u) * e - DiagonalPart(D * e * off) * e
        return prove("==", self.strength(k), first + d * spread * low)

    def magnitude_step(self, k: int) -> Step:
        n, R, f, B = self.network, self.magnitude(k), known(self.strength(k)), self.network.setting.carried[k - 1]
        u2, X = norm2(n.row(k)), R * n.sign(k) * n.row(k - 1)
        square = n.width(k) * known(n.spread_gap(k)) - n.spread_correction(k)
        moved = Trace(f * B * (u2 * n.balancing(k)).T) + Trace(X * B * f.T)
        by = -(u2**2) * square + moved + self.carried(k - 1) * Trace(R * R * known(n.unit(k)))
        return vanishes(R, by, times=known(self.carried(k - 1)))

    def magnitude_steps(self) -> list[Step]:
        layers = [step(k) for k in self.network.noise for step in (self.strength_step, self.magnitude_step)]
        return [*self.carried_steps(), *self.spread_steps(), *layers]
