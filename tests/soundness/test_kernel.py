"""The kernel: what it accepts, what it refuses, and whether its polynomials are right (judged by a second opinion)."""

from __future__ import annotations

import random
from copy import deepcopy
from fractions import Fraction
from typing import Any

import certificate_examples as examples
import pytest
from certificate_examples import Draft, difference_zero, matrix, sealed
from certificate_oracle import World, law, random_world

from theory import kernel

Json = dict[str, Any]
SQUARE = {"A": matrix("n", "n"), "B": matrix("n", "n")}
ANY, TWO = {"n": None}, {"n": 2}


def refused(certificate: Any, why: str, **keywords: Any) -> None:
    with pytest.raises(kernel.Rejected, match=why):
        kernel.check(certificate, **keywords)


def equality(draft: Draft, t: int) -> Json:
    """The certificate that t is identically zero."""
    draft.then("==", t)
    draft.step("==", t, difference_zero(draft, t))
    return draft.certificate()


def is_identity(draft: Draft, t: int) -> bool:
    certificate = equality(draft, t)
    try:
        kernel.check(certificate)
    except kernel.Rejected as why:
        assert "the two sides differ" in str(why)
        return False
    return True


def with_statement(certificate: Json, **changes: Any) -> Json:
    return sealed({**certificate, "statement": {**certificate["statement"], **changes}})


# --- what is accepted


@pytest.mark.parametrize("kind", examples.EXAMPLES)
def test_every_example_is_accepted_from_objects_and_from_bytes(kind: str) -> None:
    certificate = examples.EXAMPLES[kind]()
    judgement = kernel.check(certificate)
    assert judgement.name == certificate["statement"]["name"]
    assert judgement.claim == certificate["claim"]
    assert judgement.digest == kernel.digest(certificate["statement"])
    text = kernel.json.dumps(certificate, indent=1).encode()
    assert kernel.check(text) == kernel.check(kernel.read(text)) == judgement
    assert kernel.check(text, certificate["statement"]) == judgement


def test_the_scope_names_every_dimension() -> None:
    assert kernel.check(examples.identity_all_sizes()).scope == "n=any, m=any"
    assert kernel.check(examples.radical()).scope == "n=2, m=2"
    assert kernel.check(examples.expect()).scope == ""


def test_a_broken_seal_and_another_statement_are_refused() -> None:
    certificate, other = examples.squares(), examples.cases()
    refused({**certificate, "claim": "refuted"}, "seal is broken")
    refused(certificate, "another statement", statement=other["statement"])
    refused(sealed({**certificate, "format": "other"}), "version 1")
    refused(sealed({**certificate, "version": 0}), "version 1")
    refused(sealed({**certificate, "version": True}), "an integer")
    refused(sealed({**certificate, "claim": "__init__"}), "unknown claim")
    refused(sealed({**certificate, "claim": "derive"}), "unknown claim")


# --- a second opinion about every operation


def random_terms(rng: random.Random, dims: Json, variables: Json, count: int) -> Draft:
    """A statement with random well-shaped terms of every operation; degrees stay small."""
    d = Draft("random", dims, **variables)
    shapes, degree = [], []

    def add(shape: Any, height: int, *term: Any) -> None:
        d.put(*term)
        shapes.append(shape)
        degree.append(height)

    for name, v in variables.items():
        add(tuple(dims[x] or x if x in dims else x for x in v["shape"]), 1, "var", name)
    if None not in dims.values():
        add((2, 2), 0, "const", [[1, "-1/2"], [0, 3]])
    add((), 0, "num", "-3/2")
    add((d.statement["variables"]["A"]["shape"][0],) * 2 if None in dims.values() else (2, 2), 0, "eye", "n")
    while d.count < count:
        t = rng.randrange(d.count)
        same = [k for k, s in enumerate(shapes) if s == shapes[t]]
        scalars = [k for k, s in enumerate(shapes) if s == () and degree[k] <= 4]
        fits = [k for k, s in enumerate(shapes) if shapes[t] and s and s[0] == shapes[t][1] and degree[k] + degree[t] <= 5]
        match rng.choice(["lin", "mul", "mul", "mul", "scale", "pow", "T", "tr", "diag", "grad", "expect"]):
            case "lin":
                u = rng.choice(same)
                add(shapes[t], max(degree[t], degree[u]), "lin", [[rng.randint(-2, 2), t], ["1/3", u]])
            case "mul" if fits:
                u = rng.choice(fits)
                add((shapes[t][0], shapes[u][1]), degree[t] + degree[u], "mul", [t, u])
            case "scale" if scalars and degree[t] <= 2:
                u = rng.choice(scalars)
                add(shapes[t], degree[t] + degree[u], "mul", [u, t])
            case "pow" if shapes[t] == () and degree[t] <= 2:
                add((), 2 * degree[t], "pow", t, 2)
            case "T" if shapes[t]:
                add(shapes[t][::-1], degree[t], "T", t)
            case "tr" if shapes[t] and shapes[t][0] == shapes[t][1]:
                add((), degree[t], "tr", t)
            case "diag" if shapes[t] and shapes[t][0] == shapes[t][1]:
                add(shapes[t], degree[t], "diag", t)
            case "grad" if shapes[t] == ():
                name = rng.choice([x for x, v in variables.items() if not v["symmetric"]])
                add(shapes[list(variables).index(name)], degree[t], "grad", t, name)
            case "expect" if None not in dims.values() and degree[t] <= 3:
                moments = [d.put("num", m) for m in (1, 0, 2, -1, 5)]
                shapes.extend([()] * 5)
                degree.extend([0] * 5)
                add(shapes[t], degree[t], "expect", t, "x", moments)
    return d


