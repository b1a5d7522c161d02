r"""Networks that are aligned in given bases, at all widths.

The singular directions of vertex i are the columns of U_i (d_i x m), mutually orthogonal, of length 1 or (beyond the width
d_i) 0: U_i^T U_i = diag(E_i). A layer with rect-diagonal core in these bases is W_i = U_i diag(Z_i) U_{i-1}^T. The data share
the bases:

    S U_0 = U_0 diag(s),   C U_0 = U_N diag(c),   C^T U_N = U_0 diag(c)      (at depth 1: C = U_1 diag(c) U_0^T).

Terms are written on the DAG: a deep product in SymPy costs seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from theory import dag
from theory.certificates import Step, prove
from theory.dag import Node, T, const, diag, lin, mul, sub, var
from theory.statement import Condition, equal
from theory.theorem import Draw
from theory.theorems.alignment.rewriting import Rule, both, expanded, rewritten, rule
from theory.theorems.alignment.setting import Width, orthogonal, table
from theory.theorems.alignment.training import Training


@dataclass(frozen=True)
class Frames:
    """A network with singular directions: `modes` is their number m; with `full` all of them have length 1."""

    widths: tuple[Width, ...]
    samples: Width = "n"
    modes: Width = "m"
    full: bool = False

    @cached_property
    def net(self) -> Training:
        return Training(self.widths, self.samples)

    @property
    def depth(self) -> int:
        return len(self.widths) - 1

    def square(self, name: str) -> Node:
        return var(name, (self.modes, self.modes))

    @cached_property
    def W(self) -> tuple[Node, ...]:
        return tuple(var(f"W{i}", (self.widths[i], self.widths[i - 1])) for i in range(1, self.depth + 1))

    @cached_property
    def X(self) -> Node:
        return var("X", (self.widths[0], self.samples))

    @cached_property
    def Y(self) -> Node:
        return var("Y", (self.widths[-1], self.samples))

    @cached_property
    def U(self) -> tuple[Node, ...]:
        """U_0, ..., U_N."""
        return tuple(var(f"U{i}", (d, self.modes)) for i, d in enumerate(self.widths))

    @cached_property
    def E(self) -> tuple[Node, ...]:
        """The diagonal matrices U_i^T U_i."""
        return tuple(dag.eye(self.modes) if self.full else diag(self.square(f"E{i}")) for i in range(self.depth + 1))

    @cached_property
    def Z(self) -> tuple[Node, ...]:
        """The cores of the layers, diagonal."""
        return tuple(diag(self.square(f"Z{i}")) for i in range(1, self.depth + 1))

    @cached_property
    def s(self) -> Node:
        return diag(self.square("s"))

    @cached_property
    def c(self) -> Node:
        return diag(self.square("c"))

    @cached_property
    def variables(self) -> tuple[Node, ...]:
        cores = [x.args[0] for x in (*self.Z, self.s, self.c, *(() if self.full else self.E))]
        return (*self.W, self.X, self.Y, *self.U, *cores)

    def layer(self, i: int, core: Node) -> Node:
        """U_i core U_{i-1}^T."""
        return mul(self.U[i], core, T(self.U[i - 1]))

    # -- hypotheses -----------------------------------------------------------------------------------------------------

    @cached_property
    def orthogonal(self) -> tuple[Node, ...]:
        return tuple(sub(mul(T(U), U), E) for U, E in zip(self.U, self.E, strict=True))

    @cached_property
    def aligned(self) -> tuple[Node, ...]:
        return tuple(sub(W, self.layer(i, Z)) for i, (W, Z) in enumerate(zip(self.W, self.Z, strict=True), 1))

    @cached_property
    def shared(self) -> tuple[Node, ...]:
        """The data are diagonal in the outer bases."""
        (U, V), S, C = (self.U[-1], self.U[0]), mul(self.X, T(self.X)), mul(self.Y, T(self.X))
        cross = (sub(C, mul(U, self.c, T(V))),)
        inner = (sub(mul(C, V), mul(U, self.c)), sub(mul(T(C), U), mul(V, self.c)))
        return sub(mul(S, V), mul(V, self.s)), *(cross if self.depth == 1 else inner)

    @property
    def given(self) -> tuple[Condition, ...]:
        return tuple(map(equal, (*self.aligned, *self.orthogonal, *self.shared)))

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What the hypotheses turn products into."""
        out = [r for i, (W, x) in enumerate(zip(self.W, self.aligned, strict=True), 1)
               for r in both((W,), self.layer(i, self.Z[i - 1]), x)]  # fmt: skip
        out += [rule((T(U), U), E, x) for U, E, x in zip(self.U, self.E, self.orthogonal, strict=True)]
        (U, V), X, Y = (self.U[-1], self.U[0]), self.X, self.Y
        out += both((X, T(X), V), mul(V, self.s), self.shared[0])
        if self.depth == 1:
            return (*out, rule((Y, T(X)), mul(U, self.c, T(V)), self.shared[1]))
        return (*out, *both((Y, T(X), V), mul(U, self.c), self.shared[1]), *both((X, T(Y), U), mul(V, self.c), self.shared[2]))

    def follows(self, term: Any) -> Step:
        """The step that the term vanishes by the rules."""
        return prove("==", term, rewritten(expanded(dag.resolved(term)), self.rules)[1])

    # -- conclusions ----------------------------------------------------------------------------------------------------

    def between(self, i: int, j: int) -> list[Node]:
        """The diagonal factors Z_i E_{i-1} Z_{i-1} ... Z_{j+1} of the map from vertex j to vertex i."""
        out = [x for k in range(i, j, -1) for x in (self.Z[k - 1], self.E[k - 1])]
        return out[:-1]

    def core(self, i: int) -> Node:
        """The diagonal matrix with G_i = U_i core U_{i-1}^T: in mode p, (prod_{j != i} z_j)(s prod_j z_j - c)."""
        N = self.depth
        above, below, whole = self.between(N, i), self.between(i - 1, 0), self.between(N, 0)
        ends = ([self.E[N]] if i < N else []), ([self.E[0]] if i > 1 else [])
        outer = ends[0] if 1 < i < N else []
        parts = (mul(*above, *ends[0], *whole, self.s, *ends[1], *below), mul(*above, *outer, self.c, *below))
        return sub(*parts)

    def gradient(self, i: int) -> Node:
        """The gradient of the squared loss by W_i; the kernel differentiates it itself."""
        residual = sub(mul(*reversed(self.W), self.X), self.Y)
        return dag.grad(lin((Fraction(1, 2), dag.tr(mul(T(residual), residual)))), self.W[i - 1])

    # -- instances ------------------------------------------------------------------------------------------------------

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Random orthogonal bases, cores and data that share the bases; the widths, samples and modes are numbers."""
        m, n = int(self.modes), int(self.samples)
        env = self._bases(draw) | {str(x.args[0]): draw.matrix(m, m) for x in self.Z}
        x, y = (diag(var(name, (m, m))) for name in "xy")
        data = env | {"x": draw.matrix(m, m), "y": draw.matrix(m, m), "R": orthogonal(draw, n)}
        right = mul(_first(m, n), var("R", (n, n)))
        terms = {str(W): self.layer(i, Z) for i, (W, Z) in enumerate(zip(self.W, self.Z, strict=True), 1)}
        terms |= {"X": mul(self.U[0], x, right), "Y": mul(self.U[-1], y, right)}
        terms |= {"s": mul(x, x, self.E[0]), "c": mul(x, y, self.E[0], self.E[-1])}
        return env | {name: draw.value(term, data) for name, term in terms.items()}

    def _bases(self, draw: Draw) -> dict[str, Any]:
        """U_i, the first columns of orthogonal matrices, zeros beyond the width; E_i = U_i^T U_i."""
        m, env = int(self.modes), dict[str, Any]()
        for i, d in enumerate(map(int, self.widths)):
            env[f"U{i}"] = draw.value(mul(var("Q", (d, d)), _first(d, m)), {"Q": orthogonal(draw, d)})
            env[f"E{i}"] = draw.value(mul(T(_first(d, m)), _first(d, m)), {})
        return env


def _first(d: int, m: int) -> Node:
    """The d x m matrix with ones on its diagonal."""
    return const(table(d, m))


def witness(frames: Frames) -> dict[str, Any]:
    """A point at widths 1: all layers, data and directions 1."""
    return {str(v.data[0]): [[1]] for v in frames.variables}


def ones(names: Sequence[Width]) -> dict[str, int]:
    """Every symbolic dimension 1."""
    return {str(d): 1 for d in names if isinstance(d, str)}
