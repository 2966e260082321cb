from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mediaattest import IssuerKey, Verdict, Verification, describe_key, find_key

from .samples import ACTOR, ISSUER, KEY, KID, NOW

ENTRY = describe_key(KEY)


def find(methods: Any, now: int = NOW) -> IssuerKey | Verification:
    return find_key(ACTOR | {"assertionMethod": methods}, kid=KID, issuer=ISSUER, now=now)


@pytest.mark.parametrize("methods", [ENTRY, [ENTRY], ["https://relay.example/key", None, 7, ENTRY]])
def test_entries_are_embedded_objects_or_a_single_object(methods: Any) -> None:
    assert find(methods) == KEY


def test_a_described_key_is_found_until_it_expires() -> None:
    key = replace(KEY, expires=NOW + 10, revoked=NOW + 20)
    assert find([describe_key(key)]) == key
    late = find([describe_key(key)], now=NOW + 10)
    assert isinstance(late, Verification)
    assert (late.verdict, late.step) == (Verdict.REVOKED_KEY, 5)


def test_a_key_that_is_described_as_revoked_is_not_believed() -> None:
    revoked = find([describe_key(replace(KEY, revoked=NOW))])
    assert isinstance(revoked, Verification)
    assert (revoked.verdict, revoked.step) == (Verdict.REVOKED_KEY, 5)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21",
        "2030-01-01T00:00:00",
        "2030-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "٢٠٣٠-01-01T00:00:00Z",
        7,
        "",
        [],
    ],
)
@pytest.mark.parametrize("name", ["expires", "revoked"])
def test_a_time_that_cannot_be_read_counts_as_past(name: str, time: object) -> None:
    found = find([ENTRY | {name: time}])
    assert isinstance(found, Verification)
    assert found.verdict is Verdict.REVOKED_KEY


@pytest.mark.parametrize("time", [None, "2030-01-01T00:00:00Z", "2030-01-01T00:00:00.123456789+05:30"])
def test_a_time_to_come_or_none_does_no_harm(time: object) -> None:
    assert isinstance(find([ENTRY | {"expires": time, "revoked": time}]), IssuerKey)


def test_two_entries_of_one_id_are_ambiguous() -> None:
    found = find([ENTRY, ENTRY])
    assert isinstance(found, Verification)
    assert found.verdict is Verdict.UNKNOWN_KEY