def at_point(checker: kernel.Checker, term: kernel.Term, world: World) -> Any:
    """The kernel's polynomial at a point: a table or a number."""
    rows, cols = (world.size(d) for d in term.shape) if term.shape else (1, 1)
    out = [[Fraction(0)] * cols for _ in range(rows)]
    for (monomial, key), c in term.value.items():
        for atom in monomial:
            c *= atom_value(atom, world)
        if not term.shape or (isinstance(key, tuple) and all(type(i) is int for i in key) and key):
            i, j = key or (0, 0)
            out[i][j] += c
        else:
            word = word_value(key, world, rows)
            out = [[x + c * word[i][j] for j, x in enumerate(row)] for i, row in enumerate(out)]
    return out if term.shape else out[0][0]


def atom_value(atom: Any, world: World) -> Any:
    match atom:
        case str():
            name, *place = atom.split()
            return world.point[name][int(place[0])][int(place[1])] if place else world.point[name]
        case ("", word):
            table = word_value(word, world, 0)
            return sum(table[i][i] for i in range(len(table)))
        case (" dim", n):
            return world.size(n)
        case (name,):
            return world.point[name]


def word_value(word: Any, world: World, size: int) -> Any:
    out: Any = [[int(i == j) for j in range(size)] for i in range(size)] if not word else None
    for letter in word:
        if letter[0] == "":
            inner = word_value(letter[1], world, 0)
            table = [[x if i == j else 0 for j, x in enumerate(row)] for i, row in enumerate(inner)]
        else:
            table = world.point[letter[0]]
            table = [list(column) for column in zip(*table, strict=True)] if letter[1] else table
        out = (
            table
            if out is None
            else [[sum(x * table[k][j] for k, x in enumerate(r)) for j in range(len(table[0]))] for r in out]
        )
    return out


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(
    ("dims", "shapes"),
    [
        ({"n": 2}, [("n", "n"), ("n", 1), ("n", "n"), ()]),
        ({"n": None}, [("n", "n"), ("n", 1), ("n", "n"), ()]),
        ({"n": None, "m": None}, [("n", "n"), ("n", "m"), ("n", "n"), ()]),
        ({"n": None}, [("n", "n"), (1, "n"), (1, 1), ()]),
        ({"n": None}, [("n", "n"), ("n", 2), ("n", "n"), ()]),
    ],
)
def test_polynomials_agree_with_a_naive_evaluation(dims: Json, shapes: list[Any], seed: int) -> None:
    rng = random.Random(seed)
    symmetric = [False, False, True, False]
    variables = {name: matrix(*s, symmetric=x) for name, s, x in zip("ABSx", shapes, symmetric, strict=True)}
    statement = random_terms(rng, dims, variables, 24).statement
    checker = kernel.Checker(statement)
    for size in (1, 2, 3):
        world = random_world(
            {**statement, "dims": {d: n or size for d, n in dims.items()}}, rng, [-2, -1, 0, 1, Fraction(1, 2), 3]
        )
        for t, term in enumerate(checker.terms):
            assert at_point(checker, term, world) == world.term(t), statement["terms"][: t + 1]


