r"""Balanced gradient flow of one mode in closed form.

Setting: one mode of an aligned network of depth N under gradient flow, \(\dot\sigma_i = -(s \pi - c) \prod_{j \ne i}
\sigma_j\), all singular values equal: \(\sigma_i = b\), \(a = \pi = b^N\).

Hypotheses: s > 0 where it divides; b > 0; the cases c != 0 and c = 0 as below.

Conclusion: the values stay equal, \(\dot b = b^{N-1} (c - s b^N)\), \(\dot a = N b^{2N-2} (c - s a)\), and
- N = 1: \(a = c/s + (a_0 - c/s) e^{-st}\);
- N = 2, c != 0: \(a = (c/s) / (1 + (c/(s a_0) - 1) e^{-2ct})\), for a_0 > 0;
- N >= 3, 0 < s b^N / c < 1: t = F(b) - F(b_0) with
  \(F(b) = -\tfrac{b^{2-N}}{(N-2) c}\, {}_2F_1(1, -\tfrac{N-2}{N}; \tfrac2N; \tfrac{s}{c} b^N)\);
- c = 0, N >= 2: \(b = (b_0^{2-2N} + (2N-2) s t)^{-1/(2N-2)}\).

Form: identities (each solution put into its differential equation, initial values included).

Scope of proof: reduction at depths 1 to 8; N = 1, 2; c = 0 at depths 2 to 6. For N >= 3 the partial sums of the series, K
terms, leave the remainder \((s b^N / c)^K\), at depths 3 to 6 and K = 1 to 4; the sum itself and its elementary form are
derived by `deeplin derive alignment.balanced_flow`.

Why: separation of variables; exponentials and inverse powers enter as variables with their equations and derivatives.

Sharpness: N = 2 needs a_0 > 0 (from 0 the flow does not move); the exponent is 2c and not c; F needs c != 0.

Source: own derivation; depth 2 is the sigmoid of arXiv:1312.6120; setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Expr, Integer, Rational, symbols

from theory.certificates import prove
from theory.expressions import gradient, known
from theory.statement import Statement, equal, greater
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.mode_differences import Mode

NAME = "alignment.balanced_flow"
A, A0, A1, B, B1, S, C, Q, E, G, Y, Y1, R = symbols("a a0 a1 b b1 s c q e g y y1 rho")


def speed(depth: int) -> Expr:
    """db/dt = b^{N-1} (c - s b^N)."""
    return B ** (depth - 1) * (C - S * B**depth)


# -- reduction ----------------------------------------------------------------------------------------------------------


def reduction(depth: int) -> Claim:
    """All sigma_i move alike, and a = b^N as it should."""
    f = Mode(depth)
    equal_values = dict.fromkeys(f.values, B)
    moves = [(-f.residual * f.product(i)).xreplace(equal_values) - speed(depth) for i in range(depth)]
    product = depth * B ** (depth - 1) * speed(depth) - depth * B ** (2 * depth - 2) * (C - S * B**depth)
    terms = (*moves, product)
    return _identity("reduction", (B, S, C), terms)


def _identity(name: str, variables: tuple[Any, ...], terms: tuple[Expr, ...]) -> Claim:
    return Claim(Statement(f"{NAME}.{name}", variables, then=tuple(map(equal, terms))), tuple(prove("==", x, 0) for x in terms))


# -- closed forms -------------------------------------------------------------------------------------------------------


def depth_one(rate: Any = 1) -> Statement:
    """a = q + (a_0 - q) e with s q = c and e' = -s e."""
    value, derivative = Q + (A0 - Q) * E, -(A0 - Q) * rate * S * E
    start = value.subs(E, 1) - A0
    return Statement(
        f"{NAME}.depth_1", (A0, S, C, Q, E), (equal(S * Q - C),), (equal(derivative - C + S * value), equal(start))
    )


def first() -> Claim:
    s = depth_one()
    steps = (prove("==", s.then[0].expression, known(S * Q - C)), prove("==", s.then[1].expression, 0))
    return Claim(s, steps, {"a0": 2, "s": 1, "c": 1, "q": 1, "e": 1})


def depth_two(rate: Any = 2) -> Statement:
    """s a g = c with g = 1 + kappa e, s a_0 kappa = c - s a_0 and e' = -2 c e; a' by the product rule."""
    kappa = Q
    facts = (S * A * G - C, G - 1 - kappa * E, S * A0 * kappa - C + S * A0, A1 * G - rate * A * kappa * C * E)
    start = S * A0 * (1 + kappa) - C
    given = (*map(equal, facts), greater(G**2))
    return Statement(f"{NAME}.depth_2", (A, A0, A1, G, S, C, Q, E), given, (equal(A1 - 2 * A * (C - S * A)), equal(start)))


def second() -> Claim:
    """g (a' - 2 a (c - s a)) = 2 a c (kappa e - g) + 2 a s a g, which is zero."""
    s = depth_two()
    whole, g, k, a1 = (known(x.expression) for x in s.given[:4])
    by = G * (a1 - 2 * A * C * g + 2 * A * whole)
    steps = (prove("==", s.then[0].expression, by, times=known(G**2)), prove("==", s.then[1].expression, k))
    return Claim(s, steps, {"a": 1, "a0": 1, "a1": 0, "g": 1, "s": 1, "c": 1, "q": 0, "e": 1})


