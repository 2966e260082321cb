"""Posts and activities as servers write them, with the properties on their media.

The members are those of recorded posts (tests/golden/captures). Of Pleroma, Pixelfed, Lemmy and PeerTube there are no
recordings: their posts are written as they are known to be, and were compared with none. What plays no part here is
left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from relay.domain.activity import AS_PUBLIC
from relay.protocol.documents import AS2, NAMESPACE, SECURITY
from relay.protocol.lab.meaning import CONTEXT
from relay.protocol.lab.places import BESIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Json = dict[str, Any]
    Shape = Callable[[str, Sequence[Json]], Json]

PUBLISHED: Final = "2026-11-21T22:20:00Z"
_TOOT: Final[Mapping[str, object]] = {
    "toot": "http://joinmastodon.org/ns#",
    "sensitive": "as:sensitive",
    "blurhash": "toot:blurhash",
    "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
}
"""What most servers define for pictures."""


def image(server: str, media: Sequence[Json]) -> Json:
    """The FEP's own shape: an Image by itself."""
    return create(server, {**_own(server, "images/1"), "type": "Image", "name": "A picture", **media[0]})


def note(server: str, media: Sequence[Json], **members: object) -> Json:
    """A Note with Images; `members` replace its own."""
    post = _post(server, "notes/1") | {"attachment": [{"type": "Image", **one} for one in media]} | members
    return create(server, post)


def mastodon(server: str, media: Sequence[Json]) -> Json:
    """Mastodon 4: Documents with BlurHash and focal point."""
    extra = {
        "blurhash": "UeKUpFxuo~R%0nW;WCnhF6RjaJt757oJodS$",
        "focalPoint": [-0.5, 0.25],
        "width": 640,
        "height": 480,
    }
    post = _post(server, "users/ann/statuses/1") | {
        "summary": None,
        "inReplyTo": None,
        "sensitive": False,
        "attachment": [{"type": "Document", "name": None, **extra, **one} for one in media],
        "tag": [],
    }
    return create(server, post, [AS2, {**_TOOT, **CONTEXT}])


def misskey(server: str, media: Sequence[Json]) -> Json:
    """Misskey: Documents that say whether they are sensitive."""
    misskey_terms = {"misskey": "https://misskey-hub.net/ns#", "_misskey_content": "misskey:_misskey_content"}
    post = _post(server, "notes/9z1") | {
        "_misskey_content": "A picture",
        "inReplyTo": None,
        "sensitive": False,
        "attachment": [{"type": "Document", "name": "a picture", "sensitive": False, **one} for one in media],
        "tag": [],
    }
    return create(server, post, [AS2, SECURITY, {**_TOOT, **misskey_terms, **CONTEXT}])


def pleroma(server: str, media: Sequence[Json]) -> Json:
    """Pleroma and Akkoma: a context of their own server, and the URL as an array of one Link."""
    attachment = [{"type": "Document", "name": "", **one, "url": [_link(one)]} for one in media]
    post = _post(server, "objects/1") | {"attachment": attachment, "sensitive": None, "tag": [], "emoji": {}}
    context = [AS2, f"https://{server}/schemas/litepub-0.1.jsonld", {"@language": "und"}, dict(CONTEXT)]
    return create(server, post, context)


def pixelfed(server: str, media: Sequence[Json]) -> Json:
    """Pixelfed: Images, and a context with many terms of which it uses few."""
    terms = {**_TOOT, "Hashtag": "as:Hashtag", "commentsEnabled": {"@id": "toot:commentsEnabled"}, **CONTEXT}
    attachment = [{"type": "Image", "name": "alt text", "blurhash": None, **one} for one in media]
    post = _post(server, "p/ann/1") | {"attachment": attachment, "sensitive": False, "commentsEnabled": True}
    return create(server, post, [AS2, SECURITY, terms])


def gotosocial(server: str, media: Sequence[Json]) -> Json:
    """GoToSocial: Images with the description in `summary`; one stands without its array."""
    attachment = [{"type": "Image", "summary": "alt text", "focalPoint": [0, 0], **one} for one in media]
    post = _post(server, "users/ann/statuses/01") | {
        "attachment": attachment[0] if len(attachment) == 1 else attachment,
        "to": AS_PUBLIC,
    }
    return create(server, post, ["https://gotosocial.org/ns", AS2, {**_TOOT, **CONTEXT}])


def lemmy(server: str, media: Sequence[Json]) -> Json:
    """Lemmy: the group announces the Create of a Page, with a link in `attachment` and the thumbnail in `image`."""
    post = _post(server, "post/1") | {
        "type": "Page",
        "name": "A picture",
        "attachment": [{"type": "Link", "href": "https://elsewhere.example/article"}],
        "image": {"type": "Image", **media[0]},
        "audience": f"https://{server}/c/pictures",
    }
    inner = create(server, post)
    del inner["@context"]
    return {
        "@context": ["https://join-lemmy.org/context.json", AS2, dict(CONTEXT)],
        "id": f"https://{server}/activities/announce/1",
        "type": "Announce",
        "actor": f"https://{server}/c/pictures",
        "to": [AS_PUBLIC],
        "object": inner,
    }


