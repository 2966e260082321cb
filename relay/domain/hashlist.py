"""Entries of hash lists: what a list says about one file or picture, and how entries arrive in batches."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class HashAlgorithm(StrEnum):
    """How an entry's value was computed: digests of exact bytes, and perceptual hashes of pictures."""

    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"
    PDQ = "pdq"
    PHASH = "phash"


HEX_LENGTH: Final = {
    HashAlgorithm.SHA256: 64,
    HashAlgorithm.SHA1: 40,
    HashAlgorithm.MD5: 32,
    HashAlgorithm.PDQ: 64,
    HashAlgorithm.PHASH: 16,
}
"""Hexadecimal digits of a value."""

PHASH_RADIUS: Final = 8
"""Largest distance, inclusive, at which two 64-bit pHashes match; used only for lists that carry pHash."""


class ListPurpose(StrEnum):
    """What a list is for: it decides how its matches are named.

    `ABUSE`: known illegal material. `NCII`: intimate images, shared without consent: of adults, or handed in by the
    people that they show. `TEST`: the canary list and vendors' test sets, whose matches prove that scanning works.
    `BENIGN`: what resembles an entry of another list and harms nobody; it overrules that resemblance and never a known
    match (ADR 0026).
    """

    ABUSE = "abuse"
    NCII = "ncii"
    TEST = "test"
    BENIGN = "benign"


@dataclass(frozen=True, slots=True, order=True)
class ListEntry:
    """One line of a list. `value` is lower-case hex of the algorithm's length; `category` is never empty.

    `source` and `note` are the list keeper's own words and never leave the operator.
    """

    algorithm: HashAlgorithm
    value: str
    category: str
    source: str = ""
    note: str = ""


BENIGN_ALGORITHMS: Final = frozenset({HashAlgorithm.SHA256, HashAlgorithm.PDQ})
"""What a benign list may hold. Two files with one MD5 or SHA-1 can be made to order, one harmless and one not."""


@dataclass(frozen=True, slots=True)
class ListChange:
    """An entry as a batch brings it; `removed`: its keeper took it back. Of several about one value the last counts."""

    entry: ListEntry
    removed: bool = False


class BatchState(StrEnum):
    """What became of a batch. `LOADING`: not in force yet. `OUTDATED`: replaced for good, its entries are deleted."""

    LOADING = "loading"
    DONE = "done"
    UNDONE = "undone"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes to a list that came together, and can be undone together.

    `replaces`: it is the whole list, nothing older counts. `entries`: rows, removals included. `added`, `changed` and
    `removed` count what it did when it was put in force. `digest` stands for its content. `progress` is the importer's
    note of how far it has come, None once it is done. `since`: the checkpoint from which it was fetched, in seconds
    since the epoch; None when it was imported.
    """

    number: int
    list: str
    source: str
    who: str
    at: float
    state: BatchState
    replaces: bool
    entries: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    digest: str = ""
    progress: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a batch does to a list: entries that are new, whose texts change, that go, and that stay as they were.

    `repeats`: rows about a value that another row of the batch was about.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    repeats: int = 0


def in_force(batches: Iterable[Batch]) -> list[Batch]:
    """The batches of one list that count, oldest first: from the last one that replaces the list on."""
    done = sorted((one for one in batches if one.state is BatchState.DONE), key=lambda one: one.number)
    first = max((place for place, one in enumerate(done) if one.replaces), default=0)
    return done[first:]


# ---------------------------------------------------------------- packs

PACK: Final = 8192
"""Changes in one pack: a row of the store, and what an interrupted import loses at most."""

RECORD: Final = struct.Struct("<BBH32s")
"""A packed change: place of the algorithm in `HashAlgorithm`, 1 if removed, number of its texts, value."""

_LENGTH: Final = struct.Struct("<I")
_ALGORITHMS: Final = tuple(HashAlgorithm)


def pack(changes: Sequence[ListChange]) -> bytes:
    """At most `PACK` changes as bytes: the different texts as JSON, then a record for each change.

    Reading it needs no loop over the records (relay.adapters.scanners.columns).
    """
    texts: dict[tuple[str, str, str], int] = {}
    records = []
    for change in changes:
        entry = change.entry
        number = texts.setdefault((entry.category, entry.source, entry.note), len(texts))
        value = bytes.fromhex(entry.value)
        records.append(RECORD.pack(_ALGORITHMS.index(entry.algorithm), change.removed, number, value))
    head = json.dumps(list(texts), ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((_LENGTH.pack(len(head)), head, *records))


def split_pack(packed: bytes) -> tuple[list[tuple[str, str, str]], bytes]:
    """The texts (category, source, note) and the records of a pack. Raises `Malformed` for anything else."""
    try:
        (length,) = _LENGTH.unpack_from(packed)
        head = packed[_LENGTH.size : _LENGTH.size + length].decode()
        texts = [(str(category), str(source), str(note)) for category, source, note in json.loads(head)]
    except (struct.error, ValueError, TypeError) as error:
        raise Malformed("not a pack of list entries", code="bad-pack") from error
    records = packed[_LENGTH.size + length :]
    if len(records) % RECORD.size:
        raise Malformed("a pack of list entries was cut short", code="bad-pack")
    return texts, records


def unpack(packed: bytes) -> list[ListChange]:
    """The changes of a pack. Raises `Malformed`."""
    texts, records = split_pack(packed)
    return [
        ListChange(
            ListEntry(_ALGORITHMS[kind], value.hex()[: HEX_LENGTH[_ALGORITHMS[kind]]], *texts[text]),
            bool(gone),
        )
        for kind, gone, text, value in RECORD.iter_unpack(records)
    ]


def entry_mark(name: str, algorithm: str, value: bytes) -> str:
    """A short name for an entry of the list `name`: it tells entries apart and does not show them."""
    return hashlib.sha256(b"\0".join((name.encode(), algorithm.encode(), value))).hexdigest()[:16]
