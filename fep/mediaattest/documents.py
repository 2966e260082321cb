"""Where attestations stand in ActivityStreams documents (profile V-03 to V-06, W-05).

Properties are read by their names: no context is looked at, and nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from mediaattest.digest import from_multibase
from mediaattest.strict_json import is_array, is_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MEDIA: Final = frozenset({"Image", "Document", "Video", "Audio"})
_PLACES: Final = ("attachment", "image", "icon", "preview")
_MOST_CLAIMS: Final = 4  # V-04
_MOST_MEDIA: Final = 64
_DEEPEST: Final = 4


@dataclass(frozen=True, slots=True)
class Claims:
    """What a document says about one medium.

    `url` is None where attestations stand beside no medium, as in a relay's Announce. `hashes` are hash strings,
    those of `digestMultibase` (FEP-1311) included; at most four of each.
    """

    url: str | None
    hashes: tuple[str, ...]
    attestations: tuple[str, ...]


def claims_in(document: object) -> tuple[Claims, ...]:
    """The media of an activity or object (parsed JSON) with what it claims about each, in the document's order.

    Total: what is of no use is left out, and at most 64 media are read. Source: FEP-9525 V-03 to V-06, W-05.
    """
    if not is_members(document):
        return ()
    beside = _strings(document.get("mediaAttestation"))
    if beside:
        return (Claims(None, (), tuple(beside)),)
    post: Mapping[str, Any] = document
    if "actor" in document:
        nothing: Mapping[str, Any] = {}
        post = next(filter(is_members, _flat(document.get("object"))), nothing)
    found = (claims for medium in _media(post) if (claims := _claims(medium)) is not None)
    return tuple(islice(found, _MOST_MEDIA))


def _media(post: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The object itself when it is a medium, and its members that are."""
    if not _MEDIA.isdisjoint(_strings(post.get("type"))):
        yield post
    for member in chain.from_iterable(_flat(post.get(place)) for place in _PLACES):
        if is_members(member) and not {"Link", *_MEDIA}.isdisjoint(_strings(member.get("type"))):
            yield member


def _claims(medium: Mapping[str, Any]) -> Claims | None:
    """What stands on a medium, or on the Link in its `url`; None for one without an address."""
    for place in (*_flat(medium.get("url")), *_flat(medium.get("href"))):
        link: Mapping[str, Any] = place if is_members(place) else {}
        url: object = next(_flat(link.get("href")), None) if link else place
        if isinstance(url, str):
            return Claims(
                url, _hashes(medium, link), tuple(_claimed(medium, link, "attestation")[:_MOST_CLAIMS])
            )
    return None


def _hashes(medium: Mapping[str, Any], link: Mapping[str, Any]) -> tuple[str, ...]:
    """The hashes that are declared, each once. A `digestMultibase` that cannot be read equals nothing."""
    digests = (from_multibase(text) for text in _claimed(medium, link, "digestMultibase")[:_MOST_CLAIMS])
    declared = _claimed(medium, link, "hash")[:_MOST_CLAIMS]
    return tuple(dict.fromkeys([*declared, *filter(None, digests)]))[:_MOST_CLAIMS]


def _claimed(medium: Mapping[str, Any], link: Mapping[str, Any], name: str) -> list[str]:
    return _strings(medium.get(name)) or _strings(link.get(name))


def _strings(value: object) -> list[str]:
    return [one for one in _flat(value) if isinstance(one, str)]


def _flat(value: object, depth: int = 0) -> Iterator[Any]:
    """The members of an array, or the value alone; none for null (JSON-LD 1.1 1.8)."""
    if is_array(value) and depth <= _DEEPEST:
        for one in value:
            yield from _flat(one, depth + 1)
    elif value is not None:
        yield value
