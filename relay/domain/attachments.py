"""The media of a post, as its document refers to them.

What receivers show, they fetch; so whatever a receiver may fetch has to be found here, and doubt counts as
media. Mastodon takes any `attachment` with a `url` and goes by `mediaType`; Misskey goes by `type` and
takes `Page`, too; covers stand in `icon` of an attachment; PeerTube's `url` is a list of Links with
playlists whose `tag` holds the files. A `Link` in `attachment` to a web page (Lemmy, Mobilizon) is shown as
a link and is no media. Custom emoji in `tag` and whatever an embedded `inReplyTo` holds are not the post's
media.

Source: ActivityStreams 2.0 vocabulary 4 (`attachment`, `icon`, `image`, `preview`, `url`), FEP-b53d,
FEP-1311, and the recordings in tests/golden/captures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, TypeAlias

from mediaattest.digest import from_multibase
from relay.domain.media import MediaKind, MediaRef

Document: TypeAlias = Mapping[str, object]

MAX_MEDIA: Final = 64
"""Most media items that are listed; a post of sixteen is the largest seen."""

MAX_LOOKED_AT: Final = 512
"""Most entries that are looked at, media or not, and most links of one; beyond, the list is incomplete."""

MAX_CLAIMS: Final = 4
"""Most hashes, and most attestations, that are read of one item (attestation.md, verification)."""

ACTOR_TYPES: Final = frozenset({"Application", "Group", "Organization", "Person", "Service"})
"""ActivityStreams 2.0 vocabulary 3.2."""

_MEDIA_TYPES: Final = frozenset({"Image", "Video", "Audio", "Document"})
_SHOWN: Final = ("icon", "image", "preview")
_HIDDEN_BY_ALIAS: Final = frozenset({"attachment", "url", "href", *_SHOWN})
_KINDS: Final = {kind.value: kind for kind in (MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO)}
_PLAYLISTS: Final = frozenset(
    {"application/x-mpegurl", "application/vnd.apple.mpegurl", "application/dash+xml"}
)
_SUFFIXES: Final = {
    suffix: kind
    for kind, suffixes in (
        (MediaKind.IMAGE, "jpg jpeg jfif png gif webp avif heic heif jxl bmp tif tiff"),
        (MediaKind.VIDEO, "mp4 m4v webm mov mkv ogv avi 3gp m3u8"),
        (MediaKind.AUDIO, "mp3 ogg oga opus flac wav m4a aac weba"),
    )
    for suffix in suffixes.split()
}


def media_of(document: Document) -> tuple[tuple[MediaRef, ...], bool]:
    """The media that a post refers to, each once, in the document's order; and whether that is all of it.

    It is not all when there are more than `MAX_MEDIA` of `MAX_LOOKED_AT` entries, or when a property
    carries an expanded or prefixed name (`as:attachment`), which a receiver that processes JSON-LD reads
    and this does not.
    """
    found: dict[MediaRef, None] = {}
    for looked_at, item in enumerate(_items(document)):
        is_over = len(found) == MAX_MEDIA and item not in found
        if looked_at == MAX_LOOKED_AT or (item is not None and is_over):
            return tuple(found), False
        if item is not None:
            found[item] = None
    return tuple(found), not _has_aliases(document)


def kind_of(media_type: str | None, object_type: str | None, url: str) -> MediaKind:
    """The kind of an item: by its media type, else by its ActivityStreams type, else by the URL's suffix."""
    essence = media_type or ""
    if (kind := _KINDS.get(essence.partition("/")[0])) is not None:
        return kind
    if essence in _PLAYLISTS:
        return MediaKind.VIDEO
    if object_type is not None and (kind := _KINDS.get(object_type.lower())) is not None:
        return kind
    path = url.partition("?")[0].partition("#")[0]
    return _SUFFIXES.get(path.rpartition(".")[2].lower(), MediaKind.OTHER)


def flat(value: object) -> Sequence[object]:
    """The members of an array and of arrays in it, or the value itself as the only member; none for null.

    JSON-LD 1.1 1.8: sets have no order, one member may stand without its array, and sets do not nest.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        return (value,)
    return [member for entry in value for member in flat(entry)]


def types_of(document: Document) -> tuple[str, ...]:
    """All strings in `type`."""
    return tuple(name for name in flat(document.get("type")) if isinstance(name, str))


def _items(document: Document) -> Iterator[MediaRef | None]:
    """The item of each entry that is looked at, None where it is no media."""
    types = types_of(document)
    if types and ACTOR_TYPES.issuperset(types):
        return  # portraits and banners are the account's, not a post's
    if not _MEDIA_TYPES.isdisjoint(types):
        yield from _own_file(document)
    for entry in flat(document.get("attachment")):
        yield from _attached(entry)
    for name in _SHOWN:
        for entry in flat(document.get(name)):
            yield from _shown(name, entry)


def _own_file(document: Document) -> Iterator[MediaRef]:
    """The file of an object that is media itself: the first playable one, else the first that is no page."""
    links = [link[:2] for link in islice(_files(document.get("url")), MAX_LOOKED_AT)]
    playable = [link for link in links if (link[1] or "").partition("/")[0] in _KINDS]
    for url, media_type in playable or [link for link in links if link[1] != "text/html"]:
        yield _ref(document, url, media_type or _media_type(document))
        return


def _files(value: object) -> Iterator[tuple[str, str | None, Document]]:
    """The http(s) Links of `url`; PeerTube's playlists carry their files as Links in `tag`."""
    for link in _links(value):
        yield link
        if link[1] in _PLAYLISTS:
            yield from _links(link[2].get("tag"))


