"""What came to a temporary inbox, as it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from mediaattest import from_data_url
from relay.domain.lab.inbox import Delivery, Seen
from relay.domain.lab.model import Outcome, Role
from relay.protocol.lab.arrivals import Arrival, arrivals, run_of
from tests import labs
from tests.fakes import START

SEEN = Seen("draft-cavage", "verified", "It verifies.", issuers={labs.ISSUER: labs.actor()})
HEADER = ("media-attestation", f'"{from_data_url(labs.attestation())}"')


def delivery(
    document: Any, *, seen: Seen | None = SEEN, headers: tuple[tuple[str, str], ...] = ()
) -> Delivery:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Delivery(1, "t", START, "/lab/inbox/t", headers, body, seen)


def arrival(document: Any, **options: Any) -> Arrival:
    [found] = arrivals([delivery(document, **options)])
    return found


def test_an_activity_is_told_with_its_attestations() -> None:
    found = arrival(labs.create(labs.attestation()))
    assert (found.number, found.kind, found.fault) == (1, "Create", None)
    assert found.text("actor") == "https://a.test/users/alice"
    assert found.text("object") == "https://a.test/notes/1"
    assert found.text("missing") is None
    assert found.examination is not None
    assert found.examination.valid
    assert found.carriage == ("in the object itself",)


def test_what_is_no_document_is_told_too() -> None:
    found = arrival(b"{")
    assert found.fault is not None
    assert (found.kind, found.text("id"), found.examination, found.carriage) == (
        "no activity",
        None,
        None,
        (),
    )
    listed = arrival([1, 2])
    assert (listed.kind, listed.fault) == ("no activity", None)


def test_nothing_is_told_of_attestations_before_somebody_looked() -> None:
    found = arrival(labs.create(labs.attestation()), seen=None, headers=(HEADER,))
    assert found.examination is None
    assert "does NOT cover" in found.carriage[0]


def test_carriage_says_whether_the_signature_covers_the_header() -> None:
    covering = replace(SEEN, covered=("host", "media-attestation"))
    note = labs.create(labs.attestation())
    assert arrival(note, headers=(HEADER,), seen=covering).carriage == (
        "in the header Media-Attestation, which the signature covers",
        "in the object itself",
    )
    assert "NOT cover" in arrival(note, headers=(HEADER,)).carriage[0]
    announce = {"type": "Announce", "object": "https://a.test/1", "mediaAttestation": [labs.attestation()]}
    assert arrival(announce).carriage == ("in mediaAttestation of the Announce",)


def test_issuers_that_could_not_be_asked_are_told() -> None:
    found = arrival(
        labs.create(labs.attestation()), seen=Seen(None, "x", "x", failures={labs.ISSUER: "It is away."})
    )
    assert found.examination is not None
    assert "It is away." in found.examination.examined[0].reason


def test_all_that_came_is_one_run() -> None:
    found = arrivals(
        [
            replace(delivery(labs.create(labs.attestation())), at=START + 1),
            delivery(labs.create(labs.forged())),
            delivery({"type": "Like"}),
            delivery(b"{"),
        ]
    )
    run = run_of(found, "deliveries", tester="me", since=START - 9)
    assert (run.role, run.started, run.finished) == (Role.DOCUMENT, START - 9, START + 1)
    signatures = [(one.subject, one.outcome) for one in run.results if one.code == "ATT-006"]
    assert signatures == [
        ("delivery 1, object.attachment[0]", Outcome.PASSED),
        ("delivery 2, object.attachment[0]", Outcome.FAILED),
    ]
    headers = [one for one in run.results if one.code == "ATT-043"]
    assert [(one.subject, one.outcome) for one in headers] == [("", Outcome.INAPPLICABLE)]
    assert [one.code for one in run.results] == sorted(one.code for one in run.results)


def test_nothing_is_a_run_without_results() -> None:
    run = run_of((), "nothing", tester="me", since=5.0)
    assert (run.results, run.started, run.finished) == ((), 5.0, 5.0)
