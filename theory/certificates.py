"""Certificates: evidence written down as JSON for the kernel.

Evidence is a list of `Step`s (a derivation) or a point. A step states a fact, `term relation 0`, and the term `by` that shows
it: `times * term == by`, where the sign of `by` is visible in its form. `docs/certificates.md` has the format and the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory import dag, kernel
from theory.dag import Node
from theory.errors import DeeplinError
from theory.expressions import lower
from theory.statement import Lowered

Json = dict[str, Any]
Point = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One fact and why it holds. Expressions are SymPy or DAG terms."""

    relation: str
    term: Any
    by: Any = 0
    times: Any = None
    rule: str = "sign"
    cases: tuple[tuple[Step, ...], tuple[Step, ...]] | None = None


def prove(relation: str, term: Any, by: Any, times: Any = None) -> Step:
    """times * term == by, and `by` is visibly `relation` 0."""
    return Step(relation, term, by, times)


def vanishes(term: Any, by: Any, times: Any = None) -> Step:
    """-times * |term|^2 == by >= 0: the term is zero."""
    return Step("==", term, by, times, rule="radical")


def split(relation: str, term: Any, on: Any, positive: Sequence[Step], otherwise: Sequence[Step]) -> Step:
    """The fact is derived from on > 0, and again from -on >= 0."""
    return Step(relation, term, on, rule="cases", cases=(tuple(positive), tuple(otherwise)))


class EvidenceError(DeeplinError, ValueError):
    """Evidence that cannot be written down: it cites what is not known."""


def number(c: Fraction | int) -> int | str:
    """An integer below 2^53 as it is, others as text 'p/q', in hexadecimal where long."""
    p, q = Fraction(c).numerator, Fraction(c).denominator
    if q == 1 and abs(p) < 2**53:
        return p
    text = [str(x) if x.bit_length() < 3000 else hex(x) for x in (p, q)]
    return text[0] if q == 1 else "/".join(text)


class _Writer:
    """Numbers terms in the order in which the kernel reads them."""

    def __init__(self) -> None:
        self.terms: list[list[Any]] = []
        self.index: dict[Any, int] = {}
        self.shapes: list[Any] = []
        self.facts: list[tuple[str, Node]] = []

    def put(self, key: Any, term: list[Any], shape: Any) -> int:
        if key not in self.index:
            self.index[key] = len(self.terms)
            self.terms.append(term)
            self.shapes.append(shape)
        return self.index[key]

    def write(self, root: Node) -> int:
        stack = [root]
        while stack:
            x = stack[-1]
            missing = [y for y in x.args if y not in self.index and not (x.op in ("grad", "expect") and y is x.args[1])]
            missing = [] if x.op == "known" else missing
            if x in self.index or not missing:
                stack.pop()
                self.index.setdefault(x, self.one(x))
            stack += missing
        return self.index[root]

    def one(self, x: Node) -> int:
        at = [self.index.get(y, -1) for y in x.args]
        data: tuple[Any, ...] = x.data
        match x.op:
            case "var" | "pow" | "T" | "tr" | "diag":
                term = [x.op, *at, *data[:1]]
            case "num":
                term = ["num", number(data[0])]
            case "eye":
                term = ["eye", x.shape[0]]
            case "const":
                term = ["const", [[number(c) for c in row] for row in data[0]]]
            case "lin":
                term = ["lin", [[number(c), t] for c, t in zip(data, at, strict=True)]]
            case "mul":
                term = ["mul", at]
            case "grad":
                term = ["grad", at[0], x.args[1].data[0]]
            case "expect":
                term = ["expect", at[0], x.args[1].data[0], at[2:]]
            case _:
                return int(getattr(self, x.op)(x, at))
        return self.put(x, term, x.shape)

    def known(self, x: Node, at: list[int]) -> int:
        ranked = [(("==", ">", ">=").index(r), k) for k, (r, y) in enumerate(self.facts) if y is x.args[0]]
        if not ranked:
            raise EvidenceError(f"evidence cites {x.args[0]} as known, but it is neither given nor derived before")
        return self.put(x, ["fact", min(ranked)[1]], x.shape)

    def learn(self, relation: str, x: Node) -> None:
        """A new fact; what cites an older one about the same term is written anew, for the new one may say more."""
        cited = dag.known(x)
        if cited in self.index:
            self.index = {k: i for k, i in self.index.items() if not (isinstance(k, Node) and cited in dag.topological([k]))}
        self.facts.append((relation, x))

    def zero(self, x: Node, at: list[int]) -> int:
        like = next((k for k, s in enumerate(self.shapes) if s == x.shape), None)
        if like is None and all(isinstance(d, int) for d in x.shape):
            return self.put(x, ["const", [[0] * int(x.shape[1]) for _ in range(int(x.shape[0]))]], x.shape)
        if like is None:
            raise EvidenceError(f"a zero matrix of shape {x.shape} stands alone")
        return self.put(x, ["lin", [[0, like]]], x.shape)

    def conj(self, x: Node, at: list[int]) -> int:
        y, (i, j) = x.args[1], at
        if not y.shape:
            return self.put(x, ["mul", [i, self.put(("square", j), ["pow", j, 2], ())]], ())
        left = self.put(("T", j), ["T", j], y.shape[::-1])
        return self.put(x, ["mul", [left, i, j]], x.shape)

    def entry(self, x: Node, at: list[int]) -> int:
        """e_i^T m e_j: on the diagonal of a positive semidefinite m its sign is visible."""
        places = zip(x.data, x.args[0].shape, strict=True)
        left, right = (self.write(dag.const([[int(k == i)] for k in range(int(n))])) for i, n in places)
        row = self.put(("T", left), ["T", left], (1, x.args[0].shape[0]))
        return self.put(x, ["tr", self.put((x, "product"), ["mul", [row, at[0], right]], (1, 1))], ())