def no_target(depth: int, rate: Any = None) -> Statement:
    """y = b^{-(2N-2)} grows linearly: y b^{2N-2} = 1, b' = -s b^{2N-1}, y' by the product rule."""
    n = 2 * depth - 2
    inverse, moves = Y * B**n - 1, Y1 * B**n + n * Y * B ** (n - 1) * B1
    given = (equal(inverse), equal(B1 + S * B ** (n + 1)), equal(moves), greater(B))
    return Statement(f"{NAME}.no_target", (B, B1, Y, Y1, S), given, (equal(Y1 - (n if rate is None else rate) * S),))


def unaimed(depth: int) -> Claim:
    """b^n y' = n s b^n (y b^n), n = 2N - 2."""
    s, n = no_target(depth), 2 * depth - 2
    inverse, flow, moves = (known(c.expression) for c in s.given[:3])
    by = moves - n * Y * B ** (n - 1) * flow + n * S * B**n * inverse
    return Claim(s, (prove("==", s.then[0].expression, by, times=known(B) ** n),), {"b": 1, "b1": -1, "y": 1, "y1": n, "s": 1})


def series(depth: int, terms: int) -> Expr:
    """c times the first terms of F: -sum_k rho^k b^{Nk - N + 2} / (N - 2 - Nk), with rho = s/c and y = 1/b."""
    N = depth
    head = -Rational(1, N - 2) * Y ** (N - 2)
    return head - sum((Rational(1, N - 2 - N * k) * R**k * B ** (N * k - N + 2) for k in range(1, terms)), Integer(0))


def remainder(depth: int, terms: int, sign: int = 1) -> Statement:
    """c dF_K/dt = c - c rho^K b^{NK}: with b' = b^{N-1} (c - s b^N), c rho = s, b y = 1; the kernel differentiates."""
    f = series(depth, terms)
    slope = gradient(f, B) - Y**2 * gradient(f, Y)
    then = equal(slope * speed(depth) - C + sign * C * R**terms * B ** (depth * terms))
    given = (equal(C * R - S), equal(B * Y - 1))
    return Statement(f"{NAME}.series", (B, Y, S, C, R), given, (then,))


def partial(depth: int, terms: int) -> Claim:
    """The derivative of the sum is sum_k rho^k b^{Nk-N+1}; times b^{N-1} (1 - rho b^N) it telescopes."""
    s, N = remainder(depth, terms), depth
    ratio, inverse = (known(c.expression) for c in s.given)
    summed = sum((R**k * B ** (N * k) for k in range(1, terms)), Integer(0))
    powers = sum(((B * Y) ** j for j in range(N - 1)), Integer(0))
    by = inverse * powers * (C - S * B**N) + (1 + summed) * B**N * ratio
    return Claim(s, (prove("==", s.then[0].expression, by),), dict.fromkeys(("b", "y", "s", "c", "rho"), 1))


def claims() -> Iterator[Claim]:
    yield from map(reduction, range(1, 9))
    yield first()
    yield second()
    yield from map(unaimed, range(2, 7))
    yield from (partial(n, k) for n in range(3, 7) for k in range(1, 5))


# -- sharpness ----------------------------------------------------------------------------------------------------------


def from_zero() -> Statement:
    """The flow of depth 2 leaves every start, 0 too."""
    moves = greater((2 * A * (C - S * A)) ** 2)
    return Statement(f"{NAME}: from zero", (A, S, C), (greater(C), greater(S), greater((C - S * A) ** 2)), (moves,))


def sharpness() -> Iterator[Counterexample]:
    yield Counterexample("a_0 > 0 at depth 2", from_zero(), {"a": 0, "s": 1, "c": 1})


def variants() -> Iterator[Statement]:
    yield from_zero()
    changed = {
        "another rate at depth 1": depth_one(2),
        "half the rate at depth 2": depth_two(1),
        "twice the rate at depth 2": depth_two(4),
        "another exponent without a target": no_target(3, 3),
        "the exponent of the product": no_target(3, 2 * 3),
        "the remainder with the other sign": remainder(3, 2, -1),
        "no remainder": remainder(4, 2, 0),
    }
    yield from (Statement(f"{NAME}: {w}", s.variables, s.given, s.then) for w, s in changed.items())
    off = speed(3) * 3 * B**2 - Rational(3000001, 1000000) * B**4 * (C - S * B**3)
    yield Statement(f"{NAME}: off by a millionth", (B, S, C), then=(equal(off),))


THEOREM = Theorem(
    name=NAME,
    sheet="DYN-5",
    title="Balanced gradient flow in closed form",
    form="identities",
    source="own derivation; depth 2: arXiv:1312.6120",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
    note=(
        "For N >= 3 time is given as a function of the layer value; that function is ill-conditioned near the target, so that "
        "numbers are compared by layer values, never by times."
    ),
)
