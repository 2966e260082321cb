"""Relays that do it wrong: a small relay of its own whose faults can be chosen, for the lab to find."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from mediaattest import digest_of, from_data_url
from relay.adapters.guard import AddressPolicy
from relay.adapters.remote import GuardedRemote
from relay.adapters.system import SystemClock
from relay.adapters.throwaway import make_keys
from relay.cli.demo.loopback import ADDRESS, NETWORK, free_ports
from relay.cli.serving import listening
from relay.domain.errors import RemoteError
from relay.domain.scheme import Scheme
from relay.protocol.documents import AS2, CONTENT_TYPE
from relay.protocol.httpsig import Signature, Target, body_digest, inspect, verify
from relay.services.lab.actors import LabActor
from relay.services.signing import Message, bytes_of, headers_of
from relay.web.federation import signed_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from relay.ports import Remote

PUBLIC = f"{AS2}#Public"


class Fault(Enum):
    """What a relay can do wrong."""

    REWRITES = auto()
    """Forwards parsed and written again."""
    ADDS = auto()
    """Adds the two properties to the post."""
    UNSEEN = auto()
    """Vouches for whatever the post declares, without a look."""
    UNCOVERED = auto()
    """Leaves its field out of the signature."""
    MALFORMED = auto()
    """Writes a field that is no list of strings, and an empty one where it has nothing."""
    MISNAMED = auto()
    """Names attestations without defining the term."""
    LEAKS = auto()
    """Passes on what is not public, not signed, or signed by somebody else."""
    ECHOES = auto()
    """Sends back to the sender, and everything that comes."""
    DEAF = auto()
    """Does not hear an Undo, and takes posts from anybody."""
    BARE = auto()
    """Accepts without the Follow, has no NodeInfo, no WebFinger."""
    MUTE = auto()
    """Rejects every Follow."""


@dataclass
class CarelessRelay:
    """A relay in memory at `url`. It announces to whoever follows its actor, and forwards to the others."""

    url: str
    remote: Remote
    faults: Collection[Fault]
    clock: SystemClock = field(default_factory=SystemClock)
    forwards: bool = True
    followers: dict[str, tuple[str, bool]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    _sent: int = 0

    def __post_init__(self) -> None:
        self.actor = LabActor(self.url, "/actor", "Application", "relay", make_keys(), self.clock)

    def app(self) -> web.Application:
        """Make its application."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/actor", self._actor),
                web.post("/{inbox:.*}", self._inbox),
                web.get("/.well-known/webfinger", self._webfinger),
                web.get("/.well-known/nodeinfo", self._links),
                web.get("/nodeinfo", self._nodeinfo),
            ]
        )
        return app

    async def _actor(self, request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(self.actor.document()), content_type=CONTENT_TYPE)

    async def _webfinger(self, request: web.Request) -> web.Response:
        href = f"{self.url}/elsewhere" if Fault.BARE in self.faults else self.actor.id
        return web.json_response({"links": [{"rel": "self", "href": href}]})

    async def _links(self, request: web.Request) -> web.Response:
        if Fault.BARE in self.faults:
            raise web.HTTPNotFound
        rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
        return web.json_response({"links": [{"rel": rel, "href": f"{self.url}/nodeinfo"}]})

    async def _nodeinfo(self, request: web.Request) -> web.Response:
        return web.json_response({"software": {"name": "careless", "version": "1"}})

    async def _inbox(self, request: web.Request) -> web.Response:
        body = await request.read()
        activity = json.loads(body)
        if activity["type"] == "Follow":
            await self._follow(activity)
        elif activity["type"] == "Undo":
            if Fault.DEAF not in self.faults:
                self.followers.pop(activity["actor"], None)
        elif await self._takes(request, activity, body):
            await self._pass_on(activity, body)
        return web.Response(status=202)

    async def _follow(self, follow: Mapping[str, Any]) -> None:
        fetched = await self.remote.get(follow["actor"], accept=CONTENT_TYPE, limit=100_000, timeout=5)
        inbox = json.loads(fetched.body)["inbox"]
        self.followers[follow["actor"]] = (inbox, follow["object"] != PUBLIC or not self.forwards)
        answer = "Reject" if Fault.MUTE in self.faults else "Accept"
        embedded = follow["id"] if Fault.BARE in self.faults else dict(follow)
        await self._send(inbox, self._activity(answer, embedded), [])

    async def _takes(self, request: web.Request, activity: Mapping[str, Any], body: bytes) -> bool:
        if Fault.LEAKS in self.faults:
            return True
        if PUBLIC not in activity["to"]:
            return False
        if Fault.DEAF not in self.faults and _server(activity["actor"]) not in map(_server, self.followers):
            return False
        signed = signed_request(request, body)
        signature = inspect(signed, now=self.clock.now(), hosts=frozenset({_server(self.url)}))
        if not isinstance(signature, Signature):
            return False
        fetched = await self.remote.get(activity["actor"], accept=CONTENT_TYPE, limit=100_000, timeout=5)
        return verify(signature, signed, json.loads(fetched.body)["publicKey"]["publicKeyPem"])

    async def _pass_on(self, activity: Mapping[str, Any], body: bytes) -> None:
        target = activity["object"]["id"]
        key = f"{activity['type']} {target}"
        if key in self.seen and Fault.ECHOES not in self.faults:
            return
        self.seen.add(key)
        tokens = self._tokens(activity["object"])
        for actor, (inbox, announces) in list(self.followers.items()):
            if _server(actor) == _server(activity["actor"]) and Fault.ECHOES not in self.faults:
                continue
            if announces and activity["type"] == "Create":
                await self._send(inbox, self._announce(target, tokens), tokens)
            elif not announces:
                await self._send(inbox, self._forwarded(activity, body), tokens)

    def _forwarded(self, activity: Mapping[str, Any], body: bytes) -> bytes:
        if Fault.ADDS in self.faults and activity["type"] == "Create":
            note = activity["object"]
            added = [entry | {"hash": f"sha256:{'0' * 64}"} for entry in note["attachment"]]
            return json.dumps({**activity, "object": note | {"attachment": added}}).encode()
        return json.dumps(activity, indent=1).encode() if Fault.REWRITES in self.faults else body

    def _announce(self, target: str, tokens: list[str]) -> bytes:
        self._sent += 1
        announce = json.loads(self._activity("Announce", target))
        if Fault.MISNAMED in self.faults and tokens:
            announce["mediaAttestation"] = [*tokens, "nonsense"]
        return json.dumps(announce).encode()

    def _tokens(self, note: Mapping[str, Any]) -> list[str]:
        """Vouch for what a post declares: what it brings, and the digests that it names, without a look at them."""
        if Fault.UNSEEN not in self.faults:
            return []
        found = [entry for entry in note.get("attachment", []) if "attestation" in entry]
        texts = [entry["attestation"] for entry in found]
        texts += [self.actor.attest(entry["hash"]) for entry in found]
        texts += [self.actor.attest(digest_of(b"something else"))] if found else []
        return [token for text in texts if (token := from_data_url(text)) is not None]

    def _activity(self, kind: str, target: object) -> bytes:
        self._sent += 1
        document = {"@context": AS2, "id": f"{self.url}/{self._sent}", "type": kind, "actor": self.actor.id}
        return json.dumps(document | {"object": target, "to": [PUBLIC]}).encode()

    async def _send(self, inbox: str, body: bytes, tokens: list[str]) -> None:
        beside = ", ".join(f'"{token}"' for token in tokens) or None
        if Fault.MALFORMED in self.faults:
            beside = "nonsense" if tokens else ""
        covered = None if Fault.UNCOVERED in self.faults else beside or None
        message, now = Message(Target.of(inbox), body_digest(body), covered), self.clock.now()
        value = self.actor.sign(bytes_of(message, Scheme.DRAFT, now, self.actor.key_id))
        headers = headers_of(message, Scheme.DRAFT, now, self.actor.key_id, value)
        if beside is not None:
            headers["Media-Attestation"] = beside
        try:
            await self.remote.post(inbox, headers=headers, body=body, timeout=5)
        except RemoteError:
            return


def _server(url: str) -> str:
    return urlsplit(url).netloc


@asynccontextmanager
async def careless(*faults: Fault, forwards: bool = True) -> AsyncIterator[str]:
    """Run one; the value is its URL."""
    clock, [port] = SystemClock(), free_ports(1)
    remote = GuardedRemote(
        clock=clock,
        user_agent="careless",
        addresses=AddressPolicy(allowed_private=(NETWORK,)),
        allow_http=True,
    )
    url = f"http://{ADDRESS}:{port}"
    async with remote:
        relay = CarelessRelay(url, remote, frozenset(faults), clock, forwards)
        async with listening(relay.app(), ADDRESS, port):
            yield url
