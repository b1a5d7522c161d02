"""The kernel: the only code whose word is PROVED. Standard library only; it trusts nothing that it reads.

It rebuilds and differentiates the polynomials of a certificate (docs/certificates.md) from its terms, and checks the evidence.
The value of a term is a dict from (monomial, key) to a rational; a monomial is a sorted tuple of atoms; a scalar's key is None.
If every dimension is a number, matrices have keys (i, j) and atoms are entries; with a symbolic dimension, keys are words of a
free *-algebra and atoms are traces of words: an equality then holds at every size. Sizes are at least 1, entries are real.

The sign of a term is read off from its form; a nonnegative matrix is a symmetric positive semidefinite one, a positive matrix
is definite. An inequality is proved by a term of that sign that equals it, or equals a positive multiple of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import reduce
from itertools import groupby, pairwise, product
from typing import Any

MAX_BYTES, MAX_SIZE, MAX_BITS, BUDGET = 8 << 20, 512, 1 << 17, 4_000_000
ZERO, UNKNOWN, NONNEGATIVE, POSITIVE = range(4)  # in this order the sign of a product is the least of its factors' signs
SIGN = {"==": ZERO, ">=": NONNEGATIVE, ">": POSITIVE}
PROOFS = {"==": {ZERO}, ">=": {ZERO, NONNEGATIVE, POSITIVE}, ">": {POSITIVE}}  # the signs that show a relation
Judgement = namedtuple("Judgement", "name claim scope digest")
Term = namedtuple("Term", "op shape value sign")
Value = dict[Any, Any]  # (monomial, key) -> int or Fraction
ONE, MINUS_ONE = Value({((), None): 1}), Value({((), None): -1})
class Rejected(Exception):
    """The certificate does not prove what it claims, or is no certificate; the text says why."""
def require(condition: object, why: str) -> None:
    if not condition:
        raise Rejected(why)
def fields(record: Any, names: str) -> Any:
    require(type(record) is dict and sorted(record) == sorted(names.split()), f"an object with {names:.200} was expected")
    return record
def items(value: Any, length: int | None = None) -> list[Any]:
    require(type(value) is list and length in (None, len(value)), "a list (of another length) was expected")
    return list(value)
def natural(value: Any, bound: int, least: int = 0) -> int:
    require(type(value) is int and least <= value < bound, f"an integer from {least} to below {bound} was expected")
    return int(value)
def lowest(c: Any) -> Any:
    return c.numerator if c.denominator == 1 else c

class Algebra:
    """Polynomials and tables of polynomials, on a budget of work: no certificate keeps the kernel busy for long.
    A change of a key is a list of (new key, further atoms): the sum that takes the key's place. Atoms: "name i j", or "name".
    """
    def __init__(self, variables: dict[str, Any], budget: float = float("inf")) -> None:
        self.variables, self.budget, self.least = variables, budget, dict[Any, Any]()
    def spend(self, cost: int) -> None:
        self.budget -= cost
        require(self.budget >= 0, "the certificate exceeds the kernel's bound on work")
    def pay(self, c: Any, length: int = 0) -> Any:
        """The coefficient c of a monomial of that length, once it is paid for and found to be of bounded size."""
        bits = c.numerator.bit_length() + c.denominator.bit_length()
        self.budget -= 2 + length // 8 + bits // 64 + (bits // 1024) ** 2 + 6 * (type(c) is not int)
        if self.budget < 0 or bits > MAX_BITS or length > MAX_SIZE:
            raise Rejected("the certificate exceeds the kernel's bounds on work, digits or degrees")
        return c
    def gather(self, pairs: Iterable[Any]) -> Value:
        """The sum of coefficients at (monomial, key): everything that is computed passes here and is paid for."""
        out: Value = {}
        for term, c in pairs:
            out[term] = self.pay(out[term] + c if term in out else c, len(term[0]))
        return {term: lowest(c) for term, c in out.items() if c}
    def total(self, values: Iterable[Value]) -> Value:
        return self.gather(pair for a in values for pair in a.items())
    def mul(self, a: Value, b: Value) -> Value:
        """Products of the pairs that meet: of all pairs, if a or b is a scalar."""
        self.spend(5 + len(a) * len(b) // 2)
        pairs = ((m + n, u, v, c, d) for (m, u), c in a.items() for (n, v), d in b.items())
        if any(key is None for x in (a, b) for _, key in [*x][:1]):
            return self.gather(((tuple(sorted(m)), v if u is None else u), c * d) for m, u, v, c, d in pairs)
        return self.gather(((tuple(sorted(m + x)), w), c * d) for m, u, v, c, d in pairs for w, x in self.join(u, v))
    def product(self, values: Iterable[Value]) -> Value:
        return reduce(self.mul, values, ONE)
    def mapped(self, a: Value, change: Callable[[Any], Any]) -> Value:
        self.spend(len(a) // 4)
        return self.gather(((tuple(sorted(m + x)), w), c) for (m, u), c in a.items() for w, x in change(u))
    def substituted(self, a: Value, change: Callable[[Any, int], Value]) -> Value:
        """Each power of an atom replaced by `change(atom, power)`."""
        factors: Any = lambda m: (change(x, m.count(x)) for x in dict.fromkeys(m))  # noqa: E731
        return self.total(self.product([{((), key): c}, *factors(m)]) for (m, key), c in a.items())
    def grad(self, a: Value, name: str) -> Value:
        """The derivative of a scalar by a variable: each atom in turn is replaced by its derivative."""
        self.spend(8 * sum(len(m) for m, _ in a))
        hits = ((m, i, c, hit) for (m, _), c in a.items() for i, x in enumerate(m) for hit in self.derivative(x, name))
        return self.gather(((tuple(sorted(m[:i] + m[i + 1 :] + y)), w), c) for m, i, c, (w, y) in hits)
    def derivative(self, atom: Any, name: str) -> Any:
        return [(tuple(map(int, atom.split()[1:])) or None, ())] if atom.split()[0] == name else []
    def variable(self, name: str) -> Value:
        shape, symmetric = self.variables[name]
        entry: Any = ("{} {} {}" if shape else "{}").format
        keys = product(*map(range, shape))
        return self.gather((((entry(name, *(sorted(u) if symmetric else u)),), u or None), self.pay(1, 160)) for u in keys)
    def eye(self, n: Any) -> Value:
        return self.gather((((), (i, i)), self.pay(1)) for i in range(n))
    def join(self, u: Any, v: Any) -> Any:
        return [((u[0], v[1]), ())] if u[1] == v[0] else []
    def transposed(self, u: Any) -> Any:
        return [((u[1], u[0]), ())]
    def diagonal(self, u: Any) -> Any:
        return [(u, ())] if u[0] == u[1] else []
    def trace(self, u: Any, n: Any) -> Any:
        return [(None, ())] if u[0] == u[1] else []
    def definite(self, a: list[list[Any]], strict: bool) -> bool:
        """Whether a table of numbers is symmetric and positive (semi)definite: elimination, paid for as degree 100."""
        while a:
            pivot, *row = a[0]
            if pivot < 0 or row != [r[0] for r in a[1:]] or (not pivot and (strict or any(row))):
                return False
            k = 1 / Fraction(pivot or 1)
            a = [[self.pay(x - r[0] * z * k, 100) for x, z in zip(r[1:], row, strict=True)] for r in a[1:]]
        return True

class Free(Algebra):
    """The free *-algebra: words of letters (name, transposed) and diagonal parts ("", word, number of letters).
    A factor of size 1 x 1 is a scalar: words are cut where the dimension is 1. Diagonal parts commute. Traces are equal up to
    rotation, transposition, and tr(diag(x) y) = tr(x diag(y)). Atoms: (name,), ("", word) for a trace, (" dim", n).
    """
    def dims(self, letter: Any) -> Any:
        return (self.dims(letter[1][0])[0],) * 2 if letter[0] == "" else self.variables[letter[0]][0][:: -1 if letter[1] else 1]
    def length(self, word: Any) -> int:
        return sum(x[2] if x[0] == "" else 1 for x in word)
    def ordered(self, word: Any) -> Any:
        """Neighbouring diagonal parts sorted."""
        self.spend(10 + 2 * len(word))
        runs = groupby(word, key=lambda x: x[0] == "")
        return tuple(x for diagonal, run in runs for x in (sorted(run) if diagonal else run))
    def flipped(self, word: Any) -> Any:
        """The transpose of a word: diagonal parts and symmetric letters are their own."""
        turn: Any = lambda x: (x[0], not x[1]) if x[0] != "" and not self.variables[x[0]][1] else x  # noqa: E731
        return self.ordered(tuple(map(turn, reversed(word))))
    def diagonal_part(self, word: Any) -> Any:
        """diag(word): diagonal factors at its ends come out; diag(I) = I; diag(w) = diag(w^T)."""
        inside = [i for i, x in enumerate(word) if x[0] != ""] or [len(word)]
        core = word[inside[0] : inside[-1] + 1]
        middle = (("", min(core, self.flipped(core)), 1 + self.length(core)),) if core else ()
        return self.ordered((*word[: inside[0]], *middle, *word[inside[-1] + 1 :]))
    def cut(self, word: Any) -> Any:
        """(word, atoms): the scalars between places of dimension 1 taken out."""
        require(self.length(word) <= MAX_SIZE, "a word is too long")
        ones = [i for i, d in enumerate([*(self.dims(x)[0] for x in word), *(self.dims(x)[1] for x in word[-1:])]) if d == 1]
        atoms = tuple(self.trace_atom(word[i:j]) for i, j in pairwise(ones))
        return self.ordered(word[: ones[0]] + word[ones[-1] :] if atoms else word), atoms
    def trace_atom(self, word: Any) -> Any:
        """The atom of the least word with this trace: a search through rewrites each of which keeps the trace."""
        if word not in self.least:
            seen, todo = {word}, [word]
            for w in todo:  # which grows meanwhile
                new = {w[1:] + w[:1], self.flipped(w), self.ordered(w)}
                new |= {w[0][1] + self.diagonal_part(w[1:])} if w[0][0] == "" else set()
                todo += new - seen
                seen |= new
            self.least[word] = ("", min(seen, key=lambda w: (sum(not x[0] for x in w), w)))
        return self.least[word]
    def places(self, word: Any, context: Any, name: str) -> Iterator[Any]:
        """Each (transposed, rest) with tr(word context) = tr(letter rest), the letter being `name` inside `word`."""
        for i, letter in enumerate(word):
            rest = word[i + 1 :] + context + word[:i]
            if letter[0] == "":
                yield from self.places(letter[1], self.diagonal_part(rest), name)
            elif letter[0] == name:
                yield letter[1], rest
    def derivative(self, atom: Any, name: str) -> Any:
        """The cyclic derivative: d tr(W y)/dW = y^T, d tr(W^T y)/dW = y, at each place where W stands."""
        if atom[0] != "":
            return [(None, ())] if atom == (name,) else []
        return [self.cut(rest if turned else self.flipped(rest)) for turned, rest in self.places(atom[1], (), name)]
    def variable(self, name: str) -> Value:
        word, atoms = self.cut(((name, False),)) if self.variables[name][0] else (None, ((name,),))
        return {(atoms, word): 1}
    def eye(self, n: Any) -> Value:
        return {((), ()): 1}
    def join(self, u: Any, v: Any) -> Any:
        return [self.cut(u + v)]
    def transposed(self, u: Any) -> Any:
        return [self.cut(self.flipped(u))]
    def diagonal(self, u: Any) -> Any:
        return [self.cut(self.diagonal_part(u))]
    def trace(self, u: Any, n: Any) -> Any:
        """The identity's trace is its dimension; a word with a place of dimension 1 is cut there."""
        if not u:
            return [(None, ())] * n if type(n) is int else [(None, ((" dim", n),))]
        ones = [i for i, x in enumerate(u) if self.dims(x)[0] == 1]
        return [(None, self.cut(u[ones[0] :] + u[: ones[0]])[1] if ones else (self.trace_atom(u),))]

