"""A server of our own on the tests' network: an actor that subscribes, an author, posts, and an inbox that keeps all.

It checks signatures as strict servers do, and writes down every delivery, also one that came before: what arrives
twice is what these tests are about.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from relay.cli.serving import listening
from relay.protocol.httpsig import Signature, inspect, verify
from relay.web.federation import signed_request
from tests.fakes import ACTIVITY, PUBLIC, pem_of, rsa_key, sign_request
from tests.interop.processes import certificate
from tests.interop.world import NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from relay.ports import Clock

ACCEPT = {"Accept": ACTIVITY}


@dataclass
class Site:
    """A server. `arrived` are the activities as they came, with good signatures; `refused` counts the others."""

    name: str
    number: int
    session: aiohttp.ClientSession
    clock: Clock
    arrived: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    fetched: Counter[str] = field(default_factory=Counter)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def url(self, path: str = "") -> str:
        return f"https://{self.name}{path}"

    def announced(self, note: str) -> list[str]:
        """The actors that announced a post to this server, each time they did."""
        return [
            one["actor"] for one in self.arrived if one["type"] == "Announce" and one.get("object") == note
        ]

    def answers(self, kind: str) -> list[dict[str, Any]]:
        """What arrived of one type."""
        return [one for one in self.arrived if one["type"] == kind]

    # ------------------------------------------------------------------ what it does

    async def follow(self, relay: str, *, target: str = PUBLIC) -> None:
        """Subscribe to a relay (an origin)."""
        host = urlsplit(relay).netloc
        follow = {"id": self.url(f"/follows/{host}"), "type": "Follow", "object": target}
        assert await self.send(relay, "/actor", follow) == 202

    async def leave(self, relay: str, *, target: str = PUBLIC) -> None:
        """Unsubscribe again."""
        host = urlsplit(relay).netloc
        follow = {
            "id": self.url(f"/follows/{host}"),
            "type": "Follow",
            "actor": self.url("/actor"),
            "object": target,
        }
        undo = {"id": self.url(f"/undos/{host}"), "type": "Undo", "object": follow}
        assert await self.send(relay, "/actor", undo) == 202

    def note(self, text: str) -> dict[str, Any]:
        """Let alice write a post."""
        note = self.url(f"/notes/{len(self.notes) + 1}")
        self.notes[urlsplit(note).path] = found = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": note,
            "type": "Note",
            "attributedTo": self.url("/alice"),
            "to": [PUBLIC],
            "cc": [self.url("/alice/followers")],
            "content": text,
            "published": "2026-11-22T03:00:00Z",
        }
        return found

    async def publish(self, relay: str, note: Mapping[str, Any]) -> int:
        """Send a post to a relay as Mastodon does: the author's own Create."""
        activity = {
            "id": f"{note['id']}/activity",
            "type": "Create",
            "to": note["to"],
            "cc": note["cc"],
            "object": dict(note),
        }
        return await self.send(relay, "/alice", activity)

    async def send(self, relay: str, by: str, activity: Mapping[str, Any]) -> int:
        """Deliver an activity to a relay's inbox, signed; the value is the status."""
        actor = self.url(by)
        whole = {"@context": "https://www.w3.org/ns/activitystreams", **activity, "actor": actor}
        body, key = json.dumps(whole).encode(), rsa_key(self.number)
        signed = sign_request(key, f"{actor}#main-key", f"{relay}/inbox", body, self.clock.now())
        async with self.session.post(f"{relay}/inbox", data=body, headers=dict(signed.headers)) as answer:
            return answer.status

    # ------------------------------------------------------------------ what it serves

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/{name:actor|alice}", self._actor),
                web.get("/notes/{number}", self._note),
                web.get("/.well-known/nodeinfo", self._nodeinfo_links),
                web.get("/nodeinfo/2.0", self._nodeinfo),
                web.post("/inbox", self._inbox),
            ]
        )
        return app

    async def _actor(self, request: web.Request) -> web.Response:
        self.fetched[request.path] += 1
        actor = self.url(request.path)
        return _json(
            {
                "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
                "id": actor,
                "type": "Application" if request.path == "/actor" else "Person",
                "preferredUsername": request.path[1:],
                "inbox": self.url("/inbox"),
                "outbox": f"{actor}/outbox",
                "endpoints": {"sharedInbox": self.url("/inbox")},
                "publicKey": {
                    "id": f"{actor}#main-key",
                    "owner": actor,
                    "publicKeyPem": pem_of(rsa_key(self.number)),
                },
            }
        )

    async def _note(self, request: web.Request) -> web.Response:
        self.fetched[request.path] += 1
        if request.path not in self.notes:
            raise web.HTTPNotFound
        return _json(self.notes[request.path])

    async def _nodeinfo_links(self, request: web.Request) -> web.Response:
        rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
        return web.json_response({"links": [{"rel": rel, "href": self.url("/nodeinfo/2.0")}]})

    async def _nodeinfo(self, request: web.Request) -> web.Response:
        software = {"name": "mastodon", "version": "4.5.0"}
        services: dict[str, list[str]] = {"inbound": [], "outbound": []}
        return web.json_response(
            {
                "version": "2.0",
                "software": software,
                "protocols": ["activitypub"],
                "services": services,
                "openRegistrations": False,
                "usage": {"users": {}},
                "metadata": {},
            }
        )

    async def _inbox(self, request: web.Request) -> web.Response:
        signed = signed_request(request, await request.read())
        signature: Any = inspect(signed, now=self.clock.now(), hosts=frozenset({self.name}))
        if not isinstance(signature, Signature):
            self.refused += 1
            return web.Response(status=401, text=str(signature))
        async with self.session.get(signature.key_id.partition("#")[0], headers=ACCEPT) as answer:
            signer = await answer.json(content_type=None)
        activity = json.loads(signed.body)
        if signer["id"] != activity["actor"] or not verify(
            signature, signed, signer["publicKey"]["publicKeyPem"]
        ):
            self.refused += 1
            return web.Response(status=401)
        self.arrived.append(activity)
        return web.Response(status=202)


@asynccontextmanager
async def site(name: str, session: aiohttp.ClientSession, clock: Clock) -> AsyncIterator[Site]:
    """A server of ours, up for the length of the block."""
    made = Site(name, list(NAMES).index(name) % 8, session, clock)
    async with listening(made.app(), NAMES[name], 443, tls=certificate(name)):
        yield made


def _json(document: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(document), content_type=ACTIVITY)
