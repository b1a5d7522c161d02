r"""SymPy expressions with the words that SymPy lacks, and their lowering to the DAG.

Statements are written in SymPy (`MatrixSymbol`, `Trace`, `Transpose`, scalars); the words added here are `Gradient`,
`DiagonalPart`, `Mean`, `Congruence`, `Square` and `Known`. SymPy is not on the verdict path: `lower` turns an expression into a
checked DAG at once, and refuses what it does not understand.

>>> from sympy import MatrixSymbol, Symbol, Trace
>>> W = MatrixSymbol("W", Symbol("m"), Symbol("n"))
>>> lower(gradient(Trace(W.T * W), W))
grad(tr(mul(T(W), W)), W)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import permutations
from typing import Any

import sympy
from sympy import Determinant, Expr, Identity, Integer, MatrixExpr, MatrixSymbol, Rational, Symbol, Trace, Transpose, sympify
from sympy.matrices.expressions.matexpr import MatrixElement

from theory import dag
from theory.dag import Dim, Node, Shape
from theory.errors import InvalidInput


class SymmetricSymbol(MatrixSymbol):  # type: ignore[misc]
    """A matrix variable that equals its transpose: `SymmetricSymbol("A", n)`."""

    def __new__(cls, name: str, n: Any, m: Any = None) -> SymmetricSymbol:
        return super().__new__(cls, name, n, n)  # type: ignore[no-any-return]

    def _eval_transpose(self) -> SymmetricSymbol:
        return self


class MatrixWord(MatrixExpr):  # type: ignore[misc]
    """A matrix expression of ours; its entries are left to the lowering."""

    def _entry(self, i: Any, j: Any, **_: Any) -> Expr:
        return MatrixElement(self, i, j)


class Gradient(MatrixWord):
    """The gradient of a scalar expression by a matrix variable, of the variable's shape."""

    @property
    def shape(self) -> Any:
        return self.args[1].shape


class PartialDerivative(Expr):  # type: ignore[misc]
    """The derivative of a scalar expression by a scalar variable."""

    is_commutative = True


class DiagonalPart(MatrixWord):
    """The diagonal matrix with the diagonal of a square matrix."""

    @property
    def shape(self) -> Any:
        return self.args[0].shape


class Mean(Expr):  # type: ignore[misc]
    """`Mean(f, noise, m_0, m_1, ...)`: the mean of f over independent entries of `noise` with the moments m_k of order k."""

    is_commutative = True


class Congruence(MatrixWord):
    """`Congruence(m, x)` = x^T m x, kept whole because its sign is that of m; for a scalar m, m x^T x."""

    @property
    def shape(self) -> Any:
        return (self.args[1].shape[1],) * 2


class Square(Expr):  # type: ignore[misc]
    """`Square(x)` = |x|_F^2, visibly nonnegative."""

    is_commutative = True


class Known(Expr):  # type: ignore[misc]
    """`Known(x)`: the scalar x cited as the left-hand side of a known fact."""

    is_commutative = True


class KnownMatrix(MatrixWord):
    """`KnownMatrix(x)`: the matrix x cited as the left-hand side of a known fact."""

    @property
    def shape(self) -> Any:
        return self.args[0].shape


def gradient(f: Expr, by: Expr) -> Expr:
    """The gradient of a scalar expression by a matrix variable or a scalar variable."""
    return Gradient(f, by) if isinstance(by, MatrixSymbol) else PartialDerivative(f, by)


def known(x: Expr) -> Expr:
    """The expression cited as a known fact (a hypothesis or an earlier step)."""
    return KnownMatrix(x) if isinstance(x, MatrixExpr) else Known(x)


def norm2(x: Expr) -> Expr:
    """|x|_F^2 as a trace."""
    return Trace(x.T * x)


def inner(x: Expr, y: Expr) -> Expr:
    """<x, y> = tr(x^T y)."""
    return Trace(x.T * y)


def quadratic(a: Expr, x: Expr) -> Expr:
    """|x|_a^2 = tr(x^T a x)."""
    return Trace(x.T * a * x)


def lower(expression: Any, sizes: Mapping[str, int] | None = None) -> Node:
    """The DAG of an expression; dimensions named in `sizes` become numbers. A `Node` is returned as it is."""
    return expression if isinstance(expression, Node) else _Lowering(sizes or {}).node(sympify(expression))


