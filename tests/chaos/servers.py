"""The fediverse around the relay: a server that publishes, and servers that want what it publishes.

All of them are real, on loopback. `Origin` writes down what the relay answered to what, `Subscriber` what arrived when;
both keep posting or answering whatever becomes of the relay. `judge` compares the two.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening
from tests.fakes import ACTIVITY, PUBLIC, pem_of, rsa_key, sign_request
from tests.unit.protocol.signed_ld import sign_ld

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

CONTEXT: Final = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]
GONE: Final = 1_000_000
"""The version of an object that is deleted: after every other."""
TOLERANCE: Final = 3600.0
"""By how many seconds the date of a signature may be off for who reads it; Mastodon allows twelve hours."""
ARRIVAL_SECONDS: Final = 400.0
"""How long everything may take to arrive once nothing is wrong any more: nobody waits that long for what works.

A process that dies while it screens a post leaves it for five minutes to the others, on PostgreSQL.
"""


def now() -> float:
    """Seconds of a clock that never jumps."""
    return time.monotonic()


@dataclass(slots=True)
class Said:
    """Something that an origin published: a version of an object, first sent at `at`, answered 202 at `taken`."""

    object: str
    version: int
    proven: bool
    at: float
    taken: float | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that a subscriber got; `exact` as its author wrote it, else the relay's Announce."""

    at: float
    object: str
    version: int
    exact: bool


class Server:
    """A server on loopback with an instance actor, and alice. `address` is one of its own, or a name for it."""

    def __init__(self, number: int, address: str = "127.0.0.1") -> None:
        self.number, self.address, self.port = number, address, 0
        self.accepted = asyncio.Event()
        self.answers: Counter[int] = Counter()
        """What the relay answered, 0 for nothing."""
        self.way: Callable[[str], str] = str
        """Where requests for the relay's address go: there, or to one of the processes behind it."""

    def url(self, path: str) -> str:
        return f"http://{self.address}:{self.port}{path}"

    async def open(self, stack: AsyncExitStack, bound: str = "127.0.0.1") -> None:
        """Listen until the stack is closed."""
        self.port = await stack.enter_async_context(listening(self.app(), bound, self.port))
        self.session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        )

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/pictures/{number}", self.picture)
        app.router.add_get("/{name}", self.actor)
        app.router.add_post("/inbox", self.inbox)
        return app

    async def actor(self, request: web.Request) -> web.Response:
        actor = self.url(request.path)
        key = {"id": f"{actor}#main-key", "owner": actor, "publicKeyPem": pem_of(rsa_key(self.number))}
        document = {"id": actor, "type": "Application", "inbox": self.url("/inbox"), "publicKey": key}
        return web.Response(text=json.dumps({"@context": CONTEXT, **document}), content_type=ACTIVITY)

    async def picture(self, request: web.Request) -> web.Response:
        seed = f"{self.number} {request.match_info['number']}"
        return web.Response(
            body=clean_picture(seed, width=160, height=120, kind="PNG"), content_type="image/png"
        )

    async def inbox(self, request: web.Request) -> web.Response:
        if json.loads(await request.read())["type"] == "Accept":
            self.accepted.set()
        return web.Response(status=202)

    async def send(self, relay: str, document: dict[str, Any], wall: float | None = None) -> int:
        """Deliver an activity to the relay; 0 when there was no answer."""
        body = json.dumps(document).encode()
        key_id = f"{document['actor']}#main-key"
        signed = sign_request(
            rsa_key(self.number),
            key_id,
            f"{relay}/inbox",
            body,
            time.time() if wall is None else wall,
        )
        try:
            async with self.session.post(
                f"{self.way(relay)}/inbox", data=body, headers=dict(signed.headers)
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError):  # TimeoutError among them
            status = 0
        self.answers[status] += 1
        return status

    async def follow(self, relay: str) -> None:
        """Subscribe, and wait until that is accepted."""
        asked = {"id": self.url("/follow"), "type": "Follow", "actor": self.url("/actor"), "object": PUBLIC}
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while await self.send(relay, asked) != 202:
                await asyncio.sleep(0.2)
            await self.accepted.wait()


