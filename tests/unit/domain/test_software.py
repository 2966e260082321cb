"""What servers run, and which patterns name it."""

from __future__ import annotations

import pytest

from relay.domain.log import Proof
from relay.domain.software import PATTERN, Software, banned_by, checks, software_named
from relay.protocol.discovery import nodeinfo_address, software_in

SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"


@pytest.mark.parametrize(
    ("patterns", "name", "version", "by"),
    [
        (("spamd",), "spamd", "1.2", "spamd"),
        (("spamd",), "spamd2", "1.2", None),
        (("other", "spamd/1.*"), "spamd", "1.2", "spamd/1.*"),
        (("spamd/1.*",), "spamd", "11.2", None),
        (("spamd/*beta*",), "spamd", "3-beta+x", "spamd/*beta*"),
        (("spamd/1",), "spamd", "1", "spamd/1"),
        (("spamd/1",), "spamd", "10", None),
        ((), "spamd", "1", None),
    ],
)
def test_bans(patterns: tuple[str, ...], name: str, version: str, by: str | None) -> None:
    assert all(PATTERN.fullmatch(pattern) for pattern in patterns)
    assert banned_by(Software(name, version), patterns) == by


def test_names_and_versions_as_they_come() -> None:
    assert software_named("Mastodon", "4.5\x1b") == Software("mastodon", "4.5")
    assert software_named("x", 7) == Software("x")
    assert [software_named(name, "1") for name in (None, "", "two words", "a" * 65)] == [None] * 4
    assert (str(Software("x", "1")), str(Software("x"))) == ("x 1", "x")


def test_the_newest_nodeinfo_is_taken() -> None:
    links = [
        {"rel": f"{SCHEMA}{version}", "href": f"https://a.test/{version}"}
        for version in ("2.0", "2.1", "9.9")
    ]
    assert nodeinfo_address({"links": links}) == "https://a.test/2.1"
    assert nodeinfo_address({"links": links[0]}) == "https://a.test/2.0"


@pytest.mark.parametrize(
    "links",
    [
        None,
        [],
        {},
        {"links": 7},
        {"links": [7, {}, {"rel": f"{SCHEMA}2.0", "href": "ftp://x"}, {"rel": f"{SCHEMA}2.1"}]},
    ],
)
def test_no_nodeinfo(links: object) -> None:
    assert nodeinfo_address(links) is None


def test_software_of_a_document() -> None:
    assert software_in({"software": {"name": "pleroma", "version": "2"}}) == Software("pleroma", "2")
    assert [software_in(document) for document in (None, [], {}, {"software": "x"}, {"software": {}})] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("name", "version", "checked"),
    [
        ("mastodon", "4.7.0-alpha.2+glitch", True),
        ("mastodon", "4.6.9", False),
        ("mastodon", "10.0", True),
        ("mastodon", "main", True),
        ("misskey", "2026.6.0", False),
        ("takahe", "0.11", False),
        ("mitra", "4.1", True),
    ],
)
def test_who_checks_integrity_proofs(name: str, version: str, *, checked: bool) -> None:
    assert checks(Software(name, version), Proof.INTEGRITY) is checked
    assert checks(Software(name, version), Proof.LINKED_DATA)


def test_software_that_is_not_known_is_taken_to_check_proofs() -> None:
    assert checks(None, Proof.INTEGRITY)
