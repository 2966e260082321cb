from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol.identity import (
    ACCEPT,
    IdentityFailure,
    RefetchAt,
    Same,
    check_content_type,
    check_identity,
)

URL = "https://a.example/users/alice"


@pytest.mark.parametrize(
    "value", ["text/html", "image/png", "application/json", "application/activity+jsonx", "", "activity+json"]
)
def test_row_1_other_media_types(value: str) -> None:
    assert not check_content_type(value)


@pytest.mark.parametrize(
    "value",
    [
        "application/ld+json",
        'application/ld+json; profile="https://www.w3.org/ns/json-ld#compacted"',
        "application/ld+json; charset=utf-8",
        'application/ld+json; x="; profile=https://www.w3.org/ns/activitystreams"',
        "application/ld+json; profile",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams',
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams2"',
    ],
)
def test_row_2_linked_data_without_the_profile(value: str) -> None:
    assert not check_content_type(value)


@pytest.mark.parametrize(
    "value",
    [
        *ACCEPT.split(", "),
        "application/activity+json; charset=utf-8",
        "Application/Activity+JSON",
        "application/ld+json;profile=https://www.w3.org/ns/activitystreams",
        'application/ld+json; charset=utf-8; Profile="x https://www.w3.org/ns/activitystreams"',
    ],
)
def test_types_of_activitystreams(value: str) -> None:
    assert check_content_type(value)


@given(st.text() | st.text(alphabet='; ="\\profile', max_size=60).map("application/ld+json{}".format))
def test_content_types_are_total(value: str) -> None:
    assert not check_content_type(value)


@pytest.mark.parametrize(
    "document_id",
    ["https://b.example/users/alice", "http://a.example/users/alice", "https://a.example:8443/x"],
)
def test_row_3_an_id_on_another_origin(document_id: str) -> None:
    assert check_identity(URL, URL, {"id": document_id}) is IdentityFailure.WRONG_ID


def test_row_3_a_redirect_to_another_origin() -> None:
    elsewhere = "https://b.example/users/alice"
    assert check_identity(URL, elsewhere, {"id": URL}) is IdentityFailure.WRONG_ID
    assert check_identity(URL, elsewhere, {"id": elsewhere}) == Same(elsewhere)


def test_row_4_another_id_on_the_same_origin_is_fetched_there() -> None:
    other = "https://a.example/users/bob"
    assert check_identity(URL, URL, {"id": other}) == RefetchAt(other)


def test_the_same_document() -> None:
    assert check_identity(URL, URL, {"id": URL}) == Same(URL)
    assert check_identity(f"{URL}#main-key", URL, {"id": URL}) == Same(URL)
    assert check_identity(f"{URL}#main-key", URL, {"id": f"{URL}#main-key"}) == Same(f"{URL}#main-key")
    assert check_identity(URL, "https://a.example/@alice", {"id": URL}) == Same(URL)
    assert check_identity("https://a.example/@alice", URL, {"id": URL}) == Same(URL)


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"id": None}, {"id": 7}, {"id": "urn:x"}, {"id": [URL]}]
)
def test_documents_without_an_id(document: Any) -> None:
    assert check_identity(URL, URL, document) is IdentityFailure.BAD_DOCUMENT
