"""The actor of a temporary inbox, and how it is found by name."""

from __future__ import annotations

import pytest

from relay.domain.lab.inbox import TemporaryInbox
from relay.protocol.actors import parse_actor
from relay.protocol.lab import temporary

TOKEN = "0123456789abcdef" * 2
URL = "https://relay.test"
INBOX = TemporaryInbox(TOKEN, "private", "public", 1_795_300_000.0, 1_795_386_400.0)


def test_the_actor_is_one_and_keeps_its_private_key_to_itself() -> None:
    document = temporary.actor(INBOX, url=URL)
    actor = parse_actor(document)
    assert actor.id == actor.inbox == f"{URL}/lab/inbox/{TOKEN}"
    assert actor.keys[0].id == f"{actor.id}#main-key"
    assert "private" not in str(document).replace("privateKey", "")
    assert document["test"] is True


@pytest.mark.parametrize(
    "resource",
    [
        f"acct:lab-{TOKEN}@relay.test",
        f"ACCT:LAB-{TOKEN.upper()}@Relay.Test",
        f"acct:@lab-{TOKEN}@relay.test",
        f"{URL}/lab/inbox/{TOKEN}",
    ],
)
def test_it_is_found_by_name_and_by_id(resource: str) -> None:
    assert temporary.token_in(resource, url=URL) == TOKEN


@pytest.mark.parametrize(
    "resource",
    [
        "",
        f"acct:lab-{TOKEN}@other.test",
        f"mailto:lab-{TOKEN}@relay.test",
        f"acct:relay-{TOKEN}@relay.test",
        "acct:lab-@relay.test",
        f"acct:lab-{TOKEN}0@relay.test",
        f"{URL}/lab/inbox/{TOKEN}/outbox",
        f"{URL}/lab/inbox/",
    ],
)
def test_nothing_else_is(resource: str) -> None:
    assert temporary.token_in(resource, url=URL) is None


def test_a_port_is_part_of_the_name_and_may_be_left_out() -> None:
    url = "http://localhost:8080"
    assert temporary.handle(TOKEN, url=url) == f"@lab-{TOKEN}@localhost:8080"
    for server in ("localhost:8080", "localhost"):
        assert temporary.token_in(f"acct:lab-{TOKEN}@{server}", url=url) == TOKEN


def test_its_document_leads_to_the_actor() -> None:
    document = temporary.webfinger(TOKEN, url=URL)
    assert document["subject"] == f"acct:lab-{TOKEN}@relay.test"
    assert document["aliases"] == [f"{URL}/lab/inbox/{TOKEN}"]
