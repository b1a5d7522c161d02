r"""Two lower-triangular Toeplitz layers 2 x 2: no moving trajectory in fixed singular bases, for general data and for
autoencoders.

Setting: \(W_1 = aI + bN\), \(W_2 = cI + eN\) (causal convolutions with zero padding), projected gradient descent in
orthonormal coordinates, \(S = XX^T = \begin{pmatrix} p & q \\ q & r \end{pmatrix}\), \(C = YX^T\), \(\tau = \mathrm{tr}\,
C\), \(g = C_{21}\). A trajectory in fixed bases keeps each layer on a line (`alignment.toeplitz_rigidity`): \(W_i(t) =
\alpha_i(t) W_i\); it moves if \(\alpha_1 \alpha_2\) takes two values, \(\alpha_i \ne 0\).

Hypotheses: \(W_1, W_2 \ne 0\).

Conclusion: (a) if \(\tau \ne 0\), \(g \ne 0\) and
\[ g^3(p+r)^2 - 8g^3q^2 + 12g^2pq\tau - 4g^2qr\tau - 6gp^2\tau^2 + 2gpr\tau^2 + 3gq^2\tau^2 - 2pq\tau^3 \ne 0 , \]
no initialisation has such a trajectory. (b) For Y = X, S positive semidefinite, one exists if and only if \(S_{12} = 0\).

Form: generic impossibility; iff for Y = X.

Scope of proof: as stated, over the reals. A moving trajectory gives four equations, at all sizes of a pair of layers; the
four equations give (a) and (b). Larger k, deeper networks and all of weak alignment are not claimed.

Why: two values of \(\alpha_1\alpha_2\) separate \(\langle W_2^T W_2 W_1 S, E\rangle = 0\) from \(\langle W_2^T C, E\rangle =
0\) for E orthogonal to W_1, and in the same way for layer 2. Then \(\tau (ae - bc) = 0\), so the layers are parallel, and a
quadratic and a cubic form in (a, b) have a common zero: their resultant vanishes.

Sharpness: \(\tau \ne 0\), \(g \ne 0\) and nonzero layers are needed; S_12 = 0 has the trajectory of multiples of I.

Source: announced in arXiv:2003.06340 (impossibility for constrained layers); form and proof are our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from sympy import Expr, Matrix, MatrixSymbol, Poly, expand, symbols

from theory.certificates import Step, prove, split, vanishes
from theory.expressions import inner, known
from theory.statement import Condition, Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.setting import dim
from theory.theorems.alignment.training import SOURCE

NAME = "alignment.toeplitz_trajectories"
A, B, C, E = LAYERS = symbols("a b c e")
P, Q, R = MOMENTS = symbols("p q r")
TARGET = symbols("C11 C12 C21 C22")


# -- from a trajectory to four equations --------------------------------------------------------------------------------


def separated() -> Claim:
    """beta (k M - T) orthogonal to E for two values of k, beta not 0: M and T are orthogonal to E."""
    M, T, F = (MatrixSymbol(x, dim("m"), dim("n")) for x in "MTF")
    k, (u, v) = symbols("k1:3"), symbols("beta1:3")
    facts = [x * inner(F, y * M - T) for x, y in ((u, k[0]), (v, k[1]))]
    gap, plain = (k[0] - k[1]) ** 2, [inner(F, y * M - T) for y in k]
    given = (*map(equal, facts), greater(u**2), greater(v**2), greater(gap))
    steps = [prove("==", x, b * known(f), times=known(b**2)) for x, f, b in zip(plain, facts, (u, v), strict=True)]
    one, two = map(known, plain)
    steps += [prove("==", inner(F, M), (k[0] - k[1]) * (one - two), times=known(gap))]
    steps += [prove("==", inner(F, T), k[0] * known(inner(F, M)) - one)]
    s = Statement(f"{NAME}.separated", (M, T, F, *k, u, v), given, (equal(inner(F, M)), equal(inner(F, T))))
    point = {"M": [[1, 0]], "T": [[1, 0]], "F": [[0, 1]], "k1": 1, "k2": 2, "beta1": 1, "beta2": 1}
    return Claim(s, tuple(steps), point, {"m": 1, "n": 2})


def toeplitz(x: Any, y: Any) -> Matrix:
    return Matrix([[x, 0], [y, x]])


def across(x: Any, y: Any, m: Matrix) -> Expr:
    """<m, E> for the E = y I - 2 x N orthogonal to x I + y N."""
    return expand(y * m.trace() - 2 * x * m[1, 0])


@cache
def equations(target: tuple[Expr, ...] = TARGET) -> tuple[Expr, Expr, Expr, Expr]:
    """Layer 1 with C, layer 2 with C, layer 1 with S, layer 2 with S."""
    W1, W2, S, T = toeplitz(A, B), toeplitz(C, E), Matrix([[P, Q], [Q, R]]), Matrix(2, 2, list(target))
    first, second = across(A, B, W2.T * T), across(C, E, T * W1.T)
    return first, second, across(A, B, W2.T * W2 * W1 * S), across(C, E, W2 * W1 * S * W1.T)


def resultant(g: Any, tau: Any) -> Expr:
    cubic = g**3 * (P + R) ** 2 - 8 * g**3 * Q**2 + 12 * g**2 * P * Q * tau - 4 * g**2 * Q * R * tau
    return cubic - 6 * g * P**2 * tau**2 + 2 * g * P * R * tau**2 + 3 * g * Q**2 * tau**2 - 2 * P * Q * tau**3


# -- from the equations to the resultant --------------------------------------------------------------------------------


@cache
def _forms(target: tuple[Expr, ...]) -> tuple[Expr, Expr, Expr]:
    """Layer 1 with C and with S where W_2 = W_1 (f1, f2), and layer 1 with S as it is."""
    first, _, third, _ = equations(target)
    same = {C: A, E: B}
    return expand(first.subs(same)), expand(third.subs(same)), third


@cache
def _cofactors(target: tuple[Expr, ...]) -> tuple[Expr, Expr]:
    """U, V with resultant * a^4 = U f1 + V f2 / a: a column of the adjugate of the Sylvester matrix."""
    f1, f2, _ = _forms(target)
    cubic = expand(f2 / A)
    columns = [expand(f1 * m) for m in (A**2, A * B, B**2)] + [expand(cubic * m) for m in (A, B)]
    rows = [[Poly(f, A, B).coeff_monomial(A ** (4 - i) * B**i) for f in columns] for i in range(5)]
    M = Matrix(rows)
    minors = [expand((-1) ** j * M.minor_submatrix(0, j).det(method="berkowitz")) for j in range(5)]
    det = expand(sum(M[0, j] * x for j, x in enumerate(minors)))
    scale = _ratio(det, _resultant(target))
    minors = [x / scale for x in minors]
    return expand(minors[0] * A**2 + minors[1] * A * B + minors[2] * B**2), expand(minors[3] * A + minors[4] * B)


def _resultant(target: tuple[Expr, ...]) -> Expr:
    return resultant(target[2], target[0] + target[3])


def _ratio(x: Expr, y: Expr) -> Expr:
    """The number x / y of two polynomials that are proportional."""
    a, b = Poly(expand(x)), Poly(expand(y), *Poly(expand(x)).gens)
    return a.LC() / b.LC()


def _nonzero_a(target: tuple[Expr, ...], D: Expr) -> Step:
    """a != 0: otherwise b != 0, so c = 0 by parallelism, so e = 0 by the first equation."""
    first, g, tau = equations(target)[0], target[2], target[0] + target[3]
    a, c, e = (known(x) for x in (A, C, E))
    otherwise = [
        vanishes(A, known(-(A**2))),
        prove(">", B**2, known(A**2 + B**2) - A * a),
        prove("==", C, B * (a * E - known(D)), times=known(B**2)),
        prove("==", E, B * g * (known(first) - B * c * tau + 2 * a * C * g), times=known(B**2) * known(g**2)),
        prove(">", A**2, A * a + known(C**2 + E**2) - C * c - E * e),
    ]
    return split(">", A**2, A**2, [prove(">", A**2, known(A**2))], otherwise)


def _nonzero_c(D: Expr) -> Step:
    c, e = known(C), known(E)
    otherwise = [
        vanishes(C, known(-(C**2))),
        prove("==", E, A * (known(D) + B * c), times=known(A**2)),
        prove(">", C**2, C * c + known(C**2 + E**2) - C * c - E * e),
    ]
    return split(">", C**2, C**2, [prove(">", C**2, known(C**2))], otherwise)


def resultant_steps(target: tuple[Expr, ...]) -> Iterator[Step]:
    """Citing tau^2 > 0, g^2 > 0 and nonzero layers: the resultant vanishes."""
    first, second, third, _ = equations(target)
    g, tau, D = target[2], target[0] + target[3], A * E - B * C
    yield prove("==", D, tau * (known(second) - known(first)), times=known(tau**2))
    yield _nonzero_a(target, D)
    yield _nonzero_c(D)
    f1, f2, _ = _forms(target)
    yield prove("==", f1, C * (A * known(first) - B * g * known(D)), times=known(C**2))
    poly = Poly(third, C, E)
    mixed, last = poly.coeff_monomial(C * E), poly.coeff_monomial(E**2)
    change = known(D) * (mixed * A * C + last * (A * E + B * C))
    yield prove("==", f2, A**2 * known(third) - change, times=known(C**2))
    U, V = _cofactors(target)
    yield prove("==", _resultant(target), A * (A * U * known(f1) + V * known(f2)), times=known(A**2) ** 3)


def general() -> Claim:
    g, tau = TARGET[2], TARGET[0] + TARGET[3]
    given = (*map(equal, equations()), *_nonzero(), greater(tau**2), greater(g**2))
    s = Statement(f"{NAME}.general", (*LAYERS, *MOMENTS, *TARGET), given, (equal(_resultant(TARGET)),))
    return Claim(s, tuple(resultant_steps(TARGET)), WITNESS)


def _nonzero() -> tuple[Condition, Condition]:
    return greater(A**2 + B**2), greater(C**2 + E**2)


# W_1 = W_2 = I + N: the equations with C say tau = g, those with S say p = q + r.
WITNESS = dict.fromkeys("abce", 1) | {"p": 2, "q": 1, "r": 1, "C11": 1, "C12": 0, "C21": 1, "C22": 0}


def autoencoder() -> Claim:
    """Y = X and S positive semidefinite: S_12 = 0."""
    target = (P, Q, Q, R)
    area, w = P * R - Q**2, P**2 + P * R - Q**2
    scale = _ratio(_resultant(target), Q * w**2)
    positive = (
        prove(">", P * R, known(area) + known(Q**2)),
        prove(">", P**2, known(P * R) ** 2, times=R**2),
        prove(">", w, known(P**2) + known(area)),
        prove(">", (P + R) ** 2, known(P**2) + 2 * known(P * R) + R**2),
        *resultant_steps(target),
        prove("==", Q, known(_resultant(target)) / scale, times=known(w) ** 2),
    )
    step = split("==", Q, Q**2, positive, [vanishes(Q, known(-(Q**2)))])
    given = (*map(equal, equations(target)), *_nonzero(), at_least(P), at_least(R), at_least(area))
    s = Statement(f"{NAME}.autoencoder", (*LAYERS, *MOMENTS), given, (equal(Q),))
    return Claim(s, (step,), {"a": 1, "b": 0, "c": 1, "e": 0, "p": 1, "q": 0, "r": 1})


def multiples_of_identity() -> Claim:
    """S_12 = 0 and Y = X: W_1 = a I, W_2 = c I satisfy the four equations, for all a and c."""
    terms = [x.subs({B: 0, E: 0}) for x in equations((P, Q, Q, R))]
    steps = tuple(prove("==", x, x.xreplace({Q: known(Q)})) for x in terms if x != 0)
    s = Statement(f"{NAME}.multiples_of_identity", (A, C, *MOMENTS), (equal(Q),), tuple(equal(x) for x in terms if x != 0))
    return Claim(s, steps, {"a": 1, "c": 1, "p": 1, "q": 0, "r": 1})


def claims() -> Iterator[Claim]:
    yield from (separated(), general(), autoencoder(), multiples_of_identity())


# -- limits -------------------------------------------------------------------------------------------------------------


def _without(index: int, words: str) -> Statement:
    s = general().statement
    return replace(s, name=f"{NAME}: {words}", given=s.given[:index] + s.given[index + 1 :])


SHIFT = {"a": 0, "b": 1, "c": 0, "e": 1, "p": 1, "q": 1, "r": 1, "C11": 1, "C12": 0, "C21": 0, "C22": 0}
ZERO = {"a": 0, "b": 0, "c": 1, "e": 0, "p": 1, "q": 1, "r": 1, "C11": 1, "C12": 0, "C21": 1, "C22": 0}


TRACELESS = {"a": 1, "b": 1, "c": 1, "e": 2, "p": 2, "q": -1, "r": 1, "C11": 0, "C12": 0, "C21": 1, "C22": 0}


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("g != 0", _without(7, "g zero"), SHIFT)
    yield Counterexample("W_1 != 0", _without(4, "W_1 zero"), ZERO)
    yield Counterexample("tau != 0", _without(6, "tau zero"), TRACELESS)
    s = autoencoder().statement
    still = replace(s, name=f"{NAME}: a stationary point", given=(*s.given[4:], equal(A * C, 1), equal(B), equal(E)))
    at = {"a": 1, "b": 0, "c": 1, "e": 0, "p": 2, "q": 1, "r": 1}
    yield Counterexample("a trajectory that moves", still, at)


def variants() -> Iterator[Statement]:
    yield from (_without(i, w) for i, w in ((0, "layer 1, C"), (4, "W_1 zero"), (5, "W_2 zero"), (7, "g zero")))
    whole, s = general().statement, autoencoder().statement
    yield replace(whole, name=f"{NAME}: no equation with S", given=(*whole.given[:2], *whole.given[4:]))
    yield replace(s, name=f"{NAME}: the data vanish", then=(equal(P),))
    yield replace(s, name=f"{NAME}: no equations", given=s.given[4:])
    yield replace(s, name=f"{NAME}: layer 1 only", given=(s.given[0], *s.given[4:]))


THEOREM = Theorem(
    name=NAME,
    sheet="CON-7",
    title="Lower-triangular Toeplitz layers 2 x 2: no moving trajectory in fixed bases",
    form="generic impossibility; iff for Y = X",
    source=f"announced in {SOURCE}; form and proof: own",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    note=(
        "'Alignment is impossible under layer constraints' is about trajectories that move (a global minimum stays) and "
        "data in general position (S_12 = 0 has multiples of I). Proved for 2 x 2 and two layers; sizes 3 and 4 are not "
        "claimed here, larger ones are open."
    ),
)
