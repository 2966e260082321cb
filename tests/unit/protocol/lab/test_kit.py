"""The documents of the canary kit: every row says what the schema allows, and people find every file."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mediaattest.digest import from_multibase
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.lab.kit import Expected, Fingerprint, KitFile, Plan, Promise
from relay.domain.media import MatchKind, ScanOutcome
from relay.protocol.lab.kit import GROUPS, manifest, readme
from tests.kits import SCHEMA, errors_of

MATCHING = KitFile(
    Plan(
        "canary.jpg",
        "image/jpeg",
        "A picture",
        Expected(ScanOutcome.VENDOR_TEST_MATCH, "It looks like it.", MatchKind.KNOWN),
        Promise.PDQ,
    ),
    b"one",
    Fingerprint(bytes(range(32)), 100),
)
HARMLESS = KitFile(
    Plan(
        "harmless.jpg",
        "image/jpeg",
        "Another picture",
        Expected(ScanOutcome.NO_KNOWN_MATCH, "It is another one."),
        Promise.PDQ,
    ),
    b"two",
    Fingerprint(bytes(32), 99),
)
BROKEN = KitFile(
    Plan(
        "broken-one.jpg",
        "image/jpeg",
        "Half of a picture",
        Expected(ScanOutcome.UNSCANNABLE, "It stops.", reason="truncated"),
        Promise.OUTCOME,
    ),
    b"",
    None,
)
FILES = (MATCHING, HARMLESS, BROKEN)
ENTRIES = (ListEntry(HashAlgorithm.PDQ, "ab" * 32, "canary", "assay", "canary.bmp"),)


def made(*files: KitFile) -> dict[str, Any]:
    return manifest(files, ENTRIES, made_by="assay 0")


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_manifest_says_of_each_file_what_it_is_and_what_to_expect() -> None:
    document = made(*FILES)
    assert errors_of(document) == []
    assert document["list"] == [{"algorithm": "pdq", "value": "ab" * 32, "of": "canary.bmp"}]
    first, _, last = document["files"]
    assert (first["sha256"], first["bytes"]) == (hashlib.sha256(b"one").hexdigest(), 3)
    assert first["sha512"] == hashlib.sha512(b"one").hexdigest()
    assert from_multibase(first["digestMultibase"]) == f"sha256:{first['sha256']}"
    assert first["pdq"] == {"hex": bytes(range(32)).hex(), "quality": 100}
    assert first["expected"] == {
        "scan": "vendor-test-match",
        "match": "known",
        "reason": None,
        "why": "It looks like it.",
    }
    assert (last["pdq"], last["expected"]["reason"], last["promise"]) == (None, "truncated", "outcome")
    text = readme([file.plan for file in FILES])
    assert document["readme_sha256"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        (0, {"expected": {"match": None}}),
        (0, {"expected": {"reason": "truncated"}}),
        (1, {"expected": {"match": "near"}}),
        (2, {"expected": {"reason": None}}),
        (2, {"pdq": {"hex": "0" * 64, "quality": 100}}),
        (0, {"pdq": {"hex": "0" * 64, "quality": 49}}),
        (0, {"name": "../canary.jpg"}),
        (0, {"media_type": "text/html"}),
        (0, {"digestMultibase": "m00"}),
        (0, {"more": 1}),
    ],
)
def test_the_schema_refuses_what_makes_no_sense(place: int, changes: dict[str, Any]) -> None:
    document = deepcopy(made(*FILES))
    for name, value in changes.items():
        row = document["files"][place]
        row[name] = {**row[name], **value} if name == "expected" else value
    assert errors_of(document)


def test_people_find_every_file_under_what_a_scan_says_of_it() -> None:
    text = readme([file.plan for file in FILES])
    assert all(len(line) < 100 for line in text.splitlines())
    places = [
        text.index(what)
        for file, group in zip(FILES, GROUPS, strict=True)
        for what in (group.heading.upper(), f"  {file.plan.name} ")
    ]
    assert places == sorted(places)
    assert "assay holds list" in text


def test_a_kit_without_files_has_documents_too() -> None:
    assert errors_of(made()) == []
    assert GROUPS[0].heading.upper() in readme([])
