"""Certificates of every kind, written by hand term by term."""

from __future__ import annotations

from typing import Any

from theory import kernel

Json = dict[str, Any]


def sealed(certificate: Json) -> Json:
    """With the seal that belongs to the rest."""
    return {**certificate, "seal": kernel.digest({k: x for k, x in certificate.items() if k != "seal"})}


def matrix(*shape: Any, symmetric: bool = False) -> Json:
    return {"shape": list(shape), "symmetric": symmetric}


class Draft:
    """A certificate in the making: `put` numbers terms, `given` and `then` close the statement, `step` adds evidence."""

    def __init__(self, name: str, dims: Json, **variables: Json) -> None:
        self.terms: list[Any] = []
        self.statement: Json = {"name": name, "dims": dims, "variables": variables, "terms": [], "given": [], "then": []}
        self.steps: list[Json] = []
        self.pending: list[Any] = []
        self.count = 0

    def put(self, op: str, *args: Any) -> int:
        (self.pending if self.steps or self.closed else self.statement["terms"]).append([op, *args])
        self.count += 1
        return self.count - 1

    @property
    def closed(self) -> bool:
        return bool(self.statement["then"])

    def var(self, name: str) -> int:
        return self.put("var", name)

    def norm(self, t: int) -> int:
        """|t|^2 of a matrix."""
        return self.put("tr", self.put("mul", [self.put("T", t), t]))

    def given(self, relation: str, t: int) -> None:
        self.statement["given"].append({"relation": relation, "term": t})

    def then(self, relation: str, t: int) -> None:
        self.statement["then"].append({"relation": relation, "term": t})

    def step(self, relation: str, t: int, by: int, rule: str = "sign", times: int | None = None, cases: Any = None) -> Json:
        step = {"terms": self.pending, "rule": rule, "relation": relation, "term": t, "by": by, "times": times, "cases": cases}
        self.pending = []
        self.steps.append(step)
        return step

    def certificate(self, claim: str = "proved", point: Json | None = None) -> Json:
        evidence: Json = {"point": point} if point is not None else {"steps": self.steps}
        body = {
            "format": "deeplin certificate",
            "version": 1,
            "statement": self.statement,
            "claim": claim,
            "evidence": evidence,
        }
        return sealed(body)


def identity_all_sizes() -> Json:
    """d/dW tr(W^T diag(W A W^T) W B) in two ways, and tr(W A W^T) = tr(A^T W^T W)."""
    d = Draft("gradient of a diagonal part", {"n": None, "m": None}, W=matrix("n", "m"), A=matrix("m", "m"))
    w, a = d.var("W"), d.var("A")
    wt, at = d.put("T", w), d.put("T", a)
    inner = d.put("mul", [w, a, wt])
    f = d.put("tr", d.put("mul", [wt, d.put("diag", inner), w]))
    gradient = d.put("grad", f, "W")
    square = d.put("diag", d.put("mul", [w, wt]))
    parts = [
        [2, d.put("mul", [d.put("diag", inner), w])],
        [1, d.put("mul", [square, w, a])],
        [1, d.put("mul", [square, w, at])],
    ]
    difference = d.put("lin", [[1, gradient], [-1, d.put("lin", parts)]])
    trace = d.put("lin", [[1, d.put("tr", inner)], [-1, d.put("tr", d.put("mul", [at, wt, w]))]])
    d.then("==", difference)
    d.then("==", trace)
    d.step("==", difference, difference_zero(d, difference))
    d.step("==", trace, difference_zero(d, trace))
    return d.certificate()


def difference_zero(d: Draft, t: int) -> int:
    """A zero of the shape of t."""
    return d.put("lin", [[0, t]])