def test_the_oracle_tells_wrong_from_right() -> None:
    """The second opinion is one: it differentiates, averages and orders by itself."""
    assert [sum(w * x**k for w, x in law([1, 5, 7, 11])) for k in range(4)] == [1, 5, 7, 11]
    d = Draft("", {"n": 2}, A=matrix(2, 2), x=matrix())
    a, x = d.var("A"), d.var("x")
    cube = d.put("mul", [d.put("pow", x, 3), d.put("tr", d.put("mul", [a, a]))])
    slopes = [d.put("grad", cube, "A"), d.put("grad", d.put("grad", cube, "x"), "x"), d.put("grad", x, "A")]
    world = World(d.statement, {"n": 2}, {"A": [[1, 2], [3, 4]], "x": 2})
    assert [world.term(t) for t in slopes] == [[[16, 48], [32, 64]], 348, [[0, 0], [0, 0]]]
    assert world.holds({"relation": ">", "term": x})
    assert not world.holds({"relation": ">=", "term": a})


# --- identities of the free algebra, and what is no identity


def test_rewrites_of_words_are_identities_at_every_size() -> None:
    def difference(make: Any) -> tuple[Draft, int]:
        d = Draft("words", {"n": None}, A=matrix("n", "n"), S=matrix("n", "n", symmetric=True), u=matrix("n", 1))
        left, right = make(d, d.var("A"), d.var("S"), d.var("u"))
        return d, d.put("lin", [[1, left], [-1, right]])

    def mul(d: Draft, *factors: int) -> int:
        return d.put("mul", list(factors))

    def tr(d: Draft, *factors: int) -> int:
        return d.put("tr", mul(d, *factors))

    true = [
        lambda d, a, s, u: (tr(d, s, a), tr(d, d.put("T", a), s)),
        lambda d, a, s, u: (tr(d, d.put("diag", a), s), tr(d, a, d.put("diag", s))),
        lambda d, a, s, u: (mul(d, d.put("diag", a), d.put("diag", s)), mul(d, d.put("diag", s), d.put("diag", a))),
        lambda d, a, s, u: (d.put("diag", mul(d, d.put("diag", a), s)), mul(d, d.put("diag", a), d.put("diag", s))),
        lambda d, a, s, u: (d.put("diag", d.put("T", a)), d.put("diag", a)),
        lambda d, a, s, u: (d.put("diag", d.put("eye", "n")), d.put("eye", "n")),
        lambda d, a, s, u: (mul(d, d.put("T", u), a, u), mul(d, d.put("T", u), d.put("T", a), u)),
        lambda d, a, s, u: (mul(d, u, d.put("T", u), u), mul(d, d.norm(u), u)),
        lambda d, a, s, u: (d.put("tr", mul(d, a, u, d.put("T", u))), d.put("tr", mul(d, d.put("T", u), a, u))),
        lambda d, a, s, u: (d.put("tr", d.put("eye", 3)), d.put("num", 3)),
        lambda d, a, s, u: (d.put("T", s), s),
    ]
    false = [
        lambda d, a, s, u: (mul(d, a, s), mul(d, s, a)),
        lambda d, a, s, u: (tr(d, a, a), tr(d, a, d.put("T", a))),
        lambda d, a, s, u: (tr(d, a, a, s, s), tr(d, a, s, a, s)),
        lambda d, a, s, u: (d.put("diag", mul(d, a, s)), mul(d, d.put("diag", a), d.put("diag", s))),
        lambda d, a, s, u: (d.put("tr", d.put("eye", "n")), d.put("num", 1)),
        lambda d, a, s, u: (d.put("T", a), a),
        lambda d, a, s, u: (mul(d, a, u, d.put("T", u)), mul(d, u, d.put("T", u), a)),
        lambda d, a, s, u: (d.put("pow", d.put("tr", a), 2), tr(d, a, a)),
    ]
    assert all(is_identity(*difference(make)) for make in true)
    assert not any(is_identity(*difference(make)) for make in false)


def test_equal_by_accident_is_not_equal() -> None:
    """x y = y x and x^T = x hold at size 1 only; numbers that agree at one size do not agree at every size."""
    d = Draft("accident", {"n": None, "m": 1}, A=matrix("n", "n"), x=matrix("m", "m"))
    a, x = d.var("A"), d.var("x")
    assert is_identity(d, d.put("lin", [[1, d.put("T", x)], [-1, x]]))
    d = Draft("accident", {"n": None, "m": None}, A=matrix("n", "n"), B=matrix("m", "m"))
    a, b = d.var("A"), d.var("B")
    refused(equality(d, d.put("lin", [[1, a], [-1, b]])), "differ in shape")


