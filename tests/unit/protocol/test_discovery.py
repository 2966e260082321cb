from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol import discovery

URL = "https://relay.example"
LOOPBACK = "http://127.0.0.1:9001"


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("acct:relay@relay.example", URL),
        ("ACCT:Relay@RELAY.example", URL),
        ("acct:relay@relay.example:443", URL),
        (f"{URL}/actor", URL),
        ("acct:relay@127.0.0.1:9001", LOOPBACK),
        ("acct:relay@127.0.0.1", LOOPBACK),
        (f"{LOOPBACK}/actor", LOOPBACK),
        ("acct:relay@[::1]:9001", "http://[::1]:9001"),
    ],
)
def test_the_relay_is_found(resource: str, url: str) -> None:
    found: Any = discovery.webfinger(resource, url=url)
    assert found["subject"] == f"acct:relay@{url.split('://')[1]}"
    selves = [link for link in found["links"] if link["rel"] == "self"]
    assert {link["href"] for link in selves} == {f"{url}/actor"}
    assert selves[0]["type"] == "application/activity+json"


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "relay@relay.example",
        "acct:relay",
        "acct:admin@relay.example",
        "acct:relay@other.example",
        "acct:relay@",
        "acct:relay@*.example",
        "acct:relay@relay.example:9",
        f"{URL}/",
        "mailto:relay@relay.example",
    ],
)
def test_others_are_not_found(resource: str) -> None:
    assert discovery.webfinger(resource, url=URL) is None


@given(st.text() | st.text().map("acct:relay@{}".format))
def test_total_on_any_resource(resource: str) -> None:
    found = discovery.webfinger(resource, url=URL)
    assert found is None or found["subject"] == "acct:relay@relay.example"


def test_nodeinfo_links_lead_to_documents() -> None:
    links: Any = discovery.nodeinfo_links(url=URL)["links"]
    assert [link["href"] for link in links] == [f"{URL}/nodeinfo/2.0", f"{URL}/nodeinfo/2.1"]
    for link in links:
        version = link["rel"].rpartition("/")[2]
        document: Any = nodeinfo(version)
        assert document["version"] == version
        assert version in discovery.nodeinfo_type(version)


def nodeinfo(version: str) -> dict[str, object] | None:
    return discovery.nodeinfo(
        version,
        software_version="0.1.0",
        repository="https://example.org/assay",
        is_open=False,
        metadata={"peers": []},
    )


def test_nodeinfo_follows_its_schema() -> None:
    older, newer = nodeinfo("2.0"), nodeinfo("2.1")
    assert older is not None
    assert newer is not None
    assert older["software"] == {"name": "assay", "version": "0.1.0"}
    assert newer["software"] == {
        "name": "assay",
        "version": "0.1.0",
        "repository": "https://example.org/assay",
    }
    assert newer["protocols"] == ["activitypub"]
    assert newer["openRegistrations"] is False
    assert newer["metadata"] == {"peers": []}
    assert nodeinfo("1.0") is None


def test_host_meta_points_to_webfinger() -> None:
    link = ET.fromstring(discovery.host_meta(url=URL))[0]  # noqa: S314  (our own text)
    assert link.attrib["rel"] == "lrdd"
    assert link.attrib["template"] == f"{URL}/.well-known/webfinger?resource={{uri}}"