class _Lowering:
    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.done: dict[Any, Node] = {}

    def node(self, e: Any) -> Node:
        if e not in self.done:
            self.done[e] = self.lowered(e)
        return self.done[e]

    def lowered(self, e: Any) -> Node:
        rule = next((_RULES[kind] for kind in type(e).__mro__ if kind in _RULES), None)
        if rule is None:
            raise InvalidInput("expression", e, f"no {type(e).__name__}: see docs/statements.md for the vocabulary")
        return rule(self, e)

    def dim(self, d: Any) -> Dim:
        if isinstance(d, Integer | int):
            return int(d)
        if isinstance(d, Symbol):
            return self.sizes.get(str(d.name), str(d.name))
        raise InvalidInput("dimension", d, "an integer or a symbol")

    def shape(self, e: Any) -> Shape:
        return (self.dim(e.shape[0]), self.dim(e.shape[1]))

    def args(self, e: Any) -> list[Node]:
        return [self.node(sympify(x)) for x in e.args]

    def number(self, e: Any) -> Node:
        return dag.num(Fraction(int(e.p), int(e.q)))

    def scalar_power(self, e: Any) -> Node:
        base, exponent = e.args
        if not (isinstance(exponent, Integer) and exponent >= 0):
            raise InvalidInput("expression", e, "integer exponents >= 0: multiply denominators out, name roots as variables")
        return dag.power(self.node(base), int(exponent))

    def matrix_power(self, e: Any) -> Node:
        base, exponent = e.args
        if not (isinstance(exponent, Integer) and exponent >= 0):
            raise InvalidInput("expression", e, "no inverse: name it as a variable R with the hypothesis M R = I")
        return dag.power(self.node(base), int(exponent))

    def constant(self, e: Any) -> Node:
        if not all(isinstance(x, Rational) for x in e):
            raise InvalidInput("matrix", e, "rational entries")
        return dag.const([[Fraction(int(x.p), int(x.q)) for x in e.row(i)] for i in range(e.shape[0])])

    def determinant(self, e: Any) -> Node:
        x = self.node(e.args[0])
        n = x.shape[0] if x.shape else 0
        if not isinstance(n, int) or n > 4:
            raise InvalidInput("determinant", e, "a matrix of given size, at most 4 x 4")
        signed = [((-1) ** sum(p[i] > p[j] for j in range(n) for i in range(j)), p) for p in permutations(range(n))]
        return dag.lin(*((c, dag.mul(*(dag.entry(x, i, j) for i, j in enumerate(p)))) for c, p in signed))


_RULES: dict[type, Callable[[_Lowering, Any], Node]] = {
    Rational: _Lowering.number,
    Symbol: lambda s, e: dag.var(e.name),
    SymmetricSymbol: lambda s, e: dag.var(e.name, s.shape(e), symmetric=True),
    MatrixSymbol: lambda s, e: dag.var(e.name, s.shape(e)),
    sympy.Add: lambda s, e: dag.add(*s.args(e)),
    sympy.MatAdd: lambda s, e: dag.add(*s.args(e)),
    sympy.Mul: lambda s, e: dag.mul(*s.args(e)),
    sympy.MatMul: lambda s, e: dag.mul(*s.args(e)),
    sympy.Pow: _Lowering.scalar_power,
    sympy.MatPow: _Lowering.matrix_power,
    Transpose: lambda s, e: dag.T(s.node(e.args[0])),
    Trace: lambda s, e: dag.tr(s.node(e.args[0])),
    sympy.Inverse: _Lowering.matrix_power,
    Identity: lambda s, e: dag.eye(s.dim(e.shape[0])),
    sympy.ZeroMatrix: lambda s, e: dag.zero(s.shape(e)),
    MatrixElement: lambda s, e: dag.entry(s.node(e.args[0]), int(e.args[1]), int(e.args[2])),
    sympy.ImmutableDenseMatrix: _Lowering.constant,
    sympy.MutableDenseMatrix: _Lowering.constant,
    Determinant: _Lowering.determinant,
    Gradient: lambda s, e: dag.grad(*s.args(e)),
    PartialDerivative: lambda s, e: dag.grad(*s.args(e)),
    DiagonalPart: lambda s, e: dag.diag(s.node(e.args[0])),
    Mean: lambda s, e: dag.expect(s.node(e.args[0]), s.node(e.args[1]), s.args(e)[2:]),
    Congruence: lambda s, e: dag.conj(*s.args(e)),
    Square: lambda s, e: dag.square(s.node(e.args[0])),
    Known: lambda s, e: dag.known(s.node(e.args[0])),
    KnownMatrix: lambda s, e: dag.known(s.node(e.args[0])),
}
