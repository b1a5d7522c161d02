"""Normal forms as dicts, in words where that is possible and in the entries elsewhere, and terms made from them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from theory import dag, kernel
from theory.algebra import evaluate
from theory.algebras.free import Free
from theory.dag import Dim, Node, Shape
from theory.errors import InvalidInput
from theory.provers.api import DoesNotApply

Value = dict[Any, Any]
Word = tuple[Any, ...]
Atoms = tuple[Any, ...]


class Words:
    """The free *-algebra over given variables: values of terms, terms of words, and where words occur in others."""

    def __init__(self, variables: Iterable[Node]) -> None:
        self.variables = {str(v.data[0]): v for v in variables}
        self.algebra = Free.of(self.variables.values())
        self.kernel = kernel.Free({name: (v.shape, bool(v.data[1])) for name, v in self.variables.items()})

    def value(self, x: Node, env: Mapping[str, Any] | None = None) -> Value:
        try:
            return dict(evaluate([x], self.algebra, env)[0])
        except InvalidInput as why:
            raise DoesNotApply(f"no normal form in words: {why}") from None
        except kernel.Rejected as why:
            raise DoesNotApply(f"too large for words: {why}") from None

    # -- terms of words -------------------------------------------------------------------------------------------------

    def letter(self, x: Any) -> Node:
        if x[0] == "":
            return dag.diag(dag.mul(*map(self.letter, x[1])))
        v = self.variables[x[0]]
        return dag.T(v) if x[1] else v

    def matrix(self, word: Word, shape: Shape) -> Node:
        return dag.mul(*map(self.letter, word)) if word else dag.eye(shape[0])

    def scalar(self, atom: Any) -> Node:
        if atom[0] == " dim":
            return dag.tr(dag.eye(atom[1]))
        return dag.tr(dag.mul(*map(self.letter, atom[1]))) if atom[0] == "" else self.variables[atom[0]]

    def monomial(self, key: tuple[Atoms, Any], shape: Shape) -> Node:
        """The term of (atoms, word); the word of a scalar is None."""
        scalars = [self.scalar(a) for a in key[0]]
        return dag.mul(dag.num(1), *scalars, *([] if key[1] is None else [self.matrix(key[1], shape)]))

    # -- places ---------------------------------------------------------------------------------------------------------

    def start(self, word: Word, i: int, end: Dim) -> Dim:
        """The dimension before letter i (after the last letter: `end`)."""
        return self.kernel.dims(word[i])[0] if i < len(word) else end

    def inside(self, word: Word, shape: Shape, part: Word, h: Node) -> Iterator[Node]:
        """Each L h R with L part R = word, also inside diagonal parts."""
        n = len(part)
        for i in range(len(word) - n + 1):
            if word[i : i + n] == part and (n or (self.start(word, i, shape[-1]) == h.shape[0] == h.shape[1])):
                yield dag.mul(*map(self.letter, word[:i]), h, *map(self.letter, word[i + n :]))
        for i, x in enumerate(word):
            if x[0] == "":
                left, right = (list(map(self.letter, w)) for w in (word[:i], word[i + 1 :]))
                d = self.kernel.dims(x)[0]
                yield from (dag.mul(*left, dag.diag(y), *right) for y in self.inside(x[1], (d, d), part, h))

    def around(self, word: Word, part: Word, h: Node) -> Iterator[Node]:
        """Each tr(h R) with tr(part R) = tr(word)."""
        for w in self.turns(word):
            fits = w[: len(part)] == part and (part or self.kernel.dims(w[0])[0] == h.shape[0] == h.shape[1])
            if fits:
                yield dag.tr(dag.mul(h, *map(self.letter, w[len(part) :])))

    def turns(self, word: Word) -> list[Word]:
        """The words with the same trace: rotations, transposes, and tr(diag(x) y) = tr(x diag(y))."""
        seen, todo = {word: None}, [word]
        while todo and len(seen) < 200:
            w = todo.pop()
            new = [w[1:] + w[:1], self.kernel.flipped(w), self.kernel.ordered(w)]
            new += [w[0][1] + self.kernel.diagonal_part(w[1:])] if w[0][0] == "" else []
            todo += [x for x in dict.fromkeys(new) if x not in seen]
            seen |= dict.fromkeys(new)
        return list(seen)


def without(atoms: Atoms, part: Atoms) -> Atoms | None:
    """The multiset difference, or None if `part` is not contained."""
    have, need = Counter(atoms), Counter(part)
    return None if need - have else tuple((have - need).elements())


def degree(value: Value) -> int:
    """The largest number of letters in a monomial."""
    return max((sum(_length(a) for a in atoms) + sum(map(_letters, word or ())) for atoms, word in value), default=0)


def least_degree(value: Value) -> int:
    return min((degree({k: 1}) for k in value), default=0)


def _length(atom: Any) -> int:
    return sum(map(_letters, atom[1])) if atom[0] == "" else int(atom[0] != " dim")


def _letters(x: Any) -> int:
    return sum(map(_letters, x[1])) if x[0] == "" else 1
