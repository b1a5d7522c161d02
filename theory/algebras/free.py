"""The free *-algebra: normal forms that hold at every size.

A matrix is a sum of words in letters, their transposes and diagonal parts; coefficients are polynomials in the scalars and in
traces of words, taken up to rotation and transposition. It is the kernel's own arithmetic: a zero found here is a zero there.
Complete for identities that hold at every size, not for facts that need a finite dimension.

>>> from theory.algebra import evaluate
>>> from theory.dag import T, mul, sub, tr, var
>>> A, B = var("A", ("n", "m")), var("B", ("m", "n"))
>>> evaluate([sub(tr(mul(A, B)), tr(mul(B, A)))], Free.of([A, B]))
[{}]
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from theory import kernel
from theory.dag import Node, Shape
from theory.errors import InvalidInput


class Free:
    """Evaluates a DAG to normal forms: a dict from (monomial, word) to a coefficient; zero is the empty dict."""

    def __init__(self, shapes: dict[str, tuple[Shape, bool]]) -> None:
        self._words = kernel.Free(shapes)

    @classmethod
    def of(cls, variables: Iterable[Node]) -> Free:
        return cls({str(v.data[0]): (v.shape, bool(v.data[1])) for v in variables})

    def variable(self, name: str, shape: Shape, symmetric: bool) -> Any:
        return self._words.variable(name) if shape else {(((name,),), None): 1}

    def num(self, c: Fraction) -> Any:
        return {((), None): kernel.lowest(c)} if c else {}

    def eye(self, n: Any) -> Any:
        return self._words.eye(n)

    def zero(self, shape: Shape) -> Any:
        return {}

    def const(self, rows: Any) -> Any:
        raise InvalidInput("matrix", rows, "no constant matrix in a statement about every size")

    def lin(self, parts: list[tuple[Fraction, Any]], shape: Shape) -> Any:
        return self._words.total({k: c * x for k, x in value.items()} for c, value in parts)

    def mul(self, scalars: list[Any], matrices: list[Any]) -> Any:
        return self._words.product([*scalars, *matrices])

    def power(self, x: Any, k: int) -> Any:
        return self._words.product([x] * k)

    def T(self, x: Any) -> Any:
        return self._words.mapped(x, self._words.transposed)

    def tr(self, x: Any, n: Any) -> Any:
        return self._words.mapped(x, lambda word: self._words.trace(word, n))

    def diag(self, x: Any) -> Any:
        return self._words.mapped(x, self._words.diagonal)

    def entry(self, x: Any, i: int, j: int) -> Any:
        raise InvalidInput("entry", (i, j), "no entry in a statement about every size")

    def expect(self, x: Any, noise: Node, moments: list[Any]) -> Any:
        raise InvalidInput("mean", noise, "no mean over noise in a statement about every size")