def _attached(entry: object) -> Iterator[MediaRef | None]:
    if isinstance(entry, str):
        yield MediaRef(entry, kind_of(None, None, entry))
        return
    if not isinstance(entry, dict):
        yield None
        return
    item = _item(entry)
    yield item if item is not None and not _is_page_link(entry, item) else None
    for name in _SHOWN:
        for cover in flat(entry.get(name)):
            yield from _shown(name, cover)


def _shown(name: str, entry: object) -> Iterator[MediaRef | None]:
    """What stands in `icon`, `image` or `preview`; that may also be a post with attachments (FEP-b2b8)."""
    if isinstance(entry, str):
        kind = kind_of(None, None, entry)
        yield MediaRef(entry, MediaKind.IMAGE if kind is MediaKind.OTHER else kind)
        return
    if not isinstance(entry, dict):
        yield None
        return
    types = types_of(entry)
    is_media = not types or not _MEDIA_TYPES.isdisjoint(types) or "Link" in types
    item = _item(entry) if is_media else None
    is_page = item is not None and name == "preview" and _is_page_link(entry, item)
    yield None if is_page else item
    for attached in flat(entry.get("attachment")):
        yield _item(attached) if isinstance(attached, dict) else None


def _item(entry: Document) -> MediaRef | None:
    """One object or Link as an item: its first http(s) URL, else whatever stands there, to be refused."""
    links = list(islice(chain(_links(entry.get("url")), _links(entry.get("href"))), MAX_LOOKED_AT))
    if not links:
        return None
    url, media_type, link = next((one for one in links if one[0].startswith(("https:", "http:"))), links[0])
    return _ref(entry, url, _media_type(entry) or media_type, link)


def _links(value: object) -> Iterator[tuple[str, str | None, Document]]:
    """URL, media type and Link of each string or Link in `value`."""
    for member in flat(value):
        if isinstance(member, str):
            yield member, None, {}
        elif isinstance(member, dict):
            for href in flat(member.get("href")):
                if isinstance(href, str):
                    yield href, _media_type(member), member


def _ref(entry: Document, url: str, media_type: str | None, link: Document | None = None) -> MediaRef:
    object_type = next((name for name in types_of(entry) if name in _MEDIA_TYPES), None)
    hashes = _claims(entry, "hash") or _claims(link or {}, "hash")
    digests = _claims(entry, "digestMultibase") or _claims(link or {}, "digestMultibase")
    decoded = [digest for text in digests if (digest := from_multibase(text)) is not None]
    return MediaRef(
        url=url,
        kind=kind_of(media_type, object_type, url),
        media_type=media_type,
        hashes=tuple(dict.fromkeys([*hashes, *decoded]))[:MAX_CLAIMS],
        attestations=_claims(entry, "attestation") or _claims(link or {}, "attestation"),
    )


def _claims(entry: Document, name: str) -> tuple[str, ...]:
    """The strings of a property that is one or an array (FEP-b53d `hash`, `attestation`; FEP-1311)."""
    return tuple(text for text in flat(entry.get(name)) if isinstance(text, str))[:MAX_CLAIMS]


def _media_type(entry: Document) -> str | None:
    """The media type without parameters, in lower case (RFC 9110 8.3.1)."""
    value = entry.get("mediaType")
    if not isinstance(value, str):
        return None
    return value.partition(";")[0].strip().lower() or None


def _is_page_link(entry: Document, item: MediaRef) -> bool:
    """Whether an entry is a Link that shows no sign of being media."""
    is_link = "Link" in types_of(entry)
    return is_link and item.kind is MediaKind.OTHER and not item.hashes and not item.attestations


def _has_aliases(document: Document) -> bool:
    return any(":" in name and _local_name(name) in _HIDDEN_BY_ALIAS for name in document)


def _local_name(name: str) -> str:
    return name.rpartition(":")[2].rpartition("#")[2].rpartition("/")[2]