def identity_given_sizes() -> Json:
    """(A + S)^2 - A^2 - S^2 - A S - S A = 0 with entries, and the derivative of tr(C A) by A."""
    d = Draft("a square at 2", {"n": 2}, A=matrix("n", "n"), S=matrix(2, "n", symmetric=True), c=matrix())
    a, s, c = d.var("A"), d.var("S"), d.var("c")
    total = d.put("lin", [[1, a], [1, s]])
    products = [[1, d.put("mul", [total, total])], *([-1, d.put("mul", [x, y])] for x in (a, s) for y in (a, s))]
    difference = d.put("lin", products)
    table = d.put("const", [[1, "1/2"], ["-0x2", 0]])
    linear = d.put("tr", d.put("mul", [c, table, a]))
    slope = d.put("lin", [[1, d.put("grad", linear, "A")], [-1, d.put("mul", [c, d.put("T", table)])]])
    d.then("==", difference)
    d.then("==", slope)
    d.step("==", difference, difference_zero(d, difference))
    d.step("==", slope, difference_zero(d, slope))
    return d.certificate()


def membership() -> Json:
    """Balanced layers, W2^T W2 = W1 W1^T, have equal |W_i^T W_i|."""
    d = Draft("balanced layers", {"a": None, "b": None, "c": None}, W1=matrix("b", "a"), W2=matrix("c", "b"))
    w1, w2 = d.var("W1"), d.var("W2")
    left, right = d.put("mul", [d.put("T", w2), w2]), d.put("mul", [w1, d.put("T", w1)])
    balance = d.put("lin", [[1, left], [-1, right]])
    squares = [d.put("tr", d.put("mul", [x, x])) for x in (left, right)]
    goal = d.put("lin", [[1, squares[0]], [-1, squares[1]]])
    d.given("==", balance)
    d.then("==", goal)
    fact = d.put("fact", 0)
    by = d.put("lin", [[1, d.put("tr", d.put("mul", [fact, left]))], [1, d.put("tr", d.put("mul", [right, fact]))]])
    d.step("==", goal, by)
    return d.certificate()


def squares() -> Json:
    """|A|^2 + |B|^2 - 2 tr(A^T B) >= 0, and A A^T + I > 0."""
    d = Draft("squares", {"n": None, "m": None}, A=matrix("n", "m"), B=matrix("n", "m"))
    a, b = d.var("A"), d.var("B")
    cross = d.put("tr", d.put("mul", [d.put("T", a), b]))
    goal = d.put("lin", [[1, d.norm(a)], [1, d.norm(b)], [-2, cross]])
    gram = d.put("lin", [[1, d.put("mul", [a, d.put("T", a)])], [1, d.put("eye", "n")]])
    d.then(">=", goal)
    d.then(">", gram)
    d.step(">=", goal, d.norm(d.put("lin", [[1, a], [-1, b]])))
    d.step(">", gram, gram)
    return d.certificate()


def cases() -> Json:
    """Cauchy and Schwarz: |u|^2 |W|^2 >= |u^T W|^2, from |u|^2 > 0 and from -|u|^2 >= 0."""
    d = Draft("Cauchy-Schwarz", {"d": None, "n": None}, u=matrix("d", 1), W=matrix("d", "n"))
    u, w = d.var("u"), d.var("W")
    length = d.norm(u)
    row = d.put("mul", [d.put("T", u), w])
    goal = d.put("lin", [[1, d.put("mul", [length, d.norm(w)])], [-1, d.norm(d.put("T", row))]])
    d.then(">=", goal)
    outer, inside = d.count, len(d.steps)
    rest = d.put("lin", [[1, d.put("mul", [length, w])], [-1, d.put("mul", [u, row])]])
    positive = [d.step(">=", goal, d.norm(rest), times=d.put("fact", 0))]
    d.count, d.steps = outer, d.steps[:inside]
    zero = [d.step("==", u, d.put("fact", 0), rule="radical")]
    gone = d.put("fact", 1)
    scaled = d.put("mul", [d.put("tr", d.put("mul", [d.put("T", u), gone])), d.norm(w)])
    lost = d.put("tr", d.put("mul", [d.put("T", row), d.put("T", gone), w]))
    zero.append(d.step(">=", goal, d.put("lin", [[1, scaled], [-1, lost]])))
    d.count, d.steps = outer, d.steps[:inside]
    d.step(">=", goal, length, rule="cases", cases=[positive, zero])
    return d.certificate()


