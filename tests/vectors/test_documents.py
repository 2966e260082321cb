"""The vectors of whole documents, read by the relay as it reads posts, and written by it where they are its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relay.domain.attachments import flat, media_of
from relay.protocol import documents

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "fep" / "vectors" / "document.json").read_text())
POSTS = [vector for vector in VECTORS if vector["input"]["type"] != "Announce"]
ANNOUNCES = [vector for vector in VECTORS if vector["input"]["type"] == "Announce"]


@pytest.mark.parametrize("vector", POSTS, ids=lambda vector: vector["name"])
def test_what_is_found_beside_each_medium(vector: dict[str, Any]) -> None:
    document = vector["input"]
    post = document["object"] if "actor" in document else document
    media, complete = media_of(post)
    found = [
        {"url": item.url, "hashes": list(item.hashes), "attestations": list(item.attestations)}
        for item in media
    ]
    assert (found, complete) == (vector["expected"], True)


@pytest.mark.parametrize("vector", ANNOUNCES, ids=lambda vector: vector["name"])
def test_an_announce_is_what_the_relay_sends(vector: dict[str, Any]) -> None:
    given = vector["input"]
    [expected] = vector["expected"]
    assert expected == {"url": None, "hashes": [], "attestations": flat(given["mediaAttestation"])}
    made = documents.announce(
        id=given["id"],
        actor=given["actor"],
        followers=given["to"][0],
        object_id=given["object"],
        published=1_795_300_000,
        attestations=expected["attestations"],
    )
    assert made == given


def test_both_kinds_of_documents_are_there() -> None:
    assert len(POSTS) > 20
    assert len(ANNOUNCES) == 1
