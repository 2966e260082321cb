"""A Mastodon server as far as its web hooks go: what it sends, how it signs, when it tries again.

After Mastodon's documentation and what it is known to send: events of local accounts, the `Status` of the REST API as a
stranger sees it, the HMAC of the exact body, the same bytes at each attempt.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp

    from tests.fakes import FakeServer

SECRET = "5f1e7d0c9b8a76543210fedcba98765432100f1e"
ATTEMPTS = 17
"""The first, and sixteen more."""
FORGIVEN = frozenset({401, 408, 429})
"""Refusals that it takes for passing; others between 400 and 499, and 501, it does not repeat."""


def signature(body: bytes, secret: str = SECRET) -> str:
    """The value of `X-Hub-Signature`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class FakeMastodon:
    """Posts on a server of the fediverse, and what is sent of them. `template` makes other bodies."""

    server: FakeServer
    session: aiohttp.ClientSession
    address: str = "/webhooks/mastodon/social"
    secret: str = SECRET
    template: str | None = None
    answers: list[int] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(113_000_000_000_000_001))

    def file(self, content: bytes, kind: str = "image", **more: Any) -> dict[str, Any]:
        """A MediaAttachment whose file is served."""
        document = self.server.picture(content)
        return {
            "id": str(next(self._ids)),
            "type": kind,
            "url": document["url"],
            "preview_url": document["url"].replace("/media/", "/small/"),
            "remote_url": None,
            "meta": {},
            "description": "a cat that nobody may be told of",
            "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
            **more,
        }

    def status(self, *files: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A Status of alice."""
        number = str(next(self._ids))
        author = self.server.actor("/users/alice", "Person")
        return {
            "id": number,
            "created_at": "2026-11-22T12:00:00.000Z",
            "in_reply_to_id": None,
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "language": "en",
            "uri": f"{author.id}/statuses/{number}",
            "url": self.server.url(f"/@alice/{number}"),
            "edited_at": None,
            "content": "<p>words that nobody may keep</p>",
            "reblog": None,
            "account": {
                "id": "1",
                "username": "alice",
                "acct": "alice",
                "url": self.server.url("/@alice"),
                "uri": author.id,
            },
            "media_attachments": list(files),
            "mentions": [],
            "tags": [{"name": "cats", "url": self.server.url("/tags/cats")}],
            **more,
        }

    def body(self, document: dict[str, Any], event: str = "status.created") -> bytes:
        """The bytes of an event: once made, they stay as they are."""
        if self.template is not None:
            return self.template.encode()
        return json.dumps(
            {"event": event, "created_at": "2026-11-22T12:00:00.000Z", "object": document}
        ).encode()

    async def attempt(self, body: bytes, **headers: str) -> int:
        """Send bytes once; return the status."""
        signed = {"Content-Type": "application/json", "X-Hub-Signature": signature(body, self.secret)}
        async with self.session.post(self.address, data=body, headers={**signed, **headers}) as answer:
            self.answers.append(answer.status)
            return answer.status

    async def send(self, document: dict[str, Any], event: str = "status.created") -> int:
        """Send an event until it is taken or not worth repeating; return the last status."""
        body = self.body(document, event)
        for _ in range(ATTEMPTS):
            status = await self.attempt(body)
            refused = status == 501 or (400 <= status < 500 and status not in FORGIVEN)
            if 200 <= status < 300 or refused:
                return status
        return status