# --- names, and what is neither a number nor a name


def test_names_of_variables_never_meet_names_of_entries() -> None:
    for names in (("A", "A1"), ("dim", "tr"), ("n", "n0")):
        d = Draft("names", TWO, **{names[0]: matrix("n", "n"), names[1]: matrix()})
        t = d.put("lin", [[1, d.put("tr", d.var(names[0]))], [-1, d.var(names[1])]])
        assert not is_identity(d, t)
    for name in ("A 0 0", "", " dim", "1", "A\n", "é", "A.B"):
        d = Draft("names", TWO, **{name: matrix()})
        refused(d.certificate(), "a name is malformed")
        refused(Draft("names", {name: 1}).certificate(), "a name is malformed")
    refused(Draft("a\x1b[2J", {}).certificate(), "statement is malformed")


def test_booleans_and_floats_are_no_numbers() -> None:
    good = Draft("numbers", TWO, A=matrix("n", "n"))
    a = good.var("A")
    good.put("lin", [[1, a]])
    certificate = good.certificate()
    assert kernel.check(certificate).claim == "proved"
    for terms in ([["var", "A"], ["lin", [[True, 0]]]], [["var", "A"], ["T", False]], [["eye", True]]):
        refused(with_statement(certificate, terms=terms), "expected")
    assert kernel.check(certificate).scope == "n=2"
    for odd in (1.0, "1.5", "1/0", "0x", "1_0", " 1", "+1", None, "٣", "1/-2", True, "", "1e3"):
        refused(with_statement(certificate, terms=[["num", odd]]), "a number|denominator")
    for dims in ({"n": True}, {"n": 0}, {"n": 1.0}, {"n": 512}, {"n": "m"}):
        refused(with_statement(certificate, dims=dims), "an integer")
    refused(with_statement(certificate, variables={"A": {"shape": [2, 2], "symmetric": 1}}), "a variable is malformed")
    refused(with_statement(certificate, variables={"A": {"shape": [2], "symmetric": False}}), "a variable is malformed")
    refused(with_statement(certificate, variables={"A": {"shape": [2, 3], "symmetric": True}}), "a variable is malformed")
    refused(with_statement(certificate, variables={"A": {"shape": [], "symmetric": True}}), "a variable is malformed")
    refused(with_statement(certificate, variables={"A": {"shape": [2, "k"], "symmetric": False}}), "an integer")
    for odd in (None, False, [], {}, "k", 0):  # least of all is null, the mark of a free dimension, itself a dimension
        for dims in ({"n": 2}, {"n": None}):
            variables = {"A": {"shape": [odd, odd], "symmetric": False}}
            refused(with_statement(certificate, dims=dims, variables=variables), "an integer")
            refused(with_statement(certificate, dims=dims, terms=[["eye", odd]]), "an integer")
    refused(with_statement(certificate, dims=[]), "statement is malformed")
    refused(with_statement(certificate, name=None), "statement is malformed")


def test_numbers_may_be_long_and_in_hexadecimal() -> None:
    d = Draft("numbers", {})
    big = 3**2000
    total = [
        [hex(big), d.put("num", 1)],
        [f"-{big}", d.put("num", "2/2")],
        ["-0x1/0x3", d.put("num", 1)],
        ["1/3", d.put("num", 1)],
    ]
    assert is_identity(d, d.put("lin", total))


# --- terms


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ([[]], "unknown or malformed term"),
        ([["var"]], "unknown or malformed term"),
        ([["var", "A", "A"]], "unknown or malformed term"),
        ([["terms"]], "unknown or malformed term"),
        ([[["var"], "A"]], "unknown or malformed term"),
        ([["var", "C"]], "unknown variable"),
        ([["var", ["A"]]], "unknown variable"),
        ([["T", 0]], "an integer"),
        ([["num", 1], ["T", 0]], "a matrix was expected"),
        ([["var", "A"], ["tr", 0]], "a square was expected"),
        ([["var", "A"], ["pow", 0, 2]], "a scalar was expected"),
        ([["var", "A"], ["mul", [0, 0]]], "factors do not fit"),
        ([["var", "A"], ["num", 1], ["lin", [[1, 0], [1, 1]]]], "differ in shape"),
        ([["lin", []]], "differ in shape"),
        ([["const", []]], "a table of numbers"),
        ([["const", [[]]]], "a table of numbers"),
        ([["const", [[1], [1, 2]]]], "a table of numbers"),
        ([["fact", 0]], "an integer"),
        ([["num", 1], ["grad", 0, "S"]], "symmetric variable"),
        ([["num", 1], ["expect", 0, "A", []]], "the moment of order 0"),
        ([["num", 2], ["expect", 0, "A", [0]]], "the moment of order 0"),
        ([["num", 1], ["var", "x"], ["expect", 1, "x", [0]]], "an integer"),
    ],
)
def test_malformed_terms_are_refused(terms: Any, why: str) -> None:
    d = Draft("terms", {}, A=matrix(2, 3), S=matrix(2, 2, symmetric=True), x=matrix())
    refused(with_statement(d.certificate(), terms=terms), why)