class Origin(Server):
    """A server whose alice posts, edits and deletes, each object in order, and repeats what was not answered 202."""

    def __init__(self, number: int, seed: int, address: str = "127.0.0.1") -> None:
        super().__init__(number, address)
        self.said: list[Said] = []
        self._chance = random.Random(seed)  # noqa: S311 - the same posts every time
        self._newest: dict[str, Said] = {}
        self._count = 0

    def newest(self, object_id: str, at: float) -> int:
        """The version that a server sees that fetches an object at a time."""
        return max((one.version for one in self.said if one.object == object_id and one.at <= at), default=0)

    @property
    def taken(self) -> list[Said]:
        """What was answered 202."""
        return [one for one in self.said if one.taken is not None]

    async def talk(self, relay: str, over: asyncio.Event, *, lanes: int = 3) -> None:
        """Publish until it is over, so many objects at a time; what was begun is repeated until the relay took it."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(lanes):
                tasks.create_task(self._lane(relay, over))

    async def _lane(self, relay: str, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.one(relay, over)

    async def one(self, relay: str, over: asyncio.Event | None = None) -> None:
        """Publish one object, and perhaps edit and delete it."""
        self._count += 1
        note, chance = self.url(f"/notes/{self._count}"), self._chance
        proven = chance.random() < 0.7
        with_picture = chance.random() < 0.2
        edits, deleted = chance.randrange(3), chance.random() < 0.3
        if not proven:
            edits, deleted = 0, False
        for version in [*range(1, edits + 2), *([GONE] if deleted else [])]:
            if over is not None and over.is_set() and version > 1:
                return
            await self._say(
                relay, Said(note, version, proven, now()), self._count if with_picture else None, over
            )

    async def _say(self, relay: str, said: Said, picture: int | None, over: asyncio.Event | None) -> None:
        document = self._document(said, picture)
        self.said.append(said)
        while await self.send(relay, document) != 202:
            if over is not None and over.is_set():
                return  # who gives up was promised nothing
            await asyncio.sleep(0.1)
        said.taken = now()

    def _document(self, said: Said, picture: int | None) -> dict[str, Any]:
        alice = self.url("/alice")
        post: dict[str, Any] = {"id": said.object, "type": "Tombstone"}
        if said.version != GONE:
            post |= {"type": "Note", "to": [PUBLIC], "attributedTo": alice, "content": f"{said.version}"}
            post["updated"] = f"2026-01-01T00:00:{said.version:02d}Z"
            if picture is not None:
                url = self.url(f"/pictures/{picture}")
                post["attachment"] = [{"type": "Image", "mediaType": "image/png", "url": url}]
        kind = {1: "Create", GONE: "Delete"}.get(said.version, "Update")
        document = {
            "@context": CONTEXT,
            "id": f"{said.object}#{said.version}",
            "type": kind,
            "actor": alice,
            "to": [PUBLIC],
            "object": post,
        }
        if not said.proven:
            return document
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return sign_ld(document, rsa_key(self.number), f"{alice}#main-key", created)


class Subscriber(Server):
    """A server that takes what is signed as it should be, and writes down what it got."""

    def __init__(self, number: int, origin: Origin, address: str = "127.0.0.1") -> None:
        super().__init__(number, address)
        self._origin = origin
        self.seconds = 0.0
        """For which it keeps an answer to itself."""
        self.arrived: list[Arrival] = []
        self.refused: Counter[str] = Counter()
        """What was wrong with signatures, and how often."""
        self._keys: dict[str, RSAPublicKey] = {}

    async def inbox(self, request: web.Request) -> web.Response:
        body = await request.read()
        wrong = await self._wrong(request, body)
        if wrong is not None:
            self.refused[wrong] += 1
            return web.Response(status=401, text=wrong)
        activity = json.loads(body)
        kind, what = activity["type"], activity["object"]
        if kind == "Accept":
            self.accepted.set()
        else:
            at = now()
            if kind == "Announce":
                found = Arrival(at, what, self._origin.newest(what, at), exact=False)
            else:
                version = GONE if kind == "Delete" else int(what["content"])
                found = Arrival(at, what["id"], version, exact=True)
            self.arrived.append(found)
            await asyncio.sleep(self.seconds)
        return web.Response(status=202)

    async def _wrong(self, request: web.Request, body: bytes) -> str | None:
        """What is wrong with a request, as a strict server sees it that reads Cavage's signatures; None for nothing."""
        if "signature-input" in request.headers:
            return "scheme"
        fields = dict(part.split("=", 1) for part in request.headers["signature"].split(","))
        fields = {name.strip(): value.strip('"') for name, value in fields.items()}
        date = parsedate_to_datetime(request.headers["date"]).timestamp()
        if abs(date - time.time()) > TOLERANCE:
            return "date"
        digest = b64decode(request.headers["digest"].removeprefix("SHA-256="))
        if digest != hashlib.sha256(body).digest():
            return "digest"
        lines = [
            f"{name}: post {request.path}"
            if name == "(request-target)"
            else f"{name}: {request.headers[name]}"
            for name in fields["headers"].split()
        ]
        key = self._keys.get(fields["keyId"]) or await self._key(fields["keyId"])
        try:
            key.verify(b64decode(fields["signature"]), "\n".join(lines).encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return "signature"
        return None

    async def _key(self, key_id: str) -> RSAPublicKey:
        while True:  # the relay may be dead just now
            try:
                async with self.session.get(key_id.partition("#")[0]) as answer:
                    document = json.loads(await answer.read())
            except (aiohttp.ClientError, OSError, ValueError):
                await asyncio.sleep(0.2)
                continue
            key = load_pem_public_key(document["publicKey"]["publicKeyPem"].encode())
            self._keys[key_id] = key  # type: ignore[assignment] # the relay's is RSA
            return self._keys[key_id]

    async def has(self, wanted: list[Said], seconds: float = ARRIVAL_SECONDS) -> bool:
        """Wait until everything has arrived that must; return whether it did."""
        end = now() + seconds
        while self.missing(wanted):
            if now() > end:
                return False
            await asyncio.sleep(0.2)
        return True

    def missing(self, wanted: list[Said]) -> list[Said]:
        """What was answered 202 and did not arrive: in that version or, where there is a newer one, in that."""
        newest: dict[str, int] = {}
        for one in self.arrived:
            newest[one.object] = max(newest.get(one.object, 0), one.version)
        # What its author deletes is not sent any more, also when the answer to that got lost; the deletion is.
        deleted = {one.object for one in self._origin.said if one.version == GONE}
        return [
            one
            for one in wanted
            if newest.get(one.object, 0) < one.version and (one.version == GONE or one.object not in deleted)
        ]
