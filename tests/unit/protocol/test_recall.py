"""The documents of a recall."""

from __future__ import annotations

from relay.protocol.documents import AS2
from relay.protocol.recall import (
    FLAG_TEXT,
    MEDIA_RECALL,
    WITHDRAWN_TEXT,
    flag,
    media_recall,
    undo_announce,
    withdrawal,
)

SENT = {"id": "https://r.test/1", "actor": "https://r.test/actor", "to": "https://m.test/actor"}
POSTS = ["https://a.test/1", "https://a.test/2"]


def test_a_flag_names_the_account_first() -> None:
    made = flag(**SENT, author="https://a.test/a", posts=POSTS, now=0.0)
    assert made == {
        "@context": AS2,
        "id": "https://r.test/1",
        "type": "Flag",
        "actor": "https://r.test/actor",
        "to": ["https://m.test/actor"],
        "object": ["https://a.test/a", *POSTS],
        "content": FLAG_TEXT,
        "published": "1970-01-01T00:00:00Z",
    }
    assert flag(**SENT, author=None, posts=POSTS, now=0.0)["object"] == POSTS


def test_the_form_for_software_defines_its_terms() -> None:
    made = media_recall(**SENT, posts=POSTS, media=["https://a.test/m.png"], now=0.0)
    assert (made["type"], made["object"], made["recalledMedia"]) == (
        MEDIA_RECALL,
        POSTS,
        ["https://a.test/m.png"],
    )
    assert made["@context"] == [
        AS2,
        {
            "MediaRecall": "https://w3id.org/assay/ns#MediaRecall",
            "recalledMedia": {
                "@id": "https://w3id.org/assay/ns#recalledMedia",
                "@type": "@id",
                "@container": "@set",
            },
        },
    ]


def test_an_announce_is_undone_embedded() -> None:
    made = undo_announce(**SENT, announce="https://r.test/a", object_id=POSTS[0])
    assert made["object"] == {
        "id": "https://r.test/a",
        "type": "Announce",
        "actor": "https://r.test/actor",
        "object": POSTS[0],
    }
    assert made["type"] == "Undo"


def test_a_withdrawal_names_what_was_sent() -> None:
    made = withdrawal(**SENT, document="https://r.test/f", kind="Flag", posts=POSTS, now=0.0)
    assert (made["@context"], made["content"]) == (AS2, WITHDRAWN_TEXT)
    assert made["object"] == {
        "id": "https://r.test/f",
        "type": "Flag",
        "actor": "https://r.test/actor",
        "object": POSTS,
    }
    of_software = withdrawal(**SENT, document="https://r.test/f", kind=MEDIA_RECALL, posts=POSTS, now=0.0)
    assert isinstance(of_software["@context"], list)
