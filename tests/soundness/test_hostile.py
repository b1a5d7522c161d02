"""Whatever a stranger hands to the kernel ends in a judgement or in `Rejected`, soon, and with a message that says why."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import certificate_examples as examples
import pytest
from certificate_examples import Draft, matrix, sealed

from theory import kernel

Json = dict[str, Any]
SECONDS = 8.0 if sys.gettrace() is None else 60.0  # of processor time, on a slow machine; 2 or 3 on a common one
FEW = {"x": matrix(), "A": matrix("n", "n"), "B": matrix("n", "n")}
BOUND = "bound|too long|too large|a table of numbers"


def statement(terms: list[Any], dims: Json, variables: Json | None = None, given: Any = ()) -> Json:
    d = Draft("hostile", dims, **(FEW if variables is None else variables))
    d.statement["terms"], d.statement["given"] = terms, list(given)
    return d.certificate()


def at_once(value: Any, why: str = BOUND) -> None:
    start = time.process_time()
    with pytest.raises(kernel.Rejected, match=why) as caught:
        kernel.check(value)
    assert time.process_time() - start < SECONDS
    assert "it cannot be read" not in str(caught.value)


# --- bytes


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b"[" * 900 + b"]" * 900, "an object"),
        (b'{"a":' + b"9" * 1_000_000 + b"}", "not JSON"),
        (b'{"a": 1, "a": 1}', "occurs twice"),
        (b'{"a": NaN}', "an object"),
        (b"null", "an object"),
        (b" " * (50 << 20), "too large"),
        (b"[" + b"0," * (kernel.MAX_BYTES // 2 - 2) + b"0]", "an object"),
        (b"[" + b"[]," * (kernel.MAX_BYTES // 3 - 2) + b"[]]", "an object"),
    ],
    ids=range(13),
)
def test_bytes(data: bytes, why: str) -> None:
    at_once(data, why)


def test_reading_is_guarded_by_itself() -> None:
    for data in ("{}", None, bytearray(b"{}"), memoryview(b"{}"), 3):
        with pytest.raises(kernel.Rejected, match="too large"):
            kernel.read(data)
    assert kernel.read(b'{"a": [1, "2"]}') == {"a": [1, "2"]}


def test_random_bytes_and_damaged_files() -> None:
    rng, refusals = random.Random(11), 0
    text = json.dumps(examples.cases()).encode()
    for _ in range(500):
        damaged = bytearray(text)
        for _ in range(rng.randint(1, 4)):
            k = rng.randrange(len(damaged))
            damaged[k : k + rng.randint(0, 3)] = bytes(rng.randrange(256) for _ in range(rng.randint(0, 3)))
        try:
            kernel.check(bytes(damaged))
        except kernel.Rejected:
            refusals += 1
        else:  # a space more or less, say
            assert json.loads(bytes(damaged)) == json.loads(text)
        with pytest.raises(kernel.Rejected):
            kernel.check(bytes(rng.randrange(256) for _ in range(rng.randint(0, 30))))
    assert refusals > 450


# --- objects


class Strange(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise KeyError("strange")


class Liar(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def circle() -> Any:
    out: list[Any] = []
    out.append(out)
    return out


def deep(n: int) -> Any:
    out: list[Any] = []
    for _ in range(n):
        out = [out]
    return out


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "x", [], {}, (), {1: 2, "1": 3}, object(), circle(), deep(100_000), {b"a": 1}, float("nan"), 10**5000),
        *(Strange(a=1), {"a": {1, 2}}, lambda: 0, int, bytearray(b"{}"), {"seal": 1j}, "\ud800"),
    ],
    ids=range(20),
)
def test_objects(value: Any) -> None:
    start = time.process_time()
    with pytest.raises(kernel.Rejected):
        kernel.check(value)
    with pytest.raises(kernel.Rejected):
        kernel.check({**examples.squares(), "evidence": value})
    with pytest.raises(kernel.Rejected):
        kernel.check(examples.squares(), value if value is not None else 0)
    assert time.process_time() - start < SECONDS


def test_an_object_that_claims_to_equal_everything_is_read_as_text() -> None:
    good = examples.squares()
    with pytest.raises(kernel.Rejected, match="seal is broken"):
        kernel.check({**good, "seal": Liar("0")})
    with pytest.raises(kernel.Rejected, match="version 1"):
        kernel.check(sealed({**good, "format": Liar("other")}))
    with pytest.raises(kernel.Rejected, match="another statement"):
        kernel.check(good, Liar("other"))


ODDITIES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    "",
    "==",
    "x",
    "1/0",
    [],
    [[]],
    {},
    {"n": 1},
    10**400,
    "9" * 5000,
    [None],
    [0, [0]],
]


@pytest.mark.parametrize("kind", examples.EXAMPLES)
def test_wrong_types_everywhere(kind: str) -> None:
    """Each place of each example holds some oddities; the message is about the certificate, not about Python."""
    rng = random.Random(f"oddities of {kind}")
    certificate = examples.EXAMPLES[kind]()
    places = [p for p in places_of(certificate) if p and p[0] != "seal"]
    for place in places:
        for odd in rng.sample(ODDITIES, 3):
            changed = sealed(replaced(certificate, place, odd))
            try:
                kernel.check(changed)
            except kernel.Rejected as why:
                assert "it cannot be read" not in str(why), (place, odd)


def places_of(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [prefix, *(p for k, x in children for p in places_of(x, (*prefix, k)))]


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    out = dict(value) if isinstance(value, dict) else list(value)
    out[place[0]] = replaced(value[place[0]], place[1:], new)
    return out


# --- work


def sums(count: int) -> tuple[list[Any], Json]:
    """The sum of many scalars is the last term."""
    names = [f"x{i}" for i in range(count)]
    return [*(["var", x] for x in names), ["lin", [[1, i] for i in range(count)]]], {x: matrix() for x in names}


def nested_diagonals(depth: int) -> list[Any]:
    terms: list[Any] = [["var", "A"], ["var", "B"]]
    for _ in range(depth):
        terms += [["diag", len(terms) - 1], ["mul", [0, len(terms), 1, len(terms), 0]]]
    return [*terms, ["tr", len(terms) - 1]]


def case_chain(depth: int) -> list[Any]:
    leaf = {"terms": [], "rule": "sign", "relation": ">=", "term": 1, "by": 1, "times": None, "cases": None}
    steps = [leaf]
    for _ in range(depth):
        steps = [{**leaf, "rule": "cases", "by": 0, "cases": [steps, [leaf]]}]
    return steps


def evidence(steps: list[Any]) -> Json:
    d = Draft("cases", {}, x=matrix())
    d.put("pow", d.var("x"), 2)
    d.then(">=", 1)
    d.steps = steps
    return d.certificate()


def many_conclusions(count: int) -> Json:
    d = Draft("many", {}, x=matrix())
    square, one = d.put("pow", d.var("x"), 2), d.put("num", 1)
    d.statement["given"] = [{"relation": ">=", "term": square}] * count + [{"relation": ">=", "term": one}]
    d.statement["then"] = [{"relation": ">=", "term": one}] * count
    return d.certificate()


def large_elimination(n: int) -> Json:
    d = Draft("elimination", {"n": n}, A=matrix("n", "n"))
    d.given(">=", d.var("A"))
    entry = [[(min(i, j) * 7 + max(i, j)) % 11 + 1000 * (i == j) for j in range(n)] for i in range(n)]
    return d.certificate("satisfiable", {"A": entry})


def large_power() -> Json:
    d = Draft("power", {}, x=matrix())
    d.given("==", d.put("pow", d.var("x"), 500))
    return d.certificate("satisfiable", {"x": "0x" + "f" * 14_000})


EIGHT, EIGHT_VARIABLES = sums(8)
THIRTY, THIRTY_VARIABLES = sums(30)
ANY = {"n": None}
BOMBS: dict[str, Callable[[], Json]] = {
    "power of a power": lambda: statement(
        [*THIRTY[:3], ["lin", [[1, 0], [1, 1]]], ["pow", 3, 40], ["pow", 4, 40]], {}, THIRTY_VARIABLES
    ),
    "many monomials": lambda: statement([*THIRTY, ["pow", 30, 9]], {}, THIRTY_VARIABLES),
    "towers of numbers": lambda: statement([["num", 3], *(["pow", k, 500] for k in range(5))], ANY),
    "towers of fractions": lambda: statement([["num", "7/3"], *(["pow", k, 500] for k in range(5))], ANY),
    "huge hexadecimals": lambda: statement([["num", "0x" + "f" * 25_000 + "/0x" + "e" * 24_999]] * 100, ANY),
    "growing denominators": lambda: statement([["num", 1], ["lin", [[f"1/{10**30 + k}", 0] for k in range(20_000)]]], ANY),
    "fractions": lambda: statement(
        [*EIGHT[:-1], ["lin", [[f"1/{10**40 + i}", i] for i in range(8)]], ["pow", 8, 14]], {}, EIGHT_VARIABLES
    ),
    "a long word": lambda: statement([["var", "A"], ["mul", [0] * 513]], ANY),
    "many long words": lambda: statement(
        [
            ["var", "A"],
            ["var", "B"],
            *(x for k in range(2, 3000, 2) for x in (["mul", [0, 1] * (k % 200 + 1) + [0] * (k // 200)], ["tr", k])),
        ],
        ANY,
    ),
    "nested diagonals": lambda: statement(nested_diagonals(18), ANY),
    "large variables": lambda: statement([["var", "A"]] * 100, {"n": 511}),
    "large identities": lambda: statement([["eye", "n"]] * 20_000, {"n": 511}),
    "a large product": lambda: statement([["var", "A"], ["mul", [0, 0]]], {"n": 300}),
    "a tall table": lambda: statement([["const", [[1]] * 100_000]], {"n": 2}),
    "tables": lambda: statement([["const", [[1] * 511] * 511], *[["mul", [0, 0]]]], {"n": 2}),
    "gradients": lambda: statement([["var", "A"], ["mul", [0, 0]], ["tr", 1], *[["grad", 2, "x"]] * 20_000], {"n": 60}),
    "empty products": lambda: statement([["mul", []]] * 500_000, {"n": 2}),
    "a long product": lambda: statement([["num", 1], ["mul", [0] * 2_000_000]], {"n": 2}),
    "many steps": lambda: evidence(case_chain(0) * 72_000),
    "many conclusions": lambda: many_conclusions(20_000),
    "an elimination": lambda: large_elimination(250),
    "a power at a point": large_power,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_work_is_bounded(bomb: str) -> None:
    at_once(BOMBS[bomb]())


def test_deep_cases_are_accepted_or_refused() -> None:
    assert kernel.check(evidence(case_chain(50))).claim == "proved"
    with pytest.raises(kernel.Rejected):
        text = json.dumps({**examples.squares(), "evidence": 0, "claim": "proved"})
        nest = '{"steps":[{"cases":[' * 400 + "[]" + "]}]}" * 400
        kernel.check(text.replace('"evidence": 0', f'"evidence": {nest}').encode())


def test_honest_certificates_with_a_million_products_are_accepted() -> None:
    """The bound on work leaves room: (x1 + ... + x5)^5 times itself and more, about 10^6 products of monomials."""
    five, variables = sums(5)
    d = Draft("large", {}, **variables)
    for term in five:
        d.put(*term)
    power = d.put("pow", 5, 9)
    d.then("==", d.put("lin", [[1, d.put("mul", [power, power])], [-1, d.put("pow", 5, 18)]]))
    t = d.statement["then"][0]["term"]
    d.step("==", t, d.put("lin", [[0, t]]))
    algebra, seen = kernel.Algebra, []
    pay = algebra.pay

    def counted(self: kernel.Algebra, c: Any, length: int = 0) -> Any:
        seen.append(1)
        return pay(self, c, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(algebra, "pay", counted)
        assert kernel.check(d.certificate()).claim == "proved"
    assert len(seen) > 600_000
