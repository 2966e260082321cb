"""Benign lists overrule what resembles an entry, and never what is one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from relay.adapters.scanners.benign import BenignList, Tempered
from relay.adapters.scanners.hashindex import index_of_entries
from relay.adapters.scanners.lists import ListScanner
from relay.domain.hashlist import HashAlgorithm, ListEntry, ListPurpose
from relay.domain.media import Decoded, Digests, FrameHash, MatchKind, ScanOutcome, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGESTS = Digests("a" * 64, "b" * 40, "c" * 32, 7)
STORED = bytes(range(100, 132))
BENIGN_SHA = ListEntry(HashAlgorithm.SHA256, "a" * 64, "meme")


def away(bits: int, *, past: int = 0) -> bytes:
    """A hash so many bits away from the stored one, and from what is `past` bits away the rest."""
    return (int.from_bytes(STORED) ^ (((1 << bits) - 1) << past)).to_bytes(32)


def pictures(*hashes: bytes) -> Decoded:
    frames = tuple(FrameHash(one, 100, (one,) * 8, bytes(8)) for one in hashes)
    return Decoded("image/png", 9, 9, frames)


def tempered(
    benign: Iterable[ListEntry], *, purpose: ListPurpose = ListPurpose.ABUSE, more: Iterable[ListEntry] = ()
) -> Tempered:
    entries = [ListEntry(HashAlgorithm.PDQ, STORED.hex(), "csam"), *more]
    lists = [BenignList("7", index_of_entries(tuple(benign)))]
    return Tempered(ListScanner("local", entries, purpose=purpose, version="3"), lists)


def pdq(value: bytes) -> ListEntry:
    return ListEntry(HashAlgorithm.PDQ, value.hex(), "meme")


@pytest.mark.parametrize("distance", [11, 20, 31])
@pytest.mark.parametrize("how", ["file", "picture", "like the picture"])
async def test_what_resembles_an_entry_and_is_benign_is_no_match(distance: int, how: str) -> None:
    item = pictures(away(distance))
    known = {"file": BENIGN_SHA, "picture": pdq(away(distance)), "like the picture": pdq(away(distance + 10))}
    found = await tempered([known[how]]).scan(DIGESTS, item)
    assert (found.outcome, found.matches, found.reason) == (ScanOutcome.NO_KNOWN_MATCH, (), "benign")


@pytest.mark.parametrize("purpose", [ListPurpose.ABUSE, ListPurpose.NCII])
@pytest.mark.parametrize("distance", [0, 10])
async def test_a_known_picture_stays_known_whatever_is_called_benign(
    distance: int, purpose: ListPurpose
) -> None:
    item = pictures(away(distance))
    scanner = tempered([BENIGN_SHA, pdq(STORED), pdq(away(distance))], purpose=purpose)
    found = await scanner.scan(DIGESTS, item)
    assert found.outcome is ScanOutcome.MATCH
    assert found.matches[0].distance == distance


async def test_a_known_digest_stays_known_when_the_likeness_goes() -> None:
    scanner = tempered([BENIGN_SHA], more=[ListEntry(HashAlgorithm.MD5, "c" * 32, "csam")])
    found = await scanner.scan(DIGESTS, pictures(away(20)))
    assert found.outcome is ScanOutcome.MATCH
    assert [(one.kind, one.algorithm) for one in found.matches] == [(MatchKind.KNOWN, "md5")]


@pytest.mark.parametrize(
    "benign",
    [pdq(away(11, past=20)), ListEntry(HashAlgorithm.SHA256, "0" * 64, "meme")],
    ids=["far", "other"],
)
async def test_what_is_not_the_benign_thing_still_matches(benign: ListEntry) -> None:
    found = await tempered([benign]).scan(DIGESTS, pictures(away(20)))
    assert [one.kind for one in found.matches] == [MatchKind.NEAR]


async def test_every_frame_has_to_be_benign() -> None:
    scanner = tempered([pdq(away(20))])
    other = bytes(32)
    assert (await scanner.scan(DIGESTS, pictures(away(20), other))).matches
    assert not (await scanner.scan(DIGESTS, pictures(away(20), away(20)))).matches


async def test_what_could_not_be_looked_at_is_not_made_clean() -> None:
    scanner = tempered([BENIGN_SHA])
    assert (await scanner.scan(DIGESTS, Undecodable.CORRUPT)).outcome is ScanOutcome.UNSCANNABLE
    more = tempered([BENIGN_SHA], more=[ListEntry(HashAlgorithm.MD5, "c" * 32, "csam")])
    assert (await more.scan(DIGESTS, Undecodable.CORRUPT)).outcome is ScanOutcome.MATCH


async def test_what_was_seen_in_part_is_not_made_clean() -> None:
    item = replace(pictures(away(20)), unseen=Undecodable.CORRUPT)
    found = await tempered([BENIGN_SHA]).scan(DIGESTS, item)
    assert (found.outcome, found.matches, found.reason) == (ScanOutcome.UNSCANNABLE, (), "corrupt")


async def test_it_is_the_scanner_otherwise_and_its_version_follows_the_benign_lists() -> None:
    scanner = tempered([BENIGN_SHA])
    assert (scanner.name, scanner.attests, scanner.methods) == ("local", True, ("pdq",))
    assert scanner.version == "3+7"
    found = await scanner.scan(DIGESTS, pictures(bytes(32)))
    assert (found.outcome, found.versions) == (ScanOutcome.NO_KNOWN_MATCH, {"local": "3+7"})