def test_constants_means_and_points_need_given_sizes() -> None:
    certificate = Draft("sizes", ANY, x=matrix(), A=matrix(*ANY, *ANY)).certificate()
    refused(with_statement(certificate, terms=[["const", [[1]]]]), "given sizes")
    refused(with_statement(certificate, terms=[["num", 1], ["expect", 0, "x", [0]]]), "given sizes")
    refused(sealed({**certificate, "claim": "satisfiable", "evidence": {"point": {"x": 1, "A": [[1]]}}}), "given sizes")


def test_a_variable_that_is_averaged_over_is_bound() -> None:
    """E z^2 = 1 says nothing about a z that a hypothesis fixes."""
    d = Draft("bound", {}, z=matrix())
    z, one = d.var("z"), d.put("num", 1)
    mean = d.put("expect", d.put("pow", z, 2), "z", [one, d.put("num", 0), one])
    d.given("==", z)
    difference = d.put("lin", [[1, mean], [-1, one]])
    refused(equality(d, difference), "averaged over occurs outside")
    d = Draft("bound", {}, z=matrix())
    z, one = d.var("z"), d.put("num", 1)
    mean = d.put("expect", z, "z", [one, z])
    refused(equality(d, d.put("lin", [[1, mean], [-1, z]])), "none depends on the variable")


# --- signs


def sign_of(variables: Json, *terms: Any, dims: Json | None = None) -> int:
    d = Draft("signs", TWO if dims is None else dims, **variables)
    for term in terms:
        d.put(*term)
    return kernel.Checker(d.statement).terms[-1].sign


def test_signs_are_read_off_forms() -> None:
    v = {"A": matrix("n", "n"), "x": matrix(), "S": matrix("n", "n", symmetric=True)}
    a, at, x, gram = ("var", "A"), ("T", 0), ("var", "x"), ("mul", [1, 0])
    zero, unknown, nonnegative, positive = kernel.ZERO, kernel.UNKNOWN, kernel.NONNEGATIVE, kernel.POSITIVE
    assert [sign_of(v, ("num", c)) for c in (0, -1, "1/2")] == [zero, unknown, positive]
    assert sign_of(v, a) == sign_of(v, ("var", "S")) == unknown
    assert sign_of(v, a, ("mul", [0, 0])) == sign_of(v, ("var", "S"), ("mul", [0, 0])) == unknown
    assert sign_of(v, a, at, gram) == sign_of(v, a, at, ("mul", [0, 1])) == nonnegative
    assert sign_of(v, a, at, gram, ("mul", [1, 2, 0])) == nonnegative
    assert sign_of(v, a, at, ("mul", [1, 0, 0])) == sign_of(v, a, at, ("mul", [1, 1, 0, 0])) - 1 == unknown
    assert sign_of(v, a, at, ("mul", [1, 0, 1, 0])) == nonnegative
    assert sign_of(v, a, at, ("mul", [1, 0, 0, 1])) == sign_of(v, a, at, ("mul", [1, 1, 0])) == unknown
    assert (
        sign_of(v, a, at, gram, ("tr", 2))
        == sign_of(v, a, at, gram, ("diag", 2))
        == sign_of(v, a, at, gram, ("T", 2))
        == nonnegative
    )
    assert sign_of(v, ("eye", "n")) == sign_of(v, ("eye", "n"), ("tr", 0)) == sign_of(v, ("mul", [])) == positive
    assert sign_of(v, a, ("lin", [[0, 0]])) == sign_of(v, a, ("lin", [[0, 0]]), ("mul", [0, 1])) == zero
    assert sign_of(v, a, ("lin", [[0, 0]]), ("lin", [[-5, 1]])) == zero
    assert sign_of(v, a, at, gram, ("lin", [[-1, 2]])) == sign_of(v, a, at, gram, ("lin", [[1, 2], [1, 0]])) == unknown
    assert sign_of(v, a, at, gram, ("eye", "n"), ("lin", [[1, 2], [2, 3]])) == positive
    assert sign_of(v, a, at, gram, ("num", -1), ("mul", [2, 3])) == unknown
    assert sign_of(v, a, at, gram, ("num", 2), ("mul", [3, 2])) == nonnegative
    assert sign_of(v, x, ("pow", 0, 0)) == positive
    assert sign_of(v, x, ("pow", 0, 2)) == nonnegative
    assert sign_of(v, x, ("pow", 0, 3)) == unknown
    assert sign_of(v, ("num", 0), ("pow", 0, 2)) == zero
    assert sign_of(v, ("num", 3), ("pow", 0, 2)) == sign_of(v, ("num", 3), ("pow", 0, 3)) == positive
    assert sign_of(v, x, ("pow", 0, 2), ("grad", 1, "x")) == unknown
    assert sign_of(v, x, ("pow", 0, 2), ("num", 1), ("num", -1), ("expect", 1, "x", [2, 3, 3])) == unknown
    assert sign_of(v, ("const", [[1]])) == unknown


