"""What other servers ask for: inbox, actor, discovery, collections, attestations."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.errors import Malformed, NotFound, Refused, TooLarge
from relay.protocol import discovery, documents
from relay.protocol.httpsig import SignedRequest
from relay.web.bodies import BODIES, Bodies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.services.attestations import Attestor
    from relay.services.authenticate import Authenticator
    from relay.services.identity import Identity
    from relay.services.misses import Misses
    from relay.services.peers import Peers
    from relay.services.profile import Profile
    from relay.services.receive import Receiver
    from relay.services.tally import Tally

BODY_TIMEOUT: Final = 30.0
"""Seconds that a request body may take to arrive."""
_TYPES: Final = frozenset({"application/activity+json", "application/ld+json", "application/json"})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PUBLIC: Final = {"Vary": "Accept, Signature", "Cache-Control": "max-age=300"}


@dataclass(frozen=True, slots=True)
class Federation:
    """What the federation pages are made of. `max_body` in bytes.

    `lookup` tells who may look up attestations, `is_open` whether every server may subscribe; both may change.

    `body_timeout`: seconds that the body of a request may take. `accounts` finds others than the relay by a WebFinger
    resource, or is None.
    """

    identity: Identity
    profile: Profile
    receiver: Receiver
    authenticator: Authenticator
    peers: Peers
    attestor: Attestor
    misses: Misses
    tally: Tally
    max_body: int
    lookup: Callable[[], str]
    is_open: Callable[[], bool]
    repository: str
    accounts: Callable[[str], Awaitable[Mapping[str, object] | None]] | None = None
    body_timeout: float = BODY_TIMEOUT
    bodies: Bodies = field(default_factory=lambda: Bodies(BODIES))

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.post("/inbox", self.inbox),
            web.get("/inbox", self.get_actor),
            web.get("/actor", self.get_actor),
            web.get("/outbox", self.collection),
            web.get("/followers", self.collection),
            web.get("/following", self.collection),
            web.get("/.well-known/webfinger", self.webfinger),
            web.get("/.well-known/nodeinfo", self.nodeinfo_links),
            web.get("/nodeinfo/{version}", self.nodeinfo),
            web.get("/.well-known/host-meta", self.host_meta),
            web.get("/media-attestations/sha256/{digest}", self.attestation),
        ]

    async def inbox(self, request: web.Request) -> web.Response:
        """Take an activity: 202 once it is durable or known to be of no concern."""
        if request.content_type not in _TYPES:
            raise Malformed("Activities are sent as application/activity+json.", code="bad-content-type")
        with self.bodies.held() as grow:
            body = await read_body(request, self.max_body, within=self.body_timeout, grow=grow)
            receipt = await self.receiver.receive(signed_request(request, body))
        self.tally.add("inbox", receipt.code)
        return web.Response(status=202)

    async def get_actor(self, _request: web.Request) -> web.Response:
        """Serve the relay actor, also where admins paste the inbox address into a browser (relays.md B3)."""
        # Never asks for a signature: servers in secure mode need this document to check our own (deadlock).
        return _activity(self.profile.document)

    async def collection(self, request: web.Request) -> web.Response:
        """Serve a collection without members: who subscribes is nobody's business."""
        url = f"{self.identity.url}{request.path}"
        return _activity(documents.dump(documents.collection(id=url)))

    async def webfinger(self, request: web.Request) -> web.Response:
        """Find the relay by name (RFC 7033)."""
        resource = request.query.get("resource")
        if resource is None:
            raise Malformed("WebFinger needs a resource.", code="no-resource")  # RFC 7033 4.2
        document: Mapping[str, object] | None = discovery.webfinger(resource, url=self.identity.url)
        if document is None and self.accounts is not None:
            document = await self.accounts(resource)
        if document is None:
            raise NotFound("Only the relay itself can be found here.")
        headers = {"Access-Control-Allow-Origin": "*"}  # RFC 7033 5
        return web.Response(
            body=documents.dump(document), content_type=discovery.WEBFINGER_TYPE, headers=headers
        )

    async def nodeinfo_links(self, _request: web.Request) -> web.Response:
        """Serve the link document."""
        document = discovery.nodeinfo_links(url=self.identity.url)
        return web.Response(body=documents.dump(document), content_type="application/json")

    async def nodeinfo(self, request: web.Request) -> web.Response:
        """Serve NodeInfo 2.0 or 2.1."""
        version = request.match_info["version"]
        document = discovery.nodeinfo(
            version,
            software_version=self.identity.version,
            repository=self.repository,
            is_open=self.is_open(),
            metadata={
                "nodeName": self.identity.name,
                "nodeDescription": self.identity.summary,
                "role": "relay: passes public activities on and stores no media",
                "report": f"{self.identity.url}/",
            },
        )
        if document is None:
            raise NotFound("Only NodeInfo 2.0 and 2.1 are served.")
        headers = {"Content-Type": discovery.nodeinfo_type(version)}
        return web.Response(body=documents.dump(document), headers=headers)

    async def host_meta(self, _request: web.Request) -> web.Response:
        """Serve the XRD of RFC 6415."""
        return web.Response(
            text=discovery.host_meta(url=self.identity.url), content_type=discovery.HOST_META_TYPE
        )

    async def attestation(self, request: web.Request) -> web.Response:
        """Look up our attestation of a digest: 200, 404 for unknown and withheld alike, 410 retracted."""
        digest = request.match_info["digest"]
        if not _SHA256.fullmatch(digest):
            raise Malformed("A digest is 64 lower-case hex digits.", code="bad-digest")
        lookup = self.lookup()
        if lookup == "off":
            raise NotFound("Attestations are not looked up here.")
        if lookup == "subscribers":
            sender = await self.authenticator.authenticate(signed_request(request, b""))
            if not await self.peers.serves(sender.server):
                raise Refused("Attestations are for subscribers.", code="not-a-subscriber")
        issued = await self.attestor.look_up(digest)
        if issued is None or issued.jws is None:
            await self.misses.pause()
            raise NotFound("There is no attestation of this digest.")
        if issued.retracted_at is not None:
            raise web.HTTPGone
        return web.Response(text=issued.jws, content_type="application/jwt")


def signed_request(request: web.Request, body: bytes, *, deferred: bool = False) -> SignedRequest:
    """Take a request over as it was sent: header order and bytes matter to signatures.

    `deferred`: its body is still to come.
    """
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape"))
        for name, value in request.raw_headers
    )
    return SignedRequest(request.method, request.raw_path, headers, body, deferred)


async def read_body(
    request: web.Request,
    limit: int,
    *,
    within: float = BODY_TIMEOUT,
    grow: Callable[[int], None] | None = None,
) -> bytes:
    """Read at most `limit` bytes in `within` seconds; `grow` is told of each part. Raises `TooLarge`."""
    if (request.content_length or 0) > limit:
        raise TooLarge
    body = bytearray()

    def take(part: bytes) -> None:
        if grow is not None:
            grow(len(part))
        body.extend(part)
        if len(body) > limit:
            raise TooLarge

    if request.content.is_eof():  # all of it came with the head, as a rule: there is nothing to wait for
        take(request.content.read_nowait())
        return bytes(body)
    try:
        async with asyncio.timeout(within):
            async for chunk in request.content.iter_chunked(64 * 1024):
                take(chunk)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(body)


def _activity(body: bytes) -> web.Response:
    return web.Response(body=body, content_type=documents.CONTENT_TYPE, headers=_PUBLIC)