def peertube(server: str, media: Sequence[Json]) -> Json:
    """PeerTube: a Video with files as Links in `url`, and its thumbnails in `icon`."""
    video, thumbnail = media[0], media[-1]
    page = {"type": "Link", "mediaType": "text/html", "href": f"https://{server}/w/1"}
    own = {name: value for name, value in video.items() if name in {"hash", "attestation"}}
    post = _post(server, "videos/watch/1") | {
        "type": "Video",
        "name": "A video",
        "duration": "PT5S",
        "url": [page, _link(video) | {"height": 480, "fps": 30}],
        "icon": [{"type": "Image", "width": 280, "height": 157, **thumbnail}],
        **own,
    }
    return create(
        server, post, [AS2, SECURITY, {"pt": "https://joinpeertube.org/ns#", "fps": "pt:fps", **CONTEXT}]
    )


def actor(server: str, media: Sequence[Json]) -> Json:
    """An account with a portrait and a banner."""
    return {
        "@context": [AS2, SECURITY, dict(CONTEXT)],
        "id": f"https://{server}/users/ann",
        "type": "Person",
        "preferredUsername": "ann",
        "inbox": f"https://{server}/users/ann/inbox",
        "outbox": f"https://{server}/users/ann/outbox",
        "icon": {"type": "Image", **media[0]},
        "image": {"type": "Image", **media[-1]},
    }


def link(server: str, media: Sequence[Json]) -> Json:
    """A Link in `attachment`."""
    return note(server, (), attachment=[{**_link(one), **_claims(one)} for one in media])


def preview(server: str, media: Sequence[Json]) -> Json:
    """An Article with a preview."""
    return note(server, (), type="Article", name="An article", preview={"type": "Image", **media[0]})


def poster(server: str, media: Sequence[Json]) -> Json:
    """A Video in `attachment` with a poster in its `icon`, as Mastodon sends it."""
    video = {"type": "Document", **media[0], "icon": {"type": "Image", **media[-1]}}
    return note(server, (), attachment=[video])


def collection(server: str, media: Sequence[Json]) -> Json:
    """An outbox page with one activity for each medium."""
    items = [
        image(server, [one]) | {"id": f"https://{server}/activities/{place}"}
        for place, one in enumerate(media)
    ]
    for item in items:
        del item["@context"]
    return {
        "@context": [AS2, dict(CONTEXT)],
        "id": f"https://{server}/outbox?page=1",
        "type": "OrderedCollectionPage",
        "orderedItems": items,
    }


def announce(server: str, media: Sequence[Json]) -> Json:
    """An Announce of a relay, with the attestations beside the object."""
    terms = {BESIDE: {"@id": f"{NAMESPACE}{BESIDE}", "@type": "@id", "@container": "@set"}}
    return {
        "@context": [AS2, terms],
        "id": f"https://{server}/activities/2",
        "type": "Announce",
        "actor": f"https://{server}/actor",
        "object": "https://origin.example/notes/1",
        "to": [f"https://{server}/followers"],
        "published": PUBLISHED,
        BESIDE: [one["attestation"] for one in media],
    }


SHAPES: Final[Mapping[str, Shape]] = {
    "image": image,
    "note": note,
    "mastodon": mastodon,
    "misskey": misskey,
    "pleroma": pleroma,
    "pixelfed": pixelfed,
    "gotosocial": gotosocial,
    "lemmy": lemmy,
    "peertube": peertube,
    "actor": actor,
    "link": link,
    "preview": preview,
    "poster": poster,
    "collection": collection,
    "announce": announce,
}
"""Every shape by name: of a server's name, and of media with `url`, `mediaType` and the two properties."""


def create(server: str, post: Json, context: object = None) -> Json:
    """The Create of a post."""
    return {
        "@context": [AS2, dict(CONTEXT)] if context is None else context,
        "id": f"{post['id']}/activity",
        "type": "Create",
        "actor": f"https://{server}/users/ann",
        "published": PUBLISHED,
        "to": [AS_PUBLIC],
        "object": post,
    }


def _own(server: str, path: str) -> Json:
    return {
        "id": f"https://{server}/{path}",
        "attributedTo": f"https://{server}/users/ann",
        "to": [AS_PUBLIC],
    }


def _post(server: str, path: str) -> Json:
    return _own(server, path) | {"type": "Note", "published": PUBLISHED, "content": "<p>A picture</p>"}


def _link(one: Json) -> Json:
    return {"type": "Link", "mediaType": one["mediaType"], "href": one["url"]}


def _claims(one: Json) -> Json:
    return {name: one[name] for name in ("hash", "attestation") if name in one}