def statement(s: Lowered) -> tuple[Json, _Writer]:
    """The JSON of a statement and the writer that goes on with its evidence."""
    w = _Writer()
    given, then = ([{"relation": r, "term": w.write(x)} for r, x in part] for part in (s.given, s.then))
    w.facts = list(s.given)
    variables = {str(v.data[0]): {"shape": list(v.shape), "symmetric": bool(v.data[1])} for v in s.variables}
    record = {"name": s.name, "dims": dict.fromkeys(s.dims), "variables": variables, "terms": list(w.terms)}
    return {**record, "given": given, "then": then}, w


def derivation(s: Lowered, steps: Sequence[Step], claim: str = "proved", sizes: Mapping[str, int] | None = None) -> Json:
    """A certificate that the conclusions follow (`proved`), or that the hypotheses contradict each other."""
    record, w = statement(s)
    return seal(record, claim, {"steps": _steps(w, steps, sizes or {})})


def _steps(w: _Writer, steps: Sequence[Step], sizes: Mapping[str, int]) -> list[Json]:
    out = []
    for step in steps:
        start = len(w.terms)
        term, on = lower(step.term, sizes), lower(step.by, sizes)
        on = dag.zero(term.shape) if on is dag.num(0) else on
        record: Json = {"rule": step.rule, "relation": step.relation, "term": w.write(term), "by": w.write(on)}
        record["times"] = None if step.times is None else w.write(lower(step.times, sizes))
        record["terms"] = w.terms[start:]
        record["cases"] = None if step.cases is None else _cases(w, on, step.cases, sizes)
        out.append(record)
        w.learn(step.relation, term)
    return out


def _cases(w: _Writer, on: Node, cases: Sequence[Sequence[Step]], sizes: Mapping[str, int]) -> list[list[Json]]:
    out = []
    for assumption, steps in zip(((">", on), (">=", dag.lin((-1, on)))), cases, strict=True):
        saved = (list(w.terms), dict(w.index), list(w.shapes), list(w.facts))
        w.learn(*assumption)
        out.append(_steps(w, steps, sizes))
        w.terms, w.index, w.shapes, w.facts = saved
    return out


def at_point(s: Lowered, point: Point, claim: str) -> Json:
    """A certificate that the point satisfies the hypotheses (`satisfiable`), and violates a conclusion (`refuted`)."""
    return seal(statement(s)[0], claim, {"point": {name: _numbers(value) for name, value in point.items()}})


def _numbers(value: Any) -> Any:
    if hasattr(value, "nrows"):  # a flint matrix
        return [[number(Fraction(str(value[i, j]))) for j in range(value.ncols())] for i in range(value.nrows())]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_numbers(x) for x in value]
    return number(Fraction(str(value)))


def seal(record: Json, claim: str, evidence: Json) -> Json:
    """The certificate with its seal, the digest of all the rest."""
    c = {"format": "deeplin certificate", "version": 1, "statement": record, "claim": claim, "evidence": evidence}
    return {**c, "seal": kernel.digest(c)}