def one_step(relation: str, terms: list[Any], t: int, by: int, given: Any = (), dims: Any = None, **step: Any) -> Json:
    d = Draft("step", {} if dims is None else dims, x=matrix(), A=matrix(2, 2), v=matrix(2, 1))
    for name in ("x", "A", "v"):
        d.var(name)
    for term in terms:
        d.put(*term)
    for r, k in given:
        d.given(r, k)
    d.then(relation, t)
    if any(given):
        d.put("fact", 0)
    d.step(relation, t, by, **step)
    return d.certificate()


def test_a_sign_proves_its_own_relation_and_no_stronger_one() -> None:
    square, positive, zero = ("pow", 0, 2), ("num", 2), ("lin", [[0, 0]])
    for terms, proved in ((square, {">="}), (positive, {">", ">="}), (zero, {"==", ">="}), (("lin", [[1, 0]]), set())):
        for relation in kernel.SIGN:
            certificate = one_step(relation, [terms], 3, 3)
            if relation in proved:
                assert kernel.check(certificate).claim == "proved"
            else:
                refused(certificate, "not visibly")


def test_a_multiplier_is_positive() -> None:
    """q p = by >= 0 says nothing about p where q may vanish or be negative; q p > 0 with q >= 0 does."""
    x_squared, negative = ("pow", 0, 2), ("num", -1)
    cube = ("mul", [3, 0])
    refused(one_step("==", [x_squared, ("lin", [[0, 0]]), ("lin", [[1, 4]])], 5, 4, times=3), "multiplier is not")
    refused(one_step(">=", [("num", 0), ("pow", 0, 2), ("lin", [[0, 0]])], 0, 5, times=3), "multiplier is not")
    refused(one_step(">=", [negative, ("mul", [3, 3]), ("num", 1)], 3, 5, times=3), "multiplier is not")
    refused(one_step(">=", [x_squared, cube], 0, 4, times=3), "not visibly >= 0")
    assert kernel.check(one_step(">=", [("num", 2), ("pow", 0, 2), ("mul", [3, 4])], 4, 5, times=3))
    fact = one_step(">", [x_squared, cube], 0, 5, given=[(">", 4)], times=3)
    assert kernel.check(fact).claim == "proved"
    fact = one_step(">=", [x_squared, cube], 0, 5, given=[(">=", 4)], times=3)
    refused(fact, "multiplier is not")
    refused(one_step(">=", [("pow", 0, 2)], 3, 3, times=1), "a scalar was expected")


def test_an_order_of_matrices_includes_symmetry() -> None:
    """A >= 0 is no fact about a matrix of which only the symmetric part is known to be semidefinite."""
    refused(one_step(">=", [("T", 1), ("lin", [[1, 1], [1, 3]])], 1, 4), "two sides differ")
    refused(one_step(">=", [], 2, 2), "an order needs")
    d = Draft("point", TWO, A=matrix("n", "n"))
    d.given(">=", d.var("A"))
    refused(d.certificate("satisfiable", {"A": [[1, 1], [0, 1]]}), "does not satisfy")


# --- rules