def radical() -> Json:
    """|A|^2 + |B|^2 = 0 forces A = 0."""
    d = Draft("a vanishing norm", {"n": 2, "m": 2}, A=matrix("n", "m"), B=matrix("m", "n"))
    a, b = d.var("A"), d.var("B")
    total = d.put("lin", [[1, d.norm(a)], [1, d.norm(b)]])
    d.given("==", total)
    d.then("==", a)
    d.step("==", a, d.put("lin", [[-1, d.put("fact", 0)], [1, d.norm(b)]]), rule="radical", times=d.put("num", 1))
    return d.certificate()


def expect() -> Json:
    """E (x + z)^2 = x^2 + s^2 where z has mean 0 and variance s^2, and E z^3 = t."""
    d = Draft("a noisy square", {}, x=matrix(), z=matrix(), s=matrix(), t=matrix())
    x, z, s, t = (d.var(name) for name in "xzst")
    moments = [d.put("num", 1), d.put("num", 0), d.put("pow", s, 2), t]
    noisy = d.put("expect", d.put("pow", d.put("lin", [[1, x], [1, z]]), 2), "z", moments)
    square = d.put("lin", [[1, noisy], [-1, d.put("pow", x, 2)], [-1, moments[2]]])
    cube = d.put("lin", [[1, d.put("expect", d.put("pow", z, 3), "z", moments)], [-1, t]])
    d.then("==", square)
    d.then("==", cube)
    d.step("==", square, difference_zero(d, square))
    d.step("==", cube, difference_zero(d, cube))
    return d.certificate()


def contradictory() -> Json:
    """-x^2 - 1 >= 0 has no solution: 0 > 0 follows."""
    d = Draft("impossible", {}, x=matrix())
    x = d.var("x")
    square, one = d.put("pow", x, 2), d.put("num", 1)
    hypothesis = d.put("lin", [[-1, square], [-1, one]])
    d.given(">=", hypothesis)
    d.then(">", square)
    by = d.put("lin", [[1, square], [1, one], [1, d.put("fact", 0)]])
    d.step(">", d.put("num", 0), by)
    return d.certificate("contradictory")


def counterexample() -> Json:
    """A nonzero positive semidefinite matrix need not be definite."""
    d = Draft("semidefinite means definite", {"n": 2}, S=matrix("n", "n", symmetric=True), c=matrix())
    s, c = d.var("S"), d.var("c")
    d.given(">=", s)
    d.given(">", d.put("lin", [[1, d.put("tr", s)], [-1, d.put("pow", c, 2)]]))
    d.then(">", s)
    return d.certificate("refuted", {"S": [[1, "-1/2"], ["-1/2", "0x1/0x4"]], "c": "-2/3"})


def witness() -> Json:
    """A rotation: O^T O = I with positive determinant."""
    d = Draft("a rotation", {"n": 2}, O=matrix("n", "n"))
    o = d.var("O")
    left, right = d.put("const", [[1, 0]]), d.put("const", [[1], [0]])
    d.given("==", d.put("lin", [[1, d.put("mul", [d.put("T", o), o])], [-1, d.put("eye", 2)]]))
    d.given(">", d.put("tr", d.put("mul", [left, o, right])))
    d.then("==", d.put("lin", [[1, o], [-1, d.put("eye", "n")]]))
    return d.certificate("satisfiable", {"O": [["3/5", "-4/5"], ["4/5", "3/5"]]})


EXAMPLES = {f.__name__: f for f in (identity_all_sizes, identity_given_sizes, membership, squares, cases, radical, expect,
                                    contradictory, counterexample, witness)}  # fmt: skip
