"""List scanners: what matches, how it is named, and what is never called clean."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from relay.adapters.media import canary
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.adapters.scanners.canary import canary_entries, canary_scanner
from relay.adapters.scanners.lists import ListScanner
from relay.domain.hashlist import HashAlgorithm, ListEntry, ListPurpose
from relay.domain.media import (
    Decoded,
    Digests,
    FrameHash,
    Match,
    MatchKind,
    ScanOutcome,
    Undecodable,
)

DIGESTS = Digests("a" * 64, "b" * 40, "c" * 32, 7)
STORED = bytes(range(100, 132))
LIMITS = Limits(10_000_000)
CANARIES = canary.canary_pictures()


def flipped(value: bytes, bits: int) -> bytes:
    return (int.from_bytes(value) ^ ((1 << bits) - 1)).to_bytes(len(value))


def decoded(*hashes: bytes, orientation: int = 0, phash: bytes = bytes(8)) -> Decoded:
    """Pictures that hash to the given values in one of their orientations."""
    frames = []
    for value in hashes:
        dihedral = [bytes([index]) * 32 for index in range(8)]
        dihedral[orientation] = value
        frames.append(FrameHash(dihedral[0], 100, tuple(dihedral), phash))
    return Decoded("image/png", 9, 9, tuple(frames))


def entry(algorithm: HashAlgorithm, value: str, category: str = "csam") -> ListEntry:
    return ListEntry(algorithm, value, category)


PDQ_LIST = [entry(HashAlgorithm.PDQ, STORED.hex())]


def digests_of(content: bytes) -> Digests:
    return Digests(
        hashlib.sha256(content).hexdigest(),
        hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
        len(content),
    )


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [(HashAlgorithm.SHA256, "a" * 64), (HashAlgorithm.SHA1, "b" * 40), (HashAlgorithm.MD5, "c" * 32)],
)
@pytest.mark.parametrize("content", [Undecodable.CORRUPT, decoded(bytes(32))])
async def test_an_equal_digest_is_known_decodable_or_not(
    algorithm: HashAlgorithm, value: str, content: Decoded | Undecodable
) -> None:
    scanner = ListScanner("local", [entry(algorithm, value)])
    result = await scanner.scan(DIGESTS, content)
    assert result.outcome is ScanOutcome.MATCH
    assert result.matches == (Match(MatchKind.KNOWN, "local", "csam", algorithm.value),)
    assert result.versions == {"local": scanner.version}


@pytest.mark.parametrize(
    ("distance", "kind"),
    [(0, MatchKind.KNOWN), (10, MatchKind.KNOWN), (11, MatchKind.NEAR), (31, MatchKind.NEAR), (32, None)],
)
@pytest.mark.parametrize("orientation", range(8))
async def test_pdq_matches_at_31_and_not_at_32_in_every_orientation(
    distance: int, kind: MatchKind | None, orientation: int
) -> None:
    item = decoded(flipped(STORED, distance), orientation=orientation)
    result = await ListScanner("local", PDQ_LIST).scan(DIGESTS, item)
    if kind is None:
        assert (result.outcome, result.matches) == (ScanOutcome.NO_KNOWN_MATCH, ())
    else:
        assert result.outcome is ScanOutcome.MATCH
        assert result.matches == (Match(kind, "local", "csam", "pdq", distance),)


async def test_any_frame_can_match() -> None:
    item = decoded(bytes([255]) * 32, flipped(STORED, 5))
    assert (await ListScanner("local", PDQ_LIST).scan(DIGESTS, item)).matches[0].distance == 5


@pytest.mark.parametrize(("distance", "outcome"), [(8, ScanOutcome.MATCH), (9, ScanOutcome.NO_KNOWN_MATCH)])
async def test_phash_matches_at_8_and_not_at_9_and_is_never_more_than_near(
    distance: int, outcome: ScanOutcome
) -> None:
    scanner = ListScanner("local", [entry(HashAlgorithm.PHASH, "0f" * 8)])
    result = await scanner.scan(DIGESTS, decoded(STORED, phash=flipped(b"\x0f" * 8, distance)))
    assert result.outcome is outcome
    assert all(match.kind is MatchKind.NEAR for match in result.matches)


@pytest.mark.parametrize(
    ("purpose", "kind", "outcome"),
    [
        (ListPurpose.ABUSE, MatchKind.KNOWN, ScanOutcome.MATCH),
        (ListPurpose.NCII, MatchKind.NCII, ScanOutcome.MATCH),
        (ListPurpose.TEST, MatchKind.TEST, ScanOutcome.VENDOR_TEST_MATCH),
    ],
)
async def test_the_purpose_of_a_list_names_its_matches(
    purpose: ListPurpose, kind: MatchKind, outcome: ScanOutcome
) -> None:
    result = await ListScanner("x", PDQ_LIST, purpose=purpose).scan(DIGESTS, decoded(STORED))
    assert (result.outcome, result.matches[0].kind) == (outcome, kind)


@pytest.mark.parametrize("reason", Undecodable)
async def test_undecodable_items_are_unscannable_and_never_clean(reason: Undecodable) -> None:
    for entries in ([], PDQ_LIST, [entry(HashAlgorithm.MD5, "d" * 32)]):
        result = await ListScanner("local", entries).scan(DIGESTS, reason)
        assert (result.outcome, result.reason) == (ScanOutcome.UNSCANNABLE, reason.value)


async def test_an_item_without_frames_is_unscannable() -> None:
    result = await ListScanner("local", PDQ_LIST).scan(DIGESTS, Decoded("image/png", 9, 9, ()))
    assert result.outcome is ScanOutcome.UNSCANNABLE


@pytest.mark.parametrize("reason", Undecodable)
async def test_what_was_seen_in_part_can_match_and_is_never_clean(reason: Undecodable) -> None:
    scanner = ListScanner("local", PDQ_LIST)
    other = replace(decoded(bytes(32)), unseen=reason)
    result = await scanner.scan(DIGESTS, other)
    assert (result.outcome, result.reason) == (ScanOutcome.UNSCANNABLE, reason.value)
    result = await scanner.scan(DIGESTS, replace(decoded(STORED), unseen=reason))
    assert (result.outcome, result.reason) == (ScanOutcome.MATCH, None)


async def test_a_match_says_how_many_frames_came_as_near() -> None:
    frames = decoded(STORED, flipped(STORED, 20), flipped(STORED, 40), bytes(32))
    [match] = (await ListScanner("local", PDQ_LIST).scan(DIGESTS, frames)).matches
    assert (match.distance, match.frames, match.of) == (0, 2, 4)
    [exact] = (await ListScanner("local", [entry(HashAlgorithm.MD5, "c" * 32)]).scan(DIGESTS, frames)).matches
    assert (exact.frames, exact.of) == (1, 1)


async def test_the_closest_match_of_each_category_comes_first() -> None:
    entries = [
        entry(HashAlgorithm.PDQ, flipped(STORED, 20).hex(), "b"),
        entry(HashAlgorithm.PDQ, flipped(STORED, 7).hex(), "a"),
        entry(HashAlgorithm.PDQ, flipped(STORED, 30).hex(), "a"),
        entry(HashAlgorithm.SHA256, "a" * 64, "c"),
    ]
    result = await ListScanner("local", entries).scan(DIGESTS, decoded(STORED))
    assert [(match.category, match.distance) for match in result.matches] == [("c", 0), ("a", 7), ("b", 20)]


def test_version_and_attestation_are_the_lists_own() -> None:
    one, other = ListScanner("one", PDQ_LIST), ListScanner("other", [], attests=False)
    assert one.version != other.version
    assert ListScanner("given", PDQ_LIST, version="7").version == "7"
    assert (one.name, one.attests, other.attests) == ("one", True, False)


def test_a_list_is_asked_by_what_is_on_it() -> None:
    digests = [entry(HashAlgorithm.MD5, "a" * 32), entry(HashAlgorithm.SHA256, "a" * 64)]
    assert ListScanner("pictures", PDQ_LIST).methods == ("pdq",)
    assert ListScanner("both", [*PDQ_LIST, *digests]).methods == ("sha256", "md5", "pdq")
    assert ListScanner("empty", []).methods == ()


@pytest.mark.parametrize(("name", "content"), CANARIES.items())
async def test_every_canary_matches_the_canary_list_as_a_test(name: str, content: bytes) -> None:
    result = await canary_scanner().scan(digests_of(content), hash_picture(content, LIMITS))
    assert result.outcome is ScanOutcome.VENDOR_TEST_MATCH, name
    assert {match.kind for match in result.matches} == {MatchKind.TEST}


async def test_the_canary_list_knows_the_digest_of_the_bmp() -> None:
    digests = digests_of(CANARIES["canary.bmp"])
    result = await canary_scanner().scan(digests, Undecodable.CRASHED)
    assert [match.algorithm for match in result.matches] == ["md5", "sha1", "sha256"]
    assert {item.algorithm for item in canary_entries()} == set(HashAlgorithm)


@pytest.mark.parametrize("seed", range(5))
async def test_clean_pictures_match_nothing(seed: int) -> None:
    content = canary.clean_picture(seed)
    result = await canary_scanner().scan(digests_of(content), hash_picture(content, LIMITS))
    assert result.outcome is ScanOutcome.NO_KNOWN_MATCH
