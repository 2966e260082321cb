"""`python -m mediaattest answer`: the library as a verifier that can be asked, for `assay lab test verifier`.

One question in a line of JSON on standard input, one answer in a line on standard output. A question is
`{"kind", "input"}`, as in the published vectors; the answers are `{"verdict", "step", "temporary", "issuer_class"?}`
to `verify`, `{"tokens"}` to `header`, `{"media"}` to `document`, `{"status"}` to `status-list`, and
`{"unsupported": true}` to everything else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mediaattest.documents import claims_in
from mediaattest.header import parse_header
from mediaattest.model import Status
from mediaattest.status_list import read_status_list
from mediaattest.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


def answers(lines: Iterable[str]) -> Iterator[str]:
    """The answer to each question, without the end of the line. Total: a line that is no question is unsupported."""
    for line in lines:
        yield json.dumps(_answer(line))


def _answer(line: str) -> dict[str, Any]:
    try:
        question = json.loads(line)
        return _KINDS[question["kind"]](question["input"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return {"unsupported": True}


def _verify(given: Mapping[str, Any]) -> dict[str, Any]:
    said = given["status"]
    result = verify(
        given["attestation"],
        received=given["received_text"].encode(),
        actors=given["actors"],
        trusted_issuers=frozenset(given["trusted_issuers"]),
        accepted_lists=frozenset(given["accepted_lists"]),
        now=given["now"],
        declared_hashes=tuple(given["declared_hashes"]),
        object_origin=given["object_origin"],
        status=None if said is None else lambda _: Status(said),
    )
    told = {"verdict": str(result.verdict), "step": int(result.step), "temporary": result.temporary}
    return told | ({"issuer_class": str(result.issuer_class)} if result.valid else {})


def _header(given: str) -> dict[str, Any]:
    return {"tokens": list(parse_header(given))}


def _document(given: object) -> dict[str, Any]:
    return {
        "media": [
            {"url": one.url, "hashes": list(one.hashes), "attestations": list(one.attestations)}
            for one in claims_in(given)
        ]
    }


def _status_list(given: Mapping[str, Any]) -> dict[str, Any]:
    index = given["index"]
    found = read_status_list(**{name: value for name, value in given.items() if name != "index"})
    return {"status": str(Status.UNAVAILABLE if found is None else found.status(index, now=given["now"]))}


_KINDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "verify": _verify,
    "header": _header,
    "document": _document,
    "status-list": _status_list,
}
