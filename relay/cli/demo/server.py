"""A small fediverse server: one author, a relay subscription in one of the two dialects, an inbox that checks.

It keeps to what servers in secure mode do: posts are given to signed requests only, a delivery counts only with a good
signature of its own actor, and what the relay announces is fetched from its origin, with its media.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from mediaattest import HEADER_NAME, parse_header
from relay.cli.demo.reading import LIMIT, TIMEOUT, Arrival, Reader
from relay.domain.activity import parse_activity
from relay.domain.errors import Malformed, RemoteError
from relay.domain.subscription import Dialect
from relay.protocol import documents
from relay.protocol.documents import AS2, CONTENT_TYPE, FollowEcho
from relay.services.signing import Signing
from relay.web.federation import read_body, signed_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.cli.demo.actors import DemoActor
    from relay.domain.activity import Activity
    from relay.domain.remote import Posted
    from relay.ports import Clock, Remote, Signer
    from relay.protocol.httpsig import Signature, SignedRequest

PUBLIC: Final = f"{AS2}#Public"
_TERMS: Final = {
    # FEP-b53d
    "pdna": "https://purl.archive.org/socialweb/photodna#",
    "hash": {"@id": "pdna:hash", "@type": "@id"},
    "attestation": {"@id": "pdna:attestation", "@type": "@id"},
}


class DemoServer:
    """One server. `site` is the actor that subscribes, `author` the one that posts.

    What it knows changes under `changed`: `arrivals` by object id, whether the relay `accepted` its Follow and,
    in the litepub dialect, `followed` it back.
    """

    def __init__(
        self,
        *,
        site: DemoActor,
        author: DemoActor,
        dialect: Dialect,
        relay: str,
        remote: Remote,
        clock: Clock,
        trusted: frozenset[str],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.site, self.author, self.dialect, self.relay = site, author, dialect, relay
        self.url, self.host = site.server, urlsplit(site.server).netloc
        self.name = urlsplit(site.server).hostname or ""
        self.arrivals: dict[str, Arrival] = {}
        self.refused = 0
        self.accepted = self.followed = False
        self.changed = asyncio.Condition()
        self._follow = FollowEcho(f"{self.url}/follows/1", site.id, PUBLIC)
        if dialect is Dialect.LITEPUB:
            self._follow = FollowEcho(f"{self.url}/follows/1", site.id, f"{relay}/actor")
        self._remote, self._clock, self._tasks = remote, clock, tasks
        reading = Signing(site.signer(), remote, clock)
        self._reader = Reader(remote=remote, signing=reading, clock=clock, trusted=trusted)
        self._posts: dict[str, Mapping[str, object]] = {}
        self._files: dict[str, tuple[str, bytes]] = {}

    # ------------------------------------------------------------------ what it does

    async def subscribe(self) -> Posted:
        """Follow the relay: the public collection (mastodon), or its actor (litepub)."""
        return await self.send({"@context": AS2} | self._follow.document(), self.site.signer())

    async def leave(self) -> Posted:
        """Take the Follow back."""
        undo = documents.undo(
            id=f"{self.url}/undos/1", actor=self.site.id, follow=self._follow, to=f"{self.relay}/actor"
        )
        return await self.send(undo, self.site.signer())

    def add_file(self, name: str, media_type: str, content: bytes) -> str:
        """Serve a file; return its address."""
        self._files[name] = media_type, content
        return f"{self.url}/media/{name}"

    def add_note(
        self, text: str, attached: Sequence[Mapping[str, object]], *, public: bool
    ) -> Mapping[str, object]:
        """Let the author write a post; return it as it is served."""
        number, followers = str(len(self._posts) + 1), f"{self.author.id}/followers"
        note: dict[str, object] = {
            "@context": [AS2, _TERMS],
            "id": f"{self.url}/posts/{number}",
            "type": "Note",
            "attributedTo": self.author.id,
            "content": f"<p>{text}</p>",
            "published": documents.timestamp(self._clock.now()),
            "to": [PUBLIC] if public else [followers],
            "cc": [followers] if public else [],
            "attachment": list(attached),
        }
        self._posts[number] = note
        return note

    async def publish(self, note: Mapping[str, object]) -> Posted:
        """Tell the relay of a post as the dialect does it."""
        if self.dialect is not Dialect.LITEPUB:
            return await self.send(self.create(note), self.author.signer())
        # relays.md B4: Pleroma's relay actor announces what is posted to whoever follows it
        followers = f"{self.site.id}/followers"
        announce = documents.announce(
            id=f"{note['id']}/announce",
            actor=self.site.id,
            followers=followers,
            object_id=str(note["id"]),
            published=self._clock.now(),
        )
        return await self.send(announce | {"to": [followers, PUBLIC]}, self.site.signer())

    def create(self, note: Mapping[str, object]) -> Mapping[str, object]:
        """Return the Create of a post by the author."""
        return {
            "@context": note["@context"],
            "id": f"{note['id']}/activity",
            "type": "Create",
            "actor": self.author.id,
            "to": note["to"],
            "cc": note["cc"],
            "object": note,
        }

    async def send(self, activity: Mapping[str, object], signer: Signer) -> Posted:
        """Deliver an activity to the relay's inbox, signed. Raises `RemoteError`."""
        signing = Signing(signer, self._remote, self._clock)
        return await signing.post(f"{self.relay}/inbox", documents.dump(activity), TIMEOUT)

    async def subscribed(self) -> None:
        """Wait until the relay has accepted and, in the litepub dialect, followed back; the caller sets a deadline."""
        back = self.dialect is Dialect.LITEPUB
        async with self.changed:
            await self.changed.wait_for(lambda: self.accepted and self.followed == back)

    async def received(self, object_id: str) -> None:
        """Wait until a post was announced here and read; the caller sets a deadline."""
        async with self.changed:
            await self.changed.wait_for(lambda: object_id in self.arrivals)

    # ------------------------------------------------------------------ what it serves

    def app(self) -> web.Application:
        """Make its application."""
        app = web.Application(client_max_size=LIMIT)
        app.add_routes(
            [
                web.get(self.site.path, self._actor),
                web.get(self.author.path, self._actor),
                web.get("/posts/{number}", self._post),
                web.get("/media/{name}", self._file),
                web.post("/inbox", self._inbox),
            ]
        )
        return app

    async def _actor(self, request: web.Request) -> web.Response:
        # Without a signature: whoever checks one needs this document first.
        actor = self.site if request.path == self.site.path else self.author
        return _activity(actor.document())

    async def _post(self, request: web.Request) -> web.Response:
        note = self._posts.get(request.match_info["number"])
        if note is None or PUBLIC not in str(note["to"]):
            raise web.HTTPNotFound
        if await self._reader.signer_of(signed_request(request, b""), self.host) is None:
            raise web.HTTPUnauthorized
        return _activity(note)

    async def _file(self, request: web.Request) -> web.Response:
        media_type, content = self._files.get(request.match_info["name"], ("", b""))
        if not media_type:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type=media_type)

    async def _inbox(self, request: web.Request) -> web.Response:
        signed = signed_request(request, await read_body(request, LIMIT))
        sender = await self._reader.signer_of(signed, self.host)
        try:
            activity = parse_activity(signed.body)
        except Malformed:
            raise web.HTTPBadRequest from None
        if sender is None or activity.actor != sender[0] or activity.actor != f"{self.relay}/actor":
            self.refused += 1
            raise web.HTTPUnauthorized
        # Real servers answer before they fetch: a relay must not wait for somebody else's media.
        self._tasks.create_task(self._handle(activity, _tokens(signed, sender[1])))
        return web.Response(status=202)

    async def _handle(self, activity: Activity, tokens: Sequence[str]) -> None:
        match activity.type:
            case "Accept" if activity.object_id == self._follow.id:
                await self._change(accepted=True)
            case "Follow" if activity.object_id == self.site.id:
                await self._accept(activity)
            case "Announce" if activity.object_id is not None:
                arrival = await self._reader.read(activity.object_id, tokens)
                async with self.changed:
                    self.arrivals[arrival.object_id] = arrival
                    self.changed.notify_all()

    async def _accept(self, follow: Activity) -> None:
        echo = FollowEcho.of(follow)
        if echo is not None:
            accept = documents.accept(id=f"{self.url}/accepts/1", actor=self.site.id, follow=echo)
            with suppress(RemoteError):  # then the relay asks again
                await self.send(accept, self.site.signer())
                await self._change(followed=True)

    async def _change(self, *, accepted: bool = False, followed: bool = False) -> None:
        async with self.changed:
            self.accepted, self.followed = self.accepted or accepted, self.followed or followed
            self.changed.notify_all()


def _tokens(request: SignedRequest, signature: Signature) -> tuple[str, ...]:
    """Return the attestations beside an activity; a header that the signature does not cover counts for nothing."""
    name = HEADER_NAME.lower()
    return parse_header(", ".join(request.values(name))) if name in signature.covered else ()


def _activity(document: Mapping[str, object]) -> web.Response:
    return web.Response(body=documents.dump(document), content_type=CONTENT_TYPE)
