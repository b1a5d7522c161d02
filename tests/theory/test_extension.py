"""A theorem, an algebra, a predicate, a prover: each is one new file or class, and no edit elsewhere."""

from fractions import Fraction

import pytest

import theory.theorems
from theory import theorem as registry
from theory.algebra import evaluate
from theory.dag import T, lin, mul, tr, var

TOY = '''
"""Setting: two matrices. Conclusion: the trace of a product does not depend on the order."""
from sympy import MatrixSymbol, Trace, symbols
from theory.statement import Statement, equal
from theory.theorem import Claim, Instance, Theorem

n, m = symbols("n m")
A, B = MatrixSymbol("A", n, m), MatrixSymbol("B", m, n)
STATEMENT = Statement("toy.trace", (A, B), then=(equal(Trace(A * B), Trace(B * A)),))

def sample(draw, widths):
    n, m = widths
    return Instance(Statement("toy.trace", (A, B), then=STATEMENT.then, sizes={"n": n, "m": m}),
                    {"A": draw.matrix(n, m), "B": draw.matrix(m, n)})

THEOREM = Theorem("toy.trace", "T1", "traces are cyclic", "identity", "own", claims=lambda: [Claim(STATEMENT)],
                  sharpness=lambda: [], variants=lambda: [], sample=sample, certified_at=((2, 3),), supported_at=((5, 7),))
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy_trace.py").write_text(TOY)
    monkeypatch.setattr(theory.theorems, "__path__", [*theory.theorems.__path__, str(tmp_path)])
    registry.theorems.cache_clear()
    yield "toy.trace"
    registry.theorems.cache_clear()


def test_a_theorem_is_one_file_and_its_proof_is_found(toy):
    from deeplin.verify import Settings, verify

    (result,) = verify(toy, settings=Settings(certified=2, supported=50)).results
    assert result.grade == "PROVED"
    assert result.scope == "all widths (1 claim)"
    assert [e["grade"] for e in result.evidence] == ["PROVED", "CERTIFIED", "SUPPORTED"]


class Shapes:
    """An algebra that knows only which factors were multiplied: the degree of a term."""

    def variable(self, name, shape, symmetric):
        return 1

    def num(self, c):
        return 0

    eye = zero = const = num

    def lin(self, parts, shape):
        return max(x for _, x in parts)

    def mul(self, scalars, matrices):
        return sum(scalars) + sum(matrices)

    def power(self, x, k):
        return k * x

    def T(self, x):
        return x

    def tr(self, x, n):
        return x

    diag = T

    def entry(self, x, i, j):
        return x

    def expect(self, x, noise, moments):
        return x


def test_an_algebra_is_one_class():
    W, s = var("W", ("n", "m")), var("s")
    assert evaluate([lin((Fraction(1, 2), mul(s, s, tr(mul(W, T(W))))), (1, s))], Shapes()) == [4]


def test_a_predicate_is_one_class():
    from dataclasses import dataclass
    from typing import Any

    from sympy import MatrixSymbol

    from theory.statement import Condition, Statement, equal

    @dataclass(frozen=True)
    class Idempotent:
        matrix: Any

        def conditions(self) -> tuple[Condition, ...]:
            return (equal(self.matrix * self.matrix, self.matrix),)

    P = MatrixSymbol("P", 2, 2)
    lowered = Statement("s", (P,), given=(Idempotent(P),), then=(Idempotent(P),)).lowered()
    assert lowered.given == lowered.then
    assert lowered.given[0][0] == "=="
