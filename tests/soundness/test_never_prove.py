"""False statements that no prover may prove, and true twins that they do prove, so that the silence means something.

The false ones: all variants and all statements of the sharpness tables of all theorems, and those below: wrong constants,
dropped hypotheses, coefficients off by 1e-6, transposed factors, strict for not strict, facts that hold at some widths only
or on a dense set only, narrow dips, noncommuting products. Each is also refuted by an exact point that the kernel accepts,
where `points` finds one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Determinant, Identity, MatrixSymbol, Rational, Trace, symbols

from theory import kernel
from theory.catalogue import entries
from theory.certificates import statement as written
from theory.expressions import DiagonalPart, SymmetricSymbol, gradient, inner, norm2
from theory.provers import Budget, Status, contradictory, positivity, prove, provers
from theory.provers.points import counterexample
from theory.statement import Condition, Lowered, Statement, at_least, equal, greater
from theory.theorem import named

SMALL = Budget(seconds=0.4, unknowns=300)
# There are more than a thousand false variants: most searches end within a glance.
GLANCE, LONG = replace(SMALL, seconds=0.1), replace(SMALL, seconds=1.0)
EPS = Rational(1, 10**6)
n, m, k = symbols("n m k")
a, b, c, t, x, y, z = symbols("a b c t x y z")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
S, R = SymmetricSymbol("S", n), SymmetricSymbol("R", n)
W1, W2, W3 = MatrixSymbol("W1", m, n), MatrixSymbol("W2", k, m), MatrixSymbol("W3", n, k)
U, V = MatrixSymbol("U", n, m), MatrixSymbol("V", n, m)
X, Y = MatrixSymbol("X", n, 3), MatrixSymbol("Y", k, 3)
DATA_LOSS = norm2(W2 * W1 * X - Y)
LOSS = DATA_LOSS + a * (norm2(W1) + norm2(W2))
CRITICAL = (equal(gradient(LOSS, W1)), equal(gradient(LOSS, W2)))
BALANCED = (equal(W1 * W1.T, W2.T * W2), equal(W2 * W2.T, W3.T * W3))
PRODUCT = W3 * W2 * W1
MOTZKIN = x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 + 1
P, Q = MatrixSymbol("P", 2, 2), MatrixSymbol("Q", 2, 2)
UNIT = (at_least(t), at_least(1 - t))
ORTHOGONAL = equal(A.T * A, Identity(n))
DEFECT = norm2(A * A.T - A.T * A)

# (variables, hypotheses, true conclusion or None, false conclusions); a twin without conclusion has other hypotheses, see below
Case = tuple[tuple, tuple[Condition, ...], Condition | None, tuple[Condition, ...]]
CASES: list[Case] = [
    # identities: wrong constants, transposed factors, noncommuting products
    (
        (A, B),
        (),
        equal(Trace(A * B), Trace(B * A)),
        (equal(Trace(A * B), Trace(A * B.T)), equal(Trace(A * B), (1 + EPS) * Trace(B * A))),
    ),
    (
        (A, B),
        (),
        equal(inner(A * B, A), Trace(A.T * A * B)),
        (equal((A * B).T, A.T * B.T), equal(A * B, B * A), equal(A * A.T, A.T * A)),
    ),
    ((A, B), (), equal((A + B) ** 2, A**2 + A * B + B * A + B**2), (equal((A + B) ** 2, A**2 + 2 * A * B + B**2),)),
    ((A, B), (), equal(Trace(A * B * A * B), Trace(B * A * B * A)), (equal(Trace(A * B * A * B), Trace(A * A * B * B)),)),
    (
        (S, R),
        (),
        equal(Trace(S * R), Trace(R * S)),
        (equal((S * R).T, S * R), equal(Trace(S * R * S * R), Trace(S * S * R * R))),
    ),
    ((A,), (), equal(Trace(A.T), Trace(A)), (equal(Trace(A) ** 2, Trace(A**2)), equal(Trace(A), 0), equal(A, A.T))),
    (
        (W1, W2),
        (),
        equal(gradient(norm2(W2 * W1), W1), 2 * W2.T * W2 * W1),
        (equal(gradient(norm2(W2 * W1), W1), W2.T * W2 * W1),),
    ),
    ((A,), (), equal(gradient(Trace(A**2), A), 2 * A.T), (equal(gradient(Trace(A**2), A), 2 * A),)),
    (
        (A,),
        (),
        equal(DiagonalPart(A), DiagonalPart(A.T)),
        (equal(DiagonalPart(A), A), equal(DiagonalPart(A**2), DiagonalPart(A) ** 2)),
    ),
    (
        (P, Q),
        (),
        equal(Determinant(P * Q), Determinant(P) * Determinant(Q)),
        (equal(Determinant(P + Q), Determinant(P) + Determinant(Q)),),
    ),
    ((P,), (), equal(P * P - Trace(P) * P + Determinant(P) * Identity(2), 0 * P), (equal(P * P - Trace(P) * P, 0 * P),)),
    # hypotheses: dropped, of the wrong kind, finite dimension
    (
        (W1, W2, X, Y, a),
        (*CRITICAL, greater(a)),
        equal(W1 * W1.T, W2.T * W2),
        (equal(W1 * W1.T, (1 + EPS) * W2.T * W2), equal(W1 * W1.T, 2 * W2.T * W2)),
    ),
    ((W1, W2, X, Y, a), (*CRITICAL, at_least(a)), None, (equal(W1 * W1.T, W2.T * W2),)),
    ((W1, W2, X, Y, a), (CRITICAL[0], greater(a)), None, (equal(W1 * W1.T, W2.T * W2),)),
    (
        (W1, W2, X, Y, a),
        CRITICAL,
        equal(a * norm2(W1), a * norm2(W2)),
        (equal(norm2(W1), norm2(W2)), equal(a * norm2(W1), inner(W2 * W1 * X, Y))),
    ),
    (
        (W1, W2, W3),
        BALANCED,
        equal(PRODUCT.T * PRODUCT, (W1.T * W1) ** 3),
        (equal(PRODUCT.T * PRODUCT, (W1.T * W1) ** 2), equal(PRODUCT * PRODUCT.T, (W1.T * W1) ** 3)),
    ),
    ((W1, W2, W3), BALANCED[:1], None, (equal(PRODUCT.T * PRODUCT, (W1.T * W1) ** 3),)),
    (
        (A,),
        (ORTHOGONAL,),
        equal(norm2(A), Trace(Identity(n))),
        (equal(A * A, Identity(n)), equal(A, A.T), equal(A, Identity(n))),
    ),
    ((U,), (equal(U.T * U, Identity(m)),), equal(U * U.T * U, U), (equal(U * U.T, Identity(n)),)),
    ((A, B), (equal(A * B, B * A),), equal(A * B**2, B**2 * A), (equal(A * B.T, B.T * A), equal(A, B))),
    ((A, B), (equal(A * B),), equal(A * B * A), (equal(B * A), equal(A))),
    ((A,), (equal(A * A),), equal(A**3), (equal(A), equal(A.T * A))),
    ((A,), (equal(A**2, A),), equal(A**3, A), (equal(A, A.T), equal(Trace(A), 1))),
    ((x, y), (equal(x * y),), equal(x**2 * y), (equal(x), equal(x + y))),
    ((x, y), (equal(x**2, y**2),), equal(x**4, y**4), (equal(x, y), equal(x**3, y**3))),
    ((x, y, z), (equal(x * z, y * z),), equal(x**2 * z, y**2 * z), (equal(x, y),)),  # true on a dense set
    ((P, Q), (equal(P * Q, 0 * P), equal(Determinant(P), 1)), equal(Q), (equal(P), equal(Determinant(Q), 1))),
    ((P, Q), (equal(P * Q, 0 * P), equal(Determinant(P) ** 2, Determinant(P))), None, (equal(Q),)),
    ((P, Q), (equal(P * Q, 0 * P),), None, (equal(Q), equal(Determinant(P)))),
    # univariate: dips, ends, roots
    ((t,), (), at_least(t**2 - 2 * t + 1), (greater(t**2 - 2 * t + 1), at_least(t**2 - 2 * t + 1 - EPS))),
    ((t,), (), at_least((t**2 - 2) ** 2), (at_least((t**2 - 2) ** 2 - EPS**2), at_least(t * (t**2 - 2) ** 2))),
    (
        (t,),
        (greater(3 * t - 4), greater(2 - t)),
        at_least((t**2 - 2) ** 2 * t),
        (at_least((t**2 - 2) ** 2 - EPS), at_least(t - Rational(7, 5))),
    ),
    (
        (t,),
        UNIT,
        at_least(t * (1 - t)),
        (greater(t * (1 - t)), at_least(t * (1 - t) - EPS), at_least(Rational(1, 4) - EPS - t * (1 - t))),
    ),
    ((t,), (greater(t),), greater(t**3 - 3 * t + 2 + EPS), (greater(t**3 - 3 * t + 2), at_least(t**3 - (3 + EPS) * t + 2))),
    ((t,), (at_least(t + 2),), at_least(t**3 - 3 * t + 2), (at_least(t**3 - 3 * t + 2 - EPS),)),
    ((t,), (at_least(t + 2 + EPS),), None, (at_least(t**3 - 3 * t + 2),)),
    ((t,), UNIT, greater((t - Rational(1, 3)) ** 2 + EPS), (at_least((t - Rational(1, 3)) ** 2 - EPS**2),)),
    (
        (t,),
        (at_least(2 - t**2),),
        at_least(Rational(3, 2) - t),
        (at_least(Rational(7, 5) - t), at_least(Rational(141421, 100000) - t)),
    ),
    ((t,), (), greater(t**12 - 12 * t + 11 + EPS), (greater(t**12 - 12 * t + 11), at_least(t**12 - 12 * t + 11 - EPS))),
    # several unknowns
    ((x, y), (), at_least(MOTZKIN), (at_least(MOTZKIN - EPS), greater(MOTZKIN))),
    (
        (x, y),
        (),
        at_least(x**2 + y**2 - 2 * x * y),
        (at_least(x**2 + y**2 - (2 + EPS) * x * y), greater(x**2 + y**2 - 2 * x * y)),
    ),
    ((x, y), (at_least(x), at_least(y)), at_least(x * y + x), (greater(x * y), greater(x * y + x + y), at_least(x - y))),
    ((x, y), (at_least(x),), None, (at_least(x * y), at_least(x**3 + y**3))),
    ((x, y), (equal(x**2 + y**2, 2),), at_least(1 - x * y), (at_least(1 - EPS - x * y), greater(1 - x * y))),
    (
        (x, y, z),
        (at_least(x), at_least(y), at_least(z)),
        at_least(x**3 + y**3 + z**3 - 3 * x * y * z),
        (at_least(x**3 + y**3 + z**3 - (3 + EPS) * x * y * z),),
    ),
    (
        (x, y, z),
        (),
        None,
        (at_least(x**3 + y**3 + z**3 - 3 * x * y * z), at_least(x**2 + y**2 + z**2 - (1 + EPS) * (x * y + y * z + z * x))),
    ),
    (
        (U, V),
        (),
        at_least(norm2(U) + norm2(V) - 2 * inner(U, V)),
        (greater(norm2(U)), at_least(inner(U, V)), at_least(norm2(U) - inner(U, V))),
    ),
    ((A,), (), at_least(Trace(A.T * A * A.T * A)), (at_least(Trace(A**4)), at_least(Trace(A**2)), at_least(norm2(A) - 1))),
    ((A, S), (at_least(S),), at_least(Trace(A.T * S * A)), (at_least(Trace(A * S)), at_least(Trace(S * A.T * A) - norm2(A)))),
    ((S, R), (at_least(S), at_least(R)), at_least(S + R), (at_least(S - R), greater(S + R), at_least(S * R))),
    ((S,), (), at_least(S * S), (at_least(S), greater(S * S), at_least(S * S - Identity(n)))),
    ((A,), (), at_least(DEFECT), (equal(DEFECT), greater(DEFECT))),
]

SQUARES = next(i for i, case in enumerate(CASES) if case[2] == at_least(x**2 + y**2 - 2 * x * y))


def stated(case: Case, then: Condition, name: str) -> Statement:
    return Statement(name, case[0], case[1], (then,))


FALSE = [stated(case, then, f"false {i}.{j}") for i, case in enumerate(CASES) for j, then in enumerate(case[3])]
TRUE = [stated(case, case[2], f"true {i}") for i, case in enumerate(CASES) if case[2] is not None]
NAMES = [entry.name for entry in entries()]

@pytest.fixture(scope="module", autouse=True)
def solver() -> None:
    """The solver of semidefinite programs is up, so that the time of the searches goes into searching."""
    assert positivity.PROVER(stated(CASES[SQUARES], CASES[SQUARES][2], "squares").lowered(), Budget(60.0)).found



def proved_by(s: Lowered, budget: Budget = SMALL) -> list[str]:
    """The provers that prove the last conclusion tried: all are tried on each conclusion, until one has no proof."""
    found: list[str] = []
    for goal in s.then:
        outcomes = [p.attempt(replace(s, then=(goal,)), budget) for p in provers()]
        assert all(o.status is not Status.CRASHED for o in outcomes), outcomes
        found = [o.prover for o in outcomes if o.found]
        if not found:
            return []
    return found


@pytest.mark.parametrize("s", FALSE, ids=lambda s: s.name)
def test_no_prover_proves_it(s: Statement) -> None:
    assert proved_by(s.lowered()) == []


def of_a_theorem(name: str) -> list[Statement]:
    """Its variants, and what its exact points refute."""
    theorem = named(name)
    variants, points = list(theorem.variants()), list(theorem.sharpness())
    assert len(variants) >= (6 if theorem.family == "minima" else 4) and points
    return [*variants, *(e.statement for e in points if e.statement not in variants)]


@pytest.mark.parametrize("name", NAMES)
def test_no_prover_proves_a_variant_of_a_theorem(name: str) -> None:
    found = {s.name: proved_by(s.lowered(), GLANCE) for s in of_a_theorem(name)}
    assert not any(found.values()), found


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_no_prover_proves_a_variant_of_a_theorem_in_more_time(name: str) -> None:
    found = {s.name: proved_by(s.lowered(), LONG) for s in of_a_theorem(name)}
    assert not any(found.values()), found


@pytest.mark.parametrize("s", FALSE, ids=lambda s: s.name)
def test_an_exact_point_refutes_it(s: Statement) -> None:
    found = counterexample(s.lowered(), Budget(seconds=4.0)).found
    assert found is not None
    assert kernel.check(found).claim == "refuted"


@pytest.mark.parametrize("s", TRUE, ids=lambda s: s.name)
def test_the_true_twin_is_proved(s: Statement) -> None:
    lowered = s.lowered()
    proof = prove(s, budget=Budget(seconds=5.0))
    assert proof.proved, str(proof)
    assert kernel.check(proof.certificate, written(lowered)[0]).claim == "proved"


@pytest.mark.parametrize("s", TRUE, ids=lambda s: s.name)
def test_hypotheses_that_can_hold_are_not_contradictory(s: Statement) -> None:
    if s.given:
        assert not contradictory(s.lowered(), SMALL)[-1].found


def test_there_are_many() -> None:
    assert len(FALSE) >= 80 and len(TRUE) >= 35
