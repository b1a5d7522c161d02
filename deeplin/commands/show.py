"""`deeplin show NAME`: one theorem as a reader of the paper wants it."""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

from deeplin.verify import generic_record, proof_of
from theory import kernel
from theory.certificates import at_point
from theory.errors import InvalidInput
from theory.statement import Statement, conditions
from theory.theorem import Claim, Generic, Theorem, document, select

WIDTH, MANY = 124, 3  # of a line of text; as many claims of one kind share a line


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a theorem, such as minima.path_lemma")
    parser.add_argument("--claims", action="store_true", help="list every claim and write it out, and every false variant")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    chosen = select([args.name])
    if args.name != chosen[0].name:
        raise InvalidInput("name", args.name, f"one theorem; the family has {', '.join(t.name for t in chosen)}")
    record = describe(chosen[0], args.claims)
    print(json.dumps(record, indent=1) if args.json else text(record))
    return 0


def describe(theorem: Theorem, in_full: bool) -> dict[str, Any]:
    """What `show` says, as JSON: the kernel is asked again, nothing is remembered."""
    return {
        "name": theorem.name,
        "sheet": theorem.sheet,
        "title": theorem.title,
        "form": theorem.form,
        "source": theorem.source,
        "note": theorem.note,
        "document": document(theorem),
        "claims": [_claim(c, in_full) for c in theorem.claims()],
        "sharpness": [_sharp(e.drops, e.statement, e.point) for e in theorem.sharpness()],
        "variants": [written(v) if in_full else {"name": v.name} for v in theorem.variants()],
    }


def _claim(claim: Claim | Generic, in_full: bool) -> dict[str, Any]:
    return _generic(claim, in_full) if isinstance(claim, Generic) else _proof(claim, in_full)


def _generic(claim: Generic, in_full: bool) -> dict[str, Any]:
    """A polynomial that is not zero, with the point that shows it (what is defined from the point is left out)."""
    record, certificate = generic_record(claim)
    kept = {k: x for k, x in record.items() if k in ("scope", "why")}
    if certificate:
        free = claim.statement.lowered().variables[: len(claim.variables)]
        kept["point"] = {str(v.data[0]): record["point"][str(v.data[0])] for v in free}
    written_out = written(claim.statement) if in_full else {"name": claim.name}
    return {**written_out, **kept, "verdict": "proved" if certificate else "not proved"}


def _proof(claim: Claim, in_full: bool) -> dict[str, Any]:
    proof = proof_of(claim)
    verdict = {"verdict": "proved" if proof.proved else "not proved"}
    if not proof.proved:
        verdict["why"] = str(proof)
    written_out = written(claim.statement) if in_full else {"name": claim.statement.name}
    return {**written_out, "scope": proof.scope, **verdict}


def _sharp(drops: str, statement: Statement, point: Any) -> dict[str, Any]:
    certificate = at_point(statement.lowered(), point, "refuted")
    verdict = kernel.check(certificate).claim
    return {"drops": drops, "statement": statement.name, "point": certificate["evidence"]["point"], "verdict": verdict}


def written(statement: Statement) -> dict[str, Any]:
    given, then = ([f"{c.expression} {c.relation} 0" for c in conditions(x)] for x in (statement.given, statement.then))
    return {"name": statement.name, "given": given, "then": then}


def text(record: dict[str, Any]) -> str:
    """The description in plain text."""
    return "\n".join(_lines(record))


def _lines(record: dict[str, Any]) -> Iterator[str]:
    yield f"{record['name']}  ({record['sheet']}, {record['form']})"
    yield f"source: {record['source']}\n"
    yield record["document"].strip() + "\n"
    if record["note"]:
        yield fill(f"Where the words of the paper need more: {record['note']}", WIDTH) + "\n"
    yield "What the kernel accepted just now:"
    for c in _gathered(record["claims"]):
        yield f"  {c['verdict']:<10} {c['name']}  [{c['scope']}]" + (f"  {c['why']}" if "why" in c else "")
        yield from [f"      not zero at {_at(c['point'])}"] if "point" in c else []
        yield from _conditions(c)
    yield "\nWhat fails without a hypothesis (exact points, each checked by the kernel):"
    for e in record["sharpness"]:
        yield f"  {e['drops']}\n      {e['verdict']} at {_at(e['point'])}"
    yield f"\nFalse variants that must not be proved ({len(record['variants'])}):"
    for v in record["variants"]:
        yield f"  {v['name']}"
        yield from _conditions(v)


def _gathered(claims: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Proofs of one kind, at many depths, layers or sizes, as one line; what is written out stays so."""
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for c in claims:
        alone = {"given", "point", "why"} & c.keys()
        kinds[c["name"] if alone else re.sub(r"(_\d[\dx_]*$|[,:] .*)", "", c["name"])].append(c)
    for kind, several in kinds.items():
        if len(several) < MANY:
            yield from several
        else:
            scope = _scopes(list(dict.fromkeys(c["scope"] for c in several)))
            yield {**several[0], "name": f"{kind}: {len(several)} claims", "scope": scope}


def _scopes(scopes: Sequence[str]) -> str:
    """As one; sizes are counted where they are many."""
    at = "all widths at depth"
    if len(scopes) > 1 and all(x.startswith(at) for x in scopes):
        return f"{at}s {', '.join(x.removeprefix(at).strip() for x in scopes)}"
    return "; ".join(scopes) if len(scopes) <= MANY else f"{len(scopes)} choices of sizes"


def _at(point: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in point.items())


def _conditions(record: dict[str, Any]) -> Iterator[str]:
    yield from (f"      given  {c}" for c in record.get("given", ()))
    yield from (f"      then   {c}" for c in record.get("then", ()))