def test_radical_needs_the_minus_sign_and_an_equality() -> None:
    norm = [("T", 1), ("mul", [3, 1]), ("tr", 4)]
    refused(one_step("==", norm, 1, 5, rule="radical"), "two sides differ")
    refused(one_step(">=", norm, 1, 5, rule="radical"), "proves equalities")
    refused(one_step("==", [*norm, ("lin", [[-1, 5]])], 1, 6, rule="radical"), "not visibly")
    refused(one_step("==", [("pow", 0, 2), ("lin", [[0, 3]])], 0, 4, rule="radical", times=4), "multiplier is not")
    assert kernel.check(one_step("==", [("pow", 0, 2), ("lin", [[-1, 3]])], 0, 5, given=[(">=", 4)], rule="radical"))
    refused(one_step("==", [("pow", 0, 2), ("lin", [[-1, 3]])], 0, 5, given=[(">=", 3)], rule="radical"), "two sides differ")


def step(relation: str, t: int, by: int, terms: Any = (), rule: str = "sign", times: Any = None, cases: Any = None) -> Json:
    return {"terms": list(terms), "rule": rule, "relation": relation, "term": t, "by": by, "times": times, "cases": cases}


def cases_certificate(positive: Any, other: Any, then: Any = (">=", 1), extra: Any = ()) -> Json:
    """Terms: 0 is x, 1 is |x| in disguise: x (x^2)."""
    d = Draft("cases", {}, x=matrix())
    d.var("x")
    d.put("pow", 0, 2)
    d.then(*then)
    d.steps = [step(*then, 0, rule="cases", cases=[positive, other]), *extra]
    return d.certificate()


def test_cases_forget_what_a_branch_knows() -> None:
    square = step(">=", 1, 1)
    assert kernel.check(cases_certificate([square], [square]))
    assert kernel.check(cases_certificate([square], [square], extra=[step(">=", 1, 2, [["fact", 0]])]))
    refused(cases_certificate([square], []), "was not derived")
    refused(cases_certificate([], [square]), "was not derived")
    # x > 0, known in the first case only, is not known in the second case, nor after it
    refused(cases_certificate([step(">", 0, 2, [["fact", 0]])], [], then=(">", 0)), "was not derived")
    refused(cases_certificate([square], [square], extra=[step(">", 0, 2, [["fact", 1]])]), "an integer")
    both = [step(">=", 1, 2, [["lin", [[1, 1]]]])]
    refused(cases_certificate(both, [step(">=", 1, 2)]), "an integer")
    refused(cases_certificate(both, both, extra=[step(">=", 1, 2)]), "an integer")
    # in the second case it is -x that is known to be nonnegative, not x, and not strictly
    refused(
        cases_certificate([step(">=", 0, 2, [["fact", 0]])], [step(">=", 0, 2, [["fact", 0]])], then=(">=", 0)),
        "two sides differ",
    )
    minus = [["fact", 0], ["lin", [[-1, 0]]]]
    assert kernel.check(cases_certificate([square], [step(">=", 3, 2, minus), square]))
    refused(cases_certificate([square], [step(">", 3, 2, minus), square]), "not visibly > 0")
    assert kernel.check(cases_certificate([step(">=", 0, 2, [["fact", 0]]), square], [square]))


def test_cases_are_two_lists_about_a_scalar() -> None:
    square = step(">=", 1, 1)
    good = cases_certificate([square], [square])

    def changed(**changes: Any) -> Json:
        certificate = deepcopy(good)
        certificate["evidence"]["steps"][0].update(changes)
        return sealed(certificate)

    refused(changed(cases=[[square]]), "a list")
    refused(changed(cases=[[square]] * 3), "a list")
    refused(changed(cases=None), "cases out of place")
    refused(changed(rule="sign"), "cases out of place")
    refused(changed(rule="extend"), "unknown rule")
    refused(changed(rule=["cases"]), "unknown rule")
    refused(changed(times=1), "no multiplier")
    refused(changed(relation="<="), "a relation must be")
    refused(changed(relation=["=="]), "a relation must be")
    d = Draft("matrix", {}, A=matrix(2, 2))
    a = d.var("A")
    d.then("==", a)
    d.steps = [step("==", a, a, rule="cases", cases=[[], []])]
    refused(d.certificate(), "sign of a scalar")


