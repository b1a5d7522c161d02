r"""Discrete steps lose the alignment of a balanced start at second order in the step size.

Setting: depth 2, widths (2, 2, 2), squared loss with S = [[2,1],[1,2]], C = diag(1,3), balanced start W_1 = W_2 = diag(1,2);
one step of gradient descent of size eta.

Hypotheses: none further.

Conclusion: after the step
\[ [W_2^T W_2, W_1 W_1^T]_{12} = 6 \eta^2 (873 \eta^2 - 277 \eta + 12), \] which is positive for 0 < eta <= 1/20: alignment is
lost at order eta^2, while gradient flow keeps it (`alignment.gradient_flow`). The tied exception: with X = I, Y symmetric and
\(W_2 = W_1^T\) the step keeps \(W_2 = W_1^T\), hence exact balancedness, for all step sizes and widths.

Form: exact example; inequality; invariant.

Scope of proof: the example is an identity in eta; the exception at all widths, the kernel differentiates the loss itself.

Why: substitution; for tied layers the residual is symmetric, so the two gradients are transposes of one another.

Sharpness: in the exception Y must be symmetric and S a multiple of the identity.

Source: own derivation, in the setting of arXiv:2003.06340.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from theory import dag
from theory.certificates import prove
from theory.dag import Node, T, add, const, entry, known, lin, mul, num, power, sub, var
from theory.statement import Statement, at_least, equal, greater
from theory.theorem import Claim, Counterexample, Theorem
from theory.theorems.alignment.rewriting import expanded, rewritten, rule
from theory.theorems.alignment.training import Terms, after_step, misalignment, zero

NAME = "alignment.balanced_descent"
RATE = var("eta")
START, SECOND, CROSS = const([[1, 0], [0, 2]]), const([[2, 1], [1, 2]]), const([[1, 0], [0, 3]])


def lost() -> Node:
    """The commutator after one step, at (1, 2)."""
    return entry(misalignment(after_step((START, START), SECOND, CROSS, RATE)), 0, 1)


def polynomial(*coefficients: Any) -> Node:
    """The polynomial in eta with these coefficients, the constant first."""
    return lin((0, RATE), *((c, power(RATE, k)) for k, c in enumerate(coefficients)))


def example() -> Claim:
    term = sub(lost(), polynomial(0, 0, 72, -1662, 5238))
    return Claim(Statement(f"{NAME}.example", (RATE,), then=(equal(term),)), (zero(term),))


def not_aligned() -> Claim:
    """873 eta^2 - 277 eta + 12 at eta = 1/20 - x is 133/400 + (1897/10) x + 873 x^2."""
    x = lin((-1, RATE), (Fraction(1, 20), num(1)))
    rest = lin((Fraction(133, 400), num(1)), (Fraction(1897, 10), known(x)), (873, power(x, 2)))
    by = lin((6, mul(power(known(RATE), 2), rest)))
    s = Statement(f"{NAME}.lost", (RATE,), (greater(RATE), at_least(x)), (greater(lost()),))
    return Claim(s, (prove(">", lost(), by),), {"eta": "1/20"})


# -- tied layers --------------------------------------------------------------------------------------------------------


def _layers(d0: Any = "d0", d1: Any = "d1") -> tuple[Node, Node, Node]:
    return var("W1", (d1, d0)), var("W2", (d0, d1)), var("Y", (d0, d0), symmetric=True)


def _stepped(W: Node, V: Node, Y: Node, X: Node | None = None) -> tuple[Node, Node]:
    """One step with the gradients of 1/2 |V W X - Y|^2, X = I by default."""
    residual = sub(mul(V, W, X) if X else mul(V, W), Y)
    loss = lin((Fraction(1, 2), dag.tr(mul(T(residual), residual))))
    return sub(W, mul(RATE, dag.grad(loss, W))), sub(V, mul(RATE, dag.grad(loss, V)))


def tied() -> Claim:
    """V = W^T is kept, and W W^T = V^T V with it."""
    W, V, Y = _layers()
    gap = sub(V, T(W))
    after = _stepped(W, V, Y)
    rules = (rule((V,), T(W), gap), rule((T(V),), W, T(gap)))
    term = sub(after[1], T(after[0]))
    balance = sub(mul(T(after[1]), after[1]), mul(after[0], T(after[0])))
    kept = known(term)
    second = add(mul(T(kept), after[1]), mul(after[0], kept))
    s = Terms(f"{NAME}.tied", (W, V, Y, RATE), (equal(gap),), (equal(term), equal(balance)))
    moved = rewritten(expanded(dag.resolved(term)), rules)[1]
    steps = (prove("==", T(gap), T(known(gap))), prove("==", term, moved), prove("==", balance, second))
    return Claim(s, steps, {"W1": [[1]], "W2": [[1]], "Y": [[1]], "eta": 1}, {"d0": 1, "d1": 1})


def claims() -> Iterator[Claim]:
    yield example()
    yield not_aligned()
    yield tied()


# -- sharpness ----------------------------------------------------------------------------------------------------------


def _tied_with(Y: Node, X: Node | None, name: str) -> Statement:
    W, V, _ = _layers(2, 1)
    after = _stepped(W, V, Y, X)
    free = tuple(x for x in (X, Y) if x is not None)
    return Statement(f"{NAME}: {name}", (W, V, *free, RATE), (equal(sub(V, T(W))),), (equal(sub(after[1], T(after[0]))),))


def _any_targets() -> Statement:
    return _tied_with(var("Y", (2, 2)), None, "targets that are not symmetric")


def _any_inputs() -> Statement:
    return _tied_with(var("Y", (2, 2), symmetric=True), var("X", (2, 2)), "inputs of any second moments")


def sharpness() -> Iterator[Counterexample]:
    point = {"W1": [[1, 0]], "W2": [[1], [0]], "eta": 1}
    yield Counterexample("symmetric targets", _any_targets(), point | {"Y": [[0, 1], [0, 0]]})
    yield Counterexample(
        "second moments a multiple of I", _any_inputs(), point | {"Y": [[0, 0], [0, 0]], "X": [[1, 0], [1, 1]]}
    )


def variants() -> Iterator[Statement]:
    yield _any_targets()
    yield _any_inputs()
    s = example().statement
    wrong = {
        "kept": lost(),
        "the opposite sign": add(lost(), polynomial(0, 0, 72, -1662, 5238)),
        "off by a millionth": sub(lost(), polynomial(0, 0, Fraction(72000001, 1000000), -1662, 5238)),
        "of first order": sub(lost(), polynomial(0, 72, -1662, 5238)),
    }
    yield from (replace(s, name=f"{NAME}: {words}", then=(equal(x),)) for words, x in wrong.items())
    far = lin((-1, RATE), (Fraction(1, 10), num(1)))
    yield replace(not_aligned().statement, name=f"{NAME}: up to 1/10", given=(greater(RATE), at_least(far)))
    W, V, Y = _layers(1, 1)
    moved = sub(_stepped(W, V, Y)[0], W)
    yield Statement(f"{NAME}: tied layers rest", (W, V, Y, RATE), (equal(sub(V, T(W))),), (equal(moved),))


THEOREM = Theorem(
    name=NAME,
    sheet="INV-10",
    title="Balanced start under gradient descent",
    form="exact example; invariant for tied layers",
    source="own derivation, in the setting of arXiv:2003.06340",
    claims=lambda: tuple(claims()),
    sharpness=lambda: tuple(sharpness()),
    variants=lambda: tuple(variants()),
)
