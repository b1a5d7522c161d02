r"""Gradient flow, as differential identities: what is conserved along \(\dot W = -\nabla_W L\), without any trajectory.

>>> from sympy import MatrixSymbol, Symbol
>>> from theory.expressions import norm2
>>> n = Symbol("n")
>>> A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
>>> along(A * B, {A: B})
B**2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import MatAdd, MatMul, MatPow, MatrixExpr, Trace, Transpose, ZeroMatrix
from sympy.matrices.expressions.matexpr import MatrixElement

from theory.errors import InvalidInput
from theory.expressions import DiagonalPart, gradient
from theory.statement import Condition, equal


@dataclass(frozen=True)
class Conserved:
    """The derivative of a quantity (a scalar or a matrix expression) along the gradient flow of a loss is zero."""

    quantity: Any
    loss: Any
    layers: tuple[Any, ...]

    def conditions(self) -> tuple[Condition, ...]:
        return (equal(along_flow(self.quantity, self.loss, self.layers)),)


def along_flow(quantity: Any, loss: Any, layers: tuple[Any, ...]) -> Any:
    """The derivative of the quantity in time where each layer moves by minus the gradient of the loss."""
    return along(quantity, {W: -gradient(loss, W) for W in layers})


def along(e: Any, directions: Mapping[Any, Any]) -> Any:
    """The derivative of an expression where each variable moves in its direction: Leibniz' rule.

    Raises `InvalidInput` for what is no sum, product, power, transpose, trace, diagonal part or entry.
    """
    if e in directions:
        return directions[e]
    if not e.free_symbols & set(directions) if hasattr(e, "free_symbols") else True:
        return ZeroMatrix(*e.shape) if isinstance(e, MatrixExpr) else sympy.Integer(0)
    if isinstance(e, sympy.Add | MatAdd):
        return _sum([along(x, directions) for x in e.args], e)
    if isinstance(e, sympy.Mul | MatMul):
        return _product(list(e.args), directions, e)
    if isinstance(e, MatPow | sympy.Pow) and e.args[1].is_Integer and e.args[1] >= 1:
        return _product([e.args[0]] * int(e.args[1]), directions, e)
    if isinstance(e, Transpose | Trace | DiagonalPart):
        return _rebuilt(type(e), along(e.args[0], directions))
    if isinstance(e, MatrixElement):
        return along(e.args[0], directions)[e.args[1], e.args[2]]
    raise InvalidInput("quantity", e, "sums, products, powers, transposes, traces, diagonal parts and entries of variables")


def _rebuilt(kind: Any, inner: Any) -> Any:
    if isinstance(inner, ZeroMatrix):
        return sympy.Integer(0) if kind is Trace else ZeroMatrix(*(inner.shape[::-1] if kind is Transpose else inner.shape))
    return inner.T if kind is Transpose else kind(inner)


def _product(factors: list[Any], directions: Mapping[Any, Any], like: Any) -> Any:
    parts = []
    for k, x in enumerate(factors):
        moved = along(x, directions)
        if not (isinstance(moved, ZeroMatrix) or moved == 0):
            parts.append(_times([*factors[:k], moved, *factors[k + 1 :]]))
    return _sum(parts, like)


def _times(factors: list[Any]) -> Any:
    out = factors[0]
    for x in factors[1:]:
        out = out * x
    return out


def _sum(parts: list[Any], like: Any) -> Any:
    """The sum of the parts that are not zero, of the shape of `like`."""
    kept = [x for x in parts if not isinstance(x, ZeroMatrix) and x != 0]
    if not kept:
        return ZeroMatrix(*like.shape) if isinstance(like, MatrixExpr) else sympy.Integer(0)
    out = kept[0]
    for x in kept[1:]:
        out = out + x
    return out


