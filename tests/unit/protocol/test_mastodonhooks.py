"""Web hooks of Mastodon: signatures, events, and what is read of a status."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from relay.domain.attachments import MAX_MEDIA
from relay.domain.errors import Malformed
from relay.domain.media import MediaKind, MediaRef
from relay.protocol.documents import flag
from relay.protocol.mastodonhooks import HookEvent, is_signed, read_event, read_post

BODY, SECRET = b'{"event": "status.created"}', b"0123456789abcdef"
RIGHT = hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()
STATUS: dict[str, Any] = {
    "uri": "https://a.test/users/alice/statuses/1",
    "visibility": "public",
    "edited_at": None,
    "language": "pt-BR",
    "sensitive": True,
    "content": "<p>text</p>",
    "account": {"uri": "https://a.test/users/alice", "url": "https://a.test/@alice"},
    "media_attachments": [
        {"type": "image", "url": "https://a.test/1.png", "preview_url": "https://a.test/small/1.png"}
    ],
    "mentions": [{"id": "1"}, {"id": "2"}],
    "tags": [{"name": "Cats"}, {"name": 7}, "x"],
}


def post(**more: Any) -> Any:
    return read_post(HookEvent("status.created", STATUS | more))


def test_a_signature_is_of_the_exact_bytes() -> None:
    assert is_signed(BODY, f"sha256={RIGHT}", SECRET)
    assert is_signed(BODY, f" sha256={RIGHT}\t", SECRET)
    assert not is_signed(BODY + b" ", f"sha256={RIGHT}", SECRET)
    assert not is_signed(BODY, f"sha256={RIGHT}", b"another secret here")


@pytest.mark.parametrize(
    "header",
    [None, "", RIGHT, f"sha1={RIGHT}", f"sha256={RIGHT.upper()}", f"sha256={RIGHT}0", "sha256=\u00e9"],
)
def test_what_is_no_signature_proves_nothing(header: str | None) -> None:
    assert not is_signed(BODY, header, SECRET)


def test_an_event_is_what_mastodon_sends() -> None:
    body = {"event": "status.created", "created_at": "2026-11-22T12:00:00Z", "object": STATUS}
    event = read_event(json.dumps(body).encode())
    assert (event.event, event.document, event.is_boost) == ("status.created", STATUS, False)
    assert HookEvent("status.created", STATUS | {"reblog": {"id": "1"}}).is_boost


@pytest.mark.parametrize("body", ["[]", "{}", '{"event": 1, "object": {}}', '{"event": "x", "object": []}'])
def test_other_bodies_are_of_a_template(body: str) -> None:
    with pytest.raises(Malformed, match="template") as caught:
        read_event(body.encode())
    assert caught.value.code == "not-an-event"


def test_of_a_status_facts_are_kept() -> None:
    found = post()
    assert (found.id, found.author) == (STATUS["uri"], "https://a.test/users/alice")
    assert (found.kind, found.version, found.visibility, found.complete) == ("Create", None, "public", True)
    assert found.media == (MediaRef("https://a.test/1.png", MediaKind.IMAGE),)
    content = found.content
    assert (content.actors, content.languages) == (frozenset({found.author}), frozenset({"pt-br"}))
    assert (content.hashtags, content.mentions, content.sensitive) == (frozenset({"cats"}), 2, True)
    assert "text" not in repr(found)
    edited = read_post(HookEvent("status.updated", STATUS | {"edited_at": "2026-11-22T12:00:00Z"}))
    assert (edited.kind, edited.version) == ("Update", "2026-11-22T12:00:00Z")


def test_an_older_mastodon_gives_only_the_page_of_an_account() -> None:
    assert post(account={"url": "https://a.test/@alice"}).author == "https://a.test/@alice"
    assert not post(language=None).content.languages


@pytest.mark.parametrize(
    "more",
    [{"uri": None}, {"uri": "tag:a.test,1"}, {"visibility": 1}, {"account": None}, {"account": {"uri": 1}}],
)
def test_a_status_without_what_is_needed_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        post(**more)
    assert caught.value.code == "bad-status"


def test_a_post_that_stays_on_its_server_is_private() -> None:
    assert post(local_only=True).visibility == "private"
    assert post(local_only=False).visibility == "public"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("image", [MediaKind.IMAGE]),
        ("gifv", [MediaKind.VIDEO, MediaKind.IMAGE]),
        ("video", [MediaKind.VIDEO, MediaKind.IMAGE]),
        ("audio", [MediaKind.AUDIO, MediaKind.IMAGE]),
        ("unknown", [MediaKind.OTHER, MediaKind.IMAGE]),
        (None, [MediaKind.OTHER, MediaKind.IMAGE]),
    ],
)
def test_files_and_covers_are_media(kind: str | None, expected: list[MediaKind]) -> None:
    one = {"type": kind, "url": "https://a.test/1", "preview_url": "https://a.test/2"}
    found = post(media_attachments=[one, one])
    assert [ref.kind for ref in found.media] == expected
    assert post(media_attachments=[{**one, "preview_url": None}]).media[0].kind is expected[0]


def test_media_that_are_not_listed_are_not_all() -> None:
    one = STATUS["media_attachments"][0]
    assert not post(media_attachments=[one | {"url": None}]).complete
    many = [one | {"url": f"https://a.test/{number}.png"} for number in range(MAX_MEDIA + 1)]
    assert not post(media_attachments=many).complete
    assert len(post(media_attachments=many).media) == MAX_MEDIA
    assert post(media_attachments=None).media == ()
    assert post(media_attachments=None).complete


def test_a_report_names_the_account_and_the_post() -> None:
    document = flag(
        id="https://relay.test/activities/1",
        actor="https://relay.test/actor",
        objects=("https://a.test/alice", "https://a.test/1"),
        content="why",
    )
    assert document == {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": "https://relay.test/activities/1",
        "type": "Flag",
        "actor": "https://relay.test/actor",
        "object": ["https://a.test/alice", "https://a.test/1"],
        "content": "why",
    }
