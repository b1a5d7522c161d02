"""One way through the DAG: `evaluate(outputs, algebra, env)`; an algebra is a class that knows sums and products.

Algebras: `theory.algebras.free` (words: a zero there is a proof at every size), `theory.algebras.polynomial` (polynomials in
the entries: a proof at given sizes), `theory.algebras.rational` (exact values at a point), `numerics.balls` (enclosures),
`numerics.arrays` (batches of floats, on any array library). A new algebra is a new file with one class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from theory.dag import Node, Shape, resolved, topological


class Algebra(Protocol):
    """Where the DAG can be evaluated. Values of scalars and of matrices may be of different types."""

    def variable(self, name: str, shape: Shape, symmetric: bool) -> Any:
        """The value of a variable for which the environment has none; may raise `KeyError`."""

    def num(self, c: Fraction) -> Any: ...
    def eye(self, n: Any) -> Any: ...
    def zero(self, shape: Shape) -> Any: ...
    def const(self, rows: tuple[tuple[Fraction, ...], ...]) -> Any: ...
    def lin(self, parts: list[tuple[Fraction, Any]], shape: Shape) -> Any: ...
    def mul(self, scalars: list[Any], matrices: list[Any]) -> Any: ...
    def power(self, x: Any, k: int) -> Any: ...
    def T(self, x: Any) -> Any: ...
    def tr(self, x: Any, n: Any) -> Any: ...
    def diag(self, x: Any) -> Any: ...
    def entry(self, x: Any, i: int, j: int) -> Any: ...
    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any: ...


def evaluate(outputs: Sequence[Node], algebra: Algebra, env: Mapping[str, Any] | None = None) -> list[Any]:
    """The values of the outputs, each shared subterm computed once. Gradients are taken on the DAG first.

    >>> from theory.algebras.rational import Rational
    >>> from theory.dag import lin, mul, var
    >>> x = var("x")
    >>> evaluate([lin((2, mul(x, x)), (-1, x))], Rational(), {"x": 3})
    [15]
    """
    roots = [resolved(x) for x in outputs]
    values: dict[Node, Any] = {}
    for x in topological(roots):
        values[x] = _value(x, values, algebra, env or {})
    return [values[x] for x in roots]


def _value(x: Node, values: Mapping[Node, Any], algebra: Algebra, env: Mapping[str, Any]) -> Any:
    data: tuple[Any, ...] = x.data
    match x.op:
        case "var":
            return env[data[0]] if data[0] in env else algebra.variable(data[0], x.shape, data[1])
        case "num" | "const":
            return getattr(algebra, x.op)(data[0])
        case "eye" | "zero":
            return algebra.eye(x.shape[0]) if x.op == "eye" else algebra.zero(x.shape)
        case "lin":
            return algebra.lin([(c, values[y]) for c, y in zip(data, x.args, strict=True)], x.shape)
        case "mul":
            return algebra.mul([values[y] for y in x.args if not y.shape], [values[y] for y in x.args if y.shape])
        case "tr":
            return algebra.tr(values[x.args[0]], x.args[0].shape[0])
        case "pow":
            return algebra.power(values[x.args[0]], data[0])
        case "expect":
            return algebra.expect(values[x.args[0]], x.args[1], [values[m] for m in x.args[2:]])
        case _:  # T, diag, entry
            return getattr(algebra, x.op)(values[x.args[0]], *data)
