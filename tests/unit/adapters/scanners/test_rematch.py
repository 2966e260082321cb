"""Stored media that new entries may match: nothing is missed, by whatever way it is compared."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import orjson
import pytest

from relay.adapters.scanners import rematch
from relay.domain.errors import RelayError
from relay.domain.hashlist import HashAlgorithm, ListChange, ListEntry, pack
from relay.ports.recall import StoredHashes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

RANDOM = random.Random(7)  # noqa: S311 - the same hashes every time


def flipped(value: bytes, bits: int) -> bytes:
    number = int.from_bytes(value)
    for bit in RANDOM.sample(range(len(value) * 8), bits):
        number ^= 1 << bit
    return number.to_bytes(len(value))


def stored(number: int, *pdq: bytes, phash: bytes = b"\0" * 8, frames: int = 1) -> StoredHashes:
    """Media of which each frame has eight hashes; those that are given come first."""
    turns = [*pdq, *(RANDOM.randbytes(32) for _ in range(8 - len(pdq)))]
    frame = [turns[0].hex(), 90, [one.hex() for one in turns], phash.hex()]
    others = [
        [RANDOM.randbytes(32).hex(), 90, [RANDOM.randbytes(32).hex() for _ in range(8)], "f" * 16]
        for _ in range(frames - 1)
    ]
    return StoredHashes(
        f"{number:064x}", f"{number:040x}", f"{number:032x}", orjson.dumps([*others, frame]).decode()
    )


async def parts(*some: bytes) -> AsyncIterator[bytes]:
    for one in some:
        yield one


async def pages(*some: Sequence[StoredHashes]) -> AsyncIterator[Sequence[StoredHashes]]:
    for one in some:
        yield one


def entries(algorithm: HashAlgorithm, *values: bytes) -> bytes:
    return pack([ListChange(ListEntry(algorithm, value.hex(), "csam")) for value in values])


async def found(
    folder: Path, new: bytes, *media: StoredHashes, before: bytes = b"", page: int = 3
) -> list[int]:
    some = [media[start : start + page] for start in range(0, len(media), page)]
    digests = await rematch.candidates(folder, before=parts(before), new=parts(new), pages=pages(*some))
    return [int(one, 16) for one in digests]


async def test_within_31_bits_of_any_turn_of_any_frame(tmp_path: Path) -> None:
    entry = RANDOM.randbytes(32)
    media = [
        stored(1, entry),
        stored(2, RANDOM.randbytes(32), flipped(entry, 31)),
        stored(3, flipped(entry, 32)),
        stored(4, flipped(entry, 12), frames=5),
        stored(5),
        StoredHashes(f"{6:064x}", "0" * 40, "0" * 32, ""),
        StoredHashes(f"{7:064x}", "0" * 40, "0" * 32, "[]"),
    ]
    assert await found(tmp_path / "new", entries(HashAlgorithm.PDQ, entry), *media) == [1, 2, 4]
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("algorithm", "size"), [(HashAlgorithm.SHA256, 32), (HashAlgorithm.SHA1, 20), (HashAlgorithm.MD5, 16)]
)
async def test_every_digest(tmp_path: Path, algorithm: HashAlgorithm, size: int) -> None:
    new = entries(algorithm, (2).to_bytes(size), (9).to_bytes(size))
    assert await found(tmp_path, new, stored(1), stored(2), stored(3)) == [2]


async def test_phash_within_8_bits(tmp_path: Path) -> None:
    entry = RANDOM.randbytes(8)
    media = [stored(1, phash=flipped(entry, 8)), stored(2, phash=flipped(entry, 9)), stored(3, phash=entry)]
    assert await found(tmp_path, entries(HashAlgorithm.PHASH, entry), *media) == [1, 3]


async def test_what_was_compared_before_is_left_out(tmp_path: Path) -> None:
    old, both, new = (RANDOM.randbytes(32) for _ in range(3))
    media = [stored(1, old), stored(2, both), stored(3, new)]
    before = entries(HashAlgorithm.PDQ, old, both)
    assert await found(tmp_path, entries(HashAlgorithm.PDQ, both, new), *media, before=before) == [3]


async def test_what_was_taken_back_within_is_not_compared(tmp_path: Path) -> None:
    entry = ListEntry(HashAlgorithm.SHA256, (1).to_bytes(32).hex(), "csam")
    new = pack([ListChange(entry), ListChange(entry, removed=True)])
    assert await found(tmp_path, new, stored(1)) == []


def test_an_index_finds_what_a_sieve_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very many entries are indexed, and more than a sieve holds are taken in turns: three ways, one answer."""
    values = sorted(RANDOM.randbytes(32) for _ in range(300))
    media = [stored(number, flipped(values[number], number % 40)) for number in range(200)]
    lines = "\n".join(" ".join(one) for one in media).encode()
    sent = tmp_path / "sent"
    with sent.open("wb") as pipe:
        for part in (b"", entries(HashAlgorithm.PDQ, *values), b"", lines, b""):
            pipe.write(len(part).to_bytes(4, "big") + part)
    answers = []
    for most, large in ((1_000, 1_000), (100, 1_000), (100, 200)):
        monkeypatch.setattr(rematch, "ENTRIES", most)
        monkeypatch.setattr(rematch, "LARGE", large)
        with sent.open("rb") as pipe:
            answers.append(rematch.main(str(tmp_path), pipe))
    expected = [f"{number:064x}" for number in range(200) if number % 40 <= 31]
    assert answers == [expected] * 3


async def test_a_process_that_ends_early_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RelayError):
        await found(tmp_path / "file", entries(HashAlgorithm.PDQ, RANDOM.randbytes(32)), stored(1))