class Checker:
    """One certificate under examination: its terms and the facts known so far."""
    def __init__(self, statement: Any) -> None:
        s = fields(statement, "name dims variables terms given then")
        name, dims, variables = s["name"], s["dims"], s["variables"]
        require(type(name) is str and name.isprintable() and type(dims) is dict is type(variables), "a statement is malformed")
        require(all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", x) for x in [*dims, *variables]), "a name is malformed")
        self.dims = {d: n if n is None else natural(n, MAX_SIZE, 1) for d, n in dims.items()}
        self.symbolic = None in self.dims.values()
        self.variables = {x: self.declared(fields(v, "shape symmetric")) for x, v in variables.items()}
        require(dims.keys() <= {d for v in variables.values() for d in v["shape"]}, "a dimension is not used")
        self.algebra: Any = (Free if self.symbolic else Algebra)(self.variables, BUDGET)
        self.terms, self.facts = list[Term](), list[tuple[str, Term]]()
        self.extend(s["terms"])
        self.given, self.then = ([self.condition(fields(c, "relation term")) for c in items(s[k])] for k in ("given", "then"))
        averaged = {x.op[2] for x in self.terms if x.op[0] == "expect"}
        free = {x.split()[0] for _, t in self.given + self.then for m, _ in t.value for x in m} if averaged else set()
        require(not free & averaged, "a variable that is averaged over occurs outside of the average")
    def size(self, d: Any) -> Any:
        """A dimension: its number where known, else its name."""
        known = self.dims.get(d, 0) if type(d) is str else d or 0
        return d if known is None else natural(known, MAX_SIZE, 1)
    def declared(self, v: Any) -> Any:
        shape, symmetric = tuple(map(self.size, items(v["shape"]))), v["symmetric"]
        square = shape[:1] == shape[1:] != ()
        require(type(symmetric) is bool and len(shape) in (0, 2) and square >= symmetric, "a variable is malformed")
        return shape, symmetric
    def condition(self, c: Any) -> tuple[str, Term]:
        require(str(c["relation"]) in SIGN, "a relation must be ==, >= or >")
        x = self.term(c["term"])
        require(c["relation"] == "==" or x.shape[:1] == x.shape[1:], "an order needs a scalar or a square matrix")
        return c["relation"], x
    def extend(self, terms: Any) -> None:
        """Reads terms: `op_X` checks the arguments of X and returns its shape, its value and its sign."""
        self.algebra.spend(60 + 10 * len(items(terms)))
        for term in terms:
            op, *args = items(term) or [""]
            make: Any = getattr(self, f"op_{op}", None) if type(op) is str else None
            require(make and len(args) == make.__code__.co_argcount - 1, "an unknown or malformed term")
            self.terms.append(Term(term, *make(*args)))
    def term(self, t: Any, kind: str = "any") -> Term:
        self.algebra.spend(3)
        x = self.terms[natural(t, len(self.terms))]
        kinds = ("any", "matrix" if x.shape else "scalar", "square" if x.shape[:1] == x.shape[1:] != () else "")
        require(kind in kinds, f"a {kind} was expected")
        return x
    def number(self, value: Any) -> Any:
        """An integer, or a string 'p' or 'p/q', each in decimal or in hexadecimal."""
        digits = "(0x[0-9a-f]{1,30000}|[0-9]{1,4000})"
        text = str(value) if type(value) is int else value
        require(type(text) is str and re.fullmatch(f"-?{digits}(/{digits})?", text), "a number 'p' or 'p/q' was expected")
        p, q = (int(x, 16 if "x" in x else 10) for x in (text + "/1").split("/")[:2])
        require(q, "a denominator is zero")
        return self.algebra.pay(lowest(Fraction(p, q)))
    def op_var(self, name: Any) -> Any:
        require(type(name) is str and name in self.variables, "an unknown variable")
        return self.variables[name][0], self.algebra.variable(name), UNKNOWN
    def op_num(self, value: Any) -> Any:
        c = self.number(value)
        return (), {((), None): c} if c else {}, POSITIVE if c > 0 else UNKNOWN if c else ZERO
    def op_eye(self, n: Any) -> Any:
        return (self.size(n),) * 2, self.algebra.eye(self.size(n)), POSITIVE
    def op_const(self, rows: Any) -> Any:
        table = [[self.number(x) for x in items(row)] for row in items(rows)]
        shape = (len(table), len(table[0]) if table else 0)
        fits = 0 < min(shape) <= max(shape) < MAX_SIZE and all(len(r) == shape[1] for r in table)
        require(fits and not self.symbolic, "a table of numbers was expected, and given sizes")
        return shape, {((), (i, j)): x for i, r in enumerate(table) for j, x in enumerate(r) if x}, UNKNOWN
    def op_fact(self, k: Any) -> Any:
        relation, x = self.facts[natural(k, len(self.facts))]
        return x.shape, x.value, SIGN[relation]
    def op_lin(self, parts: Any) -> Any:
        pairs = [(self.number(c), self.term(t)) for c, t in (items(p, 2) for p in items(parts))]
        require(len({x.shape for _, x in pairs}) == 1, "summands differ in shape, or there are none")
        value = self.algebra.gather((k, c * d) for c, x in pairs if c for k, d in x.value.items())
        signs = [x.sign if c > 0 or x.sign == ZERO else UNKNOWN for c, x in pairs if c]
        return pairs[0][1].shape, value, UNKNOWN if UNKNOWN in signs else max(signs, default=ZERO)
    def op_mul(self, factors: Any) -> Any:
        terms = [self.term(t) for t in items(factors)]
        inner = [t for t, x in zip(factors, terms, strict=True) if x.shape]
        require(all(self.terms[a].shape[1] == self.terms[b].shape[0] for a, b in pairwise(inner)), "factors do not fit")
        shape = (self.terms[inner[0]].shape[0], self.terms[inner[-1]].shape[1]) if inner else ()
        sign = min([self.palindrome(inner), *(x.sign for x in terms if not x.shape)])
        return shape, self.algebra.product(x.value for x in terms), sign
    def palindrome(self, inner: list[int]) -> int:
        """The sign of a product of matrices: zero if a factor is; x^T m x is nonnegative if m is."""
        signs, half = [self.terms[t].sign for t in inner], len(inner) // 2
        pairs = zip(inner[:half], reversed(inner), strict=False)
        mirrored = all(["T", b] == self.terms[a].op or ["T", a] == self.terms[b].op for a, b in pairs)
        middle = [*signs[half : len(inner) - half], NONNEGATIVE if half else POSITIVE]
        return ZERO if ZERO in signs else min(middle) if mirrored else UNKNOWN
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
        x, shape = self.term(t, "scalar"), self.op_var(name)[0]
        require(not self.variables[name][1], "a gradient by a symmetric variable is not defined")
        return shape, self.algebra.grad(x.value, name), UNKNOWN
    def op_expect(self, t: Any, name: Any, moments: Any) -> Any:
        """The mean over the independent entries of a variable whose moments of orders 0 (which is 1), 1, 2, ... are given."""
        x, values = self.term(t), [self.term(m, "scalar").value for m in items(moments)]
        require(not self.symbolic and self.op_var(name), "an expectation needs given sizes")
        free = {x.split()[0] for value in values for m, _ in value for x in m}
        require(values[:1] == [ONE] and name not in free, "the moment of order 0 is 1, and none depends on the variable")
        mean = lambda x, k: values[natural(k, len(values))] if x.split()[0] == name else {((x,) * k, None): 1}  # noqa: E731
        return x.shape, self.algebra.substituted(x.value, mean), UNKNOWN
    def proved(self, evidence: Any, then: Any = None) -> None:
        self.facts = list(self.given)
        self.derive(fields(evidence, "steps")["steps"])
        for relation, x in then or self.then:
            self.require_known(relation, x)
    def require_known(self, relation: str, x: Term) -> None:
        self.algebra.spend(5 + len(self.facts) * (1 + len(x.value) // 8))
        require(any(SIGN[r] in PROOFS[relation] and f[1:3] == x[1:3] for r, f in self.facts), "a conclusion was not derived")
    def contradictory(self, evidence: Any) -> None:
        self.proved(evidence, [(">", Term([], (), {}, UNKNOWN))])  # 0 > 0
    def derive(self, steps: Any) -> None:
        """Each step adds terms, and the fact that its rule derives from the facts so far."""
        for step in items(steps):
            e = fields(step, "terms rule relation term by times cases")
            self.extend(e["terms"])
            relation, p = self.condition(e)
            rule: Any = {"sign": self.rule_sign, "radical": self.rule_radical, "cases": self.rule_cases}.get(str(e["rule"]))
            require(rule and (e["rule"] == "cases") == (e["cases"] is not None), "an unknown rule, or cases out of place")
            times = self.term(e["times"], "scalar") if e["times"] is not None else Term([], (), ONE, POSITIVE)
            rule(relation, p, self.term(e["by"]), times, e["cases"])
            self.facts.append((relation, p))
    def rule_sign(self, relation: str, p: Term, by: Term, q: Term, cases: Any) -> None:
        """q p = by where q > 0 (for p > 0, q >= 0 will do) and `by` has the sign."""
        require(p.shape == by.shape and self.algebra.product([q.value, p.value]) == by.value, "the two sides differ")
        require(by.sign in PROOFS[relation], f"the right-hand side is not visibly {relation} 0")
        require(q.sign == POSITIVE or (relation == ">" and q.sign == NONNEGATIVE), "the multiplier is not visibly positive")
    def rule_radical(self, relation: str, p: Term, by: Term, q: Term, cases: Any) -> None:
        """-q |p|^2 = by >= 0 where q > 0: p = 0."""
        require(relation == "==", "this rule proves equalities")
        a, x = self.algebra, p.value
        norm = a.product([MINUS_ONE, a.mapped(x, a.transposed) if p.shape else x, x])
        norm = a.mapped(norm, lambda u: a.trace(u, p.shape[1])) if p.shape else norm
        self.rule_sign(">=", Term([], (), norm, UNKNOWN), by, q, None)
    def rule_cases(self, relation: str, p: Term, by: Term, q: Term, cases: Any) -> None:
        """p is derived from by > 0, and from -by >= 0; what is derived in one case is forgotten after it."""
        require(not by.shape and q.op == [], "cases are about the sign of a scalar, and have no multiplier")
        opposite = Term([], (), self.algebra.mul(MINUS_ONE, by.value), UNKNOWN)
        terms, facts = len(self.terms), len(self.facts)
        for assumption, steps in zip(((">", by), (">=", opposite)), items(cases, 2), strict=True):
            self.facts.append(assumption)
            self.derive(steps)
            self.require_known(relation, p)
            del self.terms[terms:], self.facts[facts:]
    def refuted(self, evidence: Any) -> None:
        point = self.satisfiable(evidence)
        require(not all(self.holds(r, x, point) for r, x in self.then), "the point does not violate the conclusion")
    def satisfiable(self, evidence: Any) -> dict[str, Any]:
        """Every hypothesis holds at the point: a table of numbers for each matrix, a number for each scalar."""
        given, point = fields(fields(evidence, "point")["point"], " ".join(self.variables)), dict[str, Any]()
        require(not self.symbolic, "a point needs given sizes")
        for name, (shape, symmetric) in self.variables.items():
            at, value, _ = self.op_const(given[name]) if shape else self.op_num(given[name])
            symmetry = not symmetric or value == self.algebra.mapped(value, self.algebra.transposed)
            require(at == shape and symmetry, "the point is of another shape, or is not symmetric")
            point |= {" ".join(map(str, (name, *(u or ())))): c for (_, u), c in value.items()}
        require(all(self.holds(r, x, point) for r, x in self.given), "the point does not satisfy the hypotheses")
        return point
    def holds(self, relation: str, x: Term, point: dict[str, Any]) -> bool:
        value = lambda x, k: self.algebra.product([{((), None): point[x]}] * k) if x in point else {}  # noqa: E731
        at = {u: c for (_, u), c in self.algebra.substituted(x.value, value).items()}
        n = x.shape[0] if x.shape and relation != "==" else 1
        rows = [[at.get((i, j) if x.shape else None, 0) for j in range(n)] for i in range(n)]
        return not at if relation == "==" else self.algebra.definite(rows, relation == ">")

def digest(record: object) -> str:
    """SHA-256 of the canonical text of a JSON value: the name of a statement, the seal of a certificate."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
def read(data: Any) -> Any:
    """The JSON value in a file of a stranger: size and nesting are bounded, keys are unique."""
    def unique(pairs: Any) -> Any:
        require(len(dict(pairs)) == len(pairs), "a key occurs twice")
        return dict(pairs)
    require(type(data) is bytes and len(data) <= MAX_BYTES, "the file is too large")
    try:
        return json.loads(data.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Rejected(f"not JSON: {type(error).__name__}") from None
def check(certificate: Any, statement: Any = None) -> Judgement:
    """Accepts a certificate, a JSON value or a file's bytes (of `statement`, where that is given), or raises `Rejected`."""
    try:
        data = certificate if type(certificate) is bytes else json.dumps(certificate, allow_nan=False).encode()
        c = fields(read(data), "format version statement claim evidence seal")
        require(c["format"] == "deeplin certificate" and natural(c["version"], 2) == 1, "not a certificate of version 1")
        require(c["seal"] == digest({k: x for k, x in c.items() if k != "seal"}), "the seal is broken")
        require(statement is None or digest(statement) == digest(c["statement"]), "a certificate of another statement")
        require(c["claim"] in ("proved", "contradictory", "refuted", "satisfiable"), "an unknown claim")
        checker = Checker(c["statement"])
        getattr(checker, c["claim"])(c["evidence"])
    except Exception as error:  # too deep, too large for the memory, or whatever an object from elsewhere raises
        raise error if type(error) is Rejected else Rejected(f"it cannot be read: {type(error).__name__}") from None
    scope = ", ".join(f"{d}={'any' if n is None else n}" for d, n in checker.dims.items())
    return Judgement(c["statement"]["name"], c["claim"], scope, digest(c["statement"]))
