"""The documents of a recall: signed by HTTP and sent to who received a post, never published anywhere.

They name posts and the addresses of their media. No digest or hash of a file, no list, no category and no distance is
in them: a digest may be the very entry of a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.protocol import documents
from relay.protocol.documents import AS2, NAMESPACE, Json, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIA_RECALL: Final = "MediaRecall"
_TERMS: Final = {
    MEDIA_RECALL: f"{NAMESPACE}{MEDIA_RECALL}",
    "recalledMedia": {"@id": f"{NAMESPACE}recalledMedia", "@type": "@id", "@container": "@set"},
}
FLAG_TEXT: Final = (
    "This relay passed these posts on to you. A file in them has since been recognised as one that must not be passed "
    "on. Please look into it without opening the file, and remove your copies. Do not answer in public."
)
WITHDRAWN_TEXT: Final = "The earlier report about these posts was a mistake. Please restore what you removed."


def flag(*, id: str, actor: str, to: str, author: str | None, posts: Sequence[str], now: float) -> Json:  # noqa: A002
    """The report of some posts of one author to the server of `to`.

    The account comes first, then posts: Mastodon and Pleroma look for an account in `object`, Misskey takes the first.
    """
    objects = [*([author] if author else []), *posts]
    report = documents.flag(id=id, actor=actor, objects=objects, content=FLAG_TEXT)
    return report | {"to": [to], "published": timestamp(now)}


def media_recall(
    *,
    id: str,  # noqa: A002
    actor: str,
    to: str,
    posts: Sequence[str],
    media: Sequence[str],
    now: float,
) -> Json:
    """The same for software: `object` are the posts, `recalledMedia` the addresses of the files."""
    return {
        "@context": [AS2, _TERMS],
        "id": id,
        "type": MEDIA_RECALL,
        "actor": actor,
        "to": [to],
        "object": list(posts),
        "recalledMedia": list(media),
        "published": timestamp(now),
    }


def undo_announce(*, id: str, actor: str, to: str, announce: str, object_id: str) -> Json:  # noqa: A002
    """The Undo of an Announce of ours. It is embedded: Pleroma and Misskey look at its type."""
    undone = {"id": announce, "type": "Announce", "actor": actor, "object": object_id}
    return {"@context": AS2, "id": id, "type": "Undo", "actor": actor, "to": [to], "object": undone}


def withdrawal(
    *,
    id: str,  # noqa: A002
    actor: str,
    to: str,
    document: str,
    kind: str,
    posts: Sequence[str],
    now: float,
) -> Json:
    """The Undo of a Flag or a MediaRecall, `document`."""
    undone = {"id": document, "type": kind, "actor": actor, "object": list(posts)}
    context: object = [AS2, _TERMS] if kind == MEDIA_RECALL else AS2
    return {
        "@context": context,
        "id": id,
        "type": "Undo",
        "actor": actor,
        "to": [to],
        "object": undone,
        "content": WITHDRAWN_TEXT,
        "published": timestamp(now),
    }
