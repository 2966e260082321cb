"""What a document claims about its media, as the published vectors have it and for documents that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import Claims, claims_in

FOLDER = Path(__file__).resolve().parents[3] / "fep" / "vectors"
VECTORS = json.loads((FOLDER / "document.json").read_text())
NAMES = st.sampled_from(["actor", "object", "type", "attachment", "image", "url", "href"]) | st.sampled_from(
    ["hash", "attestation", "mediaAttestation", "digestMultibase"]
)
VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["Image", "Link", "https://a.example/1.png", "zQm"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_what_is_found_beside_each_medium(vector: dict[str, Any]) -> None:
    expected = [
        Claims(one["url"], tuple(one["hashes"]), tuple(one["attestations"])) for one in vector["expected"]
    ]
    assert list(claims_in(vector["input"])) == expected


@given(VALUES)
def test_no_document_raises(document: Any) -> None:
    for claims in claims_in(document):
        assert len(claims.attestations) <= 4 or claims.url is None
        assert len(claims.hashes) <= 4


def test_what_is_of_no_use_is_left_out() -> None:
    assert claims_in("text") == ()
    assert claims_in({"actor": "https://a.example/1", "object": "https://a.example/2"}) == ()
    attached = [7, {"type": "Person", "url": "x"}, {"type": "Image"}, {"type": "Image", "url": {"href": []}}]
    assert claims_in({"type": "Note", "attachment": attached}) == ()


def test_sixty_four_media_are_read() -> None:
    one = {"type": "Image", "url": "https://a.example/1.png"}
    assert len(claims_in({"type": "Note", "attachment": [one] * 100})) == 64


def test_deep_arrays_end_somewhere() -> None:
    deep: Any = "https://a.example/1.png"
    for _ in range(50):
        deep = [deep]
    assert claims_in({"type": "Image", "url": deep}) == ()