def test_conclusions_need_facts_of_the_same_relation_shape_and_value() -> None:
    def concluding(known: str, wanted: str) -> Json:
        d = Draft("known", {}, x=matrix())
        x = d.var("x")
        d.given(known, x)
        d.then(wanted, x)
        return d.certificate()

    follows = {(a, b) for a in kernel.SIGN for b in kernel.SIGN if a == b or b == ">="}
    for known in kernel.SIGN:
        for wanted in kernel.SIGN:
            if (known, wanted) in follows:
                assert kernel.check(concluding(known, wanted)).claim == "proved"
            else:
                refused(concluding(known, wanted), "was not derived")
    d = Draft("shape", {}, x=matrix(), A=matrix(2, 2))
    x, a = d.var("x"), d.var("A")
    d.given("==", d.put("lin", [[0, x]]))
    d.then("==", d.put("lin", [[0, a]]))
    refused(d.certificate(), "was not derived")


def test_a_contradiction_is_a_positive_zero() -> None:
    certificate = examples.contradictory()
    refused(sealed({**certificate, "claim": "proved"}), "was not derived")
    refused(sealed({**examples.squares(), "claim": "contradictory"}), "was not derived")
    d = Draft("weak", {}, x=matrix())
    d.given(">=", d.put("lin", [[0, d.var("x")]]))
    refused(d.certificate("contradictory"), "was not derived")


# --- points


def test_points_are_judged_exactly() -> None:
    good = examples.counterexample()
    for point, why in (
        ({"S": [[1, 0], [0, 1]], "c": 0}, "does not violate"),
        ({"S": [[1, 1], [0, 1]], "c": 0}, "not symmetric"),
        ({"S": [[1, "-1/2"], ["-1/2", "1/5"]], "c": 0}, "does not satisfy"),
        ({"S": [[-1, 0], [0, 0]], "c": 0}, "does not satisfy"),
        ({"S": [[0, 1], [1, 9]], "c": 0}, "does not satisfy"),
        ({"S": [[0, 0], [0, 1]], "c": 1}, "does not satisfy"),
        ({"S": [[1, 0]], "c": 0}, "another shape"),
        ({"S": 1, "c": 0}, "a list"),
        ({"S": [[1, 0], [0, 0]], "c": [[0]]}, "a number"),
        ({"S": [[1, 0], [0, 0]]}, "an object with S c"),
        ([], "an object with S c"),
    ):
        refused(sealed({**good, "evidence": {"point": point}}), why)
    refused(sealed({**good, "evidence": {}}), "an object with point")
    refused(sealed({**good, "claim": "proved"}), "an object with steps")
    assert kernel.check(sealed({**good, "evidence": {"point": {"S": [[0, 0], [0, 1]], "c": "1/2"}}})).claim == "refuted"


def test_definiteness_agrees_with_principal_minors() -> None:
    from certificate_oracle import principal_minors

    rng, algebra = random.Random(5), kernel.Algebra({})
    counts = {True: 0, False: 0}
    for _ in range(1500):
        n = rng.randint(1, 3)
        rows = [[rng.choice([-1, 0, 0, 1, 1, 2]) for _ in range(n)] for _ in range(n)]
        gram = [[sum(x * y for x, y in zip(r, s, strict=True)) for s in rows] for r in rows] if rng.random() < 0.5 else rows
        symmetric = all(gram[i][j] == gram[j][i] for i in range(n) for j in range(n))
        for strict in (True, False):
            minors = [m > 0 if strict else m >= 0 for m in principal_minors(gram)]
            expected = symmetric and all(minors)
            assert algebra.definite(gram, strict) == expected
            counts[expected] += 1
    assert min(counts.values()) > 300


def test_the_scope_cannot_name_a_dimension_that_the_statement_does_not_have():
    """A judgement prints its dimensions: one that no variable has would widen the claim in a reader's eyes."""
    variables = {"x": {"shape": [], "symmetric": False}}
    terms = [["var", "x"], ["pow", 0, 2]]
    then = [{"relation": ">=", "term": 1}]
    statement = {"name": "s", "dims": {"d9": None}, "variables": variables, "terms": terms, "given": [], "then": then}
    step = {"terms": [], "rule": "sign", "relation": ">=", "term": 1, "by": 1, "times": None, "cases": None}
    certificate: Any = {"format": "deeplin certificate", "version": 1, "statement": statement, "claim": "proved"}
    certificate["evidence"] = {"steps": [step]}
    certificate["seal"] = kernel.digest(certificate)
    with pytest.raises(kernel.Rejected, match="not used"):
        kernel.check(certificate)
    statement["dims"] = {}
    del certificate["seal"]
    certificate["seal"] = kernel.digest(certificate)
    assert kernel.check(certificate).claim == "proved"
