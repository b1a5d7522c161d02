r"""The exact global minimum of a deep linear network with weight decay and neuron noise, over the rationals.

Setting: a network with one output, `depth` = N weight matrices and D = N - 1 hidden layers; :math:`A = E[xx^T]`,
:math:`g = E[xy]`; per-layer weight decay with product :math:`\Gamma = \gamma_1\cdots\gamma_N`; multiplicative neuron
noise that enters only through the noise factor :math:`\kappa = \prod_i (1 + \sigma_i^2/d_i)`. With

.. math:: T(\lambda) = g^T(\kappa A + \lambda)^{-1} g, \quad S = -T', \quad \psi = D\lambda S - T,

the least loss is :math:`L^* = E[y^2] + \min(0, \min_\lambda \psi)` over the solutions of the *scalar equation*
:math:`\lambda^{D+1} S(\lambda)^D = \Gamma`. For rational data T is a rational function, its numerator and denominator
come from the characteristic polynomial without eigenvalues, and every decision below (which root is least, whether zero
ties with a nonzero family) is exact. Source: arXiv:2202.04777 for the minimiser; the one-dimensional form is derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from flint import arb, ctx, fmpq, fmpq_mat, fmpq_poly

from theory.errors import InvalidInput
from theory.scalar_roots import START_BITS, PositiveRoot, compare, evaluate, positive_roots, rational

LAMBDA = fmpq_poly([0, 1])


class Kind(Enum):
    """What a stationary point of psi is along the one-dimensional family that it parametrises."""

    MINIMUM = "local minimum"
    MAXIMUM = "barrier (local maximum of the one-dimensional problem)"
    SADDLE = "saddle"
    DEGENERATE = "degenerate (a minimum and a barrier that have merged)"


class Verdict(Enum):
    """Whether zero solves the problem."""

    TRIVIAL = "zero is the global minimum"
    TIED = "zero and a nonzero family are both global minima"
    NONTRIVIAL = "every global minimum is nonzero"


def noise_factor(hidden_widths: Sequence[int], noise: Sequence[object]) -> fmpq:
    r"""The noise factor :math:`\kappa = \prod_i (1 + \sigma_i^2/d_i)` of hidden widths d_i and noise variances.

    >>> noise_factor((2, 4), (1, 2))
    9/4
    """
    if len(hidden_widths) != len(noise):
        raise InvalidInput("noise", tuple(noise), f"one variance for each of the {len(hidden_widths)} hidden layers")
    factor = fmpq(1)
    for width, variance in zip(hidden_widths, noise, strict=True):
        exact = rational("noise", variance)
        if width < 1 or exact < 0:
            raise InvalidInput("noise", (width, variance), "a width >= 1 and a variance >= 0")
        factor *= 1 + exact / width
    return factor


def transfer_function(
    second_moment: Sequence[Sequence[object]],
    cross_moment: Sequence[object],
    *,
    noise_factor: object = 1,
    scale: Sequence[object] | None = None,
) -> tuple[fmpq_poly, fmpq_poly]:
    r"""Numerator and monic denominator, in lowest terms, of :math:`T(\lambda) = g^T(\kappa A + \lambda)^{-1} g`.

    By Faddeev and LeVerrier's recursion: with :math:`\det(\lambda - M) = \sum c_k\lambda^k`, :math:`M = -\kappa A`,
    the adjugate is :math:`\sum_k \lambda^k B_k`, :math:`B_{k-1} = M B_k + c_k`. Cancelling the greatest common divisor
    drops the eigenvalues that g does not see, the null ones included. `scale` = (s_1^2, ...) asks for the features
    :math:`x_j/s_j` instead of :math:`x_j`, which stays rational although s_j is not. A must be symmetric PSD and g in
    its range (consistent moments), else `InvalidInput`.

    >>> transfer_function([[1, 0], [0, 0]], [2, 0])
    (4, x + 1)
    """
    size = len(cross_moment)
    a, g = _matrix(second_moment, size), [rational("cross_moment", entry) for entry in cross_moment]
    shrink = _shrink(scale, size)
    factor = rational("noise_factor", noise_factor)
    m = fmpq_mat(size, size, [-factor * shrink[i] * a[i, j] for i in range(size) for j in range(size)])
    chi = m.charpoly()
    if any(coefficient < 0 for coefficient in chi.coeffs()):
        raise InvalidInput("second_moment", second_moment, "a positive semidefinite matrix E[x x^T]")
    top, bottom = _lowest_terms(_adjugate_form(m, chi, g, shrink), chi)
    if bottom[0] == 0:
        raise InvalidInput("cross_moment", cross_moment, "consistent moments: E[xy] in the range of E[x x^T]")
    return top, bottom


def _matrix(rows: Sequence[Sequence[object]], size: int) -> fmpq_mat:
    expected = f"a symmetric {size} x {size} matrix, one row for each entry of cross_moment"
    if size == 0 or len(rows) != size or any(len(row) != size for row in rows):
        raise InvalidInput("second_moment", rows, expected)
    matrix = fmpq_mat(size, size, [rational("second_moment", entry) for row in rows for entry in row])
    if matrix != matrix.transpose():
        raise InvalidInput("second_moment", rows, expected)
    return matrix


def _shrink(scale: Sequence[object] | None, size: int) -> list[fmpq]:
    squares = [fmpq(1)] * size if scale is None else [rational("scale", entry) for entry in scale]
    if len(squares) != size or any(square <= 0 for square in squares):
        raise InvalidInput("scale", scale, f"{size} positive squared scales")
    return [1 / square for square in squares]


def _adjugate_form(m: fmpq_mat, chi: fmpq_poly, g: list[fmpq], shrink: list[fmpq]) -> fmpq_poly:
    """g^T adj(lambda - M) diag(shrink) g as a polynomial in lambda."""
    size = len(g)
    start = fmpq_mat(size, 1, [weight * entry for weight, entry in zip(shrink, g, strict=True)])
    row, column, coefficients = fmpq_mat(1, size, g), start, []
    for k in range(size - 1, -1, -1):
        coefficients.append((row * column)[0, 0])
        column = m * column + start * chi[k]
    return fmpq_poly(coefficients[::-1])


def _lowest_terms(top: fmpq_poly, bottom: fmpq_poly) -> tuple[fmpq_poly, fmpq_poly]:
    common = top.gcd(bottom)
    top, bottom = top // common, bottom // common
    lead = bottom[bottom.degree()]
    return top / lead, bottom / lead


@dataclass(frozen=True)
class ExactStationary:
    """A nonzero stationary point of psi: a root of the scalar equation. Numbers are balls; `sign` is exact.

    `energy` is b = lambda S, the common value of decay times squared norm of every layer; `value` is psi, the loss less
    E[y^2]; `sign` its sign; `multiplicity` that of the root.
    """

    root: PositiveRoot
    multiplicity: int
    kind: Kind
    lam: arb
    energy: arb
    value: arb
    sign: int


@dataclass(frozen=True)
class ExactMinimum:
    """The exact global minimum. `value` (a ball) is L* - E[y^2] <= 0; `minimisers` index the least `stationary` points.

    `zero_is_global` says whether theta = 0 attains the minimum too; `critical_decay_product` is None where no decay is
    large enough to make zero optimal (depth 1).
    """

    equation: ScalarEquation
    verdict: Verdict
    value: arb
    stationary: tuple[ExactStationary, ...]
    minimisers: tuple[int, ...]
    critical_decay_product: arb | None

    @property
    def zero_is_global(self) -> bool:
        """Whether theta = 0 is a global minimiser."""
        return self.verdict is not Verdict.NONTRIVIAL

    def equals(self, value: object) -> bool:
        """Decides exactly whether L* - E[y^2] is the rational `value`."""
        target = rational("value", value)
        if not self.minimisers:
            return bool(self.equation.ridge_value() == target if self.equation.hidden == 0 else target == 0)
        root = self.stationary[self.minimisers[0]].root
        return root.sign(self.equation.value_numerator - target * self.equation.denominator**2) == 0


@dataclass(frozen=True)
class ScalarEquation:
    r"""The equation :math:`\lambda^{D+1} S(\lambda)^D = \Gamma` of :math:`T = N/\Delta`, with D = `hidden` layers."""

    numerator: fmpq_poly
    denominator: fmpq_poly
    hidden: int
    decay_product: fmpq

    @cached_property
    def slope(self) -> fmpq_poly:
        r"""The numerator :math:`M = N\Delta' - N'\Delta` of :math:`S = M/\Delta^2`."""
        return self.numerator * self.denominator.derivative() - self.numerator.derivative() * self.denominator

    @cached_property
    def polynomial(self) -> fmpq_poly:
        r""":math:`\lambda^{D+1} M^D - \Gamma\Delta^{2D}`; its sign at lambda > 0 is the sign of d psi / d lambda."""
        d = self.hidden
        return LAMBDA ** (d + 1) * self.slope**d - self.decay_product * self.denominator ** (2 * d)

    @cached_property
    def value_numerator(self) -> fmpq_poly:
        r"""The numerator of :math:`\psi = (D\lambda M - N\Delta)/\Delta^2`."""
        return self.hidden * LAMBDA * self.slope - self.numerator * self.denominator

    def ridge_value(self) -> fmpq:
        r""":math:`-T(\Gamma)`: the minimum for depth 1, where the problem is ridge regression."""
        return -self.numerator(self.decay_product) / self.denominator(self.decay_product)

    def stationary(self, bits: int = START_BITS) -> tuple[ExactStationary, ...]:
        """Every nonzero stationary point of psi, in order of increasing lambda."""
        if self.hidden == 0 or self.polynomial.degree() == 0:
            return ()
        squarefree = self.polynomial // self.polynomial.gcd(self.polynomial.derivative())
        points, below = [], -1
        for index, (_, multiplicity) in enumerate(positive_roots(self.polynomial, bits)):
            above = -below if multiplicity % 2 else below
            points.append(self._point(PositiveRoot(squarefree, index), multiplicity, _kind(below, above), bits))
            below = above
        return tuple(points)

    def _point(self, root: PositiveRoot, multiplicity: int, kind: Kind, bits: int) -> ExactStationary:
        lam, square = root.ball(bits), self.denominator**2
        energy = root.quotient(LAMBDA * self.slope, square, bits)
        value, sign = root.quotient(self.value_numerator, square, bits), root.sign(self.value_numerator)
        return ExactStationary(root, multiplicity, kind, lam, energy, arb(0) if sign == 0 else value, sign)

    def critical_decay_product(self, bits: int = START_BITS) -> arb | None:
        r""":math:`\Gamma_c = D^{-D}\sup_\lambda \lambda T^D`: zero is a global minimiser iff Gamma >= Gamma_c.

        For D = 1 the supremum is |g|^2, approached at infinity; for D >= 2 it is attained, where psi and its slope both
        vanish.
        """
        d = self.hidden
        if self.numerator == 0:
            return arb(0)
        if d == 0:
            return None
        if d == 1:
            return arb(self.numerator[self.denominator.degree() - 1])
        return self._largest(self.value_numerator, LAMBDA * self.numerator**d, d**d * self.denominator**d, bits)

    def saddle_node_product(self, bits: int = START_BITS) -> arb | None:
        r""":math:`\Gamma_{sn} = \sup_\lambda \lambda^{D+1}S^D`, beyond which psi has no nonzero stationary point.

        For D >= 2 it is attained (a double root); for D = 1 it is |g|^2, approached at infinity and never attained.
        """
        d = self.hidden
        if d <= 1 or self.numerator == 0:
            return self.critical_decay_product(bits)
        m, delta = self.slope, self.denominator
        turning = (d + 1) * m * delta + d * LAMBDA * (m.derivative() * delta - 2 * m * delta.derivative())
        return self._largest(turning, LAMBDA ** (d + 1) * m**d, delta ** (2 * d), bits)

    def _largest(self, turning: fmpq_poly, top: fmpq_poly, bottom: fmpq_poly, bits: int) -> arb:
        with ctx.workprec(bits):
            values = [evaluate(top, x) / evaluate(bottom, x) for x, _ in positive_roots(turning, bits)]
            largest = values[0]
            for value in values[1:]:
                largest = largest.max(value)
        return largest


def _kind(below: int, above: int) -> Kind:
    if below == above:
        return Kind.DEGENERATE
    return Kind.MINIMUM if above > below else Kind.MAXIMUM


def exact_minimum(
    second_moment: Sequence[Sequence[object]],
    cross_moment: Sequence[object],
    *,
    depth: int,
    decay_product: object,
    noise_factor: object = 1,
    scale: Sequence[object] | None = None,
    target_scale: object = 1,
    bits: int = START_BITS,
) -> ExactMinimum:
    r"""The exact global minimum from rational moments; `depth` = number of weight matrices (1 is ridge regression).

    `scale` and `target_scale` are the squares of what the features and the target are divided by first.
    Raises `InvalidInput` for inconsistent moments, a decay product that is not positive or a noise factor below 1.
    The cost is that of isolating the roots of a polynomial of degree :math:`2 D m`, m = number of distinct eigenvalues
    of A that E[xy] sees.

    >>> least = exact_minimum([[1]], [3], depth=2, decay_product=1)
    >>> least.verdict.name, least.equals(-4), float(least.stationary[0].energy)
    ('NONTRIVIAL', True, 2.0)
    >>> exact_minimum([[1]], [2], depth=3, decay_product=1).verdict.name
    'TIED'
    """
    gamma, kappa = rational("decay_product", decay_product), rational("noise_factor", noise_factor)
    if depth < 1:
        raise InvalidInput("depth", depth, "a number of weight matrices >= 1")
    if gamma <= 0:
        raise InvalidInput("decay_product", decay_product, "a positive product of weight decays")
    if kappa < 1 or (depth == 1 and kappa != 1):
        raise InvalidInput("noise_factor", noise_factor, "a number >= 1, and 1 where there is no hidden layer")
    top, bottom = transfer_function(second_moment, cross_moment, noise_factor=kappa, scale=scale)
    unit = rational("target_scale", target_scale)
    if unit <= 0:
        raise InvalidInput("target_scale", target_scale, "a positive squared scale")
    return solve(ScalarEquation(top / unit, bottom, depth - 1, gamma), bits)


def solve(equation: ScalarEquation, bits: int = START_BITS) -> ExactMinimum:
    """The exact global minimum of a scalar equation: the least of zero and psi at every root, ties included."""
    points, critical = equation.stationary(bits), equation.critical_decay_product(bits)
    if equation.hidden == 0:
        value = equation.ridge_value()
        verdict = Verdict.NONTRIVIAL if value < 0 else Verdict.TRIVIAL
        with ctx.workprec(bits):
            return ExactMinimum(equation, verdict, arb(value), points, (), critical)
    least = _least(equation, points)
    sign = points[least[0]].sign if least else 1
    if sign > 0:
        return ExactMinimum(equation, Verdict.TRIVIAL, arb(0), points, (), critical)
    verdict = Verdict.TIED if sign == 0 else Verdict.NONTRIVIAL
    return ExactMinimum(equation, verdict, points[least[0]].value, points, least, critical)


def _least(equation: ScalarEquation, points: tuple[ExactStationary, ...]) -> tuple[int, ...]:
    """The indices of all points whose psi is least among the points (exact, ties included)."""
    best: list[int] = []
    for index, point in enumerate(points):
        order = _order(equation, point, points[best[0]]) if best else -1
        if order < 0:
            best = [index]
        elif order == 0:
            best.append(index)
    return tuple(best)


def _order(equation: ScalarEquation, left: ExactStationary, right: ExactStationary) -> int:
    if left.sign != right.sign:
        return left.sign - right.sign
    if left.sign == 0:
        return 0
    return compare(left.root, right.root, equation.value_numerator, equation.denominator**2)
