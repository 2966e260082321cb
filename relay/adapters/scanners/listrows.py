"""What one row of a list means: ours, and those that other systems export.

`row_change` and `change_of` read ours: algorithm, value, category, source, note, and in JSON `removed`.
`exported_change` reads a row of `threatexchange dataset -P --csv`; `item_changes` items of JSON: ours, ThreatExchange's
indicators (`threat_updates`, `threat_descriptors`), contents of an HMA bank. `bare_change` reads a line that begins
with a hash, as HMA keeps them.
Each returns a change, what is wrong, or `Unused` for what is sound and not for us.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListChange, ListEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = ("algorithm", "value", "category", "source", "note")
"""Header of CSV files of ours."""
EXPORTED: Final = ("signal_type", "signal_str", "collab", "category", "tags")
"""Header of `threatexchange dataset -P --csv`."""

_HEX: Final = re.compile(r"[0-9a-f]+")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,15}")
"""What may be shown of a field: nothing that could be a hash."""

_OURS: Final = {algorithm.value: algorithm for algorithm in HashAlgorithm}

_SIGNALS: Final = {
    "pdq": HashAlgorithm.PDQ,
    "md5": HashAlgorithm.MD5,
    "photo_md5": HashAlgorithm.MD5,
    "video_md5": HashAlgorithm.MD5,
    "sha1": HashAlgorithm.SHA1,
    "sha256": HashAlgorithm.SHA256,
    "video_sha256": HashAlgorithm.SHA256,
    "HASH_PDQ": HashAlgorithm.PDQ,
    "HASH_MD5": HashAlgorithm.MD5,
    "HASH_SHA1": HashAlgorithm.SHA1,
    "HASH_SHA256": HashAlgorithm.SHA256,
}
"""Types of signals in ThreatExchange and HMA that are hashes of ours. Other types are not used."""

_HARMLESS: Final = frozenset({"NON_MALICIOUS", "NEGATIVE_CLASS"})
"""Opinions by which a signal is no match: it is not used."""

_BY_LENGTH: Final = {
    length: [algorithm for algorithm in HashAlgorithm if HEX_LENGTH[algorithm] == length]
    for length in set(HEX_LENGTH.values())
}


@dataclass(frozen=True, slots=True)
class Unused:
    """A row that is sound and not for us, and why: a type of signal, or somebody's opinion that it is harmless."""

    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a list is read: the category of entries that name none, the algorithm of bare hashes, what it may hold."""

    category: str = ""
    algorithm: HashAlgorithm | None = None
    allowed: frozenset[HashAlgorithm] = frozenset(HashAlgorithm)


Row = dict[str, Any]


def change_of(fields: Row, reading: Reading) -> ListChange | str:
    """Read an item of ours."""
    removed = fields.get("removed", False)
    if not isinstance(removed, bool):
        return "removed is not true or false"
    unknown = fields.keys() - {*COLUMNS, "removed"}
    if unknown:
        return f"unknown field{_shown(min(unknown))}"
    row = [fields.get(name, "") for name in COLUMNS]
    for name, value in zip(COLUMNS, row, strict=True):
        if not isinstance(value, str):
            return f"{name} is not a string"
    return row_change(row, reading, removed=removed)


def row_change(row: Sequence[str], reading: Reading, *, removed: bool = False) -> ListChange | str:
    """Read a row of ours: one string for each of `COLUMNS`."""
    word, value, category, source, note = row
    algorithm = _OURS.get(word) or _OURS.get(word.strip().lower())
    if algorithm is None:
        return f"unknown algorithm{_shown(word.strip())}" if word.strip() else "no algorithm"
    said = (category.strip(), source.strip(), note.strip())
    return _change(algorithm, value, said, reading, removed=removed)


def bare_change(line: str, reading: Reading) -> ListChange | Unused | str:
    """Read a line that begins with a hash, or with its type and a space: `HASH,id,time,tags` or `TYPE HASH`."""
    value, *rest = line.split(",")
    kind, _, own = value.strip().rpartition(" ")
    tags = rest[2].strip() if len(rest) > 2 else ""
    if kind:
        return _signal(kind.strip(), own, ("", "", tags), reading)
    fitting = _BY_LENGTH.get(len(own), [])
    algorithm = reading.algorithm or (fitting[0] if len(fitting) == 1 else None)
    if algorithm is None:
        if fitting:
            return f"{len(own)} digits can be {' or '.join(fitting)}: say which with --algorithm"
        return "no hash that we know has so many digits"
    return _change(algorithm, own, ("", "", tags), reading)


def exported_change(row: Sequence[str], reading: Reading) -> ListChange | Unused | str:
    """Read a row of `threatexchange dataset -P --csv`: one string for each of `EXPORTED`."""
    kind, value, collaboration, category, tags = row
    if category in _HARMLESS:
        return Unused(category)
    return _signal(kind.strip(), value, ("", collaboration.strip(), tags.strip()), reading)


def item_changes(item: object, reading: Reading) -> list[ListChange | Unused | str]:
    """Read an item of a JSON document; content of a bank may hold several hashes."""
    if not isinstance(item, dict):
        return ["not a JSON object"]
    signals = item.get("signals")
    if isinstance(signals, dict):
        note = f"content {item['id']}" if isinstance(item.get("id"), int) else ""
        return [_signal(str(kind), value, ("", "", note), reading) for kind, value in signals.items()]
    nested = item.get("indicator")
    if isinstance(nested, dict):  # a descriptor: the indicator is an object of its own
        item = {**item, "type": item.get("type", nested.get("type")), "indicator": nested.get("indicator")}
    if "indicator" in item or "raw_indicator" in item:
        return [_indicator(item, reading)]
    return [change_of(item, reading)]


def _indicator(item: Row, reading: Reading) -> ListChange | Unused | str:
    opinions = _data(item.get("descriptors")) if "descriptors" in item else [item]
    stated = {str(opinion.get("status", "")) for opinion in opinions if isinstance(opinion, dict)}
    # Facebook leaves descriptors out of what was deleted and forgets to say so (its issue 834).
    gone = item.get("should_delete") is True or not opinions
    if not gone and stated and stated <= _HARMLESS:
        return Unused("NON_MALICIOUS")
    tags = {tag for opinion in opinions if isinstance(opinion, dict) for tag in _tags(opinion.get("tags"))}
    value = item.get("raw_indicator", item.get("indicator"))
    said = ("", "threatexchange", " ".join(sorted(tags)))
    return _signal(str(item.get("type", "")), value, said, reading, removed=gone)


def _data(value: object) -> list[Any]:
    """A list as it is, or as the Graph API wraps it."""
    found = value.get("data", []) if isinstance(value, dict) else value
    return found if isinstance(found, list) else []


def _tags(value: object) -> list[str]:
    found = [tag.get("text") if isinstance(tag, dict) else tag for tag in _data(value)]
    return [tag for tag in found if isinstance(tag, str)]


def _signal(
    kind: str, value: object, said: tuple[str, str, str], reading: Reading, *, removed: bool = False
) -> ListChange | Unused | str:
    algorithm = _SIGNALS.get(kind)
    if algorithm is None:
        return Unused(kind if _WORD.fullmatch(kind) or kind.startswith("HASH_") else "unknown type")
    return _change(algorithm, value, said, reading, removed=removed)


def _change(
    algorithm: HashAlgorithm,
    value: object,
    said: tuple[str, str, str],
    reading: Reading,
    *,
    removed: bool = False,
) -> ListChange | str:
    if algorithm not in reading.allowed:
        return f"{algorithm} is not for a list of this kind"
    text = value.strip().lower() if isinstance(value, str) else ""
    length = HEX_LENGTH[algorithm]
    if len(text) != length or not _HEX.fullmatch(text):
        return f"a {algorithm} value has {length} hexadecimal digits"
    category = said[0] or reading.category
    if not category:
        return "no category"
    return ListChange(ListEntry(algorithm, text, category, said[1], said[2]), removed)


def _shown(text: object) -> str:
    """A word as it stands in the row, quoted; nothing when it could be a hash."""
    return f" {text!r}" if isinstance(text, str) and _WORD.fullmatch(text) else ""
