"""A certificate that was changed is refused; one that was changed and sealed again proves nothing that is false."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from functools import cache
from typing import Any

import certificate_examples as examples
import pytest
from certificate_examples import sealed
from certificate_oracle import believable

from theory import kernel

Json = dict[str, Any]
TAMPERS, TRIALS = 1_000, 6
OPS = ["var", "num", "eye", "const", "fact", "lin", "mul", "pow", "T", "tr", "diag", "grad", "expect"]
RULES, CLAIMS = ["sign", "radical", "cases"], ["proved", "contradictory", "refuted", "satisfiable"]
WORDS = [OPS, RULES, CLAIMS, list(kernel.SIGN)]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for k, x in children for p in leaves(x, (*path, k)))]


def other_number(x: int, rng: random.Random) -> int:
    return rng.choice([x + 1, x - 1, -x, 0, min(2 * x, 5), rng.randint(-3, 5)])


def other_word(x: str, certificate: Json, rng: random.Random) -> str:
    family = next((w for w in WORDS if x in w), None)
    names = [*certificate["statement"]["variables"], *certificate["statement"]["dims"]]
    return rng.choice(family or [*names, x + "1", "-" + x, "1/2"])


def tampered(certificate: Json, rng: random.Random) -> Json:
    """One to three changes: a number, a word, a flag, or an item of a list deleted, doubled, moved or replaced by another."""
    out = deepcopy(certificate)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        part = rng.choice(["statement", "statement", "evidence", "evidence", "evidence", "claim"])
        places = [p for p in leaves(out[part]) if p] or [()]
        *path, last = (part, *rng.choice(places))
        holder: Any = out
        for k in path:
            holder = holder[k]
        old = holder[last]
        if isinstance(holder, list) and rng.random() < 0.4:
            alter_list(holder, last, rng)
        elif isinstance(old, bool):
            holder[last] = not old
        elif isinstance(old, int):
            holder[last] = other_number(old, rng)
        elif isinstance(old, str):
            holder[last] = other_word(old, certificate, rng)
        elif old is None:
            holder[last] = rng.randint(0, 4 if "dims" in path else 9)
        elif isinstance(old, list) and old:
            alter_list(old, rng.randrange(len(old)), rng)
    return out


def alter_list(holder: list[Any], k: int, rng: random.Random) -> None:
    j = rng.randrange(len(holder))
    match rng.choice(["delete", "double", "swap", "copy"]):
        case "delete":
            del holder[k]
        case "double":
            holder.insert(j, deepcopy(holder[k]))
        case "swap":
            holder[j], holder[k] = holder[k], holder[j]
        case "copy":
            holder[j] = deepcopy(holder[k])


@cache
def tampers(kind: str) -> tuple[Json, list[Json]]:
    """At least TAMPERS different ones, none of which is the original."""
    certificate = examples.EXAMPLES[kind]()
    rng, seen, out = random.Random(f"tampers of {kind}"), {json.dumps(certificate, sort_keys=True)}, []
    while len(out) < TAMPERS:
        changed = tampered(certificate, rng)
        text = json.dumps(changed, sort_keys=True)
        if text not in seen:
            seen.add(text)
            out.append(changed)
    return certificate, out


@pytest.mark.parametrize("kind", examples.EXAMPLES)
def test_the_seal_refuses_every_change(kind: str) -> None:
    for changed in tampers(kind)[1]:
        with pytest.raises(kernel.Rejected, match="the seal is broken"):
            kernel.check(changed)


@pytest.mark.parametrize("kind", examples.EXAMPLES)
def test_whoever_knows_the_format_still_proves_nothing_false(kind: str, record_property: Any) -> None:
    """Every tamper that is accepted after it was sealed again is believed by the second opinion, too."""
    certificate, changed = tampers(kind)
    rng, accepted, judged = random.Random(f"points for {kind}"), 0, dict[str, bool]()
    for tamper in map(sealed, changed):
        try:
            judgement = kernel.check(tamper)
        except kernel.Rejected:
            continue
        accepted += 1
        point = tamper["evidence"] if judgement.claim in ("refuted", "satisfiable") else None
        key = kernel.digest([judgement.digest, judgement.claim, point])
        if key not in judged:
            judged[key] = believable(tamper, rng, TRIALS)
        assert judged[key], json.dumps(tamper)
        if judgement.digest == kernel.digest(certificate["statement"]):
            assert kernel.check(tamper, certificate["statement"]) == judgement
        else:
            with pytest.raises(kernel.Rejected, match="another statement"):
                kernel.check(tamper, certificate["statement"])
    record_property("accepted", accepted)
    assert 0 < accepted < TAMPERS / 2


def test_the_second_opinion_sees_through_false_statements() -> None:
    """The judge of this file is no rubber stamp: most random changes of a conclusion are found to be false by it."""
    rng, found = random.Random(3), 0
    for kind in ("identity_all_sizes", "identity_given_sizes", "squares", "cases", "expect"):
        certificate = examples.EXAMPLES[kind]()
        for _ in range(20):
            changed = deepcopy(certificate)
            lins = [t for t in changed["statement"]["terms"] if t[0] == "lin"]
            pair = rng.choice(rng.choice(lins)[1])
            pair[0] = -2 * pair[0] if isinstance(pair[0], int) else "7"
            found += not believable(changed, rng, TRIALS)
    assert found > 80
