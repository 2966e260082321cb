"""Web hooks of Mastodon: how a request is signed, and what it says.

An admin of the server enters our address and chooses events; Mastodon makes the secret. Each event is a POST of
`application/json` with `X-Hub-Signature: sha256=` and the HMAC-SHA256 of the exact body in hex. The body is
`{"event", "created_at", "object"}`; the object of `status.*` is the `Status` of the REST API as a stranger sees it.
Statuses of every visibility come, of local accounts only, boosts among them. There is no time and no number in the
request: the same bytes come again when an answer got lost, up to 16 times in two days. A `template` makes another body.

Source: Mastodon's documentation (admin/webhooks, entities/Status, entities/MediaAttachment), and what it sends.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import hosts, strictjson
from relay.domain.attachments import MAX_MEDIA, kind_of
from relay.domain.content import MAX_HASHTAGS, Content, hashtag_name, language_tag
from relay.domain.errors import Malformed
from relay.domain.media import MediaKind, MediaRef
from relay.domain.webhook import EVENTS, HookedPost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document = Mapping[str, object]

HEADER: Final = "X-Hub-Signature"
_SIGNATURE: Final = re.compile(r"sha256=([0-9a-f]{64})")
PRIVATE: Final = "private"
_KINDS: Final = {
    "image": MediaKind.IMAGE,
    "gifv": MediaKind.VIDEO,
    "video": MediaKind.VIDEO,
    "audio": MediaKind.AUDIO,
}


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What a request says: the event, and the object that it is about."""

    event: str
    document: Document

    @property
    def is_boost(self) -> bool:
        """Whether somebody passed on what somebody else wrote: that post comes by itself, or is not of this server."""
        return self.document.get("reblog") is not None


def is_signed(body: bytes, header: str | None, secret: bytes) -> bool:
    """Whether `header` is the signature of these very bytes. Takes as long for a wrong one as for a right one."""
    found = _SIGNATURE.fullmatch((header or "").strip())
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(found[1] if found else "", expected)


def read_event(body: bytes) -> HookEvent:
    """The event in a body. Raises `Malformed`: `json-...`, `not-an-event` for what a template made."""
    document = strictjson.loads(body)
    event, about = (
        (document.get("event"), document.get("object")) if isinstance(document, dict) else (None, None)
    )
    if not isinstance(event, str) or not isinstance(about, dict):
        raise Malformed(
            'This is not {"event": …, "created_at": …, "object": …} as Mastodon sends it. Leave the template of the '
            "web hook empty.",
            code="not-an-event",
        )
    return HookEvent(event, about)


def read_post(event: HookEvent) -> HookedPost:
    """What is kept of the status of an event. Raises `Malformed` with code `bad-status`."""
    status = event.document
    account = status.get("account")
    author = _address(account.get("uri") or account.get("url")) if isinstance(account, dict) else None
    uri, visibility = _address(status.get("uri")), status.get("visibility")
    if uri is None or author is None or not isinstance(visibility, str):
        message = "The status lacks `uri`, `visibility`, or the `uri` or `url` of its `account`."
        raise Malformed(message, code="bad-status")
    attachments, edited = _members(status.get("media_attachments")), status.get("edited_at")
    media = dict.fromkeys(ref for one in attachments[:MAX_MEDIA] for ref in _media(one))
    mentions, language = _members(status.get("mentions")), language_tag(status.get("language"))
    tags = (hashtag_name(tag.get("name")) for tag in _members(status.get("tags"))[:MAX_HASHTAGS])
    return HookedPost(
        id=uri,
        author=author,
        kind=EVENTS[event.event],
        version=edited if isinstance(edited, str) else None,
        # Glitch and Hometown: what is not to leave the server is no more public than a post for followers.
        visibility=PRIVATE if status.get("local_only") is True else visibility,
        media=tuple(media),
        complete=len(attachments) <= MAX_MEDIA
        and all(isinstance(one.get("url"), str) for one in attachments),
        content=Content(
            actors=frozenset({author}),
            languages=frozenset({language} if language else ()),
            hashtags=frozenset(filter(None, tags)),
            mentions=len(mentions),
            sensitive=status.get("sensitive") is True,
        ),
    )


def _media(attachment: Document) -> Iterator[MediaRef]:
    """The file, and the cover that its author may have given a video or a sound. One that is not ready has no `url`."""
    url, cover, kind = (attachment.get(name) for name in ("url", "preview_url", "type"))
    known = _KINDS.get(str(kind))
    if isinstance(url, str):
        yield MediaRef(url, known or kind_of(None, None, url))
    if isinstance(cover, str) and known is not MediaKind.IMAGE:
        yield MediaRef(cover, MediaKind.IMAGE)


def _address(value: object) -> str | None:
    return value if isinstance(value, str) and hosts.is_http_url(value) else None


def _members(value: object) -> list[Document]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
