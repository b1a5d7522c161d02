"""Ten planted counterexamples: each is found from nearly every seed, wherever the search happens to begin."""

import pytest
from sympy import Determinant, MatrixSymbol, Rational, symbols

from numerics.search.search import search
from theory.expressions import SymmetricSymbol, norm2
from theory.predicates.balanced import Balanced
from theory.predicates.critical import Critical
from theory.predicates.orthogonal import Orthogonal
from theory.statement import Statement, at_least, equal, greater

x, y, z, g, eta = symbols("x y z g eta")
A, Q, W1, W2 = (MatrixSymbol(name, 2, 2) for name in ("A", "Q", "W1", "W2"))
S = SymmetricSymbol("S", 2)
CHAIN = x * y * z
LOSS = CHAIN**2 - 2 * g * CHAIN + x**2 + y**2 + z**2
RES = x * y - z

PLANTED = {
    # Rational points of the circle that are neither on an axis nor on a diagonal.
    "circle": ((x, y), (equal(x**2 + y**2, 1),), equal(x * y * (x**2 - y**2))),
    # A ball of radius 1/100 about (7/5, -3/5, 2): a share of 1e-7 of standard normal points.
    "ball": ((x, y, z), (), at_least((x - Rational(7, 5)) ** 2 + (y + Rational(3, 5)) ** 2 + (z - 2) ** 2, Rational(1, 10**4))),
    # A disc of radius 1/1000.
    "small disc": ((x, y), (), at_least((x - Rational(3, 7)) ** 2 + (y - Rational(11, 7)) ** 2, Rational(1, 10**6))),
    # Two thin arcs of the orthogonal group.
    "thin arc": ((Q,), (Orthogonal(Q),), at_least((Q[0, 0] - Rational(99, 100)) * (Q[0, 0] - Rational(999, 1000)))),
    # Balanced layers whose product is nearly semidefinite.
    "balanced": (
        (W1, W2),
        (Balanced((W1, W2)), at_least(norm2(W1), 1)),
        at_least(Rational(99, 100) * norm2(W1), (W2 * W1)[0, 0] + (W2 * W1)[1, 1]),
    ),
    # Rank one with four nearly equal entries: the sharp constant is 1/4.
    "rank one": (
        (A,),
        (equal(Determinant(A)), at_least(norm2(A), 1)),
        at_least(Rational(2499, 10**4) * norm2(A), A[0, 0] * A[1, 1]),
    ),
    # Stationary points need g >= 1.75476...: only a short interval of the curve lies below 1.756.
    "stationary": (
        (x, y, z, g),
        (*Critical(LOSS, (x, y, z)).conditions(), greater(CHAIN)),
        at_least(g, Rational(1756, 1000)),
    ),
    # The boundary of the cone.
    "singular": ((S,), (at_least(S), at_least(S[0, 0] + S[1, 1], 1), at_least(S[0, 1] ** 2, 1)), greater(Determinant(S))),
    # A step that overshoots far from the origin.
    "far out": (
        (x, y, z, eta),
        (greater(eta), at_least(Rational(1, 10), eta), at_least(1, z**2)),
        at_least(RES**2, ((x - eta * RES * y) * (y - eta * RES * x) - z) ** 2),
    ),
    # A curved valley.
    "valley": ((x, y), (), at_least(100 * (y - x**2) ** 2 + (x - Rational(13, 5)) ** 2, Rational(1, 10**4))),
}


def found(name, seed, seconds):
    variables, given, then = PLANTED[name]
    events = search(Statement(name, variables, given, (then,)).lowered(), seconds, seed)
    return any(e.kind == "refuted" and e.certificate is not None for e in events)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_counterexamples_are_found(name):
    """In growing rounds, so that the load of the machine does not decide."""
    seed = sorted(PLANTED).index(name) + 100
    assert any(found(name, seed, seconds) for seconds in (2.0, 8.0, 60.0))


@pytest.mark.thorough
@pytest.mark.parametrize("name", PLANTED)
def test_planted_counterexamples_are_found_from_nearly_every_seed(name):
    assert sum(found(name, seed, 10.0) for seed in range(20)) >= 19
