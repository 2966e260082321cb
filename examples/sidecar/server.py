"""The smallest ActivityPub server that has something to attest: an actor, its posts with pictures, recipients.

It stands for software that is there already. What it does for attestations is one request, in `publish`: before a post
is stored and signed, it goes through the sidecar. When that does not answer, the post goes out as it is.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .signing import Signer

ACTIVITY = "application/activity+json"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
_log = logging.getLogger("server")


@dataclass
class Server:
    """`url` is its public address; `recipients` are inboxes, each with the address to connect to."""

    url: str
    folder: Path
    signer: Signer
    session: aiohttp.ClientSession
    sidecar: str
    recipients: Mapping[str, str]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def publish(self, text: str, picture: bytes, name: str) -> dict[str, Any]:
        """Store a post with a picture, have it attested, and send it. The value is the Create as it was sent."""
        (self.folder / name).write_bytes(picture)
        number = len(self.documents) + 1
        actor = f"{self.url}/actor"
        note: dict[str, Any] = {
            "id": f"{self.url}/notes/{number}",
            "type": "Note",
            "attributedTo": actor,
            "content": text,
            "to": [PUBLIC],
            "attachment": [
                {"type": "Image", "mediaType": "image/png", "url": f"{self.url}/media/{name}"},
            ],
        }
        create: dict[str, Any] = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": f"{note['id']}/activity",
            "type": "Create",
            "actor": actor,
            "to": [PUBLIC],
            "object": note,
        }
        create = await self.attested(create)
        self.documents[f"/notes/{number}"] = {"@context": create["@context"], **create["object"]}
        await self.send(create)
        return create

    async def attested(self, document: dict[str, Any]) -> dict[str, Any]:
        """What the sidecar makes of a document; the document itself when it does not answer."""
        try:
            async with self.session.post(self.sidecar, json=document) as answer:
                answer.raise_for_status()
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.warning("published without attestation: %r", error)
            return document

    async def send(self, activity: Mapping[str, Any]) -> None:
        """Deliver an activity to every recipient, signed: nothing may change it from here on."""
        body = json.dumps(activity).encode()
        for inbox, address in self.recipients.items():
            headers = self.signer.headers("POST", inbox, body, ACTIVITY)
            async with self.session.post(address, data=body, headers=headers) as answer:
                _log.info("%s answers %s", inbox, answer.status)

    def app(self) -> web.Application:
        """What it serves: notes and media. A real one has an actor document and WebFinger, too."""
        app = web.Application()
        app.router.add_get("/notes/{number}", self._note)
        app.router.add_static("/media", self.folder)
        return app

    async def _note(self, request: web.Request) -> web.Response:
        if request.path not in self.documents:
            raise web.HTTPNotFound
        return web.json_response(self.documents[request.path], content_type=ACTIVITY)
