"""The kernel: the only code whose word is PROVED. Standard library only; it trusts nothing that it reads.

It rebuilds every polynomial of a certificate (docs/certificates.md) from the statement's terms, differentiates it where a term
says `grad`, checks the evidence, and accepts or raises `Rejected`.

The value of a term is a dict from (monomial, key) to a rational; a monomial is a sorted tuple of atoms; a scalar's key is None.
If every dimension is a number, matrices have keys (i, j) and atoms are entries; with a symbolic dimension, keys are words of a free
*-algebra and atoms are traces of words: an equality then holds at every size.

The sign of a term is read off from its form: 0 zero; 1 nonnegative, a matrix: symmetric positive semidefinite; 2 positive, a
matrix: definite; -1 unknown. An inequality is proved by a term of that sign that equals it, or a positive multiple of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

MAX_BYTES, MAX_TERMS, MAX_SIZE, MAX_BITS, BUDGET = 16 << 20, 200_000, 512, 1 << 17, 60_000_000
ZERO, NONNEGATIVE, POSITIVE, UNKNOWN = 0, 1, 2, -1
SIGN = {"==": ZERO, ">=": NONNEGATIVE, ">": POSITIVE}
Judgement = NamedTuple("Judgement", [("name", str), ("claim", str), ("scope", str), ("digest", str)])
Term = NamedTuple("Term", [("op", list[Any]), ("shape", tuple[Any, ...]), ("value", dict[Any, Any]), ("sign", int)])
Value = dict[Any, Any]  # (monomial, key) -> int or Fraction

class Rejected(Exception):
    """The certificate does not prove what it claims, or is no certificate; the text says why."""

def require(condition: object, why: str) -> None:
    if not condition:
        raise Rejected(why)

def fields(record: Any, names: str) -> Any:
    require(type(record) is dict and sorted(record) == sorted(names.split()), f"an object with {names} was expected")
    return record

def items(value: Any, length: int | None = None) -> list[Any]:
    require(type(value) is list and length in (None, len(value)), "a list (of another length) was expected")
    return list(value)

def natural(value: Any, bound: int, least: int = 0) -> int:
    require(type(value) is int and least <= value < bound, f"an integer from {least} to below {bound} was expected")
    return int(value)

def number(value: Any) -> Any:
    """An integer, or a string 'p' or 'p/q', each in decimal or in hexadecimal."""
    digits = "(0x[0-9a-f]{1,30000}|[0-9]{1,4000})"
    if type(value) is not int:
        require(type(value) is str and re.fullmatch(f"-?{digits}(/{digits})?", value), "a number 'p' or 'p/q' was expected")
        p, q = (int(x, 16 if "x" in x else 10) for x in (value + "/1").split("/")[:2])
        require(q, "a denominator is zero")
        return lowest(Fraction(p, q))
    return value

def lowest(c: Any) -> Any:
    return c.numerator if c.denominator == 1 else c

def product_sign(signs: list[int]) -> int:
    return ZERO if ZERO in signs else min(signs, default=POSITIVE)

def implies(sign: int, relation: str) -> bool:
    return sign == SIGN[relation] or (sign != UNKNOWN and relation == ">=")

class Algebra:
    """Polynomials and tables of polynomials, on a budget: no certificate makes the kernel work for ever."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables, self.budget = variables, BUDGET
    def spend(self, cost: int) -> None:
        self.budget -= cost
        require(self.budget > 0, "the certificate exceeds the kernel's work budget")
    def weight(self, a: Value) -> int:
        bits = max((c.numerator.bit_length() + c.denominator.bit_length() for c in a.values()), default=0)
        require(bits <= MAX_BITS and all(len(m) <= MAX_SIZE for m, _ in a), "a coefficient or a degree is too large")
        return 1 + len(a) * (1 + bits // 256)

    def total(self, values: Any) -> Value:
        out: Value = {}
        for a in values:
            self.spend(self.weight(a))
            for term, c in a.items():
                out[term] = lowest(out.get(term, 0) + c)
                if not out[term]:
                    del out[term]
        return out

    def mul(self, a: Value, b: Value) -> Value:
        self.spend(self.weight(a) * self.weight(b))
        out: Value = {}
        for (m, u), c in a.items():
            for (n, v), d in b.items():
                hit = (u, ()) if v is None else (v, ()) if u is None else self.join(u, v)
                if hit is not None:
                    term = (tuple(sorted(m + n + hit[1])), hit[0])
                    out[term] = out.get(term, 0) + c * d
        return {term: lowest(c) for term, c in out.items() if c}

    def product(self, values: list[Value]) -> Value:
        out: Value = {((), None): 1}
        for a in values:
            out = self.mul(out, a)
        return out
    def mapped(self, a: Value, change: Callable[[Any], Any]) -> Value:
        """Each key replaced by `change(key)`: (new key, further atoms), or None for zero."""
        hits = [(m, c, hit) for (m, key), c in a.items() for hit in [change(key)] if hit is not None]
        return self.total({(tuple(sorted(m + more)), key): c} for m, c, (key, more) in hits)
    def substituted(self, a: Value, change: Callable[[Any, int], Any]) -> Value:
        """Each power of an atom replaced by `change(atom, power)` where that is not None."""
        new = lambda atom, k: (x := change(atom, k), {((atom,) * k, None): 1})[x is None]  # noqa: E731
        parts = ((c, key, [new(x, m.count(x)) for x in dict.fromkeys(m)]) for (m, key), c in a.items())
        return self.total(self.product([{((), key): c}, *values]) for c, key, values in parts)
    def partials(self, a: Value) -> Iterator[tuple[Any, Value]]:
        """Each (atom, derivative by the atom) of a scalar."""
        for x in sorted({x for m, _ in a for x in m}):
            cut = {m: m[: m.index(x)] + m[m.index(x) + 1 :] for m, _ in a if x in m}
            yield x, {(cut[m], None): c * m.count(x) for (m, _), c in a.items() if x in m}
    def grad(self, a: Value, name: str) -> Value:
        return {(m, atom[1:] or None): c for atom, part in self.partials(a) if atom[0] == name for (m, _), c in part.items()}
    def variable(self, name: str) -> Value:
        (rows, cols), symmetric = self.variables[name]
        place = lambda i, j: (min(i, j), max(i, j)) if symmetric else (i, j)  # noqa: E731
        return {(((name, *place(i, j)),), (i, j)): 1 for i in range(rows) for j in range(cols)}
    def eye(self, n: int) -> Value:
        return {((), (i, i)): 1 for i in range(n)}
    def join(self, u: Any, v: Any) -> Any:
        return ((u[0], v[1]), ()) if u[1] == v[0] else None
    def transposed(self, u: Any) -> Any:
        return (u[1], u[0]), ()
    def diagonal(self, u: Any) -> Any:
        return (u, ()) if u[0] == u[1] else None
    def trace(self, u: Any, n: Any) -> Any:
        return (None, ()) if u[0] == u[1] else None

class Free(Algebra):
    """The free *-algebra: words of letters (name, transposed) and diagonal parts ("", word, depth).

    A factor of size 1 x 1 is a scalar: words are cut where the dimension is 1. Diagonal parts commute. Traces are equal up to
    rotation, transposition, and tr(diag(x) y) = tr(x diag(y)).
    """

    def dims(self, letter: Any) -> Any:
        return (self.dims(letter[1][0])[0],) * 2 if letter[0] == "" else self.variables[letter[0]][0][:: -1 if letter[1] else 1]
    def ordered(self, word: Any) -> Any:
        """Neighbouring diagonal parts sorted."""
        while swap := [i for i, (x, y) in enumerate(pairwise(word)) if x[0] == y[0] == "" and y < x][:1]:
            word = (*word[: swap[0]], word[swap[0] + 1], word[swap[0]], *word[swap[0] + 2 :])
        return word
    def flipped(self, word: Any) -> Any:
        fixed = lambda x: x[0] == "" or self.variables[x[0]][1]  # noqa: E731
        return self.ordered(tuple(x if fixed(x) else (x[0], not x[1]) for x in reversed(word)))

    def diagonal_part(self, word: Any) -> Any:
        """diag(word): diagonal factors at its ends come out; diag(I) = I; diag(w) = diag(w^T)."""
        inside = [i for i, x in enumerate(word) if x[0] != ""] or [len(word)]
        core = word[inside[0] : inside[-1] + 1]
        depth = 1 + max((x[2] for x in core if x[0] == ""), default=0)
        require(depth < 20, "diagonal parts are nested too deeply")
        middle = (("", min(core, self.flipped(core)), depth),) if core else ()
        return self.ordered((*word[: inside[0]], *middle, *word[inside[-1] + 1 :]))

    def cut(self, word: Any) -> Any:
        """(word, atoms): the scalars between places of dimension 1 taken out."""
        require(len(word) <= MAX_SIZE, "a word is too long")
        ones = [i for i, d in enumerate([*(self.dims(x)[0] for x in word), *(self.dims(x)[1] for x in word[-1:])]) if d == 1]
        atoms = sum((self.trace_atom(word[i:j]) for i, j in pairwise(ones)), ())
        return self.ordered(word[: ones[0]] + word[ones[-1] :] if atoms else word), atoms

    def trace_atom(self, word: Any) -> tuple[Any, ...]:
        """The atom of the least word with this trace: a search through rewrites each of which keeps the trace."""
        seen, todo = {word}, [word]
        while todo:
            w = todo.pop()
            self.spend(10 + len(w))
            new = {w[1:] + w[:1], self.flipped(w), self.ordered(w)}
            new |= {w[0][1] + self.diagonal_part(w[1:])} if w[0][0] == "" else set()
            todo += new - seen
            seen |= new
        return (("", min(seen)),)

    def places(self, word: Any, context: Any, name: str) -> Iterator[Any]:
        """Each (letter, rest) with tr(word context) = tr(letter rest), the letter being `name` inside `word`."""
        for i, letter in enumerate(word):
            rest = word[i + 1 :] + context + word[:i]
            if letter[0] == "":
                yield from self.places(letter[1], self.diagonal_part(rest), name)
            elif letter[0] == name:
                yield letter, rest

    def grad(self, a: Value, name: str) -> Value:
        """The cyclic derivative: d tr(W y)/dW = y^T, d tr(W^T y)/dW = y, at each place where W stands."""
        places = ((p, x) for atom, p in self.partials(a) if atom[0] == "" for x in self.places(atom[1], (), name))
        words = ((p, self.cut(rest if letter[1] else self.flipped(rest))) for p, (letter, rest) in places)
        return self.total([super().grad(a, name), *(self.mul(p, {(atoms, word): 1}) for p, (word, atoms) in words)])
    def variable(self, name: str) -> Value:
        word, atoms = self.cut(((name, False),))
        return {(atoms, word): 1}
    def eye(self, n: Any) -> Value:
        return {((), ()): 1}
    def join(self, u: Any, v: Any) -> Any:
        return self.cut(u + v)
    def transposed(self, u: Any) -> Any:
        return self.cut(self.flipped(u))
    def diagonal(self, u: Any) -> Any:
        return self.cut(self.diagonal_part(u))
    def trace(self, u: Any, n: Any) -> Any:
        ones = [i for i, x in enumerate(u) if self.dims(x)[0] == 1]
        cut = self.cut(u[ones[0] :] + u[: ones[0]])[1] if ones else ()
        return None, cut if ones else self.trace_atom(u) if u else () if n == 1 else ((" dim", n),)

class Checker:
    """One certificate under examination: its terms and the facts known so far."""

    def __init__(self, statement: Any) -> None:
        s = fields(statement, "name dims variables terms given then")
        require(type(s["name"]) is str and type(s["dims"]) is dict is type(s["variables"]), "a statement is malformed")
        require(all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", x) for x in [*s["dims"], *s["variables"]]), "a name is malformed")
        self.dims = {d: n if n is None else natural(n, MAX_SIZE, 1) for d, n in s["dims"].items()}
        self.symbolic = None in self.dims.values()
        self.variables = {name: self.declared(fields(v, "shape symmetric")) for name, v in s["variables"].items()}
        self.algebra: Any = (Free if self.symbolic else Algebra)(self.variables)
        self.terms: list[Term] = []
        self.facts: list[tuple[str, Term]] = []
        self.extend(s["terms"])
        self.given, self.then = ([self.condition(fields(c, "relation term")) for c in items(s[k])] for k in ("given", "then"))

    def size(self, d: Any) -> Any:
        """A dimension: its number where known, else its name."""
        require(type(d) is not str or d in self.dims, "an unknown dimension")
        return natural(d, MAX_SIZE, 1) if type(d) is not str else d if self.dims[d] is None else self.dims[d]
    def declared(self, v: Any) -> Any:
        shape, symmetric = tuple(map(self.size, items(v["shape"]))), v["symmetric"]
        require(len(shape) in (0, 2) and type(symmetric) is bool, "a variable is malformed")
        require(not symmetric or shape[:1] == shape[1:] != (), "a symmetric variable must be square")
        return shape, symmetric
    def condition(self, c: Any) -> tuple[str, Term]:
        require(type(c["relation"]) is str and c["relation"] in SIGN, "a relation must be ==, >= or >")
        x = self.term(c["term"])
        require(c["relation"] == "==" or x.shape[:1] == x.shape[1:], "an order needs a scalar or a square matrix")
        return c["relation"], x

    def extend(self, terms: Any) -> None:
        """Reads terms: `op_X` checks the arguments of X and returns its shape, its value and its sign."""
        require(len(self.terms) + len(items(terms)) <= MAX_TERMS, "there are too many terms")
        for term in terms:
            op, *args = items(term) or [""]
            make: Any = getattr(self, f"op_{op}", None) if type(op) is str else None
            require(make and len(args) == make.__code__.co_argcount - 1, "an unknown or malformed term")
            self.terms.append(Term(term, *make(*args)))

    def term(self, t: Any, kind: str = "any") -> Term:
        x = self.terms[natural(t, len(self.terms))]
        square = x.shape[:1] == x.shape[1:] != ()
        require({"any": True, "scalar": not x.shape, "matrix": x.shape, "square": square}[kind], f"a {kind} was expected")
        return x
    def variable_shape(self, name: Any) -> tuple[Any, ...]:
        require(type(name) is str and name in self.variables, "an unknown variable")
        return tuple(self.variables[name][0])
    def op_var(self, name: Any) -> Any:
        shape = self.variable_shape(name)
        return shape, self.algebra.variable(name) if shape else {(((name,),), None): 1}, UNKNOWN
    def op_num(self, value: Any) -> Any:
        c = number(value)
        return (), {((), None): c} if c else {}, POSITIVE if c > 0 else UNKNOWN if c else ZERO
    def op_eye(self, n: Any) -> Any:
        return (self.size(n),) * 2, self.algebra.eye(self.size(n)), POSITIVE
    def op_const(self, rows: Any) -> Any:
        table = [[number(x) for x in items(row)] for row in items(rows)]
        shape = (len(table), len(table[0]) if table else 0)
        require(not self.symbolic and shape[1] and all(len(r) == shape[1] for r in table), "a table of numbers was expected")
        return shape, {((), (i, j)): x for i, r in enumerate(table) for j, x in enumerate(r) if x}, UNKNOWN
    def op_fact(self, k: Any) -> Any:
        relation, x = self.facts[natural(k, len(self.facts))]
        return x.shape, x.value, SIGN[relation]
    def op_lin(self, parts: Any) -> Any:
        pairs = [(number(c), self.term(t)) for c, t in (items(p, 2) for p in items(parts))]
        require(len({x.shape for _, x in pairs}) == 1, "summands differ in shape, or there are none")
        value = self.algebra.total({k: c * d for k, d in x.value.items()} for c, x in pairs if c)
        signs = [x.sign if c > 0 or x.sign == ZERO else UNKNOWN for c, x in pairs if c]
        return pairs[0][1].shape, value, UNKNOWN if UNKNOWN in signs else max(signs, default=ZERO)

    def op_mul(self, factors: Any) -> Any:
        terms = [self.term(t) for t in items(factors)]
        inner = [t for t, x in zip(factors, terms, strict=True) if x.shape]
        require(all(self.terms[a].shape[1] == self.terms[b].shape[0] for a, b in pairwise(inner)), "factors do not fit")
        shape = (self.terms[inner[0]].shape[0], self.terms[inner[-1]].shape[1]) if inner else ()
        sign = product_sign([x.sign for x in terms if not x.shape] + [self.palindrome(inner)])
        return shape, self.algebra.product([x.value for x in terms]), sign

    def palindrome(self, inner: list[int]) -> int:
        """The sign of a product of matrices: zero if a factor is; x^T m x is nonnegative if m is."""
        if len(inner) < 2 or any(self.terms[t].sign == ZERO for t in inner):
            return product_sign([self.terms[t].sign for t in inner])
        mirrored = ["T", inner[-1]] == self.terms[inner[0]].op or ["T", inner[0]] == self.terms[inner[-1]].op
        return product_sign([self.palindrome(inner[1:-1]), NONNEGATIVE]) if mirrored else UNKNOWN
    def op_pow(self, t: Any, k: Any) -> Any:
        x, odd = self.term(t, "scalar"), natural(k, MAX_SIZE) % 2
        sign = POSITIVE if k == 0 else x.sign if odd or x.sign != UNKNOWN else NONNEGATIVE
        return (), self.algebra.product([x.value] * k), sign
    def op_T(self, t: Any) -> Any:
        x = self.term(t, "matrix")
        return x.shape[::-1], self.algebra.mapped(x.value, self.algebra.transposed), x.sign
    def op_tr(self, t: Any) -> Any:
        x = self.term(t, "square")
        return (), self.algebra.mapped(x.value, lambda u: self.algebra.trace(u, x.shape[0])), x.sign
    def op_diag(self, t: Any) -> Any:
        x = self.term(t, "square")
        return x.shape, self.algebra.mapped(x.value, self.algebra.diagonal), x.sign
    def op_grad(self, t: Any, name: Any) -> Any:
        x, shape = self.term(t, "scalar"), self.variable_shape(name)
        require(not self.variables[name][1], "a gradient by a symmetric variable is not defined")
        return shape, self.algebra.grad(x.value, name), UNKNOWN
    def op_expect(self, t: Any, name: Any, moments: Any) -> Any:
        """The mean over the independent entries of a variable whose moments of orders 0, 1, 2, ... are given."""
        x, values = self.term(t), [self.term(m, "scalar").value for m in items(moments)]
        require(not self.symbolic and self.variable_shape(name) is not None, "an expectation needs given sizes")
        mean = lambda atom, k: values[natural(k, len(values))] if atom[0] == name else None  # noqa: E731
        return x.shape, self.algebra.substituted(x.value, mean), UNKNOWN
    def proved(self, evidence: Any) -> None:
        self.facts = list(self.given)
        self.derive(fields(evidence, "steps")["steps"])
        for relation, x in self.then:
            self.known(relation, x)
    def known(self, relation: str, x: Term) -> None:
        same = [r for r, fact in self.facts if (fact.shape, fact.value) == (x.shape, x.value)]
        require(any(implies(SIGN[r], relation) for r in same), "a conclusion was not derived")
    def contradictory(self, evidence: Any) -> None:
        self.then = [(">", Term([], (), {}, UNKNOWN))]  # 0 > 0
        self.proved(evidence)

    def derive(self, steps: Any) -> None:
        """Each step adds terms, and the fact that its rule derives from the facts so far."""
        for step in items(steps):
            e = fields(step, "terms rule relation term by times cases")
            self.extend(e["terms"])
            relation, p = self.condition(e)
            rule: Any = {"sign": self.rule_sign, "radical": self.rule_radical, "cases": self.rule_cases}.get(str(e["rule"]))
            require(rule and (e["rule"] == "cases") == (e["cases"] is not None), "an unknown rule, or cases out of place")
            times = self.term(e["times"], "scalar") if e["times"] is not None else Term([], (), {((), None): 1}, POSITIVE)
            rule(relation, p, self.term(e["by"]), times, e["cases"])
            self.facts.append((relation, p))

    def rule_sign(self, relation: str, p: Term, by: Term, q: Term, cases: Any) -> None:
        """q p = by where q > 0 (for p > 0, q >= 0 will do) and `by` has the sign."""
        require(p.shape == by.shape and self.algebra.mul(q.value, p.value) == by.value, "the two sides differ")
        require(implies(by.sign, relation), f"the right-hand side is not visibly {relation} 0")
        require(q.sign == POSITIVE or (relation == ">" and q.sign == NONNEGATIVE), "the multiplier is not visibly positive")

    def rule_radical(self, relation: str, p: Term, by: Term, q: Term, cases: Any) -> None:
        """-q |p|^2 = by >= 0 where q > 0: p = 0."""
        left = self.algebra.mapped(p.value, self.algebra.transposed) if p.shape else p.value
        norm = self.algebra.product([{((), None): -1}, left, p.value])
        norm = self.algebra.mapped(norm, lambda u: self.algebra.trace(u, p.shape[1])) if p.shape else norm
        require(relation == "==", "this rule proves equalities")
        self.rule_sign(">=", Term([], (), norm, UNKNOWN), by, q, None)

    def rule_cases(self, relation: str, p: Term, by: Term, q: Term, cases: Any) -> None:
        """p is derived from by > 0, and from -by >= 0; what is derived in one case is forgotten after it."""
        require(not by.shape and q.op == [], "cases are about the sign of a scalar, and have no multiplier")
        opposite = Term([], (), self.algebra.mul({((), None): -1}, by.value), UNKNOWN)
        terms, facts = len(self.terms), len(self.facts)
        for assumption, steps in zip(((">", by), (">=", opposite)), items(cases, 2), strict=True):
            self.facts.append(assumption)
            self.derive(steps)
            self.known(relation, p)
            del self.terms[terms:], self.facts[facts:]

    def refuted(self, evidence: Any) -> None:
        point = self.satisfiable(evidence)
        require(not all(self.holds(r, x, point) for r, x in self.then), "the point does not violate the conclusion")

    def satisfiable(self, evidence: Any) -> dict[Any, Any]:
        """Every hypothesis holds at the point: a table of numbers for each matrix, a number for each scalar."""
        point, given = {}, fields(fields(evidence, "point")["point"], " ".join(self.variables))
        require(not self.symbolic, "a point needs given sizes")
        for name, (shape, symmetric) in self.variables.items():
            rows = [items(row, shape[1]) for row in items(given[name], shape[0])] if shape else [[given[name]]]
            entries = {(name, i, j) if shape else (name,): number(x) for i, row in enumerate(rows) for j, x in enumerate(row)}
            require(not symmetric or all(x == entries[name, j, i] for (_, i, j), x in entries.items()), "not symmetric")
            point |= entries
        require(all(self.holds(r, x, point) for r, x in self.given), "the point does not satisfy the hypotheses")
        return point

    def holds(self, relation: str, x: Term, point: dict[Any, Any]) -> bool:
        at = self.algebra.substituted(x.value, lambda atom, k: {((), None): c} if (c := point[atom] ** k) else {})
        entry = {u: c for (_, u), c in at.items()}
        n = x.shape[0] if x.shape else 0
        rows = [[entry.get((i, j), 0) for j in range(n)] for i in range(n)] if x.shape else [[entry.get(None, 0)]]
        return not entry if relation == "==" else definite(rows, relation == ">")

def definite(a: Any, strict: bool) -> bool:
    """Whether a table of numbers is symmetric and positive (semi)definite, by elimination."""
    if not a:
        return True
    (pivot, *row), column = a[0], [r[0] for r in a[1:]]
    if pivot < 0 or row != column or (not pivot and (strict or any(row))):
        return False
    rest = zip((r[1:] for r in a[1:]), column, strict=True)
    return definite([[x - (y * z / Fraction(pivot) if y else 0) for x, z in zip(r, row, strict=True)] for r, y in rest], strict)

def digest(record: object) -> str:
    """SHA-256 of the canonical text of a JSON value: the name of a statement, the seal of a certificate."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

def check(certificate: Any, statement: Any = None) -> Judgement:
    """Accepts a certificate (of `statement`, where that is given) or raises `Rejected`."""
    try:
        c = fields(certificate, "format version statement claim evidence seal")
        require(c["format"] == "deeplin certificate" and natural(c["version"], 2) == 1, "not a certificate of version 1")
        require(c["seal"] == digest({k: x for k, x in c.items() if k != "seal"}), "the seal is broken")
        require(statement is None or digest(statement) == digest(c["statement"]), "a certificate of another statement")
        checker = Checker(c["statement"])
        claims = ("proved", "contradictory", "refuted", "satisfiable")
        require(c["claim"] in claims, "an unknown claim")
        getattr(checker, c["claim"])(c["evidence"])
    except RecursionError:
        raise Rejected("the certificate is nested too deeply") from None
    scope = ", ".join(f"{d}={'any' if n is None else n}" for d, n in checker.dims.items())
    return Judgement(c["statement"]["name"], c["claim"], scope, digest(c["statement"]))

def read(data: bytes) -> Any:
    """The JSON value in a file of a stranger: size and nesting are bounded, keys are unique, floats are refused."""
    def unique(pairs: Any) -> Any:
        require(len(dict(pairs)) == len(pairs), "a key occurs twice")
        return dict(pairs)
    def refuse(text: str) -> Any:
        raise Rejected("a number is not an integer: use 'p/q'")

    require(len(data) <= MAX_BYTES, "the file is too large")
    try:
        return json.loads(data.decode(), object_pairs_hook=unique, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not JSON: {type(error).__name__}") from None
